from dataclasses import replace

import pytest

from foramgrade.findings import (
    Border,
    BorderFinding,
    BorderState,
    Grade,
    LeeGrade,
    Neighbour,
    Policy,
    Quality,
    RootShape,
)
from foramgrade.plotting.words import (
    LEE_WORDS,
    NEIGHBOUR_WORDS,
    QUALITY_WORDS,
    SHAPE_WORDS,
    border_lines,
    grade_words,
    lost_words,
    pattern_words,
    quality_words,
    severity_words,
    why_missing,
)


def test_every_term_of_the_vocabulary_has_words_of_its_own():
    for table, terms in (
        (QUALITY_WORDS, Quality),
        (NEIGHBOUR_WORDS, Neighbour),
        (SHAPE_WORDS, RootShape),
        (LEE_WORDS, LeeGrade),
    ):
        assert set(table) == set(terms)
        assert len(set(table.values())) == len(terms)


def test_caveats_are_listed_once_each_in_order():
    words = quality_words(Quality.COARSE_PIXELS | Quality.LEVEL_UNVERIFIED)
    assert words == ["level number not anatomical", "coarse pixels"]
    assert quality_words(Quality(0)) == []


@pytest.mark.parametrize(
    ("state", "thickness_mm", "neighbour", "lines"),
    [
        (BorderState.PRESERVED, 2.04, None, ["P  2.0 mm", "preserved"]),
        (BorderState.THIN, 0.66, None, ["P  0.7 mm", "thin"]),
        (BorderState.LOST, 0.0, Neighbour.VERTEBRA, ["P  0.0 mm", "LOST", "to vertebra"]),
        (BorderState.LOST, None, None, ["P  ? mm", "LOST"]),
        (BorderState.UNKNOWN, None, None, ["P  ? mm", "unknown"]),
        (BorderState.THIN, 0.66, Neighbour.DISC, ["P  0.7 mm", "thin"]),
    ],
)
def test_border_label(state, thickness_mm, neighbour, lines):
    finding = BorderFinding(state, thickness_mm, encroached_by=neighbour)
    assert border_lines(Border.POSTERIOR, finding) == lines


def test_lost_borders_stand_in_sartoretti_order_with_unknown_ones_marked(make_foramen):
    foramen = make_foramen(1)
    borders = dict(foramen.findings.borders) | {Border.POSTERIOR: BorderFinding(BorderState.UNKNOWN)}
    assert lost_words(make_foramen(0)) == "lost: none"
    assert lost_words(make_foramen(2)) == "lost: S P I A"
    assert lost_words(replace(foramen, findings=replace(foramen.findings, borders=borders))) == "lost: S I P?"
    assert lost_words(make_foramen(None)) == "fat not read"


@pytest.mark.parametrize(
    ("lee", "words"),
    [
        (0, "Lee 0, no stenosis"),
        (1, "Lee 1, mild"),
        (2, "Lee 2, moderate"),
        (3, "Lee 3, severe"),
        (None, "Not gradable"),
    ],
)
def test_grade_in_words(lee, words):
    assert grade_words(Grade(lee, Policy.FLOOR, None, "")) == words


@pytest.mark.parametrize(
    ("defined", "words"),
    [
        (True, "policy ceil: Lee defines this pattern"),
        (False, "policy ceil: Lee does not define this pattern"),
        (None, "policy ceil: findings incomplete"),
    ],
)
def test_policy_travels_with_the_grade(defined, words):
    assert pattern_words(Grade(1, Policy.CEIL, defined, "")) == words


def test_the_most_fundamental_caveat_says_what_is_missing(make_foramen, blank_foramen):
    assert why_missing(blank_foramen) == "no section between the pedicles"
    both = replace(blank_foramen, quality=Quality.FAT_NOT_BRIGHT | Quality.RING_OPEN)
    assert why_missing(both) == "labelled ring open"


def test_without_a_blocking_caveat_the_first_reason_speaks(blank_foramen):
    clean = replace(blank_foramen, quality=Quality.COARSE_PIXELS)
    assert why_missing(clean) == "No sagittal section lies between the two pedicles."
    assert why_missing(replace(clean, reasons=())) == "Not gradable: no section shows this foramen."


def test_a_grade_by_other_criteria_is_not_called_lees() -> None:
    given = Grade(2, Policy.CEIL, False, "", criteria="Ours 2024")
    said = (grade_words(given), severity_words(given), pattern_words(given))
    assert said == ("Ours 2024 grade 2", "grade 2", "policy ceil: Ours 2024 does not define this pattern")
    assert severity_words(replace(given, lee=None)) == "not gradable"
