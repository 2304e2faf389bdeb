"""Scales in which readers grade: their categories in order, and what a cell of a table may say."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from foramgrade.findings import Grade, LeeGrade

#: What a cell says where a foramen was not graded, besides nothing.
NO_GRADE = frozenset({"", "-", "na", "n/a", "nan", "<na>", "none", "null", "not gradable"})


@dataclass(frozen=True, slots=True)
class GradeScale:
    """A scale of grades.

    Parameters
    ----------
    name : str
        Whose scale.
    columns : tuple of str
        Names of the column that holds its grades, the usual one first.
    categories : tuple
        All grades, from the lowest to the highest.
    """

    name: str
    columns: tuple[str, ...]
    categories: tuple[Hashable, ...]

    def read(self, cell: str) -> Hashable | None:
        """Read a cell; None where the foramen was not graded.

        Raises
        ------
        ValueError
            If the cell holds no grade of this scale.

        Examples
        --------
        >>> LEE_SCALE.read("2"), LEE_SCALE.read("2.0"), LEE_SCALE.read(""), SARTORETTI_SCALE.read("C24")
        (2, 2, None, 'C')
        """
        text = cell.strip()
        if text.lower() in NO_GRADE:
            return None
        if self is SARTORETTI_SCALE:
            text = text[:1] if set(text[1:]) <= set("1234") else text  # the codes of the borders are not compared
        for category in self.categories:
            if text.lower() == str(category).lower() or (isinstance(category, int) and _number(text) == category):
                return category
        msg = f"expected one of {', '.join(map(str, self.categories))}, or nothing"
        raise ValueError(msg)

    def of(self, grade: Grade) -> Hashable | None:
        """Grade on this scale of what readers' findings give; None where they give none."""
        given = {
            LEE_SCALE.name: grade.lee,
            WILDERMUTH_SCALE.name: grade.wildermuth,
            SARTORETTI_SCALE.name: grade.sartoretti and grade.sartoretti[0],
            RSNA_SCALE.name: grade.rsna,
        }
        return given[self.name]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


#: Columns of a grade whose scale the user names.
_ANY = ("grade", "y_pred", "prediction", "predicted")
LEE_SCALE = GradeScale("Lee", ("lee_grade", "lee", *_ANY), tuple(int(grade) for grade in LeeGrade))
"""Lee 2010, 0 to 3."""
WILDERMUTH_SCALE = GradeScale("Wildermuth", ("wildermuth", *_ANY), (0, 1, 2, 3))
"""Wildermuth 1998, 0 to 3."""
SARTORETTI_SCALE = GradeScale("Sartoretti", ("sartoretti", *_ANY), tuple("ABCDEF"))
"""Sartoretti 2021: the letter alone, A to F."""
RSNA_SCALE = GradeScale("RSNA 2024", ("rsna", "severity", *_ANY), ("Normal/Mild", "Moderate", "Severe"))
"""RSNA 2024 (LumbarDISC)."""
GRADE_SCALES: Mapping[str, GradeScale] = {
    "lee": LEE_SCALE,
    "wildermuth": WILDERMUTH_SCALE,
    "sartoretti": SARTORETTI_SCALE,
    "rsna": RSNA_SCALE,
}
"""Scales by their name on the command line."""
