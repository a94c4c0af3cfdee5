"""A notebook on the page, as JupyterLab and Notebook 7 show it, and what hands do with it."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.servers import Server

PATIENCE = 120_000  # milliseconds; a kernel that loads TensorFlow beside other work is slow
_NUMBERED = re.compile(r"\[\d+\]:")


class NotebookPage:
    """An open notebook. Cells go by their ids, such as ``"stage07-step1-answer"``.

    Attributes
    ----------
    page : Page
    cells : Locator
        All cells, in order.
    """

    def __init__(self, page: Page, server: Server, path: str):
        self.page = page
        self.cells = page.locator(".jp-Notebook .jp-Cell")
        notebook = json.loads((server.course / path).read_text(encoding="utf-8"))
        self._ids = [cell["id"] for cell in notebook["cells"]]
        page.goto(server.address(path))
        expect(self.cells).to_have_count(len(self._ids), timeout=PATIENCE)
        self.wait_for_kernel()

    def cell(self, cell_id: str) -> Locator:
        """Return a cell."""
        return self.cells.nth(self._ids.index(cell_id))

    def output(self, cell_id: str) -> Locator:
        """Return what stands below a cell."""
        return self.cell(cell_id).locator(".jp-Cell-outputWrapper")

    def menu(self, *names: str) -> None:
        """Choose from the menus at the top, such as ``menu("Run", "Run All Cells")``."""
        for name in names:
            self.page.get_by_role("menuitem", name=name, exact=True).click()

    def wait_for_kernel(self) -> None:
        """Wait until Python is there and has nothing to do."""
        sign = self.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        sign.wait_for(state="attached", timeout=PATIENCE)

    # --- Writing

    def select(self, cell_id: str) -> None:
        """Click beside a cell, which selects it without opening it."""
        self.cell(cell_id).locator(".jp-InputPrompt").first.click()

    def paste(self, cell_id: str, text: str) -> None:
        """Replace a cell's text by the clipboard's."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.cell(cell_id).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.press("ControlOrMeta+v")
        expect(self.cell(cell_id).locator(".cm-content")).to_contain_text(text.split("\n")[-1])

    # --- Running

    def run(self, cell_id: str) -> None:
        """Run one cell with Shift + Enter, and wait for it."""
        before = self._prompt(cell_id)
        self.select(cell_id)
        self.page.keyboard.press("Shift+Enter")
        self._wait(cell_id, before)

    def run_all(self) -> None:
        """Choose Run, Run All Cells, and wait for the last cell.

        Raises
        ------
        AssertionError
            If a cell ends in an error, with what it said.
        """
        last = [name for name in self._ids if name in self._code][-1]
        before = self._prompt(last)
        self.menu("Run", "Run All Cells")
        self._wait(last, before)

    def restart(self) -> None:
        """Choose Kernel, Restart Kernel, say yes, and wait for the new one."""
        self.menu("Kernel", "Restart Kernel…")
        self.page.get_by_role("dialog").get_by_role("button", name="Restart").click()
