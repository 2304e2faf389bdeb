"""What relaxation makes of the times in a header: where fat's signal vanishes, and which property weighs the image."""

import math
from enum import Enum, auto

from foramgrade.findings import Sequence

#: Protons precess at this frequency in 1 T, Hz.
PROTON_HZ_PER_T = 42.577e6

#: T1 = factor x frequency^power, s and Hz. Bottomley PA et al. Med Phys 1984;11:425-448, doi 10.1118/1.595535
#: (reported there; 260 ms of fat and 870 ms of muscle at 1.5 T).
FAT_T1_LAW = (0.0113, 0.1743)
MUSCLE_T1_LAW = (0.000455, 0.4203)

#: Fields between which the zero of fat is sought where the header does not name its field, tesla.
USUAL_FIELDS_T = (0.064, 7.0)

#: An inversion time within these multiples of the time at which fat's signal is zero makes fat dark. Later measurements
#: put T1 of fat up to 1.3 times (343 ms at 1.5 T, 382 ms at 3 T: de Bazelaire CMJ et al. Radiology 2004;230:652-659,
#: doi 10.1148/radiol.2303021331) and at 7 T 1.5 times (514 ms) above the law, and protocols round freely. At half the
#: time and below an inversion is too short to be meant for fat.
AT_FAT_RANGE = (0.5, 1.6)

#: From twice the time on, fat has regained half of its signal (1 - 2 x 2^-2) and more: it is bright again.
BEYOND_FAT_FACTOR = 2.0

#: Spin echo: repetition at most this long is short, ms. T1-weighted spine protocols use 400-800, up to 1100 at 3 T,
#: about once T1 of muscle (1160 ms at 3 T).
SHORT_TR_MS = 1100.0

#: Echo time at most this long leaves T1 weighting, ms; such protocols use 7-25 (T2 of muscle is 30-45 ms).
SHORT_TE_MS = 35.0

#: Echo time at least this long is T2-weighted, ms: about twice T2 of muscle. Spine protocols use 80-130.
LONG_TE_MS = 70.0

#: Repetition that allows T2 weighting, ms; three-dimensional turbo spin echo with driven equilibrium goes down to it.
LONG_TR_MS = 1500.0

#: Proton density: repetition at least and echo time at most this long, ms.
PD_TR_MS, PD_TE_MS = 1800.0, 45.0

#: Inversion at least this late, ms, with a long echo time attenuates fluid: T1 of fluid is about 4 s, so its
#: zero lies at 1500 (TR 4000) to 2500 (TR 11000).
FLUID_TI_MS = 1200.0

#: Inversion at most this late, ms, with a short echo time weighs T1 (T1 FLAIR uses 600-1100).
LATEST_T1_TI_MS = 1300.0

#: Gradient echoes later than this weigh T2*, ms.
LONGEST_GRADIENT_TE_MS = 10.0


class Technique(Enum):
    """How the echo was made."""

    SPIN_ECHO = auto()
    """Refocused by pulses, single or in trains."""
    GRADIENT_ECHO = auto()
    """Refocused by gradients, magnetization spoiled."""
    STEADY_STATE = auto()
    """Refocused by gradients, transverse magnetization kept: T2 over T1."""
    UNSTATED = auto()
    """The header does not tell; taken for a spin echo."""


class Inversion(Enum):
    """What an inversion pulse does to fat."""

    NONE = auto()
    """No inversion, or none that the header tells of."""
    AT_FAT = auto()
    """Fat is near the zero of its signal."""
    NEAR_FAT = auto()
    """Fat is between dark and bright."""
    BEYOND_FAT = auto()
    """Fat has recovered."""
    GRADIENT_AT_FAT = auto()
    """The time fits the zero of fat, but a train of gradient echoes samples the recovery."""
    TIME_UNKNOWN = auto()
    """An inversion whose time is not told."""


def t1_ms(law: tuple[float, float], field_t: float) -> float:
    """T1 at a field, ms, by a power law of the frequency.

    Examples
    --------
    >>> [round(t1_ms(FAT_T1_LAW, field)) for field in (0.064, 1.5, 3.0)]
    [150, 259, 292]
    """
    factor, power = law
    return float(1000.0 * factor * (PROTON_HZ_PER_T * field_t) ** power)


def null_time_ms(t1: float, repetition_time_ms: float | None) -> float:
    """Inversion time at which the signal of a tissue is zero, ms.

    Parameters
    ----------
    t1 : float
        Longitudinal relaxation time, ms.
    repetition_time_ms : float or None
        Repetition time, ms; None for complete recovery.

    Returns
    -------
    float
        Time, ms.

    Notes
    -----
    *Definition*: with the magnetization zero after each excitation, M(TI) = 1 - 2 exp(-TI/T1) + exp(-TR/T1), hence
    TI = T1 (ln 2 - ln(1 + exp(-TR/T1))).

    Examples
    --------
    >>> round(null_time_ms(260.0, 4000.0)), round(null_time_ms(4000.0, 6000.0))
    (180, 1967)
    """
    left = 0.0 if repetition_time_ms is None else math.exp(-repetition_time_ms / t1)
    return t1 * (math.log(2.0) - math.log1p(left))


