"""A copy of the course's folder, and a real Jupyter server that runs in it."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autograder import ROOT

PATIENCE = 120_000  # milliseconds; a kernel that loads TensorFlow beside other work is slow
_SETTINGS = {
    # A question about Jupyter's news would cover what is to be clicked, and needs the network.
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
_STARTS_WITHIN, _STOPS_WITHIN = 60, 30  # seconds


def copy_course(target: Path) -> Path:
    """Copy what git knows of the course's folder, or would know: no results, no installation.

    Parameters
    ----------
    target : Path
        A folder that does not exist yet.

    Returns
    -------
    Path
        The copy.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    return target


def environment(course: Path) -> dict[str, str]:
    """Return the environment in which a program works on a copy, and on nothing of the user's."""
    home = course.with_name(f"{course.name}_home")
    own = {
        "HOME": home,
        "USERPROFILE": home,
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "PYTHONPATH": course,  # as if the copy were what is installed
    }
    for folder in own.values():
        folder.mkdir(parents=True, exist_ok=True)
    program_folder = str(Path(sys.executable).parent)  # nbgrader calls other programs by name
    return (
        {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
        | {name: str(folder) for name, folder in own.items()}
        | {
            "COURSE_DATA": "practice",
            "PATH": program_folder + os.pathsep + os.environ["PATH"],
            "PYTHONUTF8": "1",
        }
    )


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes
    ----------
    course : Path
        The folder that it shows.
    base, token : str
        ``http://127.0.0.1:<port>``, and what opens it.
    program : {"lab", "notebook"}
    """

    course: Path
    base: str
    token: str
    program: str

    def address(self, path: str = "") -> str:
        """Return where a file of the course is opened, or no file, in an empty window."""
        if self.program == "notebook":
            return f"{self.base}/notebooks/{path}?token={self.token}"
        place = f"lab/tree/{path}" if path else "lab"
        return f"{self.base}/{place}?reset&token={self.token}"


@contextmanager
def serve(course: Path, program: str = "lab", *, teacher: bool = False) -> Iterator[Server]:
    """Run ``jupyter lab`` or ``jupyter notebook`` on a copy of the course.

    Parameters
    ----------
    course : Path
    program : {"lab", "notebook"}
    teacher : bool, default=False
        With the course's configuration of nbgrader, as ``make teach`` has it.

    Yields
    ------
    Server

    Raises
    ------
    RuntimeError
        If it does not start, with what it said.
    """
    own = environment(course)
    for name, values in _SETTINGS.items():
        file = Path(own["JUPYTER_CONFIG_DIR"], "lab", "user-settings", "@jupyterlab", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".jupyterlab-settings").write_text(json.dumps(values), encoding="utf-8")
    if teacher:
        own["JUPYTER_CONFIG_PATH"] = str(course / "autograder")
    command = [sys.executable, "-m", "jupyter", program, "--no-browser", "--ip=127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--allow-root"],  # tests in a container often run as root
        cwd=course,
        env=own,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        base, token = _address_said_by(process)
        yield Server(course, base, token, program)
    finally:
        process.terminate()  # the server then ends its kernels
        try:
            process.wait(_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address_said_by(process: subprocess.Popen) -> tuple[str, str]:
    """Wait until the server says where it is; then go on to empty its pipe."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in process.stderr:
            lines.put(line)
        lines.put("")

    threading.Thread(target=listen, daemon=True).start()
    said = ""
    while True:
        try:
            line = lines.get(timeout=_STARTS_WITHIN)
        except queue.Empty:
            line = ""
        said += line
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/\S*\?token=(\w+)", line):
            _wait_until_it_listens(int(found.group(1).rpartition(":")[2]))
            return found.group(1), found.group(2)
        if not line:
            raise RuntimeError(f"The Jupyter server did not start:\n{said}")


def _wait_until_it_listens(port: int) -> None:
    """Knock until somebody answers: the server says where it is a moment too early."""
    deadline = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=_STARTS_WITHIN).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
