"""A second phantom, of boxes and ellipses, that shares nothing with the package's own: the stages must suit both.

Two levels, elliptic foramina 18 x 9 mm with a root in the upper half, no cortex, no coil, no muscle planes.
"""

import numpy as np
import pytest
from scipy import ndimage

import foramgrade as fg

SPACINGS_MM = {"iso": (1.0, 1.0, 1.0), "fine": (1.0, 0.7, 0.7), "clinical": (4.4, 0.6, 0.6)}
EXTENT_MM = (90.0, 80.0, 110.0)
BODIES = {43: 36.0, 44: 0.0, 45: -36.0}  # label -> height of the centre, mm
DISCS = {94: 18.0, 95: -18.0}
HOLE_MM = (9.0, 4.5)  # semi-axes, superior and anterior
TRUE_AREA_MM2 = np.pi * HOLE_MM[0] * HOLE_MM[1]


def make_spine(spacing, *, lost="", root=(2.8, 2.3), sequence=fg.Sequence.T1, bone=140.0, muscle=80.0, noise=3.0):
    """Image and labels; the root's semi-axes in mm, lost borders as letters."""
    shape = tuple(round(e / s) for e, s in zip(EXTENT_MM, spacing, strict=True))
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-EXTENT_MM[0] / 2, -50.0, -EXTENT_MM[2] / 2]
    x, y, z = np.moveaxis(np.moveaxis(np.indices(shape), 0, -1) * spacing + affine[:3, 3], -1, 0)
    in_body = (x / 24) ** 2 + ((y - 17) / 17) ** 2 <= 1
    labels = np.zeros(shape, np.uint8)
    for label, height in BODIES.items():
        behind = (np.abs(z - height) <= 18) & (np.abs(x) <= 22) & (y < 3) & (y > -30)
        labels[behind & (labels == 0)] = label
        labels[in_body & (np.abs(z - height) <= 13)] = label
    for label, height in DISCS.items():
        labels[in_body & (np.abs(z - height) <= 5)] = label
    posterior = np.isin(labels, list(BODIES)) & (y < 0)
    for (upper, lower), height in zip([(43, 44), (44, 45)], DISCS.values(), strict=True):
        near = posterior & (np.abs(z - height) <= 14)
        facet = z - height < 0.6 * (-y - 14)
        labels[near & facet], labels[near & ~facet] = lower, upper
    labels[(np.abs(x) <= 11) & (y < -1) & (y > -16)] = 2
    holes = [((z - h - 1) / HOLE_MM[0]) ** 2 + ((y + 4.5) / HOLE_MM[1]) ** 2 <= 1 for h in DISCS.values()]
    for hole in holes:
        labels[hole & (np.abs(x) > 11) & ~np.isin(labels, list(DISCS))] = 0
    image = np.where(y < -38, 200.0, muscle)
    image[np.isin(labels, list(BODIES))] = bone
    image[np.isin(labels, list(DISCS))] = 70.0
    image[labels == 2] = 20.0 if sequence is fg.Sequence.T1 else 220.0
    for height, hole in zip(DISCS.values(), holes, strict=True):
        inside = hole & (np.abs(x) > 11) & (np.abs(x) < 30) & (labels == 0)
        up, forward = z - height - 4, y + 4.5
        away = {"S": up, "I": -up, "A": forward, "P": -forward}
        image[inside] = 200.0
        for border in lost:
            image[inside & (away[border] >= np.abs(forward if border in "SI" else up))] = 40.0
        image[inside & ((up / root[0]) ** 2 + (forward / root[1]) ** 2 <= 1)] = 90.0
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(image, 0.5)
    image = np.hypot(image + rng.normal(0, noise, shape), rng.normal(0, noise, shape)).astype(np.float32)
    grid = fg.Grid(shape, affine)
    return fg.Volume(image, grid, sequence), fg.LabelMap(labels, grid, "totalspineseg")


@pytest.mark.parametrize("protocol", SPACINGS_MM)
@pytest.mark.parametrize(
    ("lost", "root", "lee", "letters"),
    [
        ("", (2.8, 2.3), 0, "A"),
        ("P", (2.8, 2.3), 0, "B2"),
        ("SI", (2.8, 2.3), 1, "C13"),
        ("PA", (2.8, 2.3), 1, "C24"),
        ("SPIA", (2.8, 2.3), 2, "E1234"),
        ("SPIA", (3.2, 1.1), 3, "F1234"),
    ],
)
def test_every_foramen_gets_the_grade_it_was_drawn_with(protocol, lost, root, lee, letters):
    """In the last two cases no fat is left near any foramen: what is bright must not be taken for fat instead."""
    study = fg.assess(*make_spine(SPACINGS_MM[protocol], lost=lost, root=root))
    assert len(study.foramina) == 4
    for foramen in study.foramina:
        assert (foramen.grade.lee, foramen.grade.sartoretti) == (lee, letters), foramen.name
        # A row of pixels on the outline of an 18 x 9 mm ellipse (43 mm round) may go either way by a third.
        pixel = max(SPACINGS_MM[protocol][1:])
        assert foramen.measurements[fg.Quantity.AREA] == pytest.approx(TRUE_AREA_MM2, abs=43 * pixel / 3)


@pytest.mark.parametrize(
    "change",
    [{"sequence": fg.Sequence.T2}, {"bone": 20.0}, {"muscle": 200.0}, {"noise": 0.0}, {"noise": 12.0}],
    ids=lambda change: next(iter(change)),
)
def test_healthy_foramina_stay_healthy_whatever_the_tissue_around(change):
    study = fg.assess(*make_spine(SPACINGS_MM["fine"], **change))
    assert [f.grade.lee for f in study.foramina] == [0, 0, 0, 0]


def test_a_series_without_bright_fat_is_not_graded():
    image, labels = make_spine(SPACINGS_MM["fine"])
    suppressed = np.where(image.array > 150, 30.0, image.array)
    study = fg.assess(fg.Volume(suppressed, image.grid, image.sequence), labels)
    for foramen in study.foramina:
        assert foramen.grade.lee is None
        assert fg.Quality.FAT_NOT_BRIGHT in foramen.quality
        assert "fat" in foramen.reasons[0]
        assert fg.Quantity.AREA in foramen.measurements
