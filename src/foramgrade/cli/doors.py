"""The lazy doors of the command line: rooms of the package that are imported when something is first taken out of them.

Help, usage errors and ``--version`` must not wait for numpy, scipy, pandas, matplotlib and SimpleITK. The names in the
package itself (``foramgrade.assess``) have such a door of their own.
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
    "np",
    "phantom",
    "plotting",
    "review",
    "tables",
    "validation",
    "words",
]


class _Room:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


def _rooms(*names: str) -> "tuple[_Room, ...]":
    return tuple(_Room(f"foramgrade.{name}") for name in names)


if TYPE_CHECKING:
    import numpy as np

    from foramgrade import agreement, batch, compare, exports, loaders, phantom, plotting, review, tables, validation
    from foramgrade.anatomy import labels as anatomy
    from foramgrade.loaders import files
    from foramgrade.plotting import words
else:
    np = _Room("numpy")
    agreement, batch, compare, exports, loaders = _rooms("agreement", "batch", "compare", "exports", "loaders")
    phantom, plotting, review, tables, validation = _rooms("phantom", "plotting", "review", "tables", "validation")
    anatomy, files, words = _rooms("anatomy.labels", "loaders.files", "plotting.words")
