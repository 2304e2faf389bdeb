"""Synthetic foramina that look like T1 sections: a teardrop of fat between two pedicles with an oval root in it."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from foramgrade.findings import (
    Border,
    BorderFinding,
    BorderState,
    Evidence,
    ForamenAssessment,
    Grade,
    Level,
    Neighbour,
    PerineuralFindings,
    Policy,
    Quality,
    Quantity,
    RootShape,
    Side,
)
from foramgrade.tables import StudyAssessment

PIXEL_MM = 0.4
SHAPE = (150, 160)
ROOT_CENTRE_MM = (4.0, 0.5)
DIRECTION_DEG = {Border.SUPERIOR: 0, Border.POSTERIOR: 90, Border.INFERIOR: 180, Border.ANTERIOR: 270}
LEVELS = ("T12", "L1", "L2", "L3", "L4", "L5", "L6", "S1", "S2")
#: Lost borders and root shape behind each grade under the default policy.
FINDINGS = {0: "", 1: "SI", 2: "SPIA", 3: "PA"}
L4_L5, NO_CAVEAT = Level("L4", "L5"), Quality(0)
MakeForamen = Callable[..., ForamenAssessment]
MakeStudy = Callable[..., StudyAssessment]


def _positions() -> tuple[np.ndarray, np.ndarray]:
    """Superior and anterior position of every pixel, mm from the centre of the section."""
    rows, columns = np.indices(SHAPE, dtype=float)
    return (rows - (SHAPE[0] - 1) / 2) * PIXEL_MM, (columns - (SHAPE[1] - 1) / 2) * PIXEL_MM


def make_evidence(lost: str, *, flat: bool = False) -> Evidence:
    """Section of one foramen whose fat is replaced by soft tissue in the sectors of the lost borders."""
    s, a = _positions()
    width = np.interp(s, [-9, -5, 0, 4, 9], [2.2, 2.6, 3.2, 5.0, 3.5])
    opening = (np.abs(s) < 9) & (np.abs(a - 0.2 * np.sin(s / 3)) < width) & (np.hypot(s - 2, a / 0.9) < 11)
    rs, ra = s - ROOT_CENTRE_MM[0], a - ROOT_CENTRE_MM[1]
    root = np.hypot(rs / (1.1 if flat else 2.2), ra / (3.3 if flat else 2.7)) < 1
    angle = np.degrees(np.arctan2(-ra, rs)) % 360
    fat = (opening & ~root).astype(float)
    for letter in lost:
        away = np.abs((angle - DIRECTION_DEG[Border(letter)] + 180) % 360 - 180)
        fat[(away < 45) & (np.hypot(rs, ra) < 7)] = 0.0
    fat = np.where(opening & ~root, ndimage.gaussian_filter(fat, 0.7), 0.0)

    parts = np.zeros(SHAPE, np.uint8)
    body = (a > 4) & (a < 30)
    parts[(s > 2) & ~opening & (body | (s > 8) & (a > -7))] = 1
    parts[(s < -8) & ~opening & (body | (a > -7))] = 2
    parts[(a < -4) & (a > -13) & (s > 0) & ~opening] = 1
    parts[(a < -3) & (a > -12) & (s <= 0) & ~opening] = 2
    parts[(s > -8) & (s < 2) & ~opening & (a > 2) & (a < 28)] = 3

    tissue = np.array([0.30, 0.62, 0.58, 0.33, 0.2])[parts]
    tissue[ndimage.morphological_gradient(parts, 3) > 0] = 0.12
    tissue[(parts == 0) & ~opening & (a < -13)] = 0.8
    image = np.where(opening, 0.34 + 0.6 * fat, tissue)
    image[root] = 0.42
    image = ndimage.gaussian_filter(image, 1.0) + np.random.default_rng(7).normal(0, 0.025, SHAPE)

    offsets = np.array([-22.0, -17.6, -13.2])
    areas = opening.sum() * PIXEL_MM**2 * np.array([1.2, 1.0, 1.45])
    return Evidence(
        parts=parts,
        opening=opening,
        pixel_mm=PIXEL_MM,
        chosen=1,
        offsets_mm=offsets,
        areas_mm2=areas,
        image=900 * image,
        root=root,
        fat=fat,
        profile_mm=_profile(fat, root),
    )


def _profile(fat: np.ndarray, root: np.ndarray) -> np.ndarray:
    row, column = (np.array(axis).mean() for axis in np.nonzero(root))
    reach = np.arange(0.0, 12.0, 0.2) / PIXEL_MM
    theta = np.radians(np.arange(0, 360, 5))
    where = np.stack([row + np.outer(np.cos(theta), reach), column - np.outer(np.sin(theta), reach)])
    return ndimage.map_coordinates(fat, where, order=1).sum(axis=1) * 0.2


def make_findings(lost: str, shape: RootShape) -> PerineuralFindings:
    """Findings with the given lost borders; the last of the others is thin."""
    around = dict(zip(Border, itertools.cycle(Neighbour), strict=False))
    borders = {
        border: BorderFinding(BorderState.LOST, 0.1, 0.2, 0.05, around[border])
        if border.value in lost
        else BorderFinding(BorderState.THIN if border is Border.ANTERIOR else BorderState.PRESERVED, 1.3, 0.2, 0.9)
        for border in Border
    }
    return PerineuralFindings(borders, shape, 0.85 if shape is RootShape.CHANGED else 0.06)


MEASUREMENTS = {
    Quantity.AREA: 104.2,
    Quantity.HEIGHT: 16.8,
    Quantity.WIDTH_SUPERIOR: 9.7,
    Quantity.WIDTH_DISC: 6.3,
    Quantity.WIDTH_INFERIOR: 5.1,
    Quantity.DISC_HEIGHT: 6.4,
    Quantity.VOLUME: 934.0,
    Quantity.ASYMMETRY: -0.08,
    Quantity.NERVE_AREA: 18.6,
    Quantity.NERVE_ASPECT: 1.31,
    Quantity.NERVE_OCCUPANCY: 0.18,
    Quantity.FAT_AREA: 71.4,
    Quantity.FAT_FRACTION: 0.83,
    Quantity.SEAL_GAP: 1.9,
}


def _foramen(
    lee: int | None = 0, *, level: Level = L4_L5, side: Side = Side.LEFT, quality: Quality = NO_CAVEAT
) -> ForamenAssessment:
    if lee is None:
        reason = "Not gradable: fat cannot be told from other tissue by brightness in this series."
        return ForamenAssessment(
            level,
            side,
            quality | Quality.FAT_NOT_BRIGHT,
            (reason,),
            Grade(None, Policy.FLOOR, None, reason),
            MEASUREMENTS,
            n_sections=3,
            section_mm=(14.0, -20.0, 30.0),
            evidence=replace(make_evidence(""), root=None, fat=None, profile_mm=None),
        )
    lost = FINDINGS[lee]
    shape = RootShape.CHANGED if lee == 3 else RootShape.UNCHANGED
    return ForamenAssessment(
        level,
        side,
        quality,
        ("Posterior disc height is 6.4 mm.",),
        Grade(
            lee,
            Policy.FLOOR,
            True,
            f"Fat lost on {len(lost)} of four borders; {shape.value} root: Lee {lee}.",
            sartoretti=f"{'ABCDE'[len(lost)]}{len(lost) or ''}",
            wildermuth=lee,
            rsna=("Normal/Mild", "Normal/Mild", "Moderate", "Severe")[lee],
            confidence=0.93 - 0.1 * lee,
        ),
        MEASUREMENTS,
        findings=make_findings(lost, shape),
        n_sections=3,
        section_mm=(14.0, -20.0, 30.0),
        evidence=make_evidence(lost, flat=lee == 3),
    )


@pytest.fixture
def make_foramen() -> MakeForamen:
    """Factory of foramina: ``make_foramen(lee, level=..., side=..., quality=...)``; None is not gradable."""
    return _foramen


@pytest.fixture
def blank_foramen() -> ForamenAssessment:
    """A foramen that no section shows."""
    return ForamenAssessment(
        Level("L5", "S1"),
        Side.RIGHT,
        Quality.NO_SECTION | Quality.CUT_BY_EDGE,
        ("No sagittal section lies between the two pedicles.",),
        Grade(None, Policy.FLOOR, None, "Not gradable: no section shows this foramen."),
    )


@pytest.fixture
def longest_foramen() -> ForamenAssessment:
    """Every text as long as it gets: all caveats, endless reasons, all borders lost to a vertebra, unnumbered level."""
    full = _foramen(2, level=Level("V16", "V17"), side=Side.RIGHT)
    lost = BorderFinding(BorderState.LOST, 10.0, 0.4, 0.0, Neighbour.VERTEBRA)
    endless = "The ring of bone is open by 12.3 mm posteriorly and therefore nothing can be measured; " * 9
    every = Quality(0)
    for flag in Quality:
        every |= flag
    return replace(
        full,
        quality=every,
        reasons=(endless, "x" * 200),
        measurements=dict.fromkeys(Quantity, -12345.678),
        findings=PerineuralFindings(dict.fromkeys(Border, lost), RootShape.NOT_ASSESSABLE, 1.0),
        grade=replace(
            full.grade, reason=endless, policy=Policy.STRICT, defined=False, sartoretti="E1234", confidence=1.0
        ),
    )


@pytest.fixture
def make_study() -> MakeStudy:
    """Factory of studies with the given number of levels, grades running through 0, 1, 2, 3 and none."""

    def make(n_levels: int, *, case: str = "phantom-007") -> StudyAssessment:
        levels = [Level(upper, lower) for upper, lower in pairwise(LEVELS)][:n_levels]
        grades = (0, 0, 1, 0, 2, 3, None, 1)
        foramina = tuple(
            _foramen(grades[(2 * row + number) % len(grades)], level=level, side=side, quality=Quality.RING_SEALED)
            for row, level in enumerate(levels)
            for number, side in enumerate(Side)
        )
        return StudyAssessment(case, foramina, "T1", "spineps", "0.1.0")

    return make
