"""Fuzz the doors through which files come in, with atheris; the doors and their seeds are in tests/fuzz.

    python scripts/fuzz.py                                   60 seconds for each door
    python scripts/fuzz.py png table --runs 200000 --seconds 3600 --jobs 2 --record benchmarks/records/fuzz.json

Prints one line per door: name, executions, a second, faults. Faults are errors and warnings that are not this library's, odd
answers, more than 10 s, more than 2 GiB, and crashes. The input of each kind of fault and its traceback are kept in
FOLDER/DOOR/faults; `python scripts/fuzz.py DOOR --replay FILE` runs one again. The exit status is 1 after a fault.
"""

import argparse
import faulthandler
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
HARNESS = ROOT / "tests" / "fuzz"
_INSTRUMENTED = ["melanoma_detect", "PIL", "pydicom", "openpyxl", "zipfile", "csv", "json"]
_SAVE_EVERY = 0.5  # seconds
_START_SECONDS = 60  # in which a process is ready, on a busy machine too
_NO_START = -1000
_MAX_CRASHES = 30  # of the whole process, after which a door is given up
# Of libFuzzer; and of a process that had to be ended before it ran anything, which says nothing about the door.
_EXIT_CODES = {
    70: "over 10 s",
    71: "over 2 GiB of memory",
    77: "a crash",
    _NO_START: "the fuzzer did not start: see log.txt",
}


class Tally:
    """What one process has run, written to a file now and then, since a crash takes the process with it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.start, self.saved = folder, time.monotonic(), 0.0
        self.executions, self.slowest = 0, 0.0
        self.faults: Counter[str] = Counter()
        (folder / "faults").mkdir(parents=True, exist_ok=True)

    def add_fault(self, error: BaseException, content: bytes) -> None:
        """Count a fault, and keep the input of the first of its kind."""
        kind = _kind_of(error)
        self.faults[kind] += 1
        if self.faults[kind] == 1:
            name = hashlib.sha256(kind.encode(errors="replace")).hexdigest()[:12]
            (self.folder / "faults" / f"{name}.bin").write_bytes(content)
            (self.folder / "faults" / f"{name}.txt").write_text(
                f"{kind}\n\n{''.join(traceback.format_exception(error))}", encoding="utf-8", errors="replace"
            )

    def save(self) -> None:
        """Write the tally."""
        self.saved = time.monotonic()
        values = {"executions": self.executions, "faults": dict(self.faults), "slowest": round(self.slowest, 3)}
        partial = self.folder / "tally.partial"
        partial.write_text(json.dumps(values | {"peak_mib": _peak_rss()}), encoding="utf-8")
        partial.replace(self.folder / "tally.json")


def _kind_of(error: BaseException) -> str:
    """Return what makes two faults the same: the error's type, and where it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"{os.sep}melanoma_detect{os.sep}" in frame.filename]
    places = [f"{Path(frame.filename).name}:{frame.name}" for frame in (*own[-1:], *frames[-1:])]
    # A fault of the answer, not of the code: its message without the numbers.
    message = "".join(letter for letter in str(error)[:60] if not letter.isdigit()) if not own else ""
    return " ".join([type(error).__name__, *dict.fromkeys(places), message]).strip()


def _peak_rss() -> int:
    import resource  # noqa: PLC0415 - absent on Windows, where nothing is fuzzed

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _load_harness() -> None:
    sys.path[:0] = [str(HARNESS), str(ROOT / "src")]


def fuzz(door_name: str, folder: Path, runs: int, seconds: float, seed: int) -> None:
    """Fuzz one door in this process; never returns."""
    import atheris  # noqa: PLC0415

    faulthandler.dump_traceback_later(_START_SECONDS)  # into the log: where it waits
    _load_harness()
    with atheris.instrument_imports(include=_INSTRUMENTED):
        import doors  # noqa: PLC0415
    from damage import blind, damage_of  # noqa: PLC0415
    from seeds import write_seeds  # noqa: PLC0415

    door, damage, chance = doors.DOORS[door_name], damage_of(door_name), random.Random(seed)
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    write_seeds(door_name, folder / "seeds")
    doors.prepare()
    faulthandler.cancel_dump_traceback_later()
    tally = Tally(folder)
    deadline = time.monotonic() + seconds

    def enter(content: bytes) -> None:
        try:
            tally.slowest = max(tally.slowest, doors.run_door(door, content))
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            tally.add_fault(error, content)
        tally.executions += 1
        now = time.monotonic()
        if tally.executions >= runs or now > deadline:
            tally.save()
            os._exit(0)
        if now - tally.saved > _SAVE_EVERY:
            tally.save()

    def mutate(content: bytes, max_size: int, seed: int) -> bytes:
        chance.seed(seed)
        # Both: libFuzzer's own mutator learns from the program, and this one makes several changes at once.
        blindly = atheris.Mutate if chance.random() < 0.6 else blind(chance)
        try:
            return damage(content, max_size, chance, blindly)[:max_size]
        except Exception:  # noqa: BLE001 - a content so odd that it cannot be taken apart
            return blind(chance)(content, max_size)

    options = ["-rss_limit_mb=2048", f"-timeout={doors.MAX_SECONDS:.0f}", f"-max_len={door.max_length}", "-verbosity=0"]
    options += [f"-artifact_prefix={folder / 'faults'}/", f"-seed={seed}", str(corpus), str(folder / "seeds")]
    atheris.Setup([sys.argv[0], *options], enter, custom_mutator=mutate)
    atheris.Fuzz()


