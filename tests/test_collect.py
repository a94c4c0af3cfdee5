"""Whatever a platform hands out, each student ends with a notebook or with a reason."""

import io
import json
import os
import random
import tracemalloc
import zipfile
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import ROOT, opening
from autograder.collect import collect, grade_ids, stage_of, student_id

RELEASED = grade_ids(ROOT / "stages")
SIX, SEVEN, ELEVEN = (
    "stage_06_open_the_sealed_test",
    *[name for name in RELEASED if name.startswith(("stage_07", "stage_11"))],
)


def released(stage):
    return (ROOT / "stages" / stage / f"{stage}.ipynb").read_bytes()


def work(who="", stage=SEVEN):
    """A stage's notebook with something of the student's in it."""
    notebook = json.loads(released(stage))
    notebook["cells"][-1]["source"] = [f"# by {who}"]
    return json.dumps(notebook).encode()


def put(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def packed(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def found(folder, *stages):
    return collect(folder, stages or [SEVEN])


def only(folder, *stages):
    """The one thing that was handed in, with its stage."""
    ((stage, one),) = [(s, one) for s, several in found(folder, *stages).items() for one in several]
    return stage, one


def students(folder):
    return {one.student: one.content for one in found(folder)[SEVEN]}


def one_of(folder):
    stage, one = only(folder)
    assert stage == SEVEN
    assert not one.reason and one.content
    return one


# --- How the platforms name things -------------------------------------------------------

TITLE = "stage_07_find_its_mistakes"


def test_nbgraders_own_layout(tmp_path):
    put(
        tmp_path,
        {
            f"ada/{SEVEN}/{SEVEN}.ipynb": work("ada"),
            f"ada/{SEVEN}/timestamp.txt": b"2026-11-01 10:00:00 UTC",
            f"ben_2/{SEVEN}/{SEVEN}.ipynb": work("ben"),
            f"ben_2/{SIX}/{SIX}.ipynb": work("ben", SIX),
        },
    )
    assert students(tmp_path) == {"ada": work("ada"), "ben_2": work("ben")}
    both = found(tmp_path, SIX, SEVEN)
    assert [one.student for one in both[SIX]] == ["ben_2"]
    assert [one.name for one in both[SEVEN]] == ["ada", "ben_2"]


@pytest.mark.parametrize("around", ["", "Class 7b/", "submitted/", "Stage 7/"])
def test_a_folder_for_each_student_with_any_names_of_files(tmp_path, around):
    put(
        tmp_path,
        {
            f"{around}Ada Lovelace/my homework.ipynb": work("ada"),
            f"{around}Ben/sub/folder/{TITLE} final.ipynb": work("ben"),
            f"{around}Zoë/Untitled7.ipynb": work("zoë"),
            f"{around}01/notebook.ipynb": work("01"),
        },
    )
    expected = {"01": "01", "Ada_Lovelace": "ada", "Ben": "ben", "Zoë": "zoë"}
    assert students(tmp_path) == {name: work(who) for name, who in expected.items()}


def test_a_class_with_only_one_student(tmp_path):
    put(tmp_path, {f"Ada Lovelace/{TITLE}.ipynb": work()})
    assert one_of(tmp_path).student == "Ada_Lovelace"


@pytest.mark.parametrize(
    ("path", "name", "moodle"),
    [
        (f"Ada Lovelace_12345_assignsubmission_file_/{TITLE}.ipynb", "Ada Lovelace", "12345"),
        (f"Ada Lovelace_12345_assignsubmission_file/{TITLE}.ipynb", "Ada Lovelace", "12345"),
        ("Ada Lovelace_12345_assignsubmission_file_/mine/x.ipynb", "Ada Lovelace", "12345"),
        (f"Ada Lovelace_12345_assignsubmission_file_{TITLE}.ipynb", "Ada Lovelace", "12345"),
        (f"Participant_12345_assignsubmission_file_/{TITLE}.ipynb", "Participant 12345", "12345"),
        (f"Participant 12345_assignsubmission_file_{TITLE}.ipynb", "Participant 12345", "12345"),
        ("CS-Stage 7-99/Zoë O'Hara_7_assignsubmission_file_/a.ipynb", "Zoë O'Hara", "7"),
    ],
)
def test_moodle(tmp_path, path, name, moodle):
    one = one_of(put(tmp_path, {path: work()}))
    assert (one.name, one.moodle, one.canvas) == (name, moodle, "")
    assert one.student == student_id(name)
    assert one.origin == path


def test_moodles_folders_for_online_text_are_no_students_of_their_own(tmp_path):
    name = "Ada Lovelace_12345_assignsubmission"
    put(
        tmp_path,
        {
            f"{name}_file_/{TITLE}.ipynb": work(),
            f"{name}_onlinetext_/onlinetext.html": b"<p>Hello</p>",
        },
    )
    assert one_of(tmp_path).decide == ()


@pytest.mark.parametrize(
    ("path", "name", "canvas"),
    [
        (f"lovelaceada_12345_67890_{TITLE}.ipynb", "lovelaceada", "12345"),
        (f"lovelaceada_LATE_12345_67890_{TITLE}.ipynb", "lovelaceada", "12345"),
        (f"lovelaceada_12345_67890_{TITLE}-1.ipynb", "lovelaceada", "12345"),
        ("lovelaceada_12345_67890_Copy of homework.ipynb", "lovelaceada", "12345"),
        (f"lovelaceada_12345_67890_work.zip/{TITLE}.ipynb", "lovelaceada", "12345"),
        (f"submissions/dündarzoë_1_2_{TITLE}.ipynb", "dündarzoë", "1"),
        (f"LATE_anon_x7Kp2_67890_{TITLE}.ipynb", "anon_x7Kp2", ""),
    ],
)
def test_canvas(tmp_path, path, name, canvas):
    folder, _, inside = path.rpartition("/")
    if folder.endswith(".zip"):
        put(tmp_path, {folder: packed({inside: work()})})
    else:
        put(tmp_path, {path: work()})
    one = one_of(tmp_path)
    assert (one.name, one.canvas, one.moodle) == (name, canvas, "")


@pytest.mark.parametrize(
    "path",
    [
        f"Copy of {TITLE} - Ada Lovelace.ipynb",
        f"{TITLE} - Ada Lovelace.ipynb",
        f"Ada Lovelace - {TITLE}.ipynb",
        f"Ada Lovelace - Copy of {TITLE}.ipynb",
        f"Stage 7/Ada Lovelace - Copy of Copy of {TITLE} (1).ipynb",
        f"Ada Lovelace/Copy of {TITLE}.ipynb",
        f"Ada Lovelace/Kopie von {TITLE}.ipynb",
        f"Ada Lovelace/{TITLE} (1).ipynb",
        f"Ada Lovelace/{TITLE}-Copy1.ipynb",
        "Ada Lovelace - Stage 7.ipynb",
        "Ada_Lovelace_stage07_final_v2.ipynb",
    ],
)
def test_google_and_files_that_were_copied(tmp_path, path):
    one = one_of(put(tmp_path, {path: work()}))
    assert (one.name, one.student) == ("Ada Lovelace", "Ada_Lovelace")


def test_what_google_drive_packs_into_several_zip_files(tmp_path):
    names = ["Ada", "Ben", "Cem"]
    for number, some in enumerate((names[:2], names[2:]), 1):
        files = {f"Period 3/{name} - {TITLE}.ipynb": work(name) for name in some}
        put(tmp_path, {f"Period 3-20261101T100000Z-00{number}.zip": packed(files)})
    assert students(tmp_path) == {name: work(name) for name in names}


def test_a_surname_with_a_number(tmp_path):
    one = one_of(put(tmp_path, {f"lovelace_12345_Copy of {TITLE}.ipynb": work()}))
    assert (one.student, one.moodle, one.canvas) == ("lovelace", "", "")


def test_blackboard(tmp_path):
    name = "Assignment_adal_attempt_2026-11-0{}-10-00-00"
    put(
        tmp_path,
        {
            name.format(2) + f"_{TITLE}.ipynb": work("new"),
            name.format(1) + f"_{TITLE}.ipynb": work("old"),
            name.format(2) + ".txt": b"Name: Ada Lovelace (adal)",
        },
    )
    one = one_of(tmp_path)
    assert one.student == "adal"
    assert one.content == work("new")  # by the time in its name: it was written first here


def test_loose_files_without_a_name_ask_for_one(tmp_path):
    put(tmp_path, {"homework.ipynb": work("a"), "homework (1).ipynb": work("b")})
    first, second = found(tmp_path)[SEVEN]
    assert first.student.startswith("unknown_") and len(first.student) == len("unknown_") + 8
    assert first.student != second.student
    assert "Put the student's name before" in first.decide[0]


def test_two_classes_in_one_folder_stay_apart(tmp_path):
    paths = ["7a/Ada/x.ipynb", "7a/Ben/x.ipynb", "7b/Ada/x.ipynb", "7b/Cem/x.ipynb"]
    put(tmp_path, {path: work(path) for path in paths})
    assert students(tmp_path) == {
        "7a_Ada": work(paths[0]),
        "7a_Ben": work(paths[1]),
        "7b_Ada": work(paths[2]),
        "7b_Cem": work(paths[3]),
    }


def test_two_classes_with_names_in_the_files_stay_apart(tmp_path):
    paths = [f"{group}/{name} - {TITLE}.ipynb" for group in ("7a", "7b") for name in ("Ada", "Ben")]
    put(tmp_path, {path: work(path) for path in paths})
    assert list(students(tmp_path)) == ["7a_Ada", "7a_Ben", "7b_Ada", "7b_Ben"]


# --- Zip files ---------------------------------------------------------------------------


def test_one_zip_file_for_the_class(tmp_path):
    files = {f"Class/{name}/{TITLE}.ipynb": work(name) for name in ("ada", "ben")}
    put(tmp_path, {"download.zip": packed(files)})
    assert students(tmp_path) == {"ada": work("ada"), "ben": work("ben")}
    assert found(tmp_path)[SEVEN][0].origin == f"download.zip/Class/ada/{TITLE}.ipynb"
    assert [path.name for path in tmp_path.iterdir()] == ["download.zip"]  # nothing unpacked


def test_a_zip_file_and_its_unpacked_folder_count_once(tmp_path):
    files = {f"{name}/{TITLE}.ipynb": work(name) for name in ("ada", "ben")}
    files |= {"ada/notes.pdf": b"%PDF", "ben/notes.pdf": b"%PDF"}
    put(tmp_path, {"class.zip": packed(files), **files})
    assert students(tmp_path) == {"ada": work("ada"), "ben": work("ben")}


def test_a_zip_file_for_each_student_and_zips_in_folders_and_zips(tmp_path):
    put(
        tmp_path,
        {
            "ada.zip": packed({f"{TITLE}.ipynb": work("ada")}),
            "ben/homework.zip": packed({f"deep/{TITLE}.ipynb": work("ben")}),
            "cem.zip": packed({"homework.zip": packed({f"{TITLE}.ipynb": work("cem")})}),
            "dora.zip": packed({"a.zip": packed({"b.zip": packed({"x.ipynb": work("dora")})})}),
        },
    )
    ada, ben, cem, dora = found(tmp_path)[SEVEN]
    assert [one.content for one in (ada, ben, cem)] == [work("ada"), work("ben"), work("cem")]
    assert dora.reason == "no notebook was handed in; found: b.zip"


# As macOS writes it, and as Windows did for long.
@pytest.mark.parametrize("raw", ["Zoë Lévy".encode(), b"Zo\x89 L\x82vy"])
def test_names_in_zip_files_that_are_not_utf_8(tmp_path, raw):
    place = "N" * len(raw)
    content = packed({f"{place}_12_assignsubmission_file_/x.ipynb": work()})
    put(tmp_path, {"class.zip": content.replace(place.encode(), raw)})
    assert one_of(tmp_path).name == "Zoë Lévy"


@pytest.mark.parametrize("name", ["../../ada/x.ipynb", "/ada/x.ipynb", "C:\\ada\\..\\x.ipynb"])
def test_paths_that_lead_out_of_a_zip_file_lead_nowhere(tmp_path, name):
    put(tmp_path / "in", {"class.zip": packed({name: work("a"), "ben/x.ipynb": work("b")})})
    assert students(tmp_path / "in") == {"ada": work("a"), "ben": work("b")}
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert ".." not in found(tmp_path / "in")[SEVEN][0].origin


def test_a_locked_zip_file_is_a_reason(tmp_path):
    content = bytearray(packed({"x.ipynb": work()}))
    content[6] |= 1  # what a locked file has in its two headers
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    put(tmp_path, {"ada.zip": bytes(content), "ben/x.ipynb": work()})
    ada, ben = found(tmp_path)[SEVEN]
    assert (ada.student, ada.content) == ("ada", b"")
    assert ada.reason == "ada.zip is locked with a password; put its unpacked files here"
    assert not ben.reason


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_zip_file_is_a_reason_or_a_notebook(tmp_path, seed):
    rng = random.Random(seed)
    content = bytearray(
        packed({"ada/x.ipynb": work("a"), "ada/y.zip": packed({"z.ipynb": work()})})
    )
    if seed % 4 == 0:
        content = content[: rng.randrange(len(content))]
    else:
        tail = 400 if seed % 4 == 1 else len(content)  # the table of contents, or anywhere
        for _ in range(rng.randrange(1, 20)):
            content[-rng.randrange(1, tail)] = rng.randrange(256)
    put(tmp_path, {"ada.zip": bytes(content)})
    for one in [one for several in found(tmp_path).values() for one in several]:
        assert one.reason or one.content


def test_one_damaged_member_does_not_take_the_others_with_it(tmp_path):
    content = packed({"ada/x.ipynb": work("a" * 50), "ben/x.ipynb": work("b")})
    place = content.index(b"ada/x.ipynb") + 300
    content = content[:place] + bytes(40) + content[place + 40 :]
    put(tmp_path, {"class.zip": content})
    ada, ben = found(tmp_path)[SEVEN]
    assert ada.reason == "x.ipynb is damaged; ask for it again"
    assert ben.content == work("b")


def test_zip_bombs_are_not_unpacked(tmp_path, monkeypatch):
    zeros = packed({"x.ipynb": bytes(30_000_000)})
    assert len(zeros) < 100_000
    put(tmp_path, {"ada.zip": zeros, "ben.zip": packed({"x.ipynb": work("ben")})})
    monkeypatch.setattr(opening.zipfile.ZipFile, "open", _open_only_small(zipfile.ZipFile.open))
    ada, ben = found(tmp_path)[SEVEN]
    assert "grows to 30 MB" in ada.reason
    assert ben.content


def _open_only_small(really):
    def open_member(archive, member, *rest, **more):
        assert member.file_size < 1_000_000
        return really(archive, member, *rest, **more)

    return open_member


def test_a_member_that_lies_about_its_size_gives_no_more_than_it_says(tmp_path):
    content = packed({"x.ipynb": b" " * 30_000_000})
    real = (30_000_000).to_bytes(4, "little")
    assert content.count(real) == 2
    put(tmp_path, {"ada.zip": content.replace(real, (1000).to_bytes(4, "little"))})
    tracemalloc.start()
    reason = only(tmp_path)[1].reason
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reason == "x.ipynb is damaged; ask for it again"
    assert peak < 10_000_000


def test_a_zip_file_may_hold_only_so_much(tmp_path, monkeypatch):
    size = len(work("ada"))
    files = {f"{name}/x.ipynb": work(name) for name in ("ada", "ben", "cem")}
    put(tmp_path, {"class.zip": packed(files)})
    monkeypatch.setattr(opening, "MOST_IN_ZIP", size * 2 + 10)
    reasons = [one.reason for one in found(tmp_path)[SEVEN]]
    assert reasons[:2] == ["", ""] and "is too large" in reasons[2]
    monkeypatch.setattr(opening, "MOST_FILES", 2)
    assert "too many files" in only(tmp_path)[1].reason


# --- What is no notebook -----------------------------------------------------------------


def test_junk_is_ignored(tmp_path):
    good = {"ada/x.ipynb": work("ada"), "ben/x.ipynb": work("ben")}
    junk = [
        "__MACOSX/ada/._x.ipynb",
        "ada/._x.ipynb",
        "ada/.ipynb_checkpoints/x-checkpoint.ipynb",
        ".DS_Store",
        "ada/workspace/old.ipynb",
        "ada/report.html",
        "ada/table.csv",
        "chart.png",
        f"grades_{SEVEN}.csv",
        "ben/.git/objects/x.ipynb",
    ]
    put(tmp_path / "a", good | dict.fromkeys(junk, work("junk")))
    put(tmp_path / "b", {"class.zip": packed(good | dict.fromkeys(junk, work("junk")))})
    for folder in (tmp_path / "a", tmp_path / "b"):
        assert students(folder) == {"ada": work("ada"), "ben": work("ben")}
        assert all(one.decide == () for one in found(folder)[SEVEN])


def test_a_student_without_a_notebook_is_not_lost(tmp_path):
    put(
        tmp_path,
        {
            "ada/x.ipynb": work(),
            "ben/report.pdf": b"%PDF",
            "cem/a.docx": b"PK",
            "cem/b.png": b"PNG",
            "Eve_9_assignsubmission_onlinetext_/onlinetext.html": b"<p>",
            f"Finn - {TITLE}.pdf": b"%PDF",
        },
    )
    (tmp_path / "dora").mkdir()
    reasons = {one.student: one.reason for one in found(tmp_path)[SEVEN] if one.reason}
    assert reasons == {
        "Eve": "no notebook was handed in; found: onlinetext.html",
        "Finn": f"no notebook was handed in; found: Finn - {TITLE}.pdf",
        "ben": "no notebook was handed in; found: report.pdf",
        "cem": "no notebook was handed in; found: a.docx, b.png",
        "dora": "no notebook was handed in; found: nothing",
    }


@pytest.mark.parametrize("ending", [".ipynb.txt", ".json", ".IPYNB", "", ".ipynb.download"])
def test_a_notebook_with_another_ending(tmp_path, ending):
    put(tmp_path, {f"ada/homework{ending}": work(), "ada/data.json": b"[1]", "ada/a.txt": b"{no"})
    assert one_of(tmp_path).content == work()


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_links_are_not_followed(tmp_path):
    secret = put(tmp_path / "elsewhere", {"x.ipynb": work("secret")})
    folder = put(tmp_path / "in", {"ada/x.ipynb": work("ada"), "ben/a.txt": b""})
    (folder / "ben" / "x.ipynb").symlink_to(secret / "x.ipynb")
    (folder / "cem").symlink_to(secret)
    (folder / "ada" / "round").symlink_to(folder)
    ada, ben, cem = found(folder)[SEVEN]
    assert ada.content == work("ada")
    assert ben.reason == "x.ipynb is a link; put the file itself in its place"
    assert cem.reason == "cem is a link; put the file itself in its place"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_does_not_hold_everything_up(tmp_path):
    put(tmp_path, {"ada/y.ipynb": work()})
    os.mkfifo(tmp_path / "ada" / "x.ipynb")
    assert one_of(tmp_path).origin == "ada/y.ipynb"


def test_a_huge_file_is_not_read(tmp_path):
    put(tmp_path, {"ada/x.ipynb": b"{", "ben/x.ipynb": work()})
    os.truncate(tmp_path / "ada" / "x.ipynb", 201_000_000)  # takes no room on the disk
    ada, ben = found(tmp_path)[SEVEN]
    assert ada.reason == (
        "x.ipynb is larger than 200 MB (it has 201); ask for it again with its outputs cleared"
    )
    assert (ada.content, ben.content) == (b"", work())


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        found(tmp_path / "nothing")
    assert found(tmp_path) == {SEVEN: []}


# --- Which stage -------------------------------------------------------------------------


@pytest.mark.parametrize("stage", RELEASED)
def test_every_stage_is_known_by_any_one_of_its_signs(stage):
    number = int(stage[6:8])
    whole = released(stage).decode()
    ids = sorted(RELEASED[stage] - {"setup", "resume"})
    title = json.loads(whole)["cells"][1]["source"][0]
    mark = next(name for name in ids if name.startswith("test_"))
    signs = [
        whole,
        f'{{"grade_id": "{mark}"',
        json.dumps(f"import course_utils as cu\n\ncu.start(stage={number})"),
        json.dumps([f"# check: {mark}\n", "import course_utils"]),
        json.dumps([f"# answer: {mark.removeprefix('test_')}\n"]),
        json.dumps([title]),
    ]
    for sign in signs:
        assert stage_of(sign.encode(), "Untitled.ipynb", RELEASED) == stage, sign[:80]
    for name in (f"Copy of {stage} (1).ipynb", f"Ada Stage {number}.ipynb", f"x_{stage[9:]}.ipynb"):
        assert stage_of(b"", name, RELEASED) == stage


def test_content_counts_before_the_name():
    assert stage_of(released(SIX), f"{SEVEN}.ipynb", RELEASED) == SIX
    mixed = json.loads(released(SEVEN))
    mixed["cells"] += json.loads(released(SIX))["cells"][:7]  # some cells of another stage
    assert stage_of(json.dumps(mixed).encode(), "x.ipynb", RELEASED) == SEVEN
    bare = json.loads(released(SEVEN))
    for cell in bare["cells"]:
        cell["metadata"] = {}
    assert stage_of(json.dumps(bare).encode(), f"{SIX}.ipynb", RELEASED) == SEVEN


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"{}", b"[" * 100_000, "é".encode("utf-16")])
def test_what_is_nothing_has_no_stage(content):
    assert stage_of(content, "homework.ipynb", RELEASED) is None
    assert stage_of(content, "stage_99_unheard_of.ipynb", RELEASED) is None


