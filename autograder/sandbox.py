"""Where strangers' code runs: which sandbox this machine has, and how a process starts in it.

Inside there is no network and nothing but Python, its libraries, ``course_utils`` and the
pictures, all read-only; no home folder, no gradebook, no solutions, no other submission.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import course_utils
from autograder import ROOT

NAMES = ("bubblewrap", "podman", "docker", "none")
IMAGE = "question-the-classifier-grading"
INSIDE = "/course"  # where our own code lies in there
SOCKETS = "/run/kernel"  # the only folder that both sides see
SCRATCH = "/tmp"  # the student's folder


class SandboxError(Exception):
    """A sandbox that was asked for and is not to be had, with what to do."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes
    ----------
    cell_seconds, seconds : float
        For one cell, and for the whole notebook.
    memory, disk, output : int
        Bytes: of all its processes together, of its scratch folder, and of what it displays.
    processes : int
        As many at the same time, threads included.
    """

    cell_seconds: float = 900.0
    seconds: float = 1800.0
    memory: int = 3_000_000_000
    disk: int = 300_000_000
    output: int = 30_000_000
    processes: int = 200


@dataclass(frozen=True)
class Sandbox:
    """One kind of sandbox.

    Attributes
    ----------
    name : {"bubblewrap", "podman", "docker", "none"}
    """

    name: str

    def command(
        self,
        sockets: Path,
        reads: Sequence[Path],
        limits: Limits,
        variables: Mapping[str, str],
    ) -> list[str]:
        """Return the command that runs ``inside.py`` in this sandbox.

        Parameters
        ----------
        sockets : Path
            An empty folder, which the inside sees as :data:`SOCKETS`.
        reads : sequence of Path
            Further files and folders that may be read, at their own place.
        limits : Limits
        variables : dict of str to str
            The environment inside. Only a container needs them here: its program keeps the
            teacher's own environment, in which it finds its images.
        """
        if self.is_container:
            return _container(self.name, sockets, reads, limits, variables)
        return {"bubblewrap": _bubblewrap, "none": _none}[self.name](sockets, reads, limits)

    @property
    def is_container(self) -> bool:
        """Whether the inside is a container, with files and users of its own."""
        return self.name in ("podman", "docker")

    def inner(self, path: Path, sockets: Path) -> str:
        """Return what the inside calls a file in the folder of sockets."""
        return str(path) if self.name == "none" else f"{SOCKETS}/{path.relative_to(sockets)}"


def choose(wanted: str = "") -> Sandbox:
    """Return the best sandbox that works here, or the one that is asked for.

    Parameters
    ----------
    wanted : str
        One of :data:`NAMES`, or empty.

    Raises
    ------
    SandboxError
        If the wanted one does not work here.
    """
    if wanted:
        if problem := _problem(wanted):
            raise SandboxError(f"The sandbox {wanted} cannot be used here: {problem}")
        return Sandbox(wanted)
    return Sandbox(next(name for name in NAMES if not _problem(name)))


def _problem(name: str) -> str:
    """What keeps a sandbox from working here, or nothing."""
    if name == "none":
        return ""
    program = {"bubblewrap": "bwrap"}.get(name, name)
    if shutil.which(program) is None:
        return f"the program {program} is not installed."
    trial = [program, "image", "inspect", IMAGE]
    advice = f"make its image first: {name} build -t {IMAGE} -f autograder/Dockerfile ."
    if name == "bubblewrap":
        trial = [*_bubblewrap_base(), "/bin/sh", "-c", "exit 0"]
        advice = "this system does not allow it. On Ubuntu, look for apparmor and user namespaces."
    try:
        done = subprocess.run(trial, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program} does not answer ({type(error).__name__})."
    return "" if done.returncode == 0 else advice


def python_folders() -> list[Path]:
    """Return the folders that this Python and its libraries need, outside /usr."""
    places = [sys.prefix, sys.base_prefix]
    # Libraries may lie elsewhere too, as after pip install --user.
    places += [one for one in sys.path if one.endswith(("site-packages", "dist-packages"))]
    folders: list[Path] = []
    for folder in (Path(place).resolve() for place in places):
        known = [Path("/usr"), *folders]
        if folder.is_dir() and not any(folder.is_relative_to(one) for one in known):
            folders.append(folder)
    return folders


def _bubblewrap_base() -> list[str]:
    command = ["bwrap", "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000"]
    command += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "grading"]
    command += ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        place = Path("/", name)
        if place.is_symlink():
            command += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            command += ["--ro-bind", str(place), str(place)]
    for name in ("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/alternatives"):
        command += ["--ro-bind-try", name, name]
    return [*command, "--proc", "/proc", "--dev", "/dev", "--chdir", "/"]


def _bubblewrap(sockets: Path, reads: Sequence[Path], limits: Limits) -> list[str]:
    command = [*_bubblewrap_base(), "--size", str(limits.disk), "--tmpfs", "/tmp"]
    command += ["--remount-ro", "/dev"]
    for path in (*python_folders(), *reads):
        command += ["--ro-bind", str(path), str(path)]
    command += ["--ro-bind", str(_package()), f"{INSIDE}/course_utils"]
    command += ["--ro-bind", str(_inside()), f"{INSIDE}/inside.py"]
    command += ["--bind", str(sockets), SOCKETS]
    command += ["--remount-ro", "/"]  # what one submission wrote there, the next would see
    return [*command, sys.executable, "-u", f"{INSIDE}/inside.py"]


def _container(
    program: str,
    sockets: Path,
    reads: Sequence[Path],
    limits: Limits,
    variables: Mapping[str, str],
) -> list[str]:
    command = [program, "run", "--rm", "--interactive", "--init", "--network=none", "--read-only"]
    command += ["--cap-drop=ALL", "--security-opt=no-new-privileges"]
    command += ["--security-opt=label=disable"]  # else SELinux hides what is mounted
    # The same user as outside: the folder of sockets belongs to nobody else.
    command += [f"--user={os.getuid()}:{os.getgid()}"]
    command += ["--userns=keep-id"] if program == "podman" and os.getuid() else []
    command += [f"--memory={limits.memory}", f"--pids-limit={limits.processes}"]
    command += ["--ulimit=nofile=1024:1024"]
    command += [f"--tmpfs=/tmp:rw,size={limits.disk},mode=1777"]
    for path in reads:
        command += [f"--volume={path}:{path}:ro"]
    command += [f"--volume={_package()}:{INSIDE}/course_utils:ro"]
    command += [f"--volume={_inside()}:{INSIDE}/inside.py:ro"]
    command += [f"--volume={sockets}:{SOCKETS}:rw"]
    for name, value in variables.items():
        command += ["--env", f"{name}={value}"]
    return [*command, IMAGE, "python", "-u", f"{INSIDE}/inside.py"]


def _none(sockets: Path, reads: Sequence[Path], limits: Limits) -> list[str]:
    return [sys.executable, "-u", str(_inside())]


def environment(sockets: str, package: str = INSIDE) -> dict[str, str]:
    """Return the environment of a process inside: nothing of the teacher's own.

    Parameters
    ----------
    sockets : str
        What the inside calls the folder of sockets.
    package : str
        The folder around ``course_utils`` in there.
    """
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/tmp",
        "PYTHONPATH": package,
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": f"{sockets}/matplotlib",
        "NBGRADER_EXECUTION": "autograde",
        "COURSE_WITNESS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # Notebooks run side by side: more threads would only get in each other's way.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _package() -> Path:
    return Path(course_utils.__file__).resolve().parent


def _inside() -> Path:
    return ROOT / "autograder" / "inside.py"
