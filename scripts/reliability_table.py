"""Write the tables of docs/explanation/reliability.md from the records of what was tried.

    python scripts/reliability_table.py            write the page
    python scripts/reliability_table.py --check    fail if the page is another than the records give

The records lie in benchmarks/records, and each is what a command has printed or written; `RECORDS` names the commands. A figure
without a record is not in the page: its row says how to get it.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "reliability.md"
FOLDER = ROOT / "benchmarks" / "records"
RECORDS = {
    "fuzz.json": "python scripts/fuzz.py --runs 200000 --seconds 36000 --jobs 2 --record benchmarks/records/fuzz.json",
    "damaged_inputs.txt": "python benchmarks/damaged_inputs.py > benchmarks/records/damaged_inputs.txt",
    "kills.txt": "python scripts/kill_trials.py all --count 50 > benchmarks/records/kills.txt",
    "load.txt": "python benchmarks/load.py --calls 20000 > benchmarks/records/load.txt",
}
_NAMES = {
    "detector": "detector file",
    "card": "a detector's settings (JSON)",
    "table": "table of labels, text",
    "parquet": "table of labels, Parquet",
    "workbook": "table of labels, Excel",
    "zip": "zip archive of images",
    "scored-table": "table that `score` reads",
    "journal": "unfinished run of `score`",
    "known": "index of known images",
    "similar": "index of similar cases",
    "sketch": "sketch of a stream",
}

_FAULTS = ("half_files", "failed", "other_results", "left_files")  # of a command that was killed

Figures = dict[str, float]
Rows = list[tuple[str, ...]]


class Part(NamedTuple):
    """A part of the page: the marks that it stands between, and its table."""

    name: str
    titles: tuple[str, ...]
    rows: Rows


def read_figures(text: str) -> Figures:
    """Return the figures of lines `name value goal`."""
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {line[0]: float(line[1]) for line in lines if len(line) >= 2 and _is_number(line[1])}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _count(value: float) -> str:
    return f"{value:,.0f}"


def fuzz_rows(records: list[dict[str, Any]]) -> Rows:
    """Return a row for each door."""
    return [
        (
            _NAMES.get(record["door"], f"{record['door'].upper()} image"),
            _count(record["executions"]),
            _count(sum(record["faults"].values())),
            f"{record['slowest_seconds']:.1f} s",
            f"{record['peak_mebibytes']:,} MiB",
        )
        for record in records
    ]


def damage_rows(figures: Figures) -> Rows:
    """Return the rows of damaged images and detector files."""
    images = "damaged_images"
    files = "damaged_files"
    return [
        (
            "a drawn lesion in one of seven formats, damaged by chance; the whole one is not *clear*",
            _count(figures[images]),
            f"{_count(figures[f'{images}_clear'])} *clear*, {_count(figures[f'{images}_refused'])} refused, "
            f"{_count(figures[f'{images}_refer'])} *refer*, {_count(figures[f'{images}_alert'])} *alert*",
            _count(figures[f"{images}_foreign_errors"]),
        ),
        (
            "the default detector's file, cut or with a byte changed",
            _count(figures[files]),
            f"{_count(figures[f'{files}_refused'])} refused, {_count(figures[f'{files}_same_answer'])} with the same answer, "
            f"{_count(figures[f'{files}_another_answer'])} with another",
            _count(figures[f"{files}_foreign_errors"]),
        ),
    ]


def kill_rows(figures: Figures) -> Rows:
    """Return a row for each command that was killed."""
    names = [name for name in figures if f"{name}_{_FAULTS[0]}" in figures]
    return [
        (
            name.removeprefix("kills_").replace("_", " "),
            _count(figures[name]),
            ", ".join(f"{_count(figures[f'{name}_{fault}'])} {fault.replace('_', ' ')}" for fault in _FAULTS),
        )
        for name in names
    ]


def load_rows(figures: Figures) -> Rows:
    """Return the rows of long runs and of calls at once."""
    growth = figures["score_growth_after_1000"]
    rows: Rows = [
        (
            "`score` on a table",
            f"{_count(figures['score_images'])} images",
            f"memory grew by {growth:.1%} after the first 1,000; {_count(figures['score_descriptors_left'])} open files left",
        )
    ]
    ways = {"threads": "16 threads", "fork": "4 forked processes", "spawn": "4 spawned processes", "asyncio": "asyncio"}
    for way, title in ways.items():
        if f"calls_{way}" in figures:
            differ = _count(figures[f"calls_{way}_that_differ"])
            rows.append(
                (
                    f"{title} on one detector",
                    f"{_count(figures[f'calls_{way}'])} calls",
                    f"{differ} differ from serial ones",
                )
            )
    return rows


def parts(folder: Path = FOLDER) -> list[Part]:
    """Return the parts of the page from the records that are there."""

    def rows(name: str, titles: int, make: Any) -> Rows:
        path = folder / name
        if not path.is_file():
            return [("*not recorded:* `" + RECORDS[name] + "`", *[""] * (titles - 1))]
        text = path.read_text(encoding="utf-8")
        return list(make(json.loads(text) if path.suffix == ".json" else read_figures(text)))

    return [
        Part(
            "fuzz",
            fuzz := ("door", "executions", "faults", "slowest", "memory"),
            rows("fuzz.json", len(fuzz), fuzz_rows),
        ),
        Part(
            "damage",
            damage := ("what", "how many", "what came out", "errors that are not this library's"),
            rows("damaged_inputs.txt", len(damage), damage_rows),
        ),
        Part("kills", kills := ("command", "kills", "of them"), rows("kills.txt", len(kills), kill_rows)),
        Part("load", load := ("what", "how much", "what came out"), rows("load.txt", len(load), load_rows)),
    ]


def fill(page: str, folder: Path = FOLDER) -> str:
    """Return the page with its tables as the records give them."""
    for part in parts(folder):
        start, end = f"<!-- {part.name} -->\n", f"<!-- end of {part.name} -->\n"
        before, rest = page.split(start)
        lines = [part.titles, ["---"] * len(part.titles), *part.rows]
        table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        page = f"{before}{start}\n{table}\n{end}{rest.split(end)[1]}"
    return page


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    if chosen.check:
        if fill(page) != page:
            print(f"{PAGE} is not what the records give: run python scripts/reliability_table.py", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(fill(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
