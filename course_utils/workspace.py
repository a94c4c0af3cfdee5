"""The folder in which a student's work waits for the next stage.

One file for each thing that is kept. A file is written beside its place and then moved there,
so that it is whole or absent. A file that cannot be read is put aside under another name and
never loaded.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import models

STRESS_ITEMS = ("stress_baseline", "stress_cutmix", "stress_smoothing", "stress_both")
# What can be kept, and in which form.
ITEMS = {
    "guess": ".json",
    "guess_reason": ".json",
    "piles": ".npz",
    "network": ".keras",
    "model": ".keras",
    "history": ".json",
    "openings": ".json",
    "score": ".json",
    "predictions": ".npz",
    "val_predictions": ".npz",
    "findings": ".json",
    "improved": ".keras",
    "improved_history": ".json",
    "improved_predictions": ".npz",
    "improvement": ".json",
    "photos": ".json",
    "threshold": ".json",
    "limitation": ".json",
    # What four trainings of the stress test answer, if the student ran them.
    **dict.fromkeys(STRESS_ITEMS, ".npz"),
    "done": ".json",  # the stages whose checks all gave full points
}
# These were made from certain pictures, and say nothing about others.
_BOUND = {"piles", "model", "history", "openings", "score", "predictions", "findings"}
_BOUND |= {"val_predictions"}
_BOUND |= {"improved", "improved_history", "improved_predictions", "improvement", *STRESS_ITEMS}
BUNDLE = "my_workspace.zip"
_MOST_BYTES = 50_000_000  # of one file in a bundle


def find_folder() -> Path:
    """Return the workspace folder, which may not exist yet.

    COURSE_WORKSPACE, if it is set; else ``workspace`` in the notebook's folder or in the folder
    around it, where all stages find it. In grading always in the notebook's own folder.
    """
    if chosen := os.environ.get("COURSE_WORKSPACE"):
        return Path(chosen).expanduser()
    here = Path.cwd()
    beside, around = here / "workspace", here.parent / "workspace"
    if os.environ.get("NBGRADER_EXECUTION") or beside.is_dir():
        return beside
    return around if here.name.startswith("stage_") or around.is_dir() else beside


class Workspace:
    """Reads and writes what a student keeps.

    Parameters
    ----------
    folder : Path
    pictures : str, optional
        ``"cifar10"`` or ``"practice"``: the pictures in use. Work on others is left alone.
    models : bool, default=True
        Whether networks may be built and loaded. A grader that only wants to know the recorded
        answers does without, and without TensorFlow.
    """

    def __init__(self, folder: Path, pictures: str | None = None, models: bool = True):
        self.folder = folder
        self.pictures = pictures
        self.models = models
        self.notes: list[str] = []  # what the student should hear about damaged files

    def path(self, name: str) -> Path:
        """Return where an item lies."""
        return self.folder / f"{name}{ITEMS[name]}"

    def write(self, name: str, value: Any) -> None:
        """Keep an item.

        Parameters
        ----------
        name : str
            One of :data:`ITEMS`.
        value : object
            Plain JSON data, arrays (for ``.npz``) or a Keras model (for ``.keras``).

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        place = self.path(name)
        beside = place.with_name(f".new_{place.name}")
        try:
            _WRITERS[place.suffix](beside, value, self.pictures or "")
            os.replace(beside, place)
        finally:
            beside.unlink(missing_ok=True)

    def read(self, name: str) -> Any | None:
        """Return an item, or None if it is absent, damaged, or about other pictures."""
        place = self.path(name)
        if not place.is_file():
            return None
        try:
            value, pictures = _READERS[place.suffix](place)
        except Exception as error:  # a damaged file can fail in any way
            self._put_aside(place, error)
            return None
        if name in _BOUND and pictures and self.pictures and pictures != self.pictures:
            return None
        return value

    def _put_aside(self, place: Path, error: Exception) -> None:
        aside = place.with_name(f"damaged_{place.name}")
        with contextlib.suppress(OSError):
            os.replace(place, aside)
        self.notes.append(
            f"The file {place.name} in your workspace cannot be read ({type(error).__name__}). It "
            f"is put aside as {aside.name}, and the course's own takes its place."
        )

    def pack(self) -> bytes:
        """Return all kept files as one zip file."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name in ITEMS:
                if self.path(name).is_file():
                    bundle.write(self.path(name), self.path(name).name)
        return buffer.getvalue()

    def unpack(self, content: bytes) -> list[str]:
        """Bring back what :meth:`pack` returned; return the names of the items.

        Raises
        ------
        ValueError
            If the file is not such a bundle, with a sentence. Nothing has changed then.
        """
        files = {self.path(name).name: name for name in ITEMS}
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as bundle:
                found = [entry for entry in bundle.infolist() if entry.filename in files]
                if any(entry.file_size > _MOST_BYTES for entry in found):
                    raise ValueError("too large")
                contents = {entry.filename: bundle.read(entry) for entry in found}
        except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
            raise ValueError(
                f"This file cannot be read as {BUNDLE} ({error}). Choose the file that "
                "cu.download_work() gave you."
            ) from error
        if not contents:
            raise ValueError(f"This zip file holds no work of this course. Choose {BUNDLE}.")
        self.folder.mkdir(parents=True, exist_ok=True)
        for file_name, data in contents.items():
            beside = self.folder / f".new_{file_name}"
            beside.write_bytes(data)
            os.replace(beside, self.folder / file_name)
        return [files[file_name] for file_name in contents]


# --- Each form of file ---------------------------------------------------------------------


def _write_json(path: Path, value: Any, pictures: str) -> None:
    text = json.dumps({"version": 1, "pictures": pictures, "value": value}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def _read_json(path: Path) -> tuple[Any, str]:
    stored = json.loads(path.read_text(encoding="utf-8"))
    return stored["value"], str(stored.get("pictures", ""))


def _write_arrays(path: Path, value: Any, pictures: str) -> None:
    arrays = value if isinstance(value, tuple) else (value,)
    with path.open("wb") as file:
        np.savez_compressed(file, *arrays, pictures=np.array(pictures))


def _read_arrays(path: Path) -> tuple[Any, str]:
    with np.load(path, allow_pickle=False) as stored:
        arrays = [stored[name] for name in sorted(stored.files) if name.startswith("arr_")]
        pictures = str(stored["pictures"]) if "pictures" in stored.files else ""
    if not arrays:
        raise ValueError("it holds no arrays")
    return (tuple(arrays) if len(arrays) > 1 else arrays[0]), pictures


def _write_model(path: Path, model: Any, pictures: str) -> None:
    bare = models.copy_of(model)  # without the optimizer, which is twice the size
    bare.set_weights(model.get_weights())
    whole = path.with_suffix(".keras")
    bare.save(whole)
    with zipfile.ZipFile(whole, "a") as archive:
        archive.comment = pictures.encode()


def _read_model(path: Path) -> tuple[Any, str]:
    with zipfile.ZipFile(path) as archive:
        if archive.testzip() is not None:
            raise zipfile.BadZipFile("damaged")
        pictures = archive.comment.decode(errors="replace")
    return models.open_model(path), pictures


_WRITERS = {".json": _write_json, ".npz": _write_arrays, ".keras": _write_model}
_READERS = {".json": _read_json, ".npz": _read_arrays, ".keras": _read_model}
