"""Random phantoms by the hundred, over processes: per protocol, growth of errors, perineural fat, repeats."""

import math
import multiprocessing
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import groupby, islice

from foramgrade.errors import InputError
from foramgrade.findings import Sequence as Contrast
from foramgrade.phantom import CLINICAL_2D, Protocol
from foramgrade.validation.cases import Case, ForamenCheck, check_case
from foramgrade.validation.perineural import FatStudy, plan_fat_study, report_fat_study
from foramgrade.validation.repeats import RepeatReport, report_repeats
from foramgrade.validation.report import SettingReport, report_setting

#: Distances between slices over which errors are shown to grow, mm; pixels as in the clinical protocol.
SPACINGS_MM = (0.9, 2.2, 3.3, 4.4, 5.5)
#: Displacements of the label borders over which errors are shown to grow, mm root mean square; clinical protocol.
EDGE_NOISES_MM = (0.0, 0.25, 0.5, 0.75)
#: Share of their variance that every slice has of its own.
EDGE_NOISE_OWN = 0.5
#: One phantom per setting of growth for so many per protocol: the same spines in every setting need fewer.
CASES_PER_GROWTH = 3
#: The study of perineural fat takes a third as many phantoms of each of its protocols, repeats a sixth as many spines.
CASES_PER_FAT, CASES_PER_REPEAT = 3, 6
#: How often a spine is scanned, and the displacement of the labels' borders, mm root mean square, new each time.
VISITS, REPEAT_NOISE_MM = 3, 0.25


def respaced(protocol: Protocol, spacing_mm: float) -> Protocol:
    """The protocol with another distance between slices; their thickness keeps its share, their stack its width."""
    share = spacing_mm / protocol.spacing_mm
    return replace(
        protocol,
        spacing_mm=spacing_mm,
        thickness_mm=protocol.thickness_mm * share,
        n_slices=math.ceil(protocol.n_slices / share),
    )


@dataclass(frozen=True, slots=True)
class Sweep:
    """A property of the study that is varied while the spines stay the same.

    Parameters
    ----------
    name : str
        The property.
    values_mm : tuple of float
        Its values, mm.
    apply : callable
        Gives a case the value.
    """

    name: str
    values_mm: tuple[float, ...]
    apply: Callable[[Case, float], Case]


def _with_spacing(case: Case, spacing_mm: float) -> Case:
    return replace(case, protocol=respaced(case.protocol, spacing_mm))


def _with_edge_noise(case: Case, rms_mm: float) -> Case:
    return replace(case, edge_noise_mm=rms_mm, edge_noise_own=EDGE_NOISE_OWN)


#: What is varied, from the clinical protocol.
SWEEPS = (
    Sweep("slice spacing", SPACINGS_MM, _with_spacing),
    Sweep("edge noise", EDGE_NOISES_MM, _with_edge_noise),
)


@dataclass(frozen=True, slots=True)
class Growth:
    """How errors grow with one property of the study; the same spines at every value.

    Parameters
    ----------
    name : str
        The property.
    values_mm : tuple of float
        Its values, mm.
    reports : tuple of SettingReport
        One per value; geometry only.
    """

    name: str
    values_mm: tuple[float, ...]
    reports: tuple[SettingReport, ...]


@dataclass(frozen=True, slots=True)
class Validation:
    """Result of a validation on phantoms.

    Parameters
    ----------
    version : str
        Of this package.
    seed, cases : int
        Seed, and number of phantoms per protocol.
    geometry_only : bool
        Whether images were left out.
    protocols : mapping of str to Protocol
        Sampling by name.
    reports : tuple of SettingReport
        One per protocol.
    growth : tuple of Growth
        With the spacing of slices and with the noise of label borders; empty where it was not wanted.
    fat : FatStudy or None
        Perineural fat by protocol, noise and resolution.
    repeats : RepeatReport or None
        The same spines scanned and segmented anew.
    checks : tuple of ForamenCheck
        Every foramen of every phantom.
    """

    version: str
    seed: int
    cases: int
    geometry_only: bool
    protocols: Mapping[str, Protocol]
    reports: tuple[SettingReport, ...]
    growth: tuple[Growth, ...]
    fat: FatStudy | None
    repeats: RepeatReport | None
    checks: tuple[ForamenCheck, ...]


