"""Foramina as a structured report: valid, on the right slice, and nothing said that was not found."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest

from dicom_files import EnhancedWriter, SeriesWriter
from foramgrade.errors import InputError
from foramgrade.exports import DicomSource, paint_foramina, read_source, write_dicom_sr
from foramgrade.exports.contours import find_region
from foramgrade.findings import QUANTITIES, ForamenAssessment, Level, Quantity, Side
from foramgrade.loaders import find_series

from ..conftest import MADE, Case, Complaints

PIXELMED = Path("/usr/share/java/pixelmed.jar")


def _groups(file: Path) -> Iterator[Any]:
    """Measurement groups, as items of content."""
    (measured,) = _named(highdicom.sr.srread(file), "126010")
    yield from measured.ContentSequence


def _named(group: Any, code: str) -> list[Any]:
    return [item for item in group.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == code]


def _value(item: Any) -> str:
    return str(item.ConceptCodeSequence[0].CodeValue)


def _numbers(group: Any) -> dict[str, tuple[float, str]]:
    found = {}
    for item in group.ContentSequence:
        if item.ValueType == "NUM":
            (value,) = item.MeasuredValueSequence
            unit = value.MeasurementUnitsCodeSequence[0]
            assert unit.CodingSchemeDesignator == "UCUM"
            found[str(item.ConceptNameCodeSequence[0].CodeValue)] = (float(value.NumericValue), str(unit.CodeValue))
    return found


def _by_name(file: Path) -> dict[str, Any]:
    return {_named(group, "112039")[0].TextValue: group for group in _groups(file)}


@pytest.fixture(scope="session")
def report(case: Case, source: DicomSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "sr.dcm"
    n_regions = write_dicom_sr(case.study, source, file, made=MADE)
    assert 0 < n_regions < len(case.study.foramina)
    return file


def test_the_file_conforms(report: Path, complaints: Complaints) -> None:
    assert complaints(report) == []
    read = highdicom.sr.srread(report)
    assert read.PreliminaryFlag == "PRELIMINARY"
    assert (read.VerificationFlag, read.ContentQualification) == ("UNVERIFIED", "RESEARCH")


def test_the_content_follows_the_template(case: Case, source: DicomSource, tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or not PIXELMED.exists():
        pytest.skip("PixelMed's validator (Debian: libpixelmed-java, default-jre-headless) is not installed")
    # The program is slow, and takes a group without a region (TID 1501) for one with a region (TID 1410).
    one = next(foramen for foramen in case.study.foramina if foramen.findings is not None)
    write_dicom_sr(replace(case.study, foramina=(one,)), source, tmp_path / "sr.dcm", made=MADE)
    # Newer Java refuses the size of its style sheets unless told not to.
    limits = [f"-Djdk.xml.xpath{name}=0" for name in ("ExprOpLimit", "TotalOpLimit", "ExprGrpLimit")]
    classes = os.pathsep.join([str(PIXELMED), str(PIXELMED.parent / "*")])
    words = [java, *limits, "-cp", classes, "com.pixelmed.validate.DicomSRValidator", str(tmp_path / "sr.dcm")]
    ended = subprocess.run(words, capture_output=True, text=True, check=True)
    said = ended.stdout + ended.stderr
    assert "Found Root Template TID_1500 (MeasurementReport)" in said
    assert "Root Template Validation Complete" in said
    assert "Error" not in said
    # The templates are extensible: codes of one's own are no part of them, and may stand there.
    assert all("Content Item not in template" in line for line in said.splitlines() if line.startswith("Warning"))


def test_groups_name_their_template(case: Case, report: Path) -> None:
    for foramen, group in zip(case.study.foramina, _groups(report), strict=True):
        (template,) = group.ContentTemplateSequence
        assert template.MappingResource == "DCMR"
        assert template.TemplateIdentifier == ("1501" if foramen.evidence is None else "1410")


def test_every_foramen_has_a_group_with_its_place_and_its_numbers(case: Case, report: Path) -> None:
    groups = _by_name(report)
    assert list(groups) == [foramen.name for foramen in case.study.foramina]
    for foramen in case.study.foramina:
        group = groups[foramen.name]
        (site,) = _named(group, "363698007")
        assert site.ConceptCodeSequence[0].CodeMeaning == (
            f"Level of {foramen.level.upper}/{foramen.level.lower} intervertebral disc"
        )
        (side,) = site.ContentSequence
        assert _value(side) == {Side.LEFT: "7771000", Side.RIGHT: "24028007"}[foramen.side]
        numbers = _numbers(group)
        units = {info.unit for info in QUANTITIES.values()}
        assert {unit for _, unit in numbers.values()} <= units
        if Quantity.AREA in foramen.measurements:
            assert numbers["131184002"] == (pytest.approx(foramen.measurements[Quantity.AREA], abs=0.006), "mm2")
            assert numbers["HEIGHT"][0] == pytest.approx(foramen.measurements[Quantity.HEIGHT], abs=0.006)
            assert numbers["HEIGHT-U"][0] == pytest.approx(foramen.uncertainties[Quantity.HEIGHT], abs=0.006)
        else:
            assert "131184002" not in numbers
        stated = len(foramen.measurements) + (foramen.grade.confidence is not None)
        beside = len(set(foramen.uncertainties) - {Quantity.AREA})
        assert len(numbers) == stated + beside


def test_grades_and_findings_are_said_as_they_were_found(case: Case, report: Path) -> None:
    severities = ("17621005", "255604002", "6736007", "24484000")
    groups = _by_name(report)
    assert {foramen.grade.lee for foramen in case.study.foramina} >= {None, 0}
    for foramen in case.study.foramina:
        group, grade = groups[foramen.name], foramen.grade
        coded = [item for item in group.ContentSequence if item.ValueType == "CODE"]
        said = {str(item.ConceptNameCodeSequence[0].CodeValue): _value(item) for item in coded}
        (finding,) = _named(group, "121071")
        if grade.lee is None:
            assert said["LEE-2010"] == "NOT-GRADABLE"
            assert "246112005" not in said
            assert _value(finding) == "NOT-GRADED"
            continue
        assert said["LEE-2010"] == f"LEE-{grade.lee}"
        assert said["246112005"] == severities[grade.lee]
        # a stenosis is only said where there is one
        assert _value(finding) == ("371000119109" if grade.lee else "NO-STENOSIS")
        assert said["SARTORETTI-2021"] == f"SARTORETTI-{grade.sartoretti}"
        assert said["WILDERMUTH-1998"] == f"WILDERMUTH-{grade.wildermuth}"
        assert said["POLICY"] == "FLOOR"
        assert foramen.findings is not None
        for border, found in foramen.findings.borders.items():
            assert said[f"BORDER-{border.value}"] == found.state.name
    text = report.read_bytes()
    assert b"202708005" not in text


def test_sentences_algorithm_and_research_use_are_there(case: Case, report: Path) -> None:
    groups = _by_name(report)
    for foramen in case.study.foramina:
        group = groups[foramen.name]
        comments = [item.TextValue for item in _named(group, "121106")]
        assert comments[0] == foramen.grade.reason
        assert _named(group, "111001")[0].TextValue == "foramgrade"
        assert _named(group, "111003")[0].TextValue == case.study.version
        parameters = [item.TextValue for item in _named(group, "111002")]
        assert "criteria = Lee 2010" in parameters
        assert "minimum_fat_mm = 0.3" in parameters
    (statement,) = _named(pydicom.dcmread(report), "121106")
    assert statement.TextValue.startswith("Made by software for research and teaching. Not a diagnosis")


def _regions(file: Path, kind: str) -> dict[str, Any]:
    found = {}
    for name, group in _by_name(file).items():
        for item in _named(group, "111030"):
            assert item.ValueType == kind
            found[name] = item
    return found


def _world(region: Any, source: DicomSource) -> np.ndarray:
    """Points of a region in the patient (RAS), by highdicom's own way from picture to patient."""
    points = np.array(region.GraphicData, float).reshape(-1, 2)
    (referred,) = region.ContentSequence
    uid = referred.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    (image,) = (ds for ds in source.images if uid == ds.SOPInstanceUID)
    return highdicom.spatial.ImageToReferenceTransformer.for_image(image)(points) * [-1, -1, 1]


