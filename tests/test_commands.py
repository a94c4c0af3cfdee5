"""Every command that README.md and CONTRIBUTING.md name is run, read from the file.

A command is a line of a fenced block without a drawing in it, or a piece of `code` in the text
that begins with a program's name. :data:`HOW` says how each is run, in a copy of the project as
git would clone it. A command that it does not know fails a test, and so does an entry that no
file needs any more. Where a command cannot be run as it is, its function says why and what is
run in its place.
"""

from __future__ import annotations

import csv
import functools
import json
import os
import re
import shutil
import signal
import site
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autograder import ROOT
from autograder.samples import SAMPLE_CLASS, STAGE, hand_in
from tests import checkout

FILES = ("README.md", "CONTRIBUTING.md")
PROGRAMS = ("make", "python", "python3", "py", "pip", "nbgrader", "jupyter", "ruff", "pytest")
PROGRAMS += ("git", "docker", "podman", "apt", "apt-get", "brew", "winget", "source", "cd")
SHELLS = {"", "sh", "bash", "shell", "console", "powershell"}
needs_posix = pytest.mark.skipif(
    sys.platform == "win32", reason="make and links in folders are not there on Windows"
)


# --- Reading the files ---------------------------------------------------------------------------


def commands_in(text: str) -> list[str]:
    """Return the commands of a text, in its order."""
    found = []
    for place, part in enumerate(re.split(r"^```(.*)$", text, flags=re.M)):
        match place % 4:
            case 0:
                found += _in_prose(part)
            case 1:
                language = part.strip()
            case 2 if language in SHELLS and part.isascii():  # else it is a drawing
                joined = part.replace("\\\n", " ").splitlines()
                lines = [re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined]
                found += [" ".join(line.removeprefix("$ ").split()) for line in lines if line]
    return found


def _in_prose(text: str) -> Iterator[str]:
    for piece in re.findall(r"(?<!`)`([^`]+)`(?!`)", text):
        words = piece.split()
        first = words[0].rsplit("/", 1)[-1] if words else ""
        if len(words) > 1 and first in PROGRAMS:
            yield " ".join(words)


def read_commands() -> dict[str, str]:
    """Return all commands of the files, each with the file that names it first."""
    found: dict[str, str] = {}
    for name in FILES:
        for command in commands_in((ROOT / name).read_text(encoding="utf-8")):
            found.setdefault(command, name)
    return found


COMMANDS = read_commands()


# --- A copy of the project, with an environment --------------------------------------------------


