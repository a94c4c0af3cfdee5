"""The demo: the whole way from the pictures to a graded class, with the real tools."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from autograder import ROOT
from autograder.batch import Plan, grade_class
from autograder.build import differences
from autograder.grading import Score, read_scores
from autograder.samples import CHECKS, SAMPLE_CLASS, STAGE, hand_in
from autograder.sandbox import choose
from autograder.unit import Setting

FOLDER = ROOT / "demo"


def run(data: str = "practice") -> int:
    """Run the demo and print what it found.

    Parameters
    ----------
    data : str, default="practice"
        ``"practice"``, or a folder with the official cifar-10-batches-py.

    Returns
    -------
    int
        0 if every sample got the points that it deserves, else 1.
    """
    console = Console(soft_wrap=True)
    started = time.monotonic()
    os.environ["COURSE_DATA"] = data if data == "practice" else str(Path(data).resolve())
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()

    console.rule("1 of 4: are the student notebooks fresh?")
    if lines := differences():
        console.print("\n".join(lines), "Run: python -m autograder build", sep="\n", markup=False)
        return 1
    console.print("Yes: stages/ is what solutions/ makes.")

    console.rule("2 of 4: the Stage 7 solution runs")
    picture = _run_solution(console)

    console.rule(f"3 of 4: {len(SAMPLE_CLASS)} submissions are graded")
    _grade(console)

    console.rule("4 of 4: the scores")
    scores = read_scores(FOLDER, STAGE)
    wrong = [
        sample.name
        for sample in SAMPLE_CLASS
        if _points(scores.get(sample.name, {})) != [float(points) for points in sample.points]
    ]
    console.print(_table(scores))
    page = FOLDER / "feedback" / "fay_swapped_names" / STAGE / f"{STAGE}.html"
    report = FOLDER / "class_report.html"
    console.print(f"Report on the whole class:      {report.relative_to(ROOT)}", highlight=False)
    console.print(f"Feedback to open in a browser:  {page.relative_to(ROOT)}", highlight=False)
    console.print(f"A picture of the mistakes:      {picture.relative_to(ROOT)}", highlight=False)
    console.print(f"All this took {time.monotonic() - started:.0f} seconds.")
    if wrong:
        console.print(f"These did not get the points that they deserve: {', '.join(wrong)}")
    return bool(wrong)


def _run_solution(console: Console) -> Path:
    """Run the solution from top to bottom, print its text, and keep the picture of Step 3."""
    notebook = nbformat.read(ROOT / "solutions" / STAGE / f"{STAGE}.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3")
    client.execute(cwd=str(FOLDER), stderr=subprocess.DEVNULL)  # where the kernel logs
    picture = FOLDER / "mistakes.png"
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stdout":
                console.print(output.text.rstrip(), markup=False, highlight=False)
            if "image/png" in output.get("data", {}):
                picture.write_bytes(base64.b64decode(output.data["image/png"]))
    return picture


def _grade(console: Console) -> None:
    """As ``python -m autograder grade`` does, into nbgrader's gradebook."""
    hand_in(SAMPLE_CLASS, FOLDER / "handed_in")
    sandbox = choose()
    console.print(f"Sandbox: {sandbox.name}", highlight=False)
    plan = Plan(
        FOLDER / "handed_in" / "submitted",
        (STAGE,),
        FOLDER,
        Setting(sandbox.name, variables=(("COURSE_DATA", os.environ["COURSE_DATA"]),)),
    )
    with Progress(console=console) as progress:
        bars: dict[str, int] = {}

        def step(name: str, count: int, total: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name.split(maxsplit=1)[0], total=total)
            progress.update(bars[name], completed=count)

        grade_class(plan, console.print, step)


def _points(scores: dict[str, Score]) -> list[float | None]:
    return [scores[f"test_{check}"].points if scores else None for check in CHECKS]


def _table(scores: dict[str, dict[str, Score]]) -> Table:
    table = Table("Student", "Points", "Where points were lost, and why", show_lines=True)
    for student, checks in sorted(scores.items()):
        automatic = {name: score for name, score in checks.items() if name.startswith("test_")}
        lost = [
            f"{name.removeprefix('test_')}: {_reason(score.words)}"
            for name, score in automatic.items()
            if (score.points or 0) < score.possible
        ]
        got = sum(score.points or 0 for score in automatic.values())
        most = sum(score.possible for score in automatic.values())
        table.add_row(student, f"{got:g} of {most:g}", "\n".join(lost) or "-")
    return table


def _reason(words: str) -> str:
    """What the check saw, without the points and the advice."""
    saw = words.partition(" Try next: ")[0].partition(". ")[2]
    return saw or "the check did not answer"
