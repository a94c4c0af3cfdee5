"""The checks of the second extra notebook, The stress test."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from course_utils import stress
from course_utils.checks.numbers import as_number, shares
from course_utils.checks.result import Check, Result, blanks
from course_utils.checks.sentences import counted, join, join_some, quoted
from course_utils.checks.stage_08 import exact_p
from course_utils.checks.values import as_array
from course_utils.evidence import Evidence, Reference, Unreadable

NAMES = (
    *("failures", "hypotheses", "wrong_classes", "wrong_maps"),
    *("accuracy", "sure_wrong", "calming"),
    *("clean_accuracy", "answered", "right_if_answered", "verdicts"),
)
# Only a student who ran the full trainings has answers of an own; else these are None.
RECORDS = {"four_trainings": {f"stress_{recipe}": f"own_{recipe}" for recipe in stress.RECIPES}}

Words = tuple[str, str]  # what was seen, and what to try next

_SINGLE = ("cutmix", "smoothing")
_SURE, _RULE = 0.9, 0.7
_LUCK = 0.05
_FEW = 5  # failures to look at
_AMONG = 25  # they should be among so many of the surest wrong ones
_CELLS = (4, 4)
_EXACT = 0.0055  # of a share: half of the second decimal, and a little
_SAMPLE = 0.05  # 1,000 training pictures in place of all of them
_GAP = 0.03  # the log's accuracy and the clean one differ by less: then the log is right

# --- Step 1 ------------------------------------------------------------------------------


def pick_failures(evidence: Evidence, reference: Reference) -> Result:
    """Five of the surest wrong pictures, on the screen."""
    if blank := blanks(evidence, "failures"):
        return blank
    numbers = _numbers_in(evidence.values["failures"], len(reference.labels))
    again = 'Use analysis.most_confident(answers["baseline"], true, share=0.05)[:5].'
    if numbers is None:
        saw = "failures is not a list of picture numbers. I expected five of them."
        return Result(0, saw, again)
    if len(numbers) < _FEW:
        return Result(0, f"failures holds {counted(len(numbers), 'picture')}. I expected 5.", again)
    right = [n for n in numbers if n not in set(reference.wrong.tolist())]
    if right:
        saw = f"The baseline got {_picture(right[0])} right. I expected wrong ones."
        return Result(0, saw, again)
    sure = reference.probabilities.max(axis=1)
    order = np.sort(sure[reference.wrong])[::-1]
    least = order[min(max(_AMONG, len(order) // 20), len(order)) - 1]
    calm = [n for n in numbers if sure[n] < least]
    if calm:
        saw = f"Of {_picture(calm[0])} it was only {sure[calm[0]]:.0%} sure. There are surer ones."
        return Result(0, saw, again)
    seen = _seen(evidence, reference)
    missing = [n for n in numbers if _key(reference, n) not in seen]
    if missing:
        saw = f"The numbers are right. On the screen I miss {_picture(missing[0])}."
        show = "Show them with analysis.plots.pictures_grid(...), and run the cell again."
        return Result(0, saw, show)
    return Result(1, f"These are wrong and sure, from {sure[numbers].max():.0%} on down.")


def _numbers_in(value: Any, count: int) -> list[int] | None:
    """Picture numbers, each once, in the order given; None for anything else."""
    array = as_array(value)
    if array is None or array.ndim != 1 or array.dtype.kind not in "iuf" or not array.size:
        return None
    whole = np.isfinite(array) & (np.nan_to_num(array) % 1 == 0)
    if not (whole & (array >= 0) & (array < count)).all():
        return None
    return list(dict.fromkeys(int(number) for number in array))


def _seen(evidence: Evidence, reference: Reference) -> set[Any]:
    return {_key(reference, shown.index) for cell in evidence.cells for shown in cell.shown}


def _key(reference: Reference, number: int) -> Any:
    """A picture's pixels: two test pictures can be alike, and the screen shows either."""
    return number if reference.pictures is None else reference.pictures[number].tobytes()


def _picture(number: int) -> str:
    return f"picture {number}"


# --- Step 2 ------------------------------------------------------------------------------


