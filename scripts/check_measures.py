"""Check measures of known shapes against closed forms, ours beside those of tools that measure masks.

Usage: python scripts/check_measures.py [--placements 400] [--shape pear] [--seed 1] [--markdown]

A shape of the size of a foramen is put at random sub-pixel places on pixels of four sizes. Its binary mask holds the
pixels whose centre lies inside, its soft one the share of each pixel that does. Every cell of the table is the bias
and, in brackets, the standard deviation over the placements, both in percent of the closed form; the bias is known to
the standard deviation over the square root of the number of placements.

"ours" measures the mask as it is; "ours, on a section" first resamples it linearly to the pixels of a section and cuts
at one half, as labels are on their way to a measure. Each row is held against the closed form of what it measures: a
bounding box has the whole width, not the one across the middle, and axes of second moments are lengths of ellipses
only. The upright ellipse of 18 x 9 mm is a whole number of pixels high and wide at 0.3, 0.6 and 1 mm, so its height and
width hardly vary there; the tilted one shows what they vary by. Peers without a row for soft masks take none. Peers
that are not installed are named as such and left out; scripts/bench_geometry.py says how to install pyradiomics.
"""

import argparse
import importlib
import importlib.util
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from scipy import ndimage, special

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.geometry.measure import measure_area, measure_height, measure_width
from foramgrade.geometry.planes import SECTION_PIXEL_MM
from foramgrade.geometry.uncertainty import measure_outline

PIXELS_MM = (0.3, 0.6, 0.7, 1.0)
#: A pixel's share is counted in this many places along either axis.
FINE = 11
#: Edge of the field, mm: room for a shape of 21 mm.
FIELD_MM = 25.0
LARGEST_TILT_DEG = 30.0

AREA, PERIMETER, HEIGHT = "area", "perimeter", "height"
MIDDLE, WHOLE = "width, middle", "width, whole"
LONGEST, MAJOR, MINOR = "longest diameter", "major axis", "minor axis"
QUANTITIES = (AREA, HEIGHT, LONGEST, MAJOR, MIDDLE, WHOLE, MINOR, PERIMETER)

#: What a tool says of a mask, by quantity and the words of its row.
Readings = dict[tuple[str, str], float]


@dataclass(frozen=True)
class Shape:
    """A shape about the origin: whether points (up, forward) in mm lie inside, and the closed forms of its measures."""

    inside: Callable[[FloatArray, FloatArray], BoolArray]
    truth: Mapping[str, float]


@dataclass(frozen=True)
class Mask:
    """Shares of pixels, all 0 or 1 in a binary mask; the row, a fraction, of the middle of the shape."""

    shares: FloatArray
    pixel_mm: float
    middle: float
    soft: bool

    @property
    def binary(self) -> BoolArray:
        """The pixels that belong to the shape by more than half."""
        return self.shares > 0.5


def make_ellipse(tilt_deg: float) -> Shape:
    """Ellipse of 18 x 9 mm whose long axis leans forwards from upright."""
    a, b = 9.0, 4.5
    c, s = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))

    def inside(up: FloatArray, forward: FloatArray) -> BoolArray:
        return ((up * c + forward * s) / a) ** 2 + ((forward * c - up * s) / b) ** 2 < 1

    truth = {
        AREA: np.pi * a * b,
        PERIMETER: 4 * a * special.ellipe(1 - (b / a) ** 2),
        HEIGHT: 2 * np.hypot(a * c, b * s),
        WHOLE: 2 * np.hypot(a * s, b * c),
        MIDDLE: 2 / np.hypot(c / b, s / a),
        LONGEST: 2 * a,
        MAJOR: 2 * a,
        MINOR: 2 * b,
    }
    return Shape(inside, truth)


