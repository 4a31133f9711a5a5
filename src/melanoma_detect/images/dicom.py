"""DICOM photographs and dermoscopy as PIL images; needs the extra `dicom`."""

from typing import Any, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.errors import InvalidDicomError
from pydicom.pixels import apply_color_lut, pixel_array


def decode_dicom(file: BinaryIO, max_pixels: int) -> Image.Image:
    """Decode the first frame of a DICOM file.

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
        rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
        if not rows * columns or "PixelData" not in dataset:
            raise ValueError("a DICOM file without an image")
        if rows * columns > max_pixels:  # before decoding: the pixels may not fit in memory
            raise ValueError(f"{columns}×{rows} pixels, more than {max_pixels // 10**6} million")
        array = pixel_array(dataset, index=0) if int(dataset.get("NumberOfFrames") or 1) > 1 else pixel_array(dataset)
        image = Image.fromarray(_scale_to_uint8(dataset, array))
    except (InvalidDicomError, AttributeError, KeyError, RuntimeError, NotImplementedError) as error:
        raise ValueError(str(error)) from error
    if profile := dataset.get("ICCProfile"):
        image.info["icc_profile"] = bytes(profile)
    image.format = "DICOM"
    return image


def _scale_to_uint8(dataset: Any, array: NDArray[Any]) -> NDArray[np.uint8]:
    kind = str(dataset.PhotometricInterpretation)
    bits = int(dataset.BitsStored)
    if kind == "PALETTE COLOR":
        array, bits = apply_color_lut(array, dataset), int(dataset.RedPaletteColorLookupTableDescriptor[2])
    values = array.astype(np.float64)
    if np.issubdtype(array.dtype, np.signedinteger):  # from -2^(bits-1), not from 0
        values += 2.0 ** (bits - 1)
    scaled = np.clip(values / (2.0**bits - 1), 0, 1)
    if kind == "MONOCHROME1":  # 0 is white
        scaled = 1 - scaled
    return np.rint(scaled * 255).astype(np.uint8)