def heat_maps(evidence: Evidence, reference: Reference) -> Result:
    """A hypothesis for each failure, and a heat map of the wrong class."""
    names = ("hypotheses", "wrong_classes", "wrong_maps")
    if blank := blanks(evidence, *names, at_least=len(names)):
        return blank
    failures = _numbers_in(evidence.values.get("failures"), len(reference.labels))
    if failures is None:
        return Result(0, "There are no failures to look at yet.", "Finish Step 1 first.")
    problems = [_what_guesses_are(evidence, failures), _what_maps_are(evidence, reference)]
    if found := [words for words in problems if words]:
        return Result(2 - len(found), *found[0])
    cells = _CELLS[0] * _CELLS[1]
    return Result(2, f"{len(failures)} hypotheses, and for each a heat map of {cells} numbers.")


def _what_guesses_are(evidence: Evidence, failures: list[int]) -> Words | None:
    """What is wrong with the hypotheses, if anything is. Whether they hold is for people."""
    write = 'Write a list of five texts: hypotheses = ["It saw ...", ...].'
    if blank := blanks(evidence, "hypotheses"):
        return blank.saw, write
    value = evidence.values["hypotheses"]
    texts = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return "hypotheses is not a list of texts.", write
    words = [re.findall(r"[^\W\d_]+", text) for text in texts]
    enough = [" ".join(said).lower() for said in words if len(said) >= 3]
    if len(enough) < len(failures):
        saw = f"{counted(len(enough), 'hypothesis has', 'hypotheses have')} three words or more."
        return f"{saw} I expected one for each of {len(failures)} pictures.", write
    if len(set(enough)) < len(failures):
        saw = "Two hypotheses are the same. Each picture deserves its own."
        return saw, "Look at each picture once more. What could have misled the network there?"
    return None


def _what_maps_are(evidence: Evidence, reference: Reference) -> Words | None:
    """What is wrong with the heat maps or their classes, if anything is."""
    if blank := blanks(evidence, "wrong_classes", "wrong_maps"):
        return blank.saw, blank.try_next
    failures = as_array(evidence.values["failures"]).astype(int)
    classes, value = as_array(evidence.values["wrong_classes"]), evidence.values["wrong_maps"]
    take = 'wrong_classes = answers["baseline"][failures].argmax(axis=1)'
    if classes is None or classes.shape != failures.shape:
        return "wrong_classes does not hold one class number for each failure.", f"Use {take}."
    if np.array_equal(classes, reference.labels[failures]):
        saw = "wrong_classes holds the true classes. I expected those that the baseline chose."
        return saw, f"Use {take}."
    if not np.array_equal(classes, reference.predicted[failures]):
        return "wrong_classes does not hold what the baseline chose.", f"Use {take}."
    if isinstance(value, list) and value and isinstance(value[0], np.ndarray):
        value = value[0] if value[0].ndim == 3 else value  # all that grad_cam gives back
    maps = as_array(np.stack(value) if _is_alike(value) else value)
    ask = "Use analysis.grad_cam(network, x_test[failures], wrong_classes).maps."
    if maps is None or maps.shape[:1] != failures.shape or maps.ndim != 3:
        return "wrong_maps does not hold one heat map for each failure.", ask
    if maps.shape[1:] != _CELLS:
        saw = f"The maps are {maps.shape[1]} by {maps.shape[2]}. I expected their true size, 4 x 4."
        return saw, ask
    if not np.isfinite(maps).all() or (maps == maps.ravel()[0]).all():
        return "The maps show nothing: all their numbers are the same.", ask
    return None


def _is_alike(value: Any) -> bool:
    """Whether this is a list of arrays of one shape."""
    arrays = isinstance(value, list) and all(isinstance(one, np.ndarray) for one in value)
    return arrays and len({one.shape for one in value}) == 1


# --- Step 3 ------------------------------------------------------------------------------


def four_trainings(evidence: Evidence, reference: Reference) -> Result:
    """The two tables of the four trainings, and which change alone lowers the sure mistakes."""
    names = ("accuracy", "sure_wrong", "calming")
    if blank := blanks(evidence, *names, at_least=len(names)):
        return blank
    problems = [_what_tables_say(evidence, reference), _what_calms(evidence, reference)]
    if found := [words for words in problems if words]:
        return Result(2 - len(found), *found[0])
    found = _calming(_sure_wrong(reference))
    end = f"Alone, {join(found)} lowered it." if found else "Neither lowered it alone."
    if len(found) == 2:
        end = "Both changes lower it alone, so a report that made both cannot thank one of them."
    return Result(2, f"All four corners are right. {end}")


def _answers(reference: Reference) -> dict[str, np.ndarray]:
    return reference.work.get("answers") or {}


