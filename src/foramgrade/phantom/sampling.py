"""From the continuous body to voxels: where the grid lies, partial volume, and which structure owns a voxel."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial.transform import Rotation

from foramgrade.arrays import FloatArray
from foramgrade.phantom.edges import EdgeShift
from foramgrade.phantom.spec import PhantomSpec, Protocol, Tissue
from foramgrade.phantom.spine import Opening, Spine
from foramgrade.phantom.tissue import SAC_CODE, structure_at, tissue_at
from foramgrade.volume import Grid

ByteArray = npt.NDArray[np.uint8]

#: Cortical bone is drawn at least this thick, mm.
CORTEX_MM = 0.6
#: Samples per pixel edge near foramina.
FINE_IN_PLANE = 3
#: Centre of the field behind and below the centre of L3, mm: the spine sits anterior in the picture.
_FIELD_BEHIND_MM, _FIELD_BELOW_MM = 28.0, 12.0
_BODY = slice(16, 16 * 8)


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """Result of sampling a slice stack.

    Parameters
    ----------
    signal : (I, J, K) float32 array
        Mean signal of every voxel.
    structure : (I, J, K) uint8 array
        Structure code that owns the voxel.
    """

    signal: npt.NDArray[np.float32]
    structure: ByteArray


def make_grid(spec: PhantomSpec) -> Grid:
    """Grid of the series: sagittal slices, i to posterior, j to superior, k across, rotated and shifted as specified.

    Parameters
    ----------
    spec : PhantomSpec
        The study.

    Returns
    -------
    Grid
        Voxels in world (RAS+) mm.
    """
    protocol = spec.protocol
    across = -1.0 if spec.slices_to_left else 1.0
    axes = np.array([[0.0, 0.0, across], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    turn = Rotation.from_rotvec(np.radians([spec.obliquity_deg[0], 0, 0]))
    turn = Rotation.from_rotvec(np.radians([0, spec.obliquity_deg[1], 0])) * turn
    turn = Rotation.from_rotvec(np.radians([0, 0, spec.obliquity_deg[2]])) * turn
    axes = turn.apply(axes.T).T
    shape = (*(math.ceil(f / protocol.pixel_mm) for f in protocol.field_mm), protocol.n_slices)
    spacing = np.array([protocol.pixel_mm, protocol.pixel_mm, protocol.spacing_mm])
    centre = np.array(spec.shift_mm) + np.array([0.0, -_FIELD_BEHIND_MM, -_FIELD_BELOW_MM])
    centre = centre + turn.apply(np.array(spec.decentring_mm))
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape=(shape[0], shape[1], shape[2]), affine=affine)


def _through(protocol: Protocol, *, step_mm: float) -> FloatArray:
    """Offsets of sub-slices in units of the slice spacing; they fill the slice's thickness, not the spacing."""
    n = max(1, round(protocol.thickness_mm / step_mm))
    return ((np.arange(n) + 0.5) / n - 0.5) * protocol.thickness_mm / protocol.spacing_mm


def _points(grid: Grid, i: FloatArray, j: FloatArray, k: FloatArray) -> FloatArray:
    a = grid.affine
    points: FloatArray = (
        a[:3, 3] + k[:, None, None, None] * a[:3, 2] + i[:, None, None] * a[:3, 0] + j[:, None] * a[:3, 1]
    )
    return points


def _with_cortex(tissue: ByteArray, structure: ByteArray, *, step_mm: float) -> ByteArray:
    """Turn the outermost marrow of every vertebra, in the plane of the slice, into cortical bone."""
    vertebra = np.where(structure < _BODY.stop, structure >> 4, 0)
    size = (1, *(2 * max(1, round(CORTEX_MM / step_mm)) + 1,) * 2)
    low = ndimage.minimum_filter(vertebra, size=size, mode="nearest")
    high = ndimage.maximum_filter(vertebra, size=size, mode="nearest")
    return np.where((low != high) & (tissue == Tissue.MARROW), np.uint8(Tissue.CORTEX), tissue)


def _signal(tissue: ByteArray, structure: ByteArray, table: FloatArray) -> npt.NDArray[np.float32]:
    level = np.where(structure & 0xF0 == 0x80, structure & 0x0F, 0)
    return table.astype(np.float32)[level, tissue]


def owner(structure: ByteArray) -> ByteArray:
    """Structure that owns each voxel, from samples along the first axis.

    Parameters
    ----------
    structure : (S, ...) uint8 array
        Codes of S samples per voxel.

    Returns
    -------
    (...) uint8 array
        The commonest solid code where at least half of the samples are bone or disc, else the commoner of canal and
        nothing.
    """
    codes = np.unique(structure)
    if len(codes) == 1:
        return np.full(structure.shape[1:], codes[0], dtype=np.uint8)
    n = len(structure)
    best = np.zeros(structure.shape[1:], dtype=np.uint8)
    most = np.zeros(structure.shape[1:], dtype=np.int32)
    solid = np.zeros(structure.shape[1:], dtype=np.int32)
    sac = np.zeros(structure.shape[1:], dtype=np.int32)
    for code in codes:
        count = (structure == code).sum(axis=0, dtype=np.int32)
        if code == SAC_CODE:
            sac = count
        elif code:
            solid += count
            more = count > most
            best[more], most[more] = code, count[more]
    hollow = np.where(sac > n - solid - sac, np.uint8(SAC_CODE), np.uint8(0))
    return np.where(2 * solid >= n, best, hollow)


