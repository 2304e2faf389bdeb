"""Codes of the exports: standard ones where a standard has them, else those of a private scheme with their meaning.

A code is never used for what it does not mean: a severity of stenosis is only said where a grade was given, and a scale
that no terminology knows is coded under `SCHEME`.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from foramgrade.findings import Border, BorderState, Level, Neighbour, Quantity, RootShape, Side

#: Designator of the private coding scheme; "99" marks private ones in DICOM.
SCHEME = "99FORAMGRADE"

#: Longest code value and code meaning in DICOM (SH and LO), characters.
LONGEST_VALUE, LONGEST_MEANING = 16, 64


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept.

    Parameters
    ----------
    value, scheme, meaning : str
        Code value, designator of its scheme ("SCT", "DCM", "UCUM", "LN" or `SCHEME`), and what it means in words.

    Raises
    ------
    ValueError
        If one of them is empty or longer than DICOM has room for.
    """

    value: str
    scheme: str
    meaning: str

    def __post_init__(self) -> None:
        sizes = {"value": LONGEST_VALUE, "scheme": LONGEST_VALUE, "meaning": LONGEST_MEANING}
        for name, most in sizes.items():
            text = getattr(self, name)
            if not 0 < len(text) <= most:
                msg = f"the {name} of a code is {text!r}, expected 1 to {most} characters"
                raise ValueError(msg)


def private(value: str, meaning: str) -> Code:
    """Code of the private scheme, its value in capitals and its meaning cut to what DICOM has room for.

    Examples
    --------
    >>> private("lee-2", "Moderate")
    Code(value='LEE-2', scheme='99FORAMGRADE', meaning='Moderate')
    """
    value = re.sub(r"[^A-Z0-9.-]+", "-", value.upper()).strip("-")
    meaning = " ".join(meaning.split())
    short = meaning if len(meaning) <= LONGEST_MEANING else meaning[: LONGEST_MEANING - 3].rstrip() + "..."
    return Code(value[:LONGEST_VALUE], SCHEME, short)


STENOSIS = Code("371000119109", "SCT", "Stenosis of intervertebral foramina")
NO_STENOSIS = private("NO-STENOSIS", "No stenosis of the intervertebral foramen")
NOT_GRADED = private("NOT-GRADED", "Intervertebral foramen, not graded")
GRADED = private("GRADED", "Intervertebral foramen, graded by criteria of the user's own")
FORAMEN = private("FORAMEN", "Opening of the intervertebral foramen")
NERVE = Code("91728009", "SCT", "Nerve")
FAT = Code("55603005", "SCT", "Fat")
ANATOMICAL_STRUCTURE = Code("91723000", "SCT", "Anatomical Structure")
TISSUE = Code("85756007", "SCT", "Tissue")
LUMBAR_SPINE = Code("122496007", "SCT", "Lumbar spine")

ASSESSMENT = private("FORAMEN-RESULT", "Assessment of an intervertebral foramen")
LATERALITY = Code("272741003", "SCT", "Laterality")

SEVERITY = Code("246112005", "SCT", "Severity")
#: Severity by Lee grade.
SEVERITIES = (
    Code("17621005", "SCT", "Normal"),
    Code("255604002", "SCT", "Mild"),
    Code("6736007", "SCT", "Moderate"),
    Code("24484000", "SCT", "Severe"),
)

SIDES: Mapping[Side, Code] = {
    Side.LEFT: Code("7771000", "SCT", "Left"),
    Side.RIGHT: Code("24028007", "SCT", "Right"),
}

_LEVELS: Mapping[str, Code] = {
    "T12-L1": Code("243926009", "SCT", "Level of T12/L1 intervertebral disc"),
    "L1-L2": Code("243920003", "SCT", "Level of L1/L2 intervertebral disc"),
    "L2-L3": Code("243921004", "SCT", "Level of L2/L3 intervertebral disc"),
    "L3-L4": Code("243922006", "SCT", "Level of L3/L4 intervertebral disc"),
    "L4-L5": Code("243923001", "SCT", "Level of L4/L5 intervertebral disc"),
    "L5-S1": Code("243927000", "SCT", "Level of L5/S1 intervertebral disc"),
}


def code_level(level: Level) -> Code:
    """Code of a level; private where SNOMED CT has none, as for a sixth lumbar vertebra or an unnamed level.

    Examples
    --------
    >>> code_level(Level("L5", "S1")).value, code_level(Level("V6", "V7"))
    ('243927000', Code(value='V6-V7', scheme='99FORAMGRADE', meaning='Level V6-V7'))
    """
    if level.name in _LEVELS:
        return _LEVELS[level.name]
    value = level.name
    if not re.fullmatch(f"[A-Z0-9.-]{{1,{LONGEST_VALUE}}}", value):
        # Names of a user's own: what does not fit would be cut to one and the same code, or to none.
        value = f"L-{hashlib.sha256(value.encode()).hexdigest()[:12]}"
    return private(value, f"Level {level.name}")


#: UCUM by the unit of a quantity.
UNITS: Mapping[str, Code] = {
    "mm": Code("mm", "UCUM", "mm"),
    "mm2": Code("mm2", "UCUM", "mm2"),
    "mm3": Code("mm3", "UCUM", "mm3"),
    "deg": Code("deg", "UCUM", "deg"),
    "1": Code("1", "UCUM", "no units"),
}

