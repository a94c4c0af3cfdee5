import json

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.preprocessors import PutResults


def put(notebook, outputs, folder):
    place = folder / "stage"
    place.mkdir()
    (place / "ada.result.json").write_text(json.dumps({"outputs": outputs}), encoding="utf-8")
    step = PutResults(folder=str(folder))
    resources = {"nbgrader": {"assignment": "stage", "student": "ada"}}
    return step.preprocess(notebook, resources)[0]


def test_each_cell_gets_its_outputs_and_no_others(tmp_path):
    said = new_output("stream", name="stdout", text="hello")
    old = new_output("stream", name="stdout", text="what the student's file said")
    cells = [
        new_code_cell("1", id="a", outputs=[old]),
        new_markdown_cell("text", id="b"),
        new_code_cell("2", id="c", outputs=[old], execution_count=7),
    ]
    notebook = put(new_notebook(cells=cells), {"a": [said], "b": [said]}, tmp_path)
    assert notebook.cells[0].outputs == [said]
    assert notebook.cells[0].outputs[0].name == "stdout"  # as nbformat's own kind of dict
    assert notebook.cells[2].outputs == []
    assert notebook.cells[2].execution_count is None
    assert "outputs" not in notebook.cells[1]


def test_points_are_read_by_nbgrader(tmp_path):
    from nbgrader.utils import determine_grade

    grader = {"grade": True, "solution": False, "locked": True, "points": 3, "grade_id": "test_a"}
    cell = new_code_cell("check", id="a", metadata={"nbgrader": {**grader, "schema_version": 3}})
    words = new_output("stream", name="stdout", text="2 of 3")
    points = new_output("execute_result", {"text/plain": "2.0"})
    notebook = put(new_notebook(cells=[cell]), {"a": [words, points]}, tmp_path)
    assert determine_grade(notebook.cells[0]) == (2.0, 3)
