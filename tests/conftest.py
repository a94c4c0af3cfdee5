"""What the tests share: the real pictures, where they are at hand, and a graded zoo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from autograder import ROOT

SHARED = ROOT.parent / "shared" / "data"

# No test may depend on what lies on this computer.
for name in [name for name in os.environ if name.startswith("COURSE_")]:
    del os.environ[name]


SOME = 3  # nbgrader takes some seconds for each notebook: of so many samples it grades one
_compared: dict[str, tuple[int, int]] = {}


def pytest_addoption(parser):
    parser.addoption(
        "--all-samples",
        action="store_true",
        help="have nbgrader's own commands grade all samples, in place of every third one",
    )


def pytest_terminal_summary(terminalreporter):
    for what, (some, number) in _compared.items():
        more = "" if some == number else " (--all-samples: all of them)"
        terminalreporter.write_line(f"nbgrader itself graded {some} of {number} {what}{more}.")


@pytest.fixture(scope="session")
def some_of(pytestconfig):
    """Return a function that picks the samples which nbgrader's own commands grade as well."""

    def pick(samples: list, what: str) -> list:
        picked = samples if pytestconfig.getoption("--all-samples") else samples[::SOME]
        _compared[what] = len(picked), len(samples)
        return picked

    return pick


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    """A folder that stands in for this computer's store of pictures, shared by all tests."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["COURSE_CACHE"] = str(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _as_it_was():
    """What grading in this process leaves, as in a worker: its variables and its pictures."""
    from autograder import unit
    from course_utils import data

    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    data._HELD.clear()
    unit._held.clear()


@pytest.fixture(scope="session", autouse=True)
def _own_cache(cache):
    """Keep every test away from the user's own store."""


@pytest.fixture(scope="session")
def cifar(pytestconfig) -> Path:
    """The folder around the official cifar-10-batches-py; skips the test where it is absent."""
    if not (SHARED / "unpack.py").exists():
        pytest.skip("needs CIFAR-10 from ../shared, which is not here")
    folder = pytestconfig.cache.mkdir("cifar")
    subprocess.run(
        [sys.executable, SHARED / "unpack.py", folder], check=True, stdout=subprocess.DEVNULL
    )
    return folder


@pytest.fixture(scope="session")
def practice_predictions(tmp_path_factory) -> Path:
    """What the shipped practice checkpoint answers, as a file."""
    return _predictions("practice", "practice", tmp_path_factory.mktemp("practice"))


@pytest.fixture(scope="session")
def cifar_predictions(cifar, tmp_path_factory) -> Path:
    """What the shipped CIFAR-10 checkpoint answers, as a file."""
    return _predictions(str(cifar), "cifar10", tmp_path_factory.mktemp("cifar10"))


def _predictions(source: str, checkpoint: str, folder: Path) -> Path:
    from course_utils import data, models

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", source)
        x_test, _, kind = data.load_test()
    assert kind == checkpoint
    path = folder / "predictions.npy"
    np.save(path, models.load_checkpoint(checkpoint).predict(x_test, verbose=0))
    return path


@pytest.fixture(scope="session")
def grade(tmp_path_factory):
    """Return a function that grades samples with nbgrader, half of them in each of two runs."""
    from autograder.grading import nbgrader, read_scores
    from autograder.samples import STAGE, hand_in

    def grade_half(samples, environment):
        course = tmp_path_factory.mktemp("course")
        hand_in(samples, course)
        for command in ("generate_assignment", "autograde", "generate_feedback"):
            for _ in nbgrader(command, STAGE, course=course, **environment):
                pass
        return course, read_scores(course, STAGE)

    def grade_all(samples, **environment):
        with ThreadPoolExecutor(2) as pool:
            halves = list(
                pool.map(grade_half, (samples[::2], samples[1::2]), [environment, environment])
            )
        return [course for course, _ in halves], {
            k: v for _, part in halves for k, v in part.items()
        }

    return grade_all


@pytest.fixture(scope="session")
def grade_class(tmp_path_factory):
    """Return a function that grades notebooks with the course's own command."""
    import nbformat

    from autograder import batch
    from autograder.grading import read_scores
    from autograder.sandbox import Limits, choose
    from autograder.unit import Setting

    def grade(stage, notebooks, **environment):
        course = tmp_path_factory.mktemp("class")
        for student, notebook in notebooks.items():
            # With a word before it: a folder named "solution" is nobody's.
            place = course / "handed_in" / f"of_{student}" / stage
            place.mkdir(parents=True)
            nbformat.write(notebook, place / f"{stage}.ipynb")
        setting = Setting(choose().name, Limits(), tuple(environment.items()))
        plan = batch.Plan(course / "handed_in", (stage,), course, setting, feedback=False)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            done = batch.grade_class(plan, lambda _: None)
        scores = read_scores(course, stage)
        return (
            {student.removeprefix("of_"): found for student, found in scores.items()},
            {one.student.removeprefix("of_"): one for one in done.results},
        )

    return grade


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium; skips the test where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("there is no chromium or chrome on this computer")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Return a function that opens HTML as a file and notes what the browser asks for."""
    pages = []

    def visit(html, viewport):
        file = tmp_path / "demo_card.html"
        file.write_text(html, encoding="utf-8")
        page = browser.new_page(viewport=viewport)
        pages.append(page)
        page.asked, page.said = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_load_state("networkidle")
        page.own = file.as_uri()
        return page

    yield visit
    for page in pages:
        page.close()
