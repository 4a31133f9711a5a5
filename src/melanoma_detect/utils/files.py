"""Atomic files and folders, a walk over the files below a folder, and the cache folder."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from melanoma_detect.errors import OutputError

METRICS = "metrics.json"  # the file that tells a run folder from any other folder
CACHE_VARIABLE = "MELANOMA_DETECT_CACHE"
_CLUTTER = frozenset(
    {"__macosx", "thumbs.db", "desktop.ini"}
)  # what systems add to folders and archives, in lower case


def cache_folder(name: str) -> Path:
    """Return a folder of this library's cache: below `MELANOMA_DETECT_CACHE`, or where the system keeps caches.

    Args:
        name: The folder's name, as `"balanced"`.

    Returns:
        The folder's path; it may not exist yet.

    Examples:
        >>> cache_folder("balanced").name
        'balanced'
    """
    import platformdirs  # noqa: PLC0415 - importing a light package must not wait for it: a prediction has no cache

    root = os.environ.get(CACHE_VARIABLE)
    return (Path(root).expanduser().absolute() if root else platformdirs.user_cache_path("melanoma-detect")) / name


@contextlib.contextmanager
def convert_write_errors(path: Path) -> Iterator[None]:
    """Convert an OSError of the block into an OutputError that names the path.

    Args:
        path: The file or folder that is being written.

    Raises:
        OutputError: It could not be written.

    Examples:
        >>> with convert_write_errors(Path("notes.txt")):
        ...     pass
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path}: cannot be written ({reason}); choose another path or free this one") from error


@contextlib.contextmanager
def atomic_file(path: Path, *, named: Path | None = None) -> Iterator[Path]:
    """Write a file completely or not at all.

    The block writes to a hidden path in the same folder and with the same suffix. It is renamed when the block succeeds, which
    replaces a file of this name, and deleted when it fails.

    Args:
        path: The file; its folder is made where it is missing.
        named: What an error names; the path where it is None.

    Yields:
        The path to write to.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> with atomic_file(Path("notes.txt")) as partial:
        ...     _ = partial.write_text("complete or absent")
        >>> Path("notes.txt").is_file()
        True
    """
    # Random, not the process's id: several threads or machines may write the same file.
    partial = path.with_name(f".{path.name}-{secrets.token_hex(4)}{path.suffix}")
    with convert_write_errors(named or path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            partial.replace(path)
        finally:
            # Gone after the rename; some formats (TensorFlow's SavedModel) are folders.
            shutil.rmtree(partial, ignore_errors=True) if partial.is_dir() else partial.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path, *, replace: bool = False, resume: bool = False) -> Iterator[Path]:
    """Write a folder completely or not at all.

    The block writes into a hidden folder beside the path, which is renamed when the block succeeds. Several processes may make
    the same folder: the first one to finish wins, and what the others made is deleted.

    Args:
        path: The folder.
        replace: Delete a folder that is there already; else that one stays, and counts as made by another process.
        resume: Keep what a failed or killed block has written, and yield it again the next time. Processes that run at the
            same time then share the hidden folder.

    Yields:
        The folder to write into.

    Raises:
        OutputError: The folder cannot be written.

    Examples:
        >>> with atomic_folder(Path("set")) as partial:
        ...     _ = (partial / "note.txt").write_text("complete or absent")
        >>> Path("set/note.txt").is_file()
        True
    """
    path = path.absolute()
    partial = path.with_name(f".{path.name}.partial" if resume else f".{path.name}-{secrets.token_hex(4)}")
    with convert_write_errors(path):
        partial.mkdir(parents=True, exist_ok=resume)
    try:
        yield partial
        with convert_write_errors(path):
            if replace and path.exists():
                shutil.rmtree(path)
            partial.rename(path)
    except OSError:
        # Another process has finished first. Where it shared our hidden folder, the block fails: the folder has moved.
        if replace or not _is_filled(path):
            raise
    finally:
        if not resume or _is_filled(path):
            shutil.rmtree(partial, ignore_errors=True)


def _is_filled(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def check_run_folder(out: Path, *, overwrite: bool) -> None:
    """Raise OutputError unless a run folder can be written to a path.

    Args:
        out: The run folder.
        overwrite: Whether a run folder that is there may be replaced. Other folders never are.

    Raises:
        OutputError: The path is a file, or a folder that is not empty.

    Examples:
        >>> check_run_folder(Path("runs/new"), overwrite=False)
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; expected a folder to write the run into")
    if not _is_filled(out):
        return
    if not overwrite:
        raise OutputError(
            f"{out}: already exists and is not empty; choose another folder, or overwrite it (--overwrite)"
        )
    if not (out / METRICS).is_file():
        raise OutputError(f"{out}: is not a run folder (it has no {METRICS}), so it is not overwritten; choose another")


def walk_files(folder: "str | os.PathLike[str]", on_error: Callable[[OSError], None] | None = None) -> Iterator[str]:
    """Yield the files of a folder and its subfolders, sorted, without hidden ones.

    The names of one folder are held at a time, so that the number of files does not matter.

    Args:
        folder: The folder.
        on_error: Called for each subfolder that cannot be listed; such folders are passed over where it is None.

    Yields:
        Names relative to the folder, with slashes.

    Examples:
        >>> next(walk_files(isic9))
        'metadata.csv'
    """
    yield from relative_names(os.walk(folder, onerror=on_error), os.fspath(folder))


def relative_names(walk: Iterable[tuple[str, list[str], list[str]]], root: str) -> Iterator[str]:
    """Yield the names of the files that `os.walk`, or `walk` of another file system, lists.

    Args:
        walk: Triples of a folder, its subfolders and its files; the subfolders are sorted in place, which steers the walk.
        root: The folder that the walk starts at.

    Yields:
        Names relative to the root, with slashes.

    Examples:
        >>> list(relative_names([("/set", ["b", ".git"], ["z.csv", "Thumbs.db"]), ("/set/b", [], ["1.jpg"])], "/set"))
        ['z.csv', 'b/1.jpg']
    """
    start = len(root.rstrip("/" + os.sep))
    for folder, subfolders, files in walk:
        subfolders[:] = sorted(name for name in subfolders if not is_hidden(name))
        relative = folder[start:].strip("/" + os.sep).replace(os.sep, "/")
        for name in sorted(name for name in files if not is_hidden(name)):
            yield f"{relative}/{name}" if relative else name


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is hidden, or clutter of an operating system.

    Args:
        name: Its name, without a folder; file systems of the cloud may list an empty one.

    Returns:
        Whether readers of data sets pass it over.

    Examples:
        >>> is_hidden(".DS_Store"), is_hidden("__MACOSX"), is_hidden("nevus")
        (True, True, False)
    """
    return not name or name.startswith(".") or name.lower() in _CLUTTER
