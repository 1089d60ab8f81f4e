"""item texts -> text vectors, by a pretrained language model that LoRA tunes on the clicks.

The vectors of the whole catalogue are a cache. Training steps add up their gradients with respect to the cache; a
refresh pushes that sum through the language model once and fills the cache anew (GradCache, Gao et al., 2021).
"""

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig, TaskType, get_peft_model
from torch import Tensor, nn
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer

from training.item_tower import mean_pooled

BATCH = 64  # texts a pass


class EncoderMissing(Exception):
    """A language model that cannot be loaded, with what to do about it."""


def place_of(encoder: str) -> str:
    """A folder: that of an installed package with a ``model`` folder, or the name as it is (a path or a hub name)."""
    package = encoder.replace("-", "_")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    return str(folder) if folder and folder.is_dir() else encoder


def load(encoder: str, lora_rank: int) -> tuple[Any, nn.Module]:
    """Tokenizer and language model; the model's own weights are frozen. Raises EncoderMissing."""
    try:
        tokenizer, language = (
            AutoTokenizer.from_pretrained(place_of(encoder)),
            AutoModel.from_pretrained(place_of(encoder)),
        )
    except OSError as error:
        raise EncoderMissing(
            f"no language model {encoder!r}: name an installed package, a folder or a hub model ({error})"
        ) from error
    language.requires_grad_(False)
    if lora_rank:
        lora = LoraConfig(
            r=lora_rank,
            lora_alpha=2 * lora_rank,
            target_modules=["query", "value"],
            task_type=TaskType.FEATURE_EXTRACTION,
        )
        language = get_peft_model(language, lora)
    return tokenizer, cast(nn.Module, language).eval()


def merged(language: nn.Module) -> nn.Module:
    """The language model with its adapter folded into its weights; the model that was passed is used up."""
    merge: Any = getattr(language, "merge_and_unload", None)
    plain = cast(nn.Module, merge() if merge else language)
    return plain.eval()


@torch.no_grad()
def restore_adapter(language: nn.Module, adapter: dict[str, Tensor]) -> None:
    """Put trained weights back into the language model they were copied from."""
    weights = dict(language.named_parameters())
    for name, tensor in adapter.items():
        weights[name].copy_(tensor)


class TextCache:
    """Text vectors [n, text_size] of a catalogue, and the way back into the model they came from."""

    def __init__(
        self, tokenizer: Any, language: nn.Module, texts: list[str], tokens: int, learning_rate: float
    ) -> None:
        self.language = language
        self.batches = _batches(tokenizer, texts, tokens)
        trained = [weight for weight in language.parameters() if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(trained, lr=learning_rate, weight_decay=0.0) if trained else None
        size = int(cast(Any, language).config.hidden_size)
        self.vectors = torch.zeros(len(texts), size, requires_grad=self._optimizer is not None)
        self._fill(tqdm(self.batches, desc="reading texts", leave=False))

    def refresh(self) -> None:
        """Tune the language model by the gradients the cache has collected, then fill the cache anew."""
        gradients, self.vectors.grad = self.vectors.grad, None
        if self._optimizer is None or gradients is None:
            return
        self._optimizer.zero_grad()
        for rows, tokens in self.batches:
            self.encode(tokens).backward(gradients[rows])  # type: ignore[no-untyped-call]
        weights = [weight for group in self._optimizer.param_groups for weight in group["params"]]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        self._optimizer.step()
        self._fill(self.batches)

    def state(self) -> dict[str, Tensor]:
        """The cache (``text``) and the trained weights behind it, copied."""
        trained = {name: weight for name, weight in self.language.named_parameters() if weight.requires_grad}
        return {name: tensor.detach().clone() for name, tensor in ({"text": self.vectors} | trained).items()}

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Take over what ``state`` returned."""
        self.vectors.copy_(state["text"])
        restore_adapter(self.language, {name: tensor for name, tensor in state.items() if name != "text"})

    @torch.no_grad()
    def _fill(self, batches: Iterable[tuple[Tensor, dict[str, Tensor]]]) -> None:
        for rows, tokens in batches:
            self.vectors[rows] = self.encode(tokens)

    def encode(self, tokens: dict[str, Tensor]) -> Tensor:
        """Text vectors of one of ``batches``, in bfloat16 arithmetic."""
        with torch.autocast("cpu", torch.bfloat16):
            return mean_pooled(self.language, tokens["input_ids"], tokens["attention_mask"]).float()


def _batches(tokenizer: Any, texts: list[str], tokens: int) -> list[tuple[Tensor, dict[str, Tensor]]]:
    """Texts of like length together: (rows, tokens) each."""
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    batches = []
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        made = tokenizer(
            [texts[row] for row in rows], padding=True, truncation=True, max_length=tokens, return_tensors="pt"
        )
        batches.append((torch.tensor(rows), {name: made[name] for name in ("input_ids", "attention_mask")}))
    return batches
