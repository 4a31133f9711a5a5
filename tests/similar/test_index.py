"""Tests of how an index recognises an image and its lesion, each way by itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError
from melanoma_detect.similar.same_lesion import ImageTraces, read_traces


@pytest.fixture(scope="module")
def index(data, detector):
    """Make an index of the synthetic lesions."""
    return md.similar_index(data, detector, progress=False)


@pytest.fixture
def unknown():
    """Return the traces of an image that nothing is known of."""
    return ImageTraces("photo", "", "", np.empty((0, 32), np.uint8), np.zeros((128, 128), np.float32))


def several(index):
    """Return the positions of a lesion with several images."""
    return next(rows for rows in index.rows_by_group.values() if len(rows) > 1)


def test_an_unknown_image_is_recognised_by_nothing(index, unknown):
    assert index.rows_of(unknown) == []


def test_an_image_leads_to_all_images_of_its_lesion(index, unknown):
    rows = several(index)
    record = index.records[rows[0]]
    assert index.rows_of(unknown._replace(digest=record.digest)) == rows
    assert index.rows_of(unknown._replace(path=str(record.path))) == rows
    assert index.rows_of(unknown._replace(codes=read_traces(record.path).codes)) == rows
    assert index.rows_of(unknown._replace(record=record)) == rows


def test_a_record_of_another_set_is_known_by_its_group(index, unknown):
    rows = several(index)
    other = replace(index.records[rows[0]], id="elsewhere", path=Path("elsewhere.jpg"), digest="0" * 64)
    assert index.rows_of(unknown._replace(record=other)) == rows


def test_an_isic_id_in_the_name_is_enough(index, unknown):
    first = replace(index.records[0], path=Path("a/ISIC_0024306.jpg"))
    named = replace(index, records=(first, *index.records[1:]))
    found = named.rows_of(unknown._replace(source="elsewhere/ISIC_0024306_downsampled.png"))
    assert found == index.rows_by_group[first.group]


def test_an_id_stands_for_its_whole_group(index):
    rows = several(index)
    assert index.rows_named([index.records[rows[1]].id]) == rows
    assert index.rows_named([index.records[rows[0]].group]) == rows
    with pytest.raises(DatasetError, match="exclude="):
        index.rows_named(["nobody"])


def test_lesions_are_counted_once(index, data):
    assert sum(index.diagnoses.values()) == len(index.rows_by_group) < len(data)
    assert repr(index).startswith(f"<SimilarIndex of {len(data)} images of {len(index.rows_by_group)} lesions, by ")
