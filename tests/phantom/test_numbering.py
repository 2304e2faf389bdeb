"""The same body in every tool's numbers."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from foramgrade.anatomy.labels import fitting_schemes, load_scheme, relabel, scheme_names
from foramgrade.phantom import (
    Numbering,
    PhantomSpec,
    Protocol,
    has_canal,
    has_discs,
    make_phantom,
    random_spec,
)
from foramgrade.phantom.numbering import WHOLE_VERTEBRAE
from foramgrade.phantom.spec import VERTEBRAE
from foramgrade.volume import LabelMap
from numbered_bodies import number_body

#: All vertebrae from L1 to S1 in slices that are soon drawn.
COARSE = Protocol(pixel_mm=1.5, thickness_mm=4.0, spacing_mm=8.0, n_slices=9)
SPEC: PhantomSpec = replace(random_spec(np.random.default_rng(2)), protocol=COARSE)
LUMBAR = VERTEBRAE[1:]


@pytest.fixture(scope="module")
def labels() -> Mapping[Numbering, LabelMap]:
    return {n: number_body(SPEC, n) for n in Numbering}


def test_the_label_maps_are_those_of_whole_phantoms(labels) -> None:
    for numbering in (Numbering.SPIDER, Numbering.SPINEPS):
        whole = make_phantom(SPEC, rng=np.random.default_rng(0), numbering=numbering).labels
        np.testing.assert_array_equal(labels[numbering].array, whole.array)
        assert labels[numbering].scheme == whole.scheme
        if whole.instances is not None:
            np.testing.assert_array_equal(labels[numbering].instances, whole.instances)


def vertebra_map(labels: LabelMap) -> np.ndarray:
    return labels.array if labels.instances is None else labels.instances


@pytest.mark.parametrize("numbering", Numbering)
def test_a_numbering_is_the_scheme_of_its_name(numbering: Numbering) -> None:
    scheme = load_scheme(numbering.value)
    bones, discs, canal = WHOLE_VERTEBRAE[numbering]
    assert [scheme.vertebra_labels[n] for n in bones if n] == [v for v in LUMBAR if v != "S1" or bones[-1]]
    for upper, label in zip(LUMBAR, discs, strict=False):
        assert "L5" if label == scheme.disc_above_sacrum else scheme.discs[label] == upper
    assert len(discs) == (5 if has_discs(numbering) else 0)
    assert bool(scheme.discs) == has_discs(numbering)
    assert bool(scheme.canal) == has_canal(numbering)
    assert canal in (0, *scheme.canal)


def test_every_scheme_of_the_package_can_be_written() -> None:
    """But the one that differs from its elder in a vertebra that the phantom lacks."""
    assert {n.value for n in Numbering} == set(scheme_names()) - {"totalsegmentator_v3"}


@pytest.mark.parametrize("numbering", Numbering)
def test_every_scheme_tells_the_same_body(numbering: Numbering, labels: Mapping[Numbering, LabelMap]) -> None:
    whole, ours = labels[Numbering.TOTALSPINESEG], labels[numbering]
    assert ours.scheme == numbering.value
    assert (ours.instances is not None) == load_scheme(numbering.value).instances
    known = relabel(whole, load_scheme(whole.scheme)).codes
    codes = relabel(ours, load_scheme(ours.scheme)).codes
    expected = known.copy()
    if not WHOLE_VERTEBRAE[numbering][0][-1]:
        expected[expected == 6] = 0
    if not has_discs(numbering):
        expected[(expected > 100) & (expected < 106)] = 0
    if not has_canal(numbering):
        expected[expected == 200] = 0
    np.testing.assert_array_equal(codes, expected)
    assert set(np.unique(known)) == {0, *range(1, 7), *range(101, 106), 200}


@pytest.mark.parametrize("numbering", Numbering)
def test_the_numbers_of_a_phantom_are_recognised(numbering: Numbering, labels: Mapping[Numbering, LabelMap]) -> None:
    numbers, counts = np.unique(vertebra_map(labels[numbering]), return_counts=True)
    found = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    del found[0]
    assert numbering.value in fitting_schemes(found)


def test_image_and_truth_do_not_depend_on_the_numbering() -> None:
    one, other = (
        make_phantom(SPEC, rng=np.random.default_rng(0), numbering=n)
        for n in (Numbering.TOTALSPINESEG, Numbering.TOTALSEGMENTATOR)
    )
    assert one.image.array.tobytes() == other.image.array.tobytes()
    assert [t.area_mm2 for t in one.truth] == [t.area_mm2 for t in other.truth]
