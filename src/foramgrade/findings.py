"""The vocabulary: levels, sides, borders, measured quantities, perineural findings and grades.

Nothing is computed here. Every stage of the package speaks in these types, and a table row, a picture or a report is
made from them alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Flag, IntEnum, StrEnum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # help and usage errors of the command line need these words, and not numpy
    from foramgrade.arrays import BoolArray, ByteArray, FloatArray


@dataclass(frozen=True, slots=True, order=True)
class Level:
    """A motion segment, named by its two vertebrae, e.g. ``Level("L4", "L5")``; one of unknown name has no lower."""

    upper: str
    lower: str

    @property
    def name(self) -> str:
        """Name of the level as written in tables, e.g. "L4-L5"; "F1" where only its place in a row is known."""
        return f"{self.upper}-{self.lower}" if self.lower else self.upper

    def __str__(self) -> str:
        return self.name


class Side(StrEnum):
    """Side of the patient, never of the picture."""

    RIGHT = "right"
    """The patient's right."""
    LEFT = "left"
    """The patient's left."""


@dataclass(frozen=True, slots=True)
class ForamenPoint:
    """Where a foramen is, as somebody marked it.

    Parameters
    ----------
    level, side
        Which foramen.
    position_mm : tuple of three float
        A point in it, in the patient (RAS+), mm.
    """

    level: Level
    side: Side
    position_mm: tuple[float, float, float]


class Border(StrEnum):
    """Border of the foramen around the nerve root, in the foramen's own frame, in Sartoretti's order 1 to 4."""

    SUPERIOR = "S"
    """Pedicle of the upper vertebra."""
    POSTERIOR = "P"
    """Pars, facet joint and ligamentum flavum."""
    INFERIOR = "I"
    """Towards the pedicle of the lower vertebra."""
    ANTERIOR = "A"
    """Bodies and disc."""


class BorderState(StrEnum):
    """What is left of the fat between the root and one border."""

    PRESERVED = "preserved"
    """Fat of at least the thin limit lies between root and border."""
    THIN = "thin"
    """Fat is left, but less than the thin limit."""
    LOST = "lost"
    """No perineural fat remains: less than the minimum thickness."""
    UNKNOWN = "unknown"
    """Cannot be told; the finding's flags say why."""


class Neighbour(StrEnum):
    """What stands where perineural fat is lost, as far as the labels tell."""

    DISC = "disc"
    """The intervertebral disc."""
    VERTEBRA = "vertebra"
    """Bone of either vertebra: body or osteophyte, pedicle, pars, articular process."""
    SOFT_TISSUE = "soft-tissue"
    """Unlabelled tissue that is not fat: ligament, capsule, protruded disc beyond its label, vessel."""


class Sequence(StrEnum):
    """Contrast of a series. Grades are read on T1 and T2; the others are named so that they can be refused."""

    T1 = "T1"
    """T1-weighted: without fat suppression fat is bright, the root intermediate, cerebrospinal fluid dark."""
    T2 = "T2"
    """T2-weighted turbo spin echo: without fat suppression fat is bright, cerebrospinal fluid as bright or brighter."""
    PD = "PD"
    """Proton-density-weighted: fat bright without fat suppression, cerebrospinal fluid like muscle."""
    STIR = "STIR"
    """Inversion recovery at the zero of fat's signal: fat dark."""


class RootShape(StrEnum):
    """Morphology of the root on the graded section."""

    UNCHANGED = "unchanged"
    """Oval, of a size and an aspect that are usual for the level."""
    CHANGED = "changed"
    """Collapsed, flattened or otherwise deformed."""
    NOT_ASSESSABLE = "not-assessable"
    """The outline of the root cannot be told from its surroundings."""


