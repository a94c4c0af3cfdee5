"""Read whatever was handed in as a notebook: its cells and its records, and nothing else.

Every program saves notebooks in its own way, and files get damaged on their way. nbformat stops
at the first thing that the format does not allow. Here only a few things matter (the text of the
cells, what names them, the student's record), so they are looked for wherever they stand, and
all the rest is left behind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MOST_BYTES = 200_000_000
MOST_CELLS = 5_000
_LARGE = 10_000_000  # bytes; from here on the teacher is told where they went
_RECORD = re.compile(r"course-record:\S+")  # and then to the last ":end" in it, in linear time
_LONGEST_RECORD = 2_000_000  # characters; the course writes less than a tenth of that
_CELL_BEGINS = re.compile(
    r'\{(?=\s*"(?:attachments|cell_type|execution_count|id|input|metadata|outputs|source)"\s*:)'
)
_MOST_DAMAGE = 20  # places at which a damaged file is read on; each may cost a look at all of it
_SIGNS = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip file or an Office document"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"\x1f\x8b", "a packed file (gzip)"),
    (b"\x89HDF", "a saved model"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_WEB_PAGE = re.compile(r"<(?:!doctype|html|head|body|\?xml|VSCode)", re.IGNORECASE)
_PROGRAM = re.compile(r"^(?:#!.*python|# In\s?\[|# %%|# coding|import \w|from \w+ import )", re.M)
_ASK = "Ask the student for the notebook itself, the file that ends in .ipynb."


@dataclass(eq=False)
class Cell:
    """One cell of a submission: what of it matters.

    Attributes
    ----------
    kind : str
        ``"code"``, ``"markdown"`` or ``"raw"``.
    source : str
    id : str
        Its own id, or the one that Colab keeps in the metadata; empty without.
    nbgrader : Any
        What stands under ``nbgrader`` in its metadata; None without.
    attachments : dict
        Pictures in a text, as nbformat has them.
    """

    kind: str
    source: str
    id: str = ""
    nbgrader: Any = None
    attachments: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What could be read of a file.

    Attributes
    ----------
    cells : tuple of Cell
    records : tuple of str
        The student's records in the outputs, in their order.
    damaged : bool
        Whether a part of the file is missing or could not be read.
    kernel : str
        The name of the kernel that the notebook asks for, or empty.
    mended, decide : tuple of str
        Sentences for the teacher.
    reason : str
        Why it is no notebook, and what to do; empty if it is one.
    """

    cells: tuple[Cell, ...] = ()
    records: tuple[str, ...] = ()
    damaged: bool = False
    kernel: str = ""
    mended: tuple[str, ...] = ()
    decide: tuple[str, ...] = ()
    reason: str = ""


def read(content: bytes) -> Reading:
    """Read a submission.

    Parameters
    ----------
    content : bytes
        The file as it was handed in.

    Returns
    -------
    Reading
    """
    if len(content) > MOST_BYTES:
        return Reading(
            reason=f"The file is larger than {MOST_BYTES / 1e6:.0f} MB. Ask the student to clear "
            "all outputs, to run the check cells again, and to hand it in again."
        )
    if not content.strip(b"\0 \t\r\n"):
        return Reading(reason=f"The file is empty. {_ASK}")
    text, mended, decide = _decode(content)
    try:
        whole, damaged = json.loads(text, strict=False), False
    except (ValueError, RecursionError):
        whole, damaged = _undamaged_cells(text), True
    raw = list(_cells_in(whole))
    if not raw:
        return Reading(reason=_no_notebook(content, text, whole, damaged))
    if len(raw) > MOST_CELLS:
        return Reading(
            reason=f"The notebook has {len(raw):,} cells, and at most {MOST_CELLS:,} are graded. "
            "Ask the student to delete those that do not belong to it."
        )
    cells = tuple(map(_cell, raw))
    outputs = text if damaged else [cell.get("outputs") for cell in raw]
    records = [found for part in _strings(outputs) for found in _records(part)]
    head = whole if isinstance(whole, dict) else {}
    about = _dict(head.get("metadata"))
    if not damaged:
        mended += _habits(head, about, raw)
    if len(content) > _LARGE:
        mended.append(
            f"The file has {len(content) / 1e6:.0f} MB, most of them output. Grading makes all "
            "output anew."
        )
    kernel = _dict(about.get("kernelspec"))
    language = kernel.get("language") or _dict(about.get("language_info")).get("name") or "python"
    if str(language).lower() not in ("python", "python3", "ipython"):
        language = short(str(language))
        decide.append(f"The notebook says that it is written in {language}. It runs as Python.")
    return Reading(
        cells,
        tuple(dict.fromkeys(reversed(records)))[::-1],  # of the same ones, the last counts
        damaged,
        short(_plain(kernel.get("name"))),
        tuple(mended),
        tuple(decide),
    )


