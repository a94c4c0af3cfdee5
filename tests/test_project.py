"""The project's own files: format, lint, commands, and what must not stand in public text."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

import pytest

from autograder import ROOT, stage_names
from autograder.preprocessors.filladdresses import BADGES, repository, tag
from tests.checkout import tracked

# What Windows does not allow: these names, with any ending, and these characters.
RESERVED = {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(10))}
FORBIDDEN = re.compile(r'[<>:"\\|?*\x00-\x1f]')
TEXTS = ("*.md", "*.py", "*.toml", "*.ipynb", "Makefile", "binder/*")


def ruff(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "ruff", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_format():
    result = ruff("format", "--check", ".")
    assert result.returncode == 0, result.stdout


def test_lint():
    result = ruff("check", ".")
    assert result.returncode == 0, result.stdout


def test_no_paths_of_a_machine_and_no_package_index():
    bad = re.compile(r"/(work|root|farm|home/\w+)/|/tmp/\w|p[y]pi\.|files\.pythonhosted")
    for path in tracked(*TEXTS):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not bad.search(line), f"{path.name}:{number}: {line}"


def test_the_address_stands_in_one_place():
    """Badges and notebooks are built from it; nothing else repeats it."""

    name = repository().removeprefix("https://github.com/")
    found = {
        path.relative_to(ROOT).as_posix() for path in tracked(*TEXTS) if name in path.read_text()
    }
    assert {path for path in found if not path.startswith("stages/")} <= {
        "pyproject.toml",
        "README.md",
    }


def test_nothing_of_the_data_is_committed():
    own = ROOT / "course_utils" / "assets"  # trained by the project's own code
    names = [path.name for path in tracked() if path.parent != own]
    assert not [n for n in names if n.endswith((".npz", ".npy", ".parquet", ".tar.gz", ".db"))]
    assert {p.name.split("_")[0] for p in own.glob("*.npz")} <= {"stress"}
    assert not [n for n in names if n.startswith(("data_batch", "test_batch"))]
    assert all(path.stat().st_size <= 4_000_000 for path in tracked())


def test_configuration_is_short():
    lines = (ROOT / "autograder" / "nbgrader_config.py").read_text().splitlines()
    assert len(lines) < 60


def test_commands_of_the_readme_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^make ([\w-]+)|`make ([\w-]+)", text, re.M)
    targets = {one or other for one, other in targets}
    assert {"demo", "test", "lab", "teach"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target
    for path in re.findall(r"\]\((?!http|#)([^)]+)\)", text):
        assert (ROOT / path).exists(), path


def test_badges_of_the_readme_are_those_of_the_notebooks():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    slug = repository().removeprefix("https://github.com/")
    for name in stage_names():
        path = f"stages/{name}/{name}.ipynb"
        badges = BADGES.format(slug=slug, tag=tag(), path=path).replace("\n", " ")
        [row] = [line for line in text.splitlines() if f"]({path})" in line]
        assert row.endswith(f"| {badges} |"), name


def test_every_module_is_named_in_the_tour():
    """Someone new finds their room from CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for package in ("course_utils", "course_utils/analysis", "course_utils/checks", "autograder"):
        for path in (ROOT / package).glob("*.py"):
            if not path.name.startswith(("__", "stage_", "deeper_", "result")):
                assert f"`{path.name}`" in text, path


def test_requirements_of_binder_follow_the_constraints():
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().split() if "==" in line
    )
    wanted = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    for line in wanted:
        if line and not line.startswith("#"):
            name, version = line.split("==")
            assert pins[name] == version, line


# --- Windows and macOS -------------------------------------------------------------------------


def faults_of(names):
    """What keeps these files from being checked out on some system, one sentence each."""
    faults = []
    for name in names:
        for part in name.split("/"):
            if part.split(".")[0].lower() in RESERVED:
                faults.append(f"{name}: Windows keeps the name {part} for itself")
            if FORBIDDEN.search(part) or part != part.rstrip(" ."):
                faults.append(f"{name}: {part!r} is no name on Windows")
        if not name.isascii():
            faults.append(f"{name}: macOS and Linux may store these letters differently")
        if len(name) >= 150:  # Windows allows 260 with the folder around the course
            faults.append(f"{name}: {len(name)} characters are too many")
    folders = {
        "/".join(name.split("/")[:n]) for name in names for n in range(1, name.count("/") + 1)
    }
    for folded, count in Counter(path.lower() for path in folders | set(names)).items():
        if count > 1:
            faults.append(f"{folded}: two names differ in small and capital letters only")
    return faults


def test_file_names_are_legal_everywhere():
    assert faults_of([path.relative_to(ROOT).as_posix() for path in tracked()]) == []


@pytest.mark.parametrize(
    "names",
    [
        ["docs/aux.md"],
        ["docs/NUL"],
        ["stages/a?.ipynb"],
        ["docs/ends."],
        ["docs/ends /x.md"],
        ["docs/übung.md"],
        ["x" * 150],
        ["docs/Card.md", "docs/card.md"],
        ["Docs/a.md", "docs/b.md"],
    ],
)
def test_a_name_that_is_not_legal_is_noticed(names):
    assert len(faults_of(names)) == 1


def test_line_endings_are_those_that_the_files_need():
    """On Windows git would turn them into its own, which bash and a byte-for-byte test refuse."""
    names = [path.relative_to(ROOT).as_posix() for path in tracked()]
    scripts = [n for n in names if n.startswith("binder/") or n in {".ci/run", "Makefile"}]
    notebooks = [n for n in names if n.endswith(".ipynb")]
    assert scripts and notebooks
    asked = subprocess.run(
        ["git", "check-attr", "eol", "--", *scripts, *notebooks],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    wrong = [line for line in asked.stdout.splitlines() if not line.endswith("eol: lf")]
    assert not wrong, ".gitattributes needs eol=lf for these:\n" + "\n".join(wrong)


def test_texts_are_utf8_without_carriage_returns():
    for path in tracked(*TEXTS, "*.j2", "*.txt"):
        content = path.read_bytes()
        assert b"\r" not in content, path
        content.decode("utf-8")


# Modules that start programs inside Linux, and are imported nowhere else.
LINUX_ONLY = {"autograder.inside"}
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in ("course_utils", "autograder")
    for path in sorted((ROOT / package).glob("*.py"))
    if not path.name.startswith("__")
]
WITHOUT_POSIX = """
import builtins, importlib, sys

MISSING = {"resource", "fcntl", "pwd", "grp", "termios", "tty", "pty"}
original = builtins.__import__

def importing(name, globals=None, *rest, **more):
    asks = (globals or {}).get("__name__", "").split(".")[0]
    if name in MISSING and asks in ("course_utils", "autograder"):
        raise ImportError(f"{globals['__name__']} imports {name}, which Windows does not have")
    return original(name, globals, *rest, **more)

builtins.__import__ = importing
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def test_no_module_needs_what_windows_does_not_have():
    """When they are imported. The libraries look at the system themselves; ours are asked here."""
    wanted = [name for name in MODULES if name not in LINUX_ONLY | {"autograder.nbgrader_config"}]
    assert {"autograder.build", "autograder.demo", "autograder.grading"} <= set(wanted)
    command = [sys.executable, "-c", WITHOUT_POSIX, *wanted]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-1000:]


def test_a_module_that_needs_it_is_noticed():
    command = [sys.executable, "-c", WITHOUT_POSIX, *LINUX_ONLY]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "autograder.inside imports resource" in result.stderr
