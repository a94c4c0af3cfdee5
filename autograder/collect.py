"""Find the notebooks in whatever a learning platform or a shared drive hands out.

Every file of the folder is looked at, also those in zip files, which are read in memory and
never unpacked to disk. Then it is told which stage a notebook is, and whose. A student whose
work cannot be used is not lost: each ends with a notebook, or with a reason why there is none.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder import ROOT
from autograder.opening import File, walk
from autograder.owners import Owner, digest, find_owners, student_id
from autograder.submission import HandedIn


def collect(
    folder: Path,
    stages: Sequence[str],
    *,
    guess_stage: Callable[[bytes, str], str | None] | None = None,
    earlier: Callable[[str, str], Mapping[str, Any] | None] = lambda stage, student: None,
) -> dict[str, list[HandedIn]]:
    """Find what was handed in.

    Parameters
    ----------
    folder : Path
        What the teacher has downloaded, packed or not.
    stages : sequence of str
        The stages to be graded, such as ``["stage_07_find_its_mistakes"]``.
    guess_stage : callable, optional
        Takes a file's content and name, gives the name of a stage or None. By default
        :func:`stage_of` with the stages of this course.
    earlier : callable, optional
        Takes a stage and a student's id, gives what was handed in earlier under that id as the
        fields of a `HandedIn`, or None. Then each keeps the id of that time when somebody of the
        same name comes later.

    Returns
    -------
    dict of str to list of HandedIn
        By stage; at most one for each student, in the order of their ids. What belongs to no
        stage, or to any, stands under the first of `stages`. Work for other stages is given,
        with a reason, only for students who have none for `stages`.

    Raises
    ------
    OSError
        If `folder` itself cannot be read.
    """
    released = grade_ids(ROOT / "stages")
    guess = guess_stage or (lambda content, name: stage_of(content, name, released))
    files = list(walk(folder))
    for file in files:
        file.stage = guess(file.content or b"", file.path[-1]) or next(
            filter(None, (guess(b"", part) for part in reversed(file.path[:-1]))), None
        )
    find_owners(files, {*released, *stages})
    found = [
        (owner, stage, handed_in)
        for owner, theirs in _by_owner(files)
        for stage, handed_in in _handed_in(owner, theirs, list(stages))
    ]
    return _told_apart(found, stages, earlier)


# --- Which stage -------------------------------------------------------------------------


def grade_ids(stages: Path) -> dict[str, set[str]]:
    """Return the grade ids of each stage's student notebook, by the stage's name."""
    return {
        path.stem: set(re.findall(r'"grade_id": "(\w+)"', path.read_text(encoding="utf-8")))
        for path in sorted(stages.glob("*/*.ipynb"))
        if path.stem == path.parent.name
    }


def stage_of(content: bytes, file_name: str, released: Mapping[str, set[str]]) -> str | None:
    """Say which stage a file belongs to.

    What the notebook holds counts before what its file is called: grade ids in the cells'
    metadata, the call of ``cu.start``, the marks in the cells' first lines, the title. It is
    looked for in the text of the file, so that damaged files have a stage, too.

    Parameters
    ----------
    content : bytes
        May be anything, also nothing.
    file_name : str
    released : mapping of str to set of str
        The grade ids of each stage, as :func:`grade_ids` gives them.

    Returns
    -------
    str or None
        The name of a stage in `released`; None if there is no sign of one.
    """
    text = content.decode(json.detect_encoding(content), "replace")
    counted = Counter(name for ids in released.values() for name in ids)
    home = {name: stage for stage, ids in released.items() for name in ids if counted[name] == 1}
    numbers = {int(found[1]): s for s in released if (found := re.match(r"stage_(\d+)", s))}

    # Each begins with plain letters: the outputs around them can be long, and that is quick.
    ids = re.findall(r'"grade_id"\s*:\s*"(\w+)"', text)
    begun = re.findall(r"\.(?:start|resume)\(\s*stage=(\d{1,3})", text)
    marks = re.findall(r"# ?(?:check|answer|deeper): ?(\w+)", text)
    titles = re.findall(r'# ((?:Stage \d+:|The )[^"\\\n]*)', text)
    signs = (
        map(home.get, ids),
        (numbers.get(int(number)) for number in begun),
        map(home.get, marks),
        (_named(title, numbers) for title in titles),
        [_named(unicodedata.normalize("NFC", file_name), numbers)],
    )
    return next(filter(None, map(_most, signs)), None)


def _most(stages: Iterable[str | None]) -> str | None:
    """What is said most often; nothing if two are said as often."""
    counts = Counter(filter(None, stages)).most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]


def _named(text: str, numbers: Mapping[int, str]) -> str | None:
    """The stage that a title or a file's name speaks of."""
    number = re.search(r"stage[\s_-]*(\d{1,3})", text, re.I)
    if number:
        return numbers.get(int(number[1]))
    words = re.sub(r"[\W_]+", "_", text.lower())
    return next((s for s in numbers.values() if s.split("_", 2)[-1] in words), None)


