"""Figures of two models on the same pictures; see ``plots`` for what they have in common.

They import neither pandas nor scikit-learn, as ``changes`` does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.patches import Rectangle

from course_utils import analysis
from course_utils.analysis import changes, drawing, inputs
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
    Plot,
    percent,
    short_names,
)


@drawing.styled
def before_after(
    before: np.ndarray,
    after: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str] | None = None,
) -> Plot:
    """Draw the before/after card of two models that saw the same pictures.

    Parameters
    ----------
    before, after : ndarray of shape (n, k), float
    labels : ndarray of shape (n,), int, or (n, k), one-hot
    class_names : sequence of str, optional
    """
    found = changes.compare(before, after, labels, class_names)
    total = sum(found[key] for key in ("both_right", "fixed", "regressed", "both_wrong"))
    chance = found["mcnemar_exact_p"]
    p_words = "p < 0.0001" if chance < 0.0001 else f"p = {chance:.2g}"
    verdict = {
        "better": f"The model after is better ({p_words})",
        "worse": f"The model after is worse ({p_words})",
    }.get(found["verdict"], f"It may be chance ({p_words})")
    lines = [
        (
            "right",
            percent(found["accuracy_before"]),
            percent(found["accuracy_after"]),
        ),
        ("wrong, but at least 90% sure", *(f"{found[f'wrong_ge_{w}']['0.9']:,}" for w in _WHEN)),
        ("how sure when wrong", *(_when_sure(found[f"mean_conf_wrong_{w}"]) for w in _WHEN)),
        ("calibration error (ECE)", *(f"{found[f'ece_{when}']:.3f}" for when in _WHEN)),
        ("log loss", *(f"{found[f'log_loss_{when}']:.3f}" for when in _WHEN)),
    ]
    said = (
        f"{verdict}. Of {total:,} pictures {found['both_right']:,} are right both times, "
        f"{found['fixed']:,} are fixed, {found['regressed']:,} are newly wrong, and "
        f"{found['both_wrong']:,} are wrong both times; "
        f"{found['both_wrong_lower_conf']:,} of these are less sure now. "
        + " ".join(f"{what[0].upper() + what[1:]}: {a} before, {b} after." for what, a, b in lines)
    )
    figure = drawing.new(4.1, said, layout=None)
    figure.text(0.03, 0.965, verdict, fontsize=11, fontweight="bold", va="top")
    boxes = [
        ("both_right", "right both times", "#d7e9f5", BLUE, ""),
        ("fixed", "fixed", PALE_BLUE, BLUE, ""),
        ("regressed", "newly wrong", PALE_ORANGE, ORANGE, "///"),
        ("both_wrong", "wrong both times", PALE_GRAY, SOFT, ""),
    ]
    axes = figure.add_axes((0.03, 0.47, 0.94, 0.42))
    axes.set_axis_off()
    axes.set(xlim=(0, 2), ylim=(2, 0))
    for place, (key, what, color, edge, hatch) in enumerate(boxes):
        row, column = divmod(place, 2)
        axes.add_patch(Rectangle((column + 0.01, row + 0.03), 0.98, 0.94, facecolor=color,
                                 edgecolor=edge, linewidth=1.4))  # fmt: skip
        if hatch:
            axes.add_patch(Rectangle((column + 0.01, row + 0.03), 0.05, 0.94, facecolor="white",
                                     edgecolor=edge, hatch=hatch, linewidth=1.4))  # fmt: skip
        middle = {"x": column + 0.5, "ha": "center", "va": "center"}
        axes.text(y=row + 0.33, s=f"{found[key]:,}", fontsize=15, fontweight="bold", **middle)
        axes.text(y=row + 0.65, s=what, fontsize=9.5, **middle)
        if key == "both_wrong":
            less = f"{found['both_wrong_lower_conf']:,} of them less sure"
            axes.text(y=row + 0.85, s=less, fontsize=8.5, **middle)
    table = figure.add_axes((0.03, 0.02, 0.94, 0.41))
    table.set_axis_off()
    table.set(xlim=(0, 1), ylim=(len(lines) + 1, 0))
    for row, (what, *values) in enumerate([("", *_WHEN), *lines]):
        weight = "bold" if row == 0 else "normal"
        table.text(0.0, row + 0.5, what, va="center", fontsize=9.5)
        for right, value in zip((0.8, 1.0), values, strict=True):
            table.text(right, row + 0.5, value, va="center", ha="right", fontsize=9.5,
                       fontweight=weight)  # fmt: skip
        table.axhline(row + 1, color="#c9d4e3", linewidth=0.8)
    return figure


_WHEN = ("before", "after")


def _when_sure(share: float | None) -> str:
    return "none" if share is None or not np.isfinite(share) else percent(share)


@drawing.styled
def thresholds(before: np.ndarray, after: np.ndarray | None, labels: np.ndarray) -> Plot:
    """Draw how many answers are wrong although the model is at least so sure.

    Parameters
    ----------
    before : ndarray of shape (n, k), float
    after : ndarray of shape (n, k), float, or None
        None for one model alone.
    labels : ndarray of shape (n,), int, or (n, k), one-hot
    """
    if after is None:
        counts = {"wrong": list(analysis.wrong_at(before, labels).values())}
        looks = [(PALE_ORANGE, ORANGE, "")]
    else:
        found = changes.compare(before, after, labels)
        counts = {when: list(found[f"wrong_ge_{when}"].values()) for when in _WHEN}
        looks = [(PALE_GRAY, GRAY, "///"), (PALE_BLUE, BLUE, "")]
    said = [
        drawing.listed([f"{n[place]:,} {what}" for what, n in counts.items()]) + f" at {at:.0%}"
        for place, at in enumerate(inputs.THRESHOLDS)
    ]
    figure = drawing.new(
        2.9, f"Wrong answers although the model is at least so sure: {'; '.join(said)}."
    )
    axes = figure.subplots()
    places = np.arange(len(inputs.THRESHOLDS))
    width = 0.84 / len(counts)
    for number, ((what, heights), look) in enumerate(zip(counts.items(), looks, strict=True)):
        left = places - 0.42 + number * width
        color, edge, hatch = look
        axes.bar(
            left,
            heights,
            width,
            align="edge",
            color=color,
            edgecolor=edge,
            hatch=hatch,
            label=what,
        )
        for x, count in zip(left, heights, strict=True):
            axes.annotate(f"{count:,}", (x + width / 2, count), xytext=(0, 2), ha="center",
                          textcoords="offset points", fontsize=8)  # fmt: skip
    axes.set_xticks(places, [f"{at:.0%}" for at in inputs.THRESHOLDS])
    axes.set(xlabel="at least so sure", ylabel="wrong answers")
    axes.set_ylim(0, max(1, *(max(n) for n in counts.values())) * 1.1)
    drawing.thousands(axes.yaxis)
    if after is not None:
        axes.legend()
    return figure


@drawing.styled
def class_change(
    before: np.ndarray,
    after: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str] | None = None,
) -> Plot:
    """Draw by how many points the accuracy of each class changed.

    With more than 15 classes: the seven that lost most and the eight that gained most.

    Parameters
    ----------
    before, after, labels, class_names
        As for :func:`before_after`.
    """
    after_p, _ = inputs.check(after, labels)
    classes = after_p.shape[1]
    names = short_names(class_names, classes)
    found = changes.compare(before, after, labels, class_names)
    change = np.asarray(
        [np.nan if one is None else one for one in found["per_class_change"]], float
    )
    order = drawing.rising(-change)
    rows = np.r_[order[:8], order[-7:]] if len(order) > MOST else order
    better, worse = int((change > 0).sum()), int((change < 0).sum())
    best, worst = order[0], order[-1]
    said = (
        f"Change of the accuracy of each class, in points. {better} classes are better, {worse} "
        f"are worse.{drawing.some(classes, len(rows), 'classes')} Most gained: {names[best]}, "
        f"{100 * change[best]:+.1f}. Least: {names[worst]}, {100 * change[worst]:+.1f}."
    )
    figure = drawing.new(0.95 + 0.27 * max(3, len(rows)), said)
    axes = figure.subplots()
    places = np.arange(len(rows))
    bars = axes.barh(places, 100 * change[rows], height=0.72)
    for bar, row, place in zip(bars, rows, places, strict=True):
        up = change[row] >= 0
        bar.set(facecolor=PALE_BLUE if up else PALE_ORANGE, edgecolor=BLUE if up else ORANGE,
                hatch="" if up else "///")  # fmt: skip
        axes.annotate(f"{100 * change[row]:+.1f}", (100 * change[row], place), va="center",
                      xytext=(3 if up else -3, 0), textcoords="offset points", fontsize=8.5,
                      ha="left" if up else "right")  # fmt: skip
    axes.axvline(0, color=INK, linewidth=1)
    drawing.name_rows(axes, [names[row] for row in rows])
    axes.set_xlabel("points of accuracy gained or lost")
    axes.margins(x=0.14)
    if len(rows) < len(order):
        axes.axhline(7.5, color=SOFT, linestyle=":", linewidth=1)
        drawing.title(figure, f"Most gained and most lost, of {classes} classes")
    return figure
