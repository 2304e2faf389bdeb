"""Label schemes made from names: what tools and hand-segmenters call vertebrae, discs, canal and cord.

A name is read as words, whatever its case and separators: vertebrae by their letter and number (``L5``,
``vertebrae_L5``, ``Th12``, "fifth lumbar vertebra"), discs by both neighbours (``disc_L4_L5``, ``L4/5``, ``L5-S1``).
A name with a word that is not known here means other tissue, never what it merely resembles: "L5 nerve root" is no
vertebra.
"""

import logging
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from foramgrade.anatomy.schemes import SACRUM_NAME, VERTEBRA_NAMES, LabelScheme, load_scheme
from foramgrade.errors import InputError
from foramgrade.loaders.segmentation.names import NAMES_SCHEME
from foramgrade.volume import LabelMap

log = logging.getLogger(__name__)


class Structure(StrEnum):
    """What a name means."""

    VERTEBRA = "vertebra"
    """A vertebra, whole or its left or right piece."""
    BODY = "body"
    """A vertebral body without its arch."""
    ARCH = "arch"
    """A vertebral arch without its body."""
    SACRUM = "sacrum"
    """Sacrum, or its first segment."""
    DISC = "disc"
    """Intervertebral disc."""
    CANAL = "canal"
    """Spinal canal, thecal sac or what fills it."""
    CORD = "cord"
    """Spinal cord."""
    OTHER = "other"
    """Anything else: known and not used."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the name of one label means.

    Parameters
    ----------
    structure : Structure
        Kind of structure.
    vertebra : str
        The vertebra, for a disc the one above it; empty for the others.
    side : str
        "left", "right" or empty: a piece of a structure that is labelled in two.
    """

    structure: Structure
    vertebra: str = ""
    side: str = ""


_VERTEBRA_WORDS = (
    *("vertebra", "vertebrae", "vertebral", "vertebras", "vertebre", "vertebres", "vert"),
    *("wirbel", "wirbelkorper"),
)
_BODY_WORDS = ("body", "vertebral body", "vertebra body", "vertebrae body", "corpus", "corpus vertebrae")
_ARCH_WORDS = (
    "arch",
    "vertebral arch",
    "neural arch",
    "posterior arch",
    "arcus",
    "posterior element",
    "posterior elements",
)
_SACRUM_WORDS = ("sacrum", "os sacrum", "sacral", "sacro", "kreuzbein")
_DISC_WORDS = (
    *("disc", "discs", "disk", "disks", "ivd", "disque", "disco", "discus", "bandscheibe", "intervertebral"),
    *("intervertebral disc", "intervertebral disk", "intervertebral discs", "intervertebral disks"),
    *("disque intervertebral", "disco intervertebral", "discus intervertebralis"),
)
_CANAL_WORDS = (
    *("canal", "spinal canal", "vertebral canal", "canal spinal", "canal vertebral", "canalis vertebralis"),
    *("canal rachidien", "spinalkanal", "thecal sac", "thecalsac", "dural sac", "csf", "cerebrospinal fluid"),
    *("spinal canal csf", "liquor", "cauda", "cauda equina"),
)
_CORD_WORDS = (
    *("cord", "spinal cord", "spinalcord", "medulla spinalis", "myelon", "conus", "conus medullaris"),
    *("moelle epiniere", "medula espinal"),
)
_PHRASES: Mapping[str, Structure] = {
    **dict.fromkeys(("", *_VERTEBRA_WORDS), Structure.VERTEBRA),
    **dict.fromkeys(_BODY_WORDS, Structure.BODY),
    **dict.fromkeys(_ARCH_WORDS, Structure.ARCH),
    **dict.fromkeys(_SACRUM_WORDS, Structure.SACRUM),
    **dict.fromkeys(_DISC_WORDS, Structure.DISC),
    **dict.fromkeys(_CANAL_WORDS, Structure.CANAL),
    **dict.fromkeys(_CORD_WORDS, Structure.CORD),
}
#: Words that say nothing of what the structure is.
_FILLERS = frozenset({"the", "of", "entire", "structure", "bone", "label", "mask", "seg", "segmentation", "part"})
_SIDES = frozenset(("left", "right"))
_REGIONS: Mapping[str, str] = {
    **{letter: letter.upper() for letter in "ctls"},
    **{"th": "T", "hwk": "C", "bwk": "T", "lwk": "L", "swk": "S"},
    **{"cervical": "C", "thoracic": "T", "dorsal": "T", "lumbar": "L", "sacral": "S"},
}
_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh"),
    *("eighth", "ninth", "tenth", "eleventh", "twelfth", "thirteenth"),
)
#: Words for a region of the spine, which add nothing to the number of a vertebra.
_REGION_WORDS = frozenset({"cervical", "thoracic", "dorsal", "lumbar"})
_LAST_PRESACRAL = frozenset({"L4", "L5", "L6", "L7"})
_SACRAL = frozenset(f"S{n}" for n in range(1, 6))
_EXAMPLES = "'vertebrae_L5', 'L5', 'fifth lumbar vertebra', 'sacrum', 'disc_L4_L5', 'L4/5', 'spinal_canal', 'cord'"
_LISTED = 12


