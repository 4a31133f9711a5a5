"""What the names of folders say: a split, a diagnosis (with coarser ones above it), or nothing at all."""

import functools
import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeAlias

from melanoma_detect import taxonomy
from melanoma_detect.data.record import SplitName
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.files import readable_name

SPLIT_NAMES: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "valid": "validation",
    "val": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
# Folders of one image, from the root down; () for the root itself.
Folders: TypeAlias = tuple[str, ...]

_SEPARATORS = re.compile(r"[\s_\-.]+")
# Words that say nothing about a lesion: with them alone, or with a number, a folder is a container.
_CONTAINERS = frozenset(
    {"image", "images", "img", "imgs", "picture", "pictures", "photo", "photos", "file", "files", "data", "dataset"}
    | {"input", "inputs", "part", "parts", "batch", "chunk", "volume", "vol", "disk", "zip", "archive", "folder", "dir"}
    | {"set", "sep", "split", "raw", "original", "originals", "jpg", "jpeg", "png", "task", "v", "isic", "isbi", "ham"}
    | {"ham10000", "milk10k", "bcn", "pad", "ufes", "download", "downloads", "resized", "cropped", "dermoscopy"}
    | {"dermoscopic", "clinical", "all", "new", "extra", "challenge"}
)
_WORDS = re.compile(r"[^\W\d_]+|\d+")
_NUMBER = re.compile(r"\d")
_AUGMENTOR = "output"  # the folder that Augmentor makes beside the images of a class


class Place(NamedTuple):
    """Where an image lies in relation to the folders of the splits.

    Attributes:
        base: The folders above the split's folder.
        split: The split; None where no folder names one.
        below: The folders below it; all folders where there is no split.
    """

    base: Folders
    split: SplitName | None
    below: Folders


def folders_of(path: Path, root: Path) -> Folders:
    """Return the names of the folders between a root and a file, as text in Unicode's composed form.

    Args:
        path: A file.
        root: The folder.

    Returns:
        The names; none for a file that lies elsewhere, such as one that was unpacked.

    Examples:
        >>> folders_of(Path("/set/Train/nevus/1.jpg"), Path("/set"))
        ('Train', 'nevus')
    """
    return _folders_between(os.path.dirname(path), os.fspath(root))  # noqa: PTH120 - for each file: quicker than Path


@functools.lru_cache(maxsize=4096)
def _folders_between(folder: str, root: str) -> Folders:
    inside = Path(folder).is_relative_to(root)
    return tuple(map(clean_name, Path(folder).relative_to(root).parts)) if inside else ()


def clean_name(name: str) -> str:
    """Return a name as text in Unicode's composed form: macOS takes accents apart.

    Args:
        name: The name of a folder.

    Returns:
        The name.

    Examples:
        >>> clean_name("na\u0308vus") == "n\u00e4vus"
        True
    """
    return name if name.isascii() else unicodedata.normalize("NFC", readable_name(name))


def is_container(name: str) -> bool:
    """Return whether a folder's name is plainly no diagnosis: `images`, `part_1`, `HAM10000_images_part_2`, `batch3`.

    Args:
        name: The name.

    Returns:
        Whether it is made of such words alone, or of them and numbers; a number alone may be a class.

    Examples:
        >>> is_container("imgs_part_2"), is_container("batch3"), is_container("nevus"), is_container("1")
        (True, True, False, False)
    """
    words = [word for part in _SEPARATORS.split(name.casefold()) for word in _split_word(part)]
    return any(not word.isdigit() for word in words) and all(word.isdigit() or word in _CONTAINERS for word in words)


def _split_word(word: str) -> list[str]:
    return [word] if word in _CONTAINERS else _WORDS.findall(word)


