from collections import Counter

import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.loaders import read_labels
from foramgrade.loaders.segmentation.voxels import choose_labels, count_overlaps, refuse_overlaps, whole_numbers


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha", ".nrrd"])
@pytest.mark.parametrize("stored", [119.99998, 120.0009, 120.0])
def test_fractions_next_to_whole_numbers_are_rounded(suffix, stored, mask, oblique_grid, write, tmp_path):
    values = np.where(mask == 2, stored, mask).astype(np.float32)
    labels = read_labels(write(tmp_path / f"m{suffix}", values, oblique_grid.affine), scheme="verse")
    np.testing.assert_array_equal(labels.array, np.where(mask == 2, 120, mask))


@pytest.mark.parametrize("stored", [119.9, 119.998, 120.5])
def test_a_single_fraction_further_away_refuses_the_whole_map(stored, mask, oblique_grid, write, tmp_path):
    values = np.where(mask == 2, 119.99998, mask).astype(np.float32)
    values[5, 5, 5] = stored
    path = write(tmp_path / "m.nii", values, oblique_grid.affine)
    with pytest.raises(InputError, match=r"m\.nii: found 1.* and 0 more fractions, expected whole numbers"):
        read_labels(path, scheme="verse")


def test_an_empty_mask_may_be_allowed():
    assert not whole_numbers(np.zeros((2, 2, 2)), "m.nii", empty_allowed=True).any()
    with pytest.raises(InputError, match=r"m\.nii is empty"):
        whole_numbers(np.zeros((2, 2, 2)), "m.nii")


def test_overlaps_are_counted_by_pair_and_the_largest_named():
    overlaps = Counter()
    for number, taken in ((5, [4, 4, 5, 0]), (4, [5]), (7, [1, 2, 4])):
        count_overlaps(np.array(taken), number, overlaps)
    assert overlaps == {(4, 5): 3, (1, 7): 1, (2, 7): 1, (4, 7): 1}
    message = r"x overlap, L4 and 5 in 3 voxels, 1 and 7 in 1 voxels, 2 and 7 in 1 voxels and 1 more pairs, .*: do y"
    with pytest.raises(InputError, match=message):
        refuse_overlaps(overlaps, {4: "L4"}, where="x", way="do y")
    refuse_overlaps({}, {}, where="x", way="do y")


def test_labels_are_chosen_by_number_or_name():
    names = {1: "L4", 2: "L5", 3: "7", 7: "left", 8: "Left"}
    assert choose_labels(names, None, where="f") == (1, 2, 3, 7, 8)
    assert choose_labels(names, [2, "l4"], where="f") == (1, 2)
    assert choose_labels(names, ["7"], where="f") == (3,), "a name goes before a number"
    assert choose_labels(names, [7], where="f") == (7,)
    assert choose_labels(names, ["8"], where="f") == (8,)
    assert choose_labels(names, "LEFT", where="f") == (7, 8), "all of that name"
    with pytest.raises(InputError, match=r"f: no segment 9, expected some of 1 \(L4\), 2 \(L5\)"):
        choose_labels(names, [9], where="f")
