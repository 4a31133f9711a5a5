"""Which architectures are installed: read from entry points, importing none of them.

An architecture's package names it in its `pyproject.toml`:

```toml
[project.entry-points."melanoma_detect.models"]
mynet = "my_package.mynet:build"
```

The built-in ones come in the same way.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import importlib_metadata

from melanoma_detect.errors import BrokenPluginError, ModelError, UnknownModelError
from melanoma_detect.models.describing import first_line
from melanoma_detect.models.known import KNOWN

GROUP = "melanoma_detect.models"

Builder: TypeAlias = Callable[..., Any]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class ModelEntry:
    """An architecture that an installed package offers.

    Attributes:
        name: What `build_model` takes.
        package: The distribution that offers it.
        version: That distribution's version.
        target: The builder, as `"module:function"`.
        description: One line about it: the builder's docstring, or the package's summary.
    """

    name: str
    package: str
    version: str
    target: str
    description: str = ""

    @property
    def full_name(self) -> str:
        """`package/name`, which `build_model` takes too: it is clear also where two packages offer the name."""
        return f"{self.package}/{self.name}"


class Wanted(NamedTuple):
    """What a user's name for an architecture says.

    Attributes:
        name: The entry point's name.
        package: The package that must offer it, or None.
        variant: The builder's `variant`, or None.
    """

    name: str
    package: str | None = None
    variant: str | None = None


def list_models() -> list[ModelEntry]:
    """List the architectures of every installed package, sorted by name; none of them is imported.

    Returns:
        One entry for each name and package.

    Examples:
        >>> [entry.name for entry in list_models() if entry.package == "melanoma-detect"]
        ['cnn', 'convnext_tiny', 'densenet121', 'efficientnet_v2', 'lesion_net', 'mobilenet', 'mobilenet_v2', ...]
    """
    found = {_described(point) for point in importlib_metadata.entry_points(group=GROUP)}
    return sorted(found, key=lambda entry: (entry.name, entry.package))


def wanted(name: str) -> Wanted:
    """Take a name apart: `mobilenet_v2`, `mobilenet_v2:0.35`, or with its package, `melanoma-detect/mobilenet_v2:0.35`.

    Args:
        name: What the user wrote.

    Returns:
        Its parts.

    Examples:
        >>> wanted("mobilenet_v2:0.35")
        Wanted(name='mobilenet_v2', package=None, variant='0.35')
    """
    whole, colon, variant = name.partition(":")
    package, slash, short = whole.rpartition("/")
    return Wanted(short if slash else whole, package if slash else None, variant if colon else None)


def find_entry(name: str) -> ModelEntry:
    """Find who offers an architecture, importing nothing.

    Args:
        name: The architecture's name, alone or as `package/name`; a variant behind a colon makes no difference.

    Returns:
        Its entry.

    Raises:
        UnknownModelError: Nobody offers the name; the message has the close match and the list.
        ModelError: Two packages offer the name, and none was named.

    Examples:
        >>> find_entry("cnn").package
        'melanoma-detect'
    """
    asked = wanted(name)
    entries = list_models()
    offers = [entry for entry in entries if entry.name == asked.name and asked.package in (None, entry.package)]
    if not offers:
        raise UnknownModelError(_unknown(asked, entries))
    if len(offers) > 1:
        packages = " and ".join(f"{entry.package} {entry.version}" for entry in offers)
        choices = " or ".join(repr(entry.full_name) for entry in offers)
        raise ModelError(
            f"architecture {asked.name!r} is offered by {packages}; say {choices}, or uninstall one of them"
        )
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
        BrokenPluginError: The package that offers it cannot be imported, or offers no function.

    Examples:
        >>> entry, build = find_builder("cnn")
        >>> entry.target
        'melanoma_detect.models.cnn:build'
    """
    entry = find_entry(name)
    whose = f"architecture {entry.name!r}: {entry.package} {entry.version}"
    if not _NAME.fullmatch(entry.name) or not _TARGET.fullmatch(entry.target):
        raise BrokenPluginError(
            f"{whose} offers {entry.target!r} under the name {entry.name!r}; expected letters, digits, '.', '_' and '-' in the "
            f"name and 'module:function'; update or uninstall {entry.package}"
        )
    point = importlib_metadata.EntryPoint(name=entry.name, value=entry.target, group=GROUP)
    try:
        builder = point.load()
    except (Exception, SystemExit) as error:
        # A module that leaves the program when it is imported is as broken as one that raises.
        raise BrokenPluginError(
            f"{whose} is installed, but {entry.target} cannot be imported ({type(error).__name__}: {error}); update or "
            f"uninstall {entry.package}"
        ) from error
    if not callable(builder):
        raise BrokenPluginError(
            f"{whose}: {entry.target} is a {type(builder).__name__}; expected a function that returns a Keras model"
        )
    return entry, builder


def _described(point: importlib_metadata.EntryPoint) -> ModelEntry:
    package = point.dist
    if package is None:
        return ModelEntry(point.name, "(unknown package)", "", point.value, first_line(point.value))
    description = first_line(point.value) or str(package.metadata.get("Summary") or "")
    return ModelEntry(point.name, package.name, package.version, point.value, description)


def _unknown(asked: Wanted, entries: Sequence[ModelEntry]) -> str:
    names = sorted({entry.name for entry in entries})
    close = difflib.get_close_matches(asked.name, names, n=1)
    if asked.package and asked.name in names:
        packages = ", ".join(entry.full_name for entry in entries if entry.name == asked.name)
        return f"{asked.package} offers no architecture {asked.name!r}; there is {packages}"
    if asked.name in KNOWN:
        package = KNOWN[asked.name]
        return f"architecture {asked.name!r} comes with {package}, which is not installed: pip install {package}"
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"no installed package offers an architecture {asked.name!r}; {hint}There are: {', '.join(names)}"
