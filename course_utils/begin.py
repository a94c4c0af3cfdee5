"""What each stage begins with: the student's own work if there is some, else the course's.

One function for each kind of stage. Each prints a line on what it brings.
"""

from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import data, models
from course_utils.workspace import Workspace

_NAMES = "class_names"
_PILES = "x_train y_train x_val y_val"
FIELDS = {
    1: f"x_train y_train {_NAMES}",
    2: f"x_train y_train {_NAMES}",
    3: f"x_all y_all {_NAMES}",
    4: f"{_PILES} {_NAMES}",
    5: f"model {_PILES} {_NAMES}",
    6: f"model history x_val y_val {_NAMES}",
    7: f"model x_test y_test {_NAMES}",
    8: f"model {_PILES} x_test y_test {_NAMES}",
    9: f"model {_NAMES}",
    10: f"predictions x_test y_test {_NAMES} findings",
    11: f"model history x_test y_test {_NAMES}",
    12: f"{_PILES} x_test y_test {_NAMES} answers",
}
VALUES = {stage: namedtuple(f"Stage{stage}", fields) for stage, fields in FIELDS.items()}
_SEED = 42
_VALIDATION_SHARE = 0.1


@dataclass
class Beginning:
    """What a stage begins with, and what its checks know.

    Attributes
    ----------
    values : namedtuple
        For the student: the names in :data:`FIELDS`.
    pictures : ndarray of shape (n, 32, 32, 3), uint8
        The known pictures: those whose display counts.
    labels : ndarray of shape (n,), int
    kind : {"cifar10", "practice", "cifar100"}
    answers : function, optional
        Returns the trained model's probabilities for the known pictures.
    own : bool
        Whether the model is the student's.
    work : dict
        What the checks may compare with, by the names in ``workspace.ITEMS``.
    class_names : tuple of str
    """

    values: Any
    pictures: np.ndarray
    labels: np.ndarray
    kind: str
    answers: Callable[[], np.ndarray] | None = None
    own: bool = False
    work: dict[str, Any] = field(default_factory=dict)
    class_names: tuple[str, ...] = data.CLASS_NAMES


def begin(stage: int, workspace: Workspace) -> Beginning:
    """Bring what a stage begins with.

    Parameters
    ----------
    stage : int
        1 to 12.
    workspace : Workspace
        Its ``pictures`` are set to the kind that is in use.
    """
    return _BEGIN[stage](workspace)


# --- Stages 1 to 3: the pictures -------------------------------------------------------------


def _photos(stage: int) -> Callable[[Workspace], Beginning]:
    def begin(workspace: Workspace) -> Beginning:
        (x, y), kind = data.load_train(_wanted(workspace))
        workspace.pictures = kind
        _protect(x)
        return Beginning(VALUES[stage](x, y.copy(), _names()), x, y, kind)

    return begin


# --- Stages 4 and 5: the piles, and a network that is not trained yet ------------------------


def _build(workspace: Workspace) -> Beginning:
    _import_keras(workspace)
    x_train, y_train, x_val, y_val, kind = _load_piles(workspace)
    values = VALUES[4](x_train, _one_hot(y_train), x_val, _one_hot(y_val), _names())
    return Beginning(values, x_val, y_val, kind)


def _train(workspace: Workspace) -> Beginning:
    _import_keras(workspace)
    x_train, y_train, x_val, y_val, kind = _load_piles(workspace)
    history = workspace.read("history") if models.in_grading() else None
    own = workspace.read("network") if workspace.models else None
    if not workspace.models:
        model = None
    elif history is not None:
        model = models.RecordedModel(
            x_val, None, real=lambda: own or models.build_small(), history=history
        )
        print("Model: its training was recorded in the notebook.")
    elif own is not None:
        model = models.untrained(own)
        print("Network: your own from Stage 4, not trained yet.")
    else:
        model = models.build_small()
        print("Network: the course's own, not trained yet.")
    values = VALUES[5](model, x_train, _one_hot(y_train), x_val, _one_hot(y_val), _names())
    return Beginning(values, x_val, y_val, kind, own=own is not None)


