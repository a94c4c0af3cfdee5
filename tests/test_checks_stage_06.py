"""The checks of Stage 6 as pure functions, on small cases worked out by hand."""

import time

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, top_k_accuracy_score

from course_utils.checks import STAGES
from course_utils.checks.numbers import as_number
from course_utils.checks.stage_06 import (
    NAMES,
    f1_by_class,
    fair_scores,
    gap_and_save,
    log_losses,
    open_test,
    predict_score,
    top_scores,
)
from course_utils.evidence import Evidence, Reference, Unreadable, plain
from course_utils.practice import CLASS_NAMES
from tests.anything import ANYTHING

# Sixty test pictures, made so that the scores differ clearly from one another.
RNG = np.random.default_rng(3)
LABELS = np.repeat(np.arange(10), [1, 2, 3, 4, 5, 6, 7, 8, 9, 15])
LOGITS = RNG.normal(size=(60, 10)) * 2
LOGITS[np.arange(60), LABELS] += 3.5
SCORES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
CHOSEN = SCORES.argmax(axis=1)
TOP1 = float((CHOSEN == LABELS).mean())
TOP3 = float(top_k_accuracy_score(LABELS, SCORES, k=3))
MACRO = float(f1_score(LABELS, CHOSEN, average="macro"))
LOSS = float(log_loss(LABELS, SCORES))
SCORE = {"top1": TOP1, "top3": TOP3, "macro_f1": MACRO, "log_loss": LOSS}
OPENED = {"openings": ["2026-01-05 10:00"]}
SAVED = OPENED | {"saved": {"score", "predictions"}, "score": SCORE}

# Forty validation pictures, thirty of them right.
Y_VAL = np.eye(10, dtype=np.float32)[np.arange(40) % 10]
VAL_PREDICTIONS = np.where(np.arange(40)[:, None] < 30, Y_VAL, Y_VAL[:, ::-1])
HISTORY = {name: [1.0, 0.75] for name in ("loss", "val_loss", "accuracy", "val_accuracy")}
GAP = TOP1 - 0.75
LUCK = 1.96 * (0.75 * 0.25 / 40) ** 0.5


def reference(**work):
    return Reference(SCORES, LABELS, CLASS_NAMES, work=work)


def judge(check, work=OPENED, **values):
    given = {"history": HISTORY, "y_val": Y_VAL, "val_predictions": VAL_PREDICTIONS} | values
    found = Evidence(6, [], {name: plain(value) for name, value in given.items()})
    return check(found, reference(**work))


def test_the_numbers_differ_from_one_another():
    numbers = [TOP1, TOP3, MACRO, 1 - TOP1, 0.75, 1 - TOP3]
    assert min(abs(a - b) for i, a in enumerate(numbers) for b in numbers[:i]) > 0.011


# --- Step 1 ------------------------------------------------------------------------------


@pytest.mark.parametrize("accuracy", [0.75, 0.754, 75, "75 %", np.float32(0.75), [0.75]])
@pytest.mark.parametrize("guess", [0.7, 70, "70%", 0, 1, np.float64(0.7)])
def test_a_guess_from_validation(accuracy, guess):
    result = judge(predict_score, work={}, val_accuracy=accuracy, score_guess=guess)
    assert (result.points, result.try_next) == (2, "")


@pytest.mark.parametrize(
    ("values", "points", "says"),
    [
        ({"val_accuracy": 0.25}, 1, "share of mistakes"),
        ({"val_accuracy": 0.5}, 1, "does not fit your validation pile"),
        ({"val_accuracy": "high"}, 1, "not a number"),
        ({"val_accuracy": VAL_PREDICTIONS[:, 0] > 0}, 1, "not a number"),
        ({"val_accuracy": ...}, 1, "Still to do: val_accuracy"),
        ({"score_guess": ...}, 1, "Still to do: score_guess"),
        ({"score_guess": "good"}, 1, "not a share"),
        ({"score_guess": 700}, 1, "not a share"),
        ({"score_guess": -0.5}, 1, "not a share"),
        ({"score_guess": 0.2}, 2, "far from your validation accuracy"),
    ],
)
def test_a_guess_that_is_not_ready(values, points, says):
    result = judge(predict_score, **({"val_accuracy": 0.75, "score_guess": 0.7} | values))
    assert (result.points, says in result.saw) == (points, True), result


