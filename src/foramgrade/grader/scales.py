"""The sister scales, read off the same findings as the Lee grade: Sartoretti 2021, Wildermuth 1998 and RSNA 2024.

A root whose shape is not assessable is read as unchanged, as for the Lee grade, so each scale is capped below
its morphologic grade; the grade's reason says so.
"""

from collections.abc import Mapping
from itertools import product

from foramgrade.findings import Border, BorderState, PerineuralFindings, RootShape

SARTORETTI_LETTERS = ("A", "B", "C", "D", "E")
"""Letter by the number of borders the root touches; F is kept for a changed root."""
SARTORETTI_CODES: Mapping[Border, str] = {
    Border.SUPERIOR: "1",
    Border.POSTERIOR: "2",
    Border.INFERIOR: "3",
    Border.ANTERIOR: "4",
}
"""Digit appended for every border the root touches."""
RSNA_WORDS = ("Normal/Mild", "Normal/Mild", "Moderate", "Severe")
"""RSNA 2024 word by Lee grade: a crosswalk of severity words only, not a validated equivalence."""


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
    changed = findings.root_shape is RootShape.CHANGED
    letter = "F" if changed else SARTORETTI_LETTERS[len(findings.lost)]
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
