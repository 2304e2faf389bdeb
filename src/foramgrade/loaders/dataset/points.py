"""Points in foramina: read from a table, and checked against each other."""

import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from foramgrade.errors import InputError
from foramgrade.findings import ForamenPoint, Level, Side
from foramgrade.loaders.dataset.rows import Row, read_rows

#: Columns of a table of points.
POINT_COLUMNS = ("level", "side", "x", "y", "z")

_LEVEL = re.compile(r"([CTLSV])(\d{1,2})\s*[-/_\N{EN DASH}]?\s*([CTLSV]?)(\d{1,2})", re.IGNORECASE)
_REGIONS = "CTLS"


def parse_level(text: str) -> Level | None:
    """Read the name of a level as people write it: "L4-L5", "l4/5", "L5/S1", "l4_l5"; None if it is none.

    Examples
    --------
    >>> parse_level("l4/5"), parse_level("T12-L1").name, parse_level("L4-L2")
    (Level(upper='L4', lower='L5'), 'T12-L1', None)
    """
    found = _LEVEL.fullmatch(text.strip())
    if not found:
        return None
    region, number, lower_region, lower_number = found.groups()
    region = region.upper()
    lower_region = lower_region.upper() or region
    if lower_region == region:
        neighbours = int(lower_number) == int(number) + 1
    else:
        # The first of the next region follows the last of this one, whatever its number: people have 11 to 13
        # thoracic and 4 to 6 lumbar vertebrae.
        neighbours = region + lower_region in _REGIONS and int(lower_number) == 1
    if not neighbours or int(number) == 0:
        return None
    return Level(f"{region}{int(number)}", f"{lower_region}{int(lower_number)}")


def find_doubts(points: Iterable[ForamenPoint]) -> tuple[str, ...]:
    """Find what cannot be true of a set of points.

    Parameters
    ----------
    points : iterable of ForamenPoint
        Points of one patient, at most one per level and side.

    Returns
    -------
    tuple of str
        One sentence for every level whose left foramen does not lie to the left of the right one, and for every pair
        of levels of one side that stands upside down; empty when there is nothing to say.

    Examples
    --------
    >>> left = ForamenPoint(Level("L4", "L5"), Side.LEFT, (20.0, 0.0, 0.0))
    >>> right = ForamenPoint(Level("L4", "L5"), Side.RIGHT, (-20.0, 0.0, 0.0))
    >>> find_doubts([left, right])
    ('the left foramen of L4-L5 is marked 40.0 mm to the right of the right one: are sides or signs of x swapped?',)
    """
    placed = {(point.level, point.side): point.position_mm for point in points}
    doubts = []
    for (level, side), position in placed.items():
        other = placed.get((level, Side.RIGHT))
        if side is Side.LEFT and other is not None and position[0] >= other[0]:
            doubts.append(
                f"the left foramen of {level} is marked {position[0] - other[0]:.1f} mm to the right of the right one: "
                "are sides or signs of x swapped?"
            )
    for side in Side:
        levels = sorted((level for level, where in placed if where is side), key=_from_the_top)
        for upper, lower in pairwise(levels):
            if placed[upper, side][2] <= placed[lower, side][2]:
                doubts.append(f"the {side} foramen of {upper} is not marked above that of {lower}: are levels swapped?")
    return tuple(doubts)


def read_points(path: str | Path) -> tuple[ForamenPoint, ...]:
    r"""Read points in foramina from a table.

    Parameters
    ----------
    path : str or Path
        A CSV file with the columns `POINT_COLUMNS`: level ("L4-L5"), side ("left" or "right") and the position in the
        patient (RAS+), mm. Further columns are ignored.

    Returns
    -------
    tuple of ForamenPoint
        In the order of the table.

    Raises
    ------
    InputError
        If the table is not such a table or is empty, with line, found and expected; if it marks a foramen twice; or if
        the points cannot be those of a patient (see :func:`find_doubts`), as when x and y are LPS.

    Notes
    -----
    *Limits*: swapped signs go unseen where no level is marked on both sides.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "points.csv"
    ...     _ = file.write_text("level,side,x,y,z\nL4-L5,left,-21.5,-40,12.25\n")
    ...     (point,) = read_points(file)
    >>> point.level.name, point.side.value, point.position_mm
    ('L4-L5', 'left', (-21.5, -40.0, 12.25))
    """
    path = Path(path)
    lines: dict[tuple[Level, Side], int] = {}
    points = []
    for row in read_rows(path, POINT_COLUMNS):
        point = _point(row)
        first = lines.setdefault((point.level, point.side), row.line)
        if first != row.line:
            msg = f"{path.name}, line {row.line}: {point.level} {point.side} is marked again, first in line {first}"
            raise InputError(msg)
        points.append(point)
    if not points:
        msg = f"{path.name} holds no point: expected a row per foramen"
        raise InputError(msg)
    doubts = find_doubts(points)
    if doubts:
        msg = f"{path.name}: {'; '.join(doubts)} Expected RAS millimetres (3D Slicer writes LPS unless told otherwise)"
        raise InputError(msg)
    return tuple(points)


def _point(row: Row) -> ForamenPoint:
    level = parse_level(row.cells["level"])
    if level is None:
        row.refuse("level", "two neighbouring vertebrae such as 'L4-L5'")
    side = row.cells["side"].lower()
    if side not in set(Side):
        row.refuse("side", "'left' or 'right' of the patient")
    return ForamenPoint(level, Side(side), (row.number("x"), row.number("y"), row.number("z")))


def _from_the_top(level: Level) -> tuple[int, int]:
    return "CTLSV".index(level.upper[0]), int(level.upper[1:])
