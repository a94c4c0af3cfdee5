"""One value for each class: the right ones, and those that a student gave in any form."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from course_utils.evidence import Reference, Table
from course_utils.wording import Number, names_in, read_numbers

Answer = dict[int, list[Number]]  # for each class, the numbers that may be its value
_TWO_DECIMALS = 0.005 + 1e-9


def accuracy_by_class(reference: Reference) -> np.ndarray:
    """Return the share of each true class that was predicted right, which is its recall.

    Returns
    -------
    ndarray of shape (k,), float64
        From 0 to 1; nan for a class without pictures.
    """
    hits = reference.predicted == reference.labels
    return _shares(hits, reference.labels, len(reference.class_names))


def _shares(hits: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    totals = np.bincount(groups, minlength=count)
    with np.errstate(invalid="ignore"):
        return np.bincount(groups, weights=hits, minlength=count) / totals


_MOST_PRINTED = 8  # numbers for one class: more is a list of something else
_MOST_COLUMNS = 20  # of a table: each is one answer, and more of them are guesses


def printed_values(text: str, names: tuple[str, ...]) -> Answer:
    """Numbers printed by class, unless there are so many that they cannot be an answer."""
    found = read_numbers(text, names)
    return {} if any(len(numbers) > _MOST_PRINTED for numbers in found.values()) else found


def merged(answers: Iterable[Answer]) -> Answer:
    """What several cells printed, together."""
    together: Answer = {}
    for answer in answers:
        for number, values in answer.items():
            together.setdefault(number, []).extend(values)
    return {n: values for n, values in together.items() if len(values) <= _MOST_PRINTED}


def stored_values(value: Any, names: tuple[str, ...]) -> list[Answer]:
    """Read ``per_class_accuracy`` in any form that a student may choose.

    Parameters
    ----------
    value : plain value (see :func:`course_utils.evidence.plain`)
        A dict by name or number, a list, an array, pairs, a table with the classes as rows or
        as columns, a report as text, fractions or percent.
    names : tuple of str
        The class names.

    Returns
    -------
    list of (dict of int to list of Number)
        The answers that it may be: of a table each column, else one. For each class number, the
        numbers that may be its value; empty if none were found.
    """
    return _table_values(value, names) if isinstance(value, Table) else [_one_answer(value, names)]


def _one_answer(value: Any, names: tuple[str, ...]) -> Answer:
    """The one answer that a value other than a table is."""
    if isinstance(value, str):
        return printed_values(value, names)
    if isinstance(value, dict):
        return _by_class(value.items(), names)
    array = as_array(value)
    rows = (len(names), 2)
    if (
        array is not None and array.shape == rows and np.isfinite(array).all()
    ):  # (number, value) in each row
        return _by_class([(int(number), entry) for number, entry in array.tolist()], names)
    entries = value if array is None else np.asarray(array).ravel().tolist()
    if not isinstance(entries, list):
        return {}
    if entries and all(isinstance(entry, list) for entry in entries):
        return _by_class(map(_name_and_value, entries), names)
    if entries and all(isinstance(entry, dict) for entry in entries):
        return _by_class([pair for entry in entries for pair in entry.items()], names)
    if entries and all(isinstance(entry, str) and names_in(entry, names) for entry in entries):
        return printed_values("\n".join(entries), names)
    return _by_class(enumerate(entries), names) if len(entries) == len(names) else {}


def _by_class(pairs: Iterable[tuple[Any, Any]], names: tuple[str, ...]) -> Answer:
    """Values by class number, from pairs of a class in any spelling and a value in any form."""
    found = {
        number: [amount]
        for key, entry in pairs
        if (number := _class_number(key, names)) is not None
        and (amount := _amount(entry)) is not None
    }
    return _as_fractions(found)


def _name_and_value(entry: list) -> tuple[Any, Any]:
    """The class and its value in ``(name, value)``, ``(value, name)`` or ``(0, name, value)``."""
    words = [item for item in entry if isinstance(item, str)]
    if len(words) == 1:
        values = [item for item in entry if item is not words[0]]
        return words[0], values[-1] if values else None
    return (entry[0], entry[1]) if len(entry) == 2 else (None, None)


def _table_values(table: Table, names: tuple[str, ...]) -> list[Answer]:
    """Each column of a table as an answer, or each row if the columns are the classes.

    If both are, as in a table of what was taken for what, the diagonal is one more.
    """
    columns = table.columns
    if sum(_class_number(key, names) is not None for key in columns) >= len(names) / 2:
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        if len(rows) == len(columns):
            rows.append({key: row[key] for key, row in zip(columns, rows, strict=True)})
    else:
        keys = next(
            (
                column
                for column in [*columns.values(), table.index]
                if all(isinstance(item, str) and names_in(item, names) for item in column)
            ),
            table.index,
        )
        keys = [key if isinstance(key, str | int) else str(key) for key in keys]
        rows = [dict(zip(keys, column, strict=False)) for column in columns.values()]
    found = [_by_class(row.items(), names) for row in rows]
    numeric = [answer for answer in found if answer]
    return numeric if len(numeric) <= _MOST_COLUMNS else []


def _class_number(key: Any, names: tuple[str, ...]) -> int | None:
    if isinstance(key, str):
        named = set(names_in(key, names))
        if len(named) == 1:
            return named.pop()
        digits = re.fullmatch(r"\D*(\d{1,9})\s*", key)  # "3", "class_3"
        key = int(digits.group(1)) if digits else None
    return key if isinstance(key, int) and 0 <= key < len(names) else None


def _amount(entry: Any) -> Number | None:
    """One value: a number, a one-element array, text such as "53 %", or a report's row."""
    if isinstance(entry, dict):
        known = next((key for key in ("recall", "accuracy") if key in entry), None)
        entry = entry[known] if known else next(iter(entry.values()), None)
    if isinstance(entry, str):
        match = re.match(r"\s*(\d*\.?\d+)\s*(%?)", entry)
        return Number(float(match.group(1)), bool(match.group(2))) if match else None
    array = as_array(entry)
    if array is None or array.size != 1 or array.dtype.kind == "b":
        return None
    value = float(array.ravel()[0])
    return Number(value, False) if math.isfinite(value) else None


