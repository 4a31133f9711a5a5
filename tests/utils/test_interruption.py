"""Ctrl-C: the note that says what was kept."""

from pathlib import Path

import pytest

from melanoma_detect.utils.interruption import Interruption, interruption_of, noting_interruption


def test_the_note_says_what_was_kept_and_how_to_go_on():
    kept = Interruption("2 epochs are kept in run", "call again with resume=True", Path("run"))
    with pytest.raises(KeyboardInterrupt) as caught, noting_interruption(lambda: kept):
        raise KeyboardInterrupt
    assert caught.value.__notes__ == ["Interrupted: 2 epochs are kept in run; call again with resume=True."]
    assert interruption_of(caught.value) == kept


def test_the_innermost_description_stands():
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        noting_interruption(lambda: Interruption("outer")),
        noting_interruption(lambda: Interruption("inner")),
    ):
        raise KeyboardInterrupt
    assert caught.value.__notes__ == ["Interrupted: inner."]


def test_nothing_is_described_without_an_interruption():
    with noting_interruption(lambda: pytest.fail("described")):
        pass
    with pytest.raises(ValueError, match="bad") as caught, noting_interruption(lambda: pytest.fail("described")):
        raise ValueError("bad")
    assert interruption_of(caught.value) is None
