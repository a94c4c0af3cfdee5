"""The checks of Stage 7, Find its mistakes."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from course_utils.checks.result import Check, Result
from course_utils.evidence import Cell, Evidence, Reference, Shown, Table, Unreadable
from course_utils.wording import Number, Pair, names_in, read_numbers, read_pairs, read_roles

NAMES = (
    "test_predictions",
    "predicted_labels",
    "true_labels",
    "wrong_indexes",
    "per_class_accuracy",
    "hardest_class",
)

# Two machines can round a network's answer differently and so disagree on a picture where
# two classes are equally likely. One picture in a thousand may differ.
_SAME = 0.999
_TWO_DECIMALS = 0.005 + 1e-9


# --- Step 1 ------------------------------------------------------------------------------


def predict_labels(evidence: Evidence, reference: Reference) -> Result:
    """Three arrays: the model's answers, the classes it chose, and the true classes."""
    names = ("test_predictions", "predicted_labels", "true_labels")
    predictions, predicted, true = (_array(evidence.values.get(name)) for name in names)
    blank = [name for name in names if evidence.values.get(name) is None]
    if blank:
        return Result(
            0,
            f"Still to do: {_list(blank)}.",
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
    if isinstance(value, list) and len(value) == 1 and np.size(value[0]) != 1:
        return Result(
            0,
            "wrong_indexes is a box (a tuple) with the list inside it. I expected the list.",
            "Take the list out: add [0] after np.where(...).",
        )
    found = _array(value)
    if found is None:
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
        f"wrong_indexes holds {_count(len(found), 'picture')}. "
        f"{_count(len(found & wrong), 'of them is wrong', 'of them are wrong')}, and "
        f"{_count(len(wrong - found), 'wrong prediction is', 'wrong predictions are')} missing.",
        "Compare the whole of predicted_labels with the whole of true_labels.",
    )


# --- Step 3 ------------------------------------------------------------------------------


