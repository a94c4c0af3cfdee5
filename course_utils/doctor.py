"""Say what this computer has for the course, and what to do about what is missing.

    python -m course_utils doctor             looks, and is done within a second
    python -m course_utils doctor --try       also starts what takes time: TensorFlow, a sandbox
    python -m course_utils doctor --online    also asks whether the pictures' servers answer

A line says only what has been looked at. This module needs nothing but Python itself, so that
``python course_utils/doctor.py`` works where not one package is installed yet.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OK, NOTE, MISSING = "ok", "note", "missing"
OLDEST, NEWEST = (3, 11), (3, 13)  # of Python
ROOT = Path(__file__).resolve().parent.parent

NOTEBOOKS, TRAINING, GRADING, TESTS = "notebooks", "training", "grading", "tests"
CLICKING, DOWNLOADING = "what can be clicked", "the fastest download of CIFAR-10"
# The name to install, the name to import, what needs it, and the oldest version that will do.
PACKAGES = (
    ("numpy", "numpy", NOTEBOOKS, ""),
    ("matplotlib", "matplotlib", NOTEBOOKS, ""),
    ("pillow", "PIL", NOTEBOOKS, ""),
    ("tqdm", "tqdm", NOTEBOOKS, ""),
    ("ipykernel", "ipykernel", NOTEBOOKS, ""),
    ("ipywidgets", "ipywidgets", CLICKING, ""),
    ("jinja2", "jinja2", NOTEBOOKS, ""),
    ("pandas", "pandas", NOTEBOOKS, ""),
    ("scikit-learn", "sklearn", NOTEBOOKS, ""),
    ("scipy", "scipy", NOTEBOOKS, ""),
    ("tensorflow", "tensorflow", TRAINING, "2.18"),
    ("keras", "keras", TRAINING, "3"),
    ("pyarrow", "pyarrow", DOWNLOADING, ""),
    ("nbgrader", "nbgrader", GRADING, "0.9.6"),
    ("psutil", "psutil", GRADING, ""),
    ("rich", "rich", GRADING, ""),
    ("pytest", "pytest", TESTS, ""),
    ("playwright", "playwright", TESTS, ""),
)
_NEEDED = {NOTEBOOKS, TRAINING}  # by a student
_TENSORFLOWS = ("tensorflow", "tensorflow-cpu", "tensorflow-intel", "tensorflow-macos")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_ALL = 'python -m pip install -c constraints.txt -e ".[student]"'
_TRY_TENSORFLOW = "import tensorflow, keras; print(tensorflow.__version__, keras.__version__)"


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes
    ----------
    mark : {"ok", "note", "missing"}
        With "missing" a student cannot do the course here.
    what : str
        What was found, in a sentence.
    todo : str
        What to do about it; empty if there is nothing to do.
    """

    mark: str
    what: str
    todo: str = ""

    def __str__(self) -> str:
        return f"{self.mark:<8} {self.what} {self.todo}".rstrip()


def examine(try_it: bool = False, online: bool = False) -> Iterator[Finding]:
    """Look at this computer; yield what was found, one thing at a time.

    Parameters
    ----------
    try_it : bool, default=False
        Also start what takes time: TensorFlow, and a sandbox.
    online : bool, default=False
        Also ask whether the servers that have the pictures answer. Nothing is downloaded.

    Yields
    ------
    Finding
    """
    yield _python()
    yield from map(_package, PACKAGES)
    yield _server_of_notebooks()
    if _is_there("tensorflow"):
        yield _tensorflow_starts() if try_it else _not_tried("TensorFlow")
    yield from _pictures()
    yield _network(online)
    yield from _workspace()
    yield _disk()
    yield _memory()
    yield Finding(OK, f"Processor: {_cores()} cores.")
    yield _loopback()
    yield _sandbox(try_it)
    yield _browser()