def test_without_predictions_the_history_tells():
    result = judge(predict_score, val_predictions=..., val_accuracy=0.75, score_guess=0.7)
    assert result.points == 2


def test_another_model_in_grading_does_not_cost_a_point():
    """The answers for validation then come from the course's model; the number was typed."""
    history = HISTORY | {"val_accuracy": [0.5, 0.62]}
    for accuracy in (0.75, 0.62):
        result = judge(predict_score, history=history, val_accuracy=accuracy, score_guess=0.6)
        assert result.points == 2


@pytest.mark.parametrize(
    "truth",
    [
        np.eye(10),
        np.eye(10)[np.arange(40) % 10],  # of the right size, and all of it right
        np.eye(10)[np.zeros(40, int)],
        np.ones((40, 10)),
        np.eye(10)[np.arange(10_000) % 10],
    ],
)
def test_labels_of_ones_own_are_not_the_validation_pile(truth):
    """The check knows how good the model is: by its history and on the test pictures."""
    values = {"y_val": truth, "val_predictions": truth, "history": {"val_accuracy": [1.0]}}
    work = SAVED | {"history": HISTORY | {"val_accuracy": [0.5, 0.75]}}
    result = judge(predict_score, work, **values, val_accuracy=1, score_guess=0.5)
    assert (result.points, "does not fit your validation pile" in result.saw) == (1, True)
    for luck in (0, 0.0001):
        result = judge(gap_and_save, work, **values, val_accuracy=1, gap=TOP1 - 1, luck=luck)
        assert result.points == 1
    honest = {"val_accuracy": 0.75, "gap": GAP, "luck": LUCK}
    assert judge(gap_and_save, work, **values | honest).points >= 2


def test_a_history_of_other_epochs_does_not_cost_a_point():
    work = {"history": {"val_accuracy": [0.2, 0.74, 0.3]}}  # the best epoch was brought back
    assert judge(predict_score, work, val_accuracy=0.75, score_guess=0.7).points == 2


def test_divided_pixels():
    spoiled = np.tile(np.eye(10)[0], (40, 1))  # always airplane: 0.10 right
    result = judge(predict_score, val_predictions=spoiled, val_accuracy=0.1, score_guess=0.7)
    assert (result.points, "hardly better" in result.saw) == (1, True)


# --- Step 2 ------------------------------------------------------------------------------

PILE = {"x_test": np.zeros((60, 2, 2, 3), np.uint8), "y_test": np.eye(10)[LABELS]}


@pytest.mark.parametrize("scores", [SCORES, SCORES.astype(np.float32), SCORES.tolist()])
def test_an_opened_seal(scores):
    result = judge(open_test, test_predictions=scores, **PILE)
    assert (result.points, "once" in result.saw) == (1, True)


def test_in_grading_the_times_may_be_missing():
    assert judge(open_test, {"openings": []}, test_predictions=SCORES, **PILE).points == 1


def test_a_second_opening_is_pointed_out_and_not_punished():
    twice = {"openings": ["2026-01-05 10:00", "2026-01-06 09:00"]}
    result = judge(open_test, twice, test_predictions=SCORES, **PILE)
    assert result.points == 1
    assert "opened 2 times" in result.saw
    result = judge(gap_and_save, SAVED | twice, gap=GAP, luck=LUCK)
    assert result.points == 3
    assert "opened 2 times" in result.saw


@pytest.mark.parametrize(
    ("values", "work", "says"),
    [
        ({"x_test": ..., "y_test": ..., "test_predictions": ...}, OPENED, "Still to do: x_test"),
        ({}, {}, "still closed"),
        ({"test_predictions": ...}, OPENED, "Still to do: test_predictions"),
        ({"x_test": (PILE["x_test"], PILE["y_test"])}, OPENED, "two things"),
        ({"test_predictions": CHOSEN}, OPENED, "has shape (60,)"),
        ({"test_predictions": SCORES[:5]}, OPENED, "has shape (5, 10)"),
        ({"test_predictions": "scores"}, OPENED, "not an array"),
        ({"test_predictions": SCORES[:, ::-1]}, OPENED, "not this model's answers"),
    ],
)
def test_a_seal_that_is_not_used(values, work, says):
    result = judge(open_test, work, **(PILE | {"test_predictions": SCORES} | values))
    assert (result.points, says in result.saw) == (0, True), result


