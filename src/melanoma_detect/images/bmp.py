"""Run-length encoded BMP files: Pillow decodes them pixel by pixel in Python."""

from PIL import Image

from melanoma_detect.errors import ImageError

MAX_PACKED = 10_000_000  # pixels: some two seconds
_PACKED = "bmp_rle"


def check_bmp(image: Image.Image, name: str) -> None:
    """Raise ImageError for a run-length encoded BMP file that would take very long: one of a kilobyte may be of any size.

    Args:
        image: The PIL image, of which only the header has been read; images of other formats pass.
        name: The image's name, for the message.

    Raises:
        ImageError: It has more than 10 million pixels.

    Examples:
        >>> check_bmp(Image.new("L", (30, 20)), "photo.bmp")
    """
    packed = any(tile.codec_name == _PACKED for tile in getattr(image, "tile", ()))
    if packed and image.width * image.height > MAX_PACKED:
        raise ImageError(
            f"{name}: a run-length encoded BMP of {image.width}×{image.height} pixels, which would take very long; expected at "
            f"most {MAX_PACKED // 10**6} million: save it without compression, or as PNG"
        )
