"""How many altered copies of public images the shipped index finds, how often it is wrong, and how long looking up takes.

    MELANOMA_DETECT_DATA=folder python benchmarks/known_images.py [--images 2000] > benchmarks/records/known_images.txt

Prints one line per figure: name, value, goal. The folder holds the sets from which scripts/public_images.py makes the index. A
match is false where the two images show different lesions by the sets' own tables: HAM10000's and MILK10k's. Few of these are
images of one lesion under two ids, which no table tells: they count as false. Matches across the two sets are not counted:
what is nearer than the hash's limit to an image of another set was left out of the folders.
"""

import argparse
import csv
import io
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from melanoma_detect.data.known_images.index import KnownImages, archive_id
from melanoma_detect.data.known_images.overlap import known_images
from melanoma_detect.images.perceptual_hash import Fingerprint, fingerprint
from melanoma_detect.images.reader import load_rgb, stretch

_LOOKED_UP = 10_000
_SETS = {
    "isic9": "isic9/*/*",
    "ham10000": "ham10000_224/images",
    "milk10k": "milk10k/*",
    "isic2017_2019": "isic2017_2019/*",
    "pad_ufes_20": "pad_ufes_20/*",
}


def compress(image: Image.Image) -> Image.Image:
    """Return an image after JPEG compression at quality 60."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=60)
    return Image.open(file).convert("RGB")


def scale(factor: float) -> Callable[[Image.Image], Image.Image]:
    """Return a function that makes an image larger or smaller."""
    return lambda image: image.resize(
        (round(image.width * factor), round(image.height * factor)), Image.Resampling.BICUBIC
    )


def crop(part: float) -> Callable[[Image.Image], Image.Image]:
    """Return a function that cuts a part of each side out of the middle."""

    def cut(image: Image.Image) -> Image.Image:
        left, top = (round(side * (1 - part) / 2) for side in image.size)
        return image.crop((left, top, image.width - left, image.height - top))

    return cut


def centre_square(image: Image.Image) -> Image.Image:
    """Return the square in the middle of an image."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def turned(image: Image.Image) -> Image.Image:
    """Return an image turned by 90 degrees, mirrored, at half its size and quality 60."""
    return compress(scale(0.5)(image.transpose(Image.Transpose.TRANSPOSE)))


# Without a goal: a crop that is no centre square is another image to the hash, which the index does not promise to find.
CHANGES: dict[str, tuple[Callable[[Image.Image], Image.Image], str]] = {
    "unchanged": (lambda image: image, "0.99"),
    "quality_60": (compress, "0.99"),
    "half_size": (scale(0.5), "0.99"),
    "one_and_a_half_size": (scale(1.5), "0.99"),
    "turned_90": (lambda image: image.transpose(Image.Transpose.ROTATE_90), "0.99"),
    "mirrored": (lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "0.99"),
    "turned_mirrored_half_size_quality_60": (turned, "0.99"),
    "centre_square": (centre_square, "0.99"),
    "centre_98_percent": (crop(0.98), "-"),
    "centre_95_percent": (crop(0.95), "-"),
}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000, help="the number of images to alter")
    count = parser.parse_args().images
    root, index = Path(os.environ["MELANOMA_DETECT_DATA"]), known_images()
    paths = {name: sorted(path for path in root.glob(f"{place}/*") if path.is_file()) for name, place in _SETS.items()}
    chosen = [
        (name, own[number])
        for name, own in paths.items()
        for number in np.linspace(0, len(own) - 1, min(count // len(paths), len(own))).astype(int)
    ]
    print(f"entries {len(index)} -")
    measure_recall(index, chosen)
    measure_false_matches(index, root)


def measure_recall(index: KnownImages, chosen: list[tuple[str, Path]]) -> None:
    """Alter images, and look them up."""
    found = dict.fromkeys(CHANGES, 0)
    for name, path in chosen:
        image = load_rgb(path)
        if name == "isic9":
            image = stretch(image, 4 / 3)
        own = archive_id(path.name) or path.stem
        altered = [fingerprint(change(image)) for change, _ in CHANGES.values()]
        for change, matches in zip(CHANGES, index.find(altered), strict=True):
            found[change] += any(index.ids[match.entry] == own for match in matches)
    for change, (_, goal) in CHANGES.items():
        print(f"found_{change} {found[change] / len(chosen):.4f} {goal}")


def measure_false_matches(index: KnownImages, root: Path) -> None:
    """Look up images whose lesions are known, and count those that match an image of another lesion."""
    paths = [
        path for place in ("ham10000_224/images", "ham10000_rest", "milk10k") for path in find_images(root / place)
    ]
    lesions = dict(read_lesions(root))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        codes: list[Fingerprint | None] = list(pool.map(lambda path: fingerprint(load_rgb(path)), paths))
    start = time.perf_counter()
    index.find(codes[:_LOOKED_UP])
    print(f"seconds_for_{_LOOKED_UP}_images {time.perf_counter() - start:.2f} 30")
    wrong = {
        number
        for number, matches in enumerate(index.find(codes))
        for match in matches
        if is_other(lesions, archive_id(paths[number].name) or paths[number].stem, index.ids[match.entry])
    }
    print(f"images_of_known_lesions {len(paths)} -")
    print(f"false_matches_in_10000_images {10_000 * len(wrong) / len(paths):.2f} 1")


def is_other(lesions: dict[str, str], own: str, found: str) -> bool:
    """Return whether two ids are images of different lesions, as far as the tables tell."""
    return own != found and own in lesions and found in lesions and lesions[own] != lesions[found]


def find_images(folder: Path) -> Iterator[Path]:
    """Return the images in a folder and below it."""
    return (path for path in sorted(folder.rglob("*")) if path.suffix in (".jpg", ".webp"))


def read_lesions(root: Path) -> Iterator[tuple[str, str]]:
    """Return the lesion of each image id that HAM10000's and MILK10k's tables give."""
    for folder in ("ham10000_224", "ham10000_rest", "milk10k"):
        with (root / folder / "metadata.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                name = Path(row.get("image") or row["image_id"])
                yield archive_id(name.name) or name.stem, row["lesion_id"]


if __name__ == "__main__":
    main()