def validate_phantoms(
    protocols: Mapping[str, Protocol],
    *,
    cases: int = 36,
    seed: int = 1,
    jobs: int = 1,
    geometry_only: bool = False,
    growth: bool = True,
    fat: bool = True,
    repeats: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Validation:
    """Measure random phantoms and compare the answers with their truth.

    Parameters
    ----------
    protocols : mapping of str to Protocol
        Sampling by name; every name has spines of its own.
    cases : int
        Phantoms per protocol, T1 and T2 in turn.
    seed : int
        The same seed gives the same result, whatever the number of jobs.
    jobs : int
        Processes; 1 works in this one.
    geometry_only : bool
        Whether to leave out the images: no root, no fat, no grades, and less than half of the time.
    growth : bool
        Whether to show how errors grow with slice spacing and border noise, on a third as many phantoms per value.
    fat : bool
        Whether to study perineural fat, on a third as many phantoms per protocol; never without images.
    repeats : bool
        Whether to scan a sixth as many spines anew.
    progress : callable or None
        Called with the number of phantoms done and of all phantoms.

    Returns
    -------
    Validation
        Agreement per protocol, growth, and every foramen behind them.

    Raises
    ------
    InputError
        If there is no protocol, no case or no job.
    """
    if not protocols or cases < 1 or jobs < 1:
        msg = f"expected a protocol, a case and a job at least, found {len(protocols)}, {cases} and {jobs}"
        raise InputError(msg)
    fat = fat and not geometry_only
    sweeps = SWEEPS if growth else ()
    plan = _plan(protocols, cases, seed, geometry_only=geometry_only, sweeps=sweeps, fat=fat, repeats=repeats)
    rest = iter(_check_all([case for part in plan for case in part], jobs, progress))
    of_main, *of_sweeps, of_fat, of_repeats = [list(islice(rest, len(part))) for part in plan]
    return Validation(
        version=version("foramgrade"),
        seed=seed,
        cases=cases,
        geometry_only=geometry_only,
        protocols=dict(protocols),
        reports=_reports(of_main),
        growth=tuple(Growth(s.name, s.values_mm, _reports(part)) for s, part in zip(sweeps, of_sweeps, strict=True)),
        fat=report_fat_study(_flat(of_fat)) if fat else None,
        repeats=report_repeats(_flat(of_repeats)) if repeats else None,
        checks=tuple(_flat([*of_main, *(case for part in of_sweeps for case in part), *of_fat, *of_repeats])),
    )


def count_phantoms(
    n_protocols: int,
    cases: int,
    *,
    geometry_only: bool = False,
    growth: bool = True,
    fat: bool = True,
    repeats: bool = True,
) -> int:
    """How many phantoms a validation makes."""
    plan = _plan(
        {str(number): CLINICAL_2D for number in range(n_protocols)},
        cases,
        0,
        geometry_only=geometry_only,
        sweeps=SWEEPS if growth else (),
        fat=fat and not geometry_only,
        repeats=repeats,
    )
    return sum(map(len, plan))


def _plan(
    protocols: Mapping[str, Protocol],
    cases: int,
    seed: int,
    *,
    geometry_only: bool,
    sweeps: Sequence[Sweep],
    fat: bool,
    repeats: bool,
) -> list[list[Case]]:
    """Cases of the protocols, of every sweep, of the study of fat and of the repeats."""
    return [
        list(_main_cases(protocols, cases, seed, geometry_only=geometry_only)),
        *(list(_sweep_cases(sweep, cases, seed)) for sweep in sweeps),
        list(plan_fat_study(_share(cases, CASES_PER_FAT), lambda name, n: _seed(seed, name, n))) if fat else [],
        list(_repeat_cases(cases, seed, geometry_only=geometry_only)) if repeats else [],
    ]


def _share(cases: int, among: int) -> int:
    return max(1, cases // among)


def _flat(checked: Sequence[tuple[ForamenCheck, ...]]) -> list[ForamenCheck]:
    return [check for case in checked for check in case]


def _seed(seed: int, stream: str, number: int) -> tuple[int, ...]:
    """Seed of one spine: the same for the same name, whatever else is validated beside it."""
    return (seed, zlib.crc32(stream.encode()), number)


def _main_cases(protocols: Mapping[str, Protocol], cases: int, seed: int, *, geometry_only: bool) -> Iterator[Case]:
    for name, protocol in protocols.items():
        for number in range(cases):
            yield Case(
                setting=name,
                protocol=protocol,
                seed=_seed(seed, name, number),
                sequence=(Contrast.T1, Contrast.T2)[number % 2],
                geometry_only=geometry_only,
            )


def _sweep_cases(sweep: Sweep, cases: int, seed: int) -> Iterator[Case]:
    for value in sweep.values_mm:
        for number in range(_share(cases, CASES_PER_GROWTH)):
            setting = f"{sweep.name} {value:g} mm"
            plain = Case(setting, CLINICAL_2D, seed=_seed(seed, "growth", number), geometry_only=True)
            yield sweep.apply(plain, value)


def _repeat_cases(cases: int, seed: int, *, geometry_only: bool) -> Iterator[Case]:
    for number in range(_share(cases, CASES_PER_REPEAT)):
        for visit in range(VISITS):
            yield Case(
                "repeats",
                CLINICAL_2D,
                seed=_seed(seed, "repeats", number),
                sequence=(Contrast.T1, Contrast.T2)[number % 2],
                edge_noise_mm=REPEAT_NOISE_MM,
                edge_noise_own=EDGE_NOISE_OWN,
                geometry_only=geometry_only,
                visit=visit,
            )


def _check_all(
    plan: Sequence[Case], jobs: int, progress: Callable[[int, int], None] | None
) -> list[tuple[ForamenCheck, ...]]:
    """Check all cases, in their order, over processes that share nothing."""

    def listen(found: Iterator[tuple[ForamenCheck, ...]]) -> list[tuple[ForamenCheck, ...]]:
        checks = []
        for checked in found:
            checks.append(checked)
            if progress is not None:
                progress(len(checks), len(plan))
        return checks

    if jobs == 1:
        return listen(map(check_case, plan))
    with ProcessPoolExecutor(min(jobs, len(plan)), mp_context=multiprocessing.get_context("spawn")) as pool:
        return listen(pool.map(check_case, plan))


def _reports(checked: Sequence[tuple[ForamenCheck, ...]]) -> tuple[SettingReport, ...]:
    """One report per setting, in the order in which they come."""
    return tuple(
        report_setting(name, list(part)) for name, part in groupby(_flat(checked), key=lambda check: check.case.setting)
    )
