"""Image, signal, root and fat of every foramen that labels close: references are shared over the study."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from foramgrade.anatomy.spine import Spine
from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError
from foramgrade.findings import ForamenPoint, Quality
from foramgrade.geometry.foramen import Foramen, turn_to
from foramgrade.perineural.drawn_root import trace_root
from foramgrade.perineural.reading import Content, expected_brightness, read_content
from foramgrade.perineural.signal import (
    Signal,
    Surroundings,
    find_brightest,
    find_zero,
    fit_signals,
    look_around,
    measure_noise,
    sample_image,
)
from foramgrade.perineural.suppression import (
    BRIGHTEST_MARROW,
    BRIGHTEST_TISSUE,
    compare_with_muscle,
    pool_comparisons,
)
from foramgrade.volume import LabelMap, Volume

#: How a refused user goes on.
CHOOSE = "choose a T1 or T2 series without fat suppression"


#: Where no root shows on the reported section: the weight of leaving it, mm2 of evidence per squared mm.
_LEAVE_WEIGHT = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """What a user knows of the roots of a study.

    Parameters
    ----------
    clicks : tuple of ForamenPoint
        Points in roots, patient (RAS+), mm.
    drawn : LabelMap or None
        Roots that are drawn, any number but 0; on any grid that shares patient space with the image.
    """

    clicks: tuple[ForamenPoint, ...] = ()
    drawn: LabelMap | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What was read of one foramen.

    Parameters
    ----------
    foramen : Foramen
        Its geometry; its chosen section is the one on which root and fat were read.
    image : (H, W) float array or None
        Intensities on that section; None where the image does not cover it.
    content : Content or None
        Root and fat; None where no root was found.
    quality : Quality
        Caveats.
    moved_mm : float
        How far lateral to the section of the smallest area it was read, mm; negative medial.
    traced : bool
        Whether the root is the one that a user drew.
    """

    foramen: Foramen
    image: FloatArray | None
    content: Content | None
    quality: Quality
    moved_mm: float = 0.0
    traced: bool = False


def read_foramina(
    foramina: Sequence[Foramen],
    image: Volume,
    spine: Spine,
    *,
    fat_is_bright: bool = False,
    marks: Marks | None = None,
) -> list[Reading]:
    """Read root and fat of every foramen of a study.

    Parameters
    ----------
    foramina : sequence of Foramen
        With their openings.
    image : Volume
        The series.
    spine : Spine
        The labels.
    fat_is_bright : bool
        Do not refuse an image in which fat is dark against muscle, nor flag one in which it may be.
    marks : Marks or None
        What a user knows of the roots; it wins over what is found.

    Returns
    -------
    list of Reading
        One per foramen, in their order.

    Raises
    ------
    InputError
        If fat is dark against muscle, a click is at no foramen of the labels, or no drawn root lies at one.

    Notes
    -----
    *Definition*: on the reported section, the one of the smallest area. Where no root shows there, or it is drawn on
    others alone, on the section on which most speaks for a root, 0.25 mm2 less for every squared mm of distance, or the
    nearest on which it is drawn.
    """
    marks = marks or Marks()
    pixel_mm = in_plane_pixel_mm(image)
    zero = find_zero(image)
    clicks = _find_clicks(marks.clicks, foramina)
    images = [None if f.chosen is None else sample_image(image, f.sections[f.chosen]) for f in foramina]
    surroundings = [
        None
        if values is None
        else look_around(foramen, values, zero=zero, noise=measure_noise(image, foramen.reported[0]))
        for foramen, values in zip(foramina, images, strict=True)
    ]
    caveats = Quality(0) if fat_is_bright else _judge_fat(foramina, surroundings, image, spine)
    signals = fit_signals(surroundings, brightest=find_brightest(image, zero))
    caveats |= Quality.SEQUENCE_UNKNOWN if image.sequence is None else Quality(0)
    known = list(zip(foramina, images, signals, clicks, strict=True))
    readings = [_read_one(*one, marks.drawn, caveats, pixel_mm, None) for one in known]
    expected = expected_brightness([reading.content for reading in readings if reading.content is not None])
    if expected is not None:
        # Once more, since nerve is one tissue: what the roots in fat show tells the others from what they touch.
        readings = [_read_one(*one, marks.drawn, caveats, pixel_mm, expected) for one in known]
    readings = [
        _read_elsewhere(reading, image, spine, signal, click, marks.drawn, pixel_mm, expected)
        for reading, signal, click in zip(readings, signals, clicks, strict=True)
    ]
    if marks.drawn is not None and not any(reading.traced for reading in readings):
        msg = "none of the drawn roots lies in a foramen that the labels close, expected at least one in the same place"
        raise InputError(msg)
    return readings


