"""Localize a detector: calibrate it on a clinic's own labelled images, without training it; see `Detector.localize`.

What the number of images supports is set, and the record says how many the rest would take. Where they are too few, thresholds
of alerts, referrals and abstention stay in force. Prediction sets then hold every diagnosis: the earlier ones promise nothing
on another scale of probabilities.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DataWarning, DetectorError, DetectorWarning
from melanoma_detect.evaluation.evaluate import shorter_sides
from melanoma_detect.images.quality import rejection_reasons
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import DetectorConfig, Settings
from melanoma_detect.inference.decision_rules import check_operating_points
from melanoma_detect.inference.image_types import IMAGE_TYPES, TYPE_PLURALS, ImageType
from melanoma_detect.inference.localization import BEFORE_LOCALIZATION
from melanoma_detect.inference.operating_points import TARGETS, Target, check_sensitivity
from melanoma_detect.inference.prediction import target_scores
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint
from melanoma_detect.training.calibrate import CalibrationInputs, collect_calibration_inputs
from melanoma_detect.training.finite_outputs import check_outputs
from melanoma_detect.training.local_figures import LocalOutcome, describe_outcome, find_broken_promise, measure_local
from melanoma_detect.training.local_fit import LocalImages
from melanoma_detect.training.local_images import MIN_IMAGES, label_local_images, select_local_images
from melanoma_detect.training.local_ranking import (
    Ranking,
    check_pairs,
    check_ranking,
    find_swapped_pairs,
    rank_lesions,
)
from melanoma_detect.training.local_thresholds import assign_folds, cross_validate, localize_calibration
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.progress import describe_stage
from melanoma_detect.utils.random import check_seed
from melanoma_detect.utils.user_warning import warn_user


class _Part(NamedTuple):
    """Local images of one type.

    Attributes:
        image_type: Their type; None for every type.
        inputs: The model's outputs for them, by the number of views: another number may recognise a few other images.
        images: Their labels and lesions, by the number of views too.
        rejected: How many further images are left out, because they cannot be judged, such as for blur.
    """

    image_type: ImageType | None
    inputs: Mapping[int, CalibrationInputs]
    images: Mapping[int, LocalImages]
    rejected: int


def localize(
    predictor: Predictor,
    data: Dataset | Split,
    *,
    sensitivity: float | None = None,
    target: Target | None = None,
    seed: int = 123,
) -> Predictor:
    """Calibrate a detector on local images; see `Detector.localize`.

    Args:
        predictor: The detector.
        data: The local images: a split, or a dataset: then all images but those of its test split.
        sensitivity: The share of the target that must raise an alert; None for the detector's own.
        target: What the detector alerts to, `"melanoma"` or `"malignant"`; None for the detector's own.
        seed: Seed of the folds of the cross-validation.

    Returns:
        The predictor with the local calibration; it shares the model with the given one.

    Raises:
        DetectorError: There are fewer than 50 images, their labels are all the same or none of the detector's, the target is
            neither of the two, or the sensitivity is out of range, or one that neither these images nor validation support.

    Warns:
        DataWarning: Images are set aside.
        DetectorWarning: The earlier threshold does not hold on the local images, and they are too few for another one; or there
            is none.

    Examples:
        >>> folder = md.write_samples("clinic", train=10, size=64, seed=9)
        >>> localized = localize(predictor, md.load_dataset(folder, validation=0))
        >>> localized.config.localizations[0]["images"] >= 50
        True
    """
    seed = check_seed(seed, DetectorError)
    settings = _settings(predictor.settings, sensitivity, target)
    split = select_local_images(predictor, data)
    parts = _read_parts(predictor, split, settings)
    config, entries = predictor.config, []
    describe_stage("cross-validating")
    for part in parts:
        config, entry = _localize_part(config, part, settings, seed)
        entries.append(_origin(predictor, split, seed) | entry)
    config = replace(
        config,
        localizations=(*predictor.config.localizations, *entries),
        metrics=_mark_metrics(predictor.config.metrics),
    )
    given = sensitivity is not None or target is not None
    _check_points(config, settings, given=given, recognises=predictor.files.image_types is not None)
    before = predictor.files.fingerprint
    added = TrainingFingerprint.of(split.records)
    # It is no longer what the file holds.
    files = replace(predictor.files, fingerprint=partial(_joined, before, added), path=None)
    return type(predictor)(config, predictor.runtime, files, settings)


def _settings(settings: Settings, sensitivity: float | None, target: Target | None) -> Settings:
    """Return the settings with what is asked for: the local images are to support it, not validation."""
    changed = replace(
        settings,
        sensitivity=settings.sensitivity if sensitivity is None else sensitivity,
        target=settings.target if target is None else target,
    )
    changed = replace(changed, sensitivity=check_sensitivity(changed.sensitivity))
    if changed.target not in TARGETS:
        raise DetectorError(f"target={changed.target!r}; expected one of {', '.join(TARGETS)}")
    return changed


def _check_points(config: DetectorConfig, settings: Settings, *, given: bool, recognises: bool) -> None:
    """Raise DetectorError where a sensitivity that was asked for leaves no threshold; warn where there was none before."""
    try:
        check_operating_points(config, settings, recognises=recognises)
    except DetectorError as error:
        if given:
            raise
        warn_user(f"{error}; until then the detector refers every image", DetectorWarning)


def _mark_metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics of a detector, marked as measured before it was localised; see `model_card`."""
    return {split: {**evaluation, BEFORE_LOCALIZATION: True} for split, evaluation in metrics.items()}