# --- What is graded ----------------------------------------------------------------------


def _by_owner(files: list[File]) -> Iterator[tuple[Owner, list[File]]]:
    known: dict[tuple, tuple] = {}
    same: dict[tuple, tuple] = {}
    for file in files:
        if file.owner is None and file.counts:
            file.owner = Owner("", place=(digest(file.content or file.origin),))
        if file.content is not None and not file.owner.number:
            # A zip file and its unpacked folder, side by side, hold one and the same student.
            notebook = (file.owner.name.casefold(), file.stage, digest(file.content))
            same[file.owner.key] = known.setdefault(notebook, file.owner.key)
    groups = defaultdict(list)
    for file in files:
        if file.owner is not None:
            groups[same.get(file.owner.key, file.owner.key)].append(file)
    return ((theirs[0].owner, theirs) for theirs in groups.values())


def _handed_in(
    owner: Owner, files: list[File], stages: list[str]
) -> Iterator[tuple[str, HandedIn]]:
    work = [file for file in files if file.counts]
    for file in work:
        if file.content is not None and file.stage is None:
            file.reason = f"it cannot be told which stage {file.path[-1]} belongs to"
    if not work:
        found = sorted({file.path[-1] for file in files} - {""})
        listed = ", ".join(found[:5]) + (", ..." if len(found) > 5 else "")
        reason = f"no notebook was handed in; found: {listed or 'nothing'}"
        work = [File(files[0].path[:-1] or files[0].path, reason=reason)]
    by_stage = defaultdict(list)
    for file in work:
        by_stage[file.stage or stages[0]].append(file)
    for stage, some in by_stage.items():
        best, *others = _best_first(some)
        reason = best.reason
        if not reason and stage not in stages:
            wanted = " or ".join(map(_spoken, stages[:3]))
            reason = f"this is {_spoken(stage)}, not {wanted}"
        decide = [f"{o.origin} was left aside: {o.reason}." for o in others if o.reason]
        usable = [other for other in others if not other.reason]
        if newer := [other.origin for other in usable if other.rank > best.rank]:
            decide.append(
                f"{' and '.join(newer)} is newer and damaged, so {best.origin} counts. Ask the "
                "student for the newer one."
            )
        if older := [other.origin for other in usable if other.rank < best.rank]:
            decide.append(
                f"{len(older) + 1} notebooks were handed in. {best.origin} is the newest and "
                f"counts; not {' and not '.join(older)}."
            )
        if owner.doubt:
            decide.append(owner.doubt)
        if not owner.name and not reason:
            decide.append(
                f"Nobody's name stands in {best.origin}. Put the student's name before the "
                "file's name, or the file in a folder with the student's name. Then grade again."
            )
        yield (
            stage,
            HandedIn(
                student=student_id(owner.name) if owner.name else f"unknown_{owner.place[0]}",
                name=owner.name or "unknown",
                origin=best.origin,
                content=best.content or b"",
                modified=best.modified,
                moodle=owner.number if owner.platform == "moodle" else "",
                canvas=owner.number if owner.platform == "canvas" else "",
                decide=tuple(decide),
                reason=reason,
            ),
        )