def _as_fractions(found: Answer) -> Answer:
    """Where any value is above 1, a small value may be percent too: allow for both."""
    numbers = [number for both in found.values() for number in both]
    if not any(number.value > 1.5 for number in numbers):
        return found
    return {
        key: [*both, *(Number(number.value, True) for number in both if number.value <= 1.5)]
        for key, both in found.items()
    }


def _fraction(number: Number) -> float:
    return number.value / 100 if number.percent or number.value > 1.5 else number.value


def matches(numbers: Iterable[Number], expected: float) -> bool:
    return any(abs(_fraction(number) - expected) <= _TWO_DECIMALS for number in numbers)


def right_values(answer: Answer, expected: np.ndarray) -> int:
    return sum(matches(answer.get(number, []), value) for number, value in enumerate(expected))


def explain(answer: Answer, expected: np.ndarray, reference: Reference) -> tuple[str, str] | None:
    """Recognise a typical mistake: what the values are instead, and what to change."""
    hits = reference.predicted == reference.labels
    count = len(expected)
    overall = float(hits.mean())
    precision = _shares(hits, reference.predicted, count)
    if right_values(answer, np.full(count, overall)) == count:
        return (
            f"Every class has the same value, {overall:.3f}. That is the accuracy over all "
            "pictures.",
            "Before you take the mean, choose only the pictures of one class.",
        )
    if right_values(answer, precision) > max(right_values(answer, expected), 0.7 * count):
        return (
            "You chose the pictures by what the model predicted. I expected them chosen by their "
            "true class. (Your values have a name too: precision.)",
            "Use true_labels == number to choose.",
        )
    if right_values(answer, 1 - expected) == count:
        return (
            "These values are the share of mistakes.",
            "Accuracy is the share that is right: use == in place of !=.",
        )
    right_counts = np.bincount(reference.labels[hits], minlength=count)
    values = [answer.get(number, [Number(math.nan, False)])[0].value for number in range(count)]
    if values == right_counts.tolist():
        return (
            "These values count the right predictions of each class.",
            "Divide each count by the number of pictures of that class, or use .mean().",
        )
    got = sorted(_fraction(number) for both in answer.values() for number in both[:1])
    if len(got) == count and np.allclose(got, np.sort(expected), atol=_TWO_DECIMALS):
        return (
            "All ten values are there, but not each at its own class.",
            "Keep them in the order of class_names, or store each value under its name.",
        )
    return None


def as_array(value: Any) -> np.ndarray | None:
    """Numbers as an array, or None for anything else."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, dict) and value and all(isinstance(key, int) for key in value):
        value = list(value.values())
    if isinstance(value, bool | int | float | list):
        try:
            array = np.asarray(value)
        except ValueError:
            return None
        return array if array.dtype.kind in "biuf" else None
    return None