class Course:
    """A copy of the project, with a ``.venv`` that borrows the packages of this Python."""

    def __init__(self, folder: Path):
        self.folder = checkout.copy(folder)
        venv = folder / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        packages = [sysconfig.get_path("purelib"), *site.getsitepackages()]
        borrow = "".join(f"import site; site.addsitedir({place!r})\n" for place in packages)
        (venv / "lib" / version / "site-packages" / "borrowed.pth").write_text(borrow)
        for program in Path(sysconfig.get_path("scripts")).iterdir():
            if not (venv / "bin" / program.name).exists():
                (venv / "bin" / program.name).symlink_to(program)
        for name in ("etc", "share"):  # Jupyter's settings and templates
            if (place := Path(sys.prefix, name)).is_dir() and not (venv / name).exists():
                (venv / name).symlink_to(place)
        # make has nothing to install; what it would install is asked for by a dry run.
        (venv / ".installed").touch()
        for name in ("pyproject.toml", "constraints.txt"):
            os.utime(folder / name, (0, 0))

    def environment(self, **more: object) -> dict[str, str]:
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("COURSE_D", "JUPYTER"))}
        kept["PATH"] = f"{self.folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return kept | {name: str(value) for name, value in more.items()}

    def run(self, command: str, status: int = 0, **environment: object) -> str:
        """Run a command with the environment activated; return all that it says."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{command}\n{done.stdout[-4000:]}"
        return done.stdout

    def plan(self, command: str) -> str:
        """Return what make would run."""
        return self.run(command.replace("make", "make --no-print-directory -n", 1))


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return Course(tmp_path_factory.mktemp("course") / "workbook")


# --- How each is run -----------------------------------------------------------------------------


def demo(command: str, course: Course) -> None:
    """All of it, once; with another folder of pictures, only what make would run."""
    if "DATA=" in command:
        folder = command.partition("DATA=")[2]
        assert course.plan(command).strip() == (
            f'.venv/bin/python -m autograder demo --data "{folder}"'
        )
        return
    by_hand = ".venv/bin/python -m autograder demo"
    assert course.plan("make demo").strip() == f'{by_hand} --data "practice"'
    said = whole_demo(course)
    assert "Yes: stages/ is what solutions/ makes." in said
    for sample in SAMPLE_CLASS:
        assert sample.name in said
    assert "did not get the points" not in said
    page = re.search(r"Feedback to open in a browser: +(\S+)", said)[1]
    assert (course.folder / page).stat().st_size > 100_000


@functools.cache
def whole_demo(course: Course) -> str:
    """``make demo`` and the same by hand are one command; it takes a minute."""
    return course.run("make demo", COLUMNS=120)


def collection(command: str, course: Course) -> None:
    """This is a test itself: running all of them from here would never end.

    pytest collects them, once, which imports every test; the files that the command names are
    among them.
    """
    if command.startswith("make"):
        assert course.plan(command).strip() == ".venv/bin/python -m pytest"
        return
    named = re.fullmatch(r"(?:\.venv/bin/)?python -m pytest((?: tests/\w+\.py)*)", command)
    assert named, f"This test does not know the options of {command}"
    counts = collected(course)
    assert len(counts) > 40
    assert all(counts[name] > 0 for name in named[1].split())


@functools.cache
def collected(course: Course) -> dict[str, int]:
    """The number of tests by file."""
    said = course.run("python -m pytest --collect-only -q")
    return {name: int(count) for name, count in re.findall(r"^(tests/\S+): (\d+)$", said, re.M)}


def benchmark(command: str, course: Course) -> None:
    """It takes minutes: what make would run, and that it starts."""
    ran = course.plan(command).strip()
    module = re.fullmatch(r'\.venv/bin/python -m (tests\.benchmarks\.\w+)( "practice")?', ran)[1]
    if module == "tests.benchmarks.stages":
        said = course.run(f"{ran} --only 1")
        assert "stage_01_meet_the_photos" in said
        assert "for 1 stages" in said
    else:
        course.run(f"python -c 'import {module}; assert {module}.main'")


def training(command: str, course: Course) -> None:
    """It takes an hour. Without pictures it begins and stops, with the reason."""
    empty = course.folder / "docs"
    nobody = "http://127.0.0.1:9"  # as the network's door, so that nothing can be downloaded
    nothing = {"COURSE_DATA": empty, "COURSE_CACHE": empty, "https_proxy": nobody}
    said = course.run(command, status=1, **nothing)
    assert re.search(r"DataError: (COURSE_DATA is|CIFAR-100 is not at hand)", said)


def installation(command: str, course: Course) -> None:
    """pip resolves it against the package index and installs nothing."""
    arguments = command.partition("pip ")[2]
    said = course.run(f"{sys.executable} -m pip {arguments} --dry-run")
    assert re.search(r"Would install .*question-the-classifier", said)


def new_environment(command: str, course: Course) -> None:
    """In a folder of its own: the copy's environment is in use."""
    folder = course.folder / "elsewhere"
    folder.mkdir()
    course.run(f"cd elsewhere && {command}")
    made = re.search(r"-m venv (\S+)", command)[1]
    course.run(f"elsewhere/{made}/bin/python -m pip --version")


def build(command: str, course: Course) -> None:
    said = course.run(command)
    assert said.strip() == "Nothing to do: stages/ is fresh."


def grading(command: str, course: Course) -> None:
    """FOLDER is a class of two."""
    said = graded(course)
    assert "2 graded, 0 not; 2 notebooks were run" in said
    for sample in CLASS:
        page = course.folder / "feedback" / sample.name / STAGE / f"{STAGE}.html"
        assert page.is_file()
    with (course.folder / "grades.csv").open(encoding="utf-8-sig") as file:
        assert {row["student"] for row in csv.DictReader(file)} == {one.name for one in CLASS}


