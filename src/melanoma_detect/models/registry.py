"""Registry of architectures: what installed packages offer, read from their entry points without importing them.

An architecture's package names it in its `pyproject.toml`:

```toml
[project.entry-points."melanoma_detect.models"]
mynet = "my_package.mynet:build"
```

The built-in architectures are registered in the same way.
"""

import ast
import functools
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import importlib_metadata

from melanoma_detect.errors import BrokenPluginError, MissingPackageError, ModelError, UnknownModelError
from melanoma_detect.printable import printable
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.missing_packages import CORE, WHOLE
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.suggest import did_you_mean
from melanoma_detect.utils.user_warning import warn_user

GROUP = "melanoma_detect.models"

# Published packages by the architectures that they offer: named where one is missing. A package is added by pull request, here
# and in docs/plugins.md, once `pip install` finds it; nothing is looked up.
KNOWN: dict[str, str] = {}

Builder: TypeAlias = Callable[..., Any]

# Anything else is not imported: an entry point is text from a package's metadata, and could be any expression.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class ModelEntry:
    """An architecture that an installed package offers.

    Attributes:
        name: The name that `build_model` takes.
        package: The package that offers it.
        version: The package's version.
        target: The builder, as `"module:function"`.
        description: The first line of the builder's docstring without its first word "Build", or the package's summary.
    """

    name: str
    package: str
    version: str
    target: str
    description: str = ""

    @property
    def full_name(self) -> str:
        """`package/name`, which `build_model` also takes, and which is unique if two packages offer the name."""
        return f"{self.package}/{self.name}"


class ModelName(NamedTuple):
    """The parts of a name that a user gives for an architecture.

    Attributes:
        name: The entry point's name.
        package: The package that must offer it, or None for any.
        variant: The builder's `variant`, or None.
    """

    name: str
    package: str | None = None
    variant: str | None = None


class ModelList(list[ModelEntry]):
    """A list of architectures, which prints and shows itself as a table; it is a list in every other respect.

    Examples:
        >>> print(ModelList(entry for entry in list_models() if entry.name == "cnn"))
        1 architecture
        cnn  melanoma-detect ...  The assignment's network: three convolutions with pooling, and a dense layer of 128.
    """

    _repr_html_ = notebook_view

    def __repr__(self) -> str:
        texts = ((entry.name, f"{entry.package} {entry.version}", entry.description) for entry in self)
        rows = [tuple(map(printable, row)) for row in texts]
        widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
        lines = (f"{name:<{widths[0]}}  {package:<{widths[1]}}  {text}".rstrip() for name, package, text in rows)
        return "\n".join([count_noun(len(self), "architecture"), *lines])


def list_models() -> ModelList:
    """List the architectures of all installed packages, sorted by name, without importing them.

    Returns:
        An entry for each name and package: a list, which prints as a table.

    Examples:
        >>> [entry.name for entry in list_models() if entry.package == "melanoma-detect"]
        ['cnn', 'convnext_tiny', 'densenet121', 'efficientnet_lite0', 'efficientnet_lite1', 'efficientnet_lite2', ...]
    """
    # A package that is on the path twice, as an editable install can be, gives each entry point twice: the first counts.
    entries: dict[str, ModelEntry] = {}
    for package in importlib_metadata.distributions():
        for entry in _entries_of(package):
            entries.setdefault(entry.full_name, entry)
    return ModelList(sorted(entries.values(), key=lambda entry: (entry.name, entry.package)))


def parse_name(name: str) -> ModelName:
    """Split a name such as `mobilenet_v2`, `mobilenet_v2:0.35` or `melanoma-detect/mobilenet_v2:0.35` into its parts.

    Args:
        name: The name that a user gave.

    Returns:
        Its parts.

    Examples:
        >>> parse_name("mobilenet_v2:0.35")
        ModelName(name='mobilenet_v2', package=None, variant='0.35')
    """
    full_name, colon, variant = name.partition(":")
    package, slash, short_name = full_name.rpartition("/")
    return ModelName(short_name if slash else full_name, package if slash else None, variant if colon else None)


def find_entry(name: str) -> ModelEntry:
    """Return the entry of an architecture, without importing it.

    Args:
        name: The architecture's name, alone or as `package/name`; a variant after a colon is ignored.

    Returns:
        Its entry.

    Raises:
        UnknownModelError: No package offers the name; the message has the most similar name and the list.
        ModelError: Two packages offer the name, and it came without a package.

    Examples:
        >>> find_entry("cnn").package
        'melanoma-detect'
    """
    parsed = parse_name(name)
    entries = list_models()
    offers = [entry for entry in entries if entry.name == parsed.name and parsed.package in (None, entry.package)]
    if not offers:
        raise UnknownModelError(_describe_unknown(parsed, entries))
    if len(offers) > 1:
        packages = " and ".join(f"{entry.package} {entry.version}" for entry in offers)
        choices = " or ".join(repr(entry.full_name) for entry in offers)
        raise ModelError(
            f"architecture {parsed.name!r} is offered by {packages}; use {choices}, or uninstall one of them"
        )
    return offers[0]


