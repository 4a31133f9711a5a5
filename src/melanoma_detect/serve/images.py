"""What the service does with files: decode them in threads, predict them in micro-batches, explain one."""

import asyncio
import contextlib
import functools
import io
import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar

from PIL import Image

from melanoma_detect.detector import Detector
from melanoma_detect.errors import DetectorError, ImageError, MelanomaDetectError, SeveralFramesError
from melanoma_detect.explain.cam import check_class_maps
from melanoma_detect.explain.explain import Method
from melanoma_detect.images.formats import without_warning_errors
from melanoma_detect.images.frames import Frame, is_dicom
from melanoma_detect.images.memory import MAX_PIXELS
from melanoma_detect.images.reader import Size, load_rgb, min_decode_size, resize_image, source_name
from melanoma_detect.inference.prediction import Prediction
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.preprocessing import ModelInput
from melanoma_detect.scoring.time_limit import Clock, read_within
from melanoma_detect.serve.batching import MicroBatcher, batches_change_nothing
from melanoma_detect.serve.metrics import Metrics
from melanoma_detect.serve.settings import ServeSettings
from melanoma_detect.serve.uploads import NamedBytes, Upload

T = TypeVar("T")

_PREFIX_BYTES = 132  # in which a DICOM file has its mark
_KEPT_SETTINGS = 64  # detectors with the settings of a request, which take no memory to speak of


class ImageService:
    """Predicts and explains uploaded images, off the event loop.

    Args:
        detector: The detector.
        settings: The limits.
        metrics: What counts.
    """

    def __init__(self, detector: Detector, settings: ServeSettings, metrics: Metrics) -> None:
        self._detector, self._settings, self._metrics = detector, settings, metrics
        self._decoders = ThreadPoolExecutor(settings.threads or os.cpu_count() or 1, "decode")
        self._model = ThreadPoolExecutor(1, "model")
        self._explainer = ThreadPoolExecutor(1, "explain")
        self._batcher = MicroBatcher(self._model, metrics)
        self._at = functools.lru_cache(maxsize=_KEPT_SETTINGS)(detector.at)

    async def warm_up(self) -> None:
        """Do now what the first request would wait for: try whether batches change an answer."""
        predictor = self._detector.predictor
        await _run(self._model, lambda: batches_change_nothing(predictor.runtime, predictor.image_size))

    def close(self) -> None:
        """End the threads."""
        for pool in (self._decoders, self._model, self._explainer):
            pool.shutdown(wait=False, cancel_futures=True)

    async def configured(self, **settings: Any) -> Detector:
        """Return the detector with the settings of a request; see `Detector.at`.

        Args:
            **settings: Of `Detector.at`; None keeps the detector's own.

        Returns:
            The detector.

        Raises:
            DetectorError: The detector does not support them.
        """
        chosen = {name: value for name, value in settings.items() if value is not None}
        if not chosen:
            return self._detector
        # What `Detector.at` warns of is in each answer that it touches, and no failure where warnings are errors.
        return await _run(self._decoders, lambda: without_warning_errors(lambda: self._at(**chosen)))

    async def predict(self, uploads: list[Upload], detector: Detector) -> list[dict[str, Any]]:
        """Predict every image of a request.

        Args:
            uploads: Its files.
            detector: From `configured`.

        Returns:
            What is said of each image, in the order of the files; the frames of a DICOM file of several follow one another.
        """
        answers = await asyncio.gather(*(self._predict_file(upload, detector.predictor) for upload in uploads))
        return [answer for of_file in answers for answer in of_file]

    async def _predict_file(self, upload: Upload, predictor: Predictor) -> list[dict[str, Any]]:
        decode = functools.partial(decode_upload, upload, predictor, self._settings)
        decoded = await _run(self._decoders, decode)
        return list(await asyncio.gather(*(self._describe(name, found, predictor) for name, found in decoded)))

    async def _describe(self, name: str, decoded: ModelInput | ImageError, predictor: Predictor) -> dict[str, Any]:
        if isinstance(decoded, ImageError):
            self._metrics.images.labels("unreadable").inc()
            return describe_unreadable(name, decoded)
        prediction = await self._batcher.predict(predictor, decoded, name)
        self._metrics.images.labels(prediction.decision).inc()
        return describe_prediction(prediction)

    async def explain(self, upload: Upload, *, diagnosis: str | None, method: str | None) -> bytes:
        """Explain an image.

        Args:
            upload: Its file.
            diagnosis: See `Detector.explain`.
            method: `"cam"`, `"occlusion"`, or None for the first of them that the detector allows.

        Returns:
            The sheet of the explanation, as a PNG file.

        Raises:
            DetectorError: The detector does not know the diagnosis, or does not allow the method.
            ImageError: The image cannot be read, or has too many pixels.
        """
        return await _run(self._explainer, lambda: self._explain(upload, diagnosis, method))

    def _explain(self, upload: Upload, diagnosis: str | None, method: str | None) -> bytes:
        chosen = choose_method(self._detector.predictor, method)
        image = NamedBytes(upload)
        check_upload(image, self._settings)
        limit = self._settings.max_pixels
        # Loaded once before: explaining reads it several times, and cannot be given up.
        _load_within(
            image,
            min_decode_size(self._detector.predictor.image_size),
            lambda opened: check_pixels(opened.size, upload.name, limit),
            self._settings,
        )
        explanation = self._detector.explain(image, diagnosis=diagnosis, method=chosen, progress=False)
        file = io.BytesIO()
        explanation.sheet().save(file, "PNG")
        return file.getvalue()


