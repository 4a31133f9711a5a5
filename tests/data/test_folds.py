"""Cross-validation that keeps every lesion on one side."""

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError


@pytest.fixture(scope="module")
def lesions(tmp_path_factory):
    folder = md.write_samples(tmp_path_factory.mktemp("folds") / "set", train=20, test=3, size=32)
    return md.load_dataset(folder, image_size=(32, 32))


def test_each_image_is_held_out_once(lesions):
    pool = {record.id for record in (*lesions.train, *lesions.validation)}
    held_out = [record.id for fold in md.folds(lesions, 4) for record in fold.test]
    assert sorted(held_out) == sorted(pool)


def test_no_lesion_stands_on_two_sides(lesions):
    for fold in md.folds(lesions, 3):
        sides = [{record.group for record in part} for part in (fold.train, fold.validation, fold.test)]
        assert not sides[0] & sides[1]
        assert not (sides[0] | sides[1]) & sides[2]
        assert all(sides)


def test_every_class_is_in_every_fold(lesions):
    assert all(
        (fold.distribution()[["train", "validation", "test"]] > 0).all(axis=None) for fold in md.folds(lesions, 3)
    )


def test_the_datasets_own_test_takes_no_part(lesions):
    own = {record.id for record in lesions.test}
    assert not any(own & {record.id for record in fold.records} for fold in md.folds(lesions, 2))


def test_copies_and_weights_of_balance_are_left_out(lesions):
    weighted = md.balance(lesions, to=40, method="weights")
    assert all(record.weight == 1 for fold in md.folds(weighted, 2) for record in fold.records)


def test_the_seed_decides(lesions):
    one, again, other = ([tuple(fold.test.paths) for fold in md.folds(lesions, 3, seed=seed)] for seed in (1, 1, 2))
    assert one == again != other


def test_slips_are_answered(lesions):
    with pytest.raises(DatasetError, match="2 folds or more"):
        list(md.folds(lesions, 1))
    few = lesions.with_records(lesions.train.records[:3])
    with pytest.raises(DatasetError, match="5 folds of 3 lesions"):
        list(md.folds(few, 5))
