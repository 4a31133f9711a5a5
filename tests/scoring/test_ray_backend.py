"""A real Ray cluster of this machine's cores."""

import csv
import io
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError

pytestmark = pytest.mark.ray

PROGRAM = """
import sys, melanoma_detect as md
result = md.score(
    sys.argv[1:-1],
    detector="mine.detector",
    out=sys.argv[-1],
    engine="ray",
    workers=2,
    shard_size=16,
    batch_size=5,
    progress=False,
)
print(result)
"""


@pytest.fixture(autouse=True)
def _ray():
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'melanoma-detect[ray]'")


@pytest.fixture
def saved(detector):
    detector.save("mine.detector")
    return md.Detector.load("mine.detector")


def on_ray(*words, **environment):
    """Score in a process of its own: Ray leaves threads and warnings behind."""
    command = [sys.executable, "-c", PROGRAM, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)
    assert done.returncode == 0, done.stderr
    return done


def local(sources, detector, out="local.csv"):
    md.score(sources, detector=detector, out=out, shard_size=16, batch_size=5, progress=False)
    return rows(Path(out).read_bytes())


def rows(content):
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def same(found, expected):
    """Compare rows: texts as they are, numbers as near as other threads may bring them."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for column, value in one.items():
            if column.startswith("p_") or column in ("melanoma", "malignant"):
                assert (value and float(value)) == pytest.approx(other[column] and float(other[column]), abs=1e-5)
            else:
                assert value == other[column]


def test_the_table_is_the_local_one(saved, lesions, tmp_path):
    (tmp_path / "bad, image.jpg").write_text("no image")
    sources = [lesions / "Test", tmp_path / "bad, image.jpg", lesions / "Train" / "melanoma"]
    done = on_ray(*sources, "ray.csv")
    assert ", of which 1 unreadable" in done.stdout
    same(rows(Path("ray.csv").read_bytes()), local(sources, saved))
    assert not Path(".ray.csv-partial").exists()


def test_addresses_in_and_out(saved, lesions, tmp_path):
    on_ray(f"file://{lesions}/Test", f"file://{tmp_path}/there/ray.csv")
    on_ray(f"local://{lesions}/Test", f"local://{tmp_path}/there/again.csv")
    expected = local(lesions / "Test", saved)
    for name, scheme in (("ray.csv", "file"), ("again.csv", "local")):
        found = rows((tmp_path / "there" / name).read_bytes())
        for row in found:
            assert row["path"].startswith(f"{scheme}://")
            row["path"] = row["path"].removeprefix(f"{scheme}://")
        same(found, expected)
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == ["again.csv", "ray.csv"]


def test_a_run_that_stopped_goes_on_on_ray(saved, lesions, monkeypatch):
    from melanoma_detect.scoring.resume import Journal

    def stopping(self, part, found):
        if part.number == 1:
            raise KeyboardInterrupt
        keep(self, part, found)

    keep = Journal.keep
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "keep", stopping)
        with pytest.raises(KeyboardInterrupt):
            md.score(
                [str(lesions / "Test")], detector=saved, out="ray.csv", shard_size=16, batch_size=5, progress=False
            )
    assert "16 of them done by an earlier run" in on_ray(lesions / "Test", "ray.csv").stdout
    same(rows(Path("ray.csv").read_bytes()), local(lesions / "Test", saved))


def actors(root):
    """Return the ids of the processes below one that are this run's actors."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    below, grown = {str(root)}, True
    while grown:
        more = {pid for pid, parent, _ in rows if parent in below} - below
        below, grown = below | more, bool(more)
    return [int(pid) for pid, _, name in rows if pid in below and name.startswith("ray::MapWorker")]


def test_an_actor_that_is_lost_costs_no_row(saved, lesions):
    command = [sys.executable, "-c", PROGRAM, *[str(lesions)] * 5, "ray.csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        while not list(Path(".ray.csv-partial").glob("*-*.csv")) and process.poll() is None:
            time.sleep(0.05)
        killed = actors(process.pid)
        os.kill(killed[0], signal.SIGKILL)
        said, _ = process.communicate()
    assert process.returncode == 0
    photos = [str(photo) for photo in sorted(lesions.rglob("*.jpg"))] * 5
    assert f"{len(photos):,} images in" in said  # Ray tells of the lost one before
    found = rows(Path("ray.csv").read_bytes())
    assert [row["path"] for row in found] == photos
    assert {row["error"] for row in found} == {""}


@pytest.fixture
def short():
    """A folder with a short name: sockets lie in it."""
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        yield folder


def test_a_cluster_that_runs_is_joined(saved, lesions, short):
    ray = Path(sys.executable).with_name("ray")
    # A token of the test's own: nobody else joins this cluster, and none is looked for in the user's folder.
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    start = [
        ray,
        "start",
        "--head",
        "--port=0",
        "--num-cpus=2",
        "--include-dashboard=false",
        f"--temp-dir={short}",
        "--block",
    ]
    with subprocess.Popen(
        start, env=os.environ | own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as head:
        try:
            address = next(line.split("'")[1] for line in head.stdout if "--address=" in line)
            on_ray(lesions / "Test", "ray.csv", RAY_ADDRESS=address, **own)
        finally:
            head.terminate()
            head.communicate()
    same(rows(Path("ray.csv").read_bytes()), local(lesions / "Test", saved))


def test_a_cluster_that_cannot_be_joined_is_named(saved, lesions, monkeypatch):
    import ray

    def refuse(*_, **__):
        raise ConnectionError("nobody answers")

    monkeypatch.setenv("RAY_ADDRESS", "192.0.2.1:1")
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(
        DetectorError, match=r"Ray \(192\.0\.2\.1:1\) cannot be .* \(nobody answers\); check RAY_ADDRESS"
    ):
        md.score(lesions / "Test", detector=saved, out="ray.csv", engine="ray", progress=False)


def test_without_ray_the_engine_says_what_it_needs(saved, lesions, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DetectorError, match=r"pip install 'melanoma-detect\[ray\]'"):
        md.score(lesions / "Test", detector=saved, out="ray.csv", engine="ray", progress=False)
