"""The same labels in every format that users bring give the same assessment."""

import json

import numpy as np
import pandas as pd
import pytest

from foramgrade.anatomy.schemes import SACRUM_NAME, VERTEBRA_NAMES, load_scheme
from foramgrade.loaders import read_labels
from foramgrade.loaders.segmentation.names import NAMES_SCHEME
from foramgrade.phantom import ForamenSpec, LevelSpec, PhantomSpec, Protocol, make_phantom
from foramgrade.pipeline import assess

SMALL = Protocol(pixel_mm=1.0, thickness_mm=4.0, spacing_mm=4.4, n_slices=21, field_mm=(100.0, 90.0))
SPEC = PhantomSpec(
    levels=(LevelSpec(left=ForamenSpec(area_mm2=90.0, height_mm=16.0), right=ForamenSpec(area_mm2=130.0)),) * 5,
    protocol=SMALL,
    obliquity_deg=(6.0, -4.0, 7.0),
    shift_mm=(9.0, -14.0, 30.0),
)


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(SPEC, rng=np.random.default_rng(3))


@pytest.fixture(scope="module")
def names(phantom):
    """What tools would call the labels of the phantom."""
    scheme = load_scheme(phantom.labels.scheme)
    found = {label: f"vertebrae_{name}" for label, name in scheme.vertebrae.items()} | dict.fromkeys(
        scheme.sacrum, "sacrum"
    )
    for label, above in scheme.discs.items():
        below = SACRUM_NAME if above == "L5" else VERTEBRA_NAMES[VERTEBRA_NAMES.index(above) + 1]
        found[label] = f"disc_{above}_{'L1' if above == 'T12' else below}"
    found |= dict.fromkeys(scheme.canal, "spinal_canal") | dict.fromkeys(scheme.cord, "spinal_cord")
    held = np.unique(phantom.labels.array)
    return {int(label): found[label] for label in held if label}


@pytest.fixture(scope="module")
def expected(phantom):
    return assessed(phantom, phantom.labels)


def assessed(phantom, labels):
    return assess(phantom.image, labels).to_frame().drop(columns="scheme")


@pytest.fixture
def as_dicom(phantom, names, write_dicom_seg, tmp_path):
    numbers = {label: n for n, label in enumerate(names, start=1)}  # segments count from 1 without a gap
    array = np.zeros(phantom.labels.array.shape, np.uint8)
    for label, number in numbers.items():
        array[phantom.labels.array == label] = number
    called = {numbers[label]: name for label, name in names.items()}
    return write_dicom_seg(tmp_path / "labels.dcm", array, phantom.labels.grid, called)


@pytest.fixture
def as_folder(phantom, names, write, tmp_path):
    (tmp_path / "masks").mkdir()
    for label, name in names.items():
        write(
            tmp_path / "masks" / f"{name}.nii.gz",
            (phantom.labels.array == label).astype(np.uint8),
            phantom.labels.grid.affine,
        )
    return tmp_path / "masks"


@pytest.fixture
def as_slicer(phantom, names, write_slicer, tmp_path):
    entries = {}
    for n, (label, name) in enumerate(names.items()):
        entries |= {f"Segment{n}_Name": name, f"Segment{n}_LabelValue": label, f"Segment{n}_Layer": 0}
    return write_slicer(tmp_path / "labels.seg.nrrd", phantom.labels.array, phantom.labels.grid, entries)


@pytest.fixture
def as_nifti(phantom, names, write, tmp_path):
    labels = {"background": 0, **{name: label for label, name in names.items()}}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    return write(tmp_path / "labels.nii.gz", phantom.labels.array, phantom.labels.grid.affine)


def assert_same(found, expected):
    """Positions are stored in single precision (NIfTI) or as decimal texts: 1e-4 mm of some 100 mm.

    Where a root's outline passes the middle of a pixel that decides the pixel: 0.09 of some 15 mm2, and what follows.
    """
    content = [name for name in expected.columns if name.startswith(("nerve_", "fat_")) or name == "confidence"]
    geometry = [name for name in expected.columns if name not in content]
    pd.testing.assert_frame_equal(found[geometry], expected[geometry], rtol=1e-4, atol=1e-3)
    pd.testing.assert_frame_equal(found[content], expected[content], rtol=0.02, atol=0.03)


@pytest.mark.parametrize("form", ["as_dicom", "as_folder", "as_slicer", "as_nifti"])
def test_every_format_gives_the_same_assessment(form, phantom, expected, request):
    labels = read_labels(request.getfixturevalue(form), grid=phantom.labels.grid)
    assert labels.scheme == NAMES_SCHEME
    assert_same(assessed(phantom, labels), expected)


def test_dicom_without_the_grid_of_the_image_gives_the_same_assessment(as_dicom, phantom, expected):
    labels = read_labels(as_dicom)
    assert labels.grid.shape != phantom.labels.grid.shape, "the outer slices are empty and left out"
    assert_same(assessed(phantom, labels), expected)
