"""From a tool's label numbers to one anatomical numbering, the same for every tool.

Canonical codes count the vertebrae of the map from the top down: `n` is the n-th vertebra, ``100 + n`` the disc below
it, ``300 + n`` the endplates that face that disc, 200 the spinal canal with the cord, 250 any other labelled tissue.

Where SPINEPS draws endplates (label 200 + V), both of them belong to the *disc* below V: seen in its masks, one half of
the voxels lies between the body V and the disc 100 + V, the other half between that disc and the body V + 1.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from foramgrade.anatomy.level_names import (
    LAST_LUMBAR,
    LevelNames,
    as_ranges,
    parse_level_names,
    resolve_level_names,
)
from foramgrade.anatomy.parts import VertebraPart, find_parts
from foramgrade.anatomy.schemes import (
    LARGEST_LABEL,
    SACRUM_NAME,
    VERTEBRA_NAMES,
    LabelScheme,
    Subregion,
    load_scheme,
    scheme_names,
)
from foramgrade.errors import InputError
from foramgrade.volume import Grid, LabelMap, SoftCodes, harden

__all__ = [
    "CANAL_CODE",
    "DISC_CODE_OFFSET",
    "ENDPLATE_CODE_OFFSET",
    "OTHER_CODE",
    "AnatomicMap",
    "LabelScheme",
    "LevelNames",
    "Subregion",
    "VertebraLabel",
    "fitting_schemes",
    "load_scheme",
    "parse_level_names",
    "relabel",
    "scheme_names",
]

#: Added to a vertebra's code: the disc below it.
DISC_CODE_OFFSET = 100

#: The spinal canal with the cord.
CANAL_CODE = 200

#: Labelled tissue that is none of the others, e.g. a rib, or a disc whose upper vertebra is not in the map.
OTHER_CODE = 250

#: Added to a vertebra's code: the endplates on both sides of the disc below it.
ENDPLATE_CODE_OFFSET = 300

#: A scheme does not fit when a larger share of the labelled voxels carries numbers that it does not know.
UNKNOWN_SHARE_LIMIT = 0.05

#: Voxels that are worked on at a time.
_PIECE_VOXELS = 1 << 18

#: A level needs two vertebrae.
FEWEST_VERTEBRAE = 2

#: Names in a map of vertebrae that the sacrum follows.
_BEFORE_SACRUM = ("L5", "L6", "L7")

#: What a picture of the lumbar spine without the sacrum can show.
_LUMBAR_VIEW = VERTEBRA_NAMES[VERTEBRA_NAMES.index("T10") : VERTEBRA_NAMES.index("L6") + 1]


@dataclass(frozen=True, slots=True)
class VertebraLabel:
    """A vertebra of a label map.

    Parameters
    ----------
    code : int
        Its canonical code: 1 for the topmost of the map.
    name : str
        Its name, e.g. "L4"; "S1" for the sacrum; "V6" when the map's number 6 has no anatomical meaning.
    file_label : int
        Its number in the file.
    verified : bool
        Whether the name is anatomical.
    partial : bool
        Whether the tool marks it as cut by the field of view.
    last : bool
        Whether the sacrum follows it, labelled or not, though its name may be L4: the map calls it L5 or L6, and the
        user renamed it.
    """

    code: int
    name: str
    file_label: int
    verified: bool = True
    partial: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class AnatomicMap:
    """A label map in canonical codes.

    Parameters
    ----------
    codes : (I, J, K) uint16 array
        Canonical code of every voxel that is at least half labelled, 0 elsewhere. Kept read-only.
    grid : Grid
        Where the voxels are.
    vertebrae : tuple of VertebraLabel
        The vertebrae, top to bottom as numbered by the scheme; the positions are not looked at.
    parts : tuple of VertebraPart
        The parts of the vertebrae, where the tool labels them.
    soft : SoftCodes or None
        Of a soft map, the code and the labelled share of every voxel.
    """

    codes: npt.NDArray[np.uint16]
    grid: Grid
    vertebrae: tuple[VertebraLabel, ...]
    parts: tuple[VertebraPart, ...] = ()
    soft: SoftCodes | None = None

    def __post_init__(self) -> None:
        codes = self.codes
        if codes.dtype != np.uint16 or codes.base is not None or codes.flags.writeable:
            codes = np.array(codes, dtype=np.uint16, order="K")
            codes.flags.writeable = False
        object.__setattr__(self, "codes", codes)


def relabel(labels: LabelMap, scheme: LabelScheme, *, level_names: LevelNames | None = None) -> AnatomicMap:
    """Translate a tool's label numbers to canonical codes.

    Parameters
    ----------
    labels : LabelMap
        The segmentation, for schemes in two maps with its instances.
    scheme : LabelScheme
        What its numbers mean.
    level_names : mapping of int or str to str, or None
        Vertebra of a label as the user states it, e.g. ``{5: "T12", 6: "L1"}``, or where a count of all vertebrae
        starts, ``{"first": "T12"}`` or ``{"last": "L6"}`` (`resolve_level_names`); it overrides the scheme.

    Returns
    -------
    AnatomicMap
        On the grid of `labels`.

    Raises
    ------
    InputError
        If the numbers do not fit the scheme, or `level_names` contradicts the map.

    Notes
    -----
    Definition: of two maps the instances decide what is vertebra, disc and endplate; the canal is taken from the
    subregions where no instance is. A disc whose upper vertebra is not in the map has no code of its own.

    Some tools number the vertebrae from the top of the picture where they cannot tell them. Their numbers are taken to
    be anatomical only if they run without a gap to the sacrum and end with L4, L5 or L6 above it, or, without a sacrum,
    if all lie between T10 and L6. Otherwise the vertebrae are called by number ("V6") and marked unverified; the
    sacrum, which these tools find by its shape, stays S1.

    Limits: a picture that such a tool numbered from the top and that happens to end with the number of L4, L5 or L6
    above the sacrum passes for anatomical. SPIDER counts from the last lumbar vertebra and calls it L5 in everybody.

    Examples
    --------
    >>> array = np.zeros((3, 8, 9), np.uint8)
    >>> array[:, 2:6, 6:8], array[:, 2:6, 4], array[:, 2:6, 1:3] = 2, 202, 1
    >>> grid = Grid((3, 8, 9), np.diag([4.0, 1.0, 1.0, 1.0]))
    >>> anatomic = relabel(LabelMap(array, grid, "spider"), load_scheme("spider"))
    >>> [(v.code, v.name, v.file_label) for v in anatomic.vertebrae]
    [(1, 'L4', 2), (2, 'L5', 1)]
    >>> np.unique(anatomic.codes).tolist()
    [0, 1, 2, 101]
    """
    carrier = _carrier(labels, scheme)
    found = _count_labels(harden(carrier, labels.shares))
    _check_fit(found, labels, scheme)
    by_label = scheme.vertebra_labels
    present = sorted((label for label in found if label in by_label), key=lambda n: VERTEBRA_NAMES.index(by_label[n]))
    code_of = {name: n for n, name in enumerate(dict.fromkeys(by_label[label] for label in present), start=1)}
    vertebrae = _rename(_name_vertebrae(present, scheme, code_of), level_names or {}, scheme)
    table = _lookup_table(scheme, code_of, _last_lumbar(vertebrae, scheme), int(carrier.max()))
    codes = _translate(carrier, table)
    parts: tuple[VertebraPart, ...] = ()
    if scheme.instances:
        bones = np.where(codes <= len(code_of), codes, 0)
        parts = find_parts(bones, labels.array, scheme=scheme, grid=labels.grid)
        canal = np.zeros(int(labels.array.max()) + 1, np.uint16)
        canal[1:] = OTHER_CODE
        canal[[n for n in (*scheme.canal, *scheme.cord) if n < canal.size]] = CANAL_CODE
        np.copyto(codes, canal[labels.array], where=carrier == 0)
    soft = None if labels.shares is None else SoftCodes(codes, labels.shares)
    codes.flags.writeable = False
    return AnatomicMap(harden(codes, labels.shares), labels.grid, vertebrae, parts, soft)


def fitting_schemes(found: Mapping[int, int]) -> tuple[str, ...]:
    """Names of the package's schemes whose numbers fit those of a map: a proposal, never a choice.

    Parameters
    ----------
    found : mapping of int to int
        Number of voxels of each label in the map that holds the vertebrae, background left out.

    Returns
    -------
    tuple of str
        The schemes of which the map holds at least two vertebrae and hardly any unknown number, and that explain as
        many of its labelled voxels as parts of the spine as any other does.

    Examples
    --------
    >>> fitting_schemes({44: 9000, 45: 9000, 95: 3000, 2: 4000})
    ('totalspineseg',)
    """
    schemes = {name: load_scheme(name) for name in scheme_names()}
    fitting = {name: scheme for name, scheme in schemes.items() if not _unfit(found, scheme)}
    # A scheme of the whole body knows every number: in a map of the spine it would call discs ribs, and in a map of
    # subregions articular processes vertebrae.
    explained = {name: 1 - _unknown(found, scheme.spine_labels)[1] for name, scheme in fitting.items()}
    as_parts = [1 - _unknown(found, s.subregion_labels)[1] for s in schemes.values() if s.instances and found]
    enough = max([*explained.values(), *as_parts], default=0.0) - UNKNOWN_SHARE_LIMIT
    return tuple(name for name, share in explained.items() if share >= enough)


def _carrier(labels: LabelMap, scheme: LabelScheme) -> npt.NDArray[np.integer]:
    """Of the two maps the one that holds the vertebrae."""
    if not scheme.instances:
        if labels.instances is not None:
            msg = f"the scheme {scheme.name} is written in one map: leave the map of instances out"
            raise InputError(msg)
        return labels.array
    if labels.instances is None:
        msg = (
            f"the scheme {scheme.name} is written in two maps: give the map of subregions (seg-spine) as labels and "
            "the map of vertebrae (seg-vert) as instances"
        )
        raise InputError(msg)
    return labels.instances


def _count_labels(array: npt.NDArray[np.integer]) -> dict[int, int]:
    for extreme in (int(array.min()), int(array.max())):
        if not 0 <= extreme <= LARGEST_LABEL:
            msg = f"found the label {extreme}, expected 0 to {LARGEST_LABEL}: is this an image instead of a mask?"
            raise InputError(msg)
    counts = np.zeros(LARGEST_LABEL + 1, np.int64)
    for piece in _pieces(array):  # bincount turns what it is given into 8 bytes per voxel
        counted = np.bincount(_labelled(piece))
        counts[: len(counted)] += counted
    counts[0] = 0
    return {int(label): int(counts[label]) for label in np.flatnonzero(counts)}


def _labelled(piece: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """What is labelled of a flat piece, among some background: of eight bytes all or nothing is kept."""
    whole = piece.size // 8 * 8
    groups = piece[:whole].view(np.uint64)
    return np.concatenate([groups[groups != 0].view(piece.dtype), piece[whole:]])


def _pieces(array: npt.NDArray[np.integer]) -> Iterator[npt.NDArray[np.integer]]:
    """Flat pieces of an array, in the order of its memory, that stay in a processor's cache."""
    flat = array.ravel(order="K")
    return (flat[start : start + _PIECE_VOXELS] for start in range(0, flat.size, _PIECE_VOXELS))


