"""Stored pixels become intensities: bits, signs, rescale, types, refusals (transfer syntaxes: test_storage_orders)."""

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from foramgrade.errors import InputError
from foramgrade.loaders import list_series, read_volume
from foramgrade.loaders.dicom.headers import HeaderReader
from foramgrade.loaders.dicom.pixels import read_pixels
from foramgrade.loaders.dicom.stacks import find_stacks
from foramgrade.loaders.sources import walk_sources

SHAPE = (40, 36, 4)
RNG_SEED = 11


@pytest.fixture
def affine(oblique_grid):
    """The default grid with slices in the order in which DICOM counts them: along rows x columns."""
    affine = oblique_grid.affine.copy()
    affine[:3, 3] += 8 * affine[:3, 2]
    affine[:3, 2] *= -1
    return affine


def noise(low, high, dtype):
    values = np.random.default_rng(RNG_SEED).integers(low, high, SHAPE, dtype=np.int64, endpoint=True)
    values.flat[:2] = low, high
    return values.astype(dtype)


def set_bits(allocated, stored, high):
    def edit(ds, k):
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = allocated, stored, high

    return edit


def assert_read(folder, expected, dtype):
    volume = read_volume(folder)
    assert volume.array.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(volume.array, expected)
    (info,) = list_series(folder, read_values=True)
    assert info.dtype == np.dtype(dtype).name
    assert info.value_range == (float(np.min(expected)), float(np.max(expected)))


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
def test_every_stored_type_keeps_its_extremes(dtype, affine, write_series, tmp_path):
    limits = np.iinfo(dtype)
    values = noise(limits.min, limits.max, dtype)
    write_series(tmp_path, values, affine)
    assert_read(tmp_path, values, dtype)


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless]
)
@pytest.mark.parametrize("high_bit", [11, 13, 15])
@pytest.mark.parametrize("dtype", ["u2", "i2"])
def test_values_between_overlay_bits(dtype, high_bit, syntax, affine, write_series, tmp_path):
    """12 bits anywhere in a cell of 16; the other four hold an overlay, as old scanners wrote it."""
    low, high = (0, 4095) if dtype == "u2" else (-2048, 2047)
    values = noise(low, high, dtype)
    overlay = np.random.default_rng(12).integers(0, 16, SHAPE)
    below = high_bit - 11
    cells = (values.astype(np.int64) & 0xFFF) << below
    cells |= overlay & ((1 << below) - 1)  # overlay bits below the value
    cells |= (overlay >> below << (high_bit + 1)) & 0xFFFF  # and above it
    stored = cells.astype(np.uint16).view(dtype)
    write_series(tmp_path, stored, affine, transfer_syntax=syntax, edit=set_bits(16, 12, high_bit))
    assert_read(tmp_path, values, dtype)


@pytest.mark.parametrize(
    "dtype, bits, slope, intercept, expected",
    [
        ("u2", 12, 1, -1024, "i2"),
        ("u2", 16, 1, -1024, "i4"),
        ("i2", 16, 1, -1024, "i4"),
        ("i2", 12, 2, 0, "i2"),
        ("u1", 8, 3, 0, "i2"),
        ("u1", 8, 1, 0, "u1"),
        ("u2", 12, 1.5, 0, "f4"),
        ("u2", 12, 1, 0.5, "f4"),
        ("u2", 12, 0.0023, -1.7, "f4"),
        ("i2", 16, -1, 0, "i4"),
    ],
)
def test_a_rescale_gives_whole_numbers_where_it_can(
    dtype, bits, slope, intercept, expected, affine, write_series, tmp_path
):
    limits = np.iinfo(dtype)
    span = (0, 2**bits - 1) if limits.min == 0 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    values = noise(*span, dtype)
    write_series(tmp_path, values, affine, bits_stored=bits, slope=slope, intercept=intercept)
    assert_read(tmp_path, (values.astype(float) * slope + intercept).astype(expected), expected)


