"""A warm process in a sandbox, and the kernels that come from it, one for each submission."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import psutil
import zmq
from jupyter_client.session import DELIM, Session

import course_utils
from autograder.sandbox import INSIDE, SCRATCH, Limits, Sandbox, environment, python_folders

_PORTS = {name: n for n, name in enumerate(("shell", "iopub", "stdin", "hb", "control"), 1)}
# Libraries that nearly every notebook loads, and the kernel itself. Not matplotlib_inline: when
# it is loaded, it looks for the notebook in which it is to show figures.
_LOADED = (
    *("ipykernel.kernelapp", "ipykernel.debugger", "ipykernel.eventloops", "ipywidgets"),
    *("IPython.core.completerlib", "IPython.core.pylabtools", "IPython.extensions.storemagic"),
    *("matplotlib.pyplot", "matplotlib.backends.backend_agg"),
)
_START = 120  # seconds that a kernel or the warm process may take to begin
_LONGEST_LOOK = 1.0  # seconds
_MEMBERS = "cgroup.procs"
_LOOK = 0.25  # seconds between two looks at what a kernel uses
_MOST_HEADER = 20_000  # bytes of a message's header; Jupyter's own have some 300
_MOST_FILES, _DEEP = 20_000, 2_000  # files in a folder, characters of their paths


class KernelError(Exception):
    """The kernel or its sandbox is gone, with the reason in words for the teacher."""


class SandboxGone(KernelError):
    """The warm process has ended, and all kernels with it."""


@dataclass(frozen=True)
class Message:
    """A display that has arrived. The kernel may have sent anything: nothing in it is read yet.

    Attributes
    ----------
    kind : str
        Jupyter's ``msg_type``.
    parent : str
        The id of the request that it answers, or says that it answers.
    content : bytes
    size : int
        Bytes of all its parts.
    """

    kind: str
    parent: str
    content: bytes
    size: int


class Kernel:
    """One kernel that runs one submission.

    What it sends is not trusted: a notebook can send whatever it likes over the kernel's own
    sockets, signed with the kernel's own key. So the signature is not looked at.

    Attributes
    ----------
    ended : str
        Why it was stopped, in words; empty as long as it was not.
    """

    def __init__(self, warm: WarmProcess, keeper: int, socket: Path, key: str):
        self._warm, self._keeper = warm, keeper
        self.ended = ""
        self._session = Session(key=key.encode())
        # The answers to requests say nothing that the displays do not, and are never read.
        self._requests = _connect(zmq.DEALER, f"{socket}-{_PORTS['shell']}", 100_000)
        self._displays = _connect(zmq.SUB, f"{socket}-{_PORTS['iopub']}", warm.limits.output)
        self._finished = threading.Event()
        self._watch = threading.Thread(target=self._look_after, daemon=True)
        self._watch.start()

    def wait_until_ready(self) -> None:
        """Wait until displays arrive here.

        Raises
        ------
        KernelError
            If the kernel does not come up.
        """
        asked = set()
        ends = time.monotonic() + _START
        while time.monotonic() < ends and self.is_alive():
            asked.add(self._send("kernel_info_request", {}))
            # Displays that are sent before this end has subscribed are lost: so ask often.
            while (message := self.receive(0.02)) is not None:
                if message.parent in asked:
                    return
        raise KernelError("the kernel did not start")

    def execute(self, source: str, silent: bool = False) -> str:
        """Ask the kernel to run some code; return the id that its displays give as their parent."""
        content = {
            "code": source,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        return self._send("execute_request", content)

    def _send(self, kind: str, content: dict[str, Any]) -> str:
        message = self._session.msg(kind, content)
        with contextlib.suppress(zmq.Again):  # it takes nothing in any more: then it times out
            self._requests.send_multipart(self._session.serialize(message), zmq.NOBLOCK)
        return message["header"]["msg_id"]

    def receive(self, seconds: float) -> Message | None:
        """Return the next display, or None if none comes in time."""
        if not self._displays.poll(max(0, seconds) * 1000):
            return None
        parts = self._displays.recv_multipart()
        size = sum(map(len, parts))
        start = parts.index(DELIM) + 2 if DELIM in parts else len(parts)
        header, parent, content = ([*parts[start : start + 2], *parts[start + 3 :]] + [b""] * 3)[:3]
        return Message(_field(header, "msg_type"), _field(parent, "msg_id"), content, size)

    def is_alive(self) -> bool:
        """Whether the kernel's process still runs."""
        return self._warm.ask({"alive": self._keeper}).get("alive", False)

    def interrupt(self) -> None:
        """Do what the stop button of a notebook does."""
        self._warm.ask({"interrupt": self._keeper})

    def stop(self, reason: str = "") -> None:
        """End the kernel, with all that it started."""
        self.ended = self.ended or reason
        self._warm.ask({"stop": self._keeper})

    def close(self) -> None:
        """Stop, and let go of the sockets."""
        self._finished.set()
        self._watch.join()
        with contextlib.suppress(KernelError):  # the sandbox is gone, and the kernel with it
            self.stop()
        self._requests.close(linger=0)
        self._displays.close(linger=0)

    def _look_after(self) -> None:
        """Stop the kernel when it uses more than it may, or for longer."""
        limits = self._warm.limits
        ends = time.monotonic() + limits.seconds
        ours = psutil.Process().memory_info().rss
        took = 0.0
        # A look at very many processes takes a while itself.
        while not self._finished.wait(min(1.0, max(_LOOK, 4 * took))):
            began = time.monotonic()
            if reason := self._warm.overused():
                self.ended = reason
                self._warm.kill()  # asked to end it, the inside might find no time among so many
                return
            took = time.monotonic() - began
            if time.monotonic() > ends:
                reason = f"the notebook ran for more than {limits.seconds:.0f} seconds"
            # A message without an end would grow in our memory before we ever saw it.
            elif psutil.Process().memory_info().rss - ours > 10 * limits.output:
                reason = "the notebook sent more than can be read"
            if reason:
                with contextlib.suppress(KernelError):
                    self.stop(reason)
                return


