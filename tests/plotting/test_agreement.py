"""Plots of agreement: what is where, and that nothing is cut off."""

import numpy as np
import pytest

from foramgrade.plotting.agreement import (
    ForestRow,
    bland_altman_figure,
    confusion_figure,
    draw_bland_altman,
    draw_confusion,
    draw_forest,
    forest_figure,
)
from foramgrade.plotting.files import new_figure, write_figure

COUNTS = np.array([[1743, 215, 47, 4], [185, 205, 101, 16], [18, 64, 127, 45], [2, 4, 46, 156]])


@pytest.fixture
def ax():
    return new_figure(4, 4, dpi=100).add_axes((0.2, 0.2, 0.7, 0.7))


def test_rows_of_a_confusion_matrix_are_the_first_reader_and_go_down(ax) -> None:
    assert draw_confusion(ax, COUNTS, list("0123"), first="truth", second="system") is ax
    cells = {text.get_gid(): text for text in ax.texts}
    assert len(cells) == 16
    assert cells["cell 1 2"].get_text() == "101\n20%"  # 101 of the 507 that the first calls 1
    assert cells["cell 0 3"].get_text() == "4\n<1%"
    assert cells["cell 1 2"].get_position() == (2, 1)
    assert ax.yaxis_inverted()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Grade by system", "Grade by truth")
    assert ax.get_yticklabels()[1].get_text() == "1\n(n=507)"


def test_text_stands_out_from_its_cell(ax) -> None:
    """Dark cells have white text, light ones dark: a difference in brightness of at least a half."""
    draw_confusion(ax, COUNTS, list("0123"), first="a", second="b")
    (image,) = ax.images
    for text in ax.texts:
        column, row = text.get_position()
        shade = image.cmap(image.norm(image.get_array()[row, column]))[:3]
        ink = tuple(int(text.get_color()[at : at + 2], 16) / 255 for at in (1, 3, 5))
        weights = (0.299, 0.587, 0.114)
        assert abs(np.dot(weights, shade) - np.dot(weights, ink)) > 0.35


def test_an_empty_row_has_no_share(ax) -> None:
    draw_confusion(ax, np.array([[5, 1], [0, 0]]), ["no", "yes"], first="a", second="b")
    assert {text.get_gid(): text.get_text() for text in ax.texts}["cell 1 0"] == "0"


def test_differences_are_second_minus_first(ax) -> None:
    first, second = np.array([100.0, 50.0]), np.array([110.0, 45.0])
    lines = [(-10.0, -12.0, -8.0), (2.5, 1.0, 4.0), (15.0, 13.0, 17.0)]
    draw_bland_altman(ax, first, second, lines=lines, names=("AB", "CD"))
    (points,) = [line for line in ax.lines if line.get_gid() == "pairs"]
    assert points.get_xdata().tolist() == [105.0, 47.5]
    assert points.get_ydata().tolist() == [10.0, -5.0]
    low, high = ax.get_ylim()
    assert low < -12
    assert high > 17
    assert ax.get_ylabel() == "CD \N{MINUS SIGN} AB, mm²"


def test_a_forest_stands_in_its_order_from_the_top(ax) -> None:
    rows = [
        ForestRow("Heading"),
        ForestRow("A", 0.8, 0.7, 0.88, "substantial"),
        ForestRow("B", 0.9),
        ForestRow("C", note="not defined"),
    ]
    assert draw_forest(ax, rows, name="kappa") is ax
    marks = {line.get_gid(): line for line in ax.lines if line.get_gid()}
    assert set(marks) == {"value 1", "value 2"}
    assert marks["value 1"].get_xdata()[0] == 0.8
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    assert ax.get_xlim()[0] <= 0.7
    assert ax.get_xlim()[1] == 1.0
    texts = [text.get_text() for text in ax.texts]
    assert "0.80 (0.70 to 0.88)  substantial" in texts
    assert "not defined" in texts


def figures():
    long = "A reader with a name that does not end before long, session 12"
    yield confusion_figure(COUNTS, list("0123"), first=long, second=long, title=f"{long} {long}")
    yield confusion_figure(COUNTS[:3, :3], ["Normal/Mild", "Moderate", "Severe"], first="a", second="b")
    rng = np.random.default_rng(1)
    first = rng.uniform(40, 160, 30)
    lines = [(-1e3, -1.2e3, -800.0), (0.0, -1.0, 1.0), (1e3, 800.0, 1.2e3)]
    yield bland_altman_figure(first, first + rng.normal(0, 500, 30), lines=lines, names=(long, long), title=long)
    yield forest_figure([ForestRow(long), ForestRow(long, -0.35, -0.6, 0.1, "almost perfect")], name="kappa")


@pytest.mark.parametrize("number", range(4))
def test_no_text_leaves_the_figure_or_meets_another(number: int) -> None:
    figure = list(figures())[number]
    figure.canvas.draw()
    renderer, box = figure.canvas.get_renderer(), figure.bbox
    texts = [
        text for text in figure.findobj(lambda a: hasattr(a, "get_text")) if text.get_text() and text.get_visible()
    ]
    boxes = [text.get_window_extent(renderer) for text in texts]
    for text, extent in zip(texts, boxes, strict=True):
        assert extent.x0 >= -1, text.get_text()
        assert extent.x1 <= box.width + 1, text.get_text()
        assert extent.y0 >= -1, text.get_text()
        assert extent.y1 <= box.height + 1, text.get_text()


def test_the_same_numbers_give_the_same_bytes(tmp_path) -> None:
    for name in ("a.png", "b.png"):
        write_figure(confusion_figure(COUNTS, list("0123"), first="a", second="b"), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
