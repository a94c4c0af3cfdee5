"""Run one notebook in a kernel, and keep what it published.

The check cells are not run: in their place the kernel hands out what the checks look at, as
plain data. Points are given elsewhere (``judging``), where no student's code runs.
"""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import output_from_msg

from autograder.kernel import Kernel, KernelError, WarmProcess
from course_utils.workbook import EVIDENCE, RECORD_FILE

_HAND_OUT = "__import__('course_utils.workbook', fromlist=['hand_out']).hand_out()"
_HAND_OUT_SECONDS = 120
_GRACE = 5  # seconds that a cell has to end after it was interrupted
_CLAIMS = "course_claims"
_SHOWN = ("stream", "display_data", "execute_result", "error", "update_display_data")


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
    with warm.kernel(files) as kernel:
        runner = _Runner(kernel, warm)
        for cell in notebook.cells:
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            done.cells.append(CellRun(cell.id))
            asked = check_of(cell) is not None
            try:
                runner.run(_HAND_OUT if asked else cell.source, done.cells[-1], asked)
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
        client = self._kernel.client
        sent = client.execute(source, silent=asked, store_history=not asked, stop_on_error=False)
        ends = time.monotonic() + (_HAND_OUT_SECONDS if asked else self._limits.cell_seconds)
        interrupted = False
        while True:
            message = self._next(ends)
            if message is None:
                if interrupted:
                    raise KernelError("a cell ran for too long and did not stop when asked to")
                interrupted, ends = True, time.monotonic() + _GRACE
                self._kernel.interrupt()
                into.messages.append(_too_long(self._limits.cell_seconds))
                continue
            if message["parent_header"].get("msg_id") != sent:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content.get("execution_state") == "idle":
                break
            if asked:
                handed = content.get("data", {}).get(EVIDENCE)
                into.handed = handed if isinstance(handed, str) else into.handed
            elif kind in (*_SHOWN, "clear_output"):
                into.messages.append({"msg_type": kind, "content": content})
        while client.shell_channel.socket.poll(0):  # the answers themselves say nothing more
            client.get_shell_msg(timeout=1)

    def _next(self, ends: float) -> dict[str, Any] | None:
        """The next message, or None when the time is over."""
        channel = self._kernel.client.iopub_channel
        while True:
            left = ends - time.monotonic()
            if left <= 0:
                return None
            if not channel.socket.poll(min(left, 1) * 1000):
                if self._kernel.ended or not self._kernel.is_alive():
                    raise KernelError(self._kernel.ended or "the notebook ended its own Python")
                continue
            try:
                message = channel.get_msg(timeout=1)
            except (queue.Empty, ValueError, KeyError):  # not signed, or no message at all
                continue
            self._room -= _size(message["content"])
            if self._room < 0:
                most = self._limits.output // 1_000_000
                raise KernelError(f"the notebook displayed more than {most} MB")
            return message


def _size(value: Any) -> int:
    """Roughly how many characters are in a message."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return 8 + sum(_size(item) for item in value.values())
    if isinstance(value, list | tuple):
        return 8 + sum(_size(item) for item in value)
    return 8


def _too_long(seconds: float) -> dict[str, Any]:
    words = f"This cell ran for more than {seconds:.0f} seconds and was stopped."
    return {
        "msg_type": "error",
        "content": {"ename": "TimeoutError", "evalue": words, "traceback": [words]},
    }


def outputs_of(cell: CellRun) -> list[NotebookNode]:
    """Return a cell's outputs as a notebook stores them."""
    outputs: list[NotebookNode] = []
    clear = False
    for message in cell.messages:
        if message["msg_type"] == "clear_output":
            clear = bool(message["content"].get("wait"))
            outputs = outputs if clear else []
            continue
        if message["msg_type"] not in _SHOWN[:-1]:
            continue  # an update of what stands elsewhere
        try:
            output = output_from_msg({"header": {}, **message})
        except (ValueError, KeyError, AttributeError, TypeError):
            continue
        if clear:
            outputs, clear = [], False
        output.get("metadata", {}).pop(_CLAIMS, None)
        last = outputs[-1] if outputs else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last.text += output.text
        elif output.get("data", True):
            outputs.append(output)
    return outputs
