"""What a notebook calls: ``start``, ``resume``, ``check``, ``save`` and a few more."""

from __future__ import annotations

import os
import re
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime
from typing import Any

import numpy as np

import course_utils
from course_utils import checks, data, models, record, widgets, wire
from course_utils.album import album_of
from course_utils.begin import FIELDS, Beginning, begin
from course_utils.evidence import Reference, plain
from course_utils.recorder import Recorder
from course_utils.workspace import BUNDLE, ITEMS, STRESS_ITEMS, Workspace, find_folder

EVIDENCE = "application/vnd.course-evidence+json"  # what hand_out publishes


class _Session:
    """What the notebook's kernel has at hand between two calls."""

    recorder: Recorder | None = None
    workspace: Workspace | None = None
    beginning: Beginning | None = None
    reference: Reference | None = None
    saved: set[str] = set()  # noqa: RUF012 - one session, one set
    kept: dict[str, Any] = {}  # noqa: RUF012
    full: set[str] = set()  # noqa: RUF012 - the checks that gave all their points


def start(stage: int, version: str = "") -> None:
    """Get a notebook ready: note what it shows from now on, and say what was found.

    Running it twice does no harm.

    Parameters
    ----------
    stage : int
        The number of the stage, 1 to 10; 11 and 12 are the extra notebooks.
    version : str
        Of the course, when the notebook was made, such as ``"v0.1.0"``. An older notebook works;
        for a newer one a sentence says what to do.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    shell = _shell()
    if shell is not None and _Session.recorder is None:
        _Session.recorder = Recorder(shell, stage)
        _Session.recorder.install()
    if _Session.recorder is not None and _Session.recorder.stage != stage:
        print("This kernel belongs to another stage. Restart it, then run this cell again.")
        return
    if _numbers(version) > _numbers(course_utils.__version__):
        print(
            f"This notebook belongs to version {version.lstrip('v')} of the course, and you have "
            f"{course_utils.__version__}. Get the new course_utils: on Colab choose Runtime, "
            "Disconnect and delete runtime, then run this cell again."
        )
    place = "Colab" if "google.colab" in sys.modules else "this computer"
    version = ".".join(str(part) for part in sys.version_info[:2])
    print(f"{widgets.stage_title(stage)} is ready on {place}, with Python {version}.")
    if shell is not None:
        from IPython.display import display

        with paused():
            display(widgets.progress_line(stage, Workspace(find_folder()).read("done") or ()))


def _numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version, by which notebooks and package have to agree."""
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


def resume(stage: int) -> Any:
    """Bring back what a stage begins with: the student's own work, or the course's.

    Printed lines say which. A damaged file of the student's is put aside, never loaded.

    Parameters
    ----------
    stage : int
        1 to 10; 11 and 12 are the extra notebooks.

    Returns
    -------
    namedtuple
        Its fields are those in ``begin.FIELDS``: pictures as uint8 (n, 32, 32, 3), labels as
        class numbers in Stages 1 to 3 and one-hot float32 (n, k) later.

    Raises
    ------
    ValueError
        For a stage that does not exist.
    DataError
        If COURSE_DATA names a folder without the pictures.
    ImportError
        If Keras or its backend is needed and not installed.
    """
    if stage not in FIELDS:
        raise ValueError(
            f"There is no stage {stage}. The stages are 1 to 10; 11 and 12 are the extra notebooks."
        )
    with paused():
        workspace = _Session.workspace = Workspace(find_folder())
        beginning = begin_with_record(stage, workspace)
        for note in workspace.notes:
            print(note)
        workspace.notes.clear()
    _Session.beginning, _Session.reference = beginning, None
    _Session.saved, _Session.kept = set(), {}
    if _Session.recorder is not None:
        _Session.recorder.album = album_of(beginning.pictures)
    return beginning.values


def begin_with_record(stage: int, workspace: Workspace) -> Beginning:
    """Bring what a stage begins with; in grading, from the record in the notebook.

    Parameters
    ----------
    stage : int
    workspace : Workspace
        The record, if there is one, lies in its folder as :data:`RECORD_FILE`. A record that
        contradicts itself is refused with a printed note, and the course's model takes its place.
    """
    claims = _restore_record(workspace)
    beginning = begin(stage, workspace)
    if claims and (fault := _contradiction(claims, beginning)):
        _refuse(fault)
        for name in claims.keys() & ITEMS.keys():
            workspace.path(name).unlink(missing_ok=True)
        beginning = begin(stage, workspace)
    return beginning


