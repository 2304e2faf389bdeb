"""Let atheris look for input that gets through: every kind of file but DICOM, damaged so as to reach new branches.

Usage: python scripts/fuzz_formats.py [--minutes 1] [--kind NAME ...] [--corpus FOLDER]

Needs ``pip install atheris`` (Linux). Each kind runs in a process of its own, begins with a good file, and goes on for
so many minutes. Whatever a reader raises but the package's own errors is an offence: the file that did it is kept in
the corpus folder, and the exit status is 1. DICOM has ``scripts/fuzz_loaders.py``.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
#: A reader that takes longer than this hangs, seconds; one that takes more than this is greedy, MiB.
PATIENCE_S, MOST_MIB = 20, 2048
#: Files longer than this tell nothing that shorter ones do not, bytes.
LONGEST = 16384


def fuzz(name: str, corpus: Path, minutes: float) -> None:
    """Run one kind in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["foramgrade", "nibabel"]):
        sys.path.insert(0, str(TESTS))
        import fuzzed_files

    kind = fuzzed_files.KINDS[name]
    logging.disable()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (corpus / "good").write_bytes(fuzzed_files.good(kind, folder))

        def attempt(content: bytes) -> None:
            fuzzed_files.read(kind, content, folder)

        options = [f"-max_total_time={round(60 * minutes)}", f"-timeout={PATIENCE_S}", f"-rss_limit_mb={MOST_MIB}"]
        options += [f"-max_len={LONGEST}", f"-artifact_prefix={corpus}/offence-", "-print_final_stats=1", "-seed=1"]
        atheris.Setup([sys.argv[0], *options, str(corpus)], attempt)
        atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="per kind")
    parser.add_argument("--kind", action="append", help="one kind; all unless given")
    parser.add_argument("--corpus", type=Path, default=Path(tempfile.gettempdir()) / "foramgrade-fuzz")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        fuzz(given.serve, given.corpus / given.serve.replace(" ", "-"), given.minutes)
        return 0
    sys.path.insert(0, str(TESTS))
    from fuzzed_files import KINDS

    worst = 0
    for name in given.kind or KINDS:
        folder = given.corpus / name.replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, __file__, "--serve", name, "--corpus", str(given.corpus)]
        ended = subprocess.run([*command, "--minutes", str(given.minutes)], capture_output=True, text=True)
        lines = ended.stderr.splitlines()
        tried = [line.split()[-1] for line in lines if "number_of_executed_units" in line]
        reached = [word for line in lines if " cov: " in line for word in line.split("cov: ")[1].split()[:1]]
        print(
            f"{name}: {tried[-1] if tried else 'no count of'} files, {reached[-1] if reached else '?'} branches", end=""
        )
        print(f", exit status {ended.returncode}", flush=True)
        if ended.returncode:
            worst = 1
            print("\n".join([*ended.stdout.splitlines()[-15:], *lines[-15:]]))
    return worst


if __name__ == "__main__":
    sys.exit(main())
