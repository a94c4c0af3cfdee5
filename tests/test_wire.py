"""Evidence as text: what goes in comes out, and nothing else does."""

from __future__ import annotations

import base64
import contextlib
import json
import time
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from course_utils import wire
from course_utils.evidence import Cell, Chart, Layer, Network, Shown, Table, Unreadable
from tests.anything import ANYTHING

NUMBERS = st.one_of(st.booleans(), st.integers(-(10**400), 10**400), st.floats(allow_nan=False))
ARRAYS = st_numpy.arrays(
    st.sampled_from(["?", "u1", "i4", "i8", "f4", "f8"]),
    st_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
LEAVES = st.one_of(st.none(), NUMBERS, st.text(max_size=20), ARRAYS)
KEYS = st.one_of(st.text(max_size=9), st.integers())


def _nested(inner: st.SearchStrategy) -> st.SearchStrategy:
    lists = st.lists(inner, max_size=4)
    return st.one_of(lists, lists.map(tuple), st.dictionaries(KEYS, inner, max_size=4))


def same(one: Any, other: Any) -> bool:
    """Equal and of the same type, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return (
            one.dtype.kind == other.dtype.kind
            and one.shape == other.shape
            and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return one == other


@given(st.recursive(LEAVES, _nested, max_leaves=20))
@example({"a": [(), [], {}, ({"b": None},)]})
@example(-0.0)
@settings(max_examples=200, deadline=None)
def test_round_trip(value):
    assert same(wire.read(wire.write(value)), value)


@pytest.mark.parametrize("value", ANYTHING, ids=lambda value: repr(value)[:20])
def test_anything_a_student_may_leave(value):
    assert repr(wire.read(wire.write(value))) == repr(value)


RECORDS = [
    Unreadable("module"),
    Table({"class": ["cat", "dog"], 0: [0.5, None]}, [0, 1]),
    Network((None, 32, 32, 3), (None, 10), 5, [Layer("Dense", (None, 10), 5, {"units": 10})]),
    Chart([1.0, 2], [[0.5]], ["cat"], "a chart"),
    Cell("a", [Shown(5, "cat", "around")], 1, 0, 0, "text", [Chart()]),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records(record):
    assert wire.read(wire.write(record)) == record


def test_an_array_that_both_have_is_sent_by_name():
    pictures = np.arange(12_000_000, dtype=np.uint8)
    text = wire.write({"x": pictures.copy()}, {"pictures": pictures})
    assert len(text) < 100
    assert wire.read(text, {"pictures": pictures})["x"] is pictures


def test_of_a_very_large_array_the_beginning_is_sent():
    large = np.arange(20_000_000, dtype=np.float64).reshape(-1, 2, 2)
    text = wire.write(large)
    assert len(text) < 10_000
    found = wire.read(text)
    assert (found.shape, found.dtype) == (large.shape, large.dtype)
    assert np.array_equal(found[:100], large[:100])
    assert not found[100:].any()
    numbers = np.zeros(100_000_000, np.int8)
    assert wire.read(wire.write(numbers)) == Unreadable("very large array")
    huge = np.broadcast_to(np.uint8(0), (2_000_000, 10, 100))
    assert wire.read(wire.write(huge)) == Unreadable("very large array")
    one_row = np.zeros((1, 20_000_000), np.uint8)
    assert wire.read(wire.write(one_row)) == Unreadable("very large array")


def test_large_arrays_leave_room_for_each_other_and_for_small_ones():
    random = np.random.default_rng(0)
    large = [random.integers(0, 256, (2000, 1000), dtype=np.uint8) for _ in range(4)]
    small = random.random((10_000, 10), np.float32)
    text = wire.write([*large, small])
    assert len(text) < 5_500_000
    *found, last = wire.read(text)
    assert np.array_equal(last, small)
    assert [np.array_equal(one, other) for one, other in zip(found, large, strict=True)] == [
        True,
        False,
        False,
        False,
    ]
    for one, other in zip(found, large, strict=True):
        assert one.shape == other.shape
        assert np.array_equal(one[:100], other[:100])


def test_very_many_large_arrays_are_no_large_text():
    random = np.random.default_rng(0)
    many = [random.integers(0, 256, (300, 3000), dtype=np.uint8) for _ in range(60)]
    text = wire.write(many)
    assert len(text) < 5_500_000
    found = wire.read(text)
    assert len(found) == len(many)
    assert any(isinstance(one, Unreadable) for one in found)


@pytest.mark.parametrize(
    "shape", [[10**7, 4], [2, 4], [5, 5], [5], [-5, 4], [True, 4], ["5", 4], [10**30, 4]]
)
def test_a_beginning_of_something_else_is_refused(shape):
    array = json.loads(wire.write(np.ones((3, 4))))["array"]
    with pytest.raises(wire.WireError):
        wire.read(json.dumps({"begins": [shape, array]}))


def test_other_things_become_their_names():
    assert wire.read(wire.write([open, type])) == [
        Unreadable("builtin_function_or_method"),
        Unreadable("type"),
    ]
    deep: list = []
    for _ in range(500):
        deep = [deep]
    assert "Unreadable" in wire.write(deep)
    wire.read(wire.write(deep))


# --- From somebody else ------------------------------------------------------------------------


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


def array(form: Any, shape: Any, data: Any) -> str:
    return json.dumps({"array": [form, shape, data]})


HOSTILE = {
    "no JSON": "x",
    "cut off": '{"array": [',
    "deep": "[" * 100_000,
    "deep and closed": "[" * 500 + "]" * 500,
    "many parts": "[" + "[]," * 2_000_000 + "0]",
    "long": '"' + "x" * (wire.MOST_TEXT + 1) + '"',
    "long number": "1" * 100_000,
    "empty object": "{}",
    "two kinds": '{"tuple": [], "set": []}',
    "unknown kind": '{"Popen": {"args": "true"}}',
    "unknown name": '{"known": "answers"}',
    "unhashable name": '{"known": []}',
    "unhashable in a set": '{"set": [[]]}',
    "unhashable key": '{"dict": [[[], 1]]}',
    "no pairs": '{"dict": [1, 2]}',
    "objects": array("|O", [1], packed(b"12345678")),
    "structure": array("i4,i4", [1], packed(b"12345678")),
    "text": array("<U2", [1], packed(b"12345678")),
    "complex": array("<c8", [1], packed(b"12345678")),
    "date": array("<M8[s]", [1], packed(b"12345678")),
    "code for a type": array("__import__('os')", [1], packed(b"12345678")),
    "no type": array(5, [1], packed(b"12345678")),
    "negative": array("|u1", [-1], packed(b"1")),
    "not whole": array("|u1", [1.5], packed(b"1")),
    "truth": array("|u1", [True], packed(b"1")),
    "no shape": array("|u1", 5, packed(b"1")),
    "empty and endless": array("|u1", [2**70, 0], packed(b"")),
    "too many axes": array("|u1", [1] * 99, packed(b"1")),
    "too few": array("|u1", [5], packed(b"1234")),
    "too many": array("|u1", [3], packed(b"1234")),
    "bomb": array("|u1", [4], packed(b"\0" * 300_000_000)),
    "large": array("|u1", [wire.MOST_ARRAY + 1], packed(b"\0" * (wire.MOST_ARRAY + 1))),
    "many large": json.dumps(
        [{"array": ["|u1", [wire.MOST_ARRAY], packed(b"\0" * wire.MOST_ARRAY)]}] * 20
    ),
    "not packed": array("|u1", [3], base64.b64encode(b"123").decode()),
    "no base": array("|u1", [3], "$$$"),
    "no data": array("|u1", [3], 5),
    "table": '{"Table": {"columns": 5, "index": []}}',
    "table without index": '{"Table": {"columns": {"dict": []}}}',
    "table with more": '{"Table": {"columns": {"dict": []}, "index": [], "x": 1}}',
    "table of a list": '{"Table": []}',
    "network": '{"Network": {"input_shape": [], "output_shape": [], "parameters": 1, "layers": 1}}',
    "chart": '{"Chart": {"bars": ["a"], "lines": [], "labels": [], "words": ""}}',
    "chart of lines": '{"Chart": {"bars": [], "lines": [5], "labels": [], "words": ""}}',
    "chart of truths": '{"Chart": {"bars": [true], "lines": [], "labels": [], "words": ""}}',
    "kind that is none": '{"Unreadable": {"kind": ["a"]}}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_refused(name):
    began = time.process_time()
    with pytest.raises(wire.WireError):
        wire.read(HOSTILE[name])
    assert time.process_time() - began < 3


@given(st.text(max_size=50))
@example("null")
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(wire.WireError):
        wire.read(text)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["array", "tuple", "set", "dict", "known", *wire._RECORDS, "x"]),
            inner,
            max_size=2,
        ),
    ),
    max_leaves=12,
)


@given(JSON)
@settings(max_examples=500, deadline=None)
def test_any_json_is_read_or_refused(value):
    with contextlib.suppress(wire.WireError):
        wire.read(json.dumps(value), {"x": np.zeros(3)})


def test_a_truth_is_one_or_nothing():
    read = wire.read(array("|b1", [3], packed(bytes([0, 1, 200]))))
    assert read.sum() == 2
