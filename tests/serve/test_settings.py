"""The settings of the service."""

import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.serve.settings import ServeSettings


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_files": 0}, "max_files=0; expected a number over 0"),
        ({"seconds": float("nan")}, "seconds=nan"),
        ({"seconds": float("inf")}, "seconds=inf"),
        ({"max_pixels": 200_000_001}, "expected at most 200000000"),
        ({"max_total_bytes": 10}, "expected at least max_request_bytes"),
        ({"threads": 0}, "threads=0"),
    ],
)
def test_a_limit_that_limits_nothing_is_refused(limits, words):
    with pytest.raises(DetectorError, match=words):
        ServeSettings(**limits)


def test_the_token_comes_from_the_environment(monkeypatch):
    assert ServeSettings.from_environment({}).token is None
    assert ServeSettings.from_environment({"MELANOMA_DETECT_TOKEN": "a-token-of-a-file-of-secrets\n"}, max_files=2) == (
        ServeSettings(token="a-token-of-a-file-of-secrets", max_files=2)
    )
