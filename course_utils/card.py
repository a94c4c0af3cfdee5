"""The demo card of Stage 10: one HTML file that shows a classifier to people.

:func:`render` makes the page from plain parts and touches nothing else; :class:`Page` reads any
page again, for the checks; :func:`demo_card` is what a notebook calls: it collects the parts,
saves the file and shows it.
"""

from __future__ import annotations

import base64
import html
import io
import math
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_utils.evidence import Table, plain
from course_utils.pages import template
from course_utils.wording import names_in

TITLE = "My picture classifier"
DOES = "It looks at a tiny picture and says which of ten things the picture shows."
_TEMPLATE = "demo_card.html.j2"


class Facts(NamedTuple):
    """The four findings of the evidence table; None for one that is not there.

    ``accuracy``, ``top3`` and ``hardest_accuracy`` are shares from 0 to 1. ``hardest`` is the
    name of a class, or its number where a student gave that.
    """

    accuracy: float | None = None
    top3: float | None = None
    hardest: str | int | None = None
    hardest_accuracy: float | None = None


class Example(NamedTuple):
    """One picture with what the model said: names as text, ``confidence`` from 0 to 1."""

    picture: np.ndarray
    predicted: str
    true: str
    confidence: float


class Card(str):
    """The HTML of a demo card. Its file lies at ``path``."""

    path: Path | None = None

    def __repr__(self) -> str:
        place = f", saved as {self.path.parent.name}/{self.path.name}" if self.path else ""
        return f"<demo card with {len(self):,} characters{place}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # in place of the whole text of the page

    def _repr_html_(self) -> str:
        return preview(self)


# --- Numbers -----------------------------------------------------------------------------


def percent(share: float) -> str:
    """Write a share as percent. This is how every number of the card is written.

    "100%" and "0%" are kept for all and for none: 0.99996 is 99.9%, not 100.0%.

    >>> percent(0.6071), percent(0.99996), percent(1)
    ('60.7%', '99.9%', '100%')
    """
    if share in (0, 1):
        return f"{share:.0%}"
    return f"{min(max(100 * share, 0.1), 99.9):.1f}%"


def of_100(share: float) -> int:
    """How many of a hundred pictures a share stands for."""
    return min(100, max(0, math.floor(100 * share + 0.5)))


# --- Reading the evidence table ----------------------------------------------------------


def read_facts(value: Any, class_names: Iterable[str]) -> Facts:
    """Read the evidence table in any form that a student may choose.

    Parameters
    ----------
    value : object
        A dict, a DataFrame with one row or with one line for each finding, a Series, or pairs
        of a label and a value. Shares may be given as percent, and as text.
    class_names : iterable of str

    Returns
    -------
    Facts
    """
    names = list(class_names)
    found: dict[str, Any] = {}
    for label, entry in _pairs(value if isinstance(value, Table) else plain(value)):
        for kind, amount in _finding(str(label), entry, names):
            found.setdefault(kind, amount)
    return Facts(**found)


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    """A table's lines as (label, value); what lies in an inner dict has both labels."""
    if isinstance(value, Table):
        columns = list(value.columns.values())
        rows = [list(row) for row in zip(*columns, strict=True)]
        if any(isinstance(label, str) for label in value.index):
            return [(label, row[0]) for label, row in zip(value.index, rows, strict=True) if row]
        if len(rows) == 1:
            return list(zip(value.columns, rows[0], strict=True))
        return [(row[0], row[1]) for row in rows if len(row) > 1]
    if isinstance(value, dict):
        pairs = []
        for label, entry in value.items():
            inner = entry.items() if isinstance(entry, dict) else ()
            pairs += [(f"{label} {name}", item) for name, item in inner] or [(label, entry)]
        return pairs
    if isinstance(value, list):
        dicts = [pair for entry in value if isinstance(entry, dict) for pair in _pairs(entry)]
        rows = [entry for entry in value if isinstance(entry, list) and len(entry) > 1]
        return dicts + [(row[0], row[1] if len(row) == 2 else row[1:]) for row in rows]
    return []


