"""The file of an index of similar cases: written whole, and checked when it is read, since others may have made it.

A file is, in this order: the mark `MDSIMIL1`; the length of the header and of what it unpacks to, uint64 each; the header,
JSON compressed with zlib; float32 arrays whose shapes the header gives (answers, vectors, directions); the SHA-256 of all
that. Numbers are little-endian. There is no pickle and nothing that runs.
"""

import json
import math
import os
import re
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from melanoma_detect.data.record import SPLITS, Record
from melanoma_detect.similar.index import SimilarIndex
from melanoma_detect.similar.model_identity import ModelIdentity
from melanoma_detect.similar.nearest import Vectors
from melanoma_detect.utils.arrays import Float32Array
from melanoma_detect.utils.sealed_file import SealedFile, decompress

SIMILAR_FILE = SealedFile(
    kind="index of similar cases",
    suffix=".similar",
    mark=b"MDSIMIL1",
    most=8 * 2**30,  # six million images
    advice="make it again with md.similar_index(data, detector), or ask for the file again",
    instead="of a folder of images, give md.load_dataset(folder)",
)
_LENGTHS = struct.Struct("<QQ")
_MAX_HEADER = 2**30
_MAX_TEXT = 4096  # characters of a path
_LARGEST = 1.001  # of the numbers of a vector of length 1, rounded
_HEX = re.compile(r"[0-9a-f]{64}|")
_COLUMNS = ("id", "path", "label", "split", "group", "source", "digest", "fingerprint", "aspect")


def write_similar_index(index: SimilarIndex, path: "str | os.PathLike[str]", *, overwrite: bool = False) -> Path:
    """Write an index to a file; see `SimilarIndex.save`.

    Args:
        index: The index.
        path: The file; its name ends in `.similar`.
        overwrite: Replace a file that is there.

    Returns:
        The file.

    Raises:
        OutputError: It cannot be written.

    Examples:
        >>> write_similar_index(md.similar_index(data, detector, progress=False), "ours.similar").name
        'ours.similar'
    """
    return SIMILAR_FILE.write(pack_similar_index(index), path, overwrite=overwrite)


def pack_similar_index(index: SimilarIndex) -> bytes:
    """Return an index as the bytes of its file.

    Args:
        index: The index.

    Returns:
        The bytes.

    Examples:
        >>> pack_similar_index(md.similar_index(data, detector, progress=False))[:8]
        b'MDSIMIL1'
    """
    arrays = [index.identity.answers, index.vectors.values]
    if index.vectors.directions is not None:
        arrays.append(index.vectors.directions)
    header = {
        "detector": index.identity.detector,
        "image_size": list(index.identity.image_size),
        "resize": index.identity.resize,
        "views": index.identity.views,
        "shapes": [list(array.shape) for array in arrays],
        "records": {name: [_plain(record, name) for record in index.records] for name in _COLUMNS},
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    packed = zlib.compress(text, 6)
    content = [np.ascontiguousarray(array, "<f4").tobytes() for array in arrays]
    return SIMILAR_FILE.seal([_LENGTHS.pack(len(packed), len(text)), packed, *content])


def read_similar_index(path: "str | os.PathLike[str]") -> SimilarIndex:
    """Read an index from a file.

    Args:
        path: The file.

    Returns:
        The index. It names images by their paths, which are read only where somebody looks at them.

    Raises:
        DatasetError: It cannot be read, is no index, or is damaged.

    Examples:
        >>> index = md.similar_index(data, detector, progress=False)
        >>> len(read_similar_index(index.save("here.similar"))) == len(index)
        True
    """
    return SIMILAR_FILE.read(path, unpack_similar_index)


def unpack_similar_index(content: bytes) -> SimilarIndex:
    """Return the index that the bytes of a file hold.

    Args:
        content: The bytes.

    Returns:
        The index.

    Raises:
        ValueError: They are none of an index, or damaged; the message says what is wrong.

    Examples:
        >>> unpack_similar_index(b"")
        Traceback (most recent call last):
        ValueError: is no index of similar cases; expected a file that begins with MDSIMIL1
    """
    sealed = SIMILAR_FILE.unseal(content, least=_LENGTHS.size)
    packed, size = _LENGTHS.unpack(sealed[: _LENGTHS.size])
    rest = sealed[_LENGTHS.size :]
    if packed > len(rest) or size > _MAX_HEADER:
        raise ValueError(f"is damaged: its header of {packed} bytes does not fit in it")
    header = _read_header(rest[:packed], size)
    arrays = _read_arrays(rest[packed:], header.get("shapes"))
    records = _read_records(header.get("records"))
    identity = _read_identity(header, arrays[0])
    if any(np.abs(array).max() > _LARGEST for array in arrays[1:]):
        raise ValueError("has features that are no vectors of length 1")
    vectors = Vectors(arrays[1], arrays[2] if len(arrays) > 2 else None)
    if len(records) != len(vectors.values) or not records:
        raise ValueError(
            f"has {len(records)} images and features of {len(vectors.values)}; expected as many, and one or more"
        )
    kept = vectors.values.shape[1]
    if vectors.width != identity.answers.shape[1] or (vectors.directions is not None and kept != arrays[2].shape[1]):
        raise ValueError(f"has features of {vectors.width} numbers for a model that gives {identity.answers.shape[1]}")
    return SimilarIndex(records, vectors, identity)


def _plain(record: Record, name: str) -> Any:
    value = getattr(record, name)
    # A name may hold bytes that are no text; JSON keeps them as they are.
    return os.path.abspath(value) if name == "path" else value  # noqa: PTH100 - a path with .. stays as it is


def _read_header(packed: memoryview, size: int) -> Mapping[str, Any]:
    text = decompress(packed, size, "header")
    if len(text) != size:
        raise ValueError("is damaged: its header has another length than it says")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("is damaged: its header is no JSON") from error
    if not isinstance(header, dict):
        raise ValueError("is damaged: its header is no JSON object")  # noqa: TRY004 - of a file
    return header


def _read_arrays(body: memoryview, shapes: Any) -> list[Float32Array]:
    is_list = isinstance(shapes, list) and len(shapes) in (2, 3)
    if not is_list or not all(_is_shape(shape) for shape in shapes):
        raise ValueError(f"has arrays of the shapes {shapes!r:.80}; expected two or three of two axes")
    if 4 * sum(math.prod(shape) for shape in shapes) != len(body):
        raise ValueError("is damaged: its arrays have another length than its header says")
    arrays, start = [], 0
    for shape in shapes:
        end = start + 4 * math.prod(shape)
        array = np.frombuffer(body[start:end], "<f4").reshape(shape).astype(np.float32, copy=False)
        if not np.isfinite(array).all():
            raise ValueError("has features that are not finite")
        arrays.append(array)
        start = end
    return arrays


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, list) and len(shape) == 2 and all(type(side) is int and 0 < side < 2**31 for side in shape)