def make_pear() -> Shape:
    """Hull of two circles, 17.8 mm high: 4.85 mm in radius, and 2.95 mm 10 mm below."""
    large, small, apart = 4.85, 2.95, 10.0
    slope = (large - small) / apart
    tangent, angle, cosine = np.sqrt(apart**2 - (large - small) ** 2), np.arcsin(slope), np.sqrt(1 - slope**2)
    middle = (apart + large - small) / 2  # of its height, above the centre of the small circle

    def inside(up: FloatArray, forward: FloatArray) -> BoolArray:
        y, x = np.broadcast_arrays(up + middle, forward)
        between = np.abs(x) * cosine - y * slope < small
        above, below = y > apart - large * slope, y < -small * slope
        within = [x**2 + (y - apart) ** 2 < large**2, x**2 + y**2 < small**2]
        return np.select([above, below], within, between).astype(bool)

    truth = {
        AREA: tangent * (large + small) + large**2 * (np.pi / 2 + angle) + small**2 * (np.pi / 2 - angle),
        PERIMETER: 2 * tangent + large * (np.pi + 2 * angle) + small * (np.pi - 2 * angle),
        HEIGHT: apart + large + small,
        WHOLE: 2 * large,
        MIDDLE: 2 * (small + middle * slope) / cosine,
        LONGEST: apart + large + small,
    }
    return Shape(inside, truth)


def make_rectangle(height_mm: float, width_mm: float, tilt_deg: float) -> Shape:
    """Rectangle whose long side leans forwards, by less than its diagonal does."""
    c, s = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))

    def inside(up: FloatArray, forward: FloatArray) -> BoolArray:
        return (np.abs(up * c + forward * s) < height_mm / 2) & (np.abs(forward * c - up * s) < width_mm / 2)

    truth = {
        AREA: height_mm * width_mm,
        PERIMETER: 2 * (height_mm + width_mm),
        HEIGHT: height_mm * c + width_mm * s,
        WHOLE: height_mm * s + width_mm * c,
        MIDDLE: width_mm / c,
        LONGEST: float(np.hypot(height_mm, width_mm)),
    }
    return Shape(inside, truth)


#: Shapes by name; those that are tilted or turned draw their tilt with each placement. Sides of the upright rectangle,
#: height and width of the pear are no multiples of a pixel: multiples would be counted without an error at any place.
SHAPES: Mapping[str, Callable[[np.random.Generator], Shape]] = {
    "ellipse": lambda _: make_ellipse(0.0),
    "ellipse, tilted": lambda rng: make_ellipse(rng.uniform(0, LARGEST_TILT_DEG)),
    "ellipse, turned": lambda rng: make_ellipse(rng.uniform(0, 180)),
    "pear": lambda _: make_pear(),
    "rectangle": lambda _: make_rectangle(17.3, 8.8, 0.0),
    "rectangle, tilted": lambda rng: make_rectangle(18.0, 9.0, rng.uniform(0, LARGEST_TILT_DEG)),
}


def draw_masks(shape: Shape, pixel_mm: float, rng: np.random.Generator) -> tuple[Mask, Mask]:
    """Binary and soft mask of a shape at one random place."""
    count = int(np.ceil(FIELD_MM / pixel_mm))
    at = (count - 1) / 2 + rng.uniform(-0.5, 0.5, 2)

    def sample(parts: int) -> FloatArray:
        within = (np.arange(parts) + 0.5) / parts - 0.5
        places = (np.arange(count)[:, None] + within).ravel()
        up, forward = ((places - middle) * pixel_mm for middle in at)
        shares: FloatArray = (
            shape.inside(up[:, None], forward[None, :]).reshape(count, parts, count, parts).mean((1, 3))
        )
        return shares

    return Mask(sample(1), pixel_mm, at[0], soft=False), Mask(sample(FINE), pixel_mm, at[0], soft=True)


def resample(mask: Mask, rng: np.random.Generator) -> Mask:
    """The mask as a section shows it, whose pixels lie anywhere between those of the mask."""
    step = SECTION_PIXEL_MM / mask.pixel_mm
    first = rng.uniform(0, 1, 2)
    shape = tuple(int((n - 2) / step) for n in mask.shares.shape)
    shares = ndimage.affine_transform(mask.shares, [step, step], first, shape, order=1)
    return Mask((shares > 0.5).astype(float), SECTION_PIXEL_MM, (mask.middle - first[0]) / step, soft=False)


def read_ours(mask: Mask, words: str = "ours") -> Readings:
    """Our measures; the outline is that of a binary mask."""
    shares: Any = mask.shares if mask.soft else mask.binary
    width = measure_width(shares, round(mask.middle), mask.pixel_mm)
    readings = {
        (AREA, f"{words}, measure_area"): measure_area(shares, mask.pixel_mm),
        (HEIGHT, f"{words}, measure_height"): measure_height(shares, mask.pixel_mm),
        (MIDDLE, f"{words}, measure_width"): np.nan if width is None else width,
    }
    if not mask.soft:
        readings[PERIMETER, f"{words}, measure_outline"] = measure_outline(mask.binary, mask.pixel_mm)
    return readings


