"""Data sets in the Brain Imaging Data Structure, with label maps from their derivatives."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from foramgrade.errors import InputError
from foramgrade.loaders.contrast import Contrast, judge_contrast
from foramgrade.loaders.dataset.bids_labels import (
    SPINEPS_FOLDER,
    Pipeline,
    choose_labels,
    find_pipelines,
    list_label_maps,
    note_closed,
)
from foramgrade.loaders.dataset.bids_names import SEQUENCE_OF_SUFFIX, BidsName, is_image, parse_name
from foramgrade.loaders.dataset.bids_sidecars import Sidecar, inherit, read_sidecar
from foramgrade.loaders.dataset.cases import StudyCase
from foramgrade.loaders.json_file import read_json
from foramgrade.loaders.pseudonym import PUBLIC_SALT, CaseNames, name_case
from foramgrade.loaders.sidecar import acquisition_of


@dataclass(frozen=True, slots=True)
class _Choice:
    """What the user asks for."""

    entities: Mapping[str, str]
    label_entities: Mapping[str, str]
    scheme: str | None
    names: CaseNames
    salt: str


def read_bids(
    root: str | Path,
    *,
    derivatives: str | Path | None = None,
    entities: Mapping[str, str] | None = None,
    label_entities: Mapping[str, str] | None = None,
    scheme: str | None = None,
    names: CaseNames = CaseNames.FOLDER,
    salt: str = PUBLIC_SALT,
) -> Iterator[StudyCase]:
    """Iterate over the T1w, T2w and PDw images of a BIDS data set.

    Parameters
    ----------
    root : str or Path
        Folder of the data set: ``sub-*/[ses-*/][anat/]*_T2w.nii.gz``, or the same below ``rawdata``.
    derivatives : str, Path or None
        Where the label maps are: name of a pipeline in ``derivatives``, or the folder of a derivatives data set. None
        for all pipelines in ``derivatives``, and ``derivatives_seg``, into which SPINEPS writes.
    entities, label_entities : mapping of str to str, or None
        Only images, and only label maps, that have these entities, e.g. {"acq": "sag"}, {"desc": "manual"}.
    scheme : str or None
        Label scheme; None to tell it from the names of files, pipelines and tools.
    names : CaseNames
        What cases are called: after their files (``sub-01_acq-sag_T2w``), since the labels of BIDS are pseudonyms, or
        by a hash, where somebody wrote patients' names there.
    salt : str
        Salt of the hash, see :func:`foramgrade.loaders.pseudonym.case_id`.

    Returns
    -------
    iterator of StudyCase
        One per image, in order of subject, folder and file name. Sequence and fat suppression are judged by the
        sidecars (with inheritance); the suffix counts where these are silent.

    Raises
    ------
    InputError
        If the folder is no BIDS data set, or there is no such pipeline.

    Notes
    -----
    *Definition*: a label map is of an image when its name holds no entity of another one; the maps of a pipeline that
    name the image most exactly are chosen. Several such maps, or none, are a problem of the case, not a guess.
    *Limits*: maps in a template's space are not used. ``participants.tsv``, ``.bidsignore`` and images outside
    ``anat`` are not read.

    References
    ----------
    Gorgolewski et al. 2016, The brain imaging data structure, Sci Data 3:160044, doi 10.1038/sdata.2016.44.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     anat = Path(folder, "sub-01", "anat")
    ...     anat.mkdir(parents=True)
    ...     (anat / "sub-01_acq-sag_T2w.nii.gz").touch()
    ...     (case,) = read_bids(folder)
    >>> case.case, case.patient, case.sequence.value, case.problems
    ('sub-01_acq-sag_T2w', 'sub-01', 'T2', ("no label map fits the image's name",))
    """
    base = Path(root)
    if not base.is_dir():
        msg = f"{base.name}: no such folder"
        raise InputError(msg)
    raw = base
    subjects = _subjects(base)
    if not subjects and (base / "rawdata").is_dir():
        raw = base / "rawdata"
        subjects = _subjects(raw)
    if not subjects:
        msg = f"the folder {base.name} is no BIDS data set: found no folder of a subject (sub-*), neither in rawdata"
        raise InputError(msg)
    _refuse_derivatives(base)
    choice = _Choice(entities or {}, label_entities or {}, scheme, names, salt)
    return _cases(raw, subjects, find_pipelines(base, derivatives), choice)


def _subjects(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.name.startswith("sub-") and entry.is_dir())


def _refuse_derivatives(base: Path) -> None:
    described = base / "dataset_description.json"
    if not described.is_file():
        return
    content = read_json(described, name=f"{base.name}/{described.name}")
    if isinstance(content, Mapping) and content.get("DatasetType") == "derivative":
        msg = f"{base.name} holds derivatives: give the folder of the images, and this one as derivatives"
        raise InputError(msg)


def _cases(raw: Path, subjects: list[str], pipelines: tuple[Pipeline, ...], choice: _Choice) -> Iterator[StudyCase]:
    tops = [side for path in sorted(raw.glob("*.json")) if (side := read_sidecar(path))]
    for subject in subjects:
        yield from _subject_cases(raw / subject, tops, pipelines, choice)


def _subject_cases(
    folder: Path, tops: list[Sidecar], pipelines: tuple[Pipeline, ...], choice: _Choice
) -> Iterator[StudyCase]:
    images: list[tuple[Path, BidsName]] = []
    sidecars: dict[Path, list[Sidecar]] = {}
    closed: list[str] = []
    for where, below, files in os.walk(folder, onerror=lambda error: note_closed(error, closed)):
        below[:] = sorted(name for name in below if name == "anat" or name.startswith("ses-"))
        for path in (Path(where, file) for file in sorted(files)):
            name = parse_name(path)
            if path.suffix.lower() == ".json":
                sidecars.setdefault(Path(where), []).extend([side] if (side := read_sidecar(path)) else [])
            elif name is not None and is_image(name) and _has(name, choice.entities):
                images.append((path, name))
    if not images:
        yield _without_image(folder.name, closed, choice)
        return
    # SPINEPS run on single files writes beside each.
    beside = [Pipeline(parent / SPINEPS_FOLDER, None) for parent in dict.fromkeys(path.parent for path, _ in images)]
    maps = [(pipeline, list_label_maps(pipeline, folder.name, closed)) for pipeline in pipelines]
    maps += [(pipeline, list_label_maps(pipeline, "", closed)) for pipeline in beside]
    offered = [(pipeline, [one for one in found if _has(one[1], choice.label_entities)]) for pipeline, found in maps]
    for path, name in images:
        levels = [tops, *(sidecars.get(folder / parent, []) for parent in reversed(path.relative_to(folder).parents))]
        contrast, problems = _contrast(name, levels)
        labels = choose_labels(name, offered, scheme=choice.scheme)
        if not path.exists():
            problems.append("the image is a link to a file that is not here (fetch it with DataLad or git-annex)")
        if name.entities.get("part", "mag") != "mag":
            problems.append(f"the image is not one of magnitudes: part-{name.entities['part']}")
        yield StudyCase(
            case=name_case(name.stem, names=choice.names, salt=choice.salt),
            patient=name_case(folder.name, names=choice.names, salt=choice.salt),
            image=path,
            sequence=contrast.weighting,
            fat_suppressed=contrast.fat_suppressed,
            contrast_reason=contrast.reason,
            labels=labels.labels,
            instances=labels.instances,
            scheme=labels.scheme,
            problems=tuple(
                _without_labels(text, name, choice.names) for text in (*closed, *problems, *labels.problems)
            ),
        )


def _without_image(subject: str, closed: list[str], choice: _Choice) -> StudyCase:
    called = name_case(subject, names=choice.names, salt=choice.salt)
    wanted = "".join(f" with {key}-{value}" for key, value in choice.entities.items())
    return StudyCase(called, called, None, problems=(*closed, f"no T1w, T2w or PDw image{wanted}"))


def _contrast(name: BidsName, levels: list[list[Sidecar]]) -> tuple[Contrast, list[str]]:
    fields, problems = inherit(name, levels)
    acquisition, doubts = acquisition_of(fields)
    problems += doubts
    judged = judge_contrast(acquisition) if fields else Contrast(None, None, "")
    named = SEQUENCE_OF_SUFFIX[name.suffix]
    if judged.weighting is None:
        return Contrast(named, judged.fat_suppressed, f"BIDS suffix {name.suffix}"), problems
    if judged.weighting is not named:
        problems.append(f"the file is called {name.suffix}, and its sidecar says {judged.weighting} ({judged.reason})")
    return judged, problems


def _has(name: BidsName, entities: Mapping[str, str]) -> bool:
    return all(name.entities.get(key) == value for key, value in entities.items())


def _without_labels(text: str, name: BidsName, names: CaseNames) -> str:
    """A problem's sentence; where names are hashed, subject and session do not show in the names of files."""
    if names is CaseNames.HASHED:
        for key in ("sub", "ses"):
            if key in name.entities:
                text = text.replace(f"{key}-{name.entities[key]}", f"{key}-*")
    return text
