"""Grade a class: collect, mend, run, judge, and fill the gradebook.

Workers run and judge; this process alone writes. Each submission goes its own way from the file
to a grade or a reason, and what is done is on the disk before the next step begins.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import io
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder import unit
from autograder.collect import collect
from autograder.judging import rules
from autograder.owners import unknown_id
from autograder.store import Result, Store, key_of, write
from autograder.submission import GradebookError, Graded, HandedIn, Written
from autograder.tables import write_tables
from autograder.workers import Work, Workers
from course_utils import data

if TYPE_CHECKING:
    from autograder.gradebook import CourseGradebook

_NOTHING_WRITTEN = Written(None, 0.0, "", {})
Say = Callable[[str], None]
Step = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes
    ----------
    folder : Path or None
        What was handed in; None to judge again what is stored.
    stages : tuple of str
        Names of assignments.
    course : Path
        Where ``gradebook.db``, ``submitted/``, ``autograded/`` and ``feedback/`` are.
    setting : unit.Setting
    workers : int
    scheduler : str
        Address of a Dask scheduler; empty for this machine alone.
    db_url : str
        Of the gradebook; empty for ``gradebook.db`` in the course's folder.
    feedback, report : bool
        Whether to write feedback pages, and the class report with the tables of grades.
    again : bool
        Run notebooks again, also those that have not changed.
    """

    folder: Path | None
    stages: tuple[str, ...]
    course: Path
    setting: unit.Setting
    workers: int = 2
    scheduler: str = ""
    db_url: str = ""
    feedback: bool = True
    report: bool = True
    again: bool = False


@dataclass
class Done:
    """What came of a plan.

    Attributes
    ----------
    results : list of Graded
        By stage, then by student.
    ran : int
        How many notebooks were run for it.
    seconds : float
    files : list of Path
        Tables and the report.
    """

    results: list[Graded] = field(default_factory=list)
    ran: int = 0
    seconds: float = 0.0
    files: list[Path] = field(default_factory=list)


def grade_class(plan: Plan, say: Say = print, step: Step = lambda *_: None) -> Done:
    """Carry out a plan.

    Parameters
    ----------
    plan : Plan
    say : callable
        Gets sentences for the teacher.
    step : callable, optional
        Gets the name of a phase, how many of it are done, and of how many.

    Returns
    -------
    Done

    Raises
    ------
    KeyboardInterrupt
        When the teacher stops it; what was done is kept.
    KernelError
        If notebooks cannot be run here at all.
    OSError
        If the folders cannot be read or written.
    """
    began = time.monotonic()
    found = _collect(plan)
    done = Done()
    kind = _kind(plan, say)
    plan = replace(plan, setting=_for_workers(plan, kind))
    with Workers(plan.workers, plan.scheduler) as workers:
        for stage in plan.stages:
            store = Store(plan.course, stage)
            handed = found.pop(stage, [])
            if stage == plan.stages[0]:  # whoever handed in another stage in its place
                others = [found[name] for name in found if name not in plan.stages]
                handed += [one for group in others for one in group]
            works = _works(plan, stage, store, handed, kind)
            if not handed and not store.students():
                continue
            outcomes = workers.begin(works)  # nbgrader takes seconds to load; they begin before
            from autograder.gradebook import CourseGradebook

            gc.freeze()  # the many things that libraries made stay, and need not be looked at again
            with contextlib.closing(CourseGradebook(plan.course, plan.db_url)) as gradebook:
                gradebook.register(stage)
                done.ran += _take_in(stage, store, gradebook, outcomes, len(works), step, say)
                _forget_unknown(stage, store, gradebook)
                if plan.feedback:
                    _write_feedback(stage, store, gradebook, step, say)
                done.results += _results(stage, store, gradebook)
    if plan.report and done.results:
        done.files = _write_report(plan, done.results, kind)
    done.seconds = time.monotonic() - began
    return done


def _collect(plan: Plan) -> dict[str, list[HandedIn]]:
    if plan.folder is None:
        return {}

    def earlier(stage: str, student: str) -> dict[str, Any] | None:
        before = Store(plan.course, stage).result(student)
        return before.handed if before is not None else None

    return collect(plan.folder, plan.stages, earlier=earlier)


