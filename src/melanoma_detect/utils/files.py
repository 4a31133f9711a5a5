"""Atomic files and folders, names of files, and the cache folder."""

import contextlib
import functools
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from melanoma_detect.errors import OutputError
from melanoma_detect.utils.outputs import exists_error
from melanoma_detect.utils.partial_paths import partial_path, remove_leftovers, remove_path
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.renaming import flush, replace_folder

CACHE_VARIABLE = "MELANOMA_DETECT_CACHE"
# What systems add to folders and archives, in lower case.
_CLUTTER = frozenset(
    {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "$recycle.bin"}
    | {"system volume information", "lost+found"}
)

_SURROGATE = re.compile("[\ud800-\udfff]")


def cache_folder(name: str) -> Path:
    """Return a folder of this library's cache: below `MELANOMA_DETECT_CACHE`, or where the system keeps caches.

    Where the system has no place for one, such as for a user without a home, it lies among the temporary files.

    Args:
        name: The folder's name, as `"balanced"`.

    Returns:
        The folder's path; it may not exist yet.

    Examples:
        >>> cache_folder("balanced").name
        'balanced'
    """
    if root := os.environ.get(CACHE_VARIABLE):
        return expand_path(root).absolute() / name
    import platformdirs  # noqa: PLC0415 - importing a light package must not wait for it

    path = platformdirs.user_cache_path("melanoma-detect")
    if path.is_absolute() and (path.is_dir() or _can_be_made(path)):
        return path / name
    return _temporary_cache() / name


def _can_be_made(path: Path) -> bool:
    there = next((parent for parent in path.parents if os.path.lexists(parent)), path)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _temporary_cache() -> Path:
    """Return a folder among the temporary files that is this user's own: others may write to the folder that it lies in."""
    import tempfile  # noqa: PLC0415 - few systems need it

    user = os.getuid() if hasattr(os, "getuid") else 0
    path = Path(tempfile.gettempdir(), f"melanoma-detect-{user}")
    with contextlib.suppress(OSError):
        path.mkdir(mode=0o700, exist_ok=True)
        facts = path.lstat()
        if stat.S_ISDIR(facts.st_mode) and facts.st_uid == user and not facts.st_mode & 0o022:
            return path
    return _temporary_cache_of_process()


@functools.cache
def _temporary_cache_of_process() -> Path:
    import tempfile  # noqa: PLC0415 - few systems need it

    return Path(tempfile.mkdtemp(prefix="melanoma-detect-"))


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
def atomic_file(
    path: Path, *, named: Path | None = None, overwrite: bool = True, one_of_many: bool = False
) -> Iterator[Path]:
    """Write a file completely or not at all.

    The block writes to a hidden path in the same folder and with the same suffix. It is renamed when the block succeeds, and
    deleted when it fails; what a process that was killed has left of the same file is deleted too.

    Args:
        path: The file; its folder is made where it is missing.
        named: What an error names; the path where it is None.
        overwrite: Whether to replace a file of this name. If False, one that has appeared since `check_output` stays.
        one_of_many: Whether the folder gets thousands of such files. What killed processes have left is then for the caller to
            delete (`remove_leftovers`), and the file is not waited for to be on the disk.

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
    partial = partial_path(path)
    with convert_write_errors(named or path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not one_of_many:
            remove_leftovers(path.parent, path.name)
        try:
            yield partial
            if not one_of_many:
                flush(partial)
            if not overwrite and os.path.lexists(path):
                raise exists_error(path)
            partial.replace(path)
        finally:
            # Gone after the rename; some formats (TensorFlow's SavedModel) are folders.
            remove_path(partial)


@contextlib.contextmanager
def atomic_folder(path: Path, *, replace: bool = False, resume: bool = False) -> Iterator[Path]:
    """Write a folder completely or not at all.

    The block writes into a hidden folder beside the path, which is renamed when the block succeeds. Several processes may make
    the same folder: the first one to finish wins, and what the others made is deleted. So is what a process that was killed has
    left of the same folder.

    Args:
        path: The folder. Where it is a link to a folder, that one is written.
        replace: Put it in the place of a folder that is there already, which is deleted last: there is always one of the two.
            If False, that one stays, and counts as made by another process.
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
    path = path.resolve() if path.is_symlink() and path.is_dir() else path.absolute()
    partial = path.with_name(f".{path.name}.partial") if resume else partial_path(path)
    with convert_write_errors(path):
        partial.mkdir(parents=True, exist_ok=resume)
        remove_leftovers(path.parent, path.name)
    try:
        yield partial
        with convert_write_errors(path):
            flush(partial)
            if replace:
                replace_folder(partial, path)
            else:
                partial.rename(path)
    except OSError:
        # Another process has finished first. Where it shared our hidden folder, the block fails: the folder has moved.
        if replace or not _is_filled(path):
            raise
    finally:
        if not resume or _is_filled(path):
            remove_path(partial)


def _is_filled(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


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


def readable_name(name: str) -> str:
    r"""Return the name of a file or folder as text that can be printed and written.

    An archive of an old Windows may hold names that are not UTF-8. Python gives their bytes as surrogates, which no file of
    text can hold.

    Args:
        name: The name, as `os.listdir` gives it.

    Returns:
        The name; bytes that are not UTF-8 are read as Windows's code page 1252, or as Latin-1.

    Examples:
        >>> readable_name("n\udce4vus")
        'nävus'
    """
    return _SURROGATE.sub(_decode_surrogate, name)


def _decode_surrogate(found: re.Match[str]) -> str:
    byte = ord(found[0]) - 0xDC00
    if not 0x80 <= byte <= 0xFF:
        return "\ufffd"
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)
