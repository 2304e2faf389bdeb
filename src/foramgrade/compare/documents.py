"""A comparison of two states as rows for a spreadsheet and as a document with everything."""

from collections.abc import Iterable, Iterator, Mapping

from foramgrade.agreement import CONFIDENCE, LIMIT_SDS, Coefficient
from foramgrade.compare.changes import Direction, ForamenChange
from foramgrade.compare.comparing import ChangeSummary, StateComparison
from foramgrade.tables.states import StateForamen

Cell = str | int | float | None

#: First entry of the JSON document: what it is, and the version of its layout.
JSON_FORMAT = "foramgrade comparison 1"
CHANGE_COLUMNS = (
    *("patient", "level", "side", "paired", "area_before_mm2", "area_after_mm2", "change_mm2", "change_percent"),
    *("change_u_mm2", "reliable_change", "grade_before", "grade_after", "motion_deg"),
)
"""Columns of ``changes.csv``, one row per foramen, also of those without a partner."""
SUMMARY_COLUMNS = (*("stratum", "value_of", "coefficient", "value", "ci_low", "ci_high", "n", "n_patients", "reason"),)
"""Columns of ``summary.csv``, one row per mean."""
_DECIMALS = 4


def change_rows(comparison: StateComparison) -> list[dict[str, Cell]]:
    """Tabulate every foramen: its change, or in which state alone it is there.

    Parameters
    ----------
    comparison : StateComparison
        What to tabulate.

    Returns
    -------
    list of dict
        Keys are `CHANGE_COLUMNS`; patients are named as in the user's tables.
    """
    paired = comparison.paired
    rows = [_change_row(pair) for pair in paired.pairs]
    rows += [_lone_row(one, "before only") for one in paired.only_before]
    rows += [_lone_row(one, "after only") for one in paired.only_after]
    return rows


def _change_row(pair: ForamenChange) -> dict[str, Cell]:
    direction = pair.direction
    return {
        "patient": pair.patient,
        "level": pair.level,
        "side": pair.side,
        "paired": "both",
        "area_before_mm2": _rounded(pair.before.area_mm2),
        "area_after_mm2": _rounded(pair.after.area_mm2),
        "change_mm2": _rounded(pair.change_mm2),
        "change_percent": _rounded(pair.change_percent),
        "change_u_mm2": _rounded(pair.uncertainty_mm2),
        "reliable_change": None if direction is None else direction.value,
        "grade_before": pair.before.grade,
        "grade_after": pair.after.grade,
        "motion_deg": _rounded(pair.motion_deg),
    }


def _lone_row(one: StateForamen, paired: str) -> dict[str, Cell]:
    state = paired.partition(" ")[0]
    return {
        **dict.fromkeys(CHANGE_COLUMNS),
        "patient": one.patient,
        "level": one.level,
        "side": one.side,
        "paired": paired,
        f"area_{state}_mm2": _rounded(one.area_mm2),
        f"grade_{state}": one.grade,
    }


def summary_rows(comparison: StateComparison) -> list[dict[str, Cell]]:
    """Tabulate the means of all strata and classes of motion, and the association with motion.

    Parameters
    ----------
    comparison : StateComparison
        What to tabulate.

    Returns
    -------
    list of dict
        Keys are `SUMMARY_COLUMNS`.
    """
    rows = [row for stratum, summary in comparison.strata for row in _means(stratum.by, stratum.name, summary)]
    if comparison.motion is not None:
        for one in comparison.motion.classes:
            rows += _means("angular motion", one.name, one.summary)
        for coefficient in (comparison.motion.slope, comparison.motion.correlation):
            rows.append(_row("angular motion", "all", coefficient))
    return rows


def _means(by: str, name: str, summary: ChangeSummary) -> Iterator[dict[str, Cell]]:
    for one in (
        summary.before_mm2,
        summary.after_mm2,
        summary.change_mm2,
        summary.relative_change,
        summary.mean_percent,
    ):
        yield _row(by, name, one)
    for direction, count in summary.directions.items():
        row = dict.fromkeys(SUMMARY_COLUMNS) | {"stratum": by, "value_of": name, "n": summary.n}
        yield row | {"coefficient": f"n {direction.value}", "value": count, "n_patients": summary.n_patients}


def _row(by: str, name: str, one: Coefficient) -> dict[str, Cell]:
    return {
        "stratum": by,
        "value_of": name,
        "coefficient": one.name,
        "value": _rounded(one.value),
        "ci_low": None if one.interval is None else _rounded(one.interval.low),
        "ci_high": None if one.interval is None else _rounded(one.interval.high),
        "n": one.n,
        "n_patients": one.n_patients,
        "reason": one.reason or None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS) + 0.0


def comparison_document(
    comparison: StateComparison,
    *,
    version: str,
    seed: int,
    names: tuple[str, str] = ("before", "after"),
    inputs: Iterable[Mapping[str, str]] = (),
) -> dict[str, object]:
    """Describe a comparison for JSON.

    Parameters
    ----------
    comparison : StateComparison
        What to describe.
    version : str
        Of this package.
    seed : int
        Of the resamples.
    names : tuple of two str
        Of the states.
    inputs : iterable of mappings
        Checksums of the tables.

    Returns
    -------
    dict
        Plain values only; patients are not named.
    """
    paired, transitions = comparison.paired, comparison.transitions
    return {
        "format": JSON_FORMAT,
        "version": version,
        "seed": seed,
        "n_resamples": comparison.n_resamples,
        "confidence": CONFIDENCE,
        "reliable_change": f"more than {LIMIT_SDS} standard uncertainties of the difference",
        "directions": [direction.value for direction in Direction],
        "states": list(names),
        "inputs": [dict(entry) for entry in inputs],
        "n_pairs": len(paired.pairs),
        "n_patients": comparison.n_patients,
        "n_only_before": len(paired.only_before),
        "n_only_after": len(paired.only_after),
        "transitions": {
            "rows_are": names[0],
            "counts": transitions.table.tolist(),
            "n_lower": transitions.n_lower,
            "n_same": transitions.n_same,
            "n_higher": transitions.n_higher,
            "n_missing": transitions.n_missing,
        },
        "coefficients": summary_rows(comparison),
    }