# --- Stages 6 to 10: a trained model and the test pictures -----------------------------------


def _test(workspace: Workspace) -> Beginning:
    (x_train, y_train), (x_test, y_test) = _load_both(workspace)
    model, own = trained_model(workspace, x_test, network="small", sealed=True)
    # The course's model has learned from what may lie in the student's validation pile.
    _, validation = (own and _own_piles(workspace, len(y_train))) or _course_piles(y_train)
    x_val, y_val = x_train[validation], y_train[validation]
    answers = workspace.read("val_predictions") if models.in_grading() and own else None
    if isinstance(model, models.RecordedModel) and answers is not None:
        model = model.knowing(x_val, answers)
    history = workspace.read("history") if own else None
    if history is None:
        history = models.training_record(workspace.pictures, "small")["history"]
    values = VALUES[6](model, history, x_val, _one_hot(y_val), _names())
    begun = Beginning(values, x_test, y_test, workspace.pictures, _answers(model, x_test), own)
    begun.work["history"] = history
    return begun


def _find_mistakes(workspace: Workspace) -> Beginning:
    x_test, y_test = _load_test(workspace)
    model, own = trained_model(workspace, x_test)
    values = VALUES[7](model, x_test, _one_hot(y_test), _names())
    return Beginning(values, x_test, y_test, workspace.pictures, _answers(model, x_test), own)


def _improve(workspace: Workspace) -> Beginning:
    _import_keras(workspace)
    part, (x_test, y_test) = _load_both(workspace)
    x_train, y_train, x_val, y_val, kind = _piles_of(part, workspace)
    model, own = trained_model(workspace, x_test, network="small", improvable=True)
    piles = x_train, _one_hot(y_train), x_val, _one_hot(y_val)
    values = VALUES[8](model, *piles, x_test, _one_hot(y_test), _names())
    begun = Beginning(values, x_test, y_test, kind, _answers(model, x_test), own)
    history = workspace.read("history") if own else None
    begun.work["history"] = history or models.training_record(kind, "small")["history"]
    return begun


def _own_photo(workspace: Workspace) -> Beginning:
    x_test, y_test = _load_test(workspace)
    model, own = trained_model(workspace, x_test, network="improved")
    values = VALUES[9](model, _names())
    return Beginning(values, x_test, y_test, workspace.pictures, None, own)


def _demo_day(workspace: Workspace) -> Beginning:
    x_test, y_test = _load_test(workspace)
    model, own = trained_model(workspace, x_test, network="small")
    answers = _answers(model, x_test)
    findings = workspace.read("findings") or {}
    found = {
        "guess": workspace.read("guess"),
        "hardest_class": findings.get("hardest_class"),
        "hardest_accuracy": findings.get("hardest_accuracy"),
        **{name: workspace.read(name) for name in ("score", "improvement", "photos")},
        "pictures": workspace.pictures,
        "own": own,
    }
    values = VALUES[10](answers(), x_test, _one_hot(y_test), _names(), found)
    begun = Beginning(values, x_test, y_test, workspace.pictures, answers, own)
    # Names of photos are private: they stay out of what the checks and the record see.
    begun.work["findings"] = {name: value for name, value in found.items() if name != "photos"}
    return begun


# --- The two notebooks for afterwards --------------------------------------------------------


def _evaluate(workspace: Workspace) -> Beginning:
    x_test, y_test = _load_test(workspace)
    model, own = trained_model(workspace, x_test, network="improved")
    history = workspace.read("history") if own else None
    if history is None:
        history = models.training_record(workspace.pictures, "improved")["history"]
    values = VALUES[11](model, history, x_test, _one_hot(y_test), _names())
    begun = Beginning(values, x_test, y_test, workspace.pictures, _answers(model, x_test), own)
    begun.work["history"] = history
    return begun


