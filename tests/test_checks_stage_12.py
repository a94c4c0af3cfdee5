"""The checks of the stress test as pure functions, on small cases worked out by hand."""

import itertools

import numpy as np
import pytest

from course_utils import stress
from course_utils.checks.stage_12 import (
    CHECKS,
    NAMES,
    RECORDS,
    check_claims,
    four_trainings,
    heat_maps,
    measure_again,
    pick_failures,
)
from course_utils.evidence import Cell, Evidence, Reference, Shown, Unreadable, plain
from course_utils.practice import CLASS_NAMES
from course_utils.workspace import STRESS_ITEMS
from tests.anything import ANYTHING

# 200 pictures, 20 of each class. The baseline is wrong about the first 80, and surer of an early
# picture than of a late one; so its five surest mistakes are 0 to 4.
COUNT = 200
LABELS = np.arange(COUNT) % 10
PICTURES = np.random.default_rng(0).integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)


def scores(wrong, sure):
    """Ten scores for each picture; the wrong ones name the next class."""
    chosen = np.where(wrong, (LABELS + 1) % 10, LABELS)
    rest = (1 - sure[:, None]) / 9
    return np.where(np.arange(10) == chosen[:, None], sure[:, None], rest)


FALLING = np.linspace(0.99, 0.4, COUNT)
ANSWERS = {
    "baseline": scores(np.arange(COUNT) < 80, FALLING),  # 31 at 0.9 or more, all of them wrong
    "cutmix": scores(np.arange(COUNT) < 60, np.roll(FALLING, 50)),  # 10 sure and wrong
    "smoothing": scores(np.arange(COUNT) < 80, FALLING - 0.2),  # none is sure
    "both": scores(np.arange(COUNT) < 70, np.roll(FALLING, 100) - 0.2),
}
REFERENCE = Reference(ANSWERS["baseline"], LABELS, CLASS_NAMES, PICTURES, {"answers": ANSWERS})
MADE = stress.record("cutmix", "practice")
CLEAN, LOGGED = MADE["clean_accuracy"], MADE["history"]["accuracy"][-1]

FAILURES = np.arange(5)
MAPS = np.random.default_rng(1).random((5, 4, 4)).astype(np.float32)
GUESSES = [f"It looks like {word} to me." for word in ("fog", "snow", "rain", "mud", "sand")]
LOOKED = {
    "failures": FAILURES,
    "hypotheses": GUESSES,
    "wrong_classes": FAILURES + 1,
    "wrong_maps": MAPS,
}
SQUARE = {
    "accuracy": {"baseline": 0.6, "cutmix": 0.7, "smoothing": 0.6, "both": 0.65},
    "sure_wrong": {"baseline": 31, "cutmix": 10, "smoothing": 0, "both": 0},
    "calming": ["cutmix", "smoothing"],
}
# CutMix is sure enough, at 0.7, of the pictures 50 to 147; of these, 50 to 59 are wrong.
MEASURED = {"clean_accuracy": CLEAN, "answered": 98 / 200, "right_if_answered": 88 / 98}
VERDICTS = dict(
    enumerate(["supported", *["not supported"] * 4, "cannot tell", "cannot tell"], start=1)
)
FULL = LOOKED | SQUARE | MEASURED | {"verdicts": VERDICTS}


def evidence(cells=(), **values):
    return Evidence(12, list(cells), {name: plain(value) for name, value in values.items()})


def shown(numbers=FAILURES):
    return [Cell("a", [Shown(int(number)) for number in numbers])]


def test_the_cases_are_what_they_say():
    assert sum(check.points for check in CHECKS.values()) == 10
    for recipe, found in ANSWERS.items():
        wrong = found.argmax(axis=1) != LABELS
        assert SQUARE["accuracy"][recipe] == pytest.approx(1 - wrong.mean())
        assert SQUARE["sure_wrong"][recipe] == (wrong & (found.max(axis=1) >= 0.9)).sum()
    sure = ANSWERS["cutmix"].max(axis=1) >= 0.7
    right = ANSWERS["cutmix"].argmax(axis=1) == LABELS
    assert MEASURED["answered"] == sure.mean()
    assert MEASURED["right_if_answered"] == right[sure].mean()


def test_own_answers_travel_with_the_notebook():
    (wanted,) = RECORDS.values()
    assert tuple(wanted) == STRESS_ITEMS
    assert set(RECORDS) <= set(CHECKS)


# --- Step 1 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failures",
    [FAILURES, [4, 3, 2, 1, 0], FAILURES.astype(float), np.arange(8), [0, 2, 4, 6, 24]],
)
def test_right_failures(failures):
    assert pick_failures(evidence(shown(failures), failures=failures), REFERENCE).points == 1


