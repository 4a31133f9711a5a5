"""md.audit: the problems of a dataset, their effect on a result, and what to do about them.

Everything is measured on the images as they came: what `load_dataset` excluded counts too, so that cleaning hides nothing.
"""

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from melanoma_detect.data.balance import is_balanced_copy
from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.groups import group_images, scoped_keys
from melanoma_detect.data.known_images.index import KnownImages
from melanoma_detect.data.known_images.overlap import Known, known_images
from melanoma_detect.data.load import load_dataset
from melanoma_detect.data.near_duplicates import NearDuplicate
from melanoma_detect.data.properties import ImageProperties, read_all_properties
from melanoma_detect.data.record import Record, SetAside
from melanoma_detect.data.scan import Scan
from melanoma_detect.data.sources.read import PathLike
from melanoma_detect.data.sources.table import group_keys
from melanoma_detect.data_audit.augmented_copies import find_copies
from melanoma_detect.data_audit.checks import run_checks
from melanoma_detect.data_audit.detector_checks import AuditDetector, check_by_detector, run_once
from melanoma_detect.data_audit.feature_duplicates import find_by_features
from melanoma_detect.data_audit.finding import AuditInputs, Finding
from melanoma_detect.data_audit.known_images import check_known_images
from melanoma_detect.errors import DataWarning, ImageError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.detector_argument import as_predictor
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.printable import printable
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.deprecation import call_moved, renamed_keywords, warn_renamed
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.progress import describe_stage, progress_bar, stage

_CHUNK = 32


