"""When a case counts as changed; sentences without names; inputs that lie elsewhere."""

import os
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from cohort_files import SCHEME, Files, row, write_manifest
from foramgrade.batch import Standing, StudyFiles
from foramgrade.batch.inputs import hash_inputs, stamp_inputs
from foramgrade.batch.problems import LONGEST_SENTENCE, hide_names
from foramgrade.batch.store import case_folder

from .conftest import tables

Run = Callable[..., Standing]


@pytest.fixture
def study(tmp_path: Path) -> StudyFiles:
    (tmp_path / "series").mkdir()
    for name in ("1.dcm", "2.dcm"):
        (tmp_path / "series" / name).write_bytes(name.encode())
    (tmp_path / "l.nii.gz").write_bytes(b"labels")
    return StudyFiles(tmp_path / "series", labels=tmp_path / "l.nii.gz")


def test_any_file_that_is_read_counts(study: StudyFiles, tmp_path: Path) -> None:
    assert study.labels is not None
    seen = [stamp_inputs(study)]
    hashes = [hash_inputs(study)]

    def change(path: Path, content: bytes) -> None:
        path.write_bytes(content)
        os.utime(path, ns=(10**18 + len(seen), 10**18 + len(seen)))
        seen.append(stamp_inputs(study))
        hashes.append(hash_inputs(study))

    change(tmp_path / "series" / "2.dcm", b"other")
    change(tmp_path / "series" / "3.dcm", b"new")
    change(study.labels, b"others")
    change(tmp_path / "l.json", b"{}")  # read beside the label map
    change(tmp_path / "dataset.json", b"{}")
    assert len({str(one) for one in seen}) == len(seen)
    assert len({str(one) for one in hashes}) == len(hashes)
    first = seen[0]["image"]
    assert first is not None
    assert (first.files, first.bytes) == (2, 10)


def test_content_alone_makes_the_hash(study: StudyFiles, tmp_path: Path) -> None:
    before, stamps = hash_inputs(study), stamp_inputs(study)
    os.utime(tmp_path / "series" / "1.dcm", ns=(10**18, 10**18))
    (tmp_path / "series" / "2.dcm").rename(tmp_path / "series" / "9.dcm")
    assert hash_inputs(study) == before
    assert stamp_inputs(study) != stamps


def test_what_is_not_there_has_no_stamp(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    files = StudyFiles(tmp_path / "empty", labels=tmp_path / "none.nii")
    assert stamp_inputs(files) == {"image": None, "labels": None}
    assert hash_inputs(files)["labels"] is None


@pytest.mark.parametrize(
    "text, told",
    [
        ("l.nii.gz is damaged", "the label map is damaged"),
        ("cannot read {folder}/l.nii.gz: no", "cannot read the label map: no"),
        ("l.json says T1", "the file beside the label map says T1"),
        ("2.dcm lacks a position", "file 2 of 2 of the image lacks a position"),
        ("two\nlines of series", "two lines of the image"),
        ("xl.nii.gz and series-2 stay", "xl.nii.gz and series-2 stay"),
    ],
)
def test_sentences_name_roles_and_no_files(study: StudyFiles, tmp_path: Path, text: str, told: str) -> None:
    assert hide_names(text.format(folder=tmp_path), study) == told


def test_a_sentence_has_an_end(study: StudyFiles) -> None:
    assert len(hide_names("x " * 5000, study)) == LONGEST_SENTENCE


def test_inputs_of_an_object_store_are_fetched_and_taken_away(
    studies: tuple[Files, ...], tmp_path: Path, run_here: Run
) -> None:
    store = fsspec.filesystem("memory")
    for role, path in {"image": studies[0].image, "labels": studies[0].labels}.items():
        store.pipe(f"/bucket/Doe/{role}.nii.gz", path.read_bytes())
    remote = {role: f"memory://bucket/Doe/{role}.nii.gz" for role in ("image", "labels")}
    rows = [row("here", studies[0]), row("there", studies[0]) | remote]
    rows += [row("lost", studies[0]) | {"image": "memory://bucket/Doe/none.nii.gz"}]
    rows += [row("odd", studies[0]) | {"image": "nosuch://bucket/Doe/none.nii.gz"}]
    out = tmp_path / "out"
    manifest = write_manifest(tmp_path / "m.csv", rows)
    assert run_here(manifest, out) == Standing(4, done=2, failed=2)
    here, there = ((case_folder(out, name) / "foramina.csv").read_text() for name in ("here", "there"))
    assert there.replace("there,", "here,") == here
    failures = (out / "failures.csv").read_text()
    assert "the image cannot be fetched from memory: FileNotFoundError" in failures
    assert "the image lies at nosuch, which fsspec does not know" in failures
    assert "Doe" not in failures
    assert list((out / ".foramgrade").rglob("fetched-*")) == []
    first = tables(out)
    assert run_here(manifest, out).kept == 4
    store.pipe("/bucket/Doe/image.nii.gz", studies[1].image.read_bytes())
    store.pipe("/bucket/Doe/labels.nii.gz", studies[1].labels.read_bytes())
    assert run_here(manifest, out).kept == 3
    assert tables(out) != first
    assert SCHEME.encode() in (out / "foramina.csv").read_bytes()
