"""Check how often intervals of kappa over patients hold the true value, by how many patients there are.

Usage: python scripts/check_intervals.py [--repeats 1000] [--resamples 1000] [--seed 1]

Two readers see foramina whose severity is half the patient's and half their own, about two thirds of them normal; the
true kappa is that of 200,000 patients. Printed per number of patients: share of intervals that hold the true value, and
their mean width, for the plain percentiles, the bias-corrected and accelerated interval, the percentiles widened for
few patients (what the package gives with ``rng``) and the jackknife (without).
"""

import argparse
from collections.abc import Callable

import numpy as np
from scipy import stats

from foramgrade.agreement.kappa import Weights, kappa_statistic
from foramgrade.agreement.resampling import bootstrap_interval, jackknife_interval, leave_one_out, resample

N_FORAMINA = 6
CUTS = (0.5, 1.1, 1.6)


def draw_sums(rng: np.random.Generator, n_patients: int, error: float) -> np.ndarray:
    """Counted pairs of grades per patient, (P, 16)."""
    severity = 0.7 * rng.normal(size=(n_patients, 1)) + 0.71 * rng.normal(size=(n_patients, N_FORAMINA))
    first, second = (np.searchsorted(CUTS, severity + error * rng.normal(size=severity.shape)) for _ in range(2))
    sums = np.zeros((n_patients, 16))
    for foramen in range(N_FORAMINA):
        sums[np.arange(n_patients), first[:, foramen] * 4 + second[:, foramen]] += 1
    return sums


def accelerated(value: float, drawn: np.ndarray, left_out: np.ndarray) -> tuple[float, float]:
    """Interval of Efron 1987."""
    below = np.clip(np.mean(drawn < value) + np.mean(drawn == value) / 2, 0.5 / len(drawn), 1 - 0.5 / len(drawn))
    z0, away = stats.norm.ppf(below), left_out.mean() - left_out
    a = (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    z = z0 + stats.norm.ppf([0.025, 0.975])
    low, high = np.quantile(drawn, stats.norm.cdf(z0 + z / (1 - a * z)))
    return float(low), float(high)


def check(rng: np.random.Generator, weights: Weights, error: float, n_patients: int, given: argparse.Namespace) -> str:
    """One line of the table."""
    statistic = kappa_statistic(4, weights)
    true = float(statistic(draw_sums(rng, 200_000, error).sum(axis=0)))
    kinds: dict[str, Callable[[float, np.ndarray, np.ndarray], tuple[float, float] | None]] = {
        "percentiles": lambda value, drawn, left_out: tuple(np.quantile(drawn, [0.025, 0.975])),
        "accelerated": accelerated,
        "widened": lambda value, drawn, left_out: bootstrap_interval(value, drawn, n_patients=n_patients)[0],
        "jackknife": lambda value, drawn, left_out: jackknife_interval(value, left_out)[0],
    }
    hits: dict[str, list[bool]] = {kind: [] for kind in kinds}
    widths: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(given.repeats):
        sums = draw_sums(rng, n_patients, error)
        value = float(statistic(sums.sum(axis=0)))
        drawn = statistic(resample(sums, rng=rng, n_resamples=given.resamples))
        left_out = statistic(leave_one_out(sums))
        for kind, interval_of in kinds.items():
            interval = interval_of(value, drawn[np.isfinite(drawn)], left_out)
            if interval is not None:
                hits[kind].append(interval[0] <= true <= interval[1])
                widths[kind].append(interval[1] - interval[0])
    cells = "  ".join(f"{np.mean(hits[kind]):10.3f} ({np.mean(widths[kind]):.3f})" for kind in kinds)
    return f"{weights or 'unweighted':11s} {true:5.2f} {n_patients:4d}  {cells}"


def main() -> None:
    """Check and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    print("weights      true patients     percentiles       accelerated           widened         jackknife")
    weightings: tuple[Weights, ...] = (None, "quadratic")
    for error in (0.25, 0.6):
        for weights in weightings:
            for n_patients in (10, 20, 50, 150):
                print(check(rng, weights, error, n_patients, given), flush=True)


if __name__ == "__main__":
    main()
