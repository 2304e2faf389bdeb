"""Words beside numbers, at both sides of every cut."""

import pytest

from foramgrade.agreement import ALTMAN, KOO_LI, LANDIS_KOCH, Vocabulary


@pytest.mark.parametrize(
    "vocabulary, value, word",
    [
        (LANDIS_KOCH, -0.01, "poor"),
        (LANDIS_KOCH, 0.0, "slight"),
        (LANDIS_KOCH, 0.204, "slight"),
        (LANDIS_KOCH, 0.206, "fair"),
        (LANDIS_KOCH, 0.40, "fair"),
        (LANDIS_KOCH, 0.41, "moderate"),
        (LANDIS_KOCH, 0.60, "moderate"),
        (LANDIS_KOCH, 0.61, "substantial"),
        (LANDIS_KOCH, 0.80, "substantial"),
        (LANDIS_KOCH, 0.81, "almost perfect"),
        (LANDIS_KOCH, 1.0, "almost perfect"),
        (ALTMAN, 0.2, "poor"),
        (ALTMAN, 0.61, "good"),
        (ALTMAN, 0.9, "very good"),
        (KOO_LI, 0.49, "poor"),
        (KOO_LI, 0.5, "moderate"),
        (KOO_LI, 0.9, "good"),
        (KOO_LI, 0.91, "excellent"),
    ],
)
def test_words(vocabulary: Vocabulary, value: float, word: str) -> None:
    assert vocabulary.word(value) == word
