"""Make the pictures of the README: a prediction sheet, and the page of an audit. All lesions in them are drawn.

    python scripts/readme_figures.py

Trains a small detector on drawn lesions (a minute on two cores), draws its prediction for one of them, spoils a folder of drawn
lesions with the faults of real collections, and photographs its audit with the machine's Chromium or Chrome, by Playwright. Run
it again when the look of either has changed; the same version of the library draws the same lesions.
"""

import argparse
import contextlib
import io
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

import melanoma_detect as md

FOLDER = Path(__file__).parents[1] / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH = 900  # of the audit's page, in CSS pixels; the picture ends below the first finding's images
CLASSES = ("melanoma", "nevus", "basal cell carcinoma", "vascular lesion")
CANDIDATES = 40  # drawn melanomas, of which one is shown
SIZE = 160  # pixels of the spoiled folder's images


def main() -> None:
    """Make both pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder to write to")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_prediction(train_detector(folder / "lesions"), folder, options.out / "prediction.webp")
        photograph_audit(spoil_folder(folder / "clinic"), options.out / "audit.webp")
    for path in sorted(options.out.glob("*.webp")):
        print(f"{path} {path.stat().st_size / 1000:.0f} kB")


def train_detector(folder: Path) -> md.Detector:
    """Train the network `cnn` on as many drawn lesions as 95 % sensitivity takes; briefly, so that it still has doubts."""
    md.write_samples(folder, train=135, test=1, size=64, imbalanced=True)
    data = md.load_dataset(folder, image_size=(64, 64))
    model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(64, 64, 3))
    return md.Detector.fit(model, data, epochs=2, progress=False)


def draw_prediction(detector: md.Detector, folder: Path, out: Path) -> None:
    """Write the prediction sheet of the drawn melanoma whose alert is least certain."""
    seeds = range(900_000, 900_000 + CANDIDATES)
    drawn = [md.draw_lesion("melanoma", seed=seed, size=480).pixels for seed in seeds]
    doubts = [(not prediction.alert, prediction.melanoma) for prediction in detector.predict(drawn)]
    Image.fromarray(drawn[doubts.index(min(doubts))]).save(folder / "photo.jpg", quality=95)
    with contextlib.chdir(folder):  # the sheet names the file
        sheet = detector.predict("photo.jpg").plot().to_png()
    save(Image.open(io.BytesIO(sheet)), out)


def spoil_folder(folder: Path) -> Path:
    """Write drawn lesions with the faults of real collections: copies, mirror images, two labels, leaks from Train to Test."""
    md.write_samples(folder, train=12, test=4, size=SIZE, classes=CLASSES)
    train, test = folder / "Train", folder / "Test"
    shutil.copy(train / "melanoma" / "melanoma_0002.jpg", test / "melanoma" / "scan 17.jpg")
    shutil.copy(train / "nevus" / "nevus_0003.jpg", train / "melanoma" / "IMG_2041.jpg")
    for number, label in enumerate(CLASSES):
        with Image.open(train / label / f"{label.replace(' ', '_')}_0005.jpg") as image:
            smaller = ImageOps.mirror(image).resize((SIZE * 3 // 4, SIZE * 3 // 4))
        smaller.save((test if number % 2 else train) / label / f"copy {number}.jpg", quality=70)
    with Image.open(train / "nevus" / "nevus_0007.jpg") as image:
        dark = Image.fromarray(np.asarray(image) // 8)
    dark.save(train / "nevus" / "nevus_0007.jpg")
    return folder


def photograph_audit(folder: Path, out: Path) -> None:
    """Write the top of the audit's page as an image."""
    page_file = md.report.write_html(md.audit(folder, progress=False), folder / "audit.html")
    browser_file = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_file, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": WIDTH}, device_scale_factor=1.5, color_scheme="light"
        )
        page.goto(page_file.as_uri())
        cases = page.locator(".cases").first.bounding_box()
        shown = {"x": 0, "y": 0, "width": WIDTH, "height": cases["y"] + cases["height"] + 12}
        picture = Image.open(io.BytesIO(page.screenshot(clip=shown, full_page=True)))
        browser.close()
    save(picture, out)


def save(picture: Image.Image, out: Path) -> None:
    """Save a picture small."""
    picture.convert("RGB").save(out, "WEBP", quality=82, method=6)


if __name__ == "__main__":
    main()
