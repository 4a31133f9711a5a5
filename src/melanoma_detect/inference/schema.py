"""Schemas of a detector's file: the versions that can be read and written, and the upgrade of older ones.

- Schema 5: the present one. It has the names of schema 4, and digests of all members (see `members`).
- Schema 4: values that change what a detector answers and that a reader of schema 3 does not know: types of image,
  localisations, thresholds by source, a direction of outliers.
- Schema 3: the names of schema 4 without these.
- Schema 2, which version 0.1 writes: other names for the same values, and `seen.json` for `training_fingerprint.json`.
- Schema 1 is not read: it has no ONNX model and no golden images.

A reader refuses names that it does not know, so that any new or renamed value needs a new schema: raise `SCHEMA`, upgrade from
the one before it in `upgrade`, and keep a file of each schema in tests/inference/data (scripts/schema_files.py writes it).
"""

from collections.abc import Mapping
from typing import Any

from melanoma_detect.errors import DetectorError

SCHEMA = 5
SCHEMA_WITH_DIGESTS = 5  # the first one
FINGERPRINT_MEMBERS = {2: "seen.json", **dict.fromkeys((3, 4, 5), "training_fingerprint.json")}  # by schema

_CALIBRATION_2 = {"scores": "operating_scores", "least": "conformal_thresholds", "farthest": "ood_threshold"}
_METRICS_2 = {
    "missed": "false_negative_rate",
    "false_alarms": "false_positive_rate",
    "spared": "benign_below_threshold",
}
_IMAGES_2 = {"pictures": "images"}


def upgrade(values: Any) -> dict[str, Any]:
    """Return the values of `detector.json` in the present schema.

    Args:
        values: The values as a file holds them, in any schema that can be read.

    Returns:
        The values under the names of schema 5, which are those of schemas 3 and 4; `values` stays as it was.

    Raises:
        DetectorError: The schema is not one that can be read.
        KeyError: A value is missing.

    Examples:
        >>> upgrade({"schema": 99})
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: its schema is 99; this version reads 2, 3, 4 and 5...
    """
    schema = values.get("schema") if isinstance(values, dict) else None
    if type(schema) is not int or schema not in FINGERPRINT_MEMBERS:  # Python takes true for 1, and 5.0 for 5
        *others, last = map(str, FINGERPRINT_MEMBERS)
        raise DetectorError(
            f"its schema is {schema!r:.60}; this version reads {', '.join(others)} and {last}: update "
            "melanoma-detect, or train and save the detector again"
        )
    return _upgrade_2(values) if schema == 2 else dict(values)


def _upgrade_2(values: Mapping[str, Any]) -> dict[str, Any]:
    """Upgrade from schema 2 to 3."""
    upgraded = _rename(values, {"limits": "input_limits", "figures": "metrics"})
    calibrations = values["calibrations"].items()
    return upgraded | {
        "schema": 3,
        "calibrations": {views: _rename(calibration, _CALIBRATION_2) for views, calibration in calibrations},
        "recipe": _rename(values["recipe"], _IMAGES_2),
        "export": _rename(values["export"], _IMAGES_2),
        "metrics": {split: _upgrade_evaluation_2(evaluation) for split, evaluation in values["figures"].items()},
    }


def _upgrade_evaluation_2(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    return _rename(evaluation, _IMAGES_2) | {"figures": _rename(evaluation["figures"], _METRICS_2)}


def _rename(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in values.items()}