def read_pixel_edges(mask: Mask) -> Readings:
    """Length of the edges of the pixels of a binary mask."""
    if mask.soft:
        return {}
    edges = sum(np.count_nonzero(np.diff(mask.binary, axis=axis)) for axis in (0, 1))
    return {(PERIMETER, "numpy, edges of pixels"): edges * mask.pixel_mm}


def read_skimage(mask: Mask) -> Readings:
    """Region properties of scikit-image, and its contours by marching squares, also of soft and of smoothed masks."""
    measure = importlib.import_module("skimage.measure")
    smooth = ndimage.gaussian_filter(mask.shares, 1.0)
    readings: Readings = {}
    for words, shares in (("find_contours", mask.shares), ("find_contours, smoothed by a pixel", smooth)):
        contour = max(measure.find_contours(shares, 0.5), key=len) * mask.pixel_mm
        (y, x), (y1, x1) = contour[:-1].T, contour[1:].T
        readings[AREA, f"scikit-image {words}"] = abs(float(np.sum(y * x1 - y1 * x))) / 2
        readings[PERIMETER, f"scikit-image {words}"] = float(np.hypot(y1 - y, x1 - x).sum())
    if mask.soft:
        return readings
    (region,) = measure.regionprops(mask.binary.astype(np.uint8), spacing=(mask.pixel_mm, mask.pixel_mm))
    top, left, bottom, right = region.bbox
    return readings | {
        (AREA, "scikit-image area"): region.area,
        (HEIGHT, "scikit-image bbox"): (bottom - top) * mask.pixel_mm,
        (WHOLE, "scikit-image bbox"): (right - left) * mask.pixel_mm,
        (LONGEST, "scikit-image feret_diameter_max"): region.feret_diameter_max,
        (MAJOR, "scikit-image axis_major_length"): region.axis_major_length,
        (MINOR, "scikit-image axis_minor_length"): region.axis_minor_length,
        (PERIMETER, "scikit-image perimeter"): region.perimeter,
        (PERIMETER, "scikit-image perimeter_crofton"): region.perimeter_crofton,
    }


def _sitk_image(mask: Mask) -> Any:
    image = importlib.import_module("SimpleITK").GetImageFromArray(mask.binary.astype(np.uint8))
    image.SetSpacing((mask.pixel_mm, mask.pixel_mm))
    return image


def read_simpleitk(mask: Mask) -> Readings:
    """Shape statistics of SimpleITK."""
    if mask.soft:
        return {}
    shape = importlib.import_module("SimpleITK").LabelShapeStatisticsImageFilter()
    shape.ComputeFeretDiameterOn()
    shape.ComputeOrientedBoundingBoxOn()
    shape.Execute(_sitk_image(mask))
    _, _, columns, rows = shape.GetBoundingBox(1)
    narrow, long = sorted(shape.GetOrientedBoundingBoxSize(1))
    return {
        (AREA, "SimpleITK GetPhysicalSize"): shape.GetPhysicalSize(1),
        (HEIGHT, "SimpleITK GetBoundingBox"): rows * mask.pixel_mm,
        (WHOLE, "SimpleITK GetBoundingBox"): columns * mask.pixel_mm,
        (LONGEST, "SimpleITK GetFeretDiameter"): shape.GetFeretDiameter(1),
        (MAJOR, "SimpleITK GetOrientedBoundingBoxSize"): long,
        (MINOR, "SimpleITK GetOrientedBoundingBoxSize"): narrow,
        (PERIMETER, "SimpleITK GetPerimeter"): shape.GetPerimeter(1),
    }


def read_pyradiomics(mask: Mask) -> Readings:
    """Two-dimensional shape features of pyradiomics."""
    if mask.soft:
        return {}
    image = _sitk_image(mask)
    shape = importlib.import_module("radiomics.shape2D").RadiomicsShape2D(image, image, label=1)
    return {
        (AREA, "pyradiomics MeshSurface"): float(shape.getMeshSurfaceFeatureValue()),
        (AREA, "pyradiomics PixelSurface"): float(shape.getPixelSurfaceFeatureValue()),
        (LONGEST, "pyradiomics MaximumDiameter"): float(shape.getMaximumDiameterFeatureValue()),
        (MAJOR, "pyradiomics MajorAxisLength"): float(shape.getMajorAxisLengthFeatureValue()),
        (MINOR, "pyradiomics MinorAxisLength"): float(shape.getMinorAxisLengthFeatureValue()),
        (PERIMETER, "pyradiomics Perimeter"): float(shape.getPerimeterFeatureValue()),
    }


