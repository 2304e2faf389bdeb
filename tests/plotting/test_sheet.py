import re
from dataclasses import replace

import pytest
from matplotlib.text import Text

from foramgrade.errors import InputError
from foramgrade.findings import Level, Quality, Side
from foramgrade.plotting import plot_study, worst_words, write_sheet
from foramgrade.plotting.panel import FOOTNOTE
from foramgrade.plotting.sheet import SHEET_DPI


def _words(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text) if text.get_visible())


def _check_layout(figure):
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts]
    crops = [(ax.get_gid(), ax.get_window_extent(renderer)) for ax in figure.axes]
    own = {text.get_text() for ax in figure.axes for text in ax.texts}
    for number, (words, box) in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0, words
        assert box.x1 <= figure.bbox.x1, words
        assert figure.bbox.y0 <= box.y0, words
        assert box.y1 <= figure.bbox.y1, words
        for other_words, other in boxes[number + 1 :] + ([] if words in own else crops):
            width = min(box.x1, other.x1) - max(box.x0, other.x0)
            height = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert width <= 2 or height <= 2, f"{words!r} meets {other_words!r}"


def _crops(figure):
    return {ax.get_gid(): ax.get_position() for ax in figure.axes}


@pytest.mark.parametrize("n_levels", range(1, 9))
def test_one_to_eight_levels(make_study, n_levels):
    figure = plot_study(make_study(n_levels), dpi=100)
    _check_layout(figure)
    assert len(figure.axes) == 2 * n_levels
    assert sum(artist.get_gid() == "badge" for artist in figure.artists) == 2 * n_levels


def test_right_is_on_the_viewers_left_and_levels_run_downwards(make_study):
    figure = plot_study(make_study(3), dpi=100)
    crops = _crops(figure)
    for level in ("T12-L1", "L1-L2", "L2-L3"):
        assert crops[f"crop {level}_right"].x1 < 0.5 < crops[f"crop {level}_left"].x0
    assert crops["crop T12-L1_right"].y0 > crops["crop L1-L2_right"].y1 > crops["crop L2-L3_right"].y1
    headings = {t.get_text(): t.get_position()[0] for t in figure.texts if t.get_text() in ("Right", "Left")}
    assert headings["Right"] < 4.5 < headings["Left"]


def test_order_of_the_sides_in_the_study_does_not_matter(make_study, tmp_path):
    study = make_study(1)
    swapped = replace(study, foramina=study.foramina[::-1])
    files = [write_sheet(s, tmp_path / f"{n}.png").read_bytes() for n, s in enumerate((study, swapped))]
    assert files[0] == files[1]


def test_cells_show_opening_and_root(make_study):
    for ax in plot_study(make_study(1), dpi=100).axes:
        assert [c.get_gid() for c in ax.collections] == ["opening", "nerve root"]


def test_head_and_foot(make_study):
    words = _words(plot_study(make_study(2), dpi=100))
    assert "Case phantom-007" in words
    assert "sequence T1 · label scheme spineps · foramgrade 0.1.0" in words
    assert FOOTNOTE in words


def test_an_unknown_sequence_is_said(make_study):
    assert "sequence unknown" in _words(plot_study(replace(make_study(1), sequence=None), dpi=100))


def test_the_worst_grade_is_framed_and_named(make_study):
    figure = plot_study(make_study(4), dpi=100)
    (worst,) = [text for text in figure.texts if text.get_gid() == "worst"]
    assert worst.get_text() == "Worst: L2-L3 left, Lee 3 (1 not gradable)"
    (frame,) = [artist for artist in figure.artists if artist.get_gid() == "worst frame"]
    assert frame.get_x() == pytest.approx(_crops(figure)["crop L2-L3_left"].x0 * figure.get_figwidth())


def _graded(make_foramen, *grades):
    sides = [(level, side) for level in ("L1", "L2", "L3", "L4") for side in Side]
    return tuple(
        make_foramen(grade, level=Level(level, "X"), side=side)
        for grade, (level, side) in zip(grades, sides, strict=False)
    )


