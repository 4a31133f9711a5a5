"""The command evaluate: one set of images in every detail, several sets in one table, or several detectors on one set."""

import contextlib
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import melanoma_detect as md
from melanoma_detect.cli.checks import OptionError, between_0_and_1, given_path
from melanoma_detect.cli.console import printable
from melanoma_detect.cli.datasets import check_sources, load_images
from melanoma_detect.cli.detectors import check_detector, detector_files, load_detector
from melanoma_detect.cli.evaluation_output import (
    EvaluationOutputs,
    show_comparison,
    show_evaluation,
    show_validation,
)
from melanoma_detect.cli.json_output import JsonOption
from melanoma_detect.cli.missing_folders import note_missing_folder
from melanoma_detect.cli.options import (
    ImageTypeOption,
    MapOption,
    OverwriteOption,
    SeedOption,
    SensitivityOption,
    TargetOption,
    TrustedKeysOption,
    ViewsOption,
)
from melanoma_detect.cli.shared_map import SharedMap
from melanoma_detect.cli.shared_table import SharedTable
from melanoma_detect.cli.typer_app import app
from melanoma_detect.errors import OutputError
from melanoma_detect.utils.outputs import HTML_SUFFIXES, check_output, is_same_path

_OUT_SUFFIXES = (".csv", ".json", *HTML_SUFFIXES)


@app.command()
def evaluate(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE",
            parser=given_path,
            help="Folder with Train/ and Test/, with one folder per diagnosis, or of images with a table; or a zip of one. "
            "Several are evaluated each on its own, in one table.",
        ),
    ],
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="TABLE",
            parser=given_path,
            help="Table with the label of each image, such as CSV, Excel or Parquet; for several sources one for all, or one "
            "for each in their order.",
            show_default="the tables in the source",
        ),
    ] = None,
    names: MapOption = None,
    detector: Annotated[
        list[Path] | None,
        typer.Option(
            "--detector",
            "-d",
            metavar="PATH",
            parser=given_path,
            help="Detector file, or the run folder that holds it; may be repeated to compare detectors on the same images.",
            show_default="the one that comes with the library",
        ),
    ] = None,
    trusted_keys: TrustedKeysOption = None,
    sensitivity: SensitivityOption = None,
    target: TargetOption = None,
    views: ViewsOption = None,
    image_type: ImageTypeOption = None,
    pool: Annotated[
        bool, typer.Option("--pool", help="Evaluate several sources as one dataset, in place of a row for each.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", parser=given_path, help="Table to write, a row for each source: .csv, .json or .html."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            parser=given_path,
            help="HTML report to write: of one source with plots and the tests for shortcuts, of several with the table.",
        ),
    ] = None,
    shortcuts: Annotated[
        bool, typer.Option("--shortcuts", help="Test for shortcuts: evaluate on images without their lesions too.")
    ] = False,
    prevalence: Annotated[
        list[float] | None,
        typer.Option(
            metavar="SHARE",
            callback=between_0_and_1("0.02"),
            help="Print the predictive values at this prevalence of melanoma, such as 0.02; may be repeated.",
        ),
    ] = None,
    squashed: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[SOURCE=]W:H",
            help="Aspect ratio, such as 4:3, that square images had before they were squashed: of all sources, or of one; may "
            "be repeated.",
        ),
    ] = None,
    seed: SeedOption = 123,
    as_json: JsonOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Evaluate a detector on a source's Test, or on all its images, excluding those that it was trained on."""
    given = [*sources, *(labels or []), *itertools.chain(*map(detector_files, detector or []))]
    _check_outputs(html, out, given, overwrite=overwrite)
    tables, ratios = _match_tables(sources, labels or [], pool=pool), _match_ratios(sources, squashed or [])
    paths = _check_detectors(detector or [], sources, html, out, pool=pool)
    note_missing_folder(html, out)
    pages = tuple(path for path in (html, out) if path and path.suffix.lower() in HTML_SUFFIXES)
    outputs = EvaluationOutputs(pages, out if out not in pages else None, tuple(prevalence or ()), as_json, overwrite)
    loaded = [load_detector(path, sensitivity, target, views, image_type, trusted_keys=trusted_keys) for path in paths]
    options: dict[str, Any] = {"validation": 0, "test": 1, "squashed": ratios}
    shared = SharedTable(labels[0], len(sources)) if labels and len(labels) == 1 and len(sources) > 1 else None
    if pool or len(sources) == 1:
        with shared.loading() if shared else contextlib.nullcontext():
            data = load_images(sources, tables[0], names, **options, image_size=loaded[0].image_size)
        if shared:
            shared.note_rows_of_no_source()
        asked = shortcuts or bool(pages)
        evaluations = [each.evaluate(data.test, shortcuts=asked, seed=seed) for each in loaded]
        if len(loaded) > 1:
            show_comparison(
                dict(zip(_names_of([path or Path("default") for path in paths]), evaluations, strict=True)), outputs
            )
        else:
            show_evaluation(evaluations[0], " + ".join(_names_of(sources)), loaded[0], outputs)
        return
    label_map = SharedMap(names)
    sets = {
        name: _loader(source, table, label_map, shared, options | {"image_size": loaded[0].image_size})
        for name, source, table in zip(_names_of(sources), sources, tables, strict=True)
    }
    validation = loaded[0].evaluate(sets, shortcuts=shortcuts, seed=seed)
    if shared:
        shared.note_rows_of_no_source()
    label_map.check_used()
    show_validation(validation, outputs)
    if validation.problems:
        raise typer.Exit(1)


