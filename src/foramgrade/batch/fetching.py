"""Inputs that lie in object stores or on servers, fetched through fsspec for as long as a case is run."""

import hashlib
import importlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from foramgrade.batch.assessing import StudyFiles
from foramgrade.batch.cases import BatchCase
from foramgrade.batch.inputs import Stamp
from foramgrade.errors import InputError

#: What mends the absence of fsspec.
INSTALL = "pip install 'foramgrade[cloud]'"


@contextmanager
def fetch_inputs(case: BatchCase, parent: Path) -> Iterator[StudyFiles]:
    """Bring the inputs of a case that lie elsewhere into a private folder, and take them away again.

    Parameters
    ----------
    case : BatchCase
        Has files.
    parent : Path
        Where the private folder is made, and where the next run finds and deletes it if this one is killed.

    Yields
    ------
    StudyFiles
        Where the inputs are now.

    Raises
    ------
    InputError
        If fsspec or its driver is not installed, or the input cannot be fetched; without its address.
    """
    assert case.files is not None
    if not case.urls:
        yield case.files
        return
    with tempfile.TemporaryDirectory(prefix="fetched-", dir=parent) as folder:
        here: dict[str, Any] = {role: _fetch(role, url, Path(folder) / role) for role, url in case.urls.items()}
        yield replace(case.files, **here)


def stamp_urls(urls: Mapping[str, str]) -> dict[str, Stamp | None]:
    """Look at what tells a remote input from its next version (size, time, tag), without fetching it.

    Parameters
    ----------
    urls : mapping of str to str
        Address by role.

    Returns
    -------
    dict of str to Stamp or None
        None where it cannot be reached; sizes and times are left out (0), only the digest counts.
    """
    return {role: _stamp(role, url) for role, url in urls.items()}


def _fetch(role: str, url: str, folder: Path) -> Path:
    system, path = _open(role, url)
    name = path.rstrip("/").rpartition("/")[2]
    try:
        folder.mkdir()
        system.get(path, str(folder / name), recursive=system.isdir(path))
    except Exception as error:  # drivers raise errors of their own kinds
        msg = f"the {role} cannot be fetched from {url.partition('://')[0]}: {type(error).__name__}"
        raise InputError(msg) from error
    return folder / name


def _stamp(role: str, url: str) -> Stamp | None:
    try:
        system, path = _open(role, url)
        found = sorted(system.find(path)) or [path]
        digest = hashlib.sha256(repr([system.ukey(one) for one in found]).encode())
    except Exception:  # noqa: BLE001 - whatever a driver raises: fetching says it in a sentence
        return None
    return Stamp(len(found), 0, 0, digest.hexdigest()[:16])


def _open(role: str, url: str) -> tuple[Any, str]:
    try:
        fsspec = importlib.import_module("fsspec")
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        msg = f"the {role} lies at {url.partition('://')[0]}, which needs fsspec and its driver: {INSTALL}"
        raise InputError(msg) from error
    except ValueError as error:
        msg = f"the {role} lies at {url.partition('://')[0]}, which fsspec does not know"
        raise InputError(msg) from error
    return system, str(path)
