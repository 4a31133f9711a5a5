"""Augmentor's operations by name, applied to one image in memory and always the same for the same seed."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import Augmentor
from PIL import Image

from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.suggest import did_you_mean

ASSIGNMENT: Mapping[str, Mapping[str, float]] = {
    "rotate": {"probability": 0.7, "max_left_rotation": 10, "max_right_rotation": 10}
}


@dataclass(frozen=True)
class Operation:
    """One of Augmentor's operations, with the probability that it is applied to an image.

    Attributes:
        name: The name of the method of `Augmentor.Pipeline` that adds it, as `"rotate"`.
        probability: 0 to 1.
        options: The method's other arguments.
    """

    name: str
    probability: float
    options: Mapping[str, Any]

    def apply(self, image: Image.Image) -> Image.Image:
        """Apply the operation to an image; random amounts come from the global generators (see `seeded`)."""
        result: Image.Image = _performer(self.name, tuple(sorted(self.options.items()))).perform_operation([image])[0]
        return result


@lru_cache(maxsize=64)
def _performer(name: str, options: tuple[tuple[str, Any], ...]) -> Any:
    """Return Augmentor's own operation, built once: a pipeline costs more than most of what it does."""
    pipeline = Augmentor.Pipeline()
    getattr(pipeline, name)(probability=1, **dict(options))
    return pipeline.operations[0]


def parse(operations: Mapping[str, Mapping[str, Any]]) -> tuple[Operation, ...]:
    """Check operations given by name.

    Args:
        operations: For the name of a method of `Augmentor.Pipeline` its arguments, `probability` among them, in the order in
            which they are to be applied.

    Returns:
        The operations.

    Raises:
        DatasetError: A name, an argument or a probability that Augmentor does not take.

    Examples:
        >>> parse({"flip_left_right": {"probability": 0.5}})[0].name
        'flip_left_right'
    """
    if not isinstance(operations, Mapping):
        raise DatasetError(
            f"operations={operations!r}; expected names with arguments: {{'flip_left_right': {{'probability': 0.5}}}}"
        )
    if not operations:
        raise DatasetError(
            "no operations; expected some by name, such as {'rotate': {...}}, or None for the assignment's"
        )
    return tuple(_parse_one(name, dict(options)) for name, options in operations.items())


def available() -> tuple[str, ...]:
    """Return the names of all of Augmentor's operations.

    Returns:
        Names, sorted.

    Examples:
        >>> "rotate" in available()
        True
    """
    methods = inspect.getmembers(Augmentor.Pipeline, inspect.isfunction)
    return tuple(name for name, method in methods if "probability" in inspect.signature(method).parameters)


def _parse_one(name: str, options: dict[str, Any]) -> Operation:
    if name not in available():
        hint = did_you_mean(name, available())
        raise DatasetError(f"Augmentor has no operation {name!r}; {hint}It has {', '.join(available())}")
    probability = options.pop("probability", 1.0)
    if not 0 <= probability <= 1:
        raise DatasetError(f"{name}: probability={probability}; expected 0 to 1")
    try:
        getattr(Augmentor.Pipeline(), name)(probability=1, **options)
    except (TypeError, ValueError) as error:
        signature = inspect.signature(getattr(Augmentor.Pipeline, name))
        raise DatasetError(f"{name}: Augmentor refuses {options} ({error}); expected {name}{signature}") from error
    return Operation(name, float(probability), options)
