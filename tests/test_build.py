"""``stages/`` is what ``solutions/`` makes, and the build refuses what must not reach a student."""

import json
import shutil

import nbformat
import pytest

from autograder import ROOT
from autograder.__main__ import main
from autograder.build import BuildError, build, differences, stage_names
from autograder.preprocessors.filladdresses import repository
from autograder.samples import STAGE
from course_utils.checks import STAGES


@pytest.fixture
def course(tmp_path):
    for folder in ("solutions", "stages"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def source_of(course):
    return course / "solutions" / STAGE / f"{STAGE}.ipynb"


def student_of(course):
    return course / "stages" / STAGE / f"{STAGE}.ipynb"


def change(path, edit):
    notebook = nbformat.read(path, as_version=4)
    edit(notebook)
    nbformat.write(notebook, path)


def cell_of(notebook, grade_id):
    return next(
        cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


def test_stages_are_fresh():
    assert differences() == []


def test_build_twice_gives_the_same_bytes(course):
    before = student_of(course).read_bytes()
    shutil.rmtree(course / "stages")
    assert build(course) == stage_names(course / "solutions")
    assert student_of(course).read_bytes() == before
    assert build(course) == []


def test_one_character_is_noticed(course):
    text = student_of(course).read_text(encoding="utf-8")
    student_of(course).write_text(text.replace("evidence", "evidense", 1), encoding="utf-8")
    lines = differences(course)
    assert any(line.startswith("-") and "evidense" in line for line in lines)
    assert any(line.startswith("+") and "evidence" in line for line in lines)


def test_metadata_missing_and_surplus_files_are_noticed(course):
    change(
        student_of(course),
        lambda n: cell_of(n, "test_find_wrong").metadata.nbgrader.update(points=9),
    )
    (course / "stages" / STAGE / "notes.txt").write_text("mine")
    lines = "\n".join(differences(course))
    assert "'points': 9" in lines
    assert "notes.txt should not be there" in lines
    student_of(course).unlink()
    assert any("is missing" in line for line in differences(course))


def leak_into_text(notebook):
    notebook.cells[3].source += "\nwrong_indexes = np.where(predicted_labels != true_labels)[0]\n"


def forget_the_end(notebook):
    cell = cell_of(notebook, "find_wrong")
    cell.source = cell.source.replace("### END SOLUTION", "")


def blank_that_does_not_parse(notebook):
    cell = cell_of(notebook, "find_wrong")
    cell.source = cell.source.replace("wrong_indexes = ...", "wrong_indexes =")


def double_a_grade_id(notebook):
    cell = cell_of(notebook, "find_wrong")
    cell.metadata.nbgrader.grade_id = "predict_labels"


def lose_a_grade_id(notebook):
    cell_of(notebook, "find_wrong").metadata.nbgrader.grade_id = ""


def answer_outside_an_answer_cell(notebook):
    notebook.cells[4].source += "\n### BEGIN SOLUTION\nsecret\n### END SOLUTION"


def unknown_mark(notebook):
    notebook.cells[3].source += "{{ nothing }}"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (leak_into_text, "leaks the answer 'wrong_indexes = np.where"),
        (forget_the_end, "no end solution"),
        (blank_that_does_not_parse, "does not parse"),
        (double_a_grade_id, "'predict_labels' stands 2 times"),
        (lose_a_grade_id, "has no grade id"),
        (answer_outside_an_answer_cell, "not marked as an answer"),
        (unknown_mark, "still holds {{ nothing }}"),
    ],
)
def test_refuses(course, fault, says):
    before = student_of(course).read_bytes()
    change(source_of(course), fault)
    with pytest.raises(BuildError, match=f"(?i){STAGE}.*{says.replace('{', '.')}") as caught:
        build(course)
    assert "Traceback" not in str(caught.value)
    assert student_of(course).read_bytes() == before  # nothing was touched


@pytest.mark.parametrize(
    ("new", "says"),
    [("stage07-idea", "'stage07-idea' stands 2 times"), (None, "1 cells have no id")],
)
def test_refuses_cell_ids_that_would_not_be_stable(course, new, says):
    content = json.loads(source_of(course).read_text(encoding="utf-8"))
    content["cells"][4]["id"] = new
    if new is None:
        del content["cells"][4]["id"]
    source_of(course).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BuildError, match=says):
        build(course)