def main(arguments: list[str] | None = None) -> int:
    """Print the report.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the command line.

    Returns
    -------
    int
        0 if a student can do the course here, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m course_utils doctor", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--try", dest="try_it", action="store_true", help="start TensorFlow too")
    parser.add_argument("--online", action="store_true", help="ask the pictures' servers too")
    options = parser.parse_args(arguments)
    if hasattr(sys.stdout, "reconfigure"):  # a folder's name may not fit the console
        sys.stdout.reconfigure(errors="backslashreplace")
    findings = []
    for finding in examine(options.try_it, options.online):
        print(finding, flush=True)  # at once: some take their time
        findings.append(finding)
    missing = [finding for finding in findings if finding.mark == MISSING]
    print()
    if not missing:
        print("A student can do the course here.")
        return 0
    count = len(missing)
    lines = "one line that begins" if count == 1 else f"{count} lines that begin"
    print(f"A student cannot do the course here yet: see the {lines} with '{MISSING}'.")
    if count > 2 and (ROOT / "constraints.txt").is_file():
        print(f"All packages at once, in the course's folder: {_ALL}")
    return 1


# --- Python and packages -----------------------------------------------------------------------


def _python() -> Finding:
    bits = 64 if sys.maxsize > 2**32 else 32
    system = {"Darwin": "macOS"}.get(platform.system(), platform.system())
    found = f"Python {platform.python_version()}, {bits} bit, on {system}."
    low, high = (".".join(map(str, version)) for version in (OLDEST, NEWEST))
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return Finding(MISSING, found, f"The course needs {low} to {high}. Install Python {high}.")
    if bits == 32:
        return Finding(MISSING, found, "TensorFlow needs 64 bit. Install Python for 64 bit.")
    return Finding(OK, found)


def _package(wanted: tuple[str, str, str, str]) -> Finding:
    name, module, purpose, oldest = wanted
    absent = MISSING if purpose in _NEEDED else NOTE
    if not _is_there(module):
        todo = f"Install it: python -m pip install {name}"
        return Finding(absent, f"{name} is not installed. It is for {purpose}.", todo)
    version = _version(name)
    if oldest and version and _numbers(version) < _numbers(oldest):
        todo = f"Renew it: python -m pip install --upgrade {name}"
        return Finding(absent, f"{name} {version} is too old: {purpose} needs {oldest}.", todo)
    return Finding(OK, f"{name} {version or 'of an unknown version'}, for {purpose}.")


def _is_there(module: str) -> bool:
    """Whether a module can be found; nothing is imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _version(name: str) -> str:
    for candidate in _TENSORFLOWS if name == "tensorflow" else (name,):
        try:
            return importlib.metadata.version(candidate) or ""
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: (2, 18) of "2.18rc1"."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def _not_tried(what: str) -> Finding:
    return Finding(NOTE, f"{what} was found and not tried.", "To try it, add --try.")


def _server_of_notebooks() -> Finding:
    found = [name for name in ("jupyterlab", "notebook") if _is_there(name)]
    if found:
        return Finding(OK, f"{found[0]} {_version(found[0])}, to open notebooks.")
    if shutil.which("code"):
        return Finding(OK, "Visual Studio Code, to open notebooks.")
    return Finding(
        MISSING,
        "There is no program to open notebooks.",
        "Install one: python -m pip install jupyterlab",
    )


