"""Cohorts of tiny phantom studies on disk, some of them broken, for tests and for the benchmark of runs over many."""

import csv
import gzip
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from foramgrade.exports import write_labels, write_volume
from foramgrade.phantom import ForamenSpec, LevelSpec, PhantomSpec, Protocol, make_phantom

#: Shows L3-L4 whole and parts of its neighbours: assessed in a tenth of a second.
TINY = Protocol(pixel_mm=1.2, thickness_mm=4.0, spacing_mm=6.6, n_slices=9, field_mm=(80.0, 60.0))
SCHEME = "totalspineseg"


@dataclass(frozen=True, slots=True)
class Files:
    """A study on disk."""

    image: Path
    labels: Path


def write_tiny(folder: Path, seed: int, protocol: Protocol = TINY) -> Files:
    """Write a phantom whose foramina have their own size with every seed."""
    rng = np.random.default_rng([77, seed])
    sides = [ForamenSpec(area_mm2=float(rng.uniform(80, 150))) for _ in range(2)]
    levels = tuple(LevelSpec(left=sides[0], right=sides[1]) for _ in range(5))
    made = make_phantom(PhantomSpec(levels=levels, protocol=protocol, obliquity_deg=(3.0, -2.0, 4.0)), rng=rng)
    folder.mkdir(parents=True, exist_ok=True)
    files = Files(folder / "image.nii.gz", folder / "labels.nii.gz")
    write_volume(made.image, files.image)
    write_labels(made.labels, files.labels)
    return files


def copy_study(files: Files, folder: Path) -> Files:
    """Copy a study."""
    folder.mkdir(parents=True)
    return Files(*(Path(shutil.copy(path, folder)) for path in (files.image, files.labels)))


def write_manifest(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """Write a manifest with the columns of its first row, others empty."""
    listed = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)
    return path


def row(case: str, files: Files, **more: object) -> dict[str, object]:
    """Make the row of a study."""
    given = {"case": case, "image": files.image, "labels": files.labels, "scheme": SCHEME, "sequence": "T1"}
    return given | {"site": f"site of {case}"} | more


def _no_image(files: Files) -> None:
    files.image.unlink()


def _empty_image(files: Files) -> None:
    files.image.write_bytes(b"")


def _torn_image(files: Files) -> None:
    files.image.write_bytes(files.image.read_bytes()[: files.image.stat().st_size // 2])


def _text_for_image(files: Files) -> None:
    files.image.write_bytes(gzip.compress(b"no image at all\n" * 1000))


def _flat_image(files: Files) -> None:
    read = nib.load(files.image)
    nib.save(nib.Nifti1Image(np.zeros(read.shape[:2], np.int16), read.affine), files.image)


def _two_placements(files: Files) -> None:
    read = nib.load(files.image)
    moved = np.array(read.affine)
    moved[0, 3] += 30
    read.set_sform(moved, code=1)
    nib.save(nib.Nifti1Image(np.asarray(read.dataobj), None, read.header), files.image)


def _fat_suppressed(files: Files) -> None:
    told = {"ScanningSequence": "IR", "InversionTime": 0.16, "RepetitionTime": 4.0, "EchoTime": 0.03}
    (files.image.parent / "image.json").write_text(json.dumps(told))


def _no_labels(files: Files) -> None:
    files.labels.unlink()


def _blank_labels(files: Files) -> None:
    read = nib.load(files.labels)
    nib.save(nib.Nifti1Image(np.zeros(read.shape, np.int16), read.affine), files.labels)


def _labels_elsewhere(files: Files) -> None:
    read = nib.load(files.labels)
    moved = np.array(read.affine)
    moved[:3, 3] += 2000
    nib.save(nib.Nifti1Image(np.asarray(read.dataobj), moved), files.labels)


#: Ten ways in which a study is broken, each with a word of the sentence that says so.
BREAKERS: Mapping[str, tuple[Callable[[Files], None], str]] = {
    "image missing": (_no_image, "the image: no such file"),
    "image empty": (_empty_image, "first bytes are not a NIfTI header"),
    "image torn": (_torn_image, "damaged or truncated"),
    "image a text": (_text_for_image, "first bytes are not a NIfTI header"),
    "image flat": (_flat_image, "2 axes"),
    "image placed twice": (_two_placements, "qform"),
    "fat suppressed": (_fat_suppressed, "fat is dark"),
    "labels missing": (_no_labels, "the label map: no such file"),
    "labels blank": (_blank_labels, "every voxel is 0"),
    "labels elsewhere": (_labels_elsewhere, "do not overlap"),
}


def break_study(files: Files, way: str) -> Files:
    """Break a study in one of the ten ways."""
    BREAKERS[way][0](files)
    return files
