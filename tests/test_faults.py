"""Faults on purpose: every row of docs/faults.md is made, and its message compared."""

import gzip
import os
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import foramgrade as fg
from foramgrade.findings import Sequence
from foramgrade.volume import Grid, LabelMap, Volume

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample_data"
#: Codes of the sample's vertebrae, discs and sacrum.
CODES = np.array([41, 42, 43, 44, 45, 50, 92, 93, 94, 95, 100])
ROW = re.compile(r"^\| ([^|`]+) \| (?:(rows without grade|rows, graded)(?:: )?)?(?:`(.*)`)? \|$", flags=re.MULTILINE)


def documented() -> dict[str, tuple[str | None, str | None]]:
    """What happens and what is said, by the words of the input."""
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    return {what.strip(): (kept or None, said or None) for what, kept, said in ROW.findall(text) if what != "input"}


def pattern(said: str) -> str:
    return ".*".join(re.escape(part) for part in said.split("…"))


def huge_nifti() -> bytes:
    header = bytearray(nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)).to_bytes())
    header[40:56] = struct.pack("<8h", 3, 2000, 2000, 500, 1, 1, 1, 1)
    return bytes(header)


def nowhere_nifti() -> bytes:
    header = bytearray(nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)).to_bytes())
    header[108:112] = struct.pack("<f", np.nan)
    return bytes(header)


def write(name: str, content: bytes | str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def loop(folder: Path) -> Path:
    (folder / "loop.nii").symlink_to(folder / "loop.nii")
    return folder / "loop.nii"


def inner(folder: Path) -> Path:
    (folder / "again").symlink_to(folder)
    return folder


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.nii")
    return folder / "pipe.nii"


def archive(member: str | None, content: bytes = b"x" * 200) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "study.zip", "w", zipfile.ZIP_DEFLATED) as file:
            if member is not None:
                file.writestr(member, content)
        return folder / "study.zip"

    return make


FILES: dict[str, Callable[[Path], Path]] = {
    "a NIfTI header of 4 GB on a file of 480 bytes": write("huge.nii", huge_nifti()),
    "the same, compressed": write("huge.nii.gz", gzip.compress(huge_nifti(), mtime=0)),
    "a MetaImage that does not say where it is": write(
        "huge.mha",
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 2000 2000 500\nElementSpacing = 1 1 1\n"
        "ElementType = MET_SHORT\nElementDataFile = LOCAL\n",
    ),
    "a MetaImage of a thousand million dimensions": write(
        "many.mha", "ObjectType = Image\nNDims = 1e9\nDimSize = 2 2 2\nOffset = 0 0 0\nElementDataFile = LOCAL\n"
    ),
    "a MetaImage whose voxels' file is a format string": write(
        "list.mha", "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nOffset = 0 0 0\nElementDataFile = %s%s%s.raw\n"
    ),
    "an NRRD with a field of 5,000 bytes": write(
        "long.nrrd", "NRRD0004\ntype: short\ndimension: 3\nlabels: " + "a" * 5000 + "\nsizes: 2 2 2\n\n"
    ),
    "a NIfTI whose voxels begin at no number": write("begin.nii", nowhere_nifti()),
    "an NRRD that does not say where it is": write(
        "huge.nrrd", "NRRD0004\ntype: short\ndimension: 3\nsizes: 2000 2000 500\nencoding: raw\nendian: little\n\n"
    ),
    "an empty file called .nii.gz": write("empty.nii.gz", b""),
    "a link that leads to itself": loop,
    "a folder that holds itself by a link": inner,
    "a pipe": pipe,
    "a name that is not UTF-8": write(os.fsdecode(b"na\xffme.nii"), huge_nifti()),
    "text called .txt": write("notes.txt", "hello"),
    "an archive without a file": archive(None),
    "an archive with a member outside it": archive("../../evil.dcm"),
    "an archive that unpacks to a thousand times its size": archive("a.dcm", bytes(70_000_000)),
}


@pytest.fixture(scope="module")
def image() -> Volume:
    return fg.read_volume(SAMPLE / "lumbar_T1.nii.gz", sequence=Sequence.T1)


@pytest.fixture(scope="module")
def labels() -> LabelMap:
    return fg.read_labels(SAMPLE / "lumbar_labels.nii.gz", scheme="totalspineseg")


