"""The course's classifier: how it is built, and where its trained weights are kept.

Keras is imported only when a model is needed, so that ``import course_utils`` stays fast.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import record
from course_utils.album import Album, album_of

if TYPE_CHECKING:
    import keras

ASSETS = Path(__file__).with_name("assets")
CLASS_COUNT = 10


def in_grading() -> bool:
    """Whether nbgrader runs this notebook for a grade."""
    return os.environ.get("NBGRADER_EXECUTION") == "autograde"


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


def _block(filters: int, pool: bool = False, momentum: float = 0.99) -> list:
    """A convolution with what belongs to it; pooling before the rest makes the rest cheaper."""
    layers = import_keras().layers
    return [
        layers.Conv2D(filters, 3, padding="same", use_bias=False),
        *([layers.MaxPooling2D()] if pool else []),
        layers.BatchNormalization(momentum=momentum),
        layers.Activation("relu"),
    ]


def build_improved(seed: int = 42) -> keras.Sequential:
    """Build the improved network, not yet trained: wider than the baseline, else alike.

    Parameters
    ----------
    seed : int, default=42

    Returns
    -------
    keras.Sequential
        Input and output as for :func:`build_baseline`.
    """
    keras = import_keras()
    layers = keras.layers
    keras.utils.set_random_seed(seed)

    return keras.Sequential(
        [
            layers.Input((32, 32, 3), dtype="uint8"),
            layers.Rescaling(1 / 127.5, offset=-1),
            *_block(48, pool=True),
            *_block(96),
            *_block(96, pool=True),
            *_block(192),
            *_block(192),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.2),
            layers.Dense(CLASS_COUNT),
            layers.Activation("softmax", dtype="float32"),
        ],
        name="improved",
    )


def load_checkpoint(name: str, network: str = "baseline") -> keras.Sequential:
    """Return a network with weights that ship with the course.

    Only the weights are stored and the network is built from code, because a whole saved
    model often cannot be read by an older Keras.

    Parameters
    ----------
    name : str
        The pictures it was trained on: ``"cifar10"`` or ``"practice"``.
    network : {"small", "baseline", "improved", "transformer"}, default="baseline"

    Raises
    ------
    FileNotFoundError
        If no such checkpoint is shipped.
    """
    model = BUILDERS[network]()
    model.load_weights(_asset(f"{network}_{name}.weights.h5"))
    return model


def checkpoint_answers(
    name: str, x_test: np.ndarray, network: str = "baseline"
) -> np.ndarray | None:
    """Return what a shipped checkpoint answers for the test pictures, as it was recorded.

    Returns
    -------
    ndarray of shape (n, 10), float64, or None
        None if these are not the pictures that it was asked about.
    """
    stored = recorded_answers(name, network)
    same = stored["pictures"] == album_of(x_test).fingerprint
    return stored["predictions"].copy() if same else None


@functools.cache
def recorded_answers(name: str, network: str) -> dict[str, Any]:
    """Return the answers that ship with a checkpoint, and the fingerprint of their pictures.

    It is read once. Do not change what you get.
    """
    return record.read(_asset(f"{network}_{name}.predictions.txt").read_text(encoding="ascii"))


def build_small(seed: int = 42) -> keras.Sequential:
    """Build the network of Stages 4 and 5, not yet trained: small enough to train in minutes.

    Parameters
    ----------
    seed : int, default=42

    Returns
    -------
    keras.Sequential
        113,450 parameters. Input and output as for :func:`build_baseline`.
    """
    keras = import_keras()
    layers = keras.layers
    keras.utils.set_random_seed(seed)
    # Keras's own momentum, 0.99, needs thousands of batches before the validation score means
    # something; a training of a few minutes does not have them.

    return keras.Sequential(
        [
            layers.Input((32, 32, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            *_block(32, pool=True, momentum=0.9),
            *_block(64, momentum=0.9),
            *_block(64, pool=True, momentum=0.9),
            *_block(96, momentum=0.9),
            layers.GlobalAveragePooling2D(),
            layers.Dense(CLASS_COUNT, activation="softmax"),
        ],
        name="small",
    )


def untrained(model: Any, seed: int = 42) -> Any:
    """Return the same network with new first weights, for a fair comparison.

    Parameters
    ----------
    model : keras.Model
        It stays as it is.
    seed : int, default=42
        The same seed gives the same first weights.
    """
    if isinstance(model, RecordedModel):
        return model.untrained()
    import_keras().utils.set_random_seed(seed)
    return copy_of(model)


def copy_of(model: keras.Model) -> keras.Model:
    """Return the same network with new weights, not compiled."""
    return type(model).from_config(model.get_config())


def _build_transformer(seed: int = 42) -> keras.Model:
    from course_utils.analysis.transformer import build_transformer

    return build_transformer(CLASS_COUNT, seed)


BUILDERS = {
    "small": build_small,
    "baseline": build_baseline,
    "improved": build_improved,
    "transformer": _build_transformer,
}


def open_model(path: Path) -> keras.Model:
    """Read a saved model and try it once.

    Raises
    ------
    Exception
        Of any kind, if it cannot be read or does not give ten scores for a picture.
    """
    model = import_keras().saving.load_model(path)
    answer = model.predict(np.zeros((1, 32, 32, 3), np.uint8), verbose=0)
    if answer.shape != (1, CLASS_COUNT):
        raise ValueError(f"it gives {answer.shape[1:]} scores")
    return model


class RecordedHistory:
    """What ``fit`` returns when a training was recorded: ``history``, ``epoch``."""

    def __init__(self, history: dict[str, list[float]]):
        self.history = history
        self.epoch = list(range(len(next(iter(history.values()), []))))


class RecordedModel:
    """Answers ``predict`` for known pictures from stored probabilities.

    It stands in for a model that is slow to load or not at hand, with the same answers. The
    model itself is loaded only for what is not stored.

    Parameters
    ----------
    pictures : ndarray of shape (n, 32, 32, 3), uint8
    probabilities : ndarray of shape (n, k), float
        One row for each picture.
    real : function, optional
        Returns the model itself.
    history : dict, optional
        Of its training, by the names that Keras uses; ``fit`` returns it at once.
    improved : RecordedModel, optional
        What :func:`untrained` returns for this model: it was trained anew, and recorded.
    """

    def __init__(
        self,
        pictures: np.ndarray,
        probabilities: np.ndarray | None,
        real: Callable[[], Any] | None = None,
        history: dict[str, list[float]] | None = None,
        improved: RecordedModel | None = None,
    ):
        if probabilities is not None and len(pictures) != len(probabilities):
            raise ValueError(
                f"There are {len(pictures)} pictures but {len(probabilities)} rows of predictions."
            )
        self._pictures = pictures
        self._album: Album | None = None
        self._probabilities = probabilities
        self._load = real
        self._model: Any = None
        self._history = history
        self._improved = improved
        self._settings: tuple[tuple, dict] | None = None

    @property
    def is_trained(self) -> bool:
        """Whether its training was recorded too."""
        return self._history is not None

    def predict(self, x: np.ndarray, *arguments: Any, **options: Any) -> np.ndarray:
        """Return the stored rows for these pictures, in their order.

        Parameters
        ----------
        x : ndarray of shape (m, 32, 32, 3), uint8

        Returns
        -------
        ndarray of shape (m, k), float32

        Raises
        ------
        ValueError
            If a picture is not one of the known ones and the model itself is not at hand.
        """
        known = self._probabilities is not None
        x = np.asarray(x)
        if known and (x is self._pictures or _same_pictures(x, self._pictures)):
            return self._probabilities.astype(np.float32)
        if known and x.dtype == np.uint8 and x.shape[1:] == self._pictures.shape[1:]:
            if self._album is None:
                self._album = album_of(self._pictures)
            numbers = [self._album.number_of(picture) for picture in x]
            if None not in numbers:
                return self._probabilities[numbers].astype(np.float32)
        if self._load is not None:
            return self.real().predict(x, *arguments, **options)
        raise ValueError(
            "One of these is not a test picture as it is. This model can only answer for those; "
            "give it their pixels unchanged, 0 to 255."
        )

    def __call__(self, x: Any, *_: Any, **__: Any) -> np.ndarray:
        return self.predict(x)

    def compile(self, *arguments: Any, **options: Any) -> None:
        """Do what a model does; but later, as long as the training is recorded."""
        self._settings = arguments, options
        if self._history is None:
            self.real().compile(*arguments, **options)

    def fit(self, *arguments: Any, **options: Any) -> Any:
        """Return the recorded history if it is of as many epochs, else train."""
        recorded = RecordedHistory(self._history or {})
        if recorded.epoch and options.get("epochs", 1) == len(recorded.epoch):
            return recorded
        real = self.real()
        if self._history is not None and self._settings is not None:
            real.compile(*self._settings[0], **self._settings[1])
        self._history = self._probabilities = None  # from here on it is another model
        return real.fit(*arguments, **options)

    def untrained(self) -> Any:
        """The stand-in for :func:`untrained`."""
        return self._improved if self._improved is not None else untrained(self.real())

    def knowing(self, pictures: np.ndarray, probabilities: np.ndarray) -> RecordedModel:
        """Return a stand-in that knows the answers for these pictures too."""
        if self._probabilities is None or len(pictures) != len(probabilities):
            return self
        return RecordedModel(
            np.concatenate([self._pictures, pictures]),
            np.concatenate([self._probabilities, probabilities]),
            self._load,
            self._history,
            self._improved,
        )

    def real(self) -> Any:
        """Return the Keras model itself, which is loaded now if it has to be.

        Raises
        ------
        ValueError
            If it is not at hand.
        """
        if self._load is None:
            raise ValueError("This model is a record of its answers; the model is not at hand.")
        if self._model is None:
            self._model = self._load()
        return self._model

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.real(), name)


def real(model: Any) -> Any:
    """Return the Keras model behind a stand-in; any other model as it is.

    Raises
    ------
    ValueError
        If the stand-in is only a record, and the model is not at hand.
    """
    return model.real() if isinstance(model, RecordedModel) else model


def _same_pictures(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == np.uint8 and np.array_equal(one, other)


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


def training_record(name: str, network: str = "baseline") -> dict:
    """Return how a shipped checkpoint was trained: settings, curves and test accuracy."""
    return json.loads(_asset(f"{network}_{name}.history.json").read_text(encoding="utf-8"))


def _asset(file_name: str) -> Path:
    path = ASSETS / file_name
    if not path.is_file():
        raise FileNotFoundError(
            f"The course files are not complete: {path} is missing. Install the course again."
        )
    return path