# --- Steps 3 and 4 ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", [float, np.float64, lambda n: 100 * n, lambda n: f"{n:.1%}"])
def test_right_shares(form):
    result = judge(top_scores, test_top1=form(TOP1), test_top3=form(TOP3))
    assert (result.points, result.try_next) == (2, "")
    result = judge(fair_scores, test_macro_f1=form(MACRO), test_log_loss=np.float32(LOSS))
    assert (result.points, result.try_next) == (2, "")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"test_top1": 1 - TOP1}, "share of mistakes"),
        ({"test_top1": TOP3}, "the top-3 accuracy"),
        ({"test_top1": 0.75}, "your validation accuracy"),
        ({"test_top1": round(60 * TOP1)}, "counts pictures"),
        ({"test_top1": 0.01}, "not right to two decimals"),
        ({"test_top1": f1_score}, "is a function"),
        ({"test_top1": ...}, "Still to do: test_top1"),
        ({"test_top3": TOP1}, "the top-1 accuracy"),
        ({"test_top3": top_k_accuracy_score(LABELS, SCORES, k=2)}, "top-2"),
        ({"test_top3": top_k_accuracy_score(LABELS, SCORES, k=5)}, "top-5"),
        ({"test_top3": 1 - TOP3}, "outside the top three"),
        ({"test_top3": [0.5, 0.6]}, "not one number"),
    ],
)
def test_wrong_top_scores(values, says):
    result = judge(top_scores, **({"test_top1": TOP1, "test_top3": TOP3} | values))
    assert (result.points, says in result.saw) == (1, True), result
    assert result.try_next


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"test_macro_f1": TOP1}, "the top-1 accuracy"),
        ({"test_macro_f1": f1_score(LABELS, CHOSEN, average=None)}, "ten values"),
        ({"test_macro_f1": ...}, "Still to do: test_macro_f1"),
        ({"test_log_loss": ...}, "Still to do: test_log_loss"),
        ({"test_log_loss": -LOSS}, "minus sign"),
        ({"test_log_loss": LOSS / np.log(2)}, "another logarithm"),
        ({"test_log_loss": LOSS / np.log(10)}, "another logarithm"),
        ({"test_log_loss": LOSS * 60}, "the sum"),
        ({"test_log_loss": -np.log(SCORES.max(axis=1)).mean()}, "predicted class"),
        ({"test_log_loss": 17}, "not the log loss"),
        ({"test_log_loss": "low"}, "not a number"),
        ({"test_log_loss": log_loss}, "is a function"),
    ],
)
def test_wrong_fair_scores(values, says):
    result = judge(fair_scores, **({"test_macro_f1": MACRO, "test_log_loss": LOSS} | values))
    assert (result.points, says in result.saw) == (1, True), result
    assert result.try_next


def test_the_checks_compute_what_scikit_learn_does():
    assert f1_by_class(reference()) == pytest.approx(f1_score(LABELS, CHOSEN, average=None))
    assert log_losses(reference())[0] == pytest.approx(LOSS, abs=1e-12)


def test_a_class_that_is_never_chosen_has_no_f1():
    scores = np.eye(10)[np.where(CHOSEN == 4, 5, CHOSEN)]
    each = f1_by_class(Reference(scores, LABELS, CLASS_NAMES))
    assert each[4] == 0
    assert np.isfinite(each).all()


def test_log_loss_of_sure_mistakes_may_be_cut_off_as_float32_does():
    scores = np.full((60, 10), 1e-12)
    scores[np.arange(60), LABELS] = 1
    scores[0] = np.eye(10)[5]  # picture 0 is an airplane
    exact, cut = -np.log([2.220446e-16, 1.1920929e-7]) / 60
    for number, points, rough in ((exact, 1, False), (cut, 1, True), (0.4, 0, False)):
        found = Evidence(6, [], {"test_log_loss": float(number)})
        result = fair_scores(found, Reference(scores, LABELS, CLASS_NAMES, work=OPENED))
        assert (result.points, "float64" in result.saw) == (points, rough)


def test_equal_scores_can_be_ordered_either_way():
    scores = np.full((60, 10), 0.1)
    tied = Reference(scores, LABELS, CLASS_NAMES, work=OPENED)
    for top3, points in ((1.0, 1), (0.3, 1), (0.0, 1)):
        found = Evidence(6, [], {"test_top3": top3})
        assert top_scores(found, tied).points == points


