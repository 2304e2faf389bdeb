"""The validation as a report that a paper could cite: what was done, tables, where figures go, what it does not say."""

from collections.abc import Iterator, Sequence

from foramgrade.agreement import LEE_CATEGORIES
from foramgrade.findings import Quantity
from foramgrade.phantom import Protocol
from foramgrade.validation.grades import GradeReport
from foramgrade.validation.pages import Block, Heading, Paragraph, Picture, Table
from foramgrade.validation.perineural import CLEAR_SNR, FatGroup, FatStudy
from foramgrade.validation.repeats import RepeatReport
from foramgrade.validation.report import SettingReport, compare_quantity
from foramgrade.validation.running import REPEAT_NOISE_MM, Growth, Validation
from foramgrade.validation.wording import COMPARISON_HEAD, coefficient_cell, comparison_cells, comparison_name

TITLE = "Validation of foramgrade on synthetic spines"
#: Quantities whose errors are shown over a property of the study, and whether in percent of the truth.
GROWN = ((Quantity.AREA, True), (Quantity.HEIGHT, False))
#: Names of the figures' files.
CONFUSION, CALIBRATION, BREAKING = "lee_confusion", "confidence_calibration", "where_it_breaks"


def differences_name(setting: str) -> str:
    """Name of the figure of a protocol's differences in area."""
    return f"area_{setting.replace('-', '_')}"


def growth_name(growth: Growth) -> str:
    """Name of the figure of growing errors."""
    return f"growth_{growth.name.replace(' ', '_')}"


def write_document(found: Validation) -> list[Block]:
    """The report in blocks.

    Parameters
    ----------
    found : Validation
        The result.

    Returns
    -------
    list of Block
        The same for the same result; pictures are named, not drawn.
    """
    blocks: list[Block] = [*_methods(found)]
    for report in found.reports:
        blocks += _setting(report, found.protocols[report.setting], found)
    for growth in found.growth:
        blocks += _growth(growth)
    if found.repeats is not None:
        blocks += _repeats(found.repeats)
    graded = [(report.setting, report.grades) for report in found.reports if report.grades is not None]
    if graded:
        blocks += [Heading("Grades on these spines"), _grade_table("Lee grades (floor policy) and findings", graded)]
    if found.fat is not None:
        blocks += _fat(found.fat)
    return [*blocks, *_limits()]


def _methods(found: Validation) -> Iterator[Block]:
    total = len({check.case for check in found.checks})
    yield Paragraph(
        f"foramgrade {found.version}, seed {found.seed}, {found.cases} random spines per protocol; {total} phantoms "
        f"with {len(found.checks)} foramina in all. The same version and seed give the same report, to the byte. "
        "Research and teaching only: never a diagnosis."
    )
    yield Heading("Methods")
    yield Paragraph(
        "Every phantom is a lumbar spine drawn from formulas, so that area, height, widths, volume, root and fat of "
        "each foramen are known by arithmetic and not by a reader. Bodies, discs, pedicles, articular processes, "
        "ligaments, roots, vessels, canal and muscles vary at random within adult ranges, with slips, lordosis and "
        "side curves, oblique and decentred placement in the scanner, a coil that is bright at the back, partial "
        "volume over the thickness of the slice, a point spread, and Rician noise. Labels are drawn with the image, as "
        "a perfect segmentation would, unless borders are said to be displaced."
    )
    yield Paragraph(
        "Errors are measured - true. Limits of agreement are the bias +- 1.96 SD with 95 % intervals after Bland and "
        "Altman (1999), foramina taken as independent. Coverage is the share of true values within 1.96 of the "
        "standard uncertainties that the tool itself gives. Intervals of shares and kappas leave out one spine at a "
        "time (jackknife), since foramina of a spine are alike."
    )
    rows = [
        (name, *(f"{value:g}" for value in (p.pixel_mm, p.thickness_mm, p.spacing_mm, p.n_slices)))
        for name, p in found.protocols.items()
    ]
    yield Table("Protocols", ("Protocol", "Pixel, mm", "Slice, mm", "Spacing, mm", "Slices"), tuple(rows))


def _setting(report: SettingReport, protocol: Protocol, found: Validation) -> Iterator[Block]:
    yield Heading(f"Measures: {report.setting}")
    yield Paragraph(
        f"{report.n_foramina} foramina of {_spines(report.n_phantoms)}, pixels of {protocol.pixel_mm:g} mm, slices "
        f"every {protocol.spacing_mm:g} mm: {report.n_measured} measured, {report.n_misplaced} at a wrong level or "
        f"side, {len(report.refusals)} studies refused."
    )
    for refusal in sorted(set(report.refusals)):
        yield Paragraph(f"Refused: {refusal}.")
    yield Table(
        "Measured against true values",
        ("Quantity", *COMPARISON_HEAD),
        tuple((comparison_name(one), *comparison_cells(one)) for one in report.comparisons),
    )
    checks = [check for check in found.checks if check.case.setting == report.setting]
    levels = list(dict.fromkeys(check.level for check in checks))
    by_level = [
        (level, compare_quantity([check for check in checks if check.level == level], Quantity.AREA, relative=relative))
        for level in levels
        for relative in (False, True)
    ]
    yield Table(
        "Area by level",
        ("Level", *COMPARISON_HEAD),
        tuple((f"{level}, {one.unit}", *comparison_cells(one)) for level, one in by_level),
    )
    yield Picture(
        differences_name(report.setting),
        f"{report.setting}: measured - true area over the mean of the two, with bias and limits of agreement",
    )


