import itertools
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes

from foramgrade.errors import InputError
from foramgrade.findings import Border, BorderFinding, BorderState, Quality, Side
from foramgrade.plotting.files import new_figure
from foramgrade.plotting.palette import FAT, OPENING, ROOT
from foramgrade.plotting.section import (
    CROP_MM,
    axes_mm,
    draw_section,
    find_view,
    find_window,
    plot_foramen,
)


def _texts(ax):
    return [text.get_text() for text in ax.texts]


def _gids(artists):
    return [artist.get_gid() for artist in artists]


def _on_canvas(ax, gid):
    """Centre of an artist of the Axes, pixels from the lower left corner."""
    (text,) = [t for t in ax.texts if t.get_gid() == gid]
    box = text.get_window_extent(ax.figure.canvas.get_renderer())
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2


def _lit(evidence, row, column):
    """Where a single bright spot of the section lies on the canvas, (from left, from top), as a share of its size."""
    image = np.zeros(evidence.opening.shape)
    image[row - 2 : row + 3, column - 2 : column + 3] = 1000.0
    figure = new_figure(3, 3, dpi=100)
    ax = figure.add_axes((0, 0, 1, 1))
    evidence = replace(evidence, image=image)
    draw_section(ax, evidence, find_view(evidence))
    figure.canvas.draw()
    grey = np.asarray(figure.canvas.buffer_rgba())[..., 0].astype(float)
    rows, columns = np.nonzero(grey > 200)
    return columns.mean() / grey.shape[1], rows.mean() / grey.shape[0]


def test_a_bright_spot_lies_where_a_radiologist_looks_for_it(make_foramen):
    evidence = make_foramen(0).evidence
    view = find_view(evidence)
    row, column, step = round(view.superior_px), round(view.anterior_px), 30
    middle = _lit(evidence, row, column)
    assert middle == pytest.approx((0.5, 0.5), abs=0.02)
    share = step * evidence.pixel_mm / CROP_MM
    assert _lit(evidence, row, column + step) == pytest.approx((0.5 - share, 0.5), abs=0.02), "anterior on the left"
    assert _lit(evidence, row, column - step) == pytest.approx((0.5 + share, 0.5), abs=0.02), "posterior on the right"
    assert _lit(evidence, row + step, column) == pytest.approx((0.5, 0.5 - share), abs=0.02), "superior on top"
    assert _lit(evidence, row - step, column) == pytest.approx((0.5, 0.5 + share), abs=0.02), "inferior at the bottom"


def test_draws_on_the_given_axes_and_returns_them(make_foramen):
    figure = new_figure(4, 4, dpi=80)
    ax = figure.add_axes((0, 0, 1, 1))
    assert plot_foramen(make_foramen(1), ax) is ax
    assert figure.axes == [ax]


def test_without_axes_makes_a_figure_of_its_own(make_foramen):
    ax = plot_foramen(make_foramen(1))
    assert isinstance(ax, Axes)
    assert ax.figure.axes == [ax]


def test_axes_are_millimetres_of_a_45_mm_square(make_foramen):
    ax = plot_foramen(make_foramen(1))
    assert ax.get_xlim() == (CROP_MM / 2, -CROP_MM / 2)
    assert ax.get_ylim() == (-CROP_MM / 2, CROP_MM / 2)


def test_a_tall_opening_enlarges_the_crop(make_foramen):
    evidence = make_foramen(0).evidence
    tall = np.zeros_like(evidence.opening)
    tall[10:140, 70:80] = True
    assert find_view(replace(evidence, opening=tall)).half_mm == pytest.approx(130 * evidence.pixel_mm / 2)
    assert find_view(evidence, crop_mm=36.0).half_mm == 18.0


@pytest.mark.parametrize("crop_mm", [0.0, -1.0, float("nan")])
def test_a_crop_without_extent_is_refused(make_foramen, crop_mm):
    with pytest.raises(InputError, match="edge of the crop must be a positive length in mm, found"):
        plot_foramen(make_foramen(0), crop_mm=crop_mm)


def test_three_outlines_in_their_own_colour_and_dash(make_foramen):
    ax = plot_foramen(make_foramen(1))
    assert sorted(_gids(ax.collections)) == sorted(stroke.name for stroke in (OPENING, ROOT, FAT))


