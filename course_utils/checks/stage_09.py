"""The checks of Stage 9, Try your own photo.

The students' functions are called with the small pictures of ``trials``; ``prepared`` judges
what they make of them.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np

from course_utils.checks import deeper_09
from course_utils.checks.prepared import not_tried, prepare_any, shrink_photo
from course_utils.checks.result import Check, Result
from course_utils.checks.sentences import counted, join, quoted
from course_utils.checks.trials import all_cases, plain_cases
from course_utils.checks.values import as_array
from course_utils.evidence import Chart, Evidence, Reference, Unreadable
from course_utils.wording import names_in

NAMES = ("shrink", "prepare", "scores", "top_three", "threshold", "decide")
NAMES += ("photos", "in_no_class", *deeper_09.NAMES)


def _score_cases() -> dict[str, np.ndarray]:
    rows = (
        [0.02, 0.05, 0.2, 0.55, 0.06, 0.03, 0.04, 0.025, 0.015, 0.01],
        [0.25, 0.01, 0.02, 0.015, 0.3, 0.022, 0.012, 0.028, 0.033, 0.31],
        [0.97, 0.001, 0.002, 0.003, 0.011, 0.004, 0.005, 0.0015, 0.0018, 0.0007],
    )
    flat = {f"scores {k}": np.array(row, np.float32) for k, row in enumerate(rows)}
    return flat | {f"pile of {case}": row[None] for case, row in flat.items()}


_LEVELS = (0.12, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 0.995)


def _pair_cases() -> dict[str, list]:
    rest = [("horse", 0.003), ("deer", 0.001)]
    return {str(level): [("frog", level), *rest] for level in _LEVELS}


PROBES = {
    "shrink": plain_cases,
    "prepare": all_cases,
    "top_three": _score_cases,
    "decide": _pair_cases,
}


# --- Step 3: three guesses -------------------------------------------------------------------

_TURN = "argsort begins with the smallest. [::-1] turns a list around."
_PAIR_FAULTS = {  # points, what was seen, what to do
    "unreadable": (
        0,
        "I cannot read what top_three gives. I expected three pairs (name, probability).",
        "Make a list of pairs: [(name, probability), ...]. class_names gives the names.",
    ),
    "smallest": (0, "These are the three smallest scores. I expected the largest.", _TURN),
    "others": (
        0,
        "I tried top_three with ten scores. Your three names are not those of the best three.",
        "Inside, use ten_scores, the name in the brackets. np.argsort gives the places.",
    ),
    "number": (
        1,
        "top_three does not give exactly three pairs.",
        "Cut the list of places: [:3] keeps the first three.",
    ),
    "order": (1, "The three names are right, but I expected the best one first.", _TURN),
    "probability": (
        1,
        "The names are right. Each needs its own probability, from 0 to 1.",
        "Take the score at the same place: ten_scores[place].",
    ),
    "numbers": (
        1,
        "The pairs hold class numbers. I expected names.",
        "class_names[place] is the name of a class.",
    ),
    "other": (
        1,
        "All is there, but the next steps need a list of three pairs.",
        "Write [(name, probability), (name, probability), (name, probability)].",
    ),
}


def top_three(evidence: Evidence, reference: Reference) -> Result:
    """Ten scores of a photo, and a function that gives the three best with their names."""
    tried, names = evidence.values.get("top_three"), reference.class_names
    if stop := not_tried(tried, "top_three"):
        return stop
    faults = []
    for pile in (False, True):  # for those whose scores still have the shape (1, 10)
        found = [
            _fault_of_pairs(tried.get(case), row.ravel(), names)
            for case, row in _score_cases().items()
            if case.startswith("pile") == pile
        ]
        faults.append(min((one for one in found if one), key=_points_for, default=""))
    if all(faults):
        return Result(*_PAIR_FAULTS[max(faults, key=_points_for)])
    scores = as_array(evidence.values.get("scores"))
    if scores is None or scores.size != len(names) or not abs(float(scores.sum()) - 1) < 0.01:
        blank = evidence.values.get("scores") is None
        return Result(
            1,
            f"top_three is right. {'Still to do: scores' if blank else 'scores is not'}"
            f"{'.' if blank else ' ten probabilities that add up to 1.'}",
            "Ask the model: model.predict(prepare(photo)[None], verbose=0)[0].",
        )
    return Result(2, "Three names with their probabilities, the best one first.")


def _points_for(fault: str) -> int:
    return _PAIR_FAULTS[fault][0]


def _fault_of_pairs(value: Any, row: np.ndarray, names: tuple[str, ...]) -> str:
    form, pairs = read_pairs(value, names)
    three = np.argsort(-row)[:3].tolist()
    numbers = [number for number, _ in pairs]
    if not pairs:
        return "unreadable"
    if len(pairs) != 3:
        return "number" if set(three) <= set(numbers) else "others"
    if set(numbers) == set(np.argsort(row)[:3].tolist()):
        return "smallest"
    if set(numbers) != set(three):
        return "others"
    if numbers != three:
        return "order"
    if not all(given is not None and abs(given - row[n]) <= 0.006 for n, given in pairs):
        return "probability"
    return "" if form == "pairs" else form


def read_pairs(
    value: Any, names: tuple[str, ...]
) -> tuple[str, list[tuple[int | None, float | None]]]:
    """Class numbers and probabilities, from a list of pairs or from a dict.

    Returns
    -------
    form : str
        "pairs", "numbers" (class numbers in place of names) or "other".
    pairs : list of (int or None, float or None)
    """
    form = "other" if isinstance(value, dict) else "pairs"
    if isinstance(value, dict):
        value = [list(item) for item in value.items()]
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list) or any(
        not isinstance(entry, list) or len(entry) != 2 for entry in value
    ):
        return "other", []
    pairs: list[tuple[int | None, float | None]] = []
    for key, amount in value:
        number = None
        if isinstance(key, str) and len(set(found := names_in(key, names))) == 1:
            number = found[0]
        elif isinstance(key, int | float) and float(key).is_integer():
            form, number = "numbers", int(key)
        real = isinstance(amount, int | float) and not isinstance(amount, bool)
        pairs.append((number, float(amount) if real else None))
    return form, pairs


# --- Step 4: a threshold ---------------------------------------------------------------------

_UNSURE = r"(?i)\b(don\W?t|not|no|unsure|unknown|none|nothing|cannot|can\W?t|dunno)\b"


def say_dont_know(evidence: Evidence, reference: Reference) -> Result:
    """A threshold, and a function that gives an answer only from there on."""
    tried, level = evidence.values.get("decide"), evidence.values.get("threshold")
    todo = "Choose a number between 0.2 and 0.99, such as 0.5."
    if level is None:
        return Result(0, "Still to do: threshold.", todo)
    array = as_array(level)
    level = float(array.ravel()[0]) if array is not None and array.size == 1 else float("nan")
    if not 0.2 <= level <= 0.99:
        if 1 < level <= 100:
            todo = "Write 60 % as 0.6."
        elif 0 <= level < 0.2:
            todo = "With ten classes even a blind guess has 0.1. Choose more."
        return Result(0, "threshold is not a number between 0.2 and 0.99.", todo)
    if stop := not_tried(tried, "decide"):
        return stop
    said = {p: tried.get(str(p)) for p in _LEVELS if abs(p - level) > 0.001}
    named = {p: _names_frog(value, reference.class_names) for p, value in said.items()}
    unsure = {p: _is_unsure(value, reference.class_names) for p, value in said.items()}
    wrong = [p for p in said if not (named[p] if p > level else unsure[p])]
    if not wrong:
        return Result(1, f"From {level:g} on decide gives the name. Below, it says: not sure.")
    if all(unsure[p] if p > level else named[p] for p in said):
        saw = "decide gives the name when the model is not sure, and keeps quiet when it is."
        return Result(0, saw, "Turn the comparison around: >= means 'at least'.")
    if all(named.values()) or all(unsure.values()):
        always = "a name" if all(named.values()) else "that it does not know"
        saw = f"decide always says {always}. I tried it with probabilities from 0.12 to 0.995."
        return Result(0, saw, "Compare the first pair's probability with threshold, in an if.")
    value = said[wrong[0]]
    answer = f"an error ({value.kind[:80]})" if isinstance(value, Unreadable) else quoted(value)
    wanted = "the name of the first pair" if wrong[0] > level else "I don't know"
    return Result(
        0,
        f"With a best probability of {wrong[0]} decide gives "
        f"{'nothing' if value is None else answer}. I expected: {wanted}.",
        "It needs two answers: one for 'at least threshold', and one for all the rest.",
    )


def _names_frog(value: Any, names: tuple[str, ...]) -> bool:
    frog = names.index("frog") if "frog" in names else -1
    return (
        isinstance(value, str)
        and set(names_in(value, names)) == {frog}
        and not re.search(_UNSURE, value)
    )


def _is_unsure(value: Any, names: tuple[str, ...]) -> bool:
    if not isinstance(value, str):
        return False
    return bool(re.search(_UNSURE, value)) or not names_in(value, names)


# --- Step 5: three photos --------------------------------------------------------------------


def three_photos(evidence: Evidence, reference: Reference) -> Result:
    """Three photos with their guesses as bars, one of something that is in no class."""
    photos, odd = evidence.values.get("photos"), evidence.values.get("in_no_class")
    names = reference.class_names
    blank = [n for n in ("photos", "in_no_class") if evidence.values.get(n) is None]
    if photos is None:
        return Result(
            0,
            f"Still to do: {join(blank)}.",
            "Go through three photos: prepare, predict, show, and add each to the list.",
        )
    entries = _entries(photos)
    if entries is None:
        return Result(
            0,
            "photos is not a list of dictionaries with 'name', 'top3' and 'answer'.",
            "Begin with photos = [] and add each photo: photos.append({...}), as in the hints.",
        )
    faults = [_fault_of_list(entries, names, evidence.values.get("threshold"))]
    charts = [chart for cell in evidence.cells for chart in cell.charts if chart.bars]
    drawn = _drawn(entries, charts, names)
    if len(drawn) < 3:
        faults.append(
            (
                f"I see the bars of {counted(len(drawn), 'photo')}. I expected 3, each with a "
                "chart of its own and the names of the classes.",
                "Call show_guesses(...) for each photo, inside the loop.",
            )
        )
    faults.append(_fault_of_odd(odd, list(entries)))
    saved = reference.work.get("saved")
    if saved is not None and "photos" not in saved:
        faults.append(
            (
                "Your photos are not kept yet.",
                "End the cell with cu.save(photos=photos, threshold=threshold).",
            )
        )
    found = [fault for fault in faults if fault]
    if not found:
        return Result(2, f"Three photos with their bars, and {quoted(odd)} is in no class.")
    return Result(int(faults[0] is None or bool(drawn)), *found[0])


def _entries(photos: Any) -> dict[str, dict] | None:
    """The photos by name, with the keys 'top3' and 'answer'."""
    if not isinstance(photos, list) or not all(isinstance(entry, dict) for entry in photos):
        return None
    known = [{str(key).lower(): entry[key] for key in entry} for entry in photos]
    if not known or not all({"name", "top3", "answer"} <= set(entry) for entry in known):
        return None if known else {}
    return {str(entry["name"]).strip(): entry for entry in known}


def _fault_of_list(
    entries: dict[str, dict], names: tuple[str, ...], level: Any
) -> tuple[str, str] | None:
    if len(entries) < 3:
        return (
            f"photos holds {counted(len(entries), 'photo')}. I expected 3, each with its own name.",
            "Give the loop three names. Put photos = [] before the loop, not inside it.",
        )
    for name, entry in entries.items():
        form, pairs = read_pairs(entry["top3"], names)
        if len(pairs) != 3 or form != "pairs" or any(None in pair for pair in pairs):
            return (
                f"The top3 of {name!r} is not three pairs of a name and a probability.",
                "Put what top_three gives under 'top3'.",
            )
        amounts = [amount for _, amount in pairs]
        if amounts != sorted(amounts, reverse=True) or not 0 <= sum(amounts) <= 1.001:
            return (
                f"The top3 of {name!r} must begin with the best, and add up to 1 at most.",
                "Use what top_three gives, without a change.",
            )
        answer = entry["answer"]
        first = names_in(answer, names) if isinstance(answer, str) else []
        if isinstance(level, float) and abs(amounts[0] - level) > 0.001:
            right = pairs[0][0] in first if amounts[0] > level else _is_unsure(answer, names)
            if not right:
                return (
                    f"The answer for {name!r} is {quoted(answer)}. With {amounts[0]:.2f} your "
                    "threshold says something else.",
                    "Put decide(...) of the three pairs under 'answer'.",
                )
    return None


_MOST = 100  # photos and charts that are looked at


def _drawn(entries: dict[str, dict], charts: list[Chart], names: tuple[str, ...]) -> list[str]:
    """The photos whose guesses are drawn; one chart stands for one photo.

    A chart with just three bars for each photo stands for all of them.
    """
    entries = dict(itertools.islice(entries.items(), _MOST))
    places = [(np.array(c.bars), set(names_in(_words_of(c), names))) for c in charts[-_MOST:]]
    places += [one for one in places if len(one[0]) == 3 * len(entries)] * (len(entries) - 1)
    owner: dict[int, str] = {}  # by the place of a chart

    def find(name: str, tried: set[int]) -> bool:
        """Give a photo a chart, if need be one whose photo takes another."""
        for place in fitting[name]:
            if place not in tried:
                tried.add(place)
                if place not in owner or find(owner[place], tried):
                    owner[place] = name
                    return True
        return False

    fitting = {
        name: [
            place for place, (bars, said) in enumerate(places) if _fits(entry, bars, said, names)
        ]
        for name, entry in entries.items()
    }
    return [name for name in entries if find(name, set())]


def _words_of(chart: Chart) -> str:
    return " ".join([*chart.labels, chart.words])


def _fits(entry: dict, bars: np.ndarray, said: set[int], names: tuple[str, ...]) -> bool:
    """Whether a chart has the three bars of a photo, in parts of 1 or of 100, and the names."""
    _, pairs = read_pairs(entry["top3"], names)
    if not pairs or any(None in pair for pair in pairs):
        return False
    near = any(
        all(np.abs(bars - unit * p).min() <= 0.006 * unit for _, p in pairs) for unit in (1, 100)
    )
    return near and {number for number, _ in pairs} <= said


_IN_A_CLASS = {"portrait": "a cat", "landscape": "a ship", "sticker": "a frog"}


def _fault_of_odd(odd: Any, photos: list[str]) -> tuple[str, str] | None:
    todo = 'Write the name of one of your photos, such as in_no_class = "teapot".'
    odd = odd[0] if isinstance(odd, list) and odd else odd
    if odd is None:
        return "Still to do: in_no_class.", todo
    if not isinstance(odd, str) or odd.strip().lower() not in [name.lower() for name in photos]:
        return f"in_no_class is {quoted(odd)}, which is no name in your list photos.", todo
    shows = _IN_A_CLASS.get(odd.strip().lower())
    if shows:
        return f"{odd!r} shows {shows}. That is one of the ten classes.", todo
    return None


CHECKS = {
    "shrink_photo": Check(shrink_photo, 2),
    "prepare_any": Check(prepare_any, 3),
    "top_three": Check(top_three, 2),
    "say_dont_know": Check(say_dont_know, 1),
    "three_photos": Check(three_photos, 2),
}
DEEPER = {"deeper_gradcam": Check(deeper_09.deeper_gradcam, 1)}
