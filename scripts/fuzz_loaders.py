"""Damage files at random and read them: a volume or one of the package's own errors may come out, nothing else.

Usage: python scripts/fuzz_loaders.py [--minutes 5] [--seed 0] [--only SEED] [FILE ...]

Every trial has a number of its own; `--only` repeats one. Trials run in a process of their own, so that a crash of a
decoder, too, is noticed and named. Exit status 1 if anything but a volume or an error of the package came out.
"""

import argparse
import collections
import io
import logging
import multiprocessing
import random
import re
import runpy
import sys
import tempfile
import time
import traceback
import tracemalloc
import warnings
import zipfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from foramgrade.errors import ForamgradeError
from foramgrade.loaders import list_series, read_volume

WRITERS = Path(__file__).resolve().parents[1] / "tests" / "dicom_files.py"
SYNTAXES = (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

#: Bytes that are more likely than others to be taken for something else: lengths, signs, item and sequence tags.
TELLING = (
    b"\0\0",
    b"\xff\xff",
    b"\xff\xff\xff\xff",
    b"\xfe\xff\x00\xe0",
    b"\xfe\xff\xdd\xe0",
    b"\x00\x80",
    b"SQ",
    b"UN",
)

#: Memory that a trial may take beyond forty times its input, bytes: caches, and the buffers of pydicom.
ROOM = 30 * 2**20

#: What differs between two equal complaints: quoted values and numbers.
VARYING = r"""'[^']*'|"[^"]*"|\d+"""

#: Time after which a trial counts as hanging, seconds.
PATIENCE_S = 30.0

Files = dict[str, bytes]


def make_inputs(files: list[Path]) -> dict[str, Files]:
    """Good inputs by name: classic series, enhanced files, an archive, and the files given."""
    writers = runpy.run_path(str(WRITERS))
    array = np.arange(12 * 10 * 3, dtype=np.int16).reshape(12, 10, 3)
    affine = np.array([[0, 0, -4.4, 38], [-0.6, 0, 0, 61], [0, -0.7, 0, 47], [0, 0, 0, 1]])
    inputs: dict[str, Files] = {}
    with tempfile.TemporaryDirectory() as folder:
        for syntax in SYNTAXES:
            root = Path(folder) / str(syntax)
            writers["_write_series"](root / "classic", array, affine, transfer_syntax=syntax)
            writers["_write_enhanced"](root / "enhanced" / "e.dcm", array, affine, transfer_syntax=syntax)
            for kind in ("classic", "enhanced"):
                inputs[f"{kind} {syntax.name}"] = {f.name: f.read_bytes() for f in sorted((root / kind).iterdir())}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in inputs[f"classic {ExplicitVRLittleEndian.name}"].items():
            archive.writestr(name, content)
    inputs["archive"] = {"study.zip": packed.getvalue()}
    return inputs | {f"given {n}: {file.name}": {file.name: file.read_bytes()} for n, file in enumerate(files)}


def damage(content: bytes, rng: random.Random) -> bytes:
    """Change a file in one to three places."""
    changed = bytearray(content)
    # Half of the damage goes where the header is, which is small beside the pixels of a real file.
    for _ in range(rng.choice((1, 1, 2, 3))):
        if not changed:
            break
        at = rng.randrange(min(len(changed), 4000) if rng.random() < 0.5 else len(changed))
        kind = rng.randrange(6)
        if kind == 0:
            del changed[at:]
        elif kind == 1:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            changed[at] = rng.randrange(256)
        elif kind == 3:
            piece = rng.choice(TELLING)
            changed[at : at + len(piece)] = piece
        elif kind == 4:
            del changed[at : at + rng.randint(1, 200)]
        else:
            other = rng.randrange(len(changed))
            changed[at:at] = changed[other : other + rng.randint(1, 100)]
    return bytes(changed)


def try_one(inputs: dict[str, Files], seed: int) -> tuple[str, str]:
    """Damage one input and read it; gives its name and what came out: "volume", "refused" or a traceback."""
    rng = random.Random(seed)
    name = rng.choice(sorted(inputs))
    files = dict(inputs[name])
    victim = rng.choice(sorted(files))
    files[victim] = damage(files[victim], rng)
    size = sum(map(len, files.values()))
    with tempfile.TemporaryDirectory() as folder:
        for file, content in files.items():
            (Path(folder) / file).write_bytes(content)
        path = Path(folder) / victim if len(files) == 1 else Path(folder)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        outcome = read(path)
        taken = tracemalloc.get_traced_memory()[1] - before
    if taken > ROOM + 40 * size:
        outcome = f"took {taken / 2**20:.0f} MiB for a file of {size} bytes"
    return name, outcome


def read(path: Path) -> str:
    """List and read a path, with warnings as errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            list_series(path)
        except ForamgradeError:
            pass
        except Exception:  # noqa: BLE001
            return traceback.format_exc()
        try:
            volume = read_volume(path)
        except ForamgradeError:
            return "refused"
        except Exception:  # noqa: BLE001
            return traceback.format_exc()
    if volume.array.shape != volume.grid.shape or not np.isfinite(volume.array).all():
        return f"a bad volume: {volume.array.shape}, {volume.grid.shape}"
    return "volume"


def check(inputs: dict[str, Files]) -> None:
    """Make sure that the inputs themselves can be read: damage to what is refused anyway would show nothing."""
    for name, files in inputs.items():
        if name.startswith("given"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            for file, content in files.items():
                (Path(folder) / file).write_bytes(content)
            outcome = read(Path(folder) / next(iter(files)) if len(files) == 1 else Path(folder))
        if outcome != "volume":
            sys.exit(f"{name} cannot be read before it is damaged: {outcome}")


def serve(inputs: dict[str, Files], link: Connection) -> None:
    """Run the trials whose seeds arrive."""
    logging.disable()
    tracemalloc.start()
    while True:
        link.send(try_one(inputs, link.recv()))


def cause(outcome: str) -> str:
    """The package's innermost line in a traceback and the error, to count equal ones once."""
    lines = outcome.strip().splitlines()
    own = [line.strip() for line in lines if "foramgrade" in line and line.strip().startswith("File")]
    where = own[-1].rsplit("/", 1)[-1] if own else ""
    return f"{where} {re.sub(VARYING, '#', lines[-1])[:160]}"


def run(inputs: dict[str, Files], seeds: Iterator[int], *, until: float) -> int:
    """Run trials until the time is over; gives the number of offending ones."""
    counts: collections.Counter[str] = collections.Counter()
    offences: dict[str, tuple[int, int, str]] = {}
    context = multiprocessing.get_context("fork")
    worker, link = None, None
    for seed in seeds:
        if time.monotonic() > until:
            break
        if worker is None:
            link, far = context.Pipe()
            worker = context.Process(target=serve, args=(inputs, far), daemon=True)
            worker.start()
            far.close()
        link.send(seed)
        try:
            outcome = link.recv()[1] if link.poll(PATIENCE_S) else f"hangs for more than {PATIENCE_S:g} s"
        except EOFError:
            worker.join()
            name = random.Random(seed).choice(sorted(inputs))  # the first thing that a trial draws
            outcome = f"the process died with exit code {worker.exitcode}, reading {name}"
        if not worker.is_alive() or outcome.startswith("hangs"):
            worker.kill()
            worker.join()
            worker = None
        kind = outcome if outcome in ("volume", "refused") else "offence"
        counts[kind] += 1
        if kind == "offence":
            n, first, _ = offences.get(cause(outcome), (0, seed, ""))
            offences[cause(outcome)] = (n + 1, first, outcome)
    if worker is not None:
        worker.kill()
    print(f"{sum(counts.values())} trials: {counts['volume']} volumes, {counts['refused']} refusals")
    for what, (n, first, _) in sorted(offences.items(), key=lambda item: item[1]):
        print(f"{n} x (first: --only {first})  {what}")
    for _, first, outcome in sorted(offences.values(), key=lambda offence: offence[1])[:1]:
        print(f"\nseed {first}:\n{outcome}")
    return counts["offence"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="further good files to damage")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="repeat the trial of this number")
    given = parser.parse_args()
    inputs = make_inputs(given.files)
    check(inputs)
    once = given.only is not None
    first = given.only if once else given.seed * 10**9
    seeds = iter(range(first, first + (1 if once else 10**9)))
    return int(run(inputs, seeds, until=time.monotonic() + 60 * given.minutes) > 0)


if __name__ == "__main__":
    sys.exit(main())
