"""A dataset is a value that cannot hold a leak."""

import pickle
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.record import COLUMNS, Record
from melanoma_detect.errors import DatasetError, LeakError


def record(name, split="train", group=None, **more):
    return Record(name, Path(f"{name}.jpg"), more.pop("label", "nevus"), split, group or name, f"digest {name}", **more)


def test_a_group_in_two_splits_cannot_be_built():
    with pytest.raises(LeakError, match=r"b \(test\) and a \(train\)"):
        Dataset((record("a", group="lesion"), record("b", "test", group="lesion")), ("nevus",))


def test_a_child_in_another_split_than_its_parent_cannot_be_built():
    with pytest.raises(LeakError, match="was made from a"):
        Dataset((record("a", "test"), record("a copy", "train", parent="a")), ("nevus",))


def test_a_child_in_another_group_than_its_parent_cannot_be_built():
    with pytest.raises(LeakError, match="was made from a"):
        Dataset((record("a"), record("a copy", parent="a")), ("nevus",))


def test_with_records_checks_again(data):
    test = data.test.records[0]
    with pytest.raises(LeakError):
        data.with_records([*data.records, replace(test, id="a copy", split="train", parent=test.id)])


def test_ids_are_unique_and_labels_known():
    with pytest.raises(DatasetError, match="more than once"):
        Dataset((record("a"), record("a")), ("nevus",))
    with pytest.raises(DatasetError, match="'melanoma' is not one of nevus"):
        Dataset((record("a", label="melanoma"),), ("nevus",))


def test_it_never_changes(data):
    with pytest.raises(FrozenInstanceError):
        data.records = ()


def test_the_frame_has_the_columns_that_are_promised(data):
    assert tuple(data.frame.columns) == COLUMNS
    assert len(data.frame) == len(data)
    assert set(data.train.frame["split"]) == {"train"}


def test_the_distribution_adds_up(data):
    table = data.distribution()
    assert table["total"].sum() == len(data)
    assert list(table.index) == list(data.classes)
    assert table.loc["melanoma", "test"] == sum(record.label == "melanoma" for record in data.test.records)


def test_labels_are_positions_in_the_classes(data):
    assert [data.classes[label] for label in data.test.labels] == [record.label for record in data.test.records]


def test_pixels_and_batches_and_tf_dataset_show_the_same_images(data):
    pixels = data.test.pixels()
    assert pixels.shape == (len(data.test), 32, 32, 3)
    batches = data.test.batches(batch_size=10)
    joined = np.concatenate([batches[at][0] for at in range(len(batches))])
    np.testing.assert_array_equal(joined, pixels)
    streamed = [(images.numpy(), labels.numpy()) for images, labels in data.test.tf_dataset(batch_size=7)]
    np.testing.assert_array_equal(np.concatenate([images for images, _ in streamed]), pixels)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in streamed]), data.test.labels)


def test_a_part_is_a_sequence_of_records(data):
    assert list(data.test) == list(data.test.records)
    assert data.test[0] is data.test.records[0]


def test_it_says_what_it_is(data):
    assert repr(data).startswith("<Dataset of 9 classes: ")
    assert repr(data.test) == f"<Split test: {len(data.test)} images of 9 classes>"


def test_old_names_warn_and_work(data):
    with pytest.warns(DeprecationWarning, match="use Dataset.get_split"):
        assert data.part("test") == data.test
    with pytest.warns(DeprecationWarning, match="use Split.images"):
        assert data.test.pictures == data.test.images
    with pytest.warns(DeprecationWarning, match="use Record.image"):
        assert data.records[0].picture == data.records[0].image


def test_coarse_is_the_old_name_of_label_groups(data):
    groups = {"either": ("nevus", "melanoma")}
    with pytest.warns(DeprecationWarning, match="use label_groups="):
        old = replace(data, coarse=groups)
    assert old.label_groups == groups
    with pytest.warns(DeprecationWarning, match="use Dataset.label_groups"):
        assert old.coarse == groups
    with pytest.warns(DeprecationWarning, match="use Split.label_groups"):
        assert old.train.coarse == groups


def test_it_can_be_pickled(data):
    again = pickle.loads(pickle.dumps(data))
    assert again == data
    assert len(pickle.dumps(data)) < 2000 * len(data), "neither pixels nor scans"


def test_a_dataset_and_a_split_have_a_hash(data):
    again = replace(data, records=list(data.records), classes=list(data.classes))
    assert hash(again) == hash(data)
    assert again == data
    assert len({data.train, again.train, data.test}) == 2


def test_lists_become_what_the_fields_are(data):
    other = replace(data, image_size=[np.int64(32), 48], batch_size=np.int32(4), classes=list(data.classes))
    assert (other.image_size, other.batch_size, other.classes) == ((32, 48), 4, data.classes)
    with pytest.raises(DatasetError, match="image_size"):
        replace(data, image_size=[32])


def test_an_unknown_split_is_named(data):
    with pytest.raises(DatasetError, match="did you mean 'validation'"):
        data.get_split("validate")