def _connect(kind: int, place: str, most: int) -> zmq.Socket:
    socket = zmq.Context.instance().socket(kind)
    socket.setsockopt(zmq.MAXMSGSIZE, most)  # a larger message must not fill our memory
    if kind == zmq.SUB:
        socket.subscribe(b"")
    else:
        socket.setsockopt(zmq.RCVHWM, 1)
    socket.setsockopt(zmq.RECONNECT_IVL, 5)  # milliseconds: the kernel is not yet there
    socket.connect(f"ipc://{place}")
    return socket


def _field(header: bytes, name: str) -> str:
    """One text of a message's header; empty if there is none."""
    try:
        return str(json.loads(header)[name]) if len(header) < _MOST_HEADER else ""
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return ""


class WarmProcess:
    """A process in a sandbox that has loaded libraries and pictures, and forks kernels.

    Parameters
    ----------
    sandbox : Sandbox
    limits : Limits
    source : str
        What ``data.load_parts`` is asked for.
    parts : tuple of str
        Which pictures to hold: ``"train"``, ``"test"``, both or none.
    reads : tuple of Path
        Files and folders that notebooks may read.
    variables : dict of str to str
        Further environment variables.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        limits: Limits,
        source: str = "auto",
        parts: tuple[str, ...] = ("test",),
        reads: tuple[Path, ...] = (),
        variables: dict[str, str] | None = None,
    ):
        self.sandbox, self.limits = sandbox, limits
        self._setting = {
            "source": source,
            "parts": parts,
            "modules": _LOADED,
            **{name: getattr(limits, name) for name in ("memory", "disk", "processes")},
            "seconds": round(limits.seconds),
            "apart": sandbox.name == "bubblewrap",
            # A course in the folder for temporary files: its Python must not be hidden.
            "kept": [str(p) for p in (*python_folders(), *reads) if p.is_relative_to(SCRATCH)],
        }
        self._reads, self._variables = reads, variables or {}
        self._folder: Path | None = None
        self._process: subprocess.Popen | None = None
        self._fence: Path | None = None
        self._lock = threading.Lock()
        self._apart = False
        self._used = 0

    def __enter__(self) -> WarmProcess:
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Start, if it does not run yet.

        Raises
        ------
        KernelError
            If it does not come up, with what it said last.
        """
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        # Short, since the path of a socket has at most 107 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="qtc"))
        (self._folder / "matplotlib").mkdir()
        (self._folder / "work").mkdir()
        inside = self.sandbox.name != "none"
        package = INSIDE if inside else str(Path(course_utils.__file__).resolve().parent.parent)
        variables = environment(self.sandbox.inner(self._folder, self._folder), package)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop()
        variables |= self._variables
        command = self.sandbox.command(self._folder, self._reads, self.limits, variables)
        self._fence = _fence(self.limits.processes + 20)
        if self._fence is not None:  # the shell goes into it, and becomes the sandbox
            command = ["sh", "-c", 'echo $$ >"$0" && exec "$@"', self._fence / _MEMBERS, *command]
        self._process = subprocess.Popen(
            command,
            env=None if self.sandbox.is_container else variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,  # Ctrl-C is for the grader, which then ends this in order
        )
        # Should this machine run out of memory, then a student's program is to go, no other.
        with contextlib.suppress(OSError):
            Path(f"/proc/{self._process.pid}/oom_score_adj").write_text("1000")
        self._apart = self.ask(self._setting).get("apart", False)
        self._used = 0

    def stop(self) -> None:
        """End the process, with all that it started."""
        if self._process is not None:
            self.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout, self._errors):
                with contextlib.suppress(OSError):
                    stream.close()
            self._process = None
        if self._fence is not None:
            _remove_fence(self._fence)
            self._fence = None
        if self._folder is not None:
            _remove(self._folder)
            self._folder = None

    def kill(self) -> None:
        """End the process and all that it started, without asking anybody."""
        if self._process is not None and self._process.poll() is None:
            if self.sandbox.name != "bubblewrap":  # which takes all with it
                _end_children(self._process.pid)
            self._process.kill()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Send a question to the inside and return its answer.

        Raises
        ------
        KernelError
            If there is no answer.
        """
        with self._lock:
            process = self._process
            if process is None:
                return {}
            try:
                process.stdin.write(json.dumps(question) + "\n")
                process.stdin.flush()
                if not wait([process.stdout], _START):  # a student's program may have stopped it
                    process.kill()
                return dict(json.loads(process.stdout.readline()))
            except (OSError, ValueError) as error:
                said = self._last_words()
                raise SandboxGone(f"the sandbox has ended. It said: {said}") from error

    def _last_words(self) -> str:
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 2000))
        said = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        return "".join(filter(str.isprintable, "".join(said)))

    def overused(self) -> str:
        """Say what is used beyond the limits, in words; empty if nothing is."""
        limits = self.limits
        many = f"the notebook started more than {limits.processes} processes"
        if self._fence is not None and _count(self._fence) > limits.processes:
            return many  # the quick way; among very many there is no time for another
        with contextlib.suppress(psutil.Error):
            if self._process is None or self._process.poll() is not None:
                return ""
            processes = psutil.Process(self._process.pid).children(recursive=True)
            if len(processes) > limits.processes:
                return many
            if (_sum(_threads, processes) or 0) > limits.processes:
                return many
            memory = _sum(_memory, processes) or 0
            if memory > limits.memory and (_sum(_own_memory, processes) or 0) > limits.memory:
                return f"the notebook used more than {limits.memory / 1e9:.1f} GB of memory"
        if not self._apart and self._folder and _is_larger(self._folder, limits.disk):
            return f"the notebook wrote more than {limits.disk / 1e6:.0f} MB"
        return ""

    @contextmanager
    def kernel(self, files: dict[str, str], modules: Iterable[str] = ()) -> Iterator[Kernel]:
        """Fork a kernel and connect to it.

        Parameters
        ----------
        files : dict of str to str
            What lies in its folder when it begins.
        modules : iterable of str
            Further modules to load before, for this kernel and all that follow.

        Raises
        ------
        KernelError
            If it does not come up.
        """
        if self._used and not self._apart:
            self.stop()  # what one submission left behind must not meet the next
        self.start()
        self._used += 1
        socket = self._folder / f"k{self._used}"
        key = secrets.token_hex(16)
        scratch = SCRATCH if self.sandbox.name != "none" else str(self._folder / "work")
        asked = {
            "socket": self.sandbox.inner(socket, self._folder),
            "ports": {f"{name}_port": number for name, number in _PORTS.items()},
            "key": key,
            "scratch": scratch,
            "files": files,
            "modules": [*modules],
        }
        kernel = Kernel(self, self.ask({"start": asked})["keeper"], socket, key)
        try:
            kernel.wait_until_ready()
            yield kernel
        finally:
            kernel.close()
            for number in _PORTS.values():
                with contextlib.suppress(OSError):  # it may be anything by now
                    Path(f"{socket}-{number}").unlink()


def _fence(most: int) -> Path | None:
    """A control group with a limit on processes, for the one user whom no other limit binds."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    for place in map(Path, ("/sys/fs/cgroup/pids", "/sys/fs/cgroup")):
        for left in place.glob("grading-*-*"):  # by a grader that was killed
            with contextlib.suppress(OSError, ValueError):
                if not psutil.pid_exists(int(left.name.split("-")[1])):
                    left.rmdir()
        folder = place / f"grading-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            folder.mkdir()
        except OSError:
            continue
        with contextlib.suppress(OSError):
            (folder / "pids.max").write_text(str(most))
            return folder
        folder.rmdir()
    return None