def _tensorflow_starts() -> Finding:
    """Import it in a process of its own: on a processor that it does not know it can crash."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _TRY_TENSORFLOW],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=300,
            check=False,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(
            MISSING, f"TensorFlow does not start ({type(error).__name__}).", "Try again."
        )
    if done.returncode == 0:
        versions = done.stdout.split()
        return Finding(OK, f"TensorFlow {versions[-2]} starts, with Keras {versions[-1]}.")
    said = done.stderr.strip().splitlines()
    reason = said[-1] if said else f"it stopped with status {done.returncode}"
    return Finding(
        MISSING,
        f"TensorFlow does not start: {reason[:150]}.",
        "Install it again: python -m pip install --force-reinstall tensorflow",
    )


# --- Pictures and network ----------------------------------------------------------------------


def _data() -> object | None:
    """The module that finds the pictures, or None without the packages that it needs."""
    try:
        from course_utils import data
    except ImportError:
        return None
    return data


def _pictures() -> Iterator[Finding]:
    data = _data()
    if data is None:
        yield Finding(NOTE, "Pictures were not looked for: a package above is missing.")
        return
    chosen = os.environ.get("COURSE_DATA", "")
    if chosen and chosen != "practice":
        yield _chosen_folder(data, chosen)
    elif chosen:
        yield Finding(OK, "Pictures: COURSE_DATA asks for the practice pictures.")
    cache = data.cache_folder()
    photos = [part for part in ("train", "test") if (cache / f"cifar10-{part}.npz").is_file()]
    if len(photos) == 2:
        yield Finding(OK, f"CIFAR-10 is kept in {cache}. Its content was not checked now.")
    elif not chosen:
        have = f"only its {photos[0]} pictures are" if photos else "it is not"
        yield Finding(
            NOTE,
            f"CIFAR-10: {have} kept in {cache}.",
            "The first notebook downloads it, or takes the practice pictures.",
        )
    drawn = len(list(cache.glob("practice-*.npz"))) >= 2
    yield Finding(
        OK,
        f"Practice pictures: {f'kept in {cache}' if drawn else 'drawn when they are needed'}.",
    )


def _chosen_folder(data, chosen: str) -> Finding:
    """COURSE_DATA names a folder: are all files there? A wrong folder is an error later."""
    folder = Path(chosen).expanduser()
    if (folder / "cifar-10-batches-py").is_dir():
        folder = folder / "cifar-10-batches-py"
    names = [name for part in data.FILES.values() for name in part]
    absent = [name for name in names if not (folder / name).is_file()]
    if absent:
        return Finding(
            MISSING,
            f"COURSE_DATA is {chosen}, but there is no file {absent[0]} in it.",
            "Name the official folder cifar-10-batches-py or the one around it, or unset it.",
        )
    return Finding(OK, f"CIFAR-10 is in {folder}. Its content was not checked now.")


def _network(online: bool) -> Finding:
    if not online:
        return Finding(NOTE, "The network was not asked.", "To ask it, add --online.")
    data = _data()
    if data is None:
        return Finding(NOTE, "The network was not asked: a package above is missing.")
    from course_utils import download

    mirror = os.environ.get("COURSE_MIRROR", "")
    named = {"Hugging Face": data.PARQUET_URL, "Toronto": data.ARCHIVE_URL}
    named |= {"COURSE_MIRROR": mirror} if mirror else {}
    answered = download.reachable(list(named.values()))
    names = [name for name, address in named.items() if address in answered]
    if not names:
        return Finding(
            NOTE,
            f"No server with CIFAR-10 answers (asked: {', '.join(named)}).",
            "The practice pictures work without. Or set COURSE_DATA to a folder with CIFAR-10.",
        )
    return Finding(OK, f"These servers with CIFAR-10 answer: {', '.join(names)}.")


# --- Folders and the machine -------------------------------------------------------------------


def _workspace_folder() -> Path | None:
    """Where the stages find a student's work, seen from the folder that we are in."""
    try:
        from course_utils import workspace
    except ImportError:
        return None
    here = Path.cwd()
    if not os.environ.get("COURSE_WORKSPACE") and (here / "stages").is_dir():
        return here / "stages" / "workspace"  # the notebooks run one folder further down
    return workspace.find_folder()


