"""The check of the part of Stage 6 that goes deeper, on cases worked out by hand."""

import numpy as np
import pytest

from course_utils.checks import DEEPER
from course_utils.checks.deeper_06 import NAMES, deeper_calibration
from course_utils.checks.stage_06 import NAMES as ALL_NAMES
from course_utils.evidence import Evidence, Reference, plain
from course_utils.practice import CLASS_NAMES
from tests.anything import ANYTHING

OPENED = {"openings": ["2026-01-05 10:00"]}


def pile(sure, right, rest=100, rest_right=30):
    """A model that is 96 % sure of some pictures and 60 % sure of the rest."""
    confidence = np.r_[np.full(sure, 0.96), np.full(rest, 0.6)]
    hit = np.r_[np.arange(sure) < right, np.arange(rest) < rest_right]
    scores = np.repeat((1 - confidence)[:, None] / 9, 10, axis=1)
    labels = np.arange(sure + rest) % 10
    scores[np.arange(sure + rest), np.where(hit, labels, (labels + 1) % 10)] = confidence
    return Reference(scores, labels, CLASS_NAMES, work=dict(OPENED))


# 400 sure answers: 86 % right, 96 % right, all right. Luck moves such a share by 0.02 to 0.03.
OVER, FITS, UNDER = pile(400, 344), pile(400, 384), pile(400, 400)
RIGHT = {"limit": 0.9, "sure_confidence": 0.96, "sure_right": 0.86, "trust": "over-confident"}


def judge(reference=OVER, **values):
    given = {name: plain(value) for name, value in (RIGHT | values).items()}
    return deeper_calibration(Evidence(6, [], given), reference)


def test_the_check_is_known_and_gives_one():
    assert list(DEEPER[6]) == ["deeper_calibration"]
    assert DEEPER[6]["deeper_calibration"].points == 1
    assert set(NAMES) <= set(ALL_NAMES)


@pytest.mark.parametrize("trust", ["over-confident", "Overconfident!", "over confident"])
@pytest.mark.parametrize("right", [0.86, 86, "86 %", np.float64(0.861), [0.86]])
def test_too_sure(trust, right):
    result = judge(sure_right=right, trust=trust)
    assert (result.points, result.try_next) == (1, "")
    assert "400 answers are above 0.9" in result.saw
    assert "96.0% sure" in result.saw
    assert "86.0% are right: over-confident" in result.saw


@pytest.mark.parametrize("trust", ["cannot tell", "Can't tell", "can not say"])
def test_luck_explains_it(trust):
    result = judge(FITS, sure_right=0.96, trust=trust)
    assert result.points == 1
    assert "Luck alone can move this by 0.019" in result.saw


def test_less_sure_than_right():
    result = judge(UNDER, sure_right=1.0, trust="under-confident")
    assert result.points == 1
    assert "better than it thinks" in result.saw


def test_few_pictures_may_be_luck_or_not():
    """All ten are right: the plain margin is 0 then, which is more than anyone can know."""
    few = pile(10, 10)
    for trust in ("cannot tell", "under-confident"):
        assert judge(few, sure_right=1, trust=trust).points == 1
    assert judge(few, sure_right=1, trust="over-confident").points == 0


def test_another_limit():
    result = judge(limit=0.5, sure_confidence=0.888, sure_right=0.748)
    assert result.points == 1
    assert "500 answers are above 0.5" in result.saw
    assert judge(limit=None).points == 1  # somebody has left the line out


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"sure_confidence": ...}, "Still to do: sure_confidence"),
        ({"sure_right": ..., "trust": ...}, "Still to do: sure_right and trust"),
        ({"limit": 90}, "A confidence goes from 0 to 1"),
        ({"limit": "high"}, "A confidence goes from 0 to 1"),
        ({"limit": 0.97}, "no answer with more than 0.97"),
        ({"sure_confidence": 0.1}, "the mean of all ten scores"),
        ({"sure_confidence": 0.888}, "the confidence of all pictures"),
        ({"sure_confidence": 0.6}, "the confidence of those that are not sure"),
        ({"sure_confidence": 0.8}, "the share of pictures that are sure"),
        ({"sure_confidence": 0.5}, "does not fit the answers above your limit"),
        ({"sure_confidence": 0.86, "sure_right": 0.96}, "swapped"),
        ({"sure_confidence": np.full(400, 0.96)}, "holds 400 values"),
        ({"sure_confidence": np.float64("nan")}, "the mean of nothing"),
        ({"sure_right": lambda: 0}, "sure_right is a function"),
        ({"sure_right": 344}, "counts pictures"),
        ({"sure_right": 0.748}, "the accuracy of all pictures"),
        ({"sure_right": 0.14}, "the share of mistakes"),
        ({"sure_right": 0.688}, "the share of all pictures that are both sure and right"),
        ({"sure_right": 0.3}, "about the pictures that are not sure"),
        ({"sure_right": 0.8}, "the share of pictures that are sure"),
        ({"sure_right": 344 / 374}, "the share of right answers that are sure"),
        ({"sure_right": 0.5}, "does not fit the answers above your limit"),
        ({"trust": "under-confident"}, "less often right than it is sure"),
        ({"trust": "cannot tell"}, "So you can"),
        ({"trust": "yes"}, "one of three texts"),
        ({"trust": "not over-confident"}, "one of three texts"),
        ({"trust": True}, "one of three texts"),
    ],
)
def test_each_mistake_has_its_own_sentence(values, says):
    result = judge(**values)
    assert result.points == 0
    assert says in result.saw
    assert result.try_next


def test_luck_is_not_taken_for_more():
    result = judge(FITS, sure_right=0.96, trust="over-confident")
    assert result.points == 0
    assert "So it can be luck" in result.saw


def test_the_seal_stays_closed():
    closed = Reference(OVER.probabilities, OVER.labels, CLASS_NAMES)
    result = judge(closed)
    assert result.points == 0
    assert "still closed" in result.saw
    assert "0.86" not in result.saw


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ANYTHING)
@pytest.mark.parametrize("reference", [OVER, UNDER, pile(0, 0)])
def test_nothing_makes_it_fail(name, value, reference):
    result = judge(reference, **{name: value})
    assert result.saw
    assert result.points in (0, 1)
