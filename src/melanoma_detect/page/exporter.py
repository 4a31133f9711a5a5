"""The exporter: a detector as one HTML file that runs it in a browser, from disk and without a connection.

The page holds the ONNX model, ONNX Runtime for browsers, the parameters of the predictions and the scripts. A content security
policy forbids it every connection, so that the browser itself keeps an image from being uploaded.
"""

import base64
import gzip
import hashlib
import html as markup
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.detector_argument import SupportsPredictor, as_predictor
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import OnnxRuntime
from melanoma_detect.page.golden import golden_cases
from melanoma_detect.page.parameters import page_parameters
from melanoma_detect.page.runtime_files import read_runtime
from melanoma_detect.page.similar import similar_parameters
from melanoma_detect.similar.make import Cases
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import HTML_SUFFIXES, check_output

_FOLDER = Path(__file__).parent
_HEAD, _STYLE, _DATA, _TITLE = "<!--@head-->", "/*@style*/", "<!--@data-->", "<!--@title-->"  # in the template
_START = 'import "main";'
_POLICY = (
    "default-src 'none'; script-src data: blob: 'wasm-unsafe-eval' {scripts}; style-src {style}; img-src blob: data:; "
    "media-src blob: mediastream:; font-src data:; connect-src 'none'; form-action 'none'; base-uri 'none'"
)


def html(detector: Predictor | SupportsPredictor, *, similar: Cases | None = None, thumbnails: bool = False) -> str:
    """Return a detector as one self-contained page.

    Args:
        detector: A `Detector`, or its predictor, with the settings that the page begins with.
        similar: Cases whose nearest are shown for each image: a dataset, a split, an index or its file; None for none.
        thumbnails: Also hold small pictures of these cases.

    Returns:
        The HTML; its text is about 1.4 times as large as the model, and 5 MB more for the runtime.

    Raises:
        DetectorError: The detector has no ONNX model, uses several views, or has numbers that are none, or the runtime for
            browsers is missing.

    Examples:
        >>> html(detector).startswith("<!doctype html>")
        True
    """
    predictor = as_predictor(detector)
    model = _check_exportable(predictor)
    # The model in use, if it is the one from the file: a session of it takes a second.
    runtime = predictor.runtime if isinstance(predictor.runtime, OnnxRuntime) else OnnxRuntime(model)
    web = read_runtime()
    parameters = page_parameters(predictor, runtime) | {
        "golden": golden_cases(predictor, runtime),
        "similar": None if similar is None else similar_parameters(predictor, similar, thumbnails=thumbnails),
        "runtime": {"name": "ONNX Runtime Web", "version": web.version, "licence": web.licence},
    }
    blocks = {
        "model": gzip.compress(model, 9, mtime=0),
        "runtime-script": web.script,
        "runtime-wasm": web.wasm,
        "runtime-notices": web.notices,
    }
    return _fill_template(predictor.config.name, parameters, blocks)


def write_page(
    detector: Predictor | SupportsPredictor,
    path: "str | os.PathLike[str]",
    *,
    similar: Cases | None = None,
    thumbnails: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write a detector as one self-contained page.

    Args:
        detector: A `Detector`, or its predictor.
        path: The file to write, as `detector.html`.
        similar: Cases whose nearest are shown for each image; see `html`.
        thumbnails: Also hold small pictures of these cases.
        overwrite: Replace a file that is there.

    Returns:
        The file.

    Raises:
        DetectorError: The detector cannot be exported; see `html`.
        OutputError: The file exists, is the detector's own, or cannot be written.

    Examples:
        >>> write_page(detector, "detector.html").name
        'detector.html'
    """
    predictor = as_predictor(detector)
    inputs = [predictor.files.path] if predictor.files.path else []
    target = check_output(path, overwrite=overwrite, inputs=inputs, suffixes=HTML_SUFFIXES)
    text = html(predictor, similar=similar, thumbnails=thumbnails)
    with atomic_file(target, overwrite=overwrite) as partial:
        partial.write_bytes(text.encode())
    return target


def _check_exportable(predictor: Predictor) -> bytes:
    """Return the ONNX model of a detector that a page can hold."""
    if predictor.files.onnx is None:
        raise DetectorError(
            f"{predictor.description} has no ONNX model, which a page needs "
            f"({predictor.config.export.get('problem', 'it was saved without one')})"
        )
    if (views := predictor.settings.views) != 1:
        raise DetectorError(
            f"views={views}: a page looks at one view of each image, and thresholds hold for their number of views alone; "
            "export detector.at(views=1)"
        )
    return predictor.files.onnx


def _fill_template(title: str, parameters: Mapping[str, Any], blocks: Mapping[str, bytes]) -> str:
    style = (_FOLDER / "style.css").read_text(encoding="utf-8")
    import_map = json.dumps({"imports": _modules()})
    policy = _POLICY.format(scripts=f"{_digest(import_map)} {_digest(_START)}", style=_digest(style))
    data = [f'<script type="application/json" id="page-parameters">{_json(parameters)}</script>']
    data += [
        f'<script type="application/octet-stream" id="page-{name}">{base64.b64encode(content).decode()}</script>'
        for name, content in blocks.items()
    ]
    data += [f'<script type="importmap">{import_map}</script>', f'<script type="module">{_START}</script>']
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    page = (_FOLDER / "page.html").read_text(encoding="utf-8")
    filled = {_HEAD: head, _STYLE: style, _TITLE: markup.escape(title), _DATA: "\n".join(data)}
    for marker in filled:
        if page.count(marker) != 1:
            raise DetectorError(f"{_FOLDER / 'page.html'}: has {page.count(marker)} times {marker}, expected once")
    # The data come last: a marker within a label is text.
    for marker, text in filled.items():
        page = page.replace(marker, text, 1)
    return page


def _modules() -> dict[str, str]:
    """Return each script under its name as an address that holds it: modules of a file on disk may not import files."""
    addresses = {}
    for path in sorted((_FOLDER / "modules").glob("*.js")):
        source = path.read_bytes() + f"\n//# sourceURL=melanoma-detect/{path.name}\n".encode()
        addresses[path.stem] = f"data:text/javascript;base64,{base64.b64encode(source).decode()}"
    return addresses


def _json(values: Mapping[str, Any]) -> str:
    """Return values as JSON that ends no script element and no line of JavaScript, whatever a label holds."""
    try:
        text = json.dumps(values, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError as error:
        raise DetectorError(
            "a setting, a threshold or a calibration of the detector is nan or infinite, which a page cannot hold; train it "
            "again"
        ) from error
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
