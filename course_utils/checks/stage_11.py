"""The checks of the first extra notebook, The evaluation report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from course_utils.checks.captions import captions_of
from course_utils.checks.numbers import as_number, says_yes, shares
from course_utils.checks.result import Check, Result
from course_utils.checks.sentences import counted, join, join_some, quoted
from course_utils.checks.values import accuracy_by_class, as_array
from course_utils.evidence import Evidence, Reference, Table, Unreadable
from course_utils.wording import names_in

NAMES = (
    "prob_pred",
    "prob_true",
    "correct",
    "row_shares",
    "most_confused",
    "interval",
    "more_than_chance",
    "sure_wrong",
    "sure_accuracy",
    "ece",
)
RECORDS = {"analysis_table": {"predictions": None, "history": None}}

Problem = tuple[str, str]  # what the check saw, and what to try next
_ROUNDED = 0.0051  # a number with two decimals
_SAME = 0.999  # of two machines' answers; see Stage 7
_CLOSE = 0.005  # between two machines' scores of one picture
SURE = 0.9  # from here on the model counts as sure
LEAST = 6  # pictures, where one in a hundred mistakes would be fewer
BINS = 15


def _answers_of(evidence: Evidence, names: Iterable[str], ask: str) -> Result | None:
    """The result for an answer that is all blank, else None."""
    names = list(names)
    if any(evidence.values.get(name) is not None for name in names):
        return None
    return Result(0, f"Still to do: {join(names)}.", ask)


def _together(parts: Iterable[tuple[float, str, str]]) -> Result:
    """One result of several: all sentences, and the first advice that is still open."""
    parts = list(parts)
    return Result(
        sum(points for points, _, _ in parts),
        " ".join(saw for _, saw, _ in parts if saw),
        next((advice for _, _, advice in parts if advice), ""),
    )


def _kind(value: Any) -> str:
    return f"a {value.kind}" if isinstance(value, Unreadable) else "not a list of numbers"


# --- Step 1 ------------------------------------------------------------------------------


def analysis_table(evidence: Evidence, reference: Reference) -> Result:
    """Three columns: how sure, how sure of the truth, and right or wrong."""
    ask = "Replace each ... in the cell above and run it again. Use exactly these names."
    if blank := _answers_of(evidence, ("prob_pred", "prob_true", "correct"), ask):
        return blank
    problems = {
        "prob_pred": _score_problem("prob_pred", evidence, reference),
        "prob_true": _score_problem("prob_true", evidence, reference),
        "correct": _correct_problem(evidence.values.get("correct"), reference),
    }
    points = 2 - bool(problems["prob_true"]) - bool(problems["prob_pred"] or problems["correct"])
    found = [problem for problem in problems.values() if problem]
    if found:
        good = [name for name, problem in problems.items() if not problem]
        right = f"{join(good)} {'is' if len(good) == 1 else 'are'} right. " if good else ""
        return Result(points, right + " ".join(saw for saw, _ in found[:2]), found[0][1])
    return Result(2, f"All three columns are right, for {len(reference.labels)} pictures.")


def _score_problem(name: str, evidence: Evidence, reference: Reference) -> Problem | None:
    """What is wrong with a column of scores."""
    value = evidence.values.get(name)
    if value is None:
        return f"Still to do: {name}.", "Which of the ten scores does this column ask for?"
    count = len(reference.labels)
    best = reference.probabilities.max(axis=1)
    true = reference.probabilities[np.arange(count), reference.labels]
    given = as_array(value)
    if given is None:
        return f"{name} is {_kind(value)}. I expected one score for each picture.", "See the hints."
    if given.size == 1:
        saw = f"{name} is one number for all pictures. I expected {count} scores."
        return saw, "Add axis=1 in the brackets: it looks along each row."
    if given.ndim == 2 and given.shape[0] == count and 1 not in given.shape:
        saw = f"{name} has {given.shape[1]} columns. I expected one score for each picture."
        advice = "Use .sum(axis=1) after probabilities * y_test: nine of the ten are 0."
        return saw, advice if name == "prob_true" else "Use .max(axis=1)."
    given = given.ravel()
    if given.shape != (count,):
        return f"{name} holds {given.size} numbers. I expected {count}.", "Use all the pictures."
    wanted, other = (best, true) if name == "prob_pred" else (true, best)
    if _agree(given, wanted):
        return None
    if _agree(given, reference.predicted) or _agree(given, reference.labels):
        saw = f"{name} holds class numbers. I expected scores."
        return saw, "max gives the largest score. argmax gives its place."
    if _agree(given, other):
        said = {"prob_pred": "true", "prob_true": "predicted"}[name]
        saw = f"{name} holds the score of the {said} class."
        if name == "prob_pred":
            return saw, "The predicted class has the largest score of its row."
        return saw, "Multiply by y_test. It is 1 for the true class and 0 elsewhere."
    saw = f"{name} does not fit this model's scores."
    return saw, "Begin with probabilities, and do not change it."


def _agree(given: np.ndarray, wanted: np.ndarray) -> bool:
    near = np.abs(given.astype(float) - wanted) <= _CLOSE
    return given.shape == wanted.shape and float(near.mean()) >= _SAME


def _correct_problem(value: Any, reference: Reference) -> Problem | None:
    if value is None:
        return "Still to do: correct.", "Compare predicted_labels with true_labels."
    given, hits = as_array(value), reference.predicted == reference.labels
    if given is None or given.size == 1:
        saw = "correct is not a list. I expected True or False for each picture."
        return saw, "Compare with ==, and do not take the mean."
    if given.size != len(hits):
        saw = f"correct holds {given.size} values. I expected {len(hits)}."
        return saw, "Compare all predicted_labels with all true_labels."
    agree = float((given.ravel() == hits).mean())
    if agree >= _SAME:
        return None
    if agree <= 1 - _SAME:
        return "correct is True where the model is wrong.", "Use == in place of !=."
    return "correct does not fit the model's answers.", "Use predicted_labels == true_labels."


# --- Step 2 ------------------------------------------------------------------------------


def confusion(evidence: Evidence, reference: Reference) -> Result:
    """The confusion matrix as shares of each true class, and the most frequent confusion."""
    ask = "Divide each row of counts by its sum. Then look for the largest share of mistakes."
    if blank := _answers_of(evidence, ("row_shares", "most_confused"), ask):
        return blank
    counts = _counts(reference)
    return _together(
        [
            _judge_rows(evidence.values.get("row_shares"), counts),
            _judge_pair(evidence.values.get("most_confused"), counts, reference.class_names),
        ]
    )


def _counts(reference: Reference) -> np.ndarray:
    """The confusion matrix, (k, k) int, with a row for each true class."""
    k = len(reference.class_names)
    return np.bincount(k * reference.labels + reference.predicted, minlength=k * k).reshape(k, k)


def _judge_rows(value: Any, counts: np.ndarray) -> tuple[float, str, str]:
    if value is None:
        return 0, "Still to do: row_shares.", "Divide counts by counts.sum(axis=1, keepdims=True)."
    if isinstance(value, Table):
        value = list(map(list, zip(*value.columns.values(), strict=True)))
    given = as_array(value)
    if given is None or given.shape != counts.shape:
        shape = "" if given is None else f" Yours has the shape {given.shape}."
        saw = f"row_shares is not a table of {len(counts)} rows and {len(counts)} columns.{shape}"
        return 0, saw, "Begin with counts: it has the right shape."
    rows, columns = (counts.sum(axis=axis, keepdims=True).clip(1) for axis in (1, 0))
    wanted = counts / rows
    known = counts.sum(axis=1) > 0  # a class without pictures may give nan

    def near(other: np.ndarray) -> bool:
        return any(np.allclose(given[known] / s, other[known], atol=_ROUNDED) for s in (1, 100))

    if near(wanted):
        return 1, "Each row of row_shares sums to 1.", ""
    if np.array_equal(given, counts):
        saw, advice = "row_shares still holds counts.", "Divide each row by its sum."
    elif near(counts / columns):
        saw = "In row_shares each column sums to 1. I expected each row."
        advice = "Use axis=1 with keepdims=True, so that each row is divided by its own sum."
    elif near(counts / rows.T):
        saw = "In row_shares the rows were divided by the sums of other rows."
        advice = "Add keepdims=True: it keeps the sums beside their rows."
    elif near(wanted.T) or near(counts.T / columns.T):
        saw = "In row_shares the rows are what the model said. I expected the true classes there."
        advice = "Give confusion_matrix the true labels first."
    elif near(counts / counts.sum()):
        saw = "row_shares was divided by the number of all pictures."
        advice = "Use .sum(axis=1, keepdims=True): one sum for each row."
    else:
        saw, advice = "row_shares is not right to two decimals.", "Divide each row by its sum."
    return 0, saw, advice


def _judge_pair(value: Any, counts: np.ndarray, names: tuple[str, ...]) -> tuple[float, str, str]:
    if value is None:
        return 0, "Still to do: most_confused.", "Write two names: (true class, what it said)."
    wrong = counts - np.diag(np.diag(counts))
    share = wrong / counts.sum(axis=1, keepdims=True).clip(1)
    if not wrong.any():
        return 1, "This model confuses nothing, so any pair will do.", ""
    entries = list(value.values()) if isinstance(value, dict) else value
    texts = [entries] if isinstance(entries, str) else entries if isinstance(entries, list) else []
    named = [n for text in texts if isinstance(text, str) for n in names_in(text, names)]
    numbers = as_array(entries)
    by_number = not named and numbers is not None and numbers.size == 2
    if by_number and np.isin(numbers.ravel(), range(len(names))).all():
        named = [int(number) for number in numbers.ravel()]
    if len(named) != 2:
        saw = f"most_confused is {quoted(value)}. I expected the names of two classes."
        return 0, saw, 'Write them in brackets, such as ("ship", "truck").'
    true, said = named
    best = [tuple(place) for table in (share, wrong) for place in np.argwhere(table == table.max())]
    pair = f"{names[true]} taken for {names[said]}"
    if true == said:
        saw = f"{pair} is no mistake."
        return 0, saw, "Look beside the diagonal, where the two names differ."
    if (true, said) not in best:
        if (said, true) in best:
            saw = "The two names of most_confused are swapped."
            return 0, saw, "The row is the true class: it comes first. The column is the answer."
        saw = f"{pair} happens {counted(wrong[true, said], 'time')}. Another pair is more frequent."
        return 0, saw, "Find the largest share beside the diagonal."
    if by_number:
        saw = "The numbers of most_confused are right. I expected names."
        return 0, saw, "class_names[number] gives the name of a class number."
    return 1, f"{pair}: {wrong[true, said]} times. That is the most frequent.", ""


# --- Step 3 ------------------------------------------------------------------------------


def interval(evidence: Evidence, reference: Reference) -> Result:
    """The 95 % interval of the hardest class, and whether chance could have picked it."""
    ask = "Use analysis.wilson with two numbers: how many are right, and how many there are."
    if blank := _answers_of(evidence, ("interval", "more_than_chance"), ask):
        return blank
    return _together(
        [
            _judge_interval(evidence.values.get("interval"), reference),
            _judge_chance(evidence.values.get("more_than_chance"), reference),
        ]
    )


def _intervals(right: float, total: float) -> list[tuple[float, float]]:
    """95 % intervals of a share: Wilson's, the usual rough one, and Clopper and Pearson's."""
    from scipy.stats import binomtest, norm

    test, share = binomtest(int(right), int(total)), right / total
    swing = norm.ppf(0.975) * (share * (1 - share) / total) ** 0.5
    both = [test.proportion_ci(method=method) for method in ("wilson", "exact")]
    return [(both[0].low, both[0].high), (share - swing, share + swing), tuple(both[1])]


def _judge_interval(value: Any, reference: Reference) -> tuple[float, str, str]:
    advice = "Count only the hardest class: interval = analysis.wilson(right_count, total)."
    if value is None:
        return 0, "Still to do: interval.", advice
    if isinstance(value, dict):
        value = list(value.values())
    given = as_array(value)
    if given is None or given.size != 2 or not np.isfinite(given.astype(float)).all():
        saw = "interval is not a pair of numbers. I expected a low and a high end."
        return 0, saw, advice
    low, high = sorted(given.astype(float).ravel().tolist())
    if high > 1.5:
        low, high = low / 100, high / 100

    def near(right: float, total: float) -> bool:
        return any(
            abs(low - one) <= _ROUNDED and abs(high - other) <= _ROUNDED
            for one, other in _intervals(right, total)
        )

    names, accuracy = reference.class_names, accuracy_by_class(reference)
    totals = np.bincount(reference.labels, minlength=len(names))
    hits = np.rint(np.nan_to_num(accuracy) * totals)
    lowest = np.nanmin(accuracy)
    for number in np.flatnonzero(accuracy == lowest):
        if near(hits[number], totals[number]):
            return 1, f"The accuracy of {names[number]} lies between {low:.3f} and {high:.3f}.", ""
    place = int(np.nanargmin(accuracy))
    everything = len(reference.labels)
    if near(hits.sum(), everything):
        saw = "interval is that of all classes together."
    elif near(totals[place] - hits[place], totals[place]):
        saw, advice = "interval is that of the wrong answers.", "Count the right ones."
    elif near(hits[place], everything):
        saw = "interval divides by all pictures."
        advice = f"total is the number of pictures of one class: {totals[place]}."
    elif any(near(hits[n], totals[n]) for n in np.flatnonzero(totals)):
        number = next(n for n in np.flatnonzero(totals) if near(hits[n], totals[n]))
        saw = f"interval is that of {names[number]}. The hardest class is {names[place]}."
    else:
        saw = f"interval goes from {low:.3g} to {high:.3g}. That does not fit the hardest class."
    return 0, saw, advice


def _judge_chance(value: Any, reference: Reference) -> tuple[float, str, str]:
    advice = "Is the p-value below 0.05? Then True, else False."
    if value is None:
        return 0, "Still to do: more_than_chance.", advice
    given = says_yes(value)
    if given is None:
        return 0, "more_than_chance is neither True nor False.", advice
    p = _p_value(reference)
    shown = f"p-value is {p:.2g}" if p >= 0.0001 else "p-value is below 0.0001"
    # Near the border one test says yes and another no.
    if given == (p < 0.05) or 0.03 < p < 0.08:
        words = "that is hardly chance." if p < 0.05 else "chance alone can do that."
        return 1, f"The {shown}: {words}", ""
    words = "below the border" if p < 0.05 else "not below the border"
    return 0, f"more_than_chance is {given}. But the {shown}, and that is {words}.", advice


def _p_value(reference: Reference) -> float:
    """Of Fisher's exact test on the two classes with the lowest accuracy, as in the notebook."""
    from scipy.stats import fisher_exact

    counts = _counts(reference)
    totals, right = counts.sum(axis=1), np.diag(counts)
    known = np.flatnonzero(totals)
    lowest = known[np.argsort(right[known] / totals[known], kind="stable")][:2]
    return float(fisher_exact([right[lowest], (totals - right)[lowest]]).pvalue)


