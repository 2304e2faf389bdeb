"""The derived label map: each foramen where it is, as large as it was measured, its numbers explained."""

import json
import re
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from foramgrade.exports import paint_foramina, write_foramina
from foramgrade.findings import Evidence, ForamenAssessment, Grade, Level, Outline, Policy, Quality, Quantity, Side
from foramgrade.tables import StudyAssessment
from foramgrade.volume import Grid

from .conftest import Case


def _counting_error(mask: np.ndarray) -> float:
    """Three standard deviations of a count of voxels whose outline falls at random: sqrt(voxels of the outline) / 2."""
    slices = np.moveaxis(mask, 2, 0)
    outline = sum(int((s & ~ndimage.binary_erosion(s)).sum()) for s in slices)
    return 1.5 * float(np.sqrt(outline))


def _painted(array: np.ndarray, number: int) -> np.ndarray:
    return array // 10 == number


def test_painted_volume_is_the_measured_one(case: Case) -> None:
    grid = case.phantom.labels.grid
    array, _ = paint_foramina(case.study, grid)
    tested = 0
    for number, foramen in enumerate(case.study.foramina, start=1):
        painted = _painted(array, number)
        if foramen.evidence is None:
            assert not painted.any()
            continue
        # Cavalieri: area in the plane of the slices times the distance between them
        outlines = foramen.evidence.outlines
        area = sum(o.mask.sum() * np.linalg.norm(np.cross(o.row_mm, o.column_mm)) for o in outlines)
        error = _counting_error(painted)
        assert painted.sum() == pytest.approx(area * 4.4 / grid.voxel_volume_mm3, abs=error)
        measured = foramen.measurements[Quantity.VOLUME] / grid.voxel_volume_mm3
        assert painted.sum() == pytest.approx(measured, abs=error + 0.01 * measured)
        tested += 1
    assert tested >= 4


def test_painted_volume_on_another_grid(case: Case) -> None:
    """An axial grid of 1 mm, turned against the label map: the slices of the study are not its slices."""
    turn = np.array([[0.0, 0.9659, 0.2588], [-1.0, 0.0, 0.0], [0.0, -0.2588, 0.9659]])
    affine = np.eye(4)
    affine[:3, :3] = turn
    centre = case.phantom.labels.grid.corners_mm().mean(axis=0)
    affine[:3, 3] = centre - turn @ (70.0, 60.0, 80.0)
    grid = Grid((140, 120, 160), affine)
    array, _ = paint_foramina(case.study, grid)
    for number, foramen in enumerate(case.study.foramina, start=1):
        if foramen.evidence is not None and foramen.n_sections > 1:
            painted = _painted(array, number)
            outlines = foramen.evidence.outlines
            area = sum(o.mask.sum() * np.linalg.norm(np.cross(o.row_mm, o.column_mm)) for o in outlines)
            assert painted.sum() == pytest.approx(area * 4.4, abs=2 * _counting_error(painted))


