"""Weighting and fat suppression from physics: protocols of all vendors, borders of regimes, and lies in names."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foramgrade.findings import Sequence
from foramgrade.loaders.contrast import Acquisition, judge_contrast
from foramgrade.loaders.contrast.physics import FAT_T1_LAW, MUSCLE_T1_LAW, null_time_ms, t1_ms

T1, T2, PD, STIR = Sequence.T1, Sequence.T2, Sequence.PD, Sequence.STIR


def _header(tr=None, te=None, ti=None, fa=None, **rest) -> Acquisition:
    """An MR header with times in ms; codes as tuples or as one word."""
    codes = ("scanning_sequence", "sequence_variant", "scan_options", "image_type", "suppression")
    rest = {k: (v,) if k in codes and isinstance(v, str) else v for k, v in rest.items()}
    return Acquisition(
        modality=rest.pop("modality", "MR"),
        repetition_time_ms=tr,
        echo_time_ms=te,
        inversion_time_ms=ti,
        flip_angle_deg=fa,
        **rest,
    )


SE = {"scanning_sequence": "SE", "scan_options_stated": True}
IR = {"scanning_sequence": ("SE", "IR"), "scan_options_stated": True}
GE = {"scanning_sequence": "SE", "scan_options": ("FAST_GEMS", "SAT_GEMS", "FSA_GEMS", "EDR_GEMS")}
DIXON = ("DERIVED", "PRIMARY", "DIXON")

#: Usual protocols of the lumbar spine, and what else strays into a study.
PROTOCOLS = [
    ("Siemens 1.5 T T1 TSE", _header(550, 11, fa=150, field_t=1.5, sequence_name="*tse2d1_3", **SE), T1, False),
    ("Siemens 3 T T1 TSE", _header(800, 9.5, fa=160, field_t=3, sequence_name="*tse2d1_5", **SE), T1, False),
    ("Siemens 1.5 T T2 TSE", _header(3500, 106, fa=150, field_t=1.5, sequence_name="*tse2d1_17", **SE), T2, False),
    ("Siemens 3 T T2 SPACE", _header(1500, 125, fa=120, field_t=3, sequence_name="*spc3d1", **SE), T2, False),
    ("Siemens SPACE, nominal TE", _header(3200, 563, fa=120, field_t=3, sequence_name="*spc_314ns", **SE), T2, False),
    ("Siemens TIRM 1.5 T", _header(4300, 61, 150, field_t=1.5, sequence_name="*tir2d1_16", **IR), STIR, True),
    ("Siemens TIRM 3 T", _header(4000, 39, 220, field_t=3, sequence_name="*tir2d1_16", **IR), STIR, True),
    ("Siemens T2 SPAIR", _header(3800, 84, field_t=3, **{**SE, "scan_options": "FS"}), T2, True),
    ("SPAIR with its time", _header(3800, 84, 110, field_t=1.5, **{**SE, "scan_options": "FS"}), T2, True),
    ("Siemens T1 fat sat", _header(650, 12, field_t=1.5, **{**SE, "scan_options": ("FS", "PFP")}), T1, True),
    ("Siemens Dixon water", _header(3600, 90, image_type=(*DIXON, "WATER"), **SE), T2, True),
    ("Siemens Dixon in phase", _header(3600, 90, image_type=(*DIXON, "IN_PHASE"), **SE), T2, False),
    ("Siemens Dixon fat", _header(3600, 90, image_type=(*DIXON, "FAT"), **SE), None, None),
    ("Siemens Dixon opposed", _header(3600, 90, image_type=(*DIXON, "OPP_PHASE"), **SE), None, None),
    ("Siemens MEDIC", _header(700, 23, fa=30, scanning_sequence="GR", sequence_name="*me2d1"), None, None),
    ("Siemens TrueFISP", _header(4, 2, fa=60, scanning_sequence="GR", sequence_name="*tfi2d1"), None, None),
    ("Siemens VIBE", _header(4.5, 2.2, fa=12, scanning_sequence="GR", sequence_variant=("SP", "OSP")), T1, None),
    ("Siemens MPRAGE", _header(2300, 3, 900, 9, scanning_sequence=("GR", "IR"), scan_options="IR"), T1, False),
    ("GE T1 FSE", _header(600, 9, fa=160, field_t=1.5, **GE), T1, False),
    ("GE T1 FLAIR 1.5 T", _header(2100, 24, 750, field_t=1.5, **IR), T1, False),
    ("GE T1 FLAIR 3 T", _header(2800, 20, 1100, field_t=3, **IR), T1, False),
    ("GE T1 FLAIR, no time", _header(2300, 24, **{**GE, "scan_options": ("T1FLAIR_GEMS", "IR_GEMS")}), T1, False),
    ("GE T2 FRFSE", _header(3200, 102, fa=142, field_t=1.5, **GE), T2, False),
    ("GE T2 fat sat", _header(3200, 85, field_t=1.5, **{**GE, "scan_options": ("FAST_GEMS", "FS")}), T2, True),
    ("GE STIR", _header(4500, 42, 145, scanning_sequence="SE", scan_options="IR_GEMS"), STIR, True),
    ("GE BRAVO", _header(8.9, 3.2, 450, 12, scanning_sequence="GR", sequence_variant=("SS", "SP")), T1, None),
    ("Philips T1 TSE", _header(450, 8, image_type=("ORIGINAL", "PRIMARY", "M_SE", "M", "SE"), **SE), T1, False),
    ("Philips T2 TSE", _header(2800, 120, field_t=1.5, **SE), T2, False),
    ("Philips STIR", _header(3500, 80, 165, field_t=1.5, scanning_sequence="IR", scan_options_stated=True), STIR, True),
    ("Philips STIR 3 T, short TE", _header(4000, 15, 210, field_t=3, scanning_sequence="IR"), STIR, True),
    ("Philips mDIXON water", _header(2600, 100, image_type=("DERIVED", "PRIMARY", "W", "W"), **SE), T2, True),
    ("Philips FLAIR with SPIR", _header(11000, 125, 2800, scanning_sequence="IR", scan_options="FS"), T2, True),
    ("Canon T2", _header(3400, 100, scanning_sequence="SE", sequence_name="FSE2D", scan_options="PER"), T2, False),
    ("Hitachi 0.3 T T1", _header(400, 20, field_t=0.3, **SE), T1, False),
    ("Hitachi 0.3 T STIR", _header(2500, 25, 90, field_t=0.3, **IR), STIR, True),
    ("Hitachi PD", _header(4000, 12, scanning_sequence="SE"), PD, None),
    ("United Imaging T2", _header(3000, 110, field_t=1.5, sequence_name="fse", **SE), T2, False),
    ("United Imaging STIR", _header(3500, 50, 160, field_t=1.5, sequence_name="fse", **IR), STIR, True),
    ("Hyperfine FLAIR", _header(4000, 194.4, 1400, scanning_sequence=("SE", "IR")), T2, None),
    ("Hyperfine STIR", _header(2000, 60, 105, field_t=0.064, **IR), STIR, True),
    ("7 T STIR", _header(5000, 50, 330, field_t=7, **IR), STIR, True),
    ("enhanced T2", _header(3500, 100, scanning_sequence="SPIN", suppression=("NONE", "NONE")), T2, False),
    ("enhanced fat sat", _header(3500, 100, scanning_sequence="SPIN", suppression=("FAT", "NONE")), T2, True),
    ("enhanced water excitation", _header(9, 4, fa=15, scanning_sequence="GRADIENT", suppression="WATER"), T1, True),
    ("enhanced STIR", _header(3500, 60, 160, inversion_recovery=True, suppression="NONE"), STIR, True),
    ("enhanced MPRAGE", _header(1800, 2.4, 900, 9, inversion_recovery=True, sequence_name="*tfl3d1_16ns"), T1, None),
    ("stripped T2", _header(4320, 92, modality=""), T2, None),
    ("stripped, with a time", _header(4320, 92, 160, modality=""), STIR, True),
    ("inversion without time", _header(4320, 92, scanning_sequence=("SE", "IR"), scan_options="PFP"), None, None),
    ("nothing", Acquisition(), None, None),
    ("CT", Acquisition(modality="CT"), None, None),
    ("diffusion", _header(4000, 80, scanning_sequence=("EP", "SE"), scan_options="FS"), None, None),
    ("ADC", _header(4000, 80, image_type=("DERIVED", "PRIMARY", "ADC"), **SE), None, None),
    ("b-value", _header(4000, 80, b_value=800.0, **SE), None, None),
    ("phase", _header(4000, 80, image_type=("ORIGINAL", "PRIMARY", "P", "ND"), **SE), None, None),
]  # fmt: skip


@pytest.mark.parametrize("header, weighting, suppressed", [p[1:] for p in PROTOCOLS], ids=[p[0] for p in PROTOCOLS])
def test_protocols(header: Acquisition, weighting: Sequence | None, suppressed: bool | None) -> None:
    found = judge_contrast(header)
    assert (found.weighting, found.fat_suppressed) == (weighting, suppressed), found.reason


@pytest.mark.parametrize(
    "tr, te, weighting",
    [
        (1100, 35, T1), (1101, 35, None), (1100, 35.1, None), (1100, 12, T1), (1799, 45, None), (1800, 45, PD),
        (1800, 45.1, None), (1800, 69.9, None), (1800, 70, T2), (1500, 70, T2), (1499, 70, None), (600, 90, None),
    ],
)  # fmt: skip
def test_between_the_regimes_there_is_no_guess(tr: float, te: float, weighting: Sequence | None) -> None:
    for description in ("", "T1", "T2 sag"):
        assert judge_contrast(_header(tr, te, description=description, **SE)).weighting is weighting


@pytest.mark.parametrize("field", [0.064, 0.3, 1.0, 1.5, 3.0, 7.0])
def test_a_stir_is_a_stir_at_every_field(field: float) -> None:
    """Fat is dark against muscle at every inversion time that is called STIR, by the signal equation."""
    fat, muscle = t1_ms(FAT_T1_LAW, field), t1_ms(MUSCLE_T1_LAW, field)
    null = null_time_ms(fat, 4000.0)
    for factor in (0.51, 0.75, 1.0, 1.3, 1.59):
        contrast = judge_contrast(_header(4000, 60, factor * null, field_t=field, description="T2 sag", **IR))
        assert (contrast.weighting, contrast.fat_suppressed) == (STIR, True)
    for factor in (2.1, 3.0):
        assert judge_contrast(_header(4000, 20, factor * null, field_t=field, **IR)).weighting is T1
    between = judge_contrast(_header(4000, 20, 1.8 * null, field_t=field, **IR))
    assert between.fat_suppressed is None
    assert "between dark and bright" in between.reason
    signal = [abs(1 - 2 * math.exp(-null / t1) + math.exp(-4000 / t1)) for t1 in (fat, muscle)]
    assert signal[0] < 1e-9 < 0.2 < signal[1]


def test_t1_at_a_clinical_field_is_near_the_measured_one() -> None:
    # 343 +- 37 ms at 1.5 T and 382 +- 13 ms at 3 T; the law is lower, and the range reaches up to them
    for field, measured in ((1.5, 343.0), (3.0, 382.0)):
        assert measured * math.log(2) < 1.6 * null_time_ms(t1_ms(FAT_T1_LAW, field), None)


@pytest.mark.parametrize(
    "description, weighting, suppressed",
    [
        ("Sagittal T1", T1, None),
        ("Sagittal T2/STIR", None, None),
        ("t2_stir_sag", STIR, True),
        ("T2_TIRM_SAG", STIR, True),
        ("T2 sag FS", T2, True),
        ("T2 sag fat-sat", T2, True),
        ("t2_tse_dixon_W", T2, True),
        ("t2_tse_dixon_sag_320_W", T2, True),
        ("t2_tse_dixon_sag_in", T2, None),
        ("T2 SPAIR", T2, True),
        ("T2 no FS", T2, None),
        ("T2 offset", T2, None),
        ("PD and T2", None, None),
        ("scout", None, None),
    ],
)
def test_a_header_without_times_is_told_by_name(description: str, weighting: Sequence, suppressed: bool) -> None:
    found = judge_contrast(_header(description=description))
    assert (found.weighting, found.fat_suppressed) == (weighting, suppressed)
    if weighting:
        assert f"the description says {weighting}" in found.reason


def test_names_fill_gaps_only_where_codes_are_silent() -> None:
    unnamed = _header(4320, 92, scanning_sequence=("SE", "IR"))
    assert judge_contrast(replace(unnamed, description="T2 sag")).weighting is None
    named = judge_contrast(replace(unnamed, description="T2 STIR"))
    assert (named.weighting, named.fat_suppressed) == (STIR, True)
    # An empty element of scan options means "unknown" by the standard: a name can then warn of suppression.
    presumed = judge_contrast(_header(4320, 92, description="T2 FS", **SE))
    assert (presumed.weighting, presumed.fat_suppressed) == (T2, True)
    stated = judge_contrast(_header(4320, 92, scanning_sequence="SE", suppression="NONE", description="T2 FS"))
    assert (stated.weighting, stated.fat_suppressed) == (T2, False)
    contradicted = judge_contrast(_header(None, 92, description="T1 sag"))
    assert contradicted.weighting is None


def test_reasons_have_numbers_and_no_text_of_the_header() -> None:
    assert judge_contrast(_header(4320, 92, scan_options="FS")).reason == (
        "TR 4320 ms, TE 92 ms; fat saturation in the scan options"
    )
    assert judge_contrast(_header(10500, 60, 160, field_t=1.5, **IR)).reason == (
        "TR 10500 ms, TE 60 ms, inversion time 160 ms: an inversion at the zero of fat's signal"
    )
    assert judge_contrast(Acquisition(modality="CT")).reason == "CT, not MR"
    for name in ("modality", "sequence_name", "description"):
        assert "Mustermann" not in judge_contrast(replace(_header(4320, 92), **{name: "Mustermann"})).reason
    for name in ("scanning_sequence", "sequence_variant", "scan_options", "image_type", "suppression"):
        assert "Mustermann" not in judge_contrast(replace(_header(4320, 92), **{name: ("Mustermann",)})).reason


NUMBERS = st.none() | st.floats() | st.sampled_from([0.0, -1.0, 12.0, 92.0, 160.0, 900.0, 4320.0, 1e308])
CODES = st.lists(
    st.sampled_from(["SE", "GR", "IR", "EP", "SP", "SS", "FS", "W", "F", "NONE", "FAT", "M", "DIXON"])
    | st.text(max_size=4),
    max_size=3,
).map(tuple)
ANY = st.builds(
    Acquisition,
    modality=st.sampled_from(["", "MR", "mr ", "CT", "?"]),
    echo_time_ms=NUMBERS,
    repetition_time_ms=NUMBERS,
    inversion_time_ms=NUMBERS,
    flip_angle_deg=NUMBERS,
    echo_train_length=st.none() | st.integers(),
    field_t=NUMBERS,
    scanning_sequence=CODES,
    sequence_variant=CODES,
    scan_options=CODES,
    image_type=CODES,
    sequence_name=st.text(max_size=8) | st.sampled_from(["*tir2d1", "*tse2d1_17", "*fl3d1_we"]),
    inversion_recovery=st.none() | st.booleans(),
    suppression=CODES,
    scan_options_stated=st.booleans(),
    b_value=NUMBERS,
)
TEXTS = st.text() | st.sampled_from(["T2", "t1 sag", "STIR", "T2/STIR", "pd fs", "no fs", "T2 tse", "water: T2"])


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(header=ANY, description=TEXTS)
def test_a_name_never_overrules_physics(header: Acquisition, description: str) -> None:
    told = judge_contrast(header)
    named = judge_contrast(replace(header, description=description))
    assert told.reason
    assert named.reason
    if told.weighting is STIR:
        assert named == told
    elif told.weighting is not None:
        # a name can add that it is a STIR where inversion is not coded, never turn one weighting into another
        assert named.weighting in (told.weighting, STIR, None)
    if told.fat_suppressed is True:
        assert named.fat_suppressed is True or "DIXON" in {v.strip().upper() for v in header.image_type}
    if named.fat_suppressed is False:
        assert told.fat_suppressed is False
    if "NONE" in header.suppression and told.fat_suppressed is False and len(set(header.suppression)) == 1:
        assert named.fat_suppressed is False or "DIXON" in {v.strip().upper() for v in header.image_type}


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(header=ANY, number=st.sampled_from([math.nan, math.inf, -math.inf, -3.0, 0.0]))
def test_numbers_that_mean_nothing_count_as_not_said(header: Acquisition, number: float) -> None:
    for name in ("echo_time_ms", "repetition_time_ms", "inversion_time_ms", "field_t"):
        assert judge_contrast(replace(header, **{name: number})) == judge_contrast(replace(header, **{name: None}))


def test_both_echoes_of_real_data(shared_data) -> None:
    """TR and TE of the sidecars that dcm2niix wrote for a double echo, and of an enhanced MPRAGE."""
    reference = shared_data / "dicom" / "dcm_qa_pdt2"
    found = set()
    for sidecar in sorted(reference.rglob("*.json")):
        told = json.loads(sidecar.read_text(encoding="utf-8"))
        if "EchoTime" in told and "RepetitionTime" in told:
            header = _header(1e3 * told["RepetitionTime"], 1e3 * told["EchoTime"], fa=told["FlipAngle"], **SE)
            found.add((round(1e3 * told["EchoTime"]), judge_contrast(header).weighting))
    assert found == {(11, PD), (92, T2)}
    assert np.isfinite([te for te, _ in found]).all()
