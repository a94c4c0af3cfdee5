"""The command that grades a class, as a teacher uses it: what it gives, and what it keeps.

What is broken or hostile has files of its own. Here: interrupted, resumed, changed, judged again,
on several machines; and the same scores as nbgrader's own commands give (``test_zoo.py`` and
``test_stages.py`` compare those with what each sample deserves, and with this command).
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from autograder import ROOT, batch, unit, workers
from autograder.gradebook import CourseGradebook
from autograder.kernel import KernelError
from autograder.samples import CHECKS, SAMPLE_CLASS, STAGE, Sample, notebook_of
from autograder.sandbox import Limits, choose
from autograder.store import Store
from autograder.unit import Setting, Task

pytestmark = pytest.mark.slow
DESERVED = {sample.name: tuple(map(float, sample.points)) for sample in SAMPLE_CLASS}


def hand_in(samples: list[Sample], folder: Path) -> Path:
    """Loose notebooks, as a shared drive has them."""
    released = nbformat.read(ROOT / "stages" / STAGE / f"{STAGE}.ipynb", as_version=4)
    folder.mkdir(parents=True, exist_ok=True)
    for sample in samples:
        (folder / sample.name).mkdir(exist_ok=True)
        nbformat.write(notebook_of(sample, released), folder / sample.name / f"{STAGE}.ipynb")
    return folder


def command(folder: Path | None, course: Path, *more: str) -> list[str]:
    where = [str(folder)] if folder else []
    return [
        *(sys.executable, "-m", "autograder", "grade", *where),
        *("--stage", "7", "--course", str(course), "--data", "practice", *more),
    ]


def grade(folder: Path | None, course: Path, *more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(folder, course, *more), cwd=ROOT, capture_output=True, text=True, check=False
    )


def plan(folder: Path | None, course: Path, **changes) -> batch.Plan:
    setting = Setting(choose().name, Limits(), (("COURSE_DATA", "practice"),))
    course.mkdir(exist_ok=True)
    return batch.Plan(folder, (STAGE,), course, setting, **changes)


def points(course: Path) -> dict[str, tuple[float, ...]]:
    """The scores in nbgrader's gradebook; each student once."""
    with CourseGradebook(course).open() as gradebook:
        return {
            one.student.id: tuple(
                next(g.auto_score for g in one.grades if g.name == f"test_{check}")
                for check in CHECKS
            )
            for one in gradebook.notebook_submissions(STAGE, STAGE)
        }


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory) -> Path:
    return hand_in(SAMPLE_CLASS, tmp_path_factory.mktemp("class") / "handed in")


