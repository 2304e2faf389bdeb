"""The contrast of a series, told from the physics in its header.

What was done to the magnetization decides: an inversion at the zero of fat's signal makes a STIR, whatever the series
is called. Free text is asked last, only where the codes are silent, and can warn of fat suppression but never deny it.
"""

import math
import re
from dataclasses import dataclass, replace

from foramgrade.findings import Sequence
from foramgrade.loaders.contrast.hints import Hints, find_hints
from foramgrade.loaders.contrast.physics import (
    Inversion,
    Technique,
    judge_inversion,
    weigh_gradient_echo,
    weigh_spin_echo,
)

#: Largest times that a header can mean, ms; beyond them, as at zero and below, a number says nothing.
LONGEST_MS = 60_000.0

#: Fields at which people are examined, tesla.
FIELDS_T = (0.01, 15.0)

#: Scan Options that say that fat was suppressed: the defined term, and how vendors spell the techniques. Exact terms
#: only: GE writes SAT_GEMS for spatial saturation and FSA_GEMS, FSP_GEMS... for the direction of the readout.
FAT_SAT_OPTIONS = frozenset(
    {"FS", "FATSAT", "FAT_SAT", "FAT SAT", "SPIR", "SPAIR", "ASPIR", "SPECIR", "WE", "WATEREXC", "PROSET"}
)

#: Scan Options whose meaning for fat is not published.
OPAQUE_OPTIONS = frozenset({"SFS", "CHEMSAT", "FLEX_GEMS", "IDEAL_GEMS"})

#: Spectrally Selected Suppression of FAT, or Spectrally Selected Excitation of WATER.
FAT_SAT_MODIFIERS = frozenset({"FAT", "WATER", "FAT_AND_WATER"})

#: Words in Image Type for the images of a two-point Dixon series.
_DIXON = {
    "water": frozenset({"W", "WATER", "WATER_ONLY", "DIXON_WATER"}),
    "fat": frozenset({"F", "FAT", "FAT_ONLY", "DIXON_FAT"}),
    "opposed": frozenset({"OP", "OPP_PHASE", "OUT_PHASE", "OUT_OF_PHASE", "OPPOSED_PHASE", "DIXON_OPP_PHASE"}),
    "in": frozenset({"IP", "IN_PHASE", "INPHASE", "DIXON_IN_PHASE"}),
}

#: Words in Image Type for what is no magnitude image of one contrast.
_NO_WEIGHTING = {
    "a diffusion image or map": frozenset({"ADC", "DIFFUSION", "TRACEW", "TRACE", "COLFA", "EADC", "DWI", "TENSOR"}),
    "a phase image": frozenset({"P", "PHASE", "PHASE MAP", "PHASE_MAP", "VELOCITY"}),
    "a real or imaginary part": frozenset({"R", "REAL", "I", "IMAGINARY"}),
    "a parameter map": frozenset(
        {"T1 MAP", "T1_MAP", "T2 MAP", "T2_MAP", "T2_STAR MAP", "T2_STAR_MAP", "R2_MAP", "R2_STAR_MAP", "FF"}
        | {"FAT_FRACTION", "PDFF", "B0", "B0 MAP", "B1", "B1 MAP", "SWI", "PERFUSION"}
    ),
    "a projection or a subtraction": frozenset({"PROJECTION IMAGE", "MIP", "MIN IP", "MNIP", "SUBTRACTION", "SUB"}),
}

#: Modalities that may be named in a reason; a value outside of the standard is not repeated.
_MODALITIES = frozenset(("CR", "CT", "DX", "MG", "NM", "OT", "PR", "PT", "RF", "SC", "SEG", "SR", "US", "XA"))

