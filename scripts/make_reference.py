"""Write the pages of the documentation that follow from the code: the commands and their options, and the columns.

Usage: python scripts/make_reference.py [--check]

With --check nothing is written, and the status is 1 where a page is not what the code says.
"""

import argparse
import sys
from pathlib import Path

import typer

from foramgrade.cli import app
from foramgrade.findings import QUANTITIES, Quantity
from foramgrade.tables.columns import COLUMNS

DOCS = Path(__file__).parents[1] / "docs"
#: Columns that are no quantities.
MEANING = {
    "case": "name of the study in the results, a pseudonym by default",
    "level": "vertebra above and below, e.g. L4-L5",
    "side": "the patient's right or left",
    "lee_grade": "Lee grade 0 to 3; empty when not gradable",
    "lee_policy": "what was done with patterns that Lee does not define",
    "lee_defined": "whether Lee defines the pattern",
    "sartoretti": "letter and codes of the borders (Sartoretti 2021)",
    "wildermuth": "grade 0 to 3 (Wildermuth 1998)",
    "rsna": "severity word of the RSNA 2024 challenge",
    "confidence": "probability of the grade, 0 to 1",
    "gradable": "whether a grade was given",
    "reasons": "why this grade, why none, what is missing",
    "quality": "caveats, separated by |",
    "sequence": "contrast of the image",
    "lost_borders": "letters of the borders without fat: S, P, I, A",
    "encroached_by": "what stands at each lost border",
    "n_sections": "sections that cross the foramen",
    "section_x_mm": "centre of the reported section, patient (RAS), mm",
    "section_y_mm": "the same",
    "section_z_mm": "the same",
    "scheme": "what the numbers of the label map mean",
    "version": "version of foramgrade",
}


def command_page() -> str:
    """Commands with their arguments and options."""
    lines = ["# Commands", "", "Exit status: 0 all done, 1 some case failed and the rest is there, 2 wrong usage or"]
    lines += ["unreadable input. Results go to files and stdout, complaints to stderr in a sentence.", ""]
    group = typer.main.get_command(app)
    for name, command in sorted(group.commands.items()):
        lines += [f"## foramgrade {name}", "", " ".join((command.help or "").split()), ""]
        lines += ["| option | meaning |", "|---|---|"]
        for option in command.params:
            if getattr(option, "hidden", False) or option.name == "help":
                continue
            names = ", ".join([*option.opts, *option.secondary_opts])
            placed = option.param_type_name == "argument"
            shown = f"`{option.metavar or option.name.upper() if placed else names}`"
            text = " ".join((getattr(option, "help", None) or "").split()).replace("|", "\\|").replace("<", "&lt;")
            lines.append(f"| {shown.replace('|', ' or ')} | {text} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def column_page() -> str:
    """Columns of the table, in their order."""
    quantities = {quantity.value: QUANTITIES[quantity] for quantity in Quantity}
    lines = ["# Columns of foramina.csv", "", "In this order; empty where missing, never -1.", ""]
    lines += ["| column | unit | meaning |", "|---|---|---|"]
    for column in COLUMNS:
        known = quantities.get(column)
        unit, text = ("", MEANING[column]) if known is None else (known.unit, known.definition)
        lines.append(f"| `{column}` | {unit} | {' '.join(text.split()).replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 where a page is out of date")
    given = parser.parse_args()
    pages = {DOCS / "cli.md": command_page(), DOCS / "columns.md": column_page()}
    if given.check:
        stale = [path.name for path, text in pages.items() if not path.is_file() or path.read_text("utf-8") != text]
        sys.exit(f"out of date: {', '.join(stale)}" if stale else 0)
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
