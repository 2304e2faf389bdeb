import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from foramgrade.errors import GridMismatchError, InputError
from foramgrade.loaders import read_labels
from foramgrade.loaders.segmentation.dicom_seg import open_dicom_seg
from foramgrade.loaders.segmentation.names import NAMES_SCHEME
from foramgrade.loaders.segmentation.segments import read_segments
from foramgrade.volume import Grid

NAMES = {1: "L4", 2: "L5", 3: "L4-L5"}

#: DICOM and the NRRD of each of its segments, as dcmqi's tests pair them: one NRRD per group of segments that do not
#: overlap, the segment's number in its voxels.
PAIRS = [
    ("liver.dcm", {1: "liver_seg.nrrd"}),
    ("23x38x3/seg/label.seg", {1: "23x38x3/nrrd/label.nrrd"}),
    ("24x38x3/seg/label.seg", {1: "24x38x3/nrrd/label.nrrd"}),
    (
        "partial_overlaps.dcm",
        {n: f"partial_overlaps-{layer}.nrrd" for n, layer in ((1, 1), (2, 2), (3, 3), (4, 1), (5, 1))},
    ),
    ("sparse-labelmap-noppv.dcm", {1: "sparse_labelmap_noppv_seg.nrrd"}),
    ("sparse-labelmap-ppv5.dcm", {1: "sparse_labelmap_ppv5_seg.nrrd"}),
]

#: Truths without a DICOM file: from these NRRDs dcmqi *makes* segmentations in its tests.
WITHOUT_DICOM = {
    "heart_seg.nrrd",
    "liver_spine_gapped_seg.nrrd",
    "liver_spine_seg.nrrd",
    "spine_seg.nrrd",
    "spine_seg_label5.nrrd",
}

# highdicom writes positions and directions as decimal strings of 16 characters: 1e-9 mm would do, the test image's own
# header is rounded to 1e-6 mm.
DECIMAL_STRING_MM = 1e-4


@pytest.fixture
def labels(oblique_grid):
    """Two vertebrae and a disc; slices 0, 1, 4 and 8 are empty."""
    array = np.zeros(oblique_grid.shape, np.uint8)
    for k in (2, 3, 5, 6, 7):
        array[4:12, 3:9, k] = 1
        array[4:12, 10:12, k] = 3
        array[5:12, 13:20, k] = 2
    array[4, 13, 2] = 2  # not symmetric
    return array


def read_truth(path):
    image = SimpleITK.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image).T, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


@pytest.mark.parametrize("dicom, truths", PAIRS, ids=[dicom for dicom, _ in PAIRS])
def test_every_segment_equals_its_truth(dicom, truths, shared_data):
    folder = shared_data / "dicom_seg" / "dcmqi_segmentations"
    segments = {segment.number: segment for segment in read_segments(folder / dicom)}
    assert segments.keys() == truths.keys()
    for number, file in truths.items():
        expected, affine = read_truth(folder / file)
        np.testing.assert_array_equal(segments[number].mask, expected == number)
        np.testing.assert_allclose(segments[number].grid.affine, affine, rtol=0, atol=1e-3)


@pytest.mark.parametrize("dicom", [dicom for dicom, truths in PAIRS if len(truths) == 1])
def test_label_maps_of_segments_that_do_not_overlap_equal_their_truth(dicom, shared_data):
    folder = shared_data / "dicom_seg" / "dcmqi_segmentations"
    expected, affine = read_truth(folder / dict(PAIRS)[dicom][1])
    if "ppv5" in dicom:
        # dcmqi fills the missing slice with the padding value 5, which is no segment: here it is background.
        assert (np.unique(expected[..., 1]).tolist(), open_dicom_seg(folder / dicom).background) == ([5], (0, 5))
        expected = np.where(expected == 5, 0, expected)
    found = read_labels(folder / dicom)
    np.testing.assert_array_equal(found.array, expected)
    np.testing.assert_allclose(found.grid.affine, affine, rtol=0, atol=1e-3)
    assert (dict(found.names), found.scheme) == ({1: "Liver"}, NAMES_SCHEME)


