"""Options that several commands take, and what is done with them before work begins."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import typer

from foramgrade.cli.doors import loaders
from foramgrade.findings import Policy, Sequence
from foramgrade.grader import LEE_2010, Criteria, read_criteria

#: Faults in the slices of a series that can be accepted: a copy, since their home needs pydicom; a test holds the two
#: together.
IRREGULARITIES = ("missing-slice", "repeated-slice", "uneven-spacing", "shear")

#: Default of the widest gap that is sealed, mm: a copy, since its home needs scipy; a test holds the two together.
SEAL_LIMIT_MM = 10.0


class Weighting(StrEnum):
    """Contrasts that can be graded; the others are told by the series, and refused."""

    T1 = Sequence.T1.value
    """T1-weighted."""
    T2 = Sequence.T2.value
    """T2-weighted."""


def check_orientation(value: str | None) -> str | None:
    """Refuse what is not a placement of NIfTI files."""
    if value not in (None, "qform", "sform"):
        msg = f"found {value!r}, expected qform or sform"
        raise typer.BadParameter(msg)
    return value


def check_case(value: str | None) -> str | None:
    """Refuse a blank name."""
    if value is not None and not value.strip():
        msg = "a case needs a name that is not blank"
        raise typer.BadParameter(msg)
    return value


def check_tolerate(values: list[str] | None) -> list[str] | None:
    """Refuse what is not a fault of slices."""
    for value in values or ():
        if value not in IRREGULARITIES:
            msg = f"found {value!r}, expected one of {', '.join(IRREGULARITIES)}"
            raise typer.BadParameter(msg)
    return values


SaltOption = typer.Option(
    metavar="TEXT", envvar="FORAMGRADE_SALT", help="Secret that makes the pseudonyms of cases yours alone."
)
CriteriaOption = typer.Option(
    "--criteria", metavar="FILE.toml", help="Grading rules of your own; by default those of Lee 2010."
)
PolicyOption = typer.Option(
    "--policy",
    metavar="floor|ceil|strict",
    help=f"Grade of patterns that the rules do not define; by default {LEE_2010.policy.value}.",
)
SequenceOption = typer.Option("--sequence", metavar="T1|T2", case_sensitive=False, help="Contrast of the series.")
N4Option = typer.Option("--n4", help="Correct the image for the coil's fall-off by N4 before it is read.")
OrientationOption = typer.Option(
    metavar="qform|sform",
    callback=check_orientation,
    help="Placement to believe where the two in a NIfTI file disagree.",
)


def choose_criteria(file: Path | None, policy: Policy | None, minimum_fat_mm: float | None = None) -> Criteria:
    """Take Lee 2010 or the criteria of a file, with what the command line changes."""
    criteria = LEE_2010 if file is None else read_criteria(file)
    if policy is not None:
        criteria = criteria.with_policy(policy)
    if minimum_fat_mm is None:
        return criteria
    # A border cannot be thin and lost: the limit of thin fat gives way.
    thin_fat_mm = max(criteria.thin_fat_mm, minimum_fat_mm)
    return replace(criteria, minimum_fat_mm=minimum_fat_mm, thin_fat_mm=thin_fat_mm)


def identify(
    *, labels: Path, instances: Path | None, scheme: str | None, placed: dict[str, str]
) -> list[dict[str, str]]:
    """Say what the inputs are without their names, which can name people."""
    given = {"labels": labels} | ({} if instances is None else {"instances": instances})
    inputs = [{"role": role, **loaders.identify_files(path), **placed} for role, path in given.items()]
    if scheme is not None and scheme.lower().endswith(".json"):
        inputs.append({"role": "scheme", "sha256": loaders.file_identity(scheme)["sha256"], "format": "JSON"})
    return inputs
