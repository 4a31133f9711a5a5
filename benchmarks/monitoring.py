"""Watching a stream: false alarms over 1,000 weeks without a change, and weeks from a change to the alarm.

Streams are drawn from the scores that the default detector gives images that it was not trained on: HAM10000 before the change;
afterwards MILK10k, HAM10000 under another white balance, fewer melanomas among more nevi, or a share of images from another
camera (MILK10k). A week has 100 images; the baseline are four weeks. The tables of scores are kept in a folder, and not made
again. Each delay is given with the colours and features of a sketch, and by the scores alone. For each change the estimates of
the sensitivity are compared with the labels. A table of a million drawn scores is timed.

    python benchmarks/monitoring.py --data FOLDER --tables FOLDER [--streams 200] [--images 1000] [--figure FILE]
"""

import argparse
import csv
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DataWarning
from melanoma_detect.monitoring.monitor import monitor_samples
from melanoma_detect.monitoring.monitoring import Monitoring
from melanoma_detect.monitoring.reference import Reference, baseline_reference, validation_reference
from melanoma_detect.monitoring.samples import Samples, Statistic
from melanoma_detect.monitoring.stream_tests import GROUPS
from melanoma_detect.scoring.item import Item
from melanoma_detect.scoring.measures import MEASURES, NUMBERS
from melanoma_detect.scoring.table import columns, write_csv
from melanoma_detect.scoring.workers import Shard, score_shards
from melanoma_detect.utils.csv_cells import plain_cell  # of negative numbers
from melanoma_detect.utils.files import atomic_file

ALPHA = 0.05
WEEK = 100  # images
BASELINE_WEEKS = 4
WEEKS_BEFORE = 8  # of a stream before its change
WEEKS_AFTER = 26
# Factors of red, green and blue: a warmer lamp, and a camera without white balance.
WHITE_BALANCE = {"white_balance_mild": (1.08, 1.0, 0.92), "white_balance_strong": (1.25, 1.0, 0.75)}

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pool:
    """Scored images of one kind, from which streams are drawn.

    Attributes:
        values: By statistic, one number for each image; nan where the image has none.
        alerts: Which raised an alert.
        refers: Which are referred.
        melanoma: Which show a melanoma.
    """

    values: Mapping[Statistic, NDArray[np.float64]]
    alerts: NDArray[np.bool_]
    refers: NDArray[np.bool_]
    melanoma: NDArray[np.bool_]

    def draw(self, rng: np.random.Generator, count: int, melanomas: float | None = None) -> Rows:
        """Draw images, with a share of melanomas if it is given."""
        if melanomas is None:
            return rng.integers(0, len(self.melanoma), count)
        chosen = rng.uniform(size=count) < melanomas
        return np.where(
            chosen,
            rng.choice(np.flatnonzero(self.melanoma), count),
            rng.choice(np.flatnonzero(~self.melanoma), count),
        )

    def samples(self, rows: Rows, period: str, source: str = "") -> Samples:
        """Return drawn images as `read_samples` does."""
        values = {name: numbers[rows][~np.isnan(numbers[rows])] for name, numbers in self.values.items()}
        counts = {"alerts": int(self.alerts[rows].sum()), "refers": int(self.refers[rows].sum())}
        counts["abstained"] = int(values.get(Statistic("abstained"), np.empty(0)).sum())
        return Samples(period, source, len(rows), **counts, values=values)


Change = Callable[[np.random.Generator, str], list[Samples]]


