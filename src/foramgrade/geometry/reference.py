"""Published values of foraminal measures, to hold a measurement against; never a grade."""

import math
from dataclasses import dataclass

from foramgrade.findings import Level, Quantity

_CT = "CT of adults of 18 to 35 years, n = 1000 foramina, mid-pedicle"
_STATES = "flexion and extension of volunteers, means without spread"


@dataclass(frozen=True, slots=True)
class Reference:
    """A published value of one quantity.

    Parameters
    ----------
    quantity : Quantity
        Of what.
    levels : tuple of str
        Levels it was published for; empty for all lumbar levels together.
    mean : float
        Published mean, in the quantity's unit.
    sd : float or None
        Published standard deviation; None where none was published.
    source : str
        Who was measured, how, and how many.
    """

    quantity: Quantity
    levels: tuple[str, ...]
    mean: float
    sd: float | None
    source: str


#: Bone on CT encloses another area than labels on MRI do: read a percentile as an order of magnitude.
REFERENCES = (
    Reference(Quantity.AREA, (), 133.0, 34.0, _CT),
    Reference(Quantity.HEIGHT, (), 17.8, 2.7, _CT),
    Reference(Quantity.WIDTH_SUPERIOR, (), 8.7, 2.1, _CT),
    Reference(Quantity.AREA, ("L2-L3",), 167.0, None, f"flexion; {_STATES}"),
    Reference(Quantity.AREA, ("L2-L3",), 107.0, None, f"extension; {_STATES}"),
    Reference(Quantity.AREA, ("L5-S1",), 135.0, None, f"flexion; {_STATES}"),
    Reference(Quantity.AREA, ("L5-S1",), 106.0, None, f"extension; {_STATES}"),
)


def find_references(quantity: Quantity, level: Level) -> tuple[Reference, ...]:
    """Published values of a quantity for a level.

    Parameters
    ----------
    quantity : Quantity
        Of what.
    level : Level
        A lumbar level; for others there are none.

    Returns
    -------
    tuple of Reference
        Those for the level itself first, then those for all lumbar levels together.

    Examples
    --------
    >>> [reference.mean for reference in find_references(Quantity.AREA, Level("L5", "S1"))]
    [135.0, 106.0, 133.0]
    """
    if not level.upper.startswith("L"):
        return ()
    own = tuple(r for r in REFERENCES if r.quantity is quantity and level.name in r.levels)
    return own + tuple(r for r in REFERENCES if r.quantity is quantity and not r.levels)


def find_percentile(value: float, reference: Reference) -> float | None:
    """Share of a normal population below a value, per cent.

    Parameters
    ----------
    value : float
        In the quantity's unit.
    reference : Reference
        With a mean and a standard deviation.

    Returns
    -------
    float or None
        0 to 100, of the normal distribution with the published mean and standard deviation; None where no standard
        deviation was published.

    Examples
    --------
    >>> round(find_percentile(133.0 - 34.0, REFERENCES[0]), 1)
    15.9
    """
    if reference.sd is None:
        return None
    return 50.0 * (1.0 + math.erf((value - reference.mean) / (reference.sd * math.sqrt(2.0))))
