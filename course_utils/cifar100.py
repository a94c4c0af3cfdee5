"""The pictures of the stress test: CIFAR-100, or the practice pictures with their ten classes.

CIFAR-100 was collected by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton (Krizhevsky 2009,
"Learning Multiple Layers of Features from Tiny Images"). It is downloaded when it is asked for
and never shipped.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import tarfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_utils import data, download

ARCHIVE_URL = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
ARCHIVE_SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
FOLDER = "cifar-100-python"
# The published MD5 of each official file.
FILES = {
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
}
VALIDATION_SHARE = 0.1
_STORE = "cifar100.npz"


class Stress(NamedTuple):
    """Three piles of pictures with their labels.

    ``x_…`` (n, 32, 32, 3) uint8; ``y_…`` (n,) int64 class numbers; ``kind`` is "cifar100" or
    "practice".
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    kind: str


class _All(NamedTuple):
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]


def load_stress(source: str = "auto", full: bool = False) -> Stress:
    """Load the pictures of the stress test; print one line on where they come from.

    Parameters
    ----------
    source : str, default="auto"
        * ``"auto"``: the first of the sources below that has them, else practice pictures.
        * ``"cifar100"``: the first of the sources below, else an error.
        * ``"folder"``: the folder in COURSE_DATA: with ``cifar-100-python`` in it, or a file
          ``cifar-100.npz``.
        * ``"cache"``: what an earlier download left on this computer.
        * ``"original"``: the archive at the University of Toronto, 169 MB.
        * ``"practice"``: drawn pictures of ten classes.
    full : bool, default=False
        All pictures: of CIFAR-100, 45,000 for training and 5,000 for validation. Else the few
        that the course's own models have learned from: 9,000 and 1,000.

    Returns
    -------
    Stress

    Raises
    ------
    data.DataError
        If the chosen source does not have the pictures, with the reason and a remedy.
    """
    if source == "auto" and os.environ.get("COURSE_DATA") == "practice":
        source = "practice"
    whole = None if source == "practice" else _find(source)
    if whole is None:
        return _practice(full)
    if full:
        validation = _tenth(whole.y_train)
        training = np.setdiff1d(np.arange(len(whole.y_train)), validation)
    else:
        training, validation = _few(whole)
    return Stress(
        whole.x_train[training],
        whole.y_train[training],
        whole.x_train[validation],
        whole.y_train[validation],
        *whole[2:],
        "cifar100",
    )


def fingerprints(pictures: np.ndarray) -> np.ndarray:
    """Return a number for each picture's pixels, by which it is found in any order.

    Parameters
    ----------
    pictures : ndarray of shape (n, h, w, 3), uint8

    Returns
    -------
    ndarray of shape (n,), uint64
    """
    digests = b"".join(hashlib.blake2b(p.tobytes(), digest_size=8).digest() for p in pictures)
    return np.frombuffer(digests, "<u8")


