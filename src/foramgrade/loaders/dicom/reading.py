"""Series of DICOM files: what is there, which one is meant, and its volume."""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from foramgrade.errors import InputError, SeriesError
from foramgrade.findings import Sequence
from foramgrade.loaders.contrast import Contrast, judge_contrast
from foramgrade.loaders.dicom.fields import MOSAIC
from foramgrade.loaders.dicom.frames import Frame
from foramgrade.loaders.dicom.headers import DamagedFileError, HeaderReader, NoDicomError
from foramgrade.loaders.dicom.pixels import read_pixels
from foramgrade.loaders.dicom.placing import Irregularity, listed, place_stack
from foramgrade.loaders.dicom.stacks import Stack, find_stacks, is_placed, normal_of
from foramgrade.loaders.series import Plane, plane_across
from foramgrade.loaders.sources import Source, is_archive, sources_identity, walk_sources
from foramgrade.volume import Volume

log = logging.getLogger(__name__)

#: Most series that a message lists.
_LISTED = 12

#: Ends of names that only slices have.
_DICOM_SUFFIXES = (".dcm", ".ima")


@dataclass(frozen=True, slots=True)
class Study:
    """What a folder, a file or an archive holds.

    Parameters
    ----------
    name : str
        What to call it in messages.
    stacks : tuple of Stack
        Volumes.
    damaged : mapping of Source to InputError
        Files that are DICOM and cannot be read, and why.
    left_out : tuple of str
        Why other pictures are no volumes, a sentence each.
    """

    name: str
    stacks: tuple[Stack, ...]
    damaged: dict[Source, InputError]
    left_out: tuple[str, ...]


def scan(path: Path, *, progress: Callable[[int], None] | None = None) -> Study:
    """Read the headers of everything below a path.

    Parameters
    ----------
    path : Path
        A folder, a DICOM file, or a ZIP archive.
    progress : callable or None
        Called with the number of files seen so far.

    Returns
    -------
    Study
        Stacks, and what could not be used.

    Raises
    ------
    InputError
        If an archive is unsafe or damaged, or a folder cannot be opened.
    """
    frames: list[Frame] = []
    damaged: dict[Source, InputError] = {}
    reader = HeaderReader()
    for source in walk_sources(path, progress=progress):
        frames += read_or_note(reader, source, damaged)
    usable, left_out = sort_frames(frames)
    # A folder or an archive is often called after a person; the user knows which one was given.
    name = "the folder" if path.is_dir() else "the archive" if is_archive(path) else path.name
    return Study(name, tuple(usable), damaged, tuple(left_out))


def read_or_note(reader: HeaderReader, source: Source, damaged: dict[Source, InputError]) -> tuple[Frame, ...]:
    """Frames of a file; none of a file that is not DICOM, nor of a damaged one, which is noted in `damaged`."""
    try:
        return reader.read(source)
    except NoDicomError as error:
        # Notes, tables and pictures lie among the slices of many archives; a slice that lost its content does not.
        if _is_lost_slice(source):
            damaged[source] = error
        return ()
    except InputError as error:
        damaged[source] = error
        return ()


def sort_frames(frames: Iterable[Frame]) -> tuple[list[Stack], list[str]]:
    """Sort frames into volumes, and say in a sentence each why other pictures are none."""
    usable, left_out = [], []
    for stack in find_stacks(frames):
        why = _why_no_volume(stack)
        if why:
            left_out.append(f"{_names_of_files(stack.frames)}: {why}")
        else:
            usable.append(stack)
    return usable, left_out


def find_stack(
    study: Study, *, series: str | None = None, sequence: Sequence | None = None, plane: Plane | None = None
) -> Stack:
    """Find the one volume that is meant.

    Parameters
    ----------
    study : Study
        What was found.
    series : str or None
        Key of a listing, or UID of the series.
    sequence : Sequence or None
        Contrast it must have.
    plane : Plane or None
        Plane its slices must have.

    Returns
    -------
    Stack
        The only one that fits.

    Raises
    ------
    SeriesError
        If none or several fit; lists the choices.
    InputError
        If there is no volume at all.

    Notes
    -----
    A contrast that the header does not tell is believed to be `sequence` only where nothing else is there to choose, or
    where the series is named.
    """
    if not study.stacks:
        found = [*study.damaged.values(), *study.left_out]
        nothing = f"{study.name} holds no DICOM series, expected one; a file of another format is given by its own name"
        raise InputError(str(found[0]) if found else nothing)
    fitting = [stack for stack in study.stacks if is_meant(stack, series)]
    if plane is not None:
        fitting = [stack for stack in fitting if plane_across(normal_of(stack.frames[0])) is plane]
    if sequence is not None and series is None:
        known = [stack for stack in fitting if _contrast(stack).weighting is sequence]
        alone = len(fitting) == 1 and _contrast(fitting[0]).weighting is None
        fitting = fitting if alone else known
    if len(fitting) == 1:
        return fitting[0]
    wanted = " ".join(filter(None, (plane, sequence, "series", series and f"{series!r}")))
    choices = listed([_told(stack) for stack in (fitting or study.stacks)], most=_LISTED)
    n_found = f"{len(fitting)} fit" if fitting else "none fits"
    msg = f"{study.name}: expected one {wanted}, {n_found}; choose one of: {choices}"
    raise SeriesError(msg)


