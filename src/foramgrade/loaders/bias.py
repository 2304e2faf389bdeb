"""Correction of the coil's fall-off by N4, for those who want it: what reads fat models the coil by itself."""

from dataclasses import replace

import lazy_loader as lazy
import numpy as np

from foramgrade.errors import InputError
from foramgrade.volume import Volume

SimpleITK = lazy.load("SimpleITK")

#: The field is smooth: it is fitted to voxels of about this size, mm.
FIT_MM = 4.0

#: Iterations on each level of resolution.
ITERATIONS = (50, 50, 50)


def correct_bias(volume: Volume) -> Volume:
    """An image without the slow change of brightness that a coil leaves.

    Parameters
    ----------
    volume : Volume
        Any series; its intensities must not all be alike.

    Returns
    -------
    Volume
        The same voxels, divided by the field; 32-bit. What it is known about the series stays.

    Raises
    ------
    InputError
        If the image has no tissue in it, or a dimension is too small for the fit.

    Notes
    -----
    *Definition*: N4 (Tustison NJ et al., IEEE Trans Med Imaging 2010;29:1310-1320) as SimpleITK has it, fitted above
    the triangle threshold to voxels of about 4 mm, thick slices not merged. *Limits*: where fat is rare, as in the
    thin, N4 may take it for the coil.
    """
    array = np.asarray(volume.array, np.float32)
    finite = np.isfinite(array)
    if not finite.any() or np.ptp(array[finite]) == 0:
        msg = "the image is of one brightness, expected tissue to fit a coil's field to"
        raise InputError(msg)
    low = float(array[finite].min())
    # N4 works on logarithms: the lowest intensity becomes 1.
    image = SimpleITK.GetImageFromArray(np.where(finite, array - low + 1.0, 1.0).transpose(2, 1, 0))
    image.SetSpacing([float(s) for s in volume.grid.spacing_mm])
    shrink = [
        max(1, min(int(FIT_MM // spacing), size // 8))
        for spacing, size in zip(volume.grid.spacing_mm, volume.grid.shape, strict=True)
    ]
    small = SimpleITK.Shrink(image, shrink)
    mask = SimpleITK.TriangleThreshold(small, 0, 1, 200)
    fitter = SimpleITK.N4BiasFieldCorrectionImageFilter()
    fitter.SetMaximumNumberOfIterations(list(ITERATIONS))
    fitter.SetNumberOfThreads(1)  # so that the field does not depend on the machine
    try:
        fitter.Execute(small, mask)
        field = SimpleITK.Exp(fitter.GetLogBiasFieldAsImage(small))
    except RuntimeError as error:
        size = " x ".join(str(n) for n in volume.grid.shape)
        msg = f"N4 cannot fit a field to {size} voxels: {str(error).strip().splitlines()[-1]}"
        raise InputError(msg) from error
    # The field is smooth: between the voxels that it was fitted to it is interpolated, and beyond them goes on level.
    resampler = SimpleITK.ResampleImageFilter()
    resampler.SetReferenceImage(image)
    resampler.SetUseNearestNeighborExtrapolator(True)
    values = SimpleITK.GetArrayFromImage(resampler.Execute(field)).transpose(2, 1, 0)
    corrected = (array - low) / np.maximum(values, np.finfo(np.float32).tiny)
    return replace(volume, array=corrected.astype(np.float32))
