"""Check findings, grades and confidence on random phantoms of every pattern of lost borders.

Usage: python scripts/check_grades.py [--studies N] [--seed S] [--jobs J] [--out FILE.csv]

Every study has ten foramina: all 16 patterns of lost borders equally often, a fifth of the roots deformed, thin fat a
film of one pixel, T1 and T2 in turn, a signal-to-noise ratio of 10 to 40, and a coil whose sensitivity falls by a
factor of 1 to 4 from back to front. Printed per protocol, by noise, and for pixels that grow: where it breaks.
"""

import argparse
import csv
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from foramgrade.findings import Border, RootShape
from foramgrade.phantom import CLINICAL_2D, FINE_2D, ISOTROPIC, Protocol, make_phantom, random_spec
from foramgrade.pipeline import assess
from foramgrade.volume import Sequence as Contrast

PROTOCOLS = {
    "0.6 / 4.4 mm": CLINICAL_2D,
    "0.45 / 3.3 mm": FINE_2D,
    "0.9 mm isotropic": ISOTROPIC,
    "0.7 / 4.5 mm": replace(CLINICAL_2D, pixel_mm=0.7, spacing_mm=4.5),
}
COARSE = {
    "0.8 / 4.4 mm": replace(CLINICAL_2D, pixel_mm=0.8),
    "1.0 / 4.4 mm": replace(CLINICAL_2D, pixel_mm=1.0),
    "1.2 / 4.4 mm": replace(CLINICAL_2D, pixel_mm=1.2),
}
SNR, COIL_FALL = (10.0, 40.0), (1.0, 4.0)
#: Bins of confidence for the calibration error (Naeini MP et al., AAAI 2015).
BINS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """Truth and answer of one foramen."""

    protocol: str
    sequence: str
    snr: float
    film: bool
    true_lost: frozenset[Border]
    true_changed: bool
    true_lee: int
    lost: frozenset[Border] | None = None
    changed: bool | None = None
    lee: int | None = None
    confidence: float | None = None


def check_study(task: tuple[str, Protocol, int, int]) -> list[Answer]:
    """Draw one study and grade it."""
    name, protocol, seed, number = task
    rng = np.random.default_rng([seed, number, round(100 * protocol.pixel_mm), round(100 * protocol.spacing_mm)])
    sequence = (Contrast.T1, Contrast.T2)[number % 2]
    spec = random_spec(rng, protocol=protocol, sequence=sequence, snr=SNR, coil_fall=COIL_FALL, every_pattern=True)
    made = make_phantom(spec, rng=rng)
    answers = {(one.level, one.side): one for one in assess(made.image, made.labels).foramina}
    found = []
    for truth in made.truth:
        film = any(0 < fat < 1.25 * protocol.pixel_mm for fat in truth.fat_mm.values())
        changed = truth.root_shape is RootShape.CHANGED
        answer = Answer(name, sequence.value, spec.snr, film, truth.lost, changed, int(truth.lee))
        given = answers.get((truth.level, truth.side))
        if given is not None and given.findings is not None:
            answer = replace(
                answer,
                lost=given.findings.lost,
                changed=given.findings.root_shape is RootShape.CHANGED,
                lee=given.grade.lee,
                confidence=given.grade.confidence,
            )
        found.append(answer)
    return found


def share(answers: Iterable[bool]) -> float:
    found = list(answers)
    return float(np.mean(found)) if found else float("nan")


def quadratic_kappa(pairs: Sequence[tuple[int, int]]) -> float:
    table = np.zeros((4, 4))
    for pair in pairs:
        table[pair] += 1
    weights = np.subtract.outer(np.arange(4), np.arange(4)) ** 2
    expected = float((weights * np.outer(table.sum(axis=1), table.sum(axis=0))).sum()) / max(table.sum(), 1)
    return 1 - float((weights * table).sum()) / expected if expected > 0 else float("nan")


def calibration_error(pairs: Sequence[tuple[float, bool]]) -> float:
    """Mean over bins of confidence, weighted by their counts, of | mean confidence - share of right grades |."""
    if not pairs:
        return float("nan")
    confidence, right = np.array(pairs, float).T
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(float((confidence - right)[bins == b].mean())) * float((bins == b).mean()) for b in set(bins)]
    return float(np.sum(gaps))


def describe(name: str, answers: Sequence[Answer]) -> str:
    """One line of the table."""
    read = [a for a in answers if a.lost is not None]
    borders = [(b in a.true_lost, b in a.lost) for a in read if a.lost is not None for b in Border]
    graded = [(a.true_lee, a.lee) for a in answers if a.lee is not None]
    sure = [(a.confidence, a.lee == a.true_lee) for a in answers if a.confidence is not None]
    cells = [
        f"{len(answers):5d}",
        f"{share(a.lee is not None for a in answers):6.3f}",
        f"{share(told for lost, told in borders if lost):6.3f}",
        f"{share(not told for lost, told in borders if not lost):6.3f}",
        f"{share(bool(a.changed) for a in read if a.true_changed):6.3f}",
        f"{share(not a.changed for a in read if not a.true_changed):6.3f}",
        f"{share(true == told for true, told in graded):6.3f}",
        f"{quadratic_kappa(graded):6.3f}",
        f"{share(c for c, _ in sure):6.3f}" if sure else "   nan",
        f"{calibration_error(sure):6.3f}",
    ]
    return f"{name:28s}" + " ".join(cells)


HEAD = f"{'':28s}    n graded lost+  lost-  def+   def-   exact  QWK    conf   ECE"


def main() -> None:
    """Check and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=36, help="studies per protocol")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="also write every foramen as CSV")
    given = parser.parse_args()
    tasks = [(name, p, given.seed, n) for name, p in PROTOCOLS.items() for n in range(given.studies)]
    tasks += [(name, p, given.seed, n) for name, p in COARSE.items() for n in range(max(1, given.studies // 3))]
    with ProcessPoolExecutor(given.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        answers = [answer for study in pool.map(check_study, tasks) for answer in study]
    print(HEAD)
    groups: list[tuple[str, Callable[[Answer], bool]]] = []
    for name in (*PROTOCOLS, *COARSE):
        groups.append((name, lambda a, name=name: a.protocol == name))  # type: ignore[misc]
    for name in PROTOCOLS:
        groups.append((f"{name}, SNR >= 20", lambda a, name=name: a.protocol == name and a.snr >= 20))  # type: ignore[misc]
    main_ = set(PROTOCOLS)
    for low, high in ((10, 15), (15, 20), (20, 30), (30, 40)):
        groups.append(
            (f"SNR {low}-{high}", lambda a, low=low, high=high: a.protocol in main_ and low <= a.snr < high)  # type: ignore[misc]
        )
    groups += [(s, lambda a, s=s: a.protocol in main_ and a.sequence == s) for s in ("T1", "T2")]  # type: ignore[misc]
    groups.append(("with a film of one pixel", lambda a: a.protocol in main_ and a.film))
    for name, belongs in groups:
        print(describe(name, [a for a in answers if belongs(a)]))
    if given.out is not None:
        _write(answers, given.out)


def _write(answers: Sequence[Answer], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["protocol", "sequence", "snr", "true_lost", "lost", "true_lee", "lee", "confidence"])
        for a in answers:
            lost = "" if a.lost is None else "".join(sorted(a.lost))
            row = [a.protocol, a.sequence, f"{a.snr:.1f}", "".join(sorted(a.true_lost)), lost, a.true_lee, a.lee]
            writer.writerow([*row, "" if a.confidence is None else f"{a.confidence:.4f}"])


if __name__ == "__main__":
    main()
