"""The level of another library's log."""

import logging

import pytest

from melanoma_detect.utils.log_levels import log_level


def fail_at_error_level():
    with log_level("some library", logging.ERROR):
        assert logging.getLogger("some library").level == logging.ERROR
        raise ValueError("of the block")


def test_level_holds_for_the_block_and_comes_back_after_an_error():
    logger = logging.getLogger("some library")
    logger.setLevel(logging.INFO)
    with pytest.raises(ValueError, match="of the block"):
        fail_at_error_level()
    assert logger.level == logging.INFO
