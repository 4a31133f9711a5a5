"""The architecture under test, which the checks of the conformance kit build and run on the same images."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.synthetic import draw_lesion
from melanoma_detect.errors import ContractError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.models.build import build_model
from melanoma_detect.models.registry import Builder, ModelEntry, find_builder
from melanoma_detect.models.signatures import builder_signature

Shape: TypeAlias = tuple[int, int, int]

CLASSES = 3
_DIAGNOSES = ("melanoma", "nevus", "vascular lesion", "basal cell carcinoma")


class Candidate:
    """An architecture under test, with its options and the images that it is run on.

    Args:
        architecture: A name or a builder.
        input_shape: The `(height, width, 3)` in pixels that most checks build it at.
        options: The builder's other options.

    Examples:
        >>> Candidate("cnn").model.output_shape
        (None, 3)
    """

    def __init__(self, architecture: str | Builder, input_shape: Shape = (64, 64, 3), **options: Any) -> None:
        self.architecture, self.input_shape = architecture, input_shape
        self.options = self._without_download(options)

    @property
    def name(self) -> str:
        """The name for messages."""
        return str(getattr(self.architecture, "__name__", self.architecture))

    @property
    def entry(self) -> ModelEntry:
        """The registry's entry, or a substitute for a function."""
        if isinstance(self.architecture, str):
            return find_builder(self.architecture)[0]
        return ModelEntry(self.name, "(a function)", "", self.name)

    @property
    def builder(self) -> Builder:
        """The function that builds the model."""
        return find_builder(self.architecture)[1] if isinstance(self.architecture, str) else self.architecture

    @functools.cached_property
    def model(self) -> Any:
        """A model that is built once, for checks that do not change it."""
        return self.build()

    @functools.cached_property
    def pixels(self) -> Pixels:
        """Four procedural lesions at the input's size, uint8."""
        return self.images(self.input_shape)

    @property
    def extremes(self) -> Pixels:
        """An image that is all black and one that is all white, uint8 `(2, height, width, 3)`."""
        return np.stack([np.full(self.input_shape, value, np.uint8) for value in (0, 255)])

    @functools.cached_property
    def labels(self) -> NDArray[np.int64]:
        """A label for each image, int64 `(4,)`."""
        return np.arange(len(_DIAGNOSES)) % CLASSES

    def build(self, input_shape: Shape | None = None, num_classes: int = CLASSES, *, seed: int = 1) -> Any:
        """Build a new model.

        Args:
            input_shape: `(height, width, 3)` in pixels; None for the candidate's own.
            num_classes: The number of classes.
            seed: The seed of the weights.

        Returns:
            The model, which keeps the contract as far as that shows without running it.
        """
        shape = input_shape or self.input_shape
        return build_model(self.architecture, num_classes=num_classes, input_shape=shape, seed=seed, **self.options)

    def images(self, shape: Shape) -> Pixels:
        """Draw the images at a given size.

        Args:
            shape: `(height, width, 3)` in pixels.

        Returns:
            uint8 `(4, height, width, 3)`.
        """
        side = max(shape[:2])
        drawn = [draw_lesion(diagnosis, seed=seed, size=side).pixels for seed, diagnosis in enumerate(_DIAGNOSES)]
        return np.stack(drawn)[:, : shape[0], : shape[1]]

    def predict(self, pixels: NDArray[Any] | None = None, model: Any = None) -> NDArray[np.float32]:
        """Return the probabilities that a model gives for images, passed as float32 from 0 to 255.

        Args:
            pixels: The images; None for the candidate's own.
            model: The model; None for the candidate's own.

        Returns:
            Probabilities `(n, classes)`, in the type that the model returns.
        """
        images = self.pixels if pixels is None else pixels
        return np.asarray((model or self.model).predict_on_batch(images.astype(np.float32)))

    def fail(self, message: str) -> NoReturn:
        """Raise the error of a failed check.

        Args:
            message: What was found, what was expected, and what to do.

        Raises:
            ContractError: Always.
        """
        raise ContractError(f"architecture {self.name!r}: {message}")

    def _without_download(self, options: dict[str, Any]) -> dict[str, Any]:
        takes = builder_signature(self.entry, self.builder).parameters
        return {"weights": None, **options} if "weights" in takes else options


def check(function: Callable[[Candidate], None]) -> Callable[..., None]:
    """Let a check also take the name of an architecture, or a builder, with options.

    Args:
        function: A check that takes a candidate.

    Returns:
        The check that users call.
    """

    @functools.wraps(function)
    def wrapper(architecture: str | Builder | Candidate, **options: Any) -> None:
        function(architecture if isinstance(architecture, Candidate) else Candidate(architecture, **options))

    return wrapper


def keras_settings() -> Iterator[tuple[str, str]]:
    """Yield Keras's global settings, which a builder must not change.

    Yields:
        The name and the value of each setting, as text.
    """
    yield "floatx", keras.config.floatx()
    yield "dtype policy", keras.config.dtype_policy().name
    yield "image data format", keras.config.image_data_format()
    yield "epsilon", str(keras.config.epsilon())
    yield "interactive logging", str(keras.config.is_interactive_logging_enabled())