def show_three_wrong(evidence: Evidence, reference: Reference) -> Result:
    """Three wrongly predicted test pictures on the screen, each with both its names."""
    wrong = set(reference.wrong.tolist())
    mostly_right, counted = 0, []
    for cell in evidence.cells:
        numbers = {shown.index for shown in cell.shown}
        if len(numbers - wrong) > len(numbers & wrong):
            mostly_right += bool(numbers)
        else:
            counted.append(cell)
    said = _captions_of(counted, wrong, reference)
    if not said:
        return _nothing_wrong_shown(evidence, mostly_right)

    points = 2 if len(said) >= 3 else 1
    seen = f"You showed {_count(len(said), 'wrong prediction')} ({_pictures(said)})."
    if len(said) < 3:
        extra = " A repeat counts once." if _repeats(counted) else ""
        if any(cell.covered for cell in counted):
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
    if len(good) >= 3:
        return Result(3, f"{seen} Each says what was predicted and what is true.")
    swapped = [number for number, verdict in said.items() if verdict == "swapped"]
    if swapped:
        pair = _pair_of(swapped[0], reference)
        names = reference.class_names
        return Result(
            points,
            f"{seen} But the two names of picture {swapped[0]} are swapped: the model predicted "
            f"{names[pair.predicted]}, and the true label is {names[pair.true]}.",
            "Check which list each name comes from: predicted_labels or true_labels.",
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


def _captions_of(cells: Iterable[Cell], wrong: set[int], reference: Reference) -> dict[int, str]:
    """For each wrong picture shown, the best that any of its captions says."""
    said: dict[int, str] = {}
    for cell in cells:
        verdicts = _read_captions(cell, reference)
        for number in wrong & set(verdicts):
            said[number] = min(verdicts[number], said.get(number, "nothing"), key=_VERDICTS.index)
    in_order = dict.fromkeys(number for cell in cells for number in _numbers_of(cell))
    return {number: said[number] for number in in_order if number in said}


def _numbers_of(cell: Cell) -> list[int]:
    """The pictures that a cell showed, each once, in order."""
    return list(dict.fromkeys(shown.index for shown in cell.shown))


# What the words of a picture can say, the best first: both names, the other way round, twice
# the same name, another class, one name, class numbers, two names but not which is which.
_VERDICTS = ("right", "swapped", "same", "other", "half", "numbers", "unclear", "nothing")


def _read_captions(cell: Cell, reference: Reference) -> dict[int, str]:
    """Judge the words of each picture of a cell."""
    verdicts: dict[int, str] = {}
    for shown in cell.shown:
        verdict = _read_caption(shown, cell, reference)
        known = verdicts.get(shown.index, "nothing")
        verdicts[shown.index] = min(verdict, known, key=_VERDICTS.index)
    # Printed words may be about other pictures too: "swapped" needs all to be so.
    printed = [shown.index for shown in cell.shown if not (shown.caption or shown.around)]
    if any(verdicts[number] != "swapped" for number in printed):
        verdicts |= {n: "unclear" for n in printed if verdicts[n] == "swapped"}
    for number in _said_in_halves(cell, reference):
        if verdicts[number] not in ("swapped", "same"):
            verdicts[number] = "right"
    return verdicts


def _read_caption(shown: Shown, cell: Cell, reference: Reference) -> str:
    """Judge the words of one picture: its own first, then the figure's, then the cell's."""
    names = reference.class_names
    pair = _pair_of(shown.index, reference)
    swapped = Pair(pair.true, pair.predicted)
    above = f"{cell.text}\n\n{shown.around}"
    found = ""
    for words in (shown.caption, f"{shown.around}\n\n{shown.caption}", above):
        pairs = read_pairs(words, names)
        if pair in pairs:
            return "right"
        if swapped in pairs:
            return "swapped"
        if pairs and words is not above:
            same = any(one.predicted == one.true for one in pairs)
            found = found or ("same" if same else "other")
    # A table's header, or a line such as "predicted / true", may be printed above the figure.
    if pair in read_pairs(f"{above}\n{shown.caption}", names):
        return "right"
    if found:
        return found
    mentioned = set(names_in(f"{shown.caption}\n{shown.around}\n{cell.text}", names))
    if {pair.predicted, pair.true} <= mentioned:
        return "unclear"
    if mentioned & {pair.predicted, pair.true}:
        return "half"
    if re.search(r"(?i)(pred|guess|true|label)\D{0,12}\d", shown.caption):
        return "numbers"
    return "nothing"


def _said_in_halves(cell: Cell, reference: Reference) -> list[int]:
    """Pictures whose two names stand in two places, such as one in the title and one in print.

    A place belongs to the picture if it gives one name, or one for each picture in order.
    """
    numbers, names = _numbers_of(cell), reference.class_names
    common = [read_roles(cell.text, names)]
    right = []
    for place, number in enumerate(numbers):
        shown = next(one for one in cell.shown if one.index == number)
        sources = [read_roles(words, names) for words in (shown.caption, shown.around)] + common
        pair = _pair_of(number, reference)._asdict()
        if all(
            any(
                ((own := source[role]) == [pair[role]] and source is not common[0])
                or (len(own) == len(numbers) and own[place] == pair[role])
                for source in sources
            )
            for role in pair
        ):
            right.append(number)
    return right


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
            f"I saw {_count(unknown, 'picture')}, but none is a whole test picture. Only pictures "
            "from x_test count.",
            next_step,
        )
    return Result(
        0,
        "Still to do: no test picture has reached the screen yet.",
        f"{next_step} A picture that is drawn but not shown does not count.",
    )


def _pair_of(number: int, reference: Reference) -> Pair:
    return Pair(int(reference.predicted[number]), int(reference.labels[number]))


def _repeats(cells: Iterable[Cell]) -> bool:
    numbers = [shown.index for cell in cells for shown in cell.shown]
    return len(numbers) > len(set(numbers))


def _pictures(numbers: Iterable[int]) -> str:
    numbers = list(numbers)
    word = "picture" if len(numbers) == 1 else "pictures"
    return f"{word} {_some([str(number) for number in numbers], 5)}"


# --- Step 4 ------------------------------------------------------------------------------


