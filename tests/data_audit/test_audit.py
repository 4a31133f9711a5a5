"""The audit: what is wrong, in words, figures and images."""

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DataWarning


@pytest.fixture(scope="module")
def broken(lesions, tmp_path_factory):
    """A folder with one of everything that may be wrong."""
    root = tmp_path_factory.mktemp("broken") / "isic9"
    shutil.copytree(lesions, root)
    nevi, melanomas = root / "Train" / "nevus", root / "Train" / "melanoma"
    first, second, third, *_ = sorted(nevi.glob("*.jpg"))
    shutil.copy(first, melanomas / "twin.jpg")
    shutil.copy(second, root / "Test" / "nevus" / "leaked.jpg")
    with Image.open(third) as image:
        image.transpose(Image.Transpose.ROTATE_90).save(nevi / "turned <b>.png")
        image.rotate(5).save(nevi / f"nevus_original_{third.name}_03c4ba74-dc5c-4f4e-9b23-0c1f7d8a9e10.jpg")
    (nevi / "broken.jpg").write_bytes(first.read_bytes()[:200])
    (nevi / "notes.txt").write_text("hello")
    Image.fromarray(md.draw_lesion("nevus", seed=99, size=64).pixels // 9).save(nevi / "dark.jpg")
    Image.fromarray(md.draw_lesion("nevus", seed=98, size=40).pixels).save(nevi / "tiny.png")
    return root


@pytest.fixture(scope="module")
def sound(lesions):
    """The same folder before anything was broken: some lesions are drawn twice, as a camera would."""
    return md.audit(lesions, progress=False)


@pytest.fixture(scope="module")
def audit(broken):
    return md.audit(broken, progress=False)


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("unreadable", 1),
        ("two labels", 1),
        ("image in two splits", 1),
        ("copies made by Augmentor", 1),
        ("same image, other bytes", 1),
        ("poor images", 2),
        ("other files", 1),
        ("label against the table", 0),
    ],
)
def test_everything_that_is_wrong_is_counted(audit, sound, kind, count):
    assert audit[kind].count - sound[kind].count == count, str(audit)


def test_what_was_set_aside_counts_as_well(broken, audit):
    with pytest.warns(DataWarning):
        data = md.load_dataset(broken)
    mended = md.audit(data, progress=False)
    for kind in ("unreadable", "two labels", "image in two splits"):
        assert mended[kind].count == audit[kind].count


def test_each_finding_says_what_it_does_and_what_to_do(audit):
    for found in audit.findings:
        assert found.effect.endswith(".")
        assert found.advice.endswith(".")
        assert re.search(r"\d", found.summary)
        assert found.kind in str(audit)


def test_a_sound_dataset_has_nothing_grave_to_say(sound):
    for kind in ("unreadable", "two labels", "image in two splits", "lesion in two splits", "other files"):
        assert sound[kind].count == 0


def test_the_frame_and_the_values_name_the_records(audit):
    frame = audit.frame
    assert set(frame[frame["kind"] == "two labels"]["label"]) == {"nevus", "melanoma"}
    values = json.loads(json.dumps(audit.to_dict()))
    assert {finding["kind"] for finding in values["findings"]} == {finding.kind for finding in audit.findings}


def test_the_page_shows_the_images_and_escapes_names(audit, tmp_path):
    text = md.report.write_html(audit, tmp_path / "deep" / "audit.html").read_text()
    assert text.count("data:image/jpeg;base64,") >= 8
    assert "turned &lt;b&gt;.png" in text
    assert "turned <b>" not in text
    assert not re.search(r"(src|href)=\"http", text)


def test_old_names_still_work_with_a_warning(audit):
    with pytest.warns(DeprecationWarning, match="use Audit.images"):
        assert audit.pictures == audit.images
    with pytest.warns(DeprecationWarning, match=r"use md.report.write_html\(audit, path\)"):
        assert audit.html("audit.html").is_file()


def test_a_class_that_the_source_gives_away_is_named(tree):
    root = tree({"Train/melanoma": 30, "Train/nevus": 30, "Test/melanoma": 2, "Test/nevus": 2})
    for path in (root / "Train" / "melanoma").iterdir():
        with Image.open(path) as image:
            image.resize((48, 40)).save(path)
    found = md.audit(root, progress=False)["class told by source"]
    assert found.values["balanced accuracy"]["low"] > 0.9
    assert found.values["markers"]["image size"] == 1
    assert found.values["markers"]["camera"] == pytest.approx(0.5)


def test_the_output_of_augmentor_is_known_by_name_and_by_content(tree):
    root = tree({"Train/melanoma": 4, "Train/nevus": 4, "Test/melanoma": 1, "Test/nevus": 1})
    for number, path in enumerate(sorted((root / "Train" / "nevus").iterdir())):
        output = path.parent / "output"
        output.mkdir(exist_ok=True)
        large = Image.fromarray(md.draw_lesion("nevus", seed=40 + number, size=160).pixels)
        large.save(path)
        large.rotate(6, Image.Resampling.BICUBIC).save(
            output / f"nevus_original_{path.name}_03c4ba74-dc5c-4f4e-9b23-0c1f7d8a9e1{number}.png"
        )
        large.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(output / f"renamed_{number}.png")
    found = md.audit(root, progress=False)
    values = found["copies made by Augmentor"].values
    assert (values["among the images"], values["outside"]) == (0, 8)
    assert (values["by name"], values["by content"]) == (4, 4)
    assert values["agreeing"] == values["looked at"] == 4
    assert found["other files"].count == 0


def test_a_model_looks_too(data, detector):
    few = data.with_records([*data.test.records, *data.train.records[:5]])
    assert (
        np.isin(
            [f.kind for f in md.audit(few, detector=detector, progress=False).findings], ["lesion seen twice"]
        ).sum()
        <= 1
    )


def test_a_source_folder_named_balanced_is_audited(tree):
    root = tree({"balanced/melanoma": 6, "balanced/nevus": 6, "other/melanoma": 5, "other/nevus": 5})
    data = md.load_dataset([root / "balanced", root / "other"], image_size=(32, 32))
    assert any(record.id.startswith("balanced/") for record in data.records)
    assert md.audit(data, progress=False).images == len(data.records)
    copies = md.balance(data, to=20, progress=False)
    assert md.audit(copies, progress=False).images == len(data.records)


def test_clinical_photographs_beside_dermoscopy_are_named(tree):
    folder = tree({"melanoma": 6, "nevus": 6})
    rows = [
        f"{path.relative_to(folder)},{number},{'clinical: close-up' if number % 3 == 0 else 'dermoscopic'}"
        for number, path in enumerate(sorted(folder.rglob("*.png")))
    ]
    (folder / "metadata.csv").write_text("\n".join(["image,lesion_id,image_type", *rows]))
    finding = md.audit(md.load_dataset(folder, image_size=(32, 32)), progress=False)["two types of image"]
    assert (finding.count, finding.values) == (4, {"clinical": 4, "dermoscopy": 8})
    assert finding.summary == "4 clinical photographs beside 8 dermoscopy images"
    (folder / "metadata.csv").write_text(
        "\n".join(["image,lesion_id,image_type", *rows]).replace("dermoscopic", "clinical")
    )
    assert md.audit(folder, progress=False)["two types of image"].count == 0
