"""The checks of Stage 10 as pure functions, on small cases worked out by hand."""

import numpy as np
import pytest

from course_utils.card import Card, Example, Facts, data_uri, render
from course_utils.checks.stage_10 import (
    CHECKS,
    NAMES,
    demo_card,
    evidence_table,
    limitation,
    show_two,
)
from course_utils.evidence import Cell, Evidence, Reference, Shown, Unreadable, plain
from course_utils.practice import CLASS_NAMES, draw_pictures

# A hundred pictures, ten of each class. Class k is right on 10, 9, 8, 7, 6, 2, 9, 9, 9, 9 of
# them; each mistake is called the next class. Its true class has the second score, except for
# the horses' one mistake, where it has the smallest.
RIGHT_OF_10 = [10, 9, 8, 7, 6, 2, 9, 9, 9, 9]
LABELS = np.repeat(np.arange(10), 10)
PREDICTED = np.concatenate(
    [[k] * right + [(k + 1) % 10] * (10 - right) for k, right in enumerate(RIGHT_OF_10)]
)
SCORES = np.tile(np.linspace(0.02, 0.03, 10), (100, 1))
SCORES[np.arange(100), LABELS] = 0.1
SCORES[79, 7] = 0.0
SCORES[np.arange(100), PREDICTED] = 0.62
SCORES /= SCORES.sum(axis=1, keepdims=True)
PICTURES = draw_pictures(100, seed=7)[0]
REFERENCE = Reference(SCORES, LABELS, CLASS_NAMES, PICTURES)
TABLE = {
    "accuracy": 0.78,
    "top-3 accuracy": 0.99,
    "hardest class": "dog",
    "hardest accuracy": 0.2,
}
RIGHT, WRONG = 3, 55  # an airplane, and a dog that is called a frog
SURE = float(SCORES[WRONG].max())
LIMIT = "It gets only two of ten dogs right, and calls the others frogs."
PARTS = {
    "name": "Ada",
    "facts": Facts(0.78, 0.99, "dog", 0.2),
    "right": Example(PICTURES[RIGHT], "airplane", "airplane", float(SCORES[RIGHT].max())),
    "wrong": Example(PICTURES[WRONG], "frog", "dog", SURE),
    "limitation": LIMIT,
    "class_names": CLASS_NAMES,
}


def evidence(cells=(), **values):
    return Evidence(10, list(cells), {name: plain(value) for name, value in values.items()})


def test_reference():
    assert (REFERENCE.predicted == LABELS).mean() == 0.78
    assert CHECKS.keys() == {"evidence_table", "show_two", "limitation", "demo_card"}
    assert sum(check.points for check in CHECKS.values()) == 10


# --- The table ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        {"Accuracy": "78%", "top3": 99, "hardest": "DOG", "hardest_accuracy": np.float32(0.2)},
        {"acc": np.array(0.78), "top_3": 0.99, "hardest class": ("dog", 0.2)},
        {"test accuracy": 78.0, "Top 3": 99.0, "hardest class": "dogs", "dog": 20.0},
        {"accuracy": 0.78, "top3": 0.99, "hardest": {"class": "dog", "accuracy": 0.2}},
        [("accuracy", 0.78), ("top 3", 0.99), ("hardest", "dog"), ("its dog accuracy", 0.2)],
        {**TABLE, "accuracy after Stage 8": 0.9},
    ],
)
def test_every_form_of_a_table(table):
    result = evidence_table(evidence(evidence=table), REFERENCE)
    assert result.points == 2, result
    assert "78.0%" in result.saw


def test_a_data_frame_in_both_directions():
    import pandas as pd

    one_row = pd.DataFrame([TABLE])
    lines = pd.DataFrame({"what": list(TABLE), "value": list(TABLE.values())})
    for table in (one_row, lines, pd.Series(TABLE), lines.set_index("what")):
        assert evidence_table(evidence(evidence=table), REFERENCE).points == 2


@pytest.mark.parametrize(
    ("change", "points", "says"),
    [
        ({"accuracy": 0.22}, 1, "share of wrong"),
        ({"accuracy": float(SCORES.max(axis=1).mean())}, 1, "mean confidence"),
        ({"accuracy": 7800}, 1, "above 1"),
        ({"accuracy": 0.5}, 1, "50.0%"),
        ({"top-3 accuracy": 0.78}, 1, "same as accuracy"),
        ({"top-3 accuracy": 0.5}, 1, "another share"),
        ({"hardest class": 5}, 1, "expected a name"),
        ({"hardest class": "cat"}, 1, "2 classes are lower"),
        ({"hardest accuracy": 0.78}, 1, "lowest of the ten"),
        ({"hardest accuracy": ...}, 1, "Still to do: hardest accuracy"),
        ({"accuracy": 0.1, "top-3 accuracy": 0.2, "hardest class": "cat"}, 0, "10.0%"),
        (dict.fromkeys(TABLE, ...), 0, "Still to do"),
    ],
)
def test_mistakes_in_the_table(change, points, says):
    result = evidence_table(evidence(evidence=TABLE | change), REFERENCE)
    assert result.points == points
    assert says in result.saw


