"""The second zoo: what reaches a teacher after copies, programs, mail and full disks.

Each is made from a notebook in which everything is right, so what is lost is lost by the damage.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from autograder import ROOT
from autograder.samples import CHECKS, FULL, RIGHT, STAGE, Sample, notebook_of
from course_utils import record

RECORD = record.write({"pictures": "practice"})
NOTHING = (0, 0, 0, 0, 0)
BROKEN: list[Broken] = []


@dataclass(frozen=True)
class Broken:
    """A submission that is not as it should be.

    Attributes
    ----------
    name : str
    content : callable
        Makes the file out of the right notebook.
    points : tuple of 5 floats, or None
        What the checks have to give; None where there has to be a reason.
    says : str
        Words that must stand in what is mended, to be decided, or the reason.
    file_name : str
    """

    name: str
    content: Callable[[NotebookNode], bytes]
    points: tuple[float, ...] | None = FULL
    says: str = ""
    file_name: str = ""


def released(stage: str = STAGE) -> NotebookNode:
    """The student notebook of a stage."""
    return nbformat.read(ROOT / "stages" / stage / f"{stage}.ipynb", as_version=4)


def right() -> NotebookNode:
    """A notebook in which everything is right, as it is after a run with an own model."""
    notebook = notebook_of(Sample("right", RIGHT), released())
    bundle = {"text/html": f"<!-- {RECORD} -->", "text/plain": ""}
    cell(notebook, "test_predict_labels").outputs = [
        nbformat.v4.new_output("stream", text="1 of 1 point.\n"),
        nbformat.v4.new_output("display_data", bundle),
        nbformat.v4.new_output("execute_result", {"text/plain": "1.0"}, execution_count=7),
    ]
    return notebook


def cell(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    """The cell with this grade id."""
    return next(c for c in notebook.cells if name_of(c) == grade_id)


def name_of(one: NotebookNode) -> str:
    """The grade id of a cell, or nothing."""
    return one.metadata.get("nbgrader", {}).get("grade_id", "")


def blank(grade_id: str) -> NotebookNode:
    return cell(released(), grade_id)


def file_of(notebook: dict, **how) -> bytes:
    return json.dumps(notebook, **{"indent": 1, "ensure_ascii": False} | how).encode()


def raw(
    points: tuple[float, ...] | None = FULL, says: str = "", file_name: str = ""
) -> Callable[[Callable], Callable]:
    """Put a maker of bytes into the zoo, under its name."""

    def add(make: Callable[[NotebookNode], bytes]) -> Callable:
        BROKEN.append(Broken(make.__name__, make, points, says, file_name))
        return make

    return add


def edited(
    points: tuple[float, ...] | None = FULL, says: str = "", file_name: str = ""
) -> Callable[[Callable], Callable]:
    """Put a change of the right notebook into the zoo, under its name."""

    def add(change: Callable[[NotebookNode], None]) -> Callable:
        def make(notebook: NotebookNode) -> bytes:
            notebook = copy.deepcopy(notebook)
            change(notebook)
            return file_of(notebook)

        BROKEN.append(Broken(change.__name__, make, points, says, file_name))
        return change

    return add


def place_of(notebook: NotebookNode, grade_id: str) -> int:
    return notebook.cells.index(cell(notebook, grade_id))


def own(source: str, id: str = "own") -> NotebookNode:
    return nbformat.v4.new_code_cell(source, id=id)


# --- Files --------------------------------------------------------------------------------------


@edited(says="that of a copy", file_name=f"Copy of {STAGE}.ipynb")
def named_copy_of(_):
    pass


@edited(
    says="that of a copy", file_name=f"lovelace_ada_123_assignsubmission_file_{STAGE} (1).ipynb"
)
def named_by_a_browser(_):
    pass


@edited(says="that of a copy", file_name=f"{STAGE}.ipynb.txt")
def named_by_windows(_):
    pass


@edited(says="older state", file_name=f"{STAGE}-checkpoint.ipynb")
def named_by_jupyter(_):
    pass


@raw()
def utf_8_with_a_mark(notebook):
    return b"\xef\xbb\xbf" + file_of(notebook)


@raw(says="UTF-16")
def utf_16(notebook):
    return json.dumps(notebook, ensure_ascii=False).encode("utf-16")


@raw(says="UTF-16")
def utf_16_without_a_mark(notebook):
    return json.dumps(notebook, ensure_ascii=False).encode("utf-16-be")


@raw(says="Windows-1252")
def windows_1252(notebook):
    notebook = copy.deepcopy(notebook)
    cell(notebook, "error_report").source += "\nDie Katze heißt „Möhre“, naïve, n'est-ce pas?"
    text = json.dumps(notebook, ensure_ascii=False)
    return text.encode("cp1252", errors="replace")


@raw(says="characters are lost")
def a_flipped_byte(notebook):
    return file_of(notebook).replace("▰".encode(), b"\xff\xff\xff", 1)


@raw(says="as on Windows")
def windows_lines(notebook):
    notebook = copy.deepcopy(notebook)
    for one in notebook.cells:
        one.source = one.source.replace("\n", "\r\n")
    return file_of(notebook).replace(b"\n", b"\r\n")


@raw(says="zero bytes")
def zero_bytes(notebook):
    text = file_of(notebook).replace(b"flatnonzero", b"flat\0nonzero")
    return text[:1] + b"\0" + text[1:] + b"\0" * 4096


@edited()
def nan_in_json(notebook):
    notebook.metadata["progress"] = float("nan")
    cell(notebook, "test_find_wrong").metadata.nbgrader["points"] = float("inf")


@raw(None, "these are missing: per_class_accuracy")
def cut_in_the_middle(notebook):
    text = file_of(notebook)
    return text[: text.index(b"Step 4") + 9]


@raw(None, "0 cells could be read")
def cut_at_once(notebook):
    return file_of(notebook)[:40]


@raw(says="with all answers that give points")
def cut_after_the_report(notebook):
    text = file_of(notebook)
    return text[: text.index(b"Go deeper: is it") + 5]


@raw(says="with all answers that give points")
def cut_before_zeros(notebook):
    text = file_of(notebook)
    place = text.index(b"Go deeper: is it")
    return text[:place] + b"\0" * (len(text) - place)


@raw(says="cut off or damaged")
def damaged_in_an_output(notebook):
    return file_of(notebook).replace(b'"1 of 1 point', b"1 of 1 point")


@raw(None, "these are missing: find_wrong")
def damaged_in_an_answer(notebook):
    return file_of(notebook).replace(b'"# answer: find_wrong', b'"# answer: find"_wrong')


@raw(says="cut off or damaged")
def written_over_a_longer_file(notebook):
    return file_of(notebook) + b'"nbformat_minor": 5\n}\n'


@raw(says="cut off or damaged")
def with_marks_of_a_git_conflict(notebook):
    notebook = copy.deepcopy(notebook)
    notebook.metadata.kernelspec.display_name = "HERE"
    here = b'   "display_name": "HERE",\n'
    marks = b"<<<<<<< HEAD\n" + here + b"=======\n" + here + b">>>>>>> mine\n"
    return file_of(notebook).replace(here, marks)


@raw(None, "empty")
def empty(_):
    return b""


@raw(None, "empty")
def nothing_but_zeros(_):
    return b"\0" * 1000


@raw(None, "looks like a PDF")
def a_pdf(_):
    return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"


@raw(None, "looks like a web page")
def a_web_page(notebook):
    sources = "".join(f"<pre>{one.source}</pre>" for one in notebook.cells)
    return f"<!DOCTYPE html>\n<html><body>{sources}</body></html>".encode()


@raw(None, "looks like a zip file or an Office document")
def a_word_document(_):
    return b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00" + b"word/document.xml" * 9


@raw(None, "looks like a Python program")
def a_python_program(notebook):
    sources = [one.source for one in notebook.cells if one.cell_type == "code"]
    return "\n\n# In[ ]:\n\n".join(["#!/usr/bin/env python", *sources]).encode()


@raw(None, "it is not JSON")
def a_letter(_):
    return b"Dear teacher, my notebook does not open. Greetings, Ada"


@raw(None, "JSON, but no notebook")
def other_json(_):
    return b'{"type": "FeatureCollection", "features": [1, 2, {"a": null}]}'


@raw(None, "has no cells")
def without_cells(notebook):
    return file_of(notebook | {"cells": []})


@raw(None, "larger than 200 MB")
def too_large(notebook):
    return file_of(notebook) + b" " * 200_000_000


@raw(says="most of them output")
def large_output(notebook):
    notebook = copy.deepcopy(notebook)
    picture = nbformat.v4.new_output("display_data", {"image/png": "A" * 50_000_000})
    cell(notebook, "show_three_wrong").outputs = [picture]
    return file_of(notebook)


@edited(None, "at most 5,000")
def too_many_cells(notebook):
    notebook.cells += [own("1")] * 5_000


@raw(None, "Stage 6")
def another_stage(_):
    return file_of(released("stage_06_open_the_sealed_test"))


@edited(None, "0 of the 13 graded cells")
def another_course(notebook):
    notebook.cells = [own("import numpy as np"), own("print(1)")]


@raw(NOTHING, "Every answer is blank")
def as_released(_):
    return file_of(released())


# --- Copies of cells ----------------------------------------------------------------------------


@edited(says="stood there more than once, and one of each counts: find_wrong")
def a_blank_copy_below(notebook):
    notebook.cells.insert(place_of(notebook, "find_wrong") + 1, blank("find_wrong"))


@edited(says="stood there more than once, and one of each counts: find_wrong")
def a_blank_copy_at_the_end(notebook):
    notebook.cells.append(own(blank("find_wrong").source))


@edited(says="stand after their answers again: test_find_wrong")
def filled_in_below_the_check(notebook):
    mine = cell(notebook, "find_wrong")
    place = place_of(notebook, "find_wrong")
    notebook.cells[place] = blank("find_wrong")
    notebook.cells.insert(place + 2, mine)


@edited(says="More than one cell holds an answer to find_wrong")
def a_worse_copy_above(notebook):
    worse = copy.deepcopy(cell(notebook, "find_wrong"))
    worse.source = "# answer: find_wrong\nwrong_indexes = 1907"
    notebook.cells.insert(place_of(notebook, "find_wrong"), worse)


@edited(says="More than one cell holds an answer to name_hardest_class")
def a_worse_copy_below_the_check(notebook):
    worse = own("# answer: name_hardest_class\nhardest_class = 'unicorn'")
    notebook.cells.insert(place_of(notebook, "test_name_hardest_class") + 1, worse)


@edited(says="one of each counts: test_find_wrong")
def a_doubled_check(notebook):
    place = place_of(notebook, "test_find_wrong")
    notebook.cells.insert(place, copy.deepcopy(notebook.cells[place]))


@edited(says="one of each counts: setup, resume, test_predict_labels")
def everything_twice(notebook):
    notebook.cells += copy.deepcopy(notebook.cells)


# --- Deleted, changed and moved cells -----------------------------------------------------------


@edited(says="These cells were missing, and are in their place again: test_predict_labels")
def without_checks(notebook):
    notebook.cells = [one for one in notebook.cells if not name_of(one).startswith("test_")]


@edited(says="These cells were changed, and are as released again: test_find_wrong")
def a_check_typed_again(notebook):
    place = place_of(notebook, "test_find_wrong")
    notebook.cells[place] = own('cu.check("find_wrong")')


@edited((1, 1, 0, 3, 2), "were missing, and are in their place again: test_show_three_wrong")
def a_check_that_pays(notebook):
    cell(notebook, "show_three_wrong").source = blank("show_three_wrong").source
    check = cell(notebook, "test_show_three_wrong")
    check.source, check.metadata.nbgrader.points = "99.0", 99


@edited(says="What was added to these cells stands in a cell beside each: test_find_wrong")
def answered_in_the_check(notebook):
    mine, check = cell(notebook, "find_wrong"), cell(notebook, "test_find_wrong")
    code = mine.source.partition("\n")[2]
    check.source = check.source.replace("import course_utils", code + "\nimport course_utils")
    mine.source = blank("find_wrong").source


@edited(says="were missing, and are in their place again: test_")
def answered_instead_of_the_check(notebook):
    mine, check = cell(notebook, "find_wrong"), cell(notebook, "test_find_wrong")
    check.source = mine.source.partition("\n")[2]
    mine.source = blank("find_wrong").source


@edited((1, 0, 0, 3, 2), "in their place again, blank: find_wrong")
def without_an_answer(notebook):
    del notebook.cells[place_of(notebook, "find_wrong")]


@edited(says="are known by their place: find_wrong")
def answered_in_a_new_cell(notebook):
    place = place_of(notebook, "find_wrong")
    code = notebook.cells[place].source.partition("\n")[2]
    notebook.cells[place : place + 1] = [own("print('hello')"), own(code, "own2")]


@edited(says="are known by their place: find_wrong")
def answered_after_the_text_of_a_check(notebook):
    place = place_of(notebook, "find_wrong")
    code = notebook.cells[place].source.partition("\n")[2]
    notebook.cells[place : place + 2] = [own(code)]


@edited(says="were missing, and are in their place again: setup, resume")
def without_a_setup(notebook):
    del notebook.cells[place_of(notebook, "setup")]
    del notebook.cells[place_of(notebook, "resume")]


@edited(says="What was added to these cells stands in a cell beside each: setup")
def an_import_in_the_setup(notebook):
    setup = cell(notebook, "setup")
    setup.source = setup.source.replace(
        "import numpy as np", "import numpy as np\nimport numpy as mine"
    ).replace("stage=7", "stage=3")
    answer = cell(notebook, "find_wrong")
    answer.source = answer.source.replace("np.", "mine.")


@edited(says="stand at the top again: setup, resume")
def a_setup_at_the_end(notebook):
    for name in ("setup", "resume"):
        notebook.cells.append(notebook.cells.pop(place_of(notebook, name)))


@edited(says="stand after their answers again: test_predict_labels, test_find_wrong")
def checks_above_their_answers(notebook):
    checks = [one for one in notebook.cells if name_of(one).startswith("test_")]
    rest = [one for one in notebook.cells if one not in checks]
    notebook.cells = rest[:6] + checks + rest[6:]


@edited()
def answers_at_the_end(notebook):
    moved = [c for c in notebook.cells if name_of(c).removeprefix("test_") in CHECKS]
    notebook.cells = [one for one in notebook.cells if one not in moved] + moved


@edited(says="Cells had been merged into one")
def merged_cells(notebook):
    place = place_of(notebook, "predict_labels")
    names = [f"{kind}{name}" for name in CHECKS for kind in ("", "test_")]
    mine = [cell(notebook, name) for name in names]
    notebook.cells = [one for one in notebook.cells if one not in mine]
    notebook.cells.insert(place, mine[0])
    mine[0].source = "\n\n".join(one.source for one in mine)


@edited(says="have their own again: find_wrong, per_class_accuracy")
def answers_of_another_type(notebook):
    for name, kind in (("find_wrong", "markdown"), ("per_class_accuracy", "raw")):
        mine = cell(notebook, name)
        mine.cell_type = kind
        del mine["outputs"], mine["execution_count"]


@edited(says="More than one cell holds an answer to find_wrong")
def a_note_of_an_old_answer(notebook):
    note = nbformat.v4.new_markdown_cell("# answer: find_wrong\nwrong_indexes = [1]", id="note")
    notebook.cells.insert(place_of(notebook, "test_find_wrong"), note)


@edited(says="have their own again: error_report")
def a_report_as_code(notebook):
    report = cell(notebook, "error_report")
    report |= {"cell_type": "code", "outputs": [], "execution_count": 3}


@edited(says="The written answer error_report is missing")
def without_a_report(notebook):
    del notebook.cells[place_of(notebook, "error_report")]


@edited(says="The written answer error_report has lost its heading")
def a_report_in_a_new_cell(notebook):
    report = nbformat.v4.new_markdown_cell("I think that cats are hard: they hide.", id="mine")
    notebook.cells[place_of(notebook, "error_report")] = report


@edited(says="was lost or changed, and is back: error_report")
def a_report_known_by_its_heading(notebook):
    report = cell(notebook, "error_report")
    report.id, report.metadata = "abc", {}
    report.source = report.source.replace("**Error report**", "## Error report:")


# --- Grading data -------------------------------------------------------------------------------


@edited(says="was lost or changed, and is back: find_wrong")
def one_cell_without_data(notebook):
    del cell(notebook, "find_wrong").metadata["nbgrader"]


@edited(says="was lost or changed, and is back: all 15")
def no_cell_with_data(notebook):
    for one in notebook.cells:
        one.metadata = {}


@edited(says="had no id, or a wrong one")
def known_by_its_text_alone(notebook):
    for one in notebook.cells:
        one.metadata = {}
        del one["id"]


@edited(says="are known by their place: predict_labels, find_wrong")
def known_by_its_place_alone(notebook):
    for one in notebook.cells:
        one.metadata = {}
        del one["id"]
        one.source = re.sub(r"^# (answer|check|deeper): .*\n", "", one.source)


@edited(says="were missing, and are in their place again: test_")
def code_alone(notebook):
    """What is left when a student pastes the code into a notebook of their own."""
    sources = [cell(notebook, name).source for name in ("setup", "resume", *CHECKS)]
    code = [re.sub(r"^# answer: .*\n", "", source) for source in sources]
    notebook.cells = [own(source, f"c{number}") for number, source in enumerate(code)]


@edited(says="was lost or changed, and is back: all 15")
def empty_data(notebook):
    for one in notebook.cells:
        one.metadata["nbgrader"] = {}


@edited(says="was lost or changed, and is back: all 15")
def data_of_another_version(notebook):
    for one, version in zip(notebook.cells, [99, 0, None, "3", 2, -1] * 20, strict=False):
        if "nbgrader" in one.metadata:
            one.metadata.nbgrader["schema_version"] = version
    del cell(notebook, "test_find_wrong").metadata.nbgrader["schema_version"]


@edited(says="was lost or changed, and is back: find_wrong, test_find_wrong")
def other_points_and_locks(notebook):
    cell(notebook, "test_find_wrong").metadata.nbgrader |= {"points": -5, "locked": False}
    cell(notebook, "find_wrong").metadata.nbgrader |= {"grade": True, "locked": True}


@edited(says="was lost or changed, and is back: predict_labels, find_wrong")
def data_of_each_other(notebook):
    one, other = cell(notebook, "predict_labels"), cell(notebook, "find_wrong")
    one.metadata, other.metadata = other.metadata, one.metadata


@edited(says="Cells that are not graded held grading data")
def data_on_a_text(notebook):
    notebook.cells[9].metadata = copy.deepcopy(cell(notebook, "find_wrong").metadata)


# --- Programs -----------------------------------------------------------------------------------


@raw(says="notebook format 4.0")
def saved_by_colab(notebook):
    cells = []
    for number, one in enumerate(notebook.cells):
        about = {**one.metadata, "id": one.id if number % 3 else "cAl1bR4n-_x" + str(number)}
        made = {"cell_type": one.cell_type, "source": one.source.splitlines(True)}
        if one.cell_type == "code":
            user = {"displayName": "Ada", "userId": "0123"}
            about |= {"executionInfo": {"status": "ok", "elapsed": 7, "user": user}}
            about |= {"colab": {"base_uri": "https://localhost:8080/", "height": 34}}
            about |= {"outputId": "5f1c0de4-12ab", "cellView": "form"}
            made |= {"execution_count": str(number), "outputs": one.outputs}
        cells.append(made | {"metadata": about})
    about = {
        "colab": {"provenance": [{"file_id": "1aB", "timestamp": 1}], "gpuType": "T4"},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "accelerator": "GPU",
        "widgets": {"application/vnd.jupyter.widget-state+json": {"00ff": {"model_name": "X"}}},
    }
    whole = {"nbformat": 4, "nbformat_minor": 0, "metadata": about, "cells": cells}
    return file_of(whole, indent=2)


@raw(says="The notebook asked for .venv")
def saved_by_vs_code(notebook):
    cells = []
    for number, one in enumerate(notebook.cells):
        made = {"cell_type": one.cell_type, "id": f"#VSC-{number:04x}"}
        made["metadata"] = {**one.metadata, "vscode": {"languageId": "python"}}
        made["source"] = one.source.splitlines(True)
        if one.cell_type == "code":
            made["outputs"] = one.outputs
        cells.append(made)
    page = {"cell_type": "code", "metadata": {"vscode": {"languageId": "html"}}, "source": ["<p>"]}
    about = {
        "kernelspec": {"name": ".venv", "display_name": ".venv", "language": "python"},
        "language_info": {"name": "python", "version": "3.12.1", "nbconvert_exporter": "python"},
        "orig_nbformat": 4,
        "vscode": {"interpreter": {"hash": "31f2aee4e71d21fbe5cf8b01ff0e069b9275f58929596ceb"}},
    }
    whole = {"cells": [*cells, page], "metadata": about, "nbformat": 4, "nbformat_minor": 2}
    return file_of(whole)


@edited()
def saved_by_jupyterlab(notebook):
    notebook.metadata.kernelspec = {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }
    notebook.metadata.language_info = {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": "3.11.2",
    }
    key = "application/vnd.jupyter.widget-state+json"
    state = {"state": {}, "version_major": 2, "version_minor": 0}
    notebook.metadata["widgets"] = {key: state}
    for number, one in enumerate(notebook.cells):
        one.metadata |= {"tags": [], "scrolled": True, "jupyter": {"source_hidden": False}}
        if one.cell_type == "code":
            one.execution_count = number + 1
            one.metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00.000000Z"}
    notebook.cells.append(own("", "d1c0ffee"))


@edited(says="notebook format 4.4")
def saved_by_kaggle(notebook):
    notebook.nbformat_minor = 4
    notebook.metadata["kaggle"] = {"accelerator": "gpu", "dataSources": [], "isGpuEnabled": True}
    for one in notebook.cells:
        del one["id"]
        one.metadata |= {"_uuid": "8f2839f2", "trusted": True, "_kg_hide-input": True}


@edited(says="had no id, or a wrong one")
def saved_by_deepnote(notebook):
    notebook.metadata |= {"deepnote": {}, "deepnote_notebook_id": "0a", "orig_nbformat": 2}
    for one in notebook.cells:
        one.id = (
            f"00000-{one.id}-deepnote-app-coordinates-deepnote-cell-type-deepnote-to-be-reexecuted"
        )
        one.metadata |= {"deepnote_cell_type": "code", "source_hash": "b623e53d", "cell_id": one.id}


@edited(says="had no id, or a wrong one")
def saved_by_a_jetbrains_program(notebook):
    for one in notebook.cells:
        one.metadata |= {"collapsed": False, "pycharm": {"name": "#%%\n", "is_executing": True}}
        one.metadata.pop("deletable", None)
        del one["id"]
    notebook.nbformat_minor = 5


@raw(says="notebook format 3.0")
def in_format_3(notebook):
    sheet = []
    for one in notebook.cells:
        made = {"cell_type": one.cell_type, "metadata": one.metadata}
        if one.cell_type == "code":
            outputs = []
            for output in one.outputs:
                html = (
                    {"html": output["data"]["text/html"]}
                    if "text/html" in output.get("data", {})
                    else {"text": "x"}
                )
                outputs.append({"output_type": "pyout", "prompt_number": 3, "metadata": {}} | html)
            made |= {"input": one.source.splitlines(True), "language": "python"}
            made |= {"prompt_number": 3, "collapsed": False, "outputs": outputs}
        elif one.source.startswith("## "):
            made |= {"cell_type": "heading", "level": 2, "source": [one.source[3:]]}
        else:
            made["source"] = one.source.splitlines(True)
        sheet.append(made)
    worksheets = [{"cells": sheet[:30], "metadata": {}}, {"cells": sheet[30:]}]
    head = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0}
    return file_of(head | {"worksheets": worksheets})


@edited(says="widgets without their state")
def widgets_without_state(notebook):
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"a": {}}}


@edited(says="The notebook asked for conda-env-my")
def another_kernel(notebook):
    notebook.metadata.kernelspec = {"name": "conda-env-my-py", "display_name": "My"}


@edited(says="written in julia")
def another_language(notebook):
    notebook.metadata.kernelspec = {"name": "julia-1.10", "display_name": "J", "language": "julia"}
    notebook.metadata.language_info = {"name": "julia"}


# --- Odd JSON -----------------------------------------------------------------------------------


@edited(says="had no id, or a wrong one")
def odd_ids(notebook):
    ids = ["same", "same", "", "way too long " * 9, "ümlaut", None, 7, ["a"], "stage07-setup"]
    for one, odd in zip(notebook.cells, ids * 9, strict=False):
        one["id"] = odd


@edited(says="The file was in notebook format ?.?")
def odd_sources(notebook):
    forms = (
        lambda text: text.splitlines(True),
        lambda text: text.splitlines(),
        lambda text: [[line] for line in text.splitlines(True)],
        lambda text: [None, text, 7],
    )
    for number, one in enumerate(notebook.cells):
        one.source = forms[number % 4](one.source)
    notebook.nbformat, notebook.nbformat_minor = "four", None


@edited(says="The file was in notebook format 4.?")
def nested_cells(notebook):
    cells = notebook.cells
    notebook.cells = [None, "text", cells[:5], [cells[5:9], [3]], {"0": cells[9], "1": cells[10:]}]
    del notebook["nbformat_minor"]


@edited()
def odd_outputs(notebook):
    check = cell(notebook, "test_predict_labels")
    page = check.outputs[1].data["text/html"]
    check.outputs = [{"output_type": 7}, None, {"data": {"text/html": [[page], 4]}}, "x", {"a": []}]
    cell(notebook, "find_wrong")["outputs"] = {"0": "no list"}
    del cell(notebook, "show_three_wrong")["outputs"]
    cell(notebook, "per_class_accuracy")["execution_count"] = "NaN"


@edited()
def odd_metadata(notebook):
    notebook.metadata = None
    for one, odd in zip(notebook.cells, [None, [], "x", 7, {"nbgrader": []}] * 20, strict=False):
        one.metadata = odd
    del notebook.cells[3]["metadata"], notebook.cells[4]["cell_type"]


@edited(says="A picture is missing in a text: screenshot.png")
def without_attachments(notebook):
    report = cell(notebook, "error_report")
    report.source += "\n![my pictures](attachment:screenshot.png) ![two](attachment:my%20cat.png)"
    report["attachments"] = {"my cat.png": {"image/png": "iVBORw0KGgo="}, "bad": 7}


@raw()
def half_characters(notebook):
    notebook = copy.deepcopy(notebook)
    notebook.cells.append(own("print('\ud83d')"))
    notebook.cells[-1].metadata["\ud83d"] = "\ud83d"
    cell(notebook, "error_report").source += "\ud83d"
    return file_of(notebook, ensure_ascii=True)
