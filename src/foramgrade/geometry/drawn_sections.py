"""Sections of a foramen that is drawn: its own slices where it is drawn slice by slice, resampled planes otherwise."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from foramgrade.anatomy.frame import Frame
from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError
from foramgrade.geometry.measure import measure_area
from foramgrade.geometry.pieces import SPECK_MM2, Piece, slice_axis
from foramgrade.geometry.planes import OBLIQUITY_LIMIT_DEG, SECTION_PIXEL_MM, SECTION_STEP_MM
from foramgrade.geometry.search import course_through
from foramgrade.volume import SOLID_SHARE

#: Room around the outline on its raster, mm.
_MARGIN_MM = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class DrawnSection:
    """One section of a drawn foramen; array axes are (superior, anterior), both growing.

    Parameters
    ----------
    offset_mm : float
        Where it crosses the frame's right axis, mm, right positive.
    spacing_mm : float
        Distance along the right axis to the next section, mm.
    area_mm2 : float
        Area of the outline, seen along the foramen, mm2.
    centre_mm : (3,) float array
        Its centre, world (RAS+), mm.
    shares : (H, W) float array
        Share of each pixel that belongs to the foramen.
    superior_mm : (H,) float array
        Frame coordinates of the rows, mm.
    """

    offset_mm: float
    spacing_mm: float
    area_mm2: float
    centre_mm: FloatArray
    shares: FloatArray
    superior_mm: FloatArray


def grid_frame(piece: Piece) -> Frame:
    """Axes of a drawing without labels: right is across its sagittal slices, superior the way up in them."""
    axis = piece.grid.lateral_axis
    first, second = (piece.grid.directions[:, other] for other in range(3) if other != axis)
    right = np.cross(first, second)
    right *= np.sign(right[0]) / np.linalg.norm(right)
    superior = np.array([0.0, 0.0, 1.0]) - right[2] * right
    superior /= np.linalg.norm(superior)
    return Frame(piece.centre_mm, right, np.cross(superior, right), superior, from_grid=True)


def cut_drawing(piece: Piece, frame: Frame) -> tuple[DrawnSection, ...]:
    """Sections of a drawn foramen, from the patient's left to the right.

    Parameters
    ----------
    piece : Piece
        The foramen.
    frame : Frame
        The axes of its level, or of the grid.

    Returns
    -------
    tuple of DrawnSection
        At least one.

    Raises
    ------
    InputError
        If its slices are inclined to the right axis so far that they show no section.

    Notes
    -----
    *Definition*: drawn on thick slices, on fewer than three, or without labels: the slices themselves; the area is the
    sum of the pixels times the pixel's area times the cosine that projects it along the foramen's course, as that of a
    derived foramen. Drawn in nearly isotropic voxels: planes perpendicular to the right axis, by linear interpolation.
    A slice with less than `SPECK_MM2` is none.
    *Limits*: the ends of a drawing are arbitrary. Planes that leave the drawn slices, or lie less than a voxel within
    the drawing's ends, would show part of the outline and are left out.
    """
    native = cut_slices(piece, frame)
    axis = piece.grid.lateral_axis
    if slice_axis(piece.grid) is not None or frame.from_grid or len(native) < 3:
        return native
    return _planar_sections(piece, frame, piece.grid.spacing_mm[axis]) or native


def cut_slices(piece: Piece, frame: Frame) -> tuple[DrawnSection, ...]:
    """The slices themselves on which a foramen is drawn, as in `cut_drawing`: together they hold all that is drawn."""
    grid, axis = piece.grid, piece.grid.lateral_axis
    column, row = (other for other in range(3) if other != axis)
    directions, spacing = grid.directions, grid.spacing_mm
    normal = np.cross(directions[:, column], directions[:, row])
    if abs(normal @ frame.right) < np.cos(np.radians(OBLIQUITY_LIMIT_DEG)) * np.linalg.norm(normal):
        msg = (
            f"{piece.called} is drawn on slices that are inclined to its level's sagittal plane by more than "
            f"{OBLIQUITY_LIMIT_DEG:g} degrees, expected sagittal slices"
        )
        raise InputError(msg)
    stack = np.moveaxis(piece.shares, axis, 0)
    planes = {k: stack[k - piece.first[axis]] for k in piece.slices(axis) or (_fullest(piece, axis),)}
    areas = {k: measure_area(plane, (spacing[column], spacing[row])) for k, plane in planes.items()}
    drawn = [k for k in planes if areas[k] >= min(SPECK_MM2, max(areas.values()))]
    counted = np.array([areas[k] for k in drawn])
    centres = []
    for k in drawn:
        plane = planes[k]
        where = np.argwhere(plane > 0)
        middle = np.average(where, axis=0, weights=plane[plane > 0])
        centres.append(np.insert(middle + np.delete(piece.first, axis), axis, k))
    centres_mm = grid.to_world(np.array(centres))
    along = _course(frame, centres_mm, counted)
    gradient = np.linalg.inv(grid.affine)[axis, :3]
    sections = [
        DrawnSection(
            offset_mm=float(frame.to_frame(centre)[0]),
            spacing_mm=1.0 / abs(float(gradient @ along)),
            area_mm2=float(area * abs(normal @ along)),
            centre_mm=centre,
            shares=_seen(piece, frame, k, centre, along),
            superior_mm=_raster(piece, frame)[0],
        )
        for k, area, centre in zip(drawn, counted, centres_mm, strict=True)
    ]
    return tuple(sorted(sections, key=lambda section: section.offset_mm))


def _fullest(piece: Piece, axis: int) -> int:
    others = tuple(other for other in range(3) if other != axis)
    return int(piece.shares.sum(axis=others).argmax()) + piece.first[axis]


def _course(frame: Frame, centres_mm: FloatArray, areas: FloatArray) -> FloatArray:
    """Direction (3,) in which the foramen runs on each mm to the right, by the line through its centres."""
    if frame.from_grid:  # nothing tells the level's own axes, to which a course would refer
        return frame.right
    forward, upward = course_through(frame.to_frame(centres_mm), areas)
    along: FloatArray = frame.right + forward * frame.anterior + upward * frame.superior
    return along


def _raster(piece: Piece, frame: Frame) -> tuple[FloatArray, FloatArray]:
    """Frame coordinates, mm, of the rows and columns of a raster that holds the piece."""
    local = frame.to_frame(piece.positions_mm)
    # On an inclined slice a point is seen beside its own place, by its distance from the slice's centre.
    room = _MARGIN_MM + max(piece.grid.spacing_mm[a] for a in range(3) if a != piece.grid.lateral_axis)
    low, high = local.min(axis=0) - room, local.max(axis=0) + room
    superior = np.arange(low[2], high[2], SECTION_PIXEL_MM)
    return superior, np.arange(low[1], high[1], SECTION_PIXEL_MM)


def _flat(frame: Frame, rows: FloatArray, columns: FloatArray) -> FloatArray:
    """World positions (H, W, 3), mm, of a raster in the plane through the frame's origin."""
    flat: FloatArray = frame.origin_mm + rows[:, None, None] * frame.superior + columns[None, :, None] * frame.anterior
    return flat