@settings(max_examples=60, deadline=None)
@given(st.floats(0.15, 1), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_a_stage_survives_cutting_off(share, encoding):
    content = released(SEVEN).decode().encode(encoding)
    assert stage_of(content[: int(len(content) * share)], "x", RELEASED) == SEVEN


@settings(max_examples=100, deadline=None)
@given(st.binary(), st.text())
def test_stage_of_never_raises(content, name):
    assert stage_of(content, name, RELEASED) in {None, *RELEASED}


def test_another_stage_is_a_reason_only_for_those_without_the_wanted_one(tmp_path):
    put(
        tmp_path,
        {
            f"ada/{SEVEN}.ipynb": work("ada", SIX),  # renamed
            f"ben/{SIX}.ipynb": work("ben", SIX),
            f"ben/{SEVEN}.ipynb": work("ben"),
            "cem/x.ipynb": work("cem", ELEVEN),
        },
    )
    result = found(tmp_path)
    assert [(one.student, one.reason) for one in result[SIX]] == [
        ("ada", "this is Stage 6, not Stage 7")
    ]
    assert [(one.student, one.reason) for one in result[SEVEN]] == [("ben", "")]
    assert result[ELEVEN][0].reason == "this is Stage 11, not Stage 7"
    assert [one.reason for one in found(tmp_path, *RELEASED)[SIX]] == ["", ""]


def test_a_notebook_of_no_stage(tmp_path):
    strange = json.dumps({"cells": [], "metadata": {}, "nbformat": 4}).encode()
    put(tmp_path, {"ada/x.ipynb": strange, "ben/x.ipynb": work(), "ben/scratch (3).ipynb": strange})
    ada, ben = found(tmp_path)[SEVEN]
    assert ada.reason == "it cannot be told which stage x.ipynb belongs to"
    assert ben.content == work()
    assert ben.decide == (
        "ben/scratch (3).ipynb was left aside: "
        "it cannot be told which stage scratch (3).ipynb belongs to.",
    )


def test_the_folder_says_the_stage_of_a_damaged_file(tmp_path):
    put(tmp_path, {"Stage 6/ada.ipynb": b"{", "Stage 7/ada.ipynb": work(), "Stage 7/b.ipynb": b"{"})
    both = found(tmp_path, SIX, SEVEN)
    assert [one.student for one in both[SIX]] == ["ada"]
    assert [one.student for one in both[SEVEN]] == ["ada", "b"]


# --- Which of several --------------------------------------------------------------------


def set_times(folder, *names):
    for time, name in enumerate(names, 1_700_000_000):
        os.utime(folder / name, (time, time))


def test_the_newest_of_several_counts_and_the_others_are_named(tmp_path):
    put(
        tmp_path,
        {
            "ada/stage_07 old.ipynb": work("1"),
            "ada/stage_07 new.ipynb": work("2"),
            "ben/stage_07.ipynb": work("1"),
            "ben/stage_07 (2).ipynb": work("3"),
            "ben/stage_07 (1).ipynb": work("2"),
            "lovelaceada_12_100_stage_07-1.ipynb": work("2"),
            "lovelaceada_12_101_stage_07.ipynb": work("1"),
        },
    )
    set_times(tmp_path, "ada/stage_07 new.ipynb", "ada/stage_07 old.ipynb")
    set_times(tmp_path, "ben/stage_07 (2).ipynb", "ben/stage_07 (1).ipynb", "ben/stage_07.ipynb")
    ada, ben, canvas = found(tmp_path)[SEVEN]
    assert ada.origin == "ada/stage_07 old.ipynb"  # whatever the words: it was changed last
    assert ada.decide == (
        "2 notebooks were handed in. ada/stage_07 old.ipynb is the newest and counts; "
        "not ada/stage_07 new.ipynb.",
    )
    assert ben.origin == "ben/stage_07 (2).ipynb"  # a number counts before the time
    assert "not ben/stage_07 (1).ipynb and not ben/stage_07.ipynb" in ben.decide[0]
    assert canvas.origin == "lovelaceada_12_100_stage_07-1.ipynb"


def test_the_same_notebook_twice_is_one(tmp_path):
    paths = ["ada/a.ipynb", "ada/b.ipynb", "ada/c/d.ipynb", "ben/a.ipynb"]
    put(tmp_path, {path: work() for path in paths})
    assert [(one.student, one.decide) for one in found(tmp_path)[SEVEN]] == [
        ("ada", ()),
        ("ben", ()),
    ]


def test_what_can_be_read_counts_before_what_cannot(tmp_path):
    put(
        tmp_path, {"ada/x.ipynb": work("ada"), "ada/y (1).zip": b"PK broken", "ben/x.ipynb": work()}
    )
    ada, _ = found(tmp_path)[SEVEN]
    assert ada.content == work("ada") and not ada.reason
    assert "y (1).zip was left aside: y (1).zip is damaged" in ada.decide[0]


# --- Ids ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada Lovelace", "Ada_Lovelace"),
        ("Lovelace, Ada", "Lovelace_Ada"),
        ("Zoe\u0308 O'Hara", "Zoë_O_Hara"),
        ("李 雷", "李_雷"),
        ("नेहा", "नेहा"),
        ("con", "con_"),
        ("LPT1", "LPT1_"),
        ("../../etc", "etc"),
        (" .hidden. ", "hidden"),
        ("a\u202eb\u0000c", "a_b_c"),
    ],
)
def test_ids_are_readable(name, expected):
    assert student_id(name) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_id_is_a_legal_name_of_a_folder(name):
    found = student_id(name)
    assert found == student_id(name)
    assert 0 < len(found) <= 60 and len(found.encode()) <= 255
    assert not set(found) & set('<>:"/\\|?*. \n\0')
    assert student_id(found).rstrip("_") == found.rstrip("_")


