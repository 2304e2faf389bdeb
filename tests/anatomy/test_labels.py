import itertools

import numpy as np
import pytest

from foramgrade.anatomy.labels import (
    CANAL_CODE,
    DISC_CODE_OFFSET,
    ENDPLATE_CODE_OFFSET,
    OTHER_CODE,
    AnatomicMap,
    fitting_schemes,
    load_scheme,
    parse_level_names,
    relabel,
    scheme_names,
)
from foramgrade.errors import InputError
from foramgrade.loaders import read_labels
from foramgrade.volume import Grid, LabelMap


def label_map(values, scheme, *, subregions=None):
    """A map with ten voxels of each value, in random places; `values` go to the instances where there are two maps."""
    order = np.random.default_rng(0).permutation(1200)
    labels = np.zeros(1200, np.uint16)
    labels[order[: 10 * len(values)]] = np.repeat(np.array(values, np.uint16), 10)
    grid = Grid((12, 10, 10), np.diag([4.0, 1.0, 1.0, 1.0]))
    carrier = labels.reshape(grid.shape)
    if subregions is None:
        return LabelMap(carrier, grid, scheme)
    parts = np.where(labels > 0, np.uint16(49), 0).astype(np.uint16)
    free = np.flatnonzero(labels == 0)
    parts[free[: 10 * len(subregions)]] = np.repeat(np.array(subregions, np.uint16), 10)
    return LabelMap(parts.reshape(grid.shape), grid, scheme, carrier)


def naive_codes(labels, scheme, vertebrae):
    """Canonical codes by one comparison per label."""
    carrier = labels.instances if scheme.instances else labels.array
    codes = np.where(carrier > 0, OTHER_CODE, 0)
    by_label = scheme.vertebra_labels
    for vertebra in vertebrae:
        name = by_label[vertebra.file_label]
        for meaning, offset in (
            (by_label, 0),
            (scheme.discs, DISC_CODE_OFFSET),
            (scheme.endplates, ENDPLATE_CODE_OFFSET),
        ):
            for label in [n for n, found in meaning.items() if found == name]:
                codes[carrier == label] = offset + vertebra.code
    for label in (*scheme.canal, *scheme.cord):
        codes[(labels.array == label) & ((carrier == 0) | (not scheme.instances))] = CANAL_CODE
    if scheme.instances:
        codes[(carrier == 0) & (labels.array > 0) & (codes == 0)] = OTHER_CODE
    return codes


def names(anatomic):
    return [v.name for v in anatomic.vertebrae]


@pytest.mark.parametrize(
    "scheme, values, expected",
    [
        ("spider", [1, 2, 3, 201, 202, 203, 100], ["L3", "L4", "L5"]),
        ("spider", [4, 5, 6, 107, 204, 205, 206, 100], ["T11", "T12", "L1", "L2"]),
        ("totalspineseg", [32, 41, 45, 50, 91, 92, 95, 1, 2], ["T12", "L1", "L5", "S1"]),
        ("totalsegmentator_mr", [1, 2, 3, 7], ["T12", "L4", "L5", "S1"]),
        ("mrspineseg", [1, 2, 3, 11, 12], ["L4", "L5", "S1"]),
        ("verse", [19, 28, 20, 119, 128, 40], ["T12", "T13", "L1"]),
    ],
)
def test_every_scheme_in_one_map(scheme, values, expected):
    labels = label_map(values, scheme)
    anatomic = relabel(labels, load_scheme(scheme))
    assert names(anatomic) == expected
    assert [v.code for v in anatomic.vertebrae] == list(range(1, len(expected) + 1))
    assert all(v.verified for v in anatomic.vertebrae)
    assert anatomic.grid is labels.grid
    np.testing.assert_array_equal(anatomic.codes, naive_codes(labels, load_scheme(scheme), anatomic.vertebrae))


def test_two_maps():
    labels = label_map([22, 23, 24, 26, 123, 124, 223, 224, 53], "spineps", subregions=[60, 61, 42])
    anatomic = relabel(labels, load_scheme("spineps"))
    assert names(anatomic) == ["L3", "L4", "L5", "S1"]
    counts = dict(zip(*(a.tolist() for a in np.unique(anatomic.codes, return_counts=True)), strict=True))
    assert {code: n for code, n in counts.items() if code} == {
        **dict.fromkeys((1, 2, 3, 4), 10),
        **dict.fromkeys((DISC_CODE_OFFSET + 2, DISC_CODE_OFFSET + 3), 10),
        **dict.fromkeys((ENDPLATE_CODE_OFFSET + 2, ENDPLATE_CODE_OFFSET + 3), 10),
        CANAL_CODE: 20,
        OTHER_CODE: 20,
    }
    np.testing.assert_array_equal(anatomic.codes, naive_codes(labels, load_scheme("spineps"), anatomic.vertebrae))


