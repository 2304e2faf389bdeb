"""Voxels of a label map: whole numbers, on one grid, one structure per voxel."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from foramgrade.errors import GridMismatchError, InputError
from foramgrade.volume import Grid

#: A label stored as a fraction is taken for the nearest whole number when no further away than this.
LABEL_ROUNDING_TOLERANCE = 1e-3

#: Largest number that a label may have: no tool writes more than 16 bits.
LARGEST_LABEL = 65535

_NAMED_PAIRS = 3
Label = TypeVar("Label", bound=np.generic)


def whole_numbers(
    array: npt.NDArray[Any], name: str, *, empty_allowed: bool = False
) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Labels in the smallest unsigned type that holds them.

    Parameters
    ----------
    array : (I, J, K) real array
        Values as stored.
    name : str
        The file's name, for messages.
    empty_allowed : bool
        Whether a map without any label will do.

    Returns
    -------
    (I, J, K) unsigned integer array
        The labels.

    Raises
    ------
    InputError
        If values are not finite, fractional, negative, or, unless allowed, all zero.

    Notes
    -----
    Definition: stored fractions are rounded only when every value lies within `LABEL_ROUNDING_TOLERANCE` of a whole
    number; a single one further away says that the file is no label map.

    Examples
    --------
    >>> whole_numbers(np.array([[[0.0, 119.99998]]]), "mask.nii").tolist()
    [[[0, 120]]]
    """
    if not np.issubdtype(array.dtype, np.integer):
        bad = array.size - int(np.count_nonzero(np.isfinite(array)))
        if bad:
            msg = f"{name} has {bad} voxels that are NaN or infinite, expected whole numbers"
            raise InputError(msg)
        rounded = np.rint(array)
        fractional = np.abs(array - rounded) > LABEL_ROUNDING_TOLERANCE
        if fractional.any():
            example = float(array[fractional][0])
            msg = (
                f"{name}: found {example:.4g} and {int(fractional.sum()) - 1} more fractions, expected whole numbers; "
                "was a probability map or a resampled mask given? Soft masks are read from a folder, one per structure"
            )
            raise InputError(msg)
        array = rounded
    lowest = 0 if array.dtype.kind == "u" else int(array.min())
    highest = int(array.max())
    if lowest < 0:
        msg = f"{name}: found the label {lowest}, expected no negative numbers (a mask stored as signed bytes?)"
        raise InputError(msg)
    if highest == 0 and not empty_allowed:
        raise InputError(nothing_labelled(name))
    return array.astype(np.min_scalar_type(highest), copy=False)


def parse_label(text: str) -> int | None:
    """Read the number of a label as a file writes it; None if it is none.

    Examples
    --------
    >>> parse_label("05"), parse_label("65536"), parse_label("1.0"), parse_label("9" * 5000)
    (5, None, None, None)
    """
    # Python converts no more than 4300 digits, and no label has more than five.
    known = text.isascii() and text.isdigit() and len(text) <= 9 and int(text) <= LARGEST_LABEL
    return int(text) if known else None


def nothing_labelled(name: str) -> str:
    """Sentence for a map in which every voxel is background."""
    return f"{name} is empty: every voxel is 0, expected labelled structures"


def turned_onto(array: npt.NDArray[Label], grid: Grid, target: Grid, *, names: tuple[str, str]) -> npt.NDArray[Label]:
    """Reorder the axes of `array` so that it lies on `target`, where both hold the same voxels.

    Parameters
    ----------
    array : (I, J, K) unsigned integer or bool array
        Labels on `grid`.
    grid, target : Grid
        Where the voxels are, and where they are wanted.
    names : tuple of two str
        Names of the two files, for messages.

    Returns
    -------
    (I', J', K') array
        The same labels, a view, in the order of `target`.

    Raises
    ------
    GridMismatchError
        If the two grids do not hold the same voxels.
    """
    turn = np.rint(np.linalg.solve(grid.affine, target.affine)[:3, :3])
    steps = np.abs(turn)
    if np.all(steps.sum(axis=0) == 1) and np.all(steps.sum(axis=1) == 1):
        axes = steps.argmax(axis=0)
        flipped = turn.sum(axis=0) < 0
        index = np.eye(4)
        index[:3, :3] = turn
        index[axes[flipped], 3] = np.array(grid.shape)[axes[flipped]] - 1
        turned = array.transpose(axes)[tuple(slice(None, None, -1 if flip else 1) for flip in flipped)]
        placed = Grid((turned.shape[0], turned.shape[1], turned.shape[2]), grid.affine @ index)
        if placed.matches(target):
            return turned
        if placed.shape == target.shape:
            apart = float(np.linalg.norm(placed.corners_mm() - target.corners_mm(), axis=1).max())
            msg = f"{names[0]} lies up to {apart:.3g} mm from {names[1]}, expected the same voxels in both maps"
            raise GridMismatchError(msg)
    msg = (
        f"{names[0]} (shape {grid.shape}, {_spacing(grid)} mm) does not hold the same voxels as "
        f"{names[1]} (shape {target.shape}, {_spacing(target)} mm): make both maps from one image"
    )
    raise GridMismatchError(msg)


