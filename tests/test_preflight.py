"""Whatever is handed in ends in a mended notebook or in a reason."""

from __future__ import annotations

import copy
import json
import logging
import os
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import InvalidNotebook
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from nbgrader.utils import compute_checksum

from autograder import ROOT
from autograder.build import load_config, stage_names
from autograder.preflight import Examined, examine
from autograder.preprocessors import KeepRecord
from autograder.preprocessors.keeprecord import METADATA
from autograder.samples import CHECKS, FULL, REPORT, RIGHT, STAGE
from course_utils import record
from course_utils.workbook import RECORD_FILE
from tests.broken import BROKEN, RECORD, blank, cell, file_of, name_of, own, released, right

RELEASED, ALL_RIGHT = released(), right()
NAMES = [name_of(one) for one in RELEASED.cells if name_of(one)]
WRAPPED = "cannot be examined"
# Here the record is lost with its cell, or there was none.
WITHOUT_RECORD = {"without_checks", "merged_cells", "code_alone", "as_released"}


def said(examined: Examined) -> str:
    return "\n".join((*examined.mended, *examined.decide, examined.reason))


def after(change) -> Examined:
    """What comes of the right notebook after a change."""
    notebook = copy.deepcopy(ALL_RIGHT)
    change(notebook)
    return examine(file_of(notebook), RELEASED)


def order(examined: Examined, *names: str) -> list[str]:
    """The grade ids, and the sources of the own cells among these names, as they stand."""
    return [
        name_of(one) or one.source
        for one in examined.notebook.cells
        if name_of(one) in names or one.source in names
    ]


def judge(examined: Examined) -> None:
    """A mended notebook is what nbgrader and the checks need, whatever it came from."""
    assert (examined.notebook is None) == bool(examined.reason)
    assert WRAPPED not in examined.reason, examined.reason
    for sentence in said(examined).splitlines():
        assert not sentence or sentence.endswith(".")
    notebook = examined.notebook
    if notebook is None:
        return
    nbformat.validate(copy.deepcopy(notebook))
    assert nbformat.writes(notebook).encode()  # as UTF-8, so there is no half of a character
    assert len({one.id for one in notebook.cells}) == len(notebook.cells)
    assert Counter(filter(None, map(name_of, notebook.cells))) == Counter(NAMES)
    for one in RELEASED.cells:
        if name_of(one):
            mine = cell(notebook, name_of(one))
            assert (mine.cell_type, mine.metadata, mine.id) == (
                one.cell_type,
                one.metadata,
                one.id,
            )
            if one.metadata.nbgrader.locked:
                assert compute_checksum(mine) == one.metadata.nbgrader.checksum
    place = {name_of(one): n for n, one in enumerate(notebook.cells)}
    for name in CHECKS:
        assert place["setup"] < place["resume"] < place[name] < place[f"test_{name}"]
    again = examine(nbformat.writes(notebook).encode(), RELEASED)
    assert again.mended == ()
    assert again.notebook == notebook


# --- The zoo ------------------------------------------------------------------------------------


def test_the_zoo_is_large_enough():
    assert len({broken.name for broken in BROKEN}) == len(BROKEN) >= 30


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_broken(broken):
    examined = examine(broken.content(ALL_RIGHT), RELEASED, broken.file_name)
    judge(examined)
    assert broken.says in said(examined)
    assert (examined.notebook is None) == (broken.points is None)
    if broken.points and broken.name not in WITHOUT_RECORD:
        notebook, _ = KeepRecord().preprocess(copy.deepcopy(examined.notebook), {})
        assert notebook.metadata[METADATA] == RECORD
    if examined.notebook is not None:
        assert len(nbformat.writes(examined.notebook)) < 200_000
    if broken.points == FULL and broken.name != "an_import_in_the_setup":
        assert lines_of(examined.notebook) == lines_of(ALL_RIGHT)


@pytest.mark.parametrize("stage", stage_names(ROOT / "solutions"))
def test_a_notebook_as_it_should_be_stays_as_it_is(stage):
    notebook = released(stage)
    examined = examine(file_of(notebook), notebook)
    assert examined.notebook == notebook
    assert (examined.mended, examined.reason) == ((), "")


def test_a_filled_in_notebook_gives_no_sentence():
    examined = examine(file_of(ALL_RIGHT), RELEASED, f"{STAGE}.ipynb")
    assert said(examined).strip() == ""
    assert [one.source for one in examined.notebook.cells] == [c.source for c in ALL_RIGHT.cells]