def test_the_smallest_scores_are_told_apart():
    scores = SCORES.argsort(axis=1)[:, :3]
    share = (scores == LABELS[:, None]).any(axis=1).mean()
    result = evidence_table(evidence(evidence=TABLE | {"top-3 accuracy": share}), REFERENCE)
    assert "three smallest" in result.saw


# --- The two pictures --------------------------------------------------------------------


def caption(number, form="Pred: {}, True: {}, {:.1%} sure"):
    names = CLASS_NAMES[PREDICTED[number]], CLASS_NAMES[LABELS[number]]
    return form.format(*names, SCORES[number].max())


def cell(*forms, text=""):
    return Cell("a", [Shown(n, caption(n, f)) for n, f in zip((RIGHT, WRONG), forms, strict=True)],
                text=text)  # fmt: skip


GOOD = "Pred: {}, True: {}, {:.1%} sure"


@pytest.mark.parametrize(
    ("cells", "points", "says"),
    [
        ([cell(GOOD, GOOD)], 3, "pictures 3 (right) and 55 (wrong)"),
        ([cell("{} {:.0%}".replace("{:.0%}", "({2:.0%})").replace("{} ", "{0} "), GOOD)], 3, ""),
        ([cell(GOOD, "It says {}, but it is a {}: {:.3f}")], 3, ""),
        ([cell("Pred: {}, True: {}", "Pred: {}, True: {}")], 2, "how sure"),
        ([cell("", GOOD)], 2, "picture 3 does not say what"),
        ([cell(GOOD, "True: {}, Pred: {}, {:.0%}")], 2, "swapped"),
        ([Cell("a", [Shown(WRONG, caption(WRONG))])], 2, "picture 3 is not on the screen"),
        ([], 2, "not on the screen"),
    ],
)
def test_what_is_shown(cells, points, says):
    result = show_two(evidence(cells, right_number=RIGHT, wrong_number=WRONG), REFERENCE)
    assert result.points == points, result
    assert says in result.saw


@pytest.mark.parametrize(
    ("right", "wrong", "points", "says"),
    [
        (None, None, 0, "Still to do: right_number"),
        (RIGHT, None, 1, "Still to do: wrong_number"),
        (WRONG, RIGHT, 0, "not a right prediction"),
        (RIGHT, RIGHT, 1, "not a wrong prediction"),
        (RIGHT, 100, 1, "no test picture 100"),
        (-1, WRONG, 1, "no test picture -1"),
        ("3", WRONG, 1, "is '3'"),
        ([RIGHT, 4], WRONG, 1, "holds 2 values"),
        (True, WRONG, 1, "number of one picture"),
        (np.nan, WRONG, 1, "no test picture nan"),
        ([RIGHT], np.array([WRONG]), 2, "on the screen"),
        (np.int64(RIGHT), float(WRONG), 2, "on the screen"),
    ],
)
def test_numbers(right, wrong, points, says):
    result = show_two(evidence(right_number=right, wrong_number=wrong), REFERENCE)
    assert result.points == points, result
    assert says in result.saw


# --- The limitation ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "points"),
    [
        (LIMIT, 2),
        ("It knows only ten classes, so a banana gets a wrong name.", 2),
        ("Blurry pictures with a dark background are hard for it.", 2),
        ("Mein Modell hält jede zweite Katze für einen Hund, cat wird dog.", 2),
        ("My model can make mistakes, so please be careful.", 1),
        ("cats are hard", 0),
        ("cat cat cat cat cat cat cat", 0),
        ("My model often takes a ____ for a dog when it is small.", 0),
        ("", 0),
        ("   ", 0),
        (None, 0),
        (..., 0),
        (12, 0),
        ([LIMIT], 0),
    ],
)
def test_limits(text, points):
    result = limitation(evidence(limitation=text), REFERENCE)
    assert result.points == points, result
    assert bool(result.try_next) == (points < 2)


# --- The card ----------------------------------------------------------------------------


def judge(card, **values):
    known = {"evidence": TABLE, "right_number": RIGHT, "wrong_number": WRONG, "limitation": LIMIT}
    return demo_card(evidence(card=card, **known | values), REFERENCE)


