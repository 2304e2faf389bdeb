"""The vocabulary holds its invariants; nothing is computed here."""

import re
from dataclasses import FrozenInstanceError
from itertools import chain, combinations

import pytest

from foramgrade.findings import (
    FAT_QUANTITY,
    QUANTITIES,
    Border,
    BorderFinding,
    BorderState,
    ForamenAssessment,
    Grade,
    LeeGrade,
    Level,
    PerineuralFindings,
    Policy,
    Quality,
    Quantity,
    RootShape,
    Side,
)

UNITS = {"mm", "mm2", "mm3", "deg", "1"}


def foramen(lee: int | None) -> ForamenAssessment:
    return ForamenAssessment(Level("L5", "S1"), Side.LEFT, Quality(0), (), Grade(lee, Policy.FLOOR, True, "why"))


def test_a_level_is_named_by_its_two_vertebrae() -> None:
    assert Level("L4", "L5").name == str(Level("L4", "L5")) == "L4-L5"
    assert Level("L4", "L5") == Level("L4", "L5")
    assert len({Level("L4", "L5"), Level("L4", "L5"), Level("L5", "S1")}) == 2


def test_borders_come_in_sartorettis_order() -> None:
    assert "".join(Border) == "SPIA"


@pytest.mark.parametrize("letters", ["".join(c) for n in range(5) for c in combinations("SPIA", n)])
def test_findings_of_a_reader_name_the_lost_borders(letters: str) -> None:
    findings = PerineuralFindings.from_lost(letters)
    assert {border.value for border in findings.lost} == set(letters)
    assert findings.unknown == frozenset()
    assert findings.root_shape is RootShape.UNCHANGED


def test_the_order_of_the_letters_and_repeats_do_not_matter() -> None:
    assert PerineuralFindings.from_lost("ISS") == PerineuralFindings.from_lost("SI")


@pytest.mark.parametrize("letters", ["SX", "si", "1"])
def test_a_letter_that_is_no_border_is_refused(letters: str) -> None:
    with pytest.raises(ValueError, match="is not a valid Border"):
        PerineuralFindings.from_lost(letters)


def test_findings_need_all_four_borders() -> None:
    borders = {b: BorderFinding(BorderState.LOST) for b in (Border.SUPERIOR, Border.ANTERIOR)}
    with pytest.raises(ValueError, match="findings need all four borders, missing: posterior, inferior"):
        PerineuralFindings(borders, RootShape.UNCHANGED)


def test_thin_is_neither_lost_nor_unknown() -> None:
    states = dict(zip(Border, BorderState, strict=True))
    findings = PerineuralFindings({b: BorderFinding(s) for b, s in states.items()}, RootShape.CHANGED)
    assert findings.lost == {b for b, s in states.items() if s is BorderState.LOST}
    assert findings.unknown == {b for b, s in states.items() if s is BorderState.UNKNOWN}
    assert len(findings.lost) == len(findings.unknown) == 1


def test_values_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError, match="lee"):
        foramen(1).grade.lee = 3  # type: ignore[misc]


def test_a_foramen_is_gradable_when_it_has_a_grade_even_zero() -> None:
    assert [foramen(lee).gradable for lee in (0, 3, None)] == [True, True, False]
    assert foramen(0).name == "L5-S1_left"


def test_lee_grades_are_ordered_numbers() -> None:
    assert [int(grade) for grade in LeeGrade] == [0, 1, 2, 3]
    assert LeeGrade.MILD < LeeGrade.SEVERE


def test_no_caveat_is_false_and_caveats_add_up() -> None:
    assert not Quality(0)
    both = Quality.NO_DISC | Quality.RING_SEALED
    assert Quality.NO_DISC in both
    assert Quality.NO_IMAGE not in both
    assert len({flag.value for flag in Quality}) == len(Quality)


@pytest.mark.parametrize("quantity", list(Quantity))
def test_every_quantity_is_defined_with_a_unit_a_definition_and_a_source(quantity: Quantity) -> None:
    info = QUANTITIES[quantity]
    assert info.unit in UNITS
    assert len(info.definition.split()) >= 3
    assert info.source
    suffix = re.search(r"_(mm3|mm2|mm|deg)$", quantity.value)
    assert info.unit == (suffix.group(1) if suffix else "1")


def test_quantities_are_defined_in_the_order_of_the_columns_and_no_other() -> None:
    assert list(QUANTITIES) == list(Quantity)


def test_every_border_has_its_own_fat_column() -> None:
    assert set(FAT_QUANTITY) == set(Border)
    assert len(set(FAT_QUANTITY.values())) == 4
    for border, quantity in FAT_QUANTITY.items():
        assert quantity.value == f"fat_{border.name.lower()}_mm"


def test_enum_values_are_what_files_hold_lower_case_without_spaces() -> None:
    for member in chain(Side, BorderState, RootShape, Policy, Quantity):
        assert re.fullmatch(r"[a-z0-9_-]+", member.value)