def test_painted_foramina_lie_where_they_are(case: Case) -> None:
    grid = case.phantom.labels.grid
    array, labels = paint_foramina(case.study, grid)
    by_name = {label.abbreviation: label.index for label in labels}
    for side in Side:
        truth = case.phantom.foramen("L3-L4", side)
        number = by_name[f"L3-L4_{side.value}_opening"] // 10
        centre = grid.to_world(np.argwhere(_painted(array, number))).mean(axis=0)
        # the slices miss the smallest section by up to half their distance; in plane one pixel is allowed
        assert np.linalg.norm(centre - truth.centre_mm) < 2.2 + 0.6
    left, right = (by_name[f"L4-L5_{side.value}_opening"] // 10 for side in (Side.LEFT, Side.RIGHT))
    x_of = {n: grid.to_world(np.argwhere(_painted(array, n)))[:, 0] for n in (left, right)}
    assert x_of[left].max() < x_of[right].min()


def test_root_and_fat_lie_in_the_opening(case: Case) -> None:
    grid = case.phantom.labels.grid
    array, labels = paint_foramina(case.study, grid)
    bare = replace(
        case.study,
        foramina=tuple(
            f if f.evidence is None else replace(f, evidence=replace(f.evidence, root=None, fat=None))
            for f in case.study.foramina
        ),
    )
    openings, _ = paint_foramina(bare, grid)
    np.testing.assert_array_equal(openings // 10, array // 10)
    assert set(np.unique(openings % 10)) == {0, 1}
    sections = {}
    for number, foramen in enumerate(case.study.foramina, start=1):
        if foramen.findings is None:
            continue
        root, fat = array == 10 * number + 2, array == 10 * number + 3
        assert root.any()
        assert fat.any()
        slices = np.unique(np.argwhere(root | fat)[:, 2])
        sections[foramen.name] = slices
        # root and fat are known on the reported section alone, and a slice of the grid is a section
        assert len(slices) == 1
        area = root.sum() * 0.6**2
        assert area == pytest.approx(foramen.measurements[Quantity.NERVE_AREA], abs=0.6**2 * _counting_error(root))
    assert sections
    counted = {label.index: label.voxels for label in labels if label.voxels}
    found, counts = np.unique(array[array > 0], return_counts=True)
    assert counted == dict(zip(found.tolist(), counts.tolist(), strict=True))


def _foramen(outlines: tuple[Outline, ...], *, chosen: int, side: Side = Side.RIGHT) -> ForamenAssessment:
    shape = outlines[0].mask.shape
    evidence = Evidence(
        parts=np.zeros(shape, np.uint8),
        opening=outlines[chosen].mask,
        pixel_mm=0.25,
        offsets_mm=np.arange(float(len(outlines))),
        areas_mm2=np.ones(len(outlines)),
        outlines=outlines,
        chosen=chosen,
    )
    grade = Grade(None, Policy.FLOOR, None, "Not gradable: a drawing.")
    return ForamenAssessment(Level("L4", "L5"), side, Quality(0), (), grade, evidence=evidence)


def _sheet(x_mm: float, slope: float, *, spacing_mm: float = 4.0) -> Outline:
    """A rectangle, 6 mm high and 3 mm deep from the origin, on a sheet that leans right by `slope` per mm."""
    return Outline(
        mask=np.ones((24, 12), bool),
        origin_mm=np.array([x_mm + slope * 0.125, 0.125, 0.125]),
        row_mm=np.array([slope * 0.25, 0.0, 0.25]),
        column_mm=np.array([0.0, 0.25, 0.0]),
        spacing_mm=spacing_mm,
    )


def _drawing(*foramina: ForamenAssessment) -> StudyAssessment:
    return StudyAssessment("case-1", foramina, "T1", "spider", "0.1.0")


FINE = Grid((60, 20, 30), np.array([[0.5, 0, 0, -10], [0, 0.5, 0, -2.25], [0, 0, 0.5, -3.25], [0, 0, 0, 1.0]]))


def test_inclined_sections_are_seen_along_the_right_axis() -> None:
    array, _ = paint_foramina(_drawing(_foramen((_sheet(0.0, 0.3), _sheet(4.0, 0.3)), chosen=1)), FINE)
    x, a, s = np.moveaxis(FINE.to_world(np.indices(FINE.shape).reshape(3, -1).T), -1, 0)
    # both sections together: 8 mm along the right axis, the lower face included, the upper left out
    across = x - 0.3 * s
    expected = (a >= 0) & (a < 3) & (s >= 0) & (s < 6) & (across >= -2 - 1e-9) & (across < 6 - 1e-9)
    np.testing.assert_array_equal(array.ravel() > 0, expected)
    assert expected.sum() == pytest.approx(6 * 3 * 8 / 0.5**3, rel=0.02)


def test_neighbouring_sections_leave_no_gap() -> None:
    """Voxel centres on the face between two sections are painted once, whatever the rounding."""
    sheets = tuple(_sheet(0.1 * 3 + n, 0.0, spacing_mm=1.0) for n in range(5))
    shifted = FINE.affine.copy()
    shifted[0, 3] = -10 + 0.3
    grid = Grid(FINE.shape, shifted)
    array, _ = paint_foramina(_drawing(_foramen(sheets, chosen=0)), grid)
    assert (array > 0).sum() == 10 * 6 * 12


def test_a_single_section_is_seen_along_its_normal() -> None:
    array, _ = paint_foramina(_drawing(_foramen((_sheet(0.0, 0.0),), chosen=0)), FINE)
    assert (array > 0).sum() == 8 * 6 * 12
    leaning, _ = paint_foramina(_drawing(_foramen((_sheet(0.0, 0.3),), chosen=0)), FINE)
    x, a, s = np.moveaxis(FINE.to_world(np.argwhere(leaning)), -1, 0)
    assert np.all((a > 0) & (a < 3))
    # within half a step of the sheet x = 0.3 s, measured across it
    assert np.all(np.abs(x - 0.3 * s) / np.hypot(1, 0.3) <= 2.0 + 1e-9)


def test_a_section_that_was_left_out_is_not_painted() -> None:
    """Two sections two steps apart: the slab between them is free."""
    array, _ = paint_foramina(_drawing(_foramen((_sheet(-4.0, 0.0), _sheet(4.0, 0.0)), chosen=0)), FINE)
    x = FINE.to_world(np.argwhere(array))[:, 0]
    assert (array > 0).sum() == 2 * 8 * 6 * 12
    assert np.abs(x).min() >= 2.0


def test_a_foramen_beside_the_grid_is_not_painted() -> None:
    array, labels = paint_foramina(_drawing(_foramen((_sheet(200.0, 0.0),), chosen=0)), FINE)
    assert not array.any()
    assert [label.voxels for label in labels] == [0, 0, 0]


def test_files_say_what_the_numbers_mean(case: Case, tmp_path: Path) -> None:
    image, side_file = write_foramina(case.study, case.phantom.labels.grid, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["foramina.json", "foramina.nii.gz"]
    read = nib.load(image)
    assert read.get_data_dtype() == np.uint8
    assert Grid(read.shape, read.affine).matches(case.phantom.labels.grid)
    document = json.loads(side_file.read_text(encoding="utf-8"))
    assert (document["format"], document["case"]) == ("foramgrade foramina 1", "case-1")
    labels = {label["index"]: label for label in document["labels"]}
    assert len(labels) == len(document["labels"]) == 3 * len(case.study.foramina)
    assert set(np.unique(np.asarray(read.dataobj))) - {0} == {n for n, label in labels.items() if label["voxels"]}
    third = case.study.foramina[2]
    assert labels[32] == {
        "index": 32,
        "name": f"{third.level.name} {third.side.value} nerve root",
        "abbreviation": f"{third.name}_root",
        "color": labels[32]["color"],
        "level": third.level.name,
        "side": third.side.value,
        "structure": "root",
        "voxels": int((np.asarray(read.dataobj) == 32).sum()),
    }
    assert all(re.fullmatch("#[0-9A-F]{6}", label["color"]) for label in labels.values())
    first = [path.read_bytes() for path in (image, side_file)]
    write_foramina(case.study, case.phantom.labels.grid, tmp_path)
    assert [path.read_bytes() for path in (image, side_file)] == first
