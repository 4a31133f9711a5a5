"""What damaged images and damaged detector files get: no image *clear* that was not, and no other answer from a changed file.

    MELANOMA_DETECT_DATA=folder python benchmarks/damaged_inputs.py [--images 10000] [--files 2000] > FILE

FILE is benchmarks/records/damaged_inputs.txt.

Prints one line per figure: name, value, goal. The images are drawn lesions in every format that the default detector does not
clear, nor shifted by up to two pixels, with a little noise, lighter or darker: one that it nearly clears may be cleared for
one changed pixel, which is no fault. Each is damaged once, by chance. The file is the default detector's, cut or with one byte
changed. With a folder of images in MELANOMA_DETECT_DATA, its JPEG and WebP files are read too, and so are AVIF files that are
made of them: they are whole, and each that is refused was refused wrongly.
"""

import argparse
import io
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, ImageError, MelanomaDetectError
from melanoma_detect.images.reader import Pixels, load_rgb
from melanoma_detect.inference.bundle import SHIPPED

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fuzz"))
from damage import blind, damage_of

_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "AVIF")
_DIAGNOSES = ("melanoma", "basal cell carcinoma", "squamous cell carcinoma", "nevus")
_LARGEST = 2**20


def draw_files(detector: md.Detector) -> list[tuple[str, bytes]]:
    """Return drawn lesions as files, by format, that the detector does not clear."""
    files = []
    for form in _FORMATS:
        for seed, diagnosis in enumerate(_DIAGNOSES * 4):
            pixels = md.draw_lesion(diagnosis, seed=seed, size=128).pixels
            if all(detector.predict(save(other, form)).decision != "clear" for other in vary(pixels)):
                files.append((form.lower(), save(pixels, form)))
    return files


def vary(pixels: Pixels) -> Iterator[Pixels]:
    """Yield an image, and others that look the same."""
    for down, right in ((0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), (2, 2), (-2, -2)):
        yield np.roll(pixels, (down, right), axis=(0, 1))
    for seed in range(4):
        noise = np.random.default_rng(seed).normal(0, 3, pixels.shape)
        yield np.clip(pixels + noise, 0, 255).astype(np.uint8)
    for factor in (0.97, 1.03):
        yield np.clip(pixels * factor, 0, 255).astype(np.uint8)


def save(pixels: Pixels, form: str) -> bytes:
    """Return an image as a file of a format."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def damage_images(count: int, chance: random.Random) -> Iterator[tuple[str, int | float, str]]:
    """Yield the figures of damaged images."""
    detector = md.Detector.load()
    files, found, slowest = draw_files(detector), Counter[str](), 0.0
    for _ in range(count):
        form, content = chance.choice(files)
        start = time.perf_counter()
        try:
            found[detector.predict(damage_of(form)(content, _LARGEST, chance, blind(chance))).decision] += 1
        except MelanomaDetectError:
            found["refused"] += 1
        except Exception as error:  # noqa: BLE001 - this is what is counted
            found["foreign"] += 1
            print(f"{form}: {error!r}", file=sys.stderr)
        slowest = max(slowest, time.perf_counter() - start)
    yield "damaged_images", count, "-"
    for name in ("refused", "refer", "alert"):
        yield f"damaged_images_{name}", found[name], "-"
    yield "damaged_images_clear", found["clear"], "0"
    yield "damaged_images_foreign_errors", found["foreign"], "0"
    yield "damaged_images_slowest_seconds", round(slowest, 1), "10"


def damage_files(count: int, chance: random.Random) -> Iterator[tuple[str, int, str]]:
    """Yield the figures of damaged detector files."""
    whole, found = SHIPPED.read_bytes(), Counter[str]()
    pixels = md.draw_lesion("melanoma", seed=5, size=300).pixels
    expected = md.Detector.load().predict(pixels).to_dict()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "damaged.detector")
        for _ in range(count):
            place = chance.randrange(len(whole))
            changed = bytes([whole[place] ^ chance.randint(1, 255)])
            path.write_bytes(whole[:place] + (changed + whole[place + 1 :] if chance.random() < 0.9 else b""))
            try:
                answer = md.Detector.load(path).predict(pixels).to_dict()
                found["the same answer" if answer == expected else "another answer"] += 1
            except DetectorError:
                found["refused"] += 1
            except Exception as error:  # noqa: BLE001 - this is what is counted
                found["foreign"] += 1
                print(f"byte {place}: {error!r}", file=sys.stderr)
    yield "damaged_files", count, "-"
    yield "damaged_files_refused", found["refused"], "-"
    yield "damaged_files_same_answer", found["the same answer"], "-"
    yield "damaged_files_another_answer", found["another answer"], "0"
    yield "damaged_files_foreign_errors", found["foreign"], "0"


def read_whole_images(root: Path, avif: int, chance: random.Random) -> Iterator[tuple[str, int, str]]:
    """Yield how many whole images are refused."""
    paths = [path for path in sorted(root.rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg", ".webp")]
    yield "whole_images", len(paths), "-"
    yield "whole_images_refused", count_refused(paths), "0"
    yield "whole_avif_images", avif, "-"
    yield (
        "whole_avif_images_refused",
        count_refused(save_as_avif(chance.choice(paths), chance) for _ in range(avif)),
        "0",
    )


def count_refused(images: Iterable[Path | bytes]) -> int:
    """Return how many images are refused, and print why."""
    refused = 0
    for image in images:
        try:
            load_rgb(image)
        except ImageError as error:
            refused += 1
            print(error, file=sys.stderr)
    return refused


def save_as_avif(path: Path, chance: random.Random) -> bytes:
    """Return a photograph as an AVIF file, of a size and a quality by chance."""
    image = Image.open(path).convert("RGB")
    image.thumbnail((side := chance.choice((16, 24, 32, 48, 64, 96, 128, 180, 300, 600)), side))
    file, subsampling = io.BytesIO(), chance.choice(("4:2:0", "4:2:2", "4:4:4", "4:0:0"))
    image.save(file, "AVIF", quality=chance.randrange(101), speed=chance.choice((6, 8, 10)), subsampling=subsampling)
    return file.getvalue()


def main() -> None:
    """Damage what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--avif", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    root = os.environ.get("MELANOMA_DETECT_DATA")
    for figures in (
        damage_images(chosen.images, random.Random(chosen.seed)) if chosen.images else (),
        damage_files(chosen.files, random.Random(chosen.seed)) if chosen.files else (),
        read_whole_images(Path(root), chosen.avif, random.Random(chosen.seed)) if root else (),
    ):
        for name, value, goal in figures:
            print(name, value, goal, flush=True)


if __name__ == "__main__":
    main()
