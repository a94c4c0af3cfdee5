"""Read what a caption or a printed line says about classes.

Students write titles and print lines in their own words. These functions find out which
class a text gives as predicted and which as true, and which number it gives for a class.
They know nothing of pictures or points.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
_ROLES = [
    (
        "predicted",
        3,
        r"predict\w*|preds?|guess\w*|classified|recogni[sz]ed|mistaken|mistook|p(?=\s*[:=])",
    ),
    ("true", 3, r"true|truth|actual\w*|real|really|reality|expected|target|t(?=\s*[:=])"),
    ("predicted", 2, r"model|network|classifier|machine|computer|ai|cnn|got"),
    ("true", 2, r"labels?|answer|correct|right|should"),
    ("predicted", 1, r"says?|said|thinks?|thought|called|saw"),
    ("true", 1, r"is|was|are|were|it'?s|but"),
]
_NUMBER = re.compile(r"(?<![\w.])([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(\s*%|\s*percent)?", re.I)


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
    numbers = {_bare(name): number for number, name in enumerate(class_names)}
    longest_first = sorted(numbers, key=len, reverse=True)
    spelled = "|".join(re.escape(name).replace(r"\ ", r"[ _]") for name in longest_first)
    pattern = rf"(?<![a-z])({spelled})s?(?![a-z])"
    return [
        (match.start(), match.end(), numbers[_bare(match.group(1))])
        for match in re.finditer(pattern, text.lower())
    ]


def _bare(name: str) -> str:
    return name.strip().lower().replace("_", " ")


class _Token(NamedTuple):
    start: int
    kind: str  # "name" or "role"
    value: int | str  # class number, or "predicted" / "true"
    strength: int


def _tokens(line: str, class_names: Sequence[str]) -> list[_Token]:
    """Names and role words of a line, in order; role words inside names do not count."""
    names = _find_names(line, class_names)
    tokens = [_Token(start, "name", number, 0) for start, _, number in names]
    for role, strength, words in _ROLES:
        for match in re.finditer(rf"(?<![a-z])(?:{words})(?![a-z])", line.lower()):
            if not any(start <= match.start() < end for start, end, _ in names):
                tokens.append(_Token(match.start(), "role", role, strength))
    return sorted(tokens)


def _role_runs(tokens: list[_Token]) -> list[tuple[str, list]]:
    """Group tokens into runs: ``("names", [class, ...])`` and ``("roles", [role, ...])``.

    A run of role words keeps one role, the strongest and nearest; it keeps two, in order,
    when it holds two strong ones, as the header "true / predicted" does.
    """
    runs: list[tuple[str, list]] = []
    position = 0
    while position < len(tokens):
        kind = tokens[position].kind
        run = []
        while position < len(tokens) and tokens[position].kind == kind:
            run.append(tokens[position])
            position += 1
        if kind == "name":
            runs.append(("names", [token.value for token in run]))
            continue
        strong = list(dict.fromkeys(token.value for token in run if token.strength == 3))
        best = max(run, key=lambda token: (token.strength, token.start))
        runs.append(("roles", strong if len(strong) == 2 else [best.value]))
    return runs


def read_pairs(text: str, class_names: Sequence[str]) -> list[Pair]:
    """Return every "predicted P, truly T" that a text says.

    Understands role words before or after a name ("Pred: cat, True: dog"; "cat predicted,
    dog true"), one role with the other left to be inferred ("cat (true: dog)"), lists
    ("Predicted: cat, cat" over "True: dog, deer"), tables under a header, and the short
    forms "dog -> cat", "dog as cat", "cat (dog)" and "cat, not dog". Two names that stand
    side by side with nothing to tell them apart say nothing.

    Parameters
    ----------
    text : str
        A caption, or all that a cell printed.
    class_names : sequence of str

    Returns
    -------
    list of Pair

    Examples
    --------
    >>> read_pairs("Pred: cat, True: dog", ["cat", "dog"])
    [Pair(predicted=0, true=1)]
    >>> read_pairs("cat / dog", ["cat", "dog"])
    []
    """
    pairs: list[Pair] = []
    waiting: dict[str, list[int]] = {"predicted": [], "true": []}
    header: list[str] = []  # what a line of role words alone says of the lines below it
    for line in text.splitlines():
        tokens = _tokens(line, class_names)
        runs = _role_runs(tokens)
        if not any(kind == "names" for kind, _ in runs):
            roles = [role for _, run in runs for role in run]
            if roles:
                header = list(dict.fromkeys(roles))
            continue
        said = _read_line(line, runs, header, class_names)
        if len(said["predicted"]) == len(said["true"]):
            pairs += [Pair(*both) for both in zip(said["predicted"], said["true"], strict=True)]
        else:
            for role, numbers in said.items():
                waiting[role] += numbers
    return pairs + [
        Pair(*both) for both in zip(waiting["predicted"], waiting["true"], strict=False)
    ]


def _read_line(
    line: str, runs: list[tuple[str, list]], header: list[str], class_names: Sequence[str]
) -> dict[str, list[int]]:
    """What one line says: class numbers by role."""
    said: dict[str, list[int]] = {"predicted": [], "true": []}
    names = [number for kind, run in runs if kind == "names" for number in run]
    role_runs = [run for kind, run in runs if kind == "roles"]

    if not role_runs:
        if len(header) == 2:
            for position, number in enumerate(names):
                said[header[position % 2]].append(number)
        elif len(names) == 2 and (order := _short_form(line, class_names)):
            for role, number in zip(order, names, strict=True):
                said[role].append(number)
        elif len(names) == 1 and len(header) == 1:
            said[header[0]].append(names[0])
        return said

    # "cat predicted, dog true": each name comes before its role.
    if runs[0][0] == "names" and runs[-1][0] == "roles" and len(role_runs) == len(names) > 1:
        for number, run in zip(names, role_runs, strict=True):
            said[run[-1]].append(number)
        return said

    roles: list[str] = []
    unclaimed: list[int] = []
    for kind, run in runs:
        if kind == "roles":
            roles = run
        elif not roles:
            unclaimed += run
        elif len(roles) == 2 and len(run) > 1:
            for position, number in enumerate(run):
                said[roles[position % 2]].append(number)
        else:
            said[roles[-1]] += run
    # "cat (true: dog)": one role is named, so the other name has the other one.
    for role, other in (("predicted", "true"), ("true", "predicted")):
        if unclaimed and said[role] and not said[other]:
            said[other] = unclaimed
            break
    return said


def _short_form(line: str, class_names: Sequence[str]) -> tuple[str, str] | None:
    """The order of the two names in "dog -> cat" or "cat (dog)", if the line has that form."""
    (_, end, _), (start, _, _) = _find_names(line, class_names)
    between = line[end:start].strip().lower()
    if re.fullmatch(r"(-+>|=+>|→|➜|⇒|as|(mistaken|taken)? ?for)( an?| the)?", between):
        return ("true", "predicted")
    if re.search(r"\($", between) or re.fullmatch(r",? ?(not|instead of)( an?| the)?", between):
        return ("predicted", "true")
    return None


def read_numbers(text: str, class_names: Sequence[str]) -> dict[int, list[Number]]:
    """Return the numbers that a text gives for each class it names.

    In a line that names one class every number counts as said of it. In a line that names
    several, a number belongs to the name before it. Under a header with the word "recall",
    a row may begin with the number of a class in place of its name.

    Parameters
    ----------
    text : str
        All that was printed.
    class_names : sequence of str

    Returns
    -------
    dict of int to list of Number
        At most eight numbers a line are read, so that a page of digits is not an answer.

    Examples
    --------
    >>> read_numbers("cat: 0.53 dog: 71 %", ["cat", "dog"])
    {0: [Number(value=0.53, percent=False)], 1: [Number(value=71.0, percent=True)]}
    """
    found: dict[int, list[Number]] = {}
    in_report = False
    for line in text.splitlines():
        if "recall" in line.lower():
            in_report = True
        elif re.search(r"accuracy|avg", line.lower()):
            in_report = False
        names = _find_names(line, class_names)
        row = re.match(r"\s*(\d+)\s+\d", line)
        if not names and in_report and row and int(row.group(1)) < len(class_names):
            names = [(row.start(1), row.end(1), int(row.group(1)))]
        if len({number for _, _, number in names}) == 1:
            start, end, number = names[0]
            parts = [(number, f"{line[:start]} {line[end:]}")]
        else:
            stops = [start for start, _, _ in names[1:]] + [len(line)]
            parts = [
                (number, line[end:stop])
                for (_, end, number), stop in zip(names, stops, strict=False)
            ]
        for number, part in parts:
            if numbers := _numbers(part):
                found.setdefault(number, []).extend(numbers)
    return found


def _numbers(text: str) -> list[Number]:
    return [
        Number(float(match.group(1)), bool(match.group(2)))
        for match in list(_NUMBER.finditer(text))[:8]
    ]
