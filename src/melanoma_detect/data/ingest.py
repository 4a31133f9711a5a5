"""Ingestion: every file of the sources is scanned once, files that belong together are grouped, and records are made."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from melanoma_detect.data.cleaning import take_finer_labels
from melanoma_detect.data.groups import find_parents, group_images
from melanoma_detect.data.labels import UnitedLabels, unite_labels
from melanoma_detect.data.near_duplicates import NearDuplicate, find_near_duplicates
from melanoma_detect.data.record import Record, SetAside, pixel_key
from melanoma_detect.data.scan import ImageFile, Scan, scan
from melanoma_detect.data.scan_cache import ScanCache
from melanoma_detect.data.sources.archives import unpack
from melanoma_detect.data.sources.folders import Contents, SourceImage, read_folder
from melanoma_detect.data.sources.labelled_folder import find_labels, read_images
from melanoma_detect.data.sources.table import Description, describe
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.images.reader import Pixels, Resize, StretchedImage

PathLike: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True)
class Ingested:
    """All images of the sources, before any is excluded for its content.

    Attributes:
        records: The readable records.
        images: For each record the image that it shows: records of one image share it.
        unreadable: The records that cannot be read.
        unlabelled: The records without a label.
        given: The ids of the records whose splits their source gives.
        classes: The classes.
        label_groups: For a label that covers several classes, those classes.
    """

    records: list[Record]
    images: list[str]
    unreadable: list[SetAside]
    unlabelled: list[SetAside]
    given: frozenset[str]
    classes: tuple[str, ...]
    label_groups: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Row:
    """One image of one source. Its record is made once its group is known."""

    image: SourceImage
    source: str
    aspect: float | None
    description: Description

    @property
    def file(self) -> ImageFile:
        return StretchedImage(self.image.path, self.aspect) if self.aspect else self.image.path

    def to_record(
        self, scan: Scan | None = None, *, label: str | None = None, group: str | None = None, parent: str | None = None
    ) -> Record:
        image, fingerprint = self.image, scan.fingerprint if scan else None
        return Record(
            id=image.id,
            path=image.path,
            label=image.label if label is None else label,
            split=image.split,
            group=image.id if group is None else group,
            digest=scan.digest if scan else "",
            parent=parent,
            source=self.source,
            metadata=self.description.metadata,
            fingerprint=fingerprint.hex if fingerprint else "",
            aspect=self.aspect,
        )


def read_sources(
    source: PathLike | Sequence[PathLike] | None, images: PathLike | None, labels: PathLike | None
) -> list[Contents]:
    """Read the sources that `load_dataset` was given.

    Args:
        source: A folder, a zip file, or several of them; or None.
        images: A folder of images; or None.
        labels: The table that labels the images; or None.

    Returns:
        The contents of each source.

    Raises:
        DatasetError: Arguments that contradict each other, or a source that cannot be read.

    Examples:
        >>> [len(contents.classes) for contents in read_sources([isic9], None, None)]
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
    paths = [source] if isinstance(source, (str, os.PathLike)) or not isinstance(source, Sequence) else list(source)
    if not paths:
        raise DatasetError("no source; expected a folder, a zip file, or several of them")
    return [read_source(path) for path in paths]  # type: ignore[arg-type]


def read_source(source: PathLike) -> Contents:
    """Read a folder or a zip file, whichever layout it has.

    Args:
        source: The folder or the zip file.

    Returns:
        Its contents.

    Raises:
        DatasetError: It has none of the layouts.

    Examples:
        >>> len(read_source(isic9).classes)
        9
    """
    if not isinstance(source, (str, os.PathLike)):
        raise DatasetError(f"{source!r} is not a folder; expected the path of one, or of a zip file")
    # Absolute: the files are still found after a change of the working folder, and by workers that started in another one.
    path = Path(source).expanduser().absolute()
    folder = unpack(path) if path.is_file() and path.suffix.lower() == ".zip" else path
    children = [child for child in folder.iterdir() if child.is_dir()] if folder.is_dir() else []
    for candidate in (folder, *(children if len(children) == 1 else [])):
        if labels := find_labels(candidate):
            return read_images(candidate, labels)
    return read_folder(folder)


