"""How the vertebrae of a random spine stand on each other: lordosis, side curves with rotation, slipped bodies."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from foramgrade.arrays import FloatArray
from foramgrade.phantom.spec import USUAL_WEDGES_DEG, LevelSpec

#: Sum of the wedges L1-L2 to L5-S1: mean, standard deviation and range, degrees.
LORDOSIS_DEG = (45.0, 9.0)
LORDOSIS_RANGE_DEG = (20.0, 60.0)
#: Deviation of one level's wedge from its share of the lordosis, and the largest wedge, degrees.
WEDGE_SPREAD_DEG = 1.5
LARGEST_WEDGE_DEG = 25.0

#: Share of spines with a side curve.
SCOLIOSIS_SHARE = 0.25
#: Tilt and twist of the level at the curve's apex, degrees: together a Cobb angle of about 10 to 25 degrees.
APEX_TILT_DEG = (3.5, 8.0)
APEX_TWIST_DEG = (1.0, 5.0)
#: Tilt of every level as a share of that at the apex: the curve fades to its ends and turns back at the sacrum.
CURVES = ((0.5, 0.9, 1.0, 0.5, -0.3), (0.3, 0.7, 1.0, 0.9, -0.1), (0.8, 1.0, 0.7, 0.1, -0.4))
#: Deviation of tilt and of twist of one level, degrees.
TILT_SPREAD_DEG = 1.2
TWIST_SPREAD_DEG = 0.8

#: Translation of a body that has not slipped: standard deviation and range, mm.
USUAL_SLIP_MM = 0.6
USUAL_SLIP_RANGE_MM = (-1.5, 1.5)
#: Share of spines in which one body has slipped, by how much, mm, and on which level, L1-L2 to L5-S1.
LISTHESIS_SHARE = 0.3
LISTHESIS_MM = (3.0, 8.0)
LISTHESIS_LEVELS = (0.03, 0.05, 0.12, 0.6, 0.2)
#: Share of slips that go backward, and how much shorter these are.
RETROLISTHESIS_SHARE = 0.15
RETROLISTHESIS_SCALE = 0.6


def align(levels: Sequence[LevelSpec], rng: np.random.Generator) -> tuple[LevelSpec, ...]:
    """Draw the angles and slips of a spine.

    Parameters
    ----------
    levels : sequence of five LevelSpec
        L1-L2 to L5-S1; their wedges, tilts, twists and slips are replaced.
    rng : numpy.random.Generator
        Source of every choice.

    Returns
    -------
    tuple of LevelSpec
        Total lordosis 20 to 60 degrees with up to 25 at one level; every fourth spine with a side curve, tilted to
        one side and twisted with it; most slips within 1 mm, in three of ten spines one of 3 to 8 mm, mostly at L4-L5.
    """
    wedges = _wedges(rng)
    tilts, twists = _side_curve(rng)
    slips = _slips(rng)
    return tuple(
        replace(
            level,
            wedge_deg=float(wedges[n]),
            side_tilt_deg=float(tilts[n]),
            twist_deg=float(twists[n]),
            slip_mm=float(slips[n]),
        )
        for n, level in enumerate(levels)
    )


def _wedges(rng: np.random.Generator) -> FloatArray:
    usual = np.array(USUAL_WEDGES_DEG)
    lordosis = np.clip(rng.normal(*LORDOSIS_DEG), *LORDOSIS_RANGE_DEG)
    wedges = usual * lordosis / usual.sum() + rng.normal(0.0, WEDGE_SPREAD_DEG, len(usual))
    wedges = np.clip(wedges, 0.0, LARGEST_WEDGE_DEG)
    shared: FloatArray = wedges * min(1.0, LORDOSIS_RANGE_DEG[1] / float(wedges.sum()))
    return shared


def _side_curve(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    tilts = rng.normal(0.0, TILT_SPREAD_DEG, len(USUAL_WEDGES_DEG))
    twists = rng.normal(0.0, TWIST_SPREAD_DEG, len(USUAL_WEDGES_DEG))
    if rng.random() < SCOLIOSIS_SHARE:
        curve = np.array(CURVES[int(rng.integers(len(CURVES)))])
        to_side, turn = rng.choice((-1.0, 1.0), 2)
        tilts = to_side * rng.uniform(*APEX_TILT_DEG) * curve + tilts / 2
        twists = turn * rng.uniform(*APEX_TWIST_DEG) * curve + twists / 2
    return tilts, twists


def _slips(rng: np.random.Generator) -> FloatArray:
    slips = np.clip(rng.normal(0.0, USUAL_SLIP_MM, len(USUAL_WEDGES_DEG)), *USUAL_SLIP_RANGE_MM)
    if rng.random() < LISTHESIS_SHARE:
        level = int(rng.choice(len(slips), p=LISTHESIS_LEVELS))
        slip = rng.uniform(*LISTHESIS_MM)
        backward = rng.random() < RETROLISTHESIS_SHARE
        slips[level] = -RETROLISTHESIS_SCALE * slip if backward else slip
    return slips
