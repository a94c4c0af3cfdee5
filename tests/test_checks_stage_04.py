"""The checks of Stage 4 as pure functions, on networks written down as plain data."""

import numpy as np
import pytest

from course_utils.checks.stage_04 import (
    CHECKS,
    NAMES,
    build_cnn,
    build_small,
    count_parameters,
    guess_badly,
    save_network,
)
from course_utils.evidence import Evidence, Layer, Network, Reference, Unreadable, plain
from course_utils.practice import CLASS_NAMES
from tests.anything import ANYTHING

LABELS = np.arange(200) % 10


def layer(kind, parameters=0, **settings):
    return Layer(kind, (None,), parameters, settings)


RESCALING = layer("Rescaling", scale=1 / 255)
FIRST = layer("Conv2D", 896, filters=32, kernel_size=[3, 3], strides=[1, 1], use_bias=True)
SECOND = layer("Conv2D", 18496, filters=64, kernel_size=[3, 3], strides=[1, 1], use_bias=True)
POOL, MEAN = layer("MaxPooling2D"), layer("GlobalAveragePooling2D")
DENSE = layer("Dense", 650, units=10, activation="softmax")
LAYERS = [RESCALING, FIRST, POOL, SECOND, MEAN, DENSE]


def network(layers=LAYERS, entry=(None, 32, 32, 3), end=(None, 10), parameters=None):
    total = sum(one.parameters for one in layers) if parameters is None else parameters
    return Network(entry, end, total, list(layers))


def without(*left_out):
    return network([one for one in LAYERS if one not in left_out])


def swapped(old, new):
    return network([new if one is old else one for one in LAYERS])


# One picture in ten is right: the guess is always class 0.
SCORES = np.full((200, 10), 0.09)
SCORES[:, 0] = 0.19
RIGHT = {
    "small_model": network([RESCALING, FIRST, POOL, MEAN, DENSE]),
    "model": network(),
    "conv_parameters": 896,
    "first_scores": SCORES,
    "score_sum": 1.0000001,
    "first_accuracy": 0.1,
}


def reference(saved=("network",)):
    return Reference(np.zeros((0, 10)), LABELS, CLASS_NAMES, None, {"saved": set(saved)})


def evidence(**values):
    return Evidence(4, [], RIGHT | values)


def test_ten_points():
    assert [check.points for check in CHECKS.values()] == [2, 3, 2, 2, 1]
    for check in CHECKS.values():
        result = check.judge(evidence(), reference())
        assert (result.points, result.try_next) == (check.points, "")


@pytest.mark.parametrize("name", CHECKS)
def test_blank(name):
    result = CHECKS[name].judge(Evidence(4), reference(saved=()))
    assert result.points == 0
    assert "Still to do" in result.saw


@pytest.mark.parametrize(
    ("model", "points", "says"),
    [
        (network(parameters=499_999), 3, "499,999"),
        (network(parameters=500_000), 2, "fewer than 500,000"),
        (RIGHT["small_model"], 2, "only one convolution"),
        (swapped(POOL, layer("AveragePooling2D")), 3, "It can learn"),
        (swapped(MEAN, layer("Flatten")), 3, "It can learn"),
        (swapped(RESCALING, layer("Normalization")), 3, "It can learn"),
        (swapped(RESCALING, layer("Rescaling", scale=[1 / 127.5])), 3, "It can learn"),
        (swapped(RESCALING, layer("Rescaling", scale=255)), 2, "multiplies by 255"),
        (without(RESCALING), 2, "does not scale"),
        (without(POOL), 2, "no pooling"),
        (without(FIRST, SECOND), 1, "no convolution"),
        (swapped(DENSE, layer("Dense", 650, activation="linear")), 2, "expected softmax"),
        (without(DENSE), 2, "expected softmax"),
        (network([*LAYERS, layer("Softmax")]), 3, "It can learn"),
        (network([*LAYERS, layer("Activation", activation="softmax")]), 3, "It can learn"),
        (network(entry=(None, 28, 28, 1)), 2, "(28, 28, 1)"),
        (network(end=(None, 100)), 2, "100 scores"),
        (network(end=(None, 8, 8, 10)), 2, "a block of shape (8, 8, 10)"),
        (network([], end=(None, 32, 32, 3)), 0, "a block"),
        ([Unreadable("Conv2D"), Unreadable("Dense")], 0, "list of layers"),
        (Unreadable("AttributeError"), 0, "how large a picture is"),
        (Unreadable("type"), 0, "is a type"),
        ("model", 0, "is a str"),
    ],
)
def test_networks(model, points, says):
    result = build_cnn(evidence(model=model), reference())
    assert (result.points, says in result.saw) == (points, True)


def test_strides_are_a_kind_of_pooling():
    strided = layer("Conv2D", 896, filters=32, kernel_size=[3, 3], strides=[2, 2])
    model = network([RESCALING, strided, SECOND, MEAN, DENSE])
    assert build_cnn(evidence(model=model), reference()).points == 3


