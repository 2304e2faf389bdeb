"""Time reading a DICOM series against other readers, or listing a large tree of files.

Usage: python scripts/bench_loaders.py [--rounds 15] [--slices 17] [--size 512]
       python scripts/bench_loaders.py --tree 20000

The series is classic, with a header as long as a scanner's: some 130 elements and a private block of 60 kB. Every
reader works in a process of its own, after one run to warm up; the runs of all readers take turns, so that whatever
else the machine does meets all of them. Peak memory is that of a fresh process which imports the reader and reads once.
dicom2nifti is left out where it is not installed.
"""

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITERS = Path(__file__).resolve().parents[1] / "tests" / "dicom_files.py"
READERS = ("foramgrade", "SimpleITK", "dicom2nifti", "bytes")
SERIES_UID = "1.2.826.0.1.3680043.8.498.10000000000000000"
SLICES_PER_SERIES = 20

# fmt: off
#: Elements that scanners write and readers pass over.
ORDINARY = (
    "InstitutionAddress", "StationName", "InstitutionalDepartmentName", "ManufacturerModelName",
    "PatientSex", "BodyPartExamined", "SoftwareVersions", "DeviceSerialNumber",
    "PerformedProcedureStepDescription", "PerformedProcedureStepID", "RequestedProcedureDescription",
    "StudyDescription",
    "SequenceName", "InPlanePhaseEncodingDirection", "ImagedNucleus", "ReceiveCoilName",
    "TransmitCoilName", "AngioFlag", "Laterality", "PatientComments",
    "ImageComments", "AcquisitionNumber", "NumberOfAverages", "ImagingFrequency",
    "NumberOfPhaseEncodingSteps", "PercentSampling", "PercentPhaseFieldOfView", "PixelBandwidth",
    "SAR", "dBdt", "SpacingBetweenSlices", "SliceLocation",
    "PatientWeight", "WindowCenter", "WindowWidth", "VariableFlipAngleFlag",
    "PerformedProcedureStepComments", "AdmissionID", "StudyComments",
)
# fmt: on


def make_series(folder: Path, *, slices: int, size: int, long_header: bool = True) -> None:
    """Write a sagittal series with a header of realistic length."""
    import runpy

    import numpy as np
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    rng = np.random.default_rng(0)
    array = rng.integers(0, 4096, (size, size, slices)).astype(np.uint16)
    affine = np.array([[0, 0.1, -4.4, 38], [-0.6, 0, 0, 61], [0, -0.6, 0, 47], [0, 0, 0, 1.0]])
    affine[:3, 1] *= 0.6 / np.linalg.norm(affine[:3, 1])
    affine[:3, 2] = 4.4 * np.cross(affine[:3, 0], affine[:3, 1]) / 0.36
    texts = [word for word in ORDINARY if dictionary_VR(tag_for_keyword(word) or 0) in ("LO", "SH", "ST", "LT", "CS")]
    numbers = [word for word in ORDINARY if dictionary_VR(tag_for_keyword(word) or 0) in ("DS", "IS")]

    def fill(dataset: Any, k: int) -> None:
        dataset.SOPInstanceUID = f"{dataset.SeriesInstanceUID}.{k + 1}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        if not long_header:
            return
        for word in texts:
            setattr(dataset, word, "ORDINARY")
        for word in numbers:
            setattr(dataset, word, 7)
        block = dataset.private_block(0x0029, "SCANNER CSA HEADER", create=True)
        block.add_new(0x10, "OB", bytes(60_000))
        measures = dataset.private_block(0x0019, "SCANNER MR HEADER", create=True)
        for element in range(0x10, 0x40):
            measures.add_new(element, "LO", "1.25")

    writers = runpy.run_path(str(WRITERS))
    options: dict[str, Any] = {"series_uid": SERIES_UID, "vendor": "Scanner works", "bits_stored": 12}
    writers["_write_series"](folder, array, affine, edit=fill, **options)


