"""The class report: what stands in it, what it never does, and how it looks in a browser."""

from __future__ import annotations

import base64
import copy
import io
import re
from dataclasses import replace
from itertools import pairwise
from urllib.parse import quote, unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
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
    "Ada Lovelace", "Ben Okri", "Chloé Dubois", "Daniyar Akhmetov", "Elif Çelik", "Farid Haddad",
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
    share = [(reference.predicted[reference.labels == k] == k).mean() for k in range(10)]
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
    found[9].reason = "The file ends in the middle, as if a download was cut off. Ask for it again."
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


@pytest.fixture(scope="module")
def full():
    return class_report(CLASS, **FULL)


def words(markup):
    return " ".join(Page(markup).text.split())


def of_stage(n, results=CLASS):
    return [replace(one, stage=f"stage_{n:02d}_a_part") for one in results]


# --- What stands in it ---------------------------------------------------------------------


def test_parts_in_the_order_in_which_they_are_needed(full):
    headings = [found for found in Tree(full).headings if found[0] != "h4"]
    assert headings == [
        ("h1", "Class report"),
        ("h2", "Needs a look"),
        ("h3", "No grade"),
        ("h3", "Questions"),
        ("h3", "Written answers"),
        ("h2", "Stage 7: find its mistakes"),
        ("h3", "Who did what"),
        ("h3", "Typical mistakes"),
        ("h3", "Hardest classes named"),
        ("h3", "Pictures that students chose"),
        ("h3", "What was mended"),
    ]


def some(graded=0, waiting=0, refused=0):
    """Students with 1, 2, 3, ... points from the one check, and 4 for the written answer."""
    parts = [{"written": 4.0}] * graded + [{}] * waiting + [{"reason": "No."}] * refused
    return [
        Graded(f"s{n}", f"S{n}", STAGE, "", {"a": n}, {"a": 10}, {}, written_possible=5, **part)
        for n, part in enumerate(parts, 1)
    ]


@pytest.mark.parametrize(
    ("results", "says"),
    [
        ([], "No notebook has been handed in yet."),
        (some(1), "1 notebook: 1 is graded. The median is 5 of 15 points."),
        (some(3), "3 notebooks: 3 are graded. The median is 6 of 15 points."),
        (
            some(1, 2, 1),
            "4 notebooks: 1 is graded, 2 wait for your points for the written answer and 1 has "
            "no grade. The median is 2 of 10 points from the checks.",
        ),
        (some(0, 0, 2), "2 notebooks: 2 have no grade."),
        (
            some(0, 2),
            "2 notebooks: 2 wait for your points for the written answer. The median is 1.5 of 10 "
            "points from the checks.",
        ),
    ],
)
def test_the_first_sentence(results, says):
    assert summary(numbers(results)) == says
    assert says in words(class_report(results))


def test_a_stage_without_a_written_answer_waits_for_none():
    found = numbers([replace(one, written_possible=0) for one in some(0, 3)])
    assert (found.graded, found.waiting, found.middle, found.possible) == (3, 0, 2, 10)


def test_who_needs_a_look(full):
    said = words(full)
    assert f"Jonas Weber {CLASS[9].reason} Found in class.zip/jonas/Copy of" in said
    for one in CLASS:
        for sentence in one.decide:
            assert sentence in said
    assert "Mateo Rossi, Oskar Nowak, Quentin Moreau It was made on practice pictures" in said
    assert said.count("It was made on practice pictures") == 1
    assert "questions, not verdicts" in said
    assert "20 written answers wait for your points. Give them in formgrader" in said


def test_a_class_without_questions_is_told_so():
    said = words(class_report(some(3)))
    assert "Nothing. Every notebook has a grade, and none raises a question." in said
    assert "No grade" not in said
    assert "written answers wait" not in said


def test_same_sentences_stand_together_but_not_across_stages():
    asked = [replace(one, decide=["Why?"]) for one in some(3)]
    other = [replace(one, stage="stage_08_improve_it") for one in asked]
    found = looks([*asked, *other], lambda one: one.decide)
    assert [(look.stage, look.students) for look in found] == [
        ("Stage 7: find its mistakes", ["S1", "S2", "S3"]),
        ("Stage 8: improve it", ["S1", "S2", "S3"]),
    ]


