"""A run, and another or its own untouched text encoder -> what tuning changed."""

from pathlib import Path
from typing import Any

import numpy as np

from training.bootstrap import intervals
from training.language import EncoderMissing, load
from training.metrics import ndcg
from training.report.evidence import MODEL, Evidence, read_cases
from training.report.neighbours import compared
from training.runs import Run
from training.text_cache import TextCache

KEYS = ["user_id", "item_id", "timestamp"]


def against(evidence: Evidence, other: Path | None) -> dict[str, Any]:
    """The run beside another one, on the cases that both have."""
    if other is None:
        return {"missing": "No other run was named: --against FOLDER compares with one."}
    column = f"rank_{MODEL}"
    mine, theirs = (cases[[*KEYS, column]].drop_duplicates(KEYS) for cases in (evidence.cases, read_cases(other)))
    both = mine.merge(theirs, on=KEYS, suffixes=("", "_before"))
    if both.empty:
        return {"missing": f"{other.name} was evaluated on other cases: none is the same."}
    gains = [ndcg(both[name].to_numpy(float)) for name in (f"{column}_before", column)]
    before, after, lead = intervals(np.stack([*gains, gains[1] - gains[0]], 1), both["user_id"].to_numpy())
    return {
        "how": "NDCG@10 of both models on the very same cases.",
        "name": other.name,
        "cases": len(both),
        "users": int(both["user_id"].nunique()),
        "before": before,
        "after": after,
        "lead": lead,
    }


def texts(evidence: Evidence, run: Run, catalogue_texts: list[str]) -> dict[str, Any]:
    """What the tuned text encoder makes of the catalogue, beside the one it started from."""
    if not run.adapter:
        return {"missing": "The run left the text encoder as it was, so there is nothing to compare."}
    try:
        tokenizer, language = load(run.config.encoder)
    except EncoderMissing as error:
        return {"missing": f"The encoder that the run began with cannot be loaded: {error}."}
    untouched = TextCache(tokenizer, language, catalogue_texts, run.config.text_tokens, 0.0).vectors
    return compared(evidence, untouched.detach().numpy(), run.text[: len(catalogue_texts)].numpy())
