import pytest

from foramgrade.errors import InputError
from foramgrade.findings import Level, Side
from foramgrade.loaders.dataset import ForamenPoint, find_doubts, parse_level, read_points

HEAD = "level,side,x,y,z\n"


@pytest.mark.parametrize(
    "text, level",
    [
        ("L4-L5", ("L4", "L5")),
        (" l4/5 ", ("L4", "L5")),
        ("L4L5", ("L4", "L5")),
        ("l5_s1", ("L5", "S1")),
        ("L5 \N{EN DASH} S1", ("L5", "S1")),
        ("L5\N{EN DASH}S1", ("L5", "S1")),
        ("T12-L1", ("T12", "L1")),
        ("T13-L1", ("T13", "L1")),
        ("L6-S1", ("L6", "S1")),
        ("L4-S1", ("L4", "S1")),
        ("C7-T1", ("C7", "T1")),
        ("V6-V7", ("V6", "V7")),
        ("L4-L3", None),
        ("L4-L6", None),
        ("L4", None),
        ("L0-L1", None),
        ("L5-T1", None),
        ("L5-S2", None),
        ("V7-L1", None),
        ("disc 4", None),
        ("", None),
    ],
)
def test_levels_as_people_write_them(text, level):
    assert parse_level(text) == (level and Level(*level))


def test_real_points_are_read(shared_data):
    points = read_points(shared_data / "sct_t2_lumbar" / "points.csv")
    assert len(points) == 6
    assert points[3] == ForamenPoint(Level("L2", "L3"), Side.LEFT, (-0.2, -63.9, -442.3))
    assert {point.side for point in points} == set(Side)


def test_a_table_from_a_spreadsheet_is_read(tmp_path):
    path = tmp_path / "points.csv"
    text = '\ufeff z ,level,note,side,x,y\r\n12.5,"l4/5","seen, sure",RIGHT,20,-40\r\n\r\n 11 ,L4-L5,,left,-21,-4e1\r\n'
    path.write_bytes(text.encode())
    right, left = read_points(str(path))
    assert right == ForamenPoint(Level("L4", "L5"), Side.RIGHT, (20.0, -40.0, 12.5))
    assert left == ForamenPoint(Level("L4", "L5"), Side.LEFT, (-21.0, -40.0, 11.0))


@pytest.mark.parametrize(
    "text, message",
    [
        ("", r"p\.csv lacks the columns level, side, x, y, z: found an empty line"),
        ("level,side,x,y\nL4-L5,left,1,2\n", r"lacks the columns z: found level, side, x, y, expected commas"),
        ("level;side;x;y;z\nL4-L5;left;1;2;3\n", "found cells separated by semicolons, expected commas"),
        ("level,side,x,y,z,x\n", "names the columns x twice"),
        (HEAD, r"p\.csv holds no point: expected a row per foramen"),
        (HEAD + "L4-L5,left,1,2\n", "line 2: found 4 cells, expected 5"),
        (HEAD + "L4-L5,left,1,2,3\nL9,left,1,2,3\n", r"line 3, column level: found 'L9', expected two neighbouring"),
        (HEAD + "L4-L5,links,1,2,3\n", "line 2, column side: found 'links', expected 'left' or 'right'"),
        (HEAD + "L4-L5,left,1,,3\n", "line 2, column y: found '', expected a number"),
        (HEAD + 'L4-L5,left,"1,5",2,3\n', "line 2, column x: found '1,5', expected a number with a decimal point"),
        (HEAD + "L4-L5,left,inf,2,3\n", "found 'inf', expected a number"),
        (HEAD + "L4-L5,left,1,2,3\nl4/5,LEFT,1,2,4\n", "line 3: L4-L5 left is marked again, first in line 2"),
        (HEAD + 'L4-L5,left,"1,2,3\n', r"p\.csv is not a table of comma-separated values"),
    ],
)
def test_a_bad_table_is_refused(text, message, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_points(path)


def test_lps_points_are_refused(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(HEAD + "L4-L5,left,21,40,12\nL4-L5,right,-20,40,12\n")
    with pytest.raises(
        InputError, match=r"the left foramen of L4-L5 is marked 41\.0 mm to the right.*3D Slicer writes LPS"
    ):
        read_points(path)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"p\.csv: no such file"):
        read_points(tmp_path / "p.csv")
    with pytest.raises(InputError, match="cannot be opened: Is a directory"):
        read_points(tmp_path)
    (tmp_path / "p.csv").write_bytes("level,side,x,y,z,ä".encode("utf-16"))
    with pytest.raises(InputError, match=r"p\.csv is not text in UTF-8"):
        read_points(tmp_path / "p.csv")


def test_levels_upside_down_are_doubted():
    def point(upper, lower, z):
        return ForamenPoint(Level(upper, lower), Side.LEFT, (0.0, 0.0, z))

    assert find_doubts([point("T12", "L1", 90.0), point("L1", "L2", 50.0), point("L5", "S1", -60.0)]) == ()
    assert find_doubts([point("L5", "S1", 1.0), point("L4", "L5", 1.0)]) == (
        "the left foramen of L4-L5 is not marked above that of L5-S1: are levels swapped?",
    )
