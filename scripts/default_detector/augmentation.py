"""Image augmentation in PyTorch: geometry, blur, light and colour, hairs, and covered patches."""

import math

import torch
from torch.nn import functional

_BLUR_SHARE, _HAIR_SHARE, _PATCH_SHARE = 0.25, 0.12, 0.25  # of the images


def augment(pixels: torch.Tensor, side: int) -> torch.Tensor:
    """Change uint8 images `(n, height, width, 3)` index random and return them as `(n, 3, side, side)`, -1 to 1."""
    changed = _transform(pixels.permute(0, 3, 1, 2).float() / 255, side)
    changed = _change_colours(_blur(changed, side)).clamp(0, 1)
    for index in torch.nonzero(torch.rand(len(changed)) < _HAIR_SHARE).flatten().tolist():
        changed[index] = _add_hairs(changed[index])
    for index in torch.nonzero(torch.rand(len(changed)) < _PATCH_SHARE).flatten().tolist():
        changed[index] = _cover_patch(changed[index])
    return (changed * 2 - 1).contiguous(memory_format=torch.channels_last)


def to_input(pixels: torch.Tensor, side: int) -> torch.Tensor:
    """Return uint8 images as `(n, 3, side, side)`, -1 to 1, without random changes."""
    scaled = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
    if scaled.shape[-1] != side:
        scaled = functional.interpolate(scaled, size=side, mode="bilinear", antialias=True)
    return scaled.contiguous(memory_format=torch.channels_last)


def _transform(pixels: torch.Tensor, side: int) -> torch.Tensor:
    count = len(pixels)
    angle, scale = _uniform(count, -math.pi, math.pi), _uniform(count, math.log(0.65), math.log(1.15)).exp()
    aspect, flip = _uniform(count, -0.12, 0.12).exp(), torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    rows = [cosine * aspect * flip, -sine / aspect, sine * aspect * flip, cosine / aspect]
    matrix = torch.stack(rows, dim=1).reshape(count, 2, 2)
    affine = torch.cat([matrix, _uniform((count, 2, 1), -0.12, 0.12)], dim=2)
    grid = functional.affine_grid(affine, [count, 3, side, side], align_corners=False)
    return functional.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)


def _blur(pixels: torch.Tensor, side: int) -> torch.Tensor:
    """Blur some of the images: their sharpness must not tell their source."""
    chosen = torch.randperm(len(pixels))[: int(len(pixels) * _BLUR_SHARE)]
    if len(chosen):
        small = int(side * float(torch.empty(1).uniform_(0.4, 0.85)))
        shrunk = functional.interpolate(pixels[chosen], size=small, mode="bilinear", antialias=True)
        pixels[chosen] = functional.interpolate(shrunk, size=side, mode="bilinear")
    return pixels


def _change_colours(pixels: torch.Tensor) -> torch.Tensor:
    shared, per_channel = (len(pixels), 1, 1, 1), (len(pixels), 3, 1, 1)
    pixels = pixels * _uniform(per_channel, 0.85, 1.15) * _uniform(shared, 0.8, 1.2) + _uniform(shared, -0.08, 0.08)
    mean = pixels.mean((2, 3), keepdim=True)
    pixels = (pixels - mean) * _uniform(shared, 0.75, 1.3) + mean
    grey = pixels.mean(1, keepdim=True)
    return grey + (pixels - grey) * _uniform(shared, 0.6, 1.4)


def _add_hairs(image: torch.Tensor) -> torch.Tensor:
    side = image.shape[-1]
    y, x = torch.meshgrid(torch.arange(side) - side / 2, torch.arange(side) - side / 2, indexing="ij")
    colour = torch.rand(1) * 0.25
    for _ in range(int(torch.randint(2, 9, (1,)))):
        angle, offset, bend, width = torch.rand(4).tolist()
        along = x * math.cos(angle * math.pi) + y * math.sin(angle * math.pi)
        across = -x * math.sin(angle * math.pi) + y * math.cos(angle * math.pi)
        distance = (across - (offset - 0.5) * side - (bend - 0.5) * 0.01 * along**2).abs()
        image = torch.where(distance < 0.5 + width * side / 200, colour, image)
    return image


def _cover_patch(image: torch.Tensor) -> torch.Tensor:
    side = image.shape[-1]
    height, width = (int(side * share) for share in torch.empty(2).uniform_(0.1, 0.35).tolist())
    top, left = int(torch.randint(0, side - height, (1,))), int(torch.randint(0, side - width, (1,)))
    image[:, top : top + height, left : left + width] = image.mean((1, 2))[:, None, None]
    return image


def _uniform(shape: int | tuple[int, ...], low: float, high: float) -> torch.Tensor:
    return torch.empty(shape).uniform_(low, high)
