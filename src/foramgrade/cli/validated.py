"""What ``foramgrade validate`` prints."""

from typing import TYPE_CHECKING

from rich.console import Console

from foramgrade.cli.screen import new_table, open_console
from foramgrade.findings import Quantity

if TYPE_CHECKING:
    from foramgrade.validation import Comparison, GradeReport, Growth, SettingReport, Validation

#: Decimals of an error, by its unit.
_DECIMALS = {"mm": 2, "mm2": 1, "mm3": 0, "deg": 2, "1": 3, "%": 1}
_NUMBERS = ("n", "Missing", "Bias", "95 % CI", "Limits of agreement", "CI +-", "Median error", "95th pct", "Coverage")
_GRADE_ROWS = {
    "Foramina graded": "n_graded",
    "Lee grade, exact agreement": "exact",
    "Lee grade, quadratic kappa": "quadratic_kappa",
    "Mean confidence": "mean_confidence",
    "Lost borders, sensitivity": "lost_sensitivity",
    "Lost borders, specificity": "lost_specificity",
    "Deformed root, sensitivity": "deformed_sensitivity",
    "Deformed root, specificity": "deformed_specificity",
}
#: What growth is shown of: quantity, and whether in percent.
_GROWN = ((Quantity.AREA, True), (Quantity.HEIGHT, False))


def show_validation(found: "Validation") -> None:
    """Print agreement with the truth per protocol, grades, and how errors grow."""
    console = open_console()
    total = sum(report.n_phantoms for report in found.reports)
    what = "geometry only" if found.geometry_only else "image and geometry"
    console.print(
        f"foramgrade {found.version}, seed {found.seed}: random phantoms with known truth, {found.cases} per protocol, "
        f"{total} in all; {what}.",
        soft_wrap=True,
    )
    console.print(
        "Errors are measured - true. Limits of agreement are bias +- 1.96 SD, with 95 % confidence intervals (Bland "
        "and Altman 1999) that take foramina as independent. "
        "Median and 95th percentile are of the error without its sign. "
        "Coverage is the share of true values within 1.96 standard uncertainties. A phantom is kinder than a patient.",
        soft_wrap=True,
    )
    for report in found.reports:
        protocol = found.protocols[report.setting]
        console.print()
        console.print(
            f"{report.setting}: slices of {protocol.thickness_mm:g} mm every {protocol.spacing_mm:g} mm, pixels of "
            f"{protocol.pixel_mm:g} mm"
        )
        _show_setting(console, report)
    grades = [(report.setting, report.grades) for report in found.reports if report.grades is not None]
    if grades:
        console.print()
        _show_grades(console, grades)
    for growth in found.growth:
        console.print()
        _show_growth(console, growth)


def _show_setting(console: Console, report: "SettingReport") -> None:
    console.print(
        f"{report.n_foramina} foramina, {report.n_measured} measured, {report.n_misplaced} at a wrong level or side, "
        f"{len(report.refusals)} of {report.n_phantoms} studies refused"
    )
    for refusal in sorted(set(report.refusals)):
        console.print(f"Refused: {refusal}", soft_wrap=True)
    table = new_table("Quantity", *_NUMBERS, right=_NUMBERS, whole=("Quantity", *_NUMBERS))
    absent = []
    for comparison in report.comparisons:
        if comparison.limits is None:
            absent.append(comparison.quantity.value)
        else:
            table.add_row(_name(comparison), *_cells(comparison))
    console.width = max(console.width, 132)  # lines that break are better than cells that are cut
    console.print(table)
    if absent:
        console.print(f"Not measured: {', '.join(dict.fromkeys(absent))}", soft_wrap=True)


def _name(comparison: "Comparison") -> str:
    name = comparison.quantity.value
    return f"{name}, in %" if comparison.unit == "%" else name


def _cells(comparison: "Comparison") -> list[str]:
    limits, n = comparison.limits, _DECIMALS[comparison.unit]
    if limits is None:
        return ["-"] * len(_NUMBERS)
    return [
        str(limits.n),
        str(comparison.n_missing),
        f"{limits.bias:+.{n}f}",
        f"{limits.bias_interval.low:+.{n}f} to {limits.bias_interval.high:+.{n}f}",
        f"{limits.lower:+.{n}f} to {limits.upper:+.{n}f}",
        f"{limits.upper_interval.high - limits.upper:.{n}f}",
        f"{limits.median_error:.{n}f}",
        f"{limits.p95_error:.{n}f}",
        "-" if comparison.coverage is None else f"{comparison.coverage:.0%}",
    ]


def _show_grades(console: Console, grades: "list[tuple[str, GradeReport]]") -> None:
    names = [name for name, _ in grades]
    table = new_table("Grades", *names, right=tuple(names))
    for heading, attribute in _GRADE_ROWS.items():
        values = [getattr(report, attribute) for _, report in grades]
        table.add_row(heading, *("-" if v is None else str(v) if isinstance(v, int) else f"{v:.2f}" for v in values))
    console.print(table)


def _show_growth(console: Console, growth: "Growth") -> None:
    console.print(
        f"Errors with {growth.name}: the same spines at every value ({growth.reports[0].n_phantoms}), geometry only, "
        "otherwise as in clinical-2d",
        soft_wrap=True,
    )
    shown = ("n", "Missing", "Bias", "Limits of agreement", "Median error", "95th pct", "Coverage")
    headings = (growth.name.capitalize() + ", mm", "Quantity", *shown)
    table = new_table(*headings, right=tuple(h for h in headings if h != "Quantity"), whole=headings)
    for quantity, relative in _GROWN:
        for value, report in zip(growth.values_mm, growth.reports, strict=True):
            comparison = report.comparison(quantity, relative=relative)
            n, missing, bias, _, limits, _, median, p95, _ = _cells(comparison)
            coverage = _cells(report.comparison(quantity))[-1]
            table.add_row(f"{value:g}", _name(comparison), n, missing, bias, limits, median, p95, coverage)
    console.print(table)
