"""Inputs of scoring: files, folders, zip archives and tables become a stream of images, never a list of them all."""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

from melanoma_detect.data.sources.archives import unpack
from melanoma_detect.data.sources.tree import is_image, may_be_image
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.formats import SUFFIXES, without_warning_errors
from melanoma_detect.images.frame_names import split_frame_name
from melanoma_detect.images.frames import is_document
from melanoma_detect.scoring.addresses import exists, is_address, is_folder, join_path, list_files, parent_folder
from melanoma_detect.scoring.item import Item
from melanoma_detect.scoring.tables import is_table, table_items
from melanoma_detect.utils.links import describe_link

OnOther = Callable[[str], object]

_DICOM = {".dcm", ".dicom"}
_INDEX = "dicomdir"  # the table of contents of a DICOM medium, which begins as an image does


def items(sources: Iterable[str], on_other: OnOther = lambda _: None) -> Iterator[Item]:
    """Find the images of sources, one after the other and each in a fixed order.

    Args:
        sources: Image files, or a frame of one (`lesion.dcm#3`); folders, which are read with their subfolders; zip archives;
            tables, which are read as `load_dataset` reads them, or a text file with one path a line. A table's paths are
            relative to its folder. Paths or addresses.
        on_other: Called with the name of each file in a folder or archive that is no image, by its suffix or, without a
            known one, by its content; a DICOM file also by its header (see `is_document`).

    Yields:
        The images.

    Raises:
        DatasetError: A source is missing, a table has no column of paths, or a folder cannot be listed.

    Examples:
        >>> [item.name for item in items(["a.jpg", "b.jpg"])]
        ['a.jpg', 'b.jpg']
        >>> sum(1 for item in items([str(isic9 / "Test")]))
        36
    """
    for source in sources:
        yield from _items(source, on_other)


def split_into_chunks(stream: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Split a stream of images into lists.

    Args:
        stream: The images.
        size: Items in each list but the last.

    Yields:
        Lists, none of them empty.

    Examples:
        >>> [len(chunk) for chunk in split_into_chunks(items(["a.jpg", "b.jpg", "c.jpg"]), 2)]
        [2, 1]
    """
    remaining = iter(stream)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _items(source: str, on_other: OnOther) -> Iterator[Item]:
    suffix = os.path.splitext(source)[1].lower()  # noqa: PTH122 - addresses too
    if is_folder(source):
        yield from _in_folder(source, _absolute(source), on_other)
    elif suffix == ".zip":
        yield from _in_folder(source, _unpack(source), on_other)
    elif is_table(source):
        if not exists(source):
            raise _missing(source)
        yield from table_items(source, parent_folder(_absolute(source)))
    elif suffix in SUFFIXES or exists(source) or _names_a_frame(source):
        yield Item(source, _absolute(source))
    else:
        raise _missing(source)


def _names_a_frame(source: str) -> bool:
    named = split_frame_name(source)
    return named is not None and exists(named[0])


def _missing(source: str) -> DatasetError:
    return DatasetError(
        f"{source}: no such file; expected images, a folder of them, a zip, or a table with their paths"
    )


def _unpack(source: str) -> str:
    if is_address(source):
        raise DatasetError(f"{source}: a zip archive at an address; unpack it there, and name the folder")
    if not exists(source):
        raise _missing(source)
    status = Path(source).stat()
    return _unpack_once(source, status.st_size, status.st_mtime_ns)


@cache
def _unpack_once(source: str, *_stamp: int) -> str:
    return str(unpack(Path(source)))


def _in_folder(shown: str, folder: str, on_other: OnOther) -> Iterator[Item]:
    any_image = False
    links: set[str] = set()
    for name in list_files(folder, links.add):
        path = join_path(folder, name)
        if path in links:
            if may_be_image(Path(path)):
                any_image = True
                yield Item(join_path(shown, name), "", describe_link(join_path(shown, name)))
            else:
                on_other(name)
        elif _is_image(path):
            any_image = True
            yield Item(join_path(shown, name), path)
        else:
            on_other(name)
    if not any_image:
        raise DatasetError(
            f"{shown}: no images in it; expected files with the suffixes {', '.join(sorted(SUFFIXES))}, in subfolders too"
        )


def _is_image(path: str) -> bool:
    name = os.path.basename(path)  # noqa: PTH119 - addresses too
    if is_address(path):
        return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122
    return name.lower() != _INDEX and is_image(Path(path)) and not _is_document(path)


def _is_document(path: str) -> bool:
    """Return whether a file is a DICOM report, document or sheet, such as lie beside the images of an examination."""
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122 - for each file: quicker than Path
    if suffix in SUFFIXES - _DICOM:  # no file is opened whose name says that it is something else
        return False
    return without_warning_errors(lambda: is_document(path))


def _absolute(path: str) -> str:
    return path if is_address(path) else os.path.abspath(path)  # noqa: PTH100 - links stay as they are
