"""The checks of Stage 8 as pure functions, on small cases worked out by hand."""

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest

from course_utils.augment import crop, cutmix, flip
from course_utils.checks.stage_08 import (
    CHECKS,
    NAMES,
    compare_models,
    exact_p,
    judge_gain,
    mix_pictures,
    show_changes,
    train_improved,
)
from course_utils.evidence import Cell, Evidence, Reference, Shown, Unreadable, plain
from course_utils.practice import CLASS_NAMES, draw_pictures

PICTURES = draw_pictures(8, seed=7)[0]
PHOTO = PICTURES[0]
COPIES = np.stack([PHOTO] * 6)

# A hundred pictures, ten of each class. Before, the first 60 are right; after, those from 10 on
# up to 79: 10 regressed, 20 fixed, 50 right both times. Every fifth answer is 95 % sure.
LABELS = np.arange(100) % 10
EVERY_FIFTH = np.arange(100) % 5 == 0


def scores(right):
    """Ten scores for each picture; those that are not right name the next class."""
    chosen = np.where(right, LABELS, (LABELS + 1) % 10)
    sure = np.where(EVERY_FIFTH, 0.95, 0.55)[:, None]
    rest = (1 - sure) / 9
    return np.where(np.arange(10) == chosen[:, None], sure, rest)


RIGHT_BEFORE = np.arange(100) < 60
RIGHT_AFTER = (np.arange(100) >= 10) & (np.arange(100) < 80)
BEFORE, AFTER = scores(RIGHT_BEFORE), scores(RIGHT_AFTER)
HISTORY = {
    "loss": [2.0, 1.5, 1.2],
    "accuracy": [0.2, 0.4, 0.5],
    "val_loss": [2.1, 1.6, 1.3],
    "val_accuracy": [0.15, 0.35, 0.45],
}
SAVED = {"improved", "improved_predictions", "improvement"}
REFERENCE = Reference(BEFORE, LABELS, CLASS_NAMES, work={"history": HISTORY, "saved": SAVED})
TABLE = {
    "before_predictions": BEFORE,
    "after_predictions": AFTER,
    "accuracy_before": 0.6,
    "accuracy_after": 0.7,
    "sure_wrong_before": 8,
    "sure_wrong_after": 6,
    "fixed": 20,
    "regressed": 10,
}
P = binomtest(20, 30, 0.5).pvalue  # 0.0987


def evidence(cells=(), **values):
    return Evidence(8, list(cells), {name: plain(value) for name, value in values.items()})


def screens(count):
    return [Cell(str(n), unknown=2) for n in range(count)]


def test_the_cases_are_what_they_say():
    assert sum(check.points for check in CHECKS.values()) == 10
    assert (~RIGHT_BEFORE & RIGHT_AFTER).sum() == 20
    assert (RIGHT_BEFORE & ~RIGHT_AFTER).sum() == 10
    assert (~RIGHT_BEFORE & EVERY_FIFTH).sum() == 8
    assert (~RIGHT_AFTER & EVERY_FIFTH).sum() == 6


# --- Step 1 ------------------------------------------------------------------------------


