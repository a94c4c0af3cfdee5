"""The figures: what they show, what they say in words, and that everybody can read them."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from nbclient import NotebookClient
from PIL import Image

from autograder import ROOT
from course_utils.analysis import changes, interactive, mistakes, plots
from course_utils.displays import read_figure
from course_utils.wording import Pair, read_pairs

NAMES = ("ant", "bee", "cow")
HISTORY = {
    "loss": [2.0, 1.0, 0.5],
    "val_loss": [2.1, 1.5, 1.9],
    "accuracy": [0.2, 0.5, 0.75],
    "val_accuracy": [0.1, 0.4, 0.5],
}


def answers(labels, said, sure=0.6, classes=3):
    """Probabilities that say ``said``, each as sure."""
    labels, said = np.asarray(labels), np.asarray(said)
    p = np.repeat((1 - np.broadcast_to(sure, len(said)))[:, None] / (classes - 1), classes, axis=1)
    p[np.arange(len(said)), said] = sure
    return p, labels


def some(n, classes, seed=0, peak=0.3):
    """Answers and labels by chance."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(classes, peak), n), rng.integers(0, classes, n)


def pictures(n, edge=32):
    return np.random.default_rng(5).integers(0, 256, (n, edge, edge, 3), dtype=np.uint8)


# Seven pictures: two ants of three right, no bee, all three cows.
P, Y = answers([0, 0, 0, 1, 2, 2, 2], [0, 0, 1, 2, 2, 2, 2], [0.6, 0.7, 0.9, 0.95, 0.6, 0.5, 0.99])
BEFORE, _ = answers(Y, [0, 1, 1, 1, 2, 0, 0], 0.8)


@pytest.fixture(autouse=True)
def _draw_quietly():
    """No warning passes, and no figure stays open."""
    matplotlib.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    plt.close("all")


def all_figures(p, y, names=None, before=None):
    """Every figure there is, by name, as functions."""
    rng = np.random.default_rng(1)
    before = p[:, ::-1] if before is None else before
    few = np.arange(len(y))[:5]
    return {
        "curves": lambda: plots.curves(HISTORY),
        "confusion_matrix": lambda: plots.confusion_matrix(p, y, names),
        "per_class": lambda: plots.per_class(p, y, names),
        "confidence_of_true_class": lambda: plots.confidence_of_true_class(p, y, names),
        "top_confusions": lambda: plots.top_confusions(p, y, names),
        "confidence_histogram": lambda: plots.confidence_histogram(p, y),
        "reliability": lambda: plots.reliability(p, y),
        "guardrail": lambda: plots.guardrail(p, y),
        "pictures_grid": lambda: plots.pictures_grid(pictures(len(y)), few, p, y, names, "Some"),
        "saliency": lambda: plots.saliency(pictures(2), rng.random((2, 4, 4)), ["one", "two"]),
        "before_after": lambda: plots.before_after(before, p, y, names),
        "thresholds": lambda: plots.thresholds(before, p, y),
        "thresholds of one": lambda: plots.thresholds(p, None, y),
        "class_change": lambda: plots.class_change(before, p, y, names),
        "embedding": lambda: plots.embedding(rng.normal(size=(len(y), 2)), p, y, names),
    }


CASES = {
    "three classes": (P, Y, NAMES),
    "ten": (*some(400, 10), None),
    "a hundred": (*some(2000, 100), [f"thing_number_{n}" for n in range(100)]),
    "sixteen": (*some(40, 16), None),
    "two": (*some(20, 2), ["yes", "no"]),
    "one picture": (np.array([[0.6, 0.4]]), np.array([1]), None),
    "no mistakes": (*answers(np.arange(30) % 10, np.arange(30) % 10, classes=10), None),
    "one mistake": (*answers([0, 1, 2], [0, 1, 1]), None),
    "all wrong": (*answers([0, 1, 2], [1, 2, 0]), None),
    "absent class": (*answers([0, 0, 2], [0, 1, 2]), NAMES),
    "most classes absent": (*some(12, 100), None),
    "ties": (np.full((9, 3), 1 / 3), np.arange(9) % 3, None),
    "odd names": (*some(30, 3), ["$x_1$", "<b>cat & dog</b>", "\N{UNICORN FACE}"]),
    "long names": (*some(30, 3), ["W" * 80, "very long and with many words", ""]),
    "many long names": (*some(40, 20), [f"W{n}" * 20 for n in range(20)]),
}


