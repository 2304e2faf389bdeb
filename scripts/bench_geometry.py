"""Time the way from a label map to ten measured foramina, beside tools that measure foramina already labelled.

Usage: python scripts/bench_geometry.py [--rounds 7] [--case a] [--case b] [--cache FOLDER] [--markdown]

Case a is a clinical series of 17 thick slices of 512 x 512 pixels, case b a three-dimensional one of 192 slices of
448 x 448; both are the label map of a random phantom in the numbers of TotalSpineSeg, stored as a NIfTI reader leaves
it, the first axis running fastest. Making them takes half a minute; they are kept in the cache folder, which is to be
emptied when the phantom has changed.

Our way finds the foramina and measures them. No peer finds a foramen, so each is handed our ten openings, painted as
labels on the grid of the map: it has only the measuring to do, which is to be compared with our stage "measures". The
last row finds the structures of the map as one would by hand, with one comparison of the whole map per label; its
counterpart is our stage "find_spine".

Everything runs in one process, bound to one core and one thread; ours and the peers take turns in rounds, so that
whatever else the machine does meets all of them, and ratios are taken within a round. Peak memory and the time of a
first run are those of fresh processes that only load the map and measure it.

Peers that are not installed are named as such and left out. pyradiomics has no wheel for Python 3.11 and later. Version
3.0.1 builds there, with a C compiler, after its build tools:
    pip install numpy wheel versioneer cython "setuptools<81"
    pip install --no-build-isolation pyradiomics==3.0.1
The archive of version 3.1.0 calls itself 3.0.1a1 inside, so pip refuses it.
"""

import argparse
import importlib
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt

from benching import ONE_THREAD, PACKAGES, describe_machine, memory_mib, show_table
from foramgrade.anatomy.frame import fit_frame
from foramgrade.anatomy.labels import AnatomicMap, relabel
from foramgrade.anatomy.schemes.naming import scheme_of
from foramgrade.anatomy.spine import find_spine
from foramgrade.geometry import foramen as geometry
from foramgrade.volume import Grid, LabelMap

SEED = 1
FRESH_RUNS = 3
STAGES = ("relabel", "find_spine", "fit_frame", "sections, openings", "measures")
NAIVE = "numpy, == per label"
HEAD = ["what", "ms, median", "ms, fastest", "ours whole / this", "our stage / this", "found"]

#: What a peer does, by the words of its row; it answers how many foramina it saw.
Tasks = dict[str, Callable[[], int]]


@dataclass(frozen=True)
class Case:
    """A label map and the time in which its foramina shall be measured."""

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    goal_s: float

    def __str__(self) -> str:
        rows, columns, slices = self.shape
        return f"{slices} slices of {rows} x {columns}, {' x '.join(map(str, self.spacing_mm))} mm"


CASES = {
    "a": Case((512, 512, 17), (0.46, 0.46, 4.4), 0.25),
    "b": Case((448, 448, 192), (0.6, 0.6, 0.9), 1.5),
}


def make_labels(case: Case) -> LabelMap:
    """Label map of a phantom."""
    from foramgrade import phantom as ph

    pixel, _, spacing = case.spacing_mm
    rows, columns, slices = case.shape
    field = ((rows - 0.5) * pixel, (columns - 0.5) * pixel)  # half a pixel less, for the phantom rounds up
    protocol = ph.Protocol(pixel, min(spacing, 4.0), spacing, slices, field)
    rng = np.random.default_rng(SEED)
    return ph.make_phantom(ph.random_spec(rng, protocol=protocol), rng=rng).labels


def load_labels(name: str, cache: Path) -> LabelMap:
    """Label map of a case, from the cache where it is there."""
    case = CASES[name]
    file = cache / f"labels-{name}-{'x'.join(map(str, case.shape))}-seed{SEED}.npz"
    if not file.exists():
        made = make_labels(case)
        cache.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"part-{os.getpid()}-{file.name}")
        np.savez(part, array=np.asfortranarray(made.array), affine=made.grid.affine)
        part.replace(file)
    with np.load(file) as stored:
        return LabelMap(stored["array"], Grid(case.shape, stored["affine"]), "totalspineseg")