def open_seal() -> tuple[np.ndarray, np.ndarray]:
    """Open the sealed test, and note when.

    A second opening is pointed out: whoever looks twice and changes something in between has
    a score that is too good.

    Returns
    -------
    x_test : ndarray of shape (n, 32, 32, 3), uint8
    y_test : ndarray of shape (n, 10), float32
        One-hot.
    """
    beginning, workspace = _Session.beginning, _Session.workspace
    if beginning is None or workspace is None:
        raise RuntimeError("Run the two cells at the top first. Then open the seal.")
    with paused():
        openings = list(workspace.read("openings") or [])
        if len(openings) > models.in_grading():  # the record holds this one already
            print(
                f"This seal was opened before, first on {openings[0]}. That is noted and costs "
                "no points. Did you change the model since then? Then say so with your score."
            )
        else:
            print("The seal is open. From now on these pictures are no secret to you.")
        if not models.in_grading():
            openings.append(datetime.now().isoformat(" ", timespec="minutes"))
            workspace.write("openings", openings)
    beginning.work["openings"] = openings
    y_test = np.eye(len(data.CLASS_NAMES), dtype=np.float32)[beginning.labels]
    return beginning.pictures, y_test


def save(**items: Any) -> None:
    """Keep work for later stages, and print a line on it.

    Parameters
    ----------
    **items
        By name, such as ``guess="cat"`` or ``model=model``; see ``workspace.ITEMS``. A name
        whose value is still ``...`` is not kept.
    """
    with paused():
        workspace = _Session.workspace or Workspace(find_folder())
        if unknown := [name for name in items if name not in ITEMS]:
            print(f"I do not know {unknown[0]!r}. What can be kept: {', '.join(ITEMS)}.")
        open_blanks = [name for name, value in items.items() if _is_blank(value)]
        if open_blanks:
            print(f"Not kept, because it is still blank: {', '.join(open_blanks)}.")
        kept = []
        for name, value in items.items():
            if name in ITEMS and name not in open_blanks and _keep(workspace, name, value):
                kept.append(name)
        if kept:
            print(f"Kept in your workspace: {', '.join(kept)}.")
            if "google.colab" in sys.modules:
                print("Colab forgets it when you leave. cu.download_work() gives you a copy.")


def _is_blank(value: Any) -> bool:
    inside = value.values() if isinstance(value, dict) else ()
    inside = value if isinstance(value, list | tuple) else inside
    return value is None or value is Ellipsis or any(item is Ellipsis for item in inside)


def _keep(workspace: Workspace, name: str, value: Any) -> bool:
    form = ITEMS[name]
    try:
        if name == "predictions" and _Session.beginning and not _Session.beginning.own:
            _Session.saved.add(name)  # the course's model can answer again; it is not the student's
            return True
        if form == ".json":
            value = _jsonable(plain(value))
        elif form == ".npz":
            value = tuple(map(np.asarray, value)) if name == "piles" else np.asarray(value)
        elif isinstance(value, models.RecordedModel):
            _Session.saved.add(name)  # a stand-in: the model itself lies where it was trained
            return True
        workspace.write(name, value)
    except OSError as error:
        print(f"The folder {workspace.folder.name} cannot be written ({error.strerror}).")
        return False
    except (TypeError, ValueError, AttributeError) as error:
        print(f"{name} has a form that cannot be kept ({error}).")
        return False
    _Session.saved.add(name)
    _Session.kept[name] = value
    return True


def _jsonable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a {getattr(value, 'kind', type(value).__name__)} in it")


def recall(name: str) -> Any | None:
    """Return what was kept under a name, or None.

    Parameters
    ----------
    name : str
        Such as ``"guess"``.
    """
    with paused():
        workspace = _Session.workspace or Workspace(find_folder())
        return workspace.read(name) if name in ITEMS else None


def download_work() -> None:
    """Offer one small file that restores everything in a later session.

    On Colab the browser downloads it; elsewhere it is written beside the notebook.
    """
    with paused():
        content = (_Session.workspace or Workspace(find_folder())).pack()
        with open(BUNDLE, "wb") as file:  # noqa: PTH123
            file.write(content)
        print(f"Your work is in {BUNDLE} ({len(content) / 1000:,.0f} kB).")
        if "google.colab" in sys.modules:
            from google.colab import files

            files.download(BUNDLE)


