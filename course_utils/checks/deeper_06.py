"""The check of the part of Stage 6 that goes deeper: is the model as right as it is sure?"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from course_utils.checks.numbers import as_number, shares
from course_utils.checks.result import Result
from course_utils.checks.sentences import counted, join, quoted
from course_utils.checks.values import as_array
from course_utils.evidence import Evidence, Reference, Unreadable

NAMES = ("limit", "sure_confidence", "sure_right", "trust")
_ANSWERS = NAMES[1:]
_LIMIT = 0.9  # as the answer cell gives it
_ROUNDED = 0.0051  # a number with two decimals

Problem = tuple[str, str]  # what the check saw, and what to try next


class _Group(NamedTuple):
    """The answers above the limit, and what a mistaken line would find in their place."""

    limit: float
    count: int
    confidence: float
    right: float
    others: dict[str, float]

    @property
    def gap(self) -> float:
        return self.confidence - self.right

    @property
    def luck(self) -> tuple[float, float]:
        """How far luck moves the share, worked out from what is and from what is claimed."""
        low, high = sorted(
            1.96 * (share * (1 - share) / self.count) ** 0.5
            for share in (self.right, self.confidence)
        )
        return low, high


def deeper_calibration(evidence: Evidence, reference: Reference) -> Result:
    """How sure the model is of its sure answers, how many are right, and what that means."""
    values = evidence.values
    if missing := [name for name in _ANSWERS if values.get(name) is None]:
        advice = "Replace each ... in the cell above and run it again. Use exactly these names."
        return Result(0, f"Still to do: {join(missing)}.", advice)
    if reference.work.get("openings") is None:
        return Result(0, "The seal is still closed.", "Do Step 2 first. Then run this check again.")
    limit = _LIMIT if values.get("limit") is None else as_number(values["limit"])
    if limit is None or not 0 <= limit < 1:
        saw = f"limit is {quoted(values['limit'])}. A confidence goes from 0 to 1."
        return Result(0, saw, "Write limit = 0.9 and run the cell again.")
    group = _group_above(limit, reference)
    if not group.count:
        saw = f"Your model gives no answer with more than {limit:g}. It is never that sure."
        return Result(0, saw, "Write a lower limit, such as 0.5, and run the cell again.")
    problem = _fault_of_numbers(values, group) or _fault_of_trust(values["trust"], group)
    if problem:
        return Result(0, *problem)
    end = {
        "over-confident": "Believe this model a little less than it claims.",
        "under-confident": "It is better than it thinks.",
        "cannot tell": f"Luck alone can move this by {max(group.luck):.3f}.",
    }[str(_trust_in(values["trust"]))]
    many = counted(group.count, "answer is", "answers are")
    return Result(
        1,
        f"{many} above {limit:g}. The model is {group.confidence:.1%} sure of them, on average, "
        f"and {group.right:.1%} are right: {_trust_in(values['trust'])}. {end}",
    )


def _group_above(limit: float, reference: Reference) -> _Group:
    scores = np.asarray(reference.probabilities, np.float64)
    confidence, right = scores.max(axis=1), reference.predicted == reference.labels
    sure = confidence > limit
    if not sure.any():
        return _Group(limit, 0, np.nan, np.nan, {})
    rest = ~sure if not sure.all() else sure
    others = {
        "accuracy": right.mean(),
        "confidence": confidence.mean(),
        "sure": sure.mean(),
        "both": (sure & right).mean(),
        "score": scores[sure].mean(),
        "rest right": right[rest].mean(),
        "rest confidence": confidence[rest].mean(),
        "sure among right": sure[right].mean() if right.any() else 0.0,
    }
    others = {name: float(value) for name, value in others.items()}
    count = int(sure.sum())
    return _Group(limit, count, float(confidence[sure].mean()), float(right[sure].mean()), others)


# --- The two numbers -------------------------------------------------------------------------


def _fault_of_numbers(values: dict[str, Any], group: _Group) -> Problem | None:
    """What is wrong with sure_confidence or sure_right, if anything is."""
    for name in _ANSWERS[:2]:
        if not shares(values[name]):
            return _no_number(name, values[name])
    confidence, right = (shares(values[name]) for name in _ANSWERS[:2])
    wrong = [
        not _near(given, expected)
        for given, expected in ((confidence, group.confidence), (right, group.right))
    ]
    if all(wrong) and _near(confidence, group.right) and _near(right, group.confidence):
        saw = "sure_confidence and sure_right are swapped."
        return saw, "How sure: the mean of confidence. How right: the share of right answers."
    if wrong[0]:
        return _mistaken(
            "sure_confidence",
            confidence,
            [
                (
                    group.others["score"],
                    "the mean of all ten scores",
                    "First find the largest score of each row: .max(axis=1).",
                ),
                (
                    group.others["confidence"],
                    "the confidence of all pictures, sure or not",
                    "Pick the sure ones: write [sure] before .mean().",
                ),
                (
                    group.others["rest confidence"],
                    "the confidence of those that are not sure",
                    "Use > to find what is above the limit.",
                ),
                (
                    group.others["sure"],
                    "the share of pictures that are sure",
                    "Take the mean of confidence[sure], and not of sure.",
                ),
            ],
            "Pick the sure ones with [sure], then take the mean of their confidence.",
        )
    if wrong[1]:
        number = as_number(values["sure_right"])
        if number is not None and number == round(group.right * group.count) > 1:
            return "sure_right counts pictures. I expected a share.", "Use .mean(), not .sum()."
        return _mistaken(
            "sure_right",
            right,
            [
                (
                    group.others["accuracy"],
                    "the accuracy of all pictures, sure or not",
                    "Pick the sure ones: write [sure] before .mean().",
                ),
                (1 - group.right, "the share of mistakes", "Compare with ==, not with !=."),
                (
                    group.others["both"],
                    "the share of all pictures that are both sure and right",
                    "Look only at the sure ones: pick them with [sure], then take the mean.",
                ),
                (
                    group.others["rest right"],
                    "about the pictures that are not sure",
                    "Use > to find what is above the limit.",
                ),
                (
                    group.others["sure"],
                    "the share of pictures that are sure",
                    "Compare chosen_labels with true_labels, and pick the sure ones.",
                ),
                (
                    group.others["sure among right"],
                    "the share of right answers that are sure",
                    "Turn it around: of the sure answers, which share is right?",
                ),
            ],
            "Compare chosen_labels with true_labels, pick with [sure], then take the mean.",
        )
    return None


def _no_number(name: str, value: Any) -> Problem:
    """What to say of a value that is not one number."""
    array = as_array(value)
    if array is not None and array.size > 1:
        return f"{name} holds {array.size} values. I expected one number.", "Add .mean() to it."
    if array is not None and array.size and array.dtype.kind == "f":
        saw = f"{name} is not a number (nan): it is the mean of nothing."
        return saw, "Is there a picture above your limit? Look at sure.sum()."
    kind = f"a {value.kind}" if isinstance(value, Unreadable) else quoted(value)
    return f"{name} is {kind}. I expected one number.", "Add .mean(), with its brackets."


def _mistaken(
    name: str, given: list[float], others: list[tuple[float, str, str]], advice: str
) -> Problem:
    """Name a typical mistake by the number that it gives."""
    for number, what, todo in others:
        if _near(given, number):
            return f"{name} is {what}.", todo
    return f"{name} is {given[0]:.4g}. That does not fit the answers above your limit.", advice


def _near(given: list[float], expected: float) -> bool:
    return any(abs(one - expected) <= _ROUNDED for one in given)


# --- What it means -----------------------------------------------------------------------------


def _fault_of_trust(value: Any, group: _Group) -> Problem | None:
    """What is wrong with the verdict, if anything is."""
    choose = 'Write "over-confident", "under-confident" or "cannot tell", with the quotes.'
    said = _trust_in(value)
    if said is None:
        return f"trust is {quoted(value)}. I expected one of three texts.", choose
    low, high = group.luck
    way = "over-confident" if group.gap > 0 else "under-confident"
    numbers = f"The difference is {abs(group.gap):.3f}, and luck alone can do {high:.3f}."
    if said == "cannot tell":
        if abs(group.gap) <= high * 1.02:
            return None
        saw = f"You cannot tell, you say. {numbers} So you can."
        return saw, "Which is larger, sure_confidence or sure_right?"
    if said != way:
        more = "less" if way == "over-confident" else "more"
        saw = f"You say {said}. But the model is {more} often right than it is sure."
        return saw, "Over-confident means: more sure than right."
    if abs(group.gap) >= low * 0.98:
        return None
    return f"You say {said}. {numbers} So it can be luck.", "Read the three texts once more."


def _trust_in(value: Any) -> str | None:
    """The verdict that a text gives, if it gives one."""
    words = re.sub(r"[^a-z]+", " ", str(value).lower().replace("'", ""))
    if not isinstance(value, str):
        return None
    if re.search(r"\b(can ?not|can ?t) (tell|say)\b", words):
        return "cannot tell"
    if re.search(r"\bnot?\b", words):
        return None
    named = [word for word in ("over", "under") if re.search(rf"\b{word} ?confiden", words)]
    return f"{named[0]}-confident" if len(named) == 1 else None
