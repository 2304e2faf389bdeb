"""Areas of the same foramina by two readers: intraclass correlation, limits of agreement, bias that grows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foramgrade.agreement.coefficient import Coefficient
from foramgrade.agreement.icc import IccForm, icc
from foramgrade.agreement.limits import LimitsOfAgreement, find_limits, find_proportional_bias
from foramgrade.agreement.resampling import RESAMPLES
from foramgrade.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class AreaAgreement:
    """Agreement of two readers' areas.

    Parameters
    ----------
    first_mm2, second_mm2 : (n,) float arrays
        Areas of the foramina that both measured, mm2.
    n_patients : int
        Whose they are.
    icc : mapping of IccForm to Coefficient
        All six forms.
    limits : LimitsOfAgreement
        Of second - first, mm2.
    proportional_bias : Coefficient or None
        Slope of the difference over the mean; None with fewer than three foramina.
    """

    first_mm2: FloatArray
    second_mm2: FloatArray
    n_patients: int
    icc: Mapping[IccForm, Coefficient]
    limits: LimitsOfAgreement
    proportional_bias: Coefficient | None


def compare_areas(
    first_mm2: FloatArray,
    second_mm2: FloatArray,
    *,
    patients: npt.NDArray[np.object_],
    rng: np.random.Generator,
    n_resamples: int = RESAMPLES,
) -> AreaAgreement | None:
    """Compare the areas of two readers.

    Parameters
    ----------
    first_mm2, second_mm2 : (N,) float arrays
        Areas, mm2; NaN where not measured.
    patients : (N,) array
        Patient of each foramen.
    rng : numpy.random.Generator
        Where chance comes from.
    n_resamples : int
        Draws of the bootstrap.

    Returns
    -------
    AreaAgreement or None
        None where fewer than two foramina were measured by both.
    """
    both = np.isfinite(first_mm2) & np.isfinite(second_mm2)
    n = int(both.sum())
    if n < 2:
        return None
    first, second, of_both = first_mm2[both], second_mm2[both], patients[both]
    return AreaAgreement(
        first_mm2=first,
        second_mm2=second,
        n_patients=len(set(of_both)),
        icc=icc(np.column_stack([first, second]), patients=of_both, rng=rng, n_resamples=n_resamples),
        limits=find_limits(second, first, patients=of_both, rng=rng, n_resamples=n_resamples),
        proportional_bias=find_proportional_bias(second, first, patients=of_both, rng=rng, n_resamples=n_resamples)
        if n > 2
        else None,
    )
