"""Connected pieces of a label map in which foramina are drawn, and what the drawing's slices are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from foramgrade.anatomy.foramen_names import ForamenName, understand_foramen_name
from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError
from foramgrade.geometry.planes import THICK_SLICE_RATIO
from foramgrade.volume import SOLID_SHARE, Grid, LabelMap

#: A piece whose largest outline is smaller than this is a slip of the pen, mm2: the narrowest foramina have 15 mm2.
SPECK_MM2 = 5.0

#: Diagonal neighbours belong together: an outline that is one voxel thin there is no gap.
_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)

_PLANES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One connected piece of a drawing, or several of one foramen.

    Parameters
    ----------
    called : str
        What messages call it: its value in the file, with its name where it has one.
    name : ForamenName or None
        What the name in the file says.
    shares : (I, J, K) float32 array
        Share of each voxel that belongs to the piece, 0 to 1, in the box that holds it.
    first : tuple of three int
        Index of the box's first voxel in the grid.
    grid : Grid
        Grid of the whole drawing.
    """

    called: str
    name: ForamenName | None
    shares: npt.NDArray[np.float32]
    first: tuple[int, int, int]
    grid: Grid

    @property
    def positions_mm(self) -> FloatArray:
        """World positions (N, 3), mm, of the voxels of which at least half belongs to it; of all, where none does."""
        where = np.argwhere(self.shares >= SOLID_SHARE)
        return self.grid.to_world((where if len(where) else np.argwhere(self.shares > 0)) + self.first)

    @property
    def centre_mm(self) -> FloatArray:
        """Centre of mass (3,), world, mm."""
        where = np.argwhere(self.shares > 0)
        return self.grid.to_world(np.average(where, axis=0, weights=self.shares[self.shares > 0]) + self.first)

    def slices(self, axis: int) -> tuple[int, ...]:
        """Slices along an axis on which it is drawn: at least one voxel belongs to it by half."""
        drawn = np.moveaxis(self.shares, axis, 0).reshape(self.shares.shape[axis], -1).max(axis=1) >= SOLID_SHARE
        return tuple(int(n) + self.first[axis] for n in np.flatnonzero(drawn))

    def joined(self, other: "Piece") -> "Piece":
        """Make one piece of two."""
        both = (self, other)
        low = np.min([piece.first for piece in both], axis=0)
        high = np.max([np.add(piece.first, piece.shares.shape) for piece in both], axis=0)
        shares = np.zeros(high - low, np.float32)
        for piece in both:
            start = np.subtract(piece.first, low)
            box = tuple(slice(a, a + n) for a, n in zip(start, piece.shares.shape, strict=True))
            shares[box] += piece.shares
        first = (int(low[0]), int(low[1]), int(low[2]))
        return Piece(self.called, self.name or other.name, shares, first, self.grid)


def slice_axis(grid: Grid) -> int | None:
    """Voxel axis across the slices a drawing was made on; None for nearly isotropic voxels.

    Notes
    -----
    *Definition*: the only axis with a single voxel, else the one whose spacing is more than `THICK_SLICE_RATIO` times
    that of the others.
    """
    single = [axis for axis in range(3) if grid.shape[axis] == 1]
    if len(single) == 1:
        return single[0]
    *others, coarsest = sorted(range(3), key=lambda axis: grid.spacing_mm[axis])
    thick = grid.spacing_mm[coarsest] > THICK_SLICE_RATIO * grid.spacing_mm[others[-1]]
    return coarsest if thick else None


def check_slices(grid: Grid) -> None:
    """Refuse a drawing on thick slices that are not sagittal.

    Raises
    ------
    InputError
        Naming the plane of the slices.
    """
    axis = slice_axis(grid)
    if axis is None:
        return
    plane = _PLANES[int(np.argmax(np.abs(grid.directions[:, axis])))]
    if plane != "sagittal":
        msg = (
            f"the foramina are drawn on {plane} slices ({grid.shape[axis]} of them, {grid.spacing_mm[axis]:.3g} mm "
            "apart), expected sagittal ones, which show them in cross-section, or nearly isotropic voxels"
        )
        raise InputError(msg)


def find_pieces(drawn: LabelMap) -> tuple[tuple[Piece, ...], int]:
    """Find the connected pieces of a drawing.

    Parameters
    ----------
    drawn : LabelMap
        Foramina by value: one value for all, or one each.

    Returns
    -------
    tuple of Piece
        By value, then in the order of the voxels. Values of the same name are one.
    int
        Number of specks left out: pieces smaller than `SPECK_MM2` on every slice.

    Raises
    ------
    InputError
        If nothing larger than a speck is drawn.
    """
    pieces: list[Piece] = []
    specks = 0
    for called, name, values in _groups(drawn):
        marked = np.isin(drawn.array, values)
        found, _ = ndimage.label(marked, structure=_NEIGHBOURS)
        for index, box in enumerate(ndimage.find_objects(found), start=1):
            here = found[box] == index
            shares = here.astype(np.float32) if drawn.shares is None else np.where(here, drawn.shares[box], 0)
            first = (int(box[0].start), int(box[1].start), int(box[2].start))
            piece = Piece(called, name, shares.astype(np.float32), first, drawn.grid)
            if _largest_mm2(piece) < SPECK_MM2:
                specks += 1
            else:
                pieces.append(piece)
    if not pieces:
        msg = f"no outline of at least {SPECK_MM2:g} mm2 is drawn, found {specks} smaller specks"
        raise InputError(msg)
    return tuple(pieces), specks


def _groups(drawn: LabelMap) -> list[tuple[str, ForamenName | None, list[int]]]:
    """Values that belong together, with what they are called and what that says."""
    by_name: dict[str | int, list[int]] = {}
    names: Mapping[int, str] = drawn.names
    for value in np.unique(drawn.array[drawn.array > 0]).tolist():
        text = names.get(value, "").strip()
        known = understand_foramen_name(text) is not None
        by_name.setdefault(text.casefold() if known else value, []).append(value)
    groups = []
    for values in by_name.values():
        text = names.get(values[0], "").strip()
        numbers = " and ".join(map(str, values))
        called = f"the outline {text!r}" if text else f"the outline with the value {numbers}"
        groups.append((called, understand_foramen_name(text), values))
    return groups


def _largest_mm2(piece: Piece) -> float:
    axis = piece.grid.lateral_axis
    column, row = (piece.grid.affine[:3, other] for other in range(3) if other != axis)
    others = tuple(other for other in range(3) if other != axis)
    return float(piece.shares.sum(axis=others).max() * np.linalg.norm(np.cross(column, row)))
