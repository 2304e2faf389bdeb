"""How far measurements and grades of random phantoms are from their arithmetic truth."""

from foramgrade.validation.cases import Case, ForamenCheck, check_case, uncertainty_of
from foramgrade.validation.report import (
    Comparison,
    GradeReport,
    SettingReport,
    compare_quantity,
    report_grades,
    report_setting,
)
from foramgrade.validation.rows import write_checks
from foramgrade.validation.running import (
    EDGE_NOISES_MM,
    SPACINGS_MM,
    Growth,
    Validation,
    count_phantoms,
    validate_phantoms,
)

__all__ = [
    "EDGE_NOISES_MM",
    "SPACINGS_MM",
    "Case",
    "Comparison",
    "ForamenCheck",
    "GradeReport",
    "Growth",
    "SettingReport",
    "Validation",
    "check_case",
    "compare_quantity",
    "count_phantoms",
    "report_grades",
    "report_setting",
    "uncertainty_of",
    "validate_phantoms",
    "write_checks",
]