def texts_of(figure):
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


@pytest.mark.parametrize("case", CASES)
def test_any_answers_can_be_drawn_and_read(case):
    p, y, names = CASES[case]
    with plots.offscreen():
        for name, draw in all_figures(p, y, names).items():
            figure = draw()
            assert plots.alt(figure).endswith("."), name
            assert len(plots.alt(figure)) > 20, name
            figure.canvas.draw()
            for text in texts_of(figure):
                assert text.get_fontsize() >= 8, (name, text)


@pytest.mark.parametrize("case", ["three classes", "a hundred", "no mistakes", "many long names"])
def test_nothing_is_cut_off(case):
    p, y, names = CASES[case]
    with plots.offscreen():
        for name, draw in all_figures(p, y, names).items():
            figure = draw()
            figure.canvas.draw()
            drawn = figure.get_tightbbox()  # in inches
            width, height = figure.get_size_inches()
            assert drawn.x0 >= -0.01, name
            assert drawn.y0 >= -0.01, name
            assert drawn.x1 <= width + 0.01, name
            assert drawn.y1 <= height + 0.01, name


def test_every_figure_is_narrow_enough_for_a_phone():
    """At 5 inches a phone of 390 pixels shows text of 8 points with more than 8 pixels."""
    with plots.offscreen():
        for name, draw in all_figures(*CASES["a hundred"]).items():
            assert draw().get_size_inches()[0] <= 5, name


# --- What they show ------------------------------------------------------------------------


def bars(figure):
    return [chart.bars for chart in read_figure(figure).charts]


def words(figure):
    return [text.get_text() for text in texts_of(figure)]


def test_curves():
    figure = plots.curves(HISTORY)
    lines = [chart.lines for chart in read_figure(figure).charts]
    assert lines[0] == [HISTORY["accuracy"], HISTORY["val_accuracy"]]
    assert lines[1][:2] == [HISTORY["loss"], HISTORY["val_loss"]]
    assert "validation accuracy ends at 50.0%" in plots.alt(figure)
    assert "lowest in epoch 2" in plots.alt(figure)


def test_curves_of_what_fit_returns_and_of_less():
    history = {"loss": [1.0], "accuracy": [float("nan")], "other": [3]}
    figure = plots.curves(SimpleNamespace(history=history))
    assert plots.alt(figure) == "Training curves over 1 epoch. The training loss ends at 1."


@pytest.mark.parametrize("history", [{}, None, [1, 2], {"accuracy": []}, {"loss": [float("nan")]}])
def test_curves_of_nothing(history):
    with pytest.raises(ValueError, match="returns such a history"):
        plots.curves(history)


def test_confusion_matrix():
    figure = plots.confusion_matrix(P, Y, NAMES)
    cells = [text.get_text() for text in figure.axes[0].texts]
    # Rows: two ants of three right, the bee taken for a cow, all cows right.
    assert cells == ["67", "33", "", "", "", "100", "", "", "100"]
    assert "bee taken for cow" not in plots.alt(figure)  # as often, but later
    assert "ant taken for bee, 1 times of 3" in plots.alt(figure)
    assert "71.4% in all" in plots.alt(figure)


