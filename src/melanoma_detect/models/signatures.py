"""Signatures of builders, and the check of the options that they are called with."""

import inspect
import types
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, Union, get_args, get_origin

from melanoma_detect.errors import BrokenPluginError, ModelError
from melanoma_detect.models.registry import Builder, ModelEntry

# What a simple annotation allows: text from the command line, say, is no number of filters.
_ALLOWED: dict[Any, tuple[type, ...]] = {int: (Integral,), float: (Real,), bool: (bool,), str: (str,)}
REQUIRED = ("input_shape", "num_classes")  # what every builder takes; anything else is an option


def builder_signature(entry: ModelEntry, builder: Builder) -> inspect.Signature:
    """Return a builder's signature.

    Args:
        entry: The builder's entry, for the message.
        builder: The builder.

    Returns:
        The signature.

    Raises:
        BrokenPluginError: It has none, as some functions written in C.

    Examples:
        >>> from melanoma_detect.models.registry import find_builder
        >>> list(builder_signature(*find_builder("cnn")).parameters)
        ['input_shape', 'num_classes', 'filters', 'dropout', 'batch_normalization']
    """
    try:
        return inspect.signature(builder)
    except (TypeError, ValueError) as error:
        raise BrokenPluginError(
            f"architecture {entry.name!r}: {entry.target} of {entry.package} {entry.version} shows no signature ({error}); "
            "expected a Python function that takes input_shape and num_classes"
        ) from error


def check_options(entry: ModelEntry, builder: Builder, arguments: Mapping[str, Any]) -> None:
    """Raise ModelError unless a builder can be called with these arguments.

    Args:
        entry: The builder's entry, for the message.
        builder: The builder.
        arguments: The keyword arguments of the call.

    Raises:
        ModelError: The builder does not take one of them, or needs others; the message shows its signature. Or an option that
            is annotated as an int, float, bool or str has a value of another type.

    Examples:
        >>> from melanoma_detect.models.registry import find_builder
        >>> check_options(*find_builder("cnn"), {"input_shape": (64, 64, 3), "num_classes": 9, "dropout": 0.5})
    """
    signature = builder_signature(entry, builder)
    if "variant" in arguments and not _accepts(signature, "variant"):
        raise ModelError(
            f"architecture {entry.name!r} has no variants, but got {entry.name}:{arguments['variant']}; its builder is "
            f"{entry.name}{signature}"
        )
    if "image_size" in arguments and not _accepts(signature, "image_size"):
        raise ModelError(
            f"architecture {entry.name!r} has no option image_size; a model's size is input_shape=(height, width, 3), such as "
            "input_shape=(180, 180, 3)"
        )
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise ModelError(f"architecture {entry.name!r}: {error}; its builder is {entry.name}{signature}") from None
    for name, annotation in _annotations(builder, signature).items():
        if name in arguments and name not in REQUIRED:
            _check_type(entry, signature.parameters[name], annotation, arguments[name])


def _annotations(builder: Builder, signature: inspect.Signature) -> dict[str, Any]:
    try:  # of a module with "from __future__ import annotations" they are texts
        evaluated = inspect.signature(builder, eval_str=True)
    except Exception:  # noqa: BLE001 - a name that is imported for type checkers only, or any expression
        evaluated = signature
    return {name: parameter.annotation for name, parameter in evaluated.parameters.items()}


def _check_type(entry: ModelEntry, parameter: inspect.Parameter, annotation: Any, value: Any) -> None:
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    is_simple = all(kind in _ALLOWED or kind is types.NoneType for kind in kinds)
    is_text_of_variant = parameter.name == "variant" and isinstance(value, str)  # "name:0.5" gives it as a text
    if not is_simple or value is parameter.default or is_text_of_variant:
        return
    if value is None and types.NoneType in kinds:
        return
    named = [kind for kind in kinds if kind is not types.NoneType]
    allowed = tuple(own for kind in named for own in _ALLOWED[kind])
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in kinds):
        expected = " or ".join(kind.__name__ for kind in named) + (" or None" if types.NoneType in kinds else "")
        raise ModelError(
            f"architecture {entry.name!r}: {parameter.name}={value!r} ({type(value).__name__}); expected {expected}"
        )


def _accepts(signature: inspect.Signature, name: str) -> bool:
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    return name in signature.parameters or inspect.Parameter.VAR_KEYWORD in kinds
