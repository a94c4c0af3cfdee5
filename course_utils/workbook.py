"""What a notebook calls: ``start``, ``resume`` and ``check``."""

from __future__ import annotations

import os
import sys
import textwrap
import traceback
from typing import Any, NamedTuple

import numpy as np

from course_utils import checks, data, models
from course_utils.evidence import Album, Reference
from course_utils.recorder import Recorder

STAGE_COUNT = 10


class Stage7(NamedTuple):
    """What Stage 7 begins with: ``model``, ``x_test``, one-hot ``y_test``, ``class_names``."""

    model: Any
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: list[str]


class _Session:
    """What the notebook's kernel has at hand between two calls."""

    recorder: Recorder | None = None
    stage: Stage7 | None = None
    reference: Reference | None = None


def start(stage: int) -> None:
    """Get a notebook ready: note what it shows from now on, and say what was found.

    Running it twice does no harm.

    Parameters
    ----------
    stage : int
        The number of the stage, 1 to 10.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    shell = _shell()
    if shell is not None and _Session.recorder is None:
        _Session.recorder = Recorder(shell, stage)
        _Session.recorder.install()
    if _Session.recorder is not None and _Session.recorder.stage != stage:
        print("This kernel belongs to another stage. Restart it, then run this cell again.")
        return
    place = "Colab" if "google.colab" in sys.modules else "this computer"
    version = ".".join(str(part) for part in sys.version_info[:2])
    print(f"Stage {stage} of {STAGE_COUNT} is ready on {place}, with Python {version}.")


def resume(stage: int) -> Stage7:
    """Bring back what a stage begins with: the student's own work, or the course's.

    The model is the student's, if ``model.keras`` lies in the workspace folder; else it is
    the course's own. One printed line says which.

    Parameters
    ----------
    stage : int
        Only 7 for now.

    Returns
    -------
    Stage7
        ``model, x_test, y_test, class_names``; x_test is (n, 32, 32, 3) uint8 and y_test is
        one-hot, (n, 10) float32.

    Raises
    ------
    ValueError
        For a stage that does not exist yet.
    DataError
        If COURSE_DATA names a folder without the pictures.
    ImportError
        If Keras or its backend is not installed.
    """
    if stage != 7:
        raise ValueError(f"There is nothing to resume for stage {stage} yet. Only 7 is ready.")
    with _paused():
        x_test, labels, source = data.load_test()
        model = models.load_model(source, x_test)
    x_test.flags.writeable = False  # a slip must not change what counts as a test picture
    names = list(data.CLASS_NAMES)
    y_test = np.eye(len(names), dtype="float32")[labels]
    _Session.stage = Stage7(model, x_test, y_test, names)
    _Session.reference = None
    if _Session.recorder is not None:
        _Session.recorder.album = Album(x_test)
    # For the same reason the student gets copies of the rest.
    return Stage7(model, x_test, y_test.copy(), list(names))


def check(name: str) -> float:
    """Judge one step, print the result as a sentence, and return its points.

    Parameters
    ----------
    name : str
        The grade id of the step's answer cell, such as ``"find_wrong"``.

    Returns
    -------
    float
        Points, from 0 to the most that the step can give. Never raises for anything that a
        student did: a grader would read an error as a lost notebook.
    """
    with _paused():
        points, words = _judge(name)
        print(words)
    return points


def _judge(name: str) -> tuple[float, str]:
    if _Session.recorder is None or _Session.stage is None:
        return 0.0, (
            "I cannot check yet: the two cells at the top have not run.\n"
            "Try next: run all the cells above this one. In JupyterLab: Run, Run All Above\n"
            "Selected Cell. On Colab: Runtime, Run before."
        )
    stage = _Session.recorder.stage
    known = checks.STAGES.get(stage, {})
    if name not in known:
        return 0.0, (
            f"Stage {stage} has no check {name!r}. It has: {', '.join(known) or 'none yet'}.\n"
            "Try next: run the check cell as it was given to you."
        )
    judge = known[name]
    try:
        evidence = _Session.recorder.evidence(checks.NAMES[stage])
        result = judge.judge(evidence, _reference())
    except Exception as error:
        if os.environ.get("COURSE_DEBUG"):
            traceback.print_exc()
        problem = type(error).__name__
        return 0.0, (
            f"➜ 0 of {_points(judge.points)}. Your answer has a form that I cannot read "
            f"({problem}).\nTry next: run its cell again, and compare it with the hints."
        )
    mark = "✔" if result.points == judge.points else "➜"
    lines = [f"{mark} {result.points:g} of {_points(judge.points)}. {result.saw}"]
    if result.try_next:
        lines.append(f"Try next: {result.try_next}")
    # A feedback page cuts long lines off.
    return float(result.points), "\n".join(textwrap.fill(line, 78) for line in lines)


def _points(number: int) -> str:
    return "1 point" if number == 1 else f"{number} points"


def _reference() -> Reference:
    """The model's own answers, asked for once."""
    if _Session.reference is None:
        model, x_test, y_test, names = _Session.stage
        probabilities = np.asarray(model.predict(x_test, verbose=0))
        _Session.reference = Reference(probabilities, y_test.argmax(axis=1), tuple(names))
    return _Session.reference


def _paused():
    from contextlib import nullcontext

    return _Session.recorder.paused() if _Session.recorder else nullcontext()


def _shell() -> Any:
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()
