"""Log-mel spectrograms -> a vector: musicnn (Pons and Serra, 2019), with the weights of the package `musicnn`.

That package is never imported: it would import TensorFlow. Only its checkpoint is read.
"""

import importlib.util

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.media.checkpoint import read

MELS, WIDTH, MODEL = 96, 200, "MTT_musicnn"
TIMBRE, RHYTHM, MIDDLE = 204, 51, 64  # channels


def _norm(channels: int) -> nn.BatchNorm1d:
    return nn.BatchNorm1d(channels, eps=1e-3, momentum=0.01)


class MusicNet(nn.Module):
    """[n, frames, 96] -> [n, 200]: timbre and rhythm, three layers over time, pooled, one dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.BatchNorm2d(1, eps=1e-3)
        shapes = [(TIMBRE, (7, 38)), (TIMBRE, (7, 67)), (RHYTHM, (128, 1)), (RHYTHM, (64, 1)), (RHYTHM, (32, 1))]
        self.front = nn.ModuleList(nn.Conv2d(1, made, kernel) for made, kernel in shapes)
        self.front_norms = nn.ModuleList(nn.BatchNorm2d(made, eps=1e-3, momentum=0.01) for made, _ in shapes)
        channels = sum(made for made, _ in shapes)
        self.middle = nn.ModuleList(nn.Conv1d(given, MIDDLE, 7, padding=3) for given in (channels, MIDDLE, MIDDLE))
        self.middle_norms = nn.ModuleList(_norm(MIDDLE) for _ in range(3))
        pooled = 2 * (channels + 3 * MIDDLE)
        self.pooled, self.dense, self.last = _norm(pooled), nn.Linear(pooled, WIDTH), _norm(WIDTH)

    def _front(self) -> list[nn.Conv2d]:
        return [layer for layer in self.front if isinstance(layer, nn.Conv2d)]

    def forward(self, mels: Tensor) -> Tensor:
        x = self.first(mels[:, None])
        parts = []
        for layer, norm in zip(self._front(), self.front_norms, strict=True):
            frames = layer.weight.shape[2] - 1  # so that time stays as long as it is
            padded = F.pad(x, (0, 0, frames // 2, frames - frames // 2))
            parts.append(norm(F.relu(layer(padded))).amax(3))
        kept = [torch.cat(parts, 1)]
        for number, (over_time, norm) in enumerate(zip(self.middle, self.middle_norms, strict=True)):
            made = norm(F.relu(over_time(kept[-1])))
            kept.append(made if number == 0 else made + kept[-1])
        whole = torch.cat(kept, 1)
        pooled = self.pooled(torch.stack([whole.amax(2), whole.mean(2)], 2).flatten(1))
        vectors: Tensor = self.last(F.relu(self.dense(pooled)))
        return vectors


def pretrained() -> MusicNet:
    """The network as it was trained on MagnaTagATune. Raises ImportError where the package is missing."""
    spec = importlib.util.find_spec("musicnn")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("musicnn", name="musicnn")
    saved = read(f"{spec.submodule_search_locations[0]}/{MODEL}/")
    weights = {name.removeprefix("model/"): torch.from_numpy(array) for name, array in saved.items()}
    network = MusicNet()
    norms = [network.first, *network.front_norms, *network.middle_norms, network.pooled, network.last]
    for number, norm in enumerate(norms):
        _take_norm(norm, weights, _numbered("batch_normalization", number))
    for number, layer in enumerate([*network.front, *network.middle]):
        kernel = weights[f"{_numbered('conv2d', number)}/kernel"]
        kernel = kernel.permute(3, 2, 0, 1) if isinstance(layer, nn.Conv2d) else kernel[:, :, 0].permute(2, 1, 0)
        _take(layer, kernel, weights[f"{_numbered('conv2d', number)}/bias"])
    _take(network.dense, weights["dense/kernel"].T, weights["dense/bias"])
    return network.eval()


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


def _take(layer: nn.Module, weight: Tensor, bias: Tensor) -> None:
    layer.load_state_dict({"weight": weight.contiguous(), "bias": bias})


def _take_norm(norm: nn.Module, weights: dict[str, Tensor], name: str) -> None:
    renamed = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    state = {ours: weights[f"{name}/{theirs}"] for ours, theirs in renamed.items()}
    norm.load_state_dict(state | {"num_batches_tracked": torch.tensor(0)})
