"""Label maps in BIDS derivatives: where they are, which image they are of, and which tool made them."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from foramgrade.errors import InputError
from foramgrade.loaders.dataset.bids_names import STEP2_SUFFIX, BidsName, fit, is_label_map, is_native, parse_name
from foramgrade.loaders.dataset.bids_names import structure_of as structure
from foramgrade.loaders.json_file import read_json
from foramgrade.loaders.segmentation.names import find_table

#: Folder beside the raw data into which SPINEPS writes.
SPINEPS_FOLDER = "derivatives_seg"

#: Tools whose name, in the name of a pipeline or a map, tells the label scheme. TotalSegmentator is not among them: its
#: models number vertebrae differently.
_SCHEME_OF_TOOL = {"totalspineseg": "totalspineseg", "spider": "spider", "mrspineseg": "mrspineseg"}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A folder of derivatives.

    Parameters
    ----------
    folder : Path
        Folder that holds those of the subjects.
    scheme : str or None
        Label scheme of its maps, None when its name and description do not tell.
    """

    folder: Path
    scheme: str | None


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known of the labels of an image.

    Parameters
    ----------
    labels, instances : Path or None
        The label map, or the two of SPINEPS.
    scheme : str or None
        Label scheme; None where the map, or a table beside it, has to name its labels.
    problems : tuple of str
        Why there is none, or what is doubtful.
    """

    labels: Path | None = None
    instances: Path | None = None
    scheme: str | None = None
    problems: tuple[str, ...] = ()


def find_pipelines(base: Path, chosen: str | Path | None) -> tuple[Pipeline, ...]:
    """Find the folders of derivatives.

    Parameters
    ----------
    base : Path
        Folder of the data set.
    chosen : str, Path or None
        Name of one pipeline, or the folder of a derivatives data set; None for all in the data set.

    Returns
    -------
    tuple of Pipeline
        By name.

    Raises
    ------
    InputError
        If there is no pipeline of the given name; with those there are.
    """
    inside = base / "derivatives"
    folders = {}
    if inside.is_dir():
        children = sorted(entry for entry in inside.iterdir() if entry.is_dir())
        folders = {entry.name: entry for entry in children if not entry.name.startswith("sub-")}
        if len(folders) < len(children):
            folders["derivatives"] = inside
    if (base / SPINEPS_FOLDER).is_dir():
        folders[SPINEPS_FOLDER] = base / SPINEPS_FOLDER
    if chosen is None:
        return tuple(_pipeline(folder) for folder in folders.values())
    if str(chosen) in folders:
        return (_pipeline(folders[str(chosen)]),)
    if Path(chosen).is_dir():
        return (_pipeline(Path(chosen)),)
    msg = f"{base.name} has no derivatives {Path(chosen).name!r}, found {', '.join(folders) or 'none'}"
    raise InputError(msg)


def list_label_maps(pipeline: Pipeline, subject: str, closed: list[str]) -> list[tuple[Path, BidsName]]:
    """Label maps of a subject, in order of name; folders that cannot be opened are added to `closed`, as sentences."""
    found = []
    for folder, below, files in os.walk(pipeline.folder / subject, onerror=lambda error: note_closed(error, closed)):
        below.sort()
        for file in sorted(files):
            path = Path(folder, file)
            name = parse_name(path)
            if name is not None and path.suffix.lower() != ".json" and is_label_map(name):
                found.append((path, name))
    return found


def note_closed(error: OSError, closed: list[str]) -> None:
    """Add a sentence on a folder that is there and cannot be opened: `os.walk` would pass over it in silence."""
    if not isinstance(error, FileNotFoundError):
        closed.append(f"the folder {Path(error.filename).name} cannot be opened: {error.strerror}")


def choose_labels(
    image: BidsName, offered: Sequence[tuple[Pipeline, Sequence[tuple[Path, BidsName]]]], *, scheme: str | None = None
) -> Labels:
    """Choose the labels of an image among the maps of its subject.

    Parameters
    ----------
    image : BidsName
        Name of the image.
    offered : sequence of (Pipeline, sequence of (Path, BidsName))
        Maps of the subject, by pipeline.
    scheme : str or None
        Label scheme the user gives.

    Returns
    -------
    Labels
        The maps; or the problem, with the choices where there are several.
    """
    sets: list[Labels] = []
    elsewhere = []
    for pipeline, maps in offered:
        graded = [(grade, path, name) for path, name in maps if (grade := fit(name, image)) is not None]
        elsewhere += [path.name for _, path, name in graded if not is_native(name)]
        native = [(grade, path, name) for grade, path, name in graded if is_native(name)]
        best = max((grade for grade, _, _ in native), default=0)
        exact = [(path, name) for grade, path, name in native if grade == best]
        sets += _pair(exact, scheme or pipeline.scheme)
    if len(sets) == 1:
        (only,) = sets
        problems = list(only.problems)
        if only.labels is not None and only.scheme is None and scheme is None:
            problems += _unnamed(only.labels)
        return Labels(only.labels, only.instances, scheme or only.scheme, tuple(problems))
    if sets:
        names = ", ".join(f"{_pipeline_of(one, offered)}/{one.labels.name}" for one in sets if one.labels)
        problem = f"{len(sets)} label maps fit, choose by derivatives or label_entities: {names}"
    elif elsewhere:
        problem = f"no label map lies in the image's space, found {', '.join(elsewhere)}"
    else:
        problem = "no label map fits the image's name"
    return Labels(problems=(problem,))


def _unnamed(path: Path) -> list[str]:
    """Say that no scheme is known, unless a table beside the map names its labels."""
    try:
        table = find_table(path)
    except InputError as error:
        return [str(error)]
    return (
        [] if table else [f"nothing beside {path.name} tells its label scheme: give one, if the file names no labels"]
    )


def _pair(maps: Iterable[tuple[Path, BidsName]], scheme: str | None) -> list[Labels]:
    """Sets of maps that are read together: one map, or SPINEPS' subregions with its vertebrae."""
    groups: dict[tuple[object, ...], list[tuple[Path, BidsName]]] = {}
    for path, name in maps:
        own = "seg" if "seg" in name.entities else "label"
        rest = frozenset((key, value) for key, value in name.entities.items() if key != own)
        groups.setdefault((path.parent, rest, name.suffix, structure(name) is None), []).append((path, name))
    found = []
    for group in groups.values():
        vertebrae = [path for path, name in group if structure(name) == "vert"]
        suffix = group[0][1].suffix
        others = [(path, name) for path, name in group if structure(name) != "vert"]
        for path, name in others:
            if structure(name) is not None and vertebrae:
                found.append(Labels(path, vertebrae[0], "spineps"))
            elif structure(name) is not None and suffix == "msk":
                what = f"{path.name} holds parts of vertebrae, and its map of vertebrae (seg-vert) is missing"
                found.append(Labels(path, None, "spineps", (what,)))
            else:
                own_scheme = (
                    "totalspineseg" if name.suffix == STEP2_SUFFIX else _scheme_in([name.entities.get("desc", "")])
                )
                found.append(Labels(path, None, own_scheme or scheme))
        if not others:
            # A map of vertebrae alone is what VerSe publishes and TPTBox writes.
            found += [Labels(path, None, "verse" if suffix == "msk" else scheme) for path in vertebrae]
    return found


def _pipeline_of(labels: Labels, offered: Sequence[tuple[Pipeline, Sequence[tuple[Path, BidsName]]]]) -> str:
    return next((p.folder.name for p, maps in offered if any(path == labels.labels for path, _ in maps)), "")


def _pipeline(folder: Path) -> Pipeline:
    described = folder / "dataset_description.json"
    words = [folder.name]
    if described.is_file():
        content = read_json(described, name=f"{folder.name}/{described.name}")
        tools = content.get("GeneratedBy") if isinstance(content, Mapping) else None
        if isinstance(tools, list):
            words += [str(tool.get("Name")) for tool in tools if isinstance(tool, Mapping)]
    return Pipeline(folder, _scheme_in(words))


def _scheme_in(words: Iterable[str]) -> str | None:
    plain = [re.sub(r"[\W_]", "", word.lower()) for word in words]
    told = {scheme for tool, scheme in _SCHEME_OF_TOOL.items() if any(tool in word for word in plain)}
    return told.pop() if len(told) == 1 else None
