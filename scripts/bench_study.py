"""Time a whole study: files on disk to ten graded foramina in a table, without pictures.

Usage: python scripts/bench_study.py [--rounds 7] [--case a] [--case b] [--cache FOLDER] [--markdown] [--only PART]

Case a is a clinical T1 series of 17 DICOM slices of 512 x 512 with a label map, case b a three-dimensional image of 192
slices of 448 x 448 and its labels, both NIfTI archives. Both are random phantoms; making them takes minutes, so that
they are kept in the cache folder.

Parts:
    study     ours from end to end and stage by stage; beside it a script as a careful programmer writes it with
              pydicom, nibabel and scikit-image, which is handed the ten foramina as labels, measures them on crops, and
              neither finds nor grades one
    program   what a call of the command line costs before it does anything, beside an empty Python
    jobs      ``foramgrade batch`` on one and on two processes

Every contestant works in a process of its own, one thread, after one run to warm up; the runs of all take turns, and
ratios are taken within a round. Peak memory is that of a fresh process that imports what it needs and runs once.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benching import Worker, describe_machine, serve, show_table

GOALS = {"a": (0.6, None), "b": (2.5, 600)}
PARTS = ("study", "program", "jobs")
SEED = 1
SHAPES = {"a": ((512, 512, 17), (0.46, 0.46, 4.4)), "b": ((448, 448, 192), (0.6, 0.6, 0.9))}
SCHEME = "totalspineseg"
STAGES = ("load image", "load labels", "label map to measures", "fat, roots, grades", "table")


def make_case(name: str, cache: Path) -> Path:
    """Folder with ``image`` (a DICOM folder or an archive), ``labels.nii.gz`` and ``foramina.nii.gz``."""
    folder = cache / f"study-{name}-seed{SEED}"
    if folder.exists():
        return folder
    from foramgrade import assess
    from foramgrade.exports import write_dicom_series, write_foramina, write_labels, write_volume
    from foramgrade.findings import Sequence
    from foramgrade.phantom import Protocol, make_phantom, random_spec

    (rows, columns, slices), (pixel, _, spacing) = SHAPES[name]
    field = ((rows - 0.5) * pixel, (columns - 0.5) * pixel)  # half a pixel less, for the phantom rounds up
    protocol = Protocol(pixel, min(spacing, 4.0), spacing, slices, field)
    rng = np.random.default_rng(SEED)
    phantom = make_phantom(random_spec(rng, protocol=protocol, sequence=Sequence.T1), rng=rng)
    cache.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=cache))
    if name == "a":
        (part / "image").mkdir()
        write_dicom_series(phantom.image, part / "image", case="bench")
    else:
        write_volume(phantom.image, part / "image.nii.gz")
    write_labels(phantom.labels, part / "labels.nii.gz")
    write_foramina(assess(phantom.image, phantom.labels), phantom.labels.grid, part)
    part.rename(folder)
    return folder


def image_of(folder: Path) -> Path:
    """The image of a case: a folder of slices or an archive."""
    series = folder / "image"
    return series if series.exists() else folder / "image.nii.gz"


def prepare_ours(folder: Path) -> Callable[[], Mapping[str, float]]:
    """Import what a study needs; the call returns the seconds of every stage."""
    import foramgrade as fg
    from foramgrade.tables import write_csv

    image_path, labels_path, table = image_of(folder), folder / "labels.nii.gz", folder / f"table-{os.getpid()}.csv"

    def run() -> Mapping[str, float]:
        clock = [time.perf_counter()]
        image = fg.read_volume(image_path, sequence=fg.Sequence.T1)
        clock.append(time.perf_counter())
        labels = fg.read_labels(labels_path, scheme=SCHEME)
        clock.append(time.perf_counter())
        measured: list[float] = []
        study = fg.assess(image, labels, progress=lambda done, of: measured.append(time.perf_counter()))
        clock += [measured[-1], time.perf_counter()]
        write_csv(study, table)
        clock.append(time.perf_counter())
        graded = sum(f.grade is not None and f.grade.lee is not None for f in study.foramina)
        if len(study.foramina) != 10:
            sys.exit(f"{len(study.foramina)} foramina, expected 10")
        table.unlink()
        return dict(zip(STAGES, np.diff(clock).tolist(), strict=True)) | {"graded": graded}

    return run


def prepare_careful(folder: Path) -> Callable[[], Mapping[str, float]]:
    """What a careful programmer writes for foramina that are labelled already: load, then measure on crops."""
    import nibabel as nib
    import pydicom
    from skimage.measure import regionprops

    def load_image() -> np.ndarray:
        path = image_of(folder)
        if not path.is_dir():
            return np.asanyarray(nib.load(path).dataobj)
        slices = [pydicom.dcmread(file) for file in path.iterdir()]
        normal = np.cross(*np.reshape(np.array(slices[0].ImageOrientationPatient, float), (2, 3)))
        slices.sort(key=lambda one: float(np.dot(normal, np.array(one.ImagePositionPatient, float))))
        return np.stack([one.pixel_array for one in slices], axis=-1)

    def run() -> Mapping[str, float]:
        start = time.perf_counter()
        image = load_image()
        loaded = time.perf_counter()
        stored: Any = nib.load(folder / "foramina.nii.gz")
        labels = np.asanyarray(stored.dataobj)
        boxes = time.perf_counter()
        spacing = np.array(stored.header.get_zooms()[:3], float)
        rows = []
        for region in regionprops(labels.astype(np.int32, copy=False)):
            crop, thick = region.image, int(np.argmin(region.image.shape))
            areas = crop.sum(axis=tuple(axis for axis in range(3) if axis != thick)) * np.prod(
                np.delete(spacing, thick)
            )
            middle = np.take(crop, int(np.argmin(np.where(areas > 0, areas, np.inf))), axis=thick).astype(np.uint8)
            (flat,) = regionprops(middle, spacing=tuple(np.delete(spacing, thick)))
            inside = image[region.slice][crop] if image.shape == labels.shape else np.zeros(1)
            rows.append((region.label, flat.area, flat.axis_major_length, flat.axis_minor_length, inside.mean()))
        done = time.perf_counter()
        return {
            "load image": loaded - start,
            "load labels": boxes - loaded,
            "measures": done - boxes,
            "graded": len(rows),
        }

    return run


CONTESTANTS = {"ours": prepare_ours, "careful script": prepare_careful}


def compare_study(name: str, *, rounds: int, cache: Path, markdown: bool) -> None:
    """Print the table of one case."""
    folder = make_case(name, cache)
    workers = {who: Worker(__file__, who, str(folder)) for who in CONTESTANTS}
    memory = {}
    for who in CONTESTANTS:
        fresh = Worker(__file__, who, str(folder))
        memory[who] = fresh.run()["peak_mib"]
        fresh.close()
    for worker in workers.values():
        worker.run()
    taken: dict[str, list[Mapping[str, float]]] = {who: [] for who in CONTESTANTS}
    for _ in range(rounds):
        for who, worker in workers.items():
            taken[who].append(worker.run())
    for worker in workers.values():
        worker.close()
    ours = [run["seconds"] for run in taken["ours"]]
    rows = []
    for who, runs in taken.items():
        ratio = statistics.median(run["seconds"] / mine for run, mine in zip(runs, ours, strict=True))
        cpu = statistics.median(run["cpu"] for run in runs)
        seconds = [run["seconds"] for run in runs]
        rows.append([who, *_times(seconds), f"{cpu * 1e3:.0f}", f"{ratio:.2f}", f"{memory[who]:.0f}"])
        stages = [key for key in runs[0] if key not in ("seconds", "cpu", "imported_mib", "peak_mib", "graded")]
        rows += [[f"  {stage}", *_times([run[stage] for run in runs]), "", "", ""] for stage in stages]
    shape, spacing = SHAPES[name]
    print(f"\n{shape[2]} slices of {shape[0]} x {shape[1]}, {' x '.join(map(str, spacing))} mm, {rounds} rounds\n")
    show_table(["", "median ms", "least ms", "CPU ms", "times ours", "peak MiB"], rows, markdown=markdown)
    goal, most = GOALS[name]
    median = statistics.median(ours)
    graded = taken["ours"][0]["graded"]
    print(f"\n{graded:.0f} of 10 foramina graded; goal {goal} s: {_met(median <= goal)} ({median:.2f} s)")
    if most:
        print(f"goal {most} MiB: {_met(memory['ours'] <= most)} ({memory['ours']:.0f} MiB)")


def _met(reached: bool) -> str:
    return "met" if reached else "missed"


def _times(seconds: list[float]) -> tuple[str, str]:
    return f"{statistics.median(seconds) * 1e3:.1f}", f"{min(seconds) * 1e3:.1f}"


def time_program(*, rounds: int, markdown: bool) -> None:
    """Print what starting the program costs, CPU seconds of a child process."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import foramgrade": [sys.executable, "-c", "import foramgrade"],
        "foramgrade --help": [sys.executable, "-m", "foramgrade", "--help"],
        "import numpy, scipy.ndimage": [sys.executable, "-c", "import numpy, scipy.ndimage"],
    }
    taken: dict[str, list[float]] = {what: [] for what in commands}
    for _ in range(rounds + 1):
        for what, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken[what].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    rows = [[what, *_times(seconds[1:])] for what, seconds in taken.items()]
    print(f"\nstarting, CPU of the process, {rounds} rounds\n")
    show_table(["", "median ms", "least ms"], rows, markdown=markdown)
    cost = statistics.median(taken["foramgrade --help"][1:])
    print(f"\ngoal 350 ms for --help: {_met(cost < 0.35)} ({cost * 1e3:.0f} ms)")


