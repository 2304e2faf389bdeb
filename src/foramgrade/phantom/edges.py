"""How the borders of a segmentation miss those of the body: a smooth random displacement within every slice."""

import math
from dataclasses import dataclass

import numpy as np

from foramgrade.arrays import FloatArray
from foramgrade.volume import Grid

#: Wavelengths of the displacement, mm: shorter ones would be specks, longer ones shifts of the whole foramen.
WAVES_MM = (7.0, 18.0)
#: Waves that make one component of the displacement.
N_WAVES = 12


@dataclass(frozen=True, slots=True, eq=False)
class EdgeShift:
    """A random displacement along the two axes of a slice stack's planes.

    Parameters
    ----------
    rms_mm : float
        Root mean square of either component, hence of the displacement along any direction in the slice, mm.
    own : float
        Share, 0 to 1, of the variance that every slice has of its own.
    through : (2, N_WAVES, 3) float array
        Wave vectors along the grid's axes of the waves that run through the slices, per component, 1/mm.
    through_phase : (2, N_WAVES) float array
        Their phases, rad.
    within : (K, 2, N_WAVES, 2) float array
        Wave vectors in the plane of the waves of every slice, per component, 1/mm.
    within_phase : (K, 2, N_WAVES) float array
        Their phases, rad.
    grid : Grid
        The slice stack.
    """

    rms_mm: float
    own: float
    through: FloatArray
    through_phase: FloatArray
    within: FloatArray
    within_phase: FloatArray
    grid: Grid

    def on_slice(self, k: int) -> FloatArray:
        """Displacement (I, J, 2) along the grid's first and second axis on slice k, mm."""
        place = k * self.grid.spacing_mm[2]
        smooth, alone = math.sqrt(1 - self.own), math.sqrt(self.own)
        components = [
            smooth * self._waves(self.through[c, :, :2], self.through_phase[c] + self.through[c, :, 2] * place)
            + alone * self._waves(self.within[k, c], self.within_phase[k, c])
            for c in range(2)
        ]
        return self.rms_mm * np.stack(components, axis=-1)

    def _waves(self, vectors: FloatArray, phases: FloatArray) -> FloatArray:
        """Sum (I, J) of sines of unit root mean square; a plane wave on a grid is a product of its rows and columns."""
        shape, spacing = self.grid.shape, self.grid.spacing_mm
        rows = np.exp(1j * (np.arange(shape[0])[:, None] * spacing[0] * vectors[:, 0] + phases))
        columns = np.exp(1j * np.arange(shape[1])[:, None] * spacing[1] * vectors[:, 1])
        total: FloatArray = (rows @ columns.T).imag * math.sqrt(2 / len(phases))
        return total


def _vectors(rng: np.random.Generator, shape: tuple[int, ...], dimensions: int) -> FloatArray:
    directions = rng.standard_normal((*shape, dimensions))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    vectors: FloatArray = 2 * math.pi / rng.uniform(*WAVES_MM, (*shape, 1)) * directions
    return vectors


def draw_edge_shift(rms_mm: float, own: float, grid: Grid, rng: np.random.Generator) -> EdgeShift:
    """Draw a displacement.

    Parameters
    ----------
    rms_mm, own : float
        Its size, mm, and the share of its variance that slices do not share.
    grid : Grid
        The slice stack.
    rng : numpy.random.Generator
        Source of waves and phases.

    Returns
    -------
    EdgeShift
        Isotropic waves of 7 to 18 mm.

    Notes
    -----
    *Limits*: waves that run through the slices are alike on neighbouring thin slices and half alike at 3 mm; `own` adds
    what slices have of their own whatever their distance.
    """
    n = grid.shape[2]
    return EdgeShift(
        rms_mm=rms_mm,
        own=own,
        through=_vectors(rng, (2, N_WAVES), 3),
        through_phase=rng.uniform(0, 2 * math.pi, (2, N_WAVES)),
        within=_vectors(rng, (n, 2, N_WAVES), 2),
        within_phase=rng.uniform(0, 2 * math.pi, (n, 2, N_WAVES)),
        grid=grid,
    )
