"""Where the foramen is on a section: the opening enclosed by two vertebrae and their disc.

The foramen is found from its pedicles: the longest straight line along the superior axis that runs through free space
from the pedicle of the upper vertebra to the pedicle of the lower one splits the ring around it into an anterior half
(bodies and disc) and a posterior half (pars, facet joint). A labelled ring is usually a little open, mostly at the
facet joint, so each half is sealed.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from foramgrade.arrays import BoolArray
from foramgrade.geometry.chord import find_chord
from foramgrade.geometry.planes import Part, Section
from foramgrade.geometry.sealing import CLEFT_MM, Half, Unclosed, seal_half

__all__ = ["CLEFT_MM", "SEAL_LIMIT_MM", "Opening", "Unclosed", "find_opening"]

#: A ring that is open by more than this is not closed, mm: a third of its circumference would then be invented.
SEAL_LIMIT_MM = 10.0

#: What holds less than this share of the way from pedicle to pedicle is a pit in the bone, not the foramen.
CHORD_SHARE_LIMIT = 0.5

#: The ring around an opening is looked for this far from it, mm; where the label map ends nearer, the ring is cut.
RING_MM = 5.0

#: A section is still inside the canal, medial to the pedicles, when more than this share of the opening is canal.
CANAL_SHARE_LIMIT = 0.25

#: A labelled speck of less than this that touches nothing is an error of the mask, not bone, mm2.
SPECK_MM2 = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """The foramen on one section.

    Parameters
    ----------
    mask : (H, W) bool array
        Its pixels, on the section's raster.
    gap_mm : float
        Widest gap that had to be sealed, 0 for a closed ring, mm. A cleft counts with its narrowest place, which in an
        oblique cleft drawn in voxels is up to a voxel narrower than the cleft.
    cut : bool
        Whether the ring reaches the edge of the label map.
    seam_mm : float
        Length of the border that is seal instead of bone or disc, mm.
    """

    mask: BoolArray
    gap_mm: float
    cut: bool
    seam_mm: float = 0.0


def find_opening(
    section: Section, *, seal_limit_mm: float = SEAL_LIMIT_MM, rough: bool = False
) -> Opening | Unclosed | None:
    """The foramen on a section.

    Parameters
    ----------
    section : Section
        A sagittal section.
    seal_limit_mm : float
        Widest gap in the ring that is sealed, mm.
    rough : bool
        Whether to tell only where it is: specks stay, and seals are not trimmed to the lips of their gaps.

    Returns
    -------
    Opening, Unclosed or None
        None where the section does not lie between the pedicles of the two vertebrae.

    Notes
    -----
    *Definition*: free pixels connected to the chord inside the ring of upper vertebra, disc and lower vertebra. A
    cleft of the ring of up to 3 mm (a facet joint, an unlabelled endplate) does not belong to the foramen if it is
    deeper than 1.5 mm, whether it leads out or not; a wider one is cut at its mouth or its narrowest place. Labelled
    specks of less than 4 mm2 that touch nothing count as free.
    *Limits*: the border across a cleft is not labelled: it is drawn as a disc that touches both lips would draw it.
    """
    if not rough:
        section = _without_specks(section)
    chord = find_chord(section)
    if chord is None:
        return None
    solid, pixel = section.solid, section.pixel_mm
    halves: list[Half] = []
    for anterior in (False, True):
        half = seal_half(solid, chord, anterior=anterior, pixel_mm=pixel, limit_mm=seal_limit_mm, trim=not rough)
        if isinstance(half, Unclosed):
            return half
        halves.append(half)
    mask = _largest_piece(halves[0].mask | halves[1].mask, chord.column, chord.bottom, chord.top)
    if mask[chord.bottom : chord.top + 1, chord.column].mean() < CHORD_SHARE_LIMIT:
        return None
    if np.mean(section.parts[mask] == Part.CANAL) > CANAL_SHARE_LIMIT:
        return None
    gap_mm = max(half.gap_mm for half in halves)
    return Opening(mask, gap_mm, _reaches_edge(section, mask), sum(half.seam_mm for half in halves))


def _without_specks(section: Section) -> Section:
    """The section without labelled specks that touch nothing."""
    solid = section.solid
    pieces, count = ndimage.label(solid, structure=np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    small = sizes * section.pixel_mm**2 < SPECK_MM2
    small[0] = False
    if not small.any():
        return section
    return replace(section, parts=np.where(small[pieces], np.uint8(Part.FREE), section.parts))


def _reaches_edge(section: Section, mask: BoolArray) -> bool:
    """Whether the label map ends near the opening."""
    if section.inside.all():
        return False
    near = ndimage.distance_transform_edt(~mask) * section.pixel_mm <= RING_MM
    return bool(np.any(~section.inside & near))


def _largest_piece(mask: BoolArray, column: int, bottom: int, top: int) -> BoolArray:
    """The piece that holds most of the chord."""
    pieces, _ = ndimage.label(mask)
    along = pieces[bottom : top + 1, column]
    along = along[along > 0]
    result: BoolArray = pieces == np.bincount(along).argmax() if len(along) else np.zeros_like(mask)
    return result
