"""The small vision transformer, its attention, and rollout worked by hand."""

import numpy as np
import pytest

from course_utils import models
from course_utils.analysis.saliency import grad_cam
from course_utils.analysis.transformer import attention, build_transformer, rolled, rollout

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
RNG = np.random.default_rng(1)


@pytest.fixture(scope="module")
def keras():
    return models.import_keras()


@pytest.fixture(scope="module")
def transformer():
    return build_transformer()


# --- The network ---------------------------------------------------------------------------


def test_it_answers_with_probabilities_and_is_small(transformer, tmp_path):
    assert 190_000 <= transformer.count_params() <= 220_000
    assert transformer.input_shape == (None, 32, 32, 3)
    assert transformer.inputs[0].dtype == "uint8"
    answers = transformer.predict(PICTURES, verbose=0)
    assert answers.shape == (3, 10)
    assert answers.dtype == np.float32
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert build_transformer(100).output_shape == (None, 100)
    place = tmp_path / "t.weights.h5"
    transformer.save_weights(place)
    assert place.stat().st_size < 1_000_000


def test_the_seed_fixes_the_first_weights(transformer):
    for one, other in zip(
        transformer.get_weights(), build_transformer().get_weights(), strict=True
    ):
        assert np.array_equal(one, other)
    other = build_transformer(seed=1)
    tokens = [model.get_layer("tokens").get_weights()[0] for model in (transformer, other)]
    assert not np.array_equal(*tokens)


def test_weights_configuration_and_the_whole_model_travel(keras, transformer, tmp_path):
    expected = transformer.predict(PICTURES, verbose=0)
    transformer.save_weights(tmp_path / "t.weights.h5")
    transformer.save(tmp_path / "t.keras")
    by_weights = build_transformer(seed=7)
    by_weights.load_weights(tmp_path / "t.weights.h5")
    copy = models.copy_of(transformer)
    copy.set_weights(transformer.get_weights())
    read = keras.saving.load_model(tmp_path / "t.keras")
    looks = attention(transformer, PICTURES)
    for model in (by_weights, copy, read):
        assert np.allclose(model.predict(PICTURES, verbose=0), expected, atol=1e-6)
        assert np.allclose(attention(model, PICTURES), looks, atol=1e-6)


def test_sixteen_bits(keras, transformer):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = build_transformer()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert model.get_layer("tokens").compute_dtype == "bfloat16"
    assert {str(weight.dtype) for weight in model.trainable_weights} == {"float32"}
    for one, other in zip(model.get_weights(), transformer.get_weights(), strict=True):
        assert np.array_equal(one, other)
    answers = model.predict(PICTURES, verbose=0)
    assert answers.dtype == np.float32
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(answers, transformer.predict(PICTURES, verbose=0), atol=0.03)
    looks = attention(model, PICTURES)
    assert looks.dtype == np.float32
    assert np.allclose(looks.sum(axis=-1), 1, atol=1e-5)


def test_patches_are_read_row_by_row(keras, transformer):
    """A picture whose pixels say in which patch they lie."""
    rows, columns = np.indices((32, 32)) // 4
    picture = np.repeat((rows * 8 + columns)[None, ..., None], 3, axis=-1).astype(np.uint8)
    inside = keras.Model(transformer.inputs[0], transformer.get_layer("patches").output)
    patches = (keras.ops.convert_to_numpy(inside(picture))[0] + 1) * 127.5
    assert np.allclose(patches, np.arange(64)[:, None], atol=1e-3)


def test_every_token_has_its_place_and_the_class_token_comes_first(keras, transformer):
    """Of one color, patches differ by their position only; the class token sees no pixel."""
    inside = keras.Model(transformer.inputs[0], transformer.get_layer("tokens").output)
    gray, white = (
        keras.ops.convert_to_numpy(inside(np.full((1, 32, 32, 3), value, np.uint8)))[0]
        for value in (90, 255)
    )
    assert gray.shape == (65, 64)
    assert np.array_equal(gray[0], white[0])
    assert not np.isclose(gray[1:], white[1:]).all(axis=1).any()
    assert len(np.unique(gray.round(6), axis=0)) == 65