# --- Step 4 ------------------------------------------------------------------------------


def sure_wrong(evidence: Evidence, reference: Reference) -> Result:
    """The wrong predictions of which the model is most sure, found and shown."""
    wrong = reference.wrong
    if not len(wrong):
        return Result(2, "The model got every test picture right. There is nothing to show.")
    if blank := _answers_of(
        evidence, ["sure_wrong"], "Sort the wrong pictures by prob_pred, the largest first."
    ):
        return blank
    sure = reference.probabilities.max(axis=1)
    order = wrong[np.argsort(-sure[wrong], kind="stable")]
    needed = min(len(wrong), max(LEAST, int(0.01 * len(wrong))))
    first = _judge_numbers(evidence.values["sure_wrong"], order, needed, sure)
    return _together([first, _judge_shown(evidence, order[:needed], sure, reference)])


def _judge_numbers(
    value: Any, order: np.ndarray, needed: int, sure: np.ndarray
) -> tuple[float, str, str]:
    """Judge a list of picture numbers; equal confidences may come in any order."""
    given = as_array(value)
    if given is None or given.dtype.kind == "b" or not given.size:
        saw = "sure_wrong is not a list of picture numbers."
        return 0, saw, "np.where(...)[0] gives the numbers of the wrong pictures."
    found = given.astype(float).ravel()
    whole = np.isfinite(found) & (found == np.floor(found)) & (found >= 0) & (found < len(sure))
    if not whole.all():
        saw = "sure_wrong holds something else than picture numbers."
        return 0, saw, "np.argsort gives places. Take the numbers of those places from wrong."
    numbers = set(found.astype(int).tolist())
    wrong = set(order.tolist())
    cut = sure[order[needed - 1]] - _CLOSE / 2
    if right := numbers - wrong:
        places = {int(place) for place in np.argsort(-sure[sorted(wrong)], kind="stable")[:needed]}
        if numbers == places:
            saw = "sure_wrong holds places in the list of wrong pictures, not picture numbers."
            return 0, saw, "Take the numbers out of that list: wrong[order]."
        saw = f"In sure_wrong {counted(len(right), 'picture is', 'pictures are')} predicted right."
        return 0, saw, "Keep only the wrong pictures first. Then sort."
    if len(numbers) == needed and all(sure[number] >= cut for number in numbers):
        return 1, f"These are the {needed} surest of {len(wrong)} mistakes.", ""
    if len(numbers) != needed:
        saw = f"sure_wrong holds {counted(len(numbers), 'picture')}. I expected {needed}."
        return 0, saw, "Cut the sorted list: [:how_many] keeps the first ones."
    if max(sure[list(numbers)]) <= sure[order[-needed]] + _CLOSE:
        saw = "sure_wrong holds the mistakes of which the model is least sure."
        return 0, saw, "Put a minus before prob_pred, so that the largest comes first."
    missing = [n for n in order[:needed].tolist() if n not in numbers]
    saw = f"sure_wrong lacks {counted(len(missing), 'picture')} of which the model is more sure."
    return 0, saw, "Sort all wrong pictures by prob_pred, then keep the first."


