import re
from pathlib import Path

import numpy as np
import pydicom
import pytest

from foramgrade.errors import InputError
from foramgrade.findings import Level, Sequence, Side
from foramgrade.loaders import read_volume
from foramgrade.loaders.dataset import Part, Severity, read_lumbardisc
from foramgrade.loaders.pseudonym import CaseNames, case_id

T1 = "1054713880"


def cases(layout, **options):
    return list(read_lumbardisc(layout.write(), **({"names": CaseNames.FOLDER} | options)))


def test_marks_become_points_through_the_header_of_their_own_file(one_study, truth_mm):
    (case,) = cases(one_study)
    assert case.problems == ()
    assert (case.case, case.patient, case.sequence) == (f"4003253_{T1}", "4003253", Sequence.T1)
    assert case.image == one_study.root / "train_images" / "4003253" / T1
    assert len(case.points) == len(truth_mm) == 10
    for point in case.points:
        # headers hold positions and spacings with at least 12 digits
        np.testing.assert_allclose(point.position_mm, truth_mm[point.level.name, point.side.value], atol=1e-6)


def test_grades_come_with_level_and_side(one_study):
    one_study.grades["4003253"]["left_l1_l2"] = ""
    (case,) = cases(one_study)
    reads = {(read.level, read.side): read.severity for read in case.reads}
    assert len(reads) == 9
    assert reads[Level("L4", "L5"), Side.LEFT] is Severity.SEVERE
    assert reads[Level("L5", "S1"), Side.RIGHT] is Severity.MODERATE
    assert reads[Level("L5", "S1"), Side.LEFT] is Severity.NORMAL_MILD
    assert case.problems == ("no grade for L1-L2 left",)


def test_of_several_t1_series_the_marked_one_is_used(one_study):
    one_study.add_series("4003253", "9", files=False)
    (case,) = cases(one_study)
    assert case.image.name == T1
    assert case.problems == (
        f"2 series are described as Sagittal T1: {T1} (10 marks), 9 (0 marks); the one with most marks is used",
    )


def test_unmarked_t1_series_are_a_case_each(one_study):
    one_study.add_series("4003253", "9", files=False)
    one_study.marks.clear()
    first, second = cases(one_study)
    assert (first.case, second.case) == (f"4003253_{T1}", "4003253_9")
    assert first.patient == second.patient
    assert first.reads == second.reads != ()
    for case in (first, second):
        assert "each is a case" in case.problems[0]
        assert case.problems[-1] == "no point for any foramen"


def test_a_study_without_t1_is_a_case_without_an_image(layout):
    layout.add_series("1", "2", "Axial T2", files=False)
    layout.add_series("1", "3", "Patient Doe, leg", files=False)
    layout.grade("1")
    (case,) = cases(layout)
    assert (case.case, case.image, len(case.reads)) == ("1", None, 10)
    assert case.problems == ("no series is described as Sagittal T1, found Axial T2, another description",)


def test_marks_on_another_series_are_named(one_study):
    for mark in one_study.marks[:3]:
        mark["series_id"] = "702807833"
    (case,) = cases(one_study)
    assert len(case.points) == 7
    assert case.problems[0] == "the marks of foramina on the series 702807833 (Sagittal T2/STIR) are left out: 3"
    assert case.problems[1] == "no point for L1-L2 right, L1-L2 left, L2-L3 right"


def test_exchanged_sides_are_named(one_study):
    for mark in one_study.marks[:2]:
        words = str(mark["condition"])
        mark["condition"] = words.replace("Left", "?").replace("Right", "Left").replace("?", "Right")
    (case,) = cases(one_study)
    assert len(case.points) == 10
    assert case.problems[0].startswith("the left foramen of L1-L2 is marked ")
    assert case.problems[0].endswith("to the right of the right one: are sides or signs of x swapped?")


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"instance_number": 7}, r"marks are on 7\.dcm, and there is no such file"),
        ({"x": 20.0}, r"L1-L2 right is marked at x 20, y 3\.5, outside the 20 x 26 pixels of 10\d\.dcm"),
        ({"y": -3}, r"L1-L2 right is marked at x 9\.25, y -3, outside"),
    ],
)
def test_a_mark_that_cannot_be_placed_is_named(change, problem, one_study):
    one_study.marks[0] |= change
    (case,) = cases(one_study)
    assert len(case.points) == 9
    assert any(re.search(problem, sentence) for sentence in case.problems)
    assert case.problems[-1] == "no point for L1-L2 right"