def test_the_instances_decide_where_both_maps_speak():
    labels = label_map([23, 24], "spineps", subregions=[61])
    parts = np.where(labels.instances == 24, 61, labels.array)
    anatomic = relabel(LabelMap(parts, labels.grid, "spineps", labels.instances), load_scheme("spineps"))
    assert np.all(anatomic.codes[labels.instances == 24] == 2)


def test_a_disc_without_its_upper_vertebra_is_other_tissue():
    anatomic = relabel(label_map([1, 2, 203], "spider"), load_scheme("spider"))
    assert np.unique(anatomic.codes).tolist() == [0, 1, 2, OTHER_CODE]


@pytest.mark.parametrize(
    "values, last", [([43, 44, 50, 100], 2), ([44, 45, 50, 100], 2), ([44, 45, 46, 50, 96, 100], 3)]
)
def test_the_disc_above_the_sacrum_belongs_to_the_last_vertebra(values, last):
    anatomic = relabel(label_map(values, "totalspineseg"), load_scheme("totalspineseg"))
    assert np.count_nonzero(anatomic.codes == DISC_CODE_OFFSET + last) == 10


def test_the_disc_above_the_sacrum_is_nobodys_without_the_last_vertebra():
    anatomic = relabel(label_map([41, 42, 100], "totalspineseg"), load_scheme("totalspineseg"))
    assert np.unique(anatomic.codes).tolist() == [0, 1, 2, OTHER_CODE]


def test_partial_vertebrae_are_marked():
    anatomic = relabel(label_map([1, 2, 103, 203], "spider"), load_scheme("spider"))
    assert [(v.name, v.file_label, v.partial) for v in anatomic.vertebrae] == [
        ("L3", 103, True),
        ("L4", 2, False),
        ("L5", 1, False),
    ]
    assert np.count_nonzero(anatomic.codes == DISC_CODE_OFFSET + 1) == 10


def test_a_vertebra_labelled_whole_and_partial_is_one():
    anatomic = relabel(label_map([1, 2, 102], "spider"), load_scheme("spider"))
    assert [(v.name, v.partial) for v in anatomic.vertebrae] == [("L4", True), ("L5", False)]
    assert np.count_nonzero(anatomic.codes == 1) == 20


@pytest.mark.parametrize(
    "values, expected",
    [
        # With a sacrum: without a gap, down to L4, L5 or L6.
        ([22, 23, 24, 26], ["L3", "L4", "L5", "S1"]),
        ([23, 24, 25, 26], ["L4", "L5", "L6", "S1"]),
        ([21, 22, 23, 26], ["L2", "L3", "L4", "S1"]),
        ([18, 19, 28, 20, 21, 22, 23, 24, 26], ["T11", "T12", "T13", "L1", "L2", "L3", "L4", "L5", "S1"]),
        ([*range(2, 25), 26], [*(f"C{n}" for n in range(2, 8)), *(f"T{n}" for n in range(1, 13)), "L1", "L2"]),
        ([22, 24, 26], ["V22", "V24", "S1"]),
        ([21, 22, 26], ["V21", "V22", "S1"]),
        ([2, 3, 4, 5, 6, 7, 26], ["V2", "V3", "V4", "V5", "V6", "V7", "S1"]),
        # Without: everything between T10 and L6.
        ([17, 18, 28, 25], ["T10", "T11", "T13", "L6"]),
        ([20, 24], ["L1", "L5"]),
        ([16, 17, 18], ["V16", "V17", "V18"]),
        ([5, 6, 7], ["V5", "V6", "V7"]),
    ],
)
@pytest.mark.parametrize("scheme", ["spineps", "verse"])
def test_numbers_that_may_count_from_the_top(scheme, values, expected):
    labels = label_map(values, scheme, subregions=[61] if scheme == "spineps" else None)
    anatomic = relabel(labels, load_scheme(scheme))
    assert names(anatomic)[: len(expected)] == expected
    assert [v.verified for v in anatomic.vertebrae] == [not v.name.startswith("V") for v in anatomic.vertebrae]
    assert len(anatomic.vertebrae) == len(values)


