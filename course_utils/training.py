"""Make the checkpoints that ship with the course.

    python -m course_utils.training cifar10
    python -m course_utils.training practice

Pure Keras 3: it runs on any backend that Keras has.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time

import numpy as np

from course_utils import data, models

EPOCHS = {"cifar10": 28, "practice": 16}
VALIDATION_SHARE = 0.1


def train(source: str, epochs: int, seed: int = 42, batch_size: int = 128):
    """Train the baseline and measure it once on the test pictures.

    A tenth of the training pictures is held out for validation. The learning rate warms up
    over two epochs and then falls along a cosine to zero.

    Parameters
    ----------
    source : {"cifar10", "practice"}
    epochs : int
    seed : int, default=42
    batch_size : int, default=128

    Returns
    -------
    model : keras.Sequential
    record : dict
        Plain data: settings, curves, seconds, versions and test accuracy.
    """
    keras = models.import_keras()
    pictures = data.load_cifar10(source)
    order = np.random.default_rng(seed).permutation(len(pictures.x_train))
    held_out = int(len(order) * VALIDATION_SHARE)
    validation, training = order[:held_out], order[held_out:]

    model = models.build_baseline(seed)
    steps = -(-len(training) // batch_size)
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
    start = time.perf_counter()
    history = model.fit(
        pictures.x_train[training],
        pictures.y_train[training],
        validation_data=(pictures.x_train[validation], pictures.y_train[validation]),
        batch_size=batch_size,
        epochs=epochs,
        verbose=2,
    )
    seconds = time.perf_counter() - start
    predicted = model.predict(pictures.x_test, verbose=0).argmax(axis=1)
    record = {
        "pictures": source,
        "seed": seed,
        "epochs": epochs,
        "batch_size": batch_size,
        "training_pictures": len(training),
        "validation_pictures": len(validation),
        "parameters": model.count_params(),
        "test_accuracy": round(float((predicted == pictures.y_test).mean()), 4),
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
    return model, record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", choices=sorted(EPOCHS))
    parser.add_argument("--epochs", type=int, help="default: 28 for cifar10, 16 for practice")
    options = parser.parse_args()

    model, record = train(options.pictures, options.epochs or EPOCHS[options.pictures])
    models.ASSETS.mkdir(exist_ok=True)
    stem = models.ASSETS / f"baseline_{options.pictures}"
    bare = models.build_baseline()  # never compiled, so that no optimizer is stored with it
    bare.set_weights(model.get_weights())
    bare.save_weights(f"{stem}.weights.h5")
    text = json.dumps(record, indent=1) + "\n"
    stem.with_suffix(".history.json").write_text(text, encoding="utf-8")
    print(f"Test accuracy {record['test_accuracy']:.2%} after {record['seconds']} s.")


if __name__ == "__main__":
    main()
