"""The checks of Stage 5 as pure functions, on a history worked out by hand."""

import numpy as np
import pytest

from course_utils.checks import STAGES
from course_utils.checks.stage_05 import (
    as_number,
    curves_of,
    plan_training,
    plot_curves,
    read_curves,
    save_model,
    says_yes,
    shares,
    train_model,
)
from course_utils.evidence import Cell, Chart, Evidence, Reference, Unreadable, plain
from course_utils.practice import CLASS_NAMES
from tests.anything import ANYTHING

# Best validation accuracy in epoch 3 of 4; at the end the gap is 0.10.
HISTORY = {
    "loss": [1.9, 1.4, 1.1, 0.9],
    "accuracy": [0.30, 0.50, 0.60, 0.68],
    "val_loss": [1.8, 1.5, 1.3, 1.31],
    "val_accuracy": [0.35, 0.45, 0.59, 0.58],
}
LEGEND = ["training", "validation"]


def evidence(cells=(), **values):
    return Evidence(5, list(cells), {name: plain(value) for name, value in values.items()})


def reference(**work):
    return Reference(np.zeros((0, 10)), np.zeros(0, int), CLASS_NAMES, work=work)


def judge(check, cells=(), work=None, **values):
    return check(evidence(cells, **values), reference(**(work or {})))


def with_(**changes):
    return HISTORY | changes


class Fitted:
    """As Keras's History."""

    history = HISTORY


# --- Step 1 ------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [2, 8, np.int64(8), 30])
def test_a_plan(value):
    assert judge(plan_training, epochs=value).points == 1


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (..., "Still to do"),
        ("8", "text"),
        ("eight", "not a number"),
        (8.0, "decimal point"),
        (1, "2 or more"),
        (-3, "2 or more"),
        (True, "not a number"),
        ([8, 9], "not a number"),
        (float("nan"), "not a number"),
    ],
)
def test_no_plan(value, says):
    result = judge(plan_training, epochs=value)
    assert (result.points, says in result.saw) == (0, True)


# --- Step 2 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "history",
    [
        HISTORY,
        Fitted(),
        {name: np.array(values, np.float32) for name, values in HISTORY.items()},
        {name.replace("accuracy", "acc"): values for name, values in HISTORY.items()},
        {name.replace("acc", "categorical_acc"): values for name, values in HISTORY.items()},
    ],
)
def test_a_training(history):
    assert judge(train_model, history=history).points == 2


@pytest.mark.parametrize(
    ("history", "points", "says"),
    [
        (..., 0, "Still to do"),
        (Unreadable("method"), 0, "a Unreadable"),
        ("done", 0, "something else"),
        ({}, 0, "something else"),
        ({"loss": [1.0, 0.5], "accuracy": [0.5, 0.6]}, 1, "no validation values"),
        ({"loss": [1.0, 0.5], "val_loss": [0.5, 0.6]}, 1, "no accuracy"),
        ({name: values[:1] for name, values in HISTORY.items()}, 1, "one epoch"),
        (with_(loss=[1.0, float("nan"), 1, 1]), 1, "nan"),
        (with_(val_accuracy=[0.1, 0.11, 0.12, 0.1], val_loss=[2.3] * 4), 1, "little better"),
        (with_(val_accuracy=[0.1, 0.2, 0.3, 0.49]), 1, "a start"),
        (with_(val_loss=[0.09, 0.08, 0.07, 0.06]), 1, "another loss"),
    ],
)
def test_half_a_training(history, points, says):
    result = judge(train_model, history=history)
    assert (result.points, says in result.saw) == (points, True), result


def test_the_best_epoch_counts_for_the_floor():
    history = with_(val_accuracy=[0.3, 0.51, 0.4, 0.45])
    assert judge(train_model, history=history).points == 2


def test_a_wrong_answer_costs_at_least_ln_2():
    """A model that is nearly sure and always right where it is sure is not suspected."""
    history = with_(val_loss=[0.7 * 0.41] * 4, val_accuracy=[0.59] * 4)
    assert judge(train_model, history=history).points == 2


# --- Step 3 ------------------------------------------------------------------------------


def chart(*names, legend=LEGEND, scale=1.0, title=""):
    """A plot as the recorder notes it: labels of lines first, then of the legend."""
    lines = [[scale * value for value in HISTORY[name]] for name in names]
    labels = (legend or [f"_child{place}" for place in range(len(names))])[: len(names)]
    words = "\n".join([title, *(labels if legend else [])])
    return Chart([], lines, labels + (labels if legend else []), words)


LOSSES, ACCURACIES = chart("loss", "val_loss"), chart("accuracy", "val_accuracy")


