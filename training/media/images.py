"""Image files -> vectors of 1280 numbers: what EfficientNet-Lite0 sees in them."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from training.media.efficientnet import SIZE, EfficientNet, pretrained
from training.media.kinds import Unreadable

Array = npt.NDArray[np.float32]
BATCH = 16


def read(path: Path) -> Array:
    """A file as [3, 224, 224]: the middle square of the picture, on white. Raises Unreadable."""
    from PIL import Image, ImageOps  # of the extra `media`

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                whole = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable(f"{path}: {error}") from error
    square = ImageOps.fit(whole, (SIZE, SIZE), Image.Resampling.BICUBIC)
    white = Image.new("RGBA", square.size, "white")
    pixels = np.asarray(Image.alpha_composite(white, square).convert("RGB"), np.float32)
    return np.asarray((pixels - 127) / 128, np.float32).transpose(2, 0, 1)


class Images:
    """The encoder of images, opened once."""

    def __init__(self, network: EfficientNet | None = None) -> None:
        self._network = network or pretrained()

    def read(self, path: Path) -> Array:
        return read(path)

    def vectors(self, given: Sequence[Array]) -> Array:
        """Files that ``read`` returned -> [n, 1280]."""
        with torch.inference_mode():
            made: Array = self._network(torch.from_numpy(np.stack(given))).numpy()
        return made
