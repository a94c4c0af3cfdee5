"""Mend a submission before anything in it runs, with the released notebook as the pattern.

The student's own code stays where it is and runs in the student's own order. What the course put
there (setup, checks, names, points) comes from the released notebook again. A cell is known by
the line that names it (``# answer: find_wrong``), then by its nbgrader metadata, its id, its
heading, and in the end by its place.
"""

from __future__ import annotations

import copy
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import PurePath
from textwrap import dedent
from urllib.parse import unquote

import nbformat
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from autograder.reading import Cell, Reading, read, short
from autograder.release import MARKER, Release, bare, key, likeness, squeezed, stages

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COPY = re.compile(
    r"(?<![a-z])(copy|kopie|copie|copia)(?![a-z])|\(\d+\)|\.ipynb\.|\.(json|txt)$", re.IGNORECASE
)
_SOLUTION = "### BEGIN SOLUTION"  # stands in the published solutions only
_LIKE = 0.5  # the share of a line's words beyond which another line is that one, only changed
# Characters of one text, and of all: to show a longer one takes nbconvert very long.
_MOST_TEXT, _MOST_TEXTS = 10_000, 100_000
_MOST_CODE = 200_000  # of one cell
_MOST_PICTURES = 50
# Parts of the course by which a notebook could look at what is checked, or change it.
_MACHINERY = re.compile(
    r"\b(?:course_utils|cu)\.(?:checks|recorder)\b|\bworkbook\._|(?<!\w)(?:_Session\b|_reference\()"
    r"|\b(?:hand_out|course_claims)\b"
)
_IMPORTED = re.compile(r"\b(?:checks|recorder|CLAIMS)\b")  # names that a student may choose as well
_MOST_CELLS = 5  # are pointed out for it
_NO_PICTURE = b64encode(
    b'<svg xmlns="http://www.w3.org/2000/svg" width="220" height="30">'
    b'<text x="5" y="20" font-size="14">This picture is missing.</text></svg>'
).decode()
_AGAIN = "Ask the student to save the notebook and to hand it in again."


@dataclass(frozen=True)
class Examined:
    """What came of a submission.

    Attributes
    ----------
    notebook : NotebookNode or None
        The mended notebook, ready for nbgrader and for running; None with a reason.
    mended : tuple of str
        What was mended, one sentence each.
    decide : tuple of str
        What the teacher must decide or look at, one sentence each.
    reason : str
        Why it cannot be graded, and what to do; empty if it can.
    """

    notebook: NotebookNode | None
    mended: tuple[str, ...]
    decide: tuple[str, ...]
    reason: str = ""


def examine(content: bytes, released: NotebookNode, file_name: str = "") -> Examined:
    """Mend a submission.

    Parameters
    ----------
    content : bytes
        The file as it was handed in.
    released : NotebookNode
        The student notebook of the stage, as it was given out.
    file_name : str, default=""
        The file's name, to tell the teacher when it shows that it is a copy.

    Returns
    -------
    Examined
        A notebook, or a reason. Never raises, whatever the bytes are.
    """
    try:
        return _examine(content, released, file_name)
    except Exception as error:
        return Examined(
            None,
            (),
            (),
            f"The notebook cannot be examined ({type(error).__name__}). Open it in JupyterLab, "
            "save it, and grade it again.",
        )


def _examine(content: bytes, released: NotebookNode, file_name: str) -> Examined:
    reading, release = read(content), Release(released)
    whole = len(reading.cells)
    reading = replace(reading, cells=tuple(_taken_apart(reading.cells, release)))
    claims = _claims(reading.cells, release)
    if reason := reading.reason or _reason(reading, release, claims):
        return Examined(None, (), reading.decide, reason)
    mending = _Mending(reading, release, claims)
    if len(reading.cells) > whole:
        mending.mended.append("Cells had been merged into one. They are taken apart again.")
    mending.choose()
    mending.find_lost()
    mending.put_in_order()
    mending.restore()
    mended, decide = _about_the_name(file_name)
    return Examined(
        mending.notebook(),
        (*mended, *reading.mended, *mending.mended),
        (*decide, *reading.decide, *mending.decide),
    )


# --- Which cell is which -------------------------------------------------------------------------