def changes(**other):
    rng = np.random.default_rng(42)
    values = {"photo": PHOTO, "flipped": flip(COPIES, rng), "cropped": crop(COPIES, rng)}
    return values | other


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"flipped": PHOTO[:, ::-1]},
        {"flipped": np.fliplr(PHOTO)[None]},
        {"cropped": crop(flip(COPIES, np.random.default_rng(1)), np.random.default_rng(2))},
        {"cropped": crop(COPIES, np.random.default_rng(2), margin=8)},
        {"photo": PHOTO[None]},
        {"flipped": list(flip(COPIES, np.random.default_rng(42)))},
    ],
)
def test_right_changes(other):
    assert show_changes(evidence(screens(1), **changes(**other)), REFERENCE).points == 1


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"flipped": ...}, "Still to do: flipped"),
        ({"flipped": ..., "cropped": ...}, "flipped and cropped"),
        ({"flipped": COPIES}, "No picture in flipped is mirrored"),
        ({"cropped": COPIES}, "No picture in cropped has moved"),
        ({"flipped": COPIES[:, ::-1]}, "neither the photo nor its mirror image"),
        ({"flipped": PHOTO[..., ::-1]}, "neither the photo nor"),
        ({"flipped": flip(PICTURES, np.random.default_rng(42))}, "neither the photo nor"),
        ({"flipped": COPIES / 255}, "neither the photo nor"),
        ({"cropped": COPIES[:, ::-1]}, "not the photo, moved"),
        ({"cropped": COPIES[:, 4:, 4:]}, "cropped does not hold pictures"),
        ({"photo": PICTURES}, "photo is not one picture"),
        ({"flipped": "cat"}, "flipped does not hold pictures"),
    ],
)
def test_wrong_changes(other, says):
    result = show_changes(evidence(screens(1), **changes(**other)), REFERENCE)
    assert result.points == 0
    assert says in result.saw


def test_changes_must_be_seen():
    result = show_changes(evidence([], **changes()), REFERENCE)
    assert (result.points, "no picture on the screen" in result.saw) == (0, True)


# --- Step 2 ------------------------------------------------------------------------------

FEW, FEW_LABELS = PICTURES[:4], np.eye(10, dtype=np.float32)[:4]
MIXED, SHARES = cutmix(FEW, FEW_LABELS, np.random.default_rng(22), probability=1)
MIX = {"few_pictures": FEW, "mixed_pictures": MIXED, "mixed_labels": SHARES, "share_left": 0.875}


@pytest.mark.parametrize("share", [0.875, 0.88, "87.5 %", 87.5, 88, np.float32(0.875), [0.875]])
def test_the_share_that_is_left(share):
    found = evidence(screens(1), **MIX | {"share_left": share})
    assert mix_pictures(found, REFERENCE).points == 2


@pytest.mark.parametrize(
    ("share", "says"),
    [
        (0.125, "share of the box"),
        (12.5, "share of the box"),
        (896, "counts pixels"),
        (0.25, "not the share left"),
        ("most", "not the share left"),
        (..., "Still to do: share_left"),
    ],
)
def test_another_share(share, says):
    result = mix_pictures(evidence(screens(1), **MIX | {"share_left": share}), REFERENCE)
    assert (result.points, says in result.saw) == (1, True)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"mixed_pictures": FEW, "mixed_labels": FEW_LABELS}, "Nothing was mixed"),
        ({"mixed_labels": FEW_LABELS}, "labels are not mixed"),
        ({"mixed_labels": SHARES * 2}, "labels are not mixed"),
        ({"mixed_labels": ...}, "Still to do: mixed_labels"),
        ({"mixed_pictures": (MIXED, SHARES)}, "holds two things"),
        ({"mixed_pictures": SHARES, "mixed_labels": MIXED}, "not pictures with one label"),
        (
            {"mixed_pictures": np.zeros((1, 32, 32, 3)), "mixed_labels": np.full((1, 10), 0.1)},
            "not made of two",
        ),
        ({"few_pictures": ..., "mixed_pictures": np.zeros((4, 32, 32, 3))}, "not made of two"),
        ({"few_pictures": PICTURES[4:]}, "not made of two"),
        ({"mixed_pictures": MIXED // 2}, "not made of two"),
        ({"mixed_labels": np.full((4, 10), 0.1)}, "its shares do not fit"),
        ({"mixed_pictures": FEW[::-1]}, "its shares do not fit"),
    ],
)
def test_wrong_mixes(other, says):
    result = mix_pictures(evidence(screens(1), **MIX | other), REFERENCE)
    assert (result.points, says in result.saw) == (1, True)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("count", [2, 4, 8, 24])
