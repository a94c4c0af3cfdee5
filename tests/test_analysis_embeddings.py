"""Features before the last layer, and points on a plane that can be repeated."""

import sys

import numpy as np
import pytest

from course_utils import data, models
from course_utils.analysis.embeddings import features, perplexity_for, project
from course_utils.analysis.transformer import build_transformer

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


def groups(each=40, seed=0):
    """Three groups that lie far apart."""
    rng = np.random.default_rng(seed)
    centers = 20 * np.eye(3, 16)
    return np.concatenate([center + rng.normal(size=(each, 16)) for center in centers])


def neighbors_of_the_same_group(points, each):
    label = np.arange(len(points)) // each
    apart = ((points[:, None] - points[None]) ** 2).sum(axis=-1) + np.diag([np.inf] * len(points))
    return (label[apart.argmin(axis=1)] == label).mean()


# --- Features ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "width"), [("small", 96), ("baseline", 128), ("improved", 192)])
def test_features_make_the_answers_of_the_course_networks(name, width):
    model = models.load_checkpoint("practice", name)
    x_test = data.load_test("practice")[0][:5]
    found = features(model, x_test)
    assert found.shape == (5, width)
    assert found.dtype == np.float32
    dense = next(layer for layer in reversed(model.layers) if layer.weights)
    kernel, bias = dense.get_weights()
    scores = np.exp(found @ kernel + bias)
    answers = scores / scores.sum(axis=1, keepdims=True)
    assert np.allclose(answers, model.predict(x_test, verbose=0), atol=1e-5)
    assert np.allclose(features(model, x_test[:1])[0], found[0], atol=1e-5)


def test_features_of_a_transformer_and_of_a_stand_in():
    model = build_transformer(patch=16, width=8, depth=1, heads=2)
    found = features(model, PICTURES)
    assert found.shape == (3, 8)
    assert np.allclose(found.mean(axis=1), 0, atol=1e-4)  # normalized
    stand_in = models.RecordedModel(PICTURES, np.full((3, 10), 0.1), lambda: model)
    assert np.array_equal(features(stand_in, PICTURES), found)
    with pytest.raises(ValueError, match="the model is not at hand"):
        features(models.RecordedModel(PICTURES, np.full((3, 10), 0.1)), PICTURES)


def test_features_need_a_dense_layer_at_the_end():
    keras = models.import_keras()
    layers = keras.layers
    tail = [layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Softmax()]
    model = keras.Sequential([layers.Input((32, 32, 3)), *tail])
    with pytest.raises(ValueError, match="does not end in a dense layer"):
        features(model, PICTURES)
    with pytest.raises(ValueError, match="makes a pile of one photo"):
        features(model, PICTURES[0])


# --- t-SNE ---------------------------------------------------------------------------------


def test_groups_stay_together_and_the_seed_fixes_the_points(capsys):
    x = groups()
    points = project(x, seed=1, perplexity=10)
    assert points.shape == (120, 2)
    assert points.dtype == np.float32
    assert neighbors_of_the_same_group(points, 40) == 1
    assert np.array_equal(project(x, seed=1, perplexity=10), points)
    assert capsys.readouterr() == ("", "")


def test_perplexity_is_lowered_for_few_pictures_and_that_is_said(capsys):
    x = groups(7)
    points = project(x)
    assert np.isfinite(points).all()
    said = capsys.readouterr()
    assert said.out == "There are only 21 pictures: the perplexity is 6.67 in place of 30.\n"
    assert said.err == ""
    assert np.array_equal(points, project(x, perplexity=20 / 3))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("n", "used"), [(10_000, 30), (91, 30), (90, 89 / 3), (5, 4 / 3)])
def test_perplexity_for(n, used):
    assert perplexity_for(n) == pytest.approx(used)


@pytest.mark.parametrize("shape", [(5, 8), (12, 1), (6, 2)])
def test_few_pictures_and_few_numbers(shape, capsys):
    assert np.isfinite(project(RNG.normal(size=shape))).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"features": np.zeros((4, 3))}, "There are 4 pictures. .* at least 5"),
        ({"features": np.ones((9, 3))}, "All pictures have the same features"),
        ({"features": np.zeros(9)}, "one row for each picture"),
        ({"features": np.zeros((9, 0))}, "one row for each picture"),
        ({"features": np.full((9, 3), np.nan)}, "no numbers"),
        ({"method": "pca"}, 'no method \'pca\'. Choose "tsne" or "umap"'),
        ({"perplexity": 0}, "above 0"),
    ],
)
def test_what_cannot_be_drawn_is_said(given, words):
    with pytest.raises(ValueError, match=words):
        project(**{"features": groups(4), **given})


# --- UMAP ----------------------------------------------------------------------------------


def test_umap_that_is_not_installed_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match="pip install umap-learn"):
        project(groups(), "umap")


def test_umap_keeps_groups_together_and_can_be_repeated(capsys):
    pytest.importorskip("umap", reason="umap-learn is not installed")
    x = groups(30)
    points = project(x, "umap", seed=1)
    assert points.shape == (90, 2)
    assert points.dtype == np.float32
    assert neighbors_of_the_same_group(points, 30) == 1
    assert np.array_equal(project(x, "umap", seed=1), points)
    assert np.isfinite(project(groups(3), "umap")).all()
    said = capsys.readouterr()
    assert said.out == "There are only 9 pictures: 8 neighbors count in place of 15.\n"
    assert said.err == ""