def _read_parts(predictor: Predictor, split: Split, settings: Settings) -> list[_Part]:
    """Run the model on local images, and divide them by type where the detector has a calibration for each."""
    pixels = split.pixels(predictor.image_size)
    images = label_local_images(split, predictor.classes)
    files = predictor.files
    inputs = collect_calibration_inputs(predictor.runtime, pixels, files.feature_space, files.image_types)
    check_outputs(inputs, split.records, "local image")
    rejected = _find_rejected(predictor, split, pixels)
    parts = []
    for image_type, of_type in _rows_by_type(predictor, settings, inputs[_views_in_use(settings, inputs)]).items():
        chosen = of_type & ~rejected
        if not chosen.any() or not _judges(predictor.config, image_type, images.select(chosen)):
            continue
        rows = {}
        for views, outputs in inputs.items():
            own = _rows_by_type(predictor, settings, outputs)[image_type] & ~rejected
            rows[views] = chosen if _too_few(images.select(own)) else own
        parts.append(
            _Part(
                image_type,
                {views: outputs.select(rows[views]) for views, outputs in inputs.items()},
                {views: images.select(rows[views]) for views in inputs},
                int((of_type & rejected).sum()),
            )
        )
    if not parts:
        raise DetectorError(
            f"of no type of image are there {MIN_IMAGES} images that the detector judges; load more of one type"
        )
    return parts


def _find_rejected(predictor: Predictor, split: Split, pixels: Pixels) -> NDArray[np.bool_]:
    """Return which images the detector does not judge, such as for blur; warn if there are some."""
    reasons = rejection_reasons(pixels, shorter_sides(split, predictor), predictor.config.input_limits)
    counts = Counter(reason for reason in reasons if reason)
    if counts:
        text = ", ".join(f"{reason} ({count})" for reason, count in counts.most_common())
        warn_user(f"images are left out that the detector does not judge: {text}", DataWarning)
    return np.array([bool(reason) for reason in reasons], dtype=np.bool_)


def _views_in_use(settings: Settings, inputs: Mapping[int, CalibrationInputs]) -> int:
    if settings.views not in inputs:
        raise DetectorError(f"the detector is used with {settings.views} views, for which it was not calibrated")
    return settings.views


def _rows_by_type(
    predictor: Predictor, settings: Settings, inputs: CalibrationInputs
) -> dict[ImageType | None, NDArray[np.bool_]]:
    """Return which images are of each type that the detector tells apart with a number of views, as it will when it is used."""
    types = inputs.image_types
    if settings.image_type is not None or types is None:
        return {settings.image_type: np.ones(len(inputs.logits), dtype=np.bool_)}
    if not predictor.config.clinical:
        judged = ~np.isin(types, predictor.config.referred_types)
        found: dict[ImageType | None, NDArray[np.bool_]] = {None: judged}
        return found | {kind: types == kind for kind in predictor.config.referred_types}
    return {"dermoscopy": types == "dermoscopy", "clinical": types == "clinical"}


