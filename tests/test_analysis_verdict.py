"""The verdict on a wrong picture: small cases worked by hand, then the real ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from course_utils import models
from course_utils.analysis import people, verdict
from course_utils.analysis.people import Raters
from course_utils.analysis.verdict import RULE, Rule, judge, tally
from tests.conftest import SHARED

MODEL, CONFUSING, LABEL = verdict.VERDICTS
NAMES = ("cat", "dog", "frog", "ship")


def answers(*chosen, k=4):
    """Answers of a model that chooses these classes with 0.7."""
    p = np.full((len(chosen), k), 0.3 / (k - 1))
    p[np.arange(len(chosen)), chosen] = 0.7
    return p


def one(counts, raters=None, guess=1, label=0, source="people", rule=RULE):
    """The row of one picture: a cat that the model took for a dog, unless said otherwise."""
    votes = None if counts is None else people.count_votes([counts], source)
    raters = None if raters is None else {0: Raters(*raters, label, guess)}
    rows = judge(answers(guess), [label], votes, raters, rule, NAMES)
    assert len(rows) == 1
    return rows.iloc[0]


# --- people ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "counts, expected, reason",
    [
        ([50, 0, 0, 0], MODEL, "All 50 people said cat, like the label. The model said dog."),
        ([45, 5, 0, 0], MODEL, "45 of 50 people said cat, like the label. The model said dog."),
        ([44, 6, 0, 0], CONFUSING, "People did not all agree: 44 of 50 said cat and 6 said dog."),
        (
            [20, 20, 10, 0],
            CONFUSING,
            "People did not all agree: 20 of 50 said cat and 20 said dog.",
        ),
        ([1, 29, 0, 10], CONFUSING, "all agree: 29 of 40 said dog, 10 said ship and 1 said cat."),
        (
            [0, 29, 0, 11],
            CONFUSING,
            "all agree: 29 of 40 said dog, 11 said ship and nobody said cat",
        ),
        ([10, 30, 0, 0], LABEL, "30 of 40 people also said dog. The label says cat."),
        ([0, 40, 0, 0], LABEL, "All 40 people also said dog. The label says cat."),
        (
            [4, 0, 36, 0],
            LABEL,
            "36 of 40 people said frog. The label says cat and the model said dog.",
        ),
        ([0, 1, 0, 0], LABEL, "The only person also said dog. The label says cat."),
    ],
)
def test_people(counts, expected, reason):
    row = one(counts)
    assert row.verdict == expected
    assert reason in row.reason
    assert row.evidence == "people"
    assert row.agree_label == counts[0] / sum(counts)
    assert row.agree_predicted == counts[1] / sum(counts)


def test_shares_without_counts_are_said_in_percent():
    row = one([0.25, 0.75, 0, 0])
    assert row.verdict == LABEL
    assert row.reason == "75% of people also said dog. The label says cat."
    assert "60% said cat and 40% said dog" in one([0.6, 0.4, 0, 0]).reason


def test_a_bare_table_of_counts_is_people():
    rows = judge(answers(1), [0], np.array([[1, 9, 0, 0]]), class_names=NAMES)
    assert rows.verdict.tolist() == [LABEL]


# --- raters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raters, expected, reason",
    [
        ((0, 5, 0, 0), LABEL, "All 5 people who were asked said dog. The label says cat."),
        ((2, 3, 0, 0), LABEL, "3 of 5 people who were asked said dog. The label says cat."),
        ((5, 0, 0, 0), MODEL, "All 5 people who were asked said cat, like the label. The model"),
        ((4, 1, 0, 0), MODEL, "4 of 5 people who were asked said cat, like the label."),
        ((3, 0, 0, 2), CONFUSING, "agree: 3 said cat and 2 said both cat and dog."),
        ((1, 2, 2, 0), CONFUSING, "agree: 2 said dog, 2 said neither cat nor dog and 1 said cat."),
        ((0, 0, 5, 0), CONFUSING, "All 5 people who were asked said neither cat nor dog."),
    ],
)
@pytest.mark.parametrize("counts", [None, [0, 0, 0, 0]])
def test_raters_alone(raters, expected, reason, counts):
    row = one(counts, raters)
    assert row.verdict == expected
    assert reason in row.reason
    assert row.evidence == "raters"
    assert row.agree_label == raters[0] / 5
    assert row.agree_predicted == raters[1] / 5


def test_raters_who_were_asked_about_another_class_than_the_models():
    rows = judge(answers(2), [0], None, {0: Raters(0, 5, 0, 0, 0, 1)}, class_names=NAMES)
    assert rows.reason[0].endswith("said dog. The label says cat and the model said frog.")
    assert np.isnan(rows.agree_predicted[0])


@pytest.mark.parametrize(
    "counts, expected",
    [
        ([50, 0, 0, 0], MODEL),
        ([30, 20, 0, 0], CONFUSING),  # people lean to the label: five do not outvote fifty
        ([20, 20, 10, 0], CONFUSING),
        ([20, 30, 0, 0], LABEL),
        ([20, 5, 25, 0], LABEL),  # whatever it is, it is no cat
    ],
)
def test_raters_count_where_people_lean_the_same_way(counts, expected):
    assert one(counts, (2, 3, 0, 0)).verdict == expected
    without = one(counts, (3, 2, 0, 0))
    assert without.verdict == (MODEL if expected == MODEL else CONFUSING)


def test_raters_and_people_are_both_named():
    row = one([20, 30, 0, 0], (1, 4, 0, 0))
    assert row.evidence == "people and raters"
    assert row.reason == (
        "30 of 50 people also said dog, and 4 of 5 others doubted the label. The label says cat."
    )


def test_raters_come_before_models():
    row = one([3, 0, 0, 0], (0, 4, 1, 0), source="models")
    assert (row.verdict, row.evidence) == (LABEL, "raters")


def test_raters_for_some_pictures_only():
    raters = {1: Raters(0, 5, 0, 0, 0, 1), 99: Raters(5, 0, 0, 0, 3, 1)}
    rows = judge(answers(1, 1, 0), [0, 0, 0], None, raters, class_names=NAMES)
    assert rows.verdict.tolist() == [verdict.NO_VOTES, LABEL]
    assert rows.reason[0] == "Nobody voted on this picture."
    assert rows[["agree_label", "agree_predicted"]].iloc[0].isna().all()
    assert one(None, (0, 0, 0, 0)).verdict == verdict.NO_VOTES


@pytest.mark.parametrize("rater", [Raters(5, 0, 0, 0, 2, 1), Raters(5, 0, 0, 0, 0, 77)])
def test_raters_of_other_pictures_are_refused(rater):
    with pytest.raises(ValueError, match="The raters judged other pictures"):
        judge(answers(1), [0], None, {0: rater})


# --- models --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "counts, expected, reason",
    [
        ([3, 0, 0, 0], MODEL, "All 3 other models said cat, like the label. The model said dog."),
        ([2, 1, 0, 0], MODEL, "2 of 3 other models said cat, like the label."),
        ([1, 1, 0, 0], MODEL, "1 of 2 other models said cat, like the label."),
        ([1, 2, 0, 0], CONFUSING, "1 of 3 other models said cat. 2 of 3 said dog."),
        ([0, 3, 0, 0], CONFUSING, "None of 3 other models said cat. All 3 said dog."),
        ([0, 1, 1, 1], CONFUSING, "None of 3 other models said cat. 1 of 3 said dog."),
        ([1, 0, 0, 0], MODEL, "The only other model said cat, like the label."),
        ([0, 0, 1, 0], CONFUSING, "The only other model said frog, not cat."),
    ],
)
def test_models_have_thresholds_of_their_own(counts, expected, reason):
    row = one(counts, source="models")
    assert row.verdict == expected
    assert reason in row.reason
    assert row.evidence == "models"


def test_models_may_be_allowed_to_call_a_label_wrong():
    rule = dataclasses.replace(RULE, model_other=1.0)
    row = one([0, 3, 0, 0], source="models", rule=rule)
    assert row.verdict == LABEL
    assert row.reason == "All 3 other models also said dog. The label says cat."
    assert one([1, 2, 0, 0], source="models", rule=rule).verdict == CONFUSING


# --- the rule ------------------------------------------------------------------------------


def test_the_rule_can_be_changed():
    assert one([30, 20, 0, 0], rule=Rule(clear=0.6)).verdict == MODEL
    assert one([20, 30, 0, 0], rule=Rule(other=0.6)).verdict == LABEL
    assert one(None, (2, 3, 0, 0), rule=Rule(raters_guessed=4)).verdict == CONFUSING
    assert one(None, (3, 2, 0, 0), rule=Rule(raters_given=3)).verdict == MODEL
    assert one([2, 1, 0, 0], source="models", rule=Rule(model_clear=0.9)).verdict == CONFUSING
    with pytest.raises(dataclasses.FrozenInstanceError):
        RULE.clear = 0.5


@pytest.mark.parametrize(
    "wrong", [{"clear": 90}, {"other": 0}, {"model_clear": -1}, {"model_other": 2}]
)
def test_a_share_is_no_percentage(wrong):
    with pytest.raises(ValueError, match="is a share"):
        Rule(**wrong)
    with pytest.raises(ValueError, match="number of raters"):
        Rule(raters_given=0)


# --- shapes, and nothing to judge ---------------------------------------------------------------


def test_rows_are_the_wrong_pictures_in_order():
    rows = judge(answers(1, 0, 2, 3), [0, 0, 0, 0], np.full((4, 4), 5), class_names=NAMES)
    assert tuple(rows.columns) == verdict.COLUMNS
    assert rows.idx.tolist() == [0, 2, 3]
    assert rows.true.tolist() == ["cat"] * 3
    assert rows.predicted.tolist() == ["dog", "frog", "ship"]
    assert rows.y_true.tolist() == [0] * 3
    assert rows.y_pred.tolist() == [1, 2, 3]
    assert np.allclose(rows.confidence, 0.7)


def test_no_wrong_pictures():
    rows = judge(answers(0, 1), [0, 1], np.ones((2, 4)))
    assert len(rows) == 0
    assert tuple(rows.columns) == verdict.COLUMNS
    assert rows.agree_label.dtype == np.float64
    summary = tally(rows)
    assert summary.words == "There are no wrong pictures."
    assert set(summary.counts) == set(verdict.VERDICTS)
    assert sum(summary.counts.values()) == sum(summary.shares.values()) == summary.without == 0


def test_one_hot_labels():
    rows = judge(answers(1, 2), np.eye(4)[[0, 2]], np.array([[9, 1, 0, 0], [0, 0, 9, 0]]))
    assert rows.verdict.tolist() == [MODEL]


@pytest.mark.parametrize("k", [2, 100])
def test_any_number_of_classes(k):
    counts = np.zeros((2, k), int)
    counts[0, 0], counts[1, k - 1] = 9, 9
    rows = judge(answers(1, 0, k=k), [0, 0], counts)
    assert rows.verdict.tolist() == [MODEL]
    assert rows.true[0] == "class 0"
    rows = judge(answers(1, k - 1, k=k), [0, 0], counts)
    assert rows.verdict.tolist() == [MODEL, LABEL]


@pytest.mark.parametrize(
    "votes, sentence",
    [
        (np.ones((3, 4)), r"\(3, 4\) and the probabilities \(2, 4\)"),
        (np.ones((2, 10)), r"\(2, 10\) and the probabilities"),
        (np.ones(4), "a row for each picture"),
        (people.Votes(np.ones((2, 4)), "people", ""), "sum to one"),
        (people.Votes(np.full((2, 4), np.nan), "people", ""), "sum to one"),
        (people.Votes(np.array([[2, -1, 0, 0]] * 2), "people", ""), "from 0 up"),
    ],
)
def test_votes_that_do_not_fit(votes, sentence):
    with pytest.raises(ValueError, match=sentence):
        judge(answers(1, 1), [0, 0], votes)


def test_probabilities_that_are_none():
    with pytest.raises(ValueError):
        judge(np.ones((2, 4)), [0, 0], np.ones((2, 4)))


# --- the summary ---------------------------------------------------------------------------------


def test_tally():
    counts = [[9, 1, 0, 0], [9, 1, 0, 0], [5, 5, 0, 0], [0, 9, 0, 0], [0, 0, 0, 0]]
    summary = tally(judge(answers(1, 1, 1, 1, 1), [0] * 5, np.array(counts)))
    assert summary.counts == {MODEL: 2, CONFUSING: 1, LABEL: 1}
    assert summary.shares == {MODEL: 0.5, CONFUSING: 0.25, LABEL: 0.25}
    assert summary.without == 1
    assert summary.words == (
        "Of 4 wrong pictures, 2 (50%) are the model's mistake, 1 (25%) is confusing, and 1 (25%) "
        "has a doubtful label. Nobody voted on 1 more."
    )


def test_tally_says_that_models_are_weaker_evidence():
    votes = people.count_votes([[3, 0, 0, 0], [0, 3, 0, 0]], "models")
    rows = judge(answers(1, 1), [0, 0], votes, {1: Raters(0, 5, 0, 0, 0, 1)})
    assert "For 1 of them only other models voted, which is weaker" in tally(rows).words
    rows = judge(answers(1, 1), [0, 0], votes)
    assert "For all of them only other models voted" in tally(rows).words


def test_tally_of_nothing_but_silence():
    rows = judge(answers(1), [0])
    assert tally(rows).words == "Nobody voted on the 1 wrong picture, so there is no verdict."
    assert tally(rows).without == 1


# --- the real ones -----------------------------------------------------------------------------


@pytest.fixture
def real(monkeypatch, tmp_path):
    if not SHARED.exists():
        pytest.skip("needs ../shared, which is not here")
    monkeypatch.setenv("COURSE_DATA", str(SHARED))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))


def vgg16():
    with np.load(SHARED / "predictions" / "vgg16_keras_cifar10_test.npz") as stored:
        return stored["probs"], stored["labels"]


@pytest.mark.real_data
@pytest.mark.parametrize("asked", [False, True])
def test_five_pictures_that_a_network_was_certain_of(real, asked):
    _, labels = vgg16()
    guesses = {9227: 9, 3645: 9, 4784: 8, 2532: 1, 5511: 6}
    p = np.eye(10)[labels]
    for number, guess in guesses.items():
        p[number] = np.eye(10)[guess]
    votes = people.load_people()
    rows = judge(p, labels, votes, people.load_raters() if asked else None).set_index("idx")
    assert rows.verdict.to_dict() == {
        2532: CONFUSING,
        3645: MODEL,
        4784: CONFUSING,
        5511: CONFUSING,
        9227: LABEL,
    }
    assert rows.reason[9227] == "41 of 52 people also said truck. The label says automobile."
    assert rows.agree_label.round(2).to_dict() == {
        2532: 0.59,
        3645: 1.0,
        4784: 0.31,
        5511: 0.47,
        9227: 0.21,
    }


@pytest.mark.real_data
def test_vgg16(real):
    p, labels = vgg16()
    counts, raters = people.load_people(), people.load_raters()
    rows = judge(p, labels, counts)
    agree = rows.agree_label
    assert len(rows) == 641
    assert (agree >= 0.9).sum() == 376
    assert ((agree >= 0.6) & (agree < 0.9)).sum() == 188
    assert (agree < 0.6).sum() == 77
    assert tally(rows).counts == {MODEL: 376, CONFUSING: 258, LABEL: 7}
    for other, count in ((2 / 3, 14), (0.8, 5)):
        assert tally(judge(p, labels, counts, rule=Rule(other=other))).counts[LABEL] == count
    summary = tally(judge(p, labels, counts, raters))
    assert summary.counts == {MODEL: 376, CONFUSING: 256, LABEL: 9}
    assert summary.words == (
        "Of 641 wrong pictures, 376 (59%) are the model's mistake, 256 (40%) are confusing, and "
        "9 (1%) have a doubtful label."
    )


@pytest.mark.real_data
def test_the_lobster_that_is_a_crab(real):
    labels = np.load(SHARED / "people" / "cifar100_test_set_original_labels.npy")
    with np.load(SHARED / "predictions" / "densenet-bc-100-cifar-100.npz") as stored:
        p = next(stored[name] for name in stored.files if stored[name].ndim == 2)
    names = [f"class {number}" for number in range(100)]
    names[45], names[26] = "lobster", "crab"
    rows = judge(p, labels, None, people.load_raters("cifar100"), class_names=names)
    rows = rows.set_index("idx")
    assert rows.verdict[1214] == LABEL
    assert rows.reason[1214] == "All 5 people who were asked said crab. The label says lobster."
    assert rows.verdict[3640] == CONFUSING
    assert tally(rows).counts == {MODEL: 664, CONFUSING: 401, LABEL: 208}


@pytest.mark.real_data
def test_what_the_text_says_of_models_as_witnesses(real, cifar, monkeypatch):
    """The numbers in the module's text, measured again."""
    from course_utils import data

    counts, raters = people.load_people(), people.load_raters()
    monkeypatch.setenv("COURSE_DATA", str(cifar))
    x_test, labels, _ = data.load_test()
    vgg, _ = vgg16()
    baseline = models.checkpoint_answers("cifar10", x_test)
    for p, voters, same in ((vgg, 3, 0.49), (baseline, 2, 0.61)):
        votes = people.votes(x_test, judged=p)
        assert votes.voters[0] == voters
        by_models = judge(p, labels, votes).verdict
        assert (by_models != LABEL).all()
        by_people = judge(p, labels, counts, raters).verdict
        assert (by_models == by_people).mean() == pytest.approx(same, abs=0.005)
    rows = judge(vgg, labels, people.votes(x_test), rule=Rule(model_other=1.0))
    suspects = judge(vgg, labels, counts).verdict[rows.verdict == LABEL]
    assert suspects.value_counts().to_dict() == {MODEL: 78, CONFUSING: 67, LABEL: 6}
