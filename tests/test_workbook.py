"""The front door: keeping work, the seal, the record, and a check that cannot fail loudly."""

import re
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from course_utils import data, record, workbook
from course_utils.workspace import BUNDLE, Workspace


@pytest.fixture
def at_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_DATA", "practice")
    monkeypatch.setattr(workbook._Session, "beginning", None)
    monkeypatch.setattr(workbook._Session, "workspace", None)
    return Workspace(tmp_path / "workspace", "practice")


def test_save_and_recall(at_work, capsys):
    workbook.save(guess="cat", guess_reason="I mix them up")
    assert "Kept in your workspace: guess, guess_reason." in capsys.readouterr().out
    assert workbook.recall("guess") == "cat"
    assert workbook.recall("score") is None


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ({"guess": ...}, "still blank: guess"),
        ({"findings": {"hardest_class": ...}}, "still blank: findings"),
        ({"piles": (..., ...)}, "still blank: piles"),
        ({"gues": "cat"}, "do not know 'gues'"),
        ({"score": {"top1": object()}}, "cannot be kept"),
        ({"model": "my model"}, "cannot be kept"),
    ],
)
def test_what_cannot_be_kept_is_said(at_work, capsys, items, words):
    workbook.save(**items)
    assert words in capsys.readouterr().out
    assert not list(at_work.folder.glob("*")) if at_work.folder.exists() else True


def test_numpy_values_can_be_kept(at_work):
    workbook.save(score={"top1": np.float32(0.5), "all": np.arange(3)})
    assert workbook.recall("score") == {"top1": 0.5, "all": [0, 1, 2]}


def test_every_opening_of_the_seal_is_noted(at_work, capsys):
    workbook.resume(6)
    x_test, y_test = workbook.open_seal()
    assert (x_test.shape, y_test.shape) == ((2000, 32, 32, 3), (2000, 10))
    assert "The seal is open" in capsys.readouterr().out
    workbook.open_seal()
    assert "opened before" in capsys.readouterr().out
    assert len(at_work.read("openings")) == 2


def test_seal_before_setup(at_work):
    with pytest.raises(RuntimeError, match="two cells at the top"):
        workbook.open_seal()


def test_one_file_carries_the_work_to_another_day(at_work, capsys, monkeypatch, tmp_path):
    workbook.save(guess="cat")
    workbook.download_work()
    (tmp_path / "later").mkdir()
    (tmp_path / BUNDLE).rename(tmp_path / "later" / BUNDLE)
    monkeypatch.chdir(tmp_path / "later")
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "later" / "new"))
    monkeypatch.setattr(workbook._Session, "workspace", None)
    assert workbook.recall("guess") is None
    workbook.upload_work()
    assert "Brought back: guess" in capsys.readouterr().out
    assert workbook.recall("guess") == "cat"


def test_upload_says_what_is_wrong(at_work, capsys, tmp_path):
    workbook.upload_work()
    assert "There is no file" in capsys.readouterr().out
    (tmp_path / "photo.jpg").write_bytes(b"no zip")
    workbook.upload_work("photo.jpg")
    assert "Choose the file" in capsys.readouterr().out


def test_on_colab_the_browser_is_asked(at_work, capsys, monkeypatch):
    """With a stand-in for Colab's own module: upload, download, and a cancelled upload."""
    downloads, uploads = [], [{}]
    files = SimpleNamespace(download=downloads.append, upload=lambda: uploads[0])
    colab = ModuleType("google.colab")
    colab.files = files
    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    workbook.save(guess="cat")
    workbook.download_work()
    assert downloads == [BUNDLE]
    workbook.upload_work()
    assert "Nothing has changed" in capsys.readouterr().out
    uploads[0] = {"my_workspace (1).zip": at_work.pack()}
    workbook.upload_work()
    assert "Brought back: guess" in capsys.readouterr().out


def test_check_before_setup_says_what_to_run(at_work, capsys):
    assert workbook.check("find_wrong") == 0.0
    assert "Run All Above" in capsys.readouterr().out


# --- The record, as grading reads it ---------------------------------------------------------


@pytest.fixture
def in_grading(at_work, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")

    def lay(text):
        at_work.folder.mkdir(exist_ok=True)
        (at_work.folder / workbook.RECORD_FILE).write_text(text)

    return lay


def own(seed=0):
    _, labels, _ = data.load_test("practice")
    answers = np.random.default_rng(seed).dirichlet(np.ones(10), len(labels))
    return answers, int((answers.argmax(axis=1) == labels).sum())


def test_own_answers_are_replayed(in_grading, capsys):
    answers, right = own()
    in_grading(record.write({"pictures": "practice", "predictions": answers, "right": right}))
    found = workbook.resume(7)
    assert "Model: your own" in capsys.readouterr().out
    predicted = found.model.predict(found.x_test[::-1])
    assert np.array_equal(predicted.argmax(axis=1), answers[::-1].argmax(axis=1))


def test_practice_pictures_are_graded_on_practice_pictures(in_grading, capsys, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "/no/such/folder")  # the teacher has photos
    in_grading(record.write({"pictures": "practice"}))
    assert len(workbook.resume(7).x_test) == 2000
    assert "practice pictures" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda items: items | {"right": items["right"] + 1}, "predictions are right, but"),
        (lambda items: {k: v for k, v in items.items() if k != "right"}, "None predictions"),
        (lambda items: items | {"predictions": items["predictions"][:99]}, "answers for 99"),
        (lambda items: items | {"history": {"loss": [1, 2], "accuracy": [1]}}, "gaps"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(in_grading, capsys, spoil, words):
    answers, right = own()
    items = {"pictures": "practice", "predictions": answers, "right": right}
    in_grading(record.write(spoil(items)))
    workbook.resume(7)
    said = capsys.readouterr().out
    assert re.search(f"Note to the teacher: .*{words}", said)
    assert "Model: the course's own" in said


def test_a_damaged_record_is_refused(in_grading, capsys):
    in_grading("course-record:1:0123456789abcdef:rubbish:end")
    workbook.resume(7)
    assert "Note to the teacher" in capsys.readouterr().out


def test_at_home_a_record_file_means_nothing(at_work, capsys):
    answers, right = own()
    at_work.folder.mkdir()
    (at_work.folder / workbook.RECORD_FILE).write_text(
        record.write({"pictures": "practice", "predictions": answers, "right": right})
    )
    workbook.resume(7)
    assert "Model: the course's own" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("version", "newer"),
    [("", False), ("{{ tag }}", False), ("v0.0.9", False), ("v0.1.0", False), ("v0.1.7", False)]
    + [("v0.2.0", True), ("v1.0.0", True), ("v10.0", True)],
)
def test_a_notebook_of_another_version(version, newer, capsys):
    """An older one works; for a newer one a sentence says what to do."""
    workbook.start(7, version=version)
    said = capsys.readouterr().out
    assert ("Get the new course_utils" in said) == newer
    assert "Stage 7 of 10 is ready" in said
