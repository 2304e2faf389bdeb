"""What is derived, painted and read again is measured alike; rows and documents are those of any study."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

import foramgrade as fg
from foramgrade.exports import write_foramina
from foramgrade.findings import ForamenAssessment, Quality, Quantity, Side
from foramgrade.geometry.planes import SECTION_PIXEL_MM
from foramgrade.phantom import ForamenSpec, LevelSpec, PhantomSpec, Protocol, make_phantom
from foramgrade.tables import StudyAssessment
from foramgrade.volume import LabelMap

LEVELS = tuple(
    LevelSpec(wedge_deg=wedge, left=ForamenSpec(area_mm2=90.0, height_mm=16.0), right=ForamenSpec(area_mm2=130.0))
    for wedge in (4.0, 6.0, 8.0, 11.0, 16.0)
)
THICK = Protocol(pixel_mm=0.6, thickness_mm=4.0, spacing_mm=4.4, n_slices=15, field_mm=(110.0, 130.0))
FINE = Protocol(pixel_mm=0.9, thickness_mm=0.9, spacing_mm=0.9, n_slices=76, field_mm=(100.0, 100.0))


@pytest.fixture(scope="module", params=[THICK, FINE], ids=["thick", "isotropic"])
def graded(request: pytest.FixtureRequest) -> tuple[LabelMap, StudyAssessment]:
    spec = PhantomSpec(levels=LEVELS, protocol=request.param, obliquity_deg=(6.0, -4.0, 7.0))
    phantom = make_phantom(spec, rng=np.random.default_rng(1))
    return phantom.labels, fg.assess(phantom.image, phantom.labels)


def _found(study: StudyAssessment) -> dict[str, ForamenAssessment]:
    return {f.name: f for f in study.foramina if Quantity.AREA in f.measurements}


def _error_mm2(foramen: ForamenAssessment, pixel_mm: float) -> float:
    """Three standard deviations of counted pixels whose outline falls at random: sqrt(pixels of the outline) / 2."""
    assert foramen.evidence is not None
    mask = foramen.evidence.opening
    outline = np.count_nonzero(mask & ~ndimage.binary_erosion(mask)) * SECTION_PIXEL_MM / pixel_mm
    return float(1.5 * np.sqrt(outline) * pixel_mm**2)


def test_derived_foramina_are_measured_alike_when_read_again(
    graded: tuple[LabelMap, StudyAssessment], tmp_path: Path
) -> None:
    labels, derived = graded
    path, _ = write_foramina(derived, labels.grid, tmp_path)
    drawn = fg.read_labels(path, scheme="foramina")
    expected, found = _found(derived), _found(fg.measure_foramina(drawn, labels))
    assert len(expected) >= 4
    assert found.keys() == expected.keys()
    pixel = labels.grid.spacing_mm[0]
    for name, foramen in found.items():
        error = _error_mm2(expected[name], pixel)
        assert foramen.measurements[Quantity.AREA] == pytest.approx(
            expected[name].measurements[Quantity.AREA], abs=error
        )
        # one voxel at either end
        assert foramen.measurements[Quantity.HEIGHT] == pytest.approx(
            expected[name].measurements[Quantity.HEIGHT], abs=pixel + SECTION_PIXEL_MM
        )
        assert not foramen.quality & Quality.LEVEL_UNVERIFIED
        assert foramen.grade.reason == "Not gradable: measured from a drawn outline, fat was not read."
        assert foramen.findings is None


def test_places_alone_tell_what_the_names_do(graded: tuple[LabelMap, StudyAssessment], tmp_path: Path) -> None:
    labels, derived = graded
    path, side_file = write_foramina(derived, labels.grid, tmp_path)
    side_file.unlink()
    painted = fg.read_labels(path, scheme="foramina")
    assert not painted.names
    one_value = LabelMap((painted.array > 0).astype(np.uint8), labels.grid, "foramina")
    one_each = LabelMap((painted.array // 10).astype(np.uint8), labels.grid, "foramina")
    first, second = (_found(fg.measure_foramina(drawn, labels)) for drawn in (one_value, one_each))
    assert first.keys() == second.keys() == _found(derived).keys()
    for name in first:
        assert dict(first[name].measurements) == pytest.approx(dict(second[name].measurements))


def test_a_drawing_without_labels_is_numbered(graded: tuple[LabelMap, StudyAssessment], tmp_path: Path) -> None:
    labels, derived = graded
    write_foramina(derived, labels.grid, tmp_path)
    painted = fg.read_labels(tmp_path / "foramina.nii.gz", scheme="foramina")
    drawn = LabelMap((painted.array > 0).astype(np.uint8), labels.grid, "foramina")
    study = fg.measure_foramina(drawn, case="drawn")
    expected = list(_found(derived).values())
    assert [f.side for f in study.foramina] == [f.side for f in expected]
    numbers = {level: f"F{n}" for n, level in enumerate(dict.fromkeys(f.level for f in expected), start=1)}
    assert [f.level.name for f in study.foramina] == [numbers[f.level] for f in expected]
    frame = study.to_frame()
    assert set(frame["level"]) == set(numbers.values())
    assert not frame["gradable"].any()
    assert frame["height_mm"].isna().all()
    assert (study.scheme, study.sequence) == ("foramina", None)
    document = json.loads(study.to_json())
    assert "level-unverified" in document["foramina"][0]["quality"]
    assert document["parameters"]["specks_left_out"] == 0


def test_level_names_without_labels_are_refused(graded: tuple[LabelMap, StudyAssessment]) -> None:
    labels, _ = graded
    with pytest.raises(fg.InputError, match=r"level names are given for 1 labels, expected the labels"):
        fg.measure_foramina(labels, level_names={5: "L1"})


def test_specks_are_reported(graded: tuple[LabelMap, StudyAssessment], caplog: pytest.LogCaptureFixture) -> None:
    labels, _ = graded
    i, j, k = (n // 2 for n in labels.grid.shape)
    drawn = np.zeros(labels.grid.shape, np.uint8)
    drawn[i : i + 12, j : j + 12, k], drawn[1, 1, 1] = 1, 1
    study = fg.measure_foramina(LabelMap(drawn, labels.grid, "foramina", names={1: "right"}))
    assert [f.side for f in study.foramina] == [Side.RIGHT]
    assert study.parameters["specks_left_out"] == 1
    assert "1 specks smaller than 5 mm2" in caplog.text
