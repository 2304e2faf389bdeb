"""A report on agreement as rows for a spreadsheet and as a document with everything."""

from collections.abc import Iterable, Iterator, Mapping

from foramgrade.agreement.coefficient import CONFIDENCE, Coefficient, IntervalMethod
from foramgrade.agreement.dichotomy import Dichotomy
from foramgrade.agreement.limits import LimitsOfAgreement
from foramgrade.agreement.measures import KAPPA_WEIGHTS
from foramgrade.agreement.report import AgreementReport, GroupAgreement, PairAgreement
from foramgrade.agreement.vocabulary import KOO_LI, Vocabulary

Cell = str | int | float | None

#: First entry of the JSON document: what it is, and the version of its layout.
JSON_FORMAT = "foramgrade agreement 1"
ROW_COLUMNS = (
    *("comparison", "reader_1", "session_1", "reader_2", "session_2", "stratum", "threshold", "coefficient", "value"),
    *("ci_low", "ci_high", "ci_method", "p_value", "p_holm", "largest", "n", "n_patients", "words", "reason"),
)
"""Columns of ``agreement.csv``, one row per coefficient."""
_DECIMALS = 6
#: Coefficients of a dichotomy, in the order of their rows.
DICHOTOMY_FIELDS = (
    *("agreement", "kappa", "pabak", "positive_agreement", "negative_agreement", "bias_index", "prevalence_index"),
    *("sensitivity", "specificity", "auc"),
)
#: Those that take the first reader for the truth.
OF_A_REFERENCE = ("sensitivity", "specificity", "auc")
#: Coefficients for which there are words.
_WITH_WORDS = ("kappa", "Fleiss", "Gwet", "Krippendorff")


def agreement_rows(report: AgreementReport, *, vocabulary: Vocabulary | None = None) -> list[dict[str, Cell]]:
    """Tabulate a report: one row per coefficient, whatever it is of.

    Parameters
    ----------
    report : AgreementReport
        What to tabulate.
    vocabulary : Vocabulary or None
        Words beside the kappas; those of Koo and Li then stand beside the ICC.

    Returns
    -------
    list of dict
        Keys are `ROW_COLUMNS`; a missing value is None. Names of readers only, never of cases or patients.
    """
    rows = [row for pair in report.pairs for row in _pair_rows(pair, report.reference, vocabulary)]
    rows += [row for group in report.groups for row in _group_rows(group, vocabulary)]
    for tested in report.differences:
        one = tested.difference
        known: dict[str, Cell] = {
            "comparison": "difference",
            "reader_1": tested.first.reader,
            "session_1": tested.first.session,
        }
        known |= {"reader_2": tested.second.reader, "session_2": tested.second.session}
        rows.append(
            _row(
                known,
                coefficient=f"difference of {one.measure.value}",
                value=one.value,
                ci_low=None if one.interval is None else one.interval.low,
                ci_high=None if one.interval is None else one.interval.high,
                ci_method=None if one.interval is None else IntervalMethod.BOOTSTRAP.value,
                p_value=one.p_value,
                p_holm=tested.p_holm,
                n=one.n,
                n_patients=one.n_patients,
                reason=one.reason,
            )
        )
    for value in report.published:
        row: dict[str, Cell] = {"comparison": "published", "reader_2": value.reader, "reader_1": report.reference}
        reason = "same" if value.same else "not found among the reads" if value.found is None else "differs"
        rows.append(
            _row(row, coefficient=f"published {value.measure.value}", value=float(value.published), reason=reason)
        )
    return rows


def _pair_rows(pair: PairAgreement, reference: str | None, vocabulary: Vocabulary | None) -> Iterator[dict[str, Cell]]:
    row: dict[str, Cell] = {
        "comparison": pair.kind.value,
        "reader_1": pair.first.reader,
        "session_1": pair.first.session,
        "reader_2": pair.second.reader,
        "session_2": pair.second.session,
        "stratum": pair.stratum.name,
    }
    if pair.table.any():
        for measure, one in pair.coefficients.items():
            largest = pair.largest.get(measure) if measure in KAPPA_WEIGHTS else None
            yield _row(row, **_cells(one, vocabulary), largest=largest)
    for dichotomy in pair.dichotomies:
        for one in _of_dichotomy(dichotomy, with_reference=pair.first.reader == reference):
            yield _row(row, threshold=str(dichotomy.threshold), **_cells(one, vocabulary))
    if pair.areas is not None:
        for one in pair.areas.icc.values():
            yield _row(row, **_cells(one, vocabulary))
        yield from (_row(row, **cells) for cells in _limit_cells(pair.areas.limits, pair.areas.n_patients))
        if pair.areas.proportional_bias is not None:
            yield _row(row, **_cells(pair.areas.proportional_bias, None))


