"""A student in Notebook 7: the same page without JupyterLab around it."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import expect

from autograder.samples import FIND, PREDICT, STAGE
from tests.browser.notebooks import NotebookPage
from tests.browser.servers import serve

pytestmark = pytest.mark.slow


def test_stage_7_half_done(course, new_page):
    with serve(course, "notebook") as server:
        notebook = NotebookPage(new_page(), server, f"stages/{STAGE}/{STAGE}.ipynb")
        notebook.paste("predict_labels", f"# answer: predict_labels\n{PREDICT}")
        notebook.paste("find_wrong", f"# answer: find_wrong\n{FIND}")
        notebook.run_all()
        expect(notebook.output("test_find_wrong")).to_contain_text("✔ 1 of 1 point.")
        expect(notebook.output("stage07-explore").get_by_role("img")).to_be_visible()
        panel = notebook.output("stage07-panel")
        panel.get_by_role("button", name="Check all").click()
        expect(panel).to_contain_text("Total: 2 of 10 points.")
        expect(panel).to_contain_text("no test picture has reached the screen")
        notebook.shut_down()
