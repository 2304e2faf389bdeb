"""Which frames belong together: one volume per echo, kind of picture, orientation and pass, each with its slices."""

import itertools

import numpy as np
import pytest
from pydicom.uid import generate_uid

from foramgrade.loaders import list_series
from foramgrade.loaders.dicom.headers import HeaderReader
from foramgrade.loaders.dicom.pixels import read_pixels
from foramgrade.loaders.dicom.stacks import find_stacks
from foramgrade.loaders.sources import walk_sources

SHAPE = (6, 5, 4)


@pytest.fixture
def affine(oblique_grid):
    """The default grid with slices in the order in which DICOM counts them: along rows x columns."""
    affine = oblique_grid.affine.copy()
    affine[:3, 3] += 8 * affine[:3, 2]
    affine[:3, 2] *= -1
    return affine


def picture(number, shape=SHAPE):
    """Values that tell volume and slice: 1000 x number of the volume + 100 x number of the slice + a pattern."""
    pattern = np.arange(shape[0] * shape[1]).reshape(*shape[:2], 1)
    return (1000 * number + 100 * np.arange(shape[2]) + pattern).astype(np.int16)


def frames_in(folder):
    reader = HeaderReader()
    return [frame for source in walk_sources(folder) for frame in reader.read(source)]


def volumes_in(folder):
    """Values of every stack by key."""
    return {stack.key: read_pixels(stack.frames) for stack in find_stacks(frames_in(folder))}


def assert_volumes(folder, expected):
    """The stacks hold the expected arrays, in their order."""
    found = volumes_in(folder)
    assert len(found) == len(expected)
    for array, wanted in zip(found.values(), expected, strict=True):
        np.testing.assert_array_equal(array, wanted)


def moved(affine, *, sideways_mm=0.0, along_mm=0.0):
    """An affine shifted along the rows and along the slices."""
    affine = affine.copy()
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    affine[:3, 3] += sideways_mm * axes[:, 0] + along_mm * axes[:, 2]
    return affine


def turned(affine, degrees):
    """An affine turned about its own rows."""
    turn = np.eye(4)
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    turn[1:3, 1:3] = [[c, -s], [s, c]]
    axes = np.eye(4)
    axes[:3, :3] = affine[:3, :3] / spacing
    turned = affine.copy()
    turned[:3, :3] = (axes @ turn)[:3, :3] * spacing
    return turned


def test_slices_are_sorted_by_place_and_not_by_name_or_number(affine, write_series, tmp_path):
    write_series(tmp_path, picture(1), affine, shuffle=np.random.default_rng(1))
    assert_volumes(tmp_path, [picture(1)])


@pytest.mark.parametrize(
    "second",
    [
        {"te": 15.0, "echo_number": 2},
        {"te": 15.0},
        {"echo_number": 2},
        {"image_type": ("ORIGINAL", "PRIMARY", "P", "ND")},
        {"image_type": ("DERIVED", "PRIMARY", "MPR", "ND")},
    ],
    ids=["echo", "echo time", "echo number", "phase", "derived"],
)
def test_kinds_of_pictures_are_apart(second, affine, write_series, tmp_path):
    write_series(tmp_path, picture(1), affine, prefix="A")
    write_series(tmp_path, picture(2), affine, prefix="B", **second)
    found = list(volumes_in(tmp_path).values())
    assert sorted(int(array.flat[0]) for array in found) == [1000, 2000]
    assert all(array.shape == SHAPE for array in found)


def test_echo_times_of_a_rounding_apart_are_one(affine, write_series, tmp_path):
    def edit(ds, k):
        ds.EchoTime = f"{102.3 + 0.003 * k}"

    write_series(tmp_path, picture(1), affine, edit=edit)
    assert_volumes(tmp_path, [picture(1)])