def test_a_foramen_marked_twice_keeps_its_first_mark(one_study, truth_mm):
    one_study.marks.append(one_study.marks[0] | {"x": 1.0})
    (case,) = cases(one_study)
    assert case.problems == ("L1-L2 right is marked again in line 13: the first mark is used",)
    np.testing.assert_allclose(case.points[0].position_mm, truth_mm["L1-L2", "right"], atol=1e-6)


def test_a_damaged_file_is_a_problem_of_its_case(one_study):
    number = one_study.marks[0]["instance_number"]
    (one_study.root / "train_images" / "4003253" / T1 / f"{number}.dcm").write_bytes(b"no picture")
    (case,) = cases(one_study)
    assert f"{number}.dcm is not a DICOM file" in case.problems
    assert len(case.points) == 5


@pytest.mark.parametrize(
    "keyword, value, problem",
    [
        ("ImagePositionPatient", None, "does not say where in the patient it is: its marks are left out"),
        ("PixelSpacing", None, "does not say where in the patient it is: its marks are left out"),
        ("NumberOfFrames", 2, "holds 2 pictures, expected the one that was marked"),
    ],
)
def test_a_file_that_cannot_place_marks_is_named_once(keyword, value, problem, one_study):
    number = one_study.marks[0]["instance_number"]
    path = one_study.root / "train_images" / "4003253" / T1 / f"{number}.dcm"
    dataset = pydicom.dcmread(path)
    delattr(dataset, keyword) if value is None else setattr(dataset, keyword, value)
    dataset.save_as(path)
    (case,) = cases(one_study)
    assert case.problems[0] == f"{number}.dcm {problem}"
    assert len(case.points) == 5
    assert len(case.problems) == 2


def test_a_number_that_contradicts_the_file_name_is_named(one_study):
    folder = one_study.root / "train_images" / "4003253" / T1
    number = one_study.marks[0]["instance_number"]
    (folder / f"{number}.dcm").rename(folder / "55.dcm")
    for mark in one_study.marks:
        if mark["instance_number"] == number:
            mark["instance_number"] = 55
    (case,) = cases(one_study)
    assert len(case.points) == 10
    assert case.problems == (f"55.dcm calls itself instance {number}: the file's name is believed",)


def test_folders_and_tables_that_disagree_are_named(one_study):
    images = one_study.root / "train_images"
    (images / "4003253" / "77").mkdir()
    (images / "88").mkdir()
    one_study.descriptions.append(("99", "1", "Sagittal T1"))
    one_study.grade("99")
    first, missing, undescribed = cases(one_study)
    assert first.problems == ("the table of descriptions lacks the series 77",)
    assert (missing.case, missing.image) == ("99_1", None)
    assert missing.problems[:2] == ("the study has no folder of images", "the series has no folder of images")
    assert undescribed.case == "88"
    assert undescribed.problems[0] == "no series is described as Sagittal T1, found no series at all"


def test_the_test_part_has_neither_grades_nor_marks(layout):
    layout.part = "test"
    folder = layout.add_series("5", "6", files=False)
    (case,) = cases(layout, part=Part.TEST)
    assert (case.image, case.points, case.reads, case.problems) == (folder, (), (), ())


def test_missing_tables_are_a_problem_of_every_case(one_study):
    root = one_study.write()
    (root / "train.csv").unlink()
    (root / "train_label_coordinates.csv").unlink()
    (case,) = read_lumbardisc(root)
    assert case.problems == ("the data set has no train.csv", "the data set has no train_label_coordinates.csv")


def test_names_of_folders_are_hashed_unless_asked_for(one_study):
    one_study.add_series("4003253", "9", files=False)
    one_study.marks[0]["series_id"] = "702807833"
    (case,) = cases(one_study, names=CaseNames.HASHED, salt="ours")
    assert case.case == case_id("4003253", T1, salt="ours")
    assert case.patient == case_id("4003253", salt="ours")
    assert any("2 series" in problem for problem in case.problems)
    for name in ("4003253", T1, "702807833", str(one_study.root)):
        assert name not in repr(case)


def test_nothing_of_the_patient_is_in_a_case(one_study):
    (case,) = cases(one_study)
    for word in ("doe", "jane", "4711", "1961"):
        assert word not in repr(case).lower()


