import json

import nibabel as nib
import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.loaders import read_labels
from foramgrade.loaders.segmentation.nifti_extension import extension_names

NAMES = {1: "vertebrae_L5", 2: "vertebrae_L4", 202: "disc_L4_L5"}


def caret(names):
    """A label table as TotalSegmentator lays it out."""
    rows = "".join(
        f'<Label Key="{n}" Red="1.0" Green="0.5" Blue="0" Alpha="1"><![CDATA[{name}]]></Label>\n'
        for n, name in names.items()
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?> <CaretExtension>  <Date><![CDATA[2013-07-14T05:45:09]]></Date>   '
        f'<VolumeInformation Index="0">   <LabelTable>\n{rows}\n  </LabelTable>  <StudyMetaDataLinkSet>  '
        "</StudyMetaDataLinkSet>  <VolumeType><![CDATA[Label]]></VolumeType>   </VolumeInformation></CaretExtension>\n"
        "              "
    )
    return text.encode()


@pytest.fixture
def save(mask, oblique_grid, tmp_path):
    def _save(*extensions, name="m.nii.gz", kind=nib.Nifti1Image):
        image = kind(mask, oblique_grid.affine)
        for code, content in extensions:
            image.header.extensions.append(nib.nifti1.Nifti1Extension(code, content))
        nib.save(image, tmp_path / name)
        return tmp_path / name

    return _save


@pytest.mark.parametrize("code", [0, 30])
@pytest.mark.parametrize("name", ["m.nii", "m.nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_a_caret_label_table(code, name, kind, save, mask):
    path = save((code, caret({0: "background", **NAMES})), name=name, kind=kind)
    assert extension_names(path) == NAMES
    found = read_labels(path)
    np.testing.assert_array_equal(found.array, mask)
    assert (dict(found.names), found.scheme) == (NAMES, "names")
    assert (read_labels(path, scheme="spider").scheme, dict(read_labels(path, scheme="spider").names)) == (
        "spider",
        NAMES,
    )


def test_big_endian_headers(mask, oblique_grid, tmp_path):
    image = nib.Nifti1Image(mask, oblique_grid.affine, nib.Nifti1Header(endianness=">"))
    image.header.extensions.append(nib.nifti1.Nifti1Extension(30, caret(NAMES)))
    nib.save(image, tmp_path / "m.nii")
    assert nib.load(tmp_path / "m.nii").header.endianness == ">"
    assert extension_names(tmp_path / "m.nii") == NAMES


@pytest.mark.parametrize("code", [0, 6, 44])
def test_json_of_label_and_name(code, save):
    assert extension_names(save((code, json.dumps({str(n): name for n, name in NAMES.items()}).encode()))) == NAMES


@pytest.mark.parametrize(
    "extension",
    [
        (6, b"a comment"),
        (6, b"{not json"),
        (44, b'{"SpectrometerFrequency": [123.2], "ResonantNucleus": ["1H"]}'),
        (6, b'{"1": 5}'),
        (4, b"<AFNI_attributes/>"),
        (30, b"<CaretExtension></CaretExtension>"),
    ],
)
def test_extensions_of_other_content_name_nothing(extension, save):
    path = save(extension)
    assert extension_names(path) == {}
    with pytest.raises(InputError, match=r"m\.nii\.gz does not say what its labels mean: give the scheme"):
        read_labels(path)


def test_the_first_extension_that_names_labels_counts(save):
    assert extension_names(save((6, b"made by hand"), (0, caret(NAMES)), (6, b'{"1": "other"}'))) == NAMES


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE c [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b'<CaretExtension><Label Key="1">&b;</Label></CaretExtension>'
)


@pytest.mark.parametrize(
    "content, message",
    [
        (BOMB, "declares a document type or entities, expected a plain table"),
        (b'<!DOCTYPE c SYSTEM "file:///etc/passwd"><CaretExtension/>', "declares a document type"),
        (caret(NAMES)[:300], "the label table in its header is damaged"),
        (caret(NAMES).replace(b'Key="2"', b'Key="1"'), "its label table has the key '1' twice"),
        (caret(NAMES).replace(b'Key="2"', b'Key="-2"'), "has the key '-2' twice or as no label"),
        (caret(NAMES).replace(b'Key="2"', b'Key="' + b"9" * 5000 + b'"'), "has the key '9{39} twice or as no label"),
    ],
)
def test_tables_that_cannot_be_trusted_are_refused(content, message, save, caplog):
    path = save((30, content))
    with pytest.raises(InputError, match=message):
        read_labels(path)
    assert dict(read_labels(path, scheme="spider").names) == {}, "a scheme that is given needs no names"
    assert "names of labels left out" in caplog.text


def test_damaged_lengths_of_extensions_name_nothing(save):
    path = save((30, caret(NAMES)), name="m.nii")
    content = bytearray(path.read_bytes())
    for size in (-16, 0, 4, 2**30):
        content[352:356] = np.int32(size).tobytes()
        path.write_bytes(content)
        assert extension_names(path) == {}


def test_a_truncated_archive_is_refused(save):
    path = save((30, caret(NAMES)))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=r"m\.nii\.gz is damaged or truncated"):
        extension_names(path)
