"""The checks as a table: one row per foramen of every phantom."""

import csv
import io
import os
from collections.abc import Iterable

from foramgrade.findings import Border, Quantity
from foramgrade.tables import write_atomically
from foramgrade.validation.cases import ForamenCheck

Cell = str | int | float | None


def check_row(check: ForamenCheck) -> dict[str, Cell]:
    """One foramen as a flat row: truth as ``true_...``, the answer under its column's name, uncertainty as ``u_``."""
    case = check.case
    row: dict[str, Cell] = {"setting": case.setting, "seed": "-".join(map(str, case.seed))}
    row |= {"slice_spacing_mm": case.protocol.spacing_mm, "edge_noise_mm": case.edge_noise_mm}
    row |= {"sequence": None if case.geometry_only else case.sequence.value, "level": check.level, "side": check.side}
    for quantity in Quantity:
        if quantity is not Quantity.AREA_UNCERTAINTY:
            row[f"true_{quantity.value}"] = check.truth.get(quantity)
            row[quantity.value] = check.measured.get(quantity)
    row |= {f"u_{q.value}": check.uncertainty.get(q) for q in (Quantity.AREA, Quantity.HEIGHT)}
    row |= {"true_lee_grade": check.true_lee, "lee_grade": check.lee, "confidence": check.confidence}
    row |= {"true_lost_borders": _letters(check.true_lost), "lost_borders": _letters(check.lost)}
    row |= {"true_root_shape": check.true_shape.value, "root_shape": check.shape.value if check.shape else None}
    row["misplaced"] = None if check.misplaced is None else str(check.misplaced).lower()
    return row | {"quality": check.quality, "failure": check.failure}


def write_checks(checks: Iterable[ForamenCheck], path: str | os.PathLike[str]) -> None:
    """Write all checks as a CSV file.

    Parameters
    ----------
    checks : iterable of ForamenCheck
        At least one.
    path : path
        File to write or replace; its folder must exist.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    rows = [check_row(check) for check in checks]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _round(value) for name, value in row.items()} for row in rows)
    write_atomically(text.getvalue(), path)


def _round(value: Cell) -> Cell:
    return round(value, 6) + 0.0 if isinstance(value, float) else value


def _letters(borders: frozenset[Border] | None) -> str | None:
    return None if borders is None else "".join(border.value for border in Border if border in borders)
