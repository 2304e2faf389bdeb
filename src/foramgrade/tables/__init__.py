"""Assessments as rows and documents: ``foramina.csv`` for a spreadsheet, JSON for everything.

A table row is one foramen, with numbers rounded to what can be meant; the JSON document holds the same values to six
decimals, with units, definitions and provenance. Tables of readers' findings keep their cells and get grades behind
them.
"""

from foramgrade.tables.columns import BOOLEAN_COLUMNS, COLUMNS, DECIMALS, INTEGER_COLUMNS, NUMBER_COLUMNS, TEXT_COLUMNS
from foramgrade.tables.files import read_csv, write_atomically, write_rows, write_table
from foramgrade.tables.foramen import FAT_SHARE, quality_names
from foramgrade.tables.grade_scales import (
    GRADE_SCALES,
    LEE_SCALE,
    RSNA_SCALE,
    SARTORETTI_SCALE,
    WILDERMUTH_SCALE,
    GradeScale,
)
from foramgrade.tables.reader_reads import READ_COLUMNS, Reads, find_files, read_reads
from foramgrade.tables.reading import parse_level, read_json
from foramgrade.tables.reads import GRADE_COLUMNS, GradedReads, grade_reads
from foramgrade.tables.sheets import Sheet, read_sheet, write_sheet
from foramgrade.tables.states import StateForamen, find_states, read_patients, read_states, unify_single_cases
from foramgrade.tables.study import StudyAssessment, rows, write_csv, write_json

__all__ = [
    "BOOLEAN_COLUMNS",
    "COLUMNS",
    "DECIMALS",
    "FAT_SHARE",
    "GRADE_COLUMNS",
    "GRADE_SCALES",
    "INTEGER_COLUMNS",
    "LEE_SCALE",
    "NUMBER_COLUMNS",
    "READ_COLUMNS",
    "RSNA_SCALE",
    "SARTORETTI_SCALE",
    "TEXT_COLUMNS",
    "WILDERMUTH_SCALE",
    "GradeScale",
    "GradedReads",
    "Reads",
    "Sheet",
    "StateForamen",
    "StudyAssessment",
    "find_files",
    "find_states",
    "grade_reads",
    "parse_level",
    "quality_names",
    "read_csv",
    "read_json",
    "read_patients",
    "read_reads",
    "read_sheet",
    "read_states",
    "rows",
    "unify_single_cases",
    "write_atomically",
    "write_csv",
    "write_json",
    "write_rows",
    "write_sheet",
    "write_table",
]