def main() -> None:
    """Print false alarms, delays and how often the intervals of the sensitivity hold it."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder with ham10000_224, ham10000_rest and milk10k"
    )
    parser.add_argument("--tables", type=Path, required=True, help="where tables of scores are kept")
    parser.add_argument("--streams", type=int, default=200, help="streams of each kind")
    parser.add_argument("--images", type=int, default=1000, help="at most so many images of each changed kind")
    parser.add_argument("--figure", type=Path, help="draw one stream with a mild white balance into this file, no more")
    chosen = parser.parse_args()
    detector = md.Detector.load()
    pools = make_pools(detector, chosen.data, chosen.tables, chosen.images)
    if chosen.figure:
        draw_figure(pools, chosen.figure)
        return
    for name, pool in pools.items():
        print(f"images_{name} {len(pool.melanoma)} -   # {int(pool.melanoma.sum())} melanomas")
    validation = validation_reference(detector.predictor)
    print_false_alarms(pools["ham10000"], chosen.streams)
    for name, change in changes(pools).items():
        print_delays(name, change, pools["ham10000"], chosen.streams)
    for name in ("ham10000", *WHITE_BALANCE, "milk10k"):
        print_sensitivity(name, pools[name], validation)
    print_seconds(detector, chosen.tables / "million.csv")


def print_false_alarms(pool: Pool, streams: int) -> None:
    """Print how many of 1,000 weeks without a change raise a first alarm, and the share of streams of 52 weeks that do."""
    rng = np.random.default_rng(1)
    weeks = [pool.samples(pool.draw(rng, WEEK), f"week {week}") for week in range(1000)]
    report = monitor_samples(weeks, draw_baseline(pool, rng), alpha=ALPHA)
    print(
        f"false_alarms_in_one_stream_of_1000_weeks {int(report.alarm)} 0   # strongest {strongest(report):.2f} of an alarm"
    )
    raised = 0
    for seed in range(streams):
        rng = np.random.default_rng(100 + seed)
        weeks = [pool.samples(pool.draw(rng, WEEK), f"week {week}") for week in range(52)]
        raised += monitor_samples(weeks, draw_baseline(pool, rng), alpha=ALPHA, seed=seed).alarm
    print(f"false_alarms_share_of_streams_of_52_weeks {raised / streams:.3f} {ALPHA}   # {raised} of {streams}")
    print(f"false_alarms_per_1000_weeks {1000 * raised / (52 * streams):.2f} -   # of {52 * streams:,} weeks")


def print_delays(name: str, change: Change, before: Pool, streams: int) -> None:
    """Print the weeks from a change to the alarm, and in how many streams there was one."""
    delays, of_scores, named, early = [], [], 0, 0
    for seed in range(streams):
        rng = np.random.default_rng(10_000 + seed)
        reference = draw_baseline(before, rng)
        blocks = [before.samples(before.draw(rng, WEEK), f"{week}", "old") for week in range(WEEKS_BEFORE)]
        for week in range(WEEKS_BEFORE, WEEKS_BEFORE + WEEKS_AFTER):
            blocks += change(rng, str(week))
        report = monitor_samples(blocks, reference, alpha=ALPHA, seed=seed)
        delay = int(report.alarm_period) - WEEKS_BEFORE + 1 if report.alarm else np.inf
        if delay < 1:
            early += 1
            continue
        delays.append(delay)
        of_scores.append(alarm_of_scores(report) - WEEKS_BEFORE + 1)
        named += report.changed_sources == ("new",)
    print_quantiles(f"delay_{name}", delays, f"; {early} alarms before the change")
    print_quantiles(f"delay_{name}_by_scores_alone", of_scores, "")
    if named:
        print(f"delay_{name}_only_the_new_camera_named {named / len(delays):.3f} 0.9", flush=True)


def draw_figure(pools: Mapping[str, Pool], out: Path) -> None:
    """Draw the evidence of one stream, whose white balance changes a little after week 8."""
    rng, ham = np.random.default_rng(5), pools["ham10000"]
    weeks = [ham] * WEEKS_BEFORE + [pools["white_balance_mild"]] * 6
    blocks = [pool.samples(pool.draw(rng, WEEK), f"week {number + 1}") for number, pool in enumerate(weeks)]
    drawn = io.BytesIO(monitor_samples(blocks, draw_baseline(ham, rng), alpha=ALPHA).plot().to_png(dpi=130))
    Image.open(drawn).convert("RGB").save(out, "WEBP", quality=85, method=6)


def print_quantiles(name: str, delays: Sequence[float], note: str) -> None:
    """Print the weeks to the alarm, and in how many streams there was one."""
    low, median, high = np.quantile(delays, [0.05, 0.5, 0.95], method="nearest")
    print(f"{name}_median_weeks {median:g} 4   # 5 to 95 %: {low:g} to {high:g}{note}")
    print(f"{name}_found_within_{WEEKS_AFTER}_weeks {np.isfinite(delays).mean():.3f} 0.95", flush=True)


def alarm_of_scores(report: Monitoring) -> float:
    """Return the week of the first alarm if scores and abstentions were all that is watched; infinite for none."""
    names = GROUPS[0][0]
    part = sum(1 / test.level for test in report.tests if not test.source and test.statistic.name in names)
    whole = sum(1 / test.level for test in report.tests if not test.source)
    found = [
        np.flatnonzero(np.array(test.evidence) >= test.level * part / whole)
        for test in report.tests
        if test.statistic.name in names
    ]
    return min((float(weeks[0]) for weeks in found if len(weeks)), default=np.inf)


def print_sensitivity(name: str, pool: Pool, validation: Reference) -> None:
    """Print the sensitivity by the labels, and what is estimated without them, for dermoscopic images."""
    statistic = Statistic("melanoma", "dermoscopy")
    scores = pool.values[statistic]
    threshold = validation.labelled["dermoscopy"].point.threshold
    found = scores[pool.melanoma & ~np.isnan(scores)] >= threshold
    every = np.arange(len(pool.melanoma))
    report = monitor_samples([pool.samples(every, "all")], validation, alpha=ALPHA)
    print(f"sensitivity_{name} {found.mean():.3f} -   # {int(found.sum())} of {len(found)} melanomas")
    for estimate in report.estimates:
        if estimate.image_type == "dermoscopy":
            label = estimate.assumption.replace(" ", "_")
            fit = f"; fit p = {estimate.fit:.3f}" if estimate.fit is not None else ""
            prevalence = (
                f"prevalence {estimate.prevalence:.3f}, by the labels {len(found) / (~np.isnan(scores)).sum():.3f}"
            )
            interval = f"[{estimate.low:.3f}, {estimate.high:.3f}]"
            print(f"sensitivity_{name}_{label} {estimate.sensitivity:.3f} -   # {interval}; {prevalence}{fit}")


def print_seconds(detector: md.Detector, table: Path) -> None:
    """Print how long a table of a million rows takes."""
    scores = np.random.default_rng(3).uniform(size=(1_000_000, 2)).round(6).tolist()
    names = ("path", "melanoma", "malignant", "decision", "abstained", "image_type", "reason")
    rows = ([f"{row}.jpg", *map(str, pair), "clear", "false", "dermoscopy", ""] for row, pair in enumerate(scores))
    write_csv(table, names, rows)
    start = perf_counter()
    md.monitor(table, detector=detector)
    print(f"seconds_of_a_million_rows {perf_counter() - start:.0f} 60")
    table.unlink()


def changes(pools: Mapping[str, Pool]) -> dict[str, Change]:
    """Return what a week is drawn from after each change."""
    ham, milk = pools["ham10000"], pools["milk10k"]

    def of(pool: Pool, **options: float) -> Change:
        return lambda rng, week: [pool.samples(pool.draw(rng, WEEK, **options), week, "old")]

    def camera(rng: np.random.Generator, week: str) -> list[Samples]:
        fifth = WEEK // 5
        return [
            ham.samples(ham.draw(rng, WEEK - fifth), week, "old"),
            milk.samples(milk.draw(rng, fifth), week, "new"),
        ]

    share = float(ham.melanoma.mean())
    found: dict[str, Change] = {"milk10k": of(milk), **{name: of(pools[name]) for name in WHITE_BALANCE}}
    found["more_nevi"] = of(ham, melanomas=share / 3)
    found["new_camera_for_a_fifth"] = camera
    return found


def draw_baseline(pool: Pool, rng: np.random.Generator) -> Reference:
    """Return four weeks as a reference."""
    return baseline_reference([pool.samples(pool.draw(rng, BASELINE_WEEKS * WEEK), "baseline")], None)


def strongest(report: Monitoring) -> float:
    """Return the strongest evidence of a report as a share of what raises an alarm."""
    return max(test.strength for test in report.tests)


def make_pools(detector: md.Detector, data: Path, tables: Path, most: int) -> dict[str, Pool]:
    """Return the pools; images are scored where their table is not there yet."""
    ham = unseen(detector, [data / "ham10000_224", data / "ham10000_rest"], "ham10000", tables)
    milk = unseen(detector, [data / "milk10k"], "milk10k", tables)
    milk = [pair for pair in milk if "dermoscopy" in pair[0].parts]
    made = {"ham10000": ham, "milk10k": milk[:most]}
    few = [ham[place] for place in np.linspace(0, len(ham) - 1, min(most, len(ham))).astype(int)]  # of every folder
    for name, factors in WHITE_BALANCE.items():
        made[name] = list(changed_images(few, tables / name, factors))
    return {name: make_pool(detector, pairs, tables / f"{name}.csv") for name, pairs in made.items()}


def unseen(detector: md.Detector, folders: Sequence[Path], name: str, tables: Path) -> list[tuple[Path, bool]]:
    """Return the images that the detector was not trained on, and which of them show a melanoma."""
    listed = tables / f"{name}_unseen.csv"
    if not listed.exists():
        tables.mkdir(parents=True, exist_ok=True)
        data = md.load_dataset(folders, validation=0, test=0, image_size=detector.image_size)
        records = data.train.records
        known = detector.predictor.files.fingerprint().contains(records)
        with listed.open("w", encoding="utf-8", newline="") as file:
            pairs = zip(records, known, strict=True)
            csv.writer(file).writerows([r.image, int(r.label == "melanoma")] for r, seen in pairs if not seen)
    with listed.open(encoding="utf-8", newline="") as file:
        return [(Path(path), melanoma == "1") for path, melanoma in csv.reader(file)]


def changed_images(
    pairs: Sequence[tuple[Path, bool]], folder: Path, factors: tuple[float, float, float]
) -> Iterator[tuple[Path, bool]]:
    """Write images under another white balance, and yield them with their labels."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, melanoma in pairs:
        out = folder / f"{path.stem}.png"
        if not out.exists():
            pixels = np.asarray(Image.open(path).convert("RGB"), np.float64)
            Image.fromarray(np.clip(pixels * factors, 0, 255).astype(np.uint8)).save(out)
        yield out, melanoma


