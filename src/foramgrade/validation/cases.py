"""One random phantom, measured: the answer for each of its foramina beside the truth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from foramgrade.errors import ForamgradeError
from foramgrade.findings import FAT_QUANTITY, Border, ForamenAssessment, Quantity, RootShape, Sequence, Side
from foramgrade.geometry.measure import measure_asymmetry
from foramgrade.phantom import ForamenTruth, PhantomSpec, Protocol, make_labels, make_phantom, random_spec
from foramgrade.pipeline import assess, measure_geometry
from foramgrade.tables import quality_names

#: Fat of less than so many pixels is a film: between a pixel and the next there is nothing it could be told from.
FILM_PIXELS = 1.25
#: A patient who lies down again is turned by up to this about each axis, degrees.
TURNED_DEG = 2.0
#: Quantities that the truth holds under the name of their column.
_NAMED = (
    Quantity.AREA,
    Quantity.HEIGHT,
    Quantity.WIDTH_SUPERIOR,
    Quantity.WIDTH_DISC,
    Quantity.WIDTH_INFERIOR,
    Quantity.DISC_HEIGHT,
    Quantity.VOLUME,
    Quantity.SLIP,
    Quantity.SEGMENTAL_ANGLE,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A random phantom to be measured.

    Parameters
    ----------
    setting : str
        What the case is counted under, e.g. "clinical-2d".
    protocol : Protocol
        Sampling.
    seed : tuple of int
        The same seed makes the same spine, whatever the other parameters.
    sequence : Sequence
        Contrast.
    edge_noise_mm, edge_noise_own : float
        Displacement of the label borders, mm, and the share of its variance that slices do not share.
    geometry_only : bool
        Whether labels are measured without an image: then nothing is graded.
    every_pattern : bool
        Whether all 16 patterns of lost borders are equally frequent and thin fat is a film of one pixel.
    snr, coil_fall : tuple of two float
        Ranges of the signal-to-noise ratio and of the coil's fall over the field.
    visit : int
        The same spine scanned and segmented anew, differently placed in the scanner; 0 is the first time.
    """

    setting: str
    protocol: Protocol
    seed: tuple[int, ...]
    sequence: Sequence = Sequence.T1
    edge_noise_mm: float = 0.0
    edge_noise_own: float = 0.0
    geometry_only: bool = False
    every_pattern: bool = False
    snr: tuple[float, float] = (20.0, 30.0)
    coil_fall: tuple[float, float] = (2.5, 2.5)
    visit: int = 0

    @property
    def name(self) -> str:
        """Name of the spine, the same on all visits: what its foramina share."""
        return "-".join((self.setting, *map(str, self.seed)))


@dataclass(frozen=True, slots=True)
class ForamenCheck:
    """Truth and answer of one foramen.

    Parameters
    ----------
    case : Case
        The phantom.
    level, side : str
        Which foramen.
    truth, measured, uncertainty : mapping of Quantity to float
        True values, measured values, and their standard uncertainties; what there is none of is absent.
    misplaced : bool or None
        Whether the answer lies nearer to another foramen than to its own; None without an answer.
    true_lee : int
        Lee grade by the floor policy.
    lee : int or None
        The answer, None when not graded.
    true_lost, lost : frozenset of Border; `lost` may be None
        Borders without fat; None where the fat was not read.
    true_shape, shape : RootShape; `shape` may be None
        Whether the root is deformed.
    confidence : float or None
        Confidence of the grade.
    quality : str
        Names of the flags.
    snr : float
        Signal-to-noise ratio of the phantom.
    film : bool
        Whether some border's fat is a film of about a pixel.
    failure : str
        Why the whole study was refused; empty otherwise.
    """

    case: Case
    level: str
    side: str
    truth: Mapping[Quantity, float]
    true_lee: int
    true_lost: frozenset[Border]
    true_shape: RootShape
    measured: Mapping[Quantity, float] = field(default_factory=dict)
    uncertainty: Mapping[Quantity, float] = field(default_factory=dict)
    misplaced: bool | None = None
    lee: int | None = None
    lost: frozenset[Border] | None = None
    shape: RootShape | None = None
    confidence: float | None = None
    quality: str = ""
    failure: str = ""
    snr: float = 0.0
    film: bool = False


