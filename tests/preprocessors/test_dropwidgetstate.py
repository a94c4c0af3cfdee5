from nbformat.v4 import new_notebook

from autograder.preprocessors import DropWidgetState


def test_widgets_go_and_the_rest_stays():
    notebook = new_notebook(metadata={"widgets": {"a": {}}, "title": "kept"})
    notebook, _ = DropWidgetState().preprocess(notebook, {})
    assert notebook.metadata == {"title": "kept"}
    notebook, _ = DropWidgetState().preprocess(notebook, {})
    assert "widgets" not in notebook.metadata
