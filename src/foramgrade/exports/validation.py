"""The report of a validation on disk: one page, the same as Markdown with its figures, and a table of all foramina."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from foramgrade.agreement import LEE_CATEGORIES
from foramgrade.exports.folder import fill_folder
from foramgrade.findings import Quantity
from foramgrade.plotting import bland_altman_figure, confusion_figure, write_figure
from foramgrade.plotting.validation import Line, calibration_figure, lines_figure
from foramgrade.tables import write_atomically
from foramgrade.validation import (
    GROWN,
    TITLE,
    FatGroup,
    FatStudy,
    Growth,
    SettingReport,
    Validation,
    write_checks,
    write_document,
    write_html,
    write_markdown,
)
from foramgrade.validation.document import BREAKING, CALIBRATION, CONFUSION, differences_name, growth_name
from foramgrade.validation.perineural import CLEAR_SNR, COARSE, SNR_CLASSES, STUDIED, name_class

PAGE, TEXT, FIGURES, CHECKS = "validation.html", "validation.md", "validation_files", "foramina.csv"
"""Names of what is written."""

#: Lost borders are to be told this well at clinical resolution; drawn as a hairline.
_GOAL = 0.95


def write_validation(found: Validation, folder: Path) -> tuple[str, ...]:
    """Write the report of a validation.

    Parameters
    ----------
    found : Validation
        The result.
    folder : Path
        Made where it does not exist; files of the same names are replaced.

    Returns
    -------
    tuple of str
        Names of what was written. The same version and seed give the same bytes.

    Raises
    ------
    InputError
        If the folder cannot be made or written to.
    """
    blocks = write_document(found)
    with fill_folder(folder) as part:
        figures = part / FIGURES
        figures.mkdir()
        pictures = {}
        for name, draw in _pictures(found).items():
            draw(figures / f"{name}.svg")
            pictures[name] = (figures / f"{name}.svg").read_bytes()
        write_atomically(write_html(TITLE, blocks, pictures), part / PAGE)
        write_atomically(write_markdown(TITLE, blocks, folder=FIGURES), part / TEXT)
        write_checks(found.checks, part / CHECKS)
    return PAGE, TEXT, f"{FIGURES}/", CHECKS


def _pictures(found: Validation) -> dict[str, Callable[[Path], object]]:
    """What draws each figure to a file."""
    draws: dict[str, Callable[[Path], object]] = {}
    for report in found.reports:
        draws[differences_name(report.setting)] = partial(_draw_differences, found, report)
    for growth in found.growth:
        draws[growth_name(growth)] = partial(_draw_growth, growth)
    if found.fat is not None:
        draws[BREAKING] = partial(_draw_breaking, found.fat)
        draws[CONFUSION] = partial(_draw_confusion, found.fat)
        if found.fat.pooled.grades.calibration is not None:
            draws[CALIBRATION] = partial(_draw_calibration, found.fat)
    return draws


def _draw_differences(found: Validation, report: SettingReport, path: Path) -> None:
    checks = [c for c in found.checks if c.case.setting == report.setting and Quantity.AREA in c.measured]
    limits = report.comparison(Quantity.AREA).limits
    lines = () if limits is None else limits.lines
    true, measured = (np.array([getattr(c, of)[Quantity.AREA] for c in checks]) for of in ("truth", "measured"))
    write_figure(bland_altman_figure(true, measured, lines=lines, names=("true", "measured area")), path)


def _draw_growth(growth: Growth, path: Path) -> None:
    panels = []
    for quantity, relative in GROWN:
        kept = [
            (value, limits)
            for value, report in zip(growth.values_mm, growth.reports, strict=True)
            if (limits := report.comparison(quantity, relative=relative).limits) is not None
        ]
        line = Line(
            quantity.value,
            tuple(value for value, _ in kept),
            tuple(limits.bias for _, limits in kept),
            tuple(limits.lower for _, limits in kept),
            tuple(limits.upper for _, limits in kept),
        )
        unit = "% of the area" if relative else "mm of height"
        panels.append(([line], f"{growth.name.capitalize()}, mm", f"Error, {unit}", 0.0))
    write_figure(lines_figure(panels), path)


def _draw_breaking(study: FatStudy, path: Path) -> None:
    """Answers over the pixel of the two-dimensional protocols, and over noise."""
    protocols = {**STUDIED, **COARSE}
    groups = {group.name: group for group in study.protocols}
    by_pixel = [(protocols[name].pixel_mm, groups[name]) for name in protocols if name in groups]
    flat = sorted((one for one in by_pixel if protocols[one[1].name].thickness_mm > 1), key=lambda one: one[0])
    named = {group.name: group for group in study.noise}
    by_noise = [
        ((low + high) / 2, group)
        for low, high in SNR_CLASSES
        if (group := named.get(name_class(low, high))) is not None
    ]
    panels = [
        (_answers(flat), "Pixel, mm (slices of 3 to 4 mm)", "Share, or kappa", _GOAL),
        (_answers(by_noise), f"Signal-to-noise ratio (goals from {CLEAR_SNR:g} on)", "Share, or kappa", _GOAL),
    ]
    write_figure(lines_figure(panels), path)


def _answers(places: list[tuple[float, FatGroup]]) -> list[Line]:
    lines = []
    for name, attribute in (
        ("lost, sensitivity", "lost_sensitivity"),
        ("lost, specificity", "lost_specificity"),
        ("Lee, quadratic kappa", "quadratic_kappa"),
    ):
        found = [(place, getattr(group.grades, attribute)) for place, group in places]
        kept = [(place, one) for place, one in found if one is not None and one.value is not None]
        lows = tuple(one.value if one.interval is None else one.interval.low for _, one in kept)
        highs = tuple(one.value if one.interval is None else one.interval.high for _, one in kept)
        lines.append(Line(name, tuple(p for p, _ in kept), tuple(one.value for _, one in kept), lows, highs))
    return lines


def _draw_confusion(study: FatStudy, path: Path) -> None:
    figure = confusion_figure(
        study.pooled.grades.counts, list(map(str, LEE_CATEGORIES)), first="construction", second="foramgrade"
    )
    write_figure(figure, path)


def _draw_calibration(study: FatStudy, path: Path) -> None:
    calibration = study.pooled.grades.calibration
    if calibration is not None:
        bins = [(one.n, one.confidence, one.right) for one in calibration.bins]
        write_figure(calibration_figure(bins), path)
