"""The film: pictures of the sections with outlines in their place."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from foramgrade.exports.film import MOST_SECTIONS, write_film


@pytest.fixture(scope="module")
def phantom(case):
    return case.phantom


@pytest.fixture(scope="module")
def study(case):
    return case.study


@pytest.fixture(scope="module")
def film(phantom, study, tmp_path_factory) -> dict:
    path = tmp_path_factory.mktemp("film") / "film.json"
    write_film(study, phantom.image, path)
    return json.loads(path.read_text(encoding="utf-8"))["foramina"]


def picture(one: dict, section: int) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(one["sections"][section]["jpeg"]))), float)


def test_every_foramen_with_a_section_is_filmed(film, study) -> None:
    assert set(film) == {f.name for f in study.foramina if f.evidence is not None}
    for f in study.foramina:
        if f.evidence is not None:
            assert len(film[f.name]["sections"]) == min(f.n_sections + 2, MOST_SECTIONS)


def test_the_reported_section_is_the_one_of_the_evidence(film, study) -> None:
    """The same intensities, turned so that anterior is left and superior up, but for the window and the JPEG."""
    for f in study.foramina:
        if f.evidence is None or f.evidence.image is None:
            continue
        one = film[f.name]
        shown = picture(one, one["chosen"])
        width, height = one["size"]
        assert shown.shape == (height, width)
        opening = f.evidence.opening
        middle = [int(used[0] + used[-1]) // 2 for used in (np.flatnonzero(opening.any(axis=a)) for a in (1, 0))]
        at = [
            slice(max(m - round(21.0 / f.evidence.pixel_mm), 0), m + round(21.0 / f.evidence.pixel_mm)) for m in middle
        ]
        expected = f.evidence.image[at[0], at[1]][::-1, ::-1]
        known = np.isfinite(expected)
        assert np.corrcoef(shown[known], expected[known])[0, 1] > 0.97


def test_outlines_enclose_what_they_outline(film, study) -> None:
    for f in study.foramina:
        if f.evidence is None:
            continue
        one = film[f.name]
        path = one["sections"][one["chosen"]]["opening"]
        area = 0.0
        for loop in re.findall(r"M([^Z]*)Z", path):
            x, y = np.array([pair.split() for pair in loop.split("L")], float).T
            assert x.min() >= 0
            assert x.max() <= one["size"][0]
            area += abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        # The contour of a mask cuts its corners: an eighth of a pixel each.
        outline = np.sqrt(f.evidence.opening.sum()) * 4
        assert area == pytest.approx(f.evidence.opening.sum(), abs=0.25 * outline)


def test_nothing_but_pictures_and_outlines_is_kept(phantom, study, tmp_path) -> None:
    write_film(study, phantom.image, tmp_path / "film.json")
    document = json.loads((tmp_path / "film.json").read_text(encoding="utf-8"))
    assert set(document) == {"format", "foramina"}
    assert {key for one in document["foramina"].values() for key in one} == {
        *("pixel_mm", "size", "sections", "chosen", "root", "fat")
    }