def test_every_slice_has_its_own_rescale_and_type(affine, write_series, tmp_path):
    """Positron emission: the last slice has a fraction, so all are floating point."""
    values = noise(0, 4095, "u2")
    slopes = [1.0, 2.0, 5.0, 0.25]
    write_series(
        tmp_path, values, affine, modality="PT", edit=lambda ds, k: setattr(ds, "RescaleSlope", str(slopes[k]))
    )
    assert_read(tmp_path, values * np.array(slopes, dtype=np.float32), "f4")


def test_an_empty_rescale_is_none(affine, write_series, tmp_path):
    def edit(ds, k):
        ds.RescaleSlope, ds.RescaleIntercept = None, None

    values = noise(0, 4095, "u2")
    write_series(tmp_path, values, affine, edit=edit)
    assert_read(tmp_path, values, "u2")


def test_vendors_private_scales_are_not_applied(affine, write_series, tmp_path):
    """Philips stores a second scale in private elements; the public one is what everybody reads."""

    def edit(ds, k):
        ds.Manufacturer = "Philips Medical Systems"
        block = ds.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
        block.add_new(0x0E, "FL", 0.0123)

    values = noise(0, 4095, "u2")
    write_series(tmp_path, values, affine, slope=3, intercept=0, edit=edit)
    assert_read(tmp_path, values.astype(np.int32) * 3, "i4")


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_turning_comes_before_the_rescale(photometric, affine, write_series, tmp_path):
    values = noise(0, 4095, "u2")
    write_series(tmp_path, values, affine, bits_stored=12, slope=2, intercept=-10, photometric=photometric)
    shown = 4095 - values.astype(int) if photometric == "MONOCHROME1" else values.astype(int)
    assert_read(tmp_path, shown * 2 - 10, "i2")


def test_slices_of_different_encodings_are_one_volume(affine, write_series, tmp_path):
    """An archive that recompressed some of the files."""
    values = noise(0, 4095, "u2")
    syntaxes = [ExplicitVRLittleEndian, JPEGLSLossless, RLELossless, ImplicitVRLittleEndian]
    paths = write_series(tmp_path / "all", values, affine)
    for k, syntax in enumerate(syntaxes):
        (path,) = write_series(
            tmp_path / "one",
            values[..., k : k + 1],
            shifted(affine, k),
            transfer_syntax=syntax,
            bits_stored=12 if k % 2 else None,
            edit=lambda ds, _, k=k: setattr(ds, "InstanceNumber", k + 1),
        )
        path.replace(paths[k])
    assert_read(tmp_path / "all", values, "u2")


def shifted(affine, k):
    shifted = affine.copy()
    shifted[:3, 3] += k * affine[:3, 2]
    return shifted


def test_the_volume_is_read_only_and_in_the_order_of_the_file(affine, write_series, tmp_path):
    values = noise(0, 4095, "u2")
    write_series(tmp_path, values, affine)
    array = read_volume(tmp_path).array
    assert not array.flags.writeable
    assert array.flags.f_contiguous


def test_a_missing_frame_is_blank(affine, write_series, tmp_path):
    values = noise(1, 4095, "u2")
    write_series(tmp_path, values, affine, intercept=-1024, slope=1)
    reader = HeaderReader()
    (stack,) = find_stacks(frame for source in walk_sources(tmp_path) for frame in reader.read(source))
    frames = list(stack.frames)
    array = read_pixels([*frames[:2], None, *frames[2:]])
    assert not array[..., 2].any()
    np.testing.assert_array_equal(array[..., [0, 1, 3, 4]], values.astype(int) - 1024)


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless]
)
def test_frames_of_one_file_are_read_by_number(syntax, affine, write_enhanced, tmp_path):
    values = noise(0, 4095, "u2")
    order = np.random.default_rng(13)
    write_enhanced(tmp_path / "e.dcm", values, affine, transfer_syntax=syntax, shuffle=order)
    assert_read(tmp_path, values, "u2")


