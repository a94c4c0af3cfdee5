"""The checks of Stage 7 as pure functions, on small cases worked out by hand."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.checks import STAGES, captions
from course_utils.checks.stage_07 import (
    accuracy_by_class,
    name_hardest_class,
    per_class_accuracy,
    show_three_wrong,
)
from course_utils.evidence import Cell, Evidence, Reference, Shown, Table, plain
from course_utils.practice import CLASS_NAMES

# Forty pictures, four of each class. Class k is right on 4, 3, 2, ... of them, and the
# mistakes are called the next class. Cat (3) and deer (4) tie for the lowest, with none.
RIGHT_OF_4 = [4, 3, 2, 0, 0, 1, 2, 3, 4, 4]
LABELS = np.repeat(np.arange(10), 4)
PREDICTED = np.concatenate(
    [[k] * right + [(k + 1) % 10] * (4 - right) for k, right in enumerate(RIGHT_OF_4)]
)
REFERENCE = Reference(np.eye(10)[PREDICTED] * 0.8 + 0.02, LABELS, CLASS_NAMES)
WRONG = REFERENCE.wrong.tolist()


def caption(number, form="Pred: {}, True: {}"):
    return form.format(CLASS_NAMES[PREDICTED[number]], CLASS_NAMES[LABELS[number]])


def evidence(cells=(), **values):
    return Evidence(7, list(cells), {name: plain(value) for name, value in values.items()})


def test_reference():
    assert accuracy_by_class(REFERENCE).tolist() == [right / 4 for right in RIGHT_OF_4]
    assert len(WRONG) == 40 - sum(RIGHT_OF_4)


def test_a_class_without_pictures_has_no_accuracy_and_is_not_the_hardest():
    keep = LABELS != 3
    reference = Reference(REFERENCE.probabilities[keep], LABELS[keep], CLASS_NAMES)
    assert np.isnan(accuracy_by_class(reference)[3])
    assert name_hardest_class(evidence(hardest_class="deer"), reference).points == 2


@pytest.mark.parametrize("name", ["cat", "deer", " CAT ", "Deer.", ("cat", 0.0), ["cat", "deer"]])
def test_every_tie_is_the_hardest(name):
    assert name_hardest_class(evidence(hardest_class=name), REFERENCE).points == 2


@pytest.mark.parametrize(
    ("name", "points"), [(3, 1), (np.int64(4), 1), (3.0, 1), (5, 0), ("3", 1), (True, 0), ([], 0)]
)
def test_a_number_is_half_an_answer(name, points):
    assert name_hardest_class(evidence(hardest_class=name), REFERENCE).points == points


def shown(numbers, form="Pred: {}, True: {}"):
    return [Shown(number, caption(number, form)) for number in numbers]


@pytest.mark.parametrize(
    ("numbers", "points"), [([], 0), (WRONG[:1], 1), (WRONG[:2], 1), (WRONG[:3], 3), (WRONG, 3)]
)
def test_points_for_pictures(numbers, points):
    cells = [Cell("a", shown(numbers))]
    assert show_three_wrong(evidence(cells), REFERENCE).points == points


def test_pictures_may_come_from_several_cells():
    cells = [Cell(str(number), shown([number])) for number in WRONG[:3]]
    assert show_three_wrong(evidence(cells), REFERENCE).points == 3


def test_half_right_ones_do_no_harm_but_one_more_does():
    right = [number for number in range(40) if number not in WRONG]
    for extra, points in ((3, 3), (4, 0)):
        cells = [Cell("a", shown(WRONG[:3]) + shown(right[:extra]))]
        assert show_three_wrong(evidence(cells), REFERENCE).points == points


def test_words_of_another_cell_do_not_count():
    words = "\n".join(caption(number) for number in WRONG[:3])
    cells = [Cell("a", [Shown(number) for number in WRONG[:3]]), Cell("b", text=words)]
    assert show_three_wrong(evidence(cells), REFERENCE).points == 2
    cells[0].text = words
    assert show_three_wrong(evidence(cells), REFERENCE).points == 3


def test_own_title_beats_the_words_around_it():
    words = "\n".join(caption(number) for number in WRONG[:3])
    cells = [Cell("a", shown(WRONG[:3], "True: {}, Pred: {}"), text=words)]
    result = show_three_wrong(evidence(cells), REFERENCE)
    assert (result.points, "swapped" in result.saw) == (2, True)


@pytest.mark.parametrize(("mistakes", "shown_ones", "points"), [(0, 0, 3), (2, 1, 1), (2, 2, 3)])
def test_a_model_with_fewer_than_three_mistakes(mistakes, shown_ones, points):
    predicted = LABELS.copy()
    predicted[:mistakes] = PREDICTED[WRONG[0]]
    reference = Reference(np.eye(10)[predicted], LABELS, CLASS_NAMES)
    form = f"Pred: {CLASS_NAMES[PREDICTED[WRONG[0]]]}, True: airplane"
    cells = [Cell("a", [Shown(number, form) for number in range(shown_ones)])]
    assert show_three_wrong(evidence(cells), reference).points == points


EVERY_PAIR = "\n".join(
    f"Predicted: {one}, True: {other}" for one in CLASS_NAMES for other in CLASS_NAMES
)
MISTAKES = "\n".join(sorted({caption(number) for number in WRONG}))


@pytest.mark.parametrize(
    "words",
    [
        EVERY_PAIR,
        MISTAKES,
        "\n".join(f"Predicted: {one}, True: cat" for one in CLASS_NAMES),
        "Predicted: deer, True: cat",
    ],
)
@pytest.mark.parametrize("place", ["caption", "around", "text"])
def test_saying_every_pair_beside_every_picture_names_none(words, place):
    """One picture a cell, until three wrong ones were among them; here 80 are shown."""
    labels = np.concatenate([LABELS] * 10)
    predicted = np.where(np.arange(400) < 40, np.tile(PREDICTED, 10), labels)
    reference = Reference(np.eye(10)[predicted], labels, CLASS_NAMES)
    cells = [
        Cell(str(n), [Shown(n)], text=words)
        if place == "text"
        else Cell(str(n), [Shown(n, **{place: words})])
        for n in range(80)
    ]
    result = show_three_wrong(evidence(cells), reference)
    assert (result.points, "fit hardly one" in result.saw) == (2, True)


def test_a_list_of_all_mistakes_may_stand_beside_three_pictures():
    pairs = [Cell("a", [Shown(n) for n in WRONG[:3]], text=MISTAKES)]
    assert show_three_wrong(evidence(pairs), REFERENCE).points == 3
    titled = [Cell("a", shown(WRONG[:3]), text=EVERY_PAIR)]
    assert show_three_wrong(evidence(titled), REFERENCE).points == 3


def test_looking_around_and_captions_of_a_first_try_cost_nothing():
    guesses = "\n".join(
        f"True: {CLASS_NAMES[LABELS[n]]}\nguess: {CLASS_NAMES[PREDICTED[n]]}\nguess: frog"
        for n in range(8)
    )
    cells = [
        Cell("a", [Shown(n) for n in range(8)], text=guesses),
        Cell("b", shown(range(12), "True: {}, Pred: {}")),
        Cell("c", [Shown(n, "Pred: cat, True: dog") for n in WRONG[:9]]),
        Cell("d", shown(WRONG[9:12])),
    ]
    assert show_three_wrong(evidence(cells), REFERENCE).points == 3


def test_the_words_of_a_cell_are_read_once_for_all_its_pictures(monkeypatch):
    read = []
    real = captions.read_pairs
    counting = functools.lru_cache(lambda *given: (read.append(len(given[0])), real(*given))[1])
    monkeypatch.setattr(captions, "_pairs", counting)
    text = "Nothing to be said here.\n" * 8000
    cells = [Cell("a", shown(WRONG * 20), text=text), Cell("b", shown(WRONG[:3]))]
    assert show_three_wrong(evidence(cells), REFERENCE).points == 3
    assert sum(read) < 3 * len(text)


ACCURACY = [right / 4 for right in RIGHT_OF_4]


@pytest.mark.parametrize(
    ("change", "right"),
    [(0.0049, True), (0.0051, False), (-0.0049, True), (-0.0051, False)],
)
def test_two_decimals(change, right):
    result = per_class_accuracy(
        evidence(per_class_accuracy=[0.5 + change, *ACCURACY[1:]]),
        Reference(REFERENCE.probabilities, np.where(np.arange(40) < 2, 1, LABELS), CLASS_NAMES),
    )
    assert result.points in (1, 3)
    values = [value + change for value in ACCURACY]
    found = per_class_accuracy(evidence(per_class_accuracy=values), REFERENCE)
    assert (found.points == 3) == right


def test_printed_values_count_from_any_cell():
    lines = "\n".join(f"{n}: {a:.2f}" for n, a in zip(CLASS_NAMES, ACCURACY, strict=True))
    assert per_class_accuracy(evidence([Cell("a", text=lines)]), REFERENCE).points == 3
    halves = lines.splitlines()
    cells = [Cell("a", text="\n".join(halves[:5])), Cell("b", text="\n".join(halves[5:]))]
    assert per_class_accuracy(evidence(cells), REFERENCE).points == 3


def every_value(count):
    """Each value from 0 to 1, as a table with that many columns and the classes as rows."""
    names = [f"{a}{b}" for a in "abcdefghijk" for b in "abcdefghij"][:count]
    return Table({name: [n / 100] * 10 for n, name in enumerate(names)}, list(CLASS_NAMES))


@pytest.mark.parametrize(
    "value",
    [
        every_value(101),
        Table({name: [n / 100 for n in range(101)] for name in CLASS_NAMES}, list(range(101))),
        "\n".join(f"{name}: {n / 100}" for n in range(101) for name in CLASS_NAMES),
        [f"{name}: {n / 100}" for n in range(101) for name in CLASS_NAMES],
    ],
)
def test_all_values_at_once_are_no_answer(value):
    assert per_class_accuracy(Evidence(7, [], {"per_class_accuracy": value}), REFERENCE).points == 0


def test_the_columns_of_a_table_do_not_complete_one_another():
    halves = [[*ACCURACY[:5], *[2.0] * 5], [*[2.0] * 5, *ACCURACY[5:]]]
    table = Table({"one": halves[0], "two": halves[1]}, list(CLASS_NAMES))
    found = Evidence(7, [], {"per_class_accuracy": table})
    assert per_class_accuracy(found, REFERENCE).points == 1


def test_one_right_column_among_others_is_an_answer():
    others = {"precision": [0.3] * 10, "support": [4] * 10, "class": list(CLASS_NAMES)}
    table = Table(others | {"recall": ACCURACY}, list(range(10)))
    found = Evidence(7, [], {"per_class_accuracy": table})
    assert per_class_accuracy(found, REFERENCE).points == 3
    shares = [[0.5 if a != b else ACCURACY[a] for b in range(10)] for a in range(10)]
    columns = dict(zip(CLASS_NAMES, shares, strict=True))
    found = Evidence(7, [], {"per_class_accuracy": Table(columns, list(CLASS_NAMES))})
    assert per_class_accuracy(found, REFERENCE).points == 3


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 60)
    | st.floats()
    | st.sampled_from([*CLASS_NAMES, "", "3", "52 %", "é"])
    | st.sampled_from([np.arange(40), np.eye(10), PREDICTED, LABELS, np.float32(0.5), object()]),
    lambda inner: (
        st.lists(inner, max_size=11)
        | st.dictionaries(st.sampled_from([*CLASS_NAMES, *range(10), "table", "index"]), inner)
    ),
    max_leaves=15,
)
CELLS = st.lists(
    st.builds(
        Cell,
        st.text(max_size=3),
        st.lists(st.builds(Shown, st.integers(0, 39), st.text(max_size=20)), max_size=6),
        st.integers(0, 3),
        st.integers(0, 3),
        st.text(max_size=60),
    ),
    max_size=3,
)
NAMES = ["test_predictions", "predicted_labels", "true_labels", "wrong_indexes"]
NAMES += ["per_class_accuracy", "hardest_class"]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), VALUES), CELLS)
def test_no_evidence_stops_a_check(values, cells):
    found = Evidence(
        7,
        cells,
        {
            name: value if isinstance(value, Table) else plain(value)
            for name, value in values.items()
        },
    )
    for check in STAGES[7].values():
        result = check.judge(found, REFERENCE)
        assert 0 <= result.points <= check.points
        assert result.saw
        assert (result.points == check.points) == (result.try_next == "")
