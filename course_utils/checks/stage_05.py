"""The checks of Stage 5, Train it."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from course_utils.checks.numbers import CURVES, as_number, curves_of, says_yes, shares
from course_utils.checks.result import Check, Result
from course_utils.checks.sentences import counted, join, quoted
from course_utils.evidence import Chart, Evidence, Reference, Unreadable

NAMES = ("epochs", "history", "best_epoch", "gap", "overfits")
# What grading needs, since it has the notebook alone: it does not train again.
RECORDS = {name: {"history": "history"} for name in ("train_model", "save_model")}

FLOOR = 0.5  # validation accuracy that a trained model should reach; guessing gives 0.1
_NO_GAP, _CLEAR_GAP = 0.03, 0.07  # between them both answers to "does it overfit?" are right
_ROUNDED = 0.0051  # a number with two decimals
_MEANING = {
    "loss": "the training loss",
    "val_loss": "the validation loss",
    "accuracy": "the training accuracy",
    "val_accuracy": "the validation accuracy",
}


# --- Step 1 ------------------------------------------------------------------------------


def plan_training(evidence: Evidence, reference: Reference) -> Result:
    """The number of epochs: a whole number, two or more."""
    value = evidence.values.get("epochs")
    if value is None:
        return Result(
            0,
            "Still to do: epochs.",
            "Choose how often the model sees every picture. Begin with 8.",
        )
    number = as_number(value)
    if isinstance(value, str) and number is not None:
        saw = f"epochs is the text {quoted(value)}. I expected a number."
        return Result(0, saw, "Write the number without quotes.")
    if number is None:
        saw = "epochs is not a number. I expected a whole number, such as 8."
        return Result(0, saw, "Write one number behind epochs =.")
    if not isinstance(value, int) and not (
        isinstance(value, np.ndarray) and value.dtype.kind in "iu"
    ):
        saw = f"epochs is {number:g}, with a decimal point. I expected a whole number."
        return Result(0, saw, "Write 8, not 8.0. There is no half epoch.")
    if number < 2:
        saw = f"epochs is {number:g}. I expected 2 or more: one dot does not make a curve."
        return Result(0, saw, "Begin with 8. If that takes too long, use fewer pictures.")
    return Result(1, f"Your plan: the model sees each training picture {number:g} times.")


# --- Step 2 ------------------------------------------------------------------------------


def train_model(evidence: Evidence, reference: Reference) -> Result:
    """The history of a training: two epochs or more, both piles, better than the floor."""
    value = evidence.values.get("history")
    if value is None:
        return Result(
            0,
            "Still to do: history.",
            "Compile the model, then keep what model.fit gives back: history = model.fit(...).",
        )
    curves = curves_of(value)
    if "loss" not in curves:
        kind = f"a {value.kind}" if isinstance(value, Unreadable) else "something else"
        return Result(
            0,
            f"history is {kind}. I expected what model.fit gives back.",
            "Write history = model.fit(...), with the brackets. It needs x_train and y_train.",
        )
    if any(not np.isfinite(curves[name]).all() for name in curves):
        return Result(
            1,
            "The model has trained, but its loss is not a number (nan). Its steps were too large.",
            'Run the second setup cell again. Then compile with optimizer="adam".',
        )
    if "val_loss" not in curves:
        return Result(
            1,
            "The model has trained, but history holds no validation values.",
            "Give model.fit the second pile too: validation_data=(x_val, y_val).",
        )
    if "val_accuracy" not in curves:
        return Result(
            1,
            "The model has trained, but history holds no accuracy.",
            'Compile again with metrics=["accuracy"], then train again.',
        )
    count = len(curves["loss"])
    if count < 2:
        return Result(
            1,
            "The model has trained for one epoch. I expected two or more.",
            "Give model.fit your plan: epochs=epochs.",
        )
    # With categorical cross-entropy each wrong picture costs at least ln 2: the true class then
    # has at most half of the probability.
    val_loss, val_accuracy = np.array(curves["val_loss"]), np.array(curves["val_accuracy"])
    if (val_loss < 0.69 * (1 - val_accuracy) - 0.01).any():
        return Result(
            1,
            "The model has trained, but with another loss than categorical cross-entropy.",
            'Compile with loss="categorical_crossentropy". Make a fresh model with '
            "model = cu.untrained(model), and train again.",
        )
    best = max(curves["val_accuracy"])
    if best < FLOOR:
        near = "little better than guessing (0.10)" if best < 0.2 else "a start"
        return Result(
            1,
            f"{count} epochs, and the best validation accuracy is {best:.3f}: {near}. I expected "
            f"more than {FLOOR:.2f}.",
            "Train longer, or on more pictures. Do x_train and y_train belong together, and are "
            "the pixels still 0 to 255?",
        )
    return Result(
        2, f"{count} epochs, and the best validation accuracy is {best:.3f}. Guessing gives 0.10."
    )


# --- Step 3 ------------------------------------------------------------------------------


def plot_curves(evidence: Evidence, reference: Reference) -> Result:
    """Loss and accuracy of both piles as lines on the screen, each with its name."""
    curves = curves_of(evidence.values.get("history"))
    charts = [chart for cell in evidence.cells for chart in cell.charts]
    lines = sum(len(chart.lines) for chart in charts)
    if not lines:
        what = "bars or dots, but no lines" if charts else "no plot on the screen"
        return Result(
            0,
            f"Still to do: the plots. I saw {what}.",
            "plt.plot(...) draws a line. plt.show() puts it on the screen.",
        )
    if not curves:
        return Result(0, "There is no history to compare your lines with.", "Train in Step 2.")
    found: dict[str, str] = {}
    for chart in charts:
        for place, line in enumerate(chart.lines):
            if name := _nearest(line, curves):
                said = _says(chart, place, name)
                found[name] = min(said, found.get(name, said), key=_SAID.index)
    if not found:
        return Result(
            0,
            f"I saw {counted(lines, 'line')}, but not the numbers of your history.",
            "Trained again since then? Then run the cell with your plots again. The lines are "
            "history.history['loss'] and its three neighbors.",
        )
    missing = [name for name in CURVES if name not in found]
    pairs = [{"loss", "val_loss"} <= set(found), {"accuracy", "val_accuracy"} <= set(found)]
    points = 3 if all(pairs) else 2 if any(pairs) else 1
    seen = f"I saw {join(_MEANING[name] for name in CURVES if name in found)}."
    if missing:
        left = join(_MEANING[name] for name in missing)
        seen += f" {left[0].upper()}{left[1:]} {_is(missing)} missing."
    if any(found.get(name) == "swapped" for name in found):
        return Result(
            max(1, points - 1),
            f"{seen} The names are swapped: the line called training is the validation line.",
            "Write each label in the same plt.plot(...) as its line.",
        )
    if any(found.get(name) == "nothing" for name in ("val_loss", "val_accuracy")):
        return Result(
            max(1, points - 1),
            f"{seen} Nothing on the plot says which line is which.",
            'Give each line a label, such as label="validation", and call plt.legend() before '
            "plt.show().",
        )
    if missing:
        return Result(points, seen, f"Draw history.history[{missing[0]!r}] too.")
    return Result(points, "Loss and accuracy of both piles are on the screen, with names.")


# The best first: what a plot says of one of its lines.
_SAID = ("right", "nothing", "swapped")


def _nearest(line: list[float], curves: dict[str, list[float]]) -> str | None:
    """The curve that a line shows, as it is or in percent."""
    gaps = {}
    for name, values in curves.items():
        if len(values) == len(line) > 0:
            for scale in (1, 100) if "accuracy" in name else (1,):
                gap = np.abs(np.array(line) / scale - values).max()
                gaps[name] = min(gap, gaps.get(name, math.inf))
    name = min(gaps, key=gaps.get, default=None)
    return name if name and gaps[name] <= _ROUNDED else None


def _says(chart: Chart, place: int, name: str) -> str:
    """Whether the visible words of a plot tell a line's pile."""
    count, words = len(chart.lines), chart.words.lower()
    own = [label.lower() for label in chart.labels[:count]]
    if not all(label in words for label in own):  # plt.legend(["training", "validation"])
        legend = [label.lower() for label in chart.labels[count:][-count:]]
        own = legend if all(label in words for label in legend) else []
    label = own[place] if place < len(own) else ""
    is_val = name.startswith("val_")
    if label and _tells_val(label) != is_val and ("train" in label or _tells_val(label)):
        return "swapped"
    named = bool(label) and not label.startswith("_")
    return "right" if named or not is_val or _tells_val(words) else "nothing"


