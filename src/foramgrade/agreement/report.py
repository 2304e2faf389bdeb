"""What a report on the agreement of readers holds."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from foramgrade.agreement.areas import AreaAgreement
from foramgrade.agreement.coefficient import Coefficient
from foramgrade.agreement.dichotomy import Dichotomy
from foramgrade.agreement.difference import Difference
from foramgrade.agreement.icc import IccForm
from foramgrade.agreement.matrix import ALL, Reading, Stratum
from foramgrade.agreement.measures import Measure
from foramgrade.agreement.published import PublishedValue


class Kind(StrEnum):
    """What is compared."""

    INTER = "between readers"
    """Two readers, each in the first session."""
    INTRA = "within a reader"
    """One reader in two sessions."""


@dataclass(frozen=True, slots=True)
class ReaderSummary:
    """What one reader did in one session.

    Parameters
    ----------
    reading : Reading
        Who, and when.
    counts : tuple of int
        Foramina per category of the scale.
    n_missing : int
        Foramina in the table that were not graded.
    n_areas : int
        Foramina that were measured.
    """

    reading: Reading
    counts: tuple[int, ...]
    n_missing: int
    n_areas: int


@dataclass(frozen=True, slots=True, eq=False)
class PairAgreement:
    """Agreement of two readings on the foramina of one stratum.

    Parameters
    ----------
    kind : Kind
        Between readers or within one.
    first, second : Reading
        Who; with a reference it comes first.
    stratum : Stratum
        Which foramina.
    table : (K, K) int array
        Counted pairs of grades, rows the first.
    n_one_only : int
        Foramina that only one of the two graded.
    coefficients : mapping of Measure to Coefficient
        All measures.
    largest : mapping of Measure to float or None
        Largest kappas that the marginals allow.
    dichotomies : tuple of Dichotomy
        At or above each grade but the lowest; of all foramina only.
    areas : AreaAgreement or None
        None where fewer than two foramina were measured by both.
    """

    kind: Kind
    first: Reading
    second: Reading
    stratum: Stratum
    table: npt.NDArray[np.int64]
    n_one_only: int
    coefficients: Mapping[Measure, Coefficient]
    largest: Mapping[Measure, float | None]
    dichotomies: tuple[Dichotomy, ...]
    areas: AreaAgreement | None


@dataclass(frozen=True, slots=True)
class GroupAgreement:
    """Agreement of all readers but the reference on the foramina of one stratum.

    Parameters
    ----------
    readings : tuple of Reading
        Two or more, each in the first session.
    stratum : Stratum
        Which foramina.
    coefficients : tuple of Coefficient
        Percent, Fleiss, Gwet, Krippendorff; empty where nothing was graded.
    icc : mapping of IccForm to Coefficient
        Of the areas; empty where nothing was measured by all.
    """

    readings: tuple[Reading, ...]
    stratum: Stratum
    coefficients: tuple[Coefficient, ...]
    icc: Mapping[IccForm, Coefficient]


@dataclass(frozen=True, slots=True)
class TestedDifference:
    """Difference of a reader from the one it is held against, with the reference as the truth.

    Parameters
    ----------
    first, second : Reading
        Who is compared, and with whom.
    difference : Difference
        First - second.
    p_holm : float or None
        p-value adjusted for all readers that are held against the second, per measure.
    """

    first: Reading
    second: Reading
    difference: Difference
    p_holm: float | None


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """Agreement of readers.

    Parameters
    ----------
    scale : str
        Name of the scale.
    categories : tuple
        Its categories, from the lowest to the highest.
    reference : str or None
        Reader that the others are held against.
    n_foramina, n_patients : int
        In the table.
    n_resamples : int
        Draws behind each interval.
    readers : tuple of ReaderSummary
        Every reader and session.
    pairs : tuple of PairAgreement
        All foramina first, then by level and side, for each pair.
    groups : tuple of GroupAgreement
        By stratum.
    differences : tuple of TestedDifference
        Empty without a reference, or where nobody was named to be held against.
    published : tuple of PublishedValue
        Values that somebody published beside those found.
    notes : tuple of str
        Sentences about the reads.
    """

    scale: str
    categories: tuple[Hashable, ...]
    reference: str | None
    n_foramina: int
    n_patients: int
    n_resamples: int
    readers: tuple[ReaderSummary, ...]
    pairs: tuple[PairAgreement, ...]
    groups: tuple[GroupAgreement, ...]
    differences: tuple[TestedDifference, ...]
    published: tuple[PublishedValue, ...]
    notes: tuple[str, ...]

    def pooled(self) -> list[PairAgreement]:
        """The pairs over all foramina."""
        return [pair for pair in self.pairs if pair.stratum.by == ALL]