def per_class_accuracy(evidence: Evidence, reference: Reference) -> Result:
    """The accuracy within each class, in a variable or in print."""
    names = reference.class_names
    expected = accuracy_by_class(reference)
    value = evidence.values.get("per_class_accuracy")
    stored = _stored_values(value, names)
    printed = [_printed_values(cell.text, names) for cell in evidence.cells]
    answers = [stored, *printed, _merged(printed)]
    answer = max(answers, key=lambda found: _right_values(found, expected))
    right = _right_values(answer, expected)
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
    explained = _explain_values(answer, expected, reference)
    if explained:
        return Result(points, *explained)
    if missing:
        return Result(
            points,
            f"{_count(right, 'value is', 'values are')} right. No value yet for "
            f"{_some(missing)}. I expected one for each of the ten classes.",
            "Let the loop run over all ten: for number in range(10).",
        )
    wrong = [
        name
        for number, name in enumerate(names)
        if not _matches(answer.get(number, []), expected[number])
    ]
    return Result(
        points,
        f"{_count(right, 'value is', 'values are')} right to two decimals. "
        f"Not right: {_some(wrong)}.",
        "Take the pictures whose true label is the class. Their accuracy is the share with "
        "predicted_labels equal to true_labels.",
    )


def accuracy_by_class(reference: Reference) -> np.ndarray:
    """Share of each true class that was predicted right (its recall), shape (k,), float64.

    A class without pictures has nan.
    """
    hits = reference.predicted == reference.labels
    return _shares(hits, reference.labels, len(reference.class_names))


