"""Datasets on the command line: sources, tables of labels, and label maps."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import melanoma_detect as md
from melanoma_detect.cli.checks import OptionError
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.regular_files import open_regular

_COLUMNS = ("old", "new")


def load_images(
    sources: Sequence[Path] | None,
    labels: Path | None,
    names: Sequence[str] | Mapping[str, str | None] | None,
    rare: str | None = None,
    *,
    images: Path | None = None,
    **options: Any,
) -> "md.Dataset":
    """Load a dataset as the command line names it.

    Args:
        sources: Folders and zip files.
        labels: The table that labels their images; None for those in the sources.
        names: What `--map` gives, as texts or read already.
        rare: See `load_dataset`; None for its default.
        images: What `--images` gives, in place of sources.
        **options: Further arguments of `load_dataset`.

    Returns:
        The dataset.

    Raises:
        DatasetError: A source or an argument cannot be used.
    """
    return md.load_dataset(**dataset_arguments(sources, labels, names, rare, images=images), **options)


def dataset_arguments(
    sources: Sequence[Path] | None,
    labels: Path | None,
    names: Sequence[str] | Mapping[str, str | None] | None,
    rare: str | None = None,
    *,
    images: Path | None = None,
) -> dict[str, Any]:
    """Return the arguments of `load_dataset` that the command line names.

    Args:
        sources: Folders and zip files.
        labels: The table that labels their images; None for those in the sources.
        names: What `--map` gives, as texts or read already.
        rare: See `load_dataset`; None for its default.
        images: What `--images` gives, in place of sources.

    Returns:
        Keywords of `load_dataset`.

    Raises:
        DatasetError: A source is missing, or a label is mapped wrongly.
        OptionError: Neither sources nor images are given, or both.

    Examples:
        >>> dataset_arguments([isic9], None, ["nv=nevus", "scar="])["label_map"]
        {'nv': 'nevus', 'scar': None}
    """
    given = given_paths(sources, labels, images)
    check_sources(given)
    arguments: dict[str, Any] = {} if rare is None else {"rare": rare}
    if names:
        arguments["label_map"] = names if isinstance(names, Mapping) else parse_label_map(names)
    folders = list(sources) if sources else given[:1]
    if labels is None:
        return arguments | {"source": folders if len(folders) > 1 else folders[0]}
    if len(folders) > 1:
        return arguments | {"source": [(source, labels) for source in folders]}
    return arguments | {"images": folders[0], "labels": labels}


def given_paths(sources: Sequence[Path] | None, labels: Path | None, images: Path | None = None) -> list[Path]:
    """Return the folders and files that a command reads, which no command overwrites.

    Args:
        sources: Folders and zip files.
        labels: The table that labels their images, or None.
        images: What `--images` gives, or None.

    Returns:
        All of them.

    Raises:
        OptionError: Neither sources nor images are given, or both.

    Examples:
        >>> given_paths([Path("isic9")], Path("labels.csv"))
        [PosixPath('isic9'), PosixPath('labels.csv')]
    """
    if sources and images:
        raise OptionError(
            f"--images {images}: goes in place of SOURCE, but {sources[0]} is given too; give one of them"
        )
    if not sources and not images:
        raise OptionError("SOURCE is missing; expected a folder of images, a zip of one, or --images with --labels")
    return [*(sources or ()), *([images] if images else ()), *([labels] if labels else ())]


def check_sources(paths: Sequence[Path]) -> None:
    """Raise DatasetError for a folder or file that is not there.

    Args:
        paths: Folders, zip files and tables.

    Raises:
        DatasetError: One of them is missing.

    Examples:
        >>> check_sources([isic9])
    """
    missing = next((path for path in paths if not path.exists()), None)
    if missing is not None:
        raise DatasetError(f"{missing}: no such folder or file; expected a folder of images, a zip of one, or a table")


def parse_label_map(given: Sequence[str]) -> dict[str, str | None]:
    r"""Return `--map` as `label_map` of `load_dataset`.

    Args:
        given: `OLD=NEW` pairs, and JSON or CSV files of pairs.

    Returns:
        The new name by label; None for a label whose images are left out.

    Raises:
        OptionError: A pair or file in another form, or a label that is mapped twice.

    Examples:
        >>> parse_label_map(["nv=nevus", "scar="])
        {'nv': 'nevus', 'scar': None}
        >>> _ = Path("map.csv").write_text("old,new\nnv,nevus\nscar,\n")
        >>> parse_label_map(["map.csv"])
        {'nv': 'nevus', 'scar': None}
    """
    names: dict[str, str | None] = {}
    for text in given:
        for old, new in _read_pairs(text):
            if old in names:
                raise OptionError(f"--map {text}: the label {old!r} is mapped twice; give it one name")
            names[old] = new or None
    return names


def _read_pairs(text: str) -> Iterable[tuple[str, str]]:
    """Return the pairs of a text: its own, or those of the file that it names."""
    suffix = Path(text).suffix.lower()
    if "=" not in text and suffix in (".csv", ".json"):
        path = expand_path(text)
        try:
            with open_regular(path, OptionError) as file:
                content = file.read().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise OptionError(f"--map {text}: cannot be read ({reason}); expected a file of labels") from error
        return _read_json(text, content) if suffix == ".json" else _read_csv(text, content)
    old, equals, new = (part.strip() for part in text.partition("="))
    if not old or not equals:
        raise OptionError(
            f"--map {text}: expected OLD=NEW, such as --map nv=nevus, OLD= to leave a label out, or a .csv or .json file"
        )
    return [(old, new)]


def _read_json(text: str, content: str) -> list[tuple[str, str]]:
    try:
        pairs = json.loads(content)
    except ValueError as error:
        raise OptionError(f"--map {text}: is not JSON ({error})") from error
    if not isinstance(pairs, dict) or not all(new is None or isinstance(new, str) for new in pairs.values()):
        raise OptionError(f'--map {text}: expected an object of labels, such as {{"nv": "nevus", "scar": null}}')
    return [(old.strip(), (new or "").strip()) for old, new in pairs.items()]


def _read_csv(text: str, content: str) -> list[tuple[str, str]]:
    rows = csv.DictReader(content.splitlines())
    columns = [name.strip().lower() for name in rows.fieldnames or ()]
    if not set(_COLUMNS) <= set(columns):
        raise OptionError(
            f"--map {text}: expected the columns old and new, found {', '.join(columns) or 'none'}; an empty cell under new "
            "leaves a label out"
        )
    rows.fieldnames = columns
    pairs = [tuple((row[column] or "").strip() for column in _COLUMNS) for row in rows]
    return [(old, new) for old, new in pairs if old]