def understand_name(name: str) -> Meaning:
    """Understand what a label is called.

    Parameters
    ----------
    name : str
        Name, in any case and with any separators.

    Returns
    -------
    Meaning
        `Structure.OTHER` for what is not understood.

    Notes
    -----
    Definition: after the vertebrae are taken out of a name, the words that are left must be known ones. One vertebra is
    that vertebra, two neighbours are the disc between them. Limits: a disc that names one vertebra ("disc L4") is not
    understood, for tools disagree whether the vertebra is the one above or below.

    Examples
    --------
    >>> understand_name("vertebrae_L5"), understand_name("Fifth lumbar vertebra").vertebra
    (Meaning(structure=<Structure.VERTEBRA: 'vertebra'>, vertebra='L5', side=''), 'L5')
    >>> understand_name("L4/5 disc").vertebra, understand_name("disc_L5_S").vertebra
    ('L4', 'L5')
    >>> understand_name("L5 nerve root").structure.value
    'other'
    """
    levels, words = split_name(name)
    sides = [word for word in words if word in _SIDES]
    silent = _SIDES | _FILLERS | (_REGION_WORDS if levels else frozenset())
    phrase = " ".join(word for word in words if word not in silent)
    structure = _PHRASES.get(phrase, Structure.OTHER)
    side = sides[0] if len(sides) == 1 else ""
    if len(sides) > 1:
        return Meaning(Structure.OTHER)
    if structure in (Structure.CANAL, Structure.CORD):
        return Meaning(structure, side=side)
    if structure is Structure.SACRUM:
        known = not levels or levels == [SACRUM_NAME]
        return Meaning(structure, side=side) if known else Meaning(Structure.OTHER)
    if len(levels) == 2 and (structure is Structure.DISC or not phrase) and _are_neighbours(*levels):
        return Meaning(Structure.DISC, levels[0], side)
    if len(levels) != 1 or structure in (Structure.DISC, Structure.OTHER):
        return Meaning(Structure.OTHER)
    if levels[0] == SACRUM_NAME:
        return Meaning(Structure.SACRUM, side=side)
    if levels[0] in _SACRAL:
        return Meaning(Structure.OTHER)
    return Meaning(structure, levels[0], side)


