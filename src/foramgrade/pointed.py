"""From an image and a point per foramen to grades: what can be said where nothing is labelled."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version

import numpy as np

from foramgrade.composing import assess_sighting
from foramgrade.errors import InputError
from foramgrade.findings import (
    ForamenPoint,
    Quality,
)
from foramgrade.geometry.planes import SECTION_PIXEL_MM
from foramgrade.geometry.pointed import look_at_points
from foramgrade.grader.criteria import LEE_2010, Criteria
from foramgrade.perineural.borders import PERINEURAL_REACH_MM
from foramgrade.perineural.pointing import PLACE_WEIGHT, ROOT_ABOVE_MM, SEEK_MM, SPREAD_MM, read_points
from foramgrade.pipeline import check_contrast
from foramgrade.readings import in_plane_pixel_mm
from foramgrade.tables import StudyAssessment
from foramgrade.volume import Volume

#: Name of the scheme of a study that was read around points.
SCHEME = "points"


def assess_points(
    image: Volume,
    points: Iterable[ForamenPoint],
    *,
    criteria: Criteria = LEE_2010,
    case: str = "study",
    inputs: Sequence[Mapping[str, str]] = (),
    progress: Callable[[int, int], None] | None = None,
) -> StudyAssessment:
    """Grade the foramina in which somebody placed a point.

    Parameters
    ----------
    image : Volume
        Sagittal T1- or T2-weighted series without fat suppression.
    points : iterable of ForamenPoint
        Level, side and a point in the foramen, patient (RAS+), mm; at most one per level and side.
    criteria : Criteria
        Rules, policy and thresholds.
    case : str
        Name of the study in the results; never a patient's name.
    inputs : sequence of mappings
        What the input files are, kept with the results.
    progress : callable or None
        Called with the number of foramina done and of all foramina.

    Returns
    -------
    StudyAssessment
        One assessment per point, top to bottom and right before left; measures that need labels are absent.

    Raises
    ------
    InputError
        If there is no point, a foramen has two, a position is not a number, or fat is dark in the series by its header.

    Notes
    -----
    *Definition*: on the slice of the point, or a neighbour on which the root shows better, the root is sought a little
    above the point; fat is measured from its outline to the first structure that is not fat. The signal of fat is the
    envelope of the image's brightest tissue.
    *Limits*: a point more than some millimetres from the root may lead to another structure; marrow as bright as fat is
    told from it by the dark cortex alone; a fat-suppressed series without a header is not recognised.
    """
    places = sorted(points, key=lambda place: (-place.position_mm[2], tuple(place.side)))
    _check_places(places)
    check_contrast(image)
    places = _by_level(places)
    pixel = in_plane_pixel_mm(image)
    sightings = read_points(look_at_points(places, image.grid), image, image_pixel_mm=pixel)
    rank = {level: n for n, level in enumerate(dict.fromkeys(place.level for place in places))}
    caveats = Quality.FROM_POINT | (Quality.SEQUENCE_UNKNOWN if image.sequence is None else Quality(0))
    assessed = []
    for sighting in sightings:
        own = rank[sighting.pointed.place.level]
        near = [
            other.content
            for other in sightings
            if other is not sighting and other.content is not None and abs(rank[other.pointed.place.level] - own) <= 1
        ]
        assessed.append(assess_sighting(sighting, near, pixel, criteria, caveats))
        if progress is not None:
            progress(len(assessed), len(sightings))
    return StudyAssessment(
        case=case,
        foramina=tuple(assessed),
        sequence=None if image.sequence is None else image.sequence.value,
        scheme=SCHEME,
        version=version("foramgrade"),
        parameters={
            **criteria.parameters(),
            "section_pixel_mm": SECTION_PIXEL_MM,
            "perineural_reach_mm": PERINEURAL_REACH_MM,
            "root_above_point_mm": ROOT_ABOVE_MM,
            "root_spread_mm": list(SPREAD_MM),
            "place_weight_mm2": PLACE_WEIGHT,
            "seek_mm": SEEK_MM,
        },
        inputs=tuple(inputs),
    )


def _check_places(places: Sequence[ForamenPoint]) -> None:
    if not places:
        msg = "found no point, expected one per foramen at least"
        raise InputError(msg)
    seen = set()
    for place in places:
        name = f"{place.level} {place.side}"
        if not np.all(np.isfinite(place.position_mm)):
            msg = f"the point of {name} is {place.position_mm}, expected three numbers in mm"
            raise InputError(msg)
        if (place.level, place.side) in seen:
            msg = f"{name} has two points, expected one per level and side"
            raise InputError(msg)
        seen.add((place.level, place.side))


def _by_level(places: Sequence[ForamenPoint]) -> list[ForamenPoint]:
    """Levels from the top, right before left."""
    levels = list(dict.fromkeys(place.level for place in places))
    return sorted(places, key=lambda place: (levels.index(place.level), place.side.value == "left"))
