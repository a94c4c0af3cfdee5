"""Grades as tables: one for the teacher, and one for each platform that takes grades from a file.

Moodle and Canvas read only what they wrote themselves, or the same columns. Which columns they
look for, and what they do with an empty one, is said at the functions that write them.
"""

from __future__ import annotations

import csv
import html
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from autograder.submission import Graded

_COLUMNS = (
    *("student", "name", "stage", "points", "possible"),
    *("automatic points", "written points", "status", "note"),
)
_MOODLE = (
    *("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade"),
    *("Grade can be changed", "Last modified (submission)", "Last modified (grade)"),
    "Feedback comments",
)
_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
GRADED, WAITS, NOT_GRADED = "graded", "waits for the teacher", "not graded"

_Row = Sequence[object]


def write_tables(results: Sequence[Graded], folder: Path) -> list[Path]:
    """Write the grades of a class, also as Moodle and Canvas take them in.

    Parameters
    ----------
    results : sequence of Graded
        Of one stage or of several, in any order.
    folder : Path
        Made if it is not there.

    Returns
    -------
    list of Path
        ``grades.csv`` with every result; ``grades_moodle.csv``, or one such file for each stage
        if there are several; ``grades_canvas.csv``. Each replaces an older one at once and
        whole.

    Raises
    ------
    OSError
        If a file cannot be written, such as one that is open in Excel on Windows. The older
        one is then still there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results = sorted(results, key=lambda one: (one.stage, one.student))
    stages = sorted({one.stage for one in results})
    # Excel takes a file for UTF-8 only if it begins with a byte order mark. Moodle skips it.
    written = [_write(folder / "grades.csv", grades_rows(results), "utf-8-sig")]
    for stage in stages or [""]:
        name = f"grades_moodle_{stage}.csv" if len(stages) > 1 else "grades_moodle.csv"
        rows = moodle_rows([one for one in results if one.stage == stage])
        written.append(_write(folder / name, rows, "utf-8-sig"))
    # That Canvas skips the mark is nowhere promised, and its first column must be "Student".
    written.append(_write(folder / "grades_canvas.csv", canvas_rows(results), "utf-8"))
    return written


def status(one: Graded) -> str:
    """Say in words how far a result is: graded, waiting for the teacher, or not graded."""
    if one.reason:
        return NOT_GRADED
    return WAITS if one.written is None and one.written_possible else GRADED


def grades_rows(results: Iterable[Graded]) -> list[_Row]:
    """Return the teacher's own table, the names of the columns first.

    While a written answer waits to be read, ``points`` are those of the checks alone.
    """
    rows: list[_Row] = [_COLUMNS]
    for one in results:
        automatic = None if one.reason else sum(one.points.values())
        rows.append(
            (
                *map(harmless, (one.student, one.name, one.stage)),
                *map(_number, (one.total, one.total_possible, automatic)),
                _number(None if one.reason else one.written),
                status(one),
                harmless(_note(one)),
            )
        )
    return rows


def moodle_rows(results: Iterable[Graded]) -> list[_Row]:
    """Return one stage's grades in the columns of Moodle's offline grading worksheet.

    Moodle finds a student by ``Identifier``, which is "Participant" and the number in the names
    of its downloads, and skips a row without it. So students without a number are left out,
    and so are those without a grade, or whose written answer waits: an empty comment would
    replace one that the teacher wrote in Moodle. It reads the grade and the comment. It takes
    no grade above the assignment's maximum, and replaces an older grade only if the teacher
    ticks "Allow updating records ..." in the upload, because "Last modified (grade)" is "-".
    The columns have English names; a Moodle in another language knows them by others.
    """
    rows: list[_Row] = [_MOODLE]
    for one in results:
        if one.moodle and status(one) == GRADED:
            grade, most = _number(one.total), _number(one.total_possible)
            submitted = ("Submitted for grading", grade, most, "Yes", "-", "-")
            comment = html.escape(harmless("; ".join(_lost(one))), quote=False)
            rows.append((f"Participant {one.moodle}", harmless(one.name), "", *submitted, comment))
    return rows


def canvas_rows(results: Iterable[Graded]) -> list[_Row]:
    """Return all grades in the columns of Canvas's gradebook, one for each stage.

    Canvas finds a student by ``ID``, the first number in the names of its downloads; without
    one it compares the name, and asks the teacher if nobody has it. So students without a
    number stand here with an empty ID. Before it changes anything, Canvas shows what would
    change. An empty cell would take an older grade away: students without any grade, or whose
    written answer waits, are left out, but with several stages a cell may still be empty. An
    assignment has the stage's name; Canvas asks which of its own that is, or makes a new one.
    """
    results = list(results)
    stages = sorted({one.stage for one in results})
    possible = {
        stage: max(o.total_possible for o in results if o.stage == stage) for stage in stages
    }
    known = {(one.student, one.canvas) for one in results if one.canvas}
    students: dict[tuple, dict[str, Graded]] = {}
    for one in results:
        if status(one) == GRADED:
            # Without a number in this stage it is the one student of this id who has one.
            numbers = [number for student, number in known if student == one.student]
            number = one.canvas or (numbers[0] if len(numbers) == 1 else "")
            students.setdefault((one.student, number), {})[one.stage] = one
    rows: list[_Row] = [
        (*_CANVAS, *stages),
        ("    Points Possible", "", "", "", "", *(_number(possible[stage]) for stage in stages)),
    ]
    for (_, number), graded in students.items():
        name = next(iter(graded.values())).name
        grades = [_number(graded[stage].total) if stage in graded else "" for stage in stages]
        rows.append((harmless(name), number, "", "", "", *grades))
    return rows


def harmless(text: str) -> str:
    """Return a text on one line that no spreadsheet takes for a formula.

    A name such as ``=HYPERLINK(...)`` is run by Excel and LibreOffice when the teacher opens
    the file. With an apostrophe before it, they show it as it is.

    >>> harmless("=1+1"), harmless("Ada")
    ("'=1+1", 'Ada')
    """
    text = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())
    text = text.encode("utf-8", "replace").decode()  # half a character cannot be written
    first = unicodedata.normalize("NFKC", text[:1])  # there are wide signs, too
    return f"'{text}" if text and first in "=+-@" else text


def _number(value: float | None) -> str:
    return "" if value is None else f"{round(value, 2):g}"


def _lost(one: Graded) -> list[str]:
    """What each check said that did not give all its points."""
    return [
        f"{check}: {one.words.get(check) or 'The check did not answer.'}"
        for check, most in one.possible.items()
        if one.points.get(check, 0) < most
    ]


def _note(one: Graded) -> str:
    if one.reason:
        return "; ".join([one.reason, *one.mended, *one.decide])
    return "; ".join([*_lost(one), *one.mended, *one.decide])


def _write(path: Path, rows: Iterable[_Row], encoding: str) -> Path:
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("w", encoding=encoding, newline="") as stream:
            csv.writer(stream).writerows(rows)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path
