"""Why a case failed, in one sentence that can be shown to anybody: no paths, no names of files, no values of a bug."""

import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from foramgrade.batch.assessing import StudyFiles
from foramgrade.batch.cases import printable
from foramgrade.errors import InputError
from foramgrade.loaders.sources import walk_sources

#: What stands for the name of an input.
ROLE_WORDS: Mapping[str, str] = {
    "image": "the image",
    "points": "the table of points",
    "labels": "the label map",
    "instances": "the map of instances",
    "roots": "the map of drawn roots",
    "scheme": "the scheme",
}
#: A sentence is cut here.
LONGEST_SENTENCE = 500
#: Files of a folder whose names are looked for in a sentence.
_MOST_FILES = 20_000
_OURS = "foramgrade"


def describe_problem(error: BaseException, files: StudyFiles) -> str:
    """Say what an error of this package says, without names of files and folders.

    Parameters
    ----------
    error : exception
        Raised on purpose, its message made for users.
    files : StudyFiles
        Where the inputs are.

    Returns
    -------
    str
        One line. The name of an input becomes its role, that of a file in a folder or archive its place among them.
    """
    return hide_names(str(error), files)


def hide_names(text: str, files: StudyFiles) -> str:
    """Put roles for the names of inputs, and numbers for those of the files inside of them; see `describe_problem`."""
    text = printable(text)
    for role, path in sorted(files.paths().items(), key=lambda item: -len(item[1].name)):
        word = ROLE_WORDS[role]
        text = text.replace(str(path), word)
        text = _replace(text, path.name, word)
        stem = path.name.removesuffix(".gz").rpartition(".")[0] or path.name
        text = re.sub(rf"(?<![\w.-]){re.escape(stem)}\.\w+(\.gz)?(?![\w-])", f"the file beside {word}", text)
    for role, path in files.paths().items():
        text = _hide_contents(text, path, ROLE_WORDS[role])
    return text if len(text) <= LONGEST_SENTENCE else text[: LONGEST_SENTENCE - 3] + "..."


def describe_bug(error: BaseException) -> str:
    """Say where an error came up that this package did not raise on purpose.

    Parameters
    ----------
    error : exception
        The error. Its own words are left out: they can hold anything of the input.

    Returns
    -------
    str
        One line, with the kind of error and the last place in this package.
    """
    places = [place for place in _places(error) if place.startswith(_OURS)]
    where = f" in {places[-1]}" if places else ""
    return f"an unexpected {type(error).__name__}{where}: a bug in foramgrade or one of its libraries, please report it"


def describe_places(error: BaseException) -> str:
    """Tell the way to an error as lines of module, line and function, without any value and without folders."""
    return "".join(f"{place}\n" for place in [*_places(error), type(error).__name__])


@contextmanager
def collect_remarks(files: StudyFiles) -> Iterator[list[str]]:
    """Collect what this package warns of while a case is run, instead of letting it scroll by with its names.

    Yields
    ------
    list of str
        Filled with one line per warning, each once, without names of files.
    """
    remarks: list[str] = []

    class _Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told = hide_names(record.getMessage(), files)
            if told not in remarks:
                remarks.append(told)

    logger, handler = logging.getLogger(_OURS), _Collect(logging.WARNING)
    spread, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield remarks
    finally:
        logger.removeHandler(handler)
        logger.propagate = spread


def _replace(text: str, name: str, word: str) -> str:
    return re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", word, text)


def _hide_contents(text: str, path: Path, word: str) -> str:
    """Put "file 3 of 17" for the name of a file in a folder or an archive; counted by name."""
    try:
        if path.is_file() and path.suffix.lower() != ".zip":
            return text
        sources = list(islice(walk_sources(path), _MOST_FILES))
    except (InputError, OSError):
        return text
    for number, source in enumerate(sources, start=1):
        if source.file in text:
            text = _replace(text, source.file, f"file {number} of {len(sources)} of {word}")
    return text


def _places(error: BaseException) -> list[str]:
    frames = traceback.walk_tb(error.__traceback__)
    return [f"{frame.f_globals.get('__name__', '?')}, line {line}, {frame.f_code.co_name}" for frame, line in frames]
