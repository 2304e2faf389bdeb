"""Reading the perineural fat around a point that somebody placed in a foramen, where nothing is labelled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.findings import Quality
from foramgrade.geometry.planes import Part, Section
from foramgrade.geometry.pointed import Pointed
from foramgrade.perineural.borders import Bounds, show_sides
from foramgrade.perineural.envelope import Envelope, fat_outshines, fit_envelope, signal_near
from foramgrade.perineural.marrow import find_bone, find_bulk, measure_marrow
from foramgrade.perineural.reading import Content, expected_brightness, read_section
from foramgrade.perineural.root import usual_area
from foramgrade.perineural.seeking import BAND_MM, Ground, excess_of_one_side
from foramgrade.perineural.signal import SMALLEST_FAT_RATIO, Signal, find_zero, measure_noise, sample_image
from foramgrade.volume import Volume

#: The root lies this far above the point, mm, with these standard deviations upwards, forwards and sideways: people
#: mark the middle of the foramen or the root itself.
ROOT_ABOVE_MM, SPREAD_MM = 2.5, (4.0, 3.5, 3.0)

#: Weight of leaving that place, mm2 of evidence per squared standard deviation.
PLACE_WEIGHT = 1.0

#: The same of leaving the point's own section: whoever places a point looks at its slice.
SECTION_WEIGHT = 2.5

#: The root is sought up to this far from the point, mm.
SEEK_MM = 11.0

#: Below the point, tissue as bright as nerve counts less and less down to this credit, this far below, mm: there the
#: disc bulges.
LOWEST_CREDIT, CREDIT_FALL_MM = 0.6, 6.0

#: Tissue as bright as nerve counts for so much where it belongs to a structure larger than any root.
BULK_CREDIT = 0.3

#: Candidates for the root on each section, and by how much less evidence, mm2, one is e times less probable.
MOST_CANDIDATES, EVIDENCE_SCALE_MM2 = 4, 1.5

#: Brightness of nerve before that of the study's roots is known.
USUAL_NERVE = 0.4

#: A point this near to the edge of the image, mm, leaves no room for a foramen.
EDGE_MM = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One structure around a point that may be the root.

    Parameters
    ----------
    section : Section
        The section on which it was seen.
    image : (H, W) float array
        Intensities on it.
    content : Content
        Root and fat, were it the root.
    weight : float
        Probability that it is, among the candidates, 0 to 1.
    """

    section: Section
    image: FloatArray
    content: Content
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What was seen around one point.

    Parameters
    ----------
    pointed : Pointed
        The point and its sections.
    section : Section or None
        The point's own section; None where the image does not cover the point.
    image : (H, W) float array or None
        Intensities on it.
    candidates : tuple of Candidate
        What may be the root, most probable first; empty where none was found.
    quality : Quality
        Caveats.
    """

    pointed: Pointed
    section: Section | None
    image: FloatArray | None
    candidates: tuple[Candidate, ...]
    quality: Quality

    @property
    def content(self) -> Content | None:
        """Root and fat of the most probable candidate; None where there is none."""
        return self.candidates[0].content if self.candidates else None


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """One section around a point: intensities, their references, distance from the point in mm, what is labelled."""

    section: Section
    image: FloatArray
    signal: Signal | None
    distance_mm: float
    labelled: BoolArray


def read_points(
    pointed: Sequence[Pointed],
    image: Volume,
    *,
    image_pixel_mm: float,
    expected: float | None = None,
    labelled: Callable[[Section], BoolArray] | None = None,
) -> list[Sighting]:
    """Find root and fat around points.

    Parameters
    ----------
    pointed : sequence of Pointed
        Points of one patient, with their sections.
    image : Volume
        The series.
    image_pixel_mm : float
        Spacing of the image's own pixels in the sagittal plane, mm.
    expected : float or None
        Brightness of nerve in this study, where it is known; else it is taken from the roots that are found.
    labelled : callable or None
        Tells which pixels of a section are labelled, where something is: they are neither root nor fat.

    Returns
    -------
    list of Sighting
        One per point.

    Notes
    -----
    *Definition*: the `MOST_CANDIDATES` likeliest places of each section are candidates. Weights fall by e for each
    `EVIDENCE_SCALE_MM2` that less speaks for one than for the best, its distance from the point counted. Fat on one
    side alone speaks for no candidate: it is what the border of any tissue shows.
    """
    zero = find_zero(image)
    points = np.array([point.place.position_mm for point in pointed])
    envelope = fit_envelope(image, points, zero=zero)
    views = [_view(point, image, envelope, labelled) for point in pointed]
    signals = [one.signal for seen in views for one in seen if one.signal is not None]
    if not fat_outshines(signals, SMALLEST_FAT_RATIO):
        return [_blind(point, seen) for point, seen in zip(pointed, views, strict=True)]
    marrow = _marrow_of(pointed, views)
    first = [
        _look_for(point, seen, image_pixel_mm, marrow, expected, most=1)
        for point, seen in zip(pointed, views, strict=True)
    ]
    expected = expected or expected_brightness([one.content for one in first if one.content is not None])
    return [
        _look_for(point, seen, image_pixel_mm, marrow, expected, most=MOST_CANDIDATES)
        for point, seen in zip(pointed, views, strict=True)
    ]


def _marrow_of(pointed: Sequence[Pointed], views: Sequence[Sequence[_Look]]) -> float | None:
    """Brightness of marrow, from the nearest section of every point."""
    nearest = [(point, looks[0]) for point, looks in zip(pointed, views, strict=True) if looks]
    known = [(look.signal.brightness(look.image), point.at) for point, look in nearest if look.signal is not None]
    return measure_marrow(known, nearest[0][1].section.pixel_mm) if known else None


def _view(
    pointed: Pointed,
    image: Volume,
    envelope: Envelope | None,
    labelled: Callable[[Section], BoolArray] | None,
) -> list[_Look]:
    looks = []
    for section, distance in zip(pointed.sections, pointed.distances_mm, strict=True):
        values = sample_image(image, section)
        if values is None or not _covers(values, pointed.at, section.pixel_mm):
            continue
        noise = measure_noise(image, section)
        signal = None if envelope is None else signal_near(envelope, section, values, pointed.at, noise=noise)
        known = np.zeros(values.shape, bool) if labelled is None else labelled(section)
        looks.append(_Look(section, values, signal, distance, known))
    return looks


def _covers(values: FloatArray, at: tuple[float, float], pixel_mm: float) -> bool:
    """Whether the image covers the surroundings of a point."""
    rows, columns = np.indices(values.shape)
    near = np.hypot(rows - at[0], columns - at[1]) * pixel_mm <= EDGE_MM
    return not np.isnan(values[near]).any()


def _blind(pointed: Pointed, looks: Sequence[_Look]) -> Sighting:
    """A point around which fat cannot be told."""
    if not looks:
        return Sighting(pointed, None, None, (), pointed.quality | Quality.NO_IMAGE)
    return Sighting(pointed, looks[0].section, looks[0].image, (), pointed.quality | Quality.FAT_NOT_BRIGHT)


def _look_for(
    pointed: Pointed,
    looks: Sequence[_Look],
    image_pixel_mm: float,
    marrow: float | None,
    expected: float | None,
    *,
    most: int,
) -> Sighting:
    """What may be the root on the sections around a point."""
    known = [look for look in looks if look.signal is not None]
    if not known:
        return _blind(pointed, looks)
    found: list[tuple[float, _Look, Content]] = []
    for look in known:
        cost = SECTION_WEIGHT * (look.distance_mm / SPREAD_MM[2]) ** 2
        # Where one is asked for, what less speaks for than for the best so far need not be outlined.
        least = max(score for score, _, _ in found) + cost if found and most == 1 else 0.0
        contents = _read(look, pointed, image_pixel_mm, marrow, expected, most, least)
        found += [(_evidence(content) - cost, look, content) for content in contents]
    if not found:
        return Sighting(pointed, known[0].section, known[0].image, (), pointed.quality | Quality.ROOT_NOT_FOUND)
    scores = np.array([score for score, _, _ in found])
    weights = np.exp((scores - scores.max()) / EVIDENCE_SCALE_MM2)
    weights /= weights.sum()
    candidates = [
        Candidate(look.section, look.image, content, float(weight))
        for weight, (_, look, content) in zip(weights, found, strict=True)
    ]
    candidates.sort(key=lambda one: -one.weight)
    return Sighting(pointed, known[0].section, known[0].image, tuple(candidates), pointed.quality)


def _evidence(content: Content) -> float:
    """What speaks for a candidate, mm2; fat on a single side of it speaks for a border, not for a root."""
    root = content.root
    excess = excess_of_one_side(show_sides(content.profile, BAND_MM), root.area_mm2, content.usual_mm2)
    return root.evidence_mm2 - excess


def _read(
    look: _Look,
    pointed: Pointed,
    image_pixel_mm: float,
    marrow: float | None,
    expected: float | None,
    most: int,
    least_mm2: float,
) -> list[Content]:
    if look.signal is None:
        return []
    section, brightness = look.section, look.signal.brightness(look.image)
    nerve = USUAL_NERVE if expected is None else expected
    bone = find_bone(brightness, marrow, nerve, section.pixel_mm, at=pointed.at)
    bone |= look.labelled
    free = np.isfinite(look.image) & ~bone
    parts = np.where(bone, np.uint8(Part.UPPER), section.parts)
    return read_section(
        brightness,
        ground_of_point(pointed.at, free, section.pixel_mm, bulk=find_bulk(brightness, nerve, section.pixel_mm)),
        Bounds(free, look.labelled, parts, closed=False),
        look.signal,
        pixel_mm=section.pixel_mm,
        image_pixel_mm=image_pixel_mm,
        usual_mm2=usual_area(pointed.place.level),
        expected=expected,
        most=most,
        least_mm2=least_mm2,
    )


def ground_of_point(at: tuple[float, float], free: BoolArray, pixel_mm: float, *, bulk: BoolArray) -> Ground:
    """Where a root may lie around a point.

    Parameters
    ----------
    at : tuple of two float
        Row and column of the point; axes (superior, anterior).
    free : (H, W) bool array
        Pixels inside the image that are no bone.
    pixel_mm : float
        Edge of a pixel, mm.
    bulk : (H, W) bool array
        Pixels of structures larger than any root.

    Returns
    -------
    Ground
        A disc around the point; a centre costs the more, the further it is from a little above the point.
    """
    up = (np.arange(free.shape[0], dtype=float)[:, None] - at[0]) * pixel_mm
    forward = (np.arange(free.shape[1], dtype=float)[None, :] - at[1]) * pixel_mm
    cost = PLACE_WEIGHT * (((up - ROOT_ABOVE_MM) / SPREAD_MM[0]) ** 2 + (forward / SPREAD_MM[1]) ** 2)
    fall = np.clip(1.0 + (1.0 - LOWEST_CREDIT) * up / CREDIT_FALL_MM, LOWEST_CREDIT, 1.0)
    allowed = free & (np.hypot(up, forward) <= SEEK_MM)
    return Ground(allowed, cost, fall * np.where(bulk, BULK_CREDIT, 1.0), closed=False)