@pytest.mark.parametrize(
    "charts",
    [
        [LOSSES, ACCURACIES],
        [LOSSES, chart("accuracy", "val_accuracy", scale=100)],
        [chart(*HISTORY, legend=list(HISTORY))],
        [chart(name, legend=None, title=name) for name in HISTORY],
        [chart("val_loss", "loss", legend=["new pictures", "known pictures"]), ACCURACIES],
        [chart("loss", "val_loss", legend=None), LOSSES, ACCURACIES],
    ],
)
def test_both_curves(charts):
    cells = [Cell(str(place), charts=[one]) for place, one in enumerate(charts)]
    assert judge(plot_curves, cells, history=HISTORY).points == 3
    assert judge(plot_curves, [Cell("a", charts=charts)], history=HISTORY).points == 3


def test_names_from_the_legend_alone():
    """plt.legend(["training", "validation"]) leaves the lines' own labels as they are."""
    named = [
        Chart([], one.lines, ["_child0", "_child1", *LEGEND], "\n".join(LEGEND))
        for one in (LOSSES, ACCURACIES)
    ]
    assert judge(plot_curves, [Cell("a", charts=named)], history=HISTORY).points == 3
    for one in named:
        one.labels[2:] = LEGEND[::-1]
    result = judge(plot_curves, [Cell("a", charts=named)], history=HISTORY)
    assert (result.points, "swapped" in result.saw) == (2, True)


@pytest.mark.parametrize(
    ("charts", "points", "says"),
    [
        ([], 0, "no plot"),
        ([Chart([1.0, 2.0])], 0, "no lines"),
        ([Chart([], [[1.0, 2, 3, 4]], ["a"], "a")], 0, "not the numbers of your history"),
        ([Chart([], [[]], [], "")], 0, "not the numbers of your history"),
        ([LOSSES], 2, "The training accuracy and the validation accuracy are missing"),
        ([ACCURACIES], 2, "are missing"),
        ([chart("loss")], 1, "are missing"),
        ([chart("loss", "accuracy", legend=["a", "b"])], 1, "The validation loss and"),
        ([chart("loss", "val_loss", legend=None), ACCURACIES], 2, "which line is which"),
        ([chart("loss", "val_loss", legend=None, title="Value")], 1, "which line is which"),
        ([chart("val_loss", "loss"), ACCURACIES], 2, "swapped"),
    ],
)
def test_half_the_curves(charts, points, says):
    result = judge(plot_curves, [Cell("a", charts=charts)], history=HISTORY)
    assert (result.points, says in result.saw) == (points, True), result


def test_labels_that_nobody_sees_do_not_count():
    hidden = [Chart([], one.lines, LEGEND, "") for one in (LOSSES, ACCURACIES)]
    assert judge(plot_curves, [Cell("a", charts=hidden)], history=HISTORY).points == 2


def test_curves_of_an_older_training():
    result = judge(plot_curves, [Cell("a", charts=[LOSSES])], history=with_(loss=[9.0] * 4))
    assert result.points == 1
    assert "The training loss" in result.saw


# --- Step 4 ------------------------------------------------------------------------------


@pytest.mark.parametrize("best", [3, 3.0, "3", np.int64(3), [3]])
@pytest.mark.parametrize("gap", [0.1, 0.104, 10, "10 %", np.float32(0.1)])
@pytest.mark.parametrize("overfits", [True, "yes", "It overfits.", 1, np.bool_(True)])
def test_findings(best, gap, overfits):
    result = judge(read_curves, history=HISTORY, best_epoch=best, gap=gap, overfits=overfits)
    assert (result.points, result.try_next) == (3, "")


@pytest.mark.parametrize(
    ("changes", "points", "says"),
    [
        ({"best_epoch": 2}, 2, "counted from 0"),
        ({"best_epoch": 0.59}, 2, "I expected its number"),
        ({"best_epoch": 4}, 2, "In another epoch"),
        ({"best_epoch": "last"}, 2, "not a number"),
        ({"best_epoch": ...}, 2, "Still to do: best_epoch"),
        ({"gap": -0.1}, 2, "other sign"),
        ({"gap": -0.41}, 2, "losses"),
        ({"gap": 0.01}, 2, "another epoch"),
        ({"gap": 0.3}, 2, "not the gap of the last epoch"),
        ({"gap": "big"}, 2, "not a number"),
        ({"overfits": False}, 2, "0.100 is over 0.05"),
        ({"overfits": "no"}, 2, "over 0.05"),
        ({"overfits": "doesn't"}, 2, "over 0.05"),
        ({"overfits": 0.1}, 2, "cannot read"),
        ({"overfits": "maybe"}, 2, "cannot read"),
        ({"gap": ..., "overfits": ...}, 1, "Still to do: gap and overfits"),
    ],
)
def test_findings_that_are_wrong(changes, points, says):
    values = {"best_epoch": 3, "gap": 0.1, "overfits": True} | changes
    result = judge(read_curves, history=HISTORY, **values)
    assert (result.points, says in result.saw) == (points, True), result
    assert result.try_next


