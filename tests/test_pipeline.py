"""Image and labels to graded foramina: sides, storage, grids, caveats and provenance."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from foramgrade.errors import GridMismatchError, InputError
from foramgrade.findings import ForamenAssessment, ForamenPoint, Level, Quality, Quantity, Sequence, Side
from foramgrade.geometry.measure import measure_area
from foramgrade.grader import LEE_2010
from foramgrade.perineural.suppression import Comparison
from foramgrade.phantom import ForamenSpec, LevelSpec, Phantom, PhantomSpec, Protocol, make_phantom
from foramgrade.pipeline import assess
from foramgrade.readings import in_plane_pixel_mm
from foramgrade.tables import StudyAssessment
from foramgrade.volume import Grid, LabelMap, Volume

LEFT, RIGHT = ForamenSpec(area_mm2=90.0, height_mm=16.0), ForamenSpec(area_mm2=130.0)
LEVELS = tuple(LevelSpec(wedge_deg=wedge, left=LEFT, right=RIGHT) for wedge in (4.0, 6.0, 8.0, 11.0, 16.0))
#: Shows L2-L3 to L4-L5 whole; L1 is cut above, the disc of L5-S1 lies below.
SMALL = Protocol(pixel_mm=0.6, thickness_mm=4.0, spacing_mm=4.4, n_slices=15, field_mm=(110.0, 130.0))
SPEC = PhantomSpec(levels=LEVELS, protocol=SMALL, obliquity_deg=(6.0, -4.0, 7.0), shift_mm=(9.0, -14.0, 30.0))
WHOLE = ("L2-L3", "L3-L4", "L4-L5")


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_phantom(SPEC, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def study(phantom: Phantom) -> StudyAssessment:
    return assess(phantom.image, phantom.labels)


def _by_name(study: StudyAssessment) -> dict[str, ForamenAssessment]:
    return {foramen.name: foramen for foramen in study.foramina}


def _whole(study: StudyAssessment) -> Iterator[ForamenAssessment]:
    return (foramen for foramen in study.foramina if foramen.level.name in WHOLE)


def _moved(phantom: Phantom, motion: np.ndarray) -> tuple[Volume, LabelMap]:
    """The same voxels elsewhere in the patient."""
    grid = Grid(phantom.image.grid.shape, motion @ phantom.image.grid.affine)
    image = Volume(phantom.image.array, grid, phantom.image.sequence)
    return image, LabelMap(phantom.labels.array, grid, phantom.labels.scheme)


def test_levels_run_down_right_before_left(study: StudyAssessment) -> None:
    names = [f"{upper}_{side}" for upper in ("L1-L2", *WHOLE, "L5-S1") for side in ("right", "left")]
    assert [foramen.name for foramen in study.foramina] == names


def test_measures_are_near_the_truth(phantom: Phantom, study: StudyAssessment) -> None:
    for foramen in _whole(study):
        truth = phantom.foramen(foramen.level, foramen.side)
        # slices 4.4 mm apart miss the smallest section by up to 2.2 mm, over which it grows by 4 %
        assert foramen.measurements[Quantity.AREA] == pytest.approx(truth.area_mm2, rel=0.1)
        assert foramen.measurements[Quantity.HEIGHT] == pytest.approx(truth.height_mm, abs=2 * 0.6)
        assert foramen.section_mm is not None
        assert np.linalg.norm(np.subtract(foramen.section_mm, truth.centre_mm)) < 2.2 + 2 * 0.6


def test_cut_and_unclosed_levels_are_flagged(study: StudyAssessment) -> None:
    found = _by_name(study)
    for side in Side:
        cut, below = found[f"L1-L2_{side.value}"], found[f"L5-S1_{side.value}"]
        assert Quality.CUT_BY_EDGE | Quality.NO_SECTION in cut.quality
        assert "no sagittal section shows both pedicles" in cut.grade.reason
        assert "cut by the edge of the label map" in cut.grade.reason
        assert Quality.NO_DISC in below.quality
        assert "the disc of this level is not labelled" in below.grade.reason
        for foramen in (cut, below):
            assert not foramen.gradable
            assert (foramen.measurements, foramen.evidence, foramen.section_mm) == ({}, None, None)
            assert foramen.reasons[0] == foramen.grade.reason


def test_evidence_is_of_the_reported_section(study: StudyAssessment) -> None:
    for foramen in _whole(study):
        evidence = foramen.evidence
        assert evidence is not None
        outline = evidence.outlines[evidence.chosen]
        np.testing.assert_array_equal(outline.mask, evidence.opening)
        # The smallest section lies between the slices: its area is less than theirs, by what 2.2 mm make at most.
        area, shown = foramen.measurements[Quantity.AREA], measure_area(evidence.opening, evidence.pixel_mm)
        assert shown == evidence.areas_mm2[evidence.chosen]
        assert shown / (1 + 0.021 * 2.2**2) <= area <= shown
        assert foramen.uncertainties[Quantity.AREA] == foramen.measurements[Quantity.AREA_UNCERTAINTY]
        assert len(evidence.outlines) == len(evidence.areas_mm2) == len(evidence.offsets_mm) == foramen.n_sections
        pixels = np.argwhere(outline.mask)
        centre = outline.origin_mm + pixels @ np.stack([outline.row_mm, outline.column_mm])
        np.testing.assert_allclose(centre.mean(axis=0), foramen.section_mm, atol=1e-6)
        volume = sum(o.spacing_mm * measure_area(o.mask, evidence.pixel_mm) for o in evidence.outlines)
        assert volume == pytest.approx(foramen.measurements[Quantity.VOLUME])


def test_asymmetry_stands_on_both_sides(study: StudyAssessment) -> None:
    found = _by_name(study)
    for level in WHOLE:
        right, left = (found[f"{level}_{side}"].measurements for side in ("right", "left"))
        a, b = right[Quantity.AREA], left[Quantity.AREA]
        assert right[Quantity.ASYMMETRY] == left[Quantity.ASYMMETRY] == pytest.approx(2 * (a - b) / (a + b))
        assert a > b
    assert Quantity.ASYMMETRY not in found["L1-L2_right"].measurements


def test_a_mirror_swaps_the_sides_and_nothing_else(phantom: Phantom, study: StudyAssessment) -> None:
    mirrored = _by_name(assess(*_moved(phantom, np.diag([-1.0, 1.0, 1.0, 1.0]))))
    for foramen in study.foramina:
        other = mirrored[f"{foramen.level.name}_{'left' if foramen.side is Side.RIGHT else 'right'}"]
        assert other.quality == foramen.quality
        assert other.n_sections == foramen.n_sections
        for quantity in (Quantity.AREA, Quantity.HEIGHT, Quantity.VOLUME):
            if quantity in foramen.measurements:
                assert other.measurements[quantity] == pytest.approx(foramen.measurements[quantity], rel=1e-3)


@pytest.mark.parametrize("axes, flips", [((2, 0, 1), (0,)), ((1, 2, 0), (1, 2)), ((0, 2, 1), (0, 1, 2))])
def test_the_order_of_storage_is_indifferent(
    phantom: Phantom, study: StudyAssessment, axes: tuple[int, ...], flips: tuple[int, ...]
) -> None:
    grid = phantom.image.grid
    index = np.eye(4)
    index[:3, :3] = np.eye(3)[:, list(axes)]
    for axis in flips:
        index[axes[axis], axis] = -1
        index[axes[axis], 3] = grid.shape[axes[axis]] - 1
    shape = (grid.shape[axes[0]], grid.shape[axes[1]], grid.shape[axes[2]])
    turned = Grid(shape, grid.affine @ index)
    arrays = [np.flip(v.array.transpose(axes), flips) for v in (phantom.image, phantom.labels)]
    image = Volume(arrays[0], turned, phantom.image.sequence)
    again = assess(image, LabelMap(arrays[1], turned, phantom.labels.scheme))
    for one, other in zip(study.foramina, again.foramina, strict=True):
        assert (other.name, other.quality, other.grade.lee) == (one.name, one.quality, one.grade.lee)
        # rounding decides about single pixels of the root (0.09 of 20 mm2) and of the reference regions behind the fat
        assert other.measurements == pytest.approx(one.measurements, rel=2e-2, abs=1e-9)
        for quantity in {Quantity.AREA, Quantity.HEIGHT, Quantity.VOLUME, Quantity.DISC_HEIGHT} & set(one.measurements):
            assert other.measurements[quantity] == pytest.approx(one.measurements[quantity], rel=1e-9)


def test_image_and_labels_need_not_share_a_grid(phantom: Phantom, study: StudyAssessment) -> None:
    """Only the upper half of the image: what lies below is measured but not graded."""
    rows = phantom.image.grid.shape[1]
    index = np.eye(4)
    index[:3, 3] = (0, rows // 2, 0)
    upper = phantom.image.grid.affine @ index
    array = phantom.image.array[:, rows // 2 :]
    image = Volume(array, Grid((array.shape[0], array.shape[1], array.shape[2]), upper), phantom.image.sequence)
    found, whole = _by_name(assess(image, phantom.labels)), _by_name(study)
    for name in ("L2-L3_right", "L2-L3_left", "L4-L5_right", "L4-L5_left"):
        assert found[name].measurements[Quantity.AREA] == whole[name].measurements[Quantity.AREA]
    without = {name for name, foramen in found.items() if Quality.NO_IMAGE in foramen.quality}
    assert {"L4-L5_right", "L4-L5_left"} <= without
    assert not {"L2-L3_right", "L2-L3_left"} & without
    for name in without:
        assert not found[name].gradable
        assert "the image does not cover this foramen" in found[name].grade.reason


def test_a_sliver_of_a_vertebra_leaves_the_other_levels(phantom: Phantom) -> None:
    """Of L1 only what hangs behind the disc of L1-L2 is in the field of view: its centre lies below that disc's."""
    grid = phantom.labels.grid
    heights = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))[..., 2]
    array = phantom.labels.array.copy()
    array[(array == 41) & (heights > np.quantile(heights[array == 41], 0.2))] = 0
    assert _by_name(assess(phantom.image, replace(phantom.labels, array=array)))["L3-L4_left"].gradable