def test_the_table_has_all_students_and_points(full):
    table = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in Page(full).rows}
    assert next(iter(table)) == "Student"
    assert list(table)[1:] == sorted(NAMES, key=str.casefold)
    for one in CLASS:
        if one.reason:
            assert table[one.name] == ["no grade"]
            continue
        written = "to read" if one.written is None else f"{one.written:g}"
        points = [f"{one.points[check]:g}" for check in CHECKS]
        assert table[one.name] == [*points, written, f"{one.total:g}"]
    tags = Tree(full).seen
    assert [parts["scope"] for tag, parts in tags if tag == "th"] == (
        ["col"] * (len(CHECKS) + 3) + ["row"] * len(CLASS)
    )
    assert sum(tag == "caption" for tag, _ in tags) == sum(tag == "table" for tag, _ in tags) == 1
    lost = sum(one.points[k] < MOST[k] for one in CLASS if not one.reason for k in CHECKS)
    assert sum(parts.get("class") == "lost" for _, parts in tags) == lost > 10


def test_links_lead_to_feedback_pages_that_are_there(full):
    links = {parts["href"] for tag, parts in Tree(full).seen if tag == "a"}
    assert {unquote(link) for link in links if not link.startswith("#")} == ADDRESSES
    odd = Graded("50% #1 ü", "Odd", STAGE)
    address = f"feedback/50% #1 ü/{STAGE}/{STAGE}.html"
    assert rows([odd], {address})[0].feedback.startswith("feedback/50%25%20%231%20%C3%BC/")
    assert rows([odd])[0].feedback == ""


def test_links_inside_the_page_lead_somewhere():
    tags = Tree(class_report([*CLASS, *of_stage(8)], **FULL)).seen
    ids = [parts["id"] for _, parts in tags if "id" in parts]
    assert len(ids) == len(set(ids))
    links = {parts["href"][1:] for _, parts in tags if parts.get("href", "").startswith("#")}
    assert links <= set(ids)
    assert {parts["aria-labelledby"] for _, parts in tags if "aria-labelledby" in parts} <= set(ids)


def test_students_of_the_same_name_are_told_apart():
    two = [Graded("kim-1", "Kim", STAGE), Graded("kim-2", "Kim", STAGE), Graded("al", "", STAGE)]
    assert [row[0].strip() for row in Page(class_report(two)).rows[1:]] == [
        "al", "Kim (kim-1)", "Kim (kim-2)",
    ]  # fmt: skip
    twice = [*two[:1], replace(two[0], stage="stage_08_improve_it")]
    assert "(kim-1)" not in words(class_report(twice))


def test_a_check_that_is_missing_in_a_notebook():
    whole, part = Graded("a", "A", STAGE, "", {"x": 1, "y": 2}, {"x": 1, "y": 2}), None
    part = Graded("b", "B", STAGE, "", {"x": 1}, {"x": 1})
    table = Page(class_report([whole, part])).rows
    assert [cell.strip() for cell in table[2]] == ["B", "1", "none", "1"]
    assert [(one.check, one.students) for one in outcomes([whole, part])] == [("x", 2), ("y", 1)]


def test_what_was_mended(full):
    said = words(full)
    assert "5 notebooks Ben Okri, Farid Haddad, Rosa Lindqvist, Zoë van den Berg The cell" in said
    tags = Tree(full).seen
    folded = tags.index(("details", {"class": "rest"}))
    assert ("h3", {"id": "stage-1-mended"}) in tags[:folded]
    assert not any("open" in parts for tag, parts in tags if tag == "details")


def test_tables_that_scroll_can_be_reached_by_keys():
    tags = Tree(class_report([*CLASS, *of_stage(8)])).seen
    regions = [parts for _, parts in tags if "scroll" in parts.get("class", "").split()]
    assert len({parts["aria-label"] for parts in regions}) == 3
    assert all((parts["tabindex"], parts["role"]) == ("0", "region") for parts in regions)


def test_titles():
    assert title("stage_10_demo_day") == "Stage 10: demo day"
    assert title("homework") == "homework"


# --- Mistakes ------------------------------------------------------------------------------


