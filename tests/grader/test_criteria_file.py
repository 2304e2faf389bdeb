"""Criteria in a file: what the documentation shows is Lee 2010, and everything that cannot be meant is refused."""

import re
from pathlib import Path

import pytest

import foramgrade as fg
from foramgrade.errors import CriteriaError, InputError
from foramgrade.findings import PerineuralFindings, Policy, RootShape
from foramgrade.grader import LEE_2010, Citation, grade, read_criteria
from foramgrade.grader.criteria_file import LONGEST_NAME
from foramgrade.grader.rules import PATTERNS

DOCUMENTED = Path(__file__).parents[2] / "docs" / "criteria.md"
OURS = """
name = "Ours 2024"
policy = "ceil"
[citation]
authors = "Doe J"
year = 2024
title = "Any lost border counts"
[thresholds]
thin_fat_mm = 2
[[rules]]
grade = 3
label = "bad"
root_shape = "changed"
definition = "The root is deformed."
[[rules]]
grade = 0
label = "fine"
lost = [""]
definition = "No border lost."
[[rules]]
grade = 1
label = "some"
lost = ["S", "P", "I", "A"]
definition = "A border lost."
[[rules]]
grade = 2
label = "much"
lost = ["SPIA"]
root_shape = "unchanged"
definition = "All borders lost."
"""


@pytest.fixture
def documented() -> str:
    (text,) = re.findall(r"```toml\n(.*?)```", DOCUMENTED.read_text(encoding="utf-8"), re.DOTALL)
    return str(text)


def written(folder: Path, text: str) -> Path:
    (folder / "ours.toml").write_text(text, encoding="utf-8")
    return folder / "ours.toml"


def test_the_documented_file_is_lee_2010(tmp_path: Path, documented: str) -> None:
    assert fg.read_criteria(written(tmp_path, documented)) == LEE_2010


def test_what_is_left_out_is_as_for_lee(tmp_path: Path, documented: str) -> None:
    short = re.sub(r"\[thresholds\].*?\n\n|policy = .*?\n", "", documented, flags=re.DOTALL)
    assert "minimum_fat_mm" not in short
    assert "policy" not in short
    assert read_criteria(written(tmp_path, short)) == LEE_2010


@pytest.mark.parametrize("encoding, line_end", [("utf-8", "\n"), ("utf-8-sig", "\r\n")])
def test_windows_writes_the_same_file_otherwise(tmp_path: Path, documented: str, encoding: str, line_end: str) -> None:
    (tmp_path / "lee.toml").write_bytes(documented.replace("\n", line_end).encode(encoding))
    assert read_criteria(str(tmp_path / "lee.toml")) == LEE_2010


def test_criteria_of_ones_own_grade_in_their_own_name(tmp_path: Path) -> None:
    ours = read_criteria(written(tmp_path, OURS))
    assert (ours.name, ours.policy, ours.thin_fat_mm, ours.minimum_fat_mm) == ("Ours 2024", Policy.CEIL, 2.0, 0.3)
    assert ours.citation == Citation("Doe J", 2024, "Any lost border counts")
    assert [rule.label for rule in ours.rules] == ["fine", "some", "much", "bad"]
    given = grade(PerineuralFindings.from_lost("S"), ours)
    assert (given.lee, given.defined, given.criteria) == (1, True, "Ours 2024")
    assert given.reason.endswith("root shape unchanged: Ours 2024 grade 1, some.")
    undefined = grade(PerineuralFindings.from_lost("SI"), ours).reason
    assert undefined.endswith("; Ours 2024 does not define two opposing lost borders, policy ceil gives 2, much.")
    for strict in (grade(PerineuralFindings.from_lost("SP"), ours.with_policy(Policy.STRICT)),):
        assert "; Ours 2024 does not define two adjacent lost borders, and policy strict" in strict.reason
        assert strict.criteria == "Ours 2024"
    assert "Lee" not in given.reason + undefined


def test_every_pattern_by_criteria_of_ones_own_is_what_a_loop_says(tmp_path: Path) -> None:
    ours = read_criteria(written(tmp_path, OURS)).with_policy(Policy.FLOOR)
    for pattern in PATTERNS:
        by_fat = 2 if len(pattern) == 4 else min(len(pattern), 1)
        for shape, expected in ((RootShape.UNCHANGED, by_fat), (RootShape.CHANGED, 3)):
            assert grade(PerineuralFindings.from_lost("".join(pattern), shape), ours).lee == expected


