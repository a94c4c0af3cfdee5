"""The project's files as somebody gets them who clones it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from autograder import ROOT


def tracked(*patterns: str) -> list[Path]:
    """Return the files that git knows, or would with the next ``git add``."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    names = sorted(set(filter(None, listed.stdout.split("\0"))))
    return [ROOT / name for name in names if (ROOT / name).exists()]


def copy(folder: Path) -> Path:
    """Copy them into a folder that does not exist yet, and return it."""
    for path in tracked():
        place = folder / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return folder


def clone(folder: Path) -> Path:
    """Copy them, with a git history of one commit."""
    copy(folder)
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init"], ["add", "--all"], [*identity, "commit", "-m", "All of it."]):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    return folder
