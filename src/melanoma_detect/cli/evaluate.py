"""The command evaluate: one set of images in every detail, or several sets in one table."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import melanoma_detect as md
from melanoma_detect.cli.app import (
    DetectorOption,
    ImageTypeOption,
    MapOption,
    OverwriteOption,
    SeedOption,
    SensitivityOption,
    TargetOption,
    ViewsOption,
    app,
    check_sources,
    detector_files,
    load_detector,
    load_images,
    printable,
)
from melanoma_detect.errors import DatasetError, DetectorError, OutputError
from melanoma_detect.inference.predictive_values import check_prevalence
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import HTML_SUFFIXES, check_output, expand_path, is_same_path

if TYPE_CHECKING:
    from melanoma_detect.evaluation.evaluation import Evaluation
    from melanoma_detect.evaluation.external import ExternalValidation

_OUT_SUFFIXES = (".csv", ".json", *HTML_SUFFIXES)


@app.command()
def evaluate(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE",
            parser=expand_path,
            help="Folder with Train/ and Test/, with one folder per diagnosis, or of images with a table; or a zip of one. "
            "Several are evaluated each on its own, in one table.",
        ),
    ],
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="TABLE",
            parser=expand_path,
            help="Table with the label of each image, such as CSV, Excel or Parquet; for several sources one for all, or one "
            "for each in their order.",
            show_default="the tables in the source",
        ),
    ] = None,
    names: MapOption = None,
    detector: DetectorOption = None,
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
            metavar="PATH", parser=expand_path, help="Table to write, a row for each source: .csv, .json or .html."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            parser=expand_path,
            help="HTML report to write: of one source with plots and the tests for shortcuts, of several with the table.",
        ),
    ] = None,
    shortcuts: Annotated[
        bool, typer.Option("--shortcuts", help="Test for shortcuts: evaluate on images without their lesions too.")
    ] = False,
    prevalence: Annotated[
        list[float] | None,
        typer.Option(help="Print the predictive values at this prevalence of melanoma, such as 0.02; may be repeated."),
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
    overwrite: OverwriteOption = False,
) -> None:
    """Evaluate a detector on a source's Test, or on all its images, excluding those that it was trained on."""
    for share in prevalence or []:
        check_prevalence(share)
    _check_outputs(html, out, [*sources, *(labels or []), *detector_files(detector)], overwrite=overwrite)
    tables, ratios = _match_tables(sources, labels or [], pool=pool), _match_ratios(sources, squashed or [])
    loaded = load_detector(detector, sensitivity, target, views, image_type)
    options: dict[str, Any] = {"validation": 0, "test": 1, "image_size": loaded.image_size}
    pages = [path for path in (html, out) if path and path.suffix.lower() in HTML_SUFFIXES]
    if pool or len(sources) == 1:
        data = load_images(sources, tables[0], names, **options, squashed=ratios)
        evaluation = loaded.evaluate(data.test, shortcuts=shortcuts or bool(pages), seed=seed)
        for line in _describe(evaluation, prevalence or []):
            typer.echo(line)
        _write_one(evaluation, " + ".join(_names_of(sources)), pages, out, overwrite=overwrite)
        return

    def loader(source: Path, table: Path | None) -> "Callable[[], md.Dataset]":
        ratio = {path: ratios[path] for path in ratios if path == source}
        return lambda: load_images([source], table, names, **options, squashed=ratio or None)

    sets = {
        name: loader(source, table) for name, source, table in zip(_names_of(sources), sources, tables, strict=True)
    }
    validation = loaded.evaluate(sets, shortcuts=shortcuts, seed=seed)
    typer.echo("\n".join(_describe_all(validation, prevalence or [])))
    _write_all(validation, pages, out, overwrite=overwrite)
    if validation.problems:
        raise typer.Exit(1)


def _check_outputs(html: Path | None, out: Path | None, inputs: Sequence[Path], *, overwrite: bool) -> None:
    """Raise OutputError before any work unless both files can be written, to two paths."""
    if html:
        check_output(html, overwrite=overwrite, inputs=inputs, suffixes=HTML_SUFFIXES)
    if out:
        check_output(out, overwrite=overwrite, inputs=inputs, suffixes=_OUT_SUFFIXES)
    if html and out and is_same_path(html, out):
        raise OutputError(f"{out}: stands for --html and --out; choose two paths, or leave one of the options out")


