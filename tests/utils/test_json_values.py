"""Values as strict JSON; `tests/cli/test_json_output.py` has the rest, as commands print it."""

import json
from pathlib import Path

import numpy as np

from melanoma_detect.utils.json_values import to_json


def test_what_json_cannot_hold_becomes_what_it_can():
    value = {1: (np.float32(0.5), float("inf")), "path": Path("n\udce4vus.jpg"), "none": None, "array": np.eye(2)}
    expected = {"1": [0.5, None], "path": "n\\udce4vus.jpg", "none": None, "array": [[1.0, 0.0], [0.0, 1.0]]}
    assert json.loads(json.dumps(to_json(value), allow_nan=False)) == expected
