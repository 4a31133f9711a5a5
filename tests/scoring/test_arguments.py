"""Arguments of `score`."""

from pathlib import Path

import pytest

from melanoma_detect.errors import DatasetError
from melanoma_detect.scoring.arguments import absolute_path, check_options, source_paths

FINE = {"batch_size": 1, "workers": None, "shard_size": 1, "sort": None, "engine": "local"}


def test_sources_become_a_list_of_texts():
    assert source_paths("a.jpg") == ["a.jpg"]
    assert source_paths([Path("a.jpg"), b"b.jpg", "~/c"]) == ["a.jpg", "b.jpg", str(Path("~/c").expanduser())]
    assert source_paths("s3://bucket/~x") == ["s3://bucket/~x"]
    assert absolute_path("a.jpg") == str(Path("a.jpg").absolute())


@pytest.mark.parametrize("sources", [[], 3, [3], "", "a\0b"])
def test_what_is_no_path_is_refused(sources):
    with pytest.raises(DatasetError, match="expected images, folders, zips or tables"):
        source_paths(sources)


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"workers": 0}, {"shard_size": -1}, {"sort": "name"}, {"engine": "spark"}]
)
def test_wrong_options_are_refused(wrong):
    check_options(**FINE)
    [(name, value)] = wrong.items()
    with pytest.raises(DatasetError, match=f"{name}={value!r}; expected"):
        check_options(**FINE | wrong)
