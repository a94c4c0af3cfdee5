"""The checks of Stage 8, Improve it."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any, NamedTuple

import numpy as np

from course_utils.album import EDGE
from course_utils.checks import deeper_08
from course_utils.checks.result import Check, Result, blanks
from course_utils.checks.sentences import counted, quoted
from course_utils.checks.values import as_array
from course_utils.evidence import Evidence, Reference, Unreadable

NAMES = (
    *("photo", "flipped", "cropped", "few_pictures", "mixed_pictures", "mixed_labels"),
    *("share_left", "history", "epochs"),
    *("before_predictions", "after_predictions", "accuracy_before", "accuracy_after"),
    *("sure_wrong_before", "sure_wrong_after", "fixed", "regressed", "p_value", "verdict"),
    *deeper_08.NAMES,
)
# All in one check, so that the two models' answers share the room of one record.
RECORDS = {
    "compare_models": {
        "history": None,
        "predictions": None,
        "improved_history": "history",
        "improved_predictions": "after_predictions",
    },
}

Words = tuple[str, str]  # what was seen, and what to try next

_SAME = 0.999  # two machines can round an answer differently: one picture in a thousand
_SURE = 0.9
_LUCK = 0.05
_FARTHEST = 8  # pixels that a crop may move a photo
_COMPARED = 20  # pictures that are held against each other; the stage mixes four


# --- Step 1 ------------------------------------------------------------------------------


def show_changes(evidence: Evidence, reference: Reference) -> Result:
    """A photo mirrored and moved, on the screen."""
    if blank := blanks(evidence, "flipped", "cropped"):
        return blank
    photo, flipped, cropped = (_pictures(evidence, n) for n in ("photo", "flipped", "cropped"))
    if photo is None or len(photo) != 1:
        saw = "photo is not one picture. I expected 32 by 32 pixels with three colors."
        return Result(0, saw, "Write photo = x_train[0], or another number.")
    for name, pile in (("flipped", flipped), ("cropped", cropped)):
        if pile is None:
            saw = f"{name} does not hold pictures of 32 by 32 pixels with three colors."
            return Result(0, saw, f"Use {name} = cu.{name[:4]}(copies, rng).")
    plain, mirrored = photo[0], photo[0][:, ::-1]
    same, turned = _each(flipped, plain), _each(flipped, mirrored)
    if not (same | turned).all():
        saw = "A picture in flipped is neither the photo nor its mirror image, left to right."
        return Result(0, saw, "Give cu.flip the pile: copies. One photo alone is not a pile.")
    if not turned.any():
        saw = "No picture in flipped is mirrored."
        return Result(0, saw, "Use cu.flip(copies, rng), with six copies.")
    if not all(_is_moved(one, plain) or _is_moved(one, mirrored) for one in cropped):
        saw = "A picture in cropped is not the photo, moved by a few pixels."
        return Result(0, saw, "Use cu.crop(copies, rng).")
    if (_each(cropped, plain) | _each(cropped, mirrored)).all():
        return Result(0, "No picture in cropped has moved.", "Use cu.crop(copies, rng).")
    if not _screens(evidence):
        saw = "Both piles are right, but I saw no picture on the screen."
        return Result(0, saw, "Add show_row(flipped) and show_row(cropped). Run the cell again.")
    number = counted(int(turned.sum()), "picture is", "pictures are")
    return Result(1, f"In flipped, {number} mirrored. In cropped, the photo has moved.")


def _pictures(evidence: Evidence, name: str) -> np.ndarray | None:
    """A pile of pictures; one picture is a pile of one."""
    array = as_array(evidence.values.get(name))
    if array is None or array.ndim not in (3, 4) or array.shape[-3:] != (EDGE, EDGE, 3):
        return None
    return array.reshape(-1, EDGE, EDGE, 3) if array.size else None


def _each(pile: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """For each picture of a pile, whether it is this one."""
    return (pile == picture).all(axis=(1, 2, 3))


def _is_moved(picture: np.ndarray, photo: np.ndarray) -> bool:
    """Whether a picture is a window of the photo with its mirror image around it."""
    edge = (_FARTHEST, _FARTHEST)
    wide = np.pad(photo, (edge, edge, (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(wide, photo.shape)
    return bool((windows == picture).all(axis=(-3, -2, -1)).any())


def _screens(evidence: Evidence) -> int:
    """How many cells have shown pictures, and not only all black or all white ones."""
    return sum(bool(cell.unknown > cell.white or cell.shown) for cell in evidence.cells)


# --- Step 2 ------------------------------------------------------------------------------


def mix_pictures(evidence: Evidence, reference: Reference) -> Result:
    """Mixed pictures with mixed labels on the screen, and a share worked out."""
    names = ("mixed_pictures", "mixed_labels", "share_left")
    if blank := blanks(evidence, *names, at_least=len(names)):
        return blank
    problems = [_what_is_mixed(evidence, reference), _what_is_left(evidence)]
    if found := [words for words in problems if words]:
        return Result(2 - len(found), *found[0])
    return Result(2, "Pictures and labels are mixed. And yes, 0.875 of the photo is left.")


def _what_is_mixed(evidence: Evidence, reference: Reference) -> Words | None:
    """What is wrong with the mixed pictures, if anything is."""
    use = "Write both names before the = sign, in one line. After it comes cu.cutmix(...)."
    if blank := blanks(evidence, "mixed_pictures", "mixed_labels"):
        return blank.saw, use
    value, mixed = evidence.values["mixed_pictures"], _pictures(evidence, "mixed_pictures")
    if mixed is None and isinstance(value, list) and len(value) == 2:
        return "mixed_pictures holds two things: the pictures and their labels.", use
    labels = as_array(evidence.values["mixed_labels"])
    if mixed is None or labels is None or labels.shape != (len(mixed), len(reference.class_names)):
        return "mixed_pictures and mixed_labels are not pictures with one label for each.", use
    before = _pictures(evidence, "few_pictures")
    if before is not None and np.array_equal(mixed, before):
        saw = "Nothing was mixed: mixed_pictures is the same as few_pictures."
        return saw, "Add probability=1 inside the brackets of cu.cutmix."
    if np.isin(labels, (0, 1)).all() or not np.allclose(labels.sum(axis=1), 1, atol=0.01):
        return "The labels are not mixed: I expected shares that make 100 % together.", use
    if before is None or not _are_mixed(mixed, labels, before):
        saw = "A mixed picture is not made of two of few_pictures, or its shares do not fit."
        return saw, "Leave few_pictures as it is. Give cu.cutmix few_pictures and few_labels."
    if _screens(evidence) < 1 + (evidence.values.get("flipped") is not None):
        saw = "I saw no mixed picture on the screen."
        return saw, "Add show_row(mixed_pictures[:2], [...]) with two titles. Run the cell again."
    return None


def _are_mixed(mixed: np.ndarray, labels: np.ndarray, few: np.ndarray) -> bool:
    """Whether each pixel comes from one of two pictures, in shares that the labels tell.

    Of a large pile, of which a grader may not have all, only one of the two is looked for.
    """
    if len(few) > _COMPARED:
        own = (mixed[:_COMPARED] == few[: min(_COMPARED, len(mixed))]).all(axis=-1)
        return all(_is_told(row, 0.0, one.mean()) for row, one in zip(labels, own, strict=False))
    for picture, row in zip(mixed[:_COMPARED], labels, strict=False):
        same = (few == picture).all(axis=-1)
        if not any(
            (one | other).all() and _is_told(row, (one & ~other).mean(), one.mean())
            for one, other in itertools.permutations(same, 2)
        ):
            return False
    return True


def _is_told(row: np.ndarray, least: float, most: float) -> bool:
    """Whether labels hold such a share; two pictures of one class are all of this class."""
    return any(least - 0.01 <= share <= most + 0.01 or share > 0.99 for share in row if share > 0)


def _what_is_left(evidence: Evidence) -> Words | None:
    """What is wrong with the riddle's answer: 8 by 16 of 32 by 32 pixels are covered."""
    count = "Count pixels: 8 * 16 in the box, 32 * 32 in the whole photo."
    if blank := blanks(evidence, "share_left"):
        return blank.saw, count
    share = _number(evidence.values["share_left"])
    if _is_share(share, 7 / 8, 0.006):
        return None
    if _is_share(share, 1 / 8, 0.006):
        saw = "share_left is the share of the box. I expected what is left of the photo."
        return saw, "The whole photo is 1. Take the share of the box away from it."
    if share in (896, 128):
        return (
            f"share_left is {share:g}: that counts pixels. I expected a share.",
            "Divide by 1024.",
        )
    return f"share_left is {_said(evidence, 'share_left')}. That is not the share left.", count