def judge_inversion(
    inversion_time_ms: float | None,
    repetition_time_ms: float | None,
    field_t: float | None,
    *,
    coded: bool | None,
    technique: Technique,
) -> Inversion:
    """What an inversion does to fat.

    Parameters
    ----------
    inversion_time_ms, repetition_time_ms : float or None
        Times, ms; positive.
    field_t : float or None
        Field strength, tesla; where unknown, every usual field is considered.
    coded : bool or None
        Whether the codes say that there was an inversion.
    technique : Technique
        How the echo was made.

    Returns
    -------
    Inversion
        The effect.

    Examples
    --------
    >>> judge_inversion(160.0, 4000.0, 1.5, coded=True, technique=Technique.SPIN_ECHO).name
    'AT_FAT'
    >>> judge_inversion(860.0, 2200.0, 3.0, coded=True, technique=Technique.SPIN_ECHO).name
    'BEYOND_FAT'
    """
    if inversion_time_ms is None:
        return Inversion.TIME_UNKNOWN if coded else Inversion.NONE
    fields = USUAL_FIELDS_T if field_t is None else (field_t, field_t)
    # A TR that the inversion does not fit into is the time between gradient echoes and no measure of recovery.
    tr = repetition_time_ms if repetition_time_ms is not None and repetition_time_ms > inversion_time_ms else None
    earliest, latest = (null_time_ms(t1_ms(FAT_T1_LAW, field), tr) for field in fields)
    if inversion_time_ms < AT_FAT_RANGE[0] * earliest:
        return Inversion.NEAR_FAT if coded else Inversion.NONE
    if inversion_time_ms <= AT_FAT_RANGE[1] * latest:
        return Inversion.GRADIENT_AT_FAT if technique is Technique.GRADIENT_ECHO else Inversion.AT_FAT
    return Inversion.NEAR_FAT if inversion_time_ms < BEYOND_FAT_FACTOR * latest else Inversion.BEYOND_FAT


def weigh_spin_echo(
    echo_time_ms: float, repetition_time_ms: float, *, inversion_time_ms: float | None
) -> tuple[Sequence | None, str]:
    """Weighting of a spin echo, and a word on it where the times alone do not tell.

    Parameters
    ----------
    echo_time_ms, repetition_time_ms : float
        Times, ms.
    inversion_time_ms : float or None
        Of an inversion that leaves fat bright, ms.

    Returns
    -------
    Sequence or None, str
        None between the regimes.

    Examples
    --------
    >>> weigh_spin_echo(11.0, 4320.0, inversion_time_ms=None)
    (<Sequence.PD: 'PD'>, '')
    >>> weigh_spin_echo(55.0, 3000.0, inversion_time_ms=None)
    (None, 'between the regimes of T1, T2 and proton density')
    """
    if inversion_time_ms is not None:
        if echo_time_ms <= SHORT_TE_MS and inversion_time_ms <= LATEST_T1_TI_MS:
            return Sequence.T1, ""
        if echo_time_ms >= LONG_TE_MS and inversion_time_ms >= FLUID_TI_MS:
            return Sequence.T2, "fluid-attenuated"
        return None, "an inversion between the regimes of T1 and T2"
    if repetition_time_ms <= SHORT_TR_MS and echo_time_ms <= SHORT_TE_MS:
        return Sequence.T1, ""
    if repetition_time_ms >= LONG_TR_MS and echo_time_ms >= LONG_TE_MS:
        return Sequence.T2, ""
    if repetition_time_ms >= PD_TR_MS and echo_time_ms <= PD_TE_MS:
        return Sequence.PD, ""
    return None, "between the regimes of T1, T2 and proton density"


def weigh_gradient_echo(
    echo_time_ms: float | None,
    repetition_time_ms: float | None,
    flip_angle_deg: float | None,
    *,
    field_t: float | None,
    inverted: bool,
) -> tuple[Sequence | None, str]:
    """Weighting of a spoiled gradient echo, and why.

    Parameters
    ----------
    echo_time_ms, repetition_time_ms, flip_angle_deg : float or None
        Times, ms, and flip angle, degrees.
    field_t : float or None
        Field strength, tesla; 1.5 where unknown.
    inverted : bool
        Whether a late inversion prepares T1 contrast, as in MPRAGE.

    Returns
    -------
    Sequence or None, str
        T1 or None.

    Notes
    -----
    *Definition*: T1-weighted where the flip angle is above the Ernst angle of muscle, arccos exp(-TR/T1): there the
    tissue of longer T1 is the darker.

    Examples
    --------
    >>> weigh_gradient_echo(2.4, 4.5, 10.0, field_t=1.5, inverted=False)[0]
    <Sequence.T1: 'T1'>
    """
    if echo_time_ms is None or echo_time_ms > LONGEST_GRADIENT_TE_MS:
        return None, "a gradient echo of T2* or unknown weighting"
    if inverted:
        return Sequence.T1, "a gradient echo after an inversion"
    if repetition_time_ms is None or flip_angle_deg is None:
        return None, "a gradient echo of unknown flip angle or TR"
    recovery = math.exp(-repetition_time_ms / t1_ms(MUSCLE_T1_LAW, 1.5 if field_t is None else field_t))
    ernst_deg = math.degrees(math.acos(recovery))
    if ernst_deg < flip_angle_deg <= 90.0:
        return Sequence.T1, f"a gradient echo with a flip angle of {flip_angle_deg:.3g} degrees"
    return None, f"a gradient echo with a flip angle of {flip_angle_deg:.3g} degrees, too small for T1"
