"""The evaluation report: all of the analysis for one model, in one HTML file.

The file needs nothing but itself: every picture lies in it, nothing is loaded, no script runs. So
it opens on any computer and phone, without internet, and prints. What comes from people, such as
the names of classes, is escaped.
"""

from __future__ import annotations

import base64
import math
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_utils.analysis import calibration, inputs, metrics, mistakes, people, plots, verdict
from course_utils.card import data_uri, of_100, percent
from course_utils.pages import template

_TEMPLATE = "report.html.j2"
_MOST = 20  # pictures of one kind
_LOOKED_INTO = 3  # pictures for Grad-CAM
_SHARES = re.compile(r"accuracy|^top\d|precision|recall|f1")  # metrics that are written as percent


class Shown(NamedTuple):
    """A figure on the page: its address, what is to be seen, and a sentence below it."""

    source: str
    alt: str
    caption: str
    width: int
    height: int


class Answer(NamedTuple):
    """One picture on the page with what the model said; ``source`` is empty without pictures."""

    number: int
    source: str
    predicted: str
    true: str
    confidence: float
    right: bool


def report(
    probabilities: np.ndarray,
    labels: np.ndarray,
    pictures: np.ndarray | None = None,
    class_names: Sequence[str] | None = None,
    history: Any = None,
    votes: Any = None,
    before: np.ndarray | None = None,
    title: str = "Evaluation report",
    path: str | os.PathLike = "evaluation_report.html",
    figures: str | os.PathLike | None = "auto",
    model: Any = None,
    raters: Mapping[int, Any] | None = None,
    points: np.ndarray | None = None,
) -> Path:
    """Write the evaluation report of one model as one HTML file, and its figures as PNG.

    Parameters
    ----------
    probabilities : ndarray of shape (n, k), float
        What the model answers for the test pictures.
    labels : ndarray of shape (n,), int, or (n, k), one-hot
    pictures : ndarray of shape (n, h, w, 3), uint8, optional
        The same pictures. Without them the report has their numbers only.
    class_names : sequence of str, optional
    history : dict, or what ``model.fit`` returned, optional
        For the training curves.
    votes : people.Votes, or ndarray of shape (n, k), optional
        Who else looked at the pictures, from ``people.votes``: whose fault is a mistake?
    before : ndarray of shape (n, k), float, optional
        What an earlier model answered, for the before/after card.
    title : str
    path : str or path-like, default="evaluation_report.html"
        Where to write. A file that is there is replaced once the new one is whole.
    figures : str, path-like or None, default="auto"
        The folder for the PNG files: "auto" is one beside the report, named after it. None
        writes none.
    model : keras.Model, optional
        To show where it looked (Grad-CAM), which needs ``pictures`` too.
    raters : dict, optional
        From ``people.load_raters``, by number of the picture.
    points : ndarray of shape (m, 2), float, optional
        The first m pictures on a plane, from ``embeddings.project``.

    Returns
    -------
    Path
        Of the report.

    Raises
    ------
    ValueError
        If the parts do not fit each other.
    OSError
        If the report or the folder cannot be written; before anything is computed.
    ImportError
        If Jinja2 is not installed.
    """
    page = _template()
    path = Path(path)
    folder = None if figures is None else Path(figures)
    if figures == "auto":
        folder = path.with_name(f"{path.stem}_figures")
    for place in (path.parent, *([folder] if folder else [])):
        _try_to_write(place, path)
    p, y = inputs.check(probabilities, labels)
    names = inputs.names(class_names, p.shape[1])
    if pictures is not None:
        pictures = plots.check_pictures(pictures, len(y))
    if before is not None and np.shape(before) != p.shape:
        raise ValueError(
            f"The model before has to answer for the same pictures and classes: its answers have "
            f"the shape {np.shape(before)}, those of the model {p.shape}."
        )
    drawn = _Drawn(folder, path)
    with plots.offscreen():
        parts = {
            "title": str(title).strip() or "Evaluation report",
            "count": len(y),
            "names": names,
            "glance": _glance(p, y, names),
            "metrics": _metrics(p, y),
            "training": [] if history is None else _training(drawn, history),
            "classes": _classes(drawn, p, y, names),
            "confidence": _confidence(drawn, p, y, names),
            "pictures": _pictures(drawn, pictures, p, y, names),
            "verdicts": _verdicts(pictures, p, y, names, votes, raters),
            "looked": None if model is None else _looked(drawn, model, pictures, p, y, names),
            "plane": None if points is None else _plane(drawn, points, p, y, names),
            "change": None if before is None else _change(drawn, before, p, y, names),
        }
    _write(path, page.render(parts).encode("utf-8", "replace"), path)
    return path


