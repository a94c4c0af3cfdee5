"""The pictures: CIFAR-10 from wherever it can be had, or the practice pictures.

CIFAR-10 was collected by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton (Krizhevsky 2009,
"Learning Multiple Layers of Features from Tiny Images").
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_utils import download, practice

CLASS_NAMES = practice.CLASS_NAMES

# The published MD5 of each official file, in the official order.
_TRAIN_FILES = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
}
_TEST_FILES = {"test_batch": "40351d587109b95175f43aff81a1287e"}
FILES = {"train": _TRAIN_FILES, "test": _TEST_FILES}

# SHA-256 of each block of 10,000 pictures: pixels (n, 32, 32, 3), then labels, all uint8.
# They prove a download by its content, and put back in order a copy whose blocks are not.
CONTENT = {
    "train": [
        "8350d89ba6404c270d263d84bf037e74b0158eecac79f27405efcf23445a6997",
        "28d2d506ff2e052a3c902ac74931514d4c22d54b3f23622088bee441ab096cf0",
        "e56532de152c7a77fc2a722499682f2699ce5177bbfac2ed2e415096184fa1d9",
        "bb996a8ffff861dd5cca88c397fdfb884f0c482c5588bd32cea3dc7b648709bb",
        "efb6334c7c1f88ac69032959408d9eeccb983002e83119b66de7309d3d2c7915",
    ],
    "test": ["8193b3fbce55bec361cd1b8fd4880cb1649832dc4d6de6da1e7a21847a4843aa"],
}
TRAINING_PICTURES = {"cifar10": 50_000, "practice": practice.TRAIN}
ARCHIVE_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
ARCHIVE_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
PARQUET_URL = (
    "https://huggingface.co/datasets/uoft-cs/cifar10/resolve/main/"
    "plain_text/{part}-00000-of-00001.parquet"
)
PATIENCE = 900  # seconds that "auto" is ready to wait for one source

Part = tuple[np.ndarray, np.ndarray]
DAMAGES = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)  # of a stored file


class Pictures(NamedTuple):
    """All pictures with their labels.

    ``x_train`` (n, 32, 32, 3) and ``x_test`` are uint8; ``y_train`` (n,) and ``y_test`` are
    int64 class numbers; ``class_names`` gives the ten names in the order of the numbers.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]


class DataError(Exception):
    """Pictures that cannot be had or are damaged, with what to do about it."""


def load_cifar10(source: str = "auto") -> Pictures:
    """Load the training and the test pictures; print one line on where they come from.

    Parameters
    ----------
    source : str, default="auto"
        * ``"auto"``: the first of the sources below that has them, else practice pictures.
        * ``"cifar10"``: the first of the sources below, else an error.
        * ``"folder"``: the folder in the environment variable COURSE_DATA.
        * ``"cache"``: what an earlier download left on this computer.
        * ``"parquet"``: the data set uoft-cs/cifar10 on Hugging Face.
        * ``"mirror"``: the archive at the address in COURSE_MIRROR.
        * ``"original"``: the archive at the University of Toronto, which can be very slow.
        * ``"practice"``: drawn pictures; 6,000 for training and 2,000 for testing.

        COURSE_DATA=practice makes ``"auto"`` choose the practice pictures.

    Returns
    -------
    Pictures
        50,000 and 10,000 pictures of CIFAR-10 in the official order, or practice pictures.

    Raises
    ------
    DataError
        If the chosen source does not have the pictures, with the reason and a remedy.
    """
    _, parts = load_parts(source, ("train", "test"))
    return Pictures(*parts[0], *parts[1], CLASS_NAMES)


def load_test(source: str = "auto") -> tuple[np.ndarray, np.ndarray, str]:
    """Load the test pictures alone, which is a sixth of the download.

    Returns
    -------
    x_test : ndarray of shape (n, 32, 32, 3), uint8
    y_test : ndarray of shape (n,), int64
    kind : {"cifar10", "practice"}

    Raises
    ------
    DataError
        As for :func:`load_cifar10`.
    """
    kind, parts = load_parts(source, ("test",))
    return *parts[0], kind


