"""The start of a plugin: a complete package that registers an architecture, written from the templates in `plugin_template`."""

import contextlib
import datetime as dt
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from melanoma_detect import __version__
from melanoma_detect.errors import ModelError, OutputError
from melanoma_detect.models.registry import list_models
from melanoma_detect.utils.files import atomic_folder, convert_write_errors
from melanoma_detect.utils.outputs import check_output_folder
from melanoma_detect.utils.paths import expand_path

_PREFIX = "melanoma-detect-"  # found by users who search for the library's name
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_MAX_NAME = 60  # a folder, a module and a file are named after it, and a file system takes 255 bytes
# {module}: the package as Python imports it.
_FILES = {
    "pyproject.toml.jinja": "pyproject.toml",
    "README.md.jinja": "README.md",
    "LICENSE.jinja": "LICENSE",
    "gitignore.jinja": ".gitignore",
    "workflow.yml.jinja": ".github/workflows/test.yml",
    "init.py.jinja": "src/{module}/__init__.py",
    "network.py.jinja": "src/{module}/network.py",
    "layers.py.jinja": "src/{module}/layers.py",
    "test_network.py.jinja": "tests/test_network.py",
}


class NewPlugin(NamedTuple):
    """A package that `write_plugin` has written.

    Attributes:
        name: The architecture's name, as `build_model` takes it.
        package: The package's name, as `pip install` takes it.
        module: The package's name, as Python imports it.
        folder: Its folder.
    """

    name: str
    package: str
    module: str
    folder: Path


def write_plugin(name: str, folder: "str | Path | None" = None, *, author: str | None = None) -> NewPlugin:
    """Write a complete package that registers an architecture: network, custom layer, tests, README, licence, CI.

    The package can be installed and passes the conformance kit as it is; then its network is replaced by your own.

    Args:
        name: The architecture's name: lower-case letters, digits, `-` and `_`. The package is called `melanoma-detect-NAME`;
            that name may be given too, or the module's.
        folder: The folder to write, new or empty; None for one named like the package in the current folder.
        author: Who wrote it and holds the copyright, for the licence and the package's metadata; None for "The authors of
            PACKAGE".

    Returns:
        The names and the folder of the new package.

    Raises:
        ModelError: The name or the author cannot be used, or an installed package offers an architecture of that name.
        OutputError: The folder is there and is not empty, or cannot be written.

    Examples:
        >>> plugin = write_plugin("my-net")
        >>> plugin.name, plugin.package, plugin.module
        ('my_net', 'melanoma-detect-my-net', 'melanoma_detect_my_net')
        >>> sorted(path.name for path in plugin.folder.iterdir())
        ['.github', '.gitignore', 'LICENSE', 'README.md', 'pyproject.toml', 'src', 'tests']
    """
    plugin = _name_plugin(name, folder)
    _check_free(plugin)
    texts = _render(plugin, _check_author(author) or f"The authors of {plugin.package}")
    with _whole_folder(plugin.folder) as partial:
        for path, text in texts.items():
            file = partial / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
    return plugin


def _check_author(author: str | None) -> str:
    """Return the author on one line, empty if there is none; raise ModelError for what no text file can hold."""
    name = " ".join((author or "").split())
    if not name.isprintable():
        raise ModelError(
            f"author={author!r} holds characters that cannot be printed; expected a name, such as 'Jane Doe'"
        )
    return name


def _name_plugin(name: str, folder: "str | Path | None") -> NewPlugin:
    short = name.removeprefix(_PREFIX).removeprefix(_PREFIX.replace("-", "_"))
    if not _NAME.fullmatch(short) or len(short) > _MAX_NAME:
        raise ModelError(
            f"{name!r} cannot be the name of an architecture; expected at most {_MAX_NAME} lower-case letters, "
            "digits, '-' and '_', beginning with a letter, such as my-net"
        )
    package = _PREFIX + short.replace("_", "-")
    return NewPlugin(short.replace("-", "_"), package, package.replace("-", "_"), expand_path(folder or package))


def _check_free(plugin: NewPlugin) -> None:
    offers = [entry for entry in list_models() if entry.name == plugin.name]
    if offers:
        raise ModelError(
            f"{offers[0].package} {offers[0].version} offers an architecture {plugin.name!r} already; choose another name"
        )
    out = plugin.folder
    check_output_folder(out)
    if out.is_dir() and any(out.iterdir()):
        raise OutputError(f"{out}: already exists and is not empty; choose another folder")
    if os.path.lexists(out) and not out.is_dir():
        raise OutputError(f"{out}: is a file; expected a folder to write, new or empty")


@contextlib.contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """Write a folder completely or not at all; an empty one is filled, not replaced: it may be the current folder."""
    if not folder.is_dir():
        with atomic_folder(folder) as partial:
            yield partial
        return
    with convert_write_errors(folder), tempfile.TemporaryDirectory(dir=folder, prefix=".") as name:
        yield Path(name)
        for entry in Path(name).iterdir():
            entry.rename(folder / entry.name)


def _render(plugin: NewPlugin, author: str) -> dict[str, str]:
    """Return the text of each file, by its path in the package."""
    environment = Environment(  # noqa: S701 - Python, TOML and Markdown: no HTML
        loader=PackageLoader("melanoma_detect.models", "plugin_template"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    values = plugin._asdict() | {
        "author": author,
        "author_toml": json.dumps(author, ensure_ascii=False),  # a text in JSON is one in TOML
        "version": __version__,
        "year": dt.datetime.now(tz=dt.UTC).year,
    }
    return {
        path.format(module=plugin.module): environment.get_template(template).render(values)
        for template, path in _FILES.items()
    }
