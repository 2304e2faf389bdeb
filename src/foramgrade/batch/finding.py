"""Where the cases of a run come from: a manifest, a BIDS data set, or a folder in the layout of RSNA LumbarDISC."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from foramgrade.anatomy.labels import parse_level_names
from foramgrade.batch.cases import BatchCase, Complaints, absolute, from_data_set
from foramgrade.batch.manifest import Defaults, check_defaults, open_manifest, read_cases
from foramgrade.errors import InputError
from foramgrade.loaders import file_identity
from foramgrade.loaders.dataset import Part, StudyCase, read_bids, read_lumbardisc
from foramgrade.loaders.pseudonym import CaseNames


@dataclass(frozen=True, slots=True)
class Cohort:
    """The cases that a run was asked for, not yet looked at.

    Parameters
    ----------
    name : str
        What messages call it: name of the file or folder.
    kind : str
        "manifest", "BIDS" or "LumbarDISC".
    carried : tuple of str
        Columns that its cases carry into the tables.
    sha256 : str or None
        Checksum of a manifest.
    read : callable
        Reads the cases, one after the other; takes the sentences about rows that cannot be understood.
    """

    name: str
    kind: str
    carried: tuple[str, ...]
    sha256: str | None
    read: Callable[[Complaints], Iterator[BatchCase]]


def find_cohort(path: Path, *, defaults: Defaults, derivatives: str | None = None) -> Cohort:
    """Find the cases of a manifest or a data set.

    Parameters
    ----------
    path : Path
        A manifest (CSV, TSV, Parquet), or the folder of a BIDS or LumbarDISC data set.
    defaults : Defaults
        For cases that do not say it themselves.
    derivatives : str or None
        BIDS: where the label maps are, see :func:`foramgrade.loaders.dataset.read_bids`.

    Returns
    -------
    Cohort
        The cases.

    Raises
    ------
    InputError
        If there is no such file or folder, or it is none of the three.
    """
    path, defaults = absolute(path), check_defaults(defaults)
    if path.is_dir():
        return _find_data_set(path, defaults, derivatives)
    if derivatives is not None:
        msg = f"derivatives belong to a BIDS folder, found them with the file {path.name}"
        raise InputError(msg)
    header, _ = open_manifest(path)

    def read(complaints: Complaints) -> Iterator[BatchCase]:
        again, rows = open_manifest(path)
        return read_cases(again, rows, folder=path.parent, defaults=defaults, complaints=complaints)

    return Cohort(path.name, "manifest", tuple(header.carried), file_identity(path)["sha256"], read)


def _find_data_set(path: Path, defaults: Defaults, derivatives: str | None) -> Cohort:
    parts = [part for part in Part if (path / f"{part}_images").is_dir()]
    if parts:
        kind, studies = "LumbarDISC", read_lumbardisc(path, part=parts[0], salt=defaults.salt)
    elif any(path.glob("sub-*")) or any(path.glob("rawdata/sub-*")):
        names = CaseNames.FOLDER
        kind = "BIDS"
        studies = read_bids(path, derivatives=derivatives, scheme=defaults.scheme, names=names, salt=defaults.salt)
    else:
        msg = (
            f"the folder {path.name} is no data set: expected sub-* folders (BIDS), train_images or test_images "
            "(LumbarDISC), or a manifest (.csv, .tsv, .parquet) instead"
        )
        raise InputError(msg)
    return Cohort(path.name, kind, ("patient",), None, lambda _: _data_set_cases(studies, defaults))


def _data_set_cases(studies: Iterator[StudyCase], defaults: Defaults) -> Iterator[BatchCase]:
    number = 0
    names = None if defaults.levels is None else parse_level_names(defaults.levels)
    for study in studies:
        if defaults.sequence is None or study.image is None or study.sequence in (None, defaults.sequence):
            yield from_data_set(number, study, scheme=defaults.scheme, level_names=names)
            number += 1
