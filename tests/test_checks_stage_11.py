"""The checks of the evaluation report as pure functions, on small cases worked out by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix

from course_utils import analysis
from course_utils.checks.stage_11 import (
    CHECKS,
    NAMES,
    analysis_table,
    calibration,
    confusion,
    interval,
    sure_wrong,
)
from course_utils.evidence import Cell, Evidence, Reference, Shown, Unreadable, plain
from course_utils.practice import CLASS_NAMES
from tests.anything import ANYTHING

# 400 pictures, 40 of each class. Class k is right on so many; each mistake is called the next
# class, only half of the dogs' (class 5) are called cats (3). Class 5 is clearly the hardest.
RIGHT_OF_40 = np.array([39, 38, 37, 36, 35, 12, 36, 37, 38, 39])
LABELS = np.repeat(np.arange(10), 40)
PREDICTED = np.concatenate(
    [[k] * right + [(k + 1) % 10] * (40 - right) for k, right in enumerate(RIGHT_OF_40)]
)
PREDICTED[212:226] = 3
HITS = PREDICTED == LABELS
# Of a right answer it is 0.95 sure, but 0.7 on every third; of a wrong one from 0.4 up.
SURE = np.where(np.arange(400) % 3, 0.95, 0.7)
SURE[~HITS] = np.linspace(0.4, 0.98, int((~HITS).sum()))
SCORES = np.full((400, 10), 0.0)
SCORES[np.arange(400), LABELS] = (1 - SURE) * 0.6
SCORES += ((1 - SURE) * 0.4 / 9)[:, None]
SCORES[np.arange(400), PREDICTED] = 0
SCORES[np.arange(400), PREDICTED] = 1 - SCORES.sum(axis=1)
REFERENCE = Reference(SCORES, LABELS, CLASS_NAMES)
CONFIDENCE = SCORES.max(axis=1)
TRUE_SCORES = SCORES[np.arange(400), LABELS]
COUNTS = confusion_matrix(LABELS, PREDICTED)
ROWS = COUNTS / 40
WRONG = np.flatnonzero(~HITS)
ORDER = WRONG[np.argsort(-CONFIDENCE[WRONG], kind="stable")]
SIX = ORDER[:6]
SURE_ACCURACY = float(HITS[CONFIDENCE >= 0.9].mean())
ECE = float(analysis.ece(SCORES, LABELS))
WILSON = analysis.wilson(12, 40)
RIGHT = {
    "prob_pred": CONFIDENCE,
    "prob_true": TRUE_SCORES,
    "correct": HITS,
    "row_shares": ROWS,
    "most_confused": ("dog", "cat"),
    "interval": WILSON,
    "more_than_chance": True,
    "sure_wrong": SIX,
    "sure_accuracy": SURE_ACCURACY,
    "ece": ECE,
}
BINS = analysis.bins(SCORES, LABELS).dropna()
GAPS = (BINS["confidence"] - BINS["accuracy"]).to_numpy()
WEIGHTS = (BINS["n"] / 400).to_numpy()


def evidence(cells=(), **values):
    given = {name: plain(value) for name, value in values.items()}
    return Evidence(11, list(cells), given)


def judge(check, cells=(), **values):
    return check(evidence(cells, **values), REFERENCE)


def shown(numbers, form="Pred: {}, True: {}"):
    pairs = [(n, CLASS_NAMES[PREDICTED[n]], CLASS_NAMES[LABELS[n]]) for n in numbers]
    return [Cell("a", [Shown(int(n), form.format(said, true)) for n, said, true in pairs])]


def test_the_case_is_what_it_should_be():
    assert (SCORES.argmax(axis=1) == PREDICTED).all()
    assert np.allclose(SCORES.sum(axis=1), 1)
    assert COUNTS[5].tolist() == [0, 0, 0, 14, 0, 12, 14, 0, 0, 0]
    assert len(WRONG) == 53
    found = analysis.hardest(SCORES, LABELS, CLASS_NAMES)
    assert (found.names, found.p_value < 0.001) == (("dog",), True)
    # All wrong ways to an ECE differ from one another and from the right one.
    ways = [ECE, GAPS @ WEIGHTS, abs(GAPS).max(), abs(GAPS).mean(), abs(GAPS).sum()]
    assert min(abs(a - b) for i, a in enumerate(ways) for b in ways[:i]) > 0.01


def test_the_right_answers_get_every_point():
    for check in CHECKS.values():
        result = check.judge(evidence(shown(SIX), **RIGHT), REFERENCE)
        assert (result.points, result.try_next) == (check.points, ""), result
    assert sum(check.points for check in CHECKS.values()) == 10


def test_blank_answers_are_named():
    blank = dict.fromkeys(NAMES, ...)
    for check in CHECKS.values():
        result = check.judge(evidence(**blank), REFERENCE)
        assert result.points == 0
        assert result.saw.startswith("Still to do: ")
        assert result.try_next


# --- Step 1 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "points", "says"),
    [
        ({"prob_pred": CONFIDENCE.tolist(), "correct": HITS.astype(int)}, 2, ""),
        ({"prob_true": TRUE_SCORES[:, None], "correct": HITS.tolist()}, 2, ""),
        ({"prob_true": CONFIDENCE}, 1, "score of the predicted class"),
        ({"prob_pred": TRUE_SCORES}, 1, "score of the true class"),
        ({"prob_pred": PREDICTED}, 1, "class numbers"),
        ({"prob_pred": CONFIDENCE.max()}, 1, "one number for all"),
        ({"prob_pred": SCORES}, 1, "10 columns"),
        ({"prob_true": SCORES}, 1, "10 columns"),
        ({"prob_true": SCORES.max(axis=0)}, 1, "holds 10 numbers"),
        ({"prob_true": TRUE_SCORES / 2}, 1, "does not fit"),
        ({"prob_true": Unreadable("map")}, 1, "a map"),
        ({"correct": ~HITS}, 1, "True where the model is wrong"),
        ({"correct": HITS.mean()}, 1, "not a list"),
        ({"correct": HITS[:50]}, 1, "holds 50 values"),
        ({"correct": np.roll(HITS, 20)}, 1, "does not fit"),
        ({"correct": ..., "prob_pred": ...}, 1, "prob_true is right. Still to do: prob_pred."),
        ({"correct": ~HITS, "prob_true": CONFIDENCE}, 0, "prob_pred is right. prob_true"),
    ],
)
def test_columns(change, points, says):
    values = {
        name: value if isinstance(value, Unreadable) else plain(value)
        for name, value in (RIGHT | change).items()
    }
    result = analysis_table(Evidence(11, [], values), REFERENCE)
    assert result.points == points, result
    assert says in result.saw
    assert bool(result.try_next) == (points < 2)


def test_a_column_of_a_table_counts():
    rows = analysis.table(SCORES, LABELS)
    given = {name: rows[name] for name in ("prob_pred", "prob_true", "correct")}
    assert judge(analysis_table, **given).points == 2


# --- Step 2 ------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [ROWS, ROWS.tolist(), 100 * ROWS, ROWS.round(2)])
@pytest.mark.parametrize(
    "pair",
    [("dog", "cat"), ["Dog", "CAT"], "dog taken for cat", "dog -> frog",
     {"true": "dog", "said": "frog"}, np.array(["dog", "cat"])],
)  # fmt: skip
def test_every_form_of_the_confusions(rows, pair):
    result = judge(confusion, row_shares=rows, most_confused=pair)
    assert (result.points, result.try_next) == (2, ""), result


def test_a_crosstab_counts():
    import pandas as pd

    rows = pd.crosstab(pd.Series(LABELS), pd.Series(PREDICTED), normalize="index")
    assert judge(confusion, row_shares=rows, most_confused=("dog", "cat")).points == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"row_shares": COUNTS}, "still holds counts"),
        ({"row_shares": COUNTS / COUNTS.sum(axis=0)}, "each column sums to 1"),
        ({"row_shares": ROWS.T}, "what the model said"),
        ({"row_shares": COUNTS / 400}, "number of all pictures"),
        ({"row_shares": ROWS + 0.02}, "not right to two decimals"),
        ({"row_shares": ROWS[:5]}, "Yours has the shape (5, 10)"),
        ({"row_shares": "half"}, "not a table"),
        ({"row_shares": ...}, "Still to do: row_shares"),
        ({"most_confused": ...}, "Still to do: most_confused"),
        ({"most_confused": ("cat", "dog")}, "swapped"),
        ({"most_confused": (5, 3)}, "I expected names"),
        ({"most_confused": (2, 3)}, "Another pair"),
        ({"most_confused": ("cat", "deer")}, "happens 4 times. Another pair"),
        ({"most_confused": ("dog", "dog")}, "no mistake"),
        ({"most_confused": "dog"}, "names of two classes"),
        ({"most_confused": ("dog", "wolf")}, "names of two classes"),
        ({"most_confused": 0.35}, "names of two classes"),
    ],
)
def test_mistakes_in_the_confusions(change, says):
    result = judge(confusion, **RIGHT | change)
    assert result.points == 1, result
    assert says in result.saw
    assert result.try_next


def test_rows_divided_by_the_sums_of_others():
    """Without keepdims; it shows only where classes have different sizes."""
    labels = np.repeat(np.arange(10), np.arange(5, 15))
    scores = np.full((len(labels), 10), 0.05)
    scores[np.arange(len(labels)), np.where(np.arange(len(labels)) % 4, labels, 0)] = 0.55
    reference = Reference(scores, labels, CLASS_NAMES)
    counts = confusion_matrix(labels, reference.predicted)
    pair = ("truck", "airplane")
    for rows, says in (
        (counts / counts.sum(axis=1), "sums of other rows"),
        (counts / counts.sum(axis=1, keepdims=True), "sums to 1"),
    ):
        result = confusion(evidence(row_shares=rows, most_confused=pair), reference)
        assert says in result.saw


# --- Step 3 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ends",
    [
        WILSON,
        [float(end) for end in WILSON],
        np.round(WILSON, 2),
        [100 * float(end) for end in WILSON],
        WILSON[::-1],
        {"low": float(WILSON[0]), "high": float(WILSON[1])},
        list(binomtest(12, 40).proportion_ci()),
    ],
)
@pytest.mark.parametrize("yes", [True, "yes", 1, np.bool_(True)])
def test_every_form_of_an_interval(ends, yes):
    result = judge(interval, interval=ends, more_than_chance=yes)
    assert (result.points, result.try_next) == (2, ""), result


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"interval": analysis.wilson(HITS.sum(), 400)}, "all classes together"),
        ({"interval": analysis.wilson(28, 40)}, "that of the wrong answers"),
        ({"interval": analysis.wilson(12, 400)}, "divides by all pictures"),
        ({"interval": analysis.wilson(39, 40)}, "that of airplane. The hardest class is dog"),
        ({"interval": (0.1, 0.9)}, "does not fit"),
        ({"interval": 0.3}, "not a pair"),
        ({"interval": (np.nan, 0.3)}, "not a pair"),
        ({"interval": ...}, "Still to do: interval"),
        ({"more_than_chance": ...}, "Still to do: more_than_chance"),
        ({"more_than_chance": False}, "is False. But the p-value is below 0.0001"),
        ({"more_than_chance": "perhaps"}, "neither True nor False"),
    ],
)
def test_mistakes_in_the_interval(change, says):
    result = judge(interval, **RIGHT | change)
    assert result.points == 1, result
    assert says in result.saw
    assert result.try_next


def few_apart(worst, second):
    """A reference in which two classes of 40 have so many right, and all others all."""
    hits = np.full(10, 40)
    hits[[5, 3]] = worst, second
    said = np.concatenate([[k] * h + [(k + 1) % 10] * (40 - h) for k, h in enumerate(hits)])
    return Reference(np.eye(10)[said], LABELS, CLASS_NAMES)


@pytest.mark.parametrize(
    ("worst", "second", "allowed"),
    [(30, 30, {False}), (30, 33, {False}), (20, 29, {True, False}), (10, 30, {True})],
)
def test_chance(worst, second, allowed):
    """Near the border of 0.05 both answers are right."""
    reference = few_apart(worst, second)
    ends = analysis.wilson(worst, 40)
    for answer in (True, False):
        given = evidence(interval=ends, more_than_chance=answer)
        assert interval(given, reference).points == 1 + (answer in allowed)


def test_every_tie_for_the_hardest_counts():
    for total in (40, 40.0):
        given = evidence(interval=analysis.wilson(30, int(total)), more_than_chance=False)
        assert interval(given, few_apart(30, 30)).points == 2


# --- Step 4 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "points", "says"),
    [
        (SIX.tolist(), 2, "the 6 surest of 53 mistakes"),
        (SIX[::-1].astype(float), 2, "the 6 surest"),
        (np.flatnonzero(HITS)[:6], 1, "6 pictures are predicted right"),
        (ORDER[-6:], 1, "least sure"),
        (ORDER, 1, "holds 53 pictures. I expected 6"),
        (ORDER[:3], 1, "holds 3 pictures. I expected 6"),
        (ORDER[3:9], 1, "lacks 3 pictures"),
        (np.argsort(-CONFIDENCE[WRONG])[:6], 1, "holds places"),
        (CONFIDENCE[SIX], 1, "something else"),
        ([400, 1], 1, "something else"),
        (~HITS, 1, "not a list of picture numbers"),
        ("all", 1, "not a list of picture numbers"),
    ],
)
def test_numbers_of_sure_mistakes(numbers, points, says):
    result = judge(sure_wrong, shown(SIX), sure_wrong=numbers)
    assert result.points == points, result
    assert says in result.saw
    assert bool(result.try_next) == (points < 2)


@pytest.mark.parametrize(
    ("cells", "points", "says"),
    [
        (shown(SIX), 2, "You showed 6 of them"),
        (shown(SIX[2:5]), 2, "You showed 3 of them"),
        (shown(SIX[:2]), 1, "Only 2 of them are on the screen"),
        (shown(SIX[:1]), 1, "One of them is on the screen"),
        (shown(ORDER[-3:]), 1, "None of them is on the screen"),
        (shown(SIX, "{} {}"), 1, "not say what was predicted"),
        (shown(SIX, "True: {}, Pred: {}"), 1, "not say what was predicted"),
        ([], 1, "None of them"),
    ],
)
def test_what_is_shown(cells, points, says):
    result = judge(sure_wrong, cells, sure_wrong=SIX)
    assert result.points == points, result
    assert says in result.saw


def test_equal_confidences_may_come_in_any_order():
    scores = np.eye(10)[np.where(np.arange(400) % 20, LABELS, (LABELS + 1) % 10)]
    reference = Reference(scores, LABELS, CLASS_NAMES)
    assert len(reference.wrong) == 20
    assert sure_wrong(evidence(sure_wrong=reference.wrong[-6:]), reference).points == 1


def test_a_model_with_few_mistakes_or_none():
    scores = np.eye(10)[LABELS]
    assert sure_wrong(evidence(), Reference(scores, LABELS, CLASS_NAMES)).points == 2
    scores[7] = np.eye(10)[3]
    reference = Reference(scores, LABELS, CLASS_NAMES)
    cells = [Cell("a", [Shown(7, "Pred: cat, True: airplane")])]
    assert sure_wrong(evidence(cells, sure_wrong=[7]), reference).points == 2


# --- Step 5 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "error"),
    [
        (SURE_ACCURACY, ECE),
        (round(SURE_ACCURACY, 2), round(ECE, 2)),
        (f"{SURE_ACCURACY:.1%}", f"{100 * ECE:.1f} %"),
        (100 * SURE_ACCURACY, np.float32(ECE)),
        ([SURE_ACCURACY], np.array([ECE])),
    ],
)
def test_every_form_of_the_two_numbers(share, error):
    result = judge(calibration, sure_accuracy=share, ece=error)
    assert (result.points, result.try_next) == (2, ""), result


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sure_accuracy": HITS.mean()}, "accuracy of all pictures"),
        ({"sure_accuracy": 1 - SURE_ACCURACY}, "share of mistakes"),
        ({"sure_accuracy": (CONFIDENCE >= 0.9).mean()}, "of which it is sure"),
        ({"sure_accuracy": (CONFIDENCE >= 0.9)[HITS].mean()}, "among the right ones"),
        ({"sure_accuracy": HITS[CONFIDENCE < 0.9].mean()}, "where it is not sure"),
        ({"sure_accuracy": int(HITS[CONFIDENCE >= 0.9].sum())}, "a count"),
        ({"sure_accuracy": 0.123}, "not right to two decimals"),
        ({"sure_accuracy": HITS}, "not a number"),
        ({"sure_accuracy": ...}, "Still to do: sure_accuracy"),
        ({"ece": GAPS @ WEIGHTS}, "which cancel out"),
        ({"ece": -GAPS @ WEIGHTS}, "which cancel out"),
        ({"ece": abs(GAPS).max()}, "That is the MCE"),
        ({"ece": abs(GAPS).mean()}, "plain mean"),
        ({"ece": abs(GAPS).sum()}, "plain sum"),
        ({"ece": 400 * ECE}, "weighted by counts"),
        ({"ece": 0.5}, "does not fit the 15 bins"),
        ({"ece": abs(GAPS) * WEIGHTS}, "one number for each bin"),
        ({"ece": "small"}, "not a number"),
        ({"ece": ...}, "Still to do: ece"),
    ],
)
def test_mistakes_in_the_two_numbers(change, says):
    result = judge(calibration, **RIGHT | change)
    assert result.points == 1, result
    assert says in result.saw
    assert result.try_next


def test_a_model_that_is_never_sure():
    scores = np.full((400, 10), 0.05)
    scores[np.arange(400), PREDICTED] = 0.55
    reference = Reference(scores, LABELS, CLASS_NAMES)
    given = evidence(sure_accuracy=float("nan"), ece=float(analysis.ece(scores, LABELS)))
    assert calibration(given, reference).points == 2


def test_the_error_is_that_of_the_analysis():
    rng = np.random.default_rng(4)
    for sharpness in (0.3, 1, 3):
        scores = np.exp(rng.normal(size=(400, 10)) * sharpness)
        scores /= scores.sum(axis=1, keepdims=True)
        error = float(analysis.ece(scores, LABELS))
        given = evidence(sure_accuracy=0.0, ece=error)
        result = calibration(given, Reference(scores, LABELS, CLASS_NAMES))
        assert f"ECE is {error:.3f}" in result.saw


# --- Anything at all ---------------------------------------------------------------------

WEIRD = [
    *ANYTHING, 0.5, -0.5, 10**30, True, "cat dog bird", "____", [[]], [[1, 2], [3]], [None, "cat"],
    {"cat": 1}, {None: None}, {1: "a", 2: "b"}, np.zeros(0), np.zeros((10, 10)), np.zeros((3, 4)),
    np.full(400, np.nan), np.full((10, 10), np.inf), np.array(["cat"]), np.arange(400),
    np.array(5), object(), (np.nan, np.nan), ("dog", 3), [2.5, -1],
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_nothing_raises(name):
    one = Reference(SCORES[:1], LABELS[:1], CLASS_NAMES)
    for value in WEIRD:
        for reference in (REFERENCE, one):
            given = evidence(shown(SIX[:0]), **RIGHT | {name: value})
            for check in CHECKS.values():
                result = check.judge(given, reference)
                assert 0 <= result.points <= check.points
                assert result.saw
