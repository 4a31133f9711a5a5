"""Label maps: labels of the sources renamed or dropped, as the user says."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, TypeAlias

from melanoma_detect import taxonomy
from melanoma_detect.data.ingest import name_sources
from melanoma_detect.data.record import Record, SetAside
from melanoma_detect.data.sources.folders import Contents, SourceImage
from melanoma_detect.errors import DatasetError, DataWarning
from melanoma_detect.taxonomy.vocabulary import known_names
from melanoma_detect.utils.suggest import did_you_mean
from melanoma_detect.utils.user_warning import warn_user

LabelMap: TypeAlias = Mapping[str, str | None]
_MISSPELT = 0.85  # likeness from which on a name is taken for a slip: one letter of six or more


class UnusedNameError(DatasetError):
    """Names of a label map stand for none of the labels.

    Attributes:
        names: Those names.
        labels: The labels that there are.
    """

    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def map_labels(labels: Iterable[str], label_map: LabelMap) -> dict[str, str | None]:
    """Find the new name of each label.

    A name of the map, a string or a whole number, stands for the label that is written so; else for the labels that differ in
    case and blanks alone; else for all labels of its diagnosis: `"nevus"` for `nv`, `NV` and `Nevus`.

    Args:
        labels: The labels of all sources.
        label_map: The new name by label; None drops the images of a label.

    Returns:
        The new name of every label, None for one that is dropped.

    Raises:
        DatasetError: The map is no mapping of strings, or one of its names stands for none of the labels.

    Warns:
        DataWarning: A new name is no diagnosis that the taxonomy knows, but is spelled much like one.

    Examples:
        >>> map_labels(["nv", "Scar", "mel"], {"nevus": "mole", "scar": None})
        {'nv': 'mole', 'Scar': None, 'mel': 'mel'}
    """
    known = list(dict.fromkeys(labels))
    label_map = _check_names(label_map)
    _warn_misspelt(label_map)
    used: set[str] = set()
    renamed: dict[str, str | None] = {}
    for label in known:
        names = _names_of(label, label_map)
        used.update(names)
        renamed[label] = label_map[names[0]] if names else label
    if missing := next((name for name in label_map if name not in used), None):
        error = UnusedNameError(
            f"label_map names {missing!r}, which is no label here; {did_you_mean(missing, known)}the labels are "
            f"{', '.join(sorted(known))}"
        )
        error.names = tuple(name for name in label_map if name not in used)
        error.labels = tuple(known)
        raise error
    return renamed


def apply_label_map(sources: Sequence[Contents], label_map: LabelMap) -> tuple[list[Contents], list[SetAside]]:
    """Rename the labels of sources, and set aside the images of labels that are dropped.

    Args:
        sources: The contents of the sources.
        label_map: The new name by label; None drops the images of a label.

    Returns:
        The contents with the new labels, and the dropped images.

    Raises:
        DatasetError: A name of the map stands for none of the labels.

    Examples:
        >>> from melanoma_detect.data.sources.read import read_source
        >>> sources, dropped = apply_label_map([read_source(isic9)], {"nevus": "mole", "melanoma": None})
        >>> "mole" in sources[0].classes, dropped[0].kind
        (True, 'dropped')
    """
    labels = (
        label for contents in sources for image in contents.images for label in (image.label, *image.other_labels)
    )
    renamed = map_labels(labels, label_map)
    names = name_sources([contents.root for contents in sources])
    dropped = [
        SetAside(_record(image, name, is_one_of_several=len(sources) > 1), f"label_map drops {image.label}", "dropped")
        for contents, name in zip(sources, names, strict=True)
        for image in contents.images
        if renamed[image.label] is None
    ]
    return [_rename(contents, renamed) for contents in sources], dropped


def _rename(contents: Contents, renamed: LabelMap) -> Contents:
    images = [_rename_image(image, renamed) for image in contents.images if renamed[image.label] is not None]
    return replace(contents, images=images, classes=tuple(sorted({image.label for image in images})))


def _rename_image(image: SourceImage, renamed: LabelMap) -> SourceImage:
    label = renamed[image.label] or ""
    others = [renamed[other] for other in image.other_labels]
    return image._replace(
        label=label, other_labels=tuple(dict.fromkeys(other for other in others if other not in (None, label)))
    )


def _record(image: SourceImage, source: str, *, is_one_of_several: bool) -> Record:
    name = f"{source}/{image.id}" if is_one_of_several else image.id
    return Record(name, image.path, image.label, image.split, name, "", source=source)


def _warn_misspelt(label_map: LabelMap) -> None:
    """Warn of new names that are nearly a diagnosis: "melanomma" would be a label that nobody knows to be malignant."""
    for name, new in label_map.items():
        if new is None or taxonomy.is_known(new):
            continue
        if close := difflib.get_close_matches(new.casefold(), known_names(), n=1, cutoff=_MISSPELT):
            warn_user(
                f"label_map gives {name!r} the new name {new!r}, which is no diagnosis that the taxonomy knows; did you mean "
                f"{close[0]!r}?",
                DataWarning,
            )


def _names_of(label: str, label_map: LabelMap) -> list[str]:
    """Return the names of the map that stand for a label: of the closest kind that there is."""
    for agree in (_is_same, _is_same_spelling, _is_same_diagnosis):
        names = [name for name in label_map if agree(name, label)]
        if len({label_map[name] for name in names}) > 1:
            raise DatasetError(
                f"label_map: {names[0]!r} and {names[1]!r} both stand for the label {label!r}, with different new names; "
                "keep one of them"
            )
        if names:
            return names
    return []


def _is_same(name: str, label: str) -> bool:
    return name == label


def _is_same_spelling(name: str, label: str) -> bool:
    return " ".join(name.casefold().split()) == " ".join(label.casefold().split())


def _is_same_diagnosis(name: str, label: str) -> bool:
    return taxonomy.meaning(name) == taxonomy.meaning(label)


def _check_names(label_map: Any) -> LabelMap:
    """Return the map with its names as text: tables with numbers as labels suggest `{0: "nevus"}`."""
    if not isinstance(label_map, Mapping):
        raise DatasetError(f'label_map={label_map!r}; expected a mapping, such as {{"nv": "nevus", "scar": None}}')
    named = {str(name) if _is_whole(name) else name: new for name, new in label_map.items()}
    if len(named) < len(label_map):
        raise DatasetError(f"label_map={label_map!r} names a label twice, as a number and as text; keep one of them")
    for name, new in named.items():
        if not isinstance(name, str) or not (new is None or (isinstance(new, str) and new.strip())):
            raise DatasetError(
                f"label_map gives {name!r} the new name {new!r}; expected names, and None for a label whose images are dropped"
            )
    return named


def _is_whole(name: object) -> bool:
    return isinstance(name, Integral) and not isinstance(name, bool)
