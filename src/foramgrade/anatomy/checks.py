"""Whether the numbers of a map fit the anatomy: order, discs, front and back, sides, canal.

Numbers alone cannot tell a right scheme from a wrong one, nor a picture from its mirror image. Each check here compares
positions that the anatomy fixes and refuses a map that contradicts them. What a check rests on must be whole: slivers
and vertebrae that the field of view cuts are not asked. Where a check has several places to look at, the middle one
decides, so that one faulty vertebra does not condemn a map. Directions are taken from the spine itself, so that
scoliosis, lordosis and an oblique patient are no contradictions.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from foramgrade.anatomy.labels import CANAL_CODE, DISC_CODE_OFFSET, AnatomicMap, VertebraLabel
from foramgrade.anatomy.parts import SIDES, VertebraPart
from foramgrade.anatomy.schemes import SACRUM_NAME, Subregion
from foramgrade.arrays import FloatArray
from foramgrade.errors import AnatomyError

if TYPE_CHECKING:  # spine.py, which defines them, runs these checks
    from foramgrade.anatomy.spine import Segment, Structure

#: A vertebra or disc with less than this share of the voxels that is usual in its map is a sliver.
WHOLE_SHARE = 0.4

#: The way to the next vertebra may rise by this share of its length: on a steep pelvis the step to the sacrum can be
#: level.
RISE_LIMIT = 0.25

#: A disc may lie beyond the centres of its vertebrae by this share of the way between them; on the wrong side of a
#: vertebra it lies half of the way beyond.
DISC_MARGIN = 0.25

#: Positions closer together than this, mm, say nothing about front, back and sides: centres are this uncertain where
#: labels are cut, and anatomy puts them at least twice as far apart.
UNCERTAIN_MM = 5.0

#: Half-height of the slab around a disc or a vertebra in which the canal is looked at, mm.
CANAL_SLAB_MM = 10.0

#: Fewer voxels of the canal in a slab than this are not looked at.
FEWEST_CANAL_VOXELS = 20

#: Largest distance of the canal's centre from that of the disc or vertebra it passes, mm; half the depth of a large
#: body and of a wide canal make 30 mm.
CANAL_REACH_MM = 45.0

#: Vertebrae further apart than this, mm, are no neighbours: neighbours meet at their joints and rims, a disc's height
#: apart at most, and a vertebra missing between two leaves 20 mm.
NEIGHBOUR_MM = 15.0

#: Centres of two vertebrae that are nearer than this, mm, lie in one place: between them is no direction.
SAME_PLACE_MM = 1.0

#: A direction that lies this close to the patient's front has no other front of its own, as a cosine.
_UPRIGHT_LIMIT = 0.95

_ANTERIOR = np.array([0.0, 1.0, 0.0])


def check_map(
    anatomic: AnatomicMap, vertebrae: Sequence[VertebraLabel], structures: Mapping[int, "Structure"]
) -> frozenset[int]:
    """Refuse a map whose vertebrae, parts, discs or canal lie where the anatomy does not put them.

    Parameters
    ----------
    anatomic : AnatomicMap
        The map.
    vertebrae : sequence of VertebraLabel
        Its vertebrae that have voxels, top to bottom as numbered.
    structures : mapping of int to Structure
        What was found of every code.

    Returns
    -------
    frozenset of int
        Codes of the vertebrae and discs that are whole enough to be asked.

    Raises
    ------
    AnatomyError
        In one sentence: what, the numbers found, what was expected.
    """
    whole = find_whole([structures[v.code] for v in vertebrae if not v.partial])
    whole |= find_whole([s for code, s in structures.items() if DISC_CODE_OFFSET < code < CANAL_CODE])
    asked = [v for v in vertebrae if v.code in whole]
    check_sacrum(asked, structures)
    check_order(asked, structures)
    check_sides(anatomic.parts, asked)
    check_arches(anatomic.parts, asked)
    check_front(asked, structures, whole)
    check_canal(anatomic, asked, structures, whole)
    return whole


def find_whole(found: Sequence["Structure"]) -> frozenset[int]:
    """Codes of the structures that are not mere slivers: at least `WHOLE_SHARE` of the median size.

    Where the field of view leaves only an arch of a vertebra, its centre tells nothing about the order.
    """
    if not found:
        return frozenset()
    usual = float(np.median([s.voxels for s in found]))
    return frozenset(s.code for s in found if s.voxels >= WHOLE_SHARE * usual)


def check_sacrum(vertebrae: Sequence[VertebraLabel], structures: Mapping[int, "Structure"]) -> None:
    """Refuse a sacrum that lies above another vertebra.

    Raises
    ------
    AnatomyError
        Naming that vertebra and both heights.
    """
    for sacrum in (v for v in vertebrae if v.name == SACRUM_NAME):
        for other in vertebrae:
            if _rises(structures[other.code], structures[sacrum.code]):
                msg = (
                    f"the sacrum (label {sacrum.file_label}, centre at S {structures[sacrum.code].centroid_mm[2]:.1f} "
                    f"mm) lies above {other.name} (label {other.file_label}, "
                    f"S {structures[other.code].centroid_mm[2]:.1f} mm), expected it lowest: wrong scheme or "
                    "orientation?"
                )
                raise AnatomyError(msg)


def check_order(vertebrae: Sequence[VertebraLabel], structures: Mapping[int, "Structure"]) -> None:
    """Refuse a map whose vertebra numbers do not run from top to bottom.

    Raises
    ------
    AnatomyError
        Naming the two vertebrae whose heights contradict their numbers, or that lie in one place.
    """
    for upper, lower in pairwise(vertebrae):
        apart = structures[upper.code].centroid_mm - structures[lower.code].centroid_mm
        if float(np.linalg.norm(apart)) < SAME_PLACE_MM:
            msg = (
                f"{upper.name} (label {upper.file_label}) and {lower.name} (label {lower.file_label}) have their "
                f"centres {np.linalg.norm(apart):.1f} mm apart, expected two vertebrae: labels mixed up?"
            )
            raise AnatomyError(msg)
        if _rises(structures[upper.code], structures[lower.code]):
            high, low = structures[upper.code].centroid_mm[2], structures[lower.code].centroid_mm[2]
            msg = (
                f"{upper.name} (label {upper.file_label}, centre at S {high:.1f} mm) lies below {lower.name} "
                f"(label {lower.file_label}, S {low:.1f} mm); the scheme expects it above: wrong scheme or orientation?"
            )
            raise AnatomyError(msg)


def check_disc(segment: "Segment", whole: Collection[int]) -> None:
    """Refuse a disc that lies beyond one of its two vertebrae; slivers are not asked.

    Raises
    ------
    AnatomyError
        Naming the level and where the disc was found.

    Notes
    -----
    *Definition*: the disc's centre, projected on the line between the centres of its vertebrae, lies between them or
    beyond by at most `DISC_MARGIN` of their distance.
    """
    disc = segment.disc
    if disc is None or not {segment.upper.code, segment.lower.code, disc.code} <= set(whole):
        return
    way = segment.upper.centroid_mm - segment.lower.centroid_mm
    share = float((disc.centroid_mm - segment.lower.centroid_mm) @ way / (way @ way))
    if not -DISC_MARGIN <= share <= 1 + DISC_MARGIN:
        top, bottom = segment.upper.centroid_mm[2], segment.lower.centroid_mm[2]
        msg = (
            f"the disc of {segment.level} has its centre at S {disc.centroid_mm[2]:.1f} mm, not between its vertebrae "
            f"(S {bottom:.1f} to {top:.1f} mm): wrong scheme?"
        )
        raise AnatomyError(msg)


def check_sides(parts: Sequence[VertebraPart], vertebrae: Sequence[VertebraLabel]) -> None:
    """Refuse a map in which most left parts lie on the patient's right.

    Raises
    ------
    AnatomyError
        Naming one such pair with its positions along R.
    """
    pairs = []
    for vertebra in vertebrae:
        own = {part.part: part for part in parts if part.code == vertebra.code}
        for left_kind, right_kind in SIDES.items():
            if left_kind in own and right_kind in own:
                sizes = sorted((own[left_kind].voxels, own[right_kind].voxels))
                if sizes[0] >= WHOLE_SHARE * sizes[1]:
                    pairs.append((vertebra, own[left_kind], own[right_kind]))
    if not pairs:
        return
    # Towards the patient's right is positive in RAS+.
    crossed = [float(left.centroid_mm[0] - right.centroid_mm[0]) for _, left, right in pairs]
    middle = _middle(crossed)
    if crossed[middle] > UNCERTAIN_MM:
        vertebra, left, right = pairs[middle]
        kind = left.part.value.removesuffix("_left").removesuffix("_process").replace("_", " ")
        msg = (
            f"the left {kind} process of {vertebra.name} (label {left.label}) lies at R {left.centroid_mm[0]:.1f} mm "
            f"and the right one (label {right.label}) at R {right.centroid_mm[0]:.1f} mm, expected the left one at the "
            "smaller R: left and right are flipped"
        )
        raise AnatomyError(msg)


def check_arches(parts: Sequence[VertebraPart], vertebrae: Sequence[VertebraLabel]) -> None:
    """Refuse a map in which most spinous processes, or arches where none is labelled, lie in front of their bodies.

    Raises
    ------
    AnatomyError
        Naming one such vertebra with both positions along A.
    """
    pairs = []
    for vertebra in vertebrae:
        own = {part.part: part for part in parts if part.code == vertebra.code}
        arch = own.get(Subregion.SPINOUS_PROCESS, own.get(Subregion.ARCUS))
        if arch is not None and Subregion.CORPUS in own:
            pairs.append((vertebra, own[Subregion.CORPUS], arch))
    if not pairs:
        return
    ahead = [float(arch.centroid_mm[1] - body.centroid_mm[1]) for _, body, arch in pairs]
    middle = _middle(ahead)
    if ahead[middle] > UNCERTAIN_MM:
        vertebra, body, arch = pairs[middle]
        kind = arch.part.value.replace("_", " ")
        msg = (
            f"the {kind} of {vertebra.name} (label {arch.label}) lies at A {arch.centroid_mm[1]:.1f} mm, in front of "
            f"its body (label {body.label}, A {body.centroid_mm[1]:.1f} mm), expected it behind: front and back are "
            "flipped"
        )
        raise AnatomyError(msg)


def check_front(
    vertebrae: Sequence[VertebraLabel], structures: Mapping[int, "Structure"], whole: Collection[int]
) -> None:
    """Refuse a map in which most discs lie behind the centres of their vertebrae, which the arches draw backwards.

    Raises
    ------
    AnatomyError
        Naming one such disc and how far behind it lies.
    """
    discs = [place for place in _places(vertebrae, structures, whole) if place.is_disc]
    if not discs:
        return
    behind = [float((disc.between_mm - disc.at_mm) @ disc.anterior) for disc in discs]
    middle = _middle(behind)
    if behind[middle] > UNCERTAIN_MM:
        msg = (
            f"{discs[middle].name} has its centre {behind[middle]:.1f} mm behind the middle between its vertebrae, "
            "expected in front of it, for arches and processes lie behind: front and back are flipped"
        )
        raise AnatomyError(msg)


def check_canal(
    anatomic: AnatomicMap,
    vertebrae: Sequence[VertebraLabel],
    structures: Mapping[int, "Structure"],
    whole: Collection[int],
) -> None:
    """Refuse a canal that runs in front of the discs and vertebrae it passes, or away from them.

    Raises
    ------
    AnatomyError
        Naming a disc or vertebra that it passes, and where.

    Notes
    -----
    *Definition*: around every whole disc (every vertebra, where no disc is labelled) the middle of the canal's voxels
    in a slab of twice `CANAL_SLAB_MM` is compared with the centre of the disc; it lies behind by more than
    `UNCERTAIN_MM`, and within `CANAL_REACH_MM`. The centre of a whole vertebra lies close in front of its canal, so
    there it may be in front by that much. *Limits*: a canal that passes none of them is not judged, as the cord, which
    ends above L3.
    """
    canal = structures.get(CANAL_CODE)
    if canal is None:
        return
    places = list(_places(vertebrae, structures, whole))
    ijk = np.argwhere(anatomic.codes[canal.box] == CANAL_CODE) + [part.start for part in canal.box]
    positions = anatomic.grid.to_world(ijk)
    passed, centres = [], []
    for place in places:
        near = positions[np.abs((positions - place.at_mm) @ place.superior) < CANAL_SLAB_MM]
        if len(near) >= FEWEST_CANAL_VOXELS:
            passed.append(place)
            centres.append(np.median(near, axis=0))
    if not passed:
        return
    ahead = [float((centre - p.at_mm) @ p.anterior) for p, centre in zip(passed, centres, strict=True)]
    middle = _middle(ahead)
    if ahead[middle] > (-UNCERTAIN_MM if passed[middle].is_disc else UNCERTAIN_MM):
        msg = (
            f"the spinal canal lies at A {centres[middle][1]:.1f} mm where it passes {passed[middle].name} at "
            f"A {passed[middle].at_mm[1]:.1f} mm, expected it behind: wrong scheme, or front and back flipped?"
        )
        raise AnatomyError(msg)
    away = [float(np.linalg.norm(centre - p.at_mm)) for p, centre in zip(passed, centres, strict=True)]
    middle = _middle(away)
    if away[middle] > CANAL_REACH_MM:
        msg = (
            f"the spinal canal passes {passed[middle].name} at a distance of {away[middle]:.0f} mm from centre to "
            f"centre, expected at most {CANAL_REACH_MM:.0f} mm: wrong scheme?"
        )
        raise AnatomyError(msg)


def are_apart(upper: "Structure", lower: "Structure", anatomic: AnatomicMap) -> bool:
    """Whether two vertebrae are further apart than neighbours can be: one between them is not labelled.

    Notes
    -----
    *Definition*: the smallest distance between the centres of their voxels exceeds `NEIGHBOUR_MM`.
    """
    points = []
    for one in (upper, lower):
        ijk = np.argwhere(anatomic.codes[one.box] == one.code) + [part.start for part in one.box]
        points.append(anatomic.grid.to_world(ijk))
    distance, _ = cKDTree(points[0]).query(points[1], distance_upper_bound=NEIGHBOUR_MM)
    return not bool(np.isfinite(distance).any())


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A disc, or a vertebra of a map without discs, and the directions of the spine there."""

    name: str
    is_disc: bool
    at_mm: FloatArray
    between_mm: FloatArray
    superior: FloatArray
    anterior: FloatArray