# --- Step 3 ------------------------------------------------------------------------------


def train_improved(evidence: Evidence, reference: Reference) -> Result:
    """The same network, trained anew, for as many epochs as before."""
    if blank := blanks(evidence, "history"):
        return blank
    history, curves = evidence.values["history"], _curves(evidence.values["history"])
    if "loss" not in curves:
        kind = f"a {history.kind}" if isinstance(history, Unreadable) else "something else"
        saw = f"history is {kind}. I expected what improved.fit(...) gives back."
        return Result(0, saw, "Write history = improved.fit(...), in one statement.")
    if not np.isfinite(curves["loss"]).all():
        saw = "The loss is not a number any more: the training has broken down."
        return Result(0, saw, "Use cu.learning_rate(epochs, len(x_train)), and train again.")
    if "val_accuracy" not in curves:
        saw = "The network has trained, but I found no validation accuracy."
        use = 'Give compile metrics=["accuracy"], and give fit validation_data=(x_val, y_val).'
        return Result(1, saw, use)
    chance, best = 1 / len(reference.class_names), max(curves["val_accuracy"])
    if not best > 1.3 * chance:
        saw = f"The best validation accuracy is {best:.1%}. Pure guessing gives {chance:.0%}."
        return Result(0, saw, "Compile as in Stage 5, with batches of x_train and y_train.")
    done, wanted = len(curves["loss"]), _epochs_before(evidence, reference)
    if wanted and done != wanted:
        saw = (
            f"improved has trained for {counted(done, 'epoch')}, the model before for {wanted}. "
            "Now two things are different, so nobody could say which one mattered."
        )
        return Result(1, saw, "Write epochs=epochs in fit, and train again.")
    end = f"The validation accuracy ends at {curves['val_accuracy'][-1]:.1%}."
    return Result(2, f"Trained anew for {counted(done, 'epoch')}. {end}")


