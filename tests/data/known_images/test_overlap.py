import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.data.known_images import overlap as module
from melanoma_detect.data.known_images.index import Facts, KnownImage, KnownImages, Membership
from melanoma_detect.data.known_images.index_file import pack_index, unpack_index, write_index
from melanoma_detect.data.known_images.overlap import codes_to_look_up, find_overlap, known_images
from melanoma_detect.errors import DatasetError, DataWarning


def index_of(records, *memberships, use=""):
    """Return an index that knows records by their hashes."""
    facts = Facts(tuple(Membership(*own) for own in memberships), use)
    return KnownImages.of(KnownImage(bytes.fromhex(own.fingerprint), bytes(8), "", facts) for own in records)


def overlap_of(records, index):
    return find_overlap(records, index, codes_to_look_up(records, lambda image: None))


@pytest.fixture
def nevi(data):
    return [record for record in data.records if record.label == "nevus"][:4]


def test_sentence(nevi):
    index = index_of(nevi[:3], ("HAM10000", "nv")) | index_of(nevi[:1], ("HAM10000", "nv"), ("ISIC 2019", "MEL"))
    index |= index_of(nevi[3:], ("MILK10k", "NV"), use="held out")
    found = overlap_of(nevi, index)
    assert str(found) == (
        "3 of 4 images are in HAM10000; 1 of 4 images is in ISIC 2019; 1 of 4 images is in MILK10k, 1 of them in the held-out "
        "part of the default detector; 1 is in ISIC 2019 under another diagnosis"
    )
    assert found.positions == (0, 1, 2, 3)
    assert found.other_diagnosis == {"ISIC 2019": (0,)}
    assert found.to_dict()["sets"]["MILK10k"] == {"images": 1, "held_out": 1, "other_diagnosis": 0}


@pytest.mark.parametrize(
    ("labels", "differs"),
    [
        (["nv"], False),
        (["benign"], False),  # covers nevus
        (["melanoma"], True),
        (["melanoma", "nevus"], False),  # the set itself has both
        ([""], False),
        (["banana"], False),
    ],
)
def test_another_diagnosis(nevi, labels, differs):
    found = overlap_of(nevi[:1], index_of(nevi[:1], *[("a", label) for label in labels]))
    assert bool(found.other_diagnosis) == differs


def test_an_image_by_two_entries_counts_once(nevi):
    code = np.frombuffer(bytes.fromhex(nevi[0].fingerprint), np.uint8).copy()
    code[0] ^= 1
    index = index_of(nevi[:1], ("a", "nv"), use="held out")
    index |= KnownImages.of([KnownImage(code.tobytes(), bytes(8), "", Facts((Membership("a", "nv"),), "trained on"))])
    found = overlap_of(nevi[:1], index)
    assert found.sets == {"a": (0,)}
    assert found.held_out == {"a": 0}  # one of them was trained on


def test_an_index_of_ones_own_does_not_contradict_what_was_held_out(nevi, tmp_path):
    shipped = index_of(nevi[:2], ("a", "nv"), use="held out") | index_of(nevi[2:], ("a", "nv"), use="trained on")
    own = KnownImages.of(image._replace(id=str(row)) for row, image in enumerate(index_of(nevi, ("mine", "nv"))))
    assert overlap_of(nevi, shipped).held_out == {"a": 2}
    assert overlap_of(nevi, shipped | own).held_out == {"a": 2, "mine": 2}
    assert overlap_of(nevi, own).held_out == {"mine": 0}  # nobody knows


@pytest.mark.parametrize("known", [3, True, float("nan"), "", b"a.known", {}, [None], [3], [["a.known"]]])
def test_what_is_no_index_is_refused(known):
    with pytest.raises(DatasetError, match=r"known=.*; expected an index that md\.fingerprint made"):
        known_images(known)


def test_indexes_of_a_generator(nevi):
    assert "ours" in known_images(own for own in [index_of(nevi, ("ours", "nv"))]).sets


def test_nothing_is_known(nevi):
    found = overlap_of(nevi, known_images(None))
    assert not found
    assert str(found) == ""
    assert not overlap_of(nevi, known_images())  # drawn lesions are in no public set


def test_further_indexes(nevi, tmp_path):
    ours = index_of(nevi, ("ours", "nv"))
    path = write_index(ours, tmp_path / "ours.known")
    assert set(known_images(ours).sets) == set(known_images(path).sets) == {*known_images().sets, "ours"}
    assert len(known_images([path, ours])) == len(known_images()) + len(ours)
    with pytest.raises(DatasetError, match=r"none\.known"):
        known_images("none.known")


def test_shipped_index():
    index = known_images()
    assert {"HAM10000", "ISIC 2019", "ISIC 2020", "MILK10k", "PAD-UFES-20"} <= set(index.sets)
    assert list(unpack_index(pack_index(index))) == list(index)
    assert len(pack_index(index)) / len(index) < 42
    assert {facts.use for facts in index.facts} == {"trained on", "held out"}
    assert module._read_shipped() is index


def test_load_dataset_logs_and_warns(lesions, nevi, caplog):
    index = index_of(nevi, ("ours", "melanoma"))
    with (
        caplog.at_level("INFO", "melanoma_detect"),
        pytest.warns(DataWarning, match="4 are in ours under another diagn"),
    ):
        md.load_dataset(lesions, image_size=(32, 32), known=index)
    assert "images are in ours; 4 are in ours under another diagnosis" in caplog.text


def test_evaluate_looks_hashes_up_without_reading_files(data, nevi):
    scanned = codes_to_look_up(data.test.records, data.test.scans.fingerprint_of)
    assert all(hasattr(own, "queries") for own in scanned)