def test_every_other_stage_is_the_wrong_one():
    for stage in stage_names(ROOT / "solutions"):
        if stage != STAGE:
            examined = examine(file_of(released(stage)), RELEASED)
            assert f"It seems to be Stage {int(stage[6:8])}." in examined.reason


def test_the_published_solution_is_pointed_out():
    solution = ROOT / "solutions" / STAGE / f"{STAGE}.ipynb"
    examined = examine(solution.read_bytes(), RELEASED)
    judge(examined)
    assert "published solution" in said(examined)


def test_nothing_of_the_released_notebook_changes():
    before = copy.deepcopy(RELEASED)
    for broken in BROKEN:
        if "large" not in broken.name:
            examine(broken.content(ALL_RIGHT), RELEASED)
    examined = after(lambda notebook: None)
    cell(examined.notebook, "setup").metadata.nbgrader.points = 9
    assert before == RELEASED


# --- What runs, and in which order ---------------------------------------------------------------


def test_a_blank_copy_does_not_run_after_the_answer():
    for where in (0, 1, 2):  # above the answer, below it, below its check

        def change(notebook, where=where):
            place = notebook.cells.index(cell(notebook, "find_wrong"))
            notebook.cells.insert(place + where, own(blank("find_wrong").source + "\n\n"))

        examined = after(change)
        judge(examined)
        sources = [one.source for one in examined.notebook.cells]
        assert blank("find_wrong").source.strip() not in map(str.strip, sources)
        assert RIGHT["find_wrong"].strip() in cell(examined.notebook, "find_wrong").source


def test_other_copies_run_where_they_stand():
    first, last = "# answer: find_wrong\na = 1", "# answer: find_wrong\nb = 2"

    def change(notebook):
        place = notebook.cells.index(cell(notebook, "find_wrong"))
        notebook.cells.insert(place, own(first, "x"))
        notebook.cells.insert(place + 3, own(last, "y"))

    examined = after(change)
    names = first, "find_wrong", "test_find_wrong", last
    assert order(examined, *names) == list(names)


def test_a_blank_goes_before_what_stands_in_its_place():
    """Also when a student's own cells are far from where they belong."""

    def change(notebook):
        place = notebook.cells.index(cell(notebook, "find_wrong"))
        del notebook.cells[place]
        notebook.cells.insert(place + 1, own("wrong_indexes = [1]"))

    examined = after(change)
    judge(examined)
    assert order(examined, "find_wrong", "test_find_wrong", "wrong_indexes = [1]") == [
        "find_wrong",
        "test_find_wrong",
        "wrong_indexes = [1]",
    ]
    assert cell(examined.notebook, "find_wrong").source == blank("find_wrong").source


def test_a_check_comes_back_after_all_that_may_belong_to_its_answer():
    def change(notebook):
        place = notebook.cells.index(cell(notebook, "test_find_wrong"))
        notebook.cells[place] = own("wrong_indexes = sorted(wrong_indexes)")

    names = "find_wrong", "wrong_indexes = sorted(wrong_indexes)", "test_find_wrong"
    assert order(after(change), *names) == list(names)


def test_what_was_added_to_locked_cells_runs_beside_them():
    def change(notebook):
        setup, check = cell(notebook, "setup"), cell(notebook, "test_find_wrong")
        setup.source = setup.source.replace("stage=7", "stage=3") + "\nimport pandas"
        check.source = "wrong_indexes = []\n" + check.source + "\nprint('done')"

    examined = after(change)
    judge(examined)
    added = "wrong_indexes = []\nprint('done')"
    names = "setup", "import pandas", "find_wrong", added, "test_find_wrong"
    assert order(examined, *names) == list(names)


def test_what_was_added_to_a_copy_of_a_check_runs_too():
    def change(notebook):
        place = notebook.cells.index(cell(notebook, "test_find_wrong"))
        twin = copy.deepcopy(notebook.cells[place])
        twin.source += "\nprint(wrong_indexes)"
        notebook.cells[place].source += "\nprint(1)"
        notebook.cells.insert(place, twin)

    names = "find_wrong", "print(wrong_indexes)", "print(1)", "test_find_wrong"
    assert order(after(change), *names) == list(names)


def test_a_text_of_the_course_is_no_answer_whatever_its_data_say():
    def change(notebook):
        cell(notebook, "find_wrong").source = blank("find_wrong").source
        notebook.cells[9].metadata = cell(notebook, "find_wrong").metadata

    examined = after(change)
    judge(examined)
    assert cell(examined.notebook, "find_wrong").source == blank("find_wrong").source


