"""Accuracy of direct measures of known shapes, beside scikit-image, SimpleITK and pyradiomics, in a table.

Usage: python scripts/check_measures.py [--placements 200] [--seed 1] [--markdown]

An ellipse of 18 x 9 mm tilted by up to 30 degrees, a pear and a rectangle are drawn at random places between pixels,
as binary and as soft masks (partial volume), and measured. The truth is a closed form. A cell is the bias and, in
brackets, the standard deviation over the placements, per cent of the truth. A peer that is not installed says so.
"""

import argparse
import importlib
import importlib.util
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foramgrade.geometry.measure import measure_area, measure_height, measure_width
from foramgrade.geometry.uncertainty import measure_outline

FloatArray = npt.NDArray[np.float64]
PIXELS_MM = (0.3, 0.6, 0.7, 1.0)
FINE = 12  # samples per pixel and axis of a soft mask
HALF_MM = 14.0


@dataclass(frozen=True)
class Shape:
    """A shape with its closed forms; x forward, y upward, mm. Height and width are those of the untilted shape."""

    name: str
    holds: Callable[[FloatArray, FloatArray], npt.NDArray[np.bool_]]
    area: float
    outline: float
    height: float
    width: float
    tilt_deg: float


def _ellipse(x: FloatArray, y: FloatArray) -> npt.NDArray[np.bool_]:
    return (x / 4.5) ** 2 + (y / 9.0) ** 2 < 1


def _pear(x: FloatArray, y: FloatArray) -> npt.NDArray[np.bool_]:
    circle = x**2 + (y - 4.0) ** 2 < 25
    return circle | ((y > -6.0) & (y < 1.5) & (np.abs(x) < (y + 6.0) * math.tan(math.pi / 6)))


def _rectangle(x: FloatArray, y: FloatArray) -> npt.NDArray[np.bool_]:
    return (np.abs(x) < 4.0) & (np.abs(y) < 8.0)


RAMANUJAN = math.pi * (3 * 13.5 - math.sqrt((3 * 9 + 4.5) * (9 + 3 * 4.5)))
TANGENT = 10 * math.cos(math.pi / 6)
SHAPES = (
    Shape("ellipse", _ellipse, math.pi * 40.5, RAMANUJAN, 18.0, 9.0, 0.0),
    Shape("ellipse, tilted to 30", _ellipse, math.pi * 40.5, RAMANUJAN, 18.0, 9.0, 30.0),
    Shape("pear", _pear, 5 * TANGENT + 25 * math.pi * 2 / 3, 2 * TANGENT + 10 * math.pi * 2 / 3, 15.0, 10.0, 0.0),
    Shape("rectangle", _rectangle, 128.0, 48.0, 16.0, 8.0, 0.0),
)


def draw(shape: Shape, pixel_mm: float, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """Shares (H, W) of the pixels at a random place and tilt, first axis upward; and the tilt, degrees."""
    n = math.ceil(2 * HALF_MM / pixel_mm)
    places = (np.arange(n * FINE) + 0.5) / FINE * pixel_mm - HALF_MM
    dx, dy = rng.uniform(0, pixel_mm, 2)
    tilt = rng.uniform(-shape.tilt_deg, shape.tilt_deg) if shape.tilt_deg else 0.0
    turn = math.radians(tilt)
    x, y = places[None, :] - dx, places[:, None] - dy
    inside = shape.holds(x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn))
    return inside.reshape(n, FINE, n, FINE).mean(axis=(1, 3)), tilt


def measure_ours(shares: FloatArray, pixel: float, *, soft: bool) -> dict[str, float]:
    """Our measures; the outline is that of the binary mask."""
    mask = shares >= 0.5
    if soft:
        return {"area": measure_area(shares, pixel)}
    widest = max(measure_width(mask, row, pixel) or 0.0 for row in range(len(mask)))
    return {
        "area": measure_area(mask, pixel),
        "height": measure_height(mask, pixel),
        "width": widest,
        "outline": measure_outline(mask, pixel),
    }


def measure_skimage(shares: FloatArray, pixel: float) -> dict[str, float]:
    """scikit-image's region properties and marching squares."""
    measure = importlib.import_module("skimage.measure")
    mask = (shares >= 0.5).astype(np.uint8)
    (found,) = measure.regionprops(mask, spacing=(pixel, pixel))
    contour = max(measure.find_contours(np.pad(mask, 2).astype(float), 0.5), key=len) * pixel
    following = np.roll(contour, -1, axis=0)
    cross = contour[:, 0] * following[:, 1] - following[:, 0] * contour[:, 1]
    low, _, high, _ = found.bbox
    return {
        "area": float(found.area),
        "area, marching squares": abs(float(cross.sum())) / 2,
        "height": (high - low) * pixel,
        "height, moments": float(found.axis_major_length),
        "height, Feret": float(found.feret_diameter_max),
        "width, moments": float(found.axis_minor_length),
        "outline": float(found.perimeter),
        "outline, Crofton": float(measure.perimeter_crofton(mask, directions=4) * pixel),
        "outline, marching squares": float(np.linalg.norm(following - contour, axis=1).sum()),
    }


