"""Masks as text: the lengths of their runs, so that a JSON document can hold outlines without loss."""

import numpy as np

from foramgrade.arrays import BoolArray
from foramgrade.errors import InputError


def mask_to_runs(mask: BoolArray) -> str:
    """Write a mask as the lengths of its runs.

    Parameters
    ----------
    mask : (H, W) bool array
        The mask.

    Returns
    -------
    str
        Lengths of the runs row by row, the first of pixels outside, then inside and outside in turn.

    Examples
    --------
    >>> mask_to_runs(np.array([[False, True, True], [True, False, False]]))
    '1 3 2'
    """
    flat = np.concatenate([[False], mask.ravel(), [not mask.flat[-1]]]) if mask.size else np.zeros(1, bool)
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    return " ".join(map(str, np.diff(ends, prepend=0).tolist()))


def runs_to_mask(runs: str, shape: tuple[int, int]) -> BoolArray:
    """Undo :func:`mask_to_runs`.

    Parameters
    ----------
    runs : str
        Lengths of the runs.
    shape : tuple of two int
        Rows and columns.

    Returns
    -------
    (H, W) bool array
        The mask.

    Raises
    ------
    InputError
        If the runs are no lengths or do not fill the mask.

    Examples
    --------
    >>> runs_to_mask("1 3 2", (2, 3)).astype(int).tolist()
    [[0, 1, 1], [1, 0, 0]]
    """
    lengths = [int(word) if word.isdecimal() else -1 for word in runs.split()]
    size = shape[0] * shape[1]
    if min(lengths, default=0) < 0 or sum(lengths) != size:
        msg = f"a mask of {shape[0]} x {shape[1]} pixels has runs of {sum(lengths)}, expected {size} pixels"
        raise InputError(msg)
    inside: BoolArray = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape(shape)