def test_no_overlap_is_refused(phantom: Phantom) -> None:
    away = np.eye(4)
    away[2, 3] = 400.0
    image, _ = _moved(phantom, away)
    with pytest.raises(GridMismatchError, match=r"image covers R .* the centres of the labelled vertebrae lie at R .*"):
        assess(image, phantom.labels)


@pytest.mark.parametrize(
    "marrow, brightest, disc, doubtful",
    [(1.5, 1.6, 0.9, True), (2.5, 1.6, 0.9, False), (1.5, 2.6, 0.9, False)],
)
def test_fat_hardly_brighter_than_muscle_is_flagged(
    marrow: float, brightest: float, disc: float, doubtful: bool, phantom: Phantom, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Comparison(marrow=marrow, brightest=brightest, disc=disc)
    monkeypatch.setattr("foramgrade.readings.pool_comparisons", lambda _: found)
    for foramen in _whole(assess(phantom.image, phantom.labels)):
        assert (Quality.FAT_DOUBTFUL in foramen.quality) is doubtful
        assert foramen.gradable


def test_the_word_of_the_user_settles_what_is_fat(phantom: Phantom, monkeypatch: pytest.MonkeyPatch) -> None:
    dark = Comparison(marrow=0.6, brightest=1.2, disc=1.0)
    monkeypatch.setattr("foramgrade.readings.pool_comparisons", lambda _: dark)
    with pytest.raises(InputError, match=r"fat is dark in this image, .*, or say that fat is bright to go on"):
        assess(phantom.image, phantom.labels)
    study = assess(phantom.image, phantom.labels, fat_is_bright=True)
    assert study.parameters["fat_is_bright"] is True
    assert not any(Quality.FAT_DOUBTFUL in foramen.quality for foramen in study.foramina)


def test_an_image_without_contrast_is_not_graded(phantom: Phantom) -> None:
    flat = Volume(np.full(phantom.image.array.shape, 100, np.int16), phantom.image.grid, phantom.image.sequence)
    for foramen in _whole(assess(flat, phantom.labels)):
        assert Quality.FAT_NOT_BRIGHT in foramen.quality
        assert "bright enough to be fat" in foramen.grade.reason
        assert Quantity.AREA in foramen.measurements
        assert foramen.findings is None


@pytest.mark.parametrize(
    "told, sentence",
    [
        (
            {"sequence": Sequence.T2, "fat_suppressed": True, "contrast_reason": "TR 4000 ms, inversion time 160 ms"},
            r"fat is dark in this series \(TR 4000 ms, inversion time 160 ms\): perineural fat cannot be read from it; "
            r"choose a T1 or T2 series without fat suppression",
        ),
        ({"sequence": Sequence.STIR, "fat_suppressed": None}, r"fat is dark in this series \(STIR\): perineural fat"),
        ({"sequence": Sequence.T1, "fat_suppressed": True}, r"fat is dark in this series \(fat-suppressed\)"),
        (
            {"sequence": Sequence.PD, "contrast_reason": "TR 4320 ms, TE 11 ms"},
            r"proton-density-weighted \(TR 4320 ms, TE 11 ms\), and grades are defined on T1 and T2",
        ),
    ],
    ids=["fat saturation called T2", "STIR", "without a reason", "PD"],
)
def test_a_series_in_which_fat_cannot_be_read_is_refused(phantom: Phantom, told: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        assess(replace(phantom.image, **told), phantom.labels)


@pytest.mark.parametrize("sequence", [None, Sequence.T1, Sequence.T2])
def test_a_stir_without_a_header_is_refused(sequence: Sequence | None) -> None:
    stir = make_phantom(replace(SPEC, sequence=Sequence.STIR), rng=np.random.default_rng(1))
    image = Volume(stir.image.array, stir.image.grid, sequence)
    with pytest.raises(
        InputError, match=r"fat is dark in this image, .* marrow is 0\.\d\d, .* expected above 1\.9 or the disc"
    ):
        assess(image, stir.labels)


def test_the_contrast_is_flagged_where_unknown(phantom: Phantom, study: StudyAssessment) -> None:
    unknown = assess(replace(phantom.image, sequence=None), phantom.labels)
    assert unknown.sequence is None
    assert all(Quality.SEQUENCE_UNKNOWN in foramen.quality for foramen in unknown.foramina)
    assert study.sequence == "T1"
    assert not any(Quality.SEQUENCE_UNKNOWN in foramen.quality for foramen in study.foramina)


def test_provenance_names_everything_adjustable(phantom: Phantom) -> None:
    steps: list[tuple[int, int]] = []
    inputs = ({"role": "image", "sha256": "ab" * 32},)
    names = {41: "L2", 42: "L3", 43: "L4", 44: "L5", 45: "L6"}
    study = assess(
        phantom.image,
        phantom.labels,
        criteria=replace(LEE_2010, minimum_fat_mm=0.6),
        case="case-7",
        level_names=names,
        seal_limit_mm=4.0,
        inputs=inputs,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(n, 10) for n in range(1, 11)]
    assert (study.case, study.inputs, study.scheme) == ("case-7", inputs, "totalspineseg")
    wanted = {"minimum_fat_mm": 0.6, "seal_limit_mm": 4.0, "level_names": names, "policy": "floor"}
    assert {name: study.parameters[name] for name in wanted} == wanted
    assert study.foramina[-1].name == "L6-S1_left"


def test_a_grade_below_the_limit_is_flagged_and_says_what_competes(phantom: Phantom) -> None:
    for limit in (0.0, 1.0):
        study = assess(phantom.image, phantom.labels, criteria=replace(LEE_2010, uncertain_below=limit))
        assert study.parameters["uncertain_below"] == limit
        graded = [foramen for foramen in study.foramina if foramen.grade.confidence is not None]
        assert graded
        for foramen in study.foramina:
            doubtful = (foramen.grade.confidence or limit) < limit
            assert (Quality.UNCERTAIN in foramen.quality) == doubtful
            sentences = [sentence for sentence in foramen.reasons if sentence.startswith("Uncertain: ")]
            assert len(sentences) == doubtful
            if doubtful:
                assert f"grade {foramen.grade.competing} competes with" in sentences[0]
                assert foramen.reasons[0] == foramen.grade.reason


def test_numbers_that_are_not_anatomical_are_said(phantom: Phantom) -> None:
    """The map of SPINEPS without its last step: vertebrae counted from the top of the picture, from 2."""
    counted, parts = np.zeros(256, np.uint8), np.zeros(256, np.uint8)
    counted[[41, 42, 43, 44, 45, 50]] = (2, 3, 4, 5, 6, 26)
    counted[[92, 93, 94, 95, 100]] = (102, 103, 104, 105, 106)
    parts[[41, 42, 43, 44, 45, 50, 92, 93, 94, 95, 100, 2]] = (*[49] * 5, 26, *[100] * 5, 61)
    array = phantom.labels.array
    study = assess(phantom.image, LabelMap(parts[array], phantom.labels.grid, "spineps", counted[array]))
    assert [foramen.level.name for foramen in study.foramina[::2]] == ["V2-V3", "V3-V4", "V4-V5", "V5-V6", "V6-S1"]
    for foramen in study.foramina:
        assert Quality.LEVEL_UNVERIFIED in foramen.quality
        assert any("vertebra numbers of this map are not anatomical" in sentence for sentence in foramen.reasons)


def test_an_open_ring_names_the_limit_in_force(phantom: Phantom) -> None:
    """Nothing is labelled 5 mm above and below the middle of the right foramen of L3-L4, behind it."""
    labels, array = phantom.labels, phantom.labels.array.copy()
    positions = labels.grid.to_world(np.moveaxis(np.indices(array.shape), 0, -1))
    away = positions - phantom.foramen("L3-L4", Side.RIGHT).centre_mm
    array[(away[..., 1] < 0) & (np.abs(away[..., 2]) < 5.0)] = 0
    for limit in (2.5, 4.0):
        foramen = _by_name(assess(phantom.image, replace(labels, array=array), seal_limit_mm=limit))["L3-L4_right"]
        assert Quality.RING_OPEN in foramen.quality
        assert any(f"is open by more than {limit:g} mm" in reason for reason in foramen.reasons)
        # Its fat is read all the same, around a point; its area is not invented.
        assert Quality.FROM_POINT in foramen.quality
        assert Quantity.AREA not in foramen.measurements


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf")])
def test_a_sealing_limit_that_is_no_length_is_refused(phantom: Phantom, limit: float) -> None:
    with pytest.raises(InputError, match=rf"the sealing limit is {limit:g}, expected 0 mm or more"):
        assess(phantom.image, phantom.labels, seal_limit_mm=limit)


def test_in_plane_pixel(phantom: Phantom) -> None:
    assert in_plane_pixel_mm(phantom.image) == pytest.approx(0.6)
    spacing = np.diag([0.5, 0.8, 3.0, 1.0])  # axial: the slices count, in the plane of a section
    assert in_plane_pixel_mm(Volume(np.zeros((4, 4, 4), np.int16), Grid((4, 4, 4), spacing))) == 3.0


def test_a_click_wins_over_the_usual_place(phantom: Phantom, study: StudyAssessment) -> None:
    """Nothing changes where the click is in the root; a click in the lower foramen is obeyed."""
    found = next(f for f in study.foramina if f.evidence is not None and f.evidence.root is not None)
    evidence = found.evidence
    assert evidence is not None
    assert evidence.root is not None
    outline = evidence.outlines[evidence.chosen]

    def clicked(down: float) -> ForamenAssessment:
        row, column = np.argwhere(evidence.root).mean(axis=0)
        shift = len(evidence.root) - outline.mask.shape[0]
        assert shift == 0
        place = outline.origin_mm + (row - down) * outline.row_mm + column * outline.column_mm
        point = ForamenPoint(found.level, found.side, (float(place[0]), float(place[1]), float(place[2])))
        return _by_name(assess(phantom.image, phantom.labels, clicks=[point]))[found.name]

    same, lower = clicked(0.0), clicked(20.0)
    assert same.grade.lee == found.grade.lee
    assert lower.evidence is not None
    if lower.evidence.root is not None:
        moved = np.argwhere(evidence.root)[:, 0].mean() - np.argwhere(lower.evidence.root)[:, 0].mean()
        assert moved > 8


def test_a_click_at_no_foramen_is_refused(phantom: Phantom) -> None:
    click = ForamenPoint(Level("T3", "T4"), Side.LEFT, (0.0, 0.0, 0.0))
    with pytest.raises(InputError, match="a root is marked at T3-T4 left, which the labels do not have"):
        assess(phantom.image, phantom.labels, clicks=[click])
