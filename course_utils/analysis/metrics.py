"""All the numbers that are used to judge a classifier, and when each of them misleads.

``probabilities`` and ``labels`` are as in ``inputs``; so is what raises a ValueError. Everything
is computed in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import (
    average_precision_score,
    cohen_kappa_score,
    log_loss,
    matthews_corrcoef,
    precision_recall_fscore_support,
    roc_auc_score,
)

from course_utils.analysis.calibration import bins, ece, mce
from course_utils.analysis.inputs import check, names
from course_utils.analysis.mistakes import confusion, most_confident, wrong_at

_FAINT = (0.3, 0.4, 0.5)  # right answers less sure than this are counted


class Note(NamedTuple):
    """What to know of a metric: its name in words, when it helps and when it misleads."""

    title: str
    helps: str
    misleads: str


NOTES = {
    "accuracy": Note(
        "Accuracy",
        "One clear number when all classes are equally frequent and all mistakes equally bad.",
        "If 95 of 100 pictures are cats, always saying cat scores 95%.",
    ),
    "top2": Note(
        "Top-2 accuracy",
        "Shows whether the true class was at least the second choice.",
        "With two classes it is always 100%.",
    ),
    "top3": Note(
        "Top-3 accuracy",
        "Useful where a person picks from three suggestions.",
        "It also counts pictures whose first answer is wrong. With few classes it is always high.",
    ),
    "top5": Note(
        "Top-5 accuracy",
        "Made for a thousand classes, of which some are nearly the same.",
        "With ten classes pure guessing reaches 50%, and good models cannot be told apart.",
    ),
    "precision_macro": Note(
        "Precision, mean of all classes",
        "Of the pictures called cat, how many are cats? Look here when false alarms are costly.",
        "A model that hardly ever says cat can have high precision for cat and miss most cats.",
    ),
    "recall_macro": Note(
        "Recall, mean of all classes",
        "Of the cats, how many were found? Every class counts the same, however rare.",
        "Always saying cat finds every cat. A class with few pictures makes it jump.",
    ),
    "f1_macro": Note(
        "F1, mean of all classes",
        "Falls if a class has low precision or low recall, rare classes included.",
        "A class with five pictures weighs as much as one with five thousand.",
    ),
    "precision_weighted": Note(
        "Precision, weighted by class size",
        "Precision for the mix of pictures at hand.",
        "Frequent classes hide the rare ones.",
    ),
    "recall_weighted": Note(
        "Recall, weighted by class size",
        "Nothing new: it is the same number as accuracy.",
        "Listed beside accuracy it looks like a second proof.",
    ),
    "f1_weighted": Note(
        "F1, weighted by class size",
        "F1 for the mix of pictures at hand.",
        "It can be high while a rare class is never found.",
    ),
    "per_class_accuracy": Note(
        "Accuracy of each class",
        "Shows what one number for all classes hides.",
        "With 100 pictures in a class, 10 points up or down can be chance.",
    ),
    "per_class_precision": Note(
        "Precision of each class",
        "Shows which answer of the model can be trusted least.",
        "It changes with how frequent the classes are, even if the model stays the same.",
    ),
    "per_class_f1": Note(
        "F1 of each class",
        "One number for a class that is low if the class is missed or named too often.",
        "It does not say which of the two is the trouble.",
    ),
    "roc_auc_macro_ovr": Note(
        "AUROC, one class against the rest",
        "How often a cat gets a higher cat score than another picture; no threshold is needed.",
        "With many classes nearly every comparison is easy: 0.99 can go with 75% accuracy.",
    ),
    "ap_macro": Note(
        "AUPRC, one class against the rest",
        "How well a ranking by score puts the cats first. Stricter than AUROC for rare classes.",
        "Guessing scores the share of the class: do not compare sets with other mixes of classes.",
    ),
    "log_loss": Note(
        "Log loss",
        "Judges the scores themselves: being sure and wrong costs most.",
        "A few sure mistakes decide it. Computed from rounded scores it comes out wrong.",
    ),
    "brier_sum": Note(
        "Brier score",
        "Judges the scores too, from 0 to 2, and no single picture can ruin it.",
        "Some programs halve it: say which. It mixes being right with being honest.",
    ),
    "mcc": Note(
        "Matthews correlation (MCC)",
        "0 for guessing and 1 for perfect, also if some classes are rare.",
        "Hard to explain in words; with equally frequent classes it adds little to accuracy.",
    ),
    "kappa": Note(
        "Cohen's kappa",
        "Accuracy beyond what guessing with the same mix of answers would reach.",
        "The same model gets another kappa on another mix of classes.",
    ),
    "ece15": Note(
        "Expected calibration error (ECE)",
        "Is the model as often right as it says? 0 is honest.",
        "Always answering with the mean accuracy has ECE 0 and is useless. Bins matter.",
    ),
    "mce15": Note(
        "Maximum calibration error (MCE)",
        "The worst bin of the reliability diagram.",
        "That bin often holds a handful of pictures: look how many before you worry.",
    ),
}


def by_class(
    probabilities: ArrayLike, labels: ArrayLike, class_names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return precision, recall, F1, AUROC and AUPRC of each class against all others.

    Definitions are scikit-learn's. AUROC is the chance that a picture of the class has a higher
    score for it than another picture, a tie counting half. AUPRC is the average precision, the
    sum of precision times the step in recall, nothing interpolated.

    Returns
    -------
    pandas.DataFrame
        Indexed by the class's name: ``pictures``, ``precision`` (0 if the class is never
        predicted), ``recall`` and ``f1`` (0 if the class has no pictures), ``roc_auc`` and ``ap``
        (NaN if the class has no pictures; AUROC also if there are no others).
    """
    p, y = check(probabilities, labels)
    k = p.shape[1]
    precision, recall, f1, pictures = precision_recall_fscore_support(
        y, p.argmax(axis=1), labels=range(k), zero_division=0
    )
    roc_auc, ap = np.full(k, np.nan), np.full(k, np.nan)
    for number in np.flatnonzero(pictures):
        ap[number] = average_precision_score(y == number, p[:, number])
        if pictures[number] < len(y):
            roc_auc[number] = roc_auc_score(y == number, p[:, number])
    return pd.DataFrame(
        {
            "pictures": pictures,
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "roc_auc": roc_auc,
            "ap": ap,
        },
        index=pd.Index(names(class_names, k), name="class"),
    )


