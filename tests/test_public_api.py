"""The front door: what it offers, that each thing is documented, and that it opens fast."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import melanoma_detect as md

NAMES = {
    "Audit",
    "Augmentation",
    "Dataset",
    "Detector",
    "Evaluation",
    "Explanation",
    "Exported",
    "OperatingPoint",
    "Prediction",
    "Recipe",
    "Scores",
    "audit",
    "balance",
    "build_model",
    "draw_lesion",
    "errors",
    "ModelInfo",
    "folds",
    "list_models",
    "model_info",
    "load_dataset",
    "models",
    "report",
    "score",
    "taxonomy",
    "write_samples",
}
HEAVY = ("tensorflow", "keras", "pandas", "sklearn", "matplotlib")
MODULES = sorted(info.name for info in pkgutil.walk_packages(md.__path__, "melanoma_detect."))


def public_functions():
    for module_name in MODULES:
        if module_name.endswith("__main__"):
            continue
        module = importlib.import_module(module_name)
        for name, found in vars(module).items():
            if name.startswith("_") or getattr(found, "__module__", None) != module_name:
                continue
            if inspect.isfunction(found):
                yield pytest.param(found, id=f"{module_name}.{name}")
            elif inspect.isclass(found):
                for method, function in vars(found).items():
                    plain = inspect.unwrap(getattr(function, "__func__", function))
                    if inspect.isfunction(plain) and not method.startswith("_"):
                        yield pytest.param(plain, id=f"{module_name}.{name}.{method}")


def test_the_names_are_these():
    assert set(md.__all__) == NAMES
    assert {name for name in NAMES if hasattr(md, name)} == NAMES


@pytest.mark.parametrize("function", list(public_functions()))
def test_every_public_function_is_typed_and_documented(function):
    assert inspect.getdoc(function), "no docstring"
    parameters = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]
    assert all(name in function.__annotations__ for name in parameters)
    assert "return" in function.__annotations__


@pytest.mark.parametrize("name", sorted(NAMES - {"errors", "models", "report", "taxonomy"}))
def test_every_public_name_has_an_example(name):
    found = getattr(md, name)
    text = inspect.getdoc(found) or ""
    if inspect.isfunction(found) or name == "Detector":
        assert "Examples:" in text
    assert len(text.splitlines()) > 3


def imported_by(statement):
    code = f"import sys; {statement}; print([name for name in {HEAVY} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "statement",
    [
        "import melanoma_detect",
        "import melanoma_detect as md; md.list_models()",
        "import melanoma_detect as md; md.Detector, md.Prediction, md.errors, md.taxonomy",
        "import melanoma_detect.cli",
        "import melanoma_detect.images.reader",
        "import melanoma_detect.inference.bundle",
        "import melanoma_detect.inference.prediction",
        "import melanoma_detect.explain.explain",
        "import melanoma_detect.inference.runtime",
        "import melanoma_detect.scoring.score",
        "import melanoma_detect.scoring.ray_backend",
    ],
)
def test_the_light_rooms_import_nothing_heavy(statement):
    assert imported_by(statement) == "[]"


def test_loading_data_needs_no_keras(lesions):
    found = imported_by(f"import melanoma_detect as md; md.balance(md.load_dataset({str(lesions)!r}), add=1)")
    assert "keras" not in found
    assert "tensorflow" not in found
