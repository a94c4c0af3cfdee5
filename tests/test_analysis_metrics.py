"""Every metric: worked out by hand, against its definition, and on six real classifiers.

``golden_metrics.json`` holds what independent libraries (scikit-learn, netcal, SciPy) say of
predictions that are public. They are not part of this project.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import analysis
from tests.conftest import SHARED
from tests.test_analysis_mistakes import ANSWERS, NAMES, TRUTH

GOLDEN = json.loads(Path(__file__).with_name("golden_metrics.json").read_text())


@pytest.fixture(autouse=True)
def _no_warnings():
    """A student should see no warning of a library they do not know."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def real(name):
    """Return a real classifier's answers and the labels; skip the test where they are absent."""
    if not (SHARED / "predictions").exists():
        pytest.skip("needs the public predictions from ../shared, which are not here")
    found = np.load(SHARED / GOLDEN["metrics"][name]["file"])
    if isinstance(found, np.ndarray):  # has no labels of its own
        return found, real("netcal_lenet-5-cifar-10")[1]
    scores = next(found[key] for key in ("probs", "predictions") if key in found)
    return scores, next(found[key] for key in ("labels", "ground_truth") if key in found)


def same(found, expected, places=1e-9):
    """Whole numbers, names and gaps exactly; others within ``places``."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            same(found[key], value, places) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return len(found) == len(expected) and all(
            same(one, other, places) for one, other in zip(found, expected, strict=True)
        )
    if isinstance(expected, float):
        return abs(found - expected) <= places
    return found == expected and type(found) is type(expected)


@pytest.mark.real_data
@pytest.mark.parametrize("name", GOLDEN["metrics"])
def test_every_metric_of_real_classifiers(name):
    found = analysis.summary(*real(name))
    for metric, expected in GOLDEN["metrics"][name].items():
        if metric != "file":
            assert same(found[metric], expected), metric
    json.dumps(found)


@pytest.mark.real_data
def test_real_calibration_against_netcal():
    netcal = pytest.importorskip("netcal.metrics", reason="netcal is not installed")
    p, y = real("plambda_vgg16_keras")
    assert analysis.ece(p, y) == pytest.approx(netcal.ECE(15).measure(p, y), abs=1e-6)


# --- By hand -------------------------------------------------------------------------------


def test_summary_by_hand():
    """Three classes, six pictures, four of them right; see test_analysis_mistakes."""
    expected = {
        "n": 6,
        "classes": 3,
        "accuracy": 4 / 6,
        "wrong": 2,
        "top2": 5 / 6,
        "top3": 1.0,
        "top5": 1.0,
        "precision_macro": 2 / 3,
        "recall_macro": 2 / 3,
        "f1_macro": 2 / 3,
        "precision_weighted": 2 / 3,
        "recall_weighted": 2 / 3,
        "f1_weighted": 2 / 3,
        "mcc": (4 * 6 - 12) / (36 - 12),
        "kappa": (2 / 3 - 1 / 3) / (1 - 1 / 3),
        "log_loss": -math.log(0.7 * 0.5 * 0.8 * 0.1 * 0.4 * 0.9) / 6,
        "brier_sum": (0.14 + 0.375 + 0.06 + 1.26 + 0.56 + 0.015) / 6,
        # Of eight pairs each, ant wins five and ties one, bee wins six, cow all.
        "roc_auc_macro_ovr": (5.5 + 6 + 8) / 24,
        # ant comes at rank 1 and, tied, at 5; bee at 2 and 3; cow at 1 and 2.
        "ap_macro": ((1 + 2 / 5) / 2 + (1 / 2 + 2 / 3) / 2 + 1) / 3,
        # Each picture has a bin of its own.
        "ece15": (0.3 + 0.5 + 0.2 + 0.6 + 0.4 + 0.1) / 6,
        "mce15": 0.6,
        "mean_conf": 3.9 / 6,
        "mean_conf_wrong": 0.5,
        "mean_conf_right": 2.9 / 4,
        "wrong_ge": {"0.5": 1, "0.6": 1, "0.7": 0, "0.8": 0, "0.9": 0, "0.95": 0, "0.99": 0},
        "hard_correct_lt": {"0.3": 0, "0.4": 0, "0.5": 0},
        "hardest_class": 0,
        "hardest_ties": 2,
        "hardest_recall": 0.5,
        "easiest_class": 2,
        "top_confusion": [0, 1, 1],
        "first3_wrong": [3, 4],
        "top_confident_wrong": [3, 4],
        "exact_argmax_ties": 1,
        "per_class_accuracy": [0.5, 0.5, 1.0],
        "per_class_precision": [0.5, 0.5, 1.0],
        "per_class_f1": [0.5, 0.5, 1.0],
        "per_class_roc_auc": [5.5 / 8, 6 / 8, 1.0],
        "per_class_ap": [0.7, 7 / 12, 1.0],
        "confusion_matrix": [[1, 1, 0], [1, 1, 0], [0, 0, 2]],
    }
    found = analysis.summary(ANSWERS, np.eye(3)[TRUTH])
    for name, value in expected.items():
        assert same(found[name], value, 1e-12), name
    assert found["max_row_sum_error"] < 1e-15
    # 0.6 ends the ninth bin, 0.8 the twelfth: both belong to the bin that they end.
    assert [bar[0] for bar in found["reliability15"] if bar[1]] == [5, 7, 8, 10, 11, 13]
    assert same(found["reliability15"][8], [8, 1, 0.0, 0.6], 1e-12)
    assert found["reliability15"][0] == [0, 0, None, None]


def test_bins_are_closed_on_the_right():
    p, y = [[0.2, 0.2, 0.2, 0.2, 0.2], [0.4, 0.3, 0.1, 0.1, 0.1], [1, 0, 0, 0, 0]], [0, 1, 0]
    rows = analysis.bins(p, y, 5)
    assert list(rows) == ["lower", "upper", "n", "accuracy", "confidence"]
    assert rows["n"].tolist() == [1, 1, 0, 0, 1]
    assert rows["upper"].tolist() == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert rows["lower"].tolist() == [0, 0.2, 0.4, 0.6, 0.8]
    assert rows["accuracy"].tolist()[:2] == [1, 0]
    assert rows.loc[2, ["accuracy", "confidence"]].isna().all()
    assert analysis.ece(p, y, 5) == pytest.approx((0.8 + 0.4 + 0) / 3)
    assert analysis.mce(p, y, 5) == pytest.approx(0.8)


@pytest.mark.parametrize("count", range(1, 41))
def test_the_end_of_every_bin_belongs_to_it(count):
    """Whatever is rounded: a confidence of m / count is in the bin that ends there."""
    ends = [m / count for m in range(1, count + 1) if m / count >= 0.5]
    p = [[end, 1 - end] for end in ends]
    n = analysis.bins(p, [0] * len(p), count)["n"]
    assert n[n > 0].tolist() == [1] * len(p)
    assert n.index[n > 0].tolist() == [m - 1 for m in range(1, count + 1) if m / count >= 0.5]


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_bins_are_counted(count):
    with pytest.raises(ValueError, match="bins"):
        analysis.bins(ANSWERS, TRUTH, count)


def test_by_class_has_names():
    rows = analysis.by_class(ANSWERS, TRUTH, NAMES)
    assert tuple(rows.index) == NAMES
    assert list(rows) == ["pictures", "precision", "recall", "f1", "roc_auc", "ap"]
    assert rows.loc["ant"].tolist() == pytest.approx([2, 0.5, 0.5, 0.5, 5.5 / 8, 0.7])


# --- Against definitions -------------------------------------------------------------------


def by_definition(p, y):
    """The same numbers, written down as slowly and plainly as they are defined."""
    n, k = p.shape
    said = [min(range(k), key=lambda j, row=row: (-row[j], j)) for row in p]
    sure = [max(row) for row in p]
    f1, auc, ap = [], [], []
    for c in range(k):
        tp = sum(s == c and t == c for s, t in zip(said, y, strict=True))
        ends = 2 * tp + sum(s == c != t for s, t in zip(said, y, strict=True))
        ends += sum(s != c == t for s, t in zip(said, y, strict=True))
        f1.append(2 * tp / ends if ends else 0)
        own, others = p[y == c, c], p[y != c, c]
        if len(own):
            steps = [
                ((own >= t).sum() / len(own), (own >= t).sum() / (p[:, c] >= t).sum())
                for t in sorted(set(p[:, c]), reverse=True)
            ]
            recalls = [0, *(recall for recall, _ in steps)]
            ap.append(sum((r - recalls[i]) * q for i, (r, q) in enumerate(steps)))
        if len(own) and len(others):
            wins = (own[:, None] > others).sum() + 0.5 * (own[:, None] == others).sum()
            auc.append(wins / len(own) / len(others))
    ece, mce = 0, 0
    for m in range(15):
        inside = [i for i in range(n) if m / 15 < sure[i] <= (m + 1) / 15]
        if inside:
            gap = abs(sum((said[i] == y[i]) - sure[i] for i in inside)) / len(inside)
            ece, mce = ece + gap * len(inside) / n, max(mce, gap)
    t, q = np.bincount(y, minlength=k), np.bincount(said, minlength=k)
    right = sum(s == c for s, c in zip(said, y, strict=True))
    below = math.sqrt(float(n * n - q @ q) * float(n * n - t @ t))
    return {
        "accuracy": right / n,
        "f1_macro": sum(f1) / k,
        "mcc": float(right * n - t @ q) / below if below else 0,
        "kappa": (right / n - t @ q / n**2) / (1 - t @ q / n**2) if t @ q < n**2 else math.nan,
        "log_loss": -sum(math.log(p[i, y[i]]) for i in range(n)) / n,
        "brier_sum": sum((p[i, j] - (y[i] == j)) ** 2 for i in range(n) for j in range(k)) / n,
        "roc_auc_macro_ovr": sum(auc) / len(auc) if auc else math.nan,
        "ap_macro": sum(ap) / len(ap),
        "ece15": ece,
        "mce15": mce,
        **{
            f"top{most}": sum(
                y[i] in sorted(range(k), key=lambda j, i=i: (-p[i, j], j))[:most] for i in range(n)
            )
            / n
            for most in (2, 3, 5)
        },
    }


@given(st.integers(1, 40), st.sampled_from([2, 3, 10, 100]), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_every_metric_is_what_its_definition_says(n, k, seed):
    """Any pictures, with classes that are absent and with scores that tie."""
    rng = np.random.default_rng(seed)
    p = rng.integers(1, 5, (n, k)).astype(float) ** 3
    p /= p.sum(axis=1, keepdims=True)
    y = rng.integers(0, k, n)
    found = analysis.summary(p, y)
    for name, expected in by_definition(p, y).items():
        assert found[name] == pytest.approx(expected, abs=1e-9, nan_ok=True), name


def test_one_hundred_classes():
    rng = np.random.default_rng(5)
    scores = np.exp(3 * rng.normal(size=(400, 100)))
    p = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    y = np.where(rng.random(400) < 0.6, p.argmax(axis=1), rng.integers(0, 100, 400))
    found = analysis.summary(p, y)
    p = p.astype(np.float64)
    for name, expected in by_definition(p / p.sum(axis=1, keepdims=True), y).items():
        assert found[name] == pytest.approx(expected, abs=1e-9), name


# --- Traps ---------------------------------------------------------------------------------


def test_log_loss_is_that_of_float64():
    """A float32 score of 2e-15 is kept, not raised to float32's smallest step, 1.2e-7."""
    scores = np.array([[0.0, 34.0], [0.0, 30.0], [2.0, 0.0], [0.0, 1.0]])
    softmax = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    labels = [0, 0, 0, 1]
    truth = np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[range(4), labels])
    assert truth > 16
    found = analysis.summary(softmax.astype(np.float32), labels)["log_loss"]
    assert found == pytest.approx(truth, abs=1e-6)
    assert analysis.summary(softmax, labels)["log_loss"] == pytest.approx(truth, abs=1e-12)


