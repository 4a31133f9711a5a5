"""Commands that are killed with SIGKILL at a random moment, and go on when they are started again."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill_trials.py"
SPEC = importlib.util.spec_from_file_location("kill_trials", SCRIPT)
kill_trials = importlib.util.module_from_spec(SPEC)
sys.modules["kill_trials"] = kill_trials  # dataclasses look their module up
SPEC.loader.exec_module(kill_trials)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")


def test_a_killed_save_leaves_the_old_detector_or_the_new_one(capsys):
    assert kill_trials.main(["save", "--count", "2", "--seed", "4"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "kills_save 2 stated"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["balance", "train", "score", "audit"])
def test_a_killed_command_goes_on_to_the_undisturbed_result(name):
    assert kill_trials.main([name, "--count", "1", "--seed", "5"]) == 0