def _match_tables(sources: Sequence[Path], labels: Sequence[Path], *, pool: bool) -> list[Path | None]:
    """Return the table of each source; raise DatasetError before any work for a path that is missing or given twice."""
    check_sources([*sources, *labels])
    for position, source in enumerate(sources):
        if any(is_same_path(source, other) for other in sources[:position]):
            raise DatasetError(f"{source}: given twice; name every source once")
    if len(labels) < 2:
        return [labels[0] if labels else None] * len(sources)
    if pool or len(labels) != len(sources):
        expected = "one for all of them" + ("" if pool else ", or one for each in their order")
        raise DatasetError(f"--labels: {len(labels)} tables for {len(sources)} sources; expected {expected}")
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
            raise DatasetError(f"--squashed {text}: {name} is no source here; expected one of {listed}")
        key = chosen[0] if equals else None
        if given.setdefault(key, ratio) != ratio:
            raise DatasetError(
                f"--squashed {text}: {key or 'all sources'} were given {given[key]} too; choose one of the two"
            )
        ratios |= dict.fromkeys(chosen, ratio)
    return ratios


def _names_of(sources: Sequence[Path]) -> list[str]:
    """Return the name of each source: its folder's, or the whole path where two folders have the same."""
    names = [source.absolute().name.removesuffix(".zip") for source in sources]
    return [printable(name if names.count(name) == 1 else source) for name, source in zip(names, sources, strict=True)]


def _describe(evaluation: "Evaluation", prevalences: Sequence[float]) -> Iterator[str]:
    """Yield the lines about one set."""
    yield str(evaluation)
    if prevalences:
        yield ""
    for share in prevalences:
        try:
            yield str(evaluation.at_prevalence(share))
        except DetectorError as error:  # no figures of alerts: the rest of the evaluation holds
            yield f"at a prevalence of {share:.2%}: {error}"
    if subgroups := evaluation.subgroups():
        yield "\n" + "\n".join(map(str, subgroups))


def _describe_all(validation: "ExternalValidation", prevalences: Sequence[float]) -> Iterator[str]:
    """Yield the lines about several sets."""
    yield str(validation)
    rated = [name for name in validation.evaluations if validation.has_alerts(name)]
    for share in prevalences:
        yield ""
        yield from (f"{name}: {validation.evaluations[name].at_prevalence(share)}" for name in rated)


def _write_one(
    evaluation: "Evaluation", name: str, pages: Sequence[Path], out: Path | None, *, overwrite: bool
) -> None:
    from melanoma_detect.evaluation.external import ExternalValidation  # noqa: PLC0415 - imports pandas

    files = [md.report.write_html(evaluation, page, overwrite=overwrite) for page in pages]
    if out and out not in pages:
        files.append(_write_table(ExternalValidation({name: evaluation}), out, overwrite=overwrite))
    _print_files(files)


def _write_all(validation: "ExternalValidation", pages: Sequence[Path], out: Path | None, *, overwrite: bool) -> None:
    files = [md.report.write_html(validation, page, overwrite=overwrite) for page in pages]
    if out and out not in pages:
        files.append(_write_table(validation, out, overwrite=overwrite))
    _print_files(files)


def _write_table(validation: "ExternalValidation", out: Path, *, overwrite: bool) -> Path:
    """Write the table as CSV or JSON."""
    if out.suffix.lower() == ".json":
        text = json.dumps(validation.to_dict(), indent=2, allow_nan=False) + "\n"
    else:
        text = validation.to_frame().to_csv()
    with atomic_file(out, overwrite=overwrite) as partial:
        partial.write_text(text, encoding="utf-8", newline="")
    return out


def _print_files(files: Sequence[Path]) -> None:
    if files:
        typer.echo("\n".join(["", "Written:", *(f"  {file}" for file in files)]))
