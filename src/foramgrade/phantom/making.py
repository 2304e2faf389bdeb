"""A synthetic study: image, label map and truth of one specification."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from foramgrade.arrays import FloatArray
from foramgrade.findings import Level, Sequence, Side
from foramgrade.phantom.edges import draw_edge_shift
from foramgrade.phantom.numbering import number_structures
from foramgrade.phantom.sampling import make_grid, sample, sample_structure
from foramgrade.phantom.spec import Numbering, PhantomSpec, Tissue
from foramgrade.phantom.spine import Frame, Spine, level_index, make_spine
from foramgrade.phantom.tissue import tissue_at
from foramgrade.phantom.truth import ForamenTruth, find_truth
from foramgrade.volume import Grid, LabelMap, Volume

ByteArray = npt.NDArray[np.uint8]

#: Signal relative to fat in T1 and PD and to CSF in T2 and STIR; marrow (T1) and discs (all but T1) come from the
#: specification. In STIR marrow shines by its water alone and fat hardly at all.
SIGNALS = {
    Sequence.T1: {
        Tissue.AIR: 0.0,
        Tissue.FAT: 1.0,
        Tissue.MUSCLE: 0.36,
        Tissue.MARROW: 0.62,
        Tissue.CORTEX: 0.11,
        Tissue.DISC: 0.35,
        Tissue.LIGAMENT: 0.14,
        Tissue.CSF: 0.18,
        Tissue.ROOT: 0.38,
        Tissue.VESSEL: 0.08,
        Tissue.JOINT: 0.22,
        Tissue.MIXED: 0.55,
    },
    Sequence.T2: {
        Tissue.AIR: 0.0,
        Tissue.FAT: 0.85,
        Tissue.MUSCLE: 0.2,
        Tissue.MARROW: 0.5,
        Tissue.CORTEX: 0.08,
        Tissue.DISC: 0.4,
        Tissue.LIGAMENT: 0.08,
        Tissue.CSF: 1.0,
        Tissue.ROOT: 0.34,
        Tissue.VESSEL: 0.06,
        Tissue.JOINT: 0.3,
        Tissue.MIXED: 0.45,
    },
    Sequence.PD: {
        Tissue.AIR: 0.0,
        Tissue.FAT: 1.0,
        Tissue.MUSCLE: 0.5,
        Tissue.MARROW: 0.65,
        Tissue.CORTEX: 0.1,
        Tissue.DISC: 0.55,
        Tissue.LIGAMENT: 0.14,
        Tissue.CSF: 0.7,
        Tissue.ROOT: 0.55,
        Tissue.VESSEL: 0.08,
        Tissue.JOINT: 0.5,
        Tissue.MIXED: 0.65,
    },
    Sequence.STIR: {
        Tissue.AIR: 0.0,
        Tissue.FAT: 0.07,
        Tissue.MUSCLE: 0.3,
        Tissue.MARROW: 0.18,
        Tissue.CORTEX: 0.04,
        Tissue.DISC: 0.35,
        Tissue.LIGAMENT: 0.08,
        Tissue.CSF: 1.0,
        Tissue.ROOT: 0.42,
        Tissue.VESSEL: 0.06,
        Tissue.JOINT: 0.45,
        Tissue.MIXED: 0.15,
    },
}
#: The tissue whose signal the noise and the integers of the specification refer to.
REFERENCE_TISSUE = {Sequence.STIR: Tissue.MUSCLE}
#: Standard deviation of the in-plane point spread, pixels.
POINT_SPREAD_PIXELS = 0.42


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """A synthetic study with its truth.

    Parameters
    ----------
    spec : PhantomSpec
        What it was made from.
    image : Volume
        int16 intensities.
    labels : LabelMap
        uint8 labels on the same grid.
    truth : tuple of ForamenTruth
        L1-L2 to L5-S1, right before left.
    """

    spec: PhantomSpec
    image: Volume
    labels: LabelMap
    truth: tuple[ForamenTruth, ...]

    def foramen(self, level: Level | str, side: Side) -> ForamenTruth:
        """Truth of one foramen.

        Raises
        ------
        InputError
            If the phantom has no such level.
        """
        name = str(level)
        level_index(name)
        return next(t for t in self.truth if t.level.name == name and t.side is side)


def _signal_table(spine: Spine) -> FloatArray:
    """Signal by level (rows; of discs) and tissue (columns)."""
    spec = spine.spec
    signals = SIGNALS[spec.sequence]
    table = np.tile([signals[tissue] for tissue in Tissue], (len(spine.levels), 1)).astype(float)
    if spec.sequence is Sequence.T1:
        table[:, Tissue.MARROW] = spec.marrow
    else:
        table[:, Tissue.DISC] = spine.disc_signals
    return table


def _coil(grid: Grid, spine: Spine) -> npt.NDArray[np.float32]:
    """Sensitivity of a spine coil, 1 at the centre of L3's canal: bright at the back, with a slow ripple upward."""
    field = spine.spec.protocol.field_mm
    i, j = np.arange(grid.shape[0]), np.arange(grid.shape[1])
    behind = i * grid.spacing_mm[0] / field[0]
    wave = 1.0 + 0.08 * np.cos(2 * math.pi * (j / grid.shape[1] - 0.5))
    here = grid.to_ijk(spine.vertebrae[3].to_world([0.0, -20.0, 0.0]))[0] * grid.spacing_mm[0] / field[0]
    coil = (spine.spec.coil_fall ** (behind - here))[:, None] * wave[None, :]
    sensitivity: npt.NDArray[np.float32] = coil.astype(np.float32)
    return sensitivity