def judging_again(command: str, course: Course) -> None:
    graded(course)
    said = course.run(command, COURSE_DATA="practice")
    assert "2 graded, 0 not; 0 notebooks were run" in said


@functools.cache
def graded(course: Course) -> str:
    folder = course.folder.parent / "handed in"
    hand_in(CLASS, folder)
    command = f'.venv/bin/python -m autograder grade "{folder / "submitted"}" --stage 7'
    return course.run(command, COURSE_DATA="practice")


def workers(command: str, course: Course) -> None:
    graded_by_workers(course)


@functools.cache
def graded_by_workers(course: Course) -> None:
    """A scheduler and its workers on this computer, and the class of two graded by them."""
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    asked = (f"{one} --no-dashboard" for one in COMMANDS if how(one) is workers)
    commands = [
        one.replace("tcp://address:8786", address).replace(
            "scheduler", f"scheduler --host {address}"
        )
        for one in asked
    ]
    assert len(commands) == 2
    started = [
        subprocess.Popen(
            ["bash", "-c", one],
            cwd=course.folder,
            env=course.environment(COURSE_DATA="practice"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for one in commands
    ]
    try:
        with distributed.Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=120)
        hand_in(CLASS, course.folder.parent / "for workers")
        said = course.run(
            f'python -m autograder grade "{course.folder.parent / "for workers" / "submitted"}" '
            f'--stage 7 --course "{course.folder.parent / "by workers"}" --scheduler {address}',
            COURSE_DATA="practice",
        )
        assert "2 graded, 0 not; 2 notebooks were run" in said
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGTERM)
        for process in started:
            process.wait(60)


def package(command: str, course: Course) -> None:
    """Installing is the teacher's; that Debian has a package of this name is looked up."""
    if shutil.which("apt-cache") is None:
        pytest.skip("apt is not on this computer")
    name = command.rsplit(maxsplit=1)[-1]
    if not course.run(f"apt-cache show {name} || true").startswith("Package:"):
        assert shutil.which("bwrap"), f"no list of packages here, and no {name} either"


def image(command: str, course: Course) -> None:
    """It fetches an image from the network; that the file it names is there is looked up."""
    named = re.search(r"-f (\S+) \.", command)[1]
    assert (course.folder / named).read_text(encoding="utf-8").count("FROM ") == 1


def doctor(command: str, course: Course) -> None:
    assert "A student can do the course here." in course.run(command)


def server(command: str, course: Course) -> None:
    """Started, asked on this computer for the pages that the text speaks of, and stopped."""
    with serving(command, course) as ask:
        assert b"JupyterLab" in ask("lab", parse=False)
        if "lab" in command:  # every stage can be reached, not the first alone
            for place in sorted((course.folder / "stages").glob("stage_*/*.ipynb")):
                path = place.relative_to(course.folder).as_posix()
                assert ask(f"api/contents/{path}?content=0")["type"] == "notebook"
        else:
            assert b"formgrader" in ask("formgrader", parse=False).lower()


@contextmanager
def serving(command: str, course: Course) -> Iterator[Callable]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = course.folder.parent / "jupyter"
    settings.mkdir(exist_ok=True)
    # A container runs as root, which Jupyter asks about; nobody looks at a browser here.
    application = {"port": port, "ip": "127.0.0.1", "open_browser": False, "allow_root": True}
    text = json.dumps({"ServerApp": application, "IdentityProvider": {"token": ""}})
    (settings / "jupyter_server_config.json").write_text(text)
    log = (settings / "log.txt").open("w+")
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=course.folder,
        env=course.environment(JUPYTER_CONFIG_DIR=settings, JUPYTER_RUNTIME_DIR=settings),
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # make, its shell and the server are stopped together
    )

    def ask(path: str, parse: bool = True):
        end = time.monotonic() + 120
        while True:
            try:
                address = f"http://127.0.0.1:{port}/{path}"
                with urllib.request.urlopen(address, timeout=60) as answer:
                    return json.load(answer) if parse else answer.read()
            except urllib.error.HTTPError:
                raise
            except OSError:
                log.seek(0)
                assert process.poll() is None, log.read()
                assert time.monotonic() < end, log.read()
                time.sleep(0.2)

    try:
        yield ask
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
        log.close()


