"""One detector under load: the same answers from threads, processes and asyncio, and no file and no memory left behind."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import ImageError

ROOT = Path(__file__).parents[1]
THREADS, PROCESSES = 16, 4
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def image(number):
    """Draw one of 20 images."""
    return md.draw_lesion("melanoma" if number % 2 else "nevus", seed=number % 20, size=72).pixels


@pytest.fixture(scope="module")
def shipped():
    """Load the default detector."""
    return md.Detector.load()


@pytest.fixture(scope="module")
def expected(shipped):
    """Return the answers of serial calls, by the image's number."""
    return [answer(shipped, number) for number in range(20)]


def answer(detector, number):
    """Return everything that an answer says."""
    prediction = detector.predict(image(number))
    return prediction.decision, prediction.melanoma, tuple(prediction.probabilities.values()), prediction.reason


def answer_in_process(detector, number):
    return number, answer(detector, number)


_OWN: dict[str, md.Detector] = {}


def _keep(detector):
    _OWN["detector"] = detector


def answer_with_own(number):
    return number, answer(_OWN["detector"], number)


def in_threads(detector, calls):
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda number: answer_in_process(detector, number), range(calls)))


def in_processes(detector, calls, way):
    context = get_context(way)
    with ProcessPoolExecutor(PROCESSES, context, initializer=_keep, initargs=(detector,)) as pool:
        return list(pool.map(answer_with_own, range(calls), chunksize=10))


def in_forks(detector, calls):
    return in_processes(detector, calls, "fork")


def in_spawned(detector, calls):
    return in_processes(detector, calls, "spawn")


def in_asyncio(detector, calls):
    async def ask_all():
        return await asyncio.gather(
            *(asyncio.to_thread(answer_in_process, detector, number) for number in range(calls))
        )

    return asyncio.run(ask_all())


WAYS: dict[str, Callable] = {"threads": in_threads, "fork": in_forks, "spawn": in_spawned, "asyncio": in_asyncio}


def check(way, calls, detector, expected):
    answers = WAYS[way](detector, calls)
    assert [number for number, _ in answers] == list(range(calls))
    assert all(found == expected[number % 20] for number, found in answers)


@pytest.mark.parametrize("way", ["threads", pytest.param("fork", marks=needs_fork), "asyncio"])
def test_calls_at_once_answer_as_serial_ones(way, shipped, expected):
    check(way, 100, shipped, expected)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["threads", pytest.param("fork", marks=needs_fork), "spawn", "asyncio"])
def test_a_thousand_calls_answer_as_serial_ones(way, shipped, expected):
    check(way, 1000, shipped, expected)


@needs_fork
def test_a_fork_while_other_threads_predict(shipped, expected):
    with ThreadPoolExecutor(4) as pool:
        busy = [pool.submit(shipped.predict, [image(number)] * 8) for number in range(8)]
        check("fork", 8, shipped, expected)
        assert all(len(each.result()) == 8 for each in busy)


@needs_fork
def test_a_forked_process_has_a_session_of_its_own(shipped):
    runtime = shipped.predictor.runtime
    session = runtime.session
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        assert pool.submit(_renews, runtime).result()
    assert runtime.session is session


def _renews(runtime):
    return runtime.session is runtime.session and runtime.session.get_providers() == ["CPUExecutionProvider"]


def open_descriptors():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not list descriptors")
def test_no_descriptor_is_left_open(shipped, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(image(1)).save(photos / "a.png")
    (photos / "b.jpg").write_bytes(b"\xff\xd8\xff")

    def use():
        md.Detector.load()
        md.score(photos, out=tmp_path / "scores.csv", detector=shipped, overwrite=True, progress=False)
        shipped.predict(photos / "a.png")
        with pytest.raises(ImageError):
            shipped.predict(photos / "b.jpg")

    use()
    before = open_descriptors()
    for _ in range(5):
        use()
    assert open_descriptors() <= before


@pytest.mark.slow
def test_score_uses_no_more_memory_for_more_images():
    command = [sys.executable, str(ROOT / "benchmarks" / "load.py"), "--images", "6000"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT / "src")}
    )
    figures = {name: float(value) for name, value, _ in (line.split() for line in done.stdout.splitlines())}
    assert figures["score_images"] == 6000
    assert figures["score_growth_after_1000"] < 0.05
    assert figures["score_descriptors_left"] == 0


def test_images_differ():
    assert not np.array_equal(image(0), image(1))
