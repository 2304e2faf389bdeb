"""The plan of a run: all its cases in their order, checked before any is run, and kept out of memory."""

import hashlib
import json
import pickle
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from foramgrade.batch.cases import BatchCase, Complaints
from foramgrade.batch.finding import Cohort
from foramgrade.errors import InputError


@dataclass(frozen=True, slots=True)
class Shard:
    """Which part of the cases a run takes: every `count`-th, beginning with the `index`-th, from 1."""

    index: int = 1
    count: int = 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def is_whole(self) -> bool:
        """Whether it is all of them."""
        return self.count == 1


#: All cases.
WHOLE = Shard()


def parse_shard(text: str) -> Shard:
    """Read a shard as written on the command line, such as "3/16".

    Raises
    ------
    InputError
        If it is not two whole numbers, the first from 1 to the second.

    Examples
    --------
    >>> parse_shard("3/16")
    Shard(index=3, count=16)
    """
    index, _, count = text.partition("/")
    if not (index.isascii() and index.isdigit() and count.isascii() and count.isdigit()):
        msg = f"the shard is {text!r}, expected two whole numbers such as 3/16"
        raise InputError(msg)
    if not 1 <= int(index) <= int(count):
        msg = f"the shard is {text!r}, expected a number from 1 to {int(count)} before the slash"
        raise InputError(msg)
    return Shard(int(index), int(count))


class Plan:
    """All cases of a cohort in their order, on disk.

    Parameters
    ----------
    cohort : Cohort
        Where they come from; it is read at once.

    Raises
    ------
    InputError
        If rows cannot be understood, two cases have names that differ in no more than letter case, or there is none;
        with the first sentences.

    Notes
    -----
    The cases lie in a private database that the system deletes when it is closed or the process ends: paths, which can
    name people, are written nowhere else. Names that differ in letter case alone are refused because file systems,
    spreadsheets and people take them for one.
    """

    def __init__(self, cohort: Cohort) -> None:
        self.carried = cohort.carried
        self._cases = sqlite3.connect("")  # a temporary file without a name
        self._cases.execute("CREATE TABLE cases (number INTEGER PRIMARY KEY, name TEXT UNIQUE, pickled BLOB)")
        complaints, digest = Complaints(), hashlib.sha256()
        for case in cohort.read(complaints):
            self._add(case, complaints)
            digest.update(json.dumps([case.case, case.carried]).encode())
        complaints.refuse(cohort.name)
        if not len(self):
            msg = f"{cohort.name} holds no case, expected one at least"
            raise InputError(msg)
        #: Checksum of the names and carried cells of all cases: shards of one run agree in it.
        self.sha256 = digest.hexdigest()

    def __len__(self) -> int:
        return int(self._cases.execute("SELECT count(*) FROM cases").fetchone()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cases.close()

    def cases(self, shard: Shard) -> Iterator[BatchCase]:
        """Take the cases of a shard, in their order."""
        chosen = "SELECT pickled FROM cases WHERE number % ? = ? ORDER BY number"
        for (pickled,) in self._cases.execute(chosen, (shard.count, shard.index - 1)):
            yield pickle.loads(pickled)  # written by this very process

    def count(self, shard: Shard) -> int:
        """How many cases a shard has."""
        return len(range(shard.index - 1, len(self), shard.count))

    def _add(self, case: BatchCase, complaints: Complaints) -> None:
        try:
            row = (case.number, case.case.casefold(), pickle.dumps(case))
            self._cases.execute("INSERT INTO cases VALUES (?, ?, ?)", row)
        except sqlite3.IntegrityError:
            told = "SELECT number FROM cases WHERE name = ?"
            first = self._cases.execute(told, (case.case.casefold(),)).fetchone()[0]
            complaints.add(f"the case {case.case!r} of row {case.number + 1} has the name of row {first + 1}")