def source_paths(source: PathLike | Sequence[PathLike] | None, images: PathLike | None) -> list[Path]:
    """Return the sources that `load_dataset` was given as absolute paths, in the order of `read_sources`.

    Args:
        source: A folder, a zip file, or several of them; or None.
        images: A folder of images; or None.

    Returns:
        Their paths.

    Examples:
        >>> [path.name for path in source_paths(["isic9", "ham.zip"], None)]
        ['isic9', 'ham.zip']
    """
    given = source if images is None else images
    paths = [given] if isinstance(given, (str, os.PathLike)) else list(given or [])
    return [Path(path).expanduser().absolute() for path in paths]


def ingest(
    sources: Sequence[Contents],
    aspects: Sequence[float | None],
    *,
    groups: str | Sequence[str] | None,
    image_size: tuple[int, int],
    resize: Resize,
    decoded: PixelCache,
    scans: ScanCache,
) -> Ingested:
    """Scan every file of the sources and make records with their groups and labels.

    Args:
        sources: The contents of the sources.
        aspects: For each source width over height that its images had before they were squashed; None for no squashing.
        groups: The columns of the tables that name the images that belong together; None for the known ones.
        image_size: `(height, width)` in pixels.
        resize: How images are brought to that size.
        decoded: Receives the pixels where they fit in memory.
        scans: Receives the scans.

    Returns:
        All records; only those that cannot be read, or have no label, are kept apart.

    Raises:
        DatasetError: No image can be read, or a column to group by is missing.

    Examples:
        >>> settings = {"groups": None, "image_size": (32, 32), "resize": "squash"}
        >>> caches = {"decoded": PixelCache(), "scans": ScanCache()}
        >>> len(ingest([read_folder(isic9)], [None], **settings, **caches).unreadable)
        0
    """
    names = name_sources([contents.root for contents in sources])
    columns = _group_columns(sources, groups)
    if len(sources) > 1:
        sources = [_prefix_ids(contents, name) for contents, name in zip(sources, names, strict=True)]
    by_source = [
        _rows(contents.images, contents, name, aspect, columns)
        for contents, name, aspect in zip(sources, names, aspects, strict=True)
    ]
    unlabelled = [
        SetAside(row.to_record(), f"{contents.table.path.name} gives it no label", "no label")
        for contents, name, aspect in zip(sources, names, aspects, strict=True)
        if contents.table
        for row in _rows(contents.unlabelled, contents, name, aspect, columns)
    ]
    rows = [row for own in by_source for row in own]
    results = _scan(rows, image_size, resize, decoded)
    unreadable = [
        SetAside(row.to_record(result), result.error, "unreadable")
        for row, result in zip(rows, results, strict=True)
        if result.error
    ]
    if len(unreadable) == len(rows):
        raise DatasetError(f"none of the {len(rows)} images can be read; the first: {unreadable[0].reason}")
    readable = [(row, result) for row, result in zip(rows, results, strict=True) if not result.error]
    pairs = find_near_duplicates(
        [row.image.path for row, _ in readable], [result.fingerprint for _, result in readable]
    )
    scans.keep([row.file for row in rows], results, pairs, image_size, resize)
    records, images, united = _make_records(readable, pairs, sources)
    given = [own for own, contents in zip(by_source, sources, strict=True) if contents.splits]
    return Ingested(
        records=records,
        images=images,
        unreadable=unreadable,
        unlabelled=unlabelled,
        given=frozenset(row.image.id for own in given for row in own),
        classes=united.classes,
        label_groups=united.label_groups,
    )


