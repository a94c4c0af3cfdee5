"""Whose fault is a wrong picture: the model's, the picture's or the label's?

The question is asked of people who looked at the same picture (see ``people``), and each wrong
picture gets one of three verdicts, the first that holds:

* **model**: at least ``clear`` of the people chose the label. The picture is clear, so the model
  has erred.
* **label**: at least ``other`` of the people chose one and the same other class. Or people were
  divided but preferred another class, and at least ``raters_guessed`` raters did so too.
* **confusing picture**: people were divided.

Where no people voted, the five raters of a suspected label decide: ``raters_guessed`` of them for
the other class mean *label*, ``raters_given`` for the label mean *model*, all else, such as
"both" or "neither", *confusing picture*. Where there are no raters, other models decide: if at
least ``model_clear`` of them chose the label, it could be seen in the picture, and the verdict is
*model*, else *confusing picture*. Where nobody voted the verdict is "no votes". It does not
matter whether people chose what the model predicted: a label can be wrong and the model too.

Why these thresholds: ``clear`` is 90 %, so that up to five of 51 people may slip (who clicks on
the wrong class does not make a picture confusing). ``other`` must be more than half, or two
classes could hold it; three quarters is the round number between two pictures that one network got
wrong with certainty: for no. 4784 of the CIFAR-10 test pictures, a seaplane, 36 of 55 people
(65 %) said ship, which is fair to call confusing, and for no. 9227, a truck labeled automobile,
41 of 52 (79 %) said truck. The number of labels called wrong hangs on it: of a public VGG16's 641
mistakes 14 at two thirds, 7 at three quarters, 5 at 80 %. Three of five raters is the majority by
which Northcutt et al. (2021, arXiv:2103.14749) call a label error correctable; four of five keeps
a clear "given" apart from 3 to 2. Five raters do not outvote 51 people: they count only where
people lean the same way.

Why models never say *label*: with three or four voters no threshold helps. For the 641 mistakes
of that VGG16 the course's three networks agreed on one other class 151 times; people called
the label wrong for 6 of these (4 %) and found the picture clear for 78. Models share mistakes,
and the drawn practice pictures have no wrong labels at all. So ``model_other`` is None; 1.0 would
let models say it when all agree. ``model_clear`` is one half, since with so few voters "90 %"
would mean all of them. Even so these networks give the verdict of people and raters for 49 % of
the 641, and for 61 % of the 1,419 mistakes of the course's baseline (by the other two), which is
little better than chance (Cohen's kappa .07 and .16): weak evidence, and the words say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from course_utils.analysis import inputs
from course_utils.analysis.people import Raters, Votes, count_votes

VERDICTS = ("model", "confusing picture", "label")
NO_VOTES = "no votes"
COLUMNS = (
    "idx",
    "true",
    "predicted",
    "y_true",
    "y_pred",
    "confidence",
    "verdict",
    "agree_label",
    "agree_predicted",
    "evidence",
    "reason",
)


@dataclass(frozen=True)
class Rule:
    """The thresholds; all mean "at least". ``dataclasses.replace(RULE, other=0.6)`` changes one.

    Attributes
    ----------
    clear : float, default=0.9
        Share of people for the label from which a picture is clear.
    other : float, default=0.75
        Share of people for one other class from which the label is called wrong.
    raters_given : int, default=4
        Raters for the label from which a picture is clear.
    raters_guessed : int, default=3
        Raters for the other class from which the label is called wrong.
    model_clear : float, default=0.5
        Share of other models for the label from which a picture counts as clear.
    model_other : float or None, default=None
        Share of other models for one other class from which the label is called wrong; None for
        never.
    """

    clear: float = 0.9
    other: float = 0.75
    raters_given: int = 4
    raters_guessed: int = 3
    model_clear: float = 0.5
    model_other: float | None = None

    def __post_init__(self):
        for name in ("clear", "other", "model_clear", "model_other"):
            share = getattr(self, name)
            if share is not None and not 0 < share <= 1:
                raise ValueError(f"{name} is a share above 0 and up to 1, not {share}.")
        for name in ("raters_given", "raters_guessed"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is a number of raters from 1 up.")


RULE = Rule()


class Tally(NamedTuple):
    """How many wrong pictures got which verdict.

    ``counts`` and ``shares`` are dicts by the names in :data:`VERDICTS`; the shares are of all
    pictures with a verdict. ``without`` counts those on which nobody voted. ``words`` says it.
    """

    counts: dict[str, int]
    shares: dict[str, float]
    without: int
    words: str


def judge(
    probabilities: np.ndarray,
    labels: np.ndarray,
    votes: Votes | np.ndarray | None = None,
    raters: Mapping[int, Raters] | None = None,
    rule: Rule = RULE,
    class_names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Give each wrong picture a verdict. Definitions: see this module's text.

    Parameters
    ----------
    probabilities : ndarray of shape (n, k)
    labels : ndarray of shape (n,) or (n, k)
    votes : Votes, or ndarray of shape (n, k), optional
        From ``people.votes``, or a table of how many people chose each class.
    raters : dict, optional
        From ``people.load_raters``, by number of the picture.
    rule : Rule
    class_names : sequence of str, optional

    Returns
    -------
    pandas.DataFrame
        One row for each wrong picture, by number: ``idx``; ``true`` and ``predicted``, the names;
        ``y_true`` and ``y_pred``, their numbers; ``confidence`` of the prediction; ``verdict``;
        ``agree_label`` and ``agree_predicted``, the shares of voters for these (nan if
        unknown); ``evidence``: "people", "people and raters", "raters", "models" or "none";
        ``reason``, a sentence.

    Raises
    ------
    ValueError
        If shapes do not fit, or votes or raters are about other pictures.
    """
    p, y = inputs.check(probabilities, labels)
    names = inputs.names(class_names, p.shape[1])
    votes = _checked_votes(votes, p.shape)
    raters = _checked_raters(raters, y, p.shape[1])
    rows = []
    predicted = p.argmax(axis=1)
    for number in np.flatnonzero(predicted != y).tolist():
        true, guess = int(y[number]), int(predicted[number])
        case = _Case(number, true, guess, votes, raters.get(number), names)
        verdict, evidence = _decide(case, rule)
        agree = _agreement(case, evidence)
        rows.append(
            (
                number,
                names[true],
                names[guess],
                true,
                guess,
                float(p[number, guess]),
                verdict,
                *agree,
                evidence,
                _reason(case, verdict, evidence),
            )
        )
    kinds = {"idx": np.int64, "y_true": np.int64, "y_pred": np.int64}
    kinds |= dict.fromkeys(("confidence", "agree_label", "agree_predicted"), np.float64)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(kinds)


