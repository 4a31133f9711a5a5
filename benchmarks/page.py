"""The page of the default detector in a headless Chromium: its size, the time to its first answer, and the time for an image.

    python benchmarks/page.py [--images 20] [--folder FOLDER]

Prints `name value goal` a line. The first answer is timed from the begin of the navigation to the decision on one photograph;
the page reads from disk and the network is off. The time for an image is the median over drawn lesions of 600×450 pixels as
JPEG, or over the JPEG, PNG and WebP images of a folder, after one that is not counted; `python_image_seconds` is what
`Detector.predict` with one thread takes in turns with it, so that other programs on the machine slow both alike. Lines with
`cpu` are the processor time of the page's process, which other programs hardly change.
"""

import argparse
import base64
import io
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import melanoma_detect as md
from melanoma_detect.page import write_page

MEGABYTES, FIRST, EACH = 25, 5.0, 0.3
START = '<script type="module">import "main";</script>'
DECODE = "const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));"
FIRST_ANSWER = f"""async (content) => {{
    {DECODE}
    const {{ startEngine }} = await import("engine");
    window.engine = await startEngine();
    engine.decide(await engine.analyse(bytes));
    return performance.now() / 1000;
}}"""
ANSWER = f"""async (content) => {{
    {DECODE}
    const started = performance.now();
    const analysis = await engine.analyse(bytes);
    engine.decide(analysis);
    analysis.preview.close();
    return (performance.now() - started) / 1000;
}}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="real images")
    options = parser.parse_args()
    contents = _images(options.folder, options.images)
    detector = md.Detector.load(threads=1)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = write_page(detector, Path(folder, "detector.html"))
        print(f"page_megabytes {path.stat().st_size / 1e6:.1f} <={MEGABYTES}")
        path.write_bytes(path.read_bytes().replace(START.encode(), b""))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(offline=True).new_page()
        used = _processor_time(page)
        page.goto(path.as_uri())
        print(f"first_answer_seconds {page.evaluate(FIRST_ANSWER, _text(contents[0])):.2f} <={FIRST}")
        print(f"first_answer_cpu_seconds {used():.2f} -")
        _time_images(page, detector, contents)
        browser.close()


def _time_images(page: Page, detector: md.Detector, contents: list[bytes]) -> None:
    seconds, processor, python = [], [], []
    used = _processor_time(page)
    for content in contents:
        before = used()
        seconds.append(page.evaluate(ANSWER, _text(content)))
        processor.append(used() - before)
        started = time.perf_counter()
        detector.predict(content)
        python.append(time.perf_counter() - started)
    each, own = (statistics.median(times[1:]) for times in (seconds, python))
    print(f"image_seconds {each:.3f} <={EACH}")
    print(f"image_cpu_seconds {statistics.median(processor[1:]):.3f} -")
    print(f"python_image_seconds {own:.3f} -")
    print(f"image_ratio {each / own:.1f} -")


def _processor_time(page: Page) -> Callable[[], float]:
    """Return a function that tells the seconds of processor time of a page's process."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def used() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in metrics if each["name"] == "ProcessTime")

    return used


def _images(folder: Path | None, count: int) -> list[bytes]:
    if folder is not None:
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
        return [path.read_bytes() for path in found[:: max(1, len(found) // (count + 1))][: count + 1]]
    return [_jpeg(seed) for seed in range(count + 1)]


def _jpeg(seed: int) -> bytes:
    file = io.BytesIO()
    pixels = md.draw_lesion("melanoma" if seed % 2 else "nevus", seed=seed, size=600).pixels
    Image.fromarray(pixels).crop((0, 0, 600, 450)).save(file, "JPEG", quality=90)
    return file.getvalue()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


if __name__ == "__main__":
    main()
