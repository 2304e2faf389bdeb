"""The spine as an ordered row of vertebrae, with the discs and the canal between and behind them."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from foramgrade.anatomy.bridging import bridge_bodies
from foramgrade.anatomy.checks import are_apart, check_disc, check_map
from foramgrade.anatomy.labels import CANAL_CODE, DISC_CODE_OFFSET, AnatomicMap, VertebraLabel
from foramgrade.anatomy.schemes import SACRUM_NAME, VERTEBRA_NAMES
from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.errors import AnatomyError
from foramgrade.findings import Level
from foramgrade.volume import Grid, SoftCodes

#: Neighbours that skip names because the spine has fewer segments than the row of names.
_SKIPS = {("T11", "L1"), ("T12", "L1"), ("L4", "S1"), ("L5", "S1"), ("L6", "S1")}

#: Of these, those of people with eleven thoracic or four lumbar vertebrae.
_RARE_SKIPS = {("T11", "L1"), ("L4", "S1")}

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
        The disc between them, None when it is not labelled and the bodies could not be bridged.
    bridged : bool
        Whether the disc is not labelled, but the space between the bodies (`foramgrade.anatomy.bridging`).
    """

    level: Level
    verified: bool
    upper: Structure
    lower: Structure
    disc: Structure | None
    bridged: bool = False


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
    # The search walks through its array in the order of C; what is stored in Fortran's is handed over turned.
    turned = codes.flags.f_contiguous and not codes.flags.c_contiguous
    stored = codes.T if turned else codes
    around = _labelled_box(stored)
    for index, seen in enumerate(ndimage.find_objects(stored[around])):
        if seen is None:
            continue
        i, j, k = (slice(a.start + b.start, a.start + b.stop) for a, b in zip(around, seen, strict=True))
        box = (k, j, i) if turned else (i, j, k)
        code = index + 1
        mask = codes[box] == code
        centre, voxels = mask_centre(mask, box)
        found[code] = Structure(code, box, grid.to_world(centre), voxels)
    return found


def _labelled_box(stored: npt.NDArray[np.uint16]) -> Box:
    """Box of all that is labelled, if anything is, along the second and third axis: one fast pass tells these."""
    plane = np.bitwise_or.reduce(stored, axis=0)
    used = [np.flatnonzero(plane.any(axis=axis)) for axis in (1, 0)]
    j, k = (slice(int(u[0]), int(u[-1]) + 1) if len(u) else slice(0, 1) for u in used)
    return slice(0, len(stored)), j, k


def find_labelled(spine: Spine, positions_mm: FloatArray) -> BoolArray:
    """Whether the nearest voxel to world positions (..., 3), mm, is labelled; not outside the map."""
    nearest = np.rint(spine.grid.to_ijk(positions_mm)).astype(int)
    inside = np.all((nearest >= 0) & (nearest < np.array(spine.grid.shape)), axis=-1)
    i, j, k = np.moveaxis(np.where(inside[..., None], nearest, 0), -1, 0)
    labelled: BoolArray = inside & (spine.codes[i, j, k] != 0)
    return labelled


