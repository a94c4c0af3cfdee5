"""Who else looked at the same pictures: people's votes, raters, or other models.

Three kinds of witnesses, from strong to weak:

* **People's votes.** CIFAR-10H (Peterson, Battleday, Griffiths and Russakovsky 2019, "Human
  uncertainty makes classification more robust", arXiv:1908.07086): about 51 people chose one of
  the ten classes for each of the 10,000 test pictures of CIFAR-10. Its license, CC BY-NC-SA 4.0,
  forbids to earn money with it, so the course does not ship it. It can be downloaded.
* **Raters.** Labels that an algorithm suspected were shown to five people each, who chose between
  the label, the algorithm's guess, both and neither (Northcutt, Athalye and Mueller 2021,
  "Pervasive label errors in test sets destabilize machine learning benchmarks",
  arXiv:2103.14749; Apache-2.0). 275 test pictures of CIFAR-10 and 2,235 of CIFAR-100. A picture
  that is not among them was not suspected; that says nothing for its label.
* **Other models.** Each gives one vote to the class it finds most likely. Always at hand, and
  weaker: models learn from labels of the same kind and share mistakes. ``verdict`` has numbers.

Files are looked for in the folder COURSE_DATA (or ``people`` in it), in the store of downloaded
pictures, and at the address of a folder in COURSE_PEOPLE or else at their authors' repositories.
They are known by their content. Nothing is downloaded while a notebook is graded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_utils import album, data, download, models

# The fingerprint (album.pictures_hash) of the 10,000 test pictures in the official order.
CIFAR10_TEST = "f9b1e2130bab680d"
LENT = ("small", "baseline", "improved")  # the course's trained networks
_UNSURE = 0.99  # two models differ, if anywhere, where they are less sure than this


class Votes(NamedTuple):
    """Who voted for which class.

    Attributes
    ----------
    shares : ndarray of shape (n, k), float64
        Rows sum to one, or to zero where nobody voted.
    source : {"people", "models"}
    words : str
        One sentence on where the votes come from, and how strong they are.
    voters : ndarray of shape (n,), int64, optional
        How many voted on each picture.
    """

    shares: np.ndarray
    source: str
    words: str
    voters: np.ndarray | None = None


class Raters(NamedTuple):
    """How the raters of one picture judged its label.

    ``given``, ``guessed``, ``both`` and ``neither`` count them; ``given_class`` is the label,
    ``guessed_class`` what an algorithm thought it should be.
    """

    given: int
    guessed: int
    neither: int
    both: int
    given_class: int
    guessed_class: int


def votes(
    x_test: np.ndarray | None,
    answers: Mapping[str, np.ndarray] | Iterable[np.ndarray] | None = None,
    download: bool = False,
    judged: np.ndarray | None = None,
) -> Votes:
    """Return people's votes on these pictures if they can be had, else those of models.

    Parameters
    ----------
    x_test : ndarray of shape (n, h, w, 3), uint8, or None
        People voted on the test pictures of CIFAR-10, all of them, in their order. The course's
        own three models know these and the practice pictures.
    answers : arrays of shape (n, k), optional
        Probabilities from further models, in a list or in a dict. They vote if people did not.
    download : bool, default=False
        Whether to download people's votes where they are not on this computer.
    judged : ndarray of shape (n, k), optional
        What the model in question answers. A voter that is this very model is left out, since
        nobody is a witness in their own case.

    Returns
    -------
    Votes

    Raises
    ------
    ValueError
        If nobody voted: no people, and no other model; or if shapes do not fit.
    """
    if x_test is not None and np.ndim(x_test) != 4:
        raise ValueError(
            f"x_test must be a pile of pictures of shape (n, height, width, 3). "
            f"Yours has the shape {np.shape(x_test)}."
        )
    if x_test is not None and is_cifar10_test(x_test):
        try:
            counts = load_people("auto" if download and not models.in_grading() else "local")
            return count_votes(counts)
        except data.DataError:
            more = "" if download else " votes(x_test, download=True) would get them."
            print(f"People's votes are not at hand, so other models vote.{more}")
    voters = _arrays(answers, None if x_test is None else len(x_test))
    if x_test is not None:
        voters = [*_lent(x_test), *voters]
    if judged is not None:
        judged = np.asarray(judged)
        voters = [voter for voter in voters if not _same_model(voter, judged)]
    if not voters:
        raise ValueError(
            "Nobody has voted on these pictures. Give the answers of other models for them: "
            "votes(x_test, answers=[...])."
        )
    if len({voter.shape for voter in voters}) > 1:
        shapes = sorted({voter.shape for voter in voters})
        raise ValueError(f"All answers must be of the same pictures and classes, not {shapes}.")
    classes = voters[0].shape[1]
    chosen = np.stack([voter.argmax(axis=1) for voter in voters])
    return count_votes((chosen[:, :, None] == np.arange(classes)).sum(axis=0), "models")


def count_votes(counts: np.ndarray, source: str = "people") -> Votes:
    """Turn a table of how many voted for each class into :class:`Votes`.

    Parameters
    ----------
    counts : ndarray of shape (n, k)
        A row of zeros says that nobody voted on that picture.
    source : {"people", "models"}, default="people"

    Raises
    ------
    ValueError
        If it is not a table of numbers from zero up, or the source is not one of the two.
    """
    if source not in ("people", "models"):
        raise ValueError(f"Votes come from 'people' or from 'models', not from {source!r}.")
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[1] < 2 or counts.dtype.kind not in "iufb":
        raise ValueError(
            f"Votes must be a table with a row for each picture and a column for each of two or "
            f"more classes. Yours has the shape {counts.shape}."
        )
    counts = counts.astype(np.float64)
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise ValueError("Votes must be numbers from zero up. Yours has others in it.")
    totals = counts.sum(axis=1)
    voted = totals > 0
    shares = np.divide(counts, totals[:, None], out=np.zeros_like(counts), where=voted[:, None])
    voters = np.rint(totals).astype(np.int64) if np.array_equal(counts, np.rint(counts)) else None
    crowd = f"{np.median(voters[voted]):.0f} " if voters is not None and voted.any() else ""
    if source == "people":
        about = f"About {crowd}people" if crowd else "People"
        words = f"{about} looked at each picture and chose a class: strong evidence."
    else:
        others = "1 other model" if crowd == "1 " else f"{crowd}other models"
        words = (
            f"No people voted here, only {others}: weaker evidence, "
            "since models can share mistakes."
        )
    return Votes(shares, source, words, voters)


def is_cifar10_test(x_test: np.ndarray) -> bool:
    """Whether these are the 10,000 test pictures of CIFAR-10, in the official order.

    Known by their pixels, so that votes are never read beside other pictures.
    """
    x_test = np.asarray(x_test)
    fits = x_test.dtype == np.uint8 and x_test.shape == (10_000, 32, 32, 3)
    return fits and album.pictures_hash(x_test) == CIFAR10_TEST


def load_people(source: str = "auto") -> np.ndarray:
    """Return how many people chose each class for each test picture of CIFAR-10.

    Parameters
    ----------
    source : {"auto", "local", "folder", "cache", "download"}, default="auto"
        * ``"folder"``: COURSE_DATA, with ``people/cifar10h-counts.npy`` or the file itself.
        * ``"cache"``: what an earlier download left on this computer.
        * ``"download"``: the folder at the address in COURSE_PEOPLE, else the authors' copy.
        * ``"local"``: the first two, ``"auto"``: all three in turn.

    Returns
    -------
    ndarray of shape (10000, 10), int64
        In the official order; rows sum to 47 to 63.

    Raises
    ------
    course_utils.data.DataError
        If the votes cannot be had, with the reason and a remedy.
    """
    return _load(_FILES["people"], source)


def load_raters(pictures: str = "cifar10", source: str = "auto") -> dict[int, Raters]:
    """Return the raters' judgements of suspected labels, by number of the test picture.

    Parameters
    ----------
    pictures : {"cifar10", "cifar100"}, default="cifar10"
    source : str, default="auto"
        As for :func:`load_people`.

    Raises
    ------
    ValueError
        If there are no raters for such pictures.
    course_utils.data.DataError
        If the judgements cannot be had, with the reason and a remedy.
    """
    if pictures not in ("cifar10", "cifar100"):
        raise ValueError(f"There are raters for 'cifar10' and 'cifar100', not for {pictures!r}.")
    table = _load(_FILES[pictures], source)
    return {
        number: Raters(given, guessed, neither, both, given_class, guessed_class)
        for number, given_class, guessed_class, given, guessed, neither, both in table.tolist()
    }


# --- Models that vote ----------------------------------------------------------------------


def _lent(x_test: np.ndarray) -> list[np.ndarray]:
    """What the course's models answered for these pictures, if they know them."""
    for kind in ("cifar10", "practice"):
        first = models.checkpoint_answers(kind, x_test, LENT[0])
        if first is not None:
            others = [models.checkpoint_answers(kind, x_test, network) for network in LENT[1:]]
            return [first, *(answers for answers in others if answers is not None)]
    return []


