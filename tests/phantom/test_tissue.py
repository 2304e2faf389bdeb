"""The drawn body against its stated truth, by counting and walking: nothing here uses the section's formulas."""

import math

import numpy as np
import pytest
from scipy import ndimage

from foramgrade.findings import Border, Side
from foramgrade.phantom import PhantomSpec, SectionMap, Tissue, make_phantom, map_section, random_spec
from foramgrade.phantom.spec import LEVELS, LevelSpec
from foramgrade.phantom.spine import make_spine
from foramgrade.phantom.tissue import DISC_CODE, SAC_CODE, tissue_at
from foramgrade.phantom.truth import ForamenTruth, find_truth

SPEC = random_spec(np.random.default_rng(5))
TRUTH = find_truth(make_spine(SPEC))
IDS = [f"{t.level.name}-{t.side.value}" for t in TRUTH]
PIXEL_MM = 0.1
#: Twice the standard deviation of a pixel count: sqrt(outline / pixel) pixels of an outline of about 50 mm.
COUNT_MM2 = 2 * math.sqrt(50 / PIXEL_MM) * PIXEL_MM**2


def _map(truth: ForamenTruth, **changes: float) -> SectionMap:
    return map_section(SPEC, level=truth.level.name, side=truth.side, **({"pixel_mm": PIXEL_MM} | changes))


