"""What is fat in this image: reference intensities of fat and of soft tissue near each foramen.

A surface coil makes the same tissue several times brighter near the skin than deep in the body. Fat is therefore
judged against references taken around the same foramen. Where a foramen has no fat of its own left (which is what is
looked for), the reference is carried over from the other foramina of the study: not the intensity itself, but its
ratio to the marrow of the vertebrae beside it, which the coil darkens alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.geometry.foramen import Foramen
from foramgrade.geometry.planes import Part, Section
from foramgrade.volume import Volume

#: Soft tissue and fat are sought up to this far from the opening, mm.
REFERENCE_REACH_MM = 14.0

#: Cerebrospinal fluid is as bright as fat on T2: pixels this near to the canal are not used as references, mm.
CANAL_MARGIN_MM = 2.0

#: Fat must cover at least this area near a foramen to serve as its own reference, mm2.
SMALLEST_FAT_MM2 = 30.0

#: What is bright near a foramen is fat when it is at least this bright against the marrow of the vertebrae: marrow is
#: half fat in adults and nearly all fat in the old, muscle is at most 0.6 of it.
SMALLEST_FAT_TO_MARROW = 0.8

#: Elsewhere in the image something is fat when it outshines the marrow by this factor.
OUTSHINING_MARROW = 1.15

#: Fat over marrow where no fat is near: on T1 and T2 spin echo 1.3-2 in adults.
USUAL_FAT_TO_MARROW = 1.6

#: Marrow darker than the study's by more than this factor, in surroundings that outshine it by more than this factor
#: above the usual, is no yardstick: sclerosis, cement, or the signal void of screws.
UNUSUAL_MARROW = 2.0

#: Fat must be at least this many times as bright as soft tissue, or the series cannot be fat-bright.
SMALLEST_FAT_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Signal:
    """Reference intensities at one foramen, in the image's own units.

    Parameters
    ----------
    zero : float
        Intensity of no signal.
    fat, soft : float
        Typical intensity of fat and of soft tissue.
    noise : float
        Standard deviation of the noise.
    """

    zero: float
    fat: float
    soft: float
    noise: float

    @property
    def contrast_to_noise(self) -> float:
        """(fat - soft) / noise; infinite for a noise-free image."""
        return (self.fat - self.soft) / self.noise if self.noise > 0 else float("inf")

    @property
    def relative_noise(self) -> float:
        """Noise / (fat - soft)."""
        return self.noise / (self.fat - self.soft)

    def brightness(self, intensities: FloatArray) -> FloatArray:
        """Intensities between no signal (0) and fat (1); places outside the image (NaN) count as no signal."""
        scaled: FloatArray = np.clip((intensities - self.zero) / (self.fat - self.zero), 0.0, None)
        return np.nan_to_num(scaled)


def fat_fraction(brightness: FloatArray, root_brightness: float) -> FloatArray:
    """Share of fat, 0 to 1, that explains a brightness as a mixture of nerve and fat.

    Parameters
    ----------
    brightness : array
        Intensity between no signal (0) and fat (1).
    root_brightness : float
        Brightness of the nerve root; kept within what nerve can be, 0.1 to 0.65.

    Returns
    -------
    array
        Same shape.

    Examples
    --------
    >>> fat_fraction(np.array([0.1, 0.4, 0.7, 1.2]), 0.4).round(2).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    nerve = nerve_brightness(root_brightness)
    share: FloatArray = np.clip((brightness - nerve) / (1.0 - nerve), 0.0, 1.0)
    return share


def nerve_brightness(root_brightness: float) -> float:
    """Brightness of nerve: that of the root, kept within what nerve can be beside fat, also in thick slices."""
    return min(max(root_brightness, 0.1), 0.65)


def find_zero(image: Volume) -> float:
    """Intensity of no signal: the 0.5th percentile of the image, which is air or cortical bone."""
    return _percentile(image, 0.5)


def _percentile(image: Volume, percent: float) -> float:
    """Of the image's finite intensities; a resampled image may hold NaN where it was not measured."""
    values: npt.NDArray[Any] = image.array[::2, ::2, ::2]
    if not np.issubdtype(values.dtype, np.integer):
        values = values[np.isfinite(values)]
    return float(np.percentile(values, percent)) if values.size else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """Intensities around one foramen, above the intensity of no signal.

    Parameters
    ----------
    zero : float
        Intensity of no signal.
    unlabelled : (N,) float array
        Soft tissue and fat in and around the opening.
    marrow : float
        Median intensity of the two vertebrae on the section.
    pixel_mm : float
        Edge of a pixel, mm.
    noise : float
        Standard deviation of the noise.
    """

    zero: float
    unlabelled: FloatArray
    marrow: float
    pixel_mm: float
    noise: float


#: A position this close to the middle of a slice lies on it, slices.
ON_SLICE = 0.02


