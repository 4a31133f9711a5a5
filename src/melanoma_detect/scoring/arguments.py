"""Arguments of `score`: its sources as paths and addresses, and the checks of its options."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias

from melanoma_detect.errors import DatasetError
from melanoma_detect.scoring.addresses import is_address
from melanoma_detect.utils.number_arguments import whole_number
from melanoma_detect.utils.paths import expand_path, path_text

Source: TypeAlias = str | os.PathLike[str]
Backend: TypeAlias = Literal["local", "ray"]
Sort: TypeAlias = Literal["risk"]

_EXPECTED = "images, folders, zips or tables"
_MAX_PATH = 2**15  # characters
_BACKENDS, _SORTS = ("local", "ray"), (None, "risk")


def source_paths(sources: Source | Iterable[Source]) -> list[str]:
    """Return sources as a list of paths and addresses.

    Args:
        sources: One of them, or several.

    Returns:
        Their texts, with `~` expanded.

    Raises:
        DatasetError: There is none, or one is no path.

    Examples:
        >>> source_paths(Path("photos"))
        ['photos']
    """
    if hasattr(sources, "columns"):
        raise DatasetError(
            "sources: a data frame; expected paths, such as those of one of its columns: score(frame['image'].tolist())"
        )
    if not isinstance(sources, (str, bytes, os.PathLike, Iterable)):
        raise DatasetError(f"{sources!r}: not a path; expected {_EXPECTED}")
    listed = [sources] if isinstance(sources, (str, bytes, os.PathLike)) else list(sources)
    if not listed:
        raise DatasetError(f"no sources; expected {_EXPECTED}")
    return [_source_path(source) for source in listed]


def _source_path(source: Source) -> str:
    if not isinstance(source, (str, bytes, os.PathLike)):
        raise DatasetError(f"{source!r}: not a path; expected {_EXPECTED}")
    path = os.fsdecode(source) if isinstance(source, bytes) else path_text(source, DatasetError, _EXPECTED)
    if not path.strip() or "\0" in path or len(path) > _MAX_PATH:
        raise DatasetError(f"{path[:80]!r}: not a path; expected {_EXPECTED}")
    if is_address(path):
        return path
    expand_path(path, DatasetError)
    return os.path.expanduser(path)  # noqa: PTH111 - "./a" stays as it was written


def absolute_path(source: str) -> str:
    """Return a source under a name that does not depend on the working folder.

    Args:
        source: A path or an address.

    Returns:
        The absolute path, or the address.

    Examples:
        >>> absolute_path("s3://bucket/photos")
        's3://bucket/photos'
    """
    return source if is_address(source) else str(Path(source).absolute())


def check_options(*, batch_size: int, workers: int | None, shard_size: int, sort: str | None, engine: str) -> None:
    """Raise DatasetError for a number under 1, or an unknown order or engine; see `score`.

    Args:
        batch_size: Images in one call of the model.
        workers: Threads, or Ray actors.
        shard_size: Images that are saved together.
        sort: None or `"risk"`.
        engine: `"local"` or `"ray"`.

    Raises:
        DatasetError: One of them is wrong.
    """
    for name, value in (("batch_size", batch_size), ("workers", workers), ("shard_size", shard_size)):
        if value is not None:
            whole_number(value, name, DatasetError, low=1)
    if sort not in _SORTS:
        raise DatasetError(f"sort={sort!r}; expected 'risk', or None for the order of the sources")
    if engine not in _BACKENDS:
        raise DatasetError(f"engine={engine!r}; expected one of {', '.join(map(repr, _BACKENDS))}")