def _translate(array: npt.NDArray[np.integer], table: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """The entries of a table for every value of an array, in the order of its memory."""
    result = np.empty_like(array, dtype=np.uint16)
    flat = result.ravel(order="K")
    for start, given in zip(range(0, flat.size, _PIECE_VOXELS), _pieces(array), strict=True):
        np.take(table, given, out=flat[start : start + _PIECE_VOXELS], mode="clip")
    if flat.base is not result:  # ravel had to copy: an order of its own that a flat view cannot follow
        result = np.asarray(table[array])
    return result


def _unknown(found: Mapping[int, int], known: Iterable[int]) -> tuple[list[int], float]:
    """Labels that are not known, and their share of the labelled voxels."""
    unknown = sorted(set(found).difference(known))
    return unknown, sum(found[label] for label in unknown) / sum(found.values())


def _unfit(found: Mapping[int, int], scheme: LabelScheme) -> str:
    """What does not fit, as a sentence; empty when the scheme fits."""
    if not found:
        return "every voxel is 0"
    vertebrae = sorted(set(found).intersection(scheme.vertebra_labels))
    unknown, share = _unknown(found, scheme.instance_labels)
    if share > UNKNOWN_SHARE_LIMIT:
        return f"{share:.0%} of the labelled voxels carry the unknown numbers {as_ranges(unknown)}"
    if len({scheme.vertebra_labels[label] for label in vertebrae}) < FEWEST_VERTEBRAE:
        which = f"only the vertebra {vertebrae[0]}" if vertebrae else "no vertebra"
        return f"{which} is among the numbers {as_ranges(found)}"
    return ""


def _check_fit(found: Mapping[int, int], labels: LabelMap, scheme: LabelScheme) -> None:
    problem, known = _unfit(found, scheme), scheme.instance_labels
    where = "map of vertebrae" if scheme.instances else "label map"
    if not problem and scheme.instances and (parts := _count_labels(labels.array)):
        unknown, share = _unknown(parts, scheme.subregion_labels)
        if share > UNKNOWN_SHARE_LIMIT:
            where, known = "map of subregions", scheme.subregion_labels
            problem = f"{share:.0%} of the labelled voxels carry the unknown numbers {as_ranges(unknown)}"
    if problem:
        msg = f"the {where} does not fit the scheme {scheme.name}: {problem}, expected {as_ranges(known)}"
        raise InputError(msg + _advice(found, labels, scheme))


def _advice(found: Mapping[int, int], labels: LabelMap, scheme: LabelScheme) -> str:
    """What to try when the scheme does not fit; a proposal at most, since other tools use the same numbers."""
    if scheme.instances and not _unfit(_count_labels(labels.array), scheme):
        return "; the two maps seem to be swapped"
    only = set(found).intersection(scheme.vertebra_labels) or set(found)
    for label in only.intersection(scheme.alone):
        if len(only) == 1:
            return f"; {scheme.alone[label]}"
    proposals = [name for name in fitting_schemes(found) if name != scheme.name]
    if proposals:
        return f"; the numbers would fit {' or '.join(proposals)}: which tool made the map?"
    if len(found) == 1:
        return "; the map holds a single number: one file per structure? then give the folder that holds them all"
    return ""


def _last_lumbar(vertebrae: Sequence[VertebraLabel], scheme: LabelScheme) -> int | None:
    """Code of the vertebra above the sacrum, by the user's name or the scheme's; None where it is not in the map."""
    names = {v.code: v.name if v.verified else scheme.vertebra_labels[v.file_label] for v in vertebrae}
    return max((code for code, name in names.items() if name in LAST_LUMBAR), default=None)


def _lookup_table(
    scheme: LabelScheme, code_of: Mapping[str, int], last_lumbar: int | None, highest: int
) -> npt.NDArray[np.uint16]:
    table = np.full(max(highest, *scheme.instance_labels) + 1, OTHER_CODE, np.uint16)
    table[0] = 0
    for meaning, offset in (
        (scheme.vertebra_labels, 0),
        (scheme.discs, DISC_CODE_OFFSET),
        (scheme.endplates, ENDPLATE_CODE_OFFSET),
    ):
        for label, name in meaning.items():
            if name in code_of:
                table[label] = offset + code_of[name]
    if scheme.disc_above_sacrum is not None and last_lumbar is not None:
        table[scheme.disc_above_sacrum] = DISC_CODE_OFFSET + last_lumbar
    if not scheme.instances:
        table[[*scheme.canal, *scheme.cord]] = CANAL_CODE
    return table


def _name_vertebrae(
    present: Sequence[int], scheme: LabelScheme, code_of: Mapping[str, int]
) -> tuple[VertebraLabel, ...]:
    by_label = scheme.vertebra_labels
    anatomical = not scheme.counts_from_top or _is_anatomical(list(code_of))
    vertebrae: dict[str, VertebraLabel] = {}
    for label in present:
        name = by_label[label]
        partial = label in scheme.partial
        if name in vertebrae:  # labelled whole in one place and partly visible in another
            vertebrae[name] = replace(vertebrae[name], partial=vertebrae[name].partial or partial)
            continue
        verified = anatomical or name == SACRUM_NAME
        vertebrae[name] = VertebraLabel(code_of[name], name if verified else f"V{label}", label, verified, partial)
    return tuple(vertebrae.values())


def _is_anatomical(names: Sequence[str]) -> bool:
    """Whether names given by a tool that may count from the top are anatomical; the rule is in `relabel`."""
    presacral = [name for name in names if name != SACRUM_NAME]
    if SACRUM_NAME not in names:
        return all(name in _LUMBAR_VIEW for name in presacral)
    ordinary = [name for name in VERTEBRA_NAMES if name != "T13"]
    ranks = [ordinary.index(name) for name in presacral if name != "T13"]
    gapless = ranks == list(range(ranks[0], ranks[0] + len(ranks))) if ranks else False
    return gapless and presacral[-1] in LAST_LUMBAR


def _rename(
    vertebrae: tuple[VertebraLabel, ...], level_names: LevelNames, scheme: LabelScheme
) -> tuple[VertebraLabel, ...]:
    """Apply the user's names and check that all names then run from the top down."""
    own = {v.file_label: scheme.vertebra_labels[v.file_label] for v in vertebrae}
    given = resolve_level_names(level_names, own=own)
    named = tuple(
        replace(v, name=name, verified=True, last=name in LAST_LUMBAR and own[v.file_label] in _BEFORE_SACRUM)
        if (name := given.get(v.file_label))
        else v
        for v in vertebrae
    )
    if level_names:
        anatomical = [v for v in named if v.name in VERTEBRA_NAMES]
        for upper, lower in pairwise(anatomical):
            if VERTEBRA_NAMES.index(upper.name) >= VERTEBRA_NAMES.index(lower.name):
                msg = (
                    f"level names: {upper.name} (label {upper.file_label}) stands directly above {lower.name} "
                    f"(label {lower.file_label}), expected names in anatomical order from the top down"
                )
                raise InputError(msg)
    return named
