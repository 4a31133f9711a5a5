"""DICOM photographs and dermoscopy as PIL images; needs the extra `dicom`."""

from typing import Any, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array


def decode_dicom(file: BinaryIO, max_pixels: int) -> Image.Image:
    """Decode the first frame of a DICOM file.

    Greyscale is shown by the file's own window or lookup table (PS3.3 C.11.2), where it has one; else all of its range is.

    Args:
        file: The open file.
        max_pixels: The largest number of pixels to decode.

    Returns:
        An RGB or greyscale image of 8 bits, its colour profile in `info`.

    Raises:
        ValueError: The file is damaged, has no image, or too large an image.

    Examples:
        >>> import io
        >>> decode_dicom(io.BytesIO(b"no DICOM"), 100)
        Traceback (most recent call last):
        ValueError: File is missing DICOM File Meta Information header ...
    """
    try:
        dataset = pydicom.dcmread(file)
        _check_size(dataset, max_pixels)
        array = pixel_array(dataset, index=0) if int(dataset.get("NumberOfFrames") or 1) > 1 else pixel_array(dataset)
        image = Image.fromarray(_scale_to_uint8(dataset, array))
    except Exception as error:  # for damaged files pydicom raises nearly anything
        raise ValueError(str(error) or type(error).__name__) from error
    if profile := dataset.get("ICCProfile"):
        image.info["icc_profile"] = bytes(profile)
    image.format = "DICOM"
    return image


def _check_size(dataset: Any, max_pixels: int) -> None:
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if not rows * columns or "PixelData" not in dataset:
        raise ValueError("a DICOM file without an image")
    if rows * columns > max_pixels:  # before decoding: the pixels may not fit in memory
        raise ValueError(f"{columns}×{rows} pixels, more than {max_pixels // 10**6} million")


def _scale_to_uint8(dataset: Any, array: NDArray[Any]) -> NDArray[np.uint8]:
    kind = str(dataset.PhotometricInterpretation)
    bits = int(dataset.BitsStored)
    if kind == "PALETTE COLOR":
        array, bits = apply_color_lut(array, dataset), int(dataset.RedPaletteColorLookupTableDescriptor[2])
    low, high = 0.0, 2.0**bits - 1
    if kind.startswith("MONOCHROME"):
        array, low, high = _displayed(dataset, array)
    elif np.issubdtype(array.dtype, np.signedinteger):
        raise ValueError("signed colour values")
    scaled = np.clip((array.astype(np.float64) - low) / (high - low), 0, 1)
    if kind == "MONOCHROME1":  # 0 is white
        scaled = 1 - scaled
    return np.rint(scaled * 255).astype(np.uint8)


def _displayed(dataset: Any, array: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
    """Return grey values after the file's modality and display transformations, with the values of black and white."""
    bits = int(dataset.BitsStored)
    low, high = (
        (0.0, 2.0**bits - 1) if not int(dataset.PixelRepresentation) else (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1)
    )
    if table := dataset.get("ModalityLUTSequence"):
        low, high = 0.0, 2.0 ** int(table[0].LUTDescriptor[2]) - 1
    elif "RescaleSlope" in dataset and "RescaleIntercept" in dataset:
        slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
        low, high = sorted((low * slope + intercept, high * slope + intercept))
    shown = apply_voi_lut(apply_modality_lut(array, dataset), dataset)
    if table := dataset.get("VOILUTSequence"):
        low, high = 0.0, 2.0 ** int(table[0].LUTDescriptor[2]) - 1
    return shown, low, high
