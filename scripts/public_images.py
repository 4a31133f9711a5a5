"""Make the index of public images that the package ships: src/melanoma_detect/shipped/public.known.

    MELANOMA_DETECT_DATA=folder python scripts/public_images.py [--out PATH]

The folder holds the sets as tests/conftest.py describes it, and `tables` with the published tables of HAM10000, ISIC 2019 and
ISIC 2020. An image is in every set that lists its id. The same folder gives the same bytes.
"""

import argparse
import csv
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import melanoma_detect as md
from melanoma_detect import taxonomy
from melanoma_detect.data.known_images.fingerprint import image_codes
from melanoma_detect.data.known_images.index import NO_DIGEST, Facts, KnownImage, KnownImages, Membership, archive_id
from melanoma_detect.data.known_images.index_file import write_index
from melanoma_detect.images.hash_search import HashSearch
from melanoma_detect.images.perceptual_hash import SAME_BITS
from melanoma_detect.images.reader import load_rgb, stretch
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint

OUT = Path(__file__).parents[1] / "src" / "melanoma_detect" / "shipped" / "public.known"
NINE = "the nine-class ISIC set"
HAM10000 = "HAM10000"
TABLES = {HAM10000: "HAM10000_metadata.csv", "ISIC 2019": "ISIC_2019_Training_GroundTruth.csv"} | {
    "ISIC 2020": "ISIC_2020_Training_GroundTruth.csv"
}


@dataclass(frozen=True)
class Source:
    """A folder of images of public sets.

    Attributes:
        set: What an image is in that no table lists.
        aspect: The aspect ratio that its images had before they were squashed; None where they were not.
        published: Whether its files are those that the set's makers or users publish, and not copies made smaller.
    """

    set: str
    aspect: float | None = None
    published: bool = False


SOURCES = {
    "isic9": Source(NINE, aspect=4 / 3, published=True),
    "ham10000_224": Source(HAM10000),
    "ham10000_rest": Source(HAM10000),
    "isic2017_2019": Source("the ISIC archive"),
    "isic2020": Source("ISIC 2020"),
    "milk10k": Source("MILK10k"),
    "pad_ufes_20": Source("PAD-UFES-20"),
}


@dataclass(frozen=True)
class Found:
    """An image of a source: its hashes, the bytes of its file if they are the published ones, its id and its sets."""

    codes: tuple[bytes, ...]
    digest: bytes
    id: str
    memberships: frozenset[Membership]
    lesion: str


def main() -> None:
    """Write the index."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    index = make_index(Path(os.environ["MELANOMA_DETECT_DATA"]), md.Detector.load().predictor.files.fingerprint())
    write_index(index, out, overwrite=True)
    for name in index.sets:
        print(f"{name}: {sum(name in {own.set for own in image.facts.memberships} for image in index):,} entries")
    print(f"{len(index):,} entries, {out.stat().st_size / len(index):.1f} bytes each, {out.stat().st_size:,} bytes")


def make_index(root: Path, trained: TrainingFingerprint) -> KnownImages:
    """Return the index of all sources.

    Args:
        root: The folder that holds them.
        trained: The images that the default detector was trained on.

    Returns:
        The index.
    """
    published = read_tables(root / "tables")
    found = [image for folder in SOURCES if (root / folder).is_dir() for image in read_source(root / folder, published)]
    memberships: dict[str, set[Membership]] = defaultdict(set)
    for image in found:
        memberships[image.id].update(image.memberships)
    seen = seen_ids(found, trained)
    return KnownImages.of(
        KnownImage(
            code,
            image.digest,
            image.id,
            Facts(tuple(memberships[image.id]), "trained on" if image.id in seen else "held out"),
        )
        for image in found
        for code in image.codes
    )


def seen_ids(found: list[Found], trained: TrainingFingerprint) -> set[str]:
    """Return the ids of the images that a detector has seen, or their lesions, in training."""
    hashes = np.frombuffer(bytes.fromhex("".join(sorted(trained.fingerprints))), np.uint8).reshape(-1, 32)
    pairs = [(code, image.id) for image in found for code in image.codes]
    near = HashSearch(hashes).find(
        np.frombuffer(b"".join(code for code, _ in pairs), np.uint8).reshape(-1, 32), radius=SAME_BITS
    )
    by_hash = {pairs[query][1] for query in near.query.tolist()}
    return by_hash | {image.id for image in found if trained.ids & {image.id, image.lesion}}


def read_tables(folder: Path) -> dict[str, dict[str, str]]:
    """Return the label of each image id in each set that has a table of ids."""
    labels: dict[str, dict[str, str]] = defaultdict(dict)
    for name, file in TABLES.items():
        for row in read_rows(folder / file):
            image = row.get("image_id") or row.get("image_name") or row.get("image") or ""
            # ISIC 2019 adds "_downsampled" to some ids.
            labels[name][archive_id(image)] = row.get("dx") or published_label(row)
    return labels


def published_label(row: Mapping[str, str]) -> str:
    """Return the label of a row of ISIC 2019, which has a column for each, or of ISIC 2020."""
    if "benign_malignant" in row:
        return row["benign_malignant"] if row["diagnosis"] == "unknown" else row["diagnosis"]
    return next((name for name, value in row.items() if name not in ("image", "UNK") and float(value) == 1), "")


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV table; none where there is no table."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_source(folder: Path, published: Mapping[str, Mapping[str, str]]) -> Iterator[Found]:
    """Read the images of a folder."""
    source = SOURCES[folder.name]
    rows = {Path(row.get("image") or row["image_id"]).stem: row for row in read_rows(folder / "metadata.csv")}
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))

    def read(path: Path) -> Found:
        image: Image.Image = load_rgb(path)
        name = archive_id(path.name) or path.stem
        row = rows.get(name, {})
        label = path.parent.name if source.set == NINE else row.get("label", "")
        if not taxonomy.is_known(label) and row.get("diagnosis"):
            label = row["diagnosis"]
        split = path.parent.parent.name.lower() if source.set == NINE else ""
        own = {Membership(set_, labels[name]) for set_, labels in published.items() if name in labels}
        if source.set == NINE or (
            source.set not in {one.set for one in own} and (not own or source.set != "the ISIC archive")
        ):
            own.add(Membership(source.set, label, split))
        return Found(
            image_codes(stretch(image, source.aspect) if source.aspect else image),
            hashlib.sha256(path.read_bytes()).digest()[: len(NO_DIGEST)] if source.published else NO_DIGEST,
            name,
            frozenset(own),
            row.get("lesion_id", ""),
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(read, paths)


if __name__ == "__main__":
    main()
