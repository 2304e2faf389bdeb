"""Images and label maps in patient space: a voxel grid and the values on it.

World positions are RAS+ millimetres: the first coordinate grows towards the patient's right, the second towards
anterior, the third towards superior. A voxel index names the voxel's centre. DICOM's and ITK's LPS convention exists
only inside the loaders and exports.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from foramgrade.arrays import FloatArray
from foramgrade.errors import GridMismatchError, InputError
from foramgrade.findings import Sequence

IntArray = npt.NDArray[np.integer]
Label = TypeVar("Label", bound=np.integer)
Kind = TypeVar("Kind", bound=np.generic)

#: Two grids are the same when corresponding corners differ by less than this.
SAME_GRID_TOLERANCE_MM = 1e-2

#: A voxel belongs to its likeliest structure when at least this share of it is labelled.
SOLID_SHARE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A regular voxel grid placed in the patient.

    Parameters
    ----------
    shape : tuple of three int
        Number of voxels along i, j, k; each at least 1.
    affine : (4, 4) float array
        Maps voxel indices (i, j, k, 1) to world positions (RAS+), mm. Copied and kept read-only.

    Raises
    ------
    InputError
        If the affine is not a finite, invertible (4, 4) matrix or the shape is not three positive sizes.
    """

    shape: tuple[int, int, int]
    affine: FloatArray

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=float)
        if affine.shape != (4, 4) or not np.all(np.isfinite(affine)):
            msg = f"affine must be a finite 4 x 4 matrix, found shape {affine.shape}"
            raise InputError(msg)
        if abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            msg = "affine cannot be inverted: two voxel axes are parallel or a spacing is zero"
            raise InputError(msg)
        if len(self.shape) != 3 or min(self.shape) < 1:
            msg = f"a grid has three axes of at least one voxel, found shape {tuple(self.shape)}"
            raise InputError(msg)
        affine.flags.writeable = False
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxel centres along i, j, k, mm."""
        i, j, k = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @property
    def directions(self) -> FloatArray:
        """Unit vectors of the i, j and k axes in the world, as the columns of a (3, 3) array."""
        axes: FloatArray = self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0)
        return axes

    @property
    def lateral_axis(self) -> int:
        """Voxel axis that runs most nearly from left to right: 0, 1 or 2."""
        return int(np.argmax(np.abs(self.directions[0])))

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel, mm3."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    def to_world(self, ijk: npt.ArrayLike) -> FloatArray:
        """World positions (..., 3), mm, of voxel positions (..., 3)."""
        world: FloatArray = np.asarray(ijk, dtype=float) @ self.affine[:3, :3].T + self.affine[:3, 3]
        return world

    def to_ijk(self, world_mm: npt.ArrayLike) -> FloatArray:
        """Voxel positions (..., 3), fractional, of world positions (..., 3), mm."""
        inverse = np.linalg.inv(self.affine)
        ijk: FloatArray = np.asarray(world_mm, dtype=float) @ inverse[:3, :3].T + inverse[:3, 3]
        return ijk

    def corners_mm(self) -> FloatArray:
        """World positions (8, 3), mm, of the centres of the corner voxels."""
        last = np.array(self.shape) - 1
        unit = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(8, 3)
        return self.to_world(unit * last)

    def matches(self, other: "Grid", tolerance_mm: float = SAME_GRID_TOLERANCE_MM) -> bool:
        """Whether the other grid has the same shape and the same corner positions within the tolerance."""
        if self.shape != other.shape:
            return False
        return bool(np.abs(self.corners_mm() - other.corners_mm()).max() <= tolerance_mm)

    def overlap(self, other: "Grid") -> float:
        """Share of this grid's voxels that lie inside the other grid, 0 to 1, from up to 16 samples per axis."""
        axes = [np.unique(np.linspace(0, n - 1, min(n, 16)).round()) for n in self.shape]
        samples = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        ijk = other.to_ijk(self.to_world(samples))
        inside = np.all((ijk >= -0.5) & (ijk <= np.array(other.shape) - 0.5), axis=1)
        return float(inside.mean())


def _frozen(array: npt.NDArray[Kind], grid: Grid, name: str) -> npt.NDArray[Kind]:
    if array.shape != grid.shape:
        msg = f"{name} has shape {array.shape}, its grid has shape {grid.shape}: they must be equal"
        raise GridMismatchError(msg)
    if _is_kept(array):
        return array  # a copy would only double the memory
    copy = np.array(array, order="K")
    copy.flags.writeable = False
    return copy


