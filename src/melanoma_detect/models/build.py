"""Building a model: from an architecture's name or a builder function to a Keras model that keeps the contract."""

import inspect
import traceback
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from melanoma_detect.errors import BrokenPluginError, MelanomaDetectError, ModelError
from melanoma_detect.models.contract import check, is_keras_model
from melanoma_detect.models.registry import Builder, ModelEntry, describe_builder, find_builder, parse_name
from melanoma_detect.models.signatures import check_options
from melanoma_detect.utils.random import check_seed, seeded


def build_model(
    architecture: str | Builder = "cnn",
    *,
    num_classes: int,
    input_shape: tuple[int, int, int] = (180, 180, 3),
    seed: int = 123,
    **options: Any,
) -> Any:
    """Build a model by the name of an architecture, or with a function of your own.

    Args:
        architecture: A name from `list_models()`, with or without a variant (`"mobilenet_v2:0.35"`) or its package
            (`"melanoma-detect/cnn"`); or a function that takes `input_shape` and `num_classes`.
        num_classes: The number of classes: `len(data.classes)`.
        input_shape: `(height, width, 3)` in pixels.
        seed: The seed of the initial weights.
        **options: The builder's options; see `model_info`.

    Returns:
        A functional `keras.Model` from RGB, 0 to 255, to probabilities.

    Raises:
        UnknownModelError: No package offers the name.
        ModelError: The builder does not take an option or its value, two packages offer the name, or a size is out of its
            range.
        BrokenPluginError: The package that offers the name cannot be imported.
        ContractError: The builder returned a model that breaks the contract.
        Exception: Whatever else the builder raises, with a note that names the builder.

    Examples:
        >>> build_model("cnn", num_classes=9).count_params()
        3989801
    """
    _check_sizes(num_classes, input_shape)
    seed = check_seed(seed, ModelError)
    shape = (int(input_shape[0]), int(input_shape[1]), 3)
    entry, builder = resolve_architecture(architecture)
    options = _add_variant(architecture, options)
    arguments = {"input_shape": shape, "num_classes": int(num_classes), **options}
    check_options(entry, builder, arguments)
    with seeded(seed):
        model = _call_builder(entry, builder, arguments)
    check(model, name=entry.name, input_shape=shape, num_classes=num_classes)
    model.architecture = _provenance(entry, options, seed)
    if not getattr(builder, "onnx", True):
        model.architecture["onnx"] = False
    return model


def resolve_architecture(architecture: str | Builder) -> tuple[ModelEntry, Builder]:
    """Return the builder of an architecture and its entry, which a function of the user's own gets too.

    Args:
        architecture: A name from `list_models()`, or a function that takes `input_shape` and `num_classes`.

    Returns:
        The entry and the builder.

    Raises:
        UnknownModelError: No package offers the name.
        ModelError: It is something else, such as a model; or two packages offer the name.
        BrokenPluginError: The package that offers the name cannot be imported.

    Examples:
        >>> resolve_architecture("cnn")[0].package
        'melanoma-detect'
    """
    if isinstance(architecture, str):
        return find_builder(architecture)
    if is_keras_model(architecture):
        raise ModelError(
            f"{architecture.name!r} is a model already: pass it to Detector.fit; its summary() lists its layers"
        )
    if not callable(architecture):
        raise ModelError(f"{architecture!r} is not an architecture; expected a name from list_models() or a function")
    name = getattr(architecture, "__name__", type(architecture).__name__)
    target = f"{getattr(architecture, '__module__', '?')}:{name}"
    summary = (inspect.getdoc(architecture) or "").partition("\n")[0]
    return ModelEntry(name, "(a function)", "", target, describe_builder(summary)), architecture


def _call_builder(entry: ModelEntry, builder: Builder, arguments: dict[str, Any]) -> Any:
    context = f"while building architecture {entry.name!r} of {entry.package} {entry.version} ({entry.target})"
    try:
        return builder(**arguments)
    except SystemExit as error:
        raise BrokenPluginError(
            f"{context}: it tried to exit the program ({error!r}); update {entry.package}"
        ) from error
    except (TypeError, ValueError) as error:
        if isinstance(error, MelanomaDetectError):
            raise
        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        raise ModelError(
            f"architecture {entry.name!r} cannot be built with {given}: {error} ({_line_of(error, builder)})"
        ) from error
    except Exception as error:
        error.add_note(context)
        raise


def _line_of(error: Exception, builder: Builder) -> str:
    """Return the last line of the builder's own file, or folder, that an error came through."""
    file = getattr(inspect.unwrap(builder), "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if file and Path(frame.filename).parent == Path(file.co_filename).parent]
    last = (own or frames)[-1]
    return f"{last.filename}, line {last.lineno}"


def _add_variant(architecture: str | Builder, options: dict[str, Any]) -> dict[str, Any]:
    variant = parse_name(architecture).variant if isinstance(architecture, str) else None
    if variant is None:
        return options
    if "variant" in options:
        raise ModelError(
            f"{architecture!r} and variant={options['variant']!r} were both given; expected the variant once"
        )
    return {"variant": variant, **options}


def _check_sizes(num_classes: Any, input_shape: Any) -> None:
    if not _is_count(num_classes) or num_classes < 2:
        raise ModelError(f"num_classes={num_classes!r}; expected a whole number, 2 or more: len(data.classes)")
    valid = isinstance(input_shape, Sequence) and all(map(_is_count, input_shape))
    if not valid or len(input_shape) != 3 or input_shape[2] != 3:
        raise ModelError(f"input_shape={input_shape!r}; expected (height, width, 3), such as (180, 180, 3)")


def _is_count(number: Any) -> bool:
    return not isinstance(number, bool) and isinstance(number, Integral) and int(number) > 0


def _provenance(entry: ModelEntry, options: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return what the model was built by, which a detector's file records."""
    recorded = {
        name: value if isinstance(value, (bool, int, float, str)) else repr(value) for name, value in options.items()
    }
    return {
        "name": entry.name,
        "package": entry.package,
        "version": entry.version,
        "options": recorded,
        "seed": seed,
    }