def find_reader(name: str, folder: Path) -> Callable[[], object]:
    """What reads the folder into memory; imports the reader, and nothing else that is large."""
    if name == "foramgrade":
        from foramgrade.loaders import read_volume

        return lambda: read_volume(folder)
    if name == "SimpleITK":
        import SimpleITK

        def read() -> object:
            reader = SimpleITK.ImageSeriesReader()
            reader.SetFileNames(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
            return SimpleITK.GetArrayViewFromImage(reader.Execute())

        return read
    if name == "dicom2nifti":
        import numpy as np
        from dicom2nifti.convert_dicom import dicom_series_to_nifti

        return lambda: np.asarray(dicom_series_to_nifti(folder, None, reorient_nifti=False)["NII"].dataobj)
    if name == "tree":
        from foramgrade.loaders import list_series

        return lambda: list_series(folder)
    return lambda: [file.read_bytes() for file in sorted(folder.iterdir())]


def peak_mib() -> float:
    """Most memory this process ever held, MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the process that started this one
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def serve(name: str, folder: Path) -> None:
    """Read the folder once for every line that arrives; answer with seconds, and peak memory before and after."""
    read = find_reader(name, folder)
    before = peak_mib()
    for _ in sys.stdin:
        start = time.perf_counter()
        found = read()
        seconds = time.perf_counter() - start
        del found
        print(seconds, before, peak_mib(), flush=True)


class Reader:
    """A process that reads on demand."""

    def __init__(self, name: str, folder: Path) -> None:
        command = [sys.executable, __file__, "--serve", name, str(folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self) -> tuple[float, float, float]:
        """Seconds, peak memory before the first reading, and now, MiB."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, before, now = map(float, self.process.stdout.readline().split())
        return seconds, before, now

    def close(self) -> None:
        """Let the process end."""
        self.process.communicate()


def compare(rounds: int, *, slices: int, size: int) -> None:
    """Print a table of all readers on one series."""
    names = [name for name in READERS if name != "dicom2nifti" or importlib.util.find_spec(name)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "series"
        make_series(folder, slices=slices, size=size)
        memory = {}
        for name in names:
            fresh = Reader(name, folder)
            memory[name] = fresh.read()[1:]
            fresh.close()
        readers = {name: Reader(name, folder) for name in names}
        for reader in readers.values():
            reader.read()
        seconds: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(rounds):
            for name, reader in readers.items():
                seconds[name].append(reader.read()[0])
        for reader in readers.values():
            reader.close()
    ours = seconds["foramgrade"]
    print(f"{slices} slices of {size} x {size}, 16 bit, median of {rounds} interleaved readings\n")
    print("| reader | ms | fastest ms | ours is faster by | imported, MiB | peak, MiB |")
    print("|---|--:|--:|--:|--:|--:|")
    for name in names:
        # The ratio is taken within each round, where both met the same machine.
        ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds[name], ours, strict=True))
        median, fastest = statistics.median(seconds[name]) * 1e3, min(seconds[name]) * 1e3
        before, peak = memory[name]
        print(f"| {name} | {median:.1f} | {fastest:.1f} | {ratio:.2f} x | {before:.0f} | {peak:.0f} |")


def make_tree(root: Path, files: int) -> None:
    """Write a tree of series of twenty small slices, equal but for their identifiers."""
    with tempfile.TemporaryDirectory() as place:
        make_series(Path(place), slices=SLICES_PER_SERIES, size=32, long_header=False)
        slices = {file.name: file.read_bytes() for file in sorted(Path(place).iterdir())}
    for n in range(-(-files // SLICES_PER_SERIES)):
        folder = root / f"{n // 100:03d}" / f"{n % 100:02d}"
        folder.mkdir(parents=True)
        uid = f"{SERIES_UID[:-8]}{n:08d}".encode()
        for k, (name, content) in enumerate(slices.items()):
            if n * SLICES_PER_SERIES + k < files:
                (folder / name).write_bytes(content.replace(SERIES_UID.encode(), uid))


def measure_tree(files: int) -> None:
    """Print how fast a tree is listed, and what one more file costs in memory."""
    rows = []
    for n in (max(files // 10, 1), files):
        with tempfile.TemporaryDirectory() as root:
            make_tree(Path(root), n)
            reader = Reader("tree", Path(root))
            rows.append((n, *reader.read()))
            reader.close()
    print("| files | s | files/s | peak, MiB | growth, MiB | bytes per file |")
    print("|--:|--:|--:|--:|--:|--:|")
    for n, seconds, before, peak in rows:
        growth = peak - before
        print(f"| {n} | {seconds:.2f} | {n / seconds:.0f} | {peak:.0f} | {growth:.1f} | {growth * 2**20 / n:.0f} |")
    (few, _, _, low), (many, _, _, high) = rows
    if many > few:
        print(f"\none more file costs {(high - low) * 2**20 / (many - few):.0f} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--slices", type=int, default=17)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--tree", type=int, metavar="FILES", help="list a generated tree of so many files instead")
    parser.add_argument("--serve", nargs=2, metavar=("READER", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve[0], Path(given.serve[1]))
    elif given.tree:
        measure_tree(given.tree)
    else:
        compare(given.rounds, slices=given.slices, size=given.size)


if __name__ == "__main__":
    main()