def _taken_apart(cells: Iterable[Cell], release: Release) -> Iterator[Cell]:
    """The cells, with those that a student merged into one taken apart again."""
    for cell in cells:
        named = [m for m in MARKER.finditer(cell.source) if key(m) in release.markers]
        cuts = [b.start() for a, b in pairwise(named) if key(a) != key(b)]
        if cell.kind != "code" or not cuts:
            yield cell
            continue
        yield replace(cell, source=cell.source[: cuts[0]].rstrip("\n"))
        for begin, end in zip(cuts, [*cuts[1:], None], strict=True):
            yield Cell("code", cell.source[begin:end].rstrip("\n"))


def _claims(cells: Iterable[Cell], release: Release) -> dict[str, list[Cell]]:
    """The cells that may be a graded one, by its grade id, in the student's order."""
    claims: dict[str, list[Cell]] = {}
    for cell in cells:
        if name := release.named_in(cell) or release.named_around(cell):
            claims.setdefault(name, []).append(cell)
    return claims


def _reason(reading: Reading, release: Release, claims: dict[str, list[Cell]]) -> str:
    """Why a notebook that can be read cannot be graded."""
    said = list(stages(reading.cells))
    names = [name for name in release.graded if name not in release.leading]
    found = [name for name in names if name in claims]
    if release.stage not in said and len(found) < len(names) / 2 and (said or not found):
        seems = f"It seems to be Stage {said[0]}. " if said else ""
        return (
            f"The notebook has {len(found)} of the {len(names)} graded cells of Stage "
            f"{release.stage}. {seems}Ask the student for the right notebook."
        )
    longest = max((len(cell.source) for cell in reading.cells if cell.kind == "code"), default=0)
    if longest > _MOST_CODE:
        return (
            f"A code cell has {longest:,} characters, and at most {_MOST_CODE:,} are run. Ask the "
            "student to load data from a file."
        )
    lost = [name for name in release.paid if name not in claims]
    if reading.damaged and lost:
        return (
            f"The file is cut off or damaged: {len(reading.cells)} cells could be read, and of "
            f"the answers these are missing: {', '.join(lost)}. {_AGAIN}"
        )
    return ""


# --- Mending -------------------------------------------------------------------------------------


