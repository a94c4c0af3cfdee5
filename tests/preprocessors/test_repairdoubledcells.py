from nbformat.v4 import new_code_cell, new_notebook

from autograder.preprocessors import RepairDoubledCells


def graded(grade_id, source=""):
    values = {"grade_id": grade_id, "grade": True, "solution": False, "locked": True}
    return new_code_cell(source, metadata={"nbgrader": values | {"schema_version": 3, "points": 1}})


def repaired(*cells):
    notebook, _ = RepairDoubledCells().preprocess(new_notebook(cells=list(cells)), {})
    return ["nbgrader" in cell.metadata for cell in notebook.cells]


def test_the_last_copy_stays_the_graded_one():
    assert repaired(graded("a"), graded("b"), graded("a"), graded("a")) == [
        False,
        True,
        False,
        True,
    ]


def test_single_cells_stay():
    assert repaired(graded("a"), new_code_cell("x"), graded("b")) == [True, False, True]


def test_empty_metadata_that_another_tool_left_goes():
    assert repaired(new_code_cell("x", metadata={"nbgrader": {}}), graded("a")) == [False, True]