def _workspace() -> Iterator[Finding]:
    folder = _workspace_folder()
    if folder is None:
        yield Finding(NOTE, "The workspace was not looked for: a package above is missing.")
        return
    from course_utils.workspace import ITEMS

    there = next(place for place in (folder, *folder.resolve().parents) if place.is_dir())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        yield Finding(
            MISSING,
            f"The folder {there} cannot be written ({error.strerror}).",
            "Move the course to a folder of your own, or set COURSE_WORKSPACE to one.",
        )
        return
    kept = [name for name, form in ITEMS.items() if (folder / f"{name}{form}").is_file()]
    content = f"holds: {', '.join(kept)}" if kept else "is empty"
    if not folder.is_dir():
        content = "does not exist yet; it can be made"
    yield Finding(OK, f"The workspace {folder} {content}.")
    if damaged := sorted(path.name for path in folder.glob("damaged_*")):
        yield Finding(
            NOTE,
            f"Put aside in the workspace, because they could not be read: {', '.join(damaged)}.",
            "If you have a my_workspace.zip, bring it back with cu.upload_work().",
        )


def _disk() -> Finding:
    try:
        free = shutil.disk_usage(Path.home()).free / 1e9
    except OSError as error:
        return Finding(NOTE, f"Free disk space is not known ({type(error).__name__}).")
    if free < 1:
        return Finding(
            NOTE, f"Disk: only {free:.1f} GB are free.", "Make room: CIFAR-10 takes about 0.4 GB."
        )
    return Finding(OK, f"Disk: {free:.0f} GB are free.")


def _memory() -> Finding:
    total = _total_memory()
    if total is None:
        return Finding(NOTE, "Memory: its size is not known.", "The course needs about 2 GB.")
    if total < 1.9:
        return Finding(
            NOTE, f"Memory: {total:.1f} GB in all.", "Close other programs before you train."
        )
    return Finding(OK, f"Memory: {total:.1f} GB in all.")


def _total_memory() -> float | None:
    """Gigabytes that this process may use, or None. Containers have less than their machine."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        try:
            import psutil  # Jupyter brings it

            total = psutil.virtual_memory().total
        except ImportError:
            return None
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
    except (OSError, ValueError):
        limit = total
    return min(total, limit) / 1e9


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # Linux alone has it
        return os.cpu_count() or 1


def _loopback() -> Finding:
    """A notebook talks to its kernel through ports of this very computer."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=3).close()
    except OSError as error:
        return Finding(
            MISSING,
            f"This computer cannot talk to itself on 127.0.0.1 ({type(error).__name__}).",
            "Let your firewall allow Python on this computer: notebooks need it.",
        )
    return Finding(OK, "Local ports on 127.0.0.1 can be opened.")


# --- For teachers and contributors -------------------------------------------------------------


def _sandbox(try_it: bool) -> Finding:
    if not (ROOT / "autograder" / "sandbox.py").is_file():
        return Finding(NOTE, "Grading is not here.", "Teachers: get the course's whole folder.")
    try:
        from autograder import sandbox
    except ImportError:
        return Finding(NOTE, "A sandbox was not looked for: a package above is missing.")
    programs = [name for name in ("bwrap", "podman", "docker") if shutil.which(name)]
    todo = "Only a teacher needs one. On Linux, install the package bubblewrap."
    if not programs:
        return Finding(NOTE, "There is no sandbox for grading.", todo)
    # The first answers at once; the others may have to wait for a service.
    if programs == ["bwrap"] or not try_it:
        if "bwrap" not in programs:
            found = " and ".join(programs)
            return _not_tried(f"For grading: {found}")
        try:
            name = sandbox.choose("bubblewrap").name
        except sandbox.SandboxError as problem:
            return Finding(NOTE, str(problem), todo)
    else:
        name = sandbox.choose().name
    if name == "none":
        return Finding(NOTE, f"For grading: {', '.join(programs)} found; none of them works.", todo)
    return Finding(OK, f"For grading: the sandbox {name} works.")


def _browser() -> Finding:
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        return Finding(
            NOTE,
            "There is no Chromium; only the tests in a browser need it.",
            "They are skipped without it.",
        )
    return Finding(OK, f"{Path(found).name} is here, for the tests in a browser.")


if __name__ == "__main__":
    # Run as a file: let it find the package beside itself.
    sys.path[0] = str(ROOT)
    sys.exit(main())