def tally(rows: pd.DataFrame) -> Tally:
    """Count the verdicts of :func:`judge`, and say it in a sentence.

    Parameters
    ----------
    rows : pandas.DataFrame

    Returns
    -------
    Tally
    """
    counts = {verdict: int((rows["verdict"] == verdict).sum()) for verdict in VERDICTS}
    judged = sum(counts.values())
    shares = {verdict: count / judged if judged else 0.0 for verdict, count in counts.items()}
    without = len(rows) - judged
    if not len(rows):
        return Tally(counts, shares, 0, "There are no wrong pictures.")
    if not judged:
        words = f"Nobody voted on the {_pictures(without)}, so there is no verdict."
        return Tally(counts, shares, without, words)
    model, confusing, label = (f"{counts[v]:,} ({_percent(shares[v])})" for v in VERDICTS)
    words = (
        f"Of {_pictures(judged)}, {model} {_are(counts['model'])} the model's mistake, {confusing} "
        f"{_are(counts['confusing picture'])} confusing, and {label} "
        f"{'has' if counts['label'] == 1 else 'have'} a doubtful label."
    )
    weak = int((rows["evidence"] == "models").sum())
    if weak:
        which = "all of them" if weak == judged else f"{weak:,} of them"
        words += f" For {which} only other models voted, which is weaker evidence than people."
    if without:
        words += f" Nobody voted on {without:,} more."
    return Tally(counts, shares, without, words)


