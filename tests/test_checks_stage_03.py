"""The checks of Stage 3 as pure functions, on small piles worked out by hand."""

import numpy as np
import pytest

from course_utils.checks.stage_03 import (
    CHECKS,
    NAMES,
    one_hot,
    prove_fair,
    repeat_and_save,
    scale_pictures,
    split_piles,
)
from course_utils.evidence import Evidence, Reference, Unreadable, plain
from course_utils.practice import CLASS_NAMES
from tests.anything import ANYTHING

# A thousand pictures, a hundred of each class in turn: picture n is of class n % 10.
COUNT = 1000
LABELS = np.arange(COUNT) % 10
PICTURES = np.random.default_rng(0).integers(0, 256, (COUNT, 32, 32, 3)).astype(np.uint8)
NUMBERS = np.arange(COUNT)
VAL, TRAIN = NUMBERS[:100], NUMBERS[100:]  # ten of each class
OTHER = NUMBERS[50:150]
RIGHT = {
    "few_pictures": PICTURES[:5],
    "scaled_pictures": PICTURES[:5] / 255,
    "y_onehot": np.eye(10, dtype="float32")[LABELS],
    "train_numbers": TRAIN,
    "val_numbers": VAL,
    "overlap": 0,
    "train_counts": np.full(10, 90),
    "val_counts": np.full(10, 10),
    "val_again": VAL,
    "val_other": OTHER,
}


def reference(pictures=PICTURES, saved=("piles",)):
    work = {"saved": set(saved)}
    return Reference(np.zeros((0, 10)), LABELS, CLASS_NAMES, pictures, work)


def evidence(**values):
    values = RIGHT | values
    return Evidence(3, [], {name: plain(value) for name, value in values.items()})


def test_ten_points():
    assert tuple(CHECKS) == (
        "scale_pictures",
        "one_hot",
        "split_piles",
        "prove_fair",
        "repeat_and_save",
    )
    assert sum(check.points for check in CHECKS.values()) == 10
    for check in CHECKS.values():
        result = check.judge(evidence(), reference())
        assert (result.points, result.try_next) == (check.points, "")


@pytest.mark.parametrize("name", CHECKS)
def test_blank(name):
    result = CHECKS[name].judge(Evidence(3), reference(saved=()))
    assert result.points == 0
    assert result.saw.startswith("Still to do")


