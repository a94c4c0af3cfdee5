"""The checks of Stage 10, Demo day."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from course_utils.album import Album
from course_utils.card import Facts, Page, percent, read_facts
from course_utils.checks import deeper_10
from course_utils.checks.captions import captions_of, pair_of
from course_utils.checks.result import Check, Result
from course_utils.checks.sentences import counted, join, quoted
from course_utils.checks.values import accuracy_by_class, as_array
from course_utils.displays import read_bundle
from course_utils.evidence import Cell, Evidence, Reference, Unreadable
from course_utils.wording import names_in

NAMES = ("evidence", "right_number", "wrong_number", "limitation", "card", *deeper_10.NAMES)
RECORDS = {
    "evidence_table": {"predictions": None},
    "demo_card": {"guess": None, "findings": None, "improvement": None},
}

Problem = tuple[str, str]  # what the check saw, and what to try next
# A value may be rounded to whole percent; of the scores below the largest, a record in the
# notebook keeps a few digits only.
_NEAR, _NEAR_TOP3 = 0.0055, 0.01
_LABELS = {
    "accuracy": "accuracy",
    "top3": "top-3 accuracy",
    "hardest": "hardest class",
    "hardest_accuracy": "hardest accuracy",
}


# --- Step 1 ------------------------------------------------------------------------------


def evidence_table(evidence: Evidence, reference: Reference) -> Result:
    """Accuracy, top-3 accuracy, the hardest class and its accuracy."""
    value = evidence.values.get("evidence")
    facts = read_facts(value, reference.class_names)
    missing = [_LABELS[key] for key, found in facts._asdict().items() if found is None]
    entries = value.values() if isinstance(value, dict) else [value]
    if all(entry is None for entry in entries):
        return Result(
            0,
            "Still to do: the four values of evidence.",
            "Begin with accuracy: how often do predicted_labels and true_labels agree?",
        )
    if len(missing) == len(_LABELS):
        kind = f"is a {value.kind}" if isinstance(value, Unreadable) else "has another form"
        return Result(
            0,
            f"evidence {kind}. I expected a table with four lines.",
            "Use a dictionary with the four labels, as in the cell that you were given.",
        )
    problems = _wrong_values(facts, reference)
    points = 1 if len(problems) + len(missing) <= 2 else 0
    if problems:
        return Result(points, *problems[0])
    if missing:
        return Result(
            points,
            f"Still to do: {join(missing)}. What is there is right.",
            "Replace each ... in the cell above and run it again.",
        )
    return Result(
        2,
        f"All four are right: accuracy {percent(facts.accuracy)}, top-3 accuracy "
        f"{percent(facts.top3)}, and {facts.hardest} is the hardest class with "
        f"{percent(facts.hardest_accuracy)}.",
    )


def _wrong_values(facts: Facts, reference: Reference) -> list[Problem]:
    """What is not right among the values that are there."""
    scores, labels, names = reference.probabilities, reference.labels, reference.class_names
    accuracy = float((reference.predicted == labels).mean())
    found = []
    if (given := facts.accuracy) is not None and abs(given - accuracy) > _NEAR:
        saw = f"accuracy is {percent(given)}. I expected the share of right predictions."
        if abs(given - (1 - accuracy)) <= _NEAR:
            saw = f"accuracy is {percent(given)}. That is the share of wrong predictions."
        elif abs(given - scores.max(axis=1).mean()) <= _NEAR:
            saw = "accuracy is the mean confidence. That is how sure the model is, not how good."
        elif given > 1:
            saw = "accuracy is above 1. I expected a share, from 0 to 1."
        found.append((saw, "Use (predicted_labels == true_labels).mean()."))
    order = scores.argsort(axis=1)
    top3, bottom3 = (
        float((part == labels[:, None]).any(axis=1).mean())
        for part in (order[:, -3:], order[:, :3])
    )
    if (given := facts.top3) is not None and abs(given - top3) > _NEAR_TOP3:
        saw = f"top-3 accuracy is {percent(given)}. I expected another share."
        if abs(given - bottom3) <= _NEAR_TOP3:
            saw = "top-3 accuracy looks at the three smallest scores. I expected the three largest."
        elif abs(given - accuracy) <= _NEAR:
            saw = "top-3 accuracy is the same as accuracy. But three tries are right more often."
        found.append((saw, "argsort puts the largest score last. The last three are [:, -3:]."))
    remedy = "Find the smallest of the ten per-class accuracies, as in Stage 7."
    shares = accuracy_by_class(reference)
    lowest = float(np.nanmin(shares))
    if isinstance(facts.hardest, int):
        saw = f"hardest class is the number {facts.hardest}. I expected a name."
        found.append((saw, "class_names[number] gives the name of a class number."))
    elif facts.hardest is not None and shares[names.index(facts.hardest)] > lowest:
        below = int((shares < shares[names.index(facts.hardest)]).sum())
        lower = counted(below, "class is", "classes are")
        found.append((f"{facts.hardest} is not the hardest class: {lower} lower.", remedy))
    if (given := facts.hardest_accuracy) is not None and abs(given - lowest) > _NEAR:
        saw = f"hardest accuracy is {percent(given)}. I expected the lowest of the ten."
        found.append((saw, remedy))
    return found


# --- Step 2 ------------------------------------------------------------------------------


def show_two(evidence: Evidence, reference: Reference) -> Result:
    """One right and one wrong prediction, chosen by number, and both on the screen."""
    numbers: list[int] = []
    problems: list[Problem] = []
    for kind in ("right", "wrong"):
        chosen = _chosen(kind, evidence.values.get(f"{kind}_number"), reference)
        (numbers if isinstance(chosen, int) else problems).append(chosen)
    if problems:
        return Result(len(numbers), *problems[0])
    said = captions_of(evidence.cells, set(numbers), reference)
    for number in numbers:
        if problem := _not_on_screen(number, said.get(number), evidence.cells, reference):
            return Result(2, f"Both numbers are good. But {problem[0]}", problem[1])
    right, wrong = numbers
    return Result(
        3, f"You showed pictures {right} (right) and {wrong} (wrong), with names and confidence."
    )


def _chosen(kind: str, value: Any, reference: Reference) -> int | Problem:
    """The number of a chosen picture, or what is wrong with it."""
    if value is None:
        return f"Still to do: {kind}_number.", "Choose a number from the two rows of pictures."
    array, count = as_array(value), len(reference.labels)
    if array is None or array.size != 1 or array.dtype.kind not in "iuf":
        many = array is not None and array.size > 1
        what = f"holds {array.size} values" if many else f"is {quoted(value)}"
        saw = f"{kind}_number {what}. I expected the number of one picture."
        return saw, "Write one number, without quotes and brackets."
    number = float(array.ravel()[0])
    if not (number.is_integer() and 0 <= number < count):
        saw = f"There is no test picture {number:g}. The numbers go from 0 to {count - 1}."
        return saw, "Choose a number from the two rows of pictures."
    predicted, true = pair_of(int(number), reference)
    if (predicted == true) == (kind == "right"):
        return int(number)
    names = reference.class_names
    return (
        f"Picture {number:g} is not a {kind} prediction: the model says {names[predicted]}, and "
        f"the true name is {names[true]}.",
        f"Choose another number for {kind}_number.",
    )


def _not_on_screen(
    number: int, verdict: str | None, cells: list[Cell], reference: Reference
) -> Problem | None:
    """What is missing beside a picture: itself, its names, or the confidence."""
    if verdict is None:
        saw = f"picture {number} is not on the screen yet."
        return saw, "Show it with plt.imshow(x_test[number]), and end with plt.show()."
    pair = pair_of(number, reference)
    words = []
    for cell in cells:
        own = "\n".join(f"{s.caption}\n{s.around}" for s in cell.shown if s.index == number)
        words += [f"{own}\n{cell.text}"] if any(s.index == number for s in cell.shown) else []
    # A right prediction has one name. It is enough to say it once.
    once = pair.predicted == pair.true and any(
        pair.true in names_in(text, reference.class_names) for text in words
    )
    if verdict != "right" and not once:
        saw = f"picture {number} does not say what was predicted and what is true."
        if verdict == "swapped":
            saw = f"the two names of picture {number} are swapped."
        return saw, 'Show it with a title of both names: f"Pred: {predicted}, True: {true}".'
    if not any(_says(text, float(reference.probabilities[number].max())) for text in words):
        saw = f"picture {number} does not say how sure the model is."
        return saw, "The confidence is predictions[number].max(). Add it to the title."
    return None


def _says(text: str, share: float) -> bool:
    """Whether a text gives a share, as a number or as percent, rounded or cut off."""
    for digits, sign in re.findall(r"(?<![\d.])(\d+\.?\d*|\.\d+)\s*(%|percent)?", text):
        value, unit = float(digits), 1.0
        if sign or value > 1:
            value, unit = value / 100, 0.01
        decimals = len(digits.partition(".")[2])
        telling = decimals or sign or share > 0.995  # a lone 97 may be anything
        if telling and abs(value - share) <= unit * 10.0**-decimals + 0.001:
            return True
    return False


# --- Step 3 ------------------------------------------------------------------------------

_CONCRETE = re.compile(
    r"\b(one|two|three|four|five|six|seven|eight|nine|ten|half|third|quarter|tiny|small|blurry|dark"
    r"|bright|night|colou?r|gr[ae]y|white|black|background|grass|sky|water|sea|snow|fur|ear|leg"
    r"|wheel|wing|shape|side|front|pixel|photo|drawing|cartoon|person|people|face|label|animal"
    r"|vehicle|sideways|upside|rotated|cropped|far)s?\b"
)


def limitation(evidence: Evidence, reference: Reference) -> Result:
    """A sentence of the student's own that names something concrete."""
    value = evidence.values.get("limitation")
    question = "What does it get wrong, and when? Name a class, a number or a kind of picture."
    if value is None or (isinstance(value, str) and not value.strip()):
        return Result(0, "Still to do: limitation.", question)
    if not isinstance(value, str):
        return Result(
            0, "limitation is not text. I expected a sentence.", "Write it between quotes."
        )
    words = re.findall(r"\w[\w'\u2019-]*", value.lower())
    if "__" in value:
        return Result(0, "A blank is left in your sentence.", "Put your own words there.")
    if len(words) < 6 or len(set(words)) < 5:
        saw = f"Your limitation has {counted(len(set(words)), 'different word')}."
        return Result(0, f"{saw} I expected a sentence of six words or more.", question)
    named = names_in(value, reference.class_names) or re.search(r"\d", value)
    if named or _CONCRETE.search(value.lower()):
        return Result(2, "Your limitation is a sentence, and it names something to look at.")
    return Result(
        1,
        "Your limitation is a sentence. But it fits every model: it names no class, no number and "
        "no kind of picture.",
        question,
    )


