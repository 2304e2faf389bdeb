"""The sister scales, read off the same findings as the Lee grade: Sartoretti 2021, Wildermuth 1998 and RSNA 2024.

What a scale is called, where it was published and what its grades mean is data, and travels with every result. A root
whose shape is not assessable is read as unchanged, as for the Lee grade, so each scale is capped below its morphologic
grade; the grade's reason says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

from foramgrade.findings import Border, BorderState, PerineuralFindings, RootShape
from foramgrade.grader.citation import Citation


@dataclass(frozen=True, slots=True)
class SisterScale:
    """A published scale that is told from the same findings as the Lee grade.

    Parameters
    ----------
    name : str
        Short name, e.g. "Sartoretti 2021".
    citation : Citation
        Where it was published.
    grades : tuple of (str, str)
        Every grade as a result holds it, and its definition in words; in ascending order.
    reading : str
        What this product reads into the definition.
    """

    name: str
    citation: Citation
    grades: tuple[tuple[str, str], ...]
    reading: str

    def parameters(self) -> dict[str, object]:
        """List name, citation, grades and reading, as they are written beside results: plain values for JSON."""
        return {
            "name": self.name,
            "citation": str(self.citation),
            "grades": dict(self.grades),
            "reading": self.reading,
        }


SARTORETTI_2021 = SisterScale(
    name="Sartoretti 2021",
    citation=Citation(
        authors="Sartoretti E, et al.",
        year=2021,
        title="Introduction and reproducibility of an updated practical grading system for lumbar foraminal stenosis "
        "based on high-resolution MR imaging",
        journal="Sci Rep 11",
        doi="10.1038/s41598-021-91462-2",
    ),
    grades=(
        ("A", "No foraminal stenosis."),
        ("B", "Contact of the root with its surroundings on one side, no morphologic change."),
        ("C", "Contact of the root with its surroundings on two sides, no morphologic change."),
        ("D", "Contact of the root with its surroundings on three sides, no morphologic change."),
        ("E", "Contact of the root with its surroundings on four sides, no morphologic change."),
        ("F", "Morphologic change of the root."),
    ),
    reading="Contact is taken from lost fat. Codes of the borders are appended: 1 superior, 2 posterior, 3 inferior, "
    "4 anterior.",
)
"""Sartoretti 2021: counts the borders that the root touches, and names them; F for a changed root."""
SARTORETTI_CODES: Mapping[Border, str] = MappingProxyType(
    {Border.SUPERIOR: "1", Border.POSTERIOR: "2", Border.INFERIOR: "3", Border.ANTERIOR: "4"}
)
"""Digit appended for every border the root touches."""

WILDERMUTH_1998 = SisterScale(
    name="Wildermuth 1998",
    citation=Citation(
        authors="Wildermuth S, et al.",
        year=1998,
        title="Lumbar spine: quantitative and qualitative assessment of positional (upright flexion and extension) MR "
        "imaging and myelography",
        journal="Radiology 207:391-398",
    ),
    grades=(
        ("0", "Normal foramen."),
        ("1", "Fat deformed, but still around the root."),
        ("2", "Fat only partly around the root."),
        ("3", "Fat gone."),
    ),
    reading='Definitions as reported. "Deformed" is read as thin on at least one border, "partly" as lost on one to '
    "three. The root does not count.",
)
"""Wildermuth 1998: from the fat alone."""

RSNA_2024 = SisterScale(
    name="RSNA 2024",
    citation=Citation(
        authors="Richards TJ, et al.",
        year=2025,
        title="The RSNA Lumbar Degenerative Imaging Spine Classification (LumbarDISC) dataset",
        journal="arXiv 2506.09162",
        doi="10.48550/arXiv.2506.09162",
    ),
    grades=(
        ("Normal/Mild", "Grade 0 or 1 by the criteria."),
        ("Moderate", "Grade 2 by the criteria."),
        ("Severe", "Grade 3 by the criteria."),
    ),
    reading="A crosswalk of severity words only; nobody has shown the scales to be equivalent.",
)
"""RSNA 2024 (LumbarDISC): a severity word per grade, not a validated equivalence."""
RSNA_WORDS = ("Normal/Mild", "Normal/Mild", "Moderate", "Severe")
"""RSNA 2024 word by Lee grade."""

SISTER_SCALES = (SARTORETTI_2021, WILDERMUTH_1998, RSNA_2024)
"""Every scale that is told beside the Lee grade, in the order of the table's columns."""