def places_of(wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return where each wanted fingerprint stands among the known ones; -1 if nowhere."""
    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known, wanted, sorter=order).clip(max=len(known) - 1)
    return np.where(known[order[place]] == wanted, order[place], -1)


# --- Which pictures ----------------------------------------------------------------------


def _few(whole: _All) -> tuple[np.ndarray, np.ndarray]:
    """The pictures that the shipped models have learned from, and those held out then."""
    from course_utils import stress

    known = stress.training_fingerprints()
    if known is not None:
        places = places_of(_apart(known), _apart(fingerprints(whole.x_train)))
        if (places >= 0).mean() > 0.99:
            places = np.where(places >= 0, places, places.max())
            return places[: stress.FEW], places[stress.FEW :]
    first = first_of_each(whole.y_train, 100)
    return first[: stress.FEW], first[stress.FEW :]


def _apart(prints: np.ndarray) -> np.ndarray:
    """Make equal fingerprints differ: the same picture is there once as girl, once as baby."""
    order = np.argsort(prints, kind="stable")
    again = np.empty_like(prints)
    again[order] = np.arange(len(prints)) - np.searchsorted(prints[order], prints[order])
    return prints + again


def first_of_each(labels: np.ndarray, count: int) -> np.ndarray:
    """Return the numbers of the first pictures of each class, the classes in turn."""
    each = [np.flatnonzero(labels == label)[:count] for label in np.unique(labels)]
    return np.stack(each, axis=1).ravel()


def _tenth(labels: np.ndarray, seed: int = 42) -> np.ndarray:
    """A tenth of each class at random, for validation."""
    rng = np.random.default_rng(seed)
    each = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return np.sort(np.concatenate([numbers[: len(numbers) // 10] for numbers in each]))


def _practice(full: bool) -> Stress:
    pictures = data.load_cifar10("practice")
    count = len(pictures.y_train)
    training, held_out = (count - count // 10, count // 10) if full else (2_000, 500)
    rest = slice(training, training + held_out)
    return Stress(
        pictures.x_train[:training],
        pictures.y_train[:training],
        pictures.x_train[rest],
        pictures.y_train[rest],
        pictures.x_test,
        pictures.y_test,
        pictures.class_names,
        "practice",
    )


# --- The sources -------------------------------------------------------------------------


def _find(source: str) -> _All | None:
    sources = {"folder": _from_folder, "cache": _from_cache, "original": _from_original}
    if source not in ("auto", "cifar100", *sources):
        known = ", ".join(["auto", "cifar100", *sources, "practice"])
        raise data.DataError(f"There is no source {source!r}. The sources are: {known}.")
    if source in sources:
        return sources[source]()
    problems = []
    for name, bring in sources.items():
        try:
            return bring()
        except data.DataError as problem:
            problems.append(f"{name}: {problem}")
        except KeyboardInterrupt:
            if source != "auto":
                raise
            print("You stopped the download. What has arrived is kept for next time.")
            break
    if source == "cifar100":
        raise data.DataError(
            "CIFAR-100 is not at hand (" + "; ".join(problems) + "). Connect to the internet, or "
            f"set COURSE_DATA to a folder that holds {FOLDER}."
        )
    print("CIFAR-100 cannot be loaded now. You can do everything with practice pictures.")
    return None


def _from_folder() -> _All:
    place = os.environ.get("COURSE_DATA", "")
    if not place or place == "practice":
        raise data.DataError("COURSE_DATA is not set to a folder")
    folder = Path(place).expanduser()
    if (folder / "cifar-100.npz").is_file():
        found = _read(folder / "cifar-100.npz")
    elif (folder / FOLDER).is_dir():
        found = _unpickle({name: (folder / FOLDER / name) for name in FILES})
    else:
        raise data.DataError(f"there is no {FOLDER} in {place}")
    print(f"Pictures: CIFAR-100 from the folder {folder}.")
    return found


def _from_cache() -> _All:
    path = data.cache_folder() / _STORE
    if not path.is_file():
        raise data.DataError("nothing is stored yet")
    try:
        found = _read(path)
    except data.DataError:
        aside = path.with_suffix(".damaged")
        with contextlib.suppress(OSError):
            path.replace(aside)
            print(f"A stored file was damaged. It is put aside as {aside.name}.")
        raise
    print("Pictures: CIFAR-100, stored on this computer.")
    return found


def _from_original() -> _All:
    url = os.environ.get("COURSE_MIRROR_100") or ARCHIVE_URL
    if url not in download.reachable([url]):
        raise data.DataError("no connection")
    target = data.cache_folder() / "downloads" / "cifar-100-python.tar.gz"
    download.wait_for_another(target)
    if (data.cache_folder() / _STORE).is_file():
        return _from_cache()
    try:
        path = (
            target
            if target.exists()
            else download.download(url, target, "CIFAR-100", data.PATIENCE)
        )
    except download.DownloadError as problem:
        raise data.DataError(str(problem)) from problem
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != ARCHIVE_SHA256:
        path.unlink()
        raise data.DataError("what arrived is not the official archive. Run the cell once more")
    with tarfile.open(path) as archive:
        found = _unpickle({name: archive.extractfile(f"{FOLDER}/{name}") for name in FILES})
    _write(found)
    path.unlink(missing_ok=True)
    print(f"Pictures: CIFAR-100 from {url}.")
    return found


def _unpickle(files: dict) -> _All:
    """Read the official files, once their content is proven by the published MD5."""
    parts = {}
    for name, md5 in FILES.items():
        try:
            file = files[name]
            content = file.read_bytes() if isinstance(file, Path) else file.read()
        except OSError as error:
            raise data.DataError(f"the file {name} of {FOLDER} is missing") from error
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
            raise data.DataError(f"the file {name} is damaged: unpack the archive again")
        parts[name] = pickle.loads(content, encoding="bytes")

    def pile(name: str) -> tuple[np.ndarray, np.ndarray]:
        pixels = parts[name][b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(pixels), np.asarray(parts[name][b"fine_labels"], np.int64)

    names = tuple(name.decode() for name in parts["meta"][b"fine_label_names"])
    return _All(*pile("train"), *pile("test"), names)


def _read(path: Path) -> _All:
    try:
        with np.load(path) as stored:
            found = _All(
                stored["x_train"],
                stored["y_train"].astype(np.int64),
                stored["x_test"],
                stored["y_test"].astype(np.int64),
                tuple(map(str, stored["class_names"])),
            )
    except (*data.DAMAGES, zlib.error) as error:
        raise data.DataError(f"{path.name} cannot be read") from error
    for x, y in (found[:2], found[2:4]):
        if x.shape != (len(y), 32, 32, 3) or x.dtype != np.uint8 or not len(y):
            raise data.DataError(f"{path.name} does not hold pictures of 32 by 32 pixels")
    if max(found.y_train.max(), found.y_test.max()) >= len(found.class_names):
        raise data.DataError(f"{path.name} holds labels that have no name")
    return found


def _write(found: _All) -> None:
    """Put the pictures into the cache whole, or not at all."""
    target = data.cache_folder() / _STORE
    part = target.with_suffix(".part.npz")
    with contextlib.suppress(OSError):
        np.savez(part, **found._asdict())
        part.replace(target)
