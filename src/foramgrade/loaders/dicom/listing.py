"""Listing the DICOM series of a large tree, folder by folder, so that memory does not grow with the number of files."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from foramgrade.errors import InputError
from foramgrade.loaders.contrast import judge_contrast
from foramgrade.loaders.dicom.frames import Frame
from foramgrade.loaders.dicom.headers import HeaderReader
from foramgrade.loaders.dicom.pixels import read_pixels, stored_type
from foramgrade.loaders.dicom.placing import Irregularity, find_irregularities, slice_distance_mm
from foramgrade.loaders.dicom.reading import read_or_note, sort_frames
from foramgrade.loaders.dicom.stacks import SeriesOrder, Stack, name_series, normal_of
from foramgrade.loaders.pseudonym import PUBLIC_SALT, case_id
from foramgrade.loaders.series import SeriesInfo, name_axes, plane_across
from foramgrade.loaders.sources import Source, walk_sources

log = logging.getLogger(__name__)


#: UIDs of a study and of a series in it.
SeriesId = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Listed:
    """An item of the listing before its series is named, which needs all series to be known."""

    order: SeriesOrder
    part: int
    letters: str
    info: SeriesInfo

    @property
    def series(self) -> SeriesId:
        return self.order[0], self.order[2]


def list_dicom(
    path: Path,
    *,
    read_values: bool = False,
    salt: str = PUBLIC_SALT,
    progress: Callable[[int], None] | None = None,
) -> tuple[SeriesInfo, ...]:
    """List the volumes below a path.

    Parameters
    ----------
    path : Path
        A folder, a DICOM file, or a ZIP archive.
    read_values : bool
        Also read the voxels of regular series, for the range of values.
    salt : str
        Salt of the pseudonyms.
    progress : callable or None
        Called with the number of files seen so far.

    Returns
    -------
    tuple of SeriesInfo
        One per volume, by study and number of the series; irregular ones with what is wrong. Empty without DICOM.

    Raises
    ------
    InputError
        If an archive is unsafe or damaged, or DICOM files are there and no volume can be made of them.

    Notes
    -----
    Folders are listed one after the other, and only what is said of their series is kept. Series whose files lie in
    several folders are noticed and read once more, all their files together.
    """
    complaints: list[str] = []
    listed: list[_Listed] = []
    folders_of: dict[SeriesId, set[str]] = defaultdict(set)
    for folder, sources in groupby(walk_sources(path, progress=progress), key=lambda source: source.folder):
        damaged: dict[Source, InputError] = {}
        frames = _read(sources, damaged)
        for series in {_series_of(frame) for frame in frames}:
            folders_of[series].add(folder)
        stacks, left_out = sort_frames(frames)
        complaints += [*map(str, damaged.values()), *left_out]
        listed += [_list(stack, read_values=read_values, salt=salt) for stack in stacks]
    spread = {series: folders for series, folders in folders_of.items() if len(folders) > 1}
    if spread:
        wanted = set[str]().union(*spread.values())
        again = (source for source in walk_sources(path) if source.folder in wanted)
        stacks, _ = sort_frames(frame for frame in _read(again, {}) if _series_of(frame) in spread)
        listed = [item for item in listed if item.series not in spread]
        listed += [_list(stack, read_values=read_values, salt=salt) for stack in stacks]
    if complaints and not listed:
        raise InputError(complaints[0])
    for complaint in complaints:
        log.warning("left out: %s", complaint)
    names = name_series(item.order for item in listed)
    listed.sort(key=lambda item: (item.order, item.part))
    return tuple(replace(item.info, key=names[item.order] + item.letters) for item in listed)


def _series_of(frame: Frame) -> SeriesId:
    return frame.header.study_uid, frame.header.series_uid


def _read(sources: Iterable[Source], damaged: dict[Source, InputError]) -> list[Frame]:
    reader = HeaderReader()
    return [frame for source in sources for frame in read_or_note(reader, source, damaged)]


def _list(stack: Stack, *, read_values: bool, salt: str) -> _Listed:
    info = describe(stack, salt=salt)
    if read_values and not info.problems:
        values = read_pixels(stack.frames)
        info = replace(info, value_range=(float(np.min(values)), float(np.max(values))))
    return _Listed(stack.order, stack.part or 0, stack.letters, info)


def describe(stack: Stack, *, salt: str = PUBLIC_SALT) -> SeriesInfo:
    """Tell a stack as an item of a listing; of irregular slices the spacing is the usual one."""
    first = stack.frames[0]
    wrong = find_irregularities(stack)
    duplicates = wrong[Irregularity.REPEATED_SLICE].count if Irregularity.REPEATED_SLICE in wrong else 0
    uneven = (Irregularity.MISSING_SLICE, Irregularity.UNEVEN_SPACING)
    n_slices = len(stack.frames) - duplicates
    between_rows, between_columns = first.spacing_mm or (0.0, 0.0)
    contrast = judge_contrast(first.header.acquisition)
    lps = np.column_stack([np.array(first.row), np.array(first.column), normal_of(first)])
    return SeriesInfo(
        uid=stack.uid or None,
        name=first.header.description,
        plane=plane_across(normal_of(first)),
        n_slices=n_slices,
        spacing_mm=(between_columns, between_rows, slice_distance_mm(stack, regular=not wrong)),
        shape=(first.header.columns, first.header.rows, n_slices),
        dtype=stored_type(stack.frames).name,
        weighting=contrast.weighting,
        key=stack.key,
        fat_suppressed=contrast.fat_suppressed,
        contrast_reason=contrast.reason,
        orientation=name_axes(np.diag([-1.0, -1.0, 1.0]) @ lps),
        vendor=first.header.manufacturer,
        gaps=sum(wrong[kind].count for kind in uneven if kind in wrong),
        duplicates=duplicates,
        problems=tuple(complaint.sentence for complaint in wrong.values()),
        case=case_id(first.header.study_uid, salt=salt) if first.header.study_uid else "",
    )