def check_case(case: Case) -> tuple[ForamenCheck, ...]:
    """Draw a phantom, measure it, and set the answers beside the truth.

    Parameters
    ----------
    case : Case
        The phantom.

    Returns
    -------
    tuple of ForamenCheck
        One per foramen of the phantom, also where nothing was measured.
    """
    spec = random_spec(
        np.random.default_rng(case.seed),
        protocol=case.protocol,
        sequence=case.sequence,
        edge_noise_mm=case.edge_noise_mm,
        snr=case.snr,
        coil_fall=case.coil_fall,
        every_pattern=case.every_pattern,
    )
    spec = replace(spec, edge_noise_own=case.edge_noise_own)
    # A stream of its own: the noise of a picture must not depend on how many numbers the spine took.
    rng = np.random.default_rng((*case.seed, 1 + case.visit))
    if case.visit:
        spec = lie_down_again(spec, rng)
    if case.geometry_only:
        labels, truths = make_labels(spec, rng=rng)
        image = None
    else:
        made = make_phantom(spec, rng=rng)
        image, labels, truths = made.image, made.labels, made.truth
    answers: Iterable[ForamenAssessment] = ()
    failure = ""
    try:
        answers = measure_geometry(labels) if image is None else assess(image, labels).foramina
    except ForamgradeError as error:
        failure = str(error)
    by_name = {(answer.level, answer.side): answer for answer in answers}
    areas = {(truth.level, truth.side): truth.area_mm2 for truth in truths}
    checks = []
    for truth in truths:
        right, left = (areas[truth.level, side] for side in (Side.RIGHT, Side.LEFT))
        check = replace(
            _unanswered(case, truth, measure_asymmetry(right, left)),
            failure=failure,
            snr=spec.snr,
            film=any(0 < fat < FILM_PIXELS * case.protocol.pixel_mm for fat in truth.fat_mm.values()),
        )
        answer = by_name.get((truth.level, truth.side))
        checks.append(check if answer is None else _answered(check, answer, truth, truths))
    return tuple(checks)


def lie_down_again(spec: PhantomSpec, rng: np.random.Generator) -> PhantomSpec:
    """The same spine in the scanner anew: moved by up to half a slice and a little turned."""
    moved = np.array(spec.decentring_mm) + rng.uniform(-0.5, 0.5, 3) * spec.protocol.spacing_mm
    turned = np.array(spec.obliquity_deg) + rng.uniform(-TURNED_DEG, TURNED_DEG, 3)
    return replace(spec, decentring_mm=tuple(moved.tolist()), obliquity_deg=tuple(turned.tolist()))


def true_values(truth: ForamenTruth) -> dict[Quantity, float]:
    """True value of every quantity that one foramen's truth holds."""
    found = {quantity: getattr(truth, quantity.value) for quantity in _NAMED}
    found |= {Quantity.NERVE_AREA: truth.root_area_mm2, Quantity.NERVE_ASPECT: truth.root_aspect}
    found |= {FAT_QUANTITY[border]: truth.fat_mm[border] for border in Border}
    return {quantity: float(value) for quantity, value in found.items() if value is not None}


def uncertainty_of(assessment: ForamenAssessment, quantity: Quantity) -> float | None:
    """Standard uncertainty of a measured value in its unit, None where the assessment gives none."""
    given: Mapping[Quantity, float] = getattr(assessment, "uncertainties", {})
    if quantity is Quantity.AREA and quantity not in given:
        return assessment.measurements.get(Quantity.AREA_UNCERTAINTY)
    return given.get(quantity)


def _unanswered(case: Case, truth: ForamenTruth, asymmetry: float) -> ForamenCheck:
    return ForamenCheck(
        case=case,
        level=truth.level.name,
        side=truth.side.value,
        truth=true_values(truth) | {Quantity.ASYMMETRY: asymmetry},
        true_lee=int(truth.lee),
        true_lost=truth.lost,
        true_shape=truth.root_shape,
    )


def _answered(
    check: ForamenCheck, answer: ForamenAssessment, truth: ForamenTruth, truths: Iterable[ForamenTruth]
) -> ForamenCheck:
    findings = answer.findings
    uncertainties = {q: u for q in answer.measurements if (u := uncertainty_of(answer, q)) is not None}
    return replace(
        check,
        measured=dict(answer.measurements),
        uncertainty=uncertainties,
        misplaced=None if answer.section_mm is None else _nearest(answer.section_mm, truths) is not truth,
        lee=answer.grade.lee,
        lost=None if findings is None else findings.lost,
        shape=None if findings is None else findings.root_shape,
        confidence=answer.grade.confidence,
        quality="|".join(quality_names(answer.quality)),
    )


def _nearest(place_mm: tuple[float, float, float], truths: Iterable[ForamenTruth]) -> ForamenTruth:
    return min(truths, key=lambda truth: float(np.linalg.norm(np.subtract(truth.centre_mm, place_mm))))