def test_whatever_cutmix_makes_is_mixed(seed, count):
    rng = np.random.default_rng(seed)
    few, labels = draw_pictures(count, seed=seed)[0], np.eye(10)[np.arange(count) % 3]
    few[::2, :9] = 255  # a background that photos share
    mixed, shares = cutmix(few, labels, rng, probability=1)
    if np.array_equal(mixed, few) or np.isin(shares, (0, 1)).all():
        return  # the dice covered nothing, or only by photos of the same class
    values = {"few_pictures": few, "mixed_pictures": mixed, "mixed_labels": shares}
    found = evidence(screens(1), **values, share_left=0.875)
    assert mix_pictures(found, REFERENCE).points == 2


def test_black_pictures_are_not_seen():
    black = [Cell("a", unknown=1, white=1)]
    assert show_changes(evidence(black, **changes()), REFERENCE).points == 0
    assert mix_pictures(evidence(black, **MIX), REFERENCE).points == 1
    mostly = [Cell("a", unknown=2, white=1)]
    assert show_changes(evidence(mostly, **changes()), REFERENCE).points == 1


def test_the_mixed_pictures_must_be_seen_beside_those_of_step_1():
    both = changes() | MIX
    assert mix_pictures(evidence(screens(1), **both), REFERENCE).points == 1
    assert mix_pictures(evidence(screens(2), **both), REFERENCE).points == 2
    shown = [Cell("a", [Shown(3)]), *screens(1)]
    assert mix_pictures(evidence(shown, **both), REFERENCE).points == 2


# --- Step 3 ------------------------------------------------------------------------------


def test_a_fair_training():
    result = train_improved(evidence(history=HISTORY), REFERENCE)
    assert (result.points, "45.0%" in result.saw) == (2, True)


@pytest.mark.parametrize(
    ("history", "points", "says"),
    [
        (..., 0, "Still to do: history"),
        (print, 0, "history is a builtin_function"),
        (3, 0, "something else"),
        (HISTORY | {"loss": [2.0, np.nan, np.nan]}, 0, "broken down"),
        (HISTORY | {"val_accuracy": [0.1, 0.09, 0.11]}, 0, "Pure guessing gives 10%"),
        ({"loss": [2.0, 1.5, 1.2]}, 1, "no validation accuracy"),
        ({name: curve[:2] for name, curve in HISTORY.items()}, 1, "for 2 epochs, the model before"),
    ],
)
def test_other_trainings(history, points, says):
    result = train_improved(evidence(history=history), REFERENCE)
    assert (result.points, says in result.saw) == (points, True)


def test_epochs_count_as_the_notebook_says_where_no_history_is_kept():
    reference = Reference(BEFORE, LABELS, CLASS_NAMES)
    assert train_improved(evidence(history=HISTORY, epochs=3), reference).points == 2
    assert train_improved(evidence(history=HISTORY, epochs=8), reference).points == 1
    assert train_improved(evidence(history=HISTORY), reference).points == 2


# --- Step 4 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"accuracy_after": 70, "accuracy_before": "60 %"},
        {"accuracy_after": np.float64(0.7), "fixed": np.int64(20)},
        {"fixed": 20.0, "regressed": [10]},
        {"after_predictions": AFTER.tolist()},
    ],
)
def test_a_right_table(other):
    result = compare_models(evidence(**TABLE | other), REFERENCE)
    assert (result.points, "20 fixed, 10 regressed" in result.saw) == (2, True)


