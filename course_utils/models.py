"""The course's classifier: how it is built, and where its trained weights are kept.

Keras is imported only when a model is needed, so that ``import course_utils`` stays fast.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.evidence import Album

if TYPE_CHECKING:
    import keras

ASSETS = Path(__file__).with_name("assets")
CLASS_COUNT = 10


def import_keras() -> ModuleType:
    """Import Keras without the start-up lines that its backend writes to stderr.

    The lines come from C code, so they cannot be caught in Python. In a notebook they look
    like an error, and a grader that reads stderr as failure would take points for them.

    Returns
    -------
    module
        The ``keras`` module.

    Raises
    ------
    ImportError
        With a sentence on what to install, if Keras or its backend is missing.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _quiet_stderr():
            import keras
    except ImportError as error:
        raise ImportError(
            "This step needs TensorFlow with Keras 3. Install it with: pip install tensorflow"
        ) from error
    return keras


@contextmanager
def _quiet_stderr():
    """Send file descriptor 2 to nowhere while the body runs."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def build_baseline(seed: int = 42) -> keras.Sequential:
    """Build the baseline network, not yet trained.

    Five convolutions in three blocks, then the average over each feature map and one dense
    layer. Pixels go in as they are: the first layer rescales them, so that the pictures can
    stay uint8 and need a quarter of the memory that float32 would.

    Parameters
    ----------
    seed : int, default=42
        Fixes the first weights and the dropout, for a result that can be repeated.

    Returns
    -------
    keras.Sequential
        Input (n, 32, 32, 3) uint8 in 0..255; output (n, 10) float32, rows sum to one.
    """
    keras = import_keras()
    layers = keras.layers
    keras.utils.set_random_seed(seed)

    def convolution(filters):
        return [
            layers.Conv2D(filters, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
        ]

    return keras.Sequential(
        [
            layers.Input((32, 32, 3), dtype="uint8"),
            layers.Rescaling(1 / 127.5, offset=-1),
            *convolution(32),
            layers.MaxPooling2D(),
            layers.Dropout(0.1),
            *convolution(64),
            *convolution(64),
            layers.MaxPooling2D(),
            layers.Dropout(0.2),
            *convolution(128),
            *convolution(128),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.3),
            layers.Dense(CLASS_COUNT, activation="softmax"),
        ],
        name="baseline",
    )


def load_checkpoint(name: str) -> keras.Sequential:
    """Return the baseline with weights that ship with the course.

    Only the weights are stored and the network is built from code, because a whole saved
    model often cannot be read by an older Keras.

    Parameters
    ----------
    name : str
        The pictures it was trained on: ``"cifar10"`` or ``"practice"``.

    Raises
    ------
    FileNotFoundError
        If no such checkpoint is shipped.
    """
    model = build_baseline()
    model.load_weights(_asset(f"baseline_{name}.weights.h5"))
    return model


def load_model(kind: str, x_test: np.ndarray) -> Any:
    """Return the model that a stage works with, and print one line on which it is.

    The first of: predictions recorded in the file that COURSE_PREDICTIONS names; the
    student's own ``model.keras`` in the workspace folder; the course's checkpoint.

    Parameters
    ----------
    kind : {"cifar10", "practice"}
        Which pictures are in use.
    x_test : ndarray of shape (n, 32, 32, 3), uint8

    Returns
    -------
    object with ``predict``
        A Keras model, or a :class:`RecordedModel`.
    """
    if recorded := os.environ.get("COURSE_PREDICTIONS"):
        print(f"Model: its predictions were recorded in {Path(recorded).name}.")
        return RecordedModel(x_test, read_predictions(recorded))
    if path := find_saved_model():
        model = _load_saved(path)
        if model is not None:
            print(f"Model: your own, from {path.parent.name}/{path.name}.")
            return model
    model = load_checkpoint(kind)
    accuracy = training_record(kind)["test_accuracy"]
    print(f"Model: the course's own. It gets {accuracy:.0%} of the test pictures right.")
    return model


def find_saved_model() -> Path | None:
    """Return the student's saved model, if there is one.

    It lies in ``workspace/model.keras``, in the notebook's folder or the one around it;
    COURSE_WORKSPACE can name another folder.
    """
    here = Path.cwd()
    folders = [here / "workspace", here.parent / "workspace"]
    if chosen := os.environ.get("COURSE_WORKSPACE"):
        folders = [Path(chosen).expanduser()]
    return next((path for folder in folders if (path := folder / "model.keras").is_file()), None)


def _load_saved(path: Path) -> Any | None:
    """The student's model, or None after a sentence on why it cannot be used."""
    keras = import_keras()
    try:
        model = keras.saving.load_model(path)
        answer = model.predict(np.zeros((1, 32, 32, 3), np.uint8), verbose=0)
        if answer.shape != (1, CLASS_COUNT):
            raise ValueError(f"it gives {answer.shape[1:]} scores")
    except Exception as error:  # a damaged file can fail in any way
        print(f"Your saved model {path.name} cannot be used ({type(error).__name__}).")
        return None
    return model


class RecordedModel:
    """Answers ``predict`` for known pictures from stored probabilities.

    It stands in for a model that is slow to load or not at hand, with the same answers.

    Parameters
    ----------
    pictures : ndarray of shape (n, 32, 32, 3), uint8
    probabilities : ndarray of shape (n, k), float
        One row for each picture.
    """

    def __init__(self, pictures: np.ndarray, probabilities: np.ndarray):
        if len(pictures) != len(probabilities):
            raise ValueError(
                f"There are {len(pictures)} pictures but {len(probabilities)} rows of predictions."
            )
        self._pictures = pictures
        self._album = Album(pictures)
        self._probabilities = probabilities

    def predict(self, x: np.ndarray, *_: Any, **__: Any) -> np.ndarray:
        """Return the stored rows for these pictures, in their order.

        Parameters
        ----------
        x : ndarray of shape (m, 32, 32, 3), uint8

        Returns
        -------
        ndarray of shape (m, k)

        Raises
        ------
        ValueError
            If a picture is not one of the known ones.
        """
        x = np.asarray(x)
        if x is self._pictures or (x.dtype == np.uint8 and np.array_equal(x, self._pictures)):
            return self._probabilities.copy()
        numbers = [self._album.number_of(picture) for picture in x]
        if None in numbers:
            raise ValueError(
                f"Picture {numbers.index(None)} is not one of the test pictures. This model can "
                "only answer for those; give it their pixels as they are, 0 to 255."
            )
        return self._probabilities[numbers]

    __call__ = predict


def read_predictions(path: str | Path) -> np.ndarray:
    """Return recorded probabilities, (n, k), from an .npy file or the one table in an .npz.

    Raises
    ------
    ValueError
        If the file holds no table, or several.
    """
    stored = np.load(path)
    if isinstance(stored, np.ndarray):
        return stored
    with stored:
        tables = [stored[name] for name in stored.files if stored[name].ndim == 2]
    if len(tables) != 1:
        raise ValueError(f"{path} must hold one table of probabilities; it holds {len(tables)}.")
    return tables[0]


def training_record(name: str) -> dict:
    """Return how a shipped checkpoint was trained: settings, curves and test accuracy."""
    return json.loads(_asset(f"baseline_{name}.history.json").read_text(encoding="utf-8"))


def _asset(file_name: str) -> Path:
    path = ASSETS / file_name
    if not path.is_file():
        raise FileNotFoundError(
            f"The course files are not complete: {path} is missing. Install the course again."
        )
    return path
