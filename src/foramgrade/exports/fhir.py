"""Results of a study as FHIR Observations, one per foramen, in a bundle."""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from foramgrade.exports import codes
from foramgrade.exports.codes import Code
from foramgrade.exports.evaluations import find_evaluations, find_finding
from foramgrade.exports.measured import find_measurements
from foramgrade.findings import ForamenAssessment
from foramgrade.tables import StudyAssessment, write_atomically

#: Identifiers of the coding systems; the private one has no address that resolves.
SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "UCUM": "http://unitsofmeasure.org",
    "LN": "http://loinc.org",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    codes.SCHEME: "urn:foramgrade:codes",
}

_CATEGORY = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "imaging"}
_CASES = "urn:foramgrade:case"
#: Names of identifiers that are made of words.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:foramgrade")


def write_fhir(study: StudyAssessment, path: Path, *, made: datetime) -> int:
    """Write a bundle of FHIR Observations (R4 and R5).

    Parameters
    ----------
    study : StudyAssessment
        Assessed foramina.
    path : Path
        File to write, ``.json``; its folder must exist.
    made : datetime
        When it is made.

    Returns
    -------
    int
        Number of Observations.

    Raises
    ------
    InputError
        If the file cannot be written.

    Notes
    -----
    *Definition*: a collection with an Observation per foramen: status preliminary, the level as body site, the finding
    as value, and a component for every measure (UCUM) and every evaluation. The subject is the study's pseudonym, never
    a patient.
    *Limits*: FHIR has a single body site: the side is a component, under SNOMED CT's laterality.
    """
    entries = [
        {"fullUrl": f"urn:uuid:{_identify(study, foramen)}", "resource": _describe(study, foramen)}
        for foramen in study.foramina
    ]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": made.astimezone().isoformat(timespec="seconds"),
        "entry": entries,
    }
    write_atomically(json.dumps(bundle, indent=2, ensure_ascii=False) + "\n", path)
    return len(entries)


def _describe(study: StudyAssessment, foramen: ForamenAssessment) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": _identify(study, foramen),
        "identifier": [{"system": _CASES, "value": f"{study.case}/{foramen.name}"}],
        "status": "preliminary",
        "category": [{"coding": [_CATEGORY]}],
        "code": {**_concept(codes.ASSESSMENT), "text": f"Intervertebral foramen {foramen.level.name}, {foramen.side}"},
        "subject": {"identifier": {"system": _CASES, "value": study.case}},
        "valueCodeableConcept": _concept(find_finding(foramen)),
        "bodySite": _concept(codes.code_level(foramen.level)),
        "device": {"display": f"foramgrade {study.version}"},
        "note": [{"text": text} for text in (codes.RESEARCH_USE, *dict.fromkeys(_sentences(foramen)))],
        "component": [
            {"code": _concept(codes.LATERALITY), "valueCodeableConcept": _concept(codes.SIDES[foramen.side])},
            *_measures(foramen),
            *(
                {"code": _concept(name), "valueCodeableConcept": _concept(value)}
                for name, value in find_evaluations(foramen)
            ),
        ],
    }


def _measures(foramen: ForamenAssessment) -> Iterator[dict[str, Any]]:
    for name, value, unit in find_measurements(foramen):
        quantity = {"value": value, "unit": unit.value, "system": SYSTEMS["UCUM"], "code": unit.value}
        yield {"code": _concept(name), "valueQuantity": quantity}


def _sentences(foramen: ForamenAssessment) -> Iterator[str]:
    yield from (sentence for sentence in (foramen.grade.reason, *foramen.reasons) if sentence)


def _identify(study: StudyAssessment, foramen: ForamenAssessment) -> str:
    """Identifier of a foramen's result: the same for the same results."""
    return str(uuid.uuid5(_NAMESPACE, f"{study.to_json()}{foramen.name}"))


def _concept(code: Code) -> dict[str, Any]:
    return {"coding": [{"system": SYSTEMS[code.scheme], "code": code.value, "display": code.meaning}]}