@pytest.fixture(scope="module")
def graded(handed_in, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    course = tmp_path_factory.mktemp("graded")
    return course, grade(handed_in, course)


@pytest.fixture
def copy_of_graded(graded, tmp_path) -> Path:
    shutil.copytree(graded[0], tmp_path / "course")
    return tmp_path / "course"


def test_every_sample_gets_what_it_deserves(graded):
    course, said = graded
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stderr == ""
    assert points(course) == DESERVED
    assert f"{len(SAMPLE_CLASS)} graded, 0 not" in said.stdout


def test_a_teacher_finds_pages_tables_and_a_report(graded):
    course, _ = graded
    for sample in SAMPLE_CLASS:
        page = (course / "feedback" / sample.name / STAGE / f"{STAGE}.html").read_text("utf-8")
        for words in sample.says.values():
            assert words in " ".join(page.split()), sample.name
    with (course / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows.keys() == DESERVED.keys()
    assert float(rows["fay_swapped_names"]["automatic points"]) == 9
    report = (course / "class_report.html").read_text("utf-8")
    assert "fay_swapped_names" in report
    assert "data:image/png" in report  # the pictures that students chose


def test_a_second_run_has_nothing_to_do(copy_of_graded, handed_in):
    before = (copy_of_graded / "gradebook.db").read_bytes()
    said = grade(handed_in, copy_of_graded)
    assert said.returncode == 0
    assert "0 notebooks were run" in said.stdout
    assert (copy_of_graded / "gradebook.db").read_bytes() == before


def test_only_what_changed_is_run_again(copy_of_graded, tmp_path):
    better = next(sample for sample in SAMPLE_CLASS if sample.points == (1, 1, 3, 3, 2))
    folder = hand_in([Sample("eli_blank", better.answers)], tmp_path / "second")
    done = batch.grade_class(plan(folder, copy_of_graded, feedback=False), lambda _: None)
    assert done.ran == 1
    assert points(copy_of_graded) == DESERVED | {"eli_blank": (1, 1, 3, 3, 2)}


def test_a_changed_check_is_judged_again_without_running_anything(copy_of_graded, monkeypatch):
    from course_utils import checks

    said = batch.grade_class(plan(None, copy_of_graded, feedback=False), lambda _: None)
    assert said.ran == 0
    monkeypatch.setattr(batch, "rules", lambda: "others")
    # The workers of this test are other processes, which cannot see a patched check: the stored
    # runs are judged here.
    strict = checks.Check(lambda evidence, reference: checks.Result(0.5, "half."), 3)
    monkeypatch.setitem(checks.STAGES[7], "show_three_wrong", strict)
    monkeypatch.setattr(workers, "ProcessPoolExecutor", lambda *_: workers.InThisProcess())
    done = batch.grade_class(plan(None, copy_of_graded, feedback=False), lambda _: None)
    assert done.ran == 0
    changed = {name: (*p[:2], 0.5, *p[3:]) for name, p in DESERVED.items()}
    assert points(copy_of_graded) == changed


def test_a_teachers_points_survive(copy_of_graded, handed_in):
    with CourseGradebook(copy_of_graded).open() as gradebook:
        report = gradebook.find_grade("error_report", STAGE, STAGE, "ada_one_row")
        report.manual_score, report.needs_manual_grade = 4, False
        gradebook.find_comment("error_report", STAGE, STAGE, "ada_one_row").manual_comment = "Good"
        gradebook.db.commit()
    done = batch.grade_class(plan(handed_in, copy_of_graded), lambda _: None)
    assert done.ran == 0
    ada = next(one for one in done.results if one.student == "ada_one_row")
    assert (ada.written, ada.total) == (4, 14)
    page = copy_of_graded / "feedback" / "ada_one_row" / STAGE / f"{STAGE}.html"
    assert "Good" in page.read_text("utf-8")  # the page was written again
    done = batch.grade_class(plan(handed_in, copy_of_graded, again=True), lambda _: None)
    assert done.ran == len(SAMPLE_CLASS)
    ada = next(one for one in done.results if one.student == "ada_one_row")
    assert (ada.written, ada.total) == (4, 14)  # nothing waits: the answer is the same
    with CourseGradebook(copy_of_graded).open() as gradebook:
        report = gradebook.find_grade("error_report", STAGE, STAGE, "ada_one_row")
        assert report.manual_score == 4
    # Another answer is the teacher's to read again.
    other = SAMPLE_CLASS[0].answers | {"error_report": "- The hardest class was: another one"}
    folder = hand_in([Sample("ada_one_row", other)], copy_of_graded / "second")
    done = batch.grade_class(plan(folder, copy_of_graded), lambda _: None)
    ada = next(one for one in done.results if one.student == "ada_one_row")
    assert ada.written is None


def test_a_wrong_file_takes_no_grade_away(copy_of_graded, tmp_path):
    folder = tmp_path / "second" / "ada_one_row"
    folder.mkdir(parents=True)
    other = "stage_08_improve_it"
    shutil.copy(ROOT / "stages" / other / f"{other}.ipynb", folder)
    for _ in range(2):
        done = batch.grade_class(plan(folder.parent, copy_of_graded), lambda _: None)
        ada = next(one for one in done.results if one.student == "ada_one_row")
        assert (ada.reason, sum(ada.points.values())) == ("", 10)
        [note] = [said for said in ada.decide if "is not graded" in said]
        assert "this is Stage 8, not Stage 7" in note
    assert points(copy_of_graded) == DESERVED


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b'{"cells": [{"cell_type'])
def test_a_damaged_file_takes_no_grade_away(content, copy_of_graded, tmp_path):
    place = tmp_path / "second" / "ada_one_row" / f"{STAGE} (1).ipynb"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    for _ in range(2):
        done = batch.grade_class(plan(place.parent.parent, copy_of_graded), lambda _: None)
        ada = next(one for one in done.results if one.student == "ada_one_row")
        assert (ada.reason, sum(ada.points.values())) == ("", 10)
        assert sum("is not graded" in said for said in ada.decide) == 1
    done = batch.grade_class(plan(None, copy_of_graded, again=True), lambda _: None)
    assert points(copy_of_graded) == DESERVED  # from the file that was graded


