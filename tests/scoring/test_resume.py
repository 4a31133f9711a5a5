"""Interrupted runs resume, if nothing has changed."""

import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.errors import OutputError
from melanoma_detect.scoring.inputs import Item
from melanoma_detect.scoring.resume import ScoringState
from melanoma_detect.scoring.storage import open_store


def score(sources, detector, out="scores.csv", **settings):
    return md.score(sources, detector=detector, out=out, progress=False, **settings)


def read(path="scores.csv"):
    return list(csv.DictReader(io.StringIO(Path(path).read_bytes().decode(), newline="")))


def paths(path="scores.csv"):
    return [row["path"] for row in read(path)]


def saved_shards(out="scores.csv"):
    # Not the hidden file of a shard that was being written when the run was killed.
    return sorted(Path(f".{out}-partial").glob("[0-9]*-*.csv"))


KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
from conftest import BrightnessRuntime
import melanoma_detect as md
from melanoma_detect.inference.config import DetectorConfig
detector = md.Detector(DetectorConfig(("nevus", "melanoma"), (8, 8)), BrightnessRuntime(2, pause=0.001))
print(md.score(sys.argv[3:], detector=detector, out=sys.argv[2], shard_size=8, batch_size=3, progress=False).resumed)
"""


def run_and_kill(command, at_least):
    """Kill a run once it has saved this many shards."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while len(saved_shards()) < at_least and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not Path("scores.csv").exists()


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_killed_run_resumes(make_images, tmp_path):
    folder = make_images({f"{number:02d}.png": number for number in range(35)})
    sources = [str(folder)] * 30

    def command(out):
        return [sys.executable, "-c", KILLED, str(Path(__file__).parent), out, *sources]

    run_and_kill(command("scores.csv"), at_least=3)
    first = len(saved_shards())
    run_and_kill(command("scores.csv"), at_least=first + 3)
    second = len(saved_shards())
    assert 3 <= first < first + 3 <= second < 132
    resumed = subprocess.run(command("scores.csv"), capture_output=True, text=True, check=True).stdout
    assert int(resumed) == 8 * second
    assert paths() == [str(folder / f"{number:02d}.png") for number in range(35)] * 30
    subprocess.run(command("whole.csv"), capture_output=True, check=True)
    assert Path("scores.csv").read_bytes() == Path("whole.csv").read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


class Stop(Exception):
    """Interrupts a run."""


@pytest.fixture
def interrupted(make_detector, make_images, monkeypatch):
    """Twenty images, of which an interrupted run has scored ten."""
    folder = make_images({f"{number:02d}.png": number for number in range(20)})
    detector = make_detector()

    def save_two(self, shard, rows):
        if shard.number == 2:
            raise Stop
        save(self, shard, rows)

    save = ScoringState.save
    with monkeypatch.context() as patch:
        patch.setattr(ScoringState, "save", save_two)
        with pytest.raises(Stop):
            score(folder, detector, shard_size=5)
    assert len(saved_shards()) == 2
    return folder


def test_saved_shards_are_not_scored_again(interrupted, make_detector, monkeypatch):
    detector = make_detector()
    scored = []
    predict = detector.predictor.predict_inputs
    monkeypatch.setattr(
        detector.predictor, "predict_inputs", lambda inputs, names: scored.extend(names) or predict(inputs, names)
    )
    result = score(interrupted, detector, shard_size=5)
    assert result.resumed == 10
    # The first three are the synthetic images that identify the detector.
    assert sorted(Path(name).name for name in scored[3:]) == [f"{number:02d}.png" for number in range(10, 20)]
    assert len(set(paths())) == len(paths()) == 20


def test_a_run_does_not_resume_with_another_operating_point(interrupted, make_detector):
    expected = r"another detector setting \(sensitivity 0.95, now 0.9\) and another shard size \(5, now 256\); resume"
    with pytest.raises(OutputError, match=expected):
        score(interrupted, make_detector().at(sensitivity=0.9))


def test_a_run_does_not_resume_with_another_detector(interrupted, make_detector):
    for other in (make_detector(scale=0.2), make_detector(threshold=0.4), make_detector(("nevus", "BCC"))):
        with pytest.raises(OutputError, match="unfinished run there had another detector; resume it with the same"):
            score(interrupted, other, shard_size=5)
    result = score(interrupted, make_detector(scale=0.2), shard_size=5, overwrite=True)
    assert (result.images, result.resumed) == (20, 0)
    score(interrupted, make_detector(scale=0.2), "afresh.csv", shard_size=5)
    assert Path("scores.csv").read_bytes() == Path("afresh.csv").read_bytes()


