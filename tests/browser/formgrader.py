"""A small class that nbgrader has graded, and the way to one of its submissions."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import FrameLocator, Page

from autograder.grading import nbgrader
from autograder.samples import SAMPLE_CLASS, STAGE, hand_in
from tests.browser.notebooks import choose
from tests.browser.servers import Server

STUDENT = "fay_swapped_names"  # who loses one point of ten
CLASS = ("ada_one_row", STUDENT)


def grade(course: Path) -> None:
    """Hand in two samples and grade them, up to the pages of feedback."""
    hand_in([sample for sample in SAMPLE_CLASS if sample.name in CLASS], course)
    for command in ("generate_assignment", "autograde", "generate_feedback"):
        run_nbgrader(command, course)


def run_nbgrader(command: str, course: Path) -> None:
    """Run one of nbgrader's commands on the stage, as often as you like."""
    for _ in nbgrader(command, STAGE, "--force", course=course, COURSE_DATA="practice"):
        pass


def feedback_address(course: Path) -> str:
    """Return where the student finds what the teacher and the checks say."""
    return (course / "feedback" / STUDENT / STAGE / f"{STAGE}.html").as_uri()


def open_submission(page: Page, server: Server) -> FrameLocator:
    """Click from JupyterLab's menu to the student's submission; return formgrader's frame."""
    page.goto(server.address())
    choose(page, "Nbgrader", "Formgrader")
    formgrader = page.frame_locator("iframe")
    formgrader.get_by_role("link", name="Manual Grading").click()
    for _ in ("the assignment", "its notebook"):
        formgrader.get_by_role("gridcell", name=STAGE).get_by_role("link").click()
    formgrader.get_by_role("row", name="9 / 15").get_by_role("link").click()  # names are hidden
    return formgrader


def write(formgrader: FrameLocator, points: str, comment: str) -> None:
    """Give the written answer points and a comment, and wait until both are kept."""
    page = formgrader.owner.page
    for field, text, kept_at in (  # each with what shows that formgrader listens
        ("#error_report.needs_manual_grade", points, "/api/grade/"),
        ("#error_report-comment[placeholder]", comment, "/api/comment/"),
    ):
        with page.expect_response(
            lambda answer, kept_at=kept_at: answer.request.method == "PUT" and kept_at in answer.url
        ):
            formgrader.locator(field).fill(text)
            page.keyboard.press("Tab")
