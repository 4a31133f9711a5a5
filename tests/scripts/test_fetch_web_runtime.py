import gzip
import io
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import fetch_web_runtime as script  # noqa: E402


@pytest.fixture
def package(tmp_path):
    """Return a function that writes an npm package with the files of the runtime that is there, or changed ones."""

    def write(change=bytes):
        path = tmp_path / "package.tgz"
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            for name, written in script.WRITTEN.items():
                content = change(gzip.decompress((script.FOLDER / written).read_bytes()))
                member = tarfile.TarInfo(f"package/dist/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return path

    return write


def test_files_are_written_once_and_always_the_same(package, tmp_path, monkeypatch):
    monkeypatch.setattr(script.gzip, "compress", lambda content, level, mtime: bytes([level, mtime]) + content[:4])
    assert script.fetch(tmp_path / "runtime", package())
    assert not script.fetch(tmp_path / "runtime", tmp_path / "not there.tgz")
    assert sorted(path.name for path in (tmp_path / "runtime").iterdir()) == sorted(
        ["LICENSE", "ThirdPartyNotices.txt", "VERSION", "ort.mjs.gz", "ort.wasm.gz"]
    )
    assert (tmp_path / "runtime" / "ort.wasm.gz").read_bytes() == b"\x09\x00\0asm"


def test_a_changed_file_is_refused_and_nothing_written(package, tmp_path):
    with pytest.raises(script.FetchError, match=r"not onnxruntime-web 1\.30\.0, or changed"):
        script.fetch(tmp_path / "runtime", package(lambda content: content + b" "))
    assert not (tmp_path / "runtime").exists()


def test_without_npm_the_message_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(script.shutil, "which", lambda name: None)
    monkeypatch.setattr(script, "FOLDER", tmp_path / "runtime")
    monkeypatch.setattr(script.fetch, "__defaults__", (tmp_path / "runtime", None))
    for options, code in ((["--if-possible"], 0), ([], 1)):
        monkeypatch.setattr(sys, "argv", ["fetch_web_runtime.py", *options])
        assert script.main() == code
        assert "npm is not installed; install Node.js" in capsys.readouterr().err
