"""What a cell says about the pictures it shows: the predicted and the true name of each."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from course_utils.evidence import Cell, Reference, Shown
from course_utils.wording import Pair, names_in, read_pairs, read_roles

_TAIL = 5_000  # characters at the end of a cell's text that a caption may continue
_GUESSES = 10  # pairs that may be said of one picture: no model can say more
_MANY = 30  # pictures that nobody shows to find three mistakes
_TABLE = 10  # pairs that a table may hold beyond that, of other pictures

# A cell may show hundreds of pictures under the same words.
_pairs = functools.lru_cache(maxsize=32)(read_pairs)
_roles = functools.lru_cache(maxsize=32)(read_roles)


@functools.lru_cache(maxsize=32)
def _names(text: str, class_names: tuple[str, ...]) -> frozenset[int]:
    return frozenset(names_in(text, class_names))


def captions_of(cells: Iterable[Cell], wrong: set[int], reference: Reference) -> dict[int, str]:
    """Return what is said of each wrong picture that the cells showed.

    A picture's own words count first, then those of its figure, then what its cell printed.

    Parameters
    ----------
    cells : iterable of Cell
    wrong : set of int
        The pictures to look for.
    reference : Reference

    Returns
    -------
    dict of int to str
        By picture, in the order shown: "right" (both names), "swapped", "same" (one name
        twice), "other" (those of another picture), "half" (one name), "numbers" (class numbers
        in place of names), "unclear" (two names, but not which is which) or "nothing".
    """
    said: dict[int, str] = {}
    for cell in cells:
        verdicts = _read_captions(cell, reference)
        for number in wrong & set(verdicts):
            said[number] = min(verdicts[number], said.get(number, "nothing"), key=_VERDICTS.index)
    in_order = dict.fromkeys(number for cell in cells for number in _numbers_of(cell))
    return {number: said[number] for number in in_order if number in said}


def without_guesswork(cells: Sequence[Cell], reference: Reference) -> tuple[list[Cell], bool]:
    """Take the words away where they say so much that something had to fit.

    There may be more pairs than pictures: a table of mistakes stands above three of them, or
    three guesses beside each. But then half of these pictures have to be wrong predictions with
    their own pair among what is said. Where there are not more, but many pictures, one in ten has
    to have its pair: a student may leave mistakes in a notebook, but whoever says one pair of
    hundreds of pictures has not looked.

    Returns
    -------
    cells : list of Cell
        Those with guesswork stand there without these words.
    found : bool
        Whether words were taken away.
    """
    names, wrong = reference.class_names, set(reference.wrong.tolist())
    kept = [_without_lists(cell, names) for cell in cells]
    speaking: dict[bool, list[int]] = {True: [], False: []}  # by whether there are more pairs
    fits: dict[bool, list[bool]] = {True: [], False: []}
    for place, cell in enumerate(kept):
        words = {cell.text, *(one.caption for one in cell.shown), *(s.around for s in cell.shown)}
        said = {pair for text in words for pair in _pairs(text, names)}
        if not said or not cell.shown:
            continue
        more = len(said) > len(_numbers_of(cell))
        speaking[more].append(place)
        for number, verdict in _read_captions(cell, reference).items():
            fits[more].append(verdict in ("right", "swapped") and (number in wrong or not more))
    for more, least in ((True, 0.5), (False, 0.1)):
        many = more or len(fits[more]) >= _MANY  # what is wrong with a few is said of each
        if many and sum(fits[more]) < least * len(fits[more]):
            for place in speaking[more]:
                bare = [Shown(one.index) for one in kept[place].shown]
                kept[place] = replace(kept[place], text="", shown=bare)
    return kept, kept != list(cells)


def _without_lists(cell: Cell, names: tuple[str, ...]) -> Cell:
    """A cell without the texts that say more pairs than its pictures can have to do with."""
    most = _GUESSES * len(_numbers_of(cell)) + _TABLE

    def short(text: str) -> str:
        return text if len(_pairs(text, names)) <= most else ""

    if not cell.shown:
        return cell
    shown = [Shown(one.index, short(one.caption), short(one.around)) for one in cell.shown]
    return replace(cell, text=short(cell.text), shown=shown)


def _numbers_of(cell: Cell) -> list[int]:
    """The pictures that a cell showed, each once, in order."""
    return list(dict.fromkeys(shown.index for shown in cell.shown))


# The best first: of all that is said of a picture, the best counts.
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
    pair = pair_of(shown.index, reference)
    swapped = Pair(pair.true, pair.predicted)
    above = f"{cell.text[-_TAIL:]}\n\n{shown.around}"
    found = ""
    for words in (shown.caption, f"{shown.around}\n\n{shown.caption}", above):
        pairs = _pairs(words, names)
        if words is above:
            pairs = [*_pairs(cell.text, names), *pairs]
        if pair in pairs:
            return "right"
        if swapped in pairs:
            return "swapped"
        if pairs and words is not above:
            same = any(one.predicted == one.true for one in pairs)
            found = found or ("same" if same else "other")
    # A table's header, or a line such as "predicted / true", may be printed above the figure.
    if pair in _pairs(f"{above}\n{shown.caption}", names):
        return "right"
    if found:
        return found
    mentioned = frozenset().union(
        *(_names(words, names) for words in (shown.caption, shown.around, cell.text))
    )
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
    common = [_roles(cell.text, names)]
    first = {shown.index: shown for shown in reversed(cell.shown)}
    right = []
    for place, number in enumerate(numbers):
        shown = first[number]
        sources = [_roles(words, names) for words in (shown.caption, shown.around)] + common
        pair = pair_of(number, reference)._asdict()
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


def pair_of(number: int, reference: Reference) -> Pair:
    """Return what the model predicted for a picture, and what is true."""
    return Pair(int(reference.predicted[number]), int(reference.labels[number]))