def test_outcomes_of_the_class(full):
    found = outcomes(CLASS)
    right = {
        check: sum(one.points.get(check) == MOST[check] for one in CLASS if not one.reason)
        for check in CHECKS
    }
    assert [one.check for one in found] == sorted(CHECKS, key=right.get)
    said = words(full)
    for one in found:
        assert (one.full, one.students) == (right[one.check], 28)
        assert sum(len(mistake.students) for mistake in one.mistakes) == 28 - one.full
        assert f"{one.full} of 28 have full points ({100 * one.full / 28:.0f}%)" in said
        assert all(mistake.words in said for mistake in one.mistakes)
    swapped = found[0].mistakes[0]
    assert len(swapped.students) == 6
    assert swapped.words == (
        "You showed 3 wrong predictions (pictures …). But the two names of picture … are swapped: "
        "the model predicted …, and the true label is …."
    )
    assert "Try next" not in said
    assert "points." not in swapped.words


def said_by(check, *values, reference=None):
    """What a check of Stage 7 tells students who left these values in the variable it reads."""
    name = {"find_wrong": "wrong_indexes", "name_hardest_class": "hardest_class"}.get(check, check)
    reference = reference or predicted(0)
    found = [
        graded(f"s{n}", reference, right_values(reference, hardest_class="") | {name: value})
        for n, value in enumerate(values)
    ]
    return mistakes([(one.name, one.words[check]) for one in found])


def test_numbers_do_not_divide_a_mistake():
    wrong = predicted(0).wrong
    [one] = said_by("find_wrong", wrong[:20], wrong[:31], wrong[:1], [int(wrong[0]), 7, 4, 1])
    assert one.students == ["s0", "s1", "s2", "s3"]
    assert one.words.startswith("wrong_indexes holds … ")
    assert "… of them" in one.words


def test_what_all_were_told_is_kept():
    wrong = predicted(0).wrong
    [one] = said_by("find_wrong", wrong[:20], [*wrong[:20], 10**6])
    assert f" 20 of them are wrong, and {len(wrong) - 20} wrong predictions" in one.words


@pytest.mark.parametrize(
    "values",
    [
        ("wolf", "lorry van", "'quoted'", "both \" and '", "a\nb", "x" * 300, "it's", 'say "hi'),
        (3, 4.0),
    ],
)
def test_texts_of_students_do_not_divide_a_mistake(values):
    reference = predicted(0)
    if values[0] == "wolf":
        [one] = said_by("name_hardest_class", *values)
        assert one.words.startswith("… is not one of the class names.")
    else:
        [one] = said_by("name_hardest_class", *values, reference=reference)
        assert one.words.startswith("hardest_class is the number …. I expected the name")


def test_names_of_classes_do_not_divide_a_mistake():
    share = right_values(predicted(0))["per_class_accuracy"]
    parts = [{name: share[name] for name in CLASS_NAMES[:some]} for some in (9, 7, 6, 5)]
    [one] = said_by("per_class_accuracy", *parts)
    assert one.words.startswith("… values are right. No value yet for …")


def test_what_is_still_to_do_is_one_mistake():
    reference = predicted(0)
    blanks = [("test_predictions",), ("true_labels",), ("true_labels", "predicted_labels")]
    blanks.append(("true_labels",))
    found = [
        graded(f"s{n}", reference, right_values(reference) | dict.fromkeys(some))
        for n, some in enumerate(blanks)
    ]
    [one] = mistakes([(one.name, one.words["predict_labels"]) for one in found])
    assert one == Mistake("Still to do. For example: true_labels.", ["s0", "s1", "s2", "s3"])


def test_different_mistakes_stay_apart():
    from course_utils.checks.stage_07 import _what_is_missing

    kinds = ("same", "other", "half", "numbers", "unclear", "nothing")
    said = [
        (f"{kind}{number}", f"➜ 2 of 3 points. {_what_is_missing(kind, number)}\nTry next: x.")
        for kind in kinds
        for number in (3, 1208)
    ]
    found = mistakes(said)
    assert sorted(one.students for one in found) == sorted([f"{k}3", f"{k}1208"] for k in kinds)
    reference = predicted(0)
    share = reference.predicted == LABELS
    [some, other] = said_by("find_wrong", reference.wrong[:4], np.flatnonzero(share))
    assert some.words != other.words


