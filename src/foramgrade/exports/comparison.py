"""A comparison of two states in a folder: every foramen, every mean, and the paired areas by level."""

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np

from foramgrade.compare import CHANGE_COLUMNS, SUMMARY_COLUMNS, StateComparison, change_rows, comparison_document
from foramgrade.compare.documents import summary_rows
from foramgrade.exports.folder import fill_folder
from foramgrade.plotting import LevelStates, states_figure, write_figure
from foramgrade.tables import write_atomically, write_table

#: The picture; one of an earlier run goes where nothing was measured in both states.
PICTURE = "paired_areas.png"


def write_comparison(
    comparison: StateComparison,
    folder: Path,
    *,
    seed: int,
    names: tuple[str, str] = ("before", "after"),
    inputs: Iterable[Mapping[str, str]] = (),
) -> tuple[str, ...]:
    """Write a comparison of two states.

    Parameters
    ----------
    comparison : StateComparison
        What to write.
    folder : Path
        Made where it does not exist.
    seed : int
        Of the resamples.
    names : tuple of two str
        Of the states.
    inputs : iterable of mappings
        Checksums of the tables.

    Returns
    -------
    tuple of str
        What was written: ``changes.csv`` (a row per foramen), ``summary.csv``, ``comparison.json`` and, where areas are
        in both states, ``paired_areas.png``.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    levels = _levels(comparison)
    document = comparison_document(comparison, version=version("foramgrade"), seed=seed, names=names, inputs=inputs)
    written = ["changes.csv", "summary.csv", "comparison.json"]
    with fill_folder(folder) as part:
        write_table(change_rows(comparison), CHANGE_COLUMNS, part / "changes.csv")
        write_table(summary_rows(comparison), SUMMARY_COLUMNS, part / "summary.csv")
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        write_atomically(text, part / "comparison.json")
        if levels:
            write_figure(states_figure(levels, names=names), part / PICTURE)
            written.append(PICTURE)
        else:
            (folder / PICTURE).unlink(missing_ok=True)
    return tuple(written)


def _levels(comparison: StateComparison) -> list[LevelStates]:
    """The levels with areas in both states; all foramina as one where there is a single level."""
    found = []
    by_level = [(one, summary) for one, summary in comparison.strata if one.by == "level"]
    for stratum, summary in by_level or comparison.strata[:1]:
        pairs = [
            (pair.level, pair.before.area_mm2, pair.after.area_mm2)
            for pair in comparison.paired.pairs
            if not by_level or pair.level == stratum.value
        ]
        areas = [(level, one, two) for level, one, two in pairs if one is not None and two is not None]
        if not areas:
            continue
        change = summary.relative_change
        interval = change.interval
        found.append(
            LevelStates(
                name=areas[0][0],
                before=np.array([one for _, one, _ in areas]),
                after=np.array([two for _, _, two in areas]),
                change_percent=change.value,
                low=None if interval is None else interval.low,
                high=None if interval is None else interval.high,
            )
        )
    return found
