"""The command ``python -m autograder grade``: what a teacher types and reads."""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from autograder import ROOT, stage_names
from autograder.batch import Done, GradebookError, Plan, grade_class
from autograder.kernel import KernelError
from autograder.sandbox import Limits, Sandbox, SandboxError, choose
from autograder.submission import Graded
from autograder.unit import Setting
from course_utils.data import DataError

ALL_GRADED, SOME_NOT, NOT_DONE, STOPPED = 0, 1, 2, 130
_NO_SANDBOX = (
    "There is no sandbox on this computer: students' code runs with your own rights and can read "
    "your files. Limits on time, memory and processes still hold. On Debian or Ubuntu: "
    "apt install bubblewrap."
)


def grade(options: argparse.Namespace) -> int:
    """Carry out the command.

    Returns
    -------
    int
        0 if everybody has a grade, 1 if somebody has a reason instead, 2 if nothing could be
        done, 130 if it was stopped.
    """
    console = Console(soft_wrap=True)
    try:
        plan = _plan(options, console)
        done = _carry_out(plan, console)
    except KeyboardInterrupt:
        console.print("\nStopped. What was done is kept: the same command goes on from there.")
        return STOPPED
    except (SandboxError, KernelError, GradebookError, DataError, ValueError) as error:
        console.print(f"Not graded: {error}", markup=False, style="bold")
        return NOT_DONE
    except OSError as error:
        console.print(f"Not graded: {error.filename or ''} {error.strerror}", markup=False)
        return NOT_DONE
    # Else Python takes half a second to free, one by one, what ends with the program anyway.
    gc.freeze()
    return _tell(plan, done, console)


def _plan(options: argparse.Namespace, console: Console) -> Plan:
    folder = Path(options.folder) if options.folder else None
    if folder is not None and not folder.exists():
        raise ValueError(f"There is no folder {options.folder}.")
    sandbox = _sandbox(options, console)
    limits = Limits(
        options.cell_seconds, max(options.seconds, options.cell_seconds), int(options.memory * 1e9)
    )
    course = Path(options.course).resolve() if options.course else ROOT
    course.mkdir(parents=True, exist_ok=True)
    return Plan(
        folder,
        _stages(options.stage),
        course,
        Setting(sandbox.name, limits, _variables(options.data)),
        options.workers or max(1, os.cpu_count() or 1),
        options.scheduler,
        options.gradebook,
        feedback=not options.no_feedback,
        report=not options.no_report,
        again=options.again,
    )


def _sandbox(options: argparse.Namespace, console: Console) -> Sandbox:
    if not hasattr(os, "fork"):
        raise SandboxError(
            "This command needs Linux or macOS; on Windows use it in WSL. nbgrader's own commands "
            "work everywhere."
        )
    sandbox = choose(options.sandbox)
    if sandbox.name == "none":
        if options.require_sandbox:
            raise SandboxError(_NO_SANDBOX)
        console.print(_NO_SANDBOX, style="bold")
    return sandbox


def _stages(asked: str) -> tuple[str, ...]:
    names = stage_names()
    if asked == "all":
        return tuple(names)
    found = [name for name in names if asked.isdecimal() and int(name[6:8]) == int(asked)]
    if not found:
        raise ValueError(f"There is no stage {asked!r}. Say a number from 1 to 12, or all.")
    return tuple(found)


def _variables(asked: str) -> tuple[tuple[str, str], ...]:
    """What notebooks find in their environment; nothing of the teacher's but this."""
    value = asked or os.environ.get("COURSE_DATA", "")
    variables = {}
    if value:
        variables["COURSE_DATA"] = value if value == "practice" else str(Path(value).resolve())
    if recorded := os.environ.get("COURSE_PREDICTIONS"):
        variables["COURSE_PREDICTIONS"] = str(Path(recorded).resolve())
    return tuple(variables.items())


def _carry_out(plan: Plan, console: Console) -> Done:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with _noting_ctrl_c() as stopped, Progress(*columns, console=console) as progress:
        bars: dict[str, int] = {}

        def step(name: str, count: int, total: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=total)
            progress.update(bars[name], completed=count)
            if stopped.is_set():
                raise KeyboardInterrupt

        return grade_class(plan, lambda said: console.print(_plain(said)), step)


@contextlib.contextmanager
def _noting_ctrl_c() -> Iterator[threading.Event]:
    """Python loses a Ctrl-C that comes while it frees something; so it is noted too."""
    stopped = threading.Event()

    def stop(*_: object) -> None:
        stopped.set()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(plan: Plan, done: Done, console: Console) -> int:
    if not done.results:
        console.print("No notebook of these stages was found.")
        return NOT_DONE
    console.print(_table(done.results))
    without = [one for one in done.results if one.reason]
    console.print(
        f"{len(done.results) - len(without)} graded, {len(without)} not; {done.ran} notebooks were "
        f"run in {done.seconds:.0f} seconds.",
        highlight=False,
    )
    for path in done.files:
        console.print(f"  {os.path.relpath(path)}", highlight=False)
    return SOME_NOT if without else ALL_GRADED


def _plain(text: str) -> Text:
    """Words of strangers as they are: no markup, and no signs that steer a terminal."""
    return Text("".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text))


def _table(results: list[Graded]) -> Table:
    several = len({one.stage for one in results}) > 1
    table = Table("Student", *(["Stage"] if several else []), "Points", "To look at")
    for one in results:
        points = (
            "-" if one.reason else f"{sum(one.points.values()):g} of {sum(one.possible.values()):g}"
        )
        if one.written is not None and not one.reason:
            points += f" + {one.written:g} of {one.written_possible:g}"
        look = [one.reason] if one.reason else one.decide
        stage = [one.stage[6:8]] if several else []
        table.add_row(_plain(one.name), *stage, points, _plain("\n".join(look)))
    return table
