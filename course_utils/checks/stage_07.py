"""The checks of Stage 7, Find its mistakes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from course_utils.checks import deeper_07
from course_utils.checks.captions import captions_of, pair_of, without_guesswork
from course_utils.checks.result import Check, Result
from course_utils.checks.sentences import counted, did_you_mean, join, join_some, quoted
from course_utils.checks.values import (
    accuracy_by_class,
    as_array,
    explain,
    matches,
    merged,
    printed_values,
    right_values,
    stored_values,
)
from course_utils.evidence import Cell, Evidence, Reference, Table, Unreadable
from course_utils.wording import names_in

NAMES = (
    "test_predictions",
    "predicted_labels",
    "true_labels",
    "wrong_indexes",
    "per_class_accuracy",
    "hardest_class",
    *deeper_07.NAMES,
)

# Two machines can round a network's answer differently and so disagree on a picture where
# two classes are equally likely. One picture in a thousand may differ.
_SAME = 0.999


# --- Step 1 ------------------------------------------------------------------------------


def predict_labels(evidence: Evidence, reference: Reference) -> Result:
    """Three arrays: the model's answers, the classes it chose, and the true classes."""
    names = ("test_predictions", "predicted_labels", "true_labels")
    predictions, predicted, true = (as_array(evidence.values.get(name)) for name in names)
    blank = [name for name in names if evidence.values.get(name) is None]
    if blank:
        return Result(
            0,
            f"Still to do: {join(blank)}.",
            "Replace each ... in the cell above and run it again. Use exactly these names.",
        )
    count, classes = reference.probabilities.shape
    if predictions is None or predictions.shape != (count, classes):
        return Result(
            0,
            f"test_predictions {_shape(predictions)}. I expected {count} rows and {classes} "
            "columns: one row for each test picture, one column for each class.",
            "Use model.predict(x_test), with its brackets and with all the test pictures.",
        )
    if not _agree(predictions.argmax(axis=1), reference.predicted):
        return Result(
            0,
            "test_predictions are not this model's answers for x_test.",
            "Give model.predict the pictures as they are: x_test. The model divides the "
            "pixels itself, so do not divide them first.",
        )
    if predicted is None or predicted.shape != (count,):
        return Result(
            0,
            f"predicted_labels {_shape(predicted)}. I expected {count} numbers: one class number "
            "for each test picture.",
            "Use test_predictions.argmax(axis=1). axis=1 looks along each row.",
        )
    if not _agree(predicted, reference.predicted):
        return Result(
            0,
            "predicted_labels does not hold the class with the largest score of each row.",
            "Use argmax with axis=1 on test_predictions.",
        )
    if true is None or true.shape != (count,):
        return Result(
            0,
            f"true_labels {_shape(true)}. I expected {count} numbers: one class number for each "
            "test picture.",
            "y_test is one-hot: ten columns, with a 1 in the column of the true class. "
            "argmax with axis=1 finds that column.",
        )
    if not np.array_equal(true, reference.labels):
        return Result(
            0,
            "true_labels does not match the answers that come with the pictures.",
            "Make true_labels from y_test, in the same way as predicted_labels.",
        )
    return Result(1, f"All {count} test pictures have a predicted and a true class number.")


# --- Step 2 ------------------------------------------------------------------------------