@pytest.mark.parametrize(
    ("failures", "says"),
    [
        (..., "Still to do: failures"),
        ([0, 1, 2, 3], "holds 4 pictures"),
        ([0, 0, 1, 2, 3], "holds 4 pictures"),
        ([0, 1, 2, 3, 100], "got picture 100 right"),
        ([0, 1, 2, 3, 79], "There are surer ones"),
        ([0.99, 0.98, 0.97, 0.96, 0.95], "not a list of picture numbers"),
        ([0, 1, 2, 3, COUNT], "not a list of picture numbers"),
        ([-1, 0, 1, 2, 3], "not a list of picture numbers"),
        (np.arange(COUNT) < 5, "not a list of picture numbers"),
        (PICTURES[:5], "not a list of picture numbers"),
        ("0, 1, 2, 3, 4", "not a list of picture numbers"),
    ],
)
def test_other_failures(failures, says):
    result = pick_failures(evidence(shown(), failures=failures), REFERENCE)
    assert (result.points, says in result.saw) == (0, True), result.saw


def test_failures_must_be_seen_by_their_pixels_whatever_stands_below_them():
    found = pick_failures(evidence(shown([0, 1, 2, 4]), failures=FAILURES), REFERENCE)
    assert (found.points, "I miss picture 3" in found.saw) == (0, True)
    twins = PICTURES.copy()
    twins[150] = twins[3]  # the screen names the other one
    reference = Reference(ANSWERS["baseline"], LABELS, CLASS_NAMES, twins, {"answers": ANSWERS})
    cells = [Cell("a", [Shown(n, "a man in the sea can see a road") for n in (0, 1, 2, 150, 4)])]
    assert pick_failures(evidence(cells, failures=FAILURES), reference).points == 1


# --- Step 2 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"hypotheses": tuple(GUESSES)},
        {"hypotheses": dict(zip(range(5), GUESSES, strict=True))},
        {"hypotheses": [*GUESSES, "And one more besides."]},
        {"hypotheses": ["Ähnlich wie ein Boot", "weil es dunkel ist", *GUESSES[:3]]},
        {"wrong_classes": (FAILURES + 1).tolist()},
        {"wrong_maps": list(MAPS)},
        {"wrong_maps": (MAPS, "layer", (4, 4), "Grad-CAM", FAILURES + 1, np.ones(5))},
    ],
)
def test_right_heat_maps(other):
    assert heat_maps(evidence(**LOOKED | other), REFERENCE).points == 2


@pytest.mark.parametrize(
    ("other", "points", "says"),
    [
        ({"hypotheses": ...}, 1, "Still to do: hypotheses"),
        ({"wrong_maps": ...}, 1, "Still to do: wrong_maps"),
        ({"hypotheses": "It is dark."}, 1, "not a list of texts"),
        ({"hypotheses": [...] * 5}, 1, "not a list of texts"),
        ({"hypotheses": ["..."] * 5}, 1, "0 hypotheses have three words"),
        ({"hypotheses": [*GUESSES[:4], "too dark"]}, 1, "4 hypotheses have three words"),
        ({"hypotheses": [GUESSES[0]] * 5}, 1, "Two hypotheses are the same"),
        ({"wrong_classes": FAILURES}, 1, "the true classes"),
        ({"wrong_classes": FAILURES + 2}, 1, "not hold what the baseline chose"),
        ({"wrong_classes": ["cat"] * 5}, 1, "one class number for each failure"),
        ({"wrong_maps": MAPS[:3]}, 1, "one heat map for each failure"),
        ({"wrong_maps": MAPS.repeat(8, axis=1).repeat(8, axis=2)}, 1, "32 by 32"),
        ({"wrong_maps": MAPS * 0}, 1, "show nothing"),
        ({"wrong_maps": MAPS * np.nan}, 1, "show nothing"),
        ({"wrong_maps": MAPS > 2}, 1, "show nothing"),
        ({"failures": ...}, 0, "no failures to look at"),
    ],
)
def test_other_heat_maps(other, points, says):
    result = heat_maps(evidence(**LOOKED | other), REFERENCE)
    assert (result.points, says in result.saw) == (points, True), result.saw