@pytest.mark.parametrize("name", ["opening", "nerve root"])
def test_outlines_enclose_their_area(make_foramen, name):
    """The outline runs half-way between pixel centres: every outer corner loses an eighth of a pixel, every inner one
    gains it, and a closed staircase has four outer corners more than inner ones."""
    evidence = make_foramen(0).evidence
    mask = evidence.opening if name == "opening" else evidence.root
    (line,) = [c for c in plot_foramen(make_foramen(0)).collections if c.get_gid() == name]
    x, y = line.get_paths()[0].vertices[:-1].T
    area = 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
    assert area == pytest.approx((mask.sum() - 0.5) * evidence.pixel_mm**2, rel=1e-9)


def test_an_opening_at_the_edge_of_the_array_is_closed(make_foramen):
    evidence = make_foramen(0).evidence
    opening = np.zeros_like(evidence.opening)
    opening[:20, 60:80] = True
    edge = replace(make_foramen(0), evidence=replace(evidence, opening=opening, root=None, fat=None))
    ax = plot_foramen(edge)
    (line,) = [c for c in ax.collections if c.get_gid() == "opening"]
    vertices = line.get_paths()[0].vertices
    assert vertices[0] == pytest.approx(vertices[-1])


def test_border_labels_stand_on_their_side_of_the_root(make_foramen):
    ax = plot_foramen(make_foramen(2))
    places = {border: _on_canvas(ax, f"border {border.value}") for border in Border}
    assert places[Border.ANTERIOR][0] < places[Border.SUPERIOR][0] < places[Border.POSTERIOR][0]
    assert places[Border.INFERIOR][1] < places[Border.ANTERIOR][1] < places[Border.SUPERIOR][1]


def test_border_labels_hide_nothing_of_the_opening(make_foramen):
    foramen = make_foramen(2)
    ax = plot_foramen(foramen)
    renderer = ax.figure.canvas.get_renderer()
    anterior, superior = axes_mm(foramen.evidence, find_view(foramen.evidence))
    rows, columns = np.nonzero(foramen.evidence.opening)
    points = ax.transData.transform(np.column_stack([anterior[columns], superior[rows]]))
    for text in ax.texts:
        if text.get_gid():
            text.get_window_extent(renderer)
            box = text.get_bbox_patch().get_window_extent(renderer)
            assert not box.count_contains(points)


def test_border_labels_give_fat_and_state(make_foramen):
    words = _texts(plot_foramen(make_foramen(1)))
    assert "S  0.1 mm\nLOST\nto disc" in words
    assert "P  1.3 mm\npreserved" in words
    assert "A  1.3 mm\nthin" in words


def test_borders_can_be_left_out(make_foramen):
    ax = plot_foramen(make_foramen(1), borders=False)
    assert not any(text.get_gid() for text in ax.texts)
    assert not ax.lines


def test_four_lines_part_the_sectors_on_the_diagonals(make_foramen):
    foramen = make_foramen(0)
    ax = plot_foramen(foramen)
    lines = [line for line in ax.lines if line.get_gid() == "sector"]
    anterior, superior = axes_mm(foramen.evidence, find_view(foramen.evidence))
    rows, columns = np.nonzero(foramen.evidence.root)
    centre = anterior[columns].mean(), superior[rows].mean()
    quadrants = set()
    for line in lines:
        x, y = line.get_xdata()[1] - centre[0], line.get_ydata()[1] - centre[1]
        assert abs(x) == pytest.approx(abs(y))
        quadrants.add((x > 0, y > 0))
    assert len(lines) == len(quadrants) == 4


@pytest.mark.parametrize("side", Side)
def test_orientation_and_side_are_written(make_foramen, side):
    ax = plot_foramen(make_foramen(0, side=side))
    places = {t.get_text(): t.get_position() for t in ax.texts}
    assert places["A"][0] < 0.1 < 0.9 < places["P"][0]
    assert places["I"][1] < 0.1 < 0.9 < places["S"][1]
    assert f"{side.value[0].upper()}: patient's {side.value} side" in places


