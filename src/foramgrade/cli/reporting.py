"""The command that writes the review page."""

from pathlib import Path
from typing import Annotated

import typer

from foramgrade.cli.doors import review
from foramgrade.cli.program import app, plainly
from foramgrade.cli.screen import NOTE

#: Name of the page in the folder of results.
PAGE = "report.html"


@app.command("report")
@plainly
def write_review(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Results of 'grade', or of 'batch' with a folder per case.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.html", dir_okay=False, help="The page; by default DIR/report.html.")
    ] = None,
    blind: Annotated[
        bool, typer.Option("--blind", help="Hide grade, findings and outlines until the reader has answered.")
    ] = False,
    reader: Annotated[str, typer.Option(metavar="NAME", help="Name of the reader in the exported verdicts.")] = "",
) -> None:
    """Write one page to review a study or a cohort in a browser. Research and teaching only.

    It needs no network and no other file. Accept or change every grade by keyboard; verdicts stay in the browser until
    they are exported as a table that 'agreement' and 'findings' read.
    """
    page = folder / PAGE if out is None else out
    count = review.write_report(review.find_studies(folder), page, blind=blind, reader=reader.strip())
    size = page.stat().st_size / 2**20
    typer.echo(f"Written to {page}: {count} foramina, {size:.1f} MB. Open it in a browser; ? shows the keys.")
    typer.echo(NOTE)
