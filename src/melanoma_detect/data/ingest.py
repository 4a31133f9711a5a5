"""Ingestion: every file of the sources is scanned once, files that belong together are grouped, and records are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from melanoma_detect.data.cleaning import take_finer_labels
from melanoma_detect.data.groups import find_parents, group_images, scoped_keys
from melanoma_detect.data.labels import UnitedLabels, unite_labels
from melanoma_detect.data.near_duplicates import NearDuplicate
from melanoma_detect.data.record import Record, SetAside
from melanoma_detect.data.scan import ImageFile, Scan
from melanoma_detect.data.scan_cache import ScanCache, find_pairs, scan_files
from melanoma_detect.data.sources.folders import Contents, SourceImage
from melanoma_detect.data.sources.table import TableRow
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.images.reader import Resize, StretchedImage
from melanoma_detect.utils.links import describe_link


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
        second_labels: By the id of a record, what its source says of it beside its label.
    """

    records: list[Record]
    images: list[str]
    unreadable: list[SetAside]
    unlabelled: list[SetAside]
    given: frozenset[str]
    classes: tuple[str, ...]
    label_groups: dict[str, tuple[str, ...]]
    second_labels: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Row:
    """One image of one source. Its record is made once its group is known."""

    image: SourceImage
    source: str
    aspect: float | None
    metadata: Mapping[str, str]
    keys: Sequence[str]

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
            metadata=self.metadata,
            fingerprint=fingerprint.hex if fingerprint else "",
            aspect=self.aspect,
        )


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
        >>> from melanoma_detect.data.sources.read import read_sources
        >>> settings = {"groups": None, "image_size": (32, 32), "resize": "squash"}
        >>> caches = {"decoded": PixelCache(), "scans": ScanCache()}
        >>> len(ingest(read_sources(isic9, None, None), [None], **settings, **caches).unreadable)
        0
    """
    names = name_sources([contents.root for contents in sources])
    columns = [_group_columns(contents, sources, groups) for contents in sources]
    if len(sources) > 1:
        sources = [_prefix_ids(contents, name) for contents, name in zip(sources, names, strict=True)]
    by_source = [
        _rows(contents.images, contents, name, aspect, chosen)
        for contents, name, aspect, chosen in zip(sources, names, aspects, columns, strict=True)
    ]
    unlabelled = [
        SetAside(
            row.to_record(),
            f"{contents.table.path.name if contents.table else 'its folder'} gives it no label",
            "no label",
        )
        for contents, name, aspect, chosen in zip(sources, names, aspects, columns, strict=True)
        for row in _rows(contents.unlabelled, contents, name, aspect, chosen)
    ]
    outward = [
        SetAside(row.to_record(), describe_link(row.image.path), "unreadable")
        for contents, own in zip(sources, by_source, strict=True)
        for row in own
        if row.image.path in contents.outward
    ]
    linked = {entry.record.path for entry in outward}
    rows = [row for own in by_source for row in own if row.image.path not in linked]
    results = scan_files([row.file for row in rows], image_size, resize, decoded)
    unreadable = outward + [
        SetAside(row.to_record(result), result.error, "unreadable")
        for row, result in zip(rows, results, strict=True)
        if result.error
    ]
    if len(unreadable) == len(rows) + len(outward):
        raise DatasetError(f"none of the {len(unreadable)} images can be read; the first: {unreadable[0].reason}")
    readable = [(row, result) for row, result in zip(rows, results, strict=True) if not result.error]
    pairs = find_pairs([row.file for row, _ in readable], [result for _, result in readable], image_size, resize)
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
        second_labels={row.image.id: row.image.other_labels for row in rows if row.image.other_labels},
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


def _group_columns(
    contents: Contents, sources: Sequence[Contents], groups: str | Sequence[str] | None
) -> Sequence[str] | None:
    """Return the columns that group the images of a source: those that are named and that its table has.

    Raises:
        DatasetError: No table of any source has one of them.
    """
    if groups is None:
        return None
    columns = [groups] if isinstance(groups, str) else list(groups)
    tables = [other.table for other in sources if other.table]
    if columns and not tables:
        raise DatasetError(f"groups={groups!r}, but there is no table; put a metadata.csv beside Train")
    for column in columns:
        if not any(table.has_column(column) for table in tables):
            tables[0].group_keys(TableRow("", {}), [column])  # raises, and lists the columns that there are
    return [column for column in columns if contents.table and contents.table.has_column(column)]


def _labelling(contents: Contents) -> str:
    return contents.table.path.name if contents.table else "its folder"


def _rows(
    images: Sequence[SourceImage], contents: Contents, name: str, aspect: float | None, columns: Sequence[str] | None
) -> list[_Row]:
    table = contents.table
    # Two sources may share one table, and so its ids; a DataFrame has no path of its own.
    scope = str(table.path) if table and table.path.is_file() else name
    made = []
    for image in images:
        rows = contents.rows.get(image.path, ())
        # A cell that is empty in one row of an image is taken from the next.
        metadata = {column: cell for row in reversed(rows) for column, cell in row.cells.items()}
        keys = dict.fromkeys(key for row in rows for key in table.group_keys(row, columns)) if table else {}
        made.append(_Row(image, name, aspect, metadata, tuple(scoped_keys(keys, scope))))
    return made


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
        keys=[row.keys for row, _ in readable],
        pairs=pairs,
    )
    labels = [image.label for image in images]
    united = unite_labels(labels, own_names=len(sources) == 1)
    finer = take_finer_labels(united.labels, grouped.images)
    records = [
        row.to_record(result, label=label, group=group, parent=parent)
        for (row, result), label, group, parent in zip(readable, finer, grouped.groups, parents, strict=True)
    ]
    return records, grouped.images, united
