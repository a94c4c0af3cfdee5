"""The check of the part of Stage 7 that goes deeper, on cases worked out by hand."""

import numpy as np
import pytest

from course_utils.analysis.people import Raters, Votes, count_votes
from course_utils.analysis.verdict import RULE
from course_utils.analysis.verdict import judge as judge_rows
from course_utils.checks import DEEPER
from course_utils.checks.deeper_07 import NAMES, deeper_verdict
from course_utils.checks.stage_07 import NAMES as ALL_NAMES
from course_utils.checks.stage_07 import show_three_wrong
from course_utils.evidence import Cell, Evidence, Reference, Shown, plain
from course_utils.practice import CLASS_NAMES
from tests.anything import ANYTHING

# Twenty pictures, two of each class. Pictures 0 to 4 are wrong: each is taken for the next class.
LABELS = np.arange(20) % 10
CHOSEN = np.where(np.arange(20) < 5, LABELS + 1, LABELS)
SCORES = np.full((20, 10), 0.02)
SCORES[np.arange(20), CHOSEN] = 0.82
REFERENCE = Reference(SCORES, LABELS, CLASS_NAMES)

# Fifty people: all for the label, but for 1 (divided), 2 (another class) and 4 (45 of 50).
COUNTS = np.eye(10, dtype=int)[LABELS] * 50
COUNTS[1, [1, 2]] = 26, 24
COUNTS[2, [2, 3]] = 5, 45
COUNTS[4, [4, 5]] = 45, 5
PEOPLE = count_votes(COUNTS)
COURSE = {0: "model", 1: "confusing picture", 2: "label", 3: "model", 4: "model"}
TABLE = judge_rows(SCORES, LABELS, PEOPLE)
MINE = {0: "model", 1: "confusing picture", 2: "label"}
RIGHT = {
    "test_predictions": SCORES,
    "my_verdicts": MINE,
    "votes": PEOPLE,
    "course_verdicts": TABLE,
}


def judge(reference=REFERENCE, **values):
    given = {name: plain(value) for name, value in (RIGHT | values).items()}
    return deeper_verdict(Evidence(7, [], given), reference)


def test_the_check_is_known_and_gives_one():
    assert list(DEEPER[7]) == ["deeper_verdict"]
    assert DEEPER[7]["deeper_verdict"].points == 1
    assert set(NAMES) <= set(ALL_NAMES)


def test_the_case_is_as_it_says():
    assert dict(zip(TABLE.idx, TABLE.verdict, strict=True)) == COURSE


def test_agreeing_with_the_votes():
    result = judge()
    assert (result.points, result.try_next) == (1, "")
    assert (
        "You judged 3 wrong pictures by eye. You and the votes agree on all of them." in result.saw
    )
    assert "Of 5 wrong pictures, 3 (60%)" in result.saw
    assert "weaker" not in result.saw


@pytest.mark.parametrize(
    "mine",
    [
        {0: "The model!", 1: "confusing", 2: "wrong label"},
        {"0": "Model", "picture 1": "picture", 2: "LABEL"},
        {np.int64(0): "model", np.int64(1): "Confusing Picture", np.int64(2): "label "},
        [(0, "model"), (1, "confusing picture"), (2, "label")],
        [[0, "model"], [1, "confusing picture"], [2, "label"], [3, "model"], [4, "model"]],
    ],
)
def test_many_ways_to_write_a_verdict(mine):
    result = judge(my_verdicts=mine)
    assert result.points == 1
    assert "agree on all" in result.saw


def test_to_differ_is_no_mistake():
    result = judge(my_verdicts={0: "label", 1: "confusing picture", 2: "model"})
    assert result.points == 1
    assert "agree on 1" in result.saw
    assert (
        "Picture 0: you say label, the votes say model. All 50 people said airplane" in result.saw
    )
    assert (
        "Picture 2: you say model, the votes say label. 45 of 50 people also said cat" in result.saw
    )
    assert "To differ is no mistake" in result.saw
    assert "Picture 1" not in result.saw
    many = judge(my_verdicts=dict.fromkeys(range(5), "label"))
    assert many.points == 1
    assert many.saw.count("you say") == 3
    assert "They differ on 1 more" in many.saw


def test_votes_of_models_are_called_weaker():
    voters = np.eye(10, dtype=int)[LABELS] * 2
    voters[1] = np.eye(10, dtype=int)[2] * 2
    votes = count_votes(voters, "models")
    result = judge(votes=votes, course_verdicts=judge_rows(SCORES, LABELS, votes))
    assert result.points == 1
    assert "weaker evidence" in result.saw
    assert "Picture 2: you say label, the votes say model. All 2 other models" in result.saw


@pytest.mark.parametrize(
    "table",
    [
        COURSE,
        [*COURSE.items()],
        TABLE[["idx", "verdict"]],
        TABLE.set_index("idx"),
        TABLE[TABLE.idx < 3],
        TABLE.sort_values("confidence"),
    ],
)
def test_the_table_in_many_forms(table):
    assert judge(course_verdicts=table).points == 1


@pytest.mark.parametrize("votes", [COUNTS, PEOPLE.shares, Votes(PEOPLE.shares, "people", "")])
def test_the_votes_in_many_forms(votes):
    assert judge(votes=votes).points == 1


def test_raters_may_have_had_a_say():
    raters = {0: Raters(0, 4, 1, 0, 0, 1), 1: Raters(0, 5, 0, 0, 1, 2)}
    counts = COUNTS.copy()
    counts[1, [1, 2]] = 24, 26
    table = judge_rows(SCORES, LABELS, count_votes(counts), raters)
    assert table.verdict.tolist() == ["model", "label", "label", "model", "model"]
    assert judge(votes=count_votes(counts), course_verdicts=table).points == 1


