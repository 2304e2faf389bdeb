"""The chord: the straight line through free space that joins the two pedicles of a foramen."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from foramgrade.arrays import BoolArray
from foramgrade.geometry.planes import Part, Section

IndexArray = npt.NDArray[np.intp]

#: Bone at both ends of the chord reaches at least this far behind it, mm: it is a pedicle, not the rim of a body.
PEDICLE_REACH_MM = 4.0

#: ... and does so within this height above or below the chord's end, mm: the height of a pedicle.
PEDICLE_HEIGHT_MM = 12.0

#: A piece of a vertebra counts as body with pedicle when it reaches this far before the disc's posterior margin, mm.
BODY_DEPTH_MM = 6.0

#: A foramen lies behind the bodies: its chord is at most this far in front of the disc's posterior margin, mm, since
#: walls curve forward at the sides.
FARTHEST_FORWARD_MM = 8.0

#: Shortest distance between two pedicles that is looked at, mm: well below the lowest foramina, about 10 mm.
SHORTEST_CHORD_MM = 6.0


@dataclass(frozen=True, slots=True)
class Chord:
    """The straight line through free space from the upper to the lower pedicle.

    Parameters
    ----------
    column, bottom, top : int
        Column and the first and last free row on the section's raster.
    """

    column: int
    bottom: int
    top: int


def find_chord(section: Section) -> Chord | None:
    """The longest line along the superior axis that joins the two pedicles through free space.

    Parameters
    ----------
    section : Section
        A sagittal section.

    Returns
    -------
    Chord or None
        None when no column joins a pedicle of the upper with a pedicle of the lower vertebra.
    """
    bottoms, tops, columns = _free_runs(section.solid)
    shortest = SHORTEST_CHORD_MM / section.pixel_mm
    long = (tops - bottoms >= shortest) & (bottoms > 0) & (tops < len(section.parts) - 1)
    long &= section.anterior_mm[columns] <= section.raster.margin_mm + FARTHEST_FORWARD_MM
    bottoms, tops, columns = bottoms[long], tops[long], columns[long]
    long = (section.parts[bottoms - 1, columns] == Part.LOWER) & (section.parts[tops + 1, columns] == Part.UPPER)
    bottoms, tops, columns = bottoms[long], tops[long], columns[long]
    if not len(columns):
        return None
    reach = round(PEDICLE_REACH_MM / section.pixel_mm)
    rearmost = {part: _rearmost_columns(section, part) for part in (Part.UPPER, Part.LOWER)}
    behind = (rearmost[Part.LOWER][bottoms - 1, columns] <= columns - reach) & (
        rearmost[Part.UPPER][tops + 1, columns] <= columns - reach
    )
    bottoms, tops, columns = bottoms[behind], tops[behind], columns[behind]
    for n in np.lexsort((columns, bottoms, bottoms - tops)):
        chord = Chord(int(columns[n]), int(bottoms[n]), int(tops[n]))
        if _joins_pedicles(section, chord):
            return chord
    return None


def _free_runs(solid: BoolArray) -> tuple[IndexArray, IndexArray, IndexArray]:
    """First and last row, and column, of every free run of pixels along the columns."""
    free = np.zeros((len(solid) + 2, solid.shape[1]), np.int8)
    free[1:-1] = ~solid
    change = np.diff(free, axis=0).T
    columns, bottoms = np.nonzero(change == 1)
    tops = np.nonzero(change == -1)[1] - 1
    return bottoms, tops, columns


def _rearmost_columns(section: Section, part: Part) -> IndexArray:
    """For each pixel of a vertebra, the rearmost column of the pixel's piece, if that piece includes the body."""
    in_body = section.anterior_mm > section.raster.margin_mm + BODY_DEPTH_MM
    nowhere = section.parts.shape[1]
    pieces, count = ndimage.label(section.parts == part, structure=np.ones((3, 3)))
    columns = np.full(count + 1, nowhere)
    for index, box in enumerate(ndimage.find_objects(pieces), start=1):
        if in_body[box[1]].any():
            columns[index] = box[1].start
    result: IndexArray = columns[pieces]
    return result


def _joins_pedicles(section: Section, chord: Chord) -> bool:
    """Whether the bone at both ends runs backwards within a pedicle's height: a sloping body wall does not."""
    height, reach = (round(d / section.pixel_mm) for d in (PEDICLE_HEIGHT_MM, PEDICLE_REACH_MM))
    roof = section.parts[chord.top + 1 : chord.top + 1 + height] == Part.UPPER
    floor = section.parts[max(chord.bottom - height, 0) : chord.bottom][::-1] == Part.LOWER
    for bone in (roof, floor):
        pieces, _ = ndimage.label(bone, structure=np.ones((3, 3)))
        behind = pieces[:, : chord.column - reach + 1]
        if not np.any(behind == pieces[0, chord.column]):
            return False
    return True
