"""How far measurements and grades of random phantoms are from their arithmetic truth."""

from foramgrade.validation.cases import Case, ForamenCheck, check_case, uncertainty_of
from foramgrade.validation.document import GROWN, TITLE, write_document
from foramgrade.validation.grades import Calibration, ConfidenceBin, GradeReport, calibrate, report_grades
from foramgrade.validation.pages import Heading, Paragraph, Picture, Table, write_html, write_markdown
from foramgrade.validation.perineural import FatGroup, FatStudy, plan_fat_study, report_fat_study
from foramgrade.validation.repeats import Repeatability, RepeatReport, report_repeats
from foramgrade.validation.report import Comparison, SettingReport, compare_quantity, report_setting
from foramgrade.validation.rows import write_checks
from foramgrade.validation.running import (
    EDGE_NOISES_MM,
    SPACINGS_MM,
    Growth,
    Validation,
    count_phantoms,
    validate_phantoms,
)
from foramgrade.validation.wording import COMPARISON_HEAD, coefficient_cell, comparison_cells, comparison_name

__all__ = [
    "COMPARISON_HEAD",
    "EDGE_NOISES_MM",
    "GROWN",
    "SPACINGS_MM",
    "TITLE",
    "Calibration",
    "Case",
    "Comparison",
    "ConfidenceBin",
    "FatGroup",
    "FatStudy",
    "ForamenCheck",
    "GradeReport",
    "Growth",
    "Heading",
    "Paragraph",
    "Picture",
    "RepeatReport",
    "Repeatability",
    "SettingReport",
    "Table",
    "Validation",
    "calibrate",
    "check_case",
    "coefficient_cell",
    "compare_quantity",
    "comparison_cells",
    "comparison_name",
    "count_phantoms",
    "plan_fat_study",
    "report_fat_study",
    "report_grades",
    "report_repeats",
    "report_setting",
    "uncertainty_of",
    "validate_phantoms",
    "write_checks",
    "write_document",
    "write_html",
    "write_markdown",
]
