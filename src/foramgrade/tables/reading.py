"""Reading ``assessment.json`` back, for what is made of a study later: reports, exports, comparisons."""

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError
from foramgrade.findings import (
    Border,
    BorderFinding,
    BorderState,
    Evidence,
    ForamenAssessment,
    Grade,
    Level,
    Neighbour,
    Outline,
    PerineuralFindings,
    Policy,
    Quality,
    Quantity,
    RootShape,
    Side,
)
from foramgrade.loaders.json_file import read_json as read_document
from foramgrade.tables.foramen import quality_names
from foramgrade.tables.masks import runs_to_mask
from foramgrade.tables.study import JSON_FORMAT, StudyAssessment

Word = TypeVar("Word", bound=StrEnum)
Document = Mapping[str, Any]

_FLAGS = {quality_names(flag)[0]: flag for flag in Quality}


def read_json(path: str | os.PathLike[str]) -> StudyAssessment:
    """Read the document that :func:`write_json` wrote.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    StudyAssessment
        The study, without what the document does not hold: of the evidence the pictures and the labelled parts (all 0),
        and fat as whole pixels. A document of an earlier version has no outlines; its foramina come without evidence.

    Raises
    ------
    InputError
        If the file cannot be read, is no assessment, or an entry is missing or not of its kind.

    Notes
    -----
    Writing what was read gives the same document, with the definitions of this version.
    """
    path = Path(path)
    document = read_document(path)
    if not isinstance(document, dict) or document.get("format") != JSON_FORMAT:
        found = document.get("format") if isinstance(document, dict) else type(document).__name__
        msg = f"{path.name} is no assessment: its format is {found!r:.60}, expected {JSON_FORMAT!r}"
        raise InputError(msg)
    try:
        return StudyAssessment(
            case=_text(document["case"]),
            foramina=tuple(_read_foramen(foramen) for foramen in document["foramina"]),
            sequence=None if document["sequence"] is None else _text(document["sequence"]),
            scheme=_text(document["scheme"]),
            version=_text(document["version"]),
            parameters=dict(document["parameters"]),
            inputs=tuple({str(key): _text(value) for key, value in entry.items()} for entry in document["inputs"]),
        )
    except KeyError as error:
        msg = f"{path.name} is damaged: it has no entry {error.args[0]!r}, expected one"
        raise InputError(msg) from error
    except (AttributeError, TypeError, ValueError, IndexError) as error:  # an InputError is a ValueError
        msg = f"{path.name} is damaged: {error}"
        raise InputError(msg) from error


def _read_foramen(document: Document) -> ForamenAssessment:
    measured: Document = document["measurements"]
    uncertain = {name: m["standard_uncertainty"] for name, m in measured.items() if "standard_uncertainty" in m}
    place = document["section_mm"]
    return ForamenAssessment(
        level=parse_level(_text(document["level"])),
        side=Side(document["side"]),
        quality=_read_quality(document["quality"]),
        reasons=tuple(_text(reason) for reason in document["reasons"]),
        grade=_read_grade(document["grade"]),
        measurements={Quantity(name): float(measurement["value"]) for name, measurement in measured.items()},
        findings=None if document["findings"] is None else _read_findings(document["findings"]),
        n_sections=int(document["n_sections"]),
        section_mm=None if place is None else _triple(place),
        evidence=_read_evidence(document),
        uncertainties={Quantity(name): float(value) for name, value in uncertain.items()},
    )


def parse_level(name: str) -> Level:
    """Level of a name as :attr:`Level.name` writes it.

    Examples
    --------
    >>> parse_level("L4-L5"), parse_level("F1")
    (Level(upper='L4', lower='L5'), Level(upper='F1', lower=''))
    """
    upper, _, lower = name.partition("-")
    return Level(upper, lower)


def _read_quality(names: Sequence[str]) -> Quality:
    unknown = [name for name in names if name not in _FLAGS]
    if unknown:
        msg = f"found the caveat {unknown[0]!r:.60}, expected one of {', '.join(_FLAGS)}"
        raise InputError(msg)
    quality = Quality(0)
    for name in names:
        quality |= _FLAGS[name]
    return quality


def _read_grade(document: Document) -> Grade:
    shares = document["probabilities"]
    return Grade(
        lee=document["lee"],
        policy=Policy(document["policy"]),
        defined=document["defined"],
        reason=_text(document["reason"]),
        sartoretti=document["sartoretti"],
        wildermuth=document["wildermuth"],
        rsna=document["rsna"],
        confidence=_number(document["confidence"]),
        competing=document["competing"],
        probabilities=None if shares is None else tuple(float(share) for share in shares),  # type: ignore[arg-type]
        criteria=_text(document["criteria"]),
    )


def _read_findings(document: Document) -> PerineuralFindings:
    borders = {}
    for border in Border:
        finding = document["borders"][border.value]
        stands = finding["encroached_by"]
        borders[border] = BorderFinding(
            state=BorderState(finding["state"]),
            thickness_mm=_number(finding["thickness_mm"]),
            uncertainty_mm=_number(finding["uncertainty_mm"]),
            arc_fraction=_number(finding["arc_fraction"]),
            encroached_by=None if stands is None else Neighbour(stands),
        )
    return PerineuralFindings(borders, RootShape(document["root_shape"]), _number(document["root_shape_probability"]))


def _read_evidence(document: Document) -> Evidence | None:
    held = document.get("outlines")
    if held is None:
        return None
    rows, columns = (int(n) for n in held["shape"])
    shape, chosen = (rows, columns), int(held["chosen"])
    outlines = tuple(
        Outline(
            mask=runs_to_mask(section["opening"], shape),
            origin_mm=np.array(_triple(section["origin_mm"])),
            row_mm=np.array(_triple(section["row_mm"])),
            column_mm=np.array(_triple(section["column_mm"])),
            spacing_mm=float(section["spacing_mm"]),
        )
        for section in held["sections"]
    )
    profile, fat, root = document["fat_profile_mm"], held["fat"], held["root"]
    return Evidence(
        parts=np.zeros(shape, np.uint8),
        opening=outlines[chosen].mask if outlines else np.zeros(shape, bool),
        pixel_mm=float(held["pixel_mm"]),
        offsets_mm=_numbers(document["sections"]["offsets_mm"]),
        areas_mm2=_numbers(document["sections"]["areas_mm2"]),
        outlines=outlines,
        chosen=chosen,
        root=None if root is None else runs_to_mask(root, shape),
        fat=None if fat is None else runs_to_mask(fat, shape).astype(float),
        profile_mm=None if profile is None else _numbers(profile),
        obliquity_deg=float(document["sections"]["obliquity_deg"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = f"found {value!r:.60}, expected a text"
        raise InputError(msg)
    return value


def _number(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]


def _numbers(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else float(value) for value in values], float)


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    r, a, s = (float(value) for value in values)
    return r, a, s
