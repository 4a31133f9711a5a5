import gzip
import shutil
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from melanoma_detect.errors import DetectorError
from melanoma_detect.page.runtime_files import FOLDER, read_runtime

ROOT = Path(__file__).parents[2]
NAMES = {"LICENSE", "ThirdPartyNotices.txt", "VERSION", "ort.mjs.gz", "ort.wasm.gz"}


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


@pytest.mark.parametrize("builder", [WheelBuilder, SdistBuilder])
def test_a_distribution_takes_the_runtime_s_files_and_nothing_else_that_lies_there(builder, tmp_path):
    root = tmp_path / "copy"
    folder = root / "src/melanoma_detect/page/runtime"
    folder.mkdir(parents=True)
    for name in ("pyproject.toml", "hatch_build.py", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    for name in (*NAMES, "ort.old.mjs.gz", "aside/ort.mjs.gz", "aside/LICENSE"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("content")
    (folder.parent / "__init__.py").write_text('"""A package."""')
    taken = [Path(file.path) for file in builder(str(root)).recurse_included_files()]
    assert sorted(path for path in taken if folder in path.parents) == sorted(folder / name for name in NAMES)
    assert folder.parent / "__init__.py" in taken
