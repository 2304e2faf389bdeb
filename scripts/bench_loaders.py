"""Time reading a DICOM series against other readers, or listing a large tree of files.

Usage: python scripts/bench_loaders.py [--rounds 15] [--slices 17] [--size 512]
       python scripts/bench_loaders.py --tree 20000
       python scripts/bench_loaders.py --labels FOLDER ...

Then NIfTI archives, an image and a label map, beside nibabel and beside inflating them by ISA-L alone.

The series is classic, with a header as long as a scanner's: some 130 elements and a private block of 60 kB. Every
reader works in a process of its own, after one run to warm up; the runs of all readers take turns, so that whatever
else the machine does meets all of them. Peak memory is that of a fresh process which imports the reader and reads once.
dicom2nifti and ISA-L (``isal``) are left out where they are not installed.
"""

import argparse
import importlib.util
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benching import Worker, serve, show_table

WRITERS = Path(__file__).resolve().parents[1] / "tests" / "dicom_files.py"
READERS = ("foramgrade", "SimpleITK", "dicom2nifti", "bytes")
ARCHIVE_READERS = (
    *("foramgrade image", "ISA-L gunzip of image", "nibabel image"),
    *("foramgrade labels", "ISA-L gunzip of labels", "nibabel labels"),
)
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
    if name == "foramgrade image":
        from foramgrade.loaders import read_volume as read_image

        return lambda: read_image(folder / "image.nii.gz").array
    if name == "foramgrade labels":
        from foramgrade.loaders import read_labels

        return lambda: read_labels(folder / "labels.nii.gz", scheme="totalspineseg").array
    if name.startswith("nibabel"):
        import nibabel as nib
        import numpy as np

        return lambda: np.asanyarray(nib.load(folder / f"{name.split()[1]}.nii.gz").dataobj)
    if name.startswith("ISA-L"):
        from isal import igzip_lib

        packed = folder / f"{name.split()[-1]}.nii.gz"
        return lambda: igzip_lib.decompress(packed.read_bytes(), flag=igzip_lib.DECOMP_GZIP)
    if name == "tree":
        from foramgrade.loaders import list_series

        return lambda: list_series(folder)
    return lambda: [file.read_bytes() for file in sorted(folder.iterdir())]


def is_at_hand(reader: str) -> bool:
    """Whether the package behind a reader is installed; those of the package itself always are."""
    needed = {"dicom2nifti": "dicom2nifti", "ISA-L": "isal"}.get(reader.split()[0])
    return needed is None or importlib.util.find_spec(needed) is not None


def compare(names: list[str], folder: Path, rounds: int, *, ours: str) -> None:
    """Print a table of the readers at hand of one folder; all take turns, and ratios are taken within a round."""
    names = [name for name in names if is_at_hand(name)]
    memory = {}
    for name in names:
        fresh = Worker(__file__, name, str(folder))
        memory[name] = fresh.run()
        fresh.close()
    readers = {name: Worker(__file__, name, str(folder)) for name in names}
    for reader in readers.values():
        reader.run()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, reader in readers.items():
            seconds[name].append(reader.run()["seconds"])
    for reader in readers.values():
        reader.close()
    rows = []
    for name in names:
        ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds[name], seconds[ours], strict=True))
        times = (f"{statistics.median(seconds[name]) * 1e3:.1f}", f"{min(seconds[name]) * 1e3:.1f}")
        held = (f"{memory[name]['imported_mib']:.0f}", f"{memory[name]['peak_mib']:.0f}")
        rows.append([name, *times, f"{ratio:.2f} x", *held])
    show_table(["reader", "ms", "fastest ms", "times ours", "imported, MiB", "peak, MiB"], rows, markdown=True)


def compare_series(rounds: int, *, slices: int, size: int) -> None:
    """Print a table of all readers on one DICOM series."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "series"
        make_series(folder, slices=slices, size=size)
        print(f"\n{slices} slices of {size} x {size}, 16 bit, median of {rounds} interleaved readings\n")
        compare(list(READERS), folder, rounds, ours="foramgrade")


def compare_archives(rounds: int) -> None:
    """Print tables of the readers of NIfTI archives, on an image of noise and on a label map."""
    import nibabel as nib
    import numpy as np

    rng = np.random.default_rng(1)
    shape = (448, 448, 96)
    ramp = np.add.outer(np.add.outer(np.arange(448), np.arange(448)), np.arange(96))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        image = (ramp + rng.normal(0, 30, shape)).astype(np.int16)
        nib.save(nib.Nifti1Image(image, np.diag([0.6, 0.6, 0.9, 1.0])), folder / "image.nii.gz")
        codes = np.array([0, 41, 42, 43, 44, 45, 92, 93, 94, 95], np.uint8)
        nib.save(nib.Nifti1Image(codes[ramp // 60 % 10], np.diag([0.6, 0.6, 0.9, 1.0])), folder / "labels.nii.gz")
        for what, ours in (("image", "foramgrade image"), ("labels", "foramgrade labels")):
            print(f"\n{what}.nii.gz of {' x '.join(map(str, shape))}, median of {rounds} interleaved readings\n")
            compare([name for name in ARCHIVE_READERS if what in name], folder, rounds, ours=ours)


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
            reader = Worker(__file__, "tree", root)
            found = reader.run()
            rows.append((n, found["seconds"], found["imported_mib"], found["peak_mib"]))
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
    parser.add_argument(
        "--labels",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="read labels.nii.gz there instead, as bench_study keeps",
    )
    parser.add_argument("--serve", nargs=2, metavar=("READER", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        read = find_reader(given.serve[0], Path(given.serve[1]))

        def once() -> None:
            read()

        serve(lambda: once)
    elif given.tree:
        measure_tree(given.tree)
    elif given.labels:
        for folder in given.labels:
            print(f"\n{folder.name}/labels.nii.gz, median of {given.rounds} interleaved readings\n")
            names = [name for name in ARCHIVE_READERS if "labels" in name]
            compare(names, folder, given.rounds, ours="foramgrade labels")
    else:
        compare_series(given.rounds, slices=given.slices, size=given.size)
        compare_archives(given.rounds)


if __name__ == "__main__":
    main()
