"""Whether fat is dark in this image: STIR and fat-saturated series that nothing but the picture gives away.

Muscle has its place beside every lumbar spine and keeps its signal whatever is done to fat. Where fat is bright it
outshines muscle, around the foramina or between and within the muscles, and marrow outshines the disc, which holds no
fat; where fat is suppressed nothing outshines muscle but fluid, and the disc outshines marrow. Tissues are compared at
about the same depth, so that the fall of a surface coil cancels.

A refusal by mistake costs the whole study, so every sign must speak for dark fat before an image is refused. What is
let through is not thereby shown to have bright fat: fluid and vessels may stand in for it further on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foramgrade.anatomy.frame import Frame
from foramgrade.anatomy.spine import Spine, Structure, voxel_positions
from foramgrade.arrays import FloatArray
from foramgrade.findings import Side
from foramgrade.geometry.foramen import Foramen
from foramgrade.perineural.signal import Surroundings
from foramgrade.volume import Volume

#: Distance between the points at which muscle is sampled, mm.
MUSCLE_STEP_MM = 1.5

#: Where the psoas is, mm: lateral to the side of the disc, anterior and superior of the disc's centre. At the height of
#: the disc no lumbar vessels cross it.
PSOAS_BOX_MM = ((5.0, 19.0), (-12.0, 9.0), (-9.0, 9.0))

#: Where multifidus and the medial erector spinae are, mm: lateral to the midline, anterior of the disc's posterior
#: margin (behind the laminae), superior of the disc's centre.
MULTIFIDUS_BOX_MM = ((7.0, 19.0), (-45.0, -27.0), (-12.0, 12.0))

#: A muscle is compared where at least this share of its box is unlabelled and inside the image.
SMALLEST_SHARE = 0.25

#: The muscle itself is the lower quartile of its box: wasted muscle is half fat.
MUSCLE_QUANTILE = 0.25

#: The brightest tissue is this quantile near a foramen, and among the muscles, where fat can be sparse.
NEAR_QUANTILE, AMONG_QUANTILE = 0.90, 0.95

#: Fat may be dark only where marrow is at most this many times as bright as muscle. With bright fat it is 1 to 2 times
#: on T1 and up to 7 times on T2; with fat suppressed only its water shines, 0.5 to 1.8 times.
BRIGHTEST_MARROW = 1.9

#: ... and where nothing around outshines muscle by more than this factor. With fat suppressed, vessels and fluid bring
#: it to 1.4 to 2.3 times. Bright fat reaches 2.4 times and more, but only 1.6 to 2.2 times on T1 where muscle is a
#: little brighter or holds fat: this sign alone cannot tell.
BRIGHTEST_TISSUE = 2.2

#: ... and where marrow is at most this many times as bright as the disc. With bright fat it is 1.5 to 2.5 times on T1
#: unless tumour or sclerosis replaces it; with fat suppressed 0.3 to 0.8 times, unless the discs have lost their water.
BRIGHTEST_MARROW_TO_DISC = 1.0

#: ... and where muscle is at most this many times as bright as the disc. Brighter, muscle holds bright fat: without fat
#: its T2 is the shorter.
BRIGHTEST_MUSCLE = 1.25

#: Fewer foramina than this tell nothing of a whole study.
FEWEST_FORAMINA = 2


@dataclass(frozen=True, slots=True)
class Comparison:
    """Tissue at one foramen, or the median of a study, over the muscle beside it.

    Parameters
    ----------
    marrow : float
        Median of the two vertebrae.
    brightest : float
        Brightest bulk of unlabelled tissue around the foramen or among the muscles; not the canal.
    disc : float
        Median of the disc.
    """

    marrow: float
    brightest: float
    disc: float

    @property
    def fat_is_doubtful(self) -> bool:
        """Whether nothing clearly outshines muscle, as where fat is suppressed, or is lost and marrow is dark."""
        return self.marrow <= BRIGHTEST_MARROW and self.brightest <= BRIGHTEST_TISSUE

    @property
    def fat_is_dark(self) -> bool:
        """Whether every sign says that fat is not bright."""
        return (
            self.fat_is_doubtful
            and self.marrow <= BRIGHTEST_MARROW_TO_DISC * self.disc
            and self.disc * BRIGHTEST_MUSCLE >= 1.0
        )


@dataclass(frozen=True, slots=True, eq=False)
class _DiscTissue:
    """How far a disc reaches to the sides and back in its level's frame, mm, and its intensities in the image."""

    side_mm: float
    back_mm: float
    values: FloatArray


