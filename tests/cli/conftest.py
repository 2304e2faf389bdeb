"""A synthetic study on disk, and the command line as a user calls it."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from foramgrade.cli import app
from foramgrade.exports import write_labels, write_volume
from foramgrade.phantom import ForamenSpec, LevelSpec, Numbering, Phantom, PhantomSpec, Protocol, make_phantom
from foramgrade.volume import LabelMap

LEFT, RIGHT = ForamenSpec(area_mm2=90.0, height_mm=16.0), ForamenSpec(area_mm2=130.0)
LEVELS = tuple(LevelSpec(wedge_deg=wedge, left=LEFT, right=RIGHT) for wedge in (4.0, 6.0, 8.0, 11.0, 16.0))
#: Shows L2-L3 to L4-L5 whole; L1 is cut above, the disc of L5-S1 lies below.
SMALL = Protocol(pixel_mm=0.6, thickness_mm=4.0, spacing_mm=4.4, n_slices=15, field_mm=(110.0, 130.0))
SPEC = PhantomSpec(levels=LEVELS, protocol=SMALL, obliquity_deg=(6.0, -4.0, 7.0))


@dataclass(frozen=True, slots=True)
class Run:
    """How a call ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A phantom and its files."""

    phantom: Phantom
    image: Path
    labels: Path
    subregions: Path
    instances: Path

    def arguments(self, out: Path) -> list[str]:
        return [str(self.image), "--labels", str(self.labels), "--scheme", "totalspineseg", "--out", str(out)]


Call = Callable[..., Run]


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("study")
    phantom = make_phantom(SPEC, rng=np.random.default_rng(1))
    parts = make_phantom(SPEC, rng=np.random.default_rng(1), numbering=Numbering.SPINEPS).labels
    names = ("image.nii.gz", "labels.nii.gz", "subregions.nii.gz", "instances.nii.gz")
    study = Study(phantom, *(folder / name for name in names))
    write_volume(phantom.image, study.image)
    write_labels(phantom.labels, study.labels)
    write_labels(
        LabelMap(parts.array, parts.grid, "spineps", parts.instances), study.subregions, instances_path=study.instances
    )
    return study


@pytest.fixture
def run() -> Call:
    """Call the command line in this process: warnings are errors, as everywhere in the tests."""

    def call(*arguments: str | Path, columns: int = 120) -> Run:
        result = CliRunner().invoke(
            app, [str(a) for a in arguments], prog_name="foramgrade", env={"COLUMNS": str(columns)}
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Run(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def start() -> Call:
    """Start the command line as a program of its own, with warnings as errors."""

    def call(*arguments: str | Path) -> Run:
        environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")}
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-m", "foramgrade", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        return Run(ended.returncode, ended.stdout, ended.stderr)

    return call
