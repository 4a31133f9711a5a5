"""EfficientNet-Lite 0 and 2 in PyTorch, with the parameter names and the order of timm's `tf_efficientnet_lite*`.

The published network (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite): EfficientNet (Tan and
Le 2019, arXiv:1905.11946) without squeeze-and-excitation, with ReLU6 and TensorFlow's "same" padding.
"""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights


class _Stage(NamedTuple):
    """One row of EfficientNet-B0's table."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
SCALES = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}  # width and depth
_STEM, FEATURES = 32, 1280
_EPSILON = 1e-3  # of the batch normalisation in TensorFlow's checkpoints


class _SamePad(nn.Module):
    """Pads as TensorFlow does: for an even side and a stride of 2, one pixel more on the right and below."""

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        height, width = (self._total(side) for side in pixels.shape[-2:])
        return functional.pad(pixels, (width // 2, width - width // 2, height // 2, height - height // 2))

    def _total(self, side: int) -> int:
        return max((math.ceil(side / self.stride) - 1) * self.stride + self.kernel - side, 0)


class _Convolution(nn.Conv2d):
    """A convolution without a bias and with "same" padding."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        padding = 0 if stride > 1 else kernel // 2
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self._pad = _SamePad(kernel, stride) if stride > 1 else nn.Identity()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return super().forward(self._pad(pixels))


class _Block(nn.Module):
    """A residual block; subclasses name its convolutions, their normalisations, and whether a ReLU6 follows."""

    layers: tuple[tuple[str, str, bool], ...]

    def __init__(self, *, residual: bool, drop: float) -> None:
        super().__init__()
        self.residual, self.drop = residual, drop

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        changed = pixels
        for convolution, normalisation, activated in self.layers:
            changed = getattr(self, normalisation)(getattr(self, convolution)(changed))
            changed = functional.relu6(changed, inplace=True) if activated else changed
        return pixels + _drop_path(changed, self.drop, training=self.training) if self.residual else changed


class _Separable(_Block):
    """The first block: depthwise, then pointwise."""

    layers = (("conv_dw", "bn1", True), ("conv_pw", "bn2", False))

    def __init__(self, inputs: int, stage: _Stage, stride: int, drop: float) -> None:
        super().__init__(residual=stride == 1 and inputs == stage.channels, drop=drop)
        self.conv_dw, self.bn1 = _Convolution(inputs, inputs, stage.kernel, stride, inputs), _normalisation(inputs)
        self.conv_pw, self.bn2 = _Convolution(inputs, stage.channels), _normalisation(stage.channels)


class _Inverted(_Block):
    """An inverted residual block: pointwise to more channels, depthwise, pointwise to fewer."""

    layers = (("conv_pw", "bn1", True), ("conv_dw", "bn2", True), ("conv_pwl", "bn3", False))

    def __init__(self, inputs: int, stage: _Stage, stride: int, drop: float) -> None:
        super().__init__(residual=stride == 1 and inputs == stage.channels, drop=drop)
        inner = inputs * stage.expansion
        self.conv_pw, self.bn1 = _Convolution(inputs, inner), _normalisation(inner)
        self.conv_dw, self.bn2 = _Convolution(inner, inner, stage.kernel, stride, inner), _normalisation(inner)
        self.conv_pwl, self.bn3 = _Convolution(inner, stage.channels), _normalisation(stage.channels)


