"""The record that a notebook carries: small, exact where it matters, and hard to bend."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import record
from tests.conftest import SHARED


def some(rows=200, sharpness=1.0, seed=0, columns=10):
    rng = np.random.default_rng(seed)
    scores = np.exp(rng.normal(0, sharpness, (rows, columns)))
    return scores / scores.sum(axis=1, keepdims=True)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 30), st.sampled_from([8, 4, 2, 1, 0]))
def test_predicted_class_and_confidence_survive(seed, sharpness, steps):
    before = some(seed=seed, sharpness=sharpness)
    after = record.grow(record.shrink(before, steps), *before.shape, steps)
    for found in (after, after.astype(np.float32)):
        assert np.array_equal(found.argmax(axis=1), before.argmax(axis=1))
    assert np.allclose(after.sum(axis=1), 1)
    assert (after >= 0).all()
    if steps == 8:
        assert np.abs(after.max(axis=1) - before.max(axis=1)).max() < 0.002


def test_ties_go_to_the_lowest_class_as_in_argmax():
    before = np.full((3, 10), 0.1)
    after = record.grow(record.shrink(before), 3, 10)
    assert after.argmax(axis=1).tolist() == [0, 0, 0]


def test_items_come_back():
    items = {"pictures": "practice", "guess": "cat", "history": {"loss": [2.5, 1.25]}}
    found = record.read(f"<p>words</p><!-- {record.write(items | {'predictions': some()})} -->")
    assert np.array_equal(found.pop("predictions").argmax(axis=1), some().argmax(axis=1))
    assert found == items


def test_a_later_record_replaces_an_earlier():
    text = record.write({"guess": "cat", "score": 1}) + "\n" + record.write({"guess": "dog"})
    assert record.read(text) == {"guess": "dog", "score": 1}
    assert record.read("no record at all") == {}


def test_it_is_safe_inside_html():
    text = record.write({"predictions": some(2000)})
    assert not re.search(r"[<>&\"'\s]|--", text)


@pytest.mark.real_data
@pytest.mark.parametrize("network", ["lenet-5", "wideresnet-16-4"])
def test_ten_thousand_real_answers_fit(network):
    if not SHARED.exists():
        pytest.skip("needs ../shared, which is not here")
    with np.load(SHARED / "predictions" / f"{network}-cifar-10.npz") as stored:
        answers = next(stored[name] for name in stored.files if stored[name].ndim == 2)
    one = record.write({"predictions": answers})
    two = record.write({"predictions": answers, "improved_predictions": answers[::-1]})
    assert max(len(one), len(two)) <= 150_000
    after = record.read(two)["improved_predictions"]
    assert np.array_equal(after.argmax(axis=1), answers[::-1].argmax(axis=1))
    assert ((after.max(axis=1) >= 0.9) == (answers[::-1].max(axis=1) >= 0.9)).mean() > 0.999


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace(":end", "x:end"), "fingerprint"),
        (lambda text: text.replace("record:1:", "record:9:"), "newer version"),
    ],
)
def test_a_changed_record_is_refused(change, words):
    with pytest.raises(record.RecordError, match=words):
        record.read(change(record.write({"guess": "cat"})))


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=200))
def test_any_body_is_read_or_refused(body):
    body = body.replace(":", "")
    with pytest.raises(record.RecordError):
        if not record.read(f"course-record:1:{record._digest(body)}:{body}x:end"):
            raise record.RecordError


def test_impossible_answers_are_refused():
    data = bytearray(record.shrink(some(5)))
    data[0] = 99
    with pytest.raises(record.RecordError, match="impossible"):
        record.grow(bytes(data), 5, 10)
    with pytest.raises(record.RecordError, match="as many"):
        record.grow(record.shrink(some(5)), 6, 10)


@pytest.mark.parametrize("bad", [np.full((2, 10), np.nan), np.ones((2, 10)), np.ones(10)])
def test_what_is_no_table_of_probabilities_cannot_be_written(bad):
    with pytest.raises(ValueError, match="must"):
        record.shrink(bad)


def test_the_mark_of_the_end_may_stand_within():
    """The letters of a record can spell it by chance."""
    text = record.write({"guess": "cat"})
    head, _, body = text.removesuffix(":end").rpartition(":")
    spelled = f"{body}:end{body}"
    whole = f"course-record:1:{record._digest(spelled)}:{spelled}:end"
    with pytest.raises(record.RecordError, match="cannot be read"):  # but it was found whole
        record.read(whole)
    assert record.read(f"{text}\n{text}") == {"guess": "cat"}
    assert head.startswith("course-record:1:")