def name_sources(roots: Sequence[Path]) -> list[str]:
    """Return the names of sources: the shortest ends of their paths that differ.

    Args:
        roots: The folders of the sources.

    Returns:
        One name a source.

    Raises:
        DatasetError: One folder is given twice.

    Examples:
        >>> name_sources([Path("/data/isic9/images"), Path("/data/ham")])
        ['isic9', 'ham']
    """
    if len(roots) == 1:
        return [roots[0].name]
    if twice := next((root for root in roots if roots.count(root) > 1), None):
        raise DatasetError(f"{twice}: is given twice; expected different sources")
    for depth in range(1, max(len(root.parts) for root in roots) + 1):
        names = ["/".join(_distinctive_parts(root)[-depth:]) for root in roots]
        if len(set(names)) == len(names):
            return names
    return [str(root) for root in roots]


def _distinctive_parts(root: Path) -> tuple[str, ...]:
    """Return the parts of a path without a last folder such as "images", which many sources have."""
    return root.parts[:-1] if root.name.lower() in ("images", "train", "pictures", "data") else root.parts


def _prefix_ids(contents: Contents, name: str) -> Contents:
    """Return the contents with ids that are unique among several sources."""
    images, unlabelled = (
        [image._replace(id=f"{name}/{image.id}") for image in own] for own in (contents.images, contents.unlabelled)
    )
    return replace(contents, images=images, unlabelled=tuple(unlabelled))


def _group_columns(sources: Sequence[Contents], groups: str | Sequence[str] | None) -> Sequence[str] | None:
    columns = [groups] if isinstance(groups, str) else groups
    if columns and not any(contents.table for contents in sources):
        raise DatasetError(f"groups={groups!r}, but there is no table; put a metadata.csv beside Train")
    return columns


def _rows(
    images: Sequence[SourceImage], contents: Contents, name: str, aspect: float | None, columns: Sequence[str] | None
) -> list[_Row]:
    if not images:
        return []
    descriptions = [Description({}, [])] * len(images)
    if contents.table:
        descriptions = describe(contents.table, [image.path for image in images], columns)
    return [_Row(image, name, aspect, described) for image, described in zip(images, descriptions, strict=True)]


def _scan(rows: Sequence[_Row], size: tuple[int, int], resize: Resize, decoded: PixelCache) -> list[Scan]:
    """Scan every file, and keep its pixels where all of them fit in memory: nothing is decoded twice."""
    pixels: Pixels | None = None
    if decoded.fits(len(rows), size):
        pixels = np.empty((len(rows), *size, 3), np.uint8)
    results = list(scan([row.file for row in rows], size, resize, pixels))
    if pixels is not None:
        readable = [index for index, result in enumerate(results) if not result.error]
        keys = [pixel_key(results[index].digest, rows[index].aspect) for index in readable]
        decoded.add(keys, pixels if len(readable) == len(rows) else pixels[readable], size, resize)
    return results


def _make_records(
    readable: Sequence[tuple[_Row, Scan]], pairs: Sequence[NearDuplicate], sources: Sequence[Contents]
) -> tuple[list[Record], list[str], UnitedLabels]:
    """Return the records, the image that each shows, and the classes."""
    images = [row.image for row, _ in readable]
    parents = find_parents(images)
    grouped = group_images(
        [image.id for image in images],
        paths=[image.path for image in images],
        digests=[result.digest for _, result in readable],
        parents=parents,
        keys=[row.description.keys for row, _ in readable],
        pairs=pairs,
    )
    labels = [image.label for image in images]
    united = unite_labels(labels) if len(sources) > 1 else UnitedLabels(labels, sources[0].classes, {})
    finer = take_finer_labels(united.labels, grouped.images)
    records = [
        row.to_record(result, label=label, group=group, parent=parent)
        for (row, result), label, group, parent in zip(readable, finer, grouped.groups, parents, strict=True)
    ]
    return records, grouped.images, united
