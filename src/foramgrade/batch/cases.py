"""A case of a run: which study it is, what goes with it into the tables, and where in them it stands."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from foramgrade.anatomy.labels import LevelNames
from foramgrade.batch.assessing import StudyFiles
from foramgrade.errors import InputError
from foramgrade.loaders.dataset import StudyCase

#: Sentences that a refusal quotes.
MOST_COMPLAINTS = 10


@dataclass(frozen=True, slots=True)
class BatchCase:
    """One case of a run; small, and nothing of it is read.

    Parameters
    ----------
    number : int
        Place in the order of the tables, from 0.
    case : str
        Name, unique in the run.
    files : StudyFiles or None
        Where its parts are; None when there is nothing to assess.
    skipped : str
        Why there is nothing to assess.
    remarks : tuple of str
        What the data set says of it that does not stand in the way.
    carried : tuple of str or None
        Cells that go into the tables as they are.
    urls : mapping of str to str
        Addresses of parts that lie elsewhere, by role; they are fetched when the case is run.
    """

    number: int
    case: str
    files: StudyFiles | None
    skipped: str = ""
    remarks: tuple[str, ...] = ()
    carried: tuple[str | None, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict, repr=False)

    def settings(self) -> str:
        """Digest of everything but the files' content that the result of this case depends on: 16 hex digits."""
        told: list[object] = [self.skipped]
        if self.files is not None:
            files = self.files
            scheme = "file" if files.scheme_file is not None else files.scheme
            names = sorted((str(key), name) for key, name in (files.level_names or {}).items())
            places = [(place.level.name, place.side.value, place.position_mm) for place in files.places]
            told += [sorted(files.paths()), scheme, names, places, files.series, files.sequence]
            told += [files.fat_suppressed, files.contrast_reason]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


class Complaints:
    """Sentences about a manifest, so that all of them can be said at once."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._count = 0

    def add(self, sentence: str) -> None:
        """Keep a sentence, or only count it when there are many."""
        self._count += 1
        if len(self._first) < MOST_COMPLAINTS:
            self._first.append(sentence)

    def refuse(self, name: str) -> None:
        """Refuse the manifest called `name` if there is anything to say.

        Raises
        ------
        InputError
            With the first sentences and the number of the others.
        """
        if not self._count:
            return
        rows = "1 problem" if self._count == 1 else f"{self._count} problems"
        more = self._count - len(self._first)
        msg = f"{name} has {rows}: {'; '.join(self._first)}" + (f"; and {more} more" if more else "")
        raise InputError(msg)


def from_data_set(
    number: int, study: StudyCase, *, scheme: str | None, level_names: LevelNames | None = None
) -> BatchCase:
    """Make a case of one that a data set names.

    Parameters
    ----------
    number : int
        Place in the order.
    study : StudyCase
        The case.
    scheme : str or None
        Label scheme where the data set does not tell it.
    level_names : mapping of int or str to str, or None
        Names for the vertebrae of label maps.

    Returns
    -------
    BatchCase
        Without files where the data set has no image, or neither labels nor points; its patient is carried.
    """
    missing = list(_missing(study))
    carried = (printable(study.patient),)
    if study.image is None or missing:
        why = "; ".join([*study.problems, *missing] if study.image is not None else study.problems) or "no image"
        return BatchCase(number, printable(study.case), None, skipped=printable(why), carried=carried)
    files = StudyFiles(
        image=study.image,
        labels=study.labels,
        instances=study.instances,
        scheme=(study.scheme or scheme) if study.labels is not None else None,
        level_names=level_names if study.labels is not None else None,
        places=study.points,
        series=study.series,
        sequence=study.sequence,
        fat_suppressed=study.fat_suppressed,
        contrast_reason=study.contrast_reason,
    )
    remarks = tuple(map(printable, study.problems))
    return BatchCase(number, printable(study.case), files, remarks=remarks, carried=carried)


def _missing(study: StudyCase) -> Iterator[str]:
    if study.labels is None and not study.points:
        yield "neither labels nor points"


def printable(text: str) -> str:
    r"""Put a text on one line, and spell out what is no UTF-8.

    Examples
    --------
    >>> printable("a\nb\udce4")
    'a b\\udce4'
    """
    return " ".join(text.encode("utf-8", errors="backslashreplace").decode("utf-8").split())


def absolute(path: Path) -> Path:
    """Make a path good for another process, whatever that one's folder is; links stay links."""
    return Path.cwd() / path