def test_a_closed_seal_comes_first():
    for check in (top_scores, fair_scores, gap_and_save):
        result = judge(check, {}, test_top1=TOP1, test_log_loss=LOSS, gap=GAP)
        assert (result.points, "still closed" in result.saw) == (0, True)


# --- Step 5 ------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [GAP, GAP + 0.004, 100 * GAP, f"{GAP:.1%}"])
@pytest.mark.parametrize(
    "luck",
    [LUCK, round(LUCK, 2), 100 * LUCK, 1.96 * (TOP1 * (1 - TOP1) / 60) ** 0.5],
)
def test_a_gap(gap, luck):
    result = judge(gap_and_save, SAVED, gap=gap, luck=luck)
    assert (result.points, result.try_next) == (3, ""), result


def test_the_verdict_on_luck():
    assert "The gap can be luck" in judge(gap_and_save, SAVED, gap=GAP, luck=LUCK).saw
    history = HISTORY | {"val_accuracy": [0.1, 0.2]}
    work = {"val_predictions": VAL_PREDICTIONS[::-1] * 0, "history": history}
    luck = 1.96 * (0.2 * 0.8 / 40) ** 0.5
    result = judge(gap_and_save, SAVED, gap=TOP1 - 0.2, luck=luck, **work)
    assert "The gap is larger" in result.saw


@pytest.mark.parametrize(
    ("values", "work", "points", "says"),
    [
        ({"gap": -GAP}, {}, 2, "other sign"),
        ({"gap": 0.5}, {}, 2, "I expected test accuracy minus validation accuracy"),
        ({"gap": "none"}, {}, 2, "not a number"),
        ({"gap": ...}, {}, 2, "Still to do: gap"),
        ({"luck": 0.5}, {}, 2, "not the swing"),
        ({"luck": LUCK / 1.96}, {}, 2, "not the swing"),
        ({"luck": ...}, {}, 2, "Still to do: luck"),
        ({}, {"saved": {"score"}}, 2, "Still to save: predictions"),
        ({}, {"saved": set()}, 2, "Still to save: score and predictions"),
        ({}, {"score": SCORE | {"top1": 0.1}}, 2, "top1 in it is missing or old"),
        ({}, {"score": {"top1": TOP1}}, 2, "macro_f1 and log_loss in it are missing"),
        ({}, {"score": 1}, 2, "no dictionary"),
        ({}, {"score": [TOP1, TOP3, MACRO, LOSS]}, 2, "no dictionary"),
        ({}, {"predictions": np.array(1)}, 2, "not the ten scores"),
        ({}, {"predictions": SCORES}, 3, "are saved"),
        ({"gap": ..., "luck": ...}, {"saved": set()}, 0, "Still to do: gap and luck"),
        ({"gap": ..., "luck": ...}, {}, 1, "are saved"),
    ],
)
def test_an_end_that_is_not_ready(values, work, points, says):
    result = judge(gap_and_save, SAVED | work, **({"gap": GAP, "luck": LUCK} | values))
    assert (result.points, says in result.saw) == (points, True), result


# --- Whatever a student writes ---------------------------------------------------------------

WEIRD = [
    *ANYTHING,
    {"loss": "x", "val_accuracy": [None]},
    {"val_accuracy": [float("nan")]},
    np.zeros(0),
    np.zeros((0, 10)),
    np.zeros((40, 3)),
    np.full((60, 10), np.nan),
    np.array([True, False]),
    np.array(3),
    SCORES,
    Unreadable("function"),
]
WORKS = [{}, OPENED, {"openings": [], "saved": set()}, SAVED, SAVED | {"score": {"top1": "x"}}]


@pytest.mark.parametrize("name", [*NAMES, "all"])
def test_no_value_stops_a_check(name):
    right = {"history": HISTORY, "y_val": Y_VAL, "val_predictions": VAL_PREDICTIONS}
    for value in WEIRD:
        values = right | {key: value for key in NAMES if name in (key, "all")}
        for check in STAGES[6].values():
            for work in WORKS:
                result = check.judge(Evidence(6, [], values), reference(**work))
                assert 0 <= result.points <= check.points
                assert result.saw
                assert (result.points == check.points) == (result.try_next == "")


@pytest.mark.parametrize("text", ["1" * 50_000 + "x", "1" + " " * 50_000 + "x", " " * 50_000])
def test_a_long_text_is_soon_known_to_be_no_number(text):
    began = time.process_time()
    assert as_number(text) is None
    assert time.process_time() - began < 1
