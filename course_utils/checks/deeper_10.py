"""The check of the part of Stage 10 that goes deeper: two numbers of the whole report."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from course_utils.checks.result import Result
from course_utils.checks.sentences import counted, join, quoted
from course_utils.checks.values import as_array
from course_utils.evidence import Evidence, Reference, Unreadable

NAMES = ("report", "ece", "mix_ups")
_NEAR = 0.0015  # a report rounds to three digits, and a notebook's record to about four

Problem = tuple[str, str]  # what the check saw, and what to try next


def deeper_report(evidence: Evidence, reference: Reference) -> Result:
    """The report is written, and two numbers are found in it."""
    values = evidence.values
    missing = [name for name in NAMES if values.get(name) is None]
    if "report" in missing:
        return Result(
            0,
            f"Still to do: {join(missing)}.",
            "Write report = analysis.report(...), with the parts that it needs in the brackets.",
        )
    if problem := _fault_of_report(values["report"]):
        return Result(0, *problem)
    if missing:
        return Result(
            0,
            f"The report is written. Still to do: {join(missing)}.",
            "Open its file, find the numbers, write them into the cell and run it again.",
        )
    problem = _fault_of_ece(values["ece"], reference) or _fault_of_count(
        values["mix_ups"], reference
    )
    if problem:
        return Result(0, *problem)
    counts, names = _mistakes(reference), reference.class_names
    true, said = np.unravel_index(counts.argmax(), counts.shape)
    pair = f" Its top mix-up: the true name is {names[true]}, and it says {names[said]}."
    return Result(
        1,
        "Both numbers stand in your report. On average, how sure the model is and how often it "
        f"is right differ by {100 * _ece(reference):.1f} of 100.{pair if counts.any() else ''}",
    )


def _fault_of_report(value: Any) -> Problem | None:
    """What is wrong with the report; it is known by its place, which only its maker returns."""
    todo = "Write report = analysis.report(predictions, y_test, x_test, class_names)."
    if isinstance(value, Unreadable):
        if "path" in value.kind.lower() or "report" in value.kind.lower():
            return None
        if value.kind in ("function", "method", "builtin_function_or_method"):
            return "report is a function that did not run.", "Put brackets after analysis.report."
        return f"report is a {value.kind}. I expected what analysis.report gives.", todo
    page = value.lower().partition("<html")[2] if isinstance(value, str) else ""
    if re.search(r"\bece\b", page):
        return None
    return f"report is {quoted(value)}. I expected what analysis.report gives.", todo


# --- The two numbers ---------------------------------------------------------------------


def _ece(reference: Reference, count: int = 15) -> float:
    from course_utils.analysis import ece  # here, since no other check needs the analysis

    return ece(reference.probabilities, reference.labels, count)


def _mistakes(reference: Reference) -> np.ndarray:
    """How often each class (row) was taken for each other one (column)."""
    classes = len(reference.class_names)
    pairs = reference.labels * classes + reference.predicted
    counts = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    np.fill_diagonal(counts, 0)
    return counts


def _number(value: Any) -> tuple[float, bool] | None:
    """One number, and whether it is said to be percent."""
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)(?:\s*(%|percent))?", value.strip())
        return (float(match.group(1)), bool(match.group(2))) if match else None
    array = as_array(value)
    if array is None or array.size != 1 or array.dtype.kind not in "iuf":
        return None
    number = float(array.ravel()[0])
    return (number, False) if np.isfinite(number) else None


def _fault_of_ece(value: Any, reference: Reference) -> Problem | None:
    todo = "Look for ECE in the report, and write the number as it stands there."
    found = _number(value)
    if found is None:
        return f"ece is {quoted(value)}. I expected one number.", todo
    given = found[0] / 100 if found[1] else found[0]
    right = _ece(reference)

    def near(other: float, number: float = given) -> bool:
        return abs(number - other) <= _NEAR or (number > 0 and number == round(other, 2))

    if near(right) or abs(given / 100 - right) <= _NEAR:  # 3.1 for 3.1 %
        return None
    from course_utils.analysis import mce

    sure = float(reference.probabilities.max(axis=1).mean())
    accuracy = float((reference.predicted == reference.labels).mean())
    saw = f"ece is {given:g}."
    if near(mce(reference.probabilities, reference.labels)):
        return f"{saw} That is the MCE: the largest gap of all, and not the average one.", todo
    if near(accuracy):
        return f"{saw} That is the accuracy. The ECE is something else.", todo
    if near(1 - accuracy):
        return f"{saw} That is the share of wrong predictions. The ECE is something else.", todo
    if near(sure):
        return f"{saw} That is how sure the model is on average. It is one half of the gap.", todo
    if any(near(_ece(reference, count)) for count in (5, 10, 20)):
        return f"{saw} That is an ECE with another number of bins. The report uses 15.", todo
    if given > 1 or given < 0:
        return f"{saw} I expected a share between 0 and 1.", todo
    return f"{saw} The report has another number.", todo


def _fault_of_count(value: Any, reference: Reference) -> Problem | None:
    todo = "Look at the most frequent mistakes in the report, and take the largest count."
    counts = _mistakes(reference)
    found = _number(value)
    if found is None:
        many = isinstance(value, list | dict) or np.size(value) > 1
        what = "holds more than one thing" if many else f"is {quoted(value)}"
        return f"mix_ups {what}. I expected one number.", todo
    given, is_percent = found
    if given == counts.max() and not is_percent:
        return None
    saw = f"mix_ups is {given:g}."
    both = counts + counts.T
    right = np.bincount(reference.labels[reference.predicted == reference.labels])
    if is_percent or 0 < given < 1:
        return f"{saw} I expected a count of pictures, and not a share.", todo
    if given == both.max():
        saw = f"{saw} That is both directions together. I expected one: a true class, taken for "
        return f"{saw}another.", todo
    if given == counts.sum():
        return f"{saw} These are all mistakes together. I expected one kind of them.", todo
    if given > counts.max() and given in counts.sum(axis=1):
        return f"{saw} These are all mistakes of one class. I expected one pair of classes.", todo
    if given > counts.max() and given in counts.sum(axis=0):
        return f"{saw} So often it says one name wrongly. I expected one pair of classes.", todo
    if given > counts.max() and given in right:
        return f"{saw} So many pictures of one class are right. I expected a mistake.", todo
    if given in counts and given > 0:
        higher = int((counts > given).sum())
        more = counted(higher, "pair of classes has", "pairs of classes have")
        return f"{saw} But {more} more mix-ups.", todo
    return f"{saw} The report has another number.", todo
