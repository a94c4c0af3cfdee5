"""The stress test: its network, its four recipes, and what ships of them."""

import numpy as np
import pytest

from course_utils import augment, cifar100, stress
from course_utils.models import import_keras
from tests.conftest import SHARED

TINY = stress.Size(width=1, pictures=32, epochs=1, drops=(1,))
KINDS = ["practice", "cifar100"]


def parameters(width, classes):
    """What can be learned, counted by hand from the paper's table 1 and figure 5."""

    def convolution(before, after, size=3):
        return size * size * before * after + 2 * after  # with its batch normalization

    total, before = convolution(3, width), width
    for group in range(4):
        after = width * 2**group
        total += convolution(before, after) + 3 * convolution(after, after)
        total += convolution(before, after, 1) if before != after else 0
        before = after
    return total + before * classes + classes


# --- The network -----------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "classes", "expected"), [(64, 100, 11_220_132), (16, 100, 0)])
def test_the_network_has_the_parameters_of_a_resnet_18(width, classes, expected):
    model = stress.build_resnet18(classes, width)
    learned = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert learned == parameters(width, classes)
    if expected:
        assert learned == expected  # 11.2 million, as ResNet-18 for CIFAR-100 is known for


def test_the_network_has_a_stem_for_small_pictures():
    model = stress.build_resnet18(100, 8)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert not [kind for kind in kinds if "MaxPooling" in kind]
    first = next(layer for layer in model.layers if type(layer).__name__ == "Conv2D")
    assert (first.kernel_size, first.strides) == ((3, 3), (1, 1))
    assert kinds.count("Add") == 8  # blocks of two layers; with the first and the last: 18
    maps = [layer.output.shape[1:3] for layer in model.layers if type(layer).__name__ == "Add"]
    assert maps == [(32, 32)] * 2 + [(16, 16)] * 2 + [(8, 8)] * 2 + [(4, 4)] * 2
    assert model.input_shape == (None, 32, 32, 3)
    assert model.input.dtype == "uint8"
    assert model.output_shape == (None, 100)


def test_the_network_answers_with_shares():
    model = stress.build_resnet18(10, 2)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    found = model.predict(pictures, verbose=0)
    assert (found.shape, found.dtype) == ((3, 10), np.float32)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)


def test_the_same_seed_gives_the_same_first_weights():
    one, two, other = (stress.build_resnet18(10, 2, seed).get_weights() for seed in (1, 1, 2))
    assert all(map(np.array_equal, one, two))
    assert not all(map(np.array_equal, one, other))


def test_the_penalty_pulls_each_weight_as_weight_decay_does():
    """Its slope is DECAY times the weight; what has no kernel is not pulled."""
    tf = pytest.importorskip("tensorflow")
    model = stress.build_resnet18(10, 2)
    with tf.GradientTape() as tape:
        penalty = tf.add_n(model.losses)
    weights = model.trainable_weights
    slopes = tape.gradient(penalty, [weight.value for weight in weights])
    pulled = 0
    for weight, slope in zip(weights, slopes, strict=True):
        if slope is None:
            assert weight.name != "kernel"
            continue
        assert weight.name == "kernel"
        assert np.allclose(slope, stress.DECAY * weight.numpy(), rtol=1e-4, atol=1e-9)
        pulled += 1
    assert pulled == 21  # 17 convolutions, 3 at shortcuts, and the last layer


# --- The recipes -----------------------------------------------------------------------------


def test_the_recipes_are_the_four_corners_of_a_square():
    assert list(stress.RECIPES) == ["baseline", "cutmix", "smoothing", "both"]
    corners = {(recipe.cutmix, recipe.smoothing) for recipe in stress.RECIPES.values()}
    assert corners == {(False, 0.0), (True, 0.0), (False, 0.1), (True, 0.1)}
    assert stress.RECIPES["baseline"] == (False, 0.0)
    assert stress.RECIPES["both"] == (True, 0.1)


def test_both_sizes_have_the_same_schedule():
    for kind in KINDS:
        small, full = stress.SIZES[kind, "small"], stress.SIZES[kind, "full"]
        assert (small.epochs, small.drops) == (full.epochs, full.drops)
        assert (full.width, full.pictures) == (64, None)
    assert stress.SIZES["cifar100", "small"] == (16, 9_000, 50, (25, 40))


def pictures(seed=0, train=40, others=8):
    rng = np.random.default_rng(seed)

    def pile(count):
        x = rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        return x, rng.permutation(np.arange(count) % 4)

    names = ("bear", "can", "man", "sea")
    return cifar100.Stress(*pile(train), *pile(others), *pile(others), names, "practice")


