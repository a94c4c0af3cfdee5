"""Take the README's pictures: ``python -m tests.browser.screenshots``."""

from __future__ import annotations

import os
import shutil
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import Locator, Page, expect, sync_playwright

from autograder import ROOT
from autograder.samples import CHECKS, SAMPLE_CLASS, STAGE, solution_answers
from tests.browser import formgrader
from tests.browser.notebooks import NotebookPage
from tests.browser.servers import PATIENCE, Server, copy_course, serve

COMMENT = "Four good lines. Say which three pictures you mean."
_NARROW = {"width": 940, "height": 1200}  # the README shows pictures no wider
_MARGIN = 10  # white pixels around what is cut out


def main() -> None:
    """Run the course as a student and as a teacher, and write ``docs/*.png``."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        os.environ["COURSE_CACHE"] = str(Path(folder, "cache"))
        course = copy_course(Path(folder, "course"))
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(
            viewport={"width": 1280, "height": 800},
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(PATIENCE)
        with serve(course) as server:
            take_stage_7(context.new_page(), server)
            take_demo_card(context.new_page(), server)
        formgrader.grade(course)
        with serve(course, teacher=True) as server:
            take_formgrader(context.new_page(), server)
        take_feedback(context.new_page(), course)
        browser.close()


def take_stage_7(page: Page, server: Server) -> None:
    """Take what a check says of swapped names, and the mistake explorer."""
    notebook = NotebookPage(page, server, f"stages/{STAGE}/{STAGE}.ipynb")
    answers = next(s.answers for s in SAMPLE_CLASS if s.name == formgrader.STUDENT)
    for name in CHECKS:
        notebook.paste(name, f"# answer: {name}\n{answers[name].rstrip()}")
    notebook.run_all()
    close_sidebar(page)
    page.set_viewport_size(_NARROW)
    said = notebook.output("test_show_three_wrong")
    expect(said).to_contain_text("Try next")
    keep("student_check", page, notebook.cell("show_three_wrong"), said)

    explorer = notebook.output("stage07-explore").locator(".jp-OutputArea-output")
    explorer.get_by_label("True class", exact=True).select_option("dog")
    expect(explorer.get_by_text("True: dog")).to_be_visible()
    keep("mistake_explorer", page, explorer)
    notebook.shut_down()


def take_demo_card(page: Page, server: Server) -> None:
    """Take the page that Stage 10 makes."""
    stage = "stage_10_demo_day"
    notebook = NotebookPage(page, server, f"stages/{stage}/{stage}.ipynb")
    for name, code in solution_answers(stage).items():
        if not name.startswith("deeper"):
            notebook.paste(name, code)
    notebook.run_all()
    context = page.context
    notebook.shut_down()
    page = context.new_page()
    page.goto((server.course / "stages" / "workspace" / "demo_card.html").as_uri())
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": 1280, "height": height})
    keep("demo_card", page)


def take_formgrader(page: Page, server: Server) -> None:
    """Take the written answer with the teacher's points and comment."""
    frame = formgrader.open_submission(page, server)
    close_sidebar(page)
    formgrader.write(frame, "4", COMMENT)
    step = frame.get_by_role("heading", name="Step 5")
    step.page.frames[-1].wait_for_function("$(':animated').length === 0")  # it scrolls by itself
    step.evaluate("step => { step.style.scrollMarginTop = '80px'; step.scrollIntoView(); }")
    expect(frame.locator("#error_report-comment")).to_be_in_viewport()
    keep("formgrader", page)


def take_feedback(page: Page, course: Path) -> None:
    """Take the page of feedback, where a point was lost."""
    formgrader.run_nbgrader("generate_feedback", course)
    page.goto(formgrader.feedback_address(course))
    answer = page.locator(".nbgrader_cell", has_text="answer: show_three_wrong")
    answer.evaluate("e => e.scrollIntoView()")
    keep("feedback_page", page)


def close_sidebar(page: Page) -> None:
    """Click on the open tab at the left, so that the page has the whole window."""
    page.get_by_role("tab", name="File Browser").click()
    expect(page.get_by_role("region", name="File Browser")).to_be_hidden()


def keep(name: str, page: Page, *parts: Locator) -> None:
    """Write ``docs/<name>.png``: the window, or the box around some parts of it.

    A picture of few colors is a quarter of the size.
    """
    clip = None
    if parts:
        parts[0].evaluate("part => part.scrollIntoView()")
        boxes = [part.bounding_box() for part in parts]
        left, top = (min(box[side] for box in boxes) for side in "xy")
        right = max(box["x"] + box["width"] for box in boxes)
        bottom = max(box["y"] + box["height"] for box in boxes)
        clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    shot = page.screenshot(clip=clip, caret="hide")
    picture = Image.open(BytesIO(shot)).convert("RGB")
    if parts:
        picture = ImageOps.expand(picture, _MARGIN, "white")
    file = ROOT / "docs" / f"{name}.png"
    picture.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        file, optimize=True
    )
    print(f"docs/{name}.png: {picture.width} x {picture.height}, {file.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