# --- Step 4 ------------------------------------------------------------------------------


def demo_card(evidence: Evidence, reference: Reference) -> Result:
    """A page that stands alone: both pictures, the numbers of the evidence, the limitation."""
    value = evidence.values.get("card")
    if value is None:
        return Result(
            0, "Still to do: card.", "Write card = cu.demo_card(...), with its parts in brackets."
        )
    if not isinstance(value, str) or "<" not in value:
        what = f"a {value.kind}" if isinstance(value, Unreadable) else "something else"
        what = f"the text {quoted(value)}" if isinstance(value, str) else what
        return Result(
            0,
            f"card is {what}. I expected the HTML of a page.",
            "Use card = cu.demo_card(...). For a file of your own: card = open(name).read().",
        )
    page = Page(value)
    found = [
        _picture_problem(value, page, evidence, reference),
        _number_problem(page, evidence, reference),
        _word_problem(page, evidence),
    ]
    problems = [problem for problem in found if problem]
    if not problems:
        return Result(3, "Your card is whole: pictures, numbers and words. It opens offline.")
    return Result(3 - len(problems), " ".join(saw for saw, _ in problems), problems[0][1])


def _picture_problem(
    markup: str, page: Page, evidence: Evidence, reference: Reference
) -> Problem | None:
    """What is wrong with the two pictures, their alt text and their names."""
    remedy = "Give right=right_number and wrong=wrong_number to the card, and run its cell again."
    numbers = []
    for kind in ("right", "wrong"):
        number = _chosen(kind, evidence.values.get(f"{kind}_number"), reference)
        if not isinstance(number, int):
            return f"The card has no {kind} prediction yet.", "Finish Step 2 first."
        numbers.append(number)
    if any(not alt for _, alt in page.pictures):
        saw = "A picture on the card has no alt text: words for people who cannot see it."
        return saw, 'Write alt="..." into each img, with what the picture shows.'
    if reference.pictures is not None:
        album = Album(np.asarray(reference.pictures)[numbers])
        images = read_bundle({"text/html": markup}).images
        seen = {place for image in images for place in album.find(image)}
        for place, number in enumerate(numbers):
            if place not in seen:
                return f"Picture {number} is not on the card.", remedy
    if len(page.pictures) < 2:
        return "The card shows fewer than two pictures.", remedy
    words = page.captions if page.captions.strip() else page.text
    wanted = {c for number in numbers for c in pair_of(number, reference)}
    silent = wanted - set(names_in(words, reference.class_names))
    if silent:
        name = reference.class_names[min(silent)]
        return f"The name {name} is missing beside the pictures.", remedy
    return None


