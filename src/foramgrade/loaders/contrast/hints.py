"""What the free text of a header hints at; never more than a hint, and never repeated."""

import itertools
import re
from dataclasses import dataclass

from foramgrade.findings import Sequence

_ONE_WORD = re.compile(r"[a-z]+[0-9]*|[0-9]+")
_STIR_WORDS = frozenset({"stir", "tirm"})
_FAT_SAT_WORDS = _STIR_WORDS | {"fs", "fatsat", "fsat", "fatsup", "spair", "spir", "aspir", "we", "watexc", "chemsat"}
_FAT_SAT_PAIRS = frozenset(
    {("fat", "sat"), ("fat", "sup"), ("fat", "suppressed"), ("water", "exc"), ("dixon", "w"), ("dixon", "water")}
)
#: Words before such a word that deny it: "no fs", "w/o fat sat". They leave the question open.
_DENIALS = frozenset({"no", "non", "o", "wo", "without"})
_WEIGHTING_WORDS = {
    Sequence.T1: frozenset({"t1", "t1w", "t1wi"}),
    Sequence.T2: frozenset({"t2", "t2w", "t2wi"}),
    Sequence.PD: frozenset({"pd", "pdw", "pdwi"}),
}
#: GE begins the description of an image of a Dixon series with what it shows ("WATER: Sag T2 FLEX").
_DIXON_WORDS = {"water": "water", "fat": "fat", "inphase": "in", "outphase": "opposed"}
#: Public sets file both under one name ("Sagittal T2/STIR").
_STIR_OR_T2 = re.compile(r"t2w?\s*/\s*stir|stir\s*/\s*t2", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hints:
    """What a description names.

    Parameters
    ----------
    weighting : Sequence or None
        T1, T2 or PD where exactly one of them is named.
    stir : bool
        Whether STIR, or Siemens' TIRM, is named.
    stir_or_t2 : bool
        Whether the name stands for either.
    fat_suppressed : bool
        Whether a technique that suppresses fat is named.
    dixon : str
        "water", "fat", "in" or "opposed" where the description begins with the name of such an image, else empty.
    """

    weighting: Sequence | None
    stir: bool
    stir_or_t2: bool
    fat_suppressed: bool
    dixon: str


def find_hints(description: str) -> Hints:
    """Hints in a description, word by word: "T2_TSE_fs.sag" names fat saturation, "offset" does not.

    Examples
    --------
    >>> find_hints("t2_tse_fs_sag").fat_suppressed, find_hints("T2 sag offset, no FS").fat_suppressed
    (True, False)
    """
    words = tuple(_ONE_WORD.findall(description.lower()))
    named = [weighting for weighting, names in _WEIGHTING_WORDS.items() if names.intersection(words)]
    pairs = list(itertools.pairwise(("", *words)))
    suppressed = any(word in _FAT_SAT_WORDS and before not in _DENIALS for before, word in pairs) or any(
        pair in _FAT_SAT_PAIRS and before not in _DENIALS for (before, _), pair in itertools.pairwise(pairs)
    )
    # Siemens ends the description of a Dixon image with its letter: "t2_tse_dixon_sag_W".
    suppressed = suppressed or ("dixon" in words and words[-1] == "w")
    return Hints(
        weighting=named[0] if len(named) == 1 else None,
        stir=bool(_STIR_WORDS.intersection(words)),
        stir_or_t2=_STIR_OR_T2.search(description) is not None,
        fat_suppressed=suppressed,
        dixon=_DIXON_WORDS.get(words[0], "") if words else "",
    )