def _judge_shown(
    evidence: Evidence, wanted: np.ndarray, sure: np.ndarray, reference: Reference
) -> tuple[float, str, str]:
    least = min(3, len(wanted))
    # Pictures as sure as the last one count as well.
    close = {int(n) for n in reference.wrong if sure[n] >= sure[wanted[-1]] - _CLOSE / 2}
    said = captions_of(evidence.cells, close, reference)
    good = [number for number, verdict in said.items() if verdict == "right"]
    if len(good) >= least:
        return 1, f"You showed {len(good)} of them, with both names.", ""
    advice = "analysis.plots.pictures_grid shows pictures with their names; see the hints."
    if len(said) < least:
        seen = "None" if not said else "One" if len(said) == 1 else f"Only {len(said)}"
        verb = "are" if len(said) > 1 else "is"
        return 0, f"{seen} of them {verb} on the screen. I expected {least} or more.", advice
    bare = [str(number) for number in said if number not in good]
    word = "Picture {} does" if len(bare) == 1 else "Pictures {} do"
    saw = f"{word.format(join_some(bare))} not say what was predicted and what is true."
    return 0, saw, advice


# --- Step 5 ------------------------------------------------------------------------------


def calibration(evidence: Evidence, reference: Reference) -> Result:
    """How often a sure answer is right, and the expected calibration error."""
    ask = "Choose the pictures with prob_pred >= 0.9 first. What share of them is right?"
    if blank := _answers_of(evidence, ("sure_accuracy", "ece"), ask):
        return blank
    return _together(
        [
            _judge_sure(evidence.values.get("sure_accuracy"), reference),
            _judge_ece(evidence.values.get("ece"), reference),
        ]
    )


