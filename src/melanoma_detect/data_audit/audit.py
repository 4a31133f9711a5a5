"""What is wrong with a dataset, what it does to a result, and what to do about it.

Everything is measured on the images as they came: what the gate of `load_dataset` set aside counts too, so that nothing is
hidden by having been mended.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.groups import group
from melanoma_detect.data.ingest import Place
from melanoma_detect.data.load import load_dataset
from melanoma_detect.data.near_duplicates import find_alike
from melanoma_detect.data.record import Record, SetAside
from melanoma_detect.data.sources.table import GROUP_COLUMNS
from melanoma_detect.data_audit.augmented_copies import find_copies
from melanoma_detect.data_audit.checks import Evidence, Finding, find_all
from melanoma_detect.data_audit.quality import examine
from melanoma_detect.errors import DataWarning, ImageError
from melanoma_detect.images.perceptual_hash import fingerprints
from melanoma_detect.inference.predictor import Predictor, SupportsPredictor, as_predictor
from melanoma_detect.utils.deprecation import call_moved
from melanoma_detect.utils.files import track

_AT_ONCE = 512


@dataclass(frozen=True, repr=False)
class Audit:
    """What an audit found.

    Attributes:
        findings: What is wrong, the gravest first.
        images: How many images were looked at.
        classes: The classes.
        sources: Where the images come from.

    Examples:
        >>> md.audit(data, progress=False)
        <Audit of ... images: ... findings>
    """

    findings: tuple[Finding, ...]
    images: int
    classes: tuple[str, ...]
    sources: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<Audit of {self.images} images: {len(self.findings)} findings>"

    def __getitem__(self, kind: str) -> Finding:
        """Return the finding of a kind; one with a count of 0 where there is none."""
        return next((found for found in self.findings if found.kind == kind), Finding(kind, 0, "", "", ()))

    def __str__(self) -> str:
        head = f"{self.images} images of {len(self.classes)} classes from {', '.join(self.sources)}"
        if not self.findings:
            return f"{head}: nothing found."
        lines = [f"{found.count:>6}  {found.kind}: {found.summary}" for found in self.findings]
        return "\n".join([head, "", *lines])

    @property
    def frame(self) -> pd.DataFrame:
        """One row a record of a finding: kind, case (records of one case belong together), id, label, split, path."""
        rows = [
            [found.kind, number, record.id, record.label, record.split, record.path]
            for found in self.findings
            for number, case in enumerate(found.cases)
            for record in case
        ]
        return pd.DataFrame(rows, columns=["kind", "case", "id", "label", "split", "path"]).astype({"path": object})

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values.

        Returns:
            Values that `json` takes.

        Examples:
            >>> sorted(md.audit(data, progress=False).to_dict())
            ['classes', 'findings', 'images', 'sources']
        """
        return {
            "images": self.images,
            "classes": list(self.classes),
            "sources": list(self.sources),
            "findings": [found.to_dict() for found in self.findings],
        }

    def html(self, path: Place) -> Path:
        """Write an HTML report. Deprecated: use `md.report.write_html`.

        Args:
            path: The file to write.

        Returns:
            The file.
        """
        old, new = "Audit.html(path)", "md.report.write_html(audit, path)"
        return Path(call_moved(old, new, "melanoma_detect.report", "write_html", self, path))


def audit(
    data: "Dataset | Place | Sequence[Place]",
    *,
    model: Predictor | SupportsPredictor | None = None,
    progress: bool = True,
) -> Audit:
    """Look for what is wrong with a dataset.

    Found are: files that cannot be read; the same image twice, under two labels, or in two splits, also turned, mirrored,
    rescaled or compressed again; lesions in two splits; labels that a table contradicts; copies that Augmentor made; a class
    that the source gives away (image size, camera, compression, file name, dark corners); tiny, dark and blurred images;
    classes of very unequal size.

    Args:
        data: A dataset, or what `load_dataset` takes: a folder, a zip file, or several.
        model: A detector whose features find what no hash finds: small turns and crops.
        progress: Draw a progress bar.

    Returns:
        The findings.

    Raises:
        DatasetError: The folder cannot become a dataset.

    Examples:
        >>> audit(data, progress=False)["two labels"].count
        0
    """
    dataset = data if isinstance(data, Dataset) else _load(data)
    unreadable = [entry for entry in dataset.set_aside if entry.kind == "unreadable"]
    aside = [entry.record for entry in dataset.set_aside if entry.kind != "unreadable"]
    records = [record for record in (*dataset.records, *aside) if not record.id.startswith("balanced/")]
    looks = list(track(_examine_all(records), "auditing", len(records), shown=progress))
    sound = [at for at, look in enumerate(looks) if not isinstance(look, ImageError)]
    prints = fingerprints(np.stack([looks[at][1] for at in sound])) if sound else []
    readable = [records[at] for at in sound]
    alike = find_alike([record.path for record in readable], prints)
    if model is not None:
        from melanoma_detect.data_audit.feature_duplicates import find_by_features  # noqa: PLC0415 - only with a model

        alike = sorted(
            {*alike, *find_by_features(readable, as_predictor(model), alike)},
            key=lambda pair: (pair.first, pair.second),
        )
    grouped = group(readable, {record.id: _said(record) for record in readable}, alike)
    evidence = Evidence(
        records=tuple(readable),
        groups={record.id: record.group for record in grouped.records},
        images=grouped.images,
        alike=tuple(alike),
        qualities=tuple(looks[at][0] for at in sound),
        unreadable=(*unreadable, *_vanished(records, looks)),
        other_files=dataset.other_files,
        classes=dataset.classes,
        copies=find_copies(readable, prints, dataset.other_files),
    )
    sources = tuple(dict.fromkeys(record.source for record in records))
    return Audit(tuple(find_all(evidence)), len(records) + len(unreadable), dataset.classes, sources)


def _load(data: "Place | Sequence[Place]") -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the audit says all of it, and more
        return load_dataset(data, validation=0, test=0, conflicts="keep")


def _examine_all(records: Sequence[Record]) -> Iterator[Any]:
    """Yield for each record what was measured, or why it cannot be read."""

    def look(record: Record) -> Any:
        try:
            return examine(record.path)
        except ImageError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = iter(records)
        while chunk := list(islice(waiting, _AT_ONCE)):
            yield from pool.map(look, chunk)


def _vanished(records: Sequence[Record], looks: Sequence[Any]) -> list[SetAside]:
    return [
        SetAside(record, str(look), "unreadable")
        for record, look in zip(records, looks, strict=True)
        if isinstance(look, ImageError)
    ]


def _said(record: Record) -> list[str]:
    return [f"{name} {record.metadata[name]}" for name in GROUP_COLUMNS if name in record.metadata]
