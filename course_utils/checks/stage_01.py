"""The checks of Stage 1, Meet the photos."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from course_utils.checks.result import Check, Result
from course_utils.checks.sentences import counted, join, join_some, quoted
from course_utils.checks.values import as_array
from course_utils.evidence import Cell, Evidence, Reference, Shown, Unreadable
from course_utils.wording import names_in

_SHAPE = ("number_of_pictures", "height", "width", "channels")
_PIXELS = ("pixel_type", "smallest", "largest")
NAMES = (*_SHAPE, *_PIXELS, "hard_photo")

SHEET, CLASSES = 10, 5  # photos and classes that a contact sheet needs
_RANGE = (0, 255)


# --- Step 1 ------------------------------------------------------------------------------


def look_at_shape(evidence: Evidence, reference: Reference) -> Result:
    """Four numbers: how many pictures, and the height, width and channels of each."""
    expected = dict(zip(_SHAPE, (len(reference.labels), 32, 32, 3), strict=True))
    given = {name: evidence.values.get(name) for name in _SHAPE}
    blank = [name for name in _SHAPE if given[name] is None]
    wrong = [
        name for name in _SHAPE if name not in blank and whole_number(given[name]) != expected[name]
    ]
    missing = len(wrong) + len(blank)
    points = 2 if missing == 0 else 1 if missing <= 2 else 0
    saw = f"Still to do: {join(blank)}." if blank else ""
    advice = (
        "The four numbers of x_train.shape stand in this order: pictures, height, width, "
        "channels. The first one is x_train.shape[0]."
    )
    if wrong:
        value = given[wrong[0]]
        saw = f"Not right: {join(wrong)}. {saw}".strip()
        if isinstance(value, list) and len(value) == 4:
            saw = f"{wrong[0]} holds all four numbers. I expected one."
            advice = f"Take one out by its place: {wrong[0]} = x_train.shape[____]."
        elif isinstance(value, list) and len(value) == 2:
            saw = f"{wrong[0]} became two numbers: for Python, a comma stands between two things."
            advice = "Write a long number without a comma."
    if missing:
        return Result(points, saw, advice)
    return Result(
        2,
        f"All four are right: {len(reference.labels)} pictures, each 32 pixels high and 32 wide, "
        "with 3 color channels.",
    )


# --- Step 2 ------------------------------------------------------------------------------


def look_at_pixels(evidence: Evidence, reference: Reference) -> Result:
    """The type of the numbers, and the smallest and the largest of them."""
    kind, *ends = (evidence.values.get(name) for name in _PIXELS)
    blank = [name for name in _PIXELS if evidence.values.get(name) is None]
    found = tuple(whole_number(end) for end in ends)
    right = (_is_uint8(kind), found[0] == _RANGE[0], found[1] == _RANGE[1])
    points = {3: 2, 2: 1}.get(sum(right), 0)
    if all(right):
        return Result(2, "Right: every number is a uint8, from 0 up to 255.")
    if blank:
        wrong = [
            name for name, ok in zip(_PIXELS, right, strict=True) if not ok and name not in blank
        ]
        also = f" Not right: {join(wrong)}." if wrong else ""
        return Result(
            points,
            f"Still to do: {join(blank)}.{also}",
            "Ask x_train: x_train.dtype, x_train.min() and x_train.max().",
        )
    if not right[0]:
        said = kind.kind if isinstance(kind, Unreadable) else kind
        return Result(
            points,
            f"pixel_type is {quoted(said)}. I expected the type of the numbers in x_train: a word "
            "and a number written together.",
            "Use x_train.dtype, or write its name between quotes.",
        )
    name, end = ("largest", ends[1]) if right[1] else ("smallest", ends[0])
    said = end if found[name == "largest"] is not None else quoted(end)
    saw = f"{name} is {said}. It is not the {name} of all numbers."
    advice = "Ask the whole of x_train, not one picture: x_train.min() and x_train.max()."
    if isinstance(end, Unreadable):
        saw = f"{name} is not a number. Python calls it a {end.kind}."
        advice = "Did you forget the brackets ( ) after min or max?"
    elif found == _RANGE[::-1]:
        saw = "smallest and largest are swapped."
        advice = "min finds the smallest number, max the largest."
    elif found == (0, 256):
        saw = "largest is 256. That is how many different numbers there are, but they begin with 0."
        advice = "So which number is the last? Or ask x_train.max()."
    return Result(points, saw, advice)


def _is_uint8(kind: Any) -> bool:
    """Whether a value names the type: ``x_train.dtype`` itself, or its name as text."""
    words = kind.kind if isinstance(kind, Unreadable) else kind
    return isinstance(words, str) and bool(re.search(r"(?<![a-z])(uint8|ubyte)", words.lower()))


# --- Step 3 ------------------------------------------------------------------------------


def show_one_photo(evidence: Evidence, reference: Reference) -> Result:
    """Any photo on the screen."""
    numbers = shown_numbers(evidence.cells)
    if not numbers:
        return _nothing_shown(evidence)
    if len(numbers) > 1:
        return Result(1, f"You showed {len(numbers)} photos. One was enough!")
    return Result(1, f"You showed {_described(numbers[0], reference)}")


def shown_numbers(cells: Iterable[Cell]) -> list[int]:
    """The photos that the cells showed, each once, in order."""
    return list(dict.fromkeys(shown.index for cell in cells for shown in cell.shown))


def _described(number: int, reference: Reference) -> str:
    return f"photo {number}. Its label says: {reference.class_names[reference.labels[number]]}."


def _nothing_shown(evidence: Evidence) -> Result:
    if any(cell.white for cell in evidence.cells):
        saw = "A picture came out all white or all black. I expected a photo."
        return Result(0, saw, "Show x_train[number] as it is, without any arithmetic.")
    return Result(
        0,
        "Still to do: no whole photo from x_train has reached the screen yet.",
        "Use plt.imshow(x_train[number]) and then plt.show(), with a number of your choice.",
    )


# --- Step 4 ------------------------------------------------------------------------------


def contact_sheet(evidence: Evidence, reference: Reference) -> Result:
    """Ten different photos of five classes, each with the name of its class."""
    # A photo on its own is no part of the sheet. Its title may be a guess, such as "a cat?".
    sheets = [cell for cell in evidence.cells if len({one.index for one in cell.shown}) >= 3]
    sheets = sheets or evidence.cells
    numbers = shown_numbers(sheets)
    if not numbers and any(cell.white for cell in evidence.cells):
        return _nothing_shown(evidence)
    count, classes = len(numbers), len({int(reference.labels[number]) for number in numbers})
    seen = f"I saw {counted(count, 'different photo')} of {counted(classes, 'class', 'classes')}."
    behind = ""
    if any(cell.covered for cell in evidence.cells):
        behind = " Some photos lie behind another one: give each photo a place of its own."
    if count < 3:
        return Result(
            0,
            f"Still to do: the sheet. {seen} I expected {SHEET} photos of {CLASSES} classes.",
            f"Show ten different photos. A repeat counts once. The hints show a loop.{behind}",
        )
    said = said_of(sheets, reference)
    right = [number for number in numbers if said[number] == "right"]
    wrong = [number for number in numbers if said[number] in ("wrong", "own")]
    labeled = not wrong and len(right) >= min(SHEET, count)
    points = (count >= SHEET) + (classes >= CLASSES) + labeled
    if points == 3:
        return Result(3, f"{seen} The names are right. What a fine sheet!")
    if count < SHEET:
        advice = f"Show more photos, each with another number.{behind}"
        return Result(points, f"{seen} I expected at least {SHEET} different photos.", advice)
    if classes < CLASSES:
        advice = "Choose other numbers: the photos in x_train are already mixed."
        return Result(points, f"{seen} I expected at least {CLASSES} classes.", advice)
    nameless = [number for number in numbers if said[number] != "right"]
    photos = "photos " if len(wrong or nameless) > 1 else "photo "
    photos += join_some([str(number) for number in wrong or nameless])
    if wrong and all(said[number] == "own" for number in wrong):
        fault = "the names are wrong. Did you use the photo's number as the class number?"
    elif wrong:
        fault = f"some names are wrong. Look again at {photos}."
    elif any(said[number] == "numbers" for number in nameless):
        fault = "I read class numbers. I expected class names."
    else:
        fault = f"I found no class name with {photos}."
    return Result(
        points,
        f"{seen} But {fault}",
        "Give each photo a title. Its name is class_names[y_train[number]], with the photo's own "
        "number.",
    )


_VERDICTS = ("right", "wrong", "own", "numbers", "nothing")


def said_of(cells: Iterable[Cell], reference: Reference) -> dict[int, str]:
    """Return what is said of each shown photo; the best of all that is said counts.

    A photo's own title counts first, then the words around it, then what its cell printed.

    Returns
    -------
    dict of int to str
        "right"; "wrong"; "own" (wrong: the class with the photo's own number); "numbers" (a
        class number and no name); or "nothing".
    """
    said: dict[int, str] = {}
    for cell in cells:
        # The photos that the same words may speak of, by their places.
        groups: dict[tuple[str, str], dict[int, int]] = {}
        for place, shown in enumerate(cell.shown):
            for kind, words in _words_of(shown, cell):
                group = groups.setdefault((kind, words), {})
                group[place] = len(group)
        for place, shown in enumerate(cell.shown):
            verdict = _read(cell, place, groups, reference)
            said[shown.index] = min(said.get(shown.index, verdict), verdict, key=_VERDICTS.index)
    return said


def _words_of(shown: Shown, cell: Cell) -> tuple[tuple[str, str], ...]:
    return ("caption", shown.caption), ("around", shown.around), ("text", cell.text)


def _read(
    cell: Cell,
    place: int,
    groups: dict[tuple[str, str], dict[int, int]],
    reference: Reference,
) -> str:
    shown = cell.shown[place]
    label = int(reference.labels[shown.index])
    for kind, words in _words_of(shown, cell):
        group = groups[kind, words]
        named = _named(words, shown, group[place], len(group), reference.class_names)
        if label in named:
            return "right"
        if named:
            return "own" if shown.index % len(reference.class_names) in named else "wrong"
    return "numbers" if str(label) in re.findall(r"\d+", shown.caption) else "nothing"


def _named(words: str, shown: Shown, place: int, count: int, classes: tuple[str, ...]) -> list[int]:
    """The classes that some words give to one of the ``count`` photos they stand with."""
    names, by_number = _names_and_numbers(words, classes)
    if len(names) == count:
        return [names[place]]
    if len(set(names)) == 1 or (count == 1 and len(set(names)) == 2):  # "a cat, or a dog?"
        return names
    return by_number.get(str(shown.index), [])


@functools.lru_cache(maxsize=32)  # a cell may show hundreds of photos under the same words
def _names_and_numbers(
    words: str, classes: tuple[str, ...]
) -> tuple[list[int], dict[str, list[int]]]:
    """The classes that some words name, and those of lines with one class, by their numbers."""
    by_number: dict[str, list[int]] = {}
    for line in words.splitlines():
        found = names_in(line, classes)
        if len(set(found)) == 1:
            for digits in re.findall(r"\d+", line):
                by_number.setdefault(digits, found)
    return names_in(words, classes), by_number


# --- Step 5 ------------------------------------------------------------------------------


def name_hard_photo(evidence: Evidence, reference: Reference) -> Result:
    """The number of a photo that has reached the screen."""
    value, count = evidence.values.get("hard_photo"), len(reference.labels)
    form = "Write a whole number without quotes, such as hard_photo = 123."
    if value is None:
        advice = "Look through some sheets. Then write the number of a photo that puzzles you."
        return Result(0, "Still to do: hard_photo.", advice)
    array, number = as_array(value), whole_number(value)
    if array is not None and array.size >= 32 * 32:
        return Result(0, "hard_photo is a photo. I expected its number.", form)
    if number is None:
        said = value.kind if isinstance(value, Unreadable) else value
        saw = f"hard_photo is {quoted(said)}. I expected the number of one photo."
        return Result(0, saw, form)
    if not -count <= number < count:
        saw = f"There is no photo {number}. The numbers go from 0 to {count - 1}."
        return Result(0, saw, "Choose a number from one of your sheets.")
    number %= count  # Python counts -1, -2, ... from the end
    if number not in shown_numbers(evidence.cells):
        return Result(
            1,
            f"You named photo {number}. But it has not reached the screen.",
            "Show it with plt.imshow(x_train[hard_photo]) and plt.show().",
        )
    return Result(2, f"You chose and showed {_described(number, reference)}")


def whole_number(value: Any) -> int | None:
    """A whole number in any form: 32, 32.0, "32", "50,000", [32]; None for anything else."""
    if isinstance(value, str):
        digits = re.sub(r"[ ,_]", "", value)
        return int(digits) if re.fullmatch(r"-?[0-9]{1,9}", digits) else None
    array = as_array(value)
    if array is None or array.size != 1 or array.dtype.kind not in "iuf":
        return None
    number = float(np.ravel(array)[0])
    return int(number) if number.is_integer() else None


CHECKS = {
    "look_at_shape": Check(look_at_shape, 2),
    "look_at_pixels": Check(look_at_pixels, 2),
    "show_one_photo": Check(show_one_photo, 1),
    "contact_sheet": Check(contact_sheet, 3),
    "name_hard_photo": Check(name_hard_photo, 2),
}
