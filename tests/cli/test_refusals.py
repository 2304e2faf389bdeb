"""Wrong usage and unreadable input: exit status 2 and one plain sentence, never a traceback, never half a result."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from foramgrade.exports import write_labels, write_volume
from foramgrade.findings import Sequence
from foramgrade.phantom import make_phantom
from foramgrade.volume import Grid, LabelMap

from .conftest import SPEC, Call, Study

Make = Callable[[Study, Path], dict[str, str]]


def _nifti(array: np.ndarray, study: Study, path: Path) -> str:
    nib.save(nib.Nifti1Image(array, study.phantom.labels.grid.affine), path)
    return str(path)


def _far_away(study: Study, folder: Path) -> dict[str, str]:
    grid = study.phantom.labels.grid
    affine = grid.affine.copy()
    affine[:3, 3] += (0.0, 0.0, 700.0)
    write_labels(LabelMap(study.phantom.labels.array, Grid(grid.shape, affine), "totalspineseg"), folder / "far.nii.gz")
    return {"--labels": str(folder / "far.nii.gz")}


def _fractions(study: Study, folder: Path) -> dict[str, str]:
    return {"--labels": _nifti(study.phantom.labels.array.astype(np.float32) * 0.3, study, folder / "soft.nii.gz")}


def _empty(study: Study, folder: Path) -> dict[str, str]:
    return {"--labels": _nifti(np.zeros_like(study.phantom.labels.array), study, folder / "empty.nii.gz")}


def _upside_down(study: Study, folder: Path) -> dict[str, str]:
    return {"--labels": _nifti(study.phantom.labels.array[:, ::-1], study, folder / "turned.nii.gz")}


def _picture(study: Study, folder: Path) -> dict[str, str]:
    return {"image": _nifti(np.zeros((40, 30), np.int16), study, folder / "picture.nii.gz")}


def _series_in_time(study: Study, folder: Path) -> dict[str, str]:
    return {"image": _nifti(np.zeros((4, 4, 4, 3), np.int16), study, folder / "time.nii.gz")}


def _dicom(study: Study, folder: Path) -> dict[str, str]:
    (folder / "series").mkdir()
    (folder / "series" / "IM0001").write_bytes(bytes(128) + b"DICM" + bytes(100))
    return {"image": str(folder / "series")}


def _text(study: Study, folder: Path) -> dict[str, str]:
    (folder / "notes.nii.gz").write_text("This is not an image.", encoding="utf-8")
    return {"image": str(folder / "notes.nii.gz")}


def _two_placements(study: Study, folder: Path) -> dict[str, str]:
    image = nib.load(study.image)
    moved = image.affine.copy()
    moved[:3, 3] += 5.0
    image.set_sform(moved, code=1)
    nib.save(image, folder / "moved.nii.gz")
    return {"image": str(folder / "moved.nii.gz")}


def _file_for_a_folder(study: Study, folder: Path) -> dict[str, str]:
    (folder / "taken").write_text("", encoding="utf-8")
    return {"--out": str(folder / "taken" / "out")}


def _given(**options: str) -> Make:
    return lambda study, folder: {
        ("image" if key == "image" else f"--{key.replace('_', '-')}"): value for key, value in options.items()
    }


def _bad_criteria(study: Study, folder: Path) -> dict[str, str]:
    (folder / "bad.toml").write_text(
        'name = "x"\npolicy = "middle"\n[citation]\nauthors = "a"\nyear = 1\ntitle = "t"\n'
    )
    return {"--criteria": str(folder / "bad.toml")}


REFUSED: list[tuple[str, Make, str]] = [
    ("no overlap", _far_away, r"image and labels do not overlap: the image covers R .* expected both in the same"),
    ("fractions", _fractions, r"soft.nii.gz: found \S+ and \d+ more fractions, expected whole numbers"),
    ("empty mask", _empty, r"empty.nii.gz is empty: every voxel is 0, expected labelled structures"),
    ("upside down", _upside_down, r"L\d \(label 4\d, .*\) lies below L\d .*: wrong scheme or orientation\?"),
    ("one picture", _picture, r"picture.nii.gz has 2 axes \(shape \(40, 30\)\), expected one volume of three"),
    ("time series", _series_in_time, r"time.nii.gz has 4 axes .*, expected one volume of three: split it"),
    ("DICOM folder", _dicom, r"the folder holds no DICOM series"),
    ("text file", _text, r"notes.nii.gz is not a NIfTI file: its first bytes are not a NIfTI header"),
    ("two placements", _two_placements, r"moved.nii.gz: qform and sform place .* choose one with orientation qform or"),
    ("missing file", _given(image="/nowhere/none.nii.gz"), r"none.nii.gz: no such file"),
    ("missing labels", _given(labels="/nowhere/none.nii.gz"), r"none.nii.gz: no such file"),
    ("missing scheme", _given(scheme="none.json"), r"none.json: no such file"),
    ("wrong scheme", _given(scheme="spider"), r"does not fit the scheme spider: .* numbers would fit totalspineseg"),
    ("unknown scheme", _given(scheme="mine"), r"unknown label scheme 'mine', expected one of mrspineseg, spider,"),
    ("two maps", _given(scheme="spineps"), r"the scheme spineps is written in two maps: give .* as instances"),
    ("levels", _given(levels="44:L4"), r"level names: found '44:L4', expected label=vertebra pairs such as 5=T12,6=L1"),
    ("no vertebra", _given(levels="44=X4"), r"level names: the label 44 is named 'X4', expected a vertebra"),
    ("not in the map", _given(levels="7=L4"), r"level names: the map holds no vertebra 7 to be named L4"),
    ("no fat at all", _given(minimum_fat="0"), r"minimum_fat_mm is 0, expected a positive number of mm"),
    ("fat not a number", _given(minimum_fat="nan"), r"minimum_fat_mm is nan, expected a positive number of mm"),
    ("missing criteria", _given(criteria="/nowhere/none.toml"), r"none.toml: no such file, expected criteria in TOML"),
    ("bad criteria", _bad_criteria, r"bad.toml: the key policy is 'middle', expected floor or ceil or strict"),
    ("negative seal", _given(seal_limit="-1"), r"the sealing limit is -1, expected 0 mm or more"),
    ("seal not a number", _given(seal_limit="nan"), r"the sealing limit is nan, expected 0 mm or more"),
    ("out below a file", _file_for_a_folder, r"cannot write results to out: Not a directory"),
]  # fmt: skip


@pytest.mark.parametrize("make, sentence", [entry[1:] for entry in REFUSED], ids=[entry[0] for entry in REFUSED])
def test_input_is_refused_in_a_sentence(study: Study, tmp_path: Path, run: Call, make: Make, sentence: str) -> None:
    given = {"image": str(study.image), "--labels": str(study.labels), "--scheme": "totalspineseg"}
    given |= {"--sequence": "T1", "--out": str(tmp_path / "out")} | make(study, tmp_path)
    image = given.pop("image")
    ended = run("grade", image, *(word for pair in given.items() for word in pair))
    assert (ended.status, ended.out) == (2, "")
    assert re.fullmatch(rf"foramgrade: .*{sentence}.*\n", ended.err)
    assert len(ended.err) < 420
    assert str(tmp_path) not in ended.err
    assert not (tmp_path / "out").exists()


def test_instances_of_another_image_are_refused(study: Study, tmp_path: Path, run: Call) -> None:
    instances = _nifti(np.ones((9, 9, 9), np.uint8), study, tmp_path / "other.nii.gz")
    ended = run(
        *("grade", study.image, "--labels", study.subregions, "--instances", instances),
        *("--scheme", "spineps", "--out", tmp_path / "out"),
    )
    assert ended.status == 2
    assert re.match("foramgrade: other.nii.gz .* does not hold the same voxels as subregions.nii.gz", ended.err)


def test_a_chosen_placement_is_believed(study: Study, tmp_path: Path, run: Call) -> None:
    given = _two_placements(study, tmp_path)["image"]
    arguments = ["grade", given, *study.arguments(tmp_path / "out")[1:], "--sequence", "T1", "--no-panels"]
    assert run(*arguments, "--orientation", "qform").status == 0


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["grade"], "Missing argument 'IMAGE'"),
        (["grade", "a.nii", "--labels", "b.nii", "--scheme", "spider"], "Missing option '--out'"),
        (["grade", "a.nii", "--polcy", "ceil"], "No such option"),
        (["grade", "a.nii", "--policy", "mild"], "'mild' is not one of 'floor', 'ceil', 'strict'"),
        (["grade", "a.nii", "--sequence", "STIR"], "'STIR' is not one of"),
        (["grade", "a.nii", "--orientation", "xform"], "found 'xform', expected qform or sform"),
        (["grade", "a.nii", "--seal-limit", "wide"], "'--seal-limit'"),
        (["grade", "a.nii", "--case", " "], "a case needs a name that is not blank"),
        (["phantom", "x", "--cases", "0"], "'--cases'"),
        (["phantom", "x", "--protocol", "3d"], "'3d' is not one of 'clinical-2d', 'fine-2d', 'isotropic'"),
        (["grde"], "No such command 'grde'"),
    ],
)
def test_wrong_usage_is_refused(run: Call, arguments: list[str], complaint: str) -> None:
    ended = run(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert complaint in ended.err
    assert "Usage: foramgrade" in ended.err


def test_results_do_not_replace_a_file(study: Study, tmp_path: Path, run: Call) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    ended = run("grade", *study.arguments(tmp_path / "taken"))
    assert ended.status == 2
    assert "'--out'" in ended.err
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "make, sentence", [entry[1:] for entry in REFUSED if entry[0] in ("text file", "wrong scheme")]
)
def test_a_program_of_its_own_ends_likewise(
    study: Study, tmp_path: Path, start: Call, make: Make, sentence: str
) -> None:
    given = {"image": str(study.image), "--labels": str(study.labels), "--scheme": "totalspineseg"}
    given |= {"--out": str(tmp_path / "out")} | make(study, tmp_path)
    ended = start("grade", given.pop("image"), *(word for pair in given.items() for word in pair), "--sequence", "T1")
    assert (ended.status, ended.out) == (2, "")
    assert re.fullmatch(rf"foramgrade: .*{sentence}.*\n", ended.err)


@pytest.mark.parametrize("command", ["grade", "phantom"])
@pytest.mark.parametrize("word", ["STIR", "PD", "T3"])
def test_only_contrasts_that_can_be_graded_are_offered(tmp_path: Path, run: Call, command: str, word: str) -> None:
    inputs = ["image.nii.gz", "--labels", "labels.nii.gz", "--out"] if command == "grade" else []
    ended = run(command, *inputs, tmp_path / "out", "--sequence", word)
    assert (ended.status, ended.out) == (2, "")
    assert re.search(rf"Invalid value for '--sequence': .*'{word}' is not one of 't1', 't2'", ended.err, re.IGNORECASE)
    assert not (tmp_path / "out").exists()


def test_a_stir_called_t2_is_refused(tmp_path: Path, run: Call) -> None:
    stir = make_phantom(replace(SPEC, sequence=Sequence.STIR), rng=np.random.default_rng(1))
    write_volume(stir.image, tmp_path / "T2.nii.gz")
    write_labels(stir.labels, tmp_path / "labels.nii.gz")
    given = ["--labels", tmp_path / "labels.nii.gz", "--scheme", "totalspineseg", "--sequence", "T2"]
    ended = run("grade", tmp_path / "T2.nii.gz", *given, "--out", tmp_path / "out")
    assert ended.status == 2
    assert re.match(r"foramgrade: fat is dark in this image, as in STIR and fat-saturated series: .*\n", ended.err)
    assert not (tmp_path / "out").exists()
