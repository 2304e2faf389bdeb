"""The command that compares readers."""

from pathlib import Path
from typing import Annotated

import typer

from foramgrade.cli.agreed import show_agreement
from foramgrade.cli.doors import agreement, exports, loaders, np, tables
from foramgrade.cli.options import CriteriaOption, PolicyOption, choose_criteria
from foramgrade.cli.program import app, complain, plainly
from foramgrade.cli.screen import show_progress
from foramgrade.findings import Policy

#: Scales and vocabularies by name: copies, since their homes need pandas; a test holds them together.
SCALES = ("lee", "wildermuth", "sartoretti", "rsna")
WORDS = ("landis-koch", "altman", "none")


def check_scale(value: str) -> str:
    """Refuse what is not a scale."""
    if value.lower() not in SCALES:
        msg = f"found {value!r}, expected one of {', '.join(SCALES)}"
        raise typer.BadParameter(msg)
    return value.lower()


def check_words(value: str) -> str:
    """Refuse what is not a vocabulary."""
    if value.lower() not in WORDS:
        msg = f"found {value!r}, expected one of {', '.join(WORDS)}"
        raise typer.BadParameter(msg)
    return value.lower()


@app.command("agreement")
@plainly
def compare_readers(
    reads: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]READS.csv...", help="Tables of reads, or folders of them; NAME is the reader of one."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", file_okay=False, help="Also write tables and figures here.")
    ] = None,
    scale: Annotated[
        str, typer.Option(metavar="|".join(SCALES), callback=check_scale, help="Scale of the grades.")
    ] = "lee",
    columns: Annotated[
        str | None, typer.Option(metavar="A,B", help="Columns that hold the grades of a reader each.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="NAME", help="Reader that stands for the truth; by default column y_true.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="NAME", help="Reader with whom the others are tested for a difference.")
    ] = None,
    resamples: Annotated[int, typer.Option(metavar="N", min=100, help="Draws of patients for the intervals.")] = 10_000,
    permutations: Annotated[int, typer.Option(metavar="N", min=1, help="Exchanges of a test.")] = 10_000,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="The same seed gives the same intervals.")] = 1,
    words: Annotated[
        str, typer.Option(metavar="|".join(WORDS), callback=check_words, help="Words beside the kappas.")
    ] = "landis-koch",
    criteria: Annotated[Path | None, CriteriaOption] = None,
    policy: Annotated[Policy | None, PolicyOption] = None,
) -> None:
    """Report the agreement of readers, sessions or systems. Research and teaching only.

    Tables have the columns case or patient (or both), level, side, reader, session, and a grade or findings, area_mm2
    or both; foramina.csv is one. Or a column per reader: grade_NAME, y_true and y_pred. Intervals are bootstrapped over
    patients.
    """
    vocabulary = None if words == "none" else agreement.KAPPA_VOCABULARIES[words]
    found = tables.read_reads(
        *reads,
        scale=tables.GRADE_SCALES[scale],
        criteria=choose_criteria(criteria, policy),
        columns=[] if columns is None else [name.strip() for name in columns.split(",") if name.strip()],
    )
    with show_progress("Pairs") as report:
        made = agreement.report_reads(
            found,
            rng=np.random.default_rng(seed),
            reference=reference,
            against=against,
            n_resamples=resamples,
            n_permutations=permutations,
            progress=report,
        )
    written: tuple[str, ...] = ()
    if out is not None:
        inputs = [loaders.file_identity(path) for path in tables.find_files(reads)]
        with show_progress("Figures") as report:
            written = exports.write_agreement(
                made, out, seed=seed, inputs=inputs, vocabulary=vocabulary, progress=report
            )
    show_agreement(made, seed=seed, vocabulary=vocabulary, skipped=found.skipped)
    if out is not None:
        show_written(out, written)
    for note in made.notes:
        complain(note)


def show_written(out: Path, written: tuple[str, ...]) -> None:
    """Say what was written where."""
    figures = sum("/" in name for name in written)
    names = [name for name in written if "/" not in name] + [f"{figures} figures in figures/"] * bool(figures)
    typer.echo(f"Written to {out}: {', '.join(names)}.")
