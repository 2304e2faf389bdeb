"""Two states of the same patients: flexion and extension, load, before and after surgery, follow-up."""

from foramgrade.compare.changes import Direction, ForamenChange, PairedStates, pair_states
from foramgrade.compare.comparing import (
    MOTION_CLASSES_DEG,
    ChangeSummary,
    GradeTransitions,
    MotionClass,
    MotionReport,
    StateComparison,
    compare_states,
)
from foramgrade.compare.documents import (
    CHANGE_COLUMNS,
    SUMMARY_COLUMNS,
    change_rows,
    comparison_document,
    summary_rows,
)

__all__ = [
    "CHANGE_COLUMNS",
    "MOTION_CLASSES_DEG",
    "SUMMARY_COLUMNS",
    "ChangeSummary",
    "Direction",
    "ForamenChange",
    "GradeTransitions",
    "MotionClass",
    "MotionReport",
    "PairedStates",
    "StateComparison",
    "change_rows",
    "compare_states",
    "comparison_document",
    "pair_states",
    "summary_rows",
]
