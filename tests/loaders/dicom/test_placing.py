"""Slices go to their true places, and whatever is not regular is refused by name."""

import numpy as np
import pytest
from pydicom.valuerep import DSfloat

from foramgrade.errors import InputError, SeriesError
from foramgrade.loaders import Irregularity, list_series, read_volume
from foramgrade.loaders.dicom.headers import HeaderReader
from foramgrade.loaders.dicom.placing import MOST_BLANK, find_irregularities, place_stack
from foramgrade.loaders.dicom.stacks import find_stacks
from foramgrade.loaders.sources import walk_sources

SHAPE = (6, 5, 9)
VALUES = 1 + np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)

#: DICOM numbers have at most 16 characters.
PLACE_TOLERANCE_MM = 1e-6


@pytest.fixture
def affine(oblique_grid):
    """The default grid with slices in the order in which DICOM counts them: along rows x columns. 4.4 mm apart."""
    affine = oblique_grid.affine.copy()
    affine[:3, 3] += 8 * affine[:3, 2]
    affine[:3, 2] *= -1
    return affine


@pytest.fixture
def write(affine, write_series, tmp_path):
    """Write the default series but for slices `gone`, slice k shifted by ``shift(k)`` along rows, columns, slices."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)

    def write(*, shift=lambda k: (0, 0, 0), gone=(), edit=None):
        def place(ds, k):
            to_lps = [-1, -1, 1] * (axes @ shift(k))
            moved = np.array(ds.ImagePositionPatient, float) + to_lps
            ds.ImagePositionPatient = [DSfloat(float(value), auto_format=True) for value in moved]
            if edit is not None:
                edit(ds, k)

        paths = write_series(tmp_path, VALUES, affine, edit=place)
        for k in gone:
            paths[k].unlink()
        return tmp_path

    return write


def stack_in(folder):
    reader = HeaderReader()
    (stack,) = find_stacks(frame for source in walk_sources(folder) for frame in reader.read(source))
    return stack


def assert_placed(volume, affine):
    np.testing.assert_allclose(volume.grid.affine, affine, rtol=0, atol=PLACE_TOLERANCE_MM)


def test_a_regular_series_is_placed_as_written(write, affine):
    volume = read_volume(write())
    assert_placed(volume, affine)
    np.testing.assert_array_equal(volume.array, VALUES)


@pytest.mark.parametrize(
    "gone, gap, usual",
    [((4,), "8.800", "4.400"), ((4, 5), "13.200", "4.400"), ((0, 1, 2, 3, 4, 7), "8.800", "4.400")],
    ids=["one", "two", "one of the last four"],
)
def test_missing_slices_are_refused_with_names_places_and_gaps(gone, gap, usual, write):
    folder = write(gone=gone)
    before = min(k for k in range(9) if k + 1 in gone and k not in gone)
    after = min(k for k in range(before + 1, 9) if k not in gone)
    with pytest.raises(
        SeriesError,
        match=rf"slices are missing: between IM000{before + 1}\.dcm at -?\d+\.\d\d mm and IM000{after + 1}\.dcm at "
        rf"-?\d+\.\d\d mm the gap is {gap} mm; expected {usual} \+- 0\.044 mm .*tolerate missing-slice",
    ):
        read_volume(folder)
    (info,) = list_series(folder)
    assert info.gaps == 1
    assert f"the gap is {gap} mm" in info.problems[0]


def test_a_listing_tells_the_usual_spacing(write):
    (info,) = list_series(write(gone=(4, 5)))
    assert info.spacing_mm == pytest.approx((0.6, 0.7, 4.4), abs=1e-6)


def test_places_in_messages_are_those_of_the_positions(write, affine):
    folder = write(gone=(4,))
    normal = affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    places = [float((affine @ [0, 0, k, 1])[:3] @ normal) for k in (3, 5)]
    with pytest.raises(SeriesError, match=rf"at {places[0]:.2f} mm and IM0006\.dcm at {places[1]:.2f} mm"):
        read_volume(folder)


def test_many_gaps_are_named_in_part(write):
    def shift(k):
        return (0, 0, 2.0 * (k % 2))

    with pytest.raises(SeriesError, match=r"unevenly spaced: (between [^;]*; ){3}and \d more; expected"):
        read_volume(write(shift=shift))


@pytest.mark.parametrize("gone", [(4,), (2, 6), (3, 4, 5), (1,), (7,)])
def test_with_missing_slices_tolerated_the_others_keep_their_places(gone, write, affine):
    volume = read_volume(write(gone=gone), tolerate=[Irregularity.MISSING_SLICE])
    assert_placed(volume, affine)
    expected = VALUES.copy()
    expected[..., list(gone)] = 0
    np.testing.assert_array_equal(volume.array, expected)


def test_missing_slices_at_the_ends_cannot_be_known(write, affine):
    volume = read_volume(write(gone=(0, 8)))
    np.testing.assert_array_equal(volume.array, VALUES[..., 1:8])
    assert_placed(volume, affine @ [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]])


def test_absurdly_many_missing_slices_are_refused_even_if_tolerated(write):
    folder = write(shift=lambda k: (0, 0, 4.4 * 1000 * (k == 8)))
    with pytest.raises(
        SeriesError, match=rf"1000 slices are missing and 9 are there; expected at most {MOST_BLANK - 1}"
    ):
        read_volume(folder, tolerate=[Irregularity.MISSING_SLICE])


@pytest.mark.parametrize("same", [0.0, 0.004])
def test_a_repeated_slice_is_refused(same, write):
    folder = write(shift=lambda k: (0, 0, -4.4 + same) if k == 5 else (0, 0, 0), gone=(8,))
    with pytest.raises(
        SeriesError,
        match=r"more than once: IM0005\.dcm and IM0006\.dcm at -?\d+\.\d\d mm; expected one per place .*repeated-slice",
    ):
        read_volume(folder, tolerate=[Irregularity.MISSING_SLICE])
    (info,) = list_series(folder)
    assert (info.duplicates, info.n_slices) == (1, 7)


def test_with_repeated_slices_tolerated_the_lowest_number_is_used(write, affine, write_series):
    folder = write()
    write_series(folder, VALUES[..., 3:4] + 500, moved(affine, 3), prefix="Z", edit=number(99))
    write_series(folder, VALUES[..., 6:7] + 500, moved(affine, 6), prefix="A", edit=number(0))
    volume = read_volume(folder, tolerate=[Irregularity.REPEATED_SLICE])
    expected = VALUES.copy()
    expected[..., 6] += 500
    np.testing.assert_array_equal(volume.array, expected)
    assert_placed(volume, affine)


def moved(affine, k):
    moved = affine.copy()
    moved[:3, 3] += k * affine[:3, 2]
    return moved


def number(value):
    return lambda ds, _: setattr(ds, "InstanceNumber", value)


def test_passes_that_nothing_tells_apart_are_refused_with_their_number(write, affine, write_series):
    folder = write()
    write_series(folder, VALUES, affine, prefix="Z")
    with pytest.raises(
        SeriesError,
        match=r"each of 9 places has 2 slices, and nothing in the headers tells which go together: IM0001\.dcm and "
        r"Z0001\.dcm at .*; and 6 more; expected one per place",
    ):
        read_volume(folder)


@pytest.mark.parametrize("off_mm, is_refused", [(0.04, False), (0.05, True), (0.5, True), (2.2, True)])
def test_an_unevenly_spaced_slice_is_refused_beyond_the_tolerance(off_mm, is_refused, write):
    folder = write(shift=lambda k: (0, 0, off_mm * (k == 4)))
    if not is_refused:
        assert list_series(folder)[0].problems == ()
        np.testing.assert_array_equal(read_volume(folder).array, VALUES)
        return
    with pytest.raises(
        SeriesError,
        match=rf"unevenly spaced: between IM0004\.dcm .*gap is {4.4 + off_mm:.3f} mm; between IM0005\.dcm .*gap is "
        rf"{4.4 - off_mm:.3f} mm; expected 4\.400 \+- 0\.044 mm .*uneven-spacing",
    ):
        read_volume(folder)
    assert list_series(folder)[0].gaps == 2


def test_thin_slices_have_a_tolerance_in_millimetres(write_series, affine, tmp_path):
    """Positions rounded to 0.01 mm, which is 2 % of a gap of 0.5 mm."""
    thin = affine @ np.diag([1, 1, 0.5 / 4.4, 1])

    def edit(ds, k):
        ds.ImagePositionPatient = [f"{float(value):.2f}" for value in ds.ImagePositionPatient]

    many = np.repeat(VALUES, 10, axis=2)
    write_series(tmp_path, many, thin, edit=edit)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, many)
    assert volume.grid.spacing_mm[2] == pytest.approx(0.5, abs=0.02 / 90)


def test_with_uneven_spacing_tolerated_the_mean_step_is_used(write, affine):
    volume = read_volume(
        write(shift=lambda k: (0, 0, 0.9 * (k == 4) + 0.8 * (k == 8))), tolerate=[Irregularity.UNEVEN_SPACING]
    )
    np.testing.assert_array_equal(volume.array, VALUES)
    stretched = affine.copy()
    stretched[:3, 2] *= (8 * 4.4 + 0.8) / (8 * 4.4)
    assert_placed(volume, stretched)


def test_a_gap_of_a_step_and_a_half_is_uneven_and_not_missing(write):
    found = find_irregularities(stack_in(write(shift=lambda k: (0, 0, 2.2 * (k > 4)))))
    assert set(found) == {Irregularity.UNEVEN_SPACING}


def test_an_off_line_slice_is_refused(write):
    folder = write(shift=lambda k: (1.5 * (k == 4), 0, 0))
    with pytest.raises(
        SeriesError,
        match=r"do not lie behind one another: IM0005\.dcm is 1\.\d\d mm off the line of the others, expected at most",
    ):
        read_volume(folder)


@pytest.mark.parametrize("tilt_deg, is_refused", [(0.05, False), (0.2, True), (15.0, True)])
def test_slices_that_step_sideways_are_refused(tilt_deg, is_refused, write):
    step_mm = 4.4 * np.tan(np.deg2rad(tilt_deg))
    folder = write(shift=lambda k: (0, k * step_mm, 0))
    if not is_refused:
        assert read_volume(folder).array.shape == SHAPE
        return
    with pytest.raises(
        SeriesError,
        match=rf"step sideways, {tilt_deg:.2f} degrees off their normal .*, expected at most 0\.1: from IM0001\.dcm to "
        r"IM0009\.dcm .*tolerate shear",
    ):
        read_volume(folder)


def test_with_shear_tolerated_the_affine_is_exact(write, affine):
    volume = read_volume(write(shift=lambda k: (0.5 * k, 1.2 * k, 0)), tolerate=[Irregularity.SHEAR])
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    sheared = affine.copy()
    sheared[:3, 2] += axes @ [0.5, 1.2, 0]
    assert_placed(volume, sheared)
    np.testing.assert_array_equal(volume.array, VALUES)


def test_every_irregularity_is_told_at_once_and_needs_its_own_leave(write, affine, write_series):
    folder = write(shift=lambda k: (0, k, 0), gone=(4,))
    repeated = moved(affine, 7)
    repeated[:3, 3] += 7 * affine[:3, 1] / np.linalg.norm(affine[:3, 1])
    write_series(folder, VALUES[..., 7:8], repeated, prefix="Z")
    problems = list_series(folder)[0].problems
    assert [problem.split(":")[0] for problem in problems] == [
        "slices are there more than once",
        "slices are missing",
        f"the slices step sideways, {np.rad2deg(np.arctan(1 / 4.4)):.2f} degrees off their normal (a tilted gantry?), "
        "expected at most 0.1",
    ]
    allowed = [Irregularity.REPEATED_SLICE, Irregularity.MISSING_SLICE]
    with pytest.raises(SeriesError, match="step sideways"):
        read_volume(folder, tolerate=allowed)
    assert read_volume(folder, tolerate=[*allowed, Irregularity.SHEAR]).array.shape == SHAPE


def test_a_single_slice_is_as_deep_as_it_says(write, affine):
    volume = read_volume(write(gone=range(1, 9)))
    assert volume.array.shape == (6, 5, 1)
    expected = affine.copy()
    expected[:3, 2] *= 4 / 4.4  # Slice Thickness
    assert_placed(volume, expected)


@pytest.mark.parametrize("drop, depth_mm", [(("SliceThickness",), 1.0), ((), 4.0)])
def test_a_single_slice_without_thickness_is_a_millimetre_deep(drop, depth_mm, write_series, affine, tmp_path):
    write_series(tmp_path, VALUES[..., :1], affine, drop=drop)
    assert read_volume(tmp_path).grid.spacing_mm[2] == pytest.approx(depth_mm)


def test_two_slices_are_as_far_apart_as_they_are(write, affine):
    volume = read_volume(write(gone=range(2, 9)))
    assert_placed(volume, affine)
    np.testing.assert_array_equal(volume.array, VALUES[..., :2])


def test_thickness_and_nominal_spacing_are_never_used(write, affine):
    def edit(ds, k):
        ds.SliceThickness, ds.SpacingBetweenSlices = "1.7", "99"

    assert_placed(read_volume(write(edit=edit)), affine)


@pytest.mark.parametrize(
    "keyword, value, message",
    [
        ("ImageOrientationPatient", ["1", "0", "0", "0.1", "0.995", "0"], "not at right angles or not of length 1"),
        ("ImageOrientationPatient", ["1.2", "0", "0", "0", "1", "0"], "not at right angles or not of length 1"),
        ("ImageOrientationPatient", ["1", "0", "0", "1", "0", "0"], "does not say where in the patient"),
        ("ImageOrientationPatient", ["1", "0", "0"], "does not say where in the patient"),
        ("ImagePositionPatient", ["1", "2"], "does not say where in the patient"),
        ("PixelSpacing", ["0.6"], "does not say where in the patient"),
        ("PixelSpacing", ["0", "0.6"], "a spacing is zero"),
        ("PixelSpacing", ["0.0006", "0.0006"], "is the header in another unit"),
    ],
)
def test_a_header_that_does_not_place_the_slices_is_refused(keyword, value, message, write):
    folder = write(edit=lambda ds, _: setattr(ds, keyword, value))
    with pytest.raises(InputError, match=message):
        read_volume(folder)


def test_placing_names_the_series(write):
    stack = stack_in(write(gone=(4,)))
    with pytest.raises(SeriesError, match=r"^series 7b: slices are missing"):
        place_stack(stack, name="series 7b")
