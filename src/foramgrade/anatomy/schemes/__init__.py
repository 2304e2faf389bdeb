"""Label schemes: what the numbers of a segmentation tool mean, as data.

The schemes that come with the package are the JSON files beside this module; a user's own file has the same form:

- ``name``, ``version``, ``source``: what it is and where its numbers are published.
- ``vertebrae``: label to vertebra, e.g. ``"24": "L5"``. ``sacrum``: labels of the sacrum, which is called S1.
- ``discs``: label to the vertebra *above* the disc. ``disc_above_sacrum``: a label that is given to the disc above the
  sacrum whichever vertebra is the last.
- ``endplates``: label to the vertebra above the disc that the endplates face.
- ``canal``, ``cord``: labels of the spinal canal without the cord, and of the cord.
- ``partial``: label to vertebra, for vertebrae that the field of view cuts.
- ``instances``: true for tools that write two maps; vertebrae, discs and endplates are then looked up in the map of
  instances, canal, cord and ``subregions`` in the other.
- ``counts_from_top``: true where the numbers may merely count the vertebrae from the top of the picture.
- ``other``: labels of tissue that is known and not used. ``alone``: label to a sentence, for the case that it is the
  only vertebra label found, or the only label at all.

All but ``name`` and ``vertebrae`` may be left out.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from foramgrade.errors import InputError

#: Vertebrae from the top down. T13, L6 and L7 exist in few people.
VERTEBRA_NAMES = (
    *(f"C{n}" for n in range(1, 8)),
    *(f"T{n}" for n in range(1, 14)),
    *(f"L{n}" for n in range(1, 8)),
    "S1",
)

#: Name of the sacrum where it bounds a level.
SACRUM_NAME = "S1"

#: Labels above this are no label map; it bounds the size of lookup tables.
LARGEST_LABEL = 65535


class Subregion(StrEnum):
    """Part of a vertebra, or of what surrounds it, in the subregion map of a tool that writes two maps."""

    SACRUM = "sacrum"
    """Sacrum."""
    ARCUS = "arcus"
    """Vertebral arch: pedicles and laminae."""
    SPINOUS_PROCESS = "spinous_process"
    """Spinous process."""
    COSTAL_PROCESS_LEFT = "costal_process_left"
    """Left transverse (costal) process."""
    COSTAL_PROCESS_RIGHT = "costal_process_right"
    """Right transverse (costal) process."""
    SUPERIOR_ARTICULAR_LEFT = "superior_articular_left"
    """Left superior articular process."""
    SUPERIOR_ARTICULAR_RIGHT = "superior_articular_right"
    """Right superior articular process."""
    INFERIOR_ARTICULAR_LEFT = "inferior_articular_left"
    """Left inferior articular process."""
    INFERIOR_ARTICULAR_RIGHT = "inferior_articular_right"
    """Right inferior articular process."""
    CORPUS = "corpus"
    """Vertebral body."""
    ENDPLATE = "endplate"
    """Endplate."""
    DISC = "disc"
    """Intervertebral disc."""


@dataclass(frozen=True, slots=True)
class LabelScheme:
    """What the numbers of a segmentation tool mean.

    Parameters
    ----------
    name : str
        Name, as given on the command line.
    vertebrae : mapping of int to str
        Vertebra of each label, without the sacrum.
    version, source : str
        Which version of the tool, and where its numbers are published.
    sacrum : tuple of int
        Labels of the sacrum.
    discs : mapping of int to str
        Vertebra *above* the disc of each label.
    disc_above_sacrum : int or None
        Label of the disc above the sacrum, whichever vertebra is the last.
    endplates : mapping of int to str
        Vertebra above the disc that the endplates of each label face.
    canal, cord : tuple of int
        Labels of the canal without the cord, and of the cord.
    partial : mapping of int to str
        Vertebra of each label that stands for a vertebra cut by the field of view.
    instances : bool
        Whether the tool writes two maps: instances (vertebrae, discs, endplates) and subregions (canal, cord, parts).
    counts_from_top : bool
        Whether the numbers may merely count the vertebrae from the top of the picture.
    subregions : mapping of Subregion to tuple of int
        Labels of each part in the map of subregions.
    other : tuple of int
        Labels of tissue that is known and not used.
    alone : mapping of int to str
        What to tell the user when this is the only vertebra label found, or the only label at all.
    """

    name: str
    vertebrae: Mapping[int, str]
    version: str = ""
    source: str = ""
    sacrum: tuple[int, ...] = ()
    discs: Mapping[int, str] = field(default_factory=dict)
    disc_above_sacrum: int | None = None
    endplates: Mapping[int, str] = field(default_factory=dict)
    canal: tuple[int, ...] = ()
    cord: tuple[int, ...] = ()
    partial: Mapping[int, str] = field(default_factory=dict)
    instances: bool = False
    counts_from_top: bool = False
    subregions: Mapping[Subregion, tuple[int, ...]] = field(default_factory=dict)
    other: tuple[int, ...] = ()
    alone: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("vertebrae", "discs", "endplates", "partial", "subregions", "alone"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def vertebra_labels(self) -> Mapping[int, str]:
        """Vertebra of each label that stands for one, with the sacrum and the partially visible."""
        return {**self.vertebrae, **dict.fromkeys(self.sacrum, SACRUM_NAME), **self.partial}

    @property
    def spine_labels(self) -> frozenset[int]:
        """Every label of a part of the spine in the map that holds the vertebrae."""
        own = {*self.vertebra_labels, *self.discs, *self.endplates}
        if self.disc_above_sacrum is not None:
            own.add(self.disc_above_sacrum)
        return frozenset(own if self.instances else own | {*self.canal, *self.cord})

    @property
    def instance_labels(self) -> frozenset[int]:
        """Every label the scheme knows in the map that holds the vertebrae, background left out."""
        return self.spine_labels | {*self.other}

    @property
    def subregion_labels(self) -> frozenset[int]:
        """Every label the scheme knows in the map of subregions, background left out."""
        return frozenset({*self.canal, *self.cord, *(label for part in self.subregions.values() for label in part)})


def scheme_names() -> tuple[str, ...]:
    """Names of the label schemes that come with the package.

    Examples
    --------
    >>> print(*scheme_names())
    mrspineseg spider spineps totalsegmentator totalsegmentator_mr totalsegmentator_v3 totalspineseg verse
    """
    files = (Path(entry.name) for entry in resources.files(__name__).iterdir())
    return tuple(sorted(file.stem for file in files if file.suffix == ".json"))


def load_scheme(name_or_path: str | Path) -> LabelScheme:
    """Load a label scheme by name, or from a user's JSON file.

    Parameters
    ----------
    name_or_path : str or Path
        One of `scheme_names`, or the path of a file that ends in ``.json``.

    Returns
    -------
    LabelScheme
        The scheme.

    Raises
    ------
    InputError
        If there is no such scheme, or the file does not define one; with the key, what was found and what was expected.

    Examples
    --------
    >>> load_scheme("spider").vertebrae[1], load_scheme("spider").discs[201]
    ('L5', 'L5')
    """
    name = str(name_or_path)
    if name.lower().endswith(".json"):
        path = Path(name_or_path)
        if not path.is_file():
            msg = f"{path.name}: no such file, expected a label scheme in JSON or one of {', '.join(scheme_names())}"
            raise InputError(msg)
        return _parse(path.read_bytes(), path.name)
    if name not in scheme_names():
        msg = f"unknown label scheme {name!r}, expected one of {', '.join(scheme_names())} or the path of a .json file"
        raise InputError(msg)
    return _parse(resources.files(__name__).joinpath(f"{name}.json").read_bytes(), f"{name}.json")


def _parse(content: bytes, file: str) -> LabelScheme:
    try:
        entries = json.loads(content, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        msg = f"{file} is not valid JSON: {error}"
        raise InputError(msg) from error
    if not isinstance(entries, dict):
        msg = f"{file} holds a {type(entries).__name__}, expected an object with the keys {', '.join(_FIELDS)}"
        raise InputError(msg)
    unknown = sorted(set(entries) - set(_FIELDS))
    if unknown:
        msg = f"{file}: unknown key {unknown[0]!r}, expected {', '.join(_FIELDS)}"
        raise InputError(msg)
    for key in ("name", "vertebrae"):
        if not entries.get(key):
            msg = f"{file}: the key {key!r} is missing or empty"
            raise InputError(msg)
    values = {key: _FIELDS[key](value, f"{file}: {key}") for key, value in entries.items()}
    scheme = LabelScheme(**values)
    _check_unambiguous(scheme, file)
    return scheme


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that stands twice in one object: JSON would keep the last and drop a label in silence."""
    keys = [key for key, _ in pairs]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        msg = f"the key {twice!r} stands twice in one object"
        raise ValueError(msg)
    return dict(pairs)


