"""Two models on the same pictures: counted by hand, and on real ones."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import analysis
from course_utils.checks.stage_08 import exact_p
from tests.test_analysis_metrics import GOLDEN, real

# Six pictures, two classes: right then right, fixed, regressed, and three times wrong twice.
BEFORE = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.95, 0.05], [0.7, 0.3], [0.2, 0.8]]
AFTER = [[0.8, 0.2], [0.2, 0.8], [0.6, 0.4], [0.6, 0.4], [0.7, 0.3], [0.1, 0.9]]
TRUTH = [0, 1, 1, 1, 1, 0]


@pytest.mark.real_data
@pytest.mark.parametrize("migration", GOLDEN["migrations"], ids=lambda one: one["a"])
def test_real_changes_exactly(migration):
    expected = dict(migration)
    before, labels = real(expected.pop("a"))
    after, _ = real(expected.pop("b"))
    found = analysis.compare(before, after, labels)
    p_value = expected.pop("mcnemar_exact_p")  # SciPy's versions differ in the last digit
    assert {name: found[name] for name in expected} == expected
    assert found["mcnemar_exact_p"] == pytest.approx(p_value, rel=1e-12)


@pytest.mark.real_data
def test_what_is_said_of_each_model_is_what_the_summary_says():
    migration = GOLDEN["migrations"][0]
    before, labels = real(migration["a"])
    after, _ = real(migration["b"])
    found = analysis.compare(before, after, labels)
    for when, model in (("before", "a"), ("after", "b")):
        golden = GOLDEN["metrics"][migration[model]]
        assert found[f"wrong_ge_{when}"] == golden["wrong_ge"]
        for name, key in (
            ("accuracy", "accuracy"),
            ("ece", "ece15"),
            ("log_loss", "log_loss"),
            ("mean_conf_wrong", "mean_conf_wrong"),
        ):
            assert found[f"{name}_{when}"] == pytest.approx(golden[key], abs=1e-9)
    assert (found["wrong_ge_before"]["0.9"], found["wrong_ge_after"]["0.9"]) == (825, 332)
    assert found["verdict"] == "cannot tell"


def test_compare_by_hand():
    found = analysis.compare(BEFORE, AFTER, TRUTH, ["ant", "bee"])
    expected = {
        "both_right": 1,
        "fixed": 1,
        "regressed": 1,
        "both_wrong": 3,
        "net": 0,
        "same_wrong_label": 3,
        "both_wrong_lower_conf": 1,  # 0.95 to 0.6; 0.7 stays, 0.8 rises
        "mcnemar_exact_p": 1.0,
        "verdict": "cannot tell",
        "accuracy_before": 2 / 6,
        "accuracy_after": 2 / 6,
        "wrong_ge_before": {
            **{"0.5": 4, "0.6": 4, "0.7": 3, "0.8": 2, "0.9": 1, "0.95": 1, "0.99": 0}
        },
        "wrong_ge_after": {
            **{"0.5": 4, "0.6": 4, "0.7": 2, "0.8": 1, "0.9": 1, "0.95": 0, "0.99": 0}
        },
        "per_class_change": [0.0, 0.0],
        "class_names": ["ant", "bee"],
    }
    assert {name: found[name] for name in expected} == expected
    assert found["mean_conf_wrong_before"] == pytest.approx((0.6 + 0.95 + 0.7 + 0.8) / 4)
    assert found["mean_conf_wrong_after"] == pytest.approx((0.6 + 0.6 + 0.7 + 0.9) / 4)
    loss = -math.log(0.9 * 0.4 * 0.7 * 0.05 * 0.3 * 0.2) / 6
    assert found["log_loss_before"] == pytest.approx(loss)
    json.dumps(found)


def moved(fixed, regressed, stayed=5):
    """Answers of two models of two classes, with so many pictures of each kind."""
    before = np.repeat([[0.3, 0.7], [0.8, 0.2], [0.8, 0.2]], [fixed, regressed, stayed], axis=0)
    after = np.repeat([[0.8, 0.2], [0.3, 0.7], [0.8, 0.2]], [fixed, regressed, stayed], axis=0)
    return before, after, np.zeros(len(before), int)


@pytest.mark.parametrize(
    ("fixed", "regressed", "p", "verdict"),
    [
        (0, 0, 1, "cannot tell"),
        (5, 0, 2 / 32, "cannot tell"),
        (6, 0, 2 / 64, "better"),
        (0, 6, 2 / 64, "worse"),
        (7, 3, 0.34375, "cannot tell"),
        (70, 30, 7.85e-5, "better"),
    ],
)
def test_verdict(fixed, regressed, p, verdict):
    found = analysis.compare(*moved(fixed, regressed))
    assert (found["fixed"], found["regressed"], found["net"]) == (
        fixed,
        regressed,
        fixed - regressed,
    )
    assert found["mcnemar_exact_p"] == pytest.approx(p, rel=1e-3)
    assert found["verdict"] == verdict


@given(st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_the_p_value_is_that_of_stage_8(fixed, regressed):
    found = analysis.compare(*moved(fixed, regressed))
    assert found["mcnemar_exact_p"] == pytest.approx(exact_p(fixed, regressed), rel=1e-9)


@given(st.integers(1, 60), st.sampled_from([2, 10, 100]), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_the_numbers_fit_each_other(n, k, seed):
    rng = np.random.default_rng(seed)
    before, after = rng.dirichlet(np.full(k, 0.3), (2, n))
    labels = rng.integers(0, k, n)
    found = analysis.compare(before, after, labels)
    back = analysis.compare(after, before, labels)
    kinds = ("both_right", "fixed", "regressed", "both_wrong")
    assert sum(found[kind] for kind in kinds) == n
    assert (found["fixed"], found["net"]) == (back["regressed"], -back["net"])
    assert found["accuracy_after"] - found["accuracy_before"] == pytest.approx(found["net"] / n)
    assert found["mcnemar_exact_p"] == back["mcnemar_exact_p"]
    for when, p in (("before", before), ("after", after)):
        alone = analysis.summary(p, labels)
        assert found[f"wrong_ge_{when}"] == alone["wrong_ge"]
        assert found[f"accuracy_{when}"] == alone["accuracy"]
        assert found[f"ece_{when}"] == alone["ece15"]
        assert found[f"log_loss_{when}"] == pytest.approx(alone["log_loss"], abs=1e-12)
        assert found[f"mean_conf_wrong_{when}"] == pytest.approx(
            alone["mean_conf_wrong"], nan_ok=True
        )
    rows = [analysis.per_class(p, labels)["accuracy"].to_numpy() for p in (before, after)]
    assert found["per_class_change"] == pytest.approx((rows[1] - rows[0]).tolist(), nan_ok=True)


def test_no_mistakes_an_absent_class_and_one_picture():
    found = analysis.compare([[1, 0, 0]], [[1, 0, 0]], [0])
    assert math.isnan(found["mean_conf_wrong_before"])
    assert found["per_class_change"][0] == 0
    assert np.isnan(found["per_class_change"][1:]).all()
    assert found["verdict"] == "cannot tell"
    assert found["class_names"] == ["class 0", "class 1", "class 2"]


def test_log_loss_is_that_of_float64():
    p = np.array([[1, 4e-15], [0.5, 0.5]], np.float32)
    expected = (-math.log(4e-15) + math.log(2)) / 2
    assert analysis.compare(p, p, [1, 0])["log_loss_after"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (AFTER[:5], r"same pictures and classes: before has the shape \(6, 2\), after \(5, 2\)"),
        ([[0.5, 0.5, 0]] * 6, "same pictures and classes"),
        ([[0.5, 0.4]] * 6, "sum"),
        ([[0.5, math.nan]] * 6, "not all numbers"),
    ],
)
def test_what_cannot_be_compared_is_refused(after, says):
    with pytest.raises(ValueError, match=says):
        analysis.compare(BEFORE, after, TRUTH)
