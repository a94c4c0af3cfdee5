"""The released notebook as a pattern: which cell of a submission is which of its cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise

from nbformat import NotebookNode

from autograder.reading import Cell

MARKER = re.compile(r"^#+[ \t]*(answer|check|deeper)[ \t]*:[ \t]*(\w+)", re.MULTILINE | re.I)
_CALL = re.compile(  # all of a check cell, also of one that was typed again
    r"""(?:\s*(?:\#|import\ )[^\n]*\n)*\s*\w+\.check\(\s*["'](\w+)["']\s*\)\s*""", re.VERBOSE
)
_STAGE = re.compile(r"start\(\s*stage\s*=\s*(\d+)|^# Stage (\d+)\b", re.MULTILINE)
_LIKE = 0.5  # the share of a locked cell's words from which on it is that cell, only changed


class Release:
    """A released notebook, with its graded cells by what they can be known by.

    Parameters
    ----------
    notebook : NotebookNode
        The student notebook of a stage, as it was given out.

    Attributes
    ----------
    graded : dict of str to NotebookNode
        All cells with nbgrader metadata, by their grade id, in order.
    index : dict of str to int
        Their places in the notebook.
    answers, written, paid, leading : list of str
        Grade ids: of what students fill in; of what a teacher reads; of the answers that give
        points; of the locked cells at the top, such as the setup.
    check_of : dict of str to str
        The locked cell that judges an answer.
    """

    def __init__(self, notebook: NotebookNode):
        self.notebook = notebook
        self.graded = {_grade_id(cell): cell for cell in notebook.cells if _grade_id(cell)}
        self.index = {
            _grade_id(cell): n for n, cell in enumerate(notebook.cells) if _grade_id(cell)
        }
        self.answers = [name for name in self.graded if self._is(name, "solution")]
        self.written = [name for name in self.answers if self._is(name, "grade")]
        self.check_of = {
            name: check
            for name, check in pairwise(self.graded)
            if name in self.answers and self.is_locked(check)
        }
        self.paid = [n for n in self.answers if self._is(self.check_of.get(n, n), "grade")]
        checks = self.check_of.values()
        self.leading = [n for n in self.graded if self.is_locked(n) and n not in checks]
        self._by_id = {cell.id: n for n, cell in enumerate(notebook.cells)}
        self._by_source = {squeezed(cell.source): n for n, cell in enumerate(notebook.cells)}

    @cached_property
    def markers(self) -> dict[tuple[str, str], str]:
        """Grade ids, by what the first line of their cell says."""
        found = {name: MARKER.match(cell.source) for name, cell in self.graded.items()}
        return {key(match): name for name, match in found.items() if match}

    @cached_property
    def _calls(self) -> dict[str, str]:
        found = {name: _CALL.fullmatch(self.graded[name].source) for name in self.check_of.values()}
        return {match.group(1): name for name, match in found.items() if match}

    @cached_property
    def _headings(self) -> dict[str, str]:
        return {_heading(self.graded[name].source): name for name in self.written}

    @property
    def stage(self) -> str:
        """The stage's number, or nothing."""
        return next(stages(self.notebook.cells), "")

    def _is(self, name: str, flag: str) -> bool:
        return bool(self.graded[name].metadata.nbgrader.get(flag))

    def is_locked(self, name: str) -> bool:
        """Whether students should leave the cell as it is."""
        return self._is(name, "locked")

    def is_blank(self, name: str, cell: Cell) -> bool:
        """Whether a cell holds no more than the released one, white space aside."""
        return bare(cell.source) in ("", bare(self.graded[name].source))

    def place_of(self, cell: Cell) -> int | None:
        """The place of a cell in the release, if it is one that is not graded."""
        place = self._by_id.get(cell.id, self._by_source.get(squeezed(cell.source)))
        return None if place is None or self._graded_at(place) else place

    def named_in(self, cell: Cell) -> str | None:
        """Return the grade id that the text of a cell names: in its marker or its heading."""
        known = [self.markers.get(key(match)) for match in MARKER.finditer(cell.source)]
        if cell.kind != "code":
            known.append(self._headings.get(_heading(cell.source)))
        return next(filter(None, known), None)

    def named_around(self, cell: Cell) -> str | None:
        """Return the grade id that the metadata, the id, or the look of a cell tells."""
        same = self._by_source.get(squeezed(cell.source))
        if same is not None and not self._graded_at(same):
            return None  # a text of the course with the data of another cell
        told = cell.nbgrader.get("grade_id") if isinstance(cell.nbgrader, dict) else None
        call = _CALL.fullmatch(cell.source) if cell.kind == "code" else None
        for name in (
            told if isinstance(told, str) else None,
            self._graded_at(self._by_id.get(cell.id, same)),
        ):
            if name in self.graded and not self._is_reused(name, cell):
                return name
        return self._calls.get(call.group(1)) if call else self._headings.get(_heading(cell.source))

    def _graded_at(self, place: int | None) -> str | None:
        return None if place is None else _grade_id(self.notebook.cells[place])

    def _is_reused(self, name: str, cell: Cell) -> bool:
        """Whether nothing of a locked cell is left: a student used it for something else."""
        source = self.graded[name].source
        return self.is_locked(name) and likeness(source, cell.source) < _LIKE


def _grade_id(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def key(marker: re.Match) -> tuple[str, str]:
    """Return what a marker says, in whatever letters."""
    return marker.group(1).lower(), marker.group(2).lower()


def squeezed(source: str) -> str:
    """Return a text without white space."""
    return "".join(source.split())


def bare(source: str) -> str:
    """Return a text without white space and without the line that names its cell."""
    return squeezed(MARKER.sub("", source, count=1))


def likeness(pattern: str, source: str) -> float:
    """Return the share of the words of a pattern that stand in a source.

    Words, not difflib's matching blocks: a source may be a megabyte, and there may be thousands.
    """
    wanted = set(re.findall(r"\w+", pattern))
    return len(wanted.intersection(re.findall(r"\w+", source))) / max(1, len(wanted))


def stages(cells: Iterable[Cell | NotebookNode]) -> Iterator[str]:
    """Yield the numbers of the stages that cells say they belong to."""
    for cell in cells:
        for numbers in _STAGE.findall(cell.source):
            yield next(filter(None, numbers))


def _heading(source: str) -> str:
    """The first line of a text in plain letters."""
    lines = (line.strip("*#_ :\t") for line in source.splitlines())
    return next(filter(None, lines), "").casefold()
