"""The whole pass writes a run folder, whole or not at all."""

import json
import warnings

import pytest
from PIL import Image

from melanoma_detect.errors import DatasetError, DataWarning, OutputError, UnknownModelError
from melanoma_detect.pipeline import demo_lesions, run

FILES = {
    "augmentation.png",
    "calibration.png",
    "classes.png",
    "cnn.detector",
    "confusion.png",
    "distribution.png",
    "metrics.json",
    "report.html",
    "roc.png",
    "training.png",
}


@pytest.fixture(scope="module")
def done(lesions, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "deep" / "cnn"
    return run(lesions, out, add=3, epochs=2, image_size=(32, 32), progress=False)


def test_everything_is_in_the_folder(done):
    assert {path.name for path in done.folder.iterdir()} == FILES == {path.name for path in done.files}
    assert [path.name for path in done.folder.parent.iterdir()] == ["cnn"]
    for path in done.folder.glob("*.png"):
        with Image.open(path) as figure:
            assert min(figure.size) > 300


def test_the_metrics_are_the_evaluations(done):
    metrics = json.loads((done.folder / "metrics.json").read_text())
    assert metrics["test"] == json.loads(json.dumps(done.test.to_dict()))
    assert metrics["validation"]["images"] == len(done.data.validation)
    assert metrics["recipe"]["epochs"] == 2
    assert metrics["recipe"]["images"] == len(done.data.train) + 27
    assert metrics["distribution"]["nevus"]["test"] == 4


def test_the_saved_detector_gives_the_same_figures(done):
    import melanoma_detect as md

    assert str(md.Detector.load(done.folder).evaluate(done.data, shortcuts=True)) == str(done.test)


def test_a_run_that_is_there_is_not_overwritten_unasked(done, lesions):
    with pytest.raises(OutputError, match="--overwrite"):
        run(lesions, done.folder, epochs=1)


def test_only_run_folders_are_overwritten(lesions, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(OutputError, match="is no run folder"):
        run(lesions, tmp_path / "thesis", epochs=1, overwrite=True)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


def test_overwriting_replaces(lesions, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("metrics.json", "old.png"):
        (tmp_path / "run" / name).write_text("{}")
    run(lesions, tmp_path / "run", epochs=1, image_size=(32, 32), overwrite=True, progress=False)
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES


def test_what_fails_leaves_nothing_behind(lesions, tmp_path):
    with pytest.raises(UnknownModelError):
        run(lesions, tmp_path / "out" / "run", model="cnnn", progress=False)
    assert not (tmp_path / "out").exists()
    with pytest.raises(DatasetError):
        run(tmp_path / "nowhere", tmp_path / "out" / "run", progress=False)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_run_that_was_cut_off_goes_on(lesions, tmp_path, monkeypatch):
    from melanoma_detect import pipeline

    out, options = tmp_path / "runs" / "cnn", {"epochs": 2, "image_size": (32, 32), "progress": False}
    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "_write_metrics", lambda *_, **__: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt):
            run(lesions, out, **options)
    assert [path.name for path in out.parent.iterdir()] == [".cnn.training"]
    with pytest.raises(OutputError, match=r"cut off; go on with it \(--resume\)"):
        run(lesions, out, **options)
    seen = []
    monkeypatch.setattr("melanoma_detect.training.trainer._fit", lambda *_: seen.append("an epoch anew"))
    done = run(lesions, out, resume=True, **options)
    assert seen == []  # both epochs were done
    assert len(done.detector.history) == 2
    assert [path.name for path in out.parent.iterdir()] == ["cnn"]


def test_starting_anew_takes_away_what_was_left(lesions, tmp_path):
    left = tmp_path / ".run.training" / "last.npz"
    left.parent.mkdir()
    left.write_bytes(b"of another time")
    run(lesions, tmp_path / "run", epochs=1, image_size=(32, 32), overwrite=True, progress=False, precision="auto")
    assert not left.parent.exists()


def test_a_truncated_image_is_named_and_takes_no_part(tree, tmp_path):
    root = tree({"Train/melanoma": 6, "Train/nevus": 6, "Test/melanoma": 2, "Test/nevus": 2})
    victim = root / "Train" / "nevus" / "image_008.png"
    victim.write_bytes(victim.read_bytes()[:400])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(root, tmp_path / "out" / "run", epochs=1, image_size=(32, 32), progress=False)
    assert any("image_008.png" in str(note.message) for note in caught if note.category is DataWarning)
    aside = json.loads((tmp_path / "out" / "run" / "metrics.json").read_text())["set_aside"]
    assert [(entry["id"], entry["kind"]) for entry in aside] == [("Train/nevus/image_008.png", "unreadable")]


def test_unwritable_places(lesions, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        run(lesions, tmp_path / "file", epochs=1)
    with pytest.raises(OutputError, match="cannot be written"):
        run(lesions, tmp_path / "file" / "run", epochs=1)


def test_demo_lesions_are_drawn_once():
    place = demo_lesions(seed=3, size=32)
    times = {path: path.stat().st_mtime_ns for path in place.rglob("*.jpg")}
    assert demo_lesions(seed=3, size=32) == place
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*.jpg")} == times
