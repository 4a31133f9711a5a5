"""Scoring on a real Ray cluster of this machine's cores."""

import csv
import io
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from importlib.machinery import PathFinder
from pathlib import Path

import numpy as np
import pytest
from validate_dicom import write_image

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, MissingPackageError
from melanoma_detect.monitoring.sketch_file import read_sketch

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


def score_on_ray(*arguments, **environment):
    """Score in another process: Ray leaves threads and warnings behind."""
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)
    assert done.returncode == 0, done.stderr
    return done


def score_locally(sources, detector, out="local.csv"):
    md.score(sources, detector=detector, out=out, shard_size=16, batch_size=5, progress=False)
    return parse(Path(out).read_bytes())


def parse(content):
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def assert_close(rows, expected):
    """Assert that rows are equal, numbers within a tolerance: they depend on how threads split the work."""
    assert len(rows) == len(expected)
    for row, reference in zip(rows, expected, strict=True):
        for column, value in row.items():
            if column.startswith("p_") or column in ("melanoma", "malignant"):
                assert (value and float(value)) == pytest.approx(
                    reference[column] and float(reference[column]), abs=1e-5
                )
            else:
                assert value == reference[column]


def test_the_table_is_the_same_as_the_local_one(saved, lesions, tmp_path):
    (tmp_path / "bad, image.jpg").write_text("no image")
    drawn = [md.draw_lesion("melanoma", seed=seed, size=64).pixels for seed in range(7)]
    write_image(tmp_path / "frames.dcm", np.stack(drawn))
    sources = [lesions / "Test", tmp_path / "bad, image.jpg", tmp_path / "frames.dcm", lesions / "Train" / "melanoma"]
    done = score_on_ray(*sources, "ray.csv")
    assert ", of which 1 unreadable" in done.stdout
    assert f"{tmp_path}/frames.dcm#7" in Path("ray.csv").read_text(encoding="utf-8")
    assert_close(parse(Path("ray.csv").read_bytes()), score_locally(sources, saved))
    assert not Path(".ray.csv-partial").exists()


def test_sources_and_table_may_be_addresses(saved, lesions, tmp_path):
    score_on_ray(f"file://{lesions}/Test", f"file://{tmp_path}/there/ray.csv")
    score_on_ray(f"local://{lesions}/Test", f"local://{tmp_path}/there/again.csv")
    expected = score_locally(lesions / "Test", saved)
    for name, scheme in (("ray.csv", "file"), ("again.csv", "local")):
        found = parse((tmp_path / "there" / name).read_bytes())
        for row in found:
            assert row["path"].startswith(f"{scheme}://")
            row["path"] = row["path"].removeprefix(f"{scheme}://")
        assert_close(found, expected)
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == ["again.csv", "ray.csv"]


def test_an_interrupted_local_run_resumes_on_ray(saved, lesions, monkeypatch):
    from melanoma_detect.scoring.resume import ScoringState

    def save_one(self, shard, rows):
        if shard.number == 1:
            raise KeyboardInterrupt
        save(self, shard, rows)

    save = ScoringState.save
    with monkeypatch.context() as patch:
        patch.setattr(ScoringState, "save", save_one)
        with pytest.raises(KeyboardInterrupt):
            md.score(
                [str(lesions / "Test")], detector=saved, out="ray.csv", shard_size=16, batch_size=5, progress=False
            )
    assert "16 of them done by an earlier run" in score_on_ray(lesions / "Test", "ray.csv").stdout
    assert_close(parse(Path("ray.csv").read_bytes()), score_locally(lesions / "Test", saved))


def actors(root):
    """Return the process ids of the actors among the descendants of a process."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    below, grown = {str(root)}, True
    while grown:
        more = {pid for pid, parent, _ in rows if parent in below} - below
        below, grown = below | more, bool(more)
    return [int(pid) for pid, _, name in rows if pid in below and name.startswith("ray::MapWorker")]


def test_a_killed_actor_loses_no_rows(saved, lesions):
    command = [sys.executable, "-c", PROGRAM, *[str(lesions)] * 5, "ray.csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        while not list(Path(".ray.csv-partial").glob("[0-9]*-*.csv")) and process.poll() is None:
            time.sleep(0.05)
        killed = actors(process.pid)
        os.kill(killed[0], signal.SIGKILL)
        output, _ = process.communicate()
    assert process.returncode == 0
    images = [str(image) for image in sorted(lesions.rglob("*.jpg"))] * 5
    assert f"{len(images):,} images in" in output  # after messages of Ray about the killed actor
    found = parse(Path("ray.csv").read_bytes())
    assert [row["path"] for row in found] == images
    assert {row["error"] for row in found} == {""}


@pytest.fixture
def short_folder():
    """A folder with a short name: paths of sockets have a limit of about 100 characters."""
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        yield folder


def test_a_running_cluster_is_joined(saved, lesions, short_folder):
    ray = Path(sys.executable).with_name("ray")
    # With a token of the test's own, no other process joins this cluster and no file of the user is read.
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    start = [
        ray,
        "start",
        "--head",
        "--port=0",
        "--num-cpus=2",
        "--include-dashboard=false",
        f"--temp-dir={short_folder}",
        "--block",
    ]
    with subprocess.Popen(
        start, env=os.environ | own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as head:
        try:
            address = next(line.split("'")[1] for line in head.stdout if "--address=" in line)
            score_on_ray(lesions / "Test", "ray.csv", RAY_ADDRESS=address, **own)
        finally:
            head.terminate()
            head.communicate()
    assert_close(parse(Path("ray.csv").read_bytes()), score_locally(lesions / "Test", saved))


def test_a_cluster_that_cannot_be_joined_is_named(saved, lesions, monkeypatch):
    import ray

    def fail_to_connect(*_, **__):
        raise ConnectionError("nobody answers")

    monkeypatch.setenv("RAY_ADDRESS", "192.0.2.1:1")
    monkeypatch.setattr(ray, "init", fail_to_connect)
    with pytest.raises(
        DetectorError, match=r"Ray \(192\.0\.2\.1:1\) cannot be .* \(nobody answers\); check RAY_ADDRESS"
    ):
        md.score(lesions / "Test", detector=saved, out="ray.csv", engine="ray", progress=False)


def test_the_engine_without_ray_names_the_extra(saved, lesions, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "ray"]:
        monkeypatch.delitem(sys.modules, name)
    find = PathFinder.find_spec

    def find_all_but_ray(name, path=None, target=None):
        return None if name.partition(".")[0] == "ray" else find(name, path, target)

    monkeypatch.setattr(PathFinder, "find_spec", find_all_but_ray)
    with pytest.raises(MissingPackageError, match=r"run: pip install 'melanoma-detect(-core)?\[ray\]'"):
        md.score(lesions / "Test", detector=saved, out="ray.csv", engine="ray", progress=False)


def test_a_sketch_is_the_same_as_on_one_machine(saved, lesions):
    program = PROGRAM.replace("progress=False", 'sketch="ray.sketch", progress=False')
    command = [sys.executable, "-c", program, str(lesions / "Test"), "ray.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    md.score(
        lesions / "Test", detector=saved, out="l.csv", sketch="l.sketch", shard_size=16, batch_size=5, progress=False
    )
    ray, local = (read_sketch(name) for name in ("ray.sketch", "l.sketch"))
    assert (ray.detector, ray.images) == (local.detector, local.images)
    assert ray.moments().mean == pytest.approx(local.moments().mean, abs=1e-3)
