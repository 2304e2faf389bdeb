"""A report on agreement in a folder: every coefficient as rows and as a document, and its figures."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path

from foramgrade.agreement import AgreementReport, Measure, PairAgreement, Vocabulary
from foramgrade.agreement.documents import ROW_COLUMNS, agreement_document, agreement_rows
from foramgrade.agreement.matrix import ALL
from foramgrade.exports.folder import fill_folder
from foramgrade.plotting import ForestRow, bland_altman_figure, confusion_figure, forest_figure, write_figure
from foramgrade.tables import write_atomically, write_table

#: Subfolder of the figures.
FIGURES = "figures"
#: Names that this package gives to them.
_FIGURE_NAME = re.compile(r"(confusion|bland_altman)_.*\.png|kappa_forest\.png")
#: Characters of a reader's name that go into a file name as they are.
_UNSAFE = re.compile(r"[^\w.+-]+")


def write_agreement(
    report: AgreementReport,
    folder: Path,
    *,
    seed: int,
    inputs: Iterable[Mapping[str, str]] = (),
    vocabulary: Vocabulary | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[str, ...]:
    """Write a report on agreement.

    Parameters
    ----------
    report : AgreementReport
        What to write.
    folder : Path
        Made where it does not exist.
    seed : int
        Of the resamples.
    inputs : iterable of mappings
        Checksums of the tables.
    vocabulary : Vocabulary or None
        Words beside the kappas.
    progress : callable or None
        Called with the number of figures done and of all figures.

    Returns
    -------
    tuple of str
        What was written, relative to `folder`: ``agreement.csv``, ``agreement.json``, and in ``figures/`` a confusion
        matrix per pair, a Bland-Altman plot per pair with areas, and ``kappa_forest.png``.

    Raises
    ------
    InputError
        If the folder cannot be written to.

    Notes
    -----
    Figures of an earlier run that this one does not write are removed; nothing else in the folder is touched.
    """
    rows = agreement_rows(report, vocabulary=vocabulary)
    document = agreement_document(
        report, version=version("foramgrade"), seed=seed, inputs=inputs, vocabulary=vocabulary
    )
    figures = _plan_figures(report, vocabulary)
    with fill_folder(folder) as part:
        write_table(rows, ROW_COLUMNS, part / "agreement.csv")
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        write_atomically(text, part / "agreement.json")
        for done, (name, draw) in enumerate(figures.items(), start=1):
            (part / FIGURES).mkdir(exist_ok=True)
            draw(part / FIGURES / name)
            if progress is not None:
                progress(done, len(figures))
        _remove_figures(folder / FIGURES, keep=set(figures))
    return ("agreement.csv", "agreement.json", *(f"{FIGURES}/{name}" for name in figures))


def _remove_figures(figures: Path, *, keep: set[str]) -> None:
    if figures.is_dir():
        for figure in figures.iterdir():
            if figure.name not in keep and _FIGURE_NAME.fullmatch(figure.name):
                figure.unlink()


def _plan_figures(report: AgreementReport, vocabulary: Vocabulary | None) -> dict[str, Callable[[Path], object]]:
    """Name of every figure, and what draws it."""
    found: dict[str, Callable[[Path], object]] = {}
    for pair in report.pooled():
        if pair.table.any():
            found[_free_name("confusion", pair, found)] = partial(_draw_confusion, report, pair)
        if pair.areas is not None:
            found[_free_name("bland_altman", pair, found)] = partial(_draw_areas, pair)
    rows = forest_rows(report, vocabulary)
    if rows:
        name = f"Quadratic kappa, {report.scale} grade, with 95 % interval over patients"
        found["kappa_forest.png"] = lambda path: write_figure(forest_figure(rows, name=name), path)
    return found


def _free_name(kind: str, pair: PairAgreement, taken: Mapping[str, object]) -> str:
    """Name of a file that no other pair has, also where readers' names differ by signs alone."""
    stem = "_".join((kind, *(_UNSAFE.sub("-", one.name).strip("-.")[:60] for one in (pair.first, pair.second))))
    names = (f"{stem}{suffix}.png" for suffix in ("", *(f"_{n}" for n in range(2, len(taken) + 3))))
    return next(name for name in names if name.lower() not in map(str.lower, taken))


def _draw_confusion(report: AgreementReport, pair: PairAgreement, path: Path) -> None:
    one = pair.coefficients[Measure.AGREEMENT]
    title = f"{report.scale} grade, {one.n} foramina of {one.n_patients} patients"
    names = [str(category) for category in report.categories]
    figure = confusion_figure(pair.table, names, first=pair.first.name, second=pair.second.name, title=title)
    write_figure(figure, path)


def _draw_areas(pair: PairAgreement, path: Path) -> None:
    areas = pair.areas
    if areas is None:
        return
    limits = areas.limits
    names = pair.first.name, pair.second.name
    title = f"Area, {limits.n} foramina of {areas.n_patients} patients"
    write_figure(
        bland_altman_figure(areas.first_mm2, areas.second_mm2, lines=limits.lines, names=names, title=title), path
    )


def forest_rows(report: AgreementReport, vocabulary: Vocabulary | None) -> list[ForestRow]:
    """Quadratic kappas under each other: by pair where there are levels or sides, otherwise all pairs together."""
    graded = [pair for pair in report.pairs if pair.table.any()]
    by_stratum = any(pair.stratum.by != ALL for pair in graded)
    groups: dict[str, list[ForestRow]] = {}
    for pair in graded:
        name = pair.second.name if pair.first.reader == report.reference else f"{pair.first.name} | {pair.second.name}"
        where = "all foramina" if pair.stratum.by == ALL else pair.stratum.name
        heading, label = (name, where) if by_stratum else (f"{pair.kind.value.capitalize()}, {where}", name)
        groups.setdefault(heading, []).append(_forest_row(label, pair, vocabulary))
    return [row for heading, rows in groups.items() for row in (ForestRow(heading), *rows)]


def _forest_row(label: str, pair: PairAgreement, vocabulary: Vocabulary | None) -> ForestRow:
    one = pair.coefficients[Measure.QUADRATIC_KAPPA]
    if one.value is None:
        return ForestRow(label, note="not defined")
    low, high = (None, None) if one.interval is None else one.interval
    return ForestRow(label, one.value, low, high, "" if vocabulary is None else vocabulary.word(one.value))
