"""PNG files of 2, 4 and 16 bits with one transparent colour, which Pillow leaves at their own depth."""

from PIL import Image

_STEPS = {"L;2": 85, "L;4": 17}  # from a level of so many bits to one of 8


def correct_transparency(image: Image.Image) -> None:
    """Bring the transparent grey level of a PNG of 2 or 4 bits to 8 bits, as Pillow does with its pixels.

    Args:
        image: The PIL image, of which only the header has been read; it is changed.

    Raises:
        ValueError: It has 16 bits in colour and one transparent colour, which cannot be told from its neighbours.

    Examples:
        >>> correct_transparency(Image.new("L", (2, 2)))
    """
    transparency = image.info.get("transparency")
    layout = next((tile.args for tile in getattr(image, "tile", ())), None)
    if isinstance(transparency, int) and layout in _STEPS:
        image.info["transparency"] = transparency * _STEPS[layout]
    if isinstance(transparency, tuple) and layout == "RGB;16B":
        raise ValueError(
            "16-bit colour with one transparent colour; save it with an alpha channel or without transparency"
        )
