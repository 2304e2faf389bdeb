"""What the user calls the vertebrae of a map: some by their numbers, or all by a count from the first or the last."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from foramgrade.anatomy.schemes import SACRUM_NAME, VERTEBRA_NAMES
from foramgrade.errors import InputError

#: Vertebra by label; the keys `FIRST` and `LAST` start a count.
LevelNames = Mapping[int, str] | Mapping[int | str, str]

#: Key of the topmost vertebra of the map, from which the others are counted downwards.
FIRST = "first"

#: Key of the last vertebra above the sacrum (of the lowest, where no sacrum is labelled); the others count upwards.
LAST = "last"

#: The last vertebra above the sacrum in people with four, five, six and seven lumbar vertebrae.
LAST_LUMBAR = ("L4", "L5", "L6", "L7")

#: A thirteenth thoracic vertebra: few people have one, so a count does not assume it.
_EXTRA = "T13"
_PRESACRAL = tuple(name for name in VERTEBRA_NAMES if name != SACRUM_NAME)
_ORDINARY = tuple(name for name in _PRESACRAL if name != _EXTRA)


def parse_level_names(text: str) -> dict[int | str, str]:
    """Read what the vertebrae are called, as written on the command line.

    Parameters
    ----------
    text : str
        Pairs of label and vertebra such as ``5=T12,6=L1``, or ``first=T12`` or ``last=L6``; see `resolve_level_names`.

    Returns
    -------
    dict of int or str to str
        Vertebra by label, `FIRST` or `LAST`.

    Raises
    ------
    InputError
        If the text is not of this form, names no vertebra or repeats a label.

    Examples
    --------
    >>> parse_level_names("5=T12, 6=l1"), parse_level_names("last=L6")
    ({5: 'T12', 6: 'L1'}, {'last': 'L6'})
    """
    names: dict[int | str, str] = {}
    for pair in text.split(","):
        match = re.fullmatch(rf"\s*([0-9]+|{FIRST}|{LAST})\s*=\s*(\w+)\s*", pair, re.IGNORECASE | re.ASCII)
        if match is None:
            msg = (
                f"level names: found {pair.strip()!r}, expected label=vertebra pairs such as 5=T12,6=L1, or "
                f"{FIRST}=T12 or {LAST}=L6"
            )
            raise InputError(msg)
        key = int(match[1]) if match[1].isdigit() else match[1].lower()
        name = match[2].upper()
        _check_name(key, name)
        if key in names:
            msg = f"level names: {_subject(key)} is named twice, {names[key]} and {name}"
            raise InputError(msg)
        names[key] = name
    return names


def resolve_level_names(level_names: LevelNames, *, own: Mapping[int, str]) -> dict[int, str]:
    """Name of every vertebra that the user's words name, whether by its label or by a count.

    Parameters
    ----------
    level_names : mapping of int or str to str
        Vertebra by label; under `FIRST` that of the topmost vertebra, under `LAST` that of the last one above the
        sacrum, or of the lowest where no sacrum is labelled. A count names all vertebrae above the sacrum.
    own : mapping of int to str
        Vertebra by label as the scheme has it, top to bottom; the sacrum is S1.

    Returns
    -------
    dict of int to str
        Vertebra by label.

    Raises
    ------
    InputError
        If a label is not in the map, a name is no vertebra, a count runs out of names, or what the user says
        contradicts itself or the sacrum.

    Notes
    -----
    *Definition*: a count follows the map's own numbers, so a vertebra missing among them leaves a gap in the names too.
    T13 is counted only where it falls on the vertebra that a pair, or the map, calls T13. The vertebra above a labelled
    sacrum is L4, L5, L6 or L7.

    Examples
    --------
    >>> resolve_level_names({"last": "L6"}, own={3: "L3", 2: "L4", 1: "L5"})
    {3: 'L4', 2: 'L5', 1: 'L6'}
    >>> resolve_level_names({"first": "T12"}, own={5: "C5", 6: "C6", 7: "C7"})
    {5: 'T12', 6: 'L1', 7: 'L2'}
    """
    pairs: dict[int, str] = {}
    counts: dict[str, str] = {}
    for key, name in level_names.items():
        _check_name(key, name)
        if isinstance(key, int):
            if key not in own:
                msg = f"level names: the map holds no vertebra {key} to be named {name}, it holds {as_ranges(own)}"
                raise InputError(msg)
            pairs[key] = name
        elif key in (FIRST, LAST):
            counts[key] = name
        else:
            msg = f"level names: found the key {key!r}, expected a label, {FIRST!r} or {LAST!r}"
            raise InputError(msg)
    given: dict[int, str] = {}
    for key, name in counts.items():
        counted = _count(key, name, own=own, pairs=pairs)
        for label, meant in counted.items():
            other = pairs.get(label, given.get(label, meant))
            if other != meant:
                msg = f"level names: {key}={name} makes the vertebra {label} {meant}, yet it is also named {other}"
                raise InputError(msg)
        given |= counted
    return given | pairs


def _count(key: str, name: str, *, own: Mapping[int, str], pairs: Mapping[int, str]) -> dict[int, str]:
    """Name every vertebra above the sacrum from one of them."""
    named = {**own, **pairs}
    above = [label for label in own if named[label] != SACRUM_NAME]
    if name == SACRUM_NAME or not above:
        msg = f"level names: found {key}={name}, expected a vertebra above the sacrum, such as {key}=L5"
        raise InputError(msg)
    anchor = above[0] if key == FIRST else above[-1]
    extra = next((label for label in above if named[label] == _EXTRA), None)
    count = partial(_shift, key, name, above, anchor=anchor, own=own)
    scale = _PRESACRAL if extra is not None and count(scale=_PRESACRAL)[extra] == _EXTRA else _ORDINARY
    if name not in scale:
        msg = (
            f"level names: {key}={name} makes the vertebra {anchor} {name}, which neither the map nor a pair calls so, "
            f"expected a pair such as {anchor}={name} to say it"
        )
        raise InputError(msg)
    names = count(scale=scale)
    if SACRUM_NAME in named.values() and names[above[-1]] not in LAST_LUMBAR:
        msg = (
            f"level names: {key}={name} makes the vertebra above the sacrum (label {above[-1]}) {names[above[-1]]}, "
            f"expected {', '.join(LAST_LUMBAR[:-1])} or {LAST_LUMBAR[-1]}"
        )
        raise InputError(msg)
    return names


def _shift(
    key: str, name: str, above: Sequence[int], *, anchor: int, own: Mapping[int, str], scale: Sequence[str]
) -> dict[int, str]:
    """Names at the same distances from the anchor as the map's own."""
    own_scale = _PRESACRAL if _EXTRA in own.values() else _ORDINARY
    start = scale.index(name) - own_scale.index(own[anchor])
    ranks = {label: start + own_scale.index(own[label]) for label in above}
    beyond = next((label for label, rank in ranks.items() if not 0 <= rank < len(scale)), None)
    if beyond is not None:
        steps = abs(ranks[beyond] - scale.index(name))
        msg = (
            f"level names: {key}={name} leaves no name for the vertebra {beyond}, {steps} "
            f"{'below' if key == FIRST else 'above'} it, expected a count within {scale[0]} to {scale[-1]}"
        )
        raise InputError(msg)
    return {label: scale[rank] for label, rank in ranks.items()}


def _check_name(key: int | str, name: str) -> None:
    if name not in VERTEBRA_NAMES:
        msg = f"level names: {_subject(key)} is named {name!r}, expected a vertebra such as T12, L1 or S1"
        raise InputError(msg)


def _subject(key: int | str) -> str:
    return f"the label {key}" if isinstance(key, int) else f"the {key} vertebra"


def as_ranges(numbers: Iterable[int]) -> str:
    """Whole numbers as a reader writes them.

    Examples
    --------
    >>> as_ranges([3, 1, 2, 7])
    '1-3, 7'
    """
    runs: list[list[int]] = []
    for n in sorted(set(numbers)):
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
