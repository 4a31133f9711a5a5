"""Everything about one architecture."""

import pytest

import melanoma_detect as md
from melanoma_detect.errors import UnknownModelError


def test_it_says_what_the_builder_takes():
    info = md.model_info("lesion_net")
    assert info.options["depth"].default == 1
    assert info.options["depth"].type == "int"
    assert not info.options["depth"].required
    assert info.parameters == 698_247
    assert "lesion_net(*, input_shape" in info.signature
    assert "lesion_net.py, line" in info.source
    assert "residual" in info.documentation


def test_nothing_is_downloaded_to_count_parameters():
    info = md.model_info("mobilenet_v2:0.35", num_classes=2, input_shape=(64, 64, 3))
    assert (info.name, info.num_classes) == ("mobilenet_v2:0.35", 2)
    assert (
        info.parameters
        == md.build_model("mobilenet_v2:0.35", num_classes=2, input_shape=(64, 64, 3), weights=None).count_params()
    )
    assert info.options["weights"].default == "imagenet"


def test_an_unknown_name_is_answered():
    with pytest.raises(UnknownModelError, match="did you mean 'lesion_net'"):
        md.model_info("lesionnet")
