"""One label map from structures that come one by one: whole voxels, or the shares of them that are probable."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from foramgrade.errors import InputError
from foramgrade.loaders.segmentation.voxels import LABEL_ROUNDING_TOLERANCE, count_overlaps, refuse_overlaps
from foramgrade.volume import SOLID_SHARE, harden

#: A structure with a smaller share of a voxel is not in it: networks leave such traces everywhere.
LEAST_SHARE = 0.01

#: Shares of several structures, each rounded to 8 bits, may add up to this much more than a whole voxel.
SHARE_ROUNDING = 0.01

#: Soft structures overlap when their shares exceed whole voxels in more than this part of the labelled voxels.
OVERLAP_LIMIT = 0.001

#: Where a structure is: whole voxels, or the share of each that belongs to it.
Part = npt.NDArray[np.bool_ | np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """Structures merged into one map.

    Parameters
    ----------
    labels : (I, J, K) unsigned integer array
        Number of the structure in every voxel, the likeliest one where there are shares.
    shares : (I, J, K) float32 array or None
        Share of the voxel that belongs to all structures together, 0 to 1; None where all structures are whole voxels.
    overlaps : mapping of pairs of int to int
        Number of voxels that two structures claim together.
    """

    labels: npt.NDArray[np.unsignedinteger[Any]]
    shares: npt.NDArray[np.float32] | None = None
    overlaps: Mapping[tuple[int, int], int] = field(default_factory=dict)

    def hard(self) -> npt.NDArray[np.unsignedinteger[Any]]:
        """Labels of the voxels of which at least half is labelled."""
        return harden(self.labels, self.shares)

    def refuse_overlaps(self, names: Mapping[int, str], *, where: str, way: str) -> None:
        """Refuse whole structures that share a voxel, and soft ones whose shares are more than whole voxels.

        Raises
        ------
        InputError
            Naming the structures and the number of voxels.

        Notes
        -----
        *Definition*: shares overlap by nature and are added up. They are refused where the sums exceed
        1 + `SHARE_ROUNDING` in more than `OVERLAP_LIMIT` of the voxels that are at least half labelled; fewer such
        voxels are taken for whole ones.
        """
        if self.shares is None:
            refuse_overlaps(self.overlaps, names, where=where, way=way)
        elif sum(self.overlaps.values()) > OVERLAP_LIMIT * np.count_nonzero(self.shares >= SOLID_SHARE):
            expected = "shares that add up to 1 at most"
            refuse_overlaps(self.overlaps, names, where=where, way=way, expected=expected)


def merge_structures(structures: Iterable[tuple[int, Part]], *, highest: int) -> Merged:
    """Merge structures, given one at a time, into one label map.

    Parameters
    ----------
    structures : iterable of (int, (I, J, K) bool or float32 array)
        Number of each structure, from 1, with where it is; at least one, all of one shape.
    highest : int
        Largest number.

    Returns
    -------
    Merged
        Of whole voxels the later structure wins where two overlap; of shares the larger, then the earlier.

    Examples
    --------
    >>> parts = [(1, np.float32([[[0.7, 0.4, 0.0]]])), (2, np.float32([[[0.3, 0.5, 0.2]]]))]
    >>> merged = merge_structures(parts, highest=2)
    >>> merged.labels.tolist(), merged.shares.round(2).tolist(), dict(merged.overlaps)
    ([[[1, 2, 2]]], [[[1.0, 0.8999999761581421, 0.20000000298023224]]], {})
    """
    labels: npt.NDArray[np.unsignedinteger[Any]] | None = None
    overlaps: Counter[tuple[int, int]] = Counter()
    total: npt.NDArray[np.float32] | None = None
    best: npt.NDArray[np.float32] | None = None
    for number, part in structures:  # as long as all are whole voxels, no shares are kept
        if labels is None:
            labels = np.zeros(part.shape, np.min_scalar_type(highest), order="F")
        if part.dtype == np.bool_ and (total is None or best is None):
            count_overlaps(labels[part], number, overlaps)
            labels[part] = number
            continue
        if total is None or best is None:
            total = (labels > 0).astype(np.float32)
            best = total.copy(order="K")
        share = np.where(part >= LEAST_SHARE, part, 0).astype(np.float32)
        count_overlaps(labels[(share > 0) & (total + share > 1 + SHARE_ROUNDING)], number, overlaps)
        total += share
        labels[share > best] = number
        np.maximum(best, share, out=best)
    if labels is None:
        msg = "there are no structures, expected at least one"
        raise InputError(msg)
    return Merged(labels, None if total is None else np.minimum(total, 1), overlaps)


def fractions(array: npt.NDArray[Any], name: str) -> npt.NDArray[np.float32] | None:
    """Shares of voxels where a file holds them; None where it holds whole numbers.

    Parameters
    ----------
    array : (I, J, K) real array
        Values as stored, or as the header scales them.
    name : str
        The file's name, for messages.

    Returns
    -------
    (I, J, K) float32 array or None
        Shares, 0 to 1. None for whole numbers, and for values that are not finite, which are no shares either.

    Raises
    ------
    InputError
        If there are fractions and values beyond 0 to 1.

    Notes
    -----
    *Definition*: a file holds shares when a value lies further than `LABEL_ROUNDING_TOLERANCE` from a whole number.
    Whole numbers are never taken for percentages or for 255ths: a file that holds these must scale them in its own
    header.

    Examples
    --------
    >>> fractions(np.array([0.25, 1.0]), "L5.nii"), fractions(np.array([0.0, 255.0]), "L5.nii")
    (array([0.25, 1.  ], dtype=float32), None)
    """
    if not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
        return None
    if not np.any(np.abs(array - np.rint(array)) > LABEL_ROUNDING_TOLERANCE):
        return None
    lowest, highest = float(array.min()), float(array.max())
    if lowest < -LABEL_ROUNDING_TOLERANCE or highest > 1 + LABEL_ROUNDING_TOLERANCE:
        msg = (
            f"{name} holds fractions from {lowest:.4g} to {highest:.4g}, expected a binary mask, or probabilities from "
            "0 to 1: is this an image, or what a network gives before its last layer?"
        )
        raise InputError(msg)
    shares: npt.NDArray[np.float32] = np.clip(array, 0, 1).astype(np.float32)
    return shares
