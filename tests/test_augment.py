"""Training pictures that change: what stays true of them, and of their labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.augment import batches, crop, cutmix, flip

EDGE = 32


def pile(count, seed=0):
    """Pictures of which no two pixels are alike in color, so that nothing agrees by chance."""
    return np.random.default_rng(seed).integers(0, 256, (count, EDGE, EDGE, 3), dtype=np.uint8)


def one_hot(count):
    return np.eye(10, dtype=np.float32)[np.arange(count) % 10]


def dice(seed=42):
    return np.random.default_rng(seed)


# --- flip and crop -------------------------------------------------------------------------


def test_flip_keeps_or_mirrors_each_picture():
    pictures = pile(400)
    kept = pictures.copy()
    flipped = flip(pictures, dice())
    assert flipped.dtype == np.uint8
    assert np.array_equal(pictures, kept)
    mirrored = (flipped == pictures[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (flipped == pictures).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all()
    assert 160 <= mirrored.sum() <= 240  # four standard deviations around one half


@pytest.mark.parametrize("change", [flip, crop])
def test_the_same_dice_give_the_same_pictures(change):
    pictures = pile(20)
    assert np.array_equal(change(pictures, dice()), change(pictures, dice()))
    assert not np.array_equal(change(pictures, dice()), change(pictures, dice(1)))


@given(st.integers(0, 8), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_crop_is_a_window_of_the_picture_with_its_mirror_image_around_it(margin, seed):
    pictures = pile(5, seed)
    cropped = crop(pictures, dice(seed), margin)
    assert cropped.dtype == np.uint8
    assert cropped.shape == pictures.shape
    for before, after in zip(pictures, cropped, strict=True):
        wide = np.pad(before, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
        assert any(
            np.array_equal(wide[top : top + EDGE, left : left + EDGE], after)
            for top in range(2 * margin + 1)
            for left in range(2 * margin + 1)
        )


def test_crop_without_a_margin_changes_nothing():
    pictures = pile(5)
    assert np.array_equal(crop(pictures, dice(), margin=0), pictures)


def test_crop_reaches_every_place_about_equally_often():
    picture = np.zeros((EDGE, EDGE, 3), np.uint8)
    picture[16, 16] = 255  # a dot tells how far the picture was moved
    cropped = crop(np.stack([picture] * 8100), dice())
    rows, columns = np.nonzero(cropped[..., 0])[1:]
    places = np.bincount((rows - 12) * 9 + columns - 12, minlength=81)
    assert len(places) == 81
    assert 60 <= places.min() <= places.max() <= 140  # a hundred each on average


# --- CutMix --------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_labels_say_which_share_of_the_pixels_is_left(seed):
    pictures, labels = pile(8, seed), one_hot(8)
    mixed, shares = cutmix(pictures, labels, dice(seed), probability=1)
    assert mixed.dtype == np.uint8
    assert shares.dtype == np.float32
    assert np.allclose(shares.sum(axis=1), 1)
    for place in range(8):
        left = (mixed[place] == pictures[place]).all(axis=-1).mean()
        # Random pixels agree by chance once in 16 million.
        assert shares[place, place] == pytest.approx(left, abs=1e-6)


def test_the_pasted_box_is_at_the_same_place_in_its_own_picture():
    """With these dice, Stage 8 says: 16 by 16 pixels, and each picture meets another."""
    pictures, labels = pile(4), one_hot(4)
    mixed, shares = cutmix(pictures, labels, dice(22), probability=1)
    assert shares.max(axis=1).tolist() == [0.75] * 4
    for place in range(4):
        own = (mixed[place] == pictures[place]).all(axis=-1)
        other = shares[place].tolist().index(0.25)
        assert np.array_equal(mixed[place][~own], pictures[other][~own])
        rows, columns = np.nonzero(~own)
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1, len(rows)) == (16, 16, 256)


def test_cutmix_leaves_what_it_was_given():
    pictures, labels = pile(8), one_hot(8)
    kept = pictures.copy(), labels.copy()
    cutmix(pictures, labels, dice(22), probability=1)
    assert np.array_equal(pictures, kept[0])
    assert np.array_equal(labels, kept[1])


def test_the_share_of_the_box_is_right_on_average():
    """Before the border cuts it off, the box covers any share with equal chance.

    The reference below repeats the published code with other dice.
    """
    pictures, labels, rng = pile(2), np.eye(2), dice(7)
    found = []
    for _ in range(4000):
        shares = cutmix(pictures, labels, rng, probability=1)[1]
        found += [1 - shares[0, 0]] if shares[0, 1] else []
    other = np.random.RandomState(3)
    expected = []
    for _ in range(4000):
        side = np.sqrt(1 - other.beta(1, 1))
        size, row, column = int(EDGE * side), other.randint(EDGE), other.randint(EDGE)
        top, bottom = np.clip([row - size // 2, row + size // 2], 0, EDGE)
        left, right = np.clip([column - size // 2, column + size // 2], 0, EDGE)
        expected.append((bottom - top) * (right - left) / EDGE**2)
    # Half of the draws pair a picture with itself; empty boxes are not seen either.
    assert np.mean(found) == pytest.approx(np.mean([e for e in expected if e]), abs=0.02)


@pytest.mark.parametrize(
    ("probability", "least", "most"), [(0, 0, 0), (1, 390, 400), (0.5, 160, 240)]
)
def test_how_often_a_batch_is_mixed(probability, least, most):
    pictures, labels, rng = pile(8), one_hot(8), dice()
    times = sum(
        not np.array_equal(cutmix(pictures, labels, rng, probability)[0], pictures)
        for _ in range(400)
    )
    # A box of no pixels, or a picture that meets itself, shows nothing: allow for a few.
    assert least <= times <= most


def test_mixed_labels_may_be_mixed_again():
    pictures, labels = pile(8), one_hot(8)
    first = cutmix(pictures, labels, dice(22), probability=1)
    again = cutmix(*first, dice(26), probability=1)
    assert np.allclose(again[1].sum(axis=1), 1)


# --- Batches -------------------------------------------------------------------------------


def numbered(count):
    """Pictures that carry their own number, and labels that repeat it."""
    pictures = np.zeros((count, EDGE, EDGE, 3), np.uint8)
    pictures[..., 0] = (np.arange(count) // 256)[:, None, None]
    pictures[..., 1] = (np.arange(count) % 256)[:, None, None]
    return pictures, np.arange(count)


def epoch(feed):
    """All batches of one epoch, in the order of Keras: first, second, ..., end."""
    found = [feed[place] for place in range(len(feed))]
    feed.on_epoch_end()
    return [np.concatenate(part) for part in zip(*found, strict=True)]


@pytest.mark.parametrize(("count", "size"), [(300, 128), (256, 128), (5, 128), (7, 1)])
def test_every_picture_comes_once_an_epoch_with_its_own_label(count, size):
    pictures, labels = numbered(count)
    feed = batches(pictures, labels, batch_size=size)
    assert len(feed) == -(-count // size)
    for _ in range(2):
        x, y = epoch(feed)
        assert x.dtype == np.uint8
        assert sorted(y.tolist()) == labels.tolist()
        assert np.array_equal(x[:, 0, 0], pictures[y][:, 0, 0])


def test_each_epoch_is_new_and_the_same_seed_repeats_all_of_them():
    pictures, labels = pile(200), one_hot(200)
    one, two, other = (batches(pictures, labels, seed=seed) for seed in (1, 1, 2))
    first, second = epoch(one), epoch(one)
    assert not np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], second[0])
    for wanted in (first, second):
        assert all(map(np.array_equal, epoch(two), wanted))
    assert not np.array_equal(epoch(other)[1], first[1])


def test_changes_are_applied_in_order_and_may_be_none():
    pictures, labels = numbered(20)
    x, y = epoch(batches(pictures, labels, changes=()))
    assert np.array_equal(x, pictures[y])

    def add(pictures, rng):
        return pictures + np.uint8(1)

    def double(pictures, rng):
        return pictures * np.uint8(2)

    x, y = epoch(batches(pictures, labels, changes=[add, double]))
    assert np.array_equal(x[:, 0, 0, 1], (y + 1) * 2)


def test_mix_comes_after_the_changes_and_mixes_labels():
    pictures, labels = pile(256), one_hot(256)
    x, y = epoch(batches(pictures, labels, changes=(), mix=cutmix, seed=3))
    assert np.allclose(y.sum(axis=1), 1)
    assert ((y > 0).sum(axis=1) == 2).any()
    assert x.shape == pictures.shape


def test_keras_takes_the_batches():
    from course_utils.models import import_keras

    keras = import_keras()
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(10)]
    model = keras.Sequential([keras.layers.Input((EDGE, EDGE, 3), dtype="uint8"), *layers])
    model.compile(loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    feed = batches(pile(20), one_hot(20), mix=cutmix, batch_size=8)
    history = model.fit(feed, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
