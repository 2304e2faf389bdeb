"""Random studies that could be patients: degeneration, lost fat and deformed roots go together."""

import math
from dataclasses import replace

import numpy as np

from foramgrade.errors import InputError
from foramgrade.findings import Border, LeeGrade, RootShape, Sequence, Side
from foramgrade.phantom.alignment import align
from foramgrade.phantom.section import fat_per_border, make_section
from foramgrade.phantom.spec import (
    ALL_THE_WAY,
    CLINICAL_2D,
    LEVELS,
    USUAL_WEDGES_DEG,
    ForamenSpec,
    LevelSpec,
    PhantomSpec,
    Protocol,
    Tissue,
)
from foramgrade.phantom.spine import make_spine

S, P, I, A = Border.SUPERIOR, Border.POSTERIOR, Border.INFERIOR, Border.ANTERIOR  # noqa: E741

#: Height and antero-posterior width of an undeformed root on the sagittal section, L1 to L5, mm.
USUAL_ROOTS_MM = ((4.6, 3.9), (4.9, 4.2), (5.3, 4.5), (5.8, 4.9), (6.1, 5.2))
#: Mean area, mm2, of the smallest section by the number of lost borders.
USUAL_AREAS_MM2 = (128.0, 108.0, 90.0, 74.0, 64.0)
#: Mean area, mm2, where the root is deformed.
COLLAPSED_AREA_MM2 = 52.0
#: Fat counts as well preserved from this thickness, mm; a border drawn as preserved has at least this.
PRESERVED_MM = 1.3
#: Range of a thin layer of fat, mm.
THIN_MM = (0.7, 1.0)
#: Patterns of lost borders by Lee grade (floor policy) with their frequencies; undefined ones are among them.
PATTERNS: dict[LeeGrade, tuple[tuple[frozenset[Border], float], ...]] = {
    LeeGrade.NONE: (
        (frozenset(), 0.55),
        *((frozenset({b}), 0.0625) for b in Border),
        *((frozenset(pair), 0.05) for pair in ((S, P), (P, I), (I, A), (A, S))),
    ),
    LeeGrade.MILD: (
        (frozenset({S, I}), 0.35),
        (frozenset({A, P}), 0.35),
        *((frozenset(Border) - {b}, 0.075) for b in Border),
    ),
    LeeGrade.MODERATE: ((frozenset(Border), 1.0),),
    LeeGrade.SEVERE: (
        (frozenset(Border), 0.7),
        *((frozenset(Border) - {b}, 0.05) for b in Border),
        (frozenset({S, I}), 0.05),
        (frozenset({A, P}), 0.05),
    ),
}
#: Share of deformed roots where every pattern of lost borders is drawn.
DEFORMED_SHARE = 0.2
_ATTEMPTS = 60
_SMALLEST_MM2, _LARGEST_MM2 = 40.0, 170.0
_WIDEST_MM = 12.0


def _pattern(grade: LeeGrade, rng: np.random.Generator) -> frozenset[Border]:
    patterns = PATTERNS[grade]
    weights = np.array([weight for _, weight in patterns])
    return patterns[int(rng.choice(len(patterns), p=weights / weights.sum()))][0]


def _any_pattern(rng: np.random.Generator) -> tuple[LeeGrade, frozenset[Border]]:
    """A pattern of lost borders, every one as likely as the next, or a deformed root."""
    if rng.random() < DEFORMED_SHARE:
        return LeeGrade.SEVERE, _pattern(LeeGrade.SEVERE, rng)
    borders = list(Border)
    chosen = rng.integers(0, 2, len(borders))
    # The grade only tells an undeformed root here.
    return LeeGrade.NONE, frozenset(b for b, lost in zip(borders, chosen, strict=True) if lost)


def _root(level: int, grade: LeeGrade, lost: frozenset[Border], rng: np.random.Generator) -> dict[str, object]:
    tall, wide = (side * rng.normal(1.0, 0.04) for side in USUAL_ROOTS_MM[level])
    if grade is not LeeGrade.SEVERE:
        return {"root_mm": (tall, wide), "root_tilt_deg": rng.normal(0.0, 6.0)}
    if rng.random() < 0.7:
        flat = {S, I} <= lost and not {A, P} <= lost
        aspect = rng.uniform(2.4, 3.0)
        # A root pressed from above and below must still fit across the narrow foramen.
        area = tall * wide * (rng.uniform(0.4, 0.55) if flat else rng.uniform(0.55, 0.85))
        long, short = math.sqrt(area * aspect), math.sqrt(area / aspect)
        shape = (short, long) if flat else (long, short)
    else:
        shrink = math.sqrt(rng.uniform(0.3, 0.44))
        shape = (tall * shrink, wide * shrink)
    return {"root_mm": shape, "root_tilt_deg": rng.normal(0.0, 5.0), "root_shape": RootShape.CHANGED}