@pytest.mark.parametrize(
    ("gap", "yes", "no"),
    [(-0.05, 0, 1), (0.029, 0, 1), (0.031, 1, 1), (0.05, 1, 1), (0.069, 1, 1), (0.071, 1, 0)],
)
def test_a_close_call(gap, yes, no):
    history = with_(accuracy=[0.3, 0.5, 0.6, 0.58 + gap])
    for said, points in ((True, yes), (False, no)):
        result = judge(read_curves, history=history, best_epoch=3, gap=gap, overfits=said)
        assert result.points == 2 + points


def test_ties_and_the_lowest_loss_are_best_too():
    history = with_(val_accuracy=[0.35, 0.59, 0.59, 0.58], val_loss=[1.8, 1.5, 1.3, 1.2])
    for best, points in ((1, 2), (2, 3), (3, 3), (4, 3)):
        result = judge(read_curves, history=history, best_epoch=best, gap=0.1, overfits=True)
        assert result.points == points


def test_findings_without_a_training():
    result = judge(read_curves, best_epoch=3)
    assert (result.points, "Finish Step 2" in result.try_next) == (0, True)


# --- Step 5 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("saved", "points", "says"),
    [
        ({"model", "history"}, 1, "are saved"),
        ({"model", "history", "guess"}, 1, "are saved"),
        ({"model"}, 0, "history is not saved"),
        ({"history"}, 0, "model is not saved"),
        (set(), 0, "Still to do"),
        (None, 0, "Still to do"),
    ],
)
def test_saved(saved, points, says):
    result = judge(save_model, work={"saved": saved})
    assert (result.points, says in result.saw) == (points, True)


# --- Reading values ------------------------------------------------------------------------


def test_numbers():
    given = ("0.5", " 53 % ", 7, [2], np.array(0.5))
    assert [as_number(value) for value in given] == [0.5, 53, 7, 2, 0.5]
    assert {as_number(value) for value in (True, None, "x", [], [1, 2], {})} == {None}
    assert (shares(85), shares(0.1), shares("8 %")) == ([85, 0.85], [0.1], [0.08])
    assert [says_yes(v) for v in ("Yes!", True, 1, "not", 0)] == [True] * 3 + [False] * 2
    assert {says_yes(value) for value in (2, None, "", [], "gap")} == {None}
    assert curves_of({"loss": [1, 2, 3], "val_loss": [1], "lr": [0], 3: "x"}) == {
        "loss": [1.0],
        "val_loss": [1.0],
    }


# --- Whatever a student writes ---------------------------------------------------------------

WEIRD = [
    *ANYTHING,
    {"loss": "x", "val_accuracy": [None]},
    {"loss": [], "accuracy": []},
    {name: [float("nan")] * 3 for name in HISTORY},
    {name: [float("inf")] * 3 for name in HISTORY},
    {name: np.zeros((2, 2)) for name in HISTORY},
    HISTORY,
    np.zeros(0),
    np.zeros((3, 3)),
    np.array([True, False]),
    np.array(3),
    Unreadable("function"),
]
CELLS = [
    [],
    [Cell("a", text="loss 0.5")],
    [Cell("a", charts=[Chart(), Chart([1.0]), Chart([], [[], [float("nan")] * 4], [], "val")])],
    [Cell("a", charts=[Chart([], [[float("inf")] * 4, HISTORY["val_loss"]], ["x"], "é")])],
    [Cell("a", charts=[LOSSES])],
]


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("history", [None, HISTORY])
@pytest.mark.parametrize("name", ["epochs", "history", "best_epoch", "gap", "overfits", "all"])
def test_no_value_stops_a_check(name, history, cells):
    for value in WEIRD:
        names = ["epochs", "history", "best_epoch", "gap", "overfits"]
        values = {"history": history} | {n: value for n in names if name in (n, "all")}
        found = Evidence(5, cells, values)
        for check in STAGES[5].values():
            for work in ({}, {"saved": {"model"}}):
                result = check.judge(found, reference(**work))
                assert 0 <= result.points <= check.points
                assert result.saw
                assert (result.points == check.points) == (result.try_next == "")
