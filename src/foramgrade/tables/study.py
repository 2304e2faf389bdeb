"""All foramina of one study, as a data frame, a table on disk and a JSON document."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PureWindowsPath

import pandas as pd

from foramgrade.findings import QUANTITIES, ForamenAssessment
from foramgrade.tables.columns import COLUMNS, Cell, to_cell, typed
from foramgrade.tables.files import write_atomically, write_rows
from foramgrade.tables.foramen import foramen_cells, foramen_document, plain

JSON_FORMAT = "foramgrade assessment 1"
"""First entry of every JSON document: what it is, and the version of its layout."""


@dataclass(frozen=True, slots=True, eq=False)
class StudyAssessment:
    """All foramina of one study, top to bottom, right before left.

    Parameters
    ----------
    case : str
        Pseudonymous name of the study; free text.
    foramina : tuple of ForamenAssessment
        One per level and side, also where nothing could be measured.
    sequence : str or None
        Contrast of the series.
    scheme : str
        Label scheme; of a scheme in a file only the file's name is kept: folders can name people.
    version : str
        Version of this package.
    parameters : mapping of str to value
        Every adjustable number behind the results.
    inputs : tuple of mappings
        Name and SHA-256 of every input file; folders are dropped as for the scheme.
    """

    case: str
    foramina: tuple[ForamenAssessment, ...]
    sequence: str | None
    scheme: str
    version: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    inputs: tuple[Mapping[str, str], ...] = ()

    def __post_init__(self) -> None:
        inputs = tuple({key: _without_folder(value) for key, value in entry.items()} for entry in self.inputs)
        object.__setattr__(self, "foramina", tuple(self.foramina))
        object.__setattr__(self, "scheme", _without_folder(self.scheme))
        object.__setattr__(self, "inputs", inputs)

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the study: one row per foramen, with the values and dtypes of :func:`read_csv`."""
        return typed(pd.DataFrame(rows(self), columns=list(COLUMNS), dtype=object))

    def to_json(self) -> str:
        """Write everything but pictures as a JSON document: values with units, findings, reasons and provenance."""
        document = {
            "format": JSON_FORMAT,
            "case": self.case,
            "sequence": self.sequence,
            "scheme": self.scheme,
            "version": self.version,
            "inputs": self.inputs,
            "parameters": plain(self.parameters),
            "quantities": {
                quantity.value: {"unit": info.unit, "definition": info.definition, "source": info.source}
                for quantity, info in QUANTITIES.items()
            },
            "foramina": [foramen_document(foramen) for foramen in self.foramina],
        }
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _without_folder(name: str) -> str:
    return PureWindowsPath(name).name  # takes both separators


def rows(study: StudyAssessment) -> list[dict[str, Cell]]:
    """Tabulate the study as plain values.

    Parameters
    ----------
    study : StudyAssessment
        What to tabulate.

    Returns
    -------
    list of dict
        One per foramen in the study's order. Keys are `COLUMNS`; numbers are rounded to `DECIMALS` by their unit, a
        missing value is None.

    Raises
    ------
    InputError
        If a measured value is not finite.

    Notes
    -----
    *Definition*: `quality` holds the names of the flags in lower case, joined by "|"; `lost_borders` the letters of
    the lost borders in the order S, P, I, A; `encroached_by` what stands there, in the same order, e.g. "P:soft-tissue
    A:disc"; `reasons` the sentences on one line, the grade's own among them.
    *Limits*: `lost_borders` is missing both where no border is lost and where the borders could not be read; only in
    the first case `lee_grade` or `sartoretti` is given.
    """
    ours: dict[str, Cell] = {
        "case": study.case,
        "sequence": study.sequence,
        "scheme": study.scheme,
        "version": study.version,
    }
    cells = [ours | foramen_cells(foramen) for foramen in study.foramina]
    return [{column: to_cell(column, row.get(column)) for column in COLUMNS} for row in cells]


def write_csv(study: StudyAssessment, path: str | os.PathLike[str]) -> None:
    """Write the table of one study, whole or not at all.

    Parameters
    ----------
    study : StudyAssessment
        What to write.
    path : path
        File to write or replace; its folder must exist.

    Raises
    ------
    InputError
        If the file cannot be written, or a measured value is not finite.

    Notes
    -----
    See :func:`foramgrade.tables.write_rows` for the format.
    """
    write_rows(rows(study), path)


def write_json(study: StudyAssessment, path: str | os.PathLike[str]) -> None:
    """Write :meth:`StudyAssessment.to_json` to a file, whole or not at all.

    Parameters
    ----------
    study : StudyAssessment
        What to write.
    path : path
        File to write or replace; its folder must exist.

    Raises
    ------
    InputError
        If the file cannot be written, a measured value is not finite, or a parameter has no place in JSON.
    """
    write_atomically(study.to_json(), path)
