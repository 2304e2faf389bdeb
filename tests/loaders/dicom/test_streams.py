"""Heads of compressed frames: what decoders need to be right, and what of it can be wrong."""

import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from foramgrade.loaders.dicom.streams import check_stream

SYNTAXES = {
    "jpeg": JPEGLosslessSV1,
    "jpeg-ls": JPEGLSLossless,
    "jpeg-2000": JPEG2000Lossless,
    "rle": RLELossless,
}
SIZE = {"rows": 36, "columns": 40, "bits_allocated": 16}


@pytest.fixture(scope="module")
def streams(write_series, tmp_path_factory):
    """A compressed frame of 40 x 36 pixels of 16 bits in every syntax."""
    values = np.random.default_rng(1).integers(0, 2**16, (40, 36, 1)).astype(np.uint16)
    found = {}
    for name, syntax in SYNTAXES.items():
        folder = tmp_path_factory.mktemp(name)
        (path,) = write_series(folder, values, np.diag([-1.0, -1.0, 1.0, 1.0]), transfer_syntax=syntax)
        found[name] = next(pydicom.encaps.generate_frames(pydicom.dcmread(path).PixelData, number_of_frames=1))
    return found


def replaced(stream, mark, offset, value):
    """A stream with one byte changed, at an offset from a mark."""
    place = stream.index(mark) + offset
    return stream[:place] + bytes([value]) + stream[place + 1 :]


@pytest.mark.parametrize("name", SYNTAXES)
def test_good_streams_pass(name, streams):
    check_stream(streams[name], **SIZE)


@pytest.mark.parametrize("name", ["jpeg", "jpeg-ls", "jpeg-2000"])
@pytest.mark.parametrize("change", [{"rows": 35}, {"columns": 41}, {"rows": 40, "columns": 36}])
def test_another_size_is_refused(name, change, streams):
    said = SIZE | change
    with pytest.raises(
        ValueError, match=rf"the picture is 40 x 36, the header says {said['columns']} x {said['rows']}"
    ):
        check_stream(streams[name], **said)


@pytest.mark.parametrize("name", ["jpeg", "jpeg-ls", "jpeg-2000"])
def test_more_bits_than_the_cells_hold_are_refused(name, streams):
    with pytest.raises(ValueError, match="1 samples of 16 bits, the header says 1 of at most 8"):
        check_stream(streams[name], **(SIZE | {"bits_allocated": 8}))


FRAME, HUFFMAN, SCAN = b"\xff\xc3", b"\xff\xc4", b"\xff\xda"


@pytest.mark.parametrize(
    "mark, offset, value, message",
    [
        (FRAME, 4, 234, "1 samples of 234 bits"),
        (FRAME, 4, 1, "1 samples of 1 bits"),
        (FRAME, 9, 3, "3 samples of 16 bits"),
        (FRAME, 10, 2, "the scan does not fit its frame"),
        (FRAME, 1, 0x01, "a segment 0x1"),
        (FRAME, 2, 0xFF, "a segment 0xc3 of 65291 bytes"),
        (FRAME, 3, 1, "a segment 0xc3 of 1 bytes"),
        (HUFFMAN, 0, 0x72, "goes astray"),
        (HUFFMAN, 1, 0xE1, "the scan does not fit its frame or its tables"),
        (HUFFMAN, 4, 3, "the scan does not fit its frame or its tables"),
        (HUFFMAN, 5, 200, "a Huffman table that is no code"),
        (HUFFMAN, 8, 40, "a Huffman table that is no code"),
        (HUFFMAN, 21, 17, "a Huffman table that is no code"),
        (SCAN, 3, 9, "no frame of one sample before its scan"),
        (SCAN, 6, 0x20, "the scan does not fit its frame or its tables"),
        (SCAN, 7, 8, "the scan does not fit its frame or its tables"),
        (SCAN, 9, 0x0F, None),
    ],
)
def test_damaged_heads_are_refused(mark, offset, value, message, streams):
    damaged = replaced(streams["jpeg"], mark, offset, value)
    if message is None:
        check_stream(damaged, **SIZE)
        return
    with pytest.raises(ValueError, match=message):
        check_stream(damaged, **SIZE)


def test_a_shift_beyond_the_bits_is_refused(streams):
    damaged = replaced(replaced(streams["jpeg"], FRAME, 4, 12), SCAN, 9, 12)
    with pytest.raises(ValueError, match="values of 12 bits are shifted by 12"):
        check_stream(damaged, **SIZE)


def test_a_stream_may_end_anywhere_in_its_head(streams):
    head = streams["jpeg"].index(SCAN) + 10
    for length in range(2, head):
        with pytest.raises(ValueError, match=r"the stream ends|a segment"):
            check_stream(streams["jpeg"][:length], **SIZE)
