"""File names of BIDS and of the tools that write beside it: entities, suffix, and which image a label map is of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from foramgrade.findings import Sequence

#: Contrast by suffix of the images that are read.
SEQUENCE_OF_SUFFIX: Mapping[str, Sequence] = MappingProxyType(
    {"T1w": Sequence.T1, "T2w": Sequence.T2, "PDw": Sequence.PD}
)

#: Suffixes of label maps: that of BIDS, and that of TPTBox, SPINEPS and VerSe.
LABEL_SUFFIXES = ("dseg", "msk")

#: End of the name that TotalSpineSeg gives its final map in the Spinal Cord Toolbox.
STEP2_SUFFIX = "step2_output"

#: Values of "space" that leave a label map where its image is in the patient, in lower case.
NATIVE_SPACES = frozenset({"orig", "native", "individual", "scanner", "resampled"})

#: Entities that a tool adds to those of its image.
_DERIVED = frozenset({"desc", "seg", "space", "res", "den", "mod", "atlas"})

_ENDS = re.compile(r"\.(nii\.gz|nii|json)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BidsName:
    """A file's name taken apart.

    Parameters
    ----------
    stem : str
        Name without the ends such as ".nii.gz".
    entities : mapping of str to str
        Label by key, e.g. {"sub": "01", "acq": "sag"}. Read-only.
    suffix : str
        Last word, e.g. "T2w".
    modality : str or None
        Of a derived file: suffix of the image it was made of, where the name tells ("sub-01_T2w_label-spine_dseg",
        "sub-01_mod-T2w_seg-vert_msk", "sub-01_space-T2w_dseg").
    """

    stem: str
    entities: Mapping[str, str]
    suffix: str
    modality: str | None


def parse_name(path: Path) -> BidsName | None:
    """Take a file's name apart; None if it is not one of an image, a label map or a sidecar.

    Examples
    --------
    >>> name = parse_name(Path("sub-01_acq-sag_mod-T2w_seg-vert_msk.nii.gz"))
    >>> dict(name.entities), name.suffix, name.modality
    ({'sub': '01', 'acq': 'sag', 'mod': 'T2w', 'seg': 'vert'}, 'msk', 'T2w')
    """
    if not _ENDS.search(path.name):
        return None
    stem = _ENDS.sub("", path.name)
    ending = f"_{STEP2_SUFFIX}"
    words, suffix = (stem.removesuffix(ending), STEP2_SUFFIX) if stem.endswith(ending) else (stem, "")
    *others, last = words.split("_")
    if suffix:
        others.append(last)
    elif "-" in last:
        return None
    entities = dict(word.split("-", 1) for word in others if "-" in word)
    named = [*(word for word in others if "-" not in word), entities.get("mod"), entities.get("space")]
    modality = next((word for word in named if word in SEQUENCE_OF_SUFFIX), None)
    return BidsName(stem, MappingProxyType(entities), suffix or last, modality)


def is_image(name: BidsName) -> bool:
    """Whether a file is an image to measure in, by its name."""
    return name.suffix in SEQUENCE_OF_SUFFIX and not _DERIVED & name.entities.keys()


def is_label_map(name: BidsName) -> bool:
    """Whether a file may hold the labels of vertebrae, by its name; the canal or the cord alone are no label map."""
    return name.suffix == STEP2_SUFFIX or (
        name.suffix in LABEL_SUFFIXES and structure_of(name) in (None, "spine", "subreg", "vert")
    )


def structure_of(name: BidsName) -> str | None:
    """What a label map shows: "spine" or "subreg" (parts of vertebrae), "vert" (vertebrae), None for all in one."""
    return name.entities.get("seg", name.entities.get("label"))


def fit(labels: BidsName, image: BidsName) -> int | None:
    """How exactly the name of a label map names an image.

    Parameters
    ----------
    labels, image : BidsName
        The names.

    Returns
    -------
    int or None
        Number of things by which the name of the labels names the image, None if it names another one.

    Examples
    --------
    >>> image = parse_name(Path("sub-01_acq-sag_T2w.nii.gz"))
    >>> names = ("sub-01_acq-sag_T2w_label-spine_dseg.nii.gz", "sub-01_dseg.nii.gz", "sub-01_acq-ax_dseg.nii.gz")
    >>> [fit(parse_name(Path(name)), image) for name in names]
    [3, 1, None]
    """
    source = source_of(labels)
    if any(image.entities.get(key) != value for key, value in source.items()):
        return None
    if labels.modality not in (None, image.suffix):
        return None
    return len(source) + (labels.modality is not None)


def source_of(labels: BidsName) -> dict[str, str]:
    """Entities that a label map has from its image."""
    structure = "seg" if "seg" in labels.entities else "label"
    return {key: value for key, value in labels.entities.items() if key not in _DERIVED and key != structure}


def is_native(labels: BidsName) -> bool:
    """Whether a label map lies where its image lies, and not in a template's space."""
    space = labels.entities.get("space")
    return space is None or space in SEQUENCE_OF_SUFFIX or space.lower() in NATIVE_SPACES
