"""Simulate cohorts in two states with the published means, for ``foramgrade compare``.

Usage: python scripts/example_states.py DIR [--patients N] [--seed S]

Writes ``flexion.csv`` and ``extension.csv`` (mean areas L2-L3 167 -> 107, L5-S1 135 -> 106 mm2, the levels between on
the line from one to the other, L1-L2 as L2-L3), and ``before.csv`` and ``after.csv`` of a foraminoplasty at L4-L5 or
L5-S1 (58.6 -> 88.4 mm2). Synthetic: the means are the reports', the spread is chosen, nobody was measured.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

#: Mean areas by level in flexion and extension, mm2: the ends are published, what lies between is interpolated.
LEVELS = ("L1-L2", "L2-L3", "L3-L4", "L4-L5", "L5-S1")
FLEXION = np.array([167.0, 167.0, 156.3, 145.7, 135.0])
EXTENSION = np.array([107.0, 107.0, 106.7, 106.3, 106.0])
#: Foraminoplasty, mm2.
BEFORE, AFTER = 58.6, 88.4
#: Spread of a foramen and of a patient around the mean of the level, and the measurement's uncertainty, as shares.
SPREAD, SHARED, UNCERTAINTY = 0.14, 0.10, 0.05
#: Degrees that a level moves, on average, and the spread; where it moves more the foramen narrows more.
MOTION_DEG, MOTION_SPREAD_DEG = 10.0, 5.0
HEADER = ("patient", "level", "side", "area_mm2", "area_u_mm2", "segmental_angle_deg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    given.folder.mkdir(parents=True, exist_ok=True)
    flexion, extension = move(given.patients, rng)
    before, after = operate(given.patients, rng)
    for name, rows in {"flexion": flexion, "extension": extension, "before": before, "after": after}.items():
        with (given.folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([HEADER, *rows])


def move(patients: int, rng: np.random.Generator) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Every patient's ten foramina bent forwards and backwards."""
    states: tuple[list[tuple[object, ...]], list[tuple[object, ...]]] = ([], [])
    for number in range(patients):
        own = 1 + rng.normal(0, SHARED)
        for level, bent, stretched in zip(LEVELS, FLEXION, EXTENSION, strict=True):
            motion = max(0.5, rng.normal(MOTION_DEG, MOTION_SPREAD_DEG))
            angle = rng.normal(4.0, 2.0)
            for side in ("right", "left"):
                wide = max(20.0, bent * own * (1 + rng.normal(0, SPREAD)))
                loss = (bent - stretched) / bent * (0.6 + 0.4 * motion / MOTION_DEG)
                narrow = wide * (1 - loss) * (1 + rng.normal(0, UNCERTAINTY))
                for rows, area, at in zip(states, (wide, narrow), (angle, angle + motion), strict=True):
                    rows.append(row(f"P{number + 1:03d}", level, side, area, at))
    return states


def operate(patients: int, rng: np.random.Generator) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """One foramen of every patient before and after it is widened."""
    states: tuple[list[tuple[object, ...]], list[tuple[object, ...]]] = ([], [])
    for number in range(patients):
        level, side = rng.choice(["L4-L5", "L5-S1"]), rng.choice(["right", "left"])
        narrow = max(20.0, BEFORE * (1 + rng.normal(0, SPREAD)))
        wide = narrow * AFTER / BEFORE * (1 + rng.normal(0, SPREAD))
        for rows, area in zip(states, (narrow, wide), strict=True):
            rows.append(row(f"P{number + 1:03d}", level, side, area, None))
    return states


def row(patient: str, level: str, side: str, area: float, angle: float | None) -> tuple[object, ...]:
    told = "" if angle is None else round(angle, 1)
    return patient, level, side, round(area, 1), round(UNCERTAINTY * area, 1), told


if __name__ == "__main__":
    main()
