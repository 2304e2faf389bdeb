"""A folder of one mask per structure, binary or soft, as TotalSegmentator writes it: files are called like them."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from foramgrade.errors import InputError
from foramgrade.loaders.files import FORMAT_OF_SUFFIX, Format, format_by_name
from foramgrade.loaders.nifti import Orientation
from foramgrade.loaders.reading import find_door
from foramgrade.loaders.segmentation.merging import Merged, Part, fractions, merge_structures
from foramgrade.loaders.segmentation.voxels import choose_labels, nothing_labelled, turned_onto, whole_numbers
from foramgrade.volume import Grid


def find_masks(folder: Path) -> tuple[Path, ...]:
    """Files of a folder that can hold a mask, in the order of their names; hidden files are left out."""
    return tuple(
        file
        for file in sorted(folder.iterdir())
        if file.is_file() and not file.name.startswith(".") and format_by_name(file) not in (None, Format.DICOM)
    )


def structure_name(file: Path) -> str:
    """Name of the structure in a file: the file's without what tells the format.

    Examples
    --------
    >>> structure_name(Path("vertebrae_L5.nii.gz")), structure_name(Path("disc.seg.nrrd"))
    ('vertebrae_L5', 'disc')
    """
    name, known = file.name, max((s for s in FORMAT_OF_SUFFIX if file.name.lower().endswith(s)), key=len, default="")
    stem = name[: len(name) - len(known)]
    return stem[:-4] if stem.lower().endswith(".seg") else stem


def read_masks(
    folder: Path, *, orientation: Orientation | None = None, segments: Collection[int | str] | None = None
) -> tuple[Merged, Grid, dict[int, str]]:
    """Read a folder of masks as one label map.

    Parameters
    ----------
    folder : Path
        The folder; only files directly in it are looked at. A file is a binary mask, or holds the share of each voxel,
        0 to 1, that belongs to its structure, e.g. a probability.
    orientation : Orientation or None
        Placement to believe where the qform and the sform of a NIfTI file disagree.
    segments : collection of int and str, or None
        Structures to read, by name or by number in the order of the names; None for all.

    Returns
    -------
    Merged
        Labels 1 to N in the order of the files' names, with shares if a file holds them.
    Grid
        Grid of the first file. Files in another order of axes are turned, never resampled.
    dict of int to str
        Names of the labels, those of empty files too.

    Raises
    ------
    InputError
        If there is no mask, a file holds more than one structure or fractions beyond 0 to 1, or two overlap: binary
        masks in a voxel, shares beyond whole voxels.
    GridMismatchError
        If the files do not hold the same voxels.
    """
    files = dict(enumerate(find_masks(folder), start=1))
    if not files:
        msg = "the folder holds no masks, expected one file per structure or a DICOM segmentation"
        raise InputError(msg)
    names = {number: structure_name(file) for number, file in files.items()}
    chosen = choose_labels(names, segments, where="the folder")
    first, *others = chosen
    mask, grid = _read_mask(files[first], orientation)

    def structures() -> Iterator[tuple[int, Part]]:
        yield first, mask
        for number in others:
            part, own = _read_mask(files[number], orientation)
            if not own.matches(grid):
                names_of_both = (files[number].name, files[first].name)
                part = cast(Part, turned_onto(part, own, grid, names=names_of_both))
            yield number, part

    merged = merge_structures(structures(), highest=max(chosen))
    file_names = {number: file.name for number, file in files.items()}
    merged.refuse_overlaps(file_names, where="the masks in the folder", way="correct them, or choose some")
    if not merged.hard().any():
        raise InputError(nothing_labelled("the folder"))
    return merged, grid, {number: names[number] for number in chosen}


def _read_mask(file: Path, orientation: Orientation | None) -> tuple[Part, Grid]:
    array, grid = find_door(file).voxels(file, orientation=orientation)
    shares = fractions(array, file.name)
    if shares is not None:
        return shares, grid
    labels = whole_numbers(array, file.name, empty_allowed=True)
    highest = labels.max()
    mask: npt.NDArray[np.bool_] = labels == highest if highest else np.zeros(grid.shape, np.bool_)
    if highest and np.count_nonzero(labels) > np.count_nonzero(mask):
        found = np.unique(labels)
        msg = (
            f"{file.name} holds {found.size - 1} labels ({int(found[1])} to {int(highest)}), expected a binary mask: "
            "in a folder every file is one structure; give a label map by its own path, and probabilities as fractions "
            "from 0 to 1"
        )
        raise InputError(msg)
    return mask, grid
