"""The rules of `docs/explanation/architecture.md`: imports go down, stand at the top of a module, and tests mirror `src`."""

import ast
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import grimp
import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
PACKAGE = "melanoma_detect"
RUN_LINTER = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(sys.argv[1], no_cache=True))"

# Modules whose functions may import anything: `module: reason`.
THIN_DOORS = {
    "detector": "its verbs call downwards, and a detector that only predicts needs no Keras and no pandas",
    "inference.bundle": "imports Keras only for a file that has no ONNX model, or when Keras is asked for",
    "data.split": "a dataset that is only inspected needs no Keras and no TensorFlow",
    "data.batches": "Keras may run on another backend than TensorFlow",
    "cli.*": "--help and --version stay quick",
}
# Libraries that any function may import: `library: reason`.
OPTIONAL_LIBRARIES = {
    "pydicom": "the extra dicom",
    "pillow_heif": "the extra heic",
    "openpyxl": "the extra excel",
    "cryptography": "the extra sign",
    "ray": "the extra ray",
    "fsspec": "the extra ray",
    "jax": "one of Keras's backends",
    "torch": "one of Keras's backends",
    "tensorflow": "one of Keras's backends",
}
# Single imports inside functions: `module -> what it imports: reason`.
ALLOWED_IMPORTS = {
    "data.near_duplicates -> faiss": "loading a detector compares no images",
    "data.sources.hdf5 -> h5py": "few sources are HDF5 files",
    "data.sources.table_file -> pyarrow": "CSV tables need no pyarrow",
    "data_audit.feature_duplicates -> faiss": "an audit without a model searches no features",
    "explain.detector_explanations -> melanoma_detect.explain.explain": "a prediction explains nothing",
    "explain.detector_explanations -> melanoma_detect.similar.find": "a prediction looks for no cases",
    "explain.explain -> melanoma_detect.explain.grad_cam": "occlusion needs no Keras",
    "images.capture -> melanoma_detect.images.dicom_header": "imports pydicom, the extra dicom",
    "images.formats -> melanoma_detect.images.dicom": "imports pydicom, the extra dicom",
    "images.frames -> melanoma_detect.images.dicom": "imports pydicom, the extra dicom",
    "inference.detector_properties -> pandas": "a prediction needs no pandas",
    "inference.golden -> melanoma_detect.data.synthetic": "loading a detector draws no images",
    "inference.signing_keys -> melanoma_detect.inference.signatures": "imports cryptography, the extra sign",
    "inference.training_fingerprint -> melanoma_detect.data.near_duplicates": "loading a detector compares no images",
    "report.plots -> melanoma_detect.training.augmentation": "the other plots need no Keras",
    "scoring.score -> melanoma_detect.scoring.ray_backend": "imports Ray, the extra ray",
    "scoring.ray_backend -> pyarrow": "comes with the extra ray: where that is missing, Ray is what to install",
    "scoring.table -> pyarrow": "CSV tables need no pyarrow",
    "utils.missing_packages -> importlib": "importing the package must take no time",
    "utils.missing_packages -> melanoma_detect.errors": "importing the package must take no time",
    "serve.images -> melanoma_detect.images.dicom_header": "imports pydicom, the extra dicom",
    "utils.files -> platformdirs": "a prediction uses no cache",
    "utils.files -> tempfile": "few systems have no place for a cache",
    "utils.progress -> melanoma_detect.utils.progress_painters": "imports rich, which takes a tenth of a second",
    "utils.tensorflow_import -> melanoma_detect.utils.tensorflow_loader": "importing the package must take no time",
}
# Test files that have no module of their own: `test file: what it is about`.
CROSS_CUTTING_TESTS = {
    "test_architecture.py": "the order of imports",
    "test_assignment.py": "examples/assignment.py",
    "test_backends.py": "Keras's other backends",
    "test_core_install.py": "the distribution melanoma-detect-core, installed alone",
    "test_images_without_numbers.py": "an image without numbers at every door",
    "test_disks.py": "full disks, and systems without a place for caches",
    "test_distributions.py": "the two files pyproject.toml",
    "test_hostile_names.py": "names of files, classes and sources, through every output",
    "test_text_files.py": "line endings, encodings and sorting in every module",
    "test_public_api.py": "the names of `import melanoma_detect`",
    "test_load.py": "one detector under load",
    "test_real_data.py": "real images",
    "test_reproducibility.py": "docs/explanation/reproducibility.md",
    "test_documentation.py": "the pages of the documentation and what they must name",
    "test_notebooks.py": "the notebooks in examples",
    "test_readme.py": "README.md",
    "test_terms.py": "docs/reference/terms.md",
    "test_two_processes.py": "two processes that write the same",
    "test_tutorial.py": "the pages of the documentation",
    "data/sources/test_published_tables.py": "the tables of the data sets, in their published form",
    "fuzz/test_regressions.py": "tests/fuzz, the doors of the fuzzers",
    "images/test_bad_images.py": "damaged files, through every reader",
    "images/test_fixed_formats.py": "every door for images, which none opens with a program",
    "images/test_damaged_files.py": "every decoder at once, on damaged files",
    "inference/test_pickling.py": "detectors in other processes",
    "page/test_colour_profiles.py": "page/modules/colour_profile.js, in a browser",
    "page/test_decisions.py": "page/modules, whose decisions are those of inference/decisions.py",
    "page/test_engine.py": "page/modules, the engine of the page, in a browser",
    "page/test_real_images.py": "page/modules, on real images",
    "page/test_ui.py": "page.html and page/modules/ui_*.js, in a browser",
    "scripts/test_fetch_web_runtime.py": "scripts/fetch_web_runtime.py and hatch_build.py",
    "scripts/test_readme_figures.py": "scripts/readme_figures.py",
    "scripts/test_kill_trials.py": "scripts/kill_trials.py",
    "scripts/test_pages.py": "scripts/pages.py",
    "scripts/test_build_docs.py": "scripts/build_docs.py",
    "scripts/test_add_class_maps.py": "scripts/add_class_maps.py",
    "scripts/test_compact.py": "scripts/default_detector/compact.py",
    "scripts/test_default_detector.py": "scripts/default_detector, the training of the default detector",
    "scripts/test_out_of_distribution.py": "scripts/default_detector/out_of_distribution.py",
    "scripts/test_public_images.py": "scripts/public_images.py",
    "scripts/test_rewrite_note.py": "scripts/rewrite_note.py",
    "scripts/test_sbom.py": "scripts/sbom.py",
    "scripts/test_lowest_versions.py": "scripts/lowest_versions.py",
    "scripts/test_reliability_table.py": "scripts/reliability_table.py",
    "scripts/test_fuzz.py": "scripts/fuzz.py",
    "scripts/test_validate_dicom.py": "scripts/validate_dicom.py",
    "serve/test_dockerfile.py": "Dockerfile",
    "serve/test_ray_serve.py": "the service on a Ray cluster, as docs/how-to/serve.md shows it",
    "serve/test_schemathesis.py": "the service against its own OpenAPI document",
    "shipped/test_default_detector.py": "the default detector's file",
}