class Network(nn.Module):
    """The network, from pixels `(n, 3, height, width)`, -1 to 1, to logits `(n, classes)`."""

    def __init__(self, name: str, classes: int, *, dropout: float = 0.3, drop_path: float = 0.1) -> None:
        super().__init__()
        self.name = name
        self.conv_stem, self.bn1 = _Convolution(3, _STEM, 3, 2), _normalisation(_STEM)
        stages, last = _scaled_stages(name)
        self.blocks = nn.Sequential()
        inputs, number, total = _STEM, 0, sum(stage.repeats for stage in stages)
        for stage in stages:
            blocks = nn.Sequential()
            for repeat in range(stage.repeats):
                kind = _Separable if stage.expansion == 1 else _Inverted
                blocks.append(kind(inputs, stage, 1 if repeat else stage.stride, drop_path * number / total))
                inputs, number = stage.channels, number + 1
            self.blocks.append(blocks)
        self.conv_head, self.bn2 = _Convolution(last, FEATURES), _normalisation(FEATURES)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(FEATURES, classes)
        self.frozen = 0

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        features = self.dropout(self.features(pixels))
        # In float32 also where the rest runs in bfloat16, whose eight binary digits make many logits equal.
        with torch.autocast(pixels.device.type, enabled=False):
            return self.classifier(features)

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the features before the classifier, float32 `(n, 1280)`."""
        maps = self.blocks(functional.relu6(self.bn1(self.conv_stem(pixels)), inplace=True))
        return functional.relu6(self.bn2(self.conv_head(maps)), inplace=True).float().mean((2, 3))

    def train(self, mode: bool = True) -> "Network":
        """Set the mode; the frozen part always stays in evaluation mode."""
        super().train(mode)
        for part in self.frozen_parts():
            part.eval()
        return self

    def load_imagenet(self, file: Path, *, seed: int) -> None:
        """Load the backbone from arrays named `NNNN|layer`, in the order of the network, and draw a new classifier."""
        if not file.is_file():
            raise SystemExit(f"{file}: there are no ImageNet weights of {self.name}; {_weights_beside(file)}")
        state = self.state_dict()
        names = [name for name in array_names(self) if not name.startswith("classifier")]
        with np.load(file) as arrays:
            if [state[name].shape for name in names] != [arrays[name].shape for name in arrays.files]:
                raise SystemExit(f"{file}: has other arrays than {self.name}; expected {len(names)} in its order")
            values = [torch.tensor(arrays[name].astype(np.float32)) for name in arrays.files]
        torch.manual_seed(seed)
        self.load_state_dict(state | dict(zip(names, values, strict=True)))
        nn.init.zeros_(self.classifier.bias)
        nn.init.normal_(self.classifier.weight, std=0.02)

    def freeze(self, stages: int) -> None:
        """Freeze the stem and the first stages for good, and fold their batch normalisation into their convolutions."""
        if not stages:
            return
        _fold(self, "conv_stem", "bn1")
        for stage in self.blocks[:stages]:
            for block in stage:
                for convolution, normalisation, _ in block.layers:
                    _fold(block, convolution, normalisation)
        self.frozen = stages
        for part in self.frozen_parts():
            part.requires_grad_(False)
            part.eval()

    def frozen_parts(self) -> list[nn.Module]:
        """Return the modules that `freeze` froze."""
        return [self.conv_stem, self.bn1, *self.blocks[: self.frozen]] if self.frozen else []

    def is_frozen(self, name: str) -> bool:
        """Return whether a parameter of this name belongs to the frozen part."""
        parts = name.split(".")
        return bool(self.frozen) and (
            parts[0] in ("conv_stem", "bn1") or (parts[0] == "blocks" and int(parts[1]) < self.frozen)
        )


def array_names(network: Network) -> list[str]:
    """Return the names of the network's arrays in order: parameters and statistics, without the counters."""
    return [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]


def save_arrays(network: Network, file: Path) -> None:
    """Write a network's arrays, named `NNNN|layer` in its order, in PyTorch's layout, float32."""
    state = network.state_dict()
    values = {
        f"{place:04d}|{name}": state[name].float().cpu().numpy() for place, name in enumerate(array_names(network))
    }
    partial = file.with_suffix(".partial.npz")
    np.savez(partial, **values)
    partial.replace(file)


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """Read what `save_arrays` wrote, by name and in order."""
    with np.load(file) as arrays:
        return {name.partition("|")[2]: arrays[name] for name in arrays.files}


def load_network(name: str, file: Path) -> Network:
    """Return a network with the arrays that `save_arrays` wrote, ready to be used."""
    arrays = read_arrays(file)
    network = Network(name, len(arrays["classifier.bias"]))
    network.load_state_dict(network.state_dict() | {key: torch.tensor(value) for key, value in arrays.items()})
    return network.to(memory_format=torch.channels_last).eval()


def _weights_beside(file: Path) -> str:
    found = sorted(other.name for other in file.parent.glob("efficientnet_*_notop.npz"))
    return f"in this folder there are {', '.join(found) or 'none'}: choose another --network or --weights"


def _scaled_stages(name: str) -> tuple[list[_Stage], int]:
    """Return the stages of a network, and the channels of its last one. Of the first and the last the depth is fixed."""
    width, depth = SCALES[name]
    fixed = (_STAGES[0], _STAGES[-1])
    stages = [
        stage._replace(
            repeats=stage.repeats if stage in fixed else math.ceil(stage.repeats * depth),
            channels=_round_channels(stage.channels * width),
        )
        for stage in _STAGES
    ]
    return stages, stages[-1].channels


def _round_channels(channels: float) -> int:
    """Round to a multiple of 8, by no more than a tenth down."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _normalisation(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON)


def _drop_path(changed: torch.Tensor, share: float, *, training: bool) -> torch.Tensor:
    """Leave the block out for some images (stochastic depth, Huang et al. 2016, arXiv:1603.09382)."""
    if not training or not share:
        return changed
    kept = changed.new_empty((len(changed), 1, 1, 1)).bernoulli_(1 - share)
    return changed * kept / (1 - share)


def _fold(parent: nn.Module, convolution: str, normalisation: str) -> None:
    layer, norm = getattr(parent, convolution), getattr(parent, normalisation)
    weight, bias = fuse_conv_bn_weights(
        layer.weight, None, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    )
    layer.weight = nn.Parameter(weight.detach().contiguous(memory_format=torch.channels_last))
    layer.bias = nn.Parameter(bias.detach())
    setattr(parent, normalisation, nn.Identity())
