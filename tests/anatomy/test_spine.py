"""The row of vertebrae: pairing, naming, and label maps that contradict themselves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from scipy import ndimage

from foramgrade.anatomy.labels import AnatomicMap, LevelNames, VertebraLabel, load_scheme, relabel
from foramgrade.anatomy.spine import Spine, find_spine, find_structures, voxel_positions
from foramgrade.errors import AnatomyError
from foramgrade.findings import Level
from foramgrade.volume import Grid, LabelMap

#: A box of a vertebra in the oblique grid of (20, 26, 9) voxels: j runs down, i to posterior, k to the left.
ACROSS = (slice(4, 12), slice(2, 7))


def stack(codes: Sequence[int], grid: Grid, *, first: int = 1, thick: int = 4, gap: int = 1) -> np.ndarray:
    """Boxes with the given codes from the top down."""
    array = np.zeros(grid.shape, np.uint16)
    j = first
    for code in codes:
        height = 2 if 100 <= code < 200 else thick
        array[ACROSS[0], j : j + height, ACROSS[1]] = code
        j += height + (0 if gap == 0 else gap)
    return array


def vertebrae(*names: str, verified: bool = True) -> tuple[VertebraLabel, ...]:
    return tuple(VertebraLabel(n, name, 40 + n, verified) for n, name in enumerate(names, start=1))


def spine_of(codes: Sequence[int], grid: Grid, labels: tuple[VertebraLabel, ...]) -> Spine:
    return find_spine(AnatomicMap(stack(codes, grid), grid, labels))


def test_pairs_neighbours_with_the_disc_between_them(oblique_grid: Grid) -> None:
    spine = spine_of([1, 101, 2, 102, 3], oblique_grid, vertebrae("L3", "L4", "L5"))
    assert [s.level for s in spine.segments] == [Level("L3", "L4"), Level("L4", "L5")]
    assert [s.disc.code if s.disc else None for s in spine.segments] == [101, 102]
    assert all(s.verified for s in spine.segments)
    assert spine.canal is None
    assert spine.grid.lateral_axis == 2


def test_structures_agree_with_a_naive_count(oblique_grid: Grid) -> None:
    rng = np.random.default_rng(1)
    codes = ndimage.zoom(rng.integers(0, 5, (5, 7, 3)), (4, 26 / 7, 3), order=0).astype(np.uint16)
    codes[codes == 4] = 301
    found = find_structures(codes, oblique_grid)
    assert sorted(found) == [1, 2, 3, 301]
    for code, structure in found.items():
        where = np.argwhere(codes == code)
        assert structure.voxels == len(where)
        assert structure.centroid_mm == pytest.approx(oblique_grid.to_world(where).mean(axis=0))
        assert [(b.start, b.stop) for b in structure.box] == list(
            zip(where.min(axis=0), where.max(axis=0) + 1, strict=True)
        )


@pytest.mark.parametrize("order", ["C", "F"])
def test_of_nothing_no_structure_is_found(oblique_grid: Grid, order: Literal["C", "F"]) -> None:
    assert not find_structures(np.zeros(oblique_grid.shape, np.uint16, order=order), oblique_grid)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("at", [(0, 0, 0), (-1, -1, -1), (0, -1, 4), (7, 0, -1)])
def test_a_structure_of_one_voxel_is_found(oblique_grid: Grid, at: tuple[int, ...], order: Literal["C", "F"]) -> None:
    codes = np.zeros(oblique_grid.shape, np.uint16, order=order)
    codes[at] = 9
    (structure,) = find_structures(codes, oblique_grid).values()
    assert [(b.start, b.stop) for b in structure.box] == [(n, n + 1) for n in np.argwhere(codes)[0]]
    assert structure.centroid_mm == pytest.approx(oblique_grid.to_world(np.argwhere(codes)[0]))


def test_positions_of_a_code_are_its_voxels(oblique_grid: Grid) -> None:
    spine = spine_of([1, 101, 2], oblique_grid, vertebrae("L4", "L5"))
    disc = spine.segments[0].disc
    assert disc is not None
    positions = voxel_positions(spine, disc.code, disc.box)
    assert len(positions) == disc.voxels
    assert positions.mean(axis=0) == pytest.approx(disc.centroid_mm)


def test_a_structure_knows_the_edge_it_reaches(oblique_grid: Grid) -> None:
    codes = np.zeros(oblique_grid.shape, np.uint16)
    codes[0:3, 5:8, 2:9] = 7
    structure = find_structures(codes, oblique_grid)[7]
    assert [structure.touches_edge(oblique_grid, axis) for axis in range(3)] == [True, False, True]


def test_a_missing_disc_is_missing_not_invented(oblique_grid: Grid) -> None:
    spine = spine_of([1, 2, 102, 3], oblique_grid, vertebrae("L3", "L4", "L5"))
    assert [s.disc is None for s in spine.segments] == [True, False]


def test_canal_is_found(oblique_grid: Grid) -> None:
    codes = stack([1, 101, 2], oblique_grid)
    codes[15:18, :, 3:6] = 200
    spine = find_spine(AnatomicMap(codes, oblique_grid, vertebrae("L4", "L5")))
    assert spine.canal is not None
    assert spine.canal.voxels == 3 * 26 * 3


@pytest.mark.parametrize(
    ("upper", "lower"), [("L5", "S1"), ("L4", "S1"), ("L6", "S1"), ("T12", "L1"), ("T11", "L1"), ("L5", "L6")]
)
def test_spines_with_four_or_six_lumbar_vertebrae_are_paired(oblique_grid: Grid, upper: str, lower: str) -> None:
    spine = spine_of([1, 101, 2], oblique_grid, vertebrae(upper, lower))
    assert [s.level.name for s in spine.segments] == [f"{upper}-{lower}"]


def test_vertebrae_that_are_not_neighbours_make_no_level(oblique_grid: Grid) -> None:
    message = r"no two neighbouring vertebrae \(found: L2, L4\); a foramen needs both"
    with pytest.raises(AnatomyError, match=message):
        spine_of([1, 2], oblique_grid, vertebrae("L2", "L4"))
    spine = spine_of([1, 101, 2, 102, 3], oblique_grid, vertebrae("L1", "L3", "L4"))
    assert [s.level.name for s in spine.segments] == ["L3-L4"]


@pytest.mark.parametrize(("names", "found"), [(("L4",), "L4"), ((), "none")])
def test_one_vertebra_is_not_enough(oblique_grid: Grid, names: tuple[str, ...], found: str) -> None:
    with pytest.raises(AnatomyError, match=rf"no two neighbouring vertebrae \(found: {found}\)"):
        spine_of([1] if names else [250], oblique_grid, vertebrae(*names))


def test_a_vertebra_without_voxels_is_ignored(oblique_grid: Grid) -> None:
    spine = spine_of([1, 101, 2], oblique_grid, vertebrae("L3", "L4", "L5"))
    assert [s.level.name for s in spine.segments] == ["L3-L4"]


def test_numbers_that_run_upwards_are_refused(oblique_grid: Grid) -> None:
    message = r"L4 \(label 41, centre at S -?[0-9.]+ mm\) lies below L5 .* wrong scheme or orientation"
    with pytest.raises(AnatomyError, match=message):
        spine_of([2, 101, 1], oblique_grid, vertebrae("L4", "L5"))


@pytest.mark.parametrize("codes", [[101, 1, 2], [1, 2, 101]])
def test_a_disc_out_of_place_is_refused(oblique_grid: Grid, codes: list[int]) -> None:
    with pytest.raises(AnatomyError, match=r"the disc of L4-L5 has its centre at S .* not between its vertebrae"):
        spine_of(codes, oblique_grid, vertebrae("L4", "L5"))


def test_the_order_is_that_of_the_patient_not_of_the_voxels(oblique_grid: Grid) -> None:
    codes = stack([1, 101, 2], oblique_grid)
    affine = oblique_grid.affine.copy()
    affine[:3, 3] += affine[:3, 1] * (oblique_grid.shape[1] - 1)
    affine[:3, 1] *= -1
    turned = AnatomicMap(codes[:, ::-1], Grid(oblique_grid.shape, affine), vertebrae("L4", "L5"))
    assert find_spine(turned).segments[0].level.name == "L4-L5"
    with pytest.raises(AnatomyError, match="lies below L5"):
        find_spine(replace(turned, codes=codes))


def test_numbers_from_the_top_are_paired_by_number_and_end_at_the_sacrum(oblique_grid: Grid) -> None:
    """SPINEPS without its labelling model: 5, 6, 7 from the top and the sacrum as 26."""
    vert = stack([5, 105, 6, 106, 7, 107, 26], oblique_grid, gap=0).astype(np.uint8)
    parts = np.where((vert > 0) & (vert < 100), 49, np.where(vert > 100, 100, 0)).astype(np.uint8)
    labels = LabelMap(parts, oblique_grid, "spineps", instances=vert)
    spine = find_spine(relabel(labels, load_scheme("spineps")))
    assert [s.level.name for s in spine.segments] == ["V5-V6", "V6-V7", "V7-S1"]
    assert [s.verified for s in spine.segments] == [False, False, False]
    assert all(s.disc is not None for s in spine.segments)


def test_numbers_from_the_top_with_a_gap_are_no_neighbours(oblique_grid: Grid) -> None:
    labels = tuple(VertebraLabel(n, f"V{label}", label, verified=False) for n, label in enumerate((5, 6, 9), start=1))
    spine = spine_of([1, 101, 2, 3], oblique_grid, labels)
    assert [s.level.name for s in spine.segments] == ["V5-V6"]


def test_a_sliver_of_a_vertebra_is_not_asked_for_the_order(oblique_grid: Grid) -> None:
    """Of the topmost vertebra only the tip of its spinous process is left, behind and below the centre of the next."""
    codes = stack([2, 102, 3], oblique_grid, first=3)
    codes[16:18, 5:7, 4] = 1
    codes[4:12, 1:2, 2:7] = 101
    labels = vertebrae("L2", "L3", "L4")
    spine = find_spine(AnatomicMap(codes, oblique_grid, labels))
    assert [s.level.name for s in spine.segments] == ["L2-L3", "L3-L4"]


#: Numbers from the top of boxes, discs among them, and the levels they make; of every scheme that has numbers for them.
TRANSITIONAL = [
    ("totalspineseg", [45, 96, 46, 100, 50], ["L5-L6", "L6-S1"]),
    ("totalspineseg", [46, 97, 47, 100, 50], ["L6-L7", "L7-S1"]),
    ("totalspineseg", [43, 94, 44, 100, 50], ["L3-L4", "L4-S1"]),
    ("verse", [24, 124, 25, 125, 26], ["L5-L6", "L6-S1"]),
    ("verse", [19, 119, 28, 128, 20], ["T12-T13", "T13-L1"]),
    ("verse", [22, 122, 23, 123, 26], ["L3-L4", "L4-S1"]),
    ("totalsegmentator", [29, 28, 26], ["L3-L4", "L4-S1"]),
    ("totalsegmentator_mr", [4, 3, 1], ["L3-L4", "L4-S1"]),
    ("totalsegmentator_v3", [27, 26, 25], ["L5-L6", "L6-S1"]),
    ("totalsegmentator_v3", [29, 28, 25], ["L3-L4", "L4-S1"]),
    ("mrspineseg", [4, 13, 3, 12, 1], ["L3-L4", "L4-S1"]),
]


def numbered(values: Sequence[int], scheme: str, grid: Grid, *, thick: int = 4) -> LabelMap:
    """Boxes from the top down that touch each other, discs half as high as vertebrae, in the numbers of a scheme."""
    discs = {*load_scheme(scheme).discs, load_scheme(scheme).disc_above_sacrum}
    array, j = np.zeros(grid.shape, np.uint8), 1
    for value in values:
        height = 2 if value in discs else thick
        array[ACROSS[0], j : j + height, ACROSS[1]] = value
        j += height
    if not load_scheme(scheme).instances:
        return LabelMap(array, grid, scheme)
    parts = np.where(array == 0, 0, np.where(np.isin(array, list(discs)), 100, 49)).astype(np.uint8)
    return LabelMap(parts, grid, scheme, instances=array)


@pytest.mark.parametrize(
    ("scheme", "values", "levels"),
    TRANSITIONAL + [("spineps", values, levels) for scheme, values, levels in TRANSITIONAL if scheme == "verse"],
)
def test_transitional_anatomy_makes_its_levels(
    oblique_grid: Grid, scheme: str, values: list[int], levels: list[str]
) -> None:
    spine = find_spine(relabel(numbered(values, scheme, oblique_grid), load_scheme(scheme)))
    assert [s.level.name for s in spine.segments] == levels
    assert all(s.verified for s in spine.segments)
    assert all((s.disc is not None) == (len(values) > 3) for s in spine.segments)
    assert spine.open_levels == ()


@pytest.mark.parametrize(
    ("level_names", "levels", "below"),
    [
        (None, ["L3-L4", "L4-L5"], "L5-S1"),
        ({"last": "L6"}, ["L4-L5", "L5-L6"], "L6-S1"),
        ({"last": "L4"}, ["L2-L3", "L3-L4"], "L4-S1"),
        ({1: "L4", 2: "L3", 3: "L2"}, ["L2-L3", "L3-L4"], "L4-S1"),
    ],
)
def test_spider_in_people_with_four_and_six_lumbar_vertebrae(
    oblique_grid: Grid, level_names: LevelNames | None, levels: list[str], below: str
) -> None:
    labels = numbered([3, 203, 2, 202, 1, 201], "spider", oblique_grid)
    spine = find_spine(relabel(labels, load_scheme("spider"), level_names=level_names))
    assert [s.level.name for s in spine.segments] == levels
    assert [(o.level.name, o.verified) for o in spine.open_levels] == [(below, True)]


@pytest.mark.parametrize(
    ("scheme", "values", "levels"),
    [
        ("totalspineseg", [41, 92, 42, 44], ["L1-L2"]),
        ("totalsegmentator", [31, 30, 28], ["L1-L2"]),
        ("spider", [5, 205, 4, 2], ["L1-L2"]),
        ("verse", [20, 120, 21, 23], ["L1-L2"]),
        ("verse", [5, 105, 6, 8], ["V5-V6"]),
    ],
)
def test_a_vertebra_missing_in_the_middle_leaves_no_level(
    oblique_grid: Grid, scheme: str, values: list[int], levels: list[str]
) -> None:
    """Even where the labels touch each other, and where the user names the vertebrae by a count."""
    labels = numbered(values, scheme, oblique_grid)
    spine = find_spine(relabel(labels, load_scheme(scheme)))
    assert [s.level.name for s in spine.segments] == levels
    counted = find_spine(relabel(labels, load_scheme(scheme), level_names={"first": "L1"}))
    assert [s.level.name for s in counted.segments] == ["L1-L2"]


@pytest.mark.parametrize(
    ("scheme", "values", "hidden", "levels", "open_levels"),
    [
        ("totalspineseg", [44, 95, 45, 100, 50], 45, [], ["L4-L5"]),
        ("totalsegmentator_mr", [4, 3, 2, 1], 2, ["L3-L4"], []),
        ("totalspineseg", [30, 31, 32, 41], 32, ["T10-T11"], []),
        ("verse", [6, 7, 8, 26], 8, ["V6-V7"], []),
    ],
)
def test_names_that_few_people_skip_hide_no_missing_vertebra(
    oblique_grid: Grid, scheme: str, values: list[int], hidden: int, levels: list[str], open_levels: list[str]
) -> None:
    """L4 and S1 are neighbours in people with four lumbar vertebrae; here L5 was there and lost its label.

    The boxes are 6 voxels of 0.7 mm high, scaled to bodies of 25 mm.
    """
    affine = oblique_grid.affine.copy()
    affine[:3, 1] *= 6.0
    labels = numbered(values, scheme, Grid(oblique_grid.shape, affine), thick=6)
    array = np.where(labels.array == hidden, 0, labels.array)
    anatomic = relabel(replace(labels, array=array), load_scheme(scheme))
    if not levels:
        with pytest.raises(AnatomyError, match=r"no two neighbouring vertebrae \(found: L4, S1\)"):
            find_spine(anatomic)
        return
    spine = find_spine(anatomic)
    assert [s.level.name for s in spine.segments] == levels
    assert [o.level.name for o in spine.open_levels] == open_levels


def test_a_soft_map_is_counted_where_half_a_voxel_is_labelled_and_kept_whole_for_sampling(oblique_grid: Grid) -> None:
    hard = stack([41, 92, 42, 93, 43], oblique_grid)
    spread = ndimage.grey_dilation(hard, size=(3, 3, 1))
    shares = np.where(hard > 0, 0.5, np.where(spread > 0, 0.49, 0.0))
    labels = LabelMap(np.where(hard > 0, hard, spread), oblique_grid, "totalspineseg", shares=shares)
    expected = find_spine(relabel(LabelMap(hard, oblique_grid, "totalspineseg"), load_scheme("totalspineseg")))
    spine = find_spine(relabel(labels, load_scheme("totalspineseg")))
    assert expected.soft is None
    np.testing.assert_array_equal(spine.codes, expected.codes)
    for found, wanted in zip(spine.segments, expected.segments, strict=True):
        assert found.level == wanted.level
        assert found.upper.voxels == wanted.upper.voxels
        assert found.upper.centroid_mm.tolist() == wanted.upper.centroid_mm.tolist()
    assert spine.soft is not None
    np.testing.assert_array_equal(spine.soft.codes[hard > 0], expected.codes[hard > 0])
    np.testing.assert_array_equal(spine.soft.codes > 0, spread > 0)
    np.testing.assert_array_equal(spine.soft.shares, shares.astype(np.float32))


def test_a_vertebra_that_is_nowhere_half_a_voxel_is_not_there(oblique_grid: Grid) -> None:
    codes = stack([41, 92, 42, 93, 43], oblique_grid)
    shares = np.where(codes == 43, 0.4, 1.0) * (codes > 0)
    spine = find_spine(
        relabel(LabelMap(codes, oblique_grid, "totalspineseg", shares=shares), load_scheme("totalspineseg"))
    )
    assert [segment.level for segment in spine.segments] == [Level("L1", "L2")]
