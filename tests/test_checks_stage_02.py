"""The checks of Stage 2 as pure functions, on small cases worked out by hand."""

import numpy as np
import pytest

from course_utils.checks.stage_02 import CHECKS, NAMES, class_counts, class_means
from course_utils.evidence import Cell, Chart, Evidence, Reference, Shown, Table, Unreadable, plain
from course_utils.practice import CLASS_NAMES
from tests.anything import ANYTHING

# 345 pictures: 30 of class 0, 31 of class 1, ... 39 of class 9, in turn.
COUNTS = list(range(30, 40))
LABELS = np.concatenate([np.repeat(np.arange(10), 30)] + [np.repeat(k, k) for k in range(10)])
_RANDOM = np.random.default_rng(0)
PICTURES = (LABELS[:, None, None, None] * 20 + _RANDOM.integers(0, 60, (345, 32, 32, 3))).astype(
    np.uint8
)
REFERENCE = Reference(np.zeros((0, 10)), LABELS, CLASS_NAMES, PICTURES)
SHIP = PICTURES[LABELS == 8].mean(axis=0)
BY_NAME = dict(zip(CLASS_NAMES, COUNTS, strict=True))


def evidence(cells=(), **values):
    return Evidence(2, list(cells), {name: plain(value) for name, value in values.items()})


def judge(check, cells=(), reference=REFERENCE, **values):
    return CHECKS[check].judge(evidence(cells, **values), reference)


def test_ten_points():
    assert sum(check.points for check in CHECKS.values()) == 10


def test_reference():
    assert class_counts(REFERENCE).tolist() == COUNTS
    assert np.allclose(class_means(REFERENCE)[8], SHIP)


def test_blank():
    for check in CHECKS:
        for values in ({}, dict.fromkeys(NAMES), dict.fromkeys(NAMES, ...)):
            result = judge(check, **values)
            assert result.points == 0
            assert result.saw.startswith("Still to do")


# --- Step 1


@pytest.mark.parametrize(
    ("value", "points", "says"),
    [
        (COUNTS, 2, "345"),
        (np.bincount(LABELS), 2, ""),
        (BY_NAME, 2, ""),
        ({name.upper(): count for name, count in BY_NAME.items()}, 2, ""),
        (dict(enumerate(COUNTS)), 2, ""),
        (list(BY_NAME.items()), 2, ""),
        (np.unique(LABELS, return_counts=True), 2, ""),
        (np.array(np.unique(LABELS, return_counts=True)), 2, ""),
        ((CLASS_NAMES, COUNTS), 2, ""),
        ([float(count) for count in COUNTS], 2, ""),
        ([str(count) for count in COUNTS], 2, ""),
        ("\n".join(f"{name}: {count}" for name, count in BY_NAME.items()), 2, ""),
        ([*COUNTS[:9], 345], 1, "truck"),
        ({**BY_NAME, "dog": 1, "cat": 1}, 1, "Not right: cat and dog"),
        (dict(list(BY_NAME.items())[:9]), 1, "No count yet for truck"),
        (dict(list(BY_NAME.items())[:3]), 0, "No count yet"),
        (COUNTS[::-1], 0, "add up to 345"),
        (np.array(COUNTS) / 345, 0, "shares"),
        (np.array(COUNTS) / 3.45, 0, "shares"),
        (np.arange(10), 0, "class numbers"),
        ([0] * 10, 0, "are 0"),
        (345, 0, "one number, 345"),
        (LABELS, 0, "each of the 345 pictures"),
        (LABELS == 3, 0, "each of the 345 pictures"),
        (len, 0, "cannot read"),
    ],
)
def test_counts(value, points, says):
    result = judge("count_classes", class_counts=value)
    assert (result.points, says in result.saw) == (points, True), result


EQUAL = Reference(np.zeros((0, 10)), np.repeat(np.arange(10), 50), CLASS_NAMES)


@pytest.mark.parametrize("reference", [REFERENCE, EQUAL])
def test_all_counts_at_once_are_no_answer(reference):
    """As in CIFAR-10 all classes may have the same count, so that one column would be right."""
    columns = {f"column {chr(97 + n // 26)}{chr(97 + n % 26)}": [n] * 10 for n in range(100)}
    lines = "\n".join(f"{name}: {n}" for n in range(100) for name in CLASS_NAMES)
    for value in (Table(columns, list(CLASS_NAMES)), lines):
        found = Evidence(2, [], {"class_counts": value})
        assert CHECKS["count_classes"].judge(found, reference).points == 0
    chart = Chart([], [[n] * 10 for n in range(100)], list(CLASS_NAMES))
    assert judge("chart_counts", [Cell("a", charts=[chart])], reference).points == 0