def decode_upload(
    upload: Upload, predictor: Predictor, settings: ServeSettings
) -> list[tuple[str, ModelInput | ImageError]]:
    """Decode the images of a file.

    Args:
        upload: The file.
        predictor: Says the size of the model's images.
        settings: The limits.

    Returns:
        The name of each image, and its pixels or why it cannot be read; one for a file that is no DICOM file of several frames.

    Examples:
        >>> [(name, error)] = decode_upload(Upload("photo.jpg", b""), detector.predictor, ServeSettings())
        >>> name, str(error)
        ('photo.jpg', 'photo.jpg: the file is empty; copy it again or remove it')
    """
    image = NamedBytes(upload)
    try:
        check_upload(image, settings)
        return [(upload.name, _decode(image, predictor, settings))]
    except SeveralFramesError as error:
        count = error.frames
    except ImageError as error:
        return [(upload.name, error)]
    if count > settings.max_files:
        problem = f"{upload.name}: {count} frames; expected at most {settings.max_files}: split the file"
        return [(upload.name, ImageError(problem))]
    return [_decode_frame(Frame(image, number), predictor, settings) for number in range(1, count + 1)]


def check_upload(image: NamedBytes, settings: ServeSettings) -> None:
    """Raise ImageError for a file that is not worth opening: it is empty, or a DICOM file whose header says too many pixels.

    Args:
        image: The file.
        settings: The limits.

    Raises:
        ImageError: It is.

    Examples:
        >>> check_upload(NamedBytes(Upload("photo.jpg", b"something")), ServeSettings())
    """
    content = image.getvalue()  # no copy, until somebody writes
    if not content:
        raise ImageError(f"{image.name}: the file is empty; copy it again or remove it")
    # The reader decodes a DICOM file when it opens it, and checks its own limit alone before it does.
    if settings.max_pixels < MAX_PIXELS and is_dicom(content[:_PREFIX_BYTES]):
        from melanoma_detect.images.dicom_header import read_header  # noqa: PLC0415 - the extra dicom

        size = None
        with contextlib.suppress(MelanomaDetectError, ValueError, AttributeError):  # what is wrong, the reader says
            found = without_warning_errors(lambda: read_header(io.BytesIO(content), image.name)).dataset
            size = int(found.Columns), int(found.Rows)
        if size is not None:
            check_pixels(size, image.name, settings.max_pixels)


