"""Whether the nerve root is deformed: flattened, or much smaller than it should be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from foramgrade.findings import RootShape
from foramgrade.perineural.root import Root

#: Where more than this share of the outline cannot be told from its surroundings, the shape is not assessable.
INDISTINCT_LIMIT = 0.67

#: Where the logarithm of area or aspect is less certain than this, the shape is not assessable.
UNCERTAIN_LIMIT = 0.45

#: A nerve's cross-section is convex. An outline that fills less than this share of its convex hull is not a nerve's
#: outline but that of several things together, and its shape says nothing.
SOLIDITY_LIMIT = 0.85

#: What the fit does not know of: standard deviations of the logarithm of the aspect (roots are no ellipses, and cut
#: obliquely), and of the area against the expected one (roots of one patient differ).
ASPECT_SPREAD, AREA_SPREAD = 0.10, 0.15

#: How likely deformed roots are beside undeformed ones by the number of borders on which the fat is lost, as odds: what
#: presses a root out of shape lies against it. The product's own.
PRIOR_ODDS = (0.02, 0.04, 0.25, 0.5, 1.0)

#: How often an outline of unusual shape is not the root's, within a labelled opening and around a mere point. However
#: odd the outline, a root is not called deformed with more certainty than this leaves. The product's own.
MISTAKEN, MISTAKEN_AROUND_POINT = 0.05, 0.15

#: Roots nearby move the expected size by at most this factor; as many as this count as much as the usual size.
LARGEST_DEPARTURE, USUAL_COUNTS = 1.6, 1.0


def expected_change(n_lost: int) -> float:
    """Probability, 0 to 1, that a root whose shape is not seen is deformed, by the number of borders without fat.

    Examples
    --------
    >>> [round(expected_change(n), 2) for n in range(5)]
    [0.02, 0.04, 0.2, 0.33, 0.5]
    """
    return PRIOR_ODDS[n_lost] / (1.0 + PRIOR_ODDS[n_lost])


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
    certain = max(root.area_u, root.aspect_u) <= UNCERTAIN_LIMIT
    return certain and root.indistinct <= INDISTINCT_LIMIT and root.solidity >= SOLIDITY_LIMIT


def expected_area(usual_mm2: float, near: Sequence[tuple[Root, float]]) -> float:
    """Cross-section to expect of a root, from the roots of the other side and of the neighbouring levels.

    Parameters
    ----------
    usual_mm2 : float
        Usual area of this root, mm2.
    near : sequence of tuple of Root and float
        The other root of the level and the four of the levels above and below, as many as were found; each with the
        usual area of its level, mm2.

    Returns
    -------
    float
        The usual area, mm2, times a factor within 1.6: the median of what is found over what is usual among those with
        a clear outline, drawn towards 1 where they are few.

    Examples
    --------
    >>> expected_area(20.0, [])
    20.0
    """
    found = [np.log(root.area_mm2 / usual) for root, usual in near if is_assessable(root)]
    if not found:
        return usual_mm2
    typical = float(np.median(found)) * len(found) / (len(found) + USUAL_COUNTS)
    return usual_mm2 * float(np.exp(np.clip(typical, -np.log(LARGEST_DEPARTURE), np.log(LARGEST_DEPARTURE))))


def judge_shape(
    root: Root,
    *,
    expected_mm2: float,
    flattened_aspect: float,
    collapsed_area_fraction: float,
    n_lost: int,
    mistaken: float = MISTAKEN,
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
    n_lost : int
        Number of borders on which the fat is lost.
    mistaken : float
        Probability that an odd outline is not the root's.

    Returns
    -------
    ShapeFinding
        Changed when the probability that it is flattened or collapsed is at least one half.

    Notes
    -----
    *Definition*: the two probabilities are normal distribution functions of the logarithms of aspect and area over
    their limits, divided by their standard uncertainties: that of the outline and that of what is usual. The odds that
    either holds are multiplied by those of `PRIOR_ODDS`. *Limits*: neither the limits nor the odds have a published
    source; they are the product's.
    """
    if not is_assessable(root):
        return ShapeFinding(RootShape.NOT_ASSESSABLE, None)
    flat = np.log(root.aspect / flattened_aspect) / np.hypot(root.aspect_u, ASPECT_SPREAD)
    small = np.log(collapsed_area_fraction * expected_mm2 / root.area_mm2) / np.hypot(root.area_u, AREA_SPREAD)
    neither, odds = max(float(ndtr(-flat) * ndtr(-small)), mistaken), PRIOR_ODDS[n_lost]
    changed = odds * (1.0 - neither) / (odds * (1.0 - neither) + neither)
    return ShapeFinding(RootShape.CHANGED if changed >= 0.5 else RootShape.UNCHANGED, changed)
