"""Data sets as iterators of cases: BIDS, RSNA LumbarDISC; and points in foramina from a table."""

from foramgrade.findings import ForamenPoint
from foramgrade.loaders.dataset.bids import read_bids
from foramgrade.loaders.dataset.cases import ForamenRead, Severity, StudyCase
from foramgrade.loaders.dataset.lumbardisc import Part, read_lumbardisc
from foramgrade.loaders.dataset.points import find_doubts, parse_level, read_points

__all__ = [
    "ForamenPoint",
    "ForamenRead",
    "Part",
    "Severity",
    "StudyCase",
    "find_doubts",
    "parse_level",
    "read_bids",
    "read_lumbardisc",
    "read_points",
]
