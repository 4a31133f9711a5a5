"""Recall of the perceptual hash on altered images, and false pairs among images of different lesions.

    MELANOMA_DETECT_DATA=folder python benchmarks/near_duplicates.py [--images 2000]

Prints one line per figure: name, value, goal. The folder holds `ham10000_224`, one image of each lesion: every pair among the
unaltered images is false.
"""

import argparse
import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from melanoma_detect.data.near_duplicates import find_near_duplicates
from melanoma_detect.images.perceptual_hash import SAME_BITS, fingerprint, hamming_distance


def compress(image: Image.Image) -> Image.Image:
    """Return an image after JPEG compression at quality 60."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=60)
    return Image.open(file).convert("RGB")


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "rotated_90": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "half_size": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC),
    "quality_60": compress,
    "brighter_10_percent": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000, help="the number of images to alter")
    count = parser.parse_args().images
    folder = Path(os.environ["MELANOMA_DETECT_DATA"]) / "ham10000_224" / "images"
    paths = sorted(folder.glob("*.jpg"))
    chosen = [paths[index] for index in np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)]
    matches = dict.fromkeys(CHANGES, 0)
    for path in chosen:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        original = fingerprint(image)
        for name, change in CHANGES.items():
            altered = fingerprint(change(image))
            if original and altered:
                bits = min(hamming_distance(original.code, query) for query in altered.queries)
                matches[name] += bits <= SAME_BITS
    for name, count in matches.items():
        print(f"found_{name} {count / len(chosen):.4f} 0.99")
    print(f"found_of_all {sum(matches.values()) / len(chosen) / len(matches):.4f} 0.99")
    pairs = find_near_duplicates(paths, [fingerprint(Image.open(path).convert("RGB")) for path in paths])
    print(f"false_pairs_in_1000_images {1000 * len(pairs) / len(paths):.3f} 1")


if __name__ == "__main__":
    main()