@pytest.fixture(scope="module")
def trained():
    """One step of each recipe, with all that was given to Keras."""
    keras = import_keras()
    found, given = {}, {}
    compile_, batches = keras.Model.compile, augment.batches
    with pytest.MonkeyPatch.context() as patch:

        def note_compile(self, *arguments, **options):
            given["first weights"] = self.get_weights()
            given["optimizer"] = options["optimizer"].get_config()
            given["loss"] = options["loss"].get_config()
            return compile_(self, *arguments, **options)

        def note_batches(*arguments):
            given["feed"] = arguments
            return batches(*arguments)

        patch.setattr(keras.Model, "compile", note_compile)
        patch.setattr(augment, "batches", note_batches)
        for recipe in stress.RECIPES:
            given.clear()
            model, made = stress.train(recipe, pictures(), TINY, verbose=0)
            found[recipe] = model, made, dict(given)
    return found


@pytest.mark.parametrize("recipe", stress.RECIPES)
def test_a_recipe_changes_just_what_it_says(trained, recipe):
    plan = stress.RECIPES[recipe]
    _, _, before = trained["baseline"]
    _, _, given = trained[recipe]
    assert all(map(np.array_equal, given["first weights"], before["first weights"]))
    assert given["optimizer"] | {"name": ""} == before["optimizer"] | {"name": ""}  # they count
    assert given["loss"].pop("label_smoothing", plan.smoothing) == plan.smoothing
    before["loss"].pop("label_smoothing", None)
    assert given["loss"] == before["loss"]
    *same, mix, size, seed = given["feed"]
    *also, _, other_size, other_seed = before["feed"]
    assert mix is (augment.cutmix if plan.cutmix else None)
    assert (size, seed) == (other_size, other_seed) == (128, 42)
    assert all(np.array_equal(one, two) for one, two in zip(same[:2], also[:2], strict=True))
    assert same[2] == also[2] == (augment.flip, augment.crop)


def test_the_optimizer_is_the_one_of_the_text(trained):
    _, _, given = trained["baseline"]
    optimizer = given["optimizer"]
    assert (optimizer["name"], optimizer["momentum"], optimizer["nesterov"]) == ("sgd", 0.9, False)
    rate = optimizer["learning_rate"]["config"]
    assert rate["values"] == pytest.approx([0.1, 0.01])
    assert rate["boundaries"] == [1]  # one step is an epoch here


def test_the_rate_falls_at_the_epochs_of_the_plan(monkeypatch):
    """40 pictures in batches of 128 are one step; 300 are three."""
    keras = import_keras()
    seen = {}

    class Stopped(Exception):
        pass

    def stop(self, **options):
        seen.update(options)
        raise Stopped

    monkeypatch.setattr(keras.Model, "compile", stop)
    size = stress.Size(width=1, pictures=None, epochs=50, drops=(25, 40))
    with pytest.raises(Stopped):
        stress.train("baseline", pictures(train=300), size, verbose=0)
    schedule = seen["optimizer"].get_config()["learning_rate"]
    rate = keras.optimizers.schedules.deserialize(schedule)
    for epoch, expected in ((0, 0.1), (24, 0.1), (25, 0.01), (39, 0.01), (40, 0.001), (49, 0.001)):
        step = 3 * epoch + 1  # within the epoch
        assert float(rate(step)) == pytest.approx(expected)