def _check_unambiguous(scheme: LabelScheme, file: str) -> None:
    """Refuse a label that means two things, and a disc or an endplate of a vertebra that has no label."""
    own: list[tuple[str, tuple[int, ...]]] = [
        ("vertebrae", tuple(scheme.vertebrae)),
        ("sacrum", scheme.sacrum),
        ("discs", tuple(scheme.discs)),
        ("disc_above_sacrum", () if scheme.disc_above_sacrum is None else (scheme.disc_above_sacrum,)),
        ("endplates", tuple(scheme.endplates)),
        ("partial", tuple(scheme.partial)),
    ]
    if not scheme.instances:
        own += [("canal", scheme.canal), ("cord", scheme.cord)]
    seen: dict[int, str] = {}
    for key, labels in [*own, ("other", scheme.other)]:
        for label in labels:
            if label in seen:
                msg = f"{file}: the label {label} stands in {seen[label]!r} and in {key!r}, expected one meaning"
                raise InputError(msg)
            seen[label] = key
    names = list(scheme.vertebrae.values())
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        msg = f"{file}: vertebrae: {twice} has two labels, expected one"
        raise InputError(msg)
    for key, meaning in (("discs", scheme.discs), ("endplates", scheme.endplates), ("partial", scheme.partial)):
        for label, name in meaning.items():
            if name not in names:
                msg = f"{file}: {key}: the label {label} belongs to {name}, which has no label under 'vertebrae'"
                raise InputError(msg)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        msg = f"{where}: found {value!r}, expected a text"
        raise InputError(msg)
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        msg = f"{where}: found {value!r}, expected true or false"
        raise InputError(msg)
    return value


