"""The tables of grades say everything once, and the platforms can take them in."""

import csv
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.submission import Graded
from autograder.tables import harmless, write_tables

SIX, SEVEN = "stage_06_open_the_sealed_test", "stage_07_find_its_mistakes"


def graded(student, stage=SEVEN, **more):
    given = {
        "name": student.title(),
        "points": {"find_wrong": 2.0, "show_three_wrong": 1.5},
        "possible": {"find_wrong": 2.0, "show_three_wrong": 3.0},
        "words": {
            "find_wrong": "2 of 2 points. I saw them all.",
            "show_three_wrong": "1.5 of 3 points. I saw two pictures, not three.\nTry next: ...",
        },
        "written": 1.0,
        "written_possible": 2.0,
    }
    return Graded(student, stage=stage, **(given | more))


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def rows_of(path):
    head, *rows = read(path)
    assert all(len(row) == len(head) for row in rows)
    return [dict(zip(head, row, strict=True)) for row in rows]


CLASS = [
    graded("ben", moodle="22", canvas="222", written=None, decide=["Look at his picture."]),
    graded("ada", moodle="11", canvas="111", mended=["A doubled cell was taken out."]),
    graded("cem", moodle="33", canvas="333", reason="this is Stage 6, not Stage 7", points={}),
    graded("dora", written=0, written_possible=0, possible={"find_wrong": 2.0}),
]


def test_the_teachers_table(tmp_path):
    paths = write_tables(CLASS, tmp_path / "new")
    assert [path.name for path in paths] == [
        "grades.csv",
        "grades_moodle.csv",
        "grades_canvas.csv",
    ]
    ada, ben, cem, dora = rows_of(paths[0])
    assert ada == {
        "student": "ada",
        "name": "Ada",
        "stage": SEVEN,
        "points": "4.5",
        "possible": "7",
        "automatic points": "3.5",
        "written points": "1",
        "status": "graded",
        "note": "show_three_wrong: 1.5 of 3 points. I saw two pictures, not three. Try next: ...; "
        "A doubled cell was taken out.",
    }
    assert (ben["points"], ben["written points"]) == ("3.5", "")
    assert ben["status"] == "waits for the teacher"
    assert ben["note"].endswith("Look at his picture.")
    assert (cem["points"], cem["automatic points"], cem["written points"]) == ("", "", "")
    assert (cem["status"], cem["note"]) == ("not graded", "this is Stage 6, not Stage 7")
    assert (dora["status"], dora["note"]) == ("graded", "")


def test_moodles_worksheet(tmp_path):
    _, moodle, _ = write_tables(CLASS, tmp_path)
    assert read(moodle)[0] == [
        "Identifier",
        "Full name",
        "Email address",
        "Status",
        "Grade",
        "Maximum Grade",
        "Grade can be changed",
        "Last modified (submission)",
        "Last modified (grade)",
        "Feedback comments",
    ]
    (ada,) = rows_of(moodle)  # the others have no grade, or no number
    assert ada["Identifier"] == "Participant 11"
    assert (ada["Grade"], ada["Maximum Grade"]) == ("4.5", "7")
    assert ada["Feedback comments"].startswith("show_three_wrong: 1.5 of 3 points.")
    assert "doubled" not in ada["Feedback comments"]  # that is for the teacher


def test_moodles_comments_are_html(tmp_path):
    one = graded("ada", moodle="1", words={"show_three_wrong": "I saw <class 'list'> & more."})
    (ada,) = rows_of(write_tables([one], tmp_path)[1])
    assert "I saw &lt;class 'list'&gt; &amp; more." in ada["Feedback comments"]


def test_canvass_gradebook(tmp_path):
    _, _, canvas = write_tables(CLASS, tmp_path)
    assert canvas.read_bytes().startswith(b"Student,")  # no byte order mark
    assert read(canvas) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", SEVEN],
        ["    Points Possible", "", "", "", "", "7"],
        ["Ada", "111", "", "", "", "4.5"],
        ["Dora", "", "", "", "", "3.5"],
    ]


def test_several_stages(tmp_path):
    both = [
        graded("ada", SIX, moodle="5", canvas="111", possible={"open_test": 5.0}),
        graded("ada", SEVEN, moodle="11"),
        graded("ben", SEVEN, moodle="22", canvas="222"),
    ]
    grades, six, seven, canvas = write_tables(both, tmp_path)
    assert [row["stage"] for row in rows_of(grades)] == [SIX, SEVEN, SEVEN]
    assert (six.name, seven.name) == (f"grades_moodle_{SIX}.csv", f"grades_moodle_{SEVEN}.csv")
    assert [row["Identifier"] for row in rows_of(six)] == ["Participant 5"]
    assert [row["Identifier"] for row in rows_of(seven)] == ["Participant 11", "Participant 22"]
    assert read(canvas)[1:] == [
        ["    Points Possible", "", "", "", "", "7", "7"],
        ["Ada", "111", "", "", "", "4.5", "4.5"],
        ["Ben", "222", "", "", "", "", "4.5"],
    ]


def test_nobody_at_all(tmp_path):
    assert [len(read(path)) for path in write_tables([], tmp_path)] == [1, 1, 2]


def test_points_are_rounded_as_people_do(tmp_path):
    write_tables([graded("ada", points={"a": 0.1, "b": 0.2}, written=1 / 3)], tmp_path)
    (ada,) = rows_of(tmp_path / "grades.csv")
    assert (ada["automatic points"], ada["written points"], ada["points"]) == (
        "0.3",
        "0.33",
        "0.63",
    )


@pytest.mark.parametrize("first", "=+-@")
def test_a_name_that_is_a_formula_is_harmless_in_every_file(tmp_path, first):
    name = first + 'HYPERLINK("http://x","Ada, click")'
    bad = graded("ada", name=name, moodle="1", canvas="1", decide=[f"\t{name}"], reason="")
    bad.words["show_three_wrong"] = "I saw <b>."
    for path in write_tables([bad], tmp_path):
        cells = [cell for row in read(path)[1:] for cell in row]
        assert f"'{name}" in cells
        assert not any(cell.startswith(tuple("=+@\t\r")) for cell in cells)
        assert {cell for cell in cells if cell.startswith("-")} <= {"-"}


@given(st.text())
def test_a_text_is_one_line_and_never_a_formula(text):
    safe = harmless(text)
    safe.encode()  # or it could not be written
    assert "\n" not in safe and "\r" not in safe
    assert not safe.startswith(tuple("=+-@\t \uff1d"))
    assert harmless(safe) == safe


def test_all_scripts_come_through(tmp_path):
    names = ["Zoë", "李雷", "नेहा", 'O"Hara, Ada; Dr.']
    write_tables([graded(f"s{n}", name=name) for n, name in enumerate(names)], tmp_path)
    assert [row["name"] for row in rows_of(tmp_path / "grades.csv")] == names
    assert (tmp_path / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbf")  # for Excel


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    write_tables(CLASS, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def refuse(*_):
        raise PermissionError(13, "open in another program")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        write_tables(CLASS[:1], tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