def find_wrong(evidence: Evidence, reference: Reference) -> Result:
    """The numbers of all pictures that the model got wrong."""
    value = evidence.values.get("wrong_indexes")
    if value is None:
        return Result(
            0,
            "Still to do: wrong_indexes.",
            "Find the places where predicted_labels and true_labels differ.",
        )
    inside = value[0] if isinstance(value, list) and len(value) == 1 else None
    boxed = isinstance(inside, np.ndarray) and inside.size != 1
    if boxed or (isinstance(inside, list) and len(inside) != 1):
        return Result(
            0,
            "wrong_indexes is a box (a tuple) with the list inside it. I expected the list.",
            "Take the list out: add [0] after np.where(...).",
        )
    found = as_array(value)
    if found is None or not np.isfinite(found).all():  # what is not a number has no place
        return Result(
            0,
            "wrong_indexes is not a list of numbers. I expected the numbers of the wrong pictures.",
            "Use np.where, as in the hints.",
        )
    count = len(reference.labels)
    if found.dtype.kind == "b":
        return Result(
            0,
            "wrong_indexes holds True and False. I expected picture numbers.",
            "np.where turns True and False into the numbers of the True places.",
        )
    found, wrong = {int(number) for number in found.ravel()}, set(reference.wrong.tolist())
    slack = round((1 - _SAME) * count)
    if len(found ^ wrong) <= slack:
        return Result(
            1, f"You found {len(found)} wrong predictions among {count} pictures. Well spotted!"
        )
    right = set(range(count)) - wrong
    if len(found ^ right) <= slack:
        return Result(
            0,
            "wrong_indexes holds the pictures that the model got right.",
            "Turn the comparison around: != means 'is not equal to'.",
        )
    return Result(
        0,
        f"wrong_indexes holds {counted(len(found), 'picture')}. "
        f"{counted(len(found & wrong), 'of them is wrong', 'of them are wrong')}, and "
        f"{counted(len(wrong - found), 'wrong prediction is', 'wrong predictions are')} missing.",
        "Compare the whole of predicted_labels with the whole of true_labels.",
    )


# --- Step 3 ------------------------------------------------------------------------------


def show_three_wrong(evidence: Evidence, reference: Reference) -> Result:
    """Three wrongly predicted test pictures on the screen, each with both its names."""
    wrong = set(reference.wrong.tolist())
    needed = min(3, len(wrong))  # a very good model may have made fewer mistakes
    if needed == 0:
        return Result(3, "The model got every test picture right. There is nothing to show.")
    mostly_right, cells = 0, []
    own = [cell for cell in evidence.cells if not deeper_07.is_deeper(cell)]
    own, guesswork = without_guesswork(own, reference)
    for cell in own:
        numbers = {shown.index for shown in cell.shown}
        if len(numbers - wrong) > len(numbers & wrong):
            mostly_right += bool(numbers)
        else:
            cells.append(cell)
    said = captions_of(cells, wrong, reference)
    if not said:
        return _nothing_wrong_shown(evidence, mostly_right)

    points = 2 if len(said) >= needed else 1
    seen = f"You showed {counted(len(said), 'wrong prediction')} ({_pictures(said)})."
    if len(said) < needed:
        extra = " A repeat counts once." if _repeats(cells) else ""
        if any(cell.covered for cell in cells):
            return Result(
                points,
                f"{seen} I expected three. Others lie behind it, in the same place.",
                "Call plt.show() after each picture, or give each one a place of its own.",
            )
        return Result(
            points,
            f"{seen} I expected three different ones.{extra}",
            "Show more pictures from wrong_indexes, each with its own number.",
        )
    good = [number for number, verdict in said.items() if verdict == "right"]
    if len(good) >= needed:
        return Result(3, f"{seen} Each says what was predicted and what is true.")
    swapped = [number for number, verdict in said.items() if verdict == "swapped"]
    if swapped:
        pair = pair_of(swapped[0], reference)
        names = reference.class_names
        return Result(
            points,
            f"{seen} But the two names of picture {swapped[0]} are swapped: the model predicted "
            f"{names[pair.predicted]}, and the true label is {names[pair.true]}.",
            "Check which list each name comes from: predicted_labels or true_labels.",
        )
    if guesswork:
        return Result(
            points,
            f"{seen} But the words beside your pictures fit hardly one of them, or say so many "
            "pairs of names that one had to fit.",
            _CAPTION_HINT,
        )
    number = next(number for number, verdict in said.items() if verdict != "right")
    verdict = said[number]
    advice = _SAME_NUMBER if verdict in ("same", "other") else _CAPTION_HINT
    return Result(points, f"{seen} {_what_is_missing(verdict, number)}", advice)