@contextmanager
def timed_measures() -> Iterator[list[float]]:
    """Collect the seconds spent in the functions of the module of measures while foramina are found."""
    seconds: list[float] = []

    def timed(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        start = time.perf_counter()
        result = function(*args, **options)
        seconds.append(time.perf_counter() - start)
        return result

    own: dict[str, Any] = {
        name: partial(timed, function)
        for name, function in vars(geometry).items()
        if callable(function) and getattr(function, "__module__", "") == "foramgrade.geometry.measure"
    }
    with mock.patch.multiple(geometry, **own):
        yield seconds


@dataclass(frozen=True)
class Found:
    """What one run of our way found, and the seconds of every stage."""

    anatomic: AnatomicMap
    codes: tuple[int, ...]
    foramina: tuple[geometry.Foramen, ...]
    seconds: Mapping[str, float]


def measure_all(labels: LabelMap) -> Found:
    """Run our whole way once."""
    clock = [time.perf_counter()]
    anatomic = relabel(labels, scheme_of(labels))
    clock.append(time.perf_counter())
    spine = find_spine(anatomic)
    clock.append(time.perf_counter())
    frames = [fit_frame(spine, segment) for segment in spine.segments]
    clock.append(time.perf_counter())
    with timed_measures() as measuring:
        foramina = tuple(
            foramen
            for segment, frame in zip(spine.segments, frames, strict=True)
            for foramen in geometry.find_foramina(spine, segment, frame)
        )
    clock.append(time.perf_counter())
    spent = np.diff(clock).tolist()
    stages = [*spent[:3], spent[3] - sum(measuring), sum(measuring)]
    structures = [s for segment in spine.segments for s in (segment.upper, segment.disc, segment.lower) if s]
    codes = tuple(sorted({structure.code for structure in structures}))
    return Found(anatomic, codes, foramina, dict(zip(STAGES, stages, strict=True)))


def paint_openings(found: Found, grid: Grid) -> npt.NDArray[np.uint8]:
    """Our openings as labels 1 to 10 on the grid of the map.

    A section stands for the stretch to its neighbours: its pixels, which are finer than the voxels, are painted in the
    middle of the stretch and a third of its length to either side.
    """
    painted = np.zeros(grid.shape, np.uint8, order="F")
    last = np.array(grid.shape) - 1
    for number, foramen in enumerate(found.foramina, start=1):
        for section, opening in zip(foramen.sections, foramen.openings, strict=True):
            for share in (-1 / 3, 0.0, 1 / 3):
                away = share * section.spacing_mm * foramen.frame.right
                voxels = np.rint(grid.to_ijk(section.positions_mm[opening.mask] + away)).astype(int)
                painted[tuple(np.clip(voxels, 0, last).T)] = number
    return painted


@dataclass(frozen=True)
class Labelled:
    """Labelled foramina as the peers want them: slice by slice, with the spacing of the axes, the last first."""

    array: npt.NDArray[np.uint8]
    spacing_mm: tuple[float, float, float]


def prepare_simpleitk(labelled: Labelled) -> Tasks:
    """SimpleITK's shape statistics of the volume, and slice by slice."""
    sitk = importlib.import_module("SimpleITK")
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    image = sitk.GetImageFromArray(labelled.array)
    image.SetSpacing(labelled.spacing_mm)

    def shapes(picture: Any) -> list[int]:
        shape = sitk.LabelShapeStatisticsImageFilter()
        shape.Execute(picture)
        found = list(shape.GetLabels())
        for n in found:
            _ = shape.GetPhysicalSize(n), shape.GetBoundingBox(n), shape.GetEquivalentEllipsoidDiameter(n)
        return found

    def by_slice() -> int:
        kept = [k for k in range(len(labelled.array)) if labelled.array[k].any()]
        return len({n for k in kept for n in shapes(image[:, :, k])})

    words = "SimpleITK LabelShapeStatistics"
    return {f"{words}, volume": lambda: len(shapes(image)), f"{words}, by slice": by_slice}


def prepare_skimage(labelled: Labelled) -> Tasks:
    """scikit-image's region properties of the volume, and slice by slice."""
    regionprops = importlib.import_module("skimage.measure").regionprops
    spacing = labelled.spacing_mm[::-1]

    def of_volume() -> int:
        regions = regionprops(labelled.array, spacing=spacing)
        return len([(r.label, r.area, r.bbox, r.axis_major_length) for r in regions])

    def by_slice() -> int:
        regions = [r for plane in labelled.array if plane.any() for r in regionprops(plane, spacing=spacing[1:])]
        return len({(r.label, r.area, r.bbox, r.axis_major_length, r.axis_minor_length)[0] for r in regions})

    return {"scikit-image regionprops, volume": of_volume, "scikit-image regionprops, by slice": by_slice}


def prepare_pyradiomics(labelled: Labelled) -> Tasks:
    """Features of pyradiomics' extractor, foramen by foramen: in 3D, and in 2D of the foramen's middle slice."""
    importlib.import_module("radiomics").setVerbosity(60)
    extractors = importlib.import_module("radiomics.featureextractor")
    sitk = importlib.import_module("SimpleITK")
    mask = sitk.GetImageFromArray(labelled.array)
    mask.SetSpacing(labelled.spacing_mm)
    image = sitk.Cast(mask, sitk.sitkFloat32)
    present = {int(n): np.flatnonzero((labelled.array == n).any(axis=(1, 2))) for n in np.unique(labelled.array) if n}
    middle = {n: int(np.median(slices)) for n, slices in present.items()}

    def extractor(kind: str, **settings: Any) -> Any:
        made = extractors.RadiomicsFeatureExtractor(additionalInfo=False, **settings)
        made.disableAllFeatures()
        made.enableFeatureClassByName(kind)
        return made

    solid, flat = extractor("shape"), extractor("shape2D", force2D=True, force2Ddimension=0)

    def of_volume() -> int:
        return len([solid.execute(image, mask, label=n) for n in middle])

    def of_slices() -> int:
        planes = ((n, slice(k, k + 1)) for n, k in middle.items())
        return len([flat.execute(image[:, :, k], mask[:, :, k], label=n) for n, k in planes])

    return {"pyradiomics shape, volume": of_volume, "pyradiomics shape2D, one slice each": of_slices}


def find_naively(codes: npt.NDArray[np.uint16], wanted: Sequence[int]) -> int:
    """Box, centre and size of every structure by one comparison of the whole map per code."""
    places = (np.nonzero(codes == code) for code in wanted)
    return len([[(axis.min(), axis.max(), axis.mean(), len(axis)) for axis in place] for place in places])


PEERS: Mapping[str, Callable[[Labelled], Tasks]] = {
    "SimpleITK": prepare_simpleitk,
    "skimage": prepare_skimage,
    "radiomics": prepare_pyradiomics,
}


def find_installed() -> list[str]:
    """Peers that can be imported."""
    return [module for module in PEERS if importlib.util.find_spec(module)]


def prepare_peers(found: Found, grid: Grid) -> tuple[Tasks, list[str]]:
    """What runs beside our way, and the packages that are not installed."""
    labelled = Labelled(np.ascontiguousarray(paint_openings(found, grid).T), grid.spacing_mm)
    tasks = {task: run for module in find_installed() for task, run in PEERS[module](labelled).items()}
    missing = [PACKAGES[module] for module in PEERS if module not in find_installed()]
    tasks[NAIVE] = partial(find_naively, found.anatomic.codes, found.codes)
    return tasks, missing


def run_fresh(name: str, cache: Path) -> list[float]:
    """Seconds of a first run, memory before it and peak after it, of a process of its own."""
    command = [sys.executable, __file__, "--fresh", name, "--cache", str(cache)]
    return [float(number) for number in subprocess.check_output(command, text=True).split()]


def compare(name: str, *, rounds: int, cache: Path) -> tuple[list[list[str]], list[str]]:
    """Rows of the table of one case, and lines to print below it."""
    case, labels = CASES[name], load_labels(name, cache)
    first = measure_all(labels)
    tasks, missing = prepare_peers(first, labels.grid)
    counts = {task: run() for task, run in tasks.items()}
    ours: list[Mapping[str, float]] = []
    theirs: dict[str, list[float]] = {task: [] for task in tasks}
    for _ in range(rounds):
        ours.append(measure_all(labels).seconds)
        for task, run in tasks.items():
            start = time.perf_counter()
            run()
            theirs[task].append(time.perf_counter() - start)
    totals = [sum(stages.values()) for stages in ours]
    measured = sum(foramen.chosen is not None for foramen in first.foramina)
    rows = [["ours, map to measures", *_times(totals), "1.00", "", f"{measured} foramina"]]
    rows += [[f"  {stage}", *_times([s[stage] for s in ours]), "", "", ""] for stage in STAGES]
    for task, seconds in theirs.items():
        stage = "find_spine" if task == NAIVE else "measures"
        whole = statistics.median(mine / peer for mine, peer in zip(totals, seconds, strict=True))
        part = statistics.median(s[stage] / peer for s, peer in zip(ours, seconds, strict=True))
        what = "structures" if task == NAIVE else "foramina"
        rows.append([task, *_times(seconds), f"{whole:.2f}", f"{part:.3f}", f"{counts[task]} {what}"])
    rows += [[package, "not installed", "", "", "", ""] for package in missing]
    fresh = [run_fresh(name, cache) for _ in range(FRESH_RUNS)]
    seconds, before, after = (statistics.median(column) for column in zip(*fresh, strict=True))
    met = "met" if statistics.median(totals) < case.goal_s else "missed"
    sections = sum(len(foramen.sections) for foramen in first.foramina)
    below = [
        f"goal: below {case.goal_s:g} s, {met} with {statistics.median(totals):.3f} s; {sections} sections kept",
        f"fresh process: {seconds:.3f} s, peak {after:.0f} MiB, {after - before:.0f} MiB above imports and the map "
        f"({labels.array.nbytes / 2**20:.0f} MiB)",
    ]
    return rows, below


def _times(seconds: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(seconds) * 1e3:.1f}", f"{min(seconds) * 1e3:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--case", choices=CASES, action="append", help="one case; both unless given")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "foramgrade-bench")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--fresh", choices=CASES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        # The libraries read their number of threads when they are imported: start over.
        again = subprocess.run([sys.executable, *sys.argv], env=os.environ | ONE_THREAD, check=False)
        sys.exit(again.returncode)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if given.fresh:
        labels = load_labels(given.fresh, given.cache)
        before, start = memory_mib("VmRSS"), time.perf_counter()
        measure_all(labels)
        print(time.perf_counter() - start, before, memory_mib("VmHWM"))
        return
    print(describe_machine())
    for name in given.case or CASES:
        rows, below = compare(name, rounds=given.rounds, cache=given.cache)
        print(f"\ncase {name}: {CASES[name]}; {given.rounds} rounds\n")
        show_table(HEAD, rows, markdown=given.markdown)
        print("", *below, sep="\n")


if __name__ == "__main__":
    main()