# --- From bytes to text --------------------------------------------------------------------


def _decode(content: bytes) -> tuple[str, list[str], list[str]]:
    """The text, what was mended in it, and what to look at."""
    mended, decide = [], []
    encoding = json.detect_encoding(content)  # by a mark at its begin, or by where zeros stand
    text = content.decode(encoding, errors="replace")
    if not encoding.startswith("utf-8") and '"cell' in text:
        mended.append(f"The file was stored as {encoding[:6].upper()}. It is UTF-8 now.")
    else:
        text, lost = _decode_8(content)
        if lost == "cp1252":
            mended.append("The file was stored as Windows-1252. It is UTF-8 now.")
        elif lost:
            decide.append(f"The file is damaged: {lost} characters are lost. Each is a � now.")
    if "\0" in text:
        text = text.replace("\0", "")
        mended.append("The file held zero bytes. They are left out.")
    return text, mended, decide


def _decode_8(content: bytes) -> tuple[str, str]:
    """The text, and how many characters are lost or in which other encoding it was."""
    try:
        return content.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        text = content.decode("utf-8-sig", errors="replace")
    lost = text.count("\ufffd")
    others = len(text) - len(text.encode("ascii", errors="ignore"))
    if lost > others - lost:  # hardly anything beyond ASCII is UTF-8
        return content.decode("cp1252", errors="replace"), "cp1252"
    return text, str(lost)


def _no_notebook(content: bytes, text: str, whole: Any, damaged: bool) -> str:
    """Why there are no cells, and what to do."""
    if not damaged:
        if isinstance(whole, dict) and ("cells" in whole or "worksheets" in whole):
            return f"The notebook has no cells. {_ASK}"
        return f"The file is JSON, but no notebook: it has no cells. {_ASK}"
    for sign, name in _SIGNS:
        if content.startswith(sign):
            return f"The file looks like {name}, not like a notebook. {_ASK}"
    if text.lstrip()[:1] == "{":
        return (
            "The file begins like a notebook, but it is cut off or damaged: 0 cells could be "
            "read. Ask the student to save the notebook and to hand it in again."
        )
    if _WEB_PAGE.search(text[:1000]):
        return f"The file looks like a web page, not like a notebook. {_ASK}"
    if _PROGRAM.search(text[:5000]):
        return f"The file looks like a Python program, not like a notebook. {_ASK}"
    return f"The file is not a notebook: it is not JSON. {_ASK}"


# --- From JSON to cells ----------------------------------------------------------------------


def _undamaged_cells(text: str) -> list[dict]:
    """The cells of a notebook that is no JSON any more: cut off, or damaged in a few places."""
    decoder, cells, place, damage = json.JSONDecoder(strict=False), [], 0, 0
    for begin in _CELL_BEGINS.finditer(text):
        if begin.start() < place:
            continue  # within what was read already
        try:
            value, place = decoder.raw_decode(text, begin.start())
        except (ValueError, RecursionError):
            damage += 1
            if damage == _MOST_DAMAGE:
                break
            continue
        cells += _cells_in(value)
    return cells


