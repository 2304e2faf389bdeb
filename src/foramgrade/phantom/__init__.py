"""Synthetic lumbar spines whose measurements and grades are known by arithmetic; no stage imports them."""

from foramgrade.phantom.making import Phantom, SectionMap, make_labels, make_phantom, map_section
from foramgrade.phantom.numbering import has_canal, has_discs
from foramgrade.phantom.random_specs import random_spec
from foramgrade.phantom.spec import (
    ALL_THE_WAY,
    CLINICAL_2D,
    FINE_2D,
    ISOTROPIC,
    LEVELS,
    ForamenSpec,
    LevelSpec,
    Numbering,
    PhantomSpec,
    Protocol,
    Tissue,
)
from foramgrade.phantom.truth import ForamenTruth, truth_row

__all__ = [
    "ALL_THE_WAY",
    "CLINICAL_2D",
    "FINE_2D",
    "ISOTROPIC",
    "LEVELS",
    "ForamenSpec",
    "ForamenTruth",
    "LevelSpec",
    "Numbering",
    "Phantom",
    "PhantomSpec",
    "Protocol",
    "SectionMap",
    "Tissue",
    "has_canal",
    "has_discs",
    "make_labels",
    "make_phantom",
    "map_section",
    "random_spec",
    "truth_row",
]
