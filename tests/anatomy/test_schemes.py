import json

import pytest

from foramgrade.anatomy.schemes import VERTEBRA_NAMES, Subregion, load_scheme, scheme_names
from foramgrade.errors import InputError

#: Numbers of each tool for T12, L1, L5, the sacrum, and the discs T12-L1 and L5-S1, from the tools' own tables.
PUBLISHED = {
    "spineps": (19, 20, 24, (26,), 119, 124),
    "verse": (19, 20, 24, (26,), 119, 124),
    "totalspineseg": (32, 41, 45, (50,), 91, None),
    "totalsegmentator": (32, 31, 27, (25, 26), None, None),
    "totalsegmentator_mr": (7, 6, 2, (1,), None, None),
    "totalsegmentator_v3": (32, 31, 27, (25,), None, None),
    "spider": (6, 5, 1, (), 206, 201),
    "mrspineseg": (7, 6, 2, (1,), 16, 11),
}


def label_of(meaning, name):
    return next((label for label, found in meaning.items() if found == name), None)


def test_the_schemes_of_the_package():
    assert scheme_names() == tuple(sorted(PUBLISHED))


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_published_numbers(name):
    scheme = load_scheme(name)
    vertebrae = tuple(label_of(scheme.vertebrae, v) for v in ("T12", "L1", "L5"))
    last_disc = None if name == "totalspineseg" else label_of(scheme.discs, "L5")
    assert (*vertebrae, scheme.sacrum, label_of(scheme.discs, "T12"), last_disc) == PUBLISHED[name]
    assert scheme.name == name
    assert scheme.source
    assert scheme.version


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_numbers_run_with_the_spine_or_against_it(name):
    scheme = load_scheme(name)
    for meaning in (scheme.vertebrae, scheme.discs, scheme.endplates, scheme.partial):
        ordinary = {name: label for label, name in meaning.items() if name != "T13"}
        labels = [ordinary[name] for name in VERTEBRA_NAMES if name in ordinary]
        assert labels in (sorted(labels), sorted(labels, reverse=True))


def test_totalspineseg_calls_the_disc_above_the_sacrum_100():
    scheme = load_scheme("totalspineseg")
    assert (scheme.disc_above_sacrum, scheme.discs[95], scheme.discs[96]) == (100, "L4", "L5")
    assert (scheme.canal, scheme.cord) == ((2,), (1,))


def test_spineps_is_written_in_two_maps():
    scheme = load_scheme("spineps")
    assert scheme.instances
    assert scheme.vertebrae[28] == "T13"
    assert scheme.subregions[Subregion.SUPERIOR_ARTICULAR_LEFT] == (45,)
    assert scheme.subregions[Subregion.INFERIOR_ARTICULAR_RIGHT] == (48,)
    assert 61 in scheme.subregion_labels
    assert 61 not in set(scheme.vertebra_labels)


def test_totalsegmentator_knows_its_117_classes():
    for name in ("totalsegmentator", "totalsegmentator_v3"):
        scheme = load_scheme(name)
        assert scheme.instance_labels == set(range(1, 118))
        assert (scheme.vertebrae[50], scheme.cord, scheme.canal, scheme.discs) == ("C1", (79,), (), {})
    assert load_scheme("totalsegmentator_v3").vertebrae[26] == "L6"


def test_the_numbers_of_transitional_vertebrae():
    tss, verse, spineps = (load_scheme(name) for name in ("totalspineseg", "verse", "spineps"))
    assert (tss.vertebrae[46], tss.vertebrae[47], tss.discs[96], tss.discs[97]) == ("L6", "L7", "L5", "L6")
    for scheme in (verse, spineps):
        assert (scheme.vertebrae[25], scheme.vertebrae[28]) == ("L6", "T13")
        assert (scheme.discs[119], scheme.discs[128], scheme.discs[124], scheme.discs[125]) == (
            "T12",
            "T13",
            "L5",
            "L6",
        )
        assert (scheme.endplates[224], scheme.endplates[228]) == ("L5", "T13")
        assert {27, *range(29, 34)} <= set(scheme.other), "coccyx and the sacrum below S1 are known and not used"
        assert {40 - 8 + vertebra for vertebra in range(7, 21)} <= set(scheme.other), "ribs are known and not used"


