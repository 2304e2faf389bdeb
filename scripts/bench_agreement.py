"""Time the intervals and tests of agreement on as many foramina and patients as the largest public study has.

Usage: python scripts/bench_agreement.py [--resamples 20000] [--systems 14]

2,978 foramina of 468 patients, simulated; one core where the libraries are told so (OMP_NUM_THREADS=1). Beside the sums
of patients stands the loop that everybody writes first, timed on 50 resamples and scaled.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from foramgrade.agreement import Measure, cohen_kappa, compare_readers, icc, krippendorff_alpha
from foramgrade.agreement.kappa import kappa_statistic
from foramgrade.agreement.pairing import pair_rows
from foramgrade.agreement.resampling import resample, sum_by_patient

N_FORAMINA, N_PATIENTS = 2978, 468
LOOPED = 50
#: 20,000 resamples of one coefficient are to take less, s.
GOAL_S = 10.0


def simulate(rng: np.random.Generator, systems: int) -> tuple[np.ndarray, np.ndarray]:
    """Grades of a reference and of systems, (N, 1 + systems), and patients."""
    patients = np.sort(rng.integers(0, N_PATIENTS, N_FORAMINA))
    severity = rng.normal(0, 0.7, N_PATIENTS)[patients] + rng.normal(0, 0.7, N_FORAMINA)
    seen = severity[:, None] + rng.normal(0, 0.4, (N_FORAMINA, 1 + systems))
    return np.searchsorted([0.5, 1.1, 1.6], seen), patients


def timed(what: str, call: Callable[[], object]) -> float:
    """Print how long a call takes, seconds."""
    started = time.perf_counter()
    call()
    took = time.perf_counter() - started
    print(f"{what:72s} {took:8.2f} s")
    return took


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resamples", type=int, default=20_000)
    parser.add_argument("--systems", type=int, default=14)
    given = parser.parse_args()
    n, rng = given.resamples, np.random.default_rng(1)
    grades, patients = simulate(rng, given.systems)
    truth, first, second = grades.T[:3]
    print(f"{N_FORAMINA} foramina, {len(set(patients))} patients, {n} resamples")
    took = timed(
        "quadratic kappa of one system",
        lambda: cohen_kappa(truth, first, "quadratic", patients=patients, rng=rng, n_resamples=n),
    )
    print(f"{'':4s}goal {GOAL_S:g} s: {'met' if took < GOAL_S else 'missed'}")

    def every_system() -> None:
        rows = np.hstack([pair_rows(truth, reads, range(4))[0] for reads in grades.T[1:]])
        drawn = resample(sum_by_patient(rows, patients), rng=rng, n_resamples=n)
        for system in range(given.systems):
            kappa_statistic(4, "quadratic")(drawn[:, 16 * system : 16 * system + 16])

    timed(f"quadratic kappa of {given.systems} systems, the same draws", every_system)
    timed(
        "Krippendorff's alpha of all of them",
        lambda: krippendorff_alpha(grades, patients=patients, rng=rng, n_resamples=n),
    )
    timed(
        "all forms of ICC of all of them", lambda: icc(grades.astype(float), patients=patients, rng=rng, n_resamples=n)
    )
    timed(
        "difference of two systems: interval, and as many random exchanges",
        lambda: compare_readers(truth, first, second, patients=patients, rng=rng, n_resamples=n, n_permutations=n),
    )
    timed(
        "difference of two accuracies: interval, and every exchange",
        lambda: compare_readers(truth, first, second, Measure.AGREEMENT, patients=patients, rng=rng, n_resamples=n),
    )
    foramina = [np.flatnonzero(patients == patient) for patient in np.unique(patients)]

    def loop() -> None:
        for _ in range(LOOPED):
            chosen = np.concatenate([foramina[i] for i in rng.integers(0, len(foramina), len(foramina))])
            cohen_kappa(truth[chosen], first[chosen], "quadratic")

    started = time.perf_counter()
    loop()
    took = (time.perf_counter() - started) * n / LOOPED
    print(f"{'one system by a loop over resamples, scaled from ' + str(LOOPED):72s} {took:8.2f} s")


if __name__ == "__main__":
    main()
