"""The pipeline writes a run folder, completely or not at all."""

import json
import shutil
import warnings

import pytest
from PIL import Image

from melanoma_detect.errors import DatasetError, DataWarning, DetectorError, OutputError, UnknownModelError
from melanoma_detect.pipeline import demo_lesions, run
from melanoma_detect.utils.interruption import interruption_of

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
def finished(lesions, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "deep" / "cnn"
    return run(lesions, out, add=3, epochs=2, image_size=(32, 32), progress=False)


def test_the_run_folder_has_every_file(finished):
    assert {path.name for path in finished.folder.iterdir()} == FILES == {path.name for path in finished.files}
    assert [path.name for path in finished.folder.parent.iterdir()] == ["cnn"]
    for path in finished.folder.glob("*.png"):
        with Image.open(path) as figure:
            assert min(figure.size) > 300


def test_metrics_json_holds_the_evaluations(finished):
    metrics = json.loads((finished.folder / "metrics.json").read_text())
    assert metrics["test"] == json.loads(json.dumps(finished.test.to_dict()))
    assert metrics["validation"]["images"] == len(finished.data.validation)
    assert metrics["recipe"]["epochs"] == 2
    assert metrics["recipe"]["images"] == len(finished.data.train) + 27
    assert metrics["distribution"]["nevus"]["test"] == 4


def test_the_saved_detector_has_the_same_evaluation(finished):
    import melanoma_detect as md

    assert str(md.Detector.load(finished.folder).evaluate(finished.data, shortcuts=True)) == str(finished.test)


def test_an_existing_run_is_not_overwritten_by_default(finished, lesions):
    with pytest.raises(OutputError, match="overwrite=True"):
        run(lesions, finished.folder, epochs=1)


def test_only_run_folders_are_overwritten(lesions, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(OutputError, match="is not a run folder"):
        run(lesions, tmp_path / "thesis", epochs=1, overwrite=True)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


def test_overwrite_replaces_all_files(lesions, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("metrics.json", "old.png"):
        (tmp_path / "run" / name).write_text("{}")
    run(lesions, tmp_path / "run", epochs=1, image_size=(32, 32), overwrite=True, progress=False)
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES


def test_a_failed_run_leaves_no_files(lesions, tmp_path):
    with pytest.raises(UnknownModelError):
        run(lesions, tmp_path / "out" / "run", model="cnnn", progress=False)
    assert not (tmp_path / "out").exists()
    with pytest.raises(DatasetError):
        run(tmp_path / "nowhere", tmp_path / "out" / "run", progress=False)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_interrupted_run_resumes(lesions, tmp_path, monkeypatch):
    from melanoma_detect import pipeline

    out, options = tmp_path / "runs" / "cnn", {"epochs": 2, "image_size": (32, 32), "progress": False}
    checkpoint = out.parent / ".cnn.training" / "last.npz"
    options["callbacks"] = ["csv", "tensorboard"]
    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "_write_metrics", lambda *_, **__: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt) as caught:
            run(lesions, out, **options)
    assert interruption_of(caught.value).path == checkpoint
    assert "resume=True" in caught.value.__notes__[0]
    assert [path.name for path in out.parent.iterdir()] == [".cnn.training"]
    assert len((checkpoint.parent / "logs" / "epochs.csv").read_text().splitlines()) == 3
    with pytest.raises(OutputError, match=r"was interrupted; resume it \(resume=True\)"):
        run(lesions, out, **options)
    epochs = []
    monkeypatch.setattr("melanoma_detect.training.trainer._train_phase", lambda *_: epochs.append("trained"))
    finished = run(lesions, out, resume=True, **options)
    assert epochs == []  # both are in the checkpoint
    assert len(finished.detector.history) == 2
    assert [path.name for path in out.parent.iterdir()] == ["cnn"]
    assert len((out / "logs" / "epochs.csv").read_text().splitlines()) == 3
    assert list((out / "logs" / "tensorboard" / "train").iterdir())


def test_an_unknown_callback_is_an_error_before_the_images_are_loaded(tmp_path):
    with pytest.raises(DetectorError, match="did you mean 'tensorboard'"):
        run(tmp_path / "nothing", tmp_path / "run", callbacks=["tensorbord"])


@pytest.mark.slow
def test_overwrite_deletes_an_old_checkpoint(lesions, tmp_path):
    checkpoint = tmp_path / ".run.training" / "last.npz"
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"of another time")
    run(lesions, tmp_path / "run", epochs=1, image_size=(32, 32), overwrite=True, progress=False, precision="auto")
    assert not checkpoint.parent.exists()


def test_a_truncated_image_is_reported_and_excluded(tree, tmp_path):
    root = tree({"Train/melanoma": 6, "Train/nevus": 6, "Test/melanoma": 2, "Test/nevus": 2})
    victim = root / "Train" / "nevus" / "image_008.png"
    victim.write_bytes(victim.read_bytes()[:400])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(root, tmp_path / "out" / "run", epochs=1, image_size=(32, 32), progress=False)
    assert any("image_008.png" in str(note.message) for note in caught if note.category is DataWarning)
    excluded = json.loads((tmp_path / "out" / "run" / "metrics.json").read_text())["set_aside"]
    assert [(entry["id"], entry["kind"]) for entry in excluded] == [("Train/nevus/image_008.png", "unreadable")]


def test_paths_that_cannot_be_written_raise_errors(lesions, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        run(lesions, tmp_path / "file", epochs=1)
    with pytest.raises(OutputError, match="cannot be written"):
        run(lesions, tmp_path / "file" / "run", epochs=1)


def test_demo_lesions_are_drawn_once():
    folder = demo_lesions(seed=3, size=32)
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.jpg")}
    assert demo_lesions(seed=3, size=32) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.jpg")} == times


def test_a_run_folder_that_holds_the_images_is_refused(lesions, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.json").touch()
    shutil.copytree(lesions / "Test", tmp_path / "run" / "images")
    with pytest.raises(OutputError, match="run: holds the input"):
        run(tmp_path / "run" / "images", tmp_path / "run", epochs=1, overwrite=True)
    with pytest.raises(OutputError, match=r"labels\.csv; choose a folder outside"):
        run(None, tmp_path / "run", images=lesions, labels=tmp_path / "run" / "labels.csv", epochs=1, overwrite=True)
    assert (tmp_path / "run" / "images" / "melanoma").is_dir()
