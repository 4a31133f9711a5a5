"""Locks: one process at a time, and none left behind."""

import signal
import subprocess
import sys
import time

import pytest

from melanoma_detect.utils.locks import exclusive, lock_path, one_at_a_time

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")

HOLD = """
from pathlib import Path
from melanoma_detect.utils.locks import exclusive, lock_path
with exclusive(lock_path(Path("run"))):
    print("held", flush=True)
    input()
"""


class BusyError(Exception):
    """Another process holds the lock."""


@pytest.fixture
def holder(tmp_path):
    options = {"cwd": tmp_path, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLD], **options) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_gets_the_error(tmp_path, holder):
    with pytest.raises(BusyError), exclusive(lock_path(tmp_path / "run"), BusyError):
        pass


def test_a_second_process_waits_for_the_first(tmp_path, holder):
    start = time.monotonic()
    with (
        subprocess.Popen(["/bin/sh", "-c", f"sleep 0.3; kill -9 {holder.pid}"]),
        one_at_a_time(tmp_path / "run"),
    ):
        assert time.monotonic() - start > 0.2
    assert not lock_path(tmp_path / "run").exists()


def test_a_killed_process_holds_nothing(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with exclusive(lock_path(tmp_path / "run"), BusyError):
        pass
    assert not list(tmp_path.iterdir())


def test_without_a_place_for_a_lock_the_block_runs(tmp_path):
    (tmp_path / "taken").touch()
    with one_at_a_time(tmp_path / "taken" / "run"):
        pass
    lock_path(tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    with one_at_a_time(tmp_path / "a"):
        assert not (tmp_path / "elsewhere").exists(), "a link is not followed"


def test_the_error_of_the_block_comes_out(tmp_path):
    with pytest.raises(OSError, match="of the block"), one_at_a_time(tmp_path / "run"):
        raise OSError("of the block")
    assert not list(tmp_path.iterdir())