def _template() -> Any:
    return template(
        _TEMPLATE,
        {
            "percent": _percent,
            "decimals": _decimals,
            "of_100": lambda share: of_100(share) if _known(share) else 0,
            "count": "{:,}".format,
        },
    )


def _known(number: Any) -> bool:
    return number is not None and math.isfinite(number)


def _percent(share: float | None) -> str:
    return percent(share) if _known(share) else "unknown"


def _decimals(number: float | None) -> str:
    return f"{number:.4f}" if _known(number) else "unknown"


# --- Files -------------------------------------------------------------------------------


def _try_to_write(folder: Path, path: Path) -> None:
    """Refuse a place that cannot be written before the work begins, not after it."""
    try:
        if path.is_dir():
            raise IsADirectoryError("there is a folder of that name")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _cannot(path, error) from error


def _cannot(path: Path, error: OSError) -> OSError:
    why = (error.strerror or str(error)).lower()
    return type(error)(
        f"The report cannot be written to {str(path)!r} ({why}). Choose another place, such as "
        f"path='report.html'."
    )


def _write(place: Path, content: bytes, path: Path) -> None:
    """Write a file whole or not at all."""
    try:
        handle, temporary = tempfile.mkstemp(suffix=".part", dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).chmod(0o644)
            os.replace(temporary, place)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise _cannot(path, error) from error


class _Drawn:
    """Turns figures into parts of the page, and writes them to the folder as it goes."""

    def __init__(self, folder: Path | None, path: Path):
        self.folder, self.path, self.count = folder, path, 0

    def save(self, name: str, figure: plots.Plot) -> bytes:
        content = plots.png(figure)
        self.count += 1
        if self.folder is not None:
            _write(self.folder / f"{self.count:02d}_{name}.png", content, self.path)
        return content

    def __call__(self, name: str, figure: plots.Plot, caption: str) -> Shown:
        content = self.save(name, figure)
        source = f"data:image/png;base64,{base64.b64encode(content).decode()}"
        width, height = (round(96 * inches) for inches in figure.get_size_inches())
        return Shown(source, plots.alt(figure), caption, width, height)


# --- The parts ---------------------------------------------------------------------------


