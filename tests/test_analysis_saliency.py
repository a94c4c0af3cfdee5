"""Grad-CAM against what it must equal, on networks of every make."""

import subprocess
import sys

import numpy as np
import pytest

from course_utils import data, models
from course_utils.analysis.saliency import enlarge, grad_cam, grad_cam_plus_plus

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (5, 12, 12, 3), dtype=np.uint8)
BOTH = pytest.mark.parametrize("method", [grad_cam, grad_cam_plus_plus])
ENDS = ("softmax", "apart", "layer", "float32", "linear", "sigmoid", "operation")


@pytest.fixture(scope="module")
def keras():
    return models.import_keras()


def body(layers, dtype="uint8", side=12):
    return [
        layers.Input((side, side, 3), dtype=dtype),
        layers.Rescaling(1 / 127.5, offset=-1),
        layers.Conv2D(6, 3, padding="same", name="first"),
        layers.MaxPooling2D(),
        layers.Conv2D(8, 3, padding="same", use_bias=False, name="second"),
        layers.BatchNormalization(name="norm"),
        layers.Activation("relu", name="last_map"),
    ]


def ended(layers, end, classes):
    """The same scores, turned into an answer in every usual way."""
    if end in {"softmax", "sigmoid", "linear"}:
        return [layers.Dense(classes, activation=end, name="dense")]
    if end == "float32":
        whole = layers.Dense(classes, activation="softmax", name="dense")
        return [whole, layers.Activation("linear", dtype="float32")]
    if end == "layer":
        return [layers.Dense(classes, name="dense"), layers.Dropout(0.5), layers.Softmax()]
    return [layers.Dense(classes, name="dense"), layers.Activation("softmax", dtype="float32")]


def network(keras, end="softmax", functional=False, classes=4, seed=1):
    """A small network with global average pooling, and norms that are not the first ones."""
    layers = keras.layers
    keras.utils.set_random_seed(seed)
    parts = [*body(layers), layers.GlobalAveragePooling2D(), layers.Dropout(0.3)]
    if end == "operation":
        dense = layers.Dense(classes, name="dense")
        x = chain([*parts, dense])
        model = keras.Model(x[0], keras.ops.softmax(x[-1]))
    else:
        parts += ended(layers, end, classes)
        x = chain(parts) if functional else None
        model = keras.Model(x[0], x[-1]) if functional else keras.Sequential(parts)
    rng = np.random.default_rng(seed)
    model.get_layer("norm").set_weights(
        [rng.normal(1, 0.3, 8), rng.normal(0, 0.3, 8), rng.normal(0, 0.1, 8), rng.uniform(1, 2, 8)]
    )
    return model


def chain(parts):
    """Call layers one after the other; return the tensors."""
    tensors = [parts[0]]
    for part in parts[1:]:
        tensors.append(part(tensors[-1]))
    return tensors


def last_features(keras, model, pictures, name="last_map"):
    inside = keras.Model(model.inputs[0], model.get_layer(name).output)
    return keras.ops.convert_to_numpy(inside(pictures, training=False)).astype(np.float64)


def class_activation(keras, model, pictures, classes):
    """Zhou et al. 2016: the last maps, weighted by the dense layer's weights of the class."""
    kernel = np.asarray(model.get_layer("dense").get_weights()[0], np.float64)
    features = last_features(keras, model, pictures)
    return np.einsum("nijk,kn->nij", features, kernel[:, np.broadcast_to(classes, len(pictures))])


# --- The identity with class activation mapping ----------------------------------------------