@pytest.mark.parametrize(
    ("few", "scaled", "points", "says"),
    [
        (PICTURES[7], PICTURES[7] / 255, 2, "1 picture"),
        (PICTURES[:3], (PICTURES[:3] / 255).astype("float16"), 2, "3 pictures"),
        (np.tile(PICTURES, (2, 1, 1, 1)), np.tile(PICTURES, (2, 1, 1, 1)) / 255, 1, "2,000"),
        (PICTURES[:5], PICTURES[:5] // 255, 0, "divided by 255"),
        (PICTURES[:5], PICTURES[:5] / 256 / 2, 0, "divided by 255"),
        (PICTURES[:5], PICTURES[:4] / 255, 0, "expected the shape"),
        (PICTURES[:5] / 255, PICTURES[:5] / 255, 0, "as they are"),
        (LABELS[:5], LABELS[:5] / 255, 0, "list of 5 numbers"),
        (PICTURES[:0], PICTURES[:0] / 255, 0, "few_pictures"),
    ],
)
def test_scaling(few, scaled, points, says):
    result = scale_pictures(evidence(few_pictures=few, scaled_pictures=scaled), reference())
    assert (result.points, says in result.saw) == (points, True)


@pytest.mark.parametrize(
    ("table", "points", "says"),
    [
        (np.eye(10)[LABELS].tolist(), 2, "1,000 rows"),
        (np.eye(10)[LABELS] == 1, 2, "1,000 rows"),
        (np.eye(10), 0, "shape (10, 10)"),
        (LABELS, 0, "list of 1000 numbers"),
        (np.eye(10)[:, LABELS], 0, "shape (10, 1000)"),
        (np.eye(11)[LABELS], 0, "shape (1000, 11)"),
        (np.eye(10)[LABELS] * 2, 0, "something else"),
        (np.eye(10)[(LABELS + 1) % 10], 1, "at place 1"),
        (np.zeros((COUNT, 10)), 0, "something else"),
    ],
)
def test_one_hot(table, points, says):
    result = one_hot(evidence(y_onehot=table), reference())
    assert (result.points, says in result.saw) == (points, True)


@pytest.mark.parametrize(
    ("train", "val", "points", "says"),
    [
        (TRAIN.tolist(), set(VAL.tolist()), 2, "fair share"),
        (NUMBERS[400:], NUMBERS[:400], 2, "(40%)"),
        (NUMBERS[410:], NUMBERS[:410], 0, "41.0%"),
        (NUMBERS[40:], NUMBERS[:40], 0, "4.0%"),
        (VAL, TRAIN, 0, "90.0%"),
        (NUMBERS, VAL, 0, "100 pictures are in both"),
        (TRAIN, NUMBERS[:101], 0, "1 picture is in both"),
        (TRAIN[1:], VAL, 0, "1 picture is in no pile"),
        (np.append(TRAIN, 999), VAL, 0, "more than once"),
        (np.setdiff1d(NUMBERS, NUMBERS[::10]), NUMBERS[::10], 1, "class airplane"),
        (PICTURES[TRAIN], PICTURES[VAL], 0, "holds pictures"),
        (TRAIN, NUMBERS < 100, 0, "True and False"),
        (TRAIN, VAL + 950, 0, "not picture numbers"),
        (TRAIN, VAL + 0.5, 0, "not picture numbers"),
        (TRAIN, [], 0, "0 numbers"),
    ],
)
def test_piles(train, val, points, says):
    result = split_piles(evidence(train_numbers=train, val_numbers=val), reference())
    assert (result.points, says in result.saw) == (points, True)


def test_a_random_pile_is_not_stratified_and_one_picture_more_is_fair():
    rng = np.random.default_rng(1)
    mixed = rng.permutation(NUMBERS)
    found = split_piles(evidence(train_numbers=mixed[100:], val_numbers=mixed[:100]), reference())
    assert (found.points, "stratify" in found.try_next) == (1, True)
    found = split_piles(
        evidence(train_numbers=NUMBERS[101:], val_numbers=NUMBERS[:101]), reference()
    )
    assert found.points == 2


@pytest.mark.parametrize(
    ("overlap", "points"),
    [(0, 2), (0.0, 2), (np.int64(0), 2), (set(), 2), ([], 2), (np.array([]), 2)]
    + [(1, 0), (100, 0), (False, 0), (True, 0), ("none", 0), (float("nan"), 0), ({3, 4}, 0)],
)
def test_overlap(overlap, points):
    assert prove_fair(evidence(overlap=overlap), reference()).points == points


def test_twins_in_the_data_set_cost_nothing():
    pictures = PICTURES.copy()
    pictures[500] = pictures[0]  # one in each pile
    for overlap in (0, 1):
        found = prove_fair(evidence(overlap=overlap), reference(pictures))
        assert found.points == 2
    assert split_piles(evidence(), reference(pictures)).points == 2
    assert prove_fair(evidence(overlap=1), reference(None)).points == 0


def test_an_overlap_that_is_there_is_to_be_counted():
    leaky = {"val_numbers": NUMBERS[50:150], "val_counts": np.full(10, 10)}
    assert prove_fair(evidence(overlap=50, **leaky), reference()).points == 2
    assert prove_fair(evidence(overlap=0, **leaky), reference()).points == 0


@pytest.mark.parametrize(
    ("counts", "points"),
    [
        ([10] * 10, 2),
        (dict.fromkeys(CLASS_NAMES, 10), 2),
        (dict.fromkeys(range(10), 10), 2),
        ([0.1] * 10, 2),
        ([10.0] * 10, 2),
        ([90] * 10, 1),
        ([10] * 9, 1),
        ({"cat": 10}, 1),
        ("ten", 1),
        (Unreadable("method"), 1),
    ],
)
def test_counts(counts, points):
    found = evidence()
    found.values["val_counts"] = counts
    assert prove_fair(found, reference()).points == points


@pytest.mark.parametrize(
    ("again", "other", "saved", "points", "says"),
    [
        (VAL[::-1], OTHER, True, 2, "only 50 of 100"),
        (VAL, OTHER, False, 1, "not saved"),
        (OTHER, OTHER, True, 1, "another pile"),
        (VAL, VAL, True, 1, "the same pile"),
        (TRAIN, OTHER, False, 0, "900 numbers"),
        (True, False, False, 0, "one number"),
    ],
)
def test_repeat_and_save(again, other, saved, points, says):
    found = evidence(val_again=again, val_other=other)
    result = repeat_and_save(found, reference(saved=("piles",) if saved else ()))
    assert (result.points, says in result.saw) == (points, True)


def test_saved_pictures_are_no_piles():
    found = evidence(train_numbers=PICTURES[TRAIN], val_numbers=PICTURES[VAL])
    assert repeat_and_save(found, reference()).points == 0


WEIRD = [
    *ANYTHING,
    ...,
    -3,
    10**30,
    "cat",
    [[1], [1, 2]],
    {"cat": "x", 3: None, 99: 1},
    {0: "a"},
    np.array(3),
    np.zeros((0, 10)),
    np.full(100, np.nan),
    np.full((COUNT, 10), np.nan),
    np.arange(COUNT * 10).reshape(COUNT, 10),
    np.zeros((5, 32, 32, 3)),
    np.full((5, 32, 32, 3), np.nan),
    PICTURES[:2],
    np.array(["a"]),
    object(),
]


@pytest.mark.parametrize("name", NAMES)
def test_no_value_stops_a_check(name):
    for value in WEIRD:
        for rest in ({}, RIGHT):
            values = {key: plain(entry) for key, entry in {**rest, name: value}.items()}
            for check in CHECKS.values():
                for saved in ((), ("piles",)):
                    result = check.judge(Evidence(3, [], values), reference(saved=saved))
                    assert 0 <= result.points <= check.points
                    assert result.saw
                    assert (result.points == check.points) == (result.try_next == "")
