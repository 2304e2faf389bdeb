"""A case of a data set: where its files are, what is known of it, and what is wrong with it."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from foramgrade.findings import ForamenPoint, Level, Sequence, Side


class Severity(StrEnum):
    """Foraminal narrowing as the readers of RSNA LumbarDISC graded it."""

    NORMAL_MILD = "Normal/Mild"
    """No or mild narrowing."""
    MODERATE = "Moderate"
    """Moderate narrowing."""
    SEVERE = "Severe"
    """Severe narrowing."""


@dataclass(frozen=True, slots=True)
class ForamenRead:
    """What a reader said of a foramen.

    Parameters
    ----------
    level, side
        Which foramen.
    severity : Severity
        The grade.
    """

    level: Level
    side: Side
    severity: Severity


@dataclass(frozen=True, slots=True)
class StudyCase:
    """One image of a data set with what belongs to it; nothing of it has been read into memory.

    Parameters
    ----------
    case : str
        Name of the case, the same in every run.
    patient : str
        Pseudonym that the cases of one patient share: rows of one patient are not independent.
    image : Path or None
        File or folder of the image; None when the data set has none for this case. Paths are left out of the value's
        representation: it ends up in logs, and folders may be named after patients.
    series : str or None
        Which series to read, where `image` holds several; None where it holds one.
    sequence : Sequence or None
        Contrast, None when not known.
    fat_suppressed : bool or None
        Whether the signal of fat was suppressed, None when not known.
    contrast_reason : str
        What the contrast was told from.
    labels, instances : Path or None
        Label map; for schemes in two maps the map of subregions and that of vertebrae.
    scheme : str or None
        Label scheme; None where the label map, or a table beside it, has to name its labels.
    points : tuple of ForamenPoint
        Foramina marked by hand.
    reads : tuple of ForamenRead
        Grades of readers.
    problems : tuple of str
        What is missing or contradicts itself, one sentence each.
    """

    case: str
    patient: str
    image: Path | None = field(repr=False)
    series: str | None = None
    sequence: Sequence | None = None
    fat_suppressed: bool | None = None
    contrast_reason: str = ""
    labels: Path | None = field(default=None, repr=False)
    instances: Path | None = field(default=None, repr=False)
    scheme: str | None = None
    points: tuple[ForamenPoint, ...] = ()
    reads: tuple[ForamenRead, ...] = ()
    problems: tuple[str, ...] = ()
