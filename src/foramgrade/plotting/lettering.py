"""Text that fits: measured, wrapped and shortened before it is drawn, always in DejaVu Sans.

Matplotlib neither wraps nor clips text to a box, so every sentence of unknown length passes through :func:`wrap`. The
font files are those that come with Matplotlib: the same text has the same width on every machine.
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from foramgrade.plotting.palette import INK

#: Put in place of what had to be left out.
ELLIPSIS = "\u2026 (see table)"
#: Put in place of a character that the font does not have.
MISSING_GLYPH = "\u25a1"
#: Stands between two facts on one line.
SEPARATOR = " · "
#: A text is cut between two words where this many characters at most are given up for it.
LONGEST_WHOLE_WORD = 12
#: Distance of two base lines, in multiples of the size of the font.
LEADING = 1.32
#: Small text at 72 to 200 dots per inch is drawn up to 6.5 % wider than its outlines: hinting.
_HINTING = 1.07


@lru_cache(maxsize=64)
def font(size_pt: float, *, bold: bool = False) -> FontProperties:
    """DejaVu Sans of the given size, pt, from the file that comes with Matplotlib."""
    return FontProperties(fname=_font_file("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), size=size_pt)


def _font_file(name: str) -> str:
    return str(Path(matplotlib.get_data_path(), "fonts", "ttf", name))


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(_font_file("DejaVuSans.ttf")).get_charmap())


def printable(text: str) -> str:
    r"""Put text on one line that the font can show; an unknown character becomes a box.

    Examples
    --------
    >>> printable("knee\nL4 \u6c34")
    'knee L4 □'
    """
    glyphs = _glyphs()
    return "".join(c if ord(c) in glyphs else MISSING_GLYPH for c in " ".join(text.split()))


@lru_cache(maxsize=4096)
def text_width_in(text: str, size_pt: float, *, bold: bool = False) -> float:
    """Width of one line of text, inch, with a margin for hinting."""
    width_pt, _, _ = text_to_path.get_text_width_height_descent(text, font(size_pt, bold=bold), False)
    return float(width_pt) / 72 * _HINTING


def line_height_in(size_pt: float) -> float:
    """Distance of two base lines, inch."""
    return size_pt * LEADING / 72


def _cut(text: str, width_in: float, size_pt: float, bold: bool) -> int:
    """Count the leading characters of `text` that fit the width, at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width_in(text[:middle], size_pt, bold=bold) <= width_in:
            low = middle
        else:
            high = middle - 1
    return low


def shorten(text: str, *, width_in: float, size_pt: float, bold: bool = False, ellipsis: str = "\u2026") -> str:
    """Text on one line of at most the given width, inch, cut at the end where it is longer.

    Examples
    --------
    >>> shorten("L4-L5", width_in=2.0, size_pt=8.0)
    'L4-L5'
    >>> shorten("a very long name of a study", width_in=0.8, size_pt=8.0)
    'a very long…'
    """
    text = printable(text)
    if text_width_in(text, size_pt, bold=bold) <= width_in:
        return text
    room = width_in - text_width_in(ellipsis, size_pt, bold=bold)
    n = _cut(text, room, size_pt, bold)
    space = text.rfind(" ", 0, n + 1)
    if 0 < n - space <= LONGEST_WHOLE_WORD and space > 0:
        n = space
    return text[:n].rstrip(" ,;:.") + ellipsis


def wrap(text: str, *, width_in: float, size_pt: float, max_lines: int, bold: bool = False) -> list[str]:
    """Break a text into lines of at most the given width, inch; what exceeds the lines is replaced by an ellipsis.

    Parameters
    ----------
    text : str
        Any length; words longer than a line are broken.
    width_in : float
        Width of the column, inch.
    size_pt : float
        Size of the font, pt.
    max_lines : int
        At least 1.
    bold : bool
        Weight of the font.

    Returns
    -------
    list of str
        At most `max_lines` lines; the last one ends in "… (see table)" when text was left out.

    Examples
    --------
    >>> wrap("Fat is lost at two opposing borders.", width_in=1.2, size_pt=8.0, max_lines=3)
    ['Fat is lost at two', 'opposing borders.']
    >>> wrap("Fat is lost at two opposing borders.", width_in=1.2, size_pt=8.0, max_lines=1)
    ['Fat is… (see table)']
    """
    words = printable(text).split(" ")
    lines: list[str] = []
    line = ""
    while words:
        word = words.pop(0)
        longer = f"{line} {word}" if line else word
        if text_width_in(longer, size_pt, bold=bold) <= width_in:
            line = longer
        elif line:
            lines.append(line)
            line = ""
            words.insert(0, word)
        else:
            n = _cut(word, width_in, size_pt, bold)
            lines.append(word[:n])
            words[:0] = [word[n:]] if word[n:] else []
        if len(lines) == max_lines and (words or line):
            rest = " ".join([lines[-1], line, *words])
            return [
                *lines[:-1],
                shorten(rest, width_in=width_in, size_pt=size_pt, bold=bold, ellipsis=ELLIPSIS),
            ]
    return [*lines, line] if line else lines


def write_line(
    figure: Figure,
    x_in: float,
    y_in: float,
    text: str,
    *,
    size_pt: float,
    bold: bool = False,
    color: str = INK,
    align: Literal["left", "center", "right"] = "left",
) -> Text:
    """Write one line on the figure with its base line at the given point, inch from the lower left corner."""
    return figure.text(
        x_in,
        y_in,
        printable(text),
        transform=figure.dpi_scale_trans,
        fontproperties=font(size_pt, bold=bold),
        color=color,
        ha=align,
        va="baseline",
        rotation=0,
        parse_math=False,
        usetex=False,
    )


def write_block(
    figure: Figure,
    x_in: float,
    top_in: float,
    text: str,
    *,
    width_in: float,
    size_pt: float,
    max_lines: int,
    bold: bool = False,
    color: str = INK,
) -> float:
    """Write wrapped text below `top_in` and return the height, inch from the bottom, at which the next may begin."""
    lines = wrap(text, width_in=width_in, size_pt=size_pt, max_lines=max_lines, bold=bold)
    step = line_height_in(size_pt)
    for number, line in enumerate(lines, start=1):
        write_line(figure, x_in, top_in - number * step, line, size_pt=size_pt, bold=bold, color=color)
    return top_in - len(lines) * step
