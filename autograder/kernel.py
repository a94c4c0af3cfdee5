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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import zmq
from jupyter_client import BlockingKernelClient

import course_utils
from autograder.sandbox import INSIDE, SCRATCH, Limits, Sandbox, environment

_PORTS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")
_START = 120  # seconds that a kernel or the warm process may take to begin
_LOOK = 0.5  # seconds between two looks at what a kernel uses


class KernelError(Exception):
    """The kernel or its sandbox is gone, with the reason in words for the teacher."""


class Kernel:
    """One kernel that runs one submission.

    Attributes
    ----------
    client : BlockingKernelClient
    ended : str
        Why it was stopped, in words; empty as long as it was not.
    """

    def __init__(self, warm: WarmProcess, keeper: int, client: BlockingKernelClient):
        self._warm, self._keeper = warm, keeper
        self.client = client
        self.ended = ""
        self._finished = threading.Event()
        self._watch = threading.Thread(target=self._look_after, daemon=True)
        self._watch.start()

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
        self.client.stop_channels()

    def _look_after(self) -> None:
        """Stop the kernel when it uses more than it may, or for longer."""
        limits = self._warm.limits
        ends = time.monotonic() + limits.seconds
        shared = _shared_memory()
        while not self._finished.wait(_LOOK):
            processes, memory = self._warm.usage()
            # Files in memory belong to no process: what has come since the start counts too.
            memory += max(0, _shared_memory() - shared - limits.disk)
            reason = ""
            if time.monotonic() > ends:
                reason = f"the notebook ran for more than {limits.seconds:.0f} seconds"
            elif memory > limits.memory:
                reason = f"the notebook used more than {limits.memory / 1e9:.1f} GB of memory"
            elif processes > limits.processes:
                reason = f"the notebook started more than {limits.processes} processes"
            if reason:
                with contextlib.suppress(KernelError):
                    self.stop(reason)
                return


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
            "modules": ["course_utils.analysis.plots", "course_utils.analysis.mistakes"],
            **{name: getattr(limits, name) for name in ("memory", "disk", "processes")},
            "seconds": round(limits.seconds),
            "apart": sandbox.name == "bubblewrap",
        }
        self._reads, self._variables = reads, variables or {}
        self._folder: Path | None = None
        self._process: subprocess.Popen | None = None
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
        inside = self.sandbox.name != "none"
        package = INSIDE if inside else str(Path(course_utils.__file__).resolve().parent.parent)
        variables = environment(self.sandbox.inner(self._folder, self._folder), package)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop()
        self._process = subprocess.Popen(
            self.sandbox.command(self._folder, self._reads, self.limits),
            env=variables | self._variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,  # Ctrl-C is for the grader, which then ends this in order
        )
        self._apart = self.ask(self._setting).get("apart", False) and self._setting["apart"]
        self._used = 0

    def stop(self) -> None:
        """End the process, with all that it started."""
        if self._process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                children = psutil.Process(self._process.pid).children(recursive=True)
                for process in children:
                    with contextlib.suppress(psutil.Error):
                        process.kill()
            self._process.kill()
            self._process.communicate()
            self._errors.close()
            self._process = None
        if self._folder is not None:
            _remove(self._folder)
            self._folder = None

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
                return dict(json.loads(process.stdout.readline()))
            except (OSError, ValueError) as error:
                self._errors.seek(0)
                said = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
                raise KernelError(f"the sandbox has ended. It said: {' '.join(said)}") from error

    def usage(self) -> tuple[int, int]:
        """Return how many processes and how many bytes the running kernel has."""
        count = memory = 0
        with contextlib.suppress(psutil.Error, AttributeError):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    count += 1
                    memory += process.memory_info().rss
        return count, memory

    @contextmanager
    def kernel(self, files: dict[str, str]) -> Iterator[Kernel]:
        """Fork a kernel and connect to it.

        Parameters
        ----------
        files : dict of str to str
            What lies in its folder when it begins.

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
        ports = {name: number for number, name in enumerate(_PORTS, 1)}
        scratch = SCRATCH if self.sandbox.name != "none" else str(self._folder / "work")
        Path(self._folder, "work").mkdir(exist_ok=True)
        asked = {
            "socket": self.sandbox.inner(socket, self._folder),
            "ports": ports,
            "key": key,
            "scratch": scratch,
            "files": files,
        }
        keeper = self.ask({"start": asked})["keeper"]
        client = _connect(socket, ports, key)
        kernel = Kernel(self, keeper, client)
        try:
            _wait_until(lambda: all(Path(f"{socket}-{n}").exists() for n in ports.values()), kernel)
            client.start_channels(shell=True, iopub=True, stdin=False, hb=False, control=False)
            _wait_for_answer(client, kernel)
            yield kernel
        finally:
            kernel.close()
            for number in ports.values():
                Path(f"{socket}-{number}").unlink(missing_ok=True)
            _remove(self._folder / "work")


def _connect(socket: Path, ports: dict[str, int], key: str) -> BlockingKernelClient:
    context = zmq.Context()
    context.setsockopt(zmq.MAXMSGSIZE, 100_000_000)  # one message must not fill our memory
    context.setsockopt(zmq.LINGER, 0)
    client = BlockingKernelClient(context=context)
    client.load_connection_info(
        {"transport": "ipc", "ip": str(socket), "key": key, "signature_scheme": "hmac-sha256"}
        | ports
    )
    return client


def _wait_until(condition: Callable[[], bool], kernel: Kernel) -> None:
    ends = time.monotonic() + _START
    while not condition():
        if time.monotonic() > ends or not kernel.is_alive():
            raise KernelError("the kernel did not start")
        time.sleep(0.005)


def _wait_for_answer(client: BlockingKernelClient, kernel: Kernel) -> None:
    """A kernel is ready when it answers, and when its displays arrive as well."""
    ends = time.monotonic() + _START
    while time.monotonic() < ends:
        asked = client.kernel_info()
        while client.shell_channel.socket.poll(1000):
            if client.get_shell_msg(timeout=1)["parent_header"].get("msg_id") == asked:
                if client.iopub_channel.socket.poll(50):
                    return
                break
        if not kernel.is_alive():
            break
    raise KernelError("the kernel did not start")


def _shared_memory() -> int:
    return getattr(psutil.virtual_memory(), "shared", 0)


def _remove(folder: Path) -> None:
    """Delete a folder of ours; a student's notebook may have made parts of it unreadable."""
    import shutil

    def make_writable(function: Callable, path: str, _: Any) -> None:
        with contextlib.suppress(OSError):
            os.chmod(Path(path).parent, 0o700)  # noqa: PTH101
            function(path)

    shutil.rmtree(folder, onerror=make_writable)