def split_of(name: str, *, loose: bool = False) -> SplitName | None:
    """Return the split that a folder's name is.

    Args:
        name: The name, in any case.
        loose: Also read a split's word among words of a container, such as `ISIC_2019_Training_Input` and `test_images`.

    Returns:
        The split, or None.

    Examples:
        >>> split_of("TRAIN"), split_of("ISIC2018_Task3_Test_Input"), split_of("ISIC2018_Task3_Test_Input", loose=True)
        ('train', None, 'test')
    """
    if not loose:
        return SPLIT_NAMES.get(name.strip().casefold())
    words = [word for part in _SEPARATORS.split(name.casefold()) for word in _split_word(part)]
    splits = {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
    others = [word for word in words if word not in SPLIT_NAMES]
    if len(splits) == 1 and all(word.isdigit() or word in _CONTAINERS for word in others):
        return splits.pop()
    return None


def find_splits(folders: Collection[Folders], root: Path) -> dict[Folders, SplitName | None]:
    """Find the splits that folders name, wherever they stand.

    Args:
        folders: The folders that hold images.
        root: The folder that they lie in, for messages.

    Returns:
        The split of each; None where no folder names one.

    Raises:
        DatasetError: A folder lies in two splits.

    Examples:
        >>> find_splits([("ISIC2018_Task3_Test_Input",), ("images",)], Path("/"))
        {('ISIC2018_Task3_Test_Input',): 'test', ('images',): None}
    """
    loose = not any(split_of(name) for own in folders for name in own)
    return {own: _place(own, root, loose=loose).split for own in folders}


def find_places(folders: Collection[Folders], root: Path) -> dict[Folders, Place]:
    """Find the folders of the splits: Train, Test and Validation, in any case and at any depth.

    Args:
        folders: The folders that hold images.
        root: The folder that they lie in, for messages.

    Returns:
        The place of each. With splits, folders outside them have no split.

    Raises:
        DatasetError: One split has two folders, a folder lies in two splits, or several folders hold splits of their own.

    Examples:
        >>> find_places([("set", "Train", "nevus"), ("docs",)], Path("/"))[("set", "Train", "nevus")]
        Place(base=('set',), split='train', below=('nevus',))
    """
    loose = not any(split_of(name) for own in folders for name in own)
    places = {own: _place(own, root, loose=loose) for own in folders}
    bases = sorted({place.base for place in places.values() if place.split}, key=len)
    if len(bases) > 1:
        places = _unite_bases(places, bases, root)
    _check_one_folder_each(places, root, loose=loose)
    return places


def _place(folders: Folders, root: Path, *, loose: bool) -> Place:
    found = [(index, split) for index, name in enumerate(folders) if (split := split_of(name, loose=loose))]
    if not found:
        return Place((), None, folders)
    if len({split for _, split in found}) > 1:
        first, second = (folders[index] for index, _ in (found[0], found[-1]))
        raise DatasetError(
            f"{root.joinpath(*folders)}: lies in {first}/ and in {second}/, which are two splits; move it, or rename one"
        )
    # Kaggle's archives unpack into train/train.
    nested = {index for index, _ in found}
    below = tuple(name for index, name in enumerate(folders) if index > found[0][0] and index not in nested)
    return Place(folders[: found[0][0]], found[0][1], below)


def _unite_bases(places: Mapping[Folders, Place], bases: Sequence[Folders], root: Path) -> dict[Folders, Place]:
    """Read melanoma/train and nevus/train as classes; or take the splits of the outermost folder alone."""
    start = common_start(bases, keep_last=False)
    if all(len(base) > start and _is_diagnosis(base[-1]) for base in bases):
        return {
            own: place._replace(base=place.base[:start], below=place.base[start:] + place.below)
            if place.split
            else place
            for own, place in places.items()
        }
    outermost = bases[0]
    if any(base[: len(outermost)] != outermost for base in bases):
        names = ", ".join("/".join(base) or root.name for base in bases)
        raise DatasetError(f"{root}: {len(bases)} folders hold a Train or Test ({names}); name the one to load")
    return {
        own: place if not place.split or place.base == outermost else Place((), None, own)
        for own, place in places.items()
    }


def _check_one_folder_each(places: Mapping[Folders, Place], root: Path, *, loose: bool) -> None:
    names: dict[tuple[Folders, SplitName], set[str]] = {}
    for own, place in places.items():
        if place.split and split_of(own[len(place.base)], loose=loose):
            names.setdefault((place.base, place.split), set()).add(own[len(place.base)])
    for (base, split), found in names.items():
        if len(found) > 1 and not loose:
            first, second = sorted(found)[:2]
            raise DatasetError(
                f"{root.joinpath(*base)}: both {first}/ and {second}/ are the {split} split; keep one of them"
            )


def common_start(folders: Collection[Folders], *, keep_last: bool = True) -> int:
    """Return how many folders, from the root down, hold all the others.

    Args:
        folders: The folders of images.
        keep_last: Whether the last name of each is a class, which is no part of it.

    Returns:
        Their number.

    Examples:
        >>> common_start([("set", "nevus"), ("set", "melanoma")]), common_start([("nevus",)])
        (1, 0)
    """
    shortest = min(map(len, folders), default=0) - keep_last
    first = next(iter(folders), ())
    return next(
        (index for index in range(shortest) if any(own[index] != first[index] for own in folders)), max(shortest, 0)
    )


def known_label(folders: Folders) -> str:
    """Return the finest diagnosis that folders name, for images that a table labels too.

    Args:
        folders: The folders of an image.

    Returns:
        The name; empty where none is known.

    Examples:
        >>> known_label(("benign", "nevus", "clinic A")), known_label(("images",))
        ('nevus', '')
    """
    return next(filter(_is_diagnosis, reversed(folders)), "")


def class_labels(folders: Collection[Folders], root: Path) -> dict[Folders, str]:
    """Return the class of each folder of images.

    The last folder is the class (`benign/nevus`), unless a folder above it is a diagnosis and it is none (`nevus/clinic A`).

    Args:
        folders: The folders of images, below those of the splits.
        root: The folder that they lie in, for messages.

    Returns:
        The class of each; empty for a container beside classes, and for what Augmentor has written beside a class.

    Raises:
        DatasetError: Two readings are possible, or folders contradict each other, such as benign/melanoma.

    Examples:
        >>> class_labels([("set", "benign", "nevus"), ("set", "malignant", "melanoma")], Path("/"))
        {('set', 'benign', 'nevus'): 'nevus', ('set', 'malignant', 'melanoma'): 'melanoma'}
    """
    written = {own for own in folders if len(own) > 1 and own[-1].lower() == _AUGMENTOR and own[:-1] in folders}
    chosen = [own for own in folders if own and own not in written]
    start = common_start(chosen)
    # The depths at which other folders name a diagnosis: an unknown name at such a depth is a class too.
    depths = {
        max(index for index, name in enumerate(own) if _is_diagnosis(name))
        for own in chosen
        if any(map(_is_diagnosis, own[start:]))
    }
    labels = {own: _class_label(own, start, depths, root) for own in chosen}
    return {own: labels.get(own, "") for own in folders}


def _class_label(folders: Folders, start: int, depths: Iterable[int], root: Path) -> str:
    known = [index for index in range(start, len(folders)) if _is_diagnosis(folders[index])]
    _check_agreement([folders[index] for index in known], root.joinpath(*folders))
    last = len(folders) - 1
    if known and (known[-1] == last or len(taxonomy.meaning(folders[known[-1]])) == 1):
        return folders[known[-1]]
    above = known[-1] if known else start - 1
    # Below a diagnosis, names with numbers are those of patients and lesions.
    names = [name for name in folders[above + 1 :] if not is_container(name) and not (known and _NUMBER.search(name))]
    outer = next(filter(_is_diagnosis, folders[:start]), "")
    if not names:
        return folders[known[-1]] if known else ""
    if len(names) == 1 and not known and not outer:
        return names[0]
    if deeper := [depth for depth in depths if above < depth <= last]:
        return folders[max(deeper)]
    raise DatasetError(
        f"{root.joinpath(*folders)}: its images may be of the class {folders[known[-1]] if known else outer or names[0]} or "
        f"{names[-1]}; expected one folder per diagnosis: rename the folders, or label the images with a table"
    )


def _is_diagnosis(name: str) -> bool:
    return taxonomy.is_known(name) or taxonomy.malignancy(name) is not None


def _check_agreement(names: Sequence[str], folder: Path) -> None:
    for upper, lower in pairwise(names):
        sides = {taxonomy.malignancy(upper), taxonomy.malignancy(lower)}
        fine = all(len(taxonomy.meaning(name)) == 1 for name in (upper, lower))
        differ = fine and taxonomy.meaning(upper) != taxonomy.meaning(lower) and not taxonomy.covers(upper, lower)
        if sides >= {"malignant", "benign"} or differ:
            raise DatasetError(f"{folder}: lies in {upper}/, but is named {lower}; rename one of the two folders")
