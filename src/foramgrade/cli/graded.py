"""What the command ``findings`` prints: how many rows got which grade, and what could not be read."""

from pathlib import Path
from typing import TYPE_CHECKING

from foramgrade.cli.screen import NOTE, new_table, open_console
from foramgrade.findings import LeeGrade
from foramgrade.grader import Criteria

if TYPE_CHECKING:
    from foramgrade.tables import GradedReads


def show_reads(graded: "GradedReads", criteria: Criteria, out: Path) -> None:
    """Print how many rows got which grade, and where they went.

    Parameters
    ----------
    graded : GradedReads
        Graded reads.
    criteria : Criteria
        By which they were graded.
    out : Path
        File, as the user named it.
    """
    console = open_console()
    given = [one for one in graded.grades if one is not None]
    table = new_table("Grade", "Meaning", "Rows", right=("Grade", "Rows"))
    labels = {rule.grade: rule.label for rule in criteria.rules}
    for lee in map(int, LeeGrade):
        table.add_row(str(lee), labels[lee], str(sum(one.lee == lee for one in given)))
    table.add_row("-", "not gradable", str(sum(one.lee is None for one in given)))
    if graded.problems:
        table.add_row("-", "not read", str(len(graded.problems)))
    console.print(f"Graded by {criteria.name}, policy {criteria.policy.value}.", soft_wrap=True)
    console.print()
    console.print(table)
    console.print()
    undefined = sum(one.defined is False for one in given)
    if undefined:
        those = "1 row shows a pattern" if undefined == 1 else f"{undefined} rows show patterns"
        console.print(f"{those} that {criteria.name} does not define: the policy decides.", soft_wrap=True)
    rows = len(graded.sheet.rows)
    console.print(f"Written to {out}: {rows} row{'s' * (rows != 1)}.", soft_wrap=True)
    console.print(NOTE)


def count_problems(graded: "GradedReads", reads: Path) -> str:
    """Say how many rows could not be read, and what is wrong with the first.

    Parameters
    ----------
    graded : GradedReads
        Reads of which some have a problem.
    reads : Path
        Their file.

    Returns
    -------
    str
        One sentence.
    """
    place, problem = next(iter(graded.problems.items()))
    of_all = f"{len(graded.problems)} of {len(graded.sheet.rows)} rows"
    line = graded.sheet.lines[place]
    return f"{reads.name}: {of_all} could not be read and stand without grade, the first in line {line}: {problem}."
