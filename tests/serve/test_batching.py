"""Micro-batches: who waits goes together, nobody waits for company, and no answer depends on it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from melanoma_detect.inference.preprocessing import ModelInput
from melanoma_detect.inference.runtime import ModelOutputs
from melanoma_detect.serve import batching
from melanoma_detect.serve.batching import MicroBatcher, batches_change_nothing
from melanoma_detect.serve.metrics import Metrics


class Recorder:
    """A predictor that notes the names of each batch, and waits in the first call until it is told to go on."""

    def __init__(self):
        self.batches, self.runtime, self.image_size = [], CountingRuntime(), (4, 4)
        self.go_on = threading.Event()

    def predict_inputs(self, inputs, names):
        assert self.go_on.wait(10)
        if "bad" in names:
            raise RuntimeError("a model that fails")
        self.batches.append(list(names))
        return [f"{name}: {prepared.pixels}" for name, prepared in zip(names, inputs, strict=True)]


class CountingRuntime:
    """A runtime that, unless it is exact, adds something in a batch."""

    def __init__(self, *, exact=True):
        self.exact, self.sizes = exact, []

    def run(self, pixels):
        self.sizes.append(len(pixels))
        sums = pixels.reshape(len(pixels), -1)[:, :3].astype(np.float32)
        return ModelOutputs(sums if self.exact or len(pixels) == 1 else np.nextafter(sums, 1e9), sums)


def run_batches(script, size=32):
    """Run `script(batcher, recorder)` on an event loop; return the recorder."""

    async def run():
        with ThreadPoolExecutor(1) as executor:
            await script(MicroBatcher(executor, Metrics("test", []), size), recorder)

    recorder = Recorder()
    asyncio.run(run())
    return recorder


def image(value):
    return ModelInput(value, 4, 4)


def test_images_that_wait_go_together_in_their_order():
    async def script(batcher, recorder):
        asked = [asyncio.create_task(batcher.predict(recorder, image(n), str(n))) for n in range(11)]
        await asyncio.sleep(0.05)
        recorder.go_on.set()
        assert await asyncio.gather(*asked) == [f"{n}: {n}" for n in range(11)]
        assert await batcher.predict(recorder, image(99), "alone") == "alone: 99"

    assert run_batches(script, size=4).batches == [
        ["0", "1", "2", "3"],
        ["4", "5", "6", "7"],
        ["8", "9", "10"],
        ["alone"],
    ]


def test_a_batch_is_of_one_predictor_and_nobody_is_passed_over():
    async def script(batcher, recorder):
        other = Recorder()
        other.go_on.set()
        asked = [batcher.predict(recorder if n % 2 else other, image(n), str(n)) for n in range(8)]
        gathered = asyncio.gather(*asked)
        await asyncio.sleep(0.05)
        recorder.go_on.set()
        assert await gathered == [f"{n}: {n}" for n in range(8)]
        assert other.batches == [["0", "2", "4", "6"]]

    assert run_batches(script).batches == [["1", "3", "5", "7"]]


def test_who_gave_up_is_dropped_and_the_others_are_answered():
    async def script(batcher, recorder):
        first, second, third = (asyncio.create_task(batcher.predict(recorder, image(n), str(n))) for n in range(3))
        await asyncio.sleep(0.05)
        late = [asyncio.create_task(batcher.predict(recorder, image(n), str(n))) for n in (3, 4)]
        await asyncio.sleep(0.05)
        late[0].cancel()
        second.cancel()
        await asyncio.sleep(0)
        recorder.go_on.set()
        assert await asyncio.gather(first, third, late[1]) == ["0: 0", "2: 2", "4: 4"]

    assert run_batches(script).batches == [["0", "1", "2"], ["4"]]


def test_a_failure_is_that_of_its_batch_only():
    async def script(batcher, recorder):
        recorder.go_on.set()
        with pytest.raises(RuntimeError, match="a model that fails"):
            await batcher.predict(recorder, image(0), "bad")
        assert await batcher.predict(recorder, image(1), "good") == "good: 1"

    run_batches(script)


def test_a_model_is_tried_once():
    runtime = CountingRuntime()
    assert batches_change_nothing(runtime, (4, 4))
    tried = len(runtime.sizes)
    assert batches_change_nothing(runtime, (4, 4))
    assert len(runtime.sizes) == tried
    assert set(runtime.sizes) >= {1, 2, 8, 16}


def test_a_model_that_differs_in_batches_is_called_image_by_image():
    recorder = Recorder()
    recorder.runtime = CountingRuntime(exact=False)
    recorder.go_on.set()
    assert not batches_change_nothing(recorder.runtime, recorder.image_size)
    waiting = [batching._Waiting(recorder, image(n), str(n), None) for n in range(3)]
    assert batching._predict(waiting) == ["0: 0", "1: 1", "2: 2"]
    assert recorder.batches == [["0"], ["1"], ["2"]]