def test_a_score_of_zero_has_a_log_loss_all_the_same():
    assert analysis.summary(np.eye(2), [1, 0])["log_loss"] == pytest.approx(-math.log(2**-52))
    assert analysis.summary(np.eye(2), [0, 1])["log_loss"] == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("classes", [2, 10, 100])
def test_one_picture(classes, right):
    p = np.full((1, classes), 0.4 / (classes - 1))
    p[0, 1] = 0.6
    found = analysis.summary(p, [1 if right else 0])
    assert found["accuracy"] == right
    assert found["n"] == 1
    assert math.isnan(found["roc_auc_macro_ovr"])
    assert found["ap_macro"] == 1
    assert math.isnan(found["kappa"]) == right
    assert found["mcc"] == 0
    assert math.isnan(found["mean_conf_wrong"]) == right
    assert math.isnan(found["mean_conf_right"]) != right
    assert (found["top_confusion"] is None) == right
    assert sum(map(math.isnan, found["per_class_accuracy"])) == classes - 1
    json.dumps(found)


def test_an_absent_class_is_left_out_where_it_has_no_value():
    found = analysis.summary(ANSWERS[:2], TRUTH[:2])  # no picture of the third class
    assert found["roc_auc_macro_ovr"] == 1
    assert found["ap_macro"] == 1
    assert found["recall_macro"] == pytest.approx(2 / 3)  # 0 / 0 counts as 0
    assert found["hardest_class"] == 0
    assert found["hardest_ties"] == 2