def test_every_file_of_the_suite_is_compared_or_named(shared_data):
    folder = shared_data / "dicom_seg" / "dcmqi_segmentations"
    truths = {path.relative_to(folder).as_posix() for path in folder.rglob("*.nrrd")}
    assert truths - {file for _, files in PAIRS for file in files.values()} == WITHOUT_DICOM
    files = [path for path in folder.rglob("*") if path.suffix in (".dcm", ".seg")]
    held = {path.relative_to(folder).as_posix() for path in files if pydicom.dcmread(path).Modality == "SEG"}
    assert held == {dicom for dicom, _ in PAIRS}


def test_overlapping_segments_are_no_label_map(shared_data):
    path = shared_data / "dicom_seg" / "dcmqi_segmentations" / "partial_overlaps.dcm"
    with pytest.raises(InputError, match=r"GREEN and ORANGE in 3017 voxels.*expected one label per voxel: choose"):
        read_labels(path)
    expected = {s.number: s for s in read_segments(path)}
    found = read_labels(path, segments=["green", 4])
    np.testing.assert_array_equal(found.array == 1, expected[1].mask)
    np.testing.assert_array_equal(found.array == 4, expected[4].mask)
    assert dict(found.names) == {1: "GREEN", 4: "LIGHT_BLUE"}
    with pytest.raises(InputError, match=r"no segment 'PINK', expected some of 1 \(GREEN\), 2 \(ORANGE\)"):
        read_labels(path, segments=["PINK"])
    with pytest.raises(InputError, match="no segment is asked for"):
        read_labels(path, segments=[])


@pytest.mark.parametrize(
    "kind, syntax",
    [
        ("BINARY", None),
        ("LABELMAP", None),
        ("LABELMAP", RLELossless),
        ("LABELMAP", JPEGLSLossless),
        ("BINARY", DeflatedExplicitVRLittleEndian),
    ],
)
def test_labels_come_back_on_an_oblique_sagittal_grid(kind, syntax, labels, oblique_grid, write_dicom_seg, tmp_path):
    deflated = syntax == DeflatedExplicitVRLittleEndian
    path = write_dicom_seg(tmp_path / "IM0001", labels, oblique_grid, NAMES, kind, None if deflated else syntax)
    if deflated:  # of the whole data set, which highdicom does not write itself
        change(path, lambda dataset: setattr(dataset.file_meta, "TransferSyntaxUID", syntax))

    alone = read_labels(path)
    # Across its frames DICOM counts along the cross product of row and column: here against the grid of the image.
    np.testing.assert_array_equal(alone.array, labels[..., 7:1:-1], "the empty slice between comes back")
    np.testing.assert_allclose(
        alone.grid.to_world([0, 0, 0]), oblique_grid.to_world([0, 0, 7]), rtol=0, atol=DECIMAL_STRING_MM
    )
    np.testing.assert_allclose(alone.grid.directions, oblique_grid.directions * [1, 1, -1], atol=1e-6)
    np.testing.assert_allclose(alone.grid.spacing_mm, oblique_grid.spacing_mm, atol=1e-6)

    restored = read_labels(path, grid=oblique_grid)
    np.testing.assert_array_equal(restored.array, labels)
    assert restored.grid is oblique_grid
    assert (dict(restored.names), restored.array.dtype, restored.scheme) == (NAMES, np.uint8, NAMES_SCHEME)
    assert not restored.array.flags.writeable


def test_a_folder_with_a_single_segmentation_is_that_segmentation(labels, oblique_grid, write_dicom_seg, tmp_path):
    write_dicom_seg(tmp_path / "1.2.3", labels, oblique_grid, NAMES)
    np.testing.assert_array_equal(read_labels(tmp_path, grid=oblique_grid).array, labels)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flips", [(False, False, False), (True, False, True), (False, True, False)])
def test_frames_are_restored_in_any_storage_order_of_the_image(
    axes, flips, labels, oblique_grid, write_dicom_seg, tmp_path
):
    path = write_dicom_seg(tmp_path / "seg.dcm", labels, oblique_grid, NAMES)
    index = np.zeros((4, 4))
    index[3, 3] = 1
    for new, (old, flip) in enumerate(zip(axes, (flips[a] for a in axes), strict=True)):
        index[old, new] = -1 if flip else 1
        index[old, 3] = oblique_grid.shape[old] - 1 if flip else 0
    stored = np.flip(labels, [a for a in range(3) if flips[a]]).transpose(axes)
    image = Grid(stored.shape, oblique_grid.affine @ index)
    np.testing.assert_array_equal(read_labels(path, grid=image).array, stored)
    np.testing.assert_array_equal(read_segments(path, grid=image)[1].mask, stored == 2)