def test_the_most_frequent_mistake_comes_first():
    told = [("a", "One."), ("b", "Two."), ("c", "Two."), ("d", "Another.")]
    assert [(one.words, one.students) for one in mistakes(told)] == [
        ("Two.", ["b", "c"]),
        ("Another.", ["d"]),
        ("One.", ["a"]),
    ]
    assert mistakes([]) == []


@pytest.mark.parametrize(
    ("printed", "saw"),
    [
        ("➜ 0 of 1 point. One\nand two.\nTry next: see\nabove.", "One and two."),
        ("➜ 0.5 of 2 points. One. Try next: two. Try next: three.", "One."),
        ("✔ 3 of 3 points. 3 of 3 pictures.", "3 of 3 pictures."),
        ("I cannot check yet: run the top.\nTry next: run it.", "I cannot check yet: run the top."),
        ("➜ Not yet. More.", "➜ Not yet. More."),
        ("Try next: x", ""),
        ("", ""),
    ],
)
def test_points_and_advice_are_taken_off(printed, saw):
    assert what_it_saw(printed) == saw


def test_a_check_that_said_nothing():
    assert mistakes([("a", ""), ("b", " \n")]) == [Mistake("The check did not answer.", ["a", "b"])]


@given(st.lists(st.text(alphabet="a1 .,'\"\\…-%catdog\n", max_size=90), max_size=6))
def test_any_words_are_grouped_and_nobody_is_lost(texts):
    found = mistakes([(str(n), text) for n, text in enumerate(texts)])
    assert sorted(s for one in found for s in one.students) == sorted(map(str, range(len(texts))))


# --- Findings ------------------------------------------------------------------------------


def test_hardest_classes(full):
    def named(text, points, student):
        check = "name_hardest_class"
        return Graded(student, student, STAGE, "", {check: points}, {check: 2}, hardest=text)

    found = hardest(
        [named("cat", 2, "a"), named(" Cat ", 1, "b"), named("dog", 2, "c"), named("", 0, "d")]
    )
    assert [(one.name, one.students, one.right) for one in found] == [
        ("cat", ["a", "b"], 1),
        ("dog", ["c"], 1),
    ]
    said = words(full)
    for one in hardest(CLASS):
        assert f"{one.name} {len(one.students)} student" in said
        assert f"{one.right} right for their model" in said
    assert "right for their model" not in words(
        class_report([Graded("a", "A", "stage_02_explore_the_classes", hardest="cat")])
    )


def chose(*numbers, kind="practice", student="a"):
    return Graded(student, student, STAGE, chosen=list(numbers), pictures=kind)


def test_pictures_that_most_chose_come_first():
    results = [chose(5, 5, 9), chose(9, 2), chose(9, 2, kind="cifar10"), chose()]
    found = chosen(results, {"practice": PICTURES}, {"practice": LABELS}, CLASS_NAMES)
    assert [(one.number, one.kind, one.students, one.true) for one in found] == [
        (9, "practice pictures", 2, CLASS_NAMES[LABELS[9]]),
        (2, "CIFAR-10", 1, ""),
        (9, "CIFAR-10", 1, ""),
        (2, "practice pictures", 1, CLASS_NAMES[LABELS[2]]),
        (5, "practice pictures", 1, CLASS_NAMES[LABELS[5]]),
    ]
    assert [bool(one.source) for one in found] == [True, False, False, True, True]


@pytest.mark.parametrize("number", [-1, 300, 10**30])
def test_numbers_that_no_picture_has(number):
    said = words(class_report([chose(number, 7)], **FULL))
    assert f"Also, without the picture at hand: {number} (1 student)." in said


def test_labels_of_more_classes_than_there_are_names():
    [one] = chosen([chose(0)], {}, {"practice": np.array([99])}, CLASS_NAMES)
    assert one.true == ""


def test_the_grid_shows_the_very_pictures(full):
    found = chosen(CLASS, {}, {}, ())
    shown = Page(full).pictures
    assert len(shown) == min(len(found), MOST_PICTURES)
    for one, (source, alt) in zip(found, shown, strict=False):
        with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as image:
            np.testing.assert_array_equal(np.asarray(image), PICTURES[one.number])
        some = "1 student" if one.students == 1 else f"{one.students} students"
        true = CLASS_NAMES[LABELS[one.number]]
        assert alt == f"{true}, picture number {one.number}, chosen by {some}"