def test_scale_bar_is_ten_millimetres(make_foramen):
    ax = plot_foramen(make_foramen(0))
    (bar,) = [patch for patch in ax.patches if patch.get_gid() == "scale bar"]
    assert bar.get_width() == 10.0
    assert "10 mm" in _texts(ax)


def test_window_ignores_a_few_extreme_pixels(make_foramen):
    image = np.linspace(100, 200, 10_000).reshape(100, 100)
    image[0, :5] = 1e6
    black, white = find_window(image)
    assert 100 < black < 103
    assert 198 < white < 201


@pytest.mark.parametrize("image", [np.zeros((5, 5)), np.full((5, 5), np.nan), np.zeros((0, 5))])
def test_window_of_a_flat_or_empty_image_is_not_empty(image):
    black, white = find_window(image)
    assert black < white


def test_no_evidence_says_why(blank_foramen):
    words = " ".join(_texts(plot_foramen(blank_foramen)))
    assert words == "No section to show: no section between the pedicles"


def test_no_image_shows_the_labels_and_says_so(make_foramen):
    foramen = make_foramen(0)
    ax = plot_foramen(replace(foramen, evidence=replace(foramen.evidence, image=None)))
    assert np.array_equal(ax.images[0].get_array(), foramen.evidence.parts)
    assert "No image here" in " ".join(_texts(ax))


def test_unread_fat_says_why(make_foramen):
    words = " ".join(_texts(plot_foramen(make_foramen(None))))
    assert "Perineural fat not read: fat not bright" in words
    assert "LOST" not in words


def test_unmeasured_opening_says_why(make_foramen):
    foramen = make_foramen(None)
    empty = replace(foramen.evidence, opening=np.zeros_like(foramen.evidence.opening))
    ax = plot_foramen(replace(foramen, quality=Quality.RING_OPEN, evidence=empty))
    assert "Opening not measured: labelled ring open" in " ".join(_texts(ax))
    assert not ax.collections


def test_an_unknown_border_is_neither_lost_nor_preserved(make_foramen):
    foramen = make_foramen(0)
    borders = dict(foramen.findings.borders) | {Border.ANTERIOR: BorderFinding(BorderState.UNKNOWN)}
    ax = plot_foramen(replace(foramen, findings=replace(foramen.findings, borders=borders)))
    assert "A  ? mm\nunknown" in _texts(ax)


@pytest.mark.parametrize("missing", list(itertools.product([False, True], repeat=6)))
def test_every_combination_of_missing_parts_draws(make_foramen, missing):
    no_image, no_opening, no_root, no_fat, no_profile, no_findings = missing
    foramen = make_foramen(1)
    evidence = replace(
        foramen.evidence,
        image=None if no_image else foramen.evidence.image,
        opening=np.zeros_like(foramen.evidence.opening) if no_opening else foramen.evidence.opening,
        root=None if no_root else foramen.evidence.root,
        fat=None if no_fat else foramen.evidence.fat,
        profile_mm=None if no_profile else foramen.evidence.profile_mm,
    )
    findings = None if no_findings else foramen.findings
    figure = new_figure(2.5, 2.5, dpi=50)
    ax = plot_foramen(replace(foramen, evidence=evidence, findings=findings), figure.add_axes((0, 0, 1, 1)))
    figure.canvas.draw()
    names = {OPENING.name: not no_opening, ROOT.name: not no_root, FAT.name: not no_fat}
    assert sorted(_gids(ax.collections)) == sorted(name for name, there in names.items() if there)
    labels = [text for text in ax.texts if text.get_gid()]
    # Where no opening is known, the borders are labelled around the root.
    assert len(labels) == (0 if no_findings or (no_opening and no_root) else 4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 3)])
def test_the_smallest_sections_draw(make_foramen, shape):
    foramen = make_foramen(1)
    evidence = replace(
        foramen.evidence,
        parts=np.zeros(shape, np.uint8),
        opening=np.ones(shape, bool),
        root=np.ones(shape, bool),
        fat=np.ones(shape),
        image=np.ones(shape),
    )
    ax = plot_foramen(replace(foramen, evidence=evidence))
    ax.figure.canvas.draw()
    assert len([text for text in ax.texts if text.get_gid()]) == 4
