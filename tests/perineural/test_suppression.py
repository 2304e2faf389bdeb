"""Fat against muscle: phantoms of every contrast, real series, and the same with the fat taken out."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from foramgrade.anatomy.frame import fit_frame
from foramgrade.anatomy.labels import relabel
from foramgrade.anatomy.schemes.naming import scheme_of
from foramgrade.anatomy.spine import Spine, find_spine
from foramgrade.findings import Border, Sequence, Side
from foramgrade.geometry.foramen import Foramen, find_foramen
from foramgrade.loaders import read_labels, read_volume
from foramgrade.perineural.signal import find_zero, look_around, sample_image
from foramgrade.perineural.suppression import (
    BRIGHTEST_MARROW,
    BRIGHTEST_TISSUE,
    Comparison,
    compare_with_muscle,
    pool_comparisons,
)
from foramgrade.phantom import LevelSpec, Phantom, PhantomSpec, Protocol, make_phantom
from foramgrade.phantom.making import SIGNALS
from foramgrade.phantom.spec import Tissue
from foramgrade.phantom.spine import make_spine
from foramgrade.phantom.tissue import tissue_at
from foramgrade.volume import Grid, LabelMap, Volume

#: L2-L3 to L4-L5 of both sides.
SMALL = Protocol(pixel_mm=0.7, thickness_mm=4.0, spacing_mm=4.4, n_slices=17, field_mm=(120.0, 120.0))
LOST = dict.fromkeys(Border, 0.0)


def _find(labels: LabelMap) -> tuple[Spine, list[Foramen]]:
    spine = find_spine(relabel(labels, scheme_of(labels)))
    found = [find_foramen(spine, s, fit_frame(spine, s), side) for s in spine.segments for side in Side]
    return spine, [foramen for foramen in found if foramen.chosen is not None]


def _compare(image: Volume, spine: Spine, foramina: list[Foramen]) -> list[Comparison]:
    zero, surroundings = find_zero(image), []
    for foramen in foramina:
        values = sample_image(image, foramen.reported[0])
        surroundings.append(None if values is None else look_around(foramen, values, zero=zero, noise=0.0))
    return compare_with_muscle(foramina, surroundings, image=image, spine=spine)


def _judge(image: Volume, labels: LabelMap) -> Comparison:
    pooled = pool_comparisons(_compare(image, *_find(labels)))
    assert pooled is not None
    return pooled


def _spec(sequence: Sequence, *, lost: bool = False, marrow: float = 0.62) -> PhantomSpec:
    spec = PhantomSpec(protocol=SMALL, sequence=sequence, marrow=marrow, obliquity_deg=(6.0, -4.0, 7.0))
    if not lost:
        return spec
    levels = [LevelSpec(lv.disc_height_mm, lv.wedge_deg) for lv in spec.levels]
    empty = [replace(lv, left=replace(lv.left, fat_mm=LOST), right=replace(lv.right, fat_mm=LOST)) for lv in levels]
    return replace(spec, levels=tuple(empty))


@cache
def _phantom(sequence: Sequence, *, lost: bool = False, marrow: float = 0.62) -> Phantom:
    """Made once for all tests, which leave it as it is."""
    return make_phantom(_spec(sequence, lost=lost, marrow=marrow), rng=np.random.default_rng(1))


@pytest.mark.parametrize("lost", [False, True], ids=["fat", "no fat in the foramina"])
@pytest.mark.parametrize(
    "sequence, marrow", [(Sequence.T1, 0.62), (Sequence.T1, 0.42), (Sequence.T2, 0.62)], ids=["T1", "T1 dark", "T2"]
)
def test_bright_fat_is_seen_wherever_it_is(sequence: Sequence, marrow: float, lost: bool) -> None:
    phantom = _phantom(sequence, lost=lost, marrow=marrow)
    found = _judge(phantom.image, phantom.labels)
    assert not found.fat_is_dark
    assert found.brightest > 1.05 * BRIGHTEST_TISSUE


@pytest.mark.parametrize("lost", [False, True], ids=["fat", "no fat in the foramina"])
def test_a_stir_is_recognised_whatever_it_is_called(lost: bool) -> None:
    phantom = _phantom(Sequence.STIR, lost=lost)
    found = _judge(replace(phantom.image, sequence=Sequence.T2), phantom.labels)
    assert found.fat_is_dark
    # drawn 0.18 / 0.3; muscle's lower quartile lies a little lower
    assert found.marrow == pytest.approx(0.6, abs=0.06)
    assert found.brightest < 0.8 * BRIGHTEST_TISSUE


def test_eight_bits_that_saturate_and_a_scale_change_nothing() -> None:
    for sequence in (Sequence.T2, Sequence.STIR):
        phantom = _phantom(sequence)
        expected = _judge(phantom.image, phantom.labels).fat_is_dark
        values = phantom.image.array.astype(float)
        bytes_ = np.clip(values * 255 / np.quantile(values, 0.95), 0, 255).astype(np.uint8)
        assert _judge(replace(phantom.image, array=bytes_), phantom.labels).fat_is_dark == expected
        assert _judge(replace(phantom.image, array=37.0 * values), phantom.labels).fat_is_dark == expected


def test_muscle_that_turned_to_fat_is_not_taken_for_muscle() -> None:
    """Nothing outshines it, and yet fat is bright: the disc tells."""
    found = Comparison(marrow=0.7, brightest=1.0, disc=0.75)
    assert not found.fat_is_dark
    assert replace(found, disc=0.9).fat_is_dark


def test_marrow_that_outshines_the_disc_holds_bright_fat() -> None:
    """T1 at 3 T: fat is only twice as bright as muscle, and marrow little brighter."""
    found = Comparison(marrow=1.15, brightest=2.0, disc=0.95)
    assert not found.fat_is_dark
    assert replace(found, marrow=0.7).fat_is_dark


@pytest.mark.parametrize("lost", [False, True], ids=["fat", "no fat in the foramina"])
@pytest.mark.parametrize("sequence", [Sequence.T1, Sequence.T2])
def test_no_series_with_bright_fat_is_refused(sequence: Sequence, lost: bool) -> None:
    """Muscle that is brighter than usual, or partly fat, and a small field of view; single signs do fail here."""
    phantom = _phantom(sequence, lost=lost)
    image, (spine, foramina) = phantom.image, _find(phantom.labels)
    muscle, fat = SIGNALS[sequence][Tissue.MUSCLE], SIGNALS[sequence][Tissue.FAT]
    world = image.grid.to_world(np.moveaxis(np.indices(image.grid.shape), 0, -1))
    tissue = tissue_at(make_spine(phantom.spec), world)[0]
    muscles = (tissue == Tissue.MUSCLE) & (phantom.labels.array == 0)
    alone = []
    for gain, infiltrated in ((1.4, 0.0), (1.0, 0.5), (1.0, 0.8)):
        values = image.array.astype(float)
        values[muscles] *= gain * (1 + infiltrated * (fat / muscle - 1))
        for kept in (slice(None), slice(20, None), slice(0, -20)):
            affine = image.grid.affine.copy()
            affine[:3, 3] = image.grid.to_world(np.array([kept.start or 0, 0.0, 0.0]))
            i, j, k = values[kept].shape
            found = pool_comparisons(_compare(Volume(values[kept], Grid((i, j, k), affine), sequence), spine, foramina))
            assert found is None or not found.fat_is_dark, (gain, infiltrated, kept)
            alone += [] if found is None else [max(found.brightest / BRIGHTEST_TISSUE, found.marrow / BRIGHTEST_MARROW)]
    assert sequence is Sequence.T2 or min(alone) < 1


def test_where_little_muscle_is_in_the_image_nothing_is_said() -> None:
    phantom = _phantom(Sequence.STIR)
    spine, foramina = _find(phantom.labels)
    assert _compare(replace(phantom.image, array=np.full_like(phantom.image.array, 7)), spine, foramina) == []
    labelled = replace(spine, codes=np.where(spine.codes == 0, np.uint16(200), spine.codes))
    assert _compare(phantom.image, labelled, foramina) == []
    without = [replace(f, segment=replace(f.segment, disc=None)) for f in foramina]
    assert _compare(phantom.image, spine, without) == []
    assert pool_comparisons(_compare(phantom.image, spine, foramina[:1])) is None


def _without_fat(image: Volume, spine: Spine, *, muscle: float, fat: float, marrow: float) -> Volume:
    """A fat-saturated version: pixels are mixtures of muscle and fat, and 8 % of the fat's signal is left.

    Discs and canal stay; marrow becomes `marrow` times as bright as muscle.
    """
    values, codes = image.array.astype(float), spine.codes
    share = np.clip((values - muscle) / (fat - muscle), 0.0, 1.0)
    dark = np.where(values > muscle, (1 - share) * muscle + 0.08 * share * values, values)
    near_canal = ndimage.distance_transform_edt(codes != 200, sampling=image.grid.spacing_mm) <= 1.5
    kept = near_canal | ((codes > 100) & (codes < 200))
    bone = (codes > 0) & (codes < 100)
    dark = np.where(kept, values, np.where(bone, values * marrow * muscle / np.median(values[bone]), dark))
    rng = np.random.default_rng(0)
    noisy = np.hypot(dark + rng.normal(0, 0.08 * muscle, dark.shape), rng.normal(0, 0.08 * muscle, dark.shape))
    return replace(image, array=noisy.astype(np.float32))


def _tptbox(folder: Path) -> tuple[Volume, LabelMap]:
    folder = folder / "tptbox_mri"
    labels = read_labels(
        folder / "sub-mri_seg-subreg_label-6_msk.nii.gz",
        scheme="spineps",
        instances=folder / "sub-mri_seg-vert_label-6_msk.nii.gz",
    )
    return read_volume(folder / "sub-mri_label-6_T2w.nii.gz", sequence=Sequence.T2), labels


def _spider(folder: Path) -> tuple[Volume, LabelMap]:
    folder = folder / "spider_11"
    labels = read_labels(folder / "11_t2_SPACE_mask.mha", scheme="spider")
    return read_volume(folder / "11_t2_SPACE.mha", sequence=Sequence.T2), labels


@pytest.mark.parametrize(
    "read, muscle, fat, suppressed",
    [(_tptbox, 14.0, 110.0, (0.7, 1.0)), (_spider, 28.0, 230.0, (0.5, 0.6))],
    ids=["tptbox", "spider"],
)
def test_real_series_and_the_same_with_fat_saturated(
    shared_data: Path,
    read: Callable[[Path], tuple[Volume, LabelMap]],
    muscle: float,
    fat: float,
    suppressed: tuple[float, ...],
) -> None:
    """Intensities of muscle and fat were read off the images.

    The spider patient's back muscles are mostly fat and the discs are dark: brighter marrow would pass for T1.
    """
    image, labels = read(shared_data)
    spine, foramina = _find(labels)
    found = pool_comparisons(_compare(image, spine, foramina))
    assert found is not None
    assert not found.fat_is_dark
    assert found.brightest > 1.9 * BRIGHTEST_TISSUE
    for marrow in suppressed:
        dark = _without_fat(image, spine, muscle=muscle, fat=fat, marrow=marrow)
        found = pool_comparisons(_compare(dark, spine, foramina))
        assert found is not None
        assert found.fat_is_dark
        assert found.marrow < BRIGHTEST_MARROW