def _kind(plan: Plan, say: Say) -> str:
    """The kind of pictures that are at hand; a download happens here, outside any sandbox."""
    os.environ.update(dict(plan.setting.variables))
    if all(stage.startswith("stage_12") for stage in plan.stages):
        return "stress"
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        kind = data.hold("auto", ("test",))
        data.load_test()
    say(said.getvalue().strip())
    return kind


def _for_workers(plan: Plan, kind: str) -> unit.Setting:
    """What workers are told: on another machine, a path of this one means nothing."""
    if not plan.scheduler:
        return replace(plan.setting, kind=kind)
    there = tuple(one for one in plan.setting.variables if one[1] == "practice")
    return replace(plan.setting, variables=there, kind=kind, rules=rules())


# --- Which submissions are new or changed -------------------------------------------------------


def _works(
    plan: Plan, stage: str, store: Store, handed: Sequence[HandedIn], kind: str
) -> list[Work]:
    """What there is to do: new and changed submissions, and those that rules now judge anew."""
    works = []
    for one in handed:
        key = key_of(one, kind, rules())
        before = store.result(one.student)
        about = {name: value for name, value in asdict(one).items() if name != "content"}
        about = json.loads(json.dumps(about))  # as it is stored
        if one.reason and before is not None and before.judged is not None:
            _keep_grade(store, one.student, before, one.origin, one.reason)
            continue
        if before is not None and before.key == key and not plan.again:
            if before.handed != about:  # the same file, found in another place
                decide = before.decide[len(before.handed["decide"]) :]
                now = replace(before, handed=about, decide=[*about["decide"], *decide])
                store.keep(one.student, now)
            continue
        works.append(_work_of(plan, stage, store, about, one.content, key))
    known = {one.student for one in handed}
    for student in store.students():
        before = store.result(student)
        if student in known or before is None:
            continue
        content = store.content(student)
        one = HandedIn(**{**before.handed, "content": content})
        key = key_of(one, kind, rules())
        if before.key != key or plan.again:
            works.append(_work_of(plan, stage, store, before.handed, content, key))
    return works


def _keep_grade(store: Store, student: str, before: Result, origin: str, reason: str) -> None:
    """Keep what there is: a file that cannot be graded takes no grade away."""
    reason = reason.strip().rstrip(".")
    note = f"{origin} is not graded: {reason}. The grade of {before.handed['origin']} stays."
    if note not in before.decide:
        store.keep(student, replace(before, decide=[*before.decide, note]))


def _work_of(
    plan: Plan, stage: str, store: Store, about: dict[str, Any], content: bytes, key: str
) -> Work:
    stored = b"" if plan.again else store.run(about["student"])
    name = Path(about["origin"]).name
    return Work(about["student"], about, unit.Task(stage, content, name, plan.setting, stored), key)


# --- Running ----------------------------------------------------------------------------------


def _take_in(
    stage: str,
    store: Store,
    gradebook: CourseGradebook,
    outcomes: Iterator[tuple[Work, unit.Outcome]],
    total: int,
    step: Step,
    say: Say,
) -> int:
    """Do all work of a stage; return how many notebooks were run."""
    ran, done = 0, set()
    for count, (work, outcome) in enumerate(outcomes, 1):
        ran += outcome.ran
        result, before = _result_of(work, outcome), store.result(work.student)
        if result.judged is None and before is not None and before.judged is not None:
            _keep_grade(store, work.student, before, result.handed["origin"], result.reason)
        else:
            store.unmark(work.student)
            store.keep(work.student, result, outcome.run, work.task.content)
            _enter(stage, store, gradebook, work.student, result, say)
            done.add(work.student)
        step(f"grade {stage}", count, total)
    left = [student for student in store.students() if student not in done]
    there = gradebook.written(stage) if left else {}
    for student in left:  # an interrupted run, or another gradebook, may not have them
        result = store.result(student)
        if result is None:
            continue
        if student not in there or not store.is_marked(student, "entered", result.key):
            _enter(stage, store, gradebook, student, result, say)
    return ran


def _result_of(work: Work, outcome: unit.Outcome) -> Result:
    handed = dict(work.handed)
    return Result(
        "" if outcome.failed else work.key,  # what failed is not done
        handed,
        handed["reason"] or outcome.reason,
        outcome.mended,
        [*handed["decide"], *outcome.decide],
        outcome.notebook,
        outcome.outputs,
        outcome.own,
        outcome.judged,
        outcome.seconds,
    )