def compare_with_muscle(
    foramina: Sequence[Foramen], surroundings: Sequence[Surroundings | None], *, image: Volume, spine: Spine
) -> list[Comparison]:
    """Compare the tissue at every foramen with the muscles beside it.

    Parameters
    ----------
    foramina : sequence of Foramen
        Where to look.
    surroundings : sequence of Surroundings or None
        Intensities around every opening.
    image : Volume
        The whole image.
    spine : Spine
        The labels, which are no muscle.

    Returns
    -------
    list of Comparison
        Of the foramina with surroundings, a labelled disc, and enough muscle in the image that has a signal.

    Notes
    -----
    *Definition*: muscle is the lower quartile of what is unlabelled in the boxes of psoas and multifidus, their
    geometric mean where both are seen: the foramen lies between them and a coil's sensitivity falls by a factor per
    distance. *Limits*: wasted muscle that is mostly fat, marrow oedema, and discs darker than marrow make a
    fat-suppressed image look like one in which fat is bright: it is not recognised.
    """
    discs: dict[int, _DiscTissue] = {}
    compared = []
    for foramen, around in zip(foramina, surroundings, strict=True):
        structure = foramen.segment.disc
        if around is None or structure is None:
            continue
        if structure.code not in discs:  # the same, in the same frame, left and right
            discs[structure.code] = _sample_disc(structure, foramen.frame, image, spine)
        compared.append(_compare_one(foramen, around, discs[structure.code], image, spine))
    return [comparison for comparison in compared if comparison is not None]


def _sample_disc(structure: Structure, frame: Frame, image: Volume, spine: Spine) -> _DiscTissue:
    positions = voxel_positions(spine, structure.code, structure.box)
    seen, values = _look_up(image.array, image.grid.to_ijk(positions))
    right_mm, front_mm = frame.to_frame(positions)[:, :2].T
    side_mm, back_mm = float(np.quantile(np.abs(right_mm), 0.98)), float(np.quantile(front_mm, 0.02))
    return _DiscTissue(side_mm, back_mm, values[seen].astype(float))


def _compare_one(
    foramen: Foramen, surroundings: Surroundings, disc: _DiscTissue, image: Volume, spine: Spine
) -> Comparison | None:
    muscles = _sample_muscles(foramen, disc, image, spine)
    if not muscles or not len(disc.values):
        return None
    levels = [float(np.quantile(sampled, MUSCLE_QUANTILE)) - surroundings.zero for sampled in muscles]
    if min(levels) <= 0:
        return None
    muscle = float(np.exp(np.mean(np.log(levels))))
    among = [
        (float(np.quantile(sampled, AMONG_QUANTILE)) - surroundings.zero) / level
        for sampled, level in zip(muscles, levels, strict=True)
    ]
    return Comparison(
        marrow=surroundings.marrow / muscle,
        brightest=max(float(np.quantile(surroundings.unlabelled, NEAR_QUANTILE)) / muscle, *among),
        disc=(float(np.median(disc.values)) - surroundings.zero) / muscle,
    )


def pool_comparisons(comparisons: Sequence[Comparison]) -> Comparison | None:
    """Median comparison of a study; None where there are too few to tell.

    Examples
    --------
    >>> stir = Comparison(marrow=0.6, brightest=1.4, disc=1.2)
    >>> pool_comparisons([stir, stir]).fat_is_dark, pool_comparisons([stir])
    (True, None)
    """
    if len(comparisons) < FEWEST_FORAMINA:
        return None
    return Comparison(
        marrow=float(np.median([c.marrow for c in comparisons])),
        brightest=float(np.median([c.brightest for c in comparisons])),
        disc=float(np.median([c.disc for c in comparisons])),
    )


def _sample_muscles(foramen: Foramen, disc: _DiscTissue, image: Volume, spine: Spine) -> list[FloatArray]:
    """Intensities of psoas and of multifidus at the foramen's level and side, where enough of them is seen."""
    frame = foramen.frame
    sign = 1.0 if foramen.side is Side.RIGHT else -1.0
    found: list[FloatArray] = []
    for box, start in ((PSOAS_BOX_MM, (disc.side_mm, 0.0, 0.0)), (MULTIFIDUS_BOX_MM, (0.0, disc.back_mm, 0.0))):
        axes = [np.arange(low, high, MUSCLE_STEP_MM) + first for (low, high), first in zip(box, start, strict=True)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3) * (sign, 1.0, 1.0)
        world = frame.to_world(points)
        # Nearest voxels: interpolation would mend no quantile and the boxes have some thousand points.
        seen, values = _look_up(image.array, image.grid.to_ijk(world))
        labelled, codes = _look_up(spine.codes, spine.grid.to_ijk(world))
        free = seen & ~(labelled & (codes != 0))
        if free.mean() >= SMALLEST_SHARE:
            found.append(values[free].astype(float))
    return found


def _look_up(array: npt.NDArray[np.generic], ijk: FloatArray) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.generic]]:
    """Whether positions lie inside an array, on a finite value, and its values there."""
    nearest = np.rint(ijk).astype(int)
    inside: npt.NDArray[np.bool_] = np.all((nearest >= 0) & (nearest < np.array(array.shape)), axis=-1)
    i, j, k = np.where(inside[:, None], nearest, 0).T
    values = array[i, j, k]
    return inside & np.isfinite(values), values
