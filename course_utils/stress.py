"""The stress test: one network, trained four ways, on pictures that are hard to tell apart.

A ResNet-18 for pictures of 32 x 32 pixels learns CIFAR-100 with and without CutMix, with and
without label smoothing: two changes, so four trainings, or nobody can tell which one helped.

    python -m course_utils.stress baseline cifar100
    python -m course_utils.stress both cifar100 --full        (for a GPU)

Pure Keras 3: it runs on any backend that Keras has.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from course_utils import augment, models
from course_utils.cifar100 import Stress, fingerprints, load_stress, places_of
from course_utils.record import grow, shrink

if TYPE_CHECKING:
    import keras


class Recipe(NamedTuple):
    """What is changed against the baseline."""

    cutmix: bool
    smoothing: float


RECIPES = {
    "baseline": Recipe(False, 0.0),
    "cutmix": Recipe(True, 0.0),
    "smoothing": Recipe(False, 0.1),
    "both": Recipe(True, 0.1),
}


class Size(NamedTuple):
    """How much is trained: channels of the first block, training pictures, epochs."""

    width: int
    pictures: int | None
    epochs: int
    drops: tuple[int, ...]


# The small size is what ships: it is trained on a laptop. All else is the same in both.
SIZES = {
    ("cifar100", "small"): Size(16, 9_000, 50, (25, 40)),
    ("practice", "small"): Size(8, 2_000, 24, (12, 20)),
    ("cifar100", "full"): Size(64, None, 50, (25, 40)),
    ("practice", "full"): Size(64, None, 24, (12, 20)),
}
SEED = 42
BATCH = 128
RATE, MOMENTUM, DECAY = 0.1, 0.9, 5e-4


def build_resnet18(classes: int = 100, width: int = 64, seed: int = SEED) -> keras.Model:
    """Build a ResNet-18 for pictures of 32 x 32 pixels, not yet trained.

    The network of He et al. 2016 (arXiv:1512.03385) with the stem that is usual for small
    pictures: one 3 x 3 convolution in place of a 7 x 7 one, and no max-pooling. Four groups of
    two blocks; each group but the first halves the picture's sides, so that the last map has
    4 x 4 places.

    Parameters
    ----------
    classes : int, default=100
    width : int, default=64
        Channels of the first group; each further group doubles them. 64 is the original, with
        11.2 million parameters; 16 has 0.7 million.
    seed : int, default=42

    Returns
    -------
    keras.Model
        Input (n, 32, 32, 3) uint8 in 0..255; output (n, classes) float32, rows sum to one.
    """
    keras = models.import_keras()
    layers = keras.layers
    keras.utils.set_random_seed(seed)
    # Keras's own weight decay leaves out the momentum, the one of the paper goes through it.
    # A penalty on the weights is the same as the latter: its slope is DECAY times the weight.
    penalty = keras.regularizers.L2(DECAY / 2)

    def convolution(x, filters, size=3, stride=1):
        x = layers.Conv2D(
            filters,
            size,
            stride,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            kernel_regularizer=penalty,
        )(x)
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)

    def block(x, filters, stride):
        inner = layers.Activation("relu")(convolution(x, filters, stride=stride))
        inner = convolution(inner, filters)
        if stride > 1:
            x = convolution(x, filters, 1, stride)
        return layers.Activation("relu")(layers.Add()([inner, x]))

    pictures = layers.Input((32, 32, 3), dtype="uint8")
    x = layers.Rescaling(1 / 64, offset=-2)(pictures)  # about -2 to 2, as pixels usually are
    x = layers.Activation("relu")(convolution(x, width))
    for group in range(4):
        x = block(x, width * 2**group, stride=1 if group == 0 else 2)
        x = block(x, width * 2**group, stride=1)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(classes, kernel_regularizer=penalty)(x)
    scores = layers.Activation("softmax", dtype="float32")(x)
    return keras.Model(pictures, scores, name="resnet18")


def train(
    recipe: str,
    pictures: Stress,
    size: Size,
    mixed: str | None = None,
    seed: int = SEED,
    verbose: int = 2,
) -> tuple[keras.Model, dict[str, Any]]:
    """Train a ResNet-18 by a recipe; all but the recipe stays the same.

    Stochastic gradient descent with momentum 0.9 and weight decay 5e-4; the learning rate is 0.1
    and falls to a tenth at each of the epochs in ``size.drops``; the training pictures are
    flipped and cropped anew in each epoch. CutMix mixes half of the batches (Yun et al. 2019,
    section 4.1).

    Parameters
    ----------
    recipe : {"baseline", "cutmix", "smoothing", "both"}
    pictures : Stress
    size : Size
    mixed : str, optional
        A policy of Keras, such as ``"mixed_bfloat16"``, which is faster where it can be used.
    seed : int, default=42
    verbose : int, default=2
        As for ``fit``.

    Returns
    -------
    model : keras.Model
        With 32-bit weights.
    made : dict
        Plain data: settings, curves, seconds, versions. ``clean_accuracy`` is the accuracy on
        training pictures that are not changed, which is comparable between recipes;
        ``history["accuracy"]`` is not, since it is measured on mixed pictures.

    Raises
    ------
    RuntimeError
        In grading, for a training with all pictures: it would take a teacher's computer hours.
    """
    if size.pictures is None and models.in_grading():
        raise RuntimeError("The full size is not trained in grading.")
    keras = models.import_keras()
    plan = RECIPES[recipe]
    classes = len(pictures.class_names)
    x, y = pictures.x_train[: size.pictures], pictures.y_train[: size.pictures]
    one_hot = np.eye(classes, dtype=np.float32)
    held_out = pictures.x_val, one_hot[pictures.y_val]

    keras.mixed_precision.set_global_policy(mixed or "float32")
    try:
        model = build_resnet18(classes, size.width, seed)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    steps = -(-len(x) // BATCH)
    rate = keras.optimizers.schedules.PiecewiseConstantDecay(
        [epoch * steps for epoch in size.drops],
        [RATE / 10**number for number in range(len(size.drops) + 1)],
    )
    model.compile(
        optimizer=keras.optimizers.SGD(rate, momentum=MOMENTUM),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=plan.smoothing),
        metrics=["accuracy"],
    )
    feed = augment.batches(
        x,
        one_hot[y],
        (augment.flip, augment.crop),
        augment.cutmix if plan.cutmix else None,
        BATCH,
        seed,
    )
    start = time.perf_counter()
    found = model.fit(feed, validation_data=held_out, epochs=size.epochs, verbose=verbose)
    seconds = time.perf_counter() - start
    bare = build_resnet18(classes, size.width, seed)
    bare.set_weights(model.get_weights())
    clean = bare.predict(x, batch_size=256, verbose=0).argmax(axis=1) == y
    return bare, {
        "recipe": recipe,
        "kind": pictures.kind,
        "classes": classes,
        **size._asdict(),
        "pictures_used": len(x),
        "seed": seed,
        "batch_size": BATCH,
        "mixed": mixed,
        "clean_accuracy": round(float(clean.mean()), 4),
        "parameters": bare.count_params(),
        "seconds": round(seconds),
        "cpu_cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
        },
        "history": {
            name: [round(float(value), 4) for value in values]
            for name, values in found.history.items()
        },
    }


# --- What ships --------------------------------------------------------------------------

FEW = 9_000  # of the fingerprinted training pictures; the rest was held out


def _stem(recipe: str, kind: str) -> Path:
    return models.ASSETS / f"stress_{recipe}_{kind}"


def _known(kind: str) -> Path:
    return models.ASSETS / f"stress_{kind}.pictures.npz"


def training_fingerprints() -> np.ndarray | None:
    """Return the fingerprints of the CIFAR-100 pictures that the shipped models have seen."""
    path = _known("cifar100")
    if not path.is_file():
        return None
    with np.load(path) as stored:
        return stored["train"]


def keep(recipe: str, pictures: Stress, model: keras.Model, made: dict[str, Any]) -> np.ndarray:
    """Write a trained model into the assets; return its answers for the test pictures.

    The weights are kept with 16 bits: half the size, and the same answers but for one picture
    in a thousand.
    """
    stem = _stem(recipe, pictures.kind)
    weights = [np.asarray(w, np.float16) for w in model.get_weights()]
    np.savez_compressed(f"{stem}.weights.npz", *weights)
    model.set_weights([w.astype(np.float32) for w in weights])
    answers = model.predict(pictures.x_test, batch_size=256, verbose=0)
    made["test_accuracy"] = round(float((answers.argmax(axis=1) == pictures.y_test).mean()), 4)
    text = json.dumps(made, indent=1) + "\n"
    Path(f"{stem}.history.json").write_text(text, encoding="utf-8")
    rows, columns = answers.shape
    packed = np.frombuffer(shrink(answers, STEPS), np.uint8)
    np.savez_compressed(f"{stem}.answers.npz", packed=packed, shape=(rows, columns))
    np.savez_compressed(
        _known(pictures.kind),
        train=fingerprints(np.concatenate([pictures.x_train, pictures.x_val])),
        test=fingerprints(pictures.x_test),
    )
    return answers


STEPS = 2  # codes for each halving of a score; see record.shrink


def lend(recipe: str, kind: str) -> keras.Model:
    """Return a shipped model of the stress test.

    Parameters
    ----------
    recipe : {"baseline", "cutmix", "smoothing", "both"}
    kind : {"cifar100", "practice"}

    Raises
    ------
    ValueError
        If there is no such recipe.
    """
    made = record(recipe, kind)
    model = build_resnet18(made["classes"], made["width"])
    with np.load(f"{_stem(recipe, kind)}.weights.npz") as stored:
        model.set_weights([stored[name].astype(np.float32) for name in stored.files])
    return model


def record(recipe: str, kind: str) -> dict[str, Any]:
    """Return how a shipped model was trained: settings, curves, accuracies."""
    if recipe not in RECIPES:
        raise ValueError(f"There is no recipe {recipe!r}. The recipes are: {', '.join(RECIPES)}.")
    return json.loads(Path(f"{_stem(recipe, kind)}.history.json").read_text(encoding="utf-8"))


def answers(recipe: str, pictures: Stress) -> np.ndarray:
    """Return what a shipped model answers for the test pictures, in their order.

    The answers were recorded; where these are other pictures, the model is asked.

    Returns
    -------
    ndarray of shape (n, k), float64
        Rows sum to one.
    """
    with np.load(_known(pictures.kind)) as stored:
        known = stored["test"]
    places = places_of(fingerprints(pictures.x_test), known)
    if (places < 0).any():
        print(f"The model {recipe} answers for {len(places):,} pictures. This takes a while.")
        found = lend(recipe, pictures.kind).predict(pictures.x_test, batch_size=256, verbose=0)
        return np.asarray(found, np.float64)
    with np.load(f"{_stem(recipe, pictures.kind)}.answers.npz") as stored:
        rows, columns = map(int, stored["shape"])
        return grow(stored["packed"].tobytes(), rows, columns, STEPS)[places]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("pictures", choices=["cifar100", "practice"])
    parser.add_argument("--full", action="store_true", help="all pictures, the original width")
    parser.add_argument("--mixed", help="a policy of Keras, such as mixed_bfloat16")
    parser.add_argument("--out", type=Path, help="where the answers of a full training go (.npy)")
    options = parser.parse_args()
    pictures = load_stress(options.pictures, full=options.full)
    size = SIZES[options.pictures, "full" if options.full else "small"]
    model, made = train(options.recipe, pictures, size, options.mixed)
    if options.full:
        found = model.predict(pictures.x_test, batch_size=256, verbose=0)
        right = (found.argmax(axis=1) == pictures.y_test).mean()
        print(json.dumps(made | {"test_accuracy": round(float(right), 4)}, indent=1))
        if options.out:
            np.save(options.out, found)
    else:
        keep(options.recipe, pictures, model, made)
        print(f"Test accuracy {made['test_accuracy']:.2%} after {made['seconds']} s.")


if __name__ == "__main__":
    main()
