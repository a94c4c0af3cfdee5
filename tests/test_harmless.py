"""What a student wrote or displayed runs nothing in the browser of whoever reads it."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader.server_extensions.formgrader import handlers

from autograder.build import load_config
from autograder.feedback import FeedbackPage
from autograder.harmless import clean, size_of

BAD = [
    "<script>alert(1)</script>",
    "<scr<script>x</script>ipt>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="jav&#x61;script&colon;alert(1)">x</a>',
    '<a href=" da\tta:text/html,<script>alert(1)</script>">x</a>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<div class="comment score" onclick="alert(1)">x</div>',
    '<form action="/hub"><input type="text" name="a"><button>ok</button></form>',
    '<p style="background: url(javascript:alert(1)); position: fixed">x</p>',
    '<p style="margin: -900px">x</p><p style="background: url(http://x)">x</p>',
    '<meta http-equiv="refresh" content="0; url=http://x"><base href="http://x">',
    "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) <javascript:alert(1)>",
]
RUNS = re.compile(
    r"<(script|iframe|svg|form|button|meta|base|object|embed)\b|\bon\w+=|href=.?\s*(java|da)"
    r"|position|-900|url|javascript:|class=.comment",
    re.I,
)


@pytest.mark.parametrize("html", BAD)
def test_nothing_that_could_run_is_left(html):
    tags = "".join(re.findall(r"<[^>]*>", clean(html)))
    assert not RUNS.search(tags)


def test_the_size_of_a_picture_stays():
    output = new_output("display_data", {}, metadata={"image/png": {"width": 320, "height": 9.5}})
    assert size_of(output, "width", "image/png") == 320
    assert size_of(output, "height", "image/png") == 9.5


def test_what_never_ends_is_soon_read():
    """From each beginning the rest was looked at."""
    assert "<" not in clean("<script " * 5_000).replace("&lt;", "")


@pytest.mark.parametrize(
    "html",
    [
        '<h2 id="Step">Step<a class="anchor-link" href="#Step">¶</a></h2>',
        '<div class="highlight hl-ipython3"><pre><span class="kn">import</span></pre></div>',
        "<details><summary>Hint</summary>Look.</details>",
        '<img src="data:image/png;base64,AAAA" alt="A cat" width="320">',
        '<table class="dataframe"><tbody><tr><th scope="row">cat</th></tr></tbody></table>',
        '<p style="color: red;">a &lt; b</p>',
        '<span style="border-radius: 1em; background: #0072B2; margin: 2px;">7</span>',
    ],
)
def test_what_is_harmless_stays(html):
    assert clean(html) == html


@pytest.mark.parametrize("template", ["formgrade", "feedback"])
def test_pages_of_nbgrader_run_nothing_of_a_student(template):
    """The settings are nbgrader_config.py's, as both nbgrader and its formgrader load them."""
    written = {"grade": True, "solution": True, "locked": False, "grade_id": "a", "points": 5}
    written |= {
        "score": 0,
        "comment": "",
        "schema_version": 3,
        "task": False,
        "cell_type": "markdown",
    }
    kinds = ("text/html", "text/markdown", "image/svg+xml")
    outputs = [new_output("display_data", {kind: html}) for html in BAD for kind in kinds]
    outputs.append(new_output("display_data", {"application/javascript": "alert(1)"}))
    for kind in ("image/png", "image/jpeg"):
        for name in ("width", "height", "alt", "unconfined", "needs_background"):
            about = {name: "1 onerror=alert(1)"}
            outputs.append(new_output("display_data", {kind: "AAAA"}, metadata={kind: about}))
            outputs.append(new_output("display_data", {kind: "AAAA"}, metadata=about))
    cells = [
        *map(new_markdown_cell, BAD),
        *map(new_raw_cell, BAD),
        *(new_markdown_cell(html, metadata={"nbgrader": written}) for html in BAD),
        new_code_cell("1", outputs=outputs),
    ]
    config = load_config()
    parts = Path(handlers.template_path)
    config.HTMLExporter.extra_template_basedirs = [str(parts)]
    styles = parts.parent / "static" / "node_modules" / "bootstrap" / "dist" / "css"
    config.HTMLExporter.extra_template_paths = [str(styles)]
    page = {"formgrade": HTMLExporter, "feedback": FeedbackPage}[template](
        config=config, template_name=template
    )
    about = defaultdict({"formgrade": str, "feedback": int}[template], index=0, total=1)
    text, _ = page.from_notebook_node(
        new_notebook(cells=cells), {"nbgrader": about, **about, "base_url": "", "notebook_id": "a"}
    )
    body = text[text.index("<body") :]
    assert "alert(1)" in body  # as words
    assert not re.search(r"<script[^>]*>[^<]*alert", body)
    tags = re.findall(r"<[a-zA-Z][^>]*>", re.sub(r"<script.*?</script>", "", body, flags=re.S))
    tags = [tag.replace('alt="1 onerror=alert(1)"', "") for tag in tags]  # within quotes
    bad = [tag for tag in tags if re.search(r"alert|srcdoc|/hub|http://x|javascript:", tag, re.I)]
    assert bad == []
