"""The terms of the default detector."""

from melanoma_detect.utils.disclaimer import TERMS, log_terms


def test_the_terms_are_logged_once(caplog):
    log_terms.cache_clear()
    log_terms()
    log_terms()
    assert [record.message for record in caplog.records] == [TERMS]