def test_confusion_matrix_of_many_classes_shows_the_lowest_and_all_others():
    p, y, names = CASES["a hundred"]
    figure = plots.confusion_matrix(p, y, names)
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    accuracy = mistakes.per_class(p, y, names)["accuracy"]
    assert len(rows) == 15
    assert max(accuracy[rows]) <= accuracy.drop(rows).min()
    columns = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert columns == [*rows, "any other"]
    assert "Only 15 of 100 classes are shown" in plots.alt(figure)


def test_a_small_share_is_not_zero():
    p, y = answers([0] * 300, [1] + [0] * 299)
    assert "<1" in words(plots.confusion_matrix(p, y))


def test_per_class_marks_the_hardest_by_more_than_color():
    figure = plots.per_class(P, Y, NAMES)
    assert bars(figure) == [[0, pytest.approx(2 / 3), 1]]
    patches = figure.axes[0].patches
    assert [bool(bar.get_hatch()) for bar in patches] == [True, False, False]
    assert plots.alt(figure).startswith(
        "Accuracy of each class, with 95% intervals. Lowest: bee, 0% (interval 0% to 79.3%). "
        "Highest: cow, 100%. All pictures: 71.4%."
    )


def test_no_class_is_marked_if_all_are_alike():
    figure = plots.per_class(*CASES["no mistakes"][:2])
    assert not any(bar.get_hatch() for bar in figure.axes[0].patches)


def test_no_class_is_shown_twice():
    for case in ("sixteen", "most classes absent", "a hundred"):
        p, y, _ = CASES[case]
        for figure in (plots.per_class(p, y), plots.class_change(p[:, ::-1], p, y)):
            shown = [t.get_text() for axes in figure.axes for t in axes.get_yticklabels()]
            assert len(shown) == len(set(shown))


def test_confidence_of_true_class():
    figure = plots.confidence_of_true_class(P, Y, NAMES)
    assert "Lowest mean: bee, 2.5%" in plots.alt(figure)
    assert "Highest: cow, 69.7%" in plots.alt(figure)


def test_top_confusions():
    figure = plots.top_confusions(P, Y, NAMES)
    assert "ant: 1 wrong" in words(figure)
    assert "cow: 0 wrong" in words(figure)
    many = plots.top_confusions(*CASES["a hundred"])
    assert len(bars(many)[0]) == 15
    assert bars(many)[0] == sorted(bars(many)[0], reverse=True)
    none = plots.top_confusions(*CASES["no mistakes"])
    assert plots.alt(none) == "There are no mistakes, so nothing is confused."


def test_confidence_histogram_keeps_right_and_wrong_apart():
    figure = plots.confidence_histogram(P, Y, bins=4)
    assert bars(figure) == [[0, 0, 4, 1], [0, 0, 0, 2]]
    assert "5 right answers: half of them are at least 60.0% sure" in plots.alt(figure)
    assert "2 wrong answers: half of them are at least 92.5% sure, and 2" in plots.alt(figure)
    assert "No answer is wrong." in plots.alt(plots.confidence_histogram(P[:2], Y[:2]))


def test_reliability():
    p, y = answers([0] * 10, [0] * 6 + [1] * 4, 0.9)
    figure = plots.reliability(p, y, count=10)
    assert "90.0% sure and right in 60.0%" in plots.alt(figure)
    assert "too sure of itself" in plots.alt(figure)
    assert "error 0.300" in plots.alt(figure)
    first, gap = bars(figure)[0]
    assert (first, gap) == (pytest.approx(0.6), pytest.approx(0.3))
    modest = plots.reliability(*answers([0] * 10, [0] * 10, 0.6))
    assert "less sure than it could be" in plots.alt(modest)


def test_guardrail():
    figure = plots.guardrail(P, Y)
    assert "Without it 71.4% of all answers are right" in plots.alt(figure)
    assert "At 90% the model answers 42.9% of the pictures, and 33.3%" in plots.alt(figure)
    silent = plots.guardrail(*answers([0, 1], [0, 1], 0.5))
    assert "answers 0% of the pictures: none." in plots.alt(silent)