def _of_dichotomy(dichotomy: Dichotomy, *, with_reference: bool) -> Iterator[Coefficient]:
    for name in DICHOTOMY_FIELDS:
        if with_reference or name not in OF_A_REFERENCE:
            yield getattr(dichotomy, name)


def _group_rows(group: GroupAgreement, vocabulary: Vocabulary | None) -> Iterator[dict[str, Cell]]:
    names = " | ".join(reading.name for reading in group.readings)
    row: dict[str, Cell] = {"comparison": "all readers", "reader_1": names, "stratum": group.stratum.name}
    for one in (*group.coefficients, *group.icc.values()):
        yield _row(row, **_cells(one, vocabulary))


def _limit_cells(limits: LimitsOfAgreement, n_patients: int) -> Iterator[dict[str, Cell]]:
    for name, value, interval in (
        ("area bias, mm2", limits.bias, limits.bias_interval),
        ("area lower limit of agreement, mm2", limits.lower, limits.lower_interval),
        ("area upper limit of agreement, mm2", limits.upper, limits.upper_interval),
    ):
        yield {
            "coefficient": name,
            "value": value,
            "ci_low": interval.low,
            "ci_high": interval.high,
            "ci_method": IntervalMethod.BOOTSTRAP.value,
            "n": limits.n,
            "n_patients": n_patients,
        }


def _cells(one: Coefficient, vocabulary: Vocabulary | None) -> dict[str, Cell]:
    words = ""
    if vocabulary is not None:
        of_kappa = any(name in one.name for name in _WITH_WORDS)
        words = KOO_LI.word(one.value) if one.name.startswith("ICC") else vocabulary.word(one.value) if of_kappa else ""
    return {
        "coefficient": one.name,
        "value": one.value,
        "ci_low": None if one.interval is None else one.interval.low,
        "ci_high": None if one.interval is None else one.interval.high,
        "ci_method": None if one.method is None else one.method.value,
        "n": one.n,
        "n_patients": one.n_patients,
        "words": words or None,
        "reason": one.reason or None,
    }


def _row(known: Mapping[str, Cell], **cells: Cell) -> dict[str, Cell]:
    row = {**known, **cells}
    return {column: _rounded(row.get(column)) for column in ROW_COLUMNS}


def _rounded(value: Cell) -> Cell:
    return round(value, _DECIMALS) + 0.0 if isinstance(value, float) else value


def agreement_document(
    report: AgreementReport,
    *,
    version: str,
    seed: int,
    inputs: Iterable[Mapping[str, str]] = (),
    vocabulary: Vocabulary | None = None,
) -> dict[str, object]:
    """Describe a report for JSON: every coefficient, the counted pairs, and how all of it was found.

    Parameters
    ----------
    report : AgreementReport
        What to describe.
    version : str
        Of this package.
    seed : int
        Of the resamples.
    inputs : iterable of mappings
        Checksums of the tables.
    vocabulary : Vocabulary or None
        Words beside the kappas.

    Returns
    -------
    dict
        Plain values only.
    """
    return {
        "format": JSON_FORMAT,
        "version": version,
        "seed": seed,
        "n_resamples": report.n_resamples,
        "confidence": CONFIDENCE,
        "intervals": {method.name.lower(): method.value for method in IntervalMethod},
        "inputs": [dict(entry) for entry in inputs],
        "scale": {"name": report.scale, "categories": list(report.categories)},
        "reference": report.reference,
        "words": None if vocabulary is None else {"name": vocabulary.name, "citation": vocabulary.citation},
        "n_foramina": report.n_foramina,
        "n_patients": report.n_patients,
        "readers": [
            {
                "reader": one.reading.reader,
                "session": one.reading.session,
                "grades": dict(zip(map(str, report.categories), one.counts, strict=True)),
                "n_missing": one.n_missing,
                "n_areas": one.n_areas,
            }
            for one in report.readers
        ],
        "tables": [
            {
                "reader_1": pair.first.reader,
                "session_1": pair.first.session,
                "reader_2": pair.second.reader,
                "session_2": pair.second.session,
                "stratum": pair.stratum.name,
                "rows_are": "reader_1",
                "n_one_only": pair.n_one_only,
                "counts": pair.table.tolist(),
            }
            for pair in report.pairs
        ],
        "coefficients": agreement_rows(report, vocabulary=vocabulary),
        "notes": list(report.notes),
    }