@pytest.mark.parametrize("functional", [False, True])
@pytest.mark.parametrize("end", ENDS)
def test_grad_cam_is_class_activation_mapping(keras, end, functional):
    model = network(keras, end, functional)
    for classes in (0, 1, 2, 3, [3, 2, 1, 0, 3]):
        found = grad_cam(model, PICTURES, classes)
        cam = class_activation(keras, model, PICTURES, classes)
        assert found.maps.shape == (5, 6, 6)
        scaled = found.maps * found.strength[:, None, None] * 36
        assert np.allclose(scaled, np.maximum(cam, 0), rtol=1e-5, atol=1e-6)
        assert (found.classes == classes).all()
        assert (found.layer, found.size, found.variant) == ("last_map", (6, 6), "Grad-CAM")


@pytest.mark.parametrize("end", ENDS)
def test_plus_plus_takes_only_the_weights_that_speak_for_the_class(keras, end):
    """With global average pooling all slopes of a channel are alike, so the alphas are too."""
    model = network(keras, end)
    kernel = np.asarray(model.get_layer("dense").get_weights()[0], np.float64)
    features = last_features(keras, model, PICTURES)
    cam = np.einsum("nijk,k->nij", features, np.maximum(kernel[:, 2], 0))
    found = grad_cam_plus_plus(model, PICTURES, 2)
    scaled = found.maps * found.strength[:, None, None] * 36
    assert np.allclose(scaled, cam, rtol=1e-5, atol=1e-6)
    assert "alphas sum to one" in found.variant


def test_plus_plus_by_hand(keras):
    """Two places, one channel; a dense layer on the flat map gives each its own slope."""
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((1, 2, 1)),
            layers.Conv2D(1, 1, use_bias=False, name="map"),
            layers.Flatten(),
            layers.Dense(2, use_bias=False),
        ]
    )
    model.set_weights([np.ones((1, 1, 1, 1)), np.array([[1.0, 0.0], [2.0, 0.0]])])
    picture = np.array([3.0, 1.0]).reshape(1, 1, 2, 1)
    # g = (1, 2), sum of A = 4; alpha = 1 / (2 + 4) and 4 / (8 + 32), so 1/6 and 1/10, which
    # become 5/8 and 3/8; w = 5/8 + 2 * 3/8 = 11/8; the map is 11/8 * (3, 1).
    found = grad_cam_plus_plus(model, picture, 0)
    assert found.strength[0] == pytest.approx(33 / 8)
    assert found.maps[0] == pytest.approx(np.array([[1, 1 / 3]]))
    # Grad-CAM: w = 3/2.
    assert grad_cam(model, picture, 0).strength[0] == pytest.approx(4.5)
    # No place speaks for the other class: a map of zeros, and no division by zero.
    for method in (grad_cam, grad_cam_plus_plus):
        nothing = method(model, picture, 1)
        assert not nothing.maps.any()
        assert nothing.strength[0] == 0


# --- Against another library -----------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("make", ["pooled", "flat"])
@pytest.mark.parametrize(("dtype", "near"), [("float64", 1e-6), ("float32", 3e-5)])
def test_as_in_tf_keras_vis(keras, method, make, dtype, near):
    """It sums in the network's own precision; with 32 bits its maps are off by 2e-6
    to 1e-5, as the processor has it."""
    gradcam = pytest.importorskip("tf_keras_vis.gradcam", reason="tf-keras-vis is not installed")
    scores = pytest.importorskip("tf_keras_vis.utils.scores")
    layers = keras.layers
    keras.utils.set_random_seed(3)
    keras.mixed_precision.set_global_policy(dtype)
    try:
        x = chain(body(layers, dtype))
        y = layers.GlobalAveragePooling2D()(x[-1]) if make == "pooled" else layers.Flatten()(x[-1])
        y = layers.Dense(16, activation="relu")(y)
        linear = layers.Dense(4)(y)  # tf-keras-vis is to see the same scores
        model = keras.Model(x[0], layers.Activation("softmax")(linear))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    theirs = gradcam.Gradcam if method is grad_cam else gradcam.GradcamPlusPlus
    classes, pictures = [0, 1, 2, 3, 0], PICTURES.astype(dtype)
    expected = np.asarray(
        theirs(keras.Model(x[0], linear), clone=False)(
            scores.CategoricalScore(classes),
            pictures,
            penultimate_layer="last_map",
            seek_penultimate_conv_layer=False,
            expand_cam=False,
            normalize_cam=False,
        )
    )
    largest = expected.max(axis=(1, 2), keepdims=True)
    assert (largest > 0).all()
    found = method(model, pictures, classes)
    assert np.abs(found.maps - expected / largest).max() < near
    if method is grad_cam:  # tf-keras-vis multiplies the maps of the other by exp(score)
        assert np.abs(found.maps * found.strength[:, None, None] - expected).max() < 1e-6