def test_thresholds_count_those_that_are_as_sure_too():
    figure = plots.thresholds(P, None, Y)
    assert bars(figure) == [[2, 2, 2, 2, 2, 1, 0]]  # 0.9 counts at 90 %
    assert "2 wrong at 90%; 1 wrong at 95%; 0 wrong at 99%" in plots.alt(figure)
    both = plots.thresholds(BEFORE, P, Y)
    found = changes.compare(BEFORE, P, Y)
    assert bars(both)[0] == [*found["wrong_ge_before"].values(), *found["wrong_ge_after"].values()]


def test_before_after():
    figure = plots.before_after(BEFORE, P, Y, NAMES)
    said = words(figure)
    found = changes.compare(BEFORE, P, Y)
    for key in ("both_right", "fixed", "regressed", "both_wrong"):
        assert f"{found[key]:,}" in said
    assert "It may be chance (p = 0.62)" in said
    assert "2 are right both times, 3 are fixed, 1 are newly wrong, and 1 are wrong both" in (
        plots.alt(figure)
    )
    better = plots.before_after(*(answers([0] * 20, [c] * 20)[0] for c in (1, 0)), [0] * 20)
    assert "The model after is better (p < 0.0001)" in words(better)
    worse = plots.before_after(*(answers([0] * 20, [c] * 20)[0] for c in (0, 1)), [0] * 20)
    assert "The model after is worse (p < 0.0001)" in words(worse)


def test_class_change():
    figure = plots.class_change(BEFORE, P, Y, NAMES)
    assert bars(figure) == [[pytest.approx(200 / 3), pytest.approx(100 / 3), -100]]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["cow", "ant", "bee"]
    assert "2 classes are better, 1 are worse" in plots.alt(figure)
    assert "Most gained: cow, +66.7. Least: bee, -100.0." in plots.alt(figure)


def test_embedding():
    figure = plots.embedding(np.eye(7, 2), P, Y, NAMES)
    assert "7 pictures as points" in plots.alt(figure)
    assert "2 of them are wrong" in plots.alt(figure)
    assert [len(axes.collections) for axes in figure.axes] == [3, 2]
    with pytest.raises(ValueError, match=r"shape \(7, 2\)"):
        plots.embedding(np.eye(6, 2), P, Y)


# --- Pictures ------------------------------------------------------------------------------


def test_a_grid_shows_the_very_pictures_with_captions_that_the_checks_can_read():
    x = pictures(7)
    figure = plots.pictures_grid(x, [2, 3], P, Y, NAMES, "Mistakes")
    shown = read_figure(figure)
    assert all(np.array_equal(a, b) for a, b in zip(shown.images, x[[2, 3]], strict=True))
    for caption, number in zip(shown.captions, [2, 3], strict=True):
        pair = Pair(int(P[number].argmax()), int(Y[number]))
        assert read_pairs(caption, NAMES) == [pair]
    assert "number 2, true ant, predicted bee, 90.0%" in plots.alt(figure)


def test_a_grid_says_what_it_leaves_out():
    figure = plots.pictures_grid(pictures(7), range(7), P, Y, NAMES, "All", most=4)
    assert len(read_figure(figure).images) == 4
    assert "All (4 of 7)" in words(figure)
    none = plots.pictures_grid(pictures(7), [], P, Y, NAMES, "Odd ones")
    assert plots.alt(none) == "Odd ones: there is no such picture."


def test_right_and_wrong_frames_differ_by_more_than_color():
    figure = plots.pictures_grid(pictures(7), [0, 2], P, Y, NAMES)
    right, wrong = (axes.spines["left"] for axes in figure.axes)
    assert right.get_linestyle() != wrong.get_linestyle()
    assert right.get_edgecolor()[:3] == to_rgb(plots.BLUE)
    assert wrong.get_edgecolor()[:3] == to_rgb(plots.ORANGE)