def load_train(source: str = "auto") -> tuple[Part, str]:
    """Load the training pictures alone; the test pictures stay sealed.

    Returns
    -------
    (x_train, y_train) : tuple of ndarray
        (n, 32, 32, 3) uint8, and (n,) int64 class numbers.
    kind : {"cifar10", "practice"}

    Raises
    ------
    DataError
        As for :func:`load_cifar10`.
    """
    kind, parts = load_parts(source, ("train",))
    return parts[0], kind


def load_parts(source: str, wanted: tuple[str, ...]) -> tuple[str, list[Part]]:
    """Return ``"cifar10"`` or ``"practice"``, and the wanted parts: "train", "test", or both."""
    folder = os.environ.get("COURSE_DATA", "")
    if source == "auto" and folder == "practice":
        source = "practice"
    if held := _HELD.get(source):
        kind, words, parts = held
        if set(wanted) <= set(parts):
            print(words)
            return kind, [parts[part] for part in wanted]
    if source == "practice":
        return "practice", _load_practice(wanted)
    if source not in ("auto", "cifar10", *_SOURCES):
        known = ", ".join(["auto", "cifar10", *_SOURCES, "practice"])
        raise DataError(f"There is no source {source!r}. The sources are: {known}.")

    if source in _SOURCES:
        return "cifar10", _in_turn(_SOURCES[source](wanted, None), wanted)
    if folder and folder != "practice":  # asked for by name, so a fault in it is an error
        return "cifar10", _in_turn(_from_folder(wanted, None), wanted)
    problems = []
    online = None
    for name in ("cache", "parquet", "mirror", "original"):
        address = _address(name)
        if name != "cache" and not address:
            continue
        if address:
            if online is None:
                online = download.reachable([a for n in _SOURCES if (a := _address(n))])
            if address not in online:
                problems.append(f"{name}: no connection")
                continue
        try:
            patience = PATIENCE if source == "auto" else None
            return "cifar10", _in_turn(_SOURCES[name](wanted, patience), wanted)
        except DataError as problem:
            if name != "cache":
                print(f"The source {name!r} did not work: {problem}.")
            problems.append(f"{name}: {problem}")
        except KeyboardInterrupt:
            if source != "auto":
                raise
            print("You stopped the download. What has arrived is kept for next time.")
            break
    if source == "cifar10":
        raise DataError(
            "CIFAR-10 is not at hand (" + "; ".join(problems) + "). Set COURSE_DATA to a folder "
            "that holds cifar-10-batches-py, or connect to the internet."
        )
    print("The real photos cannot be loaded now. You can do everything with practice pictures.")
    return "practice", _load_practice(wanted)


_HELD: dict[str, tuple[str, str, dict[str, Part]]] = {}


def hold(source: str, wanted: tuple[str, ...]) -> str:
    """Load parts and keep them in memory, for a process in which many notebooks need them.

    Later calls with this source get the same arrays, which cannot be written to.

    Parameters
    ----------
    source : str
        As for :func:`load_cifar10`.
    wanted : tuple of str
        ``"train"``, ``"test"`` or both.

    Returns
    -------
    {"cifar10", "practice"}
    """
    _HELD.pop(source, None)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        kind, parts = load_parts(source, wanted)
    for arrays in parts:
        for array in arrays:
            array.flags.writeable = False
    _HELD[source] = kind, said.getvalue().strip(), dict(zip(wanted, parts, strict=True))
    return kind


# --- The sources -------------------------------------------------------------------------


def _from_folder(wanted: Iterable[str], patience: float | None) -> dict[str, Part]:
    place = os.environ.get("COURSE_DATA", "")
    if not place:
        raise DataError("COURSE_DATA is not set to a folder")
    folder = Path(place).expanduser()
    if (folder / "cifar-10-batches-py").is_dir():
        folder = folder / "cifar-10-batches-py"
    parts = {}
    for part in wanted:
        blocks = []
        for name, md5 in FILES[part].items():
            try:
                content = (folder / name).read_bytes()
            except OSError as error:
                raise DataError(
                    f"COURSE_DATA is {place}, but there is no file {name} in it. It has to be the "
                    "official folder cifar-10-batches-py, or the folder around it"
                ) from error
            if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
                raise DataError(
                    f"{folder / name} is damaged: its MD5 is not the published one. "
                    "Unpack the official archive again"
                )
            blocks.append(_unpickle(content))
        parts[part] = _join(blocks)
    print(f"Pictures: CIFAR-10 from the folder {folder}.")
    return parts


