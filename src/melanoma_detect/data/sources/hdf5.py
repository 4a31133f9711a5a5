"""HDF5 files of images, as ISIC 2024 publishes them: under each id the bytes of its JPEG."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from melanoma_detect.data.scan import digest
from melanoma_detect.errors import DatasetError, OutputError
from melanoma_detect.utils.files import atomic_folder, cache_folder, convert_write_errors
from melanoma_detect.utils.regular_files import check_regular

_MAX_BYTES = 2**28  # of one image file
_MAX_NAME = 200  # bytes
_SUFFIXES = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"RI": ".webp", b"BM": ".bmp"}


def unpack_images(path: Path) -> Path:
    """Unpack the images of an HDF5 file into this library's cache, once.

    Args:
        path: The file: each of its datasets is named by an image, and holds the bytes of an image file.

    Returns:
        The folder with one file for each, named as the dataset.

    Raises:
        DatasetError: It is damaged, or holds something else than image files.
        OutputError: The cache cannot be written.

    Examples:
        >>> import h5py, numpy
        >>> photo = next((isic9 / "Test" / "nevus").iterdir())
        >>> with h5py.File("train-image.hdf5", "w") as file:
        ...     file["ISIC_0015670"] = numpy.void(photo.read_bytes())
        >>> [image.stem for image in unpack_images(Path("train-image.hdf5")).iterdir()]
        ['ISIC_0015670']
    """
    import h5py  # noqa: PLC0415 - takes a tenth of a second, which few sources need

    try:
        check_regular(path, DatasetError)
        folder = cache_folder("archives") / hashlib.sha256(digest(path).encode()).hexdigest()[:24]
        with h5py.File(path, "r") as file:
            if not folder.is_dir():
                with convert_write_errors(folder), atomic_folder(folder) as partial:
                    for name, content in _images(path, file):
                        (partial / name).write_bytes(content)
    except OutputError:
        raise
    except (OSError, KeyError, RuntimeError) as error:
        raise DatasetError(f"{path}: cannot be unpacked ({error}); expected a sound HDF5 file of images") from error
    return folder


def _images(path: Path, file: Any) -> Iterator[tuple[str, bytes]]:
    import h5py  # noqa: PLC0415 - takes a tenth of a second, which few sources need

    names = list(file)
    if not names:
        raise DatasetError(f"{path}: holds no images; expected the bytes of an image under each name")
    for name in names:
        if not isinstance(file.get(name, getlink=True), h5py.HardLink):
            raise DatasetError(f"{path}: {name!r} is a link, perhaps to another file; expected the images themselves")
        content = _content(file[name])
        suffix = next((suffix for mark, suffix in _SUFFIXES.items() if content.startswith(mark)), None)
        if (
            suffix is None
            or len(os.fsencode(name)) > _MAX_NAME
            or {"/", "\\", "\0"} & set(name)
            or name.startswith(".")
        ):
            raise DatasetError(
                f"{path}: {name!r} is no image file; expected the bytes of a JPEG under each name, as in ISIC 2024"
            )
        yield name + suffix, content


def _content(dataset: Any) -> bytes:
    """Return the bytes of a dataset: one value of bytes, or an array of them; none of one that is no image file."""
    if not hasattr(dataset, "shape") or len(dataset.shape) > 1:
        return b""
    if dataset.nbytes > _MAX_BYTES or dataset.external or dataset.is_virtual:  # its bytes lie in other files
        return b""
    value = dataset[()]
    return value if isinstance(value, bytes) else bytes(value.tobytes()) if hasattr(value, "tobytes") else b""
