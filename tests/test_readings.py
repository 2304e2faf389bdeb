"""Roots that a user draws win; where the reported section shows no root, another one is read and the row says so."""

import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.findings import ForamenAssessment, Quality, Quantity
from foramgrade.phantom import (
    ForamenSpec,
    LevelSpec,
    Phantom,
    PhantomSpec,
    Protocol,
    make_phantom,
)
from foramgrade.pipeline import assess
from foramgrade.tables import StudyAssessment
from foramgrade.volume import LabelMap, Volume

SMALL = Protocol(pixel_mm=0.6, thickness_mm=4.0, spacing_mm=4.4, n_slices=15, field_mm=(110.0, 130.0))
SPEC = PhantomSpec(levels=tuple(LevelSpec(left=ForamenSpec(), right=ForamenSpec()) for _ in range(5)), protocol=SMALL)
NAME = "L3-L4_right"


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_phantom(SPEC, rng=np.random.default_rng(3))


@pytest.fixture(scope="module")
def study(phantom: Phantom) -> StudyAssessment:
    return assess(phantom.image, phantom.labels)


def row_of(study: StudyAssessment) -> ForamenAssessment:
    return next(one for one in study.foramina if one.name == NAME)


def root_centre(study: StudyAssessment) -> np.ndarray:
    """Centre of the root, patient mm."""
    evidence = row_of(study).evidence
    outline = evidence.outlines[evidence.chosen]
    row, column = np.argwhere(evidence.root).mean(axis=0)
    return outline.origin_mm + row * outline.row_mm + column * outline.column_mm


def drawing(phantom: Phantom, centre_mm: np.ndarray, radius_mm: float, *, slices: slice) -> LabelMap:
    """A disc on slices, counted from the one nearest to a place."""
    grid = phantom.image.grid
    indices = np.moveaxis(np.indices(grid.shape), 0, -1)
    places = indices @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    axis = grid.lateral_axis
    away = places - centre_mm
    disc = np.hypot(away[..., 1], away[..., 2]) <= radius_mm
    nearest = int(np.rint(grid.to_ijk(centre_mm)[axis]))
    wanted = np.zeros(grid.shape[axis], bool)
    wanted[nearest + slices.start : nearest + slices.stop] = True
    disc &= np.expand_dims(wanted, tuple(n for n in range(3) if n != axis))
    return LabelMap(disc.astype(np.uint8) * 7, grid, "foramina")


def test_a_drawn_root_is_the_root(phantom: Phantom, study: StudyAssessment) -> None:
    """A disc of 2 mm radius, 1 mm below the root that is found: its area counts, and what lies above it does not."""
    centre = root_centre(study) - np.array([0.0, 0.0, 1.0])
    own = row_of(assess(phantom.image, phantom.labels, roots=drawing(phantom, centre, 2.0, slices=slice(-1, 2))))
    assert own.measurements[Quantity.NERVE_AREA] == pytest.approx(np.pi * 4, rel=0.1)
    assert own.measurements[Quantity.NERVE_ASPECT] == pytest.approx(1.0, abs=0.12)
    assert any("the one that was drawn" in reason for reason in own.reasons)
    assert Quality.OTHER_SECTION not in own.quality
    assert own.measurements[Quantity.AREA] == row_of(study).measurements[Quantity.AREA]


def test_other_foramina_are_read_as_before(phantom: Phantom, study: StudyAssessment) -> None:
    drawn = drawing(phantom, root_centre(study), 2.5, slices=slice(-1, 2))
    for one, other in zip(assess(phantom.image, phantom.labels, roots=drawn).foramina, study.foramina, strict=True):
        if one.name != NAME:
            assert one.grade.lee == other.grade.lee
            assert not any("drawn" in reason for reason in one.reasons)


def test_a_root_drawn_on_another_slice_is_read_there(phantom: Phantom, study: StudyAssessment) -> None:
    reported = row_of(study)
    evidence = reported.evidence
    assert len(evidence.offsets_mm) > 1
    step = 1 if evidence.chosen == 0 else -1
    way = np.sign(evidence.offsets_mm[evidence.chosen + step] - evidence.offsets_mm[evidence.chosen])
    stride = int(way * np.sign(phantom.image.grid.affine[0, phantom.image.grid.lateral_axis]))
    drawn = drawing(phantom, root_centre(study), 2.5, slices=slice(stride, stride + 1))
    own = row_of(assess(phantom.image, phantom.labels, roots=drawn))
    assert Quality.OTHER_SECTION in own.quality
    assert own.evidence.chosen != evidence.chosen
    assert any("drawn on another section" in reason for reason in own.reasons)
    assert own.measurements[Quantity.AREA] == reported.measurements[Quantity.AREA]


def test_roots_drawn_at_no_foramen_are_refused(phantom: Phantom, study: StudyAssessment) -> None:
    far = drawing(phantom, root_centre(study) + np.array([0.0, 30.0, 0.0]), 2.0, slices=slice(-1, 2))
    with pytest.raises(InputError, match="none of the drawn roots lies in a foramen"):
        assess(phantom.image, phantom.labels, roots=far)


def test_where_no_root_shows_another_section_is_read(phantom: Phantom, study: StudyAssessment) -> None:
    """On the slice of the reported section the root is painted over with fat."""
    reported = row_of(study)
    fat = float(np.quantile(phantom.image.array, 0.99))
    over = drawing(phantom, root_centre(study), 5.0, slices=slice(0, 1)).array > 0
    array = np.where(over, fat, phantom.image.array).astype(phantom.image.array.dtype)
    image = Volume(array, phantom.image.grid, phantom.image.sequence)
    own = row_of(assess(image, phantom.labels))
    assert Quality.OTHER_SECTION in own.quality
    assert Quality.ROOT_NOT_FOUND not in own.quality
    assert own.evidence.chosen != reported.evidence.chosen
    assert any(reason.startswith("No root shows on that of the smallest area") for reason in own.reasons)
    assert own.measurements[Quantity.AREA] == reported.measurements[Quantity.AREA]
    assert own.grade.confidence <= 1 - 0.3 * 0.75 + 1e-9
    assert own.evidence.root.shape == own.evidence.opening.shape == own.evidence.image.shape
