"""Everything around the spine that a sagittal picture shows: muscles, vessels, fat, skin."""

import numpy as np
import numpy.typing as npt

from foramgrade.arrays import FloatArray
from foramgrade.phantom.spec import Tissue
from foramgrade.phantom.spine import Spine

#: Half-axes of the dural sac, lateral and antero-posterior, mm.
SAC_HALF_MM = (9.0, 6.6)
#: Centre of the sac behind the bodies' posterior wall, mm.
SAC_CENTRE_BEHIND_WALL_MM = 8.0


def sacral_bow_mm(spine: Spine, up_mm: FloatArray) -> FloatArray:
    """Backward bow of the sacrum, mm, at heights above the centre of S1: zero at its endplate, growing downward."""
    down = np.clip(spine.spec.body_mm[2] / 2 - up_mm, 0.0, None)
    bow: FloatArray = 0.004 * down**2
    return bow


def draw_surroundings(
    spine: Spine, smooth_mm: FloatArray, patient_mm: FloatArray, tissue: npt.NDArray[np.uint8]
) -> None:
    """Draw soft tissue around the spine into `tissue`.

    Parameters
    ----------
    spine : Spine
        The skeleton.
    smooth_mm : (2, N) float array
        Right and anterior from the axis of the bodies, mm.
    patient_mm : (3, N) float array
        Right, anterior, superior from the centre of L3, mm.
    tissue : (N,) uint8 array
        Overwritten.
    """
    r, a = smooth_mm
    apart, z = np.abs(r), patient_mm[2]
    tissue[:] = Tissue.FAT
    low = 1.0 / (1.0 + np.exp((z + 55.0) / 14.0))
    skin = -86.0 - 20.0 * low
    fascia = skin + 12.0 + 9.0 * low
    back = (apart > 3.0) & (a < -33.0) & (patient_mm[1] > fascia)
    tissue[back] = Tissue.MUSCLE
    inside = np.flatnonzero(back)
    deep, wide, tall = a[inside], r[inside], z[inside]
    streak = np.sin(0.42 * deep + 0.16 * wide + 1.5 * np.sin(0.06 * tall) + 0.5 * np.sin(0.31 * deep))
    tissue[inside[streak > 0.94]] = Tissue.FAT
    psoas = ((apart - 40.0) / 15.5) ** 2 + ((a + 4.0) / (15.0 + 4.0 * low)) ** 2 < 1
    tissue[psoas] = Tissue.MUSCLE
    front = spine.spec.body_mm[1] / 2
    aorta = ((r + 9.0) / 9.0) ** 2 + ((a - front - 13.0) / 8.5) ** 2 < 1
    cava = ((r - 13.0) / 9.5) ** 2 + ((a - front - 12.0) / 7.5) ** 2 < 1
    tissue[aorta | cava] = Tissue.VESSEL
    bowel = a > front + 27.0 + 4.0 * np.sin(0.07 * z)
    tissue[bowel] = Tissue.MIXED
    tissue[patient_mm[1] < skin] = Tissue.AIR