# --- Step 3 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"accuracy": {"Baseline": "60 %", "cutmix": 70, "smoothing": 60.0, "both": "0.65"}},
        {"accuracy": [0.6, 0.7, 0.6, 0.65], "sure_wrong": np.array([31, 10, 0, 0])},
        {"sure_wrong": {name: np.int64(n) for name, n in SQUARE["sure_wrong"].items()}},
        {"calming": {"smoothing", "cutmix"}},
        {"calming": "CutMix and smoothing"},
    ],
)
def test_a_right_square(other):
    result = four_trainings(evidence(**SQUARE | other), REFERENCE)
    assert (result.points, "Both changes lower it alone" in result.saw) == (2, True), result.saw


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"accuracy": ...}, "Still to do: accuracy"),
        ({"accuracy": 0.6}, "accuracy has no number for baseline, cutmix"),
        ({"accuracy": {"baseline": 0.6, "cutmix": 0.7}}, "no number for smoothing and both"),
        ({"accuracy": dict.fromkeys(ANSWERS, 0.6)}, "accuracy of cutmix is 0.6"),
        ({"accuracy": [0.4, 0.3, 0.4, 0.35]}, "the share of wrong pictures"),
        ({"sure_wrong": [31, 43, 0, 0]}, "sure_wrong of cutmix is 43"),
        ({"sure_wrong": [31, 31, 0, 0]}, "counts all sure pictures"),
        ({"sure_wrong": [80, 60, 80, 70]}, "counts all wrong pictures"),
        ({"sure_wrong": [0.155, 0.05, 0, 0]}, "is a share"),
        ({"calming": ...}, "Still to do: calming"),
        ({"calming": ["cutmix"]}, "what about smoothing"),
        ({"calming": []}, "what about cutmix and smoothing"),
        ({"calming": ["cutmix", "both"]}, "both. That is not a single change"),
        ({"calming": 2}, "not a list of names"),
        ({"calming": "yes"}, "none of these names"),
    ],
)
def test_other_squares(other, says):
    result = four_trainings(evidence(**SQUARE | other), REFERENCE)
    assert (result.points, says in result.saw) == (1, True), result.saw


def test_the_conclusion_may_follow_from_a_wrong_table():
    wrong = SQUARE | {"sure_wrong": [31, 40, 0, 0], "calming": ["smoothing"]}
    assert four_trainings(evidence(**wrong), REFERENCE).points == 1
    both = four_trainings(evidence(**SQUARE | {"calming": ["smoothing"]}), REFERENCE)
    assert (both.points, "what about cutmix" in both.saw) == (1, True)


def test_where_no_change_calms_the_list_is_empty():
    answers = ANSWERS | {"cutmix": ANSWERS["baseline"], "smoothing": ANSWERS["baseline"]}
    reference = Reference(ANSWERS["baseline"], LABELS, CLASS_NAMES, work={"answers": answers})
    square = {"accuracy": [0.6, 0.6, 0.6, 0.65], "sure_wrong": [31, 31, 31, 0]}
    for none in ([], "none", ()):
        assert four_trainings(evidence(**square, calming=none), reference).points == 2
    found = four_trainings(evidence(**square, calming=["cutmix"]), reference)
    assert (found.points, "did not lower" in found.saw) == (1, True)


# --- Step 4 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"clean_accuracy": CLEAN - 0.03},
        {"clean_accuracy": f"{100 * CLEAN:.1f} %", "answered": 49, "right_if_answered": "89.8 %"},
        {"answered": np.float64(0.49), "right_if_answered": [0.9]},
    ],
)
def test_right_measurements(other):
    result = measure_again(evidence(**MEASURED | other), REFERENCE)
    assert (result.points, "51% without an answer" in result.saw) == (2, True), result.saw


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"clean_accuracy": ...}, "Still to do: clean_accuracy"),
        ({"clean_accuracy": LOGGED}, "the number in the log"),
        ({"clean_accuracy": 0.7}, "that of the test pictures"),  # the accuracy of ANSWERS
        ({"clean_accuracy": 0.2}, "clean_accuracy is 0.2"),
        ({"clean_accuracy": "high"}, "clean_accuracy is 'high'"),
        ({"answered": 98}, "counts pictures"),
        ({"answered": 0.51}, "share without an answer"),
        ({"answered": (FALLING - 0.2 >= 0.7).mean()}, "belongs to another network"),
        ({"right_if_answered": ...}, "Still to do: right_if_answered"),
        ({"right_if_answered": 0.7}, "over all pictures"),
        ({"right_if_answered": 0.44}, "a share of all pictures"),
        ({"right_if_answered": print}, "a builtin_function_or_method"),
    ],
)
def test_other_measurements(other, says):
    result = measure_again(evidence(**MEASURED | other), REFERENCE)
    assert (result.points, says in result.saw) == (1, True), result.saw