def _tells_val(words: str) -> bool:
    return bool(re.search(r"(?<![a-z])(val(?!ue)|test)", words.lower()))


# --- Step 4 ------------------------------------------------------------------------------


def read_curves(evidence: Evidence, reference: Reference) -> Result:
    """The best epoch, the gap at the end, and what it says about overfitting."""
    names = ("best_epoch", "gap", "overfits")
    values = {name: evidence.values.get(name) for name in names}
    blank = [name for name in names if values[name] is None]
    if len(blank) == 3:
        return Result(
            0, f"Still to do: {join(blank)}.", "Read them from your history, as Step 4 says."
        )
    curves = curves_of(evidence.values.get("history"))
    if "val_accuracy" not in curves or "accuracy" not in curves:
        return Result(
            0, "history holds no accuracy of both piles to compare with.", "Finish Step 2 first."
        )
    gaps = np.subtract(curves["accuracy"], curves["val_accuracy"])
    notes = [
        _judge_best(values["best_epoch"], curves),
        _judge_gap(values["gap"], gaps, curves),
        _judge_overfits(values["overfits"], float(gaps[-1])),
    ]
    notes = [note for note in notes if note is not None]
    points = sum(note.points for note in notes)
    said = " ".join(note.saw for note in notes)
    if blank:
        said += f" Still to do: {join(blank)}."
    advice = next((note.try_next for note in notes if note.try_next), "")
    return Result(points, said, advice or ("Fill in what is left." if blank else ""))


