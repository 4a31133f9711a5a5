"""Groups: the images of one lesion or patient, which no split may separate."""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from melanoma_detect.data.labels import isic_id
from melanoma_detect.data.near_duplicates import NearDuplicate
from melanoma_detect.data.sources.folders import SourceImage

# Augmentor saves "melanoma_original_ISIC_0000002.jpg_1f3e....jpg": class, parent's file name, a random number.
_AUGMENTOR_NAME = re.compile(
    r"_original_(?P<parent>.+?\.\w{3,4})_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.\w+$", re.IGNORECASE
)
# Ids that name their collection: of HAM10000, BCN20000, the ISIC archive (lesions, patients) and PAD-UFES-20.
_COLLECTION_ID = re.compile(r"(HAM|BCN|IL|IP|PAT|MSK|UDA)_\d+(_\d+)*")
_GENERIC_WORDS = re.compile(r"patient|lesion|subject|person|case|number|pat|les|pid|id|nr|no")
_DISTINCTIVE = 5  # letters and digits from which on two collections do not happen to have the same id


class Groups(NamedTuple):
    """Which files belong together.

    Attributes:
        images: For each file the image that it shows, named by the smallest id of the files that show it.
        groups: For each file its group, named in the same way: files of one image, lesion or patient.
    """

    images: list[str]
    groups: list[str]


def group_images(
    ids: Sequence[str],
    *,
    paths: Sequence[Path],
    digests: Sequence[str],
    parents: Sequence[str | None],
    keys: Sequence[Iterable[Hashable]],
    pairs: Sequence[NearDuplicate],
) -> Groups:
    """Group files by image, and by lesion or patient.

    Args:
        ids: The ids of the files.
        paths: The files.
        digests: The digests of their bytes.
        parents: The id of the file that each was made from; None for an original.
        keys: The lesion and the patient that a table names for each.
        pairs: Near duplicates among them, by position.

    Returns:
        The groups, each file's directly or through other files.

    Examples:
        >>> pairs = [NearDuplicate(0, 1, 3, "image"), NearDuplicate(1, 2, 40, "lesion")]
        >>> paths = [Path("a"), Path("b"), Path("c")]
        >>> known = {"paths": paths, "digests": ["1", "2", "3"], "parents": [None] * 3, "keys": [()] * 3}
        >>> group_images("abc", **known, pairs=pairs)
        Groups(images=['a', 'a', 'c'], groups=['a', 'a', 'a'])
    """
    image_keys: list[list[Hashable]] = [[digest] for digest in digests]
    lesion_keys: list[list[Hashable]] = [
        [*own, ("copy", parent or name)] for own, parent, name in zip(keys, parents, ids, strict=True)
    ]
    for own, path, parent in zip(image_keys, paths, parents, strict=True):
        # A copy carries its parent's name, but shows another image.
        if (name := isic_id(path)) and not parent:
            own.append(("ISIC", name))
    for number, pair in enumerate(pairs):
        shared = image_keys if pair.kind == "image" else lesion_keys
        for index in (pair.first, pair.second):
            shared[index].append(("pair", number))
    all_keys = [[*image, *lesion] for image, lesion in zip(image_keys, lesion_keys, strict=True)]
    return Groups(join_groups(ids, image_keys), join_groups(ids, all_keys))


def scoped_keys(keys: Iterable[str], scope: str) -> list[str]:
    """Keep the keys of one table apart from equal ones of another where they do not name their collection.

    `HAM_0000550` is one lesion wherever it stands. Patient `1` of one clinic is not patient `1` of the next: ids of fewer than
    five letters and digits, beside words such as "patient", count within their own table alone.

    Args:
        keys: The keys of an image, each a column and an id with a blank between them.
        scope: The table or the source that they come from.

    Returns:
        The keys; those that do not name their collection with the scope.

    Examples:
        >>> scoped_keys(["lesion_id HAM_0000550", "patient_id 1", "patient_id Patient 12"], "clinic")
        ['lesion_id HAM_0000550', 'patient_id 1 of clinic', 'patient_id Patient 12 of clinic']
    """
    return [key if _names_collection(key.partition(" ")[2]) else f"{key} of {scope}" for key in keys]


def _names_collection(name: str) -> bool:
    own = _GENERIC_WORDS.sub("", name.casefold())
    return bool(_COLLECTION_ID.fullmatch(name)) or sum(map(str.isalnum, own)) >= _DISTINCTIVE


def join_groups(ids: Sequence[str], keys: Sequence[Iterable[Hashable]]) -> list[str]:
    """Group items that share a key, directly or through other items.

    Args:
        ids: The ids of the items.
        keys: The keys of each: its digest, its lesion, its patient.

    Returns:
        For each item the smallest id of its group.

    Examples:
        >>> join_groups("abcd", [["lesion 1"], ["lesion 1", "patient 1"], ["patient 1"], []])
        ['a', 'a', 'a', 'd']
    """
    links = [(row, key) for row, own in enumerate(keys) for key in own]
    columns = {key: len(ids) + index for index, key in enumerate(dict.fromkeys(key for _, key in links))}
    # A graph of items and keys: the items of one connected component belong together.
    size = len(ids) + len(columns)
    edges = ([row for row, _ in links], [columns[key] for _, key in links])
    graph = coo_array((np.ones(len(links), np.int8), edges), shape=(size, size))
    _, components = connected_components(graph, directed=False)
    components = components[: len(ids)]
    names: dict[int, str] = {}
    for name, component in zip(ids, components, strict=True):
        names[component] = min(names.get(component, name), name)
    return [names[component] for component in components]


def parent_name(path: Path) -> str | None:
    """Return the name of the file that Augmentor made an image from, as the image's own name gives it.

    Args:
        path: An image file.

    Returns:
        The parent's file name, or None for an image with another name.

    Examples:
        >>> parent_name(Path("output/nevus_original_ISIC_0000001.jpg_03c4ba74-dc5c-4f4e-9b23-0c1f7d8a9e10.jpg"))
        'ISIC_0000001.jpg'
    """
    match = _AUGMENTOR_NAME.search(path.name)
    return match["parent"] if match else None


def find_parents(images: Sequence[SourceImage]) -> list[str | None]:
    """Find the parents of copies that Augmentor made and that are among the images.

    Args:
        images: The images of all sources.

    Returns:
        For each image the id of its parent, or None. A parent of the copy's own class and split is preferred.

    Examples:
        >>> parent = SourceImage("a.jpg", Path("a.jpg"), "nevus", "train")
        >>> name = "x_original_a.jpg_03c4ba74-dc5c-4f4e-9b23-0c1f7d8a9e10.jpg"
        >>> find_parents([parent, SourceImage(name, Path(name), "nevus", "train")])
        [None, 'a.jpg']
    """
    by_name: dict[str, list[SourceImage]] = defaultdict(list)
    for image in images:
        by_name[image.path.name].append(image)
    return [_find_parent(image, by_name.get(parent_name(image.path) or "", [])) for image in images]


def _find_parent(copy: SourceImage, candidates: Sequence[SourceImage]) -> str | None:
    if not candidates:
        return None
    best = max(candidates, key=lambda image: (image.label == copy.label, image.split == copy.split))
    return best.id
