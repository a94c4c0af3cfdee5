"""A notebook on the page, as JupyterLab and Notebook 7 show it, and what hands do with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, expect

from tests.browser.servers import PATIENCE, Server

expect.set_options(timeout=PATIENCE)

_ERROR = '[data-mime-type="application/vnd.jupyter.error"]'
# The number beside a cell may be the same after a restart, so its being written is noted.
_WATCH = r"""cell => {
  const number = cell.querySelector(".jp-InputPrompt");
  cell.hasRun = false;
  new MutationObserver((_, observer) => {
    if (/\d/.test(number.textContent)) {
      cell.hasRun = true;
      observer.disconnect();
    }
  }).observe(number, { childList: true, characterData: true, subtree: true });
}"""


def choose(page: Page, *names: str) -> None:
    """Choose from the menus, such as ``choose(page, "Run", "Run All Cells")``."""
    labels = page.locator(".lm-MenuBar-itemLabel, .lm-Menu-itemLabel")
    for name in names:
        labels.get_by_text(name, exact=True).click()


class NotebookPage:
    """An open notebook. Cells go by their own ids, or by nbgrader's, such as ``"find_wrong"``.

    Parameters
    ----------
    page : Page
    server : Server
    path : str
        Of the notebook, within the course.
    """

    def __init__(self, page: Page, server: Server, path: str):
        self.page = page
        self.cells = page.locator(".jp-Notebook .jp-Cell")
        cells = json.loads((server.course / path).read_text(encoding="utf-8"))["cells"]
        self._code = [n for n, cell in enumerate(cells) if cell["cell_type"] == "code"]
        self._places = {cell["id"]: n for n, cell in enumerate(cells)} | {
            cell["metadata"]["nbgrader"]["grade_id"]: n
            for n, cell in enumerate(cells)
            if "nbgrader" in cell["metadata"]
        }
        page.goto(server.address(path))
        expect(self.cells).to_have_count(len(cells))
        self.wait_for_kernel()

    def place(self, cell_id: str) -> int:
        """Return the number of a cell, from 0."""
        return self._places[cell_id]

    def cell(self, cell_id: str) -> Locator:
        """Return a cell."""
        return self.cells.nth(self.place(cell_id))

    def output(self, cell_id: str) -> Locator:
        """Return what stands below a cell."""
        return self.cell(cell_id).locator(".jp-Cell-outputWrapper")

    def wait_for_kernel(self) -> None:
        """Wait until Python is there and has nothing to do."""
        idle = self.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        idle.wait_for(state="attached")

    # --- Writing

    def select(self, cell_id: str) -> None:
        """Click on the number beside a cell, which selects it and opens nothing."""
        self.cell(cell_id).locator(".jp-InputPrompt").click()

    def open(self, cell_id: str) -> None:
        """Select a cell and press Enter, to write in it."""
        self.select(cell_id)
        self.page.keyboard.press("Enter")
        expect(self.cell(cell_id).locator(".cm-content")).to_be_focused()

    def paste(self, cell_id: str, text: str) -> None:
        """Replace a cell's text by way of the clipboard."""
        editor = self.cell(cell_id).locator(".cm-content")
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        editor.click()
        expect(editor).to_be_focused()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.press("ControlOrMeta+V")
        expect(editor).to_have_text(text.replace("\n", ""))  # its lines are elements

    def type_over(self, cell_id: str, blank: str, text: str) -> None:
        """Type over what a line ends with, such as ``"..."``."""
        self._line(cell_id, blank).click()
        self.page.keyboard.press("End")
        for _ in blank:
            self.page.keyboard.press("Backspace")
        self.page.keyboard.type(text)

    def uncomment(self, cell_id: str, text: str) -> None:
        """Take away the ``# `` before a line."""
        self._line(cell_id, text).click()
        for key in ("Home", "Delete", "Delete"):
            self.page.keyboard.press(key)
        expect(self._line(cell_id, text)).to_have_text(text)

    def _line(self, cell_id: str, text: str) -> Locator:
        return self.cell(cell_id).locator(".cm-line", has_text=text)

    def save(self) -> None:
        """Press Ctrl + S, and wait until the file is written."""
        with self.page.expect_response(
            lambda answer: answer.request.method == "PUT" and "/api/contents/" in answer.url
        ):
            self.page.keyboard.press("ControlOrMeta+S")

    # --- Running

    def run(self, cell_id: str) -> None:
        """Run one cell with Shift + Enter, and wait for it."""
        self.select(cell_id)
        with self._until_run(self.place(cell_id)):
            self.page.keyboard.press("Shift+Enter")

    def run_all(self) -> None:
        """Choose Run, Run All Cells, and wait for the last one.

        Raises
        ------
        AssertionError
            If a cell ends in an error, with what it said.
        """
        with self._until_run(self._code[-1]):
            choose(self.page, "Run", "Run All Cells")

    def run_above(self, cell_id: str) -> None:
        """Choose Run, Run All Above Selected Cell, and wait for the cell before this one."""
        self.select(cell_id)
        with self._until_run(self._code[self._code.index(self.place(cell_id)) - 1]):
            choose(self.page, "Run", "Run All Above Selected Cell")

    def restart(self) -> None:
        """Choose Kernel, Restart Kernel, say yes, and wait for the new Python."""
        choose(self.page, "Kernel", "Restart Kernel…")
        with self.page.expect_response(lambda answer: "/restart" in answer.url):
            self.page.locator(".jp-Dialog-button.jp-mod-accept").click()
        self.wait_for_kernel()

    def shut_down(self) -> None:
        """End the notebook's Python, which holds much memory, and close the page."""
        with self.page.expect_response(lambda answer: answer.request.method == "DELETE"):
            choose(self.page, "Kernel", "Shut Down Kernel")
        self.page.close()

    @contextmanager
    def _until_run(self, place: int) -> Iterator[None]:
        """Wait, after what is done inside, until a cell has its number or any cell an error."""
        cell = self.cells.nth(place).element_handle()
        cell.evaluate(_WATCH)
        yield
        self.page.wait_for_function(
            "([cell, error]) => cell.hasRun || document.querySelector(error)",
            arg=[cell, _ERROR],
        )
        assert self.page.locator(_ERROR).all_text_contents() == []
