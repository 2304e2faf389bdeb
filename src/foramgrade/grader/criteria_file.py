"""Criteria of a user's own, from a TOML file that is checked to the last key."""

import os
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from foramgrade.errors import CriteriaError, InputError
from foramgrade.findings import Border, Policy, RootShape
from foramgrade.grader.citation import Citation
from foramgrade.grader.criteria import LEE_2010, Criteria
from foramgrade.grader.rules import Pattern, Rule

LONGEST_NAME = 40
"""Characters of a name that still fit a picture and a sentence."""
LARGEST_FILE = 1_000_000
"""No criteria are larger than this, bytes."""
LARGEST_NUMBER = 1_000_000_000
"""Whole numbers from here on are no thresholds, and may not fit a float."""
THRESHOLDS = (
    *("minimum_fat_mm", "thin_fat_mm", "sector_deg", "flattened_aspect", "collapsed_area_fraction"),
    "uncertain_below",
)
"""Numbers that the table `thresholds` may hold; one that is left out keeps the product's own value."""

T = TypeVar("T")
_KINDS: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


def read_criteria(path: str | os.PathLike[str]) -> Criteria:
    r"""Read criteria of your own from a TOML file.

    Parameters
    ----------
    path : path
        UTF-8; the keys are described in ``docs/criteria.md``.

    Returns
    -------
    Criteria
        Rules, policy and thresholds; what the file leaves out but for the rules is as for Lee 2010.

    Raises
    ------
    InputError
        If the file cannot be opened.
    CriteriaError
        If it is no TOML, a key is missing, unknown or of the wrong kind, or the rules are incomplete, repeated,
        unreachable or not monotone.

    Notes
    -----
    *Definition*: every one of the 16 patterns of lost borders must satisfy a rule with an unchanged and with a changed
    root, every grade 0 to 3 has one rule that no other hides, and a root with more borders lost, or deformed, never
    gets the lower grade, under any policy.
    *Limits*: only rules over lost borders and root shape can be written; a grade by area or height cannot.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "ours.toml"
    ...     _ = file.write_text('name = "Ours 2024"\npolicy = "middle"', encoding="utf-8")
    ...     read_criteria(file)
    Traceback (most recent call last):
        ...
    foramgrade.errors.CriteriaError: ours.toml: the key citation is missing, expected a table
    """
    path = Path(path)
    try:
        return _parse_criteria(_read_toml(path))
    except CriteriaError as error:
        msg = f"{path.name}: {error}"
        raise CriteriaError(msg) from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError as error:
        msg = f"{path.name}: no such file, expected criteria in TOML"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{path.name} cannot be opened: {error.strerror or error}"
        raise InputError(msg) from error
    if len(content) > LARGEST_FILE:
        msg = f"found more than {LARGEST_FILE} bytes, expected criteria in TOML"
        raise CriteriaError(msg)
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        msg = "found bytes that are not text in UTF-8, expected criteria in TOML"
        raise CriteriaError(msg) from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        msg = f"found what is no TOML, expected criteria in TOML: {reason}"
        raise CriteriaError(msg) from error


def _parse_criteria(document: dict[str, Any]) -> Criteria:
    _refuse_unknown(document, ("name", "citation", "policy", "thresholds", "rules"), "")
    name = _words(document, "name", "")
    if len(name) > LONGEST_NAME or not name.isprintable():
        msg = f"the key name is {_shown(name)}, expected at most {LONGEST_NAME} printable characters on one line"
        raise CriteriaError(msg)
    citation = _parse_citation(_take(document, "citation", dict))
    policy = _choose(document, "policy", "", tuple(Policy)) or LEE_2010.policy
    thresholds = _parse_thresholds(_take(document, "thresholds", dict) if "thresholds" in document else {})
    tables = _take(document, "rules", list)
    rules = sorted((_parse_rule(table, f"rules[{n}]") for n, table in enumerate(tables)), key=lambda rule: rule.grade)
    criteria = Criteria(name, citation, tuple(rules), policy, **thresholds)
    if name == LEE_2010.name and criteria.rules != LEE_2010.rules:
        msg = f"the key name is {name!r} but the rules are not those of {name}, expected a name of their own"
        raise CriteriaError(msg)
    return criteria


