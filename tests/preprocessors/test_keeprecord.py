from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.preprocessors import KeepRecord
from course_utils import record


def shown(text):
    data = {"text/html": f"<small>words</small><!-- {text} -->", "text/plain": ""}
    return new_code_cell("check", outputs=[new_output("display_data", data)])


def keep(*cells, **metadata):
    notebook, _ = KeepRecord().preprocess(new_notebook(cells=cells, metadata=metadata), {})
    return notebook.metadata.get("course_record")


def test_records_are_kept_in_order():
    one, two = record.write({"guess": "cat"}), record.write({"guess": "dog", "score": 1})
    kept = keep(new_markdown_cell("text"), shown(one), shown("nothing"), shown(two))
    assert kept == f"{one}\n{two}"
    assert record.read(kept) == {"guess": "dog", "score": 1}


def test_html_may_be_a_list_of_lines():
    cell = shown("")
    text = record.write({"guess": "cat"})
    cell.outputs[0].data["text/html"] = ["<p>\n", f"<!-- {text} -->"]
    assert record.read(keep(cell)) == {"guess": "cat"}


def test_without_a_record_nothing_is_kept():
    assert keep(shown("no record")) is None
    assert keep(shown("no record"), course_record="course-record:1:forged:end") is None
