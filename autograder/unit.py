"""One submission from the file to its points: the unit that grading hands to its workers.

Plain data goes in and comes out, so that a worker can be this process, another one, or another
machine. A worker keeps its warm process between units.
"""

from __future__ import annotations

import atexit
import contextlib
import copy
import functools
import gzip
import hashlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbformat import NotebookNode

from autograder import ROOT, judging
from autograder.judging import Judged
from autograder.kernel import KernelError, WarmProcess
from autograder.preflight import examine
from autograder.runner import CellRun, Room, Run, check_of, outputs_of, run
from autograder.sandbox import Limits, Sandbox
from course_utils import data, record

try:
    import resource
except ImportError:  # on Windows
    resource = None

_VERSION = 1  # of a stored run
_MOST_SECONDS, _MOST_MEMORY = 60, 3_000_000_000  # bytes; to read and judge what a notebook holds
_TOO_LONG = (
    f"What the notebook holds and shows could not be read within {_MOST_SECONDS} seconds. Look at "
    "it yourself."
)
_TRY_AGAIN = "The next run tries it again; python -m course_utils doctor may say what is wrong."
# The pictures that a stage begins with; held in memory, since every notebook asks for them.
_PARTS = dict.fromkeys((1, 2, 3, 4, 5), ("train",)) | dict.fromkeys((7, 9, 10, 11), ("test",))
_PARTS |= dict.fromkeys((6, 8), ("train", "test")) | {12: ()}


@dataclass(frozen=True)
class Setting:
    """How notebooks are run.

    Attributes
    ----------
    sandbox : str
        Its name, as in ``sandbox.NAMES``.
    limits : Limits
    variables : tuple of (str, str)
        Environment variables for the notebooks, such as COURSE_DATA.
    kind : str
        The pictures that a worker must have; empty for any.
    rules : str
        Those that a worker must judge by, as in ``judging.rules``; empty for its own.
    """

    sandbox: str
    limits: Limits = field(default_factory=Limits)
    variables: tuple[tuple[str, str], ...] = ()
    kind: str = ""
    rules: str = ""


@dataclass(frozen=True)
class Task:
    """One submission to be graded.

    Attributes
    ----------
    stage : str
        The assignment's name.
    content : bytes
        The file as it was handed in.
    file_name : str
    setting : Setting
    stored : bytes
        A stored run; if it is of this very notebook, it is judged and nothing is run.
    """

    stage: str
    content: bytes
    file_name: str
    setting: Setting
    stored: bytes = b""


@dataclass
class Outcome:
    """What came of a task.

    Attributes
    ----------
    reason : str
        Why there is no grade; empty if there is one.
    mended, decide : list of str
    notebook : str
        The mended notebook, in nbformat's JSON.
    run : bytes
        To be stored; a later task can bring it along.
    judged : Judged or None
    outputs : dict of str to list
        Each cell's outputs by its id, as nbformat stores them.
    own : str
        A fingerprint of the student's own model, or empty.
    ran : bool
        Whether the notebook was run for this outcome.
    failed : bool
        Whether the grader failed, not the student; the next run tries again.
    seconds : float
        That the run took.
    """

    reason: str = ""
    mended: list[str] = field(default_factory=list)
    decide: list[str] = field(default_factory=list)
    notebook: str = ""
    run: bytes = b""
    judged: Judged | None = None
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    own: str = ""
    ran: bool = False
    failed: bool = False
    seconds: float = 0.0


def grade(task: Task) -> Outcome:
    """Grade one submission.

    Returns
    -------
    Outcome
        Whatever the submission is; for what cannot be graded, with the reason.

    Raises
    ------
    KernelError
        If this worker has other pictures than it should, or another copy of the course.
    """
    if task.setting.rules not in ("", judging.rules()):
        raise KernelError(
            "A worker has another copy of this course. Bring the same one to all machines, and "
            "start their workers again."
        )
    number = int(task.stage[6:8])
    kind = _prepare(task.setting, number)
    if task.setting.kind not in ("", kind) and number != 12:
        raise KernelError(f"This worker has other pictures ({kind}) than {task.setting.kind}.")
    try:
        return _grade(task, number, kind)
    except _TooLong:
        return Outcome(_TOO_LONG)
    except Exception as error:  # one submission must not stop the class, whatever it is
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return Outcome(f"The grader failed on it ({said}). {_TRY_AGAIN}", failed=True)


