"""What a detector finds in a dataset: labels that contradict the images, and images that show no skin lesion."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.record import Record
from melanoma_detect.data_audit.finding import Case, Finding
from melanoma_detect.data_audit.label_judges import JudgedLabels, judge_labels
from melanoma_detect.data_audit.neighbours import nearest_of_others
from melanoma_detect.data_audit.out_of_fold import centre
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference import bundle
from melanoma_detect.inference.detector_argument import SupportsPredictor, as_predictor
from melanoma_detect.inference.image_outputs import ImageOutputs, run_on_images
from melanoma_detect.inference.image_types import ImageType
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.signing_keys import default_trusted_keys
from melanoma_detect.printable import printable
from melanoma_detect.utils.arrays import Float32Array
from melanoma_detect.utils.counts import count_noun, is_or_are
from melanoma_detect.utils.disclaimer import log_terms

AuditDetector: TypeAlias = Predictor | SupportsPredictor | Literal["default"] | None

DOUBTFUL, STRANGERS = "doubtful labels", "no skin lesion"
_BY_DEFAULT = range(100, 3001)  # images: fewer are soon looked through, and more take over half a minute
_FEWEST_LESIONS = 20  # of a class whose labels are judged: a regression learns little from fewer
_LISTED = 0.1  # chance from which on a label is listed
_NEIGHBOURS = 3  # that are shown
_PAIRS = 3  # of classes that the summary names


@dataclass(frozen=True)
class DetectorFindings:
    """The findings of a detector.

    Attributes:
        labels: Labels that contradict the images.
        strangers: Images that show no skin lesion.
        notes: What was not looked for, and why, one sentence each.
    """

    labels: Finding = field(default_factory=lambda: Finding(DOUBTFUL, 0))
    strangers: Finding = field(default_factory=lambda: Finding(STRANGERS, 0))
    notes: tuple[str, ...] = ()


def check_by_detector(
    records: Sequence[Record],
    groups: Sequence[str],
    left_out: Sequence[bool],
    detector: AuditDetector,
    *,
    outputs: ImageOutputs | None = None,
) -> DetectorFindings:
    """Look for doubtful labels and for images of no skin lesion.

    Args:
        records: The images.
        groups: The lesion or patient of each.
        left_out: Whether the label of each is left out, because it is known to contradict another one.
        detector: A detector; `"default"` for the one that comes with the library, if the images number 100 to 3,000; None for
            no findings.
        outputs: What `run_once` returned for this detector and these images; None to run it here.

    Returns:
        The findings.

    Raises:
        DetectorError: The detector has no feature space and cannot tell strangers.

    Examples:
        >>> check_by_detector(data.records, [record.group for record in data.records], [False] * len(data.records), None).notes
        ()
    """
    if detector is None:
        return DetectorFindings()
    if detector != "default":
        model = as_predictor(detector)
        return _check(records, groups, left_out, model, outputs or run_once(records, model))
    what = "doubtful labels and images of no skin lesion were not looked for"
    if len(records) not in _BY_DEFAULT:
        bounds = f"by default among {_BY_DEFAULT[0]} to {_BY_DEFAULT[-1]:,} images, and here are {len(records):,}"
        return DetectorFindings(notes=(f"{what}: {bounds}; give a detector to look for them",))
    try:
        predictor = Predictor(*bundle.read(None, trusted_keys=default_trusted_keys()))
    except DetectorError as error:
        return DetectorFindings(notes=(f"{what}: {error}",))
    log_terms()
    return _check(records, groups, left_out, predictor, run_once(records, predictor))


def run_once(records: Sequence[Record], model: Predictor) -> ImageOutputs:
    """Run a detector on each image, without further views.

    Args:
        records: The images.
        model: The detector's predictor.

    Returns:
        Its outputs; the rows of an image that cannot be read are nan.

    Examples:
        >>> len(run_once(data.records[:2], predictor).features)
        2
    """
    return run_on_images(model.at(views=1), [record.image for record in records], skip_unreadable=True)


def stranger_threshold(model: Predictor) -> float:
    """Return the out-of-distribution score over which an image shows no skin lesion.

    Args:
        model: A detector's predictor.

    Returns:
        Of a detector with a calibration for clinical photographs the higher of its two: a dataset may hold both types.

    Examples:
        >>> stranger_threshold(predictor) >= predictor.config.calibration(1).ood_threshold
        True
    """
    types: tuple[ImageType | None, ...] = (None, "clinical") if model.config.clinical else (None,)
    return max(model.config.calibration(1, image_type).ood_threshold for image_type in types)


def _check(
    records: Sequence[Record],
    groups: Sequence[str],
    left_out: Sequence[bool],
    model: Predictor,
    outputs: ImageOutputs,
) -> DetectorFindings:
    strangers, notes = Finding(STRANGERS, 0), []
    kept = np.flatnonzero(np.isfinite(outputs.features).all(axis=1)).tolist()
    if len(kept) < len(records):  # files that have gone since they were scanned, or a network without numbers for them
        lost = len(records) - len(kept)
        notes.append(f"the detector gave nothing for {count_noun(lost, 'image')}, which it did not look at")
        records, groups = [records[index] for index in kept], [groups[index] for index in kept]
        left_out = [left_out[index] for index in kept]
        outputs = ImageOutputs(outputs.features[kept], outputs.probabilities[kept], ())
    if model.files.feature_space is None:
        notes.append("images of no skin lesion were not looked for: this detector has no feature space")
    elif records:
        strangers = _find_strangers(records, groups, outputs, model, model.files.feature_space)
    judged = _judged(records, groups, left_out)
    if judged is None:
        enough = f"they take two classes with {_FEWEST_LESIONS} lesions or more"
        return DetectorFindings(strangers=strangers, notes=(*notes, f"doubtful labels were not looked for: {enough}"))
    doubtful = _find_doubtful(records, groups, outputs, judged, model.classes)
    if not doubtful.count:  # no finding, and its estimate is worth saying all the same
        notes.append(doubtful.summary)
    return DetectorFindings(doubtful, strangers, tuple(notes))


def _judged(records: Sequence[Record], groups: Sequence[str], left_out: Sequence[bool]) -> NDArray[np.intp] | None:
    """Return the positions of the images whose labels can be judged; None where there are too few."""
    lesions: dict[str, set[str]] = {}
    usable = [index for index, record in enumerate(records) if not (left_out[index] or record.parent)]
    for index in usable:
        lesions.setdefault(records[index].label, set()).add(groups[index])
    large = {label for label, own in lesions.items() if len(own) >= _FEWEST_LESIONS}
    return np.array([index for index in usable if records[index].label in large]) if len(large) > 1 else None


def _find_strangers(
    records: Sequence[Record], groups: Sequence[str], outputs: ImageOutputs, model: Predictor, space: FeatureSpace
) -> Finding:
    """Rank images by their distance from the detector's training images times that from the other images of the dataset."""
    scores = space.distance(outputs.features)
    threshold = stranger_threshold(model)
    over = scores > threshold
    ranked = scores * FeatureSpace.fit(outputs.features).distance(outputs.features)
    order = [int(index) for index in np.argsort(-ranked, kind="stable") if over[index]]
    cases = _with_neighbours(records, groups, centre(outputs.features), order)
    return Finding(
        kind=STRANGERS,
        count=len(order),
        effect="A model learns from them what no lesion shows, and in a test they count as errors or as luck.",
        advice="Look at them, and remove those that show no skin lesion, or one that nobody could judge.",
        cases=cases,
        summary=f"{count_noun(len(order), 'image')} {is_or_are(len(order))} unlike the lesions that the detector was trained "
        f"on, {len(order) / len(records):.1%} of all, the least alike first",
        values={"scores": [round(float(scores[index]), 3) for index in order], "threshold": round(float(threshold), 3)},
    )


