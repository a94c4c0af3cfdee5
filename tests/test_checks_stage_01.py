"""The checks of Stage 1 as pure functions, on small cases worked out by hand."""

import time

import numpy as np
import pytest

from course_utils.checks.stage_01 import CHECKS, NAMES, said_of, whole_number
from course_utils.evidence import Cell, Evidence, Reference, Shown, Table, Unreadable, plain
from course_utils.practice import CLASS_NAMES
from tests.anything import ANYTHING

# Sixty pictures; picture i has the class 7 * i modulo 10, so all classes come in turn.
LABELS = 7 * np.arange(60) % 10
PICTURES = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3)).astype(np.uint8)
REFERENCE = Reference(np.zeros((0, 10)), LABELS, CLASS_NAMES, PICTURES)
SHAPE = {"number_of_pictures": 60, "height": 32, "width": 32, "channels": 3}
PIXELS = {"pixel_type": np.dtype("uint8"), "smallest": np.uint8(0), "largest": np.uint8(255)}


def name_of(number):
    return CLASS_NAMES[LABELS[number]]


def evidence(cells=(), **values):
    return Evidence(1, list(cells), {name: plain(value) for name, value in values.items()})


def judge(check, cells=(), **values):
    return CHECKS[check].judge(evidence(cells, **values), REFERENCE)


def sheet(numbers, caption=name_of, **more):
    return Cell("sheet", [Shown(number, caption(number)) for number in numbers], **more)


def test_ten_points():
    assert sum(check.points for check in CHECKS.values()) == 10


def test_blank():
    for check in CHECKS:
        for values in ({}, dict.fromkeys(NAMES), dict.fromkeys(NAMES, ...)):
            result = judge(check, **values)
            assert result.points == 0
            assert result.saw.startswith("Still to do")


# --- Step 1


@pytest.mark.parametrize(
    ("change", "points"),
    [
        ({}, 2),
        ({"number_of_pictures": "60", "height": 32.0, "width": [32], "channels": np.int64(3)}, 2),
        ({"channels": 4}, 1),
        ({"channels": ..., "width": None}, 1),
        ({"number_of_pictures": (6, 0)}, 1),
        ({"height": 3, "channels": 32}, 1),
        ({"height": 3, "width": 3, "channels": 32}, 0),
        (dict.fromkeys(SHAPE, (60, 32, 32, 3)), 0),
        ({"height": True}, 1),
    ],
)
def test_shape(change, points):
    assert judge("look_at_shape", **(SHAPE | change)).points == points


def test_shape_says_what_happened():
    assert "comma" in judge("look_at_shape", **(SHAPE | {"number_of_pictures": (6, 0)})).saw
    assert "all four" in judge("look_at_shape", **(SHAPE | {"height": (60, 32, 32, 3)})).saw
    assert "Still to do: width" in judge("look_at_shape", **(SHAPE | {"width": ...})).saw


# --- Step 2


@pytest.mark.parametrize(
    ("change", "points", "says"),
    [
        ({}, 2, "Right"),
        ({"pixel_type": "uint8", "smallest": 0.0, "largest": "255"}, 2, "Right"),
        ({"pixel_type": "numpy.uint8"}, 2, "Right"),
        ({"pixel_type": Unreadable("UInt8DType")}, 2, "Right"),
        ({"pixel_type": "int"}, 1, "pixel_type is 'int'"),
        ({"pixel_type": Unreadable("ndarray")}, 1, "I expected the type of the numbers"),
        ({"smallest": 255, "largest": 0}, 0, "swapped"),
        ({"largest": 256}, 1, "how many different numbers"),
        ({"largest": 1}, 1, "largest is 1."),
        ({"smallest": 12}, 1, "smallest is 12."),
        ({"largest": PICTURES.max}, 1, "not a number"),
        ({"largest": ...}, 1, "Still to do: largest"),
        ({"largest": ..., "smallest": 3}, 0, "Not right: smallest"),
    ],
)
def test_pixels(change, points, says):
    values = {
        name: value if isinstance(value, Unreadable) else plain(value)
        for name, value in (PIXELS | change).items()
    }
    result = CHECKS["look_at_pixels"].judge(Evidence(1, [], values), REFERENCE)
    assert (result.points, says in result.saw) == (points, True), result


# --- Steps 3 and 5


def test_one_photo():
    assert judge("show_one_photo", [Cell("a", [Shown(4)])]).saw.endswith(f"{name_of(4)}.")
    assert judge("show_one_photo", [sheet(range(3))]).points == 1
    assert judge("show_one_photo", [Cell("a", unknown=1)]).points == 0
    assert "white" in judge("show_one_photo", [Cell("a", unknown=1, white=1)]).saw


@pytest.mark.parametrize(
    ("value", "points"),
    [
        (12, 2),
        ("12", 2),
        (12.0, 2),
        ([12], 2),
        (-48, 2),
        (13, 1),
        (60, 0),
        (-61, 0),
        (12.5, 0),
        (PICTURES[12], 0),
        ([12, 13], 0),
        ("cat", 0),
        (True, 0),
        (float("nan"), 0),
        (np.where, 0),
    ],
)
def test_hard_photo(value, points):
    result = judge("name_hard_photo", [Cell("a", [Shown(12)])], hard_photo=value)
    assert result.points == points


