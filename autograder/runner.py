"""Run one notebook in a kernel, and keep what it published.

The check cells are not run: in their place the kernel hands out what the checks look at, as
plain data. Points are given elsewhere (``judging``), where no student's code runs.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import output_from_msg

from autograder.kernel import Kernel, KernelError, Message, SandboxGone, WarmProcess
from course_utils.recorder import CLAIMS, PAUSE
from course_utils.workbook import EVIDENCE, RECORD_FILE

_HAND_OUT = "__import__('course_utils.workbook', fromlist=['hand_out']).hand_out()"
_HAND_OUT_SECONDS = 120
_GRACE = 5  # seconds that a cell has to end after it was interrupted
_PART = 16  # bytes that a part of a message weighs in addition, since it takes far more in memory
# What only some notebooks need, and takes a second to load: the word that gives it away.
_LOADED_FOR = {
    "analysis": ("course_utils.analysis.plots", "course_utils.analysis.mistakes"),
    "sklearn": ("sklearn.metrics",),
    "pandas": ("pandas",),
}
# Characters; a page with more of it takes very long to make.
_MOST_SHOWN = {"text/markdown": 10_000, "text/html": 1_000_000}
_LONGEST, _MOST_TAGS = 100_000, 4_000  # of one text, and of one piece of HTML
_MOST_LINES = 200  # of the traceback of an error
# What can be seen in a notebook, and of which type its contents are.
_SHOWN = {
    "stream": {"name": str, "text": str},
    "display_data": {"data": dict, "metadata": dict},
    "execute_result": {"data": dict, "metadata": dict},
    "update_display_data": {"data": dict, "metadata": dict},
    "error": {"ename": str, "evalue": str, "traceback": list},
    "clear_output": {},
}


@dataclass
class CellRun:
    """What one cell published.

    Attributes
    ----------
    key : str
        The cell's id.
    messages : list of dict
        Jupyter's messages of the kinds that can be seen, each with ``msg_type`` and ``content``,
        in the order in which they came.
    handed : str or None
        For a check cell: what the kernel handed out, as ``wire`` writes it.
    """

    key: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    handed: str | None = None


@dataclass
class Run:
    """What one notebook published.

    Attributes
    ----------
    cells : list of CellRun
        As far as it ran.
    ended : str
        Why it did not run to its end, in words; empty if it did.
    seconds : float
    """

    cells: list[CellRun] = field(default_factory=list)
    ended: str = ""
    seconds: float = 0.0


def check_of(cell: NotebookNode) -> str | None:
    """Return the name of the check that a cell calls for points, or None."""
    grader = cell.metadata.get("nbgrader", {})
    name = grader.get("grade_id", "")
    graded = cell.cell_type == "code" and grader.get("grade") and not grader.get("solution")
    return name.removeprefix("test_") if graded and name.startswith("test_") else None


def run(notebook: NotebookNode, record: str, warm: WarmProcess) -> Run:
    """Run a notebook from its first cell to its last.

    Parameters
    ----------
    notebook : NotebookNode
        It stays as it is.
    record : str
        The student's record, which the notebook finds in its workspace; may be empty.
    warm : WarmProcess

    Returns
    -------
    Run
        Also of a notebook that was stopped: what came until then.

    Raises
    ------
    KernelError
        If no kernel came up; that is no fault of the notebook's.
    """
    done = Run()
    began = time.monotonic()
    files = {f"workspace/{RECORD_FILE}": record} if record else {}
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    modules = [name for word, names in _LOADED_FOR.items() if word in code for name in names]
    with warm.kernel(files, modules) as kernel:
        runner = _Runner(kernel, warm)
        for cell in notebook.cells:
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            done.cells.append(CellRun(cell.id))
            asked = check_of(cell) is not None
            try:
                runner.run(_HAND_OUT if asked else cell.source, done.cells[-1], asked)
            except SandboxGone:
                if not kernel.ended:  # then the grader did not stop it: no fault of the notebook's
                    raise
                done.ended = kernel.ended
                break
            except KernelError as error:
                done.ended = kernel.ended or str(error)
                break
    done.seconds = time.monotonic() - began
    return done


class _Runner:
    def __init__(self, kernel: Kernel, warm: WarmProcess):
        self._kernel, self._limits = kernel, warm.limits
        self._room = warm.limits.output

    def run(self, source: str, into: CellRun, asked: bool) -> None:
        """Run one cell; raise KernelError when the notebook cannot go on."""
        sent = self._kernel.execute(source, silent=asked)
        seconds = self._limits.cell_seconds
        ends = time.monotonic() + (min(seconds, _HAND_OUT_SECONDS) if asked else seconds)
        interrupted = False
        while True:
            message = self._next(ends)
            if message is None:
                if interrupted:
                    raise KernelError("a cell ran for too long and did not stop when asked to")
                interrupted, ends = True, time.monotonic() + _GRACE
                self._kernel.interrupt()
                into.messages.append(_too_long(seconds))
            elif message.parent == sent and self._keep(message, into, asked):
                return

    def _keep(self, message: Message, into: CellRun, asked: bool) -> bool:
        """Keep what belongs to a cell; return whether it says that the cell has ended.

        A notebook that says so too early loses what it shows afterwards, and nothing else.
        """
        if message.kind not in ("status", *_SHOWN):
            return False
        self._take_room(_PART * sum(map(message.content.count, (b",", b"[", b"{"))))
        content = _read(message.content)
        if message.kind == "status":
            return content.get("execution_state") == "idle"
        if any(type(content.get(key)) is not kind for key, kind in _SHOWN[message.kind].items()):
            return False
        if asked:
            handed = content.get("data", {}).get(EVIDENCE)
            into.handed = handed if isinstance(handed, str) else into.handed
        else:
            into.messages.append({"msg_type": message.kind, "content": content})
        return False

    def _next(self, ends: float) -> Message | None:
        """The next message, or None when the time is over."""
        while (left := ends - time.monotonic()) > 0:
            message = self._kernel.receive(min(left, 0.25))
            if message is not None:
                self._take_room(message.size)
                return message
            if self._kernel.ended or not self._kernel.is_alive():
                raise KernelError(self._kernel.ended or "the notebook ended its own Python")
        return None

    def _take_room(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            most = self._limits.output // 1_000_000
            raise KernelError(f"the notebook displayed more than {most} MB")


def _read(content: bytes) -> dict[str, Any]:
    """The content of a message, or nothing if it is none."""
    try:
        read = json.loads(content.decode("utf-8", "replace"))
        if b"\\u" in content:  # half a character can be sent, and cannot be written to a file
            whole = json.dumps(read, ensure_ascii=False).encode("utf-8", "replace")
            read = json.loads(whole)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _too_long(seconds: float) -> dict[str, Any]:
    words = f"This cell ran for more than {seconds:.0f} seconds and was stopped."
    return {
        "msg_type": "error",
        "content": {"ename": "TimeoutError", "evalue": words, "traceback": [words]},
    }


@dataclass
class Room:
    """How much a notebook may still put on its page; some of it takes hours to be rendered.

    Attributes
    ----------
    text : int
        Characters that are neither HTML nor a picture.
    tags : int
        Of HTML, and signs such as ``&lt;``.
    named : dict of str to NotebookNode
        The outputs with a display id, which a later cell may show anew.
    """

    text: int = 300_000
    tags: int = 16_000
    named: dict[str, NotebookNode] = field(default_factory=dict)

    def cut(self, text: str) -> str:
        """Take a text in, or the beginning of it."""
        kept = text[: min(self.text, _LONGEST)]
        self.text -= len(kept)
        return kept if kept == text else f"{kept}\n[The rest is too long to be shown.]\n"

    def admits(self, kind: str, value: Any) -> bool:
        """Whether a displayed thing is taken in."""
        if not kind.startswith("text/"):
            return True
        text, is_html = str(value), kind == "text/html"
        tags = sum(map(text.count, "<&")) * is_html
        length = len(text) * (not is_html)
        fits = length <= min(self.text, _LONGEST) and tags <= min(self.tags, _MOST_TAGS)
        if not fits or len(text) > _MOST_SHOWN.get(kind, _LONGEST):
            return False
        self.text, self.tags = self.text - length, self.tags - tags
        return True


def outputs_of(cell: CellRun, room: Room | None = None) -> list[NotebookNode]:
    """Return a cell's outputs as a notebook stores them, as far as there is room."""
    room = room or Room()
    outputs: list[NotebookNode] = []
    clear = False
    for message in cell.messages:
        kind, content = message["msg_type"], message["content"]
        if kind == "clear_output":
            clear = bool(content.get("wait"))
            outputs = outputs if clear else []
            continue
        if PAUSE in content.get("data", {}):  # a word between the recorder and the grader
            continue
        content = {"execution_count": None, **content}
        anew = kind == "update_display_data"
        kind = "display_data" if anew else kind
        try:
            output = output_from_msg({"header": {"msg_type": kind}, "content": content})
        except Exception:  # whatever a notebook sends and a notebook cannot hold
            continue
        output.get("metadata", {}).pop(CLAIMS, None)
        _shorten(output, room)
        name = display_id(content)
        if anew:
            if name in room.named:
                room.named[name].data, room.named[name].metadata = output.data, output.metadata
            continue
        if clear:
            outputs, clear = [], False
        if name is not None and kind == "display_data":
            room.named[name] = output
        last = outputs[-1] if outputs else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last.text += output.text
        elif output.get("data", True):
            outputs.append(output)
    return outputs


def display_id(content: dict[str, Any]) -> str | None:
    """Return the name under which a display may be shown anew, if it has one."""
    transient = content.get("transient")
    name = transient.get("display_id") if isinstance(transient, dict) else None
    return name if isinstance(name, str) else None


def _shorten(output: NotebookNode, room: Room) -> None:
    if output.output_type == "stream":
        output.text = room.cut(output.text) if room.text > 0 else ""
    elif output.output_type == "error":
        output.traceback = [room.cut(str(line)) for line in output.traceback[:_MOST_LINES]]
        output.evalue = room.cut(str(output.evalue))
    else:
        for kind in [kind for kind, value in output.data.items() if not room.admits(kind, value)]:
            del output.data[kind]
            output.data.setdefault("text/plain", "This is too long to be shown.")
