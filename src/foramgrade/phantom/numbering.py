"""The integers that segmentation tools write for the same structures."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from foramgrade.phantom.spec import VERTEBRAE, Numbering
from foramgrade.phantom.tissue import DISC_CODE, SAC_CODE, Region
from foramgrade.volume import Grid, LabelMap

ByteArray = npt.NDArray[np.uint8]

#: Numbers of the vertebrae L1 to S1, of the discs L1-L2 to L5-S1, and of the canal; 0 or none where a tool has none.
#: TotalSegmentator's cord is not written: the body has a dural sac, which below L2 holds no cord.
WHOLE_VERTEBRAE: Mapping[Numbering, tuple[tuple[int, ...], tuple[int, ...], int]] = MappingProxyType(
    {
        Numbering.TOTALSPINESEG: ((41, 42, 43, 44, 45, 50), (92, 93, 94, 95, 100), 2),
        Numbering.SPIDER: ((5, 4, 3, 2, 1, 0), (205, 204, 203, 202, 201), 100),
        Numbering.SPINEPS: ((20, 21, 22, 23, 24, 26), (120, 121, 122, 123, 124), 0),
        Numbering.VERSE: ((20, 21, 22, 23, 24, 26), (120, 121, 122, 123, 124), 0),
        Numbering.TOTALSEGMENTATOR: ((31, 30, 29, 28, 27, 26), (), 0),
        Numbering.TOTALSEGMENTATOR_MR: ((6, 5, 4, 3, 2, 1), (), 0),
        Numbering.MRSPINESEG: ((6, 5, 4, 3, 2, 1), (15, 14, 13, 12, 11), 0),
    }
)
#: Numbers of the parts of a vertebra in SPINEPS / TPTBox.
SUBREGIONS = MappingProxyType(
    {
        Region.CORPUS: 49,
        Region.ARCUS: 41,
        Region.SPINOUS: 42,
        Region.COSTAL_LEFT: 43,
        Region.COSTAL_RIGHT: 44,
        Region.SUPERIOR_LEFT: 45,
        Region.SUPERIOR_RIGHT: 46,
        Region.INFERIOR_LEFT: 47,
        Region.INFERIOR_RIGHT: 48,
    }
)
_SPINEPS_SACRUM, _SPINEPS_CANAL, _SPINEPS_DISC = 26, 61, 100


def has_discs(numbering: Numbering) -> bool:
    """Whether the tool labels discs.

    Examples
    --------
    >>> [n.value for n in Numbering if not has_discs(n)]
    ['totalsegmentator', 'totalsegmentator_mr']
    """
    return bool(WHOLE_VERTEBRAE[numbering][1])


def has_canal(numbering: Numbering) -> bool:
    """Whether the tool labels the spinal canal.

    Examples
    --------
    >>> [n.value for n in Numbering if has_canal(n)]
    ['totalspineseg', 'spider', 'spineps']
    """
    return numbering is Numbering.SPINEPS or WHOLE_VERTEBRAE[numbering][2] > 0


def _vertebra_table(numbering: Numbering) -> npt.NDArray[np.uint8]:
    """Number of every structure code; T12 and the disc T12-L1 are never labelled."""
    bones, discs, canal = WHOLE_VERTEBRAE[numbering]
    table = np.zeros(256, dtype=np.uint8)
    for vertebra, number in enumerate(bones, start=1):
        table[16 * (vertebra + 1) : 16 * (vertebra + 2)] = number
    for level, number in enumerate(discs, start=1):
        table[DISC_CODE + level] = number
    table[SAC_CODE] = canal
    return table


def _subregion_table() -> npt.NDArray[np.uint8]:
    table = np.zeros(256, dtype=np.uint8)
    for vertebra in range(1, len(VERTEBRAE)):
        for region, number in SUBREGIONS.items():
            sacral = VERTEBRAE[vertebra] == "S1"
            table[16 * (vertebra + 1) + region] = _SPINEPS_SACRUM if sacral else number
    table[DISC_CODE + 1 : DISC_CODE + len(VERTEBRAE) - 1] = _SPINEPS_DISC
    table[SAC_CODE] = _SPINEPS_CANAL
    return table


def number_structures(structure: ByteArray, grid: Grid, *, numbering: Numbering) -> LabelMap:
    """Label map of structure codes in a tool's numbers.

    Parameters
    ----------
    structure : (I, J, K) uint8 array
        Structure codes (`foramgrade.phantom.tissue`).
    grid : Grid
        Where the voxels are.
    numbering : Numbering
        Whose numbers.

    Returns
    -------
    LabelMap
        uint8 labels; SPINEPS comes as subregions with a map of instances.
    """
    whole = _vertebra_table(numbering)[structure]
    if numbering is not Numbering.SPINEPS:
        return LabelMap(whole, grid, numbering.value)
    return LabelMap(_subregion_table()[structure], grid, numbering.value, instances=whole)
