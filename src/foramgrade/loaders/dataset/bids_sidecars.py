"""JSON sidecars of BIDS, and which of them apply to an image."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foramgrade.errors import InputError
from foramgrade.loaders.dataset.bids_names import SEQUENCE_OF_SUFFIX, BidsName, parse_name
from foramgrade.loaders.json_file import read_json


@dataclass(frozen=True, slots=True, eq=False)
class Sidecar:
    """One JSON file.

    Parameters
    ----------
    name : BidsName
        Its name, which tells the images it applies to.
    fields : mapping of str to value
        What it says; empty if it cannot be read.
    problem : str or None
        Why it cannot be read.
    """

    name: BidsName
    fields: Mapping[str, Any]
    problem: str | None = None


def read_sidecar(path: Path) -> Sidecar | None:
    """Read a sidecar of the images that are read; None if a file is none."""
    name = parse_name(path)
    if name is None or path.suffix.lower() != ".json" or name.suffix not in SEQUENCE_OF_SUFFIX:
        return None
    try:
        fields = read_json(path)
    except InputError:
        return Sidecar(name, {}, f"the sidecar {path.name} cannot be read as JSON and is left out")
    if not isinstance(fields, dict):
        return Sidecar(name, {}, f"the sidecar {path.name} holds no fields, expected a JSON object")
    return Sidecar(name, fields)


def inherit(image: BidsName, levels: Iterable[Iterable[Sidecar]]) -> tuple[dict[str, Any], list[str]]:
    """Gather what all sidecars of an image say.

    Parameters
    ----------
    image : BidsName
        Name of the image.
    levels : iterable of iterables of Sidecar
        Sidecars by folder, from the data set's root down to the image's folder.

    Returns
    -------
    dict of str to value
        Fields; what stands further down, and in one folder what names the image more exactly, overrides.
    list of str
        Problems.

    Notes
    -----
    *Definition*: the inheritance principle of BIDS: a sidecar applies to the images in and below its folder that have
    its suffix and all of its entities.
    *Deviation*: several sidecars of one folder may apply; BIDS up to 1.10 forbids it.
    """
    fields: dict[str, Any] = {}
    problems = []
    for level in levels:
        fitting = [side for side in level if side.name.suffix == image.suffix and _names(side.name, image)]
        for side in sorted(fitting, key=lambda side: len(side.name.entities)):
            fields |= side.fields
            if side.problem:
                problems.append(side.problem)
    return fields, problems


def _names(sidecar: BidsName, image: BidsName) -> bool:
    return all(image.entities.get(key) == value for key, value in sidecar.entities.items())