def count_overlaps(taken: npt.NDArray[np.integer[Any]], number: int, overlaps: Counter[tuple[int, int]]) -> None:
    """Count the voxels that another structure has already taken.

    Parameters
    ----------
    taken : (N,) integer array
        What the voxels of the structure `number` hold before it is written, 0 where nothing does.
    number : int
        Label of the structure.
    overlaps : Counter
        Voxels by pair of labels; added to.

    Examples
    --------
    >>> overlaps = Counter()
    >>> count_overlaps(np.array([0, 0, 4, 4, 5]), 5, overlaps)
    >>> overlaps
    Counter({(4, 5): 2})
    """
    for other, count in zip(*np.unique(taken[taken != 0], return_counts=True), strict=True):
        if int(other) != number:
            overlaps[min(int(other), number), max(int(other), number)] += int(count)


def refuse_overlaps(
    overlaps: Mapping[tuple[int, int], int],
    names: Mapping[int, str],
    *,
    where: str,
    way: str,
    expected: str = "one label per voxel",
) -> None:
    """Refuse structures that share voxels: one label map cannot hold them.

    Parameters
    ----------
    overlaps : mapping of pairs of int to int
        Voxels by pair of labels.
    names : mapping of int to str
        Names of the labels.
    where : str
        What was read, e.g. "spine.dcm: the segments".
    way : str
        What to do instead.
    expected : str
        What would have been right.

    Raises
    ------
    InputError
        If there is a pair.
    """
    if not overlaps:
        return
    most = sorted(overlaps.items(), key=lambda item: (-item[1], item[0]))
    pairs = [f"{names.get(a, str(a))} and {names.get(b, str(b))} in {n} voxels" for (a, b), n in most[:_NAMED_PAIRS]]
    more = f" and {len(most) - _NAMED_PAIRS} more pairs" if len(most) > _NAMED_PAIRS else ""
    msg = f"{where} overlap, {', '.join(pairs)}{more}, expected {expected}: {way}"
    raise InputError(msg)


def choose_labels(names: Mapping[int, str], wanted: Iterable[int | str] | None, *, where: str) -> tuple[int, ...]:
    """Labels that are asked for by number or name.

    Parameters
    ----------
    names : mapping of int to str
        Name of each label there is; empty where it has none.
    wanted : iterable of int and str, or None
        Numbers, or names as the file has them whatever their case; None for all. A text of digits that is no name is
        taken for the number.
    where : str
        What was read, for messages.

    Returns
    -------
    tuple of int
        The labels, in ascending order.

    Raises
    ------
    InputError
        If something is asked for that is not there, or nothing is asked for.

    Examples
    --------
    >>> choose_labels({1: "L4", 2: "L5", 3: "tumour"}, ["l5", 1], where="spine.dcm")
    (1, 2)
    """
    if wanted is None:
        return tuple(sorted(names))
    if isinstance(wanted, str):
        wanted = [wanted]
    chosen: set[int] = set()
    for item in wanted:
        text = str(item).strip().casefold()
        found = {n for n, name in names.items() if isinstance(item, str) and name.strip().casefold() == text}
        number = parse_label(text)
        if not found and number is not None and number in names:
            found = {number}
        if not found:
            msg = f"{where}: no segment {item!r}, expected some of {listed(names)}"
            raise InputError(msg)
        chosen |= found
    if not chosen:
        msg = f"{where}: no segment is asked for, expected some of {listed(names)}"
        raise InputError(msg)
    return tuple(sorted(chosen))


def listed(names: Mapping[int, str]) -> str:
    """Labels with their names as a reader writes them.

    Examples
    --------
    >>> listed({1: "L4", 7: ""})
    '1 (L4), 7'
    """
    return ", ".join(f"{n} ({name})" if name else str(n) for n, name in sorted(names.items()))


def _spacing(grid: Grid) -> str:
    return " x ".join(f"{s:.3g}" for s in grid.spacing_mm)