#: Name of every quantity. Only the area has a code that fits: other lengths and ratios are this product's own.
QUANTITY_CODES: Mapping[Quantity, Code] = {
    Quantity.AREA: Code("131184002", "SCT", "Area of defined region"),
    Quantity.AREA_UNCERTAINTY: private("AREA-U", "Standard uncertainty of the foraminal area"),
    Quantity.HEIGHT: private("HEIGHT", "Foraminal height"),
    Quantity.WIDTH_SUPERIOR: private("WIDTH-SUPERIOR", "Foraminal width at the height of the root"),
    Quantity.WIDTH_DISC: private("WIDTH-DISC", "Foraminal width at the mid-plane of the disc"),
    Quantity.WIDTH_INFERIOR: private("WIDTH-INFERIOR", "Foraminal width below the disc"),
    Quantity.DISC_HEIGHT: private("DISC-HEIGHT", "Posterior disc height"),
    Quantity.VOLUME: private("VOLUME", "Foraminal volume"),
    Quantity.ASYMMETRY: private("ASYMMETRY", "Asymmetry of the areas, (right - left) / mean"),
    Quantity.NERVE_AREA: private("NERVE-AREA", "Cross-sectional area of the nerve root"),
    Quantity.NERVE_ASPECT: private("NERVE-ASPECT", "Major to minor axis of the nerve root"),
    Quantity.NERVE_OCCUPANCY: private("NERVE-OCCUPANCY", "Nerve area / foraminal area"),
    Quantity.FAT_AREA: private("FAT-AREA", "Area of fat in the foramen"),
    Quantity.FAT_FRACTION: private("FAT-FRACTION", "Share of fat in the foramen without the root"),
    Quantity.FAT_SUPERIOR: private("FAT-SUPERIOR", "Thickness of fat on the superior border"),
    Quantity.FAT_POSTERIOR: private("FAT-POSTERIOR", "Thickness of fat on the posterior border"),
    Quantity.FAT_INFERIOR: private("FAT-INFERIOR", "Thickness of fat on the inferior border"),
    Quantity.FAT_ANTERIOR: private("FAT-ANTERIOR", "Thickness of fat on the anterior border"),
    Quantity.SLIP: private("SLIP", "Slip of the upper on the lower vertebra, forward positive"),
    Quantity.SEGMENTAL_ANGLE: private("SEGMENT-ANGLE", "Segmental angle, lordosis positive"),
    Quantity.SEAL_GAP: private("SEAL-GAP", "Widest gap that was sealed in the labelled ring"),
}


def uncertainty_of(quantity: Quantity) -> Code:
    """Name of the standard uncertainty of a quantity."""
    if quantity is Quantity.AREA:
        return QUANTITY_CODES[Quantity.AREA_UNCERTAINTY]
    name = QUANTITY_CODES[quantity]
    return private(f"{name.value}-U", f"Standard uncertainty: {name.meaning}")


ALGORITHM_FAMILY = private("RULES", "Explicit geometry, fitted models and rules")
REPORT_TITLE = Code("126000", "DCM", "Imaging Measurement Report")
PROCEDURE = Code("25056-3", "LN", "MRI unspecified body region")
DEVICE = Code("121007", "DCM", "Device")
COMMENT = Code("121106", "DCM", "Comment")
CONFIDENCE = private("CONFIDENCE", "Probability of the grade, given the findings' uncertainty")
RESEARCH_USE = "Made by software for research and teaching. Not a diagnosis, and not for clinical use."

#: Evaluations: what is said of a foramen in words.
BORDER_NAMES: Mapping[Border, Code] = {
    border: private(f"BORDER-{border.value}", f"Perineural fat on the {border.name.lower()} border")
    for border in Border
}
BORDER_STATES: Mapping[BorderState, Code] = {
    BorderState.PRESERVED: private("PRESERVED", "Preserved"),
    BorderState.THIN: private("THIN", "Thin"),
    BorderState.LOST: private("LOST", "Lost"),
    BorderState.UNKNOWN: private("UNKNOWN", "Cannot be told"),
}
STANDS_AT: Mapping[Border, Code] = {
    border: private(f"STANDS-AT-{border.value}", f"What stands at the {border.name.lower()} border")
    for border in Border
}
NEIGHBOURS: Mapping[Neighbour, Code] = {
    Neighbour.DISC: private("DISC", "Intervertebral disc"),
    Neighbour.VERTEBRA: private("VERTEBRA", "Bone of a vertebra"),
    Neighbour.SOFT_TISSUE: private("SOFT-TISSUE", "Unlabelled tissue that is not fat"),
}
ROOT_SHAPE = private("ROOT-SHAPE", "Shape of the nerve root")
ROOT_SHAPES: Mapping[RootShape, Code] = {
    RootShape.UNCHANGED: private("UNCHANGED", "Unchanged"),
    RootShape.CHANGED: private("CHANGED", "Collapsed, flattened or otherwise deformed"),
    RootShape.NOT_ASSESSABLE: private("NOT-ASSESSABLE", "Not assessable"),
}
CAVEAT = private("CAVEAT", "Caveat")
