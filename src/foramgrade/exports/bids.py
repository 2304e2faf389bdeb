"""Results of a study as a BIDS derivatives data set, which further studies join."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foramgrade.errors import InputError
from foramgrade.exports.codes import RESEARCH_USE
from foramgrade.exports.dictionary import describe_columns
from foramgrade.exports.folder import fill_folder
from foramgrade.exports.foramina import ForamenLabel, paint_foramina
from foramgrade.exports.nifti import write_nifti
from foramgrade.exports.participants import write_participants
from foramgrade.loaders.dataset.bids_names import is_image, parse_name
from foramgrade.loaders.json_file import read_json
from foramgrade.tables import COLUMNS, StudyAssessment, rows
from foramgrade.tables.columns import TEXT_COLUMNS, Cell, to_text
from foramgrade.volume import Grid

#: Version of the standard that is followed.
BIDS_VERSION = "1.10.0"

#: What the tables cannot be called by the standard yet, which has no name for measurements of an image.
_IGNORED = "*_measurements.tsv\n*_measurements.json\n"

#: Columns that the table of labels has beside those of BIDS.
_LABEL_WORDS = {
    "level": "Level, named by its two vertebrae.",
    "side": "Side of the patient.",
    "structure": "What is painted: opening, root or fat.",
    "voxels": "Number of voxels.",
}

_MISSING = "n/a"
_LABEL = re.compile("[0-9A-Za-z]+")


@dataclass(frozen=True, slots=True)
class BidsSource:
    """The image that was graded, in its BIDS data set.

    Parameters
    ----------
    root : Path
        Folder of the data set.
    path : str
        The image below it, with "/".
    entities : mapping of str to str
        Labels by key, in the order of the name.
    """

    root: Path
    path: str
    entities: Mapping[str, str]


def find_bids_source(image: Path) -> BidsSource | None:
    """Find the BIDS data set of an image; None for an image of another folder or another name.

    Parameters
    ----------
    image : Path
        A NIfTI file.

    Returns
    -------
    BidsSource or None
        Data set, place and entities, e.g. of ``sub-01/ses-2/anat/sub-01_ses-2_T1w.nii.gz``.
    """
    image = image.resolve()
    name = parse_name(image)
    if name is None or not is_image(name) or "sub" not in name.entities:
        return None
    root = next((folder.parent for folder in image.parents if folder.name == f"sub-{name.entities['sub']}"), None)
    return None if root is None else BidsSource(root, image.relative_to(root).as_posix(), name.entities)


def write_bids(
    study: StudyAssessment,
    grid: Grid,
    folder: Path,
    *,
    source: BidsSource | None = None,
    subject: str | None = None,
) -> tuple[str, ...]:
    """Write a study into a BIDS derivatives data set.

    Parameters
    ----------
    study : StudyAssessment
        Assessed foramina.
    grid : Grid
        Where to paint; best the grid of the label map.
    folder : Path
        The derivatives data set; made where it does not exist. What it holds of other subjects, sessions and images
        stays.
    source : BidsSource or None
        The image that was graded, which gives the names.
    subject : str or None
        Label of the subject, for an image that is in no BIDS data set; by default made from the study's pseudonym.

    Returns
    -------
    tuple of str
        What was written, relative to `folder`, with "/".

    Raises
    ------
    InputError
        If the label of the subject is none, the data set there is no derivative, holds the results of another image
        under this name, or cannot be written to.

    Notes
    -----
    *Definition*: per image ``*_desc-foramina_dseg.nii.gz`` with its table of labels and its sidecar, and
    ``*_desc-foramina_measurements.tsv`` with a dictionary made from the definitions of the quantities; per data set
    ``dataset_description.json``, ``participants.tsv`` and ``README.md``.
    *Limits*: BIDS has no name yet for measurements of an image: they are listed in ``.bidsignore``, which the validator
    follows for a data set of its own, and not (as of version 3.0.2) where it descends into the derivatives of another.

    References
    ----------
    Gorgolewski et al. 2016, The brain imaging data structure, Sci Data 3:160044, doi 10.1038/sdata.2016.44.
    """
    entities = dict(source.entities) if source is not None else {"sub": _subject(subject, study.case)}
    if source is not None and subject is not None:
        msg = f"the image is of the subject {entities['sub']} by its name: leave the subject out, found {subject!r}"
        raise InputError(msg)
    stem = "_".join(f"{key}-{value}" for key, value in entities.items()) + "_desc-foramina"
    place = "/".join(f"{key}-{entities[key]}" for key in ("sub", "ses") if key in entities) + "/anat"
    _refuse_other(study, folder / place / f"{stem}_dseg.json")
    array, labels = paint_foramina(study, grid)
    participant = f"sub-{entities['sub']}"
    with fill_folder(folder) as part:
        (part / place).mkdir(parents=True)
        write_nifti(array, grid, part / place / f"{stem}_dseg.nii.gz")
        _write_lines(_label_lines(labels), part / place / f"{stem}_dseg.tsv")
        _write_json(_describe_labels(study, source, folder), part / place / f"{stem}_dseg.json")
        _write_lines(_measurement_lines(study), part / place / f"{stem}_measurements.tsv")
        _write_json(describe_columns(study), part / place / f"{stem}_measurements.json")
        names = [f"{place}/{path.name}" for path in sorted((part / place).iterdir())]
        _write_json(_describe_dataset(study, source, folder), part / "dataset_description.json")
        (part / ".bidsignore").write_text(_IGNORED, encoding="utf-8")
        if not (folder / "README.md").exists():
            (part / "README.md").write_text(_README, encoding="utf-8")
        write_participants(participant, folder, part, raw=None if source is None else source.root)
        tops = sorted(path.name for path in part.iterdir() if path.is_file())
    return (*tops, *names)


_README = f"""# Lumbar neural foramina

