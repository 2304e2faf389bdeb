"""One body in several tools' numbers, drawn once: a test shows that they are the label maps of whole phantoms."""

from foramgrade.phantom import Numbering, PhantomSpec
from foramgrade.phantom.numbering import number_structures
from foramgrade.phantom.sampling import make_grid, sample_structure
from foramgrade.phantom.spine import make_spine
from foramgrade.volume import LabelMap

_DRAWN: dict[int, tuple[PhantomSpec, object]] = {}


def number_body(spec: PhantomSpec, numbering: Numbering) -> LabelMap:
    """Label map of a body without noise of the borders."""
    assert spec.edge_noise_mm == 0
    grid = make_grid(spec)
    if id(spec) not in _DRAWN:  # the specification is kept with it, so that no other one gets its identity
        _DRAWN[id(spec)] = spec, sample_structure(make_spine(spec), grid)
    return number_structures(_DRAWN[id(spec)][1], grid, numbering=numbering)
