"""The things to click: what they choose, what they show, and what they do without ipywidgets.

A test clicks as a browser would: it sets a control's value, or calls a button's ``click``.
"""

from __future__ import annotations

import base64
import io
import re
import sys

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from autograder import ROOT
from course_utils import widgets, workbook
from course_utils.checks import STAGES

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CAT, DOG = 3, 5
PREDICTIONS, X, Y, CLASSES = range(4)  # the places of explore_mistakes' arguments


def some_scores(count=200, seed=0):
    """Scores that are right about half of the time, with their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    logits = rng.normal(size=(count, 10))
    logits[np.arange(count), labels] += 1.5
    scores = np.exp(logits)
    return scores / scores.sum(axis=1, keepdims=True), labels


def some_pictures(count=200):
    return np.random.default_rng(1).integers(0, 256, (count, 32, 32, 3), np.uint8)


# --- select


@pytest.mark.parametrize("show", ["wrong", "right", "all"])
@pytest.mark.parametrize("order", ["surest", "least sure"])
@pytest.mark.parametrize(
    ("true", "predicted"), [(None, None), (CAT, None), (None, DOG), (CAT, DOG)]
)
def test_select_agrees_with_a_loop(show, order, true, predicted):
    scores, labels = some_scores()
    wanted = []
    for number, row in enumerate(scores):
        guess = int(row.argmax())
        if true not in (None, labels[number]) or predicted not in (None, guess):
            continue
        if show == "all" or (guess == labels[number]) == (show == "right"):
            wanted.append(number)
    wanted.sort(key=lambda n: scores[n].max(), reverse=order == "surest")
    for form in (labels, labels.tolist(), np.eye(10, dtype="float32")[labels]):
        found = widgets.select(scores, form, true, predicted, show, order)
        assert found.tolist() == wanted


def test_select_keeps_the_order_of_equals():
    scores = np.full((4, 2), 0.5)
    for order in ("surest", "least sure"):
        assert widgets.select(scores, [1, 1, 1, 1], order=order).tolist() == [0, 1, 2, 3]


def test_select_of_nothing():
    assert widgets.select(np.zeros((0, 10)), np.zeros(0, int)).tolist() == []
    perfect = np.eye(10)
    assert widgets.select(perfect, np.arange(10)).tolist() == []


@pytest.mark.parametrize("wrong", [{"show": "mistakes"}, {"order": "highest"}])
def test_select_refuses_words_it_does_not_know(wrong):
    with pytest.raises(KeyError):
        widgets.select(*some_scores(), **wrong)


# --- the explorer


class Explorer:
    """The controls by name."""

    def __init__(self, scores, pictures, labels, names=NAMES):
        box = widgets.build_explorer(scores, pictures, labels, names)
        classes, kinds, moves, self.view, self.keys = box.children
        self.true, self.predicted = classes.children
        self.show, self.order = kinds.children
        self.back, self.forward, self.place, self.count = moves.children

    @property
    def at(self):
        return re.sub("<.*?>", "", self.count.value)

    @property
    def number(self):
        return int(re.search(r"This is picture number (\d+)", self.view.value).group(1))

    @property
    def text(self):
        return " ".join(re.sub("<.*?>", " ", self.view.value).split())


@pytest.fixture
def explorer():
    scores, labels = some_scores()
    return Explorer(scores, some_pictures(), labels)


def test_it_begins_with_the_surest_mistake(explorer):
    scores, labels = some_scores()
    wrong = widgets.select(scores, labels)
    first = wrong[0]
    guess, true = NAMES[scores[first].argmax()], NAMES[labels[first]]
    assert explorer.number == first
    assert explorer.at == f"1 of {len(wrong)}"
    assert explorer.text.startswith(f"✘ Wrong Predicted: {guess} True: {true} Confidence:")


def test_buttons_step_and_go_around(explorer):
    wrong = widgets.select(*some_scores())
    explorer.forward.click()
    assert (explorer.number, explorer.at) == (wrong[1], f"2 of {len(wrong)}")
    explorer.back.click()
    explorer.back.click()
    assert (explorer.number, explorer.at) == (wrong[-1], f"{len(wrong)} of {len(wrong)}")
    explorer.forward.click()
    assert explorer.number == wrong[0]


def test_the_slider_moves_too(explorer):
    explorer.place.value = 7
    assert explorer.number == widgets.select(*some_scores())[6]
    assert explorer.at.startswith("7 of ")


def test_filters_and_order(explorer):
    scores, labels = some_scores()
    explorer.place.value = 9
    explorer.true.value = "cat"
    assert explorer.number == widgets.select(scores, labels, CAT)[0]
    assert "True: cat" in explorer.text
    explorer.show.value, explorer.order.value = "right", "least sure"
    right = widgets.select(scores, labels, CAT, None, "right", "least sure")
    assert (explorer.number, explorer.at) == (right[0], f"1 of {len(right)}")
    assert "✔ Right Predicted: cat True: cat" in explorer.text
    explorer.true.value, explorer.predicted.value, explorer.show.value = "any", "airplane", "all"
    assert explorer.number == widgets.select(scores, labels, None, 0, "all", "least sure")[0]


def test_the_first_class_is_not_any(explorer):
    explorer.true.value = NAMES[0]
    assert "True: airplane" in explorer.text


def test_a_choice_that_fits_nothing(explorer):
    explorer.true.value = explorer.predicted.value = "cat"
    assert explorer.at == "0 of 0"
    assert "No picture fits" in explorer.text
    for button in (explorer.forward, explorer.back):
        button.click()
    assert explorer.place.disabled
    explorer.predicted.value = "any"
    assert explorer.at.startswith("1 of ")
    assert not explorer.place.disabled


def test_the_picture_is_enlarged_and_sharp(explorer):
    data = re.search(r'src="data:image/png;base64,([^"]+)"', explorer.view.value).group(1)
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    picture = some_pictures()[explorer.number]
    assert np.array_equal(shown, picture.repeat(10, axis=0).repeat(10, axis=1))


def test_floats_give_the_same_picture():
    picture = some_pictures(1)[0]
    same = {
        widgets._data_uri(form)
        for form in (picture, picture / 255, picture.astype("float32"), picture.tolist())
    }
    assert len(same) == 1


def test_the_picture_has_words_for_those_who_do_not_see_it(explorer):
    scores, labels = some_scores()
    number = explorer.number
    guess, true = NAMES[scores[number].argmax()], NAMES[labels[number]]
    alt = re.search('alt="([^"]+)"', explorer.view.value).group(1)
    assert alt == f"Picture {number}, enlarged: {true}, predicted as {guess}"


def test_every_control_has_a_visible_name(explorer):
    controls = (explorer.true, explorer.predicted, explorer.show, explorer.order, explorer.place)
    assert [control.description for control in controls] == [
        "True class",
        "Predicted class",
        "Show",
        "Order",
        "Picture",
    ]
    assert explorer.back.description and explorer.forward.description
    assert "Space" in explorer.keys.value


def one_card(row, true, names=NAMES):
    """The words beside a picture."""
    labels = np.array([true])
    card = widgets._card(0, np.array([row]), some_pictures(1), labels, names)
    return card, " ".join(re.sub("<.*?>", " ", card).split())


def test_the_top_three_are_told_in_words():
    card, words = one_card([0, 0, 0.1, 0.6, 0, 0.25, 0.05, 0, 0, 0], DOG)
    assert "cat (predicted) 60 % dog (true) 25 % bird 10 % This" in words
    widths = re.findall(r"width:([\d.]+)%", card)
    assert widths == ["60.0", "25.0", "10.0"]


def test_a_true_class_below_the_top_three_is_told_too():
    _, words = one_card([0.02, 0, 0.1, 0.6, 0, 0.25, 0.03, 0, 0, 0], 0)
    assert "The true class, airplane, has 2 %." in words
    _, words = one_card([0.02, 0, 0.1, 0.6, 0, 0.25, 0.03, 0, 0, 0], CAT)
    assert "The true class" not in words
    assert "cat (predicted and true) 60 %" in words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0 %"),
        (0.001, "under 1 %"),
        (0.005, "under 1 %"),
        (0.01, "1 %"),
        (0.99, "99 %"),
        (0.9999, "over 99 %"),
        (1, "100 %"),
    ],
)
def test_percent_rounds_no_doubt_away(share, words):
    assert widgets._percent(share) == words


def test_class_names_are_text_and_not_markup():
    card, _ = one_card(np.eye(10)[0], 0, ["<b>", *NAMES[1:]])
    assert "&lt;b&gt;" in card
    assert "<b><b>" not in card


# --- explore_mistakes


def arguments():
    scores, labels = some_scores()
    return [scores, some_pictures(), labels, NAMES]


@pytest.fixture
def displayed(monkeypatch):
    """Everything that is displayed, as it is handed to IPython."""
    import IPython.display

    things = []
    monkeypatch.setattr(IPython.display, "display", lambda thing, **_: things.append(thing))
    return things


@pytest.fixture
def no_ipywidgets(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (PREDICTIONS, ..., "Nothing to explore yet: the predictions are still blank."),
        (X, None, "the pictures are still blank"),
        (PREDICTIONS, 3, "The predictions need the shape (200, 10). Yours have the shape ()."),
        (PREDICTIONS, some_scores()[1], "Yours have the shape (200,)"),
        (PREDICTIONS, some_scores()[0][:9], "Yours have the shape (9, 10)"),
        (PREDICTIONS, some_scores()[0] * 9, "between 0 and 1"),
        (PREDICTIONS, some_scores()[0] * np.nan, "between 0 and 1"),
        (PREDICTIONS, np.full((200, 10), "cat"), "between 0 and 1"),
        (X, some_pictures()[..., 0], "The pictures need the shape (200, 32, 32, 3)"),
        (X, object(), "The pictures need the shape (32, 32, 3). Yours have the shape ()"),
        (Y, some_scores()[1][:5], "The labels need the shape (200,). Yours have the shape (5,)"),
        (Y, np.zeros((200, 3)), "The labels need the shape (200, 10)"),
        (CLASSES, NAMES[:4], "The predictions need the shape (200, 4)"),
        (CLASSES, 7, "The predictions need the shape (200,)"),
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(place, value, words, displayed, capsys):
    given = arguments()
    given[place] = value
    assert widgets.explore_mistakes(*given) is None
    printed = capsys.readouterr().out
    assert words in printed
    assert printed.count("\n") == 1
    assert not displayed


def test_it_displays_a_widget_with_a_short_text(displayed, capsys):
    assert widgets.explore_mistakes(*arguments()) is None
    (bundle,) = displayed
    assert set(bundle) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"].startswith("The mistake explorer")
    assert capsys.readouterr().out == ""


def test_one_hot_labels_do_as_well(displayed):
    given = arguments()
    given[Y] = np.eye(10, dtype="float32")[given[Y]]
    widgets.explore_mistakes(*given)
    assert len(displayed) == 1


def test_without_ipywidgets_pictures_stand_still(no_ipywidgets, displayed, capsys):
    widgets.explore_mistakes(*arguments())
    assert "ipywidgets is not installed" in capsys.readouterr().out
    (shown,) = displayed
    numbers = [int(n) for n in re.findall(r"This is picture number (\d+)", shown.data)]
    assert numbers == widgets.select(*some_scores())[:6].tolist()
    assert shown.data.count("<img alt=") == 6


def test_without_ipywidgets_and_without_mistakes(no_ipywidgets, displayed):
    widgets.explore_mistakes(np.eye(10), some_pictures(10), np.arange(10), NAMES)
    assert "no mistake" in displayed[0].data


# --- the panel of checks

POINTS = {"first_step": 1, "second_step": 3}
ANSWERS = {
    "first_step": (1.0, "✔ 1 of 1 point. All <right>."),
    "second_step": (1.5, "➜ 1.5 of 3 points. One is\nmissing.\nTry next: look\nagain."),
}


class Panel:
    def __init__(self, judge=ANSWERS.get):
        *rows, last = widgets.build_panel(POINTS, judge).children
        self.buttons = [row.children[0] for row in rows]
        self.said = [row.children[1] for row in rows]
        self.everything, self.total = last.children


def test_a_button_for_each_check():
    panel = Panel()
    assert [button.description for button in panel.buttons] == list(POINTS)
    assert panel.total.value == "Total: 0 of 4 points."
    panel.buttons[1].click()
    assert panel.buttons[1].description == "➜ second_step: 1.5 of 3"
    assert "One is\nmissing.<br>Try next: look" in panel.said[1].value
    assert panel.said[0].value == ""
    assert panel.total.value == "Total: 1.5 of 4 points."


def test_all_checks_at_once_and_again():
    panel = Panel()
    for _ in range(2):
        panel.everything.click()
        assert panel.total.value == "Total: 2.5 of 4 points."
    assert panel.buttons[0].description == "✔ first_step: 1 of 1"
    assert "All &lt;right&gt;." in panel.said[0].value


def test_better_work_raises_the_total():
    answers = dict(ANSWERS)
    panel = Panel(lambda name: answers[name])
    panel.everything.click()
    answers["second_step"] = (3.0, "✔ 3 of 3 points.")
    panel.buttons[1].click()
    assert panel.total.value == "Total: 4 of 4 points."


def test_a_long_check_says_that_it_runs():
    seen = []
    panel = Panel(lambda name: seen.append(panel.said[0].value) or (0.0, "no"))
    panel.buttons[0].click()
    assert seen == ["Checking ..."]


def test_the_panel_of_a_stage(displayed):
    assert widgets.check_panel(7, judge=lambda name: (0, name)) is None
    (bundle,) = displayed
    assert bundle["text/plain"].startswith("The panel of checks")


def test_without_ipywidgets_all_checks_are_printed(no_ipywidgets, monkeypatch, capsys):
    monkeypatch.setattr(workbook, "judge", lambda name: (1.0, f"words on {name}"), raising=False)
    widgets.check_panel(7)
    printed = capsys.readouterr().out
    assert printed.startswith("There are no buttons here")
    assert all(f"\nwords on {name}\n" in printed for name in STAGES[7])
    assert f"Total: {len(STAGES[7])} of 10 points." in printed


def test_a_stage_without_checks(displayed, capsys):
    widgets.check_panel(99, judge=ANSWERS.get)
    assert capsys.readouterr().out == "Stage 99 has no checks.\n"
    assert not displayed


# --- the progress line


def test_progress_as_text():
    line = widgets.progress_line(3, [2, 1])
    assert repr(line) == "Stage 3 of 10  ✔ 1  ✔ 2  [3]  4  5  6  7  8  9  10"
    assert str(line) == repr(line)


def test_progress_as_html():
    markup = widgets.progress_line(3, {1, 2})._repr_html_()
    assert 'aria-label="Stage 3 of 10. Finished: 1, 2."' in markup
    spans = re.findall(r'<span style="([^"]*)">([^<]*)</span>', markup)
    assert [mark for _, mark in spans] == ["✔ 1", "✔ 2", *map(str, range(3, 11))]
    assert [mark for style, mark in spans if "bold" in style] == ["3"]


def test_progress_at_the_ends():
    assert "none yet" in widgets.progress_line(1)._repr_html_()
    assert repr(widgets.progress_line(10, range(1, 11))).endswith("✔ 9  [✔ 10]")
    extra = repr(widgets.progress_line(11, {0, 12}))
    assert extra.startswith("Extra 1 of 2")
    assert "[" not in extra


# --- in a live kernel

LIVE = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
from course_utils import widgets
from course_utils.album import Album
from course_utils.recorder import Recorder

rng = np.random.default_rng(0)
x = rng.integers(0, 256, (50, 32, 32, 3), np.uint8)
y = rng.integers(0, 10, 50)
scores = rng.dirichlet(np.ones(10), 50)
recorder = Recorder(get_ipython(), 7)
recorder.album = Album(x)
recorder.install()
"""
CELLS = [
    LIVE.format(root=str(ROOT)),
    f"widgets.explore_mistakes(scores, x, y, {NAMES})",
    f"box = widgets.build_explorer(scores, x, y, {NAMES})\nbox.children[2].children[1].click()",
    "print([(c.shown, c.unknown, c.text) for c in recorder.evidence([]).cells[:2]])",
    "widgets.progress_line(2, {1})",
]


@pytest.mark.slow
def test_in_a_kernel_nothing_counts_as_the_student_s_own(tmp_path):
    """The widget reaches the screen; of its pictures and words no evidence is left."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    _, explorer, clicked, evidence, line = (cell.outputs for cell in notebook.cells)
    (output,) = explorer
    assert output.output_type == "display_data"
    assert "application/vnd.jupyter.widget-view+json" in output.data
    said = output.data["text/plain"]
    assert evidence[0].text == f"{[([], 0, chr(10) + said + chr(10)), ([], 0, '')]}\n"
    assert not clicked
    assert set(line[0].data) == {"text/plain", "text/html"}
