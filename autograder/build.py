"""Make the student notebooks in ``stages/`` from the sources in ``solutions/``.

nbgrader's own generate_assignment does the work, in a temporary folder; what it makes moves
to ``stages/`` only when nothing is wrong with it.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import difflib
import json
import logging
import os
import re
import tempfile
from collections import Counter
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import SaveCells
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder import ROOT, stage_names
from autograder.preprocessors.forgetmachine import forget_machine
from autograder.preprocessors.removeteachercells import TAG as TEACHER

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUDENTS = "workspace"  # a folder of this name is a student's own and never touched
_SHORTEST_SECRET = 12  # characters; shorter lines of a solution, such as "plt.show()", are common


class BuildError(Exception):
    """Something in the sources that must not reach a student. One line for each fault."""


def _sources(folder: Path) -> list[Path]:
    return [folder / name / f"{name}.ipynb" for name in stage_names(folder)]


def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, KeyError, nbformat.ValidationError) as error:
        raise BuildError(f"{path.stem}: the source is not a notebook: {error}") from error


def build(root: Path = ROOT) -> list[str]:
    """Rebuild ``stages/``.

    Parameters
    ----------
    root : Path
        The folder with ``solutions/`` and ``stages/``.

    Returns
    -------
    list of str
        The names of the stages that changed.

    Raises
    ------
    BuildError
        If a source is at fault. ``stages/`` is then as it was before.
    """
    with tempfile.TemporaryDirectory() as folder:
        fresh = _generate(root / "solutions", Path(folder))
        changes = _differences(fresh, root / "stages")
    _write_all({root / "stages" / path: new for path, (new, _) in changes.items()})
    for path in _sources(root / "solutions"):
        _tidy(path)
    return sorted({path.split("/")[0] for path in changes})


def _write_all(contents: dict[Path, bytes | None]) -> None:
    """Write files, or delete those without content: all of them, or none."""
    before = {path: path.read_bytes() if path.exists() else None for path in contents}
    done = []
    try:
        for path, content in contents.items():
            done.append(path)
            _write(path, content)
    except OSError as error:
        for path in done:
            with contextlib.suppress(OSError):
                _write(path, before[path])
        raise BuildError(f"{error.filename or path} cannot be written: {error.strerror}") from error


def _write(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(content)
    os.replace(beside, path)


def differences(root: Path = ROOT) -> list[str]:
    """Return what keeps ``stages/`` from being fresh, as readable lines; empty if it is."""
    lines = []
    for path in _sources(root / "solutions"):
        if _canonical(_read(path)) != path.read_text(encoding="utf-8"):
            lines.append(f"{path.name} has outputs or another form of file. Run the build.")
    with tempfile.TemporaryDirectory() as folder:
        fresh = _generate(root / "solutions", Path(folder))
        for path, (new, old) in _differences(fresh, root / "stages").items():
            lines += _explain(path, new, old)
    return lines


def _differences(fresh: Path, stages: Path) -> dict[str, tuple[bytes | None, bytes | None]]:
    """Files that differ, as {path: (as built now, as it stands)}; None for a missing file."""

    def files(folder: Path) -> dict[str, bytes]:
        names = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
        return {
            name.as_posix(): path.read_bytes().replace(b"\r\n", b"\n")
            for name, path in names.items()
            if not any(part.startswith(".") or part == STUDENTS for part in name.parts)
        }

    new, old = files(fresh), files(stages) if stages.exists() else {}
    return {
        path: (new.get(path), old.get(path))
        for path in sorted({*new, *old})
        if new.get(path) != old.get(path)
    }


def _explain(path: str, new: bytes | None, old: bytes | None) -> list[str]:
    if new is None:
        return [f"stages/{path} should not be there."]
    if old is None:
        return [f"stages/{path} is missing."]
    try:
        before, after = (
            _as_script(nbformat.reads(text.decode(), as_version=4)) for text in (old, new)
        )
    except Exception:
        return [f"stages/{path} cannot be read as a notebook."]
    diff = list(
        difflib.unified_diff(before, after, f"stages/{path}", "as solutions/ makes it", lineterm="")
    )
    return diff or [f"stages/{path} differs in its metadata or its spacing only."]


def _as_script(notebook: NotebookNode) -> list[str]:
    lines = []
    for cell in notebook.cells:
        grader = cell.metadata.get("nbgrader", {})
        lines.append(f"# %% [{cell.cell_type}] {cell.get('id')} {dict(sorted(grader.items()))}")
        lines += cell.source.splitlines()
    return lines


# --- Generating --------------------------------------------------------------------------


def load_config() -> Config:
    """Return the configuration that nbgrader's commands use."""
    return PyFileConfigLoader("nbgrader_config.py", str(ROOT / "autograder")).load_config()