def _read_one(
    foramen: Foramen,
    image: FloatArray | None,
    signal: Signal | None,
    click_mm: FloatArray | None,
    drawn: LabelMap | None,
    quality: Quality,
    pixel_mm: float,
    expected: float | None,
) -> Reading:
    """Root and fat on the foramen's chosen section: the root that is drawn there, else the one that is found."""
    if foramen.chosen is None:
        return Reading(foramen, None, None, quality)
    if image is None or np.isnan(image[foramen.openings[foramen.chosen].mask]).any():
        return Reading(foramen, image, None, quality | Quality.NO_IMAGE)
    if signal is None:
        return Reading(foramen, image, None, quality | Quality.FAT_NOT_BRIGHT)
    own = (
        None
        if drawn is None
        else trace_root(
            drawn, *foramen.reported, signal.brightness(image), noise=signal.noise / (signal.fat - signal.zero)
        )
    )
    content = read_content(
        foramen, image, signal, image_pixel_mm=pixel_mm, expected=expected, click_mm=click_mm, drawn=own
    )
    quality |= Quality(0) if content else Quality.ROOT_NOT_FOUND
    return Reading(foramen, image, content, quality, traced=own is not None)


def _read_elsewhere(
    reading: Reading,
    image: Volume,
    spine: Spine,
    signal: Signal | None,
    click_mm: FloatArray | None,
    drawn: LabelMap | None,
    pixel_mm: float,
    expected: float | None,
) -> Reading:
    """The reading of another section, where the chosen one shows no root or a user drew it on others alone."""
    chosen = reading.foramen.chosen
    if chosen is None or signal is None or reading.traced or Quality.NO_IMAGE in reading.quality:
        return reading
    if reading.content is not None and drawn is None:
        return reading
    offsets = reading.foramen.offsets_mm
    caveats = reading.quality & ~Quality.ROOT_NOT_FOUND
    found: list[tuple[bool, float, Reading]] = []
    for n in range(len(reading.foramen.sections)):
        if n == chosen:
            continue
        there = turn_to(reading.foramen, spine, n)
        values = sample_image(image, there.reported[0])
        one = _read_one(there, values, signal, click_mm, drawn, caveats, pixel_mm, expected)
        if one.content is not None:
            cost = _LEAVE_WEIGHT * float(offsets[n] - offsets[chosen]) ** 2
            moved = abs(float(offsets[n])) - abs(float(offsets[chosen]))
            found.append((one.traced, one.content.root.evidence_mm2 - cost, replace(one, moved_mm=moved)))
    best = max(found, key=lambda one: one[:2], default=None)
    if best is None or (reading.content is not None and not best[0]):
        return reading
    return replace(best[2], quality=best[2].quality | Quality.OTHER_SECTION)


def _find_clicks(clicks: Iterable[ForamenPoint], foramina: Sequence[Foramen]) -> list[FloatArray | None]:
    """The click of every foramen, None where there is none."""
    given = {(click.level, click.side): np.array(click.position_mm) for click in clicks}
    known = [(foramen.segment.level, foramen.side) for foramen in foramina]
    for level, side in given:
        if (level, side) not in known:
            names = ", ".join(dict.fromkeys(str(name) for name, _ in known))
            msg = f"a root is marked at {level} {side}, which the labels do not have, expected one of {names}"
            raise InputError(msg)
    return [given.get(one) for one in known]


def _judge_fat(
    foramina: Sequence[Foramen], surroundings: Sequence[Surroundings | None], image: Volume, spine: Spine
) -> Quality:
    """Refuse an image in which fat is dark against muscle, flag one in which it may be; else say nothing."""
    pooled = pool_comparisons(compare_with_muscle(foramina, surroundings, image=image, spine=spine))
    if pooled is None or not pooled.fat_is_doubtful:
        return Quality(0)
    if not pooled.fat_is_dark:
        return Quality.FAT_DOUBTFUL
    msg = (
        f"fat is dark in this image, as in STIR and fat-saturated series: marrow is {pooled.marrow:.2f}, the disc "
        f"{pooled.disc:.2f} and the brightest tissue {pooled.brightest:.2f} times as bright as muscle, expected above "
        f"{BRIGHTEST_MARROW:g} or the disc, or {BRIGHTEST_TISSUE:g}; {CHOOSE}, or say that fat is bright to go on"
    )
    raise InputError(msg)


def in_plane_pixel_mm(image: Volume) -> float:
    """Larger spacing of the image's pixels in the sagittal plane, mm."""
    lateral = image.grid.lateral_axis
    return max(s for axis, s in enumerate(image.grid.spacing_mm) if axis != lateral)