class Quality(Flag):
    """Caveats that travel with a result; each is one fact, none is a verdict."""

    LEVEL_UNVERIFIED = auto()
    """The vertebra numbers are not anatomical: the level is named by number, e.g. "V6-V7"."""
    NOT_LUMBAR = auto()
    """The level lies above L1-L2: the grading systems were made for lumbar foramina."""
    CUT_BY_EDGE = auto()
    """A structure of this foramen reaches the edge of the label map: part of it may be missing."""
    NO_VERTEBRA = auto()
    """The vertebra below this level is not labelled (SPIDER has no sacrum): the opening has no lower border."""
    NO_DISC = auto()
    """The disc of this level is not labelled, and no bodies were found to bridge: the front of the opening is open."""
    DISC_BRIDGED = auto()
    """The disc of this level is not labelled: the front of the opening is the straight line between the bodies."""
    NO_POSTERIOR = auto()
    """No posterior elements are labelled: the opening cannot be closed."""
    NO_SECTION = auto()
    """No sagittal section shows this foramen between the two pedicles."""
    RING_OPEN = auto()
    """The labelled ring is open by more than the sealing limit: the opening is not measured."""
    RING_SEALED = auto()
    """The labelled ring was open by more than a joint space (3 mm) and has been sealed; the gap is reported."""
    FRAME_FROM_GRID = auto()
    """The level's left-right axis was taken from the scanner because the labels are cut laterally."""
    FEW_SECTIONS = auto()
    """Fewer than two sections cross the foramen: its smallest section may lie between them."""
    OBLIQUE_SLICES = auto()
    """Thick slices are inclined to the level's sagittal plane by more than 12 degrees: corrected, but less certain."""
    ASYMMETRIC = auto()
    """The areas of the two sides differ by more than two thirds of their mean."""
    AREA_IMPLAUSIBLE = auto()
    """The area lies outside 15 to 300 mm2."""
    HEIGHT_LOW = auto()
    """Foraminal height is at or below 15 mm (Hasegawa 1995): a warning value, not a grade."""
    DISC_HEIGHT_LOW = auto()
    """Posterior disc height is at or below 4 mm (Hasegawa 1995): a warning value, not a grade."""
    NO_IMAGE = auto()
    """The image does not cover this foramen."""
    FAT_NOT_BRIGHT = auto()
    """Fat cannot be told from other tissue by brightness: fat-suppressed series or too little contrast."""
    FAT_DOUBTFUL = auto()
    """Nothing clearly outshines muscle: the image may be fat-suppressed, and what counts as fat be something else."""
    SEQUENCE_UNKNOWN = auto()
    """The contrast of the series was not given and not recorded in the file."""
    ROOT_NOT_FOUND = auto()
    """No oval of root size was found in the upper part of the opening."""
    ROOT_INDISTINCT = auto()
    """The root touches other non-fatty tissue over most of its outline: outline and shape are uncertain."""
    LOW_CONTRAST = auto()
    """Fat stands out from soft tissue by less than five times the noise."""
    COARSE_PIXELS = auto()
    """Pixels in the section are larger than 1.2 mm: a film of fat can be missed."""
    FROM_POINT = auto()
    """Read around a point, without the labelled opening: nothing of the opening is measured."""
    OTHER_SECTION = auto()
    """No root showed on the section of the smallest area, or none was drawn there: fat was read on another one."""
    UNCERTAIN = auto()
    """The confidence of the grade is below the limit that its criteria name: another grade competes."""


class Quantity(StrEnum):
    """Everything that is measured; the value is the column's name, with its unit."""

    AREA = "area_mm2"
    AREA_UNCERTAINTY = "area_u_mm2"
    HEIGHT = "height_mm"
    WIDTH_SUPERIOR = "width_superior_mm"
    WIDTH_DISC = "width_disc_mm"
    WIDTH_INFERIOR = "width_inferior_mm"
    DISC_HEIGHT = "disc_height_mm"
    VOLUME = "volume_mm3"
    ASYMMETRY = "asymmetry"
    NERVE_AREA = "nerve_area_mm2"
    NERVE_ASPECT = "nerve_aspect"
    NERVE_OCCUPANCY = "nerve_occupancy"
    FAT_AREA = "fat_area_mm2"
    FAT_FRACTION = "fat_fraction"
    FAT_SUPERIOR = "fat_superior_mm"
    FAT_POSTERIOR = "fat_posterior_mm"
    FAT_INFERIOR = "fat_inferior_mm"
    FAT_ANTERIOR = "fat_anterior_mm"
    SLIP = "slip_mm"
    SEGMENTAL_ANGLE = "segmental_angle_deg"
    SEAL_GAP = "seal_gap_mm"


@dataclass(frozen=True, slots=True)
class QuantityInfo:
    """What a measured quantity means: its unit, definition and source."""

    unit: str
    definition: str
    source: str