@pytest.mark.parametrize(
    ("other", "points", "says"),
    [
        ({"fixed": ...}, 0, "Still to do: fixed"),
        ({"fixed": 10, "regressed": 20}, 1, "swapped"),
        ({"fixed": 10}, 1, "also counts other pictures"),  # the net gain
        ({"fixed": 70}, 1, "also counts other pictures"),  # all that are right after
        ({"fixed": np.arange(60, 80)}, 1, "fixed holds many values"),
        ({"regressed": ~RIGHT_AFTER & RIGHT_BEFORE}, 1, "regressed holds many values"),
        ({"sure_wrong_after": 20}, 1, "all sure pictures"),
        ({"sure_wrong_after": 30}, 1, "all wrong pictures"),
        ({"sure_wrong_before": 7}, 1, "sure_wrong_before is 7"),
        ({"accuracy_after": 0.6}, 1, "accuracy_after is 0.6"),
        ({"accuracy_after": 70, "fixed": 3}, 1, "fixed is 3"),
        ({"accuracy_after": 0.1, "fixed": 3}, 0, "accuracy_after is 0.1"),
        ({"after_predictions": AFTER[:50]}, 0, "not a table with 100 rows"),
        ({"after_predictions": AFTER.argmax(axis=1)}, 0, "not a table with 100 rows"),
        ({"after_predictions": BEFORE}, 0, "very same answers"),
        ({"before_predictions": scores(~RIGHT_AFTER)}, 0, "not the answers of the model before"),
    ],
)
def test_other_tables(other, points, says):
    result = compare_models(evidence(**TABLE | other), REFERENCE)
    assert (result.points, says in result.saw) == (points, True)


@pytest.mark.parametrize("form", [1.0, 0.91, 0.5])
def test_the_labels_are_no_answers_of_a_model(form):
    """As they are, or made to look like scores."""
    truth = np.eye(10)[LABELS]
    table = TABLE | {
        "after_predictions": form * truth + (1 - form) / 10,
        "accuracy_after": 1.0,
        "sure_wrong_after": 0,
        "fixed": 40,
        "regressed": 0,
    }
    result = compare_models(evidence(**table), REFERENCE)
    assert (result.points, "are the labels" in result.saw) == (0, True)
    p = binomtest(40, 40, 0.5).pvalue
    result = judge_gain(evidence(**table, p_value=p, verdict="better"), REFERENCE)
    assert (result.points, "Step 4" in result.saw) == (0, True)


def test_a_model_that_was_trained_further_is_not_a_new_one():
    """The reference asks the model after the training: it answers as improved does."""
    reference = Reference(AFTER, LABELS, CLASS_NAMES)
    result = compare_models(evidence(**TABLE), reference)
    assert (result.points, "one and the same" in result.saw) == (0, True)


def test_an_untrained_model_does_not_get_full_points_for_its_numbers():
    right = np.arange(100) < 10
    table = TABLE | {
        "after_predictions": scores(right),
        "accuracy_after": 0.1,
        "sure_wrong_after": 18,
        "fixed": 0,
        "regressed": 50,
    }
    result = compare_models(evidence(**table), REFERENCE)
    assert (result.points, "untrained" in result.saw) == (1, True)


# --- Step 5 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fixed", "regressed"),
    [(1, 0), (0, 1), (7, 3), (5, 5), (20, 10), (77, 98), (0, 40), (1501, 900), (4000, 3800)],
)
def test_the_p_value_is_that_of_scipy(fixed, regressed):
    expected = binomtest(fixed, fixed + regressed, 0.5).pvalue
    assert exact_p(fixed, regressed) == pytest.approx(expected, rel=1e-9)


def test_without_a_difference_nobody_can_tell():
    assert exact_p(0, 0) == 1


@pytest.mark.parametrize("p", [P, round(P, 4), round(P, 2), [P], np.float64(P)])
@pytest.mark.parametrize("verdict", ["cannot tell", "Can't tell!", "CAN NOT TELL", "cannot_tell"])
def test_an_honest_verdict_gets_every_point(p, verdict):
    result = judge_gain(evidence(**TABLE, p_value=p, verdict=verdict), REFERENCE)
    assert (result.points, "honest" in result.saw) == (3, True)


@pytest.mark.parametrize(
    ("right_after", "verdict"), [(np.arange(100) < 75, "better"), (np.arange(100) < 40, "worse")]
)
def test_a_clear_difference(right_after, verdict):
    table = TABLE | {"after_predictions": scores(right_after)}
    p = exact_p(15, 0) if verdict == "better" else exact_p(0, 20)
    for said in ("better", "worse", "cannot tell"):
        result = judge_gain(evidence(**table, p_value=p, verdict=said), REFERENCE)
        assert result.points == (3 if said == verdict else 2)
    for said in (f"The new model is {verdict}.", verdict.upper()):
        assert judge_gain(evidence(**table, p_value=p, verdict=said), REFERENCE).points == 3