def _finding(label: str, entry: Any, names: list[str]) -> list[tuple[str, Any]]:
    """What one line of the table says, as (field of Facts, value)."""
    words = re.sub(r"[^a-z0-9]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", label).lower())
    if re.search(r"before|after|stage 8|improve", words):
        return []  # another model's number
    entries = entry if isinstance(entry, list) else [entry]
    shares = [share for item in entries if (share := _share(item)) is not None]
    said = [n for item in entries if isinstance(item, str) for n in names_in(item, names)]
    if re.search(r"\b(hard|worst|weak|lowest|difficult)", words) or names_in(words, names):
        found: list[tuple[str, Any]] = [("hardest", names[number]) for number in said[:1]]
        number = plain(entry)
        is_share = re.search(r"acc|share|right|score|percent", words)
        if not said and not is_share and isinstance(number, int) and 0 <= number < len(names):
            return [("hardest", int(number))]
        return found + [("hardest_accuracy", share) for share in shares[:1]]
    if re.search(r"top ?(3|three|k)|three", words):
        return [("top3", share) for share in shares[:1]]
    if re.search(r"acc|score|top ?(1|one)|right|correct", words):
        return [("accuracy", share) for share in shares[:1]]
    return []


def _share(entry: Any) -> float | None:
    """A number, a one-element array, or text such as "53 %", as a share from 0 to 1."""
    if isinstance(entry, str):
        match = re.search(r"(\d*\.?\d+)\s*(%?)", entry)
        if not match:
            return None
        value = float(match.group(1))
        return value / 100 if match.group(2) or value > 1.5 else value
    if isinstance(entry, np.ndarray) and entry.size == 1 and entry.dtype.kind in "iuf":
        entry = entry.item()
    if isinstance(entry, bool) or not isinstance(entry, int | float) or not math.isfinite(entry):
        return None
    return float(entry) / 100 if entry > 1.5 else float(entry)


# --- The page ----------------------------------------------------------------------------


def render(
    *,
    name: str = "",
    title: str = "",
    does: str = "",
    facts: Facts | None = None,
    right: Example | str | None = None,
    wrong: Example | str | None = None,
    limitation: str = "",
    guess: str = "",
    improvement: dict[str, Any] | None = None,
    own: bool | None = None,
    pictures: str = "cifar10",
    tested: int = 0,
    class_names: Iterable[str] = (),
) -> str:
    """Return the page of a demo card.

    Parameters
    ----------
    name, title, does, limitation, guess : str
        The student's own words; empty for a part that is not there yet. They are escaped.
    facts : Facts, optional
    right, wrong : Example or str, optional
        Or, as text, what to say in place of the picture.
    improvement : dict, optional
        What Stage 8 kept: ``accuracy_before``, ``accuracy_after``, and if known ``fixed``,
        ``regressed`` and ``p_value``.
    own : bool, optional
        Whether the student trained the model; None if that is not known.
    pictures : {"cifar10", "practice"}
        What the model learned from.
    tested : int
        How many pictures the numbers come from; 0 if that is not known.
    class_names : iterable of str

    Returns
    -------
    str
        HTML that needs nothing but itself.

    Raises
    ------
    ImportError
        If Jinja2 is not installed.
    """
    names, facts = list(class_names), facts or Facts()
    if isinstance(facts.hardest, int) and facts.hardest < len(names):
        facts = facts._replace(hardest=names[facts.hardest])
    return template(_TEMPLATE, {"percent": percent, "of_100": of_100}).render(
        name=name.strip(),
        title=title.strip() or TITLE,
        does=does.strip() or DOES,
        facts=facts,
        examples=[_as_parts("right", right), _as_parts("wrong", wrong)],
        limitation=limitation.strip(),
        guess=guess.strip(),
        improvement=_read_improvement(improvement),
        own=own,
        pictures=pictures,
        tested=tested,
        class_names=names,
        agrees=_named(guess, names) == _named(str(facts.hardest), names) != set(),
        dots=_dots,
    )


def _named(text: str, names: list[str]) -> set[int]:
    return set(names_in(text, names))


