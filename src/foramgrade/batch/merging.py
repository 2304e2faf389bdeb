"""The tables of shards put together, as if one run had made them."""

import heapq
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from foramgrade.batch.assessing import Stage
from foramgrade.batch.cases import absolute
from foramgrade.batch.collecting import CASES_TABLE, REMARK_SEPARATOR, Counts, Entry, checksums, write_tables
from foramgrade.batch.outcome import CASE_COLUMNS, TABLE, Outcome, State
from foramgrade.batch.plan import WHOLE, Shard, parse_shard
from foramgrade.batch.store import claim_folder, parts_folder, stop_where_unwritable
from foramgrade.batch.studies import RUN, RUN_FORMAT, SHARDS
from foramgrade.errors import InputError
from foramgrade.tables import COLUMNS, write_atomically
from foramgrade.tables.columns import Cell
from foramgrade.tables.growing import walk_rows

#: Missing shards that a refusal names.
_MOST_NAMED = 10
#: What must be equal in all shards, and how a refusal calls it.
_SHARED = {
    "parameters_sha256": "parameters",
    "cases_sha256": "cases",
    "carried": "carried columns",
    "version": "version of foramgrade",
}


@dataclass(frozen=True, slots=True)
class ShardTables:
    """The tables of one shard.

    Parameters
    ----------
    shard : Shard
        Which part of the cases they hold.
    folder : Path
        Where they are.
    run : mapping
        Provenance, as in ``run.json``.
    """

    shard: Shard
    folder: Path
    run: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Merged:
    """Shards that have been put together.

    Parameters
    ----------
    shards : int
        How many.
    counts : Counts
        What ``summary.json`` holds.
    """

    shards: int
    counts: Counts


def merge_shards(
    folders: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Merged:
    """Put the tables of all shards of a run together, byte by byte as one run would have written them.

    Parameters
    ----------
    folders : sequence of path
        The ``--out`` folders of the shards: one for all, or several.
    out : path
        Folder for the tables; one of `folders`, or another. The folders of cases stay where they are.
    progress : callable
        Called with the number of cases done and of all.

    Returns
    -------
    Merged
        Counts; everything else is in the folder.

    Raises
    ------
    InputError
        If a folder holds no shard; a shard is missing, given twice or damaged; or shards are not of one run.
    StoppedError
        If the tables cannot be written.

    Notes
    -----
    Memory: some 0.2 MB per shard, whatever the number of cases. Cases that a stopped shard has not run are missing in
    the merged tables too, and counted.
    """
    out = absolute(Path(out))
    found = sorted(_find_shards(folders), key=lambda one: one.shard.index)
    _check_together(found)
    first = found[0].run
    carried = list(first["carried"])
    entries = _count(_interleave(found, carried), int(first["cases"]), progress)
    with claim_folder(out, WHOLE):
        counts = write_tables(entries, out, parts_folder(out, WHOLE), carried=carried)
        told = {
            **{key: value for key, value in first.items() if key not in ("runs", "tables_sha256")},
            "shard": str(WHOLE),
            "tables_sha256": checksums(out),
            "merged_from": [{"shard": str(one.shard), "runs": one.run["runs"]} for one in found],
        }
        with stop_where_unwritable(out):
            write_atomically(json.dumps(told, indent=2, ensure_ascii=False) + "\n", out / RUN)
    return Merged(len(found), counts)


def _find_shards(folders: Sequence[str | os.PathLike[str]]) -> Iterator[ShardTables]:
    seen = set()
    for folder in map(Path, folders):
        paths = sorted(folder.glob(f"{SHARDS}/*/{RUN}"))
        if not paths:
            msg = f"{folder.name} holds no shard that has ended, expected a folder of foramgrade batch --shard"
            raise InputError(msg)
        for path in paths:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield _read_shard(path)


def _read_shard(path: Path) -> ShardTables:
    name = f"{SHARDS}/{path.parent.name}"
    try:
        run = json.loads(path.read_bytes())
        if run["format"] != RUN_FORMAT or not {"cases", "runs", *_SHARED} <= set(run):
            msg = f"{RUN} of {name} was written by another version, expected {RUN_FORMAT!r}"
            raise InputError(msg)
        shard, sums = parse_shard(run["shard"]), run["tables_sha256"]
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{RUN} of {name} is damaged: run that shard again"
        raise InputError(msg) from error
    try:
        whole = checksums(path.parent) == sums
    except OSError:
        whole = False
    if not whole:
        msg = f"the tables of {name} are not the ones that its run has written: run that shard again"
        raise InputError(msg)
    return ShardTables(shard, path.parent, run)


def _check_together(found: Sequence[ShardTables]) -> None:
    if not found:
        msg = "found no folder to merge, expected those of foramgrade batch --shard"
        raise InputError(msg)
    first = found[0]
    for one in found[1:]:
        differ = [words for key, words in _SHARED.items() if one.run[key] != first.run[key]]
        if differ:
            msg = f"shards {first.shard} and {one.shard} differ in their {', '.join(differ)}: they are not of one run"
            raise InputError(msg)
        if one.shard.count != first.shard.count:
            msg = f"found shards {first.shard} and {one.shard}, expected parts of one division of the cases"
            raise InputError(msg)
    indices = [one.shard.index for one in found]
    twice = next((one for one, other in pairwise(indices) if one == other), None)
    if twice is not None:
        msg = f"found shard {Shard(twice, first.shard.count)} twice, expected each once"
        raise InputError(msg)
    missing = [str(n) for n in range(1, first.shard.count + 1) if n not in set(indices)]
    if missing:
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        msg = (
            f"found {len(found)} of {first.shard.count} shards, expected all: missing "
            f"{', '.join(missing[:_MOST_NAMED])}{more}"
        )
        raise InputError(msg)


def _interleave(found: Sequence[ShardTables], carried: Sequence[str]) -> Iterator[Entry]:
    yield from heapq.merge(*(_entries(one, carried) for one in found), key=lambda entry: entry.number)


def _entries(one: ShardTables, carried: Sequence[str]) -> Iterator[Entry]:
    rows = walk_rows(one.folder / TABLE, columns=(*COLUMNS, *carried))
    for told in walk_rows(one.folder / CASES_TABLE, columns=(*CASE_COLUMNS, *carried)):
        outcome = _outcome(told)
        cells = {name: None if told[name] is None else str(told[name]) for name in carried}
        # taken at once: another shard's entry may be asked for before this one's rows are
        own = list(islice(rows, outcome.foramina))
        yield Entry(int(str(told["number"])), outcome, cells, own)


def _outcome(told: Mapping[str, Cell]) -> Outcome:
    stage, remarks = told["failed_at"], told["remarks"]
    return Outcome(
        case=str(told["case"]),
        state=State(str(told["outcome"])),
        stage=None if stage is None else Stage(str(stage)),
        problem=str(told["problem"] or ""),
        remarks=() if remarks is None else tuple(str(remarks).split(REMARK_SEPARATOR)),
        foramina=int(str(told["n_foramina"])),
    )


def _count(entries: Iterable[Entry], total: int, progress: Callable[[int, int], None]) -> Iterator[Entry]:
    for done, entry in enumerate(entries, start=1):
        yield entry
        progress(done, total)
