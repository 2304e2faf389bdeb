"""Foramina as DICOM SEG: voxel for voxel through our reader, dcmqi's and pydicom's, in every storage order."""

import itertools
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK

from dicom_files import EnhancedWriter, SeriesWriter
from foramgrade.errors import InputError
from foramgrade.exports import DicomSource, paint_foramina, read_source, write_dicom_seg, write_dicom_sr, write_foramina
from foramgrade.exports.foramina import ForamenLabel
from foramgrade.findings import Level, Side
from foramgrade.loaders import Irregularity, find_series, read_labels
from foramgrade.loaders.segmentation.voxels import turned_onto
from foramgrade.tables import StudyAssessment, read_json, write_json
from foramgrade.volume import Grid

from ..conftest import MADE, Case, Complaints, Find


def _numbered(study: StudyAssessment, labels: tuple[ForamenLabel, ...], grid: Grid) -> np.ndarray:
    """What was painted, with the numbers of the segments."""
    painted, _ = paint_foramina(study, grid)
    numbers = np.zeros(int(painted.max()) + 1, int)
    for number, label in enumerate(labels, start=1):
        numbers[label.index] = number
    return numbers[painted]


def _assert_round_trip(study: StudyAssessment, source: DicomSource, file: Path) -> tuple[ForamenLabel, ...]:
    labels = write_dicom_seg(study, source, file, made=MADE)
    read = read_labels(file, grid=source.grid)
    np.testing.assert_array_equal(read.array, _numbered(study, labels, source.grid))
    assert dict(read.names) == {number: label.name for number, label in enumerate(labels, start=1)}
    assert read.array.any()
    return labels


def test_voxels_come_back_through_our_reader(case: Case, source: DicomSource, tmp_path: Path) -> None:
    labels = _assert_round_trip(case.study, source, tmp_path / "seg.dcm")
    assert {(label.structure) for label in labels} == {"opening", "root", "fat"}


def test_segments_are_the_label_map_that_is_written_beside_the_results(
    case: Case, source: DicomSource, tmp_path: Path
) -> None:
    """A segmentation of what was read back from the results, against the label map of the results themselves."""
    write_json(case.study, tmp_path / "assessment.json")
    labels = write_dicom_seg(read_json(tmp_path / "assessment.json"), source, tmp_path / "seg.dcm", made=MADE)
    image, _ = write_foramina(case.study, case.phantom.labels.grid, tmp_path)
    stored = read_labels(image)
    segments = read_labels(tmp_path / "seg.dcm", grid=source.grid)
    index = np.array([0, *(label.index for label in labels)])
    turned = turned_onto(index[segments.array], source.grid, stored.grid, names=("the segments", "the label map"))
    np.testing.assert_array_equal(turned, stored.array)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flip", [(), (0, 2)])
