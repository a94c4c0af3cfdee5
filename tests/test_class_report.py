"""The class report: what stands in it, what it never does, and how it looks in a browser."""

from __future__ import annotations

import base64
import io
import re
import time

import numpy as np
import pytest
from PIL import Image

from autograder.report import (
    MOST_PICTURES,
    Mistake,
    chosen,
    class_report,
    hardest,
    looks,
    mistakes,
    numbers,
    outcomes,
    rows,
    summary,
    title,
    what_it_saw,
)
from autograder.submission import Graded
from course_utils.card import Page
from course_utils.checks import STAGES
from course_utils.evidence import Cell, Evidence, Reference, Shown, plain
from course_utils.practice import CLASS_NAMES, draw_pictures
from tests.accessibility import faults
from tests.test_analysis_report import Tree

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 720}
STAGE = "stage_07_find_its_mistakes"
CHECKS = STAGES[7]
MOST = {name: float(check.points) for name, check in CHECKS.items()}
PICTURES, LABELS = draw_pictures(300, seed=11)
NAMES = (
    "Ada Lovelace", "Ben Okri", "Chloé Dubois", "Daniyar Akhmetov", "Elif Yılmaz", "Farid Haddad",
    "Grace Hopper", "Hanna Müller", "Ines García Fernández", "Jonas Weber", "Keiko Tanaka",
    "Leila Rahimi", "Mateo Rossi", "Nia Owusu", "Oskar Nowak", "Priya Sharma", "Quentin Moreau",
    "Rosa Lindqvist", "Samir Khan", "Tomás Silva", "Uma Patel", "Viktor Petrov", "Wei Zhang",
    "Xenia Papadopoulou", "Yusuf Demir", "Zoë van den Berg", "Amal Said", "Bruno Costa",
    "Chidi Eze", "Dora Novák",
)  # fmt: skip


def predicted(seed):
    """A model's answers: three of four are right, each with mistakes of its own."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(LABELS)) < np.where(np.isin(LABELS, [3, 5 if seed else 2]), 0.5, 0.15)
    said = np.where(wrong, (LABELS + rng.integers(1, 4, len(LABELS))) % 10, LABELS)
    return Reference(np.eye(10)[said] * 0.9 + 0.01, LABELS, CLASS_NAMES)


def right_values(reference, **other):
    """What a student leaves in the named variables; None leaves one blank."""
    share = [(reference.predicted[LABELS == k] == k).mean() for k in range(10)]
    return {
        "test_predictions": reference.probabilities,
        "predicted_labels": reference.predicted,
        "true_labels": LABELS,
        "wrong_indexes": reference.wrong,
        "per_class_accuracy": dict(zip(CLASS_NAMES, share, strict=True)),
        "hardest_class": CLASS_NAMES[int(np.argmin(share))],
    } | other


def graded(name, reference, values, numbers=(), form="Pred: {}, True: {}", **parts):
    """Grade with the real checks, and keep their words as a notebook prints them."""
    shown = [
        Shown(
            number,
            form.format(CLASS_NAMES[reference.predicted[number]], CLASS_NAMES[LABELS[number]]),
        )
        for number in map(int, numbers)
    ]
    evidence = Evidence(7, [Cell("show", shown)], {k: plain(v) for k, v in values.items()})
    one = Graded(
        re.sub(r"\W+", "-", name).lower(),
        name,
        STAGE,
        points={},
        possible=dict(MOST),
        written_possible=5.0,
        hardest=values["hardest_class"] if isinstance(values["hardest_class"], str) else "",
        chosen=list(map(int, numbers)),
        pictures="practice",
    )
    for check, asked in CHECKS.items():
        result = asked.judge(evidence, reference)
        most = "1 point" if asked.points == 1 else f"{asked.points} points"
        one.points[check] = float(result.points)
        one.words[check] = f"➜ {result.points:g} of {most}. {result.saw}\nTry next: x."
    for part, value in parts.items():
        setattr(one, part, value)
    return one


def a_class():
    """Thirty students: right ones, typical mistakes, broken files, questions."""
    shared = predicted(0)
    found = []
    for n, name in enumerate(NAMES):
        own = predicted(n) if n % 3 == 0 else shared
        wrong = own.wrong
        values, form = right_values(own), "Pred: {}, True: {}"
        shown = wrong[[0, 1, 2]] if n % 2 else wrong[[n % 7, 8, 9 + n % 11]]
        parts = {"origin": f"class.zip/{name.split()[0].lower()}/Copy of {STAGE}.ipynb"}
        match n % 10:
            case 1 | 6:
                form = "True: {}, Pred: {}"
            case 2:
                shown = wrong[: 1 + n // 20]
            case 3:
                values["wrong_indexes"] = wrong[: 10 + n]
            case 4:
                values["hardest_class"] = ["Cat", "car", "Dogs", "bird"][n // 10]
            case 5:
                values["per_class_accuracy"] = None
                values["hardest_class"] = None
            case 7:
                form = "{}"
        if n in (8, 18):
            share = values["per_class_accuracy"]
            values["per_class_accuracy"] = {k: share[k] for k in CLASS_NAMES[: 6 + n // 9]}
        if n % 4 == 0:
            parts["written"] = 3.0 + n % 3
        one = graded(name, own, values, shown, form, **parts)
        found.append(one)
    for n in (9, 22):
        found[n] = Graded(
            found[n].student, found[n].name, STAGE, found[n].origin, written_possible=5.0
        )
    found[9].reason = (
        "The file ends in the middle, as if a download was cut off. Ask for it again."
    )
    found[22].reason = "This is the notebook of Stage 5. Ask for that of Stage 7."
    for n, other in ((3, 27), (27, 3)):
        found[n].decide = [
            f"Its record of an own model is the same as that of {NAMES[other]}. Did they train it "
            "together, or is one a copy? Ask both."
        ]
    for n in (12, 14, 16):
        found[n].decide = [
            "It was made on practice pictures, most of the class used CIFAR-10. Is that intended?"
        ]
    found[20].decide = [
        "The cell of Step 3 stands twice with different answers. The last one was graded.",
        "It says that 6 cells were run in another order. Is the result still the student's?",
    ]
    for n in (1, 5, 11, 17, 25):
        found[n].mended = ["The cell test_find_wrong was deleted. It was put back."]
    found[11].mended.append("The name of the file began with 'Copy of'.")
    return found


CLASS = a_class()
ADDRESSES = {f"feedback/{one.student}/{STAGE}/{STAGE}.html" for one in CLASS if not one.reason}
FULL = {"pictures": {"practice": PICTURES}, "labels": {"practice": LABELS}, "feedback": ADDRESSES}
