"""How fast a class is graded, against stock nbgrader: ``make bench-grading DATA=folder``.

Both grade the same submissions of Stage 7 on the same machine, one after the other, and must
give the same scores. The last line is the ratio. Nothing is asserted on time.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import psutil

from autograder import ROOT
from autograder.gradebook import CourseGradebook
from autograder.grading import nbgrader, read_scores
from autograder.kernel import WarmProcess
from autograder.runner import check_of, run
from autograder.samples import SAMPLE_CLASS, STAGE, Sample, hand_in, notebook_of
from autograder.sandbox import Limits, choose
from autograder.unit import last_place

CLASS = 30


def submissions(count: int) -> list[Sample]:
    """A class of this size, in which nine ways of working repeat."""
    return [
        replace(SAMPLE_CLASS[number % len(SAMPLE_CLASS)], name=f"student_{number:04}")
        for number in range(count)
    ]


def stock(course: Path, samples: list[Sample], data: str) -> tuple[float, dict]:
    """Seconds of ``nbgrader autograde``, and its scores."""
    hand_in(samples, course)
    for _ in nbgrader("generate_assignment", STAGE, course=course, COURSE_DATA=data):
        pass
    began = time.monotonic()
    for _ in nbgrader("autograde", STAGE, course=course, COURSE_DATA=data):
        pass
    return time.monotonic() - began, scores(course)


def ours(course: Path, samples: list[Sample], data: str) -> tuple[float, dict, int]:
    """Seconds of ``python -m autograder grade``, its scores, and the memory of a worker."""
    hand_in(samples, course / "handed_in")
    # As for nbgrader, whose assignment is generated before: the gradebook knows the stage already.
    CourseGradebook(course).register(STAGE)
    workers = os.cpu_count() or 1
    command = [sys.executable, "-m", "autograder", "grade", course / "handed_in" / "submitted"]
    command += ["--stage", "7", "--course", course, "--data", data, "--workers", str(workers)]
    # Neither of which nbgrader autograde writes.
    command += ["--no-feedback", "--no-report"]
    memory: list[int] = []
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    with watching(process.pid, memory):
        process.wait()
    return time.monotonic() - began, scores(course), max(memory, default=0) // workers


class watching:
    """Note the memory of a process's children from time to time, shared pages counted once."""

    def __init__(self, process: int, memory: list[int]):
        self._process, self._memory, self._over = process, memory, threading.Event()

    def __enter__(self) -> None:
        threading.Thread(target=self._look, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _look(self) -> None:
        while not self._over.wait(2):
            with contextlib.suppress(psutil.Error):
                self._memory.append(sum(map(_own, psutil.Process(self._process).children(True))))


def _own(process: psutil.Process) -> int:
    try:
        return process.memory_full_info().pss
    except (psutil.Error, AttributeError):
        return 0


def scores(course: Path) -> dict[str, list[float | None]]:
    return {
        student: [score.points for score in found.values()]
        for student, found in read_scores(course, STAGE).items()
    }


def floor(samples: list[Sample], data: str) -> float:
    """Seconds for a student's own cells alone, in a warm process, on each of the cores."""
    released = nbformat.read(ROOT / "stages" / STAGE / f"{STAGE}.ipynb", as_version=4)
    reads = (Path(data).resolve(),) if data != "practice" else ()
    seconds = 0.0
    with WarmProcess(choose(), Limits(), reads=reads, variables={"COURSE_DATA": data}) as warm:
        warm.start()
        for sample in samples:
            notebook = notebook_of(sample, released)
            notebook.cells = notebook.cells[: last_place(notebook, released) + 1]
            notebook.cells = [cell for cell in notebook.cells if check_of(cell) is None]
            seconds += run(notebook, "", warm).seconds
    return seconds / len(samples) / (os.cpu_count() or 1)


def timed(what: str, seconds: float, count: int) -> None:
    rate = 60 * count / seconds
    print(f"{what:<42}{seconds:8.1f} s{seconds / count:8.2f} s each{rate:8.0f} a minute")


def main(data: str = "practice", count: int = CLASS) -> None:
    data = data if data == "practice" else str(Path(data).resolve())
    samples = submissions(count)
    print(f"{count} submissions of Stage 7, {data}, {os.cpu_count()} cores, {choose().name}")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        slow, expected = stock(Path(one), samples, data)
        timed("nbgrader autograde", slow, count)
        fast, found, memory = ours(Path(other), samples, data)
        timed("python -m autograder grade", fast, count)
        wrong = [student for student in expected if found.get(student) != expected[student]]
        same = f"NOT the same, as of {wrong[0]}" if wrong else "the same"
        print(f"scores: {same}; memory of a worker with its sandbox: {memory / 1e6:.0f} MB")
        least = floor(samples[:9], data)
        timed("floor: the students' own code, warm", least * count, count)
    print(f"grading: {slow / fast:.1f} times stock nbgrader")


if __name__ == "__main__":
    main(*sys.argv[1:2], *(int(count) for count in sys.argv[2:3]))
