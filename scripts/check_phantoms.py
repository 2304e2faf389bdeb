"""Measure and grade random phantoms and print how far the answers are from their arithmetic truth.

Usage: python scripts/check_phantoms.py [--cases 20] [--seed 0] [--protocol clinical-2d|fine-2d|isotropic]
       [--sequence T1|T2|both] [--jobs 2] [--rows FILE.csv]
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd

import foramgrade as fg
from foramgrade import phantom as ph
from foramgrade.findings import FAT_QUANTITY, Border, Quantity

PROTOCOLS = {"clinical-2d": ph.CLINICAL_2D, "fine-2d": ph.FINE_2D, "isotropic": ph.ISOTROPIC}


def check_case(case: int, *, seed: int, protocol: str, sequence: str) -> list[dict[str, object]]:
    """One row per foramen of one phantom: truth and answer."""
    chosen = sequence if sequence != "both" else ("T1", "T2")[case % 2]
    rng = np.random.default_rng((seed, case))
    spec = ph.random_spec(rng, protocol=PROTOCOLS[protocol], sequence=fg.Sequence(chosen))
    made = ph.make_phantom(spec, rng=rng)
    study = fg.assess(made.image, made.labels, case=f"phantom-{case}")
    answers = {(f.level, f.side): f for f in study.foramina}
    centres = {(t.level, t.side): np.array(t.centre_mm) for t in made.truth}
    rows = []
    for truth in made.truth:
        answer = answers.get((truth.level, truth.side))
        row: dict[str, object] = {
            "case": case,
            "sequence": chosen,
            "level": truth.level.name,
            "side": truth.side.value,
            "true_lee": int(truth.lee),
            "true_lost": "".join(b for b in Border if b in truth.lost),
            "true_shape": truth.root_shape.value,
            "true_area": truth.area_mm2,
            "true_height": truth.height_mm,
            "true_disc": truth.disc_height_mm,
            "true_root": truth.root_area_mm2,
            "true_aspect": truth.root_aspect,
            **{f"true_{b.value}": truth.fat_mm[b] for b in Border},
        }
        if answer is not None:
            found = answer.findings
            row |= {
                "lee": answer.grade.lee,
                "confidence": answer.grade.confidence,
                "lost": "".join(b for b in Border if found and b in found.lost),
                "shape": found.root_shape.value if found else None,
                "area": answer.measurements.get(Quantity.AREA),
                "height": answer.measurements.get(Quantity.HEIGHT),
                "disc": answer.measurements.get(Quantity.DISC_HEIGHT),
                "gap": answer.measurements.get(Quantity.SEAL_GAP),
                "root": answer.measurements.get(Quantity.NERVE_AREA),
                "aspect": answer.measurements.get(Quantity.NERVE_ASPECT),
                **{b.value: answer.measurements.get(FAT_QUANTITY[b]) for b in Border},
                "n_sections": answer.n_sections,
                "quality": "|".join(q.name or "" for q in answer.quality),
                "reason": answer.grade.reason,
            }
            if answer.section_mm is not None:
                here = np.array(answer.section_mm)
                nearest = min(centres, key=lambda key: float(np.linalg.norm(centres[key] - here)))
                row["misplaced"] = nearest != (truth.level, truth.side)
        rows.append(row)
    return rows


def quadratic_kappa(truth: np.ndarray, answer: np.ndarray) -> float:
    """Quadratic-weighted kappa on the four grades."""
    table = np.zeros((4, 4))
    np.add.at(table, (truth.astype(int), answer.astype(int)), 1)
    weights = np.subtract.outer(np.arange(4), np.arange(4)) ** 2
    chance = np.outer(table.sum(1), table.sum(0)) / table.sum()
    return float(1 - (weights * table).sum() / (weights * chance).sum())


def summarise(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Lines of the printed table."""
    area = frame.dropna(subset="area")
    relative = (area.area / area.true_area - 1) * 100
    height = (frame.height - frame.true_height).dropna()
    disc = (frame.disc - frame.true_disc).dropna()
    graded = frame.dropna(subset="lee")
    borders = [(b in t, b in a) for t, a in zip(graded.true_lost, graded.lost, strict=True) for b in "SPIA"]
    lost = np.array(borders)
    changed = graded.true_shape == "changed"
    root = graded.dropna(subset="root")
    return [
        ("foramina", f"{len(frame)}"),
        ("measured / graded", f"{len(area)} / {len(graded)}"),
        ("wrong level or side", f"{int(frame.misplaced.fillna(False).astype(bool).sum())}"),
        ("area, median |error|", f"{relative.abs().median():.1f} %"),
        ("area, bias (SD)", f"{relative.mean():+.1f} ({relative.std():.1f}) %"),
        ("area, 95th percentile |error|", f"{relative.abs().quantile(0.95):.1f} %"),
        ("height, median |error|", f"{height.abs().median():.2f} mm (bias {height.mean():+.2f})"),
        ("posterior disc height, median |error|", f"{disc.abs().median():.2f} mm (bias {disc.mean():+.2f})"),
        ("Lee grade, exact agreement of graded", f"{(graded.lee == graded.true_lee).mean() * 100:.1f} %"),
        ("Lee grade, exact agreement of all", f"{(graded.lee == graded.true_lee).sum() / len(frame) * 100:.1f} %"),
        ("Lee grade, quadratic kappa", f"{quadratic_kappa(graded.true_lee.to_numpy(), graded.lee.to_numpy()):.3f}"),
        ("mean confidence", f"{graded.confidence.astype(float).mean():.3f}"),
        ("lost borders, sensitivity", f"{lost[lost[:, 0], 1].mean():.3f}"),
        ("lost borders, specificity", f"{1 - lost[~lost[:, 0], 1].mean():.3f}"),
        ("deformed root, sensitivity", f"{(graded['shape'][changed] == 'changed').mean():.3f}"),
        ("deformed root, specificity", f"{(graded['shape'][~changed] != 'changed').mean():.3f}"),
        ("root area, median |error|", f"{((root.root / root.true_root - 1).abs().median()) * 100:.0f} %"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--protocol", choices=PROTOCOLS, default="clinical-2d")
    parser.add_argument("--sequence", choices=("T1", "T2", "both"), default="both")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rows", help="also write every foramen to this CSV file")
    given = parser.parse_args()
    check = partial(check_case, seed=given.seed, protocol=given.protocol, sequence=given.sequence)
    with ProcessPoolExecutor(given.jobs) as pool:
        rows = [row for case in pool.map(check, range(given.cases)) for row in case]
    frame = pd.DataFrame(rows)
    for column in ("lee", "area", "height", "disc", "root", "confidence"):
        frame[column] = pd.to_numeric(frame[column])
    print(f"{given.cases} random phantoms, seed {given.seed}, {given.protocol}, {given.sequence}")
    lines = summarise(frame)
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"  {name:<{width}}  {value}")
    print(pd.crosstab(frame.true_lee, frame.lee.astype("Int64").astype(str), rownames=["truth"], colnames=["answer"]))
    if given.rows:
        frame.to_csv(given.rows, index=False)


if __name__ == "__main__":
    sys.exit(main())