def test_at_most_48_pictures():
    markup = class_report([chose(*range(200)), chose(150)], {"practice": PICTURES})
    shown = Page(markup).pictures
    assert len(shown) == MOST_PICTURES == 48
    assert shown[0][1] == "Picture number 150, chosen by 2 students"
    assert "152 more pictures were chosen less often." in words(markup)
    found = chosen([chose(*range(200))], {"practice": PICTURES}, {}, ())
    assert [bool(one.source) for one in found] == [True] * 48 + [False] * 152


def test_without_pictures_their_numbers():
    markup = class_report([chose(5, 9, student="a"), chose(9, student="b")])
    assert Page(markup).pictures == []
    assert "By their numbers: 9 (2 students), 5 (1 student)." in words(markup)


# --- What it never does --------------------------------------------------------------------


def test_one_file_without_scripts_or_addresses(full):
    assert set(Page(full).outside) == set(map(quote, ADDRESSES))
    assert "<script" not in full
    assert "http" not in full.replace("http-equiv", "")
    assert not re.search(r"<link|@import|@font-face|\son\w+=", full)
    assert "default-src 'none'; img-src data:" in full
    assert len(full) < 200_000


ODD = "<script>alert(1)</script> \"' {{ 7 * 7 }} </style></title> \x00 \u202e"


def odd_class():
    """All that comes from students, as bad as it may be; and a word that no line can hold."""
    parts = {
        "origin": ODD, "points": {ODD: 0, "b": 0}, "possible": {ODD: 1, "b": 1},
        "words": {ODD: ODD, "b": "W" * 5000}, "mended": [ODD, "W" * 300], "hardest": ODD * 9,
        "chosen": [1], "pictures": ODD, "written_possible": 5,
    }  # fmt: skip
    return [
        Graded("../../<b>", ODD, ODD, **parts),
        Graded("half", "half a character \ud83d", ODD, **parts),
        Graded("long", "W" * 300, ODD, **parts | {"decide": [ODD, "W" * 3000]}),
        Graded("none", "W" * 40, ODD, **parts | {"reason": ODD + "W" * 3000}),
    ]


def test_whatever_students_write_is_escaped():
    results = odd_class()
    markup = class_report(results, feedback=[f"feedback/../../<b>/{ODD}/{ODD}.html"])
    assert "<script" not in markup
    assert markup.count("</style>") == markup.count("</title>") == 1
    Tree(markup)
    said = words(markup)
    assert said.count("<script>alert(1)</script>") > 10
    assert "{{ 7 * 7 }}" in said
    assert not {"\0", "\u202e"} & set(markup)
    markup.encode()
    assert len(markup) < 60_000  # long texts are cut short


def test_results_stay_as_they_are_and_give_the_same_page(full):
    before = copy.deepcopy(CLASS)
    assert class_report(CLASS[::-1], **FULL) == full
    assert before == CLASS


def big(students=300):
    return [replace(CLASS[n % 30], student=f"s{n}", name=f"Student {n}") for n in range(students)]


SIZES = {
    "nobody": [],
    "one": CLASS[:1],
    "only without grade": [CLASS[9]],
    "empty": [Graded("a", "A", STAGE)],
    "three hundred": big(),
    "twelve stages": [one for n in range(1, 13) for one in of_stage(n)],
}