def sartoretti_grade(findings: PerineuralFindings) -> str | None:
    """Sartoretti letter with the codes of the borders, e.g. "C24".

    Parameters
    ----------
    findings : PerineuralFindings
        A lost border counts as contact of the root with its surroundings.

    Returns
    -------
    str or None
        None when a border is unknown.

    Notes
    -----
    *Definition*: A no contact; B, C, D, E contact on one to four borders; F morphologic change of the root. Codes 1
    superior, 2 posterior, 3 inferior, 4 anterior.
    *Deviation*: contact is taken from lost fat; a root that is not assessable counts as unchanged.

    References
    ----------
    Sartoretti E et al., Sci Rep 2021, doi 10.1038/s41598-021-91462-2

    Examples
    --------
    >>> sartoretti_grade(PerineuralFindings.from_lost("AP"))
    'C24'
    """
    if findings.unknown:
        return None
    letters = [letter for letter, _ in SARTORETTI_2021.grades]  # by the number of contacts; the last for a changed root
    letter = letters[-1] if findings.root_shape is RootShape.CHANGED else letters[len(findings.lost)]
    return letter + "".join(code for border, code in SARTORETTI_CODES.items() if border in findings.lost)


def wildermuth_grade(findings: PerineuralFindings) -> int | None:
    """Wildermuth grade 0 to 3, from the fat alone.

    Parameters
    ----------
    findings : PerineuralFindings
        Only the borders count, not the root.

    Returns
    -------
    int or None
        None when the unknown borders would decide.

    Notes
    -----
    *Definition*: 0 normal; 1 fat deformed but still around the root; 2 fat only partly around the root; 3 fat gone.
    *Deviation*: "deformed" is read as thin on at least one border, "partly" as lost on one to three.
    *Limits*: findings that do not tell thin from preserved never give grade 1.

    References
    ----------
    Wildermuth S et al., Radiology 1998;207:391-398

    Examples
    --------
    >>> wildermuth_grade(PerineuralFindings.from_lost("S"))
    2
    """
    known = [finding.state for finding in findings.borders.values() if finding.state is not BorderState.UNKNOWN]
    open_states = (BorderState.PRESERVED, BorderState.THIN, BorderState.LOST)
    fills = product(open_states, repeat=len(findings.unknown))
    grades = {_wildermuth_of([*known, *fill]) for fill in fills}
    return grades.pop() if len(grades) == 1 else None


def _wildermuth_of(states: list[BorderState]) -> int:
    lost = states.count(BorderState.LOST)
    if lost:
        return 3 if lost == len(states) else 2
    return 1 if BorderState.THIN in states else 0


def rsna_grade(lee: int | None) -> str | None:
    """RSNA 2024 (LumbarDISC) word for a Lee grade; None without one.

    Parameters
    ----------
    lee : int or None
        Lee grade 0 to 3.

    Returns
    -------
    str or None
        "Normal/Mild", "Moderate" or "Severe".

    Notes
    -----
    *Definition*: Lee 0 and 1 Normal/Mild, 2 Moderate, 3 Severe.
    *Limits*: follows the severity words of the two scales only; nobody has shown them to be equivalent.

    References
    ----------
    RSNA 2024 Lumbar Spine Degenerative Classification, arXiv 2506.09162

    Examples
    --------
    >>> rsna_grade(2)
    'Moderate'
    """
    return None if lee is None else RSNA_WORDS[lee]