def measure_simpleitk(shares: FloatArray, pixel: float) -> dict[str, float]:
    """SimpleITK's label shape statistics."""
    sitk = importlib.import_module("SimpleITK")
    image = sitk.GetImageFromArray((shares >= 0.5).astype(np.uint8))
    image.SetSpacing((pixel, pixel))
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.ComputeFeretDiameterOn()
    shape.Execute(image)
    return {
        "area": shape.GetPhysicalSize(1),
        "height, Feret": shape.GetFeretDiameter(1),
        "height": shape.GetBoundingBox(1)[3] * pixel,
        "outline": shape.GetPerimeter(1),
    }


def measure_pyradiomics(shares: FloatArray, pixel: float) -> dict[str, float]:
    """Features of pyradiomics: its two-dimensional shapes."""
    sitk = importlib.import_module("SimpleITK")
    shape2d = importlib.import_module("radiomics.shape2D")
    array = (shares >= 0.5).astype(np.uint8)[None]
    mask, image = sitk.GetImageFromArray(array), sitk.GetImageFromArray(array.astype(float))
    for one in (mask, image):
        one.SetSpacing((pixel, pixel, pixel))
    features = shape2d.RadiomicsShape2D(image, mask, force2D=True, force2Ddimension=0)
    return {
        "area": float(features.getPixelSurfaceFeatureValue()),
        "area, mesh": float(features.getMeshSurfaceFeatureValue()),
        "height, Feret": float(features.getMaximumDiameterFeatureValue()),
        "height, moments": float(features.getMajorAxisLengthFeatureValue()),
        "width, moments": float(features.getMinorAxisLengthFeatureValue()),
        "outline": float(features.getPerimeterFeatureValue()),
    }


PEERS: dict[str, tuple[str, Callable[[FloatArray, float], dict[str, float]]]] = {
    "scikit-image": ("skimage", measure_skimage),
    "SimpleITK": ("SimpleITK", measure_simpleitk),
    "pyradiomics": ("radiomics", measure_pyradiomics),
}


def measured(shape: Shape, pixel: float, rng: np.random.Generator) -> Iterator[tuple[str, str, float]]:
    """Tool, measure and relative error of one placement."""
    shares, _ = draw(shape, pixel, rng)
    answers = {
        "foramgrade": measure_ours(shares, pixel, soft=False),
        "foramgrade, soft": measure_ours(shares, pixel, soft=True),
    }
    answers |= {tool: ask(shares, pixel) for tool, (module, ask) in PEERS.items() if importlib.util.find_spec(module)}
    for tool, values in answers.items():
        for measure, value in values.items():
            quantity = measure.split(",")[0]
            # Along fixed axes a tilted shape has another height and width; moments are those of an ellipse.
            along_axes = measure in ("height", "width")
            if (shape.tilt_deg and along_axes) or ("moments" in measure and "ellipse" not in shape.name):
                continue
            if "Feret" in measure and "ellipse" not in shape.name and shape.name != "pear":
                continue
            yield tool, measure, value / getattr(shape, quantity) - 1


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--placements", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    logging.getLogger("radiomics").setLevel(logging.ERROR)
    for tool, (module, _) in PEERS.items():
        if importlib.util.find_spec(module) is None:
            print(f"{tool}: not installed")
    errors: dict[tuple[str, str, str], dict[float, list[float]]] = {}
    for shape in SHAPES:
        for pixel in PIXELS_MM:
            rng = np.random.default_rng((given.seed, round(pixel * 10)))
            for _ in range(given.placements):
                for tool, measure, error in measured(shape, pixel, rng):
                    errors.setdefault((measure, shape.name, tool), {}).setdefault(pixel, []).append(error)
    rows = [["measure", "shape", "tool", *(f"{pixel:g} mm" for pixel in PIXELS_MM)]]
    for (measure, name, tool), found in sorted(errors.items()):
        cells = [f"{np.mean(found[p]) * 100:+.1f} ({np.std(found[p]) * 100:.1f})" for p in PIXELS_MM]
        rows.append([measure, name, tool, *cells])
    print(f"bias and, in brackets, standard deviation, per cent; {given.placements} placements, seed {given.seed}")
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        line = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("| " + " | ".join(line) + " |" if given.markdown else "  ".join(line))
        if given.markdown and number == 0:
            print("|" + "---|" * len(row))


if __name__ == "__main__":
    main()
