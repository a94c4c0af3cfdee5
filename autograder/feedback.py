"""The page of feedback: nbgrader's own, made readable for everybody."""

from __future__ import annotations

import re
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

# nbgrader's links differ from the text around them by color only, some too little, and code on
# gray is hard to read.
_STYLE = """<style>
a { color: #23527c; text-decoration: underline; }
div.nbgrader_cell .panel-heading a { color: #fff; }
.highlight, .highlight pre, div.input_area { background: #fff !important; }
</style>
</head>"""


class FeedbackPage(HTMLExporter):
    """Export a graded notebook as a page without a serious fault of accessibility.

    nbgrader names the template; it has no place for what is added here.
    """

    def from_notebook_node(
        self, nb: NotebookNode, resources: Any | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        page, resources = super().from_notebook_node(nb, resources, **options)
        return readable(page), resources


def readable(page: str) -> str:
    """Name the page's language and its boxes to tick, and set links apart.

    Parameters
    ----------
    page : str
        HTML as nbgrader's template makes it.

    Returns
    -------
    str
    """
    page = page.replace("<html>", '<html lang="en">', 1).replace("</head>", _STYLE, 1)
    return re.sub(
        r'(<input class="task-list-item-checkbox"[^>]*?)(/?>)', r'\1 aria-label="Done"\2', page
    )
