from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.text import Text

from foramgrade.findings import Grade, Policy, Quality, Quantity, Side
from foramgrade.plotting import foramen_figure, write_panel
from foramgrade.plotting.palette import BADGES
from foramgrade.plotting.panel import FOOTNOTE, PANEL_DPI, PANEL_SIZE_IN


def _words(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text) if text.get_visible())


def _boxes(figure):
    """Bounding boxes of all visible texts, with their frames, in pixels."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = []
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            box = text.get_window_extent(renderer)
            patch = text.get_bbox_patch()
            boxes.append((text.get_text(), box if patch is None else patch.get_window_extent(renderer)))
    return boxes


def _check_layout(figure):
    boxes = _boxes(figure)
    page = figure.bbox
    for words, box in boxes:
        assert page.x0 <= box.x0, words
        assert box.x1 <= page.x1, words
        assert page.y0 <= box.y0, words
        assert box.y1 <= page.y1, words
    for number, (words, box) in enumerate(boxes):
        for other_words, other in boxes[number + 1 :]:
            width = min(box.x1, other.x1) - max(box.x0, other.x0)
            height = min(box.y1, other.y1) - max(box.y0, other.y0)
            # Boxes hold room for descenders that most lines do not use: a sliver of two pixels is no collision.
            assert width <= 2 or height <= 2, f"{words!r} meets {other_words!r}"


def _without(foramen, part):
    empty = np.zeros(0)
    evidence = foramen.evidence
    variants = {
        "image": {"image": None},
        "opening": {"opening": np.zeros_like(evidence.opening), "offsets_mm": empty, "areas_mm2": empty},
        "root": {"root": None},
        "fat": {"fat": None},
        "profile": {"profile_mm": None},
        "areas": {"offsets_mm": empty, "areas_mm2": empty},
    }
    if part in variants:
        return replace(foramen, evidence=replace(evidence, **variants[part]))
    return replace(foramen, **{part: {} if part == "measurements" else None})


PARTS = ("image", "opening", "root", "fat", "profile", "areas", "findings", "measurements", "evidence")


@pytest.mark.parametrize("lee", [0, 1, 2, 3, None])
def test_texts_neither_leave_the_page_nor_meet(make_foramen, lee):
    _check_layout(foramen_figure(make_foramen(lee), case="phantom-007"))


def test_the_longest_texts_neither_leave_the_page_nor_meet(longest_foramen):
    figure = foramen_figure(longest_foramen, case="case " * 60)
    _check_layout(figure)
    words = _words(figure)
    assert "… (see table)" in words
    assert "coarse pixels" in words, "caveats are never cut"


@pytest.mark.parametrize("part", PARTS)
def test_whatever_is_missing_the_page_is_drawn(make_foramen, part):
    _check_layout(foramen_figure(_without(make_foramen(2), part), case="c"))


@pytest.mark.parametrize("part", PARTS)
def test_not_gradable_pages_are_drawn_too(make_foramen, part):
    figure = foramen_figure(_without(make_foramen(None), part), case="c")
    _check_layout(figure)
    assert "Not gradable" in _words(figure)


def test_blank_page_says_why(blank_foramen):
    figure = foramen_figure(blank_foramen)
    _check_layout(figure)
    words = _words(figure)
    assert "L5-S1 right" in words
    assert "No section to show:" in words
    assert "cut by the edge of the labels; no section between the pedicles" in words


@pytest.mark.parametrize("lee", [0, 1, 2, 3])
def test_grade_stands_large_on_its_colour(make_foramen, lee):
    figure = foramen_figure(make_foramen(lee))
    (number,) = [text for text in figure.texts if text.get_gid() == "grade"]
    (badge,) = [artist for artist in figure.artists if artist.get_gid() == "badge"]
    assert number.get_text() == str(lee)
    assert number.get_fontsize() == max(text.get_fontsize() for text in figure.findobj(Text))
    assert same_color(badge.get_facecolor(), BADGES[lee].fill)


def test_page_names_what_the_grade_rests_on(make_foramen):
    foramen = make_foramen(2, side=Side.RIGHT, quality=Quality.RING_SEALED)
    words = _words(foramen_figure(foramen, case="phantom-007"))
    for expected in (
        "L4-L5 right",
        "Case phantom-007",
        "Lee 2, moderate",
        "policy floor: Lee defines this pattern · confidence 73%",
        "Sartoretti E4 · Wildermuth 2 · RSNA Moderate",
        "root shape unchanged",
        "open ring sealed",
        "R: patient's right side",
        FOOTNOTE,
    ):
        assert expected in words


def test_numbers_stand_with_unit_and_missing_ones_as_dashes(make_foramen):
    foramen = make_foramen(0)
    words = [text.get_text() for text in foramen_figure(foramen).texts]
    for expected in ("104 mm²", "16.8 mm", "6.4 mm", "934 mm³", "−0.08", "18.6 mm²", "1.31", "18%", "83%", "1.9 mm"):
        assert expected in words
    measured = {Quantity.AREA: 104.2}
    words = [text.get_text() for text in foramen_figure(replace(foramen, measurements=measured)).texts]
    assert words.count("–") == 13


def test_a_reason_given_twice_is_written_once(make_foramen):
    foramen = make_foramen(1)
    figure = foramen_figure(replace(foramen, reasons=(foramen.grade.reason,)))
    assert _words(figure).count("Fat lost on 2 of four borders") == 1


def test_sentences_without_a_full_stop_get_one(make_foramen):
    grade = Grade(None, Policy.FLOOR, None, "Not gradable: no fat")
    words = _words(foramen_figure(replace(make_foramen(None), grade=grade, reasons=("Root not found",))))
    assert "Not gradable: no fat. Root not found." in words


def test_key_names_only_what_is_drawn(make_foramen):
    def key(figure):
        return [t.get_text() for t in figure.texts if t.get_text() in ("opening", "nerve root", "fat")]

    assert key(foramen_figure(make_foramen(0))) == ["opening", "nerve root", "fat"]
    assert key(foramen_figure(make_foramen(None))) == ["opening"]


def test_the_unmarked_section_has_no_marks(make_foramen):
    figure = foramen_figure(make_foramen(0))
    plain = figure.axes[2]
    assert len(plain.images) == 1
    assert not plain.collections
    assert not plain.lines
    assert not plain.texts


def test_size_and_resolution_are_fixed(tmp_path, make_foramen):
    figure = foramen_figure(make_foramen(0))
    assert tuple(figure.get_size_inches()) == PANEL_SIZE_IN
    assert figure.dpi == PANEL_DPI
    header = write_panel(make_foramen(0), tmp_path / "p.png").read_bytes()[16:24]
    width, height = (int.from_bytes(header[n : n + 4], "big") for n in (0, 4))
    assert (width, height) == tuple(round(edge * PANEL_DPI) for edge in PANEL_SIZE_IN)


@pytest.mark.parametrize("dpi", [72.0, 200.0])
def test_layout_holds_at_other_resolutions(longest_foramen, dpi):
    _check_layout(foramen_figure(longest_foramen, case="c", dpi=dpi))


def test_the_sections_beside_are_shown_where_they_were_sampled(make_foramen):
    foramen = make_foramen(0)
    bare = foramen_figure(foramen)
    assert [len(ax.images) for ax in bare.axes[1:4]] == [0, 1, 0]
    medial = foramen.evidence.image + 1.0
    sampled = replace(foramen, evidence=replace(foramen.evidence, beside=(medial, None)))
    shown = foramen_figure(sampled).axes[1:4]
    assert [len(ax.images) for ax in shown] == [1, 1, 0]
    np.testing.assert_array_equal(shown[0].images[0].get_array(), medial)