Foramina, nerve roots and perineural fat as label maps (`*_dseg.nii.gz`, with their table of labels), and what was
measured and graded of them (`*_measurements.tsv`, with a dictionary), by foramgrade.

{RESEARCH_USE}
"""


def _subject(wanted: str | None, case: str) -> str:
    label = re.sub("[^0-9A-Za-z]", "", case) if wanted is None else wanted.removeprefix("sub-")
    if not _LABEL.fullmatch(label):
        found = repr(case if wanted is None else wanted)
        msg = f"the label of a subject is made of letters A to Z and digits, found {found}: name one"
        raise InputError(msg)
    return label


def _refuse_other(study: StudyAssessment, sidecar: Path) -> None:
    """Refuse to replace the results of another image: a T1w and a T2w of a subject would get one name."""
    if not sidecar.exists():
        return
    held = read_json(sidecar)
    inputs = held.get("InputFiles") if isinstance(held, Mapping) else None
    if inputs is None or _image_of(inputs) != _image_of(study.inputs):
        msg = (
            f"{sidecar.name} there is of another image, expected none or one of the same image; choose another folder "
            "or name the subject"
        )
        raise InputError(msg)


def _image_of(inputs: Iterable[Mapping[str, str]]) -> str | None:
    return next((entry.get("sha256") for entry in inputs if entry.get("role") == "image"), None)


def _label_lines(labels: Iterable[ForamenLabel]) -> list[list[str]]:
    names = list(ForamenLabel.__slots__)
    return [names, *([str(getattr(label, name)) for name in names] for label in labels)]


def _measurement_lines(study: StudyAssessment) -> list[list[str]]:
    return [list(COLUMNS), *([_cell(column, row[column]) for column in COLUMNS] for row in rows(study))]


def _cell(column: str, value: Cell) -> str:
    if value is None:
        return _MISSING
    return " ".join(str(value).split("\t")) if column in TEXT_COLUMNS else to_text(column, value)


def _describe_labels(study: StudyAssessment, source: BidsSource | None, folder: Path) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Description": "Openings of the lumbar foramina on every section, nerve root and fat on the reported one. "
        "Root and fat are painted over the opening: the whole opening is all three.",
        "Manual": False,
        "ResearchUse": RESEARCH_USE,
        "SoftwareVersion": study.version,
        "Case": study.case,
        "LabelScheme": study.scheme,
        "InputFiles": [dict(entry) for entry in study.inputs],
        "Parameters": {name: value for name, value in study.parameters.items() if name != "sister_scales"},
    }
    if source is not None and _raw_from(source, folder) is not None:
        described["Sources"] = [f"bids:raw:{source.path}"]
        described["SpatialReference"] = f"bids:raw:{source.path}"
    return described | {column: {"Description": words} for column, words in _LABEL_WORDS.items()}


def _describe_dataset(study: StudyAssessment, source: BidsSource | None, folder: Path) -> dict[str, Any]:
    """Describe the data set: what was there stays, and the source of this study joins it."""
    held: dict[str, Any] = {}
    file = folder / "dataset_description.json"
    if file.exists():
        found = read_json(file)
        if not isinstance(found, dict) or found.get("DatasetType") != "derivative":
            msg = f"{file.name} there is not of a derivatives data set, expected a folder of its own for the results"
            raise InputError(msg)
        held = found
    generated = {"Name": "foramgrade", "Version": study.version, "Description": RESEARCH_USE}
    link = None if source is None else _raw_from(source, folder)
    described = {
        "Name": "Lumbar neural foramina, measured and graded by foramgrade",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        **held,
        "GeneratedBy": _joined(held.get("GeneratedBy"), generated),
        "SourceDatasets": _joined(held.get("SourceDatasets"), _describe_raw(study, source)),
    }
    if link is not None:
        described["DatasetLinks"] = {**held.get("DatasetLinks", {}), "raw": link}
    return described


def _describe_raw(study: StudyAssessment, source: BidsSource | None) -> dict[str, str]:
    """Name the source: its own DOI or version, or the image by what it holds; never a folder, which can name people."""
    if source is not None and (source.root / "dataset_description.json").exists():
        held = read_json(source.root / "dataset_description.json")
        doi = held.get("DatasetDOI") if isinstance(held, Mapping) else None
        if isinstance(doi, str) and doi:
            return {"DOI": doi}
        if isinstance(held, Mapping) and isinstance(held.get("Name"), str):
            return {"Version": f"data set {held['Name']!r}"}
    return {"Version": f"image with SHA-256 {_image_of(study.inputs) or 'unknown'}"}


def _joined(held: object, entry: Mapping[str, str]) -> list[Any]:
    known = list(held) if isinstance(held, list) else []
    return known if entry in known else [*known, dict(entry)]


def _raw_from(source: BidsSource, folder: Path) -> str | None:
    """Way from the derivatives to the data set, where they lie in it; None elsewhere."""
    if not folder.resolve().is_relative_to(source.root):
        return None
    return os.path.relpath(source.root, folder.resolve()).replace(os.sep, "/")


def _write_lines(lines: Iterable[Iterable[str]], path: Path) -> None:
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8", newline="\n")


def _write_json(document: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