def _as_parts(kind: str, example: Example | str | None) -> dict[str, Any]:
    """What the template needs of one prediction."""
    if not isinstance(example, Example):
        return {"kind": kind, "instead": example or f"No {kind} prediction is chosen yet."}
    return {"kind": kind, "instead": "", "source": data_uri(example.picture)} | {
        key: getattr(example, key) for key in ("predicted", "true", "confidence")
    }


def data_uri(picture: np.ndarray) -> str:
    """Return a picture of shape (h, w, 3), uint8, as a PNG inside an address."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.asarray(picture, np.uint8)).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _read_improvement(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """The numbers of Stage 8, or None if the two accuracies are not both there."""
    given = given if isinstance(given, dict) else {}
    shares = {key: _share(given.get(key)) for key in ("accuracy_before", "accuracy_after")}
    if None in shares.values():
        return None
    counts = {key: plain(given.get(key)) for key in ("fixed", "regressed")}
    counts = {key: n if type(n) in (int, float) else None for key, n in counts.items()}
    chance = plain(given.get("p_value"))
    return shares | counts | {"p_value": chance if isinstance(chance, float) else None}


def _dots(filled: int) -> dict[str, str]:
    """A hundred dots in ten rows as the paths of two drawings: those filled, and the others."""
    places = [f"M{10 * (n % 10) + 5} {10 * (n // 10) + 5}h.01" for n in range(100)]
    return {"filled": "".join(places[:filled]), "others": "".join(places[filled:])}


# --- Reading a page ----------------------------------------------------------------------

_ADDRESSES = ("src", "href", "srcset", "poster", "data", "action", "background", "xlink:href")
_IN_STYLE = re.compile(r"(?i)(?:url\(|@import\s+)([^);]*)")
_NEW_LINE = {"p", "div", "li", "tr", "br", "dt", "h1", "h2", "h3", "figure"}


class Page(HTMLParser):
    """What a page of HTML holds, whoever wrote it.

    Attributes
    ----------
    text, captions : str
        All words that can be read; those inside its figures.
    rows : list of list of str
        The cells of its tables.
    pictures : list of (source, alt)
    outside : list of str
        Addresses of all that is not in the page itself.
    """

    def __init__(self, markup: str):
        super().__init__(convert_charrefs=True)
        self.text = self.captions = ""
        self.rows: list[list[str]] = []
        self.pictures: list[tuple[str, str]] = []
        self.outside: list[str] = []
        self._open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.pictures.append((given.get("src", ""), given.get("alt", "").strip()))
        self._note(given[name] for name in _ADDRESSES if name in given)
        self._note(_IN_STYLE.findall(given.get("style", "")))
        if tag in ("tr", "td", "th"):
            self._end_cell()  # the end of a cell may go unsaid
        if tag in ("style", "script", "title", "figure", "td", "th"):
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        self.handle_data("\n" if tag in _NEW_LINE else " ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("tr", "table"):
            self._end_cell()
        if tag in self._open:
            del self._open[len(self._open) - 1 - self._open[::-1].index(tag) :]
        self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            self._note(_IN_STYLE.findall(data))
        if {"style", "script", "title"} & set(self._open):
            return
        self.text += data
        if "figure" in self._open:
            self.captions += data
        if {"td", "th"} & set(self._open) and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data

    def _end_cell(self) -> None:
        self._open = [tag for tag in self._open if tag not in ("td", "th")]

    def _note(self, addresses: Iterable[str]) -> None:
        cleaned = (address.strip(" '\"\n") for address in addresses)
        self.outside += [a for a in cleaned if a and not re.match(r"(?i)data:|#|mailto:", a)]


# --- What a notebook calls ---------------------------------------------------------------


def preview(page: str, height: int = 760) -> str:
    """Return HTML that shows a page inside a notebook, apart from everything around it.

    The page stands in a frame that may not run or load anything. Colab and JupyterLab both
    show it; a program that does not can still say where the page is.
    """
    # The frame stands inside a div: IPython warns of HTML that is nothing but a frame.
    return (
        f'<div><iframe title="Preview of the demo card" sandbox="" srcdoc="{html.escape(page)}" '
        f'style="width: 100%; max-width: 1120px; height: {height}px; border: 1px solid #8a94a0; '
        'border-radius: 12px; background: #fff"></iframe></div>'
    )


def demo_card(
    name: str = "",
    evidence: Any = None,
    right: Any = None,
    wrong: Any = None,
    limitation: str = "",
    *,
    title: str = "",
    does: str = "",
    path: str | Path = "demo_card.html",
) -> Card:
    """Build a demo card, save it as one HTML file, show it, and return it.

    What the stage began with gives the rest: the pictures, what the model answers for them, the
    guess of Stage 2 and the comparison of Stage 8. A part that is still ``...`` or cannot be
    used gives a sentence on the card that says so.

    Parameters
    ----------
    name : str
        A first name: the card may be shown in public.
    evidence : dict, DataFrame or the like
        See :func:`read_facts`.
    right, wrong : int
        The numbers of a rightly and of a wrongly predicted test picture.
    limitation : str
        One sentence.
    title, does : str, optional
        The headline, and a sentence on what the model does.
    path : str or Path, default="demo_card.html"
        Where to save; a relative path is meant within the workspace folder.

    Returns
    -------
    Card
        The HTML as text.

    Raises
    ------
    RuntimeError
        Before :func:`course_utils.resume`.
    ImportError
        If Jinja2 is not installed.
    """
    from course_utils.workbook import at_hand, paused

    begun, workspace = at_hand()
    if begun is None or workspace is None or begun.answers is None:
        raise RuntimeError("Run the two cells at the top first. Then build the card.")
    names = list(begun.values.class_names)
    found = begun.work.get("findings") or {}
    answers = begun.answers()
    with paused():
        card = Card(
            render(
                name=_text(name),
                title=_text(title),
                does=_text(does),
                facts=read_facts(evidence, names),
                right=_look_up("right", right, begun, answers, names),
                wrong=_look_up("wrong", wrong, begun, answers, names),
                limitation=_text(limitation),
                guess=_text(found.get("guess")),
                improvement=found.get("improvement"),
                own=begun.own,
                pictures=begun.kind,
                tested=len(begun.labels),
                class_names=names,
            )
        )
        if len(_text(name).split()) > 1:
            print("A first name is enough. The card may be shown in public.")
        card.path = _save(card, workspace.folder / path)
        _show(card)
    return card


def _text(value: Any) -> str:
    """A student's text; empty if it is still blank or no text at all."""
    value = plain(value)
    return str(value) if isinstance(value, str | int | float) else ""