#: Definition of every quantity, in the order of the table's columns.
QUANTITIES: Mapping[Quantity, QuantityInfo] = {
    Quantity.AREA: QuantityInfo(
        "mm2",
        "opening bounded by the labels of the two vertebrae and the disc, on the sagittal section of smallest area "
        "between the medial and lateral pedicle borders; of the parabola through its neighbours where there are three",
        "foramgrade; plausible range from adult CT, n = 1000: 133 (SD 34) mm2 at mid-pedicle",
    ),
    Quantity.AREA_UNCERTAINTY: QuantityInfo("mm2", "standard uncertainty of the area", "foramgrade; JCGM 100:2008"),
    Quantity.HEIGHT: QuantityInfo(
        "mm",
        "lower border of the upper pedicle to upper border of the lower pedicle along the level's superior axis",
        "Hasegawa 1995, warning value 15 mm",
    ),
    Quantity.WIDTH_SUPERIOR: QuantityInfo(
        "mm", "antero-posterior extent of the opening at the height of the root", "foramgrade"
    ),
    Quantity.WIDTH_DISC: QuantityInfo(
        "mm", "antero-posterior extent of the opening at the mid-plane of the disc", "foramgrade"
    ),
    Quantity.WIDTH_INFERIOR: QuantityInfo(
        "mm", "antero-posterior extent of the opening half-way from the disc's mid-plane to its lower end", "foramgrade"
    ),
    Quantity.DISC_HEIGHT: QuantityInfo(
        "mm",
        "median height of the disc along the level's superior axis, 1 to 5 mm in front of its posterior margin",
        "Hasegawa 1995, warning value 4 mm",
    ),
    Quantity.VOLUME: QuantityInfo(
        "mm3",
        "sum of area times the distance between sections, over the sections whose area is within half of the smallest",
        "foramgrade",
    ),
    Quantity.ASYMMETRY: QuantityInfo("1", "(right area - left area) / mean of the two", "foramgrade"),
    Quantity.NERVE_AREA: QuantityInfo("mm2", "cross-section of the nerve root on the reported section", "foramgrade"),
    Quantity.NERVE_ASPECT: QuantityInfo("1", "major / minor axis of the root, from its second moments", "foramgrade"),
    Quantity.NERVE_OCCUPANCY: QuantityInfo("1", "nerve area / foramen area", "Clin Orthop Relat Res 2008;466:907"),
    Quantity.FAT_AREA: QuantityInfo("mm2", "area of fat in the opening, partial volume counted in part", "foramgrade"),
    Quantity.FAT_FRACTION: QuantityInfo("1", "fat area / (opening without the root)", "foramgrade"),
    Quantity.FAT_SUPERIOR: QuantityInfo(
        "mm", "fat met from the root to the superior border, median over its 90 degree sector", "foramgrade"
    ),
    Quantity.FAT_POSTERIOR: QuantityInfo(
        "mm", "fat met from the root to the posterior border, median over its sector", "foramgrade"
    ),
    Quantity.FAT_INFERIOR: QuantityInfo(
        "mm", "fat met from the root to the inferior border, median over its sector", "foramgrade"
    ),
    Quantity.FAT_ANTERIOR: QuantityInfo(
        "mm", "fat met from the root to the anterior border, median over its sector", "foramgrade"
    ),
    Quantity.SLIP: QuantityInfo(
        "mm",
        "translation of the upper on the lower body along the level's anterior axis, between the ends of their "
        "posterior walls in the midline, forward positive",
        "foramgrade",
    ),
    Quantity.SEGMENTAL_ANGLE: QuantityInfo(
        "deg",
        "angle between planes fitted to the facing endplates, in the sagittal plane, lordosis positive",
        "foramgrade",
    ),
    Quantity.SEAL_GAP: QuantityInfo(
        "mm", "width of the widest gap that had to be sealed to close the ring", "foramgrade"
    ),
}

#: Column of the fat thickness of each border.
FAT_QUANTITY: Mapping[Border, Quantity] = {
    Border.SUPERIOR: Quantity.FAT_SUPERIOR,
    Border.POSTERIOR: Quantity.FAT_POSTERIOR,
    Border.INFERIOR: Quantity.FAT_INFERIOR,
    Border.ANTERIOR: Quantity.FAT_ANTERIOR,
}


