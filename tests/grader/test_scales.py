"""Sartoretti, Wildermuth and RSNA where the truth table does not reach: thin and unknown borders."""

import pytest

from foramgrade.findings import Border, BorderFinding, BorderState, LeeGrade, PerineuralFindings, RootShape
from foramgrade.grader import rsna_grade, sartoretti_grade, wildermuth_grade

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
