"""A teacher in JupyterLab: nbgrader's sidebar, a rebuilt stage, and formgrader."""

from __future__ import annotations

import subprocess
import sys

import nbformat
import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import expect

from autograder.samples import STAGE
from tests.accessibility import faults
from tests.browser import formgrader
from tests.browser.notebooks import NotebookPage
from tests.browser.servers import environment, serve

pytestmark = pytest.mark.slow
COMMENT = "Four good lines. Say which three pictures you mean."


@pytest.fixture(scope="module")
def lab(course):
    with serve(course, teacher=True) as server:
        yield server


@pytest.fixture(scope="module")
def graded(course):
    """The course's folder with two submissions that nbgrader has graded."""
    formgrader.grade(course)
    return course


def student_copy(course):
    return nbformat.read(course / "stages" / STAGE / f"{STAGE}.ipynb", as_version=4)


def test_a_sentence_is_changed_and_built(lab, new_page):
    before = student_copy(lab.course)
    notebook = NotebookPage(new_page(), lab, f"solutions/{STAGE}/{STAGE}.ipynb")
    page = notebook.page
    page.get_by_role("tab", name="Create Assignment").click()
    sidebar = page.locator(".nbgrader-CreateAssignmentWidget")
    expect(sidebar.get_by_label("Total points:")).to_have_value("15")
    for cell, kind, points in (
        ("find_wrong", "solution", None),
        ("test_find_wrong", "tests", "1"),
        ("error_report", "manual", "5"),
    ):
        entry = sidebar.locator(".nbgrader-CellWidget").nth(notebook.place(cell))
        expect(entry.get_by_label("Type:")).to_have_value(kind)
        expect(entry.get_by_label("ID:")).to_have_value(cell)
        if points is None:
            expect(entry.get_by_label("Points:")).to_be_hidden()
        else:
            expect(entry.get_by_label("Points:")).to_have_value(points)

    text = notebook.cell("stage07-step2-after")
    notebook.open("stage07-step2-after")
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
    after = student_copy(lab.course)
    assert after.metadata == before.metadata
    changed = [new for old, new in zip(before.cells, after.cells, strict=True) if new != old]
    assert [cell.id for cell in changed] == ["stage07-step2-after"]
    assert changed[0].source.endswith("to learn from. Keep a list of yours.")


def test_the_written_answer_is_graded(lab, graded, new_page):
    page, feedback = new_page(), new_page()
    feedback.goto(formgrader.feedback_address(graded))
    said = feedback.locator("body")
    expect(said.get_by_role("heading", name="Score: 9.0 / 15.0")).to_be_visible()
    expect(said).to_contain_text("Written response (Score: 0.0 / 5.0)")

    formgrader.write(formgrader.open_submission(page, lab), "4", COMMENT)
    formgrader.run_nbgrader("generate_feedback", graded)
    feedback.reload()
    expect(said.get_by_role("heading", name="Score: 13.0 / 15.0")).to_be_visible()
    expect(said).to_contain_text("Written response (Score: 4.0 / 5.0)")
    expect(said).to_contain_text(f"Comments: {COMMENT}")


def test_everybody_can_read_the_feedback(graded, new_page):
    page = new_page()
    page.goto(formgrader.feedback_address(graded))
    assert faults(page) == []
