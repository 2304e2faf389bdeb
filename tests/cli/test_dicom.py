"""DICOM and segmentations on the command line: a study as a hospital exports it, graded like the file it came from."""

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest

from foramgrade.cli.options import IRREGULARITIES
from foramgrade.loaders import Irregularity, read_volume

Call = Callable[..., object]


@pytest.fixture
def series(study, write_series, tmp_path) -> Iterator[Path]:
    """The image of the study as a folder of DICOM files, under a person's name."""
    folder = tmp_path / "Zebedee^Ann" / "DICOM"
    image = read_volume(study.image)
    write_series(
        folder,
        image.array.astype(np.uint16),
        np.asarray(image.grid.affine),
        patient_name="Zebedee^Ann",
        te=11.0,
        tr=550.0,
        scan_options=("PFP",),
        description="SAG T1 Zebedee",
        shuffle=np.random.default_rng(5),
    )
    yield folder
    shutil.rmtree(folder)


def grade(run, study, image, out, *options):
    labels = ["--labels", study.labels, "--scheme", "totalspineseg", "--out", out, "--no-panels"]
    return run("grade", image, *labels, *options)


def table(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "foramina.csv").drop(columns=["case"])


def test_a_dicom_series_is_graded_like_the_file_it_came_from(study, series, run, tmp_path):
    assert grade(run, study, study.image, tmp_path / "nifti", "--sequence", "T1").status == 0
    ended = grade(run, study, series, tmp_path / "dicom")
    assert (ended.status, ended.err) == (0, "")  # the header tells that it is T1
    pd.testing.assert_frame_equal(table(tmp_path / "dicom"), table(tmp_path / "nifti"), rtol=1e-3, atol=1e-3)


def test_an_archive_is_graded_like_its_folder(study, series, run, tmp_path):
    with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in series.iterdir():
            archive.write(file, f"Zebedee/{file.name}")
    documents = []
    for image, out in ((series, tmp_path / "a"), (tmp_path / "study.zip", tmp_path / "b")):
        assert grade(run, study, image, out).status == 0
        documents.append(json.loads((out / "assessment.json").read_text(encoding="utf-8")))
    assert documents[0]["inputs"] == documents[1]["inputs"]  # the same bytes, whatever they lie in
    assert documents[0]["case"] == documents[1]["case"]


def test_no_name_of_the_patient_gets_out(study, series, run, tmp_path):
    ended = grade(run, study, series, tmp_path / "out")
    listed = run("inspect", series.parent)
    assert "zebedee" not in (ended.err + listed.out + listed.err).lower()
    for file in (tmp_path / "out").iterdir():
        assert b"zebedee" not in file.read_bytes().lower(), file.name


def test_the_salt_changes_the_pseudonym(study, series, run, tmp_path, monkeypatch):
    cases = []
    for salt in ([], ["--salt", "ours"]):
        assert grade(run, study, series, tmp_path / "out", *salt).status == 0
        cases.append(json.loads((tmp_path / "out" / "assessment.json").read_text(encoding="utf-8"))["case"])
    assert cases[0] != cases[1]
    assert f"Case: {cases[1]}." in run("inspect", series, "--salt", "ours").out


def test_a_listing_tells_contrast_gaps_and_faults(series, run):
    sorted(series.iterdir())[0].unlink()
    ended = run("inspect", series)
    assert ended.status == 0
    heading, row = (line.split() for line in ended.out.splitlines()[:2])
    assert heading[:3] == ["Series", "Description", "Plane"]
    assert row[:5] == ["1", "SAG", "T1", "sagittal", "14"]
    assert row[-5:-3] == ["T1", "bright"] or "T1" in row
    assert "contrast from TR 550 ms, TE 11 ms" in ended.out


