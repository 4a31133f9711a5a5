"""The architecture under test: built as often as a check needs it, on the same images."""

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
from melanoma_detect.models.signatures import signature_of

Shape: TypeAlias = tuple[int, int, int]

CLASSES = 3
_DRAWN = ("melanoma", "nevus", "vascular lesion", "basal cell carcinoma")


class Subject:
    """An architecture, with what it is built with and the images that it is tried on.

    Args:
        architecture: A name or a builder.
        input_shape: `(height, width, 3)` in pixels that most checks build it at.
        options: What the builder is told beside that.

    Examples:
        >>> Subject("cnn").model.output_shape
        (None, 3)
    """

    def __init__(self, architecture: str | Builder, input_shape: Shape = (64, 64, 3), **options: Any) -> None:
        self.architecture, self.input_shape = architecture, input_shape
        self.options = self._offline(options)

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return str(getattr(self.architecture, "__name__", self.architecture))

    @property
    def entry(self) -> ModelEntry:
        """Who offers it."""
        if isinstance(self.architecture, str):
            return find_builder(self.architecture)[0]
        return ModelEntry(self.name, "(a function)", "", self.name)

    @property
    def builder(self) -> Builder:
        """The function that builds it."""
        return find_builder(self.architecture)[1] if isinstance(self.architecture, str) else self.architecture

    @functools.cached_property
    def model(self) -> Any:
        """A model for checks that do not change it."""
        return self.build()

    @functools.cached_property
    def pixels(self) -> Pixels:
        """Four procedural lesions at the input's size, uint8."""
        return self.images(self.input_shape)

    @functools.cached_property
    def labels(self) -> NDArray[np.int64]:
        """A label for each image, `(n,)`."""
        return np.arange(len(_DRAWN)) % CLASSES

    def build(self, input_shape: Shape | None = None, num_classes: int = CLASSES, *, seed: int = 1) -> Any:
        """Build it anew.

        Args:
            input_shape: `(height, width, 3)`; the subject's own where it is None.
            num_classes: How many classes.
            seed: Where the weights come from.

        Returns:
            The model, which keeps what can be seen of the contract without running it.
        """
        shape = input_shape or self.input_shape
        return build_model(self.architecture, num_classes=num_classes, input_shape=shape, seed=seed, **self.options)

    def images(self, shape: Shape) -> Pixels:
        """Draw the images at another size.

        Args:
            shape: `(height, width, 3)`.

        Returns:
            uint8 `(4, height, width, 3)`.
        """
        side = max(shape[:2])
        drawn = [draw_lesion(diagnosis, seed=seed, size=side).pixels for seed, diagnosis in enumerate(_DRAWN)]
        return np.stack(drawn)[:, : shape[0], : shape[1]]

    def answers(self, pixels: NDArray[Any] | None = None, model: Any = None) -> NDArray[np.float32]:
        """Return what a model says to images, as float32 pixels from 0 to 255.

        Args:
            pixels: The images; the subject's own where it is None.
            model: The model; the subject's own where it is None.

        Returns:
            Probabilities `(n, classes)`, in the type that the model gives.
        """
        shown = self.pixels if pixels is None else pixels
        return np.asarray((model or self.model).predict_on_batch(shown.astype(np.float32)))

    def fail(self, message: str) -> NoReturn:
        """Say that a check failed.

        Args:
            message: What was found, what was expected and what to do.

        Raises:
            ContractError: Always.
        """
        raise ContractError(f"architecture {self.name!r}: {message}")

    def _offline(self, options: dict[str, Any]) -> dict[str, Any]:
        takes = signature_of(self.entry, self.builder).parameters
        return {"weights": None, **options} if "weights" in takes else options


def check(function: Callable[[Subject], None]) -> Callable[..., None]:
    """Make a check that takes a name or a builder out of one that takes a subject.

    Args:
        function: The check.

    Returns:
        The same check for users.
    """

    @functools.wraps(function)
    def checked(architecture: str | Builder | Subject, **options: Any) -> None:
        function(architecture if isinstance(architecture, Subject) else Subject(architecture, **options))

    return checked


def settings() -> Iterator[tuple[str, str]]:
    """Return Keras's global settings, which a builder must leave as they are.

    Yields:
        Each setting's name and its value, as text.
    """
    yield "floatx", keras.config.floatx()
    yield "dtype policy", keras.config.dtype_policy().name
    yield "image data format", keras.config.image_data_format()
    yield "epsilon", str(keras.config.epsilon())
    yield "interactive logging", str(keras.config.is_interactive_logging_enabled())
