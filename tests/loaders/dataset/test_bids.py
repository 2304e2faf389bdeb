import json
import os
from pathlib import Path

import pytest

from foramgrade.anatomy.schemes import scheme_names
from foramgrade.errors import InputError
from foramgrade.findings import Sequence
from foramgrade.loaders.dataset import read_bids
from foramgrade.loaders.dataset.bids_labels import _SCHEME_OF_TOOL
from foramgrade.loaders.pseudonym import CaseNames, case_id
from foramgrade.loaders.sidecar import acquisition_of

NO_LABELS = ("no label map fits the image's name",)


def plant(root: Path, *names: str, **fields: object) -> Path:
    """Make files; those that end in .json hold the fields."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(fields) if name.endswith(".json") else "")
    return root


def only(root: Path, **options: object):
    (case,) = read_bids(root, **options)
    return case


def test_images_of_all_subjects_and_sessions_in_order(tmp_path):
    plant(
        tmp_path,
        "sub-02/anat/sub-02_acq-sag_T2w.nii.gz",
        "sub-02/anat/sub-02_acq-sag_T1w.nii",
        "sub-01/ses-b/anat/sub-01_ses-b_T1w.nii.gz",
        "sub-01/ses-a/anat/sub-01_ses-a_run-2_PDw.nii.gz",
        "sub-01/ses-a/anat/sub-01_ses-a_FLAIR.nii.gz",
        "sub-01/ses-a/func/sub-01_ses-a_T2w.nii.gz",
        "sub-01/ses-a/anat/sub-01_ses-a_T2w_desc-edited.nii.gz",
        "sub-01/ses-a/anat/sub-01_ses-a_desc-denoised_T2w.nii.gz",
        "dataset_description.json",
        "participants.tsv",
    )
    cases = list(read_bids(tmp_path))
    assert [(case.case, case.patient, case.sequence) for case in cases] == [
        ("sub-01_ses-a_run-2_PDw", "sub-01", Sequence.PD),
        ("sub-01_ses-b_T1w", "sub-01", Sequence.T1),
        ("sub-02_acq-sag_T1w", "sub-02", Sequence.T1),
        ("sub-02_acq-sag_T2w", "sub-02", Sequence.T2),
    ]
    assert all(case.problems == NO_LABELS and case.labels is None for case in cases)
    assert cases == list(read_bids(str(tmp_path)))
    assert [case.case for case in read_bids(tmp_path, entities={"ses": "b"}) if case.image] == ["sub-01_ses-b_T1w"]


def test_a_subject_without_an_image_is_a_case_without_one(tmp_path):
    case = only(plant(tmp_path, "sub-01/func/sub-01_bold.nii.gz"))
    assert (case.case, case.image, case.problems) == ("sub-01", None, ("no T1w, T2w or PDw image",))
    case = only(plant(tmp_path, "sub-01/anat/sub-01_T2w.nii"), entities={"acq": "sag"})
    assert case.problems == ("no T1w, T2w or PDw image with acq-sag",)


@pytest.mark.parametrize(
    "image, maps, expected",
    [
        (  # SPINEPS beside raw data
            "rawdata/sub-1/ses-2/anat/sub-1_ses-2_acq-sag_T2w.nii.gz",
            ["derivatives_seg/sub-1/ses-2/anat/sub-1_ses-2_acq-sag_mod-T2w_seg-{}_msk.nii.gz"],
            ("spine", "vert", "spineps"),
        ),
        (  # SPINEPS on a single file
            "sub-1/anat/sub-1_T2w.nii.gz",
            ["sub-1/anat/derivatives_seg/sub-1_mod-T2w_seg-{}_msk.nii.gz"],
            ("spine", "vert", "spineps"),
        ),
        (  # TPTBox
            "rawdata/sub-1/sub-1_label-6_T2w.nii.gz",
            ["derivatives/sub-1/sub-1_seg-{}_label-6_msk.nii.gz"],
            ("subreg", "vert", "spineps"),
        ),
        (  # VerSe
            "rawdata/sub-1/sub-1_T2w.nii.gz",
            ["derivatives/sub-1/sub-1_seg-vert_msk.nii.gz"],
            ("vert", None, "verse"),
        ),
        (  # TotalSpineSeg, named by its pipeline, by its map, by the Spinal Cord Toolbox
            "sub-1/anat/sub-1_T1w.nii.gz",
            ["derivatives/TotalSpineSeg/sub-1/anat/sub-1_T1w_label-spine_dseg.nii.gz"],
            ("label-spine", None, "totalspineseg"),
        ),
        (
            "sub-1/anat/sub-1_T1w.nii.gz",
            ["derivatives/labels/sub-1/anat/sub-1_space-T1w_desc-totalspineseg_dseg.nii.gz"],
            ("desc", None, "totalspineseg"),
        ),
        (
            "sub-1/anat/sub-1_T1w.nii.gz",
            [f"derivatives/sct/sub-1/anat/sub-1_T1w_step{n}_output.nii.gz" for n in (1, 2)],
            ("step2", None, "totalspineseg"),
        ),
    ],
)
def test_labels_of_the_usual_tools_are_found(image, maps, expected, tmp_path):
    kinds = ("spine-raw", "spine", "vert") if expected[0] == "spine" else ("subreg", "vert")
    plant(tmp_path, image, *(name.format(kind) for name in maps for kind in kinds))
    case = only(tmp_path)
    assert case.problems == ()
    assert expected[0] in case.labels.name
    assert "raw" not in case.labels.name
    assert (case.instances and "vert") == expected[1]
    assert case.instances is None or "seg-vert" in case.instances.name
    assert case.scheme == expected[2]


def test_the_real_files_of_tptbox_are_matched(shared_data, tmp_path):
    for path in (shared_data / "tptbox_mri").glob("*.nii.gz"):
        folder = tmp_path / ("derivatives" if "seg-" in path.name else "rawdata") / "sub-mri"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / path.name).symlink_to(path)
    case = only(tmp_path)
    assert (case.case, case.scheme, case.problems) == ("sub-mri_label-6_T2w", "spineps", ())
    assert case.labels.name == "sub-mri_seg-subreg_label-6_msk.nii.gz"
    assert case.instances.name == "sub-mri_seg-vert_label-6_msk.nii.gz"


def test_labels_of_other_images_and_structures_are_left(tmp_path):
    plant(
        tmp_path,
        "sub-1/anat/sub-1_acq-sag_T2w.nii.gz",
        *(
            f"derivatives/d/sub-1/anat/{name}.nii.gz"
            for name in (
                "sub-1_acq-sag_T1w_label-spine_dseg",
                "sub-1_acq-ax_T2w_label-spine_dseg",
                "sub-1_acq-sag_mod-T1w_seg-vert_msk",
                "sub-1_acq-sag_T2w_label-canal_seg",
                "sub-1_acq-sag_T2w_label-SC_dseg",
                "sub-2_acq-sag_T2w_dseg",
            )
        ),
    )
    assert only(tmp_path).problems == NO_LABELS


def test_the_map_that_names_the_image_most_exactly_is_chosen(tmp_path):
    plant(
        tmp_path,
        "sub-1/anat/sub-1_acq-sag_T2w.nii.gz",
        "derivatives/d/sub-1/anat/sub-1_dseg.nii.gz",
        "derivatives/d/sub-1/anat/sub-1_acq-sag_T2w_dseg.nii.gz",
    )
    case = only(tmp_path, scheme="spider")
    assert case.labels.name == "sub-1_acq-sag_T2w_dseg.nii.gz"
    assert (case.scheme, case.problems) == ("spider", ())


def test_several_maps_are_a_problem_that_lists_them(tmp_path):
    plant(
        tmp_path,
        "sub-1/anat/sub-1_T2w.nii.gz",
        "derivatives/a/sub-1/anat/sub-1_T2w_desc-manual_dseg.nii.gz",
        "derivatives/a/sub-1/anat/sub-1_T2w_desc-auto_dseg.nii.gz",
        "derivatives/totalspineseg/sub-1/anat/sub-1_T2w_dseg.nii.gz",
    )
    case = only(tmp_path)
    assert case.labels is case.scheme is None
    assert case.problems == (
        "3 label maps fit, choose by derivatives or label_entities: a/sub-1_T2w_desc-auto_dseg.nii.gz, "
        "a/sub-1_T2w_desc-manual_dseg.nii.gz, totalspineseg/sub-1_T2w_dseg.nii.gz",
    )
    assert only(tmp_path, derivatives="totalspineseg").problems == ()
    case = only(tmp_path, derivatives=tmp_path / "derivatives" / "a", label_entities={"desc": "manual"})
    assert case.labels.name == "sub-1_T2w_desc-manual_dseg.nii.gz"
    assert case.problems == (
        "nothing beside sub-1_T2w_desc-manual_dseg.nii.gz tells its label scheme: "
        "give one, if the file names no labels",
    )


def test_a_map_in_a_template_space_is_not_used(tmp_path):
    plant(tmp_path, "sub-1/anat/sub-1_T2w.nii", "derivatives/d/sub-1/anat/sub-1_T2w_space-PAM50_dseg.nii.gz")
    assert only(tmp_path).problems == (
        "no label map lies in the image's space, found sub-1_T2w_space-PAM50_dseg.nii.gz",
    )
    plant(tmp_path, "derivatives/d/sub-1/anat/sub-1_T2w_space-resampled_dseg.nii.gz")
    assert only(tmp_path).labels.name == "sub-1_T2w_space-resampled_dseg.nii.gz"


def test_subregions_without_vertebrae_are_a_problem(tmp_path):
    plant(tmp_path, "sub-1/anat/sub-1_T2w.nii", "derivatives_seg/sub-1/anat/sub-1_mod-T2w_seg-spine_msk.nii.gz")
    (problem,) = only(tmp_path).problems
    assert problem.endswith("holds parts of vertebrae, and its map of vertebrae (seg-vert) is missing")


def test_the_description_of_a_pipeline_tells_the_scheme(tmp_path):
    plant(tmp_path, "sub-1/anat/sub-1_T2w.nii", "derivatives/d/sub-1/anat/sub-1_T2w_dseg.nii.gz")
    plant(tmp_path, "derivatives/d/dataset_description.json", GeneratedBy=[{"Name": "Total-Spine-Seg"}])
    assert only(tmp_path).scheme == "totalspineseg"
    plant(tmp_path, "derivatives/d/dataset_description.json", GeneratedBy=5)
    assert only(tmp_path).scheme is None


def test_a_table_beside_a_map_makes_up_for_the_scheme(tmp_path):
    plant(tmp_path, "sub-1/anat/sub-1_T2w.nii", "derivatives/d/sub-1/anat/sub-1_desc-a_dseg.nii.gz")
    plant(tmp_path, "derivatives/d/sub-1/anat/sub-1_desc-a_dseg.tsv")
    case = only(tmp_path)
    assert (case.labels.name, case.scheme, case.problems) == ("sub-1_desc-a_dseg.nii.gz", None, ())
    plant(tmp_path, "derivatives/d/sub-1/anat/sub-1_dseg.tsv", "derivatives/d/sub-1/anat/desc-a_dseg.tsv")
    (tmp_path / "derivatives/d/sub-1/anat/sub-1_desc-a_dseg.tsv").unlink()
    (problem,) = only(tmp_path).problems
    assert problem.endswith("both name its labels, expected one table")


def test_the_schemes_told_by_names_come_with_the_package():
    told = {"spineps", "verse", *_SCHEME_OF_TOOL.values()}
    assert told <= set(scheme_names())


def test_sidecars_are_inherited(tmp_path):
    plant(tmp_path, "sub-1/ses-1/anat/sub-1_ses-1_acq-sag_T2w.nii")
    plant(tmp_path, "T2w.json", EchoTime=0.1, RepetitionTime=4.0, EchoTrainLength=16)
    plant(tmp_path, "acq-sag_T2w.json", EchoTime=0.09)
    plant(tmp_path, "acq-ax_T2w.json", "T1w.json", "task-x_T2w.json", EchoTime=0.01)
    plant(tmp_path, "sub-1/ses-1/anat/sub-1_ses-1_acq-sag_T2w.json", RepetitionTime=3.5)
    case = only(tmp_path)
    assert case.sequence is Sequence.T2
    assert "92" not in case.contrast_reason
    assert "90" in case.contrast_reason
    assert "3500" in case.contrast_reason
    assert case.problems == NO_LABELS


def test_a_stir_called_t2w_is_named(tmp_path):
    plant(tmp_path, "sub-1/anat/sub-1_T2w.nii")
    plant(
        tmp_path,
        "sub-1/anat/sub-1_T2w.json",
        EchoTime=0.06,
        RepetitionTime=4.0,
        InversionTime=0.16,
        ScanningSequence="SE_IR",
        MagneticFieldStrength=1.5,
    )
    case = only(tmp_path)
    assert case.sequence is Sequence.STIR
    assert case.fat_suppressed is True
    assert case.problems[0].startswith("the file is called T2w, and its sidecar says STIR (")


def test_without_sidecars_the_suffix_tells(tmp_path):
    case = only(plant(tmp_path, "sub-1/anat/sub-1_T1w.nii"))
    assert (case.sequence, case.fat_suppressed, case.contrast_reason) == (Sequence.T1, None, "BIDS suffix T1w")


def test_milliseconds_are_not_taken_for_seconds():
    acquisition, problems = acquisition_of({"EchoTime": 92, "RepetitionTime": 4320, "InversionTime": 0})
    assert acquisition.echo_time_ms is acquisition.repetition_time_ms is acquisition.inversion_time_ms is None
    assert problems[0] == "the sidecar says EchoTime 92, expected seconds, at most 2: it is left out"
    assert len(problems) == 2


def test_a_sidecar_is_translated_without_names():
    acquisition, problems = acquisition_of(
        {
            "EchoTime": [0.092],
            "RepetitionTime": "4",
            "FlipAngle": float("nan"),
            "EchoTrainLength": 17,
            "ScanOptions": "PFP_FS",
            "ScanningSequence": ["SE", "IR"],
            "ImageType": ["ORIGINAL", "PRIMARY"],
            "SequenceVariant": 3,
            "SequenceName": "*tse2d1_17",
            "SeriesDescription": "T2 sag Doe",
            "ProtocolName": "spine 1961-02-03",
            "PatientName": "Doe^Jane",
            "PatientBirthDate": "1961-02-03",
        }
    )
    assert problems == []
    assert (acquisition.echo_time_ms, acquisition.repetition_time_ms, acquisition.flip_angle_deg) == (92.0, None, None)
    assert acquisition.echo_train_length == 17
    assert (acquisition.scan_options, acquisition.scanning_sequence) == (("PFP", "FS"), ("SE", "IR"))
    assert (acquisition.image_type, acquisition.sequence_variant) == (("ORIGINAL", "PRIMARY"), ())
    assert acquisition.description == "T2 sag spine"


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"{", "the sidecar sub-1_T2w.json cannot be read as JSON and is left out"),
        (b"\xff\xfe", "the sidecar sub-1_T2w.json cannot be read as JSON and is left out"),
        (b'{"EchoTime": ' + b"[" * 200_000, "the sidecar sub-1_T2w.json cannot be read as JSON and is left out"),
        (b"[1]", "the sidecar sub-1_T2w.json holds no fields, expected a JSON object"),
    ],
)
def test_a_bad_sidecar_is_a_problem_of_its_image(content, problem, tmp_path):
    plant(tmp_path, "sub-1/anat/sub-1_T2w.nii", "sub-1/anat/sub-1_T2w.json")
    (tmp_path / "sub-1/anat/sub-1_T2w.json").write_bytes(content)
    assert only(tmp_path).problems == (problem, *NO_LABELS)


def test_files_that_are_not_fetched_and_phases_are_named(tmp_path):
    plant(tmp_path, "sub-1/anat/sub-1_part-phase_T2w.nii")
    (tmp_path / "sub-1/anat/sub-1_T1w.nii.gz").symlink_to(tmp_path / ".git/annex/objects/x")
    link, phase = read_bids(tmp_path)
    assert link.problems[0].startswith("the image is a link to a file that is not here")
    assert phase.problems[0] == "the image is not one of magnitudes: part-phase"


def test_hashed_names_show_no_labels(tmp_path):
    plant(
        tmp_path,
        "sub-Doe/ses-20190203/anat/sub-Doe_ses-20190203_T2w.nii",
        *(f"derivatives/d/sub-Doe/sub-Doe_ses-20190203_T2w_desc-{n}_dseg.nii" for n in "ab"),
    )
    case = only(tmp_path, names=CaseNames.HASHED, salt="ours")
    assert case.case == case_id("sub-Doe_ses-20190203_T2w", salt="ours")
    assert case.patient == case_id("sub-Doe", salt="ours")
    assert "d/sub-*_ses-*_T2w_desc-a_dseg.nii" in case.problems[0]
    assert "Doe" not in repr(case)
    assert "2019" not in repr(case)


def test_cases_come_one_by_one(tmp_path, monkeypatch):
    plant(tmp_path, *(f"sub-{n}/anat/sub-{n}_T2w.nii" for n in (1, 2)))
    walked = []
    original = os.walk
    monkeypatch.setattr(os, "walk", lambda top, **o: walked.append(Path(top).name) or original(top, **o))
    stream = read_bids(tmp_path)
    assert walked == []
    next(stream)
    assert "sub-2" not in walked
    assert walked.count("sub-1") == 1
    next(stream)
    assert walked.count("sub-1") == walked.count("sub-2") == 1


def test_a_folder_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    plant(tmp_path, "sub-1/anat/sub-1_T2w.nii", "sub-1/ses-1/x", "sub-2/x", "derivatives/d/sub-1/x")
    # Permissions do not bind the superuser, as whom tests run in containers.
    original = os.scandir

    def scandir(path):
        if Path(path).name in ("ses-1", "sub-2") or "derivatives" in Path(path).parts:
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)
    cases = {case.case: case.problems for case in read_bids(tmp_path, derivatives=tmp_path / "derivatives" / "d")}
    assert cases == {
        "sub-1_T2w": (
            "the folder ses-1 cannot be opened: Permission denied",
            "the folder sub-1 cannot be opened: Permission denied",
            *NO_LABELS,
        ),
        "sub-2": ("the folder sub-2 cannot be opened: Permission denied", "no T1w, T2w or PDw image"),
    }


def test_a_folder_that_is_no_bids_is_refused(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder"):
        read_bids(tmp_path / "nowhere")
    (tmp_path / "rawdata").mkdir()
    with pytest.raises(InputError, match="is no BIDS data set: found no folder of a subject"):
        read_bids(tmp_path)


def test_derivatives_as_images_are_refused(tmp_path):
    plant(tmp_path, "sub-1/anat/sub-1_T2w.nii")
    plant(tmp_path, "dataset_description.json", DatasetType="derivative")
    with pytest.raises(InputError, match="holds derivatives: give the folder of the images"):
        read_bids(tmp_path)
    (tmp_path / "dataset_description.json").write_text("{")
    with pytest.raises(InputError, match=r"dataset_description\.json cannot be read as JSON"):
        read_bids(tmp_path)


def test_an_unknown_pipeline_is_refused(tmp_path):
    plant(tmp_path, "sub-1/anat/sub-1_T2w.nii", "derivatives/a/x.txt", "derivatives_seg/x.txt")
    with pytest.raises(InputError, match="has no derivatives 'b', found a, derivatives_seg"):
        read_bids(tmp_path, derivatives="b")
    plant(tmp_path, "derivatives/a/dataset_description.json")
    (tmp_path / "derivatives/a/dataset_description.json").write_text("{")
    with pytest.raises(InputError, match=r"a/dataset_description\.json cannot be read as JSON"):
        read_bids(tmp_path)
