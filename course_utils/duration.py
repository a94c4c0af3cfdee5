"""How long a training takes: told before it starts, and while it runs."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from course_utils.models import RecordedModel, import_keras, untrained

_BATCHES = 6  # measured for an estimate, after one that only warms up
_LONG = 420  # seconds; beyond this a smaller option is offered
_SMALL = 10_000  # pictures


def training_time(
    model: Any, x: np.ndarray, y: np.ndarray, epochs: int, batch_size: int = 128
) -> float:
    """Print how long a training will take, and a smaller way if that is long.

    A few batches are tried on a copy of the model, which itself stays as it is.

    Parameters
    ----------
    model : keras.Model
    x : ndarray of shape (n, 32, 32, 3), uint8
    y : ndarray of shape (n, 10) or (n,)
        One-hot, or class numbers.
    epochs : int
    batch_size : int, default=128

    Returns
    -------
    float
        Seconds, for all epochs together.
    """
    if isinstance(model, RecordedModel) and model.is_trained:
        print("The training of this model was recorded. It takes no time now.")
        return 0.0
    keras = import_keras()
    state = np.random.get_state()
    trial = untrained(model)
    np.random.set_state(state)
    loss = "categorical_crossentropy" if np.ndim(y) == 2 else "sparse_categorical_crossentropy"
    trial.compile(keras.optimizers.AdamW(), loss=loss, metrics=["accuracy"])
    size = min(batch_size, len(x))
    trial.train_on_batch(x[:size], y[:size])
    start = time.perf_counter()
    for _ in range(_BATCHES):
        trial.train_on_batch(x[:size], y[:size])
    per_batch = (time.perf_counter() - start) / _BATCHES
    seconds = per_batch * math.ceil(len(x) / batch_size) * epochs * 1.1  # and validation
    print(f"Training on {len(x):,} pictures for {epochs} epochs will take {in_words(seconds)}.")
    if seconds > _LONG and len(x) > _SMALL:
        print(
            f"Too long? Use fewer pictures, in Stages 5 and 8 alike: x_train[:{_SMALL}] and "
            f"y_train[:{_SMALL}] take {in_words(seconds * _SMALL / len(x))}."
        )
    return seconds


def in_words(seconds: float) -> str:
    """Return a time as a person would say it: ``"about 4 minutes"``."""
    if seconds < 50:
        return f"about {max(5, 5 * round(seconds / 5))} seconds"
    minutes = round(seconds / 60)
    return "about 1 minute" if minutes <= 1 else f"about {minutes} minutes"


def learning_rate(epochs: int, pictures: int, batch_size: int = 128) -> Any:
    """Return a learning rate that warms up for one epoch and then falls to zero.

    Linear warm-up to 0.004, then half a cosine wave (Loshchilov and Hutter 2017,
    arXiv:1608.03983, without restarts).

    Parameters
    ----------
    epochs : int
    pictures : int
        How many the model trains on.
    batch_size : int, default=128

    Returns
    -------
    keras.optimizers.schedules.LearningRateSchedule
    """
    steps = math.ceil(pictures / batch_size)
    return import_keras().optimizers.schedules.CosineDecay(
        initial_learning_rate=1e-4,
        decay_steps=max(1, epochs - 1) * steps,
        warmup_target=4e-3,
        warmup_steps=steps,
    )


def progress() -> Any:
    """Return a Keras callback that shows one line while a model trains.

    The line changes about once a second, so a notebook does not fill up with bars.

    Returns
    -------
    keras.callbacks.Callback
        For ``model.fit(..., verbose=0, callbacks=[progress()])``.
    """
    keras = import_keras()

    class Progress(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self._line = _Line()
            self._start = self._shown = time.perf_counter()
            self._done = 0
            self._epoch = 0
            self._score = ""

        def on_epoch_begin(self, epoch, logs=None):
            self._epoch = epoch
            self._show()

        def on_train_batch_end(self, batch, logs=None):
            self._done += 1
            if time.perf_counter() - self._shown > 1:
                self._show()

        def on_epoch_end(self, epoch, logs=None):
            logs = logs or {}
            if "val_accuracy" in logs:
                self._score = f" · validation accuracy {logs['val_accuracy']:.3f}"
            self._epoch = epoch + 1
            self._show()

        def on_train_end(self, logs=None):
            spent = time.perf_counter() - self._start
            self._line.show(f"Trained for {self._epoch} epochs, {in_words(spent)}{self._score}.")

        def _show(self):
            self._shown = now = time.perf_counter()
            epochs, steps = self.params.get("epochs") or 1, self.params.get("steps") or 0
            total = epochs * steps
            full = round(10 * self._done / total) if total else 0
            left = ""
            if total and self._done > 5:
                rest = (now - self._start) / self._done * max(0, total - self._done)
                left = f" · {in_words(rest)} left"
            self._line.show(
                f"Epoch {min(self._epoch + 1, epochs)} of {epochs} "
                f"{'▰' * full}{'▱' * (10 - full)}{left}{self._score}"
            )

    return Progress()


class _Line:
    """One line of text that can change: in a notebook in its place, else in the terminal."""

    def __init__(self):
        self._handle: Any = None

    def show(self, text: str) -> None:
        try:
            from IPython import get_ipython
            from IPython.display import DisplayHandle
        except ImportError:
            get_ipython = None
        if get_ipython is None or get_ipython() is None:
            print(f"\r{text}", end="", flush=True)
            return
        bundle = {"text/plain": text}
        if self._handle is None:
            self._handle = DisplayHandle()
            self._handle.display(bundle, raw=True)
        else:
            self._handle.update(bundle, raw=True)
