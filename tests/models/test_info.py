"""Information about an architecture."""

import pytest

import melanoma_detect as md
from melanoma_detect.errors import UnknownModelError


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


def test_unknown_name_suggests_a_similar_one():
    with pytest.raises(UnknownModelError, match="did you mean 'lesion_net'"):
        md.model_info("lesionnet")
