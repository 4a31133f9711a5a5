"""Where an author's code raised an error."""

import functools

import pytest

from melanoma_detect.models.cnn import build as cnn
from melanoma_detect.testing.place import raised_at


def helper():
    return {}["missing"]


def build(*, input_shape, num_classes):
    try:
        return helper()
    except KeyError as error:
        raise RuntimeError("cannot be built") from error


def catch(function, **arguments):
    with pytest.raises((KeyError, RuntimeError, ValueError)) as raised:
        function(**arguments)
    return raised.value


def test_the_first_cause_is_named():
    line = helper.__code__.co_firstlineno + 1
    assert raised_at(catch(build, input_shape=(8, 8, 3), num_classes=2), build) == f"{__file__}, line {line}"


def test_code_of_others_is_not_named():
    assert raised_at(ValueError("never raised"), build) is None
    error = catch(functools.partial(int, "text"))
    assert raised_at(error, cnn) is None


def test_an_error_that_is_its_own_cause_ends():
    error = catch(helper)
    error.__context__ = ValueError("other")
    error.__context__.__context__ = error
    assert raised_at(error, build).startswith(__file__)
