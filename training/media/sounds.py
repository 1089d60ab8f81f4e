"""Sound files -> vectors of 200 numbers: what musicnn hears in their first half minute."""

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.media.kinds import Unreadable
from training.media.musicnn import MELS, MusicNet, pretrained

Array = npt.NDArray[np.float32]
RATE, WINDOW, HOP = 16_000, 512, 256  # samples
FRAMES = 187  # of a piece: 3 seconds
LONGEST = 30  # seconds that are heard


def read(path: Path) -> Array:
    """The beginning of a file as pieces of log-mel spectrogram [n, 187, 96]. Raises Unreadable."""
    import soundfile  # of the extra `media`

    try:
        with soundfile.SoundFile(path) as opened:
            rate = opened.samplerate
            wave = opened.read(LONGEST * rate, dtype="float32", always_2d=True).mean(1)
    except (OSError, RuntimeError) as error:
        raise Unreadable(f"{path}: {error}") from error
    if not len(wave) or not np.isfinite(wave).all():
        raise Unreadable(f"{path}: it holds no sound")
    return pieces(resampled(wave, rate))


def resampled(wave: Array, rate: int) -> Array:
    """A wave at 16 kHz."""
    from scipy.signal import resample_poly

    common = math.gcd(RATE, rate)
    made = wave if rate == RATE else resample_poly(wave, RATE // common, rate // common)
    return np.asarray(made, np.float32)


def pieces(wave: Array) -> Array:
    """A wave at 16 kHz -> [n, 187, 96]; a short one is repeated."""
    needed = FRAMES * HOP + WINDOW
    if len(wave) < needed:
        wave = np.tile(wave, math.ceil(needed / len(wave)))[:needed]
    window = torch.hann_window(WINDOW)
    spectrum = torch.stft(torch.from_numpy(wave), WINDOW, HOP, window=window, pad_mode="constant", return_complex=True)
    mels = torch.log10(10_000 * (mel_filters() @ spectrum.abs().square()).T + 1)
    count = len(mels) // FRAMES
    made: Array = mels[: count * FRAMES].reshape(count, FRAMES, MELS).numpy()
    return made


@cache
def mel_filters() -> Tensor:
    """[96, 257]: triangles of equal area on Slaney's mel scale, linear below 1 kHz and logarithmic above."""
    mels = np.linspace(0, _mel(RATE / 2), MELS + 2)
    points = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
    widths, ramps = np.diff(points), points[:, None] - np.linspace(0, RATE / 2, WINDOW // 2 + 1)[None]
    rising, falling = -ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling)) * (2 / (points[2:] - points[:-2]))[:, None]
    return torch.from_numpy(triangles.astype(np.float32))


def _mel(hertz: float) -> float:
    return hertz * 3 / 200 if hertz < 1000 else 15 + math.log(hertz / 1000) / (math.log(6.4) / 27)


class Sounds:
    """The encoder of sounds, opened once; a file's vector is the mean over its pieces."""

    def __init__(self, network: MusicNet | None = None) -> None:
        import soundfile  # noqa: F401  (to say at once that it is missing)

        self._network = network or pretrained()

    def read(self, path: Path) -> Array:
        return read(path)

    def vectors(self, given: Sequence[Array]) -> Array:
        """Files that ``read`` returned -> [n, 200]."""
        with torch.inference_mode():
            made = [self._network(torch.from_numpy(each)).mean(0) for each in given]
        found: Array = torch.stack(made).numpy()
        return found
