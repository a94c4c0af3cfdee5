"""The practice pictures."""

import numpy as np
import pytest

from course_utils import data, models, practice


def test_same_seed_same_pictures():
    first, second, other = (practice.draw_pictures(60, seed)[0] for seed in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_shapes_shares_and_no_picture_twice():
    pictures = data.load_cifar10("practice")
    assert pictures.x_train.shape == (6000, 32, 32, 3)
    assert pictures.x_test.shape == (2000, 32, 32, 3)
    assert pictures.x_train.dtype == pictures.x_test.dtype == np.uint8
    assert np.bincount(pictures.y_train).tolist() == [600] * 10
    assert np.bincount(pictures.y_test).tolist() == [200] * 10
    both = np.concatenate([pictures.x_train, pictures.x_test]).reshape(8000, -1)
    assert len({picture.tobytes() for picture in both}) == 8000


def test_names_are_those_of_cifar10():
    assert " ".join(data.CLASS_NAMES) == (
        "airplane automobile bird cat deer dog frog horse ship truck"
    )


@pytest.mark.slow
def test_worth_analysing(practice_predictions):
    """75 to 90 % right, one class clearly the hardest, mistakes between look-alikes."""
    x_test, labels, _ = data.load_test("practice")
    predicted = np.load(practice_predictions).argmax(axis=1)
    assert 0.75 <= (predicted == labels).mean() <= 0.90
    shares = np.sort([(predicted[labels == k] == k).mean() for k in range(10)])
    assert shares[1] - shares[0] > 0.05
    look_alikes = {("cat", "dog"), ("deer", "horse"), ("automobile", "truck")}
    look_alikes |= {("airplane", "bird"), ("airplane", "ship")}
    wrong = np.flatnonzero(predicted != labels)
    pairs = [tuple(sorted(data.CLASS_NAMES[k] for k in (predicted[n], labels[n]))) for n in wrong]
    assert sum(pair in look_alikes for pair in pairs) > 0.8 * len(pairs)
    assert len(x_test) == len(labels)


def test_record_of_the_training_is_shipped():
    record = models.training_record("practice")
    assert 0.75 <= record["test_accuracy"] <= 0.90
    assert len(record["history"]["val_accuracy"]) == record["epochs"]
