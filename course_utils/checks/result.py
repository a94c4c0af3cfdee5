"""What a check says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from course_utils.checks.sentences import join
from course_utils.evidence import Evidence, Reference


@dataclass(frozen=True)
class Result:
    """Points and the words that go with them.

    Attributes
    ----------
    points : float
    saw : str
        What the check saw and what it expected, for the student.
    try_next : str
        What to do now; empty when nothing is left to do.
    """

    points: float
    saw: str
    try_next: str = ""


@dataclass(frozen=True)
class Check:
    """A check with its most points."""

    judge: Callable[[Evidence, Reference], Result]
    points: int


def blanks(evidence: Evidence, *names: str, at_least: int = 1) -> Result | None:
    """What is still to do, if that many of the names are blank."""
    blank = [name for name in names if evidence.values.get(name) is None]
    if len(blank) < at_least:
        return None
    return Result(
        0,
        f"Still to do: {join(blank)}.",
        "Replace each ... in the cell above and run it again. Use exactly these names.",
    )
