"""A study with one foramen of every kind: graded, graded and deformed, and without any section."""

import numpy as np
import pytest

from foramgrade.findings import (
    Border,
    BorderFinding,
    BorderState,
    Evidence,
    ForamenAssessment,
    Grade,
    Level,
    Neighbour,
    PerineuralFindings,
    Policy,
    Quality,
    Quantity,
    RootShape,
    Side,
)
from foramgrade.tables import StudyAssessment

PROBABILITIES = (0.01, 0.87654321, 0.1, 0.01345679)


def make_evidence() -> Evidence:
    """Four sections, on one of which the opening was not closed."""
    shape = (3, 4)
    return Evidence(
        parts=np.zeros(shape, np.uint8),
        opening=np.ones(shape, bool),
        pixel_mm=0.5,
        offsets_mm=np.array([-6.0, -2.0, 2.0, 6.0]),
        areas_mm2=np.array([110.0, 88.12345678, np.nan, 95.0]),
        profile_mm=np.array([2.0, 0.0, 1.0 / 3.0, -0.0]),
    )


def make_graded() -> ForamenAssessment:
    """Lee 1 on the right of L4-L5, measured."""
    lost, kept = BorderState.LOST, BorderState.PRESERVED
    borders = {
        Border.SUPERIOR: BorderFinding(kept, 2.004, 0.21, 1.0),
        Border.POSTERIOR: BorderFinding(lost, 0.1, 0.2, 0.05, Neighbour.SOFT_TISSUE),
        Border.INFERIOR: BorderFinding(BorderState.THIN, 0.8, 0.2, 0.9),
        Border.ANTERIOR: BorderFinding(lost, 0.0, 0.2, 0.0, Neighbour.DISC),
    }
    measurements = {
        Quantity.AREA: 88.126,
        Quantity.HEIGHT: 16.999,
        Quantity.VOLUME: 1234.56,
        Quantity.ASYMMETRY: -0.04567,
        Quantity.NERVE_OCCUPANCY: 0.25,
        Quantity.FAT_SUPERIOR: 2.004,
        Quantity.FAT_ANTERIOR: -0.0,
    }
    reason = "Fat lost anteriorly and posteriorly (transverse): Lee 1, mild."
    return ForamenAssessment(
        Level("L4", "L5"),
        Side.RIGHT,
        Quality.RING_SEALED | Quality.LOW_CONTRAST,
        (reason, "The ring was open\nby 2 mm."),
        Grade(
            1, Policy.FLOOR, True, reason, "C24", 2, "Normal/Mild", 0.87654321, 2, (0.01, 0.87654321, 0.1, 0.01345679)
        ),
        measurements,
        PerineuralFindings(borders, RootShape.UNCHANGED, 0.02),
        n_sections=4,
        section_mm=(-21.25, 3.0, -104.126),
        evidence=make_evidence(),
    )


def make_blank() -> ForamenAssessment:
    """Nothing is known of the left of L4-L5."""
    return ForamenAssessment(
        Level("L4", "L5"),
        Side.LEFT,
        Quality.NO_SECTION,
        (),
        Grade(None, Policy.FLOOR, None, "Not gradable: no section shows this foramen."),
    )


@pytest.fixture
def study() -> StudyAssessment:
    """Two foramina, inputs and a scheme given with their folders, numbers from several libraries."""
    return StudyAssessment(
        "case-7",
        (make_graded(), make_blank()),
        "T1",
        "/data/Jane Doe/own.json",
        "0.1.0",
        parameters={
            "minimum_fat_mm": np.float64(0.5),
            "limits": np.array([15, 300]),
            "gap_mm": float("inf"),
            "flags": frozenset({Side.RIGHT, Side.LEFT}),
        },
        inputs=({"name": "C:\\scans\\Jane Doe\\t1.nii.gz", "sha256": "ab" * 32},),
    )
