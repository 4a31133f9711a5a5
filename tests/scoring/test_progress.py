"""The progress bar of scoring."""

import melanoma_detect as md


def test_the_progress_bar_shows_count_and_rate(make_detector, make_images, capsys):
    folder = make_images({f"{number}.png": number for number in range(9)})
    md.score(folder, detector=make_detector(), out="scores.csv", batch_size=2)
    shown = capsys.readouterr().err
    assert "9/9" in shown
    assert "images/s" in shown
