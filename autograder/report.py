"""The class report: what came of a whole class, in one HTML file for the teacher.

The file opens offline and runs no script: what is folded unfolds by itself. Its order is that in
which a teacher needs it: what waits for a decision, who did what, which mistakes are behind it.
Names and all that comes from notebooks are escaped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import quote

import numpy as np

from autograder.submission import Graded
from course_utils.card import data_uri
from course_utils.checks.sentences import counted, join
from course_utils.pages import template
from course_utils.practice import CLASS_NAMES

MOST_PICTURES = 48
FINDING = "name_hardest_class"  # the check that knows whether a named class is right
_KINDS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "practice": "practice pictures"}
_LONGEST = 600  # characters of a text; the course's own sentences are shorter
_TO_DO = "Still to do: "
_TURNS = re.compile(r"[\0\u202a-\u202e\u2066-\u2069]")  # and what HTML does not allow


class Numbers(NamedTuple):
    """How far the grading of some notebooks is.

    Each is graded, waits for the points of its written answer, or has no grade. ``middle`` is the
    median of the points; as long as any waits, of those from the checks (``checks_only``).
    """

    notebooks: int
    graded: int
    waiting: int
    refused: int
    middle: float | None
    possible: float
    checks_only: bool


class Look(NamedTuple):
    """The same sentences about one student or several, and where their notebooks were found."""

    stage: str
    students: list[str]
    origins: list[str]
    sentences: tuple[str, ...]


class Row(NamedTuple):
    """A student's line in the table; None stands for what is not known."""

    student: str
    feedback: str
    points: list[float | None]
    written: float | None
    total: float | None


class Mistake(NamedTuple):
    """What a check told some students; "…" stands where their sentences differ."""

    words: str
    students: list[str]


class Outcome(NamedTuple):
    """How a check went: how many have all its points, and the mistakes of the others."""

    check: str
    full: int
    students: int
    mistakes: list[Mistake]


class Named(NamedTuple):
    """A class that was named as the hardest; ``right`` counts whom the check agrees with."""

    name: str
    students: list[str]
    right: int


class Picture(NamedTuple):
    """A picture that students chose; ``source`` is empty where the picture is not at hand."""

    number: int
    kind: str
    students: int
    source: str
    true: str


def class_report(
    results: Sequence[Graded],
    pictures: Mapping[str, np.ndarray] | None = None,
    class_names: Sequence[str] = CLASS_NAMES,
    labels: Mapping[str, np.ndarray] | None = None,
    feedback: Collection[str] = (),
) -> str:
    """Return the class report as a page of HTML.

    Parameters
    ----------
    results : sequence of Graded
        Of one stage or of several, in any order.
    pictures : dict of str to ndarray of shape (n, 32, 32, 3), uint8, optional
        The known pictures by their kind, such as ``"cifar10"``. Without them the report names
        the numbers of the pictures that students chose.
    class_names : sequence of str
    labels : dict of str to ndarray of shape (n,), int, optional
        The true classes of the same pictures.
    feedback : collection of str
        The feedback pages that are there, as seen from the report, such as
        ``"feedback/ada/stage_07_find_its_mistakes/stage_07_find_its_mistakes.html"``.

    Returns
    -------
    str

    Raises
    ------
    ImportError
        If Jinja2 is not installed.
    """
    results = sorted(_told_apart(results), key=lambda one: (one.name.casefold(), one.student))
    stages = []
    for stage in sorted({one.stage for one in results}):
        mine = [one for one in results if one.stage == stage]
        shown = chosen(mine, pictures or {}, labels or {}, class_names)
        stages.append(
            {
                "title": title(stage),
                "numbers": numbers(mine),
                "words": summary(numbers(mine)),
                "possible": possible(mine),
                "written_possible": max(one.written_possible for one in mine),
                "rows": rows(mine, feedback),
                "outcomes": outcomes(mine, class_names),
                "hardest": hardest(mine),
                "believed": any(FINDING in one.possible for one in mine),
                "chosen": shown[:MOST_PICTURES],
                "more_chosen": len(shown[MOST_PICTURES:]),
                "kinds": len({one.kind for one in shown}),
                "mended": looks(mine, lambda one: one.mended),
            }
        )
    page = template(
        "class_report.html.j2", {"points": _points, "counted": counted}, Path(__file__).parent
    )
    markup = page.render(
        words=summary(numbers(results), median_too=len(stages) == 1),
        no_grade=looks([one for one in results if one.reason], _why_and_what),
        questions=looks([one for one in results if not one.reason], _why_and_what),
        waiting=numbers(results).waiting,
        stages=stages,
    )
    # Half a character cannot be written, and a name may not turn around the text beside it.
    return _TURNS.sub("", markup.encode("utf-8", "replace").decode())


# --- How far it is -------------------------------------------------------------------------