def test_overlapping_segments_written_by_highdicom(oblique_grid, write_dicom_seg, tmp_path):
    masks = np.zeros((*oblique_grid.shape, 3), np.uint8)
    masks[2:9, 3:12, 2:5, 0], masks[8:15, 3:12, 4:7, 1], masks[2:4, 20:22, 6, 2] = 1, 1, 1
    path = write_dicom_seg(tmp_path / "seg.dcm", masks, oblique_grid, NAMES)
    shared = int((masks[..., 0] & masks[..., 1]).sum())
    with pytest.raises(
        InputError, match=rf"seg\.dcm: segments overlap, L4 and L5 in {shared} voxels, expected one label"
    ):
        read_labels(path, grid=oblique_grid)
    for n, segment in enumerate(read_segments(path, grid=oblique_grid)):
        np.testing.assert_array_equal(segment.mask, masks[..., n] == 1)
        assert (segment.number, segment.name) == (n + 1, NAMES[n + 1])
        assert not segment.mask.flags.writeable
    np.testing.assert_array_equal(
        read_labels(path, segments=[1, "L4-L5"], grid=oblique_grid).array, masks[..., 0] + 3 * masks[..., 2]
    )


def test_a_scheme_that_is_given_wins_over_names(labels, oblique_grid, write_dicom_seg, tmp_path):
    found = read_labels(write_dicom_seg(tmp_path / "seg.dcm", labels, oblique_grid, NAMES), scheme="spider")
    assert (found.scheme, dict(found.names)) == ("spider", NAMES)


def test_a_segmentation_of_another_image_is_refused(labels, oblique_grid, write_dicom_seg, tmp_path):
    path = write_dicom_seg(tmp_path / "seg.dcm", labels, oblique_grid, NAMES)
    moved = oblique_grid.affine.copy()
    moved[:3, 3] += 1.1 * oblique_grid.directions[:, 2]
    with pytest.raises(GridMismatchError, match=r"lie up to 1\.1 mm beside the voxels of the image"):
        read_labels(path, grid=Grid(oblique_grid.shape, moved))
    with pytest.raises(GridMismatchError, match=r"reach outside the image \(shape \(20, 26, 7\)\)"):
        read_labels(path, grid=Grid((20, 26, 7), oblique_grid.affine))
    finer = Grid((40, 52, 9), oblique_grid.affine @ np.diag([0.5, 0.5, 1, 1]))
    with pytest.raises(GridMismatchError, match=r"its pixels of 0\.6 x 0\.7 mm are not those of the image"):
        read_labels(path, grid=finer)
    turned = Grid((20, 26, 9), np.diag([0.6, 0.7, 4.4, 1.0]))
    with pytest.raises(GridMismatchError, match=r"beside the voxels|turned against"):
        read_labels(path, grid=turned)


def change(path, edit):
    dataset = pydicom.dcmread(path)
    edit(dataset)
    dataset.save_as(path)


def set_positions(dataset, offsets):
    frames = dataset.PerFrameFunctionalGroupsSequence
    normal = np.cross(
        *np.reshape(
            dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient, (2, 3)
        )
    )
    places = np.array([f.PlanePositionSequence[0].ImagePositionPatient for f in frames], float) @ normal
    ranks = np.unique(places.round(3), return_inverse=True)[1]
    first = np.array(frames[int(places.argmin())].PlanePositionSequence[0].ImagePositionPatient, float)
    for frame, rank in zip(frames, ranks, strict=True):
        frame.PlanePositionSequence[0].ImagePositionPatient = (first + offsets[rank] * normal).round(6).tolist()


def test_stated_spacing_counts_where_every_gap_is_a_multiple(labels, oblique_grid, write_dicom_seg, tmp_path):
    only = labels.copy()
    only[..., [3, 5, 7]] = 0  # slices 2 and 6 are left: without the stated spacing they would be neighbours
    found = read_labels(write_dicom_seg(tmp_path / "seg.dcm", only, oblique_grid, NAMES))
    np.testing.assert_array_equal(found.array, only[..., 6:1:-1])


