"""Image augmentation in PyTorch: geometry, blur, light and colour, vignettes, hairs, covered patches, and covered lesions.

Large tensors of random numbers are drawn where the images are. Single numbers are drawn on the CPU, so that a GPU is not
waited for.
"""

import math

import torch
from torch.nn import functional

_BLUR_SHARE, _VIGNETTE_SHARE, _HAIR_SHARE, _PATCH_SHARE = 0.25, 0.1, 0.12, 0.25  # of the images
_BOX_SHARE = 0.4  # of the covers; the others are ellipses


def augment(pixels: torch.Tensor, side: int) -> torch.Tensor:
    """Change uint8 images `(n, height, width, 3)` index random and return them as `(n, 3, side, side)`, -1 to 1."""
    changed = _transform(pixels.permute(0, 3, 1, 2).float() / 255, side)
    changed = _change_gamma(_change_colours(_blur(changed, side)))
    for share, change in ((_VIGNETTE_SHARE, _vignette), (_HAIR_SHARE, _add_hairs), (_PATCH_SHARE, _cover_patch)):
        for index in torch.nonzero(torch.rand(len(changed)) < share).flatten().tolist():
            changed[index] = change(changed[index])
    return (changed * 2 - 1).contiguous(memory_format=torch.channels_last)


def cover_lesion(image: torch.Tensor) -> torch.Tensor:
    """Cover the middle of an image `(3, side, side)`, -1 to 1, with its surroundings' colour, a plain colour, or clouds.

    What is left must not tell the diagnosis.
    """
    side, line = image.shape[-1], torch.linspace(-1, 1, image.shape[-1], device=image.device)
    y, x = torch.meshgrid(line, line, indexing="ij")
    width, height = torch.empty(2).uniform_(0.55, 0.95).tolist()
    if torch.rand(()) < _BOX_SHARE:
        covered = (x / width).abs().maximum((y / height).abs()) < 1
    else:
        covered = (x / width) ** 2 + (y / height) ** 2 < 1
    fill = _FILLS[int(torch.randint(0, len(_FILLS), ()))]
    return torch.where(covered, fill(image[:, ~covered], side), image)


def _mean_colour(surroundings: torch.Tensor, side: int) -> torch.Tensor:  # noqa: ARG001
    return surroundings.mean(1)[:, None, None]


def _shuffled_pixels(surroundings: torch.Tensor, side: int) -> torch.Tensor:
    drawn = torch.randint(0, surroundings.shape[1], (side * side,), device=surroundings.device)
    return surroundings[:, drawn].reshape(3, side, side)


def _plain_colour(surroundings: torch.Tensor, side: int) -> torch.Tensor:  # noqa: ARG001
    if torch.rand(()) < 0.5:
        return torch.empty(3, 1, 1).uniform_(-1, 1).to(surroundings.device)
    return torch.full((3, 1, 1), -1.0 if torch.rand(()) < 0.5 else 0.0, device=surroundings.device)


def _clouds(surroundings: torch.Tensor, side: int) -> torch.Tensor:
    coarse = surroundings.mean(1)[:, None, None] + 0.1 * torch.randn(3, 6, 6, device=surroundings.device)
    return functional.interpolate(coarse[None], size=side, mode="bilinear")[0]


_FILLS = (_mean_colour, _shuffled_pixels, _plain_colour, _clouds)


def to_input(pixels: torch.Tensor, side: int) -> torch.Tensor:
    """Return uint8 images as `(n, 3, side, side)`, -1 to 1, without random changes."""
    scaled = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
    if scaled.shape[-1] != side:
        scaled = functional.interpolate(scaled, size=side, mode="bilinear", antialias=True)
    return scaled.contiguous(memory_format=torch.channels_last)


def _transform(pixels: torch.Tensor, side: int) -> torch.Tensor:
    count, device = len(pixels), pixels.device
    angle = _uniform(count, -math.pi, math.pi, device)
    scale = _uniform(count, math.log(0.65), math.log(1.15), device).exp()
    aspect = _uniform(count, -0.12, 0.12, device).exp()
    flip = torch.where(torch.rand(count, device=device) < 0.5, -1.0, 1.0)
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    rows = [cosine * aspect * flip, -sine / aspect, sine * aspect * flip, cosine / aspect]
    matrix = torch.stack(rows, dim=1).reshape(count, 2, 2)
    affine = torch.cat([matrix, _uniform((count, 2, 1), -0.12, 0.12, device)], dim=2)
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
    shared, per_channel, device = (len(pixels), 1, 1, 1), (len(pixels), 3, 1, 1), pixels.device
    factor = _uniform(per_channel, 0.85, 1.15, device), _uniform(shared, 0.8, 1.2, device)
    pixels = pixels * factor[0] * factor[1] + _uniform(shared, -0.08, 0.08, device)
    mean = pixels.mean((2, 3), keepdim=True)
    pixels = (pixels - mean) * _uniform(shared, 0.75, 1.3, device) + mean
    grey = pixels.mean(1, keepdim=True)
    return (grey + (pixels - grey) * _uniform(shared, 0.6, 1.4, device)).clamp(0, 1)


def _change_gamma(pixels: torch.Tensor) -> torch.Tensor:
    per_channel = _uniform((len(pixels), 3, 1, 1), -0.12, 0.12, pixels.device)
    exponent = per_channel + _uniform((len(pixels), 1, 1, 1), -0.3, 0.3, pixels.device)
    return pixels.clamp(1e-3, 1) ** exponent.exp()


def _add_hairs(image: torch.Tensor) -> torch.Tensor:
    side = image.shape[-1]
    line = torch.arange(side, device=image.device) - side / 2
    y, x = torch.meshgrid(line, line, indexing="ij")
    colour = float(torch.rand(1)) * 0.25
    for _ in range(int(torch.randint(2, 9, (1,)))):
        angle, offset, bend, width = torch.rand(4).tolist()
        along = x * math.cos(angle * math.pi) + y * math.sin(angle * math.pi)
        across = -x * math.sin(angle * math.pi) + y * math.cos(angle * math.pi)
        distance = (across - (offset - 0.5) * side - (bend - 0.5) * 0.01 * along**2).abs()
        image = torch.where(distance < 0.5 + width * side / 200, colour, image)
    return image


def _vignette(image: torch.Tensor) -> torch.Tensor:
    """Darken all outside a circle, as a dermatoscope does."""
    side = image.shape[-1]
    line = torch.linspace(-1, 1, side, device=image.device)
    centre = torch.empty(2).uniform_(-0.15, 0.15).tolist()
    distance = ((line[:, None] - centre[0]) ** 2 + (line[None] - centre[1]) ** 2).sqrt()
    radius, soft = float(torch.empty(1).uniform_(0.9, 1.25)), float(torch.empty(1).uniform_(0.01, 0.15))
    return image * torch.sigmoid((radius - distance) / soft * 4) + float(torch.rand(1)) * 0.08 * (distance > radius)


def _cover_patch(image: torch.Tensor) -> torch.Tensor:
    side = image.shape[-1]
    height, width = (int(side * share) for share in torch.empty(2).uniform_(0.1, 0.35).tolist())
    top, left = int(torch.randint(0, side - height, (1,))), int(torch.randint(0, side - width, (1,)))
    image[:, top : top + height, left : left + width] = image.mean((1, 2))[:, None, None]
    return image


def _uniform(shape: int | tuple[int, ...], low: float, high: float, device: torch.device) -> torch.Tensor:
    return torch.empty(shape, device=device).uniform_(low, high)
