"""How well readers agree: kappas, intraclass correlation, limits of agreement, with intervals that respect patients.

Every function takes plain arrays; pass ``patients`` where one patient gives several foramina, and ``rng`` for bootstrap
intervals.
"""

from foramgrade.agreement.coefficient import CONFIDENCE, Coefficient, Interval, IntervalMethod
from foramgrade.agreement.dichotomy import Dichotomy, dichotomize
from foramgrade.agreement.difference import Difference, adjust_holm, compare_readers
from foramgrade.agreement.documents import ROW_COLUMNS, agreement_document, agreement_rows
from foramgrade.agreement.icc import IccForm, icc
from foramgrade.agreement.kappa import cohen_kappa, largest_kappa
from foramgrade.agreement.limits import LIMIT_SDS, LimitsOfAgreement, find_limits, find_proportional_bias
from foramgrade.agreement.measures import Measure
from foramgrade.agreement.pairing import LEE_CATEGORIES, cross_table
from foramgrade.agreement.report import AgreementReport, GroupAgreement, Kind, PairAgreement
from foramgrade.agreement.reporting import report_reads
from foramgrade.agreement.several import fleiss_kappa, gwet_ac, krippendorff_alpha, percent_agreement
from foramgrade.agreement.vocabulary import ALTMAN, KAPPA_VOCABULARIES, KOO_LI, LANDIS_KOCH, Vocabulary

__all__ = [
    "ALTMAN",
    "CONFIDENCE",
    "KAPPA_VOCABULARIES",
    "KOO_LI",
    "LANDIS_KOCH",
    "LEE_CATEGORIES",
    "LIMIT_SDS",
    "ROW_COLUMNS",
    "AgreementReport",
    "Coefficient",
    "Dichotomy",
    "Difference",
    "GroupAgreement",
    "IccForm",
    "Interval",
    "IntervalMethod",
    "Kind",
    "LimitsOfAgreement",
    "Measure",
    "PairAgreement",
    "Vocabulary",
    "adjust_holm",
    "agreement_document",
    "agreement_rows",
    "cohen_kappa",
    "compare_readers",
    "cross_table",
    "dichotomize",
    "find_limits",
    "find_proportional_bias",
    "fleiss_kappa",
    "gwet_ac",
    "icc",
    "krippendorff_alpha",
    "largest_kappa",
    "percent_agreement",
    "report_reads",
]