# --- What may be given -------------------------------------------------------------------------


@BOTH
def test_the_model_stays_as_it_is(keras, method):
    for functional in (False, True):
        model = network(keras, "softmax", functional)
        before = model.get_config(), model.get_weights(), model.predict(PICTURES, verbose=0)
        layers = list(model.layers)
        nodes = [len(layer._inbound_nodes) for layer in layers]
        method(model, PICTURES)
        method(model, PICTURES, 1, "second")
        assert model.get_config() == before[0]
        assert model.layers == layers
        assert nodes == [len(layer._inbound_nodes) for layer in layers]
        for old, new in zip(before[1], model.get_weights(), strict=True):
            assert np.array_equal(old, new)
        assert np.array_equal(model.predict(PICTURES, verbose=0), before[2])
        assert model.layers[-1].activation.__name__ == "softmax"


@BOTH
def test_the_predicted_class_is_the_default_and_pictures_do_not_mix(keras, method):
    model = network(keras, seed=5)
    many = RNG.integers(0, 256, (70, 12, 12, 3), dtype=np.uint8)  # three batches
    found = method(model, many)
    assert np.array_equal(found.classes, model.predict(many, verbose=0).argmax(axis=1))
    assert found.maps.dtype == found.strength.dtype == np.float32
    assert 0 <= found.maps.min() <= found.maps.max() == 1
    for number in (0, 31, 32, 69):
        alone = method(model, many[number : number + 1])
        assert alone.maps.shape == (1, 6, 6)
        assert np.allclose(alone.maps[0], found.maps[number], atol=1e-5)


@BOTH
def test_frozen_weights_change_nothing(keras, method):
    model = network(keras)
    expected = method(model, PICTURES).maps
    model.trainable = False
    assert np.array_equal(method(model, PICTURES).maps, expected)


@BOTH
def test_any_layer_that_has_a_map(keras, method):
    model = network(keras)
    found = method(model, PICTURES, layer="first")
    assert (found.layer, found.size, found.maps.shape) == ("first", (12, 12), (5, 12, 12))
    assert np.array_equal(method(model, PICTURES, layer=model.get_layer("first")).maps, found.maps)


def test_layers_of_an_older_model_in_a_new_one(keras):
    """What people do to change the number of classes: ``layer.output`` is of the old model."""
    layers = keras.layers
    old = network(keras)
    body_of_old = old.layers[:-1]
    model = keras.Sequential([layers.Input((12, 12, 3), dtype="uint8"), *body_of_old])
    model.add(layers.Dense(7, name="dense"))
    model.add(layers.Activation("softmax"))
    found = grad_cam(model, PICTURES, 6)
    kernel = model.layers[-2].get_weights()[0][:, 6]
    cam = np.einsum("nijk,k->nij", last_features(keras, old, PICTURES), kernel)
    scaled = found.maps * found.strength[:, None, None] * 36
    assert np.allclose(scaled, np.maximum(cam, 0), rtol=1e-5, atol=1e-6)


