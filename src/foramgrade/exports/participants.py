"""``participants.tsv`` of a derivatives data set: what is there stays, a new participant joins."""

from pathlib import Path

from foramgrade.errors import InputError

_FILE = "participants.tsv"
_DICTIONARY = "participants.json"
_KEY = "participant_id"
_MISSING = "n/a"


def write_participants(participant: str, folder: Path, part: Path, *, raw: Path | None) -> None:
    """Add a participant to the table of a data set.

    Parameters
    ----------
    participant : str
        As in BIDS, e.g. "sub-01".
    folder : Path
        The data set; its table is read if it has one.
    part : Path
        Where to write the new table.
    raw : Path or None
        Data set of the images. Its columns, with its dictionary, are taken where there is no table yet, and its row of
        this participant is kept.

    Raises
    ------
    InputError
        If a table is damaged.
    """
    known = read_table(folder / _FILE)
    given = [] if raw is None else read_table(raw / _FILE)
    if not known:
        known = [given[0] if given else [_KEY]]
        if raw is not None and given and (raw / _DICTIONARY).is_file():
            (part / _DICTIONARY).write_bytes((raw / _DICTIONARY).read_bytes())
    header, *lines = known
    key = header.index(_KEY)
    if all(line[key] != participant for line in lines):
        own = next((line for line in given[1:] if line[given[0].index(_KEY)] == participant), None)
        told = {} if own is None else dict(zip(given[0], own, strict=True))
        lines.append([participant if name == _KEY else told.get(name, _MISSING) for name in header])
    text = "".join("\t".join(line) + "\n" for line in [header, *lines])
    (part / _FILE).write_text(text, encoding="utf-8", newline="\n")


def read_table(path: Path) -> list[list[str]]:
    """Lines of a table of participants, the header first; empty where there is no such file.

    Raises
    ------
    InputError
        If it is not text, a line has another number of cells than the header, or there is no ``participant_id``.
    """
    if not path.is_file():
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path.name} cannot be read as text in UTF-8"
        raise InputError(msg) from error
    lines = [line.split("\t") for line in text.splitlines() if line.strip()]
    if not lines or _KEY not in lines[0]:
        msg = f"{path.name} has no column {_KEY}, expected one"
        raise InputError(msg)
    for number, line in enumerate(lines, start=1):
        if len(line) != len(lines[0]):
            msg = f"{path.name}, line {number}: found {len(line)} cells, expected {len(lines[0])} as in the header"
            raise InputError(msg)
    return lines
