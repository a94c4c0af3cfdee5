"""The whole course as students take it and as a teacher grades it, with the real tools.

The walks run the solutions, stage after stage, each in a fresh kernel, in one folder, as a
student does at home. Then nbgrader grades what came of it: nothing but the notebook, whose
outputs hold the record of the student's own model.
"""

from __future__ import annotations

import copy
import importlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder import ROOT
from autograder.build import stage_names
from autograder.grading import nbgrader, read_scores
from autograder.samples import Sample, notebook_of, solution_answers
from course_utils import checks
from course_utils.record import MOST

NAMES = {int(name[6:8]): name for name in stage_names(ROOT / "solutions")}
WALKS = {"from the start": range(1, 13), "from Stage 5": range(5, 11), "from Stage 8": (8, 9, 10)}
GRADED = [stage for stage in NAMES if stage != 7]  # test_zoo.py is about Stage 7
pytestmark = pytest.mark.slow


def samples_of(stage: int) -> list[Sample]:
    module = importlib.import_module(f"tests.samples.stage_{stage:02d}")
    return [*module.STYLES, *module.MISTAKES]


def most_points(stage: int) -> tuple[float, ...]:
    return tuple(float(check.points) for check in checks.STAGES[stage].values())


def points_of(notebook) -> list[float]:
    return [
        float(output.data["text/plain"])
        for cell in notebook.cells
        if cell.source.startswith("# check:")
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]


@pytest.fixture(scope="module")
def walks(tmp_path_factory, cache):
    """Walk the course three times; return {walk: (folder, {stage: notebook as it ran})}."""
    folders = {walk: tmp_path_factory.mktemp("walk") for walk in WALKS}

    def go(walk: str) -> dict:
        done = {}
        for stage in WALKS[walk]:
            name = NAMES[stage]
            notebook = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)
            client = NotebookClient(notebook, kernel_name="python3", timeout=600)
            client.execute(cwd=str(folders[walk]))
            done[stage] = notebook
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", "practice")
        patch.setenv("PYTHONPATH", str(ROOT))
        with ThreadPoolExecutor(2) as pool:
            return {
                walk: (folders[walk], done)
                for walk, done in zip(WALKS, pool.map(go, WALKS), strict=True)
            }


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_gets_every_point(walk, walks):
    _, done = walks[walk]
    assert {stage: points_of(notebook) for stage, notebook in done.items()} == {
        stage: list(most_points(stage)) for stage in WALKS[walk]
    }
    for notebook in done.values():
        for cell in notebook.cells:
            errors = [o for o in cell.get("outputs", []) if o.get("name") == "stderr"]
            assert not errors, (cell.id, errors)


def test_a_walk_goes_deeper(walks):
    _, done = walks["from the start"]
    for stage, asked in checks.DEEPER.items():
        said = "".join(
            output.get("text", "")
            for cell in done[stage].cells
            if cell.source.startswith("# deeper:")
            for output in cell.outputs
        )
        assert said.count("You went deeper") == len(asked), (stage, said)


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_ends_with_a_demo_card(walk, walks):
    folder, _ = walks[walk]
    page = next(folder.rglob("demo_card.html")).read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("walk", WALKS)
def test_the_demo_card_opens_offline(walk, walks, visit):
    folder, _ = walks[walk]
    card = next(folder.rglob("demo_card.html")).read_text(encoding="utf-8")
    page = visit(card, {"width": 1280, "height": 720})
    assert [url for url in page.asked if url != page.own and not url.startswith("data:")] == []
    assert page.said == []
    assert page.evaluate("[...document.images].every(i => i.naturalWidth == 32 && i.alt)")
    text = page.inner_text("body")
    assert ("I trained this model myself" in text) == (walk != "from Stage 8")
    page.screenshot(path=folder / "demo_card.png", full_page=True)  # to be looked at


def test_later_stages_begin_with_the_work_of_earlier_ones(walks):
    _, done = walks["from the start"]

    def said(stage: int) -> str:
        return "".join(
            output.text
            for cell in done[stage].cells
            for output in cell.get("outputs", [])
            if output.get("name") == "stdout"
        )

    assert "Piles: your own" in said(4)
    assert "your own from Stage 4" in said(5)
    for stage in (6, 7, 8, 9, 10):
        assert "Model: your own" in said(stage), stage
    _, late = walks["from Stage 8"]
    assert "the course's own" in "".join(
        output.get("text", "") for cell in late[8].cells for output in cell.get("outputs", [])
    )


def test_the_record_in_a_notebook_is_small(walks):
    for walk, (_, done) in walks.items():
        for stage, notebook in done.items():
            pages = [
                output.data["text/html"]
                for cell in notebook.cells
                for output in cell.get("outputs", [])
                if "course-record:" in output.get("data", {}).get("text/html", "")
            ]
            assert sum(map(len, pages)) <= MOST, (walk, stage)
            if stage in (5, 6, 7, 8, 10) and walk == "from the start":
                assert pages, stage