def teachers_session(command: str, course: Course) -> None:
    """The teacher's commands, one after the other in one shell, as the file has them."""
    said = session(course)
    assert f"DONE {command}\n" in said, said[-4000:]
    made = {
        "nbgrader autograde": f"autograded/{{student}}/{STAGE}/{STAGE}.ipynb",
        "nbgrader generate_feedback": f"feedback/{{student}}/{STAGE}/{STAGE}.html",
    }
    for begin, path in made.items():
        if command.startswith(begin):
            for sample in CLASS:
                assert (course.folder / path.format(student=sample.name)).is_file()
    if command.startswith("nbgrader export"):
        with (course.folder / "autograder" / "grades.csv").open(encoding="utf-8") as file:
            rows = {row["student_id"]: row for row in csv.DictReader(file)}
        for sample in CLASS:
            # What is written by hand has no points yet.
            assert float(rows[sample.name]["score"]) == sum(sample.points)


CLASS = [sample for sample in SAMPLE_CLASS if sample.name in ("ada_one_row", "dan_half_done")]


@functools.cache
def session(course: Course) -> str:
    mine = [c for c in COMMANDS if how(c) is teachers_session]
    hand_in(CLASS, course.folder)
    script = ["set -e", *(f"{c}\necho 'DONE {c}'" for c in mine)]
    return course.run("\n".join(script), COURSE_DATA="practice")


# Each command as a pattern. The first that fits the whole command counts.
HOW: dict[str, Callable[[str, Course], None]] = {
    r"make demo( DATA=\S+)?": demo,
    r"(\.venv/bin/)?python -m autograder demo": demo,
    r"make test": collection,
    r"(\.venv/bin/)?python -m pytest.*": collection,
    r"make (lab|teach)": server,
    r"make bench-[\w-]+": benchmark,
    r"python3 -m venv \.venv": new_environment,
    r"\.venv/bin/pip install .*": installation,
    r"python -m autograder build": build,
    r"\.venv/bin/python -m autograder grade FOLDER --stage 7": grading,
    r"python -m autograder grade --stage 7": judging_again,
    r"(\.venv/bin/)?python -m course_utils doctor": doctor,
    r"\.venv/bin/jupyter lab": server,
    r"\.venv/bin/python -m dask (scheduler|worker .*)": workers,
    r"apt install bubblewrap": package,
    r"podman build .*": image,
    r"python -m course_utils\.(training|stress) .*": training,
    r"source \.venv/bin/activate": teachers_session,
    r"cd autograder": teachers_session,
    r"nbgrader \w+.*": teachers_session,
}


def how(command: str) -> Callable[[str, Course], None] | None:
    return next((run for pattern, run in HOW.items() if re.fullmatch(pattern, command)), None)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_known(command):
    assert how(command), (
        f"This command in {COMMANDS[command]} is run by no test: {command}. "
        "Say in HOW in tests/test_commands.py how it is run."
    )


@pytest.mark.parametrize("pattern", HOW)
def test_entry_is_needed(pattern):
    assert any(re.fullmatch(pattern, command) for command in COMMANDS), (
        f"Neither {' nor '.join(FILES)} has such a command any more: {pattern}"
    )


def test_reading_finds_commands_and_leaves_the_rest():
    text = """
Say `make demo` or, in a folder `stages/`, `python -m
autograder build`. Not `make`, not `name = ...`, not `pip`.

```
.venv/bin/pip install \\
    -e .   # all of it
$ nbgrader export
```

```
pictures ──> predictions
```

```python
make = 1
```
Then `.venv/bin/jupyter lab`.
"""
    assert commands_in(text) == [
        "make demo",
        "python -m autograder build",
        ".venv/bin/pip install -e .",
        "nbgrader export",
        ".venv/bin/jupyter lab",
    ]


def test_an_unknown_command_has_no_entry():
    assert how("make coffee") is None
    assert how("python -m autograder brew") is None


@needs_posix
@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_command(command, course):
    run = how(command)
    if run is None:
        pytest.fail("No entry; test_command_is_known says more.")
    if command.startswith("make") and shutil.which("make") is None:
        pytest.skip("make is not on this computer; the README has the same without it")
    run(command, course)
