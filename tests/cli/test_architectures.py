"""Options of architectures on the command line."""

import pytest

from melanoma_detect.cli.architectures import check_architecture, parse_options
from melanoma_detect.errors import ModelError, UnknownModelError


def test_values_have_the_types_of_python():
    given = ["dropout=0.5", "filters=(16, 32)", "count=3", "batch_normalization=True", "flag=false", "until=None"]
    assert parse_options([*given, "weights=a=b"]) == {
        "dropout": 0.5,
        "filters": (16, 32),
        "count": 3,
        "batch_normalization": True,
        "flag": False,
        "until": None,
        "weights": "a=b",
    }
    assert parse_options(None) == {}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["dropout"], "--option dropout: expected NAME=VALUE"),
        (["drop-out=1"], "--option drop-out=1: expected NAME=VALUE"),
        (["dropout=1", "dropout=2"], "--option dropout=2: the option 'dropout' is given twice"),
    ],
)
def test_a_wrong_option_is_named(pairs, message):
    with pytest.raises(ModelError, match=message):
        parse_options(pairs)


def test_an_unknown_architecture_is_refused():
    check_architecture("cnn")
    with pytest.raises(UnknownModelError, match="did you mean 'cnn'"):
        check_architecture("cnnn")
