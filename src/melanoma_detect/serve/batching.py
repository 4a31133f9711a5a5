"""Micro-batches: decoded images of several requests that wait for the model go through it together.

There is no fixed delay: while the model runs, images gather, and the next call takes all of them, up to a number. So a lone
image waits for nothing, and a busy service makes few calls.

The answer for an image must not depend on who else asks. In a batch a model may sum up in another order than for one image, and
differ in the last bits; `batches_change_nothing` finds out, and a model that does so is called image by image.
"""

import asyncio
import threading
import time
import weakref
from collections import deque
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np

from melanoma_detect.inference.prediction import Prediction
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.preprocessing import ModelInput
from melanoma_detect.inference.runtime import BATCH, Runtime
from melanoma_detect.serve.metrics import Metrics

_TRIED = (2, 3, 8, 16)  # images in a batch: with one row alone, products of matrices take another way than with several


class _Waiting(NamedTuple):
    predictor: Predictor
    image: ModelInput
    name: str
    answer: "asyncio.Future[Prediction]"


class MicroBatcher:
    """Collects images that wait, and predicts them by one call of the model after the other.

    Args:
        executor: Where the model runs: one thread, since one call uses as many cores as the detector was loaded for.
        metrics: What counts.
        size: The most images in one call.
    """

    def __init__(self, executor: Executor, metrics: Metrics, size: int = BATCH) -> None:
        self._executor, self._metrics, self._size = executor, metrics, size
        self._waiting: deque[_Waiting] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def predict(self, predictor: Predictor, image: ModelInput, name: str) -> Prediction:
        """Predict one image, together with those that wait for the same predictor.

        Args:
            predictor: The predictor.
            image: The image, decoded.
            name: Its name.

        Returns:
            The prediction: exactly that of `predictor.predict` for this image alone.
        """
        answer: asyncio.Future[Prediction] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(predictor, image, name, answer))
        self._metrics.queue.set(len(self._waiting))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while batch := self._take():
            self._metrics.batches.observe(len(batch))
            start = time.perf_counter()
            try:
                made = await asyncio.get_running_loop().run_in_executor(self._executor, _predict, batch)
            except Exception as error:  # noqa: BLE001 - each of the requests answers for itself
                for waiting in batch:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(error)
                continue
            self._metrics.model_seconds.observe(time.perf_counter() - start)
            for waiting, prediction in zip(batch, made, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(prediction)

    def _take(self) -> list[_Waiting]:
        """Take the images that go with the first one; those of requests that were given up are dropped."""
        batch: list[_Waiting] = []
        kept: deque[_Waiting] = deque()
        while self._waiting and len(batch) < self._size:
            waiting = self._waiting.popleft()
            if waiting.answer.done():
                continue
            if batch and waiting.predictor is not batch[0].predictor:
                kept.append(waiting)
            else:
                batch.append(waiting)
        self._waiting.extendleft(reversed(kept))
        self._metrics.queue.set(len(self._waiting))
        return batch


def _predict(batch: list[_Waiting]) -> list[Prediction]:
    predictor = batch[0].predictor
    if batches_change_nothing(predictor.runtime, predictor.image_size):
        return predictor.predict_inputs([each.image for each in batch], [each.name for each in batch])
    return [predictor.predict_inputs([each.image], [each.name])[0] for each in batch]


_trying = threading.Lock()
_tried: weakref.WeakKeyDictionary[Runtime, bool] = weakref.WeakKeyDictionary()


def batches_change_nothing(runtime: Runtime, image_size: tuple[int, int]) -> bool:
    """Return whether a model gives each image of a batch exactly what it gives the image alone, down to the last bit.

    Args:
        runtime: Runs the model; it is tried once, on images of noise, and the result is kept.
        image_size: `(height, width)` of its images, in pixels.

    Returns:
        Whether it does.

    Examples:
        >>> default = md.Detector.load().predictor
        >>> batches_change_nothing(default.runtime, default.image_size)
        True
    """
    with _trying:
        if runtime not in _tried:
            _tried[runtime] = _try_batches(runtime, image_size)
        return _tried[runtime]


def _try_batches(runtime: Runtime, image_size: tuple[int, int]) -> bool:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (max(_TRIED), *image_size, 3), dtype=np.uint8)
    alone = [runtime.run(image[None]) for image in images]
    for count in _TRIED:
        together = runtime.run(images[:count])
        for output, rows in enumerate(together):
            if not np.array_equal(rows, np.concatenate([each[output] for each in alone[:count]]), equal_nan=True):
                return False
    return True
