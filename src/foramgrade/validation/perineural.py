"""The study of perineural fat: every pattern of lost borders by protocol, noise and resolution; where it breaks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from foramgrade.findings import Sequence as Contrast
from foramgrade.phantom import CLINICAL_2D, FINE_2D, ISOTROPIC
from foramgrade.validation.cases import Case, ForamenCheck
from foramgrade.validation.grades import GradeReport, report_grades

#: Protocols that are studied.
STUDIED = {
    "0.6 / 4.4 mm": CLINICAL_2D,
    "0.45 / 3.3 mm": FINE_2D,
    "0.9 mm isotropic": ISOTROPIC,
    "0.7 / 4.5 mm": replace(CLINICAL_2D, pixel_mm=0.7, spacing_mm=4.5),
}
#: Larger and larger pixels: where it breaks. A third as many phantoms each.
COARSE = {
    "0.8 / 4.4 mm": replace(CLINICAL_2D, pixel_mm=0.8),
    "1.0 / 4.4 mm": replace(CLINICAL_2D, pixel_mm=1.0),
    "1.2 / 4.4 mm": replace(CLINICAL_2D, pixel_mm=1.2),
}
COARSE_SHARE = 3
#: Signal-to-noise ratios, and the factor by which the coil's sensitivity falls from back to front.
SNR, COIL_FALL = (10.0, 40.0), (1.0, 4.0)
#: Ends of the classes of signal-to-noise ratio.
SNR_CLASSES = ((10.0, 15.0), (15.0, 20.0), (20.0, 30.0), (30.0, 40.0))
#: From this ratio on the goals of the study are set.
CLEAR_SNR = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class FatGroup:
    """Foramina of one kind.

    Parameters
    ----------
    name : str
        What they have in common.
    n_phantoms, n_foramina : int
        How many there were.
    grades : GradeReport
        The answers.
    """

    name: str
    n_phantoms: int
    n_foramina: int
    grades: GradeReport


@dataclass(frozen=True, slots=True, eq=False)
class FatStudy:
    """Result of the study.

    Parameters
    ----------
    protocols : tuple of FatGroup
        Those studied, then the coarse ones.
    clear : tuple of FatGroup
        The studied protocols at a signal-to-noise ratio of at least 20.
    noise : tuple of FatGroup
        All studied protocols by class of signal-to-noise ratio.
    kinds : tuple of FatGroup
        All studied protocols by contrast, and foramina with a film of fat.
    pooled : FatGroup
        All studied protocols.
    """

    protocols: tuple[FatGroup, ...]
    clear: tuple[FatGroup, ...]
    noise: tuple[FatGroup, ...]
    kinds: tuple[FatGroup, ...]
    pooled: FatGroup


def plan_fat_study(cases: int, make_seed: Callable[[str, int], tuple[int, ...]]) -> Iterator[Case]:
    """Cases of the study.

    Parameters
    ----------
    cases : int
        Phantoms per studied protocol, T1 and T2 in turn.
    make_seed : callable
        Seed from the name of a protocol and a number.

    Yields
    ------
    Case
        Every pattern of lost borders as often, a fifth of the roots deformed, thin fat a film of one pixel.
    """
    for protocols, number in ((STUDIED, cases), (COARSE, max(1, cases // COARSE_SHARE))):
        for name, protocol in protocols.items():
            for n in range(number):
                yield Case(
                    setting=name,
                    protocol=protocol,
                    seed=make_seed(f"fat {name}", n),
                    sequence=(Contrast.T1, Contrast.T2)[n % 2],
                    every_pattern=True,
                    snr=SNR,
                    coil_fall=COIL_FALL,
                )


def report_fat_study(checks: Sequence[ForamenCheck]) -> FatStudy:
    """Sum up the study by protocol, noise and kind.

    Parameters
    ----------
    checks : sequence of ForamenCheck
        All foramina of the cases that were planned.

    Returns
    -------
    FatStudy
        Groups without a foramen are left out.
    """
    of = {name: [check for check in checks if check.case.setting == name] for name in (*STUDIED, *COARSE)}
    main = [check for name in STUDIED for check in of[name]]
    clear = {name: [check for check in of[name] if check.snr >= CLEAR_SNR] for name in STUDIED}
    noise = {ends: [check for check in main if ends[0] <= check.snr < ends[1]] for ends in SNR_CLASSES}
    contrasts = {kind: [check for check in main if check.case.sequence is kind] for kind in (Contrast.T1, Contrast.T2)}
    film = [check for check in main if check.film]
    return FatStudy(
        protocols=_groups(of.items()),
        clear=_groups((f"{name}, SNR at least {CLEAR_SNR:g}", found) for name, found in clear.items()),
        noise=_groups((name_class(*ends), found) for ends, found in noise.items()),
        kinds=_groups([*((c.value, found) for c, found in contrasts.items()), ("with a film of one pixel", film)]),
        pooled=_group("all studied protocols", main),
    )


def name_class(low: float, high: float) -> str:
    """Name of the group of a class of signal-to-noise ratio."""
    return f"SNR {low:g} to {high:g}"


def _groups(named: Iterable[tuple[str, list[ForamenCheck]]]) -> tuple[FatGroup, ...]:
    return tuple(_group(name, found) for name, found in named if found)


def _group(name: str, checks: Sequence[ForamenCheck]) -> FatGroup:
    return FatGroup(name, len({check.case for check in checks}), len(checks), report_grades(checks))