_CAPTION_HINT = (
    'Give each picture a title: plt.title(f"Pred: {predicted}, True: {true}"), with both names '
    "from class_names."
)
_SAME_NUMBER = (
    "Use the picture's own number for both: class_names[predicted_labels[number]] and "
    "class_names[true_labels[number]]."
)


def _what_is_missing(verdict: str, number: int) -> str:
    return {
        "same": f"But both names of picture {number} are the same.",
        "other": f"But the names of picture {number} belong to another picture.",
        "half": f"But picture {number} gives only one of its two names.",
        "numbers": f"But picture {number} gives class numbers, not names.",
        "unclear": f"But picture {number} does not say which name was predicted and which is true.",
        "nothing": f"But picture {number} does not say what was predicted and what is true.",
    }[verdict]


def _nothing_wrong_shown(evidence: Evidence, mostly_right: int) -> Result:
    next_step = "Take the numbers from wrong_indexes and show x_test[number] with plt.imshow."
    if mostly_right:
        return Result(
            0,
            "Most of the pictures that you showed are ones that the model got right. I expected "
            "three that it got wrong.",
            next_step,
        )
    if any(cell.white for cell in evidence.cells):
        return Result(
            0,
            "A picture came out all white or all black. I expected a test picture.",
            "Use plt.imshow(x_test[number]), without any arithmetic.",
        )
    unknown = sum(cell.unknown for cell in evidence.cells)
    if unknown:
        return Result(
            0,
            f"I saw {counted(unknown, 'picture')}, but none is a whole test picture. Only pictures "
            "from x_test count.",
            next_step,
        )
    return Result(
        0,
        "Still to do: no test picture has reached the screen yet.",
        f"{next_step} A picture that is drawn but not shown does not count.",
    )


def _repeats(cells: Iterable[Cell]) -> bool:
    numbers = [shown.index for cell in cells for shown in cell.shown]
    return len(numbers) > len(set(numbers))


def _pictures(numbers: Iterable[int]) -> str:
    numbers = list(numbers)
    word = "picture" if len(numbers) == 1 else "pictures"
    return f"{word} {join_some([str(number) for number in numbers], 5)}"


# --- Step 4 ------------------------------------------------------------------------------


def per_class_accuracy(evidence: Evidence, reference: Reference) -> Result:
    """The accuracy within each class, in a variable or in print."""
    names = reference.class_names
    expected = accuracy_by_class(reference)
    value = evidence.values.get("per_class_accuracy")
    printed = [printed_values(cell.text, names) for cell in evidence.cells]
    answers = [*stored_values(value, names), *printed, merged(printed)]
    answer = max(answers, key=lambda found: right_values(found, expected))
    right = right_values(answer, expected)
    if right == len(names):
        return Result(3, f"All {right} values are right.")
    if value is None and not any(len(found) >= len(names) / 2 for found in printed):
        return Result(
            0,
            "Still to do: per_class_accuracy.",
            "For each class, look only at its own pictures: what share did the model get right?",
        )
    if not any(answers):
        return Result(
            0,
            "per_class_accuracy has a form that I cannot read. I expected ten values.",
            "Store them in a dictionary, with each value under the name of its class.",
        )
    points = 1 if right >= len(names) / 2 else 0
    answer = answer or max(answers, key=len)
    missing = [name for number, name in enumerate(names) if not answer.get(number)]
    explained = explain(answer, expected, reference)
    if explained:
        return Result(points, *explained)
    if missing:
        return Result(
            points,
            f"{counted(right, 'value is', 'values are')} right. No value yet for "
            f"{join_some(missing)}. I expected one for each of the ten classes.",
            "Let the loop run over all ten: for number in range(10).",
        )
    wrong = [
        name
        for number, name in enumerate(names)
        if not matches(answer.get(number, []), expected[number])
    ]
    return Result(
        points,
        f"{counted(right, 'value is', 'values are')} right to two decimals. "
        f"Not right: {join_some(wrong)}.",
        "Take the pictures whose true label is the class. Their accuracy is the share with "
        "predicted_labels equal to true_labels.",
    )