def test_points_by_hand_take_the_place_of_a_checks(copy_of_graded):
    with CourseGradebook(copy_of_graded).open() as gradebook:
        grade = gradebook.find_grade("test_find_wrong", STAGE, STAGE, "eli_blank")
        grade.manual_score = 1
        gradebook.db.commit()
    done = batch.grade_class(plan(None, copy_of_graded, feedback=False), lambda _: None)
    eli = next(one for one in done.results if one.student == "eli_blank")
    assert (eli.points["find_wrong"], sum(eli.points.values())) == (1, 1)
    with (copy_of_graded / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert float(rows["eli_blank"]["automatic points"]) == 1


def test_another_gradebook_gets_what_is_stored(copy_of_graded, handed_in, tmp_path):
    other = f"sqlite:///{tmp_path / 'other.db'}"
    done = batch.grade_class(plan(handed_in, copy_of_graded, db_url=other), lambda _: None)
    assert done.ran == 0
    (copy_of_graded / "gradebook.db").unlink()
    shutil.copy(tmp_path / "other.db", copy_of_graded / "gradebook.db")
    assert points(copy_of_graded) == DESERVED


def test_work_without_a_name_is_let_go_when_it_has_one(handed_in, tmp_path):
    (tmp_path / "in").mkdir()
    loose, named = (tmp_path / "in" / f"{who}{STAGE}.ipynb" for who in ("", "Ada One_"))
    shutil.copy(handed_in / "ada_one_row" / f"{STAGE}.ipynb", loose)
    [one] = batch.grade_class(plan(loose.parent, tmp_path / "course"), lambda _: None).results
    assert one.student.startswith("unknown_")
    loose.rename(named)
    [one] = batch.grade_class(plan(named.parent, tmp_path / "course"), lambda _: None).results
    assert (one.student, sum(one.points.values())) == ("Ada_One", 10)
    assert list(points(tmp_path / "course")) == ["Ada_One"]
    folders = [tmp_path / "course" / name for name in ("submitted", "autograded", "feedback")]
    assert {path.name for folder in folders for path in folder.iterdir()} == {"Ada_One"}


def test_a_worker_with_another_copy_of_the_course_judges_nothing():
    setting = Setting(choose().name, Limits(), (("COURSE_DATA", "practice"),), rules="others")
    with pytest.raises(KernelError, match="another copy of this course"):
        unit.grade(Task(STAGE, b"", "x.ipynb", setting))


def test_what_takes_hours_to_judge_ends_in_a_reason(handed_in, monkeypatch):
    def forever(*_: object) -> None:
        while True:
            with contextlib.suppress(Exception):
                time.sleep(0.01)

    monkeypatch.setattr(unit, "_MOST_SECONDS", 1)
    monkeypatch.setattr(unit, "examine", forever)
    setting = Setting(choose().name, Limits(), (("COURSE_DATA", "practice"),))
    outcome = unit.grade(Task(STAGE, b"", "x.ipynb", setting))
    assert "could not be read within" in outcome.reason
    assert not outcome.failed


def test_what_takes_all_memory_to_judge_ends_in_a_reason(monkeypatch):
    monkeypatch.setattr(unit, "examine", lambda *_: b"x" * 100_000_000_000)
    setting = Setting(choose().name, Limits(), (("COURSE_DATA", "practice"),))
    outcome = unit.grade(Task(STAGE, b"", "x.ipynb", setting))
    assert "MemoryError" in outcome.reason


def test_a_namesake_who_comes_later_takes_nobodys_grade(tmp_path):
    def download(week: str, **numbers: int) -> None:
        for sample in SAMPLE_CLASS:
            if sample.name in numbers:
                name = f"Ada Lovelace_{numbers[sample.name]}_assignsubmission_file_"
                (hand_in([sample], tmp_path / week) / sample.name).rename(tmp_path / week / name)
        batch.grade_class(plan(tmp_path / week, tmp_path / "course", feedback=False))

    download("first", ada_one_row=100)
    download("second", ada_one_row=100, fay_swapped_names=200)
    assert points(tmp_path / "course") == {
        "Ada_Lovelace": DESERVED["ada_one_row"],
        "Ada_Lovelace_200": DESERVED["fay_swapped_names"],
    }


def test_the_same_file_from_a_platform_brings_its_number(copy_of_graded, handed_in, tmp_path):
    folder = tmp_path / "second" / "ada one row_4711_assignsubmission_file_"
    folder.mkdir(parents=True)
    shutil.copy(handed_in / "ada_one_row" / f"{STAGE}.ipynb", folder)
    done = batch.grade_class(plan(folder.parent, copy_of_graded, feedback=False), lambda _: None)
    ada = next(one for one in done.results if one.student == "ada_one_row")
    assert (done.ran, ada.moodle, sum(ada.points.values())) == (0, "4711", 10)


def test_what_nbgrader_refuses_is_not_said_to_be_graded(copy_of_graded, tmp_path, monkeypatch):
    from nbgrader.preprocessors import SaveAutoGrades

    said = []
    folder = hand_in([Sample("zoe", SAMPLE_CLASS[0].answers)], tmp_path / "second")
    with monkeypatch.context() as patch:
        patch.setattr(SaveAutoGrades, "preprocess", lambda *_: 1 / 0)
        done = batch.grade_class(plan(folder, copy_of_graded, feedback=False), said.append)
    assert sum("zoe" in one and "division by zero" in one for one in said) == 1
    zoe = next(one for one in done.results if one.student == "zoe")
    assert zoe.reason == "nbgrader did not take it in. Run the command again"
    done = batch.grade_class(plan(folder, copy_of_graded, feedback=False), said.append)
    assert done.ran == 0
    assert next(one for one in done.results if one.student == "zoe").reason == ""
    assert sum(points(copy_of_graded)["zoe"]) == 10


def test_the_same_record_twice_is_a_question(tmp_path, monkeypatch):
    """Two students who hand in the same own model are pointed out, and keep their points."""
    import numpy as np

    from course_utils import data, record

    monkeypatch.setenv("COURSE_DATA", "practice")
    x, y, kind = data.load_test()
    rng = np.random.default_rng(3)
    answers = rng.dirichlet(np.ones(10), len(x))
    answers[np.arange(len(x)), y] += 1.2
    answers /= answers.sum(axis=1, keepdims=True)
    right = int((answers.argmax(axis=1) == y).sum())
    text = record.write({"pictures": kind, "predictions": answers, "right": right})
    full = SAMPLE_CLASS[0]

    def with_record(notebook) -> None:
        cell = next(c for c in notebook.cells if "check: test_predict_labels" in c.source)
        html = f"<!-- {text} -->"
        cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": html})]

    samples = [Sample(name, full.answers, mangle=with_record) for name in ("ada", "ben")]
    samples.append(Sample("cleo", full.answers))
    folder = hand_in(samples, tmp_path / "in")
    done = batch.grade_class(plan(folder, tmp_path / "course", feedback=False), lambda _: None)
    asked = {one.student: [s for s in one.decide if "same" in s] for one in done.results}
    assert asked["cleo"] == []
    assert "ben" in asked["ada"][0]
    assert "ada" in asked["ben"][0]
    assert all(sum(one.points.values()) == 10 for one in done.results)


# --- Stopped ---------------------------------------------------------------------------------


def kill(process: subprocess.Popen) -> None:
    """As the power does: this process and its workers are gone at once."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    left = psutil.wait_procs(children, timeout=20)[1]  # they end by themselves when it is gone
    assert left == []


@pytest.fixture(scope="module")
def killed(handed_in, tmp_path_factory) -> Path:
    """A course whose grading was killed at ten random moments, then left to its end."""
    course = tmp_path_factory.mktemp("killed")
    chance = random.Random(11)
    environment = os.environ | {"COURSE_CACHE": os.environ["COURSE_CACHE"]}
    for _ in range(10):
        process = subprocess.Popen(
            command(handed_in, course, "--no-report"),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        before = progress(course)
        ends = time.monotonic() + 120
        # From the start of the work on, at a moment that no line of the program knows.
        while progress(course) == before and process.poll() is None and time.monotonic() < ends:
            time.sleep(chance.uniform(0, 0.4))
        time.sleep(chance.uniform(0, 0.8))
        kill(process)
        assert_no_half_files(course)
    return course


def progress(course: Path) -> int:
    # Folders come and go meanwhile; os.walk takes that as it is, rglob raises an error.
    return sum(len(folders) + len(files) for _, folders, files in os.walk(course))


def assert_no_half_files(course: Path) -> None:
    for path in (course / "grading").rglob("*.result.json"):
        json.loads(path.read_text("utf-8"))


def test_ten_kills_lose_nothing_and_count_nothing_twice(killed, handed_in):
    said = grade(handed_in, killed)
    assert said.returncode == 0, said.stdout + said.stderr
    assert points(killed) == DESERVED
    with CourseGradebook(killed).open() as gradebook:
        assert len(gradebook.students) == len(DESERVED)
    assert sorted(Store(killed, STAGE).students()) == sorted(DESERVED)
    assert not list((killed / "feedback").rglob("*.new"))


def test_ctrl_c_says_how_to_go_on(handed_in, tmp_path):
    process = subprocess.Popen(
        command(handed_in, tmp_path / "course"), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    results = tmp_path / "course" / "grading" / STAGE
    while not list(results.glob("*.result.json")) and process.poll() is None:
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "the same command goes on from there" in said
    assert psutil.wait_procs(children, timeout=20)[1] == []
    assert grade(handed_in, tmp_path / "course").returncode == 0
    assert points(tmp_path / "course") == DESERVED


def test_a_ctrl_c_that_python_loses_stops_it_too(monkeypatch, tmp_path):
    from rich.console import Console

    from autograder import grade as command_line

    def grade_class(_, say, step):
        with contextlib.suppress(KeyboardInterrupt):  # as Python does while it frees something
            signal.raise_signal(signal.SIGINT)
        step("grade", 1, 2)
        say("went on")

    monkeypatch.setattr(command_line, "grade_class", grade_class)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        command_line._carry_out(plan(None, tmp_path), Console(quiet=True))
    assert signal.getsignal(signal.SIGINT) is before


# --- What a teacher may type --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere", "--stage", "7"], "There is no folder nowhere"),
        ([".", "--stage", "13"], "There is no stage '13'"),
        ([".", "--stage", "seven"], "Say a number from 1 to 12, or all"),
        ([".", "--stage", "7", "--sandbox", "fort"], "fort"),
        ([".", "--stage", "7", "--data", "/nowhere/at/all"], "COURSE_DATA"),
    ],
)
def test_a_slip_gets_a_sentence(arguments, says, tmp_path):
    course = [] if "--course" in arguments else ["--course", str(tmp_path)]
    said = subprocess.run(
        [sys.executable, "-m", "autograder", "grade", *arguments, *course],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 2
    assert says in " ".join((said.stdout + said.stderr).split())
    assert "Traceback" not in said.stdout + said.stderr


def test_an_empty_folder_is_said_to_be_empty(tmp_path):
    (tmp_path / "empty").mkdir()
    said = grade(tmp_path / "empty", tmp_path / "course")
    assert (said.returncode, "No notebook of these stages was found" in said.stdout) == (2, True)


def test_when_the_grader_fails_the_class_goes_on(handed_in, tmp_path, monkeypatch):
    """A fault of ours costs nobody else, ends in a reason, and is tried again."""
    whole = unit.examine

    def examine(content, released, file_name):
        if b"ivy" in content:
            raise ZeroDivisionError("a fault of ours")
        return whole(content, released, file_name)

    folder = tmp_path / "in"
    hand_in(SAMPLE_CLASS[:2], folder)
    fault = folder / "ivy" / f"{STAGE}.ipynb"
    fault.parent.mkdir()
    text = (handed_in / SAMPLE_CLASS[0].name / f"{STAGE}.ipynb").read_text("utf-8")
    fault.write_text(text.replace("# Your experiments go here.", "# ivy's"), encoding="utf-8")
    monkeypatch.setattr(workers, "ProcessPoolExecutor", lambda *_: workers.InThisProcess())
    monkeypatch.setattr(unit, "examine", examine)
    course = tmp_path / "course"
    done = batch.grade_class(plan(folder, course, feedback=False), lambda _: None)
    reasons = {one.student: one.reason for one in done.results if one.reason}
    assert reasons.keys() == {"ivy"}
    assert "The grader failed on it (ZeroDivisionError: a fault of ours)" in reasons["ivy"]
    monkeypatch.setattr(unit, "examine", whole)
    done = batch.grade_class(plan(folder, course, feedback=False), lambda _: None)
    assert done.ran == 1
    assert points(course)["ivy"] == (1, 1, 3, 3, 2)
