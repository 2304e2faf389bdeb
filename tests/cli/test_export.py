"""`foramgrade export`: from the results and the graded series to files for other programs; never a patient's name."""

import gzip
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from dicom_files import SeriesWriter
from foramgrade.cli import app
from foramgrade.loaders import read_labels, read_volume
from foramgrade.loaders.segmentation.voxels import turned_onto

from .conftest import Call, Study

NAME = "Zebedee^Änn"
SECRETS = ("Zebedee", "Änn", "P-4711", "19600102", "20240131", "A77", "General Hospital")


@dataclass(frozen=True, slots=True)
class Results:
    """A graded DICOM series and what was made of it."""

    series: Path
    folder: Path


@pytest.fixture(scope="session")
def graded(study: Study, write_series: SeriesWriter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """The phantom under a person's name, graded once."""
    base = tmp_path_factory.mktemp("export")
    image = read_volume(study.image)
    series = base / "Zebedee" / "T1"
    timing = {"te": 11.0, "tr": 550.0, "scan_options": ("PFP",), "description": "SAG T1 Zebedee"}
    write_series(
        series,
        image.array.astype(np.uint16),
        np.asarray(image.grid.affine),
        patient_name=NAME,
        shuffle=np.random.default_rng(5),
        **timing,
    )
    labels = ["--labels", str(study.labels), "--scheme", "totalspineseg", "--no-panels"]
    ended = CliRunner().invoke(app, ["grade", str(series), *labels, "--out", str(base / "results")])
    assert ended.exit_code == 0
    yield Results(series, base / "results")
    shutil.rmtree(base)


def _texts(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".dcm":
            content = path.read_bytes()
            if path.name == "film.json":  # of pixels any three letters may come
                content = re.sub(rb'"jpeg":"[^"]*"', b"", content)
            yield path.name, gzip.decompress(content) if path.suffix == ".gz" else content


def test_everything_is_exported_and_told(graded: Results, run: Call, tmp_path: Path) -> None:
    wanted = ["--dicom-seg", "--dicom-sr", "--bids", "--slicer", "--fhir"]
    ended = run("export", graded.folder, "--image", graded.series, *wanted, "--out", tmp_path)
    assert (ended.status, ended.err) == (0, "")
    told = [line.split(": ")[0] for line in ended.out.splitlines() if line.startswith("Written to")]
    places = ("dicom/foramina_seg.dcm", "dicom/foramina_sr.dcm", "bids", "slicer", "fhir/foramina.json")
    assert told == [f"Written to {tmp_path / place}" for place in places]
    assert "Research and teaching only" in ended.out
    for place in places:
        assert (tmp_path / place).exists()


def test_segments_are_the_foramina_of_the_results(graded: Results, run: Call, tmp_path: Path) -> None:
    assert run("export", graded.folder, "--image", graded.series, "--dicom-seg", "--out", tmp_path).status == 0
    stored = read_labels(graded.folder / "foramina.nii.gz")
    image = read_volume(graded.series)
    segments = read_labels(tmp_path / "dicom" / "foramina_seg.dcm", grid=image.grid)
    beside = json.loads((graded.folder / "foramina.json").read_text(encoding="utf-8"))
    index = {label["name"]: label["index"] for label in beside["labels"]}
    numbers = np.array([0, *(index[name] for name in segments.names.values())])
    turned = turned_onto(numbers[segments.array], image.grid, stored.grid, names=("segments", "label map"))
    np.testing.assert_array_equal(turned, stored.array)


def test_the_patient_is_in_dicom_exports_only(graded: Results, run: Call, tmp_path: Path) -> None:
    wanted = ["--dicom-seg", "--dicom-sr", "--bids", "--slicer", "--fhir"]
    ended = run("export", graded.folder, "--image", graded.series, *wanted, "--out", tmp_path)
    assert ended.status == 0
    for name in ("foramina_seg.dcm", "foramina_sr.dcm"):
        ds = pydicom.dcmread(tmp_path / "dicom" / name)
        assert (ds.PatientName, ds.PatientID, ds.AccessionNumber) == (NAME, "P-4711", "A77")
    texts = [*_texts(tmp_path), *_texts(graded.folder)]
    assert len(texts) > 15
    for name, content in texts:
        for secret in SECRETS:
            assert secret.lower().encode() not in content.lower(), (name, secret)
    assert "zebedee" not in ended.err.lower()


def test_anonymous_exports_hold_nobody(graded: Results, run: Call, tmp_path: Path) -> None:
    words = ["--image", graded.series, "--dicom-seg", "--dicom-sr", "--anonymous", "--out", tmp_path]
    assert run("export", graded.folder, *words).status == 0
    case = json.loads((graded.folder / "assessment.json").read_text(encoding="utf-8"))["case"]
    for name in ("foramina_seg.dcm", "foramina_sr.dcm"):
        content = (tmp_path / "dicom" / name).read_bytes()
        for secret in SECRETS:
            assert secret.encode() not in content, (name, secret)
        ds = pydicom.dcmread(tmp_path / "dicom" / name)
        assert (ds.PatientID, ds.PatientIdentityRemoved) == (case, "YES")


def test_the_series_is_found_among_others_and_in_an_archive(
    graded: Results, write_series: SeriesWriter, run: Call, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        for file in graded.series.iterdir():
            archive.write(file, f"a/{file.name}")
    folder = tmp_path / "study"
    shutil.copytree(graded.series, folder / "a")
    write_series(folder / "b", np.ones((20, 20, 5), np.uint16), np.diag([1.0, 1, 4, 1]), series_number=2)
    for path in (tmp_path / "study.zip", folder):
        out = tmp_path / f"out-{path.stem}{path.suffix}"
        ended = run("export", graded.folder, "--image", path, "--dicom-seg", "--out", out)
        assert (ended.status, ended.err) == (0, "")


def test_another_series_is_refused(graded: Results, write_series: SeriesWriter, run: Call, tmp_path: Path) -> None:
    write_series(tmp_path / "other", np.ones((20, 20, 5), np.uint16), np.diag([1.0, 1, 4, 1]))
    one_less = tmp_path / "less"
    shutil.copytree(graded.series, one_less)
    sorted(one_less.iterdir())[0].unlink()
    for path in (tmp_path / "other", one_less):
        ended = run("export", graded.folder, "--image", path, "--dicom-seg", "--out", tmp_path / "out")
        assert (ended.status, ended.out) == (2, "")
        assert ended.err.startswith("foramgrade: the folder is not the image that was graded: expected SHA-256 ")
    assert not (tmp_path / "out").exists()


def test_a_series_with_an_accepted_fault_is_exported(study: Study, graded: Results, run: Call, tmp_path: Path) -> None:
    series = tmp_path / "series"
    shutil.copytree(graded.series, series)
    places = {float(pydicom.dcmread(f, stop_before_pixels=True).ImagePositionPatient[0]): f for f in series.iterdir()}
    places[sorted(places)[7]].unlink()
    labels = ["--labels", study.labels, "--scheme", "totalspineseg", "--no-panels", "--out", tmp_path / "results"]
    assert run("grade", series, *labels, "--tolerate", "missing-slice").status == 0
    ended = run("export", tmp_path / "results", "--image", series, "--dicom-seg", "--dicom-sr")
    assert (ended.status, ended.err) == (0, "")


def test_results_of_a_file_go_to_bids_and_slicer_but_not_to_dicom(study: Study, run: Call, tmp_path: Path) -> None:
    anat = tmp_path / "raw" / "sub-07" / "anat"
    anat.mkdir(parents=True)
    image = anat / "sub-07_T1w.nii.gz"
    shutil.copy(study.image, image)
    labels = ["--labels", study.labels, "--scheme", "totalspineseg", "--sequence", "T1", "--no-panels"]
    assert run("grade", image, *labels, "--out", tmp_path / "results").status == 0
    ended = run("export", tmp_path / "results", "--image", image, "--dicom-seg", "--dicom-sr")
    assert (ended.status, ended.out) == (2, "")
    assert "sub-07_T1w.nii.gz is no DICOM series: a DICOM export refers to the slices of one" in ended.err
    assert "StudyInstanceUID, SeriesInstanceUID, FrameOfReferenceUID" in ended.err
    assert not (tmp_path / "results" / "dicom").exists()
    root = tmp_path / "raw" / "derivatives" / "foramgrade"
    assert run("export", tmp_path / "results", "--image", image, "--bids", "--bids-root", root, "--slicer").status == 0
    assert (root / "sub-07" / "anat" / "sub-07_desc-foramina_dseg.nii.gz").is_file()
    assert read_labels(tmp_path / "results" / "slicer" / "foramina.seg.nrrd").names
    ended = run("export", tmp_path / "results", "--bids", "--subject", "x")
    assert ended.status == 0
    assert (tmp_path / "results" / "bids" / "sub-x").is_dir()


@pytest.mark.parametrize(
    "words, sentence",
    [
        ([], "nothing to export: expected one or more of --dicom-seg, --dicom-sr, --bids, --slicer, --fhir"),
        (["--dicom-seg"], "a DICOM export refers to the slices that were graded, expected the DICOM series as --image"),
        (["--bids", "--anonymous"], "--anonymous belongs to --dicom-seg and --dicom-sr"),
        (["--slicer", "--subject", "7"], "--subject belongs to --bids, found without it"),
        (["--slicer", "--subject", "7", "--bids-root", "x"], "--subject, --bids-root belong to --bids"),
        (["--bids", "--subject", "a b"], "made of letters A to Z and digits, found 'a b'"),
        (["--dicom-sr", "--image", "nowhere"], "nowhere"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(graded: Results, run: Call, words: list[str], sentence: str) -> None:
    before = sorted(graded.folder.rglob("*"))
    ended = run("export", graded.folder, *words)
    assert (ended.status, ended.out) == (2, "")
    assert sentence in ended.err
    assert ended.err.count("\n") == 1
    assert [path for path in sorted(graded.folder.rglob("*")) if path not in before] in ([], [graded.folder / "bids"])


def test_other_folders_are_refused(graded: Results, run: Call, tmp_path: Path) -> None:
    ended = run("export", tmp_path, "--slicer")
    assert ended.status == 2
    assert "has no assessment.json, expected a folder that foramgrade grade wrote" in ended.err
    shutil.copy(graded.folder / "foramina.nii.gz", tmp_path)
    document = json.loads((graded.folder / "assessment.json").read_text(encoding="utf-8"))
    for foramen in document["foramina"]:
        del foramen["outlines"]
    (tmp_path / "assessment.json").write_text(json.dumps(document), encoding="utf-8")
    ended = run("export", tmp_path, "--slicer")
    assert ended.status == 2
    assert "without the outlines of the foramina, from which exports are made: grade the study again" in ended.err


def test_results_that_name_no_image_are_refused(graded: Results, run: Call, tmp_path: Path) -> None:
    shutil.copy(graded.folder / "foramina.nii.gz", tmp_path)
    document = json.loads((graded.folder / "assessment.json").read_text(encoding="utf-8"))
    document["inputs"] = []
    (tmp_path / "assessment.json").write_text(json.dumps(document), encoding="utf-8")
    ended = run("export", tmp_path, "--dicom-seg", "--image", graded.series)
    assert ended.status == 2
    assert "assessment.json does not say which image was graded: expected its SHA-256" in ended.err
