"""Points from a run, without any kernel: what is believed, and what is asked back."""

from __future__ import annotations

import nbformat
import numpy as np
import pytest

from autograder import ROOT, judging
from autograder.runner import CellRun, Run
from autograder.samples import CHECKS, STAGE
from course_utils import data, models, record, wire
from course_utils.checks.values import accuracy_by_class
from course_utils.evidence import Reference


@pytest.fixture(scope="module", autouse=True)
def practice():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", "practice")
        judging._known.cache_clear()
        yield
        judging._known.cache_clear()


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(ROOT / "stages" / STAGE / f"{STAGE}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def values(practice):
    """The right values of Stage 7."""
    x, y, kind = data.load_test()
    answers = models.checkpoint_answers(kind, x).astype(np.float32)
    predicted = answers.argmax(axis=1)
    shares = accuracy_by_class(Reference(answers, y, data.CLASS_NAMES))
    return {
        "test_predictions": answers,
        "predicted_labels": predicted,
        "true_labels": y,
        "wrong_indexes": np.flatnonzero(predicted != y),
        "per_class_accuracy": dict(zip(data.CLASS_NAMES, shares.tolist(), strict=True)),
        "hardest_class": data.CLASS_NAMES[int(shares.argmin())],
    }


def a_run(notebook, handed: str | None, ended: str = "") -> Run:
    """Each check cell hands out the same; nothing is displayed."""
    cells = [
        CellRun(cell.id, handed=handed if cell.source.startswith("# check:") else None)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    return Run(cells, ended)


def handed(values, **more) -> str:
    return wire.write({"values": values, "saved": [], "kept": {}, "openings": None} | more)


def points(judged) -> tuple[float, ...]:
    return tuple(judged.points[check] for check in CHECKS)


def test_values_count_and_what_was_not_shown_does_not(notebook, values):
    judged = judging.judge(notebook, a_run(notebook, handed(values)), 7, "")
    assert points(judged) == (1, 1, 0, 3, 2)
    assert sum(judged.possible.values()) == 10
    assert judged.hardest == values["hardest_class"]
    assert judged.pictures == "practice"
    assert judged.doubts == []


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{}",
        "[" * 10_000,
        '{"dict": [["values", 1]]}',
        '{"dict": [["values", {"dict": []}], ["saved", 3], ["kept", 3], ["openings", 3]]}',
        '{"array": ["<f8", [999999999999], ""]}',
        '{"Cell": {"key": "x", "points": 3}}',
    ],
)
def test_evidence_that_is_none_gives_no_points_and_a_sentence(notebook, text):
    judged = judging.judge(notebook, a_run(notebook, text), 7, "")
    assert points(judged) == (0, 0, 0, 0, 0)
    assert all("0 of" in words and "Try next" in words for words in judged.words.values())


def test_a_notebook_that_ended_keeps_what_came_before(notebook, values):
    run = a_run(notebook, handed(values), "the notebook used more than 3.0 GB of memory")
    place = next(i for i, cell in enumerate(run.cells) if cell.key == "stage07-step3-answer")
    judged = judging.judge(notebook, Run(run.cells[:place], run.ended), 7, "")
    assert points(judged) == (1, 1, 0, 0, 0)
    assert "3.0 GB of memory" in judged.words["show_three_wrong"]


def test_what_is_kept_does_not_replace_what_the_grader_knows(notebook, values):
    """A kernel may say that it kept other predictions; the model's are those of the record."""
    fake = np.roll(values["test_predictions"], 1, axis=1)
    changed = values | {"test_predictions": fake, "predicted_labels": fake.argmax(axis=1)}
    text = handed(changed, kept={"predictions": fake, "history": {}, "answers at hand": fake})
    judged = judging.judge(notebook, a_run(notebook, text), 7, "")
    assert judged.points["predict_labels"] == 0


def a_record(share: float, history: dict | None = None, **more) -> str:
    """The record of a model of one's own that is right in this share."""
    _, y, kind = data.load_test()
    rng = np.random.default_rng(5)
    predicted = np.where(rng.random(len(y)) < share, y, (y + 1) % 10)
    answers = np.full((len(y), 10), 0.02)
    answers[np.arange(len(y)), predicted] = 0.82
    items = {"pictures": kind, "predictions": answers, "right": int((predicted == y).sum())}
    return record.write(items | ({"history": history} if history else {}) | more)


def test_a_record_that_does_not_fit_together_is_a_question(notebook, values):
    def asked(text: str) -> str:
        return " ".join(judging.judge(notebook, a_run(notebook, None), 7, text).doubts)

    plausible = {"accuracy": [0.5, 0.8], "val_accuracy": [0.5, 0.78]}
    assert asked(a_record(0.8, plausible)) == ""
    assert "Are both from the same training?" in asked(a_record(0.95, plausible))
    assert "How was it trained?" in asked(a_record(1.0))
    assert "refused" in asked(a_record(0.8, right=3))


def test_the_same_training_has_the_same_fingerprint():
    one = a_record(0.8)
    assert judging.own_model(one) == judging.own_model(a_record(0.8, guess="cat")) != ""
    assert judging.own_model(one) != judging.own_model(a_record(0.7))
    assert judging.own_model(record.write({"pictures": "practice", "guess": "cat"})) == ""
    assert judging.own_model("course-record:9:xx:end") == ""