# --- Step 4, the finding -------------------------------------------------------------------


def name_hardest_class(evidence: Evidence, reference: Reference) -> Result:
    """The name of a class with the lowest accuracy; every tie counts."""
    names = reference.class_names
    accuracy = accuracy_by_class(reference)
    hardest = np.flatnonzero(accuracy == np.nanmin(accuracy))
    value = evidence.values.get("hardest_class")
    if value is None:
        return Result(
            0,
            "Still to do: hardest_class.",
            "Which class has the lowest value in per_class_accuracy? Write its name as text.",
        )
    named = sorted(set(_named_classes(value, names)))
    if named and set(named) <= set(hardest.tolist()):
        lowest = f"{accuracy[named[0]]:.1%}"
        return Result(2, f"{join(names[number] for number in named)} it is, with {lowest} right.")
    number = as_array(int(value) if isinstance(value, str) and value.strip().isdecimal() else value)
    if not named and number is not None and number.size == 1 and number.dtype.kind in "iuf":
        if float(number.ravel()[0]) in hardest:
            return Result(
                1,
                "The class number is right. I expected its name.",
                "class_names[number] gives the name of a class number.",
            )
        return Result(
            0,
            f"hardest_class is the number {number.ravel()[0]}. I expected the name of the class "
            "with the lowest accuracy.",
            "Find the lowest value first, then the name that belongs to it.",
        )
    if len(named) > 1:
        return Result(
            0,
            f"You named {join(names[number] for number in named)}. I expected the one class with "
            "the lowest accuracy.",
            "Compare their values and keep the name with the lowest.",
        )
    if isinstance(value, Unreadable):
        return Result(
            0,
            f"hardest_class is a {value.kind}, not a name. I expected the name of a class.",
            "Did you forget the brackets ( ) of a function?",
        )
    if not named and not str(value).strip():
        return Result(
            0,
            "hardest_class is empty. I expected the name of a class.",
            "Write the name between the quotes.",
        )
    if not named:
        return Result(
            0,
            f"{quoted(value)} is not one of the class names.{did_you_mean(value, names)}",
            f"The names are: {', '.join(names)}.",
        )
    chosen = named[0]
    if accuracy[chosen] == np.nanmax(accuracy):
        saw = f"{names[chosen]} has the highest accuracy. The hardest class has the lowest."
    else:
        below = int((accuracy < accuracy[chosen]).sum())
        lower = counted(below, "class is", "classes are")
        saw = f"{names[chosen]} is not the hardest: {lower} lower."
    return Result(0, saw, "Look for the smallest value in per_class_accuracy.")


def _named_classes(value: Any, names: tuple[str, ...]) -> list[int]:
    """The classes named by a text, or by the texts in a list, a dict or a table."""
    if isinstance(value, str):
        return names_in(value, names)
    if isinstance(value, Table):
        value = [*value.index, *(item for column in value.columns.values() for item in column)]
    if isinstance(value, list | dict):
        return [n for item in value if isinstance(item, str) for n in names_in(item, names)]
    return []


# --- Small helpers -------------------------------------------------------------------------


def _agree(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and float((found == expected).mean()) >= _SAME


def _shape(array: np.ndarray | None) -> str:
    if array is None:
        return "is not an array of numbers"
    if array.ndim == 2:
        return f"has {array.shape[0]} rows and {array.shape[1]} columns"
    return (
        f"holds {counted(array.size, 'number')}" if array.ndim < 2 else f"has shape {array.shape}"
    )


CHECKS = {
    "predict_labels": Check(predict_labels, 1),
    "find_wrong": Check(find_wrong, 1),
    "show_three_wrong": Check(show_three_wrong, 3),
    "per_class_accuracy": Check(per_class_accuracy, 3),
    "name_hardest_class": Check(name_hardest_class, 2),
}
DEEPER = {"deeper_verdict": Check(deeper_07.deeper_verdict, 1)}
RECORDS = {"predict_labels": {"predictions": None, "guess": None}}
