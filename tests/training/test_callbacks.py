"""Callbacks: the progress of a training on standard error."""

import melanoma_detect as md


def test_each_epoch_prints_a_line(data, capsys):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    md.Detector.fit(model, data, epochs=2, progress=True)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch ") and "loss" in line]
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"]
    assert all("val" in line and len(line) <= 80 for line in lines)
    assert lines[0].endswith("best")


def test_progress_can_be_turned_off(data, capsys):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    detector = md.Detector.fit(model, data, epochs=1, progress=False)
    assert "epoch" not in "".join(capsys.readouterr())
    assert (detector.history["seconds"] > 0).all()