def test_frames_in_several_fragments(affine, write_enhanced, tmp_path):
    """Without an offset table, and each frame split: the decoder must put the pieces together."""
    values = noise(0, 4095, "u2")
    path = write_enhanced(tmp_path / "e.dcm", values, affine, transfer_syntax=JPEGLSLossless)
    ds = pydicom.dcmread(path)
    frames = list(pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=SHAPE[2]))
    ds.PixelData = pydicom.encaps.encapsulate(frames, fragments_per_frame=3, has_bot=True)
    ds.save_as(path)
    assert_read(tmp_path, values, "u2")


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("share", [0.5, 0.999])
def test_truncated_pixels_are_refused(share, syntax, affine, write_series, tmp_path):
    paths = write_series(tmp_path, noise(0, 4095, "u2"), affine, transfer_syntax=syntax)
    content = paths[2].read_bytes()
    size = SHAPE[0] * SHAPE[1] * 2
    paths[2].write_bytes(content[: len(content) - size + int(share * size)])
    with pytest.raises(InputError, match=rf"IM0003\.dcm is truncated: {int(share * size)} of {size} bytes of pixels"):
        read_volume(tmp_path)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGLosslessSV1])
def test_truncated_compressed_pixels_are_refused(syntax, affine, write_series, tmp_path):
    paths = write_series(tmp_path, noise(0, 4095, "u2"), affine, transfer_syntax=syntax)
    content = paths[2].read_bytes()
    paths[2].write_bytes(content[: len(content) - 1500])
    with pytest.raises(InputError, match=r"IM0003\.dcm"):
        read_volume(tmp_path)


@pytest.mark.parametrize("factors", [(2, 1), (1, 2), (2, 0.5)], ids=["columns", "rows", "same number"])
@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless, JPEGLosslessSV1])
def test_pixels_of_another_size_than_the_header_says_are_refused(factors, syntax, affine, write_series, tmp_path):
    """Some decoders end the process on these."""
    paths = write_series(tmp_path, noise(0, 4095, "u2"), affine, transfer_syntax=syntax)
    for path in paths:
        ds = pydicom.dcmread(path)
        ds.Columns, ds.Rows = (int(n * factor) for n, factor in zip(SHAPE[:2], factors, strict=True))
        ds.save_as(path)
    with pytest.raises(InputError, match=rf"IM0001\.dcm are damaged: .*40 x 36.* says {ds.Columns} x {ds.Rows}"):
        read_volume(tmp_path)


@pytest.mark.parametrize(
    "edit, message",
    [
        (
            lambda ds, k: setattr(ds, "PhotometricInterpretation", "PALETTE COLOR"),
            r"a colour picture \(PALETTE COLOR\)",
        ),
        (lambda ds, k: setattr(ds, "SamplesPerPixel", 3), "a colour picture, such as a screenshot"),
        (set_bits(12, 12, 11), "pixels of 12 bits, expected 8, 16 or 32"),
        (set_bits(16, 20, 19), "20 bits stored in cells of 16"),
        (lambda ds, k: setattr(ds, "RescaleSlope", "0"), "a rescale of slope 0, expected another than 0"),
    ],
)
def test_what_is_no_picture_in_grey_values_is_refused(edit, message, affine, write_series, tmp_path):
    write_series(tmp_path, noise(0, 4095, "u2"), affine, edit=edit)
    with pytest.raises(InputError, match=rf"IM000\d\.dcm.*{message}"):
        read_volume(tmp_path)


def test_a_stream_that_is_no_picture_is_refused(affine, write_series, tmp_path):
    paths = write_series(tmp_path, noise(0, 200, "u1"), affine)
    for path in paths:
        ds = pydicom.dcmread(path)
        ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
        ds.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xd9"])
        ds["PixelData"].is_undefined_length = True
        ds.save_as(path)
    with pytest.raises(InputError, match=r"the pixels of IM0001\.dcm are damaged: the stream ends"):
        read_volume(tmp_path)


def test_floating_point_pixels_are_refused(affine, write_series, tmp_path):
    paths = write_series(tmp_path, noise(0, 4095, "u2"), affine)
    for path in paths:
        ds = pydicom.dcmread(path)
        del ds.PixelData
        ds.FloatPixelData = np.zeros(SHAPE[:2], np.float32).tobytes()
        ds.save_as(path)
    with pytest.raises(InputError, match=r"IM0001\.dcm holds floating-point pixels, expected whole numbers"):
        read_volume(tmp_path)
