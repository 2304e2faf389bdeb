"""Pixels of placed frames: uncompressed ones straight from their place in the file, others by pydicom's decoders.

Stored values become intensities here: bits beyond the stored ones are cut off, MONOCHROME1 is turned so that bright is
high, and the rescale of each frame is applied.
"""

import struct
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels.decoders.base import get_decoder

from foramgrade.errors import InputError
from foramgrade.loaders.dicom.elements import DAMAGE
from foramgrade.loaders.dicom.frames import Frame, PixelFormat
from foramgrade.loaders.dicom.streams import check_stream
from foramgrade.loaders.sources import Source

#: Most pixels of a frame that is decompressed. Magnetic resonance and tomography stay below a quarter of this.
LARGEST_FRAME = 8192 * 8192

#: Most bytes that a byte of compressed pixels may stand for. Blank slices in JPEG-LS or JPEG 2000 reach thousands.
LARGEST_RATIO = 20_000

#: Largest slope or intercept: intensities must fit in 32-bit floating point.
LARGEST_RESCALE = 1e28

#: Decoders in the order in which they are tried. GDCM ends the whole process on some damage and comes where no other
#: free one decodes (lossless JPEG, JPEG of 12 bits); the head of what it is given is checked first.
_DECODERS = ("pydicom", "pylibjpeg", "pyjpegls", "pillow", "gdcm")

_ORDER = {
    str(pydicom.uid.ImplicitVRLittleEndian): "<",
    str(pydicom.uid.ExplicitVRLittleEndian): "<",
    str(pydicom.uid.ExplicitVRBigEndian): ">",
}


def read_pixels(frames: Sequence[Frame | None]) -> npt.NDArray[np.generic]:
    """Read the intensities of the slices of a volume.

    Parameters
    ----------
    frames : sequence of (Frame or None)
        Frame of each slice, all of one size; a missing slice stays 0.

    Returns
    -------
    (I, J, K) real array
        Intensities; i along rows, j along columns, k over the slices. Whole numbers where the rescale leaves them
        whole, else 32-bit floating point. Read-only.

    Raises
    ------
    InputError
        If pixels are missing, truncated, in colour, or cannot be decompressed.
    """
    present = [frame for frame in frames if frame is not None]
    for frame in present:
        _check_format(frame)
    header = present[0].header
    intensities = np.zeros((header.columns, header.rows, len(frames)), _dtype_of(present), order="F")
    # A file of many frames is opened once.
    places: dict[Source, list[tuple[int, Frame]]] = defaultdict(list)
    for slot, known in enumerate(frames):
        if known is not None:
            places[known.source].append((slot, known))
    for wanted in places.values():
        wanted.sort(key=lambda item: item[1].index)
        slots = [slot for slot, _ in wanted]
        for slot, (shown, stored) in zip(slots, _stored([frame for _, frame in wanted]), strict=True):
            values = _cut(stored, shown.header.pixels)
            if shown.header.pixels.photometric == "MONOCHROME1":
                values = _turned(values, shown.header.pixels)
            target = intensities[:, :, slot]
            if (shown.slope, shown.intercept) == (1.0, 0.0):
                target[...] = values.T
            else:
                target[...] = (values.astype(np.float64) * shown.slope + shown.intercept).T
    intensities.flags.writeable = False
    return intensities


def stored_type(frames: Iterable[Frame]) -> np.dtype[Any]:
    """Type of the intensities that :func:`read_pixels` gives."""
    return _dtype_of(list(frames))


def _check_format(frame: Frame) -> None:
    pixels, wrong = frame.header.pixels, ""
    if pixels.samples != 1 or pixels.photometric not in ("MONOCHROME1", "MONOCHROME2"):
        wrong = f"a colour picture ({pixels.photometric}), expected grey values"
    elif pixels.bits_allocated not in (8, 16, 32):
        wrong = f"pixels of {pixels.bits_allocated} bits, expected 8, 16 or 32"
    elif not 0 < pixels.bits_stored <= pixels.bits_allocated:
        wrong = f"{pixels.bits_stored} bits stored in cells of {pixels.bits_allocated}"
    elif frame.header.rows * frame.header.columns > LARGEST_FRAME:
        wrong = f"a picture of {frame.header.columns} x {frame.header.rows} pixels, expected no more than 8192 x 8192"
    elif frame.slope == 0:
        wrong = "a rescale of slope 0, expected another than 0"
    elif abs(frame.slope) > LARGEST_RESCALE or abs(frame.intercept) > LARGEST_RESCALE:
        wrong = f"a rescale of slope {frame.slope:g} and intercept {frame.intercept:g}, beyond any intensity"
    if wrong:
        msg = f"{frame.file} holds {wrong}"
        raise InputError(msg)


def _dtype_of(frames: Sequence[Frame]) -> np.dtype[Any]:
    """Type as stored where it holds the intensities, else the smallest that does; for fractions 32-bit floats."""
    lowest, highest, whole = 0.0, 0.0, True
    for pixels, slope, intercept in {(f.header.pixels, f.slope, f.intercept) for f in frames}:
        bits = min(max(pixels.bits_stored, 1), 64)  # a damaged header may say anything; reading refuses it
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if pixels.signed else (0, 2**bits - 1)
        ends = [low * slope + intercept, high * slope + intercept]
        lowest, highest = min(lowest, *ends), max(highest, *ends)
        whole = whole and float(slope).is_integer() and float(intercept).is_integer()
    plain = frames[0].header.pixels
    size = {8: 1, 16: 2}.get(plain.bits_allocated, 4)
    natural = f"{'i' if plain.signed else 'u'}{size}"
    for candidate in map(np.dtype, (natural, "i2", "i4", "i8") if whole else ()):
        if np.iinfo(candidate).min <= lowest and highest <= np.iinfo(candidate).max:
            return candidate
    return np.dtype(np.float32)


