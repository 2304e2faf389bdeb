"""What was measured of a foramen, as coded numbers: the same in structured reports and in FHIR."""

from collections.abc import Iterator

from foramgrade.exports import codes
from foramgrade.exports.codes import Code
from foramgrade.findings import QUANTITIES, ForamenAssessment, Quantity
from foramgrade.tables import DECIMALS


def find_measurements(foramen: ForamenAssessment) -> Iterator[tuple[Code, float, Code]]:
    """Name, value and unit of everything that was measured, its standard uncertainty behind, and the confidence."""
    for quantity in QUANTITIES:
        if quantity not in foramen.measurements:
            continue
        unit = QUANTITIES[quantity].unit
        yield codes.QUANTITY_CODES[quantity], _rounded(foramen.measurements[quantity], unit), codes.UNITS[unit]
        own_row = quantity is Quantity.AREA and Quantity.AREA_UNCERTAINTY in foramen.measurements
        if quantity in foramen.uncertainties and not own_row:
            name = codes.uncertainty_of(quantity)
            yield name, _rounded(foramen.uncertainties[quantity], unit), codes.UNITS[unit]
    if foramen.grade.confidence is not None:
        yield codes.CONFIDENCE, _rounded(foramen.grade.confidence, "1"), codes.UNITS["1"]


def _rounded(value: float, unit: str) -> float:
    """Number as in the table: finer than the measurement can resolve."""
    return round(float(value), DECIMALS[unit]) + 0.0
