"""Fixtures that every room uses: the default grid and the real data beside the checkout."""

from pathlib import Path

import numpy as np
import pytest

from foramgrade.volume import Grid

pytest_plugins = ["dicom_files"]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of public data for development, kept beside the checkout; tests that need it skip without it."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the public development data is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def oblique_grid() -> Grid:
    """A clinical sagittal grid: i runs anterior to posterior, j down, k from right to left; all oblique."""
    turn_z, turn_x, turn_y = np.deg2rad([7.0, -11.0, 4.0])
    about_z = np.array([[np.cos(turn_z), -np.sin(turn_z), 0], [np.sin(turn_z), np.cos(turn_z), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(turn_x), -np.sin(turn_x)], [0, np.sin(turn_x), np.cos(turn_x)]])
    about_y = np.array([[np.cos(turn_y), 0, np.sin(turn_y)], [0, 1, 0], [-np.sin(turn_y), 0, np.cos(turn_y)]])
    stored = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ about_y @ stored @ np.diag([0.6, 0.7, 4.4])
    affine[:3, 3] = [38.0, 61.0, 47.0]
    return Grid((20, 26, 9), affine)
