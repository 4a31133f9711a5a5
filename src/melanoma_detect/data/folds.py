"""Cross-validation that keeps every lesion on one side."""

from collections.abc import Iterator
from dataclasses import replace

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.record import Record
from melanoma_detect.data.splits import cut, group_folds
from melanoma_detect.errors import DatasetError


def folds(data: Dataset, count: int = 5, *, validation: float = 0.15, seed: int = 123) -> Iterator[Dataset]:
    """Cut a dataset into folds: each image of train and validation is in `test` once, its lesion wholly with it.

    Copies made by `balance` are left out: balance each fold by itself. The dataset's own test split takes no part.

    Args:
        data: From `load_dataset`.
        count: How many folds.
        validation: The fraction of the images outside the fold that training stops by and thresholds are set on.
        seed: Where the folds come from.

    Yields:
        One dataset a fold.

    Raises:
        DatasetError: Fewer than two folds, or fewer lesions than folds.

    Examples:
        >>> [len(fold.test) for fold in folds(data, 2)]
        [..., ...]
    """
    pool = [replace(record, split="train", weight=1.0) for record in data.records if _takes_part(record)]
    if count < 2:
        raise DatasetError(f"count={count}; expected 2 folds or more")
    for fold in group_folds(pool, count, seed=seed):
        held_out = {pool[at].id for at in fold}
        others = [record for record in pool if record.id not in held_out]
        # A class that is too rare to be in validation as well stays in train.
        rest = cut(others, "validation", validation, seed=seed, classes=())
        test = [replace(record, split="test") for record in pool if record.id in held_out]
        yield data.with_records([*rest, *test])


def _takes_part(record: Record) -> bool:
    return record.split != "test" and record.parent is None
