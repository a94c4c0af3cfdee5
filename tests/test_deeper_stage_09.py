"""The check of Stage 9 that goes deeper, on answers as students write them."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils.checks.stage_09 import DEEPER, NAMES
from course_utils.evidence import Cell, Evidence, Network, Reference, Table, Unreadable, plain
from course_utils.practice import CLASS_NAMES
from tests.anything import ANYTHING

REFERENCE = Reference(np.zeros((0, 10)), np.zeros(0, int), CLASS_NAMES)
TOP = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
OTHER = TOP.T.copy()
PHOTOS = [{"name": "portrait", "top3": [("cat", 0.9), ("dog", 0.1), ("frog", 0.0)]}]
RIGHT = {
    "deeper_photo": "portrait",
    "top_class": "cat",
    "other_class": "dog",
    "top_map": TOP,
    "other_map": OTHER,
    "map_cells": 64,
    "photos": PHOTOS,
}
SAID = "cat has a map of 8 x 8 cells.\ndog has a map of 8 x 8 cells.\n"
EARLIER = Cell("three photos", unknown=3, text="portrait -> cat")
DRAWN = Cell("deeper_gradcam", unknown=4, text=SAID)
CHECKING = Cell("check")
CELLS = [EARLIER, Cell("save"), Cell("recipes"), DRAWN, CHECKING]

DONE = Unreadable, Network, Table  # plain data already


def judge(cells=CELLS, **changes):
    values = {
        name: value if isinstance(value, DONE) else plain(value)
        for name, value in (RIGHT | changes).items()
    }
    result = DEEPER["deeper_gradcam"].judge(Evidence(9, list(cells), values), REFERENCE)
    assert result.points in (0, 1)
    assert (result.points == 1) == (result.try_next == ""), result
    return result


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"top_class": "Cat", "other_class": "the dogs"},
        {"other_class": "ship", "other_map": np.zeros((8, 8)), "cells": [DRAWN, CHECKING]},
        {"top_map": TOP.tolist(), "other_map": OTHER[None], "map_cells": np.int64(64)},
        {"map_cells": 64.0},
        {"map_cells": np.array([64])},
        {"photos": ..., "deeper_photo": "my_photo.jpg"},
        {"photos": PHOTOS, "deeper_photo": "another.jpg", "top_class": "ship"},
        {"photos": "none", "deeper_photo": Unreadable("PhotoBox")},
        {"top_map": TOP[:5, :4], "other_map": OTHER[:5, :4], "map_cells": 20},
        {"cells": [Cell("own", unknown=1), CHECKING]},  # drawn without show_maps
        {"cells": [DRAWN, *[Cell(str(k)) for k in range(9)]]},  # drawn long ago
    ],
)
def test_right_ways(changes):
    result = judge(**changes)
    assert result.points == 1, result
    assert "It cannot say why." in result.saw


def test_it_says_the_true_size():
    assert "8 x 8 = 64 cells, for a photo of 1,024 pixels" in judge().saw


WRONG = {
    "blank": (dict.fromkeys(NAMES, ...), "Still to do: top_class, other_class, top_map"),
    "one blank": ({"map_cells": ...}, "Still to do: map_cells."),
    "pair for a name": ({"top_class": ("cat", 0.9)}, "top_class is a pair"),
    "number for a name": ({"other_class": 5}, "class_names[number]"),
    "scores for a name": ({"top_class": np.ones(10)}, "10 numbers"),
    "other spelling": ({"other_class": "boat"}, "Did you mean 'ship'?"),
    "no class": ({"other_class": "banana"}, "none of the ten classes"),
    "two classes": ({"other_class": "cat or dog"}, "more than one class"),
    "a thing": ({"other_class": Unreadable("function")}, "not the name of a class"),
    "the same class": ({"other_class": "CAT"}, "Both classes are cat"),
    "not the best guess": (
        {"top_class": "ship"},
        "the best guess for 'portrait' is cat",
    ),
    "all of grad_cam": (
        {"top_map": [TOP[None], "conv", [8, 8], "Grad-CAM", np.array([3])]},
        ".maps[0]",
    ),
    "a picture": ({"top_map": np.zeros((32, 32, 3), np.uint8)}, "That is a picture"),
    "a name for a map": ({"other_map": "dog"}, "I expected a map"),
    "a figure": ({"other_map": Unreadable("Plot")}, "is a Plot"),
    "one row": ({"top_map": TOP[0]}, "rows and columns"),
    "a number": ({"top_map": 3}, "rows and columns"),
    "yes and no": ({"top_map": TOP > 0.5}, "rows and columns"),
    "not a number": ({"top_map": TOP * np.nan}, "no numbers"),
    "times 255": ({"top_map": TOP * 255}, "from 0 to 255"),
    "stretched": (
        {"top_map": np.kron(TOP, np.ones((4, 4))), "other_map": np.kron(OTHER, np.ones((4, 4)))},
        "stretched to the size",
    ),
    "two sizes": ({"other_map": TOP[:4, :4]}, "8 x 8 and 4 x 4"),
    "twice the same": ({"other_map": TOP}, "Both maps are the same"),
    "shape": ({"map_cells": TOP.shape}, "Multiply the two"),
    "shape as a sum": ({"map_cells": 16}, "another number of cells"),
    "one row of cells": ({"map_cells": 8}, "one row or one column"),
    "pixels": ({"map_cells": 1024}, "So many pixels"),
    "both maps": ({"map_cells": 128}, "both maps together"),
    "words": ({"map_cells": "8 x 8"}, "I expected one number"),
    "nothing drawn": ({"cells": [EARLIER, Cell("save"), Cell("a"), Cell("b"), CHECKING]}, "see"),
    "drawn before, other classes": (
        {"cells": [Cell("x", unknown=2, text="ship has a map"), *[Cell(c) for c in "abc"]]},
        "Call show_maps",
    ),
}


@pytest.mark.parametrize(("changes", "words"), WRONG.values(), ids=WRONG)
def test_wrong_ways(changes, words):
    result = judge(**changes)
    assert result.points == 0, result
    assert words in f"{result.saw} {result.try_next}"


def test_each_mistake_has_a_sentence_of_its_own():
    said = [(judge(**changes).saw, judge(**changes).try_next) for changes, _ in WRONG.values()]
    screen = [saw for saw, _ in said if "on the screen" in saw]
    assert len(set(said)) == len(said) - len(screen) + 1


WEIRD = [
    *ANYTHING,
    np.zeros((0, 0)),
    np.zeros((8, 8), complex),
    np.full((8, 8), np.inf),
    [[1, "a"], [2]],
    [{"name": "portrait", "top3": [[None, None]]}],
    [{"name": "portrait", "top3": "cat"}, {"name": "portrait"}],
    Unreadable("Image"),
    Network((None, 32, 32, 3), (None, 10), 0, []),
    Table({}, []),
]


@pytest.mark.parametrize("name", [*DEEPER, *RIGHT])
@pytest.mark.parametrize("value", WEIRD, ids=lambda value: str(value)[:20])
def test_nothing_stops_it(name, value):
    judge(**{name: value})
    judge(**dict.fromkeys(RIGHT, value))
    judge([], **{name: value})


def test_the_check_reads_what_the_notebook_keeps():
    assert set(RIGHT) <= set(NAMES)
    assert DEEPER.keys() == {"deeper_gradcam"}
