"""The size of a WebP image by its header: its decoder holds two canvases as soon as the file is opened."""

_WIDE, _LOSSY, _LOSSLESS = b"VP8X", b"VP8 ", b"VP8L"
_SIDE = 0x3FFF  # 14 bits


def webp_size(header: bytes) -> tuple[int, int] | None:
    """Return the size of a WebP image.

    Args:
        header: The first 30 bytes of the file, or more.

    Returns:
        `(width, height)` in pixels; None where the header is damaged.

    Examples:
        >>> webp_size(b"RIFF....WEBPVP8X") is None
        True
    """
    kind, content = header[12:16], header[20:30]
    if len(content) < 10:
        return None
    if kind == _WIDE:
        return 1 + int.from_bytes(content[4:7], "little"), 1 + int.from_bytes(content[7:10], "little")
    if kind == _LOSSY and content[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(content[6:8], "little") & _SIDE, int.from_bytes(content[8:10], "little") & _SIDE
    if kind == _LOSSLESS and content[:1] == b"\x2f":
        bits = int.from_bytes(content[1:5], "little")
        return 1 + (bits & _SIDE), 1 + (bits >> 14 & _SIDE)
    return None
