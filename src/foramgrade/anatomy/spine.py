"""The spine as an ordered row of vertebrae, with the discs and the canal between and behind them."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from foramgrade.anatomy.labels import CANAL_CODE, DISC_CODE_OFFSET, AnatomicMap, VertebraLabel
from foramgrade.anatomy.schemes import SACRUM_NAME, VERTEBRA_NAMES
from foramgrade.errors import AnatomyError
from foramgrade.findings import FloatArray, Level
from foramgrade.volume import Grid, SoftCodes

#: Neighbours that skip names because the spine has fewer segments than the row of names.
_SKIPS = {("T11", "L1"), ("T12", "L1"), ("L4", "S1"), ("L5", "S1"), ("L6", "S1")}

#: A vertebra with less than this share of the voxels that is usual in its map is a sliver.
WHOLE_SHARE = 0.4

#: Vertebrae that the sacrum usually follows.
_LAST_LUMBAR = ("L5", "L6", "L7")

Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """One labelled structure: its code in the anatomic map, where it is and how much of it.

    Parameters
    ----------
    code : int
        Code in the anatomic map.
    box : three slices
        Smallest box of voxels that holds it.
    centroid_mm : (3,) float array
        Centre of mass in the patient (RAS+), mm.
    voxels : int
        Number of voxels.
    """

    code: int
    box: Box
    centroid_mm: FloatArray
    voxels: int

    def touches_edge(self, grid: Grid, axis: int) -> bool:
        """Whether the structure reaches the first or last voxel of the grid along an axis (0, 1 or 2)."""
        part = self.box[axis]
        return bool(part.start == 0 or part.stop == grid.shape[axis])


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A motion segment: two neighbouring vertebrae and what is labelled between them.

    Parameters
    ----------
    level : Level
        Its name.
    verified : bool
        Whether the name is anatomical; False when the map numbers its vertebrae without anatomical meaning.
    upper, lower : Structure
        The two vertebrae.
    disc : Structure or None
        The disc between them, None when it is not labelled.
    """

    level: Level
    verified: bool
    upper: Structure
    lower: Structure
    disc: Structure | None


@dataclass(frozen=True, slots=True)
class OpenLevel:
    """A level that is there but cannot be measured: its disc is labelled, the vertebra below it is not.

    Parameters
    ----------
    level : Level
        Its name; the lower vertebra is the one that usually follows.
    verified : bool
        Whether the name is anatomical.
    above : int
        Number of segments that lie above it.
    """

    level: Level
    verified: bool
    above: int


@dataclass(frozen=True, slots=True, eq=False)
class Spine:
    """Labelled structures of one study in anatomical order.

    Parameters
    ----------
    grid : Grid
        Grid of the label map.
    codes : (I, J, K) uint16 array
        Anatomic codes: n the n-th vertebra, 100 + n the disc below it, 300 + n that disc's endplates, 200 the canal.
    segments : tuple of Segment
        Every pair of neighbouring vertebrae, top to bottom.
    canal : Structure or None
        The spinal canal, None when it is not labelled.
    open_levels : tuple of OpenLevel
        Levels without a lower vertebra, top to bottom.
    soft : SoftCodes or None
        Of a soft map, for sampling: the likeliest code and the labelled share of every voxel.
    """

    grid: Grid
    codes: npt.NDArray[np.uint16]
    segments: tuple[Segment, ...]
    canal: Structure | None
    open_levels: tuple[OpenLevel, ...] = ()
    soft: SoftCodes | None = None

    @property
    def lateral_axis(self) -> int:
        """Voxel axis that runs most nearly from left to right."""
        return int(np.argmax(np.abs(self.grid.directions[0])))


def find_structures(codes: npt.NDArray[np.uint16], grid: Grid) -> Mapping[int, Structure]:
    """Every code of the map with its box, centroid and size, found in one pass.

    Parameters
    ----------
    codes : (I, J, K) uint16 array
        Anatomic codes, 0 is background.
    grid : Grid
        Where the voxels are.

    Returns
    -------
    mapping of int to Structure
        One entry per code present.
    """
    found: dict[int, Structure] = {}
    for index, box in enumerate(ndimage.find_objects(codes)):
        if box is None:
            continue
        code = index + 1
        mask = codes[box] == code
        counts = [mask.sum(axis=tuple(a for a in range(3) if a != axis)) for axis in range(3)]
        voxels = int(counts[0].sum())
        centre = [float(c @ np.arange(b.start, b.stop)) / voxels for c, b in zip(counts, box, strict=True)]
        found[code] = Structure(code, box, grid.to_world(centre), voxels)
    return found


