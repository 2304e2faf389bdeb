import numpy as np
import pytest

from foramgrade.anatomy.labels import relabel
from foramgrade.anatomy.schemes import load_scheme
from foramgrade.anatomy.schemes.naming import Structure, scheme_from_names, scheme_of, understand_name
from foramgrade.errors import InputError
from foramgrade.volume import Grid, LabelMap

GRID = Grid((3, 12, 12), np.diag([4.4, 0.7, 0.6, 1.0]))


@pytest.mark.parametrize(
    "name",
    [
        *("L5", "l5", "L 5", "L5 vertebra", "Vertebra L5", "vertebra_L5", "vertebrae_L5", "VERTEBRAE-L5", "vertebraL5"),
        *("lumbar vertebra 5", "Lumbar vertebra L5", "lumbar_5", "Fifth lumbar vertebra", "5th lumbar vertebra"),
        *("Entire fifth lumbar vertebra", "Bone structure of L5", "LWK5", "LWK 5", "vertèbre L5", "vértebra L5"),
    ],
)
def test_names_of_a_vertebra(name):
    meaning = understand_name(name)
    assert (meaning.structure, meaning.vertebra, meaning.side) == (Structure.VERTEBRA, "L5", "")


@pytest.mark.parametrize(
    "name, vertebra",
    [("T12", "T12"), ("Th12", "T12"), ("Twelfth thoracic vertebra", "T12"), ("vertebrae_T13", "T13"), ("L6", "L6")],
)
def test_names_of_other_vertebrae(name, vertebra):
    assert understand_name(name).vertebra == vertebra


@pytest.mark.parametrize(
    "name, above",
    [
        *(
            (name, "L4")
            for name in ("disc_L4_L5", "L4-L5", "L4/5 disc", "L4/L5", "IVD L4-L5", "L4_5", "Disque L4\u2013L5")
        ),
        *(
            (name, "L4")
            for name in ("intervertebral_disc_L4-L5", "L4-5 intervertebral disk", "Bandscheibe L4/5", "L4L5")
        ),
        *((name, "L5") for name in ("disc_L5_S", "disc_L5_S1", "L5/S1", "L5-S", "L5-S1 Disc")),
        *(("disc_T12_L1", "T12"), ("T12/L1", "T12"), ("Th12-L1", "T12"), ("disc_L6_S", "L6"), ("L4-S1", "L4")),
    ],
)
def test_names_of_discs(name, above):
    meaning = understand_name(name)
    assert (meaning.structure, meaning.vertebra) == (Structure.DISC, above)


@pytest.mark.parametrize(
    "structure, names",
    [
        (Structure.SACRUM, ("sacrum", "S1", "vertebrae_S1", "Os sacrum", "S", "first sacral vertebra")),
        (Structure.CANAL, ("spinal_canal", "canal", "Spinal canal", "thecal sac", "dural_sac", "CSF", "spinalCanal")),
        (Structure.CORD, ("spinal_cord", "cord", "Spinal cord", "conus medullaris")),
        (Structure.BODY, ("L5 vertebral body", "vertebral_body_L5", "L5 body", "fifth lumbar vertebral body")),
        (Structure.ARCH, ("L5 arch", "posterior elements L5", "L5 posterior element")),
        (
            Structure.OTHER,
            (
                *(
                    "vertebrae_body",
                    "vertebra",
                    "L5 nerve root",
                    "rib_left_12",
                    "hip_left",
                    "coccyx",
                    "S2",
                    "background",
                ),
                *(
                    "disc L4",
                    "disc",
                    "L1-L5",
                    "L3-L5",
                    "L5-L4",
                    "L4-L5 facet",
                    "L5 lesion",
                    "Segment_1",
                    "12",
                    "",
                    "L8",
                    "L" + "9" * 5000,
                ),
                *(
                    "L5_1",
                    "vertebrae_L4_L5",
                    "lumbar spine",
                    "spinal_canal_stenosis",
                    "left right L5",
                    "sacrum L5",
                    "L45",
                ),
            ),
        ),
    ],
)
def test_names_of_other_structures(structure, names):
    assert {name: understand_name(name).structure for name in names} == dict.fromkeys(names, structure)


