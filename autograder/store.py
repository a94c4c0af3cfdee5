"""What grading keeps on the disk, so that nothing is lost and nothing is done twice.

In ``grading/<stage>/`` each student has a run (what the notebook published), a result (points
and words), and small marks of what has been done with the result. Each file is written beside
its place and then moved there, so it is whole or absent: after a power cut, grading goes on
from what is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.judging import Judged
from autograder.submission import HandedIn

_VERSION = 1


@dataclass
class Result:
    """One student's result in one stage, as it is kept.

    Attributes
    ----------
    key : str
        Of the submission, the pictures and the rules; the same key means the same result.
    handed : dict
        Who handed it in, as in ``HandedIn``, without the content.
    reason, mended, decide, notebook, outputs, own
        As in ``unit.Outcome``.
    judged : Judged or None
    seconds : float
    """

    key: str
    handed: dict[str, Any]
    reason: str = ""
    mended: list[str] = field(default_factory=list)
    decide: list[str] = field(default_factory=list)
    notebook: str = ""
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    own: str = ""
    judged: Judged | None = None
    seconds: float = 0.0


class Store:
    """The folder ``grading/<stage>`` of a course.

    Parameters
    ----------
    course : Path
    stage : str
    """

    def __init__(self, course: Path, stage: str):
        self.folder = course / "grading" / stage
        self.folder.mkdir(parents=True, exist_ok=True)

    def run(self, student: str) -> bytes:
        """Return the stored run, or nothing."""
        return _read(self.folder / f"{student}.run.gz")

    def result(self, student: str) -> Result | None:
        """Return the stored result, or None if there is none or it is damaged."""
        try:
            stored = json.loads(_read(self.folder / f"{student}.result.json"))
            if stored.pop("version") != _VERSION:
                return None
            judged = stored.pop("judged")
            return Result(**stored, judged=Judged(**judged) if judged else None)
        except (ValueError, KeyError, TypeError):
            return None

    def content(self, student: str) -> bytes:
        """Return the file that was handed in, or nothing."""
        return _read(self.folder / f"{student}.handed_in")

    def keep(self, student: str, result: Result, run: bytes = b"", content: bytes = b"") -> None:
        """Keep a result, the run that it rests on, and the file that was handed in."""
        if content:
            write(self.folder / f"{student}.handed_in", content)
        if run:
            write(self.folder / f"{student}.run.gz", run)
        text = json.dumps({"version": _VERSION, **asdict(result)}, ensure_ascii=True)
        write(self.folder / f"{student}.result.json", text.encode())

    def forget(self, student: str) -> None:
        """Let go of all that there is of a student."""
        for what in ("result.json", "run.gz", "handed_in", "entered", "feedback"):
            (self.folder / f"{student}.{what}").unlink(missing_ok=True)

    def students(self) -> list[str]:
        """Return all who have a result, in the order of their ids."""
        return sorted(path.name.removesuffix(".result.json") for path in self._results())

    def _results(self) -> list[Path]:
        return list(self.folder.glob("*.result.json"))

    def unmark(self, student: str) -> None:
        """Forget what was done with an earlier result."""
        for what in ("entered", "feedback"):
            (self.folder / f"{student}.{what}").unlink(missing_ok=True)

    def is_marked(self, student: str, what: str, key: str) -> bool:
        """Whether something was done with the result of this key."""
        return _read(self.folder / f"{student}.{what}") == key.encode()

    def mark(self, student: str, what: str, key: str) -> None:
        """Note that something was done with the result of this key."""
        write(self.folder / f"{student}.{what}", key.encode())


def key_of(handed: HandedIn, kind: str, rules: str) -> str:
    """Return what makes two results the same: the file, the pictures and the rules."""
    parts = [str(_VERSION), kind, rules, hashlib.sha256(handed.content).hexdigest(), handed.reason]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, also when the power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _read(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""
