"""What the benchmarks share: processes that run on demand, memory, tables, and a line about the machine."""

import datetime
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

#: Environment that keeps every library to one thread.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "1"
)
#: Packages whose versions are told, where they are installed, by the module that is imported.
PACKAGES = {
    "foramgrade": "foramgrade",
    "numpy": "numpy",
    "scipy": "scipy",
    "isal": "isal",
    "deflate": "deflate",
    "pydicom": "pydicom",
    "nibabel": "nibabel",
    "SimpleITK": "simpleitk",
    "dicom2nifti": "dicom2nifti",
    "skimage": "scikit-image",
    "radiomics": "pyradiomics",
}


def memory_mib(entry: str) -> float:
    """Memory of this process, MiB: "VmRSS" now, "VmHWM" the most it ever held; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith(entry))


def peak_mib() -> float:
    """Most memory this process ever held, MiB."""
    if told := memory_mib("VmHWM"):  # getrusage would count the process that started this one
        return told
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def serve(prepare: Callable[[], Callable[[], Mapping[str, float] | None]]) -> None:
    """Run once for every line that arrives; answer with seconds, CPU seconds, memory and what the run says, as JSON."""
    run = prepare()
    imported = peak_mib()
    for _ in sys.stdin:
        start, worked = time.perf_counter(), time.process_time()
        said = run()
        took = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - worked}
        print(json.dumps({**took, "imported_mib": imported, "peak_mib": peak_mib(), **(said or {})}), flush=True)


class Worker:
    """A process of a script's own, started with ``--serve`` and what it shall run, on one thread."""

    def __init__(self, script: str, *what: str) -> None:
        command = [sys.executable, script, "--serve", *what]
        environment = os.environ | ONE_THREAD
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self) -> dict[str, float]:
        """One run: "seconds", "cpu", "imported_mib", "peak_mib" and what the run said."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"a process for {self.process.args} has ended early")
        return json.loads(answer)

    def close(self) -> None:
        """Let the process end."""
        self.process.communicate()


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool) -> None:
    """Print a table, numbers to the right: every column but the first, and the last where it holds words."""
    words = {0} | {c for c in range(len(head)) if any(row[c] and not _is_number(row[c]) for row in rows)}
    rule = ["---" if column in words else "--:" for column in range(len(head))]
    table = [head, rule, *rows] if markdown else [head, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            f"{cell:{'<' if c in words else '>'}{width}}"
            for c, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print(f"| {' | '.join(cells)} |" if markdown else "  ".join(cells).rstrip())


def _is_number(cell: str) -> bool:
    return cell.removesuffix(" x").replace(".", "", 1).replace("-", "", 1).isdigit()


def describe_machine() -> str:
    """Date, processor and versions in one line."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    installed = [package for module, package in PACKAGES.items() if importlib.util.find_spec(module)]
    versions = ", ".join(f"{package} {version(package)}" for package in installed)
    processor = models[0] if models else platform.processor()
    today = datetime.datetime.now(tz=datetime.UTC).date()
    cores = f"{os.cpu_count()} cores"
    return f"{today}, {processor}, {cores}; Python {platform.python_version()}, {versions}"