def write_measured(detector: md.Detector, paths: Sequence[Path], table: Path) -> None:
    """Write the rows of `score` with the further cells that sketches are made of."""
    names = (*columns(detector.classes), *MEASURES)
    shards = (
        Shard(number, [Item(str(path), str(path)) for path in paths[start : start + 256]])
        for number, start in enumerate(range(0, len(paths), 256))
    )
    scored = score_shards(detector.predictor.with_threads(1), shards, batch_size=32, workers=2, measured=True)
    with atomic_file(table, overwrite=True) as partial:
        write_csv(partial, names, (row for _, rows in scored for row in rows))


def make_pool(detector: md.Detector, pairs: Sequence[tuple[Path, bool]], table: Path) -> Pool:
    """Score images, unless their table is there, and return them as a pool."""
    if not table.exists():
        write_measured(detector, [path for path, _ in pairs], table)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    values: dict[Statistic, NDArray[np.float64]] = {}
    for name in ("melanoma", "malignant"):
        numbers = np.array([float(plain_cell(row[name]) or "nan") for row in rows])
        for image_type in ("dermoscopy", "clinical"):
            own = np.array([row["image_type"] == image_type for row in rows])
            values[Statistic(name, image_type)] = np.where(own, numbers, np.nan)
    for name in NUMBERS:
        values[Statistic(name)] = np.array([float(plain_cell(row[name]) or "nan") for row in rows])
    values[Statistic("abstained")] = np.array([float(row["abstained"] == "true") for row in rows])
    decisions = np.array([row["decision"] for row in rows])
    return Pool(values, decisions == "alert", decisions == "refer", np.array([melanoma for _, melanoma in pairs]))


if __name__ == "__main__":
    main()