def _label(value: object, where: str) -> int:
    # In JSON the keys of an object are texts, the items of a list numbers; bool is an int to Python only.
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST_LABEL):
        msg = f"{where}: found {value!r}, expected a label, a whole number from 1 to {LARGEST_LABEL}"
        raise InputError(msg)
    return int(text)


def _labels(value: object, where: str) -> tuple[int, ...]:
    if not isinstance(value, list):
        msg = f"{where}: found {value!r}, expected a list of labels, e.g. [26]"
        raise InputError(msg)
    return tuple(_label(item, where) for item in value)


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        msg = f'{where}: found {value!r}, expected an object, e.g. {{"24": "L5"}}'
        raise InputError(msg)
    return value


def _vertebra_of_label(value: object, where: str) -> dict[int, str]:
    pairs = {_label(key, where): name for key, name in _object(value, where).items()}
    for label, name in pairs.items():
        if name not in VERTEBRA_NAMES:
            msg = f"{where}: the label {label} is named {name!r}, expected a vertebra such as 'T12', 'L1' or 'L5'"
            raise InputError(msg)
    return pairs


def _sentences(value: object, where: str) -> dict[int, str]:
    return {_label(key, where): _text(text, where) for key, text in _object(value, where).items()}


def _subregions(value: object, where: str) -> dict[Subregion, tuple[int, ...]]:
    parts = _object(value, where)
    unknown = sorted(set(parts) - {part.value for part in Subregion})
    if unknown:
        expected = ", ".join(part.value for part in Subregion)
        msg = f"{where}: unknown part {unknown[0]!r}, expected {expected}"
        raise InputError(msg)
    return {Subregion(part): _labels(labels, where) for part, labels in parts.items()}


_FIELDS: Mapping[str, Callable[[object, str], Any]] = {
    "name": _text,
    "version": _text,
    "source": _text,
    "instances": _flag,
    "counts_from_top": _flag,
    "vertebrae": _vertebra_of_label,
    "sacrum": _labels,
    "discs": _vertebra_of_label,
    "disc_above_sacrum": _label,
    "endplates": _vertebra_of_label,
    "canal": _labels,
    "cord": _labels,
    "partial": _vertebra_of_label,
    "subregions": _subregions,
    "other": _labels,
    "alone": _sentences,
}
