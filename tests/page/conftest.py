"""A page's engine in a real Chromium, from disk and without a network."""

import base64
import json
import shutil

import numpy as np
import pytest

from melanoma_detect.page import html

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
START = '<script type="module">import "main";</script>'

_HELPERS = """
window.fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
window.toBase64 = (array) => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (let place = 0; place < bytes.length; place += 8192) {
    text += String.fromCharCode(...bytes.subarray(place, place + 8192));
  }
  return btoa(text);
};
window.attempt = async (work) => {
  try { return { value: await work() }; }
  catch (error) { return { name: error.name, kind: error.kind, message: error.message }; }
};
"""


class PageError(Exception):
    """An error that a page's script threw: its name, its kind, and the message."""

    def __init__(self, thrown):
        super().__init__(thrown["message"])
        self.name, self.kind = thrown["name"], thrown.get("kind")


class EnginePage:
    """A page without its user interface, whose modules are called."""

    def __init__(self, page):
        self.page = page
        page.evaluate(_HELPERS)

    def call(self, code, argument=None):
        """Run the body of an async function of `argument`; raise PageError where it throws."""
        found = self.page.evaluate(f"(argument) => attempt(async () => {{ {code} }})", argument)
        if "name" in found:
            raise PageError(found)
        return found.get("value")

    def start(self):
        """Start the engine, as the page does when it opens."""
        self.call('const { startEngine } = await import("engine"); window.engine = await startEngine();')
        return self

    def analyse(self, content, name="image", settings=None):
        """Return the prediction for a file's bytes, with the pixels, the side and the distance of the analysis."""
        code = """
            const analysis = await engine.analyse(fromBase64(argument.content), { name: argument.name });
            const prediction = engine.decide(analysis, argument.settings);
            const { width, height, side, distance, milliseconds } = analysis;
            const shown = [analysis.preview.width, analysis.preview.height];
            analysis.preview.close();
            return { prediction, pixels: toBase64(analysis.pixels), width, height, side, distance, milliseconds, shown };
        """
        argument = {"content": base64.b64encode(content).decode(), "name": name, "settings": settings or {}}
        found = self.call(code, argument)
        found["pixels"] = np.frombuffer(base64.b64decode(found["pixels"]), np.uint8).astype(int)
        return found


@pytest.fixture(scope="module")
def chromium():
    """Start the machine's Chromium."""
    if BROWSER is None:
        pytest.skip("no Chromium: pages are not opened")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def open_engine(chromium, tmp_path_factory):
    """Return a function that opens a page's text without its user interface; the network is off, and every request fails."""
    contexts, requests = [], []

    def opened(text):
        path = tmp_path_factory.mktemp("page") / "page.html"
        assert text.count(START) == 1
        path.write_bytes(text.replace(START, "").encode())
        context = chromium.new_context(offline=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)  # milliseconds: a busy machine starts the model slowly
        page.route("http*://**", lambda route: (requests.append(route.request.url), route.abort()))
        page.goto(path.as_uri())
        return EnginePage(page)

    yield opened
    for context in contexts:
        context.close()
    assert requests == []


@pytest.fixture(scope="module")
def page_text(detector):
    """Return the small detector's page."""
    return html(detector)


@pytest.fixture(scope="module")
def engine(open_engine, page_text):
    """Start the small detector's engine."""
    return open_engine(page_text).start()


@pytest.fixture
def parameters_of():
    """Return a function that returns a detector's parameters as the page reads them."""
    from melanoma_detect.page.parameters import page_parameters

    def read(predictor):
        return json.loads(json.dumps(page_parameters(predictor, predictor.runtime)))

    return read
