"""Missing packages: who is told in one sentence, and who gets Python's own error."""

import importlib.util
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import melanoma_detect
from melanoma_detect.errors import MelanomaDetectError, MissingPackageError
from melanoma_detect.utils import missing_packages
from melanoma_detect.utils.missing_packages import (
    EXTRAS,
    MissingPackageFinder,
    explain_missing_packages,
    missing_package_error,
)

ROOT = Path(__file__).parents[2]
ABSENT = "a_package_that_is_not_there"


@pytest.fixture
def absent(monkeypatch):
    """Let a package that is not installed be one of the extra `excel`."""
    monkeypatch.setitem(missing_packages._EXTRA_OF, ABSENT, "excel")
    return ABSENT


def run_in(module, code, **names):
    """Run code as a module of this name would, and return its names."""
    names |= {"__name__": module}
    exec(compile(code, f"{module}.py", "exec"), names)
    return names


def test_an_import_of_this_package_names_what_to_install(absent):
    with pytest.raises(MissingPackageError, match=r"^reading Excel workbooks needs .* run: pip install") as caught:
        run_in("melanoma_detect.data.somewhere", f"import {absent}.part")
    assert isinstance(caught.value, MelanomaDetectError)
    assert isinstance(caught.value, ModuleNotFoundError)
    assert caught.value.name == absent


@pytest.mark.parametrize("module", ["__main__", "somebodys_package.data", "melanoma_detect_my_net.network"])
def test_other_code_gets_pythons_own_error(absent, module):
    with pytest.raises(ModuleNotFoundError, match=f"^No module named '{absent}'$") as caught:
        run_in(module, f"import {absent}")
    assert not isinstance(caught.value, MissingPackageError)


def test_another_package_that_is_missing_is_pythons_own_error():
    with pytest.raises(ModuleNotFoundError, match=f"^No module named '{ABSENT}'$"):
        run_in("melanoma_detect.data.somewhere", f"import {ABSENT}")


def test_an_import_may_be_tried(absent):
    code = f"try:\n    import {absent}\nexcept ImportError:\n    there = False"
    assert run_in("melanoma_detect.data.somewhere", code)["there"] is False


def test_asking_whether_a_package_is_there_is_answered_as_ever(absent):
    code = "import importlib.util\nanswer = importlib.util.find_spec(package)"
    assert run_in("melanoma_detect.data.somewhere", code, package=absent)["answer"] is None
    with pytest.raises(ModuleNotFoundError, match=f"^No module named '{absent}'$"):
        run_in("melanoma_detect.data.somewhere", "import importlib\nimportlib.import_module(package)", package=absent)


def test_a_package_that_a_later_finder_finds_is_imported(absent, monkeypatch):
    class LaterFinder:
        def find_spec(self, fullname, path, target=None):
            return importlib.util.spec_from_loader(fullname, loader=self) if fullname == absent else None

        def create_module(self, spec):
            return None

        def exec_module(self, module):
            module.found = True

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, LaterFinder()])
    monkeypatch.delitem(sys.modules, absent, raising=False)
    assert run_in("melanoma_detect.data.somewhere", f"import {absent} as package")["package"].found
    del sys.modules[absent]


def test_the_finder_stands_at_the_end_and_once():
    code = (
        "import sys; before = list(sys.meta_path); import importlib, melanoma_detect; importlib.reload(melanoma_detect)\n"
        "added = [type(finder).__name__ for finder in sys.meta_path if finder not in before]; print(*added)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["QuietFinder", "MissingPackageFinder"]
    finders = list(sys.meta_path)
    explain_missing_packages()
    assert finders == sys.meta_path
    assert sum(isinstance(finder, MissingPackageFinder) for finder in finders) == 1


@pytest.mark.parametrize(
    ("importers", "expected"),
    [
        (["melanoma_detect.models.cnn", "keras", "keras.src.backend"], True),
        (["melanoma_detect.export.tensorflow", "melanoma_detect.utils.tensorflow_import"], True),
        (["__main__", "keras", "keras.src.backend"], False),
        (["__main__", "melanoma_detect.utils.tensorflow_import"], False),
        (["melanoma_detect.models.cnn", "somebodys_package"], False),
    ],
)
def test_keras_passes_the_import_of_its_backend_on(importers, expected):
    """Each importer calls the next, and the last asks for TensorFlow."""
    ask = missing_packages._is_imported_by_this_package
    for importer in reversed(importers):
        code = "import sys\ndef call():\n    return ask('tensorflow', sys._getframe()) if last else ask()"
        ask = run_in(importer, code, ask=ask, last=importer == importers[-1])["call"]
    assert ask() is expected


def test_keras_passes_on_nothing_but_its_backend():
    code = "import sys\ndef call():\n    return ask('pandas', sys._getframe())"
    inner = run_in("keras.utils", code, ask=missing_packages._is_imported_by_this_package)["call"]
    assert run_in("melanoma_detect.models.cnn", "answer = inner()", inner=inner)["answer"] is False


@pytest.mark.parametrize(
    ("installed", "package", "expected"),
    [
        (["melanoma-detect", "melanoma-detect-core"], "pydicom", "pip install 'melanoma-detect[dicom]'"),
        (["melanoma-detect-core"], "pydicom", "pip install 'melanoma-detect-core[dicom]'"),
        (["melanoma-detect-core"], "pandas", "pip install melanoma-detect"),
        (["melanoma-detect-core", "tensorflow"], "pandas", "pip install 'melanoma-detect-core[training]'"),
        (
            ["melanoma-detect-core"],
            "tensorflow",
            "pip install 'melanoma-detect-core[tensorflow]', or 'melanoma-detect-core[tensorflow-cpu]' where no GPU is used",
        ),
    ],
)
def test_the_command_fits_what_is_installed(tmp_path, monkeypatch, installed, package, expected):
    for name in installed:
        folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    if "tensorflow" in installed:
        (tmp_path / "tensorflow.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    importlib.invalidate_caches()
    assert str(missing_package_error(package)).endswith(f", which is not installed; run: {expected}")


def test_the_table_agrees_with_the_extras_of_the_distribution():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert set(EXTRAS) == set(extras) - {"docs", "dev", "tensorflow-cpu"}
    offered = packages_distributions()
    for extra, (_, modules) in EXTRAS.items():
        required = {canonicalize_name(Requirement(text).name) for text in extras[extra]}
        for module in set(modules) & set(offered):
            assert {canonicalize_name(name) for name in offered[module]} & (required | {"starlette"}), module
        brought = {canonicalize_name(name) for module in modules for name in offered.get(module, [module])}
        decoders = {"pyjpegls", "pylibjpeg", "pylibjpeg-openjpeg"}  # pydicom finds them; this package imports none
        twice = {"pyarrow"}  # of the training stack too, where its own extra is named
        assert required <= brought | decoders | twice | {"faiss-cpu"}, extra


def test_what_every_installation_has_is_in_no_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    assert not needed & {canonicalize_name(module) for _, modules in EXTRAS.values() for module in modules}
    assert melanoma_detect.__name__ == missing_packages._THIS_PACKAGE
