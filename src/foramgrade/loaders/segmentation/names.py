"""What a file's labels are called: in the file itself, in a BIDS table beside it, in the dataset.json of nnU-Net."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foramgrade.errors import InputError
from foramgrade.loaders.files import Format, format_by_name
from foramgrade.loaders.json_file import read_json
from foramgrade.loaders.segmentation.nifti_extension import extension_names
from foramgrade.loaders.segmentation.voxels import LARGEST_LABEL, parse_label

#: `LabelMap.scheme` of labels that are told by their names; every other scheme goes by the numbers.
NAMES_SCHEME = "names"

#: `LabelMap.scheme` of drawn foramina: their values mean nothing, their names and places say which is which.
FORAMINA_SCHEME = "foramina"

#: First entry of the file beside ``foramina.nii.gz``: what it is, and the version of its layout.
FORAMINA_FORMAT = "foramgrade foramina 1"

#: nnU-Net's description of a data set lies beside the masks or in one of this many folders above.
DATASET_FOLDERS_ABOVE = 2

_DATASET_FILE = "dataset.json"
_BIDS_ROOT = "dataset_description.json"
_TABLE_SUFFIX = "dseg"


def find_names(path: Path) -> dict[int, str]:
    """Find what the labels of a file are called.

    Parameters
    ----------
    path : Path
        A NIfTI, MetaImage or NRRD file.

    Returns
    -------
    dict of int to str
        Name by label, background left out; empty when nothing names them.

    Raises
    ------
    InputError
        If what names them is damaged, contradicts itself, or names regions instead of labels.

    Notes
    -----
    Definition: the nearest source counts and is not mixed with others: the label table in a NIfTI file's own header,
    then the JSON file that this package writes beside ``*foramina.nii.gz``, then a BIDS table ``*_dseg.tsv``
    that applies to the file, then nnU-Net's ``dataset.json`` in the file's folder or up to `DATASET_FOLDERS_ABOVE`
    folders above.
    """
    if format_by_name(path) is Format.NIFTI:
        names = extension_names(path)
        if names:
            return names
    stem = path.name.split(".", 1)[0]
    names = read_foramina_names(path.with_name(f"{stem}.json")) if stem.endswith(FORAMINA_SCHEME) else {}
    if names:
        return names
    table = find_table(path)
    if table is not None:
        return read_table(table)
    folder = path.absolute().parent
    for place in (folder, *folder.parents[:DATASET_FOLDERS_ABOVE]):
        names = read_dataset_names(place / _DATASET_FILE)
        if names:
            return names
    return {}


def find_table(path: Path) -> Path | None:
    """Find the BIDS table that names the labels of a file.

    Parameters
    ----------
    path : Path
        A segmentation; only ``*_dseg`` files have tables.

    Returns
    -------
    Path or None
        The table.

    Raises
    ------
    InputError
        If two tables in one folder apply equally well.

    Notes
    -----
    Definition: BIDS inheritance. A table applies if it lies in the file's folder or above, up to the root of the
    data set, and has no entity (``sub-01``, ``space-T2w``) that the file has not. The nearest folder counts, in it the
    table with most entities. Without a ``dataset_description.json`` above, only the file's own folder is looked at.
    """
    entities = _entities(path)
    if entities is None:
        return None
    for folder in _folders_to_root(path.absolute().parent):
        held: dict[Path, int] = {}
        for table in sorted(folder.glob("*.tsv")):
            own = _entities(table)
            if own is not None and own <= entities:
                held[table] = len(own)
        if held:
            most = [table for table, n in held.items() if n == max(held.values())]
            if len(most) > 1:
                msg = f"{path.name}: {most[0].name} and {most[1].name} both name its labels, expected one table"
                raise InputError(msg)
            return most[0]
    return None


def read_table(path: Path) -> dict[int, str]:
    """Read a BIDS table of labels: the columns ``index`` and ``name``, tab-separated.

    Parameters
    ----------
    path : Path
        The table. Other columns (``color``, ``mapping``, ``abbreviation``) are ignored.

    Returns
    -------
    dict of int to str
        Name by label, background and labels without a name left out.

    Raises
    ------
    InputError
        If it is no such table, an index is no label, or one stands twice.
    """
    header, *lines = _text(path).splitlines() or [""]
    # BIDS quotes nothing, so that a tab always separates.
    columns = [name.strip().lower() for name in header.split("\t")]
    if "index" not in columns or "name" not in columns:
        msg = f"{path.name}: found the columns {', '.join(filter(None, columns)) or 'none'}, expected index and name "
        raise InputError(msg + "between tabs")
    pairs = []
    for line in lines:
        cells = dict(zip(columns, (cell.strip() for cell in line.split("\t")), strict=False))
        name = cells.get("name", "")
        if name and name.lower() != "n/a":
            pairs.append((cells.get("index", ""), name))
    return _named(pairs, path.name)


def read_dataset_names(path: Path) -> dict[int, str]:
    """Read the names of labels from nnU-Net's description of a data set.

    Parameters
    ----------
    path : Path
        A ``dataset.json`` of nnU-Net v1 (``"labels": {"1": "L5"}``) or v2 (``"labels": {"L5": 1}``).

    Returns
    -------
    dict of int to str
        Name by label, background left out; empty if there is no such file or it is not nnU-Net's.

    Raises
    ------
    InputError
        If the file is not valid, or its labels are regions made of several numbers.
    """
    if not path.is_file():
        return {}
    entries = read_json(path)
    labels = entries.get("labels") if isinstance(entries, dict) else None
    if not isinstance(labels, dict) or not labels:
        return {}
    region = next((name for name, value in labels.items() if isinstance(value, list)), None)
    if region is not None:
        msg = (
            f"{path.name}: {region!r} is a region of several labels {labels[region]}, expected one number for every "
            "name: give the scheme"
        )
        raise InputError(msg)
    if all(isinstance(value, str) for value in labels.values()):
        return _named(list(labels.items()), path.name)
    return _named([(value, name) for name, value in labels.items()], path.name)


def read_foramina_names(path: Path) -> dict[int, str]:
    """Read the names of foramina from what this package writes beside ``foramina.nii.gz``.

    Parameters
    ----------
    path : Path
        The file, ``foramina.json``.

    Returns
    -------
    dict of int to str
        Level and side by label, e.g. "L4-L5 left": opening, root and fat of one foramen have one name, for together
        they are the foramen. Empty if there is no such file or it is another.

    Raises
    ------
    InputError
        If the file is not valid.
    """
    entries = read_json(path) if path.is_file() else None
    if not isinstance(entries, dict) or entries.get("format") != FORAMINA_FORMAT:
        return {}
    labels = entries.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, dict) for label in labels):
        msg = f"{path.name} lists no labels, expected those of the foramina beside it"
        raise InputError(msg)
    return _named([(label.get("index"), f"{label.get('level')} {label.get('side')}") for label in labels], path.name)


def _named(pairs: list[tuple[Any, str]], file: str) -> dict[int, str]:
    names: dict[int, str] = {}
    for index, name in pairs:
        label = None if isinstance(index, bool) else parse_label(str(index))
        if label is None:
            msg = f"{file}: {name!r} has the label {index!r:.40}, expected a whole number from 0 to {LARGEST_LABEL}"
            raise InputError(msg)
        if label in names:
            msg = f"{file}: the label {label} has two names, {names[label]!r} and {name!r}, expected one"
            raise InputError(msg)
        names[label] = name
    names.pop(0, None)
    return names


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path.name} is not text in UTF-8"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{path.name} cannot be opened"
        raise InputError(msg) from error


def _entities(path: Path) -> frozenset[str] | None:
    """Entities of a BIDS name with the suffix of a segmentation; None for any other name."""
    *entities, suffix = path.name.split(".", 1)[0].split("_")
    if suffix != _TABLE_SUFFIX or not all("-" in entity for entity in entities):
        return None
    return frozenset(entities)


def _folders_to_root(folder: Path) -> Iterator[Path]:
    """The folder and those above it up to the root of the data set; the folder alone where there is no root."""
    above = (folder, *folder.parents)
    root = next((n for n, place in enumerate(above) if (place / _BIDS_ROOT).is_file()), 0)
    yield from above[: root + 1]
