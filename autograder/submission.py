"""What passes between the rooms of grading: what was handed in, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field


class GradebookError(Exception):
    """nbgrader could not take something in, with what it said."""


@dataclass(frozen=True)
class HandedIn:
    """One notebook as it was found in the teacher's folder.

    Attributes
    ----------
    student : str
        An id that can be a folder's name on every system.
    name : str
        The student as the teacher knows them.
    origin : str
        Where it was found, such as ``"class.zip/ada/Copy of stage_07.ipynb"``.
    content : bytes
        The file as it is.
    modified : float
        When it was changed last, in seconds since 1970; 0 if nobody knows.
    moodle, canvas : str
        The number that this platform gave the student in the file's name, or empty.
    decide : tuple of str
        What the teacher should know or decide, in sentences.
    reason : str
        Why it cannot be graded; empty if it may be.
    """

    student: str
    name: str
    origin: str
    content: bytes = b""
    modified: float = 0.0
    moodle: str = ""
    canvas: str = ""
    decide: tuple[str, ...] = ()
    reason: str = ""


@dataclass
class Graded:
    """One student's result in one stage.

    Attributes
    ----------
    student, name, stage, origin
        As in :class:`HandedIn`; ``stage`` is the assignment's name, such as
        ``"stage_07_find_its_mistakes"``.
    points, possible : dict of str to float
        What each check gave and can give, by the check's name, such as ``"find_wrong"``.
    words : dict of str to str
        What each check said, by the check's name.
    written : float or None
        The teacher's points for the written answer; None while it waits to be read.
    written_possible : float
    mended : list of str
        What was mended in the notebook, in sentences.
    decide : list of str
        What the teacher should look at or decide, in sentences.
    reason : str
        Why there is no grade; empty if there is one.
    hardest : str
        The class that the student named as the hardest, or empty.
    chosen : list of int
        Numbers of the known pictures that the student put on the screen.
    pictures : str
        The kind of pictures that the student worked on: ``"cifar10"``, ``"practice"``, ...
    moodle, canvas : str
        As in :class:`HandedIn`.
    """

    student: str
    name: str
    stage: str
    origin: str = ""
    points: dict[str, float] = field(default_factory=dict)
    possible: dict[str, float] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    written: float | None = None
    written_possible: float = 0.0
    mended: list[str] = field(default_factory=list)
    decide: list[str] = field(default_factory=list)
    reason: str = ""
    hardest: str = ""
    chosen: list[int] = field(default_factory=list)
    pictures: str = ""
    moodle: str = ""
    canvas: str = ""

    @property
    def total(self) -> float | None:
        """All points so far, or None if there is no grade."""
        return None if self.reason else sum(self.points.values()) + (self.written or 0)

    @property
    def total_possible(self) -> float:
        """The most points that this stage can give."""
        return sum(self.possible.values()) + self.written_possible


@dataclass(frozen=True)
class Written:
    """What a teacher has given by hand in one stage.

    Attributes
    ----------
    points : float or None
        For the written answers; None as long as one waits.
    possible : float
    said : str
        All points and comments, to tell whether anything has changed.
    checks : dict of str to float
        By the name of a check: the points that stand in place of the check's own.
    """

    points: float | None
    possible: float
    said: str
    checks: dict[str, float]
