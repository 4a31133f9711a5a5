"""A walk over the files below a folder: through links within it, and not out of it."""

import os
from collections.abc import Callable, Iterable, Iterator

from melanoma_detect.utils.files import is_hidden
from melanoma_detect.utils.links import leads_out


def walk_files(
    folder: "str | os.PathLike[str]",
    on_error: Callable[[OSError], None] | None = None,
    on_outward: Callable[[str], object] = lambda _: None,
) -> Iterator[str]:
    """Yield the files of a folder and its subfolders, sorted, without hidden ones.

    Links to folders are followed, but not back to a folder that holds the link. The names of one folder are held at a time, so
    that the number of files does not matter.

    Args:
        folder: The folder.
        on_error: Called for each subfolder that cannot be listed; such folders are passed over where it is None.
        on_outward: As for `walk_folders`.

    Yields:
        Names relative to the folder, with slashes.

    Examples:
        >>> next(walk_files(isic9))
        'metadata.csv'
    """
    yield from relative_names(walk_folders(folder, on_error, on_outward), os.fspath(folder))


def walk_folders(
    root: "str | os.PathLike[str]",
    on_error: Callable[[OSError], None] | None = None,
    on_outward: Callable[[str], object] = lambda _: None,
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk like `os.walk`, also through links to folders, but not round in a circle, and not out of the folder.

    Args:
        root: The folder.
        on_error: Called for each subfolder that cannot be listed.
        on_outward: Called with the path of each link that leads out of the folder (see `links.leads_out`), before the folder
            that holds it is yielded. Such a link counts as a file, whatever it leads to.

    Yields:
        Triples of a folder, its subfolders and its files.

    Examples:
        >>> next(walk_folders(isic9))[2]
        ['metadata.csv']
    """
    stack = [os.fspath(root)]
    while stack:
        folder = stack.pop()
        try:
            with os.scandir(folder) as listed:
                entries = list(listed)
        except OSError as error:
            if on_error is not None:
                on_error(error)
            continue
        subfolders, files = _sort_entries(entries, folder, root, on_outward)
        yield folder, subfolders, files
        stack.extend(os.path.join(folder, name) for name in reversed(subfolders))  # noqa: PTH118 - for each folder


def _sort_entries(
    entries: Iterable["os.DirEntry[str]"],
    folder: str,
    root: "str | os.PathLike[str]",
    on_outward: Callable[[str], object],
) -> tuple[list[str], list[str]]:
    """Return the names of subfolders to go into, and of files."""
    subfolders, files = [], []
    for entry in entries:
        is_link = entry.is_symlink()
        if is_link and leads_out(entry.path, root):
            on_outward(entry.path)
            files.append(entry.name)
        elif not _is_folder(entry):
            files.append(entry.name)
        elif not (is_link and _real(folder).startswith(_real(entry.path))):
            subfolders.append(entry.name)
    return subfolders, files


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _real(folder: str) -> str:
    return os.path.realpath(folder).rstrip(os.sep) + os.sep


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