WEAK = count_votes(COUNTS, "models")
BY_HALF = TABLE.assign(verdict=["model", "model", "label", "model", "model"])
NO_VOTES = judge_rows(SCORES, LABELS)
OTHER_MODEL = judge_rows(np.roll(SCORES, 1, axis=0), LABELS, PEOPLE)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"my_verdicts": ...}, "Still to do: my_verdicts"),
        ({"votes": ..., "course_verdicts": ...}, "Still to do: votes and course_verdicts"),
        ({"my_verdicts": "model"}, "I expected picture numbers, each with a verdict"),
        ({"my_verdicts": ["model", "model", "label"]}, "each with a verdict"),
        ({"my_verdicts": {"cat": "model"}}, "each with a verdict"),
        ({"my_verdicts": lambda: 0}, "my_verdicts is a function"),
        ({"my_verdicts": {0: "model", 1: "label"}}, "You judged 2 wrong pictures. I expected 3"),
        ({"my_verdicts": {}}, "You judged 0 wrong pictures"),
        ({"my_verdicts": MINE | {9: "model"}}, "Your model got picture 9 right"),
        ({"my_verdicts": MINE | {20: "model"}}, "There is no picture 20"),
        ({"my_verdicts": MINE | {3: "silly"}}, "your verdict on picture 3"),
        ({"my_verdicts": MINE | {3: "model or label"}}, "your verdict on picture 3"),
        ({"my_verdicts": MINE | {3: "not the model"}}, "your verdict on picture 3"),
        ({"my_verdicts": MINE | {3: ...}}, "your verdict on picture 3"),
        ({"votes": count_votes}, "votes is a function"),
        ({"votes": 5}, "not what analysis.votes gives"),
        ({"votes": count_votes(COUNTS[:7])}, "about 7 pictures"),
        ({"votes": -COUNTS}, "something else than votes"),
        ({"votes": Votes(PEOPLE.shares * 3, "people", "")}, "no verdicts can be made"),
        ({"course_verdicts": judge_rows}, "course_verdicts is a function"),
        ({"course_verdicts": "model"}, "not what analysis.judge gives"),
        ({"course_verdicts": TABLE[["true", "predicted"]]}, "not what analysis.judge gives"),
        ({"course_verdicts": NO_VOTES}, "made without votes"),
        ({"course_verdicts": OTHER_MODEL}, "no mistake of your model"),
        ({"course_verdicts": TABLE[TABLE.idx > 0]}, "says nothing of picture 0"),
        ({"course_verdicts": BY_HALF}, "1 verdict does not follow"),
        ({"course_verdicts": BY_HALF}, "'model' for picture 1. I get confusing picture"),
        ({"votes": WEAK}, "2 verdicts do not follow"),
    ],
)
def test_each_mistake_has_its_own_sentence(values, says):
    result = judge(**values)
    assert result.points == 0
    assert says in result.saw
    assert result.try_next


def test_fewer_than_three_mistakes():
    """A very good model leaves less to judge, and a perfect one nothing."""
    for wrong in (2, 0):
        chosen = np.where(np.arange(20) < wrong, LABELS + 1, LABELS)
        scores = np.full((20, 10), 0.02)
        scores[np.arange(20), chosen] = 0.82
        result = judge(
            Reference(scores, LABELS, CLASS_NAMES),
            test_predictions=scores,
            my_verdicts={number: MINE[number] for number in range(wrong)},
            course_verdicts=judge_rows(scores, LABELS, PEOPLE),
        )
        assert result.points == 1, result.saw


def test_it_judges_the_predictions_of_the_notebook():
    """In grading another machine may answer a little differently: what stands there counts."""
    other = SCORES.copy()
    other[9] = np.roll(other[9], 1)
    reference = Reference(other, LABELS, CLASS_NAMES)
    assert judge(reference).points == 1
    assert judge(reference, test_predictions=None, my_verdicts=MINE | {9: "model"}).points == 0


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("value", ANYTHING)
def test_nothing_makes_it_fail(name, value):
    result = judge(**{name: value})
    assert result.saw
    assert result.points == (name == "test_predictions")


@pytest.mark.parametrize("value", ANYTHING)
def test_nothing_in_a_verdict_makes_it_fail(value):
    assert judge(my_verdicts={0: value}).points == 0
    assert judge(my_verdicts=[(value, value)] * 3).points == 0
    assert judge(votes=[value, value]).points == 0
    assert judge(course_verdicts={0: value}).points == 0


def test_the_pictures_that_the_course_shows_are_not_the_students():
    """Run again, the check of Step 3 must not take them for an answer."""
    caption = "Pred: {}\nTrue: {}"
    shown = [
        Shown(n, caption.format(CLASS_NAMES[CHOSEN[n]], CLASS_NAMES[LABELS[n]])) for n in range(3)
    ]
    own = Evidence(7, [Cell("own", shown=shown)])
    assert show_three_wrong(own, REFERENCE).points == 3
    for one in shown:
        one.around = "Go deeper: whose mistake is it?"
    deeper = Evidence(7, [Cell("deeper", shown=shown)])
    result = show_three_wrong(deeper, REFERENCE)
    assert result.points == 0
    assert "Still to do" in result.saw


def test_the_text_tells_the_rule_as_it_is():
    """The notebook names the thresholds; here they are, should one be changed."""
    assert (RULE.clear, RULE.other) == (0.9, 0.75)
    assert (RULE.model_clear, RULE.model_other) == (0.5, None)
