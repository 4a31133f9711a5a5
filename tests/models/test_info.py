"""Information about an architecture."""

import keras
import pytest

import melanoma_detect as md
from melanoma_detect.errors import ModelError, UnknownModelError
from melanoma_detect.models import lesion_net


def test_options_and_parameters_of_a_builder():
    info = md.model_info("lesion_net")
    assert info.options["depth"].default == 1
    assert info.options["depth"].type == "int"
    assert not info.options["depth"].required
    assert info.parameters == 698_247
    assert "lesion_net(*, input_shape" in info.signature
    assert "lesion_net.py, line" in info.source
    assert "residual" in info.documentation


def test_parameters_are_counted_without_a_download():
    info = md.model_info("mobilenet_v2:0.35", num_classes=2, input_shape=(64, 64, 3))
    assert (info.name, info.num_classes) == ("mobilenet_v2:0.35", 2)
    assert (
        info.parameters
        == md.build_model("mobilenet_v2:0.35", num_classes=2, input_shape=(64, 64, 3), weights=None).count_params()
    )
    assert info.options["weights"].default == "imagenet"


def test_option_without_annotation_has_no_type():
    def build(*, input_shape, num_classes, width=16, depth: int = 3):
        """Build it."""
        return md.build_model("cnn", input_shape=input_shape, num_classes=num_classes)

    options = md.model_info(build, input_shape=(32, 32, 3)).options
    assert [str(option) for option in options.values()] == ["width = 16", "depth: int = 3"]
    assert options["width"].type == ""


def test_unknown_name_suggests_a_similar_one():
    with pytest.raises(UnknownModelError, match="did you mean 'lesion_net'"):
        md.model_info("lesionnet")


def mine(*, input_shape, num_classes, width: int = 4):
    """Build a network of my own."""
    return lesion_net.build(input_shape=input_shape, num_classes=num_classes, widths=(width, 2 * width))


def test_a_function_is_described_too():
    info = md.model_info(mine, input_shape=(32, 32, 3))
    assert (info.name, info.package, info.options["width"].default) == ("mine", "(a function)", 4)
    assert str(info).startswith("mine (a function): A network of my own.\n")
    assert "test_info.py, line" in info.source


def test_a_model_is_no_architecture():
    with pytest.raises(ModelError, match=r"'mine' is a model already: pass it to Detector\.fit"):
        md.model_info(keras.Sequential(name="mine"))


def test_descriptions_say_what_an_architecture_is():
    descriptions = [entry.description for entry in md.list_models()]
    assert not any(text.startswith("Build") for text in descriptions)
    assert any(text.startswith("The assignment's network") for text in descriptions)