def _pictures(count: int) -> str:
    return f"{count:,} wrong picture" + ("" if count == 1 else "s")


def _percent(share: float) -> str:
    return "under 1%" if 0 < share < 0.005 else f"{share:.0%}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _checked_votes(votes: Votes | np.ndarray | None, shape: tuple[int, int]) -> Votes | None:
    if votes is None:
        return None
    if not isinstance(votes, Votes):
        votes = count_votes(votes)
    if np.shape(votes.shares) != shape:
        raise ValueError(
            f"The votes have the shape {np.shape(votes.shares)} and the probabilities {shape}. "
            "Both need a row for each picture and a column for each class."
        )
    totals = np.sum(votes.shares, axis=1)
    fit = np.isclose(totals, 1, atol=1e-6) | (totals == 0)
    if not (fit.all() and (votes.shares >= 0).all()):
        raise ValueError(
            "The shares of votes must be from 0 up and sum to one in each row. "
            "people.count_votes turns counts into such shares."
        )
    return votes


def _checked_raters(
    raters: Mapping[int, Raters] | None, y: np.ndarray, classes: int
) -> dict[int, Raters]:
    """Those who judged one of these pictures, and said something."""
    known = {}
    for number, rater in ({} if raters is None else raters).items():
        if not 0 <= number < len(y):
            continue  # of a longer list of pictures that begins with these
        if rater.given_class != y[number] or not 0 <= rater.guessed_class < classes:
            raise ValueError(
                f"The raters judged other pictures: for number {number} they were asked whether "
                f"it is of class {rater.given_class} or {rater.guessed_class}, but your label is "
                f"class {y[number]} of {classes}."
            )
        if _asked(rater):
            known[number] = rater
    return known


class _Case(NamedTuple):
    """One wrong picture and its witnesses."""

    number: int
    true: int
    guess: int
    votes: Votes | None
    rater: Raters | None
    names: Sequence[str]

    @property
    def shares(self) -> np.ndarray:
        return self.votes.shares[self.number]

    @property
    def rival(self) -> int:
        """The other class with most votes; the prediction, if it has as many."""
        shares = self.shares.copy()
        shares[self.true] = -1
        return self.guess if shares[self.guess] == shares.max() else int(shares.argmax())

    def has(self, source: str) -> bool:
        return self.votes is not None and self.votes.source == source and self.shares.any()


def _decide(case: _Case, rule: Rule) -> tuple[str, str]:
    """Return the verdict, and on whose word it rests."""
    rater = case.rater
    doubted = rater is not None and rater.guessed >= rule.raters_guessed
    if case.has("people"):
        label, other = case.shares[case.true], case.shares[case.rival]
        if label >= rule.clear:
            return "model", "people"
        if other >= rule.other:
            return "label", "people"
        if doubted and other > label:
            return "label", "people and raters"
        return "confusing picture", "people"
    if rater is not None:
        if doubted:
            return "label", "raters"
        given = rater.given >= rule.raters_given
        return ("model" if given else "confusing picture"), "raters"
    if case.has("models"):
        if case.shares[case.true] >= rule.model_clear:
            return "model", "models"
        if rule.model_other is not None and case.shares[case.rival] >= rule.model_other:
            return "label", "models"
        return "confusing picture", "models"
    return NO_VOTES, "none"


def _agreement(case: _Case, evidence: str) -> tuple[float, float]:
    """The shares of voters for the label and for what the model said."""
    if evidence == "none":
        return np.nan, np.nan
    if evidence == "raters":
        rater, asked = case.rater, _asked(case.rater)
        same = rater.guessed_class == case.guess
        return rater.given / asked, rater.guessed / asked if same else np.nan
    return float(case.shares[case.true]), float(case.shares[case.guess])


