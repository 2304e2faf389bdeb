"""``foramgrade grade --roots --n4``: what a user drew is the root, and what was done to the image is on record."""

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"


def read_rows(out):
    return list(csv.DictReader((out / "foramina.csv").read_text(encoding="utf-8").splitlines()))


def test_drawn_roots_and_n4_are_told_in_the_results(run, tmp_path):
    """The roots of a first run, drawn anew as a label map, are those of the second."""
    first, second = tmp_path / "first", tmp_path / "second"
    image, labels = SAMPLE / "lumbar_T1.nii.gz", SAMPLE / "lumbar_labels.nii.gz"
    given = ("grade", image, "--labels", labels, "--scheme", "totalspineseg", "--sequence", "T1", "--no-panels")
    assert run(*given, "--out", first).status == 0
    source = nib.load(image)
    drawn = np.zeros(source.shape, np.uint8)
    rows = read_rows(first)
    at = np.array([[float(row[f"section_{axis}_mm"]) for axis in "xyz"] for row in rows])
    ijk = np.rint((np.c_[at, np.ones(len(at))] @ np.linalg.inv(source.affine).T)[:, :3]).astype(int)
    spacing = np.linalg.norm(source.affine[:3, :3], axis=0)
    lateral = int(np.argmax(np.abs(source.affine[0, :3])))
    for place in ijk:
        away = (np.indices(source.shape).T - place) * spacing
        near = np.linalg.norm(np.delete(away, lateral, axis=-1), axis=-1) < 2.5
        drawn |= (near & (np.abs(away[..., lateral]) < 0.5)).T.astype(np.uint8)
    roots = tmp_path / "roots.nii.gz"
    nib.save(nib.Nifti1Image(drawn, source.affine), roots)
    done = run(*given, "--roots", roots, "--n4", "--out", second)
    assert done.status == 0, done.err
    rows = read_rows(second)
    assert all("The root is the one that was drawn." in row["reasons"] for row in rows)
    assert all(float(row["nerve_area_mm2"]) == pytest.approx(np.pi * 2.5**2, rel=0.15) for row in rows)
    inputs = json.loads((second / "assessment.json").read_text(encoding="utf-8"))["inputs"]
    assert {one["role"] for one in inputs} == {"image", "labels", "roots"}
    assert next(one for one in inputs if one["role"] == "image")["corrected"] == "N4"


def test_roots_belong_to_labels(run, tmp_path):
    done = run("grade", SAMPLE / "lumbar_T1.nii.gz", "--points", "p.csv", "--roots", "r.nii", "--out", tmp_path / "o")
    assert done.status == 2
    assert "--roots belongs to labels" in done.err