def test_every_storage_order_of_an_oblique_series(
    case: Case, write_series: SeriesWriter, tmp_path: Path, order: tuple[int, ...], flip: tuple[int, ...]
) -> None:
    grid = case.phantom.image.grid
    step = (6, 5, 1)  # coarser in plane, to be quick
    shape = tuple(n // s for n, s in zip(grid.shape, step, strict=True))
    change = np.zeros((4, 4))
    change[3, 3] = 1
    for axis, old in enumerate(order):
        change[old, axis] = -step[old] if axis in flip else step[old]
        change[old, 3] = step[old] * (shape[old] - 1) if axis in flip else 0
    array = np.zeros([shape[old] for old in order], np.uint16)
    write_series(tmp_path / "in", array, grid.affine @ change, shuffle=np.random.default_rng(3))
    source = read_source(find_series(tmp_path / "in"))
    assert source.grid.matches(Grid(array.shape, grid.affine @ change)) or source.grid.overlap(grid) > 0.9
    _assert_round_trip(case.study, source, tmp_path / "seg.dcm")


def test_frames_refer_to_the_slices_that_they_lie_on(case: Case, source: DicomSource, tmp_path: Path) -> None:
    labels = write_dicom_seg(case.study, source, tmp_path / "seg.dcm", made=MADE)
    ds = pydicom.dcmread(tmp_path / "seg.dcm")
    places = {str(image.SOPInstanceUID): np.array(image.ImagePositionPatient, float) for image in source.images}
    for frame in ds.PerFrameFunctionalGroupsSequence:
        (referred,) = frame.DerivationImageSequence[0].SourceImageSequence
        position = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
        np.testing.assert_allclose(places[referred.ReferencedSOPInstanceUID], position, atol=1e-4)
    assert ds.StudyInstanceUID == source.images[0].StudyInstanceUID
    assert ds.FrameOfReferenceUID == source.images[0].FrameOfReferenceUID
    (series,) = ds.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == source.images[0].SeriesInstanceUID
    for label, item in zip(labels, ds.SegmentSequence, strict=True):
        assert item.SegmentLabel == label.name
        assert label.level in item.SegmentLabel
        assert label.side in item.SegmentLabel
        region = item.AnatomicRegionSequence[0]
        side = region.AnatomicRegionModifierSequence[0].CodeValue
        assert side == {"left": "7771000", "right": "24028007"}[label.side]
        assert region.CodeMeaning == f"Level of {label.level.replace('-', '/')} intervertebral disc"
        assert item.SegmentAlgorithmType == "AUTOMATIC"


def test_left_is_the_left_of_the_patient(case: Case, source: DicomSource, tmp_path: Path) -> None:
    write_dicom_seg(case.study, source, tmp_path / "seg.dcm", made=MADE)
    read = read_labels(tmp_path / "seg.dcm", grid=source.grid)
    x = {name: source.grid.to_world(np.argwhere(read.array == n))[:, 0] for n, name in read.names.items()}
    assert x["L3-L4 left opening"].max() < x["L3-L4 right opening"].min()
    truth = case.phantom.foramen("L3-L4", Side.LEFT).centre_mm
    assert abs(np.concatenate([v for n, v in x.items() if n.startswith("L3-L4 left")]).mean() - truth[0]) < 2.8


def test_dcmqi_reads_the_same(case: Case, source: DicomSource, program: Find, tmp_path: Path) -> None:
    labels = write_dicom_seg(case.study, source, tmp_path / "seg.dcm", made=MADE)
    words = ["--inputDICOM", str(tmp_path / "seg.dcm"), "--outputDirectory", str(tmp_path), "--outputType", "nrrd"]
    subprocess.run([program("segimage2itkimage"), *words], capture_output=True, check=True)
    expected = _numbered(case.study, labels, source.grid)
    for number in range(1, len(labels) + 1):
        image = SimpleITK.ReadImage(str(tmp_path / f"{number}.nrrd"))
        voxels = np.argwhere(SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0) > 0)
        direction = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
        world = (voxels @ direction.T + np.array(image.GetOrigin())) * [-1, -1, 1]
        ijk = source.grid.to_ijk(world)
        assert np.abs(ijk - np.rint(ijk)).max() < 1e-2
        found = {tuple(v) for v in np.rint(ijk).astype(int)}
        assert found == {tuple(v) for v in np.argwhere(expected == number)}
    described = json.loads((tmp_path / "meta.json").read_text(encoding="utf-8"))
    named = {item["labelID"]: item["SegmentLabel"] for (item,) in described["segmentAttributes"]}
    assert named == {n: label.name for n, label in enumerate(labels, start=1)}


def test_the_file_conforms(case: Case, source: DicomSource, tmp_path: Path, complaints: Complaints) -> None:
    write_dicom_seg(case.study, source, tmp_path / "seg.dcm", made=MADE)
    assert complaints(tmp_path / "seg.dcm") == []
    held = highdicom.seg.segread(tmp_path / "seg.dcm")
    assert held.ContentQualification == "RESEARCH"
    assert held.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99FORAMGRADE"


def test_the_same_study_makes_the_same_file(case: Case, source: DicomSource, tmp_path: Path) -> None:
    for name in ("a.dcm", "b.dcm"):
        write_dicom_seg(case.study, source, tmp_path / name, made=MADE)
    first, second = (pydicom.dcmread(tmp_path / name) for name in ("a.dcm", "b.dcm"))
    assert first.SOPInstanceUID == second.SOPInstanceUID
    assert first.PixelData == second.PixelData
    later = write_dicom_seg(case.study, source, tmp_path / "c.dcm", made=MADE.replace(hour=9))
    assert later
    assert pydicom.dcmread(tmp_path / "c.dcm").SOPInstanceUID != first.SOPInstanceUID