def numbers(results: Sequence[Graded]) -> Numbers:
    """Count what is graded, what waits and what has no grade."""
    refused = [one for one in results if one.reason]
    graded = [one for one in results if not one.reason]
    waiting = [one for one in graded if one.written_possible and one.written is None]
    checks = [sum(one.points.values()) for one in graded]
    totals = checks if waiting else [one.total for one in graded]
    most = [sum(one.possible.values()) + (0 if waiting else one.written_possible) for one in graded]
    return Numbers(
        len(results),
        len(graded) - len(waiting),
        len(waiting),
        len(refused),
        median(totals) if totals else None,
        max(most, default=0),
        bool(waiting),
    )


def summary(found: Numbers, median_too: bool = True) -> str:
    """Say the numbers in a sentence or two.

    >>> summary(Numbers(30, 4, 23, 3, 8, 10, True))  # doctest: +NORMALIZE_WHITESPACE
    '30 notebooks: 4 are graded, 23 wait for your points for the written answer and 3 have no
    grade. The median is 8 of 10 points from the checks.'
    """
    if not found.notebooks:
        return "No notebook has been handed in yet."
    parts = [
        (found.graded, "is graded", "are graded"),
        (
            found.waiting,
            "waits for your points for the written answer",
            "wait for your points for the written answer",
        ),
        (found.refused, "has no grade", "have no grade"),
    ]
    words = join(counted(*part) for part in parts if part[0])
    said = f"{counted(found.notebooks, 'notebook')}: {words}."
    if found.middle is None or not median_too:
        return said
    source = " from the checks" if found.checks_only else ""
    return (
        f"{said} The median is {_points(found.middle)} of {_points(found.possible)} points{source}."
    )


def title(stage: str) -> str:
    """Return a stage's name as a heading.

    >>> title("stage_07_find_its_mistakes")
    'Stage 7: find its mistakes'
    """
    match = re.fullmatch(r"stage_(\d+)_(.+)", stage)
    return f"Stage {int(match[1])}: {match[2].replace('_', ' ')}" if match else stage


# --- Who needs a look, who did what --------------------------------------------------------


def looks(results: Iterable[Graded], of: Callable[[Graded], Iterable[str]]) -> list[Look]:
    """Collect some sentences of each student; those who have the same ones stand together."""
    found: dict[tuple[str, tuple[str, ...]], Look] = {}
    for one in results:
        sentences = tuple(_short(words) for words in of(one) if words)
        if sentences:
            look = found.setdefault((one.stage, sentences), Look(one.stage, [], [], sentences))
            look.students.append(one.name)
            look.origins.append(_short(one.origin))
    return [look._replace(stage=title(look.stage)) for look in found.values()]


def _why_and_what(one: Graded) -> tuple[str, ...]:
    return (one.reason, *one.decide)


def possible(results: Sequence[Graded]) -> dict[str, float]:
    """Return the most points of each check that gives points, in the order of the stage."""
    most: dict[str, float] = {}
    for one in results:
        for check, points in one.possible.items():
            most[check] = max(points, most.get(check, 0))
    return {check: points for check, points in most.items() if points}


def rows(results: Sequence[Graded], feedback: Collection[str] = ()) -> list[Row]:
    """Return a line for each notebook; a line without a grade has no total."""
    checks = possible(results)
    found = []
    for one in results:
        address = "/".join(("feedback", one.student, one.stage, f"{one.stage}.html"))
        found.append(
            Row(
                one.name,
                quote(address) if address in feedback else "",
                [one.points.get(check) for check in checks],
                one.written,
                one.total,
            )
        )
    return found


# --- Mistakes ------------------------------------------------------------------------------


def outcomes(results: Sequence[Graded], class_names: Sequence[str] = CLASS_NAMES) -> list[Outcome]:
    """Say of each check how many have all its points, and what the others did; worst first."""
    graded = [one for one in results if not one.reason]
    found = []
    for check in possible(graded):
        asked = [one for one in graded if check in one.possible]
        short = [one for one in asked if one.points.get(check, 0) < one.possible[check]]
        said = [(one.name, one.words.get(check, "")) for one in short]
        found.append(
            Outcome(check, len(asked) - len(short), len(asked), mistakes(said, class_names))
        )
    return sorted(found, key=lambda one: one.full / one.students)


def mistakes(
    said: Iterable[tuple[str, str]], class_names: Sequence[str] = CLASS_NAMES
) -> list[Mistake]:
    """Group what a check told those who lost points; the most frequent mistake comes first.

    Parameters
    ----------
    said : iterable of (student, words)
        The words as the check printed them, with points and advice.
    class_names : sequence of str

    Returns
    -------
    list of Mistake

    Examples
    --------
    >>> mistakes([
    ...     ("Ada", "➜ 0 of 1 point. I saw 2 pictures of cat.\\nTry next: run it."),
    ...     ("Ben", "➜ 0 of 1 point. I saw 1 picture of dog.\\nTry next: run it."),
    ... ])
    [Mistake(words='I saw … pictures of ….', students=['Ada', 'Ben'])]
    """
    varies = _varies(class_names)
    groups: dict[tuple[str, ...], tuple[list[str], list[str]]] = {}
    for student, words in said:
        saw = what_it_saw(words) or "The check did not answer."
        texts, students = groups.setdefault(_key(saw, varies), ([], []))
        texts.append(saw)
        students.append(student)
    found = [Mistake(_in_common(texts, varies), students) for texts, students in groups.values()]
    return sorted(found, key=lambda one: (-len(one.students), one.words))