@pytest.mark.parametrize(
    ("given", "numbers", "says"),
    [
        (pictures(6), [0], "needs 7 pictures"),
        (pictures(7)[..., 0], [0], r"shape \(7, 32, 32\)"),
        (pictures(7), [7], "from 0 to 6"),
        (pictures(7), [-1], "from 0 to 6"),
    ],
)
def test_a_grid_refuses_what_does_not_fit(given, numbers, says):
    with pytest.raises(ValueError, match=says):
        plots.pictures_grid(given, numbers, P, Y)
    assert not plt.get_fignums()


def test_pixels_of_any_kind():
    x = pictures(1)[0]
    assert plots.pixels(x) is x
    assert np.array_equal(plots.pixels(x / 255), x)
    assert np.array_equal(plots.pixels(x.astype(np.float32)), x)
    assert plots.pixels(x[..., :1]).shape == (32, 32, 3)


def test_saliency_shows_the_map_in_its_true_size():
    x = pictures(1)[0]
    one = np.zeros((4, 4))
    one[1, 2] = 1
    figure = plots.saliency(x, one, "a dog?")
    picture, true_map, together = (axes.images[0].get_array() for axes in figure.axes)
    assert np.array_equal(picture, x)
    assert np.array_equal(true_map, one)
    assert together.shape == (32, 32, 3)
    assert "map, 4 x 4 cells" in words(figure)
    assert plots.alt(figure) == (
        "Where the model looked, as maps of 4 x 4 cells. a dog?: strongest in row 2 and column 3."
    )
    flat = plots.saliency(x, np.zeros((4, 4)))
    assert "picture: the map is the same all over" in plots.alt(flat)


def test_saliency_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="needs 3 pictures"):
        plots.saliency(pictures(2), np.zeros((3, 4, 4)))
    with pytest.raises(ValueError, match="one map for each picture"):
        plots.saliency(pictures(2), np.zeros(4))


# --- For everybody -------------------------------------------------------------------------


