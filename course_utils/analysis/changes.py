"""Two models on the same pictures: what did the change change?

Imports neither pandas nor scikit-learn: it is used beside a training, where memory is short.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from course_utils.analysis.calibration import ece
from course_utils.analysis.inputs import THRESHOLDS, check, check_probabilities, names

_CHANCE = 0.05  # a difference that chance makes less often than this is taken for real


def compare(
    before: ArrayLike,
    after: ArrayLike,
    labels: ArrayLike,
    class_names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return what a change did to a classifier: the before/after card as plain data.

    Parameters
    ----------
    before, after : array_like of shape (n, k)
        Probabilities of two models for the same pictures in the same order.
    labels : array_like of shape (n,) or (n, k)
    class_names : sequence of str, optional

    Returns
    -------
    dict
        Of plain numbers, so that it can be written as JSON.

        ``both_right``, ``fixed`` (wrong before, right after), ``regressed`` (right before, wrong
        after), ``both_wrong``
            Pictures; together all of them.
        ``net``
            ``fixed - regressed``.
        ``same_wrong_label``, ``both_wrong_lower_conf``
            Of those wrong twice: how many got the same wrong answer, and how many a lower
            confidence after than before.
        ``mcnemar_exact_p``
            McNemar's test in its exact form, two-sided: how often a fair coin, tossed
            ``fixed + regressed`` times, is at least as far from half and half.
        ``verdict``
            "better" or "worse" if that is below 0.05, else "cannot tell".
        ``accuracy_before``, ``accuracy_after``
        ``wrong_ge_before``, ``wrong_ge_after``
            Pictures wrong with at least this confidence: ``{"0.5": ..., ..., "0.99": ...}``.
        ``mean_conf_wrong_before``, ``mean_conf_wrong_after``
            Mean confidence of the wrong answers, NaN if there are none.
        ``ece_before``, ``ece_after``, ``log_loss_before``, ``log_loss_after``
            As in :func:`course_utils.analysis.summary`, with 15 bins.
        ``per_class_change``
            Accuracy after minus accuracy before of each class, from -1 to 1; NaN for a class
            without pictures.
        ``class_names``
            The names that belong to it.

    Raises
    ------
    ValueError
        If the two do not answer for the same pictures and classes.
    """
    one, y = check(before, labels)
    two = check_probabilities(after)
    if one.shape != two.shape:
        raise ValueError(
            f"The two models do not answer for the same pictures and classes: before has the "
            f"shape {one.shape}, after {two.shape}."
        )
    (said_one, sure_one), (said_two, sure_two) = ((p.argmax(1), p.max(1)) for p in (one, two))
    right_one, right_two = said_one == y, said_two == y
    fixed, regressed = int((~right_one & right_two).sum()), int((right_one & ~right_two).sum())
    both_wrong = ~right_one & ~right_two
    moved = fixed + regressed
    chance = float(binomtest(fixed, moved, 0.5).pvalue) if moved else 1.0
    verdict = "better" if fixed > regressed else "worse"
    total = np.bincount(y, minlength=one.shape[1])
    gained = np.bincount(y, right_two.astype(int) - right_one, minlength=len(total))
    found = {
        "both_right": int((right_one & right_two).sum()),
        "fixed": fixed,
        "regressed": regressed,
        "both_wrong": int(both_wrong.sum()),
        "net": fixed - regressed,
        "same_wrong_label": int((both_wrong & (said_one == said_two)).sum()),
        "both_wrong_lower_conf": int((both_wrong & (sure_two < sure_one)).sum()),
        "mcnemar_exact_p": chance,
        "verdict": verdict if chance < _CHANCE else "cannot tell",
        "per_class_change": [
            float(some / all_) if all_ else float("nan")
            for some, all_ in zip(gained, total, strict=True)
        ],
        "class_names": list(names(class_names, len(total))),
    }
    for when, p in (("before", one), ("after", two)):
        found |= {f"{name}_{when}": value for name, value in _alone(p, y).items()}
    return found


def _alone(p: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """What is said of each model alone."""
    wrong = p.argmax(axis=1) != y
    sure = p.max(axis=1)[wrong]
    # As in scikit-learn: no score counts as less than float64's smallest step, 2.2e-16.
    true = np.maximum(p[np.arange(len(y)), y], np.finfo(np.float64).eps)
    return {
        "accuracy": float((~wrong).mean()),
        "wrong_ge": {str(least): int((sure >= least).sum()) for least in THRESHOLDS},
        "mean_conf_wrong": float(sure.mean()) if len(sure) else float("nan"),
        "ece": ece(p, y),
        "log_loss": float(-np.log(true).mean()),
    }