def _growth(growth: Growth) -> Iterator[Block]:
    yield Heading(f"Growth of errors with {growth.name}")
    yield Paragraph(
        f"{_spines(growth.reports[0].n_phantoms)}, the same at every value; labels only, otherwise as in clinical-2d."
    )
    rows = []
    for quantity, relative in GROWN:
        for value, report in zip(growth.values_mm, growth.reports, strict=True):
            one = report.comparison(quantity, relative=relative)
            coverage = comparison_cells(report.comparison(quantity))[-1]
            rows.append((f"{comparison_name(one)}, {value:g} mm", *comparison_cells(one)[:-1], coverage))
    yield Table(f"Errors by {growth.name}", ("Quantity", *COMPARISON_HEAD), tuple(rows))
    yield Picture(growth_name(growth), f"Bias with limits of agreement (bars) over {growth.name}")


def _repeats(found: RepeatReport) -> Iterator[Block]:
    yield Heading("Repeats")
    yield Paragraph(
        f"{_spines(found.n_spines)}, each {found.n_visits} times in the scanner: moved by up to half a slice, turned "
        f"by up to 2 degrees, with new noise and labels whose borders are displaced anew by {REPEAT_NOISE_MM:g} mm "
        "root mean square. The smallest detectable change is 1.96 sqrt(2) times the standard deviation of repeats; "
        "beside it the standard uncertainty that the tool gives of each value."
    )
    rows = [
        (
            f"{one.quantity.value} ({one.unit})",
            str(one.n),
            coefficient_cell(one.icc),
            f"{one.sd_within:.2f}",
            f"{one.smallest_change:.2f}",
            "-" if one.stated is None else f"{one.stated:.2f}",
        )
        for one in found.quantities
    ]
    head = ("Quantity", "n", "ICC(2,1) (95 % CI)", "SD of repeats", "Smallest change", "Stated u")
    yield Table("Repeatability", head, tuple(rows))
    if found.grades is not None:
        kappa = coefficient_cell(found.grades)
        yield Paragraph(
            f"Lee grades of the first two visits agree with a quadratic-weighted kappa of {kappa}, on {found.grades.n} "
            "foramina."
        )


def _fat(study: FatStudy) -> Iterator[Block]:
    grades = study.pooled.grades
    yield Heading("Perineural fat, borders and grades")
    yield Paragraph(
        "Other spines: all 16 patterns of lost borders equally often, a fifth of the roots deformed, thin fat a film "
        "of one pixel, T1 and T2 in turn, a signal-to-noise ratio of 10 to 40, a coil that falls by a factor of 1 to 4."
    )
    yield _fat_table("By protocol; from 0.8 mm on to show where it breaks", study.protocols)
    yield _fat_table(f"Signal-to-noise ratio of at least {CLEAR_SNR:g}", study.clear)
    yield _fat_table("By signal-to-noise ratio, all studied protocols", study.noise)
    yield _fat_table("By contrast, and foramina with a film of fat, all studied protocols", study.kinds)
    yield Picture(BREAKING, "Sensitivity and specificity for lost borders, and kappa of Lee, by pixel and by noise")
    names = list(map(str, LEE_CATEGORIES))
    rows = [(f"true {n}", *map(str, row)) for n, row in zip(names, grades.counts.tolist(), strict=True)]
    yield Table("True Lee grades against answers, all studied protocols", ("", *names), tuple(rows))
    yield Picture(CONFUSION, "True Lee grades (rows) against answers, all studied protocols")
    if grades.calibration is not None:
        yield Paragraph(
            f"Confidence is {grades.calibration.mean:.3f} on average and {coefficient_cell(grades.exact)} of the "
            "grades are right; the expected calibration error over tenths of confidence is "
            f"{grades.calibration.error:.3f}."
        )
        yield Picture(CALIBRATION, "Share of right grades over their confidence, with the number of grades per bin")


def _limits() -> Iterator[Block]:
    yield Heading("What this does not say")
    yield Paragraph(
        "A phantom is kinder than a patient: its fat, roots and ligaments are of one brightness each, nothing moves or "
        "flows, vessels are few, and the labels miss no structure. How well grades agree with readers on patients can "
        "only be learnt from patients. Sensitivities are those for fat that is there or not by construction; a reader "
        "sees no such truth."
    )


def _fat_table(caption: str, groups: Sequence[FatGroup]) -> Table:
    named = [(f"{group.name} (n = {group.n_foramina})", group.grades) for group in groups]
    return _grade_table(caption, named)


def _grade_table(caption: str, grades: Sequence[tuple[str, GradeReport]]) -> Table:
    head = ("Lost, sens.", "Lost, spec.", "Deformed, sens.", "Deformed, spec.", "Exact", "QWK", "Confidence", "ECE")
    rows = []
    for name, one in grades:
        shares = (one.lost_sensitivity, one.lost_specificity, one.deformed_sensitivity, one.deformed_specificity)
        sure = one.calibration
        rows.append(
            (
                name,
                str(one.n_graded),
                *(coefficient_cell(share) for share in (*shares, one.exact, one.quadratic_kappa)),
                *(("-", "-") if sure is None else (f"{sure.mean:.3f}", f"{sure.error:.3f}")),
            )
        )
    return Table(caption, ("", "Graded", *head), tuple(rows))


def _spines(n: int) -> str:
    return f"{n} spine{'s' * (n != 1)}"
