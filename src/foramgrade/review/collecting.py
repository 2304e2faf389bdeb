"""The studies of a folder of results, one or a cohort, with their films."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foramgrade.errors import InputError
from foramgrade.exports.film import FILM, FILM_FORMAT
from foramgrade.loaders.json_file import read_json as read_document
from foramgrade.tables import StudyAssessment, read_json

#: The document of a study, by which its folder is known.
STUDY = "assessment.json"


@dataclass(frozen=True, slots=True, eq=False)
class ReviewStudy:
    """A study to review.

    Parameters
    ----------
    study : StudyAssessment
        As graded, without pixels.
    film : dict or None
        Pictures by foramen, as in ``film.json``; None where none were kept.
    """

    study: StudyAssessment
    film: dict[str, Any] | None


def find_studies(folder: Path) -> Iterator[ReviewStudy]:
    """Find the studies in a folder that ``grade`` or ``batch`` wrote.

    Parameters
    ----------
    folder : Path
        With ``assessment.json``, or with folders that have one.

    Yields
    ------
    ReviewStudy
        In the order of the folders' names; read one at a time.

    Raises
    ------
    InputError
        If there is no study, or a file is damaged.
    """
    if not folder.is_dir():
        msg = f"{folder.name} is no folder, expected one that foramgrade grade or batch wrote"
        raise InputError(msg)
    documents = [folder / STUDY] if (folder / STUDY).is_file() else sorted(_search(folder))
    if not documents:
        msg = f"{folder.resolve().name} has no {STUDY} in it, expected a folder that foramgrade grade or batch wrote"
        raise InputError(msg)
    for document in documents:
        yield ReviewStudy(read_json(document), _read_film(document.with_name(FILM)))


def _search(folder: Path) -> Iterator[Path]:
    """Documents below a folder, links to folders not followed, hidden folders left out."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if STUDY in files:
            yield Path(place) / STUDY


def _read_film(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    document = read_document(path)
    if not isinstance(document, dict) or document.get("format") != FILM_FORMAT:
        msg = f"{path.name} is no film: expected the format {FILM_FORMAT!r}; grade the study again"
        raise InputError(msg)
    films: dict[str, Any] = document["foramina"]
    return films
