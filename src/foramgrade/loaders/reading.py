"""Reading an image series, whatever file it comes in."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from foramgrade.errors import InputError, SeriesError
from foramgrade.findings import Sequence
from foramgrade.loaders.contrast import Contrast
from foramgrade.loaders.dicom.placing import Irregularity
from foramgrade.loaders.dicom.reading import Study, find_stack, identify_stack, is_meant, read_stack, scan
from foramgrade.loaders.dicom.stacks import Stack
from foramgrade.loaders.files import Format, file_identity, find_format
from foramgrade.loaders.itk import read_itk, read_itk_header
from foramgrade.loaders.nifti import Orientation, read_nifti, read_nifti_header
from foramgrade.loaders.pseudonym import PUBLIC_SALT, case_id
from foramgrade.loaders.series import Plane
from foramgrade.loaders.sidecar import read_contrast_beside
from foramgrade.loaders.sources import sources_identity, walk_sources
from foramgrade.volume import Grid, Volume

Word = TypeVar("Word", bound=StrEnum)


class ReadHeader(Protocol):
    """Reads the grid and the stored type of one file, not its voxels."""

    def __call__(self, path: Path, *, orientation: Orientation | None = None) -> tuple[Grid, np.dtype[Any]]:
        """Read the header."""


class ReadVoxels(Protocol):
    """Reads the voxels and the grid of one file."""

    def __call__(self, path: Path, *, orientation: Orientation | None = None) -> tuple[npt.NDArray[np.generic], Grid]:
        """Read the values."""


@dataclass(frozen=True, slots=True)
class Door:
    """How files of one format come in.

    Parameters
    ----------
    header : ReadHeader
        Reads grid and stored type.
    voxels : ReadVoxels
        Reads values and grid.
    """

    header: ReadHeader
    voxels: ReadVoxels


#: The way in for every format that can be read.
DOORS: Mapping[Format, Door] = {
    Format.NIFTI: Door(read_nifti_header, read_nifti),
    Format.METAIMAGE: Door(read_itk_header, read_itk),
    Format.NRRD: Door(read_itk_header, read_itk),
}


def find_door(path: Path) -> Door:
    """Find the way in for a file that holds a single volume.

    Raises
    ------
    InputError
        If there is no such file or its format holds several.
    """
    kind = find_format(path)
    if kind not in DOORS:
        what = "is a folder" if path.is_dir() else f"is a {kind.value} file"
        msg = f"{path.name} {what}, expected a single NIfTI, MetaImage or NRRD file"
        raise InputError(msg)
    return DOORS[kind]


def read_volume(
    path: str | Path,
    *,
    series: str | None = None,
    sequence: Sequence | None = None,
    plane: Plane | None = None,
    orientation: Orientation | None = None,
    tolerate: Collection[Irregularity] = (),
    progress: Callable[[int], None] | None = None,
) -> Volume:
    """Read one image series.

    Parameters
    ----------
    path : str or Path
        DICOM: a folder, with its subfolders, a file, or a ZIP archive. Otherwise a NIfTI (.nii, .nii.gz), MetaImage
        (.mha, .mhd) or NRRD (.nrrd, .nhdr) file.
    series : str or None
        Which of several DICOM series: its key in the listing of :func:`list_series`, or its UID.
    sequence : Sequence or None
        Contrast of the series. Among several DICOM series it chooses the one with this contrast; of a single file, or
        of a series that is named, it is believed. Without it the contrast is told from the DICOM header, or from the
        JSON file that dcm2niix leaves beside a NIfTI file. It never overrules fat suppression.
    plane : Plane or None
        Chooses among several DICOM series the one with slices in this plane.
    orientation : Orientation or None
        Placement to believe where the qform and the sform of a NIfTI file disagree. The other formats hold a single
        placement and ignore it.
    tolerate : collection of Irregularity
        DICOM: what is not refused in the slices of a series, at the price that each member tells.
    progress : callable or None
        DICOM: called with the number of files seen so far.

    Returns
    -------
    Volume
        Values in the order of storage: integers as stored, anything else as 32-bit floating point.

    Raises
    ------
    SeriesError
        If not exactly one series fits, with the choices; or if its slices are missing, repeated, unevenly spaced or
        sheared, with the files, their places, the gap found and the gap expected.
    InputError
        If the file is missing, damaged, not one volume of finite real numbers, or does not say where in the patient it
        is; each with what was found and what was expected.

    Notes
    -----
    Distances between DICOM slices come from their positions alone; gaps may differ by 1 % or 0.02 mm, and slices may
    step sideways by 0.1 degrees.

    Limits: a unit of length that a NIfTI header leaves open is taken for millimetres.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel as nib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "T2.nii"
    ...     nib.save(nib.Nifti1Image(np.zeros((4, 320, 320), np.int16), np.diag([4.4, 0.5, 0.5, 1])), file)
    ...     image = read_volume(file, sequence=Sequence.T2)
    >>> image.array.shape, [round(mm, 3) for mm in image.grid.spacing_mm], image.sequence.value
    ((4, 320, 320), [4.4, 0.5, 0.5], 'T2')
    """
    found = find_series(path, series=series, sequence=sequence, plane=plane, orientation=orientation, progress=progress)
    return found.read(tolerate=tolerate)


@dataclass(frozen=True, slots=True)
class FoundSeries:
    """The one series that was meant, found and not yet read.

    Parameters
    ----------
    path : Path
        Where it was looked for.
    sequence : Sequence or None
        Contrast that the user named.
    orientation : Orientation or None
        Placement that the user chose.
    study : Study or None
        What DICOM holds there; None for a file of another format.
    stack : Stack or None
        Slices of the DICOM series; None for a file of another format.
    """

    # A path often names a person, and what a study holds fills pages: neither is shown.
    path: Path = field(repr=False)
    sequence: Sequence | None = None
    orientation: Orientation | None = None
    study: Study | None = field(default=None, repr=False)
    stack: Stack | None = field(default=None, repr=False)

    def read(self, *, tolerate: Collection[Irregularity] = ()) -> Volume:
        """Read its volume; see :func:`read_volume`."""
        tolerate = [_as_member(Irregularity, word, "irregularity to tolerate") for word in tolerate]
        if self.study is not None and self.stack is not None:
            return read_stack(self.study, self.stack, sequence=self.sequence, tolerate=tolerate)
        array, grid = find_door(self.path).voxels(self.path, orientation=self.orientation)
        if not np.issubdtype(array.dtype, np.integer):
            with np.errstate(over="ignore"):  # what does not fit becomes infinite and is counted below
                array = array.astype(np.float32, copy=False)
            bad = array.size - int(np.count_nonzero(np.isfinite(array)))
            if bad:
                msg = f"{self.path.name} has {bad} voxels that are NaN or infinite, expected finite intensities"
                raise InputError(msg)
        told = read_contrast_beside(self.path) or Contrast(None, None, "")
        return Volume(array, grid, self.sequence or told.weighting, told.fat_suppressed, told.reason)

    def identify(self) -> dict[str, str]:
        """Identify its files for the provenance of a result, without names, which can be people's.

        Returns
        -------
        dict of str
            ``sha256`` and ``format``. The SHA-256 of a DICOM series is over those of its files, in whatever order and
            under whatever names they lie.
        """
        if self.stack is None:
            return identify_files(self.path)
        return {"sha256": str(identify_stack(self.stack)["sha256"]), "format": Format.DICOM.value}

    def name_case(self, *, salt: str = PUBLIC_SALT) -> str:
        """Pseudonym of its study: a salted hash of the study's UID or, where there is none, of the files."""
        study_uid = "" if self.stack is None else self.stack.header.study_uid
        return case_id(study_uid or self.identify()["sha256"], salt=salt)