def _seen(piece: Piece, frame: Frame, k: int, centre_mm: FloatArray, along: FloatArray) -> FloatArray:
    """Slice k on the raster, (H, W), seen along the foramen's course."""
    axis = piece.grid.lateral_axis
    offset = frame.to_frame(centre_mm)[0]
    flat = _flat(frame, *_raster(piece, frame)) + offset * frame.right
    gradient = np.linalg.inv(piece.grid.affine)[axis, :3]
    remaining = (k - piece.grid.to_ijk(flat)[..., axis]) / (gradient @ along)
    at = piece.grid.to_ijk(flat + remaining[..., None] * along) - piece.first
    at[..., axis] = k - piece.first[axis]
    return _sampled(piece, at)


def _sampled(piece: Piece, at: FloatArray) -> FloatArray:
    """Shares (H, W) at positions (H, W, 3) in the piece's box, 0 outside."""
    # A rim of zeros: outside the box there is nothing.
    padded = np.pad(piece.shares, 1)
    values: FloatArray = ndimage.map_coordinates(padded, np.moveaxis(at + 1.0, -1, 0), order=1, output=np.float64)
    return np.clip(values, 0.0, 1.0)


def _planar_sections(piece: Piece, frame: Frame, voxel_mm: float) -> tuple[DrawnSection, ...]:
    rights = frame.to_frame(piece.positions_mm)[:, 0]
    low, high = float(rights.min()) + voxel_mm, float(rights.max()) - voxel_mm
    if high < low:
        return ()
    steps = int(np.ceil((high - low) / max(SECTION_STEP_MM, voxel_mm)))
    offsets = np.linspace(low, high, steps + 1)
    spacing = float(offsets[1] - offsets[0]) if steps else voxel_mm
    axis, (rows, columns) = piece.grid.lateral_axis, _raster(piece, frame)
    last = piece.shares.shape[axis] - 1
    sections = []
    for offset in offsets:
        positions = _flat(frame, rows, columns) + offset * frame.right
        at = piece.grid.to_ijk(positions) - piece.first
        across = at[..., axis].copy()
        # The outermost slices go on: what would be drawn beyond them tells that the plane leaves the drawing.
        at[..., axis] = np.clip(across, 0, last)
        shares = _sampled(piece, at)
        beyond = (across < -0.5) | (across > last + 0.5)
        if not (shares >= SOLID_SHARE).any() or (beyond & (shares >= SOLID_SHARE)).any():
            continue
        centre = np.average(positions.reshape(-1, 3), axis=0, weights=shares.ravel())
        area = measure_area(shares, SECTION_PIXEL_MM)
        sections.append(DrawnSection(float(offset), spacing, area, centre, shares, rows))
    return tuple(sections)
