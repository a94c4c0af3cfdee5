"""The check of the part of Stage 8 that goes deeper, on cases worked out by hand."""

import subprocess
import sys

import numpy as np
import pytest

from course_utils.analysis.changes import compare
from course_utils.checks import DEEPER
from course_utils.checks.deeper_08 import NAMES, deeper_card
from course_utils.checks.stage_08 import NAMES as ALL_NAMES
from course_utils.evidence import Evidence, Reference, plain
from course_utils.practice import CLASS_NAMES
from tests.anything import ANYTHING

LABELS = np.arange(100) % 10


def answers(right, confidence):
    """Scores of a model that is right where it is said, and so sure."""
    confidence = np.broadcast_to(np.asarray(confidence, float), (100,))
    scores = np.repeat((1 - confidence)[:, None] / 9, 10, axis=1)
    chosen = np.where(right, LABELS, (LABELS + 1) % 10)
    scores[np.arange(100), chosen] = confidence
    return scores


# Before, 30 are wrong (0 to 29). After, 0 to 19 still are and 30 to 35 are newly wrong. Of the 20
# wrong both times the model is less sure of 12 (8 to 19), and more sure of 8.
N = np.arange(100)
BEFORE = answers(N >= 30, np.where(N < 30, 0.95, 0.9))
AFTER_RIGHT = (N >= 36) | ((N >= 20) & (N < 30))
AFTER = answers(
    AFTER_RIGHT, np.select([N < 8, N < 20, N < 30, N < 36], [0.97, 0.7, 0.8, 0.6], 0.92)
)
CARD = compare(BEFORE, AFTER, LABELS)
RIGHT = {
    "before_predictions": BEFORE,
    "after_predictions": AFTER,
    "both_wrong": 20,
    "less_sure": 12,
    "card": CARD,
}
REFERENCE = Reference(BEFORE, LABELS, CLASS_NAMES)


def judge(**values):
    given = {name: plain(value) for name, value in (RIGHT | values).items()}
    return deeper_card(Evidence(8, [], given), REFERENCE)


def test_the_check_is_known_and_gives_one():
    assert list(DEEPER[8]) == ["deeper_card"]
    assert DEEPER[8]["deeper_card"].points == 1
    assert set(NAMES) <= set(ALL_NAMES)


def test_the_case_is_as_it_says():
    assert (CARD["fixed"], CARD["regressed"], CARD["both_wrong"]) == (10, 6, 20)
    assert CARD["both_wrong_lower_conf"] == 12


@pytest.mark.parametrize("both", [20, np.int64(20), 20.0, [20]])
@pytest.mark.parametrize("less", [12, np.int64(12), "12"])
def test_right(both, less):
    result = judge(both_wrong=both, less_sure=less)
    assert (result.points, result.try_next) == (1, "")
    assert "20 pictures are wrong both times. Of 12 of these it is less sure now." in result.saw
    assert "looks better now: accuracy (0.700 to 0.740)" in result.saw
    assert "sure mistakes (30 to 8)" in result.saw


def test_the_story_names_both_sides():
    """As accurate, and less honest: log loss and ECE tell, the accuracy does not."""
    louder = answers(N >= 30, np.where(N < 30, 0.99, 0.9))
    result = judge(
        after_predictions=louder,
        both_wrong=30,
        less_sure=0,
        card=compare(BEFORE, louder, LABELS),
    )
    assert result.points == 1
    assert "accuracy" not in result.saw
    assert "looks worse now: log loss" in result.saw
    assert "All that moves goes the same way" in result.saw
    bolder = answers(N >= 25, np.where(N < 25, 0.99, 0.9))
    result = judge(
        after_predictions=bolder, both_wrong=25, less_sure=0, card=compare(BEFORE, bolder, LABELS)
    )
    assert "What looks better now: accuracy" in result.saw
    assert "What looks worse now: log loss" in result.saw
    assert "half of this" in result.saw


SELF = compare(BEFORE, BEFORE, LABELS)
OTHER = compare(BEFORE, answers(N >= 50, 0.8), LABELS)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"both_wrong": ...}, "Still to do: both_wrong"),
        ({"less_sure": ..., "card": ...}, "Still to do: less_sure and card"),
        ({"after_predictions": ...}, "Step 4 is not complete"),
        ({"after_predictions": AFTER.argmax(axis=1)}, "Step 4 is not complete"),
        ({"after_predictions": BEFORE}, "the very same answers"),
        ({"after_predictions": AFTER * 5}, "not scores that sum to 1"),
        ({"both_wrong": 64}, "right both times"),
        ({"both_wrong": 30}, "wrong before"),
        ({"both_wrong": 26}, "wrong after"),
        ({"both_wrong": 36}, "at least once"),
        ({"both_wrong": 0.2}, "is a share"),
        ({"both_wrong": N < 20}, "holds 100 values"),
        ({"both_wrong": N[:20]}, "holds 20 values"),
        ({"both_wrong": lambda: 0}, "is a function"),
        ({"both_wrong": 77}, "not the number of these pictures"),
        ({"less_sure": 8}, "more sure now"),
        ({"less_sure": 28}, "the right ones too"),
        ({"less_sure": 22}, "that were fixed"),
        ({"less_sure": 18}, "that were right before"),
        ({"less_sure": 20}, "all pictures that are wrong both times"),
        ({"less_sure": 0.6}, "is a share"),
        ({"less_sure": 5}, "not the number of these pictures"),
        ({"card": compare}, "card is a function"),
        ({"card": {"fixed": 10}}, "not what analysis.compare gives"),
        ({"card": 3}, "not what analysis.compare gives"),
        ({"card": compare(AFTER, BEFORE, LABELS)}, "before and after swapped"),
        ({"card": SELF}, "a model with itself"),
        ({"card": OTHER}, "does not compare your two models"),
    ],
)
def test_each_mistake_has_its_own_sentence(values, says):
    result = judge(**values)
    assert result.points == 0
    assert says in result.saw
    assert result.try_next


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("value", ANYTHING)
def test_nothing_makes_it_fail(name, value):
    result = judge(**{name: value})
    assert result.saw
    assert result.points == 0


def test_neither_pandas_nor_sklearn_is_imported():
    """Stage 8 runs at the limit of its memory."""
    code = (
        "import sys, numpy as np\n"
        "from course_utils import analysis\n"
        "from course_utils.checks.deeper_08 import deeper_card\n"
        "from course_utils.evidence import Evidence, Reference\n"
        "names = tuple('abcdefghij')\n"
        "p = np.eye(10) * 0.8 + 0.02\n"
        "q = np.roll(p, 1, axis=1)\n"
        "values = {'before_predictions': p, 'after_predictions': q, 'both_wrong': 0}\n"
        "values |= {'less_sure': 0, 'card': analysis.compare(p, q, np.arange(10))}\n"
        "result = deeper_card(Evidence(8, [], values), Reference(p, np.arange(10), names))\n"
        "assert result.points == 1, result.saw\n"
        "print(*{'pandas', 'sklearn', 'matplotlib'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
