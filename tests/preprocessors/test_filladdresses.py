from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import course_utils
from autograder.preprocessors import FillAddresses
from autograder.preprocessors.filladdresses import repository


def test_marks_become_addresses():
    notebook = new_notebook(
        cells=[new_code_cell('x = "{{ repository }}@{{ tag }}"'), new_markdown_cell("{{ badges }}")]
    )
    notebook, _ = FillAddresses().preprocess(notebook, {"unique_key": "stage_99_x"})
    assert notebook.cells[0].source == f'x = "{repository()}@v{course_utils.__version__}"'
    badges = notebook.cells[1].source
    assert badges.count("stages/stage_99_x/stage_99_x.ipynb") == 2
    assert "{{" not in badges


def test_other_braces_stay():
    notebook = new_notebook(cells=[new_code_cell('f"{{x}} {{ y }}"')])
    notebook, _ = FillAddresses().preprocess(notebook, {"unique_key": "s"})
    assert notebook.cells[0].source == 'f"{{x}} {{ y }}"'