def _sure_wrong(reference: Reference) -> dict[str, int]:
    return {
        recipe: int(_is_sure_wrong(scores, reference.labels).sum())
        for recipe, scores in _answers(reference).items()
    }


def _is_sure_wrong(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return (scores.argmax(axis=1) != labels) & (scores.max(axis=1) >= _SURE)


def _calming(counts: dict[str, float]) -> list[str]:
    return [one for one in _SINGLE if counts[one] < counts["baseline"]]


def _by_recipe(value: Any) -> dict[str, Any]:
    """What is a number for each recipe, from a dictionary or from a list in their order."""
    if isinstance(value, dict):
        pairs = {str(key).strip().lower(): entry for key, entry in value.items()}
    else:
        array = as_array(value)
        if array is None or array.shape != (len(stress.RECIPES),):
            return {}
        pairs = dict(zip(stress.RECIPES, array.tolist(), strict=True))
    return {one: pairs[one] for one in stress.RECIPES if as_number(pairs.get(one)) is not None}


def _what_tables_say(evidence: Evidence, reference: Reference) -> Words | None:
    """What is wrong with accuracy or sure_wrong, if anything is."""
    fill = "Fill it for all four: baseline, cutmix, smoothing and both."
    if blank := blanks(evidence, "accuracy", "sure_wrong"):
        return blank.saw, fill
    given = {name: _by_recipe(evidence.values[name]) for name in ("accuracy", "sure_wrong")}
    for name, found in given.items():
        if missing := [recipe for recipe in stress.RECIPES if recipe not in found]:
            return f"{name} has no number for {join(missing)}.", fill
    counts = _sure_wrong(reference)
    for recipe, scores in _answers(reference).items():
        wrong = scores.argmax(axis=1) != reference.labels
        share, count = given["accuracy"][recipe], as_number(given["sure_wrong"][recipe])
        if not _is_share(share, 1 - wrong.mean()):
            if _is_share(share, wrong.mean()):
                saw = f"accuracy of {recipe} is the share of wrong pictures."
                return saw, "Take it away from 1, or use == in place of !=."
            saw = f"accuracy of {recipe} is {_said(share)}. That is not the share of right ones."
            return saw, f'Compare answers["{recipe}"].argmax(axis=1) with true. Take the mean.'
        if count != counts[recipe]:
            return _what_is_counted(recipe, count, scores, wrong)
    return None


def _what_is_counted(recipe: str, count: float, scores: np.ndarray, wrong: np.ndarray) -> Words:
    """Recognize what a wrong count has counted."""
    sure = scores.max(axis=1) >= _SURE
    both = "Count those that are wrong and sure: join the two with &."
    if count == sure.sum():
        return f"sure_wrong of {recipe} counts all sure pictures, the right ones too.", both
    if count == wrong.sum():
        return f"sure_wrong of {recipe} counts all wrong pictures, sure or not.", both
    if np.isclose(count, (wrong & sure).mean(), atol=1e-6):
        return f"sure_wrong of {recipe} is a share. I expected a count.", "Use .sum()."
    saw = f"sure_wrong of {recipe} is {count:g}. That is not the number of these pictures."
    return saw, "Count the pictures that are wrong, with a confidence of 0.9 or more."


def _what_calms(evidence: Evidence, reference: Reference) -> Words | None:
    """What is wrong with the list of calming changes, if anything is."""
    write = 'Write a list with none, one or both of "cutmix" and "smoothing".'
    if blank := blanks(evidence, "calming"):
        return blank.saw, write
    value = evidence.values["calming"]
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return "calming is not a list of names.", write
    named = set(re.findall(r"[a-z]+", " ".join(texts).lower()))
    if named & {"both", "baseline"}:
        word = "both" if "both" in named else "baseline"
        return f"calming holds {word}. That is not a single change.", write
    if texts and not named & {*_SINGLE, "none"}:
        return f"calming is {quoted(value)}. I know none of these names.", write
    given = [one for one in _SINGLE if one in named]
    own = _by_recipe(evidence.values.get("sure_wrong"))
    own = {recipe: as_number(count) for recipe, count in own.items()}
    right = [_calming(_sure_wrong(reference))]
    right += [_calming(own)] if len(own) == len(stress.RECIPES) else []
    if given in right:
        return None
    extra, missing = set(given) - set(right[0]), set(right[0]) - set(given)
    if missing:
        return f"calming lacks one: what about {join(sorted(missing))}?", _COMPARE
    return f"calming holds {join(sorted(extra))}. It did not lower the count alone.", _COMPARE


_COMPARE = "Compare its number in sure_wrong with the baseline's."


# --- Step 4 ------------------------------------------------------------------------------


def measure_again(evidence: Evidence, reference: Reference) -> Result:
    """The accuracy on clean training pictures, and what a guardrail costs."""
    names = ("clean_accuracy", "answered", "right_if_answered")
    if blank := blanks(evidence, *names, at_least=len(names)):
        return blank
    problems = [_what_is_clean(evidence, reference), _what_the_rule_costs(evidence, reference)]
    if found := [words for words in problems if words]:
        return Result(2 - len(found), *found[0])
    expected, logged = _measured(reference)
    clean = min(shares(evidence.values["clean_accuracy"]), key=lambda one: abs(one - expected))
    answered = (_answers(reference)["cutmix"].max(axis=1) >= _RULE).mean()
    saw = f"Clean {clean:.1%}, in the log {logged:.1%}: another number altogether."
    return Result(2, f"{saw} And the rule leaves {1 - answered:.0%} without an answer.")


def _measured(reference: Reference) -> tuple[float, float]:
    """How right the course's CutMix network is on clean training pictures, and in its log."""
    kind = "cifar100" if len(reference.class_names) == 100 else "practice"
    made = stress.record("cutmix", kind)
    return made["clean_accuracy"], made["history"]["accuracy"][-1]


def _what_is_clean(evidence: Evidence, reference: Reference) -> Words | None:
    """What is wrong with the clean accuracy, if anything is."""
    ask = "Use cutmix_network.predict(x_train[:1000], verbose=0), argmax, == and .mean()."
    if blank := blanks(evidence, "clean_accuracy"):
        return blank.saw, ask
    value = evidence.values["clean_accuracy"]
    clean, logged = _measured(reference)
    scores = _answers(reference)["cutmix"]
    tested = float((scores.argmax(axis=1) == reference.labels).mean())
    if _is_share(value, logged, 1e-4):
        return "clean_accuracy is the number in the log. I expected a new measurement.", ask
    if _is_share(value, tested, 1e-7):  # hardly ever by chance, with 1,000 pictures
        return "clean_accuracy is that of the test pictures. I expected training pictures.", ask
    if _is_share(value, clean, _SAMPLE):
        return None
    return f"clean_accuracy is {_said(value)}. I expected a number near {clean:.2f}.", ask


def _what_the_rule_costs(evidence: Evidence, reference: Reference) -> Words | None:
    """What is wrong with the two numbers of the guardrail, if anything is."""
    if blank := blanks(evidence, "answered", "right_if_answered"):
        return blank.saw, blank.try_next
    scores = _answers(reference)["cutmix"]
    sure, right = scores.max(axis=1) >= _RULE, scores.argmax(axis=1) == reference.labels
    answered, accuracy = (evidence.values[name] for name in ("answered", "right_if_answered"))
    count = 'Use the mean of answers["cutmix"].max(axis=1) >= 0.7.'
    if not _is_share(answered, sure.mean()):
        others = [other for name, other in _answers(reference).items() if name != "cutmix"]
        if any(_is_share(answered, (other.max(axis=1) >= _RULE).mean()) for other in others):
            return "answered belongs to another network. I expected cutmix.", count
        if as_number(answered) == sure.sum():
            return "answered counts pictures. I expected a share.", count
        if _is_share(answered, 1 - sure.mean()):
            return "answered is the share without an answer.", count
        return f"answered is {_said(answered)}. That is not the share with an answer.", count
    only = "Choose with square brackets: right[sure]. Then take the mean."
    if _is_share(accuracy, right[sure].mean() if sure.any() else np.nan) or not sure.any():
        return None
    if _is_share(accuracy, right.mean()):
        return "right_if_answered is the accuracy over all pictures.", only
    if _is_share(accuracy, (right & sure).mean()):
        saw = "right_if_answered is a share of all pictures. I expected one of those answered."
        return saw, only
    return f"right_if_answered is {_said(accuracy)}. That is not the share of right ones.", only


# --- Step 5 ------------------------------------------------------------------------------

_VERDICTS = ("supported", "not supported", "cannot tell")
_LOOK = {
    1: "Is the p-value below 0.05, and were more pictures fixed than regressed?",
    2: "Compare it with the two networks of Evidence B.",
    3: "Compare sure_wrong of smoothing and of baseline, in Step 3.",
    4: "Compare your clean_accuracy with the log, in Step 4.",
    5: "How many of the five people chose crab, and how many lobster?",
    6: "A map of 16 cells says where, not why. Did anything test texture against shape?",
    7: "How many pictures are that? And which number tells the reason?",
}


def check_claims(evidence: Evidence, reference: Reference) -> Result:
    """A verdict on each of seven claims: which agree with the data?"""
    if blank := blanks(evidence, "verdicts"):
        return blank
    write = 'Write verdicts = {1: "supported", 2: "not supported", ...}, up to 7.'
    value, truth = evidence.values["verdicts"], _truth(reference)
    if isinstance(value, list) and len(value) == len(truth):
        value = dict(enumerate(value, 1))
    if not isinstance(value, dict):
        return Result(0, "verdicts is not a dictionary with seven verdicts.", write)
    given = {_claim_number(key): verdict for key, verdict in value.items()}
    given = {number: verdict for number, verdict in given.items() if number in truth}
    read = {number: _verdict_in(verdict) for number, verdict in given.items()}
    if unclear := [number for number, verdict in read.items() if verdict is None]:
        saw = f"The verdict on claim {unclear[0]} is {quoted(given[unclear[0]])}."
        return Result(0, f"{saw} I expected one of three texts.", f"The texts: {join(_VERDICTS)}.")
    if missing := [number for number in truth if number not in read]:
        numbers = join_some([str(number) for number in missing], 7)
        return Result(0, f"There is no verdict yet on claim {numbers}.", write)
    wrong = [number for number in truth if read[number] not in truth[number]]
    if not wrong:
        return Result(3, "All seven verdicts agree with the data. You read like a scientist.")
    right = len(truth) - len(wrong)
    points = max(0, 3 - len(wrong))
    saw = f"{right} of 7 verdicts agree with the data. Not claim {wrong[0]}."
    if read[wrong[0]] == "not supported" and "cannot tell" in truth[wrong[0]]:
        saw += " Which number speaks against it? If there is none, you cannot tell."
    return Result(points, saw, f"Claim {wrong[0]}: {_LOOK[wrong[0]]}")


def _truth(reference: Reference) -> dict[int, set[str]]:
    """The verdicts that the data allow. Two of the claims are about the four trainings."""
    answers = _answers(reference)
    before, after = (
        _is_sure_wrong(answers[name], reference.labels) for name in ("baseline", "smoothing")
    )
    # McNemar's test, as in Stage 8, on "sure and wrong" in place of "wrong".
    p = exact_p(int((before & ~after).sum()), int((~before & after).sum()))
    clean, logged = _measured(reference)
    lower = before.sum() > after.sum()
    calmed = {"not supported"} if lower and p < _LUCK else {"not supported", "cannot tell"}
    return {
        1: {"supported"},
        2: {"not supported"},
        3: calmed if lower else {"supported", "cannot tell"},
        4: {"not supported"} if abs(clean - logged) > _GAP else {"supported", "cannot tell"},
        5: {"not supported"},
        6: {"cannot tell"},
        7: {"cannot tell"},
    }


def _claim_number(key: Any) -> int | None:
    digits = re.fullmatch(r"\D*(\d{1,2})\D*", str(key))
    return int(digits.group(1)) if digits else None


def _verdict_in(value: Any) -> str | None:
    """The verdict that a text gives, if it gives one."""
    words = re.sub(r"[^a-z]+", " ", str(value).lower().replace("'", ""))
    if re.search(r"\b(can ?not|can ?t) (tell|say)\b", words):
        return "cannot tell"
    if re.search(r"\b(not|isnt) supported\b|\bunsupported\b", words):
        return "not supported"
    return "supported" if re.search(r"\bsupported\b", words) else None


# --- Small helpers -------------------------------------------------------------------------


def _is_share(value: Any, expected: float, slack: float = _EXACT) -> bool:
    """Whether a value is this share, as a fraction or in percent."""
    return any(abs(share - expected) <= slack for share in shares(value))


def _said(value: Any) -> str:
    if isinstance(value, Unreadable):
        return f"a {value.kind}"
    number = as_number(value)
    return quoted(value) if number is None else f"{number:.4g}"


CHECKS = {
    "pick_failures": Check(pick_failures, 1),
    "heat_maps": Check(heat_maps, 2),
    "four_trainings": Check(four_trainings, 2),
    "measure_again": Check(measure_again, 2),
    "check_claims": Check(check_claims, 3),
}
