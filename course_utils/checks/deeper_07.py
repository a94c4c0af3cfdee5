"""The check of the part of Stage 7 that goes deeper: the model, the picture, or the label?

It recomputes the verdicts from the votes in the student's own variables, so that it needs no
network. Where a student and the rule differ it says so, and takes nothing away for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.checks.result import Result
from course_utils.checks.sentences import counted, join, join_some, quoted
from course_utils.checks.values import as_array
from course_utils.evidence import Cell, Evidence, Reference, Table, Unreadable

if TYPE_CHECKING:
    from course_utils.analysis.people import Votes

NAMES = ("my_verdicts", "votes", "course_verdicts")
HEADING = "Go deeper"  # stands above the pictures that the course shows for this part
_VERDICTS = ("model", "confusing picture", "label")
_NEEDED = 3
_SAID = 3  # differences that are told in full

Problem = tuple[str, str]  # what the check saw, and what to try next


def is_deeper(cell: Cell) -> bool:
    """Whether a cell shows the pictures of this part: the course's doing, not the student's."""
    return any(shown.around.startswith(HEADING) for shown in cell.shown)


def deeper_verdict(evidence: Evidence, reference: Reference) -> Result:
    """Three wrong pictures judged by eye, and the verdicts that follow from the votes."""
    values = evidence.values
    if missing := [name for name in NAMES if values.get(name) is None]:
        return Result(
            0,
            f"Still to do: {join(missing)}.",
            "First judge three pictures by eye. Then ask for the votes and the course's verdicts.",
        )
    probabilities = as_array(values.get("test_predictions"))
    if probabilities is None or probabilities.shape != reference.probabilities.shape:
        probabilities = reference.probabilities
    wrong = set(np.flatnonzero(probabilities.argmax(axis=1) != reference.labels).tolist())
    mine = _verdicts_of(values["my_verdicts"])
    if problem := _fault_of_mine(values["my_verdicts"], mine, wrong, len(reference.labels)):
        return Result(0, *problem)
    votes = _votes_of(values["votes"], probabilities.shape)
    if isinstance(votes, tuple) and isinstance(votes[0], str):
        return Result(0, *votes)
    from course_utils.analysis.verdict import judge, tally

    try:
        rows = judge(probabilities, reference.labels, votes, class_names=reference.class_names)
    except ValueError:
        saw = "From these votes and predictions no verdicts can be made."
        return Result(0, saw, "Make test_predictions as in Step 1, and votes as in the hints.")
    course = {row.idx: (row.verdict, row.reason) for row in rows.itertuples()}
    if problem := _fault_of_table(values["course_verdicts"], course, mine):
        return Result(0, *problem)
    return Result(1, f"{_compared(mine, course)} {tally(rows).words}")


def _compared(mine: dict[int, str], course: dict[int, tuple[str, str]]) -> str:
    """Where the student and the rule differ; neither of them is called wrong."""
    differ = [number for number, said in mine.items() if said != course[number][0]]
    judged = f"You judged {counted(len(mine), 'wrong picture')} by eye"
    if not mine:
        return "Your model makes no mistake, so there is nothing to judge."
    if not differ:
        return f"{judged}. You and the votes agree on all of them."
    told = [
        f"Picture {number}: you say {mine[number]}, the votes say {course[number][0]}. "
        f"{course[number][1]}"
        for number in differ[:_SAID]
    ]
    more = f" They differ on {len(differ) - _SAID} more." if len(differ) > _SAID else ""
    return (
        f"{judged}. You and the votes agree on {len(mine) - len(differ)}. {' '.join(told)}{more} "
        "To differ is no mistake: look again, and say what convinces you."
    )


# --- The student's own verdicts -----------------------------------------------------------------


def _verdicts_of(value: Any) -> dict[int, str | None] | None:
    """Verdicts by picture number from a dict or from pairs; None in place of an unknown verdict."""
    pairs = value.items() if isinstance(value, dict) else value
    if not isinstance(pairs, list) and not isinstance(value, dict):
        return None
    found: dict[int, str | None] = {}
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            return None
        number = _number_of(pair[0])
        if number is None:
            return None
        found[number] = _verdict_in(pair[1])
    return found


def _number_of(key: Any) -> int | None:
    """A picture's number, also from text such as "12" or "picture 12"."""
    if isinstance(key, bool):
        return None
    if isinstance(key, int):
        return key
    found = re.fullmatch(r"\D*(\d{1,9})(?:\.0)?\s*", key) if isinstance(key, str) else None
    return int(found.group(1)) if found else None


def _verdict_in(value: Any) -> str | None:
    """The one verdict that a text names."""
    words = value.lower() if isinstance(value, str) else ""
    named = {
        verdict
        for verdict, sign in zip(_VERDICTS, ("model", r"confus|picture", "label"), strict=True)
        if re.search(sign, words)
    }
    negated = re.search(r"\bnot\b|n't\b", words)
    return named.pop() if len(named) == 1 and not negated else None


