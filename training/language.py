"""A pretrained language model as text encoder: found by name, and prepared so that only some of its weights learn.

``frozen`` none; ``lora`` low-rank additions to its attention (Hu et al., 2021); ``top-k`` its last layers;
``full`` all.
Dropout stays off: a vector in the cache (text_cache.py) must be the one that its gradient is computed of.
"""

import importlib.util
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig, TaskType, get_peft_model
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

TUNINGS = ("frozen", "lora", "top-k", "full")
RATES = {"frozen": 0.0, "lora": 1e-3, "top-k": 3e-5, "full": 3e-5}  # learning rates that neither stall nor forget
ATTENTION = ("query", "value", "q", "v", "q_lin", "v_lin", "q_proj", "v_proj", "query_proj", "value_proj")
FUSED = ("Wqkv", "qkv", "qkv_proj", "query_key_value")  # queries, keys and values of one matrix


class EncoderMissing(Exception):
    """A language model that cannot be loaded or not be tuned as asked, with what to do about it."""


def place_of(encoder: str) -> str:
    """A folder: that of an installed package with a ``model`` folder, or the name as it is (a path or a hub name)."""
    package = encoder.replace("-", "_")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    return str(folder) if folder and folder.is_dir() else encoder


def load(encoder: str, tuning: str = "frozen", layers: int = 0, lora_rank: int = 0) -> tuple[Any, nn.Module]:
    """Tokenizer and language model; what learns of it by ``tuning`` requires gradients. Raises EncoderMissing.

    ``layers`` counts the last transformer layers that ``top-k`` tunes, ``lora_rank`` is the rank of ``lora``.
    """
    try:
        tokenizer, language = (
            AutoTokenizer.from_pretrained(place_of(encoder)),
            AutoModel.from_pretrained(place_of(encoder)),
        )
    except (OSError, ValueError) as error:
        raise EncoderMissing(
            f"no language model {encoder!r}: name an installed package, a folder or a hub model ({error})"
        ) from error
    if tokenizer.pad_token is None:
        raise EncoderMissing(f"the tokenizer of {encoder!r} has no padding token: texts cannot be made into batches")
    tokenizer.padding_side = "right"  # what is cut off is padding
    if language.config.is_encoder_decoder:
        language = language.get_encoder()
    return tokenizer, prepare(language, tuning, layers, lora_rank)


def prepare(language: nn.Module, tuning: str, layers: int, lora_rank: int) -> nn.Module:
    """The language model without dropout, and with gradients for what ``tuning`` trains. Raises EncoderMissing."""
    if tuning not in TUNINGS:
        raise EncoderMissing(f"encoder_tuning is {tuning!r}: choose one of {', '.join(TUNINGS)}")
    language.requires_grad_(False)
    if tuning == "lora":
        language = _with_lora(language, lora_rank)
    elif tuning == "top-k":
        for block in _last(language, layers):
            block.requires_grad_(True)
    elif tuning == "full":
        language.requires_grad_(True)
        unread: Any = getattr(language, "pooler", None)  # we pool ourselves: it has no gradients
        if unread is not None:
            unread.requires_grad_(False)
    return language.eval()


def learning_rate(tuning: str, chosen: float) -> float:
    """The learning rate that was chosen, or for 0 the usual one of the way of tuning."""
    return chosen or RATES[tuning]


def trained(language: nn.Module) -> dict[str, nn.Parameter]:
    """The weights that learn, by name."""
    return {name: weight for name, weight in language.named_parameters() if weight.requires_grad}


def _with_lora(language: nn.Module, rank: int) -> nn.Module:
    if rank < 1:
        raise EncoderMissing(f"lora_rank is {rank}: LoRA needs at least 1 (encoder_tuning frozen trains nothing)")
    lora = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules=lora_targets(language), task_type=TaskType.FEATURE_EXTRACTION
    )
    return cast(nn.Module, get_peft_model(language, lora))


def lora_targets(language: nn.Module) -> list[str]:
    """Full names of the linear layers that LoRA adapts: the attention's queries and values, however they are called.

    Where no name is known it is every linear layer of the transformer's blocks. Raises EncoderMissing where none is.
    """
    linear = [name for name, module in language.named_modules() if isinstance(module, nn.Linear)]
    for known in (ATTENTION, FUSED):
        if found := [name for name in linear if name.rpartition(".")[2] in known]:
            return found
    path, _ = _blocks(language)
    if found := [name for name in linear if path and name.startswith(f"{path}.")]:
        return found
    raise EncoderMissing(
        f"{type(language).__name__} has no linear layers that LoRA could adapt: use encoder_tuning full or frozen"
    )


def _last(language: nn.Module, count: int) -> nn.ModuleList:
    path, blocks = _blocks(language)
    if not 1 <= count <= len(blocks):
        raise EncoderMissing(
            f"encoder_layers is {count}, but {type(language).__name__} has {len(blocks)} transformer layers"
            + (f" ({path})" if path else ": use encoder_tuning full, lora or frozen")
        )
    return blocks[len(blocks) - count :]


def _blocks(language: nn.Module) -> tuple[str, nn.ModuleList]:
    """Name and layers of the transformer: the list of modules that holds most weights."""
    lists = [(name, module) for name, module in language.named_modules() if isinstance(module, nn.ModuleList)]
    return max(
        lists, key=lambda each: sum(weight.numel() for weight in each[1].parameters()), default=("", nn.ModuleList())
    )


def merged(language: nn.Module) -> nn.Module:
    """The language model with its adapter folded into its weights; the model that was passed is used up."""
    merge: Any = getattr(language, "merge_and_unload", None)
    plain = cast(nn.Module, merge() if merge else language)
    return plain.eval()


@torch.no_grad()
def restore_weights(language: nn.Module, saved: dict[str, Tensor]) -> None:
    """Put trained weights back into the language model they were copied from."""
    weights = dict(language.named_parameters())
    if missing := sorted(saved.keys() - weights.keys()):
        raise EncoderMissing(f"{type(language).__name__} has no weights {', '.join(missing[:3])}: another encoder?")
    for name, tensor in saved.items():
        weights[name].copy_(tensor)
