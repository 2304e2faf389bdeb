"""What the columns of ``foramina.csv`` hold: their order, their kind, and how a value is rounded, written and read.

A missing value is None in a row, `<NA>` in a data frame and an empty cell in the file; never NaN.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from foramgrade.errors import InputError
from foramgrade.findings import QUANTITIES

Cell = str | int | float | bool | None

COLUMNS: tuple[str, ...] = (
    *("case", "level", "side", "lee_grade", "lee_policy", "lee_defined", "sartoretti", "wildermuth", "rsna"),
    *("confidence", "gradable", "reasons", "quality", "sequence", "area_mm2", "area_u_mm2", "height_mm"),
    *("width_superior_mm", "width_disc_mm", "width_inferior_mm", "disc_height_mm", "volume_mm3", "asymmetry"),
    *("nerve_area_mm2", "nerve_aspect", "nerve_occupancy", "fat_area_mm2", "fat_fraction", "fat_superior_mm"),
    *("fat_posterior_mm", "fat_inferior_mm", "fat_anterior_mm", "lost_borders", "encroached_by", "slip_mm"),
    *("segmental_angle_deg", "seal_gap_mm", "n_sections", "section_x_mm", "section_y_mm", "section_z_mm"),
    *("scheme", "version"),
)
"""Columns of ``foramina.csv``, in this order."""
INTEGER_COLUMNS = ("lee_grade", "wildermuth", "n_sections")
"""Columns of whole numbers."""
BOOLEAN_COLUMNS = ("lee_defined", "gradable")
"""Columns written true or false."""
DECIMALS: Mapping[str, int] = {"mm": 2, "mm2": 2, "mm3": 1, "deg": 1, "1": 3}
"""Decimals of a number in the table, by its unit; finer than the measurement can resolve."""
NUMBER_COLUMNS: Mapping[str, int] = {
    "confidence": DECIMALS["1"],
    **{quantity.value: DECIMALS[info.unit] for quantity, info in QUANTITIES.items()},
    **dict.fromkeys(("section_x_mm", "section_y_mm", "section_z_mm"), DECIMALS["mm"]),
}
"""Columns of real numbers, with their decimals."""
TEXT_COLUMNS = tuple(c for c in COLUMNS if c not in (*INTEGER_COLUMNS, *BOOLEAN_COLUMNS, *NUMBER_COLUMNS))
"""Columns of text."""
FORMULA_STARTS = tuple("=+-@\t＝＋－＠")
"""A spreadsheet may run a cell that starts with one of these as a formula."""


def to_cell(column: str, value: Cell) -> Cell:
    r"""Bring a value to the kind and the decimals of its column.

    Parameters
    ----------
    column : str
        One of `COLUMNS`.
    value : str, int, float, bool or None
        Text is put on one line; empty text is missing.

    Returns
    -------
    str, int, float, bool or None
        The value as a row holds it.

    Examples
    --------
    >>> to_cell("area_mm2", 88.449), to_cell("case", "a\nb"), to_cell("quality", "")
    (88.45, 'a b', None)
    """
    if value is None or value == "":
        return None
    if column in INTEGER_COLUMNS:
        return int(value)
    if column in BOOLEAN_COLUMNS:
        return bool(value)
    if column in NUMBER_COLUMNS:
        return round(float(value), NUMBER_COLUMNS[column]) + 0.0  # + 0.0 turns -0.0 into 0.0
    return " ".join(str(value).splitlines()) or None


def to_text(column: str, value: Cell) -> str:
    """Write a cell as the file holds it.

    Parameters
    ----------
    column : str
        One of `COLUMNS`.
    value : str, int, float, bool or None
        As from :func:`to_cell`.

    Returns
    -------
    str
        Text that a spreadsheet might run as a formula starts with an apostrophe; one of the text's own is doubled, so
        that :func:`from_text` can take one away for sure. Numbers are left alone.

    Examples
    --------
    >>> to_text("case", "=1+1"), to_text("section_x_mm", -3.5), to_text("gradable", True), to_text("rsna", None)
    ("'=1+1", '-3.50', 'true', '')
    """
    if value is None:
        return ""
    if column in BOOLEAN_COLUMNS:
        return "true" if value else "false"
    if column in NUMBER_COLUMNS:
        return f"{value:.{NUMBER_COLUMNS[column]}f}"
    text = str(value)
    return f"'{text}" if column in TEXT_COLUMNS and text.startswith((*FORMULA_STARTS, "'")) else text


def from_text(column: str, text: str) -> str | None:
    """Undo what :func:`to_text` did to a text; an empty cell is None. Kinds are given by :func:`typed`.

    Examples
    --------
    >>> from_text("case", "'=1+1"), from_text("case", "")
    ('=1+1', None)
    """
    return (text.removeprefix("'") if column in TEXT_COLUMNS else text) or None


def typed(frame: pd.DataFrame, *, name: str = "the table") -> pd.DataFrame:
    """Give every column its dtype.

    Parameters
    ----------
    frame : pandas.DataFrame
        Cells are values as from :func:`to_cell`, or their text; None where missing.
    name : str
        What an error calls the table.

    Returns
    -------
    pandas.DataFrame
        Text as `string`, whole numbers as `Int64`, real numbers as `Float64`, true and false as `boolean`; columns that
        are not in `COLUMNS` as text.

    Raises
    ------
    InputError
        If a cell is not of its column's kind.
    """
    columns = {}
    for column in frame.columns:
        cells = frame[column]
        if column in BOOLEAN_COLUMNS:
            columns[column] = _booleans(cells, name)
        elif column in INTEGER_COLUMNS or column in NUMBER_COLUMNS:
            columns[column] = _numbers(cells, name, whole=column in INTEGER_COLUMNS)
        else:
            columns[column] = cells.astype("string")
    return pd.DataFrame(columns, index=frame.index)


def _numbers(cells: pd.Series, name: str, *, whole: bool) -> pd.Series:
    values = pd.to_numeric(cells, errors="coerce").astype("Float64")
    plain = values.to_numpy(dtype=float, na_value=np.nan)
    wrong = cells.notna().to_numpy() & ~np.isfinite(plain)
    if whole:
        wrong |= np.isfinite(plain) & (plain != np.round(plain))
    _refuse(cells, wrong, name, "a whole number" if whole else "a number")
    return values.astype("Int64") if whole else values


def _booleans(cells: pd.Series, name: str) -> pd.Series:
    words = cells.astype("string").str.strip().str.lower()
    values = words.map({"true": True, "false": False}).astype("boolean")
    _refuse(cells, (cells.notna() & values.isna()).to_numpy(dtype=bool), name, "true or false")
    return values


def _refuse(cells: pd.Series, wrong: npt.NDArray[np.bool_], name: str, expected: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        found = f"found {cells.iloc[row]!r}, expected {expected} or nothing"
        msg = f"{name}, line {row + 2}, column {cells.name}: {found}"  # line 1 is the header
        raise InputError(msg)