def test_printed_counts():
    lines = [f"{name} {count}\n" for name, count in BY_NAME.items()]
    assert judge("count_classes", [Cell("a", text="".join(lines))]).points == 2
    cells = [Cell(line, text=line) for line in lines]
    assert judge("count_classes", cells, class_counts=345).points == 2
    assert judge("count_classes", [Cell("a", text="".join(lines[:6]))]).points == 1
    numbers = "".join(f"{number} {count}\n" for number, count in enumerate(COUNTS))
    assert judge("count_classes", [Cell("a", text=numbers)]).points == 2


# --- Step 2


@pytest.mark.parametrize(
    ("chart", "points", "says"),
    [
        (Chart(COUNTS, [], list(CLASS_NAMES)), 2, ""),
        (Chart(COUNTS[::-1], [], [], "\n".join(CLASS_NAMES)), 2, ""),
        (Chart([], [[0, 345], COUNTS], [*map(str.upper, CLASS_NAMES)]), 2, ""),
        (Chart(COUNTS, [], [str(k) for k in range(10)]), 1, "class names"),
        (Chart(COUNTS, [], list(CLASS_NAMES[:9])), 1, "class names"),
        (Chart([*COUNTS[:9], 3], [], list(CLASS_NAMES)), 0, "not the counts"),
        (Chart(COUNTS[:9], [], list(CLASS_NAMES)), 0, "9 values"),
        (Chart([345], [], []), 0, "1 value."),
        (Chart([], [[float("nan")] * 10]), 0, "not the counts"),
        (Chart(), 0, "0 values"),
    ],
)
def test_chart(chart, points, says):
    result = judge("chart_counts", [Cell("a", charts=[chart])])
    assert (result.points, says in result.saw) == (points, True), result


def test_the_best_chart_counts():
    charts = [Chart([1, 2]), Chart(COUNTS), Chart(COUNTS, [], list(CLASS_NAMES)), Chart([3])]
    cells = [Cell(str(number), charts=[chart]) for number, chart in enumerate(charts)]
    assert judge("chart_counts", cells).points == 2
    assert judge("chart_counts", cells[:2]).points == 1


# --- Step 3


@pytest.mark.parametrize(
    ("value", "points", "says"),
    [
        (SHIP, 2, "average ship"),
        (SHIP / 255, 2, "average ship"),
        (SHIP.astype("uint8"), 2, "average ship"),
        (SHIP.astype("float32").tolist(), 2, "average ship"),
        ({"ship": SHIP}, 2, "average ship"),
        ({8: SHIP, 0: PICTURES[0]}, 2, "average ship"),
        ([SHIP / 255], 2, "average ship"),
        (class_means(REFERENCE), 2, "average airplane"),
        (list(class_means(REFERENCE) / 255), 2, "average airplane"),
        (PICTURES.mean(axis=0), 0, "average of all pictures"),
        (PICTURES.mean(axis=0) / 255, 0, "average of all pictures"),
        (PICTURES[LABELS == 8].sum(axis=0), 0, "a sum"),
        (PICTURES[LABELS == 8][0], 0, "one picture"),
        (SHIP + 9, 0, "not the average"),
        (SHIP.mean(), 0, "single number"),
        (SHIP.mean(axis=2), 0, "(32, 32)"),
        (PICTURES, 0, "(345, 32, 32, 3)"),
        (len, 0, "no block of numbers"),
        (np.full((32, 32, 3), np.nan), 0, "not the average"),
    ],
)
def test_average(value, points, says):
    result = judge("average_picture", [Cell("a", unknown=1)], average_picture=value)
    assert (result.points, says in result.saw) == (points, True), result


@pytest.mark.parametrize(
    ("cell", "points", "says"),
    [
        (Cell("a"), 1, "not seen"),
        (Cell("a", [Shown(3)]), 1, "not seen"),
        (Cell("a", unknown=1, white=1), 1, "white"),
        (Cell("a", unknown=2, white=1), 2, ""),
    ],
)
def test_an_average_has_to_be_shown(cell, points, says):
    result = judge("average_picture", [cell], average_picture=SHIP)
    assert (result.points, says in result.saw) == (points, True), result


def test_a_class_without_pictures_has_no_average():
    keep = LABELS != 3
    reference = Reference(np.zeros((0, 10)), LABELS[keep], CLASS_NAMES, PICTURES[keep])
    assert np.isnan(class_means(reference)[3]).all()
    cells = [Cell("a", unknown=1)]
    assert judge("average_picture", cells, reference, average_picture=SHIP).points == 2
    assert judge("average_picture", cells, reference, average_picture=SHIP + 50).points == 0


# --- Step 4


