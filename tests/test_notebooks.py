"""The notebooks as a student opens them, and how they are written."""

from __future__ import annotations

import ast
import re
import statistics

import nbformat
import pytest
import textstat
from nbclient import NotebookClient

from autograder import ROOT
from autograder.build import stage_names
from autograder.samples import STAGE
from course_utils import checks

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


def number_of(name):
    return int(name.split("_")[1])


def parts_of(name):
    """The headings; five stages have an optional part that goes deeper."""
    return [*PARTS, "Go deeper"] if 6 <= number_of(name) <= 10 else PARTS


def prose(name):
    """What a student reads: the text cells without code, addresses and marks."""
    lines = []
    for cell in read("stages", name).cells:
        if cell.cell_type != "markdown":
            continue
        text = re.sub(r"```.*?```|<[^>]+>", " ", cell.source, flags=re.S)
        text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"`[^`]*`", "code", text))
        for line in text.splitlines():
            words = re.sub(r"^[#>\-\d.\s*\[\]x]+", "", line).replace("*", "").strip()
            if words:
                lines.append(words if words[-1] in ".!?:" else f"{words}.")
    return " ".join(lines)


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
    shown = [o for c in checks for o in c.outputs if o.output_type == "execute_result"]
    points = [float(output.data["text/plain"]) for output in shown]
    words = "".join(o.text for c in checks for o in c.outputs if o.get("name") == "stdout")
    return points, " ".join(words.split())


@pytest.mark.slow
@both
def test_blank_notebook_runs_to_the_end(name, tmp_path, monkeypatch):
    notebook = run(read("stages", name), tmp_path, monkeypatch, COURSE_DATA="practice")
    points, words = results(notebook)
    assert points == [0] * len(checks.STAGES[number_of(name)])
    assert words.count("Still to do") == len(points)
    for cell in notebook.cells:
        if cell.source.startswith("# deeper:"):
            assert "Still to do" in "".join(o.get("text", "") for o in cell.outputs), cell.id
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
    allowed |= {"course_utils.cifar100", "pathlib", "subprocess", "sys"}
    if number_of(name) >= 3:  # all of them are on Colab
        allowed |= {"keras", "PIL", "sklearn.metrics", "sklearn.model_selection", "scipy.stats"}
    code = "\n".join(c.source for c in read("stages", name).cells if c.cell_type == "code")
    imported = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    assert imported <= allowed


@both
def test_every_part_of_the_course_page_is_there(name):
    titles = "\n".join(c.source for c in read("stages", name).cells if c.cell_type == "markdown")
    for part in parts_of(name):
        assert re.search(rf"^## {part}", titles, re.M), part
    number = number_of(name)
    marks = "▰" * number + "▱" * (10 - number)
    title = f"**Stage {number} of 10** {marks} · about "
    if number > 10:
        title = f"**Extra {number - 10} of 2** · about "
    assert title in titles
    assert re.search(r"· about \d+ minutes", titles)
    for line in ("**Build**", "**Learn**", "**Ship**", "**Guess first", "**Compare", "**Connect"):
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
def test_reading_level(name):
    """Flesch-Kincaid: the school grade that can read the text."""
    assert textstat.flesch_kincaid_grade(prose(name)) <= 8


@both
def test_nothing_is_told_by_red_against_green(name):
    code = "\n".join(c.source for c in read("solutions", name).cells if c.cell_type == "code")
    text = code + "\n".join(
        (ROOT / "course_utils" / module).read_text(encoding="utf-8")
        for module in (
            *("widgets.py", "card.py", "assets/demo_card.html.j2", "assets/report.html.j2"),
            *("analysis/plots.py", "analysis/interactive.py", "analysis/html.py"),
        )
    )
    for color in ("red", "green", "jet", "rainbow", "RdYlGn", "hsv"):
        named = rf"(color|cmap|background|fill|c)\s*[=:]\s*[\"']?{color}\b"
        assert not re.search(named, text), color


@both
def test_each_plot_comes_with_a_sentence_on_what_to_see(name):
    """A cell of the solution that draws has a text cell within the next four that says look."""
    cells = read("solutions", name).cells
    for place, cell in enumerate(cells):
        if cell.cell_type == "code" and "plt." in cell.source and "import" not in cell.source:
            near = " ".join(c.source for c in cells[max(0, place - 2) : place + 5])
            assert re.search(r"\b([Ll]ook|[Ss]ee|[Ss]how|[Cc]ompare|[Ss]pot)", near), cell.id


@both
def test_ten_automatic_points_and_a_written_answer(name):
    grades = [c.metadata.nbgrader for c in read("stages", name).cells if "nbgrader" in c.metadata]
    automatic = [g.points for g in grades if g.grade and g.grade_id.startswith("test_")]
    written = [g.points for g in grades if g.grade and g.solution]
    assert sum(automatic) == 10
    assert written == [5]
    asked = checks.STAGES[number_of(name)]
    assert {g.grade_id[5:]: g.points for g in grades if g.grade_id.startswith("test_")} == {
        check: found.points for check, found in asked.items()
    }


DEEPER = [name for name in NAMES if checks.DEEPER.get(number_of(name))]


def test_five_stages_go_deeper():
    assert [number_of(name) for name in DEEPER] == [6, 7, 8, 9, 10]


@pytest.mark.parametrize("name", DEEPER)
def test_going_deeper_is_optional(name):
    """One check, no points, and the text says so."""
    cells = read("stages", name).cells
    asked = [c for c in cells if c.source.startswith("# deeper: ")]
    (check,) = checks.DEEPER[number_of(name)]
    assert [c.source.splitlines()[0] for c in asked] == [f"# deeper: {check}"]
    assert asked[0].metadata.nbgrader.locked
    assert not asked[0].metadata.nbgrader.grade
    start = next(i for i, c in enumerate(cells) if c.source.startswith("## Go deeper"))
    end = next(i for i, c in enumerate(cells) if c.source.startswith("## Understand it"))
    text = "\n".join(c.source for c in cells[start:end] if c.cell_type == "markdown")
    assert "optional" in text
    assert "**Guess first:**" in text
    assert end - start <= 8


@both
def test_the_map_marks_this_stage(name):
    text = next(c.source for c in read("stages", name).cells if "## Where you are" in c.source)
    assert text.count("You are here") == 1
    if number_of(name) > 10:
        return
    line = next(line for line in text.splitlines() if "You are here" in line)
    assert re.search(rf"\b{number_of(name)}\b", line.partition(".")[2]), line


@both
def test_each_step_has_a_guess_an_answer_a_check_and_hints(name):
    cells = read("stages", name).cells
    for place, cell in enumerate(cells):
        if cell.cell_type == "code" and cell.source.startswith("# answer:"):
            grade_id = cell.metadata.nbgrader.grade_id
            later = cells[place + 1 : place + 6]
            check = f"# check: test_{grade_id}\n"
            if grade_id.startswith("deeper_"):
                check = f"# deeper: {grade_id}\n"
            assert any(c.source.startswith(check) for c in later)
            hints = next(c.source for c in later if "<details>" in c.source)
            assert hints.count("<summary>") >= 2
    sections, titles = [], []
    for cell in cells:
        if cell.source.startswith("## "):
            titles.append(cell.source.splitlines()[0])
            sections.append([])
        if sections:
            sections[-1].append(cell)
    steps = [part for title, part in zip(titles, sections, strict=True) if "## Step" in title]
    assert len(steps) >= 4
    for part in steps:
        if any(c.source.startswith("# answer:") for c in part):
            assert any("**Guess first:**" in c.source for c in part), part[0].source


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
