"""An answer that went nowhere is no success."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("melanoma-detect")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other streams")
@pytest.mark.parametrize(("redirection", "message"), [(">&-", "is closed"), ("> /dev/full", "cannot be written")])
def test_a_lost_answer_is_an_error(redirection, message):
    if "full" in redirection and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    process = subprocess.run(
        f"'{COMMAND}' models {redirection}", shell=True, capture_output=True, text=True, check=False
    )
    assert process.returncode == 1
    assert process.stderr.startswith(f"Error: standard output {message}")
    assert len(process.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other streams")
@pytest.mark.parametrize("arguments", [["--help"], ["models", "--help"], ["models"], ["classes", "{images}"]])
def test_a_closed_pipe_ends_every_command_with_its_status(arguments, lesions):
    read, write = os.pipe()
    os.close(read)
    command = [COMMAND, *(part.format(images=lesions) for part in arguments)]
    process = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (process.returncode, process.stderr) == (141, "")
