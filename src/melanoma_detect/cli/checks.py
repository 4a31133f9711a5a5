"""Checks of the values of options: a wrong one is refused while the command line is read, before any work begins.

Each check is a `callback` of `typer.Option`. Its error names the option as the user has written it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from melanoma_detect.cli.errors import OptionError
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.suggest import did_you_mean

__all__ = ["OptionError", "at_least", "between_0_and_1", "check_seed", "given_path", "one_of", "option_name"]

_NUMPY_SEEDS = 2**32  # NumPy's old generator, which Augmentor draws from, takes no larger seed


def given_path(text: str) -> Path:
    """Return the path that an argument names; a parser of `typer.Option` and `typer.Argument`.

    Args:
        text: What was written; `~` is the home folder.

    Returns:
        The path.

    Raises:
        BadParameter: It is empty or blank, as a variable of a shell that is not set: that is not the current folder.

    Examples:
        >>> given_path("photos").name
        'photos'
    """
    if not text.strip() or "\0" in text:
        raise typer.BadParameter(f"{text!r} names no file or folder; the current folder is '.'")
    return expand_path(text)


def at_least(lowest: int, *, below: int | None = None) -> Callable[..., Any]:
    """Return a check that a whole number is not too small.

    Args:
        lowest: The smallest number that is allowed.
        below: The smallest number that is too large; None for no limit.

    Returns:
        The check.

    Examples:
        >>> OptionForm = typer.Option(callback=at_least(1))
    """
    limit = f", under {below}" if below else ""

    def check(param: typer.CallbackParam, value: Any) -> Any:
        if value is not None and not (lowest <= value and (below is None or value < below)):
            raise OptionError(f"{option_name(param)} {value}: expected a whole number of at least {lowest}{limit}")
        return value

    return check


def check_seed(param: typer.CallbackParam, value: Any) -> Any:
    """Raise OptionError for a seed that NumPy does not take.

    Args:
        param: The option.
        value: Its value; None where it is not given.

    Returns:
        The value.

    Raises:
        OptionError: The seed is negative or too large.

    Examples:
        >>> SeedForm = typer.Option(callback=check_seed)
    """
    return at_least(0, below=_NUMPY_SEEDS)(param, value)


def between_0_and_1(example: str) -> Callable[..., Any]:
    """Return a check that a share is over 0 and under 1.

    Args:
        example: Such a share, for the message.

    Returns:
        The check; it takes one share or a list of them.

    Examples:
        >>> OptionForm = typer.Option(callback=between_0_and_1("0.95"))
    """

    def check(param: typer.CallbackParam, value: Any) -> Any:
        for share in value if isinstance(value, (list, tuple)) else [value]:
            if share is not None and not 0 < share < 1:
                raise OptionError(
                    f"{option_name(param)} {share:g}: expected a share over 0 and under 1, such as {example}"
                )
        return value

    return check


def one_of(*choices: Any) -> dict[str, Any]:
    """Return the keywords of `typer.Option` for a choice: its check, and its completion in the shell.

    Args:
        *choices: The values that are allowed.

    Returns:
        Keywords of `typer.Option`.

    Examples:
        >>> one_of("local", "ray")["metavar"]
        'local | ray'
    """
    texts = [str(choice) for choice in choices]
    listed = f"{', '.join(texts[:-1])} or {texts[-1]}" if len(texts) > 1 else texts[0]

    def check(param: typer.CallbackParam, value: Any) -> Any:
        if value is not None and value not in choices:
            hint = did_you_mean(str(value), texts)
            raise OptionError(f"{option_name(param)} {value}: {hint}expected {listed}")
        return value

    def complete(incomplete: str) -> list[str]:
        return [text for text in texts if text.startswith(incomplete)]

    return {
        "callback": check,
        "autocompletion": complete,
        "metavar": " | ".join(texts),
    }  # with blanks: help breaks lines there


def option_name(param: typer.CallbackParam) -> str:
    """Return an option's name as `--help` shows it.

    Args:
        param: The option.

    Returns:
        The first of its long names.
    """
    return next((name for name in param.opts if name.startswith("--")), str(param.name))
