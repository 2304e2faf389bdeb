import json

import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.loaders import read_labels
from foramgrade.loaders.segmentation.names import FORAMINA_FORMAT, FORAMINA_SCHEME, find_names, find_table

NAMES = {1: "L5", 2: "L4", 202: "L4-L5"}


@pytest.fixture
def dataset(tmp_path):
    """Root of a BIDS data set."""
    (tmp_path / "dataset_description.json").write_text("{}")
    (tmp_path / "sub-01" / "ses-a" / "anat").mkdir(parents=True)
    return tmp_path


def table(path, names, columns="index\tname\tcolor\tmapping"):
    path.write_text("\n".join([columns, *(f"{n}\t{name}\t#ff0000\t99" for n, name in names.items())]) + "\n")
    return path


@pytest.mark.parametrize(
    "labels",
    [
        {"0": "background", "1": "L5", "2": "L4", "202": "L4-L5"},
        {"background": 0, "L5": 1, "L4": 2, "L4-L5": 202},
        {"background": 0, "L5": "1", "L4": 2, "L4-L5": 202},
    ],
    ids=["v1", "v2", "v2 with a text"],
)
@pytest.mark.parametrize("below", [".", "labelsTr", "imagesTs/predictions"])
def test_names_of_nnunet(labels, below, mask, oblique_grid, write, tmp_path):
    (tmp_path / "dataset.json").write_text(json.dumps({"channel_names": {"0": "MR"}, "labels": labels}))
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    found = read_labels(write(tmp_path / below / "case_01.mha", mask, oblique_grid.affine))
    assert (dict(found.names), found.scheme) == (NAMES, "names")
    np.testing.assert_array_equal(found.array, mask)


def test_a_dataset_three_folders_above_is_another_one(mask, oblique_grid, write, tmp_path):
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"L5": 1}}))
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    with pytest.raises(InputError, match="does not say what its labels mean: give the scheme, the tool whose numbers"):
        read_labels(write(tmp_path / "a" / "b" / "c" / "m.nii", mask, oblique_grid.affine))


def test_a_dataset_json_of_another_tool_names_nothing(tmp_path):
    for content in ("[1, 2]", '{"name": "mine"}', '{"labels": ["L5"]}', '{"labels": {}}'):
        (tmp_path / "dataset.json").write_text(content)
        assert find_names(tmp_path / "m.mha") == {}


@pytest.mark.parametrize(
    "content, message",
    [
        ('{"labels": {"background": 0, "spine": [1, 2], "L5": 2}}', r"'spine' is a region of several labels \[1, 2\]"),
        ('{"labels": {"L5": 1, "L4": 1}}', r"the label 1 has two names, 'L5' and 'L4'"),
        ('{"labels": {"L5": true}}', r"'L5' has the label True, expected a whole number"),
        ('{"labels": {"L5": 1.5}}', r"'L5' has the label 1\.5, expected a whole number from 0 to 65535"),
        ('{"labels": {"L5": -1}}', r"'L5' has the label -1, expected a whole number"),
        ('{"labels": {', r"dataset\.json cannot be read as JSON"),
        ('{"labels": ' + "[" * 200_000, r"dataset\.json cannot be read as JSON"),
        ('{"labels": {"' + "9" * 5000 + '": "L5"}}', r"'L5' has the label '9{39}, expected a whole number"),
    ],
)
def test_descriptions_that_cannot_be_used_are_refused(content, message, mask, oblique_grid, write, tmp_path, caplog):
    (tmp_path / "dataset.json").write_text(content)
    path = write(tmp_path / "m.mha", mask, oblique_grid.affine)
    with pytest.raises(InputError, match=message):
        read_labels(path)
    assert dict(read_labels(path, scheme="spider").names) == {}, "a scheme that is given needs no names"
    assert "names of labels left out: dataset.json" in caplog.text


def test_text_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "dataset.json").write_bytes('{"labels": {"Rückenmark": 1}}'.encode("latin-1"))
    with pytest.raises(InputError, match=r"dataset\.json cannot be read as JSON: it is not text in UTF-8"):
        find_names(tmp_path / "m.mha")


def test_a_bids_table_beside_the_file(mask, oblique_grid, write, tmp_path):
    table(tmp_path / "sub-01_space-T2w_dseg.tsv", {0: "background", **NAMES, 7: "n/a"})
    found = read_labels(write(tmp_path / "sub-01_space-T2w_dseg.nii.gz", mask, oblique_grid.affine))
    assert dict(found.names) == NAMES


@pytest.mark.parametrize(
    "where, file",
    [
        (".", "dseg.tsv"),
        (".", "space-T2w_dseg.tsv"),
        ("sub-01", "sub-01_dseg.tsv"),
        ("sub-01/ses-a", "sub-01_ses-a_space-T2w_dseg.tsv"),
        ("sub-01/ses-a/anat", "sub-01_ses-a_space-T2w_desc-hand_dseg.tsv"),
    ],
)
def test_tables_are_inherited_from_above(where, file, dataset):
    expected = table(dataset / where / file, NAMES)
    path = dataset / "sub-01" / "ses-a" / "anat" / "sub-01_ses-a_space-T2w_desc-hand_dseg.nii.gz"
    path.touch()
    assert find_table(path) == expected
    assert find_table(path.with_name("sub-01_ses-a_space-T2w_desc-hand_probseg.nii.gz")) is None