def fuzz_in_processes(door: str, folder: Path, runs: int, seconds: float, seed: int) -> dict[str, Any]:
    """Fuzz one door in a process of its own, and in another one after a crash; return the record."""
    start, found = time.monotonic(), Counter[str]()
    executions, slowest, peak, crashes = 0, 0.0, 0, 0
    folder.mkdir(parents=True, exist_ok=True)
    while crashes < _MAX_CRASHES:
        left = seconds - (time.monotonic() - start)
        if executions >= runs or left <= 0:
            break
        (folder / "tally.json").unlink(missing_ok=True)
        code = _run_child(door, folder, runs - executions, left, seed + crashes)
        tally = _read_tally(folder)
        executions += tally["executions"]
        found.update(tally["faults"])
        slowest, peak = max(slowest, tally["slowest"]), max(peak, tally["peak_mib"])
        if code == 0:
            break
        crashes += 1
        found[_EXIT_CODES.get(code, f"the process ended with {code}")] += 1
    taken = time.monotonic() - start
    record = {"door": door, "executions": executions, "seconds": round(taken), "faults": dict(found)}
    return record | {"slowest_seconds": slowest, "peak_mebibytes": peak}


def _run_child(door: str, folder: Path, runs: int, seconds: float, seed: int) -> int:
    command = [sys.executable, __file__, door, "--child", "--folder", str(folder)]
    command += ["--runs", str(runs), "--seconds", str(seconds), "--seed", str(seed)]
    with tempfile.TemporaryDirectory() as cache, (folder / "log.txt").open("wb") as log:
        settings = {"MELANOMA_DETECT_CACHE": cache, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONHASHSEED": "0"}
        try:
            return subprocess.run(
                command, stdout=log, stderr=log, env=os.environ | settings, timeout=seconds + 120, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            return 70 if (folder / "tally.json").is_file() else _NO_START


def _read_tally(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "tally.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {"executions": 0, "faults": {}, "slowest": 0.0, "peak_mib": 0}


def replay(door: str, files: list[Path]) -> int:
    """Run files again; return how many have faults."""
    _load_harness()
    import doors  # noqa: PLC0415

    doors.prepare()
    faults = 0
    for file in files:
        try:
            seconds = doors.run_door(doors.DOORS[door], file.read_bytes())
            print(f"{file}: as it should be ({seconds:.3f} s)")
        except Exception:  # noqa: BLE001 - this is what is looked for
            faults += 1
            print(f"{file}:\n{traceback.format_exc()}")
    return faults


def main() -> int:
    """Fuzz what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("doors", nargs="*", metavar="DOOR", help="all doors if none is named")
    parser.add_argument("--runs", type=int, default=10**9, help="executions for each door")
    parser.add_argument("--seconds", type=float, default=60, help="time for each door")
    parser.add_argument("--jobs", type=int, default=1, help="doors at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "fuzz", help="where corpora and faults are kept"
    )
    parser.add_argument("--record", type=Path, help="a JSON file whose entries for these doors are replaced")
    parser.add_argument("--replay", nargs="+", type=Path, metavar="FILE", help="run files through the one named door")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        fuzz(chosen.doors[0], chosen.folder, chosen.runs, chosen.seconds, chosen.seed)
    _load_harness()
    from seeds import SEEDS  # noqa: PLC0415

    if unknown := [name for name in chosen.doors if name not in SEEDS]:
        parser.error(f"no such door: {', '.join(unknown)}; expected {', '.join(SEEDS)}")
    if chosen.replay:
        return min(replay(chosen.doors[0], chosen.replay), 1)
    records = list(_fuzz_all(chosen.doors or list(SEEDS), chosen))
    if chosen.record:
        _write_record(chosen.record, records)
    return int(any(record["faults"] for record in records))


def _fuzz_all(names: list[str], chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    def fuzz_one(name: str) -> dict[str, Any]:
        return fuzz_in_processes(name, chosen.folder / name, chosen.runs, chosen.seconds, chosen.seed)

    with ThreadPoolExecutor(chosen.jobs) as pool:
        for record in pool.map(fuzz_one, names):
            rate = record["executions"] / max(record["seconds"], 1)
            count = sum(record["faults"].values())
            print(
                f"{record['door']} {record['executions']:,} executions, {rate:,.0f} a second, {count} faults",
                flush=True,
            )
            for kind, times in record["faults"].items():
                print(f"    {times} × {kind}", flush=True)
            yield record


def _write_record(path: Path, records: list[dict[str, Any]]) -> None:
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    by_door = {record["door"]: record for record in (*known, *records)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(by_door.values()), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
