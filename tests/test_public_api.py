"""The public names: which there are, that each is typed and documented, and that importing them loads nothing heavy."""

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
    "ExternalValidation",
    "Monitoring",
    "OperatingPoint",
    "Prediction",
    "Recipe",
    "Scores",
    "SimilarCases",
    "SimilarIndex",
    "similar_index",
    "audit",
    "balance",
    "build_model",
    "draw_lesion",
    "errors",
    "KnownImages",
    "ModelInfo",
    "fingerprint",
    "folds",
    "lab",
    "list_models",
    "model_info",
    "load_dataset",
    "models",
    "monitor",
    "report",
    "score",
    "taxonomy",
    "write_samples",
}
HEAVY = ("tensorflow", "keras", "pandas", "sklearn", "scipy", "matplotlib")
# What imports none of them: packages with all their modules, and single modules.
LIGHT = (
    "taxonomy",
    "errors",
    "utils",
    "images",
    "data.known_images",
    "inference",
    "explain.cam",
    "explain.explain",
    "explain.explanation",
    "explain.occlusion",
    "explain.lettering",
    "explain.overlay",
    "explain.sheet",
    "explain.similar_sheet",
    "explain.detector_explanations",
    "models.registry",
    "similar",
    "monitoring",
    "scoring",
    "cli",
)
BEHIND_A_DOOR = ("melanoma_detect.inference.keras_runtime",)  # Keras's own runtime, imported when a file needs it
MODULES = sorted(info.name for info in pkgutil.walk_packages(md.__path__, "melanoma_detect."))


def public_functions():
    for module_name in MODULES:
        if module_name.endswith("__main__"):
            continue
        module = importlib.import_module(module_name)
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module_name:
                continue
            if inspect.isfunction(value):
                yield pytest.param(value, id=f"{module_name}.{name}")
            elif inspect.isclass(value):
                for method, attribute in vars(value).items():
                    function = inspect.unwrap(getattr(attribute, "__func__", attribute))
                    if inspect.isfunction(function) and not method.startswith("_"):
                        yield pytest.param(function, id=f"{module_name}.{name}.{method}")


def test_public_names():
    assert set(md.__all__) == NAMES
    assert {name for name in NAMES if hasattr(md, name)} == NAMES


@pytest.mark.parametrize("function", list(public_functions()))
def test_every_public_function_is_typed_and_documented(function):
    assert inspect.getdoc(function), "no docstring"
    parameters = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]
    assert all(name in function.__annotations__ for name in parameters)
    assert "return" in function.__annotations__


@pytest.mark.parametrize("name", sorted(NAMES - {"errors", "lab", "models", "report", "taxonomy"}))
def test_every_public_name_has_an_example(name):
    value = getattr(md, name)
    text = inspect.getdoc(value) or ""
    if inspect.isfunction(value) or name == "Detector":
        assert "Examples:" in text
    assert len(text.splitlines()) > 3


def heavy_imports(statement):
    """Return which heavy libraries a fresh process has imported after a statement."""
    code = f"import sys; {statement}; print(*[name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.split()


def modules_of(package):
    """Return the names of a package and its modules, or of one module."""
    name = f"melanoma_detect.{package}"
    return [
        module
        for module in MODULES
        if (module == name or module.startswith(f"{name}.")) and module not in BEHIND_A_DOOR
    ]


@pytest.mark.parametrize("package", LIGHT)
def test_light_packages_import_nothing_heavy(package):
    assert heavy_imports(f"import {', '.join(modules_of(package))}") == []


@pytest.mark.parametrize(
    "statement",
    [
        "import melanoma_detect",
        "import melanoma_detect as md; md.list_models()",
        "import melanoma_detect as md; md.Detector, md.Prediction, md.errors, md.taxonomy",
        "import melanoma_detect as md; md.Detector.load()",
    ],
)
def test_looking_names_up_and_loading_a_detector_import_nothing_heavy(statement):
    assert heavy_imports(statement) == []


def test_loading_data_needs_no_keras(lesions):
    heavy = heavy_imports(f"import melanoma_detect as md; md.balance(md.load_dataset({str(lesions)!r}), add=1)")
    assert "keras" not in heavy
    assert "tensorflow" not in heavy