def _arrays(answers: Any, count: int | None) -> list[np.ndarray]:
    """The answers as a list of tables (n, k), in whatever they came."""
    if answers is None:
        return []
    if isinstance(answers, Mapping):
        answers = answers.values()
    elif isinstance(answers, np.ndarray) and answers.ndim == 2:
        answers = [answers]
    tables = [np.asarray(table) for table in answers]
    for table in tables:
        if table.ndim != 2 or table.shape[1] < 2 or count not in (None, len(table)):
            wanted = "one row for each picture" if count is None else f"{count} rows"
            raise ValueError(
                f"The answers of a model must be a table with {wanted} and a column for each "
                f"class. One has the shape {table.shape}."
            )
        if table.dtype.kind not in "iufb" or not np.isfinite(table).all():
            raise ValueError("The answers of a model must be numbers. Some of these are not.")
    return tables


def _same_model(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two tables of answers come from one model.

    All models agree on easy pictures, so that only the others are compared. Recorded answers are
    rounded, and another machine calculates a little differently: a few may differ.
    """
    if one.shape != other.shape:
        return False
    unsure = np.minimum(one.max(axis=1), other.max(axis=1)) < _UNSURE
    if not unsure.any():
        return np.array_equal(one.argmax(axis=1), other.argmax(axis=1))
    one, other = one[unsure], other[unsure]
    close = np.abs(one.max(axis=1) - other.max(axis=1)) < 0.02
    return bool(np.mean(close & (one.argmax(axis=1) == other.argmax(axis=1))) > 0.95)


# --- The files -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _File:
    """One published table: where it is, what it is, and how it is read."""

    name: str
    url: str
    digest: str  # of the table, see _digest: the same numbers in another file are as good
    read: Callable[[Path], np.ndarray]
    credit: str
    notice: str


def _read_counts(path: Path) -> np.ndarray:
    return np.load(path, allow_pickle=False)


def _read_raters(path: Path) -> np.ndarray:
    """One row for each suspected label: number, label, guess, and how many chose what."""
    rows = json.loads(path.read_bytes())
    kinds = ("given", "guessed", "neither", "both")
    return np.array(
        [
            [
                *(row[name] for name in ("id", "given_original_label", "our_guessed_label")),
                *(row["mturk"][kind] for kind in kinds),
            ]
            for row in rows
        ]
    )


_PEOPLE_CREDIT = "CIFAR-10H (Peterson et al. 2019), CC BY-NC-SA 4.0"
_RATERS_CREDIT = "label-errors (Northcutt et al. 2021), Apache-2.0"
_RATERS_NOTICE = (
    "These judgements are label-errors by Cleanlab, Apache-2.0. Credit: Northcutt et al. 2021, "
    '"Pervasive label errors in test sets destabilize machine learning benchmarks".'
)
_RATERS_URL = (
    "https://raw.githubusercontent.com/cleanlab/label-errors/"
    "5457895eee26e49187de5c4d6617b9de6f172221/mturk/"
)
_FILES = {
    "people": _File(
        "cifar10h-counts.npy",
        "https://raw.githubusercontent.com/jcpeterson/cifar-10h/"
        "597cbc5f07266c9405b830ee4a53463539124c4f/data/cifar10h-counts.npy",
        "0733ed6faffff708111746d39962847d29cea95208e2ae6c8646e01d39022506",
        _read_counts,
        _PEOPLE_CREDIT,
        "These votes are CIFAR-10H. License: CC BY-NC-SA 4.0. You may not use them to earn money, "
        "and what you make of them must have the same license. You must credit: Peterson et al. "
        '2019, "Human uncertainty makes classification more robust".',
    ),
    "cifar10": _File(
        "cifar10_mturk.json",
        _RATERS_URL + "cifar10_mturk.json",
        "62dff679b03f878254d8f95527e38ab1c11db4a8d6d6ba5547991bea0c3572d8",
        _read_raters,
        _RATERS_CREDIT,
        _RATERS_NOTICE,
    ),
    "cifar100": _File(
        "cifar100_mturk.json",
        _RATERS_URL + "cifar100_mturk.json",
        "21bea332a5977fdf9902b4fa0654c0fa922f3953e0076737f081f4deb0fe5712",
        _read_raters,
        _RATERS_CREDIT,
        _RATERS_NOTICE,
    ),
}


def _digest(table: np.ndarray) -> str:
    """SHA-256 of the shape and the whole numbers of a table."""
    digest = hashlib.sha256(str(table.shape).encode())
    digest.update(np.ascontiguousarray(table, "<i4"))
    return digest.hexdigest()


class _DamagedError(Exception):
    """A file whose content is not the published one."""


def _open(file: _File, path: Path) -> np.ndarray:
    """Read a table and prove it by its content.

    Raises
    ------
    _DamagedError
        If the content is wrong in any way.
    OSError
        If there is no such file, or it may not be read.
    """
    try:
        table = file.read(path)
        whole = table.astype(np.int64)
        if np.array_equal(table, whole) and _digest(whole) == file.digest:
            return whole
    except OSError:
        raise
    except Exception as error:  # a wrong byte can surface as nearly any error
        raise _DamagedError from error
    raise _DamagedError


def _load(file: _File, source: str) -> np.ndarray:
    in_turn = {"auto": ("folder", "cache", "download"), "local": ("folder", "cache")}
    if source not in in_turn and source not in _SOURCES:
        known = ", ".join([*in_turn, *_SOURCES])
        raise data.DataError(f"There is no source {source!r}. The sources are: {known}.")
    problems = []
    for name in in_turn.get(source, (source,)):
        try:
            return _SOURCES[name](file)
        except data.DataError as problem:
            problems.append(f"{name}: {problem}")
    raise data.DataError(
        f"{file.name} is not at hand (" + "; ".join(problems) + "). Connect to the internet and "
        "download it, or put it into the folder that COURSE_DATA names."
    )


def _from_folder(file: _File) -> np.ndarray:
    place = os.environ.get("COURSE_DATA", "")
    if not place or place == "practice":
        raise data.DataError("COURSE_DATA is not set to a folder")
    folder = Path(place).expanduser()
    around = [folder.parent] if folder.name == "cifar-10-batches-py" else []
    for path in [
        base / inside / file.name for base in (folder, *around) for inside in ("", "people")
    ]:
        try:
            table = _open(file, path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise data.DataError(f"{path} cannot be read") from error
        except _DamagedError as error:  # not the course's file, so it stays where it is
            raise data.DataError(f"{path} is damaged or is another file") from error
        print(f"{file.name} from the folder {path.parent}: {file.credit}.")
        return table
    raise data.DataError(f"there is no {file.name} in the folder COURSE_DATA")


def _from_cache(file: _File) -> np.ndarray:
    path = data.cache_folder() / file.name
    try:
        table = _open(file, path)
    except FileNotFoundError as error:
        raise data.DataError("nothing is stored yet") from error
    except OSError as error:
        raise data.DataError("the stored file cannot be read") from error
    except _DamagedError as error:
        aside = path.with_suffix(".damaged")
        with contextlib.suppress(OSError):
            path.replace(aside)
            print(f"A stored file was damaged. It is put aside as {aside.name}.")
        raise data.DataError("the stored file was damaged") from error
    print(f"{file.name}, stored on this computer: {file.credit}.")
    return table


def _from_download(file: _File) -> np.ndarray:
    """Fetch into the store; a file with wrong content is fetched once more, then refused."""
    if models.in_grading():
        raise data.DataError("nothing is downloaded while a notebook is graded")
    base = os.environ.get("COURSE_PEOPLE", "")
    url = f"{base.rstrip('/')}/{file.name}" if base else file.url
    if url not in download.reachable([url]):
        raise data.DataError("no connection")
    target = data.cache_folder() / "downloads" / file.name
    with contextlib.suppress(OSError, data.DataError):
        if download.wait_for_another(target):
            return _from_cache(file)
    print(file.notice)
    for _ in range(2):
        try:
            path = target if target.exists() else download.download(url, target, file.name)
            table = _open(file, path)
        except download.DownloadError as problem:
            raise data.DataError(str(problem)) from problem
        except OSError as error:  # another notebook was faster and has moved it
            raise data.DataError("the download cannot be read") from error
        except _DamagedError:
            print("What arrived is damaged.")
            target.unlink(missing_ok=True)
            continue
        with contextlib.suppress(OSError):
            path.replace(data.cache_folder() / file.name)
        return table
    raise data.DataError("what arrived is damaged, twice")


_SOURCES: dict[str, Callable[[_File], np.ndarray]] = {
    "folder": _from_folder,
    "cache": _from_cache,
    "download": _from_download,
}
