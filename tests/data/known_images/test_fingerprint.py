import io
import shutil
from functools import cache

import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.data.known_images.fingerprint import image_codes
from melanoma_detect.data.known_images.index import Membership
from melanoma_detect.data.known_images.index_file import read_index
from melanoma_detect.errors import DatasetError, DataWarning, OutputError
from melanoma_detect.images.perceptual_hash import fingerprint as perceptual_hash

TURNS = list(Image.Transpose)


@cache
def draw(seed, size=(160, 120)):
    return Image.fromarray(md.draw_lesion("nevus", seed=seed, size=200).pixels).resize(size)


def compressed(image, quality=75):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


@pytest.fixture
def photos(tmp_path):
    """Write ten photographs of 4:3 without labels."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(10):
        draw(seed).save(folder / f"Jane Doe {seed}.png")
    return folder


@pytest.fixture
def index(photos):
    return md.fingerprint(photos, name="ours", progress=False)


def found(index, image):
    (matches,) = index.find([perceptual_hash(image)])
    return {index.digests[match.entry].tobytes() for match in matches}


COPIES = {
    "compressed": compressed,
    "smaller": lambda image: image.resize((80, 60)),
    "larger": lambda image: image.resize((320, 240)),
    "centre": lambda image: image.crop((20, 0, 140, 120)),
    "squashed": lambda image: image.resize((100, 100)),
    "centre, small, turned, compressed": lambda image: compressed(
        image.crop((20, 0, 140, 120)).resize((96, 96)).transpose(TURNS[2])
    ),
} | {turn.name: lambda image, turn=turn: image.transpose(turn) for turn in TURNS}


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_found(index, name):
    results = [found(index, COPIES[name](draw(seed))) for seed in range(10)]
    assert all(len(own) == 1 for own in results)
    assert len(set.union(*results)) == 10


def test_strangers_are_not_found(index):
    assert not any(found(index, draw(seed)) for seed in range(100, 120))


def test_centre_of_a_squashed_image_is_found_if_the_squashing_is_known(tmp_path):
    folder = tmp_path / "squashed"
    folder.mkdir()
    for seed in range(3):
        draw(seed).resize((120, 120)).save(folder / f"{seed}.png")
    centre = draw(1).crop((20, 0, 140, 120))
    assert not found(md.fingerprint(folder, name="a", progress=False), centre)
    assert found(md.fingerprint(folder, name="a", squashed="4:3", progress=False), centre)


def test_names_stay_at_home(photos, index):
    """Names of a clinic's files may name patients."""
    (photos / "Jane Doe 0.png").rename(photos / "ISIC_0000007.png")
    assert set(index.ids) == {""}
    assert set(md.fingerprint(photos, name="ours", progress=False).ids) == {"", "ISIC_0000007"}
    assert "Jane Doe 1" in md.fingerprint(photos, name="ours", names=True, progress=False).ids


def test_labels_and_splits_of_folders(lesions, data):
    index = md.fingerprint(lesions, name="nine", out="nine.known", progress=False)
    assert list(read_index("nine.known")) == list(index)
    matches = index.find([None] * len(data), digests=[record.digest for record in data.records])
    for record, own in zip(data.records, matches, strict=True):
        split = "test" if record.split == "test" else "train"
        assert index.facts_of(own[0].entry).memberships == (Membership("nine", record.label, split),)


def test_unreadable_images_are_counted(photos):
    (photos / "broken.png").write_bytes(b"\x89PNG")
    Image.new("RGB", (60, 40)).save(photos / "black.png")
    with pytest.warns(DataWarning, match="2 images cannot be read, or show one even colour, and are not in the index"):
        index = md.fingerprint(photos, name="ours", progress=False)
    assert len({digest.tobytes() for digest in index.digests}) == 10


def test_errors(tmp_path, photos):
    with pytest.raises(DatasetError, match="name=' '; expected the name of the set"):
        md.fingerprint(photos, name=" ", progress=False)
    for name in (None, 3, b"ours", ["ours"]):
        with pytest.raises(DatasetError, match="expected the name of the set"):
            md.fingerprint(photos, name=name, progress=False)
    with pytest.raises(DatasetError, match="nowhere: no such folder or file"):
        md.fingerprint(tmp_path / "nowhere", name="a", progress=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="empty"):
        md.fingerprint(tmp_path / "empty", name="a", progress=False)
    with pytest.raises(OutputError, match=r"\.known"):
        md.fingerprint(photos, name="a", out="a.csv", progress=False)
    for file in photos.iterdir():
        file.write_bytes(b"no image")
    with pytest.raises(DatasetError, match="none of its 10 images can be read and shows more"):
        md.fingerprint(photos, name="a", progress=False)


def test_two_codes_where_the_centre_looks_different():
    assert len(image_codes(draw(1))) == 2
    assert len(image_codes(draw(1, size=(120, 120)))) == 1
    assert len(image_codes(draw(1, size=(121, 120)))) == 1
    assert image_codes(Image.new("RGB", (60, 40))) == ()


def test_zip(photos, index):
    shutil.make_archive("photos", "zip", photos)
    assert list(md.fingerprint("photos.zip", name="ours", progress=False)) == list(index)