def test_long_names_with_the_same_beginning_have_ids_of_their_own():
    assert student_id("a" * 100) != student_id("a" * 101)
    assert student_id("?") != student_id("!")


def test_students_of_the_same_name_stay_apart(tmp_path):
    put(
        tmp_path,
        {
            "Ada Lovelace_100_assignsubmission_file_/x.ipynb": work("1"),
            "Ada Lovelace_200_assignsubmission_file_/x.ipynb": work("2"),
            "O'Hara/x.ipynb": work("3"),
            "O Hara/x.ipynb": work("4"),
            "ada lovelace/x.ipynb": work("5"),
            "Ben/x.ipynb": work("6"),
        },
    )
    several = students(tmp_path)
    assert several["Ada_Lovelace_100"] == work("1")
    assert several["Ada_Lovelace_200"] == work("2")
    assert several["Ben"] == work("6")
    assert len({name.casefold() for name in several}) == 6
    note = found(tmp_path)[SEVEN][0].decide[-1]
    assert note.startswith("More than one student is called Ada Lovelace.")
    (tmp_path / "Ada Lovelace_100_assignsubmission_file_" / "x.ipynb").unlink()
    assert several["Ada_Lovelace_200"] == students(tmp_path)["Ada_Lovelace_200"]


def test_nobody_can_put_work_under_anothers_name(tmp_path):
    planted = "x_ada_attempt_2099-01-01-00-00-00_stage_07.ipynb"
    put(
        tmp_path,
        {
            "ada/x.ipynb": work("ada"),
            "bob/x.ipynb": work("bob"),
            f"mallory/{planted}": work("planted"),
            "mallory/x.ipynb": work("mallory"),
            "eve/sub/ada_11_222_x.ipynb": work("eve"),
            "zoe/ada_123_assignsubmission_file_/x.ipynb": work("zoe"),
        },
    )
    set_times(tmp_path, f"mallory/{planted}", "mallory/x.ipynb")  # the newer one last
    whose = students(tmp_path)
    assert whose == {name: work(name) for name in ("ada", "bob", "mallory", "eve", "zoe")}