def _opening(section: SectionMap) -> np.ndarray:
    """Unlabelled pixels around the centre, closed at the mouth of the facet joint."""
    free = (section.structure == 0) & (section.tissue != Tissue.JOINT)
    parts, _ = ndimage.label(free)
    return parts == parts[len(parts) // 2, len(parts) // 2]


@pytest.mark.parametrize("truth", TRUTH, ids=IDS)
def test_the_smallest_section_is_what_is_stated(truth: ForamenTruth) -> None:
    section = _map(truth)
    opening = _opening(section)
    assert opening.sum() * PIXEL_MM**2 == pytest.approx(truth.area_mm2, abs=COUNT_MM2)
    rows = np.flatnonzero(opening.any(axis=1))
    # The ends of the curve are narrower than a pixel over the last rows.
    assert (np.ptp(rows) + 1) * PIXEL_MM == pytest.approx(truth.height_mm, abs=4 * PIXEL_MM)
    up, forward = (
        float(axis[index].mean())
        for axis, index in zip((section.up_mm, section.forward_mm), np.nonzero(opening), strict=True)
    )
    centre = section.frame.to_world([0.0, forward, up])
    np.testing.assert_allclose(centre, truth.centre_mm, atol=PIXEL_MM)
    root = section.tissue[opening] == Tissue.ROOT
    assert root.sum() * PIXEL_MM**2 == pytest.approx(truth.root_area_mm2, abs=COUNT_MM2 / 2)


@pytest.mark.parametrize("truth", TRUTH[:4], ids=IDS[:4])
def test_no_section_between_the_pedicles_is_smaller_and_they_add_up(truth: ForamenTruth) -> None:
    foramen = SPEC.levels[LEVELS.index(truth.level)].foramen(truth.side)
    edges = np.linspace(*SPEC.pedicle_mm, 10)
    offs = (edges[1:] + edges[:-1]) / 2 - foramen.section_mm
    areas = [_opening(_map(truth, off_mm=float(off))).sum() * PIXEL_MM**2 for off in offs]
    assert min(areas) >= truth.area_mm2 - COUNT_MM2
    # Nine midpoints: the rule's error for these parabolas is below 0.5 %.
    assert np.sum(areas) * (edges[1] - edges[0]) == pytest.approx(truth.volume_mm3, rel=0.01)


@pytest.mark.parametrize("truth", TRUTH, ids=IDS)
def test_fat_walked_on_the_map(truth: ForamenTruth) -> None:
    pixel = 0.05
    section = _map(truth, pixel_mm=pixel, half_mm=13.0)
    opening = _opening(section)
    parts, _ = ndimage.label(opening & (section.tissue == Tissue.ROOT))
    sizes = np.bincount(parts.ravel())[1:]
    y0, x0 = ndimage.center_of_mass(parts == 1 + int(sizes.argmax()))
    steps = np.arange(0.0, 300.0)
    walked = {}
    for border, middle in zip(
        (Border.SUPERIOR, Border.POSTERIOR, Border.INFERIOR, Border.ANTERIOR), (0, 90, 180, 270), strict=True
    ):
        lengths = []
        for degrees in middle + np.arange(-44.0, 45.0):
            y = np.rint(y0 + steps * math.cos(math.radians(degrees))).astype(int)
            x = np.rint(x0 - steps * math.sin(math.radians(degrees))).astype(int)
            seen = (np.minimum(y, x) >= 0) & (np.maximum(y, x) < len(opening))
            tissue, within = section.tissue[y[seen], x[seen]], opening[y[seen], x[seen]]
            way = within.argmin() if not within.all() else len(within)
            lengths.append(pixel * np.count_nonzero(tissue[:way] == Tissue.FAT))
        walked[border] = float(np.median(lengths))
    # A run of pixels errs by a pixel at either end.
    assert walked == pytest.approx(dict(truth.fat_mm), abs=2 * pixel)
    assert {b for b in Border if walked[b] <= pixel} == truth.lost


@pytest.mark.parametrize("truth", TRUTH, ids=IDS)
def test_disc_height_walked_along_the_superior_axis(truth: ForamenTruth) -> None:
    spine = make_spine(SPEC)
    index = 1 + LEVELS.index(truth.level)
    opening = spine.openings[index][0 if truth.side is Side.RIGHT else 1]
    step = 0.04
    up, front = np.arange(-12.0, 12.0, step), np.arange(-30.0, 0.0, step)
    local = np.empty((len(front), len(up), 3))
    local[..., 0], local[..., 1], local[..., 2] = opening.centre_mm[0], front[:, None], up
    _, structure = tissue_at(spine, spine.levels[index].to_world(local))
    heights = (structure == DISC_CODE + index).sum(axis=1) * step
    margin = front[int((heights > 0).argmax())]
    near = heights[(front >= margin + 1.0) & (front <= margin + 5.0)]
    assert np.median(near) == pytest.approx(truth.disc_height_mm, abs=2 * step)


@pytest.mark.parametrize("slip_mm", [-3.0, 0.0, 6.0])
def test_a_slipped_body_is_drawn_where_it_is_said_to_be(slip_mm: float) -> None:
    """The posterior walls of the two bodies in the midline, walked from their middle backwards, at the endplates."""
    levels = tuple(LevelSpec(wedge_deg=0.0, slip_mm=slip_mm if n == 3 else 0.0) for n in range(5))
    spine = make_spine(PhantomSpec(levels=levels))
    index, step = 4, 0.05
    front = np.arange(-30.0, 0.0, step)
    ends = []
    for body, sign in ((0, 1.0), (1, -1.0)):
        up = sign * (spine.disc_mm[index] / 2 + 0.1)
        local = np.stack([np.zeros_like(front), front, np.full_like(front, up)], axis=-1)
        _, structure = tissue_at(spine, spine.levels[index].to_world(local))
        bone = structure >> 4 == index + body + 1
        ends.append(front[int(np.flatnonzero(~bone)[-1]) + 1])
    (truth,) = [t for t in find_truth(spine) if t.level.name == "L4-L5" and t.side is Side.LEFT]
    assert truth.slip_mm == pytest.approx(slip_mm, abs=1e-9)
    # The wall's waist begins at the endplate: 0.1 mm from it, it has not moved by a step.
    assert ends[0] - ends[1] == pytest.approx(slip_mm, abs=2 * step + 0.1)


def test_the_angle_of_a_level_is_its_wedge() -> None:
    levels = tuple(LevelSpec(wedge_deg=w) for w in (0.0, 5.0, 9.0, 14.0, 22.0))
    found = find_truth(make_spine(PhantomSpec(levels=levels)))
    assert [t.segmental_angle_deg for t in found[::2]] == pytest.approx([0.0, 5.0, 9.0, 14.0, 22.0], abs=1e-9)


def test_only_the_cleft_opens_the_ring() -> None:
    for truth in TRUTH:
        section = _map(truth)
        rim = ndimage.binary_dilation(_opening(section), iterations=1) & ~_opening(section)
        gap = rim & (section.structure == 0)
        assert set(np.unique(section.tissue[gap])) <= {Tissue.JOINT}


def test_canal_lies_between_the_two_sides() -> None:
    spine = make_spine(PhantomSpec())
    for frame in spine.levels[1:]:
        tissue, structure = tissue_at(spine, frame.to_world([[0.0, -23.0, 0.0], [17.0, 0.0, 0.0]]))
        assert structure[0] == SAC_CODE
        assert tissue[0] in (Tissue.CSF, Tissue.ROOT)
        assert structure[1] >> 4 == DISC_CODE >> 4


def test_centres_lie_between_the_two_pedicles_of_the_label_map() -> None:
    labels = make_phantom(SPEC, rng=np.random.default_rng(0)).labels
    numbers = {"L1": 41, "L2": 42, "L3": 43, "L4": 44, "L5": 45, "S1": 50}
    spine = make_spine(SPEC)
    for truth in TRUTH:
        up = spine.levels[1 + LEVELS.index(truth.level)].axes[:, 2]
        # The centroid lies up to 2 mm above the middle of the height; 4 mm beyond either end is pedicle.
        steps = np.array([0.0, truth.height_mm / 2 + 4.0, -truth.height_mm / 2 - 4.0])
        i, j, k = np.rint(labels.grid.to_ijk(np.array(truth.centre_mm) + steps[:, None] * up)).astype(int).T
        assert labels.array[i, j, k].tolist() == [0, numbers[truth.level.upper], numbers[truth.level.lower]]
