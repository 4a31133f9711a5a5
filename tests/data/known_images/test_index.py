import numpy as np
import pytest

from melanoma_detect.data.known_images import index as module
from melanoma_detect.data.known_images.index import Facts, KnownImages, Match, Membership, archive_id
from melanoma_detect.errors import DatasetError


def code_of(image):
    return np.frombuffer(image.code, np.uint8)[None]


def test_order_does_not_matter(entry):
    images = [entry(number) for number in range(5)]
    first, second = KnownImages.of(images), KnownImages.of(reversed(images))
    assert list(first) == list(second) == sorted(images, key=lambda image: image.code)
    assert repr(first) == "<KnownImages of ours: 5 entries>"


def test_one_image_in_two_sets_is_one_entry(entry):
    both = KnownImages.of([entry(1, name="a")]) | KnownImages.of(
        [entry(1, name="b", label="nv", use="held out"), entry(2)]
    )
    assert len(both) == 2
    assert both.sets == ("a", "b", "ours")
    joined = both.facts_of(both.find([code_of(entry(1))])[0][0].entry)
    assert joined == Facts((Membership("a", "nevus"), Membership("b", "nv")), "held out")


def test_finds_by_hash_bytes_and_id(entry):
    images = [entry(1), entry(2, digest=b"12345678"), entry(3, archive="ISIC_0000003"), entry(4, archive="portrait")]
    index = KnownImages.of(images)
    position = {image: number for number, image in enumerate(index)}
    near = code_of(images[0]).copy()
    near[0, 0] ^= 0b111
    found = index.find(
        [near, None, None, None, code_of(entry(9))],
        digests=["00" * 32, b"12345678".hex() + "00" * 24, "", "00" * 32, "00" * 32],
        names=["a.jpg", "b.jpg", "x ISIC_0000003 (1).png", "portrait.jpg", "ISIC_00000031.jpg"],
    )
    assert found == [
        (Match(position[images[0]], "hash", 3),),
        (Match(position[images[1]], "bytes"),),
        (Match(position[images[2]], "id"),),
        (),  # a name that is no id of the archive says nothing; and no digest is known where it is zeros
        (),
    ]


def test_the_strongest_evidence_is_named(entry):
    image = entry(1, digest=b"12345678", archive="ISIC_0000001")
    index = KnownImages.of([image])
    digest, names = b"12345678".hex(), ["ISIC_0000001.jpg"]
    assert index.find([code_of(image)], names=names) == [(Match(0, "hash", 0),)]
    assert index.find([code_of(image)], digests=[digest], names=names) == [(Match(0, "bytes"),)]


def test_an_empty_index_finds_nothing(entry):
    assert KnownImages.of([]).find([code_of(entry(1)), None], names=["ISIC_0000001", ""]) == [(), ()]


def test_too_many_facts(entry, monkeypatch):
    monkeypatch.setattr(module, "_MAX_FACTS", 2)
    with pytest.raises(DatasetError, match="3 combinations of sets"):
        KnownImages.of(entry(number, label=str(number)) for number in range(3))


@pytest.mark.parametrize(
    ("name", "archive"), [("ISIC_0000001.jpg", "ISIC_0000001"), ("isic_0000001.jpg", ""), ("ISIC_00000012.jpg", "")]
)
def test_archive_id(name, archive):
    assert archive_id(name) == archive