def test_the_smallest_gap_counts_where_no_spacing_is_stated(labels, oblique_grid, write_dicom_seg, tmp_path):
    path = write_dicom_seg(tmp_path / "seg.dcm", labels, oblique_grid, NAMES)

    def forget(dataset):
        del dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices

    change(path, forget)
    np.testing.assert_array_equal(read_labels(path).array, labels[..., 7:1:-1])


def test_a_wrong_stated_spacing_gives_way_to_the_positions(labels, oblique_grid, write_dicom_seg, tmp_path):
    path = write_dicom_seg(tmp_path / "seg.dcm", labels, oblique_grid, NAMES)

    def misstate(dataset):
        dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices = 3.0

    change(path, misstate)
    found = read_labels(path)
    assert found.grid.spacing_mm[2] == pytest.approx(4.4, abs=1e-4)
    np.testing.assert_array_equal(found.array, labels[..., 7:1:-1])


def test_slices_at_no_regular_distance_are_refused_with_their_places(labels, oblique_grid, write_dicom_seg, tmp_path):
    path = write_dicom_seg(tmp_path / "seg.dcm", labels, oblique_grid, NAMES)
    change(path, lambda dataset: set_positions(dataset, [0.0, 4.4, 10.0, 14.4, 18.8]))
    with pytest.raises(InputError, match=r"its slices lie at 0, 4\.4, 10, 14\.4, 18\.8 mm, expected multiples of one"):
        read_labels(path)


@pytest.mark.parametrize("stated, depth", [("SpacingBetweenSlices", 4.4), ("SliceThickness", 3.5)])
def test_a_single_slice_takes_the_stated_depth(stated, depth, labels, oblique_grid, write_dicom_seg, tmp_path):
    only = np.where(np.arange(9) == 5, labels, 0)
    path = write_dicom_seg(tmp_path / "seg.dcm", only, oblique_grid, NAMES)

    def state(dataset):
        measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        measures.SliceThickness = 3.5
        if stated == "SliceThickness":
            del measures.SpacingBetweenSlices

    change(path, state)
    found = read_labels(path)
    assert found.grid.spacing_mm[2] == pytest.approx(depth, abs=1e-6)
    np.testing.assert_array_equal(found.array, only[..., 5:6])


def tilt_one(dataset):
    group = pydicom.Dataset()
    group.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PerFrameFunctionalGroupsSequence[3].PlaneOrientationSequence = [group]


def shift_one(dataset):
    position = dataset.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence[0]
    shared = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    row = np.array(shared.ImageOrientationPatient[:3], float)
    position.ImagePositionPatient = (np.array(position.ImagePositionPatient, float) + 3 * row).round(6).tolist()


def forget_place(dataset):
    del dataset.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence


def skew(dataset):
    shared = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    shared.ImageOrientationPatient = [0, 1, 0, 0, 0.6, -0.8]
    for n, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        frame.PlanePositionSequence[0].ImagePositionPatient = [n, 0, 0]


def change_pixels_of_one(dataset):
    frames, shared = dataset.PerFrameFunctionalGroupsSequence, dataset.SharedFunctionalGroupsSequence[0]
    for n, frame in enumerate(frames):
        measures = pydicom.Dataset()
        measures.SliceThickness, measures.PixelSpacing = 4.4, [0.7, 0.5 if n == 1 else 0.6]
        frame.PixelMeasuresSequence = [measures]
    del shared.PixelMeasuresSequence


def move_far_apart(dataset):
    dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices = 0.1
    set_positions(dataset, [0.0, 0.1, 0.2, 0.3, 90000.0])
    dataset.Rows = dataset.Columns = 4096


def move_away(dataset):
    set_positions(dataset, [0.0, 4.4, 8.8, 13.2, 1e9])


def repeat_a_frame(dataset):
    frames = dataset.PerFrameFunctionalGroupsSequence
    frames[1] = frames[0]


def forget_kind(dataset):
    del dataset.SegmentSequence[0].SegmentedPropertyTypeCodeSequence


def make_fractional(dataset):
    dataset.SegmentationType = "FRACTIONAL"


def make_fractional_of_bits(dataset):
    make_fractional(dataset)
    dataset.SegmentationFractionalType, dataset.MaximumFractionalValue = "PROBABILITY", 255


def make_tiled(dataset):
    dataset.DimensionOrganizationType = "TILED_FULL"


