"""The checks of Stage 2, Explore the classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.checks.result import Check, Result
from course_utils.checks.sentences import counted, did_you_mean, join, join_some, quoted
from course_utils.checks.values import Answer, as_array, merged, printed_values, stored_values
from course_utils.evidence import Evidence, Reference, Unreadable
from course_utils.wording import names_in

NAMES = ("class_counts", "average_picture", "look_alikes", "my_guess", "guess_reason")

_PICTURE = (32, 32, 3)
_MOST_LINES = 20  # in a chart: more of them show every number there is
_SAME = 1.0  # a gray level, of 255: what rounding to whole numbers may change


# --- Step 1 ------------------------------------------------------------------------------


def count_classes(evidence: Evidence, reference: Reference) -> Result:
    """How many pictures each class has, in a variable or in print."""
    names, expected = reference.class_names, class_counts(reference)
    value = evidence.values.get("class_counts")
    printed = [printed_values(cell.text, names) for cell in evidence.cells]
    answers = [*stored_values(_second_row(value), names), *printed, merged(printed)]
    answer = max(answers, key=lambda found: _right_counts(found, expected))
    right = _right_counts(answer, expected)
    if right == len(names):
        return Result(2, f"All ten counts are right. Together: {expected.sum()} pictures.")
    if value is None and not any(len(found) >= len(names) / 2 for found in printed):
        advice = "For each class number, count the places where y_train equals it."
        return Result(0, "Still to do: class_counts.", advice)
    points = 1 if right >= len(names) / 2 else 0
    answer = answer or max(answers, key=len)
    return Result(points, *_about_counts(as_array(value), answer, expected, names))


def class_counts(reference: Reference) -> np.ndarray:
    """Return the number of pictures of each class, shape (k,)."""
    return np.bincount(reference.labels, minlength=len(reference.class_names))


def _second_row(value: Any) -> Any:
    """Take the counts out of what ``np.unique(..., return_counts=True)`` gives."""
    array = as_array(value)
    if array is not None:
        value = list(array) if array.ndim == 2 else value
    pair = isinstance(value, list) and len(value) == 2
    return value[1] if pair and isinstance(value[1], list | np.ndarray) else value


def _right_counts(answer: Answer, expected: np.ndarray) -> int:
    return sum(
        any(abs(number.value - count) < 0.5 for number in answer.get(place, []))
        for place, count in enumerate(expected)
    )


def _about_counts(
    array: np.ndarray | None, answer: Answer, expected: np.ndarray, names: tuple[str, ...]
) -> tuple[str, str]:
    total = int(expected.sum())
    if not answer:
        saw = "class_counts has a form that I cannot read."
        if array is not None and array.size == 1:
            saw = f"class_counts is one number, {array.ravel()[0]}."
        elif array is not None and array.size == total:
            saw = f"class_counts has an entry for each of the {total} pictures."
        return (
            f"{saw} I expected ten numbers, one for each class.",
            "y_train == 3 is a long row of True and False, and its .sum() counts the True. Do "
            "this for each class number, from 0 to 9.",
        )
    got = [answer[place][0].value if answer.get(place) else None for place in range(len(names))]
    missing = [name for name, number in zip(names, got, strict=True) if number is None]
    if missing:
        advice = "Let the loop run over all ten: for number in range(10)."
        return f"No count yet for {join_some(missing)}.", advice
    if got == list(range(len(names))):
        return (
            "These are the class numbers, 0 to 9. I expected how many pictures each class has.",
            "Count the places where y_train equals the number: (y_train == number).sum().",
        )
    if not any(got):
        saw = "All your counts are 0. The labels in y_train are numbers, not names."
        return saw, "Compare y_train with a class number, from 0 to 9."
    if sum(got) < 101:  # parts of 1 or of 100 %
        return (
            "These are shares: parts of the whole. I expected how many pictures each class has.",
            "Use .sum() in place of .mean().",
        )
    wrong = [name for name, a, b in zip(names, got, expected, strict=True) if abs(a - b) >= 0.5]
    return (
        f"Not right: {join_some(wrong)}. Your counts add up to {sum(got):g}, and there are {total} "
        "pictures.",
        "Count in the whole of y_train, with one class number after the other.",
    )


# --- Step 2 ------------------------------------------------------------------------------


def chart_counts(evidence: Evidence, reference: Reference) -> Result:
    """A chart on the screen with ten right values, and the names beside them."""
    expected = np.sort(class_counts(reference))
    charts = [chart for cell in evidence.cells for chart in cell.charts]
    if not charts:
        advice = "Draw the ten counts with plt.bar(...). Then write plt.show()."
        return Result(0, "Still to do: no chart has reached the screen yet.", advice)
    found = [
        (chart, sorted(row))
        for chart in charts
        for row in (chart.bars, *chart.lines)
        if len(chart.lines) <= _MOST_LINES
    ]
    named = [
        len(set(names_in("\n".join([*chart.labels, chart.words]), reference.class_names)))
        for chart, row in found
        if len(row) == len(expected) and np.allclose(row, expected, rtol=0, atol=0.5)
    ]
    if len(expected) in named:
        return Result(2, "Your chart shows ten right values, each with its class name.")
    advice = "Give plt.bar the names and the counts: plt.bar(class_names, ...)."
    if named:
        saw = "The ten values in your chart are right. But I cannot read all ten class names on it."
        return Result(1, saw, advice)
    sizes = [len(row) for _, row in found]
    if len(expected) not in sizes:
        saw = f"Your chart shows {counted(max(sizes, default=0), 'value')}. I expected ten."
        return Result(0, saw, advice)
    return Result(
        0,
        "Your chart shows ten values, but they are not the counts of the classes.",
        "Get Step 1 right first. Then draw the numbers of class_counts.",
    )


# --- Step 3 ------------------------------------------------------------------------------


def average_picture(evidence: Evidence, reference: Reference) -> Result:
    """The mean of all pictures of a class, as numbers and on the screen."""
    value = evidence.values.get("average_picture")
    if value is None:
        advice = "Take all pictures of one class, and then their mean with axis=0."
        return Result(0, "Still to do: average_picture.", advice)
    pictures, means = _pictures_in(value), class_means(reference)
    fits = [number for number, mean in enumerate(means) if _fits(mean, pictures)]
    if not fits:
        return Result(0, *_about_average(value, pictures, means, reference))
    saw = f"The numbers of the average {reference.class_names[fits[0]]} are right."
    if any(cell.unknown > cell.white for cell in evidence.cells):
        return Result(2, f"{saw} And you showed the picture.")
    white = any(cell.white for cell in evidence.cells)
    saw += " But the picture came out white." if white else " But I have not seen the picture yet."
    return Result(1, saw, "Show it with plt.imshow(average_picture / 255) and plt.show().")


def class_means(reference: Reference) -> np.ndarray:
    """Return the average picture of each class, shape (k, 32, 32, 3), from 0 to 255.

    It is nan for a class without pictures.
    """
    means = np.full((len(reference.class_names), *_PICTURE), np.nan)
    for number in np.unique(reference.labels) if reference.pictures is not None else ():
        means[number] = reference.pictures[reference.labels == number].mean(axis=0)
    return means


def _pictures_in(value: Any) -> list[np.ndarray]:
    """The pictures that a value holds: it is one, or a list, a dict or a block of them."""
    value = list(value.values()) if isinstance(value, dict) else value
    array = as_array(value)
    if array is None or array.dtype.kind == "b":
        parts = value if isinstance(value, list) else []
        return [picture for part in parts for picture in _pictures_in(part)]
    if array.shape == _PICTURE:
        return [array]
    return list(array) if array.shape[1:] == _PICTURE and len(array) <= 20 else []


def _fits(mean: np.ndarray, pictures: list[np.ndarray]) -> bool:
    """Whether one of the pictures, in gray levels or in parts of 1, is this average."""
    for picture in pictures:
        scale = 255.0 if np.nanmax(picture, initial=0) <= 1 else 1.0
        with np.errstate(all="ignore"):
            if np.abs(picture * scale - mean).mean() <= _SAME:
                return True
    return False


def _about_average(
    value: Any, pictures: list[np.ndarray], means: np.ndarray, reference: Reference
) -> tuple[str, str]:
    advice = "Choose one class: x_train[y_train == number]. Then take the mean with axis=0."
    if not pictures:
        array = as_array(value)
        saw = "is no block of numbers" if array is None else f"has the shape {array.shape}"
        saw = "is a single number" if array is not None and array.size == 1 else saw
        return f"average_picture {saw}. I expected a picture, with shape (32, 32, 3).", advice
    counts = class_counts(reference)[:, None, None, None]
    if _fits(np.nansum(means * counts, axis=0) / max(1, counts.sum()), pictures):
        return "This is the average of all pictures. I expected that of one class.", advice
    if pictures[0].max() > 255:
        saw = "Some numbers are larger than 255. That is a sum, not an average."
        return saw, "Use .mean(axis=0) in place of .sum(axis=0)."
    if pictures[0].dtype.kind in "iu":
        return "This looks like one picture. I expected the average of a whole class.", advice
    return "This picture is not the average of all pictures of a class.", advice


# --- Step 4 ------------------------------------------------------------------------------


def look_alike_pair(evidence: Evidence, reference: Reference) -> Result:
    """Two classes that look alike, and a photo of each on the screen."""
    names, value = reference.class_names, evidence.values.get("look_alikes")
    if value is None:
        advice = "Which two average pictures look most alike? Write both class names."
        return Result(0, "Still to do: look_alikes.", advice)
    said = [*value, *value.values()] if isinstance(value, dict) else value
    said = said if isinstance(said, list) else [said]
    named = sorted({n for item in said if isinstance(item, str) for n in names_in(item, names)})
    if len(named) != 2:
        return Result(
            0,
            f"{_about_names(value, named, names)} I expected two different classes.",
            f"Write two of these names, both in quotes: {', '.join(names)}.",
        )
    shown = {int(reference.labels[one.index]) for cell in evidence.cells for one in cell.shown}
    missing = [names[number] for number in named if number not in shown]
    pair = join(names[number] for number in named)
    if missing:
        return Result(
            1,
            f"You named {pair}. But I saw no photo of {join(missing)}.",
            "Show one photo of each of the two classes with plt.imshow and plt.show().",
        )
    return Result(2, f"You named {pair}, and showed photos of both.")


# --- Step 5 ------------------------------------------------------------------------------


def keep_guess(evidence: Evidence, reference: Reference) -> Result:
    """A class name and a reason, kept for Stage 7. No guess is wrong."""
    names, work = reference.class_names, reference.work
    guess, reason = (evidence.values.get(name) for name in ("my_guess", "guess_reason"))
    if guess is None:
        advice = "Write the class that you think will be the hardest, between quotes."
        return Result(0, "Still to do: my_guess.", advice)
    named = sorted(set(names_in(guess, names))) if isinstance(guess, str) else []
    if len(named) != 1:
        return Result(
            0,
            f"{_about_names(guess, named, names)} I expected the name of one class.",
            f"The names are: {', '.join(names)}.",
        )
    name, kept = names[named[0]], work.get("guess")
    if not isinstance(reason, str) or len(reason.split()) < 2:
        saw = f"Your guess is {name}. Still to do: guess_reason."
        return Result(1, saw, "Write a short reason between quotes. Then run the cell again.")
    if "guess" not in work.get("saved", ()):
        saw = f"Your guess is {name}, with a reason. But it is not kept yet."
        return Result(1, saw, "Let the cell end with cu.save(...), and run it.")
    if isinstance(kept, str) and set(names_in(kept, names)) != set(named):
        saw = f"Your guess is {name} now, but {kept} is kept."
        return Result(1, saw, "Run the cell with cu.save(...) again.")
    return Result(2, f"Your guess, {name}, is kept for Stage 7. There you will see!")


def _about_names(value: Any, named: list[int], names: tuple[str, ...]) -> str:
    """Say which classes a value names. If it names none, say which may be meant."""
    if named:
        return f"You named {join(names[number] for number in named)}."
    if isinstance(value, Unreadable):
        return f"That is a {value.kind}, not a name."
    array = as_array(value)
    if array is not None:
        return f"You gave {'a number' if array.size == 1 else 'numbers'}, not names."
    return f"{quoted(value)} names no class.{did_you_mean(value, names)}"


CHECKS = {
    "count_classes": Check(count_classes, 2),
    "chart_counts": Check(chart_counts, 2),
    "average_picture": Check(average_picture, 2),
    "look_alike_pair": Check(look_alike_pair, 2),
    "keep_guess": Check(keep_guess, 2),
}
