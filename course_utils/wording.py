"""Read what a caption or a printed line says about classes.

Students write titles and print lines in their own words. These functions find out which
class a text gives as predicted and which as true, and which number it gives for a class.
They know nothing of pictures or points.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Pair(NamedTuple):
    """One "predicted as, truly is" statement, as class numbers."""

    predicted: int
    true: int


class Number(NamedTuple):
    """A number that a line gives for a class; ``percent`` if a % sign follows it."""

    value: float
    percent: bool


# Words that say which of two class names is meant, with how strongly they say it. In "the
# model thinks this is a cat" three of them stand before one name, and the strongest wins.
# Longer phrases come first: "predicted label" is one word here, and so is "model's answer".
_THING = r"(?:labels?|class|names?|answers?|output|guess)"
_MODEL = r"(?:model|network|classifier|machine|computer|ai|cnn)"
_ROLES = [
    ("predicted", 3, rf"(?:predict(?:ed)?|pred|guessed|{_MODEL}(?:'s)?)[ _]?{_THING}"),
    ("true", 3, rf"(?:true|right|correct|real|actual)[ _]?{_THING}|ground[ _-]?truth|gt"),
    (
        "predicted",
        3,
        r"predict\w*|preds?|(?<!my )guess\w*|(?:mis)?classified|recogni[sz]ed|identified|detected"
        r"|mistaken|mistook|p(?=\s*[:=])",
    ),
    (
        "true",
        3,
        r"true|truly|truth|actual\w*|real|really|reality|expected|target|solution|wanted"
        r"|orig(?:inal\w*)?|y_test|t(?=\s*[:=])",
    ),
    (
        "predicted",
        2,
        rf"{_MODEL}|got|output|thinks?|thought|believes?|wrong(?=\s*[:=])",
    ),
    ("true", 2, r"labels?|answer|correct|right|should"),
    ("predicted", 1, r"says?|said|called|saw|sees?"),
    ("true", 1, r"is|was|are|were|it'?s|but"),
]
_SPELLED = [
    (role, strength, re.compile(rf"(?<![a-z])(?:{words})(?![a-z])"))
    for role, strength, words in _ROLES
]
_NUMBER = re.compile(r"(?<![\w.])((?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(\s*%|\s*percent)?", re.I)
_MOST_NUMBERS = 6  # in a line; a row of a report has four, a page of digits is not an answer


def names_in(text: str, class_names: Sequence[str]) -> list[int]:
    """Return the class numbers that a text names, in order of appearance.

    Case does not matter; a plural "s" is allowed; a name inside another word is not a name.

    >>> names_in("Cats and a dog", ["cat", "dog"])
    [0, 1]
    """
    return [number for _, _, number in _find_names(text, class_names)]


def _find_names(text: str, class_names: Sequence[str]) -> list[tuple[int, int, int]]:
    """All names in a text as (start, end, class number)."""
    if not class_names:
        return []
    numbers, pattern = _spelling(tuple(class_names))
    return [
        (match.start(), match.end(), numbers[_bare(match.group(1))])
        for match in pattern.finditer(text.lower())
    ]


@functools.lru_cache(maxsize=8)
def _spelling(class_names: tuple[str, ...]) -> tuple[dict[str, int], re.Pattern]:
    """The class numbers by bare name, and a pattern that finds the names."""
    numbers = {_bare(name): number for number, name in enumerate(class_names)}
    longest_first = sorted(numbers, key=len, reverse=True)
    spelled = "|".join(re.escape(name).replace(r"\ ", r"[ _]") for name in longest_first)
    return numbers, re.compile(rf"(?<![a-z])({spelled})s?(?![a-z])")


def _bare(name: str) -> str:
    return name.strip().lower().replace("_", " ")


class _Token(NamedTuple):
    start: int
    kind: str  # "name" or "role"
    value: int | str  # class number, or "predicted" / "true"
    strength: int


class _Run(NamedTuple):
    """Neighbours of one kind: class numbers, or one role (two, in order, for a header)."""

    kind: str
    values: list
    strength: int


def _tokens(line: str, class_names: Sequence[str]) -> list[_Token]:
    """Names and role words of a line, in order; a word inside another does not count."""
    names, lowered = _find_names(line, class_names), line.lower()
    tokens = [_Token(start, "name", number, 0) for start, _, number in names]
    taken = bytearray(len(lowered))  # a line may be long: each place is looked up, not searched
    for start, end, _ in names:
        taken[start:end] = b"\1" * (end - start)
    for role, strength, pattern in _SPELLED:
        for match in pattern.finditer(lowered):
            start, end = match.span()
            if not taken[start]:
                tokens.append(_Token(start, "role", role, strength))
                taken[start:end] = b"\1" * (end - start)
    return sorted(tokens)


def _runs(tokens: list[_Token]) -> list[_Run]:
    """Group neighbours. Of several role words the strongest and nearest stays.

    Two different ones stay, in order, when both are strong, as in "true / predicted".
    """
    runs = []
    for kind, group in itertools.groupby(tokens, key=lambda token: token.kind):
        run = list(group)
        values = [token.value for token in run]
        best = max(run, key=lambda token: (token.strength, token.start))
        if kind == "role":
            strong = list(dict.fromkeys(token.value for token in run if token.strength == 3))
            values = strong if len(strong) == 2 else [best.value]
        runs.append(_Run(kind, values, best.strength))
    return runs


def read_pairs(text: str, class_names: Sequence[str]) -> list[Pair]:
    """Return every different "predicted P, truly T" that a text says.

    Understands role words before or after a name ("Pred: cat, True: dog"; "cat predicted,
    dog true"), one role with the other left to be inferred ("cat (true: dog)"), one role a
    line, lists ("Predicted: cat, cat" over "True: dog, deer"), tables under a header,
    sentences ("the model thinks this dog is a cat") and the short forms "dog -> cat",
    "dog as cat", "cat (dog)" and "cat instead of dog". Two names side by side with nothing to
    tell them apart say nothing.

    Parameters
    ----------
    text : str
        A caption, or all that a cell printed.
    class_names : sequence of str

    Returns
    -------
    list of Pair
        Each once, in order of appearance.

    Examples
    --------
    >>> read_pairs("Pred: cat, True: dog", ["cat", "dog"])
    [Pair(predicted=0, true=1)]
    >>> read_pairs("cat / dog", ["cat", "dog"])
    []
    """
    pairs: dict[Pair, None] = {}
    lists: dict[str, list[int]] = {"predicted": [], "true": []}
    near: dict[str, list[int]] = {"predicted": [], "true": []}
    first = ""  # the role with which the lines about one picture begin
    for said, strength in _lines(text, class_names):
        counts = {role: len(numbers) for role, numbers in said.items()}
        if counts["predicted"] == counts["true"]:
            pairs |= dict.fromkeys(map(Pair, said["predicted"], said["true"]))
            continue
        role, other = ("predicted", "true") if counts["predicted"] else ("true", "predicted")
        if counts[role] > 1 or counts[other]:
            for key, numbers in said.items():
                lists[key] += numbers
            continue
        if strength < 2 and not near[other]:
            continue  # "The hardest class is cat" does not begin a statement about a picture
        first = first or role
        if role == first and near[other]:
            near = {"predicted": [], "true": []}  # the next picture
        if said[role][0] not in near[role]:  # else many lines would give many times many pairs
            near[role] += said[role]
        for number in near[other]:
            pair = {role: said[role][0], other: number}
            pairs[Pair(**pair)] = None
    return list(pairs | dict.fromkeys(map(Pair, lists["predicted"], lists["true"])))


def read_roles(text: str, class_names: Sequence[str]) -> dict[str, list[int]]:
    """Return all class numbers that a text says to be predicted, and to be true, in order.

    >>> read_roles("Pred: cat", ["cat", "dog"])
    {'predicted': [0], 'true': []}
    """
    roles: dict[str, list[int]] = {"predicted": [], "true": []}
    for said, strength in _lines(text, class_names):
        if strength >= 2:
            for role, numbers in said.items():
                roles[role] += numbers
    return roles


def _lines(text: str, class_names: Sequence[str]) -> Iterator[tuple[dict[str, list[int]], int]]:
    """For each line that names classes: the classes by role, and how strongly it says so."""
    header: list[str] = []  # what a line of role words alone says of the lines below it
    for joined in filter(str.strip, text.splitlines()):
        line = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", joined)  # "Pred:catTrue:dog"
        tokens = _tokens(line, class_names)
        runs = _runs(tokens)
        if any(run.kind == "name" for run in runs):
            strengths = [run.strength for run in runs if run.kind == "role"]
            yield _read_line(line, runs, header, class_names), max(strengths, default=2)
        elif runs:
            roles = [token.value for token in tokens if token.strength >= 2]
            header = list(dict.fromkeys(roles or runs[0].values))


def _read_line(
    line: str, runs: list[_Run], header: list[str], class_names: Sequence[str]
) -> dict[str, list[int]]:
    """What one line says: class numbers by role."""
    said: dict[str, list[int]] = {"predicted": [], "true": []}
    names = [number for run in runs if run.kind == "name" for number in run.values]
    role_runs = [run for run in runs if run.kind == "role"]

    if len(header) == 2 and not role_runs:
        for position, number in enumerate(names):
            said[header[position % 2]].append(number)
        return said
    single = all(len(run.values) == 1 for run in role_runs)
    if len(names) == 2 and single and (order := _order_of_two(line, class_names)):
        for role, number in zip(order, names, strict=True):
            said[role].append(number)
        return said
    if not role_runs:
        if len(names) == 1 and len(header) == 1:
            said[header[0]].append(names[0])
        return said

    # "cat predicted, dog true": each name comes before its role.
    if runs[0].kind == "name" and runs[-1].kind == "role" and len(role_runs) == len(names):
        for number, run in zip(names, role_runs, strict=True):
            said[run.values[-1]].append(number)
        return said

    roles: list[str] = []
    unclaimed: list[int] = []
    for run in runs:
        if run.kind == "role":
            roles = run.values
        elif not roles:
            unclaimed += run.values
        elif len(roles) == 2 and len(run.values) > 1:
            for position, number in enumerate(run.values):
                said[roles[position % 2]].append(number)
        else:
            said[roles[-1]] += run.values
    # "cat (true: dog)": one role is named, so the other name has the other one.
    for role, other in (("predicted", "true"), ("true", "predicted")):
        if unclaimed and said[role] and not said[other]:
            said[other] = unclaimed
            break
    return said


_ARTICLE = r"(?: an?| the)?"
_BECOMES = rf"(?:\w+ ){{0,2}}(?:as|for|with|to be){_ARTICLE}|-+>|=+>|→|➜|⇒"
_THINKS = r"\b(?:thinks?|thought|says?|said|believes?|predict\w*|guess\w*|claims?|sure|certain)\b"


def _order_of_two(line: str, class_names: Sequence[str]) -> tuple[str, str] | None:
    """The roles of the two names in a short form or a sentence, if the line is one."""
    (start, end, _), (next_start, _, _) = _find_names(line, class_names)
    before, between = line[:start].lower(), line[end:next_start].strip().lower()
    if re.search(r"\b(?:pred\w*|guess\w*)\W*$", before) and re.fullmatch(
        rf"(?:is|was){_ARTICLE}", between
    ):
        return ("predicted", "true")  # "predicted cat is dog"
    if re.fullmatch(rf"for{_ARTICLE}", between) and re.search(_THINKS, before):
        return ("predicted", "true")  # "guessed cat for a dog"
    if re.fullmatch(_BECOMES, between):
        return ("true", "predicted")
    if re.fullmatch(rf"(?:is|was|were){_ARTICLE}", between) and re.search(_THINKS, before):
        return ("true", "predicted")  # "the model thinks this dog is a cat"
    if re.fullmatch(rf",? ?(?:instead of|rather than){_ARTICLE}", between):
        return ("predicted", "true")
    if re.fullmatch(rf",? ?(?:and )?not{_ARTICLE}", between) and re.search(_THINKS, before):
        return ("predicted", "true")
    if re.fullmatch(r"[\d.,%() ]*\(", between):
        return ("predicted", "true")  # "cat 63% (dog)", as in TensorFlow's tutorials
    return None


def read_numbers(text: str, class_names: Sequence[str]) -> dict[int, list[Number]]:
    """Return the numbers that a text gives for each class it names.

    In a line that names one class every number counts as said of it. In a line that names
    several, a number belongs to the name before it. Names without numbers get those of the
    line below. Under a header with the word "recall", a row may begin with the number of a
    class in place of its name. A line with more than six numbers for a class is not read.

    Parameters
    ----------
    text : str
        All that was printed.
    class_names : sequence of str

    Returns
    -------
    dict of int to list of Number
        Only classes with a number.

    Examples
    --------
    >>> read_numbers("cat: 0.53 dog: 71 %", ["cat", "dog"])
    {0: [Number(value=0.53, percent=False)], 1: [Number(value=71.0, percent=True)]}
    """
    found = _numbered_lines(text, len(class_names))
    in_report = False
    above: list[int] = []  # classes named in the line above, if it gave no numbers
    for line in text.splitlines():
        if "recall" in line.lower():
            in_report = True
        elif re.search(r"accuracy|avg", line.lower()):
            in_report = False
        names = _find_names(line, class_names)
        row = re.match(r"\s*(\d{1,9})\s+\d", line)
        if not names and in_report and row and int(row.group(1)) < len(class_names):
            names = [(row.start(1), row.end(1), int(row.group(1)))]
        if not names:
            numbers = _numbers(line)
            if len(above) == 1 and numbers:
                parts = [(above[0], numbers)]
            elif len(above) == len(numbers):
                parts = [(number, [value]) for number, value in zip(above, numbers, strict=True)]
            else:
                parts = []
        elif len({number for _, _, number in names}) == 1:
            start, end, number = names[0]
            parts = [(number, _numbers(f"{line[:start]} {line[end:]}"))]
        else:
            stops = [start for start, _, _ in names[1:]] + [len(line)]
            parts = [
                (number, _numbers(line[end:stop]))
                for (_, end, number), stop in zip(names, stops, strict=True)
            ]
        for number, numbers in parts:
            if 0 < len(numbers) <= max(_MOST_NUMBERS, len(above)):
                found.setdefault(number, []).extend(numbers)
        silent = names and not any(numbers for _, numbers in parts)
        above = [number for _, _, number in names] if silent else []
    return found


_COUNTED = re.compile(r"(?:class|label|number)?[ _]*(\d{1,9})\b", re.I)


def _numbered_lines(text: str, count: int) -> dict[int, list[Number]]:
    """Values of lines that count through all classes, as ``print(number, value)`` gives them."""
    found: dict[int, list[Number]] = {}
    for line in map(str.strip, text.splitlines()):
        row = _COUNTED.match(line)
        rest = line[row.end(1) :] if row else ""
        numbers = _numbers(rest)
        if row and int(row.group(1)) == len(found) and 0 < len(numbers) <= 2:
            found[len(found)] = numbers
            if len(found) == count:
                return found
        elif line:
            found = {}
    return {}


def _numbers(text: str) -> list[Number]:
    return [
        Number(float(match.group(1)), bool(match.group(2)))
        for match in itertools.islice(_NUMBER.finditer(text), 30)
    ]