def test_outputs_of_a_source_are_tidied_away(course):
    def run_once(notebook):
        cell = cell_of(notebook, "find_wrong")
        cell.outputs = [nbformat.v4.new_output("stream", text="1907")]
        cell.execution_count = 3

    before = source_of(course).read_bytes()
    change(source_of(course), run_once)
    assert any("has outputs" in line for line in differences(course))
    assert build(course) == []
    assert source_of(course).read_bytes() == before


def test_a_student_s_workspace_is_never_touched(course):
    for folder in (course / "stages" / STAGE / "workspace", course / "stages" / "workspace"):
        folder.mkdir()
        (folder / "model.keras").write_text("mine")
    teacher_s = course / "solutions" / STAGE / "workspace"
    teacher_s.mkdir()
    (teacher_s / "model.keras").write_text("secret")
    assert differences(course) == []
    change(source_of(course), lambda n: n.cells[3].update(source="Another text."))
    assert build(course) == [STAGE]
    kept = sorted(path.read_text() for path in (course / "stages").rglob("model.keras"))
    assert kept == ["mine", "mine"]


def test_a_file_that_cannot_be_written_leaves_all_as_it_was(course, monkeypatch):
    before = student_of(course).read_bytes()
    change(source_of(course), lambda n: n.cells[3].update(source="Another text."))
    (course / "stages" / STAGE / "z.txt").write_text("surplus")
    monkeypatch.setattr("pathlib.Path.unlink", _refuse)
    with pytest.raises(BuildError, match="cannot be written"):
        build(course)
    monkeypatch.undo()
    assert student_of(course).read_bytes() == before
    assert (course / "stages" / STAGE / "z.txt").exists()


def _refuse(path, **_):
    raise PermissionError(13, "open in another program", str(path))


def test_a_source_that_is_no_notebook_is_said_in_a_sentence(course):
    source_of(course).write_text("<<<<<<< HEAD")
    with pytest.raises(BuildError, match="the source is not a notebook"):
        build(course)


def test_a_copy_beside_the_source_is_refused(course):
    shutil.copy(source_of(course), source_of(course).with_name(f"{STAGE}-Copy1.ipynb"))
    with pytest.raises(BuildError, match="holds another notebook"):
        build(course)


def test_an_empty_teacher_cell_and_a_magic_are_no_faults(course):
    def add(notebook):
        notebook.cells[3].source = ""
        notebook.cells[3].metadata["tags"] = ["teacher"]
        notebook.cells[-3].source = "Text."
        code = next(c for c in notebook.cells if c.id == "stage07-try-code")
        code.source = "%matplotlib inline\n!echo"

    change(source_of(course), add)
    assert build(course) == [STAGE]


def test_teacher_cells_stay_with_the_teacher():
    source = nbformat.read(ROOT / "solutions" / STAGE / f"{STAGE}.ipynb", as_version=4)
    student = nbformat.read(ROOT / "stages" / STAGE / f"{STAGE}.ipynb", as_version=4)
    teacher = [cell for cell in source.cells if "teacher" in cell.metadata.get("tags", [])]
    assert len(teacher) >= 2
    assert not {cell.id for cell in teacher} & {cell.id for cell in student.cells}
    assert [cell.id for cell in source.cells if cell not in teacher] == [
        c.id for c in student.cells
    ]


def test_badges_point_to_this_notebook():
    student = nbformat.read(ROOT / "stages" / STAGE / f"{STAGE}.ipynb", as_version=4)
    slug = repository().removeprefix("https://github.com/")
    badges = student.cells[0].source
    assert f"colab.research.google.com/github/{slug}/blob/v" in badges
    assert f"mybinder.org/v2/gh/{slug}/v" in badges
    assert badges.count(f"stages/{STAGE}/{STAGE}.ipynb") == 2


def test_points_of_cells_and_of_checks_agree():
    student = nbformat.read(ROOT / "stages" / STAGE / f"{STAGE}.ipynb", as_version=4)
    points = {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points
        for cell in student.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }
    expected = {f"test_{name}": check.points for name, check in STAGES[7].items()}
    assert points == expected | {"error_report": 5}
    assert sum(expected.values()) == 10


def test_command_line_says_what_is_wrong(monkeypatch, capsys):
    monkeypatch.setattr("autograder.build.differences", lambda: ["something differs"])
    assert main(["build", "--check"]) == 1
    assert "python -m autograder build" in capsys.readouterr().out
