import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.preprocessors import RestoreAnswers


def cell(grade_id, solution):
    values = {"grade_id": grade_id, "solution": solution, "grade": not solution}
    return new_code_cell(grade_id, metadata={"nbgrader": values})


@pytest.fixture
def restore(tmp_path):
    cells = [cell(f"{kind}{n}", kind == "answer") for n in range(4) for kind in ("answer", "test")]
    (tmp_path / "stage").mkdir()
    nbformat.write(new_notebook(cells=cells), tmp_path / "stage" / "stage.ipynb")

    def run(keep, name="stage"):
        mine = [c for c in cells if c.source in keep]
        mine.insert(1, new_code_cell("my own"))
        step = RestoreAnswers(released=str(tmp_path))
        notebook, _ = step.preprocess(new_notebook(cells=mine), {"unique_key": name})
        return [c.source for c in notebook.cells]

    return run


def test_answers_come_back_in_their_place(restore):
    kept = ["answer0", "test0", "test1", "answer2", "test2"]
    assert restore(kept) == [
        "answer0",
        "my own",
        "test0",
        "answer1",
        "test1",
        "answer2",
        "test2",
        "answer3",
    ]


def test_a_first_answer_comes_back_first(restore):
    assert restore(["test0", "answer1", "answer2", "answer3"])[0] == "answer0"


def test_a_notebook_that_lost_most_is_left_alone(restore):
    assert restore(["answer0", "test0"]) == ["answer0", "my own", "test0"]


def test_an_unknown_notebook_is_left_alone(restore):
    assert restore(["answer0"], "another") == ["answer0", "my own"]