def test_a_missing_slice_is_refused_until_it_is_tolerated(study, series, run, tmp_path):
    assert grade(run, study, series, tmp_path / "whole").status == 0
    positions = {}
    for file in series.iterdir():
        positions[float(pydicom.dcmread(file, stop_before_pixels=True).ImagePositionPatient[0])] = file
    # The slice on which the left foramen of L3-L4 is reported; DICOM's x grows to the left.
    row = table(tmp_path / "whole").query("level == 'L3-L4' and side == 'left'").iloc[0]
    grid = read_volume(study.image).grid
    centres = grid.to_world([[*((np.array(grid.shape[:2]) - 1) / 2), k] for k in range(grid.shape[2])])
    reported = round(float(grid.to_ijk([row.section_x_mm, row.section_y_mm, row.section_z_mm])[2]))
    positions[sorted(positions)[int((centres[:, 0] > centres[reported, 0]).sum())]].unlink()
    ended = grade(run, study, series, tmp_path / "out")
    assert (ended.status, ended.out) == (2, "")
    assert "slices are missing: between " in ended.err
    assert "tolerate missing-slice" in ended.err
    assert not (tmp_path / "out").exists()
    ended = grade(run, study, series, tmp_path / "out", "--tolerate", "missing-slice")
    assert ended.status == 0
    inputs = json.loads((tmp_path / "out" / "assessment.json").read_text(encoding="utf-8"))["inputs"]
    assert inputs[0]["tolerated"] == "missing-slice"
    whole, rows = table(tmp_path / "whole"), table(tmp_path / "out")
    lacking = rows.quality.str.contains("no-image") & ~whole.quality.str.contains("no-image")
    assert lacking.any()
    assert rows[lacking].lee_grade.isna().all()  # what lies in the missing slice is not graded, and says so
    pd.testing.assert_frame_equal(rows[~lacking][["area_mm2", "lee_grade"]], whole[~lacking][["area_mm2", "lee_grade"]])


@pytest.mark.parametrize("columns", [80, 140])
def test_a_listing_keeps_its_cells_whole(series, run, columns):
    lines = run("inspect", series, columns=columns).out.splitlines()
    table = lines[: lines.index("", lines.index("") + 1) if columns == 80 else lines.index("")]
    assert max(map(len, table)) <= columns
    text = "\n".join(table)
    for cell in ("sagittal", "0.6 x 0.6 x 4.4", "184 x 217 x 15", "uint16", "SIEMENS"):
        assert cell in text
    assert [line.split()[0] for line in table if line] == ["Series", "1"] * (2 if columns == 80 else 1)


def test_a_stir_is_refused_whatever_it_is_called(study, write_series, run, tmp_path):
    image = read_volume(study.image)
    folder = tmp_path / "stir"
    timing = {"te": 60.0, "tr": 4000.0, "ti": 160.0, "scanning_sequence": ("SE", "IR")}
    write_series(folder, image.array.astype(np.uint16), np.asarray(image.grid.affine), description="SAG T2", **timing)
    for options, sentence in (
        ((), "fat is dark in this series (TR 4000 ms, TE 60 ms, inversion time 160 ms"),
        (("--series", "1", "--sequence", "T2"), "fat is dark in this series"),
        (("--sequence", "T2"), "expected one sagittal T2 series, none fits; choose one of: 1: sagittal, STIR"),
    ):
        ended = grade(run, study, folder, tmp_path / "out", *options)
        assert (ended.status, ended.out) == (2, "")
        assert sentence in ended.err


def test_wrong_words_for_faults_are_refused(run):
    ended = run("grade", "a.nii", "--labels", "b.nii", "--out", "x", "--tolerate", "gaps")
    assert ended.status == 2
    assert "found 'gaps', expected one of missing-slice" in ended.err


def test_the_faults_on_the_command_line_are_those_of_the_loaders():
    assert tuple(Irregularity) == IRREGULARITIES


def test_segments_are_listed(shared_data, run):
    ended = run("inspect", shared_data / "dicom_seg" / "dcmqi_segmentations" / "partial_overlaps.dcm")
    assert (ended.status, ended.err) == (0, "")
    rows = {words[0]: words[1:] for line in ended.out.splitlines() if (words := line.split())}
    assert rows["3"] == ["PURPLE", "10743"]
    assert "A segmentation of 512 x 512 x 3 voxels" in ended.out