def test_several_names_of_a_platform_in_ones_folder_take_nobodys_place(tmp_path):
    several = {f"x_{name}_attempt_2026-01-01-00-00-00_y.ipynb": work("1") for name in "ab"}
    put(tmp_path, {"a/x.ipynb": work("a"), **{f"m/{k}": v for k, v in several.items()}})
    assert work("a") in students(tmp_path).values()


def test_an_attempt_of_the_future_is_not_the_newest(tmp_path):
    name = "Assignment_ada_attempt_{}-01-01-00-00-00_{}.ipynb"
    put(tmp_path, {name.format(2099, 1): work("1"), name.format(2026, 2): work("2")})
    os.utime(tmp_path / name.format(2099, 1), (1, 1))
    assert one_of(tmp_path).content == work("2")


def test_a_damaged_newer_notebook_takes_no_whole_ones_place(tmp_path):
    put(tmp_path, {"ada/x.ipynb": work("1"), "ada/x (1).ipynb": work("2")[:3000]})
    put(tmp_path, {"ada/x (2).ipynb": b""})
    ada = one_of(tmp_path)
    assert ada.content == work("1")
    assert any("x (1).ipynb is newer and damaged" in said for said in ada.decide)


def test_a_file_that_holds_work_of_others_is_pointed_out(tmp_path):
    others = {"Bob Ross_stage_07.ipynb": work("1"), "Eve Hill_stage_07.ipynb": work("2")}
    put(tmp_path, {"Ada Lovelace.zip": packed(others), "Cem/stage_07.ipynb": work("3")})
    notes = {one.name: one.decide for one in found(tmp_path)[SEVEN]}
    assert "lies in Ada Lovelace.zip, beside what other students handed in" in notes["Bob Ross"][0]
    assert notes["Cem"] == ()


