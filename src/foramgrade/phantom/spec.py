"""What a synthetic study is made of: dimensions in millimetres, chosen before anything is drawn."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from itertools import pairwise

from foramgrade.errors import InputError
from foramgrade.findings import Border, Level, RootShape, Sequence, Side

#: Vertebrae of the model, top to bottom. T12 is drawn, so the picture does not end at L1, but it is never labelled.
VERTEBRAE = ("T12", "L1", "L2", "L3", "L4", "L5", "S1")
#: The five levels that have a truth, top to bottom.
LEVELS = tuple(Level(upper, lower) for upper, lower in pairwise(VERTEBRAE[1:]))
#: Two vertebrae are turned against each other by at most this much about any axis, degrees.
LARGEST_ANGLE_DEG = 45.0
#: Two bodies slip on each other by at most this much, mm: half of a body's depth is a grade 2 to 3 listhesis.
LARGEST_SLIP_MM = 17.0
#: Fat reaches from the root all the way to this border.
ALL_THE_WAY = math.inf


class Tissue(IntEnum):
    """What fills a point of the body, as far as it decides the signal."""

    AIR = 0
    """Outside of the skin."""
    FAT = 1
    """Perineural, epidural, intermuscular and subcutaneous fat."""
    MUSCLE = 2
    """Psoas, erector spinae, multifidus."""
    MARROW = 3
    """Cancellous bone."""
    CORTEX = 4
    """Cortical bone and endplates."""
    DISC = 5
    """Intervertebral disc, also where it protrudes beyond its label."""
    LIGAMENT = 6
    """Ligamentum flavum, capsule, annulus: dark in every sequence."""
    CSF = 7
    """Cerebrospinal fluid in the dural sac."""
    ROOT = 8
    """Exiting nerve root with its ganglion, and the roots of the cauda equina."""
    VESSEL = 9
    """Vessel with flow void."""
    JOINT = 10
    """Cleft of the facet joint: cartilage and a film of fluid."""
    MIXED = 11
    """Interspinous ligament with fat."""


class Numbering(StrEnum):
    """Whose integers the label map uses; the values are names of label schemes."""

    TOTALSPINESEG = "totalspineseg"
    """TotalSpineSeg, step 2."""
    SPIDER = "spider"
    """SPIDER challenge: counted from L5 upwards, no sacrum."""
    SPINEPS = "spineps"
    """SPINEPS / TPTBox: a map of subregions and a map of vertebrae."""
    VERSE = "verse"
    """VerSe numbers in one map, as in SPINEPS's map of vertebrae alone: with discs, without canal."""
    TOTALSEGMENTATOR = "totalsegmentator"
    """TotalSegmentator for CT: vertebrae alone."""
    TOTALSEGMENTATOR_MR = "totalsegmentator_mr"
    """TotalSegmentator for MR: vertebrae alone."""
    MRSPINESEG = "mrspineseg"
    """MRSpineSeg challenge: counted from the sacrum upwards, with discs, without canal."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """Sampling of a sagittal series.

    Parameters
    ----------
    pixel_mm : float
        Edge of a pixel in the sagittal plane, mm.
    thickness_mm : float
        Thickness over which a slice averages, mm.
    spacing_mm : float
        Distance between the centres of neighbouring slices, mm.
    n_slices : int
        Number of slices.
    field_mm : tuple of two float
        Antero-posterior and supero-inferior size of the field of view, mm.
    """

    pixel_mm: float
    thickness_mm: float
    spacing_mm: float
    n_slices: int
    field_mm: tuple[float, float] = (162.0, 234.0)

    def __post_init__(self) -> None:
        lengths = (self.pixel_mm, self.thickness_mm, self.spacing_mm, *self.field_mm)
        if not all(math.isfinite(x) and x > 0 for x in lengths) or self.n_slices < 1:
            msg = f"a protocol needs positive sizes and at least one slice, found {self}"
            raise InputError(msg)


#: Ordinary clinical two-dimensional series.
CLINICAL_2D = Protocol(pixel_mm=0.6, thickness_mm=4.0, spacing_mm=4.4, n_slices=17)
#: High-resolution two-dimensional series.
FINE_2D = Protocol(pixel_mm=0.45, thickness_mm=3.0, spacing_mm=3.3, n_slices=23)
#: Isotropic three-dimensional series.
ISOTROPIC = Protocol(pixel_mm=0.9, thickness_mm=0.9, spacing_mm=0.9, n_slices=83)


def _all_fat() -> dict[Border, float]:
    return dict.fromkeys(Border, ALL_THE_WAY)


def _ligament() -> dict[Border, Tissue]:
    return dict.fromkeys(Border, Tissue.LIGAMENT)


@dataclass(frozen=True, slots=True)
class ForamenSpec:
    """One foramen: a closed curve on its smallest section, and what lies inside.

    Parameters
    ----------
    area_mm2 : float
        Area of the smallest section, mm2.
    height_mm : float
        Height of the curve along the level's superior axis on that section, mm.
    section_mm : float
        Distance of the smallest section from the midline, mm.
    pear : tuple of two float
        Exponents (p, q) of the width t^p (1 - t)^q, t running from 0 at the lower to 1 at the upper pedicle; p > q
        makes an inverted pear.
    bulge : float
        Share of the anterior half-width that a bulging disc takes at the height of the disc, 0 to below 1.
    facet : float
        Share of the posterior half-width that the facet takes, 0 to below 1.
    lean_deg : float
        Tilt of the curve's long axis, upper end forward, degrees.
    widening : tuple of two float
        Growth of width and height with the squared distance from the smallest section, 1/mm2.
    drift : tuple of two float
        Displacement of the section forward and upward per mm lateralwards.
    cleft_mm : float
        Width of the unlabelled cleft of the facet joint, mm.
    root_mm : tuple of two float
        Height and antero-posterior width of the root's ellipse on the section, mm.
    root_at : tuple of two float
        Position of the root's centre: height as a share of the curve (0 to 1) and mm forward of the curve's midline.
    root_tilt_deg : float
        Rotation of the ellipse, upper end forward, degrees.
    root_shape : RootShape
        Whether this root counts as deformed.
    fat_mm : mapping of Border to float
        Largest thickness of fat between root and each border, mm: 0 is lost, infinity fills the way with fat.
    filling : mapping of Border to Tissue
        What stands between the fat and the border where the fat does not reach it; LIGAMENT or DISC, never labelled.
    vessels : tuple of (height share, width share, radius in mm)
        Flow voids, placed at a share of the height and of the half-width (forward positive).
    """

    area_mm2: float = 120.0
    height_mm: float = 18.5
    section_mm: float = 17.0
    pear: tuple[float, float] = (0.7, 0.45)
    bulge: float = 0.0
    facet: float = 0.0
    lean_deg: float = 0.0
    widening: tuple[float, float] = (0.006, 0.0015)
    drift: tuple[float, float] = (0.3, -0.1)
    cleft_mm: float = 1.2
    root_mm: tuple[float, float] = (5.4, 4.6)
    root_at: tuple[float, float] = (0.68, 0.0)
    root_tilt_deg: float = 0.0
    root_shape: RootShape = RootShape.UNCHANGED
    fat_mm: Mapping[Border, float] = field(default_factory=_all_fat)
    filling: Mapping[Border, Tissue] = field(default_factory=_ligament)
    vessels: tuple[tuple[float, float, float], ...] = ()

    def __post_init__(self) -> None:
        positive = {"area_mm2": self.area_mm2, "height_mm": self.height_mm, "root height": self.root_mm[0]}
        positive |= {"section_mm": self.section_mm, "root width": self.root_mm[1], "pear": min(self.pear)}
        for name, value in positive.items():
            if not (math.isfinite(value) and value > 0):
                msg = f"{name} must be a positive number, found {value}"
                raise InputError(msg)
        for name, share in (("bulge", self.bulge), ("facet", self.facet)):
            if not 0 <= share < 1:
                msg = f"{name} must be a share from 0 to below 1, found {share}"
                raise InputError(msg)
        missing = [b.name.lower() for b in Border if b not in self.fat_mm or b not in self.filling]
        if missing or any(not x >= 0 for x in self.fat_mm.values()):
            msg = f"fat_mm and filling need a value of 0 or more for each border, found {dict(self.fat_mm)}"
            raise InputError(msg)
        if min(self.widening) < 0 or self.cleft_mm < 0:
            msg = f"widening and cleft_mm must not be negative, found {self.widening} and {self.cleft_mm}"
            raise InputError(msg)


@dataclass(frozen=True, slots=True)
class LevelSpec:
    """One motion segment.

    Parameters
    ----------
    disc_height_mm : float
        Height of the disc at its posterior margin in the midline, mm.
    wedge_deg : float
        Angle between the facing endplates, open anteriorly, degrees.
    side_tilt_deg, twist_deg : float
        Lateral tilt and axial rotation of the lower vertebra against the upper, degrees.
    slip_mm : float
        Translation of the upper body forward on the lower one, along the level's anterior axis, between the
        posterior-inferior corner of the upper and the posterior-superior corner of the lower body in the midline, mm.
    disc_signal : float
        Signal of the disc in T2 relative to CSF; degenerated discs are dark.
    left, right : ForamenSpec
        The two foramina, of the patient's left and right.
    """

    disc_height_mm: float = 7.0
    wedge_deg: float = 8.0
    side_tilt_deg: float = 0.0
    twist_deg: float = 0.0
    slip_mm: float = 0.0
    disc_signal: float = 0.45
    left: ForamenSpec = field(default_factory=ForamenSpec)
    right: ForamenSpec = field(default_factory=ForamenSpec)

    def __post_init__(self) -> None:
        angles = {"wedge_deg": self.wedge_deg, "side_tilt_deg": self.side_tilt_deg, "twist_deg": self.twist_deg}
        for name, value in angles.items():
            if not abs(value) <= LARGEST_ANGLE_DEG:  # written so that NaN fails too
                msg = f"{name} must be an angle within {LARGEST_ANGLE_DEG:.0f} degrees, found {value}"
                raise InputError(msg)
        if not abs(self.slip_mm) <= LARGEST_SLIP_MM:
            msg = f"slip_mm must lie within {LARGEST_SLIP_MM:.0f} mm forward or backward, found {self.slip_mm}"
            raise InputError(msg)

    def foramen(self, side: Side) -> ForamenSpec:
        """Foramen of one side."""
        return self.left if side is Side.LEFT else self.right


#: Angle between facing endplates, L1-L2 to L5-S1, degrees: about 45 degrees of lordosis.
USUAL_WEDGES_DEG = (4.0, 6.0, 8.0, 11.0, 16.0)


def _usual_levels() -> tuple[LevelSpec, ...]:
    return tuple(LevelSpec(wedge_deg=w) for w in USUAL_WEDGES_DEG)


@dataclass(frozen=True, slots=True)
class PhantomSpec:
    """A study: the spine, how it lies in the scanner, and how the series is taken.

    Parameters
    ----------
    levels : tuple of five LevelSpec
        L1-L2 to L5-S1.
    protocol : Protocol
        Sampling.
    sequence : Sequence
        Contrast.
    body_mm : tuple of three float
        Width, depth and height of a vertebral body, mm.
    pedicle_mm : tuple of two float
        Distance of the medial and the lateral border of every pedicle from the midline, mm.
    obliquity_deg : tuple of three float
        Rotation of the scanner's grid about the patient's right, anterior and superior axes, degrees.
    shift_mm : tuple of three float
        World position (RAS+) of the centre of L3, mm.
    decentring_mm : tuple of three float
        Offset of the field of view from the spine along the grid's axes, mm.
    slices_to_left : bool
        Whether slices are stored from the patient's right to the left.
    marrow : float
        Signal of marrow relative to fat, T1.
    snr : float
        Signal of fat at the spine divided by the standard deviation of the noise.
    edge_noise_mm : float
        Root mean square, mm, of a smooth random displacement of the label borders within their slice, measured along
        a border's normal.
    edge_noise_own : float
        Share, 0 to 1, of that displacement's variance that each slice draws for itself, as a tool that segments slice
        by slice errs; the rest runs smoothly through the slices.
    scale : float
        Integer intensity that fat at the spine gets.
    coil_fall : float
        Ratio of the receive coil's sensitivity at the back to that at the front of the field; 1 is even.
    """

    levels: tuple[LevelSpec, ...] = field(default_factory=_usual_levels)
    protocol: Protocol = CLINICAL_2D
    sequence: Sequence = Sequence.T1
    body_mm: tuple[float, float, float] = (46.0, 34.0, 27.0)
    pedicle_mm: tuple[float, float] = (12.5, 21.5)
    obliquity_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    decentring_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    slices_to_left: bool = True
    marrow: float = 0.62
    snr: float = 25.0
    edge_noise_mm: float = 0.0
    edge_noise_own: float = 0.0
    scale: float = 600.0
    coil_fall: float = 2.5

    def __post_init__(self) -> None:
        if len(self.levels) != len(LEVELS):
            msg = f"a phantom has the {len(LEVELS)} levels L1-L2 to L5-S1, found {len(self.levels)}"
            raise InputError(msg)
        low, high = self.pedicle_mm
        for name, level in zip(LEVELS, self.levels, strict=True):
            for side in Side:
                if not low < level.foramen(side).section_mm < high:
                    msg = (
                        f"{name} {side.value}: the smallest section at {level.foramen(side).section_mm} mm must lie "
                        f"between the pedicle borders at {low} and {high} mm"
                    )
                    raise InputError(msg)
        if not 0 <= self.edge_noise_own <= 1:
            msg = f"edge_noise_own must be a share from 0 to 1, found {self.edge_noise_own}"
            raise InputError(msg)
        if not self.coil_fall > 0:
            msg = f"coil_fall must be a positive ratio, found {self.coil_fall}"
            raise InputError(msg)
        if self.snr <= 0 or self.edge_noise_mm < 0 or self.scale <= 0:
            msg = f"snr and scale must be positive and edge_noise_mm not negative, found {self}"
            raise InputError(msg)