def modules():
    """Return the syntax tree of every module, by its name below `melanoma_detect`."""
    paths = sorted((SRC / PACKAGE).rglob("*.py"))
    names = [".".join(path.relative_to(SRC / PACKAGE).with_suffix("").parts) for path in paths]
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in zip(names, paths, strict=True)}


MODULES = modules()


def layers():
    """Return the contract's layers below `melanoma_detect`, from the top down."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return [layer.replace(f"{PACKAGE}.", "") for layer in contracts[0]["layers"]]


def function_level_imports(tree):
    """Yield what each import inside a function names: `import a.b` and `from a.b import c` give `a.b`."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    statements = {id(node): node for function in functions for node in ast.walk(function)}.values()
    for node in statements:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def matches(imported, allowed):
    return imported == allowed or imported.startswith(f"{allowed}.")


def single_imports():
    """Return `module -> imported` for every import inside a function that no general rule allows."""
    return {
        f"{module} -> {imported}"
        for module, tree in MODULES.items()
        if not any(fnmatch(module, pattern) for pattern in THIN_DOORS)
        for imported in function_level_imports(tree)
        if not any(matches(imported, library) for library in OPTIONAL_LIBRARIES)
    }


def test_packages_import_only_what_stands_below_them():
    command = [sys.executable, "-c", RUN_LINTER, str(ROOT / "pyproject.toml")]
    report = subprocess.run(command, capture_output=True, text=True, check=False)
    assert report.returncode == 0, report.stdout + report.stderr