def test_a_copy_that_was_used_for_something_else_is_no_answer():
    """JupyterLab copies a cell with its grading data; the line that names it counts for more."""

    def change(notebook):
        place = notebook.cells.index(cell(notebook, "find_wrong"))
        twin = copy.deepcopy(notebook.cells[place])
        twin.source = "print('only a try')"
        notebook.cells.insert(place + 1, twin)

    names = "find_wrong", "print('only a try')", "test_find_wrong"
    assert order(after(change), *names) == list(names)


def test_the_setup_stands_before_all_answers_wherever_its_neighbours_are():
    def change(notebook):
        for name in ("setup", "resume"):
            notebook.cells.remove(cell(notebook, name))
        first = notebook.cells.index(cell(notebook, "predict_labels"))
        notebook.cells = notebook.cells[first:] + notebook.cells[:first]

    judge(after(change))


def test_a_blank_stands_after_the_setup_wherever_its_neighbours_are():
    def change(notebook):
        place = notebook.cells.index(cell(notebook, "find_wrong"))
        del notebook.cells[place]
        notebook.cells.insert(0, notebook.cells.pop(place - 1))

    judge(after(change))


def test_an_old_note_in_the_form_of_a_text_is_no_answer():
    broken = next(broken for broken in BROKEN if broken.name == "a_note_of_an_old_answer")
    examined = examine(broken.content(ALL_RIGHT), RELEASED)
    assert cell(examined.notebook, "find_wrong").source == cell(ALL_RIGHT, "find_wrong").source


# --- What a teacher should look at ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("from course_utils import checks\nchecks.STAGES.clear()", "checks"),
        ("from course_utils.recorder import CLAIMS", "course_utils.recorder"),
        ("import course_utils.checks.stage_07 as s\ns._SAME = 0", "course_utils.checks"),
        ("cu.checks.STAGES[7]", "cu.checks"),
        ("from course_utils.workbook import _Session, _reference\n_reference().labels", "_Session"),
        ("from course_utils import workbook\nworkbook._keep(1)", "workbook._"),
        ("workbook.hand_out = print", "hand_out"),
        ("display(x, metadata={'course_claims': 1})", "course_claims"),
        ("from course_utils import wire, recorder", "recorder"),
    ],
)
def test_the_courses_machinery_is_pointed_out(code, words):
    def change(notebook):
        place = notebook.cells.index(cell(notebook, "test_find_wrong"))
        notebook.cells.insert(place, own(code))
        cell(notebook, "name_hardest_class").source += f"\n{code}"

    examined = after(change)
    judge(examined)
    told = [one for one in examined.decide if "machinery" in one]
    assert len(told) == 2
    assert code[:10] in told[0]
    assert told[1].startswith("The answer name_hardest_class mentions")
    assert all(words in one for one in told)


@pytest.mark.parametrize("stage", stage_names(ROOT / "solutions"))
def test_no_machinery_is_pointed_out_in_the_courses_own_notebooks(stage):
    for folder in ("solutions", "stages"):
        content = (ROOT / folder / stage / f"{stage}.ipynb").read_bytes()
        assert "machinery" not in said(examine(content, released(stage)))


def test_words_of_a_students_own_are_no_machinery():
    code = "CLAIMS = ['a']\nrecorder = checks = len(CLAIMS)\nmy_reference(3)\ncu.save(guess='cat')"
    examined = after(lambda notebook: notebook.cells.append(own(code)))
    assert "machinery" not in said(examined)


def test_few_of_many_cells_are_pointed_out():
    cells = [own(f"workbook._a = {n}", f"own{n}") for n in range(300)]
    examined = after(lambda notebook: notebook.cells.extend(cells))
    told = [one for one in examined.decide if "machinery" in one or "same holds" in one]
    assert (len(told), told[-1].endswith("cells: 295.")) == (6, True)


# --- What a notebook carries ----------------------------------------------------------------------


def test_a_feedback_page_can_be_made_without_all_pictures():
    text = nbformat.v4.new_markdown_cell("![](attachment:a.png)")
    with pytest.raises(InvalidNotebook):
        HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[text]))
    broken = next(broken for broken in BROKEN if broken.name == "without_attachments")
    examined = examine(broken.content(ALL_RIGHT), RELEASED)
    page, _ = HTMLExporter().from_notebook_node(examined.notebook)
    assert "data:image/png;base64,iVBORw0KGgo=" in page
    assert "data:image/svg+xml;base64,PHN2" in page