def test_pictures_of_another_size_are_apart(affine, write_series, tmp_path):
    small = (3, 5, 4)
    write_series(tmp_path, picture(1), affine, prefix="A")
    write_series(tmp_path, picture(2, small), affine, prefix="B")
    assert_volumes(tmp_path, [picture(1), picture(2, small)])


def test_pixels_of_another_spacing_are_apart(affine, write_series, tmp_path):
    write_series(tmp_path, picture(1), affine, prefix="A")
    write_series(tmp_path, picture(2), affine @ np.diag([1.01, 1.01, 1, 1]), prefix="B")
    assert_volumes(tmp_path, [picture(1), picture(2)])


@pytest.mark.parametrize("degrees", [0.5, 8, 90])
def test_orientations_are_apart(degrees, affine, write_series, tmp_path):
    write_series(tmp_path, picture(1), affine, prefix="A")
    write_series(tmp_path, picture(2), turned(affine, degrees), prefix="B")
    assert_volumes(tmp_path, [picture(1), picture(2)])


def test_directions_rounded_to_three_digits_are_one_stack(affine, write_series, tmp_path):
    def edit(ds, k):
        jitter = 0.0004 * (-1) ** k
        ds.ImageOrientationPatient = [f"{float(value) + jitter:.3f}" for value in ds.ImageOrientationPatient]

    write_series(tmp_path, picture(1), affine, edit=edit)
    assert_volumes(tmp_path, [picture(1)])


def test_parallel_stacks_side_by_side_are_apart(affine, write_series, tmp_path):
    for number in range(3):
        shifted = moved(affine, sideways_mm=10 * number, along_mm=-40 * number)
        write_series(tmp_path, picture(number), shifted, prefix=f"S{number}")
    assert_volumes(tmp_path, [picture(0), picture(1), picture(2)])


def test_a_slice_beside_the_others_stays_among_them_to_be_complained_about(affine, write_series, tmp_path):
    write_series(tmp_path, picture(1), affine, prefix="A")
    write_series(tmp_path, picture(2)[..., :1], moved(affine, sideways_mm=10, along_mm=20), prefix="B")
    (stack,) = find_stacks(frames_in(tmp_path))
    assert len(stack.frames) == 5


def test_a_tilted_gantry_is_one_stack(affine, write_series, tmp_path):
    sheared = affine.copy()
    sheared[:3, 2] += 1.5 * affine[:3, 1] / np.linalg.norm(affine[:3, 1])
    write_series(tmp_path, picture(1), sheared)
    assert_volumes(tmp_path, [picture(1)])


def test_frames_of_reference_are_apart(affine, write_series, tmp_path):
    write_series(tmp_path, picture(1), affine, prefix="A")
    other = generate_uid()
    write_series(tmp_path, picture(2), affine, prefix="B", edit=lambda ds, _: setattr(ds, "FrameOfReferenceUID", other))
    assert_volumes(tmp_path, [picture(1), picture(2)])


def scattered(ds, rng):
    """A number that tells nothing, as scanners give that number images as they come."""
    ds.InstanceNumber = int(rng.integers(1, 2**30))


