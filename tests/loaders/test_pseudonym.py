import hmac
import re

import pytest

from foramgrade.errors import InputError
from foramgrade.loaders.pseudonym import PUBLIC_SALT, CaseNames, case_id, name_case, scrub

STUDY, SERIES = "1.2.840.113619.2.1", "1.2.840.113619.2.1.5"


def test_an_id_is_the_keyed_hash_of_its_parts():
    message = f"{len(STUDY)}:{STUDY}{len(SERIES)}:{SERIES}"
    expected = hmac.new(b"salt", message.encode(), "sha256").hexdigest()
    assert case_id(STUDY, SERIES, salt="salt") == f"case-{expected[:16]}"


def test_ids_differ_where_anything_differs():
    ids = [
        case_id(STUDY, salt="a"),
        case_id(STUDY, salt="b"),
        case_id(STUDY, SERIES, salt="a"),
        case_id(SERIES, STUDY, salt="a"),
        case_id("1", "23", salt="a"),
        case_id("12", "3", salt="a"),
        case_id("123", salt="a"),
    ]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"case-[0-9a-f]{16}", one) for one in ids)


def test_the_fill_of_dicom_values_is_no_part_of_a_uid():
    assert case_id(STUDY + "\0", salt="a") == case_id(STUDY, salt="a") == case_id(STUDY + " ", salt="a")


@pytest.mark.parametrize("uids", [(), ("",), (STUDY, ""), (STUDY, " \0")])
def test_an_id_of_nothing_is_refused(uids):
    with pytest.raises(InputError, match="a case id needs identifiers that are not empty"):
        case_id(*uids, salt="a")


def test_an_empty_salt_is_refused():
    with pytest.raises(InputError, match="the salt of case ids is empty"):
        case_id(STUDY, salt="")


def test_names_are_hashed_unless_the_folder_is_asked_for():
    assert name_case("4003253", "7", names=CaseNames.FOLDER) == "4003253_7"
    assert name_case("4003253", "7", names=CaseNames.HASHED) == case_id("4003253", "7", salt=PUBLIC_SALT)


@pytest.mark.parametrize(
    "text, names, left",
    [
        ("T2 sag Doe", ["Doe^Jane"], "T2 sag"),
        ("t1_tse_sag_DOE_kontrolle", ["Doe^Jane"], "t1_tse_sag kontrolle"),
        ("JaneDoe STIR", ["Doe^Jane"], "STIR"),
        ("L-Spine, van der Berg", ["Van der Berg^Li"], "L-Spine"),
        ("T2 Mueller", ["Müller^X"], "T2"),
        ("T2 muller", ["Müller^X"], "T2"),
        ("T2 MÜLLER", ["Mu\u0308ller^X"], "T2"),
        ("T2 GROSS", ["Groß"], "T2"),
        ("T1 03.02.1961", ["19610203"], "T1"),
        ("T1 1961-02-03", ["19610203"], "T1"),
        ("T1 610203", ["1961-02-03"], "T1"),
        ("T1 02/03/61", ["19610203"], "T1"),
        ("T2 AB-12345 sag", ["AB-12345"], "T2 AB sag"),
        ("T2 山田 太郎", ["Yamada^Tarou=山田^太郎"], "T2"),
        ("T2 (Doe)", ["Doe"], "T2 ( )"),
    ],
)
def test_names_and_numbers_of_a_patient_are_taken_out(text, names, left):
    assert scrub(text, names) == left


@pytest.mark.parametrize("names", [["Doe^Jane"], [], [""], ["^"], ["Li^Yu"], ["T2"]])
def test_a_text_without_them_stays_as_it_is(names):
    text = "T2_TSE  sag - FatSat, 0.5 mm (Li) "
    assert scrub(text, names) == text


def test_scrubbing_leaves_no_part_behind():
    people = ["Schmidt-Meier^Anna Maria", "PAT-00417", "19610203"]
    text = "sag schmidt T2 MEIER/anna_maria 00417 19610203 SchmidtMeier"
    assert scrub(text, people) == "sag T2"
