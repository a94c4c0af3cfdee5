"""Which pictures are wrong, worked out by hand; and inputs that cannot be right."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import analysis
from course_utils.analysis import inputs

# Six pictures, three classes. The third picture's two lower scores tie, and so do the fifth's
# two largest: the lowest number is predicted, which is wrong.
ANSWERS = np.array(
    [
        [0.7, 0.2, 0.1],
        [0.25, 0.5, 0.25],
        [0.1, 0.1, 0.8],
        [0.1, 0.6, 0.3],
        [0.4, 0.4, 0.2],
        [0.05, 0.05, 0.9],
    ]
)
TRUTH = np.array([0, 1, 2, 0, 1, 2])
NAMES = ("ant", "bee", "cow")


def answers(counts, classes=3, sure=0.6):
    """``counts[true, said]`` pictures of each kind, all answered with the same confidence."""
    true, said = np.repeat(np.stack(np.nonzero(counts)), counts[np.nonzero(counts)], axis=1)
    p = np.full((len(true), classes), (1 - sure) / (classes - 1))
    p[np.arange(len(true)), said] = sure
    return p, true


# --- Inputs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        TRUTH,
        TRUTH.tolist(),
        TRUTH.astype(np.uint8),
        TRUTH.astype(np.float32),
        TRUTH[:, None],
        np.eye(3)[TRUTH],
        np.eye(3, dtype=np.float32)[TRUTH],
        np.eye(3, dtype=bool)[TRUTH],
    ],
)
def test_labels_come_in_many_forms(labels):
    p, y = inputs.check(ANSWERS.tolist(), labels)
    assert y.dtype == np.int64
    assert np.array_equal(y, TRUTH)
    assert np.array_equal(p, ANSWERS)


def test_rows_are_made_to_sum_to_one_and_checking_twice_changes_nothing():
    given = ANSWERS.astype(np.float32) * np.float32(1.0004)
    kept = given.copy()
    p, y = inputs.check(given, TRUTH)
    assert p.dtype == np.float64
    assert np.abs(p.sum(axis=1) - 1).max() < 1e-15
    assert np.array_equal(given, kept)
    assert np.array_equal(inputs.check(p, y)[0], p)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 10, 100, 1000])
def test_checking_twice_changes_nothing_for_many_classes(kind, classes):
    given = np.random.default_rng(1).dirichlet(np.full(classes, 0.1), 300).astype(kind)
    labels = np.zeros(300, int)
    once = inputs.check(given, labels)[0]
    assert np.array_equal(inputs.check(once, labels)[0], once)


@pytest.mark.parametrize(
    ("probabilities", "labels", "says"),
    [
        ([[0.5, np.nan]], [0], "picture 0 are not all numbers"),
        ([[0.5, 0.5], [np.inf, 0]], [0, 0], "picture 1 are not all numbers"),
        ([[0.5, 0.5], [0.5, 0.4]], [0, 0], "picture 1 .* sum 0.9. .*softmax"),
        ([[0.5, 0.502]], [0], "sum 1.002"),
        ([[1.5, -0.5]], [0], "lowest is -0.5"),
        ([[4.0, -1.0, 2.5]], [0], "softmax"),
        ([0.5, 0.5], [0], r"probabilities\[None\]"),
        (np.zeros((0, 3)), [], "no pictures"),
        ([[1.0]], [0], "one column"),
        ([[0.5, 0.5], [1.0]], [0, 0], "not equally long"),
        ([["a", "b"]], [0], "not all numbers"),
        ([[0.5, 0.5]], [0, 1], "1 pictures and 2 classes, but the labels have the shape"),
        ([[0.5, 0.5]], 0, "shape"),
        ([[0.5, 0.5]], [2], "from 0 to 1"),
        ([[0.5, 0.5]], [-1], "from 0 to 1"),
        ([[0.5, 0.5]], [0.5], "whole numbers"),
        ([[0.5, 0.5]], [np.nan], "whole numbers"),
        ([[0.5, 0.5]], ["cat"], "not words"),
        ([[0.5, 0.5]], [None], "not words"),
        ([[0.5, 0.5]], [[0.5, 0.5]], "not one-hot"),
        ([[0.5, 0.5]], [[1, 1]], "not one-hot"),
        ([[0.5, 0.5]], [[np.nan, 1]], "not one-hot"),
    ],
)
def test_what_cannot_be_right_is_refused_in_a_sentence(probabilities, labels, says):
    for function in (inputs.check, analysis.summary, analysis.table, analysis.ece):
        with pytest.raises(ValueError, match=says):
            function(probabilities, labels)


def test_names():
    assert inputs.names(None, 10)[3] == "cat"
    assert inputs.names(None, 2) == ("class 0", "class 1")
    assert len(set(inputs.names(None, 100))) == 100
    assert inputs.names(np.array(NAMES), 3) == NAMES
    for wrong, says in (
        (NAMES[:2], "2 names, but"),
        ("abc", "one text"),
        (["ant", "bee", "ant"], "'ant' twice"),
    ):
        with pytest.raises(ValueError, match=says):
            inputs.names(wrong, 3)


# --- The table and the classes -------------------------------------------------------------


def test_table_by_hand():
    rows = analysis.table(ANSWERS, TRUTH, NAMES)
    assert list(rows) == [
        *("idx", "y_true", "y_pred", "true_name", "pred_name", "prob_pred", "prob_true", "correct")
    ]
    assert rows["idx"].tolist() == [0, 1, 2, 3, 4, 5]
    assert rows["y_pred"].tolist() == [0, 1, 2, 1, 0, 2]
    assert rows["pred_name"].tolist() == ["ant", "bee", "cow", "bee", "ant", "cow"]
    assert rows["true_name"].tolist() == ["ant", "bee", "cow", "ant", "bee", "cow"]
    assert rows["prob_pred"].tolist() == [0.7, 0.5, 0.8, 0.6, 0.4, 0.9]
    assert rows["prob_true"].tolist() == [0.7, 0.5, 0.8, 0.1, 0.4, 0.9]
    assert rows["correct"].tolist() == [True, True, True, False, False, True]
    assert rows["correct"].dtype == bool


def test_wilson_is_the_published_interval():
    """8 of 10: (0.8 + 0.19207 -+ 1.96 * sqrt(0.016 + 0.0096037)) / 1.38415."""
    low, high = analysis.wilson([8, 0, 10, 0], [10, 10, 10, 0])
    assert low[:3] == pytest.approx([0.490162, 0, 0.722467], abs=1e-6)
    assert high[:3] == pytest.approx([0.943318, 0.277533, 1], abs=1e-6)
    assert np.isnan([low[3], high[3]]).all()
    assert analysis.wilson(8, 10, level=0.5)[0] > 0.49


def test_wilson_refuses_shares():
    with pytest.raises(ValueError, match="counts"):
        analysis.wilson(11, 10)


@given(st.integers(1, 5000), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_wilson_against_its_formula(total, share):
    right, z = round(total * share), 1.959963984540054
    middle = (right + z * z / 2) / (total + z * z)
    half = z / (total + z * z) * math.sqrt(right * (total - right) / total + z * z / 4)
    low, high = analysis.wilson(right, total)
    assert (float(low), float(high)) == pytest.approx((middle - half, middle + half), abs=1e-9)


def test_per_class_by_hand():
    rows = analysis.per_class(ANSWERS, TRUTH, NAMES)
    assert tuple(rows.index) == NAMES
    assert rows["pictures"].tolist() == [2, 2, 2]
    assert rows["right"].tolist() == [1, 1, 2]
    assert rows["accuracy"].tolist() == [0.5, 0.5, 1]
    assert rows["mean_confidence"].tolist() == pytest.approx([0.4, 0.45, 0.85])
    assert rows["median_confidence"].tolist() == pytest.approx([0.4, 0.45, 0.85])
    assert ((rows["low"] <= rows["accuracy"]) & (rows["accuracy"] <= rows["high"])).all()


def test_a_class_that_is_absent_has_no_accuracy():
    rows = analysis.per_class(ANSWERS[:2], TRUTH[:2], NAMES)
    assert rows["pictures"].tolist() == [1, 1, 0]
    assert rows["right"].tolist() == [1, 1, 0]
    assert rows.loc["cow"].isna().sum() == 5
    assert len(analysis.per_class(np.full((1, 100), 0.01), [57])) == 100


# --- The hardest class ---------------------------------------------------------------------


def test_hardest_is_judged_by_chance():
    """5 of 10 against 10 of 10: 2 * C(10, 5) / C(20, 15) = 0.0325."""
    counts = np.array([[5, 5, 0], [0, 10, 0], [1, 0, 19]])
    found = analysis.hardest(*answers(counts), NAMES)
    assert found.names == ("ant",)
    assert (found.accuracy, found.next_name, found.next_accuracy) == (0.5, "cow", 0.95)
    low, high = analysis.wilson(5, 10)
    assert (found.low, found.high) == (low, high)
    assert found.words.startswith("ant is the hardest class with 50.0% of the pictures right")
    found = analysis.hardest(*answers(counts[:2]), NAMES)
    assert found.p_value == pytest.approx(2 * math.comb(10, 5) / math.comb(20, 15))
    assert "chance alone can hardly explain" in found.words


def test_hardest_may_be_chance():
    found = analysis.hardest(*answers(np.array([[5, 5], [4, 6]]), classes=2), ["ant", "bee"])
    assert found.names == ("ant",)
    assert found.p_value == pytest.approx(1)
    assert "chance alone could well explain" in found.words


def test_hardest_names_all_ties():
    found = analysis.hardest(ANSWERS, TRUTH, NAMES)
    assert found.names == ("ant", "bee")
    assert (found.next_name, found.next_accuracy, found.p_value) == ("bee", 0.5, 1)
    assert found.words == "ant and bee are equally hard, with 50.0% of the pictures right."
    # 1 of 3 and 2 of 6 are the same share.
    counts = np.array([[1, 2, 0], [4, 2, 0], [0, 0, 1]])
    assert analysis.hardest(*answers(counts), NAMES).names == ("ant", "bee")


def test_hardest_where_nothing_is_wrong_or_only_one_class_is_there():
    found = analysis.hardest(np.eye(3), [0, 1, 2], NAMES)
    assert found.names == NAMES
    assert found.words == "No class is the hardest: all have 100% of the pictures right."
    found = analysis.hardest(ANSWERS[:1], TRUTH[:1], NAMES)
    assert (found.names, found.accuracy, found.next_name) == (("ant",), 1, None)
    assert np.isnan([found.next_accuracy, found.p_value]).all()
    assert found.words == "All pictures are of one class, ant, with 100% of the pictures right."


def test_an_absent_class_is_not_the_hardest():
    assert analysis.hardest(ANSWERS[[1, 2, 3]], TRUTH[[1, 2, 3]], NAMES).names == ("ant",)
    assert analysis.hardest(ANSWERS[1:3], TRUTH[1:3], NAMES).names == ("bee", "cow")


# --- Confusions ----------------------------------------------------------------------------


def test_confusion_by_hand():
    counts = analysis.confusion(ANSWERS, TRUTH)
    assert counts.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 2]]
    shares = analysis.confusion(ANSWERS[:5], TRUTH[:5], normalize=True)
    assert shares.tolist() == [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]]
    assert analysis.confusion(ANSWERS[:2], TRUTH[:2], True)[2].tolist() == [0, 0, 0]


def test_confusions_are_ranked_and_equal_ones_by_number():
    counts = np.array([[6, 2, 2], [0, 3, 0], [1, 4, 0]])
    rows = analysis.confusions(*answers(counts), NAMES)
    assert rows.to_numpy().tolist() == [
        ["ant", "bee", 2, 0.2, 1],
        ["ant", "cow", 2, 0.2, 2],
        ["cow", "bee", 4, 0.8, 1],
        ["cow", "ant", 1, 0.2, 2],
    ]
    assert list(rows) == ["true_name", "pred_name", "count", "share", "rank"]
    assert len(analysis.confusions(*answers(counts), NAMES, most=1)) == 2


def test_confusions_without_mistakes_are_none():
    rows = analysis.confusions(np.eye(3), [0, 1, 2])
    assert (len(rows), list(rows)) == (
        0,
        ["true_name", "pred_name", "count", "share", "rank"],
    )


# --- Sure and unsure -----------------------------------------------------------------------


def test_sure_and_unsure_by_hand():
    assert analysis.most_confident(ANSWERS, TRUTH).tolist() == [3]
    assert analysis.most_confident(ANSWERS, TRUTH, share=1).tolist() == [3, 4]
    assert analysis.most_confident(ANSWERS, TRUTH, right=True).tolist() == [5]
    assert analysis.most_confident(ANSWERS, TRUTH, right=True, share=0.5).tolist() == [5, 2]
    assert analysis.hard_but_correct(ANSWERS, TRUTH).tolist() == []
    assert analysis.hard_but_correct(ANSWERS, TRUTH, below=0.75).tolist() == [1, 0]
    assert analysis.hard_but_correct(ANSWERS, TRUTH, below=0.5).tolist() == []


def test_equally_sure_ones_come_by_number():
    p, y = answers(np.array([[0, 300], [0, 0]]), classes=2, sure=0.9)
    assert analysis.most_confident(p, y).tolist() == [0, 1, 2]
    assert analysis.hard_but_correct(p, 1 - y, below=0.95).tolist() == list(range(300))


@pytest.mark.parametrize("share", [0, -0.1, 1.5, math.nan])
def test_share_is_a_part(share):
    with pytest.raises(ValueError, match="part of one"):
        analysis.most_confident(ANSWERS, TRUTH, share=share)


def test_one_percent_is_rounded_down():
    """Of 8,093 right ones 80, of 1,907 wrong ones 19."""
    p, y = answers(np.array([[8093, 1907], [0, 0]]), classes=2)
    assert len(analysis.most_confident(p, y, right=True)) == 80
    assert len(analysis.most_confident(p, y)) == 19


def test_no_mistakes_at_all():
    p, y = np.eye(3), [0, 1, 2]
    assert analysis.most_confident(p, y).tolist() == []
    assert analysis.most_confident(p, y).dtype == np.int64
    assert set(analysis.wrong_at(p, y).values()) == {0}


def test_thresholds_by_hand():
    """A picture exactly at the threshold counts."""
    found = analysis.wrong_at(ANSWERS, TRUTH)
    assert found == {0.5: 1, 0.6: 1, 0.7: 0, 0.8: 0, 0.9: 0, 0.95: 0, 0.99: 0}
    assert analysis.wrong_at(ANSWERS, TRUTH, at=[0.4]) == {0.4: 2}
    assert analysis.wrong_at(ANSWERS, TRUTH, at=0.4) == {0.4: 2}
    rows = analysis.guardrail(ANSWERS, TRUTH, at=(0, 0.6, 0.9, 0.95))
    assert rows["threshold"].tolist() == [0, 0.6, 0.9, 0.95]
    assert rows["answered"].tolist() == pytest.approx([1, 4 / 6, 1 / 6, 0])
    assert rows["accuracy"].tolist()[:3] == pytest.approx([4 / 6, 3 / 4, 1])
    assert np.isnan(rows["accuracy"].iloc[3])


# --- The package ---------------------------------------------------------------------------


def test_every_name_is_there():
    for name in analysis.__all__:
        assert getattr(analysis, name) is not None
        assert name in dir(analysis)
    # A function that a module could hide once it is imported:
    for name in ("report", "attention", "judge", "summary", "compare", "table"):
        assert callable(getattr(analysis, name))
    with pytest.raises(AttributeError, match="no 'sumary'"):
        _ = analysis.sumary


def test_the_card_needs_neither_pandas_nor_scikit_learn_nor_tensorflow():
    code = (
        "import sys; import course_utils; "
        "assert 'course_utils.analysis' not in sys.modules; "
        "from course_utils import analysis; analysis.compare([[.5, .5]], [[.4, .6]], [1]); "
        "print([n for n in ('pandas', 'sklearn', 'tensorflow', 'keras') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
