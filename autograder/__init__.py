"""What a teacher needs: the build of the student notebooks, nbgrader's configuration, grading."""

from __future__ import annotations

import sys
from pathlib import Path

# jsonschema, with which notebooks are validated, would load a grammar of web addresses, if there is
# one. That takes a second, and no notebook needs it.
sys.modules.setdefault("rfc3987_syntax", None)

ROOT = Path(__file__).resolve().parent.parent


def stage_names(sources: Path = ROOT / "solutions") -> list[str]:
    """Return the names of all stages: of folders with a notebook of the same name, in order."""
    paths = sorted(path for path in sources.glob("*/*.ipynb") if path.stem == path.parent.name)
    return [path.stem for path in paths]