@dataclass(frozen=True, slots=True)
class BorderFinding:
    """The fat between the root and one border.

    Parameters
    ----------
    state : BorderState
        Preserved, thin, lost or unknown.
    thickness_mm : float or None
        Median over the border's sector of the fat met from root to border, mm.
    uncertainty_mm : float or None
        Standard uncertainty of the thickness, mm.
    arc_fraction : float or None
        Share of the sector's directions in which at least the minimum thickness of fat is met, 0 to 1.
    encroached_by : Neighbour or None
        What stands at a lost border.
    """

    state: BorderState
    thickness_mm: float | None = None
    uncertainty_mm: float | None = None
    arc_fraction: float | None = None
    encroached_by: Neighbour | None = None


@dataclass(frozen=True, slots=True)
class PerineuralFindings:
    """What a reader looks for around the nerve root before naming a grade.

    Parameters
    ----------
    borders : mapping of Border to BorderFinding
        One entry for each of the four borders.
    root_shape : RootShape
        Whether the root is deformed.
    root_shape_probability : float or None
        Probability, 0 to 1, that the root is deformed; None when not assessable or not known.
    """

    borders: Mapping[Border, BorderFinding]
    root_shape: RootShape
    root_shape_probability: float | None = None

    def __post_init__(self) -> None:
        missing = [border.name.lower() for border in Border if border not in self.borders]
        if missing:
            msg = f"findings need all four borders, missing: {', '.join(missing)}"
            raise ValueError(msg)

    @property
    def lost(self) -> frozenset[Border]:
        """Borders on which the fat is lost."""
        return frozenset(b for b in Border if self.borders[b].state is BorderState.LOST)

    @property
    def unknown(self) -> frozenset[Border]:
        """Borders that could not be assessed."""
        return frozenset(b for b in Border if self.borders[b].state is BorderState.UNKNOWN)

    @classmethod
    def from_lost(cls, lost: str, root_shape: RootShape = RootShape.UNCHANGED) -> PerineuralFindings:
        """Findings of a reader who names the lost borders, e.g. ``"SI"`` or ``""``.

        Raises
        ------
        ValueError
            If a letter is not one of S, P, I, A.
        """
        chosen = {Border(letter) for letter in lost}
        states = {b: BorderFinding(BorderState.LOST if b in chosen else BorderState.PRESERVED) for b in Border}
        return cls(states, root_shape)


class Policy(StrEnum):
    """What to do with a pattern of lost borders that the grading system does not define."""

    FLOOR = "floor"
    """The highest grade whose condition is fully satisfied."""
    CEIL = "ceil"
    """The next higher grade."""
    STRICT = "strict"
    """Not gradable."""


class LeeGrade(IntEnum):
    """Lee 2010."""

    NONE = 0
    """No foraminal stenosis."""
    MILD = 1
    """Perineural fat lost in two opposing directions."""
    MODERATE = 2
    """Perineural fat lost in all four directions, root shape unchanged."""
    SEVERE = 3
    """Root collapse or morphologic change."""


