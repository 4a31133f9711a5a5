"""Images in HDF5 files."""

import h5py
import numpy as np
import pytest

from melanoma_detect.data.sources.hdf5 import unpack_images
from melanoma_detect.errors import DatasetError


def test_what_is_no_file_of_images_raises(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"nonsense")
    with pytest.raises(DatasetError, match=r"a\.h5: cannot be unpacked"):
        unpack_images(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["weights"] = np.zeros((3, 3))
    with pytest.raises(DatasetError, match="'weights' is no image file"):
        unpack_images(tmp_path / "b.h5")


def test_images_that_lie_in_other_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = np.frombuffer(b"\xff\xd8" + b"x" * 98, np.uint8)
    (tmp_path / "secret.jpg").write_bytes(content.tobytes())
    with h5py.File("other.h5", "w") as other:
        other["a"] = content
    with h5py.File("external.h5", "w") as file:
        file["a"] = h5py.ExternalLink("other.h5", "/a")
    with h5py.File("soft.h5", "w") as file:
        file["z"], file["a"] = content, h5py.SoftLink("/z")
    with h5py.File("storage.h5", "w") as file:
        file.create_dataset("a", (100,), np.uint8, external=[("secret.jpg", 0, 100)])
    with h5py.File("virtual.h5", "w") as file:
        layout = h5py.VirtualLayout((100,), np.uint8)
        layout[:] = h5py.VirtualSource("other.h5", "a", (100,))
        file.create_virtual_dataset("a", layout)
    for name, message in {
        "external.h5": "is a link",
        "soft.h5": "is a link",
        "storage.h5": "is no image file",
        "virtual.h5": "is no image file",
    }.items():
        with pytest.raises(DatasetError, match=message):
            unpack_images(tmp_path / name)


def test_a_dataset_that_would_fill_the_memory_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", (2**40,), np.uint8, chunks=(2**16,), compression="gzip")
    with pytest.raises(DatasetError, match="'a' is no image file"):
        unpack_images(tmp_path / "a.h5")
