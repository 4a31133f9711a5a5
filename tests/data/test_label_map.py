"""Label maps: new names that are slips of the pen. How labels are renamed is tested with `load_dataset`."""

import warnings

import pytest

from melanoma_detect.data.label_map import map_labels
from melanoma_detect.errors import DataWarning


def test_a_new_name_that_is_nearly_a_diagnosis_is_a_warning():
    with pytest.warns(
        DataWarning, match="'MM' the new name 'Melanomma', which is no diagnosis .* did you mean 'melanoma'"
    ):
        renamed = map_labels(["MM", "nv"], {"MM": "Melanomma"})
    assert renamed == {"MM": "Melanomma", "nv": "nv"}


def test_names_of_the_users_own_are_taken_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        map_labels(["a", "b", "c", "d"], {"a": "to watch", "b": "melanoma in situ", "c": None, "d": "nevus 2"})