def upload_work(path: str | None = None) -> None:
    """Bring back what :func:`download_work` gave; then run the ``resume`` cell again.

    Parameters
    ----------
    path : str, optional
        The file. On Colab, without it, the browser asks for one.
    """
    with paused():
        content = None
        if path is None and "google.colab" in sys.modules:
            from google.colab import files

            content = next(iter(files.upload().values()), None)
        else:
            try:
                with open(path or BUNDLE, "rb") as file:  # noqa: PTH123
                    content = file.read()
            except OSError:
                print(f"There is no file {path or BUNDLE} here. Put it beside the notebook.")
                return
        if content is None:
            print("No file was chosen. Nothing has changed.")
            return
        try:
            names = Workspace(find_folder()).unpack(content)
        except ValueError as problem:
            print(problem)
            return
        print(f"Brought back: {', '.join(names)}. Now run the cell with cu.resume again.")


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
    with paused():
        points, words = judge(name)
        print(words)
        _leave_record(name)
    return points


def hand_out() -> None:
    """Publish what the checks look at, as plain data, for a grader outside this kernel.

    Nothing is judged here: whoever runs the notebook may have changed anything in this process.
    """
    recorder, beginning = _Session.recorder, _Session.beginning
    if recorder is None or beginning is None:
        return
    names, probes = checks.NAMES[recorder.stage], checks.PROBES.get(recorder.stage)
    known = {"pictures": beginning.pictures}
    if beginning.answers is not None:
        known["answers"] = _reference().probabilities
    handed = {
        "values": recorder.evidence(names, probes).values,
        "saved": sorted(_Session.saved),
        "kept": _Session.kept,
        "openings": beginning.work.get("openings"),
    }
    from IPython.display import display

    display({EVIDENCE: wire.write(handed, known)}, raw=True)


def judge(name: str) -> tuple[float, str]:
    """Judge one step; return its points and the sentences, without printing them."""
    if _Session.recorder is None or _Session.beginning is None:
        return 0.0, (
            "I cannot check yet: the two cells at the top have not run.\n"
            "Try next: run all the cells above this one. In JupyterLab: Run, Run All Above\n"
            "Selected Cell. On Colab: Runtime, Run before."
        )
    stage = _Session.recorder.stage
    known = checks.STAGES.get(stage, {}) | checks.DEEPER.get(stage, {})
    if name not in known:
        return 0.0, (
            f"Stage {stage} has no check {name!r}. It has: {', '.join(known) or 'none yet'}.\n"
            "Try next: run the check cell as it was given to you."
        )
    try:
        evidence = _Session.recorder.evidence(checks.NAMES[stage], checks.PROBES.get(stage))
        points, words = checks.judge(stage, name, evidence, _reference())
    except Exception as error:  # the model or the pictures cannot be asked any more
        return 0.0, (
            f"➜ I cannot check now ({type(error).__name__}).\n"
            "Try next: restart Python and run all cells from the top."
        )
    if name in checks.STAGES[stage] and points == known[name].points:
        _note_full(stage, name)
    return points, words


def _note_full(stage: int, name: str) -> None:
    """Remember a step that got all its points; a stage where all did is done."""
    _Session.full.add(name)
    workspace = _Session.workspace
    if workspace is None or models.in_grading() or set(checks.STAGES[stage]) - _Session.full:
        return
    done = set(workspace.read("done") or ())
    if stage not in done:
        with suppress(OSError):
            workspace.write("done", sorted(done | {stage}))


def _reference() -> Reference:
    """What the checks compare with; the model is asked once."""
    beginning = _Session.beginning
    if _Session.reference is None:
        nothing = np.zeros((0, len(beginning.class_names)))
        _Session.reference = Reference(
            beginning.answers() if beginning.answers else nothing,
            beginning.labels,
            beginning.class_names,
            beginning.pictures,
            beginning.work,
        )
    beginning.work |= _Session.kept
    beginning.work["saved"] = set(_Session.saved)
    return _Session.reference


def explore_mistakes(predictions: Any, x: Any, y: Any, class_names: Any) -> None:
    """Show the mistake explorer; see ``widgets.explore_mistakes``.

    What it shows is the course's doing and no evidence of the student's.
    """
    with paused():
        widgets.explore_mistakes(predictions, x, y, class_names)


def check_panel(stage: int) -> None:
    """Show a panel with a button for each check of a stage."""
    with paused():
        widgets.check_panel(stage, judge)


# --- The record in the notebook ----------------------------------------------------------


