"""A synthetic study with some graded levels and some that the field of view cuts, assessed once."""

from dataclasses import dataclass

import numpy as np
import pytest

from foramgrade.phantom import ForamenSpec, LevelSpec, Phantom, PhantomSpec, Protocol, make_phantom
from foramgrade.pipeline import assess
from foramgrade.tables import StudyAssessment

SMALL = Protocol(pixel_mm=0.6, thickness_mm=4.0, spacing_mm=4.4, n_slices=15, field_mm=(110.0, 130.0))
LEFT, RIGHT = ForamenSpec(area_mm2=90.0, height_mm=16.0), ForamenSpec(area_mm2=130.0)
LEVELS = tuple(LevelSpec(wedge_deg=wedge, left=LEFT, right=RIGHT) for wedge in (4.0, 6.0, 8.0, 11.0, 16.0))


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A phantom and what the pipeline makes of it."""

    phantom: Phantom
    study: StudyAssessment


@pytest.fixture(scope="session")
def case() -> Case:
    spec = PhantomSpec(levels=LEVELS, protocol=SMALL, obliquity_deg=(6.0, -4.0, 7.0), shift_mm=(9.0, -14.0, 30.0))
    phantom = make_phantom(spec, rng=np.random.default_rng(1))
    return Case(phantom, assess(phantom.image, phantom.labels, case="case-1"))