def _is_kept(array: npt.NDArray[Any]) -> bool:
    """Whether nobody can write to an array: it has its own memory, or all of a read-only buffer, as readers fill."""
    if array.flags.writeable or not array.flags.aligned or not array.flags.forc:
        return False
    holder: Any = array.base
    while isinstance(holder, np.ndarray) and holder.nbytes == array.nbytes and not holder.flags.writeable:
        holder = holder.base
    return holder is None or isinstance(holder, bytes) or (isinstance(holder, memoryview) and holder.readonly)


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """One image series.

    Parameters
    ----------
    array : (I, J, K) real array
        Intensities, arbitrary units. Kept read-only; copied unless nobody can write to it.
    grid : Grid
        Where the voxels are.
    sequence : Sequence or None
        Contrast, None when unknown.
    fat_suppressed : bool or None
        Whether the signal of fat was suppressed, None when unknown.
    contrast_reason : str
        What the contrast was told from, in words, e.g. "TR 4320 ms, TE 92 ms"; never text that a patient's file holds.
    blank_slices : tuple of int
        Slices along the third axis that the series lacks, where the user went on without them.
    """

    array: npt.NDArray[np.generic]
    grid: Grid
    sequence: Sequence | None = None
    fat_suppressed: bool | None = None
    contrast_reason: str = ""
    blank_slices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "array", _frozen(self.array, self.grid, "the image"))


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """A segmentation as its tool wrote it; what the numbers mean is the scheme's matter.

    Parameters
    ----------
    array : (I, J, K) integer array
        Label of every voxel, 0 is background; with `shares` the likeliest structure of the voxel, also where less than
        half of it is labelled. Kept read-only; copied unless nobody can write to it.
    grid : Grid
        Where the voxels are.
    scheme : str
        Name of a label scheme that comes with the package, or the path of a JSON file that defines one.
    instances : (I, J, K) integer array or None
        For schemes in two maps (SPINEPS, TPTBox): the vertebra every voxel belongs to; `array` then holds subregions.
    names : mapping of int to str
        What the file calls its labels, where it does; background left out. Copied and kept read-only.
    shares : (I, J, K) float array or None
        Share of the voxel, 0 to 1, that belongs to labelled structures, all of them together; 0 where `array` is. None
        for a hard map, whose voxels are labelled whole or not at all. Kept as read-only single precision.

    Raises
    ------
    GridMismatchError
        If an array has another shape than the grid.
    InputError
        If labels are not whole numbers, or a share is not 0 to 1, or belongs to no label.
    """

    array: npt.NDArray[np.integer]
    grid: Grid
    scheme: str
    instances: npt.NDArray[np.integer] | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    shares: npt.NDArray[np.floating] | None = None

    def __post_init__(self) -> None:
        for name in ("array", "instances"):
            values = getattr(self, name)
            if values is None:
                continue
            if not np.issubdtype(values.dtype, np.integer):
                msg = f"labels must be whole numbers, found an array of {values.dtype}"
                raise InputError(msg)
            object.__setattr__(self, name, _frozen(values, self.grid, "the label map"))
        object.__setattr__(self, "names", MappingProxyType(dict(self.names)))
        if self.shares is not None:
            shares = _frozen(np.asarray(self.shares, dtype=np.float32), self.grid, "the map of shares")
            if not np.all((shares >= 0) & (shares <= 1)):  # written so that NaN fails too
                msg = f"shares of voxels are 0 to 1, found {shares.min():g} to {shares.max():g}"
                raise InputError(msg)
            lost = int(np.count_nonzero(shares[self.array == 0]))
            if lost:
                msg = f"{lost} voxels have a share of 0 < share <= 1 and no label, expected the likeliest structure"
                raise InputError(msg)
            object.__setattr__(self, "shares", shares)

    @property
    def hard(self) -> npt.NDArray[np.integer]:
        """Labels (I, J, K) of the voxels of which at least half is labelled, 0 elsewhere."""
        return harden(self.array, self.shares)


def harden(labels: npt.NDArray[Label], shares: npt.NDArray[np.floating] | None) -> npt.NDArray[Label]:
    """Make background of the voxels of which less than `SOLID_SHARE` is labelled.

    Parameters
    ----------
    labels : (I, J, K) integer array
        Likeliest structure of every voxel.
    shares : (I, J, K) float array or None
        Share of the voxel that is labelled; None where labels are hard already, and come back as they are.

    Returns
    -------
    (I, J, K) integer array
        The labels.

    Examples
    --------
    >>> harden(np.array([3, 3, 4]), np.array([0.4, 0.5, 1.0])).tolist()
    [0, 3, 4]
    """
    return labels if shares is None else np.where(shares >= SOLID_SHARE, labels, labels.dtype.type(0))


@dataclass(frozen=True, slots=True, eq=False)
class SoftCodes:
    """What a soft label map says of every voxel: what it is most likely, and how much of it is that or its neighbours.

    Parameters
    ----------
    codes : (I, J, K) uint16 array
        The likeliest structure, also where less than half of the voxel is labelled. Kept read-only.
    shares : (I, J, K) float32 array
        Share of the voxel that is labelled, 0 to 1. Kept read-only.
    """

    codes: npt.NDArray[np.uint16]
    shares: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        for name, kind in (("codes", np.uint16), ("shares", np.float32)):
            values = np.asarray(getattr(self, name), dtype=kind).view()
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    def with_code(self, voxels: npt.NDArray[np.intp], code: int) -> "SoftCodes":
        """The same with voxels (N, 3) that belong to a structure wholly."""
        codes, shares = self.codes.copy(), self.shares.copy()
        codes[tuple(voxels.T)], shares[tuple(voxels.T)] = code, 1.0
        return SoftCodes(codes, shares)
