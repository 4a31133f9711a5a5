"""Signatures of detector files."""

import json
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from detector_members import rewrite

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.signatures import check_signature, sign

SMALL = Path(__file__).parent / "data" / "schema_5.detector"


def pem(key):
    """Return a private key as the bytes of a PEM file."""
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def public_pem(key):
    """Return the public key of a private one as the bytes of a PEM file."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def key():
    return Ed25519PrivateKey.generate()


@pytest.fixture
def signed(key, tmp_path):
    (tmp_path / "key.pem").write_bytes(pem(key))
    (tmp_path / "trusted.pem").write_bytes(public_pem(key))
    md.Detector.load(SMALL).save(tmp_path / "signed.detector", sign_key=tmp_path / "key.pem")
    return tmp_path / "signed.detector"


def test_a_signed_detector_is_loaded_with_its_key_in_every_form(signed, key):
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    other = Ed25519PrivateKey.generate().public_key()
    trusted = signed.with_name("trusted.pem")
    for keys in (trusted, str(trusted), trusted.read_bytes(), raw, key.public_key(), [other, raw], (trusted,)):
        assert md.Detector.load(signed, trusted_keys=keys).classes
    assert md.Detector.load(signed).classes  # who asks for no key needs none
    for given in (pem(key), key, key.private_bytes_raw()):
        check_signature(Path("x"), b"{}", sign(b"{}", given), trusted)


def test_unsigned_files_and_files_of_others_are_refused(signed, key, tmp_path):
    other = Ed25519PrivateKey.generate()
    with pytest.raises(DetectorError, match=r"signed\.detector: was signed by another key"):
        md.Detector.load(signed, trusted_keys=other.public_key())
    for unsigned in (SMALL, SMALL.with_name("schema_4.detector")):
        with pytest.raises(DetectorError, match="is not signed"):
            md.Detector.load(unsigned, trusted_keys=key.public_key())
    with pytest.raises(DetectorError, match="trusted_keys is empty"):
        md.Detector.load(signed, trusted_keys=[])


def test_a_changed_file_with_digests_that_fit_is_refused(signed, key, tmp_path):
    with zipfile.ZipFile(signed) as archive:
        values = json.loads(archive.read("detector.json"))
        signature = archive.read("signature.json")
    values["settings"]["sensitivity"] = 0.5
    place = tmp_path / "changed.detector"
    rewrite(signed, place, {"detector.json": json.dumps(values).encode()})
    with zipfile.ZipFile(place, "a") as archive:
        archive.writestr("signature.json", signature)
    assert md.Detector.load(place).predictor.settings.sensitivity == 0.5
    with pytest.raises(DetectorError, match="changed since it was signed"):
        md.Detector.load(place, trusted_keys=key.public_key())


def test_a_downgrade_to_a_schema_without_digests_is_refused(signed, key, tmp_path):
    with zipfile.ZipFile(signed) as archive:
        values = json.loads(archive.read("detector.json"))
    rewrite(
        signed, tmp_path / "old.detector", {"detector.json": json.dumps(values | {"schema": 4}).encode()}, digests=False
    )
    assert md.Detector.load(tmp_path / "old.detector").classes
    with pytest.raises(DetectorError, match="is not signed"):
        md.Detector.load(tmp_path / "old.detector", trusted_keys=key.public_key())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"ed25519": 1}', b'{"ed25519": "zz"}', b'{"ed25519": "00"}', b"\xff"]
)
def test_damaged_signatures(key, content):
    with pytest.raises(DetectorError, match="my: "):
        check_signature(Path("my"), b"{}", content, key.public_key())


def test_what_is_no_key_is_named_and_never_printed(tmp_path, key):
    other = generate_private_key(SECP256R1())
    (tmp_path / "ec.pem").write_bytes(pem(other))
    (tmp_path / "ec-public.pem").write_bytes(public_pem(other))
    (tmp_path / "large.pem").write_bytes(bytes(100_000))
    for bad in (
        tmp_path / "none.pem",
        tmp_path / "ec.pem",
        tmp_path / "large.pem",
        tmp_path,
        public_pem(key),
        b"secret",
        3,
    ):
        with pytest.raises(DetectorError, match="not an Ed25519 private key") as caught:
            sign(b"{}", bad)
        assert "secret" not in str(caught.value)
    for bad in (tmp_path / "none.pem", tmp_path / "ec-public.pem", pem(key), b"", 3):
        with pytest.raises(DetectorError, match="not an Ed25519 public key"):
            check_signature(Path("my"), b"{}", b"{}", [bad])


@pytest.mark.parametrize("name", ["MODEL_CARD.md", "model.keras", "training_fingerprint.json"])
def test_with_trusted_keys_the_whole_file_is_checked_at_once(signed, key, name):
    """Members that no prediction needs are otherwise compared when they are read, and the card never is."""
    place = signed.with_name("changed.detector")
    with zipfile.ZipFile(signed) as old, zipfile.ZipFile(place, "w") as new:
        for own in old.namelist():
            new.writestr(own, old.read(own) + (b" " if own == name else b""))
    assert md.Detector.load(place).classes
    with pytest.raises(DetectorError, match=rf"changed\.detector: {name} differs from its digest"):
        md.Detector.load(place, trusted_keys=key.public_key())


@pytest.mark.parametrize("keys", [5, [], [None]])
def test_trusted_keys_that_are_none(signed, keys):
    with pytest.raises(DetectorError, match=r"trusted_keys is|not an Ed25519 public key"):
        md.Detector.load(signed, trusted_keys=keys)
