"""Commands are imported when they are used, and all are listed, suggested and completed all the same."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from melanoma_detect.cli import app
from melanoma_detect.cli.lazy_commands import MODULES


def test_every_command_is_in_the_module_that_is_named():
    group = typer.main.get_command(app)
    context = typer.Context(group)
    assert group.list_commands(context) == list(MODULES)
    for name, module in MODULES.items():
        command = group.get_command(context, name)
        assert command.name == name
        assert command.callback.__module__ == f"melanoma_detect.cli.{module}"


def test_help_lists_every_command_and_shows_no_type_of_flags():
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert all(name in shown for name in MODULES)
    assert "Exit status" in shown
    assert "<bool>" not in shown + CliRunner().invoke(app, ["predict", "--help"]).stdout


def test_an_unknown_command_is_suggested():
    result = CliRunner().invoke(app, ["evalute"])
    assert result.exit_code == 2
    assert "Did you mean 'evaluate'?" in result.stderr


def test_commands_are_completed_in_the_shell():
    variables = {"_MELANOMA_DETECT_COMPLETE": "complete_bash", "COMP_WORDS": "melanoma-detect ex", "COMP_CWORD": "1"}
    completed = CliRunner().invoke(app, [], prog_name="melanoma-detect", env=variables)
    assert completed.stdout.split() == ["explain", "export"]


@pytest.mark.parametrize(("arguments", "imported"), [(["--version"], []), (["models", "nonsense"], ["models"])])
def test_a_command_imports_its_own_module_only(arguments, imported):
    code = (
        "import sys; from melanoma_detect.cli import main\n"
        f"sys.argv = ['melanoma-detect', *{arguments}]\n"
        f"names = {sorted(set(MODULES.values()))}\n"
        "try: main()\n"
        "finally: print([name for name in names if f'melanoma_detect.cli.{name}' in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.stdout.splitlines()[-1] == str(imported)
