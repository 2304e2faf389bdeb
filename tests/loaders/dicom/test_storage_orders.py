"""However a scanner stores a volume, every voxel is found at its place in the patient."""

import tempfile
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.orientations import apply_orientation, inv_ornt_aff
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from scipy.spatial.transform import Rotation

from foramgrade.loaders import read_volume

#: 6 orders of the axes times 8 combinations of their directions.
STORAGE_ORDERS = [
    np.array(list(zip(axes, flips, strict=True)))
    for axes in permutations(range(3))
    for flips in product((1, -1), repeat=3)
]
TRANSFER_SYNTAXES = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big-endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg-lossless": JPEGLosslessSV1,
    "jpeg-ls": JPEGLSLossless,
    "jpeg-2000": JPEG2000Lossless,
}
#: Numbers of at most 16 characters, as DICOM stores positions, leave errors far below this.
PLACE_TOLERANCE_MM = 1e-3

SHAPE = (7, 9, 5)
NUMBERS = (np.arange(np.prod(SHAPE)) * 37 % 4096).reshape(SHAPE).astype(np.uint16)
SPACING_MM = (0.6, 0.7, 4.4)

repeatable = settings(derandomize=True, deadline=None, database=None)
angles = st.floats(-180, 180, allow_nan=False)
places = st.floats(-400, 400, allow_nan=False)
seeds = st.integers(0, 2**32 - 1)


def storage_name(order):
    return "".join(f"{'-' if flip < 0 else '+'}{int(axis)}" for axis, flip in order)


def oblique(turns_deg, origin_mm):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("zxy", turns_deg, degrees=True).as_matrix() * SPACING_MM
    affine[:3, 3] = origin_mm
    return affine


def assert_voxels_in_place(volume, values, affine):
    """Every value of `values` (placed by `affine`) is the volume's voxel at the same place, and there are no others."""
    index = np.rint(np.linalg.solve(volume.grid.affine, affine))
    np.testing.assert_allclose(volume.grid.affine @ index, affine, rtol=0, atol=PLACE_TOLERANCE_MM / max(values.shape))
    ijk = np.indices(values.shape).reshape(3, -1)
    there = (index[:3, :3] @ ijk + index[:3, 3:]).astype(int)
    assert volume.array.size == values.size
    assert there.min() >= 0
    np.testing.assert_array_equal(volume.array[tuple(there)], values.reshape(-1))


@pytest.mark.parametrize("order", STORAGE_ORDERS, ids=storage_name)
@settings(repeatable, max_examples=3)
@given(turns_deg=st.tuples(angles, angles, angles), origin_mm=st.tuples(places, places, places), seed=seeds)
def test_every_storage_order_classic_and_enhanced(order, turns_deg, origin_mm, seed, write_series, write_enhanced):
    values, affine = NUMBERS, oblique(turns_deg, origin_mm)
    stored = apply_orientation(values, order)
    placed = affine @ inv_ornt_aff(order, values.shape)
    with tempfile.TemporaryDirectory() as folder:
        write_series(Path(folder) / "classic", stored, placed, shuffle=np.random.default_rng(seed))
        write_enhanced(
            Path(folder) / "enhanced.dcm", stored, placed, shuffle=np.random.default_rng(seed), shared=seed % 2 == 0
        )
        classic = read_volume(Path(folder) / "classic")
        enhanced = read_volume(Path(folder) / "enhanced.dcm")

    assert_voxels_in_place(classic, values, affine)
    assert_voxels_in_place(enhanced, values, affine)
    assert classic.grid.matches(enhanced.grid, PLACE_TOLERANCE_MM)
    np.testing.assert_array_equal(classic.array, enhanced.array)


@settings(repeatable, max_examples=15)
@given(seed=seeds)
def test_file_names_and_instance_numbers_do_not_matter(seed, oblique_grid, write_series):
    values = np.arange(np.prod(oblique_grid.shape), dtype=np.int16).reshape(oblique_grid.shape)
    with tempfile.TemporaryDirectory() as folder:
        write_series(Path(folder) / "ordered", values, oblique_grid.affine)
        write_series(Path(folder) / "shuffled", values, oblique_grid.affine, shuffle=np.random.default_rng(seed))
        ordered, shuffled = (read_volume(Path(folder) / name) for name in ("ordered", "shuffled"))
    np.testing.assert_array_equal(ordered.array, shuffled.array)
    np.testing.assert_array_equal(ordered.grid.affine, shuffled.grid.affine)
    assert_voxels_in_place(shuffled, values, oblique_grid.affine)


