import copy
import json
import sys
import zipfile
from pathlib import Path

import pytest
import sbom


@pytest.fixture
def wheels(tmp_path):
    """Return two files that stand for the wheels: the core one with the runtime for browsers and a detector."""
    core, whole = (tmp_path / f"{name}-0.1.0-py3-none-any.whl" for name in ("melanoma_detect_core", "melanoma_detect"))
    with zipfile.ZipFile(core, "w") as archive:
        archive.writestr("melanoma_detect/page/runtime/VERSION", "1.30.0\n")
        archive.writestr("melanoma_detect/shipped/default.detector", b"a model")
    whole.write_bytes(b"metadata")
    return core, whole


@pytest.mark.slow
def test_the_list_of_this_environment_is_complete_and_always_the_same(wheels):
    core, whole = wheels
    listed = sbom.list_environment(Path(sys.executable))
    lists = [sbom.complete(copy.deepcopy(listed), whole, core) for _ in range(2)]
    first, second = (json.dumps(each, sort_keys=True) for each in lists)
    assert first == second
    assert "timestamp" not in first
    assert "serialNumber" not in first
    assert str(Path(sys.prefix).parent) not in first
    root = lists[0]["metadata"]["component"]
    assert (root["name"], root["purl"]) == ("melanoma-detect", f"pkg:pypi/melanoma-detect@{root['version']}")
    names = {component["name"]: component for component in lists[0]["components"]}
    assert {"melanoma-detect-core", "onnxruntime", "onnxruntime-web", "default.detector", "numpy"} <= names.keys()
    assert names["onnxruntime-web"]["version"] == "1.30.0"
    assert names["default.detector"]["hashes"][0]["content"] == sbom.digest_of(b"a model")
    required = next(
        entry for entry in lists[0]["dependencies"] if entry["ref"] == names["melanoma-detect-core"]["bom-ref"]
    )
    assert "pkg:npm/onnxruntime-web@1.30.0" in required["dependsOn"]


def test_a_wheel_without_the_runtime_for_browsers_has_no_entry_for_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "core.whl", "w") as archive:
        archive.writestr("melanoma_detect/shipped/default.detector", b"a model")
    assert [part["name"] for part in sbom.contents_of(tmp_path / "core.whl")] == ["default.detector"]