def test_spider_marks_partial_vertebrae_with_100_more():
    scheme = load_scheme("spider")
    assert all(scheme.partial[100 + label] == name for label, name in scheme.vertebrae.items())


def test_a_scheme_cannot_be_changed():
    with pytest.raises(TypeError, match="does not support item assignment"):
        load_scheme("spider").vertebrae[1] = "L4"


def own(tmp_path, **changes):
    entries = {"name": "own", "vertebrae": {"1": "L4", "2": "L5"}, "sacrum": [3], "discs": {"11": "L4", "12": "L5"}}
    path = tmp_path / "own.json"
    path.write_text(json.dumps({key: value for key, value in (entries | changes).items() if value is not None}))
    return path


def test_a_users_own_scheme(tmp_path):
    scheme = load_scheme(own(tmp_path, canal=[20], subregions={"arcus": [41]}))
    assert dict(scheme.vertebra_labels) == {1: "L4", 2: "L5", 3: "S1"}
    assert scheme.instance_labels == {1, 2, 3, 11, 12, 20}
    assert scheme == load_scheme(str(own(tmp_path, canal=[20], subregions={"arcus": [41]})))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"name": None}, r"own\.json: the key 'name' is missing or empty"),
        ({"vertebrae": {}}, r"own\.json: the key 'vertebrae' is missing or empty"),
        ({"vertebra": {"1": "L4"}}, r"own\.json: unknown key 'vertebra', expected name, version, source"),
        ({"name": 7}, r"own\.json: name: found 7, expected a text"),
        ({"vertebrae": ["L4", "L5"]}, r"own\.json: vertebrae: found \['L4', 'L5'\], expected an object"),
        ({"vertebrae": {"L4": "1"}}, r"vertebrae: found 'L4', expected a label, a whole number from 1 to 65535"),
        ({"vertebrae": {"0": "L4"}}, r"vertebrae: found '0', expected a label"),
        ({"vertebrae": {"1": "L9"}}, r"vertebrae: the label 1 is named 'L9', expected a vertebra such as"),
        ({"vertebrae": {"1": 4}}, r"vertebrae: the label 1 is named 4, expected a vertebra"),
        ({"vertebrae": {"1": "L4", "2": "L4"}}, r"own\.json: vertebrae: L4 has two labels, expected one"),
        ({"sacrum": 3}, r"sacrum: found 3, expected a list of labels"),
        ({"sacrum": [True]}, r"sacrum: found True, expected a label"),
        ({"sacrum": [2]}, r"the label 2 stands in 'vertebrae' and in 'sacrum', expected one meaning"),
        ({"canal": [11]}, r"the label 11 stands in 'discs' and in 'canal'"),
        ({"discs": {"11": "L3"}}, r"discs: the label 11 belongs to L3, which has no label under 'vertebrae'"),
        ({"disc_above_sacrum": [100]}, r"disc_above_sacrum: found \[100\], expected a label"),
        ({"instances": "yes"}, r"instances: found 'yes', expected true or false"),
        ({"subregions": {"pedicle": [1]}}, r"subregions: unknown part 'pedicle', expected sacrum, arcus"),
        ({"alone": {"1": 5}}, r"alone: found 5, expected a text"),
    ],
)
def test_a_faulty_scheme_is_refused(changes, message, tmp_path):
    with pytest.raises(InputError, match=message):
        load_scheme(own(tmp_path, **changes))


def test_of_two_maps_the_canal_may_share_a_number(tmp_path):
    assert load_scheme(own(tmp_path, canal=[11], instances=True)).canal == (11,)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"{", r"own\.json is not valid JSON: .*line 1"),
        (b"\xff\xfe\x00", r"own\.json is not valid JSON"),
        (b"[1, 2]", r"own\.json holds a list, expected an object with the keys name"),
        (b'{"name": "own", "vertebrae": {"1": "L4", "1": "L5"}}', r"the key '1' stands twice in one object"),
    ],
)
def test_a_file_that_is_no_scheme_is_refused(content, message, tmp_path):
    path = tmp_path / "own.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_scheme(path)


def test_an_unknown_name_lists_the_known():
    with pytest.raises(
        InputError, match=r"unknown label scheme 'spidr', expected one of mrspineseg, spider, spineps, .*json"
    ):
        load_scheme("spidr")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"own\.json: no such file, expected a label scheme"):
        load_scheme(tmp_path / "own.json")
