import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from foramgrade.plotting.files import new_figure
from foramgrade.plotting.lettering import (
    ELLIPSIS,
    MISSING_GLYPH,
    font,
    line_height_in,
    printable,
    shorten,
    text_width_in,
    wrap,
    write_block,
    write_line,
)

SENTENCE = "Fat is lost superiorly and inferiorly; the root keeps its oval shape: Lee 1, mild."


@pytest.mark.parametrize("size_pt", [6.5, 8.0, 14.0])
@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("dpi", [72, 100, 150, 160, 200])
def test_measured_width_covers_the_drawn_one(size_pt, bold, dpi):
    figure = new_figure(10, 1, dpi=dpi)
    text = write_line(figure, 0.1, 0.3, SENTENCE, size_pt=size_pt, bold=bold)
    drawn_in = text.get_window_extent(FigureCanvasAgg(figure).get_renderer()).width / dpi
    assert drawn_in <= text_width_in(SENTENCE, size_pt, bold=bold) + 1 / dpi


def test_wrap_keeps_every_word_in_order_when_there_is_room():
    lines = wrap(SENTENCE, width_in=1.3, size_pt=8, max_lines=20)
    assert " ".join(lines) == SENTENCE
    assert len(lines) > 2
    assert all(text_width_in(line, 8) <= 1.3 for line in lines)


@pytest.mark.parametrize("text", [SENTENCE * 9, "x" * 900, "word " + "y" * 400 + " end", "W" * 300 + " " + SENTENCE])
@pytest.mark.parametrize("max_lines", [1, 2, 5])
def test_wrap_says_that_text_was_left_out(text, max_lines):
    lines = wrap(text, width_in=1.6, size_pt=8, max_lines=max_lines)
    assert len(lines) == max_lines
    assert lines[-1].endswith(ELLIPSIS)
    assert all(text_width_in(line, 8) <= 1.6 for line in lines)


def test_a_text_that_just_fits_has_no_ellipsis():
    lines = wrap(SENTENCE, width_in=1.3, size_pt=8, max_lines=99)
    assert wrap(SENTENCE, width_in=1.3, size_pt=8, max_lines=len(lines)) == lines


def test_a_broken_word_loses_no_letter():
    assert "".join(wrap("z" * 123, width_in=0.7, size_pt=8, max_lines=99)) == "z" * 123


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_text_has_no_lines(text):
    assert wrap(text, width_in=1.0, size_pt=8, max_lines=3) == []


def test_shorten_keeps_what_fits_and_cuts_what_does_not():
    assert shorten("L4-L5", width_in=1.0, size_pt=8) == "L4-L5"
    short = shorten("case " * 40, width_in=1.0, size_pt=8)
    assert short.endswith("…")
    assert text_width_in(short, 8) <= 1.0


def test_unknown_characters_become_boxes_and_control_characters_spaces():
    assert printable("A\tB\nC") == "A B C"
    assert printable("椎間孔 4") == MISSING_GLYPH * 3 + " 4"


def test_the_symbols_used_on_the_pages_exist_in_the_font():
    assert MISSING_GLYPH not in printable("² ³ – − · … → ◆ ⚠ ≤")


def test_mathematics_is_not_interpreted():
    figure = new_figure(3, 1, dpi=100)
    text = write_line(figure, 0.1, 0.3, "cost $5_000$ \\frac", size_pt=8)
    assert text.get_text() == "cost $5_000$ \\frac"
    assert not text.get_parse_math()


def test_block_returns_the_height_below_its_last_line():
    figure = new_figure(3, 3, dpi=100)
    lines = wrap(SENTENCE, width_in=1.3, size_pt=8, max_lines=9)
    bottom_in = write_block(figure, 0.1, 2.5, SENTENCE, width_in=1.3, size_pt=8, max_lines=9)
    assert bottom_in == pytest.approx(2.5 - len(lines) * line_height_in(8))
    assert [text.get_text() for text in figure.texts] == lines


def test_letters_come_from_the_bundled_dejavu_files():
    assert font(8).get_file().endswith("DejaVuSans.ttf")
    assert font(8, bold=True).get_file().endswith("DejaVuSans-Bold.ttf")
