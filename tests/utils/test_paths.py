"""What stands for a path but is none: an error of this library at every door, never one of Python's."""

from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.data.dataset_folder import write_dataset
from melanoma_detect.data.sources.folders import read_folder
from melanoma_detect.errors import DatasetError, DetectorError, ImageError, MelanomaDetectError, ModelError, OutputError
from melanoma_detect.pipeline import run
from melanoma_detect.training.checkpoints import checkpoint_path
from melanoma_detect.utils.paths import expand_path, path_text


class Named:
    """An object that stands for a path, with any answer to what it is."""

    def __init__(self, answer):
        self.answer = answer

    def __fspath__(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


ANSWERS = {
    "number": Named(3),
    "nothing": Named(None),
    "bytes": Named(b"a"),
    "failure": Named(RuntimeError("it was closed")),
    "zero byte": Named("a\0b"),
    "too long": Named("a" * 5000),
}


@pytest.fixture(params=ANSWERS)
def no_path(request):
    return ANSWERS[request.param]


DOORS = {
    "Detector.load": (DetectorError, lambda path, _: md.Detector.load(path)),
    "trusted_keys": (DetectorError, lambda path, _: md.Detector.load(trusted_keys=path)),
    "save": (OutputError, lambda path, detector: detector.save(path)),
    "sign_key": (DetectorError, lambda path, detector: detector.save("a.detector", sign_key=path)),
    "predict": (ImageError, lambda path, detector: detector.predict(path)),
    "predict a list": (ImageError, lambda path, detector: detector.predict([path])),
    "explain": (ImageError, lambda path, detector: detector.explain(path, progress=False)),
    "export": (OutputError, lambda path, detector: detector.export("onnx", path)),
    "load_dataset": (DatasetError, lambda path, _: md.load_dataset(path)),
    "images=": (DatasetError, lambda path, _: md.load_dataset(images=[path], labels={"a": "nevus"})),
    "audit": (DatasetError, lambda path, _: md.audit(path)),
    "read_folder": (DatasetError, lambda path, _: read_folder(path)),
    "score": (DatasetError, lambda path, detector: md.score(path, detector=detector, out="a.csv")),
    "score a list": (DatasetError, lambda path, detector: md.score([path], detector=detector, out="a.csv")),
    "weights=": (ModelError, lambda path, _: md.build_model("mobilenet_v2:0.35", num_classes=2, weights=path)),
    "checkpoint=": (DetectorError, lambda path, _: checkpoint_path(path)),
    "write_samples": (OutputError, lambda path, _: md.write_samples(path, train=2, test=1, size=32)),
}


@pytest.mark.parametrize("door", DOORS)
def test_no_path_is_an_error_of_this_library(door, no_path, detector):
    error, call = DOORS[door]
    with pytest.raises(error):
        call(no_path, detector)


FOLDER_DOORS = {
    "labels=": lambda path, folder, _: md.load_dataset(images=folder, labels=path),
    "truth=": lambda path, folder, _: md.load_dataset(folder, truth=path),
    "squashed=": lambda path, folder, _: md.load_dataset(folder, squashed={path: "4:3"}),
    "out of score": lambda path, folder, detector: md.score(folder, detector=detector, out=path),
    "detector of score": lambda path, folder, _: md.score(folder, detector=path, out="a.csv"),
    "run": lambda path, folder, _: run(folder, path),
}


@pytest.mark.parametrize("door", FOLDER_DOORS.values(), ids=FOLDER_DOORS)
@pytest.mark.filterwarnings("ignore")
def test_beside_a_folder_of_images(door, no_path, lesions, detector):
    with pytest.raises(MelanomaDetectError):
        door(no_path, lesions, detector)


def test_outputs_of_a_dataset(no_path, data):
    with pytest.raises(OutputError):
        write_dataset(data, no_path, progress=False)
    with pytest.raises(OutputError):
        md.balance(data, to=30, cache=no_path, progress=False)


def test_the_message_says_what_was_found_and_what_was_expected():
    with pytest.raises(DatasetError, match=r"is not a path \(it was closed\); expected the path of a table"):
        path_text(Named(RuntimeError("it was closed")), DatasetError, "the path of a table")
    with pytest.raises(ImageError, match="is not a path, but bytes"):
        path_text(b"a", ImageError)

    class Silent:
        __repr__ = None

    with pytest.raises(ImageError, match="an object of the type Silent is not a path"):
        path_text(Silent(), ImageError)


def test_sound_paths(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_text(Named("a"), OutputError) == "a"
    assert expand_path(Named("~/a")) == expand_path("~/a") == expand_path(Path("~/a")) == tmp_path / "a"
    assert expand_path("~nobody-of-this-name/a") == Path("~nobody-of-this-name/a")
    assert checkpoint_path("~/run") == tmp_path / "run" / "last.npz"
