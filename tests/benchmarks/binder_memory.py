"""Run every notebook as Binder would, with one core, and print a table of peak memory.

    python -m tests.benchmarks.binder_memory               student notebooks and solutions
    python -m tests.benchmarks.binder_memory --only 5,8    of two stages
    python -m tests.benchmarks.binder_memory --python ENV/bin/python

``binder/start`` starts a real JupyterLab server on practice pictures, held to one core with
all that it starts. The server starts the kernel, and each cell runs in it. "Peak" is the sum of
the largest resident memory of the server and of each process under it, whenever each had it:
at least the true peak, and no sample can miss it. Pages that two processes share count twice.
``--python`` names the interpreter of another environment, such as one made from
``binder/requirements.txt``. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
from jupyter_client import BlockingKernelClient
from rich.console import Console
from rich.table import Table

from autograder import ROOT
from autograder.build import stage_names
from tests.benchmarks.stages import peak_memory

LIMIT = 1800  # MB, of the 2 GB that Binder gives
PATIENCE = 3600  # seconds for one cell


class Server:
    """A JupyterLab server as Binder starts it.

    Parameters
    ----------
    root : Path
        The folder that it serves.
    python : str
        The interpreter of the environment to run.
    """

    def __init__(self, root: Path, python: str):
        self.runtime = Path(tempfile.mkdtemp())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        programs = str(Path(python).parent)
        environment = os.environ | {
            "PATH": programs + os.pathsep + os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
        }
        environment.pop("COURSE_DATA", None)  # binder/start sets it
        command = ["bash", str(ROOT / "binder" / "start"), python, "-m", "jupyter", "lab"]
        command += ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
        command += ["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"]
        self.address = f"http://127.0.0.1:{port}/api"
        self.log = (self.runtime / "server.log").open("w")
        self.process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        # What it starts inherits the one core.
        os.sched_setaffinity(self.process.pid, {min(os.sched_getaffinity(0))})
        self.peaks: dict[int, float] = {}

    def ask(self, path: str, content: dict | None = None) -> dict:
        """Ask the server's REST interface; wait until it is up."""
        data = None if content is None else json.dumps(content).encode()
        end = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{self.address}/{path}", data) as answer:
                    return json.load(answer)
            except urllib.error.URLError as problem:
                gone = self.process.poll() is not None or time.monotonic() > end
                if isinstance(problem, urllib.error.HTTPError) or gone:
                    said = (self.runtime / "server.log").read_text(encoding="utf-8")
                    raise RuntimeError(f"The server gives no answer:\n{said}") from problem
                time.sleep(0.1)

    def peak(self) -> float:
        """Return the sum of the peaks of all processes seen so far, in MB."""
        server = psutil.Process(self.process.pid)
        for process in (server, *server.children(recursive=True)):
            try:
                self.peaks[process.pid] = peak_memory(process.pid)
            except OSError:  # it has just ended; what was noted before counts
                continue
        return sum(self.peaks.values())

    def close(self) -> None:
        """Stop the server with its kernels."""
        self.process.terminate()
        self.process.wait(60)
        self.log.close()
        shutil.rmtree(self.runtime)


@contextmanager
def serve(root: Path, python: str) -> Iterator[Server]:
    """Start a server, and stop it at the end."""
    server = Server(root, python)
    try:
        yield server
    finally:
        server.close()


def measure(source: Path, root: Path, python: str = sys.executable) -> dict:
    """Run one notebook through a server of its own.

    Parameters
    ----------
    source : Path
        The notebook. A copy of it runs in ``root / "stages" / its name``.
    root : Path
        The folder to serve, where a student's workspace stays for later stages.
    python : str
        The interpreter of the environment to run.

    Returns
    -------
    dict
        ``seconds``, ``server`` (MB before the kernel starts), ``peak`` (MB), and ``error``, the
        name of the first error or an empty string.
    """
    place = root / "stages" / source.stem / source.name
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, place)
    cells = [c for c in nbformat.read(source, as_version=4).cells if c.cell_type == "code"]
    found = {"error": ""}
    start = time.perf_counter()
    with serve(root, python) as server:
        server.ask("status")
        found["server"] = server.peak()
        path = place.relative_to(root).as_posix()
        session = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        kernel = server.ask("sessions", session)["kernel"]["id"]
        client = BlockingKernelClient(connection_file=str(server.runtime / f"kernel-{kernel}.json"))
        client.load_connection_file()
        client.start_channels(hb=False)  # a busy core misses a heartbeat and is well all the same
        client.wait_for_ready(timeout=120)
        for cell in cells:
            reply = client.execute_interactive(
                cell.source, timeout=PATIENCE, allow_stdin=False, output_hook=lambda _: None
            )
            found["peak"] = server.peak()
            if reply["content"]["status"] != "ok":
                found["error"] = f"{reply['content'].get('ename')} in {cell.id}"
                break
        client.stop_channels()
    return found | {"seconds": time.perf_counter() - start}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="numbers of stages, such as 5,8")
    parser.add_argument("--python", default=sys.executable, help="another environment's")
    options = parser.parse_args()
    names = stage_names(ROOT / "solutions")
    if options.only:
        chosen = {f"stage_{int(number):02d}" for number in options.only.split(",")}
        names = [name for name in names if name[:8] in chosen]
    table = Table("notebook", "seconds", "server, MB", "peak, MB", "")
    too_much = False
    for folder in ("stages", "solutions"):
        with tempfile.TemporaryDirectory() as root:
            for name in names:
                found = measure(ROOT / folder / name / f"{name}.ipynb", Path(root), options.python)
                bad = found["error"] or ("too much" if found["peak"] > LIMIT else "")
                too_much = too_much or bool(bad)
                numbers = [f"{found[key]:.0f}" for key in ("seconds", "server", "peak")]
                table.add_row(f"{folder}/{name}", *numbers, bad)
                print(f"{folder}/{name}", *numbers, bad, flush=True)
    Console(width=100).print(table)
    raise SystemExit(too_much)


if __name__ == "__main__":
    main()
