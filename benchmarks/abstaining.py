"""From what a detector abstains: everyday images, harder cases made from skin, and skin images that it must judge.

Half of the everyday images (every other one by name) is for making choices; figures are on the other half. The skin images
are those of the folder's test split that the detector has not seen, as they are, mirrored and turned. Where there is no such
detector yet, one is trained on the rest of the folder.

    python benchmarks/abstaining.py --detector FILE --skin FOLDER --everyday FOLDER [--weights FILE]
"""

import argparse
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import melanoma_detect as md
from melanoma_detect.errors import DataWarning
from melanoma_detect.images.reader import SUFFIXES
from melanoma_detect.inference.operating_points import wilson
from melanoma_detect.inference.test_time_augmentation import views_of

SIZE = (160, 160)


def main() -> None:
    """Print the share of each kind of image that is declined or accepted, with its interval."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--skin", type=Path, required=True, help="a folder that load_dataset takes")
    parser.add_argument("--everyday", type=Path, required=True, help="images that show no skin")
    parser.add_argument(
        "--weights", help="ImageNet's, for MobileNetV2 at a width of 0.35; Keras downloads them without it"
    )
    parser.add_argument("--epochs", type=int, default=6)
    chosen = parser.parse_args()
    if not chosen.everyday.is_dir():
        parser.error(f"{chosen.everyday}: no such folder")
    if not chosen.detector.exists():
        train(chosen.skin, chosen.weights or "imagenet", chosen.epochs).save(chosen.detector)
    detector = md.Detector.load(chosen.detector)
    everyday = sorted(path for path in chosen.everyday.iterdir() if path.suffix.lower() in SUFFIXES)
    declined("everyday_for_choices", [one.abstained for one in detector.predict(everyday[::2])], "-")
    declined("everyday", [one.abstained for one in detector.predict(everyday[1::2])], "0.90")
    unseen = skin(detector, chosen.skin)
    for number, view in enumerate(views_of(unseen, 8)):
        judged = detector.predictor.predict_batch(np.ascontiguousarray(view))
        share, low, high = interval(~judged.abstained)
        print(f"accepted_skin_view_{number} {share:.3f} 0.95   # [{low:.3f}, {high:.3f}] of {len(unseen)}")
    for name, made in hard(unseen[:200]):
        declined(name, detector.predictor.predict_batch(made).abstained, "-")


def train(folder: Path, weights: str, epochs: int) -> md.Detector:
    """Fine-tune a small backbone on a folder's train split."""
    data = md.load_dataset(folder, conflicts="resolve", image_size=SIZE, resize="crop")
    model = md.build_model("mobilenet_v2:0.35", num_classes=len(data.classes), input_shape=(*SIZE, 3), weights=weights)
    return md.Detector.fit(model, data, epochs=epochs, recipe="default")


def skin(detector: md.Detector, folder: Path) -> np.ndarray:
    """Return the images of a folder's Test that a detector has not seen, at its size."""
    data = md.load_dataset(
        folder, conflicts="resolve", image_size=detector.image_size, resize=detector.predictor.config.resize
    )
    known = detector.predictor.files.seen().holds(data.test.records)
    return data.test.pixels()[~known]


def declined(name: str, abstained: object, goal: str) -> None:
    """Print the share that a detector abstains from."""
    share, low, high = interval(np.asarray(abstained))
    print(f"declined_{name} {share:.3f} {goal}   # [{low:.3f}, {high:.3f}] of {len(np.asarray(abstained))}")


def interval(hits: np.ndarray) -> tuple[float, float, float]:
    """Return a share with its 95 % interval."""
    share = float(hits.mean())
    return share, *wilson(share, len(hits))


def hard(pixels: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Make harder cases of skin images."""
    kinds: dict[str, Callable[[Image.Image], Image.Image]] = {
        "skin_without_a_lesion": _corner,
        "heavy_blur": lambda image: image.filter(ImageFilter.GaussianBlur(image.width / 18)),
        "ruler_and_text": _ruler,
        "text_alone": lambda image: _text(Image.new("RGB", image.size, "white")),
    }
    for name, change in kinds.items():
        yield name, np.stack([np.asarray(change(Image.fromarray(image))) for image in pixels])


def _corner(image: Image.Image) -> Image.Image:
    """Blow up the quarter corner whose grey levels vary least: skin beside the lesion."""
    side = image.width // 4
    corners = [
        image.crop((x, y, x + side, y + side)) for x in (0, image.width - side) for y in (0, image.height - side)
    ]
    evenest = min(corners, key=lambda corner: np.asarray(corner.convert("L"), float).std())
    return evenest.resize(image.size, Image.Resampling.BICUBIC)


def _ruler(image: Image.Image) -> Image.Image:
    width, height = image.size
    draw = ImageDraw.Draw(image)
    top = int(height * 0.65)
    draw.rectangle((0, top, width, int(height * 0.9)), fill=(245, 245, 240))
    for number, x in enumerate(range(0, width, max(width // 28, 2))):
        draw.line((x, top, x, top + height // (8 if number % 5 == 0 else 15)), fill=(20, 20, 20), width=2)
    draw.text((width // 12, int(height * 0.8)), "PATIENT 0123   mm", fill="black")
    draw.text((width // 12, height // 12), "LEFT ARM", fill="black")
    return image


def _text(image: Image.Image) -> Image.Image:
    draw = ImageDraw.Draw(image)
    for line in range(5, image.height, 14):
        draw.text((8, line), "dermoscopy of the left forearm, 12 mm", fill="black")
    return image


if __name__ == "__main__":
    main()