def _fault_of_mine(
    value: Any, mine: dict[int, str | None] | None, wrong: set[int], count: int
) -> Problem | None:
    """What is wrong with my_verdicts, if anything is; never which verdict was given."""
    form = 'Write my_verdicts = {12: "model", 34: "label"}, with your own picture numbers.'
    needed = min(_NEEDED, len(wrong))
    if mine is None:
        kind = f"a {value.kind}" if isinstance(value, Unreadable) else quoted(value)
        return f"my_verdicts is {kind}. I expected picture numbers, each with a verdict.", form
    for number, verdict in mine.items():
        if not 0 <= number < count:
            saw = f"There is no picture {number}. They go from 0 to {count - 1}."
            return saw, "Take the numbers that stand under the pictures."
        if number not in wrong:
            saw = f"Your model got picture {number} right. That is no mistake to judge."
            return (
                saw,
                "Take the numbers that stand under the pictures, or others of wrong_indexes.",
            )
        if verdict is None:
            saw = f"I cannot read your verdict on picture {number}. I expected one of three texts."
            return saw, f"Choose one of: {', '.join(_VERDICTS)}."
    if len(mine) < needed:
        judged = counted(len(mine), "wrong picture")
        return f"You judged {judged}. I expected {needed} or more.", "Judge one more by eye."
    return None


# --- The votes and what follows from them --------------------------------------------------------


def _votes_of(value: Any, shape: tuple[int, int]) -> Votes | Problem:
    """The votes, as analysis.votes gives them or as a table of counts."""
    from course_utils.analysis.people import Votes, count_votes

    use = "Write votes = analysis.votes(x_test, judged=test_predictions)."
    if isinstance(value, Unreadable):
        return f"votes is a {value.kind}. I expected what analysis.votes(...) gives.", use
    parts = value if isinstance(value, list) else [value]
    tables = [part for part in parts if isinstance(part, np.ndarray) and part.ndim == 2]
    words = [part for part in parts if isinstance(part, str)]
    if not tables:
        return "votes is not what analysis.votes gives.", use
    if tables[0].shape != shape:
        return (
            f"votes is about {len(tables[0])} pictures. I expected all {shape[0]} test pictures.",
            "Give analysis.votes all of them: x_test.",
        )
    if tables[0] is value:  # judge would read it so, too
        try:
            return count_votes(value)
        except ValueError:
            return "votes holds something else than votes.", use
    source = next((word for word in words if word in ("people", "models")), "people")
    voters = [part for part in parts if isinstance(part, np.ndarray) and part.shape == shape[:1]]
    return Votes(tables[0], source, "", voters[0] if voters else None)


def _fault_of_table(
    value: Any, course: dict[int, tuple[str, str]], mine: dict[int, str]
) -> Problem | None:
    """What is wrong with course_verdicts, if anything is."""
    use = "Write course_verdicts = analysis.judge(test_predictions, y_test, votes)."
    if isinstance(value, Unreadable):
        return f"course_verdicts is a {value.kind}. I expected a table of verdicts.", use
    given = _table_of(value)
    if given is None:
        return "course_verdicts is not what analysis.judge gives.", use
    if set(given.values()) == {"no votes"}:
        return "course_verdicts was made without votes.", f"Give judge the votes, too. {use}"
    if strange := [str(number) for number in given if number not in course]:
        pictures = "picture" if len(strange) == 1 else "pictures"
        saw = f"course_verdicts judges {pictures} {join_some(strange)}: no mistake of your model."
        return saw, use
    if missing := [str(number) for number in mine if number not in given]:
        pictures = "picture" if len(missing) == 1 else "pictures"
        return f"course_verdicts says nothing of {pictures} {join_some(missing)}.", use
    wrong = [n for n, said in given.items() if said is not None and said != course[n][0]]
    if wrong:
        first = wrong[0]
        return (
            f"{counted(len(wrong), 'verdict does', 'verdicts do')} not follow from your votes by "
            f"the course's rule, such as {quoted(given[first])} for picture {first}. "
            f"I get {course[first][0]}.",
            f"Run the cell again, so that the votes and the verdicts fit. {use}",
        )
    return None


def _table_of(value: Any) -> dict[int, str | None] | None:
    """Verdicts by picture number from the table of analysis.judge, a dict or pairs.

    None stands where raters decided too: they have seen more than the votes that are known here.
    """
    if isinstance(value, Table):
        columns = value.columns
        numbers, said = columns.get("idx", value.index), columns.get("verdict")
        if said is None or not all(isinstance(number, int) for number in numbers):
            return None
        rows = zip(numbers, said, columns.get("evidence", said), strict=True)
        return {n: None if "raters" in str(who) else str(verdict) for n, verdict, who in rows}
    found = _verdicts_of(value)
    return None if found is None else {number: str(said) for number, said in found.items()}
