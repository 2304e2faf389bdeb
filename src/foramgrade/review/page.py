"""One HTML file that needs no other: data, program and style in it, and a policy that lets nothing else run."""

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from foramgrade.errors import InputError
from foramgrade.findings import QUANTITIES, Border, ForamenAssessment, Quantity
from foramgrade.plotting.words import LEE_WORDS, quality_words
from foramgrade.review.collecting import ReviewStudy
from foramgrade.tables import write_atomically

#: Measures shown beside a foramen, with their decimals.
SHOWN = {
    Quantity.AREA: 0,
    Quantity.HEIGHT: 1,
    Quantity.WIDTH_SUPERIOR: 1,
    Quantity.WIDTH_DISC: 1,
    Quantity.WIDTH_INFERIOR: 1,
    Quantity.DISC_HEIGHT: 1,
    Quantity.VOLUME: 0,
    Quantity.ASYMMETRY: 2,
    Quantity.NERVE_AREA: 1,
    Quantity.NERVE_ASPECT: 2,
    Quantity.FAT_AREA: 0,
    Quantity.SEAL_GAP: 1,
}


def write_report(studies: Iterable[ReviewStudy], path: Path, *, blind: bool = False, reader: str = "") -> int:
    """Write the review page.

    Parameters
    ----------
    studies : iterable of ReviewStudy
        One, or a cohort.
    path : Path
        The page; replaced.
    blind : bool
        Whether grade, findings and outlines stay hidden until the reader has answered.
    reader : str
        Name of the reader to begin with.

    Returns
    -------
    int
        Number of foramina on the page.

    Raises
    ------
    InputError
        If there is no study, two have the same name, or the page cannot be written.

    Notes
    -----
    *Limits*: what a blind reader must not see is hidden by the program, not encrypted: the page's source has it.
    """
    documents = [_study(one) for one in studies]
    names = [document["case"] for document in documents]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not documents or twice:
        found = f"{len(twice)} names of cases twice, such as {twice[0]!r}" if twice else "no study"
        msg = f"the review page would have {found}, expected studies with names of their own"
        raise InputError(msg)
    data = {"blind": blind, "reader": reader, "studies": documents, "grades": {str(k): v for k, v in LEE_WORDS.items()}}
    write_atomically(_page(data), path)
    return sum(len(document["foramina"]) for document in documents)


def _page(data: dict[str, Any]) -> str:
    parts = files("foramgrade.review")
    program, style, body = ((parts / name).read_text(encoding="utf-8") for name in ("page.js", "page.css", "body.html"))
    # In a script element only "<" could end the data or begin something else.
    packed = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")
    policy = f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(program)}'"
    title = "Review of one study" if len(data["studies"]) == 1 else f"Review of {len(data['studies'])} studies"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)} - foramgrade</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n"
        f'<script type="application/json" id="data">{packed}</script>\n<script>{program}</script>\n</body>\n</html>\n'
    )


def _digest(text: str) -> str:
    """What the policy knows a script or a style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _study(one: ReviewStudy) -> dict[str, Any]:
    study = one.study
    return {
        "case": study.case,
        "sequence": study.sequence,
        "version": study.version,
        "foramina": [_foramen(foramen, (one.film or {}).get(foramen.name)) for foramen in study.foramina],
    }


def _foramen(foramen: ForamenAssessment, film: dict[str, Any] | None) -> dict[str, Any]:
    grade, evidence = foramen.grade, foramen.evidence
    profile = None if evidence is None or evidence.profile_mm is None else evidence.profile_mm.round(2).tolist()
    return {
        "level": foramen.level.name,
        "side": foramen.side.value,
        "lee": grade.lee,
        "policy": grade.policy.value,
        "defined": grade.defined,
        "criteria": grade.criteria,
        "sartoretti": grade.sartoretti,
        "wildermuth": grade.wildermuth,
        "rsna": grade.rsna,
        "confidence": None if grade.confidence is None else round(grade.confidence, 3),
        "competing": grade.competing,
        "reasons": list(foramen.reasons),
        "flags": quality_words(foramen.quality),
        "borders": _borders(foramen),
        "shape": None if foramen.findings is None else foramen.findings.root_shape.value,
        "measures": list(_measures(foramen)),
        "profile": profile,
        "areas": None
        if evidence is None
        else [
            [round(float(x), 1), round(float(a), 1)]
            for x, a in zip(evidence.offsets_mm, evidence.areas_mm2, strict=True)
        ],
        "reported": None if evidence is None else evidence.chosen,
        "film": film,
    }


def _borders(foramen: ForamenAssessment) -> dict[str, list[Any]] | None:
    """State, fat in mm and neighbour by letter."""
    if foramen.findings is None:
        return None
    found = foramen.findings.borders
    return {
        border.value: [
            found[border].state.value,
            None if found[border].thickness_mm is None else round(float(found[border].thickness_mm or 0.0), 1),
            None if (beside := found[border].encroached_by) is None else beside.value,
        ]
        for border in Border
    }


def _measures(foramen: ForamenAssessment) -> Iterator[tuple[str, str]]:
    for quantity, decimals in SHOWN.items():
        value = foramen.measurements.get(quantity)
        if value is None:
            continue
        doubt = foramen.uncertainties.get(quantity)
        spread = "" if doubt is None else f" ± {doubt:.{max(decimals, 1)}f}"
        unit = QUANTITIES[quantity].unit
        yield quantity.value, f"{value:.{decimals}f}{spread}{'' if unit == '1' else f' {unit}'}"
