"""Figures of error analysis, drawn with matplotlib.

Every function returns a :class:`Plot`, a matplotlib figure that also says in words what is to be
seen on it (``plots.alt(figure)``). A notebook shows it once: at the end of the cell, at
``plt.show()``, or as the last line of the cell, whichever comes first. Within
:func:`offscreen` figures are drawn for a file only, and no notebook shows them.

Blue is right, orange is wrong, in all of them; before is gray and after is blue. Nothing is told
by color alone, and no text is smaller than 8 points at a figure's own size. With many classes a
figure shows some of them and says which.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import MaxNLocator

from course_utils import analysis
from course_utils.analysis import calibration, drawing, inputs
from course_utils.analysis.change_plots import before_after, class_change, thresholds
from course_utils.analysis.drawing import (
    BLUE,
    GRAY,
    INK,
    MOST,
    ORANGE,
    PALE_BLUE,
    PALE_GRAY,
    PALE_ORANGE,
    SOFT,
    TEN,
    WIDTH,
    Plot,
    alt,
    fit,
    offscreen,
    percent,
    png,
    short_names,
)

__all__ = [
    "BLUE",
    "GRAY",
    "INK",
    "MOST",
    "ORANGE",
    "SOFT",
    "TEN",
    "WIDTH",
    "Plot",
    "alt",
    "before_after",
    "calibration_word",
    "check_pictures",
    "check_points",
    "class_change",
    "confidence_histogram",
    "confidence_of_true_class",
    "confusion_matrix",
    "curves",
    "embedding",
    "guardrail",
    "offscreen",
    "per_class",
    "pictures_grid",
    "pixels",
    "png",
    "reliability",
    "saliency",
    "short_names",
    "thresholds",
    "top_confusions",
]

# --- Training ----------------------------------------------------------------------------


@drawing.styled
def curves(history: Any) -> Plot:
    """Draw accuracy and loss of each epoch, for training and validation pictures.

    Parameters
    ----------
    history : dict of str to list of float, or what ``model.fit`` returns
        Any of ``accuracy``, ``val_accuracy``, ``loss``, ``val_loss``.

    Raises
    ------
    ValueError
        If none of them is there.
    """
    history = getattr(history, "history", history)
    kept: dict[str, np.ndarray] = {}
    if isinstance(history, Mapping):
        for key in ("accuracy", "val_accuracy", "loss", "val_loss"):
            values = np.asarray(history.get(key, ()), float).ravel()
            if values.size and np.isfinite(values).any():
                kept[key] = values
    panels = [name for name in ("accuracy", "loss") if {name, f"val_{name}"} & set(kept)]
    if not panels:
        raise ValueError(
            "The history needs lists under names such as 'loss' and 'val_accuracy', one number "
            "for each epoch. model.fit returns such a history."
        )
    epochs = max(len(values) for values in kept.values())
    said = [f"Training curves over {epochs} epoch{'s' * (epochs != 1)}."]
    figure = drawing.new(2.9, "", width=WIDTH if len(panels) == 2 else 3.6)
    for place, (name, axes) in enumerate(zip(panels, _row(figure, len(panels)), strict=True)):
        for key, what, color, mark, line in (
            (name, "training", BLUE, "o", "-"),
            (f"val_{name}", "validation", ORANGE, "s", "--"),
        ):
            if key not in kept:
                continue
            values = kept[key]
            many = len(values) > 25
            axes.plot(
                range(1, len(values) + 1), values, color=color, linestyle=line, label=what,
                marker=None if many else mark, markersize=4, linewidth=1.6,
            )  # fmt: skip
            last = values[np.isfinite(values)][-1]
            end = percent(last) if name == "accuracy" else f"{last:.3g}"
            said.append(f"The {what} {name} ends at {end}.")
        axes.set(title=name.capitalize(), xlabel="epoch")
        axes.set_xlim(0.5 if epochs < 10 else 0, epochs + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        axes.grid(axis="y", alpha=0.3)
        if name == "accuracy":
            drawing.as_percent(axes.yaxis)
        if place == 0:
            axes.legend()
    if "val_loss" in kept and np.isfinite(kept["val_loss"]).any() and len(kept["val_loss"]) > 1:
        best = int(np.nanargmin(kept["val_loss"])) + 1
        said.append(f"The validation loss is lowest in epoch {best}.")
        figure.axes[-1].axvline(best, color=SOFT, linewidth=0.9, linestyle=":")
        figure.axes[-1].set_title(f"lowest in epoch {best}", loc="right", fontsize=8.5,
                                  fontweight="normal", color=SOFT)  # fmt: skip
    figure.alt = " ".join(said)
    return figure


def _row(figure: Plot, count: int) -> list:
    return list(np.atleast_1d(figure.subplots(1, count)))


# --- Classes -----------------------------------------------------------------------------


@drawing.styled
def confusion_matrix(
    probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str] | None = None
) -> Plot:
    """Draw for each true class how often the model said each class, in percent of its row.

    With more than 15 classes: the 15 with the lowest accuracy, and all others as one column.

    Parameters
    ----------
    probabilities : ndarray of shape (n, k), float
    labels : ndarray of shape (n,), int, or (n, k), one-hot
    class_names : sequence of str, optional
    """
    p, y = inputs.check(probabilities, labels)
    names = short_names(class_names, p.shape[1])
    counts = np.asarray(analysis.confusion(p, y), float)
    with np.errstate(invalid="ignore"):
        shares = counts / counts.sum(axis=1, keepdims=True)
    rows, columns, title = np.arange(len(names)), list(names), "What the model says, in percent"
    if len(names) > MOST:
        rows = drawing.rising(np.diag(shares))[:MOST]
        inside = shares[np.ix_(rows, rows)]
        shares = np.hstack([inside, 1 - inside.sum(axis=1, keepdims=True)])
        columns = [names[row] for row in rows] + ["any other"]
        title += f"\n(the {len(rows)} classes with the lowest accuracy)"
    count = len(rows)
    figure = drawing.new(1.5 + 0.34 * max(count, 4), _matrix_words(counts, names, count))
    axes = figure.subplots()
    colors = _matrix_colors(shares, count)
    axes.imshow(colors, aspect="auto", interpolation="nearest")
    for (row, column), share in np.ndenumerate(shares):
        words = "" if np.isnan(share) or share < 1e-9 else f"{100 * share:.0f}"
        is_light = colors[row, column, :3] @ (0.299, 0.587, 0.114) > 0.55
        axes.text(
            column,
            row,
            "<1" if words == "0" else words,
            ha="center",
            va="center",
            fontsize=9 if count <= 10 else 8,
            color=INK if is_light else "white",
        )
    is_long = len("".join(columns)) > 30
    axes.set_xticks(range(len(columns)), columns, rotation=90 if is_long else 0)
    axes.set_yticks(range(count), [names[row] for row in rows])
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#c9d4e3", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="the model says (each row sums to 100)", ylabel="true class")
    drawing.title(figure, title)
    return figure


def _matrix_colors(shares: np.ndarray, count: int) -> np.ndarray:
    """Blue on the diagonal, orange beside it; gray where there is nothing, or all the rest."""
    diagonal = np.eye(*shares.shape, dtype=bool)
    filled = np.nan_to_num(shares)
    wrong = np.where(diagonal, 0, filled)[:, :count]
    strength = np.sqrt(filled / max(0.1, wrong.max())).clip(0, 1)  # small shares stay visible
    colors = np.where(diagonal[..., None], drawing.BLUES(filled), drawing.ORANGES(strength * 0.75))
    colors[np.isnan(shares)] = mpl.colors.to_rgba(PALE_GRAY)
    colors[:, count:] = mpl.colors.to_rgba(PALE_GRAY)
    return colors


def _matrix_words(counts: np.ndarray, names: Sequence[str], count: int) -> str:
    wrong = counts - np.diag(np.diag(counts))
    worst = "There are no analysis."
    if wrong.any():
        true, said = np.unravel_index(wrong.argmax(), wrong.shape)
        worst = (
            f"The most frequent mistake: {names[true]} taken for {names[said]}, "
            f"{wrong.max():,.0f} times of {counts[true].sum():,.0f}."
        )
    overall = percent(np.trace(counts) / counts.sum())
    return (
        f"Confusion matrix of {len(names)} classes."
        f"{drawing.some(len(names), count, 'classes')} {worst} "
        f"The blue cells from top left to bottom right are right: {overall} in all."
    )


@drawing.styled
def per_class(
    probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str] | None = None
) -> Plot:
    """Draw the accuracy of each class with its 95 % Wilson interval, the lowest on top.

    With more than 15 classes: the 15 lowest and the 15 highest.

    Parameters
    ----------
    probabilities, labels, class_names
        As for :func:`confusion_matrix`.
    """
    p, y = inputs.check(probabilities, labels)
    classes = p.shape[1]
    names = short_names(class_names, classes)
    table = analysis.per_class(p, y)
    accuracy = table["accuracy"].to_numpy(float)
    low, high = table["low"].to_numpy(float), table["high"].to_numpy(float)
    overall = float((p.argmax(axis=1) == y).mean())
    order = drawing.rising(accuracy)
    parts = [(order, "")]
    if len(order) > MOST:
        high_end = order[max(MOST, len(order) - MOST) :]
        parts = [
            (order[:MOST], f"The {MOST} lowest"),
            (high_end, f"The {len(high_end)} highest"),
        ]
    shown = sum(len(rows) for rows, _ in parts)
    first, last = order[0], order[-1]
    absent = classes - len(order)
    said = (
        "Accuracy of each class, with 95% intervals."
        f"{drawing.some(classes, shown, 'classes')} Lowest: {names[first]}, "
        f"{percent(accuracy[first])} (interval {percent(low[first])} to {percent(high[first])}). "
        f"Highest: {names[last]}, {percent(accuracy[last])}. All pictures: {percent(overall)}."
        + (f" Classes without pictures: {absent}." if absent else "")
    )
    figure = drawing.new(0.95 + 0.27 * max(3, len(parts[0][0])), said)
    for axes, (rows, title) in zip(_row(figure, len(parts)), parts, strict=True):
        places = np.arange(len(rows))
        bars = axes.barh(places, accuracy[rows], height=0.72, color=PALE_BLUE, edgecolor=BLUE)
        for bar, row in zip(bars, rows, strict=True):
            if accuracy[row] == accuracy[first] < accuracy[last]:
                bar.set(facecolor=PALE_ORANGE, edgecolor=ORANGE, hatch="///")
        spread = np.clip([accuracy[rows] - low[rows], high[rows] - accuracy[rows]], 0, None)
        axes.errorbar(accuracy[rows], places, xerr=spread, fmt="none", ecolor=INK, capsize=2.5,
                      elinewidth=1.1)  # fmt: skip
        axes.axvline(overall, color=SOFT, linestyle="--", linewidth=1)
        for place, row in zip(places, rows, strict=True):
            axes.text(1.03, place, f"{100 * accuracy[row]:.0f}%", va="center", fontsize=8.5,
                      clip_on=False)  # fmt: skip
        drawing.name_rows(axes, [names[row] for row in rows])
        axes.set(xlim=(0, 1), ylim=(len(order[:MOST]) - 0.4, -0.6), title=title)
        axes.set_xticks([0, 0.5, 1] if len(parts) > 1 else [0, 0.25, 0.5, 0.75, 1])
        drawing.as_percent(axes.xaxis)
    figure.supxlabel(
        f"right, with its 95% interval (dashed: all pictures, {percent(overall)})",
        fontsize=10,
    )
    return figure


@drawing.styled
def confidence_of_true_class(
    probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str] | None = None
) -> Plot:
    """Draw the mean and the median score that the true class gets, for each class.

    With more than 15 classes: the 15 with the lowest mean.

    Parameters
    ----------
    probabilities, labels, class_names
        As for :func:`confusion_matrix`.
    """
    p, y = inputs.check(probabilities, labels)
    classes = p.shape[1]
    names = short_names(class_names, classes)
    table = analysis.per_class(p, y)
    mean = table["mean_confidence"].to_numpy(float)
    median = table["median_confidence"].to_numpy(float)
    order = drawing.rising(mean)
    rows, best = order[:MOST], order[-1]
    said = (
        f"How sure the model is of the true class: mean and median for {len(rows)} classes."
        f"{drawing.some(classes, len(rows), 'classes')} Lowest mean: {names[rows[0]]}, "
        f"{percent(mean[rows[0]])} with a median of {percent(median[rows[0]])}. "
        f"Highest: {names[best]}, {percent(mean[best])}."
    )
    figure = drawing.new(1.25 + 0.27 * len(rows), said)
    axes = figure.subplots()
    places = np.arange(len(rows))
    axes.hlines(places, mean[rows], median[rows], color=GRAY, linewidth=1.5)
    axes.plot(mean[rows], places, "o", color=BLUE, label="mean", markersize=6)
    axes.plot(median[rows], places, "D", color="white", markeredgecolor=ORANGE, label="median",
              markersize=6, markeredgewidth=1.6)  # fmt: skip
    drawing.name_rows(axes, [names[row] for row in rows])
    axes.set(xlim=(-0.02, 1.02), xlabel="score of the true class")
    if len(rows) < len(order):
        axes.set_ylabel(f"the {len(rows)} lowest of {classes}")
    drawing.as_percent(axes.xaxis)
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


@drawing.styled
def top_confusions(
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str] | None = None,
    most: int = 5,
) -> Plot:
    """Draw the most frequent wrong answers for each class.

    With more than 12 classes: the 15 most frequent pairs of all.

    Parameters
    ----------
    probabilities, labels, class_names
        As for :func:`confusion_matrix`.
    most : int, default=5
        Wrong answers for one class.
    """
    p, y = inputs.check(probabilities, labels)
    classes = p.shape[1]
    names = short_names(class_names, classes)
    counts = np.asarray(analysis.confusion(p, y))
    wrong = counts - np.diag(np.diag(counts))
    if not wrong.any():
        return drawing.instead("There are no mistakes, so nothing is confused.")
    order = np.argsort(-wrong, axis=None, kind="stable")
    pairs = [np.unravel_index(place, wrong.shape) for place in order[:MOST]]
    pairs = [(true, other) for true, other in pairs if wrong[true, other]]
    said = "The most frequent mistakes: " + drawing.listed(
        [f"{names[t]} taken for {names[o]}, {wrong[t, o]} times" for t, o in pairs[:3]]
    )
    if classes > 12:
        said += f". Shown are the {len(pairs)} most frequent pairs of {classes} classes."
        figure = drawing.new(1 + 0.27 * len(pairs), said)
        axes = figure.subplots()
        labels = [f"{names[t]} → {names[o]}" for t, o in pairs]
        _count_bars(axes, labels, [wrong[pair] for pair in pairs])
        axes.set_xlabel("pictures")
        axes.set_xlim(0, wrong.max() * 1.15)
        drawing.title(figure, "Most frequent mistakes (true class → answer)")
        return figure
    said += f". Shown are up to {most} wrong answers for each class."
    lines = min(most, classes - 1)
    rows = -(-classes // 2)
    figure = drawing.new(0.2 + rows * (0.42 + 0.19 * max(lines, 2)), said)
    grid = np.ravel(figure.subplots(rows, 2, sharex=True))
    for number, axes in enumerate(grid[:classes]):
        best = [o for o in np.argsort(-wrong[number], kind="stable")[:lines] if wrong[number, o]]
        _count_bars(axes, [names[other] for other in best], [wrong[number, o] for o in best])
        axes.set_ylim(max(lines, 2) - 0.4, -0.6)
        axes.set_xlim(0, wrong.max() * 1.22)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.set_title(f"{fit(names[number], 0.85)}: {wrong[number].sum():,} wrong", fontsize=9)
    for axes in grid[classes:]:
        axes.set_axis_off()
    return figure


def _count_bars(axes: Any, names: Sequence[str], counts: Sequence[int]) -> None:
    places = range(len(counts))
    axes.barh(places, counts, height=0.72, color=PALE_ORANGE, edgecolor=ORANGE)
    for place, count in zip(places, counts, strict=True):
        axes.annotate(
            f"{count:,}",
            (count, place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
        )
    drawing.name_rows(axes, names)
    drawing.thousands(axes.xaxis)


# --- Confidence --------------------------------------------------------------------------


@drawing.styled
def confidence_histogram(probabilities: np.ndarray, labels: np.ndarray, bins: int = 20) -> Plot:
    """Draw how sure the model is, apart for its right and its wrong answers.

    Parameters
    ----------
    probabilities : ndarray of shape (n, k), float
    labels : ndarray of shape (n,), int, or (n, k), one-hot
    bins : int, default=20
        Of equal width from 0 to 1.
    """
    p, y = inputs.check(probabilities, labels)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    said = ["How sure the model is of its answers."]
    groups = [
        ("right", right, BLUE, PALE_BLUE, ""),
        ("wrong", ~right, ORANGE, PALE_ORANGE, "///"),
    ]
    for what, group, *_ in groups:
        if not group.any():
            said.append(f"No answer is {what}.")
            continue
        sure = int((confidence[group] >= 0.9).sum())
        said.append(
            f"{group.sum():,} {what} answers: half of them are at least "
            f"{percent(np.median(confidence[group]))} sure, and {sure:,} are at least 90% sure."
        )
    figure = drawing.new(3.7, " ".join(said))
    edges = np.linspace(0, 1, bins + 1)
    for axes, (what, group, color, light, hatch) in zip(
        figure.subplots(2, 1, sharex=True), groups, strict=True
    ):
        counts, _ = np.histogram(confidence[group], edges)
        axes.bar(edges[:-1], counts, width=1 / bins, align="edge", color=light, edgecolor=color,
                 hatch=hatch)  # fmt: skip
        axes.axvline(0.9, color=SOFT, linewidth=0.9, linestyle=":")
        sure = int((confidence[group] >= 0.9).sum())
        axes.set_title(f"{group.sum():,} {what}, {sure:,} of them at least 90% sure")
        axes.set_ylabel("pictures")
        axes.set_ylim(0, max(1, counts.max() * 1.08))
        drawing.thousands(axes.yaxis)
    axes.set(xlim=(0, 1), xlabel="how sure the model is of its answer")
    drawing.as_percent(axes.xaxis)
    return figure


@drawing.styled
def reliability(probabilities: np.ndarray, labels: np.ndarray, count: int = 15) -> Plot:
    """Draw a reliability diagram: is the model right as often as it is sure?

    The bars are the accuracy in each of ``count`` bins of confidence (Guo et al. 2017,
    arXiv:1706.04599), the hatched part is the gap to the mean confidence of the bin; below is how
    many pictures each bin holds.

    Parameters
    ----------
    probabilities : ndarray of shape (n, k), float
    labels : ndarray of shape (n,), int, or (n, k), one-hot
    count : int, default=15
        Of bins.
    """
    p, y = inputs.check(probabilities, labels)
    table = calibration.bins(p, y, count)
    ece = float(calibration.ece(p, y, count))
    lower, upper, n, accuracy, confidence = (
        np.asarray(table[name], float) for name in ("lower", "upper", "n", "accuracy", "confidence")
    )
    mean, right = float(p.max(axis=1).mean()), float((p.argmax(axis=1) == y).mean())
    word = calibration_word(mean, right)
    figure = drawing.new(
        4.3,
        f"Reliability diagram with {count} bins. The model is on average {percent(mean)} sure "
        f"and right in {percent(right)} of all pictures: {word}. "
        f"Expected calibration error {ece:.3f}.",
    )
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    full = n > 0
    left, width = lower[full], (upper - lower)[full]
    top.bar(left, accuracy[full], width, align="edge", color=PALE_BLUE, edgecolor=BLUE,
            label="right answers")  # fmt: skip
    top.bar(left, confidence[full] - accuracy[full], width, bottom=accuracy[full], align="edge",
            color="none", edgecolor=ORANGE, hatch="///", linewidth=1.2,
            label="gap to how sure it is")  # fmt: skip
    top.plot([0, 1], [0, 1], "--", color=SOFT, linewidth=1.2, label="as sure as right")
    top.set(ylim=(0, 1), ylabel="right", title=f"ECE {ece:.3f}: {word}")
    drawing.as_percent(top.yaxis)
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    bottom.bar(left, n[full], width, align="edge", color="#d9dee5", edgecolor=SOFT)
    bottom.set(xlim=(0, 1), ylabel="pictures", xlabel="how sure the model is of its answer")
    drawing.as_percent(bottom.xaxis)
    drawing.thousands(bottom.yaxis)
    figure.align_ylabels()
    return figure


def calibration_word(confidence: float, accuracy: float) -> str:
    """Say how the mean confidence and the accuracy compare."""
    gap = confidence - accuracy
    if abs(gap) < 0.01:
        return "on average as sure as it is right"
    return "too sure of itself" if gap > 0 else "less sure than it could be"


@drawing.styled
def guardrail(probabilities: np.ndarray, labels: np.ndarray) -> Plot:
    """Draw what a rule "answer only if at least this sure" costs and gains.

    Parameters
    ----------
    probabilities : ndarray of shape (n, k), float
    labels : ndarray of shape (n,), int, or (n, k), one-hot
    """
    p, y = inputs.check(probabilities, labels)
    at = np.r_[np.arange(0, 0.96, 0.05), 0.97, 0.99]
    table = analysis.guardrail(p, y, at=tuple(float(one) for one in at))
    answered, accuracy = table["answered"].to_numpy(float), table["accuracy"].to_numpy(float)
    place = int(np.abs(at - 0.9).argmin())
    right = (
        f", and {percent(accuracy[place])} of those answers are right"
        if answered[place]
        else ": none"
    )
    said = (
        f"A rule: answer only if at least this sure. Without it {percent(accuracy[0])} of all "
        f"answers are right. At 90% the model answers {percent(answered[place])} of the pictures"
        f"{right}."
    )
    figure = drawing.new(3.1, said)
    axes = figure.subplots()
    axes.plot(at, accuracy, "-o", color=BLUE, markersize=4, label="right, of those answered")
    axes.plot(at, answered, "--s", color=ORANGE, markersize=4, label="answered, of all pictures")
    axes.axvline(0.9, color=SOFT, linewidth=0.9, linestyle=":")
    axes.set(xlim=(0, 1), ylim=(0, 1.03), xlabel="answer only if at least this sure")
    axes.grid(axis="y", alpha=0.3)
    drawing.as_percent(axes.xaxis)
    drawing.as_percent(axes.yaxis)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


# --- Pictures ----------------------------------------------------------------------------


@drawing.styled
def pictures_grid(
    pictures: np.ndarray,
    numbers: Sequence[int],
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str] | None = None,
    title: str = "",
    most: int = 20,
) -> Plot:
    """Show some pictures with what the model says of them.

    Parameters
    ----------
    pictures : ndarray of shape (n, h, w, 3), uint8
        All of them.
    numbers : sequence of int, or ndarray of shape (n,), bool
        Which to show, in this order.
    probabilities, labels, class_names
        As for :func:`confusion_matrix`.
    title : str, optional
    most : int, default=20
        More are not shown; the title says so.

    Raises
    ------
    ValueError
        If there are not as many pictures as labels, or a number is not one of them.
    """
    p, y = inputs.check(probabilities, labels)
    names = short_names(class_names, p.shape[1])
    pictures = check_pictures(pictures, len(y))
    numbers = np.asarray(numbers).ravel()
    numbers = np.flatnonzero(numbers) if numbers.dtype == bool else numbers.astype(np.int64)
    if numbers.size and (numbers.min() < 0 or numbers.max() >= len(y)):
        raise ValueError(f"There are {len(y):,} pictures, with numbers from 0 to {len(y) - 1:,}.")
    if not numbers.size:
        return drawing.instead(
            f"{title}: there is no such picture." if title else "There is no picture."
        )
    shown = numbers[:most]
    predicted = p.argmax(axis=1)
    said = [
        f"number {n}, true {names[y[n]]}, predicted {names[predicted[n]]}, {percent(p[n].max())}"
        for n in shown
    ]
    above = title + (f" ({len(shown)} of {len(numbers)})" if len(shown) < len(numbers) else "")
    words = f"{above or 'Pictures'}. {len(shown)} pictures: {'; '.join(said)}."
    across = min(4, len(shown))
    rows = -(-len(shown) // across)
    cell, text = WIDTH / 4, 0.62
    width = max(across, 2) * cell
    lines = textwrap.wrap(above, round(width / 0.085))
    head = 0.15 + 0.2 * len(lines)
    height = head + rows * (cell * 0.8 + text)
    figure = drawing.new(height, words, width=width, layout=None)
    figure.text(
        0.02, 1 - 0.1 / height, "\n".join(lines), fontsize=10.5, fontweight="bold", va="top"
    )
    side = cell * 0.8
    names = [fit(name, 0.85, 8) for name in names]
    for place, number in enumerate(shown):
        row, column = divmod(place, across)
        left = column * cell + (cell - side) / 2
        bottom = height - head - row * (side + text) - side
        axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
        axes.imshow(pixels(pictures[number]), interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        right = predicted[number] == y[number]
        axes.spines[:].set(
            visible=True, color=BLUE if right else ORANGE, linewidth=2,
            linestyle="-" if right else (0, (3, 1.5)),
        )  # fmt: skip
        axes.set_xlabel(
            f"Pred: {names[predicted[number]]}\nTrue: {names[y[number]]}\n"
            f"{number}, {percent(p[number].max())} sure",
            fontsize=8, labelpad=3, linespacing=1.15,
        )  # fmt: skip
    return figure


def check_pictures(pictures: np.ndarray, count: int) -> np.ndarray:
    """Return pictures of shape (n, h, w, 1 or 3); refuse another number of them than ``count``."""
    pictures = np.asarray(pictures)
    if pictures.ndim != 4 or len(pictures) != count or pictures.shape[3] not in {1, 3}:
        raise ValueError(
            f"This needs {count:,} pictures in an array of shape ({count}, height, width, 3), one "
            f"for each label. Yours has the shape {pictures.shape}."
        )
    return pictures


def pixels(picture: np.ndarray) -> np.ndarray:
    """Return one picture as a screen needs it: (h, w, 3), uint8.

    Floats count from 0 to 1, or from 0 to 255 if one of them is above 1.
    """
    picture = np.asarray(picture)
    if picture.dtype != np.uint8:
        values = np.nan_to_num(np.asarray(picture, float))
        values = values * 255 if values.max() <= 1 else values
        picture = values.round().clip(0, 255).astype(np.uint8)
    return np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture


@drawing.styled
def saliency(pictures: np.ndarray, maps: np.ndarray, words: str | Sequence[str] = "") -> Plot:
    """Show where a model looked: the picture, the map in its true size, and both together.

    A map of 4 x 4 cells says only which sixteenth of the picture mattered, however smooth it
    looks when it is enlarged. So its true cells are shown, and its size stands above them.

    Parameters
    ----------
    pictures : ndarray of shape (h, w, 3) or (n, h, w, 3), uint8
    maps : Maps, or ndarray of shape (a, b) or (n, a, b), float from 0 to 1
        In their true size, as ``grad_cam`` or ``rollout`` return them.
    words : str or sequence of str, optional
        What to write below each picture.

    Raises
    ------
    ValueError
        If there are not as many maps as pictures.
    """
    pictures, maps = np.asarray(pictures), np.asarray(getattr(maps, "maps", maps), float)
    pictures = pictures[None] if pictures.ndim == 3 else pictures
    maps = maps[None] if maps.ndim == 2 else maps
    if maps.ndim != 3 or not maps.size:
        raise ValueError(f"This needs one map for each picture. Yours have the shape {maps.shape}.")
    pictures = [pixels(picture) for picture in check_pictures(pictures, len(maps))]
    words = [words] * len(maps) if isinstance(words, str) else [str(one) for one in words]
    words += [""] * (len(maps) - len(words))
    high, wide = maps.shape[1:]
    said = [
        f"{text or 'picture'}: {_strongest(one)}" for text, one in zip(words, maps, strict=False)
    ]
    below = [textwrap.fill(text, 26, max_lines=6, placeholder=" …") for text in words]
    lines = [1 + text.count("\n") if text else 0 for text in below]
    figure = drawing.new(
        0.4 + 1.6 * len(maps) + 0.15 * sum(lines),
        f"Where the model looked, as maps of {high} x {wide} cells. {'; '.join(said)}.",
    )
    grid = figure.subplots(len(maps), 3, squeeze=False)
    for (first, second, third), picture, one, text in zip(
        grid, pictures, maps, below, strict=False
    ):
        first.imshow(picture, interpolation="nearest")
        first.set_xlabel(text, fontsize=8.5)
        second.imshow(one, cmap="cividis", vmin=0, vmax=1, interpolation="nearest")
        second.set_aspect(picture.shape[0] / picture.shape[1] * wide / high)
        third.imshow(_over(picture, one), interpolation="nearest")
    for axes, title in zip(
        grid[0], ("picture", f"map, {high} x {wide} cells", "both together"), strict=True
    ):
        axes.set_title(title, fontsize=9.5, loc="center")
    for axes in grid.ravel():
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(True)
    return figure


def _strongest(one: np.ndarray) -> str:
    if one.min() == one.max():
        return "the map is the same all over"
    row, column = np.unravel_index(one.argmax(), one.shape)
    return f"strongest in row {row + 1} and column {column + 1}"


def _over(picture: np.ndarray, one: np.ndarray) -> np.ndarray:
    """A picture in gray with a map over it, uint8."""
    gray = picture.mean(axis=2, keepdims=True) / 255
    color = mpl.colormaps["cividis"](analysis.enlarge(one, picture.shape[:2]).clip(0, 1))[..., :3]
    return np.round(255 * (gray + color) / 2).astype(np.uint8)


# --- Embeddings --------------------------------------------------------------------------


@drawing.styled
def embedding(
    points: np.ndarray,
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str] | None = None,
) -> Plot:
    """Draw pictures as points, near each other where the model finds them alike.

    Above by class (up to ten of them: more colors cannot be told apart), below by right or wrong.

    Parameters
    ----------
    points : ndarray of shape (n, 2), float
        As ``project`` returns them; near and far mean something, the axes do not.
    probabilities, labels, class_names
        As for :func:`confusion_matrix`, of the same n pictures.

    Raises
    ------
    ValueError
        If there are not as many points as labels.
    """
    p, y = inputs.check(probabilities, labels)
    points = check_points(points, len(y))
    classes = p.shape[1]
    names = short_names(class_names, classes)
    right = p.argmax(axis=1) == y
    size = float(np.clip(6000 / max(len(y), 1), 5, 40))
    by_class = classes <= len(TEN)
    said = (
        f"{len(y):,} pictures as points, those near each other that the model finds alike. "
        f"{int((~right).sum()):,} of them are wrong."
        + ("" if by_class else f" {classes} classes are too many for one color each.")
    )
    figure = drawing.new(7.6 if by_class else 4.0, said)
    panels = list(np.atleast_1d(figure.subplots(1 + by_class, 1)))
    if by_class:
        for number in range(classes):
            group = points[y == number]
            if not len(group):
                continue
            panels[0].scatter(*group.T, s=size, color=TEN[number], marker=drawing.MARKS[number],
                              alpha=0.65, linewidths=0, label=names[number])  # fmt: skip
        panels[0].set_title("by true class")
        panels[0].legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=1.5)
    last = panels[-1]
    last.scatter(*points[right].T, s=size, color=BLUE, alpha=0.35, linewidths=0, label="right")
    last.scatter(*points[~right].T, s=size * 1.6, color=ORANGE, marker="x", linewidths=1,
                 label="wrong")  # fmt: skip
    last.set_title("right and wrong answers")
    last.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=1.5)
    for axes in panels:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(True)
    return figure


def check_points(points: np.ndarray, count: int) -> np.ndarray:
    """Return points of shape (n, 2), float; refuse another number of them than of labels."""
    points = np.asarray(points, float)
    if points.shape != (count, 2):
        raise ValueError(
            f"There are {count:,} labels, so this needs points of shape ({count}, 2). Yours have "
            f"the shape {points.shape}."
        )
    return points
