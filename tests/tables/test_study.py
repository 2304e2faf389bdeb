"""Rows, data frame and JSON of a study."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from foramgrade.errors import InputError
from foramgrade.findings import QUANTITIES, Quantity
from foramgrade.tables import COLUMNS, StudyAssessment, read_csv, rows, write_csv, write_json

CONTRACT = """
case level side lee_grade lee_policy lee_defined sartoretti wildermuth rsna confidence gradable reasons quality sequence
area_mm2 area_u_mm2 height_mm width_superior_mm width_disc_mm width_inferior_mm disc_height_mm volume_mm3 asymmetry
nerve_area_mm2 nerve_aspect nerve_occupancy fat_area_mm2 fat_fraction fat_superior_mm fat_posterior_mm fat_inferior_mm
fat_anterior_mm lost_borders encroached_by slip_mm segmental_angle_deg seal_gap_mm n_sections section_x_mm section_y_mm
section_z_mm scheme version
"""


def test_columns_are_the_published_ones_in_the_published_order() -> None:
    assert " ".join(COLUMNS) == " ".join(CONTRACT.split())


def test_every_quantity_has_a_column() -> None:
    assert {quantity.value for quantity in Quantity} <= set(COLUMNS)


def test_a_row_holds_what_is_known_rounded_and_none_for_the_rest(study: StudyAssessment) -> None:
    graded, blank = rows(study)
    assert tuple(graded) == tuple(blank) == COLUMNS
    known = {
        "case": "case-7",
        "level": "L4-L5",
        "side": "right",
        "lee_grade": 1,
        "lee_policy": "floor",
        "lee_defined": True,
        "sartoretti": "C24",
        "wildermuth": 2,
        "rsna": "Normal/Mild",
        "confidence": 0.877,
        "gradable": True,
        "reasons": "Fat lost anteriorly and posteriorly (transverse): Lee 1, mild. The ring was open by 2 mm.",
        "quality": "ring-sealed|low-contrast",
        "sequence": "T1",
        "area_mm2": 88.13,
        "height_mm": 17.0,
        "volume_mm3": 1234.6,
        "asymmetry": -0.046,
        "nerve_occupancy": 0.25,
        "fat_superior_mm": 2.0,
        "fat_anterior_mm": 0.0,
        "lost_borders": "PA",
        "encroached_by": "P:soft-tissue A:disc",
        "n_sections": 4,
        "section_x_mm": -21.25,
        "section_y_mm": 3.0,
        "section_z_mm": -104.13,
        "scheme": "own.json",
        "version": "0.1.0",
    }
    assert graded == dict.fromkeys(COLUMNS) | known
    assert {column: value for column, value in blank.items() if value is not None} == {
        "case": "case-7",
        "level": "L4-L5",
        "side": "left",
        "lee_policy": "floor",
        "gradable": False,
        "reasons": "Not gradable: no section shows this foramen.",
        "quality": "no-section",
        "sequence": "T1",
        "n_sections": 0,
        "scheme": "own.json",
        "version": "0.1.0",
    }


def test_the_csv_is_this_text(study: StudyAssessment, tmp_path: Path) -> None:
    write_csv(study, tmp_path / "foramina.csv")
    header, graded, blank, rest = (tmp_path / "foramina.csv").read_bytes().decode("utf-8").split("\n")
    assert header == ",".join(CONTRACT.split())
    assert graded == (
        "case-7,L4-L5,right,1,floor,true,C24,2,Normal/Mild,0.877,true,"
        '"Fat lost anteriorly and posteriorly (transverse): Lee 1, mild. The ring was open by 2 mm.",'
        "ring-sealed|low-contrast,T1,88.13,,17.00,,,,,1234.6,-0.046,,,0.250,,,2.00,,,0.00,PA,P:soft-tissue A:disc,"
        ",,,4,-21.25,3.00,-104.13,own.json,0.1.0"
    )
    assert blank == (
        "case-7,L4-L5,left,,floor,,,,,,false,Not gradable: no section shows this foramen.,no-section,T1"
        + "," * 24
        + "0,,,,own.json,0.1.0"
    )
    assert rest == ""


def test_the_frame_and_the_file_are_the_same_table(study: StudyAssessment, tmp_path: Path) -> None:
    write_csv(study, tmp_path / "foramina.csv")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "foramina.csv"), study.to_frame())


def test_the_frame_has_nullable_dtypes_and_no_nan(study: StudyAssessment) -> None:
    frame = study.to_frame()
    assert frame["lee_grade"].dtype == "Int64"
    assert frame["gradable"].dtype == "boolean"
    assert frame["area_mm2"].dtype == "Float64"
    assert frame["lost_borders"].dtype == "string"
    for column in ("lee_grade", "lee_defined", "area_mm2", "lost_borders", "confidence"):
        assert frame[column].iloc[1] is pd.NA
    assert list(frame["lee_grade"].dropna()) == [1]


def test_a_study_without_foramina_is_a_table_without_rows(study: StudyAssessment, tmp_path: Path) -> None:
    empty = replace(study, foramina=())
    write_csv(empty, tmp_path / "foramina.csv")
    frame = read_csv(tmp_path / "foramina.csv")
    assert frame.shape == (0, len(COLUMNS))
    pd.testing.assert_frame_equal(frame, empty.to_frame())
    assert json.loads(empty.to_json())["foramina"] == []


def refuse_constant(name: str) -> None:
    raise AssertionError(name)


def test_the_json_document_holds_everything_and_no_nan(study: StudyAssessment, tmp_path: Path) -> None:
    write_json(study, tmp_path / "assessment.json")
    document = json.loads((tmp_path / "assessment.json").read_text(encoding="utf-8"), parse_constant=refuse_constant)
    assert document["format"] == "foramgrade assessment 1"
    assert document["inputs"] == [{"name": "t1.nii.gz", "sha256": "ab" * 32}]
    numbers = {"minimum_fat_mm": 0.5, "limits": [15, 300], "gap_mm": None}
    assert document["parameters"] == numbers | {"flags": ["left", "right"]}
    assert document["quantities"]["area_mm2"]["unit"] == "mm2"
    assert set(document["quantities"]) == {quantity.value for quantity in QUANTITIES}
    graded, blank = document["foramina"]
    assert graded["grade"] == {
        "lee": 1,
        "policy": "floor",
        "defined": True,
        "reason": "Fat lost anteriorly and posteriorly (transverse): Lee 1, mild.",
        "sartoretti": "C24",
        "wildermuth": 2,
        "rsna": "Normal/Mild",
        "confidence": 0.876543,
        "competing": 2,
        "probabilities": [0.01, 0.876543, 0.1, 0.013457],
        "criteria": "Lee 2010",
    }
    assert graded["reasons"][1] == "The ring was open\nby 2 mm."
    assert graded["quality"] == ["ring-sealed", "low-contrast"]
    area = graded["measurements"]["area_mm2"]
    assert (area["value"], area["unit"]) == (88.126, "mm2")
    # 88.126 mm2 are 1.32 standard deviations of 34 mm2 below the mean of 133 mm2.
    assert [(r["mean"], r["sd"], r["levels"]) for r in area["references"]] == [(133.0, 34.0, "lumbar")]
    assert area["references"][0]["percentile"] == pytest.approx(9.34, abs=0.01)
    assert "standard_uncertainty" not in area  # nobody gave one
    assert list(graded["findings"]["borders"]) == ["S", "P", "I", "A"]
    assert graded["findings"]["borders"]["P"] == {
        "state": "lost",
        "thickness_mm": 0.1,
        "uncertainty_mm": 0.2,
        "arc_fraction": 0.05,
        "encroached_by": "soft-tissue",
    }
    assert graded["findings"]["root_shape"] == "unchanged"
    assert graded["findings"]["root_shape_probability"] == 0.02
    assert graded["section_mm"] == [-21.25, 3.0, -104.126]
    assert graded["sections"] == {
        "offsets_mm": [-6.0, -2.0, 2.0, 6.0],
        "areas_mm2": [110.0, 88.123457, None, 95.0],
        "obliquity_deg": 0.0,
    }
    assert graded["fat_profile_mm"] == [2.0, 0.0, 0.333333, 0.0]
    assert "-0.0" not in json.dumps(graded["fat_profile_mm"])
    missing = ("findings", "section_mm", "sections", "fat_profile_mm")
    assert [blank[key] for key in missing] == [None] * len(missing)
    assert blank["measurements"] == {}
    assert blank["gradable"] is False
    assert blank["reasons"] == ["Not gradable: no section shows this foramen."]


def test_folders_which_can_name_people_are_nowhere_in_the_outputs(study: StudyAssessment, tmp_path: Path) -> None:
    write_csv(study, tmp_path / "foramina.csv")
    with_path = replace(study, parameters={"scheme_file": Path("/data/Jane Doe/own.json")})
    for text in (with_path.to_json(), (tmp_path / "foramina.csv").read_text(encoding="utf-8")):
        assert "Jane" not in text
        assert "/data" not in text
        assert "scans" not in text
        assert "own.json" in text


def test_the_same_study_gives_the_same_bytes(study: StudyAssessment, tmp_path: Path) -> None:
    shuffled = replace(
        study,
        foramina=tuple(replace(f, measurements=dict(reversed(list(f.measurements.items())))) for f in study.foramina),
    )
    for name, one in (("a", study), ("b", shuffled)):
        write_csv(one, tmp_path / f"{name}.csv")
        write_json(one, tmp_path / f"{name}.json")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_measurement_that_is_not_a_number_is_refused(study: StudyAssessment, value: float) -> None:
    broken = replace(study, foramina=(replace(study.foramina[0], measurements={Quantity.AREA: value}),))
    message = f"area_mm2 of L4-L5_right is {value}, expected a number, or no entry where it is missing"
    with pytest.raises(InputError, match=message):
        rows(broken)
    with pytest.raises(InputError, match=message):
        broken.to_json()


def test_a_parameter_without_a_place_in_json_is_refused(study: StudyAssessment) -> None:
    with pytest.raises(InputError, match="found a object, expected numbers, texts, or lists and mappings of them"):
        replace(study, parameters={"thing": object()}).to_json()
