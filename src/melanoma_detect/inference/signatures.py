"""Signatures of detector files: Ed25519 (RFC 8032) over the digests of all members.

Digests tell that a file was damaged or changed by accident. Somebody who means to change it computes new digests; only who has
the private key can sign them. Needs the package cryptography, by the extra `sign`.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.plain_json import read_json
from melanoma_detect.utils.paths import expand_path, path_text
from melanoma_detect.utils.regular_files import open_regular

SignKey: TypeAlias = "str | os.PathLike[str] | bytes | Ed25519PrivateKey"
TrustedKey: TypeAlias = "str | os.PathLike[str] | bytes | Ed25519PublicKey"
TrustedKeys: TypeAlias = "TrustedKey | Iterable[TrustedKey]"

_RAW = 32  # bytes of a key without a container
_LARGEST = 64 * 1024  # bytes of a file with a key
_ANOTHER_KIND = "it is a key of another kind"
_PURPOSE = b"melanoma-detect detector, digests of its members: "  # a signature of something else is none of a detector


def sign(digests: bytes, key: SignKey) -> bytes:
    """Return the content of `signature.json`.

    Args:
        digests: The content of `digests.json`.
        key: An Ed25519 private key: a PEM file without a password, its bytes, the 32 bytes of the key, or the key.

    Returns:
        JSON with the public key and the signature, in hexadecimal digits.

    Raises:
        DetectorError: It is no such key.

    Examples:
        >>> from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        >>> key = Ed25519PrivateKey.generate()
        >>> check_signature(Path("my.detector"), b"{}", sign(b"{}", key), key.public_key())
    """
    private = _private_key(key)
    values = {"public_key": _raw(private.public_key()).hex(), "ed25519": private.sign(_PURPOSE + digests).hex()}
    return json.dumps(values).encode()


def check_signature(file: Path, digests: bytes, signature: bytes | None, trusted: TrustedKeys) -> None:
    """Raise DetectorError unless a trusted key has signed the digests of a file.

    Args:
        file: The file, for messages.
        digests: The content of `digests.json`; empty where the file has none.
        signature: The content of `signature.json`; None where the file has none.
        trusted: Ed25519 public keys: PEM files, their bytes, the 32 bytes of a key, or keys; one or several.

    Raises:
        DetectorError: The file is not signed, by another key, or was changed since; or a trusted key cannot be read.

    Examples:
        >>> check_signature(Path("my.detector"), b"{}", None, bytes(32))
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: my.detector: is not signed, and only detectors of trusted keys are loaded...
    """
    if isinstance(trusted, (str, bytes, os.PathLike, Ed25519PublicKey)):
        trusted = [trusted]
    if not isinstance(trusted, Iterable):
        raise DetectorError(
            f"trusted_keys is {trusted!r:.100}; expected the path of a PEM file, a key, or several of them"
        )
    keys = [_public_key(key) for key in trusted]
    if not keys:
        raise DetectorError("trusted_keys is empty; name one key at least, or None to load unsigned detectors too")
    if signature is None or not digests:
        raise DetectorError(
            f"{file}: is not signed, and only detectors of trusted keys are loaded; get a signed file (save with sign_key=)"
        )
    try:
        signed = bytes.fromhex(read_json(signature)["ed25519"])
    except (ValueError, TypeError, LookupError) as error:
        raise DetectorError(f"{file}: its signature is damaged ({error}); do not trust it") from error
    if not any(_verifies(key, signed, digests) for key in keys):
        raise DetectorError(
            f"{file}: was signed by another key than the trusted ones, or changed since it was signed; do not use it"
        )


def _verifies(key: Ed25519PublicKey, signed: bytes, digests: bytes) -> bool:
    try:
        key.verify(signed, _PURPOSE + digests)
    except InvalidSignature:
        return False
    return True


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _private_key(key: SignKey) -> Ed25519PrivateKey:
    if isinstance(key, Ed25519PrivateKey):
        return key
    with _key_errors(key, "private"):
        content = _content(key)
        if len(content) == _RAW:
            return Ed25519PrivateKey.from_private_bytes(content)
        loaded = serialization.load_pem_private_key(content, None)
        if not isinstance(loaded, Ed25519PrivateKey):
            raise ValueError(_ANOTHER_KIND)  # noqa: TRY004 - the file is wrong, not the caller's type
        return loaded


def _public_key(key: TrustedKey) -> Ed25519PublicKey:
    if isinstance(key, Ed25519PublicKey):
        return key
    with _key_errors(key, "public"):
        content = _content(key)
        if len(content) == _RAW:
            return Ed25519PublicKey.from_public_bytes(content)
        loaded = serialization.load_pem_public_key(content)
        if not isinstance(loaded, Ed25519PublicKey):
            raise ValueError(_ANOTHER_KIND)  # noqa: TRY004
        return loaded


@contextlib.contextmanager
def _key_errors(key: Any, side: str) -> Iterator[None]:
    """Make errors the library's; their messages never hold the key itself."""
    try:
        yield
    except (ValueError, TypeError, OSError, RuntimeError, UnsupportedAlgorithm) as error:
        name = f"{path_text(key, DetectorError)}: " if isinstance(key, (str, os.PathLike)) else ""
        raise DetectorError(
            f"{name}not an Ed25519 {side} key ({_reason(error)}); expected a PEM file without a password"
        ) from error


def _content(key: "str | bytes | os.PathLike[str]") -> bytes:
    if isinstance(key, bytes):
        return key
    if not isinstance(key, (str, os.PathLike)):
        raise TypeError(f"it is of the type {type(key).__name__}")
    with open_regular(expand_path(key, DetectorError), DetectorError) as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError("it is far too large")
    return content


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error).split(". ", maxsplit=1)[0] or type(error).__name__
