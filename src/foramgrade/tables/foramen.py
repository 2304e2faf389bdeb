"""One foramen as a table row and as a JSON object."""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError
from foramgrade.findings import QUANTITIES, Border, Evidence, ForamenAssessment, PerineuralFindings, Quality, Quantity
from foramgrade.geometry.reference import find_percentile, find_references
from foramgrade.tables.columns import Cell
from foramgrade.tables.masks import mask_to_runs

JSON_DECIMALS = 6
"""Decimals of a number in JSON: far below any meaning, and the same on every machine."""

RASTER_DECIMALS = 9
"""Decimals of the place of a section in JSON, mm: a step from pixel to pixel is taken some hundred times."""

FAT_SHARE = 0.5
"""Share of fat from which a pixel of the outlines in JSON counts as fat."""


def foramen_cells(foramen: ForamenAssessment) -> dict[str, Cell]:
    """Tabulate one foramen.

    Parameters
    ----------
    foramen : ForamenAssessment
        What to tabulate.

    Returns
    -------
    dict
        Value by column, not yet rounded; without the columns that belong to the study. A quantity that was not
        measured is absent.

    Raises
    ------
    InputError
        If a measured value is not finite.
    """
    grade = foramen.grade
    section: Sequence[float | None] = foramen.section_mm or (None, None, None)
    return {
        "level": foramen.level.name,
        "side": foramen.side.value,
        "lee_grade": grade.lee,
        "lee_policy": grade.policy.value,
        "lee_defined": grade.defined,
        "sartoretti": grade.sartoretti,
        "wildermuth": grade.wildermuth,
        "rsna": grade.rsna,
        "confidence": grade.confidence,
        "gradable": foramen.gradable,
        "reasons": " ".join(_reasons(foramen)),
        "quality": "|".join(quality_names(foramen.quality)),
        "lost_borders": _lost_letters(foramen.findings),
        "encroached_by": _encroached_by(foramen.findings),
        "n_sections": foramen.n_sections,
        "section_x_mm": section[0],
        "section_y_mm": section[1],
        "section_z_mm": section[2],
        **{quantity.value: value for quantity, value in _measured(foramen).items()},
    }


def foramen_document(foramen: ForamenAssessment) -> dict[str, object]:
    """Describe one foramen for JSON.

    Parameters
    ----------
    foramen : ForamenAssessment
        What to describe.

    Returns
    -------
    dict
        Grade, reasons, quality, measurements with units, standard uncertainties and published values, findings per
        border, and of the evidence the profiles over sections and around the root, and the outlines of opening, root
        and fat where they are in the patient; no pictures.

    Raises
    ------
    InputError
        If a measured value is not finite.
    """
    evidence, grade = foramen.evidence, foramen.grade
    return {
        "level": foramen.level.name,
        "side": foramen.side.value,
        "gradable": foramen.gradable,
        "grade": {
            "lee": grade.lee,
            "policy": grade.policy.value,
            "defined": grade.defined,
            "reason": grade.reason,
            "sartoretti": grade.sartoretti,
            "wildermuth": grade.wildermuth,
            "rsna": grade.rsna,
            "confidence": plain(grade.confidence),
            "competing": grade.competing,
            "probabilities": plain(grade.probabilities),
            "criteria": grade.criteria,
        },
        "reasons": _reasons(foramen),
        "quality": quality_names(foramen.quality),
        "measurements": {
            quantity.value: _measurement(foramen, quantity, value) for quantity, value in _measured(foramen).items()
        },
        "findings": None if foramen.findings is None else _findings(foramen.findings),
        "n_sections": foramen.n_sections,
        "section_mm": plain(foramen.section_mm),
        "sections": None
        if evidence is None
        else {
            "offsets_mm": _profile(evidence.offsets_mm),
            "areas_mm2": _profile(evidence.areas_mm2),
            "obliquity_deg": plain(evidence.obliquity_deg),
        },
        "fat_profile_mm": None if evidence is None or evidence.profile_mm is None else _profile(evidence.profile_mm),
        "outlines": None if evidence is None else _outlines(evidence),
    }


def quality_names(quality: Quality) -> list[str]:
    """Name the flags that are set, in lower case, in the order of their definition.

    Examples
    --------
    >>> quality_names(Quality.LOW_CONTRAST | Quality.RING_SEALED)
    ['ring-sealed', 'low-contrast']
    """
    return [str(flag.name).lower().replace("_", "-") for flag in Quality if flag in quality]


