"""Damaged files of every kind but DICOM: what they hold, or a refusal that says something, and nothing else.

DICOM has tests of its own in loaders/dicom/test_fuzz.py; ``scripts/fuzz_formats.py`` looks further.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .fuzzed_files import KINDS, good, pieces_of, read

repeatable = settings(derandomize=True, deadline=None, database=None, max_examples=60)


#: How much of a file is damaged, bytes: headers are short, and what is in the rest counts too.
REACHES = st.sampled_from([100, 400, 10_000])


@dataclass(frozen=True)
class Known:
    """A kind, and a good file of it, which is too long to be printed with a failing example."""

    name: str
    content: bytes = field(repr=False)


@pytest.fixture(scope="module", params=KINDS)
def known(request: pytest.FixtureRequest) -> Known:
    with tempfile.TemporaryDirectory() as folder:
        return Known(request.param, good(KINDS[request.param], Path(folder)))


def offence(name: str, content: bytes) -> str:
    """What is wrong with a refusal: one that says nothing or names a folder; empty for a good one or none."""
    with tempfile.TemporaryDirectory() as folder:
        answer = read(KINDS[name], content, Path(folder))
    is_sentence = not isinstance(answer, str) or (len(answer) > 10 and folder not in answer)
    return "" if is_sentence else f"refused with {answer!r}"


def test_the_good_files_are_good(known: Known, tmp_path: Path) -> None:
    name, content = known.name, known.content
    assert not isinstance(read(KINDS[name], content, tmp_path), str)


@repeatable
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_may_end_anywhere(known: Known, share: float) -> None:
    name, content = known.name, known.content
    assert not offence(name, content[: int(share * len(content))])


@repeatable
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6), reach=REACHES)
def test_bytes_may_be_anything(known: Known, changes: list[tuple[float, int]], reach: int) -> None:
    name, content = known.name, known.content
    damaged = bytearray(content)
    for share, value in changes:
        damaged[int(share * (min(len(damaged), reach) - 1))] = value
    assert not offence(name, bytes(damaged))


@repeatable
@given(data=st.data(), start=st.floats(0, 1), length=st.integers(0, 60), reach=REACHES)
def test_a_piece_may_stand_anywhere(known: Known, data: st.DataObject, start: float, length: int, reach: int) -> None:
    name, content = known.name, known.content
    at = int(start * min(len(content), reach))
    piece = data.draw(st.sampled_from(pieces_of(name)) | st.binary(max_size=30))
    assert not offence(name, content[:at] + piece + content[at + length :])


@repeatable
@given(order=st.lists(st.integers(0, 30), max_size=40))
def test_lines_may_stand_in_any_order(known: Known, order: list[int]) -> None:
    name, content = known.name, known.content
    lines = content.split(b"\n")
    assert not offence(name, b"\n".join(lines[n % len(lines)] for n in order))