def _from_cache(wanted: Iterable[str], patience: float | None) -> dict[str, Part]:
    parts = {}
    for part in wanted:
        path = _place_of(part)
        try:
            parts[part] = _in_order(_read(path), part)
        except FileNotFoundError as error:
            raise DataError("nothing is stored yet") from error
        except OSError as error:  # nobody's fault in the file: another user's rights, say
            raise DataError("the stored file cannot be read") from error
        except (*DAMAGES, DataError) as error:
            aside = path.with_suffix(".damaged")
            with contextlib.suppress(OSError):
                path.replace(aside)
                print(f"A stored file was damaged. It is put aside as {aside.name}.")
            raise DataError("the stored file was damaged") from error
    print("Pictures: CIFAR-10, stored on this computer.")
    return parts


def _from_parquet(wanted: Iterable[str], patience: float | None) -> dict[str, Part]:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise DataError("it needs the package pyarrow") from error
    from PIL import Image

    parts = {}
    for part in wanted:
        with contextlib.suppress(*DAMAGES, DataError):
            parts[part] = _in_order(_read(_place_of(part)), part)
            continue

        def read(path: Path, part: str = part) -> dict[str, Part]:
            table = pyarrow.parquet.read_table(path)
            column = next(name for name in ("img", "image") if name in table.column_names)
            encoded = (cell["bytes"] for cell in table.column(column).to_pylist())
            pixels = np.stack(
                [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in encoded]
            )
            labels = np.asarray(table.column("label").to_pylist(), np.int64)
            return {part: _in_order((pixels, labels), part)}

        url = PARQUET_URL.format(part=part)
        parts |= _fetch(url, f"cifar10-{part}.parquet", (part,), read, patience)
    print("Pictures: CIFAR-10 from Hugging Face (uoft-cs/cifar10).")
    return parts


def _from_archive(url: str, wanted: Iterable[str], patience: float | None) -> dict[str, Part]:
    def read(path: Path) -> dict[str, Part]:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != ARCHIVE_SHA256:
                raise DataError("the archive is not the official one")
        parts = {}
        with tarfile.open(path) as archive:
            for part, files in FILES.items():
                blocks = [
                    _unpickle(archive.extractfile(f"cifar-10-batches-py/{name}").read())
                    for name in files
                ]
                parts[part] = _join(blocks)
        return parts

    parts = _fetch(url, "cifar-10-python.tar.gz", wanted, read, patience)
    print(f"Pictures: CIFAR-10 from {url}.")
    return parts


def _from_mirror(wanted: Iterable[str], patience: float | None) -> dict[str, Part]:
    url = os.environ.get("COURSE_MIRROR", "")
    if not url:
        raise DataError("COURSE_MIRROR is not set to an address")
    return _from_archive(url, wanted, patience)


def _from_original(wanted: Iterable[str], patience: float | None) -> dict[str, Part]:
    return _from_archive(ARCHIVE_URL, wanted, patience)


_SOURCES: dict[str, Callable] = {
    "folder": _from_folder,
    "cache": _from_cache,
    "parquet": _from_parquet,
    "mirror": _from_mirror,
    "original": _from_original,
}


def _address(source: str) -> str:
    """The address that a source downloads from; empty if it does not."""
    return {
        "parquet": PARQUET_URL,
        "mirror": os.environ.get("COURSE_MIRROR", ""),
        "original": ARCHIVE_URL,
    }.get(source, "")


