"""Notes of C++ code on standard error: left out, while errors are passed on."""

import os
import subprocess
import sys

import pytest

from melanoma_detect.utils import native_notes
from melanoma_detect.utils.native_notes import without_native_notes

NOTES = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795733875.462809     745 port.cc:153] oneDNN custom operations are on. You may see slightly different
W0000 00:00:1795733890.254070     745 tf_tfl_flatbuffer_helpers.cc:364] Ignored output_format.
2025-01-02 10:11:12.123456: I tensorflow/core/platform/cpu_feature_guard.cc:210] This TensorFlow binary is optimized
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
"""
NO_GPU = "E0000 00:00:1795733881.800428     745 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error\n"
ERRORS = """\
E0000 00:00:1795733881.800428     745 cuda_dnn.cc:52] Could not create cudnn handle
F0000 00:00:1795733881.800428     745 cpu_feature_guard.cc:1] compiled to use AVX instructions, but these aren't available
anything else
"""


def test_notes_are_left_out_and_errors_are_not(capfd, monkeypatch):
    monkeypatch.setattr(native_notes, "has_gpu", lambda: False)
    with without_native_notes():
        os.write(2, (NOTES + NO_GPU + ERRORS).encode())
    assert capfd.readouterr().err == ERRORS
    os.write(2, NOTES.encode())
    assert capfd.readouterr().err == NOTES


def test_where_there_is_a_gpu_its_failure_is_an_error(capfd, monkeypatch):
    monkeypatch.setattr(native_notes, "has_gpu", lambda: True)
    with without_native_notes():
        os.write(2, (NOTES + NO_GPU).encode())
    assert capfd.readouterr().err == NO_GPU


def test_standard_error_is_restored_after_an_exception(capfd):
    with pytest.raises(ValueError, match="bad"), without_native_notes():
        raise ValueError("bad")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_the_last_words_of_an_aborted_process_are_shown():
    code = (
        "import os; from melanoma_detect.utils.native_notes import without_native_notes\n"
        "with without_native_notes():\n"
        f"    os.write(2, {ERRORS.encode()!r}); os.abort()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert ERRORS in done.stderr


def test_without_standard_error_or_a_filter_everything_goes_on(capfd, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with without_native_notes():
        os.write(2, NOTES.encode())
    assert capfd.readouterr().err == NOTES
    code = (
        "import os; os.close(2)\n"
        "from melanoma_detect.utils.native_notes import without_native_notes\n"
        "with without_native_notes(): print('done')\n"
    )
    monkeypatch.undo()
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "done\n"
