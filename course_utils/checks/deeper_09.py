"""The check of the part of Stage 9 that goes deeper: where does the model look?"""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.album import EDGE
from course_utils.checks.result import Result
from course_utils.checks.sentences import did_you_mean, join, quoted
from course_utils.checks.values import as_array
from course_utils.evidence import Cell, Evidence, Reference, Unreadable
from course_utils.wording import names_in

NAMES = ("deeper_photo", "top_class", "other_class", "top_map", "other_map", "map_cells")
_ANSWERS = NAMES[1:]
_RECENT = 3  # this check, the answer, and one cell more in which somebody may draw

Problem = tuple[str, str]  # what the check saw, and what to try next


def deeper_gradcam(evidence: Evidence, reference: Reference) -> Result:
    """Two maps of one photo for two classes, their true number of cells, and a picture of it."""
    values = evidence.values
    if missing := [name for name in _ANSWERS if values.get(name) is None]:
        return Result(
            0,
            f"Still to do: {join(missing)}.",
            "Prepare the photo and ask the model, as in Step 5. Then call find_map twice.",
        )
    names = reference.class_names
    classes = [_class_of(name, values[name], names) for name in ("top_class", "other_class")]
    if problem := next((one for one in classes if isinstance(one, tuple)), None):
        return Result(0, *problem)
    top, other = (names[number] for number in classes)
    if top == other:
        return Result(
            0,
            f"Both classes are {top}. I expected two different ones.",
            "Choose another of the ten names for other_class. A wrong one is fine.",
        )
    best = _best_guess(values.get("photos"), values.get("deeper_photo"), names)
    if best not in (None, top):
        photo = quoted(values.get("deeper_photo"))
        return Result(
            0,
            f"top_class is {top}. But in your list photos, the best guess for {photo} is {best}.",
            "The best guess is the first name that top_three gives: pairs[0][0]. You took another "
            "photo? Then change deeper_photo too.",
        )
    maps = [_map_of(name, values[name]) for name in ("top_map", "other_map")]
    if problem := next((one for one in maps if isinstance(one, tuple)), None):
        return Result(0, *problem)
    problem = (
        _fault_of_two(*maps, top, other)
        or _fault_of_count(values["map_cells"], maps[0].shape)
        or _fault_of_screen(evidence.cells, (top, other), names)
    )
    if problem:
        return Result(0, *problem)
    high, wide = maps[0].shape
    return Result(
        1,
        f"Two maps of the same photo: one for {top}, one for {other}. Each has {high} x {wide} = "
        f"{high * wide} cells, for a photo of {EDGE * EDGE:,} pixels. That can say roughly where. "
        "It cannot say why.",
    )


def _class_of(variable: str, value: Any, names: tuple[str, ...]) -> int | Problem:
    """The number of the class that a value names, or what is wrong with it."""
    todo = f'Write {variable} = "{names[0]}", or another of the ten names.'
    if isinstance(value, list) and value and isinstance(value[0], str):
        saw = f"{variable} is a pair or a list. I expected the name alone."
        return saw, "pairs[0] is the best pair. pairs[0][0] is its name."
    array = as_array(value)
    if array is not None:
        what = "a number" if array.size == 1 else f"{array.size} numbers"
        saw = f"{variable} is {what}. I expected the name of a class."
        return saw, "class_names[number] gives the name of a class number."
    if not isinstance(value, str):
        return f"{variable} is not the name of a class.", todo
    found = set(names_in(value, names))
    if len(found) == 1:
        return found.pop()
    if found:
        return f"{variable} is {quoted(value)}. That is more than one class.", todo
    return f"{variable} is {quoted(value)}, which is none of the ten classes.", (
        did_you_mean(value, names).strip() or todo
    )


def _best_guess(photos: Any, name: Any, names: tuple[str, ...]) -> str | None:
    """The best guess for a photo, if Step 5 went through it too."""
    for entry in photos if isinstance(photos, list) else ():
        if not isinstance(entry, dict) or not isinstance(name, str) or entry.get("name") != name:
            continue
        top = entry.get("top3")
        first = top[0] if isinstance(top, list) and top else None
        word = first[0] if isinstance(first, list) and first else None
        found = set(names_in(word, names)) if isinstance(word, str) else set()
        return names[found.pop()] if len(found) == 1 else None
    return None


