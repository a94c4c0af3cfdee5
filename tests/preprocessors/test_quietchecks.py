from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.preprocessors import QuietChecks


def cell(grade, solution):
    values = {"grade_id": "a", "grade": grade, "solution": solution, "locked": True, "points": 1}
    return new_code_cell(
        outputs=[
            new_output("stream", name="stderr", text="late"),
            new_output("stream", name="stdout", text="why"),
            new_output("execute_result", data={"text/plain": "1.0"}),
        ],
        metadata={"nbgrader": values | {"schema_version": 3}},
    )


def outputs(one):
    notebook, _ = QuietChecks().preprocess(new_notebook(cells=[one, new_markdown_cell()]), {})
    return len(notebook.cells[0].outputs)


def test_stderr_leaves_check_cells_only():
    assert outputs(cell(grade=True, solution=False)) == 2
    assert outputs(cell(grade=False, solution=True)) == 3
    assert outputs(cell(grade=True, solution=True)) == 3


def test_an_error_in_a_check_stays():
    one = cell(grade=True, solution=False)
    one.outputs.append(new_output("error", ename="E", evalue="", traceback=[]))
    assert outputs(one) == 3
