"""Values that somebody published beside those that the same reads give here."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from foramgrade.agreement.coefficient import Coefficient
from foramgrade.agreement.measures import Measure

#: What a column of published values holds.
MEANINGS: Mapping[str, Measure] = {
    "accuracy": Measure.AGREEMENT,
    "kappa": Measure.KAPPA,
    "linear_kappa": Measure.LINEAR_KAPPA,
    "qwk": Measure.QUADRATIC_KAPPA,
    "quadratic_kappa": Measure.QUADRATIC_KAPPA,
    "mae": Measure.MEAN_DISTANCE,
}
#: Values with many decimals are the same when they are closer than this.
CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class PublishedValue:
    """One published value.

    Parameters
    ----------
    reader : str
        Whose.
    measure : Measure
        Of what.
    published : Decimal
        With the decimals that were given.
    found : float or None
        What the reads give; None where that reader has none, or the value is not defined.
    """

    reader: str
    measure: Measure
    published: Decimal
    found: float | None

    @property
    def same(self) -> bool:
        """Whether the two are the same to half of the last decimal that was given, or to 1e-9.

        Examples
        --------
        >>> PublishedValue("A", Measure.KAPPA, Decimal("0.80"), 0.7961).same
        True
        >>> PublishedValue("A", Measure.KAPPA, Decimal("0.797"), 0.7961).same
        False
        """
        if self.found is None:
            return False
        exponent = self.published.as_tuple().exponent
        last = 10.0**exponent if isinstance(exponent, int) else 0.0
        return abs(self.found - float(self.published)) <= max(CLOSE, last / 2 * (1 + 1e-6))


def compare_published(
    published: Mapping[str, Mapping[str, Decimal]], found: Mapping[str, Mapping[Measure, Coefficient]]
) -> tuple[PublishedValue, ...]:
    """Set published values beside those found.

    Parameters
    ----------
    published : mapping of str to mapping of str to Decimal
        By reader and column, as from :func:`foramgrade.tables.read_reads`.
    found : mapping of str to mapping of Measure to Coefficient
        By reader, against the reference.

    Returns
    -------
    tuple of PublishedValue
        All published values, in their order.
    """
    return tuple(
        PublishedValue(reader, measure, value, found[reader][measure].value if reader in found else None)
        for reader, values in published.items()
        for column, value in values.items()
        if (measure := MEANINGS.get(column)) is not None
    )
