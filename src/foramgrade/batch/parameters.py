"""The parameters of a run, and the refusal to mix the results of different ones in a folder."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from foramgrade.batch.assessing import Choices
from foramgrade.batch.store import BOOKS
from foramgrade.errors import InputError
from foramgrade.tables import write_atomically

#: File in the folder of the run's books.
PARAMETERS = "parameters.json"
#: Values that are longer are not quoted in a refusal, characters.
_LONGEST_VALUE = 40
_PATIENCE_S = 30


def describe_parameters(choices: Choices) -> dict[str, object]:
    """List everything that must be equal for results to stand in one table, as plain values.

    Parameters
    ----------
    choices : Choices
        What holds for all studies.

    Returns
    -------
    dict
        Value by name; the version of this package among them. What a case's row says is not: it counts for that case.
    """
    return {
        "version": version("foramgrade"),
        **choices.criteria.parameters(),
        "criteria_file_sha256": choices.criteria_sha256,
        "seal_limit_mm": choices.seal_limit_mm,
        "fat_is_bright": choices.fat_is_bright,
        "orientation": None if choices.orientation is None else choices.orientation.value,
        "n4": choices.n4,
        "tolerate": sorted({one.value for one in choices.tolerate}),
    }


def digest_parameters(parameters: Mapping[str, object]) -> str:
    """Digest of parameters: 16 hex digits."""
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:16]


def check_parameters(out: Path, parameters: Mapping[str, object]) -> None:
    """Refuse to add to results that were made with other parameters.

    Parameters
    ----------
    out : Path
        Folder of the run; it need not exist.
    parameters : mapping
        Of the run that is about to begin.

    Raises
    ------
    InputError
        With every difference.
    """
    path = out / BOOKS / PARAMETERS
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        msg = f"{PARAMETERS} in {out.name} is damaged, and tells no more how its results were made: choose a new folder"
        raise InputError(msg) from error
    differences = list(_compare(told, json.loads(json.dumps(parameters))))
    if differences:
        msg = (
            f"{out.name} holds results of other parameters ({'; '.join(differences)}), expected the same ones or "
            "another folder"
        )
        raise InputError(msg)


def keep_parameters(out: Path, parameters: Mapping[str, object]) -> None:
    """Write down with what parameters the results of a folder are made; the folder is claimed.

    Raises
    ------
    InputError
        As `check_parameters` does, or if they cannot be written.
    """
    path = out / BOOKS / PARAMETERS
    with _wait_for_shards(path):
        check_parameters(out, parameters)
        if not path.exists():
            write_atomically(json.dumps(parameters, indent=2, ensure_ascii=False) + "\n", path)


@contextmanager
def _wait_for_shards(path: Path) -> Iterator[None]:
    """Shards that begin at the same moment look one after the other; where there are no locks, at once."""
    with ExitStack() as held:
        with suppress(OSError, NotImplementedError):  # a Timeout is an OSError too
            held.enter_context(FileLock(path.with_suffix(".lock"), timeout=_PATIENCE_S))
        yield


def _compare(there: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    for name in sorted({*there, *now}):
        one, other = (json.dumps(told[name]) if name in told else "nothing" for told in (there, now))
        if one != other:
            short = max(len(one), len(other)) <= _LONGEST_VALUE
            yield f"{name}: {one} there, {other} now" if short else f"{name} differs"