def _cells_in(whole: Any) -> Iterator[dict]:
    """All cells, wherever they stand: also in the worksheets of format 3, or nested."""
    waiting = [whole]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            keys = value.keys()
            if keys & {"source", "input"} or keys >= {"cell_type", "metadata"}:
                yield value
            else:
                waiting += reversed([part for key, part in value.items() if key != "metadata"])


def _cell(raw: dict) -> Cell:
    about = _dict(raw.get("metadata"))
    kind = str(raw.get("cell_type")).lower()
    source = _text_of(raw["source"] if "source" in raw else raw.get("input"))
    if kind == "heading":  # of format 3
        level = raw.get("level")
        level = level if isinstance(level, int) and 1 <= level <= 6 else 1
        source = f"{'#' * level} {source}"
    if kind not in ("code", "markdown", "raw"):
        kind = "code" if {"outputs", "execution_count", "input"} & raw.keys() else "markdown"
    return Cell(
        kind,
        source,
        next(filter(None, (_plain(raw.get("id")), _plain(about.get("id")))), ""),
        about.get("nbgrader"),
        _attachments(raw.get("attachments")) if kind == "markdown" else {},
    )


def _text_of(source: Any) -> str:
    """A source: one text, or a list of lines, which may have lost their ends."""
    parts = source if isinstance(source, list) else [source]
    lines = [_plain("".join(_strings(part))) for part in parts]
    ends = any(line.splitlines() != line.splitlines(keepends=True) for line in lines[:-1])
    return ("" if ends else "\n").join(lines).replace("\r\n", "\n").replace("\r", "\n")


def _attachments(value: Any) -> dict[str, dict[str, str]]:
    pictures = {}
    for name, bundle in _dict(value).items():
        data = {_plain(kind): "".join(_strings(part)) for kind, part in _dict(bundle).items()}
        if any(data.values()):
            pictures[_plain(name)] = {kind: _plain(part) for kind, part in data.items()}
    return pictures


def _plain(value: Any) -> str:
    """A text that can be stored as UTF-8; nothing for what is no text."""
    text = value if isinstance(value, str) else ""
    return text.replace("\0", "").encode("utf-8", errors="replace").decode("utf-8")


def _dict(value: Any) -> dict:
    return value if isinstance(value, dict) else {}


def short(text: str) -> str:
    """Return a text in one line that fits into a sentence."""
    line = " ".join(text[:1000].split())
    return line if len(line) <= 80 else f"{line[:76]} ..."


def _records(text: str) -> Iterator[str]:
    for found in _RECORD.findall(text):
        body, end, _ = found.rpartition(":end")
        if end and len(found) < _LONGEST_RECORD:
            yield _plain(body + end)


def _strings(value: Any) -> Iterator[str]:
    """All texts in a value, whatever its form; a list of texts is one text."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            waiting += reversed(part.values())
        elif isinstance(part, list):
            lines = [line for line in part if isinstance(line, str)]
            waiting += [line for line in reversed(part) if not isinstance(line, str)]
            yield "".join(lines)


def _habits(head: dict, about: dict, raw: list[dict]) -> list[str]:
    """What the program that saved the file does differently."""
    said = []
    numbers = head.get("nbformat"), head.get("nbformat_minor")
    if numbers != (4, 5):
        major, minor = (number if isinstance(number, int) else "?" for number in numbers)
        said.append(f"The file was in notebook format {major}.{minor}. It is 4.5 now.")
    for widgets in _dict(about.get("widgets")).values():
        if "state" not in _dict(widgets):
            said.append("The notebook kept widgets without their state. They are left out.")
            break
    if any("\r" in part for cell in raw for part in _strings(cell.get("source"))):
        said.append("Lines ended as on Windows. They end as in every notebook now.")
    return said