@pytest.mark.parametrize("size", SIZES)
def test_any_size_gives_a_report(size):
    results = SIZES[size]
    markup = class_report(results, **FULL)
    Tree(markup)
    said = words(markup)
    for odd in ("nan", "None ", "inf%", "{{"):
        assert odd not in said, odd
    heads = len({one.stage for one in results})
    table = [row for row in Page(markup).rows if row[0].strip() in {one.name for one in results}]
    assert len(table) == len(results)
    levels = [int(tag[1]) for tag, _ in Tree(markup).seen if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(new <= old + 1 for old, new in pairwise(levels))
    assert ("All stages" in said) == (heads > 1)


def test_several_stages():
    results = [*of_stage(8, some(2, 1)), *of_stage(11, some(0, 0, 3)), *CLASS]
    markup = class_report(results)
    said = words(markup)
    assert "36 notebooks: 10 are graded" in said
    table = [[cell.strip() for cell in row] for row in Page(markup).rows]
    assert [row for row in table if row[0].startswith("Stage ")] == [
        ["Stage 7: find its mistakes", "30", "8", "20", "2", "9 of 10"],
        ["Stage 8: a part", "3", "2", "1", "0", "2 of 10"],
        ["Stage 11: a part", "3", "0", "0", "3", "none"],
    ]
    assert said.index("Jonas Weber (Stage 7: find its mistakes)") < said.index("All stages")


# --- In a browser --------------------------------------------------------------------------

PAGES = {
    "full": lambda: class_report(CLASS, **FULL),
    "odd": lambda: class_report(odd_class()),
    "nobody": lambda: class_report([]),
    "three hundred": lambda: class_report(big(), **FULL),
    "stages": lambda: class_report([*CLASS, *of_stage(8), *of_stage(12)], **FULL),
}


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("name", PAGES)
def test_opens_offline_and_fits(visit, name, viewport):
    page = visit(PAGES[name](), viewport)
    assert [url for url in page.asked if url != page.own and not url.startswith("data:")] == []
    assert page.said == []
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert page.evaluate("[...document.images].every(i => i.naturalWidth === 32 && i.width > 80)")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    cut_off = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4, p, li, th, td, figcaption, summary')]"
        ".filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML)"
    )
    assert cut_off == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "viewport"), [("full", PHONE), ("full", DESK), ("odd", PHONE), ("stages", DESK)]
)
def test_no_serious_fault_for_those_who_see_or_hear_it_otherwise(visit, name, viewport):
    assert faults(visit(PAGES[name](), viewport)) == []


@pytest.mark.slow
def test_faults_are_found_also_where_it_is_folded(visit):
    page = visit(
        "<!doctype html><html lang=en><title>x</title><main><h1>x</h1><img src='data:,'>"
        "<details><summary>y</summary><p style='color: #ccc; background: #fff'>pale</p></details>",
        DESK,
    )
    found = faults(page)
    assert [words.partition(" ")[0] for words in found] == ["color-contrast", "image-alt"]
    assert "(critical)" in found[1]


@pytest.mark.slow
def test_keys_unfold_and_focus_is_seen(visit, full):
    page = visit(full, DESK)
    page.locator("summary").last.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    text = page.get_by_text("The name of the file began with 'Copy of'.")
    assert not text.is_visible()
    page.keyboard.press("Enter")
    assert text.is_visible()


@pytest.mark.slow
def test_names_stay_in_sight_on_a_phone(visit, full):
    page = visit(full, PHONE)
    region = page.get_by_role("region", name="Table of all students, Stage 7: find its mistakes")
    region.evaluate("e => e.scrollTo(9999, 0)")
    total = region.get_by_role("columnheader", name="Total so far").bounding_box()
    name = region.get_by_role("rowheader", name="Ada Lovelace").bounding_box()
    assert 0 <= name["x"] < name["x"] + name["width"] <= total["x"]
    assert total["x"] + total["width"] <= PHONE["width"]


@pytest.mark.slow
def test_prints_all_rows_and_what_is_folded(visit):
    page = visit(PAGES["three hundred"](), DESK)
    page.emulate_media(media="print")
    assert page.evaluate(
        "[...document.querySelectorAll('.scroll')].every(e => e.scrollHeight <= e.clientHeight + 1)"
    )
    seen = page.evaluate(
        "[...document.querySelectorAll('details > :not(summary)')].map(e => e.checkVisibility())"
    )
    assert seen
    assert all(seen)
    pdf = page.pdf(format="A4", print_background=True)
    assert 8 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 25


@pytest.mark.slow
def test_says_what_it_shows_to_a_screen_reader(visit, full):
    tree = visit(full, PHONE).locator("body").aria_snapshot()
    for part in (
        'heading "Class report" [level=1]',
        'navigation "Parts of this report"',
        'region "Table of all students, Stage 7: find its mistakes"',
        'columnheader "Show three wrong of 3"',
        'rowheader "Ada Lovelace"',
        "6 students:",
        "caption",
    ):
        assert part in tree, f"{part} is missing in\n{tree[:3000]}"
