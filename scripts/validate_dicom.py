"""Check the DICOM files that melanoma-detect writes with dciodvfy, the validator of David Clunie's dicom3tools.

    python scripts/validate_dicom.py                 # makes a report of each decision and a sheet of each kind, and checks them
    python scripts/validate_dicom.py report.dcm ...  # checks these files

It exits with 1 where dciodvfy finds an error. Debian and Ubuntu have it in the package dicom3tools. The image is drawn.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

import melanoma_detect as md

TOOL = "dciodvfy"
PHOTOGRAPH = "1.2.840.10008.5.1.4.1.1.77.1.4"
SEVERAL_FRAMES = "1.2.840.10008.5.1.4.1.1.7.4"
# Warnings that are meant: the private coding scheme is declared in the file, the drawn image belongs to no real study, and the
# side of the body is not known where the image does not give it.
EXPECTED = ("Unrecognized defined term <99MELDETECT>", "needed to build DICOMDIR", "attribute <Laterality>")


def write_image(path: Path, pixels: np.ndarray, **elements: object) -> None:
    """Write a photograph of nobody."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID = SEVERAL_FRAMES if pixels.ndim > 3 else PHOTOGRAPH
    made.SOPInstanceUID, made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(), generate_uid(), generate_uid()
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = (
        made.SOPClassUID,
        made.SOPInstanceUID,
    )
    made.Modality, made.PatientName, made.PatientID = "XC", "Drawn^Lesion", "DRAWN"
    made.Rows, made.Columns, made.SamplesPerPixel, made.PlanarConfiguration = *pixels.shape[-3:-1], 3, 0
    made.PhotometricInterpretation, made.PixelRepresentation = "RGB", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    if pixels.ndim > 3:
        made.NumberOfFrames = len(pixels)
    made.PixelData = pixels.tobytes()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    pydicom.dcmwrite(path, made, enforce_file_format=True)


def write_examples(folder: Path) -> Iterator[Path]:
    """Yield a report of each decision, and the sheets of an image and of a frame."""
    pixels = md.draw_lesion("melanoma", seed=5, size=256).pixels
    site = Dataset()
    site.CodeValue, site.CodingSchemeDesignator, site.CodeMeaning = "39937001", "SCT", "Skin"
    lossy = {
        "LossyImageCompression": "01",
        "LossyImageCompressionRatio": "12",
        "LossyImageCompressionMethod": "ISO_10918_1",
    }
    write_image(folder / "one.dcm", pixels, AnatomicRegionSequence=[site], Laterality="L", **lossy)
    write_image(folder / "several.dcm", np.stack([pixels, pixels[::-1]]))
    detector = md.Detector.load()
    for name in ("one.dcm", "several.dcm#2"):
        prediction = detector.predict(str(folder / name))
        for decision in ("alert", "clear", "refer", "abstains"):
            abstains = decision == "abstains"
            reason = "too blurred" if abstains else "a cancer is likely" * (decision == "refer")
            changed = replace(prediction, decision="refer" if abstains else decision, abstained=abstains, reason=reason)
            yield folder / f"{name}-{decision}.dcm"
            changed.to_dicom_sr(folder / name, out=folder / f"{name}-{decision}.dcm", detector=detector)
        yield folder / f"{name}-sheet.dcm"
        detector.explain(str(folder / name)).to_dicom_sc(out=folder / f"{name}-sheet.dcm")


def problems(path: Path) -> list[str]:
    """Return what dciodvfy says of a file, without the warnings that are meant."""
    ran = subprocess.run([TOOL, path], capture_output=True, text=True, check=False)
    said = (ran.stdout + ran.stderr).splitlines()
    return [line for line in said if line.startswith(("Error", "Warning")) and not any(map(line.count, EXPECTED))]


def main() -> int:
    """Check the files, and print what is found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="DICOM files; without any, examples are made")
    given = parser.parse_args().files
    errors = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in given or list(write_examples(Path(folder))):
            found = problems(path)
            errors += sum(line.startswith("Error") for line in found)
            print(f"{path.name}: {'; '.join(found) or 'no errors'}")
    return int(errors > 0)


if __name__ == "__main__":
    sys.exit(main())