CARD = render(**PARTS)


def test_the_course_s_own_card_is_whole():
    assert judge(CARD).points == 3, judge(CARD)
    assert judge(Card(CARD)).points == 3
    improved = {"accuracy_before": 0.5, "accuracy_after": 0.9, "fixed": 50, "regressed": 10}
    assert judge(render(**PARTS, improvement=improved)).points == 3


@pytest.mark.parametrize(
    ("card", "points", "says"),
    [
        (CARD.replace("78.0%", "99.9%"), 2, "accuracy is 99.9%"),
        (CARD.replace("<td>dog", "<td>cat"), 2, "hardest class is cat"),
        (CARD.replace("20.0% right", "60.0% right"), 2, "hardest accuracy is 60.0%"),
        (CARD.replace('alt="A tiny', 'title="A tiny'), 2, "no alt text"),
        (CARD.replace(LIMIT, "It is perfect."), 2, "limitation is not on the card"),
        (CARD.replace("<main", '<a href="https://example.org">me</a><main'), 2, "from outside"),
        (CARD.replace("body {", "body { background: url(sky.png);"), 2, "sky.png"),
        (CARD.replace("</style>", '@import "fonts.css";</style>'), 2, "fonts.css"),
        (CARD.replace(data_uri(PICTURES[WRONG]), "dog.png"), 1, "Picture 55 is not on the card"),
        (CARD.replace("<dd>frog</dd>", "<dd>???</dd>"), 2, "name frog is missing"),
        (CARD.upper(), 2, "not on the card"),
        (render(), 0, "is not on the card"),
        ("demo_card.html", 0, "the text 'demo_card.html'"),
        ("", 0, "the text ''"),
        (42, 0, "something else"),
        (Unreadable("PosixPath"), 0, "PosixPath"),
        (None, 0, "Still to do"),
    ],
)
def test_faults_of_a_card(card, points, says):
    known = card if isinstance(card, Unreadable) else plain(card)
    values = {"evidence": TABLE, "right_number": RIGHT, "wrong_number": WRONG, "limitation": LIMIT}
    result = demo_card(Evidence(10, [], values | {"card": known}), REFERENCE)
    assert result.points == points, result
    assert says in result.saw
    assert result.try_next


def test_a_card_of_one_s_own_counts():
    own = f"""<h1>My model</h1><ul><li>Accuracy: 78 %<li>Top 3: 0.99
        <li>Hardest: dog (20%)</ul><p>{LIMIT.replace(" ", "  ")}
        <img alt="an airplane" src="{data_uri(PICTURES[RIGHT].repeat(5, 0).repeat(5, 1))}">airplane
        <img alt="a dog" src="{data_uri(PICTURES[WRONG])}">It says frog, but it is a dog."""
    assert judge(own).points == 3, judge(own)
    assert judge(own.replace("78 %", "97 %")).points == 2


def test_a_wrong_table_costs_only_once():
    table = TABLE | {"accuracy": 0.6}
    card = render(**PARTS | {"facts": Facts(0.6, 0.99, "dog", 0.2)})
    assert judge(card, evidence=table).points == 3


def test_blank_parts_are_named():
    assert "no right prediction yet" in judge(CARD, right_number=None).saw
    assert "no accuracy yet" in judge(CARD, evidence=None).saw
    assert "not written yet" in judge(CARD, limitation="").saw


# --- Anything at all ---------------------------------------------------------------------

WEIRD = [
    None, ..., True, 0, -1, 10**30, 0.5, np.nan, np.inf, "", "<", "<img>", "<td>", "a" * 5000, "é",
    "<table><tr><td>", "<<<>>>", "&#xffffffff;", [], [[]], [None], [[1, 2], [3]], {}, {1: 2},
    {"accuracy": None}, {"accuracy": []}, {"hardest class": 99}, {"hardest": {"class": {}}},
    {None: None}, np.zeros(0), np.zeros((3, 4)), np.array(["cat"]), np.array(5), object(),
    {"accuracy": "many %"}, {"accuracy": float("nan")}, [("accuracy",)], [{"accuracy": 0.5}],
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_nothing_raises(name):
    known = {"evidence": TABLE, "right_number": RIGHT, "wrong_number": WRONG, "limitation": LIMIT}
    known["card"] = CARD
    for value in WEIRD:
        for bare in (REFERENCE, Reference(SCORES, LABELS, CLASS_NAMES)):
            given = evidence([cell(GOOD, GOOD)], **known | {name: value})
            for check in CHECKS.values():
                result = check.judge(given, bare)
                assert 0 <= result.points <= check.points
                assert result.saw
