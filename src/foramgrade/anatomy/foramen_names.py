"""What a drawn foramen is called: a level, a side, or both."""

from dataclasses import dataclass
from itertools import pairwise

from foramgrade.anatomy.schemes import VERTEBRA_NAMES
from foramgrade.anatomy.schemes.naming import Structure, split_name, understand_name
from foramgrade.findings import Level, Side

_SIDES = {
    **dict.fromkeys(("right", "r", "rt"), Side.RIGHT),
    **dict.fromkeys(("left", "l", "lt"), Side.LEFT),
}
#: Words that say that a foramen is meant, and no more.
_WORDS = frozenset(
    (
        *("foramen", "foramina", "neuroforamen", "neuroforamina", "neural", "neuro", "intervertebral", "lumbar"),
        *("opening", "outline", "level", "side", "the", "of", "label", "mask", "seg", "segmentation"),
    )
)


@dataclass(frozen=True, slots=True)
class ForamenName:
    """What the name of a drawn foramen says.

    Parameters
    ----------
    level : Level or None
        Its level, None where the name has none.
    side : Side or None
        Its side, None where the name has none.
    """

    level: Level | None
    side: Side | None


def understand_foramen_name(name: str) -> ForamenName | None:
    """Understand what a drawn foramen is called.

    Parameters
    ----------
    name : str
        Name, in any case and with any separators.

    Returns
    -------
    ForamenName or None
        None for a name that says neither level nor side, or that is ambiguous: with both sides, with vertebrae that are
        no neighbours, or with a word that is not known here ("L4 left nerve root", "L4-L5 disc").

    Examples
    --------
    >>> understand_foramen_name("L4-L5 left")
    ForamenName(level=Level(upper='L4', lower='L5'), side=<Side.LEFT: 'left'>)
    >>> understand_foramen_name("foramen_R")
    ForamenName(level=None, side=<Side.RIGHT: 'right'>)
    >>> understand_foramen_name("V6-V7 right").level.name, understand_foramen_name("L5 left")
    ('V6-V7', None)
    """
    vertebrae, words = split_name(name)
    numbers, words = _take_numbers(words)
    sides = {_SIDES[word] for word in words if word in _SIDES}
    if len(sides) > 1 or any(word not in _WORDS and word not in _SIDES for word in words):
        return None
    side = sides.pop() if sides else None
    if not vertebrae and not numbers:
        return None if side is None else ForamenName(None, side)
    level = _level(vertebrae, numbers)
    return None if level is None else ForamenName(level, side)


def _take_numbers(words: list[str]) -> tuple[list[str], list[str]]:
    """Vertebrae called by number ("V6"), and the words that are left."""
    places = [n for n, (word, after) in enumerate(pairwise(words)) if word == "v" and after.isdigit()]
    taken = {*places, *(n + 1 for n in places)}
    return [f"V{words[n + 1]}" for n in places], [word for n, word in enumerate(words) if n not in taken]


def _level(vertebrae: list[str], numbers: list[str]) -> Level | None:
    if len(numbers) == 2 and not vertebrae:
        return Level(*numbers)
    if len(numbers) == 1 and vertebrae == ["S1"]:
        return Level(numbers[0], "S1")
    if numbers or len(vertebrae) != 2 or vertebrae[0] not in VERTEBRA_NAMES:
        return None
    # What may be a disc between the two is a level too.
    known = understand_name(f"disc {vertebrae[0]} {vertebrae[1]}").structure is Structure.DISC
    return Level(*vertebrae) if known else None