class _Mending:
    """The cells of one submission on their way to a notebook; the steps run in their order."""

    def __init__(self, reading: Reading, release: Release, claims: dict[str, list[Cell]]):
        self.reading, self.release, self.claims = reading, release, claims
        self.cells = list(reading.cells)
        self.chosen: dict[str, Cell] = {}  # by grade id
        self.new: list[Cell] = []  # put in from the release
        self.known = {  # their places in the release
            cell: place for cell in self.cells if (place := release.place_of(cell)) is not None
        }
        self.told: dict[str, list[str]] = {}  # what was mended, in which cells
        self.mended: list[str] = []
        self.decide: list[str] = []
        if reading.damaged:
            self.decide.append(
                f"The file is cut off or damaged. {len(self.cells)} cells could be read, with all "
                "answers that give points. Look whether they are whole."
            )
        if any(_SOLUTION in cell.source for cell in self.cells):
            self.decide.append("The notebook holds marks of the published solution.")

    def _tell(self, sentence: str, name: str) -> None:
        self.told.setdefault(sentence, []).append(name)

    # --- which copy counts

    def choose(self) -> None:
        """Choose one cell for each grade id. Copies without a student's work go."""
        checks = {answer: self.claims.get(c, []) for answer, c in self.release.check_of.items()}
        for name in filter(self.claims.get, self.release.graded):
            cells = self.claims[name]
            end = max(map(self.cells.index, checks.get(name, [])), default=len(self.cells))
            best = self._best(name, cells, end)
            self._take(name, best)
            others = [cell for cell in cells if cell is not best]
            locked = self.release.is_locked(name)
            # A blank copy would run, and take the names back that the answer has filled.
            empty = [c for c in others if locked or self.release.is_blank(name, c)]
            for cell in empty:
                self.cells[self._at(cell) : self._at(cell) + 1] = self._added(name, cell)
            if empty:
                self._tell("These cells stood there more than once, and one of each counts", name)
            if any(bare(cell.source) != bare(best.source) for cell in others if cell not in empty):
                self.decide.append(
                    f"More than one cell holds an answer to {name}. The one that begins with "
                    f"{_begin(best)!r} counts. The others stay in their place, without points."
                )

    def _best(self, name: str, cells: list[Cell], end: int) -> Cell:
        """The copy that counts: filled in, named in its text, and the last before its check."""
        kind = self.release.graded[name].cell_type
        for good in (
            lambda cell: not self.release.is_blank(name, cell),
            lambda cell: self.release.named_in(cell) == name,
            lambda cell: cell.kind == kind,
            lambda cell: self._at(cell) < end,
        ):
            cells = [cell for cell in cells if good(cell)] or cells
        return cells[0 if name in self.release.leading else -1]

    def find_lost(self) -> None:
        """Find answers that have lost every name, by their place among the other cells."""
        for name in self.release.answers:
            if name in self.chosen:
                continue
            kind = self.release.graded[name].cell_type
            own = [cell for cell in self._around(name) if cell.kind == kind]
            if not own:
                continue
            blank = self.release.graded[name].source
            best = max(own, key=lambda cell: likeness(blank, cell.source))
            self._take(name, best)
            if name in self.release.written:
                self.decide.append(
                    f"The written answer {name} has lost its heading. In its place stands a text "
                    f"that begins with {_begin(best)!r}. Look whether it is the answer."
                )
            else:
                self._tell("These cells had lost their names, and are known by their place", name)

    def _around(self, name: str) -> list[Cell]:
        """The student's own cells between the neighbours of a cell in the release."""
        place, known = self.release.index[name], self.known
        before = [n for n, cell in enumerate(self.cells) if known.get(cell, place) < place]
        after = [n for n, cell in enumerate(self.cells) if known.get(cell, place) > place]
        begin = max(before, key=lambda n: known[self.cells[n]], default=-1)
        end = min(after, key=lambda n: known[self.cells[n]], default=len(self.cells))
        part = self.cells[begin + 1 : end]
        claimed = {cell for cells in self.claims.values() for cell in cells}
        return [c for c in part if c not in known and c not in claimed and c.source.strip()]

    def _take(self, name: str, cell: Cell) -> None:
        self.chosen[name] = cell
        self.known[cell] = self.release.index[name]

    # --- where it stands

    def put_in_order(self) -> None:
        """Put back what is missing, and what must stand before or after something else."""
        checked = {check: answer for answer, check in self.release.check_of.items()}
        for name in self.release.graded:
            mine = self.chosen.get(name)
            if mine is not None and not self._is_misplaced(name, checked.get(name)):
                continue
            if mine is None:
                released = self.release.graded[name]
                mine = Cell(released.cell_type, released.source, released.id)
                self.new.append(mine)
                self._say_missing(name)
            else:
                self.cells.remove(mine)
                where = "after their answers" if name in checked else "at the top"
                self._tell(f"These cells had been moved, and stand {where} again", name)
            self.cells.insert(self._place_for(name, checked.get(name)), mine)
            self._take(name, mine)

    def _say_missing(self, name: str) -> None:
        if name in self.release.written:
            self.decide.append(
                f"The written answer {name} is missing. A blank one is in its place."
            )
        elif name in self.release.answers:
            self._tell("These answer cells were missing, and are in their place again, blank", name)
        else:
            self._tell("These cells were missing, and are in their place again", name)

    def _is_misplaced(self, name: str, answer: str | None) -> bool:
        place = self._at(self.chosen[name])
        if answer:
            return place < self._at(self.chosen[answer])
        return name in self.release.leading and place > self._first_after(name)

    def _first_after(self, name: str) -> int:
        """Where the first of the graded cells stands that come later in the release."""
        place = self.release.index[name]
        later = [c for other, c in self.chosen.items() if self.release.index[other] > place]
        return min(map(self._at, later), default=len(self.cells))

    def _place_for(self, name: str, answer: str | None) -> int:
        known, place = self.known, self.release.index[name]
        if answer:  # the student's own cells after an answer may belong to it
            at = self._at(self.chosen[answer]) + 1
            while at < len(self.cells) and self.cells[at] not in known:
                at += 1
            return at
        # As early as possible: a blank must not run after what the student wrote instead.
        before = [n for n, cell in enumerate(self.cells) if known.get(cell, place) < place]
        at = max(before, key=lambda n: known[self.cells[n]], default=-1) + 1
        if not before:
            at = min((n for n, cell in enumerate(self.cells) if cell in known), default=0)
        if name in self.release.leading:
            return min(at, self._first_after(name))
        return max([at, *(self._at(self.chosen[lead]) + 1 for lead in self.release.leading)])

    def _at(self, cell: Cell) -> int:
        return self.cells.index(cell)

    # --- what it holds

    def restore(self) -> None:
        """Give the graded cells their kinds, their names, and the locked ones their text."""
        for name, cell in self.chosen.items():
            released = self.release.graded[name]
            if cell in self.new:
                continue
            if cell.kind != released.cell_type:
                self._tell("These cells had another type, and have their own again", name)
                cell.kind = released.cell_type
            if cell.nbgrader != released.metadata.nbgrader:
                self._tell("The grading data of these cells was lost or changed, and is back", name)
            if self.release.is_locked(name):
                self._restore_text(name, cell)
        graded = set(self.chosen.values())
        if any(cell.nbgrader is not None for cell in self.cells if cell not in graded):
            self.mended.append("Cells that are not graded held grading data. It is left out.")
        self._point_out_machinery()
        if all(self.release.is_blank(name, self.chosen[name]) for name in self.release.answers):
            self.decide.append("Every answer is blank. Ask whether this is the right file.")

    def _point_out_machinery(self) -> None:
        """Tell of cells that mention what no step needs; they run, and cost nothing."""
        names = {cell: name for name, cell in self.chosen.items()}
        found = [
            (names.get(cell), cell, words)
            for cell in self.cells
            if cell.kind == "code"
            and not (cell in names and self.release.is_locked(names[cell]))
            and (words := _machinery_in(cell.source))
        ]
        for name, cell, words in found[:_MOST_CELLS]:
            which = f"The answer {name}" if name else f"A cell that begins with {_begin(cell)!r}"
            self.decide.append(
                f"{which} mentions {', '.join(words)}: the course's own machinery, which no step "
                "needs. Look what it does."
            )
        if more := len(found[_MOST_CELLS:]):
            self.decide.append(f"The same holds for more of its cells: {more}.")

    def _restore_text(self, name: str, cell: Cell) -> None:
        released = self.release.graded[name].source
        if squeezed(cell.source) != squeezed(released):
            own, at = self._added(name, cell), self._at(cell)
            at += name in self.release.leading  # after a setup; before a check, which judges it
            self.cells[at:at] = own
            self._tell("These cells were changed, and are as released again", name)
            if own:
                self._tell("What was added to these cells stands in a cell beside each", name)
        cell.source = released

    def _added(self, name: str, cell: Cell) -> list[Cell]:
        """What a student added to a locked cell, as a cell of its own; an empty list without."""
        if not self.release.is_locked(name):
            return []
        old, new = self.release.graded[name].source.splitlines(), cell.source.splitlines()
        steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        lines = [
            line
            for step, a, b, c, d in steps
            if step != "equal"
            for line in new[c:d]
            if not any(likeness(gone, line) > _LIKE for gone in old[a:b])  # changed, not added
        ]
        text = MARKER.sub("", dedent("\n".join(lines))).strip()
        return [Cell("code", text)] if text else []

    # --- the notebook

    def notebook(self) -> NotebookNode:
        """Return all that was mended as a notebook in format 4.5."""
        names = {cell: name for name, cell in self.chosen.items()}
        for sentence, told in self.told.items():
            some = f"all {len(told)}" if len(told) == len(self.release.graded) else ", ".join(told)
            self.mended.append(f"{sentence}: {some}.")
        ids = self._ids(names)
        self._shorten()
        cells = []
        for cell in self.cells:
            made = {"cell_type": cell.kind, "id": ids[cell], "metadata": {}, "source": cell.source}
            if cell in names:
                made["metadata"] = copy.deepcopy(self.release.graded[names[cell]].metadata)
            if cell.kind == "code":
                made |= {"execution_count": None, "outputs": []}
            elif cell.kind == "markdown":
                pictures, missing = _with_all_pictures(cell)
                made |= {"attachments": pictures} if pictures else {}
                self.decide += [
                    f"A picture is missing in a text: {short(unquote(m))}." for m in missing
                ]
            cells.append(made)
        if self.reading.records:  # all in one place, in their order: the last one counts
            page = "\n".join(f"<!-- {record} -->" for record in self.reading.records)
            first = next(made for made in cells if made["cell_type"] == "code")
            first["outputs"] = [nbformat.v4.new_output("display_data", {"text/html": page})]
        metadata = copy.deepcopy(self.release.notebook.metadata)
        kernel = metadata.get("kernelspec", {}).get("name")
        if self.reading.kernel != kernel and not self.reading.damaged:
            asked = self.reading.kernel or "no kernel"
            self.mended.append(f"The notebook asked for {asked}. It runs with {kernel}.")
        whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        return nbformat.from_dict(whole)

    def _shorten(self) -> None:
        """Cut texts that are longer than anybody reads."""
        left = _MOST_TEXTS
        for cell in self.cells:
            most = min(_MOST_TEXT, left)
            if cell.kind != "code" and len(cell.source) > most:
                self.decide.append(
                    f"A text of {len(cell.source):,} characters is cut to {most:,}. It begins with "
                    f"{_begin(cell)!r}."
                )
                cell.source = cell.source[:most]
            left -= len(cell.source) if cell.kind != "code" else 0

    def _ids(self, names: dict[Cell, str]) -> dict[Cell, str]:
        """An id for every cell: the released one, the student's own, or a new one."""
        ids = {cell: self.release.graded[name].id for cell, name in names.items()}
        taken = {cell.id for cell in self.release.graded.values()}
        free = iter(range(1, 1 + len(self.cells) * 2))
        present = {cell.id for cell in self.cells} | taken
        changed = sum(cell.id != ids[cell] for cell in names)
        for cell in self.cells:
            if cell in names:
                continue
            known = ""
            if cell in self.known:
                known = self.release.notebook.cells[self.known[cell]].id
            wanted = [i for i in (cell.id, known) if _ID.fullmatch(i) and i not in taken]
            new = (f"own-{n}" for n in free)
            ids[cell] = next(iter(wanted), None) or next(i for i in new if i not in present)
            changed += ids[cell] != cell.id
            taken.add(ids[cell])
        if changed:
            self.mended.append(f"Cells that had no id, or a wrong one, have one now: {changed}.")
        return ids


