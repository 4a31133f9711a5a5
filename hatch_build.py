"""The build's hook: a wheel carries ONNX Runtime for browsers, which `Detector.export("page")` puts into its page."""

import runpy
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FetchRuntime(BuildHookInterface[Any]):
    """Fetches the runtime's files where they are missing; a wheel without them works but for the page, as the build says."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatch's own
        """Fetch the files before a wheel is built; an editable installation uses those of the source tree."""
        script = Path(self.root, "scripts", "fetch_web_runtime.py")
        if version == "editable" or not script.is_file():
            return
        names = runpy.run_path(str(script))
        try:
            names["fetch"]()
        except (names["FetchError"], OSError, subprocess.TimeoutExpired) as error:
            self.app.display_warning(
                f'This wheel is built WITHOUT the runtime for browsers: export("page") will not work in it ({error}). '
                "Run python scripts/fetch_web_runtime.py first, in an environment with onnxruntime and npm."
            )
