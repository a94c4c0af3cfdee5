"""Notes what a running notebook puts on the screen.

The recorder listens at the four doors through which a cell's output leaves the kernel: the
formatter that turns an object into a picture, the publisher of displays, the hook that shows
the last value of a cell, and the printed text. It looks at each thing as it passes and lets
it through unchanged. A picture counts when it was formatted *and* published, so a figure
that was drawn and closed, or shown inside ``%%capture``, does not. What was wiped with
``clear_output``, or replaced under its display id, has left the page and does not count either.

Works with IPython 7.34 (Colab) and newer; the doors have had the same names since.

When a grader watches from outside (``COURSE_WITNESS``), the recorder also sends along what only
the kernel knows: which pictures and words a figure was drawn from, and where in it they stand,
and when the course itself is speaking. The grader believes the first only as far as the
published pixels bear it out.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from course_utils import wire
from course_utils.album import Album
from course_utils.displays import WIDGET, Display, read_bundle, read_figure
from course_utils.evidence import Cell, Evidence, Screen, Unreadable, note, plain
from course_utils.layout import layout_of

CLAIMS = "course_claims"  # in a display's metadata: what a figure was drawn from
PAUSE = "application/vnd.course-pause+json"  # whether the course itself is speaking
_VIEWABLE = ("image/", "application/pdf", WIDGET)


class Recorder:
    """Fills the evidence of one stage from one IPython shell.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
    stage : int
    """

    def __init__(self, shell: Any, stage: int):
        self.shell = shell
        self.stage = stage
        self.album: Album | None = None
        self.witnessed = bool(os.environ.get("COURSE_WITNESS"))
        self._screens: dict[str, Screen] = {}
        self._current: Screen | None = None
        self._updates: dict[str, Cell] = {}  # what each display id was given last
        self._runs = 0
        self._depth = 0  # %%capture and others run a cell within a cell
        self._formatted: list[tuple[Any, Display]] = []
        self._stdout: tuple[Any, Callable] | None = None

    def install(self) -> None:
        """Start to listen. Call once for a shell."""
        self.shell.events.register("pre_run_cell", self._begin)
        self.shell.events.register("post_run_cell", self._end)
        self._listen(self.shell.display_formatter, "format", self._on_format)
        self._listen(self.shell.display_pub, "publish", self._on_publish)
        self._listen(self.shell.display_pub, "clear_output", self._on_clear)
        self._listen(self.shell.displayhook, "write_format_data", self._on_publish)

    @property
    def _cells(self) -> dict[str, Cell]:
        return {key: screen.cell for key, screen in self._screens.items()}

    def evidence(
        self, names: Sequence[str], probes: Mapping[str, Callable[[], dict]] | None = None
    ) -> Evidence:
        """Return what was noted so far, with the present values of the named variables.

        Parameters
        ----------
        names : sequence of str
        probes : dict, optional
            For a variable that is a function: what to call it with, as a function that returns
            ``{case: argument}``. Its value is then what it returned, ``{case: value}``.
        """
        values = {}
        for name in names:
            value = self.shell.user_ns.get(name)
            try:
                if probes and name in probes and callable(value):
                    values[name] = _try_out(value, probes[name]())
                else:
                    values[name] = plain(value)
            except Exception as error:  # whatever a student's object does when it is read
                values[name] = Unreadable(type(error).__name__)
        return Evidence(self.stage, list(self._cells.values()), values)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let output pass without a note, for what the course itself prints."""
        current, self._current = self._current, None
        if current is not None:
            current.print("")  # what the course prints is of no interest, and may wipe the page
        self._tell_pause(current, True)
        try:
            yield
        finally:
            self._tell_pause(current, False)
            self._current = current

    def _tell_pause(self, current: Screen | None, begins: bool) -> None:
        if self.witnessed and current is not None:  # not within another pause
            self.shell.display_pub.publish({PAUSE: begins})

    # --- one run of a cell

    def _begin(self, info: Any = None) -> None:
        self._depth += 1
        if self._depth > 1:
            return
        self._runs += 1
        source = getattr(info, "raw_cell", "") or ""
        key = self._key_of(source, getattr(info, "cell_id", None))
        self._screens.pop(key, None)  # a cell that runs again starts afresh
        self._current = self._screens[key] = Screen(key, self._updates)
        self._formatted.clear()
        # For the time of the cell only: IPython 9 wraps the stream around each cell itself.
        self._stdout = sys.stdout, sys.stdout.write
        self._listen(sys.stdout, "write", self._on_write)

    def _key_of(self, source: str, cell_id: str | None) -> str:
        """What makes two runs the same cell; in grading, every cell runs once."""
        if os.environ.get("NBGRADER_EXECUTION"):
            return f"run {self._runs}"
        if cell_id:
            return cell_id
        marker = re.search(r"^#\s*answer:\s*(\w+)", source, re.MULTILINE)
        return marker.group(1) if marker else source.strip()

    def _end(self, result: Any = None) -> None:
        self._depth = max(0, self._depth - 1)  # the cell that installs us ends unbegun
        if self._depth:
            return
        if self._current is not None and not getattr(result, "success", True):
            self._current.print("")  # the error's message
        self._current = None
        self._formatted.clear()
        if self._stdout:
            stream, write = self._stdout
            stream.write = write
            self._stdout = None

    # --- the doors

    def _listen(self, owner: Any, method: str, note: Callable) -> None:
        """Call ``note(result, *args)`` after each call of a method, never in its way."""
        original = getattr(owner, method)

        def passing(*args, **kwargs):
            result = original(*args, **kwargs)
            if self._current is not None:
                with suppress(Exception):  # a note that fails must not break a student's cell
                    note(result, *args, **kwargs)
            return result

        setattr(owner, method, passing)

    def _on_format(self, result: tuple, thing: Any, *_: Any, **__: Any) -> None:
        """A figure is read as an object: its pixels on the screen are not a picture's any more."""
        bundle, metadata = result
        figure = thing if hasattr(thing, "savefig") else getattr(thing, "figure", None)
        if hasattr(figure, "findobj") and any(kind.startswith(_VIEWABLE) for kind in bundle):
            display = read_figure(figure)
            self._formatted.append((bundle, display))
            if self.witnessed:
                metadata[CLAIMS] = wire.write(layout_of(figure, display))

    def _on_publish(
        self,
        _: Any,
        data: dict | None = None,
        metadata: dict | None = None,
        *__: Any,
        transient: dict | None = None,
        update: bool = False,
        **___: Any,
    ) -> None:
        data, name = data or {}, (transient or {}).get("display_id")
        figures = [display for bundle, display in self._formatted if bundle is data]
        new = Cell("")
        note(new, figures[0] if figures else read_bundle(data, metadata), self.album)
        if update:
            self._updates[name] = new
            return
        if WIDGET in data:
            self._current.has_widget()
        self._current.add(new, name)

    def _on_clear(self, _: Any, wait: bool = False) -> None:
        self._current.clear(wait)

    def _on_write(self, _: Any, text: str = "") -> None:
        self._current.print(str(text))


def _try_out(function: Callable, cases: dict[str, Any]) -> dict[str, Any]:
    """What a student's function returns for each case, or how it failed."""
    values = {}
    for case, argument in cases.items():
        try:
            values[case] = plain(function(argument))
        except Exception as error:
            values[case] = Unreadable(f"{type(error).__name__}: {error}")
    return values
