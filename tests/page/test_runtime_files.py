import gzip
import shutil

import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.page.runtime_files import FOLDER, read_runtime


def test_the_runtime_carries_its_licence():
    runtime = read_runtime()
    assert gzip.decompress(runtime.wasm)[:4] == b"\0asm"
    assert f"ONNX Runtime Web v{runtime.version}".encode() in gzip.decompress(runtime.script)[:200]
    assert "Permission is hereby granted" in runtime.licence
    assert len(gzip.decompress(runtime.notices)) > 100_000


@pytest.mark.parametrize("name", ["ort.wasm.gz", "LICENSE", "VERSION"])
def test_a_missing_file_is_named_with_what_to_do(tmp_path, name):
    shutil.copytree(FOLDER, tmp_path / "runtime")
    (tmp_path / "runtime" / name).unlink()
    with pytest.raises(DetectorError, match=rf"{name}: missing: .*python scripts/fetch_web_runtime\.py"):
        read_runtime(tmp_path / "runtime")