def _stored(frames: Sequence[Frame]) -> Iterator[tuple[Frame, npt.NDArray[np.generic]]]:
    """Stored values (rows, columns) of frames of one file, in the order of the file."""
    first = frames[0]
    order = _ORDER.get(first.header.pixels.transfer_syntax)
    if order is not None and first.pixel_offset is not None and first.pixel_bytes is not None:
        return _uncompressed(frames, order)
    return _decompressed(frames)


def _uncompressed(frames: Sequence[Frame], order: str) -> Iterator[tuple[Frame, npt.NDArray[np.generic]]]:
    pixels, header = frames[0].header.pixels, frames[0].header
    dtype = np.dtype(f"{order}{'i' if pixels.signed else 'u'}{pixels.bits_allocated // 8}")
    count = header.rows * header.columns
    size = count * dtype.itemsize
    with frames[0].source.open() as file:
        for frame in frames:
            room = (frame.pixel_bytes or 0) - frame.index * size
            file.seek((frame.pixel_offset or 0) + frame.index * size)
            content = file.read(min(size, max(room, 0)))
            if len(content) < size:
                msg = f"{frame.file} is truncated: {len(content)} of {size} bytes of pixels"
                raise InputError(msg)
            yield frame, np.frombuffer(content, dtype).reshape(header.rows, header.columns)


def _decompressed(frames: Sequence[Frame]) -> Iterator[tuple[Frame, npt.NDArray[np.generic]]]:
    first = frames[0]
    header, pixels = first.header, first.header.pixels
    options: dict[str, Any] = {
        "rows": header.rows,
        "columns": header.columns,
        "number_of_frames": first.n_frames,
        "samples_per_pixel": 1,
        "photometric_interpretation": pixels.photometric,
        "pixel_representation": int(pixels.signed),
        "bits_allocated": pixels.bits_allocated,
        "bits_stored": pixels.bits_stored,
        "pixel_keyword": "PixelData",
        "correct_unused_bits": False,  # it would cut the top even where the value sits there; see _cut
    }
    try:
        content = _pixel_content(first)
        expected = header.rows * header.columns * first.n_frames * pixels.bits_allocated // 8
        if expected > LARGEST_RATIO * max(len(content), 1):
            msg = f"{first.file} announces {expected} bytes of pixels in {len(content)} compressed ones"
            raise InputError(msg)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a UID that is none; no decoder is found for it
            decoder = get_decoder(pixels.transfer_syntax)
        at_hand = decoder.available_plugins
        plugin = next((name for name in _DECODERS if name in at_hand), "")
        if pixels.transfer_syntax == pydicom.uid.JPEGExtended12Bit and "gdcm" in at_hand:
            plugin = "gdcm"  # Pillow stops at 8 bits
        if decoder.is_encapsulated:
            _check_streams(frames, content)
        arrays = decoder.iter_array(
            content, indices=[frame.index for frame in frames], raw=True, decoding_plugin=plugin, **options
        )
        for frame in frames:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what is wrong is wrong in the result, and what is not does not matter
                array, _ = next(arrays)
            yield frame, array.reshape(header.rows, header.columns)
    except InputError:
        raise
    except (*DAMAGE, StopIteration) as error:
        name = pydicom.uid.UID(pixels.transfer_syntax, validation_mode=pydicom.config.IGNORE).name
        msg = f"the pixels of {first.file} ({name}) cannot be decompressed"
        raise InputError(msg) from error


def _check_streams(frames: Sequence[Frame], content: bytes) -> None:
    """Refuse compressed frames that are damaged at their head or of another size than the header says."""
    wanted = {frame.index: frame for frame in frames}
    streams = pydicom.encaps.generate_frames(content, number_of_frames=frames[0].n_frames)
    for index, stream in enumerate(streams):
        if index in wanted:
            header = wanted[index].header
            try:
                check_stream(
                    stream, rows=header.rows, columns=header.columns, bits_allocated=header.pixels.bits_allocated
                )
            except (ValueError, struct.error) as error:
                msg = f"the pixels of {wanted[index].file} are damaged: {error}"
                raise InputError(msg) from error


def _pixel_content(frame: Frame) -> bytes:
    """Compressed pixels as they lie in the file; of a deflated file those of its data set."""
    with frame.source.open() as file:
        if frame.pixel_offset is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of elements that are not looked at
                content: bytes = pydicom.dcmread(file, force=True, specific_tags=["PixelData"]).PixelData
                return content
        file.seek(frame.pixel_offset)
        return file.read()


def _cut(stored: npt.NDArray[Any], pixels: PixelFormat) -> npt.NDArray[Any]:
    """Values without the bits outside the stored ones, where old files keep overlays."""
    spare = pixels.bits_allocated - pixels.bits_stored
    low = pixels.high_bit + 1 - pixels.bits_stored
    if spare == 0 or not 0 <= low <= spare or stored.dtype.itemsize * 8 != pixels.bits_allocated:
        return stored
    limit = 1 << (pixels.bits_stored - pixels.signed)
    if low == 0 and stored.max() < limit and stored.min() >= (-limit if pixels.signed else 0):
        return stored
    native = stored.astype(stored.dtype.newbyteorder("="))
    return (native << (spare - low)) >> spare  # shifting a signed type down repeats its sign


def _turned(values: npt.NDArray[Any], pixels: PixelFormat) -> npt.NDArray[Any]:
    """MONOCHROME1: the lowest value is white. Turned within the range of the stored bits."""
    ends = -1 if pixels.signed else (1 << pixels.bits_stored) - 1
    return (ends - values.astype(np.int64)).astype(values.dtype.newbyteorder("="))
