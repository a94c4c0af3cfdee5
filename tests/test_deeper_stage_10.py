"""The check of Stage 10 that goes deeper, on a small case worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from course_utils.checks.stage_10 import DEEPER, NAMES
from course_utils.evidence import Evidence, Network, Reference, Table, Unreadable, plain
from course_utils.practice import CLASS_NAMES
from tests.anything import ANYTHING

# A hundred pictures, ten of each class. The model is 0.9 sure of the first 80 and 0.6 of the last
# 20. It takes 5 cats for dogs and 1 for a frog, 3 dogs for cats, and 4 trucks for ships.
LABELS = np.repeat(np.arange(10), 10)
PREDICTED = LABELS.copy()
PREDICTED[30:35], PREDICTED[35], PREDICTED[50:53], PREDICTED[90:94] = 5, 6, 3, 8
SURE = np.where(np.arange(100) < 80, 0.9, 0.6)
SCORES = np.tile(((1 - SURE) / 9)[:, None], (1, 10))
SCORES[np.arange(100), PREDICTED] = SURE
REFERENCE = Reference(SCORES, LABELS, CLASS_NAMES)
# 71 of 80 are right, and 16 of 20: gaps of 0.0125 and 0.2.
ECE, MCE = (0.8 * (0.9 - 71 / 80) + 0.2 * (0.8 - 0.6)), 0.2
RIGHT = {"report": Path("evaluation_report.html"), "ece": 0.05, "mix_ups": 5}

DONE = Unreadable, Network, Table  # plain data already


def judge(reference=REFERENCE, **changes):
    values = {
        name: value if isinstance(value, DONE) else plain(value)
        for name, value in (RIGHT | changes).items()
    }
    result = DEEPER["deeper_report"].judge(Evidence(10, [], values), reference)
    assert result.points in (0, 1)
    assert (result.points == 1) == (result.try_next == ""), result
    return result


def test_the_case_is_worked_out_right():
    assert pytest.approx(0.05) == ECE
    assert (LABELS != PREDICTED).sum() == 13


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ece": np.float32(0.0501)},
        {"ece": "0.05"},
        {"ece": "5.0 %"},
        {"ece": "5%"},
        {"ece": 5.0},  # read as percent
        {"ece": np.array([0.05]), "mix_ups": np.int64(5)},
        {"mix_ups": "5"},
        {"mix_ups": 5.0},
        {"report": "<!DOCTYPE html><html lang='en'><p>The ECE is 0.05</p></html>"},
    ],
)
def test_right_ways(changes):
    result = judge(**changes)
    assert result.points == 1, result
    assert "5.0 of 100" in result.saw
    assert "the true name is cat, and it says dog" in result.saw


WRONG = {
    "blank": (dict.fromkeys(RIGHT, ...), "Still to do: report, ece and mix_ups."),
    "report alone": ({"ece": ..., "mix_ups": ...}, "is written. Still to do: ece and mix_ups."),
    "no count": ({"mix_ups": ...}, "is written. Still to do: mix_ups."),
    "no brackets": ({"report": Unreadable("function")}, "Put brackets"),
    "name of a file": ({"report": "evaluation_report.html"}, "what analysis.report gives"),
    "another thing": ({"report": Unreadable("Card")}, "is a Card"),
    "mce": ({"ece": MCE}, "That is the MCE"),
    "accuracy": ({"ece": 0.87}, "That is the accuracy"),
    "mistakes": ({"ece": 0.13}, "share of wrong"),
    "sure": ({"ece": 0.84}, "how sure the model is on average"),
    "above 1": ({"ece": 84}, "between 0 and 1"),
    "below 0": ({"ece": -0.05}, "between 0 and 1"),
    "another": ({"ece": 0.33}, "The report has another number"),
    "ece in words": ({"ece": "small"}, "ece is 'small'. I expected one number"),
    "both directions": ({"mix_ups": 8}, "both directions"),
    "all mistakes": ({"mix_ups": 13}, "all mistakes together"),
    "one class": ({"mix_ups": 6}, "all mistakes of one class"),
    "right ones": ({"mix_ups": 10}, "of one class are right"),
    "second": ({"mix_ups": 3}, "2 pairs of classes have more"),
    "share": ({"mix_ups": 0.5}, "not a share"),
    "percent": ({"mix_ups": "5 %"}, "not a share"),
    "with the names": ({"mix_ups": ["cat", "dog", 5]}, "more than one thing"),
    "a name": ({"mix_ups": "cat"}, "mix_ups is 'cat'"),
    "count in the air": ({"mix_ups": 77}, "mix_ups is 77. The report has another"),
}


@pytest.mark.parametrize(("changes", "words"), WRONG.values(), ids=WRONG)
def test_wrong_ways(changes, words):
    result = judge(**changes)
    assert result.points == 0, result
    assert words in f"{result.saw} {result.try_next}"


def test_one_name_said_too_often():
    """Ships: 4 trucks and 2 birds, in a model that takes no class for one other 6 times."""
    predicted = PREDICTED.copy()
    predicted[20:22], predicted[35] = 8, 3
    scores = np.tile(((1 - SURE) / 9)[:, None], (1, 10))
    scores[np.arange(100), predicted] = SURE
    reference = Reference(scores, LABELS, CLASS_NAMES)
    result = judge(reference, ece=float(np.float32(_ece_of(reference))), mix_ups=6)
    assert "says one name wrongly" in result.saw


def test_other_bins_are_told_apart():
    """Two neighbors of 15 bins, one always right and one always wrong, are one of 5 bins."""
    sure, labels = np.tile([0.62, 0.7], 50), np.zeros(100, int)
    scores = np.tile(((1 - sure) / 9)[:, None], (1, 10))
    scores[np.arange(100), np.tile([0, 1], 50)] = sure
    reference = Reference(scores, labels, CLASS_NAMES)
    assert _ece_of(reference, 5) == pytest.approx(0.16)
    assert "number of bins" in judge(reference, ece=0.16).saw


def test_a_model_without_mistakes():
    scores = np.eye(10)[LABELS]
    result = judge(Reference(scores, LABELS, CLASS_NAMES), ece=0, mix_ups=0)
    assert result.points == 1
    assert "mix-up" not in result.saw


def test_a_second_pair_with_as_many():
    predicted = PREDICTED.copy()
    predicted[94] = 8
    scores = np.tile(((1 - SURE) / 9)[:, None], (1, 10))
    scores[np.arange(100), predicted] = SURE
    reference = Reference(scores, LABELS, CLASS_NAMES)
    assert judge(reference, ece=_ece_of(reference)).points == 1


def _ece_of(reference, count=15):
    from course_utils.analysis import ece

    return ece(reference.probabilities, reference.labels, count)


def test_each_mistake_has_a_sentence_of_its_own():
    said = [judge(**changes).saw for changes, _ in WRONG.values()]
    assert len(set(said)) == len(said)


WEIRD = [
    *ANYTHING,
    np.zeros((0,)),
    np.zeros(10, complex),
    {"ece": 0.05},
    Unreadable("Image"),
    Network((None, 32, 32, 3), (None, 10), 0, []),
    Table({}, []),
]


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("value", WEIRD, ids=lambda value: str(value)[:20])
def test_nothing_stops_it(name, value):
    judge(**{name: value})
    judge(**dict.fromkeys(RIGHT, value))


def test_the_check_reads_what_the_notebook_keeps():
    assert set(RIGHT) <= set(NAMES)
    assert DEEPER.keys() == {"deeper_report"}