def test_the_user_names_the_levels():
    labels = label_map([5, 6, 7, 105, 106], "spineps", subregions=[61])
    anatomic = relabel(labels, load_scheme("spineps"), level_names={5: "T12", 6: "L1", 7: "L2"})
    assert [(v.name, v.file_label, v.verified) for v in anatomic.vertebrae] == [
        ("T12", 5, True),
        ("L1", 6, True),
        ("L2", 7, True),
    ]


def test_the_user_names_some_levels():
    labels = label_map([5, 6, 7], "spineps", subregions=[61])
    anatomic = relabel(labels, load_scheme("spineps"), level_names={6: "L1"})
    assert [(v.name, v.verified) for v in anatomic.vertebrae] == [("V5", False), ("L1", True), ("V7", False)]


def test_the_user_corrects_a_sixth_lumbar_vertebra():
    labels = label_map([1, 2, 3], "spider")
    anatomic = relabel(labels, load_scheme("spider"), level_names={1: "L6", 2: "L5", 3: "L4"})
    assert names(anatomic) == ["L4", "L5", "L6"]


@pytest.mark.parametrize(
    "level_names, message",
    [
        ({9: "L1"}, r"the map holds no vertebra 9 to be named L1, it holds 5-7, 26"),
        ({5: "L8"}, r"the label 5 is named 'L8', expected a vertebra such as T12, L1 or S1"),
        ({5: "L2", 6: "L1"}, r"L2 \(label 5\) stands directly above L1 \(label 6\), expected .* from the top down"),
        ({5: "L1", 7: "L1"}, r"L1 \(label 5\) stands directly above L1 \(label 7\)"),
        ({7: "S1"}, r"S1 \(label 7\) stands directly above S1 \(label 26\)"),
    ],
)
def test_level_names_that_contradict_the_map(level_names, message):
    labels = label_map([5, 6, 7, 26], "spineps", subregions=[61])
    with pytest.raises(InputError, match=message):
        relabel(labels, load_scheme("spineps"), level_names=level_names)


def test_level_names_must_agree_with_the_names_that_stay():
    with pytest.raises(InputError, match=r"L5 \(label 2\) stands directly above L5 \(label 1\)"):
        relabel(label_map([1, 2], "spider"), load_scheme("spider"), level_names={2: "L5"})


@pytest.mark.parametrize(
    "scheme, values, level_names, expected",
    [
        # Counted down from the topmost, or up from the last above the sacrum.
        ("verse", [5, 6, 7], {"first": "T12"}, ["T12", "L1", "L2"]),
        ("verse", [5, 6, 7, 8, 9, 10, 26], {"last": "L5"}, ["T12", "L1", "L2", "L3", "L4", "L5", "S1"]),
        ("verse", [7, 8, 9, 10, 11, 12, 13], {"first": "L1"}, ["L1", "L2", "L3", "L4", "L5", "L6", "L7"]),
        # A sixth lumbar vertebra shifts all names of SPIDER, which has no sacrum; a fifth that is missing too.
        ("spider", [1, 2, 3, 4, 5, 6], {"last": "L6"}, ["L1", "L2", "L3", "L4", "L5", "L6"]),
        ("spider", [1, 2, 3, 4, 5, 6, 7], {"last": "L6"}, ["T12", "L1", "L2", "L3", "L4", "L5", "L6"]),
        ("spider", [1, 2, 3, 4, 5], {"last": "L4"}, ["T12", "L1", "L2", "L3", "L4"]),
        ("spider", [1, 2, 103], {"last": "L6"}, ["L4", "L5", "L6"]),
        ("totalsegmentator_mr", [1, 2, 3, 4, 5, 6, 7], {"last": "L6"}, ["L1", "L2", "L3", "L4", "L5", "L6", "S1"]),
        ("mrspineseg", [1, 2, 3, 4, 5, 6], {"last": "L4"}, ["T12", "L1", "L2", "L3", "L4", "S1"]),
        # Both ends, where they agree; a picture that ends above the sacrum.
        ("totalspineseg", [41, 42, 43], {"first": "T12", "last": "L2"}, ["T12", "L1", "L2"]),
        # A vertebra that is missing among the numbers stays missing among the names.
        ("totalspineseg", [41, 42, 44, 50], {"last": "L5"}, ["L2", "L3", "L5", "S1"]),
        ("totalspineseg", [41, 42, 44], {"first": "T12"}, ["T12", "L1", "L3"]),
        # T13 is counted where it falls on the vertebra that the map or a pair calls so, and only there.
        ("verse", [18, 19, 28, 20, 21], {"first": "T11"}, ["T11", "T12", "T13", "L1", "L2"]),
        ("verse", [19, 28, 20, 21, 22, 23, 24, 26], {"last": "L5"}, ["T12", "T13", "L1", "L2", "L3", "L4", "L5", "S1"]),
        ("verse", [19, 28, 20, 21, 22, 23, 24, 26], {"last": "L6"}, ["T12", "L1", "L2", "L3", "L4", "L5", "L6", "S1"]),
        ("verse", [5, 6, 7, 8], {"first": "T12", 6: "T13"}, ["T12", "T13", "L1", "L2"]),
        ("verse", [5, 6, 7, 8], {"first": "T13", 5: "T13"}, ["T13", "L1", "L2", "L3"]),
        # A vertebra that a pair calls the sacrum is not counted.
        ("verse", [5, 6, 7, 8], {"last": "L5", 8: "S1"}, ["L3", "L4", "L5", "S1"]),
    ],
)
def test_the_user_counts(scheme, values, level_names, expected):
    anatomic = relabel(label_map(values, scheme), load_scheme(scheme), level_names=level_names)
    assert names(anatomic) == expected
    assert all(v.verified for v in anatomic.vertebrae)


