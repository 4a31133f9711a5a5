"""`monitor`: does a stream of scored images still look like validation?"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from melanoma_detect.detector import Detector
from melanoma_detect.errors import DatasetError, DetectorError
from melanoma_detect.monitoring.betting import share_interval
from melanoma_detect.monitoring.monitoring import Monitoring, Share
from melanoma_detect.monitoring.reference import Reference, baseline_reference, validation_reference
from melanoma_detect.monitoring.samples import Samples, Statistic
from melanoma_detect.monitoring.score_tables import By
from melanoma_detect.monitoring.sensitivity import SensitivityEstimate, estimate_sensitivity
from melanoma_detect.monitoring.sketch import detector_digest
from melanoma_detect.monitoring.stream_tests import run_tests
from melanoma_detect.monitoring.streams import Stream, read_stream, round_values
from melanoma_detect.utils.number_arguments import real_number, whole_number

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def monitor(
    scores: Paths,
    *,
    detector: "Detector | str | os.PathLike[str] | None" = None,
    baseline: Paths | None = None,
    by: By = None,
    alpha: float = 0.05,
    seed: int = 0,
) -> Monitoring:
    """Test whether a stream of scored images differs from validation, and estimate the sensitivity on it without labels.

    Each period is tested as it comes; looking after each of them costs nothing, since the false-alarm probability holds for the
    whole stream, however long (see `monitoring.betting`). It assumes that the images of stream and reference are exchangeable
    where nothing has changed: several images of one lesion or patient make alarms more frequent. A clinic's images nearly
    always differ from validation, which the first report says; pass the tables of the first weeks as `baseline` to learn of
    what changes after them.

    Args:
        scores: Tables that `score` has written, a day or a week each (CSV or Parquet), in the order of time; or sketches
            (`score(..., sketch="a.sketch")`), which hold their days, and the colour and features of the images besides.
        detector: The detector that scored the images, its file, or the run folder that holds it; None for the default detector.
        baseline: Tables or sketches of an earlier time that the stream is compared with in place of validation.
        by: What tells sources apart, so that the report names the one that changed: `"camera"` (of sketches: the model that
            EXIF or DICOM names), `"folder"` (of the image), `"table"` (the file's name without the date) or a function from
            an image's path to a name; None for one source.
        alpha: The probability of a false alarm, ever, is at most this; over 0 and under 1.
        seed: Of the random order in which the images of a period are taken.

    Returns:
        Whether there is an alarm, since when, in what and in which source; and the estimated sensitivity.

    Raises:
        DatasetError: A table is missing or is no table of scores, or is given twice, as a part of the baseline too.
        DetectorError: There is no such detector, it stores no validation scores, or `alpha` is out of range.

    Examples:
        >>> for day in (1, 2):
        ...     _ = md.score(isic9 / "Test", detector=detector, out=f"day_2026-11-0{day}.csv", progress=False)
        >>> report = md.monitor(["day_2026-11-01.csv", "day_2026-11-02.csv"], detector=detector)
        >>> report
        <Monitoring 72 images in 2 periods: ...>
        >>> report.save("watch.json").name
        'watch.json'
    """
    real_number(alpha, "alpha", DetectorError)
    if not 0 < alpha < 1:
        raise DetectorError(f"alpha={alpha}; expected a probability over 0 and under 1, such as 0.05")
    whole_number(seed, "seed", DetectorError, low=0)
    stream = read_stream(_paths(scores), None if baseline is None else _paths(baseline), by)
    loaded = detector if isinstance(detector, Detector) else Detector.load(detector)
    return monitor_samples(stream.blocks, _reference(loaded, stream), alpha=alpha, seed=seed)


def monitor_samples(blocks: Sequence[Samples], reference: Reference, *, alpha: float, seed: int = 0) -> Monitoring:
    """Test a stream whose values are in memory; see `monitor`.

    Args:
        blocks: The stream, in the order of time: one block of each period and source.
        reference: What it is compared with.
        alpha: The probability of a false alarm, ever, is at most this.
        seed: Of random order and ties.

    Returns:
        What was found.

    Raises:
        DatasetError: The stream and its reference have no number in common.

    Examples:
        >>> values = {Statistic("melanoma"): np.linspace(0, 1, 200)}
        >>> monitor_samples([Samples("monday", images=200, values=values)], Reference("validation", values), alpha=0.05).alarm
        False
    """
    periods = list(dict.fromkeys(block.period for block in blocks))
    seen = {statistic for block in blocks for statistic in block.values}
    if seen and not seen & reference.values.keys():
        raise DatasetError(
            f"the scores are of {', '.join(sorted(map(str, seen)))}, but {reference.name} has "
            f"{', '.join(sorted(map(str, reference.values)))}; pass the detector that scored the images"
        )
    tests = run_tests(blocks, periods, reference.values, alpha=alpha, seed=seed)
    sources = tuple(dict.fromkeys(block.source for block in blocks))

    def per_period(name: str) -> tuple[int, ...]:
        found = dict.fromkeys(periods, 0)
        for block in blocks:
            found[block.period] += getattr(block, name)
        return tuple(found.values())

    counts = {name: per_period(name) for name in ("images", "alerts", "refers", "unreadable")}
    return Monitoring(
        reference.name,
        alpha,
        tuple(periods),
        **counts,
        shares=tuple(_shares(blocks)),
        tests=tests,
        estimates=tuple(_estimates(blocks, reference, seed)),
        target=reference.target,
        sources=sources if len(sources) > 1 else (),
    )


def _paths(given: Paths) -> list[str | os.PathLike[str]]:
    if isinstance(given, (str, os.PathLike)):
        return [given]
    try:
        return list(given)
    except TypeError as error:
        raise DatasetError(f"{given!r:.80}: no table to watch; expected the path of one, or a list of paths") from error


def _reference(detector: Detector, stream: Stream) -> Reference:
    if stream.detector and stream.detector != detector_digest(detector.predictor):
        raise DatasetError(
            f"{stream.sketch}: is of another detector than {detector.predictor.description}; pass the detector, and the views, "
            "that scored the images"
        )
    if stream.baseline is None:
        reference = validation_reference(detector.predictor)
        return replace(reference, values=round_values(reference.values)) if stream.rounded else reference
    try:
        validation = validation_reference(detector.predictor)
    except DetectorError:  # the baseline is enough for the tests
        validation = None
    return baseline_reference(stream.baseline, validation)


def _shares(blocks: Sequence[Samples]) -> list[Share]:
    images = sum(block.images for block in blocks)
    abstained = sum(block.abstained for block in blocks)
    unreadable = sum(block.unreadable for block in blocks)
    counts = {
        "alert": sum(block.alerts for block in blocks),
        "refer": sum(block.refers for block in blocks),
        "abstained": abstained + unreadable,
        "unreadable": unreadable,
    }
    return [Share(name, count / max(images, 1), *share_interval(count, images)) for name, count in counts.items()]


def _estimates(blocks: Sequence[Samples], reference: Reference, seed: int) -> list[SensitivityEstimate]:
    estimates = []
    for image_type, labelled in reference.labelled.items():
        statistic = Statistic(reference.target, image_type)
        parts = [block.values[statistic] for block in blocks if statistic in block.values]
        scores = np.concatenate([*parts, np.empty(0)])
        estimates += estimate_sensitivity(scores, labelled, image_type, seed)
    return estimates
