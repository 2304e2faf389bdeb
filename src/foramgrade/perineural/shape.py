"""Whether the nerve root is deformed: flattened, or much smaller than it should be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from foramgrade.findings import RootShape
from foramgrade.perineural.root import USUAL_ROOT_MM2, Root

#: Where more than this share of the outline cannot be told from its surroundings, the shape is not assessable.
INDISTINCT_LIMIT = 0.6

#: A nerve's cross-section is convex. An outline that fills less than this share of its convex hull is not a nerve's
#: outline but that of several things together, and its shape says nothing.
SOLIDITY_LIMIT = 0.85

#: Standard uncertainty of the aspect, and of the area as a share of the usual one.
ASPECT_UNCERTAINTY, AREA_UNCERTAINTY = 0.2, 0.08

#: Roots nearby replace the usual size when there are at least this many, within this factor of it.
FEWEST_NEAR, LARGEST_DEPARTURE = 3, 1.6


@dataclass(frozen=True, slots=True)
class ShapeFinding:
    """Shape of a root.

    Parameters
    ----------
    shape : RootShape
        Unchanged, changed or not assessable.
    probability : float or None
        Probability that it is changed, 0 to 1; None when not assessable.
    """

    shape: RootShape
    probability: float | None


def is_assessable(root: Root) -> bool:
    """Whether the outline of a root is clear enough to speak of its shape and size."""
    return root.indistinct <= INDISTINCT_LIMIT and root.solidity >= SOLIDITY_LIMIT


def expected_area(near: Sequence[Root]) -> float:
    """Cross-section to expect of a root, from the roots of the other side and of the neighbouring levels.

    Parameters
    ----------
    near : sequence of Root
        The other root of the level and the four of the levels above and below; as many as were found.

    Returns
    -------
    float
        Median area, mm2, of those with a clear outline, kept within a factor of 1.6 of the usual 23.6 mm2; the usual
        area where there are fewer than three.
    """
    areas = [root.area_mm2 for root in near if is_assessable(root)]
    if len(areas) < FEWEST_NEAR:
        return USUAL_ROOT_MM2
    typical = float(np.median(areas))
    return float(np.clip(typical, USUAL_ROOT_MM2 / LARGEST_DEPARTURE, USUAL_ROOT_MM2 * LARGEST_DEPARTURE))


def judge_shape(
    root: Root, *, expected_mm2: float, flattened_aspect: float, collapsed_area_fraction: float
) -> ShapeFinding:
    """Tell whether a root is deformed.

    Parameters
    ----------
    root : Root
        The root on the graded section.
    expected_mm2 : float
        Area to expect, mm2.
    flattened_aspect : float
        From this aspect on a root is flattened.
    collapsed_area_fraction : float
        Below this share of the expected area a root is collapsed.

    Returns
    -------
    ShapeFinding
        Changed when the probability that it is flattened or collapsed is at least one half.

    Notes
    -----
    *Definition*: the two probabilities are normal distribution functions of the distance of aspect and area from their
    limits over their standard uncertainties. *Limits*: neither limit has a published source; both are the product's.
    """
    if not is_assessable(root):
        return ShapeFinding(RootShape.NOT_ASSESSABLE, None)
    flat = float(ndtr((root.aspect - flattened_aspect) / ASPECT_UNCERTAINTY))
    small = float(ndtr((collapsed_area_fraction - root.area_mm2 / expected_mm2) / AREA_UNCERTAINTY))
    changed = 1.0 - (1.0 - flat) * (1.0 - small)
    return ShapeFinding(RootShape.CHANGED if changed >= 0.5 else RootShape.UNCHANGED, changed)
