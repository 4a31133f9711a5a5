"""Building a model from a name or a function."""

import keras
import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import ContractError, ModelError
from melanoma_detect.models.cnn import build

SMALL = {"num_classes": 3, "input_shape": (32, 32, 3)}


def test_function_instead_of_a_name():
    model = md.build_model(build, **SMALL)
    assert model.output_shape == (None, 3)
    assert model.architecture["name"] == "build"


def test_same_seed_gives_the_same_initial_weights():
    first, again, other = (md.build_model(**SMALL, seed=seed).get_weights() for seed in (1, 1, 2))
    for expected, actual in zip(first, again, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert not np.array_equal(first[0], other[0])


def test_options_reach_the_builder_and_are_recorded():
    model = md.build_model("cnn", filters=(4, 8), dropout=0.5, **SMALL)
    assert [layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D)] == [4, 8]
    assert model.architecture["options"] == {"filters": "(4, 8)", "dropout": 0.5}


def test_unknown_option_shows_the_signature():
    with pytest.raises(ModelError, match=r"unexpected keyword argument 'filter'.*its builder is cnn\(\*, input_shape"):
        md.build_model("cnn", filter=3, **SMALL)


def test_error_in_a_builder_keeps_its_type_and_gets_a_note():
    def broken(*, input_shape, num_classes):
        raise ZeroDivisionError("no layers")

    with pytest.raises(ZeroDivisionError) as caught:
        md.build_model(broken, **SMALL)
    assert "while building architecture 'broken'" in caught.value.__notes__[0]


def test_breach_of_the_contract_raises():
    with pytest.raises(ContractError, match="returned NoneType"):
        md.build_model(lambda *, input_shape, num_classes: None, **SMALL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_classes": 1}, "2 or more"),
        ({"num_classes": 3, "input_shape": 32}, r"expected \(height, width, 3\)"),
        ({"num_classes": 3, "input_shape": (32, 32, 1)}, r"expected \(height, width, 3\)"),
        ({"num_classes": "nine"}, "num_classes='nine'; expected a whole number, 2 or more: len"),
        ({"num_classes": 3.0}, r"num_classes=3\.0"),
        ({"num_classes": 3, "image_size": (64, 64)}, r"no option image_size; a model's size is input_shape="),
        ({"architecture": keras.Sequential(name="net"), "num_classes": 3}, "'net' is a model already: pass it to Det"),
        ({"architecture": 7, "num_classes": 3}, "7 is not an architecture"),
    ],
)
def test_invalid_arguments_raise(options, message):
    with pytest.raises(ModelError, match=message):
        md.build_model(**options)


def test_value_and_type_errors_of_a_builder_name_it_its_options_and_its_line():
    def pooled(*, input_shape, num_classes, pooling="avg"):
        raise ValueError(f"pooling={pooling!r}; expected 'avg'")

    with pytest.raises(
        ModelError,
        match=r"architecture 'pooled' cannot be built with .*num_classes=3, pooling='max': pooling='max'; expected 'avg' "
        r"\(.*test_build\.py, line \d+\)",
    ):
        md.build_model(pooled, pooling="max", **SMALL)


def test_an_error_inside_keras_names_the_line_of_the_builder():
    def odd(*, input_shape, num_classes, width=None):
        return keras.layers.Dense(width)

    line = odd.__code__.co_firstlineno + 1
    with pytest.raises(ModelError, match=rf"width='big': .*test_build\.py, line {line}\)"):
        md.build_model(odd, width="big", **SMALL)