def _forget_unknown(stage: str, store: Store, gradebook: CourseGradebook) -> None:
    """Let go of work that was nobody's and has a name now, unless a teacher gave points for it."""
    unknown = {student for student in store.students() if student.startswith("unknown_")}
    if not unknown:
        return
    named = {unknown_id(store.content(one)) for one in store.students() if one not in unknown}
    by_hand = gradebook.written(stage)
    for student in unknown & named:
        done = by_hand.get(student, _NOTHING_WRITTEN)
        if not (done.points or done.checks):
            gradebook.forget(stage, student)
            store.forget(student)


def _enter(
    stage: str, store: Store, gradebook: CourseGradebook, student: str, result: Result, say: Say
) -> None:
    if not result.reason:
        try:
            gradebook.enter(stage, student, result)
        except GradebookError as error:
            say(f"nbgrader did not take in {error}")
            return
    store.mark(student, "entered", result.key)


# --- What a teacher gets -------------------------------------------------------------------------


def _results(stage: str, store: Store, gradebook: CourseGradebook) -> list[Graded]:
    """Return all results of a stage, those of earlier runs too."""
    results = []
    written = gradebook.written(stage)
    for student in store.students():
        result = store.result(student)
        if result is None:
            continue
        handed, judged = result.handed, result.judged
        reason = result.reason
        if not reason and not store.is_marked(student, "entered", result.key):
            reason = "nbgrader did not take it in. Run the command again"
        one = Graded(
            student,
            handed["name"],
            stage,
            handed["origin"],
            mended=list(result.mended),
            decide=list(result.decide),
            reason=reason,
            moodle=handed["moodle"],
            canvas=handed["canvas"],
        )
        if judged is not None:
            one.points, one.possible, one.words = judged.points, judged.possible, judged.words
            one.hardest, one.pictures = judged.hardest, judged.pictures
            if int(stage[6:8]) >= 6:  # before that they are not the test pictures
                one.chosen = judged.chosen
            by_hand = written.get(student, _NOTHING_WRITTEN)
            one.written, one.written_possible = by_hand.points, by_hand.possible
            one.points = one.points | by_hand.checks
        results.append(one)
    _ask_about_twins(results, store)
    return results


def _ask_about_twins(results: list[Graded], store: Store) -> None:
    """Point out who handed in the same training."""
    same = defaultdict(list)
    for one in results:
        result = store.result(one.student)
        if result is not None and result.own:
            same[result.own].append(one)
    for group in same.values():
        for one in group if len(group) > 1 else ():
            others = ", ".join(other.name for other in group if other is not one)
            one.decide.append(
                f"The record of the own model is the same as that of {others}. Did they train it "
                "together? A question, not a verdict."
            )


def _write_feedback(
    stage: str,
    store: Store,
    gradebook: CourseGradebook,
    step: Step,
    say: Say,
) -> None:
    """Write the feedback pages that are missing or out of date."""
    wanted = []
    written = gradebook.written(stage)
    for student in store.students():
        result = store.result(student)
        if result is None or result.reason:
            continue
        said = written.get(student, _NOTHING_WRITTEN).said
        mark = hashlib.sha256(f"{result.key}\n{said}".encode()).hexdigest()
        page = gradebook.course / "feedback" / student / stage / f"{stage}.html"
        if not (store.is_marked(student, "feedback", mark) and page.is_file()):
            wanted.append((student, mark))
    for count, (student, mark) in enumerate(wanted, 1):
        try:
            gradebook.write_feedback(stage, student)
            store.mark(student, "feedback", mark)
        except GradebookError as error:
            say(f"There is no feedback page for {error}")
        step(f"feedback {stage}", count, len(wanted))


def _write_report(plan: Plan, results: list[Graded], kind: str) -> list[Path]:
    from autograder.report import class_report

    pictures, labels = {}, {}
    if kind in ("cifar10", "practice"):
        with contextlib.redirect_stdout(io.StringIO()):
            pictures[kind], labels[kind], _ = data.load_test()
    links = {
        f"feedback/{one.student}/{one.stage}/{one.stage}.html"
        for one in results
        if (plan.course / "feedback" / one.student / one.stage / f"{one.stage}.html").is_file()
    }
    page = class_report(results, pictures, labels=labels, feedback=links)
    place = plan.course / "class_report.html"
    write(place, page.encode())
    return [*write_tables(results, plan.course), place]