def find_builder(name: str) -> tuple[ModelEntry, Builder]:
    """Import and return the builder of an architecture.

    Args:
        name: The architecture's name.

    Returns:
        Its entry and its builder.

    Raises:
        UnknownModelError: No package offers the name; the message has the most similar name and the list.
        ModelError: Two packages offer the name, and it came without a package.
        BrokenPluginError: The package that offers it cannot be imported, or offers something other than a function.
        MissingPackageError: Keras is not installed.

    Examples:
        >>> entry, build = find_builder("cnn")
        >>> entry.target
        'melanoma_detect.models.cnn:build'
    """
    entry = find_entry(name)
    subject = f"architecture {entry.name!r}: {entry.package} {entry.version}"
    if not _NAME.fullmatch(entry.name) or not _TARGET.fullmatch(entry.target):
        raise BrokenPluginError(
            f"{subject} offers {entry.target!r} under the name {entry.name!r}; expected letters, digits, '.', '_' and '-' in "
            f"the name and 'module:function'; update or uninstall {entry.package}"
        )
    point = importlib_metadata.EntryPoint(name=entry.name, value=entry.target, group=GROUP)
    try:
        builder = point.load()
    except (MissingPackageError, KeyboardInterrupt):
        raise  # the package is sound: what it needs is missing
    except BaseException as error:
        # A module that exits the program when it is imported is as broken as one that raises.
        raise BrokenPluginError(
            f"{subject} is installed, but {entry.target} cannot be imported ({type(error).__name__}: {error}); update or "
            f"uninstall {entry.package}"
        ) from error
    if not callable(builder):
        raise BrokenPluginError(
            f"{subject}: {entry.target} is a {type(builder).__name__}; expected a function that returns a Keras model"
        )
    return entry, builder


def read_summary(target: str) -> str:
    """Return the first line of a function's docstring, read from the source without importing it.

    `importlib.util.find_spec` would import the packages above a module, and a plugin's `__init__` may import Keras or be
    broken. So the file is searched for on `sys.path` and parsed.

    Args:
        target: The function, as `"module:function"`.

    Returns:
        The line; empty if there is no source or no docstring.

    Examples:
        >>> read_summary("melanoma_detect.models.cnn:build")
        "Build the assignment's network: three convolutions with pooling, and a dense layer of 128."
    """
    module, _, name = target.partition(":")
    source = find_source(module)
    return _read_docstrings(source).get(name.strip(), "") if source else ""


def describe_builder(summary: str) -> str:
    """Return what a builder builds, from the first line of its docstring.

    Args:
        summary: The line, usually in the imperative, as docstrings are.

    Returns:
        The description of an architecture.

    Examples:
        >>> describe_builder("Build MobileNet V2.")
        'MobileNet V2.'
        >>> describe_builder("Build the assignment's network.")
        "The assignment's network."
    """
    what = summary.removeprefix("Build ")
    is_word = what.partition(" ")[0] in ("a", "an", "the")
    return what[:1].upper() + what[1:] if is_word else what


def find_source(module: str) -> Path | None:
    """Return the source file of a module on `sys.path`, without importing anything.

    Args:
        module: The module's full name.

    Returns:
        The file, or None.

    Examples:
        >>> find_source("melanoma_detect.models.cnn").name
        'cnn.py'
    """
    parts = module.strip().split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    for folder in sys.path:
        base = Path(folder or ".", *parts)
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file():
                return file
    return None


@functools.lru_cache(maxsize=256)
def _read_docstrings(file: Path) -> dict[str, str]:
    """Return the first docstring line of each function and class of a file."""
    try:
        body = ast.parse(file.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return {}
    functions = [node for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
    return {node.name: (ast.get_docstring(node) or "").partition("\n")[0].strip() for node in functions}


def _entries_of(package: Any) -> list[ModelEntry]:
    """Return the architectures of a package; none, with a warning, where what it says of itself cannot be read."""
    try:
        text = package.read_text("entry_points.txt") or ""
        if GROUP not in text:  # nearly every package
            return []
        return [_make_entry(point) for point in package.entry_points.select(group=GROUP)]
    except Exception as error:  # noqa: BLE001 - text that others wrote, in packages that may have nothing to do with this one
        folder = Path(str(getattr(package, "_path", "a package"))).name
        warn_user(
            f"{folder}: the architectures of this package cannot be listed ({type(error).__name__}: {error}); update or "
            "uninstall it",
            UserWarning,
        )
        return []


def _make_entry(point: importlib_metadata.EntryPoint) -> ModelEntry:
    package = point.dist
    if package is None:
        return ModelEntry(point.name, "(unknown package)", "", point.value, _describe(point.value))
    description = _describe(point.value) or str(package.metadata.get("Summary") or "")
    # The library's code comes in a distribution of its own; users, plugins and saved detectors know the library's name.
    name = WHOLE if package.name == CORE else package.name
    return ModelEntry(point.name, name, package.version, point.value, description)


def _describe(target: str) -> str:
    """Return what a builder builds: the first line of its docstring, which begins with a verb."""
    what = read_summary(target).removeprefix("Build ")
    return what if "_" in what.partition(" ")[0] else what[:1].upper() + what[1:]  # a name stays as it is written


def _describe_unknown(parsed: ModelName, entries: Sequence[ModelEntry]) -> str:
    names = sorted({entry.name for entry in entries})
    if parsed.package and parsed.name in names:
        offers = ", ".join(entry.full_name for entry in entries if entry.name == parsed.name)
        return f"{parsed.package} offers no architecture {parsed.name!r}; there is {offers}"
    if parsed.name in KNOWN:
        package = KNOWN[parsed.name]
        return f"architecture {parsed.name!r} comes with {package}, which is not installed: pip install {package}"
    hint = did_you_mean(parsed.name, names)
    return f"no installed package offers an architecture {parsed.name!r}; {hint}expected one of {', '.join(names)}"
