"""Small files in every format, written by the formats' own libraries."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK

from foramgrade.volume import Grid

Array = npt.NDArray[np.generic]
Writer = Callable[[Path, Array, npt.NDArray[np.float64]], Path]


def _write(path: Path, array: Array, affine: npt.NDArray[np.float64]) -> Path:
    if ".nii" in path.name:
        nib.save(nib.Nifti1Image(array, affine), path)
        return path
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(array.T))
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    SimpleITK.WriteImage(image, str(path))
    return path


@pytest.fixture
def write() -> Writer:
    """Write an array with an affine (RAS+, mm) in the format that the file's name says."""
    return _write


@pytest.fixture
def numbers(oblique_grid: Grid) -> npt.NDArray[np.int16]:
    """A different value in every voxel of the oblique grid, negative ones too."""
    values = np.arange(np.prod(oblique_grid.shape), dtype=np.int16) - 300
    return values.reshape(oblique_grid.shape)


@pytest.fixture
def mask(oblique_grid: Grid) -> npt.NDArray[np.uint8]:
    """Two vertebrae and a disc, in SPIDER's numbers."""
    labels = np.zeros(oblique_grid.shape, np.uint8)
    labels[4:12, 3:9, 2:7] = 2
    labels[4:12, 10:12, 2:7] = 202
    labels[4:12, 13:20, 2:7] = 1
    return labels