def read_stack(
    study: Study, stack: Stack, *, sequence: Sequence | None = None, tolerate: Collection[Irregularity] = ()
) -> Volume:
    """Read the volume of a stack.

    Parameters
    ----------
    study : Study
        Where the stack is from.
    stack : Stack
        Slices.
    sequence : Sequence or None
        Contrast to believe; the header's where None. Fat suppression is always the header's.
    tolerate : collection of Irregularity
        What is not refused.

    Returns
    -------
    Volume
        Intensities, on a grid whose third axis counts the slices.

    Raises
    ------
    SeriesError
        If slices are missing, damaged, repeated, unevenly spaced or sheared, and this is not tolerated.
    InputError
        If the slices are not placed in the patient, or their pixels cannot be read.
    """
    if Irregularity.MISSING_SLICE not in tolerate:
        _check_complete(study, stack)
    contrast = _contrast(stack)
    if sequence is not None and contrast.weighting not in (None, sequence) and not contrast.fat_suppressed:
        log.warning("the header tells %s (%s), read as %s", contrast.weighting, contrast.reason, sequence)
    name = f"series {stack.key}" if len(study.stacks) > 1 else study.name
    placement = place_stack(stack, name=name, tolerate=tolerate)
    blank = tuple(k for k, frame in enumerate(placement.frames) if frame is None)
    if blank:
        log.warning("%s: %d of %d slices are missing and blank", name, len(blank), len(placement.frames))
    return Volume(
        read_pixels(placement.frames),
        placement.grid,
        contrast.weighting if sequence is None else sequence,
        contrast.fat_suppressed,
        contrast.reason,
        blank,
    )


def _check_complete(study: Study, stack: Stack) -> None:
    """Refuse a stack to which a damaged file may belong: one that says so, or lies beside it and says nothing."""
    folders = {frame.source.folder for frame in stack.frames}
    for source, damage in study.damaged.items():
        series_uid = damage.series_uid if isinstance(damage, DamagedFileError) else ""
        if series_uid == stack.header.series_uid or (not series_uid and source.folder in folders):
            msg = (
                f"{damage}, and lies among the slices of the series: expected all of them readable (to go on "
                f"nevertheless, tolerate {Irregularity.MISSING_SLICE.value})"
            )
            raise SeriesError(msg)


def identify_stack(stack: Stack) -> dict[str, str | int]:
    """Identify the files of a stack: one SHA-256 over those of its files, whatever their names, and their number."""
    return sources_identity({frame.source for frame in stack.frames})


def _why_no_volume(stack: Stack) -> str:
    header = stack.header
    if header.modality == "SEG":
        return "a segmentation: read it as labels"
    if header.pixels.samples != 1:
        return "a colour picture, such as a screenshot"
    if MOSAIC in header.acquisition.image_type:
        return "a mosaic of small pictures in one, as functional series are stored; expected one slice per picture"
    if not all(is_placed(frame) and frame.spacing_mm for frame in stack.frames):
        return (
            "a picture that does not say where in the patient it is: it has no position, orientation or pixel spacing"
        )
    return ""


def is_meant(stack: Stack, series: str | None) -> bool:
    """Whether a stack is the one that a key of a listing or a UID names; every one where nothing is named."""
    return series is None or series in (stack.key, stack.name, stack.uid, stack.header.series_uid)


def _contrast(stack: Stack) -> Contrast:
    return judge_contrast(stack.header.acquisition)


def _told(stack: Stack) -> str:
    """A choice in a message; the files of small stacks are named, since they may have strayed here."""
    contrast, n = _contrast(stack), len(stack.frames)
    words = [plane_across(normal_of(stack.frames[0])).value, contrast.weighting or "unknown contrast"]
    words += ["fat-suppressed"] * bool(contrast.fat_suppressed) + [f"{n} slice{'s' * (n > 1)}"]
    files = f" ({_names(stack.frames)})" if n <= 2 else ""
    return f"{stack.key}: {', '.join(words)}{files}"


def _is_lost_slice(source: Source) -> bool:
    """Whether a file that is not DICOM is called like one, or is empty and not called anything else."""
    suffix = PurePosixPath(source.file).suffix.lower()
    if suffix in _DICOM_SUFFIXES:
        return True
    if suffix and not suffix[1:].isdigit():  # parts of UIDs are no suffixes
        return False
    with source.open() as file:
        return not file.read(1)


def _names_of_files(frames: Iterable[Frame]) -> str:
    """Name of the first file, and how many others there are."""
    first, *others = dict.fromkeys(frame.source for frame in frames)
    more = f" and {len(others)} other file{'s' * (len(others) > 1)}" if others else ""
    return f"{first.file}{more}"


def _names(frames: Iterable[Frame]) -> str:
    return ", ".join(frame.file for frame in frames)
