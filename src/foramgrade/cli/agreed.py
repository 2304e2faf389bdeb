"""What ``foramgrade agreement`` prints."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from foramgrade.cli.doors import agreement
from foramgrade.cli.screen import NOTE, new_table, open_console

if TYPE_CHECKING:
    from foramgrade.agreement import AgreementReport, Coefficient, PairAgreement, Vocabulary

#: Two classes of more pairs than this are left to the file.
_MOST_PAIRS = 6
#: Values of a kappa's strata stand side by side up to so many.
_MOST_STRATA = 8
_ALL = "all"
#: No table is wider than this, characters.
_WIDEST = 400


def show_agreement(
    report: "AgreementReport",
    *,
    seed: int,
    vocabulary: "Vocabulary | None",
    skipped: Mapping[str, tuple[str, ...]],
) -> None:
    """Print a report on agreement.

    Parameters
    ----------
    report : AgreementReport
        What to print.
    seed : int
        Of the resamples.
    vocabulary : Vocabulary or None
        Words beside the kappas.
    skipped : mapping of str to tuple of str
        By file, columns of published values that nothing here computes.
    """
    console = open_console()
    console.print(
        f"Agreement on the {report.scale} grade: {report.n_foramina} foramina of {report.n_patients} patients. In "
        f"brackets 95 % intervals from {report.n_resamples} resamples of patients, seed {seed}.",
        soft_wrap=True,
    )
    if vocabulary is not None:
        console.print(f"Words: {vocabulary.citation}. A word is a label, not a verdict.", soft_wrap=True)
    _show_readers(console, report)
    graded = [pair for pair in report.pairs if pair.table.any()]
    if graded:
        _show_pairs(console, [pair for pair in graded if pair.stratum.by == _ALL], report, vocabulary)
        _show_strata(console, [pair for pair in graded if pair.stratum.by != _ALL], report)
        _show_dichotomies(console, [pair for pair in graded if pair.stratum.by == _ALL], report)
    _show_groups(console, report)
    _show_areas(console, report)
    _show_differences(console, report)
    _show_published(console, report, skipped)
    _show_reasons(console, report)
    console.print()
    console.print(NOTE)


def _show_readers(console: Console, report: "AgreementReport") -> None:
    names = [str(category) for category in report.categories]
    right = (*names, "Not graded", "Measured")
    table = new_table("Reader", *right, right=right)
    for one in report.readers:
        is_truth = one.reading.reader == report.reference != "reference"
        who = one.reading.name + " (reference)" * is_truth
        table.add_row(who, *map(str, one.counts), str(one.n_missing), str(one.n_areas))
    console.print()
    _print_whole(console, table)


def _show_pairs(
    console: Console, pairs: "list[PairAgreement]", report: "AgreementReport", vocabulary: "Vocabulary | None"
) -> None:
    measure = agreement.Measure
    shown = {
        "Agreement": measure.AGREEMENT,
        "MAE": measure.MEAN_DISTANCE,
        "Kappa": measure.KAPPA,
        "Linear": measure.LINEAR_KAPPA,
        "Quadratic": measure.QUADRATIC_KAPPA,
        "AC1": measure.AC1,
        "AC2": measure.AC2,
    }
    words = [] if vocabulary is None else ["Words"]
    table = new_table("Readers", "n", *shown, *words, right=("n",), whole=("n", *shown, *words))
    for pair in pairs:
        cells = [_cell(pair.coefficients[one], full=one is measure.QUADRATIC_KAPPA) for one in shown.values()]
        quadratic = pair.coefficients[measure.QUADRATIC_KAPPA]
        said = [] if vocabulary is None else [vocabulary.word(quadratic.value) or "-"]
        table.add_row(_pair_name(pair, report.reference), str(quadratic.n), *cells, *said)
    console.print()
    console.print(
        "All foramina; MAE is the mean absolute difference of grades, AC2 has quadratic weights", soft_wrap=True
    )
    _print_whole(console, table)


def _show_strata(console: Console, pairs: "list[PairAgreement]", report: "AgreementReport") -> None:
    strata = list(dict.fromkeys(pair.stratum for pair in pairs))
    rows = {(pair.kind, pair.first, pair.second): pair for pair in pairs}
    found = {(pair.kind, pair.first, pair.second, pair.stratum): pair for pair in pairs}
    for start in range(0, len(strata), _MOST_STRATA):
        part = strata[start : start + _MOST_STRATA]
        names = [stratum.name for stratum in part]
        table = new_table("Readers", *names, whole=tuple(names))
        for key, pair in rows.items():
            there = [found.get((*key, stratum)) for stratum in part]
            quadratic = agreement.Measure.QUADRATIC_KAPPA
            cells = ["-" if one is None else _cell(one.coefficients[quadratic]) for one in there]
            table.add_row(_pair_name(pair, report.reference), *cells)
        console.print()
        console.print("Quadratic kappa by level and side", soft_wrap=True)
        _print_whole(console, table)


def _show_dichotomies(console: Console, pairs: "list[PairAgreement]", report: "AgreementReport") -> None:
    if len(pairs) > _MOST_PAIRS:
        console.print()
        console.print(f"Two classes (at or above a grade) of {len(pairs)} pairs: in agreement.csv, with --out DIR.")
        return
    with_reference = any(pair.first.reader == report.reference for pair in pairs)
    names = ["Kappa", "PABAK", "Pos. agr.", "Neg. agr.", "Bias", "Prevalence"]
    names += ["Sensitivity", "Specificity", "AUC"] if with_reference else []
    table = new_table("Readers", "At least", *names, whole=("At least", *names))
    for pair in pairs:
        for one in pair.dichotomies:
            indices = (one.bias_index.value, one.prevalence_index.value)
            shares = (one.kappa, one.pabak, one.positive_agreement, one.negative_agreement)
            cells = [_cell(share) for share in shares]
            cells += ["-" if index is None else f"{index:+.2f}" for index in indices]
            if with_reference:
                of_truth = (one.sensitivity, one.specificity, one.auc)
                cells += [_cell(share) if pair.first.reader == report.reference else "" for share in of_truth]
            table.add_row(_pair_name(pair, report.reference), str(one.threshold), *cells)
    console.print()
    console.print(
        "Two classes, at or above a grade and below it; indices of bias and prevalence after Byrt", soft_wrap=True
    )
    _print_whole(console, table)


def _show_groups(console: Console, report: "AgreementReport") -> None:
    pooled = [group for group in report.groups if group.stratum.by == _ALL and (group.coefficients or group.icc)]
    for group in pooled:
        table = new_table("Coefficient", "Value", "n", right=("n",))
        for one in (*group.coefficients, *group.icc.values()):
            table.add_row(one.name, _cell(one), str(one.n))
        console.print()
        names = ", ".join(reading.name for reading in group.readings)
        console.print(f"All {len(group.readings)} readers together: {names}", soft_wrap=True)
        _print_whole(console, table)


def _show_areas(console: Console, report: "AgreementReport") -> None:
    pairs = [pair for pair in report.pooled() if pair.areas is not None]
    if not pairs:
        return
    names = ("ICC(2,1)", "ICC(3,1)", "Bias", "Limits of agreement", "Slope")
    table = new_table("Readers", "n", *names, right=("n",), whole=("n", *names))
    for pair in pairs:
        areas = pair.areas
        if areas is None:
            continue
        limits, slope = areas.limits, areas.proportional_bias
        table.add_row(
            _pair_name(pair, report.reference),
            str(limits.n),
            _cell(areas.icc[agreement.IccForm.TWO_WAY_AGREEMENT]),
            _cell(areas.icc[agreement.IccForm.TWO_WAY_CONSISTENCY]),
            f"{limits.bias:+.1f} ({limits.bias_interval.low:+.1f} to {limits.bias_interval.high:+.1f})",
            f"{limits.lower:+.1f} to {limits.upper:+.1f}",
            "-" if slope is None else _cell(slope),
        )
    console.print()
    console.print("Areas, mm2, second - first; the slope is that of the difference over the mean", soft_wrap=True)
    _print_whole(console, table)


def _show_differences(console: Console, report: "AgreementReport") -> None:
    if not report.differences:
        return
    names = ("Difference", "p", "p, Holm", "Exchanges")
    table = new_table("Readers", "Measure", *names, whole=("Measure", *names))
    for tested in report.differences:
        one = tested.difference
        interval = "" if one.interval is None else f" ({one.interval.low:+.3f} to {one.interval.high:+.3f})"
        how = "all" if one.exact else f"{one.n_permutations} random"
        table.add_row(
            f"{tested.first.name} - {tested.second.name}",
            one.measure.value,
            "-" if one.value is None else f"{one.value:+.3f}{interval}",
            _p(one.p_value),
            _p(tested.p_holm),
            how,
        )
    console.print()
    console.print(
        f"Differences against {report.reference}; the labels of a patient are exchanged at once", soft_wrap=True
    )
    _print_whole(console, table)


def _p(value: float | None) -> str:
    return "-" if value is None else "<0.0001" if value < 0.00005 else f"{value:.4f}"


def _show_published(console: Console, report: "AgreementReport", skipped: Mapping[str, tuple[str, ...]]) -> None:
    if not report.published:
        return
    there = [value for value in report.published if value.found is not None]
    apart = [value for value in there if not value.same]
    console.print()
    same = len(there) - len(apart)
    console.print(
        f"Published values: {same} of {len(report.published)} reproduced (to 1e-9, or to the decimals given)."
    )
    for value in apart:
        console.print(
            f"Differs: {value.measure.value} of {value.reader}, published {value.published}, found {value.found:.12g}.",
            soft_wrap=True,
        )
    absent = list(dict.fromkeys(value.reader for value in report.published if value.found is None))
    if absent:
        console.print(f"Without a value here: {', '.join(absent)}.", soft_wrap=True)
    unread = [name for name, columns in skipped.items() if columns]
    for name in unread:
        console.print(f"Not compared, since not computed here, in {name}: {', '.join(skipped[name])}.", soft_wrap=True)
    readers = {value.reader for value in report.published}
    more = [pair.second.name for pair in report.pooled() if pair.second.reader not in readers]
    if more:
        console.print(f"Read here, not published: {', '.join(more)}.", soft_wrap=True)


def _show_reasons(console: Console, report: "AgreementReport") -> None:
    """Say why values or intervals are missing, each reason once."""
    found: dict[str, list[str]] = {}
    for pair in report.pairs:
        if pair.table.any():
            for one in pair.coefficients.values():
                if one.reason:
                    where = "" if pair.stratum.by == _ALL else f" at {pair.stratum.name}"
                    found.setdefault(one.reason, []).append(f"{_pair_name(pair, report.reference)}{where}")
    if found:
        console.print()
    for reason, places in found.items():
        names = list(dict.fromkeys(places))
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        console.print(f"{shown}: {reason}.", soft_wrap=True)


def _pair_name(pair: "PairAgreement", reference: str | None) -> str:
    return pair.second.name if pair.first.reader == reference else f"{pair.first.name} | {pair.second.name}"


def _cell(one: "Coefficient", *, full: bool = True) -> str:
    if one.value is None:
        return "-"
    value = f"{one.value:.3f}"
    return f"{value} ({one.interval.low:.2f} to {one.interval.high:.2f})" if full and one.interval else value


def _print_whole(console: Console, table: Table) -> None:
    """Print a table whose cells are whole: lines that the terminal breaks are better than cells that are cut."""
    width = console.width
    console.width = max(width, Measurement.get(console, console.options.update(width=_WIDEST), table).maximum)
    console.print(table)
    console.width = width
