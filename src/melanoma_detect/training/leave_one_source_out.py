"""Leave one source out: how well a calibration holds on a hospital that it was not fitted on.

The promise of an operating point, such as 95 % sensitivity, is about images like those it was set on. Images of another
hospital are not like them. So each source of validation is left out in turn: temperature, bias and operating point are fitted
on the others and measured on it. The network itself stays the same; it may have learnt from training images of the source.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DatasetError, DetectorError
from melanoma_detect.evaluation.answers import NO_CLASS, Answers
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.metrics import BIASED, WeightedMetrics
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.operating_points import OperatingPoint, Target
from melanoma_detect.printable import printable
from melanoma_detect.training.calibrate import CalibrationInputs, Labelled, calibrate
from melanoma_detect.training.temperature_scaling import source_weights
from melanoma_detect.utils.random import check_seed

FIGURES = ("sensitivity", "false_negative_rate", "specificity", "clearance_rate", "coverage", "ece", "melanoma_auc")


@dataclass(frozen=True)
class CalibrationOptions:
    """How to calibrate.

    Attributes:
        sensitivity: The sensitivity that the operating point is set for, over 0 and under 1.
        target: `"melanoma"` or `"malignant"`.
        bias: Whether a bias is fitted too; see `calibrate`.
        on_every_source: Whether the operating point is set so that each source reaches the sensitivity, after shrinkage
            towards that of all; False for all of them pooled.
        weight_power: How the weight of a source in the fit of temperature and bias grows with its size; see `source_weights`.
    """

    sensitivity: float = 0.95
    target: Target = "melanoma"
    bias: bool = False
    on_every_source: bool = True
    weight_power: float = 1.0


@dataclass(frozen=True)
class SourceFigures:
    """What a calibration does on the images of one source.

    Attributes:
        source: The source.
        images: How many images it has.
        operating_point: The operating point; None where the images it was to be set on show too few lesions of the target.
        figures: The metrics named in `FIGURES`, as `Evaluation` defines them, on this source: `sensitivity`;
            `false_negative_rate`, the share of the target that is cleared, neither alerted to nor referred; `specificity`;
            `clearance_rate`, the share of other images that are cleared; `coverage`; `ece`; `melanoma_auc`.
    """

    source: str
    images: int
    operating_point: OperatingPoint | None
    figures: dict[str, Figure]

    def __str__(self) -> str:
        figures = self.figures
        return (
            f"{printable(self.source)} ({self.images} images): sensitivity {figures['sensitivity']}, cleared "
            f"{figures['false_negative_rate']}, specificity {figures['specificity']}, ECE {figures['ece']}"
        )


def leave_one_source_out(
    inputs: CalibrationInputs,
    labelled: Labelled,
    options: CalibrationOptions | None = None,
    *,
    seed: int = 123,
) -> tuple[SourceFigures, ...]:
    """Calibrate on all sources but one, and measure on the one left out, for each source.

    Args:
        inputs: A model's outputs for images that it was not trained on, from `collect_calibration_inputs`.
        labelled: What is known of the images; its sources say where each comes from.
        options: How to calibrate.
        seed: Seed of the bootstrap.

    Returns:
        One row for each source, in alphabetical order.

    Raises:
        DatasetError: There are fewer than two sources, or the others show only lesions of the one left out.

    Examples:
        >>> from melanoma_detect.training.calibrate import collect_calibration_inputs
        >>> split = data.validation
        >>> inputs = collect_calibration_inputs(detector.predictor.runtime, split.pixels(), None)
        >>> sources = (["one hospital", "another"] * len(split))[: len(split)]
        >>> labelled = Labelled(split.targets[split.labels], split.groups, split.classes, sources)
        >>> [row.source for row in leave_one_source_out(inputs[1], labelled, CalibrationOptions(0.6))]
        ['another', 'one hospital']
    """
    options, seed = options or CalibrationOptions(), check_seed(seed, DatasetError)
    sources, names = _sources(labelled)
    if len(names) < 2:
        raise DatasetError(
            f"there is no other source to calibrate on: found {len(names)} ({', '.join(names) or 'none named'}), "
            "expected at least two; give the source of each image"
        )
    rows: list[SourceFigures] = []
    for name in names:
        left_out = sources == name
        # Another source may show the same lesions: MILK10k photographs each with and without a dermatoscope.
        others = ~left_out & ~np.isin(labelled.groups, np.asarray(labelled.groups)[left_out])
        if not others.any():
            raise DatasetError(
                f"nothing is left to calibrate on when {name} is left out: all images of the other sources show lesions of "
                f"it; name such sources as one, or add another"
            )
        calibration = _calibrate(inputs.select(others), labelled.select(others), options)
        rows += measure_sources(
            inputs.select(left_out), labelled.select(left_out), calibration, options=options, seed=seed
        )
    return tuple(rows)


def measure_sources(
    inputs: CalibrationInputs,
    labelled: Labelled,
    calibration: Calibration,
    *,
    options: CalibrationOptions | None = None,
    seed: int = 123,
) -> tuple[SourceFigures, ...]:
    """Measure a calibration on each source of some images.

    Args:
        inputs: The model's outputs.
        labelled: What is known of the images; its sources say where each comes from.
        calibration: The calibration.
        options: The sensitivity and the target of the operating point.
        seed: Seed of the bootstrap.

    Returns:
        One row for each source, in alphabetical order.

    Examples:
        >>> from melanoma_detect.training.calibrate import collect_calibration_inputs
        >>> split = data.validation
        >>> inputs = collect_calibration_inputs(detector.predictor.runtime, split.pixels(), None)
        >>> labelled = Labelled(split.targets[split.labels], split.groups, split.classes, ["a hospital"] * len(split))
        >>> (row,) = measure_sources(inputs[1], labelled, detector.predictor.config.calibration(1))
        >>> row.source, row.images == len(split)
        ('a hospital', True)
    """
    options = options or CalibrationOptions()
    (sources, names), point, rows = _sources(labelled), _operating_point(calibration, options), []
    for name in names:
        chosen = sources == name
        answers = replace(
            answers_of(inputs.select(chosen), labelled.select(chosen), calibration), target=options.target
        )
        metrics = WeightedMetrics(answers, point)
        figures = compute_figures(metrics, answers.groups, metrics.lesions(), seed=seed, biased=BIASED)
        rows.append(SourceFigures(name, len(answers), point, {figure: figures[figure] for figure in FIGURES}))
    return tuple(rows)


def answers_of(inputs: CalibrationInputs, labelled: Labelled, calibration: Calibration) -> Answers:
    """Return what a calibrated model answers to images whose outputs are known.

    Args:
        inputs: The model's outputs.
        labelled: What is known of the images.
        calibration: A calibration; its out-of-distribution threshold decides from which images the detector abstains.

    Returns:
        The answers, from which metrics are computed.

    Examples:
        >>> from melanoma_detect.training.calibrate import collect_calibration_inputs
        >>> split = data.validation
        >>> inputs = collect_calibration_inputs(detector.predictor.runtime, split.pixels(), None)
        >>> labelled = Labelled(split.targets[split.labels], split.groups, split.classes)
        >>> answers_of(inputs[1], labelled, detector.predictor.config.calibration(1)).lesions == len(set(split.groups))
        True
    """
    targets, classes, count = labelled.targets, labelled.classes, len(inputs.logits)
    labels = np.where(targets.sum(axis=1) == 1, targets.argmax(axis=1), NO_CLASS)
    # The distances of a single view stand first: see `collect_calibration_inputs`.
    distances = inputs.distances[:count] if len(inputs.distances) else np.zeros(count)
    return Answers(
        calibration.probabilities(inputs.logits, classes),
        labels,
        tuple(labelled.groups),
        classes,
        ~(distances <= calibration.ood_threshold),
        label_names=tuple(_names(targets, classes)),
    )


def _sources(labelled: Labelled) -> tuple[NDArray[np.str_], list[str]]:
    """Return the source of each image, `(n,)`, and the names of all sources."""
    sources = np.asarray([] if labelled.sources is None else labelled.sources, str)
    return sources, np.unique(sources).tolist()


def _calibrate(inputs: CalibrationInputs, labelled: Labelled, options: CalibrationOptions) -> Calibration:
    sources, _ = _sources(labelled)
    return calibrate(
        {1: inputs},
        labelled.targets,
        labelled.groups,
        labelled.classes,
        bias=options.bias,
        sources=sources.tolist() if options.on_every_source else None,
        weights=source_weights(sources.tolist(), options.weight_power),
    )[1]


def _operating_point(calibration: Calibration, options: CalibrationOptions) -> OperatingPoint | None:
    try:
        return calibration.operating_point(options.sensitivity, options.target)
    except DetectorError:  # too few lesions on the other sources
        return None


def _names(targets: NDArray[np.bool_], classes: Sequence[str]) -> list[str]:
    """Return the label of each image: the classes that it covers, joined with "or", as `label_truth` reads them."""
    return [" or ".join(classes[column] for column in np.flatnonzero(row).tolist()) for row in targets]
