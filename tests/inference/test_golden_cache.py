"""The cache of golden checks: when they are run again, and that nothing in the cache folder can stop or fool a load."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import onnxruntime
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference import golden_cache
from melanoma_detect.inference.golden import PROBABILITIES, make_golden_images
from melanoma_detect.inference.golden_cache import check_golden_images_once
from melanoma_detect.inference.runtime import OnnxRuntime


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "golden"


@pytest.fixture
def checks(monkeypatch):
    """The number of times that the golden images were run."""
    counted = []
    original = golden_cache.check_golden_images

    def check(*args, **options):
        counted.append(1)
        return original(*args, **options)

    monkeypatch.setattr(golden_cache, "check_golden_images", check)
    return counted


@pytest.fixture
def check(detector):
    """Return a function that checks the detector's golden images."""
    runtime, model = detector.predictor.runtime, detector.predictor.files.onnx
    members = make_golden_images(runtime, (32, 32))

    def run(*, runtime=runtime, model=model, size=(32, 32), **changed):
        kept = {name.replace("/", "_").replace(".", "_"): name for name in members}
        new = {kept[name]: content for name, content in changed.items()}
        check_golden_images_once(Path("mine.detector"), members | new, runtime, model, size=size, classes=9)

    run.model, run.members = model, members
    return run


def test_the_second_load_runs_no_golden_images(cache, checks):
    for _ in range(3):
        md.Detector.load()
    assert len(checks) == 1
    assert len(list(cache.iterdir())) == 1


def test_a_check_that_failed_is_not_recorded(cache, checks, check):
    wrong = json.dumps({"probabilities": [[1 / 9] * 9] * 2}).encode()
    for _ in range(2):
        with pytest.raises(DetectorError, match=r"mine\.detector: on this machine .* differ by"):
            check(golden_answers_json=wrong)
    assert len(checks) == 2
    assert not cache.exists()


def test_another_model_image_answer_or_expectation_is_checked(cache, checks, check):
    check()
    check(model=check.model + b"\0")
    check(golden_1_png=check.members["golden/1.png"] + b"\0")
    check(golden_answers_json=check.members[PROBABILITIES] + b" ")
    assert len(checks) == 4
    with pytest.raises(DetectorError, match="golden images have 32×32 pixels"):
        check(size=(64, 64))
    check()
    assert len(checks) == 5


def test_another_runtime_processor_or_number_of_threads_is_checked(cache, checks, check, monkeypatch):
    check()
    check(runtime=OnnxRuntime(check.model, threads=1))
    for owner, name, value in [
        (onnxruntime, "__version__", "9.9"),
        (golden_cache.PIL, "__version__", "9.9"),
        (golden_cache, "_describe_processor", lambda: "another"),
        (golden_cache, "_usable_cores", lambda: 1000),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, value)
            check()
    assert len(checks) == 6
    check()
    assert len(checks) == 6


def test_other_providers_and_keras_are_always_checked(cache, checks, check):
    class OtherSession:
        def get_providers(self):
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    class OnCuda(OnnxRuntime):
        session = OtherSession()

    runtime = OnCuda(check.model)
    runtime.run = OnnxRuntime(check.model).run
    for _ in range(2):
        check(runtime=runtime)
        check(model=None)
    assert len(checks) == 4
    assert not cache.exists()


def damage(entry, how):
    content = entry.read_bytes()
    if how == "half":
        entry.write_bytes(content[: len(content) // 2])
    elif how == "longer":
        entry.write_bytes(content + b"x" * 1000)
    elif how == "empty":
        entry.write_bytes(b"")
    elif how == "another":
        entry.write_bytes(content[:-65] + b"0" * 64 + b"\n")
    elif how == "old":
        os.utime(entry, (time.time() - 40 * 24 * 3600,) * 2)
    elif how == "future":
        os.utime(entry, (time.time() + 40 * 24 * 3600,) * 2)
    else:
        entry.unlink()
        if how == "folder":
            entry.mkdir()
        elif how == "pipe":
            os.mkfifo(entry)
        elif how == "link":
            other = entry.with_name("other")
            other.write_bytes(content)
            entry.symlink_to(other)


@pytest.mark.parametrize(
    "how", ["half", "longer", "empty", "another", "old", "future", "folder", "pipe", "link", "gone"]
)
def test_a_broken_entry_counts_as_absent(cache, checks, check, how):
    check()
    (entry,) = cache.iterdir()
    damage(entry, how)
    check()
    assert len(checks) == 2
    check()
    assert len(checks) == (3 if how == "folder" else 2)  # a folder cannot be replaced; everything else is mended


def test_folders_that_cannot_be_used_change_nothing(tmp_path, checks, check, monkeypatch):
    file = tmp_path / "file"
    file.write_text("in the way")
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(file))
    check()
    check()
    monkeypatch.delenv("MELANOMA_DETECT_CACHE")
    monkeypatch.setattr(golden_cache, "cache_folder", lambda name: Path("relative") / name)
    check()
    monkeypatch.setattr(golden_cache, "cache_folder", raise_no_home)
    check()
    monkeypatch.setattr(golden_cache, "cache_folder", lambda name: tmp_path / "read-only" / name)
    monkeypatch.setattr(golden_cache, "atomic_file", refuse)
    check()
    assert len(checks) == 5


def raise_no_home(name):
    raise RuntimeError("Could not determine home directory")


def refuse(path):
    raise PermissionError(13, "Permission denied", str(path))


def test_two_processes_at_once(cache, detector, tmp_path):
    """Each checks, or finds that the other one has; the entry is whole."""
    detector.save(tmp_path / "mine.detector")
    code = f"import melanoma_detect as md; print(md.Detector.load({str(tmp_path / 'mine.detector')!r}))"
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)]
    answers = {process.communicate()[0] for process in processes}
    assert len(answers) == 1
    assert [process.returncode for process in processes] == [0, 0]
    (entry,) = cache.iterdir()
    assert entry.read_text() == f"golden images passed: {entry.name}\n"


def test_the_oldest_entries_go(cache, check, monkeypatch):
    monkeypatch.setattr(golden_cache, "_MAX_ENTRIES", 10)
    cache.mkdir(parents=True)
    for number in range(10):
        (cache / f"{number}").write_text("")
        os.utime(cache / f"{number}", (number, number))
    check()
    left = {path.name for path in cache.iterdir()}
    assert len(left) == 6
    assert {"5", "9"} < left
