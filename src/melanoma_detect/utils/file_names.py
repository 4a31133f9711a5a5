"""Names of new files that are made from the names of others: every file system takes them."""

import hashlib
import os
import sys

_MOST = 180  # bytes; file systems take 255, of which a number, a suffix and the mark of an unfinished file need some


def fitting_name(text: str) -> str:
    """Return a name for a file or a folder that is made from another name.

    Args:
        text: The other name, without characters that file systems forbid.

    Returns:
        The same text for almost every name. One that is too long is cut, and ends in a digest of the whole; characters that the
        system's encoding lacks are replaced.

    Examples:
        >>> fitting_name("naevus"), len(fitting_name("n" * 300))
        ('naevus', 180)
    """
    try:
        content = os.fsencode(text)
    except UnicodeEncodeError:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        known = text.encode(sys.getfilesystemencoding(), "replace").replace(b"?", b"_")
        content = known + f"-{digest}".encode()
    if len(content) <= _MOST:
        return os.fsdecode(content)
    digest = hashlib.sha256(content).hexdigest()[:8]
    return f"{content[: _MOST - 9].decode(sys.getfilesystemencoding(), 'ignore')}-{digest}"