@pytest.mark.parametrize(
    ("p", "says"),
    [
        (binomtest(20, 30, 0.5), "p_value is a BinomTestResult"),
        (P / 2, "one side only"),
        (1 - P / 2, "one side only"),
        (binomtest(20, 100, 0.5).pvalue, "all test pictures as tosses"),
        (9.87, "from 0 to 1"),
        ("small", "from 0 to 1"),
        (0.5, "not the p-value of your two counts"),
        (..., "Still to do: p_value"),
    ],
)
def test_other_p_values(p, says):
    result = judge_gain(evidence(**TABLE, p_value=p, verdict="cannot tell"), REFERENCE)
    assert (result.points, says in result.saw) == (2, True)


def test_a_verdict_may_follow_from_a_wrong_p_value():
    wrong = binomtest(20, 100, 0.5).pvalue
    assert judge_gain(evidence(**TABLE, p_value=wrong, verdict="better"), REFERENCE).points == 2
    assert judge_gain(evidence(**TABLE, p_value=wrong, verdict="worse"), REFERENCE).points == 1


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ("better", "luck could explain it"),
        ("worse", "luck could explain it"),
        ("not better", "one of three texts"),
        ("better or worse", "one of three texts"),
        (True, "one of three texts"),
        (..., "Still to do: verdict"),
    ],
)
def test_other_verdicts(verdict, says):
    result = judge_gain(evidence(**TABLE, p_value=P, verdict=verdict), REFERENCE)
    assert (result.points, says in result.saw) == (2, True)


def test_the_result_must_be_kept():
    reference = Reference(BEFORE, LABELS, CLASS_NAMES, work={"saved": {"improvement"}})
    result = judge_gain(evidence(**TABLE, p_value=P, verdict="cannot tell"), reference)
    assert (result.points, "not kept" in result.saw) == (2, True)


def test_the_table_comes_first():
    result = judge_gain(evidence(p_value=P, verdict="better"), REFERENCE)
    assert (result.points, "Step 4" in result.saw) == (0, True)


# --- Anything at all -----------------------------------------------------------------------

STRANGE = [
    *(None, True, -3, 0, np.nan, np.inf, 1e300, "", "cat", "3 %", "…", [], [[]], [1, [2]], {}),
    *({"loss": []}, {"loss": ["a"]}, {3: [1]}, {"loss": [[1], [2]]}, {"loss": 3}),
    *(np.zeros(0), np.zeros((0, 32, 32, 3)), np.zeros((2, 32, 32, 3)), np.full((100, 10), np.nan)),
    *(np.zeros((100, 10)), np.zeros((4, 10)), np.ones(100, bool), np.arange(100), np.eye(10)),
    Unreadable("Strange"),
]
FULL = changes() | MIX | TABLE | {"history": HISTORY, "epochs": 3}
FULL |= {"p_value": P, "verdict": "cannot tell"}


@pytest.mark.parametrize("name", NAMES)
def test_no_value_stops_a_check(name):
    for value in STRANGE:
        works = [{"history": value, "saved": None}, {}] if name == "history" else [REFERENCE.work]
        for base, work in itertools.product((FULL, {}), works):
            values = {key: plain(one) for key, one in base.items()} | {name: value}
            reference = Reference(BEFORE, LABELS, CLASS_NAMES, work=work)
            for check in CHECKS.values():
                result = check.judge(Evidence(8, screens(2), values), reference)
                assert result.points in range(check.points + 1)
                assert result.saw
                assert (result.points == check.points) == (result.try_next == "")


def test_blank_is_still_to_do():
    for check in CHECKS.values():
        result = check.judge(evidence(), REFERENCE)
        assert result.points == 0
        assert result.saw.startswith("Still to do: ")
