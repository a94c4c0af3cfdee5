import pytest
from nbformat.v4 import new_notebook

from autograder.preprocessors import BringRecord
from course_utils.workbook import RECORD_FILE


@pytest.fixture
def bring(tmp_path):
    def run(**metadata):
        resources = {"metadata": {"path": str(tmp_path)}}
        notebook, _ = BringRecord().preprocess(new_notebook(metadata=metadata), resources)
        assert "course_record" not in notebook.metadata
        path = tmp_path / "workspace" / RECORD_FILE
        return path.read_text() if path.exists() else None

    return run


def test_a_record_is_laid_beside_the_notebook(bring):
    assert bring(course_record="course-record:1:abc:end") == "course-record:1:abc:end"


def test_a_file_that_was_handed_in_does_not_count(bring, tmp_path):
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / RECORD_FILE).write_text("handed in")
    assert bring() is None