def compare_jobs(*, rounds: int, cache: Path, studies: int = 40) -> None:
    """Print how much faster two processes are than one."""
    folder = make_case("a", cache)
    ratios = []
    with tempfile.TemporaryDirectory() as place:
        lines = [f"c{n},{image_of(folder)},{folder / 'labels.nii.gz'},{SCHEME},T1" for n in range(studies)]
        manifest = Path(place) / "cohort.csv"
        manifest.write_text("\n".join(["case,image,labels,scheme,sequence", *lines]) + "\n", encoding="utf-8")
        for turn in range(rounds):
            seconds = {}
            for jobs in (1, 2) if turn % 2 else (2, 1):
                out = Path(place) / f"out-{turn}-{jobs}"
                command = [sys.executable, "-m", "foramgrade", "batch", str(manifest), "--out", str(out)]
                start = time.perf_counter()
                subprocess.run([*command, "--jobs", str(jobs)], check=True, stdout=subprocess.DEVNULL)
                seconds[jobs] = time.perf_counter() - start
            ratios.append(seconds[1] / seconds[2])
            print(f"\n{studies} studies: {seconds[1]:.1f} s on one process, {seconds[2]:.1f} s on two", flush=True)
    ratio = statistics.median(ratios)
    print(f"\ntwo processes are {ratio:.2f} times as fast as one, start included; goal 1.7: {_met(ratio >= 1.7)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--case", choices=SHAPES, action="append", help="one case; both unless given")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "foramgrade-bench")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; all unless given")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--serve", nargs=2, metavar=("WHO", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        who, folder = given.serve
        serve(lambda: CONTESTANTS[who](Path(folder)))
        return
    parts = given.only or PARTS
    print(describe_machine())
    if "study" in parts:
        for name in given.case or SHAPES:
            compare_study(name, rounds=given.rounds, cache=given.cache, markdown=given.markdown)
    if "program" in parts:
        time_program(rounds=given.rounds, markdown=given.markdown)
    if "jobs" in parts:
        compare_jobs(rounds=max(1, given.rounds // 2), cache=given.cache)


if __name__ == "__main__":
    main()