def plain(value: object) -> object:
    """Turn a value into what JSON has.

    Parameters
    ----------
    value : object
        Numbers and arrays of them, texts, enum members, paths, mappings, sequences, sets.

    Returns
    -------
    object
        A number is rounded to `JSON_DECIMALS`, one that is not finite becomes None; of a path its last part is kept.

    Raises
    ------
    InputError
        If the value is of another kind.

    Examples
    --------
    >>> plain({"limit_mm": np.float64(1.25), "gap_mm": float("nan"), "scheme": PurePath("/home/someone/own.json")})
    {'limit_mm': 1.25, 'gap_mm': None, 'scheme': 'own.json'}
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return round(float(value), JSON_DECIMALS) + 0.0 if math.isfinite(value) else None
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, PurePath):
        return value.name
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(entry) for key, entry in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(entry) for entry in value), key=str)
    if isinstance(value, Iterable):
        return [plain(entry) for entry in value]
    msg = f"found a {type(value).__name__}, expected numbers, texts, or lists and mappings of them"
    raise InputError(msg)


def _measurement(foramen: ForamenAssessment, quantity: Quantity, value: float) -> dict[str, object]:
    """One measured value with its unit, its standard uncertainty, and what was published about the quantity."""
    document: dict[str, object] = {"value": plain(value), "unit": QUANTITIES[quantity].unit}
    if quantity in foramen.uncertainties:
        document["standard_uncertainty"] = plain(foramen.uncertainties[quantity])
    references = find_references(quantity, foramen.level)
    if references:
        document["references"] = [
            {
                "mean": reference.mean,
                "sd": reference.sd,
                "percentile": plain(find_percentile(value, reference)),
                "levels": list(reference.levels) or "lumbar",
                "source": reference.source,
            }
            for reference in references
        ]
    return document


def _measured(foramen: ForamenAssessment) -> dict[Quantity, float]:
    """Sort the measurements as in `QUANTITIES`; refuse what is not a number."""
    found = {q: float(foramen.measurements[q]) for q in QUANTITIES if q in foramen.measurements}
    for quantity, value in found.items():
        if not math.isfinite(value):
            msg = f"{quantity.value} of {foramen.name} is {value}, expected a number, or no entry where it is missing"
            raise InputError(msg)
    return found


def _reasons(foramen: ForamenAssessment) -> list[str]:
    """List the sentences of a foramen, the grade's own first unless it is among them."""
    own = [foramen.grade.reason] if foramen.grade.reason and foramen.grade.reason not in foramen.reasons else []
    return [*own, *foramen.reasons]


def _lost_letters(findings: PerineuralFindings | None) -> str | None:
    return None if findings is None else "".join(b.value for b in Border if b in findings.lost)


def _encroached_by(findings: PerineuralFindings | None) -> str | None:
    if findings is None:
        return None
    named = ((b, findings.borders[b].encroached_by) for b in Border if b in findings.lost)
    return " ".join(f"{border.value}:{neighbour.value}" for border, neighbour in named if neighbour is not None)


def _findings(findings: PerineuralFindings) -> dict[str, object]:
    borders = {}
    for border in Border:
        finding = findings.borders[border]
        borders[border.value] = {
            "state": finding.state.value,
            "thickness_mm": plain(finding.thickness_mm),
            "uncertainty_mm": plain(finding.uncertainty_mm),
            "arc_fraction": plain(finding.arc_fraction),
            "encroached_by": plain(finding.encroached_by),
        }
    return {
        "borders": borders,
        "root_shape": findings.root_shape.value,
        "root_shape_probability": plain(findings.root_shape_probability),
    }


def _outlines(evidence: Evidence) -> dict[str, object]:
    """Opening, root and fat as runs of pixels, and where the sections are in the patient."""
    return {
        "pixel_mm": plain(evidence.pixel_mm),
        "shape": list(evidence.opening.shape),
        "chosen": evidence.chosen,
        "sections": [
            {
                "origin_mm": _vector(outline.origin_mm),
                "row_mm": _vector(outline.row_mm),
                "column_mm": _vector(outline.column_mm),
                "spacing_mm": plain(outline.spacing_mm),
                "opening": mask_to_runs(outline.mask),
            }
            for outline in evidence.outlines
        ],
        "root": None if evidence.root is None else mask_to_runs(evidence.root),
        "fat": None if evidence.fat is None else mask_to_runs(evidence.fat >= FAT_SHARE),
    }


def _vector(values: FloatArray) -> list[float]:
    return [round(float(value), RASTER_DECIMALS) + 0.0 for value in values]


def _profile(values: npt.NDArray[np.float64]) -> list[object]:
    return [plain(float(value)) for value in values]