def _stress(workspace: Workspace) -> Beginning:
    from course_utils import cifar100, stress

    pictures = cifar100.load_stress(_wanted(workspace))
    workspace.pictures = pictures.kind
    _protect(pictures.x_test)
    count = len(pictures.class_names)
    kept = {recipe: workspace.read(f"stress_{recipe}") for recipe in stress.RECIPES}
    shape = (len(pictures.y_test), count)
    # All four or none: networks of two sizes in one comparison would be no fair one.
    own = all(table is not None and table.shape == shape for table in kept.values())
    if own:
        print("Answers: of your own four networks, from your workspace.")
        answers = kept
    else:
        print("Answers: of the course's own four networks, which are small.")
        answers = {recipe: stress.answers(recipe, pictures) for recipe in stress.RECIPES}
    x_train, y_train, x_val, y_val, x_test, y_test = pictures[:6]
    piles = (x_train, _one_hot(y_train, count), x_val, _one_hot(y_val, count))
    values = VALUES[12](
        *piles, x_test, _one_hot(y_test, count), list(pictures.class_names), answers
    )
    return Beginning(
        values,
        x_test,
        y_test,
        pictures.kind,
        lambda: answers["baseline"],
        own,
        {"answers": answers},
        pictures.class_names,
    )


_BEGIN = {
    1: _photos(1),
    2: _photos(2),
    3: _photos(3),
    4: _build,
    5: _train,
    6: _test,
    7: _find_mistakes,
    8: _improve,
    9: _own_photo,
    10: _demo_day,
    11: _evaluate,
    12: _stress,
}


# --- The model -------------------------------------------------------------------------------


def trained_model(
    workspace: Workspace,
    x_test: np.ndarray,
    network: str = "baseline",
    improvable: bool = False,
    sealed: bool = False,
) -> tuple[Any, bool]:
    """Return a trained model, and whether it is the student's; print one line on which it is.

    The first of: predictions recorded in the file that COURSE_PREDICTIONS names; the student's
    recorded predictions; the student's own ``model.keras``; the course's checkpoint.

    Parameters
    ----------
    workspace : Workspace
    x_test : ndarray of shape (n, 32, 32, 3), uint8
    network : {"baseline", "small"}, default="baseline"
        The course's checkpoint to lend.
    improvable : bool, default=False
        Whether the stage trains the model anew, so that a record of that is wanted too.
    sealed : bool, default=False
        Whether the test score is still a secret.
    """
    kind = workspace.pictures

    def lend() -> Any:
        return models.load_checkpoint(kind, network)

    if recorded := os.environ.get("COURSE_PREDICTIONS"):
        print(f"Model: its predictions were recorded in {Path(recorded).name}.")
        return models.RecordedModel(x_test, models.read_predictions(recorded), lend), False
    improved = _recorded_improvement(workspace, x_test, network) if improvable else None
    answers = (
        None if _is_older(workspace, "predictions", "model") else workspace.read("predictions")
    )
    if answers is not None and answers.shape == (len(x_test), len(data.CLASS_NAMES)):
        print("Model: your own. Its answers for the test pictures are kept in your workspace.")

        def load() -> Any:
            return _say_if_lent(workspace.read("model")) or lend()

        return models.RecordedModel(x_test, answers, load, improved=improved), True
    own = None if models.in_grading() else workspace.read("model")
    if own is not None:
        print("Model: your own, from workspace/model.keras.")
        return own, True
    accuracy = models.training_record(kind, network)["test_accuracy"]
    if sealed:
        print("Model: the course's own, trained as in Stage 5.")
    else:
        print(f"Model: the course's own. It gets {accuracy:.0%} of the test pictures right.")
    answers = models.checkpoint_answers(kind, x_test, network)
    return models.RecordedModel(x_test, answers, lend, improved=improved), False


