"""Signatures of builders, and the check of options against their annotations."""

from collections.abc import Sequence
from typing import Optional

import numpy as np
import pytest

from melanoma_detect.errors import ModelError
from melanoma_detect.models.registry import ModelEntry
from melanoma_detect.models.signatures import check_options

ENTRY = ModelEntry("net", "my-package", "1.0", "my_package:net")


def net(
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    width: int = 8,
    dropout: float = 0.2,
    pooling: "str | None" = None,
    deep: bool = False,
    rate: Optional[float] = None,  # noqa: UP045 - the older spelling is understood too
    filters: Sequence[int] = (1,),
    variant: float = 1.0,
    later: int = None,  # noqa: RUF013 - as authors write it
) -> None:
    """Stand for a builder, whose options have annotations of every kind."""


def call(**options):
    check_options(ENTRY, net, {"input_shape": (32, 32, 3), "num_classes": 2, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": "big"}, r"architecture 'net': width='big' \(str\); expected int"),
        ({"width": 8.5}, r"width=8\.5 \(float\); expected int"),
        ({"width": True}, r"width=True \(bool\); expected int"),
        ({"width": None}, r"width=None \(NoneType\); expected int"),
        ({"dropout": "0.5"}, r"dropout='0\.5' \(str\); expected float"),
        ({"pooling": 3}, r"pooling=3 \(int\); expected str or None"),
        ({"deep": 1}, r"deep=1 \(int\); expected bool"),
        ({"rate": "fast"}, r"rate='fast' \(str\); expected float or None"),
        ({"image_size": (64, 64)}, "no option image_size"),
        ({"widht": 3}, "unexpected keyword argument 'widht'"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(options, message):
    with pytest.raises(ModelError, match=message):
        call(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"width": np.int64(3)},
        {"dropout": 1},
        {"dropout": np.float32(0.1)},
        {"pooling": None},
        {"pooling": "max"},
        {"deep": True},
        {"rate": None},
        {"filters": "anything"},  # no simple annotation
        {"variant": "0.35"},  # as in "net:0.35"
        {"later": None},  # its default, whatever the annotation says
    ],
)
def test_values_that_an_annotation_allows_pass(options):
    call(**options)
