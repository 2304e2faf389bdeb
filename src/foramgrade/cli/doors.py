"""The lazy doors of the command line: rooms of the package that are imported when something is first taken out of them.

Help, usage errors and ``--version`` must not wait for scipy, pandas, matplotlib and SimpleITK. The names in the package
itself (``foramgrade.assess``) have such a door of their own.
"""

import importlib
from typing import TYPE_CHECKING, Any

__all__ = [
    "agreement",
    "anatomy",
    "batch",
    "compare",
    "exports",
    "files",
    "loaders",
    "phantom",
    "plotting",
    "review",
    "tables",
    "validation",
    "words",
]


class _Room:
    def __init__(self, name: str) -> None:
        self._name = f"foramgrade.{name}"

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


if TYPE_CHECKING:
    from foramgrade import agreement, batch, compare, exports, loaders, phantom, plotting, review, tables, validation
    from foramgrade.anatomy import labels as anatomy
    from foramgrade.loaders import files
    from foramgrade.plotting import words
else:
    exports, loaders, phantom, plotting = (_Room(name) for name in ("exports", "loaders", "phantom", "plotting"))
    agreement, batch, compare, review = (_Room(name) for name in ("agreement", "batch", "compare", "review"))
    tables, validation = _Room("tables"), _Room("validation")
    anatomy, files, words = (_Room(name) for name in ("anatomy.labels", "loaders.files", "plotting.words"))
