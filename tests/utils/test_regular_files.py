"""Named pipes, devices, sockets and links to them are refused at every door, at once and without being opened."""

import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.data.dataset_folder import check_dataset_folder
from melanoma_detect.data.scan import digest
from melanoma_detect.data.sources.archives import unpack
from melanoma_detect.data.sources.table_reader import read_table
from melanoma_detect.errors import (
    DatasetError,
    DetectorError,
    ImageError,
    MelanomaDetectError,
    ModelError,
    OutputError,
)
from melanoma_detect.images.frames import is_document, split_frames
from melanoma_detect.images.reader import read_pixels, read_size
from melanoma_detect.scoring.storage import open_store
from melanoma_detect.scoring.table import is_score_table
from melanoma_detect.training import checkpoints
from melanoma_detect.utils.regular_files import check_regular, open_regular

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")

KINDS = {"pipe": "a named pipe", "socket": "a socket", "device": "a device"}


@pytest.fixture(params=KINDS)
def special(request, monkeypatch, tmp_path):
    """A function that makes a file of one of the kinds, and the words that describe it."""

    def make(path):
        if request.param == "pipe":
            os.mkfifo(path)
        elif request.param == "device":
            path.symlink_to("/dev/zero")
        else:
            monkeypatch.chdir(path.parent)  # the name of a socket may have some hundred characters
            with socket.socket(socket.AF_UNIX) as opened:
                opened.bind(path.name)  # the name stays
        return path, KINDS[request.param]

    return make


def test_a_regular_file_is_opened(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"content")
    (tmp_path / "link").symlink_to(path)
    for name in (path, str(path), tmp_path / "link"):
        with open_regular(name, DatasetError) as file:
            assert file.read() == b"content"
            assert not os.get_inheritable(file.fileno())
    check_regular(path, DatasetError)
    check_regular(tmp_path, DatasetError)


def test_nothing_a_folder_and_a_loop_are_errors_of_the_system(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for name in ("nothing", "loop", "."):
        with pytest.raises(OSError, match=r"\[Errno"):
            open_regular(tmp_path / name, DatasetError)


def test_a_path_that_becomes_a_pipe_is_refused_without_waiting(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "a")
    monkeypatch.setattr("melanoma_detect.utils.regular_files.check_regular", lambda path, error: None)
    with pytest.raises(DatasetError, match="a named pipe"):
        open_regular(tmp_path / "a", DatasetError)


def test_special_files_are_refused(special, tmp_path):
    path, what = special(tmp_path / "a.jpg")
    with pytest.raises(DatasetError, match=rf"a\.jpg: is {what}, which is not opened"):
        open_regular(path, DatasetError)
    with pytest.raises(ImageError, match=what):
        check_regular(path, ImageError)


IMAGE_DOORS = {
    "read_pixels": read_pixels,
    "read_size": read_size,
    "digest": digest,
    "predict": lambda path: md.Detector.load().predict(path),
    "explain": lambda path: md.Detector.load().explain(path, progress=False),
}


@pytest.mark.parametrize("door", IMAGE_DOORS.values(), ids=IMAGE_DOORS)
def test_images(door, special, tmp_path):
    path, what = special(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match=what):
        door(path)


def test_frames(special, tmp_path):
    path, what = special(tmp_path / "a.dcm")
    assert split_frames(path) == [path]  # reading it says what is wrong
    assert not is_document(str(path))
    with pytest.raises(ImageError, match=what):
        read_pixels(f"{path}#2")


def test_tables_and_archives(special, tmp_path):
    path, what = special(tmp_path / "a.csv")
    with pytest.raises(DatasetError, match=what):
        read_table(path)
    with pytest.raises(DatasetError, match=what):
        md.score(path, out=tmp_path / "answers.csv")
    with pytest.raises(DatasetError, match=what):
        unpack(path)
    assert not is_score_table(path)


@pytest.mark.parametrize("name", ["a.zip", "a.hdf5", "a.csv", "a.csv.gz", "a.txt", "a", "a.xlsx"])
def test_sources(name, special, tmp_path):
    path, _ = special(tmp_path / name)
    for door in (md.load_dataset, md.audit, lambda path: md.score(path, out=tmp_path / "answers.csv", progress=False)):
        try:
            door(path)
        except MelanomaDetectError:
            continue
        assert (
            "cannot" in (tmp_path / "answers.csv").read_text()
            or "which is not opened" in (tmp_path / "answers.csv").read_text()
        )


def test_detectors(special, tmp_path):
    path, what = special(tmp_path / "a.detector")
    for source in (path, tmp_path):
        with pytest.raises(DetectorError, match=what):
            md.Detector.load(source)


def test_checkpoints(special, tmp_path):
    path, what = special(checkpoints.checkpoint_path(tmp_path))
    with pytest.raises(DetectorError, match=what):
        checkpoints.read(path, {})


@pytest.mark.parametrize("name", ["body.weights.h5", "body.npz"])
def test_weights(name, special, tmp_path):
    path, what = special(tmp_path / name)
    with pytest.raises(ModelError, match=what):
        md.build_model("mobilenet_v2:0.35", num_classes=2, input_shape=(32, 32, 3), weights=path)


def test_shards_of_an_unfinished_run(special, tmp_path):
    store = open_store(str(tmp_path / "scores.csv"))
    store.folder.mkdir()
    _, what = special(store.folder / "run.json")
    with pytest.raises(OutputError, match=what):
        store.read("run.json")


def test_the_table_of_a_folder_that_is_to_be_replaced(special, tmp_path):
    _, what = special(tmp_path / "metadata.csv")
    with pytest.raises(OutputError, match=what):
        check_dataset_folder(tmp_path, overwrite=True)


@pytest.mark.parametrize("name", ["x.jpg", "x", "x.csv", "x.zip", "x.hdf5", "x.dcm", "x.001"])
def test_in_a_folder_they_are_counted_and_stop_nothing(name, special, tree, tmp_path):
    root = tree({"Train/melanoma": 4, "Train/nevus": 4, "Test/melanoma": 1, "Test/nevus": 1})
    _, what = special(root / "Train" / "nevus" / name)
    leads_out = (root / "Train" / "nevus" / name).is_symlink()  # what it leads to is not looked at
    is_image = Path(name).suffix in (".jpg", ".dcm")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = md.load_dataset(root, image_size=(32, 32))
    expected = "leads out" if leads_out else what
    assert [expected in entry.reason for entry in data.set_aside] == [True] * is_image
    result = md.score(root, out=tmp_path / "answers.csv", progress=False)
    row = is_image or (leads_out and Path(name).suffix in ("", ".001"))  # which could be a folder of images
    assert (result.images, result.unreadable) == (10 + row, int(row))


def test_the_command_does_not_wait(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    command = [sys.executable, "-m", "melanoma_detect", "predict", str(tmp_path / "a.jpg")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "a named pipe" in done.stderr
