"""What a compressed frame says of itself, checked before a decoder sees it.

Decoders are written in languages without a net: some end the whole process on a damaged head, or garble a frame whose
size differs from the header's. The head of a stream is short and its rules are few.
"""

import struct
from collections.abc import Iterator

_START, _HUFFMAN, _SCAN, _FILL = 0xD8, 0xC4, 0xDA, 0xFF
#: Marks that open a frame; the lossless one with Huffman codes; that of JPEG-LS.
_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7} - {_HUFFMAN, 0xC8, 0xCC})
_LOSSLESS = 0xC3
#: Marks that may stand between: tables, restart interval, comments, what applications add.
_OTHERS = frozenset({_HUFFMAN, 0xDB, 0xDD, 0xF8, 0xFE, *range(0xE0, 0xF0)})

#: Most bits of a value; longest Huffman code.
_MOST_BITS = 16


def check_stream(stream: bytes, *, rows: int, columns: int, bits_allocated: int) -> None:
    """Check the head of a JPEG, JPEG-LS or JPEG 2000 stream; others, as RLE, pass.

    Parameters
    ----------
    stream : bytes
        One compressed frame.
    rows, columns, bits_allocated : int
        What the DICOM header says of it.

    Raises
    ------
    ValueError
        If the head is damaged or says another size than the header.
    """
    if stream[:4] == b"\xff\x4f\xff\x51":
        said = _read_jpeg_2000(stream)
    elif stream[:2] == bytes((0xFF, _START)):
        said = _read_jpeg(stream)
    else:
        return
    if said[:2] != (rows, columns):
        msg = f"the picture is {said[1]} x {said[0]}, the header says {columns} x {rows}"
        raise ValueError(msg)
    if said[2] != 1 or not 2 <= said[3] <= min(bits_allocated, _MOST_BITS):
        msg = f"{said[2]} samples of {said[3]} bits, the header says 1 of at most {bits_allocated}"
        raise ValueError(msg)


def _read_jpeg_2000(stream: bytes) -> tuple[int, int, int, int]:
    """Rows, columns, samples and bits."""
    right, bottom, left, top = struct.unpack_from(">4I", stream, 8)
    samples, bits = struct.unpack_from(">HB", stream, 40)
    return bottom - top, right - left, samples, (bits & 0x7F) + 1


def _read_jpeg(stream: bytes) -> tuple[int, int, int, int]:
    """Rows, columns, samples and bits."""
    frame, kind, tables = b"", 0, set()
    for mark, content in _segments(stream):
        if mark == _HUFFMAN:
            tables |= _read_huffman(content, lossless=kind == _LOSSLESS)
        elif mark in _FRAMES:
            frame, kind = content, mark
        elif mark == _SCAN:
            break
    if len(frame) < 9 or len(content) != 6:  # of pictures with one sample
        msg = "no frame of one sample before its scan"
        raise ValueError(msg)
    bits, rows, columns, samples, name = struct.unpack_from(">BHHBB", frame)
    _, scanned, table, predictor, _, shift = content
    if scanned != name or (kind == _LOSSLESS and ((table >> 4) not in tables or predictor not in range(1, 8))):
        msg = "the scan does not fit its frame or its tables"
        raise ValueError(msg)
    if kind == _LOSSLESS and shift & 0xF >= bits:
        msg = f"values of {bits} bits are shifted by {shift & 0xF}"
        raise ValueError(msg)
    return rows, columns, samples, bits


def _segments(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Mark and content of the segments up to the first scan."""
    place, mark = 2, 0
    while mark != _SCAN:
        if place + 4 > len(stream) or stream[place] != _FILL:
            msg = "the stream ends, or goes astray, before its scan"
            raise ValueError(msg)
        mark = stream[place + 1]
        if mark == _FILL:
            place += 1
            continue
        size = int.from_bytes(stream[place + 2 : place + 4])
        if mark not in _FRAMES | _OTHERS | {_SCAN} or size < 2 or place + 2 + size > len(stream):
            msg = f"a segment {mark:#x} of {size} bytes"
            raise ValueError(msg)
        yield mark, stream[place + 4 : place + 2 + size]
        place += 2 + size


def _read_huffman(content: bytes, *, lossless: bool) -> set[int]:
    """Names of the tables; each must be a code at all."""
    names = set()
    while content:
        counts = content[1:17]
        codes = content[17 : 17 + sum(counts)]
        # A code of n bits takes 1 / 2^n of all bit patterns; the pattern of only ones stays free.
        taken = sum(count << (_MOST_BITS - length) for length, count in enumerate(counts, start=1))
        too_wide = lossless and max(codes, default=0) > _MOST_BITS
        if len(counts) < _MOST_BITS or len(codes) < max(sum(counts), 1) or taken >= 1 << _MOST_BITS or too_wide:
            msg = "a Huffman table that is no code"
            raise ValueError(msg)
        names.add(content[0])
        content = content[17 + len(codes) :]
    return names
