"""Segmentations of 3D Slicer (.seg.nrrd): label maps with names, in layers where structures overlap."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foramgrade.errors import InputError
from foramgrade.loaders.itk import read_itk_entries, read_itk_layers
from foramgrade.loaders.segmentation.voxels import (
    LARGEST_LABEL,
    choose_labels,
    count_overlaps,
    nothing_labelled,
    parse_label,
    refuse_overlaps,
    whole_numbers,
)
from foramgrade.volume import Grid

_ENTRY = re.compile(r"Segment([0-9]+)_(Name|LabelValue|Layer)")


@dataclass(frozen=True, slots=True)
class SlicerSegment:
    """One segment as the header describes it.

    Parameters
    ----------
    name : str
        Its name.
    layer : int
        The layer that holds it.
    value : int
        Its value in that layer.
    """

    name: str
    layer: int
    value: int


@dataclass(frozen=True, slots=True, eq=False)
class SlicerSegmentation:
    """A segmentation of 3D Slicer.

    Parameters
    ----------
    file : str
        Name of the file.
    segments : mapping of int to SlicerSegment
        Segments by label: their own value, or counted from 1 where two layers use one value.
    layers : (I, J, K, L) unsigned integer array
        The label maps.
    grid : Grid
        Where the voxels are.
    """

    file: str
    segments: Mapping[int, SlicerSegment]
    layers: npt.NDArray[np.unsignedinteger[Any]]
    grid: Grid

    def mask(self, segment: SlicerSegment) -> npt.NDArray[np.bool_]:
        """Where a segment is, (I, J, K) bool array."""
        where: npt.NDArray[np.bool_] = self.layers[..., segment.layer] == segment.value
        return where


def open_slicer_segmentation(path: Path) -> SlicerSegmentation | None:
    """Read a NRRD file if its header describes segments, whatever the file is called.

    Parameters
    ----------
    path : Path
        A NRRD file.

    Returns
    -------
    SlicerSegmentation or None
        None for a NRRD file that describes no segments.

    Raises
    ------
    InputError
        If the file is damaged, or the description does not fit the voxels.

    Notes
    -----
    Files from before 2020 state neither value nor layer: each segment then is a layer of its own with the value 1.
    """
    described = _describe(read_itk_entries(path), path.name)
    if not described:
        return None
    stored, grid = read_itk_layers(path)
    if grid.shape == (1, 1, 1):  # how Slicer writes a segmentation without voxels
        raise InputError(nothing_labelled(path.name))
    layers = whole_numbers(stored, path.name)
    n_layers = layers.shape[-1]
    outside = next((s for s in described if s.layer >= n_layers), None)
    if outside is not None:
        msg = f"{path.name}: the segment {outside.name!r} is in layer {outside.layer}, the file has {n_layers} layers"
        raise InputError(msg)
    if len({(s.layer, s.value) for s in described}) < len(described):
        msg = f"{path.name}: two segments have the same value in the same layer, expected one value for each"
        raise InputError(msg)
    values = [s.value for s in described]
    numbers = values if len(set(values)) == len(values) else range(1, len(described) + 1)
    return SlicerSegmentation(path.name, dict(zip(numbers, described, strict=True)), layers, grid)


def merge_layers(
    held: SlicerSegmentation, *, segments: Collection[int | str] | None = None
) -> tuple[npt.NDArray[np.unsignedinteger[Any]], dict[int, str]]:
    """Merge the layers of a segmentation into one label map.

    Parameters
    ----------
    held : SlicerSegmentation
        The segmentation.
    segments : collection of int and str, or None
        Segments to keep, by number or name; None for all.

    Returns
    -------
    (I, J, K) unsigned integer array
        Labels.
    dict of int to str
        Their names.

    Raises
    ------
    InputError
        If segments share voxels, or none has any.
    """
    names = {number: segment.name for number, segment in held.segments.items()}
    chosen = choose_labels(names, segments, where=held.file)
    labels = np.zeros(held.grid.shape, np.min_scalar_type(max(chosen)), order="F")
    overlaps: Counter[tuple[int, int]] = Counter()
    for number in chosen:
        here = held.mask(held.segments[number])
        count_overlaps(labels[here], number, overlaps)
        labels[here] = number
    way = "choose some with segments, by number or name"
    refuse_overlaps(overlaps, names, where=f"{held.file}: segments", way=way)
    if not labels.any():
        raise InputError(nothing_labelled(held.file))
    labels.flags.writeable = False
    return labels, {number: names[number] for number in chosen}


def _describe(entries: Mapping[str, str], file: str) -> tuple[SlicerSegment, ...]:
    by_index: dict[int, dict[str, str]] = {}
    for key, text in entries.items():
        match = _ENTRY.fullmatch(key)
        if match:
            by_index.setdefault(int(match[1]), {})[match[2]] = text.strip()
    found = []
    for index, own in sorted(by_index.items()):
        layer = _whole(own.get("Layer"), f"{file}: Segment{index}_Layer", lowest=0)
        value = _whole(own.get("LabelValue"), f"{file}: Segment{index}_LabelValue", lowest=1)
        if layer is None:
            layer = index if value is None else 0
        found.append(SlicerSegment(own.get("Name", ""), layer, 1 if value is None else value))
    return tuple(found)


def _whole(text: str | None, where: str, *, lowest: int) -> int | None:
    if text is None:
        return None
    number = parse_label(text)
    if number is None or number < lowest:
        msg = f"{where}: found {text!r:.40}, expected a whole number from {lowest} to {LARGEST_LABEL}"
        raise InputError(msg)
    return number
