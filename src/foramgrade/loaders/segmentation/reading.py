"""Reading a label map, whatever files it comes in."""

import logging
from collections.abc import Collection
from pathlib import Path

from foramgrade.errors import InputError
from foramgrade.loaders.files import Format, find_format, is_dicom
from foramgrade.loaders.nifti import Orientation
from foramgrade.loaders.reading import find_door
from foramgrade.loaders.segmentation.dicom_seg import read_dicom_seg
from foramgrade.loaders.segmentation.mask_folder import find_masks, read_masks
from foramgrade.loaders.segmentation.merging import Merged
from foramgrade.loaders.segmentation.names import FORAMINA_SCHEME, NAMES_SCHEME, find_names
from foramgrade.loaders.segmentation.segments import holds_segments
from foramgrade.loaders.segmentation.slicer import merge_layers, open_slicer_segmentation
from foramgrade.loaders.segmentation.voxels import turned_onto, whole_numbers
from foramgrade.volume import Grid, LabelMap

log = logging.getLogger(__name__)

Read = tuple[Merged, Grid, dict[int, str]]


def read_labels(
    path: str | Path,
    *,
    scheme: str | Path | None = None,
    instances: str | Path | None = None,
    orientation: Orientation | None = None,
    segments: Collection[int | str] | None = None,
    grid: Grid | None = None,
) -> LabelMap:
    """Read a segmentation as its tool wrote it.

    Parameters
    ----------
    path : str or Path
        A NIfTI, MetaImage or NRRD file of whole numbers, a segmentation of 3D Slicer (.seg.nrrd), a DICOM segmentation,
        or a folder with either one mask per structure, binary or of probabilities, or one DICOM segmentation. For
        schemes in two maps the map of subregions.
    scheme : str or Path or None
        Name of a label scheme, or the JSON file that defines one; it is resolved when the labels are interpreted. None
        where the file says what its labels are called. ``"foramina"`` for drawn foramina, with names or without.
    instances : str or Path or None
        For schemes in two maps (SPINEPS, TPTBox) the map of vertebra instances. It must hold the same voxels as the
        first; if stored in another order of axes it is turned, never resampled.
    orientation : Orientation or None
        Placement to believe where the qform and the sform of a NIfTI file disagree; for every file.
    segments : collection of int and str, or None
        Structures to read, by number or name, of inputs that hold them one by one; None for all. Needed where
        structures overlap.
    grid : Grid or None
        Grid of the source image, onto which to restore the slices that a DICOM segmentation leaves out. Without it they
        are restored between the outermost ones at hand. The other formats leave nothing out and ignore it.

    Returns
    -------
    LabelMap
        Labels in the smallest unsigned type that holds them, in the order of storage. Its `names` say what the file, or
        a description beside it, calls the labels; its `scheme` is `NAMES_SCHEME` where they decide. Of probabilities (a
        folder of soft masks, a fractional DICOM segmentation) the likeliest structure, and the sum as `shares`.

    Raises
    ------
    InputError
        If a file cannot be read; the values of a label map are fractional, negative or all zero; structures share
        voxels, or their probabilities add up to more than 1; or neither the scheme nor names say what the labels mean.
    GridMismatchError
        If files do not hold the same voxels, or frames do not lie on the planes of `grid`.

    Notes
    -----
    Definition: the labels are the segment numbers of DICOM, the label values of Slicer (counted from 1 where its layers
    use one value twice), and for a folder 1 to N in the order of the files' names. Names are looked for in the file,
    then in a BIDS table, then in nnU-Net's ``dataset.json``. A scheme that is given wins over names.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel as nib
    >>> import numpy as np
    >>> values = np.zeros((4, 8, 8), np.float32)
    >>> values[1:3, 2:6, 2:6] = 24
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "mask.nii.gz"
    ...     nib.save(nib.Nifti1Image(values, np.diag([4.4, 0.5, 0.5, 1])), file)
    ...     labels = read_labels(file, scheme="verse")
    >>> labels.array.dtype, int(labels.array.max()), labels.scheme
    (dtype('uint8'), 24, 'verse')
    """
    path = Path(path)
    if path.is_dir() and find_masks(path):
        if scheme is not None and str(scheme) not in (NAMES_SCHEME, FORAMINA_SCHEME):
            msg = f"the masks of the folder are told by their file names, leave the scheme {str(scheme)!r} out"
            raise InputError(msg)
        held, own, names = read_masks(path, orientation=orientation, segments=segments)
    else:
        held, own, names = _read_file(_only_segmentation(path), orientation, segments, grid, named=scheme is None)
    if scheme is None or str(scheme) == NAMES_SCHEME:
        _check_named(path, names)
    vertebrae = None
    if instances is not None:
        other = Path(instances)
        array, other_grid = find_door(other).voxels(other, orientation=orientation)
        values = whole_numbers(array, other.name)
        vertebrae = turned_onto(values, other_grid, own, names=(other.name, path.name))
    return LabelMap(held.labels, own, NAMES_SCHEME if scheme is None else str(scheme), vertebrae, names, held.shares)


def _only_segmentation(path: Path) -> Path:
    """The file itself, or the single DICOM segmentation in a folder, which may hold the images too."""
    if not path.is_dir():
        return path
    files = [file for file in sorted(path.iterdir()) if file.is_file() and is_dicom(file) and holds_segments(file)]
    if len(files) != 1:
        msg = (
            f"the folder holds {len(files) or 'no'} DICOM segmentations and no masks, expected one segmentation or one "
            "binary file per structure"
        )
        raise InputError(msg)
    return files[0]


def _read_file(
    path: Path,
    orientation: Orientation | None,
    segments: Collection[int | str] | None,
    grid: Grid | None,
    *,
    named: bool,
) -> Read:
    kind = find_format(path)
    if kind is Format.DICOM:
        return read_dicom_seg(path, segments=segments, grid=grid)
    if kind is Format.NRRD:
        held = open_slicer_segmentation(path)
        if held is not None:
            merged, names = merge_layers(held, segments=segments)
            return Merged(merged), held.grid, names
    if segments is not None:
        msg = f"{path.name} is a single label map: leave segments out, found {sorted(map(str, segments))}"
        raise InputError(msg)
    array, own = find_door(path).voxels(path, orientation=orientation)
    return Merged(whole_numbers(array, path.name)), own, _names(path, needed=named)


def _names(path: Path, *, needed: bool) -> dict[int, str]:
    try:
        return find_names(path)
    except InputError as error:
        if needed:
            raise
        log.warning("names of labels left out: %s", error)
        return {}


def _check_named(path: Path, names: dict[int, str]) -> None:
    if not any(name.strip() for name in names.values()):
        msg = (
            f"{path.name} does not say what its labels mean: give the scheme, the tool whose numbers they are (such as "
            "spider or verse) or a JSON file, or bring names: dataset.json, *_dseg.tsv or a label table in the file"
        )
        raise InputError(msg)
