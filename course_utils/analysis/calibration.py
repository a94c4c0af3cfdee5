"""Does the model know how sure it may be? Of 100 answers given with 80 %, 80 should be right.

``probabilities`` and ``labels`` are as in ``inputs``; so is what raises a ValueError. pandas is
imported only for :func:`bins`: the before/after card must do without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from course_utils.analysis.inputs import check

if TYPE_CHECKING:
    import pandas as pd


def bins(probabilities: ArrayLike, labels: ArrayLike, count: int = 15) -> pd.DataFrame:
    """Return the bars of a reliability diagram: what was claimed, and what was true.

    Pictures are sorted by confidence into ``count`` bins of equal width, each with its upper
    end: ``lower < confidence <= upper``.

    Returns
    -------
    pandas.DataFrame
        ``lower``, ``upper``, ``n`` (pictures), ``accuracy`` and ``confidence`` (the means over
        the bin's pictures; NaN where there are none).
    """
    import pandas as pd

    n, accuracy, confidence = _binned(probabilities, labels, count)
    edges = np.arange(count + 1) / count
    return pd.DataFrame(
        {
            "lower": edges[:-1],
            "upper": edges[1:],
            "n": n,
            "accuracy": accuracy,
            "confidence": confidence,
        }
    )


def ece(probabilities: ArrayLike, labels: ArrayLike, count: int = 15) -> float:
    """Return the expected calibration error, from 0 (honest) to 1.

    The mean gap between accuracy and mean confidence over the bins of :func:`bins`, each weighed
    by its pictures (Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017, arXiv:1706.04599,
    equation 3, with 15 bins).
    """
    n, accuracy, confidence = _binned(probabilities, labels, count)
    used = n > 0
    return float(n[used] @ np.abs(accuracy - confidence)[used] / n.sum())


def mce(probabilities: ArrayLike, labels: ArrayLike, count: int = 15) -> float:
    """Return the maximum calibration error: the largest gap of all bins that hold a picture.

    Guo et al. 2017, arXiv:1706.04599, equation 5. Look up in :func:`bins` how many pictures that
    bin has: often it is a handful, and the gap is chance.
    """
    _, accuracy, confidence = _binned(probabilities, labels, count)
    return float(np.nanmax(np.abs(accuracy - confidence)))


def _binned(
    probabilities: ArrayLike, labels: ArrayLike, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pictures, accuracy and mean confidence of each bin."""
    if count < 1 or count != int(count):
        raise ValueError(f"There cannot be {count} bins. Give a whole number from 1 up.")
    p, y = check(probabilities, labels)
    sure = p.max(axis=1)
    # Searched, not multiplied: 0.2 belongs to the bin that ends at 3/15, whatever is rounded.
    place = np.searchsorted(np.arange(count + 1) / count, sure, side="left") - 1
    n = np.bincount(place, minlength=count)
    with np.errstate(invalid="ignore"):  # 0 / 0 in an empty bin is NaN, as it should be
        accuracy = np.bincount(place, p.argmax(axis=1) == y, count) / n
        confidence = np.bincount(place, sure, count) / n
    return n, accuracy, confidence
