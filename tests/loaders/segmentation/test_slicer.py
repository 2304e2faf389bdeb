import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.loaders import read_labels
from foramgrade.loaders.segmentation.names import NAMES_SCHEME
from foramgrade.loaders.segmentation.segments import read_segments
from foramgrade.loaders.segmentation.slicer import open_slicer_segmentation


def describe(*segments, layers=True):
    """Entries of a header for segments of name, value and layer."""
    entries = {"Segmentation_MasterRepresentation": "Binary labelmap"}
    for n, (name, value, layer) in enumerate(segments):
        entries[f"Segment{n}_Name"] = name
        entries[f"Segment{n}_ID"] = f"Segment_{n}"
        if layers:
            entries[f"Segment{n}_LabelValue"], entries[f"Segment{n}_Layer"] = value, layer
    return entries


@pytest.fixture
def masks(oblique_grid):
    """Two vertebrae and a canal that touches neither."""
    array = np.zeros((*oblique_grid.shape, 3), np.uint8)
    array[4:12, 3:9, 2:7, 0] = 1
    array[4:12, 13:20, 2:7, 1] = 1
    array[13:16, 2:24, 3:6, 2] = 1
    return array


@pytest.fixture
def merged(masks):
    return masks[..., 0] + 2 * masks[..., 1] + 3 * masks[..., 2]


NAMES = {1: "L4 vertebra", 2: "L5 vertebra", 3: "thecal sac"}


@pytest.mark.parametrize("file", ["spine.seg.nrrd", "spine.nrrd"])
def test_a_single_layer_with_its_names(file, merged, oblique_grid, write_slicer, tmp_path):
    entries = describe(*((name, value, 0) for value, name in NAMES.items()))
    found = read_labels(write_slicer(tmp_path / file, merged, oblique_grid, entries))
    np.testing.assert_array_equal(found.array, merged)
    assert found.grid.matches(oblique_grid, 1e-6)
    assert (dict(found.names), found.scheme, found.array.dtype) == (NAMES, NAMES_SCHEME, np.uint8)


@pytest.mark.parametrize("kind", ["list", "vector"])
def test_layers_that_share_no_voxel_are_merged(kind, masks, merged, oblique_grid, write_slicer, tmp_path):
    layers = np.stack([masks[..., 0] + 2 * masks[..., 1], masks[..., 2]], axis=-1)
    entries = describe(("L4 vertebra", 1, 0), ("L5 vertebra", 2, 0), ("thecal sac", 1, 1))
    path = write_slicer(tmp_path / "spine.seg.nrrd", layers, oblique_grid, entries, kind)
    found = read_labels(path)
    np.testing.assert_array_equal(found.array, merged)
    assert dict(found.names) == NAMES
    assert found.grid.matches(oblique_grid, 1e-6)


def test_values_that_are_unique_over_the_layers_are_the_labels(masks, oblique_grid, write_slicer, tmp_path):
    layers = np.stack([20 * masks[..., 0] + 21 * masks[..., 1], 99 * masks[..., 2]], axis=-1)
    entries = describe(("a", 20, 0), ("b", 21, 0), ("c", 99, 1))
    found = read_labels(write_slicer(tmp_path / "spine.seg.nrrd", layers, oblique_grid, entries), scheme="verse")
    assert (np.unique(found.array).tolist(), found.scheme) == ([0, 20, 21, 99], "verse")


def test_files_from_before_2020_have_a_layer_for_every_segment(masks, merged, oblique_grid, write_slicer, tmp_path):
    entries = describe(*((name, 1, n) for n, name in enumerate(NAMES.values())), layers=False)
    found = read_labels(write_slicer(tmp_path / "spine.seg.nrrd", masks, oblique_grid, entries))
    np.testing.assert_array_equal(found.array, merged)
    assert dict(found.names) == NAMES


def test_segments_that_overlap(masks, oblique_grid, write_slicer, tmp_path):
    masks[4:6, 8:15, 3, 1] = 1
    masks[8:13, 3:5, 3:5, 2] = 1
    entries = describe(*((name, 1, n) for n, name in enumerate(NAMES.values())))
    path = write_slicer(tmp_path / "spine.seg.nrrd", masks, oblique_grid, entries)
    first, second = int((masks[..., 0] & masks[..., 2]).sum()), int((masks[..., 0] & masks[..., 1]).sum())
    message = (
        rf"segments overlap, L4 vertebra and thecal sac in {first} voxels, "
        rf"L4 vertebra and L5 vertebra in {second} voxels, expected one label per voxel"
    )
    with pytest.raises(InputError, match=message):
        read_labels(path)
    for n, segment in enumerate(read_segments(path)):
        np.testing.assert_array_equal(segment.mask, masks[..., n] == 1)
    found = read_labels(path, segments=["l5 vertebra", 3])
    np.testing.assert_array_equal(found.array, 2 * masks[..., 1] + 3 * masks[..., 2])
    assert dict(found.names) == {2: "L5 vertebra", 3: "thecal sac"}


def test_a_file_that_describes_no_segments_is_a_label_map(merged, oblique_grid, write_slicer, tmp_path):
    path = write_slicer(tmp_path / "spine.seg.nrrd", merged, oblique_grid, {"Segmentation_Source": "none"})
    assert open_slicer_segmentation(path) is None
    np.testing.assert_array_equal(read_labels(path, scheme="spider").array, merged)
    with pytest.raises(InputError, match="does not say what its labels mean: give the scheme"):
        read_labels(path)
    with pytest.raises(InputError, match=r"spine\.seg\.nrrd holds no segments"):
        read_segments(path)


@pytest.mark.parametrize(
    "entries, message",
    [
        (describe(("L4", 1, 3)), r"the segment 'L4' is in layer 3, the file has 3 layers"),
        (describe(("L4", 1, 0), ("L5", 1, 0)), r"two segments have the same value in the same layer"),
        (describe(("L4", "one", 0)), r"Segment0_LabelValue: found 'one', expected a whole number from 1 to 65535"),
        (describe(("L4", 0, 0)), r"Segment0_LabelValue: found '0', expected"),
        (describe(("L4", "9" * 5000, 0)), r"Segment0_LabelValue: found '9{39}, expected"),
        (describe(("L4", 1, -1)), r"Segment0_Layer: found '-1', expected a whole number from 0"),
        (describe(("L4", 7, 0)), r"is empty: every voxel is 0"),
    ],
)
def test_descriptions_that_do_not_fit_are_refused(entries, message, masks, oblique_grid, write_slicer, tmp_path):
    path = write_slicer(tmp_path / "spine.seg.nrrd", masks, oblique_grid, entries)
    with pytest.raises(InputError, match=message):
        read_labels(path)


def test_a_template_without_voxels_is_empty(oblique_grid, write_slicer, tmp_path):
    single = type(oblique_grid)((1, 1, 1), oblique_grid.affine)
    path = write_slicer(tmp_path / "t.seg.nrrd", np.ones((1, 1, 1), np.uint8), single, describe(("L4", 1, 0)))
    with pytest.raises(InputError, match=r"t\.seg\.nrrd is empty"):
        read_labels(path)