def _is_older(workspace: Workspace, item: str, source: str) -> bool:
    """Whether an item was kept before the one it was made from was last changed."""
    paths = workspace.path(item), workspace.path(source)
    return all(path.is_file() for path in paths) and (
        paths[0].stat().st_mtime < paths[1].stat().st_mtime
    )


def _say_if_lent(model: Any) -> Any:
    if model is None:
        print("Your model itself is not at hand. The course's model answers for other pictures.")
    return model


def _recorded_improvement(workspace: Workspace, x_test: np.ndarray, network: str) -> Any:
    """In grading, the stand-in for the model that the student trained anew."""
    history, answers = (workspace.read(f"improved_{name}") for name in ("history", "predictions"))
    if not models.in_grading() or history is None or answers is None:
        return None
    return models.RecordedModel(x_test, answers, models.build_small, history=history)


def _answers(model: Any, x_test: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: np.asarray(model.predict(x_test, verbose=0))


# --- The pictures ------------------------------------------------------------------------------


def _wanted(workspace: Workspace) -> str:
    """In grading, a student who worked on practice pictures is graded on those."""
    return "practice" if workspace.pictures == "practice" else "auto"


def _load_test(workspace: Workspace) -> tuple[np.ndarray, np.ndarray]:
    x_test, y_test, workspace.pictures = data.load_test(_wanted(workspace))
    _protect(x_test)
    return x_test, y_test


def _load_piles(workspace: Workspace) -> tuple:
    """The training and the validation pile, as the student made them or as the course does."""
    part, workspace.pictures = data.load_train(_wanted(workspace))
    return _piles_of(part, workspace)


def _load_both(workspace: Workspace) -> list[tuple[np.ndarray, np.ndarray]]:
    """The training and the test pictures, each with their labels."""
    workspace.pictures, parts = data.load_parts(_wanted(workspace), ("train", "test"))
    _protect(parts[1][0])
    return parts


def _piles_of(part: tuple, workspace: Workspace) -> tuple:
    x, y = part
    piles = _own_piles(workspace, len(y)) or _course_piles(y)
    training, validation = piles
    return x[training], y[training], x[validation], y[validation], workspace.pictures


def _own_piles(workspace: Workspace, count: int) -> tuple[np.ndarray, np.ndarray] | None:
    piles = workspace.read("piles")
    if piles is None or not _are_piles(piles, count):
        return None
    print("Piles: your own, from Stage 3.")
    return piles


def _course_piles(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    print("Piles: the course's own.")
    return split(labels)


def _are_piles(piles: Any, count: int) -> bool:
    if not isinstance(piles, tuple) or len(piles) != 2:
        return False
    numbers = np.concatenate([np.asarray(pile).ravel() for pile in piles])
    whole = numbers.dtype.kind in "iu" and len(numbers) and numbers.min() >= 0
    return bool(whole and numbers.max() < count and len(np.unique(numbers)) == len(numbers))


def split(labels: np.ndarray, seed: int = _SEED) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the training and of the validation pictures.

    A tenth of each class goes to validation, chosen at random.

    Parameters
    ----------
    labels : ndarray of shape (n,), int
    seed : int, default=42

    Returns
    -------
    training, validation : ndarray of int
        Ascending; together every number once.
    """
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        numbers = rng.permutation(np.flatnonzero(labels == label))
        chosen[numbers[: round(len(numbers) * _VALIDATION_SHARE)]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _import_keras(workspace: Workspace) -> None:
    """Do it here, where its start-up lines stay out of the student's cells."""
    if workspace.models:
        models.import_keras()


def _one_hot(labels: np.ndarray, count: int = len(data.CLASS_NAMES)) -> np.ndarray:
    return np.eye(count, dtype=np.float32)[labels]


def _names() -> list[str]:
    return list(data.CLASS_NAMES)


def _protect(pictures: np.ndarray) -> None:
    """A slip must not change what counts as a picture of the stage."""
    pictures.flags.writeable = False
