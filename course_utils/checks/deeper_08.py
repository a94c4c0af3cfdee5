"""The check of the part of Stage 8 that goes deeper: what does the accuracy not say?

Imports neither pandas nor scikit-learn: Stage 8 is short of memory.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from course_utils.checks.numbers import as_number
from course_utils.checks.result import Result
from course_utils.checks.sentences import counted, join, quoted
from course_utils.checks.values import as_array
from course_utils.evidence import Evidence, Reference, Unreadable

NAMES = ("both_wrong", "less_sure", "card")

Problem = tuple[str, str]  # what the check saw, and what to try next
Counts = dict[str, int]

_MORE_IS_BETTER = {"accuracy": True, "log loss": False, "ECE": False, "sure mistakes": False}


def deeper_card(evidence: Evidence, reference: Reference) -> Result:
    """Pictures wrong both times, how many of them with less confidence, and the whole card."""
    values = evidence.values
    if missing := [name for name in NAMES if values.get(name) is None]:
        advice = "Replace each ... in the cell above and run it again. Use exactly these names."
        return Result(0, f"Still to do: {join(missing)}.", advice)
    shape = (len(reference.labels), len(reference.class_names))
    before, after = (as_array(values.get(f"{when}_predictions")) for when in ("before", "after"))
    if any(scores is None or scores.shape != shape for scores in (before, after)):
        return Result(0, "The table of Step 4 is not complete yet.", "Finish Step 4 first.")
    if np.array_equal(before, after):
        saw = "Before and after are the very same answers. I expected those of two models."
        return Result(0, saw, "Ask improved, not model, for after_predictions.")
    counts = _count(before, after, reference.labels)
    from course_utils.analysis.changes import compare

    try:
        expected = compare(before, after, reference.labels)
    except ValueError:
        saw = "The answers of the two models are not scores that sum to 1."
        return Result(0, saw, "Use model.predict and improved.predict, and do not change them.")
    problem = (
        _fault_of_count("both_wrong", values["both_wrong"], counts, shape[0])
        or (
            # The card's own count, of scores that sum to 1 exactly, may differ by a tie.
            as_number(values["less_sure"]) != expected["both_wrong_lower_conf"]
            and _fault_of_count("less_sure", values["less_sure"], counts, shape[0])
        )
        or _fault_of_card(values["card"], expected)
    )
    if problem:
        return Result(0, *problem)
    some = counted(counts["both_wrong"], "picture is", "pictures are")
    less = f"Of {counts['less_sure']} of these it is less sure now."
    return Result(1, f"{some} wrong both times. {less} {_story(expected)}")


# --- The two counts ---------------------------------------------------------------------------


def _count(before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> Counts:
    """The right counts, and those that a mistaken line would give."""
    right_before, right_after = (scores.argmax(axis=1) == labels for scores in (before, after))
    was, now = before.max(axis=1), after.max(axis=1)
    both = ~right_before & ~right_after
    found = {
        "both_wrong": both,
        "less_sure": both & (now < was),
        "more sure": both & (now > was),
        "all less sure": now < was,
        "wrong before": ~right_before,
        "wrong after": ~right_after,
        "wrong once": ~right_before | ~right_after,
        "both right": right_before & right_after,
        "before, less sure": ~right_before & (now < was),
        "after, less sure": ~right_after & (now < was),
    }
    return {name: int(mask.sum()) for name, mask in found.items()}


_MISTAKES = {
    "both_wrong": {
        "both right": ("counts what is right both times", "Put ~ before both names: not right."),
        "wrong before": ("counts all that was wrong before", "Ask for wrong after too, with &."),
        "wrong after": ("counts all that is wrong after", "Ask for wrong before too, with &."),
        "wrong once": (
            "counts what was wrong at least once",
            "Use & for: wrong before AND wrong after.",
        ),
    },
    "less_sure": {
        "more sure": (
            "counts those that are more sure now",
            "Turn the sign around: after < before.",
        ),
        "all less sure": (
            "counts all pictures, the right ones too",
            "Count only where it is wrong both times: use &.",
        ),
        "before, less sure": (
            "also counts pictures that were fixed",
            "Count only where it is wrong both times: use &.",
        ),
        "after, less sure": (
            "also counts pictures that were right before",
            "Count only where it is wrong both times: use &.",
        ),
        "both_wrong": (
            "counts all pictures that are wrong both times",
            "Of those, count where the confidence is lower after than before.",
        ),
    },
}


def _fault_of_count(name: str, value: Any, counts: Counts, total: int) -> Problem | None:
    """What is wrong with one of the two counts, if anything is."""
    number, expected = as_number(value), counts[name]
    if number == expected:
        return None
    if number is None:
        array = as_array(value)
        if array is not None and array.size > 1:
            saw = f"{name} holds {array.size} values. I expected one number: how many pictures."
            masked = "Count them: put .sum() behind the round brackets."
            return saw, masked if array.dtype.kind == "b" else f"Count them: len({name})."
        kind = f"a {value.kind}" if isinstance(value, Unreadable) else quoted(value)
        return f"{name} is {kind}. I expected a number of pictures.", "Count with .sum()."
    for mistake, (what, todo) in _MISTAKES[name].items():
        if number == counts[mistake]:
            return f"{name} {what}.", todo
    base = counts["both_wrong"] if name == "less_sure" else total
    wholes = {total, base} - {0}
    if any(math.isclose(number, expected / whole, abs_tol=0.005) for whole in wholes):
        return f"{name} is a share. I expected how many pictures.", "Use .sum(), not .mean()."
    saw = f"{name} is {number:g}. That is not the number of these pictures."
    return saw, "Compare your line with the last hint, sign by sign. Mind the round brackets."


# --- The card ---------------------------------------------------------------------------------

_OF_EACH = ("log_loss", "ece")
_TELLING = ("fixed", "regressed", "both_wrong")
_TELLING += tuple(f"{name}_{when}" for name in _OF_EACH for when in ("before", "after"))


def _fault_of_card(value: Any, expected: dict[str, Any]) -> Problem | None:
    """What is wrong with the card, if anything is."""
    use = "Write card = analysis.compare(...), with before, after and y_test, in this order."
    if isinstance(value, Unreadable):
        return f"card is a {value.kind}. I expected what analysis.compare gives.", use
    entries = value if isinstance(value, dict) else {}
    given = {name: as_number(entries.get(name)) for name in _TELLING}
    if None in given.values():
        return "card is not what analysis.compare gives.", use
    if _same(given, expected):
        return None
    swapped, pairs = dict(expected), [(f"{name}_before", f"{name}_after") for name in _OF_EACH]
    for one, other in [("fixed", "regressed"), *pairs]:
        swapped[one], swapped[other] = expected[other], expected[one]
    if _same(given, swapped):
        return "card has before and after swapped.", "Give before_predictions first."
    if given["fixed"] == given["regressed"] == 0:
        return "card compares a model with itself.", use
    return "card does not compare your two models.", use


def _same(one: dict[str, float], other: dict[str, Any]) -> bool:
    return all(math.isclose(value, other[name], abs_tol=1e-6) for name, value in one.items())


def _story(card: dict[str, Any]) -> str:
    """Which numbers of the card look better, and which look worse."""
    ways: dict[str, list[str]] = {"better": [], "worse": []}
    for name, more in _MORE_IS_BETTER.items():
        was, now = (_of(card, name, when) for when in ("before", "after"))
        shown = [
            f"{value:,}" if name == "sure mistakes" else f"{value:.3f}" for value in (was, now)
        ]
        if shown[0] != shown[1]:
            way = "better" if (now > was) == more else "worse"
            ways[way].append(f"{name} ({shown[0]} to {shown[1]})")
    parts = [f"What looks {way} now: {join(names)}." for way, names in ways.items() if names]
    if len(parts) == 2:
        parts.append("One number alone would have told you half of this.")
    elif parts:
        parts.append("All that moves goes the same way. That is good to know too.")
    return " ".join([*parts, "Small differences can be luck."])


def _of(card: dict[str, Any], name: str, when: str) -> float:
    if name == "sure mistakes":
        return card[f"wrong_ge_{when}"]["0.9"]
    return card[f"{name.lower().replace(' ', '_')}_{when}"]
