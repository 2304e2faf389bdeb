"""How well two sets of measurements of the same things agree."""

from foramgrade.agreement.limits import LIMIT_SDS, Interval, LimitsOfAgreement, find_limits

__all__ = ["LIMIT_SDS", "Interval", "LimitsOfAgreement", "find_limits"]