def _fetch(
    url: str,
    name: str,
    wanted: Iterable[str],
    read: Callable[[Path], dict[str, Part]],
    patience: float | None,
) -> dict[str, Part]:
    """Download, check and store; a file with wrong content is fetched once more, then refused."""
    target = cache_folder() / "downloads" / name
    if download.wait_for_another(target):
        with contextlib.suppress(*DAMAGES, DataError):
            return {part: _in_order(_read(_place_of(part)), part) for part in wanted}
    for attempt in (1, 2):
        try:
            path = target if target.exists() else _download(url, target, patience)
        except download.DownloadError as problem:
            raise DataError(str(problem)) from problem
        try:
            parts = read(path)
        except Exception as error:  # a wrong byte can surface as nearly any error
            target.unlink(missing_ok=True)
            if attempt == 2:
                raise DataError("what arrived is damaged, twice") from error
            print("What arrived is damaged. Trying once more.")
            continue
        for part, arrays in parts.items():
            _store(part, arrays)
        target.unlink(missing_ok=True)
        return parts
    raise AssertionError("unreachable")


def _download(url: str, target: Path, patience: float | None) -> Path:
    return download.download(url, target, "CIFAR-10", patience)


# --- The store ---------------------------------------------------------------------------


def cache_folder() -> Path:
    """Return the folder for downloaded pictures: COURSE_CACHE, or the system's own place."""
    if chosen := os.environ.get("COURSE_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "course_utils"


def _store(part: str, arrays: Part, stem: str = "cifar10") -> None:
    """Put a part into the cache whole, or not at all."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(suffix=".npz", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, x=arrays[0], y=arrays[1].astype(np.uint8))
            Path(temporary).chmod(0o644)  # a teacher may fill a folder for a whole class
            os.replace(temporary, _place_of(part, stem))
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError:
        return  # a full or read-only disk costs the next start some time, nothing else


def _place_of(part: str, stem: str = "cifar10") -> Path:
    return cache_folder() / f"{stem}-{part}.npz"


def _read(path: Path) -> Part:
    with np.load(path) as stored:
        return stored["x"], stored["y"].astype(np.int64)


def _load_practice(wanted: Iterable[str]) -> list[Part]:
    """Practice pictures, from the store if this version of the drawing code left them there."""
    version = hashlib.sha256(Path(practice.__file__).read_bytes()).hexdigest()[:10]
    parts = []
    for part in wanted:
        count, seed = {"train": (practice.TRAIN, 1), "test": (practice.TEST, 2)}[part]
        try:
            arrays = _read(_place_of(part, f"practice-{version}"))
            if arrays[0].shape != (count, practice.SIZE, practice.SIZE, 3):
                raise ValueError("another number of pictures")
        except DAMAGES:
            arrays = practice.draw_pictures(count, seed)
            _store(part, arrays, f"practice-{version}")
        parts.append(arrays)
    print("Pictures: practice pictures, drawn by the course.")
    return parts


# --- Content -----------------------------------------------------------------------------


def _unpickle(content: bytes) -> Part:
    """Read one official file. Only called once its hash is known to be right."""
    batch = pickle.loads(content, encoding="bytes")
    pixels = batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pixels), np.asarray(batch[b"labels"], np.int64)


def _join(blocks: list[Part]) -> Part:
    pixels, labels = zip(*blocks, strict=True)
    return np.concatenate(pixels), np.concatenate(labels)


def _in_order(arrays: Part, part: str) -> Part:
    """Return a part with its blocks in the official order, proven by their content."""
    pixels, labels = arrays
    wanted = CONTENT[part]
    size = len(labels) // len(wanted)
    blocks = {}
    for start in range(0, size * len(wanted), size):
        block = pixels[start : start + size], labels[start : start + size]
        blocks[content_hash(*block)] = block
    if set(blocks) != set(wanted) or len(labels) != size * len(wanted):
        raise DataError("the pictures are not those of CIFAR-10")
    pixels, labels = _join([blocks[digest] for digest in wanted])
    return pixels, labels.astype(np.int64)


def content_hash(pixels: np.ndarray, labels: np.ndarray) -> str:
    """Return the SHA-256 of pixels and labels as bytes."""
    digest = hashlib.sha256(np.ascontiguousarray(pixels, np.uint8))
    digest.update(np.ascontiguousarray(labels, np.uint8))
    return digest.hexdigest()


def _in_turn(parts: dict[str, Part], wanted: Iterable[str]) -> list[Part]:
    return [parts[part] for part in wanted]
