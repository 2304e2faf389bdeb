"""Manifests: what their rows mean, and every refusal with its sentence."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from foramgrade.batch.cases import BatchCase, Complaints
from foramgrade.batch.finding import find_cohort
from foramgrade.batch.manifest import Defaults
from foramgrade.batch.plan import Plan, Shard, parse_shard
from foramgrade.errors import InputError
from foramgrade.findings import Sequence


def _cases(path: Path, **defaults: object) -> list[BatchCase]:
    with Plan(find_cohort(path, defaults=Defaults(**defaults))) as plan:  # type: ignore[arg-type]
        return list(plan.cases(Shard()))


def _write(folder: Path, text: str, name: str = "m.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


ROWS: Mapping[str, list[object]] = {
    "case": ["a", "b"],
    "image": ["a.nii.gz", "/abs/b.nii.gz"],
    "labels": ["a_seg.nii.gz", None],
    "points": [None, "b.csv"],
    "scheme": ["spider", None],
    "sequence": ["t2", None],
    "patient": ["p1", "p2"],
    "state": ["before", None],
    "Age": [61, 72],
}


@pytest.mark.parametrize("name", ["m.csv", "m.tsv", "semicolons.csv", "m.parquet"])
def test_rows_of_every_format_mean_the_same(tmp_path: Path, name: str) -> None:
    frame, path = pd.DataFrame(ROWS), tmp_path / name
    if name.endswith(".parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep={"m.csv": ",", "m.tsv": "\t"}.get(name, ";"))
    cohort = find_cohort(path, defaults=Defaults())
    assert (cohort.kind, cohort.carried) == ("manifest", ("patient", "state", "Age"))
    first, second = _cases(path, sequence=Sequence.T1)
    assert (first.case, first.number, first.carried) == ("a", 0, ("p1", "before", "61"))
    assert (second.case, second.number, second.carried) == ("b", 1, ("p2", None, "72"))
    assert first.files is not None
    assert second.files is not None
    assert (first.files.image, first.files.labels) == (tmp_path / "a.nii.gz", tmp_path / "a_seg.nii.gz")
    assert (first.files.scheme, first.files.sequence, first.files.points) == ("spider", Sequence.T2, None)
    assert (second.files.image, second.files.points) == (Path("/abs/b.nii.gz"), tmp_path / "b.csv")
    assert (second.files.scheme, second.files.sequence, second.files.labels) == (None, Sequence.T1, None)


def test_a_case_without_a_name_gets_a_pseudonym_that_the_salt_changes(tmp_path: Path) -> None:
    path = _write(tmp_path, "image,labels\nDoe_John/i.nii,l.nii\n")
    (one,), (other,) = _cases(path), _cases(path, salt="mine")
    assert one.case.startswith("case-")
    assert other.case != one.case
    assert "Doe" not in one.case


def test_defaults_hold_where_a_row_is_silent(tmp_path: Path) -> None:
    path = _write(tmp_path, "case,image,labels,scheme,levels\na,i,l,,\nb,i,l,verse,5=L1\nc,i,l,own.json,\n")
    first, second, third = _cases(path, scheme="spider", levels="first=T12")
    assert all(case.files is not None for case in (first, second, third))
    assert (first.files.scheme, first.files.level_names) == ("spider", {"first": "T12"})
    assert (second.files.scheme, second.files.level_names) == ("verse", {5: "L1"})
    assert third.files.scheme == str(tmp_path / "own.json")


def test_what_cannot_be_assessed_is_skipped_with_the_reason(tmp_path: Path) -> None:
    path = _write(tmp_path, "case,image,labels\na,,l\n\n,,\nb,i,\n")
    first, second = _cases(path)
    assert (first.files, first.skipped) == (None, "the manifest names no image")
    assert (second.files, second.skipped) == (None, "the manifest names neither labels nor points")


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "is empty"),
        (
            "case,labels\na,b\n",
            r"lacks the column image, found the columns 'case', 'labels'; expected some of case, im",
        ),
        ("image,image\na,b\n", r"names the columns image twice"),
        ("image,labels,area_mm2\na,b,3\n", "the results have columns area_mm2 of their own"),
        ("image,labels,Outcome\na,b,3\n", "the results have columns Outcome of their own"),
        ("image,labels\n", "holds no case, expected one at least"),
        ("case,image,labels\na,i,l\nA,i,l\n", r"1 problem: the case 'A' of row 2 has the name of row 1"),
        ("case,image,labels\na,i\n", r"1 problem: line 2: found 2 cells, expected 3"),
        ("case,image,labels,scheme\na,i,l,spidre\n", r"line 2: the scheme is 'spidre', expected one of .*spider"),
        ("case,image,labels,sequence\na,i,l,PD\n", r"line 2: the sequence is 'PD', expected T1 or T2, or nothing"),
        ("case,image,points,instances\na,i,p,n\n", "instances are given without the labels"),
        ("case,image,labels,levels\na,i,l,5=\n", "line 2: "),
        ("case,image,labels\na,i\0,l\n", r"line 2: image is 'i.*', which holds a zero byte, expected the"),
        ("case,image,labels,scheme\na,i,l,a\0.json\n", r"line 2: scheme is 'a.*json', which holds a zero byte"),
        ('image,labels\n"a,b\n', "cannot be read as a table"),
    ],
)
def test_a_manifest_is_refused_with_what_is_wrong(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        _cases(_write(tmp_path, text))


def test_many_problems_are_said_at_once_and_counted(tmp_path: Path) -> None:
    rows = "".join(f"c{n},i,l,PD\n" for n in range(25))
    with pytest.raises(InputError, match=r"has 25 problems: line 2: .*; line 3: .*; and 15 more"):
        _cases(_write(tmp_path, "case,image,labels,sequence\n" + rows))


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("none.csv", "none.csv: no such file"),
        ("none.parquet", "none.parquet: no such file"),
        ("folder", "the folder folder is no data set: expected sub-"),
        ("torn.parquet", "torn.parquet cannot be read as a Parquet table"),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(InputError, match=sentence):
        find_cohort(tmp_path / name, defaults=Defaults())


@pytest.mark.parametrize("defaults", [Defaults(scheme="spidre"), Defaults(levels="5=")])
def test_defaults_that_nothing_can_follow_are_refused_at_once(tmp_path: Path, defaults: Defaults) -> None:
    path = _write(tmp_path, "image,labels\na,b\n")
    with pytest.raises(InputError, match=r"spidre|5="):
        find_cohort(path, defaults=defaults)
    with pytest.raises(InputError, match="derivatives belong to a BIDS folder"):
        find_cohort(path, defaults=Defaults(), derivatives="seg")


def test_a_bids_folder_is_a_cohort(tmp_path: Path) -> None:
    anat = tmp_path / "sub-01" / "anat"
    anat.mkdir(parents=True)
    (tmp_path / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.8.0"}')
    (anat / "sub-01_T2w.nii.gz").write_bytes(b"")
    labels = tmp_path / "derivatives" / "spider" / "sub-01" / "anat" / "sub-01_T2w_dseg.nii.gz"
    labels.parent.mkdir(parents=True)
    labels.write_bytes(b"")
    cohort = find_cohort(tmp_path, defaults=Defaults(scheme="spider", levels="last=L6"))
    assert (cohort.kind, cohort.carried) == ("BIDS", ("patient",))
    (case,) = cohort.read(Complaints())
    assert (case.case, case.carried) == ("sub-01_T2w", ("sub-01",))
    assert case.files is not None
    assert case.files.level_names == {"last": "L6"}
    assert list(find_cohort(tmp_path, defaults=Defaults(sequence=Sequence.T1)).read(Complaints())) == []


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0", "1/4/2", "-1/4"])
def test_a_shard_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"the shard is '.*', expected"):
        parse_shard(text)


def test_shards_share_the_cases_out(tmp_path: Path) -> None:
    path = _write(tmp_path, "case,image,labels\n" + "".join(f"c{n},i,l\n" for n in range(10)))
    with Plan(find_cohort(path, defaults=Defaults())) as plan:
        parts = [[case.number for case in plan.cases(Shard(n, 3))] for n in (1, 2, 3)]
        assert [plan.count(Shard(n, 3)) for n in (1, 2, 3)] == list(map(len, parts))
    assert parts == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]


def test_a_lumbardisc_folder_is_a_cohort(tmp_path: Path) -> None:
    (tmp_path / "train_images" / "1" / "2").mkdir(parents=True)
    (tmp_path / "train_series_descriptions.csv").write_text(
        "study_id,series_id,series_description\n1,2,Sagittal T1\n3,4,Axial T2\n"
    )
    cohort = find_cohort(tmp_path, defaults=Defaults())
    assert (cohort.kind, cohort.carried) == ("LumbarDISC", ("patient",))
    first, second = cohort.read(Complaints())
    assert first.case.startswith("case-")
    assert first.skipped.endswith("neither labels nor points")
    assert "no series is described as Sagittal T1" in second.skipped
    assert (first.number, second.number) == (0, 1)