def _grade(task: Task, number: int, kind: str) -> Outcome:
    with _bounded():
        examined = examine(task.content, released(task.stage), task.file_name)
    outcome = Outcome(examined.reason, list(examined.mended), list(examined.decide))
    if examined.notebook is None:
        return outcome
    notebook, student_record = _apart(examined.notebook)
    notebook.cells = notebook.cells[: last_place(notebook, released(task.stage)) + 1]
    outcome.notebook = nbformat.writes(examined.notebook)
    key = _key(notebook, student_record, kind)
    done = _stored(task.stored, key)
    if done is None:
        done = _run(notebook, student_record, task.setting, number)
        outcome.ran, outcome.seconds = True, done.seconds
    outcome.run = _store(done, key)
    with _bounded():
        outcome.judged = judging.judge(notebook, done, number, student_record, kind)
        outcome.own = judging.own_model(student_record) if student_record else ""
    outcome.decide += outcome.judged.doubts
    if done.ended:
        more = " To allow more, see --seconds and --memory, with --again." * ("more" in done.ended)
        outcome.decide.append(f"The notebook did not run to its end: {done.ended}.{more}")
    outcome.outputs = _outputs(notebook, done, outcome.judged)
    return outcome


class _TooLong(BaseException):
    """Not an Exception: what reads strangers' things catches those, and goes on."""


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Bound the time and memory of reading what a stranger made, as far as the system can.

    In a thread, as Dask's workers have them, and on Windows there are no such bounds.
    """
    if resource is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise _TooLong

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = psutil.Process().memory_info().vms + _MOST_MEMORY
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_MOST_SECONDS)
    try:
        with contextlib.suppress(ValueError, OSError):  # macOS knows no such limit
            resource.setrlimit(resource.RLIMIT_AS, (most, hard))
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _run(notebook: NotebookNode, student_record: str, setting: Setting, stage: int) -> Run:
    try:
        return run(notebook, student_record, _warm(setting, stage))
    except KernelError:  # an earlier notebook may have harmed the sandbox: once more, in a new one
        close()
        return run(notebook, student_record, _warm(setting, stage))


@functools.cache
def released(stage: str) -> NotebookNode:
    """Return the student notebook of a stage as it was handed out."""
    return nbformat.read(ROOT / "stages" / stage / f"{stage}.ipynb", as_version=4)


def _apart(notebook: NotebookNode) -> tuple[NotebookNode, str]:
    """A copy without outputs, and the record that was in them."""
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare, record.find(notebook)


def last_place(notebook: NotebookNode, handed_out: NotebookNode) -> int:
    """The place of the last cell that has to run: a check, or one that the student changed.

    What follows is the course's own, as it was handed out, and no answer depends on it.

    Parameters
    ----------
    notebook, handed_out : NotebookNode
        The student's, and the released one.
    """
    known = {(cell.cell_type, cell.source.strip()) for cell in handed_out.cells}
    return max(
        (
            place
            for place, cell in enumerate(notebook.cells)
            if cell.cell_type == "code"
            and (check_of(cell) or (cell.cell_type, cell.source.strip()) not in known)
        ),
        default=-1,
    )


def _outputs(notebook: NotebookNode, done: Run, judged: Judged) -> dict[str, list]:
    runs = {cell.key: cell for cell in done.cells}
    outputs: dict[str, list] = {}
    room = Room()
    for cell in notebook.cells:
        if (check := check_of(cell)) is not None:
            points = nbformat.v4.new_output(
                "execute_result", {"text/plain": repr(judged.points[check])}
            )
            words = nbformat.v4.new_output("stream", name="stdout", text=judged.words[check] + "\n")
            outputs[cell.id] = [words, points]
        elif cell.id in runs:
            outputs[cell.id] = outputs_of(runs[cell.id], room)
    return outputs


# --- Stored runs ------------------------------------------------------------------------------


def _key(notebook: NotebookNode, student_record: str, kind: str) -> str:
    """What makes two runs the same: the code, the record, the pictures, and what is handed out."""
    cells = [(cell.id, cell.cell_type, cell.source) for cell in notebook.cells]
    text = json.dumps([_VERSION, kind, judging.handing_out(), student_record, cells])
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _store(done: Run, key: str) -> bytes:
    text = json.dumps({"key": key, "run": asdict(done)}, default=str)
    return gzip.compress(text.encode(errors="surrogatepass"), 1, mtime=0)


def _stored(content: bytes, key: str) -> Run | None:
    """The stored run, if it is of this key."""
    if not content:
        return None
    try:
        stored = json.loads(gzip.decompress(content))
        if stored["key"] != key:
            return None
        cells = [CellRun(**cell) for cell in stored["run"].pop("cells")]
        return Run(cells, **stored["run"])
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None  # damaged: then it is run again


# --- What a worker keeps between units ----------------------------------------------------------


_local = threading.local()  # a worker may be a thread
_all: list[WarmProcess] = []
_held: dict[tuple, str] = {}
_by_hand: list[str | None] = []  # COURSE_DATA, before a setting took its place
_lock = threading.Lock()


def _prepare(setting: Setting, stage: int) -> str:
    """Load the pictures that the checks compare with; return their kind."""
    with _lock:
        _use(dict(setting.variables))
        asked = (stage in (6, 8), _PARTS[stage], setting.variables)
        if asked not in _held:
            _held.clear()
            _held[asked] = data.hold("auto", _PARTS[stage]) if _PARTS[stage] else "stress"
        return _held[asked]


def _use(variables: dict[str, str]) -> None:
    """Set the variables of a setting; what an earlier one set, and this one does not, goes."""
    if "COURSE_DATA" in variables and not _by_hand:
        _by_hand.append(os.environ.get("COURSE_DATA"))
    elif "COURSE_DATA" not in variables and _by_hand:
        before = _by_hand.pop()
        os.environ.pop("COURSE_DATA", None)
        variables = variables | ({"COURSE_DATA": before} if before is not None else {})
    os.environ.update(variables)


def _warm(setting: Setting, stage: int) -> WarmProcess:
    """The warm process of this worker; another setting needs another one."""
    wanted = (setting, _PARTS[stage])
    if getattr(_local, "wanted", None) != wanted:
        close()
        _local.warm = WarmProcess(
            Sandbox(setting.sandbox),
            setting.limits,
            "auto",
            _PARTS[stage],
            _readable(),
            _variables(setting),
        )
        _local.wanted = wanted
        _all.append(_local.warm)
    return _local.warm


def close() -> None:
    """End this worker's warm process; the next unit starts another."""
    if warm := getattr(_local, "warm", None):
        warm.stop()
        _all.remove(warm)
    _local.wanted = _local.warm = None


@atexit.register
def close_all() -> None:
    """End the warm processes of all threads."""
    while _all:
        _all.pop().stop()


def _readable() -> tuple[Path, ...]:
    """Where the pictures lie, and nothing else of this machine's."""
    places = [data.cache_folder(), *_given("COURSE_DATA"), *_given("COURSE_PREDICTIONS")]
    return tuple(dict.fromkeys(place.resolve() for place in places if place.exists()))


def _given(variable: str) -> list[Path]:
    value = os.environ.get(variable, "")
    return [Path(value).expanduser()] if value and value != "practice" else []


def _variables(setting: Setting) -> dict[str, str]:
    variables = {"COURSE_CACHE": str(data.cache_folder().resolve())}
    for name, value in setting.variables:
        with contextlib.suppress(OSError):
            variables[name] = str(Path(value).resolve()) if Path(value).exists() else value
    return variables
