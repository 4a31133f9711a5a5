"""Outputs of a model that a calibration is fitted on: all numbers, or the images are named for which they are not."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.record import Record
from melanoma_detect.errors import DetectorError
from melanoma_detect.training.calibrate import CalibrationInputs
from melanoma_detect.utils.counts import count_noun

_MAX_NAMES = 3  # of images, that a message lists


def check_outputs(inputs: Mapping[int, CalibrationInputs], records: Sequence[Record], what: str) -> None:
    """Raise DetectorError unless a model gives finite numbers for every image: thresholds would be set on nonsense.

    Args:
        inputs: What the model gave, for each number of views.
        records: The images.
        what: What they are called, such as `"validation image"`.

    Raises:
        DetectorError: A number is nan or infinite; the message names the images.

    Examples:
        >>> from melanoma_detect.training.calibrate import collect_calibration_inputs
        >>> inputs = collect_calibration_inputs(detector.predictor.runtime, data.validation.pixels(), None)
        >>> check_outputs(inputs, data.validation.records, "validation image")
    """
    unsound = np.zeros(len(records), np.bool_)
    for outputs in inputs.values():
        unsound |= ~_finite(outputs, len(records))
    if unsound.any():
        rows = np.flatnonzero(unsound).tolist()
        shown = ", ".join(str(records[row].path) for row in rows[:_MAX_NAMES])
        more = f" and {len(rows) - _MAX_NAMES} more" if len(rows) > _MAX_NAMES else ""
        raise DetectorError(
            f"the model gives no numbers for {len(rows)} of {count_noun(len(records), what)} ({shown}{more}): look for a "
            "logarithm, a root or a division in its layers, lower the learning rate, or leave these images out"
        )


def _finite(outputs: CalibrationInputs, images: int) -> NDArray[np.bool_]:
    # The distances of all views stand one after another, each for all images.
    distances = np.isfinite(outputs.distances.reshape(-1, images)).all(axis=0)
    return np.asarray(np.isfinite(outputs.logits).all(axis=1) & distances)