PASSES = {
    "temporal position": lambda ds, t, k: setattr(ds, "TemporalPositionIdentifier", t + 1),
    "acquisition number": lambda ds, t, k: setattr(ds, "AcquisitionNumber", t + 1),
    "b-value": lambda ds, t, k: setattr(ds, "DiffusionBValue", 250.0 * t),
    "trigger time": lambda ds, t, k: setattr(ds, "TriggerTime", str(40 * t)),
    "b-value and direction": lambda ds, t, k: (
        setattr(ds, "DiffusionBValue", [0.0, 500.0, 500.0, 1000.0][t]),
        t and setattr(ds, "DiffusionGradientOrientation", [[], [1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0]][t]),
    ),
    "time and trigger": lambda ds, t, k: (
        setattr(ds, "TemporalPositionIdentifier", t // 2 + 1),
        setattr(ds, "TriggerTime", str(100 * (t % 2))),
        setattr(ds, "AcquisitionNumber", k + 1),
    ),
}


@pytest.mark.parametrize("tell", PASSES.values(), ids=PASSES)
def test_repeated_passes_are_apart(tell, affine, write_series, tmp_path):
    rng = np.random.default_rng(2)
    for t in range(4):
        write_series(
            tmp_path,
            picture(t),
            affine,
            prefix=f"T{t}",
            edit=lambda ds, k, t=t: (scattered(ds, rng), tell(ds, t, k)),
        )
    found = sorted(volumes_in(tmp_path).values(), key=lambda array: int(array.flat[0]))
    assert len(found) == 4
    for t, array in enumerate(found):
        np.testing.assert_array_equal(array, picture(t))


def test_an_acquisition_number_per_slice_is_no_pass(affine, write_series, tmp_path):
    write_series(tmp_path, picture(1), affine, edit=lambda ds, k: setattr(ds, "AcquisitionNumber", k + 1))
    assert_volumes(tmp_path, [picture(1)])


@pytest.mark.parametrize(
    "number",
    [lambda t, k: 4 * t + k + 1, lambda t, k: 4 * t + (k * 3) % 4 + 1, lambda t, k: 3 * k + t + 1],
    ids=["pass after pass", "interleaved slices", "place after place"],
)
def test_passes_that_only_their_order_tells_apart(number, affine, write_series, tmp_path):
    for t in range(3):
        edit = lambda ds, k, t=t: setattr(ds, "InstanceNumber", number(t, k))  # noqa: E731
        write_series(tmp_path, picture(t), affine, prefix=f"T{t}", edit=edit)
    assert_volumes(tmp_path, [picture(0), picture(1), picture(2)])


def test_passes_in_no_order_are_never_mixed(affine, write_series, tmp_path):
    rng = np.random.default_rng(3)
    for t in range(3):
        write_series(tmp_path, picture(t), affine, prefix=f"T{t}", edit=lambda ds, _: scattered(ds, rng))
    (stack,) = find_stacks(frames_in(tmp_path))
    assert len(stack.frames) == 12


def test_copies_of_files_are_no_passes(affine, write_series, tmp_path):
    for folder in ("first", "second"):
        write_series(tmp_path / folder, picture(1), affine)
    (stack,) = find_stacks(frames_in(tmp_path))
    assert len(stack.frames) == 8


def test_an_incomplete_pass_is_not_split_off(affine, write_series, tmp_path):
    for t in range(2):
        paths = write_series(
            tmp_path,
            picture(t),
            affine,
            prefix=f"T{t}",
            edit=lambda ds, k, t=t: setattr(ds, "TemporalPositionIdentifier", t + 1),
        )
    paths[-1].unlink()
    (stack,) = find_stacks(frames_in(tmp_path))
    assert len(stack.frames) == 7


@pytest.mark.parametrize("vary", ["echo", "time", "stack"])
@pytest.mark.parametrize("shared", [True, False])
def test_enhanced_frames_are_sorted_and_apart(vary, shared, affine, write_enhanced, tmp_path):
    affines = [affine, turned(affine, 20) if vary == "stack" else affine]
    write_enhanced(
        tmp_path / "enhanced.dcm",
        [picture(1), picture(2)],
        affines,
        vary=vary,
        shared=shared,
        shuffle=np.random.default_rng(4),
    )
    found = sorted(volumes_in(tmp_path).values(), key=lambda array: int(array.flat[0]))
    assert len(found) == 2
    for number, array in zip((1, 2), found, strict=True):
        np.testing.assert_array_equal(array, picture(number))


def test_enhanced_dimensions_tell_passes_apart_together(affine, write_enhanced, tmp_path):
    """Phases times repeats, as in perfusion, the temporal position being 1 throughout."""

    def edit_frame(item, n, k):
        content = item.FrameContentSequence[0]
        content.TemporalPositionIndex = 1
        content.DimensionIndexValues = [1, k + 1, n // 2 + 1, n % 2 + 1]

    arrays = [picture(n) for n in range(4)]
    shuffle = np.random.default_rng(5)
    write_enhanced(tmp_path / "e.dcm", arrays, affine, vary="time", edit_frame=edit_frame, shuffle=shuffle)
    found = sorted(volumes_in(tmp_path).values(), key=lambda array: int(array.flat[0]))
    assert len(found) == 4
    for wanted, array in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize("shuffle", [None, 6])
def test_enhanced_passes_without_indices_are_told_by_their_order_or_not_at_all(
    shuffle, affine, write_enhanced, tmp_path
):
    def edit_frame(item, n, k):
        content = item.FrameContentSequence[0]
        content.TemporalPositionIndex = 1
        del content.DimensionIndexValues

    order = None if shuffle is None else np.random.default_rng(shuffle)
    arrays = [picture(n) for n in range(3)]
    write_enhanced(tmp_path / "e.dcm", arrays, affine, vary="time", edit_frame=edit_frame, shuffle=order)
    stacks = find_stacks(frames_in(tmp_path))
    assert len(stacks) == (3 if shuffle is None else 1)
    if shuffle is None:
        assert_volumes(tmp_path, arrays)


def test_complex_components_are_apart(affine, write_enhanced, tmp_path):
    def edit_frame(item, n, k):
        item.FrameContentSequence[0].TemporalPositionIndex = 1
        item.FrameContentSequence[0].DimensionIndexValues = [1, k + 1, 1]
        frame_type = type(item)()
        frame_type.FrameType = ["ORIGINAL", "PRIMARY", "OTHER", "NONE"]
        frame_type.ComplexImageComponent = ["MAGNITUDE", "PHASE"][n]
        item.MRImageFrameTypeSequence = [frame_type]

    shuffle = np.random.default_rng(7)
    pictures = [picture(1), picture(2)]
    write_enhanced(tmp_path / "e.dcm", pictures, affine, vary="time", edit_frame=edit_frame, shuffle=shuffle)
    found = sorted(volumes_in(tmp_path).values(), key=lambda array: int(array.flat[0]))
    np.testing.assert_array_equal(found, [picture(1), picture(2)])


def test_a_frame_per_enhanced_file_is_one_stack(affine, write_enhanced, tmp_path):
    series = generate_uid()
    for k in range(4):
        one = moved(affine, along_mm=4.4 * k)
        write_enhanced(tmp_path / f"{k}.dcm", picture(1)[..., k : k + 1], one, series_uid=series)
    assert_volumes(tmp_path, [picture(1)])


def test_a_volume_per_enhanced_file_is_a_stack_each(affine, write_enhanced, tmp_path):
    for t in range(3):
        write_enhanced(
            tmp_path / f"{t}.dcm", picture(t), affine, edit=lambda ds, _, t=t: setattr(ds, "InstanceNumber", t + 1)
        )
    assert_volumes(tmp_path, [picture(0), picture(1), picture(2)])


def test_keys_are_series_numbers_with_letters(affine, write_series, tmp_path):
    write_series(tmp_path / "a", picture(1), affine, series_number=12)
    write_series(tmp_path / "b", picture(2), affine, series_number=7, te=15.0, prefix="A")
    write_series(tmp_path / "b", picture(3), affine, series_number=7, te=102.0, prefix="B")
    assert {key: int(array.flat[0]) for key, array in volumes_in(tmp_path).items()} == {
        "7a": 2000,
        "7b": 3000,
        "12": 1000,
    }


def test_keys_of_many_parts_go_on_after_z(affine, write_series, tmp_path):
    for part in range(28):
        write_series(tmp_path, picture(1)[..., :1], affine, prefix=f"P{part}", te=10.0 + part)
    assert list(volumes_in(tmp_path))[24:] == ["1y", "1z", "1aa", "1ab"]


@pytest.mark.parametrize("drop", [(), ("SeriesNumber",)], ids=["same number", "no number"])
def test_series_without_a_number_of_their_own_are_counted(drop, affine, write_series, tmp_path):
    studies = sorted(generate_uid() for _ in range(2))
    for number, study in enumerate(studies):
        write_series(tmp_path / str(number), picture(number), affine, study_uid=study, series_number=5, drop=drop)
    found = volumes_in(tmp_path)
    assert {key: int(array.flat[0]) for key, array in found.items()} == {"n1": 0, "n2": 1000}


def test_parts_of_a_series_have_uids_of_their_own(affine, write_series, tmp_path):
    write_series(tmp_path, picture(1), affine, prefix="A", te=15.0, series_uid="1.2.3")
    write_series(tmp_path, picture(2), affine, prefix="B", te=90.0, series_uid="1.2.3")
    assert [stack.uid for stack in find_stacks(frames_in(tmp_path))] == ["1.2.3#1", "1.2.3#2"]


def test_the_order_of_the_files_does_not_matter(affine, write_series, tmp_path):
    write_series(tmp_path, picture(1), affine, prefix="A", te=15.0)
    write_series(tmp_path, picture(2), affine, prefix="B", te=90.0)
    write_series(tmp_path, picture(3), turned(affine, 30), prefix="C", series_number=2)
    frames = frames_in(tmp_path)
    expected = find_stacks(frames)
    rng = np.random.default_rng(8)
    for _ in range(5):
        assert find_stacks([frames[n] for n in rng.permutation(len(frames))]) == expected


def test_frames_that_are_nowhere_are_kept_apart_in_their_order(affine, write_series, tmp_path):
    write_series(tmp_path, picture(1), affine, prefix="A")
    write_series(tmp_path, picture(2), affine, prefix="B", drop=["ImagePositionPatient"])
    placed, nowhere = find_stacks(frames_in(tmp_path))
    np.testing.assert_array_equal(read_pixels(placed.frames), picture(1))
    assert [frame.instance_number for frame in nowhere.frames] == [1, 2, 3, 4]


def test_every_frame_is_in_exactly_one_stack(affine, write_series, tmp_path):
    """A folder of everything at once."""
    kinds = itertools.product((15.0, 90.0), ("M", "P"), (0, 25))
    for number, (te, kind, degrees) in enumerate(kinds):
        write_series(
            tmp_path,
            picture(number),
            turned(affine, degrees),
            prefix=f"P{number}",
            te=te,
            image_type=("ORIGINAL", "PRIMARY", kind),
            shuffle=np.random.default_rng(number),
        )
    frames = frames_in(tmp_path)
    stacks = find_stacks(frames)
    assert len(stacks) == 8
    assert sorted(id(frame) for stack in stacks for frame in stack.frames) == sorted(map(id, frames))
    assert sorted(int(array.flat[0]) for array in volumes_in(tmp_path).values()) == [1000 * n for n in range(8)]


def test_a_frame_of_reference_of_its_own_for_every_file_says_nothing(affine, write_series, tmp_path):
    def anonymise(dataset, k):
        dataset.FrameOfReferenceUID = f"1.2.3.{k + 1}"

    write_series(tmp_path, np.zeros((6, 5, 4), np.uint16), affine, edit=anonymise)
    (series,) = list_series(tmp_path)
    assert series.n_slices == 4


def test_two_frames_of_reference_are_two_volumes(affine, write_series, tmp_path):
    def move(dataset, k):
        dataset.FrameOfReferenceUID = "1.2.3.1" if k < 2 else "1.2.3.2"

    write_series(tmp_path, np.zeros((6, 5, 4), np.uint16), affine, edit=move)
    assert [series.n_slices for series in list_series(tmp_path)] == [2, 2]
