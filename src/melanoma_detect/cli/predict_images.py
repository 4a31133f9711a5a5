"""The work of the command predict, and the command lines that need no parser.

Typer and what it imports take as long as a prediction. `melanoma-detect predict photo.jpg` has nothing to parse:
`plain_predict` recognises such a command line, and leaves every other one to Typer, with help, errors and completions.
"""

import contextlib
import gc
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import melanoma_detect as md
from melanoma_detect.cli.console import print_json, printable
from melanoma_detect.cli.detectors import check_detector, load_detector
from melanoma_detect.errors import ImageError
from melanoma_detect.images.frames import file_of, split_frame_name
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.regular_files import check_regular

_JSON, _DETECTOR = "--json", ("--detector", "-d")
_EXPANDED_ON_WINDOWS = "*?[~$%"  # where no shell does it, Typer does


class PredictOptions(TypedDict, total=False):
    """The options of the command that change a prediction; one that is absent or None is the detector's own."""

    detector: Path | None
    trusted_keys: list[Path] | None
    sensitivity: float | None
    target: str | None
    views: int | None
    image_type: str | None


class PlainPredict(NamedTuple):
    """A command line of predict that needs no parser.

    Attributes:
        images: The image files.
        detector: The detector's file; None for the default detector.
        as_json: Whether to print JSON.
    """

    images: list[Path]
    detector: Path | None
    as_json: bool


def plain_predict(arguments: Sequence[str], variables: Mapping[str, str] = os.environ) -> PlainPredict | None:
    """Return what a command line asks for that names images, and at most a detector and JSON; None for every other one.

    Args:
        arguments: The command line after the program's name.
        variables: The environment: a shell that completes a command asks by it.

    Returns:
        The images and options as Typer would read them.

    Examples:
        >>> plain_predict(["predict", "photo.jpg", "--json"])
        PlainPredict(images=[PosixPath('photo.jpg')], detector=None, as_json=True)
        >>> plain_predict(["predict", "--sensitivity", "0.9", "photo.jpg"]) is None
        True
    """
    if arguments[:1] != ["predict"] or any(map(_asks_for_completion, variables)):
        return None
    rest, images = list(arguments[1:]), list[str]()
    detector: str | None = None
    as_json = False
    while rest:
        argument = rest.pop(0)
        if argument == _JSON:
            as_json = True
        elif argument in _DETECTOR and detector is None and rest and _is_value(rest[0]):
            detector = rest.pop(0)
        elif _is_value(argument):
            images.append(argument)
        else:
            return None
    if not images:
        return None
    return PlainPredict(
        [expand_path(image) for image in images], None if detector is None else expand_path(detector), as_json
    )


def _asks_for_completion(variable: str) -> bool:
    return variable.startswith("_") and variable.endswith("_COMPLETE")


def _is_value(argument: str) -> bool:
    expanded = os.name == "nt" and any(character in argument for character in _EXPANDED_ON_WINDOWS)
    return bool(argument) and not argument.startswith("-") and not expanded


def print_predictions(
    images: Sequence[Path], options: PredictOptions, *, as_json: bool = False, dicom_sr: Path | None = None
) -> bool:
    """Print the diagnosis of each image, and whether to alert a dermatologist.

    Args:
        images: Image files.
        options: The detector and its settings.
        as_json: Print one JSON document.
        dicom_sr: Folder to write a DICOM structured report of each image into; None to write none.

    Returns:
        Whether every image was read, and every report written; of those that were not, the reason was printed.
    """
    check_detector(options.get("detector"))
    read = _make_reader(images, options)
    documents: list[dict[str, Any]] = []
    complete = True
    for image in images:
        try:
            prediction = read(image)
        except ImageError as error:
            complete = False
            documents.append({"source": image, "error": str(error)})
            _print(f"Error: {printable(error)}", error=True)
            continue
        documents.append(prediction.to_dict())
        if not as_json:
            _print(printable(prediction))
        if dicom_sr is not None:
            complete = _write_report(prediction, dicom_sr, documents[-1], as_json=as_json) and complete
    if as_json:
        print_json({"predictions": documents, "disclaimer": DISCLAIMER})
    else:
        _print(f"\n{DISCLAIMER}", error=True)
    return complete


def _write_report(prediction: "md.Prediction", folder: Path, document: dict[str, Any], *, as_json: bool) -> bool:
    """Write the structured report of a prediction, and return whether its image is DICOM."""
    name = Path(prediction.source).name
    file, number = split_frame_name(name) or (name, None)
    stem = Path(file).stem + ("" if number is None else f"-{number}")
    try:
        prediction.to_dicom_sr(out=folder / f"{stem}.sr.dcm")
    except ImageError as error:
        document["error"] = str(error)
        _print(f"Error: {printable(error)}", error=True)
        return False
    document["dicom_sr"] = folder / f"{stem}.sr.dcm"
    if not as_json:
        _print(printable(f"Written: {folder / f'{stem}.sr.dcm'}"))
    return True


def _make_reader(images: Sequence[Path], options: PredictOptions) -> "Callable[[Path], md.Prediction]":
    """Return what predicts an image; without any image there, the detector is not loaded, which takes time."""
    loaded = _load_quickly(**options) if any(Path(file_of(image)).is_file() for image in images) else None

    def read(image: Path) -> "md.Prediction":
        if image.is_dir():
            given = [
                part
                for name, value in options.items()
                for one in (value if isinstance(value, list) else [value])
                if one is not None
                for part in (f"--{name.replace('_', '-')}", str(one))
            ]
            command = shlex.join(["melanoma-detect", "score", str(image), *given, "--out", "scores.csv"])
            raise ImageError(
                f"{image}: is a folder, and predict takes image files; for every image in it run: {command}"
            )
        if loaded is None:
            with contextlib.suppress(OSError):
                check_regular(file_of(image), ImageError)
            raise ImageError(f"{image}: no such file; check the path")
        return loaded.predict(image)

    return read


def _load_quickly(
    detector: Path | None = None,
    sensitivity: float | None = None,
    target: str | None = None,
    views: int | None = None,
    image_type: str | None = None,
    trusted_keys: Sequence[Path] | None = None,
) -> "md.Detector":
    """Load a detector without looking for garbage meanwhile: of what is imported and read, everything stays in use."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return load_detector(detector, sensitivity, target, views, image_type, trusted_keys=trusted_keys)
    finally:
        if collects:
            gc.enable()


def _print(text: str, *, error: bool = False) -> None:
    print(text, file=sys.stderr if error else sys.stdout, flush=True)