def _curves(history: Any) -> dict[str, list[float]]:
    """The curves of a training that are lists of numbers, by name."""
    arrays = {
        name: as_array(values)
        for name, values in (history.items() if isinstance(history, dict) else ())
    }
    return {
        name: array.astype(float).tolist()
        for name, array in arrays.items()
        if array is not None and array.ndim == 1 and array.size
    }


def _epochs_before(evidence: Evidence, reference: Reference) -> float | None:
    """How many epochs the model before has trained, as far as it is known."""
    kept = _curves(reference.work.get("history"))
    return len(kept["loss"]) if "loss" in kept else _number(evidence.values.get("epochs"))


# --- Step 4 ------------------------------------------------------------------------------


class _Table(NamedTuple):
    """What the before-and-after table should say."""

    accuracy_after: float
    sure_wrong_after: int
    fixed: int
    regressed: int
    accuracy_before: float
    sure_wrong_before: int


def _table(before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> _Table:
    right_before, right_after = (p.argmax(axis=1) == labels for p in (before, after))
    sure_before, sure_after = (p.max(axis=1) >= _SURE for p in (before, after))
    return _Table(
        float(right_after.mean()),
        int((~right_after & sure_after).sum()),
        int((~right_before & right_after).sum()),
        int((right_before & ~right_after).sum()),
        float(right_before.mean()),
        int((~right_before & sure_before).sum()),
    )


def compare_models(evidence: Evidence, reference: Reference) -> Result:
    """The numbers of the before-and-after table."""
    after_names = ("after_predictions", "accuracy_after", "sure_wrong_after")
    if blank := blanks(evidence, *after_names, "fixed", "regressed"):
        return blank
    before, after = (_scores(evidence, reference, when) for when in ("before", "after"))
    if problem := _what_is_compared(before, after, reference):
        return Result(0, *problem)
    table = _table(before, after, reference.labels)
    wrong = {
        name: words
        for name, expected in table._asdict().items()
        if (words := _what_is_wrong(evidence, name, expected))
    }
    if wrong:
        points = 2 - bool({"fixed", "regressed"} & set(wrong))
        points -= bool(set(wrong) - {"fixed", "regressed"})
        mistake = _typical_mistake(evidence, table, after, reference.labels)
        return Result(points, *(mistake or next(iter(wrong.values()))))
    if table.accuracy_after <= 1.2 / len(reference.class_names):
        saw = f"improved gets {table.accuracy_after:.1%}: that is guessing. It looks untrained."
        return Result(1, saw, "Run the cell of Step 3 again and wait for its end. Then this one.")
    change = f"From {table.accuracy_before:.1%} to {table.accuracy_after:.1%}"
    return Result(2, f"{change}: {table.fixed} fixed, {table.regressed} regressed. All correct.")


def _scores(evidence: Evidence, reference: Reference, when: str) -> np.ndarray | None:
    """The ten scores for each test picture, if they are that."""
    array = as_array(evidence.values.get(f"{when}_predictions"))
    shape = (len(reference.labels), len(reference.class_names))
    return array if array is not None and array.shape == shape else None


def _what_is_compared(
    before: np.ndarray | None, after: np.ndarray | None, reference: Reference
) -> Words | None:
    """What is wrong with the answers of the two models, if anything is."""
    if after is None:
        saw = f"after_predictions is not a table with {len(reference.labels)} rows of ten scores."
        return saw, "Use improved.predict(x_test, verbose=0), with all the test pictures."
    if _are_labels(after, reference.labels):
        saw = "after_predictions are the labels of the test pictures. I expected a model's answers."
        return saw, "Use improved.predict(x_test, verbose=0)."
    if before is not None and np.array_equal(before, after):
        saw = "Before and after are the very same answers. I expected those of two models."
        return saw, "Ask improved, not model. And make it with improved = cu.untrained(model)."
    if before is None or not _agree(before, reference.probabilities):
        if _agree(after, reference.probabilities):
            saw = "improved and model are one and the same, so model was trained further."
            return saw, "Write improved = cu.untrained(model). Run all cells again, from the top."
        saw = "before_predictions are not the answers of the model before."
        return saw, "Run all cells again, from the top."
    return None


def _are_labels(scores: np.ndarray, labels: np.ndarray) -> bool:
    """Whether scores only say which class is true, in two numbers: no model is so sure of all."""
    true = scores[np.arange(len(labels)), labels]
    others = np.delete(scores.ravel(), np.arange(len(labels)) * scores.shape[1] + labels)
    return bool(len(true)) and bool(
        np.ptp(true) == 0 and np.ptp(others) == 0 and true[0] > others[0]
    )


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return False
    return float((one.argmax(axis=1) == other.argmax(axis=1)).mean()) >= _SAME


def _what_is_wrong(evidence: Evidence, name: str, expected: float) -> Words | None:
    """Compare one value of the table with the right one."""
    number, said = _number(evidence.values.get(name)), _said(evidence, name)
    if name.startswith("accuracy"):
        if _is_share(number, expected, 0.0006):
            return None
        share = "The mean of True and False is the share of True, as in after_right.mean()."
        return f"{name} is {said}. That is not the share of right pictures.", share
    if number == expected:
        return None
    array = as_array(evidence.values.get(name))
    if number is None and array is not None:
        saw = f"{name} holds many values. I expected one number: how many pictures."
        masked = "Count them: put .sum() behind the round brackets."
        return saw, masked if array.dtype.kind == "b" else f"Count them: len({name})."
    compare = "Compare your line with hint 3, sign by sign. Mind the ~ and the round brackets."
    return f"{name} is {said}. That is not the number of these pictures.", compare


def _typical_mistake(
    evidence: Evidence, table: _Table, after: np.ndarray, labels: np.ndarray
) -> Words | None:
    """Recognize what a wrong count has counted."""
    right, sure = after.argmax(axis=1) == labels, after.max(axis=1) >= _SURE
    fixed, regressed, sure_wrong = (
        _number(evidence.values.get(name)) for name in ("fixed", "regressed", "sure_wrong_after")
    )
    if (fixed, regressed) == (table.regressed, table.fixed) and fixed != regressed:
        return "fixed and regressed are swapped.", "Fixed means: not right before, right after."
    if fixed != table.fixed and fixed in (right.sum(), table.fixed - table.regressed):
        saw = "fixed also counts other pictures than those wrong before and right after."
        return saw, "Count where it is not right before and right after: use ~ and &."
    if sure_wrong != table.sure_wrong_after and sure_wrong == sure.sum():
        saw = "sure_wrong_after counts all sure pictures, the right ones too."
        return saw, "Count those that are not right and sure: use ~ and &."
    if sure_wrong != table.sure_wrong_after and sure_wrong == (~right).sum():
        saw = "sure_wrong_after counts all wrong pictures, sure or not."
        return saw, "Also ask for a confidence of 0.9 or more."
    return None


# --- Step 5 ------------------------------------------------------------------------------


def judge_gain(evidence: Evidence, reference: Reference) -> Result:
    """The exact p-value, a verdict that agrees with it, and both kept."""
    if blank := blanks(evidence, "p_value", "verdict", at_least=2):
        return blank
    before, after = (_scores(evidence, reference, when) for when in ("before", "after"))
    if before is None or after is None or _are_labels(after, reference.labels):
        return Result(0, "The table of Step 4 is not complete yet.", "Finish Step 4 first.")
    table = _table(before, after, reference.labels)
    expected = exact_p(table.fixed, table.regressed)
    problems = [
        _what_p_is(evidence, table, expected, len(reference.labels)),
        _what_verdict_is(evidence, table, expected),
        None
        if {"improved", "improvement"} <= set(reference.work.get("saved") or ())
        else (
            "Your model and your table are not kept yet.",
            "Run the cell above that ends in cu.save(...). Then run this check again.",
        ),
    ]
    if found := [words for words in problems if words]:
        return Result(3 - len(found), *found[0])
    end = {
        "better": "This gain is more than luck.",
        "worse": "An honest result: this change did harm.",
        "cannot tell": "An honest result: luck could explain it.",
    }[judged(expected, table)]
    return Result(3, f"The p-value is {expected:.2g}, and your verdict agrees. {end}")


def exact_p(fixed: int, regressed: int) -> float:
    """Return the p-value of McNemar's exact test, two-sided.

    How often a fair coin, tossed ``fixed + regressed`` times, is at least as far from half and
    half. The same as ``scipy.stats.binomtest(fixed, fixed + regressed, 0.5).pvalue``.

    Examples
    --------
    >>> exact_p(7, 3)
    0.34375
    """
    tosses = fixed + regressed
    ways = total = 1  # whole numbers, so that nothing is rounded
    for heads in range(min(fixed, regressed)):
        ways = ways * (tosses - heads) // (heads + 1)
        total += ways
    return min(1.0, 2 * total / 2**tosses)


def judged(p: float, table: _Table) -> str:
    """Return the verdict that belongs to a p-value."""
    if p >= _LUCK:
        return "cannot tell"
    return "better" if table.fixed > table.regressed else "worse"


def _what_p_is(evidence: Evidence, table: _Table, expected: float, count: int) -> Words | None:
    """What is wrong with the p-value, if anything is."""
    use = "Use binomtest with the heads, all tosses and 0.5. Then take its .pvalue."
    if blank := blanks(evidence, "p_value"):
        return blank.saw, use
    value = _number(evidence.values["p_value"])
    if isinstance(evidence.values["p_value"], Unreadable):
        kind = evidence.values["p_value"].kind
        return f"p_value is a {kind}. I expected its p-value, a number.", "Add .pvalue at the end."
    if value is None or not 0 <= value <= 1:
        said = _said(evidence, "p_value")
        return f"p_value is {said}. I expected one number from 0 to 1.", use
    rounded = [round(expected, digits) for digits in range(2, 8)]
    if math.isclose(value, expected, rel_tol=1e-3) or value in rounded:
        return None
    if any(math.isclose(value, side, rel_tol=1e-3) for side in (expected / 2, 1 - expected / 2)):
        saw = "p_value looks at one side only. I expected both: too many heads, or too few."
        return saw, use
    heads = (table.fixed, table.regressed)
    if any(math.isclose(value, exact_p(n, count - n), rel_tol=1e-3) for n in heads):
        saw = "You took all test pictures as tosses. I expected those where the models differ."
        return saw, "The number of tosses is fixed + regressed."
    return f"p_value is {value:.3g}. That is not the p-value of your two counts.", use


def _what_verdict_is(evidence: Evidence, table: _Table, expected: float) -> Words | None:
    """What is wrong with the verdict, if anything is. It may follow from a wrong p-value."""
    choose = 'Write "better", "worse" or "cannot tell", with the quotes.'
    if blank := blanks(evidence, "verdict"):
        return blank.saw, choose
    said = _verdict_in(evidence.values["verdict"])
    if said is None:
        shown = quoted(evidence.values["verdict"])
        return f"verdict is {shown}. I expected one of three texts.", choose
    value = _number(evidence.values.get("p_value"))
    own = expected if value is None or not 0 <= value <= 1 else value
    if said in (judged(expected, table), judged(own, table)):
        return None
    if said == "cannot tell":
        saw = "You cannot tell, you say. But the p-value is below 0.05: you can."
        return saw, "Which number is larger, fixed or regressed?"
    if expected >= _LUCK:
        saw = f"You say {said}. But the p-value is not below 0.05: luck could explain it."
        return saw, "Read the three verdicts once more."
    more = "more pictures regressed than were fixed"
    if said == "worse":
        more = "more pictures were fixed than regressed"
    return f"You say {said}. But {more}.", "Compare fixed and regressed."


def _verdict_in(value: Any) -> str | None:
    """The verdict that a text gives, if it gives one."""
    words = re.sub(r"[^a-z]+", " ", str(value).lower().replace("'", ""))
    if re.search(r"\b(can ?not|can ?t) (tell|say)\b", words):
        return "cannot tell"
    named = [word for word in ("better", "worse") if re.search(rf"\b{word}\b", words)]
    return named[0] if len(named) == 1 and not re.search(r"\bnot?\b", words) else None


# --- Small helpers -------------------------------------------------------------------------


def _number(value: Any) -> float | None:
    """One number, also alone in a list or array, or as text such as "87.5 %"."""
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)(?:\s*%)?", value.strip())
        return float(match.group(1)) if match else None
    array = as_array(value)
    if array is None or array.size != 1 or array.dtype.kind not in "iuf":
        return None
    number = float(array.ravel()[0])
    return number if math.isfinite(number) else None


def _is_share(number: float | None, expected: float, slack: float) -> bool:
    """Whether a number is this share, as a fraction or in percent."""
    return number is not None and (
        abs(number - expected) <= slack or (number > 1.5 and abs(number / 100 - expected) <= slack)
    )


def _said(evidence: Evidence, name: str) -> str:
    number = _number(evidence.values.get(name))
    return quoted(evidence.values.get(name)) if number is None else f"{number:g}"


CHECKS = {
    "show_changes": Check(show_changes, 1),
    "mix_pictures": Check(mix_pictures, 2),
    "train_improved": Check(train_improved, 2),
    "compare_models": Check(compare_models, 2),
    "judge_gain": Check(judge_gain, 3),
}
DEEPER = {"deeper_card": Check(deeper_08.deeper_card, 1)}