@pytest.mark.parametrize("level_names", [{"last": "L4"}, {1: "L4", 2: "L3", 3: "L2"}])
def test_the_sacrum_still_follows_the_last_vertebra_of_spider(level_names):
    anatomic = relabel(label_map([1, 2, 3], "spider"), load_scheme("spider"), level_names=level_names)
    assert [(v.name, v.last) for v in anatomic.vertebrae] == [("L2", False), ("L3", False), ("L4", True)]
    # Where the map may end anywhere, its lowest vertebra need not be the last.
    crop = relabel(label_map([5, 6, 7], "verse"), load_scheme("verse"), level_names={"last": "L4"})
    assert not any(v.last for v in crop.vertebrae)


def test_a_count_changes_names_alone():
    labels = label_map([5, 6, 7, 105, 106], "spineps", subregions=[61])
    plain, counted = (relabel(labels, load_scheme("spineps"), level_names=n) for n in (None, {"first": "T12"}))
    np.testing.assert_array_equal(plain.codes, counted.codes)
    assert [v.file_label for v in counted.vertebrae] == [5, 6, 7]


def test_the_disc_above_the_sacrum_follows_the_users_names():
    """TotalSpineSeg took L5 for L3: by its own names the disc above the sacrum is nobody's."""
    labels = label_map([41, 42, 43, 50, 100], "totalspineseg")
    plain, counted = (relabel(labels, load_scheme("totalspineseg"), level_names=n) for n in (None, {"last": "L5"}))
    assert np.count_nonzero(plain.codes == DISC_CODE_OFFSET + 3) == 0
    assert np.count_nonzero(counted.codes == DISC_CODE_OFFSET + 3) == 10


