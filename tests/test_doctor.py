"""``python -m course_utils doctor``: it says what is there, and nothing that it has not seen."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from autograder import ROOT
from course_utils import data, doctor
from course_utils.__main__ import main

FOR_SURE = ("numpy", "pillow", "tqdm", "matplotlib")


def run(*arguments, python=sys.executable, command=("-m", "course_utils"), **environment):
    """Run the doctor as a user does, with nothing of this computer's course in its environment."""
    keep = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "LOCALAPPDATA")
    variables = {name: os.environ[name] for name in keep if name in os.environ}
    variables["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        [python, *command, *arguments],
        env=variables | {name: str(value) for name, value in environment.items()},
        cwd=environment.pop("PWD", ROOT),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def lines_with(result, word):
    return [line for line in result.stdout.splitlines() if word in line]


def test_here_a_student_can_work():
    result = run("doctor")
    assert result.returncode == 0, result.stdout
    assert result.stderr == ""
    assert not lines_with(result, "missing ")
    assert result.stdout.endswith("\nA student can do the course here.\n")
    for name in FOR_SURE:
        assert lines_with(result, f"ok       {name} {importlib.metadata.version(name)}, for note")
    (line,) = lines_with(result, " tensorflow ")
    assert re.fullmatch(r"ok       tensorflow 2\.\d+\.\d+, for training\.", line)


def test_each_line_has_a_mark_and_no_colour():
    report, _, verdict = run("doctor").stdout.partition("\n\n")
    assert verdict
    for line in report.splitlines():
        assert re.match(r"(ok|note|missing) +\S.*[.]?", line), line
        assert line.isascii()
        assert "\x1b" not in line


def test_takes_less_than_a_second_and_imports_no_tensorflow():
    resource = pytest.importorskip("resource", reason="Windows does not measure this")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = run("doctor", command=("-X", "importtime", "-m", "course_utils"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert result.returncode == 0
    # The processor's time: how busy the machine is otherwise says nothing about the doctor.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1
    imported = {line.split("|")[-1].strip() for line in result.stderr.splitlines()}
    assert "course_utils.doctor" in imported
    assert not {"tensorflow", "keras", "matplotlib", "pandas", "nbgrader"} & imported


def test_importing_the_package_does_not_bring_the_doctor():
    asked = "import sys, course_utils; print('course_utils.doctor' in sys.modules)"
    assert run(command=("-c", asked)).stdout == "False\n"


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["cure"], 2), (["--help"], 0)])
def test_another_command_says_what_there_is(arguments, status, capsys):
    assert main(arguments) == status
    assert "python -m course_utils doctor" in capsys.readouterr().out


# --- What is missing --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A Python without a single package."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def test_without_any_package_the_file_itself_tells_what_to_install(bare, tmp_path):
    file = ROOT / "course_utils" / "doctor.py"
    result = run(python=bare, command=(file,), PYTHONPATH="", PATH="", HOME=tmp_path)
    assert result.returncode == 1
    assert result.stderr == ""
    for name, _, purpose, _ in doctor.PACKAGES:
        mark = "missing" if purpose in ("notebooks", "training") else "note"
        (line,) = lines_with(result, f" {name} is not installed")
        assert line.startswith(f"{mark:<8} ")
        assert line.endswith(f"Install it: python -m pip install {name}")
    assert lines_with(result, "Pictures were not looked for")
    assert lines_with(result, "The workspace was not looked for")
    assert lines_with(result, "no program to open notebooks")
    count = len(lines_with(result, "missing "))
    assert f"see the {count} lines that begin with 'missing'" in result.stdout
    assert 'install -c constraints.txt -e ".[student]"' in result.stdout


@pytest.fixture(scope="module")
def slim(bare, tmp_path_factory):
    """The same with numpy, pillow and tqdm: as much as the helper package imports at once."""
    folder = tmp_path_factory.mktemp("slim")
    for name in ("numpy", "pillow", "tqdm"):
        distribution = importlib.metadata.distribution(name)
        for top in {Path(file).parts[0] for file in distribution.files} - {".."}:
            place = Path(distribution.locate_file(top))
            if place.exists() and not (folder / top).exists():
                (folder / top).symlink_to(place)
    return {"python": bare, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}


def test_without_any_optional_package(slim, tmp_path):
    result = run("doctor", **slim, PATH="", COURSE_CACHE=tmp_path)
    assert result.returncode == 1
    assert result.stderr == ""
    assert lines_with(result, "ok       numpy")
    assert lines_with(result, "missing  tensorflow is not installed")
    assert lines_with(result, "note     ipywidgets is not installed. It is for what can be clicked")
    assert lines_with(result, f"CIFAR-10: it is not kept in {tmp_path}")
    assert not lines_with(result, "TensorFlow was found")
    assert lines_with(result, "There is no sandbox")


