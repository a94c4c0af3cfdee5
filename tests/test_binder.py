"""Binder: what repo2docker makes of ``binder/``, and the same steps run for real.

Without a docker engine repo2docker still reads the folder, writes its build plan, and packs the
files for the image. The slow tests unpack them, install ``requirements.txt`` into an
environment of its own, and run ``postBuild`` and ``start`` as the plan says. As on Binder, the
course's folder is the home folder too.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import nbformat
import pytest

from autograder import ROOT
from autograder.build import BEGIN, TEACHER, stage_names
from autograder.preprocessors.filladdresses import repository, tag
from autograder.samples import STAGE
from tests import checkout
from tests.benchmarks import binder_memory

BINDER = ROOT / "binder"
PYTHON = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
TEACHERS = {"autograder", "solutions", "tests", ".git", ".ci"}  # not for students
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="an image for Binder is made on Linux"
)


class Engine:
    """Stands where repo2docker expects a docker engine; it keeps the files and builds nothing."""

    def build(self, fileobj, **_):
        self.context = fileobj.read()
        return iter(())


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return checkout.clone(tmp_path_factory.mktemp("clone") / "course")


@pytest.fixture(scope="module")
def pack(course):
    """The build pack that repo2docker picks, by its own order."""
    from repo2docker.app import Repo2Docker

    app = Repo2Docker()
    with contextlib.chdir(course):
        found = next(p for p in (kind(app.base_image) for kind in app.buildpacks) if p.detect())
    found.platform = "linux/amd64"  # Binder's
    return found


@pytest.fixture(scope="module")
def plan(course):
    """The build plan that repo2docker writes: a Dockerfile."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(course)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def context(course, pack):
    """The archive that repo2docker hands to the engine; the course's files are in src/."""
    engine = Engine()
    with contextlib.chdir(course):
        list(pack.build(engine, "course", 0, {"NB_UID": "1000"}, [], {}))
    return engine.context


def names_in(context):
    with tarfile.open(fileobj=io.BytesIO(context)) as archive:
        return [m.name.removeprefix("src/") for m in archive if m.name.startswith("src/")]


def test_repo2docker_picks_python_from_the_binder_folder(course, pack):
    assert type(pack).__name__ == "PythonBuildPack"
    with contextlib.chdir(course):
        assert pack.binder_dir == "binder"
        assert pack.runtime[:2] == ("python", PYTHON)
    assert pack.python_version == PYTHON
    # Else requirements.txt would go to another environment than the server's.
    assert not pack.separate_kernel_env


def test_python_of_binder_is_one_that_the_course_supports():
    floor = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "requires-python"
    ]
    assert tuple(map(int, PYTHON.split("."))) >= tuple(
        map(int, floor.removeprefix(">=").split("."))
    )


def test_plan_has_our_steps_in_their_order(plan):
    steps = (
        'RUN ${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir -r "binder/requirements.txt"',
        "COPY --chown=0:0 src/ ${REPO_DIR}/",
        "RUN ./binder/postBuild",
        'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"',
    )
    places = [re.search(re.escape(step), plan) for step in steps]
    assert all(places), steps[places.index(None)]
    starts = [place.start() for place in places]
    assert starts == sorted(starts)
    assert f"environment for python={PYTHON}" in plan


def test_plan_has_no_step_that_we_do_not_know(course, pack):
    """No Debian packages, no conda environment, no second requirements file."""
    with contextlib.chdir(course):
        steps = [
            step for _, step in (*pack.get_preassemble_scripts(), *pack.get_assemble_scripts())
        ]
        assert len(steps) == 1
        assert "requirements.txt" in steps[0]
        assert pack.get_post_build_scripts() == ["binder/postBuild"]
        assert pack.get_start_script() == "${REPO_DIR}/binder/start"