def test_branches_a_network_inside_and_a_wide_tail(keras):
    """A shortcut, a whole network as one layer, pooling that keeps four dimensions."""
    layers = keras.layers
    pictures = layers.Input((12, 12, 3), dtype="uint8")
    x = layers.Conv2D(8, 3, padding="same")(layers.Rescaling(1 / 255)(pictures))
    y = layers.Activation("relu")(layers.Conv2D(8, 3, padding="same")(x))
    x = layers.Add(name="joined")([x, y])
    whole = keras.Sequential([layers.Conv2D(5, 3, strides=2), layers.ReLU()], name="whole")
    for name, y in (("joined", x), ("whole", whole(x))):
        z = layers.GlobalAveragePooling2D(keepdims=True)(y)
        z = layers.Conv2D(4, 1, name="one_cell")(layers.Dropout(0.1)(z))
        z = layers.Flatten()(z)
        model = keras.Model(pictures, layers.Softmax()(z))
        found = grad_cam(model, PICTURES, 3)
        assert found.layer == name
        kernel = model.get_layer("one_cell").get_weights()[0][0, 0, :, 3]
        features = keras.ops.convert_to_numpy(keras.Model(pictures, y)(PICTURES))
        cam = np.maximum(features @ kernel, 0)
        scaled = found.maps * found.strength[:, None, None] * np.prod(found.size)
        assert np.allclose(scaled, cam, rtol=1e-4, atol=1e-6)


def test_sixteen_bits_and_a_hundred_classes(keras):
    exact = network(keras, "apart", classes=100)
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = network(keras, "apart", classes=100)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    model.set_weights(exact.get_weights())
    for method in (grad_cam, grad_cam_plus_plus):
        rough, fine = method(model, PICTURES, 99), method(exact, PICTURES, 99)
        assert np.abs(rough.maps - fine.maps).max() < 0.1
        assert np.isfinite(rough.maps).all()


@BOTH
@pytest.mark.parametrize("name", ["small", "baseline", "improved"])
def test_the_networks_of_the_course(keras, method, name):
    model = models.load_checkpoint("practice", name)
    x_test = data.load_test("practice")[0][:4]
    found = method(model, x_test)
    assert found.size == (8, 8)
    assert "activation" in found.layer
    assert np.array_equal(found.classes, model.predict(x_test, verbose=0).argmax(axis=1))
    assert (found.strength > 0).all()
    wrong = (found.classes + 1) % 10
    other = method(model, x_test[:1], wrong[:1])
    assert other.maps.shape == (1, *found.size)


def test_a_stand_in_whose_model_is_at_hand(keras):
    model = network(keras)
    answers = np.full((5, 4), 0.25)
    stand_in = models.RecordedModel(PICTURES, answers, lambda: model)
    assert np.array_equal(grad_cam(stand_in, PICTURES).maps, grad_cam(model, PICTURES).maps)
    with pytest.raises(ValueError, match="the model is not at hand"):
        grad_cam(models.RecordedModel(PICTURES, answers), PICTURES)


# --- What is said when it cannot be done -------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"classes": 4}, "no class 4: this model knows the classes 0 to 3"),
        ({"classes": -1}, "no class -1"),
        ({"classes": [0, 1, 2, 3, 9]}, "no class 9"),
        ({"classes": [0, 1]}, "one class number, or a whole number for each of the 5 pictures"),
        ({"classes": 1.0}, "one class number"),
        ({"classes": "cat"}, "one class number"),
        ({"layer": "third"}, "'third' is not in this model. Choose one of 'first', 'max_pool"),
        ({"layer": "dense"}, "'dense' has no map .*'last_map'"),
        ({"layer": "rescaling"}, "'rescaling.*' has no map|not in this model"),
        ({"pictures": PICTURES[0]}, "a pile of pictures.*makes a pile of one photo"),
        ({"pictures": PICTURES[:, :8]}, r"of the shape \(12, 12, 3\). Yours .* \(8, 12, 3\)"),
        ({"pictures": PICTURES[..., 0]}, "a pile of pictures"),
        ({"pictures": PICTURES.reshape(5, -1)}, r"Yours have the shape \(432\)"),
        ({"pictures": PICTURES[:0]}, "no pictures here"),
        ({"pictures": PICTURES / 255}, "whole pixels from 0 to 255"),
        ({"pictures": np.full((1, 12, 12, 3), np.nan)}, "no numbers"),
        ({"pictures": ["a.png"]}, "pixels: one array of numbers"),
        ({"model": len}, "needs a Keras model. Yours is of the type builtin"),
    ],
)
def test_what_is_wrong_is_said(keras, given, words):
    given = {"model": network(keras), "pictures": PICTURES, **given}
    for method in (grad_cam, grad_cam_plus_plus):
        with pytest.raises(ValueError, match=words):
            method(**given)


