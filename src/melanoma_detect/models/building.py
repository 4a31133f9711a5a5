"""From a name or a function to a model that keeps the contract."""

import inspect
from collections.abc import Sequence
from typing import Any

from melanoma_detect.data.operations import seeded
from melanoma_detect.errors import ModelError
from melanoma_detect.models.contract import check
from melanoma_detect.models.registry import Builder, ModelEntry, find_builder


def build_model(
    architecture: str | Builder = "cnn",
    *,
    num_classes: int,
    input_shape: tuple[int, int, int] = (180, 180, 3),
    seed: int = 123,
    **options: Any,
) -> Any:
    """Build an architecture by its name, or by a function of your own.

    Args:
        architecture: A name from `list_models()`, or a function that takes `input_shape` and `num_classes`.
        num_classes: How many classes: `len(data.classes)`.
        input_shape: `(height, width, 3)` in pixels.
        seed: Where the first weights come from.
        **options: What the builder takes beside these; see its signature.

    Returns:
        A functional `keras.Model` from RGB, 0 to 255, to probabilities.

    Raises:
        UnknownModelError: Nobody offers the name.
        ModelError: The builder does not take an option, or the sizes make no sense.
        BrokenPluginError: The package that offers the name cannot be imported.
        ContractError: The builder returned something other than what was agreed.

    Examples:
        >>> build_model("cnn", num_classes=9).count_params()
        3989801
    """
    _refuse_sizes(num_classes, input_shape)
    shape = (input_shape[0], input_shape[1], input_shape[2])
    entry, builder = _resolve(architecture)
    arguments = {"input_shape": shape, "num_classes": num_classes, **options}
    _refuse_options(entry, builder, arguments)
    with seeded(seed):
        model = _built(entry, builder, arguments)
    check(model, name=entry.name, input_shape=shape, num_classes=num_classes)
    model.architecture = _provenance(entry, options, seed)
    return model


def _built(entry: ModelEntry, builder: Builder, arguments: dict[str, Any]) -> Any:
    try:
        return builder(**arguments)
    except Exception as error:
        error.add_note(
            f"while building architecture {entry.name!r} of {entry.package} {entry.version} ({entry.target})"
        )
        raise


def _resolve(architecture: str | Builder) -> tuple[ModelEntry, Builder]:
    if isinstance(architecture, str):
        return find_builder(architecture)
    if not callable(architecture):
        raise ModelError(f"{architecture!r} is no architecture; expected a name from list_models() or a function")
    name = getattr(architecture, "__name__", type(architecture).__name__)
    target = f"{getattr(architecture, '__module__', '?')}:{name}"
    return ModelEntry(name, "(a function)", "", target), architecture


def _refuse_sizes(num_classes: int, input_shape: tuple[int, int, int]) -> None:
    if num_classes < 2:
        raise ModelError(f"num_classes={num_classes}; expected 2 or more: len(data.classes)")
    whole = isinstance(input_shape, Sequence) and all(isinstance(side, int) and side > 0 for side in input_shape)
    if not whole or len(input_shape) != 3 or input_shape[2] != 3:
        raise ModelError(f"input_shape={input_shape}; expected (height, width, 3), such as (180, 180, 3)")


def _refuse_options(entry: ModelEntry, builder: Builder, arguments: dict[str, Any]) -> None:
    signature = inspect.signature(builder)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise ModelError(f"architecture {entry.name!r}: {error}; its builder is {entry.name}{signature}") from error


def _provenance(entry: ModelEntry, options: dict[str, Any], seed: int) -> dict[str, Any]:
    """What made a model; a detector's file keeps it."""
    shown = {
        name: value if isinstance(value, (bool, int, float, str)) else repr(value) for name, value in options.items()
    }
    return {
        "name": entry.name,
        "package": entry.package,
        "version": entry.version,
        "options": shown,
        "seed": seed,
    }