CAT, DOG = LABELS.tolist().index(3), LABELS.tolist().index(5)


@pytest.mark.parametrize(
    ("value", "points", "says"),
    [
        (["cat", "dog"], 2, "cat and dog"),
        (("Dog", "CATS"), 2, "cat and dog"),
        ({"cat", "dog"}, 2, ""),
        ("cats and dogs", 2, ""),
        ({"cat": 3, "dog": 5}, 2, ""),
        (np.array(["cat", "dog"]), 2, ""),
        (["cat", "deer"], 1, "no photo of deer"),
        (["frog", "deer"], 1, "no photo of deer and frog"),
        (["cat", "cat"], 0, "You named cat."),
        (["cat", "dog", "deer"], 0, "cat, deer and dog"),
        ([3, 5], 0, "numbers, not names"),
        (3, 0, "a number, not names"),
        ("car", 0, "automobile"),
        ("", 0, "no class"),
        (len, 0, "not a name"),
    ],
)
def test_pair(value, points, says):
    cells = [Cell("a", [Shown(CAT), Shown(DOG)])]
    result = judge("look_alike_pair", cells, look_alikes=value)
    assert (result.points, says in result.saw) == (points, True), result


# --- Step 5


@pytest.mark.parametrize(
    ("guess", "reason", "work", "points", "says"),
    [
        ("cat", "like a dog", {"saved": {"guess"}}, 2, "cat"),
        ("Cats!", "like a dog", {"saved": {"guess"}, "guess": "Cats!"}, 2, "cat"),
        ("cat", "like a dog", {"saved": {"guess"}, "guess": "CAT "}, 2, "cat"),
        ("cat", "like a dog", {"saved": {"guess"}, "guess": "dog"}, 1, "dog is kept"),
        ("cat", "like a dog", {"saved": set()}, 1, "not kept"),
        ("cat", "like a dog", {}, 1, "not kept"),
        ("cat", ..., {"saved": {"guess"}}, 1, "guess_reason"),
        ("cat", " ", {"saved": {"guess"}}, 1, "guess_reason"),
        ("cat", 3, {"saved": {"guess"}}, 1, "guess_reason"),
        ("cat or dog", "a reason", {"saved": {"guess"}}, 0, "cat and dog"),
        ("catt", "a reason", {"saved": {"guess"}}, 0, "Did you mean 'cat'?"),
        ("plane", "a reason", {"saved": {"guess"}}, 0, "Did you mean 'airplane'?"),
        (3, "a reason", {"saved": {"guess"}}, 0, "a number, not names"),
    ],
)
def test_guess(guess, reason, work, points, says):
    reference = Reference(np.zeros((0, 10)), LABELS, CLASS_NAMES, PICTURES, work)
    result = judge("keep_guess", (), reference, my_guess=guess, guess_reason=reason)
    assert (result.points, says in result.saw) == (points, True), result


# --- Anything at all


WEIRD = [
    *ANYTHING,
    *(None, True, 0, -1, 10**30, 2.5, float("nan"), float("inf"), "", "cat", "dog 3", "é", "٣"),
    *([], [[]], [None], ["cat", 3], [1, [2]], {}, {"cat": 1}, {1: 2}, {"a": None}, [{}, "dog"]),
    *(np.zeros(0), np.eye(3), np.full((32, 32, 3), np.nan), np.full((32, 32, 3), np.inf)),
    *(PICTURES, PICTURES[0], PICTURES[0] > 9, np.zeros((0, 32, 32, 3)), np.zeros((2, 0))),
    *([PICTURES[0], 3], [None] * 10, [float("nan")] * 10, {"cat": PICTURES[0], "x": "y"}),
    *(Unreadable("function"), Unreadable(""), Table({"a": [1]}, [0]), Table({}, [])),
]
CELLS = [
    [],
    [Cell("a", charts=[Chart(), Chart([float("inf")] * 10, [[], [1.0]], ["é"], "cat")])],
    [Cell("a", [Shown(0, "cat"), Shown(5)], 2, 2, 3, "cat 1 2 3 4 5 6 7 8 9\n3 cat")],
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("value", WEIRD, ids=lambda value: type(value).__name__)
def test_no_evidence_stops_a_check(value, cells):
    for name in NAMES:
        for pictures, work in ((PICTURES, {}), (None, {"saved": ["guess"], "guess": 3})):
            reference = Reference(np.zeros((0, 10)), LABELS, CLASS_NAMES, pictures, work)
            values = dict.fromkeys(NAMES, "cat") | {name: value}
            for check in CHECKS.values():
                result = check.judge(Evidence(2, cells, values), reference)
                assert 0 <= result.points <= check.points
                assert result.saw
                assert (result.points == check.points) == (result.try_next == "")
