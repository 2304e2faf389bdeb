"""The JSON file that a converter leaves beside a NIfTI file, and the contrast that it tells.

dcm2niix writes one with every image, and BIDS has made its fields a standard.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foramgrade.errors import InputError
from foramgrade.loaders.contrast import Acquisition, Contrast, judge_contrast
from foramgrade.loaders.json_file import read_json
from foramgrade.loaders.pseudonym import scrub

#: Times are in seconds; a longer one is in another unit or wrong.
LONGEST_S: Mapping[str, float] = {"EchoTime": 2.0, "RepetitionTime": 60.0, "InversionTime": 20.0}

#: Fields that name the patient where a converter was not told to leave them out.
_NAMING = ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "ReferringPhysicianName", "OperatorsName")

_BETWEEN_CODES = re.compile(r"[\\_,/\s]+")


def read_contrast_beside(image: Path) -> Contrast | None:
    """Contrast that the sidecar of an image tells.

    Parameters
    ----------
    image : Path
        A file; its sidecar has the same name but for the ending .json.

    Returns
    -------
    Contrast or None
        None where no sidecar says anything of how the image was acquired.

    Raises
    ------
    InputError
        If there is a sidecar that cannot be read: it might have told that fat is dark.
    """
    stem = re.sub(r"(\.nii)?\.[^.]+$", "", image.name)
    sidecar = image.with_name(f"{stem}.json")
    if not sidecar.is_file():
        return None
    try:
        fields = read_json(sidecar)
    except InputError as error:
        msg = f"{sidecar.name}, beside {image.name}, cannot be read as JSON: mend it or take it away"
        raise InputError(msg) from error
    if not isinstance(fields, dict) or not any(field in fields for field in LONGEST_S):
        return None
    acquisition, _ = acquisition_of(fields)
    return judge_contrast(acquisition)


def acquisition_of(fields: Mapping[str, Any]) -> tuple[Acquisition, list[str]]:
    """Translate a sidecar into what the contrast follows from.

    Parameters
    ----------
    fields : mapping of str to value
        Fields as BIDS defines them and dcm2niix writes them: times in seconds, coded values as text ("SE_IR") or lists.

    Returns
    -------
    Acquisition
        The same in the words of DICOM, times in ms; free text without the patient's names and numbers.
    list of str
        Problems: times that cannot be seconds are left out.

    Examples
    --------
    >>> acquisition, _ = acquisition_of({"EchoTime": 0.092, "ScanningSequence": "SE_IR"})
    >>> acquisition.echo_time_ms, acquisition.scanning_sequence
    (92.0, ('SE', 'IR'))
    """
    problems = []
    times: dict[str, float | None] = {}
    for field, longest in LONGEST_S.items():
        seconds = _number(fields.get(field))
        if seconds is not None and not 0 <= seconds <= longest:
            problems.append(
                f"the sidecar says {field} {seconds:g}, expected seconds, at most {longest:g}: it is left out"
            )
            seconds = None
        times[field] = None if seconds is None else round(seconds * 1000, 6)
    echoes = _number(fields.get("EchoTrainLength"))
    people = [fields[key] for key in _NAMING if isinstance(fields.get(key), str)]
    description = " ".join(str(fields[key]) for key in ("SeriesDescription", "ProtocolName") if fields.get(key))
    name = fields.get("SequenceName") or fields.get("PulseSequenceName")
    acquisition = Acquisition(
        modality="MR",
        echo_time_ms=times["EchoTime"],
        repetition_time_ms=times["RepetitionTime"],
        # A sequence without inversion is written as 0 by some converters.
        inversion_time_ms=times["InversionTime"] or None,
        flip_angle_deg=_number(fields.get("FlipAngle")),
        echo_train_length=None if echoes is None else int(echoes),
        field_t=_number(fields.get("MagneticFieldStrength")),
        scanning_sequence=_codes(fields.get("ScanningSequence")),
        sequence_variant=_codes(fields.get("SequenceVariant")),
        scan_options=_codes(fields.get("ScanOptions")),
        image_type=_codes(fields.get("ImageType")),
        sequence_name=name if isinstance(name, str) else "",
        description=scrub(description, people),
        scan_options_stated="ScanOptions" in fields,
    )
    return acquisition, problems


def _number(value: Any) -> float | None:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON's whole numbers may have any number of digits
        return None
    return number if math.isfinite(number) else None


def _codes(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = _BETWEEN_CODES.split(value)
    return tuple(word for word in value if isinstance(word, str) and word) if isinstance(value, list) else ()
