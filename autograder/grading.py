"""Run nbgrader on a course folder and read what it gave."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry

from autograder import ROOT


@dataclass(frozen=True)
class Score:
    """What one check gave one student: points, the most points, and its words in one line."""

    points: float | None
    possible: float
    words: str


def nbgrader(*arguments: str, course: Path, **environment: str) -> Iterator[str]:
    """Run an nbgrader command on a course folder; yield its lines as they come.

    Parameters
    ----------
    *arguments : str
        Such as ``"autograde", "stage_07_find_its_mistakes"``.
    course : Path
        The folder with ``submitted/``; the gradebook and the results go there too.
    **environment : str
        Further environment variables, such as COURSE_DATA.

    Raises
    ------
    RuntimeError
        If nbgrader reports a failure, with the end of what it said.
    """
    programs = str(Path(sys.executable).parent)  # nbgrader calls other programs by name
    command = [sys.executable, "-m", "nbgrader", *arguments]
    command += [
        f"--CourseDirectory.root={course.resolve()}",
        f"--CourseDirectory.source_directory={ROOT / 'solutions'}",
        "--CourseDirectory.release_directory=stages",
    ]
    paths = {
        "PATH": programs + os.pathsep + os.environ["PATH"],
        "PYTHONUTF8": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
    }
    lines = []
    with subprocess.Popen(
        command,
        cwd=ROOT / "autograder",
        env=os.environ | paths | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stdout:
            lines.append(line.rstrip())
            yield lines[-1]
    if process.returncode:
        said = "\n".join(lines[-30:])
        raise RuntimeError(f"nbgrader {arguments[0]} ended with an error:\n{said}")


def read_scores(course: Path, stage: str) -> dict[str, dict[str, Score]]:
    """Return every student's scores, by the grade id of the check cell.

    The points are those of nbgrader's gradebook; the words are what the check printed.
    """
    scores: dict[str, dict[str, Score]] = {}
    with Gradebook(f"sqlite:///{course.resolve() / 'gradebook.db'}") as gradebook:
        for student in gradebook.students:
            try:
                submission = gradebook.find_submission_notebook(stage, stage, student.id)
            except MissingEntry:
                continue
            words = _words(course / "autograded" / student.id / stage / f"{stage}.ipynb")
            scores[student.id] = {
                grade.name: Score(
                    None if grade.needs_manual_grade else grade.auto_score,
                    grade.max_score,
                    words.get(grade.name, ""),
                )
                for grade in submission.grades
            }
    return scores


def _words(path: Path) -> dict[str, str]:
    notebook = nbformat.read(path, as_version=4)
    return {
        cell.metadata.nbgrader.grade_id: " ".join(
            "".join(o.text for o in cell.outputs if o.get("name") == "stdout").split()
        )
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")
    }