@pytest.mark.parametrize(
    "scheme, values, level_names, message",
    [
        ("verse", [5, 6, 26], {"first": "T12"}, r"first=T12 makes .*sacrum \(label 6\) L1, expected L4, L5, L6 or L7"),
        ("verse", [5, 6, 26], {"last": "L3"}, r"last=L3 makes .*above the sacrum \(label 6\) L3, expected L4"),
        ("verse", [5, 6], {"last": "S1"}, r"found last=S1, expected a vertebra above the sacrum, such as last=L5"),
        ("verse", [5, 6], {"first": "L8"}, r"the first vertebra is named 'L8', expected a vertebra such as"),
        ("verse", [5, 6], {"middle": "L3"}, r"found the key 'middle', expected a label, 'first' or 'last'"),
        ("verse", [5, 6], {"first": "T13"}, r"first=T13 makes the vertebra 5 T13, which neither .*such as 5=T13"),
        ("verse", [5, 6], {"first": "T12", "last": "L2"}, r"last=L2 makes the vertebra 5 L1, yet it is also named T12"),
        ("verse", [5, 6], {"first": "T12", 6: "L2"}, r"first=T12 makes the vertebra 6 L1, yet it is also named L2"),
        ("verse", [5, 6, 7], {"first": "L6"}, r"first=L6 leaves no name for the vertebra 7, 2 below it, .*C1 to L7"),
        ("verse", [5, 6, 7], {"last": "C2"}, r"last=C2 leaves no name for the vertebra 5, 2 above it, .*C1 to L7"),
        ("verse", [5, 6, 7, 8], {"first": "T11", 7: "T13", 6: "L1"}, r"makes the vertebra 6 T12, yet .* named L1"),
    ],
)  # fmt: skip
def test_counts_that_contradict_themselves_or_the_map(scheme, values, level_names, message):
    with pytest.raises(InputError, match=message):
        relabel(label_map(values, scheme), load_scheme(scheme), level_names=level_names)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "found '', expected label=vertebra pairs such as 5=T12,6=L1, or first=T12 or last=L6"),
        ("5:T12", "found '5:T12', expected label=vertebra pairs"),
        ("5=T12,", "found '', expected label=vertebra pairs"),
        ("x=T12", "found 'x=T12'"),
        ("5=T14", "the label 5 is named 'T14', expected a vertebra"),
        ("5=T12,5=L1", "the label 5 is named twice, T12 and L1"),
        ("last=L5,Last=L6", "the last vertebra is named twice, L5 and L6"),
        ("first=X", "the first vertebra is named 'X', expected a vertebra"),
        ("middle=L3", "found 'middle=L3', expected label=vertebra pairs"),
    ],
)
def test_level_names_that_cannot_be_read(text, message):
    with pytest.raises(InputError, match=message):
        parse_level_names(text)


def test_level_names_are_read():
    assert parse_level_names(" 5=T12,6=L1 , 7 = l2") == {5: "T12", 6: "L1", 7: "L2"}
    assert parse_level_names("Last = l6") == {"last": "L6"}
    assert parse_level_names("first=T12,28=T13") == {"first": "T12", 28: "T13"}


@pytest.mark.parametrize(
    "scheme, values, message",
    [
        (
            "spider",
            [41, 42, 43, 92, 93, 2],
            r"unknown numbers 41-43, 92-93, expected 1-25, 100-125, .* fit totalspineseg: which",
        ),
        ("totalspineseg", [1, 2, 3, 201, 202, 100], r"unknown numbers 3, 201-202, .* fit spider: which tool"),
        ("totalspineseg", [50, 1, 2, 63, 95, 100], r"only the vertebra 50 .*step 1 has 50 for all .*step2_output"),
        ("totalsegmentator_mr", [1], r"only the vertebra 1 is among the numbers 1, .*one file per class.*--ml.*folder"),
        (
            "totalsegmentator",
            [1],
            r"no vertebra is among the numbers 1, .*one file per class.*--ml.*folder of its masks",
        ),
        ("spider", [1], r"only the vertebra 1 .*mask of one class"),
        (
            "spider",
            [7],
            r"only the vertebra 7 .*; the map holds a single number: one file per structure\? then give the folder",
        ),
        ("verse", [1], r"only the vertebra 1 .*; the map holds a single number: .*give the folder that holds them all"),
        ("totalsegmentator", [1, 2, 50, 92, 93, 100], r"only the vertebra 50 is among the numbers"),
        ("spider", [100, 201], r"no vertebra is among the numbers 100, 201"),
        ("mrspineseg", [200, 300], r"100% of the labelled voxels carry the unknown numbers 200, 300, expected 1-19"),
    ],
)
def test_a_scheme_that_does_not_fit(scheme, values, message):
    with pytest.raises(InputError, match=message):
        relabel(label_map(values, scheme), load_scheme(scheme))


@pytest.mark.parametrize("unknown_voxels, fits", [(5, True), (6, False)])
def test_a_few_unknown_voxels_are_other_tissue(unknown_voxels, fits):
    array = np.zeros((10, 10, 2), np.uint8)
    array.flat[:100] = np.repeat([1, 2], 50)
    array.flat[:unknown_voxels] = 77
    labels = LabelMap(array, Grid(array.shape, np.eye(4)), "spider")
    if fits:
        assert np.count_nonzero(relabel(labels, load_scheme("spider")).codes == OTHER_CODE) == unknown_voxels
    else:
        with pytest.raises(InputError, match="6% of the labelled voxels carry the unknown numbers 77"):
            relabel(labels, load_scheme("spider"))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, ">u2"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("where", [0, 7, 8, 25, 26])