def _parse_citation(table: dict[str, Any]) -> Citation:
    _refuse_unknown(table, ("authors", "year", "title", "journal", "doi"), "citation.")
    return Citation(
        authors=_words(table, "authors", "citation."),
        year=_take(table, "year", int, "citation."),
        title=_words(table, "title", "citation."),
        journal=_take(table, "journal", str, "citation.") if "journal" in table else "",
        doi=_take(table, "doi", str, "citation.") if "doi" in table else "",
    )


def _parse_thresholds(table: dict[str, Any]) -> dict[str, float]:
    _refuse_unknown(table, THRESHOLDS, "thresholds.")
    return {key: _take(table, key, float, "thresholds.") for key in table}


def _parse_rule(table: object, where: str) -> Rule:
    table = _check_kind(table, where, dict)
    prefix = f"{where}."
    _refuse_unknown(table, ("grade", "label", "lost", "root_shape", "definition"), prefix)
    lost = None
    if "lost" in table:
        entries = _take(table, "lost", list, prefix)
        lost = tuple(_parse_pattern(entry, f"{prefix}lost[{n}]") for n, entry in enumerate(entries))
        repeated = [entry for n, entry in enumerate(entries) if lost[n] in lost[:n]]
        if repeated:
            msg = f"the key {prefix}lost names {_shown(repeated[0])} twice, expected every pattern once"
            raise CriteriaError(msg)
    return Rule(
        grade=_take(table, "grade", int, prefix),
        label=_words(table, "label", prefix),
        lost=lost,
        root_shape=_choose(table, "root_shape", prefix, (RootShape.UNCHANGED, RootShape.CHANGED)),
        sentence=_words(table, "definition", prefix),
    )


def _parse_pattern(entry: object, where: str) -> Pattern:
    letters = _check_kind(entry, where, str)
    if set(letters) - set(Border) or len(set(letters)) < len(letters):
        msg = f"the key {where} is {_shown(letters)}, expected letters of S, P, I, A, each at most once, or none"
        raise CriteriaError(msg)
    return frozenset(Border(letter) for letter in letters)


def _refuse_unknown(table: Mapping[str, Any], known: Collection[str], prefix: str) -> None:
    unknown = [key for key in table if key not in known]
    if unknown:
        msg = f"the key {prefix}{_plain(unknown[0])} is not known, expected {', '.join(known)}"
        raise CriteriaError(msg)


def _take(table: Mapping[str, Any], key: str, kind: type[T], prefix: str = "") -> T:
    if key not in table:
        msg = f"the key {prefix}{key} is missing, expected {_KINDS[kind]}"
        raise CriteriaError(msg)
    return _check_kind(table[key], prefix + key, kind)


def _check_kind(value: object, where: str, kind: type[T]) -> T:
    if kind is float and type(value) is int and abs(value) < LARGEST_NUMBER:
        value = float(value)
    if type(value) is not kind:  # true is an int to Python, and no number here
        msg = f"the key {where} is {_shown(value)}, expected {_KINDS[kind]}"
        raise CriteriaError(msg)
    return value


def _words(table: Mapping[str, Any], key: str, prefix: str) -> str:
    text = _take(table, key, str, prefix).strip()
    if not text:
        msg = f"the key {prefix}{key} is blank, expected a text"
        raise CriteriaError(msg)
    return text


def _choose(table: Mapping[str, Any], key: str, prefix: str, members: tuple[T, ...]) -> T | None:
    """Find the member that is named, None where the key is left out."""
    if key not in table:
        return None
    for member in members:
        if table[key] == member:
            return member
    msg = f"the key {prefix}{key} is {_shown(table[key])}, expected {' or '.join(map(str, members))}"
    raise CriteriaError(msg)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}..."


def _plain(key: str) -> str:
    return key if key.isprintable() and len(key) <= LONGEST_NAME else _shown(key)
