"""N4 takes a coil's fall-off out of an image, and nothing else of what is known about it."""

import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.findings import Sequence
from foramgrade.loaders import correct_bias
from foramgrade.volume import Grid, Volume


def tissue(fall: float) -> tuple[Volume, np.ndarray]:
    """Blocks of four tissues in air under a coil that falls by a factor from back to front."""
    rng = np.random.default_rng(0)
    blocks = rng.choice([300.0, 500.0, 700.0, 1000.0], size=(5, 12, 12))
    true = np.kron(blocks, np.ones((1, 8, 8)))
    true[:, :6] = true[:, -6:] = 0.0
    coil = fall ** (-np.linspace(0, 1, 96))[None, :, None]
    grid = Grid(true.shape, np.diag([4.0, 1.0, 1.0, 1.0]))
    return Volume((true * coil).astype(np.float32), grid, Sequence.T1, contrast_reason="TR 500 ms"), true


def spread(image: np.ndarray, true: np.ndarray) -> float:
    """How much the sensitivity varies over the tissue, as a standard deviation of its logarithm."""
    inside = true > 0
    return float(np.std(np.log(image[inside] / true[inside])))


def test_the_fall_off_is_taken_out() -> None:
    volume, true = tissue(4.0)
    corrected = correct_bias(volume)
    assert spread(volume.array, true) > 0.35
    assert spread(corrected.array, true) < 0.6 * spread(volume.array, true)
    assert corrected.sequence is Sequence.T1
    assert corrected.contrast_reason == "TR 500 ms"
    np.testing.assert_array_equal(correct_bias(volume).array, corrected.array)


def test_an_image_of_one_brightness_is_refused() -> None:
    flat = Volume(np.full((4, 40, 40), 7.0, np.float32), Grid((4, 40, 40), np.diag([4.0, 1.0, 1.0, 1.0])))
    with pytest.raises(InputError, match="of one brightness"):
        correct_bias(flat)


def test_a_single_slice_is_refused() -> None:
    values = np.arange(1600, dtype=np.float32).reshape(1, 40, 40)
    single = Volume(values, Grid((1, 40, 40), np.diag([4.0, 1.0, 1.0, 1.0])))
    with pytest.raises(InputError, match="N4 cannot fit a field to 1 x 40 x 40 voxels"):
        correct_bias(single)
