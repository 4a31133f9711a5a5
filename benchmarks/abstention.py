"""Abstention: the share of everyday images and hard cases that a detector declines, and of skin images that it accepts.

Half of the everyday images (every other one by name) is for choosing thresholds; the goals are for the other half. The skin
images are those of the folder's test split that the detector was not trained on: original, mirrored and rotated. If the
detector's file does not exist, one is trained on the rest of the folder.

    python benchmarks/abstention.py --detector FILE --skin FOLDER --everyday FOLDER [--weights FILE]
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
from melanoma_detect.inference.operating_points import wilson_interval
from melanoma_detect.inference.test_time_augmentation import make_views

SIZE = (160, 160)


def main() -> None:
    """Print the share of each kind of image that is declined or accepted, with its 95 % interval."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--skin", type=Path, required=True, help="a folder that load_dataset takes")
    parser.add_argument("--everyday", type=Path, required=True, help="images that show no skin")
    parser.add_argument(
        "--weights", help="ImageNet weights of MobileNetV2 at a width of 0.35; downloaded by Keras if not given"
    )
    parser.add_argument("--epochs", type=int, default=6)
    chosen = parser.parse_args()
    if not chosen.everyday.is_dir():
        parser.error(f"{chosen.everyday}: no such folder; expected a folder of images that show no skin")
    if not chosen.detector.exists():
        train(chosen.skin, chosen.weights or "imagenet", chosen.epochs).save(chosen.detector)
    detector = md.Detector.load(chosen.detector)
    everyday = sorted(path for path in chosen.everyday.iterdir() if path.suffix.lower() in SUFFIXES)
    for name, paths, goal in (("everyday_for_choices", everyday[::2], "-"), ("everyday", everyday[1::2], "0.90")):
        print_declined(name, [prediction.abstained for prediction in detector.predict(paths)], goal)
    unseen = unseen_skin(detector, chosen.skin)
    for number, view in enumerate(make_views(unseen, 8)):
        batch = detector.predictor.predict_batch(np.ascontiguousarray(view))
        share, low, high = share_with_interval(~batch.abstained)
        print(f"accepted_skin_view_{number} {share:.3f} 0.95   # [{low:.3f}, {high:.3f}] of {len(unseen)}")
    for name, pixels in hard_cases(unseen[:200]):
        print_declined(name, detector.predictor.predict_batch(pixels).abstained, "-")


def train(folder: Path, weights: str, epochs: int) -> md.Detector:
    """Fine-tune a small backbone on a folder's train split."""
    data = md.load_dataset(folder, conflicts="resolve", image_size=SIZE, resize="crop")
    model = md.build_model("mobilenet_v2:0.35", num_classes=len(data.classes), input_shape=(*SIZE, 3), weights=weights)
    return md.Detector.fit(model, data, epochs=epochs, recipe="default")


def unseen_skin(detector: md.Detector, folder: Path) -> np.ndarray:
    """Return the test images of a folder that a detector was not trained on, at its image size."""
    data = md.load_dataset(
        folder, conflicts="resolve", image_size=detector.image_size, resize=detector.predictor.config.resize
    )
    known = detector.predictor.files.fingerprint().contains(data.test.records)
    return data.test.pixels()[~known]


def print_declined(name: str, abstained: object, goal: str) -> None:
    """Print the share of images that a detector abstains from."""
    share, low, high = share_with_interval(np.asarray(abstained))
    print(f"declined_{name} {share:.3f} {goal}   # [{low:.3f}, {high:.3f}] of {len(np.asarray(abstained))}")


def share_with_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Return the share that is true, with its 95 % interval (Wilson 1927)."""
    share = float(values.mean())
    return share, *wilson_interval(share, len(values))


def hard_cases(pixels: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield hard cases made from images of skin."""
    kinds: dict[str, Callable[[Image.Image], Image.Image]] = {
        "skin_without_a_lesion": _corner,
        "heavy_blur": lambda image: image.filter(ImageFilter.GaussianBlur(image.width / 18)),
        "ruler_and_text": _ruler,
        "text_alone": lambda image: _text(Image.new("RGB", image.size, "white")),
    }
    for name, change in kinds.items():
        yield name, np.stack([np.asarray(change(Image.fromarray(image))) for image in pixels])


def _corner(image: Image.Image) -> Image.Image:
    """Return the corner whose grey levels vary least, enlarged: skin beside the lesion."""
    side = image.width // 4
    corners = [
        image.crop((x, y, x + side, y + side)) for x in (0, image.width - side) for y in (0, image.height - side)
    ]
    flattest = min(corners, key=lambda corner: np.asarray(corner.convert("L"), float).std())
    return flattest.resize(image.size, Image.Resampling.BICUBIC)


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
