"""Change the code in one place at a time and see whether the tests notice.

Usage: python scripts/mutate.py ROOM [--mutants 60] [--seed 1] [--tests PATH ...] [--minutes 30]

ROOM is a folder or file below src/foramgrade, e.g. grader or perineural/borders.py. Mutants are drawn at random among:
a comparison turned or shifted, plus and minus or times and divided exchanged, "and" for "or", a number a tenth larger,
a truth value turned, a minimum for a maximum. Every mutant is written to a copy of the package, and the tests that
mirror the room are run on it until one fails. What survives is printed as a line to read: some are no faults.
"""

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "foramgrade"
COMPARED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
TURNED = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
COUNTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
NAMED = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What a node may become."""
    match node:
        case ast.Compare(ops=[op]):
            for table in (COMPARED, TURNED):
                if type(op) in table:
                    yield _with(node, ops=[table[type(op)]()])
        case ast.BinOp(op=op) if type(op) in COUNTED:
            yield _with(node, op=COUNTED[type(op)]())
        case ast.BoolOp(op=op):
            yield _with(node, op=ast.And() if isinstance(op, ast.Or) else ast.Or())
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            yield inner
        case ast.Constant(value=bool() as value):
            yield _with(node, value=not value)
        case ast.Constant(value=int() | float() as value):
            yield _with(node, value=value + 1 if isinstance(value, int) else value * 1.1 + 0.01)
        case ast.Attribute(attr=name) if name in NAMED:
            yield _with(node, attr=NAMED[name])
        case ast.Call(func=ast.Name(id=name)) if name in NAMED:
            yield _with(node, func=ast.Name(NAMED[name], ast.Load()))


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def find_mutants(path: Path) -> Iterator[tuple[Path, int, int]]:
    """Node and number of every change that a file offers."""
    for place, node in enumerate(ast.walk(ast.parse(path.read_text(encoding="utf-8")))):
        for number, _ in enumerate(changes(node)):
            yield path, place, number


def write_mutant(path: Path, place: int, number: int) -> tuple[str, str]:
    """The changed file, and a line that says what was changed."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    node = list(ast.walk(tree))[place]
    new = list(changes(node))[number]
    said = f"{path.relative_to(PACKAGE)}:{node.lineno}: {ast.unparse(node)}  ->  {ast.unparse(new)}"
    return ast.unparse(ast.fix_missing_locations(_Replace(node, new).visit(tree))), said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("room", help="folder or file below src/foramgrade")
    parser.add_argument("--mutants", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tests", nargs="+", default=None, help="by default tests/ROOM")
    parser.add_argument("--minutes", type=float, default=30.0, help="no mutant is begun after so long")
    given = parser.parse_args()
    target = PACKAGE / given.room
    files = [target] if target.is_file() else sorted(target.rglob("*.py"))
    tests = given.tests or [f"tests/{Path(given.room).parts[0]}"]
    drawn = [mutant for path in files for mutant in find_mutants(path)]
    print(f"{len(drawn)} mutants of {given.room}; tests: {' '.join(tests)}", flush=True)
    random.Random(given.seed).shuffle(drawn)
    started, killed, survivors = time.monotonic(), 0, []
    with tempfile.TemporaryDirectory() as place:
        package = Path(place) / "foramgrade"
        shutil.copytree(PACKAGE, package)
        environment = os.environ | {
            "PYTHONPATH": place,
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_PROFILE": "default",
        }
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
        if subprocess.run(command, cwd=ROOT, env=environment, capture_output=True).returncode:
            sys.exit("the tests fail on the code as it is")
        for path, node, number in drawn[: given.mutants]:
            if time.monotonic() - started > 60 * given.minutes:
                break
            text, said = write_mutant(path, node, number)
            copied = package / path.relative_to(PACKAGE)
            kept = copied.read_bytes()
            copied.write_text(text, encoding="utf-8")
            try:
                ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=600).returncode
            except subprocess.TimeoutExpired:
                ended = 1
            copied.write_bytes(kept)
            if ended:
                killed += 1
            else:
                survivors.append(said)
                print(said, flush=True)
    total = killed + len(survivors)
    print(
        f"{killed} of {total} killed ({killed / max(total, 1):.0%}) in {(time.monotonic() - started) / 60:.0f} minutes"
    )


if __name__ == "__main__":
    main()