def test_a_run_does_not_resume_with_other_settings_or_sources(interrupted, make_detector):
    with pytest.raises(OutputError, match=r"another batch size \(.*, now 4\) and another shard size \(5, now 4\)"):
        score(interrupted, make_detector(), shard_size=4, batch_size=4)
    with pytest.raises(OutputError, match="another list of sources"):
        score([interrupted, interrupted], make_detector(), shard_size=5)
    assert not Path("scores.csv").exists()


def test_a_changed_image_is_detected(interrupted, make_detector, make_images):
    changed = interrupted / "07.png"
    make_images({"07.png": 255})
    os.utime(changed, ns=(1, 1))
    with pytest.raises(OutputError, match=r"images have changed .* \(from .*05\.png on\); start again"):
        score(interrupted, make_detector(), shard_size=5)
    result = score(interrupted, make_detector(), shard_size=5, overwrite=True)
    assert (result.images, result.resumed, result.alerts) == (20, 5, 1)


def test_deleted_images_are_detected(interrupted, make_detector):
    for number in range(5, 20):
        (interrupted / f"{number:02d}.png").unlink()
    with pytest.raises(OutputError, match="some are gone"):
        score(interrupted, make_detector(), shard_size=5)
    assert score(interrupted, make_detector(), shard_size=5, overwrite=True).images == 5
    assert len(paths()) == 5


def test_a_resumed_run_may_be_sorted(interrupted, make_detector):
    assert score(interrupted, make_detector(), shard_size=5, sort="risk").resumed == 10
    assert [Path(path).stem for path in paths()] == [f"{number:02d}" for number in range(19, -1, -1)]


ITEMS = [Item(f"{number}.jpg", f"/{number}.jpg") for number in range(7)]


@pytest.fixture
def store():
    return open_store("scores.csv")


def test_images_are_split_into_numbered_shards(store):
    shards = list(ScoringState(store, {}, width=2).split(ITEMS, 3))
    assert [(shard.number, len(shard.items)) for shard in shards] == [(0, 3), (1, 3), (2, 1)]
    assert len({shard.digest for shard in shards}) == 3


def test_shards_of_an_overwritten_run_are_not_used(store):
    first = ScoringState(store, {"detector": "one"}, width=2)
    second = ScoringState(store, {"detector": "another"}, width=2, overwrite=True)
    [old], [new] = first.split(ITEMS, 10), second.split(ITEMS, 10)
    first.save(old, [["of the first"]])
    again = ScoringState(store, {"detector": "another"}, width=2)
    [shard] = again.split(ITEMS, 10)
    assert shard.digest == new.digest
    with pytest.raises(OutputError, match="images have changed"):
        again.is_done(shard)


def test_a_partial_file_is_not_a_shard(store):
    state = ScoringState(store, {}, width=2)
    [shard] = state.split(ITEMS, 10)
    (store.folder / f"0000000-{shard.digest}.csv.123").write_text("half")
    again = ScoringState(store, {}, width=2)
    assert not again.is_done(shard)
    rows = [[item.name, "a,b\r\nc"] for item in ITEMS]
    again.save(shard, rows)
    assert list(again.rows([shard])) == rows
    assert ScoringState(store, {}, width=2).is_done(shard)


@pytest.mark.parametrize(
    ("before", "now", "fits"),
    [
        ({"answers": [0.5, 0.25]}, {"answers": [0.5001, 0.25]}, True),
        ({"answers": [0.5, 0.25]}, {"answers": [0.52, 0.25]}, False),
        ({"answers": [0.5, 0.25]}, {"answers": [0.5]}, False),
        ({"batch size": 32}, {"batch size": 33}, False),
        ({}, {"batch size": 32}, False),
    ],
)
def test_settings_are_compared_exactly_and_answers_within_a_tolerance(store, before, now, fits):
    state = ScoringState(store, {"detector": before}, width=2)
    [shard] = state.split(ITEMS, 10)
    state.save(shard, [[item.name, ""] for item in ITEMS])
    if fits:
        assert ScoringState(store, {"detector": now}, width=2).is_done(shard)
        return
    with pytest.raises(OutputError, match="another detector"):
        ScoringState(store, {"detector": now}, width=2)