def _judge_best(value: Any, curves: dict[str, list[float]]) -> Result | None:
    if value is None:
        return None
    accuracy = np.array(curves["val_accuracy"])
    right = set((np.flatnonzero(accuracy >= accuracy.max() - 0.0005) + 1).tolist())
    if "val_loss" in curves:  # the other usual meaning of the best epoch
        right.add(int(np.argmin(curves["val_loss"])) + 1)
    number = as_number(value)
    if number in right:
        return Result(1, f"Epoch {number:g} is the best.")
    if number is not None and number + 1 in right:
        saw = f"best_epoch is {number:g}. You counted from 0, as Python does."
        return Result(0, saw, "Count epochs from 1: add 1 to the number of argmax.")
    if number is not None and any(abs(part - accuracy.max()) < _ROUNDED for part in shares(value)):
        saw = "best_epoch is the accuracy of the best epoch. I expected its number."
        return Result(0, saw, "In which epoch did it happen? Count from 1.")
    shown = f"{number:g}" if number is not None else "not a number"
    return Result(
        0,
        f"best_epoch is {shown}. In another epoch the validation accuracy is higher.",
        "Look for the highest value of history.history['val_accuracy'], and count from 1.",
    )


def _judge_gap(value: Any, gaps: np.ndarray, curves: dict[str, list[float]]) -> Result | None:
    if value is None:
        return None
    parts, last = shares(value), float(gaps[-1])

    def near(expected: float) -> bool:
        return any(abs(part - expected) <= _ROUNDED for part in parts)

    if near(last):
        return Result(1, f"The gap at the end is {last:.3f}.")
    if not parts:
        return Result(0, "gap is not a number.", "Subtract one accuracy from the other.")
    if near(-last):
        saw = "Your gap has the other sign."
        return Result(0, saw, "Training accuracy minus validation accuracy, in this order.")
    if "val_loss" in curves and any(
        near(sign * (curves["loss"][-1] - curves["val_loss"][-1])) for sign in (1, -1)
    ):
        saw = "Your gap is that of the losses."
        return Result(0, saw, "Use 'accuracy' and 'val_accuracy' for the gap.")
    if any(near(float(gap)) for gap in gaps):
        saw = "Your gap is that of another epoch."
        return Result(0, saw, "Take the last epoch: [-1] is the last value of a list.")
    saw = f"Your gap is {parts[0]:g}, and that is not the gap of the last epoch."
    return Result(0, saw, "gap = training accuracy minus validation accuracy, last values.")


def _judge_overfits(value: Any, gap: float) -> Result | None:
    if value is None:
        return None
    said = says_yes(value)
    if said is None:
        saw = f"I cannot read overfits ({quoted(value)})."
        return Result(0, saw, "Write overfits = True or overfits = False.")
    if _NO_GAP <= gap <= _CLEAR_GAP:
        return Result(1, "Overfitting or not: with this gap it is a close call, and both count.")
    if said == (gap > _CLEAR_GAP):
        return Result(1, f"Right: {'it overfits' if said else 'no clear overfitting'}.")
    rule = "over 0.05, so the model overfits" if gap > 0.05 else "not over 0.05"
    return Result(
        0, f"overfits does not fit: the gap {gap:.3f} is {rule}.", "Use the rule of Step 4."
    )


# --- Step 5 ------------------------------------------------------------------------------


def save_model(evidence: Evidence, reference: Reference) -> Result:
    """The model and its history are kept for the next stages."""
    saved = set(reference.work.get("saved") or ())
    missing = [name for name in ("model", "history") if name not in saved]
    if len(missing) == 2:
        saw = "Still to do: save the model and its history."
        return Result(0, saw, "Call cu.save with both: first the name, then =, then the value.")
    if missing:
        saw = f"{missing[0]} is not saved yet. The other one is."
        return Result(0, saw, f"Add {missing[0]}={missing[0]} inside the brackets of cu.save.")
    return Result(1, "Model and history are saved. Stage 6 will find them.")


# --- Small helpers -------------------------------------------------------------------------


def _is(items: list) -> str:
    return "is" if len(items) == 1 else "are"


CHECKS = {
    "plan_training": Check(plan_training, 1),
    "train_model": Check(train_model, 2),
    "plot_curves": Check(plot_curves, 3),
    "read_curves": Check(read_curves, 3),
    "save_model": Check(save_model, 1),
}