def scheme_from_names(names: Mapping[int, str]) -> LabelScheme:
    """Make a label scheme from what the labels are called.

    Parameters
    ----------
    names : mapping of int to str
        Name by label; 0 is background and left out.

    Returns
    -------
    LabelScheme
        Named `NAMES_SCHEME`. Labels whose names mean nothing here are in its `other`, and named in the log.

    Raises
    ------
    InputError
        If no name means a vertebra, or two labels have the same meaning.

    Notes
    -----
    Definition: pieces of one vertebra (left and right, body and arch) are merged. A body without an arch, or an arch
    without a body, is no vertebra: a foramen lies between pedicles, and its front is the body. Labels of canal, cord
    and sacrum may be several. The sacrum below S1 and the coccyx are `other`.

    Examples
    --------
    >>> scheme = scheme_from_names({1: "L4", 2: "L5", 3: "L4-L5", 4: "thecal sac", 5: "tumour"})
    >>> dict(scheme.vertebrae), dict(scheme.discs), scheme.canal, scheme.other
    ({1: 'L4', 2: 'L5'}, {3: 'L4'}, (4,), (5,))
    """
    meanings = {label: understand_name(name) for label, name in sorted(names.items()) if label != 0}
    _check_unique(meanings, names)
    vertebrae = {
        label: meaning.vertebra
        for label, meaning in meanings.items()
        if meaning.structure in (Structure.VERTEBRA, Structure.BODY, Structure.ARCH)
        and _is_whole(meaning.vertebra, meanings)
    }
    if not vertebrae:
        raise InputError(_no_vertebra(names, meanings))
    discs = {label: m.vertebra for label, m in meanings.items() if m.structure is Structure.DISC}
    by_structure = {
        structure: tuple(label for label, m in meanings.items() if m.structure is structure)
        for structure in (Structure.SACRUM, Structure.CANAL, Structure.CORD)
    }
    used = {*vertebrae, *discs, *(label for labels in by_structure.values() for label in labels)}
    unused = [names[label] for label in meanings if label not in used]
    if unused:
        more = f" and {len(unused) - _LISTED} more" if len(unused) > _LISTED else ""
        log.warning("labels not used: %s%s", ", ".join(map(repr, unused[:_LISTED])), more)
    return LabelScheme(
        name=NAMES_SCHEME,
        vertebrae=vertebrae,
        source="what the file calls its labels",
        sacrum=by_structure[Structure.SACRUM],
        discs=discs,
        canal=by_structure[Structure.CANAL],
        cord=by_structure[Structure.CORD],
        other=tuple(label for label in meanings if label not in used),
    )


def scheme_of(labels: LabelMap) -> LabelScheme:
    """What the numbers of a label map mean: by their names where the map says so, else by the scheme it states.

    Parameters
    ----------
    labels : LabelMap
        The segmentation.

    Returns
    -------
    LabelScheme
        The scheme.

    Raises
    ------
    InputError
        If the scheme is not known, or the names do not tell a vertebra.

    Examples
    --------
    >>> import numpy as np
    >>> from foramgrade.volume import Grid
    >>> array = np.ones((2, 2, 2), np.uint8)
    >>> labels = LabelMap(array, Grid((2, 2, 2), np.eye(4)), NAMES_SCHEME, names={1: "L5"})
    >>> dict(scheme_of(labels).vertebrae)
    {1: 'L5'}
    """
    return scheme_from_names(labels.names) if labels.scheme == NAMES_SCHEME else load_scheme(labels.scheme)


def split_name(name: str) -> tuple[list[str], list[str]]:
    """Vertebrae in a name, in their order, and the words that are left, in lower case.

    Examples
    --------
    >>> split_name("Left foramen L4/5")
    (['L4', 'L5'], ['left', 'foramen'])
    """
    return _take_levels(_split_words(name))


