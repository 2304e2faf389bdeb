import json

import nibabel as nib
import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.findings import Sequence
from foramgrade.loaders import list_series, read_volume


@pytest.fixture
def image(tmp_path, oblique_grid):
    path = tmp_path / "sag_t2.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros(oblique_grid.shape, np.int16), oblique_grid.affine), path)
    return path


@pytest.mark.parametrize(
    "fields, weighting, fat_suppressed",
    [
        (
            {"EchoTime": 0.011, "RepetitionTime": 0.55, "ScanningSequence": "SE", "ScanOptions": "PFP"},
            Sequence.T1,
            False,
        ),
        ({"EchoTime": 0.1, "RepetitionTime": 3.5, "ScanningSequence": "SE"}, Sequence.T2, None),
        ({"EchoTime": 0.1, "RepetitionTime": 3.5, "ScanningSequence": "SE", "ScanOptions": "FS"}, Sequence.T2, True),
        (
            {"EchoTime": 0.06, "RepetitionTime": 4, "InversionTime": 0.16, "ScanningSequence": "SE_IR"},
            Sequence.STIR,
            True,
        ),
    ],
)
def test_the_sidecar_of_a_converter_tells_the_contrast(image, fields, weighting, fat_suppressed):
    image.with_name("sag_t2.json").write_text(json.dumps(fields), encoding="utf-8")
    volume = read_volume(image)
    assert (volume.sequence, volume.fat_suppressed) == (weighting, fat_suppressed)
    assert f"TE {fields['EchoTime'] * 1000:g} ms" in volume.contrast_reason
    (series,) = list_series(image)
    assert (series.weighting, series.fat_suppressed) == (weighting, fat_suppressed)


def test_the_word_of_the_user_does_not_make_fat_bright(image):
    fields = {"EchoTime": 0.06, "RepetitionTime": 4, "InversionTime": 0.16, "ScanningSequence": "SE_IR"}
    image.with_name("sag_t2.json").write_text(json.dumps(fields), encoding="utf-8")
    volume = read_volume(image, sequence=Sequence.T2)
    assert (volume.sequence, volume.fat_suppressed) == (Sequence.T2, True)


@pytest.mark.parametrize("text", ["{}", '{"labels": {"L5": 1}}', "[1]", '{"SeriesDescription": "T2"}'])
def test_json_that_is_no_sidecar_tells_nothing(image, text):
    image.with_name("sag_t2.json").write_text(text, encoding="utf-8")
    volume = read_volume(image)
    assert (volume.sequence, volume.fat_suppressed, volume.contrast_reason) == (None, None, "")


@pytest.mark.parametrize("text", ["{", '{"EchoTime": ' + "[" * 200_000])
def test_a_sidecar_that_cannot_be_read_is_refused(image, text):
    image.with_name("sag_t2.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"sag_t2\.json, beside sag_t2\.nii\.gz, cannot be read as JSON"):
        read_volume(image)


def test_numbers_of_any_size_are_left_out(image):
    """JSON's whole numbers have no largest."""
    fields = {"EchoTime": 10**400, "RepetitionTime": 4, "EchoTrainLength": -(10**400)}
    image.with_name("sag_t2.json").write_text(json.dumps(fields), encoding="utf-8")
    assert read_volume(image).contrast_reason.startswith("TR 4000 ms;")
