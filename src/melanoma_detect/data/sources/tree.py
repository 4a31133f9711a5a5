"""The files of a folder, sorted into images, masks, tables, archives and others. No file is read but those of odd names."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from melanoma_detect.data.sources.table_file import TABLE_SUFFIXES
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.formats import SUFFIXES
from melanoma_detect.images.frames import is_dicom
from melanoma_detect.utils.folder_walk import relative_names, walk_folders
from melanoma_detect.utils.regular_files import open_regular

ARCHIVE_SUFFIXES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz", ".xz", ".txz", ".zst", ".7z", ".rar"})
HDF5_SUFFIXES = frozenset({".hdf5", ".h5"})
# Files that are never opened to see whether they hold an image; a suffix that is not known may be part of a name ("IMG.001").
_NO_IMAGES = (
    frozenset(
        {".txt", ".md", ".rst", ".json", ".xml", ".yaml", ".yml", ".toml", ".ini", ".log", ".pdf", ".doc", ".docx"}
        | {".py", ".ipynb", ".m", ".mat", ".npy", ".npz", ".pkl", ".pth", ".pt", ".keras", ".onnx", ".detector"}
        | {
            ".html",
            ".htm",
            ".css",
            ".js",
            ".svg",
            ".db",
            ".lnk",
            ".url",
            ".exe",
            ".mp4",
            ".avi",
            ".mov",
            ".part",
            ".tmp",
        }
    )
    | TABLE_SUFFIXES
    | ARCHIVE_SUFFIXES
    | HDF5_SUFFIXES
)
# The first bytes of an image file, by format; `is_dicom` knows those of DICOM.
_MAGIC = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF.{4}WEBP|II\*\0|MM\0\*|II\+\0|MM\0\+|BM.{4}\0{4}"
    rb"|.{4}ftyp(?:avif|avis|heic|heix|heim|hevc|mif1|msf1)",
    re.DOTALL,
)
_MAGIC_BYTES = 132  # DICOM's mark stands after a preamble of 128 bytes
# Names of segmentations that stand beside images: ISIC and HAM10000, PH2's regions of interest.
_MASK = re.compile(
    r"_(?:segmentation|superpixels|attribute_[a-z_]+)$|_R\d+_Label\d+$",
    re.IGNORECASE,
)
# Names that may be a mask's: they are, where the image without this ending is there (PH2's IMD002_lesion beside IMD002).
_MAYBE_MASK = re.compile(r"[_-](?:lesion|mask|seg|contour|roi|gt|groundtruth)$", re.IGNORECASE)


@dataclass(frozen=True)
class Tree:
    """The files below a folder, each list in the order of a walk.

    Attributes:
        root: The folder, absolute.
        files: All of them, in the order of a walk: the files of a folder go before those of its subfolders.
        images: Image files.
        masks: Segmentations and regions of interest, which show no lesion themselves.
        tables: Files with the suffix of a table.
        archives: Archives inside, which are not unpacked.
        hdf5: HDF5 files.
        others: All other files.
        outward: Links that lead out of the folder and are not followed; they are among the files too.
    """

    root: Path
    files: tuple[Path, ...]
    images: tuple[Path, ...]
    masks: tuple[Path, ...]
    tables: tuple[Path, ...]
    archives: tuple[Path, ...]
    hdf5: tuple[Path, ...]
    others: tuple[Path, ...]
    outward: tuple[Path, ...] = ()


def read_tree(root: Path) -> Tree:
    """List the files of a folder and its subfolders, without hidden ones and what systems add.

    Args:
        root: The folder, as an absolute path.

    Returns:
        Its files by kind.

    Raises:
        DatasetError: A folder cannot be listed.

    Examples:
        >>> tree = read_tree(isic9)
        >>> [path.name for path in tree.tables], len(tree.images) > 100
        (['metadata.csv'], True)
    """
    kinds: dict[str, list[Path]] = {name: [] for name in ("images", "tables", "archives", "hdf5", "others")}
    links: set[str] = set()
    files = tuple(root / name for name in relative_names(_walk(root, links.add), os.fspath(root)))
    outward = frozenset(path for path in files if links and os.fspath(path) in links)
    for path in files:
        kinds[_kind(path, is_outward=path in outward)].append(path)
    images = kinds.pop("images")
    stems = {path.stem.casefold() for path in images}
    masks = {path for path in images if _is_mask(path, stems)}
    return Tree(
        root,
        files,
        images=tuple(path for path in images if path not in masks),
        masks=tuple(path for path in images if path in masks),
        **{name: tuple(paths) for name, paths in kinds.items()},
        outward=tuple(path for path in files if path in outward),
    )


def is_image(path: Path) -> bool:
    """Return whether a file is an image, by its suffix, or by its first bytes where it has none or one that is unknown.

    Args:
        path: A file.

    Returns:
        Whether it is; a file with the suffix of an image counts as one even if it is damaged.

    Examples:
        >>> is_image(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"), is_image(isic9 / "metadata.csv")
        (True, False)
    """
    suffix = _suffix(path)
    if suffix in SUFFIXES or suffix in _NO_IMAGES:
        return suffix in SUFFIXES
    try:
        with open_regular(path, DatasetError) as file:
            prefix = file.read(_MAGIC_BYTES)
            return bool(_MAGIC.match(prefix)) or is_dicom(prefix)
    except (OSError, DatasetError):
        return False


def may_be_image(path: Path) -> bool:
    """Return whether a file may be an image by its name alone.

    Args:
        path: A file, which is not opened, or a folder.

    Returns:
        Whether its suffix is that of an image, or one that is unknown.

    Examples:
        >>> may_be_image(Path("IMG.001")), may_be_image(Path("notes.txt"))
        (True, False)
    """
    return _suffix(path) not in _NO_IMAGES


def tree_of_files(files: Sequence[Path]) -> Tree:
    """Return a list of image files as the contents of the folder that holds them all.

    Args:
        files: Their absolute paths.

    Returns:
        The files, each once.

    Raises:
        DatasetError: A file is not there.

    Examples:
        >>> tree_of_files(data.test.paths).root.name
        'Test'
    """
    if missing := next((path for path in files if not path.is_file()), None):
        what = "is a folder" if missing.is_dir() else "no such file"
        raise DatasetError(f"{missing}: {what}; expected image files, or the path of one folder that holds them")
    root = Path(os.path.commonpath([path.parent for path in files]))
    images = tuple(sorted(set(files)))
    return Tree(root, images, images, masks=(), tables=(), archives=(), hdf5=(), others=())


def _walk(root: Path, on_outward: Callable[[str], object]) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk a folder; an empty folder with the name of an image counts as a file, which cannot be read, so that it is named."""
    for folder, subfolders, files in walk_folders(root, _raise_unlistable, on_outward):
        named = [name for name in subfolders if _suffix(Path(name)) in SUFFIXES]
        yield folder, subfolders, files + [name for name in named if not any(Path(folder, name).iterdir())]


def _raise_unlistable(error: OSError) -> None:
    raise DatasetError(
        f"{error.filename}: the folder cannot be listed ({error.strerror}); check its permissions, or move it away"
    ) from error


def _kind(path: Path, *, is_outward: bool) -> str:
    suffix, name = _suffix(path), path.name.lower()
    if suffix in SUFFIXES:
        return "images"
    if is_outward:  # never opened
        return "others"
    # HAM10000_metadata has no suffix in Dataverse's archive.
    if suffix in TABLE_SUFFIXES or name.endswith((".csv.gz", ".tsv.gz", "_metadata")):
        return "tables"
    if suffix in ARCHIVE_SUFFIXES:
        return "archives"
    if suffix in HDF5_SUFFIXES:
        return "hdf5"
    return "images" if is_image(path) else "others"


def _suffix(path: Path) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - for each file: quicker than Path


def _is_mask(path: Path, stems: set[str]) -> bool:
    if _MASK.search(path.stem):
        return True
    found = _MAYBE_MASK.search(path.stem)
    return found is not None and path.stem[: found.start()].casefold() in stems