def _expose(signal: npt.NDArray[np.float32], grid: Grid, spine: Spine, rng: np.random.Generator) -> Volume:
    """Point spread, coil, Rician noise, integers."""
    spec = spine.spec
    reference = SIGNALS[spec.sequence][REFERENCE_TISSUE.get(spec.sequence, Tissue.FAT)]
    noise = reference / spec.snr
    array = np.empty(grid.shape, dtype=np.int16)
    coil = _coil(grid, spine)
    for k in range(grid.shape[2]):
        plane = ndimage.gaussian_filter(signal[..., k], POINT_SPREAD_PIXELS, mode="nearest") * coil
        real = plane + rng.standard_normal(plane.shape, dtype=np.float32) * noise
        imaginary = rng.standard_normal(plane.shape, dtype=np.float32) * noise
        array[..., k] = np.rint(np.hypot(real, imaginary) * (spec.scale / reference))
    return Volume(array, grid, spec.sequence, fat_suppressed=spec.sequence is Sequence.STIR)


def _displaced(spine: Spine, grid: Grid, rng: np.random.Generator) -> ByteArray:
    """Structure of every voxel as a segmentation with the stated noise of its borders draws it."""
    spec = spine.spec
    return sample_structure(spine, grid, shift=draw_edge_shift(spec.edge_noise_mm, spec.edge_noise_own, grid, rng))


def make_labels(
    spec: PhantomSpec, *, rng: np.random.Generator, numbering: Numbering = Numbering.TOTALSPINESEG
) -> tuple[LabelMap, tuple[ForamenTruth, ...]]:
    """Draw the label map of a synthetic study without its image, in a fraction of the time.

    Parameters
    ----------
    spec, numbering
        As for `make_phantom`.
    rng : numpy.random.Generator
        Noise of the label borders; unused without it.

    Returns
    -------
    labels : LabelMap
        Without noise of the borders the same, to the bit, as with the image.
    truth : tuple of ForamenTruth
        L1-L2 to L5-S1, right before left.

    Raises
    ------
    InputError
        As for `make_phantom`.
    """
    spine, grid = make_spine(spec), make_grid(spec)
    structure = _displaced(spine, grid, rng) if spec.edge_noise_mm > 0 else sample_structure(spine, grid)
    return number_structures(structure, grid, numbering=numbering), find_truth(spine)


def make_phantom(
    spec: PhantomSpec, *, rng: np.random.Generator, numbering: Numbering = Numbering.TOTALSPINESEG
) -> Phantom:
    """Draw a synthetic study.

    Parameters
    ----------
    spec : PhantomSpec
        The study.
    rng : numpy.random.Generator
        Noise of the image and, if wanted, of the label borders. The same state gives the same study, to the bit.
    numbering : Numbering
        Whose integers the label map uses.

    Returns
    -------
    Phantom
        Image, labels and truth.

    Raises
    ------
    InputError
        If a root does not fit into its foramen, or two openings leave no pedicle between them.

    Notes
    -----
    *Definition*: signal is the mean over the box of a voxel (pixel x pixel x slice thickness), blurred in plane; a
    voxel belongs to bone or disc when these fill at least half of it. *Limits*: schematic anatomy; coarse sampling away
    from the foramina; no flow, motion or chemical shift.
    """
    spine = make_spine(spec)
    grid = make_grid(spec)
    sampled = sample(spine, grid, _signal_table(spine))
    image = _expose(sampled.signal, grid, spine, rng)
    structure = sampled.structure
    if spec.edge_noise_mm > 0:
        structure = _displaced(spine, grid, rng)
    labels = number_structures(structure, grid, numbering=numbering)
    return Phantom(spec, image, labels, find_truth(spine))


@dataclass(frozen=True, slots=True, eq=False)
class SectionMap:
    """The smallest section of a foramen, free of noise and partial volume.

    Parameters
    ----------
    tissue : (H, W) uint8 array
        `Tissue`; rows grow to superior, columns to anterior.
    structure : (H, W) uint8 array
        Structure codes, 0 where nothing is labelled.
    up_mm, forward_mm : (H,) and (W,) float arrays
        Coordinates from the centre of the section, mm.
    frame : Frame
        The level's frame, moved to the centre of the section.
    """

    tissue: ByteArray
    structure: ByteArray
    up_mm: FloatArray
    forward_mm: FloatArray
    frame: Frame


def map_section(
    spec: PhantomSpec, *, level: str, side: Side, off_mm: float = 0.0, pixel_mm: float = 0.1, half_mm: float = 22.0
) -> SectionMap:
    """Tissue of a sagittal section of one foramen, perpendicular to its level's right axis.

    Parameters
    ----------
    spec : PhantomSpec
        The study.
    level : str
        Level, e.g. "L4-L5".
    side : Side
        Side of the patient.
    off_mm : float
        Distance lateralwards from the smallest section, mm.
    pixel_mm, half_mm : float
        Sampling and half size of the square, mm.

    Returns
    -------
    SectionMap
        What the body is there.
    """
    spine = make_spine(spec)
    index = level_index(level)
    opening = spine.openings[index][0 if side is Side.RIGHT else 1]
    frame = spine.levels[index]
    n = math.ceil(half_mm / pixel_mm)
    along: FloatArray = (np.arange(2.0 * n) + 0.5 - n) * pixel_mm
    right, forward, up = opening.centre_mm
    local = np.empty((2 * n, 2 * n, 3))
    local[..., 0] = right + opening.sign * off_mm
    local[..., 1] = forward + along[None, :]
    local[..., 2] = up + along[:, None]
    tissue, structure = tissue_at(spine, frame.to_world(local))
    return SectionMap(tissue, structure, along, along, Frame(frame.to_world(opening.centre_mm), frame.axes))
