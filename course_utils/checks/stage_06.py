"""The checks of Stage 6, Open the sealed test."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.checks import deeper_06
from course_utils.checks.numbers import as_number, curves_of, shares
from course_utils.checks.result import Check, Result
from course_utils.checks.sentences import join
from course_utils.checks.values import as_array
from course_utils.evidence import Evidence, Reference, Unreadable

NAMES = (
    "history",
    "y_val",
    "val_predictions",
    "val_accuracy",
    "score_guess",
    "x_test",
    "y_test",
    "test_predictions",
    "test_top1",
    "test_top3",
    "test_macro_f1",
    "test_log_loss",
    "gap",
    "luck",
    *deeper_06.NAMES,
)

# What grading needs, since it has the notebook alone.
RECORDS = {
    "predict_score": {"val_predictions": "val_predictions", "piles": None, "history": None},
    "open_test": {"predictions": None, "openings": None},
}

_ROUNDED = 0.0051  # a number with two decimals
_SAME = 0.999  # of two machines' answers; see Stage 7
_GUESSING = 0.2  # an accuracy below is hardly better than guessing
_FAR = 0.2  # between a model's accuracies on two piles that it has not learned from
_SMALLEST, _LARGEST = 0.05, 2.5  # the size of a validation pile, in parts of the test pile


# --- Step 1 ------------------------------------------------------------------------------


def predict_score(evidence: Evidence, reference: Reference) -> Result:
    """The accuracy on the validation pile, and a guess of the test score made from it."""
    names = ("val_predictions", "val_accuracy", "score_guess")
    if blank := _all_blank(evidence, names):
        return blank
    right = _validation_accuracies(evidence, reference)
    given, guesses = (shares(evidence.values.get(name)) for name in names[1:])
    notes = []
    predictions = as_array(evidence.values.get("val_predictions"))
    if evidence.values.get("val_accuracy") is None:
        notes.append(Result(0, "Still to do: val_accuracy.", "Which share is predicted right?"))
    elif not given:
        saw = "val_accuracy is not a number."
        notes.append(Result(0, saw, "Use .mean() on the comparison: it gives one number."))
    elif right and _near(given, right):
        notes.append(Result(1, f"val_accuracy is {right[0]:.3f}."))
    elif right and _near(given, [1 - share for share in right]):
        saw = "val_accuracy is the share of mistakes."
        notes.append(Result(0, saw, "Use == in place of != to count what is right."))
    elif given[0] < _GUESSING:
        saw = f"val_accuracy is {given[0]:.3f}: hardly better than guessing."
        notes.append(Result(0, saw, "Give model.predict the pictures as they are: x_val."))
    else:
        shape = "" if predictions is None else f" val_predictions has shape {predictions.shape}."
        if (
            evidence.values.get("y_val") is not None
            and _validation_labels(evidence, reference) is None
        ):
            shape = " y_val does not hold the labels of a validation pile any more."
        notes.append(
            Result(
                0,
                f"val_accuracy is {given[0]:.3f}. That does not fit your validation pile.{shape}",
                "Predict all of x_val, then compare argmax(axis=1) of both: of the predictions "
                "and of y_val.",
            )
        )
    if evidence.values.get("score_guess") is None:
        notes.append(Result(0, "Still to do: score_guess.", "Guess the test accuracy: a number."))
    elif any(0 <= guess <= 1 for guess in guesses):
        guess = next(guess for guess in guesses if 0 <= guess <= 1)
        far = right and abs(guess - right[0]) > 0.15
        extra = " That is far from your validation accuracy. Let us see!" if far else ""
        notes.append(Result(1, f"You guess {guess:.2f} for the test.{extra}"))
    else:
        saw = "score_guess is not a share from 0 to 1."
        notes.append(Result(0, saw, "Write a number such as 0.5. 50 (percent) counts as well."))
    return _together(notes)


def _validation_accuracies(evidence: Evidence, reference: Reference) -> list[float]:
    """The right validation accuracy: of the student's predictions, and as the history says.

    In grading the two can differ, when the model itself is not at hand and another one answers
    for the validation pictures. A grader does not know the validation pile. So an accuracy counts
    if it comes near to what is known: to one of the history, or to that on the test pictures.
    """
    curves = curves_of(reference.work.get("history")) or curves_of(evidence.values.get("history"))
    curve = curves.get("val_accuracy")
    found = [curve[-1]] if curve else []
    predictions = as_array(evidence.values.get("val_predictions"))
    truth = _validation_labels(evidence, reference)
    if predictions is None or truth is None:
        return found
    if predictions.ndim == 2 and predictions.shape[1] == truth.shape[1]:
        predictions = predictions.argmax(axis=1)
    if predictions.shape != truth.shape[:1]:
        return found
    own = float((predictions == truth.argmax(axis=1)).mean())
    spoiled = own < _GUESSING < max(found, default=0)  # such as from pixels divided by 255
    likely = any(abs(own - known) <= _FAR for known in (*(curve or ()), _top(reference, 1)))
    return [own, *found] if likely and not spoiled else found


def _validation_labels(evidence: Evidence, reference: Reference) -> np.ndarray | None:
    """y_val, if it may be the labels of a validation pile: one-hot, and some of every class."""
    truth = as_array(evidence.values.get("y_val"))
    if truth is None or truth.ndim != 2 or truth.shape[1] != len(reference.class_names):
        return None
    counts = truth.sum(axis=0)
    one_hot = np.isin(truth, (0, 1)).all() and (truth.sum(axis=1) == 1).all()
    mixed = counts.min() > 0 and counts.max() <= len(truth) / 2
    return truth if one_hot and mixed and _is_sensible(len(truth), reference) else None


def _is_sensible(size: int, reference: Reference) -> bool:
    return _SMALLEST <= size / max(1, len(reference.labels)) <= _LARGEST


# --- Step 2 ------------------------------------------------------------------------------


def open_test(evidence: Evidence, reference: Reference) -> Result:
    """The seal is opened, and the model has answered for every test picture."""
    names = ("x_test", "y_test", "test_predictions")
    if blank := _all_blank(evidence, names):
        return blank
    if not _is_open(reference):
        return Result(
            0,
            "The seal is still closed. Nobody has opened it with cu.open_seal().",
            "Write x_test, y_test = cu.open_seal() and run the cell.",
        )
    if isinstance(evidence.values.get("x_test"), list):
        return Result(
            0,
            "x_test holds two things: the pictures and their labels.",
            "Write both names before the = sign: x_test, y_test = ...",
        )
    missing = [name for name in names if evidence.values.get(name) is None]
    if missing:
        return Result(
            0,
            f"The seal is open. Still to do: {join(missing)}.",
            "Ask the model for the scores of x_test, as you did for x_val.",
        )
    predictions = as_array(evidence.values["test_predictions"])
    expected = reference.probabilities
    if predictions is None or predictions.shape != expected.shape:
        kind = "is not an array of numbers"
        if predictions is not None:
            kind = f"has shape {predictions.shape}"
        return Result(
            0,
            f"test_predictions {kind}. I expected {len(expected)} rows with 10 scores each.",
            "Use model.predict(x_test, verbose=0), without argmax. The scores are needed later.",
        )
    if (predictions.argmax(axis=1) == reference.predicted).mean() < _SAME:
        return Result(
            0,
            "test_predictions are not this model's answers for x_test.",
            "Give model.predict the test pictures as they are: x_test. Do not divide them.",
        )
    return Result(1, f"The model has answered for {len(expected)} test pictures.{_note(reference)}")


def _is_open(reference: Reference) -> bool:
    return reference.work.get("openings") is not None  # in grading the list may be empty


def _note(reference: Reference) -> str:
    """What is said of more than one opening: a note, no punishment."""
    openings = len(reference.work.get("openings") or ())
    if openings < 2:
        return " You opened the seal once. That is how it should be."
    return (
        f" The seal was opened {openings} times. That costs no points. But tell it in your "
        "report: a test that is used again and again to choose a model is no test any more."
    )


# --- Steps 3 and 4 ---------------------------------------------------------------------------


def top_scores(evidence: Evidence, reference: Reference) -> Result:
    """Top-1 and top-3 accuracy on the test pictures."""
    names = ("test_top1", "test_top3")
    if blank := _all_blank(evidence, names):
        return blank
    if closed := _closed(reference):
        return closed
    top1, top3 = _top(reference, 1), _top(reference, 3)
    mistaken = [
        (1 - top1, "the share of mistakes", "Compare with ==, not with !=."),
        (top3, "the top-3 accuracy", "For top-1 only the first choice counts."),
    ]
    advice = "Use y_test and test_predictions."
    mistaken += [
        (v, "your validation accuracy", advice) for v in _validation_accuracies(evidence, reference)
    ]
    first = _judge_share(evidence, "test_top1", [top1], mistaken, reference)
    mistaken = [
        (top1, "the top-1 accuracy", "Say k=3, and give the ten scores of each picture."),
        (_top(reference, 2), "the top-2 accuracy", "Say k=3. Without it, k is 2."),
        (_top(reference, 5), "the top-5 accuracy", "Say k=3."),
        (1 - top3, "the share outside the top three", "Take 1 minus this."),
    ]
    # Equal scores can be ordered either way.
    right = [top3, _top(reference, 3, ties_first=False)]
    return _together([first, _judge_share(evidence, "test_top3", right, mistaken, reference)])


def fair_scores(evidence: Evidence, reference: Reference) -> Result:
    """Macro-F1 and log loss on the test pictures."""
    names = ("test_macro_f1", "test_log_loss")
    if blank := _all_blank(evidence, names):
        return blank
    if closed := _closed(reference):
        return closed
    each = f1_by_class(reference)
    macro = float(each.mean())
    value = as_array(evidence.values.get("test_macro_f1"))
    if value is not None and value.shape == each.shape:
        saw = "test_macro_f1 holds ten values, one for each class."
        fair = Result(0, saw, 'Macro means: their average. Say average="macro".')
    else:
        advice = 'Say average="macro". With "micro" you get the accuracy again.'
        mistaken = [(_top(reference, 1), "the top-1 accuracy", advice)]
        fair = _judge_share(evidence, "test_macro_f1", [macro], mistaken, reference)
    return _together([fair, _judge_log_loss(evidence, reference)])


def f1_by_class(reference: Reference) -> np.ndarray:
    """Return F1 of each class, ``2 TP / (2 TP + FP + FN)``; 0 where nothing is to be counted."""
    count = len(reference.class_names)
    hits = reference.predicted == reference.labels
    right = np.bincount(reference.labels[hits], minlength=count)
    both = np.bincount(reference.labels, minlength=count)
    both = both + np.bincount(reference.predicted, minlength=count)
    return 2 * right / np.maximum(both, 1)


def log_losses(reference: Reference) -> tuple[float, float]:
    """Return the mean of ``-ln p(true class)``, in float64 and as float32 cuts it off."""
    scores = np.asarray(reference.probabilities, np.float64)
    scores = scores / scores.sum(axis=1, keepdims=True)
    true = scores[np.arange(len(scores)), reference.labels]
    exact, cut = (-np.log(true.clip(least, 1)).mean() for least in (2.3e-16, 1.2e-7))
    return float(exact), float(cut)


def _judge_log_loss(evidence: Evidence, reference: Reference) -> Result:
    value = evidence.values.get("test_log_loss")
    if value is None:
        return Result(0, "Still to do: test_log_loss.", "Use log_loss, as in the hints.")
    number = as_number(value)
    if number is None:
        saw = "test_log_loss is not a number."
        if isinstance(value, Unreadable):
            saw = f"test_log_loss is a {value.kind}, not a number."
        return Result(0, saw, "Keep the one number that log_loss(...) gives.")
    exact, cut = log_losses(reference)
    if min(abs(number - exact), abs(number - cut)) <= _ROUNDED:
        rough = abs(number - exact) > _ROUNDED
        note = " (In float64 it is a little larger: turn the scores into float64.)" if rough else ""
        return Result(1, f"Log loss {exact:.3f}: lower is better, and guessing costs 2.303.{note}")
    predicted = reference.probabilities.max(axis=1).clip(2.3e-16)
    others = [
        (-exact, "the log loss with a minus sign", "Put a minus before the mean."),
        (exact / np.log(2), "the loss with another logarithm", "Use np.log, not np.log2."),
        (exact / np.log(10), "the loss with another logarithm", "Use np.log, not np.log10."),
        (
            float(-np.log(predicted).mean()),
            "made from the score of the predicted class",
            "Use the score of the true class: that is what log_loss does.",
        ),
        (exact * len(reference.labels), "the sum over all pictures", "Take the mean."),
    ]
    for wrong, what, advice in others:
        if abs(number - wrong) <= _ROUNDED:
            return Result(0, f"test_log_loss is {what}.", advice)
    return Result(
        0,
        f"test_log_loss is {number:.4g}, and that is not the log loss of this model.",
        "Give log_loss the true class numbers first, then the ten scores of each picture.",
    )


def _judge_share(
    evidence: Evidence,
    name: str,
    right: list[float],
    others: list[tuple[float, str, str]],
    reference: Reference,
) -> Result:
    """Compare a share with what is right, from the least to the most, then with mistakes."""
    value = evidence.values.get(name)
    if value is None:
        return Result(0, f"Still to do: {name}.", f"Which share is {name}? See the hints.")
    given = shares(value)
    if not given:
        kind = f"a {value.kind}" if isinstance(value, Unreadable) else "not one number"
        return Result(0, f"{name} is {kind}. I expected one number from 0 to 1.", "See the hints.")
    if any(min(right) - _ROUNDED <= one <= max(right) + _ROUNDED for one in given):
        return Result(1, f"{name} is {right[0]:.3f}.")
    for wrong, what, advice in others:
        if _near(given, [wrong]):
            return Result(0, f"{name} is {what}.", advice)
    if given[0] > 1 and _near([given[0] / len(reference.labels)], right):
        return Result(0, f"{name} counts pictures.", "Divide by the number of test pictures.")
    return Result(
        0,
        f"{name} is {given[0]:.4g}. That is not right to two decimals.",
        "Use y_test for the truth and test_predictions for the scores, in this order.",
    )


# --- Step 5 ------------------------------------------------------------------------------


def gap_and_save(evidence: Evidence, reference: Reference) -> Result:
    """Test minus validation accuracy, what luck alone can do, and the score is kept."""
    saved = set(reference.work.get("saved") or ())
    names = ("gap", "luck")
    if not saved & {"score", "predictions"} and (blank := _all_blank(evidence, names)):
        return blank
    if closed := _closed(reference):
        return closed
    top1, valid = _top(reference, 1), _validation_accuracies(evidence, reference)
    valid = valid or shares(evidence.values.get("val_accuracy"))
    valid = [share for share in valid if 0 <= share <= 1]
    if not valid:
        return Result(0, "There is no validation accuracy to compare with.", "Do Step 1 first.")
    gaps = [top1 - share for share in valid]
    notes = [
        _judge_gap(evidence.values.get("gap"), gaps),
        _judge_luck(evidence, gaps[0], valid, reference),
        _judge_saved(saved, reference, evidence),
    ]
    result = _together(notes)
    openings = len(reference.work.get("openings") or ())
    more = f" The seal was opened {openings} times: tell it in your report."
    return Result(result.points, result.saw + (more if openings > 1 else ""), result.try_next)


def _judge_gap(value: Any, right: list[float]) -> Result:
    if value is None:
        return Result(0, "Still to do: gap.", "Subtract: test accuracy minus validation accuracy.")
    given = shares(value)
    if _near(given, right):
        return Result(1, f"The gap is {right[0]:+.3f}.")
    if _near(given, [-one for one in right]):
        return Result(0, "Your gap has the other sign.", "Test minus validation, in this order.")
    shown = f"{given[0]:.4g}" if given else "not a number"
    return Result(
        0,
        f"gap is {shown}. I expected test accuracy minus validation accuracy.",
        "gap is test_top1 minus val_accuracy. Write both as shares, or both in percent.",
    )


def _judge_luck(evidence: Evidence, gap: float, valid: list[float], reference: Reference) -> Result:
    value = evidence.values.get("luck")
    if value is None:
        return Result(0, "Still to do: luck.", "Call luck_margin with the two numbers it needs.")
    given, truth = shares(value), as_array(evidence.values.get("y_val"))
    size = len(truth) if truth is not None and truth.ndim else 0
    sizes = [len(reference.labels), *([size] if _is_sensible(size, reference) else [])]
    squares = [
        [share * (1 - share) / max(1, size) for size in sizes]
        for share in [*valid, _top(reference, 1)]
    ]
    swings = [1.96 * part**0.5 for pair in squares for part in [*pair, sum(pair)]]
    for luck in given:
        if any(abs(luck - s) <= max(0.0006, s / 20) or luck == round(s, 2) for s in swings):
            verdict = (
                "can be luck" if abs(gap) <= luck else "is larger: luck alone rarely does that"
            )
            return Result(
                1, f"Luck alone moves a score by up to about {luck:.3f}. The gap {verdict}."
            )
    return Result(
        0,
        "luck is not the swing of this score.",
        "Give luck_margin the accuracy first, then the number of pictures: len(x_val).",
    )


def _judge_saved(saved: set[str], reference: Reference, evidence: Evidence) -> Result:
    missing = [name for name in ("score", "predictions") if name not in saved]
    if missing:
        saw = f"Still to save: {join(missing)}."
        return Result(0, saw, "Call cu.save(score=..., predictions=...), as in the hints.")
    score = reference.work.get("score")
    right = (_top(reference, 1), _top(reference, 3), float(f1_by_class(reference).mean()))
    if not isinstance(score, dict):
        saw = "The score is saved, but it is no dictionary with the four numbers."
        return Result(
            0, saw, 'Write score = {"top1": test_top1, ...} with all four. Then save it once more.'
        )
    wanted = dict(zip(("top1", "top3", "macro_f1"), right, strict=True))
    bad = [n for n, v in wanted.items() if n in score and not _near(shares(score[n]), [v])]
    bad += [name for name in ("top1", "top3", "macro_f1", "log_loss") if name not in score]
    if bad:
        saw = f"The score is saved, but {join(bad)} in it {'is' if len(bad) == 1 else 'are'} "
        return Result(0, f"{saw}missing or old.", "Run the cell with cu.save once more.")
    kept = as_array(reference.work.get("predictions"))  # the course's own are not kept again
    if kept is not None and kept.shape != reference.probabilities.shape:
        saw = "The saved predictions are not the ten scores of each test picture."
        return Result(0, saw, "Save test_predictions: cu.save(predictions=test_predictions).")
    return Result(1, "Score and predictions are saved.")


# --- Small helpers -------------------------------------------------------------------------


def _top(reference: Reference, k: int, ties_first: bool = True) -> float:
    """The share of pictures with the true class among the k largest scores."""
    if k == 1:
        return float((reference.predicted == reference.labels).mean())
    scores = np.asarray(reference.probabilities)
    own = scores[np.arange(len(scores)), reference.labels][:, None]
    ahead = (scores > own).sum(axis=1)
    if not ties_first:
        ahead = (scores >= own).sum(axis=1) - 1
    return float((ahead < k).mean())


def _near(given: list[float], expected: list[float]) -> bool:
    return any(abs(one - other) <= _ROUNDED for one in given for other in expected)


def _all_blank(evidence: Evidence, names: tuple[str, ...]) -> Result | None:
    if any(evidence.values.get(name) is not None for name in names):
        return None
    return Result(
        0, f"Still to do: {join(names)}.", "Replace each ... in the cell above and run it again."
    )


def _closed(reference: Reference) -> Result | None:
    if _is_open(reference):
        return None
    return Result(0, "The seal is still closed.", "Do Step 2 first. Then run this check again.")


def _together(notes: list[Result]) -> Result:
    """One result of several: all sentences, and the first advice that is still open."""
    return Result(
        sum(note.points for note in notes),
        " ".join(note.saw for note in notes),
        next((note.try_next for note in notes if note.try_next), ""),
    )


CHECKS = {
    "predict_score": Check(predict_score, 2),
    "open_test": Check(open_test, 1),
    "top_scores": Check(top_scores, 2),
    "fair_scores": Check(fair_scores, 2),
    "gap_and_save": Check(gap_and_save, 3),
}
DEEPER = {"deeper_calibration": Check(deeper_06.deeper_calibration, 1)}