def sample_image(image: Volume, section: Section) -> FloatArray | None:
    """Intensities of an image on a section by linear interpolation.

    Parameters
    ----------
    image : Volume
        On any grid.
    section : Section
        Where to sample.

    Returns
    -------
    (H, W) float array or None
        NaN outside the image and where it lacks a slice; None where it covers less than half of the section.
    """
    values, outside = sample_plane(image, section.positions_mm)
    return None if outside.mean() > 0.5 else values


def sample_plane(image: Volume, positions_mm: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Intensities of an image on a part of a plane by linear interpolation.

    Parameters
    ----------
    image : Volume
        On any grid.
    positions_mm : (H, W, 3) float array
        World positions (RAS+), equally spaced, mm.

    Returns
    -------
    values : (H, W) float array
        NaN outside the image and where it lacks a slice.
    outside : (H, W) bool array
        Where that is.
    """
    ijk = np.moveaxis(image.grid.to_ijk(positions_mm), -1, 0)
    outside = _are_outside(ijk, image.grid.shape)
    for blank in image.blank_slices:  # between a slice and a missing one there is nothing to interpolate
        outside |= np.abs(ijk[2] - blank) < 1.0 - ON_SLICE
    if outside.all():
        return np.full(outside.shape, np.nan), outside
    crop, first = _crop(image, positions_mm)
    values: FloatArray = ndimage.map_coordinates(crop, ijk - first[:, None, None], order=1, mode="nearest")
    values[outside] = np.nan
    return values, outside


def _are_outside(ijk: FloatArray, shape: tuple[int, ...]) -> BoolArray:
    """Whether the points (3, H, W) of a part of a plane are outside a grid; between corners that are inside none is."""
    size = np.array(shape)[:, None, None]

    def beyond(points: FloatArray) -> BoolArray:
        found: BoolArray = np.any((points < -0.5) | (points > size - 0.5), axis=0)
        return found

    corners = ijk[:, [[0, 0], [-1, -1]], [[0, -1], [0, -1]]]
    return beyond(ijk) if beyond(corners).any() else np.zeros(ijk.shape[1:], bool)


def measure_noise(image: Volume, section: Section) -> float:
    """Standard deviation of the noise in the image's own voxels around a section.

    Parameters
    ----------
    image : Volume
        On any grid.
    section : Section
        Where to look.

    Returns
    -------
    float
        Noise, in the image's units; 0 where too few voxels are at hand.
    """
    crop, _ = _crop(image, section.positions_mm)
    return estimate_noise(np.moveaxis(crop, int(np.argmin(image.grid.spacing_mm)), 0))


def estimate_noise(values: FloatArray) -> float:
    """Standard deviation of the noise from second differences along the first axis, robust to edges.

    Parameters
    ----------
    values : (N, ...) float array
        Intensities of neighbouring voxels, not interpolated: interpolation averages noise.

    Returns
    -------
    float
        Noise, in the image's units; 0 where fewer than a hundred differences are at hand.

    Notes
    -----
    *Definition*: 1.4826 x median absolute second difference, over the root of 6, the noise gain of (1, -2, 1).
    """
    differences = np.abs(values[2:] - 2 * values[1:-1] + values[:-2]).ravel(order="K")
    known = np.isfinite(differences)
    if not known.all():
        differences = differences[known]
    if differences.size < 100:
        return 0.0
    return float(1.4826 * np.median(differences, overwrite_input=True) / np.sqrt(6.0))


def _crop(image: Volume, positions_mm: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Voxels around a part of a plane, and the index of the first."""
    ijk = image.grid.to_ijk(positions_mm[[0, 0, -1, -1], [0, -1, 0, -1]])
    first = np.clip(np.floor(ijk.min(axis=0)).astype(int) - 1, 0, np.array(image.grid.shape) - 1)
    last = np.clip(np.ceil(ijk.max(axis=0)).astype(int) + 2, first + 1, image.grid.shape)
    crop = image.array[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
    values = crop.astype(float)
    values[np.isinf(values)] = np.nan  # neither can be interpolated
    return values, first


def look_around(foramen: Foramen, image: FloatArray, *, zero: float, noise: float) -> Surroundings | None:
    """Intensities around a foramen on its reported section.

    Parameters
    ----------
    foramen : Foramen
        With a chosen section.
    image : (H, W) float array
        Intensities on that section.
    zero : float
        Intensity of no signal.
    noise : float
        Standard deviation of the noise.

    Returns
    -------
    Surroundings or None
        None where nothing is unlabelled or no vertebra is in the image.
    """
    if foramen.chosen is None:
        return None
    section, opening = foramen.sections[foramen.chosen], foramen.openings[foramen.chosen]
    seen = np.isfinite(image)
    near = ndimage.distance_transform_edt(~opening.mask) * section.pixel_mm <= REFERENCE_REACH_MM
    free = seen & near & (section.parts == Part.FREE) & ~_near_canal(section)
    bone = seen & ((section.parts == Part.UPPER) | (section.parts == Part.LOWER))
    bone = ndimage.binary_erosion(bone, iterations=max(1, round(1.0 / section.pixel_mm)))
    if free.sum() < 100 or bone.sum() < 100:
        return None
    marrow = float(np.median(image[bone])) - zero
    return Surroundings(zero, image[free] - zero, marrow, section.pixel_mm, noise)


def fit_signals(surroundings: Sequence[Surroundings | None], *, brightest: float) -> list[Signal | None]:
    """Reference intensities of every foramen of a study.

    Parameters
    ----------
    surroundings : sequence of Surroundings or None
        One per foramen.
    brightest : float
        Intensity of the brightest tissue of the whole image, above no signal.

    Returns
    -------
    list of Signal or None
        None where nothing is known, or where no tissue is bright enough to be fat.

    Notes
    -----
    *Definition*: intensities over the local marrow are pooled over the study and split in two by Otsu's threshold; the
    study's fat and soft tissue are the 75th and 50th percentile of the bright and the dark part. A foramen keeps its
    own percentiles where it has at least `SMALLEST_FAT_MM2` of bright tissue around it.
    Where nothing near any foramen is about as bright as marrow, all fat is lost or suppressed: if other tissue of the
    image outshines the marrow, fat is taken to be `USUAL_FAT_TO_MARROW` times as bright as marrow.
    Marrow that is unusually dark (`UNUSUAL_MARROW`) is replaced by the study's median, or one level with screws would
    set the references of all others.
    """
    surroundings = _with_usual_marrow(surroundings)
    known = [s.unlabelled / s.marrow for s in surroundings if s is not None and s.marrow > 0]
    if not known:
        return [None] * len(surroundings)
    pooled = np.concatenate(known)
    threshold = split_in_two(pooled)
    fat, soft = _references(pooled, threshold)
    signals: list[Signal | None] = []
    for s in surroundings:
        near = None if s is None or s.marrow <= 0 else _references_near(s, threshold, (fat, soft), brightest)
        if s is None or near is None:
            signals.append(None)
        else:
            signals.append(Signal(s.zero, s.zero + near[0] * s.marrow, s.zero + near[1] * s.marrow, s.noise))
    return signals


def _references_near(
    s: Surroundings, threshold: float, study: tuple[float, float], brightest: float
) -> tuple[float, float] | None:
    """Fat and soft tissue at one foramen over its marrow; None where nothing is bright enough to be fat."""
    own = s.unlabelled / s.marrow
    bright_mm2 = float((own > threshold).sum()) * s.pixel_mm**2
    fat, soft = _references(own, threshold) if bright_mm2 >= SMALLEST_FAT_MM2 else study
    if fat < SMALLEST_FAT_TO_MARROW:
        if brightest < OUTSHINING_MARROW * s.marrow:
            return None
        fat, soft = USUAL_FAT_TO_MARROW, float(np.median(own))
    return (fat, soft) if fat >= SMALLEST_FAT_RATIO * soft else None


def _with_usual_marrow(surroundings: Sequence[Surroundings | None]) -> list[Surroundings | None]:
    """The surroundings with the study's median marrow where a foramen's own is unusually dark."""
    known = [s for s in surroundings if s is not None and s.marrow > 0]
    if not known:
        return list(surroundings)
    marrow, usual = float(np.median([s.marrow for s in known])), float(np.median([_outshone(s) for s in known]))

    def is_unusual(s: Surroundings) -> bool:
        # A coil darkens marrow and its surroundings alike; only where the two part is the marrow itself unusual.
        return 0 < s.marrow * UNUSUAL_MARROW < marrow and _outshone(s) > UNUSUAL_MARROW * usual

    return [replace(s, marrow=marrow) if s is not None and is_unusual(s) else s for s in surroundings]


def _outshone(s: Surroundings) -> float:
    """How many times brighter than its marrow the brightest twentieth around a foramen is."""
    return float(np.quantile(s.unlabelled, 0.95)) / s.marrow


def find_brightest(image: Volume, zero: float) -> float:
    """Intensity of the image's brightest tissue above no signal: the 99th percentile."""
    return _percentile(image, 99) - zero


def split_in_two(values: FloatArray) -> float:
    """Otsu's threshold: the split into a dark and a bright part with the largest variance between the two.

    Values that are all the same are all dark: the threshold is that value.

    References
    ----------
    Otsu N. A threshold selection method from gray-level histograms. IEEE Trans Syst Man Cybern 1979;9:62-66,
    doi 10.1109/TSMC.1979.4310076.
    """
    values = np.clip(values, None, np.quantile(values, 0.995))
    if values.min() == values.max():
        return float(values[0])
    counts, edges = np.histogram(values, bins=128)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(edges[1 + int(np.nanargmax(between[:-1]))])


def _references(values: FloatArray, threshold: float) -> tuple[float, float]:
    bright = values > threshold
    if not bright.any() or bright.all():
        return float(np.max(values)), float(np.min(values))
    return float(np.quantile(values[bright], 0.75)), float(np.median(values[~bright]))


def _near_canal(section: Section) -> BoolArray:
    canal: BoolArray = section.parts == Part.CANAL
    if not canal.any():
        return canal
    near: BoolArray = ndimage.distance_transform_edt(~canal) * section.pixel_mm <= CANAL_MARGIN_MM
    return near
