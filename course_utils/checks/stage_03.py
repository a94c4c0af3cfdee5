"""The checks of Stage 3, Prepare the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.checks.result import Check, Result
from course_utils.checks.sentences import counted, join
from course_utils.checks.values import as_array
from course_utils.evidence import Evidence, Reference
from course_utils.wording import names_in

NAMES = (
    "few_pictures",
    "scaled_pictures",
    "y_onehot",
    "train_numbers",
    "val_numbers",
    "overlap",
    "train_counts",
    "val_counts",
    "val_again",
    "val_other",
)
_PILES = ("train_numbers", "val_numbers")

_COMPARED = 100  # pictures; a grader outside the kernel gets no more of very many
_A_FEW = 1000  # pictures; more need memory that a small computer may not have
_LEAST, _MOST = 0.05, 0.4  # sensible share of the validation pile
_SAME_SHARE = 0.02  # how far a class may be from its fair count, as a share of that count


def scale_pictures(evidence: Evidence, reference: Reference) -> Result:
    """A few pictures with their pixels from 0 to 1."""
    names = ("few_pictures", "scaled_pictures")
    if blank := _blank(evidence, names):
        return blank
    few, scaled = (as_array(evidence.values[name]) for name in names)
    if few is None or few.shape[-3:] != (32, 32, 3) or few.dtype.kind not in "iu" or not few.size:
        return Result(
            0,
            f"few_pictures {_shape(few)}. I expected a few pictures as they are: 32 by 32 dots "
            "with 3 whole numbers each.",
            "Take the first five: few_pictures is x_all[:5]. Divide in the next line.",
        )
    if scaled is None or scaled.shape != few.shape:
        return Result(
            0,
            f"scaled_pictures {_shape(scaled)}. I expected the shape of few_pictures: {few.shape}.",
            "Divide few_pictures as a whole, without square brackets.",
        )
    some, first = scaled[:_COMPARED], few[:_COMPARED]
    range_of = f"from {float(some.min()):.4g} to {float(some.max()):.4g}"
    if not np.allclose(some, first / 255, atol=2e-3):
        return Result(
            0,
            f"The numbers in scaled_pictures go {range_of}. But they are not the old numbers "
            "divided by 255.",
            "Divide once, by 255: that is the largest number a pixel can have."
            if scaled.dtype.kind == "f"
            else "Use one / to divide. Two of them, //, cut off all that comes after the point.",
        )
    if few.ndim == 4 and len(few) > _A_FEW:
        return Result(
            1,
            f"The numbers are right. But you scaled {len(few):,} pictures, and I expected a few. "
            "Many scaled pictures can fill up the computer's memory.",
            "Take only the first five: x_all[:5].",
        )
    pictures = counted(len(few) if few.ndim == 4 else 1, "picture")
    return Result(2, f"{pictures} scaled. The numbers go {range_of} now.")


def one_hot(evidence: Evidence, reference: Reference) -> Result:
    """One row for each picture, with a 1 at the place of its class."""
    if blank := _blank(evidence, ("y_onehot",)):
        return blank
    table = as_array(evidence.values["y_onehot"])
    count, classes = len(reference.labels), len(reference.class_names)
    if table is None or table.shape != (count, classes):
        advice = {
            (count,): "These are class numbers. Put them in square brackets after np.eye(10).",
            (classes, classes): "That is the square table. Choose its rows: put [y_all] behind it.",
            (classes, count): "Rows and columns are turned around. Add .T at the end.",
        }.get(table.shape if table is not None else (), "The tool is np.eye(10) with [y_all].")
        return Result(
            0,
            f"y_onehot {_shape(table)}. I expected {count:,} rows, one for each picture, and "
            f"{classes} columns.",
            advice,
        )
    if not np.array_equal(np.unique(table), (0, 1)) or not (table.sum(axis=1) == 1).all():
        return Result(
            0,
            "A row of y_onehot holds something else than one 1 and nine 0s.",
            "np.eye(10) has the ten right rows. Choose from them with [y_all].",
        )
    wrong = np.flatnonzero(table.argmax(axis=1) != reference.labels)
    if len(wrong):
        number = int(wrong[0])
        return Result(
            1,
            f"Each row has one 1. But in {counted(len(wrong), 'row')} it is in the wrong place. "
            f"Picture {number} is of class {int(reference.labels[number])}, and its row has the "
            f"1 at place {int(table[number].argmax())}.",
            "Choose the rows with y_all, just as it is.",
        )
    return Result(2, f"All {count:,} rows have one 1, each at the place of its class.")


def split_piles(evidence: Evidence, reference: Reference) -> Result:
    """Two piles of picture numbers: apart, complete, of a sensible size, and stratified."""
    count = len(reference.labels)
    if blank := _blank(evidence, _PILES):
        return blank
    if problem := _not_numbers(evidence, _PILES, count):
        return Result(0, *problem)
    train, val = (_pile(evidence, name) for name in _PILES)
    shared = np.intersect1d(train, val)
    if len(shared):
        return Result(
            0,
            f"{counted(len(shared), 'picture is', 'pictures are')} in both piles, such as number "
            f"{int(shared[0])}. I expected none: that is a leak.",
            "Split once, and keep both piles of that one split.",
        )
    if not np.array_equal(np.sort(np.concatenate([train, val])), np.arange(count)):
        missing = count - len(np.union1d(train, val))
        return Result(
            0,
            f"{counted(missing, 'picture is', 'pictures are')} in no pile."
            if missing
            else "A pile holds the same picture more than once.",
            "Split all_numbers, the whole list. train_test_split uses each number once.",
        )
    share = len(val) / count
    if not _LEAST <= share <= _MOST:
        turned = _LEAST <= 1 - share <= _MOST
        return Result(
            0,
            f"The validation pile has {share:.1%} of the pictures. I expected {_LEAST:.0%} to "
            f"{_MOST:.0%}.",
            "Turn the two names around: train_test_split gives the training pile first."
            if turned
            else "Use test_size=0.1 for a tenth.",
        )
    counts, fair = _counts(val, reference), _counts(np.arange(count), reference) * share
    off = np.abs(counts - fair)
    if (off > np.maximum(1.5, _SAME_SHARE * fair)).any():
        worst = int(off.argmax())
        return Result(
            1,
            "No picture is in both piles, and none is missing. But the classes do not have equal "
            f"shares. The validation pile has {counts[worst]} of class "
            f"{reference.class_names[worst]}, and about {fair[worst]:.0f} would be fair.",
            "Add stratify=y_all to train_test_split.",
        )
    return Result(
        2,
        f"{len(train):,} pictures to learn from and {len(val):,} to check with ({share:.0%}). "
        "None is in both, and each class has its fair share.",
    )


def prove_fair(evidence: Evidence, reference: Reference) -> Result:
    """The number of pictures in both piles, and the pictures of each class in each pile."""
    if blank := _blank(evidence, ("overlap", "train_counts", "val_counts")):
        return blank
    if problem := _no_piles(evidence, reference):
        return Result(0, *problem)
    points, *said = _judge_overlap(evidence, reference)
    if not points:
        return Result(0, *said)
    for name, pile in zip(("train_counts", "val_counts"), _PILES, strict=True):
        right = _counts(_pile(evidence, pile), reference)
        found = _by_class(evidence.values[name], reference.class_names)
        if found is None:
            saw = "is not a list of ten numbers, one for each class."
        elif not _same_counts(found, right):
            worst = int(np.abs(found - right).argmax())
            saw = f"says {found[worst]:g} for class {reference.class_names[worst]}. I count "
            saw += f"{right[worst]} in this pile."
        else:
            continue
        advice = f"Use np.bincount on the labels of this pile: y_all[{pile}]."
        return Result(1, f"{said[0]} But {name} {saw}", advice)
    return Result(2, f"{said[0]} The counts of all ten classes are right too.")


def _judge_overlap(evidence: Evidence, reference: Reference) -> tuple[int, str, str]:
    """Whether ``overlap`` is the number of pictures, or of picture numbers, in both piles."""
    train, val = (_pile(evidence, name) for name in _PILES)
    shared = len(np.intersect1d(train, val))
    right = {shared}
    if reference.pictures is not None:
        # A data set may hold the same picture under two numbers. Both counts are then right.
        prints = [hash(picture.tobytes()) for picture in reference.pictures]
        right.add(len({prints[number] for number in train} & {prints[number] for number in val}))
    value = evidence.values["overlap"]
    array = as_array(value)
    if array is None or array.dtype.kind == "b":
        saw = "overlap is not a number. I expected how many pictures are in both piles."
        return 0, saw, "len(...) counts what is in a set."
    listed = isinstance(value, list) or array.size != 1  # the shared pictures themselves
    number = array.size if listed else float(array.ravel()[0])
    if number in right:
        word = counted(int(number), "picture is", "pictures are") if number else "No picture is"
        return 1, f"{word} in both piles.", ""
    saw = f"overlap is {number:g}. I find {counted(shared, 'picture')} in both piles."
    return 0, saw, "Put one & between the two sets of fingerprints. Then count with len."


def _by_class(value: Any, names: tuple[str, ...]) -> np.ndarray | None:
    """Ten numbers in the order of the classes, from a list or from a dict by name or number."""
    if isinstance(value, dict):
        found = {}
        for key, entry in value.items():
            named = names_in(key, names) if isinstance(key, str) else [key]
            found |= dict.fromkeys(named[:1], entry)
        value = [found.get(number, 0) for number in range(len(names))]
    array = as_array(value)
    good = array is not None and array.size == len(names) and np.isfinite(array).all()
    return array.ravel() if good else None


def _same_counts(found: np.ndarray, right: np.ndarray) -> bool:
    """Counts, or shares of the pile, or percent of it."""
    shares = right / max(1, right.sum())
    close = np.allclose(found, shares, atol=0.005) or np.allclose(found, 100 * shares, atol=0.5)
    return bool(np.array_equal(found, right) or close)


def repeat_and_save(evidence: Evidence, reference: Reference) -> Result:
    """The same seed gives the same pile, another seed another one, and the piles are kept."""
    points, saw, try_next = _judge_repeat(evidence, reference)
    if "piles" in reference.work.get("saved", ()) and not _no_piles(evidence, reference):
        return Result(points + 1, f"Your piles are saved. {saw}", try_next)
    if points:
        saw += " But your piles are not saved yet."
        try_next = "Save them: cu.save(piles=(train_numbers, val_numbers))."
    return Result(points, saw, try_next)


def _judge_repeat(evidence: Evidence, reference: Reference) -> tuple[int, str, str]:
    names = ("val_again", "val_other")
    if blank := _blank(evidence, names):
        return 0, blank.saw, blank.try_next
    problem = _no_piles(evidence, reference)
    if problem := problem or _not_numbers(evidence, names, len(reference.labels)):
        return 0, *problem
    val, again, other = (np.sort(_pile(evidence, name)) for name in ("val_numbers", *names))
    for name, pile in (("val_again", again), ("val_other", other)):
        if len(pile) != len(val):
            saw = f"{name} has {counted(len(pile), 'number')}, and val_numbers has {len(val)}."
            return 0, saw, "Use the options of Step 3. The second pile is the validation pile."
    if not np.array_equal(val, again):
        saw = "val_again is another pile than val_numbers. I expected the very same."
        return 0, saw, "Use random_state=42 in Step 3 and here. Then run both cells again."
    both = len(np.intersect1d(val, other))
    if both == len(val):
        saw = "val_other is the same pile as val_numbers. I expected another one."
        return 0, saw, "Change the seed, for example to random_state=7."
    return (
        1,
        f"Same seed, same pile. With another seed, only {both:,} of {len(val):,} are the same.",
        "",
    )


# --- Small helpers -------------------------------------------------------------------------


def _blank(evidence: Evidence, names: tuple[str, ...]) -> Result | None:
    blank = [name for name in names if evidence.values.get(name) is None]
    advice = "Replace each ... in the cell above and run it again. Use exactly these names."
    return Result(0, f"Still to do: {join(blank)}.", advice) if blank else None


def _no_piles(evidence: Evidence, reference: Reference) -> tuple[str, str] | None:
    if _blank(evidence, _PILES) or _not_numbers(evidence, _PILES, len(reference.labels)):
        return "I need the two piles of Step 3 first.", "Do Step 3, or run its cell again."
    return None


def _not_numbers(evidence: Evidence, names: tuple[str, ...], count: int) -> tuple[str, str] | None:
    """What is wrong with the first of these that is not a list of picture numbers."""
    for name in names:
        pile = as_array(evidence.values.get(name))
        if pile is None or pile.ndim != 1 or pile.size == 0:
            saw = "holds pictures" if pile is not None and pile.ndim == 4 else _shape(pile)
        elif pile.dtype.kind == "b":
            saw = "holds True and False"
        elif pile.min() < 0 or pile.max() >= count or (pile != np.round(pile)).any():
            saw = "holds numbers that are not picture numbers"
        else:
            continue
        advice = "Give train_test_split the list all_numbers. It returns two lists of numbers."
        return f"{name} {saw}. I expected a list of picture numbers, 0 to {count - 1}.", advice
    return None


def _pile(evidence: Evidence, name: str) -> np.ndarray:
    return as_array(evidence.values[name]).astype(int)


def _counts(pile: np.ndarray, reference: Reference) -> np.ndarray:
    """How many pictures of each class a pile has."""
    return np.bincount(reference.labels[pile], minlength=len(reference.class_names))


def _shape(array: np.ndarray | None) -> str:
    if array is None:
        return "is not a table of numbers"
    if array.ndim < 2:
        return f"is a list of {counted(len(array), 'number')}" if array.ndim else "is one number"
    return f"has the shape {array.shape}"


CHECKS = {
    "scale_pictures": Check(scale_pictures, 2),
    "one_hot": Check(one_hot, 2),
    "split_piles": Check(split_piles, 2),
    "prove_fair": Check(prove_fair, 2),
    "repeat_and_save": Check(repeat_and_save, 2),
}