def test_regions_lie_on_the_slice_where_the_area_was_measured(case: Case, report: Path, source: DicomSource) -> None:
    painted, labels = paint_foramina(case.study, source.grid)
    regions = _regions(report, "SCOORD")
    by_name: dict[str, ForamenAssessment] = {foramen.name: foramen for foramen in case.study.foramina}
    assert set(regions) == {name for name, foramen in by_name.items() if foramen.evidence is not None}
    for name, region in regions.items():
        foramen = by_name[name]
        assert region.GraphicType == "POLYLINE"
        points = np.array(region.GraphicData, float).reshape(-1, 2)
        np.testing.assert_array_equal(points[0], points[-1])
        world = _world(region, source)
        expected = find_region(foramen)
        assert expected is not None
        # clinical slices are sections themselves: the polygon lies in the slice but for the rounding of headers
        np.testing.assert_allclose(world, expected, atol=0.01)
        assert np.linalg.norm(world.mean(axis=0) - foramen.section_mm) < 3.0
        ijk = np.rint(source.grid.to_ijk(world)).astype(int)
        number = next(label.index for label in labels if label.abbreviation == f"{name}_opening") // 10
        slice_ = painted[:, :, ijk[0, 2]] // 10 == number
        i, j = np.nonzero(slice_)
        assert i.size
        assert ijk[:, 0].min() - 1 <= i.min() <= i.max() <= ijk[:, 0].max() + 1
        assert ijk[:, 1].min() - 1 <= j.min() <= j.max() <= ijk[:, 1].max() + 1
        x, y = points.T
        area = abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2 * np.prod(source.grid.spacing_mm[:2])
        assert foramen.evidence is not None
        outline = foramen.evidence.outlines[foramen.evidence.chosen]
        counted = outline.mask.sum() * np.linalg.norm(np.cross(outline.row_mm, outline.column_mm))
        assert area == pytest.approx(counted, rel=0.03)