def test_a_rule_that_never_answers_is_never_wrong():
    answers = ANSWERS | {"cutmix": scores(np.arange(COUNT) < 60, np.full(COUNT, 0.5))}
    reference = Reference(ANSWERS["baseline"], LABELS, CLASS_NAMES, work={"answers": answers})
    given = MEASURED | {"answered": 0, "right_if_answered": float("nan")}
    assert measure_again(evidence(**given), reference).points == 2


# --- Step 5 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "verdicts",
    [
        VERDICTS,
        list(VERDICTS.values()),
        {str(number): verdict.upper() for number, verdict in VERDICTS.items()},
        {f"claim {n}": f"It is {verdict}!" for n, verdict in VERDICTS.items()},
        VERDICTS | {6: "Can't tell", 7: "I cannot say", 2: "unsupported", 3: "isn't supported"},
        VERDICTS | {8: "one more"},
    ],
)
def test_right_verdicts(verdicts):
    assert check_claims(evidence(verdicts=verdicts), REFERENCE).points == 3


@pytest.mark.parametrize(
    ("verdicts", "points", "says"),
    [
        (..., 0, "Still to do: verdicts"),
        (VERDICTS | {2: "supported"}, 2, "Not claim 2"),
        (VERDICTS | {6: "not supported"}, 2, "Which number speaks against it?"),
        (VERDICTS | {3: "supported", 4: "cannot tell"}, 1, "5 of 7"),
        (dict.fromkeys(VERDICTS, "not supported"), 0, "4 of 7"),
        (dict.fromkeys(VERDICTS, "supported"), 0, "1 of 7"),
        ({1: "supported"}, 0, "no verdict yet on claim 2, 3, 4, 5, 6 and 7"),
        (VERDICTS | {5: "maybe"}, 0, "claim 5 is 'maybe'"),
        (VERDICTS | {5: True}, 0, "claim 5 is 'True'"),
        (VERDICTS | {5: ...}, 0, "claim 5 is"),
        (["supported"] * 6, 0, "not a dictionary"),
        ("supported", 0, "not a dictionary"),
    ],
)
def test_other_verdicts(verdicts, points, says):
    result = check_claims(evidence(verdicts=verdicts), REFERENCE)
    assert (result.points, says in result.saw) == (points, True), result.saw


def test_the_claim_on_smoothing_is_judged_by_the_trainings_at_hand():
    answers = ANSWERS | {"smoothing": ANSWERS["baseline"]}
    reference = Reference(ANSWERS["baseline"], LABELS, CLASS_NAMES, work={"answers": answers})
    for verdict, points in (("supported", 3), ("cannot tell", 3), ("not supported", 2)):
        found = check_claims(evidence(verdicts=VERDICTS | {3: verdict}), reference)
        assert found.points == points


@pytest.mark.parametrize("kind", ["practice", "cifar100"])
def test_the_log_of_the_shipped_training_differs_from_the_truth(kind):
    """Claim 4 stands or falls with it, whichever pictures a student has."""
    made = stress.record("cutmix", kind)
    assert made["clean_accuracy"] > made["history"]["accuracy"][-1] + 0.05


# --- Anything at all -----------------------------------------------------------------------

STRANGE = [
    *ANYTHING,
    *(np.zeros(0), np.zeros((5, 4, 4)), np.zeros((5, 0, 0)), np.full(5, np.nan), np.arange(5)),
    *(np.ones(5, bool), np.eye(10), np.array(3.0), [np.zeros((4, 4))] * 5, [np.zeros(3), [1]]),
    *({"baseline": None}, {"baseline": "a"}, {1: []}, {1: {}}, [[1], [2]], ["a"] * 7, {3: 1}),
    *(dict.fromkeys(ANSWERS, 10**400), [float("inf")] * 4, ["..."] * 5, "1" * 400),
    Unreadable("Strange"),
]


@pytest.mark.parametrize("name", NAMES)
def test_no_value_stops_a_check(name):
    for value, base in itertools.product(STRANGE, (FULL, {})):
        values = {key: plain(one) for key, one in base.items()} | {name: plain(value)}
        for check in CHECKS.values():
            result = check.judge(Evidence(12, shown(), values), REFERENCE)
            assert result.points in range(check.points + 1)
            assert result.saw
            assert (result.points == check.points) == (result.try_next == "")


def test_blank_is_still_to_do():
    for check in CHECKS.values():
        result = check.judge(evidence(), REFERENCE)
        assert result.points == 0
        assert result.saw.startswith("Still to do: ")


def test_all_right_is_ten_points():
    found = [check.judge(evidence(shown(), **FULL), REFERENCE) for check in CHECKS.values()]
    assert sum(result.points for result in found) == 10