def mask_centre(mask: BoolArray, box: Box) -> tuple[FloatArray, int]:
    """Centre (3,), in voxels of the map, and number of the voxels of a mask on a box."""
    ones = mask.view(np.uint8)
    plane, other = ones.sum(axis=2, dtype=np.uint32), ones.sum(axis=0, dtype=np.uint32)
    counts = [sums.astype(np.int64) for sums in (plane.sum(axis=1), plane.sum(axis=0), other.sum(axis=0))]
    voxels = int(counts[0].sum())
    sums = [float(c @ np.arange(b.start, b.stop)) for c, b in zip(counts, box, strict=True)]
    return np.array(sums) / max(voxels, 1), voxels


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
        If fewer than two neighbouring vertebrae are labelled, or their positions contradict the anatomy
        (`foramgrade.anatomy.checks`).
    """
    structures = find_structures(anatomic.codes, anatomic.grid)
    vertebrae = [v for v in anatomic.vertebrae if v.code in structures]
    whole = check_map(anatomic, vertebrae, structures)
    segments: list[Segment] = []
    open_levels = []
    for upper, lower in itertools.zip_longest(vertebrae, vertebrae[1:]):
        if lower is None or not _neighbours(upper, lower) or _lacks_one(upper, lower, anatomic, structures):
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
    return bridge_discs(Spine(anatomic.grid, anatomic.codes, tuple(segments), canal, tuple(open_levels), anatomic.soft))


def bridge_discs(spine: Spine) -> Spine:
    """The spine with the space between two bodies in place of every disc that is not labelled.

    Parameters
    ----------
    spine : Spine
        As labelled.

    Returns
    -------
    Spine
        The same where every disc is labelled; otherwise with new codes and segments marked `bridged`. A segment whose
        bodies are not found, or are too far apart, keeps None.
    """
    codes, soft, segments = spine.codes, spine.soft, list(spine.segments)
    for index, segment in enumerate(segments):
        if segment.disc is not None:
            continue
        boxes = {s.code: s.box for s in (segment.upper, segment.lower)}
        voxels = bridge_bodies(spine.codes, spine.grid, boxes=boxes, upper=segment.upper.code, lower=segment.lower.code)
        if not len(voxels):
            continue
        if codes is spine.codes:
            codes = spine.codes.copy()
        code = DISC_CODE_OFFSET + segment.upper.code
        codes[tuple(voxels.T)] = code
        if soft is not None:
            soft = soft.with_code(voxels, code)
        first, last = voxels.min(axis=0), voxels.max(axis=0) + 1
        box = (
            slice(int(first[0]), int(last[0])),
            slice(int(first[1]), int(last[1])),
            slice(int(first[2]), int(last[2])),
        )
        disc = Structure(code, box, spine.grid.to_world(voxels.mean(axis=0)), len(voxels))
        segments[index] = replace(segment, disc=disc, bridged=True)
    return spine if codes is spine.codes else replace(spine, codes=codes, soft=soft, segments=tuple(segments))


def _neighbours(upper: VertebraLabel, lower: VertebraLabel) -> bool:
    if (upper.name, lower.name) in _SKIPS:
        return True
    if upper.name in VERTEBRA_NAMES and lower.name in VERTEBRA_NAMES:
        return VERTEBRA_NAMES.index(lower.name) - VERTEBRA_NAMES.index(upper.name) == 1
    # A map numbered from the top: the sacrum, which keeps its number, follows the last vertebra.
    return lower.name == SACRUM_NAME or abs(lower.file_label - upper.file_label) == 1


def _lacks_one(
    upper: VertebraLabel, lower: VertebraLabel, anatomic: AnatomicMap, structures: Mapping[int, Structure]
) -> bool:
    """Whether names that may follow each other in few people do so here because a vertebra is not labelled."""
    doubtful = (upper.name, lower.name) in _RARE_SKIPS or (lower.name == SACRUM_NAME and not upper.verified)
    return doubtful and are_apart(structures[upper.code], structures[lower.code], anatomic)


def _usual_next(vertebra: VertebraLabel) -> str:
    """Name of the vertebra that usually follows: S1 after L5, the next number where names are mere numbers."""
    if vertebra.name not in VERTEBRA_NAMES:
        return f"V{vertebra.file_label + 1}"
    if vertebra.name in _LAST_LUMBAR or vertebra.last:
        return SACRUM_NAME
    return VERTEBRA_NAMES[VERTEBRA_NAMES.index(vertebra.name) + 1] if vertebra.name != "T12" else "L1"


def voxel_positions(spine: Spine, code: int, box: Box) -> FloatArray:
    """World positions (N, 3), mm, of the voxels with a code inside a box."""
    ijk = np.argwhere(spine.codes[box] == code) + [part.start for part in box]
    return spine.grid.to_world(ijk)