def _generate(sources: Path, folder: Path) -> Path:
    """Run generate_assignment on every stage; return the folder with the result."""
    faults = []
    for path in _sources(sources):
        found = _faults_of_ids(path) or _faults_of_source(_read(path))
        others = [other.name for other in path.parent.glob("*.ipynb") if other != path]
        found += [f"the folder holds another notebook, {name}" for name in others]
        faults += [f"{path.stem}: {fault}" for fault in found]
    if faults:
        raise BuildError("\n".join(faults))

    config = load_config()
    config.CourseDirectory.source_directory = str(sources.resolve())
    config.CourseDirectory.release_directory = str(folder / "release")
    config.CourseDirectory.root = str(folder)
    config.GenerateAssignment.no_database = True  # as --no-db does, with the next lines
    steps = config.GenerateAssignment.preprocessors
    config.GenerateAssignment.preprocessors = [step for step in steps if step is not SaveCells]
    log = logging.Logger("build")  # stands alone, so that nothing is printed
    log.addHandler(handler := _Lines())
    (folder / "release").mkdir()
    for name in stage_names(sources):
        directory = CourseDirectory(config=config, assignment_id=name)
        try:
            GenerateAssignment(coursedir=directory, config=config, parent=None, log=log).start()
        except (Exception, SystemExit) as error:
            said = (handler.lines or [str(error)])[0]  # the rest is a traceback
            raise BuildError(f"{name}: {said}") from error
        student = nbformat.read(folder / "release" / name / f"{name}.ipynb", as_version=4)
        source = _read(sources / name / f"{name}.ipynb")
        faults += [f"{name}: {fault}" for fault in _faults_of_student(student, source)]
    if faults:
        raise BuildError("\n".join(faults))
    return folder / "release"


class _Lines(logging.Handler):
    """Keeps what nbgrader reports as errors."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _canonical(notebook: NotebookNode) -> str:
    """A notebook's text without outputs, in format 4.5."""
    notebook = copy.deepcopy(notebook)
    forget_machine(notebook)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("widgets", None)
    return nbformat.writes(notebook) + "\n"


def _tidy(path: Path) -> None:
    """Write a source back in canonical form, if it is not in that form."""
    text = _canonical(_read(path))
    if text != path.read_text(encoding="utf-8"):
        _write(path, text.encode())


# --- What must not reach a student ---------------------------------------------------------


def _faults_of_ids(path: Path) -> list[str]:
    """Cell ids that are missing or doubled. nbformat would mend them, each time differently."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError) as error:
        raise BuildError(f"{path.stem}: the source is not a notebook: {error}") from error
    ids = Counter(cell.get("id") for cell in cells)
    missing = [f"{ids.pop(None)} cells have no id"] if None in ids else []
    return missing + [f"the cell id {name!r} stands {n} times" for name, n in ids.items() if n > 1]


def _faults_of_source(source: NotebookNode) -> list[str]:
    faults = []
    ids = Counter(
        cell.metadata.nbgrader.get("grade_id", "")
        for cell in source.cells
        if "nbgrader" in cell.metadata
    )
    faults += [f"the grade id {name!r} stands {n} times" for name, n in ids.items() if n > 1]
    for cell in source.cells:
        grader = cell.metadata.get("nbgrader")
        where = f"the cell that begins with {cell.source.splitlines()[:1]}"
        if grader is not None and not grader.get("grade_id"):
            faults.append(f"{where} has no grade id")
        if BEGIN in cell.source and not (grader or {}).get("solution"):
            faults.append(f"{where} holds a solution but is not marked as an answer")
        marker = re.search(r"^# (answer|check): (\w+)$", cell.source, re.MULTILINE)
        if marker and (grader or {}).get("grade_id") != marker.group(2):
            faults.append(f"{where} has another grade id than its first line says")
        graded = (grader or {}).get("solution") or (grader or {}).get("grade")
        if cell.cell_type == "code" and graded and not marker:
            faults.append(f"{where} needs a first line '# answer: <grade id>' (or check)")
    return faults


def _faults_of_student(student: NotebookNode, source: NotebookNode) -> list[str]:
    faults = []
    text = "\n".join(cell.source for cell in student.cells)
    lines = {line.strip() for line in text.splitlines()}
    for cell in source.cells:
        faults += [f"leaks the answer {line!r}" for line in _secrets(cell.source) if line in lines]
        secret = TEACHER in cell.metadata.get("tags", []) and cell.source.strip()
        if secret and secret in text:
            faults.append(f"holds the teacher's cell {cell.get('id')!r}")
    if BEGIN in text or END in text:
        faults.append("holds the mark of a solution")
    faults += [f"still holds {mark}" for mark in re.findall(r"\{\{ \w+ \}\}", text)]
    for cell in student.cells:
        if cell.cell_type != "code":
            continue
        if cell.outputs:
            faults.append(f"the cell {cell.id!r} holds outputs")
        try:
            ast.parse(TransformerManager().transform_cell(cell.source))
        except SyntaxError as error:
            faults.append(f"the cell {cell.id!r} does not parse: {error.msg} in {error.text!r}")
    return faults


def _secrets(source: str) -> list[str]:
    """The telling lines between the marks of a solution."""
    regions = re.findall(rf"{BEGIN}\n(.*?){END}", source, re.DOTALL)
    lines = [line.strip() for region in regions for line in region.splitlines()]
    return [line for line in lines if len(line) >= _SHORTEST_SECRET]
