"""The house order: rooms import earlier rooms only, libraries stay where they belong, public names are explained."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "foramgrade"
PACKAGE = "foramgrade"

#: A room imports itself, its neighbours on one line, and what stands above.
ORDER = (
    ("errors", "arrays"),
    ("findings",),
    ("volume",),
    ("loaders",),
    ("anatomy",),
    ("geometry",),
    ("perineural",),
    ("grader",),
    ("phantom",),
    ("tables",),
    ("plotting",),
    ("composing", "readings"),
    ("pipeline", "measuring", "pointed"),
    ("agreement", "compare"),
    ("validation",),
    ("exports", "review"),
    ("batch",),
    ("cli",),
    ("__main__",),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
FROM_TABLES_ON = {room for room, rank in RANK.items() if rank >= RANK["tables"]}
#: Third-party libraries and the rooms that may import them; what is not named here may be used anywhere.
ALLOWED = {
    "pydicom": {"loaders", "exports"},
    "nibabel": {"loaders", "exports"},
    "SimpleITK": {"loaders", "exports"},
    "highdicom": {"loaders", "exports"},
    "matplotlib": {"plotting", "review"},
    "pandas": FROM_TABLES_ON,
}
#: What importing the package, before using it, must not load.
HEAVY = ("pandas", "matplotlib", "SimpleITK", "nibabel", "pydicom", "highdicom", "scipy")


def room_of(path: Path, source: Path) -> str:
    return path.relative_to(source).parts[0].removesuffix(".py")


def imported_names(tree: ast.Module, path: Path, source: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import anywhere in a file; relative ones made absolute."""
    package = [PACKAGE, *path.relative_to(source).parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)


def layer_faults(source: Path) -> list[str]:
    """Every import that goes against the order of the rooms or takes a library out of its rooms."""
    faults = []
    for path in sorted(source.rglob("*.py")):
        room, where = room_of(path, source), path.relative_to(source).as_posix()
        if where == "__init__.py":
            continue  # the front door names every room, lazily: see test_importing_the_package_is_light
        if room not in RANK:
            faults.append(f"{where}: the room {room} has no place in the order")
            continue
        for line, name in imported_names(ast.parse(path.read_text(encoding="utf-8")), path, source):
            top, *rest = name.split(".")
            if top == PACKAGE and rest and RANK.get(rest[0], -1) > RANK[room]:
                faults.append(f"{where}:{line}: {room} imports {rest[0]}, which comes after it")
            if room not in ALLOWED.get(top, {room}):
                faults.append(f"{where}:{line}: {top} belongs in {', '.join(sorted(ALLOWED[top]))}, not in {room}")
    return faults


def undocumented(source: Path) -> list[str]:
    """Public modules, classes, functions, methods and enum members without a docstring."""
    faults = []
    for path in sorted(source.rglob("*.py")):
        tree, where = ast.parse(path.read_text(encoding="utf-8")), path.relative_to(source).as_posix()
        if tree.body and not ast.get_docstring(tree):
            faults.append(f"{where}: the module has no docstring")
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                faults += [f"{where}:{line}: {name} has no docstring" for line, name in _bare(node)]
    return faults


def _bare(node: ast.FunctionDef | ast.ClassDef) -> Iterator[tuple[int, str]]:
    if not ast.get_docstring(node):
        yield node.lineno, node.name
    if not isinstance(node, ast.ClassDef):
        return
    is_enum = any(ast.unparse(base).endswith(("Enum", "Flag")) for base in node.bases)
    for member, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(member, ast.FunctionDef) and not member.name.startswith("_") and not ast.get_docstring(member):
            yield member.lineno, f"{node.name}.{member.name}"
        # a Quantity is explained by its entry in QUANTITIES: see test_findings
        if is_enum and node.name != "Quantity" and isinstance(member, ast.Assign) and not _is_text(after):
            yield member.lineno, f"{node.name}.{ast.unparse(member.targets[0])}"


def _is_text(node: ast.stmt | None) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_rooms_import_only_what_stands_before_them() -> None:
    assert layer_faults(SOURCE) == []


def test_every_public_name_is_explained() -> None:
    assert undocumented(SOURCE) == []


def test_importing_the_package_is_light() -> None:
    program = (
        f"import sys, foramgrade; print(foramgrade.__file__, *(n for n in {HEAVY!r} if n in sys.modules), sep='\\n')"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    file, *loaded = run.stdout.splitlines()
    assert file.endswith("__init__.py")  # a folder without it would import too, and load nothing
    assert loaded == []


@pytest.mark.parametrize(
    "where, text, fault",
    [
        ("grader/criteria.py", "from foramgrade.tables import rows", "grader imports tables, which comes after it"),
        ("grader/criteria.py", "from foramgrade import tables", "grader imports tables, which comes after it"),
        ("grader/criteria.py", "from ..tables import rows", "grader imports tables, which comes after it"),
        ("grader/criteria.py", "from .. import tables", "grader imports tables, which comes after it"),
        ("volume.py", "def f():\n    import foramgrade.cli", "volume imports cli, which comes after it"),
        ("grader/criteria.py", "import pandas as pd", "pandas belongs in"),
        ("pipeline.py", "from matplotlib import pyplot", "matplotlib belongs in plotting, review, not in pipeline"),
        ("geometry/measure.py", "import nibabel.affines", "nibabel belongs in exports, loaders, not in geometry"),
        ("utils.py", "import math", "the room utils has no place in the order"),
    ],
)
def test_the_guard_sees_a_fault(tmp_path: Path, where: str, text: str, fault: str) -> None:
    (tmp_path / where).parent.mkdir(exist_ok=True)
    (tmp_path / where).write_text(text)
    found = layer_faults(tmp_path)
    assert len(found) == 1
    assert fault in found[0]


def test_the_guard_lets_pass_what_is_in_order(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    text = "import numpy\nimport pandas\nfrom foramgrade.grader import grade\nfrom .columns import COLUMNS\n"
    (tmp_path / "tables" / "files.py").write_text(text)
    (tmp_path / "__init__.py").write_text("from foramgrade.cli import main\n")
    assert layer_faults(tmp_path) == []


def test_the_guard_sees_what_is_not_explained(tmp_path: Path) -> None:
    enum = 'class A(StrEnum):\n    """Doc."""\n    X = "x"\n    Y = "y"\n    """Doc."""\n    def f(self): ...\n'
    (tmp_path / "findings.py").write_text(f'"""Doc."""\n{enum}def g(): ...\ndef _h(): ...\n')
    (tmp_path / "volume.py").write_text("import math\n")
    assert undocumented(tmp_path) == [
        "findings.py:4: A.X has no docstring",
        "findings.py:7: A.f has no docstring",
        "findings.py:8: g has no docstring",
        "volume.py: the module has no docstring",
    ]