@dataclass(frozen=True, repr=False)
class Audit:
    """The findings of an audit.

    Attributes:
        findings: The problems, the most serious first.
        images: How many images were audited.
        classes: The classes.
        sources: The sources of the images.
        notes: What was not looked for, and why.

    Examples:
        >>> md.audit(data, progress=False)
        <Audit of ... images: ... findings>
    """

    findings: tuple[Finding, ...]
    images: int
    classes: tuple[str, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()

    _repr_html_ = notebook_view

    def __repr__(self) -> str:
        return f"<Audit of {count_noun(self.images, 'image')}: {count_noun(len(self.findings), 'finding')}>"

    def __getitem__(self, kind: str) -> Finding:
        """Return the finding of a kind; one with a count of 0 where there is none."""
        return next((finding for finding in self.findings if finding.kind == kind), Finding(kind, 0))

    def __str__(self) -> str:
        classes = count_noun(len(self.classes), "class", "classes")
        head = f"{count_noun(self.images, 'image')} of {classes} from {printable(', '.join(self.sources))}"
        notes = [f"Note: {printable(note)}." for note in self.notes]
        if not self.findings:
            return "\n".join([f"{head}: nothing found.", *notes])
        lines = [f"{finding.count:>6}  {finding.kind}: {printable(finding.summary)}" for finding in self.findings]
        return "\n".join([head, "", *lines, *([""] if notes else []), *notes])

    @property
    def pictures(self) -> int:
        """Deprecated: use `images`."""
        warn_renamed("Audit.pictures", "Audit.images")
        return self.images

    @property
    def frame(self) -> pd.DataFrame:
        """One row a record of a finding: kind, case (records of one case belong together), id, label, split, path."""
        rows = [
            [finding.kind, number, record.id, record.label, record.split, record.path]
            for finding in self.findings
            for number, case in enumerate(finding.cases)
            for record in case
        ]
        return pd.DataFrame(rows, columns=["kind", "case", "id", "label", "split", "path"]).astype({"path": object})

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values.

        Returns:
            Values that `json` takes.

        Examples:
            >>> sorted(md.audit(data, progress=False).to_dict())
            ['classes', 'findings', 'images', 'notes', 'sources']
        """
        return {
            "images": self.images,
            "classes": list(self.classes),
            "sources": list(self.sources),
            "notes": list(self.notes),
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def html(self, path: PathLike) -> Path:
        """Write an HTML report. Deprecated: use `md.report.write_html`.

        Args:
            path: The file to write.

        Returns:
            The file.
        """
        old, new = "Audit.html(path)", "md.report.write_html(audit, path)"
        return Path(call_moved(old, new, "melanoma_detect.report", "write_html", self, path))


@renamed_keywords(model="detector")
def audit(
    data: "Dataset | PathLike | Sequence[PathLike]",
    *,
    detector: AuditDetector = "default",
    known: Known = (),
    progress: bool = True,
) -> Audit:
    """Look for the problems of a dataset.

    Found are: files that cannot be read; the same image twice, under two labels, or in two splits, also turned, mirrored,
    rescaled or compressed again; lesions in two splits; labels that a table contradicts; copies that Augmentor made; a class
    that the source gives away (image size, camera, compression, file name, dark corners); small, dark and blurred images;
    classes of very unequal size; images of public sets, and under which diagnosis these have them. A detector finds labels that
    contradict the images, with an estimate of how many are wrong, and images that show no skin lesion.

    Files that `load_dataset` has read, and that have not changed since, are not read again.

    Args:
        data: A dataset, or what `load_dataset` takes: a folder, a zip file, or several.
        detector: A detector, which also finds duplicates that no hash finds: small turns and crops. `"default"` is the one
            that comes with the library, for 100 to 3,000 images (some ten seconds a thousand), without the duplicates, which
            take minutes; None for no detector.
        known: Indexes of further sets in which the images are looked up, as `md.fingerprint` makes them, or paths of such; None
            to look up no set, not even the public ones that the package knows.
        progress: Draw a progress bar.

    Returns:
        The findings.

    Raises:
        DatasetError: The folder cannot become a dataset.
        DetectorError: `detector` is none, or cannot run.

    Examples:
        >>> audit(data, progress=False)["two labels"].count
        0
    """
    index = known_images(known)
    if detector is not None and detector != "default":
        detector = as_predictor(detector)  # refused before images are read
    with progress_bar("auditing", shown=progress):
        return _audit(data if isinstance(data, Dataset) else _load(data), detector, index)


def _audit(dataset: Dataset, detector: AuditDetector, index: KnownImages) -> Audit:
    unreadable = [entry for entry in dataset.set_aside if entry.kind == "unreadable"]
    excluded = [entry.record for entry in dataset.set_aside if entry.kind != "unreadable"]
    # Copies that md.balance made are no part of the data as it came.
    records = [record for record in (*dataset.records, *excluded) if not is_balanced_copy(record)]
    scanned = dataset.scans.scan([record.image for record in records], dataset.image_size, dataset.resize)
    scans = list(stage(scanned, "reading images", len(records)))
    properties = _read_properties(dataset, records, scans)
    unreadable += [
        SetAside(record, result, "unreadable")
        for record, result in zip(records, properties, strict=True)
        if isinstance(result, str)
    ]
    readable = [
        (record, scan, result)
        for record, scan, result in zip(records, scans, properties, strict=True)
        if not isinstance(result, str)
    ]
    inputs, notes = _collect_inputs(dataset, readable, unreadable, detector, index)
    describe_stage("looking for problems")
    return Audit(
        findings=tuple(run_checks(inputs)),
        images=len(readable) + len(unreadable),
        classes=dataset.classes,
        sources=tuple(dict.fromkeys(record.source for record in records)),
        notes=notes,
    )


def _load(data: "PathLike | Sequence[PathLike]") -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the findings say the same, in more detail
        return load_dataset(data, validation=0, test=0, conflicts="keep", known=None)


def _collect_inputs(
    dataset: Dataset,
    readable: Sequence[tuple[Record, Scan, ImageProperties]],
    unreadable: Sequence[SetAside],
    detector: AuditDetector,
    index: KnownImages,
) -> tuple[AuditInputs, tuple[str, ...]]:
    records = [_with_digest(record, scan.digest) for record, scan, _ in readable]
    fingerprints = [scan.fingerprint for _, scan, _ in readable]
    pairs = dataset.scans.near_duplicates([record.image for record in records], fingerprints)
    outputs = None
    if isinstance(detector, Predictor):
        outputs = run_once(records, detector)
        pairs = _sorted({*pairs, *find_by_features(records, outputs.features, pairs)})
    groups = group_images(
        [record.id for record in records],
        paths=[record.path for record in records],
        digests=[record.digest for record in records],
        parents=[record.parent for record in records],
        keys=[scoped_keys(group_keys(record.metadata), record.source) for record in records],
        pairs=pairs,
    )
    labels: dict[str, set[str]] = {}
    for record, image in zip(records, groups.images, strict=True):
        labels.setdefault(image, set()).add(record.label)
    conflicting = [len(labels[image]) > 1 for image in groups.images]
    found = check_by_detector(records, groups.groups, conflicting, detector, outputs=outputs)
    inputs = AuditInputs(
        records=records,
        images=groups.images,
        pairs=pairs,
        properties=[properties for _, _, properties in readable],
        unreadable=unreadable,
        other_files=dataset.other_files,
        copies=find_copies(records, fingerprints, dataset.other_files),
        known=check_known_images(records, fingerprints, index),
        labels=found.labels,
        strangers=found.strangers,
    )
    return inputs, found.notes


def _read_properties(dataset: Dataset, records: Sequence[Record], scans: Sequence[Scan]) -> list[ImageProperties | str]:
    """Return the properties of each file, or why it cannot be read: a file may have gone since it was scanned."""

    def decoded(index: int) -> Pixels | None:
        if records[index].aspect is not None:
            return None  # what was decoded is stretched
        return dataset.decoded.get(scans[index].digest, dataset.image_size, dataset.resize)

    def read_range(indices: range) -> list[ImageProperties | str]:
        readable = [index for index in indices if not scans[index].error]
        properties = read_all_properties(
            [records[index].path for index in readable],
            [decoded(index) for index in readable],
            [scans[index].header for index in readable],
        )
        found = dict(zip(readable, properties, strict=True))
        results = [found.get(index) or scans[index].error or "" for index in indices]
        return [str(result) if isinstance(result, ImageError) else result for result in results]

    # In chunks: handing each file to a thread by itself costs a tenth of reading it.
    ranges = [range(start, min(start + _CHUNK, len(records))) for start in range(0, len(records), _CHUNK)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = stage(pool.map(read_range, ranges), "measuring images", len(records), each=_CHUNK)
        return list(chain.from_iterable(results))


def _with_digest(record: Record, digest: str) -> Record:
    """Return the record of a file that may have changed, or may not have been hashed, since it was loaded."""
    return record if record.digest == digest else replace(record, digest=digest)


def _sorted(pairs: set[NearDuplicate]) -> list[NearDuplicate]:
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))