def test_records_stay_in_their_order_and_the_last_one_counts():
    texts = [record.write({"guess": guess}) for guess in ("cat", "dog", "cat")]

    def change(notebook):
        for one, text in zip(notebook.cells[3::5], texts, strict=False):
            if one.cell_type != "code":
                one |= {"cell_type": "code", "execution_count": None, "metadata": {}}
            page = {"text/html": ["<!--\n", f" {text} -->"]}
            one.outputs = [{"output_type": "display_data", "metadata": {}, "data": page}]

    notebook, _ = KeepRecord().preprocess(after(change).notebook, {})
    items = record.read(notebook.metadata[METADATA])
    assert items["guess"] == "cat"
    assert items["pictures"] == "practice"


def test_no_other_output_and_no_other_metadata_stay():
    def change(notebook):
        notebook.metadata |= {"widgets": {}, METADATA: "course-record:1:forged:end"}
        for one in notebook.cells:
            one.metadata |= {"tags": ["skip-execution", "teacher"], "collapsed": True}
        notebook.cells.append(own("print(1)"))
        notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="forged")]

    examined = after(change)
    assert examined.notebook.metadata == RELEASED.metadata
    assert examined.notebook.cells[-1].metadata == {}
    outputs = [output for one in examined.notebook.cells for output in one.get("outputs", [])]
    assert [output.data for output in outputs] == [{"text/html": f"<!-- {RECORD} -->"}]


@pytest.mark.parametrize(
    "text",
    [
        "course-record:" * 100_000,
        '{"id": "' * 100_000,
        "[" * 100_000,
        "#" * 100_000,
        "# a\n" * 20_000,
        "import a\n" * 5_000 + "![](attachment:b)",
    ],
    ids=lambda text: text[:14].strip(),
)
def test_time_grows_with_the_file_and_no_faster(text):
    """What would take a regular expression or a parser that begins again hours."""
    notebook = copy.deepcopy(ALL_RIGHT)
    output = nbformat.v4.new_output("stream", text=text)
    cell(notebook, "find_wrong").outputs = [output]
    cell(notebook, "test_find_wrong").source += text
    notebook.cells += [own(text), nbformat.v4.new_markdown_cell(text, id="text")]
    judge(examine(file_of(notebook), RELEASED))
    judge(examine(file_of(notebook)[:-9], RELEASED))
    judge(examine(text.encode(), RELEASED))


# --- nbgrader ------------------------------------------------------------------------------------


