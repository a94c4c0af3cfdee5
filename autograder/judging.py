"""From a run to points: the same pure checks that students run, away from their code."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from nbformat import NotebookNode

import course_utils
from autograder import ROOT, witness
from autograder.runner import Run, check_of
from course_utils import checks, record, wire
from course_utils.album import Album, album_of
from course_utils.begin import Beginning
from course_utils.evidence import Evidence, Reference
from course_utils.workbook import RECORD_FILE, begin_with_record
from course_utils.workspace import ITEMS, Workspace

# What decides on what a kernel hands out; and what decides on points, in the package and here.
_SHOWN = ("evidence.py", "album.py", "displays.py", "markup.py", "wire.py")
_HANDING_OUT = (*_SHOWN, "layout.py", "recorder.py", "workbook.py")
_RULES = (*_SHOWN, "wording.py", "begin.py", "record.py", "checks/*.py")
_RULES_HERE = ("judging", "witness", "preflight", "reading", "release", "runner", "unit")
_OWN = {"predictions", "history", "val_predictions", "improved_predictions", "improved_history"}
_FAR = 0.08  # between a model's scores on two piles that it has not learned from


@dataclass
class Judged:
    """Points, words and what the teacher should look at.

    Attributes
    ----------
    points, possible : dict of str to float
        By the name of the check.
    words : dict of str to str
    doubts : list of str
        Sentences for the teacher.
    hardest : str
        The class that was named as the hardest, or empty.
    chosen : list of int
        Numbers of the known pictures that were shown.
    pictures : str
        Their kind.
    """

    points: dict[str, float] = field(default_factory=dict)
    possible: dict[str, float] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    hardest: str = ""
    chosen: list[int] = field(default_factory=list)
    pictures: str = ""


def judge(
    notebook: NotebookNode, run: Run, stage: int, student_record: str, pictures: str = ""
) -> Judged:
    """Judge one run.

    Parameters
    ----------
    notebook : NotebookNode
        What was run; its check cells say what is asked, and where.
    run : Run
    stage : int
    student_record : str
        The record from the notebook, which says what the student's own model answers.
    pictures : str
        Which ones are in memory. A worker may have had others before.

    Returns
    -------
    Judged
        Never raises for anything that a student did.
    """
    known = _known(stage, student_record, pictures)
    runs = {cell.key: cell for cell in run.cells}
    asked = {cell.id: check for cell in notebook.cells if (check := check_of(cell))}
    last = max((place for place, cell in enumerate(run.cells) if cell.key in asked), default=-1)
    seen = witness.see(run.cells[: last + 1], known.album)
    began = _first_place(notebook, run)

    judged = Judged(doubts=list(known.refused), pictures=known.beginning.kind)
    judged.doubts += dict.fromkeys(seen.doubts)
    for key, check in asked.items():
        most = float(checks.STAGES[stage][check].points)
        judged.possible[check] = most
        judged.points[check], judged.words[check] = 0.0, _unread(most, run)
        if key not in runs or runs[key].handed is None:
            continue
        place = list(runs).index(key)
        try:
            arrays = {"pictures": known.beginning.pictures, "answers": known.answers}
            handed = _Handed(**wire.read(runs[key].handed, arrays))
            evidence = Evidence(stage, seen.cells[began:place], dict(handed.values))
            reference = _reference(known, handed)
        except (wire.WireError, TypeError, ValueError) as problem:
            judged.words[check] = _earned(most, f"The evidence was refused: {problem}.")
            judged.doubts.append(f"The evidence for {check} was refused: {problem}.")
            continue
        judged.points[check], judged.words[check] = checks.judge(stage, check, evidence, reference)
        judged.hardest = _text(evidence.values.get("hardest_class")) or judged.hardest
    judged.chosen = sorted({shown.index for cell in seen.cells[began:] for shown in cell.shown})
    judged.doubts += _doubts_about(student_record, known)
    return judged


@dataclass(frozen=True)
class _Handed:
    """What ``workbook.hand_out`` publishes."""

    values: dict[str, Any]
    saved: list[str]
    kept: dict[str, Any]
    openings: list[str] | None


def _first_place(notebook: NotebookNode, run: Run) -> int:
    """The recorder listens from the cell after the setup cell on, and so does the grader."""
    setup = {
        c.id for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "setup"
    }
    return next((place + 1 for place, cell in enumerate(run.cells) if cell.key in setup), 0)


def _unread(most: float, run: Run) -> str:
    why = f"Before this check {run.ended}." if run.ended else "The notebook handed nothing out."
    return _earned(most, f"{why} I expected the variables of this step.")


def _earned(most: float, saw: str) -> str:
    return f"➜ {checks.earned(0, int(most))} {saw}\nTry next: run all cells from the top once."


def _text(value: Any) -> str:
    return value.strip()[:40] if isinstance(value, str) else ""


# --- What is known about the pictures and the model ---------------------------------------------


@contextlib.contextmanager
def _as_in_grading() -> Iterator[None]:
    """Records are read in grading only; what a stage says when it begins is for students."""
    before = os.environ.get("NBGRADER_EXECUTION")
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        if before is None:
            del os.environ["NBGRADER_EXECUTION"]
        else:
            os.environ["NBGRADER_EXECUTION"] = before


@dataclass(frozen=True)
class _Known:
    """What a stage begins with, as the grader knows it."""

    beginning: Beginning
    album: Album
    answers: np.ndarray
    refused: list[str]


@functools.lru_cache(maxsize=4)  # mostly the same for all who use the course's model
def _known(stage: int, student_record: str, pictures: str) -> _Known:
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, _as_in_grading():
        workspace = Workspace(Path(folder), models=False)
        if student_record:
            Path(folder, RECORD_FILE).write_text(student_record, "ascii", errors="replace")
        with contextlib.redirect_stdout(said):
            beginning = begin_with_record(stage, workspace)
        nothing = np.zeros((0, len(beginning.class_names)))
        answers = np.asarray(beginning.answers()) if beginning.answers else nothing
    refused = [line for line in said.getvalue().splitlines() if line.startswith("Note to the")]
    return _Known(beginning, album_of(beginning.pictures), answers, refused)


def _reference(known: _Known, handed: _Handed) -> Reference:
    """What the checks compare with: what is known here goes before what the kernel says."""
    work = {str(name): value for name, value in dict(handed.kept).items() if name in ITEMS}
    if handed.openings is not None:
        work["openings"] = list(handed.openings)
    begun = known.beginning
    work |= begun.work
    work["saved"] = {str(name) for name in handed.saved}
    return Reference(known.answers, begun.labels, begun.class_names, begun.pictures, work)


# --- Evidence against itself --------------------------------------------------------------------


def own_model(student_record: str) -> str:
    """Return a fingerprint of the student's own model in a record, or nothing.

    Two students with the same one have handed in the same training.
    """
    with contextlib.suppress(record.RecordError):
        items = record.read(student_record)
        if own := {name: items[name] for name in sorted(_OWN & items.keys())}:
            text = "".join(wire.write(value) for value in own.values())
            return hashlib.sha256(text.encode()).hexdigest()
    return ""


def _doubts_about(student_record: str, known: _Known) -> list[str]:
    """What does not fit together in a record, as questions."""
    try:
        items = record.read(student_record) if student_record else {}
    except record.RecordError:
        return []
    answers, history = items.get("predictions"), items.get("history")
    if not isinstance(answers, np.ndarray) or answers.shape != known.answers.shape:
        return []
    right = float((answers.argmax(axis=1) == known.beginning.labels).mean())
    validation = (history or {}).get("val_accuracy") if isinstance(history, dict) else None
    doubts = []
    if isinstance(validation, list) and validation and abs(right - max(validation)) > _FAR:
        doubts.append(
            f"The record says that the model gets {right:.0%} of the test pictures right, and "
            f"{max(validation):.0%} of the validation pictures. Are both from the same training?"
        )
    if right > 0.985:
        doubts.append(
            f"The record says that the student's own model gets {right:.1%} of the test pictures "
            "right. Networks of this size get about 90 %. How was it trained?"
        )
    return doubts


@functools.cache
def rules() -> str:
    """Return a fingerprint of all that decides on points; another one means: judge again."""
    package = Path(course_utils.__file__).parent
    files = [path for pattern in _RULES for path in sorted(package.glob(pattern))]
    files += [Path(__file__).with_name(f"{name}.py") for name in _RULES_HERE]
    return _fingerprint([*files, *sorted((ROOT / "stages").glob("*/*.ipynb"))])


@functools.cache
def handing_out() -> str:
    """Return a fingerprint of all that decides on what is handed out; another one: run again."""
    package = Path(course_utils.__file__).parent
    asked = [
        (stage, names, sorted(checks.PROBES.get(stage, ())))
        for stage, names in sorted(checks.NAMES.items())
    ]
    return _fingerprint([package / name for name in _HANDING_OUT], repr(asked))


def _fingerprint(files: list[Path], more: str = "") -> str:
    digest = hashlib.sha256(more.encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
