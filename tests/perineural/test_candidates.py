"""Where several structures may be the root: the grade is the median over them, the confidence that of all."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from foramgrade.composing import MISPLACED, MISPLACED_CLEAR, assess_sighting, grade_content
from foramgrade.findings import Border, ForamenPoint, Level, Quality, RootShape, Side
from foramgrade.geometry.planes import Part, Raster, Section, Sheet
from foramgrade.geometry.pointed import Pointed
from foramgrade.grader.criteria import LEE_2010
from foramgrade.perineural.borders import Bounds
from foramgrade.perineural.pointing import Candidate, Sighting
from foramgrade.perineural.reading import read_section
from foramgrade.perineural.root import USUAL_ROOT_MM2, find_roots, ground_of_opening
from foramgrade.perineural.signal import Signal

PIXEL_MM = 0.3
SCANNER = Signal(zero=0.0, fat=1.0, soft=0.3, noise=0.02)


def candidate_of(drawn, weight):
    shape = drawn.opening.shape
    up, forward = (np.arange(n) * PIXEL_MM for n in shape)
    _, anterior, superior = np.eye(3) * PIXEL_MM
    sheet = Sheet(20.0, 4.0, np.zeros(3), row_mm=superior, column_mm=anterior)
    parts = np.full(shape, Part.FREE, np.uint8)
    section = Section(Raster(SimpleNamespace(), up, forward, forward[-1]), sheet, parts, np.ones(shape, bool))
    bounds = Bounds(drawn.opening, np.zeros(shape, bool), parts, closed=False)
    (content,) = read_section(
        drawn.brightness,
        ground_of_opening(drawn.opening, PIXEL_MM),
        bounds,
        SCANNER,
        pixel_mm=PIXEL_MM,
        image_pixel_mm=0.6,
        usual_mm2=USUAL_ROOT_MM2,
    )
    return Candidate(section, drawn.brightness, content, weight)


def assess(*candidates):
    place = ForamenPoint(Level("L4", "L5"), Side.LEFT, (-20.0, 0.0, 0.0))
    section = candidates[0].section
    pointed = Pointed(place, SimpleNamespace(), (section,), (0.0,), Quality.FROM_POINT)
    sighting = Sighting(pointed, section, candidates[0].image, candidates, pointed.quality)
    return assess_sighting(sighting, (), 0.6, LEE_2010, Quality(0))


@pytest.fixture
def free(draw):
    return draw(noise=0.02)


@pytest.fixture
def severe(draw):
    return draw(lost="SPIA", filling=0.08, noise=0.02)


def test_one_candidate_keeps_its_grade_and_loses_what_may_be_another_structure(free):
    one = assess(candidate_of(free, 1.0))
    assert one.grade.lee == 0
    assert sum(one.grade.probabilities) == pytest.approx(1.0)
    assert one.grade.confidence == pytest.approx(1 - MISPLACED_CLEAR * 3 / 4, abs=0.02)


def without_outline(candidate):
    root = replace(candidate.content.root, indistinct=1.0)
    return replace(candidate, content=replace(candidate.content, root=root))


def test_what_has_no_clear_outline_is_another_structure_more_often(free):
    one = assess(without_outline(candidate_of(free, 1.0)))
    assert one.findings.root_shape is RootShape.NOT_ASSESSABLE
    assert one.grade.confidence == pytest.approx(1 - MISPLACED * 3 / 4, abs=0.02)


def test_a_root_whose_shape_is_not_seen_may_be_deformed(severe):
    """Fat is lost on four borders: without its shape grades 2 and 3 are as likely; the grade is capped at 2."""
    content = without_outline(candidate_of(severe, 1.0)).content
    findings, _, given, doubts = grade_content(content, (), 0.6, LEE_2010)
    assert findings.lost == set(Border)
    assert given.lee == 2
    assert given.probabilities[2:] == pytest.approx((0.5, 0.5), abs=0.02)
    assert given.competing == 3
    assert any("grade 3 competes" in doubt for doubt in doubts)


def test_a_root_in_fat_whose_shape_is_not_seen_is_hardly_deformed(free):
    *_, given, _ = grade_content(without_outline(candidate_of(free, 1.0)).content, (), 0.6, LEE_2010)
    assert given.probabilities[3] == pytest.approx(0.02 / 1.02, abs=1e-3)


def test_the_median_grade_wins_over_the_likeliest_candidate(free, severe):
    """The likeliest one is severe, but the two others together weigh more."""
    one = assess(candidate_of(severe, 0.36), candidate_of(free, 0.34), candidate_of(free, 0.3))
    assert one.grade.lee == 0
    assert one.findings.lost == set()


def test_disagreement_lowers_the_confidence(free, severe):
    agreed = assess(candidate_of(free, 0.6), candidate_of(free, 0.4))
    split = assess(candidate_of(free, 0.6), candidate_of(severe, 0.4))
    assert split.grade.lee == agreed.grade.lee == 0
    assert split.grade.confidence < agreed.grade.confidence - 0.2
    assert Quality.UNCERTAIN in split.quality
    assert Quality.UNCERTAIN not in agreed.quality


def test_an_improbable_candidate_has_no_say(free, severe):
    alone, beside = assess(candidate_of(free, 1.0)), assess(candidate_of(free, 0.97), candidate_of(severe, 0.03))
    assert beside.grade.probabilities == pytest.approx(alone.grade.probabilities)


def test_candidates_come_by_their_evidence_and_the_first_is_the_one_root(free):
    found = find_roots(
        free.brightness, ground_of_opening(free.opening, PIXEL_MM), PIXEL_MM, image_pixel_mm=0.6, noise=0.02, most=4
    )
    first = find_roots(
        free.brightness, ground_of_opening(free.opening, PIXEL_MM), PIXEL_MM, image_pixel_mm=0.6, noise=0.02
    )
    assert len(first) == 1
    np.testing.assert_array_equal(found[0].mask, first[0].mask)
    evidence = [root.evidence_mm2 for root in found]
    assert evidence == sorted(evidence, reverse=True)
