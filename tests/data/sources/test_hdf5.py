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
