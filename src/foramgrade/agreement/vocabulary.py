"""Words that stand beside a coefficient, never in its place, each with whose words they are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Somebody's words for ranges of a coefficient.

    Parameters
    ----------
    name : str
        What the words are called.
    citation : str
        Where they come from.
    steps : tuple of (float, str)
        Lowest value, to two decimals, and word of each class but the lowest, rising.
    lowest : str
        Word below all of them.

    Notes
    -----
    *Limits*: the cuts are conventions without any theory, and kappa depends on prevalence: the same word can stand for
    other agreement in another sample.
    """

    name: str
    citation: str
    steps: tuple[tuple[float, str], ...]
    lowest: str

    def word(self, value: float | None) -> str:
        """Word for a value, taken to the two decimals in which the classes are published; empty without value.

        Examples
        --------
        >>> LANDIS_KOCH.word(0.797), LANDIS_KOCH.word(0.81), LANDIS_KOCH.word(-0.1), LANDIS_KOCH.word(None)
        ('substantial', 'almost perfect', 'poor', '')
        """
        if value is None:
            return ""
        reached = [word for least, word in self.steps if round(value, 2) >= least]
        return reached[-1] if reached else self.lowest


LANDIS_KOCH = Vocabulary(
    "Landis and Koch",
    "Landis JR, Koch GG. Biometrics 1977;33:159-174, doi 10.2307/2529310",
    ((0.0, "slight"), (0.21, "fair"), (0.41, "moderate"), (0.61, "substantial"), (0.81, "almost perfect")),
    "poor",
)
"""For kappas; the usual one in radiology."""
ALTMAN = Vocabulary(
    "Altman",
    "Altman DG. Practical statistics for medical research. Chapman and Hall 1991, page 404",
    ((0.21, "fair"), (0.41, "moderate"), (0.61, "good"), (0.81, "very good")),
    "poor",
)
"""For kappas."""
KOO_LI = Vocabulary(
    "Koo and Li",
    "Koo TK, Li MY. J Chiropr Med 2016;15:155-163, doi 10.1016/j.jcm.2016.02.012",
    ((0.5, "moderate"), (0.75, "good"), (0.91, "excellent")),
    "poor",
)
"""For intraclass correlations; meant for the whole interval rather than the value."""
KAPPA_VOCABULARIES = {"landis-koch": LANDIS_KOCH, "altman": ALTMAN}
"""Words for kappas, by their name on the command line."""