def _fat(
    lost: frozenset[Border], thin_mm: tuple[float, float], rng: np.random.Generator
) -> tuple[dict[Border, float], dict[Border, Tissue]]:
    fat, filling = {}, {}
    for border in Border:
        thin = rng.random() < 0.12
        layer = rng.uniform(*thin_mm) if thin else (rng.uniform(1.6, 3.2) if border is P else ALL_THE_WAY)
        fat[border] = 0.0 if border in lost else layer
        from_disc = border in (A, I) and rng.random() < 0.35
        filling[border] = Tissue.DISC if from_disc else Tissue.LIGAMENT
    return fat, filling


def _settled(spec: ForamenSpec) -> ForamenSpec | None:
    """The foramen with the root moved to lost borders and the area enlarged until everything fits, or None."""
    lost = {b for b, fat in spec.fat_mm.items() if fat == 0}
    for _ in range(_ATTEMPTS):
        for share in (0.74, 0.7, 0.66, 0.62) if S in lost else (0.68, 0.66, 0.62):
            forward = 0.25 * ((A in lost) - (P in lost)) * (spec.root_mm[1] / 2)
            placed = replace(spec, root_at=(share, forward))
            try:
                section = make_section(placed, disc_at=0.25)
            except InputError:
                continue
            if section.width_mm > _WIDEST_MM:
                return None
            found = fat_per_border(section)
            wanted = {b: min(PRESERVED_MM, fat * 0.95) for b, fat in spec.fat_mm.items()}
            if all(found[b] >= wanted[b] for b in Border):
                return placed
        spec = replace(spec, area_mm2=spec.area_mm2 * 1.03)
        if spec.area_mm2 > _LARGEST_MM2:
            return None
    return None


def _random_foramen(
    level: int,
    grade: LeeGrade,
    lost: frozenset[Border],
    disc_mm: float,
    thin_mm: tuple[float, float],
    rng: np.random.Generator,
) -> ForamenSpec:
    small = 0.88 if level == len(LEVELS) - 1 else 1.0
    mean = COLLAPSED_AREA_MM2 if grade is LeeGrade.SEVERE else USUAL_AREAS_MM2[len(lost)]
    for _ in range(_ATTEMPTS):
        area = float(np.clip(small * mean * rng.normal(1.0, 0.12), _SMALLEST_MM2, _LARGEST_MM2))
        squeezed = rng.uniform(0.5, 1.5) if {S, I} <= lost else 0.0
        height = float(np.clip(11.8 + disc_mm * small + rng.normal(0.0, 0.6) - squeezed, 11.0, 20.0))
        fat, filling = _fat(lost, thin_mm, rng)
        n_vessels = int(rng.integers(0, 3)) if I not in lost else 0
        spec = ForamenSpec(
            area_mm2=area,
            height_mm=height,
            section_mm=rng.uniform(15.5, 18.5),
            pear=(rng.uniform(0.6, 0.8), rng.uniform(0.4, 0.5)),
            bulge=rng.uniform(0.2, 0.45) if A in lost or I in lost else rng.uniform(0.0, 0.2),
            facet=rng.uniform(0.15, 0.35) if P in lost else rng.uniform(0.0, 0.15),
            lean_deg=rng.normal(0.0, 4.0),
            widening=(rng.uniform(0.004, 0.009), rng.uniform(0.0008, 0.002)),
            drift=(rng.uniform(0.15, 0.4), rng.uniform(-0.15, -0.03)),
            cleft_mm=rng.uniform(0.0, 2.5),
            fat_mm=fat,
            filling=filling,
            vessels=tuple(
                (rng.uniform(0.14, 0.3), rng.uniform(-0.4, 0.4), rng.uniform(0.75, 1.0)) for _ in range(n_vessels)
            ),
        )
        settled = _settled(replace(spec, **_root(level, grade, lost, rng)))  # type: ignore[arg-type]
        if settled is not None:
            return settled
    msg = f"no foramen with the lost borders {sorted(lost)} was found for {LEVELS[level]}"
    raise InputError(msg)


