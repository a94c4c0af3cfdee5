"""The project's own files: format, lint, commands, and what must not stand in public text."""

from __future__ import annotations

import re
import subprocess
import sys

from autograder import ROOT

TEXTS = ("*.md", "*.py", "*.toml", "*.ipynb", "Makefile", "binder/*")


def tracked(*patterns):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


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
    from autograder.preprocessors.filladdresses import repository

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