def test_canvas_numbers_tell_namesakes_apart_in_different_stages(tmp_path):
    put(
        tmp_path,
        {
            "smithann_111_1000_x.ipynb": work("1", SIX),
            "smithann_222_1001_x.ipynb": work("2"),
        },
    )
    both = found(tmp_path, SIX, SEVEN)
    assert [one.student for one in both[SIX]] == ["smithann_111"]
    assert [one.student for one in both[SEVEN]] == ["smithann_222"]


def test_a_student_keeps_the_id_when_a_namesake_comes_later(tmp_path):
    def at(week, **numbers):
        folder = tmp_path / week
        for who, number in numbers.items():
            put(folder, {f"Ada Lovelace_{number}_assignsubmission_file_/x.ipynb": work(who)})
        now = collect(folder, [SEVEN], earlier=lambda _, student: known.get(student))[SEVEN]
        known.update({one.student: asdict(one) for one in now})
        return {one.student: one.moodle for one in now}

    known = {}
    assert at("1", first=100) == {"Ada_Lovelace": "100"}
    assert at("2", first=100, second=200) == {"Ada_Lovelace": "100", "Ada_Lovelace_200": "200"}
    assert at("3", second=200) == {"Ada_Lovelace_200": "200"}
    assert at("4", first=100) == {"Ada_Lovelace": "100"}
    # Moodle gives everyone another number where the work is handed in a second time.
    assert at("5", again=311) == {"Ada_Lovelace": "311"}
    assert "bears another number" in known["Ada_Lovelace"]["decide"][-1]


