"""Numbers of a validation as text, for the screen and for the report alike."""

from foramgrade.agreement import Coefficient
from foramgrade.validation.report import Comparison

#: Decimals of an error, by its unit.
DECIMALS = {"mm": 2, "mm2": 1, "mm3": 0, "deg": 2, "1": 3, "%": 1}
#: Columns of :func:`comparison_cells`.
COMPARISON_HEAD = (
    "n",
    "Missing",
    "Bias",
    "95 % CI",
    "Limits of agreement",
    "CI +-",
    "Median error",
    "95th pct",
    "Coverage",
)


def comparison_name(comparison: Comparison) -> str:
    """Name of a quantity, with "in %" where differences are percent of the truth."""
    name = comparison.quantity.value
    return f"{name}, in %" if comparison.unit == "%" else name


def comparison_cells(comparison: Comparison) -> list[str]:
    """Cells of one quantity: see `COMPARISON_HEAD`; hyphens where too little was measured."""
    limits, n = comparison.limits, DECIMALS[comparison.unit]
    if limits is None:
        return ["-"] * len(COMPARISON_HEAD)
    return [
        str(limits.n),
        str(comparison.n_missing),
        f"{limits.bias:+.{n}f}",
        f"{limits.bias_interval.low:+.{n}f} to {limits.bias_interval.high:+.{n}f}",
        f"{limits.lower:+.{n}f} to {limits.upper:+.{n}f}",
        f"{limits.upper_interval.high - limits.upper:.{n}f}",
        f"{limits.median_error:.{n}f}",
        f"{limits.p95_error:.{n}f}",
        "-" if comparison.coverage is None else f"{comparison.coverage:.0%}",
    ]


def coefficient_cell(one: Coefficient | None, *, decimals: int = 3) -> str:
    """Value with its interval, a hyphen where there is none."""
    if one is None or one.value is None:
        return "-"
    value = f"{one.value:.{decimals}f}"
    if one.interval is None:
        return value
    return f"{value} ({one.interval.low:.{decimals}f} to {one.interval.high:.{decimals}f})"