def test_no_voxel_is_left_out_of_the_count(where: int, order: str, dtype: str) -> None:
    array = np.zeros(27, dtype)
    array[[3, 12, 20]] = [1, 2, 3]
    array[where] = 77
    labels = LabelMap(array.reshape((3, 3, 3), order=order), Grid((3, 3, 3), np.eye(4)), "spider")
    with pytest.raises(InputError, match="25% of the labelled voxels carry the unknown numbers 77"):
        relabel(labels, load_scheme("spider"))


@pytest.mark.parametrize("value", [70000, -3])
def test_an_image_is_no_label_map(value):
    array = np.full((2, 2, 2), value, np.int32)
    with pytest.raises(InputError, match=rf"found the label {value}, expected 0 to 65535: is this an image"):
        relabel(LabelMap(array, Grid((2, 2, 2), np.eye(4)), "spider"), load_scheme("spider"))


def test_an_empty_map_is_refused():
    array = np.zeros((2, 2, 2), np.uint8)
    with pytest.raises(InputError, match=r"does not fit the scheme spider: every voxel is 0"):
        relabel(LabelMap(array, Grid((2, 2, 2), np.eye(4)), "spider"), load_scheme("spider"))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint64])
def test_the_type_of_the_labels_does_not_matter(dtype):
    labels = label_map([1, 2, 201], "spider")
    typed = LabelMap(labels.array.astype(dtype), labels.grid, "spider")
    np.testing.assert_array_equal(
        relabel(typed, load_scheme("spider")).codes, relabel(labels, load_scheme("spider")).codes
    )


def test_two_maps_without_a_single_subregion_have_no_canal():
    labels = label_map([23, 24], "spineps", subregions=[61])
    bare = LabelMap(np.zeros_like(labels.array), labels.grid, "spineps", labels.instances)
    assert np.unique(relabel(bare, load_scheme("spineps")).codes).tolist() == [0, 1, 2]


def test_two_maps_are_needed():
    with pytest.raises(InputError, match=r"spineps is written in two maps: give .*seg-spine.*seg-vert"):
        relabel(label_map([23, 24], "spineps"), load_scheme("spineps"))


def test_two_maps_are_too_many():
    with pytest.raises(InputError, match="spider is written in one map: leave the map of instances out"):
        relabel(label_map([1, 2], "spider", subregions=[61]), load_scheme("spider"))


def test_swapped_maps_are_recognised():
    labels = label_map([6, 7, 106], "spineps", subregions=[60, 61, 100])
    swapped = LabelMap(labels.instances, labels.grid, "spineps", labels.array)
    with pytest.raises(InputError, match=r"the map of vertebrae does not fit .*; the two maps seem to be swapped"):
        relabel(swapped, load_scheme("spineps"))


def test_a_foreign_map_of_subregions_is_refused():
    labels = label_map([6, 7, 106], "spineps", subregions=[61, 3, 4])
    with pytest.raises(
        InputError, match=r"the map of subregions does not fit .*unknown numbers 3-4, expected 26, 41-50"
    ):
        relabel(labels, load_scheme("spineps"))


def test_proposals_explain_the_map_best():
    """TotalSegmentator knows all numbers to 117: it would call discs ribs and articular processes vertebrae."""
    assert fitting_schemes(dict.fromkeys([41, 42, 43, 44, 45, 50, 92, 93, 94, 95, 100, 2], 100)) == ("totalspineseg",)
    assert fitting_schemes(dict.fromkeys([41, 42, 45, 46, 47, 48, 49, 60, 61, 100], 100)) == ()
    whole_body = dict.fromkeys([5, 18, 20, *range(25, 34), 51, 52, 79, 86, 87, 92, 103], 100)
    assert fitting_schemes(whole_body) == ("totalsegmentator", "totalsegmentator_v3")


def test_a_proposal_is_never_a_choice():
    """A map whose numbers fit one scheme perfectly is still read by the scheme the user named, or refused."""
    values = [41, 42, 43, 44, 45, 50, 92, 93, 94, 95, 100, 2]
    anatomic = relabel(label_map(values, "totalsegmentator"), load_scheme("totalsegmentator"))
    assert names(anatomic) == ["C1", "C6", "C7", "T1", "T2", "T3"]


@pytest.mark.parametrize("name", sorted(set(scheme_names()) - {"verse"}))
def test_a_schemes_own_numbers_fit_it(name):
    found = dict.fromkeys(load_scheme(name).instance_labels, 100)
    assert name in fitting_schemes(found)


