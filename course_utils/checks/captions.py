"""What a cell says about the pictures it shows: the predicted and the true name of each."""

from __future__ import annotations

import re
from collections.abc import Iterable

from course_utils.evidence import Cell, Reference, Shown
from course_utils.wording import Pair, names_in, read_pairs, read_roles


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