def test_only_grades_that_need_a_changed_root_are_said_to_be_out_of_reach(tmp_path: Path) -> None:
    by_fat = OURS.replace('root_shape = "changed"', 'lost = ["SPIA"]').replace('root_shape = "unchanged"', "")
    by_fat = by_fat.replace('lost = ["SPIA"]\n\n', 'lost = ["SPI", "SPA", "SIA", "PIA"]\n')
    unseen = PerineuralFindings.from_lost("S", RootShape.NOT_ASSESSABLE)
    assert grade(unseen, read_criteria(written(tmp_path, by_fat))).reason.endswith("Ours 2024 grade 1, some.")
    assert "(grade 3 not assessable)" in grade(unseen, read_criteria(written(tmp_path, OURS))).reason


def changed(old: str, new: str) -> str:
    assert old in OURS
    return OURS.replace(old, new)


REFUSED = [
    # keys
    ("colour = 1\n" + OURS, "the key colour is not known, expected name, citation, policy, thresholds, rules"),
    (changed("year = 2024", "year = 2024\npages = 3"), "the key citation.pages is not known, expected authors, year"),
    (changed("thin_fat_mm = 2", "thin_mm = 2"), "the key thresholds.thin_mm is not known, expected minimum_fat_mm,"),
    (changed('label = "bad"', 'label = "bad"\nif = 1'), r"the key rules\[0\].if is not known, expected grade, label,"),
    (changed('name = "Ours 2024"', ""), "the key name is missing, expected a text"),
    (changed("year = 2024", ""), "the key citation.year is missing, expected a whole number"),
    (changed('label = "fine"', ""), r"the key rules\[1\].label is missing, expected a text"),
    (changed('definition = "No border lost."', ""), r"the key rules\[1\].definition is missing, expected a text"),
    (changed("grade = 0", ""), r"the key rules\[1\].grade is missing, expected a whole number"),
    (OURS.partition("[[rules]]")[0], "the key rules is missing, expected a list"),
    # kinds
    (changed('"Ours 2024"', "7"), "the key name is 7, expected a text"),
    (changed('"Ours 2024"', '" "'), "the key name is blank, expected a text"),
    (changed('"Ours 2024"', '"' + "x" * 41 + '"'), "the key name is 'x+.*, expected at most 40 printable characters"),
    (changed('"Ours 2024"', r'"a\nb"'), r"the key name is 'a\\nb', expected at most 40 printable characters"),
    (changed("year = 2024", 'year = "2024"'), "the key citation.year is '2024', expected a whole number"),
    (changed('"Doe J"', '""'), "the key citation.authors is blank, expected a text"),
    (changed("thin_fat_mm = 2", "thin_fat_mm = true"), "the key thresholds.thin_fat_mm is True, expected a number"),
    (changed("thin_fat_mm = 2", f"thin_fat_mm = 1{'0' * 400}"), "the key thresholds.thin_fat_mm is 1000.*, expected a"),
    (changed("[thresholds]\nthin_fat_mm = 2", ""), None),
    ("thresholds = 3\n" + changed("[thresholds]\nthin_fat_mm = 2", ""), "the key thresholds is 3, expected a table"),
    (changed("grade = 0", "grade = 0.0"), r"the key rules\[1\].grade is 0.0, expected a whole number"),
    (changed('lost = [""]', 'lost = ""'), r"the key rules\[1\].lost is '', expected a list"),
    (changed('lost = [""]', "lost = [1]"), r"the key rules\[1\].lost\[0\] is 1, expected a text"),
    ("rules = [1]\n" + OURS.partition("[[rules]]")[0], r"the key rules\[0\] is 1, expected a table"),
    # words
    (changed('"ceil"', '"Ceil"'), "the key policy is 'Ceil', expected floor or ceil or strict"),
    (changed('"changed"', '"flat"'), r"the key rules\[0\].root_shape is 'flat', expected unchanged or changed"),
    (changed('"changed"', '"not-assessable"'), "root_shape is 'not-assessable', expected unchanged or changed"),
    (changed('"SPIA"', '"SX"'), r"the key rules\[3\].lost\[0\] is 'SX', expected letters of S, P, I, A, each at most"),
    (changed('"SPIA"', '"SPIAS"'), r"the key rules\[3\].lost\[0\] is 'SPIAS', expected letters of S, P, I, A, each"),
    # duplicates
    (changed('"SPIA"', '"SPIA", "APSI"'), r"the key rules\[3\].lost names 'APSI' twice, expected every pattern once"),
    (changed("grade = 0", "grade = 1"), r"rules are for the grades \(1, 1, 2, 3\), expected \(0, 1, 2, 3\)"),
    (changed('policy = "ceil"', 'policy = "ceil"\npolicy = "ceil"'), "found what is no TOML, .*: Cannot overwrite"),
    # the rules together
    (OURS.rpartition("[[rules]]")[0], r"rules are for the grades \(0, 1, 3\), expected \(0, 1, 2, 3\), one rule each"),
    (
        changed('lost = [""]', 'lost = ["S"]').replace('lost = ["S", "P", "I", "A"]', 'lost = ["SI"]'),
        "no rule applies to lost borders none with the root shape unchanged, expected one at least",
    ),
    (changed('lost = [""]', 'root_shape = "unchanged"'), None),
    (
        changed('lost = [""]', 'root_shape = "unchanged"').replace('"changed"', '"changed"\nlost = ["S"]'),
        "no rule applies to lost borders none with the root shape changed, expected one at least",
    ),
    (changed('lost = ["SPIA"]', 'lost = ["S"]'), "rule for grade 1 contradicts a higher one: .* expected 1"),
    (changed('lost = ["SPIA"]', "lost = []"), "rule for grade 2 names no pattern of lost borders, expected one at"),
    (changed('lost = [""]', 'lost = ["", "SI", "SP"]'), "rule for grade 0 contradicts a higher one"),
    (
        changed('lost = ["S", "P", "I", "A"]', 'lost = ["SI", "PA"]').replace('lost = [""]', 'lost = ["", "SP"]'),
        "rules under policy ceil give lost borders SP .* grade 0, expected at least grade 1 as for S",
    ),
    # numbers
    (changed("thin_fat_mm = 2", "thin_fat_mm = 0.1"), "thin_fat_mm is 0.1, expected at least minimum_fat_mm, 0.3"),
    (changed("thin_fat_mm = 2", "minimum_fat_mm = nan"), "minimum_fat_mm is nan, expected a positive number of mm"),
    (changed("thin_fat_mm = 2", "uncertain_below = 1.5"), "uncertain_below is 1.5, expected a probability from 0 to 1"),
    # a borrowed name
    (changed("Ours 2024", "Lee 2010"), "name is 'Lee 2010' but the rules are not those of Lee 2010, expected"),
    # no TOML
    ("name: ours", "found what is no TOML, expected criteria in TOML: .*line 1"),
    ("a = " + "[" * 5000, "found what is no TOML, expected criteria in TOML: it is nested too deeply"),
    ("", "the key name is missing, expected a text"),
]  # fmt: skip