def _leave_record(name: str) -> None:
    """Put what grading needs into the output of a check cell; see ``record``."""
    beginning, shell = _Session.beginning, _shell()
    if shell is None or beginning is None or models.in_grading():
        return
    wanted = checks.RECORDS.get(_Session.recorder.stage, {}).get(name)
    if wanted is None:
        return
    items: dict[str, Any] = {"version": course_utils.__version__, "pictures": beginning.kind}
    for item, variable in wanted.items():
        value = _to_record(item, variable, shell.user_ns)
        if value is not None:
            items[item] = value
    for claim, item in _CLAIMS.items():
        if item in items:
            right = items[item].argmax(axis=1) == beginning.labels
            items[claim] = int(right.sum())
    try:
        text = record.write(items)
    except (ValueError, TypeError):
        return  # what cannot be recorded cannot be replayed; the check has said what is wrong
    from IPython.display import display

    words = f"Your teacher gets your model's answers with this notebook ({len(text) // 1000} kB)."
    shown = f"<small>{words}</small>" if len(text) > 1000 else ""
    display({"text/html": f"{shown}<!-- {text} -->", "text/plain": ""}, raw=True)


def _to_record(item: str, variable: str | None, names: dict[str, Any]) -> Any:
    """The value of one item: of a variable of the notebook, or of what the stage began with."""
    beginning, workspace = _Session.beginning, _Session.workspace
    if item == "predictions" and variable is None:
        return _reference().probabilities if beginning.own else None
    if item == "piles":  # as the numbers of one pile, which is a tenth of both
        piles = workspace.read(item) if beginning.own else None
        return None if piles is None else piles[1].tolist()  # in the order of the answers
    if variable is None:
        if not beginning.own and item in ("history", "openings"):
            return None
        known = beginning.work.get(item)
        return workspace.read(item) if known is None else known
    if item == "val_predictions" and not beginning.own:
        return None
    value = plain(names.get(variable))
    if ITEMS[item] == ".npz":
        shaped = isinstance(value, np.ndarray) and value.shape[1:] == (len(beginning.class_names),)
        if shaped and item != "val_predictions":
            shaped = len(value) == len(beginning.labels)
        return value if shaped else None
    try:
        return _jsonable(value)
    except TypeError:
        return None


def _restore_record(workspace: Workspace) -> dict[str, Any]:
    """In grading, put a notebook's record into its workspace; return its items."""
    path = workspace.folder / RECORD_FILE
    if not (models.in_grading() and path.is_file()):
        return {}
    try:
        items = record.read(path.read_text(encoding="ascii"))
        workspace.pictures = items.pop("pictures", None)
        if "piles" in items:
            items["piles"] = _both_piles(items["piles"], workspace.pictures)
        for name in items.keys() & ITEMS.keys():
            workspace.write(name, items[name])
        return items
    except (record.RecordError, ValueError, TypeError, IndexError, OSError) as problem:
        _refuse(problem)
        return {}


def _both_piles(validation: list[int], pictures: str | None) -> tuple[np.ndarray, np.ndarray]:
    count = data.TRAINING_PICTURES[pictures or "cifar10"]
    chosen = np.zeros(count, bool)
    chosen[validation] = True
    return np.flatnonzero(~chosen), np.asarray(validation)


def _refuse(problem: Any) -> None:
    print(
        f"Note to the teacher: the record in this notebook was refused: {problem}. "
        "The course's own model takes its place."
    )


# What a record says about itself: how many of its predictions are right.
_CLAIMS = {"right": "predictions", "improved_right": "improved_predictions"}
_CLAIMS |= {f"{item}_right": item for item in STRESS_ITEMS}


def _contradiction(items: dict[str, Any], beginning: Beginning) -> str:
    """What is wrong with a record, or nothing."""
    for claim, name in _CLAIMS.items():
        if name not in items:
            continue
        answers = items[name]
        if answers.shape != (len(beginning.labels), len(beginning.class_names)):
            return f"it answers for {len(answers)} pictures, and there are {len(beginning.labels)}"
        right = int((answers.argmax(axis=1) == beginning.labels).sum())
        if items.get(claim) != right:
            return f"it says that {items.get(claim)} predictions are right, but {right} are"
    for name in ("history", "improved_history"):
        history = items.get(name)
        if history is None:
            continue
        lengths = {len(values) for values in history.values()} if history else {0}
        if len(lengths) != 1 or lengths == {0}:
            return "its training history has gaps"
    return ""


RECORD_FILE = "record.txt"  # where grading puts the records of a notebook


def paused() -> AbstractContextManager:
    """Let what the course shows pass without taking it for the student's evidence."""
    return _Session.recorder.paused() if _Session.recorder else nullcontext()


def at_hand() -> tuple[Beginning | None, Workspace | None]:
    """Return what the stage began with, and the workspace; None before :func:`resume`."""
    return _Session.beginning, _Session.workspace


def _shell() -> Any:
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()