def test_a_student_without_a_number_keeps_the_id_too(tmp_path):
    first = {"Ada/x.ipynb": work("1"), "Ben/x.ipynb": work("2")}
    second = {"Cem/x.ipynb": work("3"), "Dora/x.ipynb": work("4")}
    put(tmp_path, {"7a.zip": packed(first), "7b.zip": packed(second)})
    known = {one.student: asdict(one) for one in found(tmp_path)[SEVEN]}
    assert sorted(known) == ["Ada", "Ben", "Cem", "Dora"]
    put(tmp_path, {"7b.zip": packed(second | {"Ada/x.ipynb": work("5")})})
    now = collect(tmp_path, [SEVEN], earlier=lambda _, student: known.get(student))[SEVEN]
    whose = {one.student: one.content for one in now}
    assert whose.pop("Ada") == work("1")
    assert sorted(whose.values()) == sorted(map(work, "2345"))


def test_moodles_numbers_differ_from_stage_to_stage_but_a_student_stays_the_same(tmp_path):
    put(
        tmp_path,
        {
            "Ada_100_assignsubmission_file_/x.ipynb": work("ada", SIX),
            "Ada_311_assignsubmission_file_/x.ipynb": work("ada"),
        },
    )
    both = found(tmp_path, SIX, SEVEN)
    assert [(one.student, one.moodle) for one in both[SIX]] == [("Ada", "100")]
    assert [(one.student, one.moodle) for one in both[SEVEN]] == [("Ada", "311")]
    assert only(tmp_path, SEVEN)[1].moodle == "311"


