"""md.similar_index: the features of a dataset, computed once and kept."""

import contextlib
import hashlib
import os
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.record import Record
from melanoma_detect.errors import DatasetError, DataWarning, MelanomaDetectError
from melanoma_detect.inference.detector_argument import SupportsPredictor, as_predictor
from melanoma_detect.inference.image_outputs import run_on_images
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.similar.index import SimilarIndex
from melanoma_detect.similar.index_file import SIMILAR_FILE, read_similar_index, write_similar_index
from melanoma_detect.similar.model_identity import ModelIdentity, identify_model
from melanoma_detect.similar.nearest import reduce_features
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.files import cache_folder
from melanoma_detect.utils.progress import progress_bar
from melanoma_detect.utils.user_warning import warn_user

if TYPE_CHECKING:
    from melanoma_detect.data.dataset import Dataset
    from melanoma_detect.data.split import Split

Cases: TypeAlias = Union["Dataset", "Split", SimilarIndex, str, os.PathLike[str]]

_KEPT = 20  # indexes in the cache folder; the oldest is deleted
_latest: "dict[int, tuple[weakref.ref[Any], ModelIdentity, SimilarIndex]]" = {}


def similar_index(
    data: "Dataset | Split",
    detector: Predictor | SupportsPredictor,
    *,
    out: "str | os.PathLike[str] | None" = None,
    progress: bool = True,
    overwrite: bool = False,
) -> SimilarIndex:
    """Compute the features of a dataset's images, among which `Detector.similar` finds the nearest.

    It takes as long as to predict all images. The index is kept in the cache folder too, for the same images and the same
    model. Copies that `balance` or Augmentor made are no cases, and are left out.

    Args:
        data: A dataset, or a split of one.
        detector: The detector in whose feature space images are compared.
        out: A file to write the index to; its name ends in `.similar`. None to write none.
        progress: Draw a progress bar where it takes more than two seconds.
        overwrite: Replace a file that exists.

    Returns:
        The index. It holds no image, but names, paths, labels and groups of all.

    Raises:
        DatasetError: There is no image, or none that can be read.
        OutputError: The file cannot be written.

    Warns:
        DataWarning: Images cannot be read, or the model gives no numbers for them; they are left out.

    Examples:
        >>> len(md.similar_index(data, detector, progress=False)) == len(data)
        True
    """
    predictor = as_predictor(detector)
    if out is not None:
        SIMILAR_FILE.check_output(out, overwrite=overwrite)
    records = _cases_of(data)
    key = _key(records, predictor)
    index = _find_kept(key, predictor) or _compute(records, predictor, key, progress=progress)
    if out is not None:
        index.save(out, overwrite=overwrite)
    return index


def find_index(cases: Cases, predictor: Predictor, *, progress: bool = True) -> SimilarIndex:
    """Return the index of cases, made by a detector: as it was given, read from its file, or made of a dataset.

    Args:
        cases: A dataset, a split, an index, or the file of one.
        predictor: The detector.
        progress: Draw a progress bar where it takes more than two seconds.

    Returns:
        The index.

    Raises:
        DatasetError: It is none of these, or an index or a dataset without an image.
        DetectorError: Another detector made the index.

    Examples:
        >>> find_index(data, predictor, progress=False) is find_index(data, predictor)
        True
    """
    if isinstance(cases, (str, os.PathLike)):
        cases = read_similar_index(cases)
    identity = identify_model(predictor)
    if isinstance(cases, SimilarIndex):
        cases.check_model(identity)
        return cases
    kept = _latest.get(id(cases))
    if kept is not None and kept[0]() is cases and not kept[1].difference(identity):
        return kept[2]
    index = similar_index(cases, predictor, progress=progress)
    _latest.clear()  # an index of 100,000 images takes 100 MB: only the latest is held
    _latest[id(cases)] = weakref.ref(cases), identity, index
    return index


def _cases_of(data: Any) -> list[Record]:
    records = getattr(data, "records", None)
    if not isinstance(records, tuple) or not all(isinstance(record, Record) for record in records):
        raise DatasetError(
            f"{type(data).__name__} {data!r:.80}: no cases to compare with; expected a dataset, a split, an index "
            f"(md.similar_index) or the path of a {SIMILAR_FILE.suffix} file"
        )
    cases = [record for record in records if record.parent is None]
    if not cases:
        raise DatasetError("the dataset has no image to compare with; expected one or more")
    return cases


def _compute(records: Sequence[Record], predictor: Predictor, key: str, *, progress: bool) -> SimilarIndex:
    with progress_bar("looking at the cases", shown=progress):
        outputs = run_on_images(predictor, [record.image for record in records], skip_unreadable=True)
    sound: NDArray[np.bool_] = np.asarray(np.isfinite(outputs.features).all(axis=1))
    left_out = [record for record, is_sound in zip(records, sound, strict=True) if not is_sound]
    if not sound.any():
        reason = next((problem for problem in outputs.problems if problem), "the model gives no numbers for them")
        raise DatasetError(f"none of {count_noun(len(records), 'image')} can be compared with: {reason}")
    if left_out:
        first = outputs.problems[records.index(left_out[0])] or f"{left_out[0].id}: the model gives no numbers for it"
        warn_user(
            f"{count_noun(len(left_out), 'image')} left out of the similar cases; the first: {first}", DataWarning
        )
    # Without the rows of tables, which may say more of a patient than is needed here.
    kept = tuple(replace(record, metadata={}) for record, is_sound in zip(records, sound, strict=True) if is_sound)
    index = SimilarIndex(kept, reduce_features(outputs.features[sound]), identify_model(predictor))
    if key and not left_out:
        _keep(index, key)
    return index


def _key(records: Sequence[Record], predictor: Predictor) -> str:
    """Return a name for the index of these records, as this model makes it; empty where it cannot be kept.

    Without digests nobody knows whether images are the same.
    """
    if not all(record.digest for record in records):
        return ""
    identity = identify_model(predictor)
    made_of = hashlib.sha256(predictor.files.onnx or identity.answers.tobytes())
    made_of.update(repr((identity.image_size, identity.resize, identity.views)).encode())
    for record in records:
        facts = (record.id, str(record.path), record.label, record.split, record.group, record.source, record.digest)
        made_of.update(repr((*facts, record.fingerprint, record.aspect)).encode())
    return made_of.hexdigest()


def _find_kept(key: str, predictor: Predictor) -> SimilarIndex | None:
    """Return an earlier index of the same images."""
    if not key:
        return None
    file = cache_folder("similar") / f"{key}{SIMILAR_FILE.suffix}"
    try:
        index = read_similar_index(file)
    except (MelanomaDetectError, OSError):
        return None
    return None if index.identity.difference(identify_model(predictor)) else index


def _keep(index: SimilarIndex, key: str) -> None:
    """Write an index to the cache folder. It only saves time: where it cannot be written, nothing happens."""
    with contextlib.suppress(MelanomaDetectError, OSError):
        folder = cache_folder("similar")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_similar_index(index, folder / f"{key}{SIMILAR_FILE.suffix}", overwrite=True)
        for old in sorted(folder.glob(f"*{SIMILAR_FILE.suffix}"), key=_age)[_KEPT:]:
            old.unlink()


def _age(file: Path) -> float:
    return -file.stat().st_mtime