# --- Step 4


@pytest.mark.parametrize(
    ("numbers", "points"),
    [
        ([], 0),
        ([1], 0),
        ([1, 2], 0),
        (range(4), 1),
        (range(9), 2),
        (range(10), 3),
        (range(30), 3),
        ([0, 10, 20, 30, 40, 50, 1, 11, 21, 31, 41], 2),  # eleven photos of two classes
        ([5] * 12, 0),
    ],
)
def test_points_of_a_sheet(numbers, points):
    assert judge("contact_sheet", [sheet(numbers)]).points == points


@pytest.mark.parametrize(
    ("caption", "points", "says"),
    [
        (lambda n: f"Photo {n}: {name_of(n).upper()}s!", 3, ""),
        (lambda n: f"a {name_of(n)}, or a {CLASS_NAMES[(LABELS[n] + 1) % 10]}?", 3, ""),
        (lambda n: CLASS_NAMES[n % 10], 2, "the photo's number as the class number"),
        (lambda n: name_of(n + 1), 2, "some names are wrong"),
        (lambda n: name_of(0), 2, "some names are wrong"),
        (lambda n: f"class {LABELS[n]}", 2, "class numbers"),
        (lambda n: "", 2, "no class name"),
        (lambda n: name_of(n) if n else "", 2, "no class name with photo 0."),
    ],
)
def test_labels(caption, points, says):
    result = judge("contact_sheet", [sheet(range(10), caption)])
    assert (result.points, says in result.saw) == (points, True), result


def test_names_for_all_photos_together():
    numbers = list(range(20, 31))
    names = ", ".join(name_of(number) for number in numbers)
    strip = Cell("a", [Shown(number, names) for number in numbers])
    above = Cell("a", [Shown(number, around=names) for number in numbers])
    printed = Cell("a", [Shown(number) for number in numbers], text=names.replace(", ", "\n"))
    lines = "".join(f"no. {number} shows a {name_of(number)}\n" for number in reversed(numbers))
    numbered = Cell("a", [Shown(number) for number in numbers], text=lines + "the cat slept\n")
    for cell in (strip, above, printed, numbered):
        assert judge("contact_sheet", [cell]).points == 3
    other = ", ".join(name_of(number) for number in reversed(numbers))
    assert set(said_of([Cell("a", [Shown(n, other) for n in numbers])], REFERENCE).values()) > {
        "wrong"
    }


def test_a_photo_on_its_own_neither_helps_nor_harms_a_sheet():
    single = Cell("one", [Shown(59, "a dog? no, a truck or a cat?")])
    assert judge("contact_sheet", [single, sheet(range(10))]).points == 3
    assert judge("contact_sheet", [single, sheet(range(9))]).points == 2
    singles = [Cell(str(number), [Shown(number, name_of(number))]) for number in range(10)]
    assert judge("contact_sheet", singles).points == 3


def test_a_sheet_with_hidden_photos():
    result = judge("contact_sheet", [Cell("a", [Shown(9, name_of(9))], covered=9)])
    assert "behind" in result.try_next


# --- Anything at all


@pytest.mark.parametrize(
    ("value", "number"),
    [("50,000", 50000), (" 32 ", 32), ("-1", -1), ("a", None), ("", None), (None, None)],
)
def test_whole_number(value, number):
    assert whole_number(value) == number


WEIRD = [
    *ANYTHING,
    *(None, True, 0, -1, 10**30, 2.5, float("nan"), float("inf"), "", "cat", "dog 3", "é", "٣"),
    *([], [[]], [None], ["cat", 3], [1, [2]], {}, {"cat": 1}, {1: 2}, {"a": None}),
    *(np.zeros(0), np.eye(3), np.full(4, np.nan), PICTURES, PICTURES[0], np.array(["a"])),
    *(Unreadable("function"), Unreadable(""), Table({"a": [1]}, [0])),
]
CELLS = [
    [],
    [Cell("a")],
    [Cell("a", [Shown(0, "cat\n" * 50), Shown(0), Shown(59, "é 59", "dog")], 2, 1, 3, "7 cat 7")],
    [sheet(range(60)), sheet(range(5), lambda n: "")],
]


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("value", WEIRD, ids=lambda value: type(value).__name__)
def test_no_evidence_stops_a_check(value, cells):
    for name in NAMES:
        for check in CHECKS.values():
            values = dict.fromkeys(NAMES, 1) | {name: value}
            result = check.judge(Evidence(1, cells, values), REFERENCE)
            assert 0 <= result.points <= check.points
            assert result.saw
            assert (result.points == check.points) == (result.try_next == "")


def test_many_photos_under_long_words_take_no_long_time():
    """In quadratic time these would take many minutes."""
    began = time.process_time()
    words = "a cat and a dog, 7\n" * 2000
    cells = [Cell("a", [Shown(n % len(LABELS), "", "around") for n in range(10_000)], text=words)]
    assert set(said_of(cells, REFERENCE).values()) == {"nothing"}
    assert time.process_time() - began < 5
