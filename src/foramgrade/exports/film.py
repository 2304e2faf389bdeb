"""The film of a study: small grey pictures of the sections of every foramen, with outlines, for the review page."""

import base64
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.exports.contours import section_axes, trace_lines
from foramgrade.findings import Evidence, ForamenAssessment, Outline
from foramgrade.perineural.signal import sample_plane
from foramgrade.tables import StudyAssessment, write_atomically
from foramgrade.volume import Volume

#: Name of the file, and its first entry.
FILM, FILM_FORMAT = "film.json", "foramgrade film 1"
#: Edge of a picture, mm: the foramen with the vertebrae around it.
EDGE_MM = 42.0
#: Most sections of a foramen; of more, those nearest to the reported one.
MOST_SECTIONS = 9
#: Share of the intensities of a foramen's sections that is cut at the dark and at the bright end.
_CUT = 0.002
#: Quality of the JPEGs: at 90 a film of fat keeps its edges.
_QUALITY = 90


def write_film(study: StudyAssessment, image: Volume, path: Path) -> None:
    """Write the film of a study.

    Parameters
    ----------
    study : StudyAssessment
        Foramina with evidence.
    image : Volume
        The series it was graded on.
    path : Path
        File to write or replace.

    Raises
    ------
    InputError
        If the file cannot be written.

    Notes
    -----
    *Definition*: per foramen the sections that show it and one beyond either end, on squares of 42 mm around the
    opening in the pixels of the evidence, in radiological convention (anterior to the left), as grey JPEGs with one
    window for all. It holds pixels of the image, and no more of the patient than the panels do.
    """
    foramina = {f.name: _film_foramen(f, image) for f in study.foramina if f.evidence is not None}
    document = {"format": FILM_FORMAT, "foramina": {name: film for name, film in foramina.items() if film is not None}}
    write_atomically(json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n", path)


def sample_beside(foramen: ForamenAssessment, image: Volume) -> ForamenAssessment:
    """The assessment with the sections beside the reported one, for its page.

    Parameters
    ----------
    foramen : ForamenAssessment
        Perhaps with evidence.
    image : Volume
        The series.

    Returns
    -------
    ForamenAssessment
        The same; a neighbour outside the image stays None.
    """
    evidence = foramen.evidence
    if evidence is None or not evidence.outlines:
        return foramen
    sheets = [sheet for _, _, sheet in _sheets(evidence)]
    at = next(n for n, sheet in enumerate(sheets) if sheet is evidence.outlines[evidence.chosen])
    rows, columns = (slice(0, size) for size in evidence.opening.shape)
    sampled = [_sample(image, sheets[n], rows, columns) for n in (at - 1, at + 1)]
    medial, lateral = (None if np.isnan(one).all() else one for one in sampled)
    return replace(foramen, evidence=replace(evidence, beside=(medial, lateral)))


def _film_foramen(foramen: ForamenAssessment, image: Volume) -> dict[str, Any] | None:
    evidence = foramen.evidence
    if evidence is None or not evidence.outlines:
        return None
    rows, columns = _square(evidence)
    sheets = _sheets(evidence)
    values = [_sample(image, sheet, rows, columns) for _, _, sheet in sheets]
    seen = np.concatenate([one[np.isfinite(one)] for one in values])
    if not seen.size:
        return None
    low, high = np.quantile(seen, (_CUT, 1 - _CUT))
    sections = []
    for (offset_mm, opening, _), picture in zip(sheets, values, strict=True):
        grey = np.clip((np.nan_to_num(picture, nan=low) - low) / max(high - low, 1e-9), 0.0, 1.0)
        drawn = None if opening is None else _path(opening[rows, columns])
        sections.append(
            {"offset_mm": None if offset_mm is None else round(offset_mm, 2), "jpeg": _jpeg(grey), "opening": drawn}
        )
    chosen = next(n for n, (_, _, sheet) in enumerate(sheets) if sheet is evidence.outlines[evidence.chosen])
    return {
        "pixel_mm": round(evidence.pixel_mm, 4),
        "size": [columns.stop - columns.start, rows.stop - rows.start],
        "sections": sections,
        "chosen": chosen,
        "root": None if evidence.root is None else _path(evidence.root[rows, columns]),
        "fat": None if evidence.fat is None else _path(evidence.fat[rows, columns]),
    }


def _square(evidence: Evidence) -> tuple[slice, slice]:
    """Rows and columns of the square around the opening, or the root where no opening is known, within the raster."""
    opening = evidence.opening
    shown = opening if opening.any() or evidence.root is None or not evidence.root.any() else evidence.root
    half = round(EDGE_MM / 2 / evidence.pixel_mm)
    ends = []
    for axis, size in enumerate(shown.shape):
        used = np.flatnonzero(shown.any(axis=1 - axis))
        middle = int(used[0] + used[-1]) // 2 if len(used) else size // 2
        ends.append(slice(max(middle - half, 0), min(middle + half, size)))
    return ends[0], ends[1]


def _sheets(evidence: Evidence) -> list[tuple[float | None, BoolArray | None, Outline]]:
    """Offset, opening and place of every section, one beyond either end among them, at most `MOST_SECTIONS`.

    Around a point no offset from the midline of the level is known.
    """
    outlines = evidence.outlines
    known = len(evidence.offsets_mm) == len(outlines)
    offsets = evidence.offsets_mm if known else np.zeros(len(outlines))
    inner = [(float(mm), outline.mask, outline) for mm, outline in zip(offsets, outlines, strict=True)]
    if len(outlines) > 1:
        steps = [_step(outlines[0], outlines[1]), _step(outlines[-1], outlines[-2])]
        apart = [float(offsets[0] - offsets[1]), float(offsets[-1] - offsets[-2])]
    else:
        spacing = outlines[0].spacing_mm
        step = section_axes(evidence)[2] * spacing
        steps, apart = [-step, step], [-spacing, spacing]
    first, last = ((float(offsets[at]) + apart[at], None, _moved(outlines[at], steps[at])) for at in (0, -1))
    sheets = [(mm if known else None, mask, sheet) for mm, mask, sheet in (first, *inner, last)]
    near = sorted(range(len(sheets)), key=lambda n: abs(n - 1 - evidence.chosen))[:MOST_SECTIONS]
    return [sheets[n] for n in sorted(near)]


def _step(end: Outline, next_to_it: Outline) -> FloatArray:
    """The way from the section beside the last one to the last one: it goes on so."""
    step: FloatArray = end.origin_mm - next_to_it.origin_mm
    return step


def _moved(outline: Outline, step_mm: FloatArray) -> Outline:
    return Outline(outline.mask, outline.origin_mm + step_mm, outline.row_mm, outline.column_mm, outline.spacing_mm)


def _sample(image: Volume, sheet: Outline, rows: slice, columns: slice) -> FloatArray:
    """Intensities of a section, NaN outside the image."""
    up, forward = np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop)
    points = sheet.origin_mm + up[:, None, None] * sheet.row_mm + forward[None, :, None] * sheet.column_mm
    return sample_plane(image, points)[0]


def _jpeg(grey: FloatArray) -> str:
    """A picture as base64, superior up and anterior to the left."""
    pixels: npt.NDArray[np.uint8] = np.rint(255 * grey[::-1, ::-1]).astype(np.uint8)
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, format="JPEG", quality=_QUALITY, optimize=True)
    return base64.b64encode(held.getvalue()).decode("ascii")


def _path(share: BoolArray | FloatArray) -> str:
    """Outline of what holds at least half, as an SVG path on the picture."""
    height, width = share.shape
    parts = []
    for line in trace_lines(share):
        # A pixel's middle lies half a pixel from its edge.
        x, y = width - (line[:, 0] + 0.5), height - (line[:, 1] + 0.5)
        parts.append("M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True)) + "Z")
    return "".join(parts)
