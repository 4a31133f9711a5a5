"""Kill a command at a random moment, start it again until it is done, and compare with what it writes undisturbed.

    python scripts/kill_trials.py balance --count 50 --seed 1
    python scripts/kill_trials.py all --count 50

A trial is good if the second start gives the undisturbed result, if no hidden file and no temporary file is left after it, and
if nothing incomplete was ever seen under its final name. Prints one line a figure: name, value, goal.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import melanoma_detect as md

_CLASSES = ("nevus", "melanoma", "basal cell carcinoma")
_WAIT = 60  # seconds for the workers of a killed process to notice that it is gone
_RUN = "melanoma_detect"
_SAVE = "import melanoma_detect as md; md.Detector.load('../other.detector').save('saved.detector', overwrite=True)"


@dataclass(frozen=True)
class Case:
    """A command that is killed.

    Attributes:
        command: What Python runs, in the folder of the trial; `{images}` is the folder of drawings.
        results: The files and folders that it writes.
        content: Returns what is compared of a result.
        before: A file that lies at the first result's place already, and is overwritten; empty for none.
    """

    command: tuple[str, ...]
    results: tuple[str, ...]
    content: Callable[[Path], object]
    before: str = ""


def read_bytes(path: Path) -> object:
    """Return digests of a file, or of every file of a folder."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return [(str(file.relative_to(path)), hashlib.sha256(file.read_bytes()).hexdigest()) for file in files]


def read_members(path: Path) -> object:
    """Return the digests of what a detector's file holds; the times in it differ."""
    with zipfile.ZipFile(path) as archive:
        return [(name, hashlib.sha256(archive.read(name)).hexdigest()) for name in sorted(archive.namelist())]


def read_run(path: Path) -> object:
    """Return the names of a run folder's files, and its figures but for the seconds that epochs took."""
    metrics = json.loads((path / "metrics.json").read_text(encoding="utf-8"))
    epochs = {name: values for name, values in metrics["history"].items() if name != "seconds"}
    names = sorted(file.name for file in path.iterdir())
    return [names, epochs, metrics["test"], metrics["best_epoch"], md.Detector.load(path).classes]