def _reason(case: _Case, verdict: str, evidence: str) -> str:
    """Say in a short sentence or two what the voters said."""
    if evidence == "none":
        return "Nobody voted on this picture."
    if evidence == "raters":
        return _raters_said(case, verdict)
    true, rival = case.names[case.true], case.names[case.rival]
    voters = "other models" if evidence == "models" else "people"
    if verdict == "model":
        said = f"{_part(case, case.true, voters)} said {true}, like the label."
        return f"{said} The model said {case.names[case.guess]}."
    if verdict == "label":
        also = "also " if case.rival == case.guess else ""
        doubt = f", and {_doubters(case.rater)} doubted the label" if "raters" in evidence else ""
        said = f"{_part(case, case.rival, voters)} {also}said {rival}{doubt}."
        return f"{said} {_label_says(case)}"
    if evidence == "models":
        if case.votes.voters is not None and case.votes.voters[case.number] == 1:
            return f"The only other model said {rival}, not {true}."
        said = f"{_part(case, case.true, voters)} said {true}."
        return f"{said} {_part(case, case.rival, '')} said {rival}."
    order = np.argsort(-case.shares, kind="stable")
    first, second, *_ = [int(c) for c in order if case.shares[c] > 0] + [case.true]
    parts = [
        f"{_part(case, first, '')} said {case.names[first]}",
        f"{_part(case, second, '', total=False)} said {case.names[second]}",
    ]
    if case.true not in (first, second):
        parts.append(f"{_part(case, case.true, '', total=False)} said {true}")
    return f"People did not all agree: {_listed(parts)}."


def _label_says(case: _Case) -> str:
    """Name the label, and the prediction where the voters chose a third class."""
    chosen = case.rival if case.has("people") or case.rater is None else case.rater.guessed_class
    more = "" if chosen == case.guess else f" and the model said {case.names[case.guess]}"
    return f"The label says {case.names[case.true]}{more}."


def _doubters(rater: Raters) -> str:
    return f"{rater.guessed} of {_asked(rater)} others"


def _asked(rater: Raters) -> int:
    return rater.given + rater.guessed + rater.neither + rater.both


def _raters_said(case: _Case, verdict: str) -> str:
    rater, total = case.rater, _asked(case.rater)
    true, other = case.names[case.true], case.names[rater.guessed_class]
    counts = {
        true: rater.given,
        other: rater.guessed,
        f"both {true} and {other}": rater.both,
        f"neither {true} nor {other}": rater.neither,
    }

    def of_all(count: int) -> str:
        share = f"All {total}" if count == total else f"{count} of {total}"
        return f"{share} people who were asked"

    if verdict == "label":
        return f"{of_all(rater.guessed)} said {other}. {_label_says(case)}"
    if verdict == "model":
        said = f"{of_all(rater.given)} said {true}, like the label."
        return f"{said} The model said {case.names[case.guess]}."
    order = sorted((words for words in counts if counts[words]), key=lambda w: -counts[w])
    if len(order) == 1:
        return f"{of_all(total)} said {order[0]}."
    parts = [f"{counts[words]} said {words}" for words in order]
    return f"The {total} people who were asked did not all agree: {_listed(parts)}."


def _part(case: _Case, chosen: int, voters: str, total: bool = True) -> str:
    """How many of the voters chose a class, such as "41 of 52 people"."""
    share = case.shares[chosen]
    counted = case.votes.voters
    if counted is None:
        return f"{share:.0%} of {voters}" if voters else f"{share:.0%}"
    everyone = int(counted[case.number])
    count = round(float(share) * everyone)
    if everyone == 1 and count == 1 and voters:
        return "The only person" if voters == "people" else "The only other model"
    if count == 0:
        return f"None of {everyone} {voters}".rstrip() if total else "nobody"
    if count == everyone and total:
        return f"All {everyone} {voters}".rstrip()
    return f"{count} of {everyone} {voters}".rstrip() if total else f"{count}"


def _listed(parts: Sequence[str]) -> str:
    """Join with commas and "and"."""
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
