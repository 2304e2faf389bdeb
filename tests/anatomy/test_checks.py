"""Maps that contradict the anatomy are refused; slivers, lordosis, scoliosis and oblique patients are not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from foramgrade.anatomy.checks import find_whole
from foramgrade.anatomy.labels import CANAL_CODE, AnatomicMap, load_scheme, relabel
from foramgrade.anatomy.parts import find_parts
from foramgrade.anatomy.schemes import Subregion
from foramgrade.anatomy.spine import Spine, Structure, find_spine
from foramgrade.errors import AnatomyError
from foramgrade.loaders import read_labels
from foramgrade.phantom import (
    LevelSpec,
    Numbering,
    PhantomSpec,
    Protocol,
    has_discs,
    random_spec,
)
from foramgrade.volume import Grid, LabelMap
from numbered_bodies import number_body

#: L1 to S1 in slices that are soon drawn; the field is high enough for every one of them to be whole.
SMALL = Protocol(pixel_mm=1.5, thickness_mm=4.0, spacing_mm=4.4, n_slices=17)
RANDOM = replace(random_spec(np.random.default_rng(6)), protocol=SMALL)
#: 72 degrees from L1 to S1, 28 of them at the lumbosacral disc: the way from L5 to the sacrum leans by 60 degrees.
STEEP = PhantomSpec(
    levels=tuple(LevelSpec(wedge_deg=wedge) for wedge in (4.0, 8.0, 12.0, 20.0, 28.0)),
    protocol=replace(SMALL, field_mm=(200.0, 260.0)),
)
#: A curve of 50 degrees to the side, with 60 degrees of rotation along it.
SCOLIOSIS = PhantomSpec(
    levels=tuple(LevelSpec(side_tilt_deg=tilt, twist_deg=12.0) for tilt in (25.0, 25.0, 0.0, -12.0, -12.0)),
    protocol=replace(SMALL, n_slices=27, field_mm=(200.0, 260.0)),
)


def spine_of(labels: LabelMap) -> Spine:
    return find_spine(relabel(labels, load_scheme(labels.scheme)))


def moved(labels: LabelMap, matrix: np.ndarray) -> LabelMap:
    """The same voxels with their positions turned or mirrored by a 3 x 3 matrix."""
    affine = labels.grid.affine.copy()
    affine[:3] = matrix @ affine[:3]
    return replace(labels, grid=Grid(labels.grid.shape, affine))


@pytest.fixture(scope="module")
def drawn() -> Callable[..., LabelMap]:
    """Label maps of the phantoms, each drawn once."""
    made: dict[tuple[int, Numbering], LabelMap] = {}

    def draw(spec: PhantomSpec, numbering: Numbering) -> LabelMap:
        key = id(spec), numbering
        if key not in made:
            made[key] = number_body(spec, numbering)
        return made[key]

    return draw


Draw = Callable[[PhantomSpec, Numbering], LabelMap]
SIDEWAYS, BACKWARDS, HEADLONG = (np.diag(signs) for signs in ([-1.0, 1, 1], [1.0, -1, 1], [1.0, 1, -1]))


@pytest.mark.parametrize("numbering", Numbering)
def test_a_map_upside_down_is_refused(drawn: Draw, numbering: Numbering) -> None:
    bottom = "L5" if numbering is Numbering.SPIDER else "the sacrum"
    message = (
        r"the sacrum \(label \d+, centre at S .* mm\) lies above L1 \(label .*expected it lowest: wrong scheme or or"
    )
    if bottom == "L5":
        message = (
            r"L1 \(label 5, centre at S .* mm\) lies below L2 \(label 4, S .* mm\); .* wrong scheme or orientation"
        )
    for turn in (HEADLONG, HEADLONG @ BACKWARDS, HEADLONG @ SIDEWAYS):
        with pytest.raises(AnatomyError, match=message):
            spine_of(moved(drawn(RANDOM, numbering), turn))


@pytest.mark.parametrize("numbering", [n for n in Numbering if has_discs(n)])
def test_a_map_that_faces_backwards_is_refused(drawn: Draw, numbering: Numbering) -> None:
    message = r"the disc below L\d has its centre \d+\.\d mm behind the middle .*: front and back are flipped"
    if numbering is Numbering.SPINEPS:
        behind = (
            r"the spinous process of L\d \(label 42\) lies at A .* mm, in front of its body \(label 49, A .*flipped"
        )
        # Turned by half a turn about the long axis its sides are wrong too, and told first.
        message = rf"{behind}|left and right are flipped"
    for turn in (BACKWARDS, BACKWARDS @ SIDEWAYS):
        with pytest.raises(AnatomyError, match=message):
            spine_of(moved(drawn(RANDOM, numbering), turn))


def test_a_map_with_left_and_right_flipped_is_refused(drawn: Draw) -> None:
    message = (
        r"the left \w+ \w+ process of L\d \(label (45|47)\) lies at R \d+\.\d mm and the right one \(label (46|48)\) "
        r"at R -\d+\.\d mm, expected the left one at the smaller R: left and right are flipped"
    )
    with pytest.raises(AnatomyError, match=message):
        spine_of(moved(drawn(RANDOM, Numbering.SPINEPS), SIDEWAYS))


@pytest.mark.parametrize("numbering", Numbering)
@pytest.mark.parametrize("spec", [RANDOM, STEEP, SCOLIOSIS], ids=["usual", "steep", "scoliosis"])
def test_patients_of_any_shape_and_placement_pass(drawn: Draw, spec: PhantomSpec, numbering: Numbering) -> None:
    labels = drawn(spec, numbering)
    levels = [s.level.name for s in spine_of(labels).segments]
    assert levels[-1] == ("L4-L5" if numbering is Numbering.SPIDER else "L5-S1")
    for angles in ((30, 0, 0), (-30, 0, 0), (0, 30, 0), (0, 0, -30), (20, -20, 20)):
        turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
        assert [s.level.name for s in spine_of(moved(labels, turn)).segments] == levels


def test_the_steep_phantom_is_steep(drawn: Draw) -> None:
    """Else the test above would not see what it is for: tilted by 30 degrees the way to the sacrum leads up."""
    tilted = moved(drawn(STEEP, Numbering.TOTALSPINESEG), Rotation.from_euler("x", -30, degrees=True).as_matrix())
    last = spine_of(tilted).segments[-1]
    way = last.upper.centroid_mm - last.lower.centroid_mm
    assert abs(way[2]) < 0.2 * np.linalg.norm(way)


def changed(labels: LabelMap, **numbers: Mapping[int, int]) -> LabelMap:
    """Other numbers in the map (`array`) or in the map of instances (`instances`)."""
    new = {}
    for name, mapping in numbers.items():
        old = getattr(labels, name)
        new[name] = old.copy()
        for before, after in mapping.items():
            new[name][old == before] = after
    return replace(labels, **new)


def test_swapped_neighbours_are_refused(drawn: Draw) -> None:
    for spec, upper, lower in ((RANDOM, 42, 43), (STEEP, 44, 45), (STEEP, 45, 50)):
        swapped = changed(drawn(spec, Numbering.TOTALSPINESEG), array={upper: lower, lower: upper})
        with pytest.raises(AnatomyError, match=r"(lies below|lies above) L\d \(label .*wrong scheme or orientation\?"):
            spine_of(swapped)


@pytest.mark.parametrize("steps", [{92: 93, 93: 94, 94: 95, 95: 100, 100: 0}, {92: 0, 93: 92, 94: 93, 95: 94, 100: 95}])
def test_discs_that_are_one_level_off_are_refused(drawn: Draw, steps: Mapping[int, int]) -> None:
    shifted = changed(drawn(RANDOM, Numbering.TOTALSPINESEG), array=steps)
    message = r"the disc of L\d-\w\d has its centre at S .* not between its vertebrae \(S .* mm\): wrong scheme"
    with pytest.raises(AnatomyError, match=message):
        spine_of(shifted)


def with_canal(anatomic: AnatomicMap, shift_mm: tuple[float, float, float]) -> AnatomicMap:
    """The canal moved by the whole voxels nearest to a shift in the patient; it does not overwrite bone or discs."""
    ijk = np.argwhere(anatomic.codes == CANAL_CODE)
    step = np.rint(anatomic.grid.to_ijk(anatomic.grid.to_world([0, 0, 0]) + np.array(shift_mm))).astype(int)
    ijk = ijk + step
    ijk = ijk[np.all((ijk >= 0) & (ijk < anatomic.codes.shape), axis=1)]
    codes = np.where(anatomic.codes == CANAL_CODE, 0, anatomic.codes)
    free = ijk[codes[tuple(ijk.T)] == 0]
    codes[tuple(free.T)] = CANAL_CODE
    return replace(anatomic, codes=codes)


@pytest.mark.parametrize("discs", [True, False])
def test_a_canal_in_front_is_refused(drawn: Draw, discs: bool) -> None:
    """The aorta, or whatever else a wrong scheme makes of the number."""
    labels = drawn(RANDOM, Numbering.TOTALSPINESEG)
    anatomic = relabel(labels, load_scheme("totalspineseg"))
    if not discs:
        bare = np.where((anatomic.codes > 100) & (anatomic.codes < 200), 0, anatomic.codes)
        anatomic = replace(anatomic, codes=bare)
        find_spine(anatomic)
    where = r"the disc below L\d" if discs else r"L\d"
    message = (
        rf"the spinal canal lies at A -?\d+\.\d mm where it passes {where} at A -?\d.* mm, expected it behind: wrong"
    )
    with pytest.raises(AnatomyError, match=message):
        find_spine(with_canal(anatomic, (0.0, 55.0, 0.0)))


def test_a_canal_beside_the_spine_is_refused(drawn: Draw) -> None:
    wide = replace(RANDOM, protocol=replace(SMALL, n_slices=31))
    anatomic = relabel(drawn(wide, Numbering.TOTALSPINESEG), load_scheme("totalspineseg"))
    message = (
        r"the spinal canal passes the disc below L\d at a distance of \d+ mm .*expected at most 45 mm: wrong scheme"
    )
    with pytest.raises(AnatomyError, match=message):
        find_spine(with_canal(anatomic, (50.0, -5.0, 0.0)))


def test_a_canal_that_passes_nothing_is_not_judged(drawn: Draw) -> None:
    """As the cord, which ends above the vertebrae of the map; where it lies says nothing about them."""
    anatomic = relabel(drawn(RANDOM, Numbering.TOTALSPINESEG), load_scheme("totalspineseg"))
    ahead = with_canal(anatomic, (0.0, 55.0, 0.0))
    top = max(ahead.grid.to_world(np.argwhere(ahead.codes == 1))[:, 2])
    positions = ahead.grid.to_world(np.stack(np.indices(ahead.codes.shape), axis=-1))
    codes = np.where((ahead.codes == CANAL_CODE) & (positions[..., 2] < top - 10), 0, ahead.codes)
    assert np.any(codes == CANAL_CODE)
    assert find_spine(replace(ahead, codes=codes)).segments


def test_one_faulty_vertebra_does_not_condemn_the_map(drawn: Draw) -> None:
    labels = drawn(RANDOM, Numbering.SPINEPS)
    assert labels.instances is not None
    flipped = changed(labels, array={45: 46, 46: 45, 47: 48, 48: 47, 43: 44, 44: 43, 42: 49, 49: 42})
    faulty = np.where(labels.instances == 22, flipped.array, labels.array)
    assert spine_of(replace(labels, array=faulty)).segments
    with pytest.raises(AnatomyError, match="left and right are flipped"):
        spine_of(flipped)


@pytest.mark.parametrize("keep", ["lower tip", "one side"])
@pytest.mark.parametrize("numbering", [Numbering.TOTALSPINESEG, Numbering.SPINEPS])
def test_slivers_are_not_asked(drawn: Draw, numbering: Numbering, keep: str) -> None:
    """Of L1 the field leaves a piece that is far from where a whole vertebra has its centre."""
    labels = drawn(RANDOM, numbering)
    carrier = labels.array if labels.instances is None else labels.instances
    number = {Numbering.TOTALSPINESEG: 41, Numbering.SPINEPS: 20}[numbering]
    ijk = np.argwhere(carrier == number)
    positions = labels.grid.to_world(ijk)
    axis = 2 if keep == "lower tip" else 0
    gone = tuple(ijk[positions[:, axis] > np.quantile(positions[:, axis], 0.1)].T)
    arrays = {name: a.copy() for name in ("array", "instances") if (a := getattr(labels, name)) is not None}
    for array in arrays.values():
        array[gone] = 0
    assert spine_of(replace(labels, **arrays)).segments[0].level.name == "L1-L2"


def test_partial_vertebrae_are_not_asked_for_the_order(drawn: Draw) -> None:
    """SPIDER marks what the field cuts; such a piece may be large and yet lie anywhere in its vertebra."""
    labels = changed(drawn(RANDOM, Numbering.SPIDER), array={5: 104, 4: 105})
    assert spine_of(labels).segments
    with pytest.raises(AnatomyError, match="lies below L2"):
        spine_of(changed(drawn(RANDOM, Numbering.SPIDER), array={5: 4, 4: 5}))


def test_a_tiny_fragment_of_a_disc_is_not_asked(drawn: Draw) -> None:
    labels = drawn(RANDOM, Numbering.TOTALSPINESEG)
    array = labels.array.copy()
    ijk = np.argwhere(array == 42)
    array[array == 93] = 0
    array[tuple(ijk[:20].T)] = 94
    assert spine_of(replace(labels, array=array)).segments


def test_whole_is_measured_against_the_usual() -> None:
    def of_size(code: int, voxels: int) -> Structure:
        return Structure(code, (slice(0, 1),) * 3, np.zeros(3), voxels)

    assert find_whole([]) == frozenset()
    assert find_whole([of_size(1, 40), of_size(2, 100), of_size(3, 39), of_size(4, 110), of_size(5, 100)]) == {
        1,
        2,
        4,
        5,
    }


def test_parts_agree_with_a_naive_count(drawn: Draw) -> None:
    labels = drawn(RANDOM, Numbering.SPINEPS)
    assert labels.instances is not None
    scheme = load_scheme("spineps")
    bones = np.where(labels.instances < 100, labels.instances, 0)
    found = {(p.code, p.part): p for p in find_parts(bones, labels.array, scheme=scheme, grid=labels.grid)}
    assert {part for _, part in found} >= {Subregion.CORPUS, Subregion.ARCUS, Subregion.INFERIOR_ARTICULAR_LEFT}
    for (code, part), one in found.items():
        where = np.argwhere((labels.instances == code) & np.isin(labels.array, scheme.subregions[part]))
        assert (one.voxels, one.label) == (len(where), scheme.subregions[part][0])
        assert one.centroid_mm == pytest.approx(labels.grid.to_world(where).mean(axis=0))
    assert relabel(drawn(RANDOM, Numbering.VERSE), load_scheme("verse")).parts == ()


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Mapping[str, LabelMap]:
    folder = shared_data / "tptbox_mri"
    return {
        "spineps": read_labels(
            folder / "sub-mri_seg-subreg_label-6_msk.nii.gz",
            scheme="spineps",
            instances=folder / "sub-mri_seg-vert_label-6_msk.nii.gz",
        ),
        "spider": read_labels(shared_data / "spider_11" / "11_t2_SPACE_mask.mha", scheme="spider"),
    }


@pytest.mark.parametrize("name", ["spineps", "spider"])
def test_real_maps_pass_and_flipped_ones_do_not(real: Mapping[str, LabelMap], name: str) -> None:
    labels = real[name]
    assert len(spine_of(labels).segments) == {"spineps": 2, "spider": 7}[name]
    with pytest.raises(AnatomyError, match="lies below"):
        spine_of(moved(labels, HEADLONG))
    with pytest.raises(AnatomyError, match="flipped"):
        spine_of(moved(labels, BACKWARDS))
    if name == "spineps":
        with pytest.raises(AnatomyError, match=r"of V\d \(label 4\d\) lies at R .* left and right are flipped"):
            spine_of(moved(labels, SIDEWAYS))
