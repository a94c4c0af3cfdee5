"""What a check says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