def test_an_old_package_is_named_with_what_is_needed(slim, tmp_path):
    for name, version in (("tensorflow", "2.9.1"), ("keras", "3.0.0")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('this is broken')\n")
        info = tmp_path / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    paths = f"{slim['PYTHONPATH']}{os.pathsep}{tmp_path}"
    result = run("doctor", "--try", python=slim["python"], PYTHONPATH=paths, PATH="")
    (line,) = lines_with(result, "tensorflow 2.9.1")
    assert line.startswith("missing  ")
    assert "training needs 2.18" in line
    assert "install --upgrade tensorflow" in line
    assert lines_with(result, "ok       keras 3.0.0, for training.")
    (line,) = lines_with(result, "TensorFlow does not start")
    assert "ImportError: this is broken" in line


@pytest.mark.slow
def test_try_starts_tensorflow_and_a_sandbox():
    result = run("doctor", "--try")
    assert result.returncode == 0, result.stdout
    version = doctor._version("tensorflow").removesuffix("+cpu")
    assert lines_with(result, f"ok       TensorFlow {version} starts, with Keras")
    assert not lines_with(result, "not tried")


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("2.18.0", (2, 18, 0)), ("3", (3,)), ("2.20rc1", (2, 20)), ("0.9.10.dev0", (0, 9, 10))],
)
def test_numbers_of_a_version(version, numbers):
    assert doctor._numbers(version) == numbers


def test_packages_are_those_of_the_project():
    """Each package that the project names for students and teachers, with its oldest version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = [*project["dependencies"], *extras["model"], *extras["student"], *extras["teacher"]]
    wanted = {}
    for line in named:
        if "[" not in line:
            name, _, oldest = line.partition(";")[0].strip().partition(">=")
            wanted[name.removesuffix("-cpu")] = oldest
    known = {name: oldest for name, _, _, oldest in doctor.PACKAGES}
    server = wanted.pop("jupyterlab")  # one of two, which has a line of its own
    assert server == ""
    assert {name: known.get(name) for name in wanted} == wanted
    assert f">={doctor.OLDEST[0]}.{doctor.OLDEST[1]}" == project["requires-python"]
    after = f"{doctor.NEWEST[0]}, {doctor.NEWEST[1] + 1}"
    assert after in (ROOT / "Makefile").read_text(encoding="utf-8")


# --- Pictures and network ---------------------------------------------------------------------


def test_a_wrong_course_data_is_missing_and_a_right_one_is_not_praised_too_much(tmp_path):
    result = run("doctor", COURSE_DATA=tmp_path / "nowhere")
    assert result.returncode == 1
    assert lines_with(result, "no file data_batch_1 in it. Name the official folder")
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for part in data.FILES.values():
        for name in part:
            (folder / name).write_bytes(b"not looked into")
    result = run("doctor", COURSE_DATA=tmp_path)
    assert result.returncode == 0
    assert lines_with(result, f"ok       CIFAR-10 is in {folder}. Its content was not checked now.")


def test_pictures_that_are_kept(tmp_path):
    result = run("doctor", COURSE_CACHE=tmp_path, COURSE_DATA="practice")
    assert lines_with(result, "ok       Pictures: COURSE_DATA asks for the practice pictures.")
    assert lines_with(result, "Practice pictures: drawn when they are needed.")
    assert list(tmp_path.iterdir()) == []  # it has drawn none
    for name in ("practice-0-train", "practice-0-test", "cifar10-test"):
        (tmp_path / f"{name}.npz").touch()
    result = run("doctor", COURSE_CACHE=tmp_path)
    assert lines_with(result, f"Practice pictures: kept in {tmp_path}.")
    assert lines_with(result, f"note     CIFAR-10: only its test pictures are kept in {tmp_path}.")
    (tmp_path / "cifar10-train.npz").touch()
    result = run("doctor", COURSE_CACHE=tmp_path)
    assert lines_with(result, f"ok       CIFAR-10 is kept in {tmp_path}.")


def test_the_network_is_asked_only_when_wanted():
    assert lines_with(run("doctor"), "note     The network was not asked. To ask it, add --online.")
    with socket.create_server(("127.0.0.1", 0)) as server:
        mirror = f"http://127.0.0.1:{server.getsockname()[1]}/cifar.tar.gz"
        # The others are sent to a proxy that refuses.
        proxy = {"https_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"}
        result = run("doctor", "--online", COURSE_MIRROR=mirror, **proxy)
        assert lines_with(result, "ok       These servers with CIFAR-10 answer: COURSE_MIRROR.")
        assert result.returncode == 0
    result = run("doctor", "--online", **proxy)
    assert lines_with(
        result, "note     No server with CIFAR-10 answers (asked: Hugging Face, Toron"
    )
    assert result.returncode == 0  # the practice pictures need no network


# --- The workspace and the machine ------------------------------------------------------------


def test_what_is_in_the_workspace(tmp_path):
    result = run("doctor", COURSE_WORKSPACE=tmp_path / "new")
    assert lines_with(result, f"The workspace {tmp_path / 'new'} does not exist yet")
    assert not (tmp_path / "new").exists()
    assert lines_with(run("doctor", COURSE_WORKSPACE=tmp_path), f"{tmp_path} is empty.")
    for name in ("guess.json", "model.keras", "damaged_piles.npz", "notes.txt"):
        (tmp_path / name).touch()
    result = run("doctor", COURSE_WORKSPACE=tmp_path)
    assert lines_with(result, f"ok       The workspace {tmp_path} holds: guess, model.")
    assert lines_with(result, "could not be read: damaged_piles.npz.")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_workspace_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    result = run("doctor", COURSE_WORKSPACE=tmp_path)
    assert result.returncode == 1
    assert lines_with(result, f"missing  The folder {tmp_path} cannot be written")


def test_a_workspace_where_no_folder_can_be():
    """Also for root: nobody makes a folder in /proc."""
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc on this computer")
    result = run("doctor", COURSE_WORKSPACE="/proc/self/workspace")
    assert result.returncode == 1
    assert lines_with(result, "cannot be written")


@pytest.mark.parametrize("place", [".", "stages", "stages/stage_07_find_its_mistakes"])
def test_the_workspace_is_the_one_of_the_stages(place, tmp_path):
    """From the course's folder, from stages/ and from a stage alike."""
    (tmp_path / "stages" / "stage_07_find_its_mistakes").mkdir(parents=True)
    (tmp_path / "stages" / "workspace").mkdir()
    (tmp_path / "stages" / "workspace" / "guess.json").touch()
    result = run("doctor", PWD=tmp_path / place)
    assert lines_with(result, f"{tmp_path / 'stages' / 'workspace'} holds: guess.")