def test_a_run_without_shards_does_not_block_another(store):
    ScoringState(store, {"detector": "one"}, width=2)
    ScoringState(store, {"detector": "another"}, width=2)
    assert list(ScoringState(store, {"detector": "third"}, width=2).split([], 10)) == []


class Stopped(Exception):
    pass


@pytest.fixture
def stopped(make_images, make_detector, monkeypatch):
    """Leave a run behind that had saved all shards when it was stopped; return its images and what it would have written."""
    folder = make_images({f"{number}.png": 40 * number for number in range(6)})
    score(folder, make_detector(), "whole.csv", shard_size=2)

    def stop(*_, **__):
        raise Stopped

    with monkeypatch.context() as patched:
        patched.setattr("melanoma_detect.scoring.score._write_table", stop)
        with pytest.raises(Stopped):
            score(folder, make_detector(), shard_size=2)
    assert len(saved_shards()) == 3
    return folder, Path("whole.csv").read_bytes()


def sealed(rows):
    """Return rows as another program may leave them, with a SHA-256 that is right."""
    return rows + b"sha256," + hashlib.sha256(rows).hexdigest().encode() + b"\r\n"


DAMAGE = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda _: b"",
    "zeros": lambda content: b"\0" * len(content),
    "another case": bytes.swapcase,
    "not UTF-8": lambda content: b"\xff" + content,
    "a row too few": lambda content: content.partition(b"\r\n")[2],
    "sealed, not UTF-8": lambda content: sealed(b"\xff" + content.rpartition(b"sha256,")[0]),
    "sealed, a row too few": lambda content: sealed(content.rpartition(b"sha256,")[0].partition(b"\r\n")[2]),
    "sealed, a cell too few": lambda content: sealed(content.rpartition(b"sha256,")[0].replace(b",", b"", 1)),
    "sealed, other cells": lambda _: sealed(b"a\r\nb\r\n"),
    "sealed, empty": lambda _: sealed(b""),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_shard_is_scored_again(stopped, make_detector, damage):
    folder, whole = stopped
    shard = saved_shards()[1]
    shard.write_bytes(DAMAGE[damage](shard.read_bytes()))
    scores = score(folder, make_detector(), shard_size=2)
    assert scores.resumed == 4
    assert Path("scores.csv").read_bytes() == whole


SETTINGS = [b"", b"{", b"[]", b"null", b"\xff", b'{"run": 3, "settings": {}}', b'{"run": "a"}', b"[" * 100_000, None]


@pytest.mark.parametrize("content", SETTINGS)
def test_a_run_whose_settings_are_damaged_starts_again(stopped, make_detector, content):
    folder, whole = stopped
    file = Path(".scores.csv-partial/run.json")
    file.unlink() if content is None else file.write_bytes(content)
    assert score(folder, make_detector(), shard_size=2).resumed == 0
    assert Path("scores.csv").read_bytes() == whole


def test_settings_of_other_kinds_are_those_of_another_run(stopped, make_detector):
    folder, _ = stopped
    file = Path(".scores.csv-partial/run.json")
    saved = json.loads(file.read_text(encoding="utf-8"))
    for value in (None, "a", ["a"], [["a"]], {"b": []}):
        changed = dict.fromkeys(saved["settings"], value)
        file.write_text(json.dumps(saved | {"settings": changed}), encoding="utf-8")
        with pytest.raises(OutputError, match="an unfinished run there had another"):
            score(folder, make_detector(), shard_size=2)


def test_a_folder_in_place_of_a_file_of_the_run_is_an_error_or_made_good(stopped, make_detector):
    folder, _ = stopped
    shard = saved_shards()[0]
    shard.unlink()
    shard.mkdir()
    with pytest.raises(OutputError):
        score(folder, make_detector(), shard_size=2)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"settings": 3}'])
def test_settings_that_a_power_cut_has_emptied_start_the_run_again(content):
    store = open_store("scores.csv")
    state = ScoringState(store, {"detector": "a"}, width=2)
    [shard] = state.split([Item("a.jpg", "/a.jpg")], size=10)
    state.save(shard, [["a.jpg", "nevus"]])
    (store.folder / "run.json").write_bytes(content)
    again = ScoringState(store, {"detector": "a"}, width=2)
    assert not again.is_done(next(again.split([Item("a.jpg", "/a.jpg")], size=10)))