@dataclass(frozen=True, slots=True)
class Grade:
    """A Lee grade with the reason it was given, and the sister scales from the same findings.

    Parameters
    ----------
    lee : int or None
        Lee grade 0 to 3, None when not gradable.
    policy : Policy
        How undefined patterns were treated.
    defined : bool or None
        Whether Lee defines the pattern; None when the findings are incomplete.
    reason : str
        One sentence that names the findings behind the grade.
    sartoretti : str or None
        Letter and codes of the borders, e.g. "C24".
    wildermuth : int or None
        0 to 3.
    rsna : str or None
        "Normal/Mild", "Moderate" or "Severe".
    confidence : float or None
        Probability of the Lee grade given the stated uncertainty of the findings, 0 to 1.
    competing : int or None
        The most probable other grade; None where there is no confidence.
    probabilities : tuple of four float, or None
        Probability of each grade, 0 to 3; what is missing to 1 is that of a pattern without a grade.
    criteria : str
        Name of the criteria by which `lee` was given; only by "Lee 2010" it is a grade of Lee's.
    """

    lee: int | None
    policy: Policy
    defined: bool | None
    reason: str
    sartoretti: str | None = None
    wildermuth: int | None = None
    rsna: str | None = None
    confidence: float | None = None
    competing: int | None = None
    probabilities: tuple[float, float, float, float] | None = None
    criteria: str = "Lee 2010"


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The opening on one section, placed in the patient.

    Parameters
    ----------
    mask : (H, W) bool array
        Its pixels.
    origin_mm : (3,) float array
        World position (RAS+) of pixel [0, 0], mm.
    row_mm, column_mm : (3,) float arrays
        Step in the world from a pixel to the next row and to the next column, mm.
    spacing_mm : float
        Distance to the next section along the level's right axis, mm.
    """

    mask: BoolArray
    origin_mm: FloatArray
    row_mm: FloatArray
    column_mm: FloatArray
    spacing_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The section on which a foramen was measured and graded, as arrays for plotting and checking.

    Array axes are (superior, anterior): the first index grows towards superior, the second towards anterior, both in
    the level's own frame, ``pixel_mm`` apart.

    Parameters
    ----------
    image : (H, W) float array or None
        Intensities on the section, None when the image does not cover it.
    parts : (H, W) uint8 array
        0 unlabelled, 1 upper vertebra, 2 lower vertebra, 3 disc, 4 canal.
    opening : (H, W) bool array
        The foramen.
    root : (H, W) bool array or None
        The nerve root.
    fat : (H, W) float array or None
        Fraction of fat, 0 to 1, inside the opening, 0 outside.
    pixel_mm : float
        Edge of a pixel, mm.
    outlines : tuple of Outline
        The opening on every section that shows it, medial to lateral, placed in the patient.
    chosen : int
        Index of the reported section among them.
    profile_mm : (N,) float array or None
        Fat met from the root outwards in N directions, 360/N degrees apart, starting at superior and turning through
        posterior, inferior and anterior, mm.
    offsets_mm, areas_mm2 : (M,) float arrays
        Position of every section along the level's right axis, mm, and the area of the opening on it, mm2; in the
        order of `outlines`, so that `chosen` indexes all three.
    obliquity_deg : float
        Angle between the slices and the level's sagittal plane, degrees; 0 where sections are resampled.
    beside : tuple of two (H, W) float arrays or None
        Intensities on the next section to the medial and to the lateral side, for pictures; None where not sampled.
    """

    parts: ByteArray
    opening: BoolArray
    pixel_mm: float
    offsets_mm: FloatArray
    areas_mm2: FloatArray
    outlines: tuple[Outline, ...] = ()
    chosen: int = 0
    image: FloatArray | None = None
    root: BoolArray | None = None
    fat: FloatArray | None = None
    profile_mm: FloatArray | None = None
    obliquity_deg: float = 0.0
    beside: tuple[FloatArray | None, FloatArray | None] = (None, None)


@dataclass(frozen=True, slots=True, eq=False)
class ForamenAssessment:
    """Everything known about one foramen.

    Parameters
    ----------
    level, side
        Which foramen.
    quality : Quality
        Caveats.
    reasons : tuple of str
        Sentences for the reader: why this grade, why not gradable, what is missing.
    measurements : mapping of Quantity to float
        Measured values; a quantity that could not be measured is absent.
    findings : PerineuralFindings or None
        None when the perineural fat could not be read.
    grade : Grade
        The grade, possibly "not gradable".
    n_sections : int
        Number of sections that cross the foramen.
    section_mm : (3,) tuple or None
        Centre of the reported section, world (RAS+), mm.
    evidence : Evidence or None
        Arrays for plotting; None when no section was found.
    uncertainties : mapping of Quantity to float
        Standard uncertainties of some of the measurements, in the same units.
    """

    level: Level
    side: Side
    quality: Quality
    reasons: tuple[str, ...]
    grade: Grade
    measurements: Mapping[Quantity, float] = field(default_factory=dict)
    findings: PerineuralFindings | None = None
    n_sections: int = 0
    section_mm: tuple[float, float, float] | None = None
    evidence: Evidence | None = None
    uncertainties: Mapping[Quantity, float] = field(default_factory=dict)

    @property
    def gradable(self) -> bool:
        """Whether a Lee grade was given."""
        return self.grade.lee is not None

    @property
    def name(self) -> str:
        """Level and side as used in file names, e.g. "L4-L5_left"."""
        return f"{self.level.name}_{self.side.value}"