def choose_method(predictor: Predictor, method: str | None) -> Method:
    """Return the method of an explanation: never Grad-CAM, which would load Keras.

    Args:
        predictor: The detector.
        method: `"cam"`, `"occlusion"`, or None for the first of them that the detector allows.

    Returns:
        The method.

    Raises:
        DetectorError: There is no such method here.

    Examples:
        >>> choose_method(detector.predictor, None)  # a cnn flattens its feature maps, and has no maps of classes
        'occlusion'
    """
    if method is not None and method not in ("cam", "occlusion"):
        raise DetectorError(f"method={method!r}; expected 'cam' or 'occlusion'")
    if method is None:
        try:
            check_class_maps(predictor)
        except DetectorError:
            return "occlusion"
    return "occlusion" if method == "occlusion" else "cam"


def describe_prediction(prediction: Prediction) -> dict[str, Any]:
    """Return what is said of an image: the fields of `Prediction.to_dict`, after the file's name.

    Args:
        prediction: The prediction.

    Returns:
        Plain values.

    Examples:
        >>> found = detector.predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
        >>> list(describe_prediction(found))[:3]
        ['file', 'diagnosis', 'probabilities']
    """
    return {"file": prediction.source} | prediction.to_dict()


def describe_unreadable(name: str, error: ImageError) -> dict[str, Any]:
    """Return what is said of an image that cannot be read: as in a table of scores, a person must look.

    Args:
        name: Its name.
        error: Why.

    Returns:
        Plain values.

    Examples:
        >>> describe_unreadable("a.jpg", ImageError("a.jpg: the file is empty"))["decision"]
        'refer'
    """
    return {"file": name, "source": name, "decision": "refer", "reason": "unreadable", "error": str(error)}


def _decode_frame(frame: Frame, predictor: Predictor, settings: ServeSettings) -> tuple[str, ModelInput | ImageError]:
    try:
        return frame.name, _decode(frame, predictor, settings)
    except ImageError as error:
        return frame.name, error


def _decode(image: NamedBytes | Frame, predictor: Predictor, settings: ServeSettings) -> ModelInput:
    """Decode an image as `Predictor.preprocess` does, but for the limit of pixels, which is checked before they are decoded."""
    size, resize = predictor.image_size, predictor.config.resize

    def check(opened: Image.Image) -> None:
        check_pixels(opened.size, source_name(image), settings.max_pixels)

    loaded = _load_within(image, min_decode_size(size, resize), check, settings)
    return ModelInput(resize_image(loaded, size, resize), loaded.height, loaded.width)


def _load_within(
    image: NamedBytes | Frame, size: Size, check: Callable[[Image.Image], None], settings: ServeSettings
) -> Image.Image:
    """Load an image in half the time of a request: the other images of the request are answered all the same."""

    def load(_clock: Clock) -> Image.Image | MelanomaDetectError:
        try:
            return load_rgb(image, size, inspect=check)
        except MelanomaDetectError as error:
            return error

    [loaded] = read_within([load], settings.seconds / 2)
    if isinstance(loaded, MelanomaDetectError):
        raise loaded
    if isinstance(loaded, TimeoutError):
        raise ImageError(f"{source_name(image)}: {loaded}; make it smaller, or save it again")
    return loaded


def check_pixels(size: tuple[int, int], name: str, limit: int) -> None:
    """Raise ImageError if an image has more pixels than this service takes.

    Args:
        size: `(width, height)` in pixels.
        name: The image's name.
        limit: The most pixels.

    Raises:
        ImageError: It has more.

    Examples:
        >>> check_pixels((4000, 3000), "photo.jpg", 10**7)
        Traceback (most recent call last):
        melanoma_detect.errors.ImageError: photo.jpg: 4000×3000 pixels; expected at most 10 million: make it smaller
    """
    if size[0] * size[1] > limit:
        raise ImageError(
            f"{name}: {size[0]}×{size[1]} pixels; expected at most {limit / 1e6:g} million: make it smaller"
        )


async def _run(pool: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, work)
