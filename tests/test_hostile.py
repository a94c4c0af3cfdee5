"""Hostile, broken and honest notebooks in one batch, through the command that a teacher types.

No hostile notebook gains a point, leaves a process or a file, opens a connection or reads what is
not its own; the honest ones get what they get alone. Linux with bubblewrap.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest

from autograder import ROOT
from autograder.samples import CHECKS, FULL, STAGE, Sample, notebook_of
from autograder.sandbox import Sandbox, SandboxError, choose, python_folders
from tests import hostile, zoo
from tests.broken import BROKEN, right
from tests.hostile import MARK, SECRET

LIMITS = ("--cell-seconds", "10", "--seconds", "45", "--memory", "1")
GOOD = [sample for sample in zoo.RIGHT if not sample.mangle][::6][:10]


@dataclass
class Outside:
    """What lies around a batch: what may not be read, written or called."""

    folder: Path
    calls: list[str] = field(default_factory=list)
    port: int = 0
    name: str = ""

    @property
    def temporary(self) -> Path:
        return self.folder / "t"

    @property
    def course(self) -> Path:
        return self.folder / "course"

    @property
    def secrets(self) -> list[str]:
        return [
            str(self.folder / "home" / ".teacher"),
            str(self.folder / "notes.txt"),
            str(self.course / "gradebook.db"),
            str(self.course / "submitted"),
            str(ROOT / "solutions" / STAGE / f"{STAGE}.ipynb"),
        ]

    def environment(self) -> dict[str, str]:
        given = {"PATH", "LANG", "COURSE_CACHE"}
        return {name: value for name, value in os.environ.items() if name in given} | {
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.temporary),
            "TEACHERS_TOKEN": SECRET,
            "PYTHONPATH": str(ROOT),
        }

    def listing(self) -> list[str]:
        """All files around the course, without what libraries keep in a home folder."""
        found = (str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))
        ours = ("course", "handed_in", "home/.cache", "home/.config", "home/.ipython")
        return sorted(path for path in found if not path.startswith(ours))

    def processes(self) -> list[str]:
        """The processes that see the batch's temporary folder, on their command line or mounted."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                mounts = (process / "mountinfo").read_text()
                if any(mark in command + mounts for mark in (str(self.temporary), MARK)):
                    found.append(f"{process.name} {command}")
        return found


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    # Not pytest's own folder: the path of a socket has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="hostile"))
    around = Outside(folder, name=f"hostile-{secrets.token_hex(8)}")
    for name in ("t", "home", "canary"):
        (folder / name).mkdir()
    (folder / "home" / ".teacher").write_text(SECRET)
    (folder / "notes.txt").write_text(SECRET)
    listeners = []
    for family, place in (
        (socket.AF_INET, ("127.0.0.1", 0)),
        (socket.AF_UNIX, str(folder / "listener")),
        (socket.AF_UNIX, f"\0{around.name}"),
    ):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.bind(place)
        listener.listen()
        listeners.append(listener)
        if family == socket.AF_INET:
            around.port = listener.getsockname()[1]
        threading.Thread(target=_answer, args=(listener, around.calls), daemon=True).start()
    yield around
    for listener in listeners:
        listener.close()
    shutil.rmtree(folder)


def _answer(listener: socket.socket, calls: list[str]) -> None:
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            return
        calls.append(str(listener.getsockname()))


def _hand_in(samples: list[tuple[str, Sample]], folder: Path) -> None:
    released = nbformat.read(ROOT / "stages" / STAGE / f"{STAGE}.ipynb", as_version=4)
    for student, sample in samples:
        place = folder / student
        place.mkdir(parents=True)
        nbformat.write(notebook_of(sample, released), place / f"{STAGE}.ipynb")


def _grade(outside: Outside, course: Path, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "autograder", "grade", str(outside.folder / "handed_in")]
    command += ["--stage", "7", "--course", str(course), "--data", "practice", *options]
    return subprocess.run(
        command,
        env=outside.environment(),
        cwd=outside.folder / "canary",
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )


