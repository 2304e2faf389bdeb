"""What ``foramgrade validate`` prints."""

from typing import TYPE_CHECKING

from rich.console import Console

from foramgrade.cli.doors import validation
from foramgrade.cli.screen import new_table, open_console

if TYPE_CHECKING:
    from foramgrade.validation import FatStudy, GradeReport, Growth, RepeatReport, SettingReport, Validation

_GRADE_ROWS = {
    "Foramina graded": "n_graded",
    "Lee grade, exact agreement": "exact",
    "Lee grade, quadratic kappa": "quadratic_kappa",
    "Lost borders, sensitivity": "lost_sensitivity",
    "Lost borders, specificity": "lost_specificity",
    "Deformed root, sensitivity": "deformed_sensitivity",
    "Deformed root, specificity": "deformed_specificity",
}


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
    if found.repeats is not None:
        console.print()
        _show_repeats(console, found.repeats)
    if found.fat is not None:
        console.print()
        _show_fat(console, found.fat)


def _show_setting(console: Console, report: "SettingReport") -> None:
    console.print(
        f"{report.n_foramina} foramina, {report.n_measured} measured, {report.n_misplaced} at a wrong level or side, "
        f"{len(report.refusals)} of {report.n_phantoms} studies refused"
    )
    for refusal in sorted(set(report.refusals)):
        console.print(f"Refused: {refusal}", soft_wrap=True)
    names = validation.COMPARISON_HEAD
    table = new_table("Quantity", *names, right=names, whole=("Quantity", *names))
    absent = []
    for comparison in report.comparisons:
        if comparison.limits is None:
            absent.append(comparison.quantity.value)
        else:
            table.add_row(validation.comparison_name(comparison), *validation.comparison_cells(comparison))
    console.width = max(console.width, 132)  # lines that break are better than cells that are cut
    console.print(table)
    if absent:
        console.print(f"Not measured: {', '.join(dict.fromkeys(absent))}", soft_wrap=True)


def _show_grades(console: Console, grades: "list[tuple[str, GradeReport]]") -> None:
    names = [name for name, _ in grades]
    table = new_table("Grades", *names, right=tuple(names))
    for heading, attribute in _GRADE_ROWS.items():
        values = [getattr(report, attribute) for _, report in grades]
        cells = [str(v) if isinstance(v, int) else validation.coefficient_cell(v, decimals=2) for v in values]
        table.add_row(heading, *cells)
    sure = [report.calibration for _, report in grades]
    table.add_row("Mean confidence", *("-" if one is None else f"{one.mean:.2f}" for one in sure))
    table.add_row("Expected calibration error", *("-" if one is None else f"{one.error:.3f}" for one in sure))
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
    for quantity, relative in validation.GROWN:
        for value, report in zip(growth.values_mm, growth.reports, strict=True):
            comparison = report.comparison(quantity, relative=relative)
            n, missing, bias, _, limits, _, median, p95, _ = validation.comparison_cells(comparison)
            coverage = validation.comparison_cells(report.comparison(quantity))[-1]
            name = validation.comparison_name(comparison)
            table.add_row(f"{value:g}", name, n, missing, bias, limits, median, p95, coverage)
    console.print(table)


def _show_repeats(console: Console, repeats: "RepeatReport") -> None:
    spines = f"{repeats.n_spines} spine{'s' * (repeats.n_spines != 1)}"
    console.print(
        f"Repeats: {spines} scanned and segmented {repeats.n_visits} times, differently placed",
        soft_wrap=True,
    )
    shown = ("n", "ICC(2,1)", "SD of repeats", "Smallest change", "Stated u")
    table = new_table("Quantity", *shown, right=shown, whole=("Quantity", *shown))
    for one in repeats.quantities:
        stated = "-" if one.stated is None else f"{one.stated:.2f}"
        numbers = (f"{one.sd_within:.2f}", f"{one.smallest_change:.2f}", stated)
        table.add_row(one.quantity.value, str(one.n), validation.coefficient_cell(one.icc), *numbers)
    console.print(table)
    if repeats.grades is not None:
        kappa = validation.coefficient_cell(repeats.grades)
        console.print(f"Lee grades of the first two visits: quadratic kappa {kappa}", soft_wrap=True)


def _show_fat(console: Console, study: "FatStudy") -> None:
    console.print(
        "Perineural fat: every pattern of lost borders, films of one pixel, SNR 10 to 40, coil falling by 1 to 4",
        soft_wrap=True,
    )
    shown = ("n", "Graded", "Lost +", "Lost -", "Deformed +", "Deformed -", "Exact", "QWK", "Confidence", "ECE")
    table = new_table("Foramina", *shown, right=shown, whole=("Foramina", *shown))
    for group in (*study.protocols, *study.clear, *study.noise, *study.kinds):
        grades, sure = group.grades, group.grades.calibration
        lost, deformed = (
            (grades.lost_sensitivity, grades.lost_specificity),
            (grades.deformed_sensitivity, grades.deformed_specificity),
        )
        shares = (*lost, *deformed, grades.exact, grades.quadratic_kappa)
        cells = ["-" if one is None or one.value is None else f"{one.value:.3f}" for one in shares]
        cells += ["-", "-"] if sure is None else [f"{sure.mean:.3f}", f"{sure.error:.3f}"]
        table.add_row(group.name, str(group.n_foramina), str(grades.n_graded), *cells)
    console.print(table)
    console.print(
        "Lost and Deformed: sensitivity (+) and specificity (-). QWK: quadratic kappa. ECE: expected "
        "calibration error.",
        soft_wrap=True,
    )