def summary(probabilities: ArrayLike, labels: ArrayLike) -> dict[str, Any]:
    """Return every metric, as plain numbers and lists that can be written as JSON.

    What cannot be known is NaN: the AUROC of one class alone, the confidence of wrong answers
    where there are none, the accuracy of a class without pictures.

    Parameters
    ----------
    probabilities : array_like of shape (n, k)
    labels : array_like of shape (n,) or (n, k)

    Returns
    -------
    dict
        ``n``, ``classes``
            How many pictures and classes.
        ``max_row_sum_error``
            How far the sum of a row, as given, is from one at most.
        ``accuracy``, ``wrong``
            The share that is right, and how many are not.
        ``top2``, ``top3``, ``top5``
            Share of pictures whose true class is among the 2, 3, 5 best scores; of equal scores
            the class with the lowest number is first.
        ``precision_macro``, ``recall_macro``, ``f1_macro``, ``precision_weighted``,
        ``recall_weighted``, ``f1_weighted``
            Means over all classes, plain or weighted by their pictures; 0 / 0 counts as 0. F1 is
            the mean of the classes' F1, not the F1 of the means.
        ``mcc``
            Matthews correlation for many classes (Gorodkin 2004); 0 if undefined.
        ``kappa``
            Cohen 1960; NaN if only one class occurs, among labels and predictions.
        ``log_loss``
            Natural logarithm. A score below 2.2e-16 counts as 2.2e-16, so that 0 is not infinite.
        ``brier_sum``
            Brier 1950: squared differences summed over the classes, from 0 to 2, not halved.
        ``roc_auc_macro_ovr``, ``ap_macro``
            Plain means of :func:`by_class` over the classes for which it is known.
        ``ece15``, ``mce15``, ``ece10``, ``mce10``
            With 15 and 10 bins; see ``calibration``.
        ``reliability15``
            ``[bin, pictures, accuracy, mean confidence]`` for each of 15 bins; None if empty.
        ``mean_conf``, ``mean_conf_wrong``, ``mean_conf_right``
            Mean confidence.
        ``wrong_ge``, ``hard_correct_lt``
            How many are wrong with at least, or right with less than, this confidence.
        ``hardest_class``, ``hardest_ties``, ``hardest_recall``, ``easiest_class``
            By accuracy of the class; the lowest number of ``hardest_ties`` equal ones.
        ``top_confusion``
            ``[true class, predicted class, count]`` of the most frequent one; None if all is
            right.
        ``first3_wrong``, ``top_confident_wrong``
            Numbers of the first three wrong pictures, and of the ten surest ones.
        ``exact_argmax_ties``
            Pictures with more than one largest score.
        ``per_class_accuracy``, ``per_class_precision``, ``per_class_f1``, ``per_class_roc_auc``,
        ``per_class_ap``, ``confusion_matrix``
            In the order of the class numbers; rows of the matrix are true classes.
    """
    p, y = check(probabilities, labels)
    n, k = p.shape
    index = np.arange(n)
    said, sure, true = p.argmax(axis=1), p.max(axis=1), p[index, y]
    right = said == y
    each = by_class(p, y)
    known = each[each["pictures"] > 0]
    weights = known["pictures"] / n
    matrix = confusion(p, y)
    mistaken = matrix - np.diag(matrix.diagonal())
    worst = np.unravel_index(mistaken.argmax(), mistaken.shape)
    accuracy = each["recall"].where(each["pictures"] > 0)
    # scikit-learn's top-k ranks the highest of equal classes first, argmax the lowest.
    ahead = (p > true[:, None]) | ((p == true[:, None]) & (np.arange(k) < y[:, None]))
    place = ahead.sum(axis=1)
    bars = bins(p, y)
    # One class, and always that answer: 0 / 0, of which scikit-learn would warn.
    varied = len({*y.tolist(), *said.tolist()}) > 1
    found = {
        "n": n,
        "classes": k,
        "max_row_sum_error": np.abs(np.asarray(probabilities, float).sum(axis=1) - 1).max(),
        "accuracy": right.mean(),
        "wrong": (~right).sum(),
        **{f"top{most}": (place < most).mean() for most in (2, 3, 5)},
        **{f"{name}_macro": each[name].mean() for name in ("precision", "recall", "f1")},
        **{
            f"{name}_weighted": (known[name] * weights).sum()
            for name in ("precision", "recall", "f1")
        },
        "mcc": matthews_corrcoef(y, said) if varied else 0.0,
        "kappa": cohen_kappa_score(y, said) if varied else np.nan,
        "log_loss": log_loss(y, p, labels=range(k)),
        # scikit-learn has it for many classes since 1.7 only.
        "brier_sum": ((p - np.eye(k)[y]) ** 2).sum(axis=1).mean(),
        "roc_auc_macro_ovr": each["roc_auc"].mean(),
        "ap_macro": each["ap"].mean(),
        **{f"ece{count}": ece(p, y, count) for count in (15, 10)},
        **{f"mce{count}": mce(p, y, count) for count in (15, 10)},
        "reliability15": [
            [number, bar.n, *((bar.accuracy, bar.confidence) if bar.n else (None, None))]
            for number, bar in enumerate(bars.itertuples())
        ],
        "mean_conf": sure.mean(),
        "mean_conf_wrong": sure[~right].mean() if not right.all() else np.nan,
        "mean_conf_right": sure[right].mean() if right.any() else np.nan,
        "wrong_ge": {str(least): count for least, count in wrong_at(p, y).items()},
        "hard_correct_lt": {str(most): (right & (sure < most)).sum() for most in _FAINT},
        "hardest_class": np.nanargmin(accuracy),
        "hardest_ties": (accuracy == accuracy.min()).sum(),
        "hardest_recall": accuracy.min(),
        "easiest_class": np.nanargmax(accuracy),
        "top_confusion": [*worst, mistaken[worst]] if mistaken.any() else None,
        "first3_wrong": np.flatnonzero(~right)[:3],
        "top_confident_wrong": most_confident(p, y, share=1)[:10],
        "exact_argmax_ties": ((p == sure[:, None]).sum(axis=1) > 1).sum(),
        "per_class_accuracy": accuracy,
        **{f"per_class_{name}": each[name] for name in ("precision", "f1", "roc_auc", "ap")},
        "confusion_matrix": matrix,
    }
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    """Return Python's own numbers and lists in place of NumPy's and pandas'."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.tolist() if hasattr(value, "tolist") else value
