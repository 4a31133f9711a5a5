"""What evaluate prints and writes: the figures of one set or of several, or a comparison of detectors."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import melanoma_detect as md
from melanoma_detect.cli.console import echo, printable
from melanoma_detect.cli.json_output import print_json, to_json
from melanoma_detect.errors import DetectorError
from melanoma_detect.utils.csv_cells import csv_cell
from melanoma_detect.utils.files import atomic_file

if TYPE_CHECKING:
    import pandas as pd

    from melanoma_detect.evaluation.evaluation import Evaluation
    from melanoma_detect.evaluation.external import ExternalValidation


@dataclass(frozen=True)
class EvaluationOutputs:
    """Where an evaluation is written and how it is printed.

    Attributes:
        pages: HTML reports to write.
        table: The table to write, or None.
        prevalences: Prevalences whose predictive values are printed.
        as_json: Whether JSON is printed in place of text.
        overwrite: Whether files that are there are replaced.
    """

    pages: tuple[Path, ...]
    table: Path | None
    prevalences: tuple[float, ...]
    as_json: bool
    overwrite: bool


def show_evaluation(evaluation: "Evaluation", name: str, detector: "md.Detector", outputs: EvaluationOutputs) -> None:
    """Print and write the evaluation of one set.

    Args:
        evaluation: The evaluation.
        name: The set's name in the table.
        detector: The detector, which explains its mistakes in the report.
        outputs: What to print and to write.
    """
    from melanoma_detect.evaluation.external import ExternalValidation  # noqa: PLC0415 - imports pandas

    if not outputs.as_json:
        echo("\n".join(_describe(evaluation, outputs.prevalences)))
    pages = [
        md.report.write_html(evaluation, page, detector=detector, overwrite=outputs.overwrite) for page in outputs.pages
    ]
    written = [*pages, *_write_table(ExternalValidation({name: evaluation}), outputs)]
    if outputs.as_json:
        values = [value for share in outputs.prevalences if (value := _predictive_values(evaluation, share))]
        print_json(evaluation.to_dict() | ({"at_prevalence": values} if values else {}) | _written(written))
        return
    _print_files(written)


def show_validation(validation: "ExternalValidation", outputs: EvaluationOutputs) -> None:
    """Print and write the evaluations of several sets.

    Args:
        validation: The evaluations.
        outputs: What to print and to write.
    """
    if not outputs.as_json:
        echo("\n".join(_describe_all(validation, outputs.prevalences)))
    pages = [md.report.write_html(validation, page, overwrite=outputs.overwrite) for page in outputs.pages]
    written = [*pages, *_write_table(validation, outputs)]
    if outputs.as_json:
        print_json(validation.to_dict() | _written(written))
        return
    _print_files(written)


def show_comparison(evaluations: "Mapping[str, Evaluation]", outputs: EvaluationOutputs) -> None:
    """Print the evaluations of several detectors on one set, and how the first differs from each other one.

    Args:
        evaluations: The evaluation of each detector, by its name.
        outputs: What to print.
    """
    first, *others = evaluations
    comparisons = [evaluations[first].compare(evaluations[other]) for other in others]
    if outputs.as_json:
        print_json(
            {
                "evaluations": {name: evaluation.to_dict() for name, evaluation in evaluations.items()},
                "comparisons": [comparison.to_dict() for comparison in comparisons],
            }
        )
        return
    for name, evaluation in evaluations.items():
        echo("\n".join([f"{name}:", *_describe(evaluation, outputs.prevalences), ""]))
    echo("\n\n".join(map(str, comparisons)))


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


def _predictive_values(evaluation: "Evaluation", share: float) -> dict[str, Any] | None:
    """Return the predictive values at a prevalence; None without figures of alerts."""
    try:
        return {**evaluation.at_prevalence(share)._asdict()}
    except DetectorError:
        return None


def _describe_all(validation: "ExternalValidation", prevalences: Sequence[float]) -> Iterator[str]:
    """Yield the lines about several sets."""
    yield str(validation)
    rated = [name for name in validation.evaluations if validation.has_alerts(name)]
    for share in prevalences:
        yield ""
        yield from (f"{name}: {validation.evaluations[name].at_prevalence(share)}" for name in rated)


def _write_table(validation: "ExternalValidation", outputs: EvaluationOutputs) -> Iterator[Path]:
    """Write the table as CSV or JSON, if one is asked for; yield its path."""
    if not outputs.table:
        return
    if outputs.table.suffix.lower() == ".json":
        text = json.dumps(to_json(validation.to_dict()), indent=2, allow_nan=False) + "\n"
    else:
        text = _protect(validation.to_frame()).to_csv(lineterminator="\n")
    with atomic_file(outputs.table, overwrite=outputs.overwrite) as partial:
        partial.write_text(text, encoding="utf-8", newline="")
    yield outputs.table


def _protect(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table whose names and notes no spreadsheet takes for formulas."""
    texts = [str(name) for name, kind in frame.dtypes.items() if kind.kind not in "biuf"]
    cells = {name: [csv_cell(cell) if isinstance(cell, str) else cell for cell in frame[name]] for name in texts}
    return frame.assign(**cells).rename(index=csv_cell)


def _written(files: Sequence[Path]) -> dict[str, list[str]]:
    return {"written": [str(file) for file in files]} if files else {}


def _print_files(files: Sequence[Path]) -> None:
    if files:
        echo("\n".join(["", "Written:", *(f"  {printable(file)}" for file in files)]))