@pytest.mark.parametrize("echoes", [1, 2])
def test_frames_of_an_enhanced_image(case: Case, write_enhanced: EnhancedWriter, tmp_path: Path, echoes: int) -> None:
    grid = case.phantom.image.grid
    affine = grid.affine @ np.diag([6.0, 6.0, 1.0, 1.0])
    array = np.zeros((grid.shape[0] // 6, grid.shape[1] // 6, grid.shape[2]), np.uint16)
    file = write_enhanced(
        tmp_path / "in" / "mf.dcm",
        [array] * echoes,
        affine,
        shuffle=np.random.default_rng(2),
        te=(11.0, 102.0)[:echoes],
    )
    found = find_series(file, series=None if echoes == 1 else "1b")
    source = read_source(found)
    assert source.is_multiframe
    _assert_round_trip(case.study, source, tmp_path / "seg.dcm")
    ds = pydicom.dcmread(tmp_path / "seg.dcm")
    for group in ds.PerFrameFunctionalGroupsSequence:
        (referred,) = group.DerivationImageSequence[0].SourceImageSequence
        number = int(referred.ReferencedFrameNumber)
        assert number - 1 in {frame.index for frame in source.frames if frame is not None}


def test_missing_slices_have_no_frame(case: Case, series: Path, tmp_path: Path) -> None:
    for file in sorted(series.iterdir()):
        if file.name != "IM0004.dcm":
            shutil.copy(file, tmp_path)
    source = read_source(find_series(tmp_path), tolerate=[Irregularity.MISSING_SLICE])
    assert [frame is None for frame in source.frames].count(True) == 1
    labels = write_dicom_seg(case.study, source, tmp_path / "seg.dcm", made=MADE)
    blank = next(k for k, frame in enumerate(source.frames) if frame is None)
    expected = _numbered(case.study, labels, source.grid)
    assert expected[:, :, blank].any()
    expected[:, :, blank] = 0
    np.testing.assert_array_equal(read_labels(tmp_path / "seg.dcm", grid=source.grid).array, expected)


@pytest.mark.parametrize("upper", ["腰四", "A" * 80])
def test_odd_names_of_levels_fit(case: Case, source: DicomSource, tmp_path: Path, upper: str) -> None:
    shown = next(foramen for foramen in case.study.foramina if foramen.evidence is not None)
    odd = replace(case.study, foramina=(replace(shown, level=Level(upper, "L5")),))
    write_dicom_seg(odd, source, tmp_path / "seg.dcm", made=MADE)
    write_dicom_sr(odd, source, tmp_path / "sr.dcm", made=MADE)
    names = list(read_labels(tmp_path / "seg.dcm", grid=source.grid).names.values())
    assert names
    assert all(name.startswith(upper[:60]) for name in names)


def test_a_study_beside_the_series_is_refused(case: Case, source: DicomSource, tmp_path: Path) -> None:
    bare = replace(case.study, foramina=tuple(replace(f, evidence=None) for f in case.study.foramina))
    with pytest.raises(InputError, match="no foramen of the study lies on the slices of the series"):
        write_dicom_seg(bare, source, tmp_path / "seg.dcm", made=MADE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder, series", [("dcm_qa_xa30", "5"), ("dcm_qa_pdt2", "3b")])
def test_real_series_of_several_kinds(case: Case, shared_data: Path, tmp_path: Path, folder: str, series: str) -> None:
    """An enhanced image of 96 frames, and one of two echoes in a series; the phantom's outlines moved into them."""
    source = read_source(find_series(shared_data / "dicom" / folder, series=series))
    shown = [foramen for foramen in case.study.foramina if foramen.evidence is not None]
    middle = np.mean([foramen.section_mm for foramen in shown], axis=0)
    way = source.grid.corners_mm().mean(axis=0) - middle
    foramina = []
    for foramen in shown:
        assert foramen.evidence is not None
        outlines = tuple(replace(one, origin_mm=one.origin_mm + way) for one in foramen.evidence.outlines)
        foramina.append(replace(foramen, evidence=replace(foramen.evidence, outlines=outlines)))
    _assert_round_trip(replace(case.study, foramina=tuple(foramina)), source, tmp_path / "seg.dcm")
