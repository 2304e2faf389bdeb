"""A table of reads, reported: every pair of readers, all of them together, pooled, by level and by side."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
import numpy.typing as npt

from foramgrade.agreement.areas import compare_areas
from foramgrade.agreement.coefficient import Coefficient
from foramgrade.agreement.dichotomy import compare_classes
from foramgrade.agreement.difference import PERMUTATIONS, adjust_holm, compare_readers
from foramgrade.agreement.icc import icc
from foramgrade.agreement.kappa import NO_PAIRS, ONE_CATEGORY, largest_kappa
from foramgrade.agreement.matrix import ALL, Reading, ReadMatrix, Stratum, make_matrix
from foramgrade.agreement.measures import KAPPA_WEIGHTS, Measure, measure_statistic
from foramgrade.agreement.pairing import pair_rows
from foramgrade.agreement.published import compare_published
from foramgrade.agreement.report import (
    AgreementReport,
    GroupAgreement,
    Kind,
    PairAgreement,
    ReaderSummary,
    TestedDifference,
)
from foramgrade.agreement.resampling import RESAMPLES, draw_resamples, estimate, sum_by_patient
from foramgrade.agreement.several import fleiss_kappa, gwet_ac, krippendorff_alpha, percent_agreement
from foramgrade.errors import InputError
from foramgrade.tables.reader_reads import Reads

#: Up to so many readers are compared each with each; more, only with the reference.
MOST_READERS = 6
#: Measures of which two systems are tested for a difference.
TESTED = (Measure.QUADRATIC_KAPPA, Measure.AGREEMENT, Measure.MEAN_DISTANCE)


def report_reads(
    reads: Reads,
    *,
    rng: np.random.Generator,
    reference: str | None = None,
    against: str | None = None,
    n_resamples: int = RESAMPLES,
    n_permutations: int = PERMUTATIONS,
    progress: Callable[[int, int], None] | None = None,
) -> AgreementReport:
    """Report the agreement of readers, pooled, by level and by side.

    Parameters
    ----------
    reads : Reads
        Of two readers or more, or of one in two sessions.
    rng : numpy.random.Generator
        Where chance comes from.
    reference : str or None
        Reader that stands for the truth; by default the one whose grades stood in a column of the reference.
    against : str or None
        Reader with whom all others are tested for a difference against the reference; by default, where there are two
        readers beside the reference, the second of them.
    n_resamples, n_permutations : int
        Draws of the bootstrap, and exchanges of the test.
    progress : callable or None
        Called with the number of pairs done and of all pairs.

    Returns
    -------
    AgreementReport
        With intervals over patients everywhere.

    Raises
    ------
    InputError
        If there is nobody to compare, a named reader is not there, or a grade is not on the scale.

    Notes
    -----
    *Definition*: readers are compared with each other in the first session of each, and with themselves in every two of
    their sessions. Up to six readers are compared each with each; more, only with the reference, where there is one.
    *Limits*: an interval takes patients as drawn independently from the same population, and the readers as they are.
    """
    reference = reference or reads.reference
    matrix = make_matrix(reads, reference=reference)
    chosen = _find_pairs(matrix, reference)
    if not chosen:
        only = ", ".join(reading.name for reading in matrix.readings)
        msg = f"agreement needs two readers, or one in two sessions, found {only} alone"
        raise InputError(msg)
    strata, categories = matrix.strata(), reads.scale.categories
    options = _Options(categories, rng, n_resamples)
    pairs: list[PairAgreement] = []
    for done, (kind, first, second) in enumerate(chosen, start=1):
        pairs += (_compare(matrix, kind, first, second, stratum, mask, options) for stratum, mask in strata)
        if progress is not None:
            progress(done, len(chosen))
    others = [reading for reading in matrix.first_sessions() if reading.reader != reference]
    return AgreementReport(
        scale=reads.scale.name,
        categories=categories,
        reference=reference,
        n_foramina=len(matrix.patients),
        n_patients=len(set(matrix.patients)),
        n_resamples=n_resamples,
        readers=tuple(_summary(matrix, reading, categories) for reading in matrix.readings),
        pairs=tuple(pairs),
        groups=tuple(_group(matrix, others, stratum, mask, options) for stratum, mask in strata if len(others) > 1),
        differences=tuple(_test(matrix, reference, others, against, options, n_permutations)),
        published=compare_published(reads.published, {p.second.reader: p.coefficients for p in _of(pairs, reference)}),
        notes=reads.notes,
    )


@dataclass(frozen=True, slots=True)
class _Options:
    """What all comparisons of a report share."""

    categories: tuple[Hashable, ...]
    rng: np.random.Generator
    n_resamples: int


def _of(pairs: Iterable[PairAgreement], reference: str | None) -> Iterator[PairAgreement]:
    """Pooled pairs of the reference."""
    return (pair for pair in pairs if pair.stratum.by == ALL and pair.first.reader == reference)


def _find_pairs(matrix: ReadMatrix, reference: str | None) -> list[tuple[Kind, Reading, Reading]]:
    """Who is compared with whom."""
    readers = matrix.first_sessions()
    everyone = reference is None or len(readers) <= MOST_READERS
    inter = [
        (Kind.INTER, first, second)
        for first, second in combinations(readers, 2)
        if everyone or first.reader == reference
    ]
    intra = [
        (Kind.INTRA, first, second)
        for first, second in combinations(matrix.readings, 2)
        if first.reader == second.reader
    ]
    return inter + intra


def _summary(matrix: ReadMatrix, reading: Reading, categories: tuple[Hashable, ...]) -> ReaderSummary:
    grades = matrix.grades[:, matrix.column(reading)]
    counts = tuple(int(np.count_nonzero(grades == category)) for category in categories)
    areas = matrix.areas_mm2[:, matrix.column(reading)]
    return ReaderSummary(reading, counts, len(grades) - sum(counts), int(np.isfinite(areas).sum()))


def _compare(
    matrix: ReadMatrix,
    kind: Kind,
    first: Reading,
    second: Reading,
    stratum: Stratum,
    mask: npt.NDArray[np.bool_],
    options: _Options,
) -> PairAgreement:
    columns = [matrix.column(first), matrix.column(second)]
    a, b = matrix.grades[mask][:, columns].T
    size = len(options.categories)
    rows, both = pair_rows(a, b, options.categories)
    patients = matrix.patients[mask]
    resamples = draw_resamples(sum_by_patient(rows, patients[both]), rng=options.rng, n_resamples=options.n_resamples)
    table = rows.sum(axis=0).astype(np.int64).reshape(size, size)
    n = len(rows)
    coefficients = {
        measure: estimate(
            measure.value,
            measure_statistic(size, measure),
            resamples,
            n=n,
            by_patient=True,
            undefined=ONE_CATEGORY if n else NO_PAIRS,
            largest=np.inf if measure in (Measure.MEAN_DIFFERENCE, Measure.MEAN_DISTANCE) else 1.0,
        )
        for measure in Measure
    }
    classes = options.categories[1:] if stratum.by == ALL and n else ()
    areas = matrix.areas_mm2[mask][:, columns]
    return PairAgreement(
        kind=kind,
        first=first,
        second=second,
        stratum=stratum,
        table=table,
        n_one_only=sum((one is None) != (other is None) for one, other in zip(a, b, strict=True)),
        coefficients=coefficients,
        largest={measure: largest_kappa(table, weights) for measure, weights in KAPPA_WEIGHTS.items()},
        dichotomies=tuple(
            compare_classes(resamples, threshold, options.categories, n=n, by_patient=True) for threshold in classes
        ),
        areas=compare_areas(*areas.T, patients=patients, rng=options.rng, n_resamples=options.n_resamples),
    )


def _group(
    matrix: ReadMatrix, readers: list[Reading], stratum: Stratum, mask: npt.NDArray[np.bool_], options: _Options
) -> GroupAgreement:
    columns = [matrix.column(reading) for reading in readers]
    grades, areas, patients = matrix.grades[mask][:, columns], matrix.areas_mm2[mask][:, columns], matrix.patients[mask]
    found: list[Coefficient] = []
    if any(grade is not None for grade in grades.flat):
        coefficients = (
            percent_agreement,
            fleiss_kappa,
            gwet_ac,
            partial(gwet_ac, weights="quadratic"),
            krippendorff_alpha,
        )
        found += [
            coefficient(grades, options.categories, patients=patients, rng=options.rng, n_resamples=options.n_resamples)
            for coefficient in coefficients
        ]
    measured = np.isfinite(areas).all(axis=1).sum() > 1
    of_areas = icc(areas, patients=patients, rng=options.rng, n_resamples=options.n_resamples) if measured else {}
    return GroupAgreement(tuple(readers), stratum, tuple(found), of_areas)


def _test(
    matrix: ReadMatrix,
    reference: str | None,
    others: list[Reading],
    against: str | None,
    options: _Options,
    n_permutations: int,
) -> Iterator[TestedDifference]:
    """Hold readers against one of them, with the reference as the truth."""
    if against is not None and reference is None:
        msg = "two readers are held against each other by a reference, found none: name it with --reference"
        raise InputError(msg)
    if against is not None and against not in {reading.reader for reading in others}:
        names = ", ".join(reading.reader for reading in others)
        msg = f"no reader beside the reference is called {against!r}: found {names}"
        raise InputError(msg)
    if reference is None or (against is None and len(others) != 2):
        return
    second = others[-1] if against is None else next(one for one in others if one.reader == against)
    truth = next(one for one in matrix.first_sessions() if one.reader == reference)
    grades = {one: matrix.grades[:, matrix.column(one)] for one in (truth, *others)}
    for measure in TESTED:
        found = [
            (
                first,
                compare_readers(
                    grades[truth],
                    grades[first],
                    grades[second],
                    measure,
                    options.categories,
                    rng=options.rng,
                    patients=matrix.patients,
                    n_resamples=options.n_resamples,
                    n_permutations=n_permutations,
                ),
            )
            for first in others
            if first != second
        ]
        given = [one.p_value for _, one in found if one.p_value is not None]
        adjusted = iter(adjust_holm(given))
        for first, one in found:
            yield TestedDifference(first, second, one, None if one.p_value is None else next(adjusted))
