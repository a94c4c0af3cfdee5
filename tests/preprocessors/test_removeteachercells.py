from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.preprocessors import RemoveTeacherCells


def test_only_cells_with_the_tag_go():
    notebook = new_notebook(
        cells=[
            new_markdown_cell("a"),
            new_markdown_cell("b", metadata={"tags": ["teacher"]}),
            new_code_cell("c", metadata={"tags": ["other"]}),
            new_code_cell("d", metadata={"tags": ["other", "teacher"]}),
        ]
    )
    notebook, _ = RemoveTeacherCells().preprocess(notebook, {})
    assert [cell.source for cell in notebook.cells] == ["a", "c"]