def test_the_order_is_that_of_the_table_every_time(layout):
    for study in ("30", "4", "200"):
        layout.add_series(study, "1", files=False)
    names = [case.case for case in cases(layout)]
    assert names == ["30_1", "4_1", "200_1"] == [case.case for case in cases(layout)]


def test_no_pixel_is_read_and_cases_come_one_by_one(one_study, monkeypatch):
    one_study.add_series("5", "6", files=False)
    listed = []
    original = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: listed.append(self.name) or original(self))
    stream = read_lumbardisc(one_study.write())
    assert listed == []
    next(stream)
    assert sorted(listed) == ["4003253", "train_images"]
    next(stream)
    assert sorted(listed) == ["4003253", "5", "train_images"]


@pytest.mark.parametrize(
    "table, line, column, value, message",
    [
        ("train_label_coordinates", 2, "x", "a", r"line 2, column x: found 'a', expected a number"),
        ("train_label_coordinates", 2, "y", "nan", r"line 2, column y: found 'nan', expected a number"),
        ("train_label_coordinates", 3, "instance_number", "8.5", r"found '8\.5', expected a whole number"),
        ("train_label_coordinates", 3, "instance_number", "-1", "found '-1', expected a number that is not negative"),
        ("train_label_coordinates", 2, "condition", "Scoliosis", "found 'Scoliosis', expected one of left neural"),
        ("train_label_coordinates", 2, "level", "L1/L3", "found 'L1/L3', expected one of L1/L2 to L5/S1"),
        ("train_label_coordinates", 2, "series_id", "../9", r"found '\.\./9', expected the name of a folder"),
        ("train_series_descriptions", 2, "series_description", "", "expected a description such as"),
        ("train_series_descriptions", 2, "study_id", "", "found '', expected the name of a folder"),
        ("train", 2, "left_neural_foraminal_narrowing_l4_l5", "Awful", "found 'Awful', expected 'Normal/Mild', 'Mod"),
    ],
)
def test_a_bad_row_is_refused(table, line, column, value, message, one_study):
    path = one_study.write() / f"{table}.csv"
    rows = [text.split(",") for text in path.read_text("utf-8-sig").splitlines()]
    rows[line - 1][rows[0].index(column)] = value
    path.write_text("\n".join(",".join(row) for row in rows))
    with pytest.raises(InputError, match=rf"{table}\.csv, .*{message}"):
        read_lumbardisc(one_study.root)


def test_two_rows_that_contradict_each_other_are_refused(one_study):
    one_study.descriptions.append(("4003253", T1, "Sagittal T1"))
    assert len(cases(one_study)) == 1
    one_study.descriptions.append(("4003253", T1, "Axial T2"))
    with pytest.raises(InputError, match="found 'Axial T2', expected 'Sagittal T1' as in an earlier row"):
        read_lumbardisc(one_study.write())


def test_a_study_graded_twice_is_refused(one_study):
    path = one_study.write() / "train.csv"
    path.write_text(path.read_text("utf-8-sig") + path.read_text("utf-8-sig").splitlines()[1])
    with pytest.raises(InputError, match="line 3, column study_id: found '4003253', expected one row per study"):
        read_lumbardisc(one_study.root)


def test_another_folder_is_refused(tmp_path, layout):
    with pytest.raises(InputError, match="holds no train_images, expected the layout of RSNA LumbarDISC"):
        read_lumbardisc(tmp_path)
    layout.add_series("1", "2", files=False)
    with pytest.raises(InputError, match=r"train_series_descriptions\.csv: no such file"):
        read_lumbardisc(tmp_path)


def test_a_study_that_cannot_be_opened_is_named(one_study, monkeypatch):
    original = Path.iterdir

    def iterdir(self):
        if self.name == "4003253":
            raise PermissionError(13, "Permission denied", str(self))
        return original(self)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    (case,) = cases(one_study)
    assert case.image is None
    assert case.problems[0] == "the study's folder of images cannot be opened: Permission denied"


def test_points_lie_in_the_volume_that_is_read(one_study):
    (case,) = cases(one_study)
    grid = read_volume(case.image, sequence=case.sequence).grid
    inside = [grid.to_ijk(point.position_mm) for point in case.points]
    assert np.all(np.array(inside) > -0.5)
    assert np.all(np.array(inside) < np.array(grid.shape) - 0.5)
    # every mark was made on a slice: one index, whichever axis holds the slices, is whole
    slices = np.array(inside)[:, grid.shape.index(9)]
    np.testing.assert_allclose(slices, slices.round(), atol=1e-3)
