"""The notebooks as a student opens them, and how they are written."""

from __future__ import annotations

import ast
import re
import statistics

import nbformat
import pytest
from nbclient import NotebookClient

from autograder import ROOT
from autograder.build import stage_names
from autograder.samples import STAGE

NAMES = stage_names(ROOT / "solutions")
both = pytest.mark.parametrize("name", NAMES)
PARTS = [
    "Setup",
    "The big idea",
    "Where you are",
    "New words",
    "Before you start",
    "Step 1",
    "Understand it",
    "Try this",
    "Test your stage",
    "If it breaks",
]


def read(folder, name):
    return nbformat.read(ROOT / folder / name / f"{name}.ipynb", as_version=4)


def run(notebook, tmp_path, monkeypatch, **environment):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for key, value in environment.items():
        monkeypatch.setenv(key, str(value))
    NotebookClient(notebook, kernel_name="python3", timeout=300).execute(cwd=str(tmp_path))
    return notebook


def results(notebook):
    """Points of the check cells, and all that they printed."""
    checks = [c for c in notebook.cells if c.source.startswith("# check:")]
    points = [float(o.data["text/plain"]) for c in checks for o in c.outputs if "data" in o]
    words = "".join(o.text for c in checks for o in c.outputs if o.get("name") == "stdout")
    return points, " ".join(words.split())


@pytest.mark.slow
def test_blank_notebook_runs_to_the_end(tmp_path, monkeypatch, practice_predictions):
    notebook = run(
        read("stages", STAGE),
        tmp_path,
        monkeypatch,
        COURSE_DATA="practice",
        COURSE_PREDICTIONS=practice_predictions,
    )
    points, words = results(notebook)
    assert points == [0] * 5
    assert words.count("Still to do") == 5
    assert not [
        o for c in notebook.cells for o in c.get("outputs", []) if o.get("name") == "stderr"
    ]


@pytest.mark.slow
def test_solution_gets_every_point_with_the_model_itself(tmp_path, monkeypatch):
    notebook = run(read("solutions", STAGE), tmp_path, monkeypatch, COURSE_DATA="practice")
    assert results(notebook)[0] == [1, 1, 3, 3, 2]
    assert not [
        o for c in notebook.cells for o in c.get("outputs", []) if o.get("name") == "stderr"
    ]


@both
def test_a_notebook_needs_no_more_than_colab_has(name):
    """It imports what it needs itself, and nothing of the teacher's side."""
    allowed = {"course_utils", "importlib.util", "matplotlib.pyplot", "numpy"}
    allowed |= {"pathlib", "subprocess", "sys"}
    code = "\n".join(c.source for c in read("stages", name).cells if c.cell_type == "code")
    imported = {
        alias.name
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= allowed


@both
def test_every_part_of_the_course_page_is_there(name):
    titles = "\n".join(c.source for c in read("stages", name).cells if c.cell_type == "markdown")
    for part in PARTS:
        assert re.search(rf"^## {part}", titles, re.M), part
    for line in ("**Build**", "**Learn**", "**Ship**", "Stage 7 of 10", "90 minutes"):
        assert line in titles
    teacher = "\n".join(c.source for c in read("solutions", name).cells)
    assert "## Teacher demo" in teacher
    assert "## Coach notes" in teacher


@both
def test_style_of_code(name):
    code = [c.source for c in read("stages", name).cells if c.cell_type == "code"]
    lengths = [
        len([line for line in source.splitlines() if line.strip() and line.strip()[0] != "#"])
        for source in code
    ]
    assert max(lengths) <= 15
    assert statistics.median(lengths) <= 5
    for source in code:
        ast.parse(source)
        assert all(len(line) <= 100 for line in source.splitlines())


@both
def test_style_of_text(name):
    cells = [c.source for c in read("stages", name).cells if c.cell_type == "markdown"]
    for source in cells:
        words = re.sub(r"```.*?```|<[^>]+>|\]\([^)]*\)", " ", source, flags=re.S).split()
        assert sum(any(c.isalnum() for c in word) for word in words) <= 90, source
        assert not re.search(r"!\[\]\(", source), "a picture without alt text"
    titles = [line for c in cells for line in c.splitlines() if line.startswith("# ")]
    assert len(titles) == 1


@both
def test_each_step_has_a_guess_an_answer_a_check_and_hints(name):
    cells = read("stages", name).cells
    for place, cell in enumerate(cells):
        if cell.cell_type == "code" and cell.source.startswith("# answer:"):
            grade_id = cell.metadata.nbgrader.grade_id
            later = cells[place + 1 : place + 4]
            assert any(c.source.startswith(f"# check: test_{grade_id}\n") for c in later)
            hints = next(c.source for c in later if "<details>" in c.source)
            assert hints.count("<summary>") >= 2
    steps = [c.source for c in cells if re.match(r"## Step [1-4]", c.source)]
    assert len(steps) == 4
    assert all("**Guess first:**" in step for step in steps)


@pytest.mark.parametrize("folder", ["stages", "solutions"])
@both
def test_form_of_the_file(folder, name):
    notebook = read(folder, name)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.colab.name == f"{name}.ipynb"
    number = name.split("_")[1]
    assert all(cell.id.startswith(f"stage{number}-") for cell in notebook.cells)
    assert not any(c.get("outputs") or c.get("execution_count") for c in notebook.cells)