def find_series(
    path: str | Path,
    *,
    series: str | None = None,
    sequence: Sequence | None = None,
    plane: Plane | None = None,
    orientation: Orientation | None = None,
    progress: Callable[[int], None] | None = None,
) -> FoundSeries:
    """Find the one series that is meant, without its voxels; parameters and errors as in :func:`read_volume`."""
    path = Path(path)
    sequence = None if sequence is None else _as_member(Sequence, sequence, "sequence")
    plane = None if plane is None else _as_member(Plane, plane, "plane")
    if find_format(path) is Format.DICOM:
        study = scan(path, progress=progress)
        stack = find_stack(study, series=series, sequence=sequence, plane=plane)
        return FoundSeries(path, sequence, study=study, stack=stack)
    if series is not None:
        msg = f"{path.name} holds a single series: leave the series out, found {series!r}"
        raise InputError(msg)
    return FoundSeries(path, sequence, orientation)


def find_series_by_sha256(path: str | Path, sha256: str, *, series: str | None = None) -> FoundSeries:
    """Find the series that a result was made from, by the identity that its provenance names.

    Parameters
    ----------
    path : str or Path
        As for :func:`read_volume`; several DICOM series are told apart by their identities.
    sha256 : str
        What :meth:`FoundSeries.identify` gave, hexadecimal.
    series : str or None
        DICOM: key or UID, where several volumes lie in one file and so have one identity.

    Returns
    -------
    FoundSeries
        The series.

    Raises
    ------
    SeriesError
        If no series there is the one that is wanted, or several volumes of one file are.
    InputError
        As for :func:`find_series`.
    """
    path = Path(path)
    if find_format(path) is not Format.DICOM:
        found = [find_series(path, series=series)]
        where = path.name
    else:
        study = scan(path)
        if not study.stacks:
            find_stack(study)  # says what is there instead
        where = study.name
        found = [FoundSeries(path, study=study, stack=stack) for stack in study.stacks if is_meant(stack, series)]
    same = [one for one in found if one.identify()["sha256"] == sha256]
    if not same:
        what = f"none of the {len(found)} series in {where} is" if len(found) != 1 else f"{where} is not"
        msg = f"{what} the image that was graded: expected SHA-256 {sha256[:12]}..., over the bytes of its files"
        raise SeriesError(msg)
    if len(same) > 1:
        keys = ", ".join(one.stack.key for one in same if one.stack is not None)
        msg = f"{where}: {len(same)} volumes lie in the files that were graded, expected one; name the series: {keys}"
        raise SeriesError(msg)
    return same[0]


def identify_files(path: str | Path) -> dict[str, str]:
    """Identify a file, or all files below a folder, for the provenance of a result.

    Parameters
    ----------
    path : str or Path
        A file or a folder.

    Returns
    -------
    dict of str
        ``sha256`` and ``format``. The SHA-256 of a folder is over those of its files, whatever their names.

    Raises
    ------
    InputError
        If there is no such file or its format is not known.
    """
    path = Path(path)
    kind = find_format(path)
    if path.is_dir():
        return {"sha256": str(sources_identity(walk_sources(path))["sha256"]), "format": "folder"}
    return {"sha256": file_identity(path)["sha256"], "format": kind.value}


def _as_member(kind: type[Word], word: str, what: str) -> Word:
    """Member of an enumeration, for which its value may stand."""
    try:
        return kind(word)
    except ValueError as error:
        msg = f"the {what} is {word!r}, expected one of {', '.join(kind)}"
        raise InputError(msg) from error
