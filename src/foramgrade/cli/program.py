"""The program: its commands hang on it, and its errors are said in a sentence."""

import functools
import logging
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, ParamSpec

import typer

from foramgrade.cli.screen import NOTE
from foramgrade.errors import ForamgradeError

P = ParamSpec("P")
app = typer.Typer(
    help=f"Measure lumbar neural foramina on MRI and grade their stenosis. {NOTE}",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line."""
    logging.basicConfig(format="foramgrade: %(message)s", level=logging.WARNING)
    app(prog_name="foramgrade")


def complain(sentence: str) -> None:
    """Say a sentence on stderr."""
    typer.echo(f"foramgrade: {sentence}", err=True)


def plainly(command: Callable[P, None]) -> Callable[P, None]:
    """Say the package's own errors in a sentence and end with status 2; any other exception is a bug and passes."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ForamgradeError as error:
            complain(str(error))
            raise typer.Exit(2) from error

    return run


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"foramgrade {version('foramgrade')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""