def _find_doubtful(
    records: Sequence[Record],
    groups: Sequence[str],
    outputs: ImageOutputs,
    chosen: NDArray[np.intp],
    classes: Sequence[str],
) -> Finding:
    own, own_groups = [records[index] for index in chosen], [groups[index] for index in chosen]
    features, labels = outputs.features[chosen], [record.label for record in own]
    judged = judge_labels(ImageOutputs(features, outputs.probabilities[chosen], ()), labels, own_groups, classes)
    chances, names, estimate = judged.chances, np.unique(np.asarray(labels)), judged.estimate()
    ranked = np.argsort(-chances, kind="stable")
    order = [int(index) for index in ranked if chances[index] >= _LISTED or judged.doubtful[index]]
    suggested = [str(names[judged.looks_like[index]]) for index in order]
    pairs = Counter(
        (labels[index], name) for index, name in zip(order, suggested, strict=True) if judged.doubtful[index]
    )
    count = int(judged.doubtful.sum())
    mean_of = ", the mean of both judges" if len(judged.noises) > 1 else ""
    not_judged = len(records) - len(own)
    return Finding(
        kind=DOUBTFUL,
        count=count,
        effect="A model that learns a wrong label answers wrongly, and in a test it counts as an error where there is none.",
        advice="Have somebody who knows the diagnoses look at them, the first ones first; no label is wrong for looking so.",
        cases=_with_neighbours(own, own_groups, centre(features), order),
        summary=f"{count_noun(count, 'label')} {is_or_are(count)} more likely wrong than right{_to_whom(judged)}; of "
        f"{len(own):,} labels an estimated {estimate['value']:,} [{estimate['low']:,}, {estimate['high']:,}] are wrong"
        + _describe_pairs(pairs),
        values={
            "estimate": estimate,
            "judged": len(own),
            "not judged": not_judged,
            "chances": [round(float(chances[index]), 3) for index in order],
            "looks like": suggested,
            "notes": [
                f"looks like {name}; wrong with a chance of {chances[index]:.0%}{mean_of}"
                for index, name in zip(order, suggested, strict=True)
            ],
        },
    )


def _to_whom(judged: JudgedLabels) -> str:
    """One judge is enough for a label to count, while the chance beside its image is the mean of both."""
    return " to one judge of two, the other labels and the detector" if len(judged.noises) > 1 else ""


def _describe_pairs(pairs: Counter[tuple[str, str]]) -> str:
    described = [
        f"{number} labelled {label} look{'s' * (number == 1)} like {other}"
        for (label, other), number in pairs.most_common(_PAIRS)
    ]
    return printable("".join(f"; {pair}" for pair in described))


def _with_neighbours(
    records: Sequence[Record], groups: Sequence[str], features: Float32Array, order: Sequence[int]
) -> tuple[Case, ...]:
    """Return each image with its nearest neighbours of other lesions."""
    neighbours = nearest_of_others(features, order, groups, _NEIGHBOURS)
    return tuple(
        (records[index], *(records[other] for other in near)) for index, near in zip(order, neighbours, strict=True)
    )
