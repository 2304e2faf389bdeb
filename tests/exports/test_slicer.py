"""Files for 3D Slicer: read back by our loader and by slicerio; planes that lie in the sections."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.exports import paint_foramina, write_slicer
from foramgrade.findings import Level, Side
from foramgrade.loaders import read_labels
from foramgrade.loaders.segmentation.voxels import turned_onto

from .conftest import Case


@pytest.fixture(scope="session")
def folder(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slicer")
    names = write_slicer(case.study, case.phantom.labels.grid, folder)
    assert sorted(names) == sorted(path.name for path in folder.iterdir())
    return folder


def test_segments_come_back_with_their_names(case: Case, folder: Path) -> None:
    grid = case.phantom.labels.grid
    painted, labels = paint_foramina(case.study, grid)
    read = read_labels(folder / "foramina.seg.nrrd")
    turned = turned_onto(read.array, read.grid, grid, names=("the segments", "the label map"))
    np.testing.assert_array_equal(turned, painted)
    assert dict(read.names) == {label.index: label.name for label in labels if label.voxels}


def test_slicerio_reads_names_colours_and_places(case: Case, folder: Path) -> None:
    slicerio = pytest.importorskip("slicerio", reason="slicerio is not installed")
    read = slicerio.read_segmentation(str(folder / "foramina.seg.nrrd"))
    grid = case.phantom.labels.grid
    painted, labels = paint_foramina(case.study, grid)
    np.testing.assert_allclose(np.diag([-1, -1, 1, 1]) @ read["ijkToLPS"], grid.affine, atol=1e-6)
    np.testing.assert_array_equal(read["voxels"], painted)
    shown = {label.index: label for label in labels if label.voxels}
    assert [segment["labelValue"] for segment in read["segments"]] == list(shown)
    for segment in read["segments"]:
        label = shown[segment["labelValue"]]
        assert (segment["name"], segment["id"]) == (label.name, label.abbreviation)
        assert "#{:02X}{:02X}{:02X}".format(*(round(255 * c) for c in segment["color"])) == label.color
        coded = segment["terminology"]
        assert coded["type"][0] in ("99FORAMGRADE", "SCT")
        assert coded["anatomicRegion"][2] == f"Level of {label.level.replace('-', '/')} intervertebral disc"
        assert coded["anatomicRegionModifier"][2] == label.side.capitalize()


def test_planes_lie_in_the_sections(case: Case, folder: Path) -> None:
    shown = [f for f in case.study.foramina if f.evidence is not None]
    assert {path.name for path in folder.glob("*.mrk.json")} == {f"{f.name}.mrk.json" for f in shown}
    for foramen in shown:
        document = json.loads((folder / f"{foramen.name}.mrk.json").read_text(encoding="utf-8"))
        (plane,) = document["markups"]
        assert (plane["type"], plane["coordinateSystem"], plane["planeType"]) == ("Plane", "LPS", "pointNormal")
        axes = np.array(plane["baseToNode"]).reshape(4, 4)[:3, :3]
        np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-5)
        assert np.linalg.det(axes) == pytest.approx(1.0, abs=1e-5)
        anterior, superior, normal = (np.diag([-1, -1, 1]) @ axes).T
        assert superior[2] > 0.8
        assert anterior[1] > 0.8
        assert normal[0] > 0.8
        assert foramen.evidence is not None
        outline = foramen.evidence.outlines[foramen.evidence.chosen]
        rows, columns = np.nonzero(outline.mask)
        points = outline.origin_mm + np.outer(rows, outline.row_mm) + np.outer(columns, outline.column_mm)
        (control,) = plane["controlPoints"]
        away = points - np.array(control["position"]) * [-1, -1, 1]
        assert np.abs(away @ normal).max() < 1e-4
        low_a, high_a, low_s, high_s = plane["planeBounds"]
        assert low_s < (away @ superior).min() < (away @ superior).max() < high_s
        assert low_a < (away @ anterior).min() < (away @ anterior).max() < high_a


def test_the_same_study_makes_the_same_files(case: Case, folder: Path, tmp_path: Path) -> None:
    write_slicer(case.study, case.phantom.labels.grid, tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {p.name: p.read_bytes() for p in folder.iterdir()}


def test_odd_level_names_stay_in_the_folder(case: Case, tmp_path: Path) -> None:
    shown = next(f for f in case.study.foramina if f.evidence is not None)
    odd = replace(shown, level=Level("../L4", "L5"), side=Side.LEFT)
    names = write_slicer(replace(case.study, foramina=(odd,)), case.phantom.labels.grid, tmp_path / "out")
    assert names == ("foramina.seg.nrrd", "..-L4-L5_left.mrk.json")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_to_paint_is_refused(case: Case, tmp_path: Path) -> None:
    bare = replace(case.study, foramina=tuple(replace(f, evidence=None) for f in case.study.foramina))
    with pytest.raises(InputError, match="no foramen of the study lies on the grid"):
        write_slicer(bare, case.phantom.labels.grid, tmp_path)
