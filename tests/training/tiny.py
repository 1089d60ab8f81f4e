"""A shop with a dozen items and a language model of a few thousand weights."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from feature_repo import item_activity, user_activity
from feature_repo.item_activity import ItemActivity
from feature_repo.settings import StoreSettings
from feature_repo.user_activity import UserActivity

BEGIN = 1_700_000_000_000  # epoch ms
HOUR = 3_600_000
TABLES = ("user_profile", "user_activity", "item_content", "item_activity", "interactions")
WORDS = ("[PAD]", "[UNK]", "tea", "cup", "saw", "nail", "red", "blue")


def events(users: int = 8, each: int = 8, seed: int = 0) -> pd.DataFrame:
    """Half of the users buy items 0-5, half 6-11; two of a user's events share their second."""
    draw, rows = np.random.default_rng(seed), []
    for user in range(users):
        begin = BEGIN + int(draw.integers(0, 50)) * HOUR
        for place, item in enumerate(draw.permutation(6)[:each].tolist() * 2):
            rows.append((f"u{user}", f"i{item + 6 * (user % 2)}", "click", begin + (place // 2) * HOUR))
    found = pd.DataFrame(rows, columns=["user_id", "item_id", "action", "timestamp"])
    return found.sort_values("timestamp", kind="stable", ignore_index=True)


def write_log(found: pd.DataFrame, settings: StoreSettings) -> None:
    """The offline log as the stream would have written it."""
    users: dict[str, UserActivity] = {}
    items: dict[str, ItemActivity] = {}
    stamps: dict[str, int] = {}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for number, event in enumerate(found.to_dict("records")):
        user_id, item_id, now = event["user_id"], event["item_id"], event["timestamp"]
        before = users.get(user_id, UserActivity())
        users[user_id] = user_activity.advance(before, item_id, event["action"], now, [group(item_id)])
        items[item_id] = item_activity.advance(items.get(item_id, ItemActivity()), event["action"], now)
        stamps[user_id] = max(now * 1000, stamps.get(user_id, 0) + 1)
        stamps[item_id] = max(now * 1000, stamps.get(item_id, 0) + 1)
        stamp = {"event_timestamp": stamps[user_id]}
        rows["user_activity"].append({"user_id": user_id, **user_activity.to_row(users[user_id]), **stamp})
        item_row = item_activity.to_row(items[item_id])
        rows["item_activity"].append({"item_id": item_id, **item_row, "event_timestamp": stamps[item_id]})
        rows["interactions"].append({"event_id": str(number), **event, "value": 1.0, **stamp})
    rows["user_profile"] = [
        {"user_id": user_id, "user_attributes": ["age=30"], "event_timestamp": BEGIN * 1000 - 1} for user_id in users
    ]
    rows["item_content"] = [content(f"i{item}") for item in range(12)]
    for table, some in rows.items():
        _write(settings.offline_folder(table), pd.DataFrame(some))


def group(item_id: str) -> str:
    return "kitchen" if int(item_id[1:]) < 6 else "tools"


def content(item_id: str) -> dict[str, Any]:
    words = "tea cup red" if group(item_id) == "kitchen" else "saw nail blue"
    return {
        "item_id": item_id,
        "item_title": words,
        "item_text": "",
        "item_categories": [group(item_id)],
        "item_attributes": ["shelf=1"],
        "item_image_vector": np.zeros(0),
        "item_audio_vector": np.zeros(0),
        "item_published_at": BEGIN - 24 * HOUR,
        "item_available": True,
        "event_timestamp": BEGIN * 1000 - 1,
    }


def _write(folder: Path, rows: pd.DataFrame) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stamps = pd.to_datetime(rows["event_timestamp"], unit="us", utc=True).astype("datetime64[us, UTC]")
    rows.assign(event_timestamp=stamps, created=stamps).to_parquet(folder / "part-0.parquet", index=False)


def language_model(folder: Path) -> str:
    """A BERT of one layer that knows WORDS, saved as transformers saves one."""
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(WORDS), max_position_embeddings=64, **size)).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    return str(folder)