@pytest.mark.parametrize(
    ("layers", "points"),
    [
        ([RESCALING, FIRST, POOL, MEAN, DENSE], 2),
        ([RESCALING, layer("Flatten"), DENSE], 1),
        ([FIRST, POOL, MEAN, DENSE], 1),
        ([RESCALING, FIRST, POOL, MEAN], 1),
        ([RESCALING], 0),
    ],
)
def test_small_networks(layers, points):
    assert build_small(evidence(small_model=network(layers)), reference()).points == points


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (864, "left out the biases"),
        (320, "left out the 3 colors"),
        (28, "one filter"),
        (27, "weights of one filter"),
        (865, "only one bias"),
        (20_042, "whole model"),
        (900, "32 filters of 3 by 3"),
        ("896", "not one number"),
        (True, "not one number"),
        ([896, 1], "not one number"),
    ],
)
def test_miscounted(value, says):
    result = count_parameters(evidence(conv_parameters=plain(value)), reference())
    assert (result.points, says in result.saw) == (0, True)


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [
        ({"filters": 16, "kernel_size": [5, 5]}, 5 * 5 * 3 * 16 + 16),
        ({"filters": 8, "kernel_size": [3, 1]}, 3 * 3 * 8 + 8),
        ({"filters": 32, "kernel_size": [3, 3], "use_bias": False}, 864),
    ],
)
def test_the_count_follows_the_own_network(settings, parameters):
    model = swapped(FIRST, layer("Conv2D", parameters, **settings))
    for value in (parameters, float(parameters), np.array([parameters])):
        found = count_parameters(evidence(model=model, conv_parameters=value), reference())
        assert found.points == 2
    wrong = count_parameters(evidence(model=model, conv_parameters=896), reference())
    assert wrong.points == 0
    assert ("has no biases" in wrong.saw) == (settings.get("use_bias") is False)


@pytest.mark.parametrize(
    ("values", "points", "says"),
    [
        ({"first_accuracy": 10}, 2, "about chance"),
        ({"first_accuracy": np.array(0.102)}, 2, "about chance"),
        ({"score_sum": np.ones(200)}, 2, "sum to 1"),
        ({"first_scores": SCORES[:50]}, 2, "about chance"),
        ({"score_sum": 0.19}, 1, "score_sum is not 1"),
        ({"score_sum": True}, 1, "score_sum is not 1"),
        ({"first_accuracy": 20}, 1, "found 0.100"),
        ({"first_accuracy": 0.9}, 1, "found 0.100"),
        ({"first_accuracy": 0.9, "score_sum": 3}, 0, "found 0.100"),
        ({"first_accuracy": "10 %"}, 1, "not one number"),
        ({"first_scores": np.eye(10)[LABELS], "first_accuracy": 1.0}, 1, "not chance"),
        ({"first_scores": np.eye(10)[(LABELS + 1) % 10], "first_accuracy": 0}, 1, "not chance"),
        ({"first_scores": SCORES * 3}, 0, "do not sum to 1"),
        ({"first_scores": SCORES[0]}, 0, "of shape (10,)"),
        ({"first_scores": SCORES[:, :9]}, 0, "expected 10 scores"),
        ({"first_scores": np.tile(SCORES, (2, 1))}, 0, "400 rows"),
        ({"first_scores": Unreadable("method")}, 0, "no table"),
    ],
)
def test_guesses(values, points, says):
    result = guess_badly(evidence(**values), reference())
    assert (result.points, says in result.saw) == (points, True)


@pytest.mark.parametrize(
    ("accuracy", "says"), [(20, ".mean()"), (0.9, "Use =="), (0.5, "argmax(axis=1)")]
)
def test_advice_on_the_accuracy(accuracy, says):
    assert says in guess_badly(evidence(first_accuracy=accuracy), reference()).try_next


def test_saving():
    assert save_network(evidence(), reference()).points == 1
    assert "not saved" in save_network(evidence(), reference(saved=("piles",))).saw


WEIRD = [
    *ANYTHING,
    -3,
    10**30,
    "896",
    [[1], [1, 2]],
    {"a": None},
    np.array(3),
    np.zeros((0, 10)),
    np.full((200, 10), np.nan),
    np.zeros((200, 10)),
    np.zeros((2, 3, 4)),
    Unreadable("ValueError"),
    Unreadable("function"),
    network([]),
    network([layer("Dense")], entry=(None, None), end=(None,)),
    network([layer("Conv2D", 5)], entry=(None, None, None, None)),
    network([layer("Conv2D", 5, filters="x", kernel_size=None, strides="?")]),
    network([layer("Rescaling", scale=None), layer("Conv2D", 0, filters=0)]),
]


@pytest.mark.parametrize("name", NAMES)
def test_no_value_stops_a_check(name):
    for value in WEIRD:
        for rest in ({}, RIGHT):
            for check in CHECKS.values():
                for saved in ((), ("network",)):
                    found = Evidence(4, [], {**rest, name: value})
                    result = check.judge(found, reference(saved=saved))
                    assert 0 <= result.points <= check.points
                    assert result.saw
                    assert (result.points == check.points) == (result.try_next == "")