def _glance(p: np.ndarray, y: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """What to know if you read no further."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    low, high = (float(end) for end in mistakes.wilson(right.sum(), len(y)))
    few = 3 if len(names) < 50 else 5
    place = (p > p[np.arange(len(y)), y][:, None]).sum(axis=1)
    return {
        "accuracy": float(right.mean()),
        "low": low,
        "high": high,
        "right": int(right.sum()),
        "wrong": int((~right).sum()),
        "sure_wrong": int((~right & (confidence >= 0.9)).sum()),
        "few": few if few < len(names) else None,
        "top": float((place < few).mean()),
        "hardest": mistakes.hardest(p, y, names),
        "confidence": float(confidence.mean()),
        "calibration": plots.calibration_word(float(confidence.mean()), float(right.mean())),
    }


def _metrics(p: np.ndarray, y: np.ndarray) -> list[dict[str, str]]:
    """Each number that stands for all classes, with when it helps and when it misleads."""
    found = metrics.summary(p, y)
    return [
        note._asdict() | {"value": (_percent if _SHARES.search(key) else _decimals)(found[key])}
        for key, note in metrics.NOTES.items()
        if not isinstance(found.get(key, []), list | dict)
    ]


def _training(drawn: _Drawn, history: Any) -> list[Shown]:
    return [
        drawn(
            "training_curves",
            plots.curves(history),
            "Do the two lines part? Then the model learns its training pictures by heart.",
        )
    ]


def _classes(drawn: _Drawn, p: np.ndarray, y: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    rows = mistakes.per_class(p, y, names).join(
        metrics.by_class(p, y, names)[["precision", "f1", "roc_auc", "ap"]]
    )
    pairs = mistakes.confusions(p, y, names, most=3 if len(names) > plots.MOST else 5)
    taken = {
        name: ", ".join(f"{row.pred_name} {row.count_:,} ({_percent(row.share)})" for row in some)
        for name in names
        if (
            some := list(
                pairs[pairs["true_name"] == name]
                .rename(columns={"count": "count_"})  # a tuple has a method of that name
                .itertuples()
            )
        )
    }
    return {
        "figures": [
            drawn(
                "accuracy_of_each_class",
                plots.per_class(p, y, names),
                "The thin lines say between which values the true accuracy is likely to lie. Where "
                "they overlap, the order of two classes may be chance.",
            ),
            drawn(
                "confusion_matrix",
                plots.confusion_matrix(p, y, names),
                "Read along a row: what does the model say for pictures of this class?",
            ),
            drawn(
                "most_frequent_mistakes",
                plots.top_confusions(p, y, names),
                "Are the classes of a pair alike for you, too?",
            ),
        ],
        "rows": [row._asdict() for row in rows.rename_axis("name").reset_index().itertuples()],
        "taken": taken,
        "notes": [
            metrics.NOTES[key]
            for key in ("per_class_accuracy", "per_class_precision", "per_class_f1")
        ],
    }


def _confidence(
    drawn: _Drawn, p: np.ndarray, y: np.ndarray, names: Sequence[str]
) -> dict[str, Any]:
    rule = mistakes.guardrail(p, y)
    wrong = mistakes.wrong_at(p, y)
    return {
        "ece": float(calibration.ece(p, y)),
        "figures": [
            drawn(
                "confidence_right_and_wrong",
                plots.confidence_histogram(p, y),
                "Wrong answers should be unsure ones. Those at the right end are the dangerous "
                "ones.",
            ),
            drawn(
                "reliability",
                plots.reliability(p, y),
                "Of 100 answers that are 80% sure, 80 should be right: the dashed line.",
            ),
            drawn(
                "wrong_but_sure",
                plots.thresholds(p, None, y),
                "How many wrong answers are left if unsure ones do not count?",
            ),
            drawn(
                "guardrail",
                plots.guardrail(p, y),
                "The price of silence: the surer it has to be, the more pictures get no answer.",
            ),
            drawn(
                "score_of_the_true_class",
                plots.confidence_of_true_class(p, y, names),
                "Where mean and median are far apart, the model is sure of some pictures and lost "
                "with others.",
            ),
        ],
        "rows": [
            {
                "at": row.threshold,
                "answered": row.answered,
                "accuracy": row.accuracy,
                "wrong": wrong[row.threshold],
            }
            for row in rule.itertuples()
        ],
    }


def _pictures(
    drawn: _Drawn, pictures: np.ndarray | None, p: np.ndarray, y: np.ndarray, names: Sequence[str]
) -> list[dict[str, Any]]:
    """The three piles of pictures that are worth a look."""
    kinds = [
        ("most_confident_wrong", "Surest and wrong", mistakes.most_confident(p, y),
         "The surest 1% of the wrong answers. Is the model silly, or is the picture confusing?",
         "There are no wrong answers."),
        ("most_confident_right", "Surest and right", mistakes.most_confident(p, y, right=True),
         "The surest 1% of the right answers. What makes these pictures easy?",
         "There are no right answers."),
        ("hard_but_correct", "Hard but right", mistakes.hard_but_correct(p, y),
         "Right, although the model is less than 30% sure. Was it luck?",
         "No right answer is less than 30% sure."),
    ]  # fmt: skip
    found = []
    for name, heading, numbers, words, none in kinds:
        if pictures is not None and len(numbers):
            figure = plots.pictures_grid(pictures, numbers, p, y, names, heading, _MOST)
            drawn.save(name, figure)
        found.append(
            {
                "heading": heading,
                "words": words,
                "none": none,
                "total": len(numbers),
                "answers": [_answer(pictures, n, p, y, names) for n in numbers[:_MOST].tolist()],
            }
        )
    return found


def _answer(
    pictures: np.ndarray | None, number: int, p: np.ndarray, y: np.ndarray, names: Sequence[str]
) -> Answer:
    said = int(p[number].argmax())
    source = "" if pictures is None else data_uri(plots.pixels(pictures[number]))
    return Answer(
        number, source, names[said], names[y[number]], float(p[number, said]), said == y[number]
    )


def _verdicts(
    pictures: np.ndarray | None,
    p: np.ndarray,
    y: np.ndarray,
    names: Sequence[str],
    votes: Any,
    raters: Mapping[int, Any] | None,
) -> dict[str, Any] | None:
    """Whose fault each mistake is; None if nobody else looked at the pictures."""
    if votes is None and raters is None:
        return None
    if votes is not None and not isinstance(votes, people.Votes):
        votes = people.count_votes(votes)
    rows = verdict.judge(p, y, votes, raters, class_names=names)
    found = verdict.tally(rows)
    surest = rows.sort_values(["confidence", "idx"], ascending=[False, True], kind="stable")
    surest = surest[surest["verdict"] != verdict.NO_VOTES][:_MOST]
    return {
        "words": found.words,
        "source": "" if votes is None else votes.words,
        "people": votes is not None and votes.source == "people",
        "raters": raters is not None,
        "counts": [(name, found.counts[name], found.shares[name]) for name in verdict.VERDICTS],
        "rule": verdict.RULE,
        "cases": [
            (_answer(pictures, row.idx, p, y, names), row.verdict, row.reason)
            for row in surest.itertuples()
        ],
    }


def _looked(
    drawn: _Drawn,
    model: Any,
    pictures: np.ndarray | None,
    p: np.ndarray,
    y: np.ndarray,
    names: Sequence[str],
) -> dict[str, Any]:
    """Where the model looked on its surest mistakes; a sentence where that cannot be said."""
    numbers = mistakes.most_confident(p, y, share=1)[:_LOOKED_INTO]
    if pictures is None or not len(numbers):
        why = "There are no wrong answers." if pictures is not None else "This needs the pictures."
        return {"why_not": why, "figures": []}
    shown = np.asarray(pictures)[numbers]
    try:
        found = _maps(model, shown, p[numbers].argmax(axis=1), y[numbers])
    except ValueError as error:
        return {"why_not": str(error), "figures": []}
    short = plots.short_names(names, len(names))
    figures = []
    for name, maps, classes, caption in found.maps:
        words = [f"number {n}" for n in numbers]
        if classes is not None:
            words = [f"{n}: {short[one]}?" for n, one in zip(numbers, classes, strict=True)]
        figure = plots.saliency(shown, maps, words)
        figures.append(drawn(f"where_it_looked_{name}", figure, caption))
    return {"why_not": "", "figures": figures, "variant": found.variant}


class _Found(NamedTuple):
    """Maps with their name, the classes that they are for and a caption; and the method."""

    maps: list[tuple[str, np.ndarray, np.ndarray | None, str]]
    variant: str


def _maps(model: Any, shown: np.ndarray, said: np.ndarray, labels: np.ndarray) -> _Found:
    """Ask a network with convolutions for Grad-CAM, a transformer for its attention."""
    from course_utils.analysis import saliency, transformer

    try:
        answer = saliency.grad_cam(model, shown, classes=said)
        label = saliency.grad_cam(model, shown, classes=labels)
    except ValueError as problem:
        try:
            maps = transformer.rollout(transformer.attention(model, shown))
        except (ValueError, AttributeError):
            raise problem from None
        words = "Yellow: the places that the answer was read from, whatever it is."
        return _Found(
            [("attention", maps, None, words)],
            "attention rollout (Abnar and Zuidema 2020, arXiv:2005.00928)",
        )
    high, wide = answer.size
    return _Found(
        [
            ("its_answer", answer.maps, said, "Yellow: what speaks for the wrong answer."),
            ("the_label", label.maps, labels, "Yellow: what speaks for the label."),
        ],
        f"{answer.variant}, layer {answer.layer}, {high} x {wide} cells, from the score before the "
        "softmax (Selvaraju et al. 2017, arXiv:1610.02391)",
    )


def _plane(
    drawn: _Drawn, points: np.ndarray, p: np.ndarray, y: np.ndarray, names: Sequence[str]
) -> list[Shown]:
    some = len(points)
    figure = plots.embedding(points, p[:some], y[:some], names)
    caption = "Where do the wrong ones lie: at the border of two groups, or deep inside one?"
    return [drawn("embedding", figure, caption)]


def _change(
    drawn: _Drawn, before: np.ndarray, p: np.ndarray, y: np.ndarray, names: Sequence[str]
) -> list[Shown]:
    return [
        drawn(
            "before_and_after",
            plots.before_after(before, p, y, names),
            "p is how often chance alone would make a difference of this size (McNemar's test).",
        ),
        drawn(
            "wrong_but_sure_before_and_after",
            plots.thresholds(before, p, y),
            "A better model should also be wrong less surely.",
        ),
        drawn(
            "change_of_each_class",
            plots.class_change(before, p, y, names),
            "Who pays? A model can be better in all and worse in one class.",
        ),
    ]