def test_it_learns(keras):
    """Which quarter of the picture is bright, in thirty-two batches."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 60, (64, 32, 32, 3), dtype=np.uint8)
    y = np.arange(64) % 4
    for picture, quarter in zip(x, y, strict=True):
        row, column = 16 * (quarter // 2), 16 * (quarter % 2)
        picture[row : row + 16, column : column + 16] += 180
    model = build_transformer(4, patch=8, width=16, depth=2, heads=2)
    model.compile(
        keras.optimizers.AdamW(3e-3, weight_decay=0.02), "sparse_categorical_crossentropy"
    )
    model.fit(x, y, batch_size=32, epochs=16, verbose=0)
    assert (model.predict(x, verbose=0).argmax(axis=1) == y).mean() > 0.9


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"patch": 5}, "5 pixels does not divide a picture of 32"),
        ({"patch": 0}, "does not divide"),
        ({"heads": 3}, "64 numbers cannot be shared out among 3 heads"),
        ({"heads": 0}, "among 0 heads"),
    ],
)
def test_what_cannot_be_built_is_said(given, words):
    with pytest.raises(ValueError, match=words):
        build_transformer(**given)


# --- Attention -----------------------------------------------------------------------------


def test_attention_is_that_of_each_block_and_head(keras, transformer):
    found = attention(transformer, PICTURES)
    assert found.shape == (3, 4, 4, 65, 65)
    assert found.dtype == np.float32
    assert (found >= 0).all()
    assert np.allclose(found.sum(axis=-1), 1, atol=1e-5)
    # By its definition, from the queries and keys of the third block.
    norm = keras.Model(transformer.inputs[0], transformer.get_layer("norm_3a").output)
    x = keras.ops.convert_to_numpy(norm(PICTURES))
    layer = transformer.get_layer("attention_3")
    queries, keys = (
        np.einsum("ntw,whd->nhtd", x, np.asarray(dense.get_weights()[0]))
        for dense in (layer.query_dense, layer.key_dense)
    )
    scores = np.einsum("nhid,nhjd->nhij", queries, keys) / np.sqrt(16)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    assert np.allclose(found[:, 2], scores, atol=1e-5)


def test_attention_of_many_one_and_a_stand_in(transformer):
    many = RNG.integers(0, 256, (66, 32, 32, 3), dtype=np.uint8)
    found = attention(transformer, many)
    assert np.allclose(attention(transformer, many[65:]), found[65:], atol=1e-6)
    stand_in = models.RecordedModel(PICTURES, np.full((3, 10), 0.1), lambda: transformer)
    assert np.array_equal(attention(stand_in, many[:1]), attention(transformer, many[:1]))


def test_one_block(transformer):
    shallow = build_transformer(patch=16, width=8, depth=1, heads=2)
    assert attention(shallow, PICTURES).shape == (3, 1, 2, 5, 5)


def test_what_has_no_attention_is_said(keras, transformer):
    layers = keras.layers
    with pytest.raises(ValueError, match="This model has no attention"):
        attention(models.build_small(), PICTURES)
    with pytest.raises(ValueError, match="the model is not at hand"):
        attention(models.RecordedModel(PICTURES, np.full((3, 10), 0.1)), PICTURES)
    with pytest.raises(ValueError, match="a pile of pictures"):
        attention(transformer, PICTURES[0])
    tokens = layers.Input((4, 8))
    x = layers.MultiHeadAttention(2, 4)(tokens, tokens)
    x = layers.Dense(3)(layers.Flatten()(x))
    with pytest.raises(ValueError, match="keeps its attention to itself"):
        attention(keras.Model(tokens, x), np.zeros((1, 4, 8)))
    with pytest.raises(ValueError, match="no convolution"):
        grad_cam(transformer, PICTURES)


# --- Rollout -------------------------------------------------------------------------------


def test_rollout_by_hand():
    """Two blocks, two heads, a class token and four patches."""
    eye = np.eye(5)
    first = eye.copy()
    first[1] = [0, 0, 1, 0, 0]  # patch 1 takes all from patch 2
    second = eye.copy()
    second[0] = [0, 0.5, 0, 0.25, 0.25]
    # The other head of each block looks at itself only, so the means are half of that.
    scores = np.stack([np.stack([first, eye]), np.stack([second, eye])])[None]
    # Block 1 with its own half: row 1 is (0, 3/4, 1/4, 0, 0). Block 2: row 0 is
    # (3/4, 1/8, 0, 1/16, 1/16). Class token: 3/4 of itself, 1/8 * 3/4 of patch 1,
    # 1/8 * 1/4 of patch 2, 1/16 each of patches 3 and 4.
    expected = np.array([3 / 4, 3 / 32, 1 / 32, 1 / 16, 1 / 16])
    assert rolled(scores)[0, 0] == pytest.approx(expected)
    found = rollout(scores)
    assert found.shape == (1, 2, 2)
    assert found.dtype == np.float32
    assert found[0] == pytest.approx(np.array([[1, 1 / 3], [2 / 3, 2 / 3]]))
    # In the wrong order patch 2 would get nothing.
    assert rolled(scores[:, ::-1])[0, 0, 2] == 0


def test_rollout_rows_sum_to_one_and_pictures_do_not_mix():
    scores = RNG.dirichlet(np.ones(17), (6, 3, 4, 17))
    found = rolled(scores)
    assert found.shape == (6, 17, 17)
    assert np.allclose(found.sum(axis=-1), 1)
    maps = rollout(scores)
    assert maps.shape == (6, 4, 4)
    assert 0 <= maps.min() <= maps.max() == 1
    assert np.allclose(rollout(scores[4:5])[0], maps[4])


def test_even_attention_gives_an_even_map():
    assert np.allclose(rollout(np.full((2, 3, 2, 10, 10), 0.1)), 1)


def test_a_class_token_that_looks_at_itself_only_gives_a_map_of_zeros():
    scores = np.broadcast_to(np.eye(5), (1, 2, 2, 5, 5))
    assert not rollout(scores).any()


def test_rollout_of_the_transformer(transformer):
    maps = rollout(attention(transformer, PICTURES))
    assert maps.shape == (3, 8, 8)
    assert (maps.max(axis=(1, 2)) == 1).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.full((2, 2, 5, 5), 0.2), r"should be \(n, depth, heads, tokens, tokens\)"),
        (np.full((1, 2, 2, 5, 4), 0.25), "The shape should be"),
        (np.full((1, 0, 2, 5, 5), 0.2), "The shape should be"),
        (np.full((1, 2, 2, 4, 4), 0.25), "3 patches do not make a square"),
        (np.ones((1, 1, 1, 1, 1)), "0 patches do not make a square"),
        (np.full((1, 2, 2, 5, 5), 0.3), "each row should sum to one"),
        (np.full((1, 2, 2, 5, 5), np.nan), "each row should sum to one"),
    ],
)
def test_what_is_no_attention_is_said(given, words):
    with pytest.raises(ValueError, match=words):
        rollout(given)
