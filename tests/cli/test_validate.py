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


def test_wrong_usage_has_status_2(run):
    assert run("validate", "--cases", "0").status == 2
    assert run("validate", "--protocol", "axial").status == 2