def test_the_order_of_files_on_the_disk_does_not_matter(tmp_path):
    names = [f"{letter}/stage_07{n}.ipynb" for letter in "zaäMb" for n in ("", " (1)", "-2")]
    results = []
    for seed in range(3):
        folder = tmp_path / str(seed)
        random.Random(seed).shuffle(names)
        put(folder, {name: work(name) for name in names})
        set_times(folder, *sorted(names))
        results.append(found(folder))
    assert results[0] == results[1] == results[2]
    assert [one.student for one in results[0][SEVEN]] == sorted("zaäMb")


FOLDERS = ["Ada", "Ben", "7a", "Stage 7", "homework", "Ada_1_assignsubmission_file_"]
NAMES = [
    "x.ipynb",
    "stage_07.ipynb",
    "Ada - stage_07 (1).ipynb",
    "z_1_2_x.ipynb",
    "a.pdf",
    "n.json",
]


@settings(max_examples=60, deadline=None)
@given(
    st.sets(
        st.tuples(st.lists(st.sampled_from(FOLDERS), max_size=3), st.sampled_from(NAMES)).map(
            lambda path: "/".join([*path[0], path[1]])
        ),
        max_size=8,
    )
)
def test_no_notebook_is_lost_wherever_it_lies(tmp_path_factory, paths):
    folder = tmp_path_factory.mktemp("any")
    put(folder, {path: work(path) for path in paths})
    handed_in = found(folder)[SEVEN]
    ids = [one.student.casefold() for one in handed_in]
    assert len(ids) == len(set(ids))
    told = " ".join(one.origin + " " + " ".join(one.decide) for one in handed_in)
    for path in paths:
        if not path.endswith(".pdf"):
            assert path in told