def _judge_sure(value: Any, reference: Reference) -> tuple[float, str, str]:
    advice = "Use correct[prob_pred >= 0.9].mean()."
    if value is None:
        return 0, "Still to do: sure_accuracy.", "Choose with prob_pred >= 0.9 in square brackets."
    confidence = reference.probabilities.max(axis=1)
    hits, sure = reference.predicted == reference.labels, confidence >= SURE
    if not sure.any():
        return 1, "The model is never that sure, so there is nothing to count.", ""
    right = float(hits[sure].mean())
    given = shares(value)
    if not given:
        return 0, "sure_accuracy is not a number. I expected a share.", advice
    if any(abs(one - right) <= _ROUNDED for one in given):
        return 1, f"When it is 90% sure or more, {right:.1%} of its answers are right.", ""
    others = [
        (hits.mean(), "the accuracy of all pictures"),
        (1 - right, "the share of mistakes among the sure answers"),
        (confidence[sure].mean(), "how sure the model is, not how often it is right"),
        (sure.mean(), "the share of pictures of which it is sure"),
        (sure[hits].mean() if hits.any() else -1, "the share of sure ones among the right ones"),
        ((hits & sure).mean(), "the share of all pictures that are sure and right"),
        (hits[~sure].mean() if (~sure).any() else -1, "the accuracy where it is not sure"),
        ((hits & sure).sum(), "a count of pictures"),
    ]
    for other, what in others:
        if any(abs(one - other) <= _ROUNDED for one in given):
            return 0, f"sure_accuracy is {what}.", advice
    return 0, f"sure_accuracy is {given[0]:.4g}. That is not right to two decimals.", advice


