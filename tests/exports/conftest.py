"""A synthetic study with some graded levels and some that the field of view cuts, assessed once; its DICOM series."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from foramgrade.exports import DicomSource, read_source, write_dicom_series
from foramgrade.loaders import find_series
from foramgrade.phantom import ForamenSpec, LevelSpec, Phantom, PhantomSpec, Protocol, make_phantom
from foramgrade.pipeline import assess
from foramgrade.tables import StudyAssessment

SMALL = Protocol(pixel_mm=0.6, thickness_mm=4.0, spacing_mm=4.4, n_slices=15, field_mm=(110.0, 130.0))
LEFT, RIGHT = ForamenSpec(area_mm2=90.0, height_mm=16.0), ForamenSpec(area_mm2=130.0)
LEVELS = tuple(LevelSpec(wedge_deg=wedge, left=LEFT, right=RIGHT) for wedge in (4.0, 6.0, 8.0, 11.0, 16.0))

#: When the exports of the tests are made.
MADE = datetime(2026, 2, 3, 4, 5, 6)

Complaints = Callable[[Path], list[str]]


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


@pytest.fixture(scope="session")
def series(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the phantom's DICOM series."""
    folder = tmp_path_factory.mktemp("series")
    write_dicom_series(case.phantom.image, folder, case="one", thickness_mm=4.0)
    return folder


@pytest.fixture(scope="session")
def source(series: Path) -> DicomSource:
    return read_source(find_series(series))


Find = Callable[[str], str]


@pytest.fixture(scope="session")
def program() -> Find:
    """Find a program of another project, beside this Python first; the test skips where it is not installed."""

    def find(name: str) -> str:
        places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        found = shutil.which(name, path=places)
        if found is None:
            pytest.skip(f"{name} is not installed")
        return found

    return find


@pytest.fixture
def complaints(program: Find) -> Complaints:
    """Ask dciodvfy (Debian: dicom3tools) what is wrong with a DICOM file."""
    dciodvfy = program("dciodvfy")

    def ask(file: Path) -> list[str]:
        ended = subprocess.run([dciodvfy, str(file)], capture_output=True, text=True, check=False)
        # Private coding schemes are what the standard has for codes of one's own; the program warns of each.
        said = [line for line in ended.stderr.splitlines() if "Unrecognized defined term <99FORAMGRADE>" not in line]
        kind, *wrong = said  # the kind of object comes first
        assert kind in ("MRImage", "Segmentation", "Comprehensive3DSR")
        return wrong

    return ask