def _shares(hits: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    totals = np.bincount(groups, minlength=count)
    with np.errstate(invalid="ignore"):
        return np.bincount(groups, weights=hits, minlength=count) / totals


_MOST_PRINTED = 12  # numbers for one class: more is a list of something else


def _printed_values(text: str, names: tuple[str, ...]) -> dict[int, list[Number]]:
    """Numbers printed by class, unless there are so many that they cannot be an answer."""
    found = read_numbers(text, names)
    return {} if any(len(numbers) > _MOST_PRINTED for numbers in found.values()) else found


def _merged(answers: list[dict[int, list[Number]]]) -> dict[int, list[Number]]:
    """What several cells printed, together."""
    together: dict[int, list[Number]] = {}
    for answer in answers:
        for number, values in answer.items():
            together.setdefault(number, []).extend(values)
    return {n: values for n, values in together.items() if len(values) <= _MOST_PRINTED}


def _stored_values(value: Any, names: tuple[str, ...]) -> dict[int, list[Number]]:
    """Read the variable, whatever its form, as candidate numbers by class."""
    if isinstance(value, Table):
        return _table_values(value, names)
    if isinstance(value, str):
        return read_numbers(value, names)
    if isinstance(value, dict):
        return _by_class(value.items(), names)
    array = _array(value)
    entries = value if array is None else np.asarray(array).ravel().tolist()
    if not isinstance(entries, list):
        return {}
    if entries and all(isinstance(entry, list) for entry in entries):
        return _by_class(map(_name_and_value, entries), names)
    if entries and all(isinstance(entry, dict) for entry in entries):
        return _by_class([pair for entry in entries for pair in entry.items()], names)
    if entries and all(isinstance(entry, str) and names_in(entry, names) for entry in entries):
        return read_numbers("\n".join(entries), names)
    return _by_class(enumerate(entries), names) if len(entries) == len(names) else {}


def _by_class(pairs: Iterable[tuple[Any, Any]], names: tuple[str, ...]) -> dict[int, list[Number]]:
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


def _table_values(table: Table, names: tuple[str, ...]) -> dict[int, list[Number]]:
    """All columns of a table as candidates, or all rows if the columns are the classes."""
    columns = table.columns
    if sum(_class_number(key, names) is not None for key in columns) >= len(names) / 2:
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
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
    found: dict[int, list[Number]] = {}
    for row in rows:
        for number, both in _by_class(row.items(), names).items():
            found.setdefault(number, []).extend(both)
    return found


def _class_number(key: Any, names: tuple[str, ...]) -> int | None:
    if isinstance(key, str):
        named = set(names_in(key, names))
        if len(named) == 1:
            return named.pop()
        digits = re.fullmatch(r"\D*(\d+)\s*", key)  # "3", "class_3"
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
    array = _array(entry)
    if array is None or array.size != 1 or array.dtype.kind == "b":
        return None
    value = float(array.ravel()[0])
    return Number(value, False) if math.isfinite(value) else None


def _as_fractions(found: dict[int, list[Number]]) -> dict[int, list[Number]]:
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


def _matches(numbers: Iterable[Number], expected: float) -> bool:
    return any(abs(_fraction(number) - expected) <= _TWO_DECIMALS for number in numbers)


def _right_values(answer: dict[int, list[Number]], expected: np.ndarray) -> int:
    return sum(_matches(answer.get(number, []), value) for number, value in enumerate(expected))


def _explain_values(
    answer: dict[int, list[Number]], expected: np.ndarray, reference: Reference
) -> tuple[str, str] | None:
    """Recognise a typical mistake: what the values are instead, and what to change."""
    hits = reference.predicted == reference.labels
    count = len(expected)
    overall = float(hits.mean())
    precision = _shares(hits, reference.predicted, count)
    if _right_values(answer, np.full(count, overall)) == count:
        return (
            f"Every class has the same value, {overall:.3f}. That is the accuracy over all "
            "pictures.",
            "Before you take the mean, choose only the pictures of one class.",
        )
    if _right_values(answer, precision) > max(_right_values(answer, expected), 0.7 * count):
        return (
            "You chose the pictures by what the model predicted. I expected them chosen by their "
            "true class. (Your values have a name too: precision.)",
            "Use true_labels == number to choose.",
        )
    if _right_values(answer, 1 - expected) == count:
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
        return Result(2, f"{_list(names[number] for number in named)} it is, with {lowest} right.")
    number = _array(int(value) if isinstance(value, str) and value.strip().isdecimal() else value)
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
            f"You named {_list(names[number] for number in named)}. I expected the one class with "
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
        word = str(value).strip().lower()
        near = _OTHER_WORDS.get(word) or next(iter(difflib.get_close_matches(word, names, 1)), "")
        hint = f" Did you mean '{near}'?" if near else ""
        return Result(
            0,
            f"{_quoted(value)} is not one of the class names.{hint}",
            f"The names are: {', '.join(names)}.",
        )
    chosen = named[0]
    if accuracy[chosen] == np.nanmax(accuracy):
        saw = f"{names[chosen]} has the highest accuracy. The hardest class has the lowest."
    else:
        below = int((accuracy < accuracy[chosen]).sum())
        saw = (
            f"{names[chosen]} is not the hardest: {_count(below, 'class is', 'classes are')} lower."
        )
    return Result(0, saw, "Look for the smallest value in per_class_accuracy.")


_OTHER_WORDS = {"car": "automobile", "plane": "airplane", "boat": "ship", "lorry": "truck"}


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


def _array(value: Any) -> np.ndarray | None:
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


def _agree(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and float((found == expected).mean()) >= _SAME


def _shape(array: np.ndarray | None) -> str:
    if array is None:
        return "is not an array of numbers"
    if array.ndim == 2:
        return f"has {array.shape[0]} rows and {array.shape[1]} columns"
    return f"holds {_count(array.size, 'number')}" if array.ndim < 2 else f"has shape {array.shape}"


def _list(words: Iterable[str]) -> str:
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _some(words: list[str], most: int = 4) -> str:
    """The first few of some words, with a note if there are more."""
    return _list([*words[:most], "more"] if len(words) > most else words)


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _quoted(value: Any) -> str:
    return repr(value if isinstance(value, str) else str(value))[:60]


CHECKS = {
    "predict_labels": Check(predict_labels, 1),
    "find_wrong": Check(find_wrong, 1),
    "show_three_wrong": Check(show_three_wrong, 3),
    "per_class_accuracy": Check(per_class_accuracy, 3),
    "name_hardest_class": Check(name_hardest_class, 2),
}
