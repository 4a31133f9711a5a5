"""Lets this package import TensorFlow without its start-up notes.

TensorFlow writes a dozen lines to standard error when it is imported and when it first looks for GPUs. What it writes is
decided before its own code can be called, by an environment variable and, for some lines, by nothing. So the import itself is
wrapped: this package's or the user's own, whichever comes first, unless the user has asked to see everything.

`import melanoma_detect` imports this module: it imports nothing that Python has not loaded already.
"""

import os
import sys

TYPE_CHECKING = False  # the one of `typing`, which takes a while to import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

LEVEL_VARIABLE = "TF_CPP_MIN_LOG_LEVEL"
_EVERYTHING = "0"


def quiet_tensorflow() -> None:
    """Let the first import of TensorFlow from now on write errors only, be it by this package or by the user's own code.

    Everything is left as it is if the user has imported TensorFlow already, or has set `TF_CPP_MIN_LOG_LEVEL` to 0, which shows
    all. Another level that the user has set stands.

    Examples:
        >>> quiet_tensorflow()
    """
    if "tensorflow" in sys.modules or os.environ.get(LEVEL_VARIABLE) == _EVERYTHING:
        return
    if not any(isinstance(finder, QuietFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, QuietFinder())


class QuietFinder:
    """Finds TensorFlow as the other finders do, and wraps how it is loaded.

    Examples:
        >>> QuietFinder().find_spec("json", None) is None
        True
    """

    def find_spec(
        self, fullname: str, path: "Sequence[str] | None", target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Return TensorFlow's specification with a loader that keeps it quiet; None leaves a module to the other finders."""
        if fullname != "tensorflow" or os.environ.get(LEVEL_VARIABLE) == _EVERYTHING:  # set since
            return None
        from melanoma_detect.utils.tensorflow_loader import QuietLoader  # noqa: PLC0415 - imports what starts processes

        others = [finder for finder in sys.meta_path if finder is not self]
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in specs if spec), None)
        if spec and spec.loader:
            spec.loader = QuietLoader(spec.loader, LEVEL_VARIABLE, when_done=self._remove)
        return spec

    def _remove(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