def _gaps(reference: Reference) -> tuple[np.ndarray, np.ndarray]:
    """The share of pictures in each bin that has some, and how much surer than right it is."""
    confidence = reference.probabilities.max(axis=1)
    place = np.searchsorted(np.arange(1, BINS) / BINS, confidence, side="left")
    total = np.bincount(place, minlength=BINS)
    surer = np.bincount(place, confidence - (reference.predicted == reference.labels), BINS)
    full = total > 0
    return total[full] / total.sum(), surer[full] / total[full]


def _judge_ece(value: Any, reference: Reference) -> tuple[float, str, str]:
    advice = "Multiply each gap by the share of pictures in its bin, then take the sum."
    if value is None:
        return 0, "Still to do: ece.", advice
    number = as_number(value)
    if number is None:
        array = as_array(value)
        many = array is not None and array.size > 1
        saw = "ece holds one number for each bin." if many else "ece is not a number."
        return 0, saw, "Take the sum: ECE is one number."
    weight, gap = _gaps(reference)
    right, signed = float(weight @ np.abs(gap)), float(weight @ gap)
    word = "surer than it is right" if signed > 0 else "less sure than it is right"
    word = "about as sure as it is right" if abs(signed) < 0.01 else word
    well = 1, f"ECE is {right:.3f}. On average the model is {word}.", ""
    if abs(number - right) <= (_ROUNDED if number == round(number, 2) else 0.002):
        return well
    use_abs = "Use abs(...), so that each gap counts as positive."
    others = [
        (signed, "made from gaps with a sign, which cancel out", use_abs),
        (-signed, "made from gaps with a sign, which cancel out", use_abs),
        (np.abs(gap).max(), "the largest gap. That is the MCE", advice),
        (np.abs(gap).mean(), "the plain mean of the gaps", advice),
        (np.abs(gap).sum(), "the plain sum of the gaps", advice),
        (right * len(reference.labels), "weighted by counts", "Divide n by the sum of all n."),
    ]
    for other, what, remedy in others:
        if abs(number - other) <= 0.001 * max(1, abs(other)):
            return 0, f"ece is {what}.", remedy
    if abs(number / 100 - right) <= 0.002:  # in percent
        return well
    return 0, f"ece is {number:.4g}. That does not fit the {BINS} bins.", advice


CHECKS = {
    "analysis_table": Check(analysis_table, 2),
    "confusion": Check(confusion, 2),
    "interval": Check(interval, 2),
    "sure_wrong": Check(sure_wrong, 2),
    "calibration": Check(calibration, 2),
}