# --- What nbgrader makes of it ---------------------------------------------------------------


def submission(sample: Sample, stage: int, ran) -> nbformat.NotebookNode:
    """A sample as a student hands it in: other answers, and the record of the own model."""
    name = NAMES[stage]
    released = nbformat.read(ROOT / "stages" / name / f"{name}.ipynb", as_version=4)
    whole = replace(sample, answers=solution_answers(name) | sample.answers)
    notebook = notebook_of(whole, released)
    outputs = {cell.id: cell.outputs for cell in ran.cells if cell.source.startswith("# check:")}
    for cell in notebook.cells:
        if cell.id in outputs:
            cell.outputs = copy.deepcopy(outputs[cell.id])
    return notebook


@pytest.fixture(scope="module")
def notebooks(walks):
    """What is handed in, as {stage: {student: notebook}}."""
    _, done = walks["from the start"]

    def of(stage: int) -> dict:
        name = NAMES[stage]
        samples = {one.name: submission(one, stage, done[stage]) for one in samples_of(stage)}
        released = nbformat.read(ROOT / "stages" / name / f"{name}.ipynb", as_version=4)
        return samples | {"solution": done[stage], "blank": released}

    return {stage: of(stage) for stage in GRADED}


@pytest.fixture(scope="module")
def scores(notebooks, grade_class):
    """Return {stage: {student: {check: score}}}, graded by the command from notebooks alone."""
    graded = {}
    for stage in GRADED:
        graded[stage], results = grade_class(NAMES[stage], notebooks[stage], COURSE_DATA="practice")
        assert [one.student for one in results.values() if one.reason] == []
    return graded


@pytest.fixture(scope="module")
def compared(notebooks, some_of, tmp_path_factory):
    """Return {stage: {student: {check: score}}}, graded by nbgrader's own commands."""
    some = {
        stage: {*some_of(list(notebooks[stage]), f"notebooks of Stage {stage}"), "solution"}
        for stage in GRADED
    }

    def grade(stage: int) -> dict:
        name = NAMES[stage]
        course: Path = tmp_path_factory.mktemp(name)
        for student in some[stage]:
            place = course / "submitted" / student / name
            place.mkdir(parents=True)
            nbformat.write(notebooks[stage][student], place / f"{name}.ipynb")
        for command in ("generate_assignment", "autograde"):
            for _ in nbgrader(command, name, course=course, COURSE_DATA="practice"):
                pass
        return read_scores(course, name)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(GRADED, pool.map(grade, GRADED), strict=True))


@pytest.mark.parametrize("stage", GRADED)
def test_the_command_says_the_same_as_nbgrader(stage, scores, compared):
    found = {student: scores[stage][student] for student in compared[stage]}
    if stage == 5:  # a model that is trained anew is not the same to the last digit
        assert _without_numbers(found) == _without_numbers(compared[stage])
    else:
        assert found == compared[stage]


def _without_numbers(scores: dict) -> dict:
    return {
        student: {
            check: (one.points, re.sub(r"\d[\d.,]*", "#", one.words)) for check, one in own.items()
        }
        for student, own in scores.items()
    }


def of_checks(stage: int, found: dict) -> tuple[tuple, dict]:
    mine = {check: found[f"test_{check}"] for check in checks.STAGES[stage]}
    words = {check: score.words for check, score in mine.items()}
    return tuple(score.points for score in mine.values()), words


@pytest.mark.parametrize("stage", GRADED)
def test_solution_gets_every_point(stage, scores):
    points, words = of_checks(stage, scores[stage]["solution"])
    assert points == most_points(stage), words
    assert sum(points) == 10


@pytest.mark.parametrize("stage", GRADED)
def test_blank_gets_nothing_and_is_told_so(stage, scores):
    points, words = of_checks(stage, scores[stage]["blank"])
    assert set(points) == {0.0}, words
    assert all("Still to do" in said for said in words.values()), words


@pytest.mark.parametrize("stage", GRADED)
def test_there_are_enough_samples(stage):
    module = importlib.import_module(f"tests.samples.stage_{stage:02d}")
    assert len(module.MISTAKES) >= 3
    assert len(module.STYLES) >= 2
    names = [sample.name for sample in samples_of(stage)]
    assert len(set(names)) == len(names)
    assert all(sum(sample.points) < 10 for sample in module.MISTAKES)


@pytest.mark.parametrize(
    ("stage", "sample"),
    [(stage, sample) for stage in GRADED for sample in samples_of(stage)],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_sample_gets_what_it_deserves(stage, sample, scores):
    points, words = of_checks(stage, scores[stage][sample.name])
    report = "\n".join(f"{check}: {said}" for check, said in words.items())
    assert points == tuple(map(float, sample.points)), report
    for check, expected in sample.says.items():
        assert expected in words[check], report
