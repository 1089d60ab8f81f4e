"""The ranker, the user encoder and the item encoder -> ONNX files whose batch, candidates and tokens are free."""

import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from feature_repo.inputs import tensors
from training.example_inputs import asking_inputs, encoder_inputs, ranker_inputs
from training.item_tower import ItemEncoder
from training.model import Ranker
from training.user_encoder import UserEncoder

OPSET = 20
RANKER_OUTPUTS = ("scores", "click_probability")


class Served(nn.Module):
    """The ranker with both of its outputs: scores [B, N] and the click probabilities they stand for [B, N]."""

    def __init__(self, ranker: Ranker) -> None:
        super().__init__()
        self.ranker = ranker

    def forward(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        scores = self.ranker(inputs)
        return scores, self.ranker.calibration(scores)


def export_ranker(ranker: Ranker, path: Path) -> None:
    """Write the ranker with the inputs of ``tensors()`` and the outputs of ``Served``; batch and N are free."""
    example = {name: torch.from_numpy(array) for name, array in ranker_inputs(2, 5).items()}
    batch, items = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("items", min=1, max=100_000)
    free = {t.name: {0: batch} | ({1: items} if t.shape[0] == "N" else {}) for t in tensors()}
    _export(Served(ranker), {"inputs": example}, {"inputs": free}, list(example), list(RANKER_OUTPUTS), path)


def export_user_encoder(encoder: UserEncoder, path: Path) -> None:
    """Write the user encoder: ``asking_tensors()`` -> user_vector; the batch is free."""
    example = {name: torch.from_numpy(array) for name, array in asking_inputs(2).items()}
    batch = torch.export.Dim("batch", min=1, max=4096)
    free = {name: {0: batch} for name in example}
    _export(encoder, {"inputs": example}, {"inputs": free}, list(example), ["user_vector"], path)


def export_encoder(encoder: ItemEncoder, path: Path) -> None:
    """Write the item encoder: input_ids, attention_mask, item_attributes -> item_vector; batch and tokens are free.

    Where it reads images or sound it also takes ``item_image`` or ``item_audio``, zeros for an item without.
    """
    arrays = encoder_inputs(2, 16, encoder.vocabulary, media=encoder.media)
    example = {name: torch.from_numpy(array) for name, array in arrays.items()}
    batch, tokens = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("tokens", min=2, max=512)
    free = {name: {0: batch} for name in example}
    free |= {name: {0: batch, 1: tokens} for name in ("input_ids", "attention_mask")}
    _export(encoder, example, free, list(example), ["item_vector"], path)


def _export(
    model: nn.Module, example: dict[str, Any], free: dict[str, Any], names: list[str], outputs: list[str], path: Path
) -> None:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about its own deprecations and axis names
        program = torch.onnx.export(
            model.eval(),
            (),
            kwargs=example,
            dynamic_shapes=free,
            input_names=names,
            output_names=outputs,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        assert program is not None
        program.save(str(path), external_data=False)
