"""How time and memory grow: with the voxels of a label map, and with the studies of a cohort.

Usage: python scripts/bench_growth.py [--largest 512] [--studies 1000] [--markdown]

Label maps are the sample's, enlarged to cubes of 128 to 512 voxels an edge; every size is measured by a
fresh process (label map in memory to ten measured foramina). Cohorts are tiny cases, in which the run itself costs more
than the study. The exponent is that of a power of the number of voxels, or studies, fitted to the logarithms.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benching import describe_machine, peak_mib, show_table

ROOT = Path(__file__).resolve().parents[1]
EDGES = (128, 192, 256, 384, 512)
COHORTS = (1, 10, 100, 1000)


def measure_map(edge: int) -> dict[str, float]:
    """Seconds and peak memory of measuring the sample's labels in a cube of so many voxels."""
    from foramgrade.loaders import read_labels
    from foramgrade.pipeline import measure_geometry
    from foramgrade.volume import Grid, LabelMap

    sample = read_labels(ROOT / "sample_data" / "lumbar_labels.nii.gz", scheme="totalspineseg")
    shape = sample.grid.shape
    at = [np.minimum(((np.arange(edge) + 0.5) * n / edge).astype(int), n - 1) for n in shape]
    array = np.asfortranarray(sample.array[np.ix_(*at)])
    scale = np.array([n / edge for n in shape])
    affine = sample.grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ ((scale - 1) / 2)
    affine[:3, :3] = affine[:3, :3] * scale
    labels = LabelMap(array, Grid((edge, edge, edge), affine), scheme="totalspineseg")
    held = peak_mib()
    started, worked = time.perf_counter(), time.process_time()
    found = measure_geometry(labels)
    seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    return {"seconds": seconds, "cpu": cpu, "held": held, "peak": peak_mib(), "foramina": len(found)}


def measure_cohort(studies: int) -> dict[str, float]:
    """Seconds of a run over tiny cases, one process, and its peak memory."""
    sys.path.insert(0, str(ROOT / "tests"))
    from cohort_files import row, write_manifest, write_tiny
    from foramgrade.batch import Choices, run_batch

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = write_tiny(folder / "case", 1)
        write_manifest(folder / "cohort.csv", [row(f"c{n}", files) for n in range(studies)])
        started = time.perf_counter()
        run_batch(folder / "cohort.csv", folder / "out", choices=Choices(), jobs=1)
        return {"seconds": time.perf_counter() - started, "peak": peak_mib()}


def exponent(sizes: list[float], values: list[float]) -> float:
    """Power of the size that fits best."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def run(*arguments: object) -> dict[str, float]:
    command = [sys.executable, __file__, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=512, help="edge of the largest label map, voxels")
    parser.add_argument("--studies", type=int, default=1000, help="size of the largest cohort")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--one-map", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--one-cohort", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one_map or given.one_cohort:
        print(json.dumps(measure_map(given.one_map) if given.one_map else measure_cohort(given.one_cohort)))
        return
    print(describe_machine())
    edges = [edge for edge in EDGES if edge <= given.largest]
    maps = [run("--one-map", edge) for edge in edges]
    print("\nlabel map in memory to ten measured foramina\n")
    rows = [
        [f"{edge}^3", f"{one['cpu'] * 1e3:.0f}", f"{one['held']:.0f}", f"{one['peak'] - one['held']:.0f}"]
        for edge, one in zip(edges, maps, strict=True)
    ]
    show_table(["map", "CPU ms", "MiB before", "MiB more"], rows, markdown=given.markdown)
    voxels = [float(edge) ** 3 for edge in edges]
    print(f"\ntime grows with the voxels to the power of {exponent(voxels, [one['cpu'] for one in maps]):.2f}")
    cohorts = [n for n in COHORTS if n <= given.studies]
    runs = [run("--one-cohort", n) for n in cohorts]
    print("\ncohorts of tiny cases, one process\n")
    rows = [
        [str(n), f"{one['seconds']:.2f}", f"{one['seconds'] / n * 1e3:.1f}", f"{one['peak']:.0f}"]
        for n, one in zip(cohorts, runs, strict=True)
    ]
    show_table(["studies", "s", "ms a study", "peak MiB"], rows, markdown=given.markdown)
    large = [(float(n), one["seconds"]) for n, one in zip(cohorts, runs, strict=True) if n >= 10]
    if len(large) > 1:
        print(f"\nfrom 10 studies on time grows to the power of {exponent(*map(list, zip(*large, strict=True))):.2f}")


if __name__ == "__main__":
    main()
