"""The validation on the command line."""


def test_a_table_per_protocol_and_a_file_of_rows(run, tmp_path):
    ended = run(
        "validate",
        "--cases",
        "1",
        "--seed",
        "2",
        "--protocol",
        "clinical-2d",
        "--geometry-only",
        "--no-growth",
        "--no-repeats",
        "--jobs",
        "1",
        "--out",
        tmp_path / "rows.csv",
    )
    assert ended.status == 0
    assert "seed 2" in ended.out
    assert "clinical-2d: slices of 4 mm every 4.4 mm, pixels of 0.6 mm" in ended.out
    for word in ("area_mm2", "height_mm", "slip_mm", "Coverage", "Limits of agreement", "Research and teaching only"):
        assert word in ended.out
    lines = (tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 10


def test_a_folder_holds_the_report(run, tmp_path):
    few = ("--cases", "1", "--seed", "2", "--protocol", "clinical-2d", "--jobs", "1")
    ended = run("validate", *few, "--geometry-only", "--no-growth", "--out", tmp_path / "report")
    assert ended.status == 0
    assert "Repeats: 1 spine scanned and segmented 3 times" in ended.out
    names = sorted(path.name for path in (tmp_path / "report").iterdir())
    assert names == ["foramina.csv", "validation.html", "validation.md", "validation_files"]
    assert len((tmp_path / "report" / "foramina.csv").read_text(encoding="utf-8").splitlines()) == 1 + 10 + 30


def test_what_cannot_be_written_is_refused_before_anything_is_made(run, tmp_path):
    (tmp_path / "taken").write_text("")
    (tmp_path / "folder.csv").mkdir()
    for name, message in (
        ("taken", "cannot write taken: it is a file, expected a folder for the report"),
        ("folder.csv", "cannot write folder.csv: it is a folder, expected a file for the table"),
    ):
        ended = run("validate", "--cases", "1000", "--out", tmp_path / name)
        assert ended.status == 2
        assert message in ended.err


def test_wrong_usage_has_status_2(run):
    assert run("validate", "--cases", "0").status == 2
    assert run("validate", "--protocol", "axial").status == 2
