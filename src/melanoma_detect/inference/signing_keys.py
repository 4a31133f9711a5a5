"""The keys of a whole run or machine: what is looked at before the work starts, and whom the environment trusts.

A clinic sets `MELANOMA_DETECT_TRUSTED_KEYS` once, and every program on the machine loads signed detectors alone.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from melanoma_detect.inference.signatures import SignKey

VARIABLE = "MELANOMA_DETECT_TRUSTED_KEYS"


def default_trusted_keys() -> list[Path] | None:
    """Return the files of the keys that the environment trusts.

    Returns:
        The paths in `MELANOMA_DETECT_TRUSTED_KEYS`, separated as in PATH; None where it is not set or empty: unsigned detectors
        are then loaded too.

    Examples:
        >>> default_trusted_keys() is None
        True
    """
    names = os.environ.get(VARIABLE, "").split(os.pathsep)
    return [Path(name) for name in names if name] or None


def check_sign_key(key: "SignKey | None") -> None:
    """Raise DetectorError unless a detector can be signed with a key: before hours of training, and not after them.

    Args:
        key: See `Detector.save`; None, which signs nothing, passes.

    Raises:
        DetectorError: It is no Ed25519 private key.
        MissingPackageError: The extra `sign` is not installed.

    Examples:
        >>> check_sign_key(None)
    """
    if key is not None:
        from melanoma_detect.inference.signatures import sign  # noqa: PLC0415 - imports cryptography, the extra sign

        sign(b"", key)