def _map_of(variable: str, value: Any) -> np.ndarray | Problem:
    """A map as a table of numbers, or what is wrong with it."""
    todo = f"Use find_map(picture, ...) for {variable}, without a change."
    if isinstance(value, list) and any(isinstance(entry, np.ndarray) for entry in value):
        saw = f"{variable} is all that grad_cam gives, or a list of maps. I expected one map."
        return saw, "Take the first of its maps: .maps[0]. find_map does that for you."
    array = as_array(value)
    if array is None:
        kind = f"a {value.kind}" if isinstance(value, Unreadable) else quoted(value)
        return f"{variable} is {kind}. I expected a map: a table of numbers.", todo
    if array.ndim == 3 and array.shape[-1] in (3, 4):
        return f"{variable} has three colors. That is a picture, and not a map.", todo
    if array.ndim == 3 and len(array) == 1:
        array = array[0]  # a pile of one
    if array.ndim != 2 or not array.size or array.dtype.kind not in "uif":
        return f"{variable} has the shape {array.shape}. I expected rows and columns.", todo
    if not np.isfinite(array).all():
        return f"{variable} holds values that are no numbers.", todo
    low, high = float(array.min()), float(array.max())
    if low < -1e-6 or high > 1 + 1e-6:
        return f"{variable} goes from {low:.3g} to {high:.3g}. I expected 0 to 1.", todo
    if min(array.shape) >= EDGE:
        high, wide = array.shape
        saw = f"{variable} has {high} x {wide} cells. It is stretched to the size of the picture."
        return saw, f"I expected the map in its true size. {todo}"
    return array


def _fault_of_two(one: np.ndarray, other: np.ndarray, top: str, second: str) -> Problem | None:
    if one.shape != other.shape:
        sizes = [" x ".join(map(str, table.shape)) for table in (one, other)]
        saw = f"The two maps differ in size: {sizes[0]} and {sizes[1]}."
        return saw, "Make both with find_map, from the same model."
    if np.array_equal(one, other) and one.any():
        saw = f"Both maps are the same. I expected one for {top} and one for {second}."
        return saw, "Give each find_map its own class: the second one needs other_class."
    return None


def _fault_of_count(value: Any, shape: tuple[int, int]) -> Problem | None:
    """What is wrong with the number of cells."""
    high, wide = shape
    todo = "Count the rows and the columns of one map, and multiply. top_map.shape has both."
    array = as_array(value)
    if array is not None and array.size == 2 and tuple(array.ravel().tolist()) == shape:
        saw = f"map_cells is {high} and {wide}, the rows and columns. I expected one number."
        return saw, "Multiply the two."
    if array is None or array.size != 1 or array.dtype.kind not in "iuf":
        return f"map_cells is {quoted(value)}. I expected one number.", todo
    given = float(array.ravel()[0])
    if given == high * wide:
        return None
    saw = f"map_cells is {given:g}. A map has another number of cells."
    if given == EDGE * EDGE:
        saw = f"map_cells is {EDGE * EDGE}. So many pixels has the photo. The map has fewer cells."
    elif given in shape:
        saw = f"map_cells is {given:g}. That is one row or one column of cells."
    elif given == 2 * high * wide:
        saw = f"map_cells is {given:g}. That is both maps together. I expected one map."
    return saw, todo


def _fault_of_screen(
    cells: list[Cell], pair: tuple[str, str], names: tuple[str, ...]
) -> Problem | None:
    """Whether a picture stands beside the maps; it is no known one, so its cell has to tell."""
    wanted = {names.index(name) for name in pair}
    for place, cell in enumerate(reversed(cells)):
        told = wanted <= set(names_in(cell.text, names)) and "map" in cell.text.lower()
        if cell.unknown and (told or place < _RECENT):
            return None
    return (
        "I do not see the maps on the screen yet.",
        "Call show_maps(picture, [top_class, other_class], [top_map, other_map]).",
    )