#: Siemens' sequence names of a turbo inversion recovery, an inverted SPACE, and of fat saturation and water excitation.
_INVERTED_NAME = re.compile(r"\*?(?:tir|spcir)", re.IGNORECASE)
_FAT_SAT_NAME = re.compile(r"(?:\d|_)(?:fs|we)$", re.IGNORECASE)
_SPIN_ECHO_NAME = re.compile(r"\*?(?:q?fse|frfse|tse|tir|spc|se|hste|h)(?![a-z])|\*?(?:tse|tir|spc|fse)", re.IGNORECASE)
_GRADIENT_ECHO_NAME = re.compile(r"\*?(?:fl|tfl|me|ffe|t1ffe|tfe|fspgr|spgr|vibe|q?gre)(?![a-z])", re.IGNORECASE)
_STEADY_STATE_NAME = re.compile(r"\*?(?:tfi|ci|de|bffe|fiesta|psif)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What a header says of how a series was acquired; None or empty where it is silent.

    Parameters
    ----------
    modality : str
        Modality, e.g. "MR".
    echo_time_ms, repetition_time_ms, inversion_time_ms : float or None
        Echo time (effective, where the header has it), repetition time and inversion time, ms.
    flip_angle_deg : float or None
        Flip angle, degrees.
    echo_train_length : int or None
        Echoes per excitation.
    field_t : float or None
        Field strength, tesla.
    scanning_sequence, sequence_variant, scan_options : tuple of str
        Coded values, e.g. ("SE", "IR"), ("SK", "SP"), ("FS",); of enhanced headers Echo Pulse Sequence ("SPIN",
        "GRADIENT") serves as the scanning sequence.
    image_type : tuple of str
        Values of Image Type or Frame Type, e.g. ("ORIGINAL", "PRIMARY", "M", "NORM").
    sequence_name : str
        The vendor's name of the pulse sequence.
    inversion_recovery : bool or None
        Enhanced headers: whether an inversion pulse was used.
    suppression : tuple of str
        Enhanced headers: values of Spectrally Selected Suppression and Spectrally Selected Excitation, e.g. ("FAT",).
    description : str
        Series description and protocol name: free text, a hint only.
    scan_options_stated : bool
        Whether the header has the element Scan Options, even if it is empty.
    b_value : float or None
        Diffusion weighting, s/mm2.
    """

    modality: str = ""
    echo_time_ms: float | None = None
    repetition_time_ms: float | None = None
    inversion_time_ms: float | None = None
    flip_angle_deg: float | None = None
    echo_train_length: int | None = None
    field_t: float | None = None
    scanning_sequence: tuple[str, ...] = ()
    sequence_variant: tuple[str, ...] = ()
    scan_options: tuple[str, ...] = ()
    image_type: tuple[str, ...] = ()
    sequence_name: str = ""
    inversion_recovery: bool | None = None
    suppression: tuple[str, ...] = ()
    description: str = ""
    scan_options_stated: bool = False
    b_value: float | None = None


@dataclass(frozen=True, slots=True)
class Contrast:
    """Contrast of a series and what it was told from.

    Parameters
    ----------
    weighting : Sequence or None
        T1, T2, PD or STIR; None when the header does not tell.
    fat_suppressed : bool or None
        Whether the signal of fat was suppressed; None when the header does not tell.
    reason : str
        The evidence in words, e.g. "TR 4320 ms, TE 92 ms"; never free text of the header.
    """

    weighting: Sequence | None
    fat_suppressed: bool | None
    reason: str


def judge_contrast(acquisition: Acquisition) -> Contrast:
    """Tell weighting and fat suppression from what the header says.

    Parameters
    ----------
    acquisition : Acquisition
        What the header says. Numbers that are not finite, not positive or absurdly large count as not said.

    Returns
    -------
    Contrast
        Never raises: whatever cannot be told is None, with the reason.

    Notes
    -----
    *Definition*: fat is suppressed where a spectral suppression is coded, where an image is the water of a Dixon series
    or where a spin echo follows an inversion near the zero of fat. It counts as not suppressed where an enhanced header
    says NONE, and where the header states scan options without a suppression and no inversion near that zero, unless
    the description names one: vendors do write the option, but by the standard an empty element says "unknown".
    An inversion near the zero of fat is a STIR if inversion recovery is coded, or if no spectral suppression is coded
    beside it: the inversion of SPAIR and SPIR is spectral, so its weighting is that of TR and TE.
    *Limits*: whether an inversion pulse is selective is not in the public header; where both inversion recovery and fat
    saturation are coded with a short inversion time a SPAIR may be called STIR. Fat is suppressed either way.

    Examples
    --------
    >>> judge_contrast(Acquisition(echo_time_ms=92, repetition_time_ms=4320, scan_options=("FS",))).reason
    'TR 4320 ms, TE 92 ms; fat saturation in the scan options'
    >>> header = Acquisition(echo_time_ms=60, repetition_time_ms=4000, inversion_time_ms=160, description="t2 sag")
    >>> judge_contrast(header).weighting
    <Sequence.STIR: 'STIR'>
    """
    a = _plain(acquisition)
    if a.modality not in ("", "MR"):
        return Contrast(None, None, f"{a.modality if a.modality in _MODALITIES else 'another modality'}, not MR")
    hints = find_hints(acquisition.description)
    no_weighting = _find_no_weighting(a)
    if no_weighting:
        return Contrast(None, None, no_weighting)
    shown = _dixon_image(a, hints)
    if shown == "fat":
        return Contrast(None, None, "fat-only Dixon image")
    if shown == "opposed":
        return Contrast(None, None, "opposed-phase Dixon image")
    inversion = judge_inversion(
        a.inversion_time_ms, a.repetition_time_ms, a.field_t, coded=_inversion_coded(a), technique=_technique(a)
    )
    coded, evidence = _coded_suppression(a, water=shown == "water", in_phase=shown == "in")
    weighting, reason = _weigh(a, inversion, coded, hints)
    suppressed, why = _suppressed(a, inversion, coded, evidence, hints)
    return Contrast(weighting, suppressed, "; ".join(part for part in (reason, why) if part))


def _plain(a: Acquisition) -> Acquisition:
    """The acquisition in capitals and without numbers that mean nothing."""

    def within(value: float | None, low: float, high: float) -> float | None:
        return value if value is not None and low < value <= high else None  # NaN fails

    def capitals(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(stripped for value in values if (stripped := str(value).strip().upper()))

    return replace(
        a,
        modality=a.modality.strip().upper(),
        echo_time_ms=within(a.echo_time_ms, 0.0, LONGEST_MS),
        repetition_time_ms=within(a.repetition_time_ms, 0.0, LONGEST_MS),
        inversion_time_ms=within(a.inversion_time_ms, 0.0, LONGEST_MS),
        flip_angle_deg=within(a.flip_angle_deg, 0.0, 360.0),
        field_t=within(a.field_t, *FIELDS_T),
        b_value=within(a.b_value, 0.0, math.inf),
        scanning_sequence=capitals(a.scanning_sequence),
        sequence_variant=capitals(a.sequence_variant),
        scan_options=capitals(a.scan_options),
        image_type=capitals(a.image_type),
        suppression=capitals(a.suppression),
        sequence_name=a.sequence_name.strip(),
    )


def _find_no_weighting(a: Acquisition) -> str:
    """What makes an image other than a magnitude image of one contrast; empty if nothing does."""
    if a.b_value is not None:
        return "a diffusion image or map"
    for what, values in _NO_WEIGHTING.items():
        if values.intersection(a.image_type):
            return what
    if "EP" in a.scanning_sequence:
        return "echo-planar: diffusion, perfusion or function"
    return ""


def _dixon_image(a: Acquisition, hints: Hints) -> str:
    """Which image of a Dixon series: water, fat, opposed, in or empty. GE names it at the start of the description."""
    for name, values in _DIXON.items():
        if values.intersection(a.image_type):
            return name
    return hints.dixon if "DIXON" in a.image_type else ""


def _inversion_coded(a: Acquisition) -> bool | None:
    """Whether the codes say that an inversion pulse was used; None where they are silent."""
    if "IR" in a.scanning_sequence or a.inversion_recovery or _INVERTED_NAME.match(a.sequence_name):
        return True
    if {"IR", "IR_GEMS", "T1FLAIR_GEMS", "T2FLAIR_GEMS"}.intersection(a.scan_options) or "IR" in a.image_type:
        return True
    stated = a.inversion_recovery is False or bool({"SE", "GR"}.intersection(a.scanning_sequence))
    return False if stated else None


def _technique(a: Acquisition) -> Technique:
    """Spin or gradient echo: by the code, else by the name, the flip angle and the length of the echo train."""
    codes, name = set(a.scanning_sequence), a.sequence_name
    if codes & {"SE", "SPIN", "BOTH"}:
        return Technique.SPIN_ECHO
    if _STEADY_STATE_NAME.match(name) or ("SS" in a.sequence_variant and "SP" not in a.sequence_variant):
        return Technique.STEADY_STATE
    if codes & {"GR", "GRADIENT"}:
        return Technique.GRADIENT_ECHO
    if _GRADIENT_ECHO_NAME.match(name):
        return Technique.GRADIENT_ECHO
    if _SPIN_ECHO_NAME.match(name) or (a.echo_train_length or 0) > 1:
        return Technique.SPIN_ECHO
    if a.flip_angle_deg is not None and a.flip_angle_deg < 60.0:
        return Technique.GRADIENT_ECHO
    return Technique.UNSTATED


def _coded_suppression(a: Acquisition, *, water: bool, in_phase: bool) -> tuple[bool | None, str]:
    """Suppression of fat by its frequency as the codes tell it, and the evidence in words."""
    if water:
        return True, "water-only Dixon image"
    if FAT_SAT_OPTIONS.intersection(a.scan_options):
        return True, "fat saturation in the scan options"
    if FAT_SAT_MODIFIERS.intersection(a.suppression):
        return True, "spectral suppression of fat or excitation of water"
    if _FAT_SAT_NAME.search(a.sequence_name):
        return True, "fat saturation or water excitation in the name of the pulse sequence"
    if in_phase:
        return False, "in-phase Dixon image"
    if a.suppression and set(a.suppression) == {"NONE"}:
        return False, "no spectral suppression"
    return None, ""


def _weigh(a: Acquisition, inversion: Inversion, suppressed: bool | None, hints: Hints) -> tuple[Sequence | None, str]:
    """Weighting and the numbers it was told from."""
    numbers = _numbers(a)
    technique = _technique(a)
    # The inversion of SPAIR is spectral: then TR and TE weigh the water. Coded inversion recovery is not spectral.
    if inversion is Inversion.AT_FAT and (not suppressed or _inversion_coded(a)):
        return Sequence.STIR, f"{numbers}: an inversion at the zero of fat's signal"
    if inversion is Inversion.TIME_UNKNOWN:
        if hints.stir:
            return Sequence.STIR, f"{numbers}; inversion recovery without its time, and the description says STIR"
        flair = {"T1FLAIR_GEMS": Sequence.T1, "T2FLAIR_GEMS": Sequence.T2}
        for option, weighting in flair.items():
            if option in a.scan_options:
                return weighting, f"{numbers}; fluid-attenuated inversion recovery in the scan options"
        if technique is not Technique.GRADIENT_ECHO:
            return None, f"{numbers}; inversion recovery without its time"
    if technique is Technique.STEADY_STATE:
        return None, f"{numbers}; a balanced or refocused steady state"
    recovered = inversion in (Inversion.BEYOND_FAT, Inversion.NEAR_FAT)
    if technique is Technique.GRADIENT_ECHO:
        if inversion is Inversion.GRADIENT_AT_FAT:
            return None, f"{numbers}; a gradient echo after an inversion near the zero of fat's signal"
        prepared = recovered or inversion is Inversion.TIME_UNKNOWN
        decided, why = weigh_gradient_echo(
            a.echo_time_ms, a.repetition_time_ms, a.flip_angle_deg, field_t=a.field_t, inverted=prepared
        )
        return decided, f"{numbers}; {why}"
    if a.echo_time_ms is None or a.repetition_time_ms is None:
        return _hinted(a, numbers, hints)
    if _inversion_coded(a) is None and inversion is Inversion.NONE and hints.stir:
        return _hinted(a, numbers, hints)  # the codes say neither that there was an inversion nor that there was none
    decided, why = weigh_spin_echo(
        a.echo_time_ms, a.repetition_time_ms, inversion_time_ms=a.inversion_time_ms if recovered else None
    )
    return decided, "; ".join(part for part in (numbers, why) if part)


def _hinted(a: Acquisition, numbers: str, hints: Hints) -> tuple[Sequence | None, str]:
    """Weighting by the description, for a header without the times that decide."""
    if hints.stir_or_t2:
        return None, f"{numbers}; the description leaves open whether it is STIR"
    if hints.stir:
        return Sequence.STIR, f"{numbers}; the description says STIR"
    long_echo = a.echo_time_ms is not None and a.echo_time_ms > 45.0
    if hints.weighting and not (long_echo and hints.weighting is not Sequence.T2):
        return hints.weighting, f"{numbers}; the description says {hints.weighting.value}"
    return None, numbers


def _suppressed(
    a: Acquisition,
    inversion: Inversion,
    coded: bool | None,
    evidence: str,
    hints: Hints,
) -> tuple[bool | None, str]:
    """Whether fat was suppressed, and why."""
    if coded:
        return True, evidence
    if inversion is Inversion.AT_FAT:
        return True, ""
    if inversion is Inversion.TIME_UNKNOWN:
        flair = {"T1FLAIR_GEMS", "T2FLAIR_GEMS"}.intersection(a.scan_options)
        if hints.fat_suppressed:
            return True, "the description names a suppression of fat"
        if not flair:
            return None, "whether the inversion suppressed fat is not stated"
    if inversion in (Inversion.NEAR_FAT, Inversion.GRADIENT_AT_FAT):
        return None, "the inversion leaves fat between dark and bright"
    if coded is False:
        return False, evidence
    if hints.fat_suppressed:
        if hints.stir_or_t2:
            return None, "whether fat was suppressed is left open"
        return True, "the description names a suppression of fat"
    if OPAQUE_OPTIONS.intersection(a.scan_options):
        return None, "a scan option may stand for fat suppression"
    timed = a.echo_time_ms is not None and a.repetition_time_ms is not None
    if timed and (a.scan_options_stated or a.scan_options):
        return False, "no fat saturation in the scan options"
    return None, "whether fat was suppressed is not stated"


def _numbers(a: Acquisition) -> str:
    """The times in words."""
    known = {"TR": a.repetition_time_ms, "TE": a.echo_time_ms, "inversion time": a.inversion_time_ms}
    told = [f"{name} {round(value, 1):g} ms" for name, value in known.items() if value is not None]
    return ", ".join(told) or "neither TR nor TE is stated"