@pytest.mark.parametrize(
    ("dtype", "bits"),
    [(np.uint8, 8), (np.uint16, 12), (np.uint16, 16), (np.int16, 12), (np.int16, 16)],
    ids=["u8", "u12", "u16", "s12", "s16"],
)
@pytest.mark.parametrize("syntax", TRANSFER_SYNTAXES)
def test_every_lossless_transfer_syntax(syntax, dtype, bits, write_series, write_enhanced, tmp_path):
    low = -(2 ** (bits - 1)) if np.issubdtype(dtype, np.signedinteger) else 0
    values = np.random.default_rng(bits).integers(low, low + 2**bits, (34, 41, 3)).astype(dtype)
    values[0, 0], values[-1, -1] = low, low + 2**bits - 1
    affine = oblique((7, -11, 4), (38, 61, 47))
    options = {"transfer_syntax": TRANSFER_SYNTAXES[syntax], "bits_stored": bits}
    write_series(tmp_path / "classic", values, affine, **options)
    write_enhanced(tmp_path / "enhanced.dcm", values, affine, **options)

    assert_voxels_in_place(read_volume(tmp_path / "classic"), values, affine)
    assert_voxels_in_place(read_volume(tmp_path / "enhanced.dcm"), values, affine)


@pytest.mark.parametrize("syntax", ["implicit", "explicit", "big-endian", "deflated", "rle"])
def test_an_odd_number_of_bytes_is_padded(syntax, write_series, write_enhanced, tmp_path):
    values = (NUMBERS % 256).astype(np.uint8)
    affine = oblique((7, -11, 4), (38, 61, 47))
    write_series(tmp_path / "classic", values, affine, transfer_syntax=TRANSFER_SYNTAXES[syntax])
    write_enhanced(tmp_path / "enhanced.dcm", values, affine, transfer_syntax=TRANSFER_SYNTAXES[syntax])

    assert_voxels_in_place(read_volume(tmp_path / "classic"), values, affine)
    assert_voxels_in_place(read_volume(tmp_path / "enhanced.dcm"), values, affine)


@pytest.mark.parametrize("unused", ["zero", "ones", "extended"])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_bits_above_the_stored_ones_do_not_count(dtype, unused, write_series, tmp_path):
    low = -2048 if dtype is np.int16 else 0
    values = (NUMBERS.astype(int) + low).astype(dtype)
    affine = oblique((7, -11, 4), (38, 61, 47))
    write_series(tmp_path, values, affine, bits_stored=12, unused=unused)
    assert_voxels_in_place(read_volume(tmp_path), values, affine)


@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (2, 0), (0.5, 3.25), (None, -7), (1.7e-3, None), (-1, 0)])
@pytest.mark.parametrize("kind", ["classic", "enhanced"])
def test_rescale_gives_real_values(kind, slope, intercept, write_series, write_enhanced, tmp_path):
    affine = oblique((7, -11, 4), (38, 61, 47))
    writer, path = (write_series, tmp_path) if kind == "classic" else (write_enhanced, tmp_path / "enhanced.dcm")
    writer(path, NUMBERS, affine, slope=slope, intercept=intercept)
    expected = NUMBERS * float(1 if slope is None else slope) + (intercept or 0)
    volume = read_volume(path)
    if np.issubdtype(volume.array.dtype, np.floating):
        expected = expected.astype(np.float32)
    assert_voxels_in_place(volume, expected, affine)


def test_every_slice_has_its_own_rescale(write_series, tmp_path):
    affine = oblique((7, -11, 4), (38, 61, 47))

    def rescale(dataset, k):
        dataset.RescaleSlope, dataset.RescaleIntercept = k + 1, -10 * k

    write_series(tmp_path, NUMBERS, affine, edit=rescale)
    expected = NUMBERS * np.arange(1.0, SHAPE[2] + 1) - 10 * np.arange(SHAPE[2])
    assert_voxels_in_place(read_volume(tmp_path), expected, affine)


@pytest.mark.parametrize(("dtype", "bits"), [(np.uint16, 12), (np.uint16, 16), (np.int16, 12)])
def test_monochrome1_is_turned_so_that_bright_is_high(dtype, bits, write_series, tmp_path):
    low = -(2 ** (bits - 1)) if dtype is np.int16 else 0
    values = (NUMBERS.astype(int) + low).astype(dtype)
    affine = oblique((7, -11, 4), (38, 61, 47))
    write_series(tmp_path, values, affine, bits_stored=bits, photometric="MONOCHROME1")
    highest = low + 2**bits - 1
    assert_voxels_in_place(read_volume(tmp_path), low + highest - values.astype(int), affine)
