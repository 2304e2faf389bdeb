import pytest

from foramgrade.anatomy.foramen_names import ForamenName, understand_foramen_name
from foramgrade.findings import Level, Side

L4_L5 = Level("L4", "L5")


@pytest.mark.parametrize(
    "name, level, side",
    [
        ("L4-L5 left", L4_L5, Side.LEFT),
        ("left_foramen_L4_L5", L4_L5, Side.LEFT),
        ("L4/5 rt", L4_L5, Side.RIGHT),
        ("Neuroforamen L5-S1 R", Level("L5", "S1"), Side.RIGHT),
        ("L4L5 L", L4_L5, Side.LEFT),
        ("foramina L4-L5", L4_L5, None),
        ("Right", None, Side.RIGHT),
        ("V6-V7 right", Level("V6", "V7"), Side.RIGHT),
        ("V7-S1 left", Level("V7", "S1"), Side.LEFT),
        ("T12-L1 left", Level("T12", "L1"), Side.LEFT),
    ],
)
def test_levels_and_sides_in_many_spellings(name: str, level: Level | None, side: Side | None) -> None:
    assert understand_foramen_name(name) == ForamenName(level, side)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "foramen",
        "L5 left",
        "L4-L5 left right",
        "L3-L5 left",
        "L5-L4 left",
        "L4 left nerve root",
        "disc L4-L5",
        "V6",
    ],
)
def test_what_is_ambiguous_or_something_else_says_nothing(name: str) -> None:
    assert understand_foramen_name(name) is None
