"""One sentence that names what to install, wherever this package imports a package that is missing.

The distribution melanoma-detect-core brings what a trained detector needs. Everything else is an extra, and is imported as any
package is: no module asks first whether it is there. Where it is missing, `MissingPackageFinder` raises `MissingPackageError`.
It stands at the end of `sys.meta_path`, so that Python asks it only for modules that nobody else finds, and it speaks only to
this package: any other code gets the error that Python raises by itself.

`import melanoma_detect` imports this module: it imports nothing that Python has not loaded already.
"""

import sys

TYPE_CHECKING = False  # the one of `typing`, which takes a while to import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import FrameType, ModuleType

    from melanoma_detect.errors import MissingPackageError

WHOLE, CORE = "melanoma-detect", "melanoma-detect-core"

# What each extra of pyproject.toml is for, and the modules at the top of the packages that it brings.
EXTRAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "training": (
        "data sets, training, evaluation, plots and exports need",
        (
            *("Augmentor", "faiss", "h5py", "joblib", "keras", "matplotlib", "onnx"),
            *("pandas", "scipy", "sklearn", "tf2onnx"),
        ),
    ),
    "tensorflow": ("Keras's default backend is", ("tensorflow",)),
    "parquet": ("Parquet tables need", ("pyarrow",)),
    "serve": ("the HTTP service needs", ("fastapi", "prometheus_client", "python_multipart", "starlette", "uvicorn")),
    "heic": ("reading HEIC images needs", ("pillow_heif",)),
    "dicom": ("DICOM files need", ("highdicom", "pydicom")),
    "excel": ("reading Excel workbooks needs", ("openpyxl",)),
    "sign": ("signing detectors, and checking signatures, need", ("cryptography",)),
    "ray": ("Ray, and addresses such as s3://, need", ("fsspec", "ray")),
    "jax": ("Keras's backend JAX needs", ("jax",)),
    "torch": ("Keras's backend PyTorch needs", ("torch",)),
}
_EXTRA_OF = {module: extra for extra, (_, modules) in EXTRAS.items() for module in modules}
_NAMES = {"pillow_heif": "pillow-heif", "sklearn": "scikit-learn", "tensorflow": "TensorFlow"}
_THIS_PACKAGE = __name__.partition(".")[0]
# Python's own import system, and the module that wraps the import of TensorFlow.
_IMPORT_SYSTEM = ("_frozen_importlib", "importlib._bootstrap", f"{_THIS_PACKAGE}.utils.tensorflow_import")


def explain_missing_packages() -> None:
    """Let this package's imports of packages that are not installed name what to install, from now on.

    Examples:
        >>> explain_missing_packages()
    """
    if not any(isinstance(finder, MissingPackageFinder) for finder in sys.meta_path):
        sys.meta_path.append(MissingPackageFinder())


def missing_package_error(module: str) -> "MissingPackageError":
    """Return the error for a package that is not installed.

    Args:
        module: The name that is imported, one of those in `EXTRAS`.

    Returns:
        The error; its message is one sentence with the command that installs what is missing.

    Examples:
        >>> print(missing_package_error("pyarrow"))
        Parquet tables need pyarrow, which is not installed; run: pip install 'melanoma-detect...[parquet]'
    """
    from melanoma_detect.errors import MissingPackageError  # noqa: PLC0415 - only where something is missing

    extra = _EXTRA_OF[module]
    return MissingPackageError(
        f"{EXTRAS[extra][0]} {_NAMES.get(module, module)}, which is not installed; run: {_command(extra)}", name=module
    )


class MissingPackageFinder:
    """Finds nothing, and says so in one sentence to this package when it imports a package of an extra.

    Examples:
        >>> MissingPackageFinder().find_spec("no_such_module", None) is None
        True
    """

    def find_spec(
        self, fullname: str, path: "Sequence[str] | None", target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Raise MissingPackageError where this package imports a package of an extra; else leave it to Python's own error."""
        if fullname not in _EXTRA_OF or not _is_imported_by_this_package(fullname, sys._getframe(1)):
            return None
        later = sys.meta_path[sys.meta_path.index(self) + 1 :] if self in sys.meta_path else []
        if any(finder.find_spec(fullname, path, target) for finder in later):
            return None  # they are asked next, and find it
        raise missing_package_error(fullname)


def _is_imported_by_this_package(module: str, frame: "FrameType | None") -> bool:
    """Return whether the import of a module stands in this package, or in Keras where this package imports that.

    `importlib.util.find_spec` and `importlib.import_module` are other code: who calls them asks whether something is there.
    """
    # Keras imports its backend: whoever imported Keras lacks it.
    passed_on = (*_IMPORT_SYSTEM, "keras") if module in ("tensorflow", "jax", "torch") else _IMPORT_SYSTEM
    while frame is not None:
        importer = str(frame.f_globals.get("__name__", ""))
        if importer not in passed_on and not ("keras" in passed_on and importer.startswith("keras.")):
            return importer.partition(".")[0] == _THIS_PACKAGE
        frame = frame.f_back
    return False


def _command(extra: str) -> str:
    """Return the command that installs an extra, in the distribution that is installed already."""
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415 - only where something is missing
    from importlib.util import find_spec  # noqa: PLC0415

    if extra == "tensorflow":
        return f"pip install '{CORE}[tensorflow]', or '{CORE}[tensorflow-cpu]' where no GPU is used"
    if extra == "training":
        # With TensorFlow, or tensorflow-cpu, there already: the whole library would bring TensorFlow a second time.
        return f"pip install '{CORE}[training]'" if find_spec("tensorflow") else f"pip install {WHOLE}"
    try:
        distribution(WHOLE)
    except PackageNotFoundError:
        return f"pip install '{CORE}[{extra}]'"
    return f"pip install '{WHOLE}[{extra}]'"
