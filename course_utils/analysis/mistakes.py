"""Which pictures a classifier gets wrong, in which classes, and how sure it was.

``probabilities`` and ``labels`` are as in ``inputs``; so is what raises a ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binomtest, fisher_exact
from sklearn.metrics import confusion_matrix

from course_utils.analysis.inputs import THRESHOLDS, check, names
from course_utils.card import percent

_CHANCE = 0.05  # a difference that chance makes less often than this is taken for real


def table(
    probabilities: ArrayLike, labels: ArrayLike, class_names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return one row for each picture, in order.

    Returns
    -------
    pandas.DataFrame
        ``idx`` (the picture's number), ``y_true``, ``y_pred``, ``true_name``, ``pred_name``,
        ``prob_pred`` (the confidence), ``prob_true`` (the score of the true class), ``correct``.
    """
    p, y = check(probabilities, labels)
    said, named = p.argmax(axis=1), np.array(names(class_names, p.shape[1]), object)
    index = np.arange(len(y))
    return pd.DataFrame(
        {
            "idx": index,
            "y_true": y,
            "y_pred": said,
            "true_name": named[y],
            "pred_name": named[said],
            "prob_pred": p.max(axis=1),
            "prob_true": p[index, y],
            "correct": said == y,
        }
    )


def wilson(
    right: ArrayLike, total: ArrayLike, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Return between which shares the true one is likely to lie.

    The score interval of Wilson (1927), "Probable inference, the law of succession, and
    statistical inference", as SciPy has it, without a continuity correction. Unlike the plain
    ``share +- 1.96 standard errors`` it stays between 0 and 1, and holds for few pictures.

    Parameters
    ----------
    right, total : array_like of int
        How many of how many are right; of the same shape.
    level : float, default=0.95

    Returns
    -------
    low, high : ndarray of float64
        Shares; NaN where ``total`` is 0.

    Raises
    ------
    ValueError
        If more are right than there are.
    """
    right, total = np.broadcast_arrays(right, total)
    if not ((right >= 0) & (right <= total)).all():
        raise ValueError(
            "wilson needs counts: how many are right, and of how many at least as many."
        )
    ends = np.array(
        [
            binomtest(int(some), int(all_)).proportion_ci(level, "wilson")
            if all_
            else (np.nan,) * 2
            for some, all_ in zip(right.ravel(), total.ravel(), strict=True)
        ]
    ).reshape(*total.shape, 2)
    return ends[..., 0], ends[..., 1]


def per_class(
    probabilities: ArrayLike, labels: ArrayLike, class_names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return how each class does, one row for each, in the order of the class numbers.

    Returns
    -------
    pandas.DataFrame
        Indexed by the class's name: ``pictures``, ``right``, ``accuracy`` (a share of the class's
        pictures; the same as its recall), ``low`` and ``high`` (:func:`wilson`, 95 %),
        ``mean_confidence`` and ``median_confidence`` (of the scores of the *true* class). For a
        class without pictures all shares are NaN.
    """
    p, y = check(probabilities, labels)
    named = names(class_names, p.shape[1])
    groups = table(p, y).groupby("y_true")
    found = pd.DataFrame(
        {
            "pictures": groups.size(),
            "right": groups["correct"].sum(),
            "accuracy": groups["correct"].mean(),
            "mean_confidence": groups["prob_true"].mean(),
            "median_confidence": groups["prob_true"].median(),
        }
    ).reindex(range(len(named)))
    found[["pictures", "right"]] = found[["pictures", "right"]].fillna(0).astype(np.int64)
    low, high = wilson(found["right"], found["pictures"])
    found.insert(3, "low", low)
    found.insert(4, "high", high)
    return found.set_axis(pd.Index(named, name="class"))


class Hardest(NamedTuple):
    """The class with the lowest accuracy, and how sure that is.

    Attributes
    ----------
    names : tuple of str
        All classes that share the lowest accuracy.
    accuracy, low, high : float
        Of the first of them, with the 95 % interval of :func:`wilson`.
    next_name : str or None
        The class that comes next; with ties, the second of them. None if only one class has
        pictures.
    next_accuracy : float
        NaN if there is no next one.
    p_value : float
        Two-sided, of Fisher's exact test: how often chance alone makes two equally hard classes
        differ as much as these two. NaN if there is no next one.
    words : str
        All of this in one sentence.
    """

    names: tuple[str, ...]
    accuracy: float
    low: float
    high: float
    next_name: str | None
    next_accuracy: float
    p_value: float
    words: str


def hardest(
    probabilities: ArrayLike, labels: ArrayLike, class_names: Sequence[str] | None = None
) -> Hardest:
    """Return the class with the lowest accuracy, all ties, and whether that is more than chance.

    Chance is judged by Fisher's exact test (Fisher 1922; ``scipy.stats.fisher_exact``) on the two
    lowest classes, right and wrong of each: exact for few pictures too. That the two were chosen
    for being lowest does no harm: the lowest two of many lie closer together than any two.
    """
    rows = per_class(probabilities, labels, class_names)
    rows = rows[rows["pictures"] > 0].sort_values("accuracy", kind="stable")
    first = rows.iloc[0]
    tied = tuple(rows.index[rows["accuracy"] == first["accuracy"]])
    name, accuracy, p_value = None, np.nan, np.nan
    if len(rows) > 1:
        name, accuracy = rows.index[1], float(rows["accuracy"].iloc[1])
        right, total = rows["right"].to_numpy()[:2], rows["pictures"].to_numpy()[:2]
        p_value = float(fisher_exact([right, total - right]).pvalue)
    share = float(first["accuracy"])
    words = f"{percent(share)} of the pictures right"
    if name is None:
        words = f"All pictures are of one class, {tied[0]}, with {words}."
    elif len(tied) == len(rows):
        words = f"No class is the hardest: all have {words}."
    elif len(tied) > 1:
        words = f"{', '.join(tied[:-1])} and {tied[-1]} are equally hard, with {words}."
    else:
        luck = "could well" if p_value >= _CHANCE else "can hardly"
        words = (
            f"{tied[0]} is the hardest class with {words} (likely between "
            f"{percent(first['low'])} and {percent(first['high'])}); {name} comes next with "
            f"{percent(accuracy)}, and chance alone {luck} explain the difference "
            f"(p = {p_value:.2g})."
        )
    return Hardest(
        tied, share, float(first["low"]), float(first["high"]), name, accuracy, p_value, words
    )


def confusion(probabilities: ArrayLike, labels: ArrayLike, normalize: bool = False) -> np.ndarray:
    """Return how often each class was taken for each, rows for the true class.

    Parameters
    ----------
    normalize : bool, default=False
        Shares of the true class's pictures in place of counts; 0 in the row of a class without
        pictures.

    Returns
    -------
    ndarray of shape (k, k), int64 or float64
    """
    p, y = check(probabilities, labels)
    wanted = "true" if normalize else None
    return confusion_matrix(y, p.argmax(axis=1), labels=range(p.shape[1]), normalize=wanted)


def confusions(
    probabilities: ArrayLike,
    labels: ArrayLike,
    class_names: Sequence[str] | None = None,
    most: int = 5,
) -> pd.DataFrame:
    """Return what each class is most often mistaken for.

    Parameters
    ----------
    most : int, default=5
        How many rows a class has at most; a class without mistakes has none.

    Returns
    -------
    pandas.DataFrame
        ``true_name``, ``pred_name``, ``count``, ``share`` (of the true class's pictures),
        ``rank`` (from 1); in the order of the classes, then of the ranks. Equal counts are
        ranked by the number of the predicted class.
    """
    counts = confusion(probabilities, labels)
    named = np.array(names(class_names, len(counts)), object)
    totals = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    true, said = np.nonzero(counts)
    rows = pd.DataFrame(
        {
            "true_name": named[true],
            "pred_name": named[said],
            "count": counts[true, said],
            "share": counts[true, said] / totals[true],
        }
    )
    rows = rows.iloc[np.lexsort((said, -counts[true, said], true))]
    rows["rank"] = rows.groupby("true_name", sort=False).cumcount() + 1
    return rows[rows["rank"] <= most].reset_index(drop=True)


def most_confident(
    probabilities: ArrayLike, labels: ArrayLike, right: bool = False, share: float = 0.01
) -> np.ndarray:
    """Return the numbers of the wrong pictures (or the right ones) of which it was surest.

    Parameters
    ----------
    right : bool, default=False
        Look among the right ones.
    share : float, default=0.01
        Which part of them: rounded down, but at least one picture.

    Returns
    -------
    ndarray of int64
        The surest first, equal ones by number; empty if there are none at all.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}. It should be a part of one, such as 0.01 for 1 %.")
    p, y = check(probabilities, labels)
    chosen = np.flatnonzero((p.argmax(axis=1) == y) == right)
    order = np.argsort(-p.max(axis=1)[chosen], kind="stable")
    return chosen[order][: max(1, int(len(chosen) * share))]


def hard_but_correct(probabilities: ArrayLike, labels: ArrayLike, below: float = 0.3) -> np.ndarray:
    """Return the numbers of the pictures it got right with a confidence less than ``below``.

    Returns
    -------
    ndarray of int64
        The least sure first, equal ones by number.
    """
    p, y = check(probabilities, labels)
    confidence = p.max(axis=1)
    chosen = np.flatnonzero((p.argmax(axis=1) == y) & (confidence < below))
    return chosen[np.argsort(confidence[chosen], kind="stable")]


def wrong_at(
    probabilities: ArrayLike, labels: ArrayLike, at: Sequence[float] = THRESHOLDS
) -> dict[float, int]:
    """Return how many pictures are wrong with at least this confidence, for each threshold."""
    p, y = check(probabilities, labels)
    confidence = p.max(axis=1)[p.argmax(axis=1) != y]
    return {float(least): int((confidence >= least).sum()) for least in np.ravel(at)}


def guardrail(
    probabilities: ArrayLike, labels: ArrayLike, at: Sequence[float] = THRESHOLDS
) -> pd.DataFrame:
    """Return what happens if the model only answers when it is sure enough.

    Returns
    -------
    pandas.DataFrame
        ``threshold``, ``answered`` (the share of all pictures that have at least this
        confidence), ``accuracy`` (of those; NaN if there are none).
    """
    p, y = check(probabilities, labels)
    correct = p.argmax(axis=1) == y
    answered = p.max(axis=1) >= np.ravel(at)[:, None]
    return pd.DataFrame(
        {
            "threshold": np.ravel(at).astype(float),
            "answered": answered.mean(axis=1),
            "accuracy": [correct[some].mean() if some.any() else np.nan for some in answered],
        }
    )