def what_it_saw(words: str) -> str:
    """Return a check's words without the points before them and the advice behind them.

    >>> what_it_saw("➜ 1 of 3 points. One picture was shown.\\nTry next: show more.")
    'One picture was shown.'
    """
    words = re.sub(r"^\W*[\d.]+ of [\d.]+ points?\.", "", " ".join(words.split()))
    return _short(re.sub(r"(^|\s)Try next: .*", "", words).strip())


def _varies(class_names: Sequence[str]) -> re.Pattern[str]:
    """What differs by student: quoted text, numbers, names of classes, and lists of them."""
    longest_first = sorted(filter(None, class_names), key=len, reverse=True)
    things = [
        r"""(?<!\w)(?:'(?:\\.|[^'\\]){0,58}'|"(?:\\.|[^"\\]){0,58}")(?!\w)""",
        r"""(?<!\w)['"].{59}""",  # a check cuts off a long quotation, with its second mark
        r"(?<![\w.])[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?: ?%)?",
        rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})(?!\w)",
    ]
    one = f"(?:{'|'.join(things)})"
    return re.compile(rf"{one}(?:(?:, | and ){one})*(?: and more)?", re.IGNORECASE)


def _key(saw: str, varies: re.Pattern[str]) -> tuple[str, ...]:
    """The same for all sentences about one mistake, whether they count one thing or many."""
    if saw.startswith(_TO_DO):
        return (_TO_DO,)  # whatever is blank, it is the same: not done yet
    between = (part.lower() for part in varies.split(saw))
    return tuple(re.sub(r"\bare\b", "is", re.sub(r"(?<=\w\w)s\b", "", part)) for part in between)


def _in_common(texts: Sequence[str], varies: re.Pattern[str]) -> str:
    """The most frequent of some sentences, with "…" wherever the others say something else."""
    typical, count = Counter(texts).most_common(1)[0]
    if count == len(texts):
        return typical
    if typical.startswith(_TO_DO):
        return f"Still to do. For example: {typical.removeprefix(_TO_DO)}"
    found = ([match[0] for match in varies.finditer(text)] for text in texts)
    same = iter([len(set(column)) == 1 for column in zip(*found, strict=True)])
    return varies.sub(lambda match: match[0] if next(same) else "…", typical)


# --- Findings ------------------------------------------------------------------------------


def hardest(results: Sequence[Graded]) -> list[Named]:
    """Return which classes were named as the hardest, and by whom; the most frequent first."""
    found: dict[str, list[Graded]] = {}
    for one in results:
        if name := " ".join(one.hardest.split()).casefold():
            found.setdefault(name, []).append(one)
    named = [
        Named(
            _short(name, 60),
            [one.name for one in some],
            sum(one.points.get(FINDING, 0) >= one.possible.get(FINDING, np.inf) for one in some),
        )
        for name, some in found.items()
    ]
    return sorted(named, key=lambda one: (-len(one.students), one.name))


def chosen(
    results: Sequence[Graded],
    pictures: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    class_names: Sequence[str],
) -> list[Picture]:
    """Return which pictures students chose, those chosen by most students first.

    Only the first :data:`MOST_PICTURES` have a source: each of them makes the page larger.
    """
    counts = Counter((one.pictures, number) for one in results for number in set(one.chosen))
    found = []
    for (kind, number), students in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        there = len(found) < MOST_PICTURES and 0 <= number < len(pictures.get(kind, ()))
        true = labels[kind][number] if 0 <= number < len(labels.get(kind, ())) else -1
        found.append(
            Picture(
                number,
                _KINDS.get(kind, kind),
                students,
                data_uri(pictures[kind][number]) if there else "",
                class_names[true] if 0 <= true < len(class_names) else "",
            )
        )
    return found


# --- Small helpers -------------------------------------------------------------------------


def _told_apart(results: Iterable[Graded]) -> list[Graded]:
    """Give everybody a name, and students who have the same one their id too."""
    results = [replace(one, name=one.name.strip() or one.student) for one in results]
    ids: dict[str, set[str]] = {}
    for one in results:
        ids.setdefault(one.name, set()).add(one.student)
    names = (
        one.name if len(ids[one.name]) == 1 else f"{one.name} ({one.student})" for one in results
    )
    return [replace(one, name=_short(name, 100)) for one, name in zip(results, names, strict=True)]


def _points(number: float) -> str:
    return f"{round(number, 2):g}"


def _short(words: str, most: int = _LONGEST) -> str:
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"
