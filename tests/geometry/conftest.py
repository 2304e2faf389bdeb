"""A motion segment drawn by arithmetic: bodies, disc and a ring of bone around a hole of known area.

Coordinates are millimetres right, anterior and superior from the centre of the disc; the posterior wall of the bodies
is at -17 mm, the ring lies behind it between 12 and 21 mm from the midline.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from foramgrade.anatomy.frame import Frame
from foramgrade.anatomy.labels import AnatomicMap, VertebraLabel
from foramgrade.anatomy.spine import Spine, find_spine
from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.geometry.planes import SECTION_PIXEL_MM, Part, Raster, Section, Sheet
from foramgrade.phantom import Numbering, Phantom, PhantomSpec, Protocol, make_phantom, random_spec
from foramgrade.volume import Grid
from numbered_bodies import number_body

Shape = Callable[[FloatArray, FloatArray], BoolArray]

#: Half-height of the disc, mm, and the height of the facet cleft's middle above the disc's centre.
DISC_HALF_MM, CLEFT_AT_MM = 4.0, 1.0
#: Centre of the hole behind and above the centre of the disc, mm.
HOLE_AT_MM = (-22.0, 3.0)


@dataclass(frozen=True, slots=True)
class Ring:
    """What is drawn around the hole.

    Parameters
    ----------
    cleft_mm : float
        Width of the cleft that opens the ring backwards.
    endplate_mm : float
        Thickness of an unlabelled endplate on both sides of the disc.
    """

    cleft_mm: float = 0.0
    endplate_mm: float = 0.0


def no_hole(x: FloatArray, y: FloatArray) -> BoolArray:
    return np.zeros(np.broadcast_shapes(x.shape, y.shape), bool)


def ring_parts(ring: Ring, hole: Shape, a: FloatArray, s: FloatArray) -> FloatArray:
    """Part of points of a section through the pedicles."""
    x, y = a - HOLE_AT_MM[0], s - HOLE_AT_MM[1]
    in_disc = np.abs(s) < DISC_HALF_MM
    front = np.where(in_disc, Part.DISC, np.where(s > 0, Part.UPPER, Part.LOWER))
    front = np.where(np.abs(np.abs(s) - DISC_HALF_MM) < ring.endplate_mm / 2, Part.FREE, front)
    back = np.where(s > CLEFT_AT_MM, Part.UPPER, Part.LOWER)
    back = np.where(np.abs(s - CLEFT_AT_MM) < ring.cleft_mm / 2, Part.FREE, back)
    parts = np.where(x > 0, front, back)
    # Above and below the vertebrae nothing belongs to this level.
    parts = np.where((a < -42) | (np.abs(s) > 27), Part.FREE, parts)
    return np.where(hole(x, y), Part.FREE, parts)


@pytest.fixture(scope="session")
def draw_section() -> Callable[..., Section]:
    """A section drawn directly on its raster: no voxels, no partial volume."""

    def draw(hole: Shape, *, cleft_mm: float = 0.0, endplate_mm: float = 0.0, shift_mm: float = 0.0) -> Section:
        superior = np.arange(-28.0, 30.0, SECTION_PIXEL_MM) + shift_mm
        anterior = np.arange(-51.0, -3.0, SECTION_PIXEL_MM) + shift_mm
        s, a = np.meshgrid(superior, anterior, indexing="ij")
        parts = ring_parts(Ring(cleft_mm, endplate_mm), hole, a, s).astype(np.uint8)
        frame = Frame(np.zeros(3), *np.eye(3))
        corner = np.array([16.0, anterior[0], superior[0]])
        steps = SECTION_PIXEL_MM * np.eye(3)
        sheet = Sheet(16.0, 1.0, corner, row_mm=steps[2], column_mm=steps[1])
        return Section(Raster(frame, superior, anterior, -17.0), sheet, parts, np.ones(parts.shape, bool))

    return draw


def oblique_grid(spacing_mm: tuple[float, float, float], turn_deg: tuple[float, float, float]) -> Grid:
    """Sagittal slices, i to posterior, j down, k to the left, around the world's origin."""
    stored = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    turn = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix()
    shape = tuple(int(np.ceil(size / step)) for size, step in zip((92.0, 84.0, 74.0), spacing_mm, strict=True))
    affine = np.eye(4)
    affine[:3, :3] = turn @ stored @ np.diag(spacing_mm)
    centre = turn @ np.array([0.7, -14.0, 0.0])
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid((shape[0], shape[1], shape[2]), affine)


@pytest.fixture(scope="session")
def build_level() -> Callable[..., Spine]:
    """A labelled level L4-L5 whose two foramina are prisms along the level's right axis, or along a course."""

    def build(
        right: Shape,
        left: Shape | None = None,
        *,
        spacing_mm: tuple[float, float, float] = (0.6, 0.7, 4.4),
        turn_deg: tuple[float, float, float] = (-7.0, 4.0, 9.0),
        tilt_deg: tuple[float, float, float] = (5.0, -3.0, 0.0),
        cleft_mm: float = 0.0,
        endplate_mm: float = 0.0,
        course: tuple[float, float] = (0.0, 0.0),
        without: tuple[str, ...] = (),
    ) -> Spine:
        grid = oblique_grid(spacing_mm, turn_deg)
        ijk = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
        tilt = Rotation.from_euler("xyz", tilt_deg, degrees=True).as_matrix()
        r, a, s = np.moveaxis(grid.to_world(ijk) @ tilt, -1, 0)
        apart = np.abs(r)
        codes = np.zeros(grid.shape, np.uint16)
        if "canal" not in without:
            codes[(apart < 9) & (a < -19) & (a > -33)] = 200
        ring = Ring(cleft_mm, endplate_mm)
        body = (a > -17) & (a < 17) & (apart < 23)
        codes[body] = np.array([0, 1, 2, 101])[ring_parts(ring, no_hole, a, s)[body].astype(int)]
        if "posterior" not in without:
            # The course is lateral: on both sides the foramen runs the same way outwards.
            off = apart - 16.5
            for side, hole in ((r > 0, right), (r < 0, left or right)):
                here = side & (apart > 12) & (apart < 21) & (a < -10)
                parts = ring_parts(ring, hole, a - course[0] * off, s - course[1] * off)
                codes[here] = np.array([0, 1, 2, 101])[parts[here].astype(int)]
        if "disc" in without:
            codes[codes == 101] = 0
        vertebrae = (VertebraLabel(1, "L4", 44), VertebraLabel(2, "L5", 45))
        return find_spine(AnatomicMap(codes, grid, vertebrae))

    return build


#: Two to four vertebrae in a field that is soon drawn.
SMALL_FIELD = Protocol(pixel_mm=0.8, thickness_mm=4.0, spacing_mm=4.4, n_slices=13, field_mm=(95.0, 120.0))


@pytest.fixture(scope="session")
def small_spec() -> PhantomSpec:
    """Oblique, twisted and decentred, with a different foramen on every level and side."""
    return random_spec(np.random.default_rng(3), protocol=SMALL_FIELD)


@pytest.fixture(scope="session")
def phantoms(small_spec: PhantomSpec) -> dict[Numbering, Phantom]:
    """The same body under every tool's numbers; levels L2-L3 to L4-L5 are whole, L1-L2 is cut."""
    whole = make_phantom(small_spec, rng=np.random.default_rng(0))
    return {n: replace(whole, labels=number_body(small_spec, n)) for n in Numbering}
