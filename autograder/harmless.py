"""Keep what a student wrote or displayed from running in the teacher's browser.

Formgrader and the feedback pages show a student's texts and HTML as they are, formgrader even
within the teacher's own JupyterLab. nbconvert can clean HTML, but nbgrader's templates ask for
that in outputs only, and its list of harmless tags knows neither pictures nor headings. So these
filters take the place of nbconvert's, by configuration (see ``nbgrader_config.py``).
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from bleach.css_sanitizer import ALLOWED_CSS_PROPERTIES, CSSSanitizer
from bleach.sanitizer import Cleaner
from nbconvert.filters import get_metadata, strip_files_prefix

_TAGS = re.findall(
    r"\w+",
    """a abbr b blockquote br caption code col colgroup dd del details div dl dt em
figcaption figure h1 h2 h3 h4 h5 h6 hr i img input ins kbd li mark ol p pre q s samp small span
strong sub summary sup table tbody td tfoot th thead tr u ul var""",
)
_ANYWHERE = {"style", "title", "lang", "dir", "role", "aria-label", "aria-hidden"}
_SOMEWHERE = {
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "input": {"type", "checked", "disabled"},
    "ol": {"start"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align", "scope"},
    "details": {"open"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
# Of code, lists and tables. Others might be those by which formgrader finds its own fields.
_CLASS = re.compile(
    r"highlight|hl-[\w-]+|language-[\w-]+|[a-z]{1,2}\d?|anchor-link|task-list-item(-checkbox)?"
    r"|dataframe"
)
# Up to the next of its kind only: else many that never end take hours.
_WITHOUT_CONTENT = re.compile(r"<(style|script)\b(?:(?!<\1\b).)*?</\1\s*>", re.I | re.S)


def _is_harmless(tag: str, name: str, value: str) -> bool:
    if name == "class":
        return all(map(_CLASS.fullmatch, value.split()))
    if tag == "input" and name == "type":
        return value == "checkbox"
    if name == "href":
        address = re.sub(r"[\x00-\x20]", "", unescape(unescape(value))).lower()
        return tag == "a" and not address.startswith(("data:", "javascript:", "vbscript:"))
    return name in _ANYWHERE or name in _SOMEWHERE.get(tag, ())


# What the course's own displays use. Nothing that takes a part out of its place on the page.
_LOOK = """align-items background border border-bottom border-left border-radius border-right
border-top flex flex-wrap gap image-rendering justify-content margin margin-bottom margin-left
margin-right margin-top max-height max-width min-height min-width padding padding-bottom
padding-left padding-right padding-top"""


class _Look(CSSSanitizer):
    def sanitize_css(self, style: str) -> str:
        """Keep no look that loads something or covers what is around it."""
        hides = re.search(r"url|expression|\\|-\.?\d", style, re.I)
        return "" if hides else super().sanitize_css(style)


_cleaner = Cleaner(
    _TAGS,
    _is_harmless,
    protocols={"http", "https", "mailto", "data"},
    strip=True,
    css_sanitizer=_Look([*ALLOWED_CSS_PROPERTIES, *_LOOK.split()]),
)


def clean(html: str | bytes) -> str:
    """Return HTML without what could run; for nbconvert's filter ``clean_html``."""
    text = html.decode("utf-8", "replace") if isinstance(html, bytes) else str(html)
    return _cleaner.clean(_WITHOUT_CONTENT.sub("", text))


def size_of(output: Any, key: str, kind: str | None = None) -> Any:
    """Return what an output says of a picture's size; for nbconvert's filter ``get_metadata``.

    The templates write it into a tag as it is, without quotes.
    """
    value = get_metadata(output, key, kind)
    harmless = isinstance(value, int | float) or (key == "alt" and isinstance(value, str))
    return value if harmless else None


def clean_text(html: str) -> str:
    """Do the same for a rendered text; for ``strip_files_prefix``, the last filter for texts."""
    return clean(strip_files_prefix(html))
