"""FHIR Observations: the numbers and words of the study, and no patient."""

import json
from pathlib import Path
from typing import Any

import pytest

from foramgrade.exports import write_fhir
from foramgrade.findings import Quantity

from .conftest import MADE, Case


def _components(observation: dict[str, Any]) -> dict[str, Any]:
    return {component["code"]["coding"][0]["code"]: component for component in observation["component"]}


def test_every_foramen_is_an_observation(case: Case, tmp_path: Path) -> None:
    assert write_fhir(case.study, tmp_path / "o.json", made=MADE) == len(case.study.foramina)
    bundle = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    observations = [entry["resource"] for entry in bundle["entry"]]
    assert len({observation["id"] for observation in observations}) == len(observations)
    for foramen, observation in zip(case.study.foramina, observations, strict=True):
        assert observation["status"] == "preliminary"
        assert observation["subject"] == {"identifier": {"system": "urn:foramgrade:case", "value": "case-1"}}
        assert observation["bodySite"]["coding"][0]["display"].startswith("Level of ")
        parts = _components(observation)
        assert parts["272741003"]["valueCodeableConcept"]["coding"][0]["display"] == foramen.side.value.capitalize()
        if Quantity.AREA in foramen.measurements:
            area = parts["131184002"]["valueQuantity"]
            assert area["value"] == pytest.approx(foramen.measurements[Quantity.AREA], abs=0.006)
            assert (area["system"], area["code"]) == ("http://unitsofmeasure.org", "mm2")
        graded = foramen.grade.lee is not None
        assert ("246112005" in parts) == graded
        assert observation["note"][0]["text"].startswith("Made by software for research and teaching")
        assert observation["note"][1]["text"] == foramen.grade.reason


def test_it_is_valid_for_a_fhir_library(case: Case, tmp_path: Path) -> None:
    bundles = pytest.importorskip("fhir.resources.bundle", reason="fhir.resources is not installed")
    write_fhir(case.study, tmp_path / "o.json", made=MADE)
    bundle = bundles.Bundle.model_validate_json((tmp_path / "o.json").read_text(encoding="utf-8"))
    assert len(bundle.entry) == len(case.study.foramina)


def test_the_same_study_makes_the_same_file(case: Case, tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        write_fhir(case.study, tmp_path / name, made=MADE)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