def _read_identity(header: Mapping[str, Any], answers: Float32Array) -> ModelIdentity:
    size, views = header.get("image_size"), header.get("views")
    if (
        not _is_shape(size)
        or type(views) is not int
        or not all(_is_text(header.get(key)) for key in ("detector", "resize"))
    ):
        raise ValueError("does not say which detector made it")
    if len(answers) != 3:
        raise ValueError(f"has the detector's answers to {len(answers)} patterns; expected 3")
    height, width = cast("list[int]", size)
    return ModelIdentity(header["detector"], (height, width), header["resize"], views, answers)


def _read_records(columns: Any) -> tuple[Record, ...]:
    if not isinstance(columns, dict) or set(columns) != set(_COLUMNS):
        raise ValueError(f"has not the columns {', '.join(_COLUMNS)}")
    if not all(isinstance(column, list) for column in columns.values()) or len({*map(len, columns.values())}) != 1:
        raise ValueError("has columns of several lengths")
    return tuple(
        _read_record(dict(zip(_COLUMNS, row, strict=True)))
        for row in zip(*(columns[name] for name in _COLUMNS), strict=True)
    )


def _read_record(row: Mapping[str, Any]) -> Record:
    for name in _COLUMNS[:-1]:
        if not _is_text(row[name]):
            raise ValueError(f"has an image whose {name} is {row[name]!r:.50}; expected a text")
    aspect = row["aspect"]
    is_aspect = aspect is None or (type(aspect) is float and 0.01 < aspect < 100)
    if (
        row["split"] not in SPLITS
        or not is_aspect
        or not (_HEX.fullmatch(row["digest"]) and _HEX.fullmatch(row["fingerprint"]))
    ):
        raise ValueError(f"has an image whose split, digest, hash or aspect is none ({row['id']!r:.80})")
    if not _is_path(row["path"]):
        raise ValueError(f"has an image without a path ({row['id']!r:.80})")
    return Record(**{**row, "path": Path(row["path"])})


def _is_path(text: str) -> bool:
    try:
        os.fsencode(text)  # not every text names a file: half of a surrogate pair does not
    except UnicodeEncodeError:
        return False
    return bool(text) and "\0" not in text


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT
