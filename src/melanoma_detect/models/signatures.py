"""Signatures of builders, and the check of the options that they are called with."""

import inspect
from collections.abc import Mapping
from typing import Any

from melanoma_detect.errors import BrokenPluginError, ModelError
from melanoma_detect.models.registry import Builder, ModelEntry

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
        ModelError: The builder does not take one of them, or needs others; the message shows its signature.

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
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise ModelError(f"architecture {entry.name!r}: {error}; its builder is {entry.name}{signature}") from error


def _accepts(signature: inspect.Signature, name: str) -> bool:
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    return name in signature.parameters or inspect.Parameter.VAR_KEYWORD in kinds