def test_codes_are_kept_read_only():
    codes = np.zeros((2, 2, 2), np.uint16)
    anatomic = AnatomicMap(codes, Grid((2, 2, 2), np.eye(4)), ())
    codes[0, 0, 0] = 7
    assert anatomic.codes[0, 0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        anatomic.codes[0, 0, 0] = 7


@pytest.fixture(scope="module")
def real_spineps(shared_data):
    folder = shared_data / "tptbox_mri"
    return read_labels(
        folder / "sub-mri_seg-subreg_label-6_msk.nii.gz",
        scheme="spineps",
        instances=folder / "sub-mri_seg-vert_label-6_msk.nii.gz",
    )


def centre_mm(codes, code, grid):
    return grid.to_world(np.argwhere(codes == code)).mean(axis=0)


def test_real_spineps_maps(real_spineps):
    anatomic = relabel(real_spineps, load_scheme("spineps"))
    assert [(v.name, v.verified) for v in anatomic.vertebrae] == [("V5", False), ("V6", False), ("V7", False)]
    # 207 faces the disc below the last vertebra, which the crop has cut off.
    assert np.unique(anatomic.codes).tolist() == [0, 1, 2, 3, 101, 102, 200, 301, 302, 303]
    assert np.count_nonzero(anatomic.codes == CANAL_CODE) == 345 + 4137
    heights = [centre_mm(anatomic.codes, code, anatomic.grid)[2] for code in (1, 101, 2, 102, 3)]
    assert all(above > below for above, below in itertools.pairwise(heights))
    np.testing.assert_array_equal(anatomic.codes, naive_codes(real_spineps, load_scheme("spineps"), anatomic.vertebrae))


def test_real_spineps_endplates_lie_on_both_sides_of_their_disc(real_spineps):
    instances, grid = real_spineps.instances, real_spineps.grid
    down = int(np.argmax(np.abs(grid.directions[2])))
    assert grid.directions[2, down] < 0, "this axis runs down"
    below = np.roll(instances, -1, axis=down)
    above = np.roll(instances, 1, axis=down)
    for vertebra in (5, 6):
        plate, disc = instances == 200 + vertebra, 100 + vertebra
        upper = np.count_nonzero(plate & (above == vertebra) & (below == disc))
        lower = np.count_nonzero(plate & (above == disc) & (below == vertebra + 1))
        assert 0.35 < upper / plate.sum() < 0.65
        assert 0.35 < lower / plate.sum() < 0.65


def test_real_spineps_subregions_are_on_their_side(real_spineps):
    scheme = load_scheme("spineps")
    for left in [part for part in scheme.subregions if part.value.endswith("_left")]:
        right = type(left)(left.value.replace("_left", "_right"))
        x = [
            real_spineps.grid.to_world(np.argwhere(np.isin(real_spineps.array, scheme.subregions[part])))[:, 0].mean()
            for part in (left, right)
        ]
        assert x[0] < x[1], f"{left} lies to the patient's left (RAS+: smaller x)"


def test_real_spider_mask(shared_data):
    labels = read_labels(shared_data / "spider_11" / "11_t2_SPACE_mask.mha", scheme="spider")
    anatomic = relabel(labels, load_scheme("spider"))
    assert names(anatomic) == ["T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5"]
    assert np.unique(anatomic.codes).tolist() == [0, *range(1, 9), *range(101, 109), CANAL_CODE]
    heights = [centre_mm(anatomic.codes, v.code, anatomic.grid)[2] for v in anatomic.vertebrae]
    assert heights == sorted(heights, reverse=True)
    for code in range(1, 8):
        disc = centre_mm(anatomic.codes, DISC_CODE_OFFSET + code, anatomic.grid)[2]
        assert heights[code] < disc < heights[code - 1]


def test_real_masks_under_the_wrong_scheme(shared_data, real_spineps):
    spider = read_labels(shared_data / "spider_11" / "11_t2_SPACE_mask.mha", scheme="totalspineseg")
    with pytest.raises(InputError, match="would fit spider"):
        relabel(spider, load_scheme("totalspineseg"))
    alone = LabelMap(real_spineps.instances, real_spineps.grid, "totalspineseg")
    with pytest.raises(InputError, match=r"would fit .*spineps.*: which tool"):
        relabel(alone, load_scheme("totalspineseg"))