def find_spine(anatomic: AnatomicMap) -> Spine:
    """Order the vertebrae of a map, pair the neighbours and check that the numbers fit the positions.

    Parameters
    ----------
    anatomic : AnatomicMap
        Labels translated to anatomic codes.

    Returns
    -------
    Spine
        With one segment per pair of neighbouring vertebrae.

    Raises
    ------
    AnatomyError
        If fewer than two neighbouring vertebrae are labelled, if the vertebrae do not follow each other from top to
        bottom as numbered, or if a disc does not lie between its vertebrae.
    """
    structures = find_structures(anatomic.codes, anatomic.grid)
    vertebrae = [v for v in anatomic.vertebrae if v.code in structures]
    whole = find_whole([structures[v.code] for v in vertebrae])
    check_order([v for v in vertebrae if v.code in whole], structures)
    segments: list[Segment] = []
    open_levels = []
    for upper, lower in itertools.zip_longest(vertebrae, vertebrae[1:]):
        if lower is None or not _neighbours(upper, lower):
            if DISC_CODE_OFFSET + upper.code in structures:
                open_levels.append(OpenLevel(Level(upper.name, _usual_next(upper)), upper.verified, len(segments)))
            continue
        disc = structures.get(DISC_CODE_OFFSET + upper.code)
        segment = Segment(
            Level(upper.name, lower.name),
            upper.verified and lower.verified,
            structures[upper.code],
            structures[lower.code],
            disc,
        )
        check_disc(segment, whole)
        segments.append(segment)
    if not segments:
        names = ", ".join(v.name for v in vertebrae) or "none"
        msg = (
            f"the label map holds no two neighbouring vertebrae (found: {names}); a foramen needs both of its vertebrae"
        )
        raise AnatomyError(msg)
    canal = structures.get(CANAL_CODE)
    return Spine(anatomic.grid, anatomic.codes, tuple(segments), canal, tuple(open_levels), anatomic.soft)


def _neighbours(upper: VertebraLabel, lower: VertebraLabel) -> bool:
    if (upper.name, lower.name) in _SKIPS:
        return True
    if upper.name in VERTEBRA_NAMES and lower.name in VERTEBRA_NAMES:
        return VERTEBRA_NAMES.index(lower.name) - VERTEBRA_NAMES.index(upper.name) == 1
    # A map numbered from the top: the sacrum, which keeps its number, follows the last vertebra.
    return lower.name == SACRUM_NAME or abs(lower.file_label - upper.file_label) == 1


def _usual_next(vertebra: VertebraLabel) -> str:
    """Name of the vertebra that usually follows: S1 after L5, the next number where names are mere numbers."""
    if vertebra.name not in VERTEBRA_NAMES:
        return f"V{vertebra.file_label + 1}"
    if vertebra.name in _LAST_LUMBAR:
        return SACRUM_NAME
    return VERTEBRA_NAMES[VERTEBRA_NAMES.index(vertebra.name) + 1] if vertebra.name != "T12" else "L1"


def voxel_positions(spine: Spine, code: int, box: Box) -> FloatArray:
    """World positions (N, 3), mm, of the voxels with a code inside a box."""
    ijk = np.argwhere(spine.codes[box] == code) + [part.start for part in box]
    return spine.grid.to_world(ijk)


def check_order(vertebrae: Sequence[VertebraLabel], structures: Mapping[int, Structure]) -> None:
    """Refuse a map whose vertebra numbers do not run from top to bottom.

    Raises
    ------
    AnatomyError
        Naming the two vertebrae whose heights contradict their numbers.
    """
    for upper, lower in itertools.pairwise(vertebrae):
        high, low = structures[upper.code].centroid_mm[2], structures[lower.code].centroid_mm[2]
        if high <= low:
            msg = (
                f"{upper.name} (label {upper.file_label}, centre at S {high:.1f} mm) lies below {lower.name} "
                f"(label {lower.file_label}, S {low:.1f} mm); the scheme expects it above: wrong scheme or orientation?"
            )
            raise AnatomyError(msg)


def find_whole(vertebrae: Sequence[Structure]) -> frozenset[int]:
    """Codes of the vertebrae that are not mere slivers: at least `WHOLE_SHARE` of the median size.

    Where the field of view leaves only an arch of a vertebra, its centre tells nothing about the order.
    """
    if not vertebrae:
        return frozenset()
    usual = float(np.median([v.voxels for v in vertebrae]))
    return frozenset(v.code for v in vertebrae if v.voxels >= WHOLE_SHARE * usual)


def check_disc(segment: Segment, whole: Collection[int]) -> None:
    """Refuse a disc that lies beyond one of its two vertebrae; slivers of vertebrae are not asked.

    Raises
    ------
    AnatomyError
        Naming the level and where the disc was found.
    """
    if segment.disc is None:
        return
    top, bottom = segment.upper.centroid_mm[2], segment.lower.centroid_mm[2]
    height = segment.disc.centroid_mm[2]
    # A steep lumbosacral disc lies in front of its vertebrae and may reach above or below their centres by a little.
    margin = 0.5 * abs(top - bottom)
    above = segment.upper.code in whole and height > top + margin
    below = segment.lower.code in whole and height < bottom - margin
    if above or below:
        msg = (
            f"the disc of {segment.level} has its centre at S {height:.1f} mm, not between its vertebrae "
            f"(S {bottom:.1f} to {top:.1f} mm): wrong scheme?"
        )
        raise AnatomyError(msg)
