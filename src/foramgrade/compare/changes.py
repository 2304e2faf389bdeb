"""Foramina of two states, paired: what changed, and whether by more than the measurement's own uncertainty."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from foramgrade.agreement import LIMIT_SDS
from foramgrade.tables.states import StateForamen


class Direction(StrEnum):
    """Change of an area against its own uncertainty."""

    SMALLER = "smaller"
    """Smaller by more than 1.96 standard uncertainties of the difference."""
    WITHIN = "within uncertainty"
    """No change that the measurement could tell."""
    LARGER = "larger"
    """Larger by more than 1.96 standard uncertainties of the difference."""
    UNKNOWN = "uncertainty not known"
    """One of the areas has no stated uncertainty."""


@dataclass(frozen=True, slots=True)
class ForamenChange:
    """One foramen in two states.

    Parameters
    ----------
    before, after : StateForamen
        The foramen in either state.
    """

    before: StateForamen
    after: StateForamen

    @property
    def patient(self) -> str:
        """Whose it is."""
        return self.before.patient

    @property
    def level(self) -> str:
        """Its level."""
        return self.before.level

    @property
    def side(self) -> str:
        """Its side."""
        return self.before.side

    @property
    def change_mm2(self) -> float | None:
        """Area after - area before, mm2; None where one is missing."""
        before, after = self.before.area_mm2, self.after.area_mm2
        return None if before is None or after is None else after - before

    @property
    def change_percent(self) -> float | None:
        """Change in percent of the area before; None where that is missing or 0."""
        change, before = self.change_mm2, self.before.area_mm2
        return None if change is None or not before else 100 * change / before

    @property
    def uncertainty_mm2(self) -> float | None:
        """Standard uncertainty of the change, mm2: root of the sum of both squares; None where one is missing.

        Notes
        -----
        *Limits*: takes the errors of both measurements as independent; what both share (a tool that paints every mask
        too large) cancels in the difference, so that a change is rather told too rarely than too often.
        """
        before, after = self.before.area_u_mm2, self.after.area_u_mm2
        return None if before is None or after is None else math.hypot(before, after)

    @property
    def direction(self) -> Direction | None:
        """Change against its uncertainty; None where an area is missing.

        Examples
        --------
        >>> a = StateForamen("P", "L4-L5", "left", area_mm2=100.0, area_u_mm2=3.0)
        >>> b = StateForamen("P", "L4-L5", "left", area_mm2=90.0, area_u_mm2=4.0)
        >>> ForamenChange(a, b).direction, ForamenChange(b, a).change_percent  # 10 against 1.96 x 5
        (<Direction.SMALLER: 'smaller'>, 11.11111111111111)
        """
        change, uncertainty = self.change_mm2, self.uncertainty_mm2
        if change is None:
            return None
        if uncertainty is None:
            return Direction.UNKNOWN
        if abs(change) <= LIMIT_SDS * uncertainty:
            return Direction.WITHIN
        return Direction.SMALLER if change < 0 else Direction.LARGER

    @property
    def motion_deg(self) -> float | None:
        """Segmental angular motion: difference of the level's angles without its sign; None where one is missing."""
        before, after = self.before.angle_deg, self.after.angle_deg
        return None if before is None or after is None else abs(after - before)


@dataclass(frozen=True, slots=True)
class PairedStates:
    """Foramina of two states.

    Parameters
    ----------
    pairs : tuple of ForamenChange
        Those that are there in both, in the order of the first table.
    only_before, only_after : tuple of StateForamen
        Those without a partner.
    """

    pairs: tuple[ForamenChange, ...]
    only_before: tuple[StateForamen, ...]
    only_after: tuple[StateForamen, ...]


def pair_states(before: Sequence[StateForamen], after: Sequence[StateForamen]) -> PairedStates:
    """Pair foramina by patient, level and side.

    Parameters
    ----------
    before, after : sequence of StateForamen
        Foramina of the two states, each once.

    Returns
    -------
    PairedStates
        Nothing is lost.

    Examples
    --------
    >>> one, two = (StateForamen("P", level, "left") for level in ("L3-L4", "L4-L5"))
    >>> found = pair_states([one, two], [two])
    >>> len(found.pairs), [foramen.level for foramen in found.only_before], found.only_after
    (1, ['L3-L4'], ())
    """
    partners = {_key(foramen): foramen for foramen in after}
    names = {_key(foramen) for foramen in before}
    return PairedStates(
        pairs=tuple(ForamenChange(one, partners[_key(one)]) for one in before if _key(one) in partners),
        only_before=tuple(one for one in before if _key(one) not in partners),
        only_after=tuple(one for one in after if _key(one) not in names),
    )


def _key(foramen: StateForamen) -> tuple[str, str, str]:
    return foramen.patient, foramen.level, foramen.side