def stretched(grid: Grid, factors: tuple[float, float, float]) -> Grid:
    affine = grid.affine.copy()
    affine[:3, :3] = affine[:3, :3] * factors
    return Grid(grid.shape, affine)


def single_voxels(array: np.ndarray) -> np.ndarray:
    kept = np.zeros_like(array)
    for code in CODES:
        places = np.argwhere(array == code)
        if len(places):
            kept[tuple(places[len(places) // 2])] = code
    return kept


def at_random(array: np.ndarray) -> np.random.Generator:
    return np.random.default_rng(array.size)


#: What becomes of the labels' array, or of the image's.
LABELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "a checkerboard of two vertebrae": lambda a: np.where(np.indices(a.shape).sum(axis=0) % 2, 44, 45),
    "every voxel a random structure": lambda a: at_random(a).choice(CODES, a.shape),
    "one label everywhere": lambda a: np.full(a.shape, 44),
    "65,535 labels": lambda a: np.arange(a.size).reshape(a.shape) % 65535 + 1,
    "the map upside down": lambda a: a[:, ::-1],
    "front and back exchanged": lambda a: a[::-1],
    "vertebrae of one voxel": single_voxels,
    "labels on a single slice": lambda a: np.where(np.arange(a.shape[2]) == a.shape[2] // 2, a, 0),
    "a third of the voxels missing at random": lambda a: np.where(at_random(a).random(a.shape) < 1 / 3, 0, a),
}
IMAGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "not a number everywhere": lambda a: np.full(a.shape, np.nan, np.float32),
    "not a number outside the field of view": lambda a: np.where(np.arange(a.shape[0])[:, None, None] < 40, np.nan, a),
    "infinite in every seventh voxel": lambda a: np.where(np.indices(a.shape).sum(axis=0) % 7, a, np.inf),
    "one value everywhere": lambda a: np.full(a.shape, 5, np.int16),
    "intensities times 1e300": lambda a: a.astype(float) * 1e300,
    "the negative of a picture": lambda a: -a.astype(np.float32),
}
GRIDS: dict[str, tuple[float, float, float]] = {
    "voxels of a micrometre": (1e-3, 1e-3, 1e-3),
    "slices a hundred times as far apart as pixels": (1.0, 1.0, 13.0),
}
ELSEWHERE = "the image elsewhere in the patient"


def test_every_row_of_the_page_is_made_here() -> None:
    assert set(documented()) == {*FILES, *LABELS, *IMAGES, *GRIDS, ELSEWHERE}


@pytest.mark.parametrize("what", FILES)
def test_files(what: str, tmp_path: Path) -> None:
    kept, said = documented()[what]
    assert kept is None
    with pytest.raises(fg.InputError, match=pattern(said)) as refused:
        fg.read_volume(FILES[what](tmp_path))
    assert str(tmp_path) not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("what", [*LABELS, *IMAGES, *GRIDS, ELSEWHERE])
def test_studies(what: str, image: Volume, labels: LabelMap) -> None:
    kept, said = documented()[what]
    if what in LABELS:
        labels = LabelMap(LABELS[what](labels.array).astype(np.uint16), labels.grid, scheme=labels.scheme)
    elif what in IMAGES:
        image = Volume(IMAGES[what](image.array), image.grid, image.sequence)
    elif what in GRIDS:
        image = Volume(image.array, stretched(image.grid, GRIDS[what]), image.sequence)
        labels = LabelMap(labels.array, stretched(labels.grid, GRIDS[what]), scheme=labels.scheme)
    else:
        affine = image.grid.affine.copy()
        affine[:3, 3] += 1000.0
        image = Volume(image.array, Grid(image.grid.shape, affine), image.sequence)
    if kept is None:
        with pytest.raises(fg.ForamgradeError, match=pattern(said)) as refused:
            fg.assess(image, labels)
        assert "\n" not in str(refused.value)
        return
    found = fg.assess(image, labels).foramina
    assert len(found) == 10
    assert all(foramen.reasons for foramen in found)
    if kept == "rows, graded":
        assert all(foramen.gradable for foramen in found)
    else:
        assert not any(foramen.gradable for foramen in found)
        assert all(re.search(pattern(said), " ".join(foramen.reasons)) for foramen in found)
