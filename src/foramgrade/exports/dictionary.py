"""What every column of ``foramina.csv`` means, for tables that carry their own dictionary."""

from collections.abc import Mapping

from foramgrade.findings import QUANTITIES
from foramgrade.grader.scales import SISTER_SCALES
from foramgrade.tables import COLUMNS, StudyAssessment

#: Columns that are no quantity.
COLUMN_WORDS: Mapping[str, str] = {
    "case": "Pseudonym of the study.",
    "level": "Level, named by its two vertebrae.",
    "side": "Side of the patient.",
    "lee_grade": "Grade of foraminal stenosis by the criteria that the sidecar of the segmentation names.",
    "lee_policy": "How patterns of lost fat were graded that the criteria leave open.",
    "lee_defined": "Whether the criteria define the pattern of lost fat.",
    "sartoretti": "Grade of Sartoretti 2021: A none; B, C, D, E contact of the root at one to four borders; F "
    "morphologic change; then the borders in contact (1 superior, 2 posterior, 3 inferior, 4 anterior).",
    "wildermuth": "Grade of Wildermuth 1998, from the fat alone.",
    "rsna": "Severity word of RSNA 2024 (LumbarDISC), by a crosswalk from the grade.",
    "confidence": "Probability of the grade, given the uncertainty of the findings; wrong labels are not covered.",
    "gradable": "Whether a grade was given.",
    "reasons": "Why this grade or none, in sentences.",
    "quality": "Caveats, separated by |.",
    "sequence": "Contrast of the series.",
    "lost_borders": "Borders without perineural fat: S superior, P posterior, I inferior, A anterior.",
    "encroached_by": "What stands at every lost border.",
    "n_sections": "Number of sections that cross the foramen.",
    "section_x_mm": "Centre of the reported section, right positive.",
    "section_y_mm": "Centre of the reported section, anterior positive.",
    "section_z_mm": "Centre of the reported section, superior positive.",
    "scheme": "Label scheme of the vertebrae and discs.",
    "version": "Version of foramgrade.",
}

#: Values of columns of words.
_LEVELS: Mapping[str, Mapping[str, str]] = {
    "side": {"right": "the patient's right", "left": "the patient's left"},
    "lee_policy": {
        "floor": "the highest grade that is fully satisfied",
        "ceil": "the next higher grade",
        "strict": "not graded",
    },
}
_SCALES = {"sartoretti": "Sartoretti 2021", "wildermuth": "Wildermuth 1998", "rsna": "RSNA 2024"}

#: Units as BIDS writes them.
_BIDS_UNITS = {"mm2": "mm^2", "mm3": "mm^3", "1": "1", "mm": "mm", "deg": "degree"}


def describe_columns(study: StudyAssessment) -> dict[str, dict[str, object]]:
    """Describe the columns of the table of a study, as BIDS has it.

    Parameters
    ----------
    study : StudyAssessment
        Its parameters tell what a grade means.

    Returns
    -------
    dict
        By column, in their order: ``Description``, and where there is such a thing ``LongName``, ``Units``, ``Levels``
        and the ``TermURL`` of a scale.
    """
    by_name = {quantity.value: info for quantity, info in QUANTITIES.items()}
    described: dict[str, dict[str, object]] = {}
    for column in COLUMNS:
        info = by_name.get(column)
        if info is not None:
            sentence = info.definition[0].upper() + info.definition[1:]
            described[column] = {
                "LongName": column.removesuffix(f"_{info.unit}").replace("_", " "),
                "Description": f"{sentence}. Source: {info.source}.",
                "Units": _BIDS_UNITS[info.unit],
            }
            continue
        entry: dict[str, object] = {"Description": COLUMN_WORDS[column]}
        if column.endswith("_mm"):
            entry["Units"] = "mm"
        entry |= _tell_values(column, study)
        described[column] = entry
    return described


def _tell_values(column: str, study: StudyAssessment) -> dict[str, object]:
    if column in _LEVELS:
        return {"Levels": dict(_LEVELS[column])}
    if column == "lee_grade":
        rules = study.parameters.get("rules")
        if isinstance(rules, list | tuple):
            return {"Levels": {str(rule["grade"]): f"{rule['label']}: {rule['definition']}" for rule in rules}}
    scale = next((scale for scale in SISTER_SCALES if scale.name == _SCALES.get(column)), None)
    if scale is None:
        return {}
    # The letters of Sartoretti are followed by the borders: the grades are no list of values.
    told: dict[str, object] = {} if column == "sartoretti" else {"Levels": dict(scale.grades)}
    if scale.citation.doi:
        told["TermURL"] = f"https://doi.org/{scale.citation.doi}"
    return told
