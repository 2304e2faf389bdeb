"""The parts of every vertebra, where a tool labels them: the positions by which sides, front and back are verified."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from foramgrade.anatomy.schemes import LabelScheme, Subregion
from foramgrade.arrays import FloatArray
from foramgrade.volume import Grid

#: Left and right part of the same kind.
SIDES: Mapping[Subregion, Subregion] = MappingProxyType(
    {
        Subregion.COSTAL_PROCESS_LEFT: Subregion.COSTAL_PROCESS_RIGHT,
        Subregion.SUPERIOR_ARTICULAR_LEFT: Subregion.SUPERIOR_ARTICULAR_RIGHT,
        Subregion.INFERIOR_ARTICULAR_LEFT: Subregion.INFERIOR_ARTICULAR_RIGHT,
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class VertebraPart:
    """One part of one vertebra.

    Parameters
    ----------
    code : int
        Canonical code of the vertebra.
    part : Subregion
        Which part.
    label : int
        Its number in the map of subregions; the first, where it has several.
    voxels : int
        Number of voxels.
    centroid_mm : (3,) float array
        Centre of mass in the patient (RAS+), mm.
    """

    code: int
    part: Subregion
    label: int
    voxels: int
    centroid_mm: FloatArray


def find_parts(
    vertebrae: npt.NDArray[np.integer], subregions: npt.NDArray[np.integer], *, scheme: LabelScheme, grid: Grid
) -> tuple[VertebraPart, ...]:
    """Every labelled part of every vertebra with its place and size, found in one pass.

    Parameters
    ----------
    vertebrae : (I, J, K) integer array
        Canonical code of the vertebra at every voxel, 0 elsewhere.
    subregions : (I, J, K) integer array
        The tool's map of subregions.
    scheme : LabelScheme
        What its numbers mean.
    grid : Grid
        Where the voxels are.

    Returns
    -------
    tuple of VertebraPart
        By vertebra, then in the order of `Subregion`.
    """
    kinds = tuple(Subregion)
    table = np.zeros(max(int(subregions.max()), 0) + 1, np.int64)
    for kind, labels in scheme.subregions.items():
        table[[label for label in labels if label < table.size]] = kinds.index(kind) + 1
    ijk = np.nonzero(vertebrae)
    key = vertebrae[ijk].astype(np.int64) * (len(kinds) + 1) + table[subregions[ijk]]
    voxels = np.bincount(key)
    sums = np.stack([np.bincount(key, weights=axis) for axis in ijk], axis=-1)
    found = []
    for index in np.flatnonzero(voxels):
        code, kind_number = divmod(int(index), len(kinds) + 1)
        if kind_number:
            kind, n = kinds[kind_number - 1], int(voxels[index])
            centroid = grid.to_world(sums[index] / n)
            found.append(VertebraPart(code, kind, scheme.subregions[kind][0], n, centroid))
    return tuple(found)
