"""The nearest neighbours of an image, of other lesions."""

import numpy as np

from melanoma_detect.data_audit.neighbours import nearest_of_others


def test_the_nearest_come_first_one_of_each_lesion_and_none_of_its_own():
    features = np.array([[1, 0], [1, 0.05], [1, 0.1], [1, 0.2], [0, 1], [-1, 0]], np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    found = nearest_of_others(features, [0, 5], ["a", "a", "b", "b", "c", "d"], 2)
    assert [row.tolist() for row in found] == [[2, 4], [4, 3]]


def test_too_few_lesions_give_fewer_neighbours():
    assert [row.tolist() for row in nearest_of_others(np.eye(2, dtype=np.float32), [0], ["a", "a"], 3)] == [[]]
