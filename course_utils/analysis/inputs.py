"""What every function of the analysis is given: checked once, in one place.

``probabilities`` are what ``model.predict`` returned: one row for each picture, one score for
each class. ``labels`` are the true classes. The predicted class is the one with the largest
score, on a tie the one with the lowest number (as NumPy's ``argmax``); its score is the
*confidence*.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from course_utils.practice import CLASS_NAMES

# The confidences at which wrong answers are counted.
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)

_ROUNDING = 1e-3  # how far a row's sum may be from one, since scores are kept rounded
# So near, a row sums to one already: a score of 0.9 stays 0.9, and checking twice changes nothing.
_EXACT = 1e-14


def check(probabilities: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the answers and the labels in the one form that the analysis works on.

    Rows are made to sum to one in float64. In float32, as networks answer, the smallest scores
    are rounded off, and a log loss comes out too low.

    Parameters
    ----------
    probabilities : array_like of shape (n, k)
        Finite, not negative, and each row sums to one within 0.001.
    labels : array_like of shape (n,), (n, 1) or (n, k)
        Class numbers from 0 to k - 1, or one-hot rows.

    Returns
    -------
    probabilities : ndarray of shape (n, k), float64
    labels : ndarray of shape (n,), int64

    Raises
    ------
    ValueError
        If the two do not fit each other, or are not what they should be.
    """
    p = check_probabilities(probabilities)
    return p, _labels(labels, *p.shape)


def check_probabilities(given: ArrayLike) -> np.ndarray:
    """Return the answers alone as :func:`check` does, or raise its ValueError."""
    try:
        p = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            "The probabilities are not all numbers, or the rows are not equally long. "
            "Give what model.predict returned."
        ) from None
    if p.ndim != 2:
        raise ValueError(
            f"The probabilities should have one row for each picture and one column for each "
            f"class, but their shape is {p.shape}. For one picture, probabilities[None] makes "
            f"a row of its scores."
        )
    if not len(p):
        raise ValueError("There are no pictures here: the probabilities have no rows.")
    if p.shape[1] < 2:
        raise ValueError(
            "The probabilities have one column. Give one for each class; for two classes, "
            "np.column_stack([1 - p, p]) makes both."
        )
    if not (fine := np.isfinite(p).all(axis=1)).all():
        raise ValueError(
            f"The probabilities of picture {fine.argmin()} are not all numbers (NaN or infinite). "
            f"The training may have failed: look at its loss."
        )
    totals = p.sum(axis=1)
    if (p < 0).any() or (off := np.abs(totals - 1) > _ROUNDING).any():
        row = int((p < 0).any(axis=1).argmax() if (p < 0).any() else off.argmax())
        raise ValueError(
            f"The scores of picture {row} are no probabilities: they should be 0 or more and sum "
            f"to one, but the lowest is {p[row].min():.4g} and the sum {totals[row]:.6g}. If "
            f"the model ends without softmax, use tf.nn.softmax(scores)."
        )
    return p / np.where(np.abs(totals - 1) < _EXACT, 1, totals)[:, None]


def names(class_names: Sequence[str] | None, k: int) -> tuple[str, ...]:
    """Return the names of ``k`` classes.

    Parameters
    ----------
    class_names : sequence of str, optional
        By default CIFAR-10's names if there are ten classes, else ``class 0``, ``class 1``, ...
    k : int

    Raises
    ------
    ValueError
        If there are not as many names as classes, or two are alike.
    """
    if class_names is None:
        numbered = tuple(f"class {number}" for number in range(k))
        return tuple(CLASS_NAMES) if k == len(CLASS_NAMES) else numbered
    if isinstance(class_names, str):
        raise ValueError("class_names is one text. It should be a list with a name for each class.")
    found = tuple(map(str, class_names))
    if len(found) != k:
        raise ValueError(
            f"class_names has {len(found)} names, but the probabilities are for {k} classes. "
            f"Give one name for each class."
        )
    if len(set(found)) != k:
        twice = next(name for name in found if found.count(name) > 1)
        raise ValueError(f"class_names has {twice!r} twice. Give each class a name of its own.")
    return found


def _labels(given: ArrayLike, n: int, k: int) -> np.ndarray:
    y = np.asarray(given)
    if y.dtype.kind not in "biuf":
        raise ValueError("The labels should be class numbers or one-hot rows, not words.")
    if y.shape == (n, k):
        if not (((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all()):
            raise ValueError(
                "The labels have a column for each class, but are not one-hot: each row should "
                "be one 1 and else 0."
            )
        return y.argmax(axis=1).astype(np.int64)
    if y.shape not in ((n,), (n, 1)):
        raise ValueError(
            f"The probabilities are for {n} pictures and {k} classes, but the labels have the "
            f"shape {y.shape}. Give the labels of the same pictures, in the same order."
        )
    y = y.reshape(n)
    if not (np.isfinite(y) & (y == np.floor(y)) & (y >= 0) & (y < k)).all():
        raise ValueError(
            f"The labels should be whole numbers from 0 to {k - 1}, since the probabilities "
            f"have {k} columns."
        )
    return y.astype(np.int64)