def test_every_file_in_the_folder_has_a_name_that_repo2docker_reads():
    """A misspelt one, such as postbuild, is ignored without a word."""
    names = {path.name for path in checkout.tracked("binder")}
    assert names == {".dockerignore", "postBuild", "requirements.txt", "runtime.txt", "start"}


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_can_be_run(name):
    """Executable in git, no carriage returns, a known shell, a stop at the first error."""
    listed = subprocess.run(
        ["git", "ls-files", "--stage", f"binder/{name}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.startswith("100755")
    content = (BINDER / name).read_bytes()
    assert content.startswith(b"#!/bin/bash\n")
    assert b"\r" not in content
    assert (b"set -euo pipefail" in content) == (name == "postBuild")
    assert content.endswith(b'\nexec "$@"\n') == (name == "start")


def test_packages_are_those_of_a_student():
    """All that the extra ``student`` names, but not pyarrow: it only reads a download."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["student"]]
    wanted = {name.lower() for name in named if "[" not in name} - {"pyarrow"}
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower() for line in lines if line and not line.startswith("#")}
    assert pinned == wanted | {"tensorflow_cpu"}


def test_image_gets_only_what_is_for_students(context):
    names = names_in(context)
    tops = {name.split("/")[0] for name in names}
    known = {"LICENSE", "README.md", "binder", "course_utils", "docs", "pyproject.toml", "stages"}
    assert tops == known
    everything = {path.relative_to(ROOT).as_posix() for path in checkout.tracked()}
    wanted = {name for name in everything if name.split("/")[0] in known}
    assert wanted <= set(names)  # nothing of it has been lost
    assert not [name for name in names if "__pycache__" in name]


@pytest.mark.parametrize("stage", stage_names(ROOT / "solutions"))
def test_link_has_a_tag_and_opens_this_stage(stage, context):
    text = (ROOT / "stages" / stage / f"{stage}.ipynb").read_text(encoding="utf-8")
    (link,) = re.findall(r"https://mybinder\.org/v2/gh/[^)\s\"]+", text)
    slug = repository().removeprefix("https://github.com/")
    path = f"stages/{stage}/{stage}.ipynb"
    assert link == f"https://mybinder.org/v2/gh/{slug}/{tag()}?urlpath=lab/tree/{path}"
    assert path in names_in(context)


def test_links_of_the_readme_have_the_tag_too():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    slug = repository().removeprefix("https://github.com/")
    for link in re.findall(r"https://mybinder\.org/v2/gh/[^)\s\"]+", text):
        address, _, path = link.partition("?urlpath=lab/tree/")
        assert address == f"https://mybinder.org/v2/gh/{slug}/{tag()}"
        assert (ROOT / path).is_file(), path


# --- The steps, run for real ------------------------------------------------------------------


def find_python() -> str:
    """Binder's version of Python if it is on this computer, else the one that runs the tests."""
    if program := shutil.which(f"python{PYTHON}"):
        asked = subprocess.run(
            [program, "-c", "import sys; print(sys.executable)"],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYENV_VERSION": PYTHON},  # pyenv hides what is not chosen
        )
        if asked.returncode == 0:
            return asked.stdout.strip()
    return sys.executable


@pytest.fixture(scope="module")
def environment(pytestconfig):
    """A virtual environment made from requirements.txt; kept for as long as that is the same."""
    python = find_python()
    requirements = BINDER / "requirements.txt"
    key = hashlib.sha256(requirements.read_bytes() + python.encode()).hexdigest()[:12]
    folder = pytestconfig.cache.mkdir("binder") / key
    done = folder / "complete"
    if not done.exists():
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        command = [folder / "bin" / "pip", "install", "--no-cache-dir", "-q", "-r", requirements]
        subprocess.run(command, check=True)
        done.touch()
    # An earlier run has left the course's package there.
    command = [folder / "bin" / "pip", "uninstall", "-q", "-y", "question-the-classifier"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


class Image:
    """A folder as it is in the image, and the environment beside it."""

    def __init__(self, folder: Path, environment: Path):
        self.folder, self.environment = folder, environment

    def run(self, *command, cwd=None, **more):
        """Run a command as repo2docker's image does."""
        own = {"HOME": str(self.folder), "REPO_DIR": str(self.folder), "PYTHONUNBUFFERED": "1"}
        own["PATH"] = f"{self.environment / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        return subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=own | {n: v for n, v in os.environ.items() if n.startswith("PIP_")} | more,
            capture_output=True,
            text=True,
            check=False,
        )


def unpack(context, folder):
    with tarfile.open(fileobj=io.BytesIO(context)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "src"


@pytest.fixture(scope="module")
def image(context, environment, tmp_path_factory):
    """The image's folder after postBuild."""
    folder = tmp_path_factory.mktemp("image") / "jovyan"
    shutil.move(unpack(context, folder.parent), folder)
    image = Image(folder, environment)
    result = image.run("./binder/postBuild")
    assert result.returncode == 0, result.stdout + result.stderr
    return image


@pytest.mark.slow
def test_environment_has_the_python_of_binder_or_says_so(environment):
    command = [environment / "bin" / "python", "--version"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not found.startswith(f"Python {PYTHON}."):
        pytest.skip(f"Python {PYTHON} is not here; the steps run with {found}")


def assert_nothing_is_left(image):
    paths = [path.relative_to(image.folder) for path in image.folder.rglob("*")]
    assert not [path for path in paths if TEACHERS & set(path.parts)]
    assert not [path for path in paths if path.parts[0] == "build" or path.suffix == ".egg-info"]
    asked = subprocess.run(
        ["grep", "-rlF", BEGIN, image.folder, image.environment],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (asked.returncode, asked.stdout) == (1, "")  # 1: searched all, found nothing
    notebooks = list(image.folder.rglob("*.ipynb"))
    assert len(notebooks) == len(stage_names(ROOT / "solutions"))
    for path in [*notebooks, *image.environment.rglob("*.ipynb")]:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert TEACHER not in cell["metadata"].get("tags", []), path


@pytest.mark.slow
def test_no_solution_no_teacher_cell_and_no_grader_is_left(image):
    assert_nothing_is_left(image)


@pytest.mark.slow
def test_nothing_is_left_where_no_dockerignore_is_read(image, course, tmp_path):
    """Then all of the clone is copied, and postBuild removes what is not for students."""
    folder = shutil.copytree(course, tmp_path / "jovyan")
    shutil.copytree(image.folder / ".cache", folder / ".cache")  # drawing again shows nothing new
    whole = Image(folder, image.environment)
    with pytest.raises(AssertionError):
        assert_nothing_is_left(whole)
    result = whole.run("./binder/postBuild")
    assert result.returncode == 0, result.stdout + result.stderr
    assert_nothing_is_left(whole)


@pytest.mark.slow
def test_environment_has_the_helper_package_and_no_more(image):
    (listed,) = image.environment.rglob("question_the_classifier-*.dist-info/RECORD")
    tops = {line.split("/")[0] for line in listed.read_text(encoding="utf-8").splitlines()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"course_utils"}
    asked = "import importlib.util as i; print([*map(i.find_spec, ('autograder', 'nbgrader'))])"
    result = image.run("python", "-c", asked, cwd=image.environment)
    assert result.stdout.strip() == "[None, None]"


RESUME = """
import course_utils as cu
from course_utils import download, models, practice

def refuse(*_, **__):
    raise SystemExit("A picture was drawn, or the network was asked.")

practice.draw_pictures = download.reachable = download.download = refuse
begun = {stage: cu.resume(stage) for stage in range(1, 13)}
scores = begun[7].model.predict(begun[7].x_test, verbose=0)
right = (scores.argmax(axis=1) == begun[7].y_test.argmax(axis=1)).mean()
again = models.load_checkpoint("practice", "baseline").predict(begun[7].x_test[:50], verbose=0)
print("file:", cu.__file__)
print("right:", right, (again.argmax(axis=1) == scores[:50].argmax(axis=1)).all())
"""


@pytest.mark.slow
def test_pictures_and_checkpoints_are_in_place(image, tmp_path):
    """Every stage begins without drawing a picture and without the network."""
    result = image.run("binder/start", "python", "-c", RESUME)
    assert result.returncode == 0, result.stderr[-2000:]
    share, same = re.search(r"right: (\S+) (\S+)", result.stdout).groups()
    assert 0.8 < float(share) < 0.95
    assert same == "True"
    assert len(list((image.folder / ".cache" / "course_utils").glob("practice-*.npz"))) == 2
    assert list((image.folder / ".cache" / "matplotlib").glob("fontlist*"))


@pytest.mark.slow
def test_start_sets_the_session_and_hands_over(image):
    result = image.run(f"{image.folder}/binder/start", "env", cwd="/")
    told = dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
    assert told["COURSE_DATA"] == "practice"
    assert {told[n] for n in told if n.endswith("_THREADS")} == {"1"}
    assert image.run("binder/start", "bash", "-c", "exit 3").returncode == 3
    asked = image.run("binder/start", "printenv", "COURSE_DATA", COURSE_DATA="elsewhere")
    assert asked.stdout == "elsewhere\n"


@pytest.mark.slow
def test_a_stage_runs_from_the_lab_of_the_image(image):
    """The blank Stage 7 and no stderr, by the programs of the environment alone."""
    folder = image.folder / "stages" / STAGE
    command = ["jupyter", "nbconvert", "--to", "notebook", "--execute", "--stdout"]
    result = image.run("../../binder/start", *command, f"{STAGE}.ipynb", cwd=folder)
    assert result.returncode == 0, result.stderr[-2000:]
    cells = nbformat.reads(result.stdout, as_version=4).cells
    shown = "".join(o.get("text", "") for cell in cells for o in cell.get("outputs", []))
    assert "Pictures: practice pictures" in shown
    assert shown.count("Still to do") >= 5
    assert not [o for c in cells for o in c.get("outputs", []) if o.get("name") == "stderr"]
    assert image.run("jupyter", "lab", "--version").returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize(
    ("folder", "stage"),
    [("stages", "stage_08_improve_it"), ("solutions", "stage_09_try_your_own_photo")],
)
def test_memory_with_the_server_fits(folder, stage, image, tmp_path):
    """Two stages with TensorFlow; tests/benchmarks/binder_memory.py measures them all."""
    source = ROOT / folder / stage / f"{stage}.ipynb"
    found = binder_memory.measure(source, tmp_path, str(image.environment / "bin" / "python"))
    assert found["error"] == ""
    assert 500 < found["peak"] < binder_memory.LIMIT


def without_project_file(folder):
    (folder / "pyproject.toml").unlink()


def without_place_for_pictures(folder):
    (folder / ".cache").write_text("a file where a folder belongs")


def without_drawing_code(folder):
    path = folder / "course_utils" / "practice.py"
    path.write_text("raise RuntimeError('no drawing')\n", encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (without_project_file, "pyproject.toml"),
        (without_place_for_pictures, "The practice pictures were not kept."),
        (without_drawing_code, "no drawing"),
    ],
)
def test_post_build_stops_at_the_first_error(break_it, said, context, environment, tmp_path):
    image = Image(unpack(context, tmp_path), environment)
    break_it(image.folder)
    result = image.run("./binder/postBuild")
    assert result.returncode != 0
    assert said in result.stdout + result.stderr
    # Its last step, the list of fonts, has not run.
    assert not list(image.folder.rglob("fontlist*"))
