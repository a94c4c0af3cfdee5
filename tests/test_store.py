"""What grading keeps: whole or absent, and the same key for the same result only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autograder.judging import Judged
from autograder.store import Result, Store, key_of, write
from autograder.submission import HandedIn

ADA = HandedIn("ada", "Ada L", "class.zip/ada.ipynb", b"content")


def a_result(**changes) -> Result:
    about = {"student": "ada", "name": "Ada L", "origin": "x", "moodle": "", "canvas": ""}
    judged = Judged({"find_wrong": 1.0}, {"find_wrong": 1.0}, {"find_wrong": "✔ 1 of 1"})
    return replace(Result("key", about, judged=judged), **changes)


def test_what_is_kept_comes_back(tmp_path):
    store = Store(tmp_path, "stage")
    assert (store.result("ada"), store.run("ada"), store.students()) == (None, b"", [])
    store.keep("ada", a_result(mended=["one"]), b"run")
    assert store.result("ada") == a_result(mended=["one"])
    assert store.run("ada") == b"run"
    assert store.students() == ["ada"]
    store.keep("ada", a_result(), b"")  # judged again, not run again
    assert store.run("ada") == b"run"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": 99}'])
def test_a_damaged_result_is_as_good_as_none(tmp_path, content):
    store = Store(tmp_path, "stage")
    write(store.folder / "ada.result.json", content)
    assert store.result("ada") is None


def test_an_interrupted_write_leaves_what_was_there(tmp_path, monkeypatch):
    write(tmp_path / "file", b"before")

    def no_power(*_):
        raise OSError("no power")

    monkeypatch.setattr("os.fsync", no_power)
    with pytest.raises(OSError, match="no power"):
        write(tmp_path / "file", b"after")
    assert (tmp_path / "file").read_bytes() == b"before"


def test_marks_belong_to_one_key(tmp_path):
    store = Store(tmp_path, "stage")
    store.mark("ada", "entered", "one")
    assert store.is_marked("ada", "entered", "one")
    assert not store.is_marked("ada", "entered", "two")
    assert not store.is_marked("ben", "entered", "one")


def test_the_key_tells_what_differs():
    keys = [
        key_of(ADA, "cifar10", "rules"),
        key_of(replace(ADA, content=b"other"), "cifar10", "rules"),
        key_of(ADA, "practice", "rules"),
        key_of(ADA, "cifar10", "other rules"),
        key_of(replace(ADA, reason="no notebook"), "cifar10", "rules"),
    ]
    assert len(set(keys)) == len(keys)
    assert key_of(replace(ADA, modified=9.0), "cifar10", "rules") == keys[0]
