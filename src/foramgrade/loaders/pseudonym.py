"""What stands for a patient outside the loaders: a pseudonym, and texts without the patient's names and numbers."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

from foramgrade.errors import InputError

#: Salt of case ids for users who give none. It is published with the package: whoever holds a UID can compute its id.
PUBLIC_SALT = "foramgrade"

#: Digits of a case id: with 64 bits two of a million cases share an id with a probability of 3e-8.
ID_DIGITS = 16

#: A part of a name is looked for in texts when it has at least this many letters or digits.
SHORTEST_PART = 3

#: From here on Unicode holds scripts that write a name in one or two letters: looked for whatever their number.
_FIRST_IDEOGRAPH = "\u2e80"

_SPELLED_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "æ": "ae", "ø": "oe", "œ": "oe"}
_DATE = re.compile(r"\s*(\d{4})([-./]?)(\d{2})\2(\d{2})\s*")


class CaseNames(StrEnum):
    """What a case is called."""

    HASHED = "hashed"
    """A keyed hash of its identifiers."""
    FOLDER = "folder"
    """The name of its folder: only where the folder's name is a pseudonym already."""


def case_id(*uids: str, salt: str) -> str:
    """Pseudonym of a case, the same wherever the same identifiers and the same salt meet.

    Parameters
    ----------
    *uids : str
        What identifies the case, from the whole to the part: UID of the study, UID of the series.
    salt : str
        Secret of the user. Keep it to find a case again, withhold it to keep others from doing so.

    Returns
    -------
    str
        "case-" and `ID_DIGITS` hexadecimal digits.

    Raises
    ------
    InputError
        If an identifier is empty, since all cases without one would share an id; or if the salt is empty.

    Notes
    -----
    *Definition*: HMAC-SHA-256 of the identifiers under the salt, cut to `ID_DIGITS` digits.
    *Limits*: with `PUBLIC_SALT`, or any salt that others know, the id hides nothing from people who hold the UID, or
    who can list those of an archive: they compute the id of each and compare.

    References
    ----------
    Krawczyk, Bellare, Canetti 1997, HMAC: keyed-hashing for message authentication, RFC 2104, doi 10.17487/RFC2104.

    Examples
    --------
    >>> case_id("1.2.840.1", salt="a secret of ours")
    'case-d201b38812276ac2'
    >>> case_id("1.2.840.1", "1.2.840.1.7", salt="a secret of ours") == case_id("1.2.840.1", salt="a secret of ours")
    False
    """
    # DICOM fills up values of odd length; the fill is no part of the UID.
    values = [uid.strip(" \0") for uid in uids]
    if not values or not all(values):
        msg = f"a case id needs identifiers that are not empty, found {values or 'none'}"
        raise InputError(msg)
    if not salt:
        msg = "the salt of case ids is empty, expected at least one character"
        raise InputError(msg)
    message = "".join(f"{len(value)}:{value}" for value in values)  # ("1", "23") and ("12", "3") differ
    return "case-" + hmac.new(salt.encode(), message.encode(), hashlib.sha256).hexdigest()[:ID_DIGITS]


def name_case(*identifiers: str, names: CaseNames, salt: str = PUBLIC_SALT) -> str:
    """Name a case as the user asked: by a hash of its identifiers, or by the identifiers themselves.

    Parameters
    ----------
    *identifiers : str
        Names of the case's folders, from the whole to the part.
    names : CaseNames
        Whether to hash them.
    salt : str
        Salt of the hash, see :func:`case_id`.

    Returns
    -------
    str
        The case's name.

    Raises
    ------
    InputError
        If an identifier or the salt is empty.

    Examples
    --------
    >>> name_case("4003253", "702807833", names=CaseNames.FOLDER)
    '4003253_702807833'
    >>> name_case("4003253", "702807833", names=CaseNames.HASHED, salt="a secret of ours")
    'case-8941a6a6eaf241d3'
    """
    hashed = case_id(*identifiers, salt=salt)
    return hashed if names is CaseNames.HASHED else "_".join(identifiers)


def scrub(text: str, names: Iterable[str]) -> str:
    """Take the names and numbers of a patient out of a free text, such as a series description.

    Parameters
    ----------
    text : str
        The text.
    names : iterable of str
        What the header says of persons: patient's name, id, birth date, other names; parts separated by "^", "=" or
        anything that is neither letter nor digit. Dates as DICOM or ISO writes them (19610203, 1961-02-03).

    Returns
    -------
    str
        The text without every part of at least three letters or digits, wherever it stands, even inside a word. Case
        and accents do not matter ("Mueller" and "muller" go for "Müller"); a date is also found in its other orders. A
        text without any of them comes back as it was.

    Notes
    -----
    *Limits*: what the header does not say elsewhere cannot be known to be a name; parts of one or two letters stay, but
    for Chinese, Japanese and Korean ones. A part that is an ordinary word ("Lang") goes too: better a hint lost than a
    name shown.

    Examples
    --------
    >>> scrub("T2 sag MUELLER 03.02.61", ["Müller^Anna", "19610203"])
    'T2 sag'
    >>> scrub("t1_tse_sag", ["Müller^Anna", "19610203"])
    't1_tse_sag'
    """
    wanted = sorted({part for name in names for part in _parts(name)}, key=len, reverse=True)
    if not wanted:
        return text
    folded, origin = _folded(text)
    pattern = re.compile("|".join(wanted))
    gone = {origin[i] for hit in pattern.finditer(folded) for i in range(*hit.span())}
    if not gone:
        return text
    left = "".join(" " if i in gone else letter for i, letter in enumerate(unicodedata.normalize("NFC", text)))
    # What separated the removed words is no information either.
    return re.sub(r"[\s_^,;:/.-]*\s[\s_^,;:/.-]*", " ", left).strip(" _^,;:/.-")


def _parts(name: str) -> Iterable[str]:
    """Patterns, in folded letters, that give away a value of the header."""
    date = _DATE.fullmatch(name)
    if date:
        year, _, month, day = date.groups()
        for parts in ((year, month, day), (day, month, year), (month, day, year)):
            short = tuple(part[-2:] for part in parts)
            yield from (r"[-./_ ]?".join(order) for order in (parts, short))
        return
    for word in re.split(r"[\W_]+", unicodedata.normalize("NFC", name)):
        plain = _folded(word)[0]
        spelled = _folded("".join(_SPELLED_OUT.get(letter, letter) for letter in word.lower()))[0]
        shortest = 1 if max(plain, default="") >= _FIRST_IDEOGRAPH else SHORTEST_PART
        yield from (re.escape(part) for part in (plain, spelled) if len(part) >= shortest)


def _folded(text: str) -> tuple[str, list[int]]:
    """Text without case and accents, and for each of its letters the index of the letter it stands for (in NFC)."""
    letters: list[str] = []
    origin: list[int] = []
    for i, letter in enumerate(unicodedata.normalize("NFC", text)):
        for plain in unicodedata.normalize("NFKD", letter.casefold()):
            if not unicodedata.combining(plain):
                letters.append(plain)
                origin.append(i)
    return "".join(letters), origin
