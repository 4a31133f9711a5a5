"""The script that makes the shipped index, on drawn images laid out as the sets are."""

import csv
import sys
from pathlib import Path

import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.data.known_images.index import Facts, Membership
from melanoma_detect.data.known_images.index_file import pack_index
from melanoma_detect.images.perceptual_hash import fingerprint
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import public_images as script


@pytest.fixture
def root(tmp_path):
    """Three lesions: one in HAM10000 and ISIC 2019 under two diagnoses and in the nine-class set, two in MILK10k."""
    images = [Image.fromarray(md.draw_lesion("nevus", seed=number, size=96).pixels) for number in range(3)]
    write(images[0], tmp_path / "ham10000_224" / "images" / "ISIC_0000001.jpg")
    write(images[0].resize((80, 80)), tmp_path / "isic9" / "Train" / "nevus" / "ISIC_0000001.jpg")
    for number in (1, 2):
        write(images[number], tmp_path / "milk10k" / "dermoscopy" / f"ISIC_000000{number + 1}.webp")
    table(tmp_path / "ham10000_224" / "metadata.csv", {"image_id": "ISIC_0000001", "dx": "nv", "lesion_id": "H1"})
    table(
        tmp_path / "milk10k" / "metadata.csv",
        *[
            {
                "image": f"dermoscopy/ISIC_000000{number}.webp",
                "label": "NV",
                "diagnosis": "nevus",
                "lesion_id": f"M{number}",
            }
            for number in (2, 3)
        ],
    )
    table(tmp_path / "tables" / "HAM10000_metadata.csv", {"image_id": "ISIC_0000001", "dx": "nv"})
    table(
        tmp_path / "tables" / "ISIC_2019_Training_GroundTruth.csv",
        {"image": "ISIC_0000001_downsampled", "MEL": "1.0", "NV": "0.0", "UNK": "0.0"},
    )
    return tmp_path


def write(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def table(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def facts_by_id(index):
    found = {}
    for image in index:
        found.setdefault(image.id, set()).add(image.facts)
    return found


def test_an_image_is_in_every_set_that_lists_it(root):
    facts = facts_by_id(script.make_index(root, TrainingFingerprint()))
    everywhere = (
        Membership("HAM10000", "nv"),
        Membership("ISIC 2019", "MEL"),
        Membership("the nine-class ISIC set", "nevus", "train"),
    )
    assert facts["ISIC_0000001"] == {Facts(everywhere, "held out")}
    assert facts["ISIC_0000002"] == {Facts((Membership("MILK10k", "NV"),), "held out")}


def test_what_the_detector_has_seen_is_told_by_id_lesion_and_look(root):
    with Image.open(root / "milk10k" / "dermoscopy" / "ISIC_0000003.webp") as image:
        look = fingerprint(image.convert("RGB")).code.tobytes().hex()
    trained = TrainingFingerprint(ids=frozenset({"ISIC_0000001", "M2"}), fingerprints=frozenset({look}))
    facts = facts_by_id(script.make_index(root, trained))
    assert {own.use for all_of in facts.values() for own in all_of} == {"trained on"}


def test_only_published_files_have_a_digest(root):
    index = script.make_index(root, TrainingFingerprint())
    with_digest = [image.facts.memberships[-1].set for image in index if any(image.digest)]
    assert set(with_digest) == {"the nine-class ISIC set"}


def test_the_same_folder_gives_the_same_bytes(root):
    first, second = (pack_index(script.make_index(root, TrainingFingerprint())) for _ in range(2))
    assert first == second
