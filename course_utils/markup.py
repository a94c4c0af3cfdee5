"""What can be seen of HTML and SVG: words, pictures, and whether there is a drawing."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import NamedTuple

FAINT = 0.1  # nobody can see what is less opaque
SMALLEST = 12  # pixels of an edge; nobody can see what a smaller picture shows
_UNREADABLE = 4  # pixels of letters
_VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "wbr",
}
_NEVER_SHOWN = {"script", "style", "template", "noscript", "title", "iframe", "noembed", "noframes"}
_NEVER_SHOWN |= {"metadata", "desc", "defs", "symbol", "clippath", "mask", "pattern"}  # of SVG
_BOXES = {"img", "image", "svg", "iframe"}  # what a small width and height make small
_CLOSED_BY_ITS_LIKE = {"p", "li", "tr", "td", "th", "dt", "dd", "option"}
_ENDS_A_LINE = re.compile(r"tr|p|div|li|h\d")
_PICTURE = re.compile(r"\s*data:image/(?:png|jpe?g);base64,([A-Za-z0-9+/=\s]+)", re.IGNORECASE)
_UNITS = {"": 1, "px": 1, "pt": 4 / 3, "em": 16, "rem": 16, "%": 8, "vw": 10, "vh": 8, "in": 96}
_FAR_AWAY = re.compile(r"(?:left|top|right|bottom|text-indent)\s*:\s*-\d{4}")


class _Part(NamedTuple):
    """An element that is open, and whether what is in it can be seen."""

    tag: str = ""
    hidden: bool = False
    tiny: bool = False  # letters
    clear: bool = False  # letters
    unit: float = 1.0  # pixels of a length without a unit


class Markup(HTMLParser):
    """What can be seen of HTML or SVG.

    No styles are worked out: what hides an element has to stand in the element itself, or in one
    around it.

    Attributes
    ----------
    pictures : list of str
        PNG and JPEG pictures, in base64.
    scripts : list of str
        Programs, which may draw in an element.
    hidden : set of str
        The ids of elements that cannot be seen.
    draws : bool
        Whether there are strokes of a drawing.
    """

    def __init__(self, markup: str, flows: bool = True):
        super().__init__()
        self.pictures: list[str] = []
        self.scripts: list[str] = []
        self.hidden: set[str] = set()
        self.draws = False
        self._flows = flows  # line breaks are spaces
        self._said: list[str] = []
        self._open = [_Part()]
        self._count: Counter[str] = Counter()
        # Never closed: an element that is not finished is not shown, and to look for the end of
        # each of many would take forever.
        self.feed(f"{markup}\n")

    @property
    def words(self) -> str:
        """The text, with a new line where a browser begins one."""
        return "".join(self._said)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}
        last = self._open[-1].tag
        if last in _CLOSED_BY_ITS_LIKE and (tag == last or (last == "p" and tag == "div")):
            self.handle_endtag(last)
        self._said.append("\n" if tag == "br" else " ")
        part = _part_of(tag, given, self._open[-1], bool(self._count["svg"]))
        if part.hidden and "id" in given:
            self.hidden.add(given["id"])
        self.draws |= tag in ("path", "use", "text", "image") and not part.hidden
        outside = self._open[-1].hidden
        if tag in ("img", "image") and not part.hidden:
            source = given.get("src") or given.get("xlink:href") or given.get("href") or ""
            self.pictures += [found[1] for found in [_PICTURE.match(source)] if found]
        if tag == "iframe" and "srcdoc" in given and not outside and not _is_small(tag, given, 1):
            self.pictures += Markup(given["srcdoc"]).pictures
        if tag not in _VOID:
            self._open.append(part)
            self._count[tag] += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        drawing = tag == "svg" or self._count["svg"]
        self.handle_starttag(tag, attrs)
        if drawing:  # in HTML the slash means nothing
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._said.append("\n " if _ENDS_A_LINE.fullmatch(tag) else " ")
        while self._count[tag]:
            last = self._open.pop().tag
            self._count[last] -= 1
            if last == tag:
                break

    def handle_data(self, data: str) -> None:
        part = self._open[-1]
        if part.tag == "script" and not self._open[-2].hidden:
            self.scripts.append(data)
        elif not (part.hidden or part.tiny or part.clear):
            keeps = self._count["pre"] or not self._flows
            self._said.append(data if keeps else re.sub(r"\s+", " ", data))

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Take ``<![...`` for what a browser does; Python raises an error at some."""
        return self.parse_bogus_comment(i)


def _part_of(tag: str, given: dict[str, str], around: _Part, drawing: bool) -> _Part:
    """What an element makes of what is in it."""
    style = _style_of(given)
    unit = around.unit if drawing else 1.0
    hidden = (
        around.hidden
        or tag in _NEVER_SHOWN
        or "hidden" in given
        or style.get("display") == "none"
        or style.get("visibility") in ("hidden", "collapse")
        or _share(style.get("opacity", "1")) < FAINT
        or bool(_FAR_AWAY.search(given.get("style", "")))
        or _is_small(tag, given, unit)
    )
    tiny, clear = around.tiny, around.clear
    if size := style.get("font-size"):
        relative = size.endswith(("%", "em")) and not size.endswith("rem")
        tiny = (tiny and relative) or _length(size, unit) < _UNREADABLE
    if color := style.get("fill" if tag in ("text", "tspan") else "color"):
        clear = color in ("transparent", "none")
    box = given.get("viewbox", "").replace(",", " ").split()
    if tag == "svg" and len(box) == 4:
        wide = _length(box[2]) or 1.0
        unit *= min(_length(style.get("width", "100%"), unit), 2000) / wide
    return _Part(tag, hidden, tiny, clear, unit)


def _style_of(given: dict[str, str]) -> dict[str, str]:
    """The settings of an element: attributes, and the style, which counts more."""
    pairs = (setting.partition(":") for setting in given.get("style", "").split(";"))
    style = {name.strip(): value for name, _, value in pairs}
    words = {name: value.lower().replace("!important", "").strip() for name, value in style.items()}
    return given | {name.lower(): value for name, value in words.items()}


def _is_small(tag: str, given: dict[str, str], unit: float) -> bool:
    """Whether an element is too small to be seen, and what is in it is as well."""
    style = _style_of(given)
    limits = tag in _BOXES or style.get("overflow") in ("hidden", "clip", "scroll", "auto")
    edges = [style.get(name, "") for name in ("width", "height", "max-width", "max-height")]
    plots = "plotly-graph-div" in given.get("class", "")
    return (limits or plots) and any(_length(edge, unit) < SMALLEST for edge in edges)


def _length(value: str, unit: float = 1.0) -> float:
    """A length in pixels, about; infinity if it depends on what is around it."""
    found = re.match(r"\s*(\d+\.?\d*|\.\d+)\s*([a-z%]*)", value)
    if not found:
        return float("inf")
    number = float(found[1])
    return number * (_UNITS.get(found[2], 16) if found[2] else unit)


def _share(value: str) -> float:
    try:
        return float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        return 1.0