def test_the_nearest_table_with_most_entities_counts(dataset):
    anat = dataset / "sub-01" / "ses-a" / "anat"
    path = anat / "sub-01_ses-a_space-T2w_dseg.nii.gz"
    root = table(dataset / "dseg.tsv", NAMES)
    assert find_table(path) == root
    table(anat / "sub-01_ses-a_space-T1w_dseg.tsv", NAMES)  # of another space: does not apply
    assert find_table(path) == root
    less = table(anat / "sub-01_dseg.tsv", NAMES)
    assert find_table(path) == less
    more = table(anat / "sub-01_ses-a_dseg.tsv", NAMES)
    assert find_table(path) == more
    table(anat / "ses-a_space-T2w_dseg.tsv", NAMES)
    with pytest.raises(InputError, match=r"ses-a_space-T2w_dseg\.tsv and sub-01_ses-a_dseg\.tsv both name its labels"):
        find_table(path)


def test_nothing_is_inherited_from_beyond_the_root(dataset):
    table(dataset / "dseg.tsv", NAMES)
    derivative = dataset / "derivatives" / "masks"
    derivative.mkdir(parents=True)
    (derivative / "dataset_description.json").write_text("{}")
    assert find_table(derivative / "sub-01_dseg.nii.gz") is None


def test_without_a_data_set_only_the_own_folder_counts(tmp_path):
    table(tmp_path / "dseg.tsv", NAMES)
    (tmp_path / "masks").mkdir()
    assert find_table(tmp_path / "masks" / "sub-01_dseg.nii.gz") is None
    assert find_table(tmp_path / "sub-01_dseg.nii.gz") == tmp_path / "dseg.tsv"


def test_a_table_goes_before_a_dataset_json(tmp_path):
    (tmp_path / "dataset.json").write_text('{"labels": {"T12": 1}}')
    assert find_names(tmp_path / "sub-01_dseg.mha") == {1: "T12"}
    table(tmp_path / "sub-01_dseg.tsv", NAMES)
    assert find_names(tmp_path / "sub-01_dseg.mha") == NAMES


@pytest.mark.parametrize(
    "content, message",
    [
        ("label\tname\n1\tL5\n", r"sub-01_dseg\.tsv: found the columns label, name, expected index and name"),
        ("", r"found the columns none, expected index and name"),
        ("index,name\n1,L5\n", r"found the columns index,name, expected index and name between tabs"),
        ("index\tname\none\tL5\n", r"'L5' has the label 'one', expected a whole number"),
        ("index\tname\n1\tL5\n1\tL4\n", r"the label 1 has two names, 'L5' and 'L4'"),
        ("index\tname\n1.0\tL5\n", r"'L5' has the label '1\.0', expected a whole number"),
        ("index\tname\n" + "9" * 5000 + "\tL5\n", r"'L5' has the label '9{39}, expected a whole number"),
        ("index\tname\n\tL5\n", r"'L5' has the label '', expected a whole number"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(content, message, tmp_path):
    (tmp_path / "sub-01_dseg.tsv").write_text(content)
    with pytest.raises(InputError, match=message):
        find_names(tmp_path / "sub-01_dseg.nrrd")


def test_tables_as_spreadsheets_save_them(tmp_path):
    (tmp_path / "sub-01_dseg.tsv").write_bytes("\ufeffIndex\tName\tabbreviation\r\n1\tL5\tL\r\n\r\n2\tL4\r\n".encode())
    assert find_names(tmp_path / "sub-01_dseg.nrrd") == {1: "L5", 2: "L4"}


def entry(index, side, structure):
    return {"index": index, "level": "L4-L5", "side": side, "structure": structure}


def test_foramina_of_this_package_are_named_by_level_and_side(oblique_grid, mask, write, tmp_path):
    path = write(tmp_path / "case1_foramina.nii.gz", (mask > 0) * np.uint8(11), oblique_grid.affine)
    labels = [entry(11, "left", "opening"), entry(12, "left", "root"), entry(21, "right", "opening")]
    side_file = tmp_path / "case1_foramina.json"
    side_file.write_text(json.dumps({"format": FORAMINA_FORMAT, "labels": labels}))
    read = read_labels(path, scheme=FORAMINA_SCHEME)
    assert dict(read.names) == {11: "L4-L5 left", 12: "L4-L5 left", 21: "L4-L5 right"}
    assert read.scheme == FORAMINA_SCHEME
    side_file.write_text(json.dumps({"format": FORAMINA_FORMAT, "labels": "none"}))
    with pytest.raises(InputError, match=r"case1_foramina\.json lists no labels"):
        find_names(path)
    side_file.write_text(json.dumps({"Manufacturer": "another file"}))
    assert find_names(path) == {}


def test_a_folder_of_drawn_foramina_keeps_its_names(oblique_grid, mask, write, tmp_path):
    write(tmp_path / "L4-L5_left.nii.gz", (mask == 1).astype(np.uint8), oblique_grid.affine)
    read = read_labels(tmp_path, scheme=FORAMINA_SCHEME)
    assert (dict(read.names), read.scheme) == ({1: "L4-L5_left"}, FORAMINA_SCHEME)
