"""The disclaimer, and the terms of the default detector."""

import subprocess
import sys
import time

import pytest

from melanoma_detect.utils import disclaimer
from melanoma_detect.utils.disclaimer import DISCLAIMER, TERMS, log_terms

SHOW = "from melanoma_detect.utils.disclaimer import log_terms; log_terms(); log_terms()"


@pytest.fixture(autouse=True)
def new_process(monkeypatch, tmp_path):
    """Begin as a new process on a machine that has not shown the terms yet."""
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path / "cache"))
    log_terms.cache_clear()
    yield
    log_terms.cache_clear()


def count_shown(caplog):
    log_terms.cache_clear()
    log_terms()
    log_terms()
    shown = [record.message for record in caplog.records]
    caplog.clear()
    return len(shown)


@pytest.mark.parametrize("collection", ["HAM10000", "MILK10k", "ISIC archive", "ISIC 2020", "PAD-UFES-20"])
def test_the_terms_name_every_collection_that_was_learnt_from(collection):
    assert collection in TERMS


def test_the_disclaimer_names_both_types_of_image():
    assert "dermoscopy images and clinical photographs" in DISCLAIMER


def test_the_terms_are_logged_once_a_machine(caplog):
    log_terms()
    assert [record.message for record in caplog.records] == [TERMS]
    caplog.clear()
    assert count_shown(caplog) == 0


def test_new_terms_are_logged_again(caplog, monkeypatch):
    assert (count_shown(caplog), count_shown(caplog)) == (1, 0)
    monkeypatch.setattr(disclaimer, "TERMS", "other terms")
    assert (count_shown(caplog), count_shown(caplog)) == (1, 0)


def test_terms_that_the_user_has_silenced_do_not_count_as_shown(caplog):
    caplog.set_level("ERROR", logger="melanoma_detect")
    assert count_shown(caplog) == 0
    caplog.set_level("WARNING", logger="melanoma_detect")
    assert count_shown(caplog) == 1


@pytest.mark.parametrize("obstacle", ["a file", "a parent that is a file"])
def test_without_a_cache_folder_they_are_logged_once_a_process(caplog, monkeypatch, tmp_path, obstacle):
    (tmp_path / "file").write_text("")
    root = {"a file": "file", "a parent that is a file": "file/cache"}[obstacle]
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path / root))
    assert (count_shown(caplog), count_shown(caplog)) == (1, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_of_processes_that_start_at_once_one_shows_them(tmp_path):
    command = [sys.executable, "-c", SHOW]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    shown = [process.communicate(timeout=60)[1] for process in processes]
    assert "".join(shown).count(TERMS) == 1
    assert all(process.returncode == 0 for process in processes)


def test_looking_whether_they_were_shown_takes_no_time():
    log_terms()
    started = time.perf_counter()
    for _ in range(20):
        log_terms.cache_clear()
        log_terms()
    assert (time.perf_counter() - started) / 20 < 0.01