def _best_first(files: list[File]) -> list[File]:
    kept: dict[bytes | str, File] = {}
    for file in sorted(files, key=lambda file: file.rank, reverse=True):
        kept.setdefault(file.origin if file.content is None else file.content, file)
    several = list(kept.values())
    return sorted(several, key=_is_damaged) if len(several) > 1 else several


def _is_damaged(file: File) -> bool:
    """Whether a notebook is cut off, or none at all; a whole one goes before it."""
    try:
        whole = json.loads(file.content or b"", strict=False)
    except (ValueError, RecursionError):
        return True
    return not (isinstance(whole, dict) and (whole.get("cells") or whole.get("worksheets")))


def _spoken(stage: str) -> str:
    number = re.match(r"stage_(\d+)", stage)
    return f"Stage {int(number[1])}" if number else stage


def _told_apart(
    found: list[tuple[Owner, str, HandedIn]],
    stages: Sequence[str],
    earlier: Callable[[str, str], Mapping[str, Any] | None],
) -> dict[str, list[HandedIn]]:
    """Give students of the same name ids of their own, and put all in order."""
    served = {one.student for _, stage, one in found if stage in stages}
    found = [each for each in found if each[1] in stages or each[2].student not in served]
    owners = defaultdict(set)
    for owner, stage, one in found:
        owners[stage, one.student.casefold()].add(owner)  # some systems have no capital letters
    twice = {name for (_, name), several in owners.items() if len(several) > 1}
    # A number of Canvas is a student's in all stages; one of Moodle is another one in each.
    numbers = defaultdict(set)
    for _, _, one in found:
        numbers[one.student.casefold()] |= {one.canvas} - {""}
    twice |= {name for name, several in numbers.items() if len(several) > 1}
    by_stage: dict[str, list[HandedIn]] = {stage: [] for stage in stages}
    for owner, stage, one in found:
        before = earlier(stage, one.student)
        # Not counted up: the id must stay when another student hands in later.
        own = owner.number or digest("/".join((*owner.place, owner.name)))[:6]
        own = f"{one.student}_{own}"
        note = ""
        if one.student.casefold() in twice:
            student = one.student if before and _is_the_same(before, one) else own
            note = (
                f"More than one student is called {one.name}. The one of {one.origin} is {student}."
            )
        else:
            other = before and before["canvas"] and one.canvas not in ("", before["canvas"])
            student = own if other or (owner.number and earlier(stage, own)) else one.student
            if student == one.student and before and _has_another_number(before, one):
                note = (
                    f"{one.origin} bears another number than {before['origin']} did, and counts in "
                    "its place. If these are two students of one name, put the new file in a "
                    "folder with a longer name, and grade both again."
                )
        named = replace(one, student=student, decide=(*one.decide, note) if note else one.decide)
        by_stage.setdefault(stage, []).append(named)
    return {stage: sorted(ones, key=lambda one: one.student) for stage, ones in by_stage.items()}


def _is_the_same(before: Mapping[str, Any], one: HandedIn) -> bool:
    numbers = (before["moodle"], before["canvas"])
    if any(numbers) or one.moodle or one.canvas:
        return numbers == (one.moodle, one.canvas)
    return before["name"] == one.name and Path(before["origin"]).parent == Path(one.origin).parent


def _has_another_number(before: Mapping[str, Any], one: HandedIn) -> bool:
    """Whether a platform called the two by different numbers, as it does with two students."""
    pairs = ((before["moodle"], one.moodle), (before["canvas"], one.canvas))
    return any(old and new and old != new for old, new in pairs)