def drop_pixels(dataset):
    del dataset.PixelData


def cut_pixels(dataset):
    dataset.PixelData = dataset.PixelData[:20]


def name_unknown_segment(dataset):
    dataset.PerFrameFunctionalGroupsSequence[0].SegmentIdentificationSequence[0].ReferencedSegmentNumber = 9


def make_image(dataset):
    dataset.SOPClassUID, dataset.Modality = pydicom.uid.MRImageStorage, "MR"


def drop_one_frame(dataset):
    dataset.PerFrameFunctionalGroupsSequence = dataset.PerFrameFunctionalGroupsSequence[:-1]


def empty_pixels(dataset):
    dataset.PixelData = bytes(len(dataset.PixelData))


def misstate_type(dataset):
    dataset.SegmentationType = "SURFACE"


@pytest.mark.parametrize(
    "edit, message",
    [
        (tilt_one, r"frame 4 is turned against the first by .* degrees, expected one stack"),
        (shift_one, r"frames are shifted by up to 3 mm in their plane"),
        (skew, r"rows and columns of its frames are not at right angles"),
        (change_pixels_of_one, r"its frames do not make up one volume.* with pixels of one size"),
        (forget_kind, r"lacks what DICOM requires of a segmentation \(.*SegmentedPropertyTypeCodeSequence"),
        (move_far_apart, r"its frames span a volume of .* voxels: is its header damaged"),
        (move_away, r"its frames do not lie within 100000 mm of the origin"),
        (repeat_a_frame, r"its pixels are .* or given twice for a slice"),
        (forget_place, r"frame 2 does not say where in the patient it is"),
        (make_fractional, r"its fractions are parts of None, expected a largest value of 1 to 255"),
        (make_fractional_of_bits, r"found 1 bits and 1 samples per pixel, expected 8 bits"),
        (misstate_type, r"found the segmentation type 'SURFACE', expected BINARY, LABELMAP, FRACTIONAL"),
        (make_tiled, r"is made of tiles of a slide"),
        (drop_pixels, r"holds no frames"),
        (cut_pixels, r"its pixels are damaged, truncated"),
        (empty_pixels, r"is empty: every voxel is 0"),
        (name_unknown_segment, r"frame 1 belongs to the segment 9, expected one of 1 \(L4\), 2 \(L5\), 3 \(L4-L5\)"),
        (make_image, r"is a DICOM file but no segmentation \(MR\), expected the labels as DICOM SEG"),
        (lambda dataset: dataset.__delattr__("Rows"), r"does not say how large its frames are"),
        (
            lambda dataset: setattr(dataset, "BitsAllocated", 32),
            r"found 32 bits and 1 samples per pixel, expected 1 or 8",
        ),
        (drop_one_frame, r"states 15 frames and describes 14"),
    ],
)
def test_what_cannot_be_trusted_is_refused(edit, message, labels, oblique_grid, write_dicom_seg, tmp_path):
    path = write_dicom_seg(tmp_path / "seg.dcm", labels, oblique_grid, NAMES)
    change(path, edit)
    with pytest.raises(InputError, match=message):
        read_labels(path)


def test_fields_of_view_that_are_cropped_per_frame_are_placed_on_the_image(
    labels, oblique_grid, write_dicom_seg, tmp_path
):
    path = write_dicom_seg(tmp_path / "seg.dcm", labels[4:17], Grid((13, 26, 9), shifted(oblique_grid, 4)), NAMES)
    np.testing.assert_array_equal(read_labels(path, grid=oblique_grid).array, labels)


def shifted(grid, columns):
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_world([columns, 0, 0])
    return affine


@pytest.mark.parametrize("keep", [140, 700, 3000, 0.6, 0.95])
def test_a_truncated_file_is_never_read_in_part(keep, labels, oblique_grid, write_dicom_seg, tmp_path):
    path = write_dicom_seg(tmp_path / "seg.dcm", labels, oblique_grid, NAMES)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    with pytest.raises(InputError, match=r"seg\.dcm"):
        read_labels(path)