AS_IF = """
import os, runpy, sys
import urllib.request, numpy, psutil  # their own code asks for the platform
sys.platform = {platform!r}
gone = ["sched_getaffinity"]
if sys.platform == "win32":
    gone += ["sysconf", "geteuid", "getuid", "uname"]
    sys.modules |= dict.fromkeys(("resource", "fcntl", "pwd", "grp", "termios"))
for name in gone:
    vars(os).pop(name, None)
sys.argv = ["doctor", "doctor"]
runpy.run_module("course_utils", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_without_what_only_linux_has(platform, tmp_path):
    """The calls and modules that Windows and macOS lack are taken away."""
    code = AS_IF.format(platform=platform)
    result = run(command=("-c", code), HOME=tmp_path, LOCALAPPDATA=tmp_path / "Local")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    place = tmp_path / ("Local" if platform == "win32" else "Library/Caches")
    assert lines_with(result, f"kept in {place / 'course_utils'}")
    assert lines_with(result, f"ok       Processor: {os.cpu_count()} cores.")
    assert lines_with(result, "ok       Memory: ")


# --- For teachers -----------------------------------------------------------------------------


def with_programs(folder, **programs):
    """A folder with programs that answer with the given status."""
    folder.mkdir(exist_ok=True)
    for name, status in programs.items():
        (folder / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
@pytest.mark.parametrize(
    ("programs", "arguments", "said"),
    [
        ({}, [], "note     There is no sandbox for grading. Only a teacher needs one."),
        ({"bwrap": 1}, [], "note     The sandbox bubblewrap cannot be used here"),
        ({"bwrap": 0}, [], "ok       For grading: the sandbox bubblewrap works."),
        ({"docker": 0}, [], "note     For grading: docker was found and not tried."),
        ({"docker": 0}, ["--try"], "ok       For grading: the sandbox docker works."),
        ({"podman": 1}, ["--try"], "note     For grading: podman found; none of them works."),
    ],
)
def test_sandbox(programs, arguments, said, slim, tmp_path):
    """With other programs of these names on the path; the real one is tried above."""
    path = with_programs(tmp_path / "bin", **programs)
    result = run("doctor", *arguments, **slim, PATH=path)
    assert lines_with(result, said), result.stdout


@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium on this computer")
def test_browser(slim, tmp_path):
    assert lines_with(run("doctor"), "ok       chromium is here, for the tests in a browser.")
    assert lines_with(run("doctor", **slim, PATH=""), "note     There is no Chromium;")


def test_where_the_teachers_side_is_not_there(tmp_path):
    shutil.copytree(ROOT / "course_utils", tmp_path / "course_utils")
    result = run("doctor", PYTHONPATH=tmp_path, PWD=tmp_path)
    assert lines_with(result, "note     Grading is not here. Teachers: get the course's whole fold")
    assert result.returncode == 0
