"""JSON files that others wrote: any content, whole or damaged."""

import json
from pathlib import Path
from typing import Any

from foramgrade.errors import InputError


def read_json(path: Path, *, name: str | None = None) -> Any:
    """Read a JSON file, UTF-8 with or without byte-order mark.

    Parameters
    ----------
    path : Path
        The file.
    name : str or None
        What messages call it; None for its own name.

    Returns
    -------
    Any
        What it holds; not checked.

    Raises
    ------
    InputError
        If it cannot be opened, is no JSON, or is nested deeper than Python's reader follows.
    """
    name = path.name if name is None else name
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        msg = f"{name} cannot be opened"
        raise InputError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{name} cannot be read as JSON: it is not text in UTF-8"
        raise InputError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"{name} cannot be read as JSON: {error}"
        raise InputError(msg) from error
