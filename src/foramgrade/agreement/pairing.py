"""Grades of two readers, foramen by foramen: coded by their place on the scale, and counted."""

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError

IntArray = npt.NDArray[np.int64]

#: Lee's grades: the scale unless another is named.
LEE_CATEGORIES: tuple[Hashable, ...] = (0, 1, 2, 3)
#: Code of a missing grade.
MISSING = -1
#: Values that are named in a message.
_MOST_NAMED = 5


def code_grades(grades: Sequence[object] | npt.ArrayLike, categories: Sequence[Hashable]) -> IntArray:
    """Replace grades by their place on the scale.

    Parameters
    ----------
    grades : array of any shape
        Grades; None, NaN or `<NA>` where missing.
    categories : sequence
        The whole scale, from the lowest to the highest.

    Returns
    -------
    int array of the same shape
        0 for the first category; `MISSING` where missing.

    Raises
    ------
    InputError
        If the scale has fewer than two categories or one twice, or a grade is not on it.

    Examples
    --------
    >>> code_grades(["A", None, "C"], "ABC").tolist()
    [0, -1, 2]
    """
    scale = tuple(categories)
    if len(scale) < 2 or len(set(scale)) < len(scale):
        msg = f"a scale needs two categories or more, each once, found {', '.join(map(repr, scale)) or 'none'}"
        raise InputError(msg)
    values = np.asarray(grades, dtype=object)
    places = {category: place for place, category in enumerate(scale)}
    missing = np.asarray(pd.isna(values.ravel()))
    codes = np.full(values.size, MISSING, dtype=np.int64)
    for at in np.flatnonzero(~missing):
        value = values.flat[at]
        codes[at] = places.get(value, MISSING - 1) if isinstance(value, Hashable) else MISSING - 1
    placed: IntArray = codes.reshape(values.shape)
    strange = [value for value, code in zip(values.flat, placed.flat, strict=True) if code < MISSING]
    if strange:
        shown = ", ".join(dict.fromkeys(repr(_plain(value)) for value in strange[:_MOST_NAMED]))
        expected = ", ".join(map(repr, scale))
        msg = f"{len(strange)} grades are not on the scale: found {shown}, expected one of {expected}"
        raise InputError(msg)
    return placed


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def pair_rows(
    a: Sequence[object] | npt.ArrayLike, b: Sequence[object] | npt.ArrayLike, categories: Sequence[Hashable]
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """One row per foramen that both read: a 1 in the cell of its pair of grades.

    Parameters
    ----------
    a, b : (N,) arrays
        Grades of two readers of the same foramina.
    categories : sequence
        The whole scale; K categories.

    Returns
    -------
    rows : (n, K * K) float array
        Cell a * K + b.
    both : (N,) bool array
        Which foramina both read.

    Raises
    ------
    InputError
        If the two are not equally long, or a grade is not on the scale.
    """
    coded = [code_grades(grades, categories) for grades in (a, b)]
    if coded[0].ndim != 1 or coded[0].shape != coded[1].shape:
        shapes = " and ".join(str(codes.shape) for codes in coded)
        msg = f"two readers need the same foramina in the same order, found grades of shapes {shapes}"
        raise InputError(msg)
    both = (coded[0] != MISSING) & (coded[1] != MISSING)
    cells = coded[0][both] * len(categories) + coded[1][both]
    rows = np.zeros((len(cells), len(categories) ** 2))
    rows[np.arange(len(cells)), cells] = 1.0
    return rows, both


def cross_table(
    a: Sequence[object] | npt.ArrayLike,
    b: Sequence[object] | npt.ArrayLike,
    categories: Sequence[Hashable] = LEE_CATEGORIES,
) -> IntArray:
    """Count the pairs of grades of two readers.

    Parameters
    ----------
    a, b : (N,) arrays
        Grades of the same foramina; a foramen that one of them did not grade is left out.
    categories : sequence
        The whole scale; K categories.

    Returns
    -------
    (K, K) int array
        Rows are the grades of `a`, columns those of `b`; categories that nobody used are there.

    Raises
    ------
    InputError
        If the two are not equally long, or a grade is not on the scale.

    Examples
    --------
    >>> cross_table([0, 1, 1, None], [0, 1, 2, 3]).tolist()
    [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    """
    rows, _ = pair_rows(a, b, categories)
    size = len(categories)
    counts: IntArray = rows.sum(axis=0).astype(np.int64).reshape(size, size)
    return counts


def patients_of(
    patients: Sequence[object] | npt.ArrayLike | None, chosen: npt.NDArray[np.bool_]
) -> npt.NDArray[np.object_] | None:
    """Patients of some foramina, None where patients are not told apart.

    Raises
    ------
    InputError
        If there are more or fewer patients than foramina.
    """
    if patients is None:
        return None
    names = np.asarray(patients, dtype=object)
    if names.shape != chosen.shape:
        msg = f"found {names.size} patients for {chosen.size} foramina, expected one for each"
        raise InputError(msg)
    return names[chosen]
