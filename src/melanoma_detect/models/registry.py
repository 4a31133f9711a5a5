"""Which architectures are installed: read from entry points, importing none of them.

An architecture's package names it in its `pyproject.toml`:

```toml
[project.entry-points."melanoma_detect.models"]
mynet = "my_package.mynet:build"
```

The built-in ones come in the same way.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import importlib_metadata

from melanoma_detect.errors import BrokenPluginError, ModelError, UnknownModelError

GROUP = "melanoma_detect.models"

Builder: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class ModelEntry:
    """An architecture that an installed package offers.

    Attributes:
        name: What `build_model` takes.
        package: The distribution that offers it.
        version: That distribution's version.
        target: The builder, as `"module:function"`.
    """

    name: str
    package: str
    version: str
    target: str


def list_models() -> list[ModelEntry]:
    """List the architectures of every installed package, sorted by name; none of them is imported.

    Returns:
        One entry for each name and package.

    Examples:
        >>> [entry.name for entry in list_models() if entry.package == "melanoma-detect"]
        ['cnn']
    """
    found = {_described(point) for point in importlib_metadata.entry_points(group=GROUP)}
    return sorted(found, key=lambda entry: (entry.name, entry.package))


def find_entry(name: str) -> ModelEntry:
    """Find who offers an architecture, importing nothing.

    Args:
        name: The architecture's name.

    Returns:
        Its entry.

    Raises:
        UnknownModelError: Nobody offers the name; the message has the close match and the list.
        ModelError: Two packages offer the name.

    Examples:
        >>> find_entry("cnn").package
        'melanoma-detect'
    """
    offers = [entry for entry in list_models() if entry.name == name]
    if not offers:
        raise UnknownModelError(_unknown(name))
    if len(offers) > 1:
        packages = " and ".join(f"{entry.package} {entry.version}" for entry in offers)
        raise ModelError(f"architecture {name!r} is offered by {packages}; uninstall one of them")
    return offers[0]


def find_builder(name: str) -> tuple[ModelEntry, Builder]:
    """Import the builder of one architecture.

    Args:
        name: The architecture's name.

    Returns:
        Its entry and its builder.

    Raises:
        UnknownModelError: Nobody offers the name; the message has the close match and the list.
        ModelError: Two packages offer the name.
        BrokenPluginError: The package that offers it cannot be imported.

    Examples:
        >>> entry, build = find_builder("cnn")
        >>> entry.target
        'melanoma_detect.models.cnn:build'
    """
    entry = find_entry(name)
    point = importlib_metadata.EntryPoint(name=name, value=entry.target, group=GROUP)
    try:
        builder = point.load()
    except Exception as error:
        raise BrokenPluginError(
            f"architecture {name!r}: {entry.package} {entry.version} is installed, but {entry.target} cannot be imported "
            f"({type(error).__name__}: {error}); update or uninstall {entry.package}"
        ) from error
    if not callable(builder):
        raise BrokenPluginError(
            f"architecture {name!r}: {entry.target} of {entry.package} {entry.version} is a {type(builder).__name__}; "
            "expected a function that returns a Keras model"
        )
    return entry, builder


def _described(point: importlib_metadata.EntryPoint) -> ModelEntry:
    package = point.dist
    name, version = (package.name, package.version) if package else ("(unknown package)", "")
    return ModelEntry(point.name, name, version, point.value)


def _unknown(name: str) -> str:
    names = sorted({entry.name for entry in list_models()})
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"no installed package offers an architecture {name!r}; {hint}There are: {', '.join(names)}"
