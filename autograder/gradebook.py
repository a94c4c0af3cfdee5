"""Fill nbgrader's gradebook with nbgrader's own converters.

Only one step of nbgrader's list differs: where it would run the notebook, ``PutResults`` fills
in what was graded elsewhere. So the gradebook, the graded notebooks and the feedback pages are
those of ``nbgrader autograde``, and formgrader finds everything in its place.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from autograder import ROOT
from autograder.build import load_config
from autograder.preprocessors import BringRecord, PutResults
from autograder.store import Result, write
from autograder.submission import GradebookError


class CourseGradebook:
    """The gradebook of a course folder. Only one process may write to it.

    Parameters
    ----------
    course : Path
        With ``submitted/``, ``autograded/`` and ``feedback/``.
    db_url : str, optional
        Address of another database than ``gradebook.db``, such as PostgreSQL's.
    """

    def __init__(self, course: Path, db_url: str = ""):
        self.course = course.resolve()
        self.db_url = db_url or f"sqlite:///{self.course / 'gradebook.db'}"
        self._config = self._configure()
        # nbgrader calls alembic by its name when it makes a gradebook.
        programs = str(Path(sys.executable).parent)
        if programs not in os.environ["PATH"].split(os.pathsep):
            os.environ["PATH"] = programs + os.pathsep + os.environ["PATH"]

    def _configure(self) -> Config:
        config = load_config()
        config.CourseDirectory.root = str(self.course)
        config.CourseDirectory.source_directory = str(ROOT / "solutions")
        config.CourseDirectory.db_url = self.db_url
        config.PutResults.folder = str(self.course / "grading")
        steps = config.Autograde
        steps.sanitize_preprocessors = []  # all of it was done before the notebook ran
        steps.autograde_preprocessors = [
            PutResults if step is Execute else step
            for step in steps.autograde_preprocessors
            if step is not BringRecord
        ]
        return config

    def register(self, stage: str) -> None:
        """Tell the gradebook which cells a stage has, and what each can give."""
        config = self._config.copy()
        with tempfile.TemporaryDirectory() as folder:
            config.CourseDirectory.release_directory = folder
            self._convert(GenerateAssignment, config, stage, "*", create_assignment=True)

    def enter(self, stage: str, student: str, result: Result) -> None:
        """Take a result into the gradebook; a teacher's own points stay.

        Raises
        ------
        GradebookError
            With what nbgrader said.
        """
        place = self.course / "submitted" / student / stage
        write(place / f"{stage}.ipynb", result.notebook.encode())
        self._convert(Autograde, self._config, stage, student, force=True)
        name = result.handed.get("name") or student
        if name != student:
            with self.open() as gradebook:
                gradebook.update_or_create_student(student, last_name=name)

    def write_feedback(self, stage: str, student: str) -> None:
        """Write the feedback page of a student.

        Raises
        ------
        GradebookError
            With what nbgrader said.
        """
        self._convert(GenerateFeedback, self._config, stage, student, force=True)

    def written(self, stage: str, student: str) -> tuple[float | None, float, str]:
        """Return the teacher's points for the written answers, the most, and all that was said.

        The points are None as long as an answer waits.
        """
        points, possible, said = 0.0, 0.0, []
        waits = False
        with self.open() as gradebook:
            try:
                notebook = gradebook.find_submission_notebook(stage, stage, student)
            except MissingEntry:
                return None, 0.0, ""
            for grade in notebook.grades:
                said.append(f"{grade.name} {grade.score} {grade.needs_manual_grade}")
                if not grade.name.startswith("test_"):
                    waits = waits or grade.needs_manual_grade
                    points, possible = points + grade.score, possible + grade.max_score
            said += [f"{comment.name} {comment.comment}" for comment in notebook.comments]
        return (None if waits else points), possible, "\n".join(said)

    def open(self) -> Gradebook:
        """Open the gradebook with nbgrader's own interface."""
        return Gradebook(self.db_url, self._config.CourseDirectory.course_id)

    def _convert(
        self, converter: type, config: Config, stage: str, student: str, **options: Any
    ) -> None:
        config = config.copy()
        config.CourseDirectory.student_id = student
        directory = CourseDirectory(config=config, assignment_id=stage)
        with _lines() as (log, lines):
            one = converter(coursedir=directory, config=config, parent=None, log=log)
            for name, value in options.items():
                setattr(one, name, value)
            try:
                # Of nbgrader's own queries; harmless, and nothing a teacher could do about.
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", SAWarning)
                    one.start()
            except (Exception, SystemExit) as error:
                whose = stage if student == "*" else f"{stage} of {student}"
                raise GradebookError(f"{whose}: {_cause(lines) or error}") from error


def _cause(lines: list[str]) -> str:
    """The line in nbgrader's log that says what went wrong: the last one of its traceback."""
    for line in lines:
        if "Traceback" in line:
            return line.strip().splitlines()[-1]
    return lines[0] if lines else ""


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _lines():
    """A log of its own, so that nothing is printed, and the errors in it."""
    log = logging.Logger("nbgrader")
    log.addHandler(handler := _Lines())
    yield log, handler.lines
