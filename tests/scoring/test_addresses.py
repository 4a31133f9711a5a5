"""Sources and tables at addresses; fsspec's memory file system replaces a bucket."""

import csv
import io
import uuid
from pathlib import Path

import numpy as np
import pytest
from validate_dicom import write_image

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, OutputError
from melanoma_detect.scoring import workers

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'melanoma-detect[ray]'")


@pytest.fixture
def bucket(make_images):
    """An address with visible, hidden and broken images, and a table of them."""
    folder = make_images({"a.png": 250, "deep/b, c.png": 1, "deep/d.png": 2, ".hidden/e.png": 3})
    (folder / "bad.jpg").write_text("no image")
    (folder / "list.csv").write_text('path\ndeep/d.png\n"deep/b, c.png"\ngone.png\n')
    address = f"memory://{uuid.uuid4().hex}"
    fsspec.filesystem("memory").put(f"{folder}/", address, recursive=True)
    yield address
    fsspec.filesystem("memory").rm(address, recursive=True)


def score(sources, detector, out, **settings):
    return md.score(sources, detector=detector, out=out, progress=False, **settings)


def read(address):
    with fsspec.open(address, "rb") as file:
        return list(csv.DictReader(io.StringIO(file.read().decode(), newline="")))


def test_images_and_the_table_may_be_at_addresses(make_detector, bucket):
    out = f"{bucket}/results/scores.csv"
    result = score(bucket, make_detector(), out)
    rows = read(out)
    names = ["a.png", "bad.jpg", "deep/b, c.png", "deep/d.png"]
    assert [row["path"] for row in rows] == [f"{bucket}/{name}" for name in names]
    assert [row["decision"] for row in rows] == ["alert", "refer", "clear", "clear"]
    assert f"{bucket}/bad.jpg: not an image" in rows[1]["error"]
    assert (result.images, result.unreadable) == (4, 1)
    assert fsspec.filesystem("memory").ls(f"{bucket}/results", detail=False) == [out.removeprefix("memory:/")]


def test_rows_are_the_same_as_for_local_files(make_detector, bucket, make_images):
    score(bucket, make_detector(), f"{bucket}/scores.csv")
    score(make_images({}), make_detector(), "scores.csv")
    with Path("scores.csv").open(encoding="utf-8", newline="") as file:
        local = list(csv.DictReader(file))
    remote = read(f"{bucket}/scores.csv")
    for row in (*local, *remote):
        row["path"] = row["path"].rpartition("/")[2]
        row["error"] = bool(row["error"])
    assert local == remote


def test_a_table_of_paths_may_be_at_an_address(make_detector, bucket):
    score(f"{bucket}/list.csv", make_detector(), "scores.csv")
    with Path("scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == ["deep/d.png", "deep/b, c.png", "gone.png"]
    assert "gone.png: no such file" in rows[2]["error"]


def test_an_interrupted_run_at_an_address_resumes(make_detector, bucket, monkeypatch):
    from melanoma_detect.scoring.resume import ScoringState

    def save_two(self, shard, rows):
        if shard.number == 2:
            raise KeyboardInterrupt
        save(self, shard, rows)

    out, save = f"{bucket}/results/scores.parquet", ScoringState.save
    with monkeypatch.context() as patch:
        patch.setattr(ScoringState, "save", save_two)
        with pytest.raises(KeyboardInterrupt):
            score(bucket, make_detector(), out, shard_size=1)
    with pytest.raises(OutputError, match="another detector"):
        score(bucket, make_detector(scale=1.0), out, shard_size=1)
    assert score(bucket, make_detector(), out, shard_size=1).resumed == 2
    with pytest.raises(OutputError, match="already exists"):
        score(bucket, make_detector(), out)
    assert score(bucket, make_detector(scale=1.0), out, overwrite=True).resumed == 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nobody://folder/a.jpg", "nobody://folder/a.jpg: cannot be reached"),
        ("memory://nowhere", "no such file; expected images"),
        ("memory://nowhere.zip", "a zip archive at an address; unpack it there"),
    ],
)
def test_invalid_addresses_raise_errors(make_detector, source, message):
    with pytest.raises(DatasetError, match=message):
        score(source, make_detector(), "scores.csv")


def test_temporary_failures_are_retried(make_detector, bucket, monkeypatch):
    attempts = []
    open_binary = workers.open_binary

    def fail_twice(address):
        attempts.append(address)
        if len(attempts) < 3:
            raise ConnectionResetError("reset by peer")
        return open_binary(address)

    monkeypatch.setattr(workers, "open_binary", fail_twice)
    monkeypatch.setattr(workers, "_FIRST_DELAY", 0.0)
    assert score(f"{bucket}/a.png", make_detector(), "scores.csv").alerts == 1
    assert len(attempts) == 3


def test_an_address_without_fsspec_names_the_extra(make_detector, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(DatasetError, match=r"pip install 'melanoma-detect\[ray\]'"):
        score("s3://bucket/a.jpg", make_detector(), "scores.csv")


def test_frames_of_a_file_at_an_address(make_detector, bucket, tmp_path):
    write_image(tmp_path / "f.dcm", np.stack([np.full((8, 8, 3), each, np.uint8) for each in (250, 5, 250)]))
    fsspec.filesystem("memory").put(str(tmp_path / "f.dcm"), f"{bucket}/dicom/f.dcm")
    score(f"{bucket}/dicom", make_detector(), f"{bucket}/scores.csv")
    rows = read(f"{bucket}/scores.csv")
    assert [row["path"] for row in rows] == [f"{bucket}/dicom/f.dcm#{each}" for each in (1, 2, 3)]
    assert [row["decision"] for row in rows] == ["alert", "clear", "alert"]
    with fsspec.open(f"{bucket}/names.txt", "w") as file:
        file.write("dicom/f.dcm#2\ndicom/f.dcm#4\ndicom/gone.dcm#1")
    score(f"{bucket}/names.txt", make_detector(), f"{bucket}/named.csv")
    named = read(f"{bucket}/named.csv")
    assert [row["decision"] for row in named] == ["clear", "refer", "refer"]
    assert "names frame 4, and the file has 3" in named[1]["error"]
    assert "gone.dcm" in named[2]["error"]
