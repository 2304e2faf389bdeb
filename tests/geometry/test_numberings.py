"""The same body gives the same foramina whatever tool's numbers it is labelled in."""

import numpy as np
import pytest

from foramgrade.anatomy.frame import fit_frame
from foramgrade.anatomy.labels import load_scheme, relabel
from foramgrade.anatomy.spine import find_spine
from foramgrade.findings import Quality, Quantity, Side
from foramgrade.geometry.foramen import Foramen, find_foramen
from foramgrade.phantom import Numbering, Phantom, has_canal, has_discs
from foramgrade.volume import LabelMap

Found = dict[tuple[str, Side], Foramen]

WITH_DISCS = [n for n in Numbering if has_discs(n)]


def find_all(labels: LabelMap) -> Found:
    spine = find_spine(relabel(labels, load_scheme(labels.scheme)))
    return {
        (segment.level.name, side): find_foramen(spine, segment, fit_frame(spine, segment), side)
        for segment in spine.segments
        for side in Side
    }


@pytest.fixture(scope="module")
def found(phantoms: dict[Numbering, Phantom]) -> dict[Numbering, Found]:
    return {n: find_all(phantoms[n].labels) for n in WITH_DISCS}


@pytest.mark.parametrize("numbering", WITH_DISCS)
def test_areas_and_heights_are_the_same_to_the_last_digit(found: dict[Numbering, Found], numbering: Numbering) -> None:
    """Among tools that label the canal, and among those that do not: the arithmetic sees the same voxels."""
    twin = next(n for n in WITH_DISCS if has_canal(n) == has_canal(numbering) and n is not numbering)
    measured = [key for key, foramen in found[numbering].items() if foramen.chosen is not None]
    assert {level for level, _ in measured} == {"L2-L3", "L3-L4", "L4-L5"}
    assert len(measured) == 6
    for key in measured:
        ours, theirs = found[numbering][key], found[twin][key]
        assert ours.quality == theirs.quality
        assert ours.measurements.keys() == theirs.measurements.keys()
        assert {Quantity.AREA, Quantity.HEIGHT} <= ours.measurements.keys()
        for quantity, value in ours.measurements.items():
            # The world positions are the same numbers: nothing but the order of a sum could differ.
            assert value == pytest.approx(theirs.measurements[quantity], rel=1e-12), (key, quantity)


def test_without_a_canal_areas_and_heights_differ_by_less_than_a_voxel(found: dict[Numbering, Found]) -> None:
    """Front is then told from the vertebrae, which turns the section by a few degrees about the level's long axis.

    Pixels of 0.8 mm on an outline of 45 mm: an area is counted with a standard deviation of 0.28 sqrt(outline / pixel)
    pixels, and two countings differ by three times sqrt(2) of it at most.
    """
    pixel = 0.8
    slack = 3 * np.sqrt(2) * 0.28 * np.sqrt(45.0 / pixel) * pixel**2
    known, bare = found[Numbering.TOTALSPINESEG], found[Numbering.VERSE]
    for key in (k for k, foramen in known.items() if foramen.chosen is not None):
        for quantity, tolerance in ((Quantity.AREA, slack), (Quantity.HEIGHT, pixel)):
            expected = known[key].measurements[quantity]
            assert bare[key].measurements[quantity] == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("numbering", [n for n in Numbering if not has_discs(n)])
def test_without_discs_the_bodies_are_bridged(
    phantoms: dict[Numbering, Phantom], found: dict[Numbering, Found], numbering: Numbering
) -> None:
    """Levels and heights stay; how well the areas do in slices of 4.4 mm, bodies cut by the field, is not promised."""
    pixel = 0.8
    known, bare = found[Numbering.TOTALSPINESEG], find_all(phantoms[numbering].labels)
    assert bare.keys() == known.keys()
    compared = [key for key, foramen in known.items() if foramen.chosen is not None]
    assert len(compared) == 6
    for key in compared:
        assert Quality.DISC_BRIDGED in bare[key].quality
        expected = known[key].measurements[Quantity.HEIGHT]
        assert bare[key].measurements[Quantity.HEIGHT] == pytest.approx(expected, abs=2 * pixel), key
        assert Quantity.AREA in bare[key].measurements
