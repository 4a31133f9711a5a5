"""ONNX Runtime for browsers: the files of the npm package onnxruntime-web that a page carries in itself."""

import gzip
from pathlib import Path
from typing import NamedTuple

from melanoma_detect.errors import DetectorError

FOLDER = Path(__file__).parent / "runtime"
_SCRIPT, _WASM, _LICENCE, _NOTICES, _VERSION = (
    "ort.mjs.gz",
    "ort.wasm.gz",
    "LICENSE",
    "ThirdPartyNotices.txt",
    "VERSION",
)


class WebRuntime(NamedTuple):
    """The runtime's files.

    Attributes:
        script: The JavaScript, gzip-compressed.
        wasm: The WebAssembly, gzip-compressed.
        licence: The text of its licence.
        notices: The notices of the software in it, gzip-compressed.
        version: Such as `"1.30.0"`.
    """

    script: bytes
    wasm: bytes
    licence: str
    notices: bytes
    version: str


def read_runtime(folder: Path = FOLDER) -> WebRuntime:
    """Read the runtime's files.

    Args:
        folder: Where they lie.

    Returns:
        Their contents.

    Raises:
        DetectorError: A file is missing; the message says how to get it.

    Examples:
        >>> read_runtime().version
        '1.30.0'
    """
    try:
        return WebRuntime(
            (folder / _SCRIPT).read_bytes(),
            (folder / _WASM).read_bytes(),
            (folder / _LICENCE).read_text(encoding="utf-8"),
            gzip.compress((folder / _NOTICES).read_bytes(), 9, mtime=0),
            (folder / _VERSION).read_text(encoding="utf-8").strip(),
        )
    except OSError as error:
        raise DetectorError(
            f"{error.filename}: missing: this installation has no ONNX Runtime for browsers, which a page needs; install "
            "melanoma-detect from its wheel, or in a source tree run: python scripts/fetch_web_runtime.py"
        ) from error