def _machinery_in(source: str) -> list[str]:
    """The parts of the course's machinery that code mentions, each once."""
    found = _MACHINERY.findall(source)
    for line in source.splitlines():
        if "course_utils" in line and not _MACHINERY.search(line):
            found += _IMPORTED.findall(line)
    return list(dict.fromkeys(found))


def _begin(cell: Cell) -> str:
    """How a cell begins, after the line that names it."""
    return short(MARKER.sub("", cell.source, count=1))


def _with_all_pictures(cell: Cell) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The pictures of a text, and the names of those that are missing.

    nbconvert makes no feedback page for a text that names a picture which is not there. It knows
    pictures by their names as they stand in an address, so what it asks for is put there.
    """
    pictures, missing = dict(cell.attachments), []
    for _ in range(_MOST_PICTURES if "attach" in cell.source else 0):
        try:
            renderer = IPythonRenderer(escape=False, attachments=pictures)
            MarkdownWithMath(renderer=renderer).render(cell.source)
            break
        except InvalidNotebook as error:
            name = str(error).removeprefix("missing attachment: ")
            if unquote(name) not in pictures:
                missing.append(name)
            pictures[name] = pictures.get(unquote(name), {"image/svg+xml": _NO_PICTURE})
    return pictures, missing


def _about_the_name(file_name: str) -> tuple[list[str], list[str]]:
    """What a file's name tells, as mended and to decide."""
    name = PurePath(file_name.replace("\\", "/")).name
    if "-checkpoint" in name:
        words = "is a copy that Jupyter keeps beside a notebook. It may be an older state."
        return [], [f"The file {short(name)} {words}"]
    if _COPY.search(name):
        return [f"The file's name, {short(name)}, is that of a copy. The name changes nothing."], []
    return [], []