PEERS: Mapping[str, tuple[str, Callable[[Mask], Readings]]] = {
    "skimage": ("scikit-image", read_skimage),
    "SimpleITK": ("simpleitk", read_simpleitk),
    "radiomics": ("pyradiomics", read_pyradiomics),
}


def find_installed() -> list[str]:
    """Peers that can be imported."""
    return [module for module in PEERS if importlib.util.find_spec(module)]


def collect_errors(name: str, pixel_mm: float, *, placements: int, seed: int) -> dict[tuple[str, str, str], FloatArray]:
    """Errors in percent over the placements, by quantity, words and kind of mask; the same tilts for every pixel."""
    tilts = np.random.default_rng(seed)
    rng = np.random.default_rng([seed, round(pixel_mm * 1000)])
    tools = [read_ours, read_pixel_edges, *(PEERS[module][1] for module in find_installed())]
    errors: dict[tuple[str, str, str], list[float]] = {}
    for _ in range(placements):
        shape = SHAPES[name](tilts)
        for mask in draw_masks(shape, pixel_mm, rng):
            readings = read_ours(resample(mask, rng), "ours, on a section")
            for tool in tools:
                readings |= tool(mask)
            for (quantity, words), value in readings.items():
                if quantity in shape.truth:
                    row = (quantity, words, "soft" if mask.soft else "binary")
                    errors.setdefault(row, []).append(100 * (value / shape.truth[quantity] - 1))
    return {row: np.array(values) for row, values in errors.items()}


def rows_of(name: str, *, placements: int, seed: int) -> Iterator[list[str]]:
    """Rows of one shape: quantity, shape, tool, mask, and bias and standard deviation for every pixel size."""
    by_pixel = [collect_errors(name, pixel, placements=placements, seed=seed) for pixel in PIXELS_MM]
    for row in by_pixel[0]:
        quantity, words, kind = row
        cells = [f"{errors[row].mean():+.2f} ({errors[row].std(ddof=1):.2f})" for errors in by_pixel]
        yield [quantity, name, words, kind, *cells]


def _order(row: Sequence[str]) -> tuple[int, int, bool, str, str]:
    return QUANTITIES.index(row[0]), list(SHAPES).index(row[1]), not row[2].startswith("ours"), row[2], row[3]


def show(rows: Sequence[Sequence[str]], *, markdown: bool) -> None:
    """Print the table."""
    head = ["quantity", "shape", "tool", "mask", *(f"{pixel:g} mm" for pixel in PIXELS_MM)]
    rule = ["---"] * 4 + ["--:"] * len(PIXELS_MM)
    table = [head, rule, *rows] if markdown else [head, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            f"{cell:{'>' if right == '--:' else '<'}{w}}" for cell, right, w in zip(row, rule, widths, strict=True)
        ]
        print(f"| {' | '.join(cells)} |" if markdown else "  ".join(cells).rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--placements", type=int, default=400)
    parser.add_argument("--shape", choices=SHAPES, action="append", help="one shape; all unless given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    if given.placements < 2:
        parser.error(f"a standard deviation needs two placements or more, found {given.placements}")
    installed = find_installed()
    if "radiomics" in installed:
        importlib.import_module("radiomics").setVerbosity(60)
    names = given.shape or list(SHAPES)
    rows = [row for name in names for row in rows_of(name, placements=given.placements, seed=given.seed)]
    rows.sort(key=_order)
    blank = [""] * len(PIXELS_MM)
    rows += [["", "", package, "not installed", *blank] for m, (package, _) in PEERS.items() if m not in installed]
    packages = ("foramgrade", "numpy", "scipy", *(PEERS[module][0] for module in installed))
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    print(f"Python {platform.python_version()}, {versions}")
    print(f"{given.placements} placements, seed {given.seed}; bias % (standard deviation %) by edge of the pixels\n")
    show(rows, markdown=given.markdown)


if __name__ == "__main__":
    main()