@pytest.mark.parametrize("text, message", REFUSED)
def test_what_cannot_be_meant_is_refused_in_a_sentence(tmp_path: Path, text: str, message: str | None) -> None:
    path = written(tmp_path, text)
    if message is None:  # the neighbour of a refusal that is accepted
        assert read_criteria(path).name == "Ours 2024"
        return
    with pytest.raises(CriteriaError, match=f"^ours.toml: .*{message}") as caught:
        read_criteria(path)
    assert str(tmp_path) not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CriteriaError, match=r"^ours.toml: found bytes that are not text in UTF-8, expected criteria"):
        read_criteria(path)
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(CriteriaError, match=r"^ours.toml: found more than 1000000 bytes, expected criteria in TOML"):
        read_criteria(path)


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^none.toml: no such file, expected criteria in TOML$"):
        read_criteria(tmp_path / "none.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(InputError, match=r"^folder.toml cannot be opened: Is a directory$"):
        read_criteria(tmp_path / "folder.toml")


def test_a_name_may_be_as_long_as_the_limit_and_no_longer(tmp_path: Path, documented: str) -> None:
    path = tmp_path / "criteria.toml"
    longest = "x" * LONGEST_NAME
    path.write_text(documented.replace('name = "Lee 2010"', f'name = "{longest}"', 1), encoding="utf-8")
    assert read_criteria(path).name == longest
    path.write_text(documented.replace('name = "Lee 2010"', f'name = "{longest}x"', 1), encoding="utf-8")
    with pytest.raises(CriteriaError, match=f"expected at most {LONGEST_NAME} printable characters"):
        read_criteria(path)