def _look_up(
    kind: str, number: Any, begun: Any, answers: np.ndarray, names: list[str]
) -> Example | str | None:
    """The prediction with this number, or a sentence if it cannot stand on the card."""
    number = plain(number)
    if number is None:
        return None
    if isinstance(number, np.ndarray | list) and np.size(number) == 1:
        number = np.asarray(number).item()
    whole = isinstance(number, int | float) and float(number).is_integer()
    if isinstance(number, bool) or not whole:
        return f"{kind} needs the number of one picture, such as {kind}=12."
    number = int(number)
    if not 0 <= number < len(begun.labels):
        return f"There is no picture {number}. The numbers go from 0 to {len(begun.labels) - 1}."
    predicted, true = names[int(answers[number].argmax())], names[int(begun.labels[number])]
    if (predicted == true) != (kind == "right"):
        return (
            f"Picture {number} is not a {kind} prediction. The model says {predicted}, and the "
            f"true name is {true}."
        )
    return Example(begun.pictures[number], predicted, true, float(answers[number].max()))


def _save(card: Card, place: Path) -> Path | None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(card.encode("utf-8", "replace"))
    except OSError as error:
        print(f"The card cannot be saved as {place.name} ({error.strerror}).")
        return None
    print(f"Saved as {place.parent.name}/{place.name} ({len(card) / 1000:.0f} kB).")
    return place


def _show(card: Card) -> None:
    try:
        from IPython import get_ipython
        from IPython.display import HTML, display
    except ImportError:
        return
    if get_ipython() is not None:
        display(HTML(preview(card)))