def test_whole_numbers_as_floats_are_pixels_too(keras):
    model = network(keras)
    expected = grad_cam(model, PICTURES).maps
    assert np.array_equal(grad_cam(model, PICTURES.astype(float)).maps, expected)


def test_models_that_cannot_be_looked_into_are_refused(keras):
    layers = keras.layers

    def refused(model, words):
        with pytest.raises(ValueError, match=words):
            grad_cam(model, PICTURES)

    def network_of(*middle, name=None):
        first = [layers.Input((12, 12, 3)), layers.Rescaling(1 / 255)]
        last = [layers.Flatten(), layers.Dense(3, activation="softmax")]
        return keras.Sequential([*first, *middle, *last], name=name)

    refused(network_of(), "no convolution")
    refused(network_of(layers.Conv2D(2, 12)), "more than one place")
    bare = [layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)]
    refused(keras.Sequential(bare), "begin it with keras.layers.Input")
    refused(keras.Sequential([layers.Input((12, 12, 3)), *bare]), "gives a single score")
    refused(keras.Sequential([layers.Input((12, 12, 3)), bare[0]]), "a score for each class")
    whole = network_of(layers.Conv2D(2, 3), name="whole")
    refused(keras.Sequential([layers.Input((12, 12, 3)), whole]), "get_layer..whole")
    pictures = layers.Input((12, 12, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, activation="softmax")(pictures))
    refused(keras.Model(pictures, x), "cannot be found in this model")

    class Own(keras.Model):
        def call(self, x):
            return x

    refused(Own(), "cannot be looked into")
    broken = network(keras)
    broken.set_weights([np.full_like(weights, np.nan) for weights in broken.get_weights()])
    refused(broken, "not all numbers")


def test_another_backend_is_refused(keras, monkeypatch):
    model = network(keras)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="here Keras runs on jax"):
        grad_cam(model, PICTURES)


# --- Enlarging ---------------------------------------------------------------------------------


def test_enlarge_is_smooth_and_keeps_what_is_even():
    maps = np.stack([np.full((4, 4), 0.25), np.zeros((4, 4))])
    maps[1, 1:3, 1:3] = 1
    large = enlarge(maps)
    assert large.shape == (2, 32, 32)
    assert large.dtype == np.float32
    assert np.allclose(large[0], 0.25)
    assert large[1].max() == 1
    assert large[1].min() == 0
    assert np.allclose(large[1], large[1].T)
    assert np.array_equal(enlarge(maps[1]), large[1])
    assert enlarge(maps[1], (8, 16)).shape == (8, 16)


def test_enlarge_by_hand():
    # Centers of two cells lie at 1/4 and 3/4; four pixels at 1/8, 3/8, 5/8, 7/8.
    assert enlarge(np.array([[0.0, 1.0]]), (1, 4)) == pytest.approx(np.array([[0, 0.25, 0.75, 1]]))


@pytest.mark.parametrize("given", [np.zeros(3), np.zeros((0, 4)), np.zeros((1, 2, 3, 4))])
def test_enlarge_wants_maps(given):
    with pytest.raises(ValueError, match="A map has a height and a width"):
        enlarge(given)


def test_import_is_light():
    code = (
        "from course_utils.analysis import embeddings, saliency, transformer; import sys; "
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow', 'sklearn', 'umap')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