def _judges(config: DetectorConfig, image_type: ImageType | None, images: LocalImages) -> bool:
    """Return whether images of a type are calibrated on; warn if they are left out."""
    reason = "the detector refers them all" if image_type in config.referred_types else _too_few(images)
    if reason:
        warn_user(f"{_describe_left_out(len(images.groups), image_type)}: {reason}", DataWarning)
    return not reason


def _describe_left_out(images: int, image_type: ImageType | None) -> str:
    """Return how many images of a recognised type change nothing, and what to do if they are of the other type."""
    if image_type is None:
        return f"{count_noun(images, 'image')} of no recognised type change nothing"
    other = next(name for name in IMAGE_TYPES if name != image_type)
    was, change = ("was", "changes") if images == 1 else ("were", "change")
    return (
        f"{count_noun(images, 'image')} {was} taken for {TYPE_PLURALS[image_type]} and {change} nothing (if all images are "
        f'{TYPE_PLURALS[other]}, say so: detector.at(image_type="{other}"))'
    )


def _too_few(images: LocalImages) -> str:
    """Return why images cannot be calibrated on; empty if they can."""
    if len(images.groups) < MIN_IMAGES:
        return f"it takes {MIN_IMAGES} to calibrate on them"
    return "their labels are all the same to the detector" if (images.targets == images.targets[0]).all() else ""


def _localize_part(
    config: DetectorConfig, part: _Part, settings: Settings, seed: int
) -> tuple[DetectorConfig, dict[str, Any]]:
    """Return the configuration with a local calibration for one type of image, and the record of it."""
    clinical = part.image_type == "clinical" and bool(config.clinical)
    old = config.clinical if clinical else config.calibrations
    new: dict[int, Calibration] = {}
    for views in old.keys() & part.inputs.keys():
        inputs, images = part.inputs[views], part.images[views]
        validated = cross_validate(old[views], inputs, images, assign_folds(images.groups, seed=seed))
        new[views] = localize_calibration(old[views], inputs, images, validated)
        if views == settings.views:
            outcome = LocalOutcome(old[views], new[views], validated, inputs, images, part.rejected)
    if settings.views not in new:
        raise DetectorError(f"the detector is used with {settings.views} views, for which it was not calibrated")
    probabilities = outcome.old.probabilities(outcome.inputs.logits, outcome.images.classes)
    check_pairs(find_swapped_pairs(probabilities, outcome.images))
    rankings = _rankings(outcome, probabilities)
    for target, ranking in rankings.items():
        check_ranking(ranking, target, decides=target == settings.target)
    if problem := find_broken_promise(outcome, settings):
        warn_user(problem, DetectorWarning)
    entry = describe_outcome(outcome, settings) | measure_local(outcome, settings)
    entry["auc"] = {target: ranking._asdict() for target, ranking in rankings.items()}
    changed = dict(old) | new
    config = replace(config, clinical=changed) if clinical else replace(config, calibrations=changed)
    return config, {"image_type": part.image_type or "", **entry}


def _rankings(outcome: LocalOutcome, probabilities: Float64Array) -> dict[Target, Ranking]:
    """Return how well the detector ranks the images by each target that their labels tell of; localising keeps the order."""
    found: dict[Target, Ranking] = {}
    for target in TARGETS:
        shown, known = outcome.images.sides(target)
        scores = target_scores(probabilities, outcome.images.classes, target)
        ranking = rank_lesions(scores[known], shown[known], outcome.images.groups[known])
        if ranking is not None and scores.any():
            found[target] = ranking
    return found


def _origin(predictor: Predictor, split: Split, seed: int) -> dict[str, Any]:
    """Return where a localised detector comes from: its parent, and the images."""
    return {
        "parent": {"title": predictor.description, "sha256": _digest(predictor)},
        "data": ", ".join(dict.fromkeys(Path(record.source).name or record.source for record in split)),
        "seed": seed,
    }


def _digest(predictor: Predictor) -> str:
    """Return the SHA-256 of a detector's file; of one that was not read from a file, that of its configuration and model."""
    path = predictor.files.path
    if path is not None and path.is_file():
        return sha256(path.read_bytes()).hexdigest()
    config, files = json.dumps(predictor.saved_config.to_dict(), sort_keys=True), predictor.files
    model = files.onnx or (files.keras() if files.keras else b"")
    return sha256(config.encode() + model).hexdigest()


def _joined(before: Callable[[], TrainingFingerprint], added: TrainingFingerprint) -> TrainingFingerprint:
    return before() | added
