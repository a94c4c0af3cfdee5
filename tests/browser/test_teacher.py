"""A teacher in JupyterLab: nbgrader's sidebar, a rebuilt stage, and formgrader."""

from __future__ import annotations

import subprocess
import sys

import nbformat
import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import expect

from autograder.grading import nbgrader
from autograder.samples import SAMPLE_CLASS, STAGE, hand_in
from tests.browser.notebooks import NotebookPage, choose
from tests.browser.servers import environment, serve

pytestmark = pytest.mark.slow
STUDENT = "fay_swapped_names"  # who loses one point of ten
COMMENT = "Four good lines. Say which three pictures you mean."


@pytest.fixture(scope="module")
def lab(course):
    with serve(course, teacher=True) as server:
        yield server


@pytest.fixture(scope="module")
def graded(course):
    """The course's folder with two submissions that nbgrader has graded."""
    hand_in([sample for sample in SAMPLE_CLASS if sample.name in ("ada_one_row", STUDENT)], course)
    for command in ("generate_assignment", "autograde", "generate_feedback"):
        run_nbgrader(command, course)
    return course


def run_nbgrader(command, course):
    for _ in nbgrader(command, STAGE, "--force", course=course, COURSE_DATA="practice"):
        pass


def feedback_page(page, course):
    page.goto((course / "feedback" / STUDENT / STAGE / f"{STAGE}.html").as_uri())
    return page.locator("body")


def cells_of(folder):
    return nbformat.read(folder / STAGE / f"{STAGE}.ipynb", as_version=4).cells


def test_a_sentence_is_changed_and_built(lab, new_page):
    before = cells_of(lab.course / "stages")
    notebook = NotebookPage(new_page(), lab, f"solutions/{STAGE}/{STAGE}.ipynb")
    page = notebook.page
    page.get_by_role("tab", name="Create Assignment").click()
    sidebar = page.locator(".nbgrader-CreateAssignmentWidget")
    expect(sidebar.get_by_label("Total points:")).to_have_value("15")
    for cell, kind, points in (
        ("find_wrong", "solution", ""),
        ("test_find_wrong", "tests", "1"),
        ("error_report", "manual", "5"),
    ):
        entry = sidebar.locator(".nbgrader-CellWidget").nth(notebook.place(cell))
        expect(entry.get_by_label("Type:")).to_have_value(kind)
        expect(entry.get_by_label("ID:")).to_have_value(cell)
        expect(entry.get_by_label("Points:")).to_have_value(points)

    text = notebook.cell("stage07-step2-after")
    text.dblclick()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.type(" Keep a list of yours.")
    page.keyboard.press("Shift+Enter")
    expect(text.locator("p")).to_have_text(
        "Wrong predictions are nothing to hide. They are the best pictures to learn from. "
        "Keep a list of yours."
    )
    notebook.save()
    notebook.shut_down()
    built = subprocess.run(
        [sys.executable, "-m", "autograder", "build"],
        cwd=lab.course,
        env=environment(lab.course),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert built.stdout == f"Built: {STAGE}.\n", built.stderr
    after = cells_of(lab.course / "stages")
    changed = [new for old, new in zip(before, after, strict=True) if new != old]
    assert [cell.id for cell in changed] == ["stage07-step2-after"]
    assert changed[0].source.endswith("to learn from. Keep a list of yours.")


def test_the_written_answer_is_graded(lab, graded, new_page):
    page = new_page()
    before = feedback_page(page, graded)
    expect(before.get_by_role("heading", name="Score: 9.0 / 15.0")).to_be_visible()
    expect(before).to_contain_text("Written response (Score: 0.0 / 5.0)")

    page.goto(lab.address(""))
    choose(page, "Nbgrader", "Formgrader")
    formgrader = page.frame_locator("iframe")
    formgrader.get_by_role("link", name="Manual Grading").click()
    for _ in ("assignments", "notebooks of this one"):
        formgrader.get_by_role("gridcell", name=STAGE).get_by_role("link").click()
    formgrader.get_by_role("row", name="9 / 15").get_by_role("link").click()
    for field, text, saved_at in (
        ("#error_report", "4", "/api/grade/"),
        ("#error_report-comment", COMMENT, "/api/comment/"),
    ):
        with page.expect_response(
            lambda answer, place=saved_at: answer.request.method == "PUT" and place in answer.url
        ):
            formgrader.locator(field).fill(text)
            page.keyboard.press("Tab")
    run_nbgrader("generate_feedback", graded)

    after = feedback_page(page, graded)
    expect(after.get_by_role("heading", name="Score: 13.0 / 15.0")).to_be_visible()
    expect(after).to_contain_text("Written response (Score: 4.0 / 5.0)")
    expect(after).to_contain_text(f"Comments: {COMMENT}")
