import shutil

import melanoma_detect as md
from melanoma_detect.data_audit.known_images import KIND


def test_audit_finds_images_of_a_named_set(lesions, tmp_path):
    folder = tmp_path / "theirs" / "melanoma"
    folder.mkdir(parents=True)
    for number, image in enumerate(sorted((lesions / "Train" / "nevus").glob("*.jpg"))[:3]):
        shutil.copy(image, folder / f"{number}.jpg")
    md.fingerprint(tmp_path / "theirs", name="theirs", out="theirs.known", progress=False)
    data = md.load_dataset(lesions, image_size=(32, 32))
    assert md.audit(data, progress=False)[KIND].count == 0
    finding = md.audit(data, known="theirs.known", progress=False)[KIND]
    assert finding.count == 3
    assert finding.summary.startswith("3 of ")
    assert finding.values["sets"]["theirs"]["images"] == 3