def _loader(
    source: Path,
    table: Path | None,
    label_map: SharedMap,
    shared: SharedTable | None,
    options: dict[str, Any],
) -> "Callable[[], md.Dataset]":
    """Return what loads one of several sources, when its turn comes."""
    ratio = {path: options["squashed"][path] for path in options["squashed"] if path == source}

    def load() -> "md.Dataset":
        with shared.loading() if shared else contextlib.nullcontext():
            return label_map.load(
                lambda names: load_images([source], table, names, **options | {"squashed": ratio or None})
            )

    return load


def _check_outputs(html: Path | None, out: Path | None, inputs: Sequence[Path], *, overwrite: bool) -> None:
    """Raise OutputError before any work unless both files can be written, to two paths."""
    if html:
        check_output(html, overwrite=overwrite, inputs=inputs, suffixes=HTML_SUFFIXES)
    if out:
        check_output(out, overwrite=overwrite, inputs=inputs, suffixes=_OUT_SUFFIXES)
    if html and out and is_same_path(html, out):
        raise OutputError(f"{out}: stands for --html and --out; choose two paths, or leave one of the options out")


def _check_detectors(
    detectors: Sequence[Path], sources: Sequence[Path], html: Path | None, out: Path | None, *, pool: bool
) -> list[Path | None]:
    """Return the paths of the detectors; raise an error before any work unless all are there and can be compared."""
    paths: list[Path | None] = [*detectors] or [None]
    for path in paths:
        check_detector(path)
    if len(paths) == 1:
        return paths
    if len(sources) > 1 and not pool:
        raise OptionError(
            f"--detector: {len(detectors)} detectors and {len(sources)} sources; expected one source to compare detectors on, "
            "or --pool to take the sources as one"
        )
    if written := html or out:
        raise OptionError(f"{written}: a comparison of detectors is printed only; expected one detector, or --json")
    return paths


def _match_tables(sources: Sequence[Path], labels: Sequence[Path], *, pool: bool) -> list[Path | None]:
    """Return the table of each source; raise an error before any work for a path that is missing or given twice."""
    check_sources([*sources, *labels])
    for position, source in enumerate(sources):
        if any(is_same_path(source, other) for other in sources[:position]):
            raise OptionError(f"{source}: given twice; name every source once")
    if len(labels) < 2:
        return [labels[0] if labels else None] * len(sources)
    if pool or len(labels) != len(sources):
        expected = "one for all of them" + ("" if pool else ", or one for each in their order")
        raise OptionError(f"--labels: {len(labels)} tables for {len(sources)} sources; expected {expected}")
    return list(labels)


def _match_ratios(sources: Sequence[Path], squashed: Sequence[str]) -> dict[Path, str]:
    """Return the aspect ratio of each source that `--squashed` names, or of all of them."""
    ratios: dict[Path, str] = {}
    given: dict[Path | None, str] = {}
    # A ratio for all sources first: one that names its source overrides it, in any order.
    for text in sorted(squashed, key=lambda text: "=" in text):
        name, equals, ratio = text.rpartition("=")
        chosen = [source for source in sources if not equals or is_same_path(source, name)]
        if not chosen:
            listed = ", ".join(map(str, sources))
            raise OptionError(f"--squashed {text}: {name} is no source here; expected one of {listed}")
        check_ratio(ratio)
        key = chosen[0] if equals else None
        if given.setdefault(key, ratio) != ratio:
            raise OptionError(
                f"--squashed {text}: {key or 'all sources'} were given {given[key]} too; choose one of the two"
            )
        ratios |= dict.fromkeys(chosen, ratio)
    return ratios


def check_ratio(ratio: str) -> None:
    """Raise DatasetError unless a text is an aspect ratio.

    Args:
        ratio: A width and a height, such as `"4:3"`.

    Raises:
        DatasetError: It has another form.

    Examples:
        >>> check_ratio("4:3")
    """
    from melanoma_detect.data.sources.aspect_ratio import find_aspect_ratios  # noqa: PLC0415 - --help stays fast

    find_aspect_ratios([Path()], ratio)


def _names_of(paths: Sequence[Path]) -> list[str]:
    """Return the name of each path: its folder's or file's, or the whole path where two have the same."""
    names = [path.absolute().name.removesuffix(".zip").removesuffix(".detector") for path in paths]
    return [printable(name if names.count(name) == 1 else path) for name, path in zip(names, paths, strict=True)]
