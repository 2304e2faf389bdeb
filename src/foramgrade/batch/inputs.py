"""What tells whether the files of a case have changed: size and time at a glance, content where these differ."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from foramgrade.batch.assessing import StudyFiles
from foramgrade.errors import InputError
from foramgrade.loaders.sources import sources_identity, walk_sources

#: Endings of files that are read beside an image or a label map of the same name: voxels in a file of their own,
#: dcm2niix's contrast, names of labels.
_BESIDE = (".raw", ".zraw", ".raw.gz", ".img", ".img.gz", ".json", ".tsv")
#: Files of a folder of label maps, or of the folders above it, that name labels.
_OF_FOLDER = ("dataset.json",)
_FOLDERS_ABOVE = 2


@dataclass(frozen=True, slots=True)
class Stamp:
    """Size and time of an input; of a folder those of all its files.

    Parameters
    ----------
    files : int
        Number of files.
    bytes : int
        Their size together.
    modified_ns : int
        When the latest was modified, ns since 1970.
    digest : str
        Digest of size and time of every file and of where the input is: 16 hex digits.
    """

    files: int
    bytes: int
    modified_ns: int
    digest: str


def stamp_inputs(files: StudyFiles) -> dict[str, Stamp | None]:
    """Look at size and time of every input of a case, without opening one.

    Parameters
    ----------
    files : StudyFiles
        Where they are.

    Returns
    -------
    dict of str to Stamp or None
        By role; None where there is nothing.

    Notes
    -----
    Files that are read beside an input count with it: the voxels of a detached header, dcm2niix's JSON file, a table of
    names. *Limits*: tables of names that BIDS inherits from folders above are not among them.
    """
    return {role: _stamp(path) for role, path in files.paths().items()}


def hash_inputs(files: StudyFiles) -> dict[str, str | None]:
    """Hash the content of every input of a case.

    Parameters
    ----------
    files : StudyFiles
        Where they are.

    Returns
    -------
    dict of str to str or None
        SHA-256 by role, over the content of the same files as in `stamp_inputs`, whatever their names; None where there
        is nothing, or it cannot be read.
    """
    return {role: _hash(path) for role, path in files.paths().items()}


def _stamp(path: Path) -> Stamp | None:
    try:
        found = sorted((status.st_size, status.st_mtime_ns) for status in _look(path))
    except OSError:
        return None
    if not found:
        return None
    digest = hashlib.sha256(repr(found).encode())
    # Where it is counts by 16 bits: files that were exchanged for one another are seen, a name cannot be guessed.
    digest.update(hashlib.sha256(os.fsencode(path)).digest()[:2])
    return Stamp(len(found), sum(size for size, _ in found), max(time for _, time in found), digest.hexdigest()[:16])


def _look(path: Path) -> Iterator[os.stat_result]:
    if not path.is_dir():
        yield path.stat()
        for beside in _beside(path):
            yield beside.stat()
        return
    for folder, below, names in os.walk(path, followlinks=True):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in names:
            if not name.startswith("."):
                yield os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118 - millions of files


def _hash(path: Path) -> str | None:
    try:
        if path.is_dir():
            return str(sources_identity(walk_sources(path))["sha256"])
        whole = hashlib.sha256()
        for one in (path, *_beside(path)):
            with one.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        return whole.hexdigest()
    except (OSError, InputError):
        return None


def _beside(path: Path) -> list[Path]:
    name = path.name.removesuffix(".gz")
    stem = name.removesuffix(path.with_name(name).suffix)
    candidates = [path.with_name(stem + ending) for ending in _BESIDE]
    above = [path.parent, *list(path.parent.parents)[:_FOLDERS_ABOVE]]
    candidates += [folder / name for name in _OF_FOLDER for folder in above]
    return [one for one in candidates if one != path and one.is_file()]


def as_document(stamps: Mapping[str, Stamp | None], hashes: Mapping[str, str | None]) -> dict[str, dict[str, object]]:
    """Write stamps and hashes as plain values, by role; an input that is not there is empty."""
    return {
        role: {}
        if stamp is None
        else {
            "files": stamp.files,
            "bytes": stamp.bytes,
            "modified_ns": stamp.modified_ns,
            "stamp": stamp.digest,
            "sha256": hashes.get(role),
        }
        for role, stamp in stamps.items()
    }
