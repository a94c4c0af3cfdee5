"""Make the checkpoints that ship with the course.

    python -m course_utils.training small cifar10
    python -m course_utils.training baseline practice
    python -m course_utils.training improved cifar10 --bfloat16

Pure Keras 3: it runs on any backend that Keras has.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from typing import NamedTuple

import numpy as np

from course_utils import augment, begin, data, duration, models, record


class Plan(NamedTuple):
    """How a network is trained: epochs for each kind of pictures, and whether they change."""

    epochs: dict[str, int]
    augmented: bool = False


PLANS = {
    "small": Plan({"cifar10": 8, "practice": 8}),  # as Stage 5 does
    "baseline": Plan({"cifar10": 28, "practice": 16}),
    "improved": Plan({"cifar10": 30, "practice": 20}, augmented=True),
}
VALIDATION_SHARE = 0.1


def train(
    network: str,
    source: str,
    epochs: int | None = None,
    seed: int = 42,
    batch_size: int = 128,
    bfloat16: bool = False,
):
    """Train a network and measure it once on the test pictures.

    A tenth of the training pictures is held out for validation. The learning rate warms up and
    then falls along a cosine to zero.

    Parameters
    ----------
    network : {"small", "baseline", "improved"}
    source : {"cifar10", "practice"}
    epochs : int, optional
        Default: those of the network's plan.
    seed : int, default=42
    batch_size : int, default=128
    bfloat16 : bool, default=False
        Compute with 16 bits where Keras holds that to be safe; faster on processors that can.

    Returns
    -------
    model : keras.Sequential
        With 32-bit weights, not compiled, so that no optimizer is stored with it.
    record : dict
        Plain data: settings, curves, seconds, versions and test accuracy.
    answers : ndarray of shape (n, 10)
        What it answers for the test pictures.
    """
    keras = models.import_keras()
    plan = PLANS[network]
    epochs = epochs or plan.epochs[source]
    pictures = data.load_cifar10(source)
    if network == "small":  # the very piles that Stage 5 lends
        training, validation = begin.split(pictures.y_train)
    else:
        order = np.random.default_rng(seed).permutation(len(pictures.x_train))
        held_out = int(len(order) * VALIDATION_SHARE)
        validation, training = order[:held_out], order[held_out:]

    keras.mixed_precision.set_global_policy("mixed_bfloat16" if bfloat16 else "float32")
    model = models.BUILDERS[network](seed)
    steps = -(-len(training) // batch_size)
    if network == "small":
        rate = duration.learning_rate(epochs, len(training), batch_size)
    else:
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=1e-4,
            warmup_target=3e-3,
            warmup_steps=2 * steps,
            decay_steps=(epochs - 2) * steps,
        )
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=0.02),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    x, y = pictures.x_train[training], pictures.y_train[training]
    feed = {"x": x, "y": y, "batch_size": batch_size}
    if plan.augmented:
        feed = {"x": augment.batches(x, y, batch_size=batch_size, seed=seed)}
    start = time.perf_counter()
    history = model.fit(
        **feed,
        validation_data=(pictures.x_train[validation], pictures.y_train[validation]),
        epochs=epochs,
        verbose=2,
    )
    seconds = time.perf_counter() - start
    keras.mixed_precision.set_global_policy("float32")
    bare = models.BUILDERS[network]()
    bare.set_weights(model.get_weights())
    answers = bare.predict(pictures.x_test, verbose=0)
    made = {
        "network": network,
        "pictures": source,
        "seed": seed,
        "epochs": epochs,
        "batch_size": batch_size,
        "augmented": plan.augmented,
        "bfloat16": bfloat16,
        "training_pictures": len(training),
        "validation_pictures": len(validation),
        "parameters": model.count_params(),
        "test_accuracy": round(float((answers.argmax(axis=1) == pictures.y_test).mean()), 4),
        "seconds": round(seconds),
        "cpu_cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
        },
        "history": {
            key: [round(float(value), 4) for value in values]
            for key, values in history.history.items()
        },
    }
    return bare, made, answers


def keep(network: str, source: str, model, made: dict, x_test: np.ndarray, answers) -> None:
    """Write a checkpoint: weights, the record of its training, and its answers."""
    models.ASSETS.mkdir(exist_ok=True)
    stem = models.ASSETS / f"{network}_{source}"
    model.save_weights(f"{stem}.weights.h5")
    text = json.dumps(made, indent=1) + "\n"
    stem.with_suffix(".history.json").write_text(text, encoding="utf-8")
    keep_answers(network, source, x_test, answers)


def keep_answers(network: str, source: str, x_test: np.ndarray, answers: np.ndarray) -> None:
    """Write what a checkpoint answers, so that most stages need not load it."""
    items = {"pictures": models.pictures_hash(x_test), "predictions": answers}
    path = models.ASSETS / f"{network}_{source}.predictions.txt"
    path.write_text(record.write(items) + "\n", encoding="ascii")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=list(PLANS))
    parser.add_argument("pictures", choices=["cifar10", "practice"])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--bfloat16", action="store_true")
    options = parser.parse_args()
    model, made, answers = train(
        options.network, options.pictures, options.epochs, bfloat16=options.bfloat16
    )
    x_test, _, _ = data.load_test(options.pictures)
    keep(options.network, options.pictures, model, made, x_test, answers)
    print(f"Test accuracy {made['test_accuracy']:.2%} after {made['seconds']} s.")


if __name__ == "__main__":
    main()
