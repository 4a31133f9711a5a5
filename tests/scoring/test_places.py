"""Images and results elsewhere: fsspec's memory stands for a bucket."""

import csv
import io
import uuid
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, OutputError
from melanoma_detect.scoring import workers

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'melanoma-detect[ray]'")


@pytest.fixture
def bucket(shades):
    """An address with four images, one of them bad, and tables of them."""
    folder = shades({"a.png": 250, "deep/b, c.png": 1, "deep/d.png": 2, ".hidden/e.png": 3})
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


def test_images_are_read_from_an_address_and_the_table_written_to_one(bright, bucket):
    out = f"{bucket}/results/scores.csv"
    result = score(bucket, bright(), out)
    rows = read(out)
    names = ["a.png", "bad.jpg", "deep/b, c.png", "deep/d.png"]
    assert [row["path"] for row in rows] == [f"{bucket}/{name}" for name in names]
    assert [row["decision"] for row in rows] == ["alert", "refer", "clear", "clear"]
    assert f"{bucket}/bad.jpg: not an image" in rows[1]["error"]
    assert (result.images, result.unreadable) == (4, 1)
    assert fsspec.filesystem("memory").ls(f"{bucket}/results", detail=False) == [out.removeprefix("memory:/")]


def test_the_rows_are_those_of_the_same_files_here(bright, bucket, shades):
    score(bucket, bright(), f"{bucket}/scores.csv")
    score(shades({}), bright(), "scores.csv")
    with Path("scores.csv").open(encoding="utf-8", newline="") as file:
        here = list(csv.DictReader(file))
    there = read(f"{bucket}/scores.csv")
    for row in (*here, *there):
        row["path"] = row["path"].rpartition("/")[2]
        row["error"] = bool(row["error"])
    assert here == there


def test_tables_lie_elsewhere_too(bright, bucket):
    score(f"{bucket}/list.csv", bright(), "scores.csv")
    with Path("scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == ["deep/d.png", "deep/b, c.png", "gone.png"]
    assert "gone.png: no such file" in rows[2]["error"]


def test_an_unfinished_run_elsewhere_goes_on(bright, bucket, monkeypatch):
    from melanoma_detect.scoring.resume import Journal

    def stopping(self, part, rows):
        if part.number == 2:
            raise KeyboardInterrupt
        keep(self, part, rows)

    out, keep = f"{bucket}/results/scores.parquet", Journal.keep
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "keep", stopping)
        with pytest.raises(KeyboardInterrupt):
            score(bucket, bright(), out, shard_size=1)
    with pytest.raises(OutputError, match="another detector"):
        score(bucket, bright(scale=1.0), out, shard_size=1)
    assert score(bucket, bright(), out, shard_size=1).resumed == 2
    with pytest.raises(OutputError, match="is there already"):
        score(bucket, bright(), out)
    assert score(bucket, bright(scale=1.0), out, overwrite=True).resumed == 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nobody://folder/a.jpg", "nobody://folder/a.jpg: cannot be reached"),
        ("memory://nowhere", "no such file; expected images"),
        ("memory://nowhere.zip", "a zip archive at an address; unpack it there"),
    ],
)
def test_addresses_that_lead_nowhere_are_refused(bright, source, message):
    with pytest.raises(DatasetError, match=message):
        score(source, bright(), "scores.csv")


def test_what_fails_for_a_moment_is_tried_again(bright, bucket, monkeypatch):
    tries = []
    opened = workers.opened

    def shaky(address):
        tries.append(address)
        if len(tries) < 3:
            raise ConnectionResetError("reset by peer")
        return opened(address)

    monkeypatch.setattr(workers, "opened", shaky)
    monkeypatch.setattr(workers, "_PAUSE", 0.0)
    assert score(f"{bucket}/a.png", bright(), "scores.csv").alerts == 1
    assert len(tries) == 3


def test_without_fsspec_an_address_says_what_it_needs(bright, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(DatasetError, match=r"pip install 'melanoma-detect\[ray\]'"):
        score("s3://bucket/a.jpg", bright(), "scores.csv")
