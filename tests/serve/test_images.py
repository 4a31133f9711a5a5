"""What the service reads: everyday files, damaged ones, and DICOM files of one frame or several."""

import io
import json
import time
import warnings

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.images.frames import Frame
from melanoma_detect.serve import ServeSettings, create_app, images


def dicom(pixels):
    """Return a DICOM photograph of uint8 frames `(n, height, width, 3)`."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, VLPhotographicImageStorage

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = VLPhotographicImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    dataset.Modality, dataset.PhotometricInterpretation = "XC", "RGB"
    dataset.Rows, dataset.Columns = pixels.shape[1:3]
    dataset.SamplesPerPixel, dataset.PlanarConfiguration, dataset.PixelRepresentation = 3, 0, 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    if len(pixels) > 1:
        dataset.NumberOfFrames = len(pixels)
    dataset.PixelData = pixels.tobytes()
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def predictions(ask, app, *files):
    answer = ask(app, "post", "/v1/predict", files=[("files", file) for file in files])
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def plain(prediction, name):
    return json.loads(json.dumps({"file": name} | prediction.to_dict() | {"source": name}))


def test_a_dicom_photograph_is_read_as_by_the_library(ask, two_types):
    detector, content = two_types(), dicom(np.full((1, 16, 16, 3), (30, 100, 140), np.uint8))
    assert predictions(ask, create_app(detector), ("lesion.dcm", content)) == [
        plain(detector.predict(content), "lesion.dcm")
    ]


def test_every_frame_of_a_dicom_file_is_answered_under_its_name(ask, two_types):
    detector = two_types()
    frames = np.stack([np.full((16, 16, 3), (30, 100, blue), np.uint8) for blue in (20, 140, 250)])
    content = dicom(frames)
    found = predictions(ask, create_app(detector), ("first.png", b"no image"), ("several.dcm", content))
    assert found[1:] == [plain(detector.predict([Frame(content, n)])[0], f"several.dcm#{n}") for n in (1, 2, 3)]
    explained = ask(create_app(detector), "post", "/v1/explain", files={"file": ("several.dcm", content)})
    assert (explained.status_code, "3 frames" in explained.json()["error"]) == (422, True)


def test_too_many_frames_or_pixels_are_refused_before_they_are_decoded(ask, two_types, monkeypatch):
    app = create_app(two_types(), ServeSettings(max_files=2, max_pixels=1000))
    monkeypatch.setattr("melanoma_detect.images.dicom._decode", lambda *_, **__: pytest.fail("it was decoded"))
    many, large = dicom(np.zeros((3, 8, 8, 3), np.uint8)), dicom(np.zeros((1, 40, 30, 3), np.uint8))
    first, second = predictions(ask, app, ("many.dcm", many), ("large.dcm", large))
    assert first["error"] == "many.dcm: 3 frames; expected at most 2: split the file"
    assert second["error"] == "large.dcm: 30×40 pixels; expected at most 0.001 million: make it smaller"


def test_a_header_that_pydicom_warns_of_keeps_the_limit_of_pixels(ask, two_types, monkeypatch):
    import pydicom

    app, read = create_app(two_types(), ServeSettings(max_pixels=1000)), pydicom.filereader.read_dataset

    def warn(*arguments, **options):
        warnings.warn("an odd value", UserWarning, stacklevel=2)
        return read(*arguments, **options)

    monkeypatch.setattr("melanoma_detect.images.dicom_header.read_dataset", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = predictions(ask, app, ("large.dcm", dicom(np.zeros((1, 40, 30, 3), np.uint8))))
    assert found["error"] == "large.dcm: 30×40 pixels; expected at most 0.001 million: make it smaller"


def test_a_damaged_dicom_file_has_its_error_in_place(ask, two_types):
    content = dicom(np.zeros((1, 16, 16, 3), np.uint8))
    for limits in (ServeSettings(), ServeSettings(max_pixels=1000)):
        (found,) = predictions(ask, create_app(two_types(), limits), ("damaged.dcm", content[:300]))
        assert found["error"].startswith("damaged.dcm: ")
        assert (found["decision"], found["reason"]) == ("refer", "unreadable")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_everyday_files_are_read_as_by_the_library(ask, two_types, kind, mode):
    if (kind, mode) in {("JPEG", "RGBA"), ("JPEG", "P")}:
        return
    file = io.BytesIO()
    image = Image.fromarray(md.draw_lesion("nevus", seed=1, size=40).pixels).convert(mode)
    image.save(file, kind)
    detector = two_types()
    name = f"täglich.{kind.lower()}"
    assert predictions(ask, create_app(detector), (name, file.getvalue())) == [
        plain(detector.predict(file.getvalue()), name)
    ]


def test_any_beginning_of_a_file_is_answered(ask, two_types, photo):
    content = photo(2, size=48)
    app = create_app(two_types())
    pieces = [(f"{length}.jpg", content[:length]) for length in range(1, len(content), max(1, len(content) // 60))]
    found = predictions(ask, app, *pieces)
    assert len(found) == len(pieces)
    assert all(each["decision"] in ("alert", "clear", "refer") for each in found)
    assert [each["file"] for each in found] == [name for name, _ in pieces]


def test_an_image_that_takes_too_long_has_an_error_and_the_others_their_answer(ask, two_types, photo, monkeypatch):
    load = images.load_rgb

    def slow(image, *arguments, **options):
        if image.name == "slow.png":
            time.sleep(20)
        return load(image, *arguments, **options)

    monkeypatch.setattr(images, "load_rgb", slow)
    app = create_app(two_types(), ServeSettings(seconds=4))
    started = time.monotonic()
    late, read = predictions(ask, app, ("slow.png", photo()), ("quick.png", photo()))
    assert time.monotonic() - started < 10
    assert (late["decision"], late["reason"]) == ("refer", "unreadable")
    assert late["error"] == "slow.png: took longer than 2 seconds to read; make it smaller, or save it again"
    assert "error" not in read
    explained = ask(app, "post", "/v1/explain", files={"file": ("slow.png", photo())})
    assert (explained.status_code, "took longer" in explained.json()["error"]) == (422, True)