def test_a_segment_without_label_is_called_what_it_is(labels, oblique_grid, write_dicom_seg, tmp_path):
    path = write_dicom_seg(tmp_path / "seg.dcm", labels, oblique_grid, NAMES)

    def forget(dataset):
        del dataset.SegmentSequence[0].SegmentLabel

    change(path, forget)
    assert read_labels(path).names[1] == "Bone"


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_headers_without_indices_or_frame_of_reference_are_completed(
    kind, labels, oblique_grid, write_dicom_seg, tmp_path
):
    path = write_dicom_seg(tmp_path / "seg.dcm", labels, oblique_grid, {**NAMES, 4: "S1"}, kind)

    def forget(dataset):
        del dataset.DimensionIndexSequence, dataset.FrameOfReferenceUID
        for frame in dataset.PerFrameFunctionalGroupsSequence:
            del frame.FrameContentSequence

    change(path, forget)
    np.testing.assert_array_equal(read_labels(path, grid=oblique_grid).array, labels)
    segments = {segment.number: segment for segment in read_segments(path, grid=oblique_grid)}
    assert {n: bool(s.mask.any()) for n, s in segments.items()} == {1: True, 2: True, 3: True, 4: False}
    np.testing.assert_array_equal(read_labels(path, segments=["L5"], grid=oblique_grid).array, 2 * (labels == 2))


@pytest.mark.parametrize("places", [(2, 4, 7), (3,)])
def test_gaps_without_a_stated_spacing_are_filled_by_the_image(places, labels, oblique_grid, write_dicom_seg, tmp_path):
    only = np.where(np.isin(np.arange(9), places), labels.max(axis=2, keepdims=True), 0).astype(np.uint8)
    path = write_dicom_seg(tmp_path / "seg.dcm", only, oblique_grid, NAMES)

    def forget(dataset):
        del dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices

    change(path, forget)
    np.testing.assert_array_equal(read_labels(path, grid=oblique_grid).array, only)


def test_segments_are_decoded_one_at_a_time(labels, oblique_grid, write_dicom_seg, tmp_path):
    held = open_dicom_seg(write_dicom_seg(tmp_path / "seg.dcm", labels, oblique_grid, NAMES))
    found = held.masks(NAMES)
    assert next(found)[1].sum() == (labels == 1).sum()
    assert {mask.shape for _, mask in found} == {(20, 26, 6)}


@pytest.fixture
def probabilities(labels):
    """Shares of the three segments in 255ths: fractions of two structures meet between them, nothing is beyond 1."""
    hard = np.stack([labels == n for n in (1, 2, 3)], axis=-1).astype(float)
    soft = 0.6 * hard
    soft[:, 1:] += 0.4 * hard[:, :-1]
    return np.rint(soft * 255) / 255


def test_fractional_segments_are_shares(labels, probabilities, oblique_grid, write_dicom_seg, tmp_path):
    path = write_dicom_seg(tmp_path / "seg.dcm", probabilities, oblique_grid, NAMES, kind="FRACTIONAL")
    found = read_labels(path, grid=oblique_grid)
    assert found.shares is not None
    # 255ths come back as they are, in single precision
    np.testing.assert_allclose(found.shares, probabilities.sum(axis=-1), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.array, np.where(probabilities.any(-1), probabilities.argmax(-1) + 1, 0))
    assert (found.array[found.hard == 0] > 0).any()
    assert dict(found.names) == NAMES
    for segment in read_segments(path, grid=oblique_grid):
        np.testing.assert_array_equal(segment.mask, probabilities[..., segment.number - 1] >= 0.5)


def test_a_fractional_segment_below_one_half_everywhere_is_empty(
    probabilities, oblique_grid, write_dicom_seg, tmp_path
):
    path = write_dicom_seg(tmp_path / "seg.dcm", probabilities / 4, oblique_grid, NAMES, kind="FRACTIONAL")
    with pytest.raises(InputError, match=r"seg\.dcm is empty"):
        read_labels(path)


def test_fractional_segments_of_more_than_whole_voxels_are_refused(
    probabilities, oblique_grid, write_dicom_seg, tmp_path
):
    probabilities[..., 2] = probabilities[..., 0]
    path = write_dicom_seg(tmp_path / "seg.dcm", probabilities, oblique_grid, NAMES, kind="FRACTIONAL")
    with pytest.raises(InputError, match=r"L4 and L4-L5 in \d+ voxels, expected shares that add up to 1 at most"):
        read_labels(path)
    assert read_labels(path, segments=["L4", "L5"]).shares is not None
