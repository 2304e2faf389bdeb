"""The derived foramina as a label map, so that any viewer can lay them over the images."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.exports.folder import replace_file
from foramgrade.exports.nifti import write_nifti
from foramgrade.findings import Evidence, ForamenAssessment, Outline
from foramgrade.loaders.segmentation.names import FORAMINA_FORMAT
from foramgrade.plotting.palette import FAT, OPENING, ROOT, Stroke
from foramgrade.tables import FAT_SHARE, StudyAssessment, write_atomically
from foramgrade.volume import Grid

#: Codes of the k-th foramen, counted from 1, are 10 k + its structure's number.
CODES_PER_FORAMEN = 10

#: Faces between sections are moved by this share of a step, so that rounding cannot leave out a voxel centre on them.
_FACE = 1e-6


class Structure(IntEnum):
    """What is painted of a foramen; the value is the last digit of its code."""

    OPENING = 1
    """The opening, on every section that shows it; root and fat are painted over it."""
    ROOT = 2
    """The nerve root, on the reported section."""
    FAT = 3
    """Fat of at least half the voxel, on the reported section."""


_STROKES: Mapping[Structure, Stroke] = {Structure.OPENING: OPENING, Structure.ROOT: ROOT, Structure.FAT: FAT}


@dataclass(frozen=True, slots=True)
class ForamenLabel:
    """What one number of the label map means.

    Parameters
    ----------
    index : int
        The number.
    name : str
        Level, side and structure, e.g. "L4-L5 left nerve root".
    abbreviation : str
        The same in short, e.g. "L4-L5_left_root".
    color : str
        Suggested colour, "#RRGGBB"; the one of the panels.
    level, side, structure : str
        What the name is made of.
    voxels : int
        Number of voxels painted; 0 where the structure was not found or falls between the voxels.
    """

    index: int
    name: str
    abbreviation: str
    color: str
    level: str
    side: str
    structure: str
    voxels: int


def paint_foramina(study: StudyAssessment, grid: Grid) -> tuple[npt.NDArray[np.uint16], tuple[ForamenLabel, ...]]:
    """Paint the foramina of a study on a voxel grid.

    Parameters
    ----------
    study : StudyAssessment
        Assessed foramina.
    grid : Grid
        Where to paint; best the grid of the label map, on which the foramina were found.

    Returns
    -------
    (I, J, K) uint16 array
        Code of every voxel, 0 is background. The k-th foramen of the study, from 1, has the codes 10 k + 1 for the
        opening, 10 k + 2 for the root and 10 k + 3 for fat.
    tuple of ForamenLabel
        Every code of the study, also of what was not found, in ascending order.

    Notes
    -----
    *Definition*: a voxel belongs to a foramen when its centre, moved along the line from section to section on to the
    nearest section, not further than half a step, lies inside the outline of the opening on it. Root and fat (at least
    half of the voxel) are painted where that section is the reported one, over the opening.
    *Limits*: a foramen with a single section is seen along that section's normal: on a grid with other slices than the
    label map's its outline is displaced by up to half a step times the tangent of the obliquity. Counted voxels differ
    from the measured area by the rounding of its edge.
    """
    array = np.zeros(grid.shape, np.uint16)
    for number, foramen in enumerate(study.foramina, start=1):
        if foramen.evidence is not None:
            _paint_one(array, grid, foramen.evidence, CODES_PER_FORAMEN * number)
    counts = np.bincount(array.ravel(order="K"), minlength=_beyond(study))
    labels = [
        _label(foramen, structure, CODES_PER_FORAMEN * number + structure, counts)
        for number, foramen in enumerate(study.foramina, start=1)
        for structure in Structure
    ]
    return array, tuple(labels)


def write_foramina(study: StudyAssessment, grid: Grid, folder: Path) -> tuple[Path, Path]:
    """Write the foramina of a study as ``foramina.nii.gz``, and what its numbers mean as ``foramina.json``.

    Parameters
    ----------
    study : StudyAssessment
        Assessed foramina.
    grid : Grid
        Where to paint; see `paint_foramina`.
    folder : Path
        Existing folder; files of these names are replaced, each whole.

    Returns
    -------
    Path, Path
        The label map and its side file.

    Raises
    ------
    InputError
        If a file cannot be written.

    Notes
    -----
    An entry of ``labels`` in the side file is a row of a BIDS segmentation table (index, name, abbreviation, color)
    with level, side, structure and the number of voxels beside it.
    """
    array, labels = paint_foramina(study, grid)
    image, side_file = Path(folder) / "foramina.nii.gz", Path(folder) / "foramina.json"
    document = {
        "format": FORAMINA_FORMAT,
        "case": study.case,
        "version": study.version,
        "codes": (
            f"{CODES_PER_FORAMEN} k + 1 opening, + 2 nerve root, + 3 fat of the k-th foramen; root and fat are painted "
            "over the opening, on the reported section: the whole opening is all three"
        ),
        "labels": [{name: getattr(label, name) for name in ForamenLabel.__slots__} for label in labels],
    }
    with replace_file(image) as part:
        write_nifti(array.astype(np.min_scalar_type(_beyond(study))), grid, part)
    write_atomically(json.dumps(document, indent=2, ensure_ascii=False) + "\n", side_file)
    return image, side_file


def _beyond(study: StudyAssessment) -> int:
    """A number above every code of the study."""
    return CODES_PER_FORAMEN * (len(study.foramina) + 1)


def _label(foramen: ForamenAssessment, structure: Structure, index: int, counts: npt.NDArray[np.intp]) -> ForamenLabel:
    short = structure.name.lower()
    return ForamenLabel(
        index=index,
        name=f"{foramen.level.name} {foramen.side.value} {_STROKES[structure].name}",
        abbreviation=f"{foramen.name}_{short}",
        color=_STROKES[structure].color,
        level=foramen.level.name,
        side=foramen.side.value,
        structure=short,
        voxels=int(counts[index]),
    )


def _paint_one(array: npt.NDArray[np.uint16], grid: Grid, evidence: Evidence, first: int) -> None:
    step = _step(evidence.outlines)
    for index, opening in enumerate(evidence.outlines):
        outline, is_measured = opening, bool(opening.mask.any())
        if not is_measured:
            # Read around a point: there is no opening to paint, but root and fat are where they are.
            outline = replace(opening, mask=np.any([opening.mask, *(m for _, m in _contents(evidence))], axis=0))
        if not outline.mask.any():
            continue
        voxels, rows, columns = _project(grid, outline, step)
        if is_measured:
            array[voxels] = first + Structure.OPENING
        if index != evidence.chosen:
            continue
        for structure, mask in _contents(evidence):
            painted = mask[rows, columns]
            array[tuple(axis[painted] for axis in voxels)] = first + structure


def _step(outlines: Sequence[Outline]) -> FloatArray:
    """Way from a section to the next, in the world, mm.

    The sections of a foramen are one raster in several places, so the way between two of them gives the direction even
    where thick slices are inclined to it. A single section leaves only its normal.
    """
    first, last = outlines[0], outlines[-1]
    way = last.origin_mm - first.origin_mm
    steps = round(float(np.linalg.norm(way)) / first.spacing_mm)
    if steps == 0:
        normal = np.cross(first.column_mm, first.row_mm)
        return first.spacing_mm * normal / np.linalg.norm(normal)
    return way / steps


def _contents(evidence: Evidence) -> Iterator[tuple[Structure, BoolArray]]:
    if evidence.fat is not None:
        yield Structure.FAT, evidence.fat >= FAT_SHARE
    if evidence.root is not None:
        yield Structure.ROOT, evidence.root


def _project(
    grid: Grid, outline: Outline, step: FloatArray
) -> tuple[tuple[npt.NDArray[np.intp], ...], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Indices i, j, k of the voxels seen in an outline, and the row and column where each is seen."""
    to_world = np.column_stack([outline.row_mm, outline.column_mm, step])
    extent = [(n.min() - 0.5, n.max() + 0.5) for n in np.nonzero(outline.mask)] + [(-0.5, 0.5)]
    ends = np.stack(np.meshgrid(*extent, indexing="ij"), axis=-1).reshape(8, 3)
    corners = grid.to_ijk(outline.origin_mm + ends @ to_world.T)
    low = np.clip(np.ceil(corners.min(axis=0) - _FACE), 0, grid.shape).astype(int)
    high = np.clip(np.floor(corners.max(axis=0) + _FACE) + 1, 0, grid.shape).astype(int)
    voxels = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1).reshape(-1, 3)
    seen = (grid.to_world(voxels) - outline.origin_mm) @ np.linalg.inv(to_world).T
    pixels, away = np.rint(seen[:, :2]).astype(np.intp), seen[:, 2] + _FACE
    within = (away >= -0.5) & (away < 0.5) & np.all((pixels >= 0) & (pixels < outline.mask.shape), axis=1)
    voxels, pixels = voxels[within], pixels[within]
    inside = outline.mask[pixels[:, 0], pixels[:, 1]]
    i, j, k = voxels[inside].T
    rows, columns = pixels[inside].T
    return (i, j, k), rows, columns
