"""Architectures on the command line: their names and their options."""

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from melanoma_detect.cli.checks import OptionError
from melanoma_detect.utils.suggest import did_you_mean

_EXPECTED = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text", "None": "none"}
_GIVEN_BY_US = ("input_shape", "num_classes")


def check_architecture(name: str) -> None:
    """Raise an error unless an architecture is installed; does not import Keras.

    Args:
        name: The architecture's name.

    Raises:
        UnknownModelError: No package offers it.
        ModelError: Two packages offer it.
    """
    from melanoma_detect.models.registry import find_entry  # noqa: PLC0415 - --help stays fast

    find_entry(name)


def check_architecture_options(architecture: str, options: Mapping[str, Any]) -> None:
    """Raise an error for an option that an architecture does not have, or a value of another type; imports no Keras.

    The signature is read from the source of the builder. Where there is none, or where it takes any keyword, `build_model`
    finds what is wrong.

    Args:
        architecture: The architecture's name, with or without a variant.
        options: Its options, from `parse_options`.

    Raises:
        OptionError: It has no such option, or the option takes another type of value.

    Examples:
        >>> check_architecture_options("cnn", {"dropout": 0.5})
        >>> check_architecture_options("cnn", {"dropuot": 0.5})
        Traceback (most recent call last):
        melanoma_detect.cli.errors.OptionError: --option dropuot: cnn has no such option; did you mean 'dropout'? ...
    """
    from melanoma_detect.models.registry import find_entry  # noqa: PLC0415 - --help stays fast

    entry = find_entry(architecture)
    annotations = _read_annotations(entry.target)
    if annotations is None:
        return
    for name, value in options.items():
        if name not in annotations:
            expected = ", ".join(annotations) or "no option at all"
            hint = did_you_mean(name, annotations)
            raise OptionError(f"--option {name}: {entry.name} has no such option; {hint}expected {expected}")
        kinds = [kind.strip() for kind in annotations[name].split("|")]
        if set(kinds) <= set(_EXPECTED) and not any(_is_of_kind(value, kind) for kind in kinds):
            expected = " or ".join(_EXPECTED[kind] for kind in kinds)
            raise OptionError(f"--option {name}={value}: expected {expected}")


def _is_of_kind(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "bool"
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,), "None": (type(None),)}
    return isinstance(value, kinds.get(kind, ()))


def _read_annotations(target: str) -> dict[str, str] | None:
    """Return the annotation of each option of a builder, read from its source; None where that does not tell them."""
    from melanoma_detect.models.registry import find_source  # noqa: PLC0415 - --help stays fast

    module, _, name = target.partition(":")
    source = find_source(module)
    try:
        body = ast.parse(source.read_bytes()).body if source else []
    except (OSError, SyntaxError, ValueError):
        return None
    found = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == name.strip()]
    # A decorator may change what the function takes.
    if len(found) != 1 or found[0].decorator_list or found[0].args.kwarg:
        return None
    arguments = [*found[0].args.posonlyargs, *found[0].args.args, *found[0].args.kwonlyargs]
    return {
        each.arg: ast.unparse(each.annotation).strip("'\"") if each.annotation else ""
        for each in arguments
        if each.arg not in _GIVEN_BY_US
    }


def parse_options(pairs: Sequence[str] | None) -> dict[str, Any]:
    """Return what `--option` gives as keywords of an architecture's builder.

    Args:
        pairs: `NAME=VALUE` texts, or None.

    Returns:
        The values by name: numbers, booleans (also `true` and `false`), None, tuples and lists as Python writes them;
        anything else is text.

    Raises:
        OptionError: A text in another form, or a name that is given twice.

    Examples:
        >>> parse_options(["dropout=0.5", "filters=(16, 32)", "batch_normalization=true", "weights=a.npz"])
        {'dropout': 0.5, 'filters': (16, 32), 'batch_normalization': True, 'weights': 'a.npz'}
    """
    options: dict[str, Any] = {}
    for pair in pairs or ():
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not name.isidentifier():
            raise OptionError(f"--option {pair}: expected NAME=VALUE, such as dropout=0.5")
        if name in options:
            raise OptionError(f"--option {pair}: the option {name!r} is given twice; give it one value")
        options[name] = _parse_value(value)
    return options


def _parse_value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
