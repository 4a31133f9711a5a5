"""Commands about folders of images, on any source and with any name."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from melanoma_detect.cli import app
from melanoma_detect.inference.bundle import SHIPPED


def invoke(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def labelled(tree):
    """Write images and, elsewhere, the table that labels them."""
    folder = tree({"": 12})
    names = sorted(path.stem for path in folder.glob("*.png"))
    rows = [f"{name},{('mel', 'nv', 'scar')[number % 3]}" for number, name in enumerate(names)]
    table = folder.parent / "labels.csv"
    table.write_text("\n".join(["image,dx", *rows]) + "\n")
    return folder, table


def test_classes_are_counted_by_a_table_from_elsewhere(labelled):
    folder, table = labelled
    shown = invoke("classes", folder, "--labels", table)
    assert shown.exit_code == 0, shown.output
    totals = {line.split()[0]: line.split()[4] for line in shown.output.splitlines() if len(line.split()) > 4}
    assert totals["all"] == "12"


def test_labels_are_renamed_and_left_out(labelled):
    folder, table = labelled
    shown = invoke("classes", folder, "--labels", table, "--map", "scar=", "--map", "nv=mole")
    assert shown.exit_code == 0, shown.output
    assert [line.split()[0] for line in shown.output.splitlines() if "%" in line] == ["mel", "mole"]
    assert invoke("audit", folder, "--labels", table, "--map", "scar=").exit_code == 0


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="its file system holds Unicode only")
def test_a_class_folder_whose_name_is_no_utf8_is_listed(tree):
    root = tree({"melanoma": 6, "other": 6})
    os.rename(root / "other", os.path.join(os.fsencode(root), b"n\xe4vus"))  # noqa: PTH104, PTH118 - bytes
    for command in ("classes", "audit"):
        shown = subprocess.run(
            [sys.executable, "-m", "melanoma_detect", command, root], capture_output=True, check=False
        )
        assert (shown.returncode, b"Traceback" in shown.stderr) == (0, False), shown.stderr


def test_an_audit_says_what_was_not_looked_for_and_does_without_a_detector(labelled):
    folder, table = labelled
    noted = invoke("audit", folder, "--labels", table)
    assert "Note: doubtful labels and images of no skin lesion were not looked for" in noted.output.replace("\n", " ")
    without = invoke("audit", folder, "--labels", table, "--no-detector")
    assert (without.exit_code, "Note:" in without.output) == (0, False), without.output
    both = invoke("audit", folder, "--labels", table, "--no-detector", "--detector", SHIPPED)
    assert both.exit_code == 2
    assert "not both" in both.output