def _results(course: Path) -> dict[str, dict]:
    found = sorted((course / "grading" / STAGE).glob("*.result.json"))
    return {
        path.name.removesuffix(".result.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in found
    }


def _points(result: dict) -> tuple[float, ...]:
    judged = result["judged"]
    return tuple(judged["points"][check] for check in CHECKS) if judged else (0.0,) * len(CHECKS)


# --- In a sandbox ------------------------------------------------------------------------------


@dataclass
class Batch:
    students: dict[str, Sample]
    said: subprocess.CompletedProcess
    results: dict[str, dict]
    listing: tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def batch(outside) -> Batch:
    """All of them at once, an honest one after every few hostile ones."""
    try:
        choose("bubblewrap")
    except SandboxError as problem:
        pytest.skip(str(problem))
    bad = [
        *hostile.ALL,
        hostile.reader(outside.secrets),
        hostile.writer([str(outside.folder / "canary"), str(outside.course), str(ROOT)]),
        hostile.caller(outside.port, str(outside.folder / "listener"), outside.name),
    ]
    step = len(bad) // len(GOOD) + 1
    groups = itertools.zip_longest(GOOD, [bad[n : n + step] for n in range(0, len(bad), step)])
    mixed = [sample for good, some in groups for sample in (*(some or ()), good) if sample]
    students = {f"s{place:02}_{sample.name}": sample for place, sample in enumerate(mixed)}
    handed_in = outside.folder / "handed_in"
    _hand_in(list(students.items()), handed_in)
    blank = Sample("blank", {}, (0,) * 5)
    _hand_in([(name, blank) for name in hostile.NAMES], handed_in)
    for one in BROKEN:
        place = handed_in / one.name / (one.file_name or f"{STAGE}.ipynb")
        place.parent.mkdir(parents=True)
        place.write_bytes(one.content(right()))
    with zipfile.ZipFile(handed_in / "s99_zip.zip", "w") as packed:
        packed.writestr(f"../canary/{STAGE}.ipynb", "{}")
        packed.writestr(f"/{outside.folder}/canary/{STAGE}.ipynb", "{}")
    before = outside.listing()
    said = _grade(outside, outside.course, *LIMITS, "--workers", "2", "--require-sandbox")
    return Batch(students, said, _results(outside.course), (before, outside.listing()))


pytestmark = pytest.mark.slow


def test_there_are_enough():
    names = [sample.name for sample in hostile.ALL]
    assert len(set(names)) == len(names) >= 35
    assert len(GOOD) == 10 and all(sample.points == FULL for sample in GOOD)


def test_the_batch_ends(batch):
    assert batch.said.returncode in (0, 1), batch.said.stdout[-3000:] + batch.said.stderr[-3000:]
    assert "Traceback" not in batch.said.stdout + batch.said.stderr
    assert set(batch.students) <= set(batch.results)


def test_honest_ones_get_what_they_get_alone(batch):
    got = {
        name: _points(batch.results[name])
        for name, sample in batch.students.items()
        if sample in GOOD
    }
    assert got == {name: tuple(map(float, FULL)) for name in got}


def test_broken_ones_get_what_they_get_without_the_hostile(batch):
    deserved = {one.name: tuple(map(float, one.points or (0,) * len(CHECKS))) for one in BROKEN}
    assert {name: _points(batch.results[name]) for name in deserved} == deserved
    without = {one.name for one in BROKEN if one.points is None}
    assert {name for name in deserved if batch.results[name]["reason"]} == without


def test_no_hostile_one_gains_a_point(batch):
    gains = {
        name: (_points(batch.results[name]), sample.points)
        for name, sample in batch.students.items()
        if any(a > b for a, b in zip(_points(batch.results[name]), sample.points, strict=True))
    }
    assert gains == {}


def test_forged_figures_are_pointed_out(batch):
    for name, result in batch.results.items():
        if "_claims_of_" in name:
            assert any("figure" in doubt for doubt in result["decide"]), name


def test_no_process_is_left(batch, outside):
    assert outside.processes() == []


def test_nothing_was_written_outside(batch, outside):
    before, after = batch.listing
    assert after == before
    places = [Path("/tmp"), Path("/etc"), Path.home(), ROOT, ROOT / "course_utils"]
    assert not [place / MARK for place in places if (place / MARK).exists()]


def test_no_connection_was_opened(batch, outside):
    assert outside.calls == []
    assert "CALLED" not in json.dumps(batch.results[_named(batch, "calls_out")]["outputs"])


def test_nothing_of_the_teachers_was_read(batch, outside):
    assert SECRET not in json.dumps([result["outputs"] for result in batch.results.values()])
    said = json.dumps(batch.results[_named(batch, "reads_what_it_can")]["outputs"])
    assert "ENVIRONMENT" in said  # it ran to its end
    assert "READ /" not in said
    for name in ("TEACHERS_TOKEN", "gradebook.db'", "notes.txt'", "ada_one_row", "handed_in'"):
        assert name not in said.partition("ENVIRONMENT")[0].partition("LISTED")[2], name


def test_scripts_and_escapes_stay_text(batch, outside):
    assert "\x1b" not in batch.said.stdout
    report = (outside.course / "class_report.html").read_text(encoding="utf-8")
    assert "<img src=x" not in report
    pages = list((outside.course / "feedback").rglob("*.html"))
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert f'<script>document.title = "{MARK}"' not in text, page
        assert "onerror" not in re.sub(r"<pre>.*?</pre>", "", text, flags=re.S), page
    shown = json.dumps(batch.results[_named(batch, "scripts_and_escapes")]["outputs"])
    assert "onerror" in shown  # it was displayed, and cleaned afterwards


def _named(batch: Batch, name: str) -> str:
    return next(student for student, sample in batch.students.items() if sample.name == name)


# --- Without one -------------------------------------------------------------------------------


def test_without_a_sandbox_limits_still_hold(outside):
    """The same watch over time, memory and processes; and what the other tests look for is real."""
    shutil.rmtree(outside.folder / "handed_in", ignore_errors=True)
    wanted = ("sleep_forever", "memory_of_the_process", "daemon", "folders_too_deep")
    chosen = [sample for sample in hostile.ALL if sample.name in wanted]
    chosen += [hostile.reader(outside.secrets), GOOD[0]]
    _hand_in([(sample.name, sample) for sample in chosen], outside.folder / "handed_in")
    course = outside.folder / "course" / "without"
    said = _grade(outside, course, *LIMITS, "--sandbox", "none", "--no-feedback", "--no-report")
    assert said.returncode in (0, 1), said.stdout + said.stderr
    assert "There is no sandbox" in said.stdout
    results = _results(course)
    got = {sample.name: _points(results[sample.name]) for sample in chosen}
    assert got == {sample.name: tuple(map(float, sample.points)) for sample in chosen}
    assert "memory" in "".join(results["memory_of_the_process"]["decide"])
    assert outside.processes() == []
    assert list(outside.temporary.iterdir()) == []
    assert SECRET in json.dumps(results["reads_what_it_can"]["outputs"])


def test_require_sandbox_refuses(outside, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # a machine with nothing installed
    (outside.folder / "handed_in").mkdir(exist_ok=True)
    said = _grade(outside, tmp_path / "course", "--require-sandbox")
    assert said.returncode == 2
    [line] = [line for line in said.stdout.splitlines() if line.strip()]
    assert line.startswith("Not graded: There is no sandbox on this computer")
    assert not (tmp_path / "course" / "grading").exists()


def test_a_wanted_sandbox_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("bubblewrap", "podman", "docker"):
        with pytest.raises(SandboxError, match="is not installed"):
            choose(name)
    assert choose() == Sandbox("none")


def test_libraries_of_ones_own_are_seen_inside(monkeypatch, tmp_path):
    """As after ``pip install --user``: they do not lie in Python's own folder."""
    own = tmp_path / "site-packages"
    own.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(own), str(tmp_path)])
    assert own in python_folders()
    assert tmp_path not in python_folders()