def _number_problem(page: Page, evidence: Evidence, reference: Reference) -> Problem | None:
    """Where the card's numbers are not those of the evidence table."""
    again = "Give evidence=evidence to the card, and run its cell again after Step 1."
    wanted = read_facts(evidence.values.get("evidence"), reference.class_names)
    on_card = read_facts(page.rows, reference.class_names)
    for key, expected in wanted._asdict().items():
        label, given = _LABELS[key], getattr(on_card, key)
        if expected is None:
            return f"The evidence has no {label} yet.", "Finish Step 1 first."
        if key == "hardest":
            name = expected if isinstance(expected, str) else reference.class_names[expected]
            same = given == name or (given is None and name in page.text.lower())
        else:
            same = given is not None and abs(given - expected) <= _NEAR
            same = same or (given is None and _says(page.text, expected))
        if not same:
            if given is None:
                return f"The {label} is missing on the card.", again
            written = percent(given) if isinstance(given, float) else given
            return f"The card's {label} is {written}. The evidence says something else.", again
    return None


def _word_problem(page: Page, evidence: Evidence) -> Problem | None:
    """Whether the limitation stands on the card, and nothing comes from outside."""
    if page.outside:
        return (
            f"The card needs something from outside: {quoted(page.outside[0])}.",
            "Take it out, or put the picture itself into the page. Then it opens offline.",
        )
    given = evidence.values.get("limitation")
    if not isinstance(given, str) or not given.strip():
        return "The limitation is not written yet.", "Finish Step 3, then run this cell again."

    def bare(text: str) -> str:
        return " ".join(re.findall(r"\w+", text.lower()))

    if bare(given) not in bare(page.text):
        return "Your limitation is not on the card.", "Give limitation=limitation to the card."
    return None


CHECKS = {
    "evidence_table": Check(evidence_table, 2),
    "show_two": Check(show_two, 3),
    "limitation": Check(limitation, 2),
    "demo_card": Check(demo_card, 3),
}
DEEPER = {"deeper_report": Check(deeper_10.deeper_report, 1)}
