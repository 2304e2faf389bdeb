"""The columns of a table of readers' findings: which they are, and what a row says in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foramgrade.errors import InputError
from foramgrade.findings import Border, BorderFinding, BorderState, PerineuralFindings, RootShape, Side
from foramgrade.tables.sheets import column_key

BORDER_COLUMNS: Mapping[Border, tuple[str, str]] = {
    border: (border.name.lower(), f"fat_{border.name.lower()}") for border in Border
}
"""Names of the column of each border."""
KNOWN_COLUMNS = frozenset(
    ("case", "level", "side", "reader", "session", "root_shape", "lost_borders", "thin_borders")
).union(*BORDER_COLUMNS.values())
"""Columns with a meaning; all others are carried through."""
SIDES: Mapping[str, Side] = {word: side for side in Side for word in (side.value, side.value[0])}
"""Words for the patient's side."""
LONGEST_VALUE = 40
"""Characters of a bad value that are quoted."""
MOST_NAMED = 12
"""Columns that are named where others were expected."""


@dataclass(frozen=True, slots=True)
class ReadColumns:
    """Where in a row what stands.

    Parameters
    ----------
    width : int
        Number of columns.
    level, side : int
        Which foramen.
    borders : mapping of Border to int
        Column of each border; empty where the letters of the lost borders stand in one column.
    lost, thin, root_shape : int or None
        Letters of the lost and of the thin borders, and the shape of the root; None where there is no such column.
    """

    width: int
    level: int
    side: int
    borders: Mapping[Border, int]
    lost: int | None
    thin: int | None
    root_shape: int | None


def find_columns(header: Sequence[str], *, name: str) -> ReadColumns:
    """Find the columns with a meaning.

    Parameters
    ----------
    header : sequence of str
        Names of the columns, in any order and case.
    name : str
        What an error calls the table.

    Returns
    -------
    ReadColumns
        Their places.

    Raises
    ------
    InputError
        If a column is missing or there twice, or both ways to name the lost borders are used.
    """
    keys = [column_key(column) for column in header]
    level, side, lost, thin, root_shape = (
        _place(keys, (key,), name) for key in ("level", "side", "lost_borders", "thin_borders", "root_shape")
    )
    found = {border: _place(keys, names, name) for border, names in BORDER_COLUMNS.items()}
    borders = {border: place for border, place in found.items() if place is not None}
    missing = [key for key, place in (("level", level), ("side", side)) if place is None]
    if borders:
        missing += [names[0] for border, names in BORDER_COLUMNS.items() if border not in borders]
    elif lost is None:
        missing.append("lost_borders")
    if missing or level is None or side is None:
        expected = "level, side, and superior, posterior, inferior and anterior, or lost_borders"
        msg = f"{name} lacks the columns {', '.join(missing)}: found {_listed(header)}, expected {expected}"
        raise InputError(msg)
    if borders and (lost is not None or thin is not None):
        msg = f"{name} has a column per border and lost_borders or thin_borders too: expected one of the two ways"
        raise InputError(msg)
    return ReadColumns(len(header), level, side, borders, lost, thin, root_shape)


def read_findings(row: Sequence[str], columns: ReadColumns) -> PerineuralFindings:
    """Read the findings of one row.

    Parameters
    ----------
    row : sequence of str
        Its cells.
    columns : ReadColumns
        Where they stand.

    Returns
    -------
    PerineuralFindings
        States and shape, without any number.

    Raises
    ------
    InputError
        If a cell says what it cannot, or the row is longer or shorter than the header.

    Examples
    --------
    >>> columns = find_columns(["level", "side", "lost_borders"], name="reads.csv")
    >>> sorted(read_findings(["L4-L5", "left", "is"], columns).lost)
    [<Border.INFERIOR: 'I'>, <Border.SUPERIOR: 'S'>]
    """
    if len(row) != columns.width:
        msg = f"found {len(row)} cells, expected {columns.width} as in the header"
        raise InputError(msg)
    _check_foramen(row[columns.level], row[columns.side])
    if columns.borders:
        states = {border: _read_state(border, row[place]) for border, place in columns.borders.items()}
    else:
        states = _read_letters(*("" if place is None else row[place] for place in (columns.lost, columns.thin)))
    shape = RootShape.NOT_ASSESSABLE if columns.root_shape is None else _read_shape(row[columns.root_shape])
    return PerineuralFindings({border: BorderFinding(states[border]) for border in Border}, shape)


def _place(keys: Sequence[str], names: Sequence[str], file: str) -> int | None:
    places = [place for place, key in enumerate(keys) if key in names]
    if len(places) > 1:
        msg = f"{file} has the column {names[0]} {len(places)} times, expected it once"
        raise InputError(msg)
    return places[0] if places else None


def _check_foramen(level: str, side: str) -> None:
    if not level.strip():
        msg = "level is blank, expected a name such as L4-L5"
        raise InputError(msg)
    if side.strip().lower() not in SIDES:
        msg = f"side is {_shown(side)}, expected left or right"
        raise InputError(msg)


def _read_state(border: Border, cell: str) -> BorderState:
    word = cell.strip().lower()
    for state in BorderState:
        if word == state.value:
            return state
    msg = f"{border.name.lower()} is {_shown(cell)}, expected preserved, thin, lost or unknown"
    raise InputError(msg)


def _read_letters(lost: str, thin: str) -> dict[Border, BorderState]:
    """Read the compact way: the letters of the lost borders, and those of the thin ones."""
    if lost.strip().lower() == BorderState.UNKNOWN.value:
        if thin.strip():
            found = f"lost_borders is {_shown(lost)} and thin_borders {_shown(thin)}"
            msg = f"{found}, expected thin_borders to be blank"
            raise InputError(msg)
        return dict.fromkeys(Border, BorderState.UNKNOWN)
    named = {BorderState.LOST: _borders("lost_borders", lost), BorderState.THIN: _borders("thin_borders", thin)}
    both = named[BorderState.LOST] & named[BorderState.THIN]
    if both:
        msg = f"thin_borders is {_shown(thin)} and lost_borders {_shown(lost)}, expected no border in both"
        raise InputError(msg)
    states = {border: state for state, borders in named.items() for border in borders}
    return {border: states.get(border, BorderState.PRESERVED) for border in Border}


def _borders(column: str, cell: str) -> set[Border]:
    text = cell.strip().lower()
    letters = "" if text == "none" else text.upper().translate(dict.fromkeys(map(ord, " ,;+|/")))
    if set(letters) - set(Border):
        msg = f"{column} is {_shown(cell)}, expected letters of S, P, I, A, or none, or unknown for lost_borders"
        raise InputError(msg)
    return {Border(letter) for letter in letters}


def _read_shape(cell: str) -> RootShape:
    word = column_key(cell).replace("_", "-")
    for shape in RootShape:
        if word == shape.value:
            return shape
    if not word:
        return RootShape.NOT_ASSESSABLE
    msg = f"root_shape is {_shown(cell)}, expected unchanged, changed or not-assessable"
    raise InputError(msg)


def _shown(cell: str) -> str:
    text = cell.strip()
    return repr(text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}...") if text else "blank"


def _listed(header: Sequence[str]) -> str:
    shown = ", ".join(_shown(column) for column in header[:MOST_NAMED])
    return shown + (f" and {len(header) - MOST_NAMED} more" if len(header) > MOST_NAMED else "")
