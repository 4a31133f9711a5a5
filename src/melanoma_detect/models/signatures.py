"""What a builder takes, and what it is told."""

import inspect
from collections.abc import Mapping
from typing import Any

from melanoma_detect.errors import BrokenPluginError, ModelError
from melanoma_detect.models.registry import Builder, ModelEntry

GIVEN = ("input_shape", "num_classes")


def signature_of(entry: ModelEntry, builder: Builder) -> inspect.Signature:
    """Return a builder's signature.

    Args:
        entry: Whose builder it is, for the message.
        builder: The builder.

    Returns:
        The signature.

    Raises:
        BrokenPluginError: It has none, as some functions written in C.

    Examples:
        >>> from melanoma_detect.models.registry import find_builder
        >>> list(signature_of(*find_builder("cnn")).parameters)
        ['input_shape', 'num_classes', 'filters', 'dropout', 'batch_normalization']
    """
    try:
        return inspect.signature(builder)
    except (TypeError, ValueError) as error:
        raise BrokenPluginError(
            f"architecture {entry.name!r}: {entry.target} of {entry.package} {entry.version} shows no signature ({error}); "
            "expected a Python function that takes input_shape and num_classes"
        ) from error


def refuse_options(entry: ModelEntry, builder: Builder, arguments: Mapping[str, Any]) -> None:
    """Refuse options that a builder does not take, showing what it does take.

    Args:
        entry: Whose builder it is, for the message.
        builder: The builder.
        arguments: What it would be called with.

    Raises:
        ModelError: It does not take them, or needs others.

    Examples:
        >>> from melanoma_detect.models.registry import find_builder
        >>> refuse_options(*find_builder("cnn"), {"input_shape": (64, 64, 3), "num_classes": 9, "dropout": 0.5})
    """
    signature = signature_of(entry, builder)
    if "variant" in arguments and not _takes(signature, "variant"):
        raise ModelError(
            f"architecture {entry.name!r} has no variants, and {entry.name}:{arguments['variant']} was asked for; its "
            f"builder is {entry.name}{signature}"
        )
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise ModelError(f"architecture {entry.name!r}: {error}; its builder is {entry.name}{signature}") from error


def _takes(signature: inspect.Signature, name: str) -> bool:
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    return name in signature.parameters or inspect.Parameter.VAR_KEYWORD in kinds
