"""The conformance kit of melanoma-detect, and a test of an option of our own."""

import pytest

import melanoma_detect as md
from melanoma_detect.testing import MODEL_CHECKS


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_contract(check):
    check("separable_net")


def test_width_makes_it_larger():
    narrow, wide = (md.build_model("separable_net", num_classes=9, width=width).count_params() for width in (8, 16))
    assert narrow < wide
