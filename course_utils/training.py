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
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils import album, augment, begin, data, duration, models, record


class Phase(NamedTuple):
    """A part of a training: its epochs, and how the pictures change meanwhile."""

    epochs: int
    changes: tuple[augment.Change, ...] = ()
    mix: Callable | None = None


FLIP_AND_CROP = (augment.flip, augment.crop)
PLANS = {
    ("small", "cifar10"): [Phase(8)],  # as Stage 5 does
    ("small", "practice"): [Phase(8)],
    ("baseline", "cifar10"): [Phase(28)],
    ("baseline", "practice"): [Phase(16)],
    ("improved", "cifar10"): [Phase(30, FLIP_AND_CROP), Phase(24, FLIP_AND_CROP, augment.cutmix)],
    ("improved", "practice"): [Phase(20, FLIP_AND_CROP)],
    ("transformer", "cifar10"): [Phase(8, (augment.flip,))],
    ("transformer", "practice"): [Phase(24, (augment.flip,))],
}
NETWORKS = tuple(models.BUILDERS)
VALIDATION_SHARE = 0.1


def train(network: str, source: str, seed: int = 42, batch_size: int = 128, bfloat16: bool = False):
    """Train a network by its plan and measure it once on the test pictures.

    A tenth of the training pictures is held out for validation. In each phase the learning rate
    warms up and then falls along a cosine to zero.

    Parameters
    ----------
    network : {"small", "baseline", "improved", "transformer"}
    source : {"cifar10", "practice"}
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
    pictures = data.load_cifar10(source)
    if network == "small":  # the very piles that Stage 5 lends
        training, validation = begin.split(pictures.y_train)
    else:
        order = np.random.default_rng(seed).permutation(len(pictures.x_train))
        held_out = int(len(order) * VALIDATION_SHARE)
        validation, training = order[:held_out], order[held_out:]
    one_hot = np.eye(models.CLASS_COUNT, dtype=np.float32)[pictures.y_train]
    x, y = pictures.x_train[training], one_hot[training]
    held_out = pictures.x_train[validation], one_hot[validation]

    keras.mixed_precision.set_global_policy("mixed_bfloat16" if bfloat16 else "float32")
    model = models.BUILDERS[network](seed)
    history: dict[str, list[float]] = {}
    start = time.perf_counter()
    for number, phase in enumerate(PLANS[network, source]):
        keras.utils.set_random_seed(seed + number)
        model.compile(
            optimizer=keras.optimizers.AdamW(
                _rate(network, phase.epochs, len(x), batch_size), weight_decay=0.02
            ),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
        feed = {"x": x, "y": y, "batch_size": batch_size}
        if phase.changes:
            feed = {"x": augment.batches(x, y, phase.changes, phase.mix, batch_size, seed + number)}
        found = model.fit(**feed, validation_data=held_out, epochs=phase.epochs, verbose=2)
        for key, values in found.history.items():
            history.setdefault(key, []).extend(round(float(value), 4) for value in values)
    seconds = time.perf_counter() - start
    keras.mixed_precision.set_global_policy("float32")
    bare = models.BUILDERS[network]()
    bare.set_weights(model.get_weights())
    answers = bare.predict(pictures.x_test, verbose=0)
    made = {
        "network": network,
        "pictures": source,
        "seed": seed,
        "epochs": len(history["loss"]),
        "phases": [
            {
                "epochs": phase.epochs,
                "changes": [change.__name__ for change in phase.changes],
                "mix": phase.mix.__name__ if phase.mix else None,
            }
            for phase in PLANS[network, source]
        ],
        "batch_size": batch_size,
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
        "history": history,
    }
    return bare, made, answers


def _rate(network: str, epochs: int, pictures: int, batch_size: int):
    """The learning rate of a phase; the small network trains as students train it."""
    if network == "small":
        return duration.learning_rate(epochs, pictures, batch_size)
    steps = -(-pictures // batch_size)
    return models.import_keras().optimizers.schedules.CosineDecay(
        initial_learning_rate=1e-4,
        warmup_target=1e-3 if network == "transformer" else 3e-3,
        warmup_steps=2 * steps,
        decay_steps=(epochs - 2) * steps,
    )


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
    items = {"pictures": album.pictures_hash(x_test), "predictions": answers}
    path = models.ASSETS / f"{network}_{source}.predictions.txt"
    path.write_text(record.write(items) + "\n", encoding="ascii")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("pictures", choices=["cifar10", "practice"])
    parser.add_argument("--bfloat16", action="store_true")
    options = parser.parse_args()
    model, made, answers = train(options.network, options.pictures, bfloat16=options.bfloat16)
    x_test, _, _ = data.load_test(options.pictures)
    keep(options.network, options.pictures, model, made, x_test, answers)
    print(f"Test accuracy {made['test_accuracy']:.2%} after {made['seconds']} s.")


if __name__ == "__main__":
    main()