@pytest.mark.parametrize(
    ("grades", "words"),
    [
        ((0, 2), "Worst: L1-X left, Lee 2"),
        ((2, 2), "Worst: L1-X right and L1-X left, Lee 2"),
        ((1, 1, 1, 0, 1), "Worst: L1-X right, L1-X left and 2 more, Lee 1"),
        ((0, 0, 0), "Lee 0 in all 3 graded foramina"),
        ((0,), "Lee 0"),
        ((0, None), "Lee 0 (1 not gradable)"),
        ((None, 3, None), "Worst: L1-X left, Lee 3 (2 not gradable)"),
        ((None, None), "No foramen gradable"),
    ],
)
def test_worst_in_words(make_study, make_foramen, grades, words):
    assert worst_words(replace(make_study(1), foramina=_graded(make_foramen, *grades))) == words


@pytest.mark.parametrize("grades", [(0, 0), (None, None)])
def test_without_stenosis_nothing_is_framed(make_study, make_foramen, grades):
    figure = plot_study(replace(make_study(1), foramina=_graded(make_foramen, *grades)), dpi=100)
    assert not [artist for artist in figure.artists if artist.get_gid() == "worst frame"]


def test_area_and_lost_borders_share_a_line_and_flags_are_marked(make_study, make_foramen):
    foramina = (make_foramen(2, quality=Quality.HEIGHT_LOW), make_foramen(0, side=Side.RIGHT))
    lines = [text.get_text() for text in plot_study(replace(make_study(1), foramina=foramina), dpi=100).texts]
    assert "104 mm² · lost: S P I A" in lines
    assert [line for line in lines if line.startswith("⚠")] == ["⚠ low foraminal height"]


def test_empty_cells_say_why(make_study, blank_foramen, make_foramen):
    figure = plot_study(replace(make_study(1), foramina=(make_foramen(1), blank_foramen)), dpi=100)
    _check_layout(figure)
    words = _words(figure)
    assert words.count("not assessed") == 2
    assert "no section between the pedicles" in words


def test_no_grade_without_a_caveat_gives_its_reason(make_study, make_foramen):
    foramen = make_foramen(None)
    grade = replace(foramen.grade, reason="Not gradable: policy strict gives no grade.")
    figure = plot_study(replace(make_study(1), foramina=(replace(foramen, quality=Quality(0), grade=grade),)), dpi=100)
    assert "policy strict gives no grade." in _words(figure)


def test_the_longest_texts_neither_leave_the_page_nor_meet(make_study, longest_foramen):
    ungraded = replace(longest_foramen, side=Side.LEFT, grade=replace(longest_foramen.grade, lee=None))
    reasoned = replace(ungraded, level=Level("V18", "V19"), quality=Quality.RING_SEALED)
    study = replace(
        make_study(1, case="case " * 50),
        foramina=(longest_foramen, ungraded, reasoned),
        scheme="scheme-" * 30,
        version="0.1.0.dev123456",
    )
    figure = plot_study(study, dpi=150)
    _check_layout(figure)
    assert "… (see table)" in _words(figure)


def test_a_study_without_foramina_is_refused(make_study):
    with pytest.raises(InputError, match="at least one foramen, study 'phantom-007' has none"):
        plot_study(replace(make_study(1), foramina=()))


def test_the_same_place_twice_is_refused(make_study, make_foramen):
    with pytest.raises(InputError, match=re.escape("study 'phantom-007' has 2 foramina on 1 places")):
        plot_study(replace(make_study(1), foramina=(make_foramen(0), make_foramen(1))))


def test_size_is_fixed_by_the_number_of_levels(make_study):
    sizes = [plot_study(make_study(n)).get_size_inches() for n in (1, 2, 3)]
    assert {width for width, _ in sizes} == {9.0}
    heights = [height for _, height in sizes]
    assert heights[2] - heights[1] == pytest.approx(heights[1] - heights[0])
    assert plot_study(make_study(1)).dpi == SHEET_DPI