def seen_by(color, kind):
    """A color as a color-blind person sees it (Vienot, Brettel and Mollon 1999)."""
    linear = np.asarray(to_rgb(color)) ** 2.2
    to_cones = np.array(
        [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
    )
    loss = np.eye(3)
    loss[kind] = {0: (0, 2.02344, -2.52581), 1: (0.494207, 0, 1.24827)}[kind]
    return (np.linalg.inv(to_cones) @ loss @ to_cones @ linear).clip(0, 1) ** (1 / 2.2)


@pytest.mark.parametrize("kind", [0, 1], ids=["no red cones", "no green cones"])
def test_blue_and_orange_stay_apart_for_color_blind_people(kind):
    assert np.abs(seen_by(plots.BLUE, kind) - seen_by(plots.ORANGE, kind)).max() > 0.3


def test_names_that_the_font_cannot_draw():
    names = plots.short_names(["\N{UNICORN FACE}", "W" * 40, "many words in a row, too", " "], 4)
    assert names == ["class 0", "W" * 9 + "…", "many words in a r…", "class 3"]
    assert plots.short_names(["aquarium_fish", "pickup_truck"], 2) == [
        "aquarium_fish",
        "pickup_truck",
    ]


def test_png():
    with plots.offscreen():
        figure = plots.curves(HISTORY)
    content = plots.png(figure, dpi=100)
    assert content[:4] == b"\x89PNG"
    import io

    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (500, 290)
        assert image.text["Description"] == plots.alt(figure)


def test_drawing_leaves_the_settings_as_they_were():
    before = dict(matplotlib.rcParams)
    plots.curves(HISTORY)
    assert dict(matplotlib.rcParams) == before


def test_offscreen_figures_are_nobody_elses():
    with plots.offscreen():
        plots.confusion_matrix(P, Y)
    assert not plt.get_fignums()
    plots.confusion_matrix(P, Y)
    assert len(plt.get_fignums()) == 1


def test_the_before_after_card_needs_neither_pandas_nor_sklearn():
    code = (
        "import sys, numpy as np\nfrom course_utils import analysis\n"
        "p = np.full((4, 2), 0.5)\nwith analysis.plots.offscreen():\n"
        "    analysis.plots.before_after(p, p, [0, 1, 0, 1])\n"
        "    analysis.plots.thresholds(p, p, [0, 1, 0, 1])\n"
        "    analysis.plots.class_change(p, p, [0, 1, 0, 1])\n"
        "print([n for n in ('pandas', 'sklearn', 'tensorflow', 'matplotlib.pyplot')"
        " if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_notebook_shows_each_figure_once(tmp_path):
    setup = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
import numpy as np
from course_utils.analysis import plots
from course_utils.album import Album
from course_utils.recorder import Recorder
rng = np.random.default_rng(0)
p, y = rng.dirichlet(np.ones(3), 20), rng.integers(0, 3, 20)
x = rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
recorder = Recorder(get_ipython(), 7)
recorder.album = Album(x)
recorder.install()"""
    cells = {
        "plots.reliability(p, y)": 1,  # the last line
        "figure = plots.reliability(p, y)": 1,  # the end of the cell
        "figure": 1,  # again, since it is asked for
        "figure = plots.reliability(p, y)\nfigure  # both": 1,
        "import matplotlib.pyplot as plt\nplots.reliability(p, y)\nplt.show()": 1,
        "display(plots.reliability(p, y))": 1,
        "plots.reliability(p, y)\nplots.guardrail(p, y)": 2,
        "with plots.offscreen():\n    plots.png(plots.reliability(p, y))": 0,
        "plots.pictures_grid(x, [4, 2], p, y)": 1,
        "print([shown.index for cell in recorder._cells.values() for shown in cell.shown])": 0,
    }
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in (setup, *cells)]
    client = NotebookClient(notebook, kernel_name="python3", timeout=120)
    client.execute(cwd=str(tmp_path))
    for cell, times in zip(notebook.cells[1:], cells.values(), strict=True):
        shown = [o for o in cell.outputs if "image/png" in o.get("data", {})]
        assert len(shown) == times, cell.source
        for output in shown:
            assert len(output.metadata["image/png"]["alt"]) > 20
    assert notebook.cells[-1].outputs[0].text.strip() == "[4, 2]"


# --- Plotly --------------------------------------------------------------------------------


def test_interactive_figures_hold_the_same_numbers():
    pytest.importorskip("plotly", reason="plotly is not installed")
    matrix = interactive.confusion_matrix(P, Y, NAMES)
    assert np.array_equal(matrix.data[0].customdata, mistakes.confusion(P, Y))
    assert matrix.data[0].z[0][0] == pytest.approx(200 / 3)
    histogram = interactive.confidence_histogram(P, Y, bins=10)
    assert [list(bar.y) for bar in histogram.data] == bars(plots.confidence_histogram(P, Y, 10))
    cloud = interactive.embedding(np.eye(7, 2), P, Y, NAMES)
    assert [trace.name for trace in cloud.data] == list(NAMES)
    assert "picture 2<br>true: ant<br>model: bee, 90.0% sure" in cloud.data[0].text
    for figure in (matrix, histogram, cloud):
        json.loads(figure.to_json())


def test_interactive_figures_read_no_markup_in_names():
    pytest.importorskip("plotly", reason="plotly is not installed")
    matrix = interactive.confusion_matrix(P, Y, ["<b>", "a & b", "$1$"])
    assert list(matrix.data[0].x) == ["&lt;b&gt;", "a &amp; b", "&#36;1&#36;"]


@pytest.mark.parametrize("name", ["confusion_matrix", "confidence_histogram", "embedding"])
def test_without_plotly_a_sentence(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    arguments = (np.eye(7, 2), P, Y) if name == "embedding" else (P, Y)
    with pytest.raises(ImportError, match=rf"pip install plotly, or use plots\.{name}"):
        getattr(interactive, name)(*arguments)
