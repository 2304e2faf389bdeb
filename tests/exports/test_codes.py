"""Codes: one for everything that can be said, none too long, none twice for different things."""

import itertools

import pytest

from foramgrade.exports import codes
from foramgrade.exports.codes import Code, code_level, private, uncertainty_of
from foramgrade.findings import (
    QUANTITIES,
    Border,
    BorderState,
    Level,
    Neighbour,
    Quality,
    Quantity,
    RootShape,
    Side,
)
from foramgrade.plotting.words import QUALITY_WORDS
from foramgrade.tables import quality_names


def test_everything_that_can_be_said_has_a_code() -> None:
    assert set(codes.QUANTITY_CODES) == set(Quantity)
    assert {info.unit for info in QUANTITIES.values()} == set(codes.UNITS)
    assert set(codes.BORDER_NAMES) == set(codes.STANDS_AT) == set(Border)
    assert set(codes.BORDER_STATES) == set(BorderState)
    assert set(codes.NEIGHBOURS) == set(Neighbour)
    assert set(codes.ROOT_SHAPES) == set(RootShape)
    assert set(codes.SIDES) == set(Side)
    assert set(QUALITY_WORDS) == set(Quality)


def test_private_codes_stay_apart() -> None:
    """Values are cut to 16 characters: no two names may become one."""
    flags = [private(quality_names(flag)[0], QUALITY_WORDS[flag]) for flag in Quality]
    quantities = [*codes.QUANTITY_CODES.values(), codes.CONFIDENCE]
    uncertain = [uncertainty_of(quantity) for quantity in Quantity if quantity is not Quantity.AREA_UNCERTAINTY]
    for group in (flags, list(dict.fromkeys([*quantities, *uncertain]))):
        values = [code.value for code in group]
        assert len(set(values)) == len(values)
    assert all(private(quality_names(flag)[0], "x").value == quality_names(flag)[0].upper() for flag in Quality)


def test_standard_codes_are_those_of_the_domain() -> None:
    stated = {
        "T12-L1": "243926009",
        "L1-L2": "243920003",
        "L2-L3": "243921004",
        "L3-L4": "243922006",
        "L4-L5": "243923001",
        "L5-S1": "243927000",
    }
    for name, value in stated.items():
        upper, lower = name.split("-")
        assert (code_level(Level(upper, lower)).value, code_level(Level(upper, lower)).scheme) == (value, "SCT")
    assert [code.value for code in codes.SEVERITIES] == ["17621005", "255604002", "6736007", "24484000"]
    assert codes.STENOSIS.value == "371000119109"
    assert code_level(Level("L5", "L6")).scheme == "99FORAMGRADE"


def test_names_of_a_users_own_get_codes_of_their_own() -> None:
    names = [Level("腰四", "腰五"), Level("腰五", "S1"), Level("A" * 40, "B"), Level("A" * 40, "C"), Level("l4", "l5")]
    found = [code_level(level) for level in names]
    assert len({code.value for code in found}) == len(names)
    assert all(code.scheme == "99FORAMGRADE" for code in found)
    assert found[0].meaning == "Level 腰四-腰五"


def test_codes_that_dicom_knows_have_its_meanings() -> None:
    concepts = pytest.importorskip("pydicom.sr._concepts_dict").concepts
    known = {
        (scheme, code): meaning
        for scheme, names in concepts.items()
        for n in names.values()
        for code, (meaning, _) in n.items()
    }
    used = [v for v in vars(codes).values() if isinstance(v, Code)]
    used += itertools.chain(codes.SEVERITIES, codes.SIDES.values(), codes.QUANTITY_CODES.values())
    found = [code for code in used if (code.scheme, code.value) in known]
    assert len(found) >= 12
    for code in found:
        assert code.meaning.split()[0].lower() in known[code.scheme, code.value].lower()


@pytest.mark.parametrize("value, meaning", [("", "a"), ("a", ""), ("a" * 17, "a"), ("a", "a" * 65)])
def test_codes_that_dicom_has_no_room_for_are_refused(value: str, meaning: str) -> None:
    with pytest.raises(ValueError, match=r"of a code is '.*', expected 1 to (16|64) characters"):
        Code(value, "SCT", meaning)


def test_meanings_that_are_too_long_are_cut() -> None:
    cut = private("x", "word " * 30).meaning
    assert len(cut) <= 64
    assert cut.endswith("...")