def test_sections_that_are_no_slices_are_drawn_in_the_patient(
    case: Case, write_series: SeriesWriter, tmp_path: Path
) -> None:
    """An axial series of the same patient: the sagittal sections cross its slices."""
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    low, high = case.phantom.image.grid.corners_mm().min(axis=0), case.phantom.image.grid.corners_mm().max(axis=0)
    shape = tuple(np.ceil((high - low) / [1, 1, 2]).astype(int))
    affine[:3, 3] = high[0], high[1], low[2]
    write_series(tmp_path / "in", np.zeros(shape, np.uint16), affine)
    source = read_source(find_series(tmp_path / "in"))
    write_dicom_sr(case.study, source, tmp_path / "sr.dcm", made=MADE)
    regions = _regions(tmp_path / "sr.dcm", "SCOORD3D")
    by_name = {foramen.name: foramen for foramen in case.study.foramina}
    assert regions
    for name, region in regions.items():
        assert region.GraphicType == "POLYGON"
        assert region.ReferencedFrameOfReferenceUID == source.images[0].FrameOfReferenceUID
        points = np.array(region.GraphicData, float).reshape(-1, 3) * [-1, -1, 1]
        expected = find_region(by_name[name])
        np.testing.assert_allclose(points, expected, atol=1e-3)


def test_regions_on_frames_of_an_enhanced_image(case: Case, write_enhanced: EnhancedWriter, tmp_path: Path) -> None:
    grid = case.phantom.image.grid
    array = np.zeros(grid.shape, np.uint16)
    file = write_enhanced(tmp_path / "mf.dcm", array, grid.affine, shuffle=np.random.default_rng(2), te=(11.0,))
    source = read_source(find_series(file))
    write_dicom_sr(case.study, source, tmp_path / "sr.dcm", made=MADE)
    by_name = {foramen.name: foramen for foramen in case.study.foramina}
    for name, region in _regions(tmp_path / "sr.dcm", "SCOORD").items():
        number = int(region.ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber)
        frame = next(f for f in source.frames if f is not None and f.index == number - 1)
        x, y = np.array(region.GraphicData, float).reshape(-1, 2).T
        expected = find_region(by_name[name])
        assert expected is not None
        np.testing.assert_allclose(frame.to_world(x[0] - 0.5, y[0] - 0.5), expected[0], atol=0.01)


def test_levels_without_a_code_get_a_private_one(case: Case, source: DicomSource, tmp_path: Path) -> None:
    first = replace(case.study.foramina[0], level=Level("V6", "V7"))
    lone = replace(case.study.foramina[1], level=Level("F1", ""))
    write_dicom_sr(replace(case.study, foramina=(first, lone)), source, tmp_path / "sr.dcm", made=MADE)
    sites = [_named(group, "363698007")[0].ConceptCodeSequence[0] for group in _groups(tmp_path / "sr.dcm")]
    assert [(s.CodeValue, s.CodingSchemeDesignator) for s in sites] == [(v, "99FORAMGRADE") for v in ("V6-V7", "F1")]


def test_grades_by_other_criteria_are_not_called_lees(case: Case, source: DicomSource, tmp_path: Path) -> None:
    graded = next(foramen for foramen in case.study.foramina if foramen.grade.lee is not None)
    own = replace(graded, grade=replace(graded.grade, lee=1, criteria="Unsere Kriterien 2026"))
    write_dicom_sr(replace(case.study, foramina=(own,)), source, tmp_path / "sr.dcm", made=MADE)
    (group,) = _groups(tmp_path / "sr.dcm")
    assert not _named(group, "LEE-2010")
    assert not _named(group, "246112005")
    assert _value(_named(group, "121071")[0]) == "GRADED"
    (said,) = _named(group, "GRADE")
    assert said.ConceptCodeSequence[0].CodeMeaning == "Grade 1 by Unsere Kriterien 2026"


def test_a_study_without_foramina_is_refused(case: Case, source: DicomSource, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the study has no foramen: there is nothing to report"):
        write_dicom_sr(replace(case.study, foramina=()), source, tmp_path / "sr.dcm", made=MADE)
    assert list(tmp_path.iterdir()) == []