def _random_level(
    level: int,
    grades: dict[Side, LeeGrade],
    patterns: dict[Side, frozenset[Border]],
    thin_mm: tuple[float, float],
    rng: np.random.Generator,
) -> LevelSpec:
    severity = max((len(patterns[side]) + 2 * (grades[side] is LeeGrade.SEVERE)) / 6 for side in Side)
    disc = float(np.clip(rng.normal(7.8 - 4.4 * severity, 0.6), 2.5, 9.0))
    foramina = {side: _random_foramen(level, grades[side], patterns[side], disc, thin_mm, rng) for side in Side}
    return LevelSpec(
        disc_height_mm=disc,
        wedge_deg=float(np.clip(rng.normal(USUAL_WEDGES_DEG[level], 1.5), 0.0, 20.0)),
        side_tilt_deg=rng.normal(0.0, 1.2),
        twist_deg=rng.normal(0.0, 0.8),
        disc_signal=float(np.clip(0.62 - 0.4 * severity + rng.normal(0.0, 0.04), 0.22, 0.65)),
        left=foramina[Side.LEFT],
        right=foramina[Side.RIGHT],
    )


def random_spec(
    rng: np.random.Generator,
    *,
    protocol: Protocol = CLINICAL_2D,
    sequence: Sequence = Sequence.T1,
    edge_noise_mm: float = 0.0,
    deformed: bool = True,
    snr: tuple[float, float] = (20.0, 30.0),
    coil_fall: tuple[float, float] = (2.5, 2.5),
    every_pattern: bool = False,
) -> PhantomSpec:
    """Draw an anatomically plausible study in which every Lee grade is about equally frequent.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every choice.
    protocol : Protocol
        Sampling.
    sequence : Sequence
        Contrast.
    edge_noise_mm : float
        Root mean square displacement of the label borders, mm.
    deformed : bool
        Whether slips, side curves and flat or steep lordosis occur; without them every spine is about the usual one.
    snr, coil_fall : tuple of two float
        Ranges of the signal-to-noise ratio and of the coil's fall over the field.
    every_pattern : bool
        Whether all 16 patterns of lost borders are equally frequent, a fifth of the roots is deformed whatever the
        pattern of their grade, and thin fat is a film of a single pixel.

    Returns
    -------
    PhantomSpec
        A study; each of the grades 0 to 3 occurs in two or three of its ten foramina. Patterns that Lee does not define
        (one, two adjacent, three lost borders) are among them.
    """
    names = [Side.RIGHT, Side.LEFT]
    for _ in range(_ATTEMPTS):
        extra = rng.permutation(4)[:2]
        deck = rng.permutation(np.concatenate([np.repeat(np.arange(4), 2), extra]))
        levels = []
        for n in range(len(LEVELS)):
            grades = {side: LeeGrade(int(deck[2 * n + m])) for m, side in enumerate(names)}
            if every_pattern:
                drawn = {side: _any_pattern(rng) for side in names}
                grades = {side: grade for side, (grade, _) in drawn.items()}
                patterns = {side: lost for side, (_, lost) in drawn.items()}
            else:
                patterns = {side: _pattern(grade, rng) for side, grade in grades.items()}
            thin_mm = (protocol.pixel_mm, protocol.pixel_mm) if every_pattern else THIN_MM
            levels.append(_random_level(n, grades, patterns, thin_mm, rng))
        if deformed:
            levels = list(align(levels, rng))
        lateral = rng.uniform(12.0, 13.5)
        spec = PhantomSpec(
            levels=tuple(levels),
            protocol=protocol,
            sequence=sequence,
            body_mm=(rng.uniform(45.0, 50.0), rng.uniform(33.0, 36.0), rng.uniform(26.0, 29.0)),
            pedicle_mm=(lateral, lateral + rng.uniform(8.2, 9.2)),
            obliquity_deg=(rng.uniform(-6.0, 6.0), rng.uniform(-5.0, 5.0), rng.uniform(-8.0, 8.0)),
            shift_mm=(rng.uniform(-15.0, 15.0), rng.uniform(-20.0, 20.0), rng.uniform(-40.0, 40.0)),
            decentring_mm=(rng.uniform(-2.5, 2.5), rng.uniform(-5.0, 5.0), rng.uniform(-4.0, 4.0)),
            slices_to_left=bool(rng.random() < 0.5),
            marrow=rng.uniform(0.55, 0.75),
            snr=rng.uniform(*snr),
            edge_noise_mm=edge_noise_mm,
            scale=rng.uniform(300.0, 900.0),
            coil_fall=coil_fall[0] if coil_fall[0] == coil_fall[1] else rng.uniform(*coil_fall),
        )
        if _stands(spec):
            return spec
    msg = f"no plausible spine was found in {_ATTEMPTS} attempts"
    raise InputError(msg)


def _stands(spec: PhantomSpec) -> bool:
    """Whether the openings leave enough pedicle everywhere."""
    try:
        make_spine(spec)
    except InputError:
        return False
    return True
