"""Tables of one state: what is read, whose it is, and what is refused."""

import pytest

from foramgrade.errors import InputError
from foramgrade.tables import read_patients, read_states, unify_single_cases
from foramgrade.tables.states import StateForamen

HEAD = "case,level,side,area_mm2,area_u_mm2,lee_grade,segmental_angle_deg"


@pytest.fixture
def write(tmp_path):
    def write(*lines: str, name: str = "foramina.csv"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def test_a_row_is_a_foramen_and_an_empty_cell_is_missing(write) -> None:
    path = write(HEAD, "a,L4-L5,left,81.5,2.5,2,-3.5", "a,L4-L5,right,,,,")
    left, right = read_states(path)
    assert left == StateForamen("a", "L4-L5", "left", 81.5, 2.5, 2, -3.5, "foramina.csv, line 2")
    assert (right.area_mm2, right.area_u_mm2, right.grade, right.angle_deg) == (None, None, None, None)


def test_a_folder_stands_for_its_table(write, tmp_path) -> None:
    write(HEAD, "a,L4-L5,left,80,,,")
    assert read_states(tmp_path) == read_states(tmp_path / "foramina.csv")


def test_words_of_spreadsheets_are_understood(write) -> None:
    path = write("Patient;Level;Side;Area", "p1;l4/l5;R;80.5", name="excel.csv")
    (found,) = read_states(path)
    assert (found.patient, found.level, found.side, found.area_mm2) == ("p1", "L4-L5", "right", 80.5)


def test_the_table_of_patients_names_whose_a_case_is(write) -> None:
    whose = read_patients(write("case,patient", "pre,p1", "post,p1", "", name="patients.csv"))
    assert whose == {"pre": "p1", "post": "p1"}
    (found,) = read_states(write(HEAD, "post,L4-L5,left,80,,,"), patients=whose)
    assert found.patient == "p1"


@pytest.mark.parametrize(
    "lines, message",
    [
        ((HEAD,), r"foramina\.csv holds no foramen, expected a row for each"),
        (("case,level,area_mm2", "a,L4-L5,80"), r"lacks the columns side: expected those of foramina\.csv"),
        (("case,level,side", "a,L4-L5,left"), r"lacks the columns area_mm2 or lee_grade"),
        ((HEAD, "a,L4-L5,left,80"), r"line 2: found 4 cells, expected 7 as in the header"),
        ((HEAD, "a,L4-L5,middle,80,,,"), r"side is 'middle', expected left or right"),
        ((HEAD, ",L4-L5,left,80,,,"), r"patient is blank, expected whose foramen it is"),
        ((HEAD, "a,,left,80,,,"), r"level is blank, expected a name such as L4-L5"),
        ((HEAD, "a,L4-L5,left,-1,,,"), r"area_mm2 is -1, expected no negative number"),
        ((HEAD, "a,L4-L5,left,8 0,,,"), r"area_mm2 is '8 0', expected a number with a decimal point"),
        ((HEAD, "a,L4-L5,left,80,,4,"), r"the grade is 4, expected 0, 1, 2, 3 or nothing"),
        (
            (HEAD, "a,L4-L5,left,80,,,", "a,L4-L5,left,81,,,"),
            r"line 3: L4-L5 left of this patient is there already, in",
        ),
    ],
)
def test_what_is_no_state_is_refused(write, lines, message) -> None:
    with pytest.raises(InputError, match=message):
        read_states(write(*lines))


def test_a_case_that_the_table_of_patients_lacks_is_refused(write) -> None:
    with pytest.raises(InputError, match="its case is not in the table of patients"):
        read_states(write(HEAD, "other,L4-L5,left,80,,,"), patients={"pre": "p1"})


@pytest.mark.parametrize(
    "lines, message",
    [
        (("case,level", "a,L4-L5"), "lacks the column patient, expected case and patient"),
        (("case,patient", "a,"), "line 2: found a blank cell, expected one patient for each case"),
        (("case,patient", "a,p1", "a,p2"), "line 3: found another patient for the same case"),
    ],
)
def test_a_table_of_patients_is_unambiguous(write, lines, message) -> None:
    with pytest.raises(InputError, match=message):
        read_patients(write(*lines, name="patients.csv"))


def test_two_studies_are_of_one_patient_whatever_they_are_called() -> None:
    before, after = (StateForamen(name, "L4-L5", "left", 80.0) for name in ("pre", "post"))
    first, second, unified = unify_single_cases([before], [after])
    assert unified
    assert first[0].patient == second[0].patient == "pre"
    assert unify_single_cases([before], [before]) == ((before,), (before,), False)
    cohort = [after, StateForamen("other", "L4-L5", "left", 70.0)]
    assert unify_single_cases([before], cohort) == ((before,), tuple(cohort), False)
