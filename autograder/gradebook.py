"""Fill nbgrader's gradebook with nbgrader's own steps.

Only one step of its list for grading differs: where it would run the notebook, ``PutResults``
fills in what was graded elsewhere. So the gradebook, the graded notebooks and the feedback pages
are those of ``nbgrader autograde``, and formgrader finds everything in its place.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import CheckCellMetadata, Execute
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from autograder import ROOT
from autograder.build import load_config
from autograder.preprocessors import BringRecord, PutResults, QuietChecks
from autograder.store import Result, write
from autograder.submission import GradebookError, Written


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
        self._opened: Gradebook | None = None
        self._steps = NotebookExporter(config=self._config, default_preprocessors=[])
        for step in self._config.Autograde.autograde_preprocessors:
            self._steps.register_preprocessor(step)
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
        config.Autograde.autograde_preprocessors = [
            PutResults if step is Execute else step
            for step in config.Autograde.autograde_preprocessors
            if step not in (BringRecord, QuietChecks, CheckCellMetadata)  # which was done before
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
        name = result.handed.get("name") or student
        about = {"last_name": name} if name != student else {}
        names = {"assignment": stage, "notebook": stage, "student": student, "db_url": self.db_url}
        submitted, graded = (
            self.course / folder / student / stage / f"{stage}.ipynb"
            for folder in ("submitted", "autograded")
        )
        write(submitted, result.notebook.encode())
        notebook = nbformat.reads(result.notebook, as_version=4)
        try:
            if self._opened is None:  # it takes a while to open, and a class has many students
                self._opened = self.open()
            with _quiet():
                self._opened.update_or_create_student(student, **about)
                self._opened.update_or_create_submission(stage, student)
                settled = self._settled(stage, student, graded)
                text, _ = self._steps.from_notebook_node(notebook, {"nbgrader": names})
                self._settle(stage, student, notebook, settled)
            content = text.encode()
        except Exception as error:
            self.close()  # what was half done in it is forgotten
            raise GradebookError(f"{stage} of {student}: {error}") from error
        write(graded, content)

    def _settled(self, stage: str, student: str, graded: Path) -> dict[str, tuple]:
        """What a teacher has given by hand, and what it was given for: an answer or a score."""
        if not graded.is_file():
            return {}
        grades = self._opened.find_submission_notebook(stage, stage, student).grades
        done = {
            one.name: one.auto_score
            for one in grades
            if one.manual_score is not None and not one.needs_manual_grade
        }
        self._opened.db.commit()  # nbgrader's steps have a connection of their own
        known = _sources(nbformat.read(graded, as_version=4)) if done else {}
        return {name: (score, known.get(name)) for name, score in done.items()}

    def _settle(
        self, stage: str, student: str, notebook: NotebookNode, settled: dict[str, tuple]
    ) -> None:
        """Have the teacher look again at what has changed only; nbgrader asks for all of it."""
        if not settled:
            return
        now = _sources(notebook)
        for one in self._opened.find_submission_notebook(stage, stage, student).grades:
            if settled.get(one.name) == (one.auto_score, now.get(one.name)):
                one.needs_manual_grade = False
        self._opened.db.commit()

    def forget(self, stage: str, student: str) -> None:
        """Take a student's work out of the gradebook, and the student, if nothing else is there."""
        with self.open() as gradebook:
            gradebook.remove_submission(stage, student)
            if not gradebook.student_submissions(student):
                gradebook.remove_student(student)
        for folder in ("submitted", "autograded", "feedback"):
            place = self.course / folder / student
            shutil.rmtree(place / stage, ignore_errors=True)
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()

    def write_feedback(self, stage: str, student: str) -> None:
        """Write the feedback page of a student.

        Raises
        ------
        GradebookError
            With what nbgrader said.
        """
        self._convert(GenerateFeedback, self._config, stage, student, force=True)

    def written(self, stage: str) -> dict[str, Written]:
        """Return what the teacher has given by hand, by student."""
        found = {}
        with self.open() as gradebook:
            for notebook in gradebook.notebook_submissions(stage, stage):
                own = [one for one in notebook.grades if not one.name.startswith("test_")]
                waits = any(one.needs_manual_grade for one in own)
                said = [
                    f"{one.name} {one.score} {one.needs_manual_grade}" for one in notebook.grades
                ]
                said += [f"{one.name} {one.comment}" for one in notebook.comments]
                found[notebook.student.id] = Written(
                    None if waits else sum(one.score for one in own),
                    sum(one.max_score for one in own),
                    "\n".join(said),
                    {
                        one.name.removeprefix("test_"): one.score
                        for one in notebook.grades
                        if one not in own and one.manual_score is not None
                    },
                )
        return found

    def close(self) -> None:
        """Let go of the database."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

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
                with _quiet():
                    one.start()
            except (Exception, SystemExit) as error:
                whose = stage if student == "*" else f"{stage} of {student}"
                raise GradebookError(f"{whose}: {_cause(lines) or error}") from error


def _sources(notebook: NotebookNode) -> dict[str, str]:
    """The text of each graded cell, by its name."""
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }


def _cause(lines: list[str]) -> str:
    """The line in nbgrader's log that says what went wrong: the last one of its traceback."""
    for line in lines:
        if "Traceback" in line:
            return line.strip().splitlines()[-1]
    return lines[0] if lines else ""


@contextmanager
def _quiet():
    """Without the warnings of nbgrader's own queries: harmless, and nothing to be done about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        yield


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
