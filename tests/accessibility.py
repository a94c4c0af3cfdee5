"""What axe-core finds on a page: faults that keep people from reading it."""

from __future__ import annotations

from typing import Any

import pytest

_GRAVE = ("serious", "critical")
_UNFOLD = "document.querySelectorAll('details').forEach(part => { part.open = true })"


def faults(page: Any) -> list[str]:
    """Return the serious and critical faults of a page, one sentence for each.

    What is folded is unfolded first: axe looks at what can be seen. The test is skipped if
    axe-playwright-python, which brings axe-core, is not installed.

    Parameters
    ----------
    page : playwright.sync_api.Page

    Returns
    -------
    list of str
    """
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    page.evaluate(_UNFOLD)
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{fault['id']} ({fault['impact']}): {fault['help']}, at {node['target'][0]}: "
        f"{node['html'][:120]}"
        for fault in found
        for node in fault["nodes"]
        if fault["impact"] in _GRAVE
    ]
