"""Reads as a matrix: a row per foramen, a column per reader and session."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from foramgrade.errors import InputError
from foramgrade.tables.reader_reads import READ_COLUMNS, Reads

#: The pooled stratum.
ALL = "all"
_DIGITS = re.compile(r"(\d+)")
_VERTEBRA = re.compile(r"([CTLSV])(\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Reading:
    """One reader in one session."""

    reader: str
    session: str = "1"

    @property
    def name(self) -> str:
        """The reader, with the session where it is not the first."""
        return self.reader if self.session == "1" else f"{self.reader}, session {self.session}"


@dataclass(frozen=True, slots=True)
class Stratum:
    """Which foramina are looked at.

    Parameters
    ----------
    by : str
        "all", "level" or "side".
    value : str
        Which level or side; empty for all.
    """

    by: str = ALL
    value: str = ""

    @property
    def name(self) -> str:
        """The level or side, "all" for all."""
        return self.value or self.by


@dataclass(frozen=True, slots=True, eq=False)
class ReadMatrix:
    """Grades and areas of foramina by readings.

    Parameters
    ----------
    readings : tuple of Reading
        Columns: the reference first, then in the order of the table.
    grades : (N, R) object array
        None where not graded.
    areas_mm2 : (N, R) float array
        NaN where not measured.
    patients, levels, sides : (N,) object array
        Of each foramen; None where the table has no level or side.
    """

    readings: tuple[Reading, ...]
    grades: npt.NDArray[np.object_]
    areas_mm2: npt.NDArray[np.float64]
    patients: npt.NDArray[np.object_]
    levels: npt.NDArray[np.object_]
    sides: npt.NDArray[np.object_]

    def strata(self) -> list[tuple[Stratum, npt.NDArray[np.bool_]]]:
        """All foramina, those of each level from the top, and those of each side, with their masks."""
        found = [(Stratum(), np.ones(len(self.patients), bool))]
        for by, values in (("level", self.levels), ("side", self.sides)):
            names = sorted({value for value in values if value is not None}, key=level_order)
            if len(names) > 1:
                found += [(Stratum(by, name), values == name) for name in names]
        return found

    def first_sessions(self) -> list[Reading]:
        """Every reader in its first session."""
        first: dict[str, Reading] = {}
        for reading in sorted(self.readings, key=lambda one: natural_order(one.session)):
            first.setdefault(reading.reader, reading)
        return [reading for reading in self.readings if first[reading.reader] == reading]

    def column(self, reading: Reading) -> int:
        """Place of a reading among the columns."""
        return self.readings.index(reading)


def natural_order(text: str) -> tuple[tuple[int, int, str], ...]:
    """Key by which "2" stands before "10".

    Examples
    --------
    >>> sorted(["10", "2", "b", "a"], key=natural_order)
    ['2', '10', 'a', 'b']
    """
    parts = [part for part in _DIGITS.split(text) if part]
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def level_order(level: str) -> tuple[int, tuple[tuple[int, int, str], ...]]:
    """Key by which levels stand from the top, and names that are no levels behind them.

    Examples
    --------
    >>> sorted(["left", "L5-S1", "L2-L3", "T12-L1"], key=level_order)
    ['T12-L1', 'L2-L3', 'L5-S1', 'left']
    """
    found = _VERTEBRA.match(level)
    return ("CTLSV".index(found[1]), natural_order(found[2])) if found else (9, natural_order(level))


def make_matrix(reads: Reads, *, reference: str | None = None) -> ReadMatrix:
    """Put reads side by side.

    Parameters
    ----------
    reads : Reads
        One row per foramen, reader and session.
    reference : str or None
        Reader who comes first.

    Returns
    -------
    ReadMatrix
        Foramina in the order in which they first appear.

    Raises
    ------
    InputError
        If the table lacks a column, holds one read twice, or has no such reader.
    """
    frame = reads.frame
    missing = [column for column in READ_COLUMNS if column not in frame.columns]
    if missing:
        msg = f"the table of reads lacks the columns {', '.join(missing)}: expected {', '.join(READ_COLUMNS)}"
        raise InputError(msg)
    twice = frame.duplicated(["case", "level", "side", "reader", "session"])
    if twice.any():
        msg = f"{int(twice.sum())} reads of the same foramen, reader and session are there twice, expected each once"
        raise InputError(msg)
    keys = ["case", "level", "side"]
    rows, of_rows = pd.factorize(pd.MultiIndex.from_frame(frame[keys].astype(object).fillna("")))
    columns, of_columns = pd.factorize(pd.MultiIndex.from_frame(frame[["reader", "session"]].astype(object)))
    readings = [Reading(str(reader), str(session)) for reader, session in of_columns]
    if reference is not None and reference not in {one.reader for one in readings}:
        names = ", ".join(dict.fromkeys(one.reader for one in readings))
        msg = f"no reader is called {reference!r}: found {names}"
        raise InputError(msg)
    shape = len(of_rows), len(readings)
    grades, areas = np.full(shape, None, dtype=object), np.full(shape, np.nan)
    given = frame["grade"].astype(object)
    grades[rows, columns] = given.where(given.notna(), None).to_numpy()
    areas[rows, columns] = frame["area_mm2"].to_numpy(dtype=float, na_value=np.nan)
    first = pd.Series(range(len(frame))).groupby(rows).first().to_numpy()
    order = sorted(range(len(readings)), key=lambda place: readings[place].reader != reference)
    patients, levels, sides = (_objects(frame[name].iloc[first]) for name in ("patient", "level", "side"))
    return ReadMatrix(
        readings=tuple(readings[place] for place in order),
        grades=grades[:, order],
        areas_mm2=areas[:, order],
        patients=patients,
        levels=levels,
        sides=sides,
    )


def _objects(column: pd.Series) -> npt.NDArray[np.object_]:
    values = column.astype(object)
    found: npt.NDArray[np.object_] = values.where(values.notna(), None).to_numpy()
    return found
