"""The terms of the default detector."""

import pytest

from melanoma_detect.utils.disclaimer import TERMS, log_terms


@pytest.mark.parametrize("collection", ["HAM10000", "MILK10k", "ISIC archive", "ISIC 2020", "PAD-UFES-20"])
def test_the_terms_name_every_collection_that_was_learnt_from(collection):
    assert collection in TERMS


def test_the_terms_are_logged_once(caplog):
    log_terms.cache_clear()
    log_terms()
    log_terms()
    assert [record.message for record in caplog.records] == [TERMS]