def _places(
    vertebrae: Sequence[VertebraLabel], structures: Mapping[int, "Structure"], whole: Collection[int]
) -> Iterator[_Place]:
    """Discs between whole vertebrae; upper vertebrae of every pair, where there is no such disc."""
    with_discs = any(DISC_CODE_OFFSET + v.code in whole for v in vertebrae[:-1])
    for upper, lower in pairwise(vertebrae):
        disc = structures.get(DISC_CODE_OFFSET + upper.code)
        if with_discs and (disc is None or disc.code not in whole):
            continue
        top, bottom = structures[upper.code].centroid_mm, structures[lower.code].centroid_mm
        superior = (top - bottom) / np.linalg.norm(top - bottom)
        if abs(superior @ _ANTERIOR) > _UPRIGHT_LIMIT:
            continue
        across = _ANTERIOR - (_ANTERIOR @ superior) * superior
        anterior = across / np.linalg.norm(across)
        if with_discs and disc is not None:
            name = f"the disc below {upper.name}"
            yield _Place(name, True, disc.centroid_mm, (top + bottom) / 2, superior, anterior)
        else:
            yield _Place(upper.name, False, top, (top + bottom) / 2, superior, anterior)


def _rises(upper: "Structure", lower: "Structure") -> bool:
    """Whether the way from what should be the upper structure to the lower clearly leads upwards."""
    way = lower.centroid_mm - upper.centroid_mm
    return bool(way[2] > RISE_LIMIT * np.linalg.norm(way))


def _middle(values: Sequence[float]) -> int:
    """Index of the median; of two middle values the smaller, for a large one speaks against the map."""
    return int(np.argsort(values, kind="stable")[(len(values) - 1) // 2])