def test_every_package_has_its_place_in_the_order():
    placed = {name for layer in layers() for name in layer.split(" | ")}
    assert {module.partition(".")[0] for module in MODULES} - placed == {"__init__", "__main__"}


def test_no_modules_import_each_other_in_a_circle():
    graph = grimp.build_graph(PACKAGE, cache_dir=None)  # type annotations and imports inside functions included
    names = sorted(graph.modules)
    number = {name: place for place, name in enumerate(names)}
    links = [(number[name], number[to]) for name in names for to in graph.find_modules_directly_imported_by(name)]
    rows, columns = zip(*links, strict=True)
    matrix = coo_array((np.ones(len(links)), (rows, columns)), shape=(len(names), len(names)))
    _, component = connected_components(matrix, directed=True, connection="strong")
    members = [[name for name, own in zip(names, component, strict=True) if own == each] for each in set(component)]
    assert [circle for circle in members if len(circle) > 1] == []


def test_nothing_below_the_detector_names_it():
    below = layers()[layers().index("detector") + 1 :]
    packages = {name for layer in below for name in layer.split(" | ")}
    naming = [name for name, tree in MODULES.items() if name.partition(".")[0] in packages and names_detector(tree)]
    assert naming == []


def names_detector(tree):
    """Return whether code or a type annotation names `Detector`; docstrings and messages may."""
    for node in ast.walk(tree):
        annotations = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        quoted = [each.value for each in annotations if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if any(names_detector(ast.parse(text, mode="eval")) for text in quoted):
            return True
        name = {ast.Name: "id", ast.Attribute: "attr", ast.alias: "name", ast.ClassDef: "name"}.get(type(node))
        if name and getattr(node, name) == "Detector":
            return True
    return False


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from melanoma_detect.detector import Detector", True),
        ("def fit(detector: 'Detector | None') -> None: ...", True),
        ("def fit() -> Detector: ...", True),
        ("def fit(predictor):\n    '''Fit a Detector.'''\n    raise ValueError('Detector.fit needs images')", False),
    ],
)
def test_a_name_of_the_detector_is_noticed(code, expected):
    assert names_detector(ast.parse(code)) is expected


def test_imports_inside_functions_stand_where_they_are_allowed():
    refused = [each for each in single_imports() if not any(matches(each, allowed) for allowed in ALLOWED_IMPORTS)]
    assert sorted(refused) == []


def test_every_allowed_import_is_still_made():
    assert [
        allowed for allowed in ALLOWED_IMPORTS if not any(matches(each, allowed) for each in single_imports())
    ] == []


def test_tests_mirror_the_source():
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        name = path.relative_to(ROOT / "tests")
        mirrored = SRC / PACKAGE / name.with_name(name.name.removeprefix("test_"))
        package = mirrored.with_suffix("") / "__init__.py"  # tests/test_cli.py is about the package cli
        assert name.as_posix() in CROSS_CUTTING_TESTS or mirrored.is_file() or package.is_file(), (
            f"{name}: no {mirrored}"
        )


def test_every_cross_cutting_test_is_there():
    assert [name for name in CROSS_CUTTING_TESTS if not (ROOT / "tests" / name).is_file()] == []
