"""The keys of a whole run or machine."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.signing_keys import VARIABLE, check_sign_key, default_trusted_keys

SMALL = Path(__file__).parent / "data" / "schema_5.detector"


@pytest.fixture
def keys(tmp_path):
    """Return the files of a private key and of its public key."""
    key = Ed25519PrivateKey.generate()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    private, public = tmp_path / "release.pem", tmp_path / "trusted.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    return private, public


def test_the_environment_names_trusted_keys(keys, tmp_path, monkeypatch):
    private, public = keys
    signed = tmp_path / "signed.detector"
    md.Detector.load(SMALL).save(signed, sign_key=private)
    monkeypatch.setenv(VARIABLE, f"{public}{os.pathsep}")
    assert default_trusted_keys() == [public]
    assert md.Detector.load(signed).classes
    for unsigned in (SMALL, None):
        with pytest.raises(DetectorError, match="is not signed"):
            md.Detector.load(unsigned)
    monkeypatch.setenv(VARIABLE, os.pathsep)
    assert default_trusted_keys() is None


def test_a_key_that_cannot_sign_is_found_before_the_work(keys):
    private, public = keys
    check_sign_key(private)
    check_sign_key(None)
    with pytest.raises(DetectorError, match="not an Ed25519 private key"):
        check_sign_key(public)


@pytest.mark.parametrize(
    "command", ["predict {image} -d {unsigned}", "card -d {unsigned}", "explain {image} -d {unsigned} --out {out}"]
)
def test_commands_refuse_what_no_trusted_key_has_signed(keys, tmp_path, command):
    from PIL import Image
    from typer.testing import CliRunner

    from melanoma_detect.cli import app

    Image.fromarray(md.draw_lesion("nevus", seed=1, size=64).pixels).save(tmp_path / "lesion.png")
    md.Detector.load(SMALL).save(tmp_path / "signed.detector", sign_key=keys[0])
    names = {"image": tmp_path / "lesion.png", "out": tmp_path / "out.png"}
    for detector, passes in ((SMALL, False), (tmp_path / "signed.detector", True)):
        line = [*command.format(**names, unsigned=detector).split(), "--trusted-keys", str(keys[1])]
        result = CliRunner().invoke(app, line)
        assert (result.exit_code == 0) == passes, result.output
        assert passes or isinstance(result.exception, DetectorError) or "is not signed" in result.output