@pytest.mark.parametrize("scheme", ["totalspineseg", "totalsegmentator_mr"])
def test_names_that_tools_give_mean_what_their_numbers_mean(scheme):
    """From the schemes of the package, in the naming of the tool: vertebrae_L5, disc_L4_L5, disc_L5_S, sacrum."""
    known = load_scheme(scheme)
    order = {vertebra: label for label, vertebra in known.vertebrae.items()}
    names = {label: f"vertebrae_{vertebra}" for vertebra, label in order.items()}
    below = {"T12": "L1", "L1": "L2", "L2": "L3", "L3": "L4", "L4": "L5", "L5": "S"}
    discs = {label: above for label, above in known.discs.items() if above in below}
    names |= {label: f"disc_{above}_{below[above]}" for label, above in discs.items()}
    names |= dict.fromkeys(known.sacrum, "sacrum") | dict.fromkeys(known.canal, "spinal_canal")
    names |= dict.fromkeys(known.cord, "spinal_cord")
    found = scheme_from_names(names)
    assert dict(found.vertebrae) == dict(known.vertebrae)
    assert dict(found.discs) == discs
    assert (found.sacrum, found.canal, found.cord) == (known.sacrum, known.canal, known.cord)
    assert found.other == ()


def test_names_that_mean_nothing_are_other_tissue():
    found = scheme_from_names({0: "background", 1: "L5", 2: "psoas_left", 3: "vertebrae_body"})
    assert (dict(found.vertebrae), found.other) == ({1: "L5"}, (2, 3))
    assert found.instance_labels == {1, 2, 3}


def test_pieces_of_one_vertebra_are_merged():
    names = {1: "L4 left", 2: "L4 right", 3: "L5 vertebral body", 4: "L5 posterior elements", 5: "sacrum", 6: "S1"}
    found = scheme_from_names(names)
    assert dict(found.vertebrae) == {1: "L4", 2: "L4", 3: "L5", 4: "L5"}
    assert found.sacrum == (5, 6)
    array = np.zeros(GRID.shape, np.uint8)
    array[:, :4, 7:10], array[:, 4:8, 7:10], array[:, :4, 2:5], array[:, 4:8, 2:5] = 1, 2, 3, 4
    anatomic = relabel(LabelMap(array, GRID, "names", names=names), found)
    assert [(v.code, v.name) for v in anatomic.vertebrae] == [(1, "L4"), (2, "L5")]
    np.testing.assert_array_equal(anatomic.codes, np.choose(array, [0, 1, 1, 2, 2]))


def test_bodies_alone_are_no_vertebrae():
    found = scheme_from_names({1: "L4", 2: "L5 vertebral body"})
    assert (dict(found.vertebrae), found.other) == ({1: "L4"}, (2,))
    with pytest.raises(
        InputError, match=r"vertebral bodies or arches alone \(1 'L4 body', 2 'L5 body'\), expected whole"
    ):
        scheme_from_names({1: "L4 body", 2: "L5 body"})


@pytest.mark.parametrize(
    "names, message",
    [
        ({1: "L5", 2: "vertebrae_L5"}, r"the labels 1 \('L5'\) and 2 \('vertebrae_L5'\) both mean the vertebra L5"),
        ({1: "L5", 2: "L4-L5", 3: "disc_L4_L5"}, r"2 \('L4-L5'\) and 3 \('disc_L4_L5'\) both mean the disc L4"),
        (
            {1: "liver", 2: "spleen"},
            r"no label is named as a vertebra, found 1 'liver', 2 'spleen', expected names such as",
        ),
        ({}, r"no label is named as a vertebra, found no names, expected names such as 'vertebrae_L5'"),
        (dict(enumerate("abcdefghijklmn", 1)), r"12 'l', \.\.\., expected"),
    ],
)
def test_names_that_do_not_tell_are_refused(names, message):
    with pytest.raises(InputError, match=message):
        scheme_from_names(names)


def test_the_scheme_of_a_map_is_its_names_or_what_it_states():
    array = np.ones(GRID.shape, np.uint8)
    by_name = LabelMap(array, GRID, "names", names={1: "L5"})
    assert dict(scheme_of(by_name).vertebrae) == {1: "L5"}
    stated = LabelMap(array, GRID, "spider", names={1: "T12"})
    assert scheme_of(stated).vertebrae[1] == "L5", "a scheme that is stated wins over names"