def _split_words(name: str) -> list[str]:
    """Words and numbers of a name in lower case, without accents."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain).lower()
    return re.findall(r"[^\W\d_]+|[0-9]+|[^\w\s]", re.sub(r"[-_/\\.,:;()\[\]+|~\u2010-\u2015]", " ", apart))


def _take_levels(tokens: Sequence[str]) -> tuple[list[str], list[str]]:
    """Vertebrae in a name, in order, and the words that are left."""
    levels: list[str] = []
    words: list[str] = []
    place = 0
    while place < len(tokens):
        level, taken = _level_at(tokens, place)
        if not level:
            words.append(tokens[place])
            place += 1
            continue
        levels.append(level)
        place += taken
        if place < len(tokens) and tokens[place] == str(int(level[1:]) + 1):  # "L4/5": the next of the same region
            levels.append(f"{level[0]}{tokens[place]}")
            place += 1
    return list(dict.fromkeys(levels)), words


def _level_at(tokens: Sequence[str], place: int) -> tuple[str, int]:
    """Vertebra that is named from a word on, and by how many words; empty if none is."""
    word, *rest = tokens[place : place + 4]
    region = _REGIONS.get(word)
    if region:
        gap = 1 if len(word) > 3 and rest and rest[0] in ("vertebra", "vertebrae", "segment") else 0
        level = _level(region, rest[gap]) if len(rest) > gap else ""
        if level:
            return level, gap + 2
        if word == "s" and not (rest and rest[0].isdigit()):
            return SACRUM_NAME, 1
    number = str(_ORDINALS.index(word) + 1) if word in _ORDINALS else ""
    if word.isdigit() and rest and rest[0] in ("st", "nd", "rd", "th"):
        number, rest = word, rest[1:]
    if number and rest and len(rest[0]) > 3 and rest[0] in _REGIONS:
        return _level(_REGIONS[rest[0]], number), 3 if word.isdigit() else 2
    return "", 0


def _level(region: str, number: str) -> str:
    known = number.isascii() and number.isdigit() and len(number) <= 3  # "L05"; Python converts only so many digits
    name = f"{region}{int(number)}" if known else ""
    return name if name in VERTEBRA_NAMES or name in _SACRAL else ""


def _are_neighbours(upper: str, lower: str) -> bool:
    """Whether a disc lies between two vertebrae, in people with one vertebra more or fewer too."""
    if upper not in VERTEBRA_NAMES or lower not in VERTEBRA_NAMES or upper == SACRUM_NAME:
        return False
    if lower == SACRUM_NAME:
        return upper in _LAST_PRESACRAL
    if lower == "L1":
        return upper in ("T11", "T12", "T13")
    return VERTEBRA_NAMES.index(lower) == VERTEBRA_NAMES.index(upper) + 1


def _check_unique(meanings: Mapping[int, Meaning], names: Mapping[int, str]) -> None:
    several = (Structure.OTHER, Structure.CANAL, Structure.CORD, Structure.SACRUM)
    seen: dict[Meaning, int] = {}
    for label, meaning in meanings.items():
        if meaning.structure in several:
            continue
        if meaning in seen:
            first = seen[meaning]
            msg = (
                f"the labels {first} ({names[first]!r}) and {label} ({names[label]!r}) both mean the "
                f"{meaning.structure} {meaning.vertebra}, expected one label or a left and a right piece"
            )
            raise InputError(msg)
        seen[meaning] = label


def _is_whole(vertebra: str, meanings: Mapping[int, Meaning]) -> bool:
    """Whether the labels of a vertebra make it up: it is labelled as such, or its body and its arch are."""
    kinds = {meaning.structure for meaning in meanings.values() if meaning.vertebra == vertebra}
    return Structure.VERTEBRA in kinds or {Structure.BODY, Structure.ARCH} <= kinds


def _no_vertebra(names: Mapping[int, str], meanings: Mapping[int, Meaning]) -> str:
    shown = [f"{label} {names[label]!r}" for label in list(meanings)[:_LISTED]]
    found = ", ".join(shown) + (", ..." if len(meanings) > _LISTED else "") if shown else "no names"
    if any(meaning.structure in (Structure.BODY, Structure.ARCH) for meaning in meanings.values()):
        return (
            f"the labels are vertebral bodies or arches alone ({found}), expected whole vertebrae with their pedicles"
        )
    return f"no label is named as a vertebra, found {found}, expected names such as {_EXAMPLES}; or give the scheme"