def _count(fence: Path) -> int:
    try:
        return int((fence / "pids.current").read_text())
    except (OSError, ValueError):
        return 0


def _remove_fence(folder: Path) -> None:
    for _ in range(200):  # it can go when the last process in it has gone
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.02)


def _end_children(parent: int) -> None:
    """Kill all that a process started: first each is stopped, so that it starts no more."""
    stopped: set[psutil.Process] = set()
    for _ in range(100):
        try:
            new = set(psutil.Process(parent).children(recursive=True)) - stopped
        except psutil.Error:
            break
        for process in new:
            with contextlib.suppress(psutil.Error):
                process.suspend()
        if not new:
            break
        stopped |= new
    for process in stopped:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _sum(of: Callable[[psutil.Process], int], processes: Iterable[psutil.Process]) -> int | None:
    """The sum over all; None if the machine is too busy for it: then they are counted again."""
    total, ends = 0, time.monotonic() + _LONGEST_LOOK
    for process in processes:
        if time.monotonic() > ends:
            return None
        total += of(process)
    return total


def _threads(process: psutil.Process) -> int:
    try:
        return process.num_threads()
    except psutil.Error:
        return 0


def _memory(process: psutil.Process) -> int:
    """What a process has in memory, also what it shares with others."""
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _own_memory(process: psutil.Process) -> int:
    """The same, but of what several share, a process has only its part; slower to find."""
    try:
        info = process.memory_full_info()
        return getattr(info, "pss", info.uss)
    except psutil.Error:
        return _memory(process)


def _is_larger(folder: Path, most: int) -> bool:
    """Whether the files in a folder are larger than this, or very many, or very deep."""
    size = count = 0
    waiting = [str(folder)]
    while waiting:
        place = waiting.pop()
        count += 1
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                count += 1
                with contextlib.suppress(OSError):
                    size += entry.stat(follow_symlinks=False).st_size
                if size > most or count > _MOST_FILES or len(entry.path) > _DEEP:
                    return True
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return False


def _remove(folder: Path) -> None:
    """Delete a folder of ours; a student's notebook may have made it unreadable, or very deep."""
    for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
        subprocess.run([*command, "--", folder], capture_output=True, check=False)
