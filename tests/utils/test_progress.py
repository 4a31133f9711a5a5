"""Progress bars."""

from melanoma_detect.utils.progress import progress_bar, track


def test_track_yields_the_items_and_draws_on_standard_error(capsys):
    assert list(track([1, 2, 3], "counting", 3)) == [1, 2, 3]
    captured = capsys.readouterr()
    assert "counting" in captured.err
    assert "3/3" in captured.err
    assert captured.out == ""


def test_a_unit_shows_the_rate(capsys):
    with progress_bar(unit="images") as bar:
        bar.update(bar.add_task("scoring", total=100), completed=100)
    assert "images/s" in capsys.readouterr().err


def test_a_hidden_bar_draws_nothing(capsys):
    assert list(track("abc", "spelling", 3, shown=False)) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""
