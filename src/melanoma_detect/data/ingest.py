"""From sources to records: every file is looked at once, and what belongs together is joined."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from melanoma_detect.data.cleaning import take_finer_labels
from melanoma_detect.data.groups import group
from melanoma_detect.data.labels import name_sources, unite_labels
from melanoma_detect.data.lineage import find_parents
from melanoma_detect.data.near_duplicates import find_alike
from melanoma_detect.data.record import Record, SetAside
from melanoma_detect.data.scan import Scan, scan
from melanoma_detect.data.sources.archives import unpack
from melanoma_detect.data.sources.folders import Contents, read_folder
from melanoma_detect.data.sources.labelled_folder import find_labels, read_images
from melanoma_detect.data.sources.table import describe
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.images.reader import Pixels, Resize

Place: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True)
class Gathered:
    """What was read from all sources, before anything is set aside.

    Attributes:
        sources: What each source holds.
        records: The records that can be read, with digests, fingerprints, metadata, parents and groups.
        images: For the id of each record, which image it shows: records of one image share it.
        unreadable: The records that cannot be read.
        coarse: For a label that covers several classes, those classes.
        classes: The classes.
    """

    sources: Sequence[Contents]
    records: list[Record]
    images: Mapping[str, str]
    unreadable: list[SetAside]
    classes: tuple[str, ...]
    coarse: Mapping[str, tuple[str, ...]]


def gather(
    sources: Sequence[Contents],
    groups: str | Sequence[str] | None,
    image_size: tuple[int, int],
    resize: Resize,
    decoded: PixelCache,
) -> Gathered:
    """Look at every file of some sources, and join what belongs together.

    Args:
        sources: What was read.
        groups: The columns that group; None for those known.
        image_size: `(height, width)` in pixels.
        resize: How images come to that size.
        decoded: Where the images are kept, decoded, where they fit in memory.

    Returns:
        Everything known, with nothing set aside but what cannot be read.

    Raises:
        DatasetError: No image can be read, or a column to group by is missing.

    Examples:
        >>> len(gather([read_folder(isic9)], None, (32, 32), "squash", PixelCache()).unreadable)
        0
    """
    named = name_sources(sources)
    records = [record for contents in named for record in contents.records]
    scans = _look(records, image_size, resize, decoded)
    unreadable = [
        SetAside(replace(record, digest=found.digest), found.error, "unreadable")
        for record, found in zip(records, scans, strict=True)
        if found.error
    ]
    read = [(record, found) for record, found in zip(records, scans, strict=True) if not found.error]
    if not read:
        raise DatasetError(f"none of the {len(records)} images can be read; the first: {unreadable[0].reason}")
    known = find_parents([_with_scan(record, found) for record, found in read])
    alike = find_alike([record.path for record in known], [found.fingerprint for _, found in read])
    described = _describe(named, known, groups)
    known = [
        replace(record, metadata=described[record.id][0]) if record.id in described else record for record in known
    ]
    grouped = group(known, {name: keys for name, (_, keys) in described.items()}, alike)
    if len(sources) > 1:
        united, classes, coarse = unite_labels(grouped.records)
    else:
        united, classes, coarse = grouped.records, sources[0].classes, {}
    return Gathered(named, take_finer_labels(united, grouped.images), grouped.images, unreadable, classes, coarse)


def read_source(source: Place) -> Contents:
    """Read a folder or a zip, whichever layout it has.

    Args:
        source: The folder or the zip file.

    Returns:
        What it holds.

    Raises:
        DatasetError: It has none of the layouts.

    Examples:
        >>> len(read_source(isic9).classes)
        9
    """
    if not isinstance(source, (str, os.PathLike)):
        raise DatasetError(f"{source!r} is no folder; expected the path of one, or of a zip file")
    # Absolute: whoever changes the working folder later, and workers that started in another one, still find the files.
    place = Path(source).expanduser().absolute()
    folder = unpack(place) if place.is_file() and place.suffix.lower() == ".zip" else place
    for candidate in (folder, *_only_child(folder)):
        if labels := find_labels(candidate):
            return read_images(candidate, labels)
    return read_folder(folder)


def _only_child(folder: Path) -> list[Path]:
    children = [child for child in folder.iterdir() if child.is_dir()] if folder.is_dir() else []
    return children if len(children) == 1 else []


def read_all(source: Place | Sequence[Place] | None, images: Place | None, labels: Place | None) -> list[Contents]:
    """Read what `load_dataset` was given.

    Args:
        source: A folder, a zip file, or several of them; or None.
        images: A folder of images; or None.
        labels: The table that labels the images; or None.

    Returns:
        What each source holds.

    Raises:
        DatasetError: Arguments that contradict each other, or a source that cannot be read.

    Examples:
        >>> [len(contents.classes) for contents in read_all([isic9], None, None)]
        [9]
    """
    if (source is None) == (images is None):
        raise DatasetError(
            "expected a source (a folder, a zip file, or several), or images= with labels=; one of the two"
        )
    if images is not None:
        folder = Path(images).expanduser().absolute()
        table = Path(labels) if labels else find_labels(folder) or find_labels(folder.parent)
        if table is None:
            raise DatasetError(f"{folder}: no table says what these images show; name one with labels=")
        return [read_images(folder, table)]
    if labels is not None:
        raise DatasetError("labels= goes with images=; expected load_dataset(images=folder, labels=table)")
    if source is None or isinstance(source, (str, os.PathLike)) or not isinstance(source, Sequence):
        return [read_source(source)]  # type: ignore[arg-type]
    many = list(source)
    if not many:
        raise DatasetError("no source; expected a folder, a zip file, or several of them")
    return [read_source(one) for one in many]


def named_places(source: Place | Sequence[Place] | None, images: Place | None) -> list[Place]:
    """Return the sources as `load_dataset` was given them, in the order of `read_all`.

    Args:
        source: A folder, a zip file, or several of them; or None.
        images: A folder of images; or None.

    Returns:
        Their names.

    Examples:
        >>> named_places("isic9", None)
        ['isic9']
    """
    if images is not None:
        return [images]
    if isinstance(source, Sequence) and not isinstance(source, str):
        return list(source)
    return [] if source is None else [source]


def _look(records: Sequence[Record], size: tuple[int, int], resize: Resize, decoded: PixelCache) -> list[Scan]:
    """Scan every file, and keep its pixels where all of them fit in memory: nothing is decoded twice."""
    paths = [record.image for record in records]
    pixels: Pixels | None = None
    if decoded.fits(len(records), size):
        pixels = np.empty((len(records), *size, 3), np.uint8)
    scans = list(scan(paths, size, resize, pixels))
    if pixels is not None:
        sound = [at for at, found in enumerate(scans) if not found.error]
        kept = pixels if len(sound) == len(scans) else pixels[sound]
        decoded.keep([replace(records[at], digest=scans[at].digest).key for at in sound], kept, size, resize)
    return scans


def _with_scan(record: Record, found: Scan) -> Record:
    return replace(record, digest=found.digest, fingerprint=found.fingerprint.hex if found.fingerprint else "")


def _describe(
    sources: Sequence[Contents], records: Sequence[Record], groups: str | Sequence[str] | None
) -> dict[str, tuple[Mapping[str, str], list[str]]]:
    chosen = [groups] if isinstance(groups, str) else groups
    if chosen and not any(contents.table for contents in sources):
        raise DatasetError(f"groups={groups!r}, but there is no table; put a metadata.csv beside Train")
    found: dict[str, tuple[Mapping[str, str], list[str]]] = {}
    for contents in sources:
        if contents.table:
            own = {record.id for record in contents.records}
            found |= describe(contents.table, [record for record in records if record.id in own], chosen)
    return found