class Lines(logging.Handler):
    """Keeps what nbgrader warns of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, entry: logging.LogRecord) -> None:
        self.lines.append(entry.getMessage())


@pytest.mark.slow
def test_nbgrader_finds_nothing_to_change(tmp_path, monkeypatch):
    programs = str(Path(sys.executable).parent)  # nbgrader calls another program by its name
    monkeypatch.setenv("PATH", programs + os.pathsep + os.environ["PATH"])
    config = load_config()
    config.CourseDirectory.root = str(tmp_path)
    config.CourseDirectory.source_directory = str(ROOT / "solutions")
    config.CourseDirectory.release_directory = "stages"
    steps = config.Autograde.autograde_preprocessors
    config.Autograde.autograde_preprocessors = [step for step in steps if step is not Execute]
    mended = {}
    for broken in BROKEN:
        examined = examine(broken.content(ALL_RIGHT), RELEASED, broken.file_name)
        if examined.notebook is not None:
            mended[broken.name] = examined.notebook
            folder = tmp_path / "submitted" / broken.name / STAGE
            folder.mkdir(parents=True)
            nbformat.write(examined.notebook, folder / f"{STAGE}.ipynb")
    log = logging.Logger("preflight")
    log.addHandler(handler := Lines())
    for converter in (GenerateAssignment, Autograde):
        course = CourseDirectory(config=config, assignment_id=STAGE)
        converter(coursedir=course, config=config, parent=None, log=log).start()
    assert handler.lines == []
    for name, before in mended.items():
        folder = tmp_path / "autograded" / name / STAGE
        notebook = nbformat.read(folder / f"{STAGE}.ipynb", as_version=4)
        assert [(c.cell_type, c.source, c.id, c.metadata) for c in notebook.cells] == [
            (c.cell_type, c.source, c.id, c.metadata) for c in before.cells
        ], name
        kept = folder / "workspace" / RECORD_FILE
        assert (kept.read_text() if kept.exists() else "") in (RECORD, ""), name
        assert kept.exists() == (name not in WITHOUT_RECORD), name


# --- Anything ------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=9), parts),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["id", "nbgrader", "grade_id", "metadata", "cell_type", "source", "outputs", "input", "cells"]
)
CHANGES = st.sampled_from(
    ["delete", "copy", "move", "retitle", "empty", "strip", "corrupt", "plant", "number", "kind"]
)


def mangle(notebook: dict, change: str, data: st.DataObject) -> None:
    """Do to a notebook what careless hands and programs do."""
    cells = notebook["cells"]

    def one() -> dict:
        return cells[data.draw(st.integers(0, len(cells) - 1))]

    if change == "delete":
        cells.remove(one())
    elif change == "copy":
        cells.insert(data.draw(st.integers(0, len(cells))), copy.deepcopy(one()))
    elif change == "move":
        mine = one()
        cells.remove(mine)
        cells.insert(data.draw(st.integers(0, len(cells))), mine)
    elif change == "retitle":
        mine = one()
        title = data.draw(st.sampled_from(["", "# answer: find_wrong\n", "# mine\n", "%%time\n"]))
        mine["source"] = title + str(mine.get("source")).partition("\n")[2]
    elif change == "empty":
        one()["source"] = ""
    elif change == "strip":
        if mine := one():
            del mine[data.draw(st.sampled_from(sorted(mine)))]
        mine.setdefault("source", "")
    elif change == "corrupt":
        one()["metadata"] = {data.draw(KEYS): data.draw(JSON)}
    elif change == "kind":
        one()["cell_type"] = data.draw(st.sampled_from(["code", "markdown", "raw", "sql", None]))
    elif change == "number":
        key = data.draw(st.sampled_from(["nbformat", "nbformat_minor"]))
        notebook[key] = data.draw(st.integers(-1, 9) | JSON)
    else:
        plant(notebook, data)


def plant(notebook: dict, data: st.DataObject) -> None:
    """Put anything anywhere into the tree of a notebook."""
    place = notebook
    for _ in range(data.draw(st.integers(1, 4))):
        inner = list(place.values()) if isinstance(place, dict) else place
        inner = [part for part in inner if isinstance(part, dict | list) and part]
        if inner:
            place = inner[data.draw(st.integers(0, len(inner) - 1))]
    if isinstance(place, list):
        place.insert(data.draw(st.integers(0, len(place))), data.draw(JSON))
    else:
        place[data.draw(KEYS | st.sampled_from(sorted(place)))] = data.draw(JSON)
    if not isinstance(notebook.get("cells"), list) or not notebook["cells"]:
        notebook["cells"] = [{"cell_type": "code", "source": "1"}]
    notebook["cells"] = [
        one if isinstance(one, dict) else {"cell_type": "code", "source": one}
        for one in notebook["cells"]
    ]


def lines_of(notebook: dict) -> set[str]:
    """The lines of the right answers that stand in the code cells of a notebook."""
    answers = {line for code in RIGHT.values() for line in code.splitlines()}
    found = set()
    for one in notebook["cells"]:
        source = one.get("source")
        if isinstance(source, str) and one.get("cell_type") == "code":
            found |= answers & set(source.splitlines())
    return found


hurry = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


@hurry
@given(st.lists(CHANGES, min_size=1, max_size=12), st.data())
def test_mangled_in_any_way(changes, data):
    notebook = json.loads(file_of(ALL_RIGHT))
    for change in changes:
        if notebook["cells"]:
            mangle(notebook, change, data)
    examined = examine(file_of(notebook, ensure_ascii=True), RELEASED)
    judge(examined)
    if examined.notebook is not None:
        assert lines_of(notebook) <= lines_of(examined.notebook)


@hurry
@given(st.data())
def test_cut_and_flipped_anywhere(data):
    content = bytearray(file_of(ALL_RIGHT))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
        content[place] ^= data.draw(st.integers(1, 255))
    end = data.draw(st.none() | st.integers(0, len(content)))
    judge(examine(bytes(content[:end]), RELEASED))


@hurry
@given(st.binary(max_size=200), st.sampled_from([b"", b'{"cells": [', b"\xff\xfe", b"\0{"]))
def test_any_bytes(content, begin):
    judge(examine(begin + content, RELEASED))


@hurry
@given(JSON)
def test_any_json(value):
    judge(examine(json.dumps(value).encode(), RELEASED))
    judge(examine(json.dumps({"cells": value}).encode(), RELEASED))


def test_a_fault_of_ours_is_a_reason():
    examined = examine(file_of(ALL_RIGHT), None)
    assert examined.notebook is None
    assert WRAPPED in examined.reason
    assert "AttributeError" in examined.reason


def test_the_report_is_kept_word_for_word():
    for broken in BROKEN:
        if broken.name.startswith("saved_by") or "report_as" in broken.name:
            examined = examine(broken.content(ALL_RIGHT), RELEASED)
            assert cell(examined.notebook, "error_report").source == REPORT.strip()
