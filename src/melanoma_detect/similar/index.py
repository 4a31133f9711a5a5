"""SimilarIndex: the features of a dataset's images, computed once, among which the nearest to an image are found."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from melanoma_detect.data.known_images.index import archive_id, positions_by_key
from melanoma_detect.data.record import Record
from melanoma_detect.errors import DatasetError, DetectorError
from melanoma_detect.images.hash_search import HashSearch
from melanoma_detect.images.perceptual_hash import SAME_BITS, Codes
from melanoma_detect.similar.model_identity import ModelIdentity
from melanoma_detect.similar.nearest import Vectors
from melanoma_detect.similar.same_lesion import ImageTraces
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.upward_calls import call_upwards

_CODE = 32  # bytes


@dataclass(frozen=True, eq=False, repr=False)
class SimilarIndex:
    """The features of labelled images, in which a detector looks for similar cases.

    `md.similar_index` makes one of a dataset. It holds no image, but the paths, labels and groups of all of them: names of
    files may name patients.

    Attributes:
        records: The images, in the order of `vectors`.
        vectors: Their features.
        identity: Which model made the features.

    Examples:
        >>> md.similar_index(data, detector, progress=False)
        <SimilarIndex of ... images of ... lesions, by cnn: 9 classes at 32×32>
    """

    records: tuple[Record, ...]
    vectors: Vectors
    identity: ModelIdentity

    _repr_html_ = notebook_view

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        images, lesions = count_noun(len(self), "image"), count_noun(len(self.rows_by_group), "lesion")
        return f"<SimilarIndex of {images} of {lesions}, by {self.identity.detector}>"

    @cached_property
    def diagnoses(self) -> Counter[str]:
        """How many lesions have each label, the most frequent first."""
        return Counter(label for _, label in dict.fromkeys((record.group, record.label) for record in self.records))

    @cached_property
    def rows_by_group(self) -> dict[str, list[int]]:
        """The positions of the images of each lesion, or patient where the dataset knows patients."""
        return positions_by_key((record.group, row) for row, record in enumerate(self.records))

    def check_model(self, identity: ModelIdentity) -> None:
        """Raise DetectorError unless the index was made by a detector's model.

        Args:
            identity: Of the detector that asks.

        Raises:
            DetectorError: Another model made it.

        Examples:
            >>> index = md.similar_index(data, detector, progress=False)
            >>> index.check_model(index.identity)
        """
        difference = self.identity.difference(identity)
        if difference:
            raise DetectorError(
                f"the index was made by another detector, {self.identity.detector} ({difference}); expected one that "
                f"{identity.detector} has made: make it with md.similar_index(data, detector)"
            )

    def rows_of(self, traces: ImageTraces) -> list[int]:
        """Return the images that are the image itself, a copy of it, or another image of its lesion or patient.

        Args:
            traces: By what the image is recognised.

        Returns:
            Positions, ascending.

        Examples:
            >>> from melanoma_detect.similar.same_lesion import read_traces
            >>> index = md.similar_index(data, detector, progress=False)
            >>> 0 in index.rows_of(read_traces(index.records[0].path))
            True
        """
        found = {*self._by_path.get(traces.path, ()), *self._by_digest.get(traces.digest, ())}
        found |= {*self._by_id.get(archive_id(Path(traces.source).name), ())}
        if len(traces.codes):
            near = self._search.find(traces.codes, radius=SAME_BITS)
            found |= {self._coded[code] for code in near.code.tolist()}
        groups = {self.records[row].group for row in found}
        if traces.record is not None:
            groups.add(traces.record.group)
        return sorted(found.union(*(self.rows_by_group.get(group, ()) for group in groups)))

    def rows_named(self, names: Iterable[str]) -> list[int]:
        """Return the images of some ids or groups.

        Args:
            names: Ids of records, or groups of lesions or patients.

        Returns:
            Positions, ascending: for an id also those of the other images of its group.

        Raises:
            DatasetError: There is no such id or group.

        Examples:
            >>> index = md.similar_index(data, detector, progress=False)
            >>> index.rows_named([index.records[3].id])[0]
            3
        """
        found: set[int] = set()
        for name in names:
            group = self._group_by_id.get(name, name) if isinstance(name, str) else None
            if group not in self.rows_by_group:
                raise DatasetError(
                    f"exclude={name!r:.80}: no image of the index has this id or group; expected one of them"
                )
            found.update(self.rows_by_group[group])
        return sorted(found)

    def save(self, path: "str | os.PathLike[str]", *, overwrite: bool = False) -> Path:
        """Write the index to a file.

        Args:
            path: The file; its name ends in `.similar`.
            overwrite: Replace a file that is there.

        Returns:
            The file.

        Raises:
            OutputError: The file exists, has another suffix, or cannot be written.

        Examples:
            >>> md.similar_index(data, detector, progress=False).save("ours.similar").name
            'ours.similar'
        """
        return Path(
            call_upwards("melanoma_detect.similar.index_file", "write_similar_index", self, path, overwrite=overwrite)
        )

    @cached_property
    def _by_path(self) -> dict[str, list[int]]:
        return positions_by_key((os.path.abspath(record.path), row) for row, record in enumerate(self.records))  # noqa: PTH100 - links stay

    @cached_property
    def _by_digest(self) -> dict[str, list[int]]:
        return positions_by_key((record.digest, row) for row, record in enumerate(self.records) if record.digest)

    @cached_property
    def _by_id(self) -> dict[str, list[int]]:
        named = ((archive_id(record.path.name), row) for row, record in enumerate(self.records))
        return positions_by_key((name, row) for name, row in named if name)

    @cached_property
    def _group_by_id(self) -> dict[str, str]:
        return {record.id: record.group for record in self.records}

    @cached_property
    def _coded(self) -> list[int]:
        """The positions of the images that have a perceptual hash."""
        return [row for row, record in enumerate(self.records) if record.fingerprint]

    @cached_property
    def _search(self) -> HashSearch:
        return HashSearch(_codes([self.records[row] for row in self._coded]))


def _codes(records: Sequence[Record]) -> Codes:
    content = b"".join(bytes.fromhex(record.fingerprint) for record in records)
    return np.frombuffer(content, np.uint8).reshape(len(records), _CODE)
