"""The container: its Dockerfile by hadolint, and what it must hold to."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"


def test_hadolint_has_nothing_to_say():
    program = Path(sys.executable).with_name("hadolint")
    report = subprocess.run(
        [program, "--failure-threshold", "style", DOCKERFILE], capture_output=True, text=True, check=False
    )
    assert (report.returncode, report.stdout) == (0, "")


def test_the_container_runs_without_rights_and_stops_by_a_signal():
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    last = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    words = {line.split()[0]: line for line in last if line and line[0].isupper()}
    assert words["USER"] == "USER 65532:65532"
    assert words["STOPSIGNAL"] == "STOPSIGNAL SIGTERM"
    assert words["ENTRYPOINT"].startswith(
        'ENTRYPOINT ["melanoma-detect", "serve"'
    )  # no shell, which would keep the signal
    assert "TOKEN" not in "".join(line for line in lines if not line.startswith("#"))
    assert "urllib.request" in "".join(last)


def test_the_build_sees_the_wheel_alone():
    rules = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    assert rules == ["*", "!dist/melanoma_detect_core-*.whl"]