@pytest.mark.parametrize("recipe", stress.RECIPES)
def test_a_training_says_what_was_done(trained, recipe):
    model, made, given = trained[recipe]
    assert (made["recipe"], made["kind"], made["classes"]) == (recipe, "practice", 4)
    assert (made["width"], made["pictures_used"], made["epochs"], made["seed"]) == (1, 32, 1, 42)
    assert set(made["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert made["parameters"] == model.count_params()
    moved = [
        not np.array_equal(one, two)
        for one, two in zip(model.get_weights(), given["first weights"], strict=True)
    ]
    assert np.mean(moved) > 0.9
    some = pictures()
    said = model.predict(some.x_train[:32], verbose=0).argmax(axis=1)
    assert made["clean_accuracy"] == round(float((said == some.y_train[:32]).mean()), 4)


def test_with_half_the_bits_the_weights_are_whole():
    keras, policy = import_keras(), "mixed_float16"  # as in the notebook's full training
    model, made = stress.train("both", pictures(), TINY, mixed=policy, verbose=0)
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert keras.mixed_precision.dtype_policy().name == "float32"
    assert made["mixed"] == policy
    assert np.isfinite(made["history"]["val_loss"]).all()


def test_grading_never_trains_the_full_size(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(RuntimeError, match="not trained in grading"):
        stress.train("baseline", pictures(), stress.SIZES["practice", "full"])


def test_a_recipe_that_does_not_exist():
    with pytest.raises(ValueError, match="The recipes are: baseline, cutmix, smoothing, both"):
        stress.lend("mixup", "practice")


# --- CutMix, exactly -------------------------------------------------------------------------


def test_the_mean_share_of_the_box_is_that_of_the_paper():
    """All box sizes and all middles, each with its chance, worked out without dice.

    The side is 32 * sqrt(1 - u), rounded down, with u uniform; rows and columns are cut off
    alike, each by its own middle.
    """
    expected = 0
    for side in range(32):
        chance = ((side + 1) ** 2 - side**2) / 32**2
        middles = np.arange(32)
        inside = np.clip(middles + side // 2, 0, 32) - np.clip(middles - side // 2, 0, 32)
        expected += chance * (inside.mean() / 32) ** 2
    # Each picture is of one color, so that the box is what has another color.
    pile = np.broadcast_to(np.arange(16, dtype=np.uint8)[:, None, None, None], (16, 32, 32, 3))
    labels, rng, found = np.eye(16), np.random.default_rng(5), []
    for _ in range(4000):
        mixed, shares = augment.cutmix(pile, labels, rng, probability=1)
        assert np.allclose(shares.sum(axis=1), 1, atol=1e-6)
        other = mixed[..., 0] != pile[..., 0]
        box = other.mean(axis=(1, 2))
        assert np.allclose(1 - np.diag(shares), box, atol=1e-6)
        found.append(box.max())
    assert np.mean(found) == pytest.approx(expected, abs=0.015)  # four standard errors


# --- What ships ------------------------------------------------------------------------------


def shipped(kind):
    """All pictures of a kind, if they are at hand."""
    if kind == "cifar100" and not SHARED.exists():
        pytest.skip("needs CIFAR-100 from ../shared, which is not here")
    return cifar100.load_stress("folder" if kind == "cifar100" else kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("recipe", stress.RECIPES)
def test_what_ships_was_trained_as_the_text_says(recipe, kind):
    made = stress.record(recipe, kind)
    size = stress.SIZES[kind, "small"]
    assert (made["recipe"], made["seed"], made["batch_size"]) == (recipe, 42, 128)
    assert (made["width"], made["epochs"], tuple(made["drops"])) == (
        size.width,
        size.epochs,
        size.drops,
    )
    assert made["pictures_used"] == size.pictures
    assert len(made["history"]["loss"]) == size.epochs
    assert made["clean_accuracy"] > made["test_accuracy"] > 2 / made["classes"]


def assert_same(recipe, kind, found):
    recorded = stress.answers(recipe, found)
    assert recorded.shape == (len(found.y_test), len(found.class_names))
    assert np.allclose(recorded.sum(axis=1), 1)
    some = slice(None, None, 1 if kind == "practice" else 10)  # a tenth of 10,000 is enough
    asked = stress.lend(recipe, kind).predict(found.x_test[some], batch_size=256, verbose=0)
    same = asked.argmax(axis=1) == recorded[some].argmax(axis=1)
    assert same.mean() >= 0.999
    assert np.abs(asked.max(axis=1) - recorded[some].max(axis=1)).max() < 0.01
    right = recorded.argmax(axis=1) == found.y_test
    assert right.mean() == pytest.approx(stress.record(recipe, kind)["test_accuracy"], abs=1e-3)


@pytest.mark.parametrize("recipe", stress.RECIPES)
def test_recorded_answers_are_those_of_the_lent_model(recipe, cache):
    assert_same(recipe, "practice", shipped("practice"))


@pytest.mark.real_data
@pytest.mark.parametrize("recipe", stress.RECIPES)
def test_recorded_answers_are_those_of_the_lent_model_on_real_pictures(recipe, cifar, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(cifar))
    assert_same(recipe, "cifar100", shipped("cifar100"))


def test_answers_come_in_the_order_of_the_pictures(cache):
    found = shipped("practice")
    order = np.random.default_rng(0).permutation(len(found.y_test))[:300]
    some = found._replace(x_test=found.x_test[order], y_test=found.y_test[order])
    expected = stress.answers("both", found)[order]
    assert np.array_equal(stress.answers("both", some), expected)


def test_other_pictures_are_shown_to_the_model_itself(cache, capsys):
    found = shipped("practice")
    changed = found.x_test[:40].copy()
    changed[0, 0, 0] ^= 1
    some = found._replace(x_test=changed, y_test=found.y_test[:40])
    answers = stress.answers("cutmix", some)
    assert "answers for 40 pictures" in capsys.readouterr().out
    assert np.abs(answers[1:] - stress.answers("cutmix", found)[1:40]).max() < 0.05


def test_the_clean_accuracy_can_be_measured_again(cache):
    found = shipped("practice")
    model = stress.lend("cutmix", "practice")
    said = model.predict(found.x_train[:1000], batch_size=256, verbose=0).argmax(axis=1)
    clean = (said == found.y_train[:1000]).mean()
    assert clean == pytest.approx(stress.record("cutmix", "practice")["clean_accuracy"], abs=0.05)


def test_what_is_kept_comes_back(tmp_path, monkeypatch, trained):
    monkeypatch.setattr(stress.models, "ASSETS", tmp_path)
    model, made, _ = trained["both"]
    some = pictures()
    given = stress.keep("both", some, model, dict(made))
    again = stress.lend("both", "practice").predict(some.x_test, verbose=0)
    assert np.allclose(again, given, atol=1e-5)
    recorded = stress.answers("both", some)
    assert np.array_equal(recorded.argmax(axis=1), given.argmax(axis=1))
    with np.load(tmp_path / "stress_practice.pictures.npz") as known:
        assert known["train"].shape == (48,)
