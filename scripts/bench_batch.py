"""Throughput, memory and overhead of runs over many studies.

``python scripts/bench_batch.py`` makes 300 phantom studies of mixed quality, one in twenty broken in one of ten ways,
and runs them in blocks: with ``foramgrade batch --jobs 2``, and with two plain loops that read, assess and write the
same files. Blocks alternate and the median of their ratios is taken, so that a busy computer disturbs both alike.
``--scale 20000`` runs as many tiny cases instead, in which there is little to do but what the run itself costs, and
prints the memory of every process on the way.
"""

import argparse
import contextlib
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from cohort_files import BREAKERS, SCHEME, Files, break_study, copy_study, row, write_manifest, write_tiny
from foramgrade.batch import Choices, Standing, StudyFiles, assess_study, read_study, run_batch
from foramgrade.batch.engines import ONE_THREAD
from foramgrade.errors import ForamgradeError
from foramgrade.exports import write_labels, write_study, write_volume
from foramgrade.findings import Sequence
from foramgrade.phantom import CLINICAL_2D, FINE_2D, ISOTROPIC, make_phantom, random_spec

#: One study in so many is broken.
BROKEN_EVERY = 20
#: Studies that are made, which takes ten times as long as to run them; the others are copies.
DISTINCT = 48
MB = 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300, help="phantom studies")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--blocks", type=int, default=4, help="parts in which batch and loop alternate")
    parser.add_argument("--scale", type=int, metavar="N", help="run N tiny cases instead, and print the memory")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="folder for the studies; used again where it exists")
    parser.add_argument("--loop", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        run_loop(Path(options.loop[0]), Path(options.loop[1]))
        return
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if options.scale:
            measure_scaling(folder, options.scale, options.jobs)
        else:
            compare(folder, options.cases, options.jobs, options.blocks)


def compare(folder: Path, cases: int, jobs: int, blocks: int) -> None:
    rows = make_cohort(folder / "studies", cases)
    ratios, seconds = [], {"batch": 0.0, "loop": 0.0}
    peaks: dict[str, float] = {}
    failed = size = 0
    for block in range(blocks):
        part, spent = rows[len(rows) * block // blocks : len(rows) * (block + 1) // blocks], {}
        manifest = write_manifest(folder / f"block-{block}.csv", part)
        for what in ("batch", "loop") if block % 2 else ("loop", "batch"):
            out = Path(tempfile.mkdtemp(dir=folder))
            started = time.perf_counter()
            if what == "batch":
                peaks = largest(peaks, run_program(manifest, out, jobs))
            else:
                run_loops(folder, part, out, jobs)
            spent[what] = time.perf_counter() - started
            seconds[what] += spent[what]
            if what == "batch":
                failed += check_failures(part, out)
                size = folder_bytes(out)
        ratios.append(spent["batch"] / spent["loop"])
        print(f"block {block + 1}: {len(part)} cases, batch {spent['batch']:.1f} s, loop {spent['loop']:.1f} s")
    print(f"{len(rows)} studies, {failed} broken, each in failures.csv with its sentence")
    print(f"throughput: {60 * len(rows) / seconds['batch']:.0f} studies per minute on {jobs} processes")
    print(f"core seconds per study: {jobs * seconds['batch'] / len(rows):.2f}")
    print(f"batch / loop: median {statistics.median(ratios):.3f} of {', '.join(f'{one:.3f}' for one in ratios)}")
    print("peak memory: " + ", ".join(f"{name} {peak:.0f} MB" for name, peak in peaks.items()))
    print(f"results: {size / len(part) / 1e3:.0f} kB per study without pictures")


def make_cohort(folder: Path, cases: int) -> list[dict[str, object]]:
    """Make studies of mixed quality, copy them until there are enough, and break one in twenty."""
    sources = [folder / f"made-{number:03d}" for number in range(min(cases, DISTINCT))]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        distinct = list(pool.map(make_study, sources, range(len(sources))))
    made = [copy_once(distinct[number % len(distinct)], folder / f"{number:06d}") for number in range(cases)]
    ways = cycle(BREAKERS)
    rows = []
    for number, files in enumerate(made):
        way = next(ways) if number % BROKEN_EVERY == BROKEN_EVERY // 2 else ""
        if way and not (mark := files.image.parent / "broken").exists():
            break_study(files, way)
            mark.touch()
        rows.append(row(f"study-{number:06d}", files) | {"site": way})
    return rows


def copy_once(files: Files, folder: Path) -> Files:
    return (
        Files(folder / files.image.name, folder / files.labels.name) if folder.exists() else copy_study(files, folder)
    )


def make_study(folder: Path, number: int) -> Files:
    files = Files(folder / "image.nii.gz", folder / "labels.nii.gz")
    if folder.exists():
        return files
    rng = np.random.default_rng([5, number])
    protocol = (CLINICAL_2D, CLINICAL_2D, FINE_2D, ISOTROPIC)[number % 4]
    made = make_phantom(random_spec(rng, protocol=protocol, sequence=Sequence.T1), rng=rng)
    folder.mkdir(parents=True)
    write_volume(made.image, files.image)
    write_labels(made.labels, files.labels)
    return files


def run_program(manifest: Path, out: Path, jobs: int) -> dict[str, float]:
    """Run ``foramgrade batch`` and watch its memory; peak MB by kind of process."""
    command = [sys.executable, "-m", "foramgrade", "batch", str(manifest), "--out", str(out), "--jobs", str(jobs)]
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peaks: dict[str, float] = {}
    while process.poll() is None:
        peaks = largest(peaks, memory(process))
        time.sleep(0.05)
    if process.returncode not in (0, 1):
        sys.exit(f"foramgrade batch ended with {process.returncode}")
    return peaks


def memory(main_process: psutil.Process) -> dict[str, float]:
    """Resident MB of a run's process, and of the largest of its workers."""
    found = {}
    with contextlib.suppress(psutil.NoSuchProcess):
        found["main"] = main_process.memory_info().rss / MB
        workers = []
        for child in main_process.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if "spawn_main" in " ".join(child.cmdline()):
                    workers.append(child.memory_info().rss / MB)
        if workers:
            found["largest worker"] = max(workers)
    return found


def largest(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {name: max(one.get(name, 0.0), other.get(name, 0.0)) for name in (*one, *other)}


def run_loops(folder: Path, rows: list[dict[str, object]], out: Path, jobs: int) -> None:
    """Run as many plain loops as there are jobs, each over its share of the rows."""
    running = []
    for job in range(jobs):
        share = write_manifest(folder / f"share-{job}.csv", rows[job::jobs])
        command = [sys.executable, __file__, "--loop", str(share), str(out)]
        running.append(subprocess.Popen(command, env=os.environ | ONE_THREAD))
    if any(one.wait() for one in running):
        sys.exit("a plain loop has failed")


def run_loop(manifest: Path, out: Path) -> None:
    """What somebody would write who does without batch: read, assess, write, go on where a case fails."""
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    choices = Choices()
    for told in rows:
        image, labels = Path(told["image"]), Path(told["labels"])
        files = StudyFiles(image, labels=labels, scheme=SCHEME, sequence=Sequence.T1)
        with contextlib.suppress(ForamgradeError):
            read = read_study(files, choices, case=told["case"])
            study = assess_study(read, choices)
            write_study(study, read.grid, out / told["case"], sheet=False, panels=False)


def check_failures(rows: list[dict[str, object]], out: Path) -> int:
    """Count the failures, and stop unless they are the broken cases, each with its sentence."""
    with (out / "failures.csv").open(encoding="utf-8", newline="") as file:
        failures = {told["case"]: told["problem"] for told in csv.DictReader(file)}
    broken = {str(told["case"]): str(told["site"]) for told in rows if told["site"]}
    if set(failures) != set(broken):
        sys.exit(f"failures {sorted(failures)}, expected {sorted(broken)}")
    for case, way in broken.items():
        if BREAKERS[way][1] not in failures[case]:
            sys.exit(f"{case} ({way}): {failures[case]}")
    return len(failures)


def folder_bytes(folder: Path) -> int:
    """Bytes on disk of the folders of cases."""
    return sum(path.lstat().st_blocks * 512 for path in (folder / "cases").rglob("*"))


def measure_scaling(folder: Path, cases: int, jobs: int) -> None:
    """Run tiny cases and print resident memory at several counts."""
    studies = [write_tiny(folder / f"tiny-{n}", n) for n in range(3)]
    # a point beside the image: a case with a row that says so, and little to do but what the run itself costs
    points = write_manifest(folder / "points.csv", [{"level": "L3-L4", "side": "left", "x": -17, "y": 0, "z": 900}])
    manifest, out = folder / "tiny.csv", folder / "out"
    rows = (row(f"c{n:07d}", studies[n % 3]) | {"labels": "", "scheme": "", "points": points} for n in range(cases))
    write_rows(manifest, rows)
    marks = {max(1, cases * k // 10) for k in range(11)}
    this, started, peak = psutil.Process(), time.perf_counter(), 0.0
    watching = threading.Event()

    def report(standing: Standing) -> None:
        if standing.finished in marks:
            told = ", ".join(f"{name} {mb:.0f} MB" for name, mb in memory(this).items())
            print(f"{standing.finished:>8} cases, {time.perf_counter() - started:6.0f} s: {told}", flush=True)

    def watch() -> None:
        nonlocal peak
        while not watching.wait(0.05):
            peak = max(peak, this.memory_info().rss / MB)

    threading.Thread(target=watch, daemon=True).start()
    run = run_batch(manifest, out, jobs=jobs, progress=report)
    watching.set()
    rate = cases / run.seconds
    print(f"{cases} cases in {run.seconds:.0f} s ({rate:.1f} per second), {run.standing.failed} failed")
    print(f"peak of the main process, tables included: {peak:.0f} MB")
    again = run_batch(manifest, out, jobs=jobs)
    print(f"a run that finds everything done: {again.seconds:.0f} s, {1000 * again.seconds / cases:.2f} ms per case")


def write_rows(path: Path, rows: Iterator[dict[str, object]]) -> None:
    first = next(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*first])
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
