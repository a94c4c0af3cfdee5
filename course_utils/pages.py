"""How the pages that open offline are filled in: one Jinja environment for all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

_ASSETS = Path(__file__).parent / "assets"


def template(name: str, filters: dict[str, Callable], folder: Path = _ASSETS) -> Any:
    """Return a template; what is filled in is escaped.

    Parameters
    ----------
    name : str
        Of the file.
    filters : dict of str to function
    folder : Path, optional
        Where the file lies; by default among the assets.

    Returns
    -------
    jinja2.Template

    Raises
    ------
    ImportError
        If Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise ImportError("This page needs Jinja2. Install it: pip install jinja2") from error
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment.get_template(name)