def test_no_mistakes_at_all():
    found = analysis.summary(np.eye(4), range(4))
    assert found["accuracy"] == found["mcc"] == found["kappa"] == found["f1_macro"] == 1
    assert found["ece15"] == found["mce15"] == found["brier_sum"] == found["wrong"] == 0
    assert found["first3_wrong"] == found["top_confident_wrong"] == []
    assert found["top_confusion"] is None
    assert found["hardest_ties"] == 4


def test_scores_that_are_all_alike_know_nothing():
    """The lowest number is the answer on a tie, so six pictures get two right."""
    found = analysis.summary(np.full((6, 3), 1 / 3), TRUTH)
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert found["top2"] == pytest.approx(2 / 3)
    assert found["roc_auc_macro_ovr"] == 0.5
    assert found["mcc"] == found["kappa"] == 0
    assert found["exact_argmax_ties"] == 6


# --- Notes ---------------------------------------------------------------------------------


def test_every_metric_has_a_note():
    found = analysis.summary(ANSWERS, TRUTH)
    assert analysis.NOTES.keys() <= found.keys()
    assert {"top2", "f1_weighted", "roc_auc_macro_ovr", "ap_macro", "ece15"} <= set(analysis.NOTES)
    for note in analysis.NOTES.values():
        for line in (note.helps, note.misleads):
            assert line.endswith((".", "?"))
            assert len(line) <= 100
    assert len({note.title for note in analysis.NOTES.values()}) == len(analysis.NOTES)