def _sample_places(
    spine: Spine, box: tuple[slice, slice], k: int, *, fine: int, step_mm: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Grid coordinates of the samples of a block: fine per pixel edge in plane, and through slice k."""
    within = (np.arange(fine) + 0.5) / fine - 0.5
    i = (np.arange(box[0].start, box[0].stop)[:, None] + within).ravel()
    j = (np.arange(box[1].start, box[1].stop)[:, None] + within).ravel()
    return i, j, k + _through(spine.spec.protocol, step_mm=step_mm)


def _by_voxel(samples: ByteArray, fine: int) -> ByteArray:
    """Samples (through, I fine, J fine) as (S, I, J), the S samples of each voxel along the first axis."""
    n, i, j = samples.shape
    shape = (n, i // fine, fine, j // fine, fine)
    return samples.reshape(shape).transpose(0, 2, 4, 1, 3).reshape(-1, shape[1], shape[3])


def _sample_block(
    spine: Spine, grid: Grid, box: tuple[slice, slice], k: int, *, fine: int, step_mm: float, table: FloatArray
) -> tuple[npt.NDArray[np.float32], ByteArray]:
    """Mean signal and owner of a block of pixels of slice k, from fine x fine x through samples per voxel."""
    i, j, through = _sample_places(spine, box, k, fine=fine, step_mm=step_mm)
    tissue, structure = tissue_at(spine, _points(grid, i, j, through))
    tissue = _with_cortex(tissue, structure, step_mm=spine.spec.protocol.pixel_mm / fine)
    shape = (len(through), len(i) // fine, fine, len(j) // fine, fine)
    signal = _signal(tissue, structure, table).reshape(shape).mean(axis=(0, 2, 4), dtype=np.float32)
    return signal, owner(_by_voxel(structure, fine))


def _box(spine: Spine, level: int, opening: Opening, grid: Grid) -> tuple[slice, slice, range]:
    """Pixels and slices around a foramen."""
    spec = opening.section.spec
    medial, lateral = spine.spec.pedicle_mm
    drift = 0.5 * (lateral - medial)
    half = np.array([0.0, 6.0 + drift * abs(spec.drift[0]), spec.height_mm / 2 + 3.5])
    half[1] += opening.section.width_mm / 2 + spec.height_mm / 2 * abs(math.tan(math.radians(spec.lean_deg)))
    ends = np.array([medial - 2.0, lateral + 1.5]) * opening.sign
    corners = np.array(
        [
            (r, opening.centre_mm[1] + f * half[1], opening.centre_mm[2] + u * half[2])
            for r in ends
            for f in (-1, 1)
            for u in (-1, 1)
        ]
    )
    ijk = grid.to_ijk(spine.levels[level].to_world(corners))
    # Slices whose thickness reaches the foramen.
    edge = np.array([0.0, 0.0, spine.spec.protocol.thickness_mm / spine.spec.protocol.spacing_mm / 2])
    low = np.maximum(np.ceil(ijk.min(axis=0) - edge), 0).astype(int)
    high = np.minimum(np.floor(ijk.max(axis=0) + edge), np.array(grid.shape) - 1).astype(int)
    return slice(low[0], max(high[0] + 1, low[0])), slice(low[1], max(high[1] + 1, low[1])), range(low[2], high[2] + 1)


def _blocks(spine: Spine, grid: Grid) -> Iterator[tuple[tuple[slice, slice], int, int, float]]:
    """Pixels, slice, samples per pixel edge and step through it, mm: coarse everywhere, then fine around foramina."""
    whole = (slice(0, grid.shape[0]), slice(0, grid.shape[1]))
    for k in range(grid.shape[2]):
        yield whole, k, 1, 1.4
    for level, pair in enumerate(spine.openings):
        for opening in pair:
            rows, columns, slices = _box(spine, level, opening, grid)
            if rows.stop > rows.start and columns.stop > columns.start:
                for k in slices:
                    yield (rows, columns), k, FINE_IN_PLANE, 0.8


def sample(spine: Spine, grid: Grid, table: FloatArray) -> Sampled:
    """Mean signal and owner of every voxel: coarse samples everywhere, fine ones around the foramina.

    Parameters
    ----------
    spine : Spine
        The skeleton.
    grid : Grid
        Where the voxels are.
    table : (L, T) float array
        Signal by level (of a disc) and `Tissue`.

    Returns
    -------
    Sampled
        Without noise, bias and blur.
    """
    signal = np.empty(grid.shape, dtype=np.float32)
    structure = np.empty(grid.shape, dtype=np.uint8)
    for box, k, fine, step in _blocks(spine, grid):
        signal[*box, k], structure[*box, k] = _sample_block(spine, grid, box, k, fine=fine, step_mm=step, table=table)
    return Sampled(signal, structure)


def sample_structure(spine: Spine, grid: Grid, *, shift: EdgeShift | None = None) -> ByteArray:
    """Owner of every voxel, as in `sample`, where wanted with displaced borders.

    Parameters
    ----------
    spine : Spine
        The skeleton.
    grid : Grid
        Where the voxels are.
    shift : EdgeShift or None
        Displacement of the borders; every voxel is taken from as far away as the displacement at its centre says, so
        borders move by fractions of a pixel.

    Returns
    -------
    (I, J, K) uint8 array
        Structure codes.
    """
    structure = np.empty(grid.shape, dtype=np.uint8)
    in_plane = grid.directions[:, :2].T
    for (rows, columns), k, fine, step in _blocks(spine, grid):
        i, j, through = _sample_places(spine, (rows, columns), k, fine=fine, step_mm=step)
        points = _points(grid, i, j, through)
        if shift is not None:
            moved = (shift.on_slice(k)[rows, columns] @ in_plane).repeat(fine, axis=0).repeat(fine, axis=1)
            points = points + moved
        structure[rows, columns, k] = owner(_by_voxel(structure_at(spine, points), fine))
    return structure