def read_text_without_times(path: Path) -> object:
    """Return the lines of a page that hold no time."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if "T" not in line or ":" not in line]


CASES = {
    "balance": Case(
        ("-m", _RUN, "balance", "{images}", "--out", "set", "--to", "60", "--image-size", "48", "--workers", "2"),
        ("set", "cache/balanced"),
        read_bytes,
    ),
    "train": Case(
        (
            *("-m", _RUN, "train", "{images}", "--out", "run", "--epochs", "3", "--image-size", "32"),
            *("--sensitivity", "0.5", "--resume"),
        ),
        ("run",),
        read_run,
    ),
    "score": Case(
        ("-m", _RUN, "score", "{images}", "--out", "scores.csv", "--shard-size", "8"), ("scores.csv",), read_bytes
    ),
    "score-ray": Case(
        ("-m", _RUN, "score", "{images}", "--out", "scores.csv", "--shard-size", "8", "--engine", "ray"),
        ("scores.csv",),
        read_bytes,
    ),
    "save": Case(("-c", _SAVE), ("saved.detector",), read_members, before="default.detector"),
    "audit": Case(
        ("-m", _RUN, "audit", "{images}", "--html", "page.html", "--overwrite"), ("page.html",), read_text_without_times
    ),
}


class Trials:
    """The trials of one command, in a folder of their own.

    Args:
        name: The command's name in `CASES`.
        folder: Where to work.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.case, self.folder = CASES[name], folder
        self.images = md.write_samples(folder / "images", train=16, test=6, size=48, seed=6, classes=_CLASSES)
        default = md.Detector.load()
        default.save(folder / "default.detector")
        default.at(sensitivity=0.9).save(folder / "other.detector")
        self.expected: list[object] = []
        self.duration = 0.0

    def measure(self) -> None:
        """Run the command undisturbed, twice: the first run fills caches of the system."""
        for number in range(2):
            place = self._place(f"undisturbed{number}")
            start = time.monotonic()
            process = self._start(place)
            _, said = process.communicate()
            self.duration = time.monotonic() - start
            if process.returncode:
                raise SystemExit(f"the command fails undisturbed: {said}")
            contents = [self.case.content(place / result) for result in self.case.results]
            if self.expected and contents != self.expected:
                raise SystemExit("two undisturbed runs differ, so that there is nothing to compare with")
            self.expected = contents

    def run(self, number: int, moment: float) -> dict[str, int]:
        """Kill the command at a moment, run it again, and return which faults there were."""
        place = self._place(f"trial{number}")
        process = self._start(place)
        try:
            process.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        half = sum(not self._is_old_or_new(place, index) for index in range(len(self.case.results)))
        again = self._start(place)
        _, said = again.communicate()
        # What it wrote is whole then, or `half` and `same` count it.
        done_before = process.returncode == 0 or "already exists" in said or "is not empty" in said
        failed = int(again.returncode != 0 and not done_before)
        _wait_for_group(process.pid)
        same = [self._content(place, result) for result in self.case.results] == self.expected
        left = [path for path in place.rglob(".*") if _RUN not in path.parts]
        faults = {"half_files": half, "failed": failed, "other_results": int(not same), "left_files": len(left)}
        if any(faults.values()):
            print(f"# killed after {moment:.2f} s: {faults} {[path.name for path in left]} {said[-500:]}", flush=True)
        else:
            shutil.rmtree(place)
        return faults

    def _place(self, name: str) -> Path:
        place = self.folder / name
        (place / "tmp").mkdir(parents=True)
        if self.case.before:
            shutil.copyfile(self.folder / self.case.before, place / self.case.results[0])
        return place

    def _start(self, place: Path) -> "subprocess.Popen[str]":
        environment = os.environ | {"MELANOMA_DETECT_CACHE": str(place / "cache"), "TF_CPP_MIN_LOG_LEVEL": "3"}
        if "ray" not in self.case.command:  # the sockets of Ray have long names, which do not fit below a long folder
            environment["TMPDIR"] = str(place / "tmp")
        command = [sys.executable, *(part.format(images=self.images) for part in self.case.command)]
        return subprocess.Popen(
            command,
            cwd=place,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _content(self, place: Path, result: str) -> object:
        try:
            return self.case.content(place / result)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, md.errors.MelanomaDetectError) as error:
            return f"{result}: {error}"

    def _is_old_or_new(self, place: Path, index: int) -> bool:
        """Return whether a result is absent, the one that was there before, or complete."""
        result = self.case.results[index]
        path = place / result
        if result.startswith("cache/"):
            folders = [folder for folder in path.glob("*") if not folder.name.startswith(".")]
            return not folders or self._content(place, result) == self.expected[index] or _has_hidden_only(path)
        if not path.exists():
            return True
        allowed = [self.expected[index]]
        if self.case.before:
            allowed.append(self.case.content(self.folder / self.case.before))
        return self._content(place, result) in allowed


def _has_hidden_only(folder: Path) -> bool:
    return all(path.name.startswith(".") or (path / "manifest.json").is_file() for path in folder.iterdir())


def _wait_for_group(group: int) -> None:
    end = time.monotonic() + _WAIT
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.1)


def main(arguments: list[str] | None = None) -> int:
    """Run the trials, print the figures, and return 1 if one misses its goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*CASES, "all"])
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    missed = 0
    for name in CASES if options.name == "all" else [options.name]:
        chosen = random.Random(options.seed)
        with tempfile.TemporaryDirectory() as folder:
            trials = Trials(name, Path(folder))
            trials.measure()
            found = [trials.run(number, chosen.uniform(0, trials.duration)) for number in range(options.count)]
        print(f"kills_{name.replace('-', '_')} {options.count} stated")
        for fault in ("half_files", "failed", "other_results", "left_files"):
            value = sum(each[fault] for each in found)
            missed += value > 0
            print(f"kills_{name.replace('-', '_')}_{fault} {value} <=0{'  MISSED' * (value > 0)}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
