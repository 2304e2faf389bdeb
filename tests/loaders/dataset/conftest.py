"""A data set in the layout of RSNA LumbarDISC, small enough to write in a test."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from foramgrade.volume import Grid

PATIENT = "Doe^Jane"
LEVELS = ("L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1")
LPS_OF_RAS = np.array([-1.0, -1.0, 1.0])


def write_slice(path: Path, grid: Grid, k: int, *, number: int | None = None) -> None:
    """Write slice k of the grid: columns along i, rows along j."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = PATIENT, "4711-JD", "19610203"
    dataset.SeriesDescription = "T1 sag Doe"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    dataset.InstanceNumber = k if number is None else number
    columns, rows = grid.shape[0], grid.shape[1]
    spacing = grid.spacing_mm
    dataset.Rows, dataset.Columns = rows, columns
    dataset.PixelSpacing = [spacing[1], spacing[0]]
    dataset.ImagePositionPatient = list(grid.to_world([0, 0, k]) * LPS_OF_RAS)
    axes = grid.directions * LPS_OF_RAS[:, None]
    dataset.ImageOrientationPatient = [f"{value:.12f}" for value in (*axes[:, 0], *axes[:, 1])]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.PixelData = np.zeros((rows, columns), np.uint16).tobytes()
    dataset.save_as(path, enforce_file_format=True)


def foramen_pixels(grid: Grid) -> dict[tuple[str, str], tuple[float, float, int]]:
    """Column, row and slice of ten foramina: on the default grid slices run from right to left, rows downwards."""
    found = {}
    for n, level in enumerate(LEVELS):
        found[level, "Right"] = (9.25, 3.5 + 4 * n, 2)
        found[level, "Left"] = (8.75, 3.0 + 4 * n, grid.shape[2] - 2)
    return found


@dataclass
class Layout:
    """Tables and folders of a data set; change them, then write."""

    root: Path
    grid: Grid
    part: str = "train"
    descriptions: list[tuple[str, str, str]] = field(default_factory=list)
    grades: dict[str, dict[str, str]] = field(default_factory=dict)
    marks: list[dict[str, object]] = field(default_factory=list)

    def add_series(self, study: str, series: str, description: str = "Sagittal T1", *, files: bool = True) -> Path:
        """Describe a series; write its slices, named by numbers that do not follow their order."""
        self.descriptions.append((study, series, description))
        folder = self.root / f"{self.part}_images" / study / series
        folder.mkdir(parents=True)
        for k in range(self.grid.shape[2] if files else 0):
            write_slice(folder / f"{self.number(k)}.dcm", self.grid, k, number=self.number(k))
        return folder

    def number(self, k: int) -> int:
        """Number of the file of slice k."""
        return 100 + (k * 5) % self.grid.shape[2]

    def add_marks(self, study: str, series: str) -> None:
        """Mark all ten foramina on a series."""
        for (level, side), (x, y, k) in foramen_pixels(self.grid).items():
            condition = f"{side} Neural Foraminal Narrowing"
            number = self.number(k)
            row = {"study_id": study, "series_id": series, "instance_number": number, "condition": condition}
            self.marks.append(row | {"level": level, "x": x, "y": y})

    def grade(self, study: str, **severities: str) -> None:
        """Grade all ten foramina Normal/Mild, but for the ones given, e.g. left_l4_l5="Severe"."""
        names = [f"{side}_{level.lower().replace('/', '_')}" for side in ("left", "right") for level in LEVELS]
        self.grades[study] = dict.fromkeys(names, "Normal/Mild") | severities

    def write(self) -> Path:
        """Write the tables."""
        heads = ("study_id", "series_id", "series_description")
        described = (dict(zip(heads, row, strict=True)) for row in self.descriptions)
        self.table(f"{self.part}_series_descriptions.csv", described, heads)
        if self.part == "train":
            graded = [
                {"study_id": study, "spinal_canal_stenosis_l1_l2": "Moderate"}
                | {name.replace("_", "_neural_foraminal_narrowing_", 1): word for name, word in row.items()}
                for study, row in self.grades.items()
            ]
            self.table("train.csv", graded, list(graded[0]) if graded else ["study_id", *self.grade_columns()])
            heads = ("study_id", "series_id", "instance_number", "condition", "level", "x", "y")
            self.table("train_label_coordinates.csv", self.marks, heads)
        return self.root

    def grade_columns(self) -> list[str]:
        """Columns of the grades of foramina."""
        levels = [level.lower().replace("/", "_") for level in LEVELS]
        return [f"{side}_neural_foraminal_narrowing_{level}" for side in ("left", "right") for level in levels]

    def table(self, name: str, rows: Iterable[Mapping[str, object]], heads: Iterable[str]) -> None:
        """Write one table as Excel would, with a byte-order mark and CRLF."""
        with (self.root / name).open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, heads)
            writer.writeheader()
            writer.writerows(rows)


@pytest.fixture
def layout(tmp_path: Path, oblique_grid: Grid) -> Layout:
    """An empty data set."""
    return Layout(tmp_path, oblique_grid)


@pytest.fixture
def one_study(layout: Layout) -> Layout:
    """One study with the three usual series, grades and marks."""
    layout.add_series("4003253", "702807833", "Sagittal T2/STIR", files=False)
    layout.add_series("4003253", "1054713880")
    layout.add_series("4003253", "2448190387", "Axial T2", files=False)
    layout.grade("4003253", left_l4_l5="Severe", right_l5_s1="Moderate")
    layout.add_marks("4003253", "1054713880")
    canal = {"condition": "Spinal Canal Stenosis", "level": "L1/L2", "instance_number": 8, "x": 322.8, "y": 227.9}
    layout.marks.append({"study_id": "4003253", "series_id": "702807833"} | canal)
    return layout


@pytest.fixture
def truth_mm(oblique_grid: Grid) -> dict[tuple[str, str], npt.NDArray[np.float64]]:
    """Where the ten marks are in the patient."""
    pixels = foramen_pixels(oblique_grid)
    return {(level.replace("/", "-"), side.lower()): oblique_grid.to_world(p) for (level, side), p in pixels.items()}
