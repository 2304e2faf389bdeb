"""Sartoretti, Wildermuth and RSNA where the truth table does not reach: thin and unknown borders."""

import pytest

from foramgrade.findings import Border, BorderFinding, BorderState, LeeGrade, PerineuralFindings, RootShape
from foramgrade.grader import (
    RSNA_2024,
    SARTORETTI_2021,
    SISTER_SCALES,
    WILDERMUTH_1998,
    SisterScale,
    rsna_grade,
    sartoretti_grade,
    wildermuth_grade,
)
from foramgrade.grader.rules import PATTERNS

LETTERS = {"p": BorderState.PRESERVED, "t": BorderState.THIN, "l": BorderState.LOST, "u": BorderState.UNKNOWN}


def findings(states: str, shape: RootShape = RootShape.UNCHANGED) -> PerineuralFindings:
    """Findings from one letter per border in the order S, P, I, A."""
    return PerineuralFindings({b: BorderFinding(LETTERS[s]) for b, s in zip(Border, states, strict=True)}, shape)


@pytest.mark.parametrize(
    "states, expected",
    [
        ("pppp", 0),  # normal
        ("pptp", 1),  # deformed, still all around
        ("tttt", 1),
        ("lttt", 2),  # only partly around
        ("lllp", 2),
        ("lllt", 2),
        ("llll", 3),  # gone
        ("lpuu", 2),  # partly around, whatever the other two are
        ("uppp", None),  # 0, 1 or 2
        ("tuuu", None),  # 1 or 2
        ("lllu", None),  # 2 or 3
        ("uuuu", None),
    ],
)
def test_wildermuth_from_the_fat_alone(states: str, expected: int | None) -> None:
    for shape in RootShape:
        assert wildermuth_grade(findings(states, shape)) == expected


@pytest.mark.parametrize(
    "states, shape, expected",
    [
        ("tttt", RootShape.UNCHANGED, "A"),  # thin is not contact
        ("tltl", RootShape.UNCHANGED, "C24"),
        ("plpl", RootShape.CHANGED, "F24"),
        ("pppp", RootShape.CHANGED, "F"),
        ("llll", RootShape.NOT_ASSESSABLE, "E1234"),
        ("lllu", RootShape.UNCHANGED, None),
        ("uppp", RootShape.CHANGED, None),  # F, but its codes cannot be told
    ],
)
def test_sartoretti_counts_contacts_and_names_them(states: str, shape: RootShape, expected: str | None) -> None:
    assert sartoretti_grade(findings(states, shape)) == expected


def test_rsna_follows_the_words_of_lee() -> None:
    words = [rsna_grade(lee) for lee in LeeGrade]
    assert words == ["Normal/Mild", "Normal/Mild", "Moderate", "Severe"]
    assert rsna_grade(None) is None


# The papers, sentence by sentence: grade, how many borders are lost, whether the root is changed, the sentence.
SARTORETTI_SAYS = [
    ("A", (0,), False, "Grade A indicates absence of foraminal stenosis"),
    ("B", (1,), False, "contact of the nerve root with surrounding structures on one side, no morphological change"),
    ("C", (2,), False, "contact of the nerve root with surrounding structures on two sides, no morphological change"),
    ("D", (3,), False, "contact of the nerve root with surrounding structures on three sides, no morphological change"),
    ("E", (4,), False, "contact of the nerve root with surrounding structures on four sides, no morphological change"),
    ("F", (0, 1, 2, 3, 4), True, "Grade F indicates foraminal stenosis with morphological change of the nerve root"),
]
SARTORETTI_DIGITS = "1, 2, 3 and 4 indicate contact at the superior, posterior, inferior and anterior border"
WILDERMUTH_SAYS = [
    (0, (0,), "reported: normal foramen"),
    (2, (1, 2, 3), "reported: fat only partly surrounding the root"),
    (3, (4,), "reported: fat gone"),
]
NUMBER_OF = {"S": "1", "P": "2", "I": "3", "A": "4"}


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: "".join(sorted(pattern)) or "none")
@pytest.mark.parametrize("shape", list(RootShape))
def test_every_pattern_follows_the_sentences_of_the_papers(pattern: frozenset[Border], shape: RootShape) -> None:
    given = PerineuralFindings.from_lost("".join(pattern), shape)
    is_changed = shape is RootShape.CHANGED  # a root that is not assessable is read as unchanged
    ((letter, says),) = [
        (letter, says) for letter, n, root, says in SARTORETTI_SAYS if len(pattern) in n and root == is_changed
    ]
    found = sartoretti_grade(given)
    assert found is not None
    assert found[0] == letter, says
    assert found[1:] == "".join(sorted(NUMBER_OF[border.value] for border in pattern)), SARTORETTI_DIGITS
    ((number, reported),) = [(number, says) for number, n, says in WILDERMUTH_SAYS if len(pattern) in n]
    assert wildermuth_grade(given) == number, reported


@pytest.mark.parametrize("scale", SISTER_SCALES, ids=lambda scale: scale.name)
def test_a_scale_is_data_with_its_source(scale: SisterScale) -> None:
    assert str(scale.citation.year) in str(scale.citation)
    assert scale.citation.journal
    assert len({grade for grade, _ in scale.grades}) == len(scale.grades)
    assert scale.parameters()["grades"] == dict(scale.grades)


def test_every_grade_that_is_given_is_one_of_its_scale() -> None:
    all_findings = [PerineuralFindings.from_lost("".join(p), shape) for p in PATTERNS for shape in RootShape]
    letters = {str(sartoretti_grade(one))[0] for one in all_findings}
    assert letters == {grade for grade, _ in SARTORETTI_2021.grades}
    numbers = {str(wildermuth_grade(one)) for one in (*all_findings, findings("pptp"))}
    assert numbers == {grade for grade, _ in WILDERMUTH_1998.grades}
    assert {rsna_grade(lee) for lee in LeeGrade} == {grade for grade, _ in RSNA_2024.grades}
